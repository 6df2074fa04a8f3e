#include "kq/message.h"

#include "record/record.h"

int kq_message_header_next(const struct kq_message *m, size_t *pos, struct kq_message_header *h)
{
	if (m->headers.len <= 0 || *pos >= (size_t)m->headers.len)
		return 0;
	struct kq_reader r;
	struct kq_header raw;
	kq_reader_init(&r, m->headers.p + *pos, (size_t)m->headers.len - *pos);
	int rc = kq_header_next(&r, &raw);
	if (rc != 1)
		return rc;
	*pos = (size_t)(r.p - m->headers.p);
	h->name = raw.key;
	h->value = raw.value;
	return 1;
}

size_t kq_message_header_size_max(int32_t name_len, int32_t value_len)
{
	return 10 + (name_len > 0 ? (size_t)name_len : 0) + (value_len > 0 ? (size_t)value_len : 0);
}

size_t kq_message_header_write(uint8_t *p, struct kq_str name, struct kq_bytes value)
{
	if (name.len < 0)
		name = KQ_STR("");
	return (size_t)(kq_header_write(p, name, value) - p);
}
