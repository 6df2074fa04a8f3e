/* The cache of Metadata responses. Topics are replaced field by field, so that
 * their pointers stay good for the life of the cache. */
#include "client/metadata.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"

enum {
	ERROR_UNKNOWN_TOPIC = 3,
	ERROR_LEADER_NOT_AVAILABLE = 5,
};

static void partitions_free(struct kq_meta_topic *t)
{
	for (int32_t i = 0; i < t->partition_n; i++) {
		free(t->partitions[i].replicas);
		free(t->partitions[i].isr);
		free(t->partitions[i].offline);
	}
	free(t->partitions);
	t->partitions = NULL;
	t->partition_n = 0;
}

static void topic_free(struct kq_meta_topic *t)
{
	partitions_free(t);
	free(t->name);
	free(t);
}

static void brokers_free(struct kq_metadata *m)
{
	for (int32_t i = 0; i < m->broker_n; i++) {
		free(m->brokers[i].host);
		free(m->brokers[i].rack);
	}
	free(m->brokers);
	m->brokers = NULL;
	m->broker_n = 0;
}

void kq_metadata_init(struct kq_metadata *m)
{
	*m = (struct kq_metadata){ .controller = -1 };
	kq_map_init(&m->topics);
	kq_map_init(&m->by_id);
}

void kq_metadata_deinit(struct kq_metadata *m)
{
	size_t i = 0;
	struct kq_meta_topic *t;
	while ((t = kq_map_next(&m->topics, &i, NULL, NULL)))
		topic_free(t);
	kq_map_deinit(&m->topics);
	kq_map_deinit(&m->by_id);
	brokers_free(m);
	free(m->cluster_id);
}

static char *copy_str(struct kq_str s)
{
	return s.len < 0 ? NULL : kq_strndup(s.p ? s.p : "", (size_t)s.len);
}

static int32_t *copy_ints(const int32_t *v, int32_t n, int32_t *count)
{
	*count = n > 0 ? n : 0;
	int32_t *to = kq_malloc((size_t)(*count + 1) * sizeof(*to));
	if (n > 0)
		memcpy(to, v, (size_t)n * sizeof(*to));
	return to;
}

static void take_brokers(struct kq_metadata *m, const struct kq_metadata_response *r)
{
	brokers_free(m);
	m->brokers = kq_calloc((size_t)(r->brokers_n > 0 ? r->brokers_n : 1), sizeof(*m->brokers));
	for (int32_t i = 0; i < r->brokers_n; i++) {
		struct kq_meta_broker *b = &m->brokers[m->broker_n++];
		b->id = r->brokers[i].node_id;
		b->host = copy_str(r->brokers[i].host);
		b->rack = copy_str(r->brokers[i].rack);
		b->port = r->brokers[i].port;
		if (!b->host)
			b->host = kq_strdup("");
	}
}

/* An answer may leave partitions out or name them in any order. */
static void take_partitions(struct kq_meta_topic *t, const struct kq_metadata_response_metadata_response_topic *from)
{
	int32_t n = 0;
	for (int32_t i = 0; i < from->partitions_n; i++)
		if (from->partitions[i].partition_index >= n && from->partitions[i].partition_index < 1 << 24)
			n = from->partitions[i].partition_index + 1;
	if (n > from->partitions_n)
		n = from->partitions_n; /* holes: trust the count, not the numbers */
	partitions_free(t);
	t->partitions = kq_calloc((size_t)(n > 0 ? n : 1), sizeof(*t->partitions));
	t->partition_n = n;
	for (int32_t i = 0; i < n; i++)
		t->partitions[i] = (struct kq_meta_partition){ .error = ERROR_LEADER_NOT_AVAILABLE,
							       .leader = -1, .leader_epoch = -1 };
	for (int32_t i = 0; i < from->partitions_n; i++) {
		int32_t at = from->partitions[i].partition_index;
		if (at < 0 || at >= n || t->partitions[at].replicas)
			continue;
		struct kq_meta_partition *p = &t->partitions[at];
		p->error = from->partitions[i].error_code;
		p->leader = from->partitions[i].leader_id;
		p->leader_epoch = from->partitions[i].leader_epoch;
		p->replicas = copy_ints(from->partitions[i].replica_nodes,
					from->partitions[i].replica_nodes_n, &p->replica_n);
		p->isr = copy_ints(from->partitions[i].isr_nodes, from->partitions[i].isr_nodes_n, &p->isr_n);
		p->offline = copy_ints(from->partitions[i].offline_replicas,
				       from->partitions[i].offline_replicas_n, &p->offline_n);
	}
}

