/* Every golden segment: what Apache Kafka's own classes read from it is what we
 * read from it, batch by batch and record by record. */
#include "record/batch_inflate.h"
#include "record/compress.h"
#include "record/control.h"
#include "record/legacy.h"
#include "record/record.h"

#include <openssl/sha.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "unit/record/golden.h"

struct walk {
	const struct golden_case *c;
	int64_t segment;
	json_t *batches, *records; /* as we see them */
	struct kq_writer scratch;
};

static void set_int(json_t *o, const char *name, int64_t v)
{
	json_object_set_new(o, name, json_integer(v));
}

static void set_hex(json_t *o, const char *name, const uint8_t *p, size_t n)
{
	char text[512] = "";
	for (size_t i = 0; i < n; i++)
		snprintf(text + 2 * i, 3, "%02x", p[i]);
	json_object_set_new(o, name, json_string(text));
}

/* Key or value in the form of the expect files. */
static void set_bytes(json_t *o, const char *name, struct kq_bytes b)
{
	char other[32];
	if (b.len < 0) {
		json_object_set_new(o, name, json_null());
		return;
	}
	if (b.len > 120) {
		uint8_t sum[SHA256_DIGEST_LENGTH];
		snprintf(other, sizeof other, "%s_size", name);
		set_int(o, other, b.len);
		SHA256(b.p, (size_t)b.len, sum);
		snprintf(other, sizeof other, "%s_sha256", name);
		set_hex(o, other, sum, sizeof sum);
		return;
	}
	json_t *text = json_stringn((const char *)b.p, (size_t)b.len);
	for (int32_t i = 0; i < b.len && text; i++) {
		if (b.p[i] < ' ') {
			json_decref(text);
			text = NULL;
		}
	}
	if (text) {
		json_object_set_new(o, name, text);
		return;
	}
	snprintf(other, sizeof other, "%s_hex", name);
	set_hex(o, other, b.p, (size_t)b.len);
}

static void set_headers(json_t *o, const struct kq_record *rec)
{
	if (!rec->header_count)
		return;
	json_t *all = json_array();
	struct kq_reader r;
	struct kq_header h;
	kq_reader_init(&r, rec->headers.p, (size_t)rec->headers.len);
	while (kq_header_next(&r, &h) == 1) {
		json_t *pair = json_array();
		json_array_append_new(pair, json_stringn(h.key.p, (size_t)h.key.len));
		json_array_append_new(pair, h.value.len < 0 ? json_null()
				      : json_stringn((const char *)h.value.p, (size_t)h.value.len));
		json_array_append_new(all, pair);
	}
	assert_int_equal(json_array_size(all), rec->header_count);
	json_object_set_new(o, "headers", all);
}

static json_t *record_json(const struct kq_batch *b, const struct kq_record *rec)
{
	json_t *o = json_object();
	struct kq_control c;
	set_int(o, "offset", rec->offset);
	set_int(o, "timestamp", rec->timestamp);
	if (b && b->attributes & KQ_BATCH_CONTROL) {
		assert_int_equal(kq_control_parse(rec, &c), 0);
		json_object_set_new(o, "control_type", json_string(c.type == KQ_CONTROL_COMMIT ? "commit" : "abort"));
		set_int(o, "coordinator_epoch", c.coordinator_epoch);
	} else {
		set_bytes(o, "key", rec->key);
		set_bytes(o, "value", rec->value);
	}
	set_headers(o, rec);
	if (b && (b->producer_id >= 0 || b->base_sequence >= 0)) {
		set_int(o, "producer_id", b->producer_id);
		set_int(o, "producer_epoch", b->producer_epoch);
		set_int(o, "sequence", b->base_sequence < 0 ? -1 : b->base_sequence + rec->offset - b->base_offset);
	}
	if (b && b->attributes & KQ_BATCH_TRANSACTIONAL)
		json_object_set_new(o, "transactional", json_true());
	return o;
}

static json_t *batch_json(const struct walk *w, const struct kq_batch *b, size_t pos)
{
	json_t *o = json_object();
	set_int(o, "segment", w->segment);
	set_int(o, "position", (int64_t)pos);
	set_int(o, "size", b->size);
	set_int(o, "base_offset", b->base_offset);
	set_int(o, "last_offset", kq_batch_last_offset(b));
	set_int(o, "partition_leader_epoch", b->leader_epoch);
	set_int(o, "crc", b->crc);
	set_int(o, "attributes", b->attributes);
	set_int(o, "base_timestamp", b->base_timestamp);
	set_int(o, "max_timestamp", b->max_timestamp);
	if (b->producer_id >= 0 || b->base_sequence >= 0) {
		set_int(o, "producer_id", b->producer_id);
		set_int(o, "producer_epoch", b->producer_epoch);
		set_int(o, "base_sequence", b->base_sequence);
		set_int(o, "last_sequence", kq_batch_last_sequence(b));
	}
	set_int(o, "count", b->count);
	if (kq_batch_codec(b))
		json_object_set_new(o, "codec", json_string(kq_codec_name(kq_batch_codec(b))));
	if (b->attributes & KQ_BATCH_LOG_APPEND_TIME)
		json_object_set_new(o, "timestamp_type", json_string("LogAppendTime"));
	if (b->attributes & KQ_BATCH_TRANSACTIONAL)
		json_object_set_new(o, "transactional", json_true());
	if (b->attributes & KQ_BATCH_CONTROL)
		json_object_set_new(o, "control", json_true());
	if (b->attributes & KQ_BATCH_DELETE_HORIZON)
		set_int(o, "delete_horizon", b->base_timestamp);
	return o;
}

