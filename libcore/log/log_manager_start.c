/* From directories to open logs.
 *
 * All directories are made, locked and identified before the first marker is taken,
 * so that a refusal (a lock, an id that clashes, a partition in two places) leaves
 * everything as it was and the next start is as clean as this one would have been.
 * Then each partition is opened by a pool of threads; one that cannot be loaded is
 * put aside and does not stop the others. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/uuid.h"
#include "log/log_manager_internal.h"
#include "log/partition_metadata.h"

/* ---- a small pool ---------------------------------------------------------- */

/* Recovery of many small logs mostly waits for their syncs. */
enum { THREADS_MAX = 256, RECOVERY_THREADS_MIN = 8 };

struct pool {
	atomic_int next;
	int n;
	void (*fn)(void *arg, int i);
	void *arg;
};

static void *pool_worker(void *arg)
{
	struct pool *p = arg;
	for (int i; (i = atomic_fetch_add(&p->next, 1)) < p->n;)
		p->fn(p->arg, i);
	return NULL;
}

void kq_run_parallel(int n, int threads, void (*fn)(void *arg, int i), void *arg)
{
	pthread_t t[THREADS_MAX];
	int started = 0;
	struct pool p = { .n = n, .fn = fn, .arg = arg };
	if (threads > n)
		threads = n;
	while (started < threads - 1 && started < THREADS_MAX &&
	       pthread_create(&t[started], NULL, pool_worker, &p) == 0)
		started++; /* fewer threads take longer, no more */
	pool_worker(&p);
	for (int i = 0; i < started; i++)
		pthread_join(t[i], NULL);
}

/* ---- directories ----------------------------------------------------------- */

/* Makes, locks and reads one. What says "in use" or "wrong" ends the start; what says
 * that the disk fails only costs this directory. */
static int open_dir(struct kq_manager_dir *d, struct kq_error *e)
{
	int rc = kq_data_dir_make(d->path, e);
	if (!rc)
		rc = kq_data_dir_lock(d->path, &d->lock, e);
	if (rc)
		return rc;
	rc = kq_meta_properties_load(d->path, &d->meta, e);
	d->has_meta = !rc;
	return rc == KQ_ENOTFOUND ? 0 : rc;
}

static bool is_disk_error(int rc)
{
	return rc == KQ_EIO || rc == KQ_ENOSPC;
}

/* Takes over what one directory says; the first to speak sets it. */
static int agree(struct kq_log_manager *m, const struct kq_manager_dir *d, struct kq_error *e)
{
	if (!d->has_meta)
		return 0;
	if (d->meta.broker_id >= 0 && m->broker_id < 0)
		m->broker_id = d->meta.broker_id;
	if (d->meta.broker_id >= 0 && d->meta.broker_id != m->broker_id)
		return kq_error_set(e, KQ_EINVAL, "%s/meta.properties belongs to broker %d, this is "
				    "broker %d", d->path, d->meta.broker_id, m->broker_id);
	if (d->meta.cluster_id[0] && !m->cluster_id[0])
		snprintf(m->cluster_id, sizeof m->cluster_id, "%s", d->meta.cluster_id);
	if (d->meta.cluster_id[0] && strcmp(d->meta.cluster_id, m->cluster_id) != 0)
		return kq_error_set(e, KQ_EINVAL, "%s/meta.properties belongs to cluster %s, this is "
				    "cluster %s", d->path, d->meta.cluster_id, m->cluster_id);
	return 0;
}

static int write_meta(struct kq_log_manager *m, struct kq_manager_dir *d, struct kq_error *e)
{
	kq_meta_properties_init(&d->meta);
	d->meta.broker_id = m->broker_id;
	snprintf(d->meta.cluster_id, sizeof d->meta.cluster_id, "%s", m->cluster_id);
	int rc = kq_meta_properties_write(d->path, &d->meta);
	if (rc)
		return kq_error_set(e, rc, "cannot write %s/meta.properties: %s", d->path,
				    kq_strerror(rc));
	d->has_meta = true;
	return 0;
}

