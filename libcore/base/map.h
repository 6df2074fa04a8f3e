/* Hash table from short byte keys (strings, ids) to pointers.
 *
 * Keys are copied into the table; values are borrowed. Open addressing, grows by
 * doubling; lookups are O(1). Not thread-safe. */
#ifndef KQ_BASE_MAP_H
#define KQ_BASE_MAP_H

#include "kq/types.h"

struct kq_map {
	struct kq_map_slot *slots;
	size_t cap, used, live;
};

void kq_map_init(struct kq_map *m);
void kq_map_deinit(struct kq_map *m); /* not the values */

void *kq_map_get(const struct kq_map *m, const void *key, size_t n); /* or NULL */
/* Sets key to value (not NULL); returns the value it replaces, or NULL. */
void *kq_map_put(struct kq_map *m, const void *key, size_t n, void *value);
/* Removes key; returns its value, or NULL. */
void *kq_map_del(struct kq_map *m, const void *key, size_t n);
size_t kq_map_count(const struct kq_map *m);

/* Walks all entries in no order: i starts at 0; NULL at the end. Deleting the
 * entry just returned is allowed, putting is not. */
void *kq_map_next(const struct kq_map *m, size_t *i, const void **key, size_t *n);

/* Shorthands for string keys. */
#define kq_map_get_str(m, s) kq_map_get((m), (s).p, (size_t)(s).len)
#define kq_map_put_str(m, s, v) kq_map_put((m), (s).p, (size_t)(s).len, (v))
#define kq_map_del_str(m, s) kq_map_del((m), (s).p, (size_t)(s).len)

#endif
