/* The sending side: records into the open batch of their partition.
 *
 * One lock for the whole producer, held while records are laid down: once per record
 * for single sends, once per batch at most for blocks of lines. The I/O thread takes
 * it only to collect what is closed. A batch's buffer is used again for later
 * batches, newest first, so that it is warm in the cache. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client/producer_internal.h"

enum {
	FREE_MAX = 64,               /* batches kept for use again */
	COMPRESSED_RECORD_MAX = 64 << 20, /* a record before compression */
	RECORD_SLACK = 80,           /* batch header and a record's own bytes */
};

/* ---- batches ------------------------------------------------------------------ */

void kq_accumulator_free_batch(struct kq_out_batch *b)
{
	kq_builder_deinit(&b->builder);
	kq_writer_deinit(&b->raw);
	kq_writer_deinit(&b->raw_lens);
	free(b->runs);
	free(b);
}

void kq_accumulator_charge(struct kq_producer *p, struct kq_out_batch *b)
{
	size_t now = b->builder.plain.cap + b->builder.packed.cap + b->raw.cap + b->raw_lens.cap +
		     (size_t)b->runs_cap * sizeof(*b->runs);
	p->mem_used += now - b->charged;
	b->charged = now;
}

struct kq_out_batch *kq_accumulator_take_free(struct kq_producer *p)
{
	struct kq_out_batch *b = p->free_list;
	if (b) {
		p->free_list = b->next;
		p->free_n--;
		b->next = NULL;
		return b;
	}
	b = kq_calloc(1, sizeof(*b));
	kq_builder_init(&b->builder, p->batch_size);
	kq_writer_init(&b->raw, INT32_MAX);
	kq_writer_init(&b->raw_lens, INT32_MAX);
	return b;
}

void kq_accumulator_recycle(struct kq_producer *p, struct kq_out_batch *b)
{
	pthread_mutex_lock(&p->lock);
	p->mem_used -= b->charged;
	b->charged = 0;
	p->unfinished--;
	bool keep = p->free_n < FREE_MAX && p->mem_used < p->mem_max;
	if (keep) {
		b->next = p->free_list;
		p->free_list = b;
		p->free_n++;
	}
	pthread_cond_broadcast(&p->room);
	pthread_mutex_unlock(&p->lock);
	if (!keep)
		kq_accumulator_free_batch(b);
}

void kq_accumulator_add_run(struct kq_out_batch *b, int32_t at, uint64_t tag)
{
	if (b->runs_n) {
		const struct kq_tag_run *r = &b->runs[b->runs_n - 1];
		if (r->tag + (uint64_t)(at - r->at) == tag)
			return;
	}
	if (b->runs_n == b->runs_cap) {
		b->runs_cap = b->runs_cap ? b->runs_cap * 2 : 8;
		b->runs = kq_realloc(b->runs, (size_t)b->runs_cap * sizeof(*b->runs));
	}
	b->runs[b->runs_n++] = (struct kq_tag_run){ at, tag };
}

uint64_t kq_accumulator_tag(const struct kq_out_batch *b, int32_t i)
{
	int k = b->runs_n - 1;
	while (k > 0 && b->runs[k].at > i)
		k--;
	return k < 0 ? 0 : b->runs[k].tag + (uint64_t)(i - b->runs[k].at);
}

static void unlink_opened(struct kq_producer *p, struct kq_out_batch *b)
{
	*(b->opened_prev ? &b->opened_prev->opened_next : &p->opened) = b->opened_next;
	*(b->opened_next ? &b->opened_next->opened_prev : &p->opened_last) = b->opened_prev;
	b->opened_prev = b->opened_next = NULL;
}

/* The open batch takes no more: it goes to the I/O thread. */
static void close_batch(struct kq_producer *p, struct kq_out_partition *part)
{
	struct kq_out_batch *b = part->open;
	part->open = NULL;
	unlink_opened(p, b);
	b->next = NULL;
	b->count = b->builder.count;
	*part->closed_last = b;
	part->closed_last = &b->next;
	if (part->topic->sticky == part->index)
		part->topic->sticky = -1;
	if (part->dirty)
		return;
	part->dirty = true;
	part->dirty_next = NULL;
	*p->dirty_last = part;
	p->dirty_last = &part->dirty_next;
}

void kq_accumulator_close_all(struct kq_producer *p)
{
	while (p->opened)
		close_batch(p, p->opened->part);
}

