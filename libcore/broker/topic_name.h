/* What may be the name of a topic. */
#ifndef KQ_BROKER_TOPIC_NAME_H
#define KQ_BROKER_TOPIC_NAME_H

#include "kq/error.h"
#include "kq/types.h"

enum { KQ_TOPIC_NAME_MAX = 249 };

/* Letters, digits, '.', '_' and '-', up to 249, and not "." or "..": 0, or KQ_EINVAL
 * with Kafka's words. */
int kq_topic_name_check(struct kq_str name, struct kq_error *e);

/* Whether two names differ in nothing but '.' against '_': Kafka's metrics cannot tell
 * them apart, so it refuses the second one. False for equal names. */
bool kq_topic_name_collides(const char *a, const char *b);

#endif
