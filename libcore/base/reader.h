/* Reads big-endian numbers, varints, strings and bytes from a borrowed buffer.
 *
 * The error is sticky: after the first failure every read returns zero, and
 * the caller checks kq_reader_failed() once per message. Nothing read is
 * copied; strings and bytes point into the buffer and live as long as it. */
#ifndef KQ_BASE_READER_H
#define KQ_BASE_READER_H

#include <string.h>

#include "kq/error.h"
#include "kq/types.h"

struct kq_reader {
	const uint8_t *p;   /* next byte */
	const uint8_t *end; /* one past the last byte */
	int err;            /* 0, KQ_ETRUNC or KQ_ECORRUPT; the first one stays */
};

static inline void kq_reader_init(struct kq_reader *r, const void *p, size_t n)
{
	r->p = p;
	r->end = (const uint8_t *)p + n;
	r->err = 0;
}

static inline size_t kq_reader_left(const struct kq_reader *r)
{
	return (size_t)(r->end - r->p);
}

static inline bool kq_reader_failed(const struct kq_reader *r)
{
	return r->err != 0;
}

static inline void kq_reader_fail(struct kq_reader *r, int err)
{
	if (!r->err)
		r->err = err;
	r->p = r->end;
}

/* The next n bytes, or NULL (and the error is set) if there are fewer. */
static inline const uint8_t *kq_reader_take(struct kq_reader *r, size_t n)
{
	if (n > kq_reader_left(r)) {
		kq_reader_fail(r, KQ_ETRUNC);
		return NULL;
	}
	const uint8_t *p = r->p;
	r->p += n;
	return p;
}

static inline uint16_t kq_load_u16(const void *p)
{
	uint16_t v;
	memcpy(&v, p, 2);
	return __builtin_bswap16(v);
}

static inline uint32_t kq_load_u32(const void *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return __builtin_bswap32(v);
}

static inline uint64_t kq_load_u64(const void *p)
{
	uint64_t v;
	memcpy(&v, p, 8);
	return __builtin_bswap64(v);
}

static inline int16_t kq_load_i16(const void *p) { return (int16_t)kq_load_u16(p); }
static inline int32_t kq_load_i32(const void *p) { return (int32_t)kq_load_u32(p); }
static inline int64_t kq_load_i64(const void *p) { return (int64_t)kq_load_u64(p); }

static inline int8_t kq_read_i8(struct kq_reader *r)
{
	const uint8_t *p = kq_reader_take(r, 1);
	return p ? (int8_t)*p : 0;
}

static inline int16_t kq_read_i16(struct kq_reader *r)
{
	const uint8_t *p = kq_reader_take(r, 2);
	return p ? kq_load_i16(p) : 0;
}

static inline int32_t kq_read_i32(struct kq_reader *r)
{
	const uint8_t *p = kq_reader_take(r, 4);
	return p ? kq_load_i32(p) : 0;
}

static inline uint32_t kq_read_u32(struct kq_reader *r)
{
	const uint8_t *p = kq_reader_take(r, 4);
	return p ? kq_load_u32(p) : 0;
}

static inline int64_t kq_read_i64(struct kq_reader *r)
{
	const uint8_t *p = kq_reader_take(r, 8);
	return p ? kq_load_i64(p) : 0;
}

/* UNSIGNED_VARINT: at most 5 bytes, value at most 2^32-1, else KQ_ECORRUPT. */
uint32_t kq_read_uvarint(struct kq_reader *r);

/* Zigzag VARINT (32 bit, at most 5 bytes) and VARLONG (64 bit, at most 10). */
int32_t kq_read_varint(struct kq_reader *r);
int64_t kq_read_varlong(struct kq_reader *r);

#endif
