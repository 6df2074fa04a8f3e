#include "unit/log/log_env.h"

static void test_log_gives_offsets_in_order_and_reads_them_back(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	env_create(&v);
	assert_int_equal(kq_log_end_offset(v.log), 0);
	assert_int_equal(env_append(&v, 3, 1000, 10), 0);
	assert_int_equal(env_append(&v, 1, 1001, 10), 3);
	assert_int_equal(env_append(&v, 2, 1002, 10), 4);
	assert_int_equal(kq_log_end_offset(v.log), 6);
	assert_int_equal(kq_log_durable_end(v.log), 6);
	assert_int_equal(env_read_base(&v, 0, 1 << 20, NULL), 0);
	assert_int_equal(env_read_base(&v, 2, 1 << 20, NULL), 0);
	assert_int_equal(env_read_base(&v, 3, 1 << 20, NULL), 3);
	assert_int_equal(env_read_base(&v, 5, 1 << 20, NULL), 4);
	assert_int_equal(env_read_base(&v, 6, 1 << 20, NULL), -1000);
	assert_int_equal(env_read_base(&v, 7, 1 << 20, NULL), KQ_ERANGE);
	env_deinit(&v);
}

static void test_log_reopens_clean_with_the_same_end(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	env_create(&v);
	for (int i = 0; i < 100; i++)
		env_append(&v, 1, 1000 + i, 500);
	env_reopen(&v, true);
	assert_int_equal(kq_log_end_offset(v.log), 100);
	for (int i = 0; i < 100; i++)
		assert_int_equal(env_read_base(&v, i, 1 << 20, NULL), i);
	assert_int_equal(env_append(&v, 1, 2000, 10), 100);
	env_deinit(&v);
}

static void test_log_rolls_by_bytes_and_reads_at_each_offset(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_bytes = 4000;
	v.config.index_interval_bytes = 200;
	env_create(&v);
	for (int i = 0; i < 60; i++)
		env_append(&v, 2, 1000 + i, 150);
	assert_int_equal(kq_log_end_offset(v.log), 120);
	for (int clean = 1; clean >= 0; clean--) {
		for (int i = 0; i < 120; i++)
			assert_int_equal(env_read_base(&v, i, 1 << 20, NULL), i / 2 * 2);
		env_reopen(&v, clean);
		assert_int_equal(kq_log_end_offset(v.log), 120);
	}
	assert_true(kq_log_size(v.log) > 60 * 300);
	env_deinit(&v);
}

static void test_log_rolls_by_time_between_batches(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_ms = 1000;
	env_create(&v);
	env_append(&v, 1, 5000, 10);
	env_append(&v, 1, 6000, 10); /* 1000 ms: not more than segment.ms */
	env_append(&v, 1, 6001, 10);
	assert_true(env_file_size(&v, 2, "log") > 0);
	assert_int_equal(env_file_size(&v, 1, "log"), -1);
	assert_int_equal(env_file_size(&v, 0, "timeindex"), 12);
	assert_int_equal(env_file_size(&v, 0, "index"), 0);
	assert_true(env_file_size(&v, 2, "snapshot") == 10);
	env_deinit(&v);
}

static void test_log_rolls_when_an_index_is_full(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_index_bytes = 48; /* 6 offset entries, 4 time entries: 3 usable */
	v.config.index_interval_bytes = 50;
	env_create(&v);
	for (int i = 0; i < 20; i++)
		env_append(&v, 1, 1000 + i, 50);
	assert_int_equal(env_file_size(&v, 4, "log") > 0, 1);
	assert_int_equal(env_file_size(&v, 0, "index"), 24);
	assert_int_equal(env_file_size(&v, 0, "timeindex"), 36);
	for (int i = 0; i < 20; i++)
		assert_int_equal(env_read_base(&v, i, 1 << 20, NULL), i);
	env_deinit(&v);
}

static void test_log_preallocates_the_active_index_and_trims_it_at_close(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.segment_index_bytes = 1020;
	env_create(&v);
	env_append(&v, 1, 1000, 5000);
	assert_int_equal(env_file_size(&v, 0, "index"), -1);
	env_append(&v, 1, 1001, 5000);
	assert_int_equal(env_file_size(&v, 0, "index"), 1016);
	assert_int_equal(env_file_size(&v, 0, "timeindex"), 1020);
	env_append(&v, 1, 1002, 10);
	env_reopen(&v, true);
	assert_int_equal(env_file_size(&v, 0, "index"), 16);
	assert_int_equal(env_file_size(&v, 0, "timeindex"), 24);
	env_deinit(&v);
}

static void test_log_stamps_append_time_where_the_topic_wants_it(void **state)
{
	(void)state;
	struct env v;
	struct kq_append_result r;
	struct kq_log_slice s;
	uint8_t head[KQ_BATCH_HEADER_SIZE];
	struct kq_batch b;
	size_t got;
	env_init(&v);
	v.config.log_append_time = true;
	env_create(&v);
	assert_int_equal(env_try_append(&v, 2, 1, 10, &r), 0);
	assert_true(r.append_time_ms > 1600000000000);
	assert_int_equal(kq_log_read(v.log, 0, 2, 1 << 20, true, &s), 0);
	assert_int_equal(kq_io_pread(s.fd, head, sizeof head, s.pos, &got), 0);
	kq_batch_peek(head, sizeof head, &b);
	assert_int_equal(b.max_timestamp, r.append_time_ms);
	assert_true(b.attributes & KQ_BATCH_LOG_APPEND_TIME);
	kq_log_slice_release(&s);
	env_reopen(&v, false); /* the CRC is right: recovery keeps it */
	assert_int_equal(kq_log_end_offset(v.log), 2);
	env_deinit(&v);
}

