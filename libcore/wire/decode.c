/* Bytes to structs, by walking a message's table.
 *
 * The happy path reads the fields of the version in order and, in flexible
 * versions, the tag section after them. Every way to fail goes through the
 * reader's sticky error: bytes that end (KQ_ETRUNC), a null where none may be
 * (KQ_ECORRUPT), the arena (KQ_ELIMIT, KQ_ENOMEM). Recursion is as deep as the
 * schema, never as deep as the input says. Like Kafka this is lenient where
 * nothing hangs on it: any negative length is null, tags may come in any order
 * and twice (the last wins), a known tag may be longer than its value. */
#include <assert.h>

#include "wire/schema.h"

struct decoder {
	struct kq_reader *r;
	struct kq_arena *a;
	int version;
	bool flexible;
};

/* Arrays up to this count are allocated without working out how many bytes each
 * element must have: together they cannot be large. */
enum { SMALL_COUNT = 32 };

static void read_struct(struct decoder *d, const struct kq_schema *s, void *msg);

/* Length of a text, bytes or array; -1 for null, which f must allow. What is
 * longer than the input is caught by the caller. */
static int64_t read_length(struct decoder *d, const struct kq_field *f, bool is_text)
{
	int64_t n;
	if (d->flexible && !(f->flags & KQ_FIELD_PLAIN))
		n = (int64_t)kq_read_uvarint(d->r) - 1;
	else if (is_text)
		n = kq_read_i16(d->r);
	else
		n = kq_read_i32(d->r);
	if (n >= 0)
		return n;
	if (!kq_field_in(f->nullable, d->version))
		kq_reader_fail(d->r, KQ_ECORRUPT);
	return -1;
}

static void read_blob(struct decoder *d, const struct kq_field *f, struct kq_bytes *v)
{
	int64_t n = read_length(d, f, f->kind == KQ_KIND_STRING);
	*v = KQ_BYTES_NULL;
	if (n < 0)
		return;
	if (n > INT32_MAX) {
		kq_reader_fail(d->r, KQ_ETRUNC);
		return;
	}
	v->p = kq_reader_take(d->r, (size_t)n);
	v->len = v->p ? (int32_t)n : -1;
}

/* One value that is no array. */
static void read_value(struct decoder *d, const struct kq_field *f, void *p)
{
	struct kq_bytes blob;
	const uint8_t *in;
	switch (f->kind) {
	case KQ_KIND_BOOL: *(bool *)p = kq_read_i8(d->r) != 0; break;
	case KQ_KIND_INT8: *(int8_t *)p = kq_read_i8(d->r); break;
	case KQ_KIND_INT16:
	case KQ_KIND_UINT16: *(int16_t *)p = kq_read_i16(d->r); break;
	case KQ_KIND_INT32:
	case KQ_KIND_UINT32: *(int32_t *)p = kq_read_i32(d->r); break;
	case KQ_KIND_INT64:
	case KQ_KIND_FLOAT64: {
		int64_t bits = kq_read_i64(d->r);
		memcpy(p, &bits, 8);
		break;
	}
	case KQ_KIND_UUID:
		in = kq_reader_take(d->r, 16);
		if (in)
			memcpy(p, in, 16);
		break;
	case KQ_KIND_STRING:
		read_blob(d, f, &blob);
		*(struct kq_str *)p = (struct kq_str){ (const char *)blob.p, blob.len };
		break;
	case KQ_KIND_BYTES:
	case KQ_KIND_RECORDS:
		read_blob(d, f, p);
		break;
	case KQ_KIND_STRUCT:
		read_struct(d, f->sub, p);
		break;
	default:
		assert(!"a kind");
	}
}

/* Zeroed room for count elements, or NULL and the reader's error set. */
static void *new_array(struct decoder *d, size_t count, size_t size)
{
	size_t room = d->a->limit > d->a->used ? d->a->limit - d->a->used : 0;
	void *p = kq_arena_array(d->a, count, size);
	if (!p)
		kq_reader_fail(d->r, count > room / size ? KQ_ELIMIT : KQ_ENOMEM);
	return p;
}

