/* Printing what lies in Kafka's files. */
#ifndef KQ_DUMP_SEGMENT_DUMP_H
#define KQ_DUMP_SEGMENT_DUMP_H

#include "common/format.h"
#include "common/out.h"
#include "common/range.h"
#include "kq/segment.h"

enum dump_decode { DECODE_AUTO, DECODE_NONE, DECODE_OFFSETS, DECODE_TRANSACTIONS };

struct dump_config {
	struct kq_common common;
	bool records, json, verify;
	const char *format_text, *null_text;
	struct kq_range range;
	int decode;                /* enum dump_decode */
	struct kq_format *format;  /* NULL none */
	struct kq_out out;
	int status;                /* what main returns: 1 once something failed */
};

/* One file of any kind; what goes wrong is told and noted in c->status. */
void dump_file(struct dump_config *c, const char *path);

/* The batches (and records) of a .log; dump_log.c. */
void dump_log(struct dump_config *c, const char *path, int64_t base);

/* Whether output can go on: the reader of stdout is there. */
bool dump_goes_on(struct dump_config *c);

/* Tells that path cannot be read, with the words of e. */
void dump_failed(struct dump_config *c, const char *path, const struct kq_error *e);

#endif
