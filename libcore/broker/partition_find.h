/* What handlers do first with each partition that a request names. */
#ifndef KQ_BROKER_PARTITION_FIND_H
#define KQ_BROKER_PARTITION_FIND_H

#include "broker/broker.h"
#include "broker/partition.h"

/* The partition with a reference, or NULL and the code to answer: 3 unknown, 56 its
 * log is offline. */
struct kq_partition *kq_partition_find(struct kq_broker *b, struct kq_str topic, int32_t index,
				       int16_t *error);
/* The same by topic id; 100 for an unknown one. */
struct kq_partition *kq_partition_find_by_id(struct kq_broker *b, const struct kq_uuid *id,
					     int32_t index, int16_t *error);

/* A leader epoch that a client believes in: 0, 74 (too old), 75 (too new); -1 means
 * that it believes nothing. */
int16_t kq_partition_check_epoch(const struct kq_partition *p, int32_t current_leader_epoch);

/* Topics that brokers alone write to. */
bool kq_partition_is_internal(const struct kq_partition *p);

#endif
