/* What a broker asks of a batch from a client, in two steps: the header and CRC of
 * every batch; the records only where a topic's configuration demands it. */
#ifndef KQ_RECORD_VALIDATE_H
#define KQ_RECORD_VALIDATE_H

#include "record/record.h"

struct kq_error;

/* A topic's rules. */
struct kq_batch_rules {
	int32_t size_max;         /* max.message.bytes */
	bool need_key;            /* compacted: a record without key is refused */
	bool log_append_time;     /* timestamps are the broker's: bounds do not count */
	int64_t now_ms;           /* wall clock, for the bounds */
	int64_t before_max_ms;    /* message.timestamp.before.max.ms; INT64_MAX: no bound */
	int64_t after_max_ms;     /* message.timestamp.after.max.ms; INT64_MAX: no bound */
};

/* Checks what one Produce partition holds, n bytes: one batch of magic 2, whole,
 * right CRC, base offset 0, count = last offset delta + 1 > 0, no control batch, a
 * known codec, a sequence where there is a producer id, size and max timestamp
 * within the rules. *b is then its header; bytes behind the batch (b->size < n)
 * are to be ignored. The records are not looked at. A transactional batch is
 * accepted: whether it may be is not to be seen here.
 *
 * KQ_ECORRUPT (CRC, magic, length), KQ_ETOOBIG, KQ_ETIMESTAMP, or KQ_ERECORD for
 * all else; *e (may be NULL) says why. Cost: one CRC over the batch. */
int kq_batch_validate_client(const uint8_t *bytes, size_t n, const struct kq_batch_rules *rules,
			     struct kq_batch *b, struct kq_error *e);

/* Whether the rules need the records to be looked at. */
static inline bool kq_batch_rules_deep(const struct kq_batch_rules *r)
{
	return r->need_key || (!r->log_append_time && (r->before_max_ms != INT64_MAX ||
						       r->after_max_ms != INT64_MAX));
}

/* Walks the records of a batch that passed the above: each parses, offset deltas
 * count 0, 1, 2, .., keys and timestamps follow the rules. scratch as in
 * kq_batch_inflate; what inflates beyond its limit is KQ_ETOOBIG. *bad (may be
 * NULL): number of the offending record in the batch, -1 if it is not one record.
 * KQ_ERECORD, KQ_ETIMESTAMP, KQ_ETOOBIG, KQ_ENOMEM. */
int kq_batch_validate_records(const struct kq_batch *b, const struct kq_batch_rules *rules,
			      struct kq_writer *scratch, int32_t *bad, struct kq_error *e);

#endif
