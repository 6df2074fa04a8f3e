#include "log/leader_epochs.h"

#include <errno.h>

#include "unit/log/support.h"

static const char file[] = "leader-epoch-checkpoint";

static void load_text(struct kq_leader_epochs *l, const char *dir, const char *text)
{
	spew_text(in(dir, file), text);
	kq_leader_epochs_init(l, dir);
	assert_int_equal(kq_leader_epochs_load(l, NULL), 0);
}

static void expect_end(const struct kq_leader_epochs *l, int32_t epoch, int32_t found, int64_t end)
{
	int32_t f;
	int64_t e;
	kq_leader_epochs_end(l, epoch, 100, &f, &e);
	assert_int_equal(f, found);
	assert_int_equal(e, end);
}

static void expect_file(const char *dir, const char *want)
{
	char *text = slurp(in(dir, file), NULL);
	assert_string_equal(text, want);
	free(text);
}

static void test_kafkas_list_is_read_and_written_the_same(void **state)
{
	struct kq_leader_epochs l;
	char *want = slurp(in(golden("epochs/leader/epochs-0"), file), NULL);
	load_text(&l, *state, want);
	assert_int_equal(l.count, 5);
	assert_int_equal(kq_leader_epochs_latest(&l), 16);
	assert_int_equal(kq_leader_epochs_at(&l, 0), 0);
	assert_int_equal(kq_leader_epochs_at(&l, 5), 6);
	assert_int_equal(kq_leader_epochs_at(&l, 99), 16);
	l.dirty = true;
	assert_int_equal(kq_leader_epochs_flush(&l), 0);
	expect_file(*state, want);
	kq_leader_epochs_deinit(&l);
	free(want);
}

static void test_missing_and_empty_files_are_empty_lists(void **state)
{
	struct kq_leader_epochs l;
	kq_leader_epochs_init(&l, *state);
	assert_int_equal(kq_leader_epochs_load(&l, NULL), 0);
	assert_int_equal(kq_leader_epochs_latest(&l), -1);
	assert_int_equal(kq_leader_epochs_at(&l, 3), -1);
	expect_end(&l, 0, -1, -1);
	spew_text(in(*state, file), "");
	assert_int_equal(kq_leader_epochs_load(&l, NULL), 0);
	assert_int_equal(l.count, 0);
	kq_leader_epochs_deinit(&l);
}

static void test_end_of_an_epoch_is_where_the_next_begins(void **state)
{
	struct kq_leader_epochs l;
	load_text(&l, *state, "0\n3\n2 10\n4 20\n7 30\n");
	expect_end(&l, 7, 7, 100);
	expect_end(&l, 4, 4, 30);
	expect_end(&l, 5, 4, 30); /* unknown: the one below */
	expect_end(&l, 2, 2, 20);
	expect_end(&l, 1, 1, 10); /* older than all */
	expect_end(&l, 8, -1, -1);
	expect_end(&l, -1, -1, -1);
	kq_leader_epochs_deinit(&l);
}

static void test_new_entry_replaces_those_it_contradicts(void **state)
{
	struct kq_leader_epochs l;
	load_text(&l, *state, "0\n3\n2 10\n4 20\n7 30\n");
	assert_int_equal(kq_leader_epochs_assign(&l, 7, 40), 0); /* began already */
	assert_false(l.dirty);
	assert_int_equal(kq_leader_epochs_assign(&l, 9, 30), 0); /* 7 had no data */
	assert_int_equal(kq_leader_epochs_flush(&l), 0);
	expect_file(*state, "0\n3\n2 10\n4 20\n9 30\n");
	assert_int_equal(kq_leader_epochs_assign(&l, 3, 15), 0);
	assert_int_equal(kq_leader_epochs_flush(&l), 0);
	expect_file(*state, "0\n2\n2 10\n3 15\n");
	assert_int_equal(kq_leader_epochs_assign(&l, -1, 15), KQ_EINVAL);
	assert_int_equal(kq_leader_epochs_assign(&l, 5, -1), KQ_EINVAL);
	kq_leader_epochs_deinit(&l);
}

