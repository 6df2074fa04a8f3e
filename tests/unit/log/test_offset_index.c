#include "unit/log/log_env.h"

#include "log/offset_index.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/kq-test-index-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	env_remove(dir);
	return 0;
}

static void test_index_finds_the_largest_entry_at_or_below(void **state)
{
	(void)state;
	struct kq_offset_index x;
	int64_t offset, pos;
	kq_offset_index_init(&x, dir, 100, 1024);
	assert_int_equal(kq_offset_index_find(&x, 500, &offset, &pos), -1);
	assert_int_equal(pos, 0);
	for (int i = 0; i < 50; i++)
		assert_int_equal(kq_offset_index_append(&x, 110 + i * 10, 1000 + i * 100), 0);
	assert_int_equal(kq_offset_index_find(&x, 109, &offset, &pos), -1);
	for (int t = 110; t < 700; t++) {
		int64_t i = (t - 110) / 10 < 50 ? (t - 110) / 10 : 49;
		assert_int_equal(kq_offset_index_find(&x, t, &offset, &pos), i);
		assert_int_equal(offset, 110 + i * 10);
		assert_int_equal(pos, 1000 + i * 100);
	}
	kq_offset_index_deinit(&x);
}

static void test_index_holds_what_fits_and_says_when_it_is_full(void **state)
{
	(void)state;
	struct kq_offset_index x;
	kq_offset_index_init(&x, dir, 0, 50); /* 6 entries and 2 bytes */
	for (int i = 1; i <= 6; i++) {
		assert_false(kq_offset_index_is_full(&x));
		assert_int_equal(kq_offset_index_append(&x, i, i * 10), 0);
	}
	assert_true(kq_offset_index_is_full(&x));
	assert_int_equal(kq_offset_index_append(&x, 7, 70), KQ_ELIMIT);
	kq_offset_index_deinit(&x);
}

static void test_index_is_full_sized_until_trimmed_and_grows_again(void **state)
{
	(void)state;
	struct kq_offset_index x;
	struct stat st;
	char path[128];
	int64_t offset, pos;
	snprintf(path, sizeof path, "%s/%020d.index", dir, 0);
	kq_offset_index_init(&x, dir, 0, 100000);
	assert_int_equal(stat(path, &st), -1);
	assert_int_equal(kq_offset_index_append(&x, 1, 10), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 100000);
	assert_int_equal(kq_index_file_trim(&x.file), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 8);
	for (int i = 2; i < 3000; i++)
		assert_int_equal(kq_offset_index_append(&x, i, i * 10), 0);
	assert_int_equal(kq_offset_index_find(&x, 2999, &offset, &pos), 2998);
	assert_int_equal(pos, 29990);
	kq_offset_index_deinit(&x);
}

static void test_index_is_loaded_by_its_last_entry(void **state)
{
	(void)state;
	struct kq_offset_index x;
	int64_t offset, pos;
	kq_offset_index_init(&x, dir, 1000, 1024);
	assert_int_equal(kq_offset_index_load(&x, 9999), KQ_ENOTFOUND);
	assert_int_equal(kq_offset_index_append(&x, 1005, 50), 0);
	assert_int_equal(kq_offset_index_append(&x, 1009, 90), 0);
	assert_int_equal(kq_index_file_trim(&x.file), 0);
	kq_offset_index_deinit(&x);
	kq_offset_index_init(&x, dir, 1000, 1024);
	assert_int_equal(kq_offset_index_load(&x, 9999), 0);
	assert_int_equal(x.last_offset, 1009);
	assert_int_equal(x.last_pos, 90);
	assert_int_equal(kq_offset_index_find(&x, 1008, &offset, &pos), 0);
	assert_int_equal(offset, 1005);
	assert_int_equal(kq_offset_index_load(&x, 60), KQ_ECORRUPT); /* beyond the .log */
	kq_offset_index_deinit(&x);
}

static void test_index_counts_what_stands_before_an_untrimmed_tail(void **state)
{
	(void)state;
	for (int n = 0; n < 20; n++) {
		struct kq_offset_index x;
		kq_offset_index_init(&x, dir, 0, 200);
		assert_int_equal(kq_index_file_reset(&x.file), 0);
		for (int i = 1; i <= n; i++)
			assert_int_equal(kq_offset_index_append(&x, i, i * 10), 0);
		kq_offset_index_deinit(&x);
		kq_offset_index_init(&x, dir, 0, 200);
		assert_int_equal(kq_offset_index_load(&x, 9999), n > 0);
		assert_int_equal(kq_offset_index_count(&x), n);
		assert_int_equal(x.last_pos, n * 10);
		kq_offset_index_deinit(&x);
	}
}

static void test_index_refuses_an_odd_length(void **state)
{
	(void)state;
	struct kq_offset_index x;
	char path[128];
	snprintf(path, sizeof path, "%s/%020d.index", dir, 5);
	for (int size = 1; size < 16; size++) {
		int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
		assert_int_equal(ftruncate(fd, size), 0);
		close(fd);
		kq_offset_index_init(&x, dir, 5, 1024);
		assert_int_equal(kq_offset_index_load(&x, 9999), size % 8 ? KQ_ECORRUPT : 1);
		kq_offset_index_deinit(&x);
	}
}

static void test_cut_index_forgets_the_end_and_can_go_on(void **state)
{
	(void)state;
	struct kq_offset_index x;
	int64_t offset, pos;
	kq_offset_index_init(&x, dir, 0, 1024);
	for (int i = 1; i <= 20; i++)
		assert_int_equal(kq_offset_index_append(&x, i * 5, i * 10), 0);
	assert_true(kq_offset_index_is_ordered(&x, 19));
	assert_int_equal(kq_offset_index_cut(&x, 3), 0);
	assert_int_equal(x.last_offset, 15);
	assert_int_equal(kq_offset_index_find(&x, 1000, &offset, &pos), 2);
	assert_int_equal(kq_offset_index_append(&x, 16, 31), 0);
	assert_int_equal(kq_offset_index_find(&x, 1000, &offset, &pos), 3);
	assert_int_equal(pos, 31);
	assert_int_equal(kq_offset_index_cut(&x, 0), 0);
	assert_int_equal(kq_offset_index_find(&x, 1000, &offset, &pos), -1);
	kq_offset_index_deinit(&x);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_index_finds_the_largest_entry_at_or_below),
		T(test_index_holds_what_fits_and_says_when_it_is_full),
		T(test_index_is_full_sized_until_trimmed_and_grows_again),
		T(test_index_is_loaded_by_its_last_entry),
		T(test_index_counts_what_stands_before_an_untrimmed_tail),
		T(test_index_refuses_an_odd_length),
		T(test_cut_index_forgets_the_end_and_can_go_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
