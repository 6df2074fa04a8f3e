/* Verifying: each check says what is wrong where, and goes on as far as the bytes
 * can be followed. An index is checked by walking it and the .log side by side, so
 * that nothing is held in memory whatever the size. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "kq/segment.h"

struct verify {
	const char *path;
	int64_t base;
	kq_segment_fault_fn *fault;
	void *arg;
	int faults;
	bool wrong_crc_last;   /* the batch before was reported nothing of yet */
	int64_t wrong_crc_position;
};

static void report(struct verify *v, int64_t position, bool torn, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static void report(struct verify *v, int64_t position, bool torn, const char *fmt, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	v->faults++;
	v->fault(v->arg, v->path, position, torn, text);
}

/* A wrong CRC is known to be damage once something whole follows it. */
static void settle_crc(struct verify *v, bool is_last)
{
	if (!v->wrong_crc_last)
		return;
	v->wrong_crc_last = false;
	if (is_last)
		report(v, v->wrong_crc_position, true, "torn tail: the last batch has a wrong CRC");
	else
		report(v, v->wrong_crc_position, false, "damage: wrong CRC");
}

static void check_records(struct verify *v, struct kq_segment_reader *r, const struct kq_segment_batch *b)
{
	struct kq_segment_record rec;
	struct kq_error e;
	int64_t last = b->base_offset - 1;
	int32_t n = 0;
	int rc;
	while ((rc = kq_segment_next_record(r, &rec, &e)) == 1) {
		if (rec.m.offset <= last || rec.m.offset > b->last_offset) {
			report(v, b->position, false, "damage: record offset %" PRId64 " after %" PRId64
			       " in the batch %" PRId64 " to %" PRId64, rec.m.offset, last, b->base_offset, b->last_offset);
			return;
		}
		last = rec.m.offset;
		n++;
	}
	if (rc < 0)
		report(v, b->position, false, "damage: %s", e.text);
	else if (b->control && n != 1)
		report(v, b->position, false, "damage: a control batch of %d records", n);
}

static void check_batch(struct verify *v, const struct kq_segment_batch *b, const struct kq_segment_batch *before)
{
	if (b->base_offset < v->base)
		report(v, b->position, false, "damage: offset %" PRId64 " lies below the file's name", b->base_offset);
	if (b->last_offset < b->base_offset)
		report(v, b->position, false, "damage: last offset %" PRId64 " below the base offset %" PRId64,
		       b->last_offset, b->base_offset);
	if (b->last_offset - v->base > INT32_MAX)
		report(v, b->position, false, "damage: offset %" PRId64 " lies too far above the file's name", b->last_offset);
	if (!before)
		return;
	if (b->base_offset <= before->last_offset)
		report(v, b->position, false, "damage: offset %" PRId64 " after %" PRId64, b->base_offset, before->last_offset);
	if (b->leader_epoch < before->leader_epoch && b->leader_epoch >= 0)
		report(v, b->position, false, "damage: leader epoch %d after %d", (int)b->leader_epoch, (int)before->leader_epoch);
}

static int verify_log(struct verify *v, struct kq_error *e)
{
	struct kq_segment_reader *r;
	struct kq_segment_batch b, before;
	bool first = true;
	int rc = kq_segment_open(&r, v->path, 0, e);
	if (rc != 0)
		return rc;
	while ((rc = kq_segment_next(r, &b, e)) == 1) {
		settle_crc(v, false);
		if (b.crc_wrong) {
			v->wrong_crc_last = true;
			v->wrong_crc_position = b.position;
		} else {
			check_batch(v, &b, first ? NULL : &before);
			check_records(v, r, &b);
			before = b;
			first = false;
		}
	}
	settle_crc(v, true);
	kq_segment_close(r);
	if (rc == KQ_EIO || rc == KQ_ENOMEM)
		return rc;
	if (rc < 0)
		report(v, -1, rc == KQ_ETRUNC, "%s", e->text);
	return 0;
}

/* ---- indexes against their log ------------------------------------------- */

struct beside {
	struct kq_segment_reader *r;
	struct kq_segment_batch b;  /* the batch at hand */
	bool there;                 /* there is one */
	int64_t last_before;        /* last offset of the batch before it; -1 none */
};

static void advance(struct beside *s)
{
	struct kq_error e;
	if (s->there)
		s->last_before = s->b.last_offset;
	s->there = kq_segment_next(s->r, &s->b, &e) == 1;
}

static void check_index_entry(struct verify *v, struct beside *s, const struct kq_segment_index_entry *x, size_t i)
{
	while (s->there && s->b.position < x->position)
		advance(s);
	if (!s->there || s->b.position != x->position)
		report(v, (int64_t)i * 8, false, "damage: entry %zu (offset %" PRId64 ", position %" PRId64
		       ") points at no batch", i, x->offset, x->position);
	else if (x->offset < s->b.base_offset || x->offset <= s->last_before || x->offset < v->base)
		report(v, (int64_t)i * 8, false, "damage: entry %zu says offset %" PRId64 " at position %" PRId64
		       ", where the batch %" PRId64 " to %" PRId64 " is", i, x->offset, x->position,
		       s->b.base_offset, s->b.last_offset);
}

static void check_time_entry(struct verify *v, struct beside *s, const struct kq_segment_index_entry *x, size_t i)
{
	while (s->there && s->b.last_offset < x->offset)
		advance(s);
	if (!s->there || s->b.base_offset > x->offset)
		report(v, (int64_t)i * 12, false, "damage: entry %zu (time %" PRId64 ", offset %" PRId64
		       ") points at no batch", i, x->timestamp, x->offset);
	else if (s->b.max_timestamp != x->timestamp)
		report(v, (int64_t)i * 12, false, "damage: entry %zu says time %" PRId64 " at offset %" PRId64
		       ", where the batch's is %" PRId64, i, x->timestamp, x->offset, s->b.max_timestamp);
}

static void check_txn_entry(struct verify *v, struct beside *s, const struct kq_segment_index_entry *x, size_t i)
{
	struct kq_segment_record rec;
	struct kq_error e;
	if (x->version != 0)
		report(v, (int64_t)i * 34, false, "damage: entry %zu has version %d", i, x->version);
	if (x->first_offset > x->last_offset)
		report(v, (int64_t)i * 34, false, "damage: entry %zu ends at %" PRId64 ", before its start %" PRId64, i,
		       x->last_offset, x->first_offset);
	while (s->there && s->b.last_offset < x->last_offset)
		advance(s);
	if (!s->there || s->b.base_offset != x->last_offset || s->b.producer_id != x->producer_id ||
	    kq_segment_next_record(s->r, &rec, &e) != 1 || rec.control_type != 0)
		report(v, (int64_t)i * 34, false, "damage: entry %zu: offset %" PRId64 " is no abort marker of producer %" PRId64,
		       i, x->last_offset, x->producer_id);
}

/* Whether entry i lies above the one before it, as its kind of index demands. */
static bool in_order(enum kq_segment_kind kind, const struct kq_segment_index_entry *v, size_t i)
{
	if (i == 0)
		return true;
	if (kind == KQ_SEGMENT_INDEX)
		return v[i].offset > v[i - 1].offset && v[i].position > v[i - 1].position;
	if (kind == KQ_SEGMENT_TIMEINDEX)
		return v[i].timestamp > v[i - 1].timestamp && v[i].offset >= v[i - 1].offset;
	return v[i].last_offset > v[i - 1].last_offset;
}

/* The path of the .log beside an index: same name, other suffix. */
static char *log_beside(const char *path)
{
	const char *slash = strrchr(path, '/'), *dot = strchr(slash ? slash : path, '.');
	const char *more = strchr(dot + 1, '.');
	size_t room = strlen(path) + sizeof ".log";
	char *s = kq_malloc(room);
	snprintf(s, room, "%.*s.log%s", (int)(dot - path), path, more ? more : "");
	return s;
}

static int verify_index(struct verify *v, enum kq_segment_kind kind, struct kq_error *e)
{
	struct kq_segment_index_entry *x;
	struct beside s = { .last_before = -1 };
	size_t n;
	int rc = kq_segment_read_index(v->path, &x, &n, e);
	if (rc != 0 && rc != KQ_ECORRUPT)
		return rc;
	if (rc == KQ_ECORRUPT)
		report(v, -1, false, "damage: %s", e->text);
	char *log = log_beside(v->path);
	rc = kq_segment_open(&s.r, log, 0, e);
	if (rc == 0)
		advance(&s);
	else
		report(v, -1, false, "damage: there is no %s beside it", strrchr(log, '/') ? strrchr(log, '/') + 1 : log);
	for (size_t i = 0; i < n; i++) {
		if (!in_order(kind, x, i)) {
			report(v, -1, false, "damage: entry %zu does not lie above entry %zu", i, i - 1);
			break;
		}
		if (!s.r)
			continue;
		if (kind == KQ_SEGMENT_INDEX)
			check_index_entry(v, &s, &x[i], i);
		else if (kind == KQ_SEGMENT_TIMEINDEX)
			check_time_entry(v, &s, &x[i], i);
		else
			check_txn_entry(v, &s, &x[i], i);
	}
	kq_segment_close(s.r);
	free(log);
	free(x);
	return 0;
}

static int verify_small(struct verify *v, enum kq_segment_kind kind, struct kq_error *e)
{
	struct kq_segment_producer *p = NULL;
	struct kq_segment_line *l = NULL;
	size_t n = 0;
	int rc = kind == KQ_SEGMENT_SNAPSHOT ? kq_segment_read_snapshot(v->path, &p, &n, e)
					     : kq_segment_read_lines(v->path, &l, &n, e);
	if (rc == KQ_ECORRUPT || rc == KQ_EUNSUPPORTED)
		report(v, -1, false, "damage: %s", e->text);
	for (size_t i = 1; kind == KQ_SEGMENT_EPOCHS && i < n; i++)
		if (l[i].epoch <= l[i - 1].epoch || l[i].offset <= l[i - 1].offset)
			report(v, -1, false, "damage: epoch %d at %" PRId64 " does not lie above epoch %d at %" PRId64,
			       (int)l[i].epoch, l[i].offset, (int)l[i - 1].epoch, l[i - 1].offset);
	free(p);
	free(l);
	return rc == KQ_ECORRUPT || rc == KQ_EUNSUPPORTED ? 0 : rc;
}

int kq_segment_verify(const char *path, kq_segment_fault_fn *fault, void *arg, struct kq_error *e)
{
	struct verify v = { .path = path, .fault = fault, .arg = arg };
	enum kq_segment_kind kind = kq_segment_kind(path, &v.base);
	int rc;
	switch (kind) {
	case KQ_SEGMENT_LOG:
		rc = verify_log(&v, e);
		break;
	case KQ_SEGMENT_INDEX:
	case KQ_SEGMENT_TIMEINDEX:
	case KQ_SEGMENT_TXNINDEX:
		rc = verify_index(&v, kind, e);
		break;
	case KQ_SEGMENT_UNKNOWN:
		return kq_error_set(e, KQ_EINVAL, "its name is none of Kafka's");
	default:
		rc = verify_small(&v, kind, e);
	}
	return rc < 0 ? rc : v.faults;
}
