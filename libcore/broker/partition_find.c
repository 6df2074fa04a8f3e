#include "broker/partition_find.h"

#include <string.h>

#include "base/arena.h"
#include "broker/topics.h"
#include "log/log_manager.h"
#include "wire/errors.h"

static int16_t why_missing(struct kq_broker *b, const char *topic, int32_t index)
{
	return topic && kq_log_manager_is_offline(b->logs, topic, index)
		       ? KQ_KAFKA_KAFKA_STORAGE_ERROR
		       : KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
}

struct kq_partition *kq_partition_find(struct kq_broker *b, struct kq_str topic, int32_t index,
				       int16_t *error)
{
	bool known = false;
	struct kq_partition *p =
		topic.len < 0 ? NULL : kq_topics_find(b->topics, topic, index, &known);
	*error = p ? 0 : KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION;
	if (!p && known) {
		char name[256]; /* a known topic's name is shorter */
		size_t n = (size_t)topic.len < sizeof name ? (size_t)topic.len : sizeof name - 1;
		memcpy(name, topic.p, n);
		name[n] = '\0';
		*error = why_missing(b, name, index);
	}
	return p;
}

struct kq_partition *kq_partition_find_by_id(struct kq_broker *b, const struct kq_uuid *id,
					     int32_t index, int16_t *error)
{
	bool known = false;
	struct kq_partition *p = kq_topics_find_by_id(b->topics, id, index, &known);
	*error = p ? 0 : known ? KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION : KQ_KAFKA_UNKNOWN_TOPIC_ID;
	if (!p && known) {
		struct kq_arena a;
		struct kq_topic_info info;
		kq_arena_init(&a, 4096);
		if (kq_topics_get_by_id(b->topics, id, &a, &info))
			*error = why_missing(b, info.name, index);
		kq_arena_deinit(&a);
	}
	return p;
}

int16_t kq_partition_check_epoch(const struct kq_partition *p, int32_t current_leader_epoch)
{
	int32_t epoch = kq_partition_leader_epoch(p);
	if (current_leader_epoch < 0 || current_leader_epoch == epoch)
		return 0;
	return current_leader_epoch < epoch ? KQ_KAFKA_FENCED_LEADER_EPOCH
					    : KQ_KAFKA_UNKNOWN_LEADER_EPOCH;
}

bool kq_partition_is_internal(const struct kq_partition *p)
{
	const char *topic = kq_partition_topic(p);
	return !strcmp(topic, "__consumer_offsets") || !strcmp(topic, "__transaction_state");
}
