/* The walk is the consumer's hot path: each varint of one or two bytes (nearly
 * all are) is decoded in line, longer ones by a loop; nothing is read past the
 * record's own end, so that a broken length cannot leak into the next record. */
#include "record/record.h"

#include <assert.h>

/* A varint of up to max_bytes at p, before end: the byte after it, or NULL. */
static const uint8_t *long_varint(const uint8_t *p, const uint8_t *end, int max_bytes, uint64_t *v)
{
	uint64_t u = 0;
	for (int i = 0; i < max_bytes && p < end; i++) {
		uint8_t c = *p++;
		u |= (uint64_t)(c & 0x7f) << (7 * i);
		if (!(c & 0x80)) {
			*v = u;
			return p;
		}
	}
	return NULL;
}

static inline const uint8_t *get_raw(const uint8_t *p, const uint8_t *end, int max_bytes, uint64_t *v)
{
	if (__builtin_expect(p < end && p[0] < 0x80, 1)) {
		*v = p[0];
		return p + 1;
	}
	if (end - p >= 2 && p[1] < 0x80) {
		*v = (uint64_t)(p[0] & 0x7f) | (uint64_t)p[1] << 7;
		return p + 2;
	}
	return long_varint(p, end, max_bytes, v);
}

static inline const uint8_t *get_varlong(const uint8_t *p, const uint8_t *end, int64_t *v)
{
	uint64_t u = 0;
	p = get_raw(p, end, 10, &u);
	*v = (int64_t)(u >> 1 ^ (~(u & 1) + 1));
	return p;
}

static inline const uint8_t *get_varint(const uint8_t *p, const uint8_t *end, int32_t *v)
{
	uint64_t u = 0;
	p = get_raw(p, end, 5, &u);
	*v = (int32_t)((uint32_t)u >> 1 ^ (~((uint32_t)u & 1) + 1));
	return u > UINT32_MAX ? NULL : p;
}

/* A length (least: the smallest allowed, -1 where null is) and that many bytes. */
static inline const uint8_t *get_bytes(const uint8_t *p, const uint8_t *end, int32_t least,
				       struct kq_bytes *b)
{
	p = get_varint(p, end, &b->len);
	if (!p || b->len < least || b->len > end - p)
		return NULL;
	b->p = b->len < 0 ? NULL : p;
	return p + (b->len < 0 ? 0 : b->len);
}

static inline const uint8_t *get_header(const uint8_t *p, const uint8_t *end, struct kq_header *h)
{
	struct kq_bytes key;
	p = get_bytes(p, end, 0, &key);
	if (!p)
		return NULL;
	h->key = (struct kq_str){ (const char *)key.p, key.len };
	return get_bytes(p, end, -1, &h->value);
}

/* Whether count headers fill p to end exactly. */
static bool headers_fit(const uint8_t *p, const uint8_t *end, int32_t count)
{
	struct kq_header h;
	for (; count > 0; count--) {
		p = get_header(p, end, &h);
		if (!p)
			return false;
	}
	return p == end;
}

void kq_record_iter_init(struct kq_record_iter *it, const struct kq_batch *b,
			 const uint8_t *records, size_t n)
{
	kq_reader_init(&it->r, records, n);
	it->batch = b;
	it->left = b->count;
}

static int corrupt(struct kq_record_iter *it)
{
	kq_reader_fail(&it->r, KQ_ECORRUPT);
	return KQ_ECORRUPT;
}

