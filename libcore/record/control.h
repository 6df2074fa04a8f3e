/* Control records: what a transaction's end looks like in the log. */
#ifndef KQ_RECORD_CONTROL_H
#define KQ_RECORD_CONTROL_H

#include "record/record.h"

enum kq_control_type {
	KQ_CONTROL_ABORT = 0,
	KQ_CONTROL_COMMIT = 1,
	/* 2 to 6 belong to KRaft; readers skip what they do not know. */
};

enum { KQ_CONTROL_BATCH_SIZE = 78 };

struct kq_control {
	int16_t type;              /* enum kq_control_type, or one that is not known */
	int32_t coordinator_epoch; /* -1 where the type is not known */
};

/* Parses the key and value of a control record. KQ_ECORRUPT. */
int kq_control_parse(const struct kq_record *rec, struct kq_control *c);

/* The same from a whole control batch (all its bytes; CRC not looked at). */
int kq_control_parse_batch(const struct kq_batch *b, struct kq_control *c);

/* Lays a whole marker batch of one record at p: offset, leader epoch, CRC and all
 * (LOG_FORMAT section 1). timestamp: the leader's clock, ms. */
struct kq_control_marker {
	int64_t offset;
	int32_t leader_epoch;
	int64_t timestamp;
	int64_t producer_id;
	int16_t producer_epoch;
	enum kq_control_type type;
	int32_t coordinator_epoch;
};
void kq_control_build(uint8_t p[KQ_CONTROL_BATCH_SIZE], const struct kq_control_marker *m);

#endif
