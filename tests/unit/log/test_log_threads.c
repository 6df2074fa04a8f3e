/* One log, many threads: for ThreadSanitizer as much as for the asserts. */
#include "unit/log/log_env.h"

#include <pthread.h>

enum { BATCHES = 1800 }; /* of 1, 2, 3 records in turn */

static struct env env;
static atomic_bool stop;
static atomic_int failures;

#define CHECK(x) ((x) ? (void)0 : (void)(atomic_fetch_add(&failures, 1), \
		  fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #x)))

static void on_durable(void *arg, int64_t end)
{
	(void)arg;
	kq_log_advance_high_watermark(env.log, end);
}

static void *append(void *arg)
{
	struct kq_builder b;
	struct kq_append_result r;
	int64_t last = -1;
	(void)arg;
	kq_builder_init(&b, 1 << 16);
	for (int i = 0; i < BATCHES; i++) {
		uint8_t *p;
		size_t n;
		struct kq_seal seal = { KQ_SEAL_NO_PRODUCER };
		kq_builder_begin(&b, 1000 + i);
		for (int k = 0; k <= i % 3; k++)
			kq_builder_append(&b, 1000 + i, (struct kq_bytes){ (const uint8_t *)"k", 1 },
					  (struct kq_bytes){ (const uint8_t *)"value", 5 }, 0,
					  KQ_BYTES_NULL);
		kq_builder_finish(&b, &seal, &p, &n);
		CHECK(kq_log_append(env.log, p, n, 0, &r) == 0);
		CHECK(r.base_offset > last);
		last = r.last_offset;
	}
	kq_builder_deinit(&b);
	return NULL;
}

static void *sync_loop(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		CHECK(kq_log_sync(env.log) == 0);
		usleep(100);
	}
	return NULL;
}

/* What lies in a slice: batches in order, none beyond upper. */
static int64_t check_slice(const struct kq_log_slice *s, int64_t offset, int64_t upper)
{
	uint8_t buf[4096];
	size_t got = 0, n = s->size < sizeof buf ? s->size : sizeof buf, at = 0;
	int64_t next = offset;
	bool first = true;
	CHECK(kq_io_pread(s->fd, buf, n, s->pos, &got) == 0 && got == n);
	struct kq_batch b;
	while (at < n && kq_batch_peek(buf + at, n - at, &b) == 0) {
		CHECK(first ? b.base_offset <= offset : b.base_offset == next);
		CHECK(kq_batch_last_offset(&b) < upper);
		CHECK(kq_batch_check_crc(&b) == 0);
		next = kq_batch_last_offset(&b) + 1;
		at += (size_t)b.size;
		first = false;
	}
	return next;
}

static void *read_loop(void *arg)
{
	struct kq_log_slice s;
	int64_t at = 0, seen = 0;
	while (!atomic_load(&stop)) {
		int64_t upper = kq_log_high_watermark(env.log), offset, t;
		int32_t epoch;
		CHECK(upper >= seen);
		seen = upper;
		int rc = kq_log_read(env.log, at, upper, arg ? 4000 : 300, true, &s);
		if (rc == KQ_ERANGE) {
			at = kq_log_start_offset(env.log);
			continue;
		}
		CHECK(rc == 0);
		if (s.size == 0)
			sched_yield();
		else
			at = check_slice(&s, at, upper);
		kq_log_slice_release(&s);
		if (arg && at >= upper)
			at = kq_log_start_offset(env.log);
		CHECK(kq_log_find_time(env.log, 1000 + at % BATCHES, upper, &offset, &t, &epoch) == 0);
		CHECK(offset < upper);
	}
	return NULL;
}

static void *upkeep(void *arg)
{
	(void)arg;
	while (!atomic_load(&stop)) {
		CHECK(kq_log_retain(env.log, 0) >= 0);
		kq_log_housekeep(env.log, INT64_MAX, 0);
		kq_log_set_config(env.log, &env.config);
		kq_log_epoch_at(env.log, 0);
		usleep(2000);
	}
	return NULL;
}

static void run(bool sync)
{
	pthread_t writers[2], others[4];
	env_init(&env);
	env.config.segment_bytes = 20000;
	env.config.index_interval_bytes = 500;
	env.config.retention_bytes = 60000;
	env.config.file_delete_delay_ms = 0;
	env.params.sync = sync;
	env_create(&env);
	kq_log_set_listener(env.log, &(struct kq_log_listener){ .durable = on_durable });
	atomic_store(&stop, false);
	pthread_create(&others[0], NULL, sync_loop, NULL);
	pthread_create(&others[1], NULL, read_loop, NULL);
	pthread_create(&others[2], NULL, read_loop, &env);
	pthread_create(&others[3], NULL, upkeep, NULL);
	for (int i = 0; i < 2; i++)
		pthread_create(&writers[i], NULL, append, NULL);
	for (int i = 0; i < 2; i++)
		pthread_join(writers[i], NULL);
	atomic_store(&stop, true);
	for (int i = 0; i < 4; i++)
		pthread_join(others[i], NULL);
	assert_int_equal(atomic_load(&failures), 0);
	int64_t end = kq_log_end_offset(env.log);
	assert_int_equal(end, 2 * BATCHES * 2);
	env_reopen(&env, false);
	assert_int_equal(kq_log_end_offset(env.log), end);
	env_deinit(&env);
}

static void test_log_serves_many_threads_under_sync(void **state)
{
	(void)state;
	run(true);
}

static void test_log_serves_many_threads_under_os(void **state)
{
	(void)state;
	run(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_serves_many_threads_under_sync),
		cmocka_unit_test(test_log_serves_many_threads_under_os),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
