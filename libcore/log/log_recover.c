/* Recovery after an unclean stop (LOG_FORMAT section 8, steps 4 and 7), in two passes.
 *
 * The first pass reads every batch from the recovery point on and changes nothing:
 * length, CRC, order of offsets. It ends well, or at the first bad byte: if nothing
 * valid stands behind that in this segment and no later segment has data, it is the
 * torn tail of the write that the crash interrupted, and is going to be cut. Anything
 * else cannot come from a torn write: the log is refused with the place of the damage,
 * and a person decides.
 *
 * The second pass cuts, and makes the indexes, the transaction index, the epochs and
 * the producers' state anew from the headers. A crash in it is harmless: the next
 * start does both passes again on the same, or already cut, bytes. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"

enum { CHECK_WINDOW = 1 << 20 };

/* From where on the log is recovered, and where it will end. */
struct plan {
	int first;      /* segment the check begins in */
	uint32_t keep;  /* entries of its offset index that are kept */
	int64_t resume; /* last offset of the batch the check begins with, or the base */
	int64_t pos;    /* of that batch */
	int cut;        /* segment that holds the end */
	int64_t cut_pos, end;
};

/* How many entries at the front of the offset index can be trusted to resume from:
 * those for batches below `from`, if they are in order and the batch is there. */
static uint32_t trusted(struct kq_segment *s, int64_t from, int64_t *offset, int64_t *pos)
{
	struct kq_batch b;
	int64_t at, base, base_pos, t, o;
	if (atomic_load(&s->index_wrong) && !s->untrimmed)
		return 0;
	atomic_store(&s->index_wrong, false); /* a killed process leaves it so */
	int64_t i = kq_offset_index_find(&s->offsets, from - 1, offset, pos);
	if (i < 0 || *pos >= atomic_load(&s->size) ||
	    !kq_offset_index_is_ordered(&s->offsets, (uint32_t)i))
		return 0;
	uint32_t times = kq_time_index_count_to(&s->times, *offset);
	if (times && (!kq_time_index_is_ordered(&s->times, times - 1) ||
		      kq_time_index_get(&s->times, times - 1, &t, &o)))
		return 0;
	base = *offset;
	base_pos = *pos;
	if (kq_segment_find(s, base, atomic_load(&s->size), &b, &at) <= 0 || at != base_pos ||
	    kq_batch_last_offset(&b) != base || atomic_load(&s->index_wrong))
		return 0;
	return (uint32_t)i + 1;
}

static void plan_start(struct kq_log *log, int64_t from, struct plan *p)
{
	int i = kq_log_segment_at(log, from);
	p->first = i < 0 ? 0 : i;
	struct kq_segment *s = log->segs[p->first];
	p->keep = from > s->base_offset ? trusted(s, from, &p->resume, &p->pos) : 0;
	if (!p->keep) {
		p->resume = s->base_offset;
		p->pos = 0;
	}
}

/* A whole batch with a good CRC, but offsets that cannot come here: no torn write. */
static int out_of_order(struct kq_log *log, int i, const struct kq_batch *b, int64_t pos,
			int64_t expect, struct kq_error *e)
{
	return kq_error_set(e, KQ_ECORRUPT, "%s/%020" PRId64 ".log is damaged: the batch at byte %" PRId64
			    " has offsets %" PRId64 " to %" PRId64 ", where %" PRId64 " is due",
			    log->dir, log->segs[i]->base_offset, pos, b->base_offset,
			    kq_batch_last_offset(b), expect);
}

