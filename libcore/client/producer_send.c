/* The I/O thread's sending half: batches into requests.
 *
 * Each partition has one queue in order of its records. A batch gets its sequence
 * number when it is first sent, and keeps its bytes until it is done, so that sending
 * again sends the same. While anything of a partition waits to be sent again, nothing
 * behind it goes out: first what is in flight comes back, then the queue goes out in
 * order. That, and the broker's sequence check, is why nothing is reordered. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "client/producer_internal.h"
#include "wire/messages.h"

enum {
	REQUEST_BATCHES_MAX = 256,
	REQUEST_BYTES_MAX = 4 << 20, /* of several batches; one may be larger */
};

void kq_producer_queue(struct kq_out_batch *b)
{
	struct kq_out_partition *part = b->part;
	struct kq_producer *p = part->topic->producer;
	struct kq_out_batch **at = &part->queue;
	while (*at && (*at)->index < b->index)
		at = &(*at)->next;
	b->next = *at;
	*at = b;
	if (part->active)
		return;
	part->active = true;
	part->active_next = p->active;
	p->active = part;
}

static void tell(struct kq_producer *p, struct kq_out_batch *b, int error, int64_t offset,
		 int64_t append_time)
{
	struct kq_delivery d = {
		.topic = b->part->topic->name,
		.partition = b->part->index,
		.error = error,
		.reason = error ? (b->reason[0] ? b->reason : kq_strerror(error)) : NULL,
		.base_offset = offset,
		.log_append_time = append_time,
		.count = b->count,
		.first_tag = kq_accumulator_tag(b, 0),
		.raw = { b->raw.buf, (int32_t)b->raw.len },
		.batch = b,
	};
	if (p->opt.delivered)
		p->opt.delivered(p->opt.arg, &d);
}

void kq_producer_finish(struct kq_producer *p, struct kq_out_batch *b, int error,
			int64_t offset, int64_t append_time)
{
	if (b->sequenced) {
		b->part->sequenced--;
		if (error)
			b->part->reset = true; /* its numbers are missing in the row now */
	}
	pthread_mutex_lock(&p->lock);
	if (error) {
		p->stats.failed += (uint64_t)b->count;
	} else {
		p->stats.delivered += (uint64_t)b->count;
		p->stats.batches++;
		p->stats.batch_bytes += b->n;
	}
	pthread_mutex_unlock(&p->lock);
	tell(p, b, error, offset, append_time);
	kq_accumulator_recycle(p, b);
}

/* ---- sequences -------------------------------------------------------------------- */

static int32_t sequence_after(int32_t sequence, int32_t count)
{
	return (int32_t)(((int64_t)sequence + count) & INT32_MAX);
}

/* Begins the partition's numbers anew in a new epoch: whatever of it was sent before
 * is done or came back. */
static void reset_sequences(struct kq_producer *p, struct kq_out_partition *part)
{
	if (p->epoch == INT16_MAX) {
		p->pid = -1; /* a new id is asked for */
		p->epoch = 0;
		return;
	}
	if (part->epoch == p->epoch)
		p->epoch++;
	part->epoch = p->epoch;
	part->next_sequence = 0;
	part->reset = false;
	for (struct kq_out_batch *b = part->queue; b; b = b->next) {
		if (!b->sequenced)
			continue;
		b->epoch = part->epoch;
		b->sequence = part->next_sequence;
		part->next_sequence = sequence_after(part->next_sequence, b->count);
		kq_batch_patch_producer(b->bytes, b->n, p->pid, b->epoch, b->sequence);
	}
	kq_debug_log("producer", "%s [%d]: sequences start anew in epoch %d", part->topic->name,
		     (int)part->index, (int)part->epoch);
}

