/* The API table, the headers, frames and error codes. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "unit/wire/message.h"
#include "wire/api.h"
#include "wire/errors.h"
#include "wire/framing.h"

static void test_find_knows_exactly_the_rows(void **state)
{
	int rows = 0;
	(void)state;
	for (int key = -5; key < 200; key++) {
		const struct kq_api *a = kq_api_find(key);
		if (!a)
			continue;
		assert_int_equal(a->key, key);
		assert_ptr_equal(a, kq_api_at(rows++));
	}
	assert_null(kq_api_at(rows));
	assert_null(kq_api_at(-1));
	assert_string_equal(kq_api_find(KQ_API_PRODUCE)->name, "Produce");
	assert_null(kq_api_find(52));
	assert_null(kq_api_find(32767));
}

static void test_request_and_response_have_the_same_versions(void **state)
{
	(void)state;
	for (int i = 0; kq_api_at(i); i++) {
		const struct kq_api *a = kq_api_at(i);
		assert_int_equal(kq_schema_min_version(a->request), kq_schema_min_version(a->response));
		assert_int_equal(kq_schema_max_version(a->request), kq_schema_max_version(a->response));
	}
	assert_int_equal(kq_schema_max_version(kq_api_find(KQ_API_FETCH)->request), 17);
	assert_true(kq_schema_is_flexible(kq_api_find(KQ_API_FETCH)->request, 12));
	assert_false(kq_schema_is_flexible(kq_api_find(KQ_API_FETCH)->request, 11));
}

static int read_head(const char *hex, struct kq_request_head *h, size_t *left)
{
	static uint8_t buf[100];
	struct kq_reader r;
	size_t n;
	uint8_t *p = from_hex(hex, &n);
	memcpy(buf, p, n);
	free(p);
	kq_reader_init(&r, buf, n);
	int rc = kq_api_read_request_head(&r, h);
	*left = kq_reader_left(&r);
	return rc;
}

static void test_request_head_in_its_three_forms(void **state)
{
	struct kq_request_head h;
	size_t left;
	(void)state;
	/* Metadata v1: client id; a byte of body follows. */
	assert_int_equal(read_head("000300010000000700026b71" "ee", &h, &left), 0);
	assert_int_equal(h.api_key, 3);
	assert_int_equal(h.api_version, 1);
	assert_int_equal(h.correlation_id, 7);
	assert_int_equal(h.client_id.len, 2);
	assert_memory_equal(h.client_id.p, "kq", 2);
	assert_int_equal(left, 1);
	/* Metadata v9: tags after it, here one unknown; the client id in the old form. */
	assert_int_equal(read_head("000300090000000700026b71" "010501ff" "ee", &h, &left), 0);
	assert_int_equal(h.client_id.len, 2);
	assert_int_equal(left, 1);
	/* Null client id, also as -2. */
	assert_int_equal(read_head("0003000100000007ffff", &h, &left), 0);
	assert_int_equal(h.client_id.len, -1);
	assert_int_equal(read_head("0003000100000007fffe", &h, &left), 0);
	assert_int_equal(h.client_id.len, -1);
	/* ControlledShutdown v0: no client id at all. */
	assert_int_equal(read_head("0007000000000007" "00000001", &h, &left), 0);
	assert_int_equal(left, 4);
}

static void test_request_head_of_unknown_api_or_version(void **state)
{
	struct kq_request_head h;
	size_t left;
	(void)state;
	assert_int_equal(read_head("0012006300000007" "00026b71" "00", &h, &left), KQ_EUNSUPPORTED);
	assert_int_equal(h.api_key, KQ_API_API_VERSIONS);
	assert_int_equal(h.api_version, 99);
	assert_int_equal(h.correlation_id, 7);
	assert_int_equal(h.client_id.len, 2);
	assert_int_equal(read_head("03e8000000000007", &h, &left), KQ_EUNSUPPORTED);
	assert_int_equal(h.client_id.len, -1);
	assert_int_equal(read_head("00030001000000", &h, &left), KQ_ETRUNC);
	assert_int_equal(read_head("000300010000000700056b71", &h, &left), KQ_ETRUNC);
}

