/* What the files of the log manager share: log_manager.c (the API), .._start.c (from
 * directories to open logs), .._upkeep.c (checkpoints, failures, housekeeping).
 *
 * Locks, in the order they may be taken: change, then a directory's checkpoint, then
 * table or house. None is held while a log is called that may call back. */
#ifndef KQ_LOG_LOG_MANAGER_INTERNAL_H
#define KQ_LOG_LOG_MANAGER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "log/checkpoint.h"
#include "log/data_dir.h"
#include "log/log_internal.h"
#include "log/log_manager.h"
#include "log/meta_properties.h"
#include "log/syncer.h"

enum kq_checkpoint_kind {
	KQ_CHECKPOINT_RECOVERY, /* recovery-point-offset-checkpoint */
	KQ_CHECKPOINT_START,    /* log-start-offset-checkpoint */
	KQ_CHECKPOINT_HW,       /* replication-offset-checkpoint */
	KQ_CHECKPOINT_KINDS,
};

enum { KQ_LOG_KEY_MAX = KQ_TOPIC_NAME_MAX + 4 };

struct kq_manager_dir {
	char *path;
	int index;
	struct kq_data_dir_lock lock;
	atomic_bool online;
	atomic_bool unclean;  /* something in it could not be closed in order */
	atomic_bool stale;    /* its checkpoints name partitions that are gone */
	bool clean;           /* the stop before was clean */
	bool has_meta;
	struct kq_meta_properties meta;
	struct kq_checkpoint *loaded[KQ_CHECKPOINT_KINDS]; /* while loading only */
	int partitions;       /* under table */
	pthread_mutex_t checkpoint; /* one writer of the files below at a time */
	struct {
		uint32_t crc;
		size_t len; /* 0: not written yet */
	} written[KQ_CHECKPOINT_KINDS];
};

/* A partition that lies on disk and could not be loaded. Its checkpoint lines are
 * kept, so that a later start has them when the disk is repaired. */
struct kq_offline_partition {
	char *topic;
	int32_t partition;
	struct kq_uuid topic_id;
	int dir;
	char *path;
	int64_t offsets[KQ_CHECKPOINT_KINDS]; /* -1 no line */
};

/* A directory to remove once its time has come. */
struct kq_doomed_dir {
	struct kq_doomed_dir *next;
	int64_t due_mono_ms;
	char path[];
};

struct kq_log_manager {
	struct kq_manager_dir *dirs;
	int dir_count;
	int32_t broker_id;
	char cluster_id[64];
	enum kq_flush_policy flush_policy;
	int recovery_threads;
	struct kq_log_config defaults;
	void (*topic_config)(void *arg, const char *topic, struct kq_log_config *out);
	void *topic_config_arg;
	int64_t checkpoint_interval_ms, retention_check_ms;

	pthread_mutex_t change; /* creation and deletion, one at a time */

	pthread_rwlock_t table; /* logs, offline, dirs[].partitions, retired_* */
	struct kq_map logs;     /* key to struct kq_log, a reference each */
	struct kq_map offline;  /* key to struct kq_offline_partition */
	uint64_t retired_appends, retired_bytes;

	struct kq_syncer *syncer;

	pthread_mutex_t house; /* the fields below */
	pthread_cond_t house_wake;
	pthread_t house_thread;
	bool house_running, house_stop;
	struct kq_doomed_dir *doomed;
	struct kq_log **rolled; /* references; to be synced behind their active segment */
	int rolled_count, rolled_cap;
};

/* Key of a partition in the tables; its length. */
size_t kq_log_key(const char *topic, int32_t partition, uint8_t key[KQ_LOG_KEY_MAX]);

/* References to all logs (dir -1) or those of one directory; the caller unrefs each
 * and frees the array: kq_log_manager_release(). */
struct kq_log **kq_log_manager_snapshot(struct kq_log_manager *m, int dir, int *n);
void kq_log_manager_release(struct kq_log **v, int n);

/* Runs fn(arg, i) for i in [0, n) on up to `threads` threads, this one included. */
void kq_run_parallel(int n, int threads, void (*fn)(void *arg, int i), void *arg);

/* ---- log_manager_start.c ---- */

/* Makes, locks and identifies the directories: fills m->dirs, ids. */
int kq_log_manager_open_dirs(struct kq_log_manager *m, const struct kq_log_manager_options *o,
			     struct kq_error *e);

/* Finds and opens all partitions into the tables. */
int kq_log_manager_load(struct kq_log_manager *m, struct kq_error *e);

/* Open parameters common to all logs of m. */
void kq_log_manager_params(struct kq_log_manager *m, struct kq_manager_dir *d,
			   struct kq_log_open_params *p);

/* The topic's configuration, or the defaults. */
void kq_log_manager_config(struct kq_log_manager *m, const char *topic, struct kq_log_config *out);

/* ---- log_manager_upkeep.c ---- */

/* Takes a directory out of service, once; what: words for the log line. */
void kq_log_manager_fail_dir(struct kq_log_manager *m, struct kq_manager_dir *d, int err,
			     const char *what);

/* Writes one or all checkpoint files of a directory if they changed. On failure the
 * directory is offline. */
int kq_manager_dir_checkpoint(struct kq_log_manager *m, struct kq_manager_dir *d,
			      enum kq_checkpoint_kind kind);
int kq_manager_dir_checkpoint_all(struct kq_log_manager *m, struct kq_manager_dir *d);

/* File name of a checkpoint. */
const char *kq_checkpoint_name(enum kq_checkpoint_kind kind);

/* Puts a directory (its present path) on the list to be removed in delay_ms. */
void kq_log_manager_doom(struct kq_log_manager *m, const char *path, int64_t delay_ms);

int kq_log_manager_start_house(struct kq_log_manager *m);
void kq_log_manager_stop_house(struct kq_log_manager *m);

/* Hooks of the logs (struct kq_log_hooks). */
void kq_log_manager_on_dir_failed(void *arg, struct kq_log *log, int err);
void kq_log_manager_on_rolled(void *arg, struct kq_log *log);
int kq_log_manager_on_start_moved(void *arg, struct kq_log *log);

#endif
