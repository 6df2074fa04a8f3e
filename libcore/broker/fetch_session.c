/* Fetch sessions: the cache, its rules of eviction, and the partitions of a session.
 *
 * A request that names a session gets it for itself (busy) until it has answered; a
 * session that is closed or replaced meanwhile is taken out of the cache at once and
 * freed by the one who has it. */
#include "broker/fetch_session.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/map.h"
#include "wire/errors.h"

enum { NAME_MAX_BYTES = 249, KEY_MAX = NAME_MAX_BYTES + 1 + 4, BY_ID_VERSION = 13 };

struct kq_fetch_session {
	int32_t id, expected_epoch;
	bool by_id, busy, detached;
	int64_t made_ms, used_ms;
	int size;
	struct kq_map entries; /* by key_of() */
	struct kq_fetch_entry *first, *last;
};

struct kq_fetch_sessions {
	pthread_mutex_t lock;
	struct kq_map by_id;
	int slots;
	int64_t evict_ms;
	uint64_t made, evicted, seed;
};

/* ---- partitions of a session ---- */

static size_t key_of(uint8_t key[KEY_MAX], bool by_id, struct kq_str topic,
		     const struct kq_uuid *id, int32_t partition)
{
	size_t n = 0;
	if (by_id) {
		memcpy(key, id->b, sizeof id->b);
		n = sizeof id->b;
	} else {
		n = topic.len > 0 ? (size_t)topic.len : 0;
		if (n > NAME_MAX_BYTES)
			n = NAME_MAX_BYTES + 1; /* no topic: such names are one entry, unknown */
		if (n)
			memcpy(key, topic.p, n);
	}
	memcpy(key + n, &partition, sizeof partition);
	return n + sizeof partition;
}

static void link_last(struct kq_fetch_session *f, struct kq_fetch_entry *e)
{
	e->prev = f->last;
	e->next = NULL;
	*(f->last ? &f->last->next : &f->first) = e;
	f->last = e;
}

static void unlink_entry(struct kq_fetch_session *f, struct kq_fetch_entry *e)
{
	*(e->prev ? &e->prev->next : &f->first) = e->next;
	*(e->next ? &e->next->prev : &f->last) = e->prev;
}

static struct kq_fetch_entry *entry_new(const struct kq_fetch_session *f, struct kq_str topic,
					const struct kq_uuid *id, int32_t partition)
{
	size_t n = f->by_id || topic.len < 0 ? 0 : (size_t)topic.len;
	struct kq_fetch_entry *e = kq_calloc(1, sizeof *e + n);
	char *name = (char *)(e + 1);
	if (n)
		memcpy(name, topic.p, n);
	e->topic = f->by_id ? KQ_STR_NULL : (struct kq_str){ name, (int32_t)n };
	if (f->by_id)
		e->topic_id = *id;
	e->partition = partition;
	e->told_high_watermark = e->told_log_start = -1;
	return e;
}

static void put_partition(struct kq_fetch_session *f,
			  const struct kq_fetch_request_fetch_topic *t,
			  const struct kq_fetch_request_fetch_partition *p)
{
	uint8_t key[KEY_MAX];
	size_t n = key_of(key, f->by_id, t->topic, &t->topic_id, p->partition);
	struct kq_fetch_entry *e = kq_map_get(&f->entries, key, n);
	if (!e) {
		e = entry_new(f, t->topic, &t->topic_id, p->partition);
		kq_map_put(&f->entries, key, n, e);
		link_last(f, e);
		f->size++;
	}
	e->current_leader_epoch = p->current_leader_epoch;
	e->last_fetched_epoch = p->last_fetched_epoch;
	e->fetch_offset = p->fetch_offset;
	e->max_bytes = p->partition_max_bytes;
}

