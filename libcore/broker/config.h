/* The broker's configuration: static values (defaults, file, command line) and
 * those set while running, for this broker or for all.
 *
 * A value is looked for in this order: set for this broker, set for all, static,
 * default. Reading and setting while running are thread-safe; load, set and check
 * (kq/broker.h) belong before the start. */
#ifndef KQ_BROKER_CONFIG_H
#define KQ_BROKER_CONFIG_H

#include "broker/config_keys.h"
#include "cluster/store.h"
#include "kq/broker.h"
#include "kq/types.h"

/* Where a value comes from; numbers as in DescribeConfigs. */
enum kq_config_source {
	KQ_SOURCE_TOPIC = 1,
	KQ_SOURCE_DYNAMIC_BROKER = 2,
	KQ_SOURCE_DYNAMIC_DEFAULT = 3,
	KQ_SOURCE_STATIC = 4,
	KQ_SOURCE_DEFAULT = 5,
};

/* The running broker's id, once known: -1 in the file means that one. */
void kq_broker_config_set_id(struct kq_broker_config *c, int32_t id);

/* Effective value of a key that exists (else the process ends: a bug). O(log n).
 * A null value gives -1 (int) or NULL (str). */
int64_t kq_broker_config_int(const struct kq_broker_config *c, const char *key);
bool kq_broker_config_bool(const struct kq_broker_config *c, const char *key);
/* (kq_broker_config_str, for keys that cannot change while running: kq/broker.h) */
/* Of any key, as text the caller frees; NULL if the value is null. */
char *kq_broker_config_dup(const struct kq_broker_config *c, const char *key);
/* The value that one source gives, to be freed; NULL if it gives none. */
char *kq_broker_config_dup_from(const struct kq_broker_config *c, const char *key,
				enum kq_config_source source);
/* The source that wins. */
enum kq_config_source kq_broker_config_source(const struct kq_broker_config *c, const char *key);

/* Replaces all values set while running, of this broker or of all (already
 * checked; keys not known are skipped with a log line). */
void kq_broker_config_set_dynamic(struct kq_broker_config *c, enum kq_config_source source,
				  const struct kq_config_list *l);

/* Derived values, with Kafka's rules for the older spellings. */
int64_t kq_broker_config_retention_ms(const struct kq_broker_config *c);
int64_t kq_broker_config_roll_ms(const struct kq_broker_config *c);
int64_t kq_broker_config_roll_jitter_ms(const struct kq_broker_config *c);
int64_t kq_broker_config_flush_ms(const struct kq_broker_config *c);
int32_t kq_broker_config_broker_id(const struct kq_broker_config *c); /* -1: not given */

/* log.dirs, else log.dir: an array of n strings and a NULL, freed as a whole with
 * free(). */
char **kq_broker_config_log_dirs(const struct kq_broker_config *c, int *n);

/* Is this host an address of this machine that no other can reach? */
bool kq_host_is_loopback(const char *host);
/* Splits "HOST:PORT" or "[v6]:PORT" (n bytes); the host may be empty. KQ_EINVAL. */
int kq_host_port_parse(const char *s, size_t n, char host[256], int *port);

/* One listener; port 0 is the kernel's choice. */
struct kq_listener {
	char name[64], protocol[16], host[256];
	int port;
	char advertised_host[256]; /* its own host where advertised.listeners lacks it */
	int advertised_port;       /* 0: the bound one */
};
enum { KQ_LISTENERS_MAX = 16 };
/* Parses listeners, listener.security.protocol.map and advertised.listeners.
 * Count, or KQ_EINVAL with words. */
int kq_broker_config_listeners(const struct kq_broker_config *c,
			       struct kq_listener out[KQ_LISTENERS_MAX], struct kq_error *e);

#endif
