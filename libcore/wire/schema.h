/* The tables behind codec.h: what gen.awk writes and decode, encode and print
 * read. Only wire/ and its tests look in here. */
#ifndef KQ_WIRE_SCHEMA_H
#define KQ_WIRE_SCHEMA_H

#include <stddef.h>

#include "wire/api.h"

enum kq_kind {
	KQ_KIND_BOOL,
	KQ_KIND_INT8,
	KQ_KIND_INT16,
	KQ_KIND_UINT16,
	KQ_KIND_INT32,
	KQ_KIND_UINT32,
	KQ_KIND_INT64,
	KQ_KIND_FLOAT64,
	KQ_KIND_UUID,
	KQ_KIND_STRING,
	KQ_KIND_BYTES,
	KQ_KIND_RECORDS,
	KQ_KIND_STRUCT,
};

enum kq_field_flags {
	KQ_FIELD_ARRAY = 1,        /* T *p at offset, the count right after it */
	KQ_FIELD_NULL_DEFAULT = 2, /* null when absent, else empty */
	KQ_FIELD_DROP = 4,         /* may be lost at versions without it */
	KQ_FIELD_PLAIN = 8,        /* old length form even in flexible versions */
};

/* Versions are bits (1 << version), so that one test decides. */
struct kq_field {
	const char *name; /* as in JSON: "timeoutMs" */
	uint16_t offset;  /* in the struct */
	uint8_t kind;     /* enum kq_kind; of the elements if it is an array */
	uint8_t flags;    /* enum kq_field_flags */
	int16_t tag;      /* place in the tag section, -1: an ordinary field */
	uint32_t versions; /* that have the field */
	uint32_t nullable; /* that may say null */
	int64_t def;       /* of numbers and bools */
	const struct kq_schema *sub; /* KQ_KIND_STRUCT */
};

/* A message or a struct inside one; versions are always the message's. */
struct kq_schema {
	const char *name;
	const struct kq_field *fields; /* in wire order; tags rise */
	uint16_t n_fields;
	bool has_tags; /* some field stands in the tag section */
	uint32_t size; /* of the C struct */
	int16_t min, max;
	int16_t flexible; /* first flexible version; above max: none */
};

/* Every message, for loops over all of them (tests, fuzzing). */
extern const struct kq_schema *const kq_schema_all[];
extern const int kq_schema_count;

/* The rows behind kq_api_find. */
extern const struct kq_api kq_api_table[];
extern const int kq_api_count;

/* Array elements of a kind, and of a field (pointer-sized for nullable structs
 * held by pointer: those are never in arrays). */
size_t kq_field_elem_size(const struct kq_field *f);

static inline bool kq_field_in(uint32_t versions, int version)
{
	return versions >> version & 1;
}

static inline bool kq_field_is_array(const struct kq_field *f)
{
	return f->flags & KQ_FIELD_ARRAY;
}

/* A struct held by pointer, because null is one of its values. */
static inline bool kq_field_is_pointer(const struct kq_field *f)
{
	return f->kind == KQ_KIND_STRUCT && f->nullable && !kq_field_is_array(f);
}

/* The count of the array whose pointer stands at p. */
static inline int32_t *kq_array_count(void *p)
{
	return (int32_t *)((char *)p + sizeof(void *));
}

static inline const int32_t *kq_array_count_const(const void *p)
{
	return (const int32_t *)((const char *)p + sizeof(void *));
}

/* True if the field at p has its default, all the way down. */
bool kq_field_is_default(const struct kq_field *f, const void *p);

/* Sets the field at p to its default. */
void kq_field_init(const struct kq_field *f, void *p);

/* Bytes that one element of f takes at least at this version; 1 or more. A count
 * is checked with it before memory is asked for. */
size_t kq_field_wire_min(const struct kq_field *f, int version, bool flexible);

#endif
