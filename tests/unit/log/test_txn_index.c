#include "log/txn_index.h"

#include <errno.h>

#include "unit/log/support.h"

static const char golden_dir[] = "txns-rolled/txns-rolled-0";

static struct kq_aborted_txn txn(int64_t first, int64_t last, int64_t lso)
{
	return (struct kq_aborted_txn){ 7, first, last, lso };
}

/* An index with n entries: transaction i spans [10i, 10i + 5], stable behind it. */
static void fill(struct kq_txn_index *x, const char *dir, int n)
{
	assert_int_equal(kq_txn_index_open(x, dir, 0), 0);
	for (int i = 0; i < n; i++) {
		struct kq_aborted_txn t = txn(10 * i, 10 * i + 5, 10 * i + 6);
		assert_int_equal(kq_txn_index_append(x, &t), 0);
	}
}

static int collect(struct kq_txn_index *x, int64_t from, int64_t to, int64_t *first, bool *done)
{
	struct kq_aborted_txn *v = NULL;
	int n = 0;
	assert_int_equal(kq_txn_index_collect(x, from, to, &v, &n, done), 0);
	*first = n ? v[0].first_offset : -1;
	free(v);
	return n;
}

static void test_kafkas_entries_are_read(void **state)
{
	(void)state;
	struct kq_txn_index x;
	struct kq_aborted_txn *v = NULL;
	int n = 0;
	bool done;
	assert_int_equal(kq_txn_index_open(&x, golden(golden_dir), 5), 0);
	assert_int_equal(kq_txn_index_collect(&x, 0, 100, &v, &n, &done), 0);
	json_t *want = json_lines(golden("txns-rolled/expect/txnindex.jsonl"));
	assert_int_equal(n, json_array_size(want));
	for (int i = 0; i < n; i++) {
		const json_t *e = json_array_get(want, (size_t)i);
		assert_int_equal(v[i].producer_id, field(e, "producer_id"));
		assert_int_equal(v[i].first_offset, field(e, "first_offset"));
		assert_int_equal(v[i].last_offset, field(e, "last_offset"));
		assert_int_equal(v[i].last_stable_offset, field(e, "last_stable_offset"));
	}
	json_decref(want);
	free(v);
	kq_txn_index_close(&x);
}

static void test_entries_are_kafkas_bytes(void **state)
{
	struct kq_txn_index x;
	size_t n, m;
	char *want = slurp(in(golden(golden_dir), "00000000000000000005.txnindex"), &n);
	struct kq_aborted_txn a = { 1001, 2, 9, 10 }, b = { 3000, 12, 13, 14 };
	assert_int_equal(kq_txn_index_open(&x, *state, 5), 0);
	assert_int_equal(kq_txn_index_append(&x, &a), 0);
	assert_int_equal(kq_txn_index_append(&x, &b), 0);
	assert_int_equal(kq_txn_index_sync(&x), 0);
	kq_txn_index_close(&x);
	char *have = slurp(in(*state, "00000000000000000005.txnindex"), &m);
	assert_int_equal(n, m);
	assert_memory_equal(have, want, n);
	free(have);
	free(want);
}

static void test_no_file_is_made_before_the_first_entry(void **state)
{
	struct kq_txn_index x;
	int64_t first;
	bool done;
	assert_int_equal(kq_txn_index_open(&x, *state, 0), 0);
	assert_int_equal(collect(&x, 0, 100, &first, &done), 0);
	assert_false(done);
	assert_int_equal(kq_txn_index_sync(&x), 0);
	assert_int_equal(kq_txn_index_truncate(&x, 0), 0);
	assert_false(exists(in(*state, "00000000000000000000.txnindex")));
	kq_txn_index_close(&x);
}

static void test_lookup_takes_what_overlaps_and_says_when_it_is_all(void **state)
{
	struct kq_txn_index x;
	int64_t first;
	bool done;
	fill(&x, *state, 300); /* several blocks */
	assert_int_equal(collect(&x, 0, 3000, &first, &done), 300);
	assert_false(done);
	assert_int_equal(collect(&x, 15, 16, &first, &done), 1);
	assert_int_equal(first, 10);
	assert_true(done);
	assert_int_equal(collect(&x, 16, 20, &first, &done), 0);
	assert_true(done);
	assert_int_equal(collect(&x, 1000, 1021, &first, &done), 3);
	assert_int_equal(first, 1000);
	kq_txn_index_close(&x);
}

