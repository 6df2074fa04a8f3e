/* Appending: the way of a batch into the log.
 *
 * Without the lock: header and CRC are checked, and where the topic wants it the
 * records. Under the lock: producer sequence, offsets and epoch patched in, maybe a
 * roll, one write, index, producer state; then the new end is published. No memory is
 * allocated and no record is looked at on the plain path.
 *
 * Crash: nothing is acknowledged before the durable end has passed it (log_sync.c),
 * so what a crash takes from the end nobody was promised. A failed write leaves the
 * old end published and takes the directory offline: bytes behind the end are cut at
 * the next start. A roll writes the snapshot before the new file; either may be lost,
 * then more is replayed, or the old segment simply goes on. */
#include <assert.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/io.h"
#include "base/log.h"
#include "log/log_impl.h"
#include "log/producer_snapshot.h"
#include "record/batch_inflate.h"
#include "record/validate.h"

enum { INFLATE_MAX = 128 << 20 }; /* bytes of one batch's records, at most */

int kq_log_roll(struct kq_log *log)
{
	struct kq_segment *old = kq_log_active(log);
	int64_t base = kq_log_load(&log->end);
	if (atomic_load(&old->size) == 0)
		return 0;
	assert(base > old->base_offset);
	struct kq_log_config c;
	kq_log_copy_config(log, &c);
	struct kq_segment *seg = kq_segment_new(log->dir, base, c.segment_index_bytes);
	int rc = kq_segment_seal(old);
	if (!rc)
		rc = kq_producer_snapshot_write(&log->producers, log->dir, base, false);
	if (!rc)
		rc = kq_segment_create(seg);
	if (rc) {
		/* If only descriptors have run out, the old one goes on. */
		atomic_store(&old->sealed, false);
		kq_segment_unref(seg);
		return rc;
	}
	pthread_mutex_lock(&log->list_lock);
	old->synced = -1; /* the trimmed indexes are to be synced too */
	log->dir_dirty = true;
	pthread_mutex_unlock(&log->list_lock);
	kq_log_push_segment(log, seg);
	log->rolled = true;
	log->jitter_ms = c.segment_jitter_ms > 0 ? kq_clock_mono_us() % c.segment_jitter_ms : 0;
	return 0;
}

/* Must b, which will end at last, go to a new segment? (LOG_FORMAT section 6) */
static bool must_roll(struct kq_log *log, const struct kq_log_config *c, const struct kq_batch *b,
		      int64_t last)
{
	struct kq_segment *s = kq_log_active(log);
	int64_t size = atomic_load_explicit(&s->size, memory_order_relaxed);
	if (size == 0)
		return false;
	if (size > c->segment_bytes - (int64_t)b->size || !kq_segment_has_room(s, last))
		return true;
	int64_t first = kq_segment_first_timestamp(s);
	int64_t age = kq_clock_wall_ms() - s->created_ms;
	if (first >= 0)
		age = b->max_timestamp >= 0 ? b->max_timestamp - first : 0;
	return age > c->segment_ms - log->jitter_ms;
}

/* What the batch that was just written means to producers and transactions. */
static int note_producer(struct kq_log *log, const struct kq_batch *b)
{
	struct kq_aborted_txn aborted;
	if (b->producer_id < 0)
		return 0;
	int rc = kq_producer_state_update(&log->producers, b, &aborted);
	if (rc > 0) {
		rc = kq_txn_index_append(&kq_log_active(log)->txns, &aborted);
		rc = rc == KQ_EAGAIN ? KQ_EIO : rc; /* the state has moved on: no way back */
	}
	if (b->attributes & KQ_BATCH_TRANSACTIONAL)
		kq_log_settle(log); /* before the end is published */
	return rc == KQ_ECORRUPT ? 0 : rc;
}

