#include "match.h"

#include <regex.h>
#include <stdlib.h>
#include <string.h>

struct header_match {
	const char *name;
	size_t name_len;
	regex_t re;
};

struct match {
	const char *only_key;
	regex_t key, value;
	bool has_key, has_value;
	struct header_match *headers;
	int header_n;
};

static int compile(regex_t *re, const char *text, struct kq_error *e)
{
	char why[128];
	int rc = regcomp(re, text, REG_EXTENDED | REG_NOSUB);
	if (!rc)
		return 0;
	regerror(rc, re, why, sizeof why);
	return kq_error_set(e, KQ_EINVAL, "'%s' is no regular expression: %s", text, why);
}

static int compile_header(struct header_match *h, const char *text, struct kq_error *e)
{
	const char *equals = strchr(text, '=');
	if (!equals)
		return kq_error_set(e, KQ_EINVAL, "'%s' is not NAME=RE", text);
	h->name = text;
	h->name_len = (size_t)(equals - text);
	return compile(&h->re, equals + 1, e);
}

int match_new(struct match **out, const char *only_key, const char *key_re, const char *value_re,
	      const char *const *headers, int n, struct kq_error *e)
{
	*out = NULL;
	if (!only_key && !key_re && !value_re && n == 0)
		return 0;
	struct match *m = calloc(1, sizeof *m);
	struct header_match *h = calloc((size_t)n + 1, sizeof *h);
	if (!m || !h)
		abort();
	m->only_key = only_key;
	m->headers = h;
	int rc = 0;
	if (key_re && !(rc = compile(&m->key, key_re, e)))
		m->has_key = true;
	if (!rc && value_re && !(rc = compile(&m->value, value_re, e)))
		m->has_value = true;
	for (int i = 0; !rc && i < n; i++)
		if (!(rc = compile_header(&h[i], headers[i], e)))
			m->header_n++;
	if (rc)
		match_free(m);
	else
		*out = m;
	return rc;
}

void match_free(struct match *m)
{
	if (!m)
		return;
	if (m->has_key)
		regfree(&m->key);
	if (m->has_value)
		regfree(&m->value);
	for (int i = 0; i < m->header_n; i++)
		regfree(&m->headers[i].re);
	free(m->headers);
	free(m);
}

/* Bytes need no NUL at their end: REG_STARTEND gives the length. */
static bool matches(const regex_t *re, const void *p, int32_t len)
{
	regmatch_t span = { .rm_so = 0, .rm_eo = len };
	return len >= 0 && regexec(re, len ? p : "", 1, &span, REG_STARTEND) == 0;
}

static bool header_matches(const struct header_match *want, const struct kq_message *msg)
{
	struct kq_message_header h;
	size_t pos = 0;
	while (kq_message_header_next(msg, &pos, &h) == 1)
		if ((size_t)h.name.len == want->name_len && !memcmp(h.name.p, want->name, want->name_len) &&
		    matches(&want->re, h.value.p, h.value.len))
			return true;
	return false;
}

bool match_record(const struct match *m, const struct kq_message *msg)
{
	if (m->only_key && (msg->key.len < 0 || (size_t)msg->key.len != strlen(m->only_key) ||
			    memcmp(msg->key.p, m->only_key, (size_t)msg->key.len)))
		return false;
	if (m->has_key && !matches(&m->key, msg->key.p, msg->key.len))
		return false;
	if (m->has_value && !matches(&m->value, msg->value.p, msg->value.len))
		return false;
	for (int i = 0; i < m->header_n; i++)
		if (!header_matches(&m->headers[i], msg))
			return false;
	return true;
}
