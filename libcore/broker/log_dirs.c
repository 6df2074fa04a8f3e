/* DescribeLogDirs: what lies where, and how much room there is. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "broker/partition.h"
#include "broker/request.h"
#include "broker/topics.h"
#include "log/log_manager.h"

typedef struct kq_describe_log_dirs_request_describable_log_dir_topic topic_asked;
typedef struct kq_describe_log_dirs_response_describe_log_dirs_result dir_out;
typedef struct kq_describe_log_dirs_response_describe_log_dirs_topic topic_out;
typedef struct kq_describe_log_dirs_response_describe_log_dirs_partition partition_out;

struct entry {
	const char *topic;
	int32_t partition;
	int dir;
	int64_t size;
};

struct gathering {
	struct kq_request *req;
	struct entry *v;
	int n, cap;
	bool failed;
};

static struct kq_str str_of(const char *s)
{
	return (struct kq_str){ s, (int32_t)strlen(s) };
}

static void gather(void *arg, struct kq_log *log)
{
	struct gathering *g = arg;
	if (g->failed)
		return;
	if (g->n == g->cap) {
		int cap = g->cap ? 2 * g->cap : 64;
		struct entry *v = kq_arena_array(&g->req->arena, (size_t)cap, sizeof *v);
		g->failed = !v;
		if (g->failed)
			return;
		if (g->n)
			memcpy(v, g->v, (size_t)g->n * sizeof *v);
		g->v = v;
		g->cap = cap;
	}
	char *topic = kq_arena_strdup(&g->req->arena, str_of(kq_log_topic(log)));
	g->failed = !topic;
	g->v[g->n++] = (struct entry){ topic, kq_log_partition(log), kq_log_dir_index(log),
				       kq_log_size(log) };
}

/* Those asked for that are here. */
static void gather_asked(struct gathering *g)
{
	const struct kq_describe_log_dirs_request *body = g->req->body;
	for (int32_t i = 0; i < body->topics_n; i++) {
		const topic_asked *t = &body->topics[i];
		for (int32_t k = 0; k < t->partitions_n; k++) {
			struct kq_partition *p = kq_topics_find(g->req->broker->topics, t->topic,
								t->partitions[k], NULL);
			if (!p)
				continue;
			gather(g, kq_partition_log(p));
			kq_partition_unref(p);
		}
	}
}

static int compare(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	if (x->dir != y->dir)
		return x->dir < y->dir ? -1 : 1;
	int c = strcmp(x->topic, y->topic);
	return c ? c : (x->partition > y->partition) - (x->partition < y->partition);
}

static void sort_unique(struct gathering *g)
{
	int kept = 0;
	qsort(g->v, (size_t)g->n, sizeof *g->v, compare);
	for (int i = 0; i < g->n; i++)
		if (!kept || compare(&g->v[i], &g->v[kept - 1]))
			g->v[kept++] = g->v[i];
	g->n = kept;
}

/* Lays the n entries of one directory out as topics with their partitions. */
static bool fill_dir(struct kq_request *req, const struct entry *v, int n, dir_out *out)
{
	out->topics = kq_arena_array(&req->arena, (size_t)n, sizeof(topic_out));
	partition_out *p = kq_arena_array(&req->arena, (size_t)n, sizeof *p);
	if (!out->topics || !p)
		return false;
	out->topics_n = 0;
	for (int i = 0; i < n; i++) {
		topic_out *t = &out->topics[out->topics_n ? out->topics_n - 1 : 0];
		if (i == 0 || strcmp(v[i].topic, v[i - 1].topic)) {
			t = &out->topics[out->topics_n++];
			t->name = str_of(v[i].topic);
			t->partitions = &p[i];
		}
		t->partitions_n++;
		p[i] = (partition_out){ v[i].partition, v[i].size, 0, false };
	}
	return true;
}

static bool describe_dir(struct kq_request *req, const struct gathering *g, int i, dir_out *out)
{
	struct kq_log_dir_info d;
	char path[PATH_MAX];
	int from = 0, to;
	kq_log_manager_dir(req->broker->logs, i, &d);
	kq_wire_init(&kq_describe_log_dirs_response_describe_log_dirs_result_schema, out);
	char *copy = kq_arena_strdup(&req->arena, str_of(realpath(d.path, path) ? path : d.path));
	if (!copy)
		return false;
	out->log_dir = str_of(copy);
	out->topics_n = 0;
	if (!d.online) {
		out->error_code = KQ_KAFKA_KAFKA_STORAGE_ERROR;
		return true;
	}
	out->total_bytes = d.total_bytes;
	out->usable_bytes = d.usable_bytes;
	while (from < g->n && g->v[from].dir < i)
		from++;
	for (to = from; to < g->n && g->v[to].dir == i;)
		to++;
	return fill_dir(req, g->v + from, to - from, out);
}

void kq_handle_describe_log_dirs(struct kq_request *req)
{
	struct kq_describe_log_dirs_response r;
	struct gathering g = { .req = req };
	int dirs = kq_log_manager_dir_count(req->broker->logs);
	kq_wire_init(&kq_describe_log_dirs_response_schema, &r);
	if (((const struct kq_describe_log_dirs_request *)req->body)->topics_n < 0)
		kq_log_manager_each(req->broker->logs, gather, &g);
	else
		gather_asked(&g);
	if (g.n && !g.failed)
		sort_unique(&g);
	r.results = kq_arena_array(&req->arena, (size_t)dirs, sizeof *r.results);
	bool ok = r.results && !g.failed;
	for (int i = 0; i < dirs && ok; i++)
		ok = describe_dir(req, &g, i, &r.results[i]);
	r.results_n = dirs;
	if (ok)
		kq_request_answer(req, &r);
	else
		kq_request_close(req);
}
