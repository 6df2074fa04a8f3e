/* The broker as its handlers see it. One per process in practice, but nothing here
 * is global. Made and torn down by server.c in the order of the members. */
#ifndef KQ_BROKER_BROKER_H
#define KQ_BROKER_BROKER_H

#include "kq/error.h"
#include "kq/types.h"

struct kq_broker_config;  /* broker/config.h: effective static and dynamic values */
struct kq_log_manager;    /* log/log_manager.h */
struct kq_meta_store;     /* cluster/store.h: topics, configs, producer id blocks, durable */
struct kq_topics;         /* broker/topics.h: what is served, name and id to partition */
struct kq_fetch_sessions; /* broker/fetch_session.h */
struct kq_timers;         /* net/timers.h */
struct kq_server;         /* net/server.h */
struct kq_admin_queue;    /* broker/admin_queue.h: where changes of metadata run */
struct kq_broker_metrics; /* broker/metrics.h */
struct kq_purgatory;      /* broker/purgatory.h */

struct kq_broker {
	struct kq_broker_config *config;
	struct kq_meta_store *store;
	struct kq_log_manager *logs;
	struct kq_topics *topics;
	struct kq_timers *timers;
	struct kq_purgatory *purgatory; /* kq_purgatory_new(timers) */
	struct kq_fetch_sessions *sessions;
	struct kq_broker_metrics *metrics;
	struct kq_admin_queue *admin;
	struct kq_server *server;
	int64_t producer_id_next;   /* of the block taken; on the admin queue only */
	int producer_ids_left;
	int32_t id;             /* broker.id */
	char cluster_id[64];
	const char *const *advertised_host; /* by listener index */
	const int *advertised_port;
	int listener_count;
};

#endif
