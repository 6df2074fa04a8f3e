#include "broker/topics.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/map.h"

/* Topics by name and by id; both tables hold the same pointers. A partition may be
 * missing (NULL) where its log could not be opened. */
struct topic {
	char *name;
	struct kq_uuid id;
	bool internal;
	int32_t count;
	struct kq_partition **partitions;
};

struct kq_topics {
	pthread_rwlock_t lock;
	struct kq_map by_name, by_id;
	int64_t partition_count;
};

struct kq_topics *kq_topics_new(void)
{
	struct kq_topics *t = kq_calloc(1, sizeof *t);
	pthread_rwlock_init(&t->lock, NULL);
	kq_map_init(&t->by_name);
	kq_map_init(&t->by_id);
	return t;
}

/* Retires the partitions and frees the topic; it is in no table any more. */
static void topic_drop(struct topic *t)
{
	for (int32_t i = 0; i < t->count; i++) {
		if (!t->partitions[i])
			continue;
		kq_partition_retire(t->partitions[i]);
		kq_partition_unref(t->partitions[i]);
	}
	free(t->partitions);
	free(t->name);
	free(t);
}

void kq_topics_free(struct kq_topics *t)
{
	struct topic *topic;
	size_t i = 0;
	if (!t)
		return;
	while ((topic = kq_map_next(&t->by_name, &i, NULL, NULL)))
		topic_drop(topic);
	kq_map_deinit(&t->by_name);
	kq_map_deinit(&t->by_id);
	pthread_rwlock_destroy(&t->lock);
	free(t);
}

/* The partition of a topic that may be NULL, with a reference. */
static struct kq_partition *partition_of(const struct topic *t, int32_t partition, bool *known)
{
	struct kq_partition *p = NULL;
	if (known)
		*known = t != NULL;
	if (t && partition >= 0 && partition < t->count)
		p = t->partitions[partition];
	if (p)
		kq_partition_ref(p);
	return p;
}

static struct topic *lookup(const struct kq_topics *t, struct kq_str name)
{
	return name.len > 0 ? kq_map_get(&t->by_name, name.p, (size_t)name.len) : NULL;
}

struct kq_partition *kq_topics_find(struct kq_topics *t, struct kq_str name, int32_t partition,
				    bool *topic_known)
{
	pthread_rwlock_rdlock(&t->lock);
	struct kq_partition *p = partition_of(lookup(t, name), partition, topic_known);
	pthread_rwlock_unlock(&t->lock);
	return p;
}

struct kq_partition *kq_topics_find_by_id(struct kq_topics *t, const struct kq_uuid *id,
					  int32_t partition, bool *topic_known)
{
	pthread_rwlock_rdlock(&t->lock);
	struct topic *topic = kq_map_get(&t->by_id, id->b, sizeof id->b);
	struct kq_partition *p = partition_of(topic, partition, topic_known);
	pthread_rwlock_unlock(&t->lock);
	return p;
}

/* A copy of a topic's facts; false if there is none or the arena is full. */
static bool describe(const struct topic *t, struct kq_arena *a, struct kq_topic_info *out)
{
	if (!t)
		return false;
	*out = (struct kq_topic_info){
		.name = kq_arena_strdup(a, (struct kq_str){ t->name, (int32_t)strlen(t->name) }),
		.id = t->id,
		.partitions = t->count,
		.internal = t->internal,
	};
	return out->name != NULL;
}

bool kq_topics_get(struct kq_topics *t, struct kq_str name, struct kq_arena *a,
		   struct kq_topic_info *out)
{
	pthread_rwlock_rdlock(&t->lock);
	bool ok = describe(lookup(t, name), a, out);
	pthread_rwlock_unlock(&t->lock);
	return ok;
}

bool kq_topics_get_by_id(struct kq_topics *t, const struct kq_uuid *id, struct kq_arena *a,
			 struct kq_topic_info *out)
{
	pthread_rwlock_rdlock(&t->lock);
	bool ok = describe(kq_map_get(&t->by_id, id->b, sizeof id->b), a, out);
	pthread_rwlock_unlock(&t->lock);
	return ok;
}

static int compare_infos(const void *a, const void *b)
{
	return strcmp(((const struct kq_topic_info *)a)->name,
		      ((const struct kq_topic_info *)b)->name);
}

int kq_topics_list(struct kq_topics *t, struct kq_arena *a, struct kq_topic_info **out)
{
	int n = 0;
	size_t i = 0;
	struct topic *topic;
	pthread_rwlock_rdlock(&t->lock);
	struct kq_topic_info *v = kq_arena_array(a, kq_map_count(&t->by_name), sizeof *v);
	while (v && n >= 0 && (topic = kq_map_next(&t->by_name, &i, NULL, NULL)))
		n = describe(topic, a, &v[n]) ? n + 1 : -1;
	pthread_rwlock_unlock(&t->lock);
	if (!v || n < 0)
		return -1;
	qsort(v, (size_t)n, sizeof *v, compare_infos);
	*out = v;
	return n;
}

/* Makes room so that the topic has count partitions. */
static void topic_grow(struct topic *t, int32_t count)
{
	if (count <= t->count)
		return;
	t->partitions = kq_realloc(t->partitions, (size_t)count * sizeof *t->partitions);
	memset(&t->partitions[t->count], 0,
	       (size_t)(count - t->count) * sizeof *t->partitions);
	t->count = count;
}

static struct topic *topic_new(const char *name, const struct kq_uuid *id)
{
	struct topic *t = kq_calloc(1, sizeof *t);
	t->name = kq_strdup(name);
	t->id = *id;
	t->internal = !strcmp(name, "__consumer_offsets") || !strcmp(name, "__transaction_state");
	return t;
}

int kq_topics_add(struct kq_topics *t, const char *name, const struct kq_uuid *id,
		  struct kq_partition *const *partitions, int first_index, int count)
{
	size_t len = strlen(name);
	assert(first_index >= 0 && count > 0);
	pthread_rwlock_wrlock(&t->lock);
	struct topic *topic = kq_map_get(&t->by_name, name, len);
	if (!topic) {
		topic = topic_new(name, id);
		kq_map_put(&t->by_name, name, len, topic);
		kq_map_put(&t->by_id, id->b, sizeof id->b, topic);
	}
	topic_grow(topic, first_index + count);
	for (int i = 0; i < count; i++) {
		assert(!topic->partitions[first_index + i]);
		topic->partitions[first_index + i] = partitions[i];
		t->partition_count += partitions[i] != NULL;
	}
	pthread_rwlock_unlock(&t->lock);
	return 0;
}

int kq_topics_remove(struct kq_topics *t, const char *name)
{
	pthread_rwlock_wrlock(&t->lock);
	struct topic *topic = kq_map_del(&t->by_name, name, strlen(name));
	if (topic) {
		kq_map_del(&t->by_id, topic->id.b, sizeof topic->id.b);
		for (int32_t i = 0; i < topic->count; i++)
			t->partition_count -= topic->partitions[i] != NULL;
	}
	pthread_rwlock_unlock(&t->lock);
	if (!topic)
		return KQ_ENOTFOUND;
	topic_drop(topic);
	return 0;
}

int64_t kq_topics_partition_count(struct kq_topics *t)
{
	pthread_rwlock_rdlock(&t->lock);
	int64_t n = t->partition_count;
	pthread_rwlock_unlock(&t->lock);
	return n;
}
