/* Logs that Apache Kafka wrote: what we make of the same batches is the same bytes. */
#include "unit/log/log_env.h"

#include "log/producer_snapshot.h"

static void setup(struct env *v, int32_t segment_bytes, int32_t interval)
{
	env_init(v);
	v->config.segment_bytes = segment_bytes;
	v->config.index_interval_bytes = interval;
	v->config.producer_expiration_ms = INT64_MAX / 4;
}

static void golden_path(char *path, size_t n, const char *what, const char *file)
{
	assert_true(snprintf(path, n, "%s/golden/%s/%s", KQ_TESTDATA, what, file) < (int)n);
}

static int by_bytes(const void *a, const void *b)
{
	return memcmp(a, b, 46);
}

/* Snapshots hold their producers in any order. */
static void assert_same_snapshot(const char *a, const char *b)
{
	size_t n, m;
	char *p = env_slurp(a, &n), *q = env_slurp(b, &m);
	if (n != m)
		print_error("%s: %zu, not %zu\n", a, n, m);
	assert_int_equal(n, m);
	qsort(p + 10, (n - 10) / 46, 46, by_bytes);
	qsort(q + 10, (n - 10) / 46, 46, by_bytes);
	assert_memory_equal(p + 6, q + 6, n - 6);
	free(p);
	free(q);
}

static bool ends_with(const char *s, const char *tail)
{
	size_t n = strlen(s), t = strlen(tail);
	return n >= t && !strcmp(s + n - t, tail);
}

/* Every file of the golden directory that ends in one of `which` is as ours. */
static void assert_same_dir(struct env *v, const char *what, const char *const *which)
{
	char dir[512], a[1024], b[1024];
	golden_path(dir, sizeof dir, what, "");
	DIR *d = opendir(dir);
	assert_non_null(d);
	struct dirent *de;
	int compared = 0;
	while ((de = readdir(d))) {
		golden_path(a, sizeof a, what, de->d_name);
		assert_true(snprintf(b, sizeof b, "%s/%s", v->dir, de->d_name) < 1024);
		for (int i = 0; which[i]; i++) {
			if (!ends_with(de->d_name, which[i]))
				continue;
			if (!strcmp(which[i], ".snapshot"))
				assert_same_snapshot(a, b);
			else
				assert_same_file(a, b);
			compared++;
		}
	}
	closedir(d);
	assert_true(compared > 0);
}

static const char *const all_files[] = { ".log", ".index", ".timeindex", ".txnindex", ".snapshot",
					 "leader-epoch-checkpoint", NULL };
static const char *const data_files[] = { ".log", ".index", ".timeindex", ".txnindex", NULL };

/* Appends the batches of the golden segments in order, as they are. */
static void append_golden(struct env *v, const char *what, const int64_t *bases)
{
	for (; *bases >= 0; bases++) {
		char name[64], path[512];
		size_t n;
		snprintf(name, sizeof name, "%020" PRId64 ".log", *bases);
		golden_path(path, sizeof path, what, name);
		char *p = env_slurp(path, &n);
		assert_int_equal(kq_log_append_as_is(v->log, (uint8_t *)p, n), 0);
		free(p);
	}
}

static void test_log_makes_the_same_segments_and_indexes_of_the_same_batches(void **state)
{
	(void)state;
	struct env v;
	setup(&v, 2000, 300);
	env_create(&v);
	append_golden(&v, "segments/segments-0", (int64_t[]){ 0, 18, 35, 52, -1 });
	env_reopen(&v, true);
	assert_same_dir(&v, "segments/segments-0", all_files);
	env_deinit(&v);
}

static void test_log_rolls_at_a_marker_years_later_as_kafka_does(void **state)
{
	(void)state;
	struct env v;
	setup(&v, 1 << 30, 4096);
	env_create(&v);
	append_golden(&v, "txns-rolled/txns-rolled-0", (int64_t[]){ 0, 5, -1 });
	env_reopen(&v, true);
	assert_same_dir(&v, "txns-rolled/txns-rolled-0", all_files);
	env_deinit(&v);
}

