/* CreateTopics, DeleteTopics, CreatePartitions. All run on the admin thread; each
 * item of a request is judged on its own. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/uuid.h"
#include "broker/admin_queue.h"
#include "broker/config.h"
#include "broker/config_describe.h"
#include "broker/request.h"
#include "broker/topic_config.h"
#include "broker/topic_name.h"
#include "broker/topic_ops.h"
#include "broker/topics.h"

typedef struct kq_create_topics_request_creatable_topic create_asked;
typedef struct kq_create_topics_response_creatable_topic_result create_out;
typedef struct kq_delete_topics_request_delete_topic_state delete_asked;
typedef struct kq_delete_topics_response_deletable_topic_result delete_out;
typedef struct kq_create_partitions_request_create_partitions_topic grow_asked;
typedef struct kq_create_partitions_response_create_partitions_topic_result grow_out;

enum {
	PARTITIONS_PER_REQUEST_MAX = 10000,
	TOPICS_PER_REQUEST_MAX = 10000, /* repeated names are looked for in n * n steps */
};

static struct kq_str str_of(const char *s)
{
	return s ? (struct kq_str){ s, (int32_t)strlen(s) } : KQ_STR_NULL;
}

static bool same(struct kq_str a, struct kq_str b)
{
	return a.len == b.len && (a.len <= 0 || !memcmp(a.p, b.p, (size_t)a.len));
}

/* A verdict on one item: Kafka's code and words. */
struct verdict {
	int16_t code;
	struct kq_error e;
};

