/* Produce (PROTOCOL section 6).
 *
 * Each partition's batch is appended on the connection's own thread, from the
 * request's memory; errors are by partition. Under flush.policy=sync the answer to
 * acks 1 and all then waits until the disk has the batches: the log is asked for a
 * group commit, the request parked until the high watermarks pass its batches, and
 * the frame and its partitions are held meanwhile. Under os the watermark has moved
 * with the append and the answer goes at once. */
#include <string.h>

#include "base/log.h"
#include "broker/dispatch.h"
#include "broker/metrics.h"
#include "broker/partition_find.h"
#include "broker/purgatory.h"
#include "broker/request.h"
#include "log/log_manager.h"

typedef struct kq_produce_request_topic_produce_data topic_in;
typedef struct kq_produce_request_partition_produce_data part_in;
typedef struct kq_produce_response_topic_produce_response topic_out;
typedef struct kq_produce_response_partition_produce_response part_out;

/* An appended batch that the answer waits for. */
struct unsafe {
	struct kq_partition *partition; /* a reference */
	int64_t until;
	part_out *out;
};

struct produce {
	struct kq_parked parked; /* first */
	struct kq_request *req;
	struct kq_produce_response response;
	int16_t acks;
	bool failed; /* some partition has an error */
	struct unsafe *unsafe;
	int unsafe_n;
};

/* ---- one partition ---- */

/* What a client may get wrong before the log looks at the batch. *size: of the one
 * batch, without a tail that is no batch. */
static int16_t check_shape(const struct kq_request *req, struct kq_bytes records, size_t *size,
			   struct kq_batch *b)
{
	const struct kq_produce_request *body = req->body;
	if (records.len < KQ_BATCH_OVERHEAD + 5)
		return KQ_KAFKA_INVALID_RECORD; /* null, empty or too short to say its magic */
	int8_t magic = (int8_t)records.p[KQ_BATCH_OVERHEAD + 4];
	if (magic == 0 || magic == 1)
		return KQ_KAFKA_INVALID_RECORD;
	int rc = kq_batch_peek(records.p, (size_t)records.len, b);
	if (rc == KQ_ETRUNC)
		return KQ_KAFKA_INVALID_RECORD;
	if (rc)
		return KQ_KAFKA_CORRUPT_MESSAGE;
	*size = (size_t)b->size;
	size_t tail = (size_t)records.len - *size;
	struct kq_batch next;
	if (tail && kq_batch_peek(records.p + *size, tail, &next) == 0)
		return KQ_KAFKA_INVALID_RECORD; /* a second batch */
	if (kq_batch_codec(b) > KQ_CODEC_ZSTD)
		return KQ_KAFKA_UNKNOWN_SERVER_ERROR;
	if (kq_batch_codec(b) == KQ_CODEC_ZSTD && req->head.api_version < 7)
		return KQ_KAFKA_UNSUPPORTED_COMPRESSION_TYPE;
	if (b->attributes & KQ_BATCH_TRANSACTIONAL) /* there are no transactions yet */
		return body->transactional_id.len < 0
			       ? KQ_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED
			       : req->head.api_version >= 11 ? KQ_KAFKA_TRANSACTION_ABORTABLE
							     : KQ_KAFKA_INVALID_TXN_STATE;
	return 0;
}

static int16_t code_of(int rc)
{
	return rc == KQ_ELIMIT ? KQ_KAFKA_RECORD_LIST_TOO_LARGE : kq_kafka_error_from(rc);
}

static void count_batch(struct kq_broker *b, const struct kq_batch *batch)
{
	if (!b->metrics)
		return;
	kq_metrics_add(&b->metrics->produce_bytes, (uint64_t)batch->size);
	kq_metrics_add(&b->metrics->produce_batches, 1);
	kq_metrics_add(&b->metrics->produce_records, (uint64_t)batch->count);
}

/* Appends and fills in *out; a batch that the answer must wait for is noted. */
static void append(struct produce *pr, struct kq_partition *p, const part_in *in, part_out *out)
{
	struct kq_append_result res;
	struct kq_batch batch;
	size_t size;
	struct kq_request *req = pr->req;
	out->error_code = kq_partition_is_internal(p) ? KQ_KAFKA_INVALID_TOPIC_EXCEPTION
						      : check_shape(req, in->records, &size, &batch);
	if (out->error_code)
		return;
	res.text[0] = '\0';
	/* The frame is ours and writable; the bytes are patched in place. */
	int rc = kq_log_append(kq_partition_log(p), (uint8_t *)(uintptr_t)in->records.p, size,
			       kq_partition_leader_epoch(p), &res);
	if (rc) {
		out->error_code = code_of(rc);
		if (res.text[0]) {
			char *text = kq_arena_printf(&req->arena, "%s", res.text);
			if (text)
				out->error_message = (struct kq_str){ text, (int32_t)strlen(text) };
		}
		return;
	}
	count_batch(req->broker, &batch);
	out->base_offset = res.base_offset;
	out->log_append_time_ms = res.append_time_ms;
	out->log_start_offset = res.log_start_offset;
	if (pr->acks == KQ_ACKS_NONE ||
	    kq_log_high_watermark(kq_partition_log(p)) > res.last_offset)
		return;
	kq_partition_ref(p);
	pr->unsafe[pr->unsafe_n++] = (struct unsafe){ p, res.last_offset + 1, out };
	kq_log_manager_want_sync(req->broker->logs, kq_partition_log(p));
}

