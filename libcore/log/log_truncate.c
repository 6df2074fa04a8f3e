/* Cutting the end of a log (a follower that follows another leader's history).
 *
 * Crash: segments behind the cut go first, the newest first, then the one that holds
 * it is cut, so that at any moment the log is a prefix of what it was; the recovery
 * point goes down before. */
#include <assert.h>

#include "base/io.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"

/* Takes the last segment away at once. */
static int drop_last(struct kq_log *log)
{
	struct kq_segment *s = kq_log_active(log);
	int rc = kq_segment_retire(s);
	if (rc)
		return rc;
	pthread_mutex_lock(&log->list_lock);
	log->seg_count--;
	log->dir_dirty = true;
	pthread_mutex_unlock(&log->list_lock);
	atomic_fetch_sub(&log->size, atomic_load(&s->size));
	rc = kq_segment_remove_retired(log->dir, s->base_offset);
	kq_segment_unref(s);
	return rc;
}

static void lower(_Atomic int64_t *a, int64_t v)
{
	if (kq_log_load(a) > v)
		atomic_store(a, v);
}

/* All offsets that would lie behind the new end. */
static void lower_offsets(struct kq_log *log, int64_t end)
{
	pthread_mutex_lock(&log->list_lock);
	lower(&log->recovery, end);
	lower(&log->durable, end);
	lower(&log->hw, end);
	lower(&log->lso, end);
	lower(&log->start, end);
	lower(&log->end, end);
	log->mark_next = 0;
	pthread_mutex_unlock(&log->list_lock);
}

static int cut_active(struct kq_log *log, int64_t offset)
{
	struct kq_segment *s = kq_log_active(log);
	struct kq_batch b;
	int64_t pos, size = atomic_load(&s->size);
	int rc = kq_segment_find(s, offset, size, &b, &pos);
	if (rc <= 0)
		return rc; /* nothing there at or behind offset */
	/* Cut before a batch that offset lies inside of. */
	if (b.base_offset < offset)
		lower_offsets(log, b.base_offset);
	atomic_fetch_sub(&log->size, size - pos);
	return kq_segment_truncate(s, b.base_offset < offset ? b.base_offset : offset, pos);
}

static int cut_all(struct kq_log *log, int64_t offset)
{
	int rc = 0;
	lower_offsets(log, offset);
	while (!rc && log->seg_count > 1 && kq_log_active(log)->base_offset >= offset)
		rc = drop_last(log);
	if (!rc)
		rc = cut_active(log, offset);
	int64_t end = kq_log_load(&log->end), at;
	if (!rc)
		rc = kq_log_cut_epochs(log, kq_log_load(&log->start), end);
	if (!rc)
		rc = kq_producer_snapshot_delete_above(log->dir, end);
	if (!rc)
		rc = kq_log_reload_producers(log, end, &at);
	log->snapshot_at = -1;
	return rc;
}

int kq_log_truncate(struct kq_log *log, int64_t offset)
{
	pthread_mutex_lock(&log->sync_lock);
	pthread_mutex_lock(&log->lock);
	int rc = kq_log_is_closed(log) ? KQ_ECLOSED : 0;
	if (!rc && (offset < 0 || offset > kq_log_load(&log->end)))
		rc = KQ_ERANGE;
	if (!rc && offset < kq_log_load(&log->end))
		rc = cut_all(log, offset);
	pthread_mutex_unlock(&log->sync_lock);
	return kq_log_unlock(log, rc);
}