static void test_heads_written_are_read_back(void **state)
{
	(void)state;
	for (int i = 0; kq_api_at(i); i++) {
		const struct kq_api *a = kq_api_at(i);
		for (int v = kq_schema_min_version(a->request); v <= kq_schema_max_version(a->request); v++) {
			struct kq_request_head in = { a->key, (int16_t)v, 99, KQ_STR("me") }, out;
			struct kq_writer w;
			struct kq_reader r;
			int32_t id;
			kq_writer_init(&w, 1000);
			kq_api_write_request_head(&w, &in);
			kq_reader_init(&r, w.buf, w.len);
			assert_int_equal(kq_api_read_request_head(&r, &out), 0);
			assert_int_equal(out.correlation_id, 99);
			assert_int_equal(kq_reader_left(&r), 0);
			kq_writer_reset(&w);
			kq_api_write_response_head(&w, a->key, v, 99);
			kq_reader_init(&r, w.buf, w.len);
			assert_int_equal(kq_api_read_response_head(&r, a->key, v, &id), 0);
			assert_int_equal(id, 99);
			assert_int_equal(kq_reader_left(&r), 0);
			kq_writer_deinit(&w);
		}
	}
}

static size_t response_head_size(int key, int version)
{
	struct kq_writer w;
	kq_writer_init(&w, 100);
	kq_api_write_response_head(&w, key, version, 1);
	size_t n = w.len;
	kq_writer_deinit(&w);
	return n;
}

static void test_response_head_of_api_versions_never_has_tags(void **state)
{
	(void)state;
	assert_int_equal(response_head_size(KQ_API_API_VERSIONS, 3), 4);
	assert_int_equal(response_head_size(KQ_API_API_VERSIONS, 0), 4);
	assert_int_equal(response_head_size(KQ_API_METADATA, 9), 5);
	assert_int_equal(response_head_size(KQ_API_METADATA, 8), 4);
}

/* The golden case says which header goes before its message. */
static void check_head(const struct kq_api *a, json_t *golden)
{
	const char *head = json_string_value(json_object_get(golden, "header"));
	int version = (int)json_integer_value(json_object_get(golden, "version"));
	struct kq_request_head h = { a->key, (int16_t)version, 0, KQ_STR_NULL };
	struct kq_writer w;
	kq_writer_init(&w, 100);
	kq_api_write_request_head(&w, &h);
	if (strncmp(head, "request ", 8) == 0)
		assert_int_equal(w.len, head[8] == '0' ? 8 : head[8] == '1' ? 10 : 11);
	else
		assert_int_equal(response_head_size(a->key, version), head[9] == '0' ? 4 : 5);
	kq_writer_deinit(&w);
}

static void test_heads_have_the_version_that_the_golden_files_say(void **state)
{
	char pattern[300], *line = NULL;
	size_t cap = 0;
	(void)state;
	for (int i = 0; kq_api_at(i); i++) {
		glob_t files;
		snprintf(pattern, sizeof pattern, "%s/golden/wire/%02d-*.jsonl", KQ_TESTDATA,
			 kq_api_at(i)->key);
		assert_int_equal(glob(pattern, 0, NULL, &files), 0);
		FILE *f = fopen(files.gl_pathv[0], "r");
		assert_non_null(f);
		while (getline(&line, &cap, f) > 0) {
			json_t *golden = json_loads(line, 0, NULL);
			check_head(kq_api_at(i), golden);
			json_decref(golden);
		}
		fclose(f);
		globfree(&files);
	}
	free(line);
}

static void test_frame_size_has_bounds(void **state)
{
	(void)state;
	assert_int_equal(kq_frame_size("\0\0\0\5", 100), 5);
	assert_int_equal(kq_frame_size("\0\0\0\144", 100), 100);
	assert_int_equal(kq_frame_size("\0\0\0\145", 100), KQ_ELIMIT);
	assert_int_equal(kq_frame_size("\0\0\0\0", 100), KQ_ECORRUPT);
	assert_int_equal(kq_frame_size("\377\377\377\377", 100), KQ_ECORRUPT);
}

