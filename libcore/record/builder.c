#include "record/builder.h"

#include <assert.h>

#include "record/compress.h"

void kq_builder_init(struct kq_builder *b, size_t limit)
{
	assert(limit <= INT32_MAX / 2);
	*b = (struct kq_builder){ .limit = limit };
	/* The limit is held by reserve; compressing may take a little more. */
	kq_writer_init(&b->plain, INT32_MAX);
	kq_writer_init(&b->packed, INT32_MAX);
}

void kq_builder_deinit(struct kq_builder *b)
{
	kq_writer_deinit(&b->plain);
	kq_writer_deinit(&b->packed);
	b->count = 0;
}

int kq_builder_begin(struct kq_builder *b, int64_t timestamp)
{
	kq_writer_reset(&b->plain);
	kq_writer_reset(&b->packed);
	b->base_timestamp = b->max_timestamp = timestamp;
	b->count = 0;
	if (!kq_writer_extend(&b->plain, KQ_BATCH_HEADER_SIZE))
		return b->plain.err;
	return 0;
}

int kq_builder_reserve(struct kq_builder *b, size_t size)
{
	assert(b->plain.len >= KQ_BATCH_HEADER_SIZE);
	if (b->plain.len > b->limit || size > b->limit - b->plain.len)
		return KQ_ETOOBIG;
	if (kq_writer_reserve(&b->plain, size))
		return 0;
	b->plain.err = 0; /* what is there is whole and may still be sent */
	return KQ_ENOMEM;
}

/* Compresses the records behind a header's room: 0, 1 if the plain form is to be
 * sent, or an error. */
static int pack(struct kq_builder *b, const struct kq_seal *seal)
{
	if (seal->codec == KQ_CODEC_NONE)
		return 1;
	kq_writer_reset(&b->packed);
	if (!kq_writer_extend(&b->packed, KQ_BATCH_HEADER_SIZE))
		return b->packed.err;
	int rc = kq_compress(seal->codec, seal->level, b->plain.buf + KQ_BATCH_HEADER_SIZE,
			     b->plain.len - KQ_BATCH_HEADER_SIZE, &b->packed);
	if (rc)
		return rc;
	return !seal->codec_always && b->packed.len >= b->plain.len;
}

int kq_builder_finish(struct kq_builder *b, const struct kq_seal *seal, uint8_t **batch, size_t *n)
{
	assert(b->count > 0);
	int rc = pack(b, seal);
	if (rc < 0)
		return rc;
	struct kq_writer *w = rc ? &b->plain : &b->packed;
	enum kq_codec codec = rc ? KQ_CODEC_NONE : seal->codec;
	const struct kq_batch head = {
		.size = (int32_t)w->len,
		.leader_epoch = -1,
		.attributes = (int16_t)(seal->attributes | codec),
		.last_offset_delta = b->count - 1,
		.base_timestamp = b->base_timestamp,
		.max_timestamp = b->max_timestamp,
		.producer_id = seal->producer_id,
		.producer_epoch = seal->producer_epoch,
		.base_sequence = seal->base_sequence,
		.count = b->count,
	};
	kq_batch_seal(w->buf, &head);
	*batch = w->buf;
	*n = w->len;
	return 0;
}
