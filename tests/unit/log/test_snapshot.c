/* Snapshot files: Kafka's are read, ours are the same bytes, bad ones give way. */
#include "log/producer_snapshot.h"

#include <errno.h>

#include "unit/log/support.h"

static const char golden_snapshot[] = "crash/after/crash-0/00000000000000000030.snapshot";

static void fill(struct kq_producer_state *s, int n)
{
	struct kq_aborted_txn a;
	for (int i = 0; i < n; i++) {
		struct kq_batch b = data_batch(i, 1, 0, 2, 2 * i);
		b.attributes = i % 2 ? KQ_BATCH_TRANSACTIONAL : 0;
		kq_producer_state_update(s, &b, &a);
	}
}

static void test_kafkas_snapshot_is_read_and_written_the_same(void **state)
{
	(void)state;
	size_t n;
	char *bytes = slurp(golden(golden_snapshot), &n);
	struct kq_producer_state s;
	kq_producer_state_init(&s);
	assert_int_equal(kq_producer_snapshot_decode(bytes, n, 0, -1, &s), 0);
	assert_int_equal(s.count, 2);
	assert_int_equal(kq_producer_state_first_unstable(&s), 22);
	struct kq_writer w;
	kq_writer_init(&w, 1 << 20);
	kq_producer_snapshot_encode(&s, &w);
	assert_int_equal(w.len, n);
	/* In any order: the two entries as they stand or exchanged. */
	if (memcmp(w.buf, bytes, n) != 0) {
		assert_memory_equal(w.buf + 10, bytes + 56, 46);
		assert_memory_equal(w.buf + 56, bytes + 10, 46);
	}
	kq_writer_deinit(&w);
	kq_producer_state_deinit(&s);
	free(bytes);
}

static void test_what_is_written_is_read_back(void **state)
{
	struct kq_producer_state s, r;
	int64_t at;
	kq_producer_state_init(&s);
	kq_producer_state_init(&r);
	fill(&s, 500);
	assert_int_equal(kq_producer_snapshot_write(&s, *state, 1000, true), 0);
	assert_int_equal(kq_producer_snapshot_load(&r, *state, 1000, 0, -1, &at), 0);
	assert_int_equal(at, 1000);
	assert_int_equal(r.count, 500);
	assert_int_equal(r.open_count, 250);
	assert_int_equal(kq_producer_state_first_unstable(&r), 2);
	for (int i = 0; i < 500; i++) {
		struct kq_batch b = data_batch(i, 1, 0, 2, 0);
		assert_int_equal(kq_producer_state_check(&r, &b, NULL), KQ_EDUP);
	}
	kq_producer_state_deinit(&s);
	kq_producer_state_deinit(&r);
}

static void test_empty_snapshot_is_ten_bytes(void **state)
{
	struct kq_producer_state s;
	size_t n;
	kq_producer_state_init(&s);
	assert_int_equal(kq_producer_snapshot_write(&s, *state, 7, false), 0);
	free(slurp(in(*state, "00000000000000000007.snapshot"), &n));
	assert_int_equal(n, 10);
	assert_false(exists(in(*state, "00000000000000000007.snapshot.tmp")));
	kq_producer_state_deinit(&s);
}

static void test_newest_valid_snapshot_at_or_below_the_limit_is_loaded(void **state)
{
	struct kq_producer_state s;
	int64_t at;
	kq_producer_state_init(&s);
	for (int i = 1; i <= 4; i++) {
		fill(&s, i);
		assert_int_equal(kq_producer_snapshot_write(&s, *state, i * 10, false), 0);
	}
	spew_text(in(*state, "00000000000000000030.snapshot"), "torn");
	assert_int_equal(kq_producer_snapshot_load(&s, *state, 35, 0, -1, &at), 0);
	assert_int_equal(at, 20);
	assert_int_equal(s.count, 2);
	assert_false(exists(in(*state, "00000000000000000030.snapshot")));
	assert_true(exists(in(*state, "00000000000000000040.snapshot")));
	assert_int_equal(kq_producer_snapshot_load(&s, *state, 9, 0, -1, &at), 0);
	assert_int_equal(at, -1);
	assert_int_equal(s.count, 0);
	kq_producer_state_deinit(&s);
}

