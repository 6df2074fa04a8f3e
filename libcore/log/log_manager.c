/* The table of logs and what is asked of it. Happy path: open_dirs, load, serve;
 * close syncs every log, writes the checkpoints and last of all the marker.
 *
 * Crash: the marker is deleted before a log is opened and written after all is on
 * disk, so it never stands for a stop that was not clean. A directory in which
 * anything failed gets none. */
#include "log/log_manager.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/log.h"
#include "base/uuid.h"
#include "log/log_manager_internal.h"
#include "log/partition_metadata.h"

/* Creation mostly waits for syncs, which the file system does for many at once. */
enum { SYNC_THREADS = 4, CREATE_THREADS = 16, CHECKPOINT_MS = 60000, RETENTION_MS = 300000 };

/* ---- the table ------------------------------------------------------------- */

size_t kq_log_key(const char *topic, int32_t partition, uint8_t key[KQ_LOG_KEY_MAX])
{
	size_t n = strlen(topic);
	assert(n <= KQ_TOPIC_NAME_MAX);
	memcpy(key, topic, n);
	memcpy(key + n, &partition, sizeof partition);
	return n + sizeof partition;
}

/* Under the table's lock; an impossible name is in neither table. */
static void *lookup(const struct kq_map *map, const char *topic, int32_t partition)
{
	uint8_t key[KQ_LOG_KEY_MAX];
	if (strnlen(topic, KQ_TOPIC_NAME_MAX + 1) > KQ_TOPIC_NAME_MAX)
		return NULL;
	return kq_map_get(map, key, kq_log_key(topic, partition, key));
}

struct kq_log *kq_log_manager_find(struct kq_log_manager *m, const char *topic, int32_t partition)
{
	pthread_rwlock_rdlock(&m->table);
	struct kq_log *log = lookup(&m->logs, topic, partition);
	pthread_rwlock_unlock(&m->table);
	return log;
}

bool kq_log_manager_is_offline(struct kq_log_manager *m, const char *topic, int32_t partition)
{
	pthread_rwlock_rdlock(&m->table);
	bool offline = lookup(&m->offline, topic, partition) != NULL;
	pthread_rwlock_unlock(&m->table);
	return offline;
}

void kq_log_manager_each_offline(struct kq_log_manager *m,
				 void (*fn)(void *arg, const char *topic, int32_t partition,
					    struct kq_uuid topic_id),
				 void *arg)
{
	const void *key;
	size_t i = 0, n;
	pthread_rwlock_rdlock(&m->table);
	for (struct kq_offline_partition *p; (p = kq_map_next(&m->offline, &i, &key, &n));)
		fn(arg, p->topic, p->partition, p->topic_id);
	pthread_rwlock_unlock(&m->table);
}

struct kq_log **kq_log_manager_snapshot(struct kq_log_manager *m, int dir, int *n)
{
	const void *key;
	size_t i = 0, len;
	*n = 0;
	pthread_rwlock_rdlock(&m->table);
	struct kq_log **v = kq_malloc((kq_map_count(&m->logs) + 1) * sizeof *v);
	for (struct kq_log *log; (log = kq_map_next(&m->logs, &i, &key, &len));) {
		if (dir >= 0 && kq_log_dir_index(log) != dir)
			continue;
		kq_log_ref(log);
		v[(*n)++] = log;
	}
	pthread_rwlock_unlock(&m->table);
	return v;
}

void kq_log_manager_release(struct kq_log **v, int n)
{
	for (int i = 0; i < n; i++)
		kq_log_unref(v[i]);
	free(v);
}

void kq_log_manager_each(struct kq_log_manager *m, void (*fn)(void *arg, struct kq_log *log),
			 void *arg)
{
	int n;
	struct kq_log **v = kq_log_manager_snapshot(m, -1, &n);
	for (int i = 0; i < n; i++)
		fn(arg, v[i]);
	kq_log_manager_release(v, n);
}

static bool is_partition_name(const char *topic, int32_t partition)
{
	char name[KQ_TOPIC_NAME_MAX + 16];
	struct kq_data_dir_name n;
	if (snprintf(name, sizeof name, "%s-%d", topic, (int)partition) >= (int)sizeof name)
		return false;
	kq_data_dir_parse_name(name, &n);
	return n.kind == KQ_DATA_DIR_PARTITION && strcmp(n.topic, topic) == 0;
}

