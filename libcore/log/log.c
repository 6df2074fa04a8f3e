/* The log as an object: birth and death of the struct, its locks, its offsets, how it
 * fails. What goes to disk is in log_append.c (append, roll), log_sync.c (sync,
 * close), log_retain.c (deletion), log_truncate.c, log_open.c and log_recover.c. */
#include "log/log.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "log/log_impl.h"
#include "log/log_manager.h"

struct kq_log *kq_log_new(const struct kq_log_open_params *p)
{
	struct kq_log *log = kq_calloc(1, sizeof *log);
	pthread_mutex_init(&log->lock, NULL);
	pthread_mutex_init(&log->list_lock, NULL);
	pthread_mutex_init(&log->sync_lock, NULL);
	atomic_init(&log->refs, 1);
	atomic_init(&log->latest_epoch, -1);
	log->config = *p->config;
	log->dir = kq_strdup(p->dir);
	log->topic = kq_strdup(p->topic);
	log->partition = p->partition;
	log->dir_index = p->dir_index;
	log->topic_id = p->topic_id;
	log->sync = p->sync;
	log->hooks = p->hooks;
	log->snapshot_at = -1;
	atomic_init(&log->synced_mono_ms, kq_clock_mono_ms());
	kq_producer_state_init(&log->producers);
	kq_leader_epochs_init(&log->epochs, log->dir);
	return log;
}

static void free_log(struct kq_log *log)
{
	for (int i = 0; i < log->seg_count; i++)
		kq_segment_unref(log->segs[i]);
	free(log->segs);
	kq_producer_state_deinit(&log->producers);
	kq_leader_epochs_deinit(&log->epochs);
	free(log->retired);
	for (int i = 0; i < log->old_dir_count; i++)
		free(log->old_dirs[i]);
	free(log->old_dirs);
	free(log->dir);
	free(log->topic);
	pthread_mutex_destroy(&log->lock);
	pthread_mutex_destroy(&log->list_lock);
	pthread_mutex_destroy(&log->sync_lock);
	free(log);
}

void kq_log_ref(struct kq_log *log)
{
	atomic_fetch_add_explicit(&log->refs, 1, memory_order_relaxed);
}

void kq_log_unref(struct kq_log *log)
{
	if (log && atomic_fetch_sub_explicit(&log->refs, 1, memory_order_acq_rel) == 1)
		free_log(log);
}

void kq_log_set_listener(struct kq_log *log, const struct kq_log_listener *l)
{
	pthread_mutex_lock(&log->list_lock);
	log->listener = *l;
	pthread_mutex_unlock(&log->list_lock);
}

const char *kq_log_topic(const struct kq_log *log) { return log->topic; }
int32_t kq_log_partition(const struct kq_log *log) { return log->partition; }
struct kq_uuid kq_log_topic_id(const struct kq_log *log) { return log->topic_id; }
const char *kq_log_dir(const struct kq_log *log) { return log->dir; }
int kq_log_dir_index(const struct kq_log *log) { return log->dir_index; }
struct kq_log_link *kq_log_link(struct kq_log *log) { return &log->link; }

bool kq_log_is_offline(const struct kq_log *log)
{
	return atomic_load((atomic_bool *)&log->offline) || atomic_load((atomic_bool *)&log->broken);
}

void kq_log_set_config(struct kq_log *log, const struct kq_log_config *config)
{
	pthread_mutex_lock(&log->list_lock);
	log->config = *config;
	pthread_mutex_unlock(&log->list_lock);
}

void kq_log_copy_config(struct kq_log *log, struct kq_log_config *out)
{
	pthread_mutex_lock(&log->list_lock);
	*out = log->config;
	pthread_mutex_unlock(&log->list_lock);
}

void kq_log_set_topic_id(struct kq_log *log, struct kq_uuid topic_id)
{
	log->topic_id = topic_id;
}

