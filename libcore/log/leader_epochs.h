/* Which leader epoch wrote which offsets: a small sorted list, kept in
 * leader-epoch-checkpoint (LOG_FORMAT section 4).
 *
 * Changes touch memory only and mark the list dirty; kq_leader_epochs_flush()
 * writes the file, so that a replay costs one write. Not thread-safe: under the
 * log's lock. */
#ifndef KQ_LOG_LEADER_EPOCHS_H
#define KQ_LOG_LEADER_EPOCHS_H

#include "kq/error.h"
#include "kq/types.h"

struct kq_epoch_entry {
	int64_t start; /* first offset of the epoch */
	int32_t epoch;
};

struct kq_leader_epochs {
	const char *dir; /* borrowed: the partition's directory */
	struct kq_epoch_entry *entries; /* ascending in both fields */
	uint32_t count, cap;
	bool dirty;
};

/* An empty list of the partition directory dir, which outlives it. */
void kq_leader_epochs_init(struct kq_leader_epochs *l, const char *dir);
void kq_leader_epochs_deinit(struct kq_leader_epochs *l);

/* Reads the file; a missing or empty one is an empty list. KQ_ECORRUPT with words:
 * the list is then empty and dirty, and the caller rebuilds it or gives up. */
int kq_leader_epochs_load(struct kq_leader_epochs *l, struct kq_error *e);

/* Writes the file if the list is dirty, durably. */
int kq_leader_epochs_flush(struct kq_leader_epochs *l);

/* Epoch begins at start. Entries with the same or a higher epoch or start go. No
 * change if it is the latest epoch already and began no later. epoch, start >= 0,
 * else KQ_EINVAL. */
int kq_leader_epochs_assign(struct kq_leader_epochs *l, int32_t epoch, int64_t start);

/* The log now ends at end: entries that start there or later go. */
void kq_leader_epochs_truncate_end(struct kq_leader_epochs *l, int64_t end);

/* The log now begins at start: the epoch of start begins there, older ones go. */
void kq_leader_epochs_truncate_start(struct kq_leader_epochs *l, int64_t start);

void kq_leader_epochs_clear(struct kq_leader_epochs *l);

int32_t kq_leader_epochs_latest(const struct kq_leader_epochs *l); /* -1 none */

/* Epoch that offset lies in: that of the last entry that starts at or before; -1. */
int32_t kq_leader_epochs_at(const struct kq_leader_epochs *l, int64_t offset);

/* OffsetForLeaderEpoch: the largest epoch <= epoch that is known and the offset
 * where the next one begins (log_end for the latest). An epoch older than all known
 * is answered with itself and the first start; a newer one, or no list, with -1, -1. */
void kq_leader_epochs_end(const struct kq_leader_epochs *l, int32_t epoch, int64_t log_end,
			  int32_t *found, int64_t *end);

#endif
