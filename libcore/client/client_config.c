/* Client configuration: one text value for each key of the table. */
#include "kq/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/properties.h"
#include "client/client_keys.h"
#include "kq/text.h"
#include "kq/units.h"

enum {
	FILE_BYTES_MAX = 1 << 20,
	VALUE_BYTES_MAX = 64 << 10,
};

struct kq_client_config {
	char **set; /* by index of the table; NULL: the default */
};

struct kq_client_config *kq_client_config_new(void)
{
	struct kq_client_config *c = kq_malloc(sizeof(*c));
	c->set = kq_calloc((size_t)kq_client_keys_n, sizeof(*c->set));
	return c;
}

void kq_client_config_free(struct kq_client_config *c)
{
	if (!c)
		return;
	for (int i = 0; i < kq_client_keys_n; i++)
		free(c->set[i]);
	free(c->set);
	free(c);
}

/* Is value one of the comma-separated words, in any case? */
static bool is_word(const char *words, const char *value)
{
	size_t n = strlen(value);
	for (const char *w = words; *w;) {
		size_t len = strcspn(w, ",");
		if (len == n && !strncasecmp(w, value, n))
			return true;
		w += len + (w[len] == ',');
	}
	return false;
}

static int check(const struct kq_client_key *k, const char *value, struct kq_error *e)
{
	int64_t v;
	char *end;
	switch (k->type) {
	case KQ_CLIENT_BOOL:
		if (is_word("true,false", value))
			return 0;
		return kq_error_set(e, KQ_EINVAL, "%s must be true or false, not '%s'", k->name, value);
	case KQ_CLIENT_INT:
		if (kq_int_parse(value, &v))
			return kq_error_set(e, KQ_EINVAL, "%s must be a whole number, not '%s'",
					    k->name, value);
		if (v < k->min || v > k->max)
			return kq_error_set(e, KQ_EINVAL, "%s must be between %lld and %lld, not %s",
					    k->name, (long long)k->min, (long long)k->max, value);
		return 0;
	case KQ_CLIENT_REAL:
		errno = 0;
		strtod(value, &end);
		if (!*value || *end || errno)
			return kq_error_set(e, KQ_EINVAL, "%s must be a number, not '%s'", k->name, value);
		return 0;
	case KQ_CLIENT_TEXT:
		if (k->words && !is_word(k->words, value))
			return kq_error_set(e, KQ_EINVAL, "%s must be one of %s, not '%s'", k->name,
					    k->words, value);
		return 0;
	case KQ_CLIENT_SECRET:
		return 0;
	}
	return 0;
}

/* The text that stands for value; to be freed. NULL and *e on error. */
static char *expand(const char *key, const char *value, struct kq_error *e)
{
	if (!strncmp(value, "env:", 4)) {
		const char *v = getenv(value + 4);
		if (!v)
			kq_error_set(e, KQ_EINVAL, "%s: there is no variable %s in the environment",
				     key, value + 4);
		return v ? kq_strdup(v) : NULL;
	}
	if (!strncmp(value, "file:", 5)) {
		char *text;
		size_t n;
		int rc = kq_io_read_file(value + 5, VALUE_BYTES_MAX, &text, &n);
		if (rc) {
			kq_error_set(e, KQ_EINVAL, "%s: cannot read %s: %s", key, value + 5,
				     rc == KQ_ELIMIT ? "it is too large" : strerror(errno));
			return NULL;
		}
		if (n && text[n - 1] == '\n')
			text[--n] = '\0';
		return text;
	}
	return kq_strdup(value);
}

static int unknown(const char *key, struct kq_error *e)
{
	struct kq_nearest near;
	kq_nearest_init(&near, key);
	for (int i = 0; i < kq_client_keys_n; i++)
		kq_nearest_offer(&near, kq_client_keys[i].name);
	if (near.best)
		return kq_error_set(e, KQ_EINVAL, "unknown key '%s'; did you mean '%s'?", key, near.best);
	return kq_error_set(e, KQ_EINVAL, "unknown key '%s'", key);
}

int kq_client_config_set(struct kq_client_config *c, const char *key, const char *value,
			 struct kq_error *e)
{
	int i = kq_client_key_find(key);
	if (i < 0)
		return unknown(key, e);
	struct kq_error why = { 0 };
	char *text = expand(key, value, &why);
	if (!text) {
		if (e)
			*e = why;
		return KQ_EINVAL;
	}
	int rc = check(&kq_client_keys[i], text, e);
	if (rc) {
		free(text);
		return rc;
	}
	free(c->set[i]);
	c->set[i] = text;
	return 0;
}

int kq_client_config_set_pair(struct kq_client_config *c, const char *pair, struct kq_error *e)
{
	const char *eq = strchr(pair, '=');
	if (!eq || eq == pair)
		return kq_error_set(e, KQ_EINVAL, "'%s' is not KEY=VALUE", pair);
	char *key = kq_strndup(pair, (size_t)(eq - pair));
	int rc = kq_client_config_set(c, key, eq + 1, e);
	free(key);
	return rc;
}

struct load {
	struct kq_client_config *c;
	const char *path;
	struct kq_error *e;
};

static int load_pair(void *arg, int line, const char *key, const char *value)
{
	struct load *l = arg;
	int rc = kq_client_config_set(l->c, key, value, l->e);
	if (rc && l->e)
		kq_error_prefix(l->e, "%s line %d", l->path, line);
	return rc;
}

int kq_client_config_load(struct kq_client_config *c, const char *path, struct kq_error *e)
{
	char *text;
	size_t n;
	int rc = kq_io_read_file(path, FILE_BYTES_MAX, &text, &n);
	if (rc)
		return kq_error_set(e, KQ_EINVAL, "cannot read %s: %s", path,
				    rc == KQ_ELIMIT ? "it is too large" : strerror(errno));
	struct load l = { c, path, e };
	rc = kq_properties_parse(text, n, load_pair, &l, e);
	free(text);
	return rc;
}

const char *kq_client_config_get(const struct kq_client_config *c, const char *key)
{
	int i = kq_client_key_find(key);
	if (i < 0)
		return NULL;
	return c->set[i] ? c->set[i] : kq_client_keys[i].value;
}

int64_t kq_client_config_int(const struct kq_client_config *c, const char *key)
{
	const char *text = kq_client_config_get(c, key);
	int64_t v;
	return text && !kq_int_parse(text, &v) ? v : -1;
}

bool kq_client_config_bool(const struct kq_client_config *c, const char *key)
{
	const char *text = kq_client_config_get(c, key);
	return text && !strcasecmp(text, "true");
}

bool kq_client_config_is_set(const struct kq_client_config *c, const char *key)
{
	int i = kq_client_key_find(key);
	return i >= 0 && c->set[i];
}
