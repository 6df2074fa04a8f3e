/* Inside the producer. Two sides share it:
 *
 *   sending threads   accumulator.c   topics' open batches, under `lock`
 *   the I/O thread    producer_io.c   the loop: metadata, producer id, deadlines
 *                     producer_send.c requests, answers, sending again
 *   both              producer.c      start, flush, abort, end
 *
 * A batch is owned by exactly one place: a partition's `open` or `closed` list (lock),
 * its `queue` (I/O thread), a request in flight (I/O thread), or the free list (lock). */
#ifndef KQ_CLIENT_PRODUCER_INTERNAL_H
#define KQ_CLIENT_PRODUCER_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "client/client.h"
#include "client/partitioner.h"
#include "kq/producer.h"
#include "record/builder.h"

enum { KQ_RECORD_MAX_DEFAULT = 1048588 }; /* max.message.bytes where it is not told */

/* Record `at` of a batch and those behind it have tags counting up from `tag`. */
struct kq_tag_run {
	int32_t at;
	uint64_t tag;
};

struct kq_out_batch {
	struct kq_out_batch *next;
	struct kq_out_batch *opened_prev, *opened_next; /* list of open batches by age */
	struct kq_out_partition *part;
	struct kq_builder builder;
	size_t charged;            /* bytes counted in mem_used */
	int64_t opened_ms;         /* monotonic */
	uint64_t index;            /* of its first record among the partition's records */
	struct kq_tag_run *runs;
	int runs_n, runs_cap;
	struct kq_writer raw, raw_lens; /* keep_raw: bytes; length of each, as uint32_t */

	uint8_t *bytes;            /* sealed; NULL before */
	size_t n;
	int32_t count;
	bool sequenced;            /* has a sequence number */
	int16_t epoch;
	int32_t sequence;
	int attempts;
	int64_t retry_ms;          /* not before */
	char reason[160];          /* of the last refusal */
};

struct kq_out_partition {
	struct kq_producer_topic *topic;
	int32_t index;
	/* under the producer's lock */
	struct kq_out_batch *open;
	struct kq_out_batch *closed, **closed_last;
	struct kq_out_partition *dirty_next; /* list of those with closed batches */
	bool dirty;
	uint64_t records;          /* laid into batches so far */
	/* I/O thread */
	struct kq_out_batch *queue; /* in order of index */
	struct kq_out_partition *active_next;
	bool active;
	int32_t leader;            /* -1 unknown */
	int in_flight;             /* batches */
	int sequenced;             /* batches with a sequence number, not done */
	bool retrying;             /* nothing new until what is in flight came back */
	bool reset;                /* sequences must start anew in a new epoch */
	int16_t epoch;
	int32_t next_sequence;
};

struct kq_producer_topic {
	struct kq_producer_topic *next;
	struct kq_producer *producer;
	char *name;
	/* under the lock */
	struct kq_out_partition **parts;
	int32_t parts_n;
	int32_t sticky;            /* -1: choose */
	int32_t round;
	int32_t record_max;        /* max.message.bytes */
	size_t batch_max;
	bool known;                /* metadata and config are there */
	struct kq_error error;     /* why not */
	/* I/O thread */
	bool watched, config_asked;
	int refusals;              /* metadata answers that did not name it */
};

struct kq_producer {
	struct kq_producer_options opt;
	struct kq_client client;   /* I/O thread */
	pthread_t thread;
	bool started;

	/* settings */
	int16_t acks;
	bool idempotent;
	enum kq_codec codec;
	int level;
	size_t batch_size, mem_max;
	int linger_ms, retry_ms, delivery_ms, request_ms;
	int64_t retries_max;

	pthread_mutex_t lock;
	pthread_cond_t room;       /* memory came free, a topic became known, all done */
	struct kq_producer_topic *topics;
	struct kq_out_batch *opened, *opened_last;
	struct kq_out_batch *free_list;
	int free_n;
	struct kq_out_partition *dirty, **dirty_last;
	size_t mem_used;
	int64_t unfinished;        /* batches not delivered or failed, open ones included */
	bool flushing, starving, topics_new, stop, aborted;
	bool hopeless;             /* no broker was ever reached and all addresses fail */
	struct kq_producer_stats stats;
	struct kq_error trouble;
	uint64_t seed;

	/* I/O thread */
	struct kq_out_partition *active;
	uint64_t generation;
	int64_t pid;
	int16_t epoch;
	bool pid_asked, had_pid;
	int64_t pid_retry_ms;
};

/* accumulator.c */
/* Moves closed batches, and open ones whose time has come, to their partitions'
 * queues; the monotonic time of the next one due. I/O thread. */
int64_t kq_accumulator_collect(struct kq_producer *p, int64_t now);
/* Closes every open batch. Under the lock. */
void kq_accumulator_close_all(struct kq_producer *p);
/* Gives a batch back to the free list and tells those who wait for memory. */
void kq_accumulator_recycle(struct kq_producer *p, struct kq_out_batch *b);
struct kq_out_batch *kq_accumulator_take_free(struct kq_producer *p); /* under the lock */
void kq_accumulator_charge(struct kq_producer *p, struct kq_out_batch *b); /* under the lock */
void kq_accumulator_free_batch(struct kq_out_batch *b);
void kq_accumulator_add_run(struct kq_out_batch *b, int32_t at, uint64_t tag);
uint64_t kq_accumulator_tag(const struct kq_out_batch *b, int32_t i);

/* producer_send.c */
/* Sends what can be sent; the time at which something waits to be sent again. */
int64_t kq_producer_send_ready(struct kq_producer *p, int64_t now);
void kq_producer_queue(struct kq_out_batch *b); /* into its partition's queue, in order */
/* Ends a batch: tells the caller, gives it back. error 0: delivered. */
void kq_producer_finish(struct kq_producer *p, struct kq_out_batch *b, int error,
			int64_t offset, int64_t append_time);
/* producer_answer.c */
struct kq_flight {
	struct kq_producer *p;
	int32_t node;
	int n;
	struct kq_out_batch *v[];
};
void kq_producer_answer(void *arg, int err, struct kq_rpc_reply *reply);

/* producer_io.c */
void *kq_producer_run(void *arg);

#endif
