/* gzip: RFC 1952 members; several may follow each other and read as one. */
#include "record/codecs.h"

#include <assert.h>
#include <stdlib.h>
#include <zlib.h>

#include "base/alloc.h"

enum { GZIP_WINDOW = MAX_WBITS + 16, MEM_LEVEL = 8, ROOM_MIN = 4096 };

static int make_deflate(struct kq_codecs *c, int level)
{
	z_stream *z = kq_calloc(1, sizeof *z);
	if (deflateInit2(z, level, Z_DEFLATED, GZIP_WINDOW, MEM_LEVEL, Z_DEFAULT_STRATEGY) != Z_OK) {
		free(z);
		return KQ_ENOMEM;
	}
	c->deflate = z;
	c->deflate_level = level;
	return 0;
}

static void drop_deflate(struct kq_codecs *c)
{
	if (c->deflate)
		deflateEnd(c->deflate);
	free(c->deflate);
	c->deflate = NULL;
}

int kq_gzip_compress(struct kq_codecs *c, int level, const uint8_t *p, size_t n, struct kq_writer *w)
{
	level = level < 1 || level > 9 ? Z_DEFAULT_COMPRESSION : level;
	if (c->deflate && c->deflate_level != level)
		drop_deflate(c);
	if (!c->deflate && make_deflate(c, level))
		return w->err = KQ_ENOMEM;
	z_stream *z = c->deflate;
	deflateReset(z);
	size_t bound = deflateBound(z, n);
	if (!kq_writer_reserve(w, bound))
		return w->err;
	z->next_in = (uint8_t *)(uintptr_t)p;
	z->avail_in = (uInt)n;
	z->next_out = w->buf + w->len;
	z->avail_out = (uInt)bound;
	int rc = deflate(z, Z_FINISH);
	assert(rc == Z_STREAM_END);
	(void)rc;
	w->len += bound - z->avail_out;
	return 0;
}

static int start_inflate(struct kq_codecs *c)
{
	if (c->inflate)
		return inflateReset(c->inflate) == Z_OK ? 0 : KQ_ENOMEM;
	z_stream *z = kq_calloc(1, sizeof *z);
	if (inflateInit2(z, GZIP_WINDOW) != Z_OK) {
		free(z);
		return KQ_ENOMEM;
	}
	c->inflate = z;
	return 0;
}

int kq_gzip_inflate(struct kq_codecs *c, const uint8_t *p, size_t n, struct kq_writer *w)
{
	if (start_inflate(c))
		return w->err = KQ_ENOMEM;
	z_stream *z = c->inflate;
	z->next_in = (uint8_t *)(uintptr_t)p;
	z->avail_in = (uInt)n;
	size_t want = n < ROOM_MIN / 4 ? ROOM_MIN : n * 4;
	for (;;) {
		uint8_t *to;
		size_t room;
		int rc = kq_codecs_room(c, w, want, &to, &room);
		if (rc)
			return rc;
		z->next_out = to;
		z->avail_out = room > INT32_MAX ? INT32_MAX : (uInt)room;
		int zrc = inflate(z, Z_NO_FLUSH);
		rc = kq_codecs_got(c, w, to, (size_t)(z->next_out - to));
		if (rc)
			return rc;
		if (zrc == Z_STREAM_END) {
			if (!z->avail_in)
				return 0;
			inflateReset(z);
		} else if (zrc == Z_MEM_ERROR) {
			return w->err = KQ_ENOMEM;
		} else if (zrc != Z_OK || (!z->avail_in && z->avail_out)) {
			return KQ_ECORRUPT; /* no gzip, or its end is missing */
		}
		want = z->avail_out ? 1 : ROOM_MIN;
	}
}

void kq_gzip_cleanup(struct kq_codecs *c)
{
	drop_deflate(c);
	if (c->inflate)
		inflateEnd(c->inflate);
	free(c->inflate);
	c->inflate = NULL;
}
