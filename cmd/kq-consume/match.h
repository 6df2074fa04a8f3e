/* --key and --match-*: which records are printed. */
#ifndef KQ_CONSUME_MATCH_H
#define KQ_CONSUME_MATCH_H

#include "kq/error.h"
#include "kq/message.h"

struct match;

/* Any of the arguments may be NULL; headers are NAME=RE, n of them. *out is NULL if there
 * is nothing to match. KQ_EINVAL with words. */
int match_new(struct match **out, const char *only_key, const char *key_re, const char *value_re,
	      const char *const *headers, int n, struct kq_error *e);
void match_free(struct match *m);

bool match_record(const struct match *m, const struct kq_message *msg);

#endif
