#include "broker/topic_name.h"

#include <string.h>

static bool is_legal(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '.' || c == '_' || c == '-';
}

int kq_topic_name_check(struct kq_str name, struct kq_error *e)
{
	if (name.len <= 0)
		return kq_error_set(e, KQ_EINVAL,
				    "Topic name is invalid: the empty string is not allowed");
	if (name.len <= 2 && !memcmp(name.p, "..", (size_t)name.len))
		return kq_error_set(e, KQ_EINVAL, "Topic name is invalid: '%.*s' is not allowed",
				    name.len, name.p);
	int shown = name.len < KQ_TOPIC_NAME_MAX ? name.len : KQ_TOPIC_NAME_MAX;
	for (int32_t i = 0; i < name.len; i++)
		if (!is_legal(name.p[i]))
			return kq_error_set(e, KQ_EINVAL, "Topic name is invalid: '%.*s' contains "
					    "one or more characters other than ASCII "
					    "alphanumerics, '.', '_' and '-'", shown, name.p);
	if (name.len > KQ_TOPIC_NAME_MAX)
		return kq_error_set(e, KQ_EINVAL, "Topic name is invalid: the length of '%.*s' is "
				    "longer than the max allowed length %d", shown,
				    name.p, KQ_TOPIC_NAME_MAX);
	return 0;
}

static char flat(char c)
{
	return c == '.' ? '_' : c;
}

bool kq_topic_name_collides(const char *a, const char *b)
{
	bool differ = false;
	for (; *a && flat(*a) == flat(*b); a++, b++)
		differ = differ || *a != *b;
	return !*a && !*b && differ;
}
