/* The metadata of one broker in one JSON file.
 *
 * Happy path: the whole is held in memory; a change is made there, the file is
 * written anew beside the old one, synced and renamed over it. Crash argument: the
 * file is the old one or the new one (kq_io_replace_file); a change is told to the
 * caller as done only after the rename is synced. If writing fails, the change in
 * memory is undone, so that memory never knows more than the disk.
 *
 *   {"version":1,"next_producer_id":1000,
 *    "topics":{"a":{"id":"..22 characters..","partitions":3,"configs":{"k":"v"}}},
 *    "deleting":{"b":"..id.."},
 *    "brokers":{"default":{"k":"v"},"1":{"k":"v"}}}
 *
 * Undo is simple because every change swaps one pointer in a table: the old entry is
 * kept until the write has succeeded. */
#include "cluster/store.h"

#include <assert.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/uuid.h"

enum { FORMAT_VERSION = 1, PRODUCER_BLOCK = 1000, PARTITIONS_MAX = 1 << 20 };
static const size_t FILE_BYTES_MAX = (size_t)256 << 20;

struct kq_meta_store {
	pthread_mutex_t lock;
	char *path;
	json_t *root;     /* the file's content */
	bool is_new;      /* never written */
};

static json_t *section(const struct kq_meta_store *s, const char *name)
{
	json_t *j = json_object_get(s->root, name);
	assert(j);
	return j;
}

/* ---- reading --------------------------------------------------------------- */

static void configs_from_json(const json_t *j, struct kq_config_list *out)
{
	const char *key;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)j, key, value)
		kq_config_list_set(out, key, json_string_value(value));
}

static json_t *configs_to_json(const struct kq_config_list *l)
{
	json_t *j = json_object();
	for (int i = 0; i < l->n; i++)
		json_object_set_new(j, l->v[i].key, json_string(l->v[i].value));
	return j;
}

static bool configs_ok(const json_t *j)
{
	const char *key;
	json_t *value;
	if (!json_is_object(j))
		return false;
	json_object_foreach((json_t *)(uintptr_t)j, key, value)
		if (!json_is_string(value))
			return false;
	return true;
}

static bool id_ok(const json_t *j)
{
	struct kq_uuid id;
	const char *s = json_string_value(j);
	return s && kq_uuid_parse((struct kq_str){ s, (int32_t)strlen(s) }, &id);
}

static bool topic_ok(const json_t *j)
{
	json_int_t n = json_integer_value(json_object_get(j, "partitions"));
	return id_ok(json_object_get(j, "id")) && n > 0 && n <= PARTITIONS_MAX &&
	       configs_ok(json_object_get(j, "configs"));
}

/* Each value of an object passes the test. */
static bool each_ok(const json_t *j, bool (*ok)(const json_t *))
{
	const char *key;
	json_t *value;
	if (!json_is_object(j))
		return false;
	json_object_foreach((json_t *)(uintptr_t)j, key, value)
		if (!ok(value))
			return false;
	return true;
}

static int check_root(const json_t *root, struct kq_error *e)
{
	if (!json_is_object(root))
		return kq_error_set(e, KQ_ECORRUPT, "not a JSON object");
	json_int_t version = json_integer_value(json_object_get(root, "version"));
	if (version != FORMAT_VERSION)
		return kq_error_set(e, KQ_EUNSUPPORTED, "version %lld is not known here",
				    (long long)version);
	const json_t *next = json_object_get(root, "next_producer_id");
	if (!json_is_integer(next) || json_integer_value(next) < 0)
		return kq_error_set(e, KQ_ECORRUPT, "next_producer_id is no number");
	if (!each_ok(json_object_get(root, "topics"), topic_ok))
		return kq_error_set(e, KQ_ECORRUPT, "a topic is malformed");
	if (!each_ok(json_object_get(root, "deleting"), id_ok))
		return kq_error_set(e, KQ_ECORRUPT, "an entry of deleting is malformed");
	if (!each_ok(json_object_get(root, "brokers"), configs_ok))
		return kq_error_set(e, KQ_ECORRUPT, "an entry of brokers is malformed");
	return 0;
}

static int load(struct kq_meta_store *s, struct kq_error *e)
{
	char *text;
	size_t n;
	int rc = kq_io_read_file(s->path, FILE_BYTES_MAX, &text, &n);
	if (rc == KQ_ENOTFOUND) {
		s->is_new = true;
		s->root = json_pack("{s:i, s:i, s:{}, s:{}, s:{}}", "version", FORMAT_VERSION,
				    "next_producer_id", 0, "topics", "deleting", "brokers");
		return 0;
	}
	if (rc)
		return kq_error_set(e, rc, "cannot read '%s': %s", s->path, kq_strerror(rc));
	json_error_t je;
	s->root = json_loadb(text, n, JSON_REJECT_DUPLICATES, &je);
	free(text);
	if (!s->root)
		return kq_error_set(e, KQ_ECORRUPT, "'%s' is damaged: line %d: %s", s->path,
				    je.line, je.text);
	rc = check_root(s->root, e);
	if (rc)
		kq_error_prefix(e, "'%s' is damaged", s->path);
	return rc;
}

