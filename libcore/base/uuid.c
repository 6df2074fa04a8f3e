#include "base/uuid.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

bool kq_uuid_is_zero(const struct kq_uuid *u)
{
	static const struct kq_uuid zero;
	return memcmp(u, &zero, sizeof zero) == 0;
}

bool kq_uuid_equal(const struct kq_uuid *a, const struct kq_uuid *b)
{
	return memcmp(a, b, sizeof *a) == 0;
}

/* Six bits a character; the last character has two bits of the id and four zeros. */
void kq_uuid_format(const struct kq_uuid *u, char text[KQ_UUID_TEXT_LEN + 1])
{
	uint32_t acc = 0;
	int bits = 0, n = 0;
	for (size_t i = 0; i < sizeof u->b; i++) {
		acc = acc << 8 | u->b[i];
		for (bits += 8; bits >= 6; bits -= 6)
			text[n++] = alphabet[acc >> (bits - 6) & 63];
	}
	text[n++] = alphabet[acc << (6 - bits) & 63];
	text[n] = '\0';
}

bool kq_uuid_parse(struct kq_str text, struct kq_uuid *u)
{
	uint32_t acc = 0;
	int bits = 0;
	size_t n = 0;
	memset(u, 0, sizeof *u);
	if (text.len != KQ_UUID_TEXT_LEN)
		return false;
	struct kq_uuid v;
	for (int i = 0; i < KQ_UUID_TEXT_LEN; i++) {
		const char *at = text.p[i] ? strchr(alphabet, text.p[i]) : NULL;
		if (!at)
			return false;
		acc = acc << 6 | (uint32_t)(at - alphabet);
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			v.b[n++] = (uint8_t)(acc >> bits);
		}
	}
	if (acc & ((1u << bits) - 1))
		return false;
	*u = v;
	return true;
}

void kq_uuid_random(struct kq_uuid *u)
{
	char text[KQ_UUID_TEXT_LEN + 1];
	do {
		size_t n = 0;
		while (n < sizeof u->b) {
			ssize_t got = getrandom(u->b + n, sizeof u->b - n, 0);
			if (got < 0 && errno != EINTR)
				abort();
			n += got > 0 ? (size_t)got : 0;
		}
		u->b[6] = (uint8_t)((u->b[6] & 0x0f) | 0x40);
		u->b[8] = (uint8_t)((u->b[8] & 0x3f) | 0x80);
		kq_uuid_format(u, text);
	} while (text[0] == '-');
}