static void test_log_recovers_a_crash_to_what_kafka_recovers_it_to(void **state)
{
	(void)state;
	struct env v;
	setup(&v, 1200, 200);
	env_golden(&v, "crash/before/crash-0");
	env_reopen(&v, false);
	assert_int_equal(kq_log_end_offset(v.log), 30);
	assert_int_equal(kq_log_assign_epoch(v.log, 2), 0);
	assert_int_equal(kq_log_close(v.log, true), 0);
	assert_same_dir(&v, "crash/after/crash-0", all_files);
	env_reopen(&v, true);
	assert_int_equal(kq_log_end_offset(v.log), 30);
	env_deinit(&v);
}

static void test_log_recovers_from_a_recovery_point_inside_a_segment(void **state)
{
	(void)state;
	for (int64_t point = 0; point <= 30; point++) {
		struct env v;
		setup(&v, 1200, 200);
		env_golden(&v, "crash/before/crash-0");
		v.params.recovery_point = point;
		env_reopen(&v, false);
		assert_int_equal(kq_log_assign_epoch(v.log, 2), 0);
		assert_int_equal(kq_log_close(v.log, true), 0);
		assert_same_dir(&v, "crash/after/crash-0", all_files);
		env_deinit(&v);
	}
}

static void remove_indexes(struct env *v)
{
	DIR *d = opendir(v->dir);
	struct dirent *de;
	while ((de = readdir(d))) {
		char path[1024];
		assert_true(snprintf(path, sizeof path, "%s/%s", v->dir, de->d_name) < 1024);
		if (ends_with(de->d_name, "index"))
			unlink(path);
	}
	closedir(d);
}

static void test_log_rebuilds_lost_indexes_as_they_were(void **state)
{
	(void)state;
	static const struct { const char *what; int32_t interval; } cases[] = {
		{ "segments/segments-0", 300 }, { "plain/plain-0", 4096 },
		{ "keyed/keyed-0", 4096 }, { "java-lz4/java-lz4-0", 4096 },
		{ "txns/txns-0", 4096 }, { "txns-rolled/txns-rolled-0", 4096 },
		{ "opentxn/opentxn-0", 4096 }, { "crash/after/crash-0", 200 },
		{ "appendtime/appendtime-0", 4096 }, { "epochs/leader/epochs-0", 4096 },
		{ "legacy-v0/legacy-v0-0", 4096 }, { "legacy-v1/legacy-v1-0", 4096 },
		{ "idempotent/idempotent-0", 4096 }, { "empty/after/empty-0", 4096 },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct env v;
		setup(&v, 1 << 30, cases[i].interval);
		env_golden(&v, cases[i].what);
		remove_indexes(&v);
		env_reopen(&v, false);
		env_reopen(&v, true);
		assert_same_dir(&v, cases[i].what, data_files);
		env_deinit(&v);
	}
}

/* offset and timestamp of the records in records.jsonl, in order. */
struct known {
	int64_t offset, timestamp;
};

static int known_records(const char *expect, struct known *v, int max)
{
	char path[512], line[65536];
	int n = 0;
	golden_path(path, sizeof path, expect, "records.jsonl");
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (n < max && fgets(line, sizeof line, f)) {
		const char *o = strstr(line, "\"offset\":"), *t = strstr(line, "\"timestamp\":");
		if (!o)
			continue;
		v[n].offset = strtoll(o + 9, NULL, 10);
		v[n++].timestamp = t ? strtoll(t + 12, NULL, 10) : -1;
	}
	fclose(f);
	return n;
}

/* First known record at or after t, by linear search. */
static int64_t first_at(const struct known *v, int n, int64_t t)
{
	for (int i = 0; i < n; i++) {
		if (v[i].timestamp >= t)
			return v[i].offset;
	}
	return -1;
}

static void check_times(struct env *v, const char *expect)
{
	static struct known r[4096];
	int n = known_records(expect, r, 4096), max = 0;
	int64_t offset, timestamp;
	int32_t epoch;
	assert_true(n > 0);
	for (int i = 0; i < n; i++) {
		for (int64_t t = r[i].timestamp - 1; t <= r[i].timestamp + 1; t++) {
			if (t < 0)
				continue;
			assert_int_equal(kq_log_find_time(v->log, t, INT64_MAX, &offset, &timestamp,
							  &epoch), 0);
			assert_int_equal(offset, first_at(r, n, t));
		}
		if (r[i].timestamp > r[max].timestamp)
			max = i;
		assert_true(env_read_base(v, r[i].offset, 1 << 20, NULL) >= 0);
	}
	assert_int_equal(kq_log_find_max_time(v->log, INT64_MAX, &offset, &timestamp, &epoch), 0);
	assert_int_equal(offset, r[max].timestamp >= 0 ? r[max].offset : -1);
	assert_int_equal(timestamp, r[max].timestamp);
}

