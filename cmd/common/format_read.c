/* Reading by a format: fixed text is matched, a field reaches to the fixed text that
 * follows it or is as long as a length field before it said. Plain fields point into
 * the input; decoded ones are laid into scratch. */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "format_ops.h"
#include "kq/units.h"

enum { NO_LENGTH = -2 };

struct scan {
	const struct kq_format *f;
	const char *p, *end;
	bool last;
	struct kq_out *scratch;
	struct kq_message *m;
	struct kq_error *e;
	int64_t value_len, key_len; /* announced; NO_LENGTH none, -1 null */
	/* Decoded pieces, by place, because scratch moves when it grows; -1 none. */
	int64_t value_at, key_at, headers_at;
};

static bool has_before(const struct kq_format *f, int i, enum field field)
{
	while (--i >= 0)
		if (f->ops[i].field == field)
			return true;
	return false;
}

/* Whether the field's end is known without fixed text after it. */
static bool ends_by_itself(const struct kq_format *f, int i)
{
	const struct op *op = &f->ops[i];
	if (op->form == JSON)
		return true;
	if (op->form != PLAIN)
		return false;
	return (op->field == VALUE && has_before(f, i, VALUE_LENGTH)) ||
	       (op->field == KEY && has_before(f, i, KEY_LENGTH));
}

int kq_format_for_input(struct kq_format *f, const char *delim, size_t n, struct kq_error *e)
{
	if (f->n == 0)
		return kq_error_set(e, KQ_EINVAL, "the format is empty");
	if (f->ops[f->n - 1].field != LITERAL && !ends_by_itself(f, f->n - 1))
		format_add_literal(f, delim, n);
	bool any = false;
	for (int i = 0; i < f->n; i++) {
		const struct op *op = &f->ops[i];
		any |= op->field != LITERAL;
		if (op->field != LITERAL && !ends_by_itself(f, i) &&
		    (i + 1 == f->n || f->ops[i + 1].field != LITERAL))
			return kq_error_set(e, KQ_EINVAL, "it cannot be told where %%%c ends; put text after it, "
					    "or its length before it", (char)op->field);
	}
	return any ? 0 : kq_error_set(e, KQ_EINVAL, "it has no field");
}

static bool is_null_text(const struct scan *s, const char *p, size_t n)
{
	return s->f->null_text && n == s->f->null_len && memcmp(p, s->f->null_text, n) == 0;
}

static int bad(struct scan *s, const struct op *op, const char *p, size_t n, const char *what)
{
	return kq_error_set(s->e, KQ_EINVAL, "%%%c is '%.*s%s': %s", (char)op->field, n > 40 ? 40 : (int)n, p,
			    n > 40 ? "..." : "", what);
}

static int64_t whole_number(const char *p, size_t n, bool *ok)
{
	char text[32];
	int64_t v = 0;
	*ok = n < sizeof text;
	if (*ok) {
		memcpy(text, p, n);
		text[n] = '\0';
		*ok = strlen(text) == n && kq_int_parse(text, &v) == 0;
	}
	return v;
}

/* A JSON string (or null) at the front of n bytes: its length, 0 not whole, -1 none. */
static int64_t json_extent(const char *p, size_t n)
{
	if (n >= 4 && memcmp(p, "null", 4) == 0)
		return 4;
	if (n < 4 && memcmp(p, "null", n) == 0)
		return 0;
	if (*p != '"')
		return -1;
	for (size_t i = 1; i < n; i++) {
		if (p[i] == '\\')
			i++;
		else if (p[i] == '"')
			return (int64_t)i + 1;
	}
	return 0;
}