static void read_array(struct decoder *d, const struct kq_field *f, void *p)
{
	char **items = p;
	int32_t *count = kq_array_count(p);
	int64_t n = read_length(d, f, false);
	size_t left = kq_reader_left(d->r);

	*items = NULL;
	*count = n < 0 ? -1 : 0;
	if (n <= 0)
		return;
	if ((uint64_t)n > left || n > INT32_MAX ||
	    (n > SMALL_COUNT && (uint64_t)n > left / kq_field_wire_min(f, d->version, d->flexible))) {
		kq_reader_fail(d->r, KQ_ETRUNC);
		return;
	}
	size_t size = kq_field_elem_size(f);
	char *v = new_array(d, (size_t)n, size);
	if (!v)
		return;
	for (int64_t i = 0; i < n && !kq_reader_failed(d->r); i++)
		read_value(d, f, v + (size_t)i * size);
	*items = v;
	*count = (int32_t)n;
}

/* A struct that null is a value of: a byte says whether it follows. */
static void read_pointer(struct decoder *d, const struct kq_field *f, void *p)
{
	void **to = p;
	*to = NULL;
	if (kq_field_in(f->nullable, d->version) && kq_read_i8(d->r) < 0)
		return;
	void *sub = kq_reader_failed(d->r) ? NULL : new_array(d, 1, f->sub->size);
	if (sub)
		read_struct(d, f->sub, sub);
	*to = sub;
}

static void read_field(struct decoder *d, const struct kq_field *f, void *p)
{
	if (kq_field_is_array(f))
		read_array(d, f, p);
	else if (kq_field_is_pointer(f))
		read_pointer(d, f, p);
	else
		read_value(d, f, p);
}

static const struct kq_field *find_tag(const struct kq_schema *s, int version, uint32_t tag)
{
	for (int i = 0; s->has_tags && i < s->n_fields; i++) {
		const struct kq_field *f = &s->fields[i];
		if (f->tag >= 0 && (uint32_t)f->tag == tag && kq_field_in(f->versions, version))
			return f;
	}
	return NULL;
}

static void read_tags(struct decoder *d, const struct kq_schema *s, void *msg)
{
	uint32_t n = kq_read_uvarint(d->r);
	for (; n && !kq_reader_failed(d->r); n--) {
		uint32_t tag = kq_read_uvarint(d->r);
		uint32_t size = kq_read_uvarint(d->r);
		const uint8_t *p = kq_reader_take(d->r, size);
		const struct kq_field *f = p ? find_tag(s, d->version, tag) : NULL;
		if (!f)
			continue;
		struct kq_reader inner;
		struct decoder sub = *d;
		kq_reader_init(&inner, p, size);
		sub.r = &inner;
		read_field(&sub, f, (char *)msg + f->offset);
		if (kq_reader_failed(&inner))
			kq_reader_fail(d->r, inner.err);
	}
}

static void read_struct(struct decoder *d, const struct kq_schema *s, void *msg)
{
	for (int i = 0; i < s->n_fields; i++) {
		const struct kq_field *f = &s->fields[i];
		void *p = (char *)msg + f->offset;
		if (f->tag < 0 && kq_field_in(f->versions, d->version))
			read_field(d, f, p);
		else
			kq_field_init(f, p);
	}
	if (d->flexible)
		read_tags(d, s, msg);
}

int kq_wire_decode(const struct kq_schema *s, int version, struct kq_reader *r,
		   struct kq_arena *a, void *msg)
{
	if (version < s->min || version > s->max)
		return KQ_EUNSUPPORTED;
	struct decoder d = { r, a, version, version >= s->flexible };
	read_struct(&d, s, msg);
	return r->err;
}
