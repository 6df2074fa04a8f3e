/* What can go wrong inside kq, and words about it.
 *
 * A function that can fail returns 0 or a negative KQ_E*. Kafka's protocol
 * error codes are another type (enum kq_kafka_error, wire/errors.h).
 *
 * Functions on open, parse and configuration paths also take an optional
 * struct kq_error: a caller-owned sentence for people. */
#ifndef KQ_ERROR_H
#define KQ_ERROR_H

enum kq_errno {
	KQ_OK = 0,
	KQ_ENOMEM = -1,      /* a size from outside could not be allocated */
	KQ_EINVAL = -2,      /* argument or configuration is wrong */
	KQ_EIO = -3,         /* read, write, sync or rename failed */
	KQ_ENOSPC = -4,      /* the disk is full */
	KQ_ECORRUPT = -5,    /* bytes are not what the format says: CRC, length, order */
	KQ_ETRUNC = -6,      /* bytes end too early */
	KQ_ELIMIT = -7,      /* a named limit would be passed */
	KQ_ENOTFOUND = -8,   /* no such thing */
	KQ_EEXIST = -9,      /* there already */
	KQ_EBUSY = -10,      /* in use, for example a locked log directory */
	KQ_EUNSUPPORTED = -11, /* a version or feature that is not there */
	KQ_ERANGE = -12,     /* an offset outside the log */
	KQ_ETIMEOUT = -13,   /* took longer than allowed */
	KQ_ECONN = -14,      /* connection refused, lost or closed */
	KQ_ECLOSED = -15,    /* the object is closed or its log directory is offline */
	KQ_EAUTH = -16,      /* not allowed */
	KQ_EDUP = -17,       /* duplicate batch of an idempotent producer */
	KQ_ESEQ = -18,       /* out-of-order sequence of an idempotent producer */
	KQ_EFENCED = -19,    /* an older epoch: producer or leader */
	KQ_ETOOBIG = -20,    /* record or batch larger than the topic allows */
	KQ_ERECORD = -21,    /* a record breaks the topic's rules */
	KQ_ETIMESTAMP = -22, /* timestamp outside message.timestamp.*.max.ms */
	KQ_EAGAIN = -23,     /* nothing now; try again */
	KQ_EPROTO = -24,     /* the peer said something that makes no sense */
	KQ_EKAFKA = -25,     /* the broker answered with an error code; see its text */
};

/* A sentence for people; a string always ends with NUL. */
struct kq_error {
	int code;       /* KQ_E*, 0 none */
	char text[508]; /* no newline, no final stop */
};

/* Sets *e (if not NULL) by printf rules and returns code. */
int kq_error_set(struct kq_error *e, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text of *e; returns e->code. */
int kq_error_prefix(struct kq_error *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Short fixed words for a KQ_E*, never NULL. */
const char *kq_strerror(int code);

/* The KQ_E* for an errno value: ENOSPC and EDQUOT to KQ_ENOSPC, ENOENT to
 * KQ_ENOTFOUND, ENOMEM to KQ_ENOMEM, .. anything else to KQ_EIO. */
int kq_errno_from(int sys_errno);

#endif
