#include "record/validate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "kq/error.h"
#include "record/compress.h"
#include "unit/record/bytes.h"

static const struct kq_batch_rules loose = {
	.size_max = 1048588, .now_ms = 10000, .before_max_ms = INT64_MAX, .after_max_ms = INT64_MAX,
};

/* Changes a good batch of 3 records and puts a right checksum over it. */
struct change {
	int64_t base_offset;
	int32_t count, last_offset_delta, base_sequence;
	int64_t producer_id, max_timestamp;
	int16_t attributes;
};
static const struct change unchanged = { 0, 3, 2, -1, -1, 1002, 0 };

static int check_changed(const struct change *c, const struct kq_batch_rules *rules)
{
	size_t n;
	struct kq_batch b;
	uint8_t *p = make_batch(3, KQ_CODEC_NONE, "key", &n);
	assert_int_equal(kq_batch_peek(p, n, &b), 0);
	b.base_offset = c->base_offset;
	b.count = c->count;
	b.last_offset_delta = c->last_offset_delta;
	b.base_sequence = c->base_sequence;
	b.producer_id = c->producer_id;
	b.max_timestamp = c->max_timestamp;
	b.attributes = c->attributes;
	kq_batch_seal(p, &b);
	struct kq_error e = { 0 };
	int rc = kq_batch_validate_client(p, n, rules, &b, &e);
	assert_int_equal(e.code, rc);
	assert_true(!rc == !e.text[0]);
	free(p);
	return rc;
}

/* The bytes in memory of their own size. */
static int check_bytes(const uint8_t *p, size_t n, struct kq_batch *b)
{
	uint8_t *exact = malloc(n ? n : 1);
	memcpy(exact, p, n);
	int rc = kq_batch_validate_client(exact, n, &loose, b, NULL);
	free(exact);
	return rc;
}

static void test_validate_accepts_what_clients_send(void **state)
{
	(void)state;
	struct change c = unchanged;
	assert_int_equal(check_changed(&c, &loose), 0);
	c.producer_id = 5;
	c.base_sequence = 0;
	assert_int_equal(check_changed(&c, &loose), 0);
	c.attributes = KQ_BATCH_TRANSACTIONAL;
	assert_int_equal(check_changed(&c, &loose), 0);
	c.attributes = 0x0100; /* bits that mean nothing yet */
	c.max_timestamp = 77;
	assert_int_equal(check_changed(&c, &loose), 0);
}

static void test_validate_refuses_headers_that_break_a_rule(void **state)
{
	(void)state;
	struct change c = unchanged;
	c.base_offset = 1;
	assert_int_equal(check_changed(&c, &loose), KQ_ERECORD);
	c = unchanged, c.count = 2;
	assert_int_equal(check_changed(&c, &loose), KQ_ERECORD);
	c = unchanged, c.count = 0, c.last_offset_delta = -1;
	assert_int_equal(check_changed(&c, &loose), KQ_ERECORD);
	c = unchanged, c.count = INT32_MIN, c.last_offset_delta = INT32_MAX;
	assert_int_equal(check_changed(&c, &loose), KQ_ERECORD);
	c = unchanged, c.attributes = KQ_BATCH_CONTROL | KQ_BATCH_TRANSACTIONAL;
	assert_int_equal(check_changed(&c, &loose), KQ_ERECORD);
	c = unchanged, c.attributes = 5;
	assert_int_equal(check_changed(&c, &loose), KQ_ERECORD);
	c = unchanged, c.producer_id = 9;
	assert_int_equal(check_changed(&c, &loose), KQ_ERECORD);
	c = unchanged, c.attributes = KQ_BATCH_LOG_APPEND_TIME;
	assert_int_equal(check_changed(&c, &loose), KQ_ETIMESTAMP);
}

static void test_validate_holds_size_and_max_timestamp_to_the_topic(void **state)
{
	(void)state;
	struct change c = unchanged;
	struct kq_batch_rules rules = loose;
	rules.size_max = 100;
	assert_int_equal(check_changed(&c, &rules), KQ_ETOOBIG);
	rules = loose;
	rules.after_max_ms = 1000;
	c.max_timestamp = 11000;
	assert_int_equal(check_changed(&c, &rules), 0);
	c.max_timestamp = 11001;
	assert_int_equal(check_changed(&c, &rules), KQ_ETIMESTAMP);
	c.max_timestamp = INT64_MAX;
	assert_int_equal(check_changed(&c, &rules), KQ_ETIMESTAMP);
	rules.before_max_ms = 5000;
	c.max_timestamp = 4999;
	assert_int_equal(check_changed(&c, &rules), KQ_ETIMESTAMP);
	c.max_timestamp = INT64_MIN;
	assert_int_equal(check_changed(&c, &rules), KQ_ETIMESTAMP);
	c.max_timestamp = -1; /* none */
	assert_int_equal(check_changed(&c, &rules), 0);
	c.max_timestamp = INT64_MAX;
	rules.log_append_time = true;
	assert_int_equal(check_changed(&c, &rules), 0);
}

static void test_validate_tells_cut_and_corrupt_apart(void **state)
{
	(void)state;
	size_t n;
	struct kq_batch b;
	uint8_t *p = make_batch(3, KQ_CODEC_NONE, "key", &n);
	for (size_t cut = 0; cut < n; cut++)
		assert_int_equal(check_bytes(p, cut, &b), KQ_ERECORD);
	p[n - 1] ^= 1;
	assert_int_equal(check_bytes(p, n, &b), KQ_ECORRUPT);
	p[n - 1] ^= 1;
	for (int magic = -1; magic < 4; magic++) {
		p[16] = (uint8_t)magic;
		int want = magic == 2 ? 0 : magic == 0 || magic == 1 ? KQ_ERECORD : KQ_ECORRUPT;
		assert_int_equal(check_bytes(p, n, &b), want);
	}
	p[16] = 2;
	kq_store_i32(p + 8, 20);
	assert_int_equal(check_bytes(p, n, &b), KQ_ECORRUPT);
	free(p);
}

