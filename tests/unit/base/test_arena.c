#include "base/arena.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"

static void test_arena_gives_zeroed_aligned_pieces_apart(void **state)
{
	(void)state;
	struct kq_arena a;
	uint8_t *pieces[500];
	kq_arena_init(&a, 1 << 20);
	for (size_t i = 0; i < 500; i++) {
		size_t n = i * 7 % 90;
		pieces[i] = kq_arena_alloc(&a, n);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % _Alignof(max_align_t), 0);
		for (size_t j = 0; j < n; j++)
			assert_int_equal(pieces[i][j], 0);
		memset(pieces[i], (int)(i & 0xff), n);
	}
	for (size_t i = 0; i < 500; i++)
		for (size_t j = 0; j < i * 7 % 90; j++)
			assert_int_equal(pieces[i][j], i & 0xff);
	kq_arena_deinit(&a);
}

static void test_arena_refuses_to_pass_its_limit(void **state)
{
	(void)state;
	struct kq_arena a;
	kq_arena_init(&a, 10000);
	assert_null(kq_arena_alloc(&a, 10001));
	assert_null(kq_arena_alloc(&a, SIZE_MAX));
	size_t given = 0;
	while (kq_arena_alloc(&a, 100))
		given += 100;
	assert_in_range(given, 5000, 10000);
	kq_arena_deinit(&a);
}

static void test_arena_refuses_arrays_whose_size_overflows(void **state)
{
	(void)state;
	struct kq_arena a;
	kq_arena_init(&a, SIZE_MAX / 2);
	assert_null(kq_arena_array(&a, SIZE_MAX / 2, 16));
	assert_non_null(kq_arena_array(&a, 10, 16));
	assert_non_null(kq_arena_array(&a, 0, 16));
	kq_arena_deinit(&a);
}

static void test_arena_reset_makes_room_again(void **state)
{
	(void)state;
	struct kq_arena a;
	kq_arena_init(&a, 100000);
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 60; i++) {
			uint8_t *p = kq_arena_alloc(&a, 1000);
			assert_non_null(p);
			assert_int_equal(p[999], 0);
			memset(p, 0xff, 1000);
		}
		kq_arena_reset(&a);
	}
	kq_arena_deinit(&a);
}

static void test_arena_copies_strings(void **state)
{
	(void)state;
	struct kq_arena a;
	kq_arena_init(&a, 100000);
	assert_string_equal(kq_arena_strdup(&a, (struct kq_str){ "topic-and-more", 5 }), "topic");
	assert_string_equal(kq_arena_strdup(&a, KQ_STR("")), "");
	assert_null(kq_arena_strdup(&a, KQ_STR_NULL));
	assert_string_equal(kq_arena_printf(&a, "%s-%d", "t", 7), "t-7");
	kq_arena_deinit(&a);
}

static void test_arena_reports_memory_that_is_not_there(void **state)
{
	(void)state;
	struct kq_arena a;
	kq_arena_init(&a, 100000);
	kq_alloc_fail_at(1, 0);
	assert_null(kq_arena_alloc(&a, 10));
	kq_alloc_fail_at(0, 0);
	assert_non_null(kq_arena_alloc(&a, 10));
	kq_arena_deinit(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_gives_zeroed_aligned_pieces_apart),
		cmocka_unit_test(test_arena_refuses_to_pass_its_limit),
		cmocka_unit_test(test_arena_refuses_arrays_whose_size_overflows),
		cmocka_unit_test(test_arena_reset_makes_room_again),
		cmocka_unit_test(test_arena_copies_strings),
		cmocka_unit_test(test_arena_reports_memory_that_is_not_there),
	};
	return cmocka_run_group_tests_name("arena", tests, NULL, NULL);
}