/* ---- deletion -------------------------------------------------------------- */

/* Renames a partition's directory away, durably, and leaves it to the housekeeper. */
static int doom(struct kq_log_manager *m, struct kq_manager_dir *d, const char *topic,
		int32_t partition, const char *path, char to[PATH_MAX])
{
	char name[256];
	kq_data_dir_delete_name(topic, partition, name);
	if (snprintf(to, PATH_MAX, "%s/%s", d->path, name) >= PATH_MAX)
		return KQ_EINVAL;
	int rc = kq_io_rename("log-delete", path, to);
	if (!rc) {
		kq_log_manager_doom(m, to, m->defaults.file_delete_delay_ms);
		rc = kq_io_syncdir("log-delete", d->path);
	}
	if (rc == KQ_EIO)
		kq_log_manager_fail_dir(m, d, rc, "deleting a partition failed");
	return rc;
}

static int delete_log(struct kq_log_manager *m, struct kq_log *log)
{
	char to[PATH_MAX];
	uint64_t appends, bytes;
	struct kq_manager_dir *d = &m->dirs[kq_log_dir_index(log)];
	kq_log_close(log, false);
	int rc = doom(m, d, kq_log_topic(log), kq_log_partition(log), kq_log_dir(log), to);
	if (!rc)
		kq_log_set_dir(log, to);
	kq_log_counters(log, &appends, &bytes);
	pthread_rwlock_wrlock(&m->table);
	m->retired_appends += appends;
	m->retired_bytes += bytes;
	pthread_rwlock_unlock(&m->table);
	kq_log_unref(log);
	return rc;
}

static void offline_free(struct kq_offline_partition *p)
{
	free(p->topic);
	free(p->path);
	free(p);
}

static int delete_offline(struct kq_log_manager *m, struct kq_offline_partition *p)
{
	char to[PATH_MAX];
	int rc = doom(m, &m->dirs[p->dir], p->topic, p->partition, p->path, to);
	offline_free(p);
	return rc;
}

/* With the change lock held. */
static int delete_locked(struct kq_log_manager *m, const char *topic, int32_t partition)
{
	uint8_t key[KQ_LOG_KEY_MAX];
	size_t n = kq_log_key(topic, partition, key);
	pthread_rwlock_wrlock(&m->table);
	struct kq_log *log = kq_map_del(&m->logs, key, n);
	struct kq_offline_partition *p = log ? NULL : kq_map_del(&m->offline, key, n);
	struct kq_manager_dir *d = log ? &m->dirs[kq_log_dir_index(log)]
				   : p ? &m->dirs[p->dir] : NULL;
	if (d) {
		d->partitions--;
		atomic_store(&d->stale, true);
	}
	pthread_rwlock_unlock(&m->table);
	return log ? delete_log(m, log) : p ? delete_offline(m, p) : KQ_ENOTFOUND;
}

int kq_log_manager_delete(struct kq_log_manager *m, const char *topic, int32_t partition)
{
	if (!is_partition_name(topic, partition))
		return KQ_ENOTFOUND;
	pthread_mutex_lock(&m->change);
	int rc = delete_locked(m, topic, partition);
	pthread_mutex_unlock(&m->change);
	return rc;
}

/* ---- creation -------------------------------------------------------------- */

/* The online directory with the fewest partitions, counted for one more; or NULL. */
static struct kq_manager_dir *reserve_dir(struct kq_log_manager *m)
{
	struct kq_manager_dir *best = NULL;
	pthread_rwlock_wrlock(&m->table);
	for (int i = 0; i < m->dir_count; i++) {
		struct kq_manager_dir *d = &m->dirs[i];
		if (atomic_load(&d->online) && (!best || d->partitions < best->partitions))
			best = d;
	}
	if (best)
		best->partitions++;
	pthread_rwlock_unlock(&m->table);
	return best;
}

/* Makes the log in d; what a failure left behind goes again. */
static int create_in(struct kq_log_manager *m, struct kq_manager_dir *d,
		     struct kq_log_open_params *p, struct kq_log **log, struct kq_error *e)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%s-%d", d->path, p->topic, (int)p->partition) >= PATH_MAX)
		return kq_error_set(e, KQ_EINVAL, "%.200s: name too long", p->topic);
	p->dir = path;
	int rc = kq_log_create(p, log, e);
	p->dir = NULL; /* copied; the path ends here */
	if (!rc)
		return 0;
	if (!e->text[0])
		kq_error_set(e, rc, "cannot create %s: %s", path, kq_strerror(rc));
	if (rc != KQ_EEXIST)
		kq_data_dir_remove_tree(path);
	if (rc == KQ_EIO)
		kq_log_manager_fail_dir(m, d, rc, "creating a partition failed");
	return rc;
}

