/* What a client knows about the cluster: brokers, topics, leaders.
 *
 * Filled from Metadata responses by kq_client (client.h). A topic stays in memory
 * as long as the cache lives; its fields change with each update, so partition
 * pointers are good until the next update only. One thread. */
#ifndef KQ_CLIENT_METADATA_H
#define KQ_CLIENT_METADATA_H

#include "base/map.h"
#include "kq/types.h"
#include "wire/messages.h"

struct kq_meta_broker {
	int32_t id;
	char *host, *rack; /* rack NULL: none */
	int32_t port;
};

struct kq_meta_partition {
	int16_t error;         /* Kafka's code: 0, or 5 without a leader, .. */
	int32_t leader;        /* broker id, -1 none */
	int32_t leader_epoch;  /* -1 unknown */
	int32_t *replicas, *isr, *offline;
	int32_t replica_n, isr_n, offline_n;
};

struct kq_meta_topic {
	char *name;
	struct kq_uuid id;     /* zero: the broker gave none */
	int16_t error;         /* Kafka's code: 3 unknown, 17 illegal name, 29 not allowed .. */
	bool internal;
	bool seen;             /* in the last update that asked for all or for it */
	int32_t partition_n;
	struct kq_meta_partition *partitions; /* index = partition */
};

struct kq_metadata {
	struct kq_meta_broker *brokers;
	int32_t broker_n;
	int32_t controller;    /* broker id, -1 unknown */
	char *cluster_id;      /* NULL unknown */
	struct kq_map topics;  /* name to struct kq_meta_topic */
	struct kq_map by_id;   /* id to struct kq_meta_topic */
	int64_t updated_ms;    /* monotonic; 0 never */
};

void kq_metadata_init(struct kq_metadata *m);
void kq_metadata_deinit(struct kq_metadata *m);

/* Takes a response in. all: it was asked for all topics, so that the others are no
 * longer there (seen false, error 3). */
void kq_metadata_update(struct kq_metadata *m, const struct kq_metadata_response *r, bool all);

/* NULL if not known (never asked for, or no such broker). */
struct kq_meta_topic *kq_metadata_topic(const struct kq_metadata *m, struct kq_str name);
struct kq_meta_topic *kq_metadata_topic_by_id(const struct kq_metadata *m, const struct kq_uuid *id);
const struct kq_meta_broker *kq_metadata_broker(const struct kq_metadata *m, int32_t id);

/* All topics in order of name; *n of them; free() the array, the topics are borrowed. */
struct kq_meta_topic **kq_metadata_sorted(const struct kq_metadata *m, size_t *n);

#endif
