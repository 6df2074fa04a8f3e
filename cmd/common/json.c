/* The writer is by hand, because a consumer prints millions of records a second:
 * most bytes need no escape and are copied in runs. Reading goes through jansson. */
#include "json.h"

#include <jansson.h>
#include <stdlib.h>

#include "kq/text.h"

void kq_json_init(struct kq_json *j, struct kq_out *out)
{
	j->out = out;
	j->comma = false;
}

/* What a byte needs inside quotes: 0 nothing, 'u' \u00XX, else \ and that letter;
 * bytes from 0x80 on are looked at by the caller if the text may be broken. */
static const char ESCAPE[256] = {
	'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'b', 't', 'n', 'u', 'f', 'r', 'u', 'u',
	'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u', 'u',
	['"'] = '"', ['\\'] = '\\', [0x7f] = 'u',
};

static char *escape(char *to, uint8_t c)
{
	*to++ = '\\';
	*to++ = ESCAPE[c];
	if (ESCAPE[c] == 'u') {
		*to++ = '0';
		*to++ = '0';
		*to++ = "0123456789abcdef"[c >> 4];
		*to++ = "0123456789abcdef"[c & 15];
	}
	return to;
}

/* Whether one of eight bytes needs an escape: below 0x20, a quote, a backslash or
 * DEL. Bytes from 0x80 up never raise a flag: their own top bit masks it. */
static bool needs_escape(uint64_t v)
{
	const uint64_t ones = 0x0101010101010101u, tops = 0x8080808080808080u;
	uint64_t quote = v ^ ones * '"', slash = v ^ ones * '\\', del = v ^ ones * 0x7f;
	return ((v - ones * 0x20) | (quote - ones) | (slash - ones) | (del - ones)) & ~v & tops;
}

/* n bytes of valid UTF-8, quoted. */
static void quote_valid(struct kq_out *o, const uint8_t *p, size_t n)
{
	char *to = kq_out_room(o, 6 * n + 2);
	const uint8_t *end = p + n;
	*to++ = '"';
	while (p < end) {
		uint64_t eight;
		if (end - p >= 8 && (memcpy(&eight, p, 8), !needs_escape(eight))) {
			memcpy(to, p, 8);
			p += 8;
			to += 8;
		} else if (ESCAPE[*p]) {
			to = escape(to, *p++);
		} else {
			*to++ = (char)*p++;
		}
	}
	*to++ = '"';
	o->len = (size_t)(to - o->buf);
}

void kq_json_quote(struct kq_out *o, const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	if (kq_utf8_valid(p, n)) {
		quote_valid(o, p, n);
		return;
	}
	struct kq_out fixed;
	kq_out_init(&fixed, -1);
	for (size_t i = 0; i < n;) {
		size_t len = 1;
		while (len <= 4 && i + len <= n && !kq_utf8_valid(p + i, len))
			len++;
		if (len <= 4 && i + len <= n) {
			kq_out_bytes(&fixed, p + i, len);
			i += len;
		} else {
			kq_out_text(&fixed, "\xef\xbf\xbd");
			i++;
		}
	}
	quote_valid(o, (const uint8_t *)fixed.buf, fixed.len);
	kq_out_deinit(&fixed);
}

static void name_value(struct kq_json *j, const char *name)
{
	if (j->comma)
		kq_out_char(j->out, ',');
	j->comma = true;
	if (!name)
		return;
	size_t n = strlen(name);
	char *to = kq_out_room(j->out, n + 3);
	to[0] = '"';
	memcpy(to + 1, name, n);
	to[n + 1] = '"';
	to[n + 2] = ':';
	j->out->len += n + 3;
}

void kq_json_open(struct kq_json *j, const char *name, char bracket)
{
	name_value(j, name);
	kq_out_char(j->out, bracket);
	j->comma = false;
}

void kq_json_close(struct kq_json *j, char bracket)
{
	kq_out_char(j->out, bracket);
	j->comma = true;
}

void kq_json_int(struct kq_json *j, const char *name, int64_t v)
{
	name_value(j, name);
	kq_out_int(j->out, v);
}

void kq_json_bool(struct kq_json *j, const char *name, bool v)
{
	name_value(j, name);
	kq_out_text(j->out, v ? "true" : "false");
}

void kq_json_null(struct kq_json *j, const char *name)
{
	name_value(j, name);
	kq_out_text(j->out, "null");
}

void kq_json_str(struct kq_json *j, const char *name, struct kq_str v)
{
	if (v.len < 0) {
		kq_json_null(j, name);
		return;
	}
	name_value(j, name);
	kq_json_quote(j->out, v.p, (size_t)v.len);
}

