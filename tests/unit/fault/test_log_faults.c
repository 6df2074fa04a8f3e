/* Every call of the log that touches the disk fails, once and for good, with EIO, ENOSPC
 * and after a short write. The same lives of a data directory are lived through each
 * time: fill, roll, delete, truncate, stop; start again; start after a crash; start
 * with lost files. What was acknowledged must be there after the last start, and a
 * fault must never pass without a word. */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <cmocka.h>

#include "kq/log.h"
#include "kq/segment.h"
#include "log/data_dir.h"
#include "unit/fault/injector.h"
#include "unit/fault/model.h"

enum { PARTS = 4, ALPHA = 0, TXN = 1, BETA = 2, DOOMED = 3, HOUR_MS = 3600000 };

static struct part parts[PARTS];
static struct kq_log_manager *m;
static char home[64], root[80]; /* own directory, and the log directory in it */
static bool serving;            /* between a start and its stop */
static int complaints;          /* errors answered, and lines that warn */
static int complaints_at_fire;

/* ---- observers ----------------------------------------------------------------- */

static void sink(void *arg, enum kq_log_level level, const char *area, const char *text)
{
	(void)arg, (void)area;
	if (getenv("FAULT_TALK"))
		fprintf(stderr, "# %d %s\n", (int)level, text);
	if (level <= KQ_LOG_WARN)
		__atomic_fetch_add(&complaints, 1, __ATOMIC_RELAXED);
}

/* Does a failure of this call say that log data may be lost? */
static bool is_data(const char *op, const char *name)
{
	return !strcmp(name, "segment-append") || !strcmp(name, "segment-sync") ||
	       !strcmp(name, "index-sync") || !strcmp(name, "txn-index") ||
	       !strcmp(name, "log-dir-sync") || (!strcmp(op, "pwrite") && !strcmp(name, "index-reserve"));
}

static void when_fired(const char *op, const char *name)
{
	pthread_mutex_lock(&model_lock);
	complaints_at_fire = __atomic_load_n(&complaints, __ATOMIC_RELAXED);
	if (serving && is_data(op, name))
		ruined = current;
	pthread_mutex_unlock(&model_lock);
}

/* Counts what was refused, and hands it on. */
static int noted(int rc)
{
	if (rc < 0)
		__atomic_fetch_add(&complaints, 1, __ATOMIC_RELAXED);
	return rc;
}

static bool exists(const char *name)
{
	char path[PATH_MAX];
	snprintf(path, sizeof path, "%s/%s", root, name);
	return access(path, F_OK) == 0;
}

/* ---- starting and stopping ------------------------------------------------------- */

static void small_config(struct kq_log_config *c)
{
	kq_log_config_init(c);
	c->segment_bytes = 2048;
	c->index_interval_bytes = 500;
	c->file_delete_delay_ms = 0;
}

static int start(void)
{
	const char *dirs[] = { root };
	struct kq_log_manager_options o = {
		.dirs = dirs, .dir_count = 1, .broker_id = 1, .flush_policy = KQ_FLUSH_SYNC,
		.recovery_threads = 1, .checkpoint_interval_ms = HOUR_MS,
		.retention_check_ms = HOUR_MS, .sync_threads = 1,
	};
	struct kq_error e;
	small_config(&o.defaults);
	ruined = NULL;
	return noted(kq_log_manager_open(&m, &o, &e));
}

static void listen_to(struct part *p)
{
	struct kq_log_listener l = { .durable = on_durable, .failed = on_failed, .arg = p };
	p->failed = false;
	kq_log_set_listener(p->log, &l);
	if (kq_log_is_offline(p->log))
		p->failed = true;
}

