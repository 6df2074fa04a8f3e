/* Group commit and the clean end.
 *
 * A sync covers what was published when it began: each segment written since the last
 * one is fdatasynced (of sealed ones the indexes too), then the directory if files
 * came or went in it. Only then the recovery point and the durable end move. So below
 * the recovery point nothing is lost by a crash of the machine, and what is
 * acknowledged lies below the durable end.
 *
 * A sync that fails may have lost pages for good (the kernel forgets them), so it is
 * never tried again: the log, and by its owner the directory, goes offline. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"

/* The first segment with base >= from that has something to sync; a reference, and
 * how much there is. NULL if there is none below or at last. */
static struct kq_segment *next_dirty(struct kq_log *log, int64_t from, int64_t last, int64_t *size)
{
	struct kq_segment *found = NULL;
	pthread_mutex_lock(&log->list_lock);
	int i = kq_log_segment_at(log, from);
	for (i = i < 0 ? 0 : i; i < log->seg_count && !found; i++) {
		struct kq_segment *s = log->segs[i];
		if (s->base_offset < from)
			continue;
		if (s->base_offset > last)
			break;
		*size = atomic_load(&s->size);
		if (s->synced < *size)
			found = kq_segment_ref(s);
	}
	pthread_mutex_unlock(&log->list_lock);
	return found;
}

static int sync_segments(struct kq_log *log, int64_t last)
{
	int64_t from = INT64_MIN, size;
	struct kq_segment *s;
	int rc = 0;
	while (!rc && (s = next_dirty(log, from, last, &size))) {
		from = s->base_offset + 1;
		bool sealed = atomic_load(&s->sealed);
		rc = kq_segment_sync(s);
		pthread_mutex_lock(&log->list_lock);
		/* Sealed or cut meanwhile: leave it for the next time. */
		if (!rc && sealed == atomic_load(&s->sealed) && size <= atomic_load(&s->size))
			s->synced = size;
		pthread_mutex_unlock(&log->list_lock);
		kq_segment_unref(s);
	}
	return rc;
}

/* Syncs all segments up to the one of base `last` and then the directory. */
static int sync_up_to(struct kq_log *log, int64_t last)
{
	int rc = sync_segments(log, last);
	pthread_mutex_lock(&log->list_lock);
	bool dir_dirty = log->dir_dirty;
	log->dir_dirty = false;
	pthread_mutex_unlock(&log->list_lock);
	if (!rc && dir_dirty)
		rc = kq_io_syncdir("log-dir-sync", log->dir);
	return rc;
}

static int sync_log(struct kq_log *log, bool active_too)
{
	pthread_mutex_lock(&log->sync_lock);
	/* Asked here: the sync waited for may have failed, or the log was deleted and has
	 * another name by now. */
	if (kq_log_is_closed(log)) {
		pthread_mutex_unlock(&log->sync_lock);
		return KQ_ECLOSED;
	}
	pthread_mutex_lock(&log->list_lock);
	int64_t active = kq_log_active(log)->base_offset;
	int64_t target = active_too ? kq_log_load(&log->end) : active;
	bool needed = target > kq_log_load(&log->recovery) || log->dir_dirty;
	pthread_mutex_unlock(&log->list_lock);
	int rc = 0;
	if (needed)
		rc = sync_up_to(log, active_too ? active : active - 1);
	if (!rc) {
		kq_log_raise(&log->recovery, target);
		atomic_store(&log->synced_mono_ms, kq_clock_mono_ms());
	} else if (rc == KQ_EAGAIN) {
		/* No descriptor to be had: nothing was synced, so nothing is lost. */
		pthread_mutex_lock(&log->list_lock);
		log->dir_dirty = true;
		pthread_mutex_unlock(&log->list_lock);
	} else {
		rc = rc == KQ_ENOSPC ? rc : KQ_EIO;
		atomic_store(&log->broken, true);
	}
	pthread_mutex_unlock(&log->sync_lock);
	if (rc && rc != KQ_EAGAIN)
		kq_log_fail_with(log, rc);
	if (rc)
		return rc;
	if (kq_log_raise(&log->durable, target) && log->listener.durable)
		log->listener.durable(log->listener.arg, target);
	return 0;
}

int kq_log_sync(struct kq_log *log)
{
	return sync_log(log, true);
}

int kq_log_sync_rolled(struct kq_log *log)
{
	return sync_log(log, false);
}

bool kq_log_is_dirty(const struct kq_log *log)
{
	return kq_log_load(&log->end) > kq_log_load(&log->recovery);
}

bool kq_log_flush_due(struct kq_log *log, int64_t mono_ms)
{
	int64_t dirty = kq_log_load(&log->end) - kq_log_load(&log->recovery);
	if (dirty <= 0)
		return false;
	pthread_mutex_lock(&log->list_lock);
	int64_t messages = log->config.flush_messages, ms = log->config.flush_ms;
	pthread_mutex_unlock(&log->list_lock);
	return dirty >= messages || mono_ms - kq_log_load(&log->synced_mono_ms) >= ms;
}

/* An index that was found wrong is made anew at the next start. */
static void drop_wrong_indexes(struct kq_log *log)
{
	for (int i = 0; i < log->seg_count; i++) {
		char path[PATH_MAX];
		if (!atomic_load(&log->segs[i]->index_wrong))
			continue;
		snprintf(path, sizeof path, "%s/%020" PRId64 ".index", log->dir,
			 log->segs[i]->base_offset);
		if (unlink(path) < 0 && errno != ENOENT)
			kq_warn_log("log", "cannot remove '%s'", path);
	}
}

/* Brings everything to the state that a clean start relies on. */
static int close_clean(struct kq_log *log)
{
	int64_t end = kq_log_load(&log->end);
	struct kq_segment *active = kq_log_active(log);
	bool touched = end > kq_log_load(&log->recovery) || active->offsets.file.ready ||
		       active->times.file.ready;
	int rc = 0;
	if (touched || atomic_load(&active->max_timestamp) > active->times.last_timestamp) {
		rc = kq_segment_seal(active);
		pthread_mutex_lock(&log->list_lock);
		active->synced = -1;
		pthread_mutex_unlock(&log->list_lock);
	}
	if (!rc)
		rc = sync_up_to(log, active->base_offset);
	if (!rc && end > 0 && log->snapshot_at != end)
		rc = kq_producer_snapshot_write(&log->producers, log->dir, end, true);
	if (!rc)
		rc = kq_leader_epochs_flush(&log->epochs);
	drop_wrong_indexes(log);
	if (!rc)
		kq_log_raise(&log->recovery, end);
	return rc;
}

int kq_log_close(struct kq_log *log, bool clean)
{
	if (atomic_exchange(&log->closed, true))
		return 0;
	pthread_mutex_lock(&log->sync_lock);
	pthread_mutex_lock(&log->lock); /* the last append is done */
	int rc = 0;
	if (clean)
		rc = kq_log_is_offline(log) ? KQ_ECLOSED : close_clean(log);
	pthread_mutex_unlock(&log->lock);
	pthread_mutex_unlock(&log->sync_lock);
	if (rc && rc != KQ_ECLOSED)
		kq_log_fail_with(log, rc == KQ_ENOSPC ? rc : KQ_EIO);
	return rc;
}
