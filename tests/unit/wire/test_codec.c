/* What the golden messages do not show: defaults, limits, what a version lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "unit/wire/message.h"

static int decode_hex(struct message *m, const struct kq_schema *s, int version, const char *hex)
{
	size_t n;
	uint8_t *p = from_hex(hex, &n);
	int rc = message_decode(m, s, version, p, n);
	free(p); /* only numbers and counts are looked at after this */
	return rc;
}

static int encode(const struct kq_schema *s, int version, const void *msg)
{
	struct kq_writer w;
	kq_writer_init(&w, 1 << 20);
	int rc = kq_wire_encode(s, version, &w, msg, NULL);
	kq_writer_deinit(&w);
	return rc;
}

static void test_init_sets_defaults(void **state)
{
	struct kq_fetch_request q;
	(void)state;
	memset(&q, 0xaa, sizeof q);
	kq_wire_init(&kq_fetch_request_schema, &q);
	assert_int_equal(q.cluster_id.len, -1);
	assert_int_equal(q.replica_id, -1);
	assert_int_equal(q.replica_state.replica_epoch, -1);
	assert_int_equal(q.max_bytes, 0x7fffffff);
	assert_int_equal(q.topics_n, 0);
	assert_int_equal(q.rack_id.len, 0);
	assert_non_null(q.rack_id.p);
}

static void test_array_elements_have_defaults(void **state)
{
	struct kq_arena a;
	(void)state;
	kq_arena_init(&a, 4096);
	struct kq_fetch_response_partition_data *p =
		kq_wire_array(&kq_fetch_response_partition_data_schema, &a, 3);
	assert_int_equal(p[2].current_leader.leader_id, -1);
	assert_int_equal(p[2].preferred_read_replica, -1);
	assert_null(kq_wire_array(&kq_fetch_response_partition_data_schema, &a, 1000));
	kq_arena_deinit(&a);
}

static void test_fields_a_version_lacks_get_defaults(void **state)
{
	struct message m;
	(void)state;
	/* Metadata v0, no topics: what came later has its default. */
	assert_int_equal(decode_hex(&m, &kq_metadata_request_schema, 0, "00000000"), 0);
	struct kq_metadata_request *q = m.body;
	assert_true(q->allow_auto_topic_creation);
	assert_false(q->include_topic_authorized_operations);
	message_free(&m);
}

static void test_version_outside_the_range_is_refused(void **state)
{
	struct message m;
	struct kq_heartbeat_response r = { 0 };
	(void)state;
	assert_int_equal(decode_hex(&m, &kq_produce_request_schema, 12, "00"), KQ_EUNSUPPORTED);
	message_free(&m);
	assert_int_equal(decode_hex(&m, &kq_produce_request_schema, -1, "00"), KQ_EUNSUPPORTED);
	message_free(&m);
	assert_int_equal(encode(&kq_heartbeat_response_schema, 5, &r), KQ_EUNSUPPORTED);
}

static void test_bytes_after_the_message_stay(void **state)
{
	struct message m;
	(void)state;
	assert_int_equal(decode_hex(&m, &kq_heartbeat_response_schema, 0, "0019aabb"), 0);
	assert_int_equal(((struct kq_heartbeat_response *)m.body)->error_code, 25);
	assert_int_equal(m.left, 2);
	message_free(&m);
}

