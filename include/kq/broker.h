/* Running a broker inside a program; kq-broker is a thin shell around this. */
#ifndef KQ_BROKER_PUBLIC_H
#define KQ_BROKER_PUBLIC_H

#include <stdio.h>

#include "kq/error.h"

struct kq_broker;
struct kq_broker_config;

/* Configuration: Kafka's server.properties keys with Kafka's defaults where safe.
 * Later settings win: defaults, file, set. */
struct kq_broker_config *kq_broker_config_new(void);
void kq_broker_config_free(struct kq_broker_config *c);
/* Reads a properties file. KQ_EINVAL with line number and, for an unknown key, the
 * nearest one. */
int kq_broker_config_load(struct kq_broker_config *c, const char *path, struct kq_error *e);
/* One key; origin is a word for --check ("command line"). */
int kq_broker_config_set(struct kq_broker_config *c, const char *key, const char *value,
			 const char *origin, struct kq_error *e);
/* The value of a key that cannot change while running, or NULL; borrowed from c. An
 * unknown key ends the process. */
const char *kq_broker_config_str(const struct kq_broker_config *c, const char *key);
/* Checks that the whole makes sense (listeners, ranges, insecure.listeners). */
int kq_broker_config_check(struct kq_broker_config *c, struct kq_error *e);
/* Prints every effective key, value and source, secrets masked. */
void kq_broker_config_print(const struct kq_broker_config *c, FILE *to);

/* Starts a broker and returns when it serves. The config is borrowed until free. */
int kq_broker_start(struct kq_broker **out, struct kq_broker_config *c, struct kq_error *e);
/* "HOST:PORT" of listener i with the port that was bound; NULL past the end. Borrowed. */
const char *kq_broker_address(const struct kq_broker *b, int i);
/* Reloads what can be reloaded while running (SIGHUP). */
int kq_broker_reload(struct kq_broker *b, const char *config_path, struct kq_error *e);
/* Clean shutdown; frees the broker. */
void kq_broker_stop(struct kq_broker *b);

#endif
