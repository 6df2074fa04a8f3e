/* The text is compiled once to a list of operations, so that printing a record is a
 * walk over a small array. */
#include "format.h"

#include <stdlib.h>
#include <time.h>

#include "format_ops.h"
#include "json.h"
#include "kq/text.h"
#include "kq/units.h"

static const char FIELDS[] = "vkhtpoeTSK";

static void *checked(void *p)
{
	if (!p)
		abort();
	return p;
}

static struct op *add(struct kq_format *f, enum field field)
{
	f->ops = checked(realloc(f->ops, (size_t)(f->n + 1) * sizeof *f->ops));
	f->ops[f->n] = (struct op){ .field = field };
	return &f->ops[f->n++];
}

void format_add_literal(struct kq_format *f, const char *p, size_t n)
{
	if (n == 0)
		return;
	struct op *op = f->n > 0 && f->ops[f->n - 1].field == LITERAL ? &f->ops[f->n - 1] : add(f, LITERAL);
	op->text = checked(realloc(op->text, op->len + n));
	memcpy(op->text + op->len, p, n);
	op->len += n;
}

/* Fixed text up to the next percent sign. */
static int literal(struct kq_format *f, const char *text, size_t n, struct kq_error *e)
{
	char *copy = checked(malloc(2 * n + 2)), *bytes = copy + n + 1;
	memcpy(copy, text, n);
	copy[n] = '\0';
	long len = kq_unescape(copy, bytes);
	if (len >= 0)
		format_add_literal(f, bytes, (size_t)len);
	else
		kq_error_set(e, KQ_EINVAL, "wrong escape in '%s'; known are \\n \\t \\r \\0 \\xHH \\\\", copy);
	free(copy);
	return len < 0 ? KQ_EINVAL : 0;
}

/* What stands in braces after a field: text of n bytes. */
static int set_form(struct op *op, const char *text, size_t n, struct kq_error *e)
{
	static const struct {
		const char *name;
		enum form form;
		const char *fields;
	} FORMS[] = { { "hex", HEX, "vk" }, { "base64", BASE64, "vk" }, { "json", JSON, "vk" }, { "iso", ISO, "T" } };
	for (size_t i = 0; i < sizeof FORMS / sizeof *FORMS; i++)
		if (strlen(FORMS[i].name) == n && memcmp(FORMS[i].name, text, n) == 0 &&
		    strchr(FORMS[i].fields, (char)op->field)) {
			op->form = FORMS[i].form;
			return 0;
		}
	if (op->field == TIMESTAMP && memchr(text, '%', n)) {
		op->form = STRFTIME;
		op->text = checked(malloc(n + 1));
		memcpy(op->text, text, n);
		op->text[n] = '\0';
		op->len = n;
		return 0;
	}
	return kq_error_set(e, KQ_EINVAL, "unknown form %%%c{%.*s}; known are %%v{hex} %%v{base64} %%v{json} "
			    "%%T{iso} %%T{strftime text}", (char)op->field, (int)n, text);
}

/* A field at text, which points behind its percent sign; *end behind it. */
static int field(struct kq_format *f, const char *text, const char **end, struct kq_error *e)
{
	if (!*text)
		return kq_error_set(e, KQ_EINVAL, "it ends with %%; write %%%% for a percent sign");
	if (!strchr(FIELDS, *text))
		return kq_error_set(e, KQ_EINVAL, "unknown field %%%c; known are %%v %%k %%h %%t %%p %%o %%e %%T %%S %%K %%%%", *text);
	struct op *op = add(f, (enum field)*text);
	*end = text + 1;
	if (text[1] != '{')
		return 0;
	const char *close = strchr(text, '}');
	if (!close)
		return kq_error_set(e, KQ_EINVAL, "%%%c{ has no }", *text);
	*end = close + 1;
	return set_form(op, text + 2, (size_t)(close - text - 2), e);
}

static int compile(struct kq_format *f, const char *text, struct kq_error *e)
{
	int rc = 0;
	while (*text && rc == 0) {
		size_t n = strcspn(text, "%");
		if (n > 0) {
			rc = literal(f, text, n, e);
			text += n;
		} else if (text[1] == '%') {
			format_add_literal(f, "%", 1);
			text += 2;
		} else {
			rc = field(f, text + 1, &text, e);
		}
	}
	return rc;
}