static bool refuse(struct verdict *v, int16_t code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Always false. */
static bool refuse(struct verdict *v, int16_t code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(v->e.text, sizeof v->e.text, fmt, ap);
	va_end(ap);
	v->code = code;
	return false;
}

/* An operation failed inside. */
static bool failed(struct verdict *v, int rc)
{
	/* names are judged before: what exists here is a stray directory in the way */
	v->code = rc == KQ_EEXIST ? KQ_KAFKA_KAFKA_STORAGE_ERROR : kq_kafka_error_from(rc);
	return false;
}

/* The words of a verdict, in the request's memory; null if there are none. */
static struct kq_str words(struct kq_request *req, const struct verdict *v)
{
	return v->code && v->e.text[0] ? str_of(kq_arena_strdup(&req->arena, str_of(v->e.text)))
				       : KQ_STR_NULL;
}

/* ---- creating ------------------------------------------------------------------------- */

/* A list of replicas for one partition: this broker, once. */
static bool check_replicas(struct kq_request *req, const int32_t *ids, int32_t n,
			   struct verdict *v)
{
	if (n <= 0)
		return refuse(v, KQ_KAFKA_INVALID_REPLICA_ASSIGNMENT,
			      "The manual partition assignment includes an empty replica list.");
	for (int32_t i = 0; i < n; i++) {
		if (ids[i] != req->broker->id)
			return refuse(v, KQ_KAFKA_INVALID_REPLICA_ASSIGNMENT, "The manual partition "
				      "assignment includes broker %d, but no such broker is "
				      "registered.", (int)ids[i]);
		if (i > 0)
			return refuse(v, KQ_KAFKA_INVALID_REPLICA_ASSIGNMENT, "The manual partition "
				      "assignment includes the broker %d more than once.",
				      (int)ids[i]);
	}
	return true;
}

static bool check_assignments(struct kq_request *req, const create_asked *t, struct verdict *v)
{
	if (t->num_partitions != -1 || t->replication_factor != -1)
		return refuse(v, KQ_KAFKA_INVALID_REQUEST, "A manual partition assignment was "
			      "specified, but partitions and replication factor were not both -1.");
	bool *seen = kq_arena_array(&req->arena, (size_t)t->assignments_n, sizeof *seen);
	if (!seen)
		return failed(v, KQ_ENOMEM);
	for (int32_t i = 0; i < t->assignments_n; i++) {
		int32_t p = t->assignments[i].partition_index;
		if (p < 0 || p >= t->assignments_n || seen[p])
			return refuse(v, KQ_KAFKA_INVALID_REPLICA_ASSIGNMENT, "partitions should be "
				      "a consecutive 0-based integer sequence");
		seen[p] = true;
		if (!check_replicas(req, t->assignments[i].broker_ids,
				    t->assignments[i].broker_ids_n, v))
			return false;
	}
	return true;
}

/* Judges the numbers; *partitions is what it comes to. */
static bool check_counts(struct kq_request *req, const create_asked *t, int32_t *partitions,
			 struct verdict *v)
{
	const struct kq_broker_config *c = req->broker->config;
	int64_t factor = t->replication_factor;
	if (t->assignments_n > 0) {
		*partitions = t->assignments_n;
		return check_assignments(req, t, v);
	}
	*partitions = t->num_partitions;
	if (*partitions == -1)
		*partitions = (int32_t)kq_broker_config_int(c, "num.partitions");
	if (factor == -1)
		factor = kq_broker_config_int(c, "default.replication.factor");
	if (*partitions < 1)
		return refuse(v, KQ_KAFKA_INVALID_PARTITIONS,
			      "Number of partitions was set to an invalid non-positive value.");
	if (factor < 1)
		return refuse(v, KQ_KAFKA_INVALID_REPLICATION_FACTOR, "Replication factor must be "
			      "larger than 0, or -1 to use the default value.");
	if (factor > 1)
		return refuse(v, KQ_KAFKA_INVALID_REPLICATION_FACTOR, "Unable to replicate the "
			      "partition %lld time(s): The target replication factor of %lld "
			      "cannot be reached because only 1 broker(s) are registered.",
			      (long long)factor, (long long)factor);
	if (*partitions > PARTITIONS_PER_REQUEST_MAX)
		return refuse(v, KQ_KAFKA_POLICY_VIOLATION,
			      "Excessively large number of partitions per request.");
	return true;
}

/* Reads the configs of a request into *own, each value checked. */
static bool check_configs(struct kq_request *req, const create_asked *t,
			  struct kq_config_list *own, struct verdict *v)
{
	for (int32_t i = 0; i < t->configs_n; i++) {
		char *key = kq_arena_strdup(&req->arena, t->configs[i].name);
		char *value = kq_arena_strdup(&req->arena, t->configs[i].value), *text;
		if (!key || !value)
			return refuse(v, KQ_KAFKA_INVALID_CONFIG, "Null value not supported for "
				      "topic configs: %.249s", key ? key : "");
		if (kq_topic_config_check(key, value, &text, &v->e)) {
			v->code = KQ_KAFKA_INVALID_CONFIG;
			return false;
		}
		kq_config_list_set(own, key, text);
		free(text);
	}
	if (kq_topic_config_check_all(req->broker->config, own, &v->e)) {
		v->code = KQ_KAFKA_INVALID_CONFIG;
		return false;
	}
	return true;
}

static bool check_name_free(struct kq_request *req, struct kq_str name, struct verdict *v)
{
	struct kq_topic_info info, *all;
	if (kq_topic_name_check(name, &v->e)) {
		v->code = KQ_KAFKA_INVALID_TOPIC_EXCEPTION;
		return false;
	}
	if (kq_topics_get(req->broker->topics, name, &req->arena, &info))
		return refuse(v, KQ_KAFKA_TOPIC_ALREADY_EXISTS, "Topic '%s' already exists.",
			      info.name);
	if (!memchr(name.p, '.', (size_t)name.len) && !memchr(name.p, '_', (size_t)name.len))
		return true;
	struct kq_arena a;
	kq_arena_init(&a, (size_t)256 << 20);
	int n = kq_topics_list(req->broker->topics, &a, &all);
	const char *text = kq_arena_strdup(&req->arena, name), *other = NULL;
	for (int i = 0; text && i < n && !other; i++)
		if (kq_topic_name_collides(text, all[i].name))
			other = all[i].name;
	if (other)
		refuse(v, KQ_KAFKA_INVALID_TOPIC_EXCEPTION,
		       "Topic '%s' collides with existing topic: %s", text, other);
	kq_arena_deinit(&a);
	return !other;
}

/* Configs of the new topic as the answer (v5 and later) shows them. */
static void show_configs(struct kq_request *req, const struct kq_config_list *own, create_out *out)
{
	kq_config_row *rows;
	int n = kq_config_describe_topic(req->broker->config, own, NULL, false, &req->arena, &rows);
	out->configs = n < 0 ? NULL : kq_arena_array(&req->arena, (size_t)n, sizeof *out->configs);
	out->configs_n = out->configs ? n : -1;
	for (int i = 0; i < out->configs_n; i++)
		out->configs[i] = (struct kq_create_topics_response_creatable_topic_configs){
			.name = rows[i].name,
			.value = rows[i].value,
			.read_only = rows[i].read_only,
			.config_source = rows[i].config_source,
			.is_sensitive = rows[i].is_sensitive,
		};
}

static bool is_repeated(const struct kq_create_topics_request *body, int32_t i)
{
	for (int32_t k = 0; k < body->topics_n; k++)
		if (k != i && same(body->topics[k].name, body->topics[i].name))
			return true;
	return false;
}

/* Judges and makes one topic. */
static bool create_one(struct kq_request *req, const create_asked *t, struct kq_config_list *own,
		       create_out *out, struct verdict *v)
{
	const struct kq_create_topics_request *body = req->body;
	int32_t partitions;
	if (body->timeout_ms <= 0)
		return refuse(v, KQ_KAFKA_REQUEST_TIMED_OUT, "The request timed out.");
	if (is_repeated(body, (int32_t)(t - body->topics)))
		return refuse(v, KQ_KAFKA_INVALID_REQUEST, "Duplicate topic name.");
	if (!check_name_free(req, t->name, v) || !check_counts(req, t, &partitions, v) ||
	    !check_configs(req, t, own, v))
		return false;
	if (!body->validate_only) {
		char *name = kq_arena_strdup(&req->arena, t->name);
		int rc = !name ? KQ_ENOMEM : kq_topic_ops_create(req->broker, name, partitions,
								 own, &out->topic_id, &v->e);
		if (rc)
			return failed(v, rc);
	}
	out->num_partitions = partitions;
	out->replication_factor = 1;
	if (req->head.api_version >= 5)
		show_configs(req, own, out);
	return true;
}

static void create_topics(void *arg)
{
	struct kq_request *req = arg;
	const struct kq_create_topics_request *body = req->body;
	struct kq_create_topics_response r;
	kq_wire_init(&kq_create_topics_response_schema, &r);
	r.topics = kq_arena_array(&req->arena, (size_t)body->topics_n, sizeof *r.topics);
	if (!r.topics || body->topics_n > TOPICS_PER_REQUEST_MAX) {
		kq_request_close(req);
		return;
	}
	r.topics_n = 0;
	for (int32_t i = 0; i < body->topics_n; i++) {
		struct kq_config_list own = { 0 };
		struct verdict v = { 0 };
		bool told = false;
		for (int32_t k = 0; k < i && !told; k++)
			told = same(body->topics[k].name, body->topics[i].name);
		if (told)
			continue; /* one answer for a repeated name */
		create_out *out = &r.topics[r.topics_n++];
		kq_wire_init(&kq_create_topics_response_creatable_topic_result_schema, out);
		out->name = body->topics[i].name;
		create_one(req, &body->topics[i], &own, out, &v);
		out->error_code = v.code;
		out->error_message = words(req, &v);
		kq_config_list_deinit(&own);
	}
	kq_request_answer(req, &r);
}

void kq_handle_create_topics(struct kq_request *req)
{
	kq_admin_queue_post(req->broker->admin, create_topics, req);
}

/* ---- deleting --------------------------------------------------------------------------- */

static bool delete_one(struct kq_request *req, struct kq_str name, const struct kq_uuid *id,
		       delete_out *out, struct verdict *v)
{
	struct kq_topics *topics = req->broker->topics;
	struct kq_topic_info info;
	bool by_id = !kq_uuid_is_zero(id);
	if (by_id && name.len >= 0)
		return refuse(v, KQ_KAFKA_INVALID_REQUEST,
			      "You may not specify both topic name and topic id.");
	if (!by_id && name.len < 0)
		return refuse(v, KQ_KAFKA_INVALID_REQUEST,
			      "Neither topic name nor id were specified.");
	if (by_id ? !kq_topics_get_by_id(topics, id, &req->arena, &info)
		  : !kq_topics_get(topics, name, &req->arena, &info))
		return refuse(v, by_id ? KQ_KAFKA_UNKNOWN_TOPIC_ID
				       : KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION,
			      by_id ? "This server does not host this topic ID."
				    : "This server does not host this topic-partition.");
	out->name = str_of(info.name);
	out->topic_id = info.id;
	int rc = kq_topic_ops_delete(req->broker, info.name, &v->e);
	return rc ? failed(v, rc) : true;
}

/* The i-th topic of the request, in the old form or the new. */
static void delete_item(const struct kq_request *req, int32_t i, struct kq_str *name,
			struct kq_uuid *id)
{
	const struct kq_delete_topics_request *body = req->body;
	*id = (struct kq_uuid){ { 0 } };
	if (req->head.api_version < 6) {
		*name = body->topic_names[i];
		return;
	}
	*name = body->topics[i].name;
	*id = body->topics[i].topic_id;
}

static void delete_topics(void *arg)
{
	struct kq_request *req = arg;
	const struct kq_delete_topics_request *body = req->body;
	struct kq_delete_topics_response r;
	bool enabled = kq_broker_config_bool(req->broker->config, "delete.topic.enable");
	int32_t n = req->head.api_version < 6 ? body->topic_names_n : body->topics_n;
	kq_wire_init(&kq_delete_topics_response_schema, &r);
	r.responses = kq_arena_array(&req->arena, (size_t)(n > 0 ? n : 0), sizeof *r.responses);
	r.responses_n = n > 0 ? n : 0;
	if (!r.responses) {
		kq_request_close(req);
		return;
	}
	for (int32_t i = 0; i < n; i++) {
		delete_out *out = &r.responses[i];
		struct verdict v = { 0 };
		kq_wire_init(&kq_delete_topics_response_deletable_topic_result_schema, out);
		delete_item(req, i, &out->name, &out->topic_id);
		if (enabled)
			delete_one(req, out->name, &out->topic_id, out, &v);
		else
			refuse(&v, req->head.api_version < 3 ? KQ_KAFKA_INVALID_REQUEST
							     : KQ_KAFKA_TOPIC_DELETION_DISABLED,
			       "Topic deletion is disabled.");
		out->error_code = v.code;
		out->error_message = words(req, &v);
	}
	kq_request_answer(req, &r);
}

void kq_handle_delete_topics(struct kq_request *req)
{
	kq_admin_queue_post(req->broker->admin, delete_topics, req);
}

/* ---- more partitions ---------------------------------------------------------------------- */

static bool check_growth(struct kq_request *req, const grow_asked *t, int32_t now,
			 struct verdict *v)
{
	if (t->count == now)
		return refuse(v, KQ_KAFKA_INVALID_PARTITIONS, "Topic already has %d partition(s).",
			      (int)now);
	if (t->count < now)
		return refuse(v, KQ_KAFKA_INVALID_PARTITIONS, "The topic %.*s currently has %d "
			      "partition(s); %d would not be an increase.", t->name.len, t->name.p,
			      (int)now, (int)t->count);
	if (t->count - now > PARTITIONS_PER_REQUEST_MAX)
		return refuse(v, KQ_KAFKA_POLICY_VIOLATION,
			      "Excessively large number of partitions per request.");
	if (t->assignments_n < 0)
		return true;
	if (t->assignments_n != t->count - now)
		return refuse(v, KQ_KAFKA_INVALID_REPLICA_ASSIGNMENT, "Attempted to add %d "
			      "additional partition(s), but only %d assignment(s) were specified.",
			      (int)(t->count - now), (int)t->assignments_n);
	for (int32_t i = 0; i < t->assignments_n; i++)
		if (!check_replicas(req, t->assignments[i].broker_ids,
				    t->assignments[i].broker_ids_n, v))
			return false;
	return true;
}

static bool grow_one(struct kq_request *req, const grow_asked *t, struct verdict *v)
{
	const struct kq_create_partitions_request *body = req->body;
	struct kq_topic_info info;
	for (const grow_asked *k = body->topics; k < body->topics + body->topics_n; k++)
		if (k != t && same(k->name, t->name))
			return refuse(v, KQ_KAFKA_INVALID_REQUEST, "Duplicate topic name.");
	if (!kq_topics_get(req->broker->topics, t->name, &req->arena, &info))
		return refuse(v, KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, "The topic '%.*s' does not "
			      "exist.", t->name.len < 249 ? t->name.len : 249, t->name.p);
	if (!check_growth(req, t, info.partitions, v))
		return false;
	if (body->validate_only)
		return true;
	int rc = kq_topic_ops_grow(req->broker, info.name, info.partitions, t->count, &v->e);
	return rc ? failed(v, rc) : true;
}

static void create_partitions(void *arg)
{
	struct kq_request *req = arg;
	const struct kq_create_partitions_request *body = req->body;
	struct kq_create_partitions_response r;
	kq_wire_init(&kq_create_partitions_response_schema, &r);
	r.results = kq_arena_array(&req->arena, (size_t)body->topics_n, sizeof *r.results);
	r.results_n = body->topics_n;
	if (!r.results || body->topics_n > TOPICS_PER_REQUEST_MAX) {
		kq_request_close(req);
		return;
	}
	for (int32_t i = 0; i < body->topics_n; i++) {
		grow_out *out = &r.results[i];
		struct verdict v = { 0 };
		kq_wire_init(&kq_create_partitions_response_create_partitions_topic_result_schema,
			     out);
		out->name = body->topics[i].name;
		grow_one(req, &body->topics[i], &v);
		out->error_code = v.code;
		out->error_message = words(req, &v);
	}
	kq_request_answer(req, &r);
}

void kq_handle_create_partitions(struct kq_request *req)
{
	kq_admin_queue_post(req->broker->admin, create_partitions, req);
}
