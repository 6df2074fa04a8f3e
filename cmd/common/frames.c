#include "frames.h"

enum { FRAME_VERSION = 1, FRAME_APPEND_TIME = 1, FRAME_HEAD = 4 + 1 + 1 + 4 + 8 + 8, FRAME_LEAST = FRAME_HEAD + 2 + 4 + 4 + 4 };

static char *put(char *p, uint64_t v, int bytes)
{
	while (bytes-- > 0)
		*p++ = (char)(v >> (8 * bytes));
	return p;
}

static char *put_bytes(char *p, const void *from, int32_t len, int length_bytes)
{
	p = put(p, (uint64_t)(int64_t)len, length_bytes);
	if (len > 0)
		memcpy(p, from, (size_t)len);
	return p + (len > 0 ? len : 0);
}

static size_t size_of(int32_t len)
{
	return len > 0 ? (size_t)len : 0;
}

void kq_frame_write(struct kq_out *o, const struct kq_message *m)
{
	size_t size = FRAME_LEAST + size_of(m->topic.len) + size_of(m->key.len) + size_of(m->value.len) +
		      size_of(m->headers.len);
	char *start = kq_out_room(o, size), *p = start;
	p = put(p, size - 4, 4);
	p = put(p, FRAME_VERSION, 1);
	p = put(p, m->log_append_time ? FRAME_APPEND_TIME : 0, 1);
	p = put(p, (uint64_t)(int64_t)m->partition, 4);
	p = put(p, (uint64_t)m->offset, 8);
	p = put(p, (uint64_t)m->timestamp, 8);
	p = put_bytes(p, m->topic.p, m->topic.len, 2);
	p = put_bytes(p, m->key.p, m->key.len, 4);
	p = put_bytes(p, m->value.p, m->value.len, 4);
	p = put(p, (uint64_t)m->header_count, 4);
	if (m->headers.len > 0)
		memcpy(p, m->headers.p, (size_t)m->headers.len);
	o->len += size;
}

struct cursor {
	const uint8_t *p, *end;
	bool cut;
};

static int64_t get(struct cursor *c, int bytes)
{
	if (c->end - c->p < bytes) {
		c->cut = true;
		return 0;
	}
	uint64_t v = c->p[0] & 0x80 ? ~(uint64_t)0 : 0;
	while (bytes-- > 0)
		v = v << 8 | *c->p++;
	return (int64_t)v;
}

static struct kq_bytes get_bytes(struct cursor *c, int length_bytes)
{
	struct kq_bytes b = { c->p, (int32_t)get(c, length_bytes) };
	if (b.len < -1 || b.len > c->end - c->p)
		c->cut = true;
	if (c->cut || b.len < 0)
		return KQ_BYTES_NULL;
	b.p = c->p;
	c->p += b.len;
	return b;
}

static bool headers_fit(const struct kq_message *m)
{
	struct kq_message_header h;
	size_t pos = 0;
	int32_t n = 0;
	int rc;
	while ((rc = kq_message_header_next(m, &pos, &h)) == 1)
		n++;
	return rc == 0 && n == m->header_count;
}

int kq_frame_read(const void *bytes, size_t n, size_t *used, struct kq_message *m, struct kq_error *e)
{
	struct cursor c = { bytes, (const uint8_t *)bytes + n, false };
	*m = KQ_MESSAGE_INIT;
	*used = 4;
	if (n < 4)
		return 0;
	int64_t size = get(&c, 4);
	if (size < FRAME_LEAST - 4 || size > KQ_FRAME_MAX)
		return kq_error_set(e, KQ_EINVAL, "not a frame: its length would be %lld", (long long)size);
	*used = 4 + (size_t)size;
	if ((size_t)(c.end - c.p) < (size_t)size)
		return 0;
	c.end = c.p + size;
	int64_t version = get(&c, 1);
	if (version != FRAME_VERSION)
		return kq_error_set(e, KQ_EINVAL, "not a frame: version %lld", (long long)version);
	m->log_append_time = get(&c, 1) & FRAME_APPEND_TIME;
	m->partition = (int32_t)get(&c, 4);
	m->offset = get(&c, 8);
	m->timestamp = get(&c, 8);
	struct kq_bytes topic = get_bytes(&c, 2);
	m->topic = (struct kq_str){ (const char *)topic.p, topic.len };
	m->key = get_bytes(&c, 4);
	m->value = get_bytes(&c, 4);
	m->header_count = (int32_t)get(&c, 4);
	m->headers = (struct kq_bytes){ c.p, (int32_t)(c.end - c.p) };
	if (c.cut || !headers_fit(m))
		return kq_error_set(e, KQ_EINVAL, "broken frame: its lengths do not fit");
	return 1;
}
