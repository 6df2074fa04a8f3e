/* Which records: a place to begin and perhaps one to end, as after -o.
 *
 *	start  end  N  +N (from the start)  -N (the last N)  @TIME
 *	FROM:TO with any of these on either side or none; TO is not included */
#ifndef KQ_CMD_RANGE_H
#define KQ_CMD_RANGE_H

#include "options.h"

enum kq_bound_kind {
	KQ_BOUND_NONE,       /* nothing said: from the start, or no end */
	KQ_BOUND_START,
	KQ_BOUND_END,
	KQ_BOUND_OFFSET,     /* v */
	KQ_BOUND_FROM_START, /* v records after the start */
	KQ_BOUND_FROM_END,   /* v records before the end */
	KQ_BOUND_TIME,       /* the first record of that time (ms) or later */
};

struct kq_bound {
	enum kq_bound_kind kind;
	int64_t v;
};

struct kq_range {
	struct kq_bound from, to;
};

/* now_ms: what @-1h counts from. KQ_EINVAL with words. */
int kq_range_parse(struct kq_range *r, const char *text, int64_t now_ms, struct kq_error *e);

/* For option tables: the member at o->at is a struct kq_range. */
int kq_range_option(const struct kq_opt *o, const char *value, void *config, struct kq_error *e);

#endif
