#include "broker/config_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/alloc.h"

static const char *const TYPE_NAMES[] = {
	[KQ_CONFIG_INT] = "INT", [KQ_CONFIG_SHORT] = "SHORT", [KQ_CONFIG_LONG] = "LONG",
	[KQ_CONFIG_DOUBLE] = "DOUBLE",
};

static int refuse(struct kq_error *e, const struct kq_config_key *k, const char *text,
		  const char *why)
{
	return kq_error_set(e, KQ_EINVAL, "Invalid value %.100s for configuration %s: %s", text,
			    k->name, why);
}

static bool is_number(const struct kq_config_key *k)
{
	return k->type == KQ_CONFIG_INT || k->type == KQ_CONFIG_SHORT ||
	       k->type == KQ_CONFIG_LONG || k->type == KQ_CONFIG_DOUBLE;
}

/* A copy without blanks at the ends. */
static char *trimmed(const char *text)
{
	while (isspace((unsigned char)*text))
		text++;
	size_t n = strlen(text);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	return kq_strndup(text, n);
}

/* Takes the blanks around the commas out, in place. */
static void tidy_list(char *s)
{
	char *to = s;
	for (char *p = s; *p; p++) {
		if (isspace((unsigned char)*p)) {
			char *q = p;
			while (isspace((unsigned char)*q))
				q++;
			if (*q == ',' || !*q || to == s || to[-1] == ',') {
				p = q - 1;
				continue;
			}
		}
		*to++ = *p;
	}
	*to = '\0';
}

static int check_number(const struct kq_config_key *k, char *s, struct kq_error *e)
{
	char *end, why[40];
	errno = 0;
	bool ok;
	if (k->type == KQ_CONFIG_DOUBLE) {
		strtod(s, &end);
		ok = end != s && !*end;
	} else {
		long long v = strtoll(s, &end, 10);
		ok = end != s && !*end && !errno;
		if (k->type == KQ_CONFIG_INT)
			ok = ok && v >= INT32_MIN && v <= INT32_MAX;
		if (k->type == KQ_CONFIG_SHORT)
			ok = ok && v >= INT16_MIN && v <= INT16_MAX;
	}
	snprintf(why, sizeof why, "Not a number of type %s", TYPE_NAMES[k->type]);
	return ok ? 0 : refuse(e, k, s, why);
}

/* valid is "[MIN,...]" or "[MIN,...,MAX]", perhaps followed by " or N". */
static int check_range(const struct kq_config_key *k, const char *s, struct kq_error *e)
{
	char why[64], *end;
	double v = strtod(s, NULL), min = strtod(k->valid + 1, &end);
	const char *or = strstr(k->valid, " or ");
	if (or && strtod(or + 4, NULL) == v)
		return 0;
	const char *max = strncmp(end, ",...,", 5) == 0 ? end + 5 : NULL;
	bool high = max && v > strtod(max, NULL);
	if (!high && v >= min)
		return 0;
	int n = high ? (int)strcspn(max, "]") : (int)(end - k->valid - 1);
	snprintf(why, sizeof why, "Value must be %s %.*s", high ? "no more than" : "at least", n,
		 high ? max : k->valid + 1);
	return refuse(e, k, s, why);
}

/* valid is "[a, b, c]": is the word of n bytes there? */
static bool is_choice(const char *valid, const char *word, size_t n)
{
	const char *p = valid + 1;
	while (*p) {
		size_t len = strcspn(p, ",]");
		if (len == n && !memcmp(p, word, n))
			return true;
		p += len;
		p += strspn(p, ", ]");
	}
	return false;
}

static int check_choices(const struct kq_config_key *k, const char *s, struct kq_error *e)
{
	char why[160];
	bool list = k->type == KQ_CONFIG_LIST;
	const char *p = s;
	while (list ? *p : p == s) {
		size_t n = list ? strcspn(p, ",") : strlen(p);
		if (!is_choice(k->valid, p, n)) {
			snprintf(why, sizeof why, "String must be one of: %.*s",
				 (int)strlen(k->valid) - 2, k->valid + 1);
			return kq_error_set(e, KQ_EINVAL,
					    "Invalid value %.*s for configuration %s: %s",
					    (int)(n < 100 ? n : 100), p, k->name, why);
		}
		p += n;
		p += *p == ',';
		if (!list)
			break;
	}
	return 0;
}

/* "*" or partition:broker pairs. */
static int check_throttled(const struct kq_config_key *k, const char *s, struct kq_error *e)
{
	if (!*s || !strcmp(s, "*"))
		return 0;
	for (const char *p = s;;) {
		size_t a = strspn(p, "0123456789");
		size_t b = p[a] == ':' ? strspn(p + a + 1, "0123456789") : 0;
		p += a + 1 + b;
		if (!a || !b || (*p && *p != ','))
			return refuse(e, k, s, "must be the literal '*' or a list of replicas "
				      "in the form [partitionId]:[brokerId]");
		if (!*p++)
			return 0;
	}
}

static int check_valid(const struct kq_config_key *k, const char *s, struct kq_error *e)
{
	if (!k->valid)
		return 0;
	if (!strncmp(k->valid, "[partitionId]", 13))
		return check_throttled(k, s, e);
	if (k->valid[0] == '[')
		return is_number(k) ? check_range(k, s, e) : check_choices(k, s, e);
	if (!strcmp(k->valid, "non-empty string") && !*s)
		return refuse(e, k, s, "String must be non-empty");
	return 0; /* words for people */
}

int kq_config_value_check(const struct kq_config_key *k, const char *text, char **out,
			  struct kq_error *e)
{
	char *s = k->type == KQ_CONFIG_PASSWORD ? kq_strdup(text) : trimmed(text);
	int rc = 0;
	if (k->type == KQ_CONFIG_BOOLEAN) {
		if (!strcasecmp(s, "true") || !strcasecmp(s, "false")) {
			for (char *p = s; *p; p++)
				*p = (char)tolower((unsigned char)*p);
		} else {
			rc = refuse(e, k, s, "Expected value to be either true or false");
		}
	} else if (is_number(k)) {
		rc = check_number(k, s, e);
	} else if (k->type == KQ_CONFIG_LIST) {
		tidy_list(s);
	}
	if (!rc)
		rc = check_valid(k, s, e);
	if (rc || !out)
		free(s);
	else
		*out = s;
	return rc;
}

int64_t kq_config_value_int(const char *text, int64_t if_null)
{
	return text ? strtoll(text, NULL, 10) : if_null;
}

double kq_config_value_double(const char *text, double if_null)
{
	return text ? strtod(text, NULL) : if_null;
}

bool kq_config_value_bool(const char *text)
{
	return text && !strcmp(text, "true");
}

bool kq_config_value_has(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *p = list; p && *p;) {
		size_t len = strcspn(p, ",");
		if (len == n && !memcmp(p, word, n))
			return true;
		p += len;
		p += *p == ',';
	}
	return false;
}
