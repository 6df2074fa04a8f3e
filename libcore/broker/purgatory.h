/* Requests that wait: for partitions to move, or for their deadline.
 *
 * A parked request watches partitions; when `needed` of the watches have fired, or
 * the deadline passes, or the broker stops, resume() runs exactly once, on the loop
 * of the request's connection, with no watch and no timer left behind. */
#ifndef KQ_BROKER_PURGATORY_H
#define KQ_BROKER_PURGATORY_H

#include <stdatomic.h>

#include "broker/partition.h"
#include "net/server.h"
#include "net/timers.h"

struct kq_purgatory;
struct kq_broker;

/* timers is borrowed. */
struct kq_purgatory *kq_purgatory_new(struct kq_timers *timers);
void kq_purgatory_free(struct kq_purgatory *p); /* nothing may be parked */

/* Resumes at once all requests that need not wait while the broker stops (Fetch
 * answers with what it has). Any thread. */
void kq_purgatory_drain(struct kq_purgatory *p);
/* Requests parked now. */
int64_t kq_purgatory_count(struct kq_purgatory *p);

struct kq_watch {
	struct kq_waiter waiter; /* first: the waiter's fn gets from it to here */
	struct kq_parked *parked;
	_Atomic bool quiet;      /* not listed, and its callback is over */
};

/* Embedded in the memory of the request; zeroed by the owner before init. */
struct kq_parked {
	struct kq_purgatory *home;
	struct kq_parked *prev, *next;
	struct kq_exchange *x;
	struct kq_timer timer;
	struct kq_watch *watches;
	int watch_count;
	_Atomic int needed;      /* fires until it wakes; one more until kq_parked_go */
	_Atomic bool woken, timed_out, retired;
	bool drains;             /* kq_purgatory_drain wakes it */
	bool stopped;            /* set for resume: woken by the drain */
	void (*resume)(struct kq_parked *p);
};

/* watches: room for as many as will be watched. */
void kq_parked_init(struct kq_parked *p, struct kq_purgatory *home, struct kq_exchange *x,
		    struct kq_watch *watches, int needed, void (*resume)(struct kq_parked *p));

/* Fires when the high watermark of the partition is at least until, or the partition
 * is retired (p->retired is set). Fires at once if it is there already. */
void kq_parked_watch(struct kq_parked *p, struct kq_partition *partition, int64_t until);

/* All watches are set: from here p belongs to the purgatory until resume() runs. */
void kq_parked_go(struct kq_parked *p, int64_t delay_ms);

#endif
