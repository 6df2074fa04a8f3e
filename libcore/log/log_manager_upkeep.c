/* What goes on beside appends and reads: checkpoint files, failed directories, the
 * housekeeping thread.
 *
 * Crash: a checkpoint file is replaced whole, and what it says was true when its
 * writing began. A recovery point that lags costs scanning, never data. One that is
 * ahead would hide a torn tail; that could only come from a partition of the same
 * name deleted before, so creation waits until the files no longer name it. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/log.h"
#include "log/log_manager_internal.h"

enum { TICK_MS = 1000, HOUSEKEEP_MS = 5000, HW_MS = 5000, FIRST_RETENTION_MS = 30000 };

const char *kq_checkpoint_name(enum kq_checkpoint_kind kind)
{
	static const char *const names[] = {
		"recovery-point-offset-checkpoint",
		"log-start-offset-checkpoint",
		"replication-offset-checkpoint",
	};
	return names[kind];
}

/* ---- failed directories ---------------------------------------------------- */

void kq_log_manager_fail_dir(struct kq_log_manager *m, struct kq_manager_dir *d, int err,
			     const char *what)
{
	if (!atomic_exchange(&d->online, false))
		return;
	kq_error_log("log", "log directory %s is offline: %s: %s; its partitions take no more writes "
		     "until a restart", d->path, what, kq_strerror(err));
	int n;
	struct kq_log **v = kq_log_manager_snapshot(m, d->index, &n);
	for (int i = 0; i < n; i++)
		kq_log_fail(v[i]);
	kq_log_manager_release(v, n);
}

void kq_log_manager_on_dir_failed(void *arg, struct kq_log *log, int err)
{
	struct kq_log_manager *m = arg;
	char what[KQ_TOPIC_NAME_MAX + 64];
	snprintf(what, sizeof what, "write or sync of %s-%d failed", kq_log_topic(log),
		 (int)kq_log_partition(log));
	kq_log_manager_fail_dir(m, &m->dirs[kq_log_dir_index(log)], err, what);
}

/* ---- checkpoints ----------------------------------------------------------- */

/* The offset a log has to put down, -1 for no line. */
static int64_t offset_of(struct kq_log *log, enum kq_checkpoint_kind kind)
{
	switch (kind) {
	case KQ_CHECKPOINT_RECOVERY:
		return kq_log_recovery_point(log);
	case KQ_CHECKPOINT_START: {
		int64_t start = kq_log_start_offset(log);
		return start > kq_log_first_base(log) ? start : -1;
	}
	default:
		return kq_log_high_watermark(log);
	}
}

/* Lines of the loaded logs; not under the table's lock, since a log takes its own. */
static size_t gather(struct kq_log **logs, int n, enum kq_checkpoint_kind kind,
		     struct kq_checkpoint_entry *v)
{
	size_t k = 0;
	for (int i = 0; i < n; i++) {
		int64_t offset = offset_of(logs[i], kind);
		if (offset >= 0)
			v[k++] = (struct kq_checkpoint_entry){
				kq_log_topic(logs[i]), kq_log_partition(logs[i]), offset };
	}
	return k;
}

/* The file's text: loaded logs, then the partitions that are on disk only, whose
 * names stay put while the table is locked. */
static int format(struct kq_log_manager *m, struct kq_manager_dir *d, enum kq_checkpoint_kind kind,
		  uint8_t **buf, size_t *len)
{
	int n;
	struct kq_log **logs = kq_log_manager_snapshot(m, d->index, &n);
	struct kq_checkpoint_entry *v = kq_malloc(((size_t)n + 1) * sizeof *v);
	size_t k = gather(logs, n, kind, v), i = 0, key_len;
	const void *key;
	pthread_rwlock_rdlock(&m->table);
	v = kq_realloc(v, (k + kq_map_count(&m->offline) + 1) * sizeof *v);
	for (struct kq_offline_partition *p; (p = kq_map_next(&m->offline, &i, &key, &key_len));)
		if (p->dir == d->index && p->offsets[kind] >= 0)
			v[k++] = (struct kq_checkpoint_entry){ p->topic, p->partition,
							       p->offsets[kind] };
	int rc = kq_checkpoint_format(v, k, buf, len);
	pthread_rwlock_unlock(&m->table);
	free(v);
	kq_log_manager_release(logs, n);
	return rc;
}

