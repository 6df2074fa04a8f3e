#include "base/properties.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* A logical line is gathered first (continuations joined, their leading blanks
 * dropped), then split into key and value and unescaped in place: the result is
 * never longer than the text. */
struct source {
	const char *p, *end;
	int line; /* of the next byte */
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\f';
}

static void skip_blanks(struct source *s)
{
	while (s->p < s->end && is_blank(*s->p))
		s->p++;
}

/* Steps over the end of a line, \r\n as one. */
static void skip_newline(struct source *s)
{
	if (s->p < s->end && *s->p == '\r') {
		s->p++;
		if (s->p < s->end && *s->p == '\n')
			s->p++;
	} else if (s->p < s->end) {
		s->p++;
	}
	s->line++;
}

static bool at_newline(const struct source *s)
{
	return *s->p == '\n' || *s->p == '\r';
}

/* Moves to the first byte of the next line with content; false at the end. */
static bool find_line(struct source *s)
{
	for (;;) {
		skip_blanks(s);
		if (s->p == s->end)
			return false;
		if (*s->p == '#' || *s->p == '!') {
			while (s->p < s->end && !at_newline(s))
				s->p++;
			if (s->p == s->end)
				return false;
		}
		if (!at_newline(s))
			return true;
		skip_newline(s);
	}
}

/* Copies the logical line to buf, escapes kept; its length. */
static size_t gather(struct source *s, char *buf)
{
	size_t n = 0;
	while (s->p < s->end && !at_newline(s)) {
		if (*s->p != '\\') {
			buf[n++] = *s->p++;
			continue;
		}
		s->p++;
		if (s->p == s->end)
			break;
		if (at_newline(s)) {
			skip_newline(s);
			skip_blanks(s);
			continue;
		}
		buf[n++] = '\\';
		buf[n++] = *s->p++;
	}
	if (s->p < s->end)
		skip_newline(s);
	return n;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The number of a \uXXXX whose digits begin at p, or -1. */
static int unicode_at(const char *p, size_t left)
{
	int v = 0;
	if (left < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		int d = hex_digit(p[i]);
		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

/* At most 3 bytes for 6 of the escape, 4 for the 12 of a pair. */
static char *put_utf8(char *to, unsigned v)
{
	if (v < 0x80) {
		*to++ = (char)v;
	} else if (v < 0x800) {
		*to++ = (char)(0xc0 | v >> 6);
		*to++ = (char)(0x80 | (v & 0x3f));
	} else if (v < 0x10000) {
		*to++ = (char)(0xe0 | v >> 12);
		*to++ = (char)(0x80 | (v >> 6 & 0x3f));
		*to++ = (char)(0x80 | (v & 0x3f));
	} else {
		*to++ = (char)(0xf0 | v >> 18);
		*to++ = (char)(0x80 | (v >> 12 & 0x3f));
		*to++ = (char)(0x80 | (v >> 6 & 0x3f));
		*to++ = (char)(0x80 | (v & 0x3f));
	}
	return to;
}

/* Reads what stands behind a \u; bytes taken, or -1 for no character or half a pair. */
static int unescape_unicode(const char *p, size_t left, char **to)
{
	int v = unicode_at(p, left);
	if (v <= 0 || (v >= 0xdc00 && v <= 0xdfff))
		return -1;
	if (v < 0xd800 || v > 0xdbff) {
		*to = put_utf8(*to, (unsigned)v);
		return 4;
	}
	int low = left >= 10 && p[4] == '\\' && p[5] == 'u' ? unicode_at(p + 6, left - 6) : -1;
	if (low < 0xdc00 || low > 0xdfff)
		return -1;
	*to = put_utf8(*to, 0x10000u + ((unsigned)(v - 0xd800) << 10) + (unsigned)(low - 0xdc00));
	return 10;
}

/* Unescapes n bytes at p in place and ends them with NUL (p[n] is writable). */
static int unescape(char *p, size_t n)
{
	char *to = p;
	for (size_t i = 0; i < n; i++) {
		if (p[i] != '\\' || i + 1 == n) {
			*to++ = p[i];
			continue;
		}
		char c = p[++i];
		int taken = 0;
		switch (c) {
		case 't': *to++ = '\t'; break;
		case 'n': *to++ = '\n'; break;
		case 'r': *to++ = '\r'; break;
		case 'f': *to++ = '\f'; break;
		case 'u':
			taken = unescape_unicode(p + i + 1, n - i - 1, &to);
			if (taken < 0)
				return KQ_ECORRUPT;
			i += (size_t)taken;
			break;
		default: *to++ = c;
		}
	}
	*to = '\0';
	return 0;
}

/* Splits buf[0..n) (buf[n] writable) at the first separator that is not escaped. */
static int split(char *buf, size_t n, char **key, char **value)
{
	size_t k = 0;
	while (k < n && !is_blank(buf[k]) && buf[k] != '=' && buf[k] != ':')
		k += buf[k] == '\\' && k + 1 < n ? 2 : 1;
	size_t v = k;
	while (v < n && is_blank(buf[v]))
		v++;
	if (v < n && (buf[v] == '=' || buf[v] == ':'))
		v++;
	while (v < n && is_blank(buf[v]))
		v++;
	*key = buf;
	*value = buf + v;
	/* the value first: ending the key with NUL may touch its first byte when empty */
	int rc = unescape(*value, n - v);
	if (v == k)
		*value = buf + n; /* nothing behind the key: buf[n] is NUL */
	return rc ? rc : unescape(*key, k);
}

int kq_properties_parse(const char *text, size_t n, kq_properties_fn *fn, void *arg,
			struct kq_error *e)
{
	struct source s = { text, text + n, 1 };
	if (memchr(text, '\0', n))
		return kq_error_set(e, KQ_ECORRUPT, "a NUL byte in the file");
	char *buf = kq_try_malloc(n + 1);
	if (!buf)
		return kq_error_set(e, KQ_ENOMEM, "no memory for %zu bytes", n);
	int rc = 0;
	while (!rc && find_line(&s)) {
		int line = s.line;
		char *key, *value;
		size_t len = gather(&s, buf);
		buf[len] = '\0';
		rc = split(buf, len, &key, &value);
		if (rc)
			kq_error_set(e, rc, "line %d: malformed \\u escape", line);
		else
			rc = fn(arg, line, key, value);
	}
	free(buf);
	return rc;
}

static void write_escaped(struct kq_writer *w, const char *s, bool is_key)
{
	bool leading = true;
	for (; *s; s++) {
		char c = *s;
		char plain[2] = { '\\', c };
		switch (c) {
		case '\t': plain[1] = 't'; break;
		case '\n': plain[1] = 'n'; break;
		case '\r': plain[1] = 'r'; break;
		case '\f': plain[1] = 'f'; break;
		}
		bool special = plain[1] != c || c == '\\' || c == '=' || c == ':' || c == '#' ||
			       c == '!' || (c == ' ' && (is_key || leading));
		kq_write_bytes(w, special ? plain : &c, special ? 2 : 1);
		leading = leading && c == ' ';
	}
}

void kq_properties_write(struct kq_writer *w, const char *key, const char *value)
{
	write_escaped(w, key, true);
	kq_write_bytes(w, "=", 1);
	write_escaped(w, value, false);
	kq_write_bytes(w, "\n", 1);
}
