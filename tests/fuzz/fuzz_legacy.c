/* Bytes as a message set of magic 0 or 1. */
#include "record/legacy.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kq_writer scratch;
	struct kq_legacy m;
	volatile uint8_t last = 0;
	kq_writer_init(&scratch, 1 << 20);
	while (kq_legacy_peek(p, n, &m) == 0) {
		struct kq_legacy_iter it;
		struct kq_record rec;
		kq_legacy_check_crc(&m);
		if (kq_legacy_iter_init(&it, &m, &scratch) == 0)
			while (kq_legacy_next(&it, &rec) == 1) {
				if (rec.key.len > 0)
					last = rec.key.p[rec.key.len - 1];
				if (rec.value.len > 0)
					last = rec.value.p[rec.value.len - 1];
			}
		p += m.size;
		n -= (size_t)m.size;
	}
	(void)last;
	kq_writer_deinit(&scratch);
	return 0;
}
