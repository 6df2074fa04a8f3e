#include "kq/text.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_LEN = 127 };

/* How far off a name may be to be taken for a slip: a third of its letters, at
 * least one and at most four. */
static int bound(size_t len)
{
	int b = (int)(len + 2) / 3;
	return b < 1 ? 1 : b > 4 ? 4 : b;
}

void kq_nearest_init(struct kq_nearest *n, const char *wanted)
{
	n->wanted = wanted;
	n->best = NULL;
	n->distance = bound(strlen(wanted)) + 1;
}

static int least(int a, int b)
{
	return a < b ? a : b;
}

/* The table of all prefix distances, three rows of it kept. */
static int edit_distance(const char *a, size_t an, const char *b, size_t bn)
{
	int rows[3][NAME_MAX_LEN + 1];
	int *before = rows[0], *last = rows[1], *now = rows[2];
	for (size_t j = 0; j <= bn; j++)
		last[j] = (int)j;
	for (size_t i = 1; i <= an; i++) {
		now[0] = (int)i;
		for (size_t j = 1; j <= bn; j++) {
			int ca = tolower((unsigned char)a[i - 1]), cb = tolower((unsigned char)b[j - 1]);
			int d = least(last[j - 1] + (ca != cb), 1 + least(last[j], now[j - 1]));
			if (i > 1 && j > 1 && ca == tolower((unsigned char)b[j - 2]) &&
			    tolower((unsigned char)a[i - 2]) == cb)
				d = least(d, before[j - 2] + 1);
			now[j] = d;
		}
		int *spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[bn];
}

void kq_nearest_offer(struct kq_nearest *n, const char *name)
{
	size_t an = strlen(n->wanted), bn = strlen(name);
	if (an > NAME_MAX_LEN || bn > NAME_MAX_LEN || bn == 0)
		return;
	/* What was typed begins a longer name: meant more than any misspelling. */
	int d = an >= 3 && bn > an && strncasecmp(n->wanted, name, an) == 0
		? 1 : edit_distance(n->wanted, an, name, bn);
	if (d < n->distance && d < (int)bn) {
		n->distance = d;
		n->best = name;
	}
}

bool kq_utf8_valid(const void *bytes, size_t n)
{
	const uint8_t *p = bytes, *end = p + n;
	while (p < end) {
		uint64_t eight;
		if (end - p >= 8 && (memcpy(&eight, p, 8), (eight & 0x8080808080808080u) == 0)) {
			p += 8;
			continue;
		}
		uint8_t c = *p++;
		if (c < 0x80)
			continue;
		int more = c >= 0xc2 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf5 ? 3 : 0;
		if (!more || end - p < more)
			return false;
		/* The first byte after narrows what would be overlong, a surrogate or
		 * beyond the last code point. */
		uint8_t lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
		uint8_t hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
		if (*p < lo || *p > hi)
			return false;
		for (p++; --more > 0; p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

long kq_unescape(const char *s, char *out)
{
	static const char NAMES[] = "nrtab0\\", VALUES[] = "\n\r\t\a\b\0\\";
	char *o = out;
	while (*s) {
		if (*s != '\\') {
			*o++ = *s++;
			continue;
		}
		s++;
		if (*s == 'x') {
			int hi = hex_digit(s[1]), lo = hi < 0 ? -1 : hex_digit(s[2]);
			if (lo < 0)
				return -1;
			*o++ = (char)(hi << 4 | lo);
			s += 3;
			continue;
		}
		const char *at = *s ? strchr(NAMES, *s) : NULL;
		if (!at)
			return -1;
		*o++ = VALUES[at - NAMES];
		s++;
	}
	return o - out;
}
