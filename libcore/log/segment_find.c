/* Finding batches in a segment, and making its indexes anew. Only reads, but for the
 * index files themselves; an index that is lost or cut by a crash is made anew at
 * the next start. */
#include <assert.h>
#include <inttypes.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/log.h"
#include "log/segment.h"

/* What a scan looks for. */
struct wanted {
	int64_t offset;    /* last offset at or after */
	int64_t timestamp; /* and max timestamp at or after */
};

/* Scans from pos; the batch at pos must end at `check` unless that is negative (an
 * index entry says so), else KQ_ECORRUPT. */
static int scan_from(struct kq_segment *s, int64_t pos, int64_t check, int64_t limit,
		     const struct wanted *w, struct kq_batch *b, int64_t *at)
{
	int fd = kq_segment_fd(s);
	if (fd < 0)
		return fd;
	uint8_t window[KQ_SCAN_WINDOW];
	struct kq_segment_scan scan;
	if (pos >= limit)
		return check < 0 ? 0 : KQ_ECORRUPT;
	kq_segment_scan_init(&scan, fd, pos, limit, window, sizeof window);
	int rc;
	while ((rc = kq_segment_scan_next(&scan, b, at)) > 0) {
		if (check >= 0 && kq_batch_last_offset(b) != check) {
			rc = KQ_ECORRUPT;
			break;
		}
		check = -1;
		if (kq_batch_last_offset(b) >= w->offset && b->max_timestamp >= w->timestamp)
			break;
	}
	kq_segment_scan_deinit(&scan);
	return rc;
}

/* From the index entry at or before offset, or from the start where the index turns
 * out to be wrong. */
static int scan_near(struct kq_segment *s, int64_t near, int64_t limit, const struct wanted *w,
		     struct kq_batch *b, int64_t *at)
{
	int64_t offset = s->base_offset, pos = 0;
	int64_t i = -1;
	if (!atomic_load_explicit(&s->index_wrong, memory_order_relaxed))
		i = kq_offset_index_find(&s->offsets, near, &offset, &pos);
	if (i < 0)
		return scan_from(s, 0, -1, limit, w, b, at);
	int rc = scan_from(s, pos, offset, limit, w, b, at);
	if (rc != KQ_ECORRUPT && rc != KQ_ETRUNC)
		return rc;
	int again = scan_from(s, 0, -1, limit, w, b, at);
	if (again >= 0 && !atomic_exchange(&s->index_wrong, true))
		kq_warn_log("log", "%s/%020" PRId64 ".index points to a wrong place; not used any more",
			    s->dir, s->base_offset);
	return again;
}

int kq_segment_find(struct kq_segment *s, int64_t target, int64_t limit, struct kq_batch *b,
		    int64_t *pos)
{
	struct wanted w = { .offset = target, .timestamp = INT64_MIN };
	return scan_near(s, target, limit, &w, b, pos);
}

int kq_segment_find_time(struct kq_segment *s, int64_t t, int64_t from, int64_t limit,
			 struct kq_batch *b, int64_t *pos)
{
	/* Up to the last entry below t nothing can be as late as t. */
	int64_t timestamp, offset;
	int64_t i = kq_time_index_find(&s->times, t > 0 ? t - 1 : -1, &timestamp, &offset);
	if (i < -1)
		offset = s->base_offset;
	struct wanted w = { .offset = from, .timestamp = t };
	return scan_near(s, offset > from ? offset : from, limit, &w, b, pos);
}

/* Scans all headers from pos on and notes each batch if interval >= 0, else only
 * keeps the maximum timestamp. */
static int scan_rest(struct kq_segment *s, int64_t pos, int32_t interval, int64_t *end)
{
	int fd = kq_segment_fd(s);
	if (fd < 0)
		return fd;
	uint8_t window[KQ_SCAN_WINDOW];
	struct kq_segment_scan scan;
	struct kq_batch b;
	int64_t at, expect = *end;
	bool first = pos > 0; /* where an index entry points to */
	kq_segment_scan_init(&scan, fd, pos, atomic_load(&s->size), window, sizeof window);
	int rc;
	while ((rc = kq_segment_scan_next(&scan, &b, &at)) > 0) {
		int64_t last = kq_batch_last_offset(&b);
		if ((first ? last != expect : b.base_offset < expect) ||
		    last - s->base_offset > INT32_MAX) {
			rc = KQ_ECORRUPT;
			break;
		}
		first = false;
		expect = last + 1;
		/* Where nothing is indexed the entry stays out of reach of since_entry. */
		rc = kq_segment_note(s, &b, at, interval >= 0 ? interval : INT32_MAX);
		if (rc)
			break;
	}
	kq_segment_scan_deinit(&scan);
	*end = expect;
	return rc;
}

int kq_segment_find_end(struct kq_segment *s, int64_t *end)
{
	int64_t pos = s->offsets.last_pos;
	s->since_entry = 0;
	*end = kq_offset_index_count(&s->offsets) ? s->offsets.last_offset : s->base_offset;
	atomic_store(&s->max_timestamp, s->times.last_timestamp);
	atomic_store(&s->max_timestamp_offset, s->times.last_offset);
	return scan_rest(s, pos, -1, end);
}

/* Leaves keep entries in the offset index and those of the time index that were
 * written no later. */
static int cut_indexes(struct kq_segment *s, uint32_t keep)
{
	int64_t offset, pos;
	int rc = kq_offset_index_get(&s->offsets, keep - 1, &offset, &pos);
	if (!rc)
		rc = kq_offset_index_cut(&s->offsets, keep);
	return rc ? rc : kq_time_index_cut(&s->times, kq_time_index_count_to(&s->times, offset));
}

static int reset_indexes(struct kq_segment *s)
{
	int rc = kq_index_file_reset(&s->offsets.file);
	if (!rc)
		rc = kq_index_file_reset(&s->times.file);
	s->offsets.last_offset = s->times.last_offset = s->base_offset;
	s->offsets.last_pos = 0;
	s->times.last_timestamp = -1;
	return rc;
}

int kq_segment_reindex(struct kq_segment *s, uint32_t keep, int32_t index_interval, int64_t *end)
{
	int rc = keep ? cut_indexes(s, keep) : reset_indexes(s);
	*end = keep ? s->offsets.last_offset : s->base_offset;
	if (rc)
		return rc;
	s->since_entry = 0;
	atomic_store(&s->max_timestamp, s->times.last_timestamp);
	atomic_store(&s->max_timestamp_offset, s->times.last_offset);
	rc = scan_rest(s, s->offsets.last_pos, index_interval, end);
	if (!rc)
		atomic_store(&s->index_wrong, false);
	return rc;
}
