#include "base/map.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

/* Linear probing. A slot is free (state FREE), taken, or a grave: a grave keeps
 * longer probe chains whole after a removal, and goes at the next rebuild. */
enum { CAP_MIN = 8, INLINE_MAX = 16 };
enum slot_state { FREE, GRAVE, TAKEN };

struct kq_map_slot {
	void *value;
	uint32_t hash, len;
	union {
		uint8_t bytes[INLINE_MAX]; /* len <= INLINE_MAX: ids, short names */
		uint8_t *far;
	} key;
	uint8_t state;
};

static const uint8_t *slot_key(const struct kq_map_slot *s)
{
	return s->len <= INLINE_MAX ? s->key.bytes : s->key.far;
}

static void slot_drop(struct kq_map_slot *s)
{
	if (s->len > INLINE_MAX)
		free(s->key.far);
}

void kq_map_init(struct kq_map *m)
{
	*m = (struct kq_map){ 0 };
}

void kq_map_deinit(struct kq_map *m)
{
	for (size_t i = 0; i < m->cap; i++)
		if (m->slots[i].state == TAKEN)
			slot_drop(&m->slots[i]);
	free(m->slots);
	kq_map_init(m);
}

static struct kq_map_slot *find(const struct kq_map *m, const void *key, size_t n, uint32_t hash)
{
	if (!m->cap)
		return NULL;
	for (size_t i = hash & (m->cap - 1);; i = (i + 1) & (m->cap - 1)) {
		struct kq_map_slot *s = &m->slots[i];
		if (s->state == FREE)
			return NULL;
		if (s->state == TAKEN && s->hash == hash && s->len == n &&
		    (n == 0 || !memcmp(slot_key(s), key, n)))
			return s;
	}
}

/* The first slot of the chain that a new key may take. */
static struct kq_map_slot *find_room(const struct kq_map *m, uint32_t hash)
{
	size_t i = hash & (m->cap - 1);
	while (m->slots[i].state == TAKEN)
		i = (i + 1) & (m->cap - 1);
	return &m->slots[i];
}

/* Moves the live entries to a table in which at most half the slots are taken. */
static void rebuild(struct kq_map *m)
{
	struct kq_map old = *m;
	m->cap = CAP_MIN;
	while (m->cap < 2 * (old.live + 1))
		m->cap *= 2;
	m->slots = kq_calloc(m->cap, sizeof *m->slots);
	m->used = old.live;
	for (size_t i = 0; i < old.cap; i++)
		if (old.slots[i].state == TAKEN)
			*find_room(m, old.slots[i].hash) = old.slots[i];
	free(old.slots);
}

void *kq_map_get(const struct kq_map *m, const void *key, size_t n)
{
	struct kq_map_slot *s = m->live ? find(m, key, n, (uint32_t)kq_hash64(key, n)) : NULL;
	return s ? s->value : NULL;
}

void *kq_map_put(struct kq_map *m, const void *key, size_t n, void *value)
{
	assert(value && n <= UINT32_MAX);
	uint32_t hash = (uint32_t)kq_hash64(key, n);
	struct kq_map_slot *s = find(m, key, n, hash);
	if (s) {
		void *old = s->value;
		s->value = value;
		return old;
	}
	if ((m->used + 1) * 4 > m->cap * 3)
		rebuild(m);
	s = find_room(m, hash);
	m->used += s->state == FREE;
	m->live++;
	*s = (struct kq_map_slot){ .value = value, .hash = hash, .len = (uint32_t)n, .state = TAKEN };
	uint8_t *to = s->key.bytes;
	if (n > INLINE_MAX)
		to = s->key.far = kq_malloc(n);
	if (n)
		memcpy(to, key, n);
	assert(m->live <= m->used && m->used < m->cap);
	return NULL;
}

void *kq_map_del(struct kq_map *m, const void *key, size_t n)
{
	struct kq_map_slot *s = m->live ? find(m, key, n, (uint32_t)kq_hash64(key, n)) : NULL;
	if (!s)
		return NULL;
	void *old = s->value;
	slot_drop(s);
	*s = (struct kq_map_slot){ .state = GRAVE };
	m->live--;
	return old;
}

size_t kq_map_count(const struct kq_map *m)
{
	return m->live;
}

void *kq_map_next(const struct kq_map *m, size_t *i, const void **key, size_t *n)
{
	while (*i < m->cap) {
		struct kq_map_slot *s = &m->slots[(*i)++];
		if (s->state != TAKEN)
			continue;
		if (key)
			*key = slot_key(s);
		if (n)
			*n = s->len;
		return s->value;
	}
	return NULL;
}
