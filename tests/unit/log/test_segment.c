#include "unit/log/log_env.h"

#include "log/segment.h"

/* A segment of `count` batches of one record, written by hand. */
static struct kq_segment *filled(struct env *v, int count, int32_t interval)
{
	env_init(v);
	mkdir(v->dir, 0755);
	struct kq_segment *s = kq_segment_new(v->dir, 50, 4096);
	assert_int_equal(kq_segment_create(s), 0);
	for (int i = 0; i < count; i++) {
		struct kq_batch b;
		size_t n;
		uint8_t *p = env_batch(v, 1, 1000 + i * 10, 1, 100, env_plain(), &n);
		kq_batch_patch(p, 50 + i, 0);
		assert_int_equal(kq_batch_peek(p, n, &b), 0);
		assert_int_equal(kq_segment_append(s, &b, interval), 0);
		kq_segment_publish(s, atomic_load(&s->size) + b.size);
	}
	return s;
}

static void done(struct env *v, struct kq_segment *s)
{
	kq_segment_unref(s);
	env_deinit(v);
}

static void test_segment_finds_each_offset_with_and_without_index(void **state)
{
	(void)state;
	for (int32_t interval = 100; interval < 100000; interval *= 10) {
		struct env v;
		struct kq_batch b;
		int64_t pos;
		struct kq_segment *s = filled(&v, 200, interval);
		int64_t size = atomic_load(&s->size);
		for (int i = 0; i < 200; i++) {
			assert_int_equal(kq_segment_find(s, 50 + i, size, &b, &pos), 1);
			assert_int_equal(b.base_offset, 50 + i);
			assert_int_equal(pos, i * b.size);
		}
		assert_int_equal(kq_segment_find(s, 250, size, &b, &pos), 0);
		assert_int_equal(kq_segment_find(s, 60, 5 * b.size, &b, &pos), 0);
		done(&v, s);
	}
}

static void test_segment_finds_batches_by_time(void **state)
{
	(void)state;
	struct env v;
	struct kq_batch b;
	int64_t pos;
	struct kq_segment *s = filled(&v, 100, 300);
	int64_t size = atomic_load(&s->size);
	for (int t = 900; t <= 1990; t++) {
		int64_t want = t <= 1000 ? 50 : 50 + (t - 1000 + 9) / 10;
		assert_int_equal(kq_segment_find_time(s, t, 0, size, &b, &pos), 1);
		assert_int_equal(b.base_offset, want);
	}
	assert_int_equal(kq_segment_find_time(s, 1991, 0, size, &b, &pos), 0);
	assert_int_equal(kq_segment_find_time(s, 1000, 77, size, &b, &pos), 1);
	assert_int_equal(b.base_offset, 77);
	done(&v, s);
}

static void test_segment_is_loaded_and_goes_on_where_it_ended(void **state)
{
	(void)state;
	struct env v;
	int64_t end;
	bool txns_wrong;
	struct kq_segment *s = filled(&v, 33, 300);
	int64_t since = s->since_entry;
	assert_int_equal(kq_segment_seal(s), 0);
	kq_segment_unref(s);
	s = kq_segment_new(v.dir, 50, 4096);
	assert_int_equal(kq_segment_load(s, &txns_wrong), 0);
	assert_false(atomic_load(&s->index_wrong));
	assert_int_equal(kq_segment_find_end(s, &end), 0);
	assert_int_equal(end, 83);
	assert_int_equal(s->since_entry, since);
	assert_int_equal(atomic_load(&s->max_timestamp), 1320);
	assert_int_equal(kq_segment_first_timestamp(s), 1000);
	done(&v, s);
}

static void test_segment_reindex_gives_the_same_entries_from_any_on(void **state)
{
	(void)state;
	struct env v;
	int64_t end;
	struct kq_segment *s = filled(&v, 60, 300);
	uint32_t n = kq_offset_index_count(&s->offsets), times = kq_time_index_count(&s->times);
	int64_t since = s->since_entry, offset[64], pos[64], o, p;
	for (uint32_t i = 0; i < n; i++)
		kq_offset_index_get(&s->offsets, i, &offset[i], &pos[i]);
	for (uint32_t keep = 0; keep <= n; keep++) {
		assert_int_equal(kq_segment_reindex(s, keep, 300, &end), 0);
		assert_int_equal(end, 110);
		assert_int_equal(kq_offset_index_count(&s->offsets), n);
		assert_int_equal(kq_time_index_count(&s->times), times);
		assert_int_equal(s->since_entry, since);
		for (uint32_t i = 0; i < n; i++) {
			kq_offset_index_get(&s->offsets, i, &o, &p);
			assert_true(o == offset[i] && p == pos[i]);
		}
	}
	done(&v, s);
}

static void test_segment_truncate_cuts_file_and_indexes(void **state)
{
	(void)state;
	struct env v;
	struct kq_batch b;
	int64_t pos, size;
	struct kq_segment *s = filled(&v, 60, 300);
	assert_int_equal(kq_segment_find(s, 80, atomic_load(&s->size), &b, &pos), 1);
	assert_int_equal(kq_segment_truncate(s, 80, pos), 0);
	size = atomic_load(&s->size);
	assert_int_equal(size, pos);
	assert_int_equal(kq_segment_find(s, 80, size, &b, &pos), 0);
	assert_int_equal(kq_segment_find(s, 79, size, &b, &pos), 1);
	assert_true(s->offsets.last_offset < 80);
	assert_int_equal(atomic_load(&s->max_timestamp), 1290);
	assert_int_equal(env_file_size(&v, 50, "log"), size);
	done(&v, s);
}

static void test_segment_lives_while_somebody_reads_it(void **state)
{
	(void)state;
	struct env v;
	struct kq_batch b;
	int64_t pos;
	struct kq_segment *s = filled(&v, 20, 300);
	kq_segment_ref(s);
	assert_int_equal(kq_segment_retire(s), 0);
	kq_segment_unref(s);
	assert_int_equal(env_file_size(&v, 50, "log"), -1);
	assert_int_equal(kq_segment_remove_retired(v.dir, 50), 0);
	assert_int_equal(env_file_size(&v, 50, "log.deleted"), -1);
	assert_int_equal(kq_segment_find(s, 60, atomic_load(&s->size), &b, &pos), 1);
	done(&v, s);
}

static void test_scan_seek_finds_a_batch_at_any_byte(void **state)
{
	(void)state;
	struct env v;
	int64_t found;
	struct kq_segment *s = filled(&v, 3, 300);
	int64_t size = atomic_load(&s->size) / 3;
	int fd = kq_segment_fd(s);
	assert_int_equal(kq_segment_scan_seek(fd, 1, size * 3, 50, 1000, &found), 0);
	assert_int_equal(found, size);
	assert_int_equal(kq_segment_scan_seek(fd, 1, size * 3, 52, 1000, &found), 0);
	assert_int_equal(found, size * 2);
	assert_int_equal(kq_segment_scan_seek(fd, 1, size * 3 - 1, 52, 1000, &found), 0);
	assert_int_equal(found, -1);
	done(&v, s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_segment_finds_each_offset_with_and_without_index),
		cmocka_unit_test(test_segment_finds_batches_by_time),
		cmocka_unit_test(test_segment_is_loaded_and_goes_on_where_it_ended),
		cmocka_unit_test(test_segment_reindex_gives_the_same_entries_from_any_on),
		cmocka_unit_test(test_segment_truncate_cuts_file_and_indexes),
		cmocka_unit_test(test_segment_lives_while_somebody_reads_it),
		cmocka_unit_test(test_scan_seek_finds_a_batch_at_any_byte),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