/* Finds the partitions that were loaded. must: all have to be there. */
static void find_parts(bool must)
{
	for (int i = 0; i < PARTS; i++) {
		struct part *p = &parts[i];
		p->log = kq_log_manager_find(m, p->topic, p->partition);
		if (p->log) {
			kq_log_ref(p->log);
			listen_to(p);
			check_loaded(p);
			kq_log_advance_high_watermark(p->log, kq_log_end_offset(p->log));
		} else if (must && (p->acked > 0 || kq_log_manager_is_offline(m, p->topic, p->partition)) &&
			   !p->may_be_gone) {
			broken(p, "the partition cannot be loaded", p->acked);
		}
	}
}

/* Reads go on until the end, also in a directory that went offline. */
static void stop(void)
{
	for (int i = 0; i < PARTS; i++) {
		struct part *p = &parts[i];
		if (p->log && !p->may_be_gone)
			check_part(p, kq_log_high_watermark(p->log));
	}
	serving = false;
	kq_log_manager_close(m);
	for (int i = 0; i < PARTS; i++) {
		if (parts[i].log)
			kq_log_unref(parts[i].log);
		parts[i].log = NULL;
	}
}

/* ---- the lives --------------------------------------------------------------------- */

static void create(int i, const char *topic, int32_t partition, uint8_t id)
{
	struct part *p = &parts[i];
	struct kq_log_config c;
	struct kq_uuid uuid = { .b = { id } };
	small_config(&c);
	p->topic = topic;
	p->partition = partition;
	p->last.id = -1;
	if (!noted(kq_log_manager_create(m, topic, partition, uuid, &c, &p->log, NULL)))
		listen_to(p);
}

static void fill(int i, int batches, int16_t attributes)
{
	for (int k = 0; k < batches && parts[i].log; k++)
		noted(append(m, &parts[i], attributes));
}

static void epoch(int i, int32_t n)
{
	if (parts[i].log)
		noted(kq_log_assign_epoch(parts[i].log, n));
}

/* Producers that got no answer ask again. */
static void retry(void)
{
	for (int i = 0; i < PARTS; i++)
		if (parts[i].log && parts[i].idempotent && parts[i].last.id >= 0)
			noted(send_batch(m, &parts[i]));
}

static void abort_transaction(void)
{
	struct part *p = &parts[TXN];
	if (p->log && p->last.id < 0)
		noted(append_abort(m, p));
}

static void retain(int i, int64_t bytes)
{
	struct part *p = &parts[i];
	struct kq_log_config c;
	if (!p->log)
		return;
	small_config(&c);
	c.retention_bytes = bytes;
	kq_log_set_config(p->log, &c);
	p->may_start = kq_log_high_watermark(p->log);
	noted(kq_log_retain(p->log, now_ms()));
	small_config(&c);
	kq_log_set_config(p->log, &c);
}

static void delete_before(int i, int64_t offset)
{
	struct part *p = &parts[i];
	int64_t moved;
	if (!p->log || offset > kq_log_high_watermark(p->log))
		return;
	p->may_start = offset > p->may_start ? offset : p->may_start;
	noted(kq_log_delete_before(p->log, offset, &moved));
}

static void truncate_by(int i, int64_t n)
{
	struct part *p = &parts[i];
	if (!p->log || kq_log_end_offset(p->log) < n)
		return;
	int64_t to = kq_log_end_offset(p->log) - n;
	p->acked = p->acked < to ? p->acked : to;
	if (!noted(kq_log_truncate(p->log, to)))
		noted(kq_log_manager_checkpoint(m));
}

static void doom(int i)
{
	struct part *p = &parts[i];
	if (!p->log)
		return;
	p->may_be_gone = true;
	noted(kq_log_manager_delete(m, p->topic, p->partition));
}