static void test_log_finds_offsets_by_time_in_kafkas_logs(void **state)
{
	(void)state;
	static const char *const cases[][2] = {
		{ "segments/segments-0", "segments/expect" }, { "plain/plain-0", "plain/expect" },
		{ "keyed/keyed-0", "keyed/expect" }, { "java-zstd/java-zstd-0", "java-zstd/expect" },
		{ "kcat-snappy/kcat-snappy-0", "kcat-snappy/expect" },
		{ "appendtime/appendtime-0", "appendtime/expect" },
		{ "legacy-v0/legacy-v0-0", "legacy-v0/expect" },
		{ "legacy-v1/legacy-v1-0", "legacy-v1/expect" },
		{ "compact/after/compact-0", "compact/expect-after" },
		{ "txns-rolled/txns-rolled-0", "txns-rolled/expect" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		for (int clean = 0; clean < 2; clean++) {
			struct env v;
			setup(&v, 1 << 30, 4096);
			env_golden(&v, cases[i][0]);
			env_reopen(&v, clean);
			check_times(&v, cases[i][1]);
			env_deinit(&v);
		}
	}
}

static void test_log_begins_where_records_were_deleted(void **state)
{
	(void)state;
	struct env v;
	size_t n;
	setup(&v, 1000, 4096);
	env_golden(&v, "deleterecords/dr-0");
	v.params.log_start = 20;
	env_reopen(&v, true);
	assert_int_equal(kq_log_start_offset(v.log), 20);
	assert_int_equal(kq_log_end_offset(v.log), 30);
	assert_int_equal(kq_log_first_base(v.log), 14);
	assert_int_equal(env_read_base(&v, 19, 1 << 20, &n), KQ_ERANGE);
	assert_true(env_read_base(&v, 20, 1 << 20, &n) >= 14);
	assert_same_dir(&v, "deleterecords/dr-0", all_files);
	env_deinit(&v);
}

static void test_log_answers_for_the_epochs_of_two_leaders(void **state)
{
	(void)state;
	struct env v;
	int32_t found;
	int64_t end;
	setup(&v, 1 << 30, 4096);
	env_golden(&v, "epochs/leader/epochs-0");
	env_reopen(&v, true);
	assert_int_equal(kq_log_end_offset(v.log), 10);
	kq_log_epoch_end(v.log, 1, &found, &end);
	assert_int_equal(found, 0);
	assert_int_equal(end, kq_log_epoch_at(v.log, end) == 2 ? end : -1);
	/* The last epoch, without data, outlives a clean stop. */
	assert_int_equal(kq_log_latest_epoch(v.log), 16);
	env_reopen(&v, true);
	assert_same_dir(&v, "epochs/leader/epochs-0", all_files);
	env_deinit(&v);
}

static void test_log_lists_aborted_transactions_over_segments(void **state)
{
	(void)state;
	struct env v;
	struct kq_aborted_txn *t;
	int n;
	setup(&v, 1 << 30, 4096);
	env_golden(&v, "txns-rolled/txns-rolled-0");
	env_reopen(&v, true);
	assert_int_equal(kq_log_aborted_txns(v.log, 0, kq_log_end_offset(v.log), &t, &n), 0);
	assert_true(n > 0);
	assert_true(t[0].first_offset < 5);
	free(t);
	env_deinit(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_log_makes_the_same_segments_and_indexes_of_the_same_batches),
		cmocka_unit_test(test_log_rolls_at_a_marker_years_later_as_kafka_does),
		cmocka_unit_test(test_log_recovers_a_crash_to_what_kafka_recovers_it_to),
		cmocka_unit_test(test_log_recovers_from_a_recovery_point_inside_a_segment),
		cmocka_unit_test(test_log_rebuilds_lost_indexes_as_they_were),
		cmocka_unit_test(test_log_finds_offsets_by_time_in_kafkas_logs),
		cmocka_unit_test(test_log_begins_where_records_were_deleted),
		cmocka_unit_test(test_log_answers_for_the_epochs_of_two_leaders),
		cmocka_unit_test(test_log_lists_aborted_transactions_over_segments),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