static size_t walk_batch(struct walk *w, const struct kq_batch *b, size_t pos)
{
	struct kq_record_iter it;
	struct kq_record rec;
	const uint8_t *records;
	size_t n;
	int rc;
	assert_int_equal(kq_batch_check_crc(b), 0);
	json_array_append_new(w->batches, batch_json(w, b, pos));
	assert_int_equal(kq_batch_inflate(b, &w->scratch, &records, &n), 0);
	kq_record_iter_init(&it, b, records, n);
	while ((rc = kq_record_next(&it, &rec)) == 1)
		json_array_append_new(w->records, record_json(b, &rec));
	assert_int_equal(rc, 0);
	return (size_t)b->size;
}

static size_t walk_legacy(struct walk *w, const uint8_t *p, size_t left, size_t pos)
{
	struct kq_legacy m;
	struct kq_legacy_iter it;
	struct kq_record rec;
	int64_t first = -1;
	int rc;
	assert_int_equal(kq_legacy_peek(p, left, &m), 0);
	assert_int_equal(kq_legacy_check_crc(&m), 0);
	assert_int_equal(kq_legacy_iter_init(&it, &m, &w->scratch), 0);
	while ((rc = kq_legacy_next(&it, &rec)) == 1) {
		first = first < 0 ? rec.offset : first;
		json_array_append_new(w->records, record_json(NULL, &rec));
	}
	assert_int_equal(rc, 0);
	json_t *o = json_object();
	set_int(o, "segment", w->segment);
	set_int(o, "position", (int64_t)pos);
	set_int(o, "size", m.size);
	set_int(o, "magic", m.magic);
	set_int(o, "base_offset", first);
	set_int(o, "last_offset", m.offset);
	set_int(o, "max_timestamp", m.timestamp);
	if (kq_legacy_codec(&m))
		json_object_set_new(o, "codec", json_string(kq_codec_name(kq_legacy_codec(&m))));
	if (m.magic == 0)
		json_object_set_new(o, "timestamp_type", json_string("NoTimestampType"));
	json_array_append_new(w->batches, o);
	return (size_t)m.size;
}

static void walk_segment(struct walk *w, int64_t base)
{
	size_t n = 0;
	uint8_t *p = golden_segment(w->c, base, &n);
	assert_non_null(p);
	w->segment = base;
	for (size_t pos = 0; pos < n;) {
		struct kq_batch b;
		int rc = kq_batch_peek(p + pos, n - pos, &b);
		if (rc == KQ_EUNSUPPORTED) {
			pos += walk_legacy(w, p + pos, n - pos, pos);
			continue;
		}
		assert_int_equal(rc, 0);
		pos += walk_batch(w, &b, pos);
	}
	free(p);
}

static void compare(const char *what, const json_t *ours, const json_t *theirs)
{
	assert_int_equal(json_array_size(ours), json_array_size(theirs));
	for (size_t i = 0; i < json_array_size(ours); i++) {
		if (json_equal(json_array_get(ours, i), json_array_get(theirs, i)))
			continue;
		char *a = json_dumps(json_array_get(ours, i), JSON_COMPACT);
		char *b = json_dumps(json_array_get(theirs, i), JSON_COMPACT);
		fail_msg("%s %zu:\n# ours   %s\n# theirs %s", what, i, a, b);
	}
}

static void test_golden_case_reads_as_expected(void **state)
{
	struct walk w = { .c = *state, .batches = json_array(), .records = json_array() };
	kq_writer_init(&w.scratch, 1 << 20);
	json_t *batches = golden_lines(w.c, "batches.jsonl");
	json_t *records = golden_lines(w.c, "records.jsonl");
	assert_true(json_array_size(batches) > 0);
	int64_t done = -1;
	for (size_t i = 0; i < json_array_size(batches); i++) {
		int64_t base = json_integer_value(json_object_get(json_array_get(batches, i), "segment"));
		if (base != done)
			walk_segment(&w, base);
		done = base;
	}
	compare("batch", w.batches, batches);
	compare("record", w.records, records);
	json_decref(batches);
	json_decref(records);
	json_decref(w.batches);
	json_decref(w.records);
	kq_writer_deinit(&w.scratch);
	kq_compress_thread_cleanup();
}

int main(void)
{
	static struct CMUnitTest tests[GOLDEN_CASES];
	static char names[GOLDEN_CASES][64];
	for (int i = 0; i < GOLDEN_CASES; i++) {
		snprintf(names[i], sizeof names[i], "test_golden_case_%s_reads_as_expected", golden_cases[i].name);
		tests[i] = (struct CMUnitTest)cmocka_unit_test_prestate(
			test_golden_case_reads_as_expected, (void *)(uintptr_t)&golden_cases[i]);
		tests[i].name = names[i];
	}
	return cmocka_run_group_tests_name("golden records", tests, NULL, NULL);
}
