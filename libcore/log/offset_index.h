/* Offset index of a segment: where in its .log the batches lie, sparsely.
 *
 * <base>.index, 8 bytes an entry: i32 last offset of a batch minus base, i32 where
 * the batch begins; one for each index.interval.bytes appended (LOG_FORMAT
 * section 4). Threads as in index_file.h. */
#ifndef KQ_LOG_OFFSET_INDEX_H
#define KQ_LOG_OFFSET_INDEX_H

#include "log/index_file.h"

enum { KQ_OFFSET_ENTRY_SIZE = 8 };

struct kq_offset_index {
	struct kq_index_file file;
	int64_t last_offset; /* of the last entry; the base if there is none */
	int64_t last_pos;    /* 0 if there is none */
};

void kq_offset_index_init(struct kq_offset_index *x, const char *dir, int64_t base_offset,
			  int32_t max_bytes);
void kq_offset_index_deinit(struct kq_offset_index *x);

/* Reads how many entries there are and the last one. 0; 1 if the file still has the
 * zero tail of an active segment, which a clean stop trims. KQ_ENOTFOUND, KQ_ECORRUPT (the
 * caller rebuilds it), KQ_EIO. log_size bounds the position. */
int kq_offset_index_load(struct kq_offset_index *x, int64_t log_size);

/* Full: an append would have to roll the segment first. */
bool kq_offset_index_is_full(const struct kq_offset_index *x);

/* Adds an entry, larger in both than the last one. KQ_ELIMIT if full, KQ_EIO,
 * KQ_ENOSPC. */
int kq_offset_index_append(struct kq_offset_index *x, int64_t offset, int64_t pos);

/* The largest entry with offset <= target: its number, from 0; *offset and *pos are
 * its fields. -1 if there is none (then *pos 0 and *offset the base), or KQ_EIO ..
 * as a number below -1. O(log n). */
int64_t kq_offset_index_find(struct kq_offset_index *x, int64_t target, int64_t *offset,
			     int64_t *pos);

/* Entry i (< entries). */
int kq_offset_index_get(struct kq_offset_index *x, uint32_t i, int64_t *offset, int64_t *pos);

/* Do all entries up to and with number last grow in offset and position? */
bool kq_offset_index_is_ordered(struct kq_offset_index *x, uint32_t last);

/* Drops all but the first n entries. */
int kq_offset_index_cut(struct kq_offset_index *x, uint32_t n);

static inline uint32_t kq_offset_index_count(const struct kq_offset_index *x)
{
	return atomic_load_explicit(&x->file.entries, memory_order_acquire);
}

#endif