/* Compression, header, checksum; the sequence number too. */
static int seal(struct kq_producer *p, struct kq_out_batch *b)
{
	struct kq_out_partition *part = b->part;
	struct kq_seal how = { .codec = p->codec, .level = p->level, KQ_SEAL_NO_PRODUCER };
	if (p->idempotent) {
		if (part->sequenced == 0 && part->epoch != p->epoch) {
			part->epoch = p->epoch;
			part->next_sequence = 0;
		}
		how.producer_id = p->pid;
		how.producer_epoch = b->epoch = part->epoch;
		how.base_sequence = b->sequence = part->next_sequence;
	}
	int rc = kq_builder_finish(&b->builder, &how, &b->bytes, &b->n);
	if (rc)
		return rc;
	pthread_mutex_lock(&p->lock);
	kq_accumulator_charge(p, b);
	size_t max = (size_t)part->topic->record_max;
	pthread_mutex_unlock(&p->lock);
	if (b->n > max && b->count == 1)
		return KQ_ETOOBIG;
	if (p->idempotent) {
		b->sequenced = true;
		part->sequenced++;
		part->next_sequence = sequence_after(part->next_sequence, b->count);
	}
	return 0;
}

/* ---- choosing what to send ----------------------------------------------------------- */

/* Can the head of this queue go out now? *due: when to look again. */
static bool ready(struct kq_producer *p, struct kq_out_partition *part, int64_t now, int64_t *due)
{
	struct kq_out_batch *b = part->queue;
	if (!b || part->leader < 0 || (p->idempotent && p->pid < 0))
		return false;
	if (part->retrying || part->reset) {
		if (part->in_flight)
			return false; /* its answer comes first */
		if (part->reset && p->idempotent)
			reset_sequences(p, part);
		part->retrying = false;
	}
	if (b->retry_ms > now) {
		if (b->retry_ms < *due)
			*due = b->retry_ms;
		return false;
	}
	return p->pid >= 0 || !p->idempotent;
}

static int by_topic(const void *a, const void *b)
{
	const struct kq_out_batch *const *x = a, *const *y = b;
	uintptr_t tx = (uintptr_t)(*x)->part->topic, ty = (uintptr_t)(*y)->part->topic;
	return tx < ty ? -1 : tx > ty ? 1 : (*x)->part->index - (*y)->part->index;
}

/* Lays the request out over arrays of the flight's size and sends it. */
static int send_flight(struct kq_producer *p, struct kq_rpc_conn *conn, struct kq_flight *f)
{
	struct kq_produce_request rq;
	struct kq_produce_request_topic_produce_data *topics = kq_calloc((size_t)f->n, sizeof(*topics));
	struct kq_produce_request_partition_produce_data *parts = kq_calloc((size_t)f->n, sizeof(*parts));
	struct iovec *records = kq_calloc((size_t)f->n, sizeof(*records));
	kq_wire_init(kq_api_find(KQ_API_PRODUCE)->request, &rq);
	rq.acks = p->acks;
	rq.timeout_ms = p->request_ms;
	rq.topic_data = topics;
	qsort(f->v, (size_t)f->n, sizeof(f->v[0]), by_topic);
	for (int i = 0; i < f->n; i++) {
		struct kq_out_batch *b = f->v[i];
		if (i == 0 || b->part->topic != f->v[i - 1]->part->topic) {
			const char *name = b->part->topic->name;
			topics[rq.topic_data_n++] = (struct kq_produce_request_topic_produce_data){
				.name = { name, (int32_t)strlen(name) }, .partition_data = &parts[i] };
		}
		topics[rq.topic_data_n - 1].partition_data_n++;
		parts[i].index = b->part->index;
		parts[i].records = (struct kq_bytes){ NULL, (int32_t)b->n };
		records[i] = (struct iovec){ b->bytes, b->n };
	}
	int rc = kq_rpc_conn_version(conn, KQ_API_PRODUCE, p->codec == KQ_CODEC_ZSTD ? 7 : 3, -1);
	struct kq_rpc_request r = { .api_key = KQ_API_PRODUCE, .version = rc, .body = &rq,
				    .records = records, .records_n = f->n, .no_reply = p->acks == 0,
				    .timeout_ms = p->request_ms, .done = kq_producer_answer, .arg = f };
	if (rc >= 0)
		rc = kq_rpc_send(conn, &r);
	free(records);
	free(parts);
	free(topics);
	return rc;
}

