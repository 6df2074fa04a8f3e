#include "range.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "kq/units.h"

static int64_t now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int parse_half(const char *text, struct kq_position *at, struct kq_error *e)
{
	if (!strcmp(text, "start")) {
		at->kind = KQ_POSITION_START;
		return 0;
	}
	if (!strcmp(text, "end")) {
		at->kind = KQ_POSITION_END;
		return 0;
	}
	if (*text == '@') {
		at->kind = KQ_POSITION_TIME;
		if (kq_time_parse(text + 1, now_ms(), &at->value) || at->value < 0)
			return kq_error_set(e, KQ_EINVAL, "'%s' is no time: give @2026-11-21T10:00:00Z, "
					    "@-1h or epoch ms", text);
		return 0;
	}
	at->kind = *text == '-' ? KQ_POSITION_BEFORE_END
		 : *text == '+' ? KQ_POSITION_AFTER_START : KQ_POSITION_OFFSET;
	const char *digits = text + (*text == '-' || *text == '+');
	if (kq_int_parse(digits, &at->value) || at->value < 0 || *digits == '-' || *digits == '+')
		return kq_error_set(e, KQ_EINVAL, "'%s' is no offset: give start, end, N, -N, +N or @TIME", text);
	return 0;
}

/* The colon between two halves: colons inside a time do not count, so it is the first
 * one that leaves two halves that parse. */
static bool split(const char *text, char *first, char *second)
{
	struct kq_position ignored;
	for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
		struct kq_error e;
		memcpy(first, text, (size_t)(colon - text));
		first[colon - text] = '\0';
		strcpy(second, colon + 1);
		if ((!*first || !parse_half(first, &ignored, &e)) &&
		    (!*second || !parse_half(second, &ignored, &e)))
			return true;
	}
	return false;
}

int kq_range_parse(const char *text, struct kq_position *from, struct kq_position *to,
		   struct kq_error *e)
{
	char first[128], second[128];
	*from = (struct kq_position){ KQ_POSITION_START, 0 };
	*to = (struct kq_position){ KQ_POSITION_NONE, 0 };
	if (strlen(text) >= sizeof first || !*text)
		return kq_error_set(e, KQ_EINVAL, "'%.20s' is no range of offsets", text);
	if (!strchr(text, ':'))
		return parse_half(text, from, e);
	if (split(text, first, second)) {
		int rc = *first ? parse_half(first, from, e) : 0;
		return !rc && *second ? parse_half(second, to, e) : rc;
	}
	if (*text == '@')
		return parse_half(text, from, e); /* a time with colons of its own */
	return kq_error_set(e, KQ_EINVAL, "'%s' is no range of offsets: give A:B, each start, end, N, -N, +N "
			    "or @TIME", text);
}
