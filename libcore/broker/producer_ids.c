/* InitProducerId, FindCoordinator and DescribeProducers.
 *
 * Ids for producers without a transactional id come from a block that the metadata
 * store has given away for good, so no id is ever given twice; taking a block waits
 * for the disk, so all of it runs on the admin queue. There is no coordinator yet:
 * who asks for one, or has a transactional id, is told so (15, which clients retry). */
#include <stdlib.h>

#include "broker/admin_queue.h"
#include "broker/partition_find.h"
#include "broker/request.h"
#include "cluster/store.h"

/* ---- InitProducerId ---- */

static int next_producer_id(struct kq_broker *b, int64_t *id)
{
	if (b->producer_ids_left == 0) {
		int rc = kq_meta_store_take_producer_ids(b->store, &b->producer_id_next,
							 &b->producer_ids_left);
		if (rc)
			return rc;
	}
	b->producer_ids_left--;
	*id = b->producer_id_next++;
	return 0;
}

static void init_producer_id(void *arg)
{
	struct kq_request *req = arg;
	struct kq_init_producer_id_response out;
	kq_wire_init(&kq_init_producer_id_response_schema, &out);
	int rc = next_producer_id(req->broker, &out.producer_id);
	if (rc) {
		out.error_code = KQ_KAFKA_COORDINATOR_NOT_AVAILABLE; /* clients try again */
		out.producer_id = -1;
		out.producer_epoch = -1;
	}
	kq_request_answer(req, &out);
}

void kq_handle_init_producer_id(struct kq_request *req)
{
	const struct kq_init_producer_id_request *body = req->body;
	struct kq_init_producer_id_response out;
	if (body->transactional_id.len < 0) {
		kq_admin_queue_post(req->broker->admin, init_producer_id, req);
		return;
	}
	kq_wire_init(&kq_init_producer_id_response_schema, &out);
	out.error_code = body->transactional_id.len == 0 ? KQ_KAFKA_INVALID_REQUEST
							 : KQ_KAFKA_COORDINATOR_NOT_AVAILABLE;
	out.producer_id = -1;
	out.producer_epoch = -1;
	kq_request_answer(req, &out);
}

/* ---- FindCoordinator ---- */

void kq_handle_find_coordinator(struct kq_request *req)
{
	static const int batched_since = 4;
	const struct kq_find_coordinator_request *body = req->body;
	const struct kq_str why = KQ_STR("This broker has no coordinators yet.");
	struct kq_find_coordinator_response out;
	kq_wire_init(&kq_find_coordinator_response_schema, &out);
	if (req->head.api_version < batched_since) {
		out.error_code = KQ_KAFKA_COORDINATOR_NOT_AVAILABLE;
		out.error_message = why;
		out.node_id = -1;
		out.port = -1;
		kq_request_answer(req, &out);
		return;
	}
	int32_t n = body->coordinator_keys_n > 0 ? body->coordinator_keys_n : 0;
	out.coordinators = kq_wire_array(&kq_find_coordinator_response_coordinator_schema,
					 &req->arena, (size_t)n);
	if (!out.coordinators) {
		kq_request_close(req);
		return;
	}
	out.coordinators_n = n;
	for (int32_t i = 0; i < n; i++) {
		out.coordinators[i].key = body->coordinator_keys[i];
		out.coordinators[i].error_code = KQ_KAFKA_COORDINATOR_NOT_AVAILABLE;
		out.coordinators[i].error_message = why;
		out.coordinators[i].node_id = -1;
		out.coordinators[i].port = -1;
	}
	kq_request_answer(req, &out);
}

/* ---- DescribeProducers ---- */

typedef struct kq_describe_producers_response_partition_response described_out;
typedef struct kq_describe_producers_response_producer_state state_out;

static bool describe_one(struct kq_request *req, struct kq_str topic, int32_t index,
			 described_out *out)
{
	out->partition_index = index;
	struct kq_partition *p = kq_partition_find(req->broker, topic, index, &out->error_code);
	if (!p)
		return true;
	struct kq_producer_info *v = NULL;
	int n = 0;
	int rc = kq_log_producers(kq_partition_log(p), &v, &n);
	kq_partition_unref(p);
	out->error_code = kq_kafka_error_from(rc);
	if (rc)
		return true;
	state_out *states = kq_wire_array(&kq_describe_producers_response_producer_state_schema,
					  &req->arena, (size_t)n);
	for (int i = 0; states && i < n; i++) {
		states[i].producer_id = v[i].producer_id;
		states[i].producer_epoch = v[i].epoch;
		states[i].last_sequence = v[i].last_sequence;
		states[i].last_timestamp = v[i].last_timestamp;
		states[i].coordinator_epoch = v[i].coordinator_epoch;
		states[i].current_txn_start_offset = v[i].txn_start_offset;
	}
	free(v);
	out->active_producers = states;
	out->active_producers_n = n;
	return states != NULL;
}

void kq_handle_describe_producers(struct kq_request *req)
{
	const struct kq_describe_producers_request *body = req->body;
	struct kq_describe_producers_response out;
	kq_wire_init(&kq_describe_producers_response_schema, &out);
	int32_t n = body->topics_n > 0 ? body->topics_n : 0;
	out.topics = kq_wire_array(&kq_describe_producers_response_topic_response_schema,
				   &req->arena, (size_t)n);
	out.topics_n = n;
	bool ok = out.topics != NULL;
	for (int32_t i = 0; ok && i < n; i++) {
		int32_t parts = body->topics[i].partition_indexes_n;
		parts = parts > 0 ? parts : 0;
		out.topics[i].name = body->topics[i].name;
		out.topics[i].partitions_n = parts;
		out.topics[i].partitions =
			kq_wire_array(&kq_describe_producers_response_partition_response_schema,
				      &req->arena, (size_t)parts);
		ok = out.topics[i].partitions != NULL;
		for (int32_t k = 0; ok && k < parts; k++)
			ok = describe_one(req, body->topics[i].name,
					  body->topics[i].partition_indexes[k],
					  &out.topics[i].partitions[k]);
	}
	if (ok)
		kq_request_answer(req, &out);
	else
		kq_request_close(req);
}
