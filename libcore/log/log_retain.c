/* Old segments leave: retention, DeleteRecords, and the removal of their files.
 *
 * Crash: files are renamed to .deleted before anything tells that they are gone, the
 * oldest first, so that what is left is always a log without a hole. A start finds
 * the .deleted files and removes them. The log start of DeleteRecords is made durable
 * by the owner (start_moved) before the call returns. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"

/* Notes that the files of this segment are to be removed at due_ms. */
static void note_retired(struct kq_log *log, int64_t base, int64_t due_ms)
{
	pthread_mutex_lock(&log->list_lock);
	if (log->retired_count == log->retired_cap) {
		log->retired_cap = log->retired_cap ? log->retired_cap * 2 : 4;
		log->retired = kq_realloc(log->retired,
					  (size_t)log->retired_cap * sizeof *log->retired);
	}
	log->retired[log->retired_count++] = (struct kq_log_retired){ base, due_ms };
	pthread_mutex_unlock(&log->list_lock);
}

/* Takes the first segment out of the list. */
static void unlist_first(struct kq_log *log)
{
	pthread_mutex_lock(&log->list_lock);
	struct kq_segment *s = log->segs[0];
	log->seg_count--;
	memmove(log->segs, log->segs + 1, (size_t)log->seg_count * sizeof *log->segs);
	if (log->seg_count > 0)
		kq_log_raise(&log->start, log->segs[0]->base_offset);
	log->dir_dirty = true;
	pthread_mutex_unlock(&log->list_lock);
	atomic_fetch_sub(&log->size, atomic_load(&s->size));
	kq_segment_unref(s);
}

int kq_log_retire_segments(struct kq_log *log, int n)
{
	struct kq_log_config c;
	int rc = 0;
	kq_log_copy_config(log, &c);
	int64_t due = kq_clock_mono_ms() + c.file_delete_delay_ms;
	for (int i = 0; i < n && !rc; i++) {
		struct kq_segment *s = log->segs[0];
		int64_t base = s->base_offset;
		/* Readers look in the list first: let them still find the files. */
		rc = kq_segment_retire(s);
		if (rc)
			break;
		note_retired(log, base, due);
		unlist_first(log);
		rc = kq_producer_snapshot_delete(log->dir, base);
	}
	if (!rc && n > 0 && log->seg_count > 0)
		rc = kq_log_cut_epochs(log, kq_log_load(&log->start), kq_log_load(&log->end));
	return rc;
}

/* The largest timestamp of a segment; the file's time if its batches have none. */
static int64_t age_base(struct kq_segment *s)
{
	int64_t t = atomic_load(&s->max_timestamp);
	struct stat st;
	if (t >= 0)
		return t;
	int fd = kq_segment_fd(s);
	if (fd < 0 || fstat(fd, &st) < 0)
		return INT64_MAX; /* do not delete what cannot be looked at */
	return (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
}

/* How many segments at the front qualify, under one of the three rules. */
static int count_old(struct kq_log *log, const struct kq_log_config *c, int64_t now_ms)
{
	int64_t hw = kq_log_load(&log->hw), start = kq_log_load(&log->start);
	int64_t over = c->retention_bytes >= 0 && c->cleanup_delete ?
		kq_log_load(&log->size) - c->retention_bytes : -1;
	int n = 0;
	for (; n < log->seg_count; n++) {
		struct kq_segment *s = log->segs[n];
		bool last = n == log->seg_count - 1;
		int64_t next = last ? kq_log_load(&log->end) : log->segs[n + 1]->base_offset;
		int64_t size = atomic_load(&s->size);
		if (next > hw || (last && size == 0))
			break;
		bool below = !last && next <= start;
		bool size_over = over >= 0 && over - size >= 0;
		int64_t t;
		bool expired = c->cleanup_delete && c->retention_ms >= 0 &&
			       (t = age_base(s)) != INT64_MAX && now_ms - t > c->retention_ms;
		if (!below && !size_over && !expired)
			break;
		over = over >= 0 ? over - size : over;
	}
	return n;
}

int kq_log_retain(struct kq_log *log, int64_t now_ms)
{
	struct kq_log_config c;
	kq_log_copy_config(log, &c);
	pthread_mutex_lock(&log->lock);
	if (kq_log_is_closed(log)) {
		pthread_mutex_unlock(&log->lock);
		return KQ_ECLOSED;
	}
	int n = count_old(log, &c, now_ms), rc = 0;
	if (n > 0 && n == log->seg_count) {
		/* The new, empty segment must be there before the old ones go. */
		rc = kq_log_roll(log);
		if (!rc)
			rc = kq_io_syncdir("retain-roll", log->dir);
	}
	if (!rc && n > 0)
		rc = kq_log_retire_segments(log, n);
	if (!rc && n > 0)
		kq_info_log("log", "%s: %d segment(s) retired, starts at %" PRId64, log->dir, n,
			    kq_log_load(&log->start));
	rc = kq_log_unlock(log, rc);
	return rc ? rc : n;
}

int kq_log_delete_before(struct kq_log *log, int64_t offset, int64_t *new_start)
{
	pthread_mutex_lock(&log->lock);
	int rc = kq_log_is_closed(log) ? KQ_ECLOSED :
		 offset < 0 || offset > kq_log_load(&log->hw) ? KQ_ERANGE : 0;
	bool moved = false;
	if (!rc) {
		pthread_mutex_lock(&log->list_lock);
		moved = kq_log_raise(&log->start, offset);
		pthread_mutex_unlock(&log->list_lock);
	}
	if (moved)
		rc = kq_log_cut_epochs(log, offset, kq_log_load(&log->end));
	/* A start beyond the active segment's data makes it an old one. */
	if (moved && !rc && offset == kq_log_load(&log->end))
		rc = kq_log_roll(log);
	rc = kq_log_unlock(log, rc);
	if (moved && !rc && log->hooks.start_moved)
		rc = log->hooks.start_moved(log->hooks.arg, log);
	*new_start = kq_log_load(&log->start);
	return rc;
}

int kq_log_housekeep(struct kq_log *log, int64_t mono_ms, int64_t wall_ms)
{
	int removed = 0;
	for (;;) {
		int64_t base = -1;
		pthread_mutex_lock(&log->list_lock);
		if (log->retired_count > 0 && log->retired[0].due_ms <= mono_ms) {
			base = log->retired[0].base;
			log->retired_count--;
			memmove(log->retired, log->retired + 1,
				(size_t)log->retired_count * sizeof *log->retired);
		}
		pthread_mutex_unlock(&log->list_lock);
		if (base < 0)
			break;
		if (kq_segment_remove_retired(log->dir, base))
			kq_warn_log("log", "%s: cannot remove the files of segment %" PRId64, log->dir,
				    base);
		removed++;
	}
	struct kq_log_config c;
	kq_log_copy_config(log, &c);
	if (c.producer_expiration_ms >= 0 && pthread_mutex_trylock(&log->lock) == 0) {
		kq_producer_state_expire(&log->producers, wall_ms, c.producer_expiration_ms);
		pthread_mutex_unlock(&log->lock);
	}
	return removed;
}
