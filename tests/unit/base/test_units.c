#include "kq/units.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "kq/text.h"

#define DAY 86400000LL

static void test_durations_as_people_write_them(void **state)
{
	(void)state;
	static const struct { const char *text; int64_t ms; } GOOD[] = {
		{ "0", 0 }, { "250", 250 }, { "250ms", 250 }, { "10s", 10000 }, { "5m", 300000 },
		{ "2h", 7200000 }, { "7d", 7 * DAY }, { "1w", 7 * DAY }, { "1h30m", 5400000 },
		{ "1.5s", 1500 }, { "0.001s", 1 },
	};
	int64_t ms;
	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
		assert_int_equal(kq_duration_parse(GOOD[i].text, &ms), 0);
		assert_int_equal(ms, GOOD[i].ms);
	}
	static const char *const BAD[] = { "", "s", "-1s", "1x", "1s ", "1h30", "1.s", ".5s", "99999999999999999999",
					   "9223372036854775807d" };
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_int_not_equal(kq_duration_parse(BAD[i], &ms), 0);
}

static void test_sizes_are_powers_of_two(void **state)
{
	(void)state;
	static const struct { const char *text; int64_t bytes; } GOOD[] = {
		{ "0", 0 }, { "512", 512 }, { "64k", 65536 }, { "64K", 65536 }, { "1m", 1048576 },
		{ "1MiB", 1048576 }, { "1gb", 1073741824 }, { "7b", 7 }, { "8191p", 8191LL << 50 },
	};
	int64_t v;
	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
		assert_int_equal(kq_size_parse(GOOD[i].text, &v), 0);
		assert_int_equal(v, GOOD[i].bytes);
	}
	static const char *const BAD[] = { "", "k", "-1", "1x", "1kk", "1.5m", "8192p", "1 m", "1ib" };
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_int_not_equal(kq_size_parse(BAD[i], &v), 0);
}

static void test_points_in_time(void **state)
{
	(void)state;
	const int64_t now = 1700000000000;
	static const struct { const char *text; int64_t ms; } GOOD[] = {
		{ "1970-01-01", 0 }, { "2000-02-29", 951782400000 }, { "2023-11-14T22:13:20Z", 1700000000000 },
		{ "2023-11-14 22:13", 1699999980000 }, { "2023-11-14T22:13:20.123Z", 1700000000123 },
		{ "2023-11-14T23:13:20+01:00", 1700000000000 }, { "2023-11-14T20:43:20-0130", 1700000000000 },
		{ "1969-12-31T23:59:59.999Z", -1 }, { "1700000000001", 1700000000001 },
		{ "now", 1700000000000 }, { "-1h", 1699996400000 }, { "1h", 1699996400000 }, { "+1h", 1700003600000 },
	};
	int64_t ms;
	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
		assert_int_equal(kq_time_parse(GOOD[i].text, now, &ms), 0);
		assert_int_equal(ms, GOOD[i].ms);
	}
	static const char *const BAD[] = { "", "2023-13-01", "2023-02-29", "2023-1-1", "2023-11-14T", "2023-11-14T25:00",
					   "2023-11-14T22:13:20X", "yesterday", "+", "-" };
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_int_not_equal(kq_time_parse(BAD[i], now, &ms), 0);
}

static void test_iso_text_reads_back_as_the_same_time(void **state)
{
	(void)state;
	char buf[KQ_ISO_MAX];
	for (int64_t ms = -60000000000000; ms < 200000000000000; ms += 987654321987) {
		int64_t back;
		kq_time_iso(ms, buf);
		assert_int_equal(kq_time_parse(buf, 0, &back), 0);
		assert_int_equal(back, ms);
	}
	kq_time_iso(1700000000123, buf);
	assert_string_equal(buf, "2023-11-14T22:13:20.123Z");
	kq_time_iso(INT64_MIN, buf);
	assert_string_equal(buf, "-9223372036854775808");
}

static void test_nearest_name_is_what_was_meant(void **state)
{
	(void)state;
	static const char *const NAMES[] = { "brokers", "partition", "partitions", "timeout", "retention.ms", "config" };
	static const struct { const char *typed, *meant; } CASES[] = {
		{ "borkers", "brokers" }, { "partions", "partitions" }, { "timout", "timeout" },
		{ "retention", "retention.ms" }, { "Config", "config" }, { "zzz", NULL }, { "x", NULL },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct kq_nearest n;
		kq_nearest_init(&n, CASES[i].typed);
		for (size_t k = 0; k < sizeof NAMES / sizeof *NAMES; k++)
			kq_nearest_offer(&n, NAMES[k]);
		if (CASES[i].meant)
			assert_string_equal(n.best, CASES[i].meant);
		else
			assert_null(n.best);
	}
}

static void test_utf8_refuses_overlong_forms_and_surrogates(void **state)
{
	(void)state;
	static const char *const GOOD[] = { "", "plain ascii text", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "12345678\xc3\xa4" };
	static const char *const BAD[] = { "\x80", "\xc0\x80", "\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80",
					   "\xf8", "1234567\xff", "\xe2\x82" };
	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
		assert_true(kq_utf8_valid(GOOD[i], strlen(GOOD[i])));
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_false(kq_utf8_valid(BAD[i], strlen(BAD[i])));
}

static void test_unescape_knows_its_escapes_and_no_others(void **state)
{
	(void)state;
	char out[32];
	assert_int_equal(kq_unescape("a\\n\\t\\0\\x41\\\\", out), 6);
	assert_memory_equal(out, "a\n\t\0A\\", 6);
	assert_int_equal(kq_unescape("\\q", out), -1);
	assert_int_equal(kq_unescape("\\", out), -1);
	assert_int_equal(kq_unescape("\\x4", out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_durations_as_people_write_them),
		cmocka_unit_test(test_sizes_are_powers_of_two),
		cmocka_unit_test(test_points_in_time),
		cmocka_unit_test(test_iso_text_reads_back_as_the_same_time),
		cmocka_unit_test(test_nearest_name_is_what_was_meant),
		cmocka_unit_test(test_utf8_refuses_overlong_forms_and_surrogates),
		cmocka_unit_test(test_unescape_knows_its_escapes_and_no_others),
	};
	return cmocka_run_group_tests_name("units and text", tests, NULL, NULL);
}
