#include "base/writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/reader.h"

static void test_writer_what_is_written_is_read_back(void **state)
{
	(void)state;
	struct kq_writer w;
	struct kq_reader r;
	kq_writer_init(&w, 1 << 20);
	kq_write_i8(&w, -5);
	kq_write_i16(&w, -300);
	kq_write_i32(&w, INT32_MIN);
	kq_write_i64(&w, INT64_MAX);
	kq_write_bytes(&w, "abc", 3);
	kq_reader_init(&r, w.buf, w.len);
	assert_int_equal(kq_read_i8(&r), -5);
	assert_int_equal(kq_read_i16(&r), -300);
	assert_int_equal(kq_read_i32(&r), INT32_MIN);
	assert_true(kq_read_i64(&r) == INT64_MAX);
	assert_memory_equal(kq_reader_take(&r, 3), "abc", 3);
	assert_int_equal(kq_reader_left(&r), 0);
	kq_writer_deinit(&w);
}

static void test_writer_varints_take_the_size_they_are_said_to(void **state)
{
	(void)state;
	static const int64_t edges[] = { 0, 1, -1, 63, 64, -64, -65, 8191, 8192, 1 << 20, INT32_MAX,
					 INT32_MIN, INT64_MAX, INT64_MIN, 1LL << 34, -(1LL << 48) };
	struct kq_writer w;
	struct kq_reader r;
	kq_writer_init(&w, 1 << 20);
	for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++) {
		kq_writer_reset(&w);
		kq_write_varlong(&w, edges[i]);
		assert_int_equal(w.len, kq_varlong_size(edges[i]));
		kq_reader_init(&r, w.buf, w.len);
		assert_true(kq_read_varlong(&r) == edges[i]);
		if (edges[i] != (int32_t)edges[i])
			continue;
		kq_writer_reset(&w);
		kq_write_varint(&w, (int32_t)edges[i]);
		assert_int_equal(w.len, kq_varint_size((int32_t)edges[i]));
		kq_reader_init(&r, w.buf, w.len);
		assert_int_equal(kq_read_varint(&r), (int32_t)edges[i]);
	}
	kq_writer_deinit(&w);
}

static void test_writer_small_writes_do_not_creep_past_the_limit(void **state)
{
	(void)state;
	struct kq_writer w;
	kq_writer_init(&w, 1000);
	for (int i = 0; i < 3000; i++)
		kq_write_i8(&w, 1);
	assert_int_equal(w.len, 1000);
	assert_int_equal(w.err, KQ_ELIMIT);
	kq_writer_deinit(&w);
}

static void test_writer_stops_at_its_limit_for_good(void **state)
{
	(void)state;
	struct kq_writer w;
	kq_writer_init(&w, 1000);
	assert_non_null(kq_writer_extend(&w, 999));
	assert_false(kq_writer_failed(&w));
	assert_null(kq_writer_extend(&w, 2000));
	assert_int_equal(w.err, KQ_ELIMIT);
	kq_write_i8(&w, 1);
	assert_int_equal(w.len, 999);
	kq_writer_reset(&w);
	kq_write_i8(&w, 1);
	assert_false(kq_writer_failed(&w));
	assert_int_equal(w.len, 1);
	kq_writer_deinit(&w);
}

static void test_writer_reports_memory_that_is_not_there(void **state)
{
	(void)state;
	struct kq_writer w;
	kq_writer_init(&w, 1 << 20);
	kq_write_i32(&w, 1);
	kq_alloc_fail_at(1, 0);
	assert_null(kq_writer_extend(&w, 100000));
	kq_alloc_fail_at(0, 0);
	assert_int_equal(w.err, KQ_ENOMEM);
	assert_int_equal(w.len, 4);
	kq_writer_deinit(&w);
}

static void test_writer_take_hands_the_buffer_out(void **state)
{
	(void)state;
	struct kq_writer w;
	size_t n;
	kq_writer_init(&w, 1 << 20);
	kq_write_bytes(&w, "abc", 3);
	uint8_t *p = kq_writer_take(&w, &n);
	assert_int_equal(n, 3);
	assert_memory_equal(p, "abc", 3);
	assert_null(w.buf);
	kq_write_bytes(&w, "d", 1);
	assert_int_equal(w.len, 1);
	kq_writer_deinit(&w);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_writer_what_is_written_is_read_back),
		cmocka_unit_test(test_writer_varints_take_the_size_they_are_said_to),
		cmocka_unit_test(test_writer_small_writes_do_not_creep_past_the_limit),
		cmocka_unit_test(test_writer_stops_at_its_limit_for_good),
		cmocka_unit_test(test_writer_reports_memory_that_is_not_there),
		cmocka_unit_test(test_writer_take_hands_the_buffer_out),
	};
	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