/* Several logs of a topic that are being created at the same time. */
struct creation {
	struct kq_log_manager *m;
	const char *topic;
	int32_t first;
	struct kq_uuid topic_id;
	const struct kq_log_config *config;
	struct kq_log **out;
	pthread_mutex_t lock; /* the first error */
	int rc;
	struct kq_error *e;
};

static void create_one(void *arg, int i)
{
	struct creation *c = arg;
	struct kq_log_manager *m = c->m;
	struct kq_log_open_params p;
	struct kq_error e = { .text = "" };
	struct kq_log *log = NULL;
	uint8_t key[KQ_LOG_KEY_MAX];
	struct kq_manager_dir *d = reserve_dir(m);
	int rc = d ? 0 : kq_error_set(&e, KQ_ECLOSED, "no log directory is online");
	if (d) {
		kq_log_manager_params(m, d, &p);
		p.topic = c->topic;
		p.partition = c->first + i;
		p.topic_id = c->topic_id;
		p.config = c->config;
		p.clean = true;
		rc = create_in(m, d, &p, &log, &e);
	}
	if (rc) {
		pthread_mutex_lock(&c->lock);
		if (!c->rc) {
			c->rc = rc;
			kq_error_set(c->e, rc, "%s", e.text);
		}
		pthread_mutex_unlock(&c->lock);
	}
	pthread_rwlock_wrlock(&m->table);
	if (log) {
		kq_log_ref(log); /* the caller's */
		kq_map_put(&m->logs, key, kq_log_key(p.topic, p.partition, key), log);
	} else if (d) {
		d->partitions--;
	}
	pthread_rwlock_unlock(&m->table);
	if (log && !atomic_load(&d->online))
		kq_log_fail(log);
	c->out[i] = log;
}

/* Whether one of the partitions is there already. */
static int find_any(struct kq_log_manager *m, const char *topic, int32_t first, int32_t count,
		    struct kq_error *e)
{
	int rc = 0;
	pthread_rwlock_rdlock(&m->table);
	for (int32_t i = 0; i < count && !rc; i++)
		if (lookup(&m->logs, topic, first + i) || lookup(&m->offline, topic, first + i))
			rc = kq_error_set(e, KQ_EEXIST, "partition %s-%d exists", topic,
					  (int)(first + i));
	pthread_rwlock_unlock(&m->table);
	return rc;
}

static int create_locked(struct creation *c, int32_t count)
{
	struct kq_log_manager *m = c->m;
	int rc = find_any(m, c->topic, c->first, count, c->e);
	if (rc)
		return rc;
	/* The checkpoints may have lines of an earlier partition of the same name. Where
	 * they cannot be written the directory is offline, and another is taken. */
	for (int i = 0; i < m->dir_count; i++)
		if (atomic_load(&m->dirs[i].online) && atomic_load(&m->dirs[i].stale))
			kq_manager_dir_checkpoint_all(m, &m->dirs[i]);
	kq_run_parallel(count, CREATE_THREADS, create_one, c);
	if (!c->rc)
		return 0;
	for (int32_t i = 0; i < count; i++)
		if (c->out[i]) {
			kq_log_unref(c->out[i]);
			c->out[i] = NULL;
			delete_locked(m, c->topic, c->first + i);
		}
	return c->rc;
}

int kq_log_manager_create_many(struct kq_log_manager *m, const char *topic, int32_t first,
			       int32_t count, struct kq_uuid topic_id,
			       const struct kq_log_config *config, struct kq_log **out,
			       struct kq_error *e)
{
	struct kq_error own;
	struct creation c = {
		.m = m, .topic = topic, .first = first, .topic_id = topic_id, .config = config,
		.out = out, .lock = PTHREAD_MUTEX_INITIALIZER, .e = e ? e : &own,
	};
	for (int32_t i = 0; i < count; i++)
		out[i] = NULL;
	if (count < 1 || first > INT32_MAX - count || !is_partition_name(topic, first))
		return kq_error_set(e, KQ_EINVAL, "'%.250s' %d: not a topic and partition", topic,
				    (int)first);
	pthread_mutex_lock(&m->change);
	int rc = create_locked(&c, count);
	pthread_mutex_unlock(&m->change);
	pthread_mutex_destroy(&c.lock);
	return rc;
}

