/* Opening a log, new or old (LOG_FORMAT section 8).
 *
 * Crash: opening may be cut short at any point and begun again. A new log's directory
 * is synced into its parent last, after its first .log and its partition.metadata;
 * one with less is taken for an empty log. */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "log/log_impl.h"
#include "log/log_manager.h"
#include "log/partition_metadata.h"
#include "log/producer_snapshot.h"

/* Loads the segments' sizes and indexes. *txns is lowered to the base of the first
 * one whose transaction index is wrong. */
static int load_segments(struct kq_log *log, const int64_t *bases, int n, int64_t *txns,
			 struct kq_error *e)
{
	for (int i = 0; i < n; i++) {
		bool txns_wrong = false;
		struct kq_segment *s = kq_segment_new(log->dir, bases[i], log->config.segment_index_bytes);
		kq_log_push_segment(log, s);
		atomic_store(&s->sealed, i < n - 1);
		int rc = kq_segment_load(s, &txns_wrong);
		if (rc)
			return kq_error_set(e, rc, "%s/%020" PRId64 ".log: %s", log->dir, bases[i],
					    rc == KQ_ECORRUPT ? "larger than 2 GiB" : strerror(errno));
		if (txns_wrong && bases[i] < *txns)
			*txns = bases[i];
	}
	return 0;
}

/* Makes wrong indexes of closed segments anew; those that reach beyond `below` are
 * left to the recovery. */
static int mend_indexes(struct kq_log *log, int64_t below, struct kq_error *e)
{
	for (int i = 0; i < log->seg_count - 1; i++) {
		struct kq_segment *s = log->segs[i];
		int64_t end;
		if (log->segs[i + 1]->base_offset > below)
			break;
		if (!atomic_load(&s->index_wrong))
			continue;
		kq_info_log("log", "%s/%020" PRId64 ": index missing or wrong, made anew", log->dir,
			    s->base_offset);
		int rc = kq_segment_reindex(s, 0, log->config.index_interval_bytes, &end);
		if (!rc)
			rc = kq_segment_seal(s);
		if (rc)
			return kq_error_set(e, rc == KQ_ETRUNC ? KQ_ECORRUPT : rc,
					    "%s/%020" PRId64 ".log: %s near offset %" PRId64, log->dir,
					    s->base_offset, kq_strerror(rc), end);
		s->synced = -1;
	}
	return 0;
}

static int begin_empty(struct kq_log *log, int64_t at, struct kq_error *e)
{
	struct kq_segment *s = kq_segment_new(log->dir, at, log->config.segment_index_bytes);
	int rc = kq_segment_create(s);
	if (!rc)
		rc = kq_io_syncdir("log-create", log->dir);
	if (rc) {
		kq_segment_unref(s);
		return kq_error_set(e, rc, "cannot create the first segment in '%s': %s", log->dir,
				    strerror(errno));
	}
	kq_log_push_segment(log, s);
	atomic_store(&log->end, at);
	return 0;
}

/* After a clean stop: the end is found from the last index entry on. */
static int find_end(struct kq_log *log)
{
	struct kq_segment *active = kq_log_active(log);
	int64_t end;
	int rc;
	if (atomic_load(&active->index_wrong))
		rc = kq_segment_reindex(active, 0, log->config.index_interval_bytes, &end);
	else
		rc = kq_segment_find_end(active, &end);
	if (!rc)
		atomic_store(&log->end, end);
	return rc;
}

/* A log that ends below its start keeps nothing: begins anew at the start. */
static int start_over(struct kq_log *log, int64_t start, struct kq_error *e)
{
	kq_warn_log("log", "%s ends at %" PRId64 ", below its start %" PRId64 "; begins anew there",
		    log->dir, kq_log_load(&log->end), start);
	int n = log->seg_count, rc = kq_log_retire_segments(log, n);
	kq_producer_state_clear(&log->producers);
	if (!rc)
		rc = kq_producer_snapshot_delete_above(log->dir, -1);
	return rc ? kq_error_set(e, rc, "cannot clear '%s'", log->dir) : begin_empty(log, start, e);
}

