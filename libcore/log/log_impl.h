/* The log's own files share this: its fields, locks and steps under the lock.
 *
 * Locks, in the order they may be taken: sync_lock, lock, list_lock.
 *   lock       appends, truncation, roll, start, producers; held over writes
 *   list_lock  segs, config, marks, epochs in memory, what a sync covers, listener
 *              and retired files; short, never held over I/O. What it guards is
 *              changed with `lock` held too (but for config and sync's own notes).
 *   sync_lock  one sync at a time; no other lock is held over its fdatasync
 * Offsets are atomics: written under one of the locks, read without any. */
#ifndef KQ_LOG_LOG_IMPL_H
#define KQ_LOG_LOG_IMPL_H

#include <pthread.h>

#include "log/leader_epochs.h"
#include "log/log_internal.h"
#include "log/producer_state.h"
#include "log/segment.h"

/* Where a batch began that was written lately: fetches at the tail and the high
 * watermark find their place here instead of by index and scan. */
struct kq_log_mark {
	int64_t offset, base, pos;
};
enum { KQ_LOG_MARKS = 16 };

struct kq_log_retired {
	int64_t base;
	int64_t due_ms; /* monotonic */
};

struct kq_log {
	pthread_mutex_t lock, list_lock, sync_lock;
	atomic_int refs;
	_Atomic int64_t start, end, durable, hw, lso, size, recovery;
	_Atomic int32_t latest_epoch;
	atomic_bool offline, closed, in_txn; /* in_txn: some transaction is not settled */
	atomic_bool broken; /* a write or sync failed: set before its lock is given back,
			     * offline follows without locks */
	_Atomic uint64_t appends, bytes_appended;

	struct kq_segment **segs; /* ascending; the last is the active one */
	int seg_count, seg_cap;
	struct kq_log_config config;
	int64_t jitter_ms;        /* taken off segment.ms for the active segment */
	struct kq_log_mark marks[KQ_LOG_MARKS];
	unsigned mark_next;
	bool dir_dirty;           /* files were made or renamed since the last syncdir */
	bool rolled;              /* tell the hook after unlock */
	_Atomic int64_t synced_mono_ms; /* when the last sync ended */

	struct kq_producer_state producers;
	int64_t snapshot_at;      /* a snapshot of this very state is on disk, -1 none */
	struct kq_leader_epochs epochs;
	struct kq_log_retired *retired;
	int retired_count, retired_cap;

	char *_Atomic dir; /* of the partition; a deletion renames it */
	char *topic;
	char **old_dirs; /* names it had: segments may still borrow them */
	int old_dir_count;
	int32_t partition;
	int dir_index;
	struct kq_uuid topic_id;
	bool sync; /* flush.policy=sync */
	struct kq_log_listener listener;
	struct kq_log_hooks hooks;
	struct kq_log_link link;
};

static inline int64_t kq_log_load(const _Atomic int64_t *a)
{
	return atomic_load_explicit((_Atomic int64_t *)a, memory_order_acquire);
}

/* Raises *a to v if it is lower; true if it was. */
bool kq_log_raise(_Atomic int64_t *a, int64_t v);

static inline bool kq_log_is_closed(const struct kq_log *log)
{
	return atomic_load_explicit((atomic_bool *)&log->closed, memory_order_acquire) ||
	       atomic_load_explicit((atomic_bool *)&log->broken, memory_order_acquire) ||
	       atomic_load_explicit((atomic_bool *)&log->offline, memory_order_acquire);
}

static inline struct kq_segment *kq_log_active(const struct kq_log *log)
{
	return log->segs[log->seg_count - 1];
}

/* Makes the object with empty state; no I/O. */
struct kq_log *kq_log_new(const struct kq_log_open_params *p);

/* Number of the segment whose range holds offset: the last one with base <= offset,
 * -1 if there is none. Under list_lock (or lock). */
int kq_log_segment_at(const struct kq_log *log, int64_t offset);

/* Puts seg (a reference taken over) behind the others. */
void kq_log_push_segment(struct kq_log *log, struct kq_segment *seg);

/* A copy of the configuration. */
void kq_log_copy_config(struct kq_log *log, struct kq_log_config *out);

/* Under lock: LSO anew from high watermark and transactions. */
void kq_log_settle(struct kq_log *log);

/* Under lock: seals the active segment and begins one at the end, with a snapshot of
 * the producers. Does nothing if the active one is empty. */
int kq_log_roll(struct kq_log *log);

/* Unlocks `lock`, then tells what happened under it: a roll; a failure (rc of a
 * write or sync), which takes the log offline. Returns rc. */
int kq_log_unlock(struct kq_log *log, int rc);

/* The log is offline from now on, for the reason rc. Once. Without locks. */
void kq_log_fail_with(struct kq_log *log, int rc);

/* Epochs in memory and the atomic that mirrors them; then the file. Under lock. */
int kq_log_note_epoch(struct kq_log *log, int32_t epoch, int64_t start);
int kq_log_cut_epochs(struct kq_log *log, int64_t start, int64_t end);

/* Under lock: takes the first n segments out of the list, renames their files and
 * notes them for removal; the log start goes up to the new first base. */
int kq_log_retire_segments(struct kq_log *log, int n);

/* log_files.c: what lies in the directory at open. Finishes or undoes half-done work,
 * then gives the bases of the segments, ascending; caller frees *bases. */
int kq_log_files_load(const char *dir, int64_t **bases, int *n, struct kq_error *e);

/* log_recover.c: brings the loaded segments to a state that can be served after an
 * unclean stop: first checks without touching anything, then cuts and rebuilds.
 * from: nothing below is read for its content. point: nothing below is cut (INT64_MAX:
 * nothing at all, the stop was clean). Sets the end. */
int kq_log_recover(struct kq_log *log, int64_t from, int64_t point, struct kq_error *e);

/* log_recover.c: producers from the newest snapshot at or below end, and a replay of
 * the batches from there to end; without any snapshot (clean) nobody is known. */
int kq_log_load_producers(struct kq_log *log, int64_t end, struct kq_error *e);

/* log_recover.c: the same under lock, for a log that was cut at end. */
int kq_log_reload_producers(struct kq_log *log, int64_t end, int64_t *at);

#endif
