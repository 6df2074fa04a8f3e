#include "broker/topic_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <cmocka.h>

static int check(const char *name)
{
	struct kq_error e = { 0 };
	int rc = kq_topic_name_check((struct kq_str){ name, (int32_t)strlen(name) }, &e);
	assert_int_equal(rc != 0, e.text[0] != 0);
	return rc;
}

static void test_topic_names_of_letters_digits_dot_dash_underscore_are_legal(void **state)
{
	(void)state;
	char longest[250];
	memset(longest, 'x', 249);
	longest[249] = '\0';
	assert_int_equal(check("a"), 0);
	assert_int_equal(check("A.b_c-9"), 0);
	assert_int_equal(check("..."), 0);
	assert_int_equal(check(".a"), 0);
	assert_int_equal(check(longest), 0);
}

static void test_topic_names_that_are_paths_empty_long_or_odd_are_not(void **state)
{
	(void)state;
	char longer[251];
	memset(longer, 'x', 250);
	longer[250] = '\0';
	static const char *const BAD[] = { "", ".", "..", "a/b", "a b", "\xc3\xa4", "a\n", "a:b", "*" };
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_int_equal(check(BAD[i]), KQ_EINVAL);
	assert_int_equal(check(longer), KQ_EINVAL);
	assert_int_equal(kq_topic_name_check((struct kq_str){ NULL, -1 }, NULL), KQ_EINVAL);
	assert_int_equal(kq_topic_name_check((struct kq_str){ "a\0b", 3 }, NULL), KQ_EINVAL);
}

static void test_topic_names_collide_when_only_dots_and_underscores_differ(void **state)
{
	(void)state;
	assert_true(kq_topic_name_collides("a.b", "a_b"));
	assert_true(kq_topic_name_collides("a_b.c", "a.b_c"));
	assert_false(kq_topic_name_collides("a.b", "a.b"));
	assert_false(kq_topic_name_collides("a.b", "a-b"));
	assert_false(kq_topic_name_collides("a.b", "a.bc"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_topic_names_of_letters_digits_dot_dash_underscore_are_legal),
		cmocka_unit_test(test_topic_names_that_are_paths_empty_long_or_odd_are_not),
		cmocka_unit_test(test_topic_names_collide_when_only_dots_and_underscores_differ),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
