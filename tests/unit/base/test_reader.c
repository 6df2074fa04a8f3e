#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static struct kq_reader over(const void *p, size_t n)
{
	struct kq_reader r;
	kq_reader_init(&r, p, n);
	return r;
}

static void test_reader_reads_big_endian_numbers(void **state)
{
	(void)state;
	const uint8_t bytes[] = { 0xff, 0xff, 0xfe, 0, 0, 1, 2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7 };
	struct kq_reader r = over(bytes, sizeof bytes);
	assert_int_equal(kq_read_i8(&r), -1);
	assert_int_equal(kq_read_i16(&r), -2);
	assert_int_equal(kq_read_i32(&r), 0x102);
	assert_true((uint32_t)0x80000000 == kq_read_u32(&r));
	assert_int_equal(kq_reader_left(&r), 9);
	assert_int_equal(kq_read_i8(&r), 0);
	assert_int_equal(kq_read_i64(&r), 7);
	assert_int_equal(kq_reader_left(&r), 0);
	assert_false(kq_reader_failed(&r));
}

static void test_reader_error_stays(void **state)
{
	(void)state;
	const uint8_t bytes[] = { 1, 2, 3 };
	struct kq_reader r = over(bytes, sizeof bytes);
	assert_int_equal(kq_read_i32(&r), 0);
	assert_int_equal(r.err, KQ_ETRUNC);
	assert_int_equal(kq_read_i8(&r), 0);
	kq_reader_fail(&r, KQ_ECORRUPT);
	assert_int_equal(r.err, KQ_ETRUNC);
	assert_int_equal(kq_reader_left(&r), 0);
	assert_null(kq_reader_take(&r, 1));
}

static void test_reader_takes_exactly_what_is_there(void **state)
{
	(void)state;
	const uint8_t bytes[] = { 1, 2, 3 };
	struct kq_reader r = over(bytes, sizeof bytes);
	assert_ptr_equal(kq_reader_take(&r, 0), bytes);
	assert_ptr_equal(kq_reader_take(&r, 3), bytes);
	assert_non_null(kq_reader_take(&r, 0));
	assert_null(kq_reader_take(&r, SIZE_MAX));
	assert_int_equal(r.err, KQ_ETRUNC);
}

static void test_reader_varints(void **state)
{
	(void)state;
	const uint8_t bytes[] = { 0, 1, 2, 0x7f, 0x80, 1, 0xff, 0xff, 0xff, 0xff, 0x0f,
				  0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01 };
	struct kq_reader r = over(bytes, sizeof bytes);
	assert_int_equal(kq_read_varint(&r), 0);
	assert_int_equal(kq_read_varint(&r), -1);
	assert_int_equal(kq_read_varint(&r), 1);
	assert_int_equal(kq_read_varint(&r), -64);
	assert_int_equal(kq_read_varint(&r), 64);
	assert_int_equal(kq_read_varint(&r), INT32_MIN);
	assert_true(kq_read_varlong(&r) == INT64_MIN);
	assert_false(kq_reader_failed(&r));
}

static void test_reader_refuses_varints_that_are_too_long_or_large(void **state)
{
	(void)state;
	const uint8_t endless[] = { 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80 };
	const uint8_t large[] = { 0xff, 0xff, 0xff, 0xff, 0x1f };
	struct kq_reader r = over(endless, sizeof endless);
	kq_read_uvarint(&r);
	assert_int_equal(r.err, KQ_ECORRUPT);
	r = over(endless, sizeof endless);
	kq_read_varlong(&r);
	assert_int_equal(r.err, KQ_ECORRUPT);
	r = over(large, sizeof large);
	kq_read_uvarint(&r);
	assert_int_equal(r.err, KQ_ECORRUPT);
	r = over(endless, 3);
	kq_read_uvarint(&r);
	assert_int_equal(r.err, KQ_ETRUNC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reader_reads_big_endian_numbers),
		cmocka_unit_test(test_reader_error_stays),
		cmocka_unit_test(test_reader_takes_exactly_what_is_there),
		cmocka_unit_test(test_reader_varints),
		cmocka_unit_test(test_reader_refuses_varints_that_are_too_long_or_large),
	};
	return cmocka_run_group_tests_name("reader", tests, NULL, NULL);
}
