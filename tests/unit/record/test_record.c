#include "record/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "unit/record/bytes.h"

/* A batch of count records that has only what the walk looks at. */
static struct kq_batch plain_batch(int32_t count)
{
	return (struct kq_batch){ .base_offset = 100, .base_timestamp = 1000, .count = count };
}

/* Walks n bytes as count records: how many came, or the error. */
static int walk(const void *p, size_t n, int32_t count)
{
	struct kq_batch b = plain_batch(count);
	struct kq_record_iter it;
	struct kq_record rec;
	int rc, seen = 0;
	kq_record_iter_init(&it, &b, p, n);
	while ((rc = kq_record_next(&it, &rec)) == 1)
		seen++;
	if (rc < 0) /* the error stays */
		assert_int_equal(kq_record_next(&it, &rec), rc);
	return rc < 0 ? rc : seen;
}

static void same_bytes(struct kq_bytes a, struct kq_bytes b)
{
	assert_int_equal(a.len, b.len);
	if (a.len > 0)
		assert_memory_equal(a.p, b.p, (size_t)a.len);
}

static void test_record_written_is_read_back(void **state)
{
	(void)state;
	static const int32_t lengths[] = { -1, 0, 1, 63, 64, 127, 128, 8191, 8192, 70000 };
	static const int64_t deltas[] = { 0, 1, -1, 64, 8192, INT64_MAX / 2, -(1LL << 60) };
	enum { N = sizeof lengths / sizeof lengths[0], M = sizeof deltas / sizeof deltas[0] };
	uint8_t *value = malloc(70000), *buf = malloc(200000);
	memset(value, 'v', 70000);
	for (int i = 0; i < N * N * M; i++) {
		struct kq_bytes k = { value, lengths[i % N] }, v = { value, lengths[i / N % N] };
		int64_t delta = deltas[i / N / N];
		struct kq_batch b = plain_batch(1);
		struct kq_record_iter it;
		struct kq_record rec;
		uint8_t *end = kq_record_write(buf, delta, i, k, v, 0, KQ_BYTES_NULL);
		assert_true((size_t)(end - buf) <= kq_record_size_max(k.len, v.len, 0));
		kq_record_iter_init(&it, &b, buf, (size_t)(end - buf));
		assert_int_equal(kq_record_next(&it, &rec), 1);
		assert_int_equal(rec.offset, 100 + i);
		assert_true(rec.timestamp == 1000 + delta);
		same_bytes(rec.key, k);
		same_bytes(rec.value, v);
		assert_int_equal(rec.header_count, 0);
		assert_int_equal(kq_record_next(&it, &rec), 0);
	}
	free(value);
	free(buf);
}

static void test_record_headers_keep_order_and_null(void **state)
{
	(void)state;
	static const char *const pairs[][2] = { { "a", "1" }, { "b", NULL }, { "a", "2" }, { "", "x" }, { "e", "" } };
	uint8_t headers[64], buf[128], *p = headers;
	struct kq_batch b = plain_batch(1);
	struct kq_record_iter it;
	struct kq_record rec;
	struct kq_reader r;
	struct kq_header h;
	for (int i = 0; i < 5; i++)
		p = kq_header_write(p, (struct kq_str){ pairs[i][0], (int32_t)strlen(pairs[i][0]) }, text(pairs[i][1]));
	uint8_t *end = kq_record_write(buf, 0, 0, text("k"), text("v"), 5,
				       (struct kq_bytes){ headers, (int32_t)(p - headers) });
	kq_record_iter_init(&it, &b, buf, (size_t)(end - buf));
	assert_int_equal(kq_record_next(&it, &rec), 1);
	assert_int_equal(rec.header_count, 5);
	kq_reader_init(&r, rec.headers.p, (size_t)rec.headers.len);
	for (int i = 0; i < 5; i++) {
		assert_int_equal(kq_header_next(&r, &h), 1);
		same_bytes((struct kq_bytes){ (const uint8_t *)h.key.p, h.key.len }, text(pairs[i][0]));
		same_bytes(h.value, text(pairs[i][1]));
	}
	assert_int_equal(kq_header_next(&r, &h), 0);
}

