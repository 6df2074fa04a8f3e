/* All logs of a broker: directories, ids, clean and unclean restarts, a second
 * process, failed disks, deletion. */
#include "log/log_manager.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/uuid.h"
#include "log/log_internal.h"
#include "record/builder.h"
#include "unit/log/support.h"

static const struct kq_uuid some_id = { { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 } };

/* A manager over up to two directories a and b below the test's own. */
struct fixture {
	char *root;
	char paths[2][4200];
	const char *dirs[2];
	struct kq_log_manager_options o;
	struct kq_log_manager *m;
	struct kq_error e;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	void *root;
	if (setup_dir(&root))
		return -1;
	f->root = root;
	for (int i = 0; i < 2; i++) {
		snprintf(f->paths[i], sizeof f->paths[i], "%s/%c", f->root, 'a' + i);
		f->dirs[i] = f->paths[i];
	}
	f->o = (struct kq_log_manager_options){
		.dirs = f->dirs, .dir_count = 1, .broker_id = -1, .recovery_threads = 2,
	};
	kq_log_config_init(&f->o.defaults);
	f->o.defaults.segment_index_bytes = 4096;
	f->o.defaults.retention_ms = -1; /* golden records are old */
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	void *root = f->root;
	kq_io_set_fault(NULL);
	kq_log_manager_close(f->m);
	free(f);
	return teardown_dir(&root);
}

static void start(struct fixture *f)
{
	if (kq_log_manager_open(&f->m, &f->o, &f->e))
		fail_msg("%s", f->e.text);
}

static void stop(struct fixture *f)
{
	kq_log_manager_close(f->m);
	f->m = NULL;
}

static const char *file(const struct fixture *f, int dir, const char *name)
{
	return in(f->paths[dir], name);
}

static struct kq_log *create(struct fixture *f, const char *topic, int32_t partition)
{
	struct kq_log *log;
	if (kq_log_manager_create(f->m, topic, partition, some_id, &f->o.defaults, &log, &f->e))
		fail_msg("%s", f->e.text);
	kq_log_unref(log); /* the manager's is enough here */
	return log;
}

/* One record of a few bytes; the offset, or the error. */
static int64_t append(struct kq_log *log)
{
	struct kq_builder b;
	struct kq_append_result r;
	uint8_t *bytes;
	size_t n;
	const struct kq_seal seal = { KQ_SEAL_NO_PRODUCER };
	kq_builder_init(&b, 4096);
	kq_builder_begin(&b, 1000);
	kq_builder_append(&b, 1000, KQ_BYTES_NULL, (struct kq_bytes){ (const uint8_t *)"v", 1 }, 0,
			  KQ_BYTES_NULL);
	kq_builder_finish(&b, &seal, &bytes, &n);
	int rc = kq_log_append(log, bytes, n, 0, &r);
	kq_builder_deinit(&b);
	return rc ? rc : r.base_offset;
}

/* Waits, as long as it takes and at most 20 s, for something another thread does. */
#define wait_until(condition) do { \
	int64_t wait_end = kq_clock_mono_ms() + 20000; \
	while (!(condition) && kq_clock_mono_ms() < wait_end) \
		usleep(500); \
	assert_true(condition); \
} while (0)

static void append_durably(struct fixture *f, struct kq_log *log)
{
	int64_t offset = append(log);
	assert_true(offset >= 0);
	kq_log_manager_want_sync(f->m, log);
	wait_until(kq_log_durable_end(log) > offset);
}

/* ---- directories and ids ---------------------------------------------------- */

static void test_new_directory_is_made_and_identified(void **state)
{
	struct fixture *f = *state;
	struct kq_log_dir_info d;
	snprintf(f->paths[0], sizeof f->paths[0], "%s/x/y/z", f->root);
	start(f);
	assert_int_equal(kq_log_manager_broker_id(f->m), 1);
	assert_int_equal(strlen(kq_log_manager_cluster_id(f->m)), 22);
	assert_true(exists(file(f, 0, "meta.properties")));
	assert_true(exists(file(f, 0, ".lock")));
	kq_log_manager_dir(f->m, 0, &d);
	assert_true(d.online && d.total_bytes > 0 && d.usable_bytes > 0);
	stop(f);
	assert_false(exists(file(f, 0, ".lock")));
	char *marker = slurp(file(f, 0, ".kafka_cleanshutdown"), NULL);
	assert_string_equal(marker, "{\"version\":0,\"brokerEpoch\":-1}");
	free(marker);
}

static void test_ids_stay_and_spread_to_new_directories(void **state)
{
	struct fixture *f = *state;
	f->o.broker_id = 7;
	f->o.cluster_id = "zfUOogAuSxOWCDtIL-0_vg";
	start(f);
	stop(f);
	f->o.broker_id = -1;
	f->o.cluster_id = NULL;
	f->o.dir_count = 2;
	start(f);
	assert_int_equal(kq_log_manager_broker_id(f->m), 7);
	assert_string_equal(kq_log_manager_cluster_id(f->m), "zfUOogAuSxOWCDtIL-0_vg");
	stop(f);
	f->dirs[0] = f->paths[1];
	f->o.dir_count = 1;
	start(f);
	assert_int_equal(kq_log_manager_broker_id(f->m), 7);
}

static void refused(struct fixture *f, int rc, const char *words)
{
	assert_int_equal(kq_log_manager_open(&f->m, &f->o, &f->e), rc);
	assert_null(f->m);
	if (!strstr(f->e.text, words))
		fail_msg("'%s' not in '%s'", words, f->e.text);
}