/* Offsets that follow from what was found and what the checkpoints said. */
static int settle_offsets(struct kq_log *log, const struct kq_log_open_params *p, bool clean,
			  struct kq_error *e)
{
	int64_t end = kq_log_load(&log->end), first = log->segs[0]->base_offset;
	int64_t start = p->log_start > first ? p->log_start : first;
	int64_t hw = p->high_watermark < start ? start : p->high_watermark;
	if (hw > end)
		hw = end;
	atomic_store(&log->start, start);
	atomic_store(&log->recovery, clean ? end : p->recovery_point < end ? p->recovery_point : end);
	atomic_store(&log->durable, clean || !log->sync ? end : kq_log_load(&log->recovery));
	atomic_store(&log->hw, hw);
	atomic_store(&log->lso, hw);
	int64_t size = 0;
	for (int i = 0; i < log->seg_count; i++)
		size += atomic_load(&log->segs[i]->size);
	atomic_store(&log->size, size);
	/* After a clean stop an epoch may begin at the end: its leader appended nothing. Kept,
	 * or each start would write the file of every idle partition twice. */
	int rc = kq_log_cut_epochs(log, start, clean ? end + 1 : end);
	if (rc)
		return kq_error_set(e, rc, "cannot write leader-epoch-checkpoint in '%s'", log->dir);
	int64_t unstable = kq_producer_state_first_unstable(&log->producers);
	if (unstable >= 0 && unstable < hw)
		atomic_store(&log->lso, unstable);
	atomic_store(&log->in_txn, unstable >= 0);
	/* What was recovered is in the page cache, maybe not on disk. */
	rc = clean || !log->sync ? 0 : kq_log_sync(log);
	return rc ? kq_error_set(e, rc, "cannot sync '%s': %s", log->dir, strerror(errno)) : 0;
}

/* Brings what was loaded into order: *clean says whether it was so already. */
static int restore(struct kq_log *log, const struct kq_log_open_params *p, int64_t txns,
		   bool *clean, struct kq_error *e)
{
	int64_t active = kq_log_active(log)->base_offset;
	int64_t point = p->clean ? active : p->recovery_point;
	int rc = mend_indexes(log, point, e);
	if (rc)
		return rc;
	*clean = p->clean && txns == INT64_MAX && find_end(log) == 0;
	if (*clean)
		return kq_log_load_producers(log, kq_log_load(&log->end), e);
	/* After a clean stop there is no torn write: nothing may be cut. */
	return kq_log_recover(log, txns < point ? txns : point, p->clean ? INT64_MAX : point, e);
}

static int load(struct kq_log *log, const struct kq_log_open_params *p, bool *clean,
		struct kq_error *e)
{
	int64_t *bases = NULL, txns = INT64_MAX;
	int n = 0;
	struct kq_error why;
	if (kq_leader_epochs_load(&log->epochs, &why))
		kq_warn_log("log", "%s: %s; rebuilt from the log", log->dir, why.text);
	int rc = kq_log_files_load(log->dir, &bases, &n, e);
	if (rc)
		return rc;
	rc = n ? load_segments(log, bases, n, &txns, e) : begin_empty(log, p->log_start, e);
	free(bases);
	if (!rc && n)
		rc = restore(log, p, txns, clean, e);
	int64_t end = kq_log_load(&log->end);
	if (!rc && p->recovery_point > end && p->recovery_point > p->log_start)
		return kq_error_set(e, KQ_ECORRUPT, "%s ends at offset %" PRId64
				    " but was synced up to %" PRId64 ": data is missing", log->dir,
				    end, p->recovery_point);
	return !rc && end < p->log_start ? start_over(log, p->log_start, e) : rc;
}

int kq_log_open(const struct kq_log_open_params *p, struct kq_log **out, struct kq_error *e)
{
	struct kq_log *log = kq_log_new(p);
	*out = NULL;
	/* Tells the replay which transactions are settled. */
	atomic_store(&log->hw, p->high_watermark);
	bool clean = p->clean;
	int rc = load(log, p, &clean, e);
	if (!rc)
		rc = settle_offsets(log, p, clean, e);
	if (rc) {
		kq_log_unref(log);
		return rc;
	}
	*out = log;
	return 0;
}

/* The first, empty .log: one sync of the directory then covers it and the metadata. */
static int make_first(const struct kq_log_open_params *p)
{
	static const struct kq_uuid none;
	struct kq_segment *s = kq_segment_new(p->dir, p->log_start, p->config->segment_index_bytes);
	int rc = kq_segment_create(s);
	kq_segment_unref(s);
	if (rc)
		return rc;
	if (memcmp(&p->topic_id, &none, sizeof none))
		return kq_partition_metadata_write(p->dir, p->topic_id);
	return kq_io_syncdir("log-create", p->dir);
}

int kq_log_create(const struct kq_log_open_params *p, struct kq_log **out, struct kq_error *e)
{
	char parent[PATH_MAX];
	*out = NULL;
	if (mkdir(p->dir, 0755) < 0)
		return kq_error_set(e, errno == EEXIST ? KQ_EEXIST : kq_errno_from(errno),
				    "cannot create '%s': %s", p->dir, strerror(errno));
	snprintf(parent, sizeof parent, "%s/..", p->dir);
	int rc = make_first(p);
	if (!rc)
		rc = kq_io_syncdir("log-create-parent", parent);
	if (rc)
		return kq_error_set(e, rc, "cannot write into '%s': %s", p->dir, strerror(errno));
	struct kq_log_open_params fresh = *p;
	fresh.clean = true;
	fresh.recovery_point = fresh.high_watermark = 0;
	return kq_log_open(&fresh, out, e);
}
