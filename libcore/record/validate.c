#include "record/validate.h"

#include <inttypes.h>

#include "kq/error.h"
#include "record/batch_inflate.h"

/* Whether a second whole batch follows; a cut tail or garbage does not count. */
static bool another_follows(const uint8_t *p, size_t n)
{
	struct kq_batch b;
	int rc = kq_batch_peek(p, n, &b);
	if (rc == KQ_EUNSUPPORTED)
		return (b.magic == 0 || b.magic == 1) && (size_t)b.size <= n;
	return rc == 0;
}

static int check_frame(const uint8_t *bytes, size_t n, struct kq_batch *b, struct kq_error *e)
{
	int rc = kq_batch_peek(bytes, n, b);
	switch (rc) {
	case 0:
		break;
	case KQ_ETRUNC:
		return kq_error_set(e, KQ_ERECORD, n ? "the batch is cut short" : "there is no batch");
	case KQ_EUNSUPPORTED:
		if (b->magic == 0 || b->magic == 1)
			return kq_error_set(e, KQ_ERECORD, "message format %d is not accepted", b->magic);
		return kq_error_set(e, KQ_ECORRUPT, "unknown message format %d", b->magic);
	default:
		return kq_error_set(e, rc, "the batch length is wrong");
	}
	if (another_follows(bytes + b->size, n - (size_t)b->size))
		return kq_error_set(e, KQ_ERECORD, "more than one batch for a partition");
	return 0;
}

/* Header fields that a client may not set as it likes. */
static int check_fields(const struct kq_batch *b, struct kq_error *e)
{
	if (b->base_offset != 0)
		return kq_error_set(e, KQ_ERECORD, "base offset is %" PRId64 ", not 0", b->base_offset);
	if (b->count <= 0 || b->last_offset_delta != b->count - 1)
		return kq_error_set(e, KQ_ERECORD, "%d records with last offset delta %d", b->count,
				    b->last_offset_delta);
	if (b->attributes & KQ_BATCH_CONTROL)
		return kq_error_set(e, KQ_ERECORD, "clients may not write control batches");
	if (kq_batch_codec(b) > KQ_CODEC_ZSTD)
		return kq_error_set(e, KQ_ERECORD, "unknown compression codec %d", (int)kq_batch_codec(b));
	if (b->producer_id >= 0 && b->base_sequence < 0)
		return kq_error_set(e, KQ_ERECORD, "sequence %d of producer %" PRId64,
				    b->base_sequence, b->producer_id);
	return 0;
}

/* -1 is no timestamp: nothing to bound. Differences are taken so that they cannot
 * overflow whatever the client sent. */
static bool time_allowed(int64_t t, const struct kq_batch_rules *r)
{
	int64_t ahead;
	if (r->log_append_time || t == -1)
		return true;
	if (__builtin_sub_overflow(t, r->now_ms, &ahead))
		ahead = t > 0 ? INT64_MAX : -INT64_MAX;
	if (ahead >= 0)
		return ahead <= r->after_max_ms;
	return r->before_max_ms == INT64_MAX || ahead >= -r->before_max_ms;
}

static int bad_time(int64_t t, const struct kq_batch_rules *r, struct kq_error *e)
{
	return kq_error_set(e, KQ_ETIMESTAMP, "timestamp %" PRId64 " is too far from the broker's %" PRId64,
			    t, r->now_ms);
}

int kq_batch_validate_client(const uint8_t *bytes, size_t n, const struct kq_batch_rules *rules,
			     struct kq_batch *b, struct kq_error *e)
{
	int rc = check_frame(bytes, n, b, e);
	if (rc)
		return rc;
	if (b->size > rules->size_max)
		return kq_error_set(e, KQ_ETOOBIG, "the batch has %d bytes, more than max.message.bytes = %d",
				    b->size, rules->size_max);
	if (kq_batch_check_crc(b))
		return kq_error_set(e, KQ_ECORRUPT, "the batch checksum is wrong");
	rc = check_fields(b, e);
	if (rc)
		return rc;
	if (b->attributes & KQ_BATCH_LOG_APPEND_TIME)
		return kq_error_set(e, KQ_ETIMESTAMP, "clients may not set LogAppendTime");
	return time_allowed(b->max_timestamp, rules) ? 0 : bad_time(b->max_timestamp, rules, e);
}

static int check_record(const struct kq_record *rec, int64_t offset,
			const struct kq_batch_rules *rules, struct kq_error *e)
{
	if (rec->offset != offset)
		return kq_error_set(e, KQ_ERECORD, "offset deltas of the records are not in order");
	if (rules->need_key && rec->key.len < 0)
		return kq_error_set(e, KQ_ERECORD, "a compacted topic does not accept records without a key");
	return time_allowed(rec->timestamp, rules) ? 0 : bad_time(rec->timestamp, rules, e);
}

int kq_batch_validate_records(const struct kq_batch *b, const struct kq_batch_rules *rules,
			      struct kq_writer *scratch, int32_t *bad, struct kq_error *e)
{
	struct kq_record_iter it;
	struct kq_record rec;
	const uint8_t *records;
	size_t n;
	int32_t i = 0, none;
	bad = bad ? bad : &none;
	*bad = -1;
	int rc = kq_batch_inflate(b, scratch, &records, &n);
	if (rc == KQ_ELIMIT)
		return kq_error_set(e, KQ_ETOOBIG, "the records inflate to more than %zu bytes", scratch->limit);
	if (rc == KQ_ENOMEM)
		return kq_error_set(e, rc, "no memory to inflate the records");
	if (rc)
		return kq_error_set(e, KQ_ERECORD, "the records do not decompress");
	kq_record_iter_init(&it, b, records, n);
	while ((rc = kq_record_next(&it, &rec)) == 1) {
		rc = check_record(&rec, (int64_t)((uint64_t)b->base_offset + (uint64_t)i), rules, e);
		if (rc) {
			*bad = i;
			return rc;
		}
		i++;
	}
	return rc ? kq_error_set(e, KQ_ERECORD, "record %d does not fit its length", i) : 0;
}
