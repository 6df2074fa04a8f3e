/* What a fault test knows of a partition: which record was appended at which offset,
 * how far it was acknowledged, and what may be gone because a deletion was tried.
 * check_part compares that with what lies in the log. */
#ifndef UNIT_FAULT_MODEL_H
#define UNIT_FAULT_MODEL_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "kq/error.h"
#include "log/log_internal.h"
#include "log/log_manager.h"
#include "record/builder.h"
#include "record/control.h"

enum { OFFSETS_MAX = 256, BATCH_RECORDS = 2, VALUE_SIZE = 300, MARKER = -1, NOTHING = -2 };

struct part {
	const char *topic;
	int32_t partition;
	bool idempotent;
	struct kq_log *log;      /* of this life, a reference; NULL: not there */
	int32_t id[OFFSETS_MAX]; /* the record tried last at each offset */
	int64_t acked;           /* below: acknowledged */
	int64_t may_start;       /* below: a deletion was tried */
	bool may_be_gone;        /* its own deletion was tried */
	bool failed;             /* the listener was told so in this life */
	int32_t sequence;        /* the next one */
	struct batch {
		int32_t id, sequence;
		int16_t attributes;
	} last; /* the batch sent last, if it was not acknowledged; id -1 none */
};

static pthread_mutex_t model_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t model_changed = PTHREAD_COND_INITIALIZER;
static int32_t next_id;
static struct part *current; /* the one appended to */
static struct part *ruined;  /* the one whose data a write or sync failed for, in this life;
			      * the others may still be told of what was synced before their
			      * directory went offline */
static char violation[256]; /* the first broken promise; "" none */

static void broken(const struct part *p, const char *what, int64_t offset)
{
	if (!violation[0])
		snprintf(violation, sizeof violation, "%s-%d: %s at offset %lld", p->topic,
			 (int)p->partition, what, (long long)offset);
}

/* ---- acknowledgements ------------------------------------------------------- */

static void on_durable(void *arg, int64_t end)
{
	struct part *p = arg;
	kq_log_advance_high_watermark(p->log, end);
	pthread_mutex_lock(&model_lock);
	if (ruined == p && end > p->acked)
		broken(p, "acknowledged after a failed write or sync", end);
	if (end > p->acked)
		p->acked = end;
	pthread_cond_broadcast(&model_changed);
	pthread_mutex_unlock(&model_lock);
}

static void on_failed(void *arg)
{
	struct part *p = arg;
	pthread_mutex_lock(&model_lock);
	p->failed = true;
	pthread_cond_broadcast(&model_changed);
	pthread_mutex_unlock(&model_lock);
}

/* Until everything below end is acknowledged, or never will be. */
static int wait_durable(struct kq_log_manager *m, struct part *p, int64_t end)
{
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 20;
	kq_log_manager_want_sync(m, p->log);
	bool already = kq_log_durable_end(p->log) >= end; /* a batch sent again */
	pthread_mutex_lock(&model_lock);
	int late = 0;
	if (already && p->acked < end)
		p->acked = end;
	while (p->acked < end && !p->failed && !late)
		late = pthread_cond_timedwait(&model_changed, &model_lock, &until);
	if (late)
		broken(p, "neither acknowledged nor failed", end);
	int rc = p->acked < end ? KQ_EIO : 0;
	pthread_mutex_unlock(&model_lock);
	return rc;
}

/* ---- appends ------------------------------------------------------------------ */

static int64_t now_ms(void)
{
	return (int64_t)time(NULL) * 1000;
}

static void build(struct kq_builder *b, const struct part *p, const struct batch *what,
		  uint8_t **bytes, size_t *n)
{
	struct kq_seal seal = { .attributes = what->attributes, KQ_SEAL_NO_PRODUCER };
	char value[VALUE_SIZE];
	memset(value, ' ', sizeof value);
	if (p->idempotent) {
		seal.producer_id = 7000 + p->partition;
		seal.producer_epoch = 0;
		seal.base_sequence = what->sequence;
	}
	kq_builder_init(b, 1 << 20);
	kq_builder_begin(b, now_ms());
	for (int i = 0; i < BATCH_RECORDS; i++) {
		value[snprintf(value, sizeof value, "%d", (int)what->id + i)] = ' ';
		kq_builder_append(b, now_ms(), KQ_BYTES_NULL,
				  (struct kq_bytes){ (const uint8_t *)value, sizeof value }, 0,
				  KQ_BYTES_NULL);
	}
	kq_builder_finish(b, &seal, bytes, n);
}

static bool holds(const struct part *p, int32_t id, int64_t end)
{
	for (int64_t i = 0; i < end && i < OFFSETS_MAX; i++)
		if (p->id[i] == id)
			return true;
	return false;
}

