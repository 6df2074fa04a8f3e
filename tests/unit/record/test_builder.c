#include "record/builder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "record/batch_inflate.h"
#include "record/compress.h"
#include "unit/record/bytes.h"

enum { LIMIT = 1 << 20 };

/* Fills b with n compressible records. */
static void fill(struct kq_builder *b, int n)
{
	char value[100];
	assert_int_equal(kq_builder_begin(b, 1000), 0);
	for (int i = 0; i < n; i++) {
		snprintf(value, sizeof value, "line %d of many that look alike, all of them", i);
		assert_int_equal(kq_builder_append(b, 1000 + i % 7, text("key"), text(value), 0, KQ_BYTES_NULL), 0);
	}
}

static int count_records(const struct kq_batch *b)
{
	struct kq_writer scratch;
	struct kq_record_iter it;
	struct kq_record rec;
	const uint8_t *records;
	size_t n;
	int rc, seen = 0;
	kq_writer_init(&scratch, LIMIT);
	assert_int_equal(kq_batch_inflate(b, &scratch, &records, &n), 0);
	kq_record_iter_init(&it, b, records, n);
	while ((rc = kq_record_next(&it, &rec)) == 1) {
		assert_int_equal(rec.offset, b->base_offset + seen);
		assert_int_equal(rec.timestamp, 1000 + seen % 7);
		assert_memory_equal(rec.key.p, "key", 3);
		seen++;
	}
	assert_int_equal(rc, 0);
	kq_writer_deinit(&scratch);
	return seen;
}

static void test_builder_batch_of_each_codec_reads_back(void **state)
{
	(void)state;
	struct kq_builder b;
	struct kq_batch head;
	uint8_t *p;
	size_t n;
	kq_builder_init(&b, LIMIT);
	for (int codec = KQ_CODEC_NONE; codec <= KQ_CODEC_ZSTD; codec++) {
		fill(&b, 500);
		const struct kq_seal seal = { .codec = (enum kq_codec)codec, .producer_id = 7,
					      .producer_epoch = 2, .base_sequence = 10,
					      .attributes = KQ_BATCH_TRANSACTIONAL };
		assert_int_equal(kq_builder_finish(&b, &seal, &p, &n), 0);
		assert_int_equal(kq_batch_peek(p, n, &head), 0);
		assert_int_equal(kq_batch_check_crc(&head), 0);
		assert_int_equal(head.attributes, KQ_BATCH_TRANSACTIONAL | codec);
		assert_int_equal(head.leader_epoch, -1);
		assert_int_equal(head.max_timestamp, 1006);
		assert_int_equal(head.producer_id, 7);
		assert_int_equal(head.producer_epoch, 2);
		assert_int_equal(kq_batch_last_sequence(&head), 509);
		assert_int_equal(count_records(&head), 500);
	}
	kq_builder_deinit(&b);
}

static void test_builder_sends_plain_what_does_not_shrink(void **state)
{
	(void)state;
	struct kq_builder b;
	struct kq_batch head;
	struct kq_seal seal = { .codec = KQ_CODEC_GZIP, KQ_SEAL_NO_PRODUCER };
	uint8_t *p;
	size_t n;
	kq_builder_init(&b, LIMIT);
	fill(&b, 0);
	kq_builder_append(&b, 1000, text("k"), text("v"), 0, KQ_BYTES_NULL);
	assert_int_equal(kq_builder_finish(&b, &seal, &p, &n), 0);
	kq_batch_peek(p, n, &head);
	assert_int_equal(kq_batch_codec(&head), KQ_CODEC_NONE);
	seal.codec_always = true;
	assert_int_equal(kq_builder_finish(&b, &seal, &p, &n), 0);
	kq_batch_peek(p, n, &head);
	assert_int_equal(kq_batch_codec(&head), KQ_CODEC_GZIP);
	assert_int_equal(kq_batch_check_crc(&head), 0);
	kq_builder_deinit(&b);
}

static void test_builder_refuses_what_passes_its_limit_and_keeps_the_rest(void **state)
{
	(void)state;
	struct kq_builder b;
	struct kq_batch head;
	uint8_t *p, big[2000] = { 0 };
	size_t n;
	int count = 0;
	kq_builder_init(&b, 10000);
	kq_builder_begin(&b, 1000);
	while (kq_builder_append(&b, 1000, text(NULL), (struct kq_bytes){ big, 900 }, 0, KQ_BYTES_NULL) == 0)
		count++;
	assert_int_equal(kq_builder_append(&b, 1000, text(NULL), (struct kq_bytes){ big, 2000 }, 0, KQ_BYTES_NULL),
			 KQ_ETOOBIG);
	assert_in_range(count, 10, 11);
	assert_int_equal(kq_builder_finish(&b, &(struct kq_seal){ KQ_SEAL_NO_PRODUCER }, &p, &n), 0);
	assert_true(n <= 10000 && n == kq_builder_size(&b));
	assert_int_equal(kq_batch_peek(p, n, &head), 0);
	assert_int_equal(head.count, count);
	kq_builder_deinit(&b);
}