/* A directory whose disk fails at start is left out, unless it is the only one. */
static int leave_out(struct kq_log_manager *m, struct kq_manager_dir *d, int rc,
		     const struct kq_error *e)
{
	if (!is_disk_error(rc) || m->dir_count == 1)
		return rc;
	kq_error_log("log", "log directory %s is offline: %s", d->path, e->text);
	atomic_store(&d->online, false);
	return 0;
}

static int identify(struct kq_log_manager *m, struct kq_error *e)
{
	int rc = 0;
	for (int i = 0; i < m->dir_count && !rc; i++)
		rc = agree(m, &m->dirs[i], e);
	if (rc)
		return rc;
	if (m->broker_id < 0)
		m->broker_id = 1;
	if (!m->cluster_id[0]) {
		struct kq_uuid u;
		kq_uuid_random(&u);
		kq_uuid_format(&u, m->cluster_id);
	}
	for (int i = 0; i < m->dir_count && !rc; i++) {
		struct kq_manager_dir *d = &m->dirs[i];
		if (!d->has_meta && atomic_load(&d->online) && (rc = write_meta(m, d, e)))
			rc = leave_out(m, d, rc, e);
	}
	return rc;
}

int kq_log_manager_open_dirs(struct kq_log_manager *m, const struct kq_log_manager_options *o,
			     struct kq_error *e)
{
	if (o->dir_count < 1)
		return kq_error_set(e, KQ_EINVAL, "no log directory given");
	m->broker_id = o->broker_id;
	if (o->cluster_id && snprintf(m->cluster_id, sizeof m->cluster_id, "%s", o->cluster_id) >=
				     (int)sizeof m->cluster_id)
		return kq_error_set(e, KQ_EINVAL, "cluster id is too long");
	m->dirs = kq_calloc((size_t)o->dir_count, sizeof *m->dirs);
	for (int i = 0; i < o->dir_count; i++) {
		struct kq_manager_dir *d = &m->dirs[m->dir_count++];
		d->path = kq_strdup(o->dirs[i]);
		d->index = i;
		d->lock.fd = -1;
		pthread_mutex_init(&d->checkpoint, NULL);
		atomic_store(&d->online, true);
	}
	for (int i = 0; i < m->dir_count; i++) {
		int rc = open_dir(&m->dirs[i], e);
		if (rc)
			rc = leave_out(m, &m->dirs[i], rc, e);
		if (rc)
			return rc;
	}
	return identify(m, e);
}

/* ---- partitions ------------------------------------------------------------ */

struct job {
	struct kq_manager_dir *d;
	char topic[KQ_TOPIC_NAME_MAX + 1];
	int32_t partition;
	char *path;
};

struct loading {
	struct kq_log_manager *m;
	struct kq_manager_dir *d; /* being scanned */
	struct kq_map seen;       /* key to path, to find a partition in two directories */
	struct job *jobs;
	int n, cap;
	struct kq_error *e;
};

static int add_job(struct loading *l, const char *path, const struct kq_data_dir_name *n)
{
	uint8_t key[KQ_LOG_KEY_MAX];
	size_t len = kq_log_key(n->topic, n->partition, key);
	const char *other = kq_map_get(&l->seen, key, len);
	if (other)
		return kq_error_set(l->e, KQ_EINVAL, "partition %s-%d lies in two places: %.200s and "
				    "%.200s", n->topic, n->partition, other, path);
	if (l->n == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 64;
		l->jobs = kq_realloc(l->jobs, (size_t)l->cap * sizeof *l->jobs);
	}
	struct job *j = &l->jobs[l->n++];
	j->d = l->d;
	j->partition = n->partition;
	memcpy(j->topic, n->topic, sizeof j->topic);
	j->path = kq_strdup(path);
	kq_map_put(&l->seen, key, len, j->path);
	return 0;
}

