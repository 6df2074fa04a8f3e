/* RANGE of --offset: where to begin and where to stop. */
#ifndef KQ_CONSUME_RANGE_H
#define KQ_CONSUME_RANGE_H

#include "kq/consumer.h"

/* `start`, `end`, `-N`, `+N`, `N`, `A:B`, `:end`, `@TIME`, `@TIME:@TIME`, `@-1h:`. A
 * missing half is the start or, after the colon, no end. KQ_EINVAL with words. */
int kq_range_parse(const char *text, struct kq_position *from, struct kq_position *to,
		   struct kq_error *e);

#endif