static void first_life(void)
{
	create(ALPHA, "alpha", 0, 1);
	create(TXN, "alpha", 1, 1);
	create(BETA, "beta", 0, 0);
	create(DOOMED, "doomed", 0, 4);
	for (int i = 0; i < PARTS; i++)
		epoch(i, 0);
	fill(ALPHA, 9, 0);
	fill(TXN, 4, KQ_BATCH_TRANSACTIONAL);
	abort_transaction();
	fill(TXN, 3, KQ_BATCH_TRANSACTIONAL);
	fill(BETA, 8, 0);
	if (parts[BETA].log)
		noted(kq_log_manager_set_topic_id(m, parts[BETA].log, (struct kq_uuid){ .b = { 9 } }));
	fill(DOOMED, 1, 0);
	noted(kq_log_manager_checkpoint(m));
	epoch(ALPHA, 1);
	fill(ALPHA, 3, 0);
	retain(ALPHA, 3000);
	delete_before(TXN, 3);
	truncate_by(BETA, 3);
	truncate_by(BETA, 7);
	fill(BETA, 6, 0);
	retain(DOOMED, 0);
	doom(DOOMED);
}

static void later_life(int n)
{
	retry();
	fill(ALPHA, 2, 0);
	if (n == 2) {
		abort_transaction();
		delete_before(BETA, 2);
	}
	fill(TXN, 1, KQ_BATCH_TRANSACTIONAL);
	if (n != 2)
		abort_transaction();
	fill(BETA, 2, 0);
	epoch(ALPHA, n);
}

/* Names of the segments of a partition, the newest last; how many. */
static int segments(const char *partition, char names[][NAME_MAX + 1], int max)
{
	char path[PATH_MAX];
	struct dirent **v;
	int n = 0;
	snprintf(path, sizeof path, "%s/%s", root, partition);
	int count = scandir(path, &v, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		size_t len = strlen(v[i]->d_name);
		if (len == 24 && !strcmp(v[i]->d_name + 20, ".log") && n < max)
			snprintf(names[n++], NAME_MAX + 1, "%s/%.20s", partition, v[i]->d_name);
		free(v[i]);
	}
	if (count >= 0)
		free(v);
	return n;
}

static void move_file(const char *name, const char *from, const char *to)
{
	char old[PATH_MAX], new[PATH_MAX];
	snprintf(old, sizeof old, "%s/%s.%s", root, name, from);
	snprintf(new, sizeof new, "%s/%s.%s", root, name, to);
	rename(old, new);
}

/* As after a loss of power: no marker, no recovery points, a torn batch at the end. */
static void crash(void)
{
	char names[32][NAME_MAX + 1], path[PATH_MAX];
	static const uint8_t torn[] = { 0, 0, 0, 0, 0, 0, 0, 99, 0, 0, 2, 0, 0, 0 };
	snprintf(path, sizeof path, "%s/.kafka_cleanshutdown", root);
	unlink(path);
	snprintf(path, sizeof path, "%s/recovery-point-offset-checkpoint", root);
	unlink(path);
	int n = segments("alpha-0", names, 32);
	if (!n)
		return;
	snprintf(path, sizeof path, "%s/%s.log", root, names[n - 1]);
	FILE *f = fopen(path, "ab");
	fwrite(torn, 1, sizeof torn, f);
	fclose(f);
}

/* Indexes that went missing, and a compaction that was about to end. */
static void lose_files(void)
{
	char names[32][NAME_MAX + 1];
	int n = segments("alpha-0", names, 32);
	if (n > 2)
		move_file(names[1], "index", "lost");
	n = segments("beta-0", names, 32);
	if (n > 2) {
		move_file(names[0], "index", "index.swap");
		move_file(names[0], "timeindex", "timeindex.swap");
		move_file(names[0], "log", "log.swap");
	}
}

/* One life under the armed fault. */
static void live(int n)
{
	bool before = fired;
	if (start() == 0) {
		if (n > 1)
			find_parts(!fired);
		serving = true;
		if (n == 1)
			first_life();
		else
			later_life(n);
		stop();
	}
	bool clean = exists(".kafka_cleanshutdown");
	if (fired && !before && clean && __atomic_load_n(&complaints, __ATOMIC_RELAXED) == complaints_at_fire)
		broken(&parts[0], "a fault passed without a word", n);
}

/* ---- after the faults ---------------------------------------------------------------- */

