/* Disk calls that fail, each one in turn: nothing that a failure touched is ever
 * acknowledged, and what was acknowledged is there after a restart. */
#include "unit/log/log_env.h"

#include <errno.h>

static struct {
	int countdown; /* calls until the failure; 0 off */
	int err;
	bool sticky;
	size_t partial; /* of a pwrite */
	int hits;
	char site[64];
	char seen[64][48]; /* all sites passed */
	int seen_count;
} fault;

static int inject(const char *op, const char *site, size_t *partial)
{
	char name[48];
	snprintf(name, sizeof name, "%s %s", op, site);
	int i = 0;
	while (i < fault.seen_count && strcmp(fault.seen[i], name))
		i++;
	if (i == fault.seen_count && i < 64)
		strcpy(fault.seen[fault.seen_count++], name);
	if (fault.countdown == 0)
		return 0;
	if (fault.countdown > 1) {
		fault.countdown--;
		return 0;
	}
	if (!fault.sticky)
		fault.countdown = 0;
	fault.hits++;
	snprintf(fault.site, sizeof fault.site, "%s", name);
	if (partial)
		*partial = fault.partial;
	return fault.err;
}

static int told_dir_failed, told_failed;
static int64_t told_durable;

static void on_dir_failed(void *arg, struct kq_log *log, int err)
{
	(void)arg;
	(void)log;
	assert_true(err == KQ_EIO || err == KQ_ENOSPC);
	told_dir_failed++;
}

static void on_failed(void *arg)
{
	(void)arg;
	told_failed++;
}

static void on_durable(void *arg, int64_t end)
{
	(void)arg;
	assert_true(end >= told_durable);
	told_durable = end;
}

static void setup(struct env *v)
{
	env_init(v);
	v->config.segment_bytes = 1500;
	v->config.index_interval_bytes = 200;
	v->config.segment_index_bytes = 1024;
	v->config.retention_bytes = 3000;
	v->config.file_delete_delay_ms = 0;
	v->params.sync = true;
	v->params.hooks.dir_failed = on_dir_failed;
	told_dir_failed = told_failed = 0;
	told_durable = 0;
}

/* A life: appends of two producers, syncs, epochs, retention. Stops at the first
 * failure. Returns it; the log may then have failed. */
static int live(struct env *v)
{
	struct kq_append_result r;
	int rc = 0;
	for (int i = 0; i < 40 && !rc; i++) {
		size_t n;
		struct kq_seal seal = { .producer_id = i % 2, .base_sequence = i / 2 };
		uint8_t *p = env_batch(v, 1, 1000 + i, 1, 100, &seal, &n);
		rc = kq_log_append(v->log, p, n, i / 15, &r);
		if (!rc && i % 3 == 0)
			rc = kq_log_sync(v->log);
		if (!rc && i % 10 == 9) {
			kq_log_advance_high_watermark(v->log, kq_log_durable_end(v->log));
			rc = kq_log_retain(v->log, 0);
			rc = rc < 0 ? rc : 0;
			kq_log_housekeep(v->log, INT64_MAX, 0);
		}
	}
	return rc;
}

static void after_failure(struct env *v, int rc)
{
	struct kq_append_result r;
	int64_t promised = told_durable;
	assert_true(rc == KQ_EIO || rc == KQ_ENOSPC);
	assert_true(kq_log_is_offline(v->log));
	assert_int_equal(told_dir_failed, 1);
	assert_int_equal(told_failed, 1);
	assert_int_equal(env_try_append(v, 1, 1, 1, &r), KQ_ECLOSED);
	assert_int_equal(kq_log_sync(v->log), KQ_ECLOSED);
	assert_int_equal(told_durable, promised);
	assert_int_equal(kq_log_durable_end(v->log), promised);
	/* Reads go on. */
	int64_t end = kq_log_end_offset(v->log), start = kq_log_start_offset(v->log);
	if (end > start)
		assert_true(env_read_base(v, end - 1, 1 << 20, NULL) >= start);
	/* With a disk that works again, all that was promised is there. */
	kq_io_set_fault(NULL);
	env_reopen(v, false);
	assert_true(kq_log_end_offset(v->log) >= promised);
	for (int64_t i = kq_log_start_offset(v->log); i < kq_log_end_offset(v->log); i++)
		assert_int_equal(env_read_base(v, i, 1, NULL), i);
}

static void one_failure_at_each_call(int err, bool sticky, size_t partial)
{
	int calls = 0;
	for (;; calls++) {
		struct env v;
		setup(&v);
		env_create(&v);
		kq_log_set_listener(v.log, &(struct kq_log_listener){
			.durable = on_durable, .failed = on_failed });
		fault.countdown = calls + 1;
		fault.err = err;
		fault.sticky = sticky;
		fault.partial = partial;
		fault.hits = 0;
		kq_io_set_fault(inject);
		int rc = live(&v);
		if (fault.hits)
			after_failure(&v, rc);
		int hits = fault.hits;
		fault.countdown = 0;
		env_deinit(&v);
		if (!hits)
			break;
	}
	assert_true(calls > 100);
}

static void test_log_survives_an_io_error_at_any_call(void **state)
{
	(void)state;
	one_failure_at_each_call(EIO, false, 0);
}

static void test_log_survives_a_disk_that_stays_full_from_any_call_on(void **state)
{
	(void)state;
	one_failure_at_each_call(ENOSPC, true, 0);
}

static void test_log_survives_a_short_write_at_any_call(void **state)
{
	(void)state;
	one_failure_at_each_call(EIO, true, 30);
}