static void test_ids_that_clash_are_refused_and_change_nothing(void **state)
{
	struct fixture *f = *state;
	start(f);
	stop(f);
	f->o.broker_id = 2;
	refused(f, KQ_EINVAL, "belongs to broker 1");
	f->o.broker_id = 1;
	f->o.cluster_id = "another";
	refused(f, KQ_EINVAL, "this is cluster another");
	f->o.cluster_id = NULL;
	f->o.dir_count = 2;
	mkdir(f->paths[1], 0755);
	spew_text(file(f, 1, "meta.properties"), "version=0\nbroker.id=3\n");
	refused(f, KQ_EINVAL, "belongs to broker 3");
	assert_true(exists(file(f, 0, ".kafka_cleanshutdown")));
	f->o.dir_count = 1;
	start(f); /* and the lock was given back */
}

static void test_directory_of_a_kraft_broker_is_taken(void **state)
{
	struct fixture *f = *state;
	mkdir(f->paths[0], 0755);
	char *text = slurp(golden("logdir/meta.properties.kraft"), NULL);
	spew_text(file(f, 0, "meta.properties"), text);
	start(f);
	assert_int_equal(kq_log_manager_broker_id(f->m), 7);
	char *now = slurp(file(f, 0, "meta.properties"), NULL);
	assert_string_equal(text, now);
	free(now);
	free(text);
}

static void test_directory_in_use_by_another_process_is_refused_with_its_pid(void **state)
{
	struct fixture *f = *state;
	int up[2], down[2];
	char c = 0, words[64];
	assert_int_equal(pipe(up) | pipe(down), 0);
	pid_t pid = fork();
	if (pid == 0) {
		close(down[1]);
		c = (char)kq_log_manager_open(&f->m, &f->o, &f->e);
		if (write(up[1], &c, 1) == 1 && read(down[0], &c, 1) >= 0)
			_exit(0);
		_exit(1);
	}
	assert_int_equal(read(up[0], &c, 1), 1);
	assert_int_equal(c, 0);
	snprintf(words, sizeof words, "in use by process %d", (int)pid);
	refused(f, KQ_EBUSY, words);
	close(down[1]);
	waitpid(pid, NULL, 0);
	start(f); /* a lock file left behind is no lock */
	close(up[0]), close(up[1]), close(down[0]);
}

static void test_directory_in_use_by_this_process_is_refused_and_stays_locked(void **state)
{
	struct fixture *f = *state;
	struct kq_log_manager *other = NULL;
	start(f);
	assert_int_equal(kq_log_manager_open(&other, &f->o, &f->e), KQ_EBUSY);
	assert_non_null(strstr(f->e.text, "this process"));
	pid_t pid = fork();
	if (pid == 0) {
		/* What the parent holds, the child must still meet. */
		struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
		int fd = open(file(f, 0, ".lock"), O_RDWR);
		_exit(fcntl(fd, F_SETLK, &l) == 0 ? 1 : 0);
	}
	int status;
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void test_path_that_is_no_directory_is_refused(void **state)
{
	struct fixture *f = *state;
	spew_text(f->paths[0], "a file");
	refused(f, KQ_EINVAL, "is not a directory");
}

static void test_names_of_directories_are_told_apart(void **state)
{
	static const struct { const char *name, *topic; int32_t partition; enum kq_data_dir_kind kind; } v[] = {
		{ "a-0", "a", 0, KQ_DATA_DIR_PARTITION },
		{ "a-b-12", "a-b", 12, KQ_DATA_DIR_PARTITION },
		{ "__consumer_offsets-49", "__consumer_offsets", 49, KQ_DATA_DIR_PARTITION },
		{ "a.b_c-2147483647", "a.b_c", 2147483647, KQ_DATA_DIR_PARTITION },
		{ "a-2147483648", "", 0, KQ_DATA_DIR_FOREIGN },
		{ "a-01", "", 0, KQ_DATA_DIR_FOREIGN },
		{ "a--1", "a-", 1, KQ_DATA_DIR_PARTITION },
		{ "-0", "", 0, KQ_DATA_DIR_FOREIGN },
		{ "a-", "", 0, KQ_DATA_DIR_FOREIGN },
		{ "..-0", "", 0, KQ_DATA_DIR_FOREIGN },
		{ "lost+found", "", 0, KQ_DATA_DIR_FOREIGN },
		{ "a b-0", "", 0, KQ_DATA_DIR_FOREIGN },
		{ "a-0.0123456789abcdef0123456789abcdef-delete", "", 0, KQ_DATA_DIR_DELETE },
		{ "a-0.0123456789abcdef0123456789abcdef-stray", "", 0, KQ_DATA_DIR_STRAY },
		{ "a-0.0123456789abcdef0123456789abcdef-future", "", 0, KQ_DATA_DIR_FUTURE },
		{ "a-0.0123-delete", "", 0, KQ_DATA_DIR_FOREIGN },
		{ "my-delete", "", 0, KQ_DATA_DIR_FOREIGN },
	};
	(void)state;
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		struct kq_data_dir_name n;
		kq_data_dir_parse_name(v[i].name, &n);
		assert_int_equal(n.kind, v[i].kind);
		assert_string_equal(n.topic, v[i].topic);
		assert_int_equal(n.partition, v[i].partition);
	}
	char topic[KQ_TOPIC_NAME_MAX + 1], name[256];
	struct kq_data_dir_name n;
	memset(topic, 't', sizeof topic - 1);
	topic[KQ_TOPIC_NAME_MAX] = '\0';
	kq_data_dir_delete_name(topic, INT32_MAX, name);
	assert_int_equal(strlen(name), 255);
	kq_data_dir_parse_name(name, &n);
	assert_int_equal(n.kind, KQ_DATA_DIR_DELETE);
}

/* ---- creation, restarts ------------------------------------------------------ */

