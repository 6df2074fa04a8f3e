/* One partition's log on disk: append, read, look up, truncate, retire.
 *
 * Threads: appends, truncation and changes of the start are serialised by the
 * log's own lock, which is held over the write() of an append but never over a
 * sync. Reads take only a short lock on the segment list (never one held over
 * I/O) and work on a reference to a segment, so that a reader may finish on a
 * segment that was deleted meanwhile. log start <= LSO <= high watermark <= end.
 *
 * Errors: KQ_ECLOSED once the log directory is offline (a write or sync failed:
 * never retried into success) or the log is closed. */
#ifndef KQ_LOG_LOG_H
#define KQ_LOG_LOG_H

#include "kq/error.h"
#include "log/log_config.h"
#include "record/batch.h"

struct kq_log;
struct kq_segment;

/* Who the log belongs to and what it tells. Called without the log's lock, from
 * the thread that made it so (a syncer's or an appender's). */
struct kq_log_listener {
	/* Everything below durable_end may now be acknowledged: it is synced
	 * (flush.policy=sync) or written (os). Only moves forward. */
	void (*durable)(void *arg, int64_t durable_end);
	/* The log went offline: its directory failed. */
	void (*failed)(void *arg);
	void *arg;
};

/* Installs the listener; before the first append. */
void kq_log_set_listener(struct kq_log *log, const struct kq_log_listener *l);

const char *kq_log_topic(const struct kq_log *log);
int32_t kq_log_partition(const struct kq_log *log);
struct kq_uuid kq_log_topic_id(const struct kq_log *log); /* zero = none yet */
const char *kq_log_dir(const struct kq_log *log);         /* the partition's directory */
int kq_log_dir_index(const struct kq_log *log);           /* which of log.dirs */
bool kq_log_is_offline(const struct kq_log *log);

/* The effective configuration is replaced as a whole; takes effect with the next
 * append. */
void kq_log_set_config(struct kq_log *log, const struct kq_log_config *config);

struct kq_append_result {
	int64_t base_offset;     /* of the first batch; of the original if duplicate */
	int64_t last_offset;
	int64_t append_time_ms;  /* LogAppendTime; -1 with CreateTime */
	int64_t log_start_offset;
	bool duplicate;          /* an idempotent producer's batch that was there already */
	char text[160];          /* why a KQ_ERECORD etc. was refused; "" none */
};

/* Appends one v2 batch from a client as leader. bytes (n of them, exactly one
 * batch) is patched in place: base offset, leader epoch, and for LogAppendTime
 * the timestamp and CRC. Validation (CRC, shape, producer sequence) is done here;
 * records are looked into only if the config demands it (compacted topic, other
 * compression.type, timestamp bounds). One write to the active segment.
 * KQ_ECORRUPT, KQ_ERECORD, KQ_ETOOBIG, KQ_ELIMIT (batch > segment.bytes),
 * KQ_ETIMESTAMP, KQ_ESEQ, KQ_EFENCED, KQ_EIO/KQ_ENOSPC (the directory is offline
 * from then on), KQ_EAGAIN (out of descriptors; nothing happened), KQ_ECLOSED. */
int kq_log_append(struct kq_log *log, uint8_t *bytes, size_t n, int32_t leader_epoch,
		  struct kq_append_result *out);

/* The leader of this log enters an epoch (its start is the log's end). */
int kq_log_assign_epoch(struct kq_log *log, int32_t epoch);

/* Offsets; any thread, no lock. */
int64_t kq_log_start_offset(const struct kq_log *log);
int64_t kq_log_end_offset(const struct kq_log *log);
int64_t kq_log_durable_end(const struct kq_log *log);
int64_t kq_log_high_watermark(const struct kq_log *log);
int64_t kq_log_last_stable_offset(const struct kq_log *log);
int64_t kq_log_size(const struct kq_log *log); /* bytes of all .log files */
int32_t kq_log_latest_epoch(const struct kq_log *log); /* -1 none */

/* Moves the high watermark (never back; bounded to the end). */
void kq_log_advance_high_watermark(struct kq_log *log, int64_t hw);

/* A run of whole or cut batches inside one segment file. Holds a reference to the
 * segment until kq_log_slice_release(). fd stays open that long. */
struct kq_log_slice {
	struct kq_segment *segment;
	int fd;
	int64_t pos;        /* of the batch that contains the wanted offset */
	size_t size;        /* bytes; 0 = nothing there now */
	bool first_is_short; /* the first batch is larger than size (min_one false) */
	bool more_behind;    /* the offset lies in an older segment than the end */
};

/* Finds what to send for a fetch at offset: bytes from the batch that contains it
 * (or the next one) up to max_bytes and not beyond upper (an offset: high
 * watermark, LSO or end). One segment at most. min_one: at least the first batch
 * whole, even if larger than max_bytes. Constant time in the size of the log:
 * index search, then a scan of at most index.interval.bytes of batch headers.
 * KQ_ERANGE if offset < start or > end. */
int kq_log_read(struct kq_log *log, int64_t offset, int64_t upper, size_t max_bytes,
		bool min_one, struct kq_log_slice *out);
void kq_log_slice_release(struct kq_log_slice *s);

/* Aborted transactions that overlap [from, to); caller frees *v. */
struct kq_aborted_txn {
	int64_t producer_id, first_offset, last_offset, last_stable_offset;
};
int kq_log_aborted_txns(struct kq_log *log, int64_t from, int64_t to,
			struct kq_aborted_txn **v, int *n);

/* First record with timestamp >= t, below upper. *offset -1 and *timestamp -1 if
 * there is none. *epoch: leader epoch of its batch. */
int kq_log_find_time(struct kq_log *log, int64_t t, int64_t upper, int64_t *offset,
		     int64_t *timestamp, int32_t *epoch);

/* The record with the largest timestamp (the first such). */
int kq_log_find_max_time(struct kq_log *log, int64_t upper, int64_t *offset,
			 int64_t *timestamp, int32_t *epoch);

/* Leader epoch of the batch range that offset lies in, by the epoch cache; -1. */
int32_t kq_log_epoch_at(struct kq_log *log, int64_t offset);

/* OffsetForLeaderEpoch: (*found, *end) as in PROTOCOL section 8; -1, -1 unknown. */
void kq_log_epoch_end(struct kq_log *log, int32_t epoch, int32_t *found, int64_t *end);

/* DeleteRecords: moves the log start to offset (<= high watermark, else
 * KQ_ERANGE), durably; whole segments below go now or at the next retention run. */
int kq_log_delete_before(struct kq_log *log, int64_t offset, int64_t *new_start);

/* Cuts the log so that its end is offset (<= end). */
int kq_log_truncate(struct kq_log *log, int64_t offset);

/* State of the producers, for DescribeProducers; caller frees *v. */
struct kq_producer_info {
	int64_t producer_id;
	int32_t epoch, last_sequence, coordinator_epoch;
	int64_t last_timestamp, txn_start_offset;
};
int kq_log_producers(struct kq_log *log, struct kq_producer_info **v, int *n);

/* Retention by size, time and log start (LOG_FORMAT section 7) at time now_ms:
 * number of segments retired, or a negative KQ_E*. */
int kq_log_retain(struct kq_log *log, int64_t now_ms);

#endif
