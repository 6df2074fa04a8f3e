/* Changes of topics, carried out: durable in the metadata store first, then on disk,
 * then in the registry. Validation is the caller's (topic_admin.c, metadata.c).
 *
 * All of these run on the admin queue's thread, or before the server starts. */
#ifndef KQ_BROKER_TOPIC_OPS_H
#define KQ_BROKER_TOPIC_OPS_H

#include "broker/broker.h"
#include "cluster/store.h"

/* At start: brings together what the store knows and what lies in the directories.
 * Topics that only the directories know are taken over; unfinished deletions are
 * finished; missing partitions of known topics are made. What cannot be served is
 * logged and left out. Fails only if the store cannot be written. */
int kq_topic_ops_load(struct kq_broker *b, struct kq_error *e);

/* Makes a topic; *id is set. KQ_EEXIST, KQ_ENOSPC, KQ_EIO, KQ_ECLOSED; nothing is left
 * behind on failure. */
int kq_topic_ops_create(struct kq_broker *b, const char *name, int32_t partitions,
			const struct kq_config_list *configs, struct kq_uuid *id,
			struct kq_error *e);

/* Grows a topic from old to count partitions. */
int kq_topic_ops_grow(struct kq_broker *b, const char *name, int32_t old, int32_t count,
		      struct kq_error *e);

/* KQ_ENOTFOUND. */
int kq_topic_ops_delete(struct kq_broker *b, const char *name, struct kq_error *e);

/* Tells a topic's logs its effective configuration anew; or all topics'. */
void kq_topic_ops_configure(struct kq_broker *b, const char *name);
void kq_topic_ops_configure_all(struct kq_broker *b);

#endif
