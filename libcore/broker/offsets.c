/* ListOffsets, OffsetForLeaderEpoch and DeleteRecords (PROTOCOL section 8). */
#include "broker/admin_queue.h"
#include "broker/partition_find.h"
#include "broker/request.h"

/* Timestamps with a meaning of their own, and the version that knows them. */
enum {
	LATEST = -1,
	EARLIEST = -2,
	MAX_TIME = -3,       /* version 7 */
	EARLIEST_LOCAL = -4, /* version 8 */
	LATEST_TIERED = -5,  /* version 9 */
};
enum { CONSUMER = -1 };

typedef struct kq_list_offsets_request_list_offsets_partition list_in;
typedef struct kq_list_offsets_response_list_offsets_partition_response list_out;

/* ---- ListOffsets ---- */

static bool is_known_time(int64_t t, int version)
{
	return t >= EARLIEST || (t == MAX_TIME && version >= 7) ||
	       (t == EARLIEST_LOCAL && version >= 8) || (t == LATEST_TIERED && version >= 9);
}

/* The readable end for who asks. */
static int64_t end_for(const struct kq_request *req, const struct kq_log *log)
{
	const struct kq_list_offsets_request *body = req->body;
	if (body->replica_id != CONSUMER)
		return kq_log_end_offset(log);
	return body->isolation_level == 1 ? kq_log_last_stable_offset(log)
					  : kq_log_high_watermark(log);
}

static int look_up(struct kq_partition *p, int64_t t, int64_t end, list_out *out)
{
	struct kq_log *log = kq_partition_log(p);
	switch (t) {
	case LATEST:
		out->offset = end;
		out->leader_epoch = kq_partition_leader_epoch(p);
		return 0;
	case EARLIEST:
	case EARLIEST_LOCAL:
		out->offset = kq_log_start_offset(log);
		out->leader_epoch = kq_log_epoch_at(log, out->offset);
		return 0;
	case LATEST_TIERED:
		return 0; /* nothing is tiered */
	case MAX_TIME:
		return kq_log_find_max_time(log, end, &out->offset, &out->timestamp,
					    &out->leader_epoch);
	default:
		return kq_log_find_time(log, t, end, &out->offset, &out->timestamp,
					&out->leader_epoch);
	}
}

static void list_one(struct kq_request *req, struct kq_str topic, const list_in *in, list_out *out)
{
	struct kq_partition *p =
		kq_partition_find(req->broker, topic, in->partition_index, &out->error_code);
	if (!p)
		return;
	if (!is_known_time(in->timestamp, req->head.api_version))
		out->error_code = KQ_KAFKA_UNSUPPORTED_VERSION;
	else
		out->error_code = kq_partition_check_epoch(p, in->current_leader_epoch);
	if (!out->error_code) {
		int rc = look_up(p, in->timestamp, end_for(req, kq_partition_log(p)), out);
		out->error_code = kq_kafka_error_from(rc);
		if (rc || out->offset < 0) {
			out->offset = out->timestamp = -1;
			out->leader_epoch = -1;
		}
		if (req->head.api_version < 4)
			out->leader_epoch = -1; /* older answers cannot say one */
	}
	kq_partition_unref(p);
}

/* Whether partition i stands twice in its topic. Only lists that do not ascend are
 * searched, and of those the first few thousand. */
static bool is_twice(const list_in *v, int32_t n, int32_t i)
{
	enum { SEARCHED_MAX = 4096 };
	for (int32_t k = 0; k < n && k < SEARCHED_MAX; k++)
		if (k != i && v[k].partition_index == v[i].partition_index)
			return true;
	return false;
}

static bool is_ascending(const list_in *v, int32_t n)
{
	for (int32_t k = 1; k < n; k++)
		if (v[k].partition_index <= v[k - 1].partition_index)
			return false;
	return true;
}

static bool list_topic(struct kq_request *req,
		       const struct kq_list_offsets_request_list_offsets_topic *in,
		       struct kq_list_offsets_response_list_offsets_topic_response *out)
{
	int32_t n = in->partitions_n > 0 ? in->partitions_n : 0;
	list_out *v = kq_wire_array(&kq_list_offsets_response_list_offsets_partition_response_schema,
				    &req->arena, (size_t)n);
	out->name = in->name;
	out->partitions = v;
	out->partitions_n = n;
	bool ascending = is_ascending(in->partitions, n);
	for (int32_t k = 0; v && k < n; k++) {
		v[k].partition_index = in->partitions[k].partition_index;
		if (!ascending && is_twice(in->partitions, n, k))
			v[k].error_code = KQ_KAFKA_INVALID_REQUEST;
		else
			list_one(req, in->name, &in->partitions[k], &v[k]);
	}
	return v != NULL;
}

void kq_handle_list_offsets(struct kq_request *req)
{
	const struct kq_list_offsets_request *body = req->body;
	struct kq_list_offsets_response out;
	kq_wire_init(&kq_list_offsets_response_schema, &out);
	int32_t n = body->topics_n > 0 ? body->topics_n : 0;
	out.topics = kq_wire_array(&kq_list_offsets_response_list_offsets_topic_response_schema,
				   &req->arena, (size_t)n);
	out.topics_n = n;
	bool ok = out.topics != NULL;
	for (int32_t i = 0; ok && i < n; i++)
		ok = list_topic(req, &body->topics[i], &out.topics[i]);
	if (ok)
		kq_request_answer(req, &out);
	else
		kq_request_close(req);
}

