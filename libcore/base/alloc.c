#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static long fail_countdown; /* 0 off; test hook only */
static int fail_sticky;

void kq_alloc_fail_at(long n, int sticky)
{
	fail_countdown = n;
	fail_sticky = sticky;
}

static int fail_now(void)
{
	if (fail_countdown == 0)
		return 0;
	if (fail_countdown == 1) {
		if (!fail_sticky)
			fail_countdown = 0;
		return 1;
	}
	fail_countdown--;
	return 0;
}

static void *or_abort(void *p)
{
	if (!p)
		abort();
	return p;
}

void *kq_malloc(size_t n)
{
	return or_abort(malloc(n ? n : 1));
}

void *kq_calloc(size_t count, size_t size)
{
	return or_abort(calloc(count ? count : 1, size ? size : 1));
}

void *kq_realloc(void *p, size_t n)
{
	return or_abort(realloc(p, n ? n : 1));
}

char *kq_strdup(const char *s)
{
	return or_abort(strdup(s));
}

char *kq_strndup(const char *s, size_t n)
{
	char *p = kq_malloc(n + 1);
	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

void *kq_try_malloc(size_t n)
{
	return fail_now() ? NULL : malloc(n ? n : 1);
}

void *kq_try_calloc(size_t count, size_t size)
{
	return fail_now() ? NULL : calloc(count ? count : 1, size ? size : 1);
}

void *kq_try_realloc(void *p, size_t n)
{
	return fail_now() ? NULL : realloc(p, n ? n : 1);
}
