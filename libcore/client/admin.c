/* The admin client: what all its calls share, the cluster, and topics as metadata has
 * them. */
#include "client/admin_internal.h"

#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

enum { PAUSE_MS = 100 };

int kq_admin_new(struct kq_admin **out, const struct kq_client_config *cfg, struct kq_error *e)
{
	struct kq_admin *a = kq_calloc(1, sizeof *a);
	int rc = kq_client_init(&a->client, cfg, e);
	if (rc != 0) {
		free(a);
		return rc;
	}
	kq_arena_init(&a->arena, KQ_ADMIN_MEMORY_MAX);
	int64_t timeout = kq_client_config_int(cfg, "default.api.timeout.ms");
	a->timeout_ms = timeout > 0 && timeout < INT32_MAX ? (int)timeout : 60000;
	*out = a;
	return 0;
}

void kq_admin_free(struct kq_admin *a)
{
	if (!a)
		return;
	kq_client_deinit(&a->client);
	kq_arena_deinit(&a->arena);
	free(a);
}

struct kq_str kq_admin_str(const char *s)
{
	return s ? (struct kq_str){ s, (int32_t)strlen(s) } : KQ_STR_NULL;
}

void *kq_admin_array(struct kq_admin *a, size_t count, size_t size)
{
	void *p = kq_arena_array(&a->arena, count ? count : 1, size);
	if (!p)
		abort(); /* a gigabyte of names: no cluster has that */
	return p;
}

const char *kq_admin_keep(struct kq_admin *a, struct kq_str s)
{
	if (s.len < 0)
		return NULL;
	char *copy = kq_admin_array(a, (size_t)s.len + 1, 1);
	if (s.len > 0)
		memcpy(copy, s.p, (size_t)s.len);
	return copy;
}

void kq_admin_set_status(struct kq_admin *a, struct kq_admin_status *s, int code, struct kq_str message)
{
	s->code = code;
	s->text = code && message.len > 0 ? kq_admin_keep(a, message) : kq_kafka_error_text(code);
}

const char *kq_admin_error_name(int code)
{
	return kq_kafka_error_name(code);
}

int kq_admin_call(struct kq_admin *a, int32_t node, int api_key, int min, const void *request,
		  void *response, struct kq_error *e)
{
	return kq_client_call(&a->client, node, api_key, min, -1, request, &a->arena, response, NULL,
			      a->timeout_ms, e);
}

bool kq_admin_again(struct kq_admin *a, int64_t deadline, const char *const *names, int n)
{
	struct kq_error ignored;
	if (kq_clock_mono_ms() + PAUSE_MS >= deadline)
		return false;
	nanosleep(&(struct timespec){ .tv_nsec = PAUSE_MS * 1000000L }, NULL);
	return kq_client_refresh(&a->client, names, n, false, a->timeout_ms, &ignored) == 0;
}

/* ---- cluster ------------------------------------------------------------- */

static int broker_by_id(const void *x, const void *y)
{
	const struct kq_admin_broker *a = x, *b = y;
	return a->id < b->id ? -1 : a->id > b->id;
}

int kq_admin_describe_cluster(struct kq_admin *a, struct kq_admin_cluster *out, struct kq_error *e)
{
	static const char *const NONE[] = { NULL };
	int rc = kq_client_refresh(&a->client, NONE, 0, false, a->timeout_ms, e);
	if (rc != 0)
		return rc;
	const struct kq_metadata *m = &a->client.meta;
	out->id = m->cluster_id ? kq_admin_keep(a, kq_admin_str(m->cluster_id)) : "";
	out->controller = m->controller;
	out->broker_n = m->broker_n;
	out->brokers = kq_admin_array(a, (size_t)m->broker_n, sizeof *out->brokers);
	for (int32_t i = 0; i < m->broker_n; i++) {
		const struct kq_meta_broker *b = &m->brokers[i];
		out->brokers[i] = (struct kq_admin_broker){
			.id = b->id, .port = b->port, .host = kq_admin_keep(a, kq_admin_str(b->host)),
			.rack = kq_admin_keep(a, kq_admin_str(b->rack)), .controller = b->id == m->controller,
		};
	}
	qsort(out->brokers, (size_t)out->broker_n, sizeof *out->brokers, broker_by_id);
	return 0;
}

/* ---- topics --------------------------------------------------------------- */

static const int32_t *keep_ints(struct kq_admin *a, const int32_t *v, int32_t n)
{
	int32_t *copy = kq_admin_array(a, (size_t)(n > 0 ? n : 0), sizeof *copy);
	if (n > 0)
		memcpy(copy, v, (size_t)n * sizeof *copy);
	return copy;
}