static void test_truncation_follows_the_log(void **state)
{
	struct kq_leader_epochs l;
	load_text(&l, *state, "0\n4\n0 0\n2 10\n4 20\n7 30\n");
	kq_leader_epochs_truncate_end(&l, 31);
	assert_false(l.dirty);
	kq_leader_epochs_truncate_end(&l, 20);
	assert_int_equal(kq_leader_epochs_latest(&l), 2);
	kq_leader_epochs_truncate_start(&l, 0);
	assert_int_equal(l.count, 2);
	kq_leader_epochs_truncate_start(&l, 12);
	assert_int_equal(kq_leader_epochs_flush(&l), 0);
	expect_file(*state, "0\n1\n2 12\n");
	kq_leader_epochs_clear(&l);
	assert_int_equal(kq_leader_epochs_flush(&l), 0);
	expect_file(*state, "0\n0\n");
	kq_leader_epochs_deinit(&l);
}

static void test_file_is_written_only_when_the_list_changed(void **state)
{
	struct kq_leader_epochs l;
	struct stat a, b;
	load_text(&l, *state, "0\n1\n0 0\n");
	assert_int_equal(stat(in(*state, file), &a), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(kq_leader_epochs_assign(&l, 0, i), 0);
	assert_int_equal(kq_leader_epochs_flush(&l), 0);
	assert_int_equal(stat(in(*state, file), &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	kq_leader_epochs_deinit(&l);
}

static void test_damaged_files_are_refused_with_words(void **state)
{
	static const char *const bad[] = {
		"1\n0\n", "0\n", "0\n2\n0 0\n", "0\n1\n0 0\n1 1\n", "0\n1\n0\n", "0\n1\n0 x\n",
		"0\n2\n1 0\n1 5\n", "0\n2\n1 5\n2 3\n", "0\n1\n3000000000 0\n", "0\n1\n0 -1\n", "garbage",
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct kq_leader_epochs l;
		struct kq_error e = { 0 };
		spew_text(in(*state, file), bad[i]);
		kq_leader_epochs_init(&l, *state);
		assert_int_equal(kq_leader_epochs_load(&l, &e), KQ_ECORRUPT);
		assert_non_null(strstr(e.text, file));
		assert_int_equal(l.count, 0);
		assert_true(l.dirty);
		kq_leader_epochs_deinit(&l);
	}
}

static int no_rename(const char *op, const char *site, size_t *partial)
{
	(void)partial;
	return strcmp(site, "leader-epochs") == 0 && strcmp(op, "rename") == 0 ? EIO : 0;
}

static void test_failed_write_keeps_the_old_file_and_stays_dirty(void **state)
{
	struct kq_leader_epochs l;
	load_text(&l, *state, "0\n1\n0 0\n");
	kq_leader_epochs_assign(&l, 1, 5);
	kq_io_set_fault(no_rename);
	assert_int_equal(kq_leader_epochs_flush(&l), KQ_EIO);
	kq_io_set_fault(NULL);
	expect_file(*state, "0\n1\n0 0\n");
	assert_true(l.dirty);
	assert_int_equal(kq_leader_epochs_flush(&l), 0);
	expect_file(*state, "0\n2\n0 0\n1 5\n");
	kq_leader_epochs_deinit(&l);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_dir, teardown_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_kafkas_list_is_read_and_written_the_same),
		T(test_missing_and_empty_files_are_empty_lists),
		T(test_end_of_an_epoch_is_where_the_next_begins),
		T(test_new_entry_replaces_those_it_contradicts),
		T(test_truncation_follows_the_log),
		T(test_file_is_written_only_when_the_list_changed),
		T(test_damaged_files_are_refused_with_words),
		T(test_failed_write_keeps_the_old_file_and_stays_dirty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
