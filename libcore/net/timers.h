/* One thread with a heap of deadlines, for waiting requests.
 *
 * kq_timers_add/cancel from any thread; callbacks run on the timers' thread and
 * must be short (complete an exchange, wake a waiter). */
#ifndef KQ_NET_TIMERS_H
#define KQ_NET_TIMERS_H

#include "kq/types.h"

struct kq_timers;
struct kq_timer {
	int64_t due_ms; /* monotonic */
	void (*fn)(void *arg);
	void *arg;
	int heap_index; /* -1 when not armed (set it so before the first use); timers' own */
};

/* NULL if there can be no thread. */
struct kq_timers *kq_timers_new(void);
void kq_timers_free(struct kq_timers *t); /* armed timers are dropped, fn not called */

void kq_timers_add(struct kq_timers *t, struct kq_timer *timer, int64_t delay_ms);
/* True if it was armed and now never fires; false if it fired, is firing (then
 * waits until the callback has returned, unless called from it) or was not armed. */
bool kq_timers_cancel(struct kq_timers *t, struct kq_timer *timer);

#endif
