/* What this broker serves: topics by name and id, their partitions and effective
 * configuration. Readers take a shared lock for the length of a look-up only.
 * Changes are made durable in the meta store first (topic_admin.c), then here. */
#ifndef KQ_BROKER_TOPICS_H
#define KQ_BROKER_TOPICS_H

#include "broker/partition.h"
#include "kq/types.h"

struct kq_topics;

struct kq_topics *kq_topics_new(void);
void kq_topics_free(struct kq_topics *t); /* retires and unrefs all partitions */

/* Partition by name or id; with a reference. NULL if there is none; *topic_known
 * (if not NULL) tells an unknown topic from an unknown partition. */
struct kq_partition *kq_topics_find(struct kq_topics *t, struct kq_str name, int32_t partition,
				    bool *topic_known);
struct kq_partition *kq_topics_find_by_id(struct kq_topics *t, const struct kq_uuid *id,
					  int32_t partition, bool *topic_known);

/* A copy of what is known of a topic, for Metadata and describe calls. */
struct kq_topic_info {
	const char *name;     /* borrowed from the caller's arena */
	struct kq_uuid id;
	int32_t partitions;
	bool internal;
};
struct kq_arena;
bool kq_topics_get(struct kq_topics *t, struct kq_str name, struct kq_arena *a,
		   struct kq_topic_info *out);
bool kq_topics_get_by_id(struct kq_topics *t, const struct kq_uuid *id, struct kq_arena *a,
			 struct kq_topic_info *out);
/* All topics in order of name. Returns the count, -1 if the arena is full. */
int kq_topics_list(struct kq_topics *t, struct kq_arena *a, struct kq_topic_info **out);

/* Adds a topic with its partitions (references pass to the registry), or more
 * partitions to one that is there. */
int kq_topics_add(struct kq_topics *t, const char *name, const struct kq_uuid *id,
		  struct kq_partition *const *partitions, int first_index, int count);
/* Takes the topic out and retires its partitions. KQ_ENOTFOUND. */
int kq_topics_remove(struct kq_topics *t, const char *name);

int64_t kq_topics_partition_count(struct kq_topics *t);

#endif
