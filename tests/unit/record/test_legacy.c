#include "record/legacy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "record/compress.h"
#include "unit/record/golden.h"

struct spec {
	int64_t offset;
	int8_t magic, attributes;
	int64_t timestamp;
	struct kq_bytes key, value;
};

/* Appends one entry with its checksum. */
static void put(struct kq_writer *w, const struct spec *s)
{
	size_t start = w->len;
	kq_write_i64(w, s->offset);
	kq_write_i32(w, 0);
	kq_write_i32(w, 0);
	kq_write_i8(w, s->magic);
	kq_write_i8(w, s->attributes);
	if (s->magic == 1)
		kq_write_i64(w, s->timestamp);
	kq_write_i32(w, s->key.len);
	kq_write_bytes(w, s->key.p, s->key.len > 0 ? (size_t)s->key.len : 0);
	kq_write_i32(w, s->value.len);
	kq_write_bytes(w, s->value.p, s->value.len > 0 ? (size_t)s->value.len : 0);
	kq_store_i32(w->buf + start + 8, (int32_t)(w->len - start - 12));
	kq_store_u32(w->buf + start + 12, kq_crc32(0, w->buf + start + 16, w->len - start - 16));
}

/* A wrapper of three messages with inner offsets from first. */
static void put_wrapper(struct kq_writer *w, struct spec s, enum kq_codec codec, int64_t first, int8_t inner_attributes)
{
	struct kq_writer inner, packed;
	kq_writer_init(&inner, 1 << 20);
	kq_writer_init(&packed, 1 << 20);
	for (int i = 0; i < 3; i++)
		put(&inner, &(struct spec){ first + i, s.magic, inner_attributes, 500 + i,
					    KQ_BYTES_NULL, { (const uint8_t *)"value", 5 } });
	assert_int_equal(kq_compress(codec, 0, inner.buf, inner.len, &packed), 0);
	s.attributes = (int8_t)(s.attributes | codec);
	s.key = KQ_BYTES_NULL;
	s.value = (struct kq_bytes){ packed.buf, (int32_t)packed.len };
	put(w, &s);
	kq_writer_deinit(&inner);
	kq_writer_deinit(&packed);
}

/* Walks one entry: how many records, the first's offset and timestamp; or an error. */
static int walk(const struct kq_writer *w, int64_t *offset, int64_t *timestamp)
{
	struct kq_legacy m;
	struct kq_legacy_iter it;
	struct kq_record rec;
	struct kq_writer scratch;
	int n = 0, rc = kq_legacy_peek(w->buf, w->len, &m);
	kq_writer_init(&scratch, 1 << 16);
	if (!rc)
		rc = kq_legacy_iter_init(&it, &m, &scratch);
	while (!rc && (rc = kq_legacy_next(&it, &rec)) == 1) {
		if (!n++) {
			*offset = rec.offset;
			*timestamp = rec.timestamp;
		}
		rc = 0;
	}
	kq_writer_deinit(&scratch);
	return rc < 0 ? rc : n;
}

static void test_legacy_inner_offsets_are_absolute_in_v0_and_relative_in_v1(void **state)
{
	(void)state;
	for (int codec = KQ_CODEC_GZIP; codec <= KQ_CODEC_LZ4; codec++) {
		struct kq_writer w;
		int64_t offset = 0, timestamp = 0;
		kq_writer_init(&w, 1 << 20);
		put_wrapper(&w, (struct spec){ .offset = 42, .magic = 0 }, (enum kq_codec)codec, 40, 0);
		assert_int_equal(walk(&w, &offset, &timestamp), 3);
		assert_int_equal(offset, 40);
		assert_int_equal(timestamp, -1);
		kq_writer_reset(&w);
		put_wrapper(&w, (struct spec){ .offset = 42, .magic = 1, .timestamp = 502 }, (enum kq_codec)codec, 0, 0);
		assert_int_equal(walk(&w, &offset, &timestamp), 3);
		assert_int_equal(offset, 40);
		assert_int_equal(timestamp, 500);
		kq_writer_deinit(&w);
	}
}

static void test_legacy_append_time_of_the_wrapper_wins(void **state)
{
	(void)state;
	struct kq_writer w;
	int64_t offset = 0, timestamp = 0;
	kq_writer_init(&w, 1 << 20);
	put_wrapper(&w, (struct spec){ .offset = 42, .magic = 1, .timestamp = 9000,
				       .attributes = KQ_LEGACY_LOG_APPEND_TIME }, KQ_CODEC_GZIP, 0, 0);
	assert_int_equal(walk(&w, &offset, &timestamp), 3);
	assert_int_equal(timestamp, 9000);
	kq_writer_deinit(&w);
}

static void test_legacy_refuses_nesting_other_magic_and_zstd(void **state)
{
	(void)state;
	struct kq_writer w;
	int64_t offset, timestamp;
	kq_writer_init(&w, 1 << 20);
	put_wrapper(&w, (struct spec){ .offset = 2, .magic = 1 }, KQ_CODEC_GZIP, 0, KQ_CODEC_GZIP);
	assert_int_equal(walk(&w, &offset, &timestamp), KQ_ECORRUPT);
	kq_writer_reset(&w);
	put_wrapper(&w, (struct spec){ .offset = 2, .magic = 1 }, KQ_CODEC_ZSTD, 0, 0);
	assert_int_equal(walk(&w, &offset, &timestamp), KQ_EUNSUPPORTED);
	kq_writer_reset(&w);
	put_wrapper(&w, (struct spec){ .offset = 2, .magic = 1 }, KQ_CODEC_GZIP, 0, 0);
	w.buf[16] = 0; /* the timestamp is then the key's length, and nothing fits */
	assert_true(walk(&w, &offset, &timestamp) < 0);
	kq_writer_deinit(&w);
}

