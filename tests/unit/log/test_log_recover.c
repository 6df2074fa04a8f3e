#include "unit/log/log_env.h"

static void write_at(struct env *v, int64_t base, int64_t pos, const void *p, size_t n)
{
	int fd = open(env_path(v, base, "log"), O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, p, n, pos), n);
	close(fd);
}

/* A log of 10 batches of one record, closed as by kill -9, with no recovery point. */
static int64_t killed_log(struct env *v)
{
	env_init(v);
	v->config.index_interval_bytes = 300;
	env_create(v);
	for (int i = 0; i < 10; i++)
		env_append(v, 1, 1000 + i, 100);
	kq_log_close(v->log, false);
	kq_log_unref(v->log);
	v->log = NULL;
	return env_file_size(v, 0, "log") / 10;
}

static void test_recovery_keeps_all_that_a_killed_process_wrote(void **state)
{
	(void)state;
	struct env v;
	killed_log(&v);
	env_reopen(&v, false);
	assert_int_equal(kq_log_end_offset(v.log), 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(env_read_base(&v, i, 1, NULL), i);
	env_deinit(&v);
}

static void test_recovery_cuts_a_tail_torn_at_any_byte(void **state)
{
	(void)state;
	struct env v;
	int64_t size = killed_log(&v);
	for (int64_t cut = 1; cut < size; cut += 13) {
		assert_int_equal(truncate(env_path(&v, 0, "log"), 9 * size + cut), 0);
		env_reopen(&v, false);
		assert_int_equal(kq_log_end_offset(v.log), 9);
		assert_int_equal(env_file_size(&v, 0, "log"), 9 * size);
		assert_int_equal(env_append(&v, 1, 2000, 100), 9);
		v.params.recovery_point = 0;
		kq_log_close(v.log, false);
		kq_log_unref(v.log);
		v.log = NULL;
	}
	env_deinit(&v);
}

static void test_recovery_cuts_a_last_batch_with_a_wrong_checksum_and_zeros_behind(void **state)
{
	(void)state;
	struct env v;
	int64_t size = killed_log(&v);
	write_at(&v, 0, 9 * size + 80, "x", 1);
	assert_int_equal(truncate(env_path(&v, 0, "log"), 10 * size + 5000), 0);
	env_reopen(&v, false);
	assert_int_equal(kq_log_end_offset(v.log), 9);
	env_deinit(&v);
}

static void refused(struct env *v, const char *why)
{
	char before[128], *path = env_path(v, 0, "log");
	snprintf(before, sizeof before, "%s/copy", v->root);
	env_copy(path, before);
	assert_int_equal(env_try_reopen(v, false), KQ_ECORRUPT);
	if (!strstr(v->error.text, why))
		print_error("%s\n", v->error.text);
	assert_non_null(strstr(v->error.text, why));
	assert_null(v->log);
	assert_same_file(path, before);
}

static void test_recovery_refuses_damage_with_valid_batches_behind(void **state)
{
	(void)state;
	struct env v;
	int64_t size = killed_log(&v);
	write_at(&v, 0, 5 * size + 80, "x", 1);
	refused(&v, "valid batch follows at byte");
	env_deinit(&v);
	size = killed_log(&v);
	write_at(&v, 0, 5 * size + 8, "\x7f\xff\xff\xff", 4); /* its length is wrong */
	refused(&v, "valid batch follows at byte");
	env_deinit(&v);
}

static void test_recovery_refuses_offsets_out_of_order(void **state)
{
	(void)state;
	struct env v;
	int64_t size = killed_log(&v);
	write_at(&v, 0, 5 * size + 6, "\1", 1); /* a flipped bit in a base offset: 5 is 261 */
	refused(&v, "where 262 is due");
	env_deinit(&v);
}

static void test_recovery_refuses_damage_below_the_recovery_point(void **state)
{
	(void)state;
	struct env v;
	int64_t size = killed_log(&v);
	v.params.recovery_point = 10;
	write_at(&v, 0, 9 * size + 80, "x", 1);
	refused(&v, "below the recovery point");
	env_deinit(&v);
}

static void test_open_refuses_a_torn_tail_after_a_clean_stop(void **state)
{
	(void)state;
	struct env v;
	int64_t size = killed_log(&v);
	assert_int_equal(truncate(env_path(&v, 0, "log"), 10 * size - 1), 0);
	v.params.recovery_point = 0;
	assert_int_equal(env_try_reopen(&v, true), KQ_ECORRUPT);
	assert_non_null(strstr(v.error.text, "closed cleanly"));
	assert_int_equal(env_file_size(&v, 0, "log"), 10 * size - 1);
	env_reopen(&v, false);
	assert_int_equal(kq_log_end_offset(v.log), 9);
	env_deinit(&v);
}

static void test_recovery_refuses_a_log_that_lost_synced_batches(void **state)
{
	(void)state;
	struct env v;
	int64_t size = killed_log(&v);
	v.params.recovery_point = 10;
	assert_int_equal(truncate(env_path(&v, 0, "log"), 8 * size), 0);
	refused(&v, "data is missing");
	env_deinit(&v);
}

static void test_recovery_refuses_damage_in_a_segment_with_another_behind(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_bytes = 500;
	env_create(&v);
	for (int i = 0; i < 6; i++)
		env_append(&v, 1, 1000 + i, 100);
	kq_log_close(v.log, false);
	kq_log_unref(v.log);
	v.log = NULL;
	assert_int_equal(truncate(env_path(&v, 0, "log"), env_file_size(&v, 0, "log") - 3), 0);
	refused(&v, "follows");
	env_deinit(&v);
}

static void test_recovery_cuts_before_an_empty_segment_and_takes_it_away(void **state)
{
	(void)state;
	struct env v;
	int64_t size = killed_log(&v);
	int fd = open(env_path(&v, 10, "log"), O_CREAT | O_WRONLY, 0644);
	close(fd);
	assert_int_equal(truncate(env_path(&v, 0, "log"), 10 * size - 3), 0);
	env_reopen(&v, false);
	assert_int_equal(kq_log_end_offset(v.log), 9);
	assert_int_equal(env_file_size(&v, 10, "log"), -1);
	assert_int_equal(env_append(&v, 1, 1, 1), 9);
	env_deinit(&v);
}

static void test_recovery_reads_nothing_far_below_the_recovery_point(void **state)
{
	(void)state;
	struct env v;
	int64_t size = killed_log(&v);
	/* Damage at offset 1, an acknowledged checkpoint at 9: only the tail is read. */
	write_at(&v, 0, 1 * size + 80, "x", 1);
	v.params.recovery_point = 9;
	env_reopen(&v, false);
	assert_int_equal(kq_log_end_offset(v.log), 10);
	env_deinit(&v);
}

static void test_open_rebuilds_an_index_that_is_missing_or_odd_after_a_clean_stop(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_bytes = 2000;
	v.config.index_interval_bytes = 150;
	env_create(&v);
	for (int i = 0; i < 40; i++)
		env_append(&v, 1, 1000 + i, 100);
	env_reopen(&v, true);
	char good[128];
	snprintf(good, sizeof good, "%s/copy", v.root);
	env_copy(env_path(&v, 0, "index"), good);
	for (int how = 0; how < 4; how++) {
		char *path = env_path(&v, 0, "index");
		if (how == 0)
			unlink(path);
		else if (how == 1)
			assert_int_equal(truncate(path, 9), 0);
		else if (how == 2)
			assert_int_equal(truncate(path, 4096), 0); /* as if never trimmed */
		else
			unlink(env_path(&v, 0, "timeindex"));
		env_reopen(&v, true);
		assert_same_file(env_path(&v, 0, "index"), good);
		for (int i = 0; i < 40; i++)
			assert_int_equal(env_read_base(&v, i, 1, NULL), i);
	}
	env_deinit(&v);
}

static void test_read_finds_its_way_past_an_index_that_lies(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_bytes = 2000;
	v.config.index_interval_bytes = 150;
	env_create(&v);
	for (int i = 0; i < 40; i++)
		env_append(&v, 1, 1000 + i, 100);
	env_reopen(&v, true);
	kq_log_close(v.log, true);
	kq_log_unref(v.log);
	v.log = NULL;
	int fd = open(env_path(&v, 0, "index"), O_RDWR);
	assert_int_equal(pwrite(fd, "\0\0\0\3\0\0\0\7", 8, 8), 8);
	close(fd);
	env_reopen(&v, true);
	for (int i = 0; i < 40; i++)
		assert_int_equal(env_read_base(&v, i, 1, NULL), i);
	env_reopen(&v, true); /* it was dropped at close and made anew */
	for (int i = 0; i < 40; i++)
		assert_int_equal(env_read_base(&v, i, 1, NULL), i);
	env_deinit(&v);
}

static void test_open_finishes_swaps_and_clears_half_done_work(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_bytes = 500;
	env_create(&v);
	for (int i = 0; i < 9; i++)
		env_append(&v, 1, 1000 + i, 100);
	kq_log_close(v.log, true);
	kq_log_unref(v.log);
	v.log = NULL;
	/* Segment 0 was merged with segment 2: the swap replaces both. */
	size_t n, m;
	char *a = env_slurp(env_path(&v, 0, "log"), &n), *b = env_slurp(env_path(&v, 2, "log"), &m);
	FILE *f = fopen(env_path(&v, 0, "log.swap"), "w");
	fwrite(a, 1, n, f);
	fwrite(b, 1, m, f);
	fclose(f);
	free(a);
	free(b);
	env_copy(env_path(&v, 0, "index"), env_path(&v, 6, "index.cleaned"));
	env_copy(env_path(&v, 0, "log"), env_path(&v, 100, "log.deleted"));
	env_copy(env_path(&v, 0, "index"), env_path(&v, 77, "index"));
	v.params.recovery_point = 9;
	env_reopen(&v, true);
	assert_int_equal(env_file_size(&v, 0, "log.swap"), -1);
	assert_int_equal(env_file_size(&v, 2, "log"), -1);
	assert_int_equal(env_file_size(&v, 6, "index.cleaned"), -1);
	assert_int_equal(env_file_size(&v, 100, "log.deleted"), -1);
	assert_int_equal(env_file_size(&v, 77, "index"), -1);
	for (int i = 0; i < 9; i++)
		assert_int_equal(env_read_base(&v, i, 1, NULL), i);
	env_deinit(&v);
}

static void test_open_makes_an_empty_directory_a_log_at_its_start(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	mkdir(v.dir, 0755);
	v.params.log_start = 42;
	env_reopen(&v, true);
	assert_int_equal(kq_log_start_offset(v.log), 42);
	assert_int_equal(kq_log_end_offset(v.log), 42);
	assert_int_equal(env_append(&v, 1, 1, 1), 42);
	env_deinit(&v);
}

static void test_open_begins_anew_where_the_start_lies_above_the_end(void **state)
{
	(void)state;
	struct env v;
	killed_log(&v);
	v.params.log_start = 100;
	env_reopen(&v, false);
	assert_int_equal(kq_log_start_offset(v.log), 100);
	assert_int_equal(kq_log_end_offset(v.log), 100);
	assert_int_equal(kq_log_size(v.log), 0);
	assert_int_equal(env_append(&v, 1, 1, 1), 100);
	env_deinit(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_recovery_keeps_all_that_a_killed_process_wrote),
		cmocka_unit_test(test_recovery_cuts_a_tail_torn_at_any_byte),
		cmocka_unit_test(test_recovery_cuts_a_last_batch_with_a_wrong_checksum_and_zeros_behind),
		cmocka_unit_test(test_recovery_refuses_damage_with_valid_batches_behind),
		cmocka_unit_test(test_recovery_refuses_offsets_out_of_order),
		cmocka_unit_test(test_recovery_refuses_damage_below_the_recovery_point),
		cmocka_unit_test(test_open_refuses_a_torn_tail_after_a_clean_stop),
		cmocka_unit_test(test_recovery_refuses_a_log_that_lost_synced_batches),
		cmocka_unit_test(test_recovery_refuses_damage_in_a_segment_with_another_behind),
		cmocka_unit_test(test_recovery_cuts_before_an_empty_segment_and_takes_it_away),
		cmocka_unit_test(test_recovery_reads_nothing_far_below_the_recovery_point),
		cmocka_unit_test(test_open_rebuilds_an_index_that_is_missing_or_odd_after_a_clean_stop),
		cmocka_unit_test(test_read_finds_its_way_past_an_index_that_lies),
		cmocka_unit_test(test_open_finishes_swaps_and_clears_half_done_work),
		cmocka_unit_test(test_open_makes_an_empty_directory_a_log_at_its_start),
		cmocka_unit_test(test_open_begins_anew_where_the_start_lies_above_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
