/* Idempotent producers and transactions as a log sees them; then Kafka's own
 * segments replayed, which must give Kafka's own snapshots and abort entries. */
#include "log/producer_snapshot.h"
#include "log/producer_state.h"

#include "unit/log/support.h"

static int setup(void **state)
{
	struct kq_producer_state *s = malloc(sizeof *s);
	kq_producer_state_init(s);
	*state = s;
	return 0;
}

static int teardown(void **state)
{
	kq_producer_state_deinit(*state);
	free(*state);
	return 0;
}

static int check(struct kq_producer_state *s, struct kq_batch b)
{
	return kq_producer_state_check(s, &b, NULL);
}

static void note(struct kq_producer_state *s, struct kq_batch b)
{
	struct kq_aborted_txn a;
	assert_int_equal(kq_producer_state_update(s, &b, &a), 0);
}

static struct kq_batch txn_batch(int64_t pid, int16_t epoch, int32_t seq, int64_t base)
{
	struct kq_batch b = data_batch(pid, epoch, seq, 1, base);
	b.attributes = KQ_BATCH_TRANSACTIONAL;
	return b;
}

/* A marker of 78 bytes: type 0 abort, 1 commit. */
static int mark(struct kq_producer_state *s, int64_t pid, int16_t epoch, int type, int64_t offset,
		struct kq_aborted_txn *a)
{
	static const uint8_t record[] = { 0x20, 0, 0, 0, 8, 0, 0, 0, 1, 0x0c, 0, 0, 0, 0, 0, 9, 0 };
	uint8_t bytes[KQ_BATCH_HEADER_SIZE + sizeof record] = { 0 };
	memcpy(bytes + KQ_BATCH_HEADER_SIZE, record, sizeof record);
	bytes[KQ_BATCH_HEADER_SIZE + 8] = (uint8_t)type;
	struct kq_batch b = data_batch(pid, epoch, -1, 1, offset);
	b.attributes = KQ_BATCH_TRANSACTIONAL | KQ_BATCH_CONTROL;
	b.size = sizeof bytes;
	b.bytes = bytes;
	return kq_producer_state_update(s, &b, a);
}

static void test_first_batch_of_an_unknown_producer_may_have_any_sequence(void **state)
{
	assert_int_equal(check(*state, data_batch(1, 0, 77, 3, 0)), 0);
	assert_int_equal(check(*state, data_batch(1, 5, 0, 3, 0)), 0);
}

static void test_batch_without_producer_id_leaves_no_trace(void **state)
{
	struct kq_producer_state *s = *state;
	assert_int_equal(check(s, data_batch(-1, -1, 0, 3, 0)), 0);
	note(s, data_batch(-1, -1, 0, 3, 0));
	assert_int_equal(s->count, 0);
	assert_null(s->slots);
}

static void test_negative_sequence_or_epoch_is_refused(void **state)
{
	assert_int_equal(check(*state, data_batch(1, 0, -1, 1, 0)), KQ_ERECORD);
	assert_int_equal(check(*state, data_batch(1, -1, 0, 1, 0)), KQ_ERECORD);
}

static void test_sequences_must_follow_without_gap(void **state)
{
	note(*state, data_batch(1, 0, 0, 3, 10));
	assert_int_equal(check(*state, data_batch(1, 0, 3, 1, 0)), 0);
	assert_int_equal(check(*state, data_batch(1, 0, 4, 1, 0)), KQ_ESEQ);
	assert_int_equal(check(*state, data_batch(1, 0, 2, 1, 0)), KQ_ESEQ);
}

static void test_duplicate_is_answered_with_where_it_stands(void **state)
{
	struct kq_producer_batch dup;
	note(*state, data_batch(1, 0, 0, 3, 10));
	note(*state, data_batch(1, 0, 3, 2, 20));
	struct kq_batch again = data_batch(1, 0, 0, 3, 0);
	assert_int_equal(kq_producer_state_check(*state, &again, &dup), KQ_EDUP);
	assert_int_equal(dup.last_offset - dup.offset_delta, 10);
	assert_int_equal(dup.last_offset, 12);
	assert_int_equal(dup.timestamp, 1010);
	/* Same beginning, another length: not the same batch. */
	assert_int_equal(check(*state, data_batch(1, 0, 0, 2, 0)), KQ_ESEQ);
	assert_int_equal(check(*state, data_batch(1, 0, 3, 2, 0)), KQ_EDUP);
}