int kq_manager_dir_checkpoint(struct kq_log_manager *m, struct kq_manager_dir *d,
			      enum kq_checkpoint_kind kind)
{
	char path[PATH_MAX];
	uint8_t *buf;
	size_t len;
	if (!atomic_load(&d->online))
		return KQ_ECLOSED;
	pthread_mutex_lock(&d->checkpoint);
	int rc = format(m, d, kind, &buf, &len);
	if (!rc) {
		uint32_t crc = kq_crc32c(0, buf, len);
		bool same = d->written[kind].len == len && d->written[kind].crc == crc;
		snprintf(path, sizeof path, "%s/%s", d->path, kq_checkpoint_name(kind));
		if (!same)
			rc = kq_io_replace_file("checkpoint", path, buf, len);
		d->written[kind].len = rc ? 0 : len;
		d->written[kind].crc = crc;
		free(buf);
	}
	pthread_mutex_unlock(&d->checkpoint);
	if (rc)
		kq_log_manager_fail_dir(m, d, rc, "writing a checkpoint failed");
	return rc;
}

int kq_manager_dir_checkpoint_all(struct kq_log_manager *m, struct kq_manager_dir *d)
{
	int rc = 0;
	atomic_store(&d->stale, false);
	for (int k = 0; k < KQ_CHECKPOINT_KINDS && !rc; k++)
		rc = kq_manager_dir_checkpoint(m, d, (enum kq_checkpoint_kind)k);
	if (rc)
		atomic_store(&d->stale, true);
	return rc;
}

int kq_log_manager_on_start_moved(void *arg, struct kq_log *log)
{
	struct kq_log_manager *m = arg;
	return kq_manager_dir_checkpoint(m, &m->dirs[kq_log_dir_index(log)], KQ_CHECKPOINT_START);
}

int kq_log_manager_checkpoint(struct kq_log_manager *m)
{
	int first = 0;
	for (int i = 0; i < m->dir_count; i++) {
		int rc = kq_manager_dir_checkpoint_all(m, &m->dirs[i]);
		if (rc && !first)
			first = rc;
	}
	return first;
}

/* ---- what waits for the housekeeper ---------------------------------------- */

void kq_log_manager_doom(struct kq_log_manager *m, const char *path, int64_t delay_ms)
{
	size_t n = strlen(path) + 1;
	struct kq_doomed_dir *d = kq_malloc(sizeof *d + n);
	memcpy(d->path, path, n);
	d->due_mono_ms = kq_clock_mono_ms() + delay_ms;
	pthread_mutex_lock(&m->house);
	d->next = m->doomed;
	m->doomed = d;
	pthread_mutex_unlock(&m->house);
}

void kq_log_manager_on_rolled(void *arg, struct kq_log *log)
{
	struct kq_log_manager *m = arg;
	pthread_mutex_lock(&m->house);
	int i = 0;
	while (i < m->rolled_count && m->rolled[i] != log)
		i++;
	if (i == m->rolled_count) {
		if (m->rolled_count == m->rolled_cap) {
			m->rolled_cap = m->rolled_cap ? m->rolled_cap * 2 : 8;
			m->rolled = kq_realloc(m->rolled, (size_t)m->rolled_cap * sizeof *m->rolled);
		}
		kq_log_ref(log);
		m->rolled[m->rolled_count++] = log;
		pthread_cond_signal(&m->house_wake);
	}
	pthread_mutex_unlock(&m->house);
}

/* Syncs what was rolled; a failure has taken the directory offline by itself. */
static void sync_rolled(struct kq_log_manager *m)
{
	pthread_mutex_lock(&m->house);
	struct kq_log **v = m->rolled;
	int n = m->rolled_count;
	m->rolled = NULL;
	m->rolled_count = m->rolled_cap = 0;
	pthread_mutex_unlock(&m->house);
	for (int i = 0; i < n; i++)
		kq_log_sync_rolled(v[i]);
	kq_log_manager_release(v, n);
}