static void test_record_walk_refuses_what_does_not_fit(void **state)
{
	(void)state;
	static const struct { const char *hex, *why; } bad[] = {
		{ "", "nothing at all" },
		{ "0c 00 00 00 01 01", "shorter than its length" },
		{ "0a 00 00 00 01 01", "ends before the header count" },
		{ "0e 00 00 00 01 01 00 00", "a byte behind the headers" },
		{ "0c 00 00 00 01 01 00 00", "a byte behind the last record" },
		{ "01 00 00 00 01 01 00", "negative length" },
		{ "00", "no attributes" },
		{ "0c 00 00 00 03 01 00", "key length -2" },
		{ "0c 00 00 00 7e 01 00", "key beyond the record" },
		{ "0c 00 00 00 01 7e 00", "value beyond the record" },
		{ "0c 00 00 00 01 01 01", "header count -1" },
		{ "0c 00 00 00 01 01 02", "a header that is not there" },
		{ "10 00 00 00 01 01 02 01 01", "header key null" },
		{ "10 00 00 00 01 01 02 00 03", "header value length -2" },
		{ "ff ff ff ff ff 00", "length of more than 32 bits" },
		{ "80 80 80 80 80 80 00", "length of too many bytes" },
		{ "16 00 80 80 80 80 80 80 80 80 80 80 00", "timestamp of too many bytes" },
	};
	uint8_t p[64];
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		size_t n = unhex(bad[i].hex, p);
		if (walk(p, n, 1) != KQ_ECORRUPT)
			fail_msg("accepted: %s", bad[i].why);
	}
	assert_int_equal(walk(p, unhex("0c 00 00 00 01 01 00", p), 1), 1);
}

static void test_record_walk_ends_where_the_count_says(void **state)
{
	(void)state;
	uint8_t p[64];
	size_t n = unhex("0c 00 00 00 01 01 00 0c 00 00 02 01 01 00", p);
	assert_int_equal(walk(p, n, 2), 2);
	assert_int_equal(walk(p, n, 1), KQ_ECORRUPT);
	assert_int_equal(walk(p, n, 3), KQ_ECORRUPT);
	assert_int_equal(walk(p, n, -1), KQ_ECORRUPT);
	assert_int_equal(walk(p, 0, 0), 0);
}

/* Each record in memory of its own size, so that a sanitizer sees one byte more. */
static void test_record_walk_reads_nothing_past_the_end(void **state)
{
	(void)state;
	size_t size;
	uint8_t *batch = make_batch(5, KQ_CODEC_NONE, "key", &size);
	struct kq_batch b;
	kq_batch_peek(batch, size, &b);
	for (size_t n = 0; n < size - KQ_BATCH_HEADER_SIZE; n++) {
		uint8_t *cut = malloc(n + 1);
		memcpy(cut, batch + KQ_BATCH_HEADER_SIZE, n);
		uint8_t *exact = realloc(cut, n ? n : 1);
		assert_int_equal(walk(exact, n, 5), KQ_ECORRUPT);
		free(exact);
	}
	free(batch);
}

static void test_record_sums_wrap_instead_of_overflowing(void **state)
{
	(void)state;
	uint8_t buf[64];
	struct kq_batch b = { .base_offset = INT64_MAX, .base_timestamp = INT64_MAX, .count = 1 };
	struct kq_record_iter it;
	struct kq_record rec;
	uint8_t *end = kq_record_write(buf, INT64_MAX, INT32_MAX, text("k"), text("v"), 0, KQ_BYTES_NULL);
	kq_record_iter_init(&it, &b, buf, (size_t)(end - buf));
	assert_int_equal(kq_record_next(&it, &rec), 1);
	assert_true(rec.timestamp == -2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_record_written_is_read_back),
		cmocka_unit_test(test_record_headers_keep_order_and_null),
		cmocka_unit_test(test_record_walk_refuses_what_does_not_fit),
		cmocka_unit_test(test_record_walk_ends_where_the_count_says),
		cmocka_unit_test(test_record_walk_reads_nothing_past_the_end),
		cmocka_unit_test(test_record_sums_wrap_instead_of_overflowing),
	};
	return cmocka_run_group_tests_name("record", tests, NULL, NULL);
}