static void test_only_the_last_five_batches_are_known(void **state)
{
	for (int i = 0; i < 7; i++)
		note(*state, data_batch(1, 0, i, 1, 100 + i));
	assert_int_equal(check(*state, data_batch(1, 0, 1, 1, 0)), KQ_ESEQ);
	for (int i = 2; i < 7; i++)
		assert_int_equal(check(*state, data_batch(1, 0, i, 1, 0)), KQ_EDUP);
	assert_int_equal(check(*state, data_batch(1, 0, 7, 1, 0)), 0);
}

static void test_older_epoch_is_fenced_and_newer_begins_at_zero(void **state)
{
	note(*state, data_batch(1, 4, 0, 1, 0));
	assert_int_equal(check(*state, data_batch(1, 3, 1, 1, 0)), KQ_EFENCED);
	assert_int_equal(check(*state, data_batch(1, 3, 0, 1, 0)), KQ_EFENCED);
	assert_int_equal(check(*state, data_batch(1, 5, 1, 1, 0)), KQ_ESEQ);
	assert_int_equal(check(*state, data_batch(1, 5, 0, 1, 0)), 0);
	note(*state, data_batch(1, 5, 0, 1, 1));
	assert_int_equal(check(*state, data_batch(1, 5, 0, 1, 0)), KQ_EDUP);
	assert_int_equal(check(*state, data_batch(1, 4, 0, 1, 0)), KQ_EFENCED);
}

static void test_sequence_wraps_behind_the_largest(void **state)
{
	note(*state, data_batch(1, 0, INT32_MAX - 1, 1, 0));
	assert_int_equal(check(*state, data_batch(1, 0, INT32_MAX, 3, 0)), 0);
	note(*state, data_batch(1, 0, INT32_MAX, 3, 1)); /* INT32_MAX, 0, 1 */
	assert_int_equal(check(*state, data_batch(1, 0, INT32_MAX, 3, 0)), KQ_EDUP);
	assert_int_equal(check(*state, data_batch(1, 0, 2, 1, 0)), 0);
	assert_int_equal(check(*state, data_batch(1, 0, 3, 1, 0)), KQ_ESEQ);
}

static void test_sequence_that_ends_at_the_largest_goes_on_at_zero(void **state)
{
	note(*state, data_batch(1, 0, INT32_MAX - 4, 5, 0));
	assert_int_equal(check(*state, data_batch(1, 0, 0, 1, 0)), 0);
	assert_int_equal(check(*state, data_batch(1, 0, 1, 1, 0)), KQ_ESEQ);
}

static void test_known_producer_costs_no_more_than_its_struct(void **state)
{
	struct kq_producer_state *s = *state;
	for (int i = 0; i < 1000; i++)
		note(s, data_batch(7, 0, i, 1, i));
	assert_int_equal(s->count, 1);
	assert_true(sizeof(struct kq_producer) <= 200);
}

static void test_producers_expire_by_their_batches_but_not_in_a_transaction(void **state)
{
	struct kq_producer_state *s = *state;
	for (int i = 0; i < 100; i++)
		note(s, data_batch(i, 0, 0, 1, i)); /* timestamps 1000 .. 1099 */
	note(s, txn_batch(5000, 0, 0, 100));
	assert_int_equal(kq_producer_state_expire(s, 1549, 500), 50);
	assert_int_equal(s->count, 51);
	for (int i = 0; i < 100; i++)
		assert_int_equal(check(s, data_batch(i, 0, 5, 1, 0)), i < 50 ? 0 : KQ_ESEQ);
	assert_int_equal(kq_producer_state_expire(s, 1 << 30, 500), 50);
	assert_true(kq_producer_state_in_txn(s, 5000));
}