void kq_json_text(struct kq_json *j, const char *name, const char *v)
{
	kq_json_str(j, name, v ? (struct kq_str){ v, (int32_t)strlen(v) } : KQ_STR_NULL);
}

void kq_json_bytes(struct kq_json *j, const char *name, struct kq_bytes v)
{
	if (v.len < 0) {
		kq_json_null(j, name);
	} else if (kq_utf8_valid(v.p, (size_t)v.len)) {
		name_value(j, name);
		quote_valid(j->out, v.p, (size_t)v.len);
	} else {
		char other[64];
		snprintf(other, sizeof other, "%s_base64", name);
		name_value(j, other);
		kq_out_char(j->out, '"');
		kq_out_base64(j->out, v.p, (size_t)v.len);
		kq_out_char(j->out, '"');
	}
}

void kq_json_end_line(struct kq_json *j)
{
	kq_out_char(j->out, '\n');
	j->comma = false;
}

static void header_value(struct kq_json *j, struct kq_bytes v)
{
	if (v.len < 0) {
		kq_json_null(j, NULL);
	} else if (kq_utf8_valid(v.p, (size_t)v.len)) {
		name_value(j, NULL);
		quote_valid(j->out, v.p, (size_t)v.len);
	} else {
		kq_json_open(j, NULL, '{');
		name_value(j, "base64");
		kq_out_char(j->out, '"');
		kq_out_base64(j->out, v.p, (size_t)v.len);
		kq_out_char(j->out, '"');
		kq_json_close(j, '}');
	}
}

static void headers(struct kq_json *j, const struct kq_message *m)
{
	struct kq_message_header h;
	size_t pos = 0;
	kq_json_open(j, "headers", '[');
	while (kq_message_header_next(m, &pos, &h) == 1) {
		kq_json_open(j, NULL, '[');
		kq_json_str(j, NULL, h.name);
		header_value(j, h.value);
		kq_json_close(j, ']');
	}
	kq_json_close(j, ']');
}

void kq_json_message_members(struct kq_json *j, const struct kq_message *m)
{
	if (m->topic.len >= 0)
		kq_json_str(j, "topic", m->topic);
	if (m->partition >= 0)
		kq_json_int(j, "partition", m->partition);
	if (m->offset >= 0)
		kq_json_int(j, "offset", m->offset);
	if (m->timestamp >= 0)
		kq_json_int(j, "timestamp", m->timestamp);
	if (m->log_append_time)
		kq_json_text(j, "timestamp_type", "LogAppendTime");
	kq_json_bytes(j, "key", m->key);
	kq_json_bytes(j, "value", m->value);
	if (m->header_count > 0)
		headers(j, m);
}

void kq_json_message(struct kq_out *o, const struct kq_message *m)
{
	struct kq_json j;
	kq_json_init(&j, o);
	kq_json_open(&j, NULL, '{');
	kq_json_message_members(&j, m);
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

/* ---- in ---------------------------------------------------------------- */

/* A piece of scratch: its place, because scratch moves when it grows. */
struct piece {
	size_t pos;
	int32_t len; /* -1 null */
};

struct pieces {
	struct piece topic, key, value, headers;
};

static int add_bytes(struct kq_out *scratch, const char *p, size_t n, struct piece *to, struct kq_error *e)
{
	if (n > INT32_MAX)
		return kq_error_set(e, KQ_EINVAL, "a string is longer than 2 GiB");
	*to = (struct piece){ scratch->len, (int32_t)n };
	kq_out_bytes(scratch, p, n);
	return 0;
}

/* Member name, or name_base64, as bytes. Null and missing: len -1. */
static int read_bytes(json_t *root, const char *name, struct kq_out *scratch, struct piece *to,
		      struct kq_error *e)
{
	char other[32];
	snprintf(other, sizeof other, "%s_base64", name);
	json_t *v = json_object_get(root, name), *encoded = json_object_get(root, other);
	*to = (struct piece){ 0, -1 };
	if (encoded && !json_is_null(encoded)) {
		size_t pos = scratch->len;
		if (!json_is_string(encoded) ||
		    !kq_out_unbase64(scratch, json_string_value(encoded), json_string_length(encoded)))
			return kq_error_set(e, KQ_EINVAL, "\"%s\" is not base64", other);
		*to = (struct piece){ pos, (int32_t)(scratch->len - pos) };
		return 0;
	}
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_string(v))
		return kq_error_set(e, KQ_EINVAL, "\"%s\" is neither a string nor null", name);
	return add_bytes(scratch, json_string_value(v), json_string_length(v), to, e);
}