int kq_log_manager_create(struct kq_log_manager *m, const char *topic, int32_t partition,
			  struct kq_uuid topic_id, const struct kq_log_config *config,
			  struct kq_log **out, struct kq_error *e)
{
	return kq_log_manager_create_many(m, topic, partition, 1, topic_id, config, out, e);
}

int kq_log_manager_set_topic_id(struct kq_log_manager *m, struct kq_log *log,
				struct kq_uuid topic_id)
{
	pthread_mutex_lock(&m->change);
	struct kq_uuid now = kq_log_topic_id(log);
	int rc = 0;
	if (!kq_uuid_is_zero(&now))
		rc = kq_uuid_equal(&now, &topic_id) ? 0 : KQ_EEXIST;
	else if (!(rc = kq_partition_metadata_write(kq_log_dir(log), topic_id)))
		kq_log_set_topic_id(log, topic_id);
	pthread_mutex_unlock(&m->change);
	if (rc == KQ_EIO)
		kq_log_manager_fail_dir(m, &m->dirs[kq_log_dir_index(log)], rc,
					"writing partition.metadata failed");
	return rc;
}

/* ---- open and close -------------------------------------------------------- */

static struct kq_log_manager *manager_new(const struct kq_log_manager_options *o)
{
	pthread_condattr_t attr;
	struct kq_log_manager *m = kq_calloc(1, sizeof *m);
	m->flush_policy = o->flush_policy;
	m->recovery_threads = o->recovery_threads;
	m->defaults = o->defaults;
	m->topic_config = o->topic_config;
	m->topic_config_arg = o->arg;
	m->checkpoint_interval_ms = o->checkpoint_interval_ms > 0 ? o->checkpoint_interval_ms
								 : CHECKPOINT_MS;
	m->retention_check_ms = o->retention_check_ms > 0 ? o->retention_check_ms : RETENTION_MS;
	pthread_mutex_init(&m->change, NULL);
	pthread_mutex_init(&m->house, NULL);
	pthread_rwlock_init(&m->table, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&m->house_wake, &attr);
	pthread_condattr_destroy(&attr);
	kq_map_init(&m->logs);
	kq_map_init(&m->offline);
	return m;
}

static void free_tables(struct kq_log_manager *m)
{
	const void *key;
	size_t n, i = 0;
	for (struct kq_log *log; (log = kq_map_next(&m->logs, &i, &key, &n));)
		kq_log_unref(log);
	i = 0;
	for (struct kq_offline_partition *p; (p = kq_map_next(&m->offline, &i, &key, &n));)
		offline_free(p);
	kq_map_deinit(&m->logs);
	kq_map_deinit(&m->offline);
	while (m->doomed) {
		struct kq_doomed_dir *d = m->doomed;
		m->doomed = d->next;
		free(d);
	}
}

/* Gives the directories back; clean ones lose their lock file. Frees all. */
static void manager_free(struct kq_log_manager *m, bool clean)
{
	free_tables(m);
	for (int i = 0; i < m->dir_count; i++) {
		struct kq_manager_dir *d = &m->dirs[i];
		kq_data_dir_unlock(d->path, &d->lock, clean && !atomic_load(&d->unclean));
		pthread_mutex_destroy(&d->checkpoint);
		free(d->path);
	}
	free(m->dirs);
	pthread_cond_destroy(&m->house_wake);
	pthread_rwlock_destroy(&m->table);
	pthread_mutex_destroy(&m->house);
	pthread_mutex_destroy(&m->change);
	free(m);
}

struct closing {
	struct kq_log_manager *m;
	struct kq_log **logs;
};

static void close_one(void *arg, int i)
{
	struct closing *c = arg;
	struct kq_manager_dir *d = &c->m->dirs[kq_log_dir_index(c->logs[i])];
	int rc = kq_log_close(c->logs[i], atomic_load(&d->online));
	if (rc) {
		kq_error_log("log", "%s-%d could not be closed in order: %s",
			     kq_log_topic(c->logs[i]), (int)kq_log_partition(c->logs[i]),
			     kq_strerror(rc));
		atomic_store(&d->unclean, true);
	}
}

