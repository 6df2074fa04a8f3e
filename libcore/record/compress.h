/* The four codecs of the format, on whole blocks of records (LOG_FORMAT
 * section 3): gzip members, snappy raw or xerial-framed, lz4 frames, zstd
 * frames without content size. Contexts are kept per thread and reused. */
#ifndef KQ_RECORD_COMPRESS_H
#define KQ_RECORD_COMPRESS_H

#include "base/writer.h"

/* Compresses n bytes onto w. level: the codec's own scale, 0 its default. Only
 * gzip and zstd (and lz4 above 2) look at it. Snappy is written in xerial
 * framing, lz4 in independent 64 KiB blocks, both as the Java client does.
 * w's limit must leave room for the codec's worst case (n + n/6 + 4096 covers all
 * four), however small the result. KQ_EUNSUPPORTED for an unknown codec, KQ_ELIMIT,
 * KQ_ENOMEM. */
int kq_compress(enum kq_codec codec, int level, const void *p, size_t n, struct kq_writer *w);

/* Inflates n bytes onto w; w->limit bounds the result (a bomb gives KQ_ELIMIT).
 * legacy_lz4: accept the wrong header checksum that magic 0 messages carry.
 * On error w may hold a part of the result. KQ_ECORRUPT for a bad stream (also
 * one of no bytes at all, or one whose end is missing), KQ_ENOMEM, KQ_EUNSUPPORTED
 * for an unknown codec. */
int kq_inflate(enum kq_codec codec, const void *p, size_t n, bool legacy_lz4,
	       struct kq_writer *w);

/* "none", "gzip", "snappy", "lz4", "zstd" (and "uncompressed" for none, as Kafka
 * spells it in configs). -1 if the name is none of them. */
int kq_codec_parse(struct kq_str name);
const char *kq_codec_name(enum kq_codec codec);

/* Frees the calling thread's contexts. */
void kq_compress_thread_cleanup(void);

#endif