static bool id_is_zero(const struct kq_uuid *id)
{
	static const struct kq_uuid zero;
	return !memcmp(id, &zero, sizeof(zero));
}

static void set_id(struct kq_metadata *m, struct kq_meta_topic *t, const struct kq_uuid *id)
{
	if (!memcmp(&t->id, id, sizeof(*id)))
		return;
	if (!id_is_zero(&t->id))
		kq_map_del(&m->by_id, t->id.b, sizeof(t->id.b));
	t->id = *id;
	if (!id_is_zero(id))
		kq_map_put(&m->by_id, id->b, sizeof(id->b), t);
}

static void take_topic(struct kq_metadata *m, const struct kq_metadata_response_metadata_response_topic *from)
{
	struct kq_str name = from->name;
	if (name.len <= 0)
		return;
	struct kq_meta_topic *t = kq_map_get_str(&m->topics, name);
	if (!t) {
		t = kq_calloc(1, sizeof(*t));
		t->name = kq_strndup(name.p, (size_t)name.len);
		kq_map_put_str(&m->topics, name, t);
	}
	t->error = from->error_code;
	t->internal = from->is_internal;
	t->seen = true;
	if (from->error_code == 0 || from->partitions_n > 0) {
		set_id(m, t, &from->topic_id);
		take_partitions(t, from);
	} else if (from->error_code == ERROR_UNKNOWN_TOPIC) {
		partitions_free(t);
	}
}

void kq_metadata_update(struct kq_metadata *m, const struct kq_metadata_response *r, bool all)
{
	size_t i = 0;
	struct kq_meta_topic *t;
	while (all && (t = kq_map_next(&m->topics, &i, NULL, NULL)))
		t->seen = false;
	take_brokers(m, r);
	m->controller = r->controller_id;
	if (r->cluster_id.len >= 0) {
		free(m->cluster_id);
		m->cluster_id = copy_str(r->cluster_id);
	}
	for (int32_t k = 0; k < r->topics_n; k++)
		take_topic(m, &r->topics[k]);
	i = 0;
	while (all && (t = kq_map_next(&m->topics, &i, NULL, NULL)))
		if (!t->seen)
			t->error = ERROR_UNKNOWN_TOPIC;
	m->updated_ms = kq_clock_mono_ms();
}

struct kq_meta_topic *kq_metadata_topic(const struct kq_metadata *m, struct kq_str name)
{
	return kq_map_get_str(&m->topics, name);
}

struct kq_meta_topic *kq_metadata_topic_by_id(const struct kq_metadata *m, const struct kq_uuid *id)
{
	return kq_map_get(&m->by_id, id->b, sizeof(id->b));
}

const struct kq_meta_broker *kq_metadata_broker(const struct kq_metadata *m, int32_t id)
{
	for (int32_t i = 0; i < m->broker_n; i++)
		if (m->brokers[i].id == id)
			return &m->brokers[i];
	return NULL;
}

static int by_name(const void *a, const void *b)
{
	const struct kq_meta_topic *const *x = a, *const *y = b;
	return strcmp((*x)->name, (*y)->name);
}

struct kq_meta_topic **kq_metadata_sorted(const struct kq_metadata *m, size_t *n)
{
	struct kq_meta_topic **v = kq_malloc((kq_map_count(&m->topics) + 1) * sizeof(struct kq_meta_topic *)), *t;
	size_t i = 0;
	*n = 0;
	while ((t = kq_map_next(&m->topics, &i, NULL, NULL)))
		if (t->seen)
			v[(*n)++] = t;
	qsort(v, *n, sizeof(struct kq_meta_topic *), by_name);
	return v;
}