/* Makes the batch that was written at pos part of the log. */
static void publish(struct kq_log *log, const struct kq_batch *b, int64_t pos)
{
	struct kq_segment *s = kq_log_active(log);
	pthread_mutex_lock(&log->list_lock);
	log->marks[log->mark_next++ % KQ_LOG_MARKS] =
		(struct kq_log_mark){ b->base_offset, s->base_offset, pos };
	kq_segment_publish(s, pos + b->size);
	atomic_store_explicit(&log->end, kq_batch_last_offset(b) + 1, memory_order_release);
	pthread_mutex_unlock(&log->list_lock);
	atomic_fetch_add_explicit(&log->size, b->size, memory_order_relaxed);
	atomic_fetch_add_explicit(&log->appends, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&log->bytes_appended, (uint64_t)b->size, memory_order_relaxed);
}

/* Writes b, whose bytes carry their final offsets and epoch. */
static int write_batch(struct kq_log *log, const struct kq_log_config *c, const struct kq_batch *b)
{
	int rc = 0;
	if (b->leader_epoch >= 0 && b->leader_epoch != kq_log_latest_epoch(log))
		rc = kq_log_note_epoch(log, b->leader_epoch, b->base_offset);
	if (!rc && must_roll(log, c, b, kq_batch_last_offset(b)))
		rc = kq_log_roll(log);
	if (rc)
		return rc;
	int64_t pos = atomic_load_explicit(&kq_log_active(log)->size, memory_order_relaxed);
	rc = kq_segment_append(kq_log_active(log), b, c->index_interval_bytes);
	if (!rc)
		rc = note_producer(log, b);
	if (!rc)
		publish(log, b, pos);
	return rc;
}

/* flush.policy=os: what is written is durable enough. Without locks. */
static void tell_durable(struct kq_log *log, int64_t end)
{
	if (log->sync || !kq_log_raise(&log->durable, end))
		return;
	if (log->listener.durable)
		log->listener.durable(log->listener.arg, end);
}

/* The producer's sequence: 0, KQ_EDUP with *out set, or why the batch is refused. */
static int check_producer(struct kq_log *log, const struct kq_batch *b, struct kq_append_result *out)
{
	struct kq_producer_batch dup;
	int rc = kq_producer_state_check(&log->producers, b, &dup);
	if (rc == KQ_EDUP) {
		out->duplicate = true;
		out->last_offset = dup.last_offset;
		out->base_offset = dup.last_offset - dup.offset_delta;
		if (out->append_time_ms >= 0)
			out->append_time_ms = dup.timestamp;
	} else if (rc) {
		snprintf(out->text, sizeof out->text, "producer %lld, epoch %d, sequence %d: %s",
			 (long long)b->producer_id, b->producer_epoch, b->base_sequence,
			 kq_strerror(rc));
	}
	return rc;
}

static int append_as_leader(struct kq_log *log, const struct kq_log_config *c, struct kq_batch *b,
			    uint8_t *bytes, int32_t leader_epoch, struct kq_append_result *out)
{
	pthread_mutex_lock(&log->lock);
	int rc = kq_log_is_closed(log) ? KQ_ECLOSED : 0;
	if (!rc && b->producer_id >= 0)
		rc = check_producer(log, b, out);
	if (!rc) {
		b->base_offset = kq_log_load(&log->end);
		b->leader_epoch = leader_epoch;
		kq_batch_patch(bytes, b->base_offset, leader_epoch);
		rc = write_batch(log, c, b);
		out->base_offset = b->base_offset;
		out->last_offset = kq_batch_last_offset(b);
	}
	rc = kq_log_unlock(log, rc);
	if (rc == KQ_EDUP)
		return 0;
	if (!rc)
		tell_durable(log, out->last_offset + 1);
	return rc;
}

/* Looks into the records and packs them anew where the topic wants it. scratch and
 * packed are the caller's; *bytes is what to append then. */