static void forget_partition(struct kq_fetch_session *f,
			     const struct kq_fetch_request_forgotten_topic *t, int32_t partition)
{
	uint8_t key[KEY_MAX];
	size_t n = key_of(key, f->by_id, t->topic, &t->topic_id, partition);
	struct kq_fetch_entry *e = kq_map_del(&f->entries, key, n);
	if (!e)
		return;
	unlink_entry(f, e);
	free(e);
	f->size--;
}

static void update(struct kq_fetch_session *f, const struct kq_fetch_request *req)
{
	for (int32_t i = 0; i < req->topics_n; i++)
		for (int32_t k = 0; k < req->topics[i].partitions_n; k++)
			put_partition(f, &req->topics[i], &req->topics[i].partitions[k]);
	for (int32_t i = 0; i < req->forgotten_topics_data_n; i++) {
		const struct kq_fetch_request_forgotten_topic *t = &req->forgotten_topics_data[i];
		for (int32_t k = 0; k < t->partitions_n; k++)
			forget_partition(f, t, t->partitions[k]);
	}
}

static void session_free(struct kq_fetch_session *f)
{
	struct kq_fetch_entry *e = f->first, *next;
	for (; e; e = next) {
		next = e->next;
		free(e);
	}
	kq_map_deinit(&f->entries);
	free(f);
}

/* ---- the cache ---- */

struct kq_fetch_sessions *kq_fetch_sessions_new(int slots, int64_t evict_ms)
{
	struct kq_fetch_sessions *s = kq_calloc(1, sizeof *s);
	pthread_mutex_init(&s->lock, NULL);
	kq_map_init(&s->by_id);
	s->slots = slots;
	s->evict_ms = evict_ms;
	s->seed = (uint64_t)kq_clock_mono_us();
	return s;
}