static void test_many_producers_are_told_apart(void **state)
{
	struct kq_producer_state *s = *state;
	for (int64_t i = 0; i < 5000; i++)
		note(s, data_batch(i * 1000, 0, (int32_t)i, 1, i));
	for (int64_t i = 0; i < 5000; i++)
		assert_int_equal(check(s, data_batch(i * 1000, 0, (int32_t)i, 1, 0)), KQ_EDUP);
	uint32_t at = 0, n = 0;
	while (kq_producer_state_next(s, &at))
		n++;
	assert_int_equal(n, 5000);
}

static void test_open_transaction_holds_the_first_unstable_offset(void **state)
{
	struct kq_producer_state *s = *state;
	struct kq_aborted_txn a;
	assert_int_equal(kq_producer_state_first_unstable(s), -1);
	note(s, txn_batch(1, 0, 0, 10));
	note(s, txn_batch(2, 0, 0, 11));
	note(s, txn_batch(1, 0, 1, 12));
	assert_int_equal(kq_producer_state_first_unstable(s), 10);
	assert_int_equal(mark(s, 1, 0, 1, 13, &a), 0);
	/* Ended, but the marker is not replicated yet. */
	kq_producer_state_advance(s, 13);
	assert_int_equal(kq_producer_state_first_unstable(s), 10);
	kq_producer_state_advance(s, 14);
	assert_int_equal(kq_producer_state_first_unstable(s), 11);
	assert_int_equal(mark(s, 2, 0, 1, 14, &a), 0);
	kq_producer_state_advance(s, 15);
	assert_int_equal(kq_producer_state_first_unstable(s), -1);
}

static void test_settled_transactions_are_not_kept_in_a_replay(void **state)
{
	struct kq_producer_state *s = *state;
	struct kq_aborted_txn a;
	kq_producer_state_advance(s, 1000);
	note(s, txn_batch(1, 0, 0, 10));
	mark(s, 1, 0, 1, 11, &a);
	assert_int_equal(s->closed_count, 0);
	assert_int_equal(kq_producer_state_first_unstable(s), -1);
}

static void test_abort_gives_an_entry_with_the_stable_offset_behind_it(void **state)
{
	struct kq_producer_state *s = *state;
	struct kq_aborted_txn a;
	note(s, txn_batch(1, 0, 0, 10));
	note(s, txn_batch(2, 0, 0, 11));
	assert_int_equal(mark(s, 2, 0, 0, 12, &a), 1);
	assert_int_equal(a.producer_id, 2);
	assert_int_equal(a.first_offset, 11);
	assert_int_equal(a.last_offset, 12);
	assert_int_equal(a.last_stable_offset, 10);
	assert_int_equal(mark(s, 1, 0, 0, 13, &a), 1);
	assert_int_equal(a.last_stable_offset, 14);
}

static void test_marker_without_open_transaction_gives_no_entry(void **state)
{
	struct kq_aborted_txn a;
	assert_int_equal(mark(*state, 9, 3, 0, 0, &a), 0);
	/* But its epoch counts from now on, and the next sequence is 0. */
	assert_int_equal(check(*state, data_batch(9, 2, 0, 1, 0)), KQ_EFENCED);
	assert_int_equal(check(*state, data_batch(9, 3, 1, 1, 0)), KQ_ESEQ);
	assert_int_equal(check(*state, data_batch(9, 3, 0, 1, 0)), 0);
}

static void test_marker_of_a_new_epoch_forgets_the_batches(void **state)
{
	struct kq_aborted_txn a;
	note(*state, txn_batch(1, 0, 0, 10));
	assert_int_equal(mark(*state, 1, 1, 0, 11, &a), 1);
	assert_int_equal(check(*state, txn_batch(1, 0, 1, 0)), KQ_EFENCED);
	assert_int_equal(check(*state, txn_batch(1, 1, 0, 0)), 0);
}