static int prepare_records(const struct kq_log_config *c, const struct kq_batch_rules *rules,
			   struct kq_batch *b, uint8_t **bytes, struct kq_writer *scratch,
			   struct kq_writer *packed, struct kq_error *e)
{
	bool repack = c->codec >= 0 && (int)kq_batch_codec(b) != c->codec;
	int rc = 0;
	if (repack || kq_batch_rules_deep(rules))
		rc = kq_batch_validate_records(b, rules, scratch, NULL, e);
	if (rc || !repack)
		return rc;
	rc = kq_batch_recompress(b, (enum kq_codec)c->codec, c->codec_level, scratch, packed);
	if (rc == KQ_ELIMIT)
		return kq_error_set(e, KQ_ETOOBIG, "the batch inflates beyond %d bytes", INFLATE_MAX);
	if (rc)
		return kq_error_set(e, rc == KQ_ENOMEM ? rc : KQ_ECORRUPT,
				    "the batch cannot be compressed anew: %s", kq_strerror(rc));
	*bytes = packed->buf;
	rc = kq_batch_peek(*bytes, packed->len, b);
	if (!rc && b->size > c->max_message_bytes)
		rc = kq_error_set(e, KQ_ETOOBIG, "compressed anew the batch has %d bytes", b->size);
	return rc;
}

int kq_log_append(struct kq_log *log, uint8_t *bytes, size_t n, int32_t leader_epoch,
		  struct kq_append_result *out)
{
	struct kq_log_config c;
	struct kq_error e = { .text = "" };
	struct kq_batch b;
	kq_log_copy_config(log, &c);
	*out = (struct kq_append_result){ .base_offset = -1, .last_offset = -1, .append_time_ms = -1,
					  .log_start_offset = kq_log_load(&log->start) };
	if (kq_log_is_closed(log))
		return KQ_ECLOSED;
	struct kq_batch_rules rules = {
		.size_max = c.max_message_bytes, .need_key = c.cleanup_compact,
		.log_append_time = c.log_append_time, .now_ms = kq_clock_wall_ms(),
		.before_max_ms = c.timestamp_before_max_ms, .after_max_ms = c.timestamp_after_max_ms,
	};
	struct kq_writer scratch, packed;
	kq_writer_init(&scratch, INFLATE_MAX);
	kq_writer_init(&packed, (size_t)INFLATE_MAX + INFLATE_MAX / 6 + 4096);
	int rc = kq_batch_validate_client(bytes, n, &rules, &b, &e);
	if (!rc)
		rc = prepare_records(&c, &rules, &b, &bytes, &scratch, &packed, &e);
	if (!rc && b.size > c.segment_bytes)
		rc = kq_error_set(&e, KQ_ELIMIT, "the batch has %d bytes, more than segment.bytes = %d",
				  b.size, c.segment_bytes);
	if (!rc && c.log_append_time) {
		kq_batch_patch_append_time(bytes, (size_t)b.size, rules.now_ms);
		rc = kq_batch_peek(bytes, (size_t)b.size, &b);
		out->append_time_ms = rules.now_ms;
	}
	if (!rc)
		rc = append_as_leader(log, &c, &b, bytes, leader_epoch, out);
	else
		snprintf(out->text, sizeof out->text, "%.*s", (int)sizeof out->text - 1, e.text);
	kq_writer_deinit(&scratch);
	kq_writer_deinit(&packed);
	return rc;
}

int kq_log_append_as_is(struct kq_log *log, const uint8_t *bytes, size_t n)
{
	struct kq_log_config c;
	int64_t end = -1;
	int rc = 0;
	kq_log_copy_config(log, &c);
	pthread_mutex_lock(&log->lock);
	if (kq_log_is_closed(log))
		rc = KQ_ECLOSED;
	while (!rc && n > 0) {
		struct kq_batch b;
		rc = kq_batch_peek(bytes, n, &b);
		if (!rc)
			rc = kq_batch_check_crc(&b);
		if (!rc && (b.base_offset < kq_log_load(&log->end) || b.last_offset_delta < 0))
			rc = KQ_EINVAL;
		if (!rc)
			rc = write_batch(log, &c, &b);
		if (rc)
			break;
		end = kq_batch_last_offset(&b) + 1;
		bytes += b.size;
		n -= (size_t)b.size;
	}
	rc = kq_log_unlock(log, rc);
	if (end >= 0 && rc != KQ_EIO && rc != KQ_ENOSPC)
		tell_durable(log, end);
	return rc;
}
