/* Messages that belong to no API: coordinator records, the consumer protocol. The
 * first byte chooses among all messages from the last on, the second the version. */
#include "fuzz/fuzz_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kq_reader r;
	if (n < 2)
		return 0;
	int others = kq_schema_count - 2 * kq_api_count;
	const struct kq_schema *s = kq_schema_all[kq_schema_count - 1 - p[0] % others];
	kq_reader_init(&r, p + 2, n - 2);
	fuzz_message(s, fuzz_version(s, p[1]), &r);
	return 0;
}
