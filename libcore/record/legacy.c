#include "record/legacy.h"

#include <assert.h>

#include "base/hash.h"
#include "record/compress.h"

enum {
	OVERHEAD = 12, /* offset and size: not counted in the size */
	AT_CRC = 12,
	AT_MAGIC = 16, /* the CRC covers from here */
	AT_ATTRIBUTES = 17,
	AT_TIMESTAMP = 18, /* magic 1 */
	V0_MIN = 14, V1_MIN = 22,
};

/* Key and value: an i32 length (-1 null) and that many bytes. */
static struct kq_bytes read_bytes(struct kq_reader *r)
{
	struct kq_bytes b = { NULL, kq_read_i32(r) };
	if (b.len < -1)
		kq_reader_fail(r, KQ_ECORRUPT);
	if (b.len < 0 || kq_reader_failed(r))
		return KQ_BYTES_NULL;
	b.p = kq_reader_take(r, (size_t)b.len);
	return b;
}

int kq_legacy_peek(const uint8_t *p, size_t n, struct kq_legacy *m)
{
	*m = (struct kq_legacy){ .bytes = p, .timestamp = -1, .key.len = -1, .value.len = -1 };
	if (n < AT_ATTRIBUTES + 1)
		return KQ_ETRUNC;
	int32_t size = kq_load_i32(p + 8);
	m->offset = kq_load_i64(p);
	m->crc = kq_load_u32(p + AT_CRC);
	m->magic = (int8_t)p[AT_MAGIC];
	m->attributes = (int8_t)p[AT_ATTRIBUTES];
	if (size < V0_MIN || size > INT32_MAX - OVERHEAD)
		return KQ_ECORRUPT;
	m->size = size + OVERHEAD;
	if (m->magic != 0 && m->magic != 1)
		return KQ_EUNSUPPORTED;
	if (m->magic == 1 && size < V1_MIN)
		return KQ_ECORRUPT;
	size_t head = AT_TIMESTAMP + (m->magic == 1 ? 8 : 0);
	if (m->magic == 1 && n >= head)
		m->timestamp = kq_load_i64(p + AT_TIMESTAMP);
	if (n < (size_t)m->size)
		return KQ_ETRUNC;
	struct kq_reader r;
	kq_reader_init(&r, p + head, (size_t)m->size - head);
	m->key = read_bytes(&r);
	m->value = read_bytes(&r);
	return kq_reader_failed(&r) || kq_reader_left(&r) ? KQ_ECORRUPT : 0;
}

int kq_legacy_check_crc(const struct kq_legacy *m)
{
	uint32_t crc = kq_crc32(0, m->bytes + AT_MAGIC, (size_t)m->size - AT_MAGIC);
	return crc == m->crc ? 0 : KQ_ECORRUPT;
}

/* Offset of the last entry of an inner set, as it is stored there. */
static int last_inner_offset(const uint8_t *p, size_t n, int64_t *offset)
{
	struct kq_reader r;
	if (!n)
		return KQ_ECORRUPT;
	kq_reader_init(&r, p, n);
	while (kq_reader_left(&r)) {
		*offset = kq_read_i64(&r);
		int32_t size = kq_read_i32(&r);
		if (size < V0_MIN || !kq_reader_take(&r, (size_t)size))
			return KQ_ECORRUPT;
	}
	return 0;
}

int kq_legacy_iter_init(struct kq_legacy_iter *it, const struct kq_legacy *m,
			struct kq_writer *scratch)
{
	enum kq_codec codec = kq_legacy_codec(m);
	assert(m->size > 0);
	*it = (struct kq_legacy_iter){ .wrapper = m, .wrapped = codec != KQ_CODEC_NONE };
	kq_reader_init(&it->r, m->bytes, (size_t)m->size);
	if (!it->wrapped)
		return 0;
	if (codec > KQ_CODEC_LZ4)
		return KQ_EUNSUPPORTED;
	if (m->value.len < 0)
		return KQ_ECORRUPT;
	kq_writer_reset(scratch);
	int rc = kq_inflate(codec, m->value.p, (size_t)m->value.len, m->magic == 0, scratch);
	if (rc)
		return rc;
	int64_t last = 0;
	rc = last_inner_offset(scratch->buf, scratch->len, &last);
	if (rc)
		return rc;
	/* Magic 0 has absolute offsets inside; magic 1 counts from the first. */
	if (m->magic == 1)
		it->base_offset = (int64_t)((uint64_t)m->offset - (uint64_t)last);
	kq_reader_init(&it->r, scratch->buf, scratch->len);
	return 0;
}

int kq_legacy_next(struct kq_legacy_iter *it, struct kq_record *rec)
{
	struct kq_legacy m;
	if (kq_reader_failed(&it->r))
		return KQ_ECORRUPT;
	if (!kq_reader_left(&it->r))
		return 0;
	int rc = kq_legacy_peek(it->r.p, kq_reader_left(&it->r), &m);
	if (!rc && it->wrapped &&
	    (m.magic != it->wrapper->magic || kq_legacy_codec(&m) != KQ_CODEC_NONE))
		rc = KQ_ECORRUPT;
	if (!rc && it->wrapped)
		rc = kq_legacy_check_crc(&m);
	if (rc) {
		kq_reader_fail(&it->r, KQ_ECORRUPT);
		return KQ_ECORRUPT;
	}
	kq_reader_take(&it->r, (size_t)m.size);
	bool append_time = it->wrapper->attributes & KQ_LEGACY_LOG_APPEND_TIME;
	*rec = (struct kq_record){
		.offset = (int64_t)((uint64_t)it->base_offset + (uint64_t)m.offset),
		.timestamp = append_time ? it->wrapper->timestamp : m.timestamp,
		.key = m.key,
		.value = m.value,
	};
	return 1;
}
