#include "record/compress.h"

#include <lz4frame.h>
#include <setjmp.h>
#include <snappy-c.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/reader.h"

enum { LIMIT = 64 << 20 };

static const size_t sizes[] = { 0, 1, 100, 32767, 32768, 32769, 65536, 65537, 300000, 2000000 };
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Bytes that shrink a little (kind 0), a lot (1) or not at all (2). */
static uint8_t *make_data(size_t n, int kind)
{
	uint8_t *p = malloc(n ? n : 1);
	uint64_t x = 88172645463325252ULL;
	for (size_t i = 0; i < n; i++) {
		x ^= x << 13, x ^= x >> 7, x ^= x << 17;
		p[i] = kind == 2 ? (uint8_t)x : kind == 1 ? 'a' : (uint8_t)("GET /index.html 200 "[i % 20] + (x % 16 == 0));
	}
	return p;
}

static void pack(enum kq_codec codec, int level, const void *p, size_t n, struct kq_writer *w)
{
	kq_writer_init(w, LIMIT);
	assert_int_equal(kq_compress(codec, level, p, n, w), 0);
}

static void test_compress_comes_back_equal(void **state)
{
	(void)state;
	for (int codec = KQ_CODEC_NONE; codec <= KQ_CODEC_ZSTD; codec++) {
		for (int i = 0; i < SIZES * 3; i++) {
			struct kq_writer packed, plain;
			size_t n = sizes[i / 3];
			uint8_t *p = make_data(n, i % 3);
			pack((enum kq_codec)codec, 0, p, n, &packed);
			kq_writer_init(&plain, n);
			assert_int_equal(kq_inflate((enum kq_codec)codec, packed.buf, packed.len, false, &plain), 0);
			assert_int_equal(plain.len, n);
			if (n)
				assert_memory_equal(plain.buf, p, n);
			kq_writer_deinit(&packed);
			kq_writer_deinit(&plain);
			free(p);
		}
	}
}

static void test_compress_takes_each_level(void **state)
{
	(void)state;
	static const struct { enum kq_codec codec; int level; } levels[] = {
		{ KQ_CODEC_GZIP, 1 }, { KQ_CODEC_GZIP, 9 }, { KQ_CODEC_GZIP, -1 }, { KQ_CODEC_GZIP, 99 },
		{ KQ_CODEC_LZ4, 1 }, { KQ_CODEC_LZ4, 9 }, { KQ_CODEC_LZ4, 17 }, { KQ_CODEC_ZSTD, 1 },
		{ KQ_CODEC_ZSTD, 19 }, { KQ_CODEC_ZSTD, -5 }, { KQ_CODEC_ZSTD, 1000 }, { KQ_CODEC_SNAPPY, 3 },
	};
	uint8_t *p = make_data(100000, 0);
	for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
		struct kq_writer packed, plain;
		pack(levels[i].codec, levels[i].level, p, 100000, &packed);
		assert_true(packed.len < 100000);
		kq_writer_init(&plain, 100000);
		assert_int_equal(kq_inflate(levels[i].codec, packed.buf, packed.len, false, &plain), 0);
		assert_memory_equal(plain.buf, p, 100000);
		kq_writer_deinit(&packed);
		kq_writer_deinit(&plain);
	}
	free(p);
}

static void test_compress_forms_are_those_of_the_java_client(void **state)
{
	(void)state;
	uint8_t *p = make_data(100000, 0);
	struct kq_writer w;
	pack(KQ_CODEC_LZ4, 0, p, 100000, &w);
	assert_memory_equal(w.buf, "\x04\x22\x4d\x18\x60\x40\x82", 7);
	kq_writer_deinit(&w);
	pack(KQ_CODEC_SNAPPY, 0, p, 100000, &w);
	assert_memory_equal(w.buf, "\x82SNAPPY\0\0\0\0\1\0\0\0\1", 16);
	kq_writer_deinit(&w);
	pack(KQ_CODEC_ZSTD, 0, p, 100000, &w);
	assert_memory_equal(w.buf, "\x28\xb5\x2f\xfd\x00", 5); /* no content size, no checksum */
	kq_writer_deinit(&w);
	pack(KQ_CODEC_GZIP, 0, p, 100000, &w);
	assert_memory_equal(w.buf, "\x1f\x8b\x08", 3);
	kq_writer_deinit(&w);
	free(p);
}

