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
