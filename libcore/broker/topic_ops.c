/* Crash argument: a topic exists once the store says so, and is gone once the store
 * notes its deletion; directories follow. A crash after the store's write is made
 * good at the next start by kq_topic_ops_load: missing partitions are created,
 * partitions of a noted deletion are deleted. */
#include "broker/topic_ops.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/map.h"
#include "base/uuid.h"
#include "broker/topic_config.h"
#include "broker/topics.h"
#include "log/log_manager.h"

static struct kq_str str_of(const char *s)
{
	return (struct kq_str){ s, (int32_t)strlen(s) };
}

/* ---- making and deleting --------------------------------------------------------- */

/* Takes the partitions [first, first+count) back that were just made. */
static void unmake_partitions(struct kq_broker *b, const char *name, int32_t first,
			      int32_t count, struct kq_partition **v)
{
	while (count > 0) {
		count--;
		kq_partition_retire(v[count]);
		kq_partition_unref(v[count]);
		kq_log_manager_delete(b->logs, name, first + count);
	}
}

/* Creates the logs [first, first+count), all or none, and wraps them. */
static int make_partitions(struct kq_broker *b, const char *name, const struct kq_uuid *id,
			   int32_t first, int32_t count, const struct kq_config_list *configs,
			   struct kq_partition **out, struct kq_error *e)
{
	struct kq_log_config c;
	struct kq_log **logs = kq_calloc((size_t)count, sizeof(struct kq_log *));
	kq_topic_config_resolve(b->config, configs, &c);
	int rc = kq_log_manager_create_many(b->logs, name, first, count, *id, &c, logs, e);
	for (int32_t i = 0; i < count && !rc; i++)
		out[i] = kq_partition_new(b, logs[i]);
	free(logs);
	return rc;
}

int kq_topic_ops_create(struct kq_broker *b, const char *name, int32_t partitions,
			const struct kq_config_list *configs, struct kq_uuid *id,
			struct kq_error *e)
{
	assert(partitions > 0);
	kq_uuid_random(id);
	const struct kq_stored_topic t = { name, *id, partitions, *configs };
	int rc = kq_meta_store_create_topic(b->store, &t);
	if (rc)
		return kq_error_set(e, rc, "the metadata could not be stored: %s", kq_strerror(rc));
	struct kq_partition **v = kq_calloc((size_t)partitions, sizeof(struct kq_partition *));
	rc = make_partitions(b, name, id, 0, partitions, configs, v, e);
	if (!rc) {
		rc = kq_topics_add(b->topics, name, id, v, 0, partitions);
		kq_info_log("broker", "topic %s created, %d partitions", name, (int)partitions);
	} else if (!kq_meta_store_delete_topic(b->store, name)) {
		kq_meta_store_deleted(b->store, name);
	}
	free(v);
	return rc;
}

int kq_topic_ops_grow(struct kq_broker *b, const char *name, int32_t old, int32_t count,
		      struct kq_error *e)
{
	struct kq_arena a;
	struct kq_topic_info info;
	struct kq_config_list configs;
	assert(old > 0 && count > old);
	kq_arena_init(&a, 4096);
	bool known = kq_topics_get(b->topics, str_of(name), &a, &info);
	int rc = known ? kq_meta_store_topic_configs(b->store, str_of(name), &configs)
		       : KQ_ENOTFOUND;
	kq_arena_deinit(&a);
	if (rc)
		return rc;
	/* the directories first: the store's count without them would show partitions
	 * that have no leader, directories without it are taken over at the next start */
	struct kq_partition **v = kq_calloc((size_t)(count - old), sizeof(struct kq_partition *));
	rc = make_partitions(b, name, &info.id, old, count - old, &configs, v, e);
	if (!rc) {
		rc = kq_meta_store_set_partitions(b->store, name, count);
		if (rc)
			unmake_partitions(b, name, old, count - old, v);
	}
	if (!rc)
		rc = kq_topics_add(b->topics, name, &info.id, v, old, count - old);
	free(v);
	kq_config_list_deinit(&configs);
	return rc;
}

/* Deletes the directories of [0, count). 0 if none is left. */
static int delete_logs(struct kq_broker *b, const char *name, int32_t count)
{
	int rc = 0;
	for (int32_t i = 0; i < count; i++) {
		int one = kq_log_manager_delete(b->logs, name, i);
		if (one && one != KQ_ENOTFOUND) {
			kq_error_log("broker", "cannot delete %s-%d: %s; it is tried again at the "
				     "next start", name, (int)i, kq_strerror(one));
			rc = one;
		}
	}
	return rc;
}