static void test_inflate_reads_streams_in_a_row(void **state)
{
	(void)state;
	uint8_t *p = make_data(150000, 0);
	for (int codec = KQ_CODEC_GZIP; codec <= KQ_CODEC_ZSTD; codec++) {
		struct kq_writer packed, plain;
		pack((enum kq_codec)codec, 0, p, 70000, &packed);
		assert_int_equal(kq_compress((enum kq_codec)codec, 0, p + 70000, 0, &packed), 0);
		assert_int_equal(kq_compress((enum kq_codec)codec, 0, p + 70000, 80000, &packed), 0);
		kq_writer_init(&plain, 150000);
		assert_int_equal(kq_inflate((enum kq_codec)codec, packed.buf, packed.len, false, &plain), 0);
		assert_int_equal(plain.len, 150000);
		assert_memory_equal(plain.buf, p, 150000);
		kq_writer_deinit(&packed);
		kq_writer_deinit(&plain);
	}
	free(p);
}

static void test_inflate_reads_raw_snappy(void **state)
{
	(void)state;
	uint8_t *p = make_data(100000, 0);
	size_t n = snappy_max_compressed_length(100000);
	char *packed = malloc(n);
	struct kq_writer plain;
	assert_int_equal(snappy_compress((char *)p, 100000, packed, &n), SNAPPY_OK);
	kq_writer_init(&plain, LIMIT);
	assert_int_equal(kq_inflate(KQ_CODEC_SNAPPY, packed, n, false, &plain), 0);
	assert_int_equal(plain.len, 100000);
	assert_memory_equal(plain.buf, p, 100000);
	kq_writer_deinit(&plain);
	free(packed);
	free(p);
}

static void test_inflate_accepts_the_old_lz4_checksum_only_for_magic_0(void **state)
{
	(void)state;
	static const int flags[] = { 0, 1, 2, 3 };
	uint8_t *p = make_data(1000, 0), packed[4096];
	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		LZ4F_preferences_t prefs = { .frameInfo = {
			.blockMode = flags[i] & 1 ? LZ4F_blockIndependent : LZ4F_blockLinked,
			.contentSize = flags[i] & 2 ? 1000 : 0 } };
		size_t n = LZ4F_compressFrame(packed, sizeof packed, p, 1000, &prefs);
		struct kq_writer plain;
		kq_writer_init(&plain, LIMIT);
		packed[flags[i] & 2 ? 14 : 6] ^= 0x55;
		assert_int_equal(kq_inflate(KQ_CODEC_LZ4, packed, n, false, &plain), KQ_ECORRUPT);
		kq_writer_reset(&plain);
		assert_int_equal(kq_inflate(KQ_CODEC_LZ4, packed, n, true, &plain), 0);
		assert_int_equal(plain.len, 1000);
		assert_memory_equal(plain.buf, p, 1000);
		kq_writer_deinit(&plain);
	}
	free(p);
}

static void test_inflate_stops_a_bomb_at_the_limit(void **state)
{
	(void)state;
	enum { BOMB = 30 << 20 };
	uint8_t *zeros = calloc(1, BOMB);
	for (int codec = KQ_CODEC_NONE; codec <= KQ_CODEC_ZSTD; codec++) {
		struct kq_writer packed, plain;
		pack((enum kq_codec)codec, 0, zeros, BOMB, &packed);
		kq_writer_init(&plain, BOMB - 1);
		assert_int_equal(kq_inflate((enum kq_codec)codec, packed.buf, packed.len, false, &plain), KQ_ELIMIT);
		assert_true(plain.len < BOMB);
		kq_writer_deinit(&plain);
		kq_writer_init(&plain, 1 << 20);
		assert_int_equal(kq_inflate((enum kq_codec)codec, packed.buf, packed.len, false, &plain), KQ_ELIMIT);
		assert_true(plain.cap <= 2 << 20);
		kq_writer_deinit(&plain);
		kq_writer_init(&plain, 0);
		assert_int_equal(kq_inflate((enum kq_codec)codec, packed.buf, packed.len, false, &plain), KQ_ELIMIT);
		kq_writer_deinit(&plain);
		kq_writer_deinit(&packed);
	}
	free(zeros);
}