static void test_logs_come_back_after_a_clean_stop(void **state)
{
	struct fixture *f = *state;
	start(f);
	struct kq_log *log = create(f, "t", 0);
	create(f, "t", 1);
	for (int i = 0; i < 3; i++)
		append_durably(f, log);
	kq_log_advance_high_watermark(log, 2);
	stop(f);
	assert_true(exists(file(f, 0, "t-0/00000000000000000003.snapshot")));
	start(f);
	assert_false(exists(file(f, 0, ".kafka_cleanshutdown")));
	log = kq_log_manager_find(f->m, "t", 0);
	assert_int_equal(kq_log_end_offset(log), 3);
	assert_int_equal(kq_log_durable_end(log), 3);
	assert_int_equal(kq_log_high_watermark(log), 2);
	struct kq_uuid id = kq_log_topic_id(log);
	assert_true(kq_uuid_equal(&id, &some_id));
	assert_int_equal(kq_log_end_offset(kq_log_manager_find(f->m, "t", 1)), 0);
	assert_null(kq_log_manager_find(f->m, "t", 2));
	assert_null(kq_log_manager_find(f->m, "../t", 0));
}

static void test_checkpoints_say_what_a_clean_stop_left(void **state)
{
	struct fixture *f = *state;
	start(f);
	struct kq_log *log = create(f, "t", 0);
	append_durably(f, log);
	append_durably(f, log);
	kq_log_advance_high_watermark(log, 2);
	assert_int_equal(kq_log_delete_before(log, 1, &(int64_t){ 0 }), 0);
	stop(f);
	static const struct { const char *name, *text; } want[] = {
		{ "recovery-point-offset-checkpoint", "0\n1\nt 0 2\n" },
		{ "replication-offset-checkpoint", "0\n1\nt 0 2\n" },
		{ "log-start-offset-checkpoint", "0\n1\nt 0 1\n" },
	};
	for (size_t i = 0; i < 3; i++) {
		char *text = slurp(file(f, 0, want[i].name), NULL);
		assert_string_equal(text, want[i].text);
		free(text);
	}
}

static void test_creation_refuses_what_is_there_and_what_is_no_name(void **state)
{
	struct fixture *f = *state;
	struct kq_log *log;
	char longest[KQ_TOPIC_NAME_MAX + 2];
	start(f);
	create(f, "t", 0);
	assert_int_equal(kq_log_manager_create(f->m, "t", 0, some_id, &f->o.defaults, &log, &f->e),
			 KQ_EEXIST);
	static const char *const bad[] = { "", ".", "..", "a/b", "a b", "\xc3\xa4" };
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(kq_log_manager_create(f->m, bad[i], 0, some_id, &f->o.defaults,
						       &log, &f->e), KQ_EINVAL);
	assert_int_equal(kq_log_manager_create(f->m, "t", -1, some_id, &f->o.defaults, &log, NULL),
			 KQ_EINVAL);
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(kq_log_manager_create(f->m, longest, 0, some_id, &f->o.defaults, &log, NULL),
			 KQ_EINVAL);
	longest[KQ_TOPIC_NAME_MAX] = '\0';
	append_durably(f, create(f, longest, 0));
}

static void test_new_logs_go_where_fewest_are(void **state)
{
	struct fixture *f = *state;
	int count[2] = { 0 };
	f->o.dir_count = 2;
	start(f);
	for (int i = 0; i < 6; i++)
		count[kq_log_dir_index(create(f, "t", i))]++;
	assert_int_equal(count[0], 3);
	assert_int_equal(count[1], 3);
	int gone = kq_log_dir_index(kq_log_manager_find(f->m, "t", 4));
	assert_int_equal(kq_log_manager_delete(f->m, "t", 4), 0);
	assert_int_equal(kq_log_dir_index(create(f, "t", 6)), gone);
}

static int create_many(struct fixture *f, int32_t first, int32_t count, struct kq_log **v)
{
	return kq_log_manager_create_many(f->m, "t", first, count, some_id, &f->o.defaults, v, &f->e);
}

static void test_partitions_of_a_topic_are_created_side_by_side(void **state)
{
	struct fixture *f = *state;
	struct kq_log *v[40];
	int count[2] = { 0 };
	f->o.dir_count = 2;
	start(f);
	assert_int_equal(create_many(f, 5, 40, v), 0);
	for (int i = 0; i < 40; i++) {
		assert_ptr_equal(v[i], kq_log_manager_find(f->m, "t", 5 + i));
		assert_int_equal(kq_log_partition(v[i]), 5 + i);
		count[kq_log_dir_index(v[i])]++;
		kq_log_unref(v[i]);
	}
	assert_int_equal(count[0], 20);
	assert_int_equal(count[1], 20);
	assert_int_equal(create_many(f, 44, 2, v), KQ_EEXIST);
	assert_null(kq_log_manager_find(f->m, "t", 45));
	assert_int_equal(create_many(f, 0, 0, v), KQ_EINVAL);
	assert_int_equal(create_many(f, INT32_MAX, 2, v), KQ_EINVAL);
}

static void test_directory_of_a_stopped_kafka_is_served(void **state)
{
	struct fixture *f = *state;
	copy_dir(golden("logdir"), f->paths[0]);
	copy_dir(golden("plain/plain-0"), file(f, 0, "plain-0"));
	copy_dir(golden("txns/txns-0"), file(f, 0, "txns-0"));
	copy_dir(golden("legacy-v0/legacy-v0-0"), file(f, 0, "legacy-v0-0"));
	spew_text(file(f, 0, ".kafka_cleanshutdown"), "{\"version\":0,\"brokerEpoch\":-1}");
	start(f);
	assert_int_equal(kq_log_manager_broker_id(f->m), 1);
	assert_string_equal(kq_log_manager_cluster_id(f->m), "zfUOogAuSxOWCDtIL-0_vg");
	struct kq_log *log = kq_log_manager_find(f->m, "txns", 0);
	assert_int_equal(kq_log_end_offset(log), 14);
	assert_int_equal(kq_log_high_watermark(log), 14);
	struct kq_uuid id = kq_log_topic_id(log);
	assert_false(kq_uuid_is_zero(&id));
	id = kq_log_topic_id(kq_log_manager_find(f->m, "legacy-v0", 0));
	assert_true(kq_uuid_is_zero(&id));
	assert_int_equal(kq_log_end_offset(kq_log_manager_find(f->m, "plain", 0)), 10);
}