static void test_log_packs_batches_anew_for_another_compression_type(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	v.config.codec = KQ_CODEC_ZSTD;
	env_create(&v);
	env_append(&v, 20, 1000, 1000);
	assert_true(kq_log_size(v.log) < 2000);
	v.config.codec = KQ_CODEC_NONE;
	kq_log_set_config(v.log, &v.config);
	env_append(&v, 20, 1000, 1000);
	assert_true(kq_log_size(v.log) > 20000);
	env_reopen(&v, false);
	assert_int_equal(kq_log_end_offset(v.log), 40);
	env_deinit(&v);
}

static void test_log_refuses_what_breaks_the_rules(void **state)
{
	(void)state;
	struct env v;
	struct kq_append_result r;
	size_t n;
	env_init(&v);
	v.config.max_message_bytes = 1000;
	v.config.timestamp_before_max_ms = 1000;
	env_create(&v);
	assert_int_equal(env_try_append(&v, 1, 1000, 2000, &r), KQ_ETOOBIG);
	assert_true(strlen(r.text) > 10);
	assert_int_equal(env_try_append(&v, 1, 1000, 20, &r), KQ_ETIMESTAMP);
	v.config.timestamp_before_max_ms = INT64_MAX;
	v.config.segment_bytes = 500;
	kq_log_set_config(v.log, &v.config);
	assert_int_equal(env_try_append(&v, 1, 1000, 600, &r), KQ_ELIMIT);
	uint8_t *p = env_batch(&v, 1, 1, 1, 10, env_plain(), &n);
	p[n - 1] ^= 1;
	assert_int_equal(kq_log_append(v.log, p, n, 0, &r), KQ_ECORRUPT);
	assert_int_equal(kq_log_end_offset(v.log), 0);
	assert_int_equal(kq_log_size(v.log), 0);
	env_deinit(&v);
}

static int append_seq(struct env *v, int16_t epoch, int32_t seq, struct kq_append_result *r)
{
	size_t n;
	struct kq_seal seal = { .producer_id = 7, .producer_epoch = epoch, .base_sequence = seq };
	uint8_t *p = env_batch(v, 2, 1000, 1, 10, &seal, &n);
	return kq_log_append(v->log, p, n, 0, r);
}

static void test_log_knows_duplicates_and_gaps_of_a_producer_across_restarts(void **state)
{
	(void)state;
	struct env v;
	struct kq_append_result r;
	env_init(&v);
	v.config.producer_expiration_ms = INT64_MAX / 4;
	env_create(&v);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++) {
			assert_int_equal(append_seq(&v, 0, (round * 3 + i) * 2, &r), 0);
			assert_false(r.duplicate);
		}
		assert_int_equal(append_seq(&v, 0, (round * 3 + 2) * 2, &r), 0);
		assert_true(r.duplicate);
		assert_int_equal(r.base_offset, (round * 3 + 2) * 2);
		assert_int_equal(append_seq(&v, 0, 100, &r), KQ_ESEQ);
		env_reopen(&v, round == 0);
	}
	assert_int_equal(kq_log_end_offset(v.log), 18);
	env_deinit(&v);
}

static void test_log_stamps_the_leader_epoch_and_keeps_its_list(void **state)
{
	(void)state;
	struct env v;
	struct kq_append_result r;
	size_t n;
	int32_t found;
	int64_t end;
	env_init(&v);
	env_create(&v);
	assert_int_equal(kq_log_assign_epoch(v.log, 3), 0);
	uint8_t *p = env_batch(&v, 2, 1000, 1, 10, env_plain(), &n);
	assert_int_equal(kq_log_append(v.log, p, n, 3, &r), 0);
	assert_int_equal(kq_load_i32(p + 12), 3);
	p = env_batch(&v, 2, 1000, 1, 10, env_plain(), &n);
	assert_int_equal(kq_log_append(v.log, p, n, 5, &r), 0);
	env_reopen(&v, true);
	assert_int_equal(kq_log_latest_epoch(v.log), 5);
	assert_int_equal(kq_log_epoch_at(v.log, 1), 3);
	kq_log_epoch_end(v.log, 4, &found, &end);
	assert_int_equal(found, 3);
	assert_int_equal(end, 2);
	env_deinit(&v);
}

static void test_log_keeps_an_epoch_without_records_over_a_clean_stop(void **state)
{
	(void)state;
	struct env v;
	env_init(&v);
	env_create(&v);
	assert_int_equal(kq_log_assign_epoch(v.log, 2), 0);
	env_append(&v, 1, 1000, 10);
	assert_int_equal(kq_log_assign_epoch(v.log, 7), 0);
	env_reopen(&v, true);
	assert_int_equal(kq_log_latest_epoch(v.log), 7);
	env_deinit(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_gives_offsets_in_order_and_reads_them_back),
		cmocka_unit_test(test_log_reopens_clean_with_the_same_end),
		cmocka_unit_test(test_log_rolls_by_bytes_and_reads_at_each_offset),
		cmocka_unit_test(test_log_rolls_by_time_between_batches),
		cmocka_unit_test(test_log_rolls_when_an_index_is_full),
		cmocka_unit_test(test_log_preallocates_the_active_index_and_trims_it_at_close),
		cmocka_unit_test(test_log_stamps_append_time_where_the_topic_wants_it),
		cmocka_unit_test(test_log_packs_batches_anew_for_another_compression_type),
		cmocka_unit_test(test_log_refuses_what_breaks_the_rules),
		cmocka_unit_test(test_log_knows_duplicates_and_gaps_of_a_producer_across_restarts),
		cmocka_unit_test(test_log_stamps_the_leader_epoch_and_keeps_its_list),
		cmocka_unit_test(test_log_keeps_an_epoch_without_records_over_a_clean_stop),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
