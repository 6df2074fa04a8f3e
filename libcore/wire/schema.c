#include "wire/schema.h"

#include <assert.h>

static const uint8_t value_size[] = {
	[KQ_KIND_BOOL] = sizeof(bool),
	[KQ_KIND_INT8] = 1,
	[KQ_KIND_INT16] = 2,
	[KQ_KIND_UINT16] = 2,
	[KQ_KIND_INT32] = 4,
	[KQ_KIND_UINT32] = 4,
	[KQ_KIND_INT64] = 8,
	[KQ_KIND_FLOAT64] = 8,
	[KQ_KIND_UUID] = 16,
	[KQ_KIND_STRING] = sizeof(struct kq_str),
	[KQ_KIND_BYTES] = sizeof(struct kq_bytes),
	[KQ_KIND_RECORDS] = sizeof(struct kq_bytes),
};

size_t kq_field_elem_size(const struct kq_field *f)
{
	return f->kind == KQ_KIND_STRUCT ? f->sub->size : value_size[f->kind];
}

static void init_number(const struct kq_field *f, void *p)
{
	switch (f->kind) {
	case KQ_KIND_BOOL: *(bool *)p = f->def != 0; break;
	case KQ_KIND_INT8: *(int8_t *)p = (int8_t)f->def; break;
	case KQ_KIND_INT16:
	case KQ_KIND_UINT16: *(uint16_t *)p = (uint16_t)f->def; break;
	case KQ_KIND_INT32:
	case KQ_KIND_UINT32: *(uint32_t *)p = (uint32_t)f->def; break;
	case KQ_KIND_INT64: *(int64_t *)p = f->def; break;
	case KQ_KIND_FLOAT64: *(double *)p = (double)f->def; break;
	case KQ_KIND_UUID: memset(p, 0, 16); break;
	default: assert(!"a number");
	}
}

void kq_field_init(const struct kq_field *f, void *p)
{
	const int32_t empty = f->flags & KQ_FIELD_NULL_DEFAULT ? -1 : 0;
	if (kq_field_is_array(f)) {
		*(void **)p = NULL;
		*kq_array_count(p) = empty;
		return;
	}
	switch (f->kind) {
	case KQ_KIND_STRING:
		*(struct kq_str *)p = (struct kq_str){ empty ? NULL : "", empty };
		break;
	case KQ_KIND_BYTES:
	case KQ_KIND_RECORDS:
		*(struct kq_bytes *)p = (struct kq_bytes){ NULL, empty };
		break;
	case KQ_KIND_STRUCT:
		if (kq_field_is_pointer(f))
			*(void **)p = NULL;
		else
			kq_wire_init(f->sub, p);
		break;
	default:
		init_number(f, p);
	}
}

void kq_wire_init(const struct kq_schema *s, void *msg)
{
	for (int i = 0; i < s->n_fields; i++)
		kq_field_init(&s->fields[i], (char *)msg + s->fields[i].offset);
}

void *kq_wire_array(const struct kq_schema *s, struct kq_arena *a, size_t count)
{
	char *v = kq_arena_array(a, count, s->size);
	for (size_t i = 0; v && i < count; i++)
		kq_wire_init(s, v + i * s->size);
	return v;
}

static bool is_default_struct(const struct kq_schema *s, const void *msg)
{
	for (int i = 0; i < s->n_fields; i++)
		if (!kq_field_is_default(&s->fields[i], (const char *)msg + s->fields[i].offset))
			return false;
	return true;
}

bool kq_field_is_default(const struct kq_field *f, const void *p)
{
	static const struct kq_uuid zero;
	const int32_t empty = f->flags & KQ_FIELD_NULL_DEFAULT ? -1 : 0;
	if (kq_field_is_array(f)) {
		int32_t n = *kq_array_count_const(p);
		return empty < 0 ? n < 0 : n == 0;
	}
	switch (f->kind) {
	case KQ_KIND_BOOL: return *(const bool *)p == (f->def != 0);
	case KQ_KIND_INT8: return *(const int8_t *)p == f->def;
	case KQ_KIND_INT16: return *(const int16_t *)p == f->def;
	case KQ_KIND_UINT16: return *(const uint16_t *)p == f->def;
	case KQ_KIND_INT32: return *(const int32_t *)p == f->def;
	case KQ_KIND_UINT32: return *(const uint32_t *)p == f->def;
	case KQ_KIND_INT64: return *(const int64_t *)p == f->def;
	case KQ_KIND_FLOAT64: return *(const double *)p == (double)f->def;
	case KQ_KIND_UUID: return memcmp(p, &zero, sizeof zero) == 0;
	case KQ_KIND_STRING: return ((const struct kq_str *)p)->len == empty;
	case KQ_KIND_BYTES:
	case KQ_KIND_RECORDS: return ((const struct kq_bytes *)p)->len == empty;
	default:
		if (kq_field_is_pointer(f))
			return *(void *const *)p == NULL;
		return is_default_struct(f->sub, p);
	}
}

static size_t struct_wire_min(const struct kq_schema *s, int version, bool flexible);

/* Least bytes of one value, be it the field itself or an element of its array. */
static size_t value_wire_min(const struct kq_field *f, int version, bool flexible)
{
	const bool compact = flexible && !(f->flags & KQ_FIELD_PLAIN);
	switch (f->kind) {
	case KQ_KIND_BOOL:
	case KQ_KIND_INT8: return 1;
	case KQ_KIND_STRING: return compact ? 1 : 2;
	case KQ_KIND_BYTES:
	case KQ_KIND_RECORDS: return compact ? 1 : 4;
	case KQ_KIND_STRUCT: return struct_wire_min(f->sub, version, flexible);
	default: return value_size[f->kind];
	}
}

static size_t struct_wire_min(const struct kq_schema *s, int version, bool flexible)
{
	size_t n = flexible ? 1 : 0;
	for (int i = 0; i < s->n_fields; i++) {
		const struct kq_field *f = &s->fields[i];
		if (!kq_field_in(f->versions, version) || f->tag >= 0)
			continue;
		if (kq_field_is_array(f))
			n += flexible ? 1 : 4;
		else if (kq_field_is_pointer(f) && kq_field_in(f->nullable, version))
			n += 1;
		else
			n += value_wire_min(f, version, flexible);
	}
	return n;
}

size_t kq_field_wire_min(const struct kq_field *f, int version, bool flexible)
{
	size_t n = value_wire_min(f, version, flexible);
	return n ? n : 1;
}

int kq_schema_min_version(const struct kq_schema *s)
{
	return s->min;
}

int kq_schema_max_version(const struct kq_schema *s)
{
	return s->max;
}

bool kq_schema_is_flexible(const struct kq_schema *s, int version)
{
	return version >= s->flexible;
}

const char *kq_schema_name(const struct kq_schema *s)
{
	return s->name;
}
