/* Offsets by time. Segments are few and know their largest timestamp; inside one the
 * time index and then the offset index lead close to the batch, and only that one
 * batch is inflated. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/log.h"
#include "log/log_impl.h"
#include "record/batch_inflate.h"
#include "record/legacy.h"
#include "record/record.h"

enum { INFLATE_MAX = 128 << 20 };

/* The record that is looked for, and what was found. */
struct hunt {
	int64_t t;    /* timestamp at or after this */
	int64_t from; /* offset at or after this */
	int64_t offset, timestamp; /* found; offset -1: nothing */
};

static bool take(struct hunt *h, const struct kq_record *rec)
{
	if (rec->timestamp < h->t || rec->offset < h->from)
		return false;
	h->offset = rec->offset;
	h->timestamp = rec->timestamp;
	return true;
}

static int hunt_v2(const struct kq_batch *b, struct kq_writer *scratch, struct hunt *h)
{
	const uint8_t *records;
	struct kq_record_iter it;
	struct kq_record rec;
	size_t n;
	int rc = kq_batch_inflate(b, scratch, &records, &n);
	if (rc)
		return rc;
	kq_record_iter_init(&it, b, records, n);
	while ((rc = kq_record_next(&it, &rec)) > 0) {
		if (take(h, &rec))
			return 0;
	}
	return rc;
}

static int hunt_legacy(const struct kq_batch *b, struct kq_writer *scratch, struct hunt *h)
{
	struct kq_legacy m;
	struct kq_legacy_iter it;
	struct kq_record rec;
	int rc = kq_legacy_peek(b->bytes, (size_t)b->size, &m);
	if (!rc)
		rc = kq_legacy_iter_init(&it, &m, scratch);
	while (!rc && (rc = kq_legacy_next(&it, &rec)) > 0) {
		if (take(h, &rec))
			return 0;
		rc = 0;
	}
	return rc;
}

/* Looks into the batch at pos. */
static int hunt_batch(struct kq_segment *s, const struct kq_batch *head, int64_t pos, struct hunt *h)
{
	int fd = kq_segment_fd(s);
	uint8_t *window = fd < 0 ? NULL : kq_try_malloc((size_t)head->size + KQ_SCAN_WINDOW_MIN);
	if (!window)
		return fd < 0 ? fd : KQ_ENOMEM;
	struct kq_segment_scan scan;
	struct kq_writer scratch;
	struct kq_batch b = *head;
	kq_segment_scan_init(&scan, fd, pos, pos + head->size, window,
			     (size_t)head->size + KQ_SCAN_WINDOW_MIN);
	kq_writer_init(&scratch, INFLATE_MAX);
	int rc = kq_segment_scan_load(&scan, &b, pos);
	if (!rc)
		rc = b.magic == 2 ? hunt_v2(&b, &scratch, h) : hunt_legacy(&b, &scratch, h);
	kq_writer_deinit(&scratch);
	kq_segment_scan_deinit(&scan);
	free(window);
	return rc;
}

/* A segment under view: its reference and its size at that time. */
struct part {
	struct kq_segment *segment;
	int64_t size, max_timestamp;
};

/* The first segment with base > after whose largest timestamp is >= t. */
static bool next_part(struct kq_log *log, int64_t after, int64_t t, struct part *p)
{
	bool found = false;
	pthread_mutex_lock(&log->list_lock);
	for (int i = 0; i < log->seg_count && !found; i++) {
		struct kq_segment *s = log->segs[i];
		p->max_timestamp = atomic_load(&s->max_timestamp);
		if (s->base_offset <= after || p->max_timestamp < t)
			continue;
		p->segment = kq_segment_ref(s);
		p->size = atomic_load(&s->size);
		found = true;
	}
	pthread_mutex_unlock(&log->list_lock);
	return found;
}

/* Searches one segment; *epoch that of the batch found. */
static int hunt_segment(const struct part *p, struct hunt *h, int32_t *epoch)
{
	struct kq_batch b = { .leader_epoch = -1 };
	int64_t pos, from = h->from;
	int rc;
	while ((rc = kq_segment_find_time(p->segment, h->t, from, p->size, &b, &pos)) > 0) {
		rc = hunt_batch(p->segment, &b, pos, h);
		if (rc || h->offset >= 0)
			break;
		/* Its latest record lies below `from`. */
		from = kq_batch_last_offset(&b) + 1;
	}
	*epoch = b.leader_epoch;
	return rc;
}

int kq_log_find_time(struct kq_log *log, int64_t t, int64_t upper, int64_t *offset,
		     int64_t *timestamp, int32_t *epoch)
{
	struct hunt h = { .t = t, .from = kq_log_load(&log->start), .offset = -1, .timestamp = -1 };
	int64_t after = INT64_MIN;
	struct part p;
	int rc = 0;
	*offset = *timestamp = -1;
	*epoch = -1;
	if (atomic_load(&log->closed))
		return KQ_ECLOSED;
	while (!rc && h.offset < 0 && next_part(log, after, t, &p)) {
		after = p.segment->base_offset;
		if (after < upper)
			rc = hunt_segment(&p, &h, epoch);
		kq_segment_unref(p.segment);
	}
	if (!rc && h.offset >= 0 && h.offset < upper) {
		*offset = h.offset;
		*timestamp = h.timestamp;
	} else {
		*epoch = -1;
	}
	return rc == KQ_ETRUNC ? KQ_ECORRUPT : rc;
}

/* The largest timestamp of batches that end below upper in a segment that goes
 * beyond it, by a scan of the headers. -1 none, or an error below that. */
static int64_t max_below(const struct part *p, int64_t upper)
{
	int fd = kq_segment_fd(p->segment);
	int64_t max = -1, pos;
	if (fd < 0)
		return fd - 1;
	uint8_t window[KQ_SCAN_WINDOW];
	struct kq_segment_scan scan;
	struct kq_batch b;
	int rc;
	kq_segment_scan_init(&scan, fd, 0, p->size, window, sizeof window);
	while ((rc = kq_segment_scan_next(&scan, &b, &pos)) > 0 && kq_batch_last_offset(&b) < upper)
		max = b.max_timestamp > max ? b.max_timestamp : max;
	kq_segment_scan_deinit(&scan);
	return rc < 0 ? rc - 1 : max;
}

int kq_log_find_max_time(struct kq_log *log, int64_t upper, int64_t *offset, int64_t *timestamp,
			 int32_t *epoch)
{
	int64_t after = INT64_MIN, max = -1;
	struct part p;
	*offset = *timestamp = -1;
	*epoch = -1;
	while (max < INT64_MAX && next_part(log, after, max + 1, &p)) {
		int64_t t = p.max_timestamp;
		after = p.segment->base_offset;
		/* Most often upper is the end, and no segment needs a look. */
		if (upper < kq_log_load(&log->end) &&
		    atomic_load(&p.segment->max_timestamp_offset) >= upper)
			t = after < upper ? max_below(&p, upper) : -1;
		kq_segment_unref(p.segment);
		if (t < -1)
			return (int)t + 1;
		max = t > max ? t : max;
	}
	return max < 0 ? 0 : kq_log_find_time(log, max, upper, offset, timestamp, epoch);
}
