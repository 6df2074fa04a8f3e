#include "record/batch_inflate.h"

#include <assert.h>

#include "record/compress.h"

int kq_batch_inflate(const struct kq_batch *b, struct kq_writer *scratch,
		     const uint8_t **records, size_t *n)
{
	assert(b->size >= KQ_BATCH_HEADER_SIZE);
	const uint8_t *p = b->bytes + KQ_BATCH_HEADER_SIZE;
	size_t size = (size_t)b->size - KQ_BATCH_HEADER_SIZE;
	*records = p;
	*n = size;
	if (kq_batch_codec(b) == KQ_CODEC_NONE)
		return 0;
	kq_writer_reset(scratch);
	int rc = kq_inflate(kq_batch_codec(b), p, size, false, scratch);
	if (rc)
		return rc;
	if (scratch->len) /* nothing inflated: a pointer that is not NULL stays */
		*records = scratch->buf;
	*n = scratch->len;
	return 0;
}

int kq_batch_recompress(const struct kq_batch *b, enum kq_codec codec, int level,
			struct kq_writer *scratch, struct kq_writer *out)
{
	const uint8_t *records;
	size_t n, start = out->len;
	int rc = kq_batch_inflate(b, scratch, &records, &n);
	if (rc)
		return rc;
	if (!kq_writer_extend(out, KQ_BATCH_HEADER_SIZE))
		return out->err;
	rc = kq_compress(codec, level, records, n, out);
	if (rc)
		return rc;
	if (out->len - start > INT32_MAX)
		return KQ_ELIMIT;
	struct kq_batch packed = *b;
	packed.size = (int32_t)(out->len - start);
	packed.attributes = (int16_t)((b->attributes & ~KQ_BATCH_CODEC_MASK) | codec);
	kq_batch_seal(out->buf + start, &packed);
	return 0;
}