static void test_huge_counts_allocate_nothing(void **state)
{
	/* Metadata v1 and v9, DescribeGroups v0: counts of 2^31-1, 2^32-2, 16. */
	static const struct {
		const struct kq_schema *s;
		int version;
		const char *hex;
	} bombs[] = {
		{ &kq_metadata_request_schema, 1, "7fffffff0000000000000000" },
		{ &kq_metadata_request_schema, 9, "ffffffff0f00000000000000" },
		{ &kq_describe_groups_request_schema, 0, "00000010000000" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof bombs / sizeof *bombs; i++) {
		struct message m;
		assert_int_equal(decode_hex(&m, bombs[i].s, bombs[i].version, bombs[i].hex), KQ_ETRUNC);
		assert_int_equal(m.arena.used, 0);
		message_free(&m);
	}
}

static void test_count_is_checked_with_the_least_size_of_an_element(void **state)
{
	/* 600 bytes could hold 600 empty elements, but not 500 of 14 bytes and more. */
	uint8_t bytes[600] = { [6] = 0, [9] = 0 };
	struct message m;
	(void)state;
	kq_store_i32(bytes + 4, 1); /* ListOffsets v1: replica, one topic, "" */
	kq_store_i32(bytes + 10, 500);
	assert_int_equal(message_decode(&m, &kq_list_offsets_request_schema, 1, bytes, sizeof bytes),
			 KQ_ETRUNC);
	assert_true(m.arena.used < 4096);
	message_free(&m);
}

static void test_arena_limit_is_reported(void **state)
{
	/* A list of 200,000 empty names: 3.2 MB of kq_str against a limit of 1 MiB. */
	enum { COUNT = 200000 };
	uint8_t *p = calloc(1, 4 + 2 * COUNT);
	struct message m;
	(void)state;
	kq_store_i32(p, COUNT);
	assert_int_equal(message_decode(&m, &kq_describe_groups_request_schema, 0, p, 4 + 2 * COUNT),
			 KQ_ELIMIT);
	message_free(&m);
	free(p);
}

static void test_null_where_none_may_be_is_corrupt(void **state)
{
	struct message m;
	(void)state;
	/* Metadata: null topics mean all from v1 on, and nothing at v0. */
	assert_int_equal(decode_hex(&m, &kq_metadata_request_schema, 0, "ffffffff"), KQ_ECORRUPT);
	message_free(&m);
	assert_int_equal(decode_hex(&m, &kq_metadata_request_schema, 1, "ffffffff"), 0);
	assert_int_equal(((struct kq_metadata_request *)m.body)->topics_n, -1);
	message_free(&m);
	/* Any negative count is null, as in Kafka. */
	assert_int_equal(decode_hex(&m, &kq_metadata_request_schema, 1, "fffffffb"), 0);
	assert_int_equal(((struct kq_metadata_request *)m.body)->topics_n, -1);
	message_free(&m);

	struct kq_metadata_request q;
	kq_wire_init(&kq_metadata_request_schema, &q);
	q.topics_n = -1;
	assert_int_equal(encode(&kq_metadata_request_schema, 0, &q), KQ_EINVAL);
	assert_int_equal(encode(&kq_metadata_request_schema, 1, &q), 0);
}

static void test_unknown_tags_are_skipped(void **state)
{
	struct message m;
	(void)state;
	/* Heartbeat v4: throttle 1, error 0, tags 7 (2 bytes) and 1000 (none). */
	assert_int_equal(decode_hex(&m, &kq_heartbeat_response_schema, 4,
				    "000000010000" "02" "0702aabb" "e80700"), 0);
	assert_int_equal(((struct kq_heartbeat_response *)m.body)->throttle_time_ms, 1);
	assert_int_equal(m.left, 0);
	message_free(&m);
	/* A tag whose size is more than there is. */
	assert_int_equal(decode_hex(&m, &kq_heartbeat_response_schema, 4,
				    "000000010000" "01" "0703aabb"), KQ_ETRUNC);
	message_free(&m);
}

/* ApiVersions v3, an empty list, tags as given; the epoch of the features. */
static int64_t epoch_of(const char *tags, int expect)
{
	char hex[200];
	struct message m;
	snprintf(hex, sizeof hex, "0000" "01" "00000000" "%s", tags);
	assert_int_equal(decode_hex(&m, &kq_api_versions_response_schema, 3, hex), expect);
	int64_t epoch = ((struct kq_api_versions_response *)m.body)->finalized_features_epoch;
	message_free(&m);
	return epoch;
}

static void test_tags_unordered_and_repeated_are_taken(void **state)
{
	(void)state;
	assert_int_equal(epoch_of("00", 0), -1);
	assert_int_equal(epoch_of("01" "01080000000000000005", 0), 5);
	assert_int_equal(epoch_of("02" "030101" "01080000000000000006", 0), 6);
	assert_int_equal(epoch_of("02" "01080000000000000005" "01080000000000000007", 0), 7);
	epoch_of("01" "0104" "00000000", KQ_ETRUNC); /* shorter than its value */
}

static void test_value_that_a_version_cannot_carry(void **state)
{
	struct kq_list_offsets_request q;
	struct kq_api_versions_request a;
	(void)state;
	kq_wire_init(&kq_list_offsets_request_schema, &q);
	q.isolation_level = 1; /* changes the answer: must not be lost */
	assert_int_equal(encode(&kq_list_offsets_request_schema, 1, &q), KQ_EUNSUPPORTED);
	assert_int_equal(encode(&kq_list_offsets_request_schema, 2, &q), 0);
	kq_wire_init(&kq_api_versions_request_schema, &a);
	a.client_software_name = KQ_STR("kq"); /* may be */
	assert_int_equal(encode(&kq_api_versions_request_schema, 0, &a), 0);
}

static void test_long_text_does_not_fit_the_old_form(void **state)
{
	struct kq_find_coordinator_request q;
	static char text[40000];
	(void)state;
	kq_wire_init(&kq_find_coordinator_request_schema, &q);
	q.key = (struct kq_str){ text, sizeof text };
	assert_int_equal(encode(&kq_find_coordinator_request_schema, 0, &q), KQ_ELIMIT);
	assert_int_equal(encode(&kq_find_coordinator_request_schema, 3, &q), 0);
}

/* A Fetch answer of two partitions with records of 5 and 300 bytes, as bytes or
 * as gaps. */
static int encode_fetch(struct kq_writer *w, int version, const uint8_t *records,
			struct kq_wire_gaps *gaps)
{
	struct kq_fetch_response r;
	struct kq_fetch_response_fetchable_topic_response t;
	struct kq_fetch_response_partition_data p[2];
	kq_wire_init(&kq_fetch_response_schema, &r);
	kq_wire_init(&kq_fetch_response_fetchable_topic_response_schema, &t);
	for (int i = 0; i < 2; i++) {
		kq_wire_init(&kq_fetch_response_partition_data_schema, &p[i]);
		p[i].records = (struct kq_bytes){ records, i ? 300 : 5 };
	}
	t.partitions = p;
	t.partitions_n = 2;
	r.responses = &t;
	r.responses_n = 1;
	return kq_wire_encode(&kq_fetch_response_schema, version, w, &r, gaps);
}

static void check_gaps(int version)
{
	static uint8_t records[300];
	struct kq_writer whole, parts;
	struct kq_wire_gap v[2];
	struct kq_wire_gaps gaps = { v, 0, 2 };
	memset(records, 0x5a, sizeof records);
	kq_writer_init(&whole, 1 << 16);
	kq_writer_init(&parts, 1 << 16);
	assert_int_equal(encode_fetch(&whole, version, records, NULL), 0);
	assert_int_equal(encode_fetch(&parts, version, NULL, &gaps), 0);
	assert_int_equal(gaps.n, 2);
	assert_int_equal(parts.len + 305, whole.len);

	/* Pieces and records in turn make the same bytes. */
	const uint8_t *at = whole.buf;
	size_t from = 0;
	for (int i = 0; i < 2; i++) {
		assert_memory_equal(at, parts.buf + from, v[i].pos - from);
		at += v[i].pos - from;
		assert_memory_equal(at, records, (size_t)v[i].len);
		at += v[i].len;
		from = v[i].pos;
	}
	assert_memory_equal(at, parts.buf + from, parts.len - from);

	gaps = (struct kq_wire_gaps){ v, 0, 1 };
	kq_writer_reset(&parts);
	assert_int_equal(encode_fetch(&parts, version, NULL, &gaps), KQ_ELIMIT);
	kq_writer_deinit(&whole);
	kq_writer_deinit(&parts);
}

static void test_records_are_left_out_as_gaps(void **state)
{
	(void)state;
	check_gaps(4);
	check_gaps(11);
	check_gaps(12);
	check_gaps(17);
}

static void test_writer_limit_is_reported(void **state)
{
	struct kq_sasl_authenticate_request q;
	struct kq_writer w;
	static uint8_t bytes[5000];
	(void)state;
	q.auth_bytes = (struct kq_bytes){ bytes, sizeof bytes };
	kq_writer_init(&w, 1024);
	assert_int_equal(kq_wire_encode(&kq_sasl_authenticate_request_schema, 1, &w, &q, NULL), KQ_ELIMIT);
	kq_writer_deinit(&w);
}

static void test_print_escapes_what_is_not_text(void **state)
{
	struct kq_sasl_handshake_request q = { KQ_STR("a\"b\\\n\xff\xc3\xa9") };
	struct kq_writer w;
	(void)state;
	kq_writer_init(&w, 4096);
	assert_int_equal(kq_wire_print(&kq_sasl_handshake_request_schema, 0, &q, &w), 0);
	kq_write_i8(&w, 0);
	assert_string_equal((char *)w.buf,
			    "{\"mechanism\":\"a\\\"b\\\\\\u000a\xef\xbf\xbd\xc3\xa9\"}");
	kq_writer_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_init_sets_defaults),
		cmocka_unit_test(test_array_elements_have_defaults),
		cmocka_unit_test(test_fields_a_version_lacks_get_defaults),
		cmocka_unit_test(test_version_outside_the_range_is_refused),
		cmocka_unit_test(test_bytes_after_the_message_stay),
		cmocka_unit_test(test_huge_counts_allocate_nothing),
		cmocka_unit_test(test_count_is_checked_with_the_least_size_of_an_element),
		cmocka_unit_test(test_arena_limit_is_reported),
		cmocka_unit_test(test_null_where_none_may_be_is_corrupt),
		cmocka_unit_test(test_unknown_tags_are_skipped),
		cmocka_unit_test(test_tags_unordered_and_repeated_are_taken),
		cmocka_unit_test(test_value_that_a_version_cannot_carry),
		cmocka_unit_test(test_long_text_does_not_fit_the_old_form),
		cmocka_unit_test(test_records_are_left_out_as_gaps),
		cmocka_unit_test(test_writer_limit_is_reported),
		cmocka_unit_test(test_print_escapes_what_is_not_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
