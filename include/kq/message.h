/* A record as programs see it: what a consumer hands out, what a producer takes,
 * what the formats in cmd/ read and print.
 *
 * Nothing is owned: key, value and headers point into a buffer of whoever filled
 * the struct, who says until when it is valid. Headers stay in the form in which
 * they lie in a v2 record (for each: varint length and name, varint length and
 * value, -1 null), so that passing a record on copies bytes and parses nothing. */
#ifndef KQ_MESSAGE_H
#define KQ_MESSAGE_H

#include "kq/types.h"

struct kq_message {
	struct kq_str topic;     /* len -1: the one of the caller */
	int32_t partition;       /* -1 not chosen */
	int32_t leader_epoch;    /* -1 unknown */
	int64_t offset;          /* -1 none yet */
	int64_t timestamp;       /* ms since 1970; -1 none */
	struct kq_bytes key;     /* len -1 null */
	struct kq_bytes value;   /* len -1 null */
	struct kq_bytes headers; /* encoded pairs, without the count; len 0 or -1 none */
	int32_t header_count;
	bool log_append_time;    /* timestamp is the broker's, not the producer's */
	bool control;            /* a control record: key and value are not an application's */
};

/* Everything null, -1 or false. */
#define KQ_MESSAGE_INIT ((struct kq_message){ .topic = { NULL, -1 }, .partition = -1, \
	.leader_epoch = -1, .offset = -1, .timestamp = -1, .key = { NULL, -1 }, \
	.value = { NULL, -1 }, .headers = { NULL, 0 } })

struct kq_message_header {
	struct kq_str name;    /* never null; may be empty, may repeat */
	struct kq_bytes value; /* len -1 null */
};

/* The next header of m: *pos starts at 0. Returns 1, 0 at the end, KQ_ECORRUPT.
 * *h points into m->headers. */
int kq_message_header_next(const struct kq_message *m, size_t *pos, struct kq_message_header *h);

/* Bytes that one header takes in m->headers at most. */
size_t kq_message_header_size_max(int32_t name_len, int32_t value_len);

/* Lays one header at p (room for kq_message_header_size_max) and returns the bytes
 * written. A null name is written as an empty one. */
size_t kq_message_header_write(uint8_t *p, struct kq_str name, struct kq_bytes value);

#endif
