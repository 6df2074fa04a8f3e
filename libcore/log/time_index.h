/* Time index of a segment: from timestamps to offsets, sparsely.
 *
 * <base>.timeindex, 12 bytes an entry: i64 largest timestamp so far, i32 last offset
 * of the batch that has it minus base; timestamps grow strictly. Written along with
 * entries of the offset index and once more when the segment is closed (LOG_FORMAT
 * section 4). Threads as in index_file.h. */
#ifndef KQ_LOG_TIME_INDEX_H
#define KQ_LOG_TIME_INDEX_H

#include "log/index_file.h"

enum { KQ_TIME_ENTRY_SIZE = 12 };

struct kq_time_index {
	struct kq_index_file file;
	int64_t last_timestamp; /* of the last entry; -1 if there is none */
	int64_t last_offset;    /* the base if there is none */
};

void kq_time_index_init(struct kq_time_index *x, const char *dir, int64_t base_offset,
			int32_t max_bytes);
void kq_time_index_deinit(struct kq_time_index *x);

/* As kq_offset_index_load. */
int kq_time_index_load(struct kq_time_index *x);

/* Full: one entry is left for the closing of the segment. */
bool kq_time_index_is_full(const struct kq_time_index *x);

/* Adds an entry if the timestamp is larger than the last one's; does nothing else.
 * closing: the last entry may be used. KQ_EIO, KQ_ENOSPC. */
int kq_time_index_append(struct kq_time_index *x, int64_t timestamp, int64_t offset,
			 bool closing);

/* The entry with the largest timestamp <= t: its number and fields, or -1 (then
 * *timestamp -1 and *offset the base); below -1: error. O(log n). */
int64_t kq_time_index_find(struct kq_time_index *x, int64_t t, int64_t *timestamp,
			   int64_t *offset);

/* Entry i (< entries). */
int kq_time_index_get(struct kq_time_index *x, uint32_t i, int64_t *timestamp, int64_t *offset);

/* Do all entries up to and with number last grow in time, and not fall in offset? */
bool kq_time_index_is_ordered(struct kq_time_index *x, uint32_t last);

/* How many entries speak of offsets <= offset. O(log n). */
uint32_t kq_time_index_count_to(struct kq_time_index *x, int64_t offset);

/* Drops all but the first n entries. */
int kq_time_index_cut(struct kq_time_index *x, uint32_t n);

static inline uint32_t kq_time_index_count(const struct kq_time_index *x)
{
	return atomic_load_explicit(&x->file.entries, memory_order_acquire);
}

#endif
