/* Crash argument: see index_file.c. */
#include "log/time_index.h"

#include <assert.h>

#include "base/reader.h"
#include "base/writer.h"

void kq_time_index_init(struct kq_time_index *x, const char *dir, int64_t base_offset,
			int32_t max_bytes)
{
	kq_index_file_init(&x->file, dir, base_offset, "timeindex", KQ_TIME_ENTRY_SIZE, max_bytes);
	x->last_timestamp = -1;
	x->last_offset = base_offset;
}

void kq_time_index_deinit(struct kq_time_index *x)
{
	kq_index_file_deinit(&x->file);
}

int kq_time_index_load(struct kq_time_index *x)
{
	uint8_t last[KQ_INDEX_ENTRY_MAX];
	int rc = kq_index_file_load(&x->file, last);
	if (rc < 0 || kq_time_index_count(x) == 0)
		return rc;
	int64_t t = kq_load_i64(last);
	int32_t rel = kq_load_i32(last + 8);
	if (t < 0 || rel < 0)
		return KQ_ECORRUPT;
	x->last_timestamp = t;
	x->last_offset = x->file.base_offset + rel;
	return rc;
}

bool kq_time_index_is_full(const struct kq_time_index *x)
{
	return kq_time_index_count(x) + 1 >= x->file.max_entries;
}

int kq_time_index_append(struct kq_time_index *x, int64_t timestamp, int64_t offset, bool closing)
{
	if (timestamp <= x->last_timestamp)
		return 0;
	if (kq_time_index_is_full(x) && !closing)
		return KQ_ELIMIT;
	assert(offset >= x->file.base_offset && offset - x->file.base_offset <= INT32_MAX);
	uint8_t e[KQ_TIME_ENTRY_SIZE];
	kq_store_i64(e, timestamp);
	kq_store_i32(e + 8, (int32_t)(offset - x->file.base_offset));
	int rc = kq_index_file_put(&x->file, e);
	if (rc)
		return rc;
	x->last_timestamp = timestamp;
	x->last_offset = offset;
	return 0;
}

int kq_time_index_get(struct kq_time_index *x, uint32_t i, int64_t *timestamp, int64_t *offset)
{
	int rc;
	const uint8_t *p = kq_index_file_peek(&x->file, &rc);
	if (!p)
		return rc;
	p += (size_t)i * KQ_TIME_ENTRY_SIZE;
	*timestamp = kq_load_i64(p);
	*offset = x->file.base_offset + kq_load_i32(p + 8);
	return 0;
}

/* How many of n entries have a field at `at` (i64 time or i32 offset) <= bound. */
static uint32_t count_up_to(const uint8_t *p, uint32_t n, bool by_time, int64_t bound)
{
	uint32_t lo = 0, hi = n;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		const uint8_t *e = p + (size_t)mid * KQ_TIME_ENTRY_SIZE;
		if ((by_time ? kq_load_i64(e) : kq_load_i32(e + 8)) <= bound)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int64_t kq_time_index_find(struct kq_time_index *x, int64_t t, int64_t *timestamp,
			   int64_t *offset)
{
	uint32_t n = kq_time_index_count(x);
	*timestamp = -1;
	*offset = x->file.base_offset;
	if (n == 0)
		return -1;
	int rc;
	const uint8_t *p = kq_index_file_peek(&x->file, &rc);
	if (!p)
		return rc - 1;
	n = count_up_to(p, n, true, t);
	if (n == 0)
		return -1;
	rc = kq_time_index_get(x, n - 1, timestamp, offset);
	return rc ? rc - 1 : (int64_t)n - 1;
}

bool kq_time_index_is_ordered(struct kq_time_index *x, uint32_t last)
{
	int64_t t = -1;
	int32_t rel = 0;
	int rc;
	const uint8_t *p = kq_index_file_peek(&x->file, &rc);
	if (!p)
		return false;
	for (uint32_t i = 0; i <= last; i++, p += KQ_TIME_ENTRY_SIZE) {
		if (kq_load_i64(p) <= t || kq_load_i32(p + 8) < rel)
			return false;
		t = kq_load_i64(p);
		rel = kq_load_i32(p + 8);
	}
	return true;
}

uint32_t kq_time_index_count_to(struct kq_time_index *x, int64_t offset)
{
	uint32_t n = kq_time_index_count(x);
	int rc;
	const uint8_t *p = n ? kq_index_file_peek(&x->file, &rc) : NULL;
	return p ? count_up_to(p, n, false, offset - x->file.base_offset) : 0;
}

int kq_time_index_cut(struct kq_time_index *x, uint32_t n)
{
	if (n >= kq_time_index_count(x))
		return 0;
	int64_t t = -1, offset = x->file.base_offset;
	int rc = n ? kq_time_index_get(x, n - 1, &t, &offset) : 0;
	if (!rc)
		rc = kq_index_file_cut(&x->file, n);
	if (!rc) {
		x->last_timestamp = t;
		x->last_offset = offset;
	}
	return rc;
}
