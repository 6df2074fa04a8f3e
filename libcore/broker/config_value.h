/* Values of configuration keys: checked and brought into one spelling as Kafka
 * does it, by the words of the key's row. */
#ifndef KQ_BROKER_CONFIG_VALUE_H
#define KQ_BROKER_CONFIG_VALUE_H

#include "broker/config_keys.h"
#include "kq/error.h"

/* Checks text for key k; *out (if not NULL) gets the canonical spelling (trimmed,
 * true/false in small letters, list elements without blanks), which the caller
 * frees. KQ_EINVAL with Kafka's words in *e. */
int kq_config_value_check(const struct kq_config_key *k, const char *text, char **out,
			  struct kq_error *e);

/* A checked value as a number (also of LIST etc.: 0). NULL gives if_null. */
int64_t kq_config_value_int(const char *text, int64_t if_null);
double kq_config_value_double(const char *text, double if_null);
bool kq_config_value_bool(const char *text);

/* Is word one of the elements of a comma-separated list? */
bool kq_config_value_has(const char *list, const char *word);

#endif
