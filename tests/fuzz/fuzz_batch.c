/* Bytes as a batch: header, CRC, what a broker checks, control record, and the
 * records, whatever the CRC says. The patches must leave a batch that checks. */
#include <stdlib.h>
#include <string.h>

#include "record/batch_inflate.h"
#include "record/control.h"
#include "record/validate.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void walk(const struct kq_batch *b, struct kq_writer *scratch)
{
	struct kq_record_iter it;
	struct kq_record rec;
	struct kq_header h;
	struct kq_reader r;
	const uint8_t *records;
	size_t size;
	volatile uint8_t last = 0;
	if (kq_batch_inflate(b, scratch, &records, &size))
		return;
	kq_record_iter_init(&it, b, records, size);
	while (kq_record_next(&it, &rec) == 1) {
		if (rec.key.len > 0)
			last = rec.key.p[rec.key.len - 1];
		if (rec.value.len > 0)
			last = rec.value.p[rec.value.len - 1];
		kq_reader_init(&r, rec.headers.p, (size_t)rec.headers.len);
		for (int32_t i = 0; i < rec.header_count; i++)
			if (kq_header_next(&r, &h) != 1)
				abort(); /* the walk has checked them */
		if (kq_header_next(&r, &h) != 0)
			abort();
	}
	(void)last;
}

static void patch(const uint8_t *p, const struct kq_batch *b)
{
	struct kq_batch again;
	size_t size = (size_t)b->size;
	uint8_t *copy = malloc(size);
	memcpy(copy, p, size);
	kq_batch_patch_append_time(copy, size, 12345);
	if (kq_batch_peek(copy, size, &again) || kq_batch_check_crc(&again) || again.max_timestamp != 12345)
		abort();
	kq_batch_patch_producer(copy, size, 7, 1, 0);
	kq_batch_patch(copy, 99, 3);
	if (kq_batch_peek(copy, size, &again) || kq_batch_check_crc(&again) || again.base_offset != 99)
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const struct kq_batch_rules rules = {
		.size_max = 1 << 20, .need_key = true, .now_ms = 1700000000000,
		.before_max_ms = 1000000, .after_max_ms = 1000000,
	};
	struct kq_batch b;
	struct kq_control c;
	struct kq_writer scratch;
	int32_t bad;
	kq_writer_init(&scratch, 1 << 20);
	if (kq_batch_validate_client(p, n, &rules, &b, NULL) == 0)
		kq_batch_validate_records(&b, &rules, &scratch, &bad, NULL);
	if (kq_batch_peek(p, n, &b) == 0) {
		kq_batch_check_crc(&b);
		kq_batch_last_sequence(&b);
		kq_control_parse_batch(&b, &c);
		kq_batch_validate_records(&b, &rules, &scratch, &bad, NULL);
		walk(&b, &scratch);
		patch(p, &b);
	}
	kq_writer_deinit(&scratch);
	return 0;
}
