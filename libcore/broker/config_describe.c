#include "broker/config_describe.h"

#include <stdlib.h>
#include <string.h>

#include "broker/config.h"
#include "broker/topic_config.h"

typedef struct kq_describe_configs_response_describe_configs_synonym synonym;

enum { SOURCES = 4, SYNONYM_ROWS_MAX = 1 + SOURCES * KQ_SYNONYMS_MAX };

/* Keys that stand for one setting in several units, the strongest first. */
static const char *const GROUPS[][KQ_SYNONYMS_MAX] = {
	{ "log.roll.ms", "log.roll.hours" },
	{ "log.roll.jitter.ms", "log.roll.jitter.hours" },
	{ "log.flush.interval.ms", "log.flush.scheduler.interval.ms" },
	{ "log.retention.ms", "log.retention.minutes", "log.retention.hours" },
};

/* The group a broker key belongs to, as a list of names. */
static int group_of(const char *key, const char *names[KQ_SYNONYMS_MAX])
{
	for (size_t g = 0; g < sizeof GROUPS / sizeof *GROUPS; g++) {
		int n = 0;
		bool in = false;
		for (; n < KQ_SYNONYMS_MAX && GROUPS[g][n]; n++) {
			in = in || !strcmp(GROUPS[g][n], key);
			names[n] = GROUPS[g][n];
		}
		/* the scheduler's interval is a default for the other, not a synonym of it */
		if (in && strcmp(key, "log.flush.scheduler.interval.ms"))
			return n;
	}
	names[0] = key;
	return 1;
}

static struct kq_str static_str(const char *s)
{
	return s ? (struct kq_str){ s, (int32_t)strlen(s) } : KQ_STR_NULL;
}

/* Moves an allocated text (or NULL) into the arena; *failed if that is full. */
static struct kq_str keep(struct kq_arena *a, char *text, bool *failed)
{
	struct kq_str s = static_str(text);
	if (text) {
		s.p = kq_arena_strdup(a, s);
		*failed = *failed || !s.p;
	}
	free(text);
	return s;
}

struct describing {
	const struct kq_broker_config *c;
	struct kq_arena *a;
	bool failed;
};

/* Adds what the sources say of a broker key and its group, strongest source first,
 * leaving out all before the key's own first mention: a value that reaches a key only
 * by way of another unit is no synonym in Kafka's eyes. */
static int add_synonyms(struct describing *d, const char *key, bool for_all, bool sensitive,
			synonym *out)
{
	const char *names[KQ_SYNONYMS_MAX];
	int group = group_of(key, names), n = 0;
	bool seen = false;
	for (int s = KQ_SOURCE_DYNAMIC_BROKER; s <= KQ_SOURCE_DEFAULT; s++) {
		if (for_all && s != KQ_SOURCE_DYNAMIC_DEFAULT)
			continue;
		for (int i = 0; i < group; i++) {
			char *v = kq_broker_config_dup_from(d->c, names[i], (enum kq_config_source)s);
			seen = seen || (v && !strcmp(names[i], key));
			if (!v || !seen) {
				free(v);
				continue;
			}
			struct kq_str value = keep(d->a, v, &d->failed);
			out[n++] = (synonym){ static_str(names[i]),
					      sensitive ? KQ_STR_NULL : value, (int8_t)s };
		}
	}
	return n;
}

/* Fills a row from its key, value and synonyms. */
static void fill_row(struct describing *d, const struct kq_config_key *k, struct kq_str value,
		     const synonym *syn, int n, bool show_synonyms, kq_config_row *row)
{
	bool sensitive = kq_config_key_is_sensitive(k);
	kq_wire_init(&kq_describe_configs_response_describe_configs_resource_result_schema, row);
	row->name = static_str(k->name);
	row->value = sensitive ? KQ_STR_NULL : value;
	row->read_only = k->scope == KQ_SCOPE_STATIC;
	row->config_source = n > 0 ? syn[0].source : KQ_SOURCE_DEFAULT;
	row->is_sensitive = sensitive;
	row->config_type = (int8_t)k->type;
	row->documentation = KQ_STR_NULL;
	row->synonyms_n = 0;
	if (!show_synonyms || n == 0)
		return;
	row->synonyms = kq_arena_array(d->a, (size_t)n, sizeof *syn);
	if (!row->synonyms) {
		d->failed = true;
		return;
	}
	memcpy(row->synonyms, syn, (size_t)n * sizeof *syn);
	row->synonyms_n = n;
}

static bool is_wanted(const struct kq_config_filter *f, const char *name)
{
	size_t len = strlen(name);
	if (!f || f->n <= 0)
		return true;
	for (int32_t i = 0; i < f->n; i++)
		if (f->keys[i].len == (int32_t)len && !memcmp(f->keys[i].p, name, len))
			return true;
	return false;
}

int kq_config_describe_topic(const struct kq_broker_config *c, const struct kq_config_list *own,
			     const struct kq_config_filter *filter, bool synonyms,
			     struct kq_arena *a, kq_config_row **out)
{
	struct describing d = { c, a, false };
	int n = 0;
	*out = kq_arena_array(a, (size_t)kq_topic_keys_n, sizeof **out);
	d.failed = !*out;
	for (int i = 0; i < kq_topic_keys_n && !d.failed; i++) {
		const struct kq_config_key *k = &kq_topic_keys[i];
		const char *names[KQ_SYNONYMS_MAX];
		synonym syn[SYNONYM_ROWS_MAX];
		int rows = 0;
		if (!is_wanted(filter, k->name))
			continue;
		struct kq_str value = keep(a, kq_topic_config_value(c, own, k), &d.failed);
		if (kq_config_list_get(own, k->name))
			syn[rows++] = (synonym){ static_str(k->name), value, KQ_SOURCE_TOPIC };
		if (kq_topic_config_synonyms(k->name, names) > 0)
			rows += add_synonyms(&d, names[0], false, false, syn + rows);
		fill_row(&d, k, value, syn, rows, synonyms, &(*out)[n++]);
	}
	return d.failed ? -1 : n;
}

int kq_config_describe_broker(const struct kq_broker_config *c, bool for_all,
			      const struct kq_config_filter *filter, bool synonyms,
			      struct kq_arena *a, kq_config_row **out)
{
	struct describing d = { c, a, false };
	int n = 0;
	*out = kq_arena_array(a, (size_t)kq_broker_keys_n, sizeof **out);
	d.failed = !*out;
	for (int i = 0; i < kq_broker_keys_n && !d.failed; i++) {
		const struct kq_config_key *k = &kq_broker_keys[i];
		synonym syn[SYNONYM_ROWS_MAX];
		if (!is_wanted(filter, k->name))
			continue;
		int rows = add_synonyms(&d, k->name, for_all, kq_config_key_is_sensitive(k), syn);
		if (for_all && rows == 0)
			continue;
		char *v = for_all ? kq_broker_config_dup_from(c, k->name, KQ_SOURCE_DYNAMIC_DEFAULT)
				  : kq_broker_config_dup(c, k->name);
		fill_row(&d, k, keep(a, v, &d.failed), syn, rows, synonyms, &(*out)[n++]);
	}
	return d.failed ? -1 : n;
}