void kq_log_set_dir(struct kq_log *log, const char *dir)
{
	pthread_mutex_lock(&log->lock);
	pthread_mutex_lock(&log->list_lock);
	/* Whoever reads the old name at this moment may go on doing so. */
	log->old_dirs = kq_realloc(log->old_dirs, (size_t)(log->old_dir_count + 1) * sizeof(char *));
	log->old_dirs[log->old_dir_count++] = log->dir;
	log->dir = kq_strdup(dir);
	log->epochs.dir = log->dir;
	for (int i = 0; i < log->seg_count; i++) {
		struct kq_segment *s = log->segs[i];
		s->dir = s->txns.dir = s->offsets.file.dir = s->times.file.dir = log->dir;
	}
	pthread_mutex_unlock(&log->list_lock);
	pthread_mutex_unlock(&log->lock);
}

int64_t kq_log_start_offset(const struct kq_log *log) { return kq_log_load(&log->start); }
int64_t kq_log_end_offset(const struct kq_log *log) { return kq_log_load(&log->end); }
int64_t kq_log_durable_end(const struct kq_log *log) { return kq_log_load(&log->durable); }
int64_t kq_log_high_watermark(const struct kq_log *log) { return kq_log_load(&log->hw); }
int64_t kq_log_last_stable_offset(const struct kq_log *log) { return kq_log_load(&log->lso); }
int64_t kq_log_size(const struct kq_log *log) { return kq_log_load(&log->size); }
int64_t kq_log_recovery_point(const struct kq_log *log) { return kq_log_load(&log->recovery); }

int32_t kq_log_latest_epoch(const struct kq_log *log)
{
	return atomic_load((_Atomic int32_t *)&log->latest_epoch);
}

void kq_log_counters(const struct kq_log *log, uint64_t *appends, uint64_t *bytes)
{
	*appends = atomic_load((_Atomic uint64_t *)&log->appends);
	*bytes = atomic_load((_Atomic uint64_t *)&log->bytes_appended);
}

int64_t kq_log_first_base(struct kq_log *log)
{
	pthread_mutex_lock(&log->list_lock);
	int64_t base = log->segs[0]->base_offset;
	pthread_mutex_unlock(&log->list_lock);
	return base;
}

bool kq_log_raise(_Atomic int64_t *a, int64_t v)
{
	int64_t old = atomic_load_explicit(a, memory_order_relaxed);
	while (old < v) {
		if (atomic_compare_exchange_weak_explicit(a, &old, v, memory_order_acq_rel,
							  memory_order_relaxed))
			return true;
	}
	return false;
}

void kq_log_settle(struct kq_log *log)
{
	int64_t hw = kq_log_load(&log->hw);
	int64_t unstable = kq_producer_state_first_unstable(&log->producers);
	atomic_store(&log->in_txn, unstable >= 0);
	kq_log_raise(&log->lso, unstable >= 0 && unstable < hw ? unstable : hw);
}

void kq_log_advance_high_watermark(struct kq_log *log, int64_t hw)
{
	int64_t end = kq_log_load(&log->durable);
	if (hw > end)
		hw = end;
	if (!kq_log_raise(&log->hw, hw))
		return;
	if (!atomic_load(&log->in_txn)) {
		/* A transaction that begins meanwhile begins above hw. */
		kq_log_raise(&log->lso, hw);
		return;
	}
	pthread_mutex_lock(&log->lock);
	kq_producer_state_advance(&log->producers, kq_log_load(&log->hw));
	kq_log_settle(log);
	pthread_mutex_unlock(&log->lock);
}

