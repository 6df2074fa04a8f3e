/* Configurations as DescribeConfigs and CreateTopics show them: value, source and the
 * synonyms behind it, in Kafka's order. Everything lies in the arena. */
#ifndef KQ_BROKER_CONFIG_DESCRIBE_H
#define KQ_BROKER_CONFIG_DESCRIBE_H

#include "broker/request.h"
#include "cluster/store.h"

typedef struct kq_describe_configs_response_describe_configs_resource_result kq_config_row;

/* Which keys are wanted: n -1 or 0 means all. */
struct kq_config_filter {
	const struct kq_str *keys;
	int32_t n;
};

/* All topic keys in effect under these overrides. The count of rows, or -1 if the
 * arena is full. */
int kq_config_describe_topic(const struct kq_broker_config *c, const struct kq_config_list *own,
			     const struct kq_config_filter *filter, bool synonyms,
			     struct kq_arena *a, kq_config_row **out);
/* All keys of this broker, or (for_all) those set for all brokers while running. */
int kq_config_describe_broker(const struct kq_broker_config *c, bool for_all,
			      const struct kq_config_filter *filter, bool synonyms,
			      struct kq_arena *a, kq_config_row **out);

#endif
