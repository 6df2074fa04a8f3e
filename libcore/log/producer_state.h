/* What a log knows of the producers that wrote into it: sequence numbers of
 * idempotent producers, open transactions, the first unstable offset.
 *
 * Sources: PROTOCOL sections 10 and 11, LOG_FORMAT sections 4 and 5. Not
 * thread-safe: called under the log's lock. A known producer costs about 200 bytes
 * and no allocation per batch; an empty state costs nothing beyond the struct. */
#ifndef KQ_LOG_PRODUCER_STATE_H
#define KQ_LOG_PRODUCER_STATE_H

#include "log/log.h"
#include "record/batch.h"

enum { KQ_PRODUCER_WINDOW = 5 }; /* batches remembered per producer */

/* One remembered batch. */
struct kq_producer_batch {
	int64_t last_offset;
	int64_t timestamp; /* its max timestamp */
	int32_t last_sequence;
	int32_t offset_delta; /* last offset - first; also last - first sequence */
};

/* One producer. Newest batch last; count 0 after a marker of a new epoch. */
struct kq_producer {
	int64_t id;
	int64_t last_timestamp;   /* of its last data batch or marker */
	int64_t txn_first_offset; /* of the open transaction, -1 none */
	int32_t coordinator_epoch; /* of its last marker, -1 none */
	int16_t epoch;
	uint8_t count;
	struct kq_producer_batch batches[KQ_PRODUCER_WINDOW];
};

/* A transaction by the offset it begins at, and where its marker stands. */
struct kq_txn_span {
	int64_t producer_id;
	int64_t first_offset;
	int64_t last_offset; /* of the marker; unused while open */
};

struct kq_producer_state {
	struct kq_producer **slots; /* open addressing by id; cap is a power of two */
	uint32_t cap, count;
	struct kq_txn_span *open;   /* ascending by first offset */
	struct kq_txn_span *closed; /* ended, marker not yet below hw; ascending marker */
	uint32_t open_count, open_cap, closed_count, closed_cap;
	int64_t hw;                 /* markers below are settled */
};

/* Knows no producer; allocates nothing. */
void kq_producer_state_init(struct kq_producer_state *s);
void kq_producer_state_deinit(struct kq_producer_state *s);

/* Forgets all producers and transactions, and the high watermark. */
void kq_producer_state_clear(struct kq_producer_state *s);

/* May the leader append this client's data batch (header fields as sent)? Batches
 * without a producer id always may. No change of state.
 *   0            append it
 *   KQ_EDUP      it is one of the producer's last five: *dup (may be NULL) tells
 *                where (first offset = last_offset - offset_delta) and when
 *   KQ_EFENCED   its epoch is older than the producer's
 *   KQ_ESEQ      out of order: a gap, older than the window, or a new epoch that
 *                does not begin at 0
 *   KQ_ERECORD   sequence or epoch negative, or not transactional while the
 *                producer's transaction is open */
int kq_producer_state_check(const struct kq_producer_state *s, const struct kq_batch *b,
			    struct kq_producer_batch *dup);

/* Takes note of a batch that stands in the log, in offset order: after an append
 * and in replay. Its base offset is set. Batches without producer id are ignored.
 * A control batch must be there whole (b->bytes, b->size), of others the header.
 *   0            noted
 *   1            an abort marker ended an open transaction: *aborted belongs into
 *                the transaction index of the segment that has the marker
 *   KQ_ECORRUPT  the control record makes no sense; nothing changed */
int kq_producer_state_update(struct kq_producer_state *s, const struct kq_batch *b,
			     struct kq_aborted_txn *aborted);

/* The high watermark moved (never back): ended transactions below it are settled.
 * In a replay, call it first, so that settled ones are not kept at all. */
void kq_producer_state_advance(struct kq_producer_state *s, int64_t hw);

/* First offset of the earliest transaction that is open or whose marker is not
 * below the high watermark told last; -1 if there is none. Constant time. */
int64_t kq_producer_state_first_unstable(const struct kq_producer_state *s);

/* Has the producer an open transaction? */
bool kq_producer_state_in_txn(const struct kq_producer_state *s, int64_t producer_id);

/* Forgets producers without an open transaction whose last timestamp is at least
 * expiration_ms before now_ms; returns how many. */
int kq_producer_state_expire(struct kq_producer_state *s, int64_t now_ms,
			     int64_t expiration_ms);

/* All producers, for DescribeProducers; caller frees *v (NULL if none). KQ_ENOMEM. */
int kq_producer_state_list(const struct kq_producer_state *s, struct kq_producer_info **v,
			   int *n);

/* Walks the producers in no order: *i starts at 0; NULL at the end. */
const struct kq_producer *kq_producer_state_next(const struct kq_producer_state *s, uint32_t *i);

/* Puts in a producer as a snapshot has it (only its last batch). KQ_EEXIST if the
 * id is there already. */
int kq_producer_state_restore(struct kq_producer_state *s, const struct kq_producer *p);

#endif