int kq_topic_ops_delete(struct kq_broker *b, const char *name, struct kq_error *e)
{
	struct kq_arena a;
	struct kq_topic_info info;
	kq_arena_init(&a, 4096);
	bool known = kq_topics_get(b->topics, str_of(name), &a, &info);
	int32_t count = known ? info.partitions : 0;
	kq_arena_deinit(&a);
	int rc = known ? kq_meta_store_delete_topic(b->store, name) : KQ_ENOTFOUND;
	if (rc)
		return kq_error_set(e, rc, "the metadata could not be stored: %s", kq_strerror(rc));
	kq_topics_remove(b->topics, name);
	if (!delete_logs(b, name, count))
		kq_meta_store_deleted(b->store, name);
	kq_info_log("broker", "topic %s deleted", name);
	return 0;
}

/* ---- configuration ----------------------------------------------------------------- */

static void configure(struct kq_broker *b, const char *name, int32_t count)
{
	struct kq_config_list own;
	struct kq_log_config c;
	if (kq_meta_store_topic_configs(b->store, str_of(name), &own))
		return;
	kq_topic_config_resolve(b->config, &own, &c);
	kq_config_list_deinit(&own);
	for (int32_t i = 0; i < count; i++) {
		struct kq_partition *p = kq_topics_find(b->topics, str_of(name), i, NULL);
		if (!p)
			continue;
		kq_partition_set_config(p, &c);
		kq_partition_unref(p);
	}
}

void kq_topic_ops_configure(struct kq_broker *b, const char *name)
{
	struct kq_arena a;
	struct kq_topic_info info;
	kq_arena_init(&a, 4096);
	if (kq_topics_get(b->topics, str_of(name), &a, &info))
		configure(b, name, info.partitions);
	kq_arena_deinit(&a);
}

void kq_topic_ops_configure_all(struct kq_broker *b)
{
	struct kq_arena a;
	struct kq_topic_info *v;
	kq_arena_init(&a, (size_t)1 << 30);
	int n = kq_topics_list(b->topics, &a, &v);
	for (int i = 0; i < n; i++)
		configure(b, v[i].name, v[i].partitions);
	kq_arena_deinit(&a);
}

/* ---- start --------------------------------------------------------------------------- */

/* What the directories hold of one topic. */
struct found {
	char *name;
	struct kq_uuid id; /* zero: none of its partitions has one */
	int32_t count;     /* highest partition + 1 */
};

struct loading {
	struct kq_broker *b;
	struct kq_map found; /* by name */
	int64_t max_producer_id;
	bool want_producers; /* the store is new: its producer ids must pass those in use */
	bool dirs_online;
	int rc;
};

static void note_partition(struct loading *l, const char *name, int32_t partition,
			   struct kq_uuid id)
{
	/* KRaft's own log is no topic */
	if (!strcmp(name, "__cluster_metadata"))
		return;
	struct found *f = kq_map_get(&l->found, name, strlen(name));
	if (!f) {
		f = kq_calloc(1, sizeof *f);
		f->name = kq_strdup(name);
		kq_map_put(&l->found, name, strlen(name), f);
	}
	if (kq_uuid_is_zero(&f->id))
		f->id = id;
	if (partition >= f->count)
		f->count = partition + 1;
}

static void note_log(void *arg, struct kq_log *log)
{
	struct loading *l = arg;
	struct kq_producer_info *v = NULL;
	int n = 0;
	note_partition(l, kq_log_topic(log), kq_log_partition(log), kq_log_topic_id(log));
	if (!l->want_producers || kq_log_producers(log, &v, &n))
		return;
	for (int i = 0; i < n; i++)
		if (v[i].producer_id > l->max_producer_id)
			l->max_producer_id = v[i].producer_id;
	free(v);
}

static void note_offline(void *arg, const char *name, int32_t partition, struct kq_uuid id)
{
	note_partition(arg, name, partition, id);
}

static void finish_deletion(void *arg, const char *name)
{
	struct loading *l = arg;
	struct found *f = kq_map_get(&l->found, name, strlen(name));
	if (f && kq_meta_store_is_deleting(l->b->store, name, &f->id)) {
		kq_info_log("broker", "topic %s: deletion goes on", name);
		if (delete_logs(l->b, name, f->count))
			return;
		kq_map_del(&l->found, name, strlen(name));
		free(f->name);
		free(f);
	}
	int rc = kq_meta_store_deleted(l->b->store, name);
	l->rc = l->rc ? l->rc : rc;
}

/* Takes the found topics over that the store lacks, and counts that grew. */
static int adopt(struct loading *l)
{
	struct found *f;
	size_t i = 0;
	int n = 0, rc = 0;
	struct kq_stored_topic *v = kq_calloc(kq_map_count(&l->found) + 1, sizeof *v);
	while ((f = kq_map_next(&l->found, &i, NULL, NULL))) {
		struct kq_config_list own;
		if (!kq_meta_store_topic_configs(l->b->store, str_of(f->name), &own)) {
			kq_config_list_deinit(&own);
			continue;
		}
		if (kq_uuid_is_zero(&f->id))
			kq_uuid_random(&f->id);
		v[n++] = (struct kq_stored_topic){ f->name, f->id, f->count, { 0 } };
		kq_info_log("broker", "topic %s taken over from its directories, %d partitions",
			    f->name, (int)f->count);
	}
	if (n > 0)
		rc = kq_meta_store_create_topics(l->b->store, v, n);
	if (!rc && l->max_producer_id >= 0)
		rc = kq_meta_store_raise_producer_ids(l->b->store, l->max_producer_id + 1);
	free(v);
	return rc;
}