static void test_plain_write_into_an_open_transaction_is_refused(void **state)
{
	note(*state, txn_batch(1, 0, 0, 10));
	assert_int_equal(check(*state, data_batch(1, 0, 1, 1, 0)), KQ_ERECORD);
	assert_int_equal(check(*state, txn_batch(1, 0, 1, 0)), 0);
}

static void test_broken_control_record_changes_nothing(void **state)
{
	struct kq_producer_state *s = *state;
	struct kq_aborted_txn a;
	uint8_t bytes[KQ_BATCH_HEADER_SIZE + 4] = { 0 };
	note(s, txn_batch(1, 0, 0, 10));
	struct kq_batch b = data_batch(1, 0, -1, 1, 11);
	b.attributes = KQ_BATCH_TRANSACTIONAL | KQ_BATCH_CONTROL;
	b.size = sizeof bytes;
	b.bytes = bytes;
	assert_int_equal(kq_producer_state_update(s, &b, &a), KQ_ECORRUPT);
	assert_true(kq_producer_state_in_txn(s, 1));
	assert_int_equal(mark(s, 1, 0, 4, 12, &a), 0); /* KRaft's: none of ours */
	assert_true(kq_producer_state_in_txn(s, 1));
}

static void test_list_shows_what_describe_producers_tells(void **state)
{
	struct kq_producer_info *v;
	struct kq_aborted_txn a;
	int n;
	assert_int_equal(kq_producer_state_list(*state, &v, &n), 0);
	assert_null(v);
	note(*state, txn_batch(1, 2, 0, 10));
	assert_int_equal(kq_producer_state_list(*state, &v, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(v->txn_start_offset, 10);
	assert_int_equal(v->coordinator_epoch, -1);
	free(v);
	mark(*state, 1, 2, 1, 11, &a);
	assert_int_equal(kq_producer_state_list(*state, &v, &n), 0);
	assert_int_equal(v->txn_start_offset, -1);
	assert_int_equal(v->coordinator_epoch, 9);
	assert_int_equal(v->last_sequence, 0);
	assert_int_equal(v->last_timestamp, 1011);
	free(v);
}

/* ---- Kafka's own data ------------------------------------------------------- */

struct golden_case {
	const char *dir, *expect;
	int64_t bases[4]; /* of segments, -1 ends */
	int64_t snapshot; /* the last */
};

static const struct golden_case cases[] = {
	{ "idempotent/idempotent-0", "idempotent/expect", { 0, -1 }, 12 },
	{ "txns/txns-0", "txns/expect", { 0, -1 }, 14 },
	{ "txns-rolled/txns-rolled-0", "txns-rolled/expect", { 0, 5, -1 }, 14 },
	{ "opentxn/opentxn-0", "opentxn/expect", { 0, -1 }, 5 },
	{ "crash/after/crash-0", "crash/expect-after", { 0, 11, 22, -1 }, 30 },
};

static void replay_segment(const struct golden_case *c, int64_t base, struct kq_producer_state *s,
			   json_t *aborted)
{
	char name[256];
	size_t n, pos = 0;
	snprintf(name, sizeof name, "%s/%020lld.log", c->dir, (long long)base);
	char *bytes = slurp(golden(name), &n);
	while (pos < n) {
		struct kq_batch b;
		struct kq_aborted_txn a;
		if (kq_batch_peek((uint8_t *)bytes + pos, n - pos, &b))
			break; /* preallocated or cut */
		int rc = kq_producer_state_update(s, &b, &a);
		assert_true(rc == 0 || rc == 1);
		if (rc)
			json_array_append_new(aborted,
				json_pack("{s:I,s:I,s:I,s:I,s:I,s:I}", "segment", (json_int_t)base,
					  "version", (json_int_t)0,
					  "producer_id", (json_int_t)a.producer_id,
					  "first_offset", (json_int_t)a.first_offset,
					  "last_offset", (json_int_t)a.last_offset,
					  "last_stable_offset", (json_int_t)a.last_stable_offset));
		pos += (size_t)b.size;
	}
	free(bytes);
}

/* Each producer of snapshot `at` in the expect file is in s, and no other. */
static void compare_snapshot(const struct kq_producer_state *s, const json_t *lines, int64_t at)
{
	size_t i, found = 0;
	json_t *e;
	json_array_foreach(lines, i, e) {
		if (field(e, "snapshot") != at)
			continue;
		uint32_t k = 0;
		const struct kq_producer *p;
		do
			p = kq_producer_state_next(s, &k);
		while (p && p->id != field(e, "producer_id"));
		assert_non_null(p);
		found++;
		assert_int_equal(p->epoch, field(e, "producer_epoch"));
		assert_int_equal(p->last_timestamp, field(e, "timestamp"));
		assert_int_equal(p->coordinator_epoch, field(e, "coordinator_epoch"));
		assert_int_equal(p->txn_first_offset, field(e, "current_txn_first_offset"));
		const struct kq_producer_batch *b = &p->batches[p->count - 1];
		assert_int_equal(b->last_sequence, field(e, "last_sequence"));
		assert_int_equal(b->last_offset, field(e, "last_offset"));
		assert_int_equal(b->offset_delta, field(e, "offset_delta"));
	}
	assert_int_equal(found, s->count);
}

static void test_replay_of_kafkas_segments_gives_kafkas_snapshots(void **state)
{
	const struct golden_case *c = *state;
	char name[256];
	struct kq_producer_state s;
	kq_producer_state_init(&s);
	snprintf(name, sizeof name, "%s/snapshot.jsonl", c->expect);
	json_t *snapshots = json_lines(golden(name)), *aborted = json_array();
	for (int i = 0; c->bases[i] >= 0; i++) {
		if (i)
			compare_snapshot(&s, snapshots, c->bases[i]);
		replay_segment(c, c->bases[i], &s, aborted);
	}
	compare_snapshot(&s, snapshots, c->snapshot);
	snprintf(name, sizeof name, "%s/txnindex.jsonl", c->expect);
	if (exists(golden(name))) {
		json_t *want = json_lines(golden(name));
		assert_true(json_equal(want, aborted));
		json_decref(want);
	} else {
		assert_int_equal(json_array_size(aborted), 0);
	}
	json_decref(aborted);
	json_decref(snapshots);
	kq_producer_state_deinit(&s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define G(f, i) { #f "_" #i, f, NULL, NULL, (void *)(uintptr_t)&cases[i] }

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_first_batch_of_an_unknown_producer_may_have_any_sequence),
		T(test_batch_without_producer_id_leaves_no_trace),
		T(test_negative_sequence_or_epoch_is_refused),
		T(test_sequences_must_follow_without_gap),
		T(test_duplicate_is_answered_with_where_it_stands),
		T(test_only_the_last_five_batches_are_known),
		T(test_older_epoch_is_fenced_and_newer_begins_at_zero),
		T(test_sequence_wraps_behind_the_largest),
		T(test_sequence_that_ends_at_the_largest_goes_on_at_zero),
		T(test_known_producer_costs_no_more_than_its_struct),
		T(test_producers_expire_by_their_batches_but_not_in_a_transaction),
		T(test_many_producers_are_told_apart),
		T(test_open_transaction_holds_the_first_unstable_offset),
		T(test_settled_transactions_are_not_kept_in_a_replay),
		T(test_abort_gives_an_entry_with_the_stable_offset_behind_it),
		T(test_marker_without_open_transaction_gives_no_entry),
		T(test_marker_of_a_new_epoch_forgets_the_batches),
		T(test_plain_write_into_an_open_transaction_is_refused),
		T(test_broken_control_record_changes_nothing),
		T(test_list_shows_what_describe_producers_tells),
		G(test_replay_of_kafkas_segments_gives_kafkas_snapshots, 0),
		G(test_replay_of_kafkas_segments_gives_kafkas_snapshots, 1),
		G(test_replay_of_kafkas_segments_gives_kafkas_snapshots, 2),
		G(test_replay_of_kafkas_segments_gives_kafkas_snapshots, 3),
		G(test_replay_of_kafkas_segments_gives_kafkas_snapshots, 4),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
