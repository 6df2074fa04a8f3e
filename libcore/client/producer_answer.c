/* The I/O thread's receiving half: what the broker said about each batch.
 *
 * Delivered; refused for good (the caller is told); refused for a passing reason or
 * never answered (back into the queue, to be sent again as it is); too large (split
 * in two, whose numbers are those of the whole). */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "client/producer_internal.h"
#include "record/batch_inflate.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	ANSWER_ARENA_MAX = 4 << 20,
	SPLIT_BYTES_MAX = 256 << 20, /* a batch inflated to be split */
};

/* ---- sending again ------------------------------------------------------------------- */

static void again(struct kq_producer *p, struct kq_out_batch *b, bool metadata)
{
	if (b->attempts > p->retries_max) {
		kq_producer_finish(p, b, KQ_EKAFKA, -1, -1);
		return;
	}
	b->retry_ms = kq_clock_mono_ms() + p->retry_ms;
	b->part->retrying = true;
	kq_producer_queue(b);
	pthread_mutex_lock(&p->lock);
	p->stats.retries++;
	pthread_mutex_unlock(&p->lock);
	if (metadata)
		kq_client_want_metadata(&p->client);
}

/* ---- splitting ------------------------------------------------------------------------ */

/* The raw bytes of records [from, to). */
static void part_raw(const struct kq_out_batch *b, struct kq_out_batch *half, int32_t from, int32_t to)
{
	const uint32_t *lens = (const uint32_t *)(const void *)b->raw_lens.buf;
	size_t start = 0, n = 0;
	if ((size_t)to * sizeof(*lens) > b->raw_lens.len)
		return;
	for (int32_t i = 0; i < to; i++)
		*(i < from ? &start : &n) += lens[i];
	kq_write_bytes(&half->raw, b->raw.buf + start, n);
	kq_write_bytes(&half->raw_lens, lens + from, (size_t)(to - from) * sizeof(*lens));
}

/* Lays records [from, to) of b into a new batch. */
static struct kq_out_batch *part_of(struct kq_producer *p, struct kq_out_batch *b,
				    const struct kq_batch *head, const uint8_t *records, size_t n,
				    int32_t from, int32_t to)
{
	struct kq_record_iter it;
	struct kq_record r;
	pthread_mutex_lock(&p->lock);
	struct kq_out_batch *half = kq_accumulator_take_free(p);
	p->unfinished++;
	pthread_mutex_unlock(&p->lock);
	half->part = b->part;
	half->opened_ms = b->opened_ms;
	half->index = b->index + (uint64_t)from;
	half->runs_n = 0;
	half->bytes = NULL;
	half->attempts = 0;
	half->retry_ms = 0;
	half->builder.limit = n + KQ_BATCH_HEADER_SIZE + 1024;
	half->reason[0] = '\0';
	kq_writer_reset(&half->raw);
	kq_writer_reset(&half->raw_lens);
	part_raw(b, half, from, to);
	kq_record_iter_init(&it, head, records, n);
	for (int32_t i = 0; i < to && kq_record_next(&it, &r) == 1; i++) {
		if (i < from)
			continue;
		if (i == from && kq_builder_begin(&half->builder, r.timestamp))
			break;
		if (kq_builder_append(&half->builder, r.timestamp, r.key, r.value, r.header_count, r.headers))
			break;
		kq_accumulator_add_run(half, i - from, kq_accumulator_tag(b, i));
	}
	half->count = half->builder.count;
	return half;
}

/* Numbers of a half: its share of the whole's, which the broker never took. */
static int seal_half(struct kq_producer *p, struct kq_out_batch *b, struct kq_out_batch *half, int32_t from)
{
	struct kq_seal how = { .codec = p->codec, .level = p->level, KQ_SEAL_NO_PRODUCER };
	half->sequenced = b->sequenced;
	if (b->sequenced) {
		how.producer_id = p->pid;
		how.producer_epoch = half->epoch = b->epoch;
		how.base_sequence = half->sequence = (int32_t)(((int64_t)b->sequence + from) & INT32_MAX);
		b->part->sequenced++;
	}
	return kq_builder_finish(&half->builder, &how, &half->bytes, &half->n);
}

