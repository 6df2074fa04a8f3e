#include "broker/config.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/log.h"
#include "base/properties.h"
#include "broker/config_value.h"

/* Values by row of kq_broker_keys; a NULL layer entry gives no value. */
enum layer { FIXED, FOR_ALL, FOR_THIS, LAYERS };
enum { CONFIG_FILE_MAX = 1 << 20 };

struct kq_broker_config {
	pthread_rwlock_t lock; /* of the layers and origins */
	char **layer[LAYERS];
	char **origin;         /* of FIXED: "server.properties:3" */
};

struct kq_broker_config *kq_broker_config_new(void)
{
	struct kq_broker_config *c = kq_calloc(1, sizeof *c);
	pthread_rwlock_init(&c->lock, NULL);
	for (int i = 0; i < LAYERS; i++)
		c->layer[i] = kq_calloc((size_t)kq_broker_keys_n, sizeof(char *));
	c->origin = kq_calloc((size_t)kq_broker_keys_n, sizeof(char *));
	return c;
}

static void free_strings(char **v)
{
	for (int i = 0; i < kq_broker_keys_n; i++)
		free(v[i]);
	free(v);
}

void kq_broker_config_free(struct kq_broker_config *c)
{
	if (!c)
		return;
	for (int i = 0; i < LAYERS; i++)
		free_strings(c->layer[i]);
	free_strings(c->origin);
	pthread_rwlock_destroy(&c->lock);
	free(c);
}

static int index_of(const char *key)
{
	const struct kq_config_key *k = kq_config_key_find(kq_broker_keys, kq_broker_keys_n, key);
	if (!k) {
		kq_error_log("broker", "no such configuration key: %s", key);
		abort();
	}
	return (int)(k - kq_broker_keys);
}

/* ---- static values ----------------------------------------------------------- */

/* Keys that plug-ins and listeners add by a prefix: known, without effect. */
static bool is_prefixed(const char *key)
{
	static const char *const PREFIXES[] = { "listener.name.", "rlmm.config.", "rsm.config." };
	for (size_t i = 0; i < sizeof PREFIXES / sizeof *PREFIXES; i++)
		if (!strncmp(key, PREFIXES[i], strlen(PREFIXES[i])))
			return true;
	return false;
}

int kq_broker_config_set(struct kq_broker_config *c, const char *key, const char *value,
			 const char *origin, struct kq_error *e)
{
	const struct kq_config_key *k = kq_config_key_find(kq_broker_keys, kq_broker_keys_n, key);
	if (!k && is_prefixed(key)) {
		kq_debug_log("broker", "%s has no effect here", key);
		return 0;
	}
	if (!k) {
		k = kq_config_key_nearest(kq_broker_keys, kq_broker_keys_n, key);
		return k ? kq_error_set(e, KQ_EINVAL, "unknown key '%.200s', did you mean '%s'?",
					key, k->name)
			 : kq_error_set(e, KQ_EINVAL, "unknown key '%.200s'", key);
	}
	char *text;
	int rc = kq_config_value_check(k, value, &text, e);
	if (rc)
		return rc;
	if (!k->used)
		kq_debug_log("broker", "%s has no effect here", key);
	int i = (int)(k - kq_broker_keys);
	pthread_rwlock_wrlock(&c->lock); /* a reload sets while others read */
	free(c->layer[FIXED][i]);
	free(c->origin[i]);
	c->layer[FIXED][i] = text;
	c->origin[i] = kq_strdup(origin);
	pthread_rwlock_unlock(&c->lock);
	return 0;
}

struct loading {
	struct kq_broker_config *c;
	const char *name; /* of the file, without its directory */
	struct kq_error *e;
};

static int load_pair(void *arg, int line, const char *key, const char *value)
{
	struct loading *l = arg;
	char origin[300];
	snprintf(origin, sizeof origin, "%.255s:%d", l->name, line);
	int rc = kq_broker_config_set(l->c, key, value, origin, l->e);
	if (rc)
		kq_error_prefix(l->e, "%s, line %d", l->name, line);
	return rc;
}