static void test_builder_survives_memory_that_is_not_there(void **state)
{
	(void)state;
	struct kq_builder b;
	struct kq_batch head;
	uint8_t *p, big[5000] = { 0 };
	size_t n;
	kq_builder_init(&b, LIMIT);
	kq_alloc_fail_at(1, 0);
	assert_int_equal(kq_builder_begin(&b, 1000), KQ_ENOMEM);
	assert_int_equal(kq_builder_begin(&b, 1000), 0);
	assert_int_equal(kq_builder_append(&b, 1000, text("k"), text("v"), 0, KQ_BYTES_NULL), 0);
	kq_alloc_fail_at(1, 0);
	assert_int_equal(kq_builder_append(&b, 1000, text("k"), (struct kq_bytes){ big, 5000 }, 0, KQ_BYTES_NULL),
			 KQ_ENOMEM);
	kq_alloc_fail_at(1, 0);
	assert_int_equal(kq_builder_finish(&b, &(struct kq_seal){ .codec = KQ_CODEC_ZSTD, KQ_SEAL_NO_PRODUCER }, &p, &n),
			 KQ_ENOMEM);
	kq_alloc_fail_at(0, 0);
	assert_int_equal(kq_builder_finish(&b, &(struct kq_seal){ KQ_SEAL_NO_PRODUCER }, &p, &n), 0);
	assert_int_equal(kq_batch_peek(p, n, &head), 0);
	assert_int_equal(head.count, 1);
	kq_builder_deinit(&b);
}

static void test_recompress_changes_codec_and_nothing_else(void **state)
{
	(void)state;
	struct kq_builder b;
	struct kq_writer scratch, out;
	struct kq_batch before, after;
	uint8_t *p;
	size_t n;
	kq_builder_init(&b, LIMIT);
	kq_writer_init(&scratch, LIMIT);
	kq_writer_init(&out, LIMIT);
	for (int i = 0; i < 25; i++) {
		fill(&b, 100);
		struct kq_seal seal = { .codec = (enum kq_codec)(i / 5), .producer_id = 7, .producer_epoch = 2, .base_sequence = 10 };
		assert_int_equal(kq_builder_finish(&b, &seal, &p, &n), 0);
		kq_batch_patch(p, 5000, 3);
		assert_int_equal(kq_batch_peek(p, n, &before), 0);
		kq_writer_reset(&out);
		kq_write_bytes(&out, "front", 5);
		assert_int_equal(kq_batch_recompress(&before, (enum kq_codec)(i % 5), 0, &scratch, &out), 0);
		assert_memory_equal(out.buf, "front", 5);
		assert_int_equal(kq_batch_peek(out.buf + 5, out.len - 5, &after), 0);
		assert_int_equal(kq_batch_check_crc(&after), 0);
		assert_int_equal(after.size, out.len - 5);
		assert_int_equal(kq_batch_codec(&after), i % 5);
		after.attributes = before.attributes;
		after.size = before.size;
		after.crc = before.crc;
		after.bytes = before.bytes;
		assert_true(after.base_offset == 5000 && after.leader_epoch == 3);
		assert_true(after.producer_id == 7 && after.base_sequence == 10 && after.count == 100);
		assert_true(after.max_timestamp == before.max_timestamp && after.base_timestamp == before.base_timestamp);
		kq_batch_peek(out.buf + 5, out.len - 5, &after);
		assert_int_equal(count_records(&after), 100);
	}
	kq_writer_deinit(&scratch);
	kq_writer_deinit(&out);
	kq_builder_deinit(&b);
}

static void test_inflate_of_a_batch_is_bounded(void **state)
{
	(void)state;
	struct kq_writer scratch;
	struct kq_batch b;
	const uint8_t *records;
	size_t size, n;
	kq_writer_init(&scratch, 1000);
	for (int codec = KQ_CODEC_GZIP; codec <= KQ_CODEC_ZSTD; codec++) {
		uint8_t *p = make_batch(200, (enum kq_codec)codec, "k", &size);
		kq_batch_peek(p, size, &b);
		assert_int_equal(kq_batch_inflate(&b, &scratch, &records, &n), KQ_ELIMIT);
		b.attributes = 5;
		assert_int_equal(kq_batch_inflate(&b, &scratch, &records, &n), KQ_EUNSUPPORTED);
		free(p);
	}
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
		cmocka_unit_test(test_builder_batch_of_each_codec_reads_back),
		cmocka_unit_test(test_builder_sends_plain_what_does_not_shrink),
		cmocka_unit_test(test_builder_refuses_what_passes_its_limit_and_keeps_the_rest),
		cmocka_unit_test(test_builder_survives_memory_that_is_not_there),
		cmocka_unit_test(test_recompress_changes_codec_and_nothing_else),
		cmocka_unit_test(test_inflate_of_a_batch_is_bounded),
	};
	return cmocka_run_group_tests_name("builder", tests, NULL, cleanup);
}
