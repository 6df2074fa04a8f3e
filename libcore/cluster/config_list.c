#include "cluster/store.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

void kq_config_list_deinit(struct kq_config_list *l)
{
	for (int i = 0; i < l->n; i++) {
		free(l->v[i].key);
		free(l->v[i].value);
	}
	free(l->v);
	*l = (struct kq_config_list){ 0 };
}

void kq_config_list_copy(struct kq_config_list *to, const struct kq_config_list *from)
{
	*to = (struct kq_config_list){ 0 };
	if (!from->n)
		return;
	to->v = kq_calloc((size_t)from->n, sizeof *to->v);
	to->n = from->n;
	for (int i = 0; i < from->n; i++) {
		to->v[i].key = kq_strdup(from->v[i].key);
		to->v[i].value = kq_strdup(from->v[i].value);
	}
}

/* Place of key, or where it belongs. */
static int place(const struct kq_config_list *l, const char *key, bool *found)
{
	int lo = 0, hi = l->n;
	while (lo < hi) {
		int mid = (lo + hi) / 2;
		int c = strcmp(l->v[mid].key, key);
		if (c == 0) {
			*found = true;
			return mid;
		}
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	*found = false;
	return lo;
}

static void drop_at(struct kq_config_list *l, int at)
{
	free(l->v[at].key);
	free(l->v[at].value);
	l->n--;
	memmove(&l->v[at], &l->v[at + 1], (size_t)(l->n - at) * sizeof *l->v);
}

void kq_config_list_set(struct kq_config_list *l, const char *key, const char *value)
{
	bool found;
	int at = place(l, key, &found);
	if (!value) {
		if (found)
			drop_at(l, at);
		return;
	}
	char *copy = kq_strdup(value); /* value may be the one being replaced */
	if (found) {
		free(l->v[at].value);
		l->v[at].value = copy;
		return;
	}
	l->v = kq_realloc(l->v, ((size_t)l->n + 1) * sizeof *l->v);
	memmove(&l->v[at + 1], &l->v[at], (size_t)(l->n - at) * sizeof *l->v);
	l->v[at] = (struct kq_config_pair){ kq_strdup(key), copy };
	l->n++;
}

const char *kq_config_list_get(const struct kq_config_list *l, const char *key)
{
	bool found;
	int at = place(l, key, &found);
	return found ? l->v[at].value : NULL;
}
