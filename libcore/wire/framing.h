/* Frames: an int32 size, then that many bytes (PROTOCOL: framing and headers). */
#ifndef KQ_WIRE_FRAMING_H
#define KQ_WIRE_FRAMING_H

#include "base/reader.h"
#include "base/writer.h"

enum { KQ_FRAME_HEAD = 4 };

/* Size of the frame whose first four bytes stand at p: 1 to max, or KQ_ECORRUPT
 * (0 or less) or KQ_ELIMIT. */
static inline int64_t kq_frame_size(const void *p, int32_t max)
{
	int32_t n = kq_load_i32(p);
	if (n <= 0)
		return KQ_ECORRUPT;
	return n > max ? KQ_ELIMIT : n;
}

/* Leaves room for the size; the result goes to kq_frame_end. */
static inline size_t kq_frame_begin(struct kq_writer *w)
{
	size_t start = w->len;
	kq_write_i32(w, 0);
	return start;
}

/* Fills in the size of what was written since, and of gap_bytes that the sender
 * adds (kq_wire_gaps). Returns 0, the writer's error or KQ_ELIMIT. */
static inline int kq_frame_end(struct kq_writer *w, size_t start, uint64_t gap_bytes)
{
	if (kq_writer_failed(w))
		return w->err;
	uint64_t n = w->len - start - KQ_FRAME_HEAD + gap_bytes;
	if (n > INT32_MAX)
		return KQ_ELIMIT;
	kq_store_i32(w->buf + start, (int32_t)n);
	return 0;
}

#endif
