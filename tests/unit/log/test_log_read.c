#include "unit/log/log_env.h"

static void test_read_stops_at_the_upper_bound(void **state)
{
	(void)state;
	struct env v;
	struct kq_log_slice s;
	env_init(&v);
	v.config.index_interval_bytes = 400;
	env_create(&v);
	for (int i = 0; i < 50; i++)
		env_append(&v, 2, 1000 + i, 100);
	int64_t batch = kq_log_size(v.log) / 50;
	for (int reopened = 0; reopened < 2; reopened++) {
		for (int from = 0; from < 100; from++) {
			for (int upper = from; upper <= 100; upper++) {
				assert_int_equal(kq_log_read(v.log, from, upper, 1 << 20, true, &s), 0);
				/* A batch that reaches beyond upper is not shown. */
				int64_t n = upper / 2 - from / 2;
				assert_int_equal(s.size, n > 0 && from < upper ? n * batch : 0);
				if (s.size)
					assert_int_equal(s.pos, from / 2 * batch);
				kq_log_slice_release(&s);
			}
		}
		env_reopen(&v, true); /* without marks of the last appends */
	}
	env_deinit(&v);
}

static void test_read_gives_a_large_first_batch_whole_only_if_asked(void **state)
{
	(void)state;
	struct env v;
	struct kq_log_slice s;
	env_init(&v);
	env_create(&v);
	env_append(&v, 1, 1000, 5000);
	env_append(&v, 1, 1000, 5000);
	int64_t batch = kq_log_size(v.log) / 2;
	for (int offset = 0; offset < 2; offset++) {
		assert_int_equal(kq_log_read(v.log, offset, 2, 100, true, &s), 0);
		assert_int_equal(s.size, batch);
		assert_false(s.first_is_short);
		kq_log_slice_release(&s);
		assert_int_equal(kq_log_read(v.log, offset, 2, 100, false, &s), 0);
		assert_int_equal(s.size, 100);
		assert_true(s.first_is_short);
		kq_log_slice_release(&s);
	}
	assert_int_equal(kq_log_read(v.log, 0, 2, (size_t)batch + 10, true, &s), 0);
	assert_int_equal(s.size, batch + 10);
	kq_log_slice_release(&s);
	env_deinit(&v);
}

static void test_read_ends_at_its_segment_and_says_whether_more_is_behind(void **state)
{
	(void)state;
	struct env v;
	struct kq_log_slice s;
	env_init(&v);
	v.config.segment_bytes = 500;
	env_create(&v);
	for (int i = 0; i < 6; i++)
		env_append(&v, 1, 1000 + i, 100);
	assert_int_equal(kq_log_read(v.log, 0, 6, 1 << 20, true, &s), 0);
	assert_int_equal(s.size, env_file_size(&v, 0, "log"));
	assert_true(s.more_behind);
	kq_log_slice_release(&s);
	assert_int_equal(kq_log_read(v.log, 5, 6, 1 << 20, true, &s), 0);
	assert_false(s.more_behind);
	kq_log_slice_release(&s);
	env_deinit(&v);
}

/* One record at offset, as a follower gets it. */
static void append_at(struct env *v, int64_t offset)
{
	size_t n;
	uint8_t *p = env_batch(v, 1, 1000 + offset, 1, 100, env_plain(), &n);
	kq_batch_patch(p, offset, 0);
	assert_int_equal(kq_log_append_as_is(v->log, p, n), 0);
}

static void test_read_goes_over_holes_to_the_next_batch_and_segment(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_bytes = 400;
	env_create(&v);
	for (int i = 0; i < 20; i++)
		append_at(&v, i * 10);
	/* Roll after a hole: the segment's last batch ends well below the next base. */
	for (int i = 0; i <= 190; i++)
		assert_int_equal(env_read_base(&v, i, 1 << 20, NULL), (i + 9) / 10 * 10);
	env_reopen(&v, false);
	assert_int_equal(kq_log_end_offset(v.log), 191);
	for (int i = 0; i <= 190; i++)
		assert_int_equal(env_read_base(&v, i, 1 << 20, NULL), (i + 9) / 10 * 10);
	env_deinit(&v);
}

