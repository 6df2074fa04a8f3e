/* Builds a v2 batch: records are laid straight into one growing buffer that has
 * room for the header in front, then the batch is sealed.
 *
 *   kq_builder_begin(b, now);
 *   while (.. && kq_builder_append(b, ts, key, value, 0, KQ_BYTES_NULL) == 0) ..
 *   kq_builder_finish(b, &(struct kq_seal){ .codec = .., KQ_SEAL_NO_PRODUCER }, &p, &n);
 *
 * A builder is reused without giving its memory back; one thread at a time. */
#ifndef KQ_RECORD_BUILDER_H
#define KQ_RECORD_BUILDER_H

#include "record/record.h"

struct kq_builder {
	struct kq_writer plain;  /* header room and the records so far */
	struct kq_writer packed; /* header room and the records, compressed */
	size_t limit;            /* bytes of the batch before compression, at most */
	int64_t base_timestamp, max_timestamp;
	int32_t count;
};

/* How a batch is sealed. */
struct kq_seal {
	enum kq_codec codec;
	int level;          /* as kq_compress */
	bool codec_always;  /* use the codec even where it does not make it smaller */
	int16_t attributes; /* KQ_BATCH_TRANSACTIONAL, KQ_BATCH_CONTROL */
	int64_t producer_id;
	int16_t producer_epoch;
	int32_t base_sequence;
};
#define KQ_SEAL_NO_PRODUCER .producer_id = -1, .producer_epoch = -1, .base_sequence = -1

/* An empty builder of batches up to limit bytes (at most INT32_MAX / 2); begin
 * may follow at once. The limit may be changed before a begin. */
void kq_builder_init(struct kq_builder *b, size_t limit);
void kq_builder_deinit(struct kq_builder *b);

/* Starts a new batch whose first record has this timestamp (ms). What finish
 * handed out is no longer valid. KQ_ENOMEM. */
int kq_builder_begin(struct kq_builder *b, int64_t timestamp);

/* Room for size bytes more: 0, KQ_ETOOBIG (beyond the limit; what is there stays),
 * KQ_ENOMEM. Append calls it when its room ends. */
int kq_builder_reserve(struct kq_builder *b, size_t size);

/* Bytes of the batch so far, uncompressed, header included. */
static inline size_t kq_builder_size(const struct kq_builder *b)
{
	return b->plain.len;
}

/* Adds a record (key, value may be null; headers: pairs of kq_header_write). 0;
 * KQ_ETOOBIG if it does not fit any more: finish and begin another batch. A
 * record that does not fit an empty batch is too large for this limit. */
static inline int kq_builder_append(struct kq_builder *b, int64_t timestamp, struct kq_bytes key,
				    struct kq_bytes value, int32_t header_count,
				    struct kq_bytes headers)
{
	size_t max = kq_record_size_max(key.len, value.len, headers.len > 0 ? (size_t)headers.len : 0);
	if (b->plain.cap - b->plain.len < max || b->limit < b->plain.len + max) {
		int rc = kq_builder_reserve(b, max);
		if (rc)
			return rc;
	}
	int64_t delta = (int64_t)((uint64_t)timestamp - (uint64_t)b->base_timestamp);
	uint8_t *p = b->plain.buf + b->plain.len;
	p = kq_record_write(p, delta, b->count, key, value, header_count, headers);
	b->plain.len = (size_t)(p - b->plain.buf);
	b->count++;
	if (timestamp > b->max_timestamp)
		b->max_timestamp = timestamp;
	return 0;
}

/* Seals what was appended (at least one record): base offset 0, epoch -1. *batch
 * stays the builder's and is valid until the next begin or deinit; until then it
 * may be patched (kq_batch_patch_producer). KQ_ENOMEM, KQ_EUNSUPPORTED (codec). */
int kq_builder_finish(struct kq_builder *b, const struct kq_seal *seal, uint8_t **batch, size_t *n);

#endif