static void test_frame_counts_the_gaps(void **state)
{
	struct kq_writer w;
	(void)state;
	kq_writer_init(&w, 100);
	kq_write_i8(&w, 1);
	size_t start = kq_frame_begin(&w);
	kq_write_i64(&w, 1);
	assert_int_equal(kq_frame_end(&w, start, 1000), 0);
	assert_int_equal(kq_load_i32(w.buf + 1), 1008);
	assert_int_equal(kq_frame_end(&w, start, 0x80000000u), KQ_ELIMIT);
	kq_writer_deinit(&w);
}

static void test_error_codes_have_names_and_texts(void **state)
{
	(void)state;
	assert_string_equal(kq_kafka_error_name(1), "OFFSET_OUT_OF_RANGE");
	assert_string_equal(kq_kafka_error_name(-1), "UNKNOWN_SERVER_ERROR");
	assert_string_equal(kq_kafka_error_name(128), "INVALID_REGULAR_EXPRESSION");
	assert_string_equal(kq_kafka_error_name(129), "UNKNOWN_ERROR");
	assert_string_equal(kq_kafka_error_name(-2), "UNKNOWN_ERROR");
	for (int code = -1; code <= 128; code++) {
		assert_non_null(kq_kafka_error_name(code));
		assert_non_null(kq_kafka_error_text(code));
	}
	assert_true(kq_kafka_error_retriable(KQ_KAFKA_NOT_LEADER_OR_FOLLOWER));
	assert_false(kq_kafka_error_retriable(KQ_KAFKA_MESSAGE_TOO_LARGE));
	assert_false(kq_kafka_error_retriable(1000));
}

static void test_every_internal_error_has_a_code(void **state)
{
	(void)state;
	assert_int_equal(kq_kafka_error_from(0), 0);
	for (int e = KQ_ENOMEM; e >= KQ_EKAFKA; e--)
		assert_int_not_equal(kq_kafka_error_from(e), 0);
	assert_int_equal(kq_kafka_error_from(KQ_ENOSPC), KQ_KAFKA_KAFKA_STORAGE_ERROR);
	assert_int_equal(kq_kafka_error_from(KQ_ENOMEM), KQ_KAFKA_UNKNOWN_SERVER_ERROR);
}

static void test_new_codes_are_replaced_for_old_versions(void **state)
{
	(void)state;
	assert_int_equal(kq_kafka_error_for(90, KQ_API_INIT_PRODUCER_ID, 3), 47);
	assert_int_equal(kq_kafka_error_for(90, KQ_API_INIT_PRODUCER_ID, 4), 90);
	assert_int_equal(kq_kafka_error_for(56, KQ_API_FETCH, 5), 6);
	assert_int_equal(kq_kafka_error_for(56, KQ_API_FETCH, 6), 56);
	assert_int_equal(kq_kafka_error_for(56, KQ_API_PRODUCE, 0), 56);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find_knows_exactly_the_rows),
		cmocka_unit_test(test_request_and_response_have_the_same_versions),
		cmocka_unit_test(test_request_head_in_its_three_forms),
		cmocka_unit_test(test_request_head_of_unknown_api_or_version),
		cmocka_unit_test(test_heads_written_are_read_back),
		cmocka_unit_test(test_response_head_of_api_versions_never_has_tags),
		cmocka_unit_test(test_heads_have_the_version_that_the_golden_files_say),
		cmocka_unit_test(test_frame_size_has_bounds),
		cmocka_unit_test(test_frame_counts_the_gaps),
		cmocka_unit_test(test_error_codes_have_names_and_texts),
		cmocka_unit_test(test_every_internal_error_has_a_code),
		cmocka_unit_test(test_new_codes_are_replaced_for_old_versions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
