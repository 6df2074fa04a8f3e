/* A message as one line of JSON. */
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "wire/schema.h"

static void put(struct kq_writer *w, const char *s)
{
	kq_write_bytes(w, s, strlen(s));
}

/* Length of the well-formed UTF-8 sequence at p, or 0. */
static size_t utf8_length(const uint8_t *p, size_t left)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
	if (n <= 1)
		return n;
	if (n > left)
		return 0;
	uint32_t c = *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	bool surrogate = c >= 0xd800 && c < 0xe000;
	return c < least[n] || c > 0x10ffff || surrogate ? 0 : n;
}

/* Text as JSON; what is not UTF-8 becomes U+FFFD. */
static void put_text(struct kq_writer *w, const uint8_t *p, size_t len)
{
	char esc[8];
	put(w, "\"");
	while (len) {
		size_t n = utf8_length(p, len);
		if (n == 0) {
			put(w, "\xef\xbf\xbd");
			n = 1;
		} else if (*p == '"' || *p == '\\') {
			snprintf(esc, sizeof esc, "\\%c", *p);
			put(w, esc);
		} else if (*p < 0x20 || *p == 0x7f) {
			snprintf(esc, sizeof esc, "\\u%04x", *p);
			put(w, esc);
		} else {
			kq_write_bytes(w, p, n);
		}
		p += n;
		len -= n;
	}
	put(w, "\"");
}

/* Base64 of the standard or the url alphabet, padded or not. */
static void put_base64(struct kq_writer *w, const uint8_t *p, size_t len, bool url)
{
	static const char std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	put(w, "\"");
	while (len) {
		size_t n = len < 3 ? len : 3;
		uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
		char out[4];
		for (int i = 0; i < 4; i++) {
			char c = std[v >> (18 - 6 * i) & 63];
			out[i] = !url || c >= '0' ? c : c == '+' ? '-' : '_';
		}
		for (size_t i = n + 1; i < 4; i++)
			out[i] = '=';
		kq_write_bytes(w, out, url ? n + 1 : 4);
		p += n;
		len -= n;
	}
	put(w, "\"");
}

static void put_number(struct kq_writer *w, const struct kq_field *f, const void *p)
{
	char s[40];
	int64_t v = 0;
	switch (f->kind) {
	case KQ_KIND_INT8: v = *(const int8_t *)p; break;
	case KQ_KIND_INT16: v = *(const int16_t *)p; break;
	case KQ_KIND_UINT16: v = *(const uint16_t *)p; break;
	case KQ_KIND_INT32: v = *(const int32_t *)p; break;
	case KQ_KIND_UINT32: v = *(const uint32_t *)p; break;
	case KQ_KIND_INT64: v = *(const int64_t *)p; break;
	default: assert(!"a number");
	}
	snprintf(s, sizeof s, "%" PRId64, v);
	put(w, s);
}

/* JSON has no infinities: they are written as texts.
 * A whole number keeps its ".0". */
static void put_float(struct kq_writer *w, double v)
{
	char s[40];
	if (!isfinite(v)) {
		put(w, isnan(v) ? "\"NaN\"" : v < 0 ? "\"-Infinity\"" : "\"Infinity\"");
		return;
	}
	snprintf(s, sizeof s, "%.17g", v);
	put(w, s);
	if (!strpbrk(s, ".e"))
		put(w, ".0");
}

static void put_struct(struct kq_writer *w, const struct kq_schema *s, int version,
		       const void *msg);

static void put_value(struct kq_writer *w, const struct kq_field *f, int version, const void *p)
{
	const struct kq_bytes *b = p;
	const struct kq_str *str = p;
	switch (f->kind) {
	case KQ_KIND_BOOL: put(w, *(const bool *)p ? "true" : "false"); break;
	case KQ_KIND_FLOAT64: put_float(w, *(const double *)p); break;
	case KQ_KIND_UUID: put_base64(w, p, 16, true); break;
	case KQ_KIND_STRING:
		if (str->len < 0)
			put(w, "null");
		else
			put_text(w, (const uint8_t *)str->p, (size_t)str->len);
		break;
	case KQ_KIND_BYTES:
		if (b->len < 0)
			put(w, "null");
		else
			put_base64(w, b->p, (size_t)b->len, false);
		break;
	case KQ_KIND_RECORDS: put(w, b->len < 0 ? "null" : "\"\""); break;
	case KQ_KIND_STRUCT: put_struct(w, f->sub, version, p); break;
	default: put_number(w, f, p);
	}
}

static void put_field(struct kq_writer *w, const struct kq_field *f, int version, const void *p)
{
	if (kq_field_is_array(f)) {
		const char *items = *(char *const *)p;
		int32_t n = *kq_array_count_const(p);
		put(w, n < 0 ? "null" : "[");
		for (int32_t i = 0; i < n && !kq_writer_failed(w); i++) {
			put(w, i ? "," : "");
			put_value(w, f, version, items + (size_t)i * kq_field_elem_size(f));
		}
		put(w, n < 0 ? "" : "]");
	} else if (kq_field_is_pointer(f)) {
		const void *sub = *(void *const *)p;
		if (sub)
			put_struct(w, f->sub, version, sub);
		else
			put(w, "null");
	} else {
		put_value(w, f, version, p);
	}
}

static void put_struct(struct kq_writer *w, const struct kq_schema *s, int version,
		       const void *msg)
{
	const char *before = "{\"";
	for (int i = 0; i < s->n_fields; i++) {
		const struct kq_field *f = &s->fields[i];
		const void *p = (const char *)msg + f->offset;
		if (!kq_field_in(f->versions, version) ||
		    (f->tag >= 0 && kq_field_is_default(f, p)))
			continue;
		put(w, before);
		put(w, f->name);
		put(w, "\":");
		put_field(w, f, version, p);
		before = ",\"";
	}
	put(w, *before == '{' ? "{}" : "}");
}

int kq_wire_print(const struct kq_schema *s, int version, const void *msg, struct kq_writer *json)
{
	if (version < s->min || version > s->max)
		return KQ_EUNSUPPORTED;
	put_struct(json, s, version, msg);
	return json->err;
}
