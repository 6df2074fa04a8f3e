/* Metadata, DescribeCluster, DescribeTopicPartitions: who leads what. This broker
 * leads all it serves and is the only replica. */
#include <stdlib.h>
#include <string.h>

#include "base/uuid.h"
#include "broker/admin_queue.h"
#include "broker/config.h"
#include "broker/partition.h"
#include "broker/request.h"
#include "broker/topic_name.h"
#include "broker/topic_ops.h"
#include "broker/topics.h"

typedef struct kq_metadata_request_metadata_request_topic topic_asked;
typedef struct kq_metadata_response_metadata_response_topic topic_out;
typedef struct kq_metadata_response_metadata_response_partition partition_out;

/* Without an authorizer everything is allowed: one bit an AclOperation. */
enum {
	TOPIC_OPERATIONS = 0xdf8,    /* read, write, create, delete, alter, describe, configs */
	CLUSTER_OPERATIONS = 0x1fa0, /* create, alter, describe, cluster action, configs, .. */
};

static struct kq_str str_of(const char *s)
{
	return s ? (struct kq_str){ s, (int32_t)strlen(s) } : KQ_STR_NULL;
}

static const char *advertised_host(const struct kq_request *req)
{
	return req->broker->advertised_host[req->listener];
}

static bool has_id(const topic_asked *t)
{
	return !kq_uuid_is_zero(&t->topic_id);
}

/* ---- one topic ---------------------------------------------------------------------- */

static void fill_partition(struct kq_request *req, const struct kq_topic_info *info, int32_t i,
			   int32_t *self, partition_out *out)
{
	struct kq_partition *p = kq_topics_find(req->broker->topics, str_of(info->name), i, NULL);
	*out = (partition_out){
		.partition_index = i,
		.leader_id = p ? *self : -1,
		.leader_epoch = p ? kq_partition_leader_epoch(p) : -1,
		.error_code = p ? KQ_KAFKA_NONE : KQ_KAFKA_LEADER_NOT_AVAILABLE,
		.replica_nodes = self,
		.replica_nodes_n = 1,
		.isr_nodes = self,
		.isr_nodes_n = p != NULL,
		.offline_replicas = self,
		.offline_replicas_n = p == NULL,
	};
	if (p)
		kq_partition_unref(p);
}

/* Describes a topic that is known; false if the arena is full. */
static bool fill_topic(struct kq_request *req, const struct kq_topic_info *info, topic_out *out)
{
	const struct kq_metadata_request *body = req->body;
	int32_t *self = kq_arena_alloc(&req->arena, sizeof *self);
	out->error_code = KQ_KAFKA_NONE;
	out->name = str_of(info->name);
	out->topic_id = info->id;
	out->is_internal = info->internal;
	out->partitions = kq_arena_array(&req->arena, (size_t)info->partitions,
					 sizeof *out->partitions);
	out->partitions_n = info->partitions;
	if (body->include_topic_authorized_operations)
		out->topic_authorized_operations = TOPIC_OPERATIONS;
	if (!self || !out->partitions)
		return false;
	*self = req->broker->id;
	for (int32_t i = 0; i < info->partitions; i++)
		fill_partition(req, info, i, self, &out->partitions[i]);
	return true;
}

static bool find_topic(struct kq_request *req, const topic_asked *t, struct kq_topic_info *info)
{
	struct kq_topics *topics = req->broker->topics;
	return has_id(t) ? kq_topics_get_by_id(topics, &t->topic_id, &req->arena, info)
			 : kq_topics_get(topics, t->name, &req->arena, info);
}

static bool is_internal_name(struct kq_str name)
{
	return name.len > 2 && !memcmp(name.p, "__", 2);
}

/* May this missing topic be made by asking for it? Names with two underscores are
 * made by their coordinators. */
