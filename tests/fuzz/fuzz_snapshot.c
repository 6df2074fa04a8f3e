/* Bytes as a producer snapshot: whatever is accepted is written again and must be
 * read back the same. The checksum is made right first, so that what lies behind it
 * is reached. */
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "log/producer_snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static const struct kq_producer *find(const struct kq_producer_state *s, int64_t id)
{
	uint32_t i = 0;
	const struct kq_producer *q;
	while ((q = kq_producer_state_next(s, &i)) && q->id != id)
		;
	return q;
}

static void must_be_same(const struct kq_producer_state *a, const struct kq_producer_state *b)
{
	uint32_t i = 0;
	if (a->count != b->count ||
	    kq_producer_state_first_unstable(a) != kq_producer_state_first_unstable(b))
		abort();
	for (const struct kq_producer *x, *y; (x = kq_producer_state_next(a, &i));) {
		y = find(b, x->id);
		if (!y || memcmp(x, y, sizeof *x) != 0)
			abort();
	}
}

static void write_again(const struct kq_producer_state *s)
{
	struct kq_producer_state again;
	struct kq_writer w;
	kq_producer_state_init(&again);
	kq_writer_init(&w, KQ_SNAPSHOT_FILE_MAX);
	kq_producer_snapshot_encode(s, &w);
	if (kq_producer_snapshot_decode(w.buf, w.len, 0, -1, &again))
		abort();
	must_be_same(s, &again);
	kq_writer_deinit(&w);
	kq_producer_state_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kq_producer_state s;
	kq_producer_state_init(&s);
	kq_producer_snapshot_decode(p, n, 0, -1, &s);
	kq_producer_state_clear(&s);
	uint8_t *fixed = malloc(n + 1);
	memcpy(fixed, p, n);
	if (n >= 10)
		kq_store_u32(fixed + 2, kq_crc32c(0, fixed + 6, n - 6));
	if (kq_producer_snapshot_decode(fixed, n, 0, -1, &s) == 0)
		write_again(&s);
	free(fixed);
	kq_producer_state_deinit(&s);
	return 0;
}