/* Opening after a kill and closing cleanly, with a failure at any call. */
static void test_open_and_close_can_fail_at_any_call_and_be_repeated(void **state)
{
	(void)state;
	for (int calls = 0;; calls++) {
		struct env v;
		struct kq_log *log;
		setup(&v);
		env_create(&v);
		kq_io_set_fault(inject);
		fault.countdown = 0;
		assert_int_equal(live(&v), 0);
		int64_t end = kq_log_end_offset(v.log);
		assert_int_equal(kq_log_sync(v.log), 0);
		kq_log_close(v.log, false);
		kq_log_unref(v.log);
		v.log = NULL;
		fault.countdown = calls + 1;
		fault.err = EIO;
		fault.sticky = false;
		fault.hits = 0;
		bool clean = false;
		if (kq_log_open(&v.params, &log, &v.error) == 0) {
			clean = kq_log_close(log, true) == 0;
			kq_log_unref(log);
		}
		int hits = fault.hits;
		assert_true(hits ? !clean : clean);
		fault.countdown = 0;
		env_reopen(&v, clean);
		assert_int_equal(kq_log_end_offset(v.log), end);
		env_deinit(&v);
		if (!hits)
			break;
	}
}

static void test_every_site_was_passed(void **state)
{
	(void)state;
	static const char *const sites[] = {
		"pwrite segment-append", "fdatasync segment-sync", "ftruncate segment-create",
		"ftruncate index-grow", "pwrite index-reserve", "ftruncate index-trim",
		"fdatasync index-sync", "syncdir log-dir-sync", "rename segment-retire",
		"pwrite snapshot", "rename snapshot",
	};
	for (size_t i = 0; i < sizeof sites / sizeof sites[0]; i++) {
		bool seen = false;
		for (int k = 0; k < fault.seen_count; k++)
			seen |= !strcmp(fault.seen[k], sites[i]);
		if (!seen)
			print_error("site not passed: %s\n", sites[i]);
		assert_true(seen);
	}
}

static void test_log_out_of_descriptors_refuses_and_goes_on_later(void **state)
{
	(void)state;
	struct env v;
	struct kq_append_result r;
	int rc = 0, refused = 0, done = 0;
	setup(&v);
	env_create(&v);
	/* Every third disk call finds no descriptor, so rolls and syncs fail half-way. */
	kq_io_set_fault(inject);
	for (int i = 0; i < 300; i++) {
		fault.err = EMFILE;
		fault.sticky = false;
		fault.partial = 0;
		fault.countdown = i % 3 == 0 ? 1 + i % 7 : 0;
		rc = env_try_append(&v, 1, 1000 + i, 100, &r);
		assert_true(rc == 0 || rc == KQ_EAGAIN);
		refused += rc != 0;
		done += rc == 0;
		rc = kq_log_sync(v.log);
		assert_true(rc == 0 || rc == KQ_EAGAIN);
		assert_false(kq_log_is_offline(v.log));
	}
	fault.countdown = 0;
	assert_true(refused > 0);
	assert_int_equal(kq_log_end_offset(v.log), done);
	assert_int_equal(kq_log_sync(v.log), 0);
	for (int clean = 1; clean >= 0; clean--) {
		env_reopen(&v, clean);
		for (int i = 0; i < done; i++)
			assert_int_equal(env_read_base(&v, i, 1, NULL), i);
	}
	env_deinit(&v);
}

static void test_sync_moves_the_durable_end_and_nothing_else_does(void **state)
{
	(void)state;
	struct env v;
	setup(&v);
	env_create(&v);
	kq_log_set_listener(v.log, &(struct kq_log_listener){ .durable = on_durable });
	env_append(&v, 3, 1000, 10);
	assert_int_equal(kq_log_durable_end(v.log), 0);
	kq_log_advance_high_watermark(v.log, 3);
	assert_int_equal(kq_log_high_watermark(v.log), 0);
	assert_true(kq_log_is_dirty(v.log));
	assert_int_equal(kq_log_sync(v.log), 0);
	assert_int_equal(told_durable, 3);
	assert_int_equal(kq_log_recovery_point(v.log), 3);
	assert_false(kq_log_is_dirty(v.log));
	kq_log_advance_high_watermark(v.log, 3);
	assert_int_equal(kq_log_high_watermark(v.log), 3);
	env_deinit(&v);
}

static void test_os_policy_makes_an_append_durable_at_once_and_syncs_rolled_segments(void **state)
{
	(void)state;
	struct env v;
	setup(&v);
	v.params.sync = false;
	v.config.segment_bytes = 400;
	env_create(&v);
	kq_log_set_listener(v.log, &(struct kq_log_listener){ .durable = on_durable });
	for (int i = 0; i < 5; i++)
		env_append(&v, 1, 1000, 100);
	assert_int_equal(told_durable, 5);
	assert_int_equal(kq_log_recovery_point(v.log), 0);
	assert_int_equal(kq_log_sync_rolled(v.log), 0);
	assert_int_equal(kq_log_recovery_point(v.log), 4);
	env_deinit(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_survives_an_io_error_at_any_call),
		cmocka_unit_test(test_log_survives_a_disk_that_stays_full_from_any_call_on),
		cmocka_unit_test(test_log_survives_a_short_write_at_any_call),
		cmocka_unit_test(test_open_and_close_can_fail_at_any_call_and_be_repeated),
		cmocka_unit_test(test_every_site_was_passed),
		cmocka_unit_test(test_log_out_of_descriptors_refuses_and_goes_on_later),
		cmocka_unit_test(test_sync_moves_the_durable_end_and_nothing_else_does),
		cmocka_unit_test(test_os_policy_makes_an_append_durable_at_once_and_syncs_rolled_segments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
