#include "range.h"

#include <string.h>
#include <time.h>

#include "kq/units.h"

enum { BOUND_MAX = 63 };

static bool is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(p, word, n) == 0;
}

/* n bytes at p. */
static int bound(struct kq_bound *b, const char *p, size_t n, int64_t now_ms, struct kq_error *e)
{
	char text[BOUND_MAX + 1];
	b->v = 0;
	if (n == 0)
		b->kind = KQ_BOUND_NONE;
	else if (is_word(p, n, "start"))
		b->kind = KQ_BOUND_START;
	else if (is_word(p, n, "end"))
		b->kind = KQ_BOUND_END;
	else
		b->kind = *p == '@' ? KQ_BOUND_TIME : *p == '+' ? KQ_BOUND_FROM_START :
			  *p == '-' ? KQ_BOUND_FROM_END : KQ_BOUND_OFFSET;
	if (b->kind < KQ_BOUND_OFFSET)
		return 0;
	bool sign = b->kind != KQ_BOUND_OFFSET;
	if (n - sign > BOUND_MAX)
		return kq_error_set(e, KQ_EINVAL, "it is too long");
	memcpy(text, p + sign, n - sign);
	text[n - sign] = '\0';
	if (b->kind == KQ_BOUND_TIME ? kq_time_parse(text, now_ms, &b->v) == 0 : kq_int_parse(text, &b->v) == 0 && b->v >= 0)
		return 0;
	return kq_error_set(e, KQ_EINVAL, "'%.*s' is no offset; expected start, end, N, +N, -N or @TIME, or two of them as FROM:TO",
			    (int)n, p);
}

/* The colon between FROM and TO: not one inside a time of day. */
static const char *divide(const char *text)
{
	const char *at = strchr(text, ':');
	if (*text != '@')
		return at;
	/* A time ends where `:@`, `:end` or the end of the text follows. */
	for (; at; at = strchr(at + 1, ':'))
		if (!at[1] || at[1] == '@' || strcmp(at + 1, "end") == 0)
			return at;
	return NULL;
}

int kq_range_parse(struct kq_range *r, const char *text, int64_t now_ms, struct kq_error *e)
{
	const char *colon = divide(text);
	*r = (struct kq_range){ { KQ_BOUND_NONE, 0 }, { KQ_BOUND_NONE, 0 } };
	if (!*text)
		return kq_error_set(e, KQ_EINVAL, "it is empty");
	int rc = bound(&r->from, text, colon ? (size_t)(colon - text) : strlen(text), now_ms, e);
	if (rc != 0 || !colon)
		return rc;
	rc = bound(&r->to, colon + 1, strlen(colon + 1), now_ms, e);
	if (rc == 0 && r->from.kind == r->to.kind && r->to.v < r->from.v && r->to.kind != KQ_BOUND_NONE &&
	    r->to.kind != KQ_BOUND_FROM_END)
		return kq_error_set(e, KQ_EINVAL, "it ends before it begins");
	return rc;
}

int kq_range_option(const struct kq_opt *o, const char *value, void *config, struct kq_error *e)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return kq_range_parse((struct kq_range *)((char *)config + o->at), value,
			      (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000, e);
}