static int found(void *arg, const char *name, const struct kq_data_dir_name *n)
{
	struct loading *l = arg;
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s", l->d->path, name) >= PATH_MAX)
		return kq_error_set(l->e, KQ_EINVAL, "%.200s: name too long", name);
	switch (n->kind) {
	case KQ_DATA_DIR_PARTITION:
		if (strcmp(n->topic, "__cluster_metadata") != 0)
			return add_job(l, path, n);
		kq_info_log("log", "%s: a KRaft controller's, left alone", path);
		return 0;
	case KQ_DATA_DIR_DELETE:
		kq_log_manager_doom(l->m, path, 0);
		return 0;
	case KQ_DATA_DIR_STRAY:
	case KQ_DATA_DIR_FUTURE:
		kq_warn_log("log", "%s: a stray or unfinished copy, left alone", path);
		return 0;
	default:
		kq_info_log("log", "%s: not a partition, left alone", path);
		return 0;
	}
}

/* A damaged file is as good as none: recovery then begins at 0, the watermark is
 * found anew; only a log start inside a segment falls back to the segment's. */
static int load_checkpoints(struct kq_manager_dir *d, struct kq_error *e)
{
	char path[PATH_MAX];
	for (int k = 0; k < KQ_CHECKPOINT_KINDS; k++) {
		if (snprintf(path, sizeof path, "%s/%s", d->path, kq_checkpoint_name(k)) >= PATH_MAX)
			return kq_error_set(e, KQ_EINVAL, "%.200s: name too long", d->path);
		int rc = kq_checkpoint_load(&d->loaded[k], path, e);
		if (rc && is_disk_error(rc))
			return rc;
		if (!rc)
			continue;
		kq_error_log("log", "%s; going on without it", e->text);
		d->loaded[k] = kq_checkpoint_new();
	}
	return 0;
}

void kq_log_manager_config(struct kq_log_manager *m, const char *topic, struct kq_log_config *out)
{
	*out = m->defaults;
	if (m->topic_config)
		m->topic_config(m->topic_config_arg, topic, out);
}

void kq_log_manager_params(struct kq_log_manager *m, struct kq_manager_dir *d,
			   struct kq_log_open_params *p)
{
	memset(p, 0, sizeof *p);
	p->dir_index = d->index;
	p->sync = m->flush_policy == KQ_FLUSH_SYNC;
	p->clean = d->clean;
	p->hooks = (struct kq_log_hooks){
		.dir_failed = kq_log_manager_on_dir_failed,
		.rolled = kq_log_manager_on_rolled,
		.start_moved = kq_log_manager_on_start_moved,
		.arg = m,
	};
}

/* -1 for a partition without a line. */
static int64_t line_of(const struct job *j, enum kq_checkpoint_kind kind)
{
	return kq_checkpoint_get(j->d->loaded[kind], j->topic, j->partition);
}

static void put_aside(struct kq_log_manager *m, const struct job *j, struct kq_uuid id,
		      const struct kq_error *e)
{
	uint8_t key[KQ_LOG_KEY_MAX];
	struct kq_offline_partition *p = kq_calloc(1, sizeof *p);
	kq_error_log("log", "partition %s-%d is offline: %s", j->topic, j->partition, e->text);
	p->topic = kq_strdup(j->topic);
	p->partition = j->partition;
	p->topic_id = id;
	p->dir = j->d->index;
	p->path = kq_strdup(j->path);
	for (int k = 0; k < KQ_CHECKPOINT_KINDS; k++)
		p->offsets[k] = line_of(j, (enum kq_checkpoint_kind)k);
	atomic_store(&j->d->unclean, true); /* what it missed must be found again */
	pthread_rwlock_wrlock(&m->table);
	kq_map_put(&m->offline, key, kq_log_key(j->topic, j->partition, key), p);
	j->d->partitions++;
	pthread_rwlock_unlock(&m->table);
}

static int64_t or_zero(int64_t v)
{
	return v < 0 ? 0 : v;
}

