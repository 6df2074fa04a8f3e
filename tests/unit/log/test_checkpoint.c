#include "log/checkpoint.h"

#include <errno.h>

#include "unit/log/support.h"

static struct kq_checkpoint *load_text(const char *dir, const char *text)
{
	struct kq_checkpoint *c;
	spew_text(in(dir, "f"), text);
	assert_int_equal(kq_checkpoint_load(&c, in(dir, "f"), NULL), 0);
	return c;
}

static void test_kafkas_recovery_points_are_read(void **state)
{
	(void)state;
	struct kq_checkpoint *c;
	assert_int_equal(kq_checkpoint_load(&c, golden("logdir/recovery-point-offset-checkpoint"), NULL), 0);
	assert_int_equal(kq_checkpoint_count(c), 16);
	assert_int_equal(kq_checkpoint_get(c, "compact2", 0), 98);
	assert_int_equal(kq_checkpoint_get(c, "t1", 1), 0);
	assert_int_equal(kq_checkpoint_get(c, "t1", 0), -1);
	assert_int_equal(kq_checkpoint_get(c, "rdk-gzip", 0), 1001);
	kq_checkpoint_free(c);
	assert_int_equal(kq_checkpoint_load(&c, golden("logdir/log-start-offset-checkpoint"), NULL), 0);
	assert_int_equal(kq_checkpoint_count(c), 0);
	kq_checkpoint_free(c);
}

static void test_missing_and_empty_files_have_no_entries(void **state)
{
	struct kq_checkpoint *c;
	assert_int_equal(kq_checkpoint_load(&c, in(*state, "none"), NULL), 0);
	assert_int_equal(kq_checkpoint_count(c), 0);
	kq_checkpoint_free(c);
	c = load_text(*state, "");
	assert_int_equal(kq_checkpoint_count(c), 0);
	kq_checkpoint_free(c);
}

static void test_what_is_written_is_kafkas_text(void **state)
{
	static const struct kq_checkpoint_entry v[] = {
		{ "a-b.c_d", 0, 0 }, { "x", INT32_MAX, INT64_MAX },
	};
	const char *path = in(*state, "f");
	assert_int_equal(kq_checkpoint_write(path, v, 2), 0);
	char *text = slurp(path, NULL);
	assert_string_equal(text, "0\n2\na-b.c_d 0 0\nx 2147483647 9223372036854775807\n");
	free(text);
	struct kq_checkpoint *c;
	assert_int_equal(kq_checkpoint_load(&c, path, NULL), 0);
	assert_int_equal(kq_checkpoint_get(c, "x", INT32_MAX), INT64_MAX);
	kq_checkpoint_free(c);
	assert_int_equal(kq_checkpoint_write(path, NULL, 0), 0);
	text = slurp(path, NULL);
	assert_string_equal(text, "0\n0\n");
	free(text);
}

static void test_topic_that_would_break_the_file_is_refused(void **state)
{
	static const struct kq_checkpoint_entry bad[] = {
		{ "a b", 0, 0 }, { "a\n", 0, 0 }, { "", 0, 0 }, { "a", -1, 0 }, { "a", 0, -1 },
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		uint8_t *buf;
		size_t n;
		assert_int_equal(kq_checkpoint_format(&bad[i], 1, &buf, &n), KQ_EINVAL);
	}
}

static void test_damaged_files_are_refused_with_the_line(void **state)
{
	static const struct { const char *text, *words; } bad[] = {
		{ "1\n0\n", "line 1" }, { "x", "line 1" }, { "0", "line 2" }, { "0\nx\n", "line 2" },
		{ "0\n-1\n", "line 2" }, { "0\n2\na 0 0\n", "1 entries of 2" },
		{ "0\n1\na 0 0\nb 0 0\n", "more than 1" }, { "0\n1\na 0\n", "line 3" },
		{ "0\n2\na 0 0\na x 0\n", "line 4" }, { "0\n1\na 0 0 0\n", "line 3" },
		{ "0\n1\na  0 0\n", "line 3" }, { "0\n1\n a 0 0\n", "line 3" },
		{ "0\n1\na 0 9223372036854775808\n", "line 3" }, { "0\n1\na 2147483648 0\n", "line 3" },
		{ "0\n1\na 0 -5\n", "line 3" }, { "0\n1\n\n", "line 3" },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct kq_checkpoint *c;
		struct kq_error e = { 0 };
		spew_text(in(*state, "f"), bad[i].text);
		assert_int_equal(kq_checkpoint_load(&c, in(*state, "f"), &e), KQ_ECORRUPT);
		assert_null(c);
		assert_non_null(strstr(e.text, bad[i].words));
	}
}

static void test_zero_bytes_of_a_crash_are_refused(void **state)
{
	struct kq_checkpoint *c;
	spew(in(*state, "f"), "0\n1\na 0 \0\0\0\0", 12);
	assert_int_equal(kq_checkpoint_load(&c, in(*state, "f"), NULL), KQ_ECORRUPT);
}

static void test_many_partitions_are_looked_up_fast(void **state)
{
	enum { N = 20000 };
	struct kq_checkpoint_entry *v = calloc(N, sizeof *v);
	for (int i = 0; i < N; i++)
		v[i] = (struct kq_checkpoint_entry){ i % 2 ? "odd" : "even", i, i * 3 };
	assert_int_equal(kq_checkpoint_write(in(*state, "f"), v, N), 0);
	struct kq_checkpoint *c;
	assert_int_equal(kq_checkpoint_load(&c, in(*state, "f"), NULL), 0);
	for (int i = 0; i < N; i++) {
		assert_int_equal(kq_checkpoint_get(c, i % 2 ? "odd" : "even", i), i * 3);
		assert_int_equal(kq_checkpoint_get(c, i % 2 ? "even" : "odd", i), -1);
	}
	kq_checkpoint_free(c);
	free(v);
}

static const char *failing_op;

static int fail_op(const char *op, const char *site, size_t *partial)
{
	if (partial)
		*partial = 3;
	return strcmp(site, "checkpoint") == 0 && strcmp(op, failing_op) == 0 ? ENOSPC : 0;
}

static void test_old_file_stands_when_writing_fails(void **state)
{
	static const char *const ops[] = { "pwrite", "fdatasync", "rename" };
	static const struct kq_checkpoint_entry one = { "t", 0, 9 };
	for (size_t i = 0; i < 3; i++) {
		failing_op = ops[i];
		kq_checkpoint_free(load_text(*state, "0\n1\nt 0 5\n"));
		kq_io_set_fault(fail_op);
		assert_int_equal(kq_checkpoint_write(in(*state, "f"), &one, 1), KQ_ENOSPC);
		kq_io_set_fault(NULL);
		char *text = slurp(in(*state, "f"), NULL);
		assert_string_equal(text, "0\n1\nt 0 5\n");
		free(text);
		assert_false(exists(in(*state, "f.tmp")));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_dir, teardown_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kafkas_recovery_points_are_read),
		T(test_missing_and_empty_files_have_no_entries),
		T(test_what_is_written_is_kafkas_text),
		cmocka_unit_test(test_topic_that_would_break_the_file_is_refused),
		T(test_damaged_files_are_refused_with_the_line),
		T(test_zero_bytes_of_a_crash_are_refused),
		T(test_many_partitions_are_looked_up_fast),
		T(test_old_file_stands_when_writing_fails),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
