/* Structs to bytes, by walking a message's table.
 *
 * Failures are of two kinds: the writer's own sticky error (memory, limit), and
 * what the version cannot say, kept in encoder.err; the first of them is the
 * result and w's content is then rubbish. */
#include <assert.h>

#include "wire/schema.h"

struct encoder {
	struct kq_writer *w;
	struct kq_wire_gaps *gaps; /* or NULL */
	int version;
	bool flexible;
	int err;
};

static void write_struct(struct encoder *e, const struct kq_schema *s, const void *msg);

static void fail(struct encoder *e, int err)
{
	if (!e->err)
		e->err = err;
}

/* Length of a text, bytes or array; n < 0 is null, which f must allow. */
static void write_length(struct encoder *e, const struct kq_field *f, int32_t n, bool is_text)
{
	if (n < 0) {
		n = -1;
		if (!kq_field_in(f->nullable, e->version))
			fail(e, KQ_EINVAL);
	}
	if (e->flexible && !(f->flags & KQ_FIELD_PLAIN)) {
		kq_write_uvarint(e->w, (uint64_t)((int64_t)n + 1));
	} else if (is_text) {
		if (n > INT16_MAX)
			fail(e, KQ_ELIMIT);
		kq_write_i16(e->w, (int16_t)n);
	} else {
		kq_write_i32(e->w, n);
	}
}

/* Notes that len bytes belong here. */
static void leave_gap(struct encoder *e, int32_t len)
{
	struct kq_wire_gaps *g = e->gaps;
	if (g->n >= g->cap) {
		fail(e, KQ_ELIMIT);
		return;
	}
	g->v[g->n++] = (struct kq_wire_gap){ e->w->len, len };
}

static void write_records(struct encoder *e, const struct kq_field *f, const struct kq_bytes *v)
{
	write_length(e, f, v->len, false);
	if (v->len <= 0)
		return;
	if (v->p)
		kq_write_bytes(e->w, v->p, (size_t)v->len);
	else if (e->gaps)
		leave_gap(e, v->len);
	else
		fail(e, KQ_EINVAL);
}

/* One value that is no array. */
static void write_value(struct encoder *e, const struct kq_field *f, const void *p)
{
	const struct kq_str *str = p;
	const struct kq_bytes *bytes = p;
	int64_t bits;
	switch (f->kind) {
	case KQ_KIND_BOOL: kq_write_i8(e->w, *(const bool *)p); break;
	case KQ_KIND_INT8: kq_write_i8(e->w, *(const int8_t *)p); break;
	case KQ_KIND_INT16:
	case KQ_KIND_UINT16: kq_write_i16(e->w, *(const int16_t *)p); break;
	case KQ_KIND_INT32:
	case KQ_KIND_UINT32: kq_write_i32(e->w, *(const int32_t *)p); break;
	case KQ_KIND_INT64:
	case KQ_KIND_FLOAT64:
		memcpy(&bits, p, 8);
		kq_write_i64(e->w, bits);
		break;
	case KQ_KIND_UUID: kq_write_bytes(e->w, p, 16); break;
	case KQ_KIND_STRING:
		write_length(e, f, str->len, true);
		if (str->len > 0)
			kq_write_bytes(e->w, str->p, (size_t)str->len);
		break;
	case KQ_KIND_BYTES:
		write_length(e, f, bytes->len, false);
		if (bytes->len > 0)
			kq_write_bytes(e->w, bytes->p, (size_t)bytes->len);
		break;
	case KQ_KIND_RECORDS: write_records(e, f, p); break;
	case KQ_KIND_STRUCT: write_struct(e, f->sub, p); break;
	default: assert(!"a kind");
	}
}

static void write_pointer(struct encoder *e, const struct kq_field *f, const void *sub)
{
	const bool nullable = kq_field_in(f->nullable, e->version);
	if (nullable)
		kq_write_i8(e->w, sub ? 1 : -1);
	if (sub)
		write_struct(e, f->sub, sub);
	else if (!nullable)
		fail(e, KQ_EINVAL);
}

static void write_field(struct encoder *e, const struct kq_field *f, const void *p)
{
	if (kq_field_is_array(f)) {
		const char *items = *(char *const *)p;
		int32_t n = *kq_array_count_const(p);
		size_t size = kq_field_elem_size(f);
		write_length(e, f, n, false);
		for (int32_t i = 0; i < n && !e->err && !e->w->err; i++)
			write_value(e, f, items + (size_t)i * size);
	} else if (kq_field_is_pointer(f)) {
		write_pointer(e, f, *(void *const *)p);
	} else {
		write_value(e, f, p);
	}
}

static bool tag_is_written(const struct encoder *e, const struct kq_field *f, const void *msg)
{
	return f->tag >= 0 && kq_field_in(f->versions, e->version) &&
	       !kq_field_is_default(f, (const char *)msg + f->offset);
}

/* Tag, size, value: the size is known after the value is written, so the value
 * is then moved up by the bytes that its size takes. */
static void write_tag(struct encoder *e, const struct kq_field *f, const void *p)
{
	kq_write_uvarint(e->w, (uint64_t)f->tag);
	const size_t start = e->w->len;
	write_field(e, f, p);
	if (e->w->err)
		return;
	const size_t size = e->w->len - start;
	const size_t head = (size_t)kq_uvarint_size(size);
	if (!kq_writer_extend(e->w, head))
		return;
	uint8_t *at = e->w->buf + start;
	memmove(at + head, at, size);
	kq_store_uvarint(at, size);
}

static void write_tags(struct encoder *e, const struct kq_schema *s, const void *msg)
{
	uint64_t n = 0;
	for (int i = 0; s->has_tags && i < s->n_fields; i++)
		n += tag_is_written(e, &s->fields[i], msg);
	kq_write_uvarint(e->w, n);
	for (int i = 0; n && i < s->n_fields; i++) {
		const struct kq_field *f = &s->fields[i];
		if (tag_is_written(e, f, msg))
			write_tag(e, f, (const char *)msg + f->offset);
	}
}

static void write_struct(struct encoder *e, const struct kq_schema *s, const void *msg)
{
	for (int i = 0; i < s->n_fields; i++) {
		const struct kq_field *f = &s->fields[i];
		const void *p = (const char *)msg + f->offset;
		if (!kq_field_in(f->versions, e->version)) {
			if (!(f->flags & KQ_FIELD_DROP) && !kq_field_is_default(f, p))
				fail(e, KQ_EUNSUPPORTED);
		} else if (f->tag < 0) {
			write_field(e, f, p);
		}
	}
	if (e->flexible)
		write_tags(e, s, msg);
}

int kq_wire_encode(const struct kq_schema *s, int version, struct kq_writer *w,
		   const void *msg, struct kq_wire_gaps *gaps)
{
	if (version < s->min || version > s->max)
		return KQ_EUNSUPPORTED;
	struct encoder e = { w, gaps, version, version >= s->flexible, 0 };
	write_struct(&e, s, msg);
	return e.err ? e.err : w->err;
}