static void test_slice_stays_readable_when_its_segment_is_deleted(void **state)
{
	(void)state;
	struct env v;
	struct kq_log_slice s;
	uint8_t head[KQ_BATCH_HEADER_SIZE];
	size_t got;
	int64_t start;
	env_init(&v);
	v.config.segment_bytes = 500;
	v.config.file_delete_delay_ms = 0;
	env_create(&v);
	for (int i = 0; i < 6; i++)
		env_append(&v, 1, 1000 + i, 100);
	kq_log_advance_high_watermark(v.log, 6);
	assert_int_equal(kq_log_read(v.log, 0, 6, 1 << 20, true, &s), 0);
	assert_int_equal(kq_log_delete_before(v.log, 4, &start), 0);
	assert_true(kq_log_retain(v.log, 0) > 0);
	assert_true(kq_log_housekeep(v.log, INT64_MAX, 0) > 0);
	assert_int_equal(kq_io_pread(s.fd, head, sizeof head, s.pos, &got), 0);
	assert_int_equal(got, sizeof head);
	kq_log_slice_release(&s);
	env_deinit(&v);
}

static void test_time_lookup_is_bounded_by_upper_and_start(void **state)
{
	(void)state;
	struct env v;
	int64_t offset, timestamp, start;
	int32_t epoch;
	env_init(&v);
	v.config.segment_bytes = 1000;
	v.config.index_interval_bytes = 200;
	env_create(&v);
	for (int i = 0; i < 30; i++)
		env_append(&v, 2, 1000 + i * 10, 100);
	kq_log_advance_high_watermark(v.log, 60);
	assert_int_equal(kq_log_find_time(v.log, 1100, 60, &offset, &timestamp, &epoch), 0);
	assert_int_equal(offset, 20);
	assert_int_equal(timestamp, 1100);
	assert_int_equal(epoch, 0);
	assert_int_equal(kq_log_find_time(v.log, 1101, 60, &offset, &timestamp, &epoch), 0);
	assert_int_equal(offset, 21);
	assert_int_equal(kq_log_find_time(v.log, 1100, 20, &offset, &timestamp, &epoch), 0);
	assert_int_equal(offset, -1);
	assert_int_equal(kq_log_find_time(v.log, 5000, 60, &offset, &timestamp, &epoch), 0);
	assert_int_equal(offset, -1);
	assert_int_equal(kq_log_delete_before(v.log, 33, &start), 0);
	assert_int_equal(kq_log_find_time(v.log, 0, 60, &offset, &timestamp, &epoch), 0);
	assert_int_equal(offset, 33);
	assert_int_equal(kq_log_find_max_time(v.log, 60, &offset, &timestamp, &epoch), 0);
	assert_int_equal(offset, 59);
	assert_int_equal(kq_log_find_max_time(v.log, 50, &offset, &timestamp, &epoch), 0);
	assert_int_equal(offset, 49);
	env_deinit(&v);
}

static void test_high_watermark_only_grows_and_stays_within_the_end(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	env_create(&v);
	env_append(&v, 5, 1000, 10);
	kq_log_advance_high_watermark(v.log, 3);
	assert_int_equal(kq_log_high_watermark(v.log), 3);
	kq_log_advance_high_watermark(v.log, 2);
	assert_int_equal(kq_log_high_watermark(v.log), 3);
	kq_log_advance_high_watermark(v.log, 99);
	assert_int_equal(kq_log_high_watermark(v.log), 5);
	assert_int_equal(kq_log_last_stable_offset(v.log), 5);
	env_deinit(&v);
}

static void test_last_stable_offset_waits_for_an_open_transaction(void **state)
{
	(void)state;
	struct env v;
	struct kq_append_result r;
	size_t n;
	env_init(&v);
	env_create(&v);
	env_append(&v, 2, 1000, 10);
	struct kq_seal seal = { .producer_id = 7, .attributes = KQ_BATCH_TRANSACTIONAL };
	uint8_t *p = env_batch(&v, 2, 1000, 1, 10, &seal, &n);
	assert_int_equal(kq_log_append(v.log, p, n, 0, &r), 0);
	env_append(&v, 2, 1000, 10);
	kq_log_advance_high_watermark(v.log, 6);
	assert_int_equal(kq_log_last_stable_offset(v.log), 2);
	env_reopen(&v, false);
	kq_log_advance_high_watermark(v.log, 6);
	assert_int_equal(kq_log_last_stable_offset(v.log), 2);
	env_deinit(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_stops_at_the_upper_bound),
		cmocka_unit_test(test_read_gives_a_large_first_batch_whole_only_if_asked),
		cmocka_unit_test(test_read_ends_at_its_segment_and_says_whether_more_is_behind),
		cmocka_unit_test(test_read_goes_over_holes_to_the_next_batch_and_segment),
		cmocka_unit_test(test_slice_stays_readable_when_its_segment_is_deleted),
		cmocka_unit_test(test_time_lookup_is_bounded_by_upper_and_start),
		cmocka_unit_test(test_high_watermark_only_grows_and_stays_within_the_end),
		cmocka_unit_test(test_last_stable_offset_waits_for_an_open_transaction),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
