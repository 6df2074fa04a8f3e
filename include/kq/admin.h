/* Managing a cluster: topics, partitions, configurations, offsets.
 *
 * Every call blocks until it is answered or the client's default.api.timeout.ms is
 * over; one thread at a time. A call fails as a whole (negative KQ_E* with words)
 * when no answer came; what the cluster refuses stands in the items' own status, and
 * the other items are still done. Strings and arrays that are handed out live until
 * kq_admin_free. */
#ifndef KQ_ADMIN_H
#define KQ_ADMIN_H

#include "kq/client.h"
#include "kq/types.h"

struct kq_admin;

/* Connects to nothing yet; cfg may be freed after. KQ_EINVAL, KQ_EUNSUPPORTED. */
int kq_admin_new(struct kq_admin **out, const struct kq_client_config *cfg, struct kq_error *e);
void kq_admin_free(struct kq_admin *a);

/* What the cluster said about one item. */
struct kq_admin_status {
	int code;         /* Kafka's error code, 0 none */
	const char *text; /* words for it, the broker's own where it sent some; never NULL */
};

struct kq_admin_broker {
	int32_t id, port;
	const char *host, *rack; /* rack NULL: none */
	bool controller;
};

struct kq_admin_cluster {
	const char *id; /* "" unknown */
	int32_t controller;
	struct kq_admin_broker *brokers; /* by id */
	int broker_n;
};

int kq_admin_describe_cluster(struct kq_admin *a, struct kq_admin_cluster *out, struct kq_error *e);

/* ---- topics -------------------------------------------------------------- */

struct kq_admin_partition {
	int32_t partition, leader, leader_epoch; /* leader -1: none; epoch -1 unknown */
	const int32_t *replicas, *isr, *offline;
	int replica_n, isr_n, offline_n;
	int64_t size;                            /* bytes; -1 until kq_admin_sizes */
};

struct kq_admin_topic {
	const char *name;
	struct kq_uuid id;   /* zero: none */
	bool internal;
	struct kq_admin_status status;
	struct kq_admin_partition *partitions; /* by number */
	int partition_n;
};

/* The topics of these names, in their order (with a status where one is not there), or
 * with names NULL all there are, by name. */
int kq_admin_topics(struct kq_admin *a, const char *const *names, int n,
		    struct kq_admin_topic **v, int *vn, struct kq_error *e);

/* Fills in the size of each partition, from its leader's log directories; -1 where
 * that is not known. */
int kq_admin_sizes(struct kq_admin *a, struct kq_admin_topic *v, int n, struct kq_error *e);

struct kq_admin_pair {
	const char *key, *value;
};

struct kq_admin_new_topic {
	const char *name;
	int32_t partitions;  /* -1: the broker's default */
	int16_t replicas;    /* -1: likewise */
	/* If given (assigned_n partitions): the brokers of each; the two above are -1. */
	const int32_t *const *assigned;
	const int *assigned_brokers; /* how many brokers each has */
	int assigned_n;
	const struct kq_admin_pair *configs;
	int config_n;
	struct kq_admin_status status; /* filled in */
};
/* dry: the cluster checks and makes nothing. */
int kq_admin_create_topics(struct kq_admin *a, struct kq_admin_new_topic *v, int n, bool dry, struct kq_error *e);

/* status: n of them, the caller's. */
int kq_admin_delete_topics(struct kq_admin *a, const char *const *names, int n,
			   struct kq_admin_status *status, struct kq_error *e);

/* Makes the topic have count partitions in all. */
int kq_admin_grow_topic(struct kq_admin *a, const char *name, int32_t count, bool dry,
			struct kq_admin_status *status, struct kq_error *e);

/* ---- offsets -------------------------------------------------------------- */

enum { KQ_AT_LATEST = -1, KQ_AT_EARLIEST = -2, KQ_AT_MAX_TIMESTAMP = -3 };

struct kq_admin_offset {
	const char *topic;
	int32_t partition;
	int64_t at;          /* KQ_AT_*, or ms: the first record of that time or later */
	int64_t offset;      /* filled in: -1 there is none */
	int64_t timestamp;   /* filled in: of that record, -1 none */
	struct kq_admin_status status;
};
/* Items of the same topic stand together. Waits for leaders within the time-out. */
int kq_admin_offsets(struct kq_admin *a, struct kq_admin_offset *v, int n, struct kq_error *e);

struct kq_admin_trim {
	const char *topic;
	int32_t partition;
	int64_t before;      /* offset; -1: the high watermark */
	int64_t start;       /* filled in: the first offset now */
	struct kq_admin_status status;
};
int kq_admin_trim(struct kq_admin *a, struct kq_admin_trim *v, int n, struct kq_error *e);

/* ---- configurations ---------------------------------------------------------- */

enum kq_admin_resource { KQ_ADMIN_TOPIC = 2, KQ_ADMIN_BROKER = 4 };

struct kq_admin_config {
	const char *key, *value; /* value NULL: none, or kept secret */
	const char *source;      /* "topic", "broker", "cluster", "static", "default", .. */
	const char *type;        /* "int", "list", ..; "" unknown */
	bool is_default, read_only, sensitive;
};

/* By key. name: the topic, or a broker's id as text. */
int kq_admin_configs(struct kq_admin *a, enum kq_admin_resource what, const char *name,
		     struct kq_admin_config **v, int *n, struct kq_admin_status *status, struct kq_error *e);

struct kq_admin_change {
	const char *key, *value; /* value NULL: back to the default */
};
int kq_admin_change_configs(struct kq_admin *a, enum kq_admin_resource what, const char *name,
			    const struct kq_admin_change *v, int n, bool dry,
			    struct kq_admin_status *status, struct kq_error *e);

/* Kafka's name of an error code: "UNKNOWN_TOPIC_OR_PARTITION". */
const char *kq_admin_error_name(int code);

#endif
