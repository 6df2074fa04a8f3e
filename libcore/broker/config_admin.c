/* DescribeConfigs, AlterConfigs, IncrementalAlterConfigs for topics and brokers. All
 * run on the admin thread.
 *
 * A change is worked out as the resource's whole new list of overrides, judged as a
 * whole, stored, then put into force. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "broker/admin_queue.h"
#include "broker/config.h"
#include "broker/config_describe.h"
#include "broker/config_value.h"
#include "broker/request.h"
#include "broker/topic_config.h"
#include "broker/topic_ops.h"
#include "broker/topics.h"

enum { RESOURCE_TOPIC = 2, RESOURCE_BROKER = 4, RESOURCE_BROKER_LOGGER = 8 };
enum {
	/* repeated ones are looked for in n * n steps */
	RESOURCES_MAX = 10000,
	CONFIGS_MAX = 1000,
};
enum operation { OP_SET, OP_DELETE, OP_APPEND, OP_SUBTRACT };

static struct kq_str str_of(const char *s)
{
	return s ? (struct kq_str){ s, (int32_t)strlen(s) } : KQ_STR_NULL;
}

/* One resource: its name spelled out, and what is wrong. */
struct target {
	struct kq_request *req;
	int8_t type;
	struct kq_str name;
	bool for_all;      /* a broker resource without a name */
	int16_t code;
	struct kq_error e;
};

