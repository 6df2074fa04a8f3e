/* Hand-made rather than strtoll and strptime: every byte must be accounted for,
 * overflow must be told, and the locale must have no say. */
#include "kq/units.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "kq/error.h"

enum { DAY_MS = 86400000 };

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Digits at *s as a number; false if there are none or too many. */
static bool number(const char **s, int64_t *v)
{
	if (!digit(**s))
		return false;
	int64_t n = 0;
	for (; digit(**s); (*s)++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, **s - '0', &n))
			return false;
	*v = n;
	return true;
}

int kq_int_parse(const char *text, int64_t *v)
{
	bool minus = *text == '-';
	const char *s = text + (minus || *text == '+');
	int64_t n;
	if (minus && strcmp(s, "9223372036854775808") == 0) {
		*v = INT64_MIN;
		return 0;
	}
	if (!number(&s, &n) || *s)
		return KQ_EINVAL;
	*v = minus ? -n : n;
	return 0;
}

static const struct {
	const char *name;
	int64_t ms;
} DURATIONS[] = {
	{ "ms", 1 }, { "s", 1000 }, { "min", 60000 }, { "m", 60000 },
	{ "h", 3600000 }, { "d", DAY_MS }, { "w", 7 * (int64_t)DAY_MS },
};

/* The unit at *s, in ms; 0 if there is none. */
static int64_t duration_unit(const char **s)
{
	size_t n = 0;
	while (isalpha((unsigned char)(*s)[n]))
		n++;
	for (size_t i = 0; i < sizeof DURATIONS / sizeof *DURATIONS; i++)
		if (strlen(DURATIONS[i].name) == n && memcmp(DURATIONS[i].name, *s, n) == 0) {
			*s += n;
			return DURATIONS[i].ms;
		}
	return 0;
}

/* `.25` at *s as millionths; 0 if there is no point. */
static bool fraction(const char **s, int64_t *millionths)
{
	*millionths = 0;
	if (**s != '.')
		return true;
	(*s)++;
	if (!digit(**s))
		return false;
	for (int64_t at = 100000; digit(**s); (*s)++, at /= 10)
		*millionths += at * (**s - '0');
	return true;
}

int kq_duration_parse(const char *text, int64_t *ms)
{
	const char *s = text;
	int64_t whole, part, sum = 0;
	do {
		if (!number(&s, &whole) || !fraction(&s, &part))
			return KQ_EINVAL;
		if (!*s && s != text && sum == 0 && part == 0) {
			*ms = whole;
			return 0;
		}
		int64_t unit = duration_unit(&s);
		if (!unit || __builtin_mul_overflow(whole, unit, &whole) ||
		    __builtin_add_overflow(whole, part * (unit / 1000) / 1000 + part * (unit % 1000) / 1000000, &whole) ||
		    __builtin_add_overflow(sum, whole, &sum))
			return KQ_EINVAL;
	} while (*s);
	*ms = sum;
	return 0;
}

int kq_size_parse(const char *text, int64_t *bytes)
{
	static const char UNITS[] = "kmgtp";
	const char *s = text;
	int64_t n;
	if (!number(&s, &n))
		return KQ_EINVAL;
	int shift = 0;
	if (*s) {
		const char *u = strchr(UNITS, tolower((unsigned char)*s));
		if (u) {
			shift = 10 * (int)(u - UNITS + 1);
			s++;
		}
		if (*s && strcasecmp(s, "b") != 0 && (!u || strcasecmp(s, "ib") != 0))
			return KQ_EINVAL;
	}
	if (n > INT64_MAX >> shift)
		return KQ_EINVAL;
	*bytes = n << shift;
	return 0;
}

/* Days since 1970-01-01 of a date of the Gregorian calendar, which repeats every
 * 146,097 days; the year is counted from March, so that the leap day comes last. */
static int64_t days_of(int64_t year, int month, int day)
{
	year -= month <= 2;
	int64_t era = (year >= 0 ? year : year - 399) / 400;
	int64_t in_era = year - era * 400;
	int64_t in_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + in_era * 365 + in_era / 4 - in_era / 100 + in_year - 719468;
}

static void date_of(int64_t days, int64_t *year, int *month, int *day)
{
	days += 719468;
	int64_t era = (days >= 0 ? days : days - 146096) / 146097;
	int64_t left = days - era * 146097;
	int64_t in_era = (left - left / 1460 + left / 36524 - left / 146096) / 365;
	int64_t in_year = left - (365 * in_era + in_era / 4 - in_era / 100);
	int from_march = (int)((5 * in_year + 2) / 153);
	*day = (int)(in_year - (153 * from_march + 2) / 5) + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = in_era + era * 400 + (*month <= 2);
}

