/* Configurations of topics and brokers. A broker's are asked of itself, a topic's of
 * anybody; changes of topics go to the controller. */
#include <stdlib.h>

#include "client/admin_internal.h"

static const char *source_name(int source)
{
	static const char *const NAMES[] = { "unknown", "topic", "broker", "cluster", "static", "default", "broker-logger",
					     "client-metrics", "group" };
	return source >= 0 && source < 9 ? NAMES[source] : "unknown";
}

static const char *type_name(int type)
{
	static const char *const NAMES[] = { "", "boolean", "string", "int", "short", "long", "double", "list", "class",
					     "password" };
	return type >= 0 && type < 10 ? NAMES[type] : "";
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct kq_admin_config *)a)->key, ((const struct kq_admin_config *)b)->key);
}

static void take(struct kq_admin *a, const struct kq_describe_configs_response_describe_configs_result *r,
		 struct kq_admin_config **v, int *n)
{
	*v = kq_admin_array(a, (size_t)(r->configs_n > 0 ? r->configs_n : 0), sizeof **v);
	*n = r->configs_n > 0 ? r->configs_n : 0;
	for (int i = 0; i < *n; i++) {
		const struct kq_describe_configs_response_describe_configs_resource_result *from = &r->configs[i];
		const char *key = kq_admin_keep(a, from->name);
		(*v)[i] = (struct kq_admin_config){
			.key = key ? key : "", .value = kq_admin_keep(a, from->value),
			.source = source_name(from->config_source), .type = type_name(from->config_type),
			.is_default = from->is_default || from->config_source == 5, .read_only = from->read_only,
			.sensitive = from->is_sensitive,
		};
	}
	qsort(*v, (size_t)*n, sizeof **v, by_key);
}

/* Whom to ask about a resource. */
static int32_t node_of(enum kq_admin_resource what, const char *name, int32_t other)
{
	return what == KQ_ADMIN_BROKER ? (int32_t)strtol(name, NULL, 10) : other;
}

/* A broker's address must be known before it can be asked. */
static int know_brokers(struct kq_admin *a, struct kq_error *e)
{
	static const char *const NONE[] = { NULL };
	return a->client.meta.broker_n > 0 ? 0 : kq_client_refresh(&a->client, NONE, 0, false, a->timeout_ms, e);
}

int kq_admin_configs(struct kq_admin *a, enum kq_admin_resource what, const char *name,
		     struct kq_admin_config **v, int *n, struct kq_admin_status *status, struct kq_error *e)
{
	struct kq_describe_configs_request_describe_configs_resource resource = {
		.resource_type = (int8_t)what, .resource_name = kq_admin_str(name), .configuration_keys_n = -1,
	};
	struct kq_describe_configs_request rq = { .resources = &resource, .resources_n = 1 };
	struct kq_describe_configs_response r;
	*v = NULL;
	*n = 0;
	int rc = know_brokers(a, e);
	if (rc == 0)
		rc = kq_admin_call(a, node_of(what, name, KQ_NODE_ANY), KQ_API_DESCRIBE_CONFIGS, 1, &rq, &r, e);
	if (rc != 0)
		return rc;
	if (r.results_n < 1)
		return kq_error_set(e, KQ_EPROTO, "the broker's answer has no result");
	kq_admin_set_status(a, status, r.results[0].error_code, r.results[0].error_message);
	take(a, &r.results[0], v, n);
	return 0;
}

int kq_admin_change_configs(struct kq_admin *a, enum kq_admin_resource what, const char *name,
			    const struct kq_admin_change *v, int n, bool dry,
			    struct kq_admin_status *status, struct kq_error *e)
{
	enum { SET = 0, DELETE = 1 };
	struct kq_incremental_alter_configs_request_alter_configs_resource resource = {
		.resource_type = (int8_t)what, .resource_name = kq_admin_str(name), .configs_n = n,
	};
	struct kq_incremental_alter_configs_request rq = { .resources = &resource, .resources_n = 1, .validate_only = dry };
	struct kq_incremental_alter_configs_response r;
	resource.configs = kq_admin_array(a, (size_t)n, sizeof *resource.configs);
	for (int i = 0; i < n; i++) {
		resource.configs[i].name = kq_admin_str(v[i].key);
		resource.configs[i].config_operation = v[i].value ? SET : DELETE;
		resource.configs[i].value = kq_admin_str(v[i].value);
	}
	int rc = know_brokers(a, e);
	if (rc == 0)
		rc = kq_admin_call(a, node_of(what, name, KQ_NODE_CONTROLLER), KQ_API_INCREMENTAL_ALTER_CONFIGS, 0, &rq, &r, e);
	if (rc != 0)
		return rc;
	if (r.responses_n < 1)
		return kq_error_set(e, KQ_EPROTO, "the broker's answer has no result");
	kq_admin_set_status(a, status, r.responses[0].error_code, r.responses[0].error_message);
	return 0;
}