static void found_wrong(void *arg, const char *path, int64_t position, bool torn, const char *text)
{
	(void)arg, (void)torn;
	if (!violation[0])
		snprintf(violation, sizeof violation, "%s at %lld: %s", strrchr(path, '/') + 1,
			 (long long)position, text);
}

static void verify_files(const char *partition)
{
	char path[PATH_MAX];
	struct dirent **v;
	struct kq_error e;
	int64_t base;
	snprintf(path, sizeof path, "%s/%s", root, partition);
	int count = scandir(path, &v, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		snprintf(path, sizeof path, "%s/%s/%s", root, partition, v[i]->d_name);
		if (kq_segment_kind(path, &base) != KQ_SEGMENT_UNKNOWN)
			kq_segment_verify(path, found_wrong, NULL, &e);
		free(v[i]);
	}
	if (count >= 0)
		free(v);
}

/* The disk works again: all is there, and writing goes on. */
static void last_life(void)
{
	disarm();
	if (start()) {
		broken(&parts[0], "does not start after the faults", 0);
		return;
	}
	find_parts(true);
	serving = true;
	retry();
	for (int i = 0; i < PARTS; i++)
		if (parts[i].log && !parts[i].may_be_gone &&
		    append(m, &parts[i], i == TXN ? KQ_BATCH_TRANSACTIONAL : 0))
			broken(&parts[i], "takes no writes after the faults", kq_log_end_offset(parts[i].log));
	abort_transaction();
	stop();
	if (!exists(".kafka_cleanshutdown"))
		broken(&parts[0], "does not stop in order after the faults", 0);
	verify_files("alpha-0");
	verify_files("alpha-1");
	verify_files("beta-0");
}

/* All lives under f; true if it came to happen. */
static bool run(const struct fault *f)
{
	static const char *const bases[] = { "/dev/shm", "/tmp" };
	memset(parts, 0, sizeof parts);
	for (int i = 0; i < PARTS; i++)
		parts[i].topic = "";
	for (int i = 0; i < PARTS; i++)
		memset(parts[i].id, 0xff, sizeof parts[i].id);
	parts[ALPHA].idempotent = parts[TXN].idempotent = true;
	next_id = 1;
	violation[0] = '\0';
	serving = false;
	snprintf(home, sizeof home, "%s/kq-fault-XXXXXX", bases[access(bases[0], W_OK) == 0 ? 0 : 1]);
	assert_non_null(mkdtemp(home));
	snprintf(root, sizeof root, "%s/data", home);
	arm(f);
	live(1);
	live(2);
	crash();
	live(3);
	lose_files();
	live(4);
	last_life();
	if (!violation[0])
		kq_data_dir_remove_tree(home);
	return fired;
}

/* ---- tests ------------------------------------------------------------------------------ */

static struct site known[SITES_MAX]; /* the sites of a run without faults */
static int known_count, known_calls;

static int set_up(void **state)
{
	(void)state;
	kq_log_set_sink(sink, NULL, getenv("FAULT_TALK") ? KQ_LOG_INFO : KQ_LOG_WARN);
	on_fire = when_fired;
	return 0;
}

static void test_lives_without_faults_keep_everything(void **state)
{
	(void)state;
	run(&(struct fault){ 0 });
	assert_string_equal(violation, "");
	known_count = site_count;
	known_calls = calls;
	memcpy(known, sites, sizeof known);
	for (int i = 0; i < known_count; i++)
		printf("# site %s %s hit %d\n", known[i].name, known[i].op, known[i].hits);
}

/* A site that the lives above do not pass would not be tested: the sources say which
 * there are. */
static void test_lives_pass_every_site_in_the_sources(void **state)
{
	(void)state;
	char line[256], missing[512] = "";
	FILE *f = popen("grep -hoE 'kq_io_[a-z_]+\\(\"[a-z-]+\"' " KQ_TESTDATA
			"/../../libcore/log/*.c | sed 's/.*\"\\(.*\\)\"/\\1/' | sort -u", "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		bool hit = false;
		line[strcspn(line, "\n")] = '\0';
		for (int i = 0; i < known_count; i++)
			hit |= !strcmp(known[i].name, line) && known[i].hits > 0;
		if (!hit)
			snprintf(missing + strlen(missing), sizeof missing - strlen(missing), "%s ", line);
	}
	pclose(f);
	assert_string_equal(missing, "");
}