/* Sends p->last and waits for its acknowledgement. 0, or what was answered. */
static int send_batch(struct kq_log_manager *m, struct part *p)
{
	struct kq_builder b;
	struct kq_append_result r;
	int32_t before[BATCH_RECORDS];
	uint8_t *bytes;
	size_t n;
	current = p;
	int64_t base = kq_log_end_offset(p->log);
	bool offline = kq_log_is_offline(p->log), there = holds(p, p->last.id, base);
	if (base + BATCH_RECORDS > OFFSETS_MAX)
		return KQ_ELIMIT;
	memcpy(before, p->id + base, sizeof before);
	for (int i = 0; i < BATCH_RECORDS && !there; i++)
		p->id[base + i] = p->last.id + i;
	build(&b, p, &p->last, &bytes, &n);
	int rc = kq_log_append(p->log, bytes, n, kq_log_latest_epoch(p->log), &r);
	kq_builder_deinit(&b);
	if (rc == KQ_ECLOSED) /* nothing was written, maybe by an attempt before */
		memcpy(p->id + base, before, sizeof before);
	if (!rc && offline)
		broken(p, "written to a directory that is offline", base);
	if (!rc && there != r.duplicate)
		broken(p, there ? "written twice" : "taken for a duplicate", base);
	if (!rc)
		rc = wait_durable(m, p, r.last_offset + 1);
	if (!rc)
		p->last.id = -1;
	return rc;
}

/* A new batch. A producer that has one without an answer cannot go on before that. */
static int append(struct kq_log_manager *m, struct part *p, int16_t attributes)
{
	if (p->idempotent && p->last.id >= 0)
		return KQ_EAGAIN;
	p->last = (struct batch){ next_id, p->sequence, attributes };
	next_id += BATCH_RECORDS;
	p->sequence += BATCH_RECORDS;
	return send_batch(m, p);
}

/* Ends the partition's transaction by an abort marker. */
static int append_abort(struct kq_log_manager *m, struct part *p)
{
	uint8_t bytes[KQ_CONTROL_BATCH_SIZE];
	current = p;
	int64_t at = kq_log_end_offset(p->log);
	struct kq_control_marker marker = {
		.offset = at, .leader_epoch = kq_log_latest_epoch(p->log), .timestamp = now_ms(),
		.producer_id = 7000 + p->partition, .type = KQ_CONTROL_ABORT,
	};
	kq_control_build(bytes, &marker);
	int32_t before = p->id[at];
	p->id[at] = MARKER;
	int rc = kq_log_append_as_is(p->log, bytes, sizeof bytes);
	if (rc == KQ_ECLOSED)
		p->id[at] = before;
	return rc ? rc : wait_durable(m, p, at + 1);
}

/* ---- what is there ---------------------------------------------------------------- */

/* Compares the batches of a slice, from *next on; false when reading is over. */
static bool check_slice(struct part *p, const struct kq_log_slice *s, int64_t *next)
{
	uint8_t *bytes = malloc(s->size);
	ssize_t got = pread(s->fd, bytes, s->size, s->pos);
	size_t at = 0;
	struct kq_batch b;
	while (got > 0 && kq_batch_peek(bytes + at, (size_t)got - at, &b) == 0) {
		struct kq_record_iter it;
		struct kq_record rec;
		bool control = b.attributes & KQ_BATCH_CONTROL;
		if (kq_batch_check_crc(&b))
			broken(p, "wrong CRC", b.base_offset);
		kq_record_iter_init(&it, &b, b.bytes + KQ_BATCH_HEADER_SIZE,
				    (size_t)b.size - KQ_BATCH_HEADER_SIZE);
		while (kq_record_next(&it, &rec) > 0) {
			int32_t id = control ? MARKER : atoi((const char *)rec.value.p);
			if (rec.offset < *next)
				continue; /* the batch begins before the start */
			if (rec.offset > *next)
				broken(p, "a hole", *next);
			if (rec.offset >= OFFSETS_MAX || p->id[rec.offset] != id)
				broken(p, "another record than was appended", rec.offset);
			*next = rec.offset + 1;
		}
		at += (size_t)b.size;
	}
	free(bytes);
	return at > 0;
}

/* Every acknowledged record is there, once and in order, and nothing that was never
 * sent. upper: read so far. */
static void check_part(struct part *p, int64_t upper)
{
	int64_t next = kq_log_start_offset(p->log);
	if (next > p->may_start)
		broken(p, "the log starts later than anything was deleted", next);
	while (next < upper) {
		struct kq_log_slice s;
		int64_t before = next;
		int rc = kq_log_read(p->log, next, upper, 1 << 20, true, &s);
		if (rc) {
			broken(p, kq_strerror(rc), next);
			return;
		}
		bool more = s.size > 0 && check_slice(p, &s, &next);
		kq_log_slice_release(&s);
		if (!more || next == before)
			break;
	}
	if (next < upper)
		broken(p, "the log ends early", next);
}

/* After a start: what was acknowledged before it, and the end as it is now. */
static void check_loaded(struct part *p)
{
	int64_t end = kq_log_end_offset(p->log);
	if (end < p->acked && p->acked > p->may_start)
		broken(p, "acknowledged records are lost", end);
	check_part(p, end);
	if (end < p->acked)
		p->acked = end;
	for (int64_t i = end; i < OFFSETS_MAX; i++)
		p->id[i] = NOTHING;
}

#endif
