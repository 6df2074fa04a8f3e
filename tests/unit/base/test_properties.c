#include "base/properties.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* What the pairs come to, as "line:key=value;" each. */
struct seen {
	char text[1024];
	size_t n;
};

static int note(void *arg, int line, const char *key, const char *value)
{
	struct seen *s = arg;
	s->n += (size_t)snprintf(s->text + s->n, sizeof s->text - s->n, "%d:%s=%s;", line, key, value);
	return 0;
}

static void assert_reads(const char *text, const char *expect)
{
	struct seen s = { "", 0 };
	struct kq_error e;
	/* a copy of exact size, so that a sanitizer sees reads past it */
	char *copy = malloc(strlen(text) + 1);
	memcpy(copy, text, strlen(text));
	assert_int_equal(kq_properties_parse(copy, strlen(text), note, &s, &e), 0);
	free(copy);
	assert_string_equal(s.text, expect);
}

static void test_properties_separators_are_equals_colon_or_blank(void **state)
{
	(void)state;
	assert_reads("a=1\nb:2\nc 3\nd = 4\ne\t:\t5\nf\n", "1:a=1;2:b=2;3:c=3;4:d=4;5:e=5;6:f=;");
	assert_reads("a==b", "1:a==b;");
	assert_reads("=v", "1:=v;");
	assert_reads("k\\=x=v\\=w", "1:k=x=v=w;");
}

static void test_properties_comments_and_blank_lines_are_skipped(void **state)
{
	(void)state;
	assert_reads("# one\n\n  ! two\n   \t\na=1 # not a comment\n#", "5:a=1 # not a comment;");
}

static void test_properties_a_backslash_continues_a_line(void **state)
{
	(void)state;
	assert_reads("a=1,\\\n   2,\\\r\n\t3\nb=4", "1:a=1,2,3;4:b=4;");
	assert_reads("a=\\\\\nb=2", "1:a=\\;2:b=2;");
	assert_reads("a=1\\", "1:a=1;");
}

static void test_properties_escapes_stand_for_characters(void **state)
{
	(void)state;
	assert_reads("a=\\t\\n\\r\\f\\x", "1:a=\t\n\r\fx;");
	assert_reads("a=\\u00e9\\u20AC\\ud83d\\ude00", "1:a=\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80;");
}

static void test_properties_malformed_escape_names_its_line(void **state)
{
	(void)state;
	static const char *const BAD[] = { "a=1\nb=\\u12", "a=1\nb=\\uzzzz", "a=1\nb=\\ud800",
					   "a=1\nb=\\ud800\\u0041", "a=1\nb=\\u0000" };
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct seen s = { "", 0 };
		struct kq_error e;
		assert_int_equal(kq_properties_parse(BAD[i], strlen(BAD[i]), note, &s, &e),
				 KQ_ECORRUPT);
		assert_non_null(strstr(e.text, "line 2"));
	}
}

static void test_properties_written_pairs_read_back_the_same(void **state)
{
	(void)state;
	static const char *const ODD[] = { "plain", " lead and trail ", "a=b:c#d!e", "tab\tnl\ncr\r",
					   "back\\slash", "", "\xc3\xa9" };
	struct kq_writer w;
	char expect[1024] = "";
	kq_writer_init(&w, 4096);
	for (int i = 0; i < 7; i++) {
		char key[64];
		snprintf(key, sizeof key, "k%s", ODD[i]);
		kq_properties_write(&w, key, ODD[i]);
		snprintf(expect + strlen(expect), sizeof expect - strlen(expect), "%d:%s=%s;", i + 1,
			 key, ODD[i]);
	}
	kq_write_bytes(&w, "", 1);
	assert_reads((const char *)w.buf, expect);
	kq_writer_deinit(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_properties_separators_are_equals_colon_or_blank),
		cmocka_unit_test(test_properties_comments_and_blank_lines_are_skipped),
		cmocka_unit_test(test_properties_a_backslash_continues_a_line),
		cmocka_unit_test(test_properties_escapes_stand_for_characters),
		cmocka_unit_test(test_properties_malformed_escape_names_its_line),
		cmocka_unit_test(test_properties_written_pairs_read_back_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
