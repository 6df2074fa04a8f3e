/* What a topic's configuration comes to: its own overrides, then the broker's
 * values of the same meaning, then the defaults. */
#ifndef KQ_BROKER_TOPIC_CONFIG_H
#define KQ_BROKER_TOPIC_CONFIG_H

#include "broker/config.h"
#include "log/log_config.h"

/* The broker keys that stand behind a topic key, in the order they are asked:
 * names[0] is the synonym Kafka shows. Count; 0 if there are none. */
enum { KQ_SYNONYMS_MAX = 3 };
int kq_topic_config_synonyms(const char *topic_key, const char *names[KQ_SYNONYMS_MAX]);

/* Effective value of a topic key as text, to be freed; NULL if null. */
char *kq_topic_config_value(const struct kq_broker_config *b, const struct kq_config_list *own,
			    const struct kq_config_key *key);

/* The effective log configuration. */
void kq_topic_config_resolve(const struct kq_broker_config *b, const struct kq_config_list *own,
			     struct kq_log_config *out);
int kq_topic_config_min_isr(const struct kq_broker_config *b, const struct kq_config_list *own);

/* Checks one override. KQ_EINVAL with Kafka's words, for an unknown key too;
 * *out as in kq_config_value_check. */
int kq_topic_config_check(const char *key, const char *value, char **out, struct kq_error *e);
/* Checks that the overrides make sense together. */
int kq_topic_config_check_all(const struct kq_broker_config *b, const struct kq_config_list *own,
			      struct kq_error *e);

#endif
