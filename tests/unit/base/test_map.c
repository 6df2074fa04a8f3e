#include "base/map.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MANY = 5000 };
static int values[MANY];

/* Names short enough to lie in the slot and long ones, by turns. */
static size_t name_of(int i, char *buf, size_t size)
{
	return (size_t)snprintf(buf, size, i % 2 ? "t%d" : "a-topic-with-a-longer-name-%d", i);
}

static void put_many(struct kq_map *m, int from, int to)
{
	char key[64];
	for (int i = from; i < to; i++)
		assert_null(kq_map_put(m, key, name_of(i, key, sizeof key), &values[i]));
}

static void test_map_finds_what_was_put(void **state)
{
	(void)state;
	struct kq_map m;
	char key[64];
	kq_map_init(&m);
	assert_null(kq_map_get(&m, "x", 1));
	assert_null(kq_map_del(&m, "x", 1));
	put_many(&m, 0, MANY);
	assert_int_equal(kq_map_count(&m), MANY);
	for (int i = 0; i < MANY; i++)
		assert_ptr_equal(kq_map_get(&m, key, name_of(i, key, sizeof key)), &values[i]);
	assert_null(kq_map_get(&m, "t5000", 5));
	kq_map_deinit(&m);
	assert_int_equal(kq_map_count(&m), 0);
}

static void test_map_put_again_gives_the_old_value(void **state)
{
	(void)state;
	struct kq_map m;
	kq_map_init(&m);
	assert_null(kq_map_put_str(&m, KQ_STR("name"), &values[1]));
	assert_ptr_equal(kq_map_put_str(&m, KQ_STR("name"), &values[2]), &values[1]);
	assert_ptr_equal(kq_map_get_str(&m, KQ_STR("name")), &values[2]);
	assert_int_equal(kq_map_count(&m), 1);
	kq_map_deinit(&m);
}

static void test_map_takes_empty_and_binary_keys(void **state)
{
	(void)state;
	struct kq_map m;
	kq_map_init(&m);
	uint8_t a[16] = { 0 }, b[16] = { 0 };
	b[15] = 1;
	kq_map_put(&m, "", 0, &values[0]);
	kq_map_put(&m, a, 16, &values[1]);
	kq_map_put(&m, b, 16, &values[2]);
	assert_ptr_equal(kq_map_get(&m, "", 0), &values[0]);
	assert_ptr_equal(kq_map_get(&m, a, 16), &values[1]);
	assert_ptr_equal(kq_map_get(&m, b, 16), &values[2]);
	assert_null(kq_map_get(&m, a, 15));
	kq_map_deinit(&m);
}

static void test_map_stays_small_while_keys_come_and_go(void **state)
{
	(void)state;
	struct kq_map m;
	char key[64];
	kq_map_init(&m);
	for (int i = 0; i < MANY; i++) {
		put_many(&m, i, i + 1);
		if (i >= 10)
			assert_ptr_equal(kq_map_del(&m, key, name_of(i - 10, key, sizeof key)), &values[i - 10]);
	}
	assert_int_equal(kq_map_count(&m), 10);
	assert_true(m.cap <= 64);
	kq_map_deinit(&m);
}

static void test_map_walk_may_delete_what_it_stands_on(void **state)
{
	(void)state;
	struct kq_map m;
	const void *key;
	size_t i = 0, n;
	int *v, seen = 0;
	static bool met[MANY];
	kq_map_init(&m);
	put_many(&m, 0, 1000);
	while ((v = kq_map_next(&m, &i, &key, &n))) {
		assert_false(met[v - values]);
		met[v - values] = true;
		seen++;
		if ((v - values) % 3 == 0) {
			char copy[64];
			memcpy(copy, key, n);
			assert_ptr_equal(kq_map_del(&m, copy, n), v);
		}
	}
	assert_int_equal(seen, 1000);
	assert_int_equal(kq_map_count(&m), 1000 - 334);
	kq_map_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map_finds_what_was_put),
		cmocka_unit_test(test_map_put_again_gives_the_old_value),
		cmocka_unit_test(test_map_takes_empty_and_binary_keys),
		cmocka_unit_test(test_map_stays_small_while_keys_come_and_go),
		cmocka_unit_test(test_map_walk_may_delete_what_it_stands_on),
	};
	return cmocka_run_group_tests_name("map", tests, NULL, NULL);
}
