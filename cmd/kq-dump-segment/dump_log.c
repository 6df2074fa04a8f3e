/* Batches and records of a .log, as text, JSON lines or by a format. */
#include <stdlib.h>

#include "common/json.h"
#include "common/report.h"
#include "dump.h"
#include "kq/text.h"
#include "kq/units.h"

static const char *codec_name(enum kq_codec codec)
{
	static const char *const NAMES[] = { "none", "gzip", "snappy", "lz4", "zstd" };
	return (unsigned)codec < 5 ? NAMES[codec] : "unknown";
}

static const char *control_name(int type, char buf[16])
{
	if (type == 0 || type == 1)
		return type ? "commit" : "abort";
	snprintf(buf, 16, "%d", type);
	return buf;
}

/* ---- text --------------------------------------------------------------- */

static void text_time(struct kq_out *o, const char *name, int64_t ms)
{
	kq_out_text(o, name);
	if (ms < 0)
		kq_out_text(o, "none");
	else
		o->len += kq_time_iso(ms, kq_out_room(o, KQ_ISO_MAX));
}

static void text_batch(struct kq_out *o, const struct kq_segment_batch *b)
{
	kq_out_printf(o, "offset=%lld..%lld position=%lld size=%d", (long long)b->base_offset,
		      (long long)b->last_offset, (long long)b->position, (int)b->size);
	if (b->count >= 0)
		kq_out_printf(o, " count=%d epoch=%d", (int)b->count, (int)b->leader_epoch);
	text_time(o, " time=", b->max_timestamp);
	kq_out_printf(o, " codec=%s", codec_name(b->codec));
	if (b->magic != 2)
		kq_out_printf(o, " magic=%d", b->magic);
	if (b->producer_id >= 0)
		kq_out_printf(o, " producer=%lld/%d", (long long)b->producer_id, b->producer_epoch);
	if (b->producer_id >= 0 && b->base_sequence >= 0)
		kq_out_printf(o, " sequence=%d..%d", (int)b->base_sequence, (int)b->last_sequence);
	if (b->has_horizon)
		text_time(o, " delete_horizon=", b->base_timestamp);
	kq_out_text(o, b->log_append_time ? " log_append_time" : "");
	kq_out_text(o, b->transactional ? " transactional" : "");
	kq_out_text(o, b->control ? " control" : "");
	kq_out_text(o, b->crc_wrong ? " WRONG_CRC" : "");
	kq_out_char(o, '\n');
}

static void text_bytes(struct kq_out *o, const char *name, struct kq_bytes b)
{
	kq_out_text(o, name);
	if (b.len < 0) {
		kq_out_text(o, "null");
	} else if (kq_utf8_valid(b.p, (size_t)b.len)) {
		kq_json_quote(o, b.p, (size_t)b.len);
	} else {
		kq_out_text(o, "0x");
		kq_out_hex(o, b.p, (size_t)b.len);
	}
}

static void text_headers(struct kq_out *o, const struct kq_message *m)
{
	struct kq_message_header h;
	size_t pos = 0;
	while (kq_message_header_next(m, &pos, &h) == 1) {
		kq_out_text(o, " header=");
		kq_json_quote(o, h.name.p, (size_t)h.name.len);
		text_bytes(o, ":", h.value);
	}
}

/* key, value: decoded text, or NULL. */
static void text_record(struct kq_out *o, const struct kq_segment_record *r, const char *key, const char *value)
{
	char buf[16];
	kq_out_printf(o, "  offset=%lld", (long long)r->m.offset);
	text_time(o, " time=", r->m.timestamp);
	if (r->m.control) {
		kq_out_printf(o, " control=%s coordinator_epoch=%d", control_name(r->control_type, buf),
			      (int)r->coordinator_epoch);
	} else if (key) {
		kq_out_printf(o, " key=%s value=%s", key, value);
	} else {
		text_bytes(o, " key=", r->m.key);
		text_bytes(o, " value=", r->m.value);
		text_headers(o, &r->m);
	}
	kq_out_char(o, '\n');
}

/* ---- JSON --------------------------------------------------------------- */

