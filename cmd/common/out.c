#include "out.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report.h"

void kq_out_init(struct kq_out *o, int fd)
{
	*o = (struct kq_out){ .fd = fd };
}

void kq_out_deinit(struct kq_out *o)
{
	free(o->buf);
	kq_out_init(o, -1);
}

static void fail(struct kq_out *o, int err)
{
	if (!o->err)
		o->err = err;
}

int kq_out_flush(struct kq_out *o)
{
	if (o->fd < 0)
		return o->err;
	size_t done = 0;
	while (done < o->len && !o->err) {
		ssize_t n = write(o->fd, o->buf + done, o->len - done);
		if (n >= 0) {
			done += (size_t)n;
		} else if (errno == EAGAIN) {
			/* stdout shared with somebody who made it non-blocking. */
			poll(&(struct pollfd){ .fd = o->fd, .events = POLLOUT }, 1, -1);
		} else if (errno != EINTR) {
			fail(o, errno == EPIPE ? KQ_ECLOSED : kq_errno_from(errno));
		}
	}
	o->len = 0;
	return o->err;
}

int kq_out_finish(struct kq_out *o)
{
	int err = kq_out_flush(o);
	if (err == KQ_ECLOSED)
		kq_report_die_of_pipe();
	if (err != 0)
		kq_report("cannot write the output: %s", kq_strerror(err));
	return err ? KQ_EXIT_FAILED : KQ_EXIT_DONE;
}

void kq_out_make_room(struct kq_out *o, size_t n)
{
	if (o->fd >= 0 && o->len > 0)
		kq_out_flush(o);
	if (o->err && o->fd < 0)
		o->len = 0;
	if (o->cap - o->len >= n)
		return;
	size_t cap = o->cap ? o->cap : o->fd >= 0 ? KQ_OUT_FLUSH_SIZE : 512;
	while (cap - o->len < n) {
		if (cap > SIZE_MAX / 2)
			abort();
		cap *= 2;
	}
	char *grown = realloc(o->buf, cap);
	if (!grown) {
		fprintf(stderr, "out of memory\n");
		abort();
	}
	o->buf = grown;
	o->cap = cap;
}

void kq_out_int(struct kq_out *o, int64_t v)
{
	static const char PAIRS[] =
		"00010203040506070809101112131415161718192021222324"
		"25262728293031323334353637383940414243444546474849"
		"50515253545556575859606162636465666768697071727374"
		"75767778798081828384858687888990919293949596979899";
	char text[24], *p = text + sizeof text;
	uint64_t u = v < 0 ? ~(uint64_t)v + 1 : (uint64_t)v;
	for (; u >= 100; u /= 100) {
		p -= 2;
		memcpy(p, PAIRS + u % 100 * 2, 2);
	}
	if (u >= 10) {
		p -= 2;
		memcpy(p, PAIRS + u * 2, 2);
	} else {
		*--p = (char)('0' + u);
	}
	if (v < 0)
		*--p = '-';
	kq_out_bytes(o, p, (size_t)(text + sizeof text - p));
}

void kq_out_hex(struct kq_out *o, const void *bytes, size_t n)
{
	static const char DIGITS[] = "0123456789abcdef";
	const uint8_t *p = bytes;
	char *to = kq_out_room(o, 2 * n);
	for (size_t i = 0; i < n; i++) {
		*to++ = DIGITS[p[i] >> 4];
		*to++ = DIGITS[p[i] & 15];
	}
	o->len += 2 * n;
}

void kq_out_base64(struct kq_out *o, const void *bytes, size_t n)
{
	static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *p = bytes;
	size_t size = (n + 2) / 3 * 4;
	char *to = kq_out_room(o, size);
	for (; n >= 3; n -= 3, p += 3) {
		uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
		*to++ = DIGITS[v >> 18];
		*to++ = DIGITS[v >> 12 & 63];
		*to++ = DIGITS[v >> 6 & 63];
		*to++ = DIGITS[v & 63];
	}
	if (n > 0) {
		uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0);
		*to++ = DIGITS[v >> 18];
		*to++ = DIGITS[v >> 12 & 63];
		*to++ = n > 1 ? DIGITS[v >> 6 & 63] : '=';
		*to = '=';
	}
	o->len += size;
}

void kq_out_printf(struct kq_out *o, const char *fmt, ...)
{
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n > 0) {
		vsnprintf(kq_out_room(o, (size_t)n + 1), (size_t)n + 1, fmt, again);
		o->len += (size_t)n;
	}
	va_end(again);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool kq_out_unhex(struct kq_out *o, const char *p, size_t n)
{
	if (n % 2)
		return false;
	char *to = kq_out_room(o, n / 2);
	for (size_t i = 0; i < n; i += 2) {
		int hi = hex_digit(p[i]), lo = hex_digit(p[i + 1]);
		if (hi < 0 || lo < 0)
			return false;
		*to++ = (char)(hi << 4 | lo);
	}
	o->len += n / 2;
	return true;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool kq_out_unbase64(struct kq_out *o, const char *p, size_t n)
{
	while (n > 0 && p[n - 1] == '=')
		n--;
	if (n % 4 == 1)
		return false;
	char *start = kq_out_room(o, n / 4 * 3 + 3), *to = start;
	uint32_t v = 0;
	for (size_t i = 0; i < n; i++) {
		int d = base64_digit(p[i]);
		if (d < 0)
			return false;
		v = v << 6 | (uint32_t)d;
		if (i % 4 == 3) {
			*to++ = (char)(v >> 16);
			*to++ = (char)(v >> 8);
			*to++ = (char)v;
			v = 0;
		}
	}
	if (n % 4 == 2) {
		*to++ = (char)(v >> 4);
	} else if (n % 4 == 3) {
		*to++ = (char)(v >> 10);
		*to++ = (char)(v >> 2);
	}
	o->len += (size_t)(to - start);
	return true;
}
