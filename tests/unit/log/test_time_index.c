#include "unit/log/log_env.h"

#include "log/time_index.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/kq-test-index-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	env_remove(dir);
	return 0;
}

static void test_time_index_only_takes_larger_timestamps(void **state)
{
	(void)state;
	struct kq_time_index x;
	kq_time_index_init(&x, dir, 10, 1024);
	assert_int_equal(kq_time_index_append(&x, -1, 10, false), 0);
	assert_int_equal(kq_time_index_count(&x), 0);
	assert_int_equal(kq_time_index_append(&x, 1000, 12, false), 0);
	assert_int_equal(kq_time_index_append(&x, 1000, 13, false), 0);
	assert_int_equal(kq_time_index_append(&x, 999, 14, false), 0);
	assert_int_equal(kq_time_index_append(&x, 1001, 15, false), 0);
	assert_int_equal(kq_time_index_count(&x), 2);
	assert_int_equal(x.last_offset, 15);
	kq_time_index_deinit(&x);
}

static void test_time_index_finds_the_last_entry_not_later(void **state)
{
	(void)state;
	struct kq_time_index x;
	int64_t t, offset;
	kq_time_index_init(&x, dir, 0, 4096);
	assert_int_equal(kq_time_index_find(&x, 5, &t, &offset), -1);
	for (int i = 0; i < 100; i++)
		assert_int_equal(kq_time_index_append(&x, 1000 + i * 10, i * 3, false), 0);
	assert_int_equal(kq_time_index_find(&x, 999, &t, &offset), -1);
	for (int at = 1000; at < 2100; at++) {
		int i = (at - 1000) / 10 < 100 ? (at - 1000) / 10 : 99;
		assert_int_equal(kq_time_index_find(&x, at, &t, &offset), i);
		assert_int_equal(t, 1000 + i * 10);
		assert_int_equal(offset, i * 3);
	}
	assert_int_equal(kq_time_index_count_to(&x, 30), 11);
	assert_int_equal(kq_time_index_count_to(&x, -1), 0);
	kq_time_index_deinit(&x);
}

static void test_time_index_keeps_its_last_place_for_the_closing_entry(void **state)
{
	(void)state;
	struct kq_time_index x;
	kq_time_index_init(&x, dir, 0, 36);
	assert_int_equal(kq_time_index_append(&x, 1, 1, false), 0);
	assert_false(kq_time_index_is_full(&x));
	assert_int_equal(kq_time_index_append(&x, 2, 2, false), 0);
	assert_true(kq_time_index_is_full(&x));
	assert_int_equal(kq_time_index_append(&x, 3, 3, false), KQ_ELIMIT);
	assert_int_equal(kq_time_index_append(&x, 3, 3, true), 0);
	kq_time_index_deinit(&x);
}

static void test_time_index_tells_that_it_was_not_trimmed(void **state)
{
	(void)state;
	struct kq_time_index x;
	kq_time_index_init(&x, dir, 0, 1020);
	assert_int_equal(kq_time_index_append(&x, 1000, 1, false), 0);
	kq_time_index_deinit(&x);
	kq_time_index_init(&x, dir, 0, 1020);
	assert_int_equal(kq_time_index_load(&x), 1);
	assert_int_equal(kq_time_index_count(&x), 1);
	assert_int_equal(x.last_timestamp, 1000);
	kq_time_index_deinit(&x);
}

static void test_time_index_sees_disorder(void **state)
{
	(void)state;
	struct kq_time_index x;
	kq_time_index_init(&x, dir, 0, 1020);
	for (int i = 1; i <= 5; i++)
		assert_int_equal(kq_time_index_append(&x, i * 10, i, false), 0);
	assert_true(kq_time_index_is_ordered(&x, 4));
	atomic_load(&x.file.map)[12 + 7] = 90;
	assert_false(kq_time_index_is_ordered(&x, 4));
	assert_true(kq_time_index_is_ordered(&x, 1));
	kq_time_index_deinit(&x);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_time_index_only_takes_larger_timestamps),
		T(test_time_index_finds_the_last_entry_not_later),
		T(test_time_index_keeps_its_last_place_for_the_closing_entry),
		T(test_time_index_tells_that_it_was_not_trimmed),
		T(test_time_index_sees_disorder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