static void json_batch(struct kq_out *o, const struct kq_segment_batch *b, int64_t base)
{
	struct kq_json j;
	kq_json_init(&j, o);
	kq_json_open(&j, NULL, '{');
	kq_json_int(&j, "segment", base);
	kq_json_int(&j, "position", b->position);
	kq_json_int(&j, "size", b->size);
	if (b->magic != 2)
		kq_json_int(&j, "magic", b->magic);
	kq_json_int(&j, "base_offset", b->base_offset);
	kq_json_int(&j, "last_offset", b->last_offset);
	if (b->magic == 2) {
		kq_json_int(&j, "partition_leader_epoch", b->leader_epoch);
		kq_json_int(&j, "crc", b->crc);
		kq_json_int(&j, "attributes", b->attributes);
		kq_json_int(&j, "base_timestamp", b->base_timestamp);
	}
	kq_json_int(&j, "max_timestamp", b->max_timestamp);
	if (b->producer_id >= 0 || b->base_sequence >= 0) {
		kq_json_int(&j, "producer_id", b->producer_id);
		kq_json_int(&j, "producer_epoch", b->producer_epoch);
		kq_json_int(&j, "base_sequence", b->base_sequence);
		kq_json_int(&j, "last_sequence", b->last_sequence);
	}
	if (b->magic == 2)
		kq_json_int(&j, "count", b->count);
	if (b->codec != KQ_CODEC_NONE)
		kq_json_text(&j, "codec", codec_name(b->codec));
	if (b->log_append_time || b->magic == 0)
		kq_json_text(&j, "timestamp_type", b->magic ? "LogAppendTime" : "NoTimestampType");
	if (b->transactional)
		kq_json_bool(&j, "transactional", true);
	if (b->control)
		kq_json_bool(&j, "control", true);
	if (b->has_horizon)
		kq_json_int(&j, "delete_horizon", b->base_timestamp);
	if (b->crc_wrong)
		kq_json_bool(&j, "crc_wrong", true);
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

static void json_raw(struct kq_json *j, const char *name, const char *text)
{
	/* A number stands for the comma and the name; its digit is replaced. */
	kq_json_int(j, name, 0);
	j->out->len--;
	kq_out_text(j->out, text);
}

static void json_record(struct kq_out *o, const struct kq_segment_record *r, const char *key, const char *value)
{
	struct kq_json j;
	struct kq_message m = r->m;
	char buf[16];
	kq_json_init(&j, o);
	kq_json_open(&j, NULL, '{');
	if (m.control || key) {
		if (m.topic.len >= 0)
			kq_json_str(&j, "topic", m.topic);
		if (m.partition >= 0)
			kq_json_int(&j, "partition", m.partition);
		kq_json_int(&j, "offset", m.offset);
		kq_json_int(&j, "timestamp", m.timestamp);
		if (m.control) {
			kq_json_text(&j, "control_type", control_name(r->control_type, buf));
			kq_json_int(&j, "coordinator_epoch", r->coordinator_epoch);
		} else {
			json_raw(&j, "key", key);
			json_raw(&j, "value", value);
		}
	} else {
		kq_json_message_members(&j, &m);
	}
	if (r->producer_id >= 0 || r->sequence >= 0) {
		kq_json_int(&j, "producer_id", r->producer_id);
		kq_json_int(&j, "producer_epoch", r->producer_epoch);
		kq_json_int(&j, "sequence", r->sequence);
	}
	if (r->transactional)
		kq_json_bool(&j, "transactional", true);
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

/* ---- which ones ---------------------------------------------------------- */

static int64_t first_offset(const struct kq_range *r)
{
	return r->from.kind == KQ_BOUND_OFFSET ? r->from.v : 0;
}

/* Whether all that follows lies behind the range. */
static bool is_behind(const struct kq_range *r, const struct kq_segment_batch *b)
{
	return r->to.kind == KQ_BOUND_OFFSET && b->base_offset >= r->to.v;
}

static bool has_batch(const struct kq_range *r, const struct kq_segment_batch *b)
{
	if (r->from.kind == KQ_BOUND_TIME && b->max_timestamp < r->from.v)
		return false;
	/* The base timestamp is the first record's, not the least one's, and no
	 * timestamp at all in some batches: near enough to leave batches out by. */
	return r->to.kind != KQ_BOUND_TIME || b->has_horizon || b->base_timestamp < r->to.v;
}

static bool has_record(const struct kq_range *r, const struct kq_message *m)
{
	if ((r->from.kind == KQ_BOUND_OFFSET && m->offset < r->from.v) ||
	    (r->to.kind == KQ_BOUND_OFFSET && m->offset >= r->to.v))
		return false;
	return (r->from.kind != KQ_BOUND_TIME || m->timestamp >= r->from.v) &&
	       (r->to.kind != KQ_BOUND_TIME || m->timestamp < r->to.v);
}

/* ---- a file -------------------------------------------------------------- */

static enum kq_segment_decode how_to_decode(const struct dump_config *c, const struct kq_message *m)
{
	if (c->decode == DECODE_OFFSETS)
		return KQ_SEGMENT_GROUP_OFFSETS;
	if (c->decode == DECODE_TRANSACTIONS)
		return KQ_SEGMENT_TRANSACTIONS;
	if (c->decode == DECODE_NONE || m->topic.len < 0)
		return KQ_SEGMENT_PLAIN;
	if (m->topic.len == 18 && memcmp(m->topic.p, "__consumer_offsets", 18) == 0)
		return KQ_SEGMENT_GROUP_OFFSETS;
	if (m->topic.len == 19 && memcmp(m->topic.p, "__transaction_state", 19) == 0)
		return KQ_SEGMENT_TRANSACTIONS;
	return KQ_SEGMENT_PLAIN;
}

static void print_record(struct dump_config *c, const struct kq_segment_record *r)
{
	char *key = NULL, *value = NULL;
	if (c->format) {
		if (!r->m.control)
			kq_format_write(c->format, &r->m, &c->out);
		return;
	}
	enum kq_segment_decode how = how_to_decode(c, &r->m);
	/* What cannot be decoded is printed as it is. */
	if (how != KQ_SEGMENT_PLAIN && !r->m.control)
		kq_segment_decode(how, &r->m, &key, &value);
	if (c->json)
		json_record(&c->out, r, key, value);
	else
		text_record(&c->out, r, key, value);
	free(key);
	free(value);
}

static void dump_records(struct dump_config *c, const char *path, struct kq_segment_reader *reader)
{
	struct kq_segment_record r;
	struct kq_error e = { 0 };
	int rc;
	while ((rc = kq_segment_next_record(reader, &r, &e)) == 1 && dump_goes_on(c))
		if (has_record(&c->range, &r.m))
			print_record(c, &r);
	if (rc < 0)
		dump_failed(c, path, &e);
}

static void dump_batch(struct dump_config *c, const char *path, int64_t base, struct kq_segment_reader *reader,
		       const struct kq_segment_batch *b)
{
	if (b->crc_wrong) {
		struct kq_error e;
		kq_error_set(&e, KQ_ECORRUPT, "wrong CRC of the batch at position %lld", (long long)b->position);
		dump_failed(c, path, &e);
	}
	if (!c->format) {
		if (c->json)
			json_batch(&c->out, b, base);
		else
			text_batch(&c->out, b);
	}
	if (c->records)
		dump_records(c, path, reader);
}

void dump_log(struct dump_config *c, const char *path, int64_t base)
{
	struct kq_segment_reader *reader;
	struct kq_segment_batch b;
	struct kq_error e = { 0 };
	int rc = kq_segment_open(&reader, path, first_offset(&c->range), &e);
	if (rc != 0) {
		dump_failed(c, path, &e);
		return;
	}
	while (dump_goes_on(c) && (rc = kq_segment_next(reader, &b, &e)) == 1 && !is_behind(&c->range, &b))
		if (has_batch(&c->range, &b))
			dump_batch(c, path, base, reader, &b);
	kq_segment_close(reader);
	if (rc == KQ_ETRUNC)
		/* Nothing wrong in itself: a broker may be in the middle of a write. */
		kq_remark("%s: %s", path, e.text);
	else if (rc < 0)
		dump_failed(c, path, &e);
}
