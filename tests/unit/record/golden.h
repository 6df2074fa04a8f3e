/* Reads the golden segment cases: bytes of .log files and the lines that say what
 * is in them. */
#ifndef TESTS_RECORD_GOLDEN_H
#define TESTS_RECORD_GOLDEN_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/io.h"

struct golden_case {
	const char *name; /* folder under tests/data/golden */
	const char *partition;
	const char *expect;
};

static const struct golden_case golden_cases[] = {
	{ "plain", "plain-0", "expect" },
	{ "keyed", "keyed-0", "expect" },
	{ "java-gzip", "java-gzip-0", "expect" },
	{ "java-snappy", "java-snappy-0", "expect" },
	{ "java-lz4", "java-lz4-0", "expect" },
	{ "java-zstd", "java-zstd-0", "expect" },
	{ "kcat-gzip", "kcat-gzip-0", "expect" },
	{ "kcat-snappy", "kcat-snappy-0", "expect" },
	{ "kcat-lz4", "kcat-lz4-0", "expect" },
	{ "kcat-zstd", "kcat-zstd-0", "expect" },
	{ "idempotent", "idempotent-0", "expect" },
	{ "txns", "txns-0", "expect" },
	{ "opentxn", "opentxn-0", "expect" },
	{ "legacy-v0", "legacy-v0-0", "expect" },
	{ "legacy-v1", "legacy-v1-0", "expect" },
	{ "legacy-v0-lz4", "legacy-v0-lz4-0", "expect" },
	{ "appendtime", "appendtime-0", "expect" },
	{ "compact/before", "compact-0", "../expect-before" },
	{ "compact/after", "compact-0", "../expect-after" },
	{ "compact-thrice", "compact2-0", "expect" },
	{ "empty/before", "empty-0", "../expect-before" },
	{ "empty/after", "empty-0", "../expect-after" },
	{ "consumer-offsets", "__consumer_offsets-3", "expect" },
	{ "transaction-state", "__transaction_state-0", "expect" },
};
enum { GOLDEN_CASES = sizeof golden_cases / sizeof golden_cases[0] };

/* All lines of expect/<file> as an array. */
static inline json_t *golden_lines(const struct golden_case *c, const char *file)
{
	char path[512], line[65536];
	snprintf(path, sizeof path, "%s/golden/%s/%s/%s", KQ_TESTDATA, c->name, c->expect, file);
	json_t *all = json_array();
	FILE *f = fopen(path, "r");
	while (f && fgets(line, sizeof line, f)) {
		json_t *one = json_loads(line, JSON_DECODE_ANY, NULL);
		if (one)
			json_array_append_new(all, one);
	}
	if (f)
		fclose(f);
	return all;
}

/* The bytes of one segment; caller frees. NULL if there is none. */
static inline uint8_t *golden_segment(const struct golden_case *c, int64_t base, size_t *n)
{
	char path[512], *buf = NULL;
	snprintf(path, sizeof path, "%s/golden/%s/%s/%020lld.log", KQ_TESTDATA, c->name,
		 c->partition, (long long)base);
	return kq_io_read_file(path, 1 << 20, &buf, n) ? NULL : (uint8_t *)buf;
}

#endif
