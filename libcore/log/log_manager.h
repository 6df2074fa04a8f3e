/* All logs of a broker, over its log directories: locks, meta.properties,
 * loading at start (in parallel, after recovery where the stop was unclean),
 * creation, deletion, checkpoints, group commit, retention, clean shutdown.
 *
 * A directory whose write or sync failed goes offline as a whole: its logs answer
 * KQ_ECLOSED to appends; reads of what is there go on where they can. */
#ifndef KQ_LOG_LOG_MANAGER_H
#define KQ_LOG_LOG_MANAGER_H

#include "log/log.h"

struct kq_log_manager;

enum kq_flush_policy { KQ_FLUSH_SYNC, KQ_FLUSH_OS };

struct kq_log_manager_options {
	const char *const *dirs; /* log.dirs; created if missing */
	int dir_count;
	int32_t broker_id;       /* -1: take the one in meta.properties, else 1 (ours to write) */
	const char *cluster_id;  /* NULL: take the one in meta.properties, else make one */
	enum kq_flush_policy flush_policy;
	int recovery_threads;    /* num.recovery.threads.per.data.dir */
	struct kq_log_config defaults;
	/* Effective config of a topic, asked while loading (by the loading threads,
	 * several at a time); NULL: defaults. */
	void (*topic_config)(void *arg, const char *topic, struct kq_log_config *out);
	void *arg;
	int64_t checkpoint_interval_ms; /* recovery point and log start, 60 s (0); hw 5 s */
	int64_t retention_check_ms;     /* log.retention.check.interval.ms, 5 min (0) */
	int sync_threads;               /* 0: 4 */
};

/* Opens and loads everything; starts the syncer and housekeeping threads.
 * KQ_EBUSY: another process holds .lock (text names its pid); KQ_EINVAL: ids in
 * meta.properties clash. A partition with damage before the recovery point or
 * that cannot be loaded is reported (log line) and kept offline: it does not stop
 * the others. */
int kq_log_manager_open(struct kq_log_manager **out, const struct kq_log_manager_options *o,
			struct kq_error *e);

/* Clean shutdown: sync all, snapshots, checkpoints, marker, unlock. */
void kq_log_manager_close(struct kq_log_manager *m);

int32_t kq_log_manager_broker_id(const struct kq_log_manager *m);
const char *kq_log_manager_cluster_id(const struct kq_log_manager *m);

/* The log of a partition, or NULL. Valid until it is deleted: a reference is
 * counted by kq_log_ref/unref. */
struct kq_log *kq_log_manager_find(struct kq_log_manager *m, const char *topic, int32_t partition);
void kq_log_ref(struct kq_log *log);
void kq_log_unref(struct kq_log *log);

/* Whether the partition lies on disk but could not be loaded. */
bool kq_log_manager_is_offline(struct kq_log_manager *m, const char *topic, int32_t partition);

/* Calls fn for each such partition; topic_id zero if unknown. fn must not call the
 * manager. */
void kq_log_manager_each_offline(struct kq_log_manager *m,
				 void (*fn)(void *arg, const char *topic, int32_t partition,
					    struct kq_uuid topic_id),
				 void *arg);

/* Calls fn for each log (a stable snapshot; no lock held during the calls). */
void kq_log_manager_each(struct kq_log_manager *m, void (*fn)(void *arg, struct kq_log *log),
			 void *arg);

/* Creates an empty log in the online directory with the fewest partitions;
 * partition.metadata is durable before it returns. Returns a reference. KQ_EINVAL (not
 * a topic's name), KQ_EEXIST, KQ_ECLOSED (no directory is online), KQ_EIO, KQ_ENOSPC. */
int kq_log_manager_create(struct kq_log_manager *m, const char *topic, int32_t partition,
			  struct kq_uuid topic_id, const struct kq_log_config *config,
			  struct kq_log **out, struct kq_error *e);

/* The same for partitions [first, first + count) of a topic, side by side: all or, on
 * error, none. out[count] gets the references. */
int kq_log_manager_create_many(struct kq_log_manager *m, const char *topic, int32_t first,
			       int32_t count, struct kq_uuid topic_id,
			       const struct kq_log_config *config, struct kq_log **out,
			       struct kq_error *e);

/* Takes the log out of service and renames its directory to
 * <topic>-<partition>.<hex>-delete, durably; the files go after
 * file.delete.delay.ms on the housekeeping thread. Partitions that could not be
 * loaded are deleted the same way. KQ_ENOTFOUND, KQ_EIO. */
int kq_log_manager_delete(struct kq_log_manager *m, const char *topic, int32_t partition);

/* Gives an id to a log from an old directory that has none: partition.metadata is
 * durable on return. KQ_EEXIST if it has another. */
int kq_log_manager_set_topic_id(struct kq_log_manager *m, struct kq_log *log,
				struct kq_uuid topic_id);

/* Writes all checkpoint files that changed, now. The housekeeping thread does it at
 * intervals; a caller that truncated a log does it before the next append. */
int kq_log_manager_checkpoint(struct kq_log_manager *m);

/* Asks for group commit: the durable end of log moves to at least its present end
 * soon, told to its listener. Called after an append that waits for the disk; many
 * askers share one fdatasync. Under KQ_FLUSH_OS it does nothing. */
void kq_log_manager_want_sync(struct kq_log_manager *m, struct kq_log *log);

struct kq_log_dir_info {
	const char *path;
	bool online;
	int64_t total_bytes, usable_bytes; /* of the file system */
};
int kq_log_manager_dir_count(const struct kq_log_manager *m);
void kq_log_manager_dir(const struct kq_log_manager *m, int i, struct kq_log_dir_info *out);

/* Counters for metrics; any thread. */
struct kq_log_manager_stats {
	uint64_t syncs, sync_us_total, sync_us_max, appends, bytes_appended;
};
void kq_log_manager_stats(const struct kq_log_manager *m, struct kq_log_manager_stats *out);

#endif