/* Exactly n digits at *s within [lo, hi]. */
static bool fixed(const char **s, int n, int lo, int hi, int *v)
{
	*v = 0;
	for (int i = 0; i < n; i++, (*s)++) {
		if (!digit(**s))
			return false;
		*v = *v * 10 + (**s - '0');
	}
	return *v >= lo && *v <= hi;
}

static int month_days(int year, int month)
{
	static const int8_t DAYS[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return DAYS[month - 1] + (month == 2 && leap);
}

/* `Z`, `+01:00`, `+0100`, `+01` or nothing, to the end; minutes east of UTC. */
static bool zone(const char *s, int *minutes)
{
	*minutes = 0;
	if (!*s || ((*s == 'Z' || *s == 'z') && !s[1]))
		return true;
	if (*s != '+' && *s != '-')
		return false;
	int sign = *s++ == '-' ? -1 : 1, h, m = 0;
	if (!fixed(&s, 2, 0, 23, &h))
		return false;
	if (*s == ':')
		s++;
	if (*s && !fixed(&s, 2, 0, 59, &m))
		return false;
	*minutes = sign * (h * 60 + m);
	return !*s;
}

static bool iso(const char *s, int64_t *ms)
{
	int year, month, day, h = 0, m = 0, sec = 0, east;
	int64_t millionths = 0;
	if (!fixed(&s, 4, 0, 9999, &year) || *s++ != '-' || !fixed(&s, 2, 1, 12, &month) ||
	    *s++ != '-' || !fixed(&s, 2, 1, month_days(year, month), &day))
		return false;
	if (*s == 'T' || *s == 't' || *s == ' ') {
		s++;
		if (!fixed(&s, 2, 0, 23, &h) || *s++ != ':' || !fixed(&s, 2, 0, 59, &m))
			return false;
		if (*s == ':' && (s++, !fixed(&s, 2, 0, 59, &sec) || !fraction(&s, &millionths)))
			return false;
	} else if (*s) {
		return false;
	}
	if (!zone(s, &east))
		return false;
	int64_t minutes = days_of(year, month, day) * 1440 + h * 60 + m - east;
	*ms = minutes * 60000 + sec * 1000 + millionths / 1000;
	return true;
}

int kq_time_parse(const char *text, int64_t now_ms, int64_t *ms)
{
	int64_t v;
	if (strcmp(text, "now") == 0) {
		*ms = now_ms;
		return 0;
	}
	if (iso(text, ms))
		return 0;
	if (kq_int_parse(text, &v) == 0 && *text != '+' && *text != '-') {
		*ms = v;
		return 0;
	}
	bool after = *text == '+';
	if (kq_duration_parse(text + (after || *text == '-'), &v) != 0)
		return KQ_EINVAL;
	return __builtin_add_overflow(now_ms, after ? v : -v, ms) ? KQ_EINVAL : 0;
}

size_t kq_time_iso(int64_t ms, char *buf)
{
	int64_t days = ms / DAY_MS - (ms % DAY_MS < 0), year;
	int64_t in_day = ms - days * DAY_MS;
	int month, day;
	if (days < -719528 || days > 2932896)
		return (size_t)snprintf(buf, KQ_ISO_MAX, "%" PRId64, ms);
	date_of(days, &year, &month, &day);
	int sec = (int)(in_day / 1000);
	return (size_t)snprintf(buf, KQ_ISO_MAX, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", (int)year, month,
				day, sec / 3600, sec / 60 % 60, sec % 60, (int)(in_day % 1000));
}

const char *kq_duration_text(int64_t ms, char *buf)
{
	static const struct {
		const char *name;
		int64_t ms;
	} STEPS[] = { { "d", DAY_MS }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 } };
	for (size_t i = 0; i < 4; i++) {
		if (ms < STEPS[i].ms)
			continue;
		if (ms % STEPS[i].ms == 0)
			snprintf(buf, KQ_ISO_MAX, "%" PRId64 "%s", ms / STEPS[i].ms, STEPS[i].name);
		else
			snprintf(buf, KQ_ISO_MAX, "%.1f%s", (double)ms / (double)STEPS[i].ms, STEPS[i].name);
		return buf;
	}
	snprintf(buf, KQ_ISO_MAX, "%" PRId64 "ms", ms);
	return buf;
}

const char *kq_size_text(int64_t bytes, char *buf)
{
	static const char *const UNITS[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" };
	double v = (double)bytes;
	int i = 0;
	for (; i < 5 && (v >= 1024 || v <= -1024); i++)
		v /= 1024;
	snprintf(buf, KQ_ISO_MAX, i ? "%.1f %s" : "%.0f %s", v, UNITS[i]);
	return buf;
}
