#include "log/segment_scan.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/io.h"
#include "record/legacy.h"

enum {
	LEGACY_HEAD = 34,      /* bytes that show all fixed fields of magic 1 */
	LEGACY_MIN = 26,       /* smallest entry, magic 0 */
	READ_LITTLE = 64,      /* one header */
	SEEK_WINDOW = 1 << 18,
};

void kq_segment_scan_init(struct kq_segment_scan *s, int fd, int64_t pos, int64_t end,
			  uint8_t *window, size_t cap)
{
	assert(cap >= KQ_SCAN_WINDOW_MIN && pos <= end);
	*s = (struct kq_segment_scan){ .fd = fd, .pos = pos, .end = end, .window = window,
				       .cap = cap, .at = pos };
}

void kq_segment_scan_deinit(struct kq_segment_scan *s)
{
	free(s->big);
	s->big = NULL;
}

/* Makes n bytes from pos on (fewer at the end) stand in the window; returns them. */
static const uint8_t *want(struct kq_segment_scan *s, int64_t pos, size_t n, size_t ahead,
			   size_t *have, int *rc)
{
	if ((int64_t)n > s->end - pos)
		n = (size_t)(s->end - pos);
	if (pos < s->at || pos + (int64_t)n > s->at + (int64_t)s->len) {
		size_t len = ahead > n ? ahead : n;
		if ((int64_t)len > s->end - pos)
			len = (size_t)(s->end - pos);
		s->at = pos;
		*rc = kq_io_pread(s->fd, s->window, len, pos, &s->len);
		if (*rc) {
			s->len = 0;
			return NULL;
		}
	}
	*have = s->len - (size_t)(pos - s->at);
	return s->window + (pos - s->at);
}

static int from_legacy(const uint8_t *p, size_t n, struct kq_batch *b)
{
	struct kq_legacy m;
	int rc = kq_legacy_peek(p, n, &m);
	if (rc && rc != KQ_ETRUNC)
		return KQ_ECORRUPT;
	if (rc && n < LEGACY_HEAD)
		return KQ_ETRUNC;
	if (m.size < LEGACY_MIN)
		return KQ_ECORRUPT;
	*b = (struct kq_batch){ .base_offset = m.offset, .size = m.size, .leader_epoch = -1,
				.magic = m.magic, .crc = m.crc, .attributes = m.attributes,
				.base_timestamp = m.timestamp, .max_timestamp = m.timestamp,
				.producer_id = -1, .producer_epoch = -1, .base_sequence = -1,
				.count = -1 };
	return 0;
}

/* The header at p, of which n bytes are there. */
static int read_header(const uint8_t *p, size_t n, struct kq_batch *b)
{
	enum { MAGIC_AT = 16 };
	if (n <= MAGIC_AT)
		return KQ_ETRUNC;
	if (p[MAGIC_AT] < 2)
		return from_legacy(p, n, b);
	int rc = kq_batch_peek(p, n, b);
	if (rc == KQ_ETRUNC && n >= KQ_BATCH_HEADER_SIZE)
		rc = 0;
	if (rc)
		return rc == KQ_ETRUNC ? rc : KQ_ECORRUPT;
	return b->last_offset_delta < 0 || b->base_offset < 0 ? KQ_ECORRUPT : 0;
}

int kq_segment_scan_next(struct kq_segment_scan *s, struct kq_batch *b, int64_t *pos)
{
	if (s->pos >= s->end)
		return 0;
	size_t have = 0;
	int rc = 0;
	const uint8_t *p = want(s, s->pos, KQ_BATCH_HEADER_SIZE,
				s->large ? READ_LITTLE : s->cap, &have, &rc);
	if (!p)
		return rc;
	rc = read_header(p, have, b);
	if (rc)
		return rc;
	b->bytes = NULL;
	*pos = s->pos;
	if (b->size > s->end - s->pos)
		return KQ_ETRUNC;
	s->large = (size_t)b->size > s->cap / 2;
	s->pos += b->size;
	return 1;
}

int kq_segment_scan_load(struct kq_segment_scan *s, struct kq_batch *b, int64_t pos)
{
	size_t size = (size_t)b->size, have = 0;
	int rc = 0;
	if (size > s->cap) {
		uint8_t *big = kq_try_realloc(s->big, size);
		if (!big)
			return KQ_ENOMEM;
		s->big = s->window = big;
		s->cap = size;
		s->len = 0;
	}
	b->bytes = want(s, pos, size, s->cap, &have, &rc);
	if (!b->bytes)
		return rc;
	return have < size ? KQ_EIO : 0;
}

int kq_segment_scan_check(const struct kq_batch *b)
{
	if (b->magic == 2)
		return kq_batch_check_crc(b);
	struct kq_legacy m;
	int rc = kq_legacy_peek(b->bytes, (size_t)b->size, &m);
	return rc ? KQ_ECORRUPT : kq_legacy_check_crc(&m);
}

/* Could a batch begin at p? Cheap tests only; 61 bytes are there. */
static bool plausible(const uint8_t *p, int64_t room, int64_t from, int64_t to)
{
	if (p[16] != 2 || p[21] != 0 || (p[22] & 0x80))
		return false;
	int64_t base = kq_load_i64(p);
	int32_t length = kq_load_i32(p + 8);
	return base >= from && base < to && length >= KQ_BATCH_HEADER_SIZE - KQ_BATCH_OVERHEAD &&
	       length + (int64_t)KQ_BATCH_OVERHEAD <= room && kq_load_i32(p + 23) >= 0;
}

/* Is the batch at pos whole and right? 1, 0, or an error. */
static int is_batch(int fd, int64_t pos, int64_t end)
{
	struct kq_segment_scan s;
	struct kq_batch b;
	uint8_t window[KQ_SCAN_WINDOW];
	int64_t at;
	kq_segment_scan_init(&s, fd, pos, end, window, sizeof window);
	int rc = kq_segment_scan_next(&s, &b, &at);
	if (rc > 0) {
		rc = kq_segment_scan_load(&s, &b, at);
		if (!rc)
			rc = kq_segment_scan_check(&b) == 0;
	} else if (rc == KQ_ECORRUPT || rc == KQ_ETRUNC) {
		rc = 0;
	}
	kq_segment_scan_deinit(&s);
	return rc;
}

int kq_segment_scan_seek(int fd, int64_t pos, int64_t end, int64_t from, int64_t to,
			 int64_t *found)
{
	*found = -1;
	uint8_t *buf = kq_try_malloc(SEEK_WINDOW);
	if (!buf)
		return KQ_ENOMEM;
	int rc = 0;
	while (!rc && *found < 0 && end - pos >= KQ_BATCH_HEADER_SIZE) {
		size_t n = end - pos < SEEK_WINDOW ? (size_t)(end - pos) : SEEK_WINDOW, got;
		rc = kq_io_pread(fd, buf, n, pos, &got);
		if (rc || got < KQ_BATCH_HEADER_SIZE)
			break;
		size_t last = got - KQ_BATCH_HEADER_SIZE, i = 0;
		for (; i <= last && *found < 0 && !rc; i++) {
			if (!plausible(buf + i, end - pos - (int64_t)i, from, to))
				continue;
			int yes = is_batch(fd, pos + (int64_t)i, end);
			if (yes > 0)
				*found = pos + (int64_t)i;
			else if (yes < 0)
				rc = yes;
		}
		pos += (int64_t)i;
	}
	free(buf);
	return rc;
}