/* Checkpoints, then the marker, each durable before the next begins. */
static void seal(struct kq_log_manager *m, struct kq_manager_dir *d)
{
	int rc = kq_manager_dir_checkpoint_all(m, d);
	if (!rc && !atomic_load(&d->unclean))
		rc = kq_data_dir_write_marker(d->path);
	if (rc) {
		kq_error_log("log", "log directory %s: stopped without a clean end: %s", d->path,
			     kq_strerror(rc));
		atomic_store(&d->unclean, true);
	}
}

void kq_log_manager_close(struct kq_log_manager *m)
{
	if (!m)
		return;
	kq_log_manager_stop_house(m);
	kq_syncer_stop(m->syncer);
	int n;
	struct closing c = { m, kq_log_manager_snapshot(m, -1, &n) };
	int threads = m->recovery_threads < SYNC_THREADS ? SYNC_THREADS : m->recovery_threads;
	kq_run_parallel(n, threads, close_one, &c);
	kq_log_manager_release(c.logs, n);
	for (int i = 0; i < m->dir_count; i++)
		seal(m, &m->dirs[i]);
	manager_free(m, true);
}

int kq_log_manager_open(struct kq_log_manager **out, const struct kq_log_manager_options *o,
			struct kq_error *e)
{
	struct kq_error own;
	struct kq_log_manager *m = manager_new(o);
	if (!e)
		e = &own;
	*out = NULL;
	int rc = kq_log_manager_open_dirs(m, o, e);
	if (!rc)
		rc = kq_log_manager_load(m, e);
	if (rc) {
		manager_free(m, false);
		return rc;
	}
	rc = kq_syncer_start(&m->syncer, o->sync_threads > 0 ? o->sync_threads : SYNC_THREADS,
			     kq_log_sync);
	if (!rc)
		rc = kq_log_manager_start_house(m);
	if (rc) {
		kq_log_manager_close(m); /* in order, as all is open */
		return kq_error_set(e, rc, "cannot start threads for the log");
	}
	*out = m;
	return 0;
}

/* ---- the rest -------------------------------------------------------------- */

int32_t kq_log_manager_broker_id(const struct kq_log_manager *m)
{
	return m->broker_id;
}

const char *kq_log_manager_cluster_id(const struct kq_log_manager *m)
{
	return m->cluster_id;
}

void kq_log_manager_want_sync(struct kq_log_manager *m, struct kq_log *log)
{
	if (m->flush_policy == KQ_FLUSH_SYNC)
		kq_syncer_request(m->syncer, log);
}

int kq_log_manager_dir_count(const struct kq_log_manager *m)
{
	return m->dir_count;
}

void kq_log_manager_dir(const struct kq_log_manager *m, int i, struct kq_log_dir_info *out)
{
	struct statvfs st;
	assert(i >= 0 && i < m->dir_count);
	out->path = m->dirs[i].path;
	out->online = atomic_load(&m->dirs[i].online);
	out->total_bytes = out->usable_bytes = -1;
	if (statvfs(out->path, &st) == 0) {
		out->total_bytes = (int64_t)(st.f_blocks * st.f_frsize);
		out->usable_bytes = (int64_t)(st.f_bavail * st.f_frsize);
	}
}

void kq_log_manager_stats(const struct kq_log_manager *m, struct kq_log_manager_stats *out)
{
	/* The lock is no part of what is const here. */
	struct kq_log_manager *rw = (struct kq_log_manager *)m;
	struct kq_syncer_stats s;
	const void *key;
	size_t i = 0, n;
	kq_syncer_stats(m->syncer, &s);
	out->syncs = s.syncs;
	out->sync_us_total = s.sync_us_total;
	out->sync_us_max = s.sync_us_max;
	pthread_rwlock_rdlock(&rw->table);
	out->appends = m->retired_appends;
	out->bytes_appended = m->retired_bytes;
	for (struct kq_log *log; (log = kq_map_next(&m->logs, &i, &key, &n));) {
		uint64_t appends, bytes;
		kq_log_counters(log, &appends, &bytes);
		out->appends += appends;
		out->bytes_appended += bytes;
	}
	pthread_rwlock_unlock(&rw->table);
}