int kq_meta_store_open_embedded(struct kq_meta_store **out, const char *path, struct kq_error *e)
{
	struct kq_meta_store *s = kq_calloc(1, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	s->path = kq_strdup(path);
	int rc = load(s, e);
	if (rc) {
		kq_meta_store_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

void kq_meta_store_close(struct kq_meta_store *s)
{
	if (!s)
		return;
	json_decref(s->root);
	free(s->path);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- writing --------------------------------------------------------------- */

static int save(struct kq_meta_store *s)
{
	char *text = json_dumps(s->root, JSON_INDENT(1) | JSON_SORT_KEYS);
	if (!text)
		return KQ_ENOMEM;
	int rc = kq_io_replace_file("metadata", s->path, text, strlen(text));
	free(text);
	if (!rc)
		s->is_new = false;
	return rc;
}

/* Puts value (taken over; NULL removes) under key of a section, without saving.
 * Returns what stood there, a reference for undo(); NULL if nothing did. */
static json_t *swap_entry(json_t *object, const char *key, json_t *value)
{
	json_t *old = json_incref(json_object_get(object, key));
	if (value)
		json_object_set_new(object, key, value);
	else
		json_object_del(object, key);
	return old;
}

static void undo(json_t *object, const char *key, json_t *old)
{
	json_decref(swap_entry(object, key, old));
}

/* One change of one entry, saved or undone. */
static int change(struct kq_meta_store *s, json_t *object, const char *key, json_t *value)
{
	json_t *old = swap_entry(object, key, value);
	int rc = save(s);
	if (rc)
		undo(object, key, old);
	else
		json_decref(old);
	return rc;
}

/* ---- topics ---------------------------------------------------------------- */

static void topic_from_json(const char *name, const json_t *j, struct kq_stored_topic *t)
{
	const char *id = json_string_value(json_object_get(j, "id"));
	*t = (struct kq_stored_topic){ .name = name };
	kq_uuid_parse((struct kq_str){ id, (int32_t)strlen(id) }, &t->id);
	t->partitions = (int32_t)json_integer_value(json_object_get(j, "partitions"));
	configs_from_json(json_object_get(j, "configs"), &t->configs);
}

static json_t *topic_to_json(const struct kq_stored_topic *t)
{
	char id[KQ_UUID_TEXT_LEN + 1];
	kq_uuid_format(&t->id, id);
	return json_pack("{s:s, s:i, s:o}", "id", id, "partitions", (int)t->partitions, "configs",
			 configs_to_json(&t->configs));
}

bool kq_meta_store_is_new(struct kq_meta_store *s)
{
	pthread_mutex_lock(&s->lock);
	bool is_new = s->is_new;
	pthread_mutex_unlock(&s->lock);
	return is_new;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int kq_meta_store_each_topic(struct kq_meta_store *s,
			     int (*fn)(void *arg, const struct kq_stored_topic *t), void *arg)
{
	int rc = 0, n = 0;
	const char *key;
	json_t *value;
	pthread_mutex_lock(&s->lock);
	json_t *topics = section(s, "topics");
	const char **names = kq_calloc(json_object_size(topics) + 1, sizeof *names);
	json_object_foreach(topics, key, value)
		names[n++] = key;
	qsort(names, (size_t)n, sizeof *names, compare_names);
	for (int i = 0; i < n && !rc; i++) {
		struct kq_stored_topic t;
		topic_from_json(names[i], json_object_get(topics, names[i]), &t);
		rc = fn(arg, &t);
		kq_config_list_deinit(&t.configs);
	}
	pthread_mutex_unlock(&s->lock);
	free(names);
	return rc;
}

int kq_meta_store_topic_configs(struct kq_meta_store *s, struct kq_str name,
				struct kq_config_list *out)
{
	*out = (struct kq_config_list){ 0 };
	char *key = kq_strndup(name.p ? name.p : "", name.len > 0 ? (size_t)name.len : 0);
	pthread_mutex_lock(&s->lock);
	json_t *t = json_object_get(section(s, "topics"), key);
	if (t)
		configs_from_json(json_object_get(t, "configs"), out);
	pthread_mutex_unlock(&s->lock);
	free(key);
	return t ? 0 : KQ_ENOTFOUND;
}

int kq_meta_store_create_topic(struct kq_meta_store *s, const struct kq_stored_topic *t)
{
	return kq_meta_store_create_topics(s, t, 1);
}

int kq_meta_store_create_topics(struct kq_meta_store *s, const struct kq_stored_topic *t, int n)
{
	int rc = 0, done = 0;
	pthread_mutex_lock(&s->lock);
	json_t *topics = section(s, "topics");
	while (done < n && !rc) {
		assert(t[done].partitions > 0);
		if (json_object_get(topics, t[done].name))
			rc = KQ_EEXIST;
		else if (json_object_set_new(topics, t[done].name, topic_to_json(&t[done])))
			rc = KQ_EINVAL; /* the name is not UTF-8 */
		else
			done++;
	}
	if (!rc)
		rc = save(s);
	while (rc && done > 0)
		json_object_del(topics, t[--done].name);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

/* Replaces one member of a topic's entry. value is taken over. */
static int change_topic(struct kq_meta_store *s, const char *name, const char *member,
			json_t *value)
{
	pthread_mutex_lock(&s->lock);
	json_t *t = json_object_get(section(s, "topics"), name);
	int rc = t ? change(s, t, member, value) : KQ_ENOTFOUND;
	pthread_mutex_unlock(&s->lock);
	if (!t)
		json_decref(value);
	return rc;
}

int kq_meta_store_set_partitions(struct kq_meta_store *s, const char *name, int32_t partitions)
{
	assert(partitions > 0);
	return change_topic(s, name, "partitions", json_integer(partitions));
}

int kq_meta_store_set_topic_configs(struct kq_meta_store *s, const char *name,
				    const struct kq_config_list *configs)
{
	return change_topic(s, name, "configs", configs_to_json(configs));
}

int kq_meta_store_delete_topic(struct kq_meta_store *s, const char *name)
{
	int rc = KQ_ENOTFOUND;
	pthread_mutex_lock(&s->lock);
	json_t *topics = section(s, "topics"), *deleting = section(s, "deleting");
	json_t *t = json_incref(json_object_get(topics, name));
	if (t) {
		json_t *noted = swap_entry(deleting, name, json_incref(json_object_get(t, "id")));
		rc = change(s, topics, name, NULL);
		if (rc)
			undo(deleting, name, noted);
		else
			json_decref(noted);
	}
	json_decref(t);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int kq_meta_store_deleted(struct kq_meta_store *s, const char *name)
{
	pthread_mutex_lock(&s->lock);
	json_t *deleting = section(s, "deleting");
	int rc = json_object_get(deleting, name) ? change(s, deleting, name, NULL) : KQ_ENOTFOUND;
	pthread_mutex_unlock(&s->lock);
	return rc;
}

bool kq_meta_store_is_deleting(struct kq_meta_store *s, const char *name, const struct kq_uuid *id)
{
	struct kq_uuid noted;
	pthread_mutex_lock(&s->lock);
	const char *text = json_string_value(json_object_get(section(s, "deleting"), name));
	bool found = text && kq_uuid_parse((struct kq_str){ text, (int32_t)strlen(text) }, &noted);
	pthread_mutex_unlock(&s->lock);
	return found && (kq_uuid_is_zero(id) || kq_uuid_equal(id, &noted));
}

void kq_meta_store_each_deleting(struct kq_meta_store *s,
				 void (*fn)(void *arg, const char *name), void *arg)
{
	const char *key;
	json_t *value;
	pthread_mutex_lock(&s->lock);
	json_t *copy = json_copy(section(s, "deleting"));
	pthread_mutex_unlock(&s->lock);
	json_object_foreach(copy, key, value)
		fn(arg, key);
	json_decref(copy);
}

/* ---- brokers and producer ids ------------------------------------------------ */

static const char *broker_key(int32_t broker, char buf[16])
{
	if (broker < 0)
		return "default";
	snprintf(buf, 16, "%d", (int)broker);
	return buf;
}

void kq_meta_store_broker_configs(struct kq_meta_store *s, int32_t broker,
				  struct kq_config_list *out)
{
	char buf[16];
	*out = (struct kq_config_list){ 0 };
	pthread_mutex_lock(&s->lock);
	json_t *j = json_object_get(section(s, "brokers"), broker_key(broker, buf));
	if (j)
		configs_from_json(j, out);
	pthread_mutex_unlock(&s->lock);
}

int kq_meta_store_set_broker_configs(struct kq_meta_store *s, int32_t broker,
				     const struct kq_config_list *configs)
{
	char buf[16];
	pthread_mutex_lock(&s->lock);
	int rc = change(s, section(s, "brokers"), broker_key(broker, buf),
			configs_to_json(configs));
	pthread_mutex_unlock(&s->lock);
	return rc;
}

static int set_next_id(struct kq_meta_store *s, int64_t next)
{
	return change(s, s->root, "next_producer_id", json_integer(next));
}

int kq_meta_store_take_producer_ids(struct kq_meta_store *s, int64_t *first, int *count)
{
	pthread_mutex_lock(&s->lock);
	*first = json_integer_value(section(s, "next_producer_id"));
	*count = PRODUCER_BLOCK;
	int rc = *first > INT64_MAX - PRODUCER_BLOCK ? KQ_ELIMIT
						     : set_next_id(s, *first + PRODUCER_BLOCK);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

int kq_meta_store_raise_producer_ids(struct kq_meta_store *s, int64_t min)
{
	int rc = 0;
	pthread_mutex_lock(&s->lock);
	if (json_integer_value(section(s, "next_producer_id")) < min)
		rc = set_next_id(s, min);
	pthread_mutex_unlock(&s->lock);
	return rc;
}