/* Runs one fault and says which it was if a promise was broken. */
static int try_fault(const struct fault *f, int *happened)
{
	*happened += run(f);
	if (!violation[0])
		return 0;
	printf("# %s %s, call %d, errno %d%s, %s: %s (%s)\n", f->op ? f->op : "any", f->name ? f->name : "",
	       f->hit, f->err, f->cut ? " after a short write" : "",
	       f->how == ONCE ? "once" : f->how == FOR_GOOD ? "for good" : "dead disk", violation, home);
	return 1;
}

/* The first call of a site, one in the middle and the last one. */
static int try_site(const struct site *s, int err, bool cut, enum persistence how)
{
	int hits[] = { 1, (s->hits + 1) / 2, s->hits }, bad = 0, happened = 0;
	for (int i = 0; i < 3; i++) {
		if (hits[i] < 1 || (i > 0 && hits[i] == hits[i - 1]))
			continue;
		struct fault f = { s->op, s->name, hits[i], err, cut, how };
		bad += try_fault(&f, &happened);
	}
	if (!happened)
		printf("# %s %s never failed\n", s->op, s->name);
	return bad + !happened;
}

static int try_all_sites(int err, bool cut, enum persistence how)
{
	int bad = 0;
	assert_true(known_count > 0);
	for (int i = 0; i < known_count; i++)
		if (!cut || !strcmp(known[i].op, "pwrite"))
			bad += try_site(&known[i], err, cut, how);
	return bad;
}

static void test_every_site_failing_once_breaks_no_promise(void **state)
{
	(void)state;
	assert_int_equal(try_all_sites(EIO, false, ONCE), 0);
}

static void test_every_site_failing_for_good_breaks_no_promise(void **state)
{
	(void)state;
	assert_int_equal(try_all_sites(EIO, false, FOR_GOOD), 0);
}

static void test_every_site_without_space_once_breaks_no_promise(void **state)
{
	(void)state;
	assert_int_equal(try_all_sites(ENOSPC, false, ONCE), 0);
}

static void test_every_site_without_space_for_good_breaks_no_promise(void **state)
{
	(void)state;
	assert_int_equal(try_all_sites(ENOSPC, false, FOR_GOOD), 0);
}

static void test_every_short_write_breaks_no_promise(void **state)
{
	(void)state;
	assert_int_equal(try_all_sites(ENOSPC, true, ONCE), 0);
	assert_int_equal(try_all_sites(EIO, true, FOR_GOOD), 0);
}

static void test_a_disk_that_dies_at_any_call_breaks_no_promise(void **state)
{
	(void)state;
	int bad = 0, happened = 0, step = known_calls / 40 + 1;
	assert_true(known_calls > 0);
	for (int k = 1; k <= known_calls; k += step) {
		struct fault f = { NULL, NULL, k, EIO, k % 2, DEAD_DISK };
		bad += try_fault(&f, &happened);
	}
	assert_int_equal(bad, 0);
	assert_true(happened > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lives_without_faults_keep_everything),
		cmocka_unit_test(test_lives_pass_every_site_in_the_sources),
		cmocka_unit_test(test_every_site_failing_once_breaks_no_promise),
		cmocka_unit_test(test_every_site_failing_for_good_breaks_no_promise),
		cmocka_unit_test(test_every_site_without_space_once_breaks_no_promise),
		cmocka_unit_test(test_every_site_without_space_for_good_breaks_no_promise),
		cmocka_unit_test(test_every_short_write_breaks_no_promise),
		cmocka_unit_test(test_a_disk_that_dies_at_any_call_breaks_no_promise),
	};
	return cmocka_run_group_tests(tests, set_up, NULL);
}
