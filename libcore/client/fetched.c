/* Walking what was fetched: batches are checked and inflated one at a time, records
 * point into them. Batches of aborted transactions are stepped over (read_committed),
 * as are control batches unless the caller wants them. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "client/consumer_internal.h"
#include "record/batch_inflate.h"
#include "record/control.h"

static struct kq_walk *walk_of(struct kq_fetched *f)
{
	return (struct kq_walk *)((char *)f - offsetof(struct kq_walk, pub));
}

void kq_walk_begin(struct kq_walk *w, struct kq_consumer *c, struct kq_part *part)
{
	w->pub = (struct kq_fetched){ .topic = { part->source->topic, (int32_t)strlen(part->source->topic) },
				      .partition = part->source->partition,
				      .high_watermark = part->source->high_watermark };
	w->c = c;
	w->part = part;
	w->p = part->records.p;
	w->end = w->p + part->records.len;
	w->in_batch = w->in_legacy = w->has_held = false;
	w->aborted_at = w->active_n = 0;
	w->text[0] = '\0';
}

void kq_walk_deinit(struct kq_walk *w)
{
	free(w->active);
	kq_writer_deinit(&w->scratch);
}

static int bad(struct kq_walk *w, int rc, int64_t offset, const char *what)
{
	snprintf(w->text, sizeof w->text, "%.80s [%d]: batch at offset %" PRId64 " %s (%s)", w->part->source->topic,
		 w->pub.partition, offset, what, kq_strerror(rc));
	return rc;
}

/* Transactions that were aborted and begin at or before this batch are on from here. */
static void activate_aborted(struct kq_walk *w, const struct kq_batch *b)
{
	const struct kq_part *part = w->part;
	while (w->aborted_at < part->aborted_n &&
	       part->aborted[w->aborted_at].first_offset <= kq_batch_last_offset(b)) {
		if (w->active_n == w->active_cap) {
			w->active_cap = w->active_cap ? 2 * w->active_cap : 8;
			w->active = kq_realloc(w->active, (size_t)w->active_cap * sizeof *w->active);
		}
		w->active[w->active_n++] = part->aborted[w->aborted_at++].producer_id;
	}
}

static int find_active(const struct kq_walk *w, int64_t producer_id)
{
	for (int i = 0; i < w->active_n; i++)
		if (w->active[i] == producer_id)
			return i;
	return -1;
}

/* Is b of no interest to the caller? The batch is whole and its CRC is right. */
static bool step_over(struct kq_walk *w, const struct kq_batch *b)
{
	activate_aborted(w, b);
	int at = find_active(w, b->producer_id);
	if (!(b->attributes & KQ_BATCH_CONTROL))
		return at >= 0 && (b->attributes & KQ_BATCH_TRANSACTIONAL);
	if (at >= 0) /* its abort marker: a commit cannot come while it is on */
		w->active[at] = w->active[--w->active_n];
	return !w->c->o.control;
}

/* Opens the v2 batch at w->p: 1, 0 if it is stepped over, KQ_EAGAIN at a cut batch. */
static int open_batch(struct kq_walk *w)
{
	struct kq_batch *b = &w->batch;
	int rc = kq_batch_peek(w->p, (size_t)(w->end - w->p), b);
	if (rc == KQ_ETRUNC)
		return KQ_EAGAIN;
	if (rc)
		return bad(w, rc, kq_load_i64(w->p), "cannot be read");
	w->p += b->size;
	if (kq_batch_last_offset(b) < w->part->from)
		return 0;
	if (b->base_offset >= w->part->source->end)
		return KQ_EAGAIN;
	const uint8_t *records;
	size_t n;
	rc = kq_batch_check_crc(b);
	if (rc)
		return bad(w, rc, b->base_offset, "has a wrong checksum");
	if (step_over(w, b))
		return 0;
	rc = kq_batch_inflate(b, &w->scratch, &records, &n);
	if (rc)
		return bad(w, rc, b->base_offset, "cannot be decompressed");
	kq_record_iter_init(&w->it, b, records, n);
	w->in_batch = true;
	return 1;
}

