/* Sending records to topics of a cluster.
 *
 * Records are laid straight into the open batch of their partition; a thread of the
 * producer's own seals batches (compression, checksum), sends them, and sends again
 * what was refused for a passing reason. Idempotent unless turned off: nothing is
 * lost, doubled or reordered by sending again.
 *
 * The sending calls may be used by any thread. Memory is bounded by buffer.memory: a
 * call waits (up to its time-out) while it is used up. */
#ifndef KQ_PRODUCER_H
#define KQ_PRODUCER_H

#include "kq/client.h"
#include "kq/message.h"

struct kq_producer;
struct kq_producer_topic;

enum kq_partitioner {
	KQ_PARTITION_MURMUR2,     /* by key as the Java client; without key as sticky */
	KQ_PARTITION_RANDOM,
	KQ_PARTITION_ROUND_ROBIN,
	KQ_PARTITION_STICKY,      /* one partition until its batch is sent, keys ignored */
	KQ_PARTITION_CRC32,       /* by key as librdkafka; without or with empty key as sticky */
};

/* The fate of one batch. */
struct kq_delivery {
	const char *topic;
	int32_t partition;
	int error;                /* 0 delivered, else KQ_E*: never will be */
	const char *reason;       /* words for error, else NULL */
	int64_t base_offset;      /* of record 0; -1 unknown (acks=0, or told twice) */
	int64_t log_append_time;  /* ms; -1: records keep their own */
	int32_t count;            /* records */
	uint64_t first_tag;       /* of record 0, as given to the sending call */
	struct kq_bytes raw;      /* keep_raw: what the caller gave as raw, in order */
	const void *batch;        /* for kq_delivery_walk */
};

/* Called once for each batch, from the producer's thread (from the caller's in
 * kq_producer_abort and _close). Must not call the producer. */
typedef void kq_delivery_fn(void *arg, const struct kq_delivery *d);

struct kq_producer_options {
	kq_delivery_fn *delivered; /* may be NULL */
	void *arg;
	enum kq_partitioner partitioner;
	bool keep_raw;             /* copy the raw bytes of each record and give them back */
	bool keep_records;         /* kq_delivery_walk will be used */
};

/* Calls fn for each record of a delivery, with its tag, offset and timestamp set. Only
 * inside the callback and with keep_records. */
int kq_delivery_walk(const struct kq_delivery *d,
		     void (*fn)(void *arg, const struct kq_message *m, uint64_t tag), void *arg);

/* Starts the producer's thread; does not wait for a broker. Copies what it needs from
 * cfg. KQ_EINVAL, KQ_EUNSUPPORTED with words. */
int kq_producer_new(struct kq_producer **out, const struct kq_client_config *cfg,
		    const struct kq_producer_options *o, struct kq_error *e);

/* Finds a topic, letting the broker create it where it is set to. Waits up to
 * timeout_ms. KQ_ECONN (no broker reachable), KQ_ENOTFOUND, KQ_EKAFKA with words. The
 * handle lives as long as the producer. */
int kq_producer_topic(struct kq_producer *p, const char *name, int timeout_ms,
		      struct kq_producer_topic **out, struct kq_error *e);
int32_t kq_producer_partitions(struct kq_producer_topic *t);
/* max.message.bytes of the topic as far as known. */
int32_t kq_producer_record_max(struct kq_producer_topic *t);

/* One record: its partition if not -1, else by the partitioner; its timestamp if not
 * -1, else now. All is copied. raw and tag come back in the delivery. 0;
 * KQ_ETOOBIG: larger than the topic takes; KQ_EINVAL: no such partition;
 * KQ_EAGAIN: no memory free within timeout_ms; KQ_ECLOSED. */
int kq_producer_send(struct kq_producer *p, struct kq_producer_topic *t,
		     const struct kq_message *m, struct kq_bytes raw, uint64_t tag, int timeout_ms);

/* A block of text: each line up to delim becomes the value of a record like *like
 * (key, headers, partition, timestamp; a record without own partition must not have a
 * key that decides it). Takes whole lines; what stands after the last delim is left.
 * *used bytes were taken as *count records, whose tags count up from tag. Returns as
 * kq_producer_send; with KQ_ETOOBIG the line at *used is the one. KQ_EAGAIN only if
 * nothing was taken. */
struct kq_lines {
	const char *p;
	size_t n;
	const char *delim;
	size_t delim_n;      /* at least 1 */
	bool empty_as_null;
	size_t used;         /* result */
	uint64_t count;      /* result */
};
int kq_producer_send_lines(struct kq_producer *p, struct kq_producer_topic *t,
			   const struct kq_message *like, struct kq_lines *lines, uint64_t tag,
			   int timeout_ms);

/* Sends what is open and waits until all is delivered or has failed: 0; KQ_ETIMEOUT. */
int kq_producer_flush(struct kq_producer *p, int timeout_ms);

/* Gives up: everything not delivered fails (KQ_ECLOSED, or the reason it waited for),
 * in order of its tags. Nothing can be sent after. */
void kq_producer_abort(struct kq_producer *p);

struct kq_producer_stats {
	uint64_t records, bytes;          /* taken from callers */
	uint64_t delivered, failed;       /* records */
	uint64_t batches, batch_bytes;    /* delivered, as sent */
	uint64_t retries;                 /* batches sent again */
	uint64_t in_flight, buffered;     /* batches now; bytes of memory now */
};
void kq_producer_stats(struct kq_producer *p, struct kq_producer_stats *s);

/* Why nothing moves at the moment, in words; false if nothing is known to be wrong. */
bool kq_producer_trouble(struct kq_producer *p, struct kq_error *e);

/* Aborts what is left, ends the thread, frees all. NULL is fine. */
void kq_producer_free(struct kq_producer *p);

#endif
