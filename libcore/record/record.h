/* Records inside a v2 batch: walking and writing them. */
#ifndef KQ_RECORD_RECORD_H
#define KQ_RECORD_RECORD_H

#include "record/batch.h"

struct kq_record {
	int64_t offset;
	int64_t timestamp;       /* ms; resolved (CreateTime delta or LogAppendTime) */
	struct kq_bytes key;     /* len -1 null */
	struct kq_bytes value;   /* len -1 null */
	int32_t header_count;
	struct kq_bytes headers; /* the raw header bytes; walk with kq_header_next */
};

struct kq_header {
	struct kq_str key;
	struct kq_bytes value; /* len -1 null */
};

/* Walks the inflated records of a batch. Nothing is copied. */
struct kq_record_iter {
	struct kq_reader r;
	const struct kq_batch *batch;
	int32_t left; /* records still to come */
};

/* records: the batch's records, inflated (kq_batch_inflate or the batch itself
 * where the codec is none). */
void kq_record_iter_init(struct kq_record_iter *it, const struct kq_batch *b,
			 const uint8_t *records, size_t n);

/* The next record: 1, or 0 at the end, or KQ_ECORRUPT if lengths do not fit, a
 * record does not end at its length or bytes remain after the last one. */
int kq_record_next(struct kq_record_iter *it, struct kq_record *rec);

/* The next header of rec: r initialised over rec->headers. 1, 0, KQ_ECORRUPT. */
int kq_header_next(struct kq_reader *r, struct kq_header *h);

/* Bytes that a record of these parts takes at most, its length field included. */
size_t kq_record_size_max(int32_t key_len, int32_t value_len, size_t headers_len);

/* Lays one record at p (room for kq_record_size_max) and returns the byte after
 * it. headers: already encoded pairs without the count. */
uint8_t *kq_record_write(uint8_t *p, int64_t timestamp_delta, int32_t offset_delta,
			 struct kq_bytes key, struct kq_bytes value,
			 int32_t header_count, struct kq_bytes headers);

/* Lays one header pair at p (room for 10 bytes, key and value; key not null) and
 * returns the byte after it: what kq_record_write takes as headers. */
uint8_t *kq_header_write(uint8_t *p, struct kq_str key, struct kq_bytes value);

#endif
