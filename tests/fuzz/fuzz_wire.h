/* What the wire fuzzers share: whatever is decoded can be printed and encoded,
 * and what was encoded decodes to the same. */
#ifndef KQ_FUZZ_WIRE_H
#define KQ_FUZZ_WIRE_H

#include <stdlib.h>

#include "base/arena.h"
#include "wire/api.h"
#include "wire/schema.h"

enum { FUZZ_ARENA = 8 << 20, FUZZ_WRITER = 64 << 20 };

#define must(ok) \
	do { \
		if (!(ok)) \
			abort(); \
	} while (0)

/* Encodes what is in r at this version; NULL if r does not decode. */
static inline uint8_t *fuzz_again(const struct kq_schema *s, int version, struct kq_reader *r,
				  size_t arena, size_t *n)
{
	struct kq_arena a;
	struct kq_writer w;
	void *msg = calloc(1, s->size);
	kq_arena_init(&a, arena);
	kq_writer_init(&w, FUZZ_WRITER);
	int rc = kq_wire_decode(s, version, r, &a, msg);
	must(rc <= 0 && rc == r->err);
	if (rc == 0) {
		must(kq_wire_print(s, version, msg, &w) == 0);
		kq_writer_reset(&w);
		must(kq_wire_encode(s, version, &w, msg, NULL) == 0);
		must(kq_writer_reserve(&w, 1)); /* a buffer, even for no bytes */
	}
	free(msg);
	kq_arena_deinit(&a);
	return kq_writer_take(&w, n);
}

static inline void fuzz_message(const struct kq_schema *s, int version, struct kq_reader *r)
{
	struct kq_reader inner;
	size_t n, again_n;
	uint8_t *p = fuzz_again(s, version, r, FUZZ_ARENA, &n);
	if (!p)
		return;
	kq_reader_init(&inner, p, n);
	uint8_t *again = fuzz_again(s, version, &inner, 2 * FUZZ_ARENA, &again_n);
	must(again && kq_reader_left(&inner) == 0);
	must(again_n == n && memcmp(again, p, n) == 0);
	free(again);
	free(p);
}

/* Takes a version of s from a byte. */
static inline int fuzz_version(const struct kq_schema *s, uint8_t byte)
{
	return s->min + byte % (s->max - s->min + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#endif
