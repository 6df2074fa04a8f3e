#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/timers.h"

enum { MANY = 200 };

static _Atomic int fired;
static int order[MANY];

static void note(void *arg)
{
	int i = atomic_load(&fired);
	order[i] = (int)(intptr_t)arg;
	atomic_store(&fired, i + 1);
}

static void test_timers_fire_in_order_of_their_deadlines(void **state)
{
	(void)state;
	struct kq_timers *t = kq_timers_new();
	struct kq_timer timers[MANY];
	atomic_store(&fired, 0);
	for (int i = 0; i < MANY; i++)
		timers[i] = (struct kq_timer){ .fn = note, .arg = (void *)(intptr_t)i,
					       .heap_index = -1 };
	for (int i = MANY - 1; i >= 0; i--)
		kq_timers_add(t, &timers[i], 20 + i / 2);
	for (int i = 0; i < MANY; i += 5)
		assert_true(kq_timers_cancel(t, &timers[i]));
	while (atomic_load(&fired) < MANY - MANY / 5)
		sched_yield();
	for (int i = 0; i < MANY; i++)
		assert_false(kq_timers_cancel(t, &timers[i]));
	for (int i = 1; i < MANY - MANY / 5; i++)
		assert_true(timers[order[i]].due_ms >= timers[order[i - 1]].due_ms);
	kq_timers_free(t);
}

static void test_timers_wake_for_an_earlier_deadline(void **state)
{
	(void)state;
	struct kq_timers *t = kq_timers_new();
	struct kq_timer late = { .fn = note, .heap_index = -1 };
	struct kq_timer soon = { .fn = note, .heap_index = -1 };
	atomic_store(&fired, 0);
	kq_timers_add(t, &late, 3600 * 1000);
	kq_timers_add(t, &soon, 5);
	while (atomic_load(&fired) == 0)
		sched_yield();
	kq_timers_free(t); /* drops the late one */
	assert_int_equal(atomic_load(&fired), 1);
}

static _Atomic int stage;

static void slow(void *arg)
{
	(void)arg;
	atomic_store(&stage, 1);
	for (int i = 0; i < 1000; i++)
		sched_yield();
	atomic_store(&stage, 2);
}

static void test_timers_cancel_waits_for_a_callback_that_runs(void **state)
{
	(void)state;
	struct kq_timers *t = kq_timers_new();
	struct kq_timer timer = { .fn = slow, .heap_index = -1 };
	kq_timers_add(t, &timer, 0);
	while (atomic_load(&stage) == 0)
		sched_yield();
	assert_false(kq_timers_cancel(t, &timer));
	assert_int_equal(atomic_load(&stage), 2);
	kq_timers_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timers_fire_in_order_of_their_deadlines),
		cmocka_unit_test(test_timers_wake_for_an_earlier_deadline),
		cmocka_unit_test(test_timers_cancel_waits_for_a_callback_that_runs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