int kq_format_new(struct kq_format **out, const char *text, const char *null_text, struct kq_error *e)
{
	struct kq_format *f = checked(calloc(1, sizeof *f));
	f->null_text = null_text;
	f->null_len = null_text ? strlen(null_text) : 0;
	int rc = compile(f, text, e);
	if (rc != 0) {
		kq_format_free(f);
		return rc;
	}
	*out = f;
	return 0;
}

void kq_format_free(struct kq_format *f)
{
	if (!f)
		return;
	for (int i = 0; i < f->n; i++)
		free(f->ops[i].text);
	free(f->ops);
	free(f);
}

/* ---- writing ----------------------------------------------------------- */

static void write_bytes(const struct kq_format *f, enum form form, struct kq_bytes b, struct kq_out *o)
{
	if (b.len < 0) {
		if (form == JSON)
			kq_out_bytes(o, "null", 4);
		else
			kq_out_bytes(o, f->null_text, f->null_len);
	} else if (form == PLAIN) {
		kq_out_bytes(o, b.p, (size_t)b.len);
	} else if (form == HEX) {
		kq_out_hex(o, b.p, (size_t)b.len);
	} else if (form == BASE64) {
		kq_out_base64(o, b.p, (size_t)b.len);
	} else {
		kq_json_quote(o, b.p, (size_t)b.len);
	}
}

/* Header text with a backslash before what would be read as syntax. */
static void write_escaped(struct kq_out *o, const char *p, int32_t n, bool name)
{
	for (int32_t i = 0; i < n; i++) {
		if (p[i] == '\n') {
			kq_out_bytes(o, "\\n", 2);
			continue;
		}
		if (p[i] == '\\' || p[i] == ',' || (name && p[i] == '='))
			kq_out_char(o, '\\');
		kq_out_char(o, p[i]);
	}
}

static void write_headers(const struct kq_message *m, struct kq_out *o)
{
	struct kq_message_header h;
	size_t pos = 0;
	bool first = true;
	while (kq_message_header_next(m, &pos, &h) == 1) {
		if (!first)
			kq_out_char(o, ',');
		first = false;
		write_escaped(o, h.name.p, h.name.len, true);
		if (h.value.len < 0)
			continue;
		kq_out_char(o, '=');
		write_escaped(o, (const char *)h.value.p, h.value.len, false);
	}
}

static void write_timestamp(const struct op *op, int64_t ms, struct kq_out *o)
{
	if (op->form == ISO) {
		char *to = kq_out_room(o, KQ_ISO_MAX);
		o->len += kq_time_iso(ms, to);
	} else if (op->form == STRFTIME) {
		char text[1024];
		struct tm tm;
		time_t sec = (time_t)(ms / 1000 - (ms % 1000 < 0));
		if (gmtime_r(&sec, &tm)) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			size_t n = strftime(text, sizeof text, op->text, &tm);
#pragma GCC diagnostic pop
			kq_out_bytes(o, text, n);
		}
	} else {
		kq_out_int(o, ms);
	}
}

void kq_format_write(const struct kq_format *f, const struct kq_message *m, struct kq_out *o)
{
	for (const struct op *op = f->ops, *end = op + f->n; op < end; op++) {
		switch (op->field) {
		case LITERAL:
			kq_out_bytes(o, op->text, op->len);
			break;
		case VALUE:
			write_bytes(f, op->form, m->value, o);
			break;
		case KEY:
			write_bytes(f, op->form, m->key, o);
			break;
		case HEADERS:
			write_headers(m, o);
			break;
		case TOPIC:
			kq_out_bytes(o, m->topic.p, m->topic.len > 0 ? (size_t)m->topic.len : 0);
			break;
		case PARTITION:
			kq_out_int(o, m->partition);
			break;
		case OFFSET:
			kq_out_int(o, m->offset);
			break;
		case EPOCH:
			kq_out_int(o, m->leader_epoch);
			break;
		case TIMESTAMP:
			write_timestamp(op, m->timestamp, o);
			break;
		case VALUE_LENGTH:
			kq_out_int(o, m->value.len);
			break;
		case KEY_LENGTH:
			kq_out_int(o, m->key.len);
			break;
		}
	}
}