static struct kq_doomed_dir *take_due(struct kq_log_manager *m, int64_t now)
{
	pthread_mutex_lock(&m->house);
	struct kq_doomed_dir **at = &m->doomed;
	while (*at && (*at)->due_mono_ms > now)
		at = &(*at)->next;
	struct kq_doomed_dir *d = *at;
	if (d)
		*at = d->next;
	pthread_mutex_unlock(&m->house);
	return d;
}

static void remove_due(struct kq_log_manager *m, int64_t now)
{
	for (struct kq_doomed_dir *d; (d = take_due(m, now)); free(d)) {
		int rc = kq_data_dir_remove_tree(d->path);
		if (rc)
			kq_warn_log("log", "cannot remove %s: %s; it stays until the next start",
				    d->path, kq_strerror(rc));
	}
}

/* ---- the thread ------------------------------------------------------------ */

struct agenda {
	int64_t checkpoint, hw, retention, housekeep; /* monotonic ms when due next */
};

static void checkpoint_due(struct kq_log_manager *m, struct agenda *a, int64_t now)
{
	if (now >= a->checkpoint) {
		kq_log_manager_checkpoint(m);
		a->checkpoint = now + m->checkpoint_interval_ms;
	}
	if (now < a->hw)
		return;
	for (int i = 0; i < m->dir_count; i++)
		kq_manager_dir_checkpoint(m, &m->dirs[i], KQ_CHECKPOINT_HW);
	a->hw = now + (m->checkpoint_interval_ms < HW_MS ? m->checkpoint_interval_ms : HW_MS);
}

static void upkeep_logs(struct kq_log_manager *m, struct agenda *a, int64_t now)
{
	bool retain = now >= a->retention, keep = now >= a->housekeep;
	int64_t wall = kq_clock_wall_ms();
	int n;
	struct kq_log **v = kq_log_manager_snapshot(m, -1, &n);
	for (int i = 0; i < n; i++) {
		if (kq_log_is_offline(v[i]))
			continue;
		if (kq_log_flush_due(v[i], now))
			kq_log_sync(v[i]);
		if (retain)
			kq_log_retain(v[i], wall);
		if (keep)
			kq_log_housekeep(v[i], now, wall);
	}
	kq_log_manager_release(v, n);
	if (retain)
		a->retention = now + m->retention_check_ms;
	if (keep)
		a->housekeep = now + HOUSEKEEP_MS;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Sleeps for a tick, or until work or the stop is signalled; false to stop. */
static bool wait_for_work(struct kq_log_manager *m)
{
	int64_t ms = smaller(TICK_MS, smaller(m->checkpoint_interval_ms, m->retention_check_ms));
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&m->house);
	while (!m->house_stop && !m->rolled_count)
		if (pthread_cond_timedwait(&m->house_wake, &m->house, &t) == ETIMEDOUT)
			break;
	bool go = !m->house_stop;
	pthread_mutex_unlock(&m->house);
	return go;
}

static void *house(void *arg)
{
	struct kq_log_manager *m = arg;
	int64_t now = kq_clock_mono_ms();
	struct agenda a = {
		.checkpoint = now + m->checkpoint_interval_ms,
		.hw = now + smaller(m->checkpoint_interval_ms, HW_MS),
		.retention = now + smaller(m->retention_check_ms, FIRST_RETENTION_MS),
		.housekeep = now + HOUSEKEEP_MS,
	};
	while (wait_for_work(m)) {
		now = kq_clock_mono_ms();
		sync_rolled(m);
		upkeep_logs(m, &a, now);
		checkpoint_due(m, &a, now);
		remove_due(m, now);
	}
	return NULL;
}

int kq_log_manager_start_house(struct kq_log_manager *m)
{
	if (pthread_create(&m->house_thread, NULL, house, m))
		return KQ_ENOMEM;
	m->house_running = true;
	return 0;
}

void kq_log_manager_stop_house(struct kq_log_manager *m)
{
	if (!m->house_running)
		return;
	pthread_mutex_lock(&m->house);
	m->house_stop = true;
	pthread_cond_signal(&m->house_wake);
	pthread_mutex_unlock(&m->house);
	pthread_join(m->house_thread, NULL);
	m->house_running = false;
	kq_log_manager_release(m->rolled, m->rolled_count);
	m->rolled = NULL;
	m->rolled_count = 0;
}
