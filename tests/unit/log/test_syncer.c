/* Group commit on its own: real logs, a sync that the test holds and lets go. */
#include "log/syncer.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>

#include "log/log_internal.h"
#include "log/log_manager.h"
#include "unit/log/support.h"

enum { LOGS = 4 };

static struct kq_log *logs[LOGS];
static sem_t entered, go;
static atomic_int running[LOGS], overlaps, syncs[LOGS];
static atomic_long appended[LOGS], synced[LOGS];

static int setup(void **state)
{
	if (setup_dir(state))
		return -1;
	for (int i = 0; i < LOGS; i++) {
		struct kq_log_config c;
		char dir[4200];
		kq_log_config_init(&c);
		snprintf(dir, sizeof dir, "%s/t-%d", (char *)*state, i);
		struct kq_log_open_params p = { .dir = dir, .topic = "t", .partition = i, .config = &c };
		if (kq_log_create(&p, &logs[i], NULL))
			return -1;
		atomic_store(&running[i], 0);
		atomic_store(&syncs[i], 0);
		atomic_store(&appended[i], 0);
		atomic_store(&synced[i], 0);
	}
	atomic_store(&overlaps, 0);
	sem_init(&entered, 0, 0);
	sem_init(&go, 0, 0);
	return 0;
}

static int teardown(void **state)
{
	for (int i = 0; i < LOGS; i++) {
		kq_log_close(logs[i], false);
		kq_log_unref(logs[i]);
	}
	return teardown_dir(state);
}

/* A sync that says it began and waits to be let go. */
static int held_sync(struct kq_log *log)
{
	int i = kq_log_partition(log);
	if (atomic_fetch_add(&running[i], 1))
		atomic_fetch_add(&overlaps, 1);
	atomic_fetch_add(&syncs[i], 1);
	sem_post(&entered);
	sem_wait(&go);
	atomic_fetch_sub(&running[i], 1);
	return 0;
}

/* A sync that covers what was appended when it began. */
static int covering_sync(struct kq_log *log)
{
	int i = kq_log_partition(log);
	if (atomic_fetch_add(&running[i], 1))
		atomic_fetch_add(&overlaps, 1);
	long upto = atomic_load_explicit(&appended[i], memory_order_relaxed);
	sched_yield();
	atomic_fetch_add(&syncs[i], 1);
	atomic_fetch_sub(&running[i], 1);
	atomic_store(&synced[i], upto);
	return 0;
}

static void test_requests_during_a_sync_share_the_next_one(void **state)
{
	struct kq_syncer *s;
	(void)state;
	assert_int_equal(kq_syncer_start(&s, 2, held_sync), 0);
	kq_syncer_request(s, logs[0]);
	sem_wait(&entered);
	for (int i = 0; i < 100; i++)
		kq_syncer_request(s, logs[0]);
	sem_post(&go);
	sem_wait(&entered); /* the one more */
	sem_post(&go);
	kq_syncer_stop(s);
	assert_int_equal(atomic_load(&syncs[0]), 2);
	assert_int_equal(atomic_load(&overlaps), 0);
}

static void test_logs_are_synced_side_by_side(void **state)
{
	struct kq_syncer *s;
	(void)state;
	assert_int_equal(kq_syncer_start(&s, 2, held_sync), 0);
	kq_syncer_request(s, logs[0]);
	kq_syncer_request(s, logs[1]);
	sem_wait(&entered);
	sem_wait(&entered); /* both run while neither has ended */
	sem_post(&go);
	sem_post(&go);
	kq_syncer_stop(s);
	assert_int_equal(atomic_load(&syncs[0]) + atomic_load(&syncs[1]), 2);
}

static void test_stop_finishes_what_was_asked_for(void **state)
{
	struct kq_syncer *s;
	struct kq_syncer_stats st;
	(void)state;
	assert_int_equal(kq_syncer_start(&s, 1, covering_sync), 0);
	for (int i = 0; i < LOGS; i++)
		kq_syncer_request(s, logs[i]);
	kq_syncer_stats(s, &st);
	assert_int_equal(st.requests, LOGS);
	kq_syncer_stop(s);
	for (int i = 0; i < LOGS; i++)
		assert_int_equal(atomic_load(&syncs[i]), 1);
}

struct appender {
	struct kq_syncer *s;
	int log;
	pthread_t thread;
};

/* Appends and waits to be covered, many times over. */
static void *append_and_wait(void *arg)
{
	struct appender *a = arg;
	for (int i = 0; i < 300; i++) {
		long mine = atomic_fetch_add_explicit(&appended[a->log], 1, memory_order_relaxed) + 1;
		kq_syncer_request(a->s, logs[a->log]);
		while (atomic_load(&synced[a->log]) < mine)
			sched_yield(); /* for ever, if a request were lost */
	}
	return NULL;
}

static void test_every_request_is_covered_by_a_sync_that_begins_after_it(void **state)
{
	enum { THREADS = 8 };
	struct appender a[THREADS];
	struct kq_syncer *s;
	struct kq_syncer_stats st;
	(void)state;
	assert_int_equal(kq_syncer_start(&s, 3, covering_sync), 0);
	for (int i = 0; i < THREADS; i++) {
		a[i] = (struct appender){ .s = s, .log = i % 2 };
		assert_int_equal(pthread_create(&a[i].thread, NULL, append_and_wait, &a[i]), 0);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(a[i].thread, NULL);
	kq_syncer_stats(s, &st);
	assert_int_equal(st.requests, THREADS * 300);
	assert_true(st.syncs > 0 && st.syncs <= st.requests);
	kq_syncer_stop(s);
	assert_int_equal(atomic_load(&overlaps), 0);
}

static void test_syncer_keeps_a_log_alive_that_it_works_on(void **state)
{
	struct kq_syncer *s;
	struct kq_log *log;
	struct kq_log_config c;
	kq_log_config_init(&c);
	struct kq_log_open_params p = { .dir = in(*state, "u-0"), .topic = "u", .config = &c };
	assert_int_equal(kq_log_create(&p, &log, NULL), 0);
	assert_int_equal(kq_syncer_start(&s, 1, held_sync), 0);
	kq_syncer_request(s, log);
	sem_wait(&entered);
	kq_syncer_request(s, log);
	kq_log_close(log, false);
	kq_log_unref(log); /* the caller's last */
	sem_post(&go);
	sem_post(&go);
	kq_syncer_stop(s);
	assert_int_equal(atomic_load(&syncs[0]), 2);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_requests_during_a_sync_share_the_next_one),
		T(test_logs_are_synced_side_by_side),
		T(test_stop_finishes_what_was_asked_for),
		T(test_every_request_is_covered_by_a_sync_that_begins_after_it),
		T(test_syncer_keeps_a_log_alive_that_it_works_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
