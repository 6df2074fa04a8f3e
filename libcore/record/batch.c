#include "record/batch.h"

#include <assert.h>

#include "base/hash.h"

/* Places of the header's fields. */
enum {
	AT_BASE_OFFSET = 0,
	AT_LENGTH = 8,
	AT_LEADER_EPOCH = 12,
	AT_MAGIC = 16,
	AT_CRC = 17,
	AT_ATTRIBUTES = 21, /* the CRC covers from here */
	AT_LAST_OFFSET_DELTA = 23,
	AT_BASE_TIMESTAMP = 27,
	AT_MAX_TIMESTAMP = 35,
	AT_PRODUCER_ID = 43,
	AT_PRODUCER_EPOCH = 51,
	AT_BASE_SEQUENCE = 53,
	AT_COUNT = 57,
	/* The least that tells size and magic, and the smallest v0 message. */
	PEEK_MIN = 17,
	LEGACY_MIN = KQ_BATCH_OVERHEAD + 14,
};

int32_t kq_batch_last_sequence(const struct kq_batch *b)
{
	if (b->base_sequence < 0)
		return -1;
	/* After 2147483647 comes 0. */
	return (int32_t)(((uint32_t)b->base_sequence + (uint32_t)b->last_offset_delta) & INT32_MAX);
}

static void load_rest(const uint8_t *p, struct kq_batch *b)
{
	b->leader_epoch = kq_load_i32(p + AT_LEADER_EPOCH);
	b->crc = kq_load_u32(p + AT_CRC);
	b->attributes = kq_load_i16(p + AT_ATTRIBUTES);
	b->last_offset_delta = kq_load_i32(p + AT_LAST_OFFSET_DELTA);
	b->base_timestamp = kq_load_i64(p + AT_BASE_TIMESTAMP);
	b->max_timestamp = kq_load_i64(p + AT_MAX_TIMESTAMP);
	b->producer_id = kq_load_i64(p + AT_PRODUCER_ID);
	b->producer_epoch = kq_load_i16(p + AT_PRODUCER_EPOCH);
	b->base_sequence = kq_load_i32(p + AT_BASE_SEQUENCE);
	b->count = kq_load_i32(p + AT_COUNT);
}

int kq_batch_peek(const uint8_t *p, size_t n, struct kq_batch *b)
{
	*b = (struct kq_batch){ .bytes = p };
	if (n < PEEK_MIN)
		return KQ_ETRUNC;
	int32_t length = kq_load_i32(p + AT_LENGTH);
	b->base_offset = kq_load_i64(p + AT_BASE_OFFSET);
	b->magic = (int8_t)p[AT_MAGIC];
	if (length < LEGACY_MIN - KQ_BATCH_OVERHEAD || length > INT32_MAX - KQ_BATCH_OVERHEAD)
		return KQ_ECORRUPT;
	b->size = length + KQ_BATCH_OVERHEAD;
	if (b->magic != 2)
		return KQ_EUNSUPPORTED;
	if (b->size < KQ_BATCH_HEADER_SIZE)
		return KQ_ECORRUPT;
	if (n < KQ_BATCH_HEADER_SIZE)
		return KQ_ETRUNC;
	load_rest(p, b);
	return n < (size_t)b->size ? KQ_ETRUNC : 0;
}

static uint32_t crc_of(const uint8_t *p, size_t size)
{
	assert(size >= KQ_BATCH_HEADER_SIZE);
	return kq_crc32c(0, p + AT_ATTRIBUTES, size - AT_ATTRIBUTES);
}

int kq_batch_check_crc(const struct kq_batch *b)
{
	return crc_of(b->bytes, (size_t)b->size) == b->crc ? 0 : KQ_ECORRUPT;
}

void kq_batch_patch(uint8_t *p, int64_t base_offset, int32_t leader_epoch)
{
	kq_store_i64(p + AT_BASE_OFFSET, base_offset);
	kq_store_i32(p + AT_LEADER_EPOCH, leader_epoch);
}

void kq_batch_patch_append_time(uint8_t *p, size_t size, int64_t append_time_ms)
{
	uint16_t attributes = kq_load_u16(p + AT_ATTRIBUTES);
	kq_store_u16(p + AT_ATTRIBUTES, attributes | KQ_BATCH_LOG_APPEND_TIME);
	kq_store_i64(p + AT_MAX_TIMESTAMP, append_time_ms);
	kq_store_u32(p + AT_CRC, crc_of(p, size));
}

void kq_batch_patch_producer(uint8_t *p, size_t size, int64_t producer_id, int16_t producer_epoch,
			     int32_t base_sequence)
{
	kq_store_i64(p + AT_PRODUCER_ID, producer_id);
	kq_store_i16(p + AT_PRODUCER_EPOCH, producer_epoch);
	kq_store_i32(p + AT_BASE_SEQUENCE, base_sequence);
	kq_store_u32(p + AT_CRC, crc_of(p, size));
}

void kq_batch_seal(uint8_t *p, const struct kq_batch *b)
{
	assert(b->size >= KQ_BATCH_HEADER_SIZE);
	kq_store_i64(p + AT_BASE_OFFSET, b->base_offset);
	kq_store_i32(p + AT_LENGTH, b->size - KQ_BATCH_OVERHEAD);
	kq_store_i32(p + AT_LEADER_EPOCH, b->leader_epoch);
	p[AT_MAGIC] = 2;
	kq_store_i16(p + AT_ATTRIBUTES, b->attributes);
	kq_store_i32(p + AT_LAST_OFFSET_DELTA, b->last_offset_delta);
	kq_store_i64(p + AT_BASE_TIMESTAMP, b->base_timestamp);
	kq_store_i64(p + AT_MAX_TIMESTAMP, b->max_timestamp);
	kq_store_i64(p + AT_PRODUCER_ID, b->producer_id);
	kq_store_i16(p + AT_PRODUCER_EPOCH, b->producer_epoch);
	kq_store_i32(p + AT_BASE_SEQUENCE, b->base_sequence);
	kq_store_i32(p + AT_COUNT, b->count);
	kq_store_u32(p + AT_CRC, crc_of(p, (size_t)b->size));
}
