/* How records are printed. */
#ifndef KQ_CONSUME_PRINT_H
#define KQ_CONSUME_PRINT_H

#include "common/format.h"
#include "common/out.h"
#include "kq/consumer.h"
#include "match.h"

enum print_mode { PRINT_VALUES, PRINT_FORMAT, PRINT_JSON, PRINT_FRAMES, PRINT_TERMINAL };

struct printer {
	enum print_mode mode;
	struct kq_out out;
	const char *delim;
	size_t delim_n;
	const char *null_text;
	struct kq_format *format;
	const struct match *match; /* NULL: all */
	uint64_t left;             /* records that may still be printed */
	bool colour;               /* PRINT_TERMINAL: dim keys */
};

/* Prints a run and flushes. 0; KQ_ECLOSED if stdout is gone or failed (out.err says
 * which); another KQ_E* from the run, with words from kq_fetched_error. */
int print_run(struct printer *p, struct kq_fetched *f);

#endif