/* A topic of the store, copied so that the store is free while it is served. */
struct stored {
	struct kq_stored_topic *v;
	int n;
};

static int copy_stored(void *arg, const struct kq_stored_topic *t)
{
	struct stored *s = arg;
	s->v = kq_realloc(s->v, ((size_t)s->n + 1) * sizeof *s->v);
	s->v[s->n] = *t;
	s->v[s->n].name = kq_strdup(t->name);
	kq_config_list_copy(&s->v[s->n].configs, &t->configs);
	s->n++;
	return 0;
}

static void stored_deinit(struct stored *s)
{
	for (int i = 0; i < s->n; i++) {
		free((char *)(uintptr_t)s->v[i].name);
		kq_config_list_deinit(&s->v[i].configs);
	}
	free(s->v);
}

/* The log of one partition with a reference: the one there is, or a new one; NULL if
 * it cannot be served. */
static struct kq_log *open_partition(struct loading *l, const struct kq_stored_topic *t,
				     int32_t i, const struct kq_log_config *c)
{
	struct kq_error e = { 0 };
	struct kq_log *log = kq_log_manager_find(l->b->logs, t->name, i);
	if (log) {
		struct kq_uuid id = kq_log_topic_id(log);
		if (kq_uuid_is_zero(&id))
			kq_log_manager_set_topic_id(l->b->logs, log, t->id);
		else if (!kq_uuid_equal(&id, &t->id)) {
			kq_error_log("broker", "%s-%d belongs to another topic of this name (its "
				     "id differs) and is not served", t->name, (int)i);
			return NULL;
		}
		kq_log_ref(log);
		return log;
	}
	if (kq_log_manager_is_offline(l->b->logs, t->name, i))
		return NULL; /* told when it failed to load */
	if (!l->dirs_online) {
		kq_error_log("broker", "%s-%d is missing; it is not made anew while a log "
			     "directory is offline", t->name, (int)i);
		return NULL;
	}
	if (kq_log_manager_create(l->b->logs, t->name, i, t->id, c, &log, &e)) {
		kq_error_log("broker", "%s-%d cannot be made: %s", t->name, (int)i, e.text);
		return NULL;
	}
	kq_warn_log("broker", "%s-%d was missing and is made anew, empty", t->name, (int)i);
	return log;
}

static int serve(struct loading *l, struct kq_stored_topic *t)
{
	struct kq_log_config c;
	int rc = 0;
	const struct found *f = kq_map_get(&l->found, t->name, strlen(t->name));
	if (f && f->count > t->partitions) {
		t->partitions = f->count;
		rc = kq_meta_store_set_partitions(l->b->store, t->name, t->partitions);
	}
	if (rc)
		return rc;
	kq_topic_config_resolve(l->b->config, &t->configs, &c);
	struct kq_partition **v = kq_calloc((size_t)t->partitions, sizeof(struct kq_partition *));
	for (int32_t i = 0; i < t->partitions; i++) {
		struct kq_log *log = open_partition(l, t, i, &c);
		v[i] = log ? kq_partition_new(l->b, log) : NULL;
	}
	rc = kq_topics_add(l->b->topics, t->name, &t->id, v, 0, t->partitions);
	free(v);
	return rc;
}

int kq_topic_ops_load(struct kq_broker *b, struct kq_error *e)
{
	struct loading l = { .b = b, .max_producer_id = -1, .dirs_online = true };
	struct stored s = { 0 };
	struct found *f;
	size_t at = 0;
	l.want_producers = kq_meta_store_is_new(b->store);
	for (int i = 0; i < kq_log_manager_dir_count(b->logs); i++) {
		struct kq_log_dir_info dir;
		kq_log_manager_dir(b->logs, i, &dir);
		l.dirs_online = l.dirs_online && dir.online;
	}
	kq_map_init(&l.found);
	kq_log_manager_each(b->logs, note_log, &l);
	kq_log_manager_each_offline(b->logs, note_offline, &l);
	kq_meta_store_each_deleting(b->store, finish_deletion, &l);
	int rc = l.rc ? l.rc : adopt(&l);
	kq_meta_store_each_topic(b->store, copy_stored, &s);
	for (int i = 0; i < s.n && !rc; i++)
		rc = serve(&l, &s.v[i]);
	stored_deinit(&s);
	while ((f = kq_map_next(&l.found, &at, NULL, NULL))) {
		free(f->name);
		free(f);
	}
	kq_map_deinit(&l.found);
	if (rc)
		kq_error_set(e, rc, "the metadata could not be stored: %s", kq_strerror(rc));
	return rc;
}