static void test_inflate_appends_behind_what_is_there(void **state)
{
	(void)state;
	uint8_t *p = make_data(50000, 0);
	for (int codec = KQ_CODEC_GZIP; codec <= KQ_CODEC_ZSTD; codec++) {
		struct kq_writer packed, plain;
		pack((enum kq_codec)codec, 0, p, 50000, &packed);
		kq_writer_init(&plain, 50003);
		kq_write_bytes(&plain, "abc", 3);
		assert_int_equal(kq_inflate((enum kq_codec)codec, packed.buf, packed.len, false, &plain), 0);
		assert_int_equal(plain.len, 50003);
		assert_memory_equal(plain.buf, "abc", 3);
		assert_memory_equal(plain.buf + 3, p, 50000);
		kq_writer_deinit(&packed);
		kq_writer_deinit(&plain);
	}
	free(p);
}

static void test_inflate_refuses_cut_streams(void **state)
{
	(void)state;
	uint8_t *p = make_data(5000, 0);
	for (int codec = KQ_CODEC_GZIP; codec <= KQ_CODEC_ZSTD; codec++) {
		struct kq_writer packed, plain;
		pack((enum kq_codec)codec, 0, p, 5000, &packed);
		kq_writer_init(&plain, LIMIT);
		for (size_t cut = 0; cut < packed.len; cut += cut < 64 ? 1 : 13) {
			if (codec == KQ_CODEC_SNAPPY && cut == 16)
				continue; /* an empty xerial stream */
			kq_writer_reset(&plain);
			assert_int_equal(kq_inflate((enum kq_codec)codec, packed.buf, cut, false, &plain), KQ_ECORRUPT);
		}
		/* The contexts are in order after all that. */
		kq_writer_reset(&plain);
		assert_int_equal(kq_inflate((enum kq_codec)codec, packed.buf, packed.len, false, &plain), 0);
		assert_memory_equal(plain.buf, p, 5000);
		kq_writer_deinit(&packed);
		kq_writer_deinit(&plain);
	}
	free(p);
}

