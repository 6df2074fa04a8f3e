/* Memory for one request: many small allocations, freed at once.
 *
 * Used by decoders, whose sizes come from the network: the arena has a limit
 * and refuses to pass it. One thread at a time. */
#ifndef KQ_BASE_ARENA_H
#define KQ_BASE_ARENA_H

#include "kq/types.h"

struct kq_arena {
	struct kq_arena_block *head; /* newest block */
	size_t used;                 /* bytes handed out and block overhead */
	size_t limit;                /* bytes at most */
};

/* An empty arena of up to limit bytes; allocates nothing yet. */
void kq_arena_init(struct kq_arena *a, size_t limit);

/* Frees everything that was handed out. */
void kq_arena_deinit(struct kq_arena *a);

/* Forgets everything handed out and keeps one block for reuse. */
void kq_arena_reset(struct kq_arena *a);

/* n zeroed bytes aligned for any type, or NULL if memory or the limit is
 * exhausted. n = 0 gives a valid pointer. */
void *kq_arena_alloc(struct kq_arena *a, size_t n);

/* count * size zeroed bytes, or NULL (also when the product overflows). */
void *kq_arena_array(struct kq_arena *a, size_t count, size_t size);

/* A copy of s, NUL-terminated; s null gives NULL. */
char *kq_arena_strdup(struct kq_arena *a, struct kq_str s);

/* printf into the arena; NULL if memory or the limit is exhausted. */
char *kq_arena_printf(struct kq_arena *a, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