static bool refuse(struct target *t, int16_t code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Always false. */
static bool refuse(struct target *t, int16_t code, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(t->e.text, sizeof t->e.text, fmt, ap);
	va_end(ap);
	t->code = code;
	return false;
}

static struct kq_str words(struct target *t)
{
	return t->code ? str_of(kq_arena_strdup(&t->req->arena, str_of(t->e.text))) : KQ_STR_NULL;
}

static bool check_broker_name(struct target *t)
{
	char text[16];
	t->for_all = t->name.len <= 0;
	if (t->for_all)
		return true;
	snprintf(text, sizeof text, "%d", (int)t->req->broker->id);
	struct kq_str id = str_of(text);
	if (t->name.len == id.len && !memcmp(t->name.p, text, (size_t)id.len))
		return true;
	return refuse(t, KQ_KAFKA_INVALID_REQUEST, "Unexpected broker id, expected %s or empty "
		      "string, but received %.*s", text, t->name.len < 100 ? t->name.len : 100,
		      t->name.p);
}

/* Is there such a resource, of a kind that has configs here? */
static bool check_target(struct target *t)
{
	struct kq_topic_info info;
	switch (t->type) {
	case RESOURCE_TOPIC:
		if (kq_topics_get(t->req->broker->topics, t->name, &t->req->arena, &info))
			return true;
		return refuse(t, KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, "The topic '%.*s' does not "
			      "exist.", t->name.len < 249 ? t->name.len : 249, t->name.p);
	case RESOURCE_BROKER:
		return check_broker_name(t);
	case RESOURCE_BROKER_LOGGER:
		return refuse(t, KQ_KAFKA_INVALID_REQUEST, "Resource type BROKER_LOGGER is not "
			      "supported: this broker has no Java loggers");
	default:
		return refuse(t, KQ_KAFKA_INVALID_REQUEST, "Unsupported resource type: %d",
			      (int)t->type);
	}
}

static int load_overrides(const struct target *t, struct kq_config_list *own)
{
	struct kq_broker *b = t->req->broker;
	if (t->type == RESOURCE_TOPIC)
		return kq_meta_store_topic_configs(b->store, t->name, own);
	kq_meta_store_broker_configs(b->store, t->for_all ? -1 : b->id, own);
	return 0;
}

/* ---- describing ------------------------------------------------------------------------- */

typedef struct kq_describe_configs_request_describe_configs_resource describe_asked;
typedef struct kq_describe_configs_response_describe_configs_result describe_out;

static bool describe_one(struct target *t, const describe_asked *asked, describe_out *out)
{
	const struct kq_describe_configs_request *body = t->req->body;
	const struct kq_broker_config *c = t->req->broker->config;
	struct kq_config_filter filter = { asked->configuration_keys, asked->configuration_keys_n };
	struct kq_config_list own = { 0 };
	int n;
	out->configs_n = 0;
	if (!check_target(t))
		return true;
	if (t->type == RESOURCE_TOPIC) {
		load_overrides(t, &own);
		n = kq_config_describe_topic(c, &own, &filter, body->include_synonyms,
					     &t->req->arena, &out->configs);
		kq_config_list_deinit(&own);
	} else {
		n = kq_config_describe_broker(c, t->for_all, &filter, body->include_synonyms,
					      &t->req->arena, &out->configs);
	}
	for (int i = 0; i < n && body->include_documentation; i++)
		out->configs[i].documentation = KQ_STR("");
	out->configs_n = n < 0 ? 0 : n;
	return n >= 0;
}

static void describe_configs(void *arg)
{
	struct kq_request *req = arg;
	const struct kq_describe_configs_request *body = req->body;
	struct kq_describe_configs_response r;
	kq_wire_init(&kq_describe_configs_response_schema, &r);
	r.results = kq_arena_array(&req->arena, (size_t)body->resources_n, sizeof *r.results);
	bool ok = r.results != NULL;
	for (int32_t i = 0; i < body->resources_n && ok; i++) {
		const describe_asked *asked = &body->resources[i];
		describe_out *out = &r.results[i];
		struct target t = { .req = req, .type = asked->resource_type,
				    .name = asked->resource_name };
		kq_wire_init(&kq_describe_configs_response_describe_configs_result_schema, out);
		ok = describe_one(&t, asked, out);
		out->resource_type = asked->resource_type;
		out->resource_name = asked->resource_name;
		out->error_code = t.code;
		out->error_message = t.code ? words(&t) : KQ_STR("");
	}
	r.results_n = body->resources_n;
	if (ok)
		kq_request_answer(req, &r);
	else
		kq_request_close(req);
}

void kq_handle_describe_configs(struct kq_request *req)
{
	kq_admin_queue_post(req->broker->admin, describe_configs, req);
}

/* ---- changing --------------------------------------------------------------------------- */

static const struct kq_config_key *find_key(const struct target *t, const char *name)
{
	return t->type == RESOURCE_TOPIC
		       ? kq_config_key_find(kq_topic_keys, kq_topic_keys_n, name)
		       : kq_config_key_find(kq_broker_keys, kq_broker_keys_n, name);
}

/* May this broker key be set while running, and on this level? */
static bool check_dynamic(struct target *t, const struct kq_config_key *k)
{
	if (k->scope == KQ_SCOPE_STATIC)
		return refuse(t, KQ_KAFKA_INVALID_REQUEST,
			      "Cannot update these configs dynamically: Set(%s)", k->name);
	if (k->scope == KQ_SCOPE_BROKER && t->for_all)
		return refuse(t, KQ_KAFKA_INVALID_REQUEST, "Cannot update these configs at default "
			      "cluster level, broker id must be specified: Set(%s)", k->name);
	if (k->scope == KQ_SCOPE_BROKER && k->used)
		return refuse(t, KQ_KAFKA_INVALID_REQUEST, "%s cannot be changed while this broker "
			      "runs; set it in its configuration file and restart", k->name);
	return true;
}

/* Sets one key in the list after checking its value. */
static bool set_key(struct target *t, struct kq_config_list *own, const struct kq_config_key *k,
		    const char *value)
{
	char *text;
	if (t->type == RESOURCE_BROKER && !check_dynamic(t, k))
		return false;
	if (kq_config_value_check(k, value, &text, &t->e)) {
		t->code = t->type == RESOURCE_TOPIC ? KQ_KAFKA_INVALID_CONFIG
						    : KQ_KAFKA_INVALID_REQUEST;
		return false;
	}
	kq_config_list_set(own, k->name, text);
	free(text);
	return true;
}

static bool unknown_key(struct target *t, const char *name)
{
	return refuse(t, KQ_KAFKA_INVALID_CONFIG, "Unknown %s config name: %.249s",
		      t->type == RESOURCE_TOPIC ? "topic" : "broker", name);
}

/* list with the elements of value added at its end, or taken out; to be freed. */
static char *edit_list(const char *list, const char *value, bool add)
{
	char *out = kq_calloc(1, strlen(list) + strlen(value) + 2);
	size_t n = 0;
	for (int pass = 0; pass < (add ? 2 : 1); pass++) {
		for (const char *p = pass ? value : list; *p;) {
			size_t len = strcspn(p, ",");
			char *word = kq_strndup(p, len);
			bool keep = len > 0 && (add ? !kq_config_value_has(out, word)
						    : !kq_config_value_has(value, word));
			if (keep) {
				if (n > 0)
					out[n++] = ',';
				memcpy(out + n, word, len);
				n += len;
				out[n] = '\0';
			}
			free(word);
			p += len;
			p += *p == ',';
		}
	}
	return out;
}

/* One operation of IncrementalAlterConfigs on the list. */
static bool apply_operation(struct target *t, struct kq_config_list *own, const char *name,
			    int8_t op, const char *value)
{
	const struct kq_config_key *k = find_key(t, name);
	if (op < OP_SET || op > OP_SUBTRACT)
		return refuse(t, KQ_KAFKA_UNKNOWN_SERVER_ERROR, "Unknown config operation %d",
			      (int)op);
	if (op == OP_DELETE) {
		kq_config_list_set(own, name, NULL);
		return true;
	}
	if (!value)
		return refuse(t, KQ_KAFKA_INVALID_REQUEST, "Null value not supported for : %.249s",
			      name);
	if (!k)
		return unknown_key(t, name);
	if (op == OP_SET)
		return set_key(t, own, k, value);
	if (k->type != KQ_CONFIG_LIST)
		return refuse(t, KQ_KAFKA_INVALID_CONFIG, "Can't %s to key %s because its type is "
			      "not LIST.", op == OP_APPEND ? "APPEND" : "SUBTRACT", k->name);
	const char *old = kq_config_list_get(own, k->name);
	if (!old)
		old = k->def ? k->def : "";
	char *edited = edit_list(old, value, op == OP_APPEND);
	/* an empty rest is kept as it is, valid or not, as Kafka does */
	bool ok = *edited ? set_key(t, own, k, edited) : true;
	if (!*edited)
		kq_config_list_set(own, k->name, "");
	free(edited);
	return ok;
}

/* Stores the new list and puts it into force. */
static bool commit(struct target *t, const struct kq_config_list *own)
{
	struct kq_broker *b = t->req->broker;
	char *name = kq_arena_strdup(&t->req->arena, t->name);
	int rc;
	if (t->type == RESOURCE_TOPIC && kq_topic_config_check_all(b->config, own, &t->e)) {
		t->code = KQ_KAFKA_INVALID_CONFIG;
		return false;
	}
	if (t->type == RESOURCE_TOPIC) {
		rc = name ? kq_meta_store_set_topic_configs(b->store, name, own) : KQ_ENOMEM;
		if (!rc)
			kq_topic_ops_configure(b, name);
	} else {
		rc = kq_meta_store_set_broker_configs(b->store, t->for_all ? -1 : b->id, own);
		if (!rc) {
			kq_broker_config_set_dynamic(b->config,
						     t->for_all ? KQ_SOURCE_DYNAMIC_DEFAULT
								: KQ_SOURCE_DYNAMIC_BROKER, own);
			kq_topic_ops_configure_all(b);
		}
	}
	if (rc) {
		kq_error_set(&t->e, rc, "the change could not be stored: %s", kq_strerror(rc));
		t->code = kq_kafka_error_from(rc);
	}
	return !rc;
}

/* The parts of both requests that look alike. */
struct change {
	struct kq_str name, value;
	int8_t op;
};

static bool is_named_twice(const struct change *v, int32_t n, int32_t i)
{
	for (int32_t k = 0; k < i && k < n; k++)
		if (v[k].name.len == v[i].name.len &&
		    !memcmp(v[k].name.p, v[i].name.p, (size_t)v[i].name.len))
			return true;
	return false;
}

/* Works the changes out on top of own and commits. */
static void change_one(struct target *t, struct kq_config_list *own, const struct change *v,
		       int32_t n, bool validate_only)
{
	bool ok = n <= CONFIGS_MAX || refuse(t, KQ_KAFKA_INVALID_REQUEST, "Too many configs");
	for (int32_t i = 0; i < n && ok; i++) {
		char *name = kq_arena_strdup(&t->req->arena, v[i].name);
		char *value = kq_arena_strdup(&t->req->arena, v[i].value);
		if (is_named_twice(v, n, i))
			ok = refuse(t, KQ_KAFKA_INVALID_REQUEST, "Error due to duplicate config "
				    "keys : %.249s", name ? name : "");
		else
			ok = apply_operation(t, own, name ? name : "", v[i].op, value);
	}
	if (ok && validate_only && t->type == RESOURCE_TOPIC &&
	    kq_topic_config_check_all(t->req->broker->config, own, &t->e))
		t->code = KQ_KAFKA_INVALID_CONFIG;
	else if (ok && !validate_only)
		commit(t, own);
}

typedef struct kq_alter_configs_request_alter_configs_resource alter_asked;
typedef struct kq_alter_configs_response_alter_configs_resource_response alter_out;
typedef struct kq_incremental_alter_configs_request_alter_configs_resource increment_asked;
typedef struct kq_incremental_alter_configs_response_alter_configs_resource_response increment_out;

/* A repeated resource: all of its mentions are refused. */
static bool check_once(struct target *t, int mentions)
{
	return mentions <= 1 ? true : refuse(t, KQ_KAFKA_INVALID_REQUEST,
					     "Each resource must appear at most once.");
}

static bool same_resource(int8_t type_a, struct kq_str a, int8_t type_b, struct kq_str b)
{
	return type_a == type_b && a.len == b.len && (a.len <= 0 || !memcmp(a.p, b.p, (size_t)a.len));
}

static void alter_configs(void *arg)
{
	struct kq_request *req = arg;
	const struct kq_alter_configs_request *body = req->body;
	struct kq_alter_configs_response r;
	kq_wire_init(&kq_alter_configs_response_schema, &r);
	r.responses = kq_arena_array(&req->arena, (size_t)body->resources_n, sizeof *r.responses);
	r.responses_n = body->resources_n;
	bool ok = r.responses && body->resources_n <= RESOURCES_MAX;
	for (int32_t i = 0; i < body->resources_n && ok; i++) {
		const alter_asked *a = &body->resources[i];
		struct target t = { .req = req, .type = a->resource_type, .name = a->resource_name };
		struct kq_config_list own = { 0 }; /* all is replaced */
		int mentions = 0;
		for (int32_t k = 0; k < body->resources_n; k++)
			mentions += same_resource(body->resources[k].resource_type,
						  body->resources[k].resource_name, t.type, t.name);
		struct change *v = kq_arena_array(&req->arena, (size_t)a->configs_n, sizeof *v);
		ok = v != NULL;
		for (int32_t k = 0; k < a->configs_n && ok; k++)
			v[k] = (struct change){ a->configs[k].name, a->configs[k].value, OP_SET };
		if (ok && check_once(&t, mentions) && check_target(&t))
			change_one(&t, &own, v, a->configs_n, body->validate_only);
		kq_config_list_deinit(&own);
		r.responses[i] = (alter_out){ t.code, words(&t), t.type, t.name };
	}
	if (ok)
		kq_request_answer(req, &r);
	else
		kq_request_close(req);
}

void kq_handle_alter_configs(struct kq_request *req)
{
	kq_admin_queue_post(req->broker->admin, alter_configs, req);
}

static void increment_configs(void *arg)
{
	struct kq_request *req = arg;
	const struct kq_incremental_alter_configs_request *body = req->body;
	struct kq_incremental_alter_configs_response r;
	kq_wire_init(&kq_incremental_alter_configs_response_schema, &r);
	r.responses = kq_arena_array(&req->arena, (size_t)body->resources_n, sizeof *r.responses);
	r.responses_n = body->resources_n;
	bool ok = r.responses && body->resources_n <= RESOURCES_MAX;
	for (int32_t i = 0; i < body->resources_n && ok; i++) {
		const increment_asked *a = &body->resources[i];
		struct target t = { .req = req, .type = a->resource_type, .name = a->resource_name };
		struct kq_config_list own = { 0 };
		int mentions = 0;
		for (int32_t k = 0; k < body->resources_n; k++)
			mentions += same_resource(body->resources[k].resource_type,
						  body->resources[k].resource_name, t.type, t.name);
		struct change *v = kq_arena_array(&req->arena, (size_t)a->configs_n, sizeof *v);
		ok = v != NULL;
		for (int32_t k = 0; k < a->configs_n && ok; k++)
			v[k] = (struct change){ a->configs[k].name, a->configs[k].value,
						a->configs[k].config_operation };
		if (ok && check_once(&t, mentions) && check_target(&t)) {
			load_overrides(&t, &own);
			change_one(&t, &own, v, a->configs_n, body->validate_only);
		}
		kq_config_list_deinit(&own);
		r.responses[i] = (increment_out){ t.code, words(&t), t.type, t.name };
	}
	if (ok)
		kq_request_answer(req, &r);
	else
		kq_request_close(req);
}

void kq_handle_incremental_alter_configs(struct kq_request *req)
{
	kq_admin_queue_post(req->broker->admin, increment_configs, req);
}
