/* One segment of a log: a .log file of batches, its offset and time index and its
 * list of aborted transactions.
 *
 * Counted: the log's list holds a reference, so does each reader at work; a segment
 * that was deleted meanwhile stays readable until the last one is gone. Changes are
 * made by one thread at a time (the log's lock); `size` and the maximum timestamp
 * are published for readers, who never look beyond the size they were given. */
#ifndef KQ_LOG_SEGMENT_H
#define KQ_LOG_SEGMENT_H

#include "log/offset_index.h"
#include "log/segment_scan.h"
#include "log/time_index.h"
#include "log/txn_index.h"

#define KQ_TIME_UNKNOWN INT64_MIN

struct kq_segment {
	int64_t base_offset;
	const char *dir;          /* borrowed: the log's directory */
	atomic_int refs;
	_Atomic int fd;           /* of the .log; -1 until needed */
	_Atomic int64_t size;     /* bytes of whole batches */
	_Atomic int64_t max_timestamp;        /* of all batches, -1 none */
	_Atomic int64_t max_timestamp_offset; /* last offset of the first batch with it */
	int64_t first_timestamp;  /* of the first batch; KQ_TIME_UNKNOWN until asked */
	int64_t created_ms;       /* wall clock when opened or made */
	int64_t since_entry;      /* bytes since the batch of the last index entry began */
	int64_t synced;           /* bytes known to be on the disk; -1: indexes neither */
	atomic_bool sealed;       /* no longer active */
	atomic_bool index_wrong;  /* an index is missing or not trimmed, or it lied */
	bool untrimmed;           /* at load: both indexes are whole but for their tails */
	struct kq_offset_index offsets;
	struct kq_time_index times;
	struct kq_txn_index txns;
};

/* Describes dir/<base>.log; does no I/O. One reference. index_bytes_max as
 * segment.index.bytes. */
struct kq_segment *kq_segment_new(const char *dir, int64_t base_offset, int32_t index_bytes_max);
struct kq_segment *kq_segment_ref(struct kq_segment *s);
void kq_segment_unref(struct kq_segment *s);

/* Makes the empty .log (old files of the same base are removed first). Durable once
 * the directory is synced. KQ_EIO, KQ_ENOSPC. */
int kq_segment_create(struct kq_segment *s);

/* Takes the size from the file and loads what the indexes say. A missing or wrong
 * offset or time index sets s->index_wrong (kq_segment_reindex is due), a wrong
 * transaction index *txns_wrong (recovery has to replay the segment). KQ_EIO,
 * KQ_ENOTFOUND, KQ_ECORRUPT (a .log beyond 2 GiB). */
int kq_segment_load(struct kq_segment *s, bool *txns_wrong);

/* The .log's descriptor, opened on the first call; or a negative KQ_E*. */
int kq_segment_fd(struct kq_segment *s);

/* Does a batch that ends at last_offset still fit: relative offset and indexes? */
bool kq_segment_has_room(const struct kq_segment *s, int64_t last_offset);

/* Writes b->bytes at the end (one pwrite) and notes it in the indexes; not visible
 * to readers until kq_segment_publish. KQ_EIO, KQ_ENOSPC: the segment is then not
 * to be written any more. */
int kq_segment_append(struct kq_segment *s, const struct kq_batch *b, int32_t index_interval);

static inline void kq_segment_publish(struct kq_segment *s, int64_t size)
{
	atomic_store_explicit(&s->size, size, memory_order_release);
}

/* Notes the batch at pos in the indexes and in the maximum timestamp. */
int kq_segment_note(struct kq_segment *s, const struct kq_batch *b, int64_t pos,
		    int32_t index_interval);

/* The first batch below limit (bytes) that ends at or after target: 1 with its
 * header and place, 0 if there is none, or an error. Index search and a scan of
 * about index.interval.bytes. */
int kq_segment_find(struct kq_segment *s, int64_t target, int64_t limit, struct kq_batch *b,
		    int64_t *pos);

/* The first batch below limit with max timestamp >= t that ends at or after from:
 * as kq_segment_find. */
int kq_segment_find_time(struct kq_segment *s, int64_t t, int64_t from, int64_t limit,
			 struct kq_batch *b, int64_t *pos);

/* The timestamp of the first batch, for rolling; -1 none, KQ_TIME_UNKNOWN: error. */
int64_t kq_segment_first_timestamp(struct kq_segment *s);

/* Makes both indexes anew from the batch headers, but for the first `keep` entries
 * of the offset index (and what belongs to them), from whose last one the scan
 * starts. *end: offset behind the last batch. A header that makes no sense is
 * KQ_ECORRUPT or KQ_ETRUNC. */
int kq_segment_reindex(struct kq_segment *s, uint32_t keep, int32_t index_interval, int64_t *end);

/* Where the batches end: scans headers from the last index entry on. *end: offset
 * behind the last batch (base if empty). Takes the state of the indexes up again so
 * that appends may follow. KQ_ECORRUPT, KQ_ETRUNC: not so clean after all. */
int kq_segment_find_end(struct kq_segment *s, int64_t *end);

/* Cuts the file at pos, where a batch that begins at or after offset begins, and the
 * indexes with it. */
int kq_segment_truncate(struct kq_segment *s, int64_t offset, int64_t pos);

/* Writes the closing entry of the time index and trims both indexes. */
int kq_segment_seal(struct kq_segment *s);

/* Makes the .log, and where sealed also the indexes, durable. No lock needed. */
int kq_segment_sync(struct kq_segment *s);

/* Renames its files to .deleted, the .log first; the directory is not synced. */
int kq_segment_retire(struct kq_segment *s);

/* Removes the files that kq_segment_retire left, of segment base in dir. */
int kq_segment_remove_retired(const char *dir, int64_t base);

#endif
