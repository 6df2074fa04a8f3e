/* First byte: the codec. The rest is inflated as a stream within a bound, and
 * compressed, which must come back equal. */
#include <stdlib.h>
#include <string.h>

#include "record/compress.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 1)
		return 0;
	enum kq_codec codec = (enum kq_codec)(p[0] % 5);
	struct kq_writer packed, plain;
	kq_writer_init(&packed, n + n / 6 + 4096);
	kq_writer_init(&plain, 1 << 20);
	kq_inflate(codec, p + 1, n - 1, p[0] & 0x80, &plain);
	if (plain.len > plain.limit)
		abort();
	kq_writer_reset(&plain);
	plain.limit = n - 1; /* exactly what must come back */
	if (kq_compress(codec, p[0] >> 4 & 3, p + 1, n - 1, &packed) ||
	    kq_inflate(codec, packed.buf, packed.len, false, &plain) || plain.len != n - 1 ||
	    (n > 1 && memcmp(plain.buf, p + 1, n - 1)))
		abort();
	kq_writer_deinit(&packed);
	kq_writer_deinit(&plain);
	return 0;
}
