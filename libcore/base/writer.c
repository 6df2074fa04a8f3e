#include "base/writer.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

void kq_writer_init(struct kq_writer *w, size_t limit)
{
	*w = (struct kq_writer){ .limit = limit };
}

void kq_writer_deinit(struct kq_writer *w)
{
	free(w->buf);
	*w = (struct kq_writer){ .limit = w->limit };
}

void kq_writer_reset(struct kq_writer *w)
{
	w->len = 0;
	w->err = 0;
}

uint8_t *kq_writer_take(struct kq_writer *w, size_t *len)
{
	uint8_t *buf = w->buf;
	*len = w->len;
	*w = (struct kq_writer){ .limit = w->limit };
	return buf;
}

bool kq_writer_reserve(struct kq_writer *w, size_t n)
{
	assert(w->len <= w->cap);
	if (w->err)
		return false;
	if (w->buf && n <= w->cap - w->len)
		return true;
	if (w->len > w->limit || n > w->limit - w->len) {
		w->err = KQ_ELIMIT;
		return false;
	}
	size_t cap = w->cap ? w->cap : 256;
	while (cap - w->len < n)
		cap *= 2;
	if (cap > w->limit)
		cap = w->limit; /* or what fits in cap would pass the limit later */
	uint8_t *buf = kq_try_realloc(w->buf, cap);
	if (!buf) {
		w->err = KQ_ENOMEM;
		return false;
	}
	w->buf = buf;
	w->cap = cap;
	return true;
}

uint8_t *kq_writer_extend(struct kq_writer *w, size_t n)
{
	if (!kq_writer_reserve(w, n))
		return NULL;
	uint8_t *p = w->buf + w->len;
	w->len += n;
	return p;
}

void kq_write_bytes(struct kq_writer *w, const void *p, size_t n)
{
	uint8_t *to = kq_writer_extend(w, n);
	if (to && n)
		memcpy(to, p, n);
}

void kq_write_i8(struct kq_writer *w, int8_t v)
{
	kq_write_bytes(w, &v, 1);
}

void kq_write_i16(struct kq_writer *w, int16_t v)
{
	uint8_t *p = kq_writer_extend(w, 2);
	if (p)
		kq_store_i16(p, v);
}

void kq_write_i32(struct kq_writer *w, int32_t v)
{
	uint8_t *p = kq_writer_extend(w, 4);
	if (p)
		kq_store_i32(p, v);
}

void kq_write_i64(struct kq_writer *w, int64_t v)
{
	uint8_t *p = kq_writer_extend(w, 8);
	if (p)
		kq_store_i64(p, v);
}

void kq_write_uvarint(struct kq_writer *w, uint64_t v)
{
	uint8_t *p = kq_writer_extend(w, (size_t)kq_uvarint_size(v));
	if (p)
		kq_store_uvarint(p, v);
}

void kq_write_varint(struct kq_writer *w, int32_t v)
{
	kq_write_uvarint(w, kq_zigzag32(v));
}

void kq_write_varlong(struct kq_writer *w, int64_t v)
{
	kq_write_uvarint(w, kq_zigzag64(v));
}