/* The batch at pos in segment i is not right. Cut there (0), or refuse. */
static int judge(struct kq_log *log, int i, int64_t pos, int64_t expect, int64_t point,
		 struct plan *p, struct kq_error *e)
{
	struct kq_segment *s = log->segs[i];
	int64_t found, size = atomic_load(&s->size);
	if (point == INT64_MAX)
		return kq_error_set(e, KQ_ECORRUPT, "%s/%020" PRId64 ".log is damaged at byte %" PRId64
				    " (offset %" PRId64 "), though it was closed cleanly", log->dir,
				    s->base_offset, pos, expect);
	if (expect < point)
		return kq_error_set(e, KQ_ECORRUPT, "%s/%020" PRId64 ".log is damaged at byte %" PRId64
				    " (offset %" PRId64 "), below the recovery point %" PRId64,
				    log->dir, s->base_offset, pos, expect, point);
	for (int k = i + 1; k < log->seg_count; k++) {
		if (atomic_load(&log->segs[k]->size) > 0)
			return kq_error_set(e, KQ_ECORRUPT, "%s/%020" PRId64 ".log is damaged at byte %"
					    PRId64 " (offset %" PRId64 ") and segment %" PRId64
					    " follows", log->dir, s->base_offset, pos, expect,
					    log->segs[k]->base_offset);
	}
	int rc = kq_segment_scan_seek(kq_segment_fd(s), pos + 1, size, expect,
				      s->base_offset + INT32_MAX, &found);
	if (rc)
		return kq_error_set(e, rc, "cannot read %s/%020" PRId64 ".log", log->dir, s->base_offset);
	if (found >= 0)
		return kq_error_set(e, KQ_ECORRUPT, "%s/%020" PRId64 ".log is damaged at byte %" PRId64
				    " (offset %" PRId64 ") and a valid batch follows at byte %" PRId64,
				    log->dir, s->base_offset, pos, expect, found);
	p->cut = i;
	p->cut_pos = pos;
	p->end = expect;
	return 0;
}

/* Reads segment i from pos on; *expect is the lowest offset that may come. 1: all is
 * well; 0: it is to be cut (by judge); or an error. */
static int check_segment(struct kq_log *log, int i, int64_t pos, int64_t *expect, int64_t point,
			 struct plan *p, struct kq_error *e)
{
	struct kq_segment *s = log->segs[i];
	struct kq_segment_scan scan;
	struct kq_batch b;
	int64_t at = pos;
	int fd = kq_segment_fd(s), rc;
	if (fd < 0)
		return kq_error_set(e, fd, "cannot open %s/%020" PRId64 ".log", log->dir, s->base_offset);
	uint8_t *window = kq_malloc(CHECK_WINDOW);
	kq_segment_scan_init(&scan, fd, pos, atomic_load(&s->size), window, CHECK_WINDOW);
	while ((rc = kq_segment_scan_next(&scan, &b, &at)) > 0) {
		rc = kq_segment_scan_load(&scan, &b, at);
		if (!rc)
			rc = kq_segment_scan_check(&b);
		if (rc)
			break;
		if (b.base_offset < *expect ||
		    kq_batch_last_offset(&b) - s->base_offset > INT32_MAX) {
			rc = out_of_order(log, i, &b, at, *expect, e);
			goto out;
		}
		*expect = kq_batch_last_offset(&b) + 1;
		at = scan.pos;
	}
	if (rc == KQ_ETRUNC || rc == KQ_ECORRUPT)
		rc = judge(log, i, at, *expect, point, p, e);
	else if (rc)
		kq_error_set(e, rc, "cannot read %s/%020" PRId64 ".log: %s", log->dir, s->base_offset,
			     kq_strerror(rc));
	else
		rc = 1;
out:
	kq_segment_scan_deinit(&scan);
	free(window);
	return rc;
}

static int check(struct kq_log *log, int64_t point, struct plan *p, struct kq_error *e)
{
	/* The batch to resume from ends at resume; its own base is below. */
	int64_t expect = p->keep ? log->segs[p->first]->base_offset : p->resume;
	int64_t pos = p->pos;
	int rc = 1;
	for (int i = p->first; i < log->seg_count && rc > 0; i++, pos = 0) {
		if (i > p->first && log->segs[i]->base_offset < expect)
			return kq_error_set(e, KQ_ECORRUPT, "%s/%020" PRId64 ".log holds offset %" PRId64
					    ", where the next segment begins at %" PRId64, log->dir,
					    log->segs[i - 1]->base_offset, expect - 1,
					    log->segs[i]->base_offset);
		if (i > p->first)
			expect = log->segs[i]->base_offset;
		rc = check_segment(log, i, pos, &expect, point, p, e);
	}
	if (rc > 0) {
		p->cut = log->seg_count - 1;
		p->cut_pos = atomic_load(&log->segs[p->cut]->size);
		p->end = expect;
	}
	return rc < 0 ? rc : 0;
}