static void describe_topic(struct kq_admin *a, const struct kq_meta_topic *t, struct kq_admin_topic *out)
{
	*out = (struct kq_admin_topic){ .name = kq_admin_keep(a, kq_admin_str(t->name)), .id = t->id,
					.internal = t->internal, .partition_n = t->partition_n };
	kq_admin_set_status(a, &out->status, t->error, KQ_STR_NULL);
	out->partitions = kq_admin_array(a, (size_t)t->partition_n, sizeof *out->partitions);
	for (int32_t i = 0; i < t->partition_n; i++) {
		const struct kq_meta_partition *p = &t->partitions[i];
		out->partitions[i] = (struct kq_admin_partition){
			.partition = i, .leader = p->leader, .leader_epoch = p->leader_epoch,
			.replicas = keep_ints(a, p->replicas, p->replica_n), .replica_n = p->replica_n,
			.isr = keep_ints(a, p->isr, p->isr_n), .isr_n = p->isr_n,
			.offline = keep_ints(a, p->offline, p->offline_n), .offline_n = p->offline_n,
			.size = -1,
		};
	}
}

static void describe_missing(struct kq_admin *a, const char *name, struct kq_admin_topic *out)
{
	*out = (struct kq_admin_topic){ .name = kq_admin_keep(a, kq_admin_str(name)) };
	kq_admin_set_status(a, &out->status, KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION, KQ_STR_NULL);
}

static int all_topics(struct kq_admin *a, struct kq_admin_topic **v, int *vn)
{
	size_t n, kept = 0;
	struct kq_meta_topic **sorted = kq_metadata_sorted(&a->client.meta, &n);
	*v = kq_admin_array(a, n, sizeof **v);
	for (size_t i = 0; i < n; i++)
		if (sorted[i]->seen)
			describe_topic(a, sorted[i], &(*v)[kept++]);
	free(sorted);
	*vn = (int)kept;
	return 0;
}

int kq_admin_topics(struct kq_admin *a, const char *const *names, int n,
		    struct kq_admin_topic **v, int *vn, struct kq_error *e)
{
	int rc = kq_client_refresh(&a->client, names, n, false, a->timeout_ms, e);
	if (rc != 0)
		return rc;
	if (!names)
		return all_topics(a, v, vn);
	*v = kq_admin_array(a, (size_t)n, sizeof **v);
	*vn = n;
	for (int i = 0; i < n; i++) {
		const struct kq_meta_topic *t = kq_metadata_topic(&a->client.meta, kq_admin_str(names[i]));
		if (t)
			describe_topic(a, t, &(*v)[i]);
		else
			describe_missing(a, names[i], &(*v)[i]);
	}
	return 0;
}

/* ---- sizes ---------------------------------------------------------------- */

static struct kq_admin_topic *find_topic(struct kq_admin_topic *v, int n, struct kq_str name)
{
	for (int i = 0; i < n; i++)
		if ((int32_t)strlen(v[i].name) == name.len && memcmp(v[i].name, name.p, (size_t)name.len) == 0)
			return &v[i];
	return NULL;
}

static void take_sizes(struct kq_admin_topic *v, int n, int32_t node, const struct kq_describe_log_dirs_response *r)
{
	for (int32_t d = 0; d < r->results_n; d++)
		for (int32_t t = 0; t < r->results[d].topics_n; t++) {
			const struct kq_describe_log_dirs_response_describe_log_dirs_topic *from = &r->results[d].topics[t];
			struct kq_admin_topic *topic = find_topic(v, n, from->name);
			for (int32_t i = 0; topic && i < from->partitions_n; i++) {
				int32_t p = from->partitions[i].partition_index;
				if (p >= 0 && p < topic->partition_n && topic->partitions[p].leader == node &&
				    !from->partitions[i].is_future_key)
					topic->partitions[p].size = from->partitions[i].partition_size;
			}
		}
}

/* Partitions of t that node leads, as the request has them. */
static int led_partitions(struct kq_admin *a, const struct kq_admin_topic *t, int32_t node, int32_t **v)
{
	int n = 0;
	*v = kq_admin_array(a, (size_t)t->partition_n, sizeof **v);
	for (int i = 0; i < t->partition_n; i++)
		if (t->partitions[i].leader == node)
			(*v)[n++] = i;
	return n;
}

int kq_admin_sizes(struct kq_admin *a, struct kq_admin_topic *v, int n, struct kq_error *e)
{
	for (int32_t b = 0; b < a->client.meta.broker_n; b++) {
		int32_t node = a->client.meta.brokers[b].id;
		struct kq_describe_log_dirs_request rq = { 0 };
		struct kq_describe_log_dirs_response r;
		rq.topics = kq_admin_array(a, (size_t)n, sizeof *rq.topics);
		for (int i = 0; i < n; i++) {
			int32_t *led, count = led_partitions(a, &v[i], node, &led);
			if (count > 0)
				rq.topics[rq.topics_n++] = (struct kq_describe_log_dirs_request_describable_log_dir_topic){
					.topic = kq_admin_str(v[i].name), .partitions = led, .partitions_n = count };
		}
		if (rq.topics_n == 0)
			continue;
		int rc = kq_admin_call(a, node, KQ_API_DESCRIBE_LOG_DIRS, 0, &rq, &r, e);
		if (rc != 0)
			return rc;
		take_sizes(v, n, node, &r);
	}
	return 0;
}
