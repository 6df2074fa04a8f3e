/* Walks the batches of a .log file by their headers, v2 and legacy alike, through a
 * small window: one pread for many small batches, one short pread for each large one.
 *
 *   kq_segment_scan_init(&s, fd, pos, end, window, sizeof window);
 *   while ((rc = kq_segment_scan_next(&s, &b, &pos)) > 0) ..
 *   kq_segment_scan_deinit(&s);
 *
 * A legacy entry is shown as a batch: base offset = last offset = that of the entry
 * (of the last message in a wrapper), no epoch, no producer, count -1. */
#ifndef KQ_LOG_SEGMENT_SCAN_H
#define KQ_LOG_SEGMENT_SCAN_H

#include "record/batch.h"

enum {
	KQ_SCAN_WINDOW = 8192, /* a good size for the caller's window */
	KQ_SCAN_WINDOW_MIN = 64,
};

struct kq_segment_scan {
	int fd;
	int64_t pos;    /* of the next batch */
	int64_t end;    /* bytes of the file that count */
	uint8_t *window;
	size_t cap;
	uint8_t *big;   /* owned: a window that was too small for a whole batch */
	int64_t at;     /* file position of the bytes in the window */
	size_t len;
	bool large;     /* the last batch went beyond the window: read little ahead */
};

/* window: cap bytes (>= KQ_SCAN_WINDOW_MIN) of the caller's. */
void kq_segment_scan_init(struct kq_segment_scan *s, int fd, int64_t pos, int64_t end,
			  uint8_t *window, size_t cap);
void kq_segment_scan_deinit(struct kq_segment_scan *s);

/* The next batch's header: 1 (*b, and *pos where it begins; b->bytes is NULL), 0 at
 * the end; KQ_ETRUNC if the file ends inside it, KQ_ECORRUPT if the header makes no
 * sense (length, magic, deltas): s->pos is then still where it begins; KQ_EIO. */
int kq_segment_scan_next(struct kq_segment_scan *s, struct kq_batch *b, int64_t *pos);

/* Makes b->bytes (of the batch that next gave, at pos) all its b->size bytes, valid
 * until the next call. KQ_ENOMEM, KQ_EIO. */
int kq_segment_scan_load(struct kq_segment_scan *s, struct kq_batch *b, int64_t pos);

/* CRC of a batch whose bytes are there, by its magic. 0 or KQ_ECORRUPT. */
int kq_segment_scan_check(const struct kq_batch *b);

/* Looks from pos on for bytes that are a whole v2 batch with a good CRC and a base
 * offset in [from, to): *found is where, -1 if there is none. For telling a torn
 * tail from damage; reads all the bytes. KQ_ENOMEM, KQ_EIO. */
int kq_segment_scan_seek(int fd, int64_t pos, int64_t end, int64_t from, int64_t to,
			 int64_t *found);

#endif