/* Cuts the torn tail and takes empty segments behind it away. */
static int cut(struct kq_log *log, const struct plan *p)
{
	struct kq_segment *s = log->segs[p->cut];
	int64_t torn = atomic_load(&s->size) - p->cut_pos;
	int rc = 0;
	while (!rc && log->seg_count - 1 > p->cut) {
		struct kq_segment *empty = log->segs[--log->seg_count];
		rc = kq_segment_retire(empty);
		if (!rc)
			rc = kq_segment_remove_retired(log->dir, empty->base_offset);
		kq_segment_unref(empty);
		log->dir_dirty = true;
	}
	if (rc || torn == 0)
		return rc;
	kq_warn_log("log", "%s/%020" PRId64 ".log: torn tail of %" PRId64 " bytes cut; ends at offset %"
		    PRId64, log->dir, s->base_offset, torn, p->end);
	kq_segment_publish(s, p->cut_pos);
	return kq_io_ftruncate("recover-truncate", kq_segment_fd(s), p->cut_pos);
}

static int rebuild_indexes(struct kq_log *log, const struct plan *p)
{
	int rc = 0;
	for (int i = p->first; i < log->seg_count && !rc; i++) {
		struct kq_segment *s = log->segs[i];
		int64_t end;
		rc = kq_segment_reindex(s, i == p->first ? p->keep : 0,
					log->config.index_interval_bytes, &end);
		if (!rc)
			rc = i == p->first ? kq_txn_index_truncate(&s->txns, p->resume)
					   : kq_txn_index_reset(&s->txns);
		if (!rc && i < log->seg_count - 1)
			rc = kq_segment_seal(s);
		/* The active one's files get their full size again with the next entry. */
		if (!rc)
			rc = kq_index_file_trim(&s->offsets.file);
		if (!rc)
			rc = kq_index_file_trim(&s->times.file);
		s->synced = -1;
		atomic_store(&s->sealed, i < log->seg_count - 1);
	}
	return rc;
}

/* ---- replay: producers, transactions, epochs -------------------------------- */

/* What a replay does beside the producers: from `rebuild` on also the transaction
 * index, the epochs, and snapshots at segment bases. */
struct replay {
	int64_t from, rebuild;
};

static int replay_batch(struct kq_log *log, struct kq_segment *s, struct kq_segment_scan *scan,
			struct kq_batch *b, int64_t at, const struct replay *r)
{
	struct kq_aborted_txn aborted;
	bool rebuild = kq_batch_last_offset(b) >= r->rebuild;
	if (rebuild && b->leader_epoch >= 0) {
		int rc = kq_leader_epochs_assign(&log->epochs, b->leader_epoch, b->base_offset);
		if (rc)
			return rc;
	}
	if (b->producer_id < 0)
		return 0;
	int rc = b->attributes & KQ_BATCH_CONTROL ? kq_segment_scan_load(scan, b, at) : 0;
	if (rc)
		return rc;
	rc = kq_producer_state_update(&log->producers, b, &aborted);
	if (rc == KQ_ECORRUPT) {
		kq_warn_log("log", "%s: control batch at offset %" PRId64 " makes no sense", log->dir,
			    b->base_offset);
		return 0;
	}
	if (rc > 0)
		rc = rebuild ? kq_txn_index_append(&s->txns, &aborted) : 0;
	return rc;
}

