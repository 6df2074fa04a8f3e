/* Inside record/: the codecs that compress.c chooses from, and what they keep
 * per thread. Each pair is kq_compress and kq_inflate for one codec; sizes are
 * below 2 GiB and, for inflating, above 0. */
#ifndef KQ_RECORD_CODECS_H
#define KQ_RECORD_CODECS_H

#include "base/writer.h"

struct z_stream_s;
struct LZ4F_cctx_s;
struct LZ4F_dctx_s;
struct ZSTD_CCtx_s;
struct ZSTD_DCtx_s;

/* One thread's contexts, made at first use. */
struct kq_codecs {
	struct z_stream_s *deflate, *inflate;
	int deflate_level; /* that the deflate stream is set to */
	struct LZ4F_cctx_s *lz4_c;
	struct LZ4F_dctx_s *lz4_d;
	struct ZSTD_CCtx_s *zstd_c;
	struct ZSTD_DCtx_s *zstd_d;
	size_t zstd_ratio; /* how far recent blocks inflated, in quarters */
	uint8_t spill[8];  /* where a decoder writes that has filled its limit */
};

/* Room for inflated bytes: about want (> 0), fewer where the limit is near; at
 * the limit a few bytes of spill, which a stream that is done leaves alone. */
int kq_codecs_room(struct kq_codecs *c, struct kq_writer *w, size_t want, uint8_t **p, size_t *n);

/* Counts got bytes at p as written; KQ_ELIMIT if they went to the spill. */
int kq_codecs_got(struct kq_codecs *c, struct kq_writer *w, const uint8_t *p, size_t got);

int kq_gzip_compress(struct kq_codecs *c, int level, const uint8_t *p, size_t n, struct kq_writer *w);
int kq_gzip_inflate(struct kq_codecs *c, const uint8_t *p, size_t n, struct kq_writer *w);
void kq_gzip_cleanup(struct kq_codecs *c);

int kq_snappy_compress(const uint8_t *p, size_t n, struct kq_writer *w);
int kq_snappy_inflate(const uint8_t *p, size_t n, struct kq_writer *w);

int kq_lz4_compress(struct kq_codecs *c, int level, const uint8_t *p, size_t n, struct kq_writer *w);
int kq_lz4_inflate(struct kq_codecs *c, const uint8_t *p, size_t n, bool legacy, struct kq_writer *w);
void kq_lz4_cleanup(struct kq_codecs *c);

int kq_zstd_compress(struct kq_codecs *c, int level, const uint8_t *p, size_t n, struct kq_writer *w);
int kq_zstd_inflate(struct kq_codecs *c, const uint8_t *p, size_t n, struct kq_writer *w);
void kq_zstd_cleanup(struct kq_codecs *c);

#endif
