/* What every client of a cluster is told: Kafka's client configuration keys.
 *
 * A kq_client_config is filled from a properties file and from single keys, then
 * given to kq_producer_new, kq_consumer_new or kq_admin_new, which copy what they
 * need. All keys that Kafka's producer, consumer and admin client know are accepted;
 * those that have no meaning here (serializers, JMX, ..) are checked and ignored. */
#ifndef KQ_CLIENT_H
#define KQ_CLIENT_H

#include <stdio.h>

#include "kq/error.h"
#include "kq/types.h"

struct kq_client_config;

/* Defaults are Kafka's but for: bootstrap.servers localhost:9092, linger.ms 5,
 * batch.size 1 MiB, isolation.level read_committed, auto.offset.reset earliest. */
struct kq_client_config *kq_client_config_new(void);
void kq_client_config_free(struct kq_client_config *c);

/* Sets one key. A value `file:PATH` or `env:NAME` is replaced by the file's content
 * (without a final newline) or the variable. KQ_EINVAL with words: an unknown key
 * names the nearest one, a bad value what would be valid. */
int kq_client_config_set(struct kq_client_config *c, const char *key, const char *value,
			 struct kq_error *e);
/* KEY=VALUE as after -X. */
int kq_client_config_set_pair(struct kq_client_config *c, const char *pair, struct kq_error *e);
/* A properties file. Errors name file and line. */
int kq_client_config_load(struct kq_client_config *c, const char *path, struct kq_error *e);

/* Values as they stand; NULL or -1 for a key that is not known or has no value. */
const char *kq_client_config_get(const struct kq_client_config *c, const char *key);
int64_t kq_client_config_int(const struct kq_client_config *c, const char *key);
bool kq_client_config_bool(const struct kq_client_config *c, const char *key);
/* Whether the key was set by the caller and is not a default. */
bool kq_client_config_is_set(const struct kq_client_config *c, const char *key);

#endif
