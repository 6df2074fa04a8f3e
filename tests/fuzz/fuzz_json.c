/* JSON lines in. What is accepted is printed, read again and must be the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../cmd/common/frames.h"
#include "../../cmd/common/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(struct kq_bytes a, struct kq_bytes b)
{
	if (a.len != b.len || (a.len > 0 && memcmp(a.p, b.p, (size_t)a.len) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct kq_out scratch = { .fd = -1 }, again = { .fd = -1 }, line = { .fd = -1 };
	struct kq_message m, back;
	struct kq_error e;
	size_t used;
	if (kq_frame_read(data, size, &used, &m, &e) == 1) {
		line.len = 0;
		kq_frame_write(&line, &m);
		if (kq_frame_read(line.buf, line.len, &used, &back, &e) != 1)
			abort();
		same(m.value, back.value);
	}
	if (kq_json_read_message((const char *)data, size, &scratch, &m, &e) != 0)
		return 0;
	line.len = 0;
	kq_json_message(&line, &m);
	if (kq_json_read_message(line.buf, line.len, &again, &back, &e) != 0)
		abort();
	same(m.key, back.key);
	same(m.value, back.value);
	if (m.header_count != back.header_count || m.partition != back.partition || m.timestamp != back.timestamp)
		abort();
	return 0;
}
