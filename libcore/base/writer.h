/* Writes big-endian numbers, varints and bytes to a growing buffer.
 *
 * The error is sticky: once memory or the limit is exhausted, writes do
 * nothing and kq_writer_failed() says so. The buffer belongs to the writer
 * until kq_writer_take() hands it out. */
#ifndef KQ_BASE_WRITER_H
#define KQ_BASE_WRITER_H

#include <string.h>

#include "kq/error.h"
#include "kq/types.h"

struct kq_writer {
	uint8_t *buf;
	size_t len;   /* bytes written */
	size_t cap;   /* bytes allocated */
	size_t limit; /* never grows past this many bytes */
	int err;      /* 0, KQ_ENOMEM or KQ_ELIMIT; the first one stays */
};

/* An empty writer that may hold up to limit bytes; allocates nothing yet. */
void kq_writer_init(struct kq_writer *w, size_t limit);

/* Frees the buffer. */
void kq_writer_deinit(struct kq_writer *w);

/* Forgets what was written (and the error) and keeps the memory. */
void kq_writer_reset(struct kq_writer *w);

/* The buffer, now the caller's to free(); the writer is empty after. */
uint8_t *kq_writer_take(struct kq_writer *w, size_t *len);

/* Grows so that n more bytes fit; false (and the error set) if impossible. */
bool kq_writer_reserve(struct kq_writer *w, size_t n);

/* n bytes of room, counted as written, for the caller to fill; NULL on error.
 * Valid until the next write. */
uint8_t *kq_writer_extend(struct kq_writer *w, size_t n);

static inline bool kq_writer_failed(const struct kq_writer *w)
{
	return w->err != 0;
}

static inline void kq_store_u16(void *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, 2);
}

static inline void kq_store_u32(void *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, 4);
}

static inline void kq_store_u64(void *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, 8);
}

static inline void kq_store_i16(void *p, int16_t v) { kq_store_u16(p, (uint16_t)v); }
static inline void kq_store_i32(void *p, int32_t v) { kq_store_u32(p, (uint32_t)v); }
static inline void kq_store_i64(void *p, int64_t v) { kq_store_u64(p, (uint64_t)v); }

/* Bytes that a varint of this value takes. */
static inline int kq_uvarint_size(uint64_t v)
{
	return (70 - (int)__builtin_clzll(v | 1)) / 7;
}

static inline uint32_t kq_zigzag32(int32_t v) { return ((uint32_t)v << 1) ^ (uint32_t)(v >> 31); }
static inline uint64_t kq_zigzag64(int64_t v) { return ((uint64_t)v << 1) ^ (uint64_t)(v >> 63); }
static inline int kq_varint_size(int32_t v) { return kq_uvarint_size(kq_zigzag32(v)); }
static inline int kq_varlong_size(int64_t v) { return kq_uvarint_size(kq_zigzag64(v)); }

/* Lays v at p in groups of 7 bits and returns the byte after it. At most 10
 * bytes; the caller has made room. */
static inline uint8_t *kq_store_uvarint(uint8_t *p, uint64_t v)
{
	while (v >= 0x80) {
		*p++ = (uint8_t)(v | 0x80);
		v >>= 7;
	}
	*p++ = (uint8_t)v;
	return p;
}

static inline uint8_t *kq_store_varint(uint8_t *p, int32_t v)
{
	return kq_store_uvarint(p, kq_zigzag32(v));
}

static inline uint8_t *kq_store_varlong(uint8_t *p, int64_t v)
{
	return kq_store_uvarint(p, kq_zigzag64(v));
}

void kq_write_bytes(struct kq_writer *w, const void *p, size_t n);
void kq_write_i8(struct kq_writer *w, int8_t v);
void kq_write_i16(struct kq_writer *w, int16_t v);
void kq_write_i32(struct kq_writer *w, int32_t v);
void kq_write_i64(struct kq_writer *w, int64_t v);
void kq_write_uvarint(struct kq_writer *w, uint64_t v);
void kq_write_varint(struct kq_writer *w, int32_t v);
void kq_write_varlong(struct kq_writer *w, int64_t v);

#endif
