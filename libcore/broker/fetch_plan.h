/* The partitions of one Fetch and what was found for each: the reading half of
 * fetch.c. Used on one thread. */
#ifndef KQ_BROKER_FETCH_PLAN_H
#define KQ_BROKER_FETCH_PLAN_H

#include "broker/fetch_session.h"
#include "broker/partition.h"
#include "broker/request.h"

struct kq_fetch_part {
	struct kq_str topic;      /* as the request or session names it */
	struct kq_uuid topic_id;
	int32_t partition, current_leader_epoch, last_fetched_epoch, max_bytes;
	int64_t fetch_offset;
	struct kq_fetch_entry *entry; /* of the session, or NULL */
	struct kq_partition *p;       /* a reference, or NULL: unknown */
	/* found by kq_fetch_plan_read: */
	int16_t error;
	int64_t high_watermark, stable, log_start; /* -1 with an error */
	int64_t upper;                /* reads end below it */
	int32_t diverging_epoch;      /* -1 none */
	int64_t diverging_end;
	struct kq_log_slice slice;    /* size 0: nothing */
};

struct kq_fetch_plan {
	struct kq_fetch_part *parts;
	int count;
	bool committed;   /* isolation: read_committed */
	int32_t bytes_max, bytes_min;
	/* found: */
	int64_t bytes;
	int with_bytes;   /* parts that have a slice */
	bool at_once;     /* an error, a divergence or an older segment: do not wait */
};

enum { KQ_FETCH_SLICES_MAX = 2000 }; /* by answer; chunks are bounded */

/* Lists the partitions of the session, or of the request if there is none, and looks
 * them up. KQ_ENOMEM. */
int kq_fetch_plan_make(struct kq_fetch_plan *plan, struct kq_request *req,
		       struct kq_fetch_session *session);

/* Looks what there is to send, in order, within the limits. Again after _drop. */
void kq_fetch_plan_read(struct kq_fetch_plan *plan, struct kq_request *req);
/* Releases the slices that were found. */
void kq_fetch_plan_drop(struct kq_fetch_plan *plan);
/* Gives the references to partitions back. */
void kq_fetch_plan_deinit(struct kq_fetch_plan *plan);

#endif