static void test_directory_of_a_killed_kafka_is_recovered(void **state)
{
	struct fixture *f = *state;
	mkdir(f->paths[0], 0755);
	copy_dir(golden("crash/before/crash-0"), file(f, 0, "crash-0"));
	start(f);
	struct kq_log *log = kq_log_manager_find(f->m, "crash", 0);
	assert_int_equal(kq_log_end_offset(log), 30);
	assert_int_equal(kq_log_durable_end(log), 30);
	kq_log_advance_high_watermark(log, 30);
	assert_int_equal(kq_log_last_stable_offset(log), 22);
}

static void test_strays_unfinished_copies_and_foreign_things_are_left_alone(void **state)
{
	struct fixture *f = *state;
	static const char *const names[] = {
		"t-0.0123456789abcdef0123456789abcdef-stray", "lost+found", "__cluster_metadata-0",
		"t-0.0123456789abcdef0123456789abcdef-future",
	};
	mkdir(f->paths[0], 0755);
	for (size_t i = 0; i < 4; i++)
		mkdir(file(f, 0, names[i]), 0755);
	start(f);
	stop(f);
	for (size_t i = 0; i < 4; i++)
		assert_true(exists(file(f, 0, names[i])));
}

static void test_partition_in_two_places_is_refused(void **state)
{
	struct fixture *f = *state;
	f->o.dir_count = 2;
	start(f);
	create(f, "t", 0);
	stop(f);
	copy_dir(file(f, 0, "t-0"), file(f, 1, "t-0"));
	refused(f, KQ_EINVAL, "t-0 lies in two places");
	assert_true(exists(file(f, 0, ".kafka_cleanshutdown")));
	assert_true(exists(file(f, 1, ".kafka_cleanshutdown")));
}

static void test_old_partition_gets_its_topic_id_later(void **state)
{
	struct fixture *f = *state;
	struct kq_uuid other = { { 9 } };
	mkdir(f->paths[0], 0755);
	copy_dir(golden("legacy-v1/legacy-v1-0"), file(f, 0, "legacy-v1-0"));
	start(f);
	struct kq_log *log = kq_log_manager_find(f->m, "legacy-v1", 0);
	assert_int_equal(kq_log_manager_set_topic_id(f->m, log, some_id), 0);
	assert_int_equal(kq_log_manager_set_topic_id(f->m, log, some_id), 0);
	assert_int_equal(kq_log_manager_set_topic_id(f->m, log, other), KQ_EEXIST);
	stop(f);
	start(f);
	struct kq_uuid id = kq_log_topic_id(kq_log_manager_find(f->m, "legacy-v1", 0));
	assert_true(kq_uuid_equal(&id, &some_id));
}

/* ---- damage ------------------------------------------------------------------ */

static void count_offline(void *arg, const char *topic, int32_t partition, struct kq_uuid id)
{
	assert_string_equal(topic, "bad");
	assert_int_equal(partition, 0);
	assert_true(kq_uuid_equal(&id, &some_id));
	++*(int *)arg;
}

/* "bad-0" with a flipped byte below its recovery point, "good-0" beside it. */
static void damage(struct fixture *f)
{
	size_t n;
	start(f);
	struct kq_log *bad = create(f, "bad", 0), *good = create(f, "good", 0);
	for (int i = 0; i < 4; i++) {
		append_durably(f, bad);
		append_durably(f, good);
	}
	stop(f);
	unlink(file(f, 0, ".kafka_cleanshutdown"));
	const char *path = file(f, 0, "bad-0/00000000000000000000.log");
	char *bytes = slurp(path, &n);
	spew(path, bytes, n / 2); /* half of what was synced is gone */
	free(bytes);
}

static void test_damaged_partition_is_kept_offline_and_stops_no_other(void **state)
{
	struct fixture *f = *state;
	struct kq_log *log;
	int count = 0;
	damage(f);
	for (int i = 0; i < 2; i++) { /* it does not heal by restarts */
		start(f);
		assert_null(kq_log_manager_find(f->m, "bad", 0));
		assert_true(kq_log_manager_is_offline(f->m, "bad", 0));
		assert_false(kq_log_manager_is_offline(f->m, "good", 0));
		assert_int_equal(kq_log_end_offset(kq_log_manager_find(f->m, "good", 0)), 4 + i);
		append_durably(f, kq_log_manager_find(f->m, "good", 0));
		stop(f);
		assert_false(exists(file(f, 0, ".kafka_cleanshutdown")));
		char *text = slurp(file(f, 0, "recovery-point-offset-checkpoint"), NULL);
		assert_non_null(strstr(text, "bad 0 4\n"));
		free(text);
	}
	start(f);
	kq_log_manager_each_offline(f->m, count_offline, &count);
	assert_int_equal(count, 1);
	assert_int_equal(kq_log_manager_create(f->m, "bad", 0, some_id, &f->o.defaults, &log, NULL),
			 KQ_EEXIST);
	assert_int_equal(kq_log_manager_delete(f->m, "bad", 0), 0);
	assert_false(kq_log_manager_is_offline(f->m, "bad", 0));
	assert_int_equal(kq_log_end_offset(create(f, "bad", 0)), 0);
}

static void test_unreadable_checkpoints_do_not_stop_the_start(void **state)
{
	struct fixture *f = *state;
	start(f);
	append_durably(f, create(f, "t", 0));
	stop(f);
	spew_text(file(f, 0, "recovery-point-offset-checkpoint"), "nonsense");
	spew_text(file(f, 0, "replication-offset-checkpoint"), "0\n9\n");
	start(f);
	assert_int_equal(kq_log_end_offset(kq_log_manager_find(f->m, "t", 0)), 1);
	stop(f);
	char *text = slurp(file(f, 0, "recovery-point-offset-checkpoint"), NULL);
	assert_string_equal(text, "0\n1\nt 0 1\n");
	free(text);
}

