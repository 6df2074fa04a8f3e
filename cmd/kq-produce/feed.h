/* From input to producer: reads blocks, finds records, sends them. */
#ifndef KQ_PRODUCE_FEED_H
#define KQ_PRODUCE_FEED_H

#include <signal.h>

#include "config.h"
#include "fate.h"

struct feed {
	const struct config *c;
	struct fate *fate;
	struct kq_producer *producer;
	struct kq_producer_topic *topic, *dead_letter;
	struct kq_message like;    /* what all records have in common */
	bool whole_blocks;         /* plain lines: a block at a time */

	const char *file;          /* being read, for messages */
	uint64_t records;          /* read so far; the next one's tag is one more */
	uint64_t file_start;       /* records before this file */
	uint64_t skipped, dead;
	bool stop;                 /* no more input is taken: bad record, failure, signal */
	bool bad;                  /* a bad record was the reason */
	bool discarding;           /* inside a line that is longer than anything may be */
	bool tee_gone;

	char *buf;                 /* block; bytes [0, len) */
	size_t len, cap;
	struct kq_out scratch, headers;
	int64_t begun_us;          /* for --rate */
	int64_t told_ms;           /* last progress */
	int64_t trouble_ms;        /* when the present trouble was first seen; 0 none */
	bool mentioned;
};

extern volatile sig_atomic_t signalled; /* the signal's number, 0 none */

void feed_init(struct feed *f, const struct config *c, struct fate *fate, struct kq_producer *p,
	       struct kq_producer_topic *t);
void feed_deinit(struct feed *f);

/* Reads fd to its end (or until something stops it). false: told on stderr that it
 * cannot be read. */
bool feed_file(struct feed *f, int fd, const char *name);

/* Keeps what is left of fd for --undelivered. */
void feed_keep_rest(struct feed *f, int fd);

/* Progress and trouble on stderr, not more often than makes sense. */
void feed_talk(struct feed *f, bool last);

/* "line 7" or "access.log line 7" for the record with this tag. */
const char *feed_place(const struct feed *f, uint64_t tag, char *buf, size_t n);

/* records.c: takes records from p; the bytes used. last: nothing follows. */
size_t feed_records(struct feed *f, const char *p, size_t n, bool last);
/* A record that can never be sent. */
void feed_bad(struct feed *f, const char *p, size_t n, const char *reason);

#endif