/* Moves heads of queues of this node's partitions into a flight. */
static struct kq_flight *gather(struct kq_producer *p, int32_t node, int64_t now, int64_t *due)
{
	struct kq_flight *f = kq_malloc(sizeof(*f) + REQUEST_BATCHES_MAX * sizeof(f->v[0]));
	size_t bytes = 0;
	*f = (struct kq_flight){ .p = p, .node = node };
	for (struct kq_out_partition *part = p->active; part; part = part->active_next) {
		if (part->leader != node || f->n == REQUEST_BATCHES_MAX || !ready(p, part, now, due))
			continue;
		struct kq_out_batch *b = part->queue;
		if (f->n && bytes + (b->bytes ? b->n : kq_builder_size(&b->builder)) > REQUEST_BYTES_MAX)
			continue;
		int rc = b->bytes ? 0 : seal(p, b);
		if (rc) {
			part->queue = b->next;
			kq_producer_finish(p, b, rc, -1, -1);
			*due = now;
			continue;
		}
		part->queue = b->next;
		part->in_flight++;
		bytes += b->n;
		f->v[f->n++] = b;
	}
	if (f->n)
		return f;
	free(f);
	return NULL;
}

/* Puts a flight that could not be sent back where it came from. */
static void ground(struct kq_flight *f)
{
	for (int i = 0; i < f->n; i++) {
		f->v[i]->part->in_flight--;
		kq_producer_queue(f->v[i]);
	}
	free(f);
}

/* Requests to one node as long as there is something for it and it takes more. */
static void send_to(struct kq_producer *p, int32_t node, int64_t now, int64_t *due)
{
	struct kq_rpc_conn *conn = kq_client_conn(&p->client, node);
	struct kq_flight *f;
	if (!conn) {
		kq_client_want_metadata(&p->client);
		return;
	}
	while (kq_rpc_conn_can_send(conn) && (f = gather(p, node, now, due))) {
		for (int i = 0; i < f->n; i++)
			f->v[i]->attempts++;
		int rc = send_flight(p, conn, f);
		if (!rc)
			continue;
		if (rc == KQ_EUNSUPPORTED) {
			for (int i = 0; i < f->n; i++) {
				struct kq_out_batch *b = f->v[i];
				b->part->in_flight--;
				snprintf(b->reason, sizeof(b->reason), "the broker is too old for this");
				kq_producer_finish(p, b, rc, -1, -1);
			}
			free(f);
		} else {
			ground(f);
			*due = now + 10;
		}
		return;
	}
}

static void say_why_late(struct kq_producer *p, struct kq_out_batch *b)
{
	struct kq_error why;
	char before[sizeof(b->reason)];
	memcpy(before, b->reason, sizeof(before));
	if (kq_client_trouble(&p->client, &why))
		snprintf(b->reason, sizeof(b->reason), "not acknowledged in %d ms: %.100s",
			 p->delivery_ms, why.text);
	else
		snprintf(b->reason, sizeof(b->reason), "not acknowledged in %d ms%s%.100s",
			 p->delivery_ms, before[0] ? ": " : "", before);
}

/* Fails what waited too long; drops partitions with nothing to do from the list. */
static void sweep(struct kq_producer *p, int64_t now, int64_t *due)
{
	struct kq_out_partition **at = &p->active;
	while (*at) {
		struct kq_out_partition *part = *at;
		struct kq_out_batch *b;
		while ((b = part->queue) && b->opened_ms + p->delivery_ms <= now && !part->in_flight) {
			part->queue = b->next;
			say_why_late(p, b);
			kq_producer_finish(p, b, KQ_ETIMEOUT, -1, -1);
		}
		if (b && b->opened_ms + p->delivery_ms < *due)
			*due = b->opened_ms + p->delivery_ms;
		if (b || part->in_flight) {
			at = &part->active_next;
			continue;
		}
		part->active = false;
		*at = part->active_next;
	}
}

int64_t kq_producer_send_ready(struct kq_producer *p, int64_t now)
{
	int64_t due = INT64_MAX;
	sweep(p, now, &due);
	for (struct kq_out_partition *part = p->active; part; part = part->active_next) {
		if (part->queue && part->leader < 0) {
			kq_client_want_metadata(&p->client);
			continue;
		}
		if (part->queue)
			send_to(p, part->leader, now, &due);
	}
	if (due < now + 1 && due != INT64_MAX)
		due = now + 1;
	return due;
}
