/* The table of producers: open addressing by id, linear probing, entries of their
 * own so that a rehash moves pointers only. Deletion shifts the run behind it back,
 * so there are no tombstones and an idle log's table can shrink to nothing.
 *
 * Open transactions stand in a second, short list in the order they began, so that
 * the first unstable offset is its head. Transactions that ended wait in a third
 * list until the high watermark has passed their marker: readers of committed data
 * must not see behind them before (PROTOCOL section 11). */
#include "log/producer_state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "record/record.h"

enum { FIRST_CAP = 4 };

enum marker_type { MARKER_ABORT = 0, MARKER_COMMIT = 1, MARKER_OTHER = -1 };

struct marker {
	enum marker_type type;
	int32_t coordinator_epoch;
};

void kq_producer_state_init(struct kq_producer_state *s)
{
	memset(s, 0, sizeof *s);
}

void kq_producer_state_deinit(struct kq_producer_state *s)
{
	kq_producer_state_clear(s);
}

void kq_producer_state_clear(struct kq_producer_state *s)
{
	for (uint32_t i = 0; i < s->cap; i++)
		free(s->slots[i]);
	free(s->slots);
	free(s->open);
	free(s->closed);
	memset(s, 0, sizeof *s);
}

/* ---- the table ------------------------------------------------------------ */

/* Ids come in blocks of neighbours; the multiplication spreads them. */
static uint32_t home(const struct kq_producer_state *s, int64_t id)
{
	return (uint32_t)(((uint64_t)id * 0x9E3779B97F4A7C15u) >> 32) & (s->cap - 1);
}

/* The slot of id, or the free one where it would go. cap > 0. */
static uint32_t probe(const struct kq_producer_state *s, int64_t id)
{
	uint32_t i = home(s, id);
	while (s->slots[i] && s->slots[i]->id != id)
		i = (i + 1) & (s->cap - 1);
	return i;
}

static struct kq_producer *find(const struct kq_producer_state *s, int64_t id)
{
	return s->cap ? s->slots[probe(s, id)] : NULL;
}

static void grow(struct kq_producer_state *s)
{
	struct kq_producer **old = s->slots;
	uint32_t n = s->cap;
	s->cap = n ? n * 2 : FIRST_CAP;
	s->slots = kq_calloc(s->cap, sizeof *s->slots);
	for (uint32_t i = 0; i < n; i++)
		if (old[i])
			s->slots[probe(s, old[i]->id)] = old[i];
	free(old);
}

static struct kq_producer *add(struct kq_producer_state *s, int64_t id)
{
	if (s->count >= s->cap - s->cap / 4)
		grow(s);
	struct kq_producer *p = kq_calloc(1, sizeof *p);
	p->id = id;
	p->epoch = -1;
	p->coordinator_epoch = -1;
	p->last_timestamp = -1;
	p->txn_first_offset = -1;
	uint32_t i = probe(s, id);
	assert(!s->slots[i]);
	s->slots[i] = p;
	s->count++;
	return p;
}

/* Frees the producer in slot i and moves those after it that probed past it. */
static void remove_at(struct kq_producer_state *s, uint32_t i)
{
	uint32_t mask = s->cap - 1;
	free(s->slots[i]);
	s->slots[i] = NULL;
	s->count--;
	for (uint32_t j = (i + 1) & mask; s->slots[j]; j = (j + 1) & mask) {
		uint32_t h = home(s, s->slots[j]->id);
		if (((j - h) & mask) < ((j - i) & mask))
			continue;
		s->slots[i] = s->slots[j];
		s->slots[j] = NULL;
		i = j;
	}
}

/* ---- transactions --------------------------------------------------------- */

/* Makes room for one more span. */
static void spans_reserve(struct kq_txn_span **v, uint32_t count, uint32_t *cap)
{
	if (count < *cap)
		return;
	*cap = *cap ? *cap * 2 : 4;
	*v = kq_realloc(*v, *cap * sizeof **v);
}

/* Offsets only grow, so the place is nearly always the end; a snapshot's producers
 * come in any order. */
static void txn_begin(struct kq_producer_state *s, struct kq_producer *p, int64_t first)
{
	spans_reserve(&s->open, s->open_count, &s->open_cap);
	uint32_t i = s->open_count++;
	for (; i > 0 && s->open[i - 1].first_offset > first; i--)
		s->open[i] = s->open[i - 1];
	s->open[i] = (struct kq_txn_span){ p->id, first, -1 };
	p->txn_first_offset = first;
}