static int open_legacy(struct kq_walk *w)
{
	int rc = kq_legacy_peek(w->p, (size_t)(w->end - w->p), &w->legacy);
	if (rc == KQ_ETRUNC)
		return KQ_EAGAIN;
	if (!rc)
		rc = kq_legacy_check_crc(&w->legacy);
	if (rc)
		return bad(w, rc, kq_load_i64(w->p), "of an old format cannot be read");
	w->p += w->legacy.size;
	if (w->legacy.offset < w->part->from)
		return 0;
	rc = kq_legacy_iter_init(&w->legacy_it, &w->legacy, &w->scratch);
	if (rc)
		return bad(w, rc, w->legacy.offset, "of an old format cannot be decompressed");
	w->in_legacy = true;
	return 1;
}

/* Makes w stand inside a batch: 1; 0 at the end of the run. */
static int next_batch(struct kq_walk *w)
{
	while (w->end - w->p >= KQ_BATCH_OVERHEAD + 5) {
		int rc = w->p[16] == 2 ? open_batch(w) : open_legacy(w);
		if (rc == KQ_EAGAIN)
			return 0;
		if (rc)
			return rc;
	}
	return 0;
}

/* The next record that is wanted. */
static int next_record(struct kq_walk *w, struct kq_record *rec)
{
	for (;;) {
		if (!w->in_batch && !w->in_legacy) {
			int rc = next_batch(w);
			if (rc <= 0)
				return rc;
		}
		int rc = w->in_batch ? kq_record_next(&w->it, rec) : kq_legacy_next(&w->legacy_it, rec);
		if (rc < 0)
			return bad(w, rc, w->in_batch ? w->batch.base_offset : w->legacy.offset,
				   "has records that do not fit");
		if (rc == 0) {
			w->in_batch = w->in_legacy = false;
			continue;
		}
		if (rec->offset >= w->part->source->end) {
			w->p = w->end;
			w->in_batch = w->in_legacy = false;
			return 0;
		}
		if (rec->offset >= w->part->from)
			return 1;
	}
}

int kq_fetched_next(struct kq_fetched *f, struct kq_message *m)
{
	struct kq_walk *w = walk_of(f);
	struct kq_record rec;
	if (w->has_held) {
		rec = w->held;
		w->has_held = false;
	} else {
		int rc = next_record(w, &rec);
		if (rc <= 0)
			return rc;
	}
	*m = (struct kq_message){
		.topic = f->topic, .partition = f->partition,
		.leader_epoch = w->in_batch ? w->batch.leader_epoch : -1,
		.offset = rec.offset, .timestamp = rec.timestamp, .key = rec.key, .value = rec.value,
		.headers = rec.headers, .header_count = rec.header_count,
		.log_append_time = w->in_batch ? (w->batch.attributes & KQ_BATCH_LOG_APPEND_TIME) != 0
					       : (w->legacy.attributes & KQ_LEGACY_LOG_APPEND_TIME) != 0,
		.control = w->in_batch && (w->batch.attributes & KQ_BATCH_CONTROL),
	};
	return 1;
}

int kq_fetched_values(struct kq_fetched *f, struct kq_values *v)
{
	struct kq_walk *w = walk_of(f);
	char *p = v->p, *end = v->p + v->room;
	int rc = 1;
	v->records = 0;
	while (v->records < v->max_records) {
		struct kq_record rec;
		if (w->has_held)
			rec = w->held;
		else if ((rc = next_record(w, &rec)) <= 0)
			break;
		struct kq_bytes value = rec.value.len < 0 ? v->null_text : rec.value;
		size_t n = value.len > 0 ? (size_t)value.len : 0;
		if ((size_t)(end - p) < n + v->delim_n) {
			w->held = rec;
			w->has_held = true;
			v->used = v->records ? (size_t)(p - v->p) : n + v->delim_n;
			return 1;
		}
		w->has_held = false;
		if (n)
			memcpy(p, value.p, n);
		p += n;
		for (size_t i = 0; i < v->delim_n; i++)
			*p++ = v->delim[i];
		v->records++;
	}
	v->used = (size_t)(p - v->p);
	return rc;
}

const char *kq_fetched_error(const struct kq_fetched *f)
{
	return ((const struct kq_walk *)((const char *)f - offsetof(struct kq_walk, pub)))->text;
}
