/* lz4: frames with independent blocks of 64 KiB and no content size or checksum,
 * as the Java client reads them. Read: any frame, several in a row. */
#include "record/codecs.h"

#include <lz4frame.h>

#include "base/reader.h"

enum {
	HEADER_MAX = 19,
	FLAG_CONTENT_SIZE = 0x08,
	FLAG_DICT_ID = 0x01,
	ROOM_MIN = 4096,
};

int kq_lz4_compress(struct kq_codecs *c, int level, const uint8_t *p, size_t n, struct kq_writer *w)
{
	LZ4F_preferences_t prefs = {
		.frameInfo = { .blockSizeID = LZ4F_max64KB, .blockMode = LZ4F_blockIndependent },
		.compressionLevel = level,
		.autoFlush = 1,
	};
	if (!c->lz4_c && LZ4F_isError(LZ4F_createCompressionContext(&c->lz4_c, LZ4F_VERSION)))
		return w->err = KQ_ENOMEM;
	size_t cap = HEADER_MAX + LZ4F_compressBound(n, &prefs);
	if (!kq_writer_reserve(w, cap))
		return w->err;
	uint8_t *to = w->buf + w->len;
	size_t head = LZ4F_compressBegin(c->lz4_c, to, cap, &prefs);
	if (LZ4F_isError(head))
		return w->err = KQ_ENOMEM;
	size_t body = LZ4F_compressUpdate(c->lz4_c, to + head, cap - head, p, n, NULL);
	if (LZ4F_isError(body))
		return w->err = KQ_ENOMEM;
	size_t tail = LZ4F_compressEnd(c->lz4_c, to + head + body, cap - head - body, NULL);
	if (LZ4F_isError(tail))
		return w->err = KQ_ENOMEM;
	w->len += head + body + tail;
	return 0;
}

static uint32_t rotl(uint32_t v, int by)
{
	return v << by | v >> (32 - by);
}

/* xxHash32 with seed 0 of fewer than 16 bytes: enough for a frame descriptor. */
static uint32_t xxh32_short(const uint8_t *p, size_t n)
{
	const uint32_t prime[] = { 2654435761U, 2246822519U, 3266489917U, 668265263U, 374761393U };
	uint32_t h = prime[4] + (uint32_t)n;
	for (; n >= 4; p += 4, n -= 4)
		h = rotl(h + __builtin_bswap32(kq_load_u32(p)) * prime[2], 17) * prime[3];
	for (; n; p++, n--)
		h = rotl(h + *p * prime[4], 11) * prime[0];
	h = (h ^ h >> 15) * prime[1];
	h = (h ^ h >> 13) * prime[2];
	return h ^ h >> 16;
}

/* Copies the frame's header with the checksum put right: old clients took it over
 * the magic number too. Returns its size, or 0 if the bytes are no frame. */
static size_t mend_header(const uint8_t *p, size_t n, uint8_t header[HEADER_MAX])
{
	static const uint8_t magic[] = { 0x04, 0x22, 0x4d, 0x18 };
	if (n < 7 || memcmp(p, magic, sizeof magic) != 0)
		return 0;
	size_t size = 7 + (p[4] & FLAG_CONTENT_SIZE ? 8 : 0) + (p[4] & FLAG_DICT_ID ? 4 : 0);
	if (n < size)
		return 0;
	memcpy(header, p, size);
	header[size - 1] = (uint8_t)(xxh32_short(p + 4, size - 5) >> 8);
	return size;
}

/* Feeds all n bytes; *hint is 0 after the last if a frame ended there. */
static int feed(struct kq_codecs *c, const uint8_t *p, size_t n, struct kq_writer *w, size_t *hint)
{
	size_t want = n < ROOM_MIN / 2 ? ROOM_MIN : n * 2;
	for (;;) {
		uint8_t *to;
		size_t room, used = n;
		int rc = kq_codecs_room(c, w, want, &to, &room);
		if (rc)
			return rc;
		size_t cap = room;
		*hint = LZ4F_decompress(c->lz4_d, to, &room, p, &used, NULL);
		if (LZ4F_isError(*hint))
			return KQ_ECORRUPT;
		rc = kq_codecs_got(c, w, to, room);
		if (rc)
			return rc;
		p += used;
		n -= used;
		if (!n && (room < cap || !*hint))
			return 0;
		if (!used && !room)
			return KQ_ECORRUPT;
		want = room == cap ? ROOM_MIN : 1;
	}
}

int kq_lz4_inflate(struct kq_codecs *c, const uint8_t *p, size_t n, bool legacy, struct kq_writer *w)
{
	if (!c->lz4_d && LZ4F_isError(LZ4F_createDecompressionContext(&c->lz4_d, LZ4F_VERSION)))
		return w->err = KQ_ENOMEM;
	uint8_t header[HEADER_MAX];
	size_t hint = 1, size = legacy ? mend_header(p, n, header) : 0;
	int rc = size ? feed(c, header, size, w, &hint) : 0;
	if (!rc)
		rc = feed(c, p + size, n - size, w, &hint);
	if (!rc && hint)
		rc = KQ_ECORRUPT; /* the end of the frame is missing */
	if (rc) {
		/* Not merely reset: a frame that breaks off leaves its content size
		 * behind (lz4 1.9.4), and the next good frame would be refused. */
		LZ4F_freeDecompressionContext(c->lz4_d);
		c->lz4_d = NULL;
	}
	return rc;
}

void kq_lz4_cleanup(struct kq_codecs *c)
{
	LZ4F_freeCompressionContext(c->lz4_c);
	LZ4F_freeDecompressionContext(c->lz4_d);
	c->lz4_c = NULL;
	c->lz4_d = NULL;
}