/* Fills *rec from the record's bytes after its length; false if they are wrong. */
static inline bool parse(const uint8_t *p, const uint8_t *end, const struct kq_batch *b,
			 struct kq_record *rec)
{
	int64_t timestamp_delta;
	int32_t offset_delta;
	if (p == end)
		return false;
	p++; /* attributes: none are defined */
	if (!(p = get_varlong(p, end, &timestamp_delta)) ||
	    !(p = get_varint(p, end, &offset_delta)) ||
	    !(p = get_bytes(p, end, -1, &rec->key)) ||
	    !(p = get_bytes(p, end, -1, &rec->value)) ||
	    !(p = get_varint(p, end, &rec->header_count)))
		return false;
	/* Sums wrap: what a peer sent may lie anywhere. */
	rec->offset = (int64_t)((uint64_t)b->base_offset + (uint64_t)(int64_t)offset_delta);
	rec->timestamp = b->attributes & KQ_BATCH_LOG_APPEND_TIME
		? b->max_timestamp
		: (int64_t)((uint64_t)b->base_timestamp + (uint64_t)timestamp_delta);
	rec->headers = (struct kq_bytes){ p, (int32_t)(end - p) };
	if (__builtin_expect(rec->header_count == 0, 1))
		return p == end;
	return rec->header_count > 0 && headers_fit(p, end, rec->header_count);
}

int kq_record_next(struct kq_record_iter *it, struct kq_record *rec)
{
	if (kq_reader_failed(&it->r))
		return KQ_ECORRUPT;
	if (it->left <= 0)
		return it->left < 0 || it->r.p != it->r.end ? corrupt(it) : 0;
	int32_t length;
	const uint8_t *p = get_varint(it->r.p, it->r.end, &length);
	if (!p || length < 0 || length > it->r.end - p || !parse(p, p + length, it->batch, rec))
		return corrupt(it);
	it->r.p = p + length;
	it->left--;
	return 1;
}

int kq_header_next(struct kq_reader *r, struct kq_header *h)
{
	if (kq_reader_failed(r))
		return KQ_ECORRUPT;
	if (r->p == r->end)
		return 0;
	const uint8_t *p = get_header(r->p, r->end, h);
	if (!p) {
		kq_reader_fail(r, KQ_ECORRUPT);
		return KQ_ECORRUPT;
	}
	r->p = p;
	return 1;
}

size_t kq_record_size_max(int32_t key_len, int32_t value_len, size_t headers_len)
{
	/* Five lengths and counts of 5 bytes, a timestamp of 10, the attributes. */
	return 5 * 5 + 10 + 1 + (key_len > 0 ? (size_t)key_len : 0) +
	       (value_len > 0 ? (size_t)value_len : 0) + headers_len;
}

static inline uint8_t *put_bytes(uint8_t *p, struct kq_bytes b)
{
	p = kq_store_varint(p, b.len);
	if (b.len <= 0)
		return p;
	memcpy(p, b.p, (size_t)b.len);
	return p + b.len;
}

uint8_t *kq_record_write(uint8_t *p, int64_t timestamp_delta, int32_t offset_delta,
			 struct kq_bytes key, struct kq_bytes value,
			 int32_t header_count, struct kq_bytes headers)
{
	assert(key.len >= -1 && value.len >= -1 && header_count >= 0);
	int32_t headers_len = headers.len > 0 ? headers.len : 0;
	int32_t length = 1 + kq_varlong_size(timestamp_delta) + kq_varint_size(offset_delta) +
			 kq_varint_size(key.len) + (key.len > 0 ? key.len : 0) +
			 kq_varint_size(value.len) + (value.len > 0 ? value.len : 0) +
			 kq_varint_size(header_count) + headers_len;
	p = kq_store_varint(p, length);
	*p++ = 0;
	p = kq_store_varlong(p, timestamp_delta);
	p = kq_store_varint(p, offset_delta);
	p = put_bytes(p, key);
	p = put_bytes(p, value);
	p = kq_store_varint(p, header_count);
	if (headers_len) {
		memcpy(p, headers.p, (size_t)headers_len);
		p += headers_len;
	}
	return p;
}

uint8_t *kq_header_write(uint8_t *p, struct kq_str key, struct kq_bytes value)
{
	assert(key.len >= 0);
	p = put_bytes(p, (struct kq_bytes){ (const uint8_t *)key.p, key.len });
	return put_bytes(p, value);
}