int kq_broker_config_load(struct kq_broker_config *c, const char *path, struct kq_error *e)
{
	char *text;
	size_t n;
	int rc = kq_io_read_file(path, CONFIG_FILE_MAX, &text, &n);
	if (rc)
		return kq_error_set(e, rc, "cannot read '%s': %s", path, kq_strerror(rc));
	const char *slash = strrchr(path, '/');
	struct loading l = { c, slash ? slash + 1 : path, e };
	rc = kq_properties_parse(text, n, load_pair, &l, e);
	free(text);
	return rc;
}

void kq_broker_config_set_id(struct kq_broker_config *c, int32_t id)
{
	static const char *const KEYS[] = { "broker.id", "node.id" };
	char text[16];
	snprintf(text, sizeof text, "%d", (int)id);
	for (int i = 0; i < 2; i++) {
		int at = index_of(KEYS[i]);
		if (c->layer[FIXED][at] && strcmp(c->layer[FIXED][at], "-1"))
			continue;
		kq_broker_config_set(c, KEYS[i], text, "meta.properties", NULL);
	}
}

/* ---- reading ------------------------------------------------------------------ */

/* The value that holds; the lock is held. */
static const char *effective(const struct kq_broker_config *c, int i)
{
	for (int l = LAYERS - 1; l >= 0; l--)
		if (c->layer[l][i])
			return c->layer[l][i];
	return kq_broker_keys[i].def;
}

static void lock_shared(const struct kq_broker_config *c)
{
	pthread_rwlock_rdlock((pthread_rwlock_t *)(uintptr_t)&c->lock);
}

static void unlock(const struct kq_broker_config *c)
{
	pthread_rwlock_unlock((pthread_rwlock_t *)(uintptr_t)&c->lock);
}

int64_t kq_broker_config_int(const struct kq_broker_config *c, const char *key)
{
	int i = index_of(key);
	lock_shared(c);
	int64_t v = kq_config_value_int(effective(c, i), -1);
	unlock(c);
	return v;
}

bool kq_broker_config_bool(const struct kq_broker_config *c, const char *key)
{
	int i = index_of(key);
	lock_shared(c);
	bool v = kq_config_value_bool(effective(c, i));
	unlock(c);
	return v;
}

const char *kq_broker_config_str(const struct kq_broker_config *c, const char *key)
{
	int i = index_of(key);
	assert(kq_broker_keys[i].scope == KQ_SCOPE_STATIC);
	return c->layer[FIXED][i] ? c->layer[FIXED][i] : kq_broker_keys[i].def;
}

char *kq_broker_config_dup(const struct kq_broker_config *c, const char *key)
{
	int i = index_of(key);
	lock_shared(c);
	const char *v = effective(c, i);
	char *copy = v ? kq_strdup(v) : NULL;
	unlock(c);
	return copy;
}

static const char *from_source(const struct kq_broker_config *c, int i, enum kq_config_source s)
{
	switch (s) {
	case KQ_SOURCE_DYNAMIC_BROKER: return c->layer[FOR_THIS][i];
	case KQ_SOURCE_DYNAMIC_DEFAULT: return c->layer[FOR_ALL][i];
	case KQ_SOURCE_STATIC: return c->layer[FIXED][i];
	case KQ_SOURCE_DEFAULT: return kq_broker_keys[i].def;
	default: return NULL;
	}
}

char *kq_broker_config_dup_from(const struct kq_broker_config *c, const char *key,
				enum kq_config_source source)
{
	int i = index_of(key);
	lock_shared(c);
	const char *v = from_source(c, i, source);
	char *copy = v ? kq_strdup(v) : NULL;
	unlock(c);
	return copy;
}

enum kq_config_source kq_broker_config_source(const struct kq_broker_config *c, const char *key)
{
	int i = index_of(key), s = KQ_SOURCE_DYNAMIC_BROKER;
	lock_shared(c);
	while (s < KQ_SOURCE_DEFAULT && !from_source(c, i, (enum kq_config_source)s))
		s++;
	unlock(c);
	return (enum kq_config_source)s;
}

