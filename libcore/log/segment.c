/* A batch is appended by one write at the end of the .log and is nothing to anybody
 * until its size is published; it is promised to nobody until kq_segment_sync. A
 * crash in the middle leaves a torn batch at the end, which the recovery cuts.
 *
 * A segment disappears by renames, .log first: what a crash leaves are index files
 * without a .log, which the next start removes. */
#include "log/segment.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"

static const char *const suffixes[] = { "log", "index", "timeindex", "txnindex" };
enum { SUFFIXES = sizeof suffixes / sizeof suffixes[0] };

static void file_path(char path[PATH_MAX], const char *dir, int64_t base, const char *suffix,
		      const char *more)
{
	snprintf(path, PATH_MAX, "%s/%020" PRId64 ".%s%s", dir, base, suffix, more);
}

struct kq_segment *kq_segment_new(const char *dir, int64_t base_offset, int32_t index_bytes_max)
{
	struct kq_segment *s = kq_calloc(1, sizeof *s);
	s->base_offset = base_offset;
	s->dir = dir;
	atomic_init(&s->refs, 1);
	atomic_init(&s->fd, -1);
	atomic_init(&s->max_timestamp, -1);
	atomic_init(&s->max_timestamp_offset, base_offset);
	s->first_timestamp = KQ_TIME_UNKNOWN;
	s->created_ms = kq_clock_wall_ms();
	kq_offset_index_init(&s->offsets, dir, base_offset, index_bytes_max);
	kq_time_index_init(&s->times, dir, base_offset, index_bytes_max);
	s->txns.dir = dir;
	s->txns.base_offset = base_offset;
	atomic_init(&s->txns.fd, -1);
	return s;
}

struct kq_segment *kq_segment_ref(struct kq_segment *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void kq_segment_unref(struct kq_segment *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) > 1)
		return;
	int fd = atomic_load(&s->fd);
	if (fd >= 0)
		close(fd);
	kq_offset_index_deinit(&s->offsets);
	kq_time_index_deinit(&s->times);
	kq_txn_index_close(&s->txns);
	free(s);
}

int kq_segment_create(struct kq_segment *s)
{
	char path[PATH_MAX];
	for (int i = 1; i < SUFFIXES; i++) {
		file_path(path, s->dir, s->base_offset, suffixes[i], "");
		if (unlink(path) < 0 && errno != ENOENT)
			return kq_errno_from(errno);
	}
	file_path(path, s->dir, s->base_offset, "log", "");
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return kq_errno_from(errno);
	int rc = kq_io_ftruncate("segment-create", fd, 0);
	if (rc) {
		close(fd);
		return rc;
	}
	atomic_store(&s->fd, fd);
	s->first_timestamp = -1;
	return 0;
}

int kq_segment_load(struct kq_segment *s, bool *txns_wrong)
{
	char path[PATH_MAX];
	struct stat st;
	file_path(path, s->dir, s->base_offset, "log", "");
	if (stat(path, &st) < 0)
		return kq_errno_from(errno);
	if (st.st_size > INT32_MAX)
		return KQ_ECORRUPT; /* positions in the index would not fit */
	kq_segment_publish(s, st.st_size);
	s->synced = st.st_size;
	int oi = kq_offset_index_load(&s->offsets, st.st_size);
	int ti = kq_time_index_load(&s->times);
	int xi = kq_txn_index_open(&s->txns, s->dir, s->base_offset);
	if (oi == KQ_EIO || ti == KQ_EIO || (xi && xi != KQ_ECORRUPT))
		return KQ_EIO;
	*txns_wrong = xi != 0;
	/* An empty segment may lack its indexes: they come with the first entry. */
	if (st.st_size > 0 ? oi || ti : (oi && oi != KQ_ENOTFOUND) || (ti && ti != KQ_ENOTFOUND))
		atomic_store(&s->index_wrong, true);
	s->untrimmed = oi >= 0 && ti >= 0;
	atomic_store(&s->max_timestamp, s->times.last_timestamp);
	atomic_store(&s->max_timestamp_offset, s->times.last_offset);
	return 0;
}

int kq_segment_fd(struct kq_segment *s)
{
	int fd = atomic_load_explicit(&s->fd, memory_order_acquire);
	if (fd >= 0)
		return fd;
	char path[PATH_MAX];
	file_path(path, s->dir, s->base_offset, "log", "");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EROFS))
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return kq_errno_from(errno);
	int none = -1;
	if (!atomic_compare_exchange_strong(&s->fd, &none, fd)) {
		close(fd);
		fd = none;
	}
	return fd;
}

bool kq_segment_has_room(const struct kq_segment *s, int64_t last_offset)
{
	return last_offset - s->base_offset <= INT32_MAX &&
	       !kq_offset_index_is_full(&s->offsets) && !kq_time_index_is_full(&s->times);
}