/* Takes the producer's span out of the open list; it may wait for the watermark. */
static void txn_end(struct kq_producer_state *s, struct kq_producer *p, int64_t marker)
{
	uint32_t i = 0;
	while (i < s->open_count && s->open[i].producer_id != p->id)
		i++;
	assert(i < s->open_count && s->open[i].first_offset == p->txn_first_offset);
	struct kq_txn_span span = s->open[i];
	span.last_offset = marker;
	s->open_count--;
	memmove(&s->open[i], &s->open[i + 1], (s->open_count - i) * sizeof *s->open);
	p->txn_first_offset = -1;
	if (marker < s->hw)
		return;
	spans_reserve(&s->closed, s->closed_count, &s->closed_cap);
	s->closed[s->closed_count++] = span;
}

void kq_producer_state_advance(struct kq_producer_state *s, int64_t hw)
{
	if (hw <= s->hw)
		return;
	s->hw = hw;
	uint32_t n = 0;
	while (n < s->closed_count && s->closed[n].last_offset < hw)
		n++;
	if (!n)
		return;
	s->closed_count -= n;
	memmove(s->closed, s->closed + n, s->closed_count * sizeof *s->closed);
}

int64_t kq_producer_state_first_unstable(const struct kq_producer_state *s)
{
	int64_t first = s->open_count ? s->open[0].first_offset : -1;
	/* Few: those whose marker was appended since the watermark moved last. */
	for (uint32_t i = 0; i < s->closed_count; i++)
		if (first < 0 || s->closed[i].first_offset < first)
			first = s->closed[i].first_offset;
	return first;
}

bool kq_producer_state_in_txn(const struct kq_producer_state *s, int64_t producer_id)
{
	const struct kq_producer *p = find(s, producer_id);
	return p && p->txn_first_offset >= 0;
}

/* ---- checks --------------------------------------------------------------- */

/* Sequence before seq by n, on the ring 0 .. 2147483647. */
static int32_t sequence_back(int32_t seq, int32_t n)
{
	return (int32_t)(((uint32_t)seq - (uint32_t)n) & INT32_MAX);
}

static bool is_duplicate(const struct kq_producer *p, const struct kq_batch *b,
			 struct kq_producer_batch *dup)
{
	if (p->epoch != b->producer_epoch)
		return false;
	int32_t last = kq_batch_last_sequence(b);
	for (int i = 0; i < p->count; i++) {
		const struct kq_producer_batch *k = &p->batches[i];
		if (k->last_sequence != last ||
		    sequence_back(k->last_sequence, k->offset_delta) != b->base_sequence)
			continue;
		if (dup)
			*dup = *k;
		return true;
	}
	return false;
}

int kq_producer_state_check(const struct kq_producer_state *s, const struct kq_batch *b,
			    struct kq_producer_batch *dup)
{
	if (b->producer_id < 0)
		return 0;
	if (b->base_sequence < 0 || b->producer_epoch < 0)
		return KQ_ERECORD;
	const struct kq_producer *p = find(s, b->producer_id);
	if (!p)
		return 0;
	if (is_duplicate(p, b, dup))
		return KQ_EDUP;
	if (b->producer_epoch < p->epoch)
		return KQ_EFENCED;
	if (b->producer_epoch > p->epoch || !p->count) {
		if (b->base_sequence != 0)
			return KQ_ESEQ;
	} else {
		int32_t last = p->batches[p->count - 1].last_sequence;
		if (b->base_sequence != (int32_t)(((uint32_t)last + 1) & INT32_MAX))
			return KQ_ESEQ;
	}
	if (p->txn_first_offset >= 0 && !(b->attributes & KQ_BATCH_TRANSACTIONAL))
		return KQ_ERECORD;
	return 0;
}

/* ---- taking note ---------------------------------------------------------- */

static void set_epoch(struct kq_producer *p, int16_t epoch)
{
	if (p->epoch == epoch)
		return;
	p->epoch = epoch;
	p->count = 0;
}

static void note_data(struct kq_producer_state *s, const struct kq_batch *b)
{
	struct kq_producer *p = find(s, b->producer_id);
	if (!p)
		p = add(s, b->producer_id);
	set_epoch(p, b->producer_epoch);
	if (p->count == KQ_PRODUCER_WINDOW)
		memmove(p->batches, p->batches + 1, --p->count * sizeof *p->batches);
	p->batches[p->count++] = (struct kq_producer_batch){
		.last_offset = kq_batch_last_offset(b),
		.timestamp = b->max_timestamp,
		.last_sequence = kq_batch_last_sequence(b),
		.offset_delta = b->last_offset_delta,
	};
	p->last_timestamp = b->max_timestamp;
	if ((b->attributes & KQ_BATCH_TRANSACTIONAL) && p->txn_first_offset < 0)
		txn_begin(s, p, b->base_offset);
}

