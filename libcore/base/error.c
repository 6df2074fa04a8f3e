#include "kq/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int kq_error_set(struct kq_error *e, int code, const char *fmt, ...)
{
	if (!e)
		return code;
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	e->code = code;
	return code;
}

int kq_error_prefix(struct kq_error *e, const char *fmt, ...)
{
	if (!e)
		return KQ_OK;
	char whole[2 * sizeof e->text];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(whole, sizeof e->text, fmt, ap);
	va_end(ap);
	if (n < 0 || n >= (int)sizeof e->text)
		n = (int)sizeof e->text - 1;
	snprintf(whole + n, sizeof whole - (size_t)n, ": %s", e->text);
	whole[sizeof e->text - 1] = '\0';
	memcpy(e->text, whole, sizeof e->text);
	return e->code;
}

const char *kq_strerror(int code)
{
	switch ((enum kq_errno)code) {
	case KQ_OK: return "no error";
	case KQ_ENOMEM: return "out of memory";
	case KQ_EINVAL: return "invalid argument";
	case KQ_EIO: return "input/output error";
	case KQ_ENOSPC: return "no space left on device";
	case KQ_ECORRUPT: return "corrupt data";
	case KQ_ETRUNC: return "data ends too early";
	case KQ_ELIMIT: return "limit exceeded";
	case KQ_ENOTFOUND: return "not found";
	case KQ_EEXIST: return "exists already";
	case KQ_EBUSY: return "in use";
	case KQ_EUNSUPPORTED: return "not supported";
	case KQ_ERANGE: return "offset out of range";
	case KQ_ETIMEOUT: return "timed out";
	case KQ_ECONN: return "connection failed";
	case KQ_ECLOSED: return "closed or offline";
	case KQ_EAUTH: return "not allowed";
	case KQ_EDUP: return "duplicate batch";
	case KQ_ESEQ: return "out of order sequence number";
	case KQ_EFENCED: return "fenced by a newer epoch";
	case KQ_ETOOBIG: return "record or batch too large";
	case KQ_ERECORD: return "invalid record";
	case KQ_ETIMESTAMP: return "timestamp out of bounds";
	case KQ_EAGAIN: return "try again";
	case KQ_EPROTO: return "protocol error";
	case KQ_EKAFKA: return "refused by the broker";
	}
	return "unknown error";
}

int kq_errno_from(int sys_errno)
{
	switch (sys_errno) {
	case 0: return KQ_OK;
	case ENOMEM: return KQ_ENOMEM;
	case EINVAL: return KQ_EINVAL;
	case ENOSPC:
	case EDQUOT: return KQ_ENOSPC;
	case ENOENT: return KQ_ENOTFOUND;
	case EEXIST: return KQ_EEXIST;
	case EACCES:
	case EPERM: return KQ_EAUTH;
	case EMFILE: /* out of descriptors: no sign that a disk fails */
	case ENFILE:
	case EAGAIN: return KQ_EAGAIN;
	case ETIMEDOUT: return KQ_ETIMEOUT;
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
	case EHOSTUNREACH: return KQ_ECONN;
	default: return KQ_EIO;
	}
}
