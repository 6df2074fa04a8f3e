/* The v2 record batch: its header as a view over bytes, checks, and building.
 *
 * Layout (LOG_FORMAT section 1): 61 bytes of header, then the records, compressed
 * as one block unless the codec is none. The CRC-32C covers byte 21 to the end,
 * so that base offset and leader epoch are patched without touching it. */
#ifndef KQ_RECORD_BATCH_H
#define KQ_RECORD_BATCH_H

#include "base/reader.h"
#include "base/writer.h"

enum {
	KQ_BATCH_HEADER_SIZE = 61,
	KQ_BATCH_OVERHEAD = 12, /* base offset and length: not counted in the length */
};

enum kq_batch_attr {
	KQ_BATCH_CODEC_MASK = 0x07,
	KQ_BATCH_LOG_APPEND_TIME = 0x08,
	KQ_BATCH_TRANSACTIONAL = 0x10,
	KQ_BATCH_CONTROL = 0x20,
	KQ_BATCH_DELETE_HORIZON = 0x40,
};

/* Header fields in host order. */
struct kq_batch {
	int64_t base_offset;
	int32_t size; /* whole batch in bytes, header included */
	int32_t leader_epoch;
	int8_t magic;
	uint32_t crc;
	int16_t attributes;
	int32_t last_offset_delta;
	int64_t base_timestamp; /* ms; the delete horizon where bit 6 is set */
	int64_t max_timestamp;  /* ms, -1 none */
	int64_t producer_id;    /* -1 none */
	int16_t producer_epoch;
	int32_t base_sequence;
	int32_t count;
	const uint8_t *bytes;   /* the batch itself, size bytes; borrowed */
};

static inline int64_t kq_batch_last_offset(const struct kq_batch *b)
{
	return b->base_offset + b->last_offset_delta;
}

static inline enum kq_codec kq_batch_codec(const struct kq_batch *b)
{
	return (enum kq_codec)(b->attributes & KQ_BATCH_CODEC_MASK);
}

/* Last sequence number; wraps from 2147483647 to 0. -1 if there is none. */
int32_t kq_batch_last_sequence(const struct kq_batch *b);

/* Reads the header of the batch at p, of which n bytes are there. n may be
 * smaller than the batch: *b is filled from the header alone if n covers it.
 * KQ_ETRUNC if n < 61 or n < size (then *b is valid if n >= 61); KQ_ECORRUPT if
 * the size is below 61; KQ_EUNSUPPORTED if magic is not 2 (size and magic set). */
int kq_batch_peek(const uint8_t *p, size_t n, struct kq_batch *b);

/* CRC over the whole batch; needs all its bytes. 0 or KQ_ECORRUPT. */
int kq_batch_check_crc(const struct kq_batch *b);

/* In-place patches; p is the batch. The first does not touch the CRC, the second
 * (sets the LogAppendTime bit and max timestamp) computes it anew. */
void kq_batch_patch(uint8_t *p, int64_t base_offset, int32_t leader_epoch);
void kq_batch_patch_append_time(uint8_t *p, size_t size, int64_t append_time_ms);

/* Sets the producer's id, epoch and first sequence in place (a producer that was
 * given a new epoch and sends again) and computes the CRC anew. */
void kq_batch_patch_producer(uint8_t *p, size_t size, int64_t producer_id,
			     int16_t producer_epoch, int32_t base_sequence);

/* Lays a header of 61 bytes at p from *b (crc computed over b->size bytes that
 * begin at p, so the records must stand behind it already). */
void kq_batch_seal(uint8_t *p, const struct kq_batch *b);

#endif