/* The control record of b. An emptied batch, or a type that is not about
 * transactions, is MARKER_OTHER. */
static int read_marker(const struct kq_batch *b, struct marker *m)
{
	m->type = MARKER_OTHER;
	if (b->count == 0)
		return 0;
	if (b->size < KQ_BATCH_HEADER_SIZE || !b->bytes || kq_batch_codec(b) != KQ_CODEC_NONE)
		return KQ_ECORRUPT;
	struct kq_record_iter it;
	struct kq_record rec;
	kq_record_iter_init(&it, b, b->bytes + KQ_BATCH_HEADER_SIZE,
			    (size_t)b->size - KQ_BATCH_HEADER_SIZE);
	if (kq_record_next(&it, &rec) != 1 || rec.key.len < 4)
		return KQ_ECORRUPT;
	int16_t version = kq_load_i16(rec.key.p), type = kq_load_i16(rec.key.p + 2);
	if (version < 0)
		return KQ_ECORRUPT;
	if (type != MARKER_ABORT && type != MARKER_COMMIT)
		return 0;
	if (rec.value.len < 6)
		return KQ_ECORRUPT;
	m->type = (enum marker_type)type;
	m->coordinator_epoch = kq_load_i32(rec.value.p + 2);
	return 0;
}

static int note_marker(struct kq_producer_state *s, const struct kq_batch *b,
		       struct kq_aborted_txn *aborted)
{
	struct marker m;
	int rc = read_marker(b, &m);
	if (rc || m.type == MARKER_OTHER)
		return rc;
	struct kq_producer *p = find(s, b->producer_id);
	if (!p)
		p = add(s, b->producer_id);
	int64_t first = p->txn_first_offset;
	if (first >= 0)
		txn_end(s, p, b->base_offset);
	set_epoch(p, b->producer_epoch);
	p->coordinator_epoch = m.coordinator_epoch;
	p->last_timestamp = b->max_timestamp;
	if (first < 0 || m.type == MARKER_COMMIT)
		return 0;
	*aborted = (struct kq_aborted_txn){
		.producer_id = p->id,
		.first_offset = first,
		.last_offset = b->base_offset,
		.last_stable_offset = s->open_count ? s->open[0].first_offset
						    : b->base_offset + 1,
	};
	return 1;
}

int kq_producer_state_update(struct kq_producer_state *s, const struct kq_batch *b,
			     struct kq_aborted_txn *aborted)
{
	if (b->producer_id < 0)
		return 0;
	if (b->attributes & KQ_BATCH_CONTROL)
		return note_marker(s, b, aborted);
	note_data(s, b);
	return 0;
}

/* ---- expiry, listing, snapshots ------------------------------------------- */

int kq_producer_state_expire(struct kq_producer_state *s, int64_t now_ms, int64_t expiration_ms)
{
	int n = 0;
	for (uint32_t i = 0; i < s->cap;) {
		const struct kq_producer *p = s->slots[i];
		if (p && p->txn_first_offset < 0 && p->last_timestamp <= now_ms - expiration_ms) {
			remove_at(s, i); /* another may have moved to i: look again */
			n++;
		} else {
			i++;
		}
	}
	if (n && !s->count) {
		free(s->slots);
		s->slots = NULL;
		s->cap = 0;
	}
	return n;
}

const struct kq_producer *kq_producer_state_next(const struct kq_producer_state *s, uint32_t *i)
{
	while (*i < s->cap) {
		const struct kq_producer *p = s->slots[(*i)++];
		if (p)
			return p;
	}
	return NULL;
}

int kq_producer_state_list(const struct kq_producer_state *s, struct kq_producer_info **v, int *n)
{
	*v = NULL;
	*n = 0;
	if (!s->count)
		return 0;
	*v = kq_try_malloc(s->count * sizeof **v);
	if (!*v)
		return KQ_ENOMEM;
	uint32_t i = 0;
	for (const struct kq_producer *p; (p = kq_producer_state_next(s, &i));)
		(*v)[(*n)++] = (struct kq_producer_info){
			.producer_id = p->id,
			.epoch = p->epoch,
			.last_sequence = p->count ? p->batches[p->count - 1].last_sequence : -1,
			.coordinator_epoch = p->coordinator_epoch,
			.last_timestamp = p->last_timestamp,
			.txn_start_offset = p->txn_first_offset,
		};
	return 0;
}

int kq_producer_state_restore(struct kq_producer_state *s, const struct kq_producer *from)
{
	if (find(s, from->id))
		return KQ_EEXIST;
	struct kq_producer *p = add(s, from->id);
	*p = *from;
	if (from->txn_first_offset >= 0)
		txn_begin(s, p, from->txn_first_offset);
	return 0;
}
