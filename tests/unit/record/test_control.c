#include "record/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "unit/record/bytes.h"

/* The marker of LOG_FORMAT section 1. */
static const char commit_marker[] =
	"0000000000000007 00000042 00000003 02 c2ff3305 0030 00000000 00000000000003e8 00000000000003e8"
	"000000000000002a 0005 ffffffff 00000001 20 00 00 00 08 00000001 0c 000000000009 00";

static void test_control_marker_is_built_as_in_the_example(void **state)
{
	(void)state;
	uint8_t want[128], got[KQ_CONTROL_BATCH_SIZE];
	assert_int_equal(unhex(commit_marker, want), KQ_CONTROL_BATCH_SIZE);
	kq_control_build(got, &(struct kq_control_marker){
		.offset = 7, .leader_epoch = 3, .timestamp = 1000, .producer_id = 42,
		.producer_epoch = 5, .type = KQ_CONTROL_COMMIT, .coordinator_epoch = 9 });
	assert_memory_equal(got, want, KQ_CONTROL_BATCH_SIZE);
}

static void test_control_marker_of_the_example_is_read(void **state)
{
	(void)state;
	uint8_t p[128];
	struct kq_batch b;
	struct kq_control c;
	size_t n = unhex(commit_marker, p);
	assert_int_equal(kq_batch_peek(p, n, &b), 0);
	assert_int_equal(kq_batch_check_crc(&b), 0);
	assert_int_equal(kq_control_parse_batch(&b, &c), 0);
	assert_int_equal(c.type, KQ_CONTROL_COMMIT);
	assert_int_equal(c.coordinator_epoch, 9);
}

static void test_control_types_that_are_not_known_are_named(void **state)
{
	(void)state;
	struct kq_control c;
	struct kq_record rec = { .key = { (const uint8_t *)"\0\0\0\3", 4 }, .value = KQ_BYTES_NULL };
	assert_int_equal(kq_control_parse(&rec, &c), 0);
	assert_int_equal(c.type, 3);
	assert_int_equal(c.coordinator_epoch, -1);
}

static void test_control_records_that_are_cut_are_corrupt(void **state)
{
	(void)state;
	struct kq_control c;
	const uint8_t key[4] = { 0 }, value[6] = { 0 };
	struct kq_record rec = { .key = { key, 4 }, .value = { value, 6 } };
	assert_int_equal(kq_control_parse(&rec, &c), 0);
	rec.value.len = 5;
	assert_int_equal(kq_control_parse(&rec, &c), KQ_ECORRUPT);
	rec.value = KQ_BYTES_NULL;
	assert_int_equal(kq_control_parse(&rec, &c), KQ_ECORRUPT);
	rec.key.len = 3;
	assert_int_equal(kq_control_parse(&rec, &c), KQ_ECORRUPT);
	rec.key = KQ_BYTES_NULL;
	assert_int_equal(kq_control_parse(&rec, &c), KQ_ECORRUPT);
}

static void test_control_batch_must_be_one(void **state)
{
	(void)state;
	struct kq_batch b;
	struct kq_control c;
	size_t n;
	uint8_t *p = make_batch(2, KQ_CODEC_NONE, "key", &n);
	kq_batch_peek(p, n, &b);
	assert_int_equal(kq_control_parse_batch(&b, &c), KQ_ECORRUPT);
	b.attributes |= KQ_BATCH_CONTROL;
	assert_int_equal(kq_control_parse_batch(&b, &c), KQ_ECORRUPT);
	free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_control_marker_is_built_as_in_the_example),
		cmocka_unit_test(test_control_marker_of_the_example_is_read),
		cmocka_unit_test(test_control_types_that_are_not_known_are_named),
		cmocka_unit_test(test_control_records_that_are_cut_are_corrupt),
		cmocka_unit_test(test_control_batch_must_be_one),
	};
	return cmocka_run_group_tests_name("control", tests, NULL, NULL);
}
