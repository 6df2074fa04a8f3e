/* Offsets and trimming: requests to the leaders of the partitions. A round asks each
 * leader for its items; those that were asked of the wrong broker, or have no leader
 * yet, go into the next one after new metadata. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client/admin_internal.h"

enum { ROUNDS_MS = 10000 }; /* how long leaders are waited for */

/* What both kinds of item have. */
struct item {
	const char *topic;
	int32_t partition;
	struct kq_admin_status *status;
	int64_t number;   /* timestamp or offset asked for */
	int64_t *answer;  /* offset */
	int64_t *answer2; /* timestamp, or NULL */
	bool open;        /* still to be answered */
	int32_t node;     /* leader in this round; -1 none */
};

struct work {
	struct kq_admin *a;
	struct item *v;
	int n;
	const char **names; /* distinct topics */
	int name_n;
	int (*ask)(struct work *w, int32_t node, struct kq_error *e);
};

/* Worth another round. An unknown topic may be only new, but more likely it is
 * mistyped, and nobody should wait for that. */
static bool is_passing(int code)
{
	return kq_kafka_error_retriable(code) && code != KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

/* The leader of an item by the last metadata; without one its status says why. */
static void locate(struct work *w, struct item *x)
{
	const struct kq_meta_topic *t = kq_metadata_topic(&w->a->client.meta, kq_admin_str(x->topic));
	int code = !t ? KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : t->error;
	x->node = -1;
	if (code == 0 && (x->partition < 0 || x->partition >= t->partition_n))
		code = KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
	if (code == 0) {
		x->node = t->partitions[x->partition].leader;
		if (x->node < 0)
			code = KQ_KAFKA_LEADER_NOT_AVAILABLE;
	}
	kq_admin_set_status(w->a, x->status, code, KQ_STR_NULL);
	x->open = !code || is_passing(code);
}

static void settle(struct work *w, struct item *x, int code, int64_t answer, int64_t answer2)
{
	kq_admin_set_status(w->a, x->status, code, KQ_STR_NULL);
	*x->answer = code ? -1 : answer;
	if (x->answer2)
		*x->answer2 = code ? -1 : answer2;
	x->open = code && is_passing(code);
}

static struct item *find(struct work *w, struct kq_str topic, int32_t partition, int32_t node)
{
	for (int i = 0; i < w->n; i++)
		if (w->v[i].open && w->v[i].node == node && w->v[i].partition == partition &&
		    (int32_t)strlen(w->v[i].topic) == topic.len && memcmp(w->v[i].topic, topic.p, (size_t)topic.len) == 0)
			return &w->v[i];
	return NULL;
}

static bool has_item(const struct work *w, int32_t node)
{
	for (int i = 0; i < w->n; i++)
		if (w->v[i].open && w->v[i].node == node)
			return true;
	return false;
}

static bool any_open(const struct work *w)
{
	for (int i = 0; i < w->n; i++)
		if (w->v[i].open)
			return true;
	return false;
}

static int round_of_all(struct work *w, struct kq_error *e)
{
	const struct kq_metadata *m = &w->a->client.meta;
	int rc = 0;
	for (int i = 0; i < w->n; i++)
		if (w->v[i].open)
			locate(w, &w->v[i]);
	/* The list of brokers changes with the next metadata only. */
	for (int32_t b = 0; b < m->broker_n && rc == 0; b++)
		if (has_item(w, m->brokers[b].id))
			rc = w->ask(w, m->brokers[b].id, e);
	return rc;
}

static int carry_out(struct work *w, struct kq_error *e)
{
	int patience = w->a->timeout_ms < ROUNDS_MS ? w->a->timeout_ms : ROUNDS_MS;
	int64_t deadline = kq_clock_mono_ms() + patience;
	w->names = kq_admin_array(w->a, (size_t)w->n, sizeof *w->names);
	for (int i = 0; i < w->n; i++) {
		w->v[i].open = true;
		if (w->name_n == 0 || strcmp(w->names[w->name_n - 1], w->v[i].topic) != 0)
			w->names[w->name_n++] = w->v[i].topic;
	}
	int rc = kq_client_refresh(&w->a->client, w->names, w->name_n, false, w->a->timeout_ms, e);
	while (rc == 0) {
		rc = round_of_all(w, e);
		if (rc != 0 || !any_open(w) || !kq_admin_again(w->a, deadline, w->names, w->name_n))
			break;
	}
	free(w->v);
	return rc;
}

/* ---- ListOffsets ----------------------------------------------------------- */

/* Groups this node's items by topic; items of a topic stand together. */
static int ask_offsets(struct work *w, int32_t node, struct kq_error *e)
{
	struct kq_list_offsets_request rq;
	struct kq_list_offsets_response r;
	const char *last = NULL;
	int min = 1;
	kq_wire_init(kq_api_find(KQ_API_LIST_OFFSETS)->request, &rq);
	rq.replica_id = -1;
	rq.topics = kq_admin_array(w->a, (size_t)w->name_n, sizeof *rq.topics);
	struct kq_list_offsets_request_list_offsets_partition *p = kq_admin_array(w->a, (size_t)w->n, sizeof *p);
	for (int i = 0; i < w->n; i++) {
		struct item *x = &w->v[i];
		if (!x->open || x->node != node)
			continue;
		if (!last || strcmp(last, x->topic) != 0)
			rq.topics[rq.topics_n++] = (struct kq_list_offsets_request_list_offsets_topic){
				.name = kq_admin_str(x->topic), .partitions = p };
		last = x->topic;
		*p++ = (struct kq_list_offsets_request_list_offsets_partition){
			.partition_index = x->partition, .current_leader_epoch = -1, .timestamp = x->number,
			.max_num_offsets = 1 };
		rq.topics[rq.topics_n - 1].partitions_n++;
		if (x->number == KQ_AT_MAX_TIMESTAMP)
			min = 7;
	}
	int rc = kq_admin_call(w->a, node, KQ_API_LIST_OFFSETS, min, &rq, &r, e);
	for (int32_t t = 0; rc == 0 && t < r.topics_n; t++)
		for (int32_t i = 0; i < r.topics[t].partitions_n; i++) {
			const struct kq_list_offsets_response_list_offsets_partition_response *from = &r.topics[t].partitions[i];
			struct item *x = find(w, r.topics[t].name, from->partition_index, node);
			if (x)
				settle(w, x, from->error_code, from->offset, from->timestamp);
		}
	return rc;
}

int kq_admin_offsets(struct kq_admin *a, struct kq_admin_offset *v, int n, struct kq_error *e)
{
	struct work w = { .a = a, .n = n, .ask = ask_offsets, .v = kq_calloc((size_t)n + 1, sizeof *w.v) };
	for (int i = 0; i < n; i++) {
		v[i].offset = v[i].timestamp = -1;
		w.v[i] = (struct item){ .topic = v[i].topic, .partition = v[i].partition, .status = &v[i].status,
					.number = v[i].at, .answer = &v[i].offset, .answer2 = &v[i].timestamp };
	}
	return carry_out(&w, e);
}

/* ---- DeleteRecords --------------------------------------------------------- */

static int ask_trim(struct work *w, int32_t node, struct kq_error *e)
{
	struct kq_delete_records_request rq = { .timeout_ms = w->a->timeout_ms };
	struct kq_delete_records_response r;
	const char *last = NULL;
	rq.topics = kq_admin_array(w->a, (size_t)w->name_n, sizeof *rq.topics);
	struct kq_delete_records_request_delete_records_partition *p = kq_admin_array(w->a, (size_t)w->n, sizeof *p);
	for (int i = 0; i < w->n; i++) {
		struct item *x = &w->v[i];
		if (!x->open || x->node != node)
			continue;
		if (!last || strcmp(last, x->topic) != 0)
			rq.topics[rq.topics_n++] = (struct kq_delete_records_request_delete_records_topic){
				.name = kq_admin_str(x->topic), .partitions = p };
		last = x->topic;
		*p++ = (struct kq_delete_records_request_delete_records_partition){
			.partition_index = x->partition, .offset = x->number };
		rq.topics[rq.topics_n - 1].partitions_n++;
	}
	int rc = kq_admin_call(w->a, node, KQ_API_DELETE_RECORDS, 0, &rq, &r, e);
	for (int32_t t = 0; rc == 0 && t < r.topics_n; t++)
		for (int32_t i = 0; i < r.topics[t].partitions_n; i++) {
			const struct kq_delete_records_response_delete_records_partition_result *from = &r.topics[t].partitions[i];
			struct item *x = find(w, r.topics[t].name, from->partition_index, node);
			if (x)
				settle(w, x, from->error_code, from->low_watermark, -1);
		}
	return rc;
}

int kq_admin_trim(struct kq_admin *a, struct kq_admin_trim *v, int n, struct kq_error *e)
{
	struct work w = { .a = a, .n = n, .ask = ask_trim, .v = kq_calloc((size_t)n + 1, sizeof *w.v) };
	for (int i = 0; i < n; i++) {
		v[i].start = -1;
		w.v[i] = (struct item){ .topic = v[i].topic, .partition = v[i].partition, .status = &v[i].status,
					.number = v[i].before, .answer = &v[i].start };
	}
	return carry_out(&w, e);
}
