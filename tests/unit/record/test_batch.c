#include "record/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "record/record.h"
#include "unit/record/bytes.h"

/* The two examples of LOG_FORMAT section 1. */
static const char two_records[] =
	"0000000000000000 00000048 00000000 02 28328d51 0000 00000001 00000000000003e8 00000000000003e9"
	"ffffffffffffffff ffff ffffffff 00000002 12 00 00 00 02 6b 04 7631 00 18 00 02 02 01 04 7632 02 02 68 02 78";

static void test_batch_header_of_the_example(void **state)
{
	(void)state;
	uint8_t p[256];
	struct kq_batch b;
	size_t n = unhex(two_records, p);
	assert_int_equal(n, 84);
	assert_int_equal(kq_batch_peek(p, n, &b), 0);
	assert_int_equal(kq_batch_check_crc(&b), 0);
	assert_int_equal(b.size, 84);
	assert_int_equal(b.magic, 2);
	assert_int_equal(b.count, 2);
	assert_int_equal(b.base_timestamp, 1000);
	assert_int_equal(b.max_timestamp, 1001);
	assert_int_equal(b.producer_id, -1);
	assert_int_equal(b.base_sequence, -1);
	assert_int_equal(kq_batch_last_offset(&b), 1);
	assert_int_equal(kq_batch_last_sequence(&b), -1);
	assert_int_equal(kq_batch_codec(&b), KQ_CODEC_NONE);
}

static void test_batch_built_again_equals_the_example(void **state)
{
	(void)state;
	uint8_t want[256], header[8], *got;
	size_t n = unhex(two_records, want), size;
	struct kq_builder b;
	uint8_t *end = kq_header_write(header, KQ_STR("h"), text("x"));
	kq_builder_init(&b, 4096);
	assert_int_equal(kq_builder_begin(&b, 1000), 0);
	assert_int_equal(kq_builder_append(&b, 1000, text("k"), text("v1"), 0, KQ_BYTES_NULL), 0);
	assert_int_equal(kq_builder_append(&b, 1001, text(NULL), text("v2"), 1,
					   (struct kq_bytes){ header, (int32_t)(end - header) }), 0);
	assert_int_equal(kq_builder_finish(&b, &(struct kq_seal){ KQ_SEAL_NO_PRODUCER }, &got, &size), 0);
	kq_batch_patch(got, 0, 0);
	assert_int_equal(size, n);
	assert_memory_equal(got, want, n);
	kq_builder_deinit(&b);
}

static void test_batch_peek_says_what_is_missing(void **state)
{
	(void)state;
	uint8_t p[256];
	struct kq_batch b;
	size_t n = unhex(two_records, p);
	for (size_t cut = 0; cut < n; cut++) {
		assert_int_equal(kq_batch_peek(p, cut, &b), KQ_ETRUNC);
		if (cut >= KQ_BATCH_HEADER_SIZE) {
			assert_int_equal(b.size, 84);
			assert_int_equal(b.count, 2);
		}
	}
	assert_int_equal(kq_batch_peek(p, n + 100, &b), 0);
}

static void test_batch_peek_refuses_wrong_lengths(void **state)
{
	(void)state;
	static const int32_t wrong[] = { -1, 0, 13, 48, INT32_MIN, INT32_MAX, INT32_MAX - 11 };
	uint8_t p[256];
	struct kq_batch b;
	size_t n = unhex(two_records, p);
	for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
		kq_store_i32(p + 8, wrong[i]);
		assert_int_equal(kq_batch_peek(p, n, &b), KQ_ECORRUPT);
	}
	kq_store_i32(p + 8, INT32_MAX - 12);
	assert_int_equal(kq_batch_peek(p, n, &b), KQ_ETRUNC);
}

static void test_batch_peek_names_another_magic(void **state)
{
	(void)state;
	uint8_t p[256];
	struct kq_batch b;
	size_t n = unhex(two_records, p);
	p[16] = 1;
	assert_int_equal(kq_batch_peek(p, n, &b), KQ_EUNSUPPORTED);
	assert_int_equal(b.magic, 1);
	assert_int_equal(b.size, 84);
}

static void test_batch_crc_covers_all_but_offset_and_epoch(void **state)
{
	(void)state;
	uint8_t p[256];
	struct kq_batch b;
	size_t n = unhex(two_records, p);
	kq_batch_patch(p, 123456789012LL, 7);
	assert_int_equal(kq_batch_peek(p, n, &b), 0);
	assert_int_equal(kq_batch_check_crc(&b), 0);
	assert_true(b.base_offset == 123456789012LL && b.leader_epoch == 7);
	for (size_t i = 17; i < n; i++) {
		p[i] ^= 0x10;
		kq_batch_peek(p, n, &b);
		assert_int_equal(kq_batch_check_crc(&b), KQ_ECORRUPT);
		p[i] ^= 0x10;
	}
}

static void test_batch_append_time_is_patched_in(void **state)
{
	(void)state;
	uint8_t p[256];
	struct kq_batch b;
	struct kq_record_iter it;
	struct kq_record rec;
	size_t n = unhex(two_records, p);
	kq_batch_patch_append_time(p, n, 5000);
	assert_int_equal(kq_batch_peek(p, n, &b), 0);
	assert_int_equal(kq_batch_check_crc(&b), 0);
	assert_int_equal(b.attributes, KQ_BATCH_LOG_APPEND_TIME);
	assert_int_equal(b.max_timestamp, 5000);
	kq_record_iter_init(&it, &b, p + KQ_BATCH_HEADER_SIZE, n - KQ_BATCH_HEADER_SIZE);
	assert_int_equal(kq_record_next(&it, &rec), 1);
	assert_int_equal(rec.timestamp, 5000);
}

static void test_batch_producer_is_patched_in(void **state)
{
	(void)state;
	uint8_t p[256];
	struct kq_batch b;
	size_t n = unhex(two_records, p);
	kq_batch_patch_producer(p, n, 42, 3, 100);
	assert_int_equal(kq_batch_peek(p, n, &b), 0);
	assert_int_equal(kq_batch_check_crc(&b), 0);
	assert_int_equal(b.producer_id, 42);
	assert_int_equal(b.producer_epoch, 3);
	assert_int_equal(b.base_sequence, 100);
	assert_int_equal(kq_batch_last_sequence(&b), 101);
}

static void test_batch_last_sequence_wraps_to_zero(void **state)
{
	(void)state;
	struct kq_batch b = { .base_sequence = INT32_MAX, .last_offset_delta = 0 };
	assert_int_equal(kq_batch_last_sequence(&b), INT32_MAX);
	b.last_offset_delta = 1;
	assert_int_equal(kq_batch_last_sequence(&b), 0);
	b.base_sequence = INT32_MAX - 1;
	b.last_offset_delta = 4;
	assert_int_equal(kq_batch_last_sequence(&b), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_batch_header_of_the_example),
		cmocka_unit_test(test_batch_built_again_equals_the_example),
		cmocka_unit_test(test_batch_peek_says_what_is_missing),
		cmocka_unit_test(test_batch_peek_refuses_wrong_lengths),
		cmocka_unit_test(test_batch_peek_names_another_magic),
		cmocka_unit_test(test_batch_crc_covers_all_but_offset_and_epoch),
		cmocka_unit_test(test_batch_append_time_is_patched_in),
		cmocka_unit_test(test_batch_producer_is_patched_in),
		cmocka_unit_test(test_batch_last_sequence_wraps_to_zero),
	};
	return cmocka_run_group_tests_name("batch", tests, NULL, NULL);
}
