/* Which partition a record goes to. Pure functions; sticky and round-robin keep their
 * state in the caller. */
#ifndef KQ_CLIENT_PARTITIONER_H
#define KQ_CLIENT_PARTITIONER_H

#include "kq/producer.h"

/* The partition of n (> 0) that the key decides, or -1: the key does not. */
int32_t kq_partitioner_by_key(enum kq_partitioner how, struct kq_bytes key, int32_t n);

/* A number below n from a small generator whose state is *seed. */
uint32_t kq_partitioner_random(uint64_t *seed, uint32_t n);

#endif