int kq_log_segment_at(const struct kq_log *log, int64_t offset)
{
	int lo = 0, hi = log->seg_count;
	while (lo < hi) {
		int mid = lo + (hi - lo) / 2;
		if (log->segs[mid]->base_offset <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo - 1;
}

void kq_log_push_segment(struct kq_log *log, struct kq_segment *seg)
{
	pthread_mutex_lock(&log->list_lock);
	assert(log->seg_count == 0 || kq_log_active(log)->base_offset < seg->base_offset);
	if (log->seg_count == log->seg_cap) {
		log->seg_cap = log->seg_cap ? log->seg_cap * 2 : 2;
		log->segs = kq_realloc(log->segs, (size_t)log->seg_cap * sizeof *log->segs);
	}
	log->segs[log->seg_count++] = seg;
	pthread_mutex_unlock(&log->list_lock);
}

void kq_log_fail(struct kq_log *log)
{
	if (atomic_exchange(&log->offline, true))
		return;
	pthread_mutex_lock(&log->list_lock);
	struct kq_log_listener l = log->listener;
	pthread_mutex_unlock(&log->list_lock);
	if (l.failed)
		l.failed(l.arg);
}

void kq_log_fail_with(struct kq_log *log, int rc)
{
	if (atomic_load(&log->offline))
		return;
	kq_error_log("log", "%s: %s; the log directory goes offline", log->dir, kq_strerror(rc));
	kq_log_fail(log);
	if (log->hooks.dir_failed)
		log->hooks.dir_failed(log->hooks.arg, log, rc);
}

int kq_log_unlock(struct kq_log *log, int rc)
{
	bool rolled = log->rolled, failed = rc == KQ_EIO || rc == KQ_ENOSPC || rc == KQ_ENOTFOUND ||
					    rc == KQ_EAUTH;
	log->rolled = false;
	if (failed) {
		rc = rc == KQ_ENOSPC ? rc : KQ_EIO;
		atomic_store(&log->broken, true); /* whoever waits for the lock must know */
	}
	pthread_mutex_unlock(&log->lock);
	if (failed)
		kq_log_fail_with(log, rc);
	else if (rolled && log->hooks.rolled)
		log->hooks.rolled(log->hooks.arg, log);
	return rc;
}

int kq_log_note_epoch(struct kq_log *log, int32_t epoch, int64_t start)
{
	pthread_mutex_lock(&log->list_lock);
	int rc = kq_leader_epochs_assign(&log->epochs, epoch, start);
	atomic_store(&log->latest_epoch, kq_leader_epochs_latest(&log->epochs));
	pthread_mutex_unlock(&log->list_lock);
	return rc ? rc : kq_leader_epochs_flush(&log->epochs);
}

int kq_log_cut_epochs(struct kq_log *log, int64_t start, int64_t end)
{
	pthread_mutex_lock(&log->list_lock);
	kq_leader_epochs_truncate_end(&log->epochs, end);
	kq_leader_epochs_truncate_start(&log->epochs, start);
	atomic_store(&log->latest_epoch, kq_leader_epochs_latest(&log->epochs));
	pthread_mutex_unlock(&log->list_lock);
	return kq_leader_epochs_flush(&log->epochs);
}

int kq_log_assign_epoch(struct kq_log *log, int32_t epoch)
{
	pthread_mutex_lock(&log->lock);
	int rc = KQ_ECLOSED;
	if (!kq_log_is_closed(log))
		rc = kq_log_note_epoch(log, epoch, kq_log_load(&log->end));
	return kq_log_unlock(log, rc);
}

int32_t kq_log_epoch_at(struct kq_log *log, int64_t offset)
{
	pthread_mutex_lock(&log->list_lock);
	int32_t epoch = kq_leader_epochs_at(&log->epochs, offset);
	pthread_mutex_unlock(&log->list_lock);
	return epoch;
}

void kq_log_epoch_end(struct kq_log *log, int32_t epoch, int32_t *found, int64_t *end)
{
	pthread_mutex_lock(&log->list_lock);
	kq_leader_epochs_end(&log->epochs, epoch, kq_log_load(&log->end), found, end);
	pthread_mutex_unlock(&log->list_lock);
}

int kq_log_producers(struct kq_log *log, struct kq_producer_info **v, int *n)
{
	pthread_mutex_lock(&log->lock);
	int rc = kq_producer_state_list(&log->producers, v, n);
	pthread_mutex_unlock(&log->lock);
	return rc;
}