static void test_inflate_of_a_good_frame_does_not_suffer_from_a_bad_one_before(void **state)
{
	(void)state;
	/* An lz4 frame that promises a huge content and breaks off; only its header
	 * checksum is to be overlooked. */
	static const uint8_t bad[] = { 0x04, 0x22, 0x4d, 0x18, 0x5d, 0x70, 0x70, 0xff, 0xff, 0xff, 0xff,
				       0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct kq_writer packed, plain;
	pack(KQ_CODEC_LZ4, 0, "good", 4, &packed);
	kq_writer_init(&plain, LIMIT);
	assert_int_equal(kq_inflate(KQ_CODEC_LZ4, bad, sizeof bad, true, &plain), KQ_ECORRUPT);
	assert_int_equal(kq_inflate(KQ_CODEC_LZ4, packed.buf, packed.len, false, &plain), 0);
	assert_memory_equal(plain.buf, "good", 4);
	kq_writer_deinit(&packed);
	kq_writer_deinit(&plain);
}

static void test_inflate_survives_flipped_bits(void **state)
{
	(void)state;
	uint8_t *p = make_data(3000, 0);
	for (int codec = KQ_CODEC_GZIP; codec <= KQ_CODEC_ZSTD; codec++) {
		struct kq_writer packed, plain;
		pack((enum kq_codec)codec, 0, p, 3000, &packed);
		kq_writer_init(&plain, 1 << 20);
		for (size_t bit = 0; bit < packed.len * 8; bit += 3) {
			packed.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
			kq_writer_reset(&plain);
			int rc = kq_inflate((enum kq_codec)codec, packed.buf, packed.len, bit % 2, &plain);
			assert_true(rc == 0 || rc == KQ_ECORRUPT || rc == KQ_ELIMIT);
			packed.buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
		kq_writer_deinit(&packed);
		kq_writer_deinit(&plain);
	}
	free(p);
}

static void test_codecs_report_memory_that_is_not_there(void **state)
{
	(void)state;
	uint8_t *p = make_data(200000, 0);
	for (int codec = KQ_CODEC_NONE; codec <= KQ_CODEC_ZSTD; codec++) {
		struct kq_writer packed, plain;
		pack((enum kq_codec)codec, 0, p, 200000, &packed);
		for (long n = 1;; n++) {
			kq_writer_init(&plain, LIMIT);
			kq_alloc_fail_at(n, 1);
			int rc = kq_inflate((enum kq_codec)codec, packed.buf, packed.len, false, &plain);
			if (!rc)
				rc = kq_compress((enum kq_codec)codec, 0, p, 200000, &plain);
			kq_alloc_fail_at(0, 0);
			kq_writer_deinit(&plain);
			if (!rc)
				break;
			assert_int_equal(rc, KQ_ENOMEM);
		}
		kq_writer_deinit(&packed);
	}
	free(p);
}

static void test_codec_unknown_is_unsupported(void **state)
{
	(void)state;
	struct kq_writer w;
	kq_writer_init(&w, LIMIT);
	assert_int_equal(kq_compress((enum kq_codec)5, 0, "x", 1, &w), KQ_EUNSUPPORTED);
	assert_int_equal(kq_inflate((enum kq_codec)7, "x", 1, false, &w), KQ_EUNSUPPORTED);
	kq_writer_deinit(&w);
}

static void test_codec_names_parse_both_ways(void **state)
{
	(void)state;
	for (int c = KQ_CODEC_NONE; c <= KQ_CODEC_ZSTD; c++) {
		const char *name = kq_codec_name((enum kq_codec)c);
		assert_int_equal(kq_codec_parse((struct kq_str){ name, (int32_t)strlen(name) }), c);
	}
	assert_int_equal(kq_codec_parse(KQ_STR("uncompressed")), KQ_CODEC_NONE);
	assert_int_equal(kq_codec_parse(KQ_STR("producer")), -1);
	assert_int_equal(kq_codec_parse(KQ_STR("zst")), -1);
	assert_int_equal(kq_codec_parse(KQ_STR("")), -1);
	assert_int_equal(kq_codec_parse(KQ_STR_NULL), -1);
	assert_string_equal(kq_codec_name((enum kq_codec)6), "unknown");
}

static int cleanup(void **state)
{
	(void)state;
	kq_compress_thread_cleanup();
	kq_compress_thread_cleanup(); /* twice does no harm */
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compress_comes_back_equal),
		cmocka_unit_test(test_compress_takes_each_level),
		cmocka_unit_test(test_compress_forms_are_those_of_the_java_client),
		cmocka_unit_test(test_inflate_reads_streams_in_a_row),
		cmocka_unit_test(test_inflate_reads_raw_snappy),
		cmocka_unit_test(test_inflate_accepts_the_old_lz4_checksum_only_for_magic_0),
		cmocka_unit_test(test_inflate_stops_a_bomb_at_the_limit),
		cmocka_unit_test(test_inflate_appends_behind_what_is_there),
		cmocka_unit_test(test_inflate_refuses_cut_streams),
		cmocka_unit_test(test_inflate_of_a_good_frame_does_not_suffer_from_a_bad_one_before),
		cmocka_unit_test(test_inflate_survives_flipped_bits),
		cmocka_unit_test(test_codecs_report_memory_that_is_not_there),
		cmocka_unit_test(test_codec_unknown_is_unsupported),
		cmocka_unit_test(test_codec_names_parse_both_ways),
	};
	return cmocka_run_group_tests_name("compress", tests, NULL, cleanup);
}