static bool may_create(struct kq_request *req, const topic_asked *t)
{
	const struct kq_metadata_request *body = req->body;
	return body->allow_auto_topic_creation && !has_id(t) &&
	       kq_broker_config_bool(req->broker->config, "auto.create.topics.enable") &&
	       !is_internal_name(t->name) && kq_topic_name_check(t->name, NULL) == 0;
}

static void auto_create(struct kq_request *req, const topic_asked *t)
{
	struct kq_broker *b = req->broker;
	const struct kq_config_list none = { 0 };
	struct kq_uuid id;
	struct kq_error e;
	char *name = kq_arena_strdup(&req->arena, t->name);
	/* the default replication factor must be one that a single broker can give */
	if (name && kq_broker_config_int(b->config, "default.replication.factor") == 1)
		kq_topic_ops_create(b, name, (int32_t)kq_broker_config_int(b->config,
				    "num.partitions"), &none, &id, &e);
}

static int16_t missing_code(struct kq_request *req, const topic_asked *t)
{
	if (has_id(t))
		return KQ_KAFKA_UNKNOWN_TOPIC_ID;
	if (kq_topic_name_check(t->name, NULL))
		return KQ_KAFKA_INVALID_TOPIC_EXCEPTION;
	if (may_create(req, t) &&
	    kq_broker_config_int(req->broker->config, "default.replication.factor") != 1)
		return KQ_KAFKA_INVALID_REPLICATION_FACTOR;
	return KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

static bool answer_topic(struct kq_request *req, const topic_asked *t, topic_out *out)
{
	struct kq_topic_info info;
	kq_wire_init(&kq_metadata_response_metadata_response_topic_schema, out);
	if (find_topic(req, t, &info))
		return fill_topic(req, &info, out);
	out->error_code = missing_code(req, t);
	out->name = has_id(t) && req->head.api_version >= 12 ? KQ_STR_NULL : t->name;
	if (out->name.len < 0 && req->head.api_version < 12)
		out->name = KQ_STR("");
	out->topic_id = t->topic_id;
	return true;
}

/* ---- the request ---------------------------------------------------------------------- */

static bool asks_all(const struct kq_request *req)
{
	const struct kq_metadata_request *body = req->body;
	return body->topics_n < 0 || (req->head.api_version == 0 && body->topics_n == 0);
}

/* Topics named by neither name nor id: an error for all, as Kafka has it. */
static int16_t check_asked(const struct kq_request *req)
{
	const struct kq_metadata_request *body = req->body;
	for (int32_t i = 0; i < body->topics_n; i++) {
		const topic_asked *t = &body->topics[i];
		if (req->head.api_version < 12 && (has_id(t) || t->name.len < 0))
			return KQ_KAFKA_INVALID_REQUEST;
		if (!has_id(t) && t->name.len < 0)
			return KQ_KAFKA_UNKNOWN_SERVER_ERROR;
	}
	return KQ_KAFKA_NONE;
}

static bool fill_all(struct kq_request *req, struct kq_metadata_response *r)
{
	struct kq_topic_info *v;
	int n = kq_topics_list(req->broker->topics, &req->arena, &v);
	r->topics = n < 0 ? NULL : kq_arena_array(&req->arena, (size_t)n, sizeof *r->topics);
	if (!r->topics)
		return false;
	r->topics_n = n;
	for (int i = 0; i < n; i++) {
		kq_wire_init(&kq_metadata_response_metadata_response_topic_schema, &r->topics[i]);
		if (!fill_topic(req, &v[i], &r->topics[i]))
			return false;
	}
	return true;
}

static bool fill_asked(struct kq_request *req, struct kq_metadata_response *r)
{
	const struct kq_metadata_request *body = req->body;
	int16_t wrong = check_asked(req);
	r->topics = kq_arena_array(&req->arena, (size_t)body->topics_n, sizeof *r->topics);
	r->topics_n = body->topics_n;
	if (!r->topics)
		return false;
	for (int32_t i = 0; i < body->topics_n; i++) {
		if (!wrong) {
			if (!answer_topic(req, &body->topics[i], &r->topics[i]))
				return false;
			continue;
		}
		kq_wire_init(&kq_metadata_response_metadata_response_topic_schema, &r->topics[i]);
		r->topics[i].error_code = wrong;
		r->topics[i].topic_id = body->topics[i].topic_id;
		r->topics[i].name = body->topics[i].name.len < 0 ? KQ_STR("")
								 : body->topics[i].name;
	}
	return true;
}

static void answer_metadata(struct kq_request *req)
{
	const struct kq_metadata_request *body = req->body;
	struct kq_broker *b = req->broker;
	struct kq_metadata_response r;
	struct kq_metadata_response_metadata_response_broker self = {
		.node_id = b->id,
		.host = str_of(advertised_host(req)),
		.port = b->advertised_port[req->listener],
		.rack = str_of(kq_broker_config_str(b->config, "broker.rack")),
	};
	kq_wire_init(&kq_metadata_response_schema, &r);
	r.brokers = &self;
	r.brokers_n = 1;
	r.cluster_id = str_of(b->cluster_id);
	r.controller_id = b->id;
	if (body->include_cluster_authorized_operations)
		r.cluster_authorized_operations = CLUSTER_OPERATIONS;
	if (asks_all(req) ? fill_all(req, &r) : fill_asked(req, &r))
		kq_request_answer(req, &r);
	else
		kq_request_close(req); /* larger than a request's memory may be */
}

/* On the admin thread: makes what is missing, then answers. */
static void create_and_answer(void *arg)
{
	struct kq_request *req = arg;
	const struct kq_metadata_request *body = req->body;
	struct kq_topic_info info;
	for (int32_t i = 0; i < body->topics_n; i++)
		if (!find_topic(req, &body->topics[i], &info) && may_create(req, &body->topics[i]))
			auto_create(req, &body->topics[i]);
	answer_metadata(req);
}

void kq_handle_metadata(struct kq_request *req)
{
	const struct kq_metadata_request *body = req->body;
	struct kq_topic_info info;
	bool create = false;
	if (!asks_all(req) && !check_asked(req))
		for (int32_t i = 0; i < body->topics_n && !create; i++)
			create = may_create(req, &body->topics[i]) &&
				 !find_topic(req, &body->topics[i], &info);
	if (create)
		kq_admin_queue_post(req->broker->admin, create_and_answer, req);
	else
		answer_metadata(req);
}

void kq_handle_describe_cluster(struct kq_request *req)
{
	const struct kq_describe_cluster_request *body = req->body;
	struct kq_broker *b = req->broker;
	struct kq_describe_cluster_response r;
	struct kq_describe_cluster_response_describe_cluster_broker self = {
		.broker_id = b->id,
		.host = str_of(advertised_host(req)),
		.port = b->advertised_port[req->listener],
		.rack = str_of(kq_broker_config_str(b->config, "broker.rack")),
	};
	kq_wire_init(&kq_describe_cluster_response_schema, &r);
	r.endpoint_type = 1;
	if (body->endpoint_type != 1) { /* 2: controllers, which are not apart here */
		bool known = body->endpoint_type == 2;
		r.error_code = known ? KQ_KAFKA_MISMATCHED_ENDPOINT_TYPE
				     : KQ_KAFKA_UNSUPPORTED_ENDPOINT_TYPE;
		r.error_message = known
			? KQ_STR("The request was sent to an endpoint of type BROKER, but we "
				 "wanted an endpoint of type CONTROLLER")
			: KQ_STR("Unsupported endpoint type");
		r.cluster_id = KQ_STR("");
		kq_request_answer(req, &r);
		return;
	}
	r.cluster_id = str_of(b->cluster_id);
	r.controller_id = b->id;
	r.brokers = &self;
	r.brokers_n = 1;
	if (body->include_cluster_authorized_operations)
		r.cluster_authorized_operations = CLUSTER_OPERATIONS;
	kq_request_answer(req, &r);
}
