/* Types that every layer and every public header share: borrowed strings and
 * bytes, and ids.
 *
 * Nothing here owns memory. A kq_str or kq_bytes points into a buffer that
 * somebody else keeps; whoever hands one out says until when it is valid. */
#ifndef KQ_TYPES_H
#define KQ_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Borrowed text, not NUL-terminated. len -1 is Kafka's null, 0 is empty. */
struct kq_str {
	const char *p;
	int32_t len;
};

/* Borrowed bytes. len -1 is Kafka's null. */
struct kq_bytes {
	const uint8_t *p;
	int32_t len;
};

/* Topic and directory ids: 16 bytes, most significant first. All zero = none. */
struct kq_uuid {
	uint8_t b[16];
};

/* Values of acks (Produce). */
enum { KQ_ACKS_NONE = 0, KQ_ACKS_LEADER = 1, KQ_ACKS_ALL = -1 };

/* Codec numbers as in a batch's attributes (bits 0 to 2). */
enum kq_codec {
	KQ_CODEC_NONE = 0,
	KQ_CODEC_GZIP = 1,
	KQ_CODEC_SNAPPY = 2,
	KQ_CODEC_LZ4 = 3,
	KQ_CODEC_ZSTD = 4,
};

/* A string literal as a kq_str. */
#define KQ_STR(lit) ((struct kq_str){ (lit), (int32_t)(sizeof(lit) - 1) })
#define KQ_STR_NULL ((struct kq_str){ NULL, -1 })
#define KQ_BYTES_NULL ((struct kq_bytes){ NULL, -1 })

#endif