static void produce_one(struct produce *pr, struct kq_str topic, const part_in *in, part_out *out)
{
	out->index = in->index;
	out->base_offset = -1;
	if (pr->acks < KQ_ACKS_ALL || pr->acks > KQ_ACKS_LEADER) {
		out->error_code = KQ_KAFKA_INVALID_REQUIRED_ACKS;
	} else {
		struct kq_partition *p =
			kq_partition_find(pr->req->broker, topic, in->index, &out->error_code);
		if (p) {
			append(pr, p, in, out);
			kq_partition_unref(p);
		}
	}
	if (out->error_code) {
		pr->failed = true;
		out->base_offset = -1;
		if (pr->req->broker->metrics)
			kq_metrics_add(&pr->req->broker->metrics->produce_errors, 1);
	}
}

/* ---- the answer ---- */

static void answer(struct produce *pr)
{
	struct kq_request *req = pr->req;
	if (pr->acks == KQ_ACKS_NONE && pr->failed) {
		kq_debug_log("broker", "%s: closed, a batch without acknowledgement was refused",
			     kq_conn_peer(req->x->conn));
		kq_request_close(req);
	} else if (pr->acks == KQ_ACKS_NONE) {
		kq_request_finish_silent(req);
	} else {
		kq_request_answer(req, &pr->response);
	}
}

static int16_t outcome(const struct unsafe *u)
{
	if (kq_log_high_watermark(kq_partition_log(u->partition)) >= u->until)
		return 0;
	return kq_partition_is_dead(u->partition) ? kq_partition_death(u->partition)
						  : KQ_KAFKA_REQUEST_TIMED_OUT;
}

static void resume(struct kq_parked *parked)
{
	struct produce *pr = (struct produce *)parked;
	for (int i = 0; i < pr->unsafe_n; i++) {
		struct unsafe *u = &pr->unsafe[i];
		int16_t error = outcome(u);
		if (error) {
			u->out->error_code = error;
			u->out->base_offset = u->out->log_append_time_ms = -1;
			u->out->log_start_offset = -1;
		}
		kq_partition_unref(u->partition);
	}
	answer(pr);
}

static void park(struct produce *pr, struct kq_watch *watches, int32_t timeout_ms)
{
	kq_parked_init(&pr->parked, pr->req->broker->purgatory, pr->req->x, watches, pr->unsafe_n,
		       resume);
	for (int i = 0; i < pr->unsafe_n; i++)
		kq_parked_watch(&pr->parked, pr->unsafe[i].partition, pr->unsafe[i].until);
	kq_parked_go(&pr->parked, timeout_ms > 0 ? timeout_ms : 0);
}

/* Room for the answer, all partitions with their names and numbers. */
static struct produce *prepare(struct kq_request *req, int *count)
{
	const struct kq_produce_request *body = req->body;
	struct produce *pr = kq_arena_alloc(&req->arena, sizeof *pr);
	if (!pr)
		return NULL;
	pr->req = req;
	pr->acks = body->acks;
	kq_wire_init(&kq_produce_response_schema, &pr->response);
	*count = 0;
	for (int32_t i = 0; i < body->topic_data_n; i++)
		*count += body->topic_data[i].partition_data_n > 0 ? body->topic_data[i].partition_data_n
								   : 0;
	pr->unsafe = kq_arena_array(&req->arena, (size_t)*count, sizeof *pr->unsafe);
	int32_t topics = body->topic_data_n > 0 ? body->topic_data_n : 0;
	topic_out *out = kq_wire_array(&kq_produce_response_topic_produce_response_schema,
				       &req->arena, (size_t)topics);
	pr->response.responses = out;
	pr->response.responses_n = topics;
	for (int32_t i = 0; out && i < topics; i++) {
		int32_t n = body->topic_data[i].partition_data_n > 0
				    ? body->topic_data[i].partition_data_n : 0;
		out[i].name = body->topic_data[i].name;
		out[i].partition_responses_n = n;
		out[i].partition_responses =
			kq_wire_array(&kq_produce_response_partition_produce_response_schema,
				      &req->arena, (size_t)n);
		if (!out[i].partition_responses)
			return NULL;
	}
	return out && pr->unsafe ? pr : NULL;
}

void kq_handle_produce(struct kq_request *req)
{
	const struct kq_produce_request *body = req->body;
	int count;
	struct produce *pr = prepare(req, &count);
	struct kq_watch *watches =
		pr ? kq_arena_array(&req->arena, (size_t)count, sizeof *watches) : NULL;
	if (!watches) {
		kq_request_close(req);
		return;
	}
	for (int32_t i = 0; i < pr->response.responses_n; i++) {
		const topic_in *in = &body->topic_data[i];
		topic_out *out = &pr->response.responses[i];
		for (int32_t k = 0; k < out->partition_responses_n; k++)
			produce_one(pr, in->name, &in->partition_data[k],
				    &out->partition_responses[k]);
	}
	if (pr->unsafe_n)
		park(pr, watches, body->timeout_ms);
	else
		answer(pr);
}

void kq_refuse_produce(struct kq_request *req)
{
	int count;
	struct produce *pr = prepare(req, &count);
	if (!pr) {
		kq_request_close(req);
		return;
	}
	const struct kq_produce_request *body = req->body;
	for (int32_t i = 0; i < pr->response.responses_n; i++) {
		topic_out *out = &pr->response.responses[i];
		for (int32_t k = 0; k < out->partition_responses_n; k++) {
			part_out *part = &out->partition_responses[k];
			part->index = body->topic_data[i].partition_data[k].index;
			part->error_code = KQ_KAFKA_UNSUPPORTED_VERSION;
			part->base_offset = -1;
		}
	}
	pr->failed = count > 0;
	answer(pr);
}
