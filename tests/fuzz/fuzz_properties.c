/* Bytes as a .properties file: what is read, written anew, reads the same. */
#include <stdlib.h>
#include <string.h>

#include "base/properties.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static int write_pair(void *arg, int line, const char *key, const char *value)
{
	(void)line;
	kq_properties_write(arg, key, value);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kq_writer once, twice;
	struct kq_error e;
	kq_writer_init(&once, 1 << 20);
	kq_writer_init(&twice, 1 << 20);
	if (kq_properties_parse((const char *)p, n, write_pair, &once, &e) == 0 && once.len > 0 &&
	    !kq_writer_failed(&once)) {
		if (kq_properties_parse((const char *)once.buf, once.len, write_pair, &twice, &e) ||
		    twice.len != once.len || memcmp(once.buf, twice.buf, once.len))
			abort();
	}
	kq_writer_deinit(&once);
	kq_writer_deinit(&twice);
	return 0;
}
