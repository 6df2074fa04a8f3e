/* DescribeTopicPartitions: metadata of many partitions in pages. */
#include <stdlib.h>
#include <string.h>

#include "broker/config.h"
#include "broker/partition.h"
#include "broker/request.h"
#include "broker/topic_name.h"
#include "broker/topics.h"

typedef struct kq_describe_topic_partitions_response_describe_topic_partitions_response_topic
	topic_out;
typedef struct kq_describe_topic_partitions_response_describe_topic_partitions_response_partition
	partition_out;

enum { TOPIC_OPERATIONS = 0xdf8 }; /* as in metadata.c */

static struct kq_str str_of(const char *s)
{
	return (struct kq_str){ s, (int32_t)strlen(s) };
}

static int compare(struct kq_str a, struct kq_str b)
{
	int32_t n = a.len < b.len ? a.len : b.len;
	int c = n > 0 ? memcmp(a.p, b.p, (size_t)n) : 0;
	return c ? c : (a.len > b.len) - (a.len < b.len);
}

static int compare_names(const void *a, const void *b)
{
	return compare(*(const struct kq_str *)a, *(const struct kq_str *)b);
}

/* The names to describe, in order: those asked for, or all. -1: out of memory. */
static int wanted_names(struct kq_request *req, struct kq_str **out)
{
	const struct kq_describe_topic_partitions_request *body = req->body;
	struct kq_topic_info *all = NULL;
	int n = body->topics_n;
	if (n <= 0)
		n = kq_topics_list(req->broker->topics, &req->arena, &all);
	struct kq_str *v = n < 0 ? NULL : kq_arena_array(&req->arena, (size_t)n, sizeof *v);
	if (!v)
		return -1;
	for (int i = 0; i < n; i++)
		v[i] = all ? str_of(all[i].name) : body->topics[i].name;
	qsort(v, (size_t)n, sizeof *v, compare_names);
	int kept = 0;
	for (int i = 0; i < n; i++)
		if (!kept || compare(v[i], v[kept - 1]))
			v[kept++] = v[i];
	*out = v;
	return kept;
}

static void fill_partition(struct kq_request *req, struct kq_str name, int32_t i, int32_t *self,
			   partition_out *out)
{
	struct kq_partition *p = kq_topics_find(req->broker->topics, name, i, NULL);
	*out = (partition_out){
		.error_code = p ? KQ_KAFKA_NONE : KQ_KAFKA_LEADER_NOT_AVAILABLE,
		.partition_index = i,
		.leader_id = p ? *self : -1,
		.leader_epoch = p ? kq_partition_leader_epoch(p) : -1,
		.replica_nodes = self,
		.replica_nodes_n = 1,
		.isr_nodes = self,
		.isr_nodes_n = p != NULL,
		.eligible_leader_replicas = self,
		.last_known_elr = self,
		.offline_replicas = self,
		.offline_replicas_n = p == NULL,
	};
	if (p)
		kq_partition_unref(p);
}

/* Describes partitions [from, from + room) of a topic; *taken says how many. False if
 * the arena is full. */
static bool fill_topic(struct kq_request *req, struct kq_str name, int32_t from, int32_t room,
		       topic_out *out, int32_t *taken, int32_t *left)
{
	struct kq_topic_info info;
	kq_wire_init(&kq_describe_topic_partitions_response_describe_topic_partitions_response_topic_schema,
		     out);
	out->name = name;
	*taken = *left = 0;
	if (!kq_topics_get(req->broker->topics, name, &req->arena, &info)) {
		out->error_code = kq_topic_name_check(name, NULL)
					  ? KQ_KAFKA_INVALID_TOPIC_EXCEPTION
					  : KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
		return true;
	}
	int32_t n = info.partitions > from ? info.partitions - from : 0;
	*taken = n < room ? n : room;
	*left = n - *taken;
	out->topic_id = info.id;
	out->is_internal = info.internal;
	out->topic_authorized_operations = TOPIC_OPERATIONS;
	int32_t *self = kq_arena_alloc(&req->arena, sizeof *self);
	out->partitions = kq_arena_array(&req->arena, (size_t)*taken, sizeof *out->partitions);
	out->partitions_n = *taken;
	if (!self || !out->partitions)
		return false;
	*self = req->broker->id;
	for (int32_t i = 0; i < *taken; i++)
		fill_partition(req, name, from + i, self, &out->partitions[i]);
	return true;
}

/* How many partitions an answer may hold. */
static int32_t page_size(const struct kq_request *req)
{
	const struct kq_describe_topic_partitions_request *body = req->body;
	int32_t most = (int32_t)kq_broker_config_int(req->broker->config,
						     "max.request.partition.size.limit");
	int32_t n = body->response_partition_limit;
	return n < 1 ? 1 : n < most ? n : most;
}

void kq_handle_describe_topic_partitions(struct kq_request *req)
{
	const struct kq_describe_topic_partitions_request *body = req->body;
	struct kq_describe_topic_partitions_response r;
	struct kq_describe_topic_partitions_response_cursor next;
	struct kq_str *names;
	int32_t room = page_size(req), taken, left = 0;
	int n = wanted_names(req, &names);
	kq_wire_init(&kq_describe_topic_partitions_response_schema, &r);
	r.topics_n = 0;
	r.topics = n < 0 ? NULL : kq_arena_array(&req->arena, (size_t)n, sizeof *r.topics);
	bool ok = r.topics != NULL;
	for (int i = 0; ok && i < n && !r.next_cursor; i++) {
		int c = body->cursor ? compare(names[i], body->cursor->topic_name) : 1;
		int32_t from = c == 0 && body->cursor->partition_index > 0
				       ? body->cursor->partition_index : 0;
		if (c < 0)
			continue;
		if (room == 0) {
			next = (struct kq_describe_topic_partitions_response_cursor){ names[i], 0 };
			r.next_cursor = &next;
			break;
		}
		ok = fill_topic(req, names[i], from, room, &r.topics[r.topics_n], &taken, &left);
		r.topics_n++;
		room -= taken;
		if (left > 0) {
			next = (struct kq_describe_topic_partitions_response_cursor){ names[i],
										      from + taken };
			r.next_cursor = &next;
		}
	}
	if (ok)
		kq_request_answer(req, &r);
	else
		kq_request_close(req);
}
