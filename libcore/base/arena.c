#include "base/arena.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

enum { BLOCK_MIN = 2048 };

struct kq_arena_block {
	struct kq_arena_block *next;
	size_t used, cap; /* of data */
	_Alignas(max_align_t) uint8_t data[];
};

void kq_arena_init(struct kq_arena *a, size_t limit)
{
	*a = (struct kq_arena){ .limit = limit };
}

static void free_blocks(struct kq_arena_block *b)
{
	while (b) {
		struct kq_arena_block *next = b->next;
		free(b);
		b = next;
	}
}

void kq_arena_deinit(struct kq_arena *a)
{
	free_blocks(a->head);
	*a = (struct kq_arena){ .limit = a->limit };
}

void kq_arena_reset(struct kq_arena *a)
{
	struct kq_arena_block *keep = a->head;
	if (!keep)
		return;
	free_blocks(keep->next);
	keep->next = NULL;
	keep->used = 0;
	a->used = keep->cap;
}

static struct kq_arena_block *add_block(struct kq_arena *a, size_t n)
{
	size_t cap = n > BLOCK_MIN ? n : BLOCK_MIN;
	if (a->limit - a->used < n || a->used > a->limit)
		return NULL;
	if (cap > a->limit - a->used)
		cap = n;
	struct kq_arena_block *b = kq_try_malloc(sizeof *b + cap);
	if (!b)
		return NULL;
	b->used = 0;
	b->cap = cap;
	b->next = a->head;
	a->head = b;
	a->used += cap;
	return b;
}

void *kq_arena_alloc(struct kq_arena *a, size_t n)
{
	const size_t align = _Alignof(max_align_t);
	if (n > SIZE_MAX - align)
		return NULL;
	n = (n + align - 1) & ~(align - 1);
	struct kq_arena_block *b = a->head;
	if (!b || b->cap - b->used < n) {
		b = add_block(a, n);
		if (!b)
			return NULL;
	}
	void *p = b->data + b->used;
	b->used += n;
	assert(b->used <= b->cap);
	return memset(p, 0, n);
}

void *kq_arena_array(struct kq_arena *a, size_t count, size_t size)
{
	size_t n;
	if (__builtin_mul_overflow(count, size, &n))
		return NULL;
	return kq_arena_alloc(a, n);
}

char *kq_arena_strdup(struct kq_arena *a, struct kq_str s)
{
	if (s.len < 0)
		return NULL;
	char *p = kq_arena_alloc(a, (size_t)s.len + 1);
	if (p && s.len)
		memcpy(p, s.p, (size_t)s.len);
	return p;
}

char *kq_arena_printf(struct kq_arena *a, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *p = n < 0 ? NULL : kq_arena_alloc(a, (size_t)n + 1);
	if (p)
		vsnprintf(p, (size_t)n + 1, fmt, again);
	va_end(again);
	return p;
}
