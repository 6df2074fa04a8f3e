/* What the wire tests share: hex, finding a table, one decode. */
#ifndef KQ_TEST_MESSAGE_H
#define KQ_TEST_MESSAGE_H

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/reader.h"
#include "wire/messages.h"
#include "wire/schema.h"

enum { ARENA_LIMIT = 1 << 20 };

/* Bytes of a hex string, from malloc and of exactly that size, so that a
 * sanitizer sees each read past the end. */
static inline uint8_t *from_hex(const char *hex, size_t *n)
{
	*n = strlen(hex) / 2;
	uint8_t *p = malloc(*n ? *n : 1);
	for (size_t i = 0; i < *n; i++) {
		char two[3] = { hex[2 * i], hex[2 * i + 1], 0 };
		p[i] = (uint8_t)strtoul(two, NULL, 16);
	}
	return p;
}

static inline const struct kq_schema *find_schema(const char *name)
{
	for (int i = 0; i < kq_schema_count; i++)
		if (strcmp(kq_schema_all[i]->name, name) == 0)
			return kq_schema_all[i];
	return NULL;
}

/* A decoded message and what keeps it alive. */
struct message {
	const struct kq_schema *schema;
	int version;
	struct kq_arena arena;
	void *body;
	size_t left; /* bytes that followed the message */
};

static inline int message_decode(struct message *m, const struct kq_schema *s, int version,
				 const void *p, size_t n)
{
	struct kq_reader r;
	m->schema = s;
	m->version = version;
	kq_arena_init(&m->arena, ARENA_LIMIT);
	m->body = calloc(1, s->size);
	kq_reader_init(&r, p, n);
	int rc = kq_wire_decode(s, version, &r, &m->arena, m->body);
	m->left = kq_reader_left(&r);
	return rc;
}

static inline void message_free(struct message *m)
{
	free(m->body);
	kq_arena_deinit(&m->arena);
}

/* Encodes; the bytes are the caller's to free, NULL if it failed. */
static inline uint8_t *message_encode(const struct message *m, size_t *n, int *rc)
{
	struct kq_writer w;
	kq_writer_init(&w, 1 << 24);
	*rc = kq_wire_encode(m->schema, m->version, &w, m->body, NULL);
	if (*rc)
		kq_writer_deinit(&w);
	return kq_writer_take(&w, n);
}

#endif