/* ---- OffsetForLeaderEpoch ---- */

typedef struct kq_offset_for_leader_epoch_request_offset_for_leader_partition epoch_in;
typedef struct kq_offset_for_leader_epoch_response_epoch_end_offset epoch_out;

static void epoch_one(struct kq_request *req, struct kq_str topic, const epoch_in *in,
		      epoch_out *out)
{
	out->partition = in->partition;
	struct kq_partition *p =
		kq_partition_find(req->broker, topic, in->partition, &out->error_code);
	if (!p)
		return;
	out->error_code = kq_partition_check_epoch(p, in->current_leader_epoch);
	if (!out->error_code)
		kq_log_epoch_end(kq_partition_log(p), in->leader_epoch, &out->leader_epoch,
				 &out->end_offset);
	kq_partition_unref(p);
}

void kq_handle_offset_for_leader_epoch(struct kq_request *req)
{
	const struct kq_offset_for_leader_epoch_request *body = req->body;
	struct kq_offset_for_leader_epoch_response out;
	kq_wire_init(&kq_offset_for_leader_epoch_response_schema, &out);
	int32_t n = body->topics_n > 0 ? body->topics_n : 0;
	out.topics = kq_wire_array(
		&kq_offset_for_leader_epoch_response_offset_for_leader_topic_result_schema,
		&req->arena, (size_t)n);
	out.topics_n = n;
	bool ok = out.topics != NULL;
	for (int32_t i = 0; ok && i < n; i++) {
		int32_t parts = body->topics[i].partitions_n > 0 ? body->topics[i].partitions_n : 0;
		epoch_out *v =
			kq_wire_array(&kq_offset_for_leader_epoch_response_epoch_end_offset_schema,
				      &req->arena, (size_t)parts);
		out.topics[i].topic = body->topics[i].topic;
		out.topics[i].partitions = v;
		out.topics[i].partitions_n = parts;
		for (int32_t k = 0; v && k < parts; k++)
			epoch_one(req, body->topics[i].topic, &body->topics[i].partitions[k], &v[k]);
		ok = v != NULL;
	}
	if (ok)
		kq_request_answer(req, &out);
	else
		kq_request_close(req);
}

/* ---- DeleteRecords: on the admin queue, it waits for the disk ---- */

typedef struct kq_delete_records_request_delete_records_partition delete_in;
typedef struct kq_delete_records_response_delete_records_partition_result delete_out;

static void delete_one(struct kq_request *req, struct kq_str topic, const delete_in *in,
		       delete_out *out)
{
	enum { TO_HIGH_WATERMARK = -1 };
	out->partition_index = in->partition_index;
	out->low_watermark = -1;
	struct kq_partition *p =
		kq_partition_find(req->broker, topic, in->partition_index, &out->error_code);
	if (!p)
		return;
	struct kq_log *log = kq_partition_log(p);
	int64_t upto = in->offset == TO_HIGH_WATERMARK ? kq_log_high_watermark(log) : in->offset;
	int rc = upto < 0 ? KQ_ERANGE : 0;
	if (kq_partition_is_internal(p))
		out->error_code = KQ_KAFKA_INVALID_TOPIC_EXCEPTION;
	else if (!kq_partition_deletes(p))
		out->error_code = KQ_KAFKA_POLICY_VIOLATION;
	else if (!rc)
		rc = kq_log_delete_before(log, upto, &out->low_watermark);
	if (rc) {
		out->error_code = kq_kafka_error_from(rc);
		out->low_watermark = -1;
	}
	kq_partition_unref(p);
}

static void delete_records(void *arg)
{
	struct kq_request *req = arg;
	const struct kq_delete_records_request *body = req->body;
	struct kq_delete_records_response out;
	kq_wire_init(&kq_delete_records_response_schema, &out);
	int32_t n = body->topics_n > 0 ? body->topics_n : 0;
	out.topics = kq_wire_array(&kq_delete_records_response_delete_records_topic_result_schema,
				   &req->arena, (size_t)n);
	out.topics_n = n;
	bool ok = out.topics != NULL;
	for (int32_t i = 0; ok && i < n; i++) {
		int32_t parts = body->topics[i].partitions_n > 0 ? body->topics[i].partitions_n : 0;
		delete_out *v = kq_wire_array(
			&kq_delete_records_response_delete_records_partition_result_schema,
			&req->arena, (size_t)parts);
		out.topics[i].name = body->topics[i].name;
		out.topics[i].partitions = v;
		out.topics[i].partitions_n = parts;
		for (int32_t k = 0; v && k < parts; k++)
			delete_one(req, body->topics[i].name, &body->topics[i].partitions[k], &v[k]);
		ok = v != NULL;
	}
	if (ok)
		kq_request_answer(req, &out);
	else
		kq_request_close(req);
}

void kq_handle_delete_records(struct kq_request *req)
{
	kq_admin_queue_post(req->broker->admin, delete_records, req);
}
