#include "unit/log/log_env.h"

/* 10 batches of one record in segments of two; timestamps 1000, 2000, .. */
static void five_segments(struct env *v)
{
	env_init(v);
	v->config.segment_bytes = 400;
	env_create(v);
	for (int i = 0; i < 10; i++)
		env_append(v, 1, 1000 * (i + 1), 100);
	kq_log_advance_high_watermark(v->log, 10);
}

static void configure(struct env *v)
{
	kq_log_set_config(v->log, &v->config);
}

static void test_retention_by_time_drops_whole_segments_in_order(void **state)
{
	(void)state;
	struct env v;
	five_segments(&v);
	assert_int_equal(kq_log_retain(v.log, 1 << 30), 0);
	v.config.retention_ms = 1000;
	configure(&v);
	assert_int_equal(kq_log_retain(v.log, 5001), 2); /* largest: 2000, 4000, not 6000 */
	assert_int_equal(kq_log_start_offset(v.log), 4);
	assert_int_equal(env_file_size(&v, 0, "log"), -1);
	assert_true(env_file_size(&v, 0, "log.deleted") > 0);
	assert_int_equal(env_file_size(&v, 2, "snapshot"), -1);
	assert_int_equal(kq_log_housekeep(v.log, 0, 0), 0);
	assert_int_equal(kq_log_housekeep(v.log, INT64_MAX, 0), 2);
	assert_int_equal(env_file_size(&v, 0, "log.deleted"), -1);
	env_reopen(&v, true);
	assert_int_equal(kq_log_start_offset(v.log), 4);
	assert_int_equal(kq_log_end_offset(v.log), 10);
	env_deinit(&v);
}

static void test_retention_of_all_leaves_an_empty_log_at_the_end(void **state)
{
	(void)state;
	struct env v;
	five_segments(&v);
	v.config.retention_ms = 1000;
	configure(&v);
	assert_int_equal(kq_log_retain(v.log, 1 << 30), 5);
	assert_int_equal(kq_log_start_offset(v.log), 10);
	assert_int_equal(kq_log_size(v.log), 0);
	assert_int_equal(kq_log_retain(v.log, 1 << 30), 0);
	assert_int_equal(env_append(&v, 1, 1, 1), 10);
	env_reopen(&v, true);
	assert_int_equal(kq_log_start_offset(v.log), 10);
	assert_int_equal(kq_log_end_offset(v.log), 11);
	env_deinit(&v);
}

static void test_retention_by_size_keeps_at_least_that_much(void **state)
{
	(void)state;
	struct env v;
	five_segments(&v);
	int64_t segment = kq_log_size(v.log) / 5;
	v.config.retention_bytes = segment * 3 + 1;
	configure(&v);
	assert_int_equal(kq_log_retain(v.log, 0), 1);
	assert_int_equal(kq_log_size(v.log), segment * 4);
	env_deinit(&v);
}

static void test_retention_stops_at_the_high_watermark(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_bytes = 400;
	v.config.retention_ms = 1;
	env_create(&v);
	for (int i = 0; i < 10; i++)
		env_append(&v, 1, 1000, 100);
	kq_log_advance_high_watermark(v.log, 5);
	assert_int_equal(kq_log_retain(v.log, 1 << 30), 2);
	assert_int_equal(kq_log_start_offset(v.log), 4);
	env_deinit(&v);
}

static int64_t told;
static int start_moved(void *arg, struct kq_log *log)
{
	(void)arg;
	told = kq_log_start_offset(log);
	return 0;
}

static void test_delete_records_moves_the_start_and_retention_follows(void **state)
{
	(void)state;
	struct env v;
	int64_t start;
	env_init(&v);
	v.config.segment_bytes = 400;
	v.params.hooks.start_moved = start_moved;
	env_create(&v);
	for (int i = 0; i < 10; i++)
		env_append(&v, 1, 1000, 100);
	kq_log_advance_high_watermark(v.log, 9);
	assert_int_equal(kq_log_delete_before(v.log, 10, &start), KQ_ERANGE);
	assert_int_equal(kq_log_delete_before(v.log, 5, &start), 0);
	assert_int_equal(start, 5);
	assert_int_equal(told, 5);
	assert_int_equal(kq_log_delete_before(v.log, 3, &start), 0);
	assert_int_equal(start, 5);
	assert_int_equal(env_read_base(&v, 4, 1, NULL), KQ_ERANGE);
	assert_int_equal(kq_log_retain(v.log, 0), 2);
	assert_int_equal(kq_log_first_base(v.log), 4);
	assert_int_equal(kq_log_start_offset(v.log), 5);
	env_reopen(&v, true);
	assert_int_equal(kq_log_start_offset(v.log), 5);
	env_deinit(&v);
}

static void test_delete_of_all_records_empties_the_log_at_the_next_run(void **state)
{
	(void)state;
	struct env v;
	int64_t start;
	five_segments(&v);
	assert_int_equal(kq_log_delete_before(v.log, 10, &start), 0);
	assert_int_equal(kq_log_retain(v.log, 0), 5);
	assert_int_equal(kq_log_size(v.log), 0);
	assert_int_equal(kq_log_start_offset(v.log), 10);
	env_deinit(&v);
}

static void test_truncate_cuts_batches_segments_and_what_belongs_to_them(void **state)
{
	(void)state;
	for (int to = 0; to <= 10; to++) {
		struct env v;
		five_segments(&v);
		assert_int_equal(kq_log_truncate(v.log, to), 0);
		assert_int_equal(kq_log_end_offset(v.log), to);
		assert_int_equal(kq_log_high_watermark(v.log), to);
		for (int i = 0; i < to; i++)
			assert_int_equal(env_read_base(&v, i, 1, NULL), i);
		assert_int_equal(env_append(&v, 1, 99, 10), to);
		env_reopen(&v, to % 2);
		assert_int_equal(kq_log_end_offset(v.log), to + 1);
		assert_int_equal(kq_log_truncate(v.log, 99), KQ_ERANGE);
		env_deinit(&v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retention_by_time_drops_whole_segments_in_order),
		cmocka_unit_test(test_retention_of_all_leaves_an_empty_log_at_the_end),
		cmocka_unit_test(test_retention_by_size_keeps_at_least_that_much),
		cmocka_unit_test(test_retention_stops_at_the_high_watermark),
		cmocka_unit_test(test_delete_records_moves_the_start_and_retention_follows),
		cmocka_unit_test(test_delete_of_all_records_empties_the_log_at_the_next_run),
		cmocka_unit_test(test_truncate_cuts_batches_segments_and_what_belongs_to_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
