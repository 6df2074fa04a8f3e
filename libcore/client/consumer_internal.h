/* Inside the consumer: consumer.c (life, poll), consumer_assign.c (topics to
 * partitions and their positions), consumer_fetch.c (requests, answers, sessions),
 * fetched.c (walking what came). */
#ifndef KQ_CLIENT_CONSUMER_INTERNAL_H
#define KQ_CLIENT_CONSUMER_INTERNAL_H

#include <regex.h>

#include "client/client.h"
#include "kq/consumer.h"
#include "record/legacy.h"
#include "record/record.h"

enum {
	KQ_FETCH_PARTITION_BYTES = 4 << 20, /* default of what one partition gives at once */
	KQ_INFLATED_MAX = 512 << 20,        /* bytes of one batch's records */
	KQ_FETCHED_AHEAD = 2,               /* answers of a broker that wait to be read */
	KQ_REDISCOVER_MS = 10000,           /* how often expressions look for new topics */
	KQ_RETRY_MS = 100,
};

/* One partition that is read. */
struct kq_source {
	struct kq_source *next;
	char *topic;
	int32_t partition;
	int64_t position;    /* what to fetch next */
	int64_t end;         /* first offset not wanted; INT64_MAX none */
	int64_t high_watermark;
	int32_t leader, leader_epoch;
	int64_t not_before_ms; /* backs off until then */
	int64_t missing_since_ms; /* unknown to the cluster since; 0 known */
	bool finished, needs_reset; /* needs_reset: its position is out of range */
	/* the session's view: */
	int32_t in_session_of; /* broker id, -1 none */
	int64_t told_position;
	struct kq_uuid told_id;
};

/* The session with one broker. */
struct kq_fetcher {
	struct kq_fetcher *next;
	struct kq_consumer *c;
	int32_t node;
	bool flying;
	int32_t session_id, session_epoch; /* epoch 0: ask for a new one */
	int ahead;                         /* answers not read yet */
};

/* One answer to Fetch. */
struct kq_answer {
	struct kq_answer *next;
	struct kq_fetcher *from;
	struct kq_rpc_buf *buf;
	struct kq_arena arena;
	struct kq_part *parts;
	int part_n, part_at;
};

/* What an answer has for one partition. */
struct kq_part {
	struct kq_source *source;
	struct kq_bytes records;
	int64_t from;            /* first offset wanted */
	struct kq_fetch_response_aborted_transaction *aborted;
	int aborted_n;
};

struct kq_pattern {
	struct kq_pattern *next;
	char *text;
	bool is_regex;
	regex_t re;
};

/* The walk through a part; what kq_fetched is the head of. */
struct kq_walk {
	struct kq_fetched pub;
	struct kq_consumer *c;
	struct kq_part *part;
	const uint8_t *p, *end;  /* bytes behind the batch being walked */
	bool in_batch, in_legacy;
	struct kq_batch batch;
	struct kq_record_iter it;
	struct kq_legacy legacy;
	struct kq_legacy_iter legacy_it;
	struct kq_record held;   /* read but not yet given out */
	bool has_held;
	int aborted_at;          /* entries before it are active or over */
	int64_t *active;         /* producer ids with an aborted transaction open */
	int active_n, active_cap;
	struct kq_writer scratch;
	char text[256];
};

struct kq_consumer {
	const struct kq_client_config *cfg;
	struct kq_consumer_options o;
	int32_t *partitions;
	struct kq_client client;
	struct kq_pattern *patterns;
	struct kq_source *sources;
	struct kq_fetcher *fetchers;
	struct kq_answer *first, *last, *current;
	struct kq_walk walk;
	struct kq_arena request_arena;
	int64_t discover_ms;
	uint64_t generation;
	uint64_t bytes, fetches;
	struct kq_error fatal;
	bool read_committed, started;
};

/* consumer_assign.c */
int kq_consumer_discover(struct kq_consumer *c, bool first, int timeout_ms, struct kq_error *e);
void kq_consumer_update_leaders(struct kq_consumer *c);
/* What auto.offset.reset says for sources whose position was out of range. */
int kq_consumer_reset_positions(struct kq_consumer *c, struct kq_error *e);
/* An offset of one partition from its leader: spec is -1, -2 or a timestamp. */
int kq_consumer_list_offset(struct kq_consumer *c, const struct kq_source *s, int64_t spec,
			    int64_t *offset, int timeout_ms, struct kq_error *e);

/* consumer_fetch.c */
void kq_consumer_send_fetches(struct kq_consumer *c);
void kq_answer_free(struct kq_answer *a);
int64_t kq_consumer_next_due(const struct kq_consumer *c); /* monotonic ms */

/* fetched.c */
void kq_walk_begin(struct kq_walk *w, struct kq_consumer *c, struct kq_part *part);
void kq_walk_deinit(struct kq_walk *w);

#endif
