/* Group commit: a few threads that sync logs on request, so that many appends
 * share one fdatasync.
 *
 * A log waits in the queue at most once. Requests that come while its sync runs are
 * answered by one more sync after it: each request is covered by a sync that begins
 * after it was made. The syncer holds a reference to each log it has work for. */
#ifndef KQ_LOG_SYNCER_H
#define KQ_LOG_SYNCER_H

#include <stdint.h>

struct kq_log;
struct kq_syncer;

struct kq_syncer_stats {
	uint64_t requests;      /* asked for */
	uint64_t syncs;         /* done, failed ones included */
	uint64_t sync_us_total;
	uint64_t sync_us_max;
};

/* Starts the threads (1 or more). sync is what a worker does with a log, normally
 * kq_log_sync; its failures are the log's own to tell. KQ_ENOMEM. */
int kq_syncer_start(struct kq_syncer **out, int threads, int (*sync)(struct kq_log *log));

/* Drains the queue, ends the threads, frees all. free(NULL) does nothing. Nobody may
 * request any more. */
void kq_syncer_stop(struct kq_syncer *s);

/* A sync of log that begins after this call; any thread, never blocks on a sync. */
void kq_syncer_request(struct kq_syncer *s, struct kq_log *log);

void kq_syncer_stats(const struct kq_syncer *s, struct kq_syncer_stats *out);

#endif