static void test_expired_producers_are_left_out_at_load(void **state)
{
	struct kq_producer_state s;
	int64_t at;
	kq_producer_state_init(&s);
	fill(&s, 10); /* timestamps 1000 .. 1018; odd ones in a transaction */
	kq_producer_snapshot_write(&s, *state, 20, false);
	assert_int_equal(kq_producer_snapshot_load(&s, *state, 20, 1100, 91, &at), 0);
	assert_int_equal(s.count, 7); /* 0, 2 and 4 ended by 1009; the odd ones are open */
	kq_producer_state_deinit(&s);
}

static void test_every_flipped_byte_and_every_cut_is_found(void **state)
{
	(void)state;
	size_t n;
	char *bytes = slurp(golden(golden_snapshot), &n);
	struct kq_producer_state s;
	kq_producer_state_init(&s);
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 0x10;
		assert_int_not_equal(kq_producer_snapshot_decode(bytes, n, 0, -1, &s), 0);
		bytes[i] ^= 0x10;
		assert_int_not_equal(kq_producer_snapshot_decode(bytes, i, 0, -1, &s), 0);
		kq_producer_state_clear(&s);
	}
	assert_int_equal(kq_producer_snapshot_decode(bytes, n, 0, -1, &s), 0);
	kq_producer_state_deinit(&s);
	free(bytes);
}

static void test_strays_go_and_bases_and_newest_stay(void **state)
{
	static const int64_t bases[] = { 0, 20, 40 };
	struct kq_producer_state s;
	kq_producer_state_init(&s);
	for (int i = 1; i <= 6; i++)
		kq_producer_snapshot_write(&s, *state, i * 10, false);
	spew_text(in(*state, "x.snapshot"), "not ours");
	assert_int_equal(kq_producer_snapshot_delete_strays(*state, bases, 3), 0);
	for (int i = 1; i <= 6; i++) {
		char name[64];
		snprintf(name, sizeof name, "%020d.snapshot", i * 10);
		assert_int_equal(exists(in(*state, name)), i == 2 || i == 4 || i == 6);
	}
	assert_true(exists(in(*state, "x.snapshot")));
	assert_int_equal(kq_producer_snapshot_delete_above(*state, 40), 0);
	assert_false(exists(in(*state, "00000000000000000060.snapshot")));
	assert_int_equal(kq_producer_snapshot_delete_below(*state, 40), 0);
	assert_false(exists(in(*state, "00000000000000000020.snapshot")));
	assert_true(exists(in(*state, "00000000000000000040.snapshot")));
	kq_producer_state_deinit(&s);
}

static int no_space(const char *op, const char *site, size_t *partial)
{
	(void)partial;
	return strcmp(site, "snapshot") == 0 && strcmp(op, "pwrite") == 0 ? ENOSPC : 0;
}

static void test_failed_write_leaves_no_file(void **state)
{
	struct kq_producer_state s;
	kq_producer_state_init(&s);
	kq_io_set_fault(no_space);
	assert_int_equal(kq_producer_snapshot_write(&s, *state, 1, false), KQ_ENOSPC);
	assert_int_equal(kq_producer_snapshot_write(&s, *state, 1, true), KQ_ENOSPC);
	kq_io_set_fault(NULL);
	assert_false(exists(in(*state, "00000000000000000001.snapshot")));
	assert_false(exists(in(*state, "00000000000000000001.snapshot.tmp")));
	kq_producer_state_deinit(&s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_dir, teardown_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kafkas_snapshot_is_read_and_written_the_same),
		T(test_what_is_written_is_read_back),
		T(test_empty_snapshot_is_ten_bytes),
		T(test_newest_valid_snapshot_at_or_below_the_limit_is_loaded),
		T(test_expired_producers_are_left_out_at_load),
		cmocka_unit_test(test_every_flipped_byte_and_every_cut_is_found),
		T(test_strays_go_and_bases_and_newest_stay),
		T(test_failed_write_leaves_no_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
