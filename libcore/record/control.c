#include "record/control.h"

#include <assert.h>

/* Key: i16 version, i16 type. Value of a marker: i16 version, i32 epoch. Newer
 * versions may only append. */
enum { KEY_SIZE = 4, MARKER_SIZE = 6 };

int kq_control_parse(const struct kq_record *rec, struct kq_control *c)
{
	if (rec->key.len < KEY_SIZE || kq_load_i16(rec->key.p) < 0)
		return KQ_ECORRUPT;
	*c = (struct kq_control){ .type = kq_load_i16(rec->key.p + 2), .coordinator_epoch = -1 };
	if (c->type != KQ_CONTROL_ABORT && c->type != KQ_CONTROL_COMMIT)
		return 0;
	if (rec->value.len < MARKER_SIZE || kq_load_i16(rec->value.p) < 0)
		return KQ_ECORRUPT;
	c->coordinator_epoch = kq_load_i32(rec->value.p + 2);
	return 0;
}

int kq_control_parse_batch(const struct kq_batch *b, struct kq_control *c)
{
	struct kq_record_iter it;
	struct kq_record rec, more;
	if (!(b->attributes & KQ_BATCH_CONTROL) || kq_batch_codec(b) != KQ_CODEC_NONE)
		return KQ_ECORRUPT;
	kq_record_iter_init(&it, b, b->bytes + KQ_BATCH_HEADER_SIZE,
			    (size_t)b->size - KQ_BATCH_HEADER_SIZE);
	if (kq_record_next(&it, &rec) != 1 || kq_record_next(&it, &more) != 0)
		return KQ_ECORRUPT;
	return kq_control_parse(&rec, c);
}

void kq_control_build(uint8_t p[KQ_CONTROL_BATCH_SIZE], const struct kq_control_marker *m)
{
	uint8_t key[KEY_SIZE] = { 0 }, value[MARKER_SIZE] = { 0 };
	kq_store_i16(key + 2, (int16_t)m->type);
	kq_store_i32(value + 2, m->coordinator_epoch);
	uint8_t *end = kq_record_write(p + KQ_BATCH_HEADER_SIZE, 0, 0,
				       (struct kq_bytes){ key, KEY_SIZE },
				       (struct kq_bytes){ value, MARKER_SIZE }, 0, KQ_BYTES_NULL);
	assert(end == p + KQ_CONTROL_BATCH_SIZE);
	const struct kq_batch head = {
		.base_offset = m->offset,
		.size = (int32_t)(end - p),
		.leader_epoch = m->leader_epoch,
		.attributes = KQ_BATCH_TRANSACTIONAL | KQ_BATCH_CONTROL,
		.base_timestamp = m->timestamp,
		.max_timestamp = m->timestamp,
		.producer_id = m->producer_id,
		.producer_epoch = m->producer_epoch,
		.base_sequence = -1,
		.count = 1,
	};
	kq_batch_seal(p, &head);
}