static void test_reopened_index_goes_on_where_it_ended(void **state)
{
	struct kq_txn_index x;
	int64_t first;
	bool done;
	fill(&x, *state, 70);
	kq_txn_index_close(&x);
	assert_int_equal(kq_txn_index_open(&x, *state, 0), 0);
	struct kq_aborted_txn t = txn(700, 705, 706);
	assert_int_equal(kq_txn_index_append(&x, &t), 0);
	assert_int_equal(kq_txn_index_append(&x, &t), KQ_EINVAL);
	assert_int_equal(collect(&x, 0, 9999, &first, &done), 71);
	kq_txn_index_close(&x);
}

static void test_truncation_drops_markers_at_or_above(void **state)
{
	struct kq_txn_index x;
	struct stat st;
	int64_t first;
	bool done;
	fill(&x, *state, 130);
	assert_int_equal(kq_txn_index_truncate(&x, 1005), 0); /* marker of 100 */
	assert_int_equal(collect(&x, 0, 9999, &first, &done), 100);
	assert_int_equal(stat(in(*state, "00000000000000000000.txnindex"), &st), 0);
	assert_int_equal(st.st_size, 100 * KQ_TXN_ENTRY_SIZE);
	assert_int_equal(kq_txn_index_truncate(&x, 996), 0); /* nothing there */
	assert_int_equal(kq_txn_index_truncate(&x, 0), 0);
	assert_int_equal(collect(&x, 0, 9999, &first, &done), 0);
	kq_txn_index_close(&x);
}

static void test_damaged_index_is_refused_and_can_be_reset(void **state)
{
	struct kq_txn_index x;
	const char *path = in(*state, "00000000000000000000.txnindex");
	struct kq_aborted_txn t = txn(10, 5, 6);
	uint8_t e[KQ_TXN_ENTRY_SIZE];
	spew_text(path, "half an entry");
	assert_int_equal(kq_txn_index_open(&x, *state, 0), KQ_ECORRUPT);
	kq_txn_index_close(&x);
	kq_txn_entry_encode(&t, e); /* begins behind its marker */
	spew(path, e, sizeof e);
	assert_int_equal(kq_txn_index_open(&x, *state, 0), KQ_ECORRUPT);
	kq_txn_index_close(&x);
	t = txn(1, 5, 6);
	kq_txn_entry_encode(&t, e);
	e[1] = 9; /* version */
	spew(path, e, sizeof e);
	assert_int_equal(kq_txn_index_open(&x, *state, 0), KQ_ECORRUPT);
	assert_int_equal(kq_txn_index_reset(&x), 0);
	assert_false(exists(path));
	assert_int_equal(kq_txn_index_append(&x, &t), 0);
	kq_txn_index_close(&x);
}

static int io_error(const char *op, const char *site, size_t *partial)
{
	(void)op;
	if (partial)
		*partial = 11;
	return strcmp(site, "txn-index") == 0 ? EIO : 0;
}

static void test_failed_append_is_not_counted(void **state)
{
	struct kq_txn_index x;
	struct kq_aborted_txn t = txn(100, 105, 106);
	int64_t first;
	bool done;
	fill(&x, *state, 3);
	kq_io_set_fault(io_error);
	assert_int_equal(kq_txn_index_append(&x, &t), KQ_EIO);
	assert_int_equal(kq_txn_index_sync(&x), KQ_EIO);
	kq_io_set_fault(NULL);
	assert_int_equal(collect(&x, 0, 9999, &first, &done), 3);
	kq_txn_index_close(&x);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_dir, teardown_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kafkas_entries_are_read),
		T(test_entries_are_kafkas_bytes),
		T(test_no_file_is_made_before_the_first_entry),
		T(test_lookup_takes_what_overlaps_and_says_when_it_is_all),
		T(test_reopened_index_goes_on_where_it_ended),
		T(test_truncation_drops_markers_at_or_above),
		T(test_damaged_index_is_refused_and_can_be_reset),
		T(test_failed_append_is_not_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