void kq_fetch_sessions_free(struct kq_fetch_sessions *s)
{
	struct kq_fetch_session *f;
	size_t i = 0;
	if (!s)
		return;
	while ((f = kq_map_next(&s->by_id, &i, NULL, NULL)))
		session_free(f);
	kq_map_deinit(&s->by_id);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void kq_fetch_sessions_stats(struct kq_fetch_sessions *s, struct kq_fetch_sessions_stats *out)
{
	const struct kq_fetch_session *f;
	size_t i = 0;
	pthread_mutex_lock(&s->lock);
	*out = (struct kq_fetch_sessions_stats){ .sessions = (int64_t)kq_map_count(&s->by_id),
						 .made = s->made, .evicted = s->evicted };
	while ((f = kq_map_next(&s->by_id, &i, NULL, NULL)))
		out->partitions += f->size;
	pthread_mutex_unlock(&s->lock);
}

/* Out of the cache; freed now, or by the request that has it. */
static void detach(struct kq_fetch_sessions *s, struct kq_fetch_session *f)
{
	kq_map_del(&s->by_id, &f->id, sizeof f->id);
	f->detached = true;
	if (!f->busy)
		session_free(f);
}

/* Makes room for a session of this size, or says that there is none: the longest
 * idle goes if it was idle for evict_ms, else the smallest of those that are older
 * than evict_ms and smaller. */
static bool make_room(struct kq_fetch_sessions *s, int size, int64_t now_ms)
{
	struct kq_fetch_session *f, *idle = NULL, *small = NULL;
	size_t i = 0;
	if (s->slots <= 0)
		return false;
	if (kq_map_count(&s->by_id) < (size_t)s->slots)
		return true;
	while ((f = kq_map_next(&s->by_id, &i, NULL, NULL))) {
		if (f->busy)
			continue;
		if (!idle || f->used_ms < idle->used_ms)
			idle = f;
		if (now_ms - f->made_ms > s->evict_ms && f->size < size &&
		    (!small || f->size < small->size))
			small = f;
	}
	if (idle && now_ms - idle->used_ms > s->evict_ms)
		small = idle;
	if (!small)
		return false;
	s->evicted++;
	detach(s, small);
	return true;
}

static int32_t new_id(struct kq_fetch_sessions *s)
{
	int32_t id;
	do {
		s->seed++;
		id = (int32_t)(kq_hash64(&s->seed, sizeof s->seed) & INT32_MAX);
	} while (id == 0 || kq_map_get(&s->by_id, &id, sizeof id));
	return id;
}

static int count_partitions(const struct kq_fetch_request *req)
{
	int n = 0;
	for (int32_t i = 0; i < req->topics_n; i++)
		n += req->topics[i].partitions_n > 0 ? req->topics[i].partitions_n : 0;
	return n;
}

static struct kq_fetch_session *make(struct kq_fetch_sessions *s,
				     const struct kq_fetch_request *req, int version,
				     int64_t now_ms)
{
	int size = count_partitions(req);
	if (size == 0 || !make_room(s, size, now_ms))
		return NULL;
	struct kq_fetch_session *f = kq_calloc(1, sizeof *f);
	f->id = new_id(s);
	f->expected_epoch = 1;
	f->by_id = version >= BY_ID_VERSION;
	f->made_ms = f->used_ms = now_ms;
	f->busy = true;
	kq_map_init(&f->entries);
	update(f, req);
	kq_map_put(&s->by_id, &f->id, sizeof f->id, f);
	s->made++;
	return f;
}

/* The session that an incremental request goes on with, or the error. */
static int16_t go_on(struct kq_fetch_session *f, const struct kq_fetch_request *req, int version)
{
	if (!f)
		return KQ_KAFKA_FETCH_SESSION_ID_NOT_FOUND;
	if (f->by_id != (version >= BY_ID_VERSION))
		return KQ_KAFKA_FETCH_SESSION_TOPIC_ID_ERROR;
	if (f->busy || f->expected_epoch != req->session_epoch)
		return KQ_KAFKA_INVALID_FETCH_SESSION_EPOCH;
	f->expected_epoch = f->expected_epoch == INT32_MAX ? 1 : f->expected_epoch + 1;
	f->busy = true;
	return 0;
}

void kq_fetch_session_begin(struct kq_fetch_sessions *s, const struct kq_fetch_request *req,
			    int version, int64_t now_ms, struct kq_fetch_session **out,
			    bool *full, int16_t *error)
{
	*out = NULL;
	*error = 0;
	*full = req->session_epoch <= 0;
	if (req->session_id == 0 && req->session_epoch == -1)
		return; /* the usual sessionless fetch takes no lock */
	pthread_mutex_lock(&s->lock);
	struct kq_fetch_session *f = kq_map_get(&s->by_id, &req->session_id, sizeof(int32_t));
	if (req->session_epoch <= 0) {
		if (f && req->session_id != 0)
			detach(s, f);
		if (req->session_epoch == 0)
			*out = make(s, req, version, now_ms);
		pthread_mutex_unlock(&s->lock);
		return;
	}
	*error = go_on(f, req, version);
	if (!*error) {
		update(f, req);
		*out = f;
		if (f->size == 0) { /* nothing left to remember: the answer says id 0 */
			detach(s, f);
			session_free(f);
			*out = NULL;
		}
	}
	pthread_mutex_unlock(&s->lock);
}

int32_t kq_fetch_session_id(const struct kq_fetch_session *f)
{
	return f->id;
}

int kq_fetch_session_size(const struct kq_fetch_session *f)
{
	return f->size;
}

struct kq_fetch_entry *kq_fetch_session_next(struct kq_fetch_session *f, struct kq_fetch_entry *e)
{
	return e ? e->next : f->first;
}

void kq_fetch_session_rotate(struct kq_fetch_session *f, struct kq_fetch_entry *e)
{
	assert(f->busy);
	if (f->last == e)
		return;
	unlink_entry(f, e);
	link_last(f, e);
}

void kq_fetch_session_end(struct kq_fetch_sessions *s, struct kq_fetch_session *f, int64_t now_ms)
{
	pthread_mutex_lock(&s->lock);
	assert(f->busy);
	f->busy = false;
	f->used_ms = now_ms;
	if (f->detached)
		session_free(f);
	pthread_mutex_unlock(&s->lock);
}
