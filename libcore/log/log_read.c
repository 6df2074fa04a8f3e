/* Finding bytes for readers. Nothing here changes the log; the list lock is held only
 * to take a reference to a segment and a consistent pair of offset and position. */
#include <stdlib.h>

#include "base/log.h"
#include "log/log_impl.h"

/* What a read takes from the log at one moment. */
struct view {
	struct kq_segment *segment; /* referenced */
	int64_t size;      /* its bytes */
	int64_t next_base; /* of the next segment; INT64_MAX for the active one */
	int64_t start_pos; /* where offset lies; -1 not known */
	int64_t upper_pos; /* where upper lies; -1 not known */
	int64_t end;
	bool last;
};

static int64_t marked(const struct kq_log *log, int64_t offset, int64_t base)
{
	for (unsigned i = 0; i < KQ_LOG_MARKS && i < log->mark_next; i++) {
		if (log->marks[i].offset == offset && log->marks[i].base == base)
			return log->marks[i].pos;
	}
	return -1;
}

static int take_view(struct kq_log *log, int64_t offset, int64_t upper, struct view *v)
{
	pthread_mutex_lock(&log->list_lock);
	v->end = kq_log_load(&log->end);
	v->segment = NULL;
	int rc = offset < kq_log_load(&log->start) || offset > v->end ? KQ_ERANGE : 0;
	if (upper > v->end)
		upper = v->end;
	if (!rc && offset < upper) {
		int i = kq_log_segment_at(log, offset);
		if (i < 0)
			i = 0;
		struct kq_segment *s = log->segs[i];
		v->last = i == log->seg_count - 1;
		v->segment = kq_segment_ref(s);
		v->size = atomic_load_explicit(&s->size, memory_order_relaxed);
		v->next_base = v->last ? INT64_MAX : log->segs[i + 1]->base_offset;
		v->start_pos = marked(log, offset, s->base_offset);
		if (upper == v->end ? v->last : upper >= v->next_base)
			v->upper_pos = v->size;
		else if (upper == v->end)
			v->upper_pos = v->size;
		else
			v->upper_pos = marked(log, upper, s->base_offset);
	}
	pthread_mutex_unlock(&log->list_lock);
	return rc;
}

/* Where batches that reach to upper or beyond begin. */
static int find_upper(const struct view *v, int64_t upper, int64_t *pos)
{
	struct kq_batch b;
	if (v->upper_pos >= 0) {
		*pos = v->upper_pos;
		return 0;
	}
	int rc = kq_segment_find(v->segment, upper, v->size, &b, pos);
	if (rc == 0)
		*pos = v->size;
	return rc < 0 ? rc : 0;
}

/* Fills in pos and size; the segment holds a batch that ends at or after offset, or
 * out->size stays 0 and 1 says to look in the next one. */
static int cut_slice(const struct view *v, int64_t offset, int64_t upper, size_t max_bytes,
		     bool min_one, struct kq_log_slice *out)
{
	struct kq_batch b = { .size = 0 };
	int64_t end = 0;
	int rc = find_upper(v, upper, &end);
	if (rc)
		return rc;
	out->pos = v->start_pos;
	if (out->pos < 0) {
		rc = kq_segment_find(v->segment, offset, v->size, &b, &out->pos);
		if (rc <= 0)
			return rc ? rc : !v->last;
	}
	if (out->pos >= end)
		return 0;
	int64_t left = end - out->pos;
	out->size = left > (int64_t)max_bytes ? max_bytes : (size_t)left;
	if ((int64_t)out->size == left)
		return 0;
	if (b.size == 0) {
		rc = kq_segment_find(v->segment, offset, v->size, &b, &out->pos);
		if (rc <= 0)
			return rc ? rc : KQ_ECORRUPT;
	}
	if ((size_t)b.size > out->size) {
		if (min_one)
			out->size = (size_t)b.size;
		else
			out->first_is_short = true;
	}
	return 0;
}

int kq_log_read(struct kq_log *log, int64_t offset, int64_t upper, size_t max_bytes,
		bool min_one, struct kq_log_slice *out)
{
	struct view v;
	for (;;) {
		*out = (struct kq_log_slice){ .fd = -1 };
		if (atomic_load_explicit(&log->closed, memory_order_acquire))
			return KQ_ECLOSED;
		int rc = take_view(log, offset, upper, &v);
		if (rc || !v.segment)
			return rc;
		out->segment = v.segment;
		out->more_behind = !v.last;
		out->fd = kq_segment_fd(v.segment);
		rc = out->fd < 0 ? out->fd : cut_slice(&v, offset, upper, max_bytes, min_one, out);
		if (rc || out->size == 0)
			kq_log_slice_release(out);
		if (rc != 1)
			return rc == KQ_ETRUNC ? KQ_ECORRUPT : rc;
		offset = v.next_base; /* only a hole was left in this segment */
	}
}

void kq_log_slice_release(struct kq_log_slice *s)
{
	kq_segment_unref(s->segment);
	s->segment = NULL;
	s->fd = -1;
	s->size = 0;
}

/* A reference to the first segment with base > after, or the one that holds offset
 * if after is below all; NULL at the end. */
static struct kq_segment *step(struct kq_log *log, int64_t offset, int64_t after)
{
	pthread_mutex_lock(&log->list_lock);
	int i = kq_log_segment_at(log, offset);
	if (i < 0)
		i = 0;
	while (i < log->seg_count && log->segs[i]->base_offset <= after)
		i++;
	struct kq_segment *s = i < log->seg_count ? kq_segment_ref(log->segs[i]) : NULL;
	pthread_mutex_unlock(&log->list_lock);
	return s;
}

int kq_log_aborted_txns(struct kq_log *log, int64_t from, int64_t to,
			struct kq_aborted_txn **v, int *n)
{
	int rc = 0;
	bool done = false;
	int64_t after = INT64_MIN;
	struct kq_segment *s;
	*v = NULL;
	*n = 0;
	while (!rc && !done && (s = step(log, from, after))) {
		after = s->base_offset;
		rc = kq_txn_index_collect(&s->txns, from, to, v, n, &done);
		kq_segment_unref(s);
	}
	if (rc) {
		free(*v);
		*v = NULL;
		*n = 0;
	}
	return rc;
}