static int open_batch(struct kq_producer *p, struct kq_out_partition *part, int64_t timestamp,
		      size_t limit)
{
	bool was_empty = !p->opened;
	struct kq_out_batch *b = kq_accumulator_take_free(p);
	b->builder.limit = limit;
	b->part = part;
	b->opened_ms = kq_clock_mono_ms();
	b->index = part->records;
	b->runs_n = 0;
	b->bytes = NULL;
	b->sequenced = false;
	b->attempts = 0;
	b->retry_ms = 0;
	b->reason[0] = '\0';
	kq_writer_reset(&b->raw);
	kq_writer_reset(&b->raw_lens);
	int rc = kq_builder_begin(&b->builder, timestamp);
	if (rc) {
		kq_accumulator_free_batch(b);
		return rc;
	}
	kq_accumulator_charge(p, b);
	part->open = b;
	b->opened_prev = p->opened_last;
	*(p->opened_last ? &p->opened_last->opened_next : &p->opened) = b;
	p->opened_last = b;
	p->unfinished++;
	if (was_empty)
		kq_rpc_wake(p->client.rpc); /* a linger begins to run */
	return 0;
}

/* Waits for memory. 0, KQ_EAGAIN, KQ_ECLOSED. Under the lock. */
static int wait_for_room(struct kq_producer *p, int timeout_ms)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	while (p->mem_used >= p->mem_max && !p->aborted) {
		if (!p->starving) {
			p->starving = true; /* open batches go without waiting for their linger */
			kq_accumulator_close_all(p);
			kq_rpc_wake(p->client.rpc);
		}
		if (pthread_cond_timedwait(&p->room, &p->lock, &until))
			return p->mem_used < p->mem_max ? 0 : KQ_EAGAIN;
	}
	p->starving = false;
	return p->aborted ? KQ_ECLOSED : 0;
}

/* Closes batches that waited long enough for more; the time of the next one due. One
 * whose elders still wait to be sent stays open and grows: it could not go anyway. */
static int64_t close_lingering(struct kq_producer *p, int64_t now)
{
	for (struct kq_out_batch *b = p->opened, *next; b; b = next) {
		next = b->opened_next;
		if (b->opened_ms + p->linger_ms > now)
			return b->opened_ms + p->linger_ms;
		if (!b->part->queue && !b->part->closed)
			close_batch(p, b->part);
	}
	return INT64_MAX;
}

int64_t kq_accumulator_collect(struct kq_producer *p, int64_t now)
{
	pthread_mutex_lock(&p->lock);
	if (p->flushing || p->stop)
		kq_accumulator_close_all(p);
	int64_t due = close_lingering(p, now);
	struct kq_out_partition *part = p->dirty;
	p->dirty = NULL;
	p->dirty_last = &p->dirty;
	while (part) {
		struct kq_out_partition *next = part->dirty_next;
		struct kq_out_batch *b = part->closed;
		part->closed = NULL;
		part->closed_last = &part->closed;
		part->dirty = false;
		while (b) {
			struct kq_out_batch *after = b->next;
			kq_producer_queue(b);
			b = after;
		}
		part = next;
	}
	pthread_mutex_unlock(&p->lock);
	return due;
}

/* ---- choosing a partition ------------------------------------------------------- */

static int32_t sticky(struct kq_producer *p, struct kq_producer_topic *t)
{
	if (t->sticky < 0) {
		/* One with a leader, if a few tries find one. */
		for (int i = 0; i < 8; i++) {
			t->sticky = (int32_t)kq_partitioner_random(&p->seed, (uint32_t)t->parts_n);
			if (t->parts[t->sticky]->leader >= 0)
				break;
		}
	}
	return t->sticky;
}

static int32_t choose(struct kq_producer *p, struct kq_producer_topic *t, const struct kq_message *m)
{
	if (m->partition >= 0)
		return m->partition;
	int32_t by_key = kq_partitioner_by_key(p->opt.partitioner, m->key, t->parts_n);
	if (by_key >= 0)
		return by_key;
	if (p->opt.partitioner == KQ_PARTITION_RANDOM)
		return (int32_t)kq_partitioner_random(&p->seed, (uint32_t)t->parts_n);
	if (p->opt.partitioner == KQ_PARTITION_ROUND_ROBIN) {
		t->round = t->round + 1 < t->parts_n ? t->round + 1 : 0;
		return t->round;
	}
	return sticky(p, t);
}

