/* Memory in two kinds.
 *
 * kq_malloc and its kin are for small allocations of fixed size: failure
 * aborts the process here, in one place. kq_try_malloc and its kin are for
 * sizes that come from outside: the caller has checked them against a named
 * limit and handles NULL. Tests make the n-th kq_try_* fail. Free with free(). */
#ifndef KQ_BASE_ALLOC_H
#define KQ_BASE_ALLOC_H

#include <stddef.h>

void *kq_malloc(size_t n) __attribute__((malloc, returns_nonnull));
void *kq_calloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *kq_realloc(void *p, size_t n) __attribute__((returns_nonnull));
char *kq_strdup(const char *s) __attribute__((malloc, returns_nonnull));
char *kq_strndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));

void *kq_try_malloc(size_t n);
void *kq_try_calloc(size_t count, size_t size);
void *kq_try_realloc(void *p, size_t n);

/* Test hook: the n-th kq_try_* from now (1 = the next) and, if sticky, all
 * after it return NULL; 0 switches it off. Not thread-safe. */
void kq_alloc_fail_at(long n, int sticky);

#endif
