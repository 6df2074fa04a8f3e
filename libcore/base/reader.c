#include "base/reader.h"

/* Reads up to max_bytes groups of 7 bits, low group first. */
static uint64_t read_groups(struct kq_reader *r, int max_bytes)
{
	uint64_t v = 0;
	for (int i = 0; i < max_bytes; i++) {
		const uint8_t *p = kq_reader_take(r, 1);
		if (!p)
			return 0;
		v |= (uint64_t)(*p & 0x7f) << (7 * i);
		if (!(*p & 0x80))
			return v;
	}
	kq_reader_fail(r, KQ_ECORRUPT);
	return 0;
}

uint32_t kq_read_uvarint(struct kq_reader *r)
{
	uint64_t v = read_groups(r, 5);
	if (v > UINT32_MAX) {
		kq_reader_fail(r, KQ_ECORRUPT);
		return 0;
	}
	return (uint32_t)v;
}

int32_t kq_read_varint(struct kq_reader *r)
{
	uint32_t v = kq_read_uvarint(r);
	return (int32_t)(v >> 1) ^ -(int32_t)(v & 1);
}

int64_t kq_read_varlong(struct kq_reader *r)
{
	uint64_t v = read_groups(r, 10);
	return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}
