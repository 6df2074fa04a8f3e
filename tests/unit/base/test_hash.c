#include "base/hash.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const struct {
	const char *key;
	int32_t murmur2;
	uint32_t crc32, crc32c;
} vectors[] = {
	{ "21", -973932308, 0xfd7746b4, 0x54e29f0d },
	{ "foobar", -790332482, 0x9ef61f95, 0x0d5f5c7f },
	{ "abc", 479470107, 0x352441c2, 0x364b3fb7 },
	{ "a-little-bit-long-string", -985981536, 0xee71cd62, 0x1917ceb3 },
	{ "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971, 0xe0abb921, 0x1dd85092 },
	{ "kafka", -798503068, 0x5bbc7517, 0x084b20e1 },
	{ "123456789", -1822237082, 0xcbf43926, 0xe3069283 },
	{ "", 275646681, 0, 0 },
};

static void test_hashes_of_known_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
		const char *k = vectors[i].key;
		assert_int_equal(kq_murmur2(k, strlen(k)), vectors[i].murmur2);
		assert_int_equal(kq_crc32(0, k, strlen(k)), vectors[i].crc32);
		assert_int_equal(kq_crc32c(0, k, strlen(k)), vectors[i].crc32c);
	}
}

static void test_crc32c_of_patterns(void **state)
{
	(void)state;
	uint8_t up[32], down[32], buf[32];
	for (int i = 0; i < 32; i++) {
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	assert_int_equal(kq_crc32c(0, memset(buf, 0, 32), 32), 0x8a9136aa);
	assert_int_equal(kq_crc32c(0, memset(buf, 0xff, 32), 32), 0x62a8ab43);
	assert_int_equal(kq_crc32c(0, up, 32), 0x46dd794e);
	assert_int_equal(kq_crc32c(0, down, 32), 0x113fdb5c);
}

static void test_crcs_go_on_from_a_first_part(void **state)
{
	(void)state;
	uint8_t buf[1000];
	for (size_t i = 0; i < sizeof buf; i++)
		buf[i] = (uint8_t)(i * 31 + i / 7);
	for (size_t cut = 0; cut <= sizeof buf; cut += 37) {
		assert_int_equal(kq_crc32c(kq_crc32c(0, buf, cut), buf + cut, sizeof buf - cut),
				 kq_crc32c(0, buf, sizeof buf));
		assert_int_equal(kq_crc32(kq_crc32(0, buf, cut), buf + cut, sizeof buf - cut),
				 kq_crc32(0, buf, sizeof buf));
	}
}

static void test_murmur2_agrees_with_the_java_client(void **state)
{
	(void)state;
	char line[4096];
	int lines = 0;
	FILE *f = fopen(KQ_TESTDATA "/golden/vectors/murmur2.jsonl", "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f)) {
		json_t *o = json_loads(line, 0, NULL);
		const char *hex = json_string_value(json_object_get(o, "key_hex"));
		uint8_t key[1024];
		size_t n = strlen(hex) / 2;
		for (size_t i = 0; i < n; i++)
			key[i] = (uint8_t)strtoul((char[]){ hex[2 * i], hex[2 * i + 1], 0 }, NULL, 16);
		int32_t h = kq_murmur2(key, n);
		assert_int_equal(h, json_integer_value(json_object_get(o, "murmur2")));
		assert_int_equal((h & 0x7fffffff) % 12, json_integer_value(json_object_get(o, "partition_of_12")));
		json_decref(o);
		lines++;
	}
	fclose(f);
	assert_true(lines > 10);
}

static void test_java_hash_counts_utf16_units(void **state)
{
	(void)state;
	assert_int_equal(kq_java_hash(KQ_STR("")), 0);
	assert_int_equal(kq_java_hash(KQ_STR("a")), 97);
	assert_int_equal(kq_java_hash(KQ_STR("hello")), 99162322);
	assert_int_equal(kq_java_hash(KQ_STR("console-consumer-12345")),
			 kq_java_hash(KQ_STR("console-consumer-12345")));
	assert_int_equal(kq_java_hash(KQ_STR("polygenelubricants")), INT32_MIN);
	/* U+00FC is one unit, U+1F600 is the pair d83d de00. */
	assert_int_equal(kq_java_hash(KQ_STR("\xc3\xbc")), 0xfc);
	assert_int_equal(kq_java_hash(KQ_STR("\xf0\x9f\x98\x80")), 31 * 0xd83d + 0xde00);
	/* What is no UTF-8 counts as U+FFFD. */
	assert_int_equal(kq_java_hash(KQ_STR("\xff")), 0xfffd);
	assert_int_equal(kq_java_hash(KQ_STR("\xc3")), 0xfffd);
}

static void test_hash64_depends_on_every_byte_and_the_length(void **state)
{
	(void)state;
	uint8_t buf[40] = { 0 };
	uint64_t seen[41];
	for (size_t n = 0; n <= 40; n++) {
		seen[n] = kq_hash64(buf, n);
		for (size_t i = 0; i < n; i++)
			assert_true(seen[i] != seen[n]);
	}
	for (size_t i = 0; i < 40; i++) {
		buf[i] = 1;
		assert_true(kq_hash64(buf, 40) != seen[40]);
		buf[i] = 0;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hashes_of_known_keys),
		cmocka_unit_test(test_crc32c_of_patterns),
		cmocka_unit_test(test_crcs_go_on_from_a_first_part),
		cmocka_unit_test(test_murmur2_agrees_with_the_java_client),
		cmocka_unit_test(test_java_hash_counts_utf16_units),
		cmocka_unit_test(test_hash64_depends_on_every_byte_and_the_length),
	};
	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