int kq_segment_note(struct kq_segment *s, const struct kq_batch *b, int64_t pos,
		    int32_t index_interval)
{
	int64_t last = kq_batch_last_offset(b);
	if (pos == 0)
		s->first_timestamp = b->max_timestamp;
	int64_t max = atomic_load_explicit(&s->max_timestamp, memory_order_relaxed);
	if (b->max_timestamp > max) {
		max = b->max_timestamp;
		atomic_store_explicit(&s->max_timestamp_offset, last, memory_order_relaxed);
		atomic_store_explicit(&s->max_timestamp, max, memory_order_relaxed);
	}
	if (s->since_entry > index_interval) {
		int rc = kq_offset_index_append(&s->offsets, last, pos);
		if (rc)
			return rc;
		rc = kq_time_index_append(&s->times, max,
			atomic_load_explicit(&s->max_timestamp_offset, memory_order_relaxed), false);
		if (rc) {
			/* The batch may be written again, once there are descriptors. */
			kq_offset_index_cut(&s->offsets, kq_offset_index_count(&s->offsets) - 1);
			return rc;
		}
		s->since_entry = 0;
	}
	s->since_entry += b->size;
	return 0;
}

int kq_segment_append(struct kq_segment *s, const struct kq_batch *b, int32_t index_interval)
{
	int fd = kq_segment_fd(s);
	if (fd < 0)
		return fd;
	assert(!s->sealed && b->base_offset >= s->base_offset);
	int64_t pos = atomic_load_explicit(&s->size, memory_order_relaxed);
	assert(b->bytes);
	int rc = kq_io_pwrite("segment-append", fd, b->bytes, (size_t)b->size, pos);
	return rc ? rc : kq_segment_note(s, b, pos, index_interval);
}

int64_t kq_segment_first_timestamp(struct kq_segment *s)
{
	if (s->first_timestamp != KQ_TIME_UNKNOWN)
		return s->first_timestamp;
	int fd = kq_segment_fd(s);
	if (fd < 0)
		return KQ_TIME_UNKNOWN;
	uint8_t window[KQ_SCAN_WINDOW_MIN];
	struct kq_segment_scan scan;
	struct kq_batch b;
	int64_t pos;
	kq_segment_scan_init(&scan, fd, 0, atomic_load(&s->size), window, sizeof window);
	int rc = kq_segment_scan_next(&scan, &b, &pos);
	kq_segment_scan_deinit(&scan);
	if (rc >= 0)
		s->first_timestamp = rc ? b.max_timestamp : -1;
	return s->first_timestamp;
}

int kq_segment_truncate(struct kq_segment *s, int64_t offset, int64_t pos)
{
	int fd = kq_segment_fd(s);
	if (fd < 0)
		return fd;
	kq_segment_publish(s, pos);
	int rc = kq_io_ftruncate("segment-truncate", fd, pos);
	int64_t o, p;
	int64_t i = rc ? -1 : kq_offset_index_find(&s->offsets, offset - 1, &o, &p);
	if (i < -1)
		rc = (int)i + 1;
	if (!rc)
		rc = kq_offset_index_cut(&s->offsets, (uint32_t)(i + 1));
	if (!rc)
		rc = kq_time_index_cut(&s->times, kq_time_index_count_to(&s->times, offset - 1));
	if (!rc)
		rc = kq_txn_index_truncate(&s->txns, offset);
	if (s->synced > pos)
		s->synced = pos;
	s->sealed = false;
	if (pos == 0)
		s->first_timestamp = -1;
	int64_t end;
	return rc ? rc : kq_segment_find_end(s, &end);
}

int kq_segment_seal(struct kq_segment *s)
{
	int rc = kq_time_index_append(&s->times, atomic_load(&s->max_timestamp),
				      atomic_load(&s->max_timestamp_offset), true);
	if (!rc)
		rc = kq_index_file_trim(&s->offsets.file);
	if (!rc)
		rc = kq_index_file_trim(&s->times.file);
	s->sealed = true;
	return rc;
}

int kq_segment_sync(struct kq_segment *s)
{
	int fd = kq_segment_fd(s);
	if (fd < 0)
		return fd;
	int rc = kq_io_fdatasync("segment-sync", fd);
	if (!rc)
		rc = kq_txn_index_sync(&s->txns);
	if (!rc && s->sealed)
		rc = kq_index_file_sync(&s->offsets.file);
	if (!rc && s->sealed)
		rc = kq_index_file_sync(&s->times.file);
	return rc;
}

int kq_segment_retire(struct kq_segment *s)
{
	/* Readers that found it may still come to it, by its descriptor. */
	int fd = kq_segment_fd(s);
	if (fd < 0)
		return fd;
	for (int i = 0; i < SUFFIXES; i++) {
		char from[PATH_MAX], to[PATH_MAX];
		file_path(from, s->dir, s->base_offset, suffixes[i], "");
		file_path(to, s->dir, s->base_offset, suffixes[i], ".deleted");
		if (i > 0 && access(from, F_OK) < 0)
			continue;
		int rc = kq_io_rename("segment-retire", from, to);
		if (rc)
			return rc;
	}
	return 0;
}

int kq_segment_remove_retired(const char *dir, int64_t base)
{
	int rc = 0;
	for (int i = 0; i < SUFFIXES; i++) {
		char path[PATH_MAX];
		file_path(path, dir, base, suffixes[i], ".deleted");
		if (unlink(path) < 0 && errno != ENOENT)
			rc = kq_errno_from(errno);
	}
	return rc;
}
