/* The configuration keys as data: one row a key, names, types, defaults and valid
 * values as Kafka 3.9's, and what kq does with them. Broker keys stand in
 * config_keys.c, topic keys in topic_config.c. */
#ifndef KQ_BROKER_CONFIG_KEYS_H
#define KQ_BROKER_CONFIG_KEYS_H

#include "kq/types.h"

/* Numbers as in DescribeConfigs. */
enum kq_config_type {
	KQ_CONFIG_BOOLEAN = 1,
	KQ_CONFIG_STRING = 2,
	KQ_CONFIG_INT = 3,
	KQ_CONFIG_SHORT = 4,
	KQ_CONFIG_LONG = 5,
	KQ_CONFIG_DOUBLE = 6,
	KQ_CONFIG_LIST = 7,
	KQ_CONFIG_CLASS = 8,
	KQ_CONFIG_PASSWORD = 9,
};

/* Who may set a key, and when. */
enum kq_config_scope {
	KQ_SCOPE_STATIC,  /* before the start only */
	KQ_SCOPE_BROKER,  /* while running, for one broker */
	KQ_SCOPE_CLUSTER, /* while running, for one broker or for all */
	KQ_SCOPE_TOPIC,   /* topic keys */
};

struct kq_config_key {
	const char *name;
	const char *def;   /* default as text; NULL is null */
	const char *valid; /* valid values in Kafka's words (config_value.c reads them); NULL any */
	uint8_t type, scope;
	bool used;         /* false: known and kept, but without effect so far */
};

/* Valid message format versions, of a broker and a topic key. */
#define KQ_FORMAT_VERSIONS \
	"[0.8.0, 0.8.1, 0.8.2, 0.9.0, 0.10.0-IV0, 0.10.0-IV1, 0.10.1-IV0, 0.10.1-IV1, " \
	"0.10.1-IV2, 0.10.2-IV0, 0.11.0-IV0, 0.11.0-IV1, 0.11.0-IV2, 1.0-IV0, 1.1-IV0, " \
	"2.0-IV0, 2.0-IV1, 2.1-IV0, 2.1-IV1, 2.1-IV2, 2.2-IV0, 2.2-IV1, 2.3-IV0, 2.3-IV1, " \
	"2.4-IV0, 2.4-IV1, 2.5-IV0, 2.6-IV0, 2.7-IV0, 2.7-IV1, 2.7-IV2, 2.8-IV0, 2.8-IV1, " \
	"3.0-IV0, 3.0-IV1, 3.1-IV0, 3.2-IV0, 3.3-IV0, 3.3-IV1, 3.3-IV2, 3.3-IV3, 3.4-IV0, " \
	"3.5-IV0, 3.5-IV1, 3.5-IV2, 3.6-IV0, 3.6-IV1, 3.6-IV2, 3.7-IV0, 3.7-IV1, 3.7-IV2, " \
	"3.7-IV3, 3.7-IV4, 3.8-IV0, 3.9-IV0, 4.0-IV0, 4.0-IV1]"

/* Rows in order of name. */
extern const struct kq_config_key kq_broker_keys[];
extern const int kq_broker_keys_n;
extern const struct kq_config_key kq_topic_keys[];
extern const int kq_topic_keys_n;

/* The row of that name, or NULL. O(log n). */
const struct kq_config_key *kq_config_key_find(const struct kq_config_key *rows, int n,
					       const char *name);
/* The row whose name is nearest to a misspelled one, or NULL if none is near. */
const struct kq_config_key *kq_config_key_nearest(const struct kq_config_key *rows, int n,
						  const char *name);

/* Passwords are never shown. */
static inline bool kq_config_key_is_sensitive(const struct kq_config_key *k)
{
	return k->type == KQ_CONFIG_PASSWORD;
}

#endif
