/* A format (up to the first NUL) and input laid out by it. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../cmd/common/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kq_out scratch = { .fd = -1 }, out = { .fd = -1 };
	struct kq_format *f;
	struct kq_message m;
	struct kq_error e;
	const uint8_t *nul = memchr(data, 0, size);
	if (!nul || kq_format_new(&f, (const char *)data, "NULL", &e) != 0)
		return 0;
	size_t used, left = size - (size_t)(nul + 1 - data);
	char *input = malloc(left + 1), *p = input;
	memcpy(input, nul + 1, left);
	if (kq_format_for_input(f, "\n", 1, &e) == 0) {
		while (kq_format_read(f, p, left, true, &used, &scratch, &m, &e) == 1) {
			if (used == 0 || used > left)
				abort();
			out.len = 0;
			kq_format_write(f, &m, &out);
			p += used;
			left -= used;
		}
		kq_format_read(f, p, left, false, &used, &scratch, &m, &e);
	}
	free(input);
	kq_format_free(f);
	return 0;
}
