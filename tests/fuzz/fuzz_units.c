/* Times, sizes, ranges, escapes, names: text of a user. What ISO text says is read back
 * as the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../cmd/common/range.h"
#include "kq/text.h"
#include "kq/units.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *out = malloc(size + 1), iso[KQ_ISO_MAX];
	struct kq_range range;
	struct kq_nearest near;
	struct kq_error e;
	int64_t v, back;
	memcpy(text, data, size);
	text[size] = '\0';
	if (kq_duration_parse(text, &v) == 0 && v < 0)
		abort();
	if (kq_size_parse(text, &v) == 0 && v < 0)
		abort();
	if (kq_time_parse(text, 1700000000000, &v) == 0) {
		kq_time_iso(v, iso);
		if (v >= 0 && (kq_time_parse(iso, 0, &back) != 0 || back != v))
			abort();
	}
	kq_int_parse(text, &v);
	kq_range_parse(&range, text, 1700000000000, &e);
	if (kq_unescape(text, out) > (long)strlen(text))
		abort();
	kq_utf8_valid(data, size);
	kq_nearest_init(&near, text);
	kq_nearest_offer(&near, "retention.ms");
	kq_nearest_offer(&near, text);
	free(text);
	free(out);
	return 0;
}
