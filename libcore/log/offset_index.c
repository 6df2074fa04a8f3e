/* Crash argument: see index_file.c. An entry that points to a wrong place is found
 * out at its use (kq_segment_find compares it with the batch header there). */
#include "log/offset_index.h"

#include <assert.h>

#include "base/reader.h"
#include "base/writer.h"

void kq_offset_index_init(struct kq_offset_index *x, const char *dir, int64_t base_offset,
			  int32_t max_bytes)
{
	kq_index_file_init(&x->file, dir, base_offset, "index", KQ_OFFSET_ENTRY_SIZE, max_bytes);
	x->last_offset = base_offset;
	x->last_pos = 0;
}

void kq_offset_index_deinit(struct kq_offset_index *x)
{
	kq_index_file_deinit(&x->file);
}

int kq_offset_index_load(struct kq_offset_index *x, int64_t log_size)
{
	uint8_t last[KQ_INDEX_ENTRY_MAX];
	int rc = kq_index_file_load(&x->file, last);
	if (rc < 0 || kq_offset_index_count(x) == 0)
		return rc;
	int32_t rel = kq_load_i32(last), pos = kq_load_i32(last + 4);
	if (rel <= 0 || pos <= 0 || pos >= log_size)
		return KQ_ECORRUPT; /* the first batch never has an entry */
	x->last_offset = x->file.base_offset + rel;
	x->last_pos = pos;
	return rc;
}

bool kq_offset_index_is_full(const struct kq_offset_index *x)
{
	return kq_offset_index_count(x) >= x->file.max_entries;
}

int kq_offset_index_append(struct kq_offset_index *x, int64_t offset, int64_t pos)
{
	assert(offset - x->file.base_offset <= INT32_MAX && pos <= INT32_MAX);
	assert(offset > x->last_offset || kq_offset_index_count(x) == 0);
	uint8_t e[KQ_OFFSET_ENTRY_SIZE];
	kq_store_i32(e, (int32_t)(offset - x->file.base_offset));
	kq_store_i32(e + 4, (int32_t)pos);
	int rc = kq_index_file_put(&x->file, e);
	if (rc)
		return rc;
	x->last_offset = offset;
	x->last_pos = pos;
	return 0;
}

int kq_offset_index_get(struct kq_offset_index *x, uint32_t i, int64_t *offset, int64_t *pos)
{
	int rc;
	const uint8_t *p = kq_index_file_peek(&x->file, &rc);
	if (!p)
		return rc;
	p += (size_t)i * KQ_OFFSET_ENTRY_SIZE;
	*offset = x->file.base_offset + kq_load_i32(p);
	*pos = kq_load_i32(p + 4);
	return 0;
}

int64_t kq_offset_index_find(struct kq_offset_index *x, int64_t target, int64_t *offset,
			     int64_t *pos)
{
	uint32_t lo = 0, hi = kq_offset_index_count(x);
	*offset = x->file.base_offset;
	*pos = 0;
	if (hi == 0)
		return -1;
	int rc;
	const uint8_t *p = kq_index_file_peek(&x->file, &rc);
	if (!p)
		return rc - 1;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;
		int64_t at = x->file.base_offset + kq_load_i32(p + (size_t)mid * 8);
		if (at <= target)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == 0)
		return -1;
	p += (size_t)(lo - 1) * KQ_OFFSET_ENTRY_SIZE;
	*offset = x->file.base_offset + kq_load_i32(p);
	*pos = kq_load_i32(p + 4);
	return lo - 1;
}

bool kq_offset_index_is_ordered(struct kq_offset_index *x, uint32_t last)
{
	int32_t rel = 0, pos = 0;
	int rc;
	const uint8_t *p = kq_index_file_peek(&x->file, &rc);
	if (!p)
		return false;
	for (uint32_t i = 0; i <= last; i++, p += KQ_OFFSET_ENTRY_SIZE) {
		if (kq_load_i32(p) <= rel || kq_load_i32(p + 4) <= pos)
			return false;
		rel = kq_load_i32(p);
		pos = kq_load_i32(p + 4);
	}
	return true;
}

int kq_offset_index_cut(struct kq_offset_index *x, uint32_t n)
{
	if (n >= kq_offset_index_count(x))
		return 0;
	int64_t offset = x->file.base_offset, pos = 0;
	int rc = n ? kq_offset_index_get(x, n - 1, &offset, &pos) : 0;
	if (!rc)
		rc = kq_index_file_cut(&x->file, n);
	if (!rc) {
		x->last_offset = offset;
		x->last_pos = pos;
	}
	return rc;
}
