/* Small things that the record tests share. */
#ifndef TESTS_RECORD_BYTES_H
#define TESTS_RECORD_BYTES_H

#include <stdlib.h>
#include <string.h>

#include "record/builder.h"

/* A C string as bytes; NULL is null. */
static inline struct kq_bytes text(const char *s)
{
	return s ? (struct kq_bytes){ (const uint8_t *)s, (int32_t)strlen(s) } : KQ_BYTES_NULL;
}

/* Hex digits (blanks between them do not count) to bytes: how many. */
static inline size_t unhex(const char *hex, uint8_t *out)
{
	size_t n = 0;
	for (; *hex; hex++) {
		if (*hex == ' ')
			continue;
		out[n++] = (uint8_t)strtoul((char[]){ hex[0], hex[1], 0 }, NULL, 16);
		hex++;
	}
	return n;
}

/* A sealed batch of n records "value-<i>" with timestamps from 1000, packed by
 * codec; key may be NULL. The caller frees it. */
static inline uint8_t *make_batch(int n, enum kq_codec codec, const char *key, size_t *size)
{
	struct kq_builder b;
	uint8_t *p;
	char value[64];
	kq_builder_init(&b, 1 << 20);
	kq_builder_begin(&b, 1000);
	for (int i = 0; i < n; i++) {
		snprintf(value, sizeof value, "value-%d and what repeats", i);
		kq_builder_append(&b, 1000 + i, text(key), text(value), 0, KQ_BYTES_NULL);
	}
	kq_builder_finish(&b, &(struct kq_seal){ .codec = codec, .codec_always = true, KQ_SEAL_NO_PRODUCER }, &p, size);
	uint8_t *copy = malloc(*size);
	memcpy(copy, p, *size);
	kq_builder_deinit(&b);
	return copy;
}

#endif
