/* zstd: frames without content size, as Java and librdkafka write them.
 *
 * Inflating does not stream: the one-shot decoder writes straight into the
 * result and needs no window (a header could ask for 128 MiB of it). Since the
 * size is not told, it is guessed from what came before, and a guess too small
 * is repeated with twice the room. */
#include "record/codecs.h"

#include <zstd.h>
#include <zstd_errors.h>

enum { ROOM_MIN = 4096, RATIO_FIRST = 4 * 6, RATIO_MAX = 4 * 64 };

int kq_zstd_compress(struct kq_codecs *c, int level, const uint8_t *p, size_t n, struct kq_writer *w)
{
	if (!c->zstd_c && !(c->zstd_c = ZSTD_createCCtx()))
		return w->err = KQ_ENOMEM;
	ZSTD_CCtx_setParameter(c->zstd_c, ZSTD_c_contentSizeFlag, 0);
	if (ZSTD_isError(ZSTD_CCtx_setParameter(c->zstd_c, ZSTD_c_compressionLevel, level)))
		ZSTD_CCtx_setParameter(c->zstd_c, ZSTD_c_compressionLevel, 0);
	size_t bound = ZSTD_compressBound(n);
	if (!kq_writer_reserve(w, bound))
		return w->err;
	size_t got = ZSTD_compress2(c->zstd_c, w->buf + w->len, bound, p, n);
	if (ZSTD_isError(got))
		return w->err = KQ_ENOMEM;
	w->len += got;
	return 0;
}

static size_t guess(struct kq_codecs *c, const uint8_t *p, size_t n, size_t left)
{
	unsigned long long told = ZSTD_getFrameContentSize(p, n);
	size_t want = n / 4 * (c->zstd_ratio ? c->zstd_ratio : RATIO_FIRST) + ROOM_MIN;
	if (told < ZSTD_CONTENTSIZE_ERROR && told > want && told <= left)
		want = (size_t)told;
	return want;
}

int kq_zstd_inflate(struct kq_codecs *c, const uint8_t *p, size_t n, struct kq_writer *w)
{
	if (!c->zstd_d && !(c->zstd_d = ZSTD_createDCtx()))
		return w->err = KQ_ENOMEM;
	size_t left = w->limit > w->len ? w->limit - w->len : 0;
	size_t want = guess(c, p, n, left), room;
	for (;; want = room * 2) {
		uint8_t *to;
		int rc = kq_codecs_room(c, w, want, &to, &room);
		if (rc)
			return rc;
		size_t got = ZSTD_decompressDCtx(c->zstd_d, to, room, p, n);
		if (!ZSTD_isError(got)) {
			size_t ratio = got / (n / 4 + 1) + 1;
			ratio += ratio / 8 + 1; /* a little more saves the second try */
			c->zstd_ratio = ratio < RATIO_MAX ? ratio : RATIO_MAX;
			return kq_codecs_got(c, w, to, got);
		}
		if (ZSTD_getErrorCode(got) != ZSTD_error_dstSize_tooSmall)
			return KQ_ECORRUPT;
		if (room >= left || to == c->spill)
			return w->err = KQ_ELIMIT;
	}
}

void kq_zstd_cleanup(struct kq_codecs *c)
{
	ZSTD_freeCCtx(c->zstd_c);
	ZSTD_freeDCtx(c->zstd_d);
	c->zstd_c = NULL;
	c->zstd_d = NULL;
}
