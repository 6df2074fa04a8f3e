/* Reading topics of a cluster by partition, without a group.
 *
 * A consumer fetches ahead: while the caller works on one answer the next is under
 * way. What it hands out is a run of batches of one partition, still packed; walking
 * inflates each batch once and copies no record. One thread at a time. */
#ifndef KQ_CONSUMER_H
#define KQ_CONSUMER_H

#include "kq/client.h"
#include "kq/message.h"

struct kq_consumer;

enum kq_position_kind {
	KQ_POSITION_NONE,   /* as an end: go on for ever */
	KQ_POSITION_START,
	KQ_POSITION_END,
	KQ_POSITION_OFFSET, /* value itself */
	KQ_POSITION_BEFORE_END,  /* value records before the end, not before the start */
	KQ_POSITION_AFTER_START, /* value records after the start, not after the end */
	KQ_POSITION_TIME,   /* first record with this timestamp (ms) or a later one */
};
struct kq_position {
	enum kq_position_kind kind;
	int64_t value;
};

struct kq_consumer_options {
	struct kq_position from;     /* NONE is START */
	struct kq_position to;       /* first offset that is not read */
	bool stop_at_end;            /* stop at the ends as they are at the start */
	const int32_t *partitions;   /* only these; NULL all */
	int partition_n;
	struct kq_bytes key;         /* not null: only the partition where this key lives */
	bool control;                /* hand out control records too */
};

/* isolation.level and fetch sizes come from cfg, which is borrowed until free.
 * KQ_EINVAL, KQ_EUNSUPPORTED with words. */
int kq_consumer_new(struct kq_consumer **out, const struct kq_client_config *cfg,
		    const struct kq_consumer_options *o, struct kq_error *e);
void kq_consumer_free(struct kq_consumer *c);

/* Adds a topic, or all whose names match after '^' (extended regular expression); new
 * ones are picked up while reading, unless stop_at_end. Before start. KQ_EINVAL for an
 * expression that does not compile. */
int kq_consumer_add(struct kq_consumer *c, const char *topic, struct kq_error *e);

/* Connects and resolves positions. KQ_ECONN (no broker within timeout_ms), KQ_ENOTFOUND
 * (topic or partition; words name what there is), KQ_EKAFKA. */
int kq_consumer_start(struct kq_consumer *c, int timeout_ms, struct kq_error *e);

/* A run of batches of one partition; consumer's own, valid until the next poll. */
struct kq_fetched {
	struct kq_str topic;
	int32_t partition;
	int64_t high_watermark; /* last told */
};

/* The next run: 1 with *f; 0 if nothing came within timeout_ms;
 * KQ_ECLOSED when every partition has reached its end; KQ_ERANGE, KQ_ECORRUPT,
 * KQ_ENOTFOUND, KQ_EKAFKA with words in *e: reading cannot go on. */
int kq_consumer_poll(struct kq_consumer *c, int timeout_ms, struct kq_fetched **f, struct kq_error *e);

/* The next record of the run: 1 with *m, which points into the run's memory until the
 * next call; 0 at its end; KQ_ECORRUPT, KQ_ELIMIT with words from kq_fetched_error. */
int kq_fetched_next(struct kq_fetched *f, struct kq_message *m);

/* Values of records, each followed by delim, laid at p as long as they fit in room
 * bytes and at most max_records: the fast way of lines out. *used bytes, *records
 * records. Null prints as null_text. 1: call again with more room or a new max (a single
 * value that does not fit gives *records 0 and *used its size); 0 at the end of the run;
 * KQ_ECORRUPT, KQ_ELIMIT. */
struct kq_values {
	char *p;
	size_t room;
	const char *delim;
	size_t delim_n;
	struct kq_bytes null_text;
	uint64_t max_records;
	size_t used;      /* result */
	uint64_t records; /* result */
};
int kq_fetched_values(struct kq_fetched *f, struct kq_values *v);

const char *kq_fetched_error(const struct kq_fetched *f);

struct kq_consumer_stats {
	uint64_t bytes, fetches;
	int64_t lag;    /* records up to the ends, -1 unknown */
	int partitions, finished;
};
void kq_consumer_stats(const struct kq_consumer *c, struct kq_consumer_stats *s);

/* Why nothing comes, in words; false if nothing is known to be wrong. */
bool kq_consumer_trouble(struct kq_consumer *c, struct kq_error *e);

#endif