static int replay_segment(struct kq_log *log, int i, const struct replay *r)
{
	struct kq_segment *s = log->segs[i];
	struct kq_batch b;
	int64_t at = 0, size = atomic_load(&s->size);
	int rc = 1, fd = kq_segment_fd(s);
	if (fd < 0)
		return fd;
	if (s->base_offset > r->rebuild) {
		rc = kq_producer_snapshot_write(&log->producers, log->dir, s->base_offset, false);
		if (rc)
			return rc;
	}
	if (r->from > s->base_offset && (rc = kq_segment_find(s, r->from, size, &b, &at)) <= 0)
		return rc;
	uint8_t window[KQ_SCAN_WINDOW];
	struct kq_segment_scan scan;
	kq_segment_scan_init(&scan, fd, at, size, window, sizeof window);
	while ((rc = kq_segment_scan_next(&scan, &b, &at)) > 0) {
		rc = replay_batch(log, s, &scan, &b, at, r);
		if (rc)
			break;
	}
	kq_segment_scan_deinit(&scan);
	return rc == KQ_ETRUNC ? KQ_ECORRUPT : rc;
}

static int replay(struct kq_log *log, const struct replay *r)
{
	int i = kq_log_segment_at(log, r->from), rc = 0;
	for (i = i < 0 ? 0 : i; i < log->seg_count && !rc; i++)
		rc = replay_segment(log, i, r);
	return rc;
}

/* Loads the newest snapshot at or below limit; *at -1: none. */
static int load_snapshot(struct kq_log *log, int64_t limit, int64_t *at)
{
	int rc = kq_producer_snapshot_load(&log->producers, log->dir, limit, kq_clock_wall_ms(),
					   log->config.producer_expiration_ms, at);
	kq_producer_state_advance(&log->producers, kq_log_load(&log->hw));
	return rc;
}

static int drop_strays(struct kq_log *log)
{
	int64_t *bases = kq_calloc((size_t)log->seg_count, sizeof *bases);
	for (int i = 0; i < log->seg_count; i++)
		bases[i] = log->segs[i]->base_offset;
	int rc = kq_producer_snapshot_delete_strays(log->dir, bases, (size_t)log->seg_count);
	free(bases);
	return rc;
}

int kq_log_load_producers(struct kq_log *log, int64_t end, struct kq_error *e)
{
	int64_t at;
	int rc = load_snapshot(log, end, &at);
	if (!rc && at >= 0 && at < end)
		rc = replay(log, &(struct replay){ .from = at, .rebuild = INT64_MAX });
	if (!rc && at == end)
		log->snapshot_at = end;
	if (!rc)
		rc = drop_strays(log);
	return rc ? kq_error_set(e, rc, "cannot restore the producers of '%s': %s", log->dir,
				 kq_strerror(rc)) : 0;
}

int kq_log_reload_producers(struct kq_log *log, int64_t end, int64_t *at)
{
	int rc = load_snapshot(log, end, at);
	if (!rc)
		rc = replay(log, &(struct replay){ .from = *at >= 0 ? *at : log->segs[0]->base_offset,
						   .rebuild = INT64_MAX });
	return rc;
}

/* Second pass for producers, transaction index and epochs. */
static int recover_state(struct kq_log *log, const struct plan *p)
{
	int64_t at;
	int rc = kq_producer_snapshot_delete_above(log->dir, p->resume);
	if (!rc)
		rc = load_snapshot(log, p->resume, &at);
	if (rc)
		return rc;
	struct replay r = { .from = at >= 0 ? at : log->segs[0]->base_offset,
			    .rebuild = p->resume };
	log->epochs.dirty = true;
	rc = replay(log, &r);
	if (!rc && p->end > 0) {
		rc = kq_producer_snapshot_write(&log->producers, log->dir, p->end, false);
		log->snapshot_at = p->end;
	}
	if (!rc)
		rc = drop_strays(log);
	return rc;
}

int kq_log_recover(struct kq_log *log, int64_t from, int64_t point, struct kq_error *e)
{
	struct plan p;
	plan_start(log, from, &p);
	int rc = check(log, point, &p, e);
	if (rc)
		return rc;
	rc = cut(log, &p);
	if (!rc)
		rc = rebuild_indexes(log, &p);
	if (!rc)
		rc = recover_state(log, &p);
	if (rc)
		return kq_error_set(e, rc, "cannot recover '%s': %s", log->dir, kq_strerror(rc));
	atomic_store(&log->end, p.end);
	return 0;
}
