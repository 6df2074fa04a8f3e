/* What the log manager needs of a log beyond log.h: birth, sync, upkeep, end.
 *
 * Life: kq_log_open (or kq_log_create) gives one reference, kq_log_close takes the
 * log out of service, the last kq_log_unref frees it. */
#ifndef KQ_LOG_LOG_INTERNAL_H
#define KQ_LOG_LOG_INTERNAL_H

#include <stdatomic.h>

#include "log/log.h"

/* What the log asks of its owner. Called without the log's lock; any may be NULL. */
struct kq_log_hooks {
	/* A write or sync failed (err, KQ_EIO or KQ_ENOSPC): the log is offline by
	 * now; the owner calls kq_log_fail on the others of the same directory. */
	void (*dir_failed)(void *arg, struct kq_log *log, int err);
	/* A segment was rolled: a background kq_log_sync_rolled is worth while. */
	void (*rolled)(void *arg, struct kq_log *log);
	/* The log start moved by kq_log_delete_before and must become durable now
	 * (log-start-offset-checkpoint). 0 or a negative KQ_E*. */
	int (*start_moved)(void *arg, struct kq_log *log);
	void *arg;
};

struct kq_log_open_params {
	const char *dir; /* the partition's directory; copied */
	int dir_index;   /* which of log.dirs */
	const char *topic; /* copied */
	int32_t partition;
	struct kq_uuid topic_id; /* zero = none */
	const struct kq_log_config *config;
	bool sync;              /* flush.policy=sync: the durable end waits for kq_log_sync */
	bool clean;             /* the stop before was clean: nothing is scanned */
	int64_t recovery_point; /* from the checkpoint; 0 none */
	int64_t log_start;      /* from the checkpoint; 0 none */
	int64_t high_watermark; /* from the checkpoint; 0 none */
	struct kq_log_hooks hooks;
};

/* Opens the log in p->dir, which exists (a directory with no segment becomes an
 * empty log at p->log_start). Half-done work of a crash is finished or undone
 * (LOG_FORMAT section 8); an unclean log is recovered from p->recovery_point on: a
 * torn tail is cut; damage with valid batches behind it, or below the recovery
 * point, is KQ_ECORRUPT with the place in *e, and no file is touched.
 * After a clean stop the cost is constant for each segment. */
int kq_log_open(const struct kq_log_open_params *p, struct kq_log **out, struct kq_error *e);

/* Makes p->dir, writes partition.metadata if there is a topic id, makes the first
 * segment at p->log_start, all durable, and opens it. KQ_EEXIST. */
int kq_log_create(const struct kq_log_open_params *p, struct kq_log **out, struct kq_error *e);

/* Takes the log out of service: appends and reads answer KQ_ECLOSED. clean: what is
 * not synced is, indexes are trimmed, and the producers' snapshot is written at the
 * end; then kq_log_recovery_point is the end. An error leaves the log closed all the
 * same, and the stop must not be marked as clean. Not clean: nothing is written. */
int kq_log_close(struct kq_log *log, bool clean);

/* kq_log_ref and kq_log_unref: log_manager.h. */

/* Makes all that was appended before the call durable: fdatasync of each segment
 * (and of the indexes of rolled ones) written since the last sync, without a lock
 * held over it. Then moves the recovery point and the durable end and tells the
 * listener. Nothing new: returns 0 at once. Any thread; two at a time for one log
 * are in order. On failure the log fails (dir_failed) and KQ_EIO/KQ_ENOSPC comes
 * back; KQ_EAGAIN if no descriptor was to be had: the log goes on, try again. */
int kq_log_sync(struct kq_log *log);

/* The same for the segments before the active one only (background, after a roll). */
int kq_log_sync_rolled(struct kq_log *log);

/* Whether kq_log_sync would have something to do. No lock. */
bool kq_log_is_dirty(const struct kq_log *log);

/* Kafka's own flush.messages and flush.ms at mono_ms: whether a sync is due. */
bool kq_log_flush_due(struct kq_log *log, int64_t mono_ms);

/* Everything below is synced; what the checkpoint gets. No lock. */
int64_t kq_log_recovery_point(const struct kq_log *log);

/* Base offset of the first segment (the log start is checkpointed only if above). */
int64_t kq_log_first_base(struct kq_log *log);

/* The log goes offline (its directory failed elsewhere); tells the listener once.
 * Does not call dir_failed. Any thread. */
void kq_log_fail(struct kq_log *log);

/* Removes `.deleted` files whose delay is over at mono_ms, expires producers by
 * wall_ms. Cheap when there is nothing to do. Number of files removed. */
int kq_log_housekeep(struct kq_log *log, int64_t mono_ms, int64_t wall_ms);

/* Appends whole v2 batches as they are (offsets and epochs given: a follower, or a
 * test): the first offset must be >= the end. KQ_EINVAL, and as kq_log_append. */
int kq_log_append_as_is(struct kq_log *log, const uint8_t *bytes, size_t n);

/* After the directory was renamed (deletion, move): where it is now. */
void kq_log_set_dir(struct kq_log *log, const char *dir);

/* The topic id becomes known later than the directory (old directories). */
void kq_log_set_topic_id(struct kq_log *log, struct kq_uuid topic_id);

/* Number of bytes and batches ever appended through this object; no lock. */
void kq_log_counters(const struct kq_log *log, uint64_t *appends, uint64_t *bytes);

/* Room in the log for its manager's queues and tables; the log never looks at it.
 * Zeroed at open. */
struct kq_log_link {
	void *manager;
	struct kq_log *next;   /* in the manager's sync queue */
	atomic_int queued;
	int64_t checkpointed;  /* whatever the manager last wrote */
};
struct kq_log_link *kq_log_link(struct kq_log *log);

#endif