static int read_int(json_t *root, const char *name, int64_t min, int64_t max, int64_t *to,
		    struct kq_error *e)
{
	json_t *v = json_object_get(root, name);
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < min || json_integer_value(v) > max)
		return kq_error_set(e, KQ_EINVAL, "\"%s\" is not a number from %lld to %lld", name,
				    (long long)min, (long long)max);
	*to = json_integer_value(v);
	return 0;
}

/* One header `[name, value]`, laid onto scratch behind those before it. */
static int read_header(json_t *pair, struct kq_out *scratch, struct kq_error *e)
{
	json_t *name = json_array_get(pair, 0), *value = json_array_get(pair, 1);
	struct kq_out decoded;
	struct kq_bytes bytes = KQ_BYTES_NULL;
	int rc = 0;
	kq_out_init(&decoded, -1);
	if (json_is_object(value)) {
		json_t *text = json_object_get(value, "base64");
		if (!json_is_string(text) ||
		    !kq_out_unbase64(&decoded, json_string_value(text), json_string_length(text)))
			rc = KQ_EINVAL;
		bytes = (struct kq_bytes){ (const uint8_t *)decoded.buf, (int32_t)decoded.len };
	} else if (json_is_string(value)) {
		bytes = (struct kq_bytes){ (const uint8_t *)json_string_value(value),
					   (int32_t)json_string_length(value) };
	} else if (!json_is_null(value)) {
		rc = KQ_EINVAL;
	}
	if (rc == 0 && json_is_string(name) && json_array_size(pair) == 2) {
		struct kq_str s = { json_string_value(name), (int32_t)json_string_length(name) };
		char *to = kq_out_room(scratch, kq_message_header_size_max(s.len, bytes.len));
		scratch->len += kq_message_header_write((uint8_t *)to, s, bytes);
	} else {
		rc = kq_error_set(e, KQ_EINVAL, "a header is not [\"name\", \"value\" or null]");
	}
	kq_out_deinit(&decoded);
	return rc;
}

static int read_headers(json_t *root, struct kq_out *scratch, struct piece *to, int32_t *count,
			struct kq_error *e)
{
	json_t *v = json_object_get(root, "headers"), *pair;
	size_t i;
	*to = (struct piece){ scratch->len, 0 };
	*count = 0;
	if (!v || json_is_null(v))
		return 0;
	if (!json_is_array(v))
		return kq_error_set(e, KQ_EINVAL, "\"headers\" is not an array");
	json_array_foreach(v, i, pair) {
		int rc = read_header(pair, scratch, e);
		if (rc != 0)
			return rc;
		++*count;
	}
	to->len = (int32_t)(scratch->len - to->pos);
	return 0;
}

static struct kq_bytes at(const struct kq_out *scratch, struct piece p)
{
	if (p.len < 0)
		return KQ_BYTES_NULL;
	/* An empty string is not null, also where scratch has no memory yet. */
	return (struct kq_bytes){ scratch->buf ? (const uint8_t *)scratch->buf + p.pos : (const uint8_t *)"",
				  p.len };
}

static int read_members(json_t *root, struct kq_out *scratch, struct kq_message *m, struct kq_error *e)
{
	struct pieces p;
	int64_t partition = -1;
	int rc;
	if (!json_is_object(root))
		return kq_error_set(e, KQ_EINVAL, "it is not an object");
	if ((rc = read_bytes(root, "topic", scratch, &p.topic, e)) != 0 ||
	    (rc = read_bytes(root, "key", scratch, &p.key, e)) != 0 ||
	    (rc = read_bytes(root, "value", scratch, &p.value, e)) != 0 ||
	    (rc = read_headers(root, scratch, &p.headers, &m->header_count, e)) != 0 ||
	    (rc = read_int(root, "partition", -1, INT32_MAX, &partition, e)) != 0 ||
	    (rc = read_int(root, "offset", -1, INT64_MAX, &m->offset, e)) != 0 ||
	    (rc = read_int(root, "timestamp", -1, INT64_MAX, &m->timestamp, e)) != 0)
		return rc;
	struct kq_bytes topic = at(scratch, p.topic);
	m->topic = (struct kq_str){ (const char *)topic.p, topic.len };
	m->partition = (int32_t)partition;
	m->key = at(scratch, p.key);
	m->value = at(scratch, p.value);
	m->headers = at(scratch, p.headers);
	return 0;
}

int kq_json_read_message(const char *line, size_t n, struct kq_out *scratch,
			 struct kq_message *m, struct kq_error *e)
{
	json_error_t why;
	*m = KQ_MESSAGE_INIT;
	scratch->len = 0;
	json_t *root = json_loadb(line, n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return kq_error_set(e, KQ_EINVAL, "bad JSON at column %d: %s", why.position, why.text);
	int rc = read_members(root, scratch, m, e);
	json_decref(root);
	return rc;
}
