#include "record/compress.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "record/codecs.h"

static const char *const names[] = { "none", "gzip", "snappy", "lz4", "zstd" };

/* ---- contexts of the calling thread ---- */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t key;

static void codecs_free(void *arg)
{
	struct kq_codecs *c = arg;
	kq_gzip_cleanup(c);
	kq_lz4_cleanup(c);
	kq_zstd_cleanup(c);
	free(c);
}

static void make_key(void)
{
	if (pthread_key_create(&key, codecs_free))
		abort();
}

/* This thread's contexts; freed when the thread ends. */
static struct kq_codecs *codecs(void)
{
	pthread_once(&once, make_key);
	struct kq_codecs *c = pthread_getspecific(key);
	if (c)
		return c;
	c = kq_calloc(1, sizeof *c);
	if (pthread_setspecific(key, c))
		abort();
	return c;
}

void kq_compress_thread_cleanup(void)
{
	pthread_once(&once, make_key);
	struct kq_codecs *c = pthread_getspecific(key);
	if (!c)
		return;
	pthread_setspecific(key, NULL);
	codecs_free(c);
}

/* ---- room for inflated bytes ---- */

int kq_codecs_room(struct kq_codecs *c, struct kq_writer *w, size_t want, uint8_t **p, size_t *n)
{
	size_t left = w->limit > w->len ? w->limit - w->len : 0;
	if (!left) {
		*p = c->spill;
		*n = sizeof c->spill;
		return w->err;
	}
	if (!kq_writer_reserve(w, want < left ? want : left))
		return w->err;
	*p = w->buf + w->len;
	*n = w->cap - w->len < left ? w->cap - w->len : left;
	return 0;
}

int kq_codecs_got(struct kq_codecs *c, struct kq_writer *w, const uint8_t *p, size_t got)
{
	if (p != c->spill)
		w->len += got;
	else if (got)
		w->err = KQ_ELIMIT;
	return w->err;
}

/* ---- the codecs by number ---- */

int kq_compress(enum kq_codec codec, int level, const void *p, size_t n, struct kq_writer *w)
{
	if (n > INT32_MAX)
		return KQ_ELIMIT;
	if (w->err)
		return w->err;
	switch (codec) {
	case KQ_CODEC_NONE:
		if (n)
			kq_write_bytes(w, p, n);
		return w->err;
	case KQ_CODEC_GZIP: return kq_gzip_compress(codecs(), level, p, n, w);
	case KQ_CODEC_SNAPPY: return kq_snappy_compress(p, n, w);
	case KQ_CODEC_LZ4: return kq_lz4_compress(codecs(), level, p, n, w);
	case KQ_CODEC_ZSTD: return kq_zstd_compress(codecs(), level, p, n, w);
	}
	return KQ_EUNSUPPORTED;
}

int kq_inflate(enum kq_codec codec, const void *p, size_t n, bool legacy_lz4,
	       struct kq_writer *w)
{
	if (n > INT32_MAX)
		return KQ_ELIMIT;
	if (w->err)
		return w->err;
	if ((unsigned)codec > KQ_CODEC_ZSTD)
		return KQ_EUNSUPPORTED;
	if (codec != KQ_CODEC_NONE && n == 0)
		return KQ_ECORRUPT; /* even nothing makes a stream of some bytes */
	switch (codec) {
	case KQ_CODEC_NONE:
		if (w->limit < w->len || n > w->limit - w->len)
			w->err = KQ_ELIMIT;
		if (n)
			kq_write_bytes(w, p, n);
		return w->err;
	case KQ_CODEC_GZIP: return kq_gzip_inflate(codecs(), p, n, w);
	case KQ_CODEC_SNAPPY: return kq_snappy_inflate(p, n, w);
	case KQ_CODEC_LZ4: return kq_lz4_inflate(codecs(), p, n, legacy_lz4, w);
	case KQ_CODEC_ZSTD: return kq_zstd_inflate(codecs(), p, n, w);
	}
	return KQ_EUNSUPPORTED;
}

int kq_codec_parse(struct kq_str name)
{
	for (int i = 0; i <= KQ_CODEC_ZSTD; i++)
		if (name.len == (int32_t)strlen(names[i]) && !memcmp(name.p, names[i], (size_t)name.len))
			return i;
	struct kq_str plain = KQ_STR("uncompressed");
	if (name.len == plain.len && !memcmp(name.p, plain.p, (size_t)plain.len))
		return KQ_CODEC_NONE;
	return -1;
}

const char *kq_codec_name(enum kq_codec codec)
{
	return (unsigned)codec <= KQ_CODEC_ZSTD ? names[codec] : "unknown";
}
