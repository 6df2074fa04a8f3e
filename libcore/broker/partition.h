/* A partition that this broker leads: its log, the requests that wait on it.
 *
 * Waiting Produce requests (for the disk or the ISR) and Fetch requests (for bytes)
 * are kept in lists here and completed by whichever thread moves the durable end or
 * the high watermark. Counted references: find gives one. */
#ifndef KQ_BROKER_PARTITION_H
#define KQ_BROKER_PARTITION_H

#include "log/log.h"

struct kq_partition;
struct kq_broker;

/* Wraps a log that the manager has open (takes over the reference). Installs itself
 * as the log's listener; high watermark = durable end from now on. */
struct kq_partition *kq_partition_new(struct kq_broker *b, struct kq_log *log);
void kq_partition_ref(struct kq_partition *p);
void kq_partition_unref(struct kq_partition *p);

/* Topic deleted or broker stopping: waiters are completed with the error that fits
 * (UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER). */
void kq_partition_retire(struct kq_partition *p);

struct kq_log *kq_partition_log(const struct kq_partition *p);
int32_t kq_partition_leader_epoch(const struct kq_partition *p);
/* Retired, or its log went offline: nothing will move here any more, and waiters were
 * told so (retired=true). */
bool kq_partition_is_dead(const struct kq_partition *p);
/* compression.type of the topic, when it was set last: enum kq_codec, -1 producer. */
int kq_partition_codec(const struct kq_partition *p);
/* cleanup.policy has delete: DeleteRecords may. */
bool kq_partition_deletes(const struct kq_partition *p);
/* What a client is told of a dead partition: 56, or 3 once it is retired. */
int16_t kq_partition_death(const struct kq_partition *p);
const char *kq_partition_topic(const struct kq_partition *p);
int32_t kq_partition_index(const struct kq_partition *p);

/* min.insync.replicas and the log config, when the topic's configuration changes. */
void kq_partition_set_config(struct kq_partition *p, const struct kq_log_config *c);

/* A place in the list of those who wait for the partition to move. fn is called
 * (any thread, no lock held by the caller's side) each time the durable end or high
 * watermark moved to at least `until`, or with retired=true. One shot: it is removed
 * before fn is called. */
struct kq_waiter {
	struct kq_waiter *prev, *next;
	struct kq_partition *partition; /* the caller keeps a reference until w is done */
	bool listed;                    /* under the partition's lock */
	int64_t until;                  /* wake when high watermark >= until */
	void (*fn)(struct kq_waiter *w, bool retired);
};
/* Adds w, unless the high watermark is there already or the partition is dead: then
 * returns false and does nothing. */
bool kq_partition_wait(struct kq_partition *p, struct kq_waiter *w);
/* Removes w if it is still listed; false if fn was or is being called. */
bool kq_partition_unwait(struct kq_waiter *w);

#endif
