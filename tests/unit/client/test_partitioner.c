/* Keys land where other clients put them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "client/partitioner.h"

static struct kq_bytes key_of(const char *text)
{
	return (struct kq_bytes){ (const uint8_t *)text, (int32_t)strlen(text) };
}

static void test_partitioner_murmur2_agrees_with_the_java_client(void **state)
{
	(void)state;
	static const int32_t COUNTS[] = { 1, 3, 12, 50, 1000 };
	FILE *f = fopen(KQ_TESTDATA "/golden/vectors/murmur2.jsonl", "r");
	char line[65536], name[32];
	int seen = 0;
	assert_non_null(f);
	for (; fgets(line, sizeof(line), f); seen++) {
		json_t *o = json_loads(line, 0, NULL);
		const char *hex = json_string_value(json_object_get(o, "key_hex"));
		uint8_t key[16384];
		int32_t n = 0;
		for (unsigned byte; sscanf(hex + 2 * n, "%2x", &byte) == 1 && n < (int32_t)sizeof(key); n++)
			key[n] = (uint8_t)byte;
		for (size_t i = 0; i < sizeof(COUNTS) / sizeof(COUNTS[0]); i++) {
			snprintf(name, sizeof(name), "partition_of_%d", (int)COUNTS[i]);
			assert_int_equal(kq_partitioner_by_key(KQ_PARTITION_MURMUR2,
							       (struct kq_bytes){ key, n }, COUNTS[i]),
					 json_integer_value(json_object_get(o, name)));
		}
		json_decref(o);
	}
	fclose(f);
	assert_true(seen > 20);
}

static void test_partitioner_crc32_agrees_with_librdkafka(void **state)
{
	(void)state;
	/* Of the table in the protocol notes, 10 partitions. */
	static const struct { const char *key; int32_t partition; } CASES[] = {
		{ "21", 2 }, { "foobar", 9 }, { "abc", 8 }, { "a-little-bit-long-string", 4 },
		{ "kafka", 9 }, { "123456789", 2 },
	};
	for (size_t i = 0; i < sizeof(CASES) / sizeof(CASES[0]); i++)
		assert_int_equal(kq_partitioner_by_key(KQ_PARTITION_CRC32, key_of(CASES[i].key), 10),
				 CASES[i].partition);
}

static void test_partitioner_leaves_records_without_key_to_others(void **state)
{
	(void)state;
	assert_int_equal(kq_partitioner_by_key(KQ_PARTITION_MURMUR2, KQ_BYTES_NULL, 10), -1);
	assert_int_equal(kq_partitioner_by_key(KQ_PARTITION_MURMUR2, key_of(""), 10), 1);
	assert_int_equal(kq_partitioner_by_key(KQ_PARTITION_CRC32, key_of(""), 10), -1);
	assert_int_equal(kq_partitioner_by_key(KQ_PARTITION_RANDOM, key_of("abc"), 10), -1);
	assert_int_equal(kq_partitioner_by_key(KQ_PARTITION_STICKY, key_of("abc"), 10), -1);
	assert_int_equal(kq_partitioner_by_key(KQ_PARTITION_ROUND_ROBIN, key_of("abc"), 10), -1);
}

static void test_partitioner_random_reaches_every_partition(void **state)
{
	(void)state;
	uint64_t seed = 7;
	unsigned seen = 0;
	for (int i = 0; i < 1000; i++)
		seen |= 1u << kq_partitioner_random(&seed, 12);
	assert_int_equal(seen, 0xfff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_partitioner_murmur2_agrees_with_the_java_client),
		cmocka_unit_test(test_partitioner_crc32_agrees_with_librdkafka),
		cmocka_unit_test(test_partitioner_leaves_records_without_key_to_others),
		cmocka_unit_test(test_partitioner_random_reaches_every_partition),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