static void load_one(void *arg, int i)
{
	struct loading *l = arg;
	const struct job *j = &l->jobs[i];
	struct kq_log_config config;
	struct kq_log_open_params p;
	struct kq_error e = { 0 };
	struct kq_log *log;
	kq_log_manager_config(l->m, j->topic, &config);
	kq_log_manager_params(l->m, j->d, &p);
	p.dir = j->path;
	p.topic = j->topic;
	p.partition = j->partition;
	p.config = &config;
	p.recovery_point = or_zero(line_of(j, KQ_CHECKPOINT_RECOVERY));
	p.log_start = or_zero(line_of(j, KQ_CHECKPOINT_START));
	p.high_watermark = or_zero(line_of(j, KQ_CHECKPOINT_HW));
	int rc = kq_partition_metadata_read(j->path, &p.topic_id, &e);
	if (!rc)
		rc = kq_log_open(&p, &log, &e);
	if (rc) {
		if (!e.text[0])
			kq_error_set(&e, rc, "%s", kq_strerror(rc));
		put_aside(l->m, j, p.topic_id, &e);
		return;
	}
	uint8_t key[KQ_LOG_KEY_MAX];
	pthread_rwlock_wrlock(&l->m->table);
	kq_map_put(&l->m->logs, key, kq_log_key(j->topic, j->partition, key), log);
	j->d->partitions++;
	pthread_rwlock_unlock(&l->m->table);
	if (!atomic_load(&j->d->online)) /* failed meanwhile, before the log was listed */
		kq_log_fail(log);
}

/* The files may have lines of partitions that are not there (deleted just before a
 * crash); those must go before one of that name is created. */
static void find_stale(struct kq_manager_dir *d)
{
	for (int k = 0; k < KQ_CHECKPOINT_KINDS; k++)
		if (d->loaded[k] && kq_checkpoint_count(d->loaded[k]))
			atomic_store(&d->stale, true);
}

static void free_checkpoints(struct kq_manager_dir *d)
{
	for (int k = 0; k < KQ_CHECKPOINT_KINDS; k++) {
		kq_checkpoint_free(d->loaded[k]);
		d->loaded[k] = NULL;
	}
}

static int prepare(struct loading *l)
{
	for (int i = 0; i < l->m->dir_count; i++) {
		struct kq_manager_dir *d = l->d = &l->m->dirs[i];
		if (!atomic_load(&d->online))
			continue;
		int rc = load_checkpoints(d, l->e);
		if (!rc)
			rc = kq_data_dir_scan(d->path, found, l, l->e);
		if (rc && (rc = leave_out(l->m, d, rc, l->e)))
			return rc;
	}
	for (int i = 0; i < l->m->dir_count; i++) {
		struct kq_manager_dir *d = &l->m->dirs[i];
		if (!atomic_load(&d->online))
			continue;
		int rc = kq_data_dir_take_marker(d->path, &d->clean, l->e);
		if (rc && (rc = leave_out(l->m, d, rc, l->e)))
			return rc;
	}
	return 0;
}

static bool any_unclean(const struct kq_log_manager *m)
{
	for (int i = 0; i < m->dir_count; i++)
		if (!m->dirs[i].clean)
			return true;
	return false;
}

int kq_log_manager_load(struct kq_log_manager *m, struct kq_error *e)
{
	int64_t start = kq_clock_mono_ms();
	struct loading l = { .m = m, .e = e };
	kq_map_init(&l.seen);
	int rc = prepare(&l);
	if (!rc) {
		int threads = (m->recovery_threads < 1 ? 1 : m->recovery_threads) * m->dir_count;
		if (threads < RECOVERY_THREADS_MIN && any_unclean(m))
			threads = RECOVERY_THREADS_MIN;
		kq_run_parallel(l.n, threads, load_one, &l);
	}
	for (int i = 0; i < m->dir_count; i++) {
		find_stale(&m->dirs[i]);
		free_checkpoints(&m->dirs[i]);
	}
	if (!rc)
		kq_info_log("log", "%d partitions in %d directories loaded in %lld ms", l.n,
			    m->dir_count, (long long)(kq_clock_mono_ms() - start));
	for (int i = 0; i < l.n; i++)
		free(l.jobs[i].path);
	free(l.jobs);
	kq_map_deinit(&l.seen);
	return rc;
}