static void test_validate_takes_one_batch_and_ignores_a_cut_tail(void **state)
{
	(void)state;
	size_t n;
	struct kq_batch b;
	uint8_t *p = make_batch(3, KQ_CODEC_NONE, "key", &n);
	uint8_t *two = malloc(2 * n);
	memcpy(two, p, n);
	memcpy(two + n, p, n);
	assert_int_equal(check_bytes(two, 2 * n, &b), KQ_ERECORD);
	assert_int_equal(check_bytes(two, 2 * n - 1, &b), 0);
	assert_int_equal(b.size, n);
	memset(two + n, 0x5a, n);
	assert_int_equal(check_bytes(two, 2 * n, &b), 0);
	memset(two + n, 0, n);
	assert_int_equal(check_bytes(two, 2 * n, &b), 0);
	free(two);
	free(p);
}

/* Validates the records of a batch of n with this codec and key. */
static int check_records(int count, enum kq_codec codec, const char *key,
			 const struct kq_batch_rules *rules, size_t limit, int32_t *bad)
{
	size_t n;
	struct kq_batch b;
	struct kq_writer scratch;
	struct kq_error e = { 0 };
	uint8_t *p = make_batch(count, codec, key, &n);
	kq_writer_init(&scratch, limit);
	kq_batch_peek(p, n, &b);
	int rc = kq_batch_validate_records(&b, rules, &scratch, bad, &e);
	assert_int_equal(e.code, rc);
	kq_writer_deinit(&scratch);
	free(p);
	return rc;
}

static void test_validate_records_of_each_codec(void **state)
{
	(void)state;
	struct kq_batch_rules rules = loose;
	int32_t bad;
	rules.need_key = true;
	rules.before_max_ms = 9000;
	for (int codec = KQ_CODEC_NONE; codec <= KQ_CODEC_ZSTD; codec++) {
		assert_int_equal(check_records(50, (enum kq_codec)codec, "key", &rules, 1 << 20, &bad), 0);
		assert_int_equal(bad, -1);
		assert_int_equal(check_records(50, (enum kq_codec)codec, NULL, &rules, 1 << 20, &bad), KQ_ERECORD);
		assert_int_equal(bad, 0);
	}
}

static void test_validate_records_finds_the_timestamp_out_of_bounds(void **state)
{
	(void)state;
	struct kq_batch_rules rules = loose;
	int32_t bad;
	rules.now_ms = 1010; /* records are at 1000, 1001, .. */
	rules.after_max_ms = 5;
	assert_true(kq_batch_rules_deep(&rules));
	assert_int_equal(check_records(50, KQ_CODEC_ZSTD, NULL, &rules, 1 << 20, &bad), KQ_ETIMESTAMP);
	assert_int_equal(bad, 16);
	rules.log_append_time = true;
	assert_false(kq_batch_rules_deep(&rules));
	assert_int_equal(check_records(50, KQ_CODEC_ZSTD, NULL, &rules, 1 << 20, &bad), 0);
}

static void test_validate_records_stops_a_bomb(void **state)
{
	(void)state;
	for (int codec = KQ_CODEC_GZIP; codec <= KQ_CODEC_ZSTD; codec++)
		assert_int_equal(check_records(5000, (enum kq_codec)codec, "k", &loose, 10000, NULL), KQ_ETOOBIG);
}

static void test_validate_records_refuses_disorder_and_rubbish(void **state)
{
	(void)state;
	size_t n;
	struct kq_batch b;
	struct kq_writer scratch;
	int32_t bad;
	kq_writer_init(&scratch, 1 << 20);
	uint8_t *p = make_batch(3, KQ_CODEC_NONE, "key", &n);
	kq_batch_peek(p, n, &b);
	p[KQ_BATCH_HEADER_SIZE + 3] = 2; /* offset delta of the first record */
	assert_int_equal(kq_batch_validate_records(&b, &loose, &scratch, &bad, NULL), KQ_ERECORD);
	assert_int_equal(bad, 0);
	p[KQ_BATCH_HEADER_SIZE + 3] = 0;
	b.count = 2;
	assert_int_equal(kq_batch_validate_records(&b, &loose, &scratch, &bad, NULL), KQ_ERECORD);
	assert_int_equal(bad, -1);
	b.count = 3;
	b.attributes = KQ_CODEC_GZIP; /* which it is not */
	assert_int_equal(kq_batch_validate_records(&b, &loose, &scratch, &bad, NULL), KQ_ERECORD);
	free(p);
	kq_writer_deinit(&scratch);
}

static int cleanup(void **state)
{
	(void)state;
	kq_compress_thread_cleanup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_validate_accepts_what_clients_send),
		cmocka_unit_test(test_validate_refuses_headers_that_break_a_rule),
		cmocka_unit_test(test_validate_holds_size_and_max_timestamp_to_the_topic),
		cmocka_unit_test(test_validate_tells_cut_and_corrupt_apart),
		cmocka_unit_test(test_validate_takes_one_batch_and_ignores_a_cut_tail),
		cmocka_unit_test(test_validate_records_of_each_codec),
		cmocka_unit_test(test_validate_records_finds_the_timestamp_out_of_bounds),
		cmocka_unit_test(test_validate_records_stops_a_bomb),
		cmocka_unit_test(test_validate_records_refuses_disorder_and_rubbish),
	};
	return cmocka_run_group_tests_name("validate", tests, NULL, cleanup);
}
