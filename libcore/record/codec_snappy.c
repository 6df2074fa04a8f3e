/* snappy, in the two forms that Kafka's clients write: one raw block (librdkafka)
 * or xerial framing (Java): 16 bytes of header, then blocks of at most 32 KiB of
 * input, each an i32 length and a raw block. */
#include "record/codecs.h"

#include <assert.h>
#include <snappy-c.h>

#include "base/reader.h"

enum {
	XERIAL_HEADER = 16,
	XERIAL_BLOCK = 32 * 1024,
	/* A copy element turns 3 bytes into at most 64: more is a lie. */
	RATIO_MAX = 32,
};

static const uint8_t xerial_magic[8] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0 };

int kq_snappy_compress(const uint8_t *p, size_t n, struct kq_writer *w)
{
	kq_write_bytes(w, xerial_magic, sizeof xerial_magic);
	kq_write_i32(w, 1); /* version, and the oldest that can read this */
	kq_write_i32(w, 1);
	while (n) {
		size_t block = n < XERIAL_BLOCK ? n : XERIAL_BLOCK;
		size_t size = snappy_max_compressed_length(block);
		if (!kq_writer_reserve(w, 4 + size))
			return w->err;
		uint8_t *to = w->buf + w->len;
		snappy_status rc = snappy_compress((const char *)p, block, (char *)to + 4, &size);
		assert(rc == SNAPPY_OK);
		(void)rc;
		kq_store_i32(to, (int32_t)size);
		w->len += 4 + size;
		p += block;
		n -= block;
	}
	return w->err;
}

static int inflate_raw(const uint8_t *p, size_t n, struct kq_writer *w)
{
	size_t size;
	if (snappy_uncompressed_length((const char *)p, n, &size) != SNAPPY_OK || size / RATIO_MAX > n)
		return KQ_ECORRUPT;
	if (w->limit < w->len || size > w->limit - w->len)
		return w->err = KQ_ELIMIT;
	if (!size)
		return n == 1 ? 0 : KQ_ECORRUPT;
	if (!kq_writer_reserve(w, size))
		return w->err;
	if (snappy_uncompress((const char *)p, n, (char *)w->buf + w->len, &size) != SNAPPY_OK)
		return KQ_ECORRUPT;
	w->len += size;
	return 0;
}

static bool is_xerial(const struct kq_reader *r)
{
	return kq_reader_left(r) >= XERIAL_HEADER && !memcmp(r->p, xerial_magic, sizeof xerial_magic);
}

int kq_snappy_inflate(const uint8_t *p, size_t n, struct kq_writer *w)
{
	struct kq_reader r;
	kq_reader_init(&r, p, n);
	if (!is_xerial(&r))
		return inflate_raw(p, n, w);
	while (kq_reader_left(&r)) {
		if (is_xerial(&r)) { /* streams may be joined */
			kq_reader_take(&r, XERIAL_HEADER);
			continue;
		}
		int32_t len = kq_read_i32(&r);
		const uint8_t *block = len > 0 ? kq_reader_take(&r, (size_t)len) : NULL;
		if (!block)
			return KQ_ECORRUPT;
		int rc = inflate_raw(block, (size_t)len, w);
		if (rc)
			return rc;
	}
	return 0;
}