/* ---- one record ------------------------------------------------------------------- */

/* The largest batch, before compression, that a record may make up alone. */
static size_t alone_limit(const struct kq_producer *p, const struct kq_producer_topic *t)
{
	if (p->codec != KQ_CODEC_NONE)
		return COMPRESSED_RECORD_MAX;
	return (size_t)t->record_max + RECORD_SLACK; /* the exact size is looked at after */
}

/* Takes back an open batch that holds nothing that may stay. */
static void drop_open(struct kq_producer *p, struct kq_out_partition *part)
{
	struct kq_out_batch *b = part->open;
	part->open = NULL;
	unlink_opened(p, b);
	p->unfinished--;
	p->mem_used -= b->charged;
	kq_accumulator_free_batch(b);
}

/* Opens a batch for a record that may be larger than usual. */
static int lay_alone(struct kq_producer *p, struct kq_out_partition *part, const struct kq_message *m,
		     int64_t ts, size_t need)
{
	size_t limit = part->topic->batch_max;
	if (need > limit)
		limit = alone_limit(p, part->topic);
	int rc = open_batch(p, part, ts, limit);
	if (rc)
		return rc;
	struct kq_builder *b = &part->open->builder;
	rc = kq_builder_append(b, ts, m->key, m->value, m->header_count, m->headers);
	if (!rc && p->codec == KQ_CODEC_NONE && kq_builder_size(b) > (size_t)part->topic->record_max)
		rc = KQ_ETOOBIG;
	if (rc)
		drop_open(p, part);
	return rc;
}

/* Lays m into part's open batch, opening or closing as needed. */
static int lay(struct kq_producer *p, struct kq_out_partition *part, const struct kq_message *m,
	       int64_t ts)
{
	if (part->open && part->open->builder.count) {
		int rc = kq_builder_append(&part->open->builder, ts, m->key, m->value,
					   m->header_count, m->headers);
		if (rc != KQ_ETOOBIG)
			return rc;
		close_batch(p, part);
		kq_rpc_wake(p->client.rpc);
	} else if (part->open) {
		drop_open(p, part);
	}
	size_t headers = m->headers.len > 0 ? (size_t)m->headers.len : 0;
	return lay_alone(p, part, m, ts,
			 RECORD_SLACK + kq_record_size_max(m->key.len, m->value.len, headers));
}

static void keep_raw(struct kq_out_batch *b, const void *raw, size_t n)
{
	uint32_t len = (uint32_t)n;
	kq_write_bytes(&b->raw, raw, n);
	kq_write_bytes(&b->raw_lens, &len, sizeof(len));
}

static void note(struct kq_producer *p, struct kq_out_partition *part, struct kq_bytes raw, uint64_t tag,
		 size_t bytes)
{
	struct kq_out_batch *b = part->open;
	kq_accumulator_add_run(b, b->builder.count - 1, tag);
	if (p->opt.keep_raw)
		keep_raw(b, raw.p, raw.len > 0 ? (size_t)raw.len : 0);
	part->records++;
	p->stats.records++;
	p->stats.bytes += bytes;
	kq_accumulator_charge(p, b);
	if (kq_builder_size(&b->builder) + RECORD_SLACK > b->builder.limit) {
		close_batch(p, part);
		kq_rpc_wake(p->client.rpc);
	}
}

