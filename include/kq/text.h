/* Small questions about text: which known name was meant, is it UTF-8. */
#ifndef KQ_TEXT_H
#define KQ_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Finds the known name that a mistyped one is closest to, by edit distance
 * (insert, delete, replace, swap of neighbours; case costs nothing extra to fix).
 * Offer all names, then read best: NULL if none is near enough to be meant. */
struct kq_nearest {
	const char *wanted;
	const char *best;
	int distance; /* of best; above the bound before the first fit */
};

void kq_nearest_init(struct kq_nearest *n, const char *wanted);
/* name is borrowed as long as best may be read. O(product of the lengths). */
void kq_nearest_offer(struct kq_nearest *n, const char *name);

/* Whether n bytes are well-formed UTF-8 (no surrogates, no overlong forms). */
bool kq_utf8_valid(const void *p, size_t n);

/* Writes the bytes that escapes in text stand for (`\n \t \r \0 \xHH \\`) to out
 * (strlen(text) bytes are enough; not NUL ended). The length, or -1 for an unknown
 * or cut escape. */
long kq_unescape(const char *text, char *out);

#endif