static bool split(struct kq_producer *p, struct kq_out_batch *b)
{
	struct kq_writer scratch;
	struct kq_batch head;
	const uint8_t *records;
	size_t n;
	if (b->count < 2 || kq_batch_peek(b->bytes, b->n, &head))
		return false;
	kq_writer_init(&scratch, SPLIT_BYTES_MAX);
	if (kq_batch_inflate(&head, &scratch, &records, &n)) {
		kq_writer_deinit(&scratch);
		return false;
	}
	int32_t mid = b->count / 2;
	struct kq_out_batch *first = part_of(p, b, &head, records, n, 0, mid);
	struct kq_out_batch *second = part_of(p, b, &head, records, n, mid, b->count);
	kq_writer_deinit(&scratch);
	int rc = seal_half(p, b, first, 0);
	if (!rc)
		rc = seal_half(p, b, second, mid);
	if (rc)
		kq_warn_log("producer", "cannot split a batch: %s", kq_strerror(rc));
	kq_producer_queue(first);
	kq_producer_queue(second);
	b->part->retrying = true;
	b->part->sequenced -= b->sequenced;
	b->sequenced = false;
	kq_accumulator_recycle(p, b);
	return true;
}

/* ---- answers ---------------------------------------------------------------------------- */

static void refused(struct kq_producer *p, struct kq_out_batch *b, int code, struct kq_str words)
{
	struct kq_out_partition *part = b->part;
	snprintf(b->reason, sizeof(b->reason), "%s%s%.*s", kq_kafka_error_name(code),
		 words.len > 0 ? ": " : "", words.len > 0 ? (int)words.len : 0, words.len > 0 ? words.p : "");
	kq_debug_log("producer", "%s [%d]: %s", part->topic->name, (int)part->index, b->reason);
	switch (code) {
	case KQ_KAFKA_DUPLICATE_SEQUENCE_NUMBER:
		kq_producer_finish(p, b, 0, -1, -1);
		return;
	case KQ_KAFKA_MESSAGE_TOO_LARGE:
	case KQ_KAFKA_RECORD_LIST_TOO_LARGE:
		if (!split(p, b))
			kq_producer_finish(p, b, KQ_ETOOBIG, -1, -1);
		return;
	case KQ_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER:
	case KQ_KAFKA_UNKNOWN_PRODUCER_ID:
	case KQ_KAFKA_INVALID_PRODUCER_EPOCH:
		/* Behind one that came back, this had to happen; else the broker has
		 * forgotten, and everything not done goes out under a new epoch. */
		if (!p->idempotent) {
			kq_producer_finish(p, b, KQ_EKAFKA, -1, -1);
			return;
		}
		if (!part->queue || part->queue->index > b->index)
			part->reset = true;
		again(p, b, false);
		return;
	default:
		if (kq_kafka_error_retriable(code))
			again(p, b, true);
		else
			kq_producer_finish(p, b, KQ_EKAFKA, -1, -1);
	}
}

typedef const struct kq_produce_response_partition_produce_response part_answer;

static part_answer *find(const struct kq_produce_response *r, const struct kq_out_batch *b)
{
	const char *name = b->part->topic->name;
	for (int32_t i = 0; i < r->responses_n; i++) {
		struct kq_str t = r->responses[i].name;
		if (t.len != (int32_t)strlen(name) || memcmp(t.p, name, (size_t)t.len))
			continue;
		for (int32_t k = 0; k < r->responses[i].partition_responses_n; k++)
			if (r->responses[i].partition_responses[k].index == b->part->index)
				return &r->responses[i].partition_responses[k];
	}
	return NULL;
}

static void answered(struct kq_flight *f, const struct kq_produce_response *r)
{
	for (int i = 0; i < f->n; i++) {
		struct kq_out_batch *b = f->v[i];
		part_answer *a = find(r, b);
		if (!a)
			again(f->p, b, true);
		else if (a->error_code)
			refused(f->p, b, a->error_code, a->error_message);
		else
			kq_producer_finish(f->p, b, 0, a->base_offset, a->log_append_time_ms);
	}
}

void kq_producer_answer(void *arg, int err, struct kq_rpc_reply *reply)
{
	struct kq_flight *f = arg;
	struct kq_produce_response r;
	struct kq_arena a;
	for (int i = 0; i < f->n; i++)
		f->v[i]->part->in_flight--;
	kq_arena_init(&a, ANSWER_ARENA_MAX);
	if (!err && reply)
		err = kq_rpc_reply_decode(reply, &a, &r);
	if (!err && !reply) { /* acks=0: written is all there is */
		for (int i = 0; i < f->n; i++)
			kq_producer_finish(f->p, f->v[i], 0, -1, -1);
	} else if (!err) {
		answered(f, &r);
	} else {
		/* In reverse, so that each stands before the later ones at once. */
		for (int i = f->n - 1; i >= 0; i--) {
			snprintf(f->v[i]->reason, sizeof(f->v[i]->reason), "%s",
				 err == KQ_ETIMEOUT ? "the broker does not answer" : "connection lost");
			again(f->p, f->v[i], true);
		}
	}
	kq_arena_deinit(&a);
	free(f);
}
