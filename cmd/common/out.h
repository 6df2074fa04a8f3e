/* A growing buffer of output: either flushed to a descriptor in large writes, or
 * kept in memory (fd -1).
 *
 * The error is sticky: after a failed write, output is dropped and err says why. */
#ifndef KQ_CMD_OUT_H
#define KQ_CMD_OUT_H

#include <string.h>

#include "kq/error.h"
#include "kq/types.h"

enum { KQ_OUT_FLUSH_SIZE = 256 * 1024 };

struct kq_out {
	char *buf;
	size_t len, cap;
	int fd;  /* -1: memory */
	int err; /* 0, KQ_ECLOSED (the reader went away), KQ_ENOSPC, KQ_EIO, KQ_ENOMEM */
};

void kq_out_init(struct kq_out *o, int fd);
void kq_out_deinit(struct kq_out *o); /* does not flush */

/* Writes what is there (memory: does nothing). 0 or the sticky error. */
int kq_out_flush(struct kq_out *o);

/* Flushes, and ends the program quietly if the reader of stdout is gone. Returns the
 * exit status: 0, or 1 with the failure told on stderr. */
int kq_out_finish(struct kq_out *o);

/* Makes room for n more bytes, flushing or growing; out of line. */
void kq_out_make_room(struct kq_out *o, size_t n);

/* Room for n bytes at the end: the caller fills them and adds to len. Always valid
 * memory, also after an error. */
static inline char *kq_out_room(struct kq_out *o, size_t n)
{
	if (__builtin_expect(o->cap - o->len < n, 0))
		kq_out_make_room(o, n);
	return o->buf + o->len;
}

static inline void kq_out_bytes(struct kq_out *o, const void *p, size_t n)
{
	if (n == 0)
		return;
	memcpy(kq_out_room(o, n), p, n);
	o->len += n;
}

static inline void kq_out_char(struct kq_out *o, char c)
{
	*kq_out_room(o, 1) = c;
	o->len++;
}

static inline void kq_out_text(struct kq_out *o, const char *s)
{
	kq_out_bytes(o, s, strlen(s));
}

/* A decimal number. */
void kq_out_int(struct kq_out *o, int64_t v);
void kq_out_hex(struct kq_out *o, const void *p, size_t n);
void kq_out_base64(struct kq_out *o, const void *p, size_t n);
void kq_out_printf(struct kq_out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What hex or base64 text stands for, appended. false: it is none (nothing appended). */
bool kq_out_unhex(struct kq_out *o, const char *p, size_t n);
bool kq_out_unbase64(struct kq_out *o, const char *p, size_t n);

#endif