static void test_legacy_peek_refuses_what_does_not_fit(void **state)
{
	(void)state;
	struct kq_writer w;
	struct kq_legacy m;
	kq_writer_init(&w, 1 << 20);
	put(&w, &(struct spec){ .magic = 1, .timestamp = 7, .key = { (const uint8_t *)"k", 1 }, .value = KQ_BYTES_NULL });
	for (size_t cut = 0; cut < w.len; cut++)
		assert_int_equal(kq_legacy_peek(w.buf, cut, &m), KQ_ETRUNC);
	assert_int_equal(kq_legacy_peek(w.buf, w.len, &m), 0);
	assert_int_equal(kq_legacy_check_crc(&m), 0);
	w.buf[w.len - 5] ^= 1;
	assert_int_equal(kq_legacy_check_crc(&m), KQ_ECORRUPT);
	w.buf[29] = 99; /* length of the key */
	assert_int_equal(kq_legacy_peek(w.buf, w.len, &m), KQ_ECORRUPT);
	kq_store_i32(w.buf + 26, -2);
	assert_int_equal(kq_legacy_peek(w.buf, w.len, &m), KQ_ECORRUPT);
	kq_store_i32(w.buf + 8, 21);
	assert_int_equal(kq_legacy_peek(w.buf, w.len, &m), KQ_ECORRUPT);
	kq_store_i32(w.buf + 8, INT32_MAX);
	assert_int_equal(kq_legacy_peek(w.buf, w.len, &m), KQ_ECORRUPT);
	kq_store_i32(w.buf + 8, 30);
	w.buf[16] = 2;
	assert_int_equal(kq_legacy_peek(w.buf, w.len, &m), KQ_EUNSUPPORTED);
	kq_writer_deinit(&w);
}

static void test_legacy_flipped_bits_of_golden_sets_fail_cleanly(void **state)
{
	(void)state;
	for (int i = 0; i < GOLDEN_CASES; i++) {
		if (strncmp(golden_cases[i].name, "legacy", 6))
			continue;
		size_t n = 0;
		int64_t offset, timestamp;
		uint8_t *p = golden_segment(&golden_cases[i], 0, &n);
		assert_non_null(p);
		for (size_t bit = 0; bit < n * 8; bit++) {
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
			for (size_t pos = 0; n - pos > 12; pos += 12 + (size_t)kq_load_u32(p + pos + 8)) {
				struct kq_writer view = { .buf = p + pos, .len = n - pos };
				walk(&view, &offset, &timestamp);
				if (kq_load_u32(p + pos + 8) > n - pos - 12)
					break;
			}
			p[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		free(p);
	}
}

static void test_legacy_bomb_stops_at_the_limit(void **state)
{
	(void)state;
	struct kq_writer w, packed;
	int64_t offset, timestamp;
	uint8_t *zeros = calloc(1, 1 << 20);
	kq_writer_init(&w, 1 << 20);
	kq_writer_init(&packed, 2 << 20);
	assert_int_equal(kq_compress(KQ_CODEC_GZIP, 0, zeros, 1 << 20, &packed), 0);
	put(&w, &(struct spec){ .magic = 0, .attributes = KQ_CODEC_GZIP, .key = KQ_BYTES_NULL,
				.value = { packed.buf, (int32_t)packed.len } });
	assert_int_equal(walk(&w, &offset, &timestamp), KQ_ELIMIT);
	free(zeros);
	kq_writer_deinit(&w);
	kq_writer_deinit(&packed);
}

static void test_legacy_reports_memory_that_is_not_there(void **state)
{
	(void)state;
	struct kq_writer w;
	int64_t offset, timestamp;
	kq_writer_init(&w, 1 << 20);
	put_wrapper(&w, (struct spec){ .offset = 42, .magic = 1 }, KQ_CODEC_LZ4, 0, 0);
	kq_alloc_fail_at(1, 1);
	assert_int_equal(walk(&w, &offset, &timestamp), KQ_ENOMEM);
	kq_alloc_fail_at(0, 0);
	kq_writer_deinit(&w);
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
		cmocka_unit_test(test_legacy_inner_offsets_are_absolute_in_v0_and_relative_in_v1),
		cmocka_unit_test(test_legacy_append_time_of_the_wrapper_wins),
		cmocka_unit_test(test_legacy_refuses_nesting_other_magic_and_zstd),
		cmocka_unit_test(test_legacy_peek_refuses_what_does_not_fit),
		cmocka_unit_test(test_legacy_flipped_bits_of_golden_sets_fail_cleanly),
		cmocka_unit_test(test_legacy_bomb_stops_at_the_limit),
		cmocka_unit_test(test_legacy_reports_memory_that_is_not_there),
	};
	return cmocka_run_group_tests_name("legacy", tests, NULL, cleanup);
}
