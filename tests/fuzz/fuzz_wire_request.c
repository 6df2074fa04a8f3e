/* Every request decoder: the first byte chooses the API, the second its version. */
#include "fuzz/fuzz_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kq_reader r;
	if (n < 2)
		return 0;
	const struct kq_schema *s = kq_api_at(p[0] % kq_api_count)->request;
	kq_reader_init(&r, p + 2, n - 2);
	fuzz_message(s, fuzz_version(s, p[1]), &r);
	return 0;
}