void kq_broker_config_set_dynamic(struct kq_broker_config *c, enum kq_config_source source,
				  const struct kq_config_list *l)
{
	assert(source == KQ_SOURCE_DYNAMIC_BROKER || source == KQ_SOURCE_DYNAMIC_DEFAULT);
	char **layer = c->layer[source == KQ_SOURCE_DYNAMIC_BROKER ? FOR_THIS : FOR_ALL];
	pthread_rwlock_wrlock(&c->lock);
	for (int i = 0; i < kq_broker_keys_n; i++) {
		const char *v = kq_config_list_get(l, kq_broker_keys[i].name);
		free(layer[i]);
		layer[i] = v ? kq_strdup(v) : NULL;
	}
	pthread_rwlock_unlock(&c->lock);
}

static const char *source_words(const struct kq_broker_config *c, int i)
{
	if (c->layer[FOR_THIS][i] || c->layer[FOR_ALL][i])
		return "set while running";
	return c->layer[FIXED][i] ? c->origin[i] : "default";
}

void kq_broker_config_print(const struct kq_broker_config *c, FILE *to)
{
	lock_shared(c);
	for (int i = 0; i < kq_broker_keys_n; i++) {
		const char *v = effective(c, i);
		bool hidden = v && *v && kq_config_key_is_sensitive(&kq_broker_keys[i]);
		fprintf(to, "%s=%s\t%s\n", kq_broker_keys[i].name, hidden ? "[hidden]" : v ? v : "",
			source_words(c, i));
	}
	unlock(c);
}

/* ---- derived values -------------------------------------------------------------- */

/* The first of these keys that has a value, times its unit in ms. */
static int64_t first_of(const struct kq_broker_config *c, const char *const keys[],
			const int64_t units[], int n)
{
	int64_t v = -1;
	for (int i = 0; i < n; i++) {
		char *text = kq_broker_config_dup(c, keys[i]);
		if (!text)
			continue;
		if (__builtin_mul_overflow(kq_config_value_int(text, 0), units[i], &v))
			v = INT64_MAX;
		free(text);
		break;
	}
	return v;
}

static const int64_t HOUR_MS = 3600000;

int64_t kq_broker_config_retention_ms(const struct kq_broker_config *c)
{
	static const char *const KEYS[] = { "log.retention.ms", "log.retention.minutes",
					    "log.retention.hours" };
	int64_t v = first_of(c, KEYS, (const int64_t[]){ 1, 60000, HOUR_MS }, 3);
	return v < 0 ? -1 : v;
}

int64_t kq_broker_config_roll_ms(const struct kq_broker_config *c)
{
	static const char *const KEYS[] = { "log.roll.ms", "log.roll.hours" };
	return first_of(c, KEYS, (const int64_t[]){ 1, HOUR_MS }, 2);
}

int64_t kq_broker_config_roll_jitter_ms(const struct kq_broker_config *c)
{
	static const char *const KEYS[] = { "log.roll.jitter.ms", "log.roll.jitter.hours" };
	return first_of(c, KEYS, (const int64_t[]){ 1, HOUR_MS }, 2);
}

int64_t kq_broker_config_flush_ms(const struct kq_broker_config *c)
{
	static const char *const KEYS[] = { "log.flush.interval.ms",
					    "log.flush.scheduler.interval.ms" };
	return first_of(c, KEYS, (const int64_t[]){ 1, 1 }, 2);
}

int32_t kq_broker_config_broker_id(const struct kq_broker_config *c)
{
	int64_t id = kq_broker_config_int(c, "broker.id");
	return (int32_t)(id >= 0 ? id : kq_broker_config_int(c, "node.id"));
}

char **kq_broker_config_log_dirs(const struct kq_broker_config *c, int *n)
{
	const char *dirs = kq_broker_config_str(c, "log.dirs");
	if (!dirs || !*dirs)
		dirs = kq_broker_config_str(c, "log.dir");
	size_t len = strlen(dirs), cap = 2;
	for (const char *p = dirs; *p; p++)
		cap += *p == ',';
	char **v = kq_calloc(1, cap * sizeof *v + len + 1);
	char *p = memcpy((char *)(v + cap), dirs, len + 1);
	*n = 0;
	while (*p) {
		char *end = p + strcspn(p, ",");
		char *next = *end ? end + 1 : end;
		while (*p == ' ')
			p++;
		while (end > p && end[-1] == ' ')
			end--;
		*end = '\0';
		if (end > p)
			v[(*n)++] = p;
		p = next;
	}
	return v;
}