/* ---- crashes ----------------------------------------------------------------- */

/* Appends and syncs until it is killed; writes each acknowledged offset to fd. */
static void serve_until_killed(struct fixture *f, int fd)
{
	if (kq_log_manager_open(&f->m, &f->o, &f->e))
		_exit(1);
	struct kq_log *log = kq_log_manager_find(f->m, "t", 0);
	if (!log && kq_log_manager_create(f->m, "t", 0, some_id, &f->o.defaults, &log, &f->e))
		_exit(2);
	for (;;) {
		int64_t offset = append(log);
		kq_log_manager_want_sync(f->m, log);
		while (kq_log_durable_end(log) <= offset)
			sched_yield();
		if (write(fd, &offset, sizeof offset) != sizeof offset)
			_exit(3);
	}
}

static void test_acknowledged_records_survive_kill_9(void **state)
{
	struct fixture *f = *state;
	int64_t acked = -1;
	f->o.checkpoint_interval_ms = 5;
	f->o.defaults.segment_bytes = 1500; /* rolls each 20 records */
	for (int round = 0; round < 8; round++) {
		int fd[2], want = 10 + round * 9;
		assert_int_equal(pipe(fd), 0);
		pid_t pid = fork();
		if (pid == 0) {
			close(fd[0]);
			serve_until_killed(f, fd[1]);
		}
		close(fd[1]);
		int64_t offset;
		for (int i = 0; i < want && read(fd[0], &offset, sizeof offset) == sizeof offset; i++)
			acked = offset;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		while (read(fd[0], &offset, sizeof offset) == sizeof offset)
			acked = offset;
		close(fd[0]);
		start(f);
		struct kq_log *log = kq_log_manager_find(f->m, "t", 0);
		assert_non_null(log);
		assert_true(kq_log_end_offset(log) > acked);
		assert_true(kq_log_end_offset(log) <= acked + 2); /* at most one in flight */
		if (round % 2)
			stop(f);
		else {
			/* As if killed once more, right after the start. */
			append_durably(f, log);
			acked = kq_log_end_offset(log) - 1;
			stop(f);
			unlink(file(f, 0, ".kafka_cleanshutdown"));
		}
	}
}