int kq_producer_send(struct kq_producer *p, struct kq_producer_topic *t, const struct kq_message *m,
		     struct kq_bytes raw, uint64_t tag, int timeout_ms)
{
	int64_t ts = m->timestamp >= 0 ? m->timestamp : kq_clock_wall_ms();
	size_t bytes = (m->key.len > 0 ? (size_t)m->key.len : 0) + (m->value.len > 0 ? (size_t)m->value.len : 0);
	pthread_mutex_lock(&p->lock);
	int rc = p->mem_used >= p->mem_max ? wait_for_room(p, timeout_ms) : 0;
	if (!rc && (p->aborted || p->stop))
		rc = KQ_ECLOSED;
	if (!rc && m->partition >= t->parts_n)
		rc = KQ_EINVAL;
	if (!rc) {
		struct kq_out_partition *part = t->parts[choose(p, t, m)];
		rc = lay(p, part, m, ts);
		if (!rc)
			note(p, part, raw, tag, bytes);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

/* ---- lines -------------------------------------------------------------------------- */

/* Where the next line ends, or NULL: there is no whole one. */
static const char *line_end(const struct kq_lines *l, const char *at, const char *end)
{
	if (l->delim_n == 1)
		return memchr(at, l->delim[0], (size_t)(end - at));
	return memmem(at, (size_t)(end - at), l->delim, l->delim_n);
}

/* Fills b from the block until the batch or the block ends; *stop says which line did
 * not fit. The hot loop of kq-produce. */
static int fill(struct kq_out_batch *b, const struct kq_message *like, struct kq_lines *l, int64_t ts,
		bool raw)
{
	const char *at = l->p + l->used, *end = l->p + l->n;
	uint64_t count = 0;
	int rc = 0;
	for (const char *stop; at < end && (stop = line_end(l, at, end)); count++) {
		size_t n = (size_t)(stop - at);
		struct kq_bytes value = { (const uint8_t *)at, (int32_t)n };
		if (n == 0 && l->empty_as_null)
			value = KQ_BYTES_NULL;
		rc = n > INT32_MAX / 2 ? KQ_ETOOBIG :
		     kq_builder_append(&b->builder, ts, like->key, value, like->header_count, like->headers);
		if (rc)
			break;
		if (raw)
			keep_raw(b, at, n + l->delim_n);
		at = stop + l->delim_n;
	}
	l->used = (size_t)(at - l->p);
	l->count += count;
	return rc;
}

/* One round of the block: makes sure of an open batch and fills it. */
static int fill_round(struct kq_producer *p, struct kq_out_partition *part, const struct kq_message *like,
		      struct kq_lines *l, int64_t ts, uint64_t tag)
{
	if (!part->open) {
		int rc = open_batch(p, part, ts, part->topic->batch_max);
		if (rc)
			return rc;
	}
	struct kq_out_batch *b = part->open;
	size_t used = l->used;
	uint64_t count = l->count;
	int32_t at = b->builder.count;
	int rc = fill(b, like, l, ts, p->opt.keep_raw);
	count = l->count - count;
	if (count) {
		kq_accumulator_add_run(b, at, tag + l->count - count);
		part->records += count;
		p->stats.records += count;
		p->stats.bytes += l->used - used;
	}
	kq_accumulator_charge(p, b);
	return rc;
}

/* The line at l->used alone: it did not fit the batch. */
static int lay_line(struct kq_producer *p, struct kq_out_partition *part, const struct kq_message *like,
		    struct kq_lines *l, int64_t ts, uint64_t tag)
{
	const char *at = l->p + l->used, *stop = line_end(l, at, l->p + l->n);
	struct kq_message m = *like;
	if ((size_t)(stop - at) > INT32_MAX / 2)
		return KQ_ETOOBIG;
	m.value = (struct kq_bytes){ (const uint8_t *)at, (int32_t)(stop - at) };
	if (m.value.len == 0 && l->empty_as_null)
		m.value = KQ_BYTES_NULL;
	int rc = lay(p, part, &m, ts);
	if (rc)
		return rc;
	size_t all = (size_t)(stop - at) + l->delim_n;
	note(p, part, (struct kq_bytes){ (const uint8_t *)at, (int32_t)all }, tag + l->count, all);
	l->used += all;
	l->count++;
	return 0;
}

int kq_producer_send_lines(struct kq_producer *p, struct kq_producer_topic *t,
			   const struct kq_message *like, struct kq_lines *l, uint64_t tag,
			   int timeout_ms)
{
	int64_t ts = like->timestamp >= 0 ? like->timestamp : kq_clock_wall_ms();
	int rc = 0;
	l->used = 0;
	l->count = 0;
	pthread_mutex_lock(&p->lock);
	if (like->partition >= t->parts_n)
		rc = KQ_EINVAL;
	while (!rc && l->used < l->n && line_end(l, l->p + l->used, l->p + l->n)) {
		if (p->mem_used >= p->mem_max)
			rc = wait_for_room(p, l->count ? 0 : timeout_ms);
		if (!rc && (p->aborted || p->stop))
			rc = KQ_ECLOSED;
		if (rc)
			break;
		struct kq_out_partition *part = t->parts[choose(p, t, like)];
		rc = fill_round(p, part, like, l, ts, tag);
		if (rc == KQ_ETOOBIG)
			rc = lay_line(p, part, like, l, ts, tag);
	}
	pthread_mutex_unlock(&p->lock);
	return rc == KQ_EAGAIN && l->count ? 0 : rc;
}
