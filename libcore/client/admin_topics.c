/* Making, growing and deleting topics: requests to the controller, tried again where
 * it has moved. */
#include <stdlib.h>

#include "base/clock.h"
#include "client/admin_internal.h"

/* Calls the controller; code() reads the first item's code from its response. */
static int call_controller(struct kq_admin *a, int api_key, int min, const void *request, void *response,
			   int16_t (*code)(const void *response), struct kq_error *e)
{
	static const char *const NONE[] = { NULL };
	int64_t deadline = kq_clock_mono_ms() + a->timeout_ms;
	int rc = kq_client_refresh(&a->client, NONE, 0, false, a->timeout_ms, e);
	while (rc == 0) {
		rc = kq_admin_call(a, KQ_NODE_CONTROLLER, api_key, min, request, response, e);
		if (rc != 0 || code(response) != KQ_KAFKA_NOT_CONTROLLER || !kq_admin_again(a, deadline, NONE, 0))
			break;
	}
	return rc;
}

static bool is_name(struct kq_str s, const char *name)
{
	return s.len == (int32_t)strlen(name) && memcmp(s.p, name, (size_t)s.len) == 0;
}

/* An item the answer says nothing about. */
static void unanswered(struct kq_admin *a, struct kq_admin_status *s)
{
	kq_admin_set_status(a, s, KQ_KAFKA_UNKNOWN_SERVER_ERROR, KQ_STR("the broker did not answer for it"));
}

/* ---- create ---------------------------------------------------------------- */

static void fill_new_topic(struct kq_admin *a, const struct kq_admin_new_topic *t,
			   struct kq_create_topics_request_creatable_topic *to)
{
	*to = (struct kq_create_topics_request_creatable_topic){
		.name = kq_admin_str(t->name), .num_partitions = t->assigned_n ? -1 : t->partitions,
		.replication_factor = t->assigned_n ? -1 : t->replicas,
		.assignments_n = t->assigned_n, .configs_n = t->config_n,
	};
	to->assignments = kq_admin_array(a, (size_t)t->assigned_n, sizeof *to->assignments);
	for (int i = 0; i < t->assigned_n; i++) {
		int32_t *ids = kq_admin_array(a, (size_t)t->assigned_brokers[i], sizeof *ids);
		memcpy(ids, t->assigned[i], (size_t)t->assigned_brokers[i] * sizeof *ids);
		to->assignments[i].partition_index = i;
		to->assignments[i].broker_ids = ids;
		to->assignments[i].broker_ids_n = t->assigned_brokers[i];
	}
	to->configs = kq_admin_array(a, (size_t)t->config_n, sizeof *to->configs);
	for (int i = 0; i < t->config_n; i++) {
		to->configs[i].name = kq_admin_str(t->configs[i].key);
		to->configs[i].value = kq_admin_str(t->configs[i].value);
	}
}

static int16_t create_code(const void *response)
{
	const struct kq_create_topics_response *r = response;
	return r->topics_n > 0 ? r->topics[0].error_code : 0;
}

int kq_admin_create_topics(struct kq_admin *a, struct kq_admin_new_topic *v, int n, bool dry, struct kq_error *e)
{
	struct kq_create_topics_request rq = { .timeout_ms = a->timeout_ms, .validate_only = dry, .topics_n = n };
	struct kq_create_topics_response r;
	rq.topics = kq_admin_array(a, (size_t)n, sizeof *rq.topics);
	for (int i = 0; i < n; i++)
		fill_new_topic(a, &v[i], &rq.topics[i]);
	int rc = call_controller(a, KQ_API_CREATE_TOPICS, 2, &rq, &r, create_code, e);
	for (int i = 0; rc == 0 && i < n; i++) {
		unanswered(a, &v[i].status);
		for (int32_t k = 0; k < r.topics_n; k++)
			if (is_name(r.topics[k].name, v[i].name))
				kq_admin_set_status(a, &v[i].status, r.topics[k].error_code, r.topics[k].error_message);
	}
	return rc;
}

/* ---- delete ---------------------------------------------------------------- */

static int16_t delete_code(const void *response)
{
	const struct kq_delete_topics_response *r = response;
	return r->responses_n > 0 ? r->responses[0].error_code : 0;
}

int kq_admin_delete_topics(struct kq_admin *a, const char *const *names, int n,
			   struct kq_admin_status *status, struct kq_error *e)
{
	struct kq_delete_topics_request rq = { .timeout_ms = a->timeout_ms, .topics_n = n, .topic_names_n = n };
	struct kq_delete_topics_response r;
	/* Old versions have names, new ones entries; the encoder takes what fits. */
	rq.topics = kq_admin_array(a, (size_t)n, sizeof *rq.topics);
	rq.topic_names = kq_admin_array(a, (size_t)n, sizeof *rq.topic_names);
	for (int i = 0; i < n; i++)
		rq.topics[i].name = rq.topic_names[i] = kq_admin_str(names[i]);
	int rc = kq_client_connect(&a->client, KQ_NODE_CONTROLLER, a->timeout_ms, e);
	if (rc != 0)
		return rc;
	if (kq_client_version(&a->client, KQ_NODE_CONTROLLER, KQ_API_DELETE_TOPICS, 0, -1) >= 6)
		rq.topic_names_n = 0;
	else
		rq.topics_n = 0;
	rc = call_controller(a, KQ_API_DELETE_TOPICS, 0, &rq, &r, delete_code, e);
	for (int i = 0; rc == 0 && i < n; i++) {
		unanswered(a, &status[i]);
		for (int32_t k = 0; k < r.responses_n; k++)
			if (is_name(r.responses[k].name, names[i]))
				kq_admin_set_status(a, &status[i], r.responses[k].error_code, r.responses[k].error_message);
	}
	return rc;
}

/* ---- grow ------------------------------------------------------------------ */

static int16_t grow_code(const void *response)
{
	const struct kq_create_partitions_response *r = response;
	return r->results_n > 0 ? r->results[0].error_code : 0;
}

int kq_admin_grow_topic(struct kq_admin *a, const char *name, int32_t count, bool dry,
			struct kq_admin_status *status, struct kq_error *e)
{
	struct kq_create_partitions_request_create_partitions_topic topic = {
		.name = kq_admin_str(name), .count = count, .assignments_n = -1,
	};
	struct kq_create_partitions_request rq = { .topics = &topic, .topics_n = 1, .timeout_ms = a->timeout_ms,
						   .validate_only = dry };
	struct kq_create_partitions_response r;
	int rc = call_controller(a, KQ_API_CREATE_PARTITIONS, 0, &rq, &r, grow_code, e);
	if (rc != 0)
		return rc;
	if (r.results_n > 0)
		kq_admin_set_status(a, status, r.results[0].error_code, r.results[0].error_message);
	else
		unanswered(a, status);
	return 0;
}