static void test_deleted_records_stay_deleted_after_a_crash(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int64_t begin;
		start(f);
		struct kq_log *log = create(f, "t", 0);
		for (int i = 0; i < 5; i++)
			append_durably(f, log);
		kq_log_advance_high_watermark(log, 5);
		_exit(kq_log_delete_before(log, 3, &begin) ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	start(f);
	struct kq_log *log = kq_log_manager_find(f->m, "t", 0);
	assert_int_equal(kq_log_start_offset(log), 3);
	assert_int_equal(kq_log_end_offset(log), 5);
}

static void test_recreated_topic_is_not_taken_for_the_one_before_after_a_crash(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t pid = fork();
	if (pid == 0) {
		int64_t begin;
		start(f);
		struct kq_log *log = create(f, "t", 0);
		for (int i = 0; i < 5; i++)
			append_durably(f, log);
		kq_log_advance_high_watermark(log, 5);
		int rc = kq_log_delete_before(log, 4, &begin) | kq_log_manager_checkpoint(f->m) |
			 kq_log_manager_delete(f->m, "t", 0);
		append_durably(f, create(f, "t", 0));
		_exit(rc ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
	start(f);
	struct kq_log *log = kq_log_manager_find(f->m, "t", 0);
	assert_non_null(log);
	assert_int_equal(kq_log_start_offset(log), 0);
	assert_int_equal(kq_log_end_offset(log), 1);
}

/* ---- group commit ------------------------------------------------------------ */

struct producer {
	struct fixture *f;
	struct kq_log *log;
	pthread_t thread;
	int failures;
};

static void *produce(void *arg)
{
	struct producer *p = arg;
	for (int i = 0; i < 40; i++) {
		int64_t offset = append(p->log);
		kq_log_manager_want_sync(p->f->m, p->log);
		while (offset >= 0 && kq_log_durable_end(p->log) <= offset && !kq_log_is_offline(p->log))
			usleep(50);
		p->failures += offset < 0 || kq_log_durable_end(p->log) <= offset;
	}
	return NULL;
}

/* THREADS producers on log, to their end; failures in all. */
static int produce_together(struct fixture *f, struct kq_log *log)
{
	enum { THREADS = 16 };
	struct producer p[THREADS];
	int failures = 0;
	for (int i = 0; i < THREADS; i++) {
		p[i] = (struct producer){ .f = f, .log = log };
		assert_int_equal(pthread_create(&p[i].thread, NULL, produce, &p[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(p[i].thread, NULL);
		failures += p[i].failures;
	}
	return failures;
}

static int slow_sync(const char *op, const char *site, size_t *partial)
{
	(void)site;
	(void)partial;
	if (strcmp(op, "fdatasync") == 0)
		usleep(1000); /* a disk, where the tests may run in memory */
	return 0;
}

static void test_many_producers_share_syncs(void **state)
{
	struct fixture *f = *state;
	struct kq_log_manager_stats s;
	start(f);
	struct kq_log *log = create(f, "t", 0);
	kq_io_set_fault(slow_sync);
	assert_int_equal(produce_together(f, log), 0);
	kq_io_set_fault(NULL);
	kq_log_manager_stats(f->m, &s);
	assert_int_equal(s.appends, 640);
	assert_true(s.bytes_appended >= 640 * 68);
	assert_true(s.syncs < 640 / 4);
	assert_true(s.sync_us_max >= 1000 && s.sync_us_total >= s.sync_us_max);
	assert_int_equal(kq_log_manager_delete(f->m, "t", 0), 0);
	kq_log_manager_stats(f->m, &s);
	assert_int_equal(s.appends, 640); /* counters never go back */
}

static void test_policy_os_does_not_sync_for_appends(void **state)
{
	struct fixture *f = *state;
	struct kq_log_manager_stats s;
	f->o.flush_policy = KQ_FLUSH_OS;
	start(f);
	struct kq_log *log = create(f, "t", 0);
	assert_int_equal(produce_together(f, log), 0);
	kq_log_manager_stats(f->m, &s);
	assert_int_equal(s.syncs, 0);
	assert_int_equal(kq_log_durable_end(log), 640);
}

/* ---- failing disks ----------------------------------------------------------- */

static const char *bad_op, *bad_site;
static int bad_errno;
static atomic_int bad_hits;

static int disk_fault(const char *op, const char *site, size_t *partial)
{
	if (strcmp(op, bad_op) != 0 || (bad_site && strcmp(site, bad_site) != 0))
		return 0;
	if (partial)
		*partial = 5;
	atomic_fetch_add(&bad_hits, 1);
	return bad_errno;
}

static void inject(const char *op, const char *site, int sys_errno)
{
	bad_op = op;
	bad_site = site;
	bad_errno = sys_errno;
	atomic_store(&bad_hits, 0);
	kq_io_set_fault(disk_fault);
}

struct told {
	atomic_int failed;
	atomic_llong durable;
};

static void on_durable(void *arg, int64_t end)
{
	atomic_store(&((struct told *)arg)->durable, end);
}

static void on_failed(void *arg)
{
	atomic_fetch_add(&((struct told *)arg)->failed, 1);
}

static void listen_to(struct kq_log *log, struct told *t)
{
	const struct kq_log_listener l = { on_durable, on_failed, t };
	memset(t, 0, sizeof *t);
	kq_log_set_listener(log, &l);
}

static void test_failed_sync_takes_the_whole_directory_offline(void **state)
{
	struct fixture *f = *state;
	struct told t[4];
	struct kq_log *log[4];
	struct kq_log_dir_info d;
	f->o.dir_count = 2;
	start(f);
	for (int i = 0; i < 4; i++)
		listen_to(log[i] = create(f, "t", i), &t[i]);
	append_durably(f, log[0]);
	int bad = kq_log_dir_index(log[0]);
	inject("fdatasync", NULL, EIO);
	assert_int_equal(append(log[0]), 1);
	kq_log_manager_want_sync(f->m, log[0]);
	for (int i = 0; i < 4; i++)
		if (kq_log_dir_index(log[i]) == bad)
			wait_until(atomic_load(&t[i].failed) == 1);
	kq_io_set_fault(NULL);
	kq_log_manager_want_sync(f->m, log[0]); /* never retried into success */
	for (int i = 0; i < 4; i++) {
		bool off = kq_log_dir_index(log[i]) == bad;
		assert_int_equal(kq_log_is_offline(log[i]), off);
		if (off)
			assert_int_equal(append(log[i]), KQ_ECLOSED);
		else
			append_durably(f, log[i]);
	}
	kq_log_manager_dir(f->m, bad, &d);
	assert_false(d.online);
	assert_int_equal(kq_log_dir_index(create(f, "u", 0)), !bad);
	assert_int_equal(kq_log_durable_end(log[0]), 1);
	assert_int_equal(atomic_load(&t[0].durable), 1);
	stop(f);
	assert_int_equal(atomic_load(&t[0].durable), 1);
	assert_false(exists(file(f, bad, ".kafka_cleanshutdown")));
	assert_true(exists(file(f, !bad, ".kafka_cleanshutdown")));
	start(f); /* the operator repaired it */
	assert_true(kq_log_end_offset(kq_log_manager_find(f->m, "t", 0)) >= 1);
	append_durably(f, kq_log_manager_find(f->m, "t", 0));
}

static void test_failed_write_takes_the_directory_offline_and_reads_go_on(void **state)
{
	static const int errors[] = { EIO, ENOSPC };
	struct fixture *f = *state;
	for (int i = 0; i < 2; i++) {
		struct kq_log_slice s;
		start(f);
		struct kq_log *log = i ? kq_log_manager_find(f->m, "t", 0) : create(f, "t", 0);
		append_durably(f, log);
		int64_t end = kq_log_end_offset(log);
		inject("pwrite", "segment-append", errors[i]);
		assert_int_equal(append(log), kq_errno_from(errors[i]));
		assert_int_equal(atomic_load(&bad_hits), 1);
		kq_io_set_fault(NULL);
		assert_int_equal(append(log), KQ_ECLOSED);
		assert_int_equal(kq_log_end_offset(log), end);
		assert_int_equal(kq_log_read(log, 0, end, 1 << 20, true, &s), 0);
		assert_true(s.size > 0);
		kq_log_slice_release(&s);
		stop(f);
		start(f);
		log = kq_log_manager_find(f->m, "t", 0);
		assert_int_equal(kq_log_end_offset(log), end); /* the torn bytes are cut */
		stop(f);
	}
}

static void test_no_append_is_acknowledged_over_a_failed_sync(void **state)
{
	struct fixture *f = *state;
	start(f);
	struct kq_log *log = create(f, "t", 0);
	append_durably(f, log);
	inject("fdatasync", NULL, EIO);
	assert_int_equal(produce_together(f, log), 640);
	assert_int_equal(kq_log_durable_end(log), 1);
	assert_int_equal(atomic_load(&bad_hits), 1); /* one try, no second */
}

static void test_failed_checkpoint_takes_the_directory_offline(void **state)
{
	struct fixture *f = *state;
	start(f);
	struct kq_log *log = create(f, "t", 0);
	append_durably(f, log);
	inject("rename", "checkpoint", EIO);
	assert_int_equal(kq_log_manager_checkpoint(f->m), KQ_EIO);
	assert_true(kq_log_is_offline(log));
	kq_io_set_fault(NULL);
	assert_int_equal(kq_log_manager_checkpoint(f->m), KQ_ECLOSED);
}

static void test_failed_creation_leaves_nothing_behind(void **state)
{
	static const char *const ops[] = { "pwrite", "fdatasync", "rename", "syncdir" };
	struct fixture *f = *state;
	for (int i = 0; i < 4; i++) {
		struct kq_log *log;
		start(f);
		inject(ops[i], NULL, ENOSPC);
		assert_int_equal(kq_log_manager_create(f->m, "t", 0, some_id, &f->o.defaults, &log, &f->e),
				 KQ_ENOSPC);
		assert_true(f->e.text[0] && atomic_load(&bad_hits) > 0);
		kq_io_set_fault(NULL);
		assert_null(kq_log_manager_find(f->m, "t", 0));
		assert_false(exists(file(f, 0, "t-0")));
		stop(f);
	}
	start(f);
	append_durably(f, create(f, "t", 0));
}

static atomic_int parents_synced;

/* The seventh directory entry cannot be made durable. */
static int seventh_fails(const char *op, const char *site, size_t *partial)
{
	(void)op;
	(void)partial;
	return strcmp(site, "log-create-parent") == 0 && atomic_fetch_add(&parents_synced, 1) == 6
		? ENOSPC : 0;
}

static void test_when_one_of_many_cannot_be_created_none_is(void **state)
{
	struct fixture *f = *state;
	struct kq_log *v[20];
	start(f);
	atomic_store(&parents_synced, 0);
	kq_io_set_fault(seventh_fails);
	assert_int_equal(create_many(f, 0, 20, v), KQ_ENOSPC);
	kq_io_set_fault(NULL);
	for (int i = 0; i < 20; i++) {
		assert_null(v[i]);
		assert_null(kq_log_manager_find(f->m, "t", i));
	}
	assert_int_equal(create_many(f, 0, 20, v), 0);
	for (int i = 0; i < 20; i++)
		kq_log_unref(v[i]);
}

static void test_marker_is_not_written_when_the_end_was_not_clean(void **state)
{
	static const struct { const char *op, *site; } v[] = {
		{ "fdatasync", NULL }, { "rename", "checkpoint" }, { "rename", "clean-shutdown" },
		{ "pwrite", "snapshot" },
	};
	struct fixture *f = *state;
	start(f);
	create(f, "t", 0);
	stop(f);
	for (size_t i = 0; i < sizeof v / sizeof v[0]; i++) {
		start(f);
		assert_true(append(kq_log_manager_find(f->m, "t", 0)) >= 0);
		inject(v[i].op, v[i].site, EIO);
		stop(f);
		assert_true(atomic_load(&bad_hits) > 0);
		kq_io_set_fault(NULL);
		assert_false(exists(file(f, 0, ".kafka_cleanshutdown")));
	}
	start(f);
	assert_int_equal(kq_log_end_offset(kq_log_manager_find(f->m, "t", 0)), 4);
}

static void test_unusable_directory_beside_a_good_one_is_left_out(void **state)
{
	struct fixture *f = *state;
	struct kq_log_dir_info d;
	f->o.dir_count = 2;
	mkdir(f->paths[1], 0755);
	mkdir(file(f, 1, "meta.properties"), 0755); /* cannot be read */
	start(f);
	kq_log_manager_dir(f->m, 1, &d);
	assert_false(d.online);
	assert_int_equal(kq_log_dir_index(create(f, "t", 0)), 0);
	assert_int_equal(kq_log_dir_index(create(f, "t", 1)), 0);
	stop(f);
	f->dirs[0] = f->paths[1];
	f->o.dir_count = 1;
	refused(f, KQ_EIO, "meta.properties");
}

/* ---- deletion and housekeeping ------------------------------------------------ */

static int entries_ending(const char *dir, const char *suffix)
{
	int n = 0;
	char cmd[9000];
	snprintf(cmd, sizeof cmd, "ls -A '%s' | grep -c -- '%s$'", dir, suffix);
	FILE *p = popen(cmd, "r");
	assert_int_equal(fscanf(p, "%d", &n), 1);
	pclose(p);
	return n;
}

static void test_deleted_log_is_renamed_now_and_removed_later(void **state)
{
	struct fixture *f = *state;
	start(f);
	struct kq_log *log = create(f, "t", 0);
	append_durably(f, log);
	kq_log_ref(log);
	assert_int_equal(kq_log_manager_delete(f->m, "t", 0), 0);
	assert_int_equal(kq_log_manager_delete(f->m, "t", 0), KQ_ENOTFOUND);
	assert_null(kq_log_manager_find(f->m, "t", 0));
	assert_int_equal(append(log), KQ_ECLOSED);
	assert_true(exists(kq_log_dir(log)));
	kq_log_unref(log);
	assert_false(exists(file(f, 0, "t-0")));
	assert_int_equal(entries_ending(f->paths[0], "-delete"), 1);
	append_durably(f, create(f, "t", 0)); /* the name is free */
	stop(f);
	assert_int_equal(entries_ending(f->paths[0], "-delete"), 1);
	f->o.checkpoint_interval_ms = 5;
	start(f); /* after a start nobody waits for it */
	wait_until(entries_ending(f->paths[0], "-delete") == 0);
	assert_true(exists(file(f, 0, "t-0")));
}

static void test_housekeeper_removes_deleted_directories(void **state)
{
	struct fixture *f = *state;
	f->o.checkpoint_interval_ms = 5;
	f->o.defaults.file_delete_delay_ms = 0;
	start(f);
	append_durably(f, create(f, "t", 0));
	assert_int_equal(kq_log_manager_delete(f->m, "t", 0), 0);
	wait_until(entries_ending(f->paths[0], "-delete") == 0);
}

static void test_checkpoints_are_written_at_intervals_and_only_when_they_change(void **state)
{
	struct fixture *f = *state;
	struct stat a, b;
	f->o.checkpoint_interval_ms = 2;
	start(f);
	struct kq_log *log = create(f, "t", 0);
	append_durably(f, log);
	kq_log_advance_high_watermark(log, 1);
	wait_until(exists(file(f, 0, "replication-offset-checkpoint")) &&
		   exists(file(f, 0, "recovery-point-offset-checkpoint")));
	for (int i = 0; i < 3; i++) /* let the last change reach the files */
		assert_int_equal(kq_log_manager_checkpoint(f->m), 0);
	assert_int_equal(stat(file(f, 0, "recovery-point-offset-checkpoint"), &a), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(kq_log_manager_checkpoint(f->m), 0);
	assert_int_equal(stat(file(f, 0, "recovery-point-offset-checkpoint"), &b), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	char *text = slurp(file(f, 0, "recovery-point-offset-checkpoint"), NULL);
	assert_string_equal(text, "0\n1\nt 0 1\n");
	free(text);
}

static void test_rolled_segments_are_synced_in_the_background(void **state)
{
	struct fixture *f = *state;
	f->o.flush_policy = KQ_FLUSH_OS;
	f->o.defaults.segment_bytes = 1000;
	start(f);
	struct kq_log *log = create(f, "t", 0);
	for (int i = 0; i < 60; i++)
		assert_true(append(log) >= 0);
	wait_until(kq_log_recovery_point(log) >= 45);
	assert_true(kq_log_recovery_point(log) < 60);
}

struct churn {
	struct fixture *f;
	int number;
	pthread_t thread;
};

static void touch(void *arg, struct kq_log *log)
{
	*(int64_t *)arg += kq_log_size(log);
}

/* Creates, writes, looks around and deletes, beside others that do the same. */
static void *churn(void *arg)
{
	struct churn *c = arg;
	for (int i = 0; i < 12; i++) {
		struct kq_log *log;
		int64_t sum = 0;
		if (kq_log_manager_create(c->f->m, "t", c->number, some_id, &c->f->o.defaults, &log, NULL))
			return c;
		append(log);
		kq_log_manager_want_sync(c->f->m, log);
		kq_log_manager_each(c->f->m, touch, &sum);
		kq_log_manager_find(c->f->m, "t", (c->number + 1) % 4);
		if (sum <= 0 || kq_log_manager_delete(c->f->m, "t", c->number))
			return c;
		kq_log_unref(log);
	}
	return NULL;
}

static void test_logs_come_and_go_beside_each_other(void **state)
{
	struct fixture *f = *state;
	struct churn c[4];
	void *failed[4];
	f->o.dir_count = 2;
	f->o.checkpoint_interval_ms = 1;
	f->o.retention_check_ms = 1;
	f->o.defaults.file_delete_delay_ms = 0;
	start(f);
	for (int i = 0; i < 4; i++) {
		c[i] = (struct churn){ .f = f, .number = i };
		assert_int_equal(pthread_create(&c[i].thread, NULL, churn, &c[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(c[i].thread, &failed[i]);
	for (int i = 0; i < 4; i++)
		assert_null(failed[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_new_directory_is_made_and_identified),
		T(test_ids_stay_and_spread_to_new_directories),
		T(test_ids_that_clash_are_refused_and_change_nothing),
		T(test_directory_of_a_kraft_broker_is_taken),
		T(test_directory_in_use_by_another_process_is_refused_with_its_pid),
		T(test_directory_in_use_by_this_process_is_refused_and_stays_locked),
		T(test_path_that_is_no_directory_is_refused),
		T(test_names_of_directories_are_told_apart),
		T(test_logs_come_back_after_a_clean_stop),
		T(test_checkpoints_say_what_a_clean_stop_left),
		T(test_creation_refuses_what_is_there_and_what_is_no_name),
		T(test_new_logs_go_where_fewest_are),
		T(test_partitions_of_a_topic_are_created_side_by_side),
		T(test_directory_of_a_stopped_kafka_is_served),
		T(test_directory_of_a_killed_kafka_is_recovered),
		T(test_strays_unfinished_copies_and_foreign_things_are_left_alone),
		T(test_partition_in_two_places_is_refused),
		T(test_old_partition_gets_its_topic_id_later),
		T(test_damaged_partition_is_kept_offline_and_stops_no_other),
		T(test_unreadable_checkpoints_do_not_stop_the_start),
		T(test_acknowledged_records_survive_kill_9),
		T(test_deleted_records_stay_deleted_after_a_crash),
		T(test_recreated_topic_is_not_taken_for_the_one_before_after_a_crash),
		T(test_many_producers_share_syncs),
		T(test_policy_os_does_not_sync_for_appends),
		T(test_failed_sync_takes_the_whole_directory_offline),
		T(test_failed_write_takes_the_directory_offline_and_reads_go_on),
		T(test_no_append_is_acknowledged_over_a_failed_sync),
		T(test_failed_checkpoint_takes_the_directory_offline),
		T(test_failed_creation_leaves_nothing_behind),
		T(test_when_one_of_many_cannot_be_created_none_is),
		T(test_marker_is_not_written_when_the_end_was_not_clean),
		T(test_unusable_directory_beside_a_good_one_is_left_out),
		T(test_deleted_log_is_renamed_now_and_removed_later),
		T(test_housekeeper_removes_deleted_directories),
		T(test_checkpoints_are_written_at_intervals_and_only_when_they_change),
		T(test_rolled_segments_are_synced_in_the_background),
		T(test_logs_come_and_go_beside_each_other),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
