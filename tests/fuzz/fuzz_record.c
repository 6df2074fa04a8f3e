/* Bytes as the records of a batch: what the walk accepts is written again and must
 * be read back equal. */
#include <stdlib.h>
#include <string.h>

#include "record/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int differ(struct kq_bytes a, struct kq_bytes b)
{
	return a.len != b.len || (a.len > 0 && memcmp(a.p, b.p, (size_t)a.len));
}

static void write_again(const struct kq_record *rec)
{
	struct kq_batch b = { .count = 1 };
	struct kq_record_iter it;
	struct kq_record again;
	size_t max = kq_record_size_max(rec->key.len, rec->value.len, (size_t)rec->headers.len);
	uint8_t *buf = malloc(max);
	uint8_t *end = kq_record_write(buf, rec->timestamp, (int32_t)rec->offset, rec->key, rec->value,
				       rec->header_count, rec->headers);
	if ((size_t)(end - buf) > max)
		abort();
	kq_record_iter_init(&it, &b, buf, (size_t)(end - buf));
	if (kq_record_next(&it, &again) != 1 || again.offset != rec->offset ||
	    again.timestamp != rec->timestamp || differ(again.key, rec->key) ||
	    differ(again.value, rec->value) || again.header_count != rec->header_count ||
	    differ(again.headers, rec->headers))
		abort();
	if (kq_record_next(&it, &again) != 0)
		abort();
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 1)
		return 0;
	/* The first byte is the count, so that ends are met as well as cuts. */
	struct kq_batch b = { .count = p[0] };
	struct kq_record_iter it;
	struct kq_record rec;
	kq_record_iter_init(&it, &b, p + 1, n - 1);
	while (kq_record_next(&it, &rec) == 1)
		write_again(&rec);
	return 0;
}