static bool decode(struct kq_out *scratch, enum form form, const char *p, size_t n)
{
	if (form == HEX)
		return kq_out_unhex(scratch, p, n);
	if (form == BASE64)
		return kq_out_unbase64(scratch, p, n);
	json_t *v = json_loadb(p, n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	bool ok = json_is_string(v);
	if (ok)
		kq_out_bytes(scratch, json_string_value(v), json_string_length(v));
	json_decref(v);
	return ok;
}

static int take_bytes(struct scan *s, const struct op *op, const char *p, size_t n)
{
	struct kq_bytes *to = op->field == VALUE ? &s->m->value : &s->m->key;
	int64_t *at = op->field == VALUE ? &s->value_at : &s->key_at;
	if (n > INT32_MAX)
		return bad(s, op, p, n, "too long");
	if (op->form == JSON ? n == 4 && *p == 'n' : is_null_text(s, p, n))
		return 0;
	if (op->form == PLAIN) {
		*to = (struct kq_bytes){ (const uint8_t *)p, (int32_t)n };
		return 0;
	}
	*at = (int64_t)s->scratch->len;
	if (!decode(s->scratch, op->form, p, n))
		return bad(s, op, p, n, op->form == HEX ? "not hex" : op->form == BASE64 ? "not base64" : "not a JSON string");
	to->len = (int32_t)((int64_t)s->scratch->len - *at);
	return 0;
}

/* One header name or value into *o with its backslashes undone; stops at , or =. */
static const char *unescape(struct kq_out *o, const char *p, const char *end, bool name)
{
	for (; p < end && *p != ',' && !(name && *p == '='); p++) {
		bool escaped = *p == '\\' && p + 1 < end;
		if (escaped)
			p++;
		kq_out_char(o, escaped && *p == 'n' ? '\n' : *p);
	}
	return p;
}

static void take_headers(struct scan *s, const char *p, size_t n)
{
	const char *end = p + n;
	struct kq_out text;
	kq_out_init(&text, -1);
	s->headers_at = (int64_t)s->scratch->len;
	while (p < end) {
		struct kq_bytes value = KQ_BYTES_NULL;
		text.len = 0;
		p = unescape(&text, p, end, true);
		size_t name_len = text.len;
		if (p < end && *p == '=') {
			p = unescape(&text, p + 1, end, false);
			value.len = (int32_t)(text.len - name_len);
		}
		if (p < end)
			p++;
		const char *bytes = text.buf ? text.buf : "";
		if (value.len >= 0)
			value.p = (const uint8_t *)bytes + name_len;
		char *to = kq_out_room(s->scratch, kq_message_header_size_max((int32_t)name_len, value.len));
		s->scratch->len += kq_message_header_write((uint8_t *)to,
			(struct kq_str){ bytes, (int32_t)name_len }, value);
		s->m->header_count++;
	}
	s->m->headers.len = (int32_t)((int64_t)s->scratch->len - s->headers_at);
	kq_out_deinit(&text);
}

static int take_timestamp(struct scan *s, const struct op *op, const char *p, size_t n)
{
	char text[256];
	if (n >= sizeof text)
		return bad(s, op, p, n, "too long");
	memcpy(text, p, n);
	text[n] = '\0';
	if (op->form == STRFTIME) {
		struct tm tm = { .tm_mday = 1, .tm_year = 70 };
		const char *end = strptime(text, op->text, &tm);
		if (!end || *end)
			return bad(s, op, p, n, "it does not fit the format");
		s->m->timestamp = (int64_t)timegm(&tm) * 1000;
		return 0;
	}
	if (n == 0 || kq_time_parse(text, 0, &s->m->timestamp) != 0)
		return bad(s, op, p, n, "expected ms since 1970 or ISO 8601");
	return 0;
}

static int take_number(struct scan *s, const struct op *op, const char *p, size_t n)
{
	bool ok;
	int64_t v = whole_number(p, n, &ok);
	int64_t most = op->field == OFFSET ? INT64_MAX : INT32_MAX;
	if (!ok || v < -1 || v > most)
		return bad(s, op, p, n, "not a number that fits");
	switch (op->field) {
	case PARTITION:
		s->m->partition = (int32_t)v;
		break;
	case OFFSET:
		s->m->offset = v;
		break;
	case EPOCH:
		s->m->leader_epoch = (int32_t)v;
		break;
	case VALUE_LENGTH:
		s->value_len = v;
		break;
	default:
		s->key_len = v;
	}
	return 0;
}

static int take(struct scan *s, const struct op *op, const char *p, size_t n)
{
	switch (op->field) {
	case VALUE:
	case KEY:
		return take_bytes(s, op, p, n);
	case HEADERS:
		take_headers(s, p, n);
		return 0;
	case TOPIC:
		s->m->topic = (struct kq_str){ p, (int32_t)n };
		return n > 249 ? bad(s, op, p, n, "a topic's name has 249 letters at most") : 0;
	case TIMESTAMP:
		return take_timestamp(s, op, p, n);
	default:
		return take_number(s, op, p, n);
	}
}

/* The end of fixed text op at s->p: 1 passed, 0 not whole yet, KQ_EINVAL. */
static int match(struct scan *s, const struct op *op, bool is_final)
{
	size_t left = (size_t)(s->end - s->p), n = left < op->len ? left : op->len;
	if (memcmp(s->p, op->text, n) != 0)
		return kq_error_set(s->e, KQ_EINVAL, "expected '%.*s' before '%.*s'", (int)op->len, op->text,
				    left > 40 ? 40 : (int)left, s->p);
	if (n < op->len && !(s->last && is_final && n == 0))
		return s->last ? kq_error_set(s->e, KQ_EINVAL, "the input ends inside a record") : 0;
	s->p += n;
	return 1;
}

/* How many bytes the field i at s->p has: *n. 1, 0 not whole yet, KQ_EINVAL. */
static int extent(struct scan *s, int i, size_t *n)
{
	const struct op *op = &s->f->ops[i], *next = op + 1;
	size_t left = (size_t)(s->end - s->p);
	int64_t len = op->form != PLAIN ? NO_LENGTH : op->field == VALUE ? s->value_len :
		      op->field == KEY ? s->key_len : NO_LENGTH;
	if (op->form == JSON) {
		len = left ? json_extent(s->p, left) : 0;
		if (len < 0)
			return bad(s, op, s->p, left, "not a JSON string");
		*n = (size_t)len;
		if (len > 0)
			return 1;
	} else if (len >= -1) {
		*n = len < 0 ? 0 : (size_t)len;
		if (*n <= left)
			return 1;
	} else {
		const char *found = memmem(s->p, left, next->text, next->len);
		*n = found ? (size_t)(found - s->p) : left;
		if (found || (s->last && i + 2 == s->f->n))
			return 1;
	}
	return s->last ? kq_error_set(s->e, KQ_EINVAL, "the input ends inside a record") : 0;
}

/* A field at s->p. 1, 0 not whole yet, KQ_EINVAL. */
static int read_field(struct scan *s, int i)
{
	const struct op *op = &s->f->ops[i];
	size_t n = 0;
	int rc = extent(s, i, &n);
	if (rc != 1)
		return rc;
	bool announced_null = op->form == PLAIN && ((op->field == VALUE && s->value_len == -1) ||
						    (op->field == KEY && s->key_len == -1));
	rc = announced_null ? 0 : take(s, op, s->p, n);
	s->p += n;
	return rc == 0 ? 1 : rc;
}

static void place(struct kq_bytes *b, int64_t at, const struct kq_out *scratch)
{
	if (at >= 0 && b->len >= 0)
		b->p = scratch->buf ? (const uint8_t *)scratch->buf + at : (const uint8_t *)"";
}

int kq_format_read(const struct kq_format *f, const char *p, size_t n, bool last, size_t *used,
		   struct kq_out *scratch, struct kq_message *m, struct kq_error *e)
{
	struct scan s = { .f = f, .p = p, .end = p + n, .last = last, .scratch = scratch, .m = m, .e = e,
			  .value_len = NO_LENGTH, .key_len = NO_LENGTH, .value_at = -1, .key_at = -1,
			  .headers_at = -1 };
	*m = KQ_MESSAGE_INIT;
	scratch->len = 0;
	*used = 0;
	if (n == 0)
		return 0;
	for (int i = 0; i < f->n; i++) {
		int rc = f->ops[i].field == LITERAL ? match(&s, &f->ops[i], i + 1 == f->n) : read_field(&s, i);
		if (rc != 1)
			return rc;
	}
	place(&m->value, s.value_at, scratch);
	place(&m->key, s.key_at, scratch);
	place(&m->headers, s.headers_at, scratch);
	*used = (size_t)(s.p - p);
	return 1;
}
