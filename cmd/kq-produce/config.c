#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kq/text.h"
#include "kq/units.h"

static const char *const INPUTS[] = { "lines", "json", "frames", NULL };
static const char *const PARTITIONERS[] = { "murmur2", "random", "round-robin", "sticky", "crc32", NULL };

#define AT(member) offsetof(struct config, member)

static const struct kq_opt OPTIONS[] = {
	KQ_OPT_HEADING("What to read"),
	KQ_OPT('d', "delim", "STR", "\\n", "what ends a record; escapes allowed", STRING, AT(delim)),
	KQ_OPT('0', "null", NULL, NULL, "NUL ends a record", FLAG, AT(nul)),
	KQ_OPT('K', "key-delim", "STR", NULL, "what stands before STR is the key", STRING, AT(key_delim)),
	KQ_OPT('i', "input", "KIND", "lines", "what the input is", ENUM, AT(input), .choices = INPUTS),
	KQ_OPT('f', "format", "FMT", NULL, "lines laid out as FMT says: %k %v %h %p %T ..", STRING, AT(format)),
	KQ_OPT('Z', "empty-as-null", NULL, NULL, "an empty key or value is null", FLAG, AT(empty_as_null)),
	KQ_OPT_HEADING("What to send"),
	KQ_OPT('k', "key", "STR", NULL, "a fixed key", STRING, AT(key)),
	KQ_OPT('H', "header", "NAME=VALUE", NULL, "a header on every record; repeatable", LIST, AT(header)),
	KQ_OPT('p', "partition", "N", "-1", "into this partition", INT, AT(partition), .min = -1, .max = INT32_MAX),
	KQ_OPT(0, "partitioner", "HOW", "murmur2", "partition by key, or without", ENUM, AT(partitioner),
	       .choices = PARTITIONERS),
	KQ_OPT(0, "timestamp", "TIME", NULL, "for every record; default now at reading", STRING, AT(timestamp)),
	KQ_OPT('z', "compression", "CODEC", NULL, "none, gzip, snappy, lz4, zstd[:LEVEL]", STRING, AT(compression)),
	KQ_OPT_HEADING("How to send"),
	KQ_OPT('a', "acks", "N", NULL, "0, 1 or all (default)", STRING, AT(acks)),
	KQ_OPT(0, "batch-size", "SIZE", NULL, "bytes of a batch, default 1m", STRING, AT(batch_size)),
	KQ_OPT(0, "linger", "TIME", NULL, "how long a batch waits for more, default 5ms", STRING, AT(linger)),
	KQ_OPT(0, "in-flight", "N", NULL, "requests under way, default 5", STRING, AT(in_flight)),
	KQ_OPT(0, "timeout", "TIME", NULL, "give a record up after that long, default 2m", STRING, AT(timeout)),
	KQ_OPT(0, "rate", "N", NULL, "records a second at most", INT, AT(rate), .min = 1, .max = 1000000000),
	KQ_OPT_HEADING("What becomes of them"),
	KQ_OPT(0, "on-error", "WHAT", "stop", "for a record that can never be sent: stop, skip, dead-letter:TOPIC",
	       STRING, AT(on_error)),
	KQ_OPT(0, "undelivered", "FILE", NULL, "what was not delivered is kept here", STRING, AT(undelivered)),
	KQ_OPT(0, "report", NULL, NULL, "partition, offset, timestamp of each record on stdout", FLAG, AT(report)),
	KQ_OPT(0, "tee", NULL, NULL, "copy the input to stdout", FLAG, AT(tee)),
	KQ_OPT(0, "progress", NULL, NULL, "tell how it goes; by itself on a terminal", FLAG, AT(progress)),
	KQ_OPT(0, "stats", NULL, NULL, "counts on stderr at the end", FLAG, AT(stats)),
	{ 0 },
};

const struct kq_program PROGRAM = {
	.name = "kq-produce",
	.operands = "TOPIC [FILE]...",
	.summary = "Sends each line of the files (or of standard input) as a record to TOPIC, and ends when\n"
		   "all are acknowledged.",
	.options = OPTIONS,
	.common = KQ_COMMON_CLIENT,
	.least = 1,
	.most = -1,
	.files = true,
	.examples = "  tail -F /var/log/nginx/access.log | kq-produce nginx\n"
		    "  echo 'user7:logged in' | kq-produce -K : events\n"
		    "  kq-consume -e --json events | kq-produce -i json events-copy\n"
		    "  kq-produce -z zstd:1 --undelivered left.log nginx access.log\n",
};

/* ---- what the table cannot check --------------------------------------------------- */

static int unescape(const char *name, const char *text, char *to, size_t room, size_t *n, struct kq_error *e)
{
	if (strlen(text) >= room)
		return kq_error_set(e, KQ_EINVAL, "%s is too long", name);
	long got = kq_unescape(text, to);
	if (got < 0)
		return kq_error_set(e, KQ_EINVAL, "%s '%s' has an unknown escape", name, text);
	if (got == 0)
		return kq_error_set(e, KQ_EINVAL, "%s must not be empty", name);
	*n = (size_t)got;
	return 0;
}

static int encode_headers(struct config *c, struct kq_error *e)
{
	size_t room = 0, at = 0;
	for (int i = 0; i < c->header.n; i++)
		room += strlen(c->header.v[i]) + 20;
	c->headers = malloc(room + 1);
	for (int i = 0; i < c->header.n; i++) {
		const char *h = c->header.v[i], *eq = strchr(h, '=');
		if (!eq)
			return kq_error_set(e, KQ_EINVAL, "header '%s' is not NAME=VALUE", h);
		struct kq_bytes value = { (const uint8_t *)eq + 1, (int32_t)strlen(eq + 1) };
		at += kq_message_header_write(c->headers + at, (struct kq_str){ h, (int32_t)(eq - h) }, value);
		c->header_count++;
	}
	c->headers_n = (int32_t)at;
	return 0;
}

static int set_number(struct config *c, const char *key, int64_t v, struct kq_error *e)
{
	char text[32];
	snprintf(text, sizeof text, "%lld", (long long)v);
	return kq_client_config_set(c->client, key, text, e);
}

static int set_compression(struct config *c, struct kq_error *e)
{
	char codec[16] = "", key[40];
	const char *colon = strchr(c->compression, ':');
	size_t n = colon ? (size_t)(colon - c->compression) : strlen(c->compression);
	if (n >= sizeof codec)
		return kq_error_set(e, KQ_EINVAL, "there is no compression '%s'", c->compression);
	memcpy(codec, c->compression, n);
	int rc = kq_client_config_set(c->client, "compression.type", codec, e);
	if (rc || !colon)
		return rc;
	if (strcmp(codec, "zstd") && strcmp(codec, "gzip") && strcmp(codec, "lz4"))
		return kq_error_set(e, KQ_EINVAL, "%s has no levels", codec);
	snprintf(key, sizeof key, "compression.%s.level", codec);
	return kq_client_config_set(c->client, key, colon + 1, e);
}

/* Options that are client configs by another name; they win over -X. */
static int set_client(struct config *c, struct kq_error *e)
{
	int64_t v;
	if (c->compression && set_compression(c, e))
		return KQ_EINVAL;
	if (c->acks && kq_client_config_set(c->client, "acks", c->acks, e))
		return KQ_EINVAL;
	if (c->batch_size) {
		if (kq_size_parse(c->batch_size, &v))
			return kq_error_set(e, KQ_EINVAL, "--batch-size '%s' is no size", c->batch_size);
		if (set_number(c, "batch.size", v, e))
			return KQ_EINVAL;
	}
	if (c->linger) {
		if (kq_duration_parse(c->linger, &v))
			return kq_error_set(e, KQ_EINVAL, "--linger '%s' is no time", c->linger);
		if (set_number(c, "linger.ms", v, e))
			return KQ_EINVAL;
	}
	if (c->in_flight &&
	    kq_client_config_set(c->client, "max.in.flight.requests.per.connection", c->in_flight, e))
		return KQ_EINVAL;
	if (c->timeout) {
		if (kq_duration_parse(c->timeout, &v))
			return kq_error_set(e, KQ_EINVAL, "--timeout '%s' is no time", c->timeout);
		if (set_number(c, "delivery.timeout.ms", v, e))
			return KQ_EINVAL;
	}
	c->timeout_ms = kq_client_config_int(c->client, "delivery.timeout.ms");
	return 0;
}

static int set_key(void *arg, const char *key, const char *value, const char *origin, struct kq_error *e)
{
	(void)origin;
	return kq_client_config_set(arg, key, value, e);
}

static int load_client(struct config *c, struct kq_error *e)
{
	int rc = c->common.config ? kq_client_config_load(c->client, c->common.config, e) : 0;
	if (!rc && c->common.brokers)
		rc = kq_client_config_set(c->client, "bootstrap.servers", c->common.brokers, e);
	if (!rc)
		rc = kq_options_apply(&c->common, set_key, c->client, e);
	return rc ? rc : set_client(c, e);
}

static int set_on_error(struct config *c, struct kq_error *e)
{
	if (!strcmp(c->on_error, "stop"))
		c->on_error_kind = ON_ERROR_STOP;
	else if (!strcmp(c->on_error, "skip"))
		c->on_error_kind = ON_ERROR_SKIP;
	else if (!strncmp(c->on_error, "dead-letter:", 12) && c->on_error[12]) {
		c->on_error_kind = ON_ERROR_DEAD_LETTER;
		c->dead_letter = c->on_error + 12;
	} else
		return kq_error_set(e, KQ_EINVAL, "--on-error is stop, skip or dead-letter:TOPIC, not '%s'",
				    c->on_error);
	return 0;
}

static int check(const struct config *c, struct kq_error *e)
{
	if (c->format && c->input != INPUT_LINES)
		return kq_error_set(e, KQ_EINVAL, "--format is for lines");
	if (c->key_delim && (c->format || c->input != INPUT_LINES))
		return kq_error_set(e, KQ_EINVAL, "--key-delim is for plain lines");
	if (c->key && c->key_delim)
		return kq_error_set(e, KQ_EINVAL, "--key and --key-delim exclude each other");
	if (c->report && c->tee)
		return kq_error_set(e, KQ_EINVAL, "--report and --tee both want stdout");
	return 0;
}

int config_finish(struct config *c, struct kq_error *e)
{
	struct timespec now;
	int rc = check(c, e);
	clock_gettime(CLOCK_REALTIME, &now);
	c->client = kq_client_config_new();
	c->timestamp_ms = -1;
	if (!rc && c->nul)
		c->delim_n = 1; /* delim_bytes is zero */
	else if (!rc)
		rc = unescape("--delim", c->delim, c->delim_bytes, sizeof c->delim_bytes, &c->delim_n, e);
	if (!rc && c->key_delim)
		rc = unescape("--key-delim", c->key_delim, c->key_delim_bytes, sizeof c->key_delim_bytes,
			      &c->key_delim_n, e);
	if (!rc)
		rc = encode_headers(c, e);
	if (!rc && c->timestamp &&
	    kq_time_parse(c->timestamp, (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000, &c->timestamp_ms))
		rc = kq_error_set(e, KQ_EINVAL, "--timestamp '%s' is no time", c->timestamp);
	if (!rc)
		rc = set_on_error(c, e);
	if (!rc)
		rc = load_client(c, e);
	if (!rc && c->format)
		rc = kq_format_new(&c->layout, c->format, c->empty_as_null ? "" : NULL, e);
	if (!rc && c->layout)
		rc = kq_format_for_input(c->layout, c->delim_bytes, c->delim_n, e);
	return rc;
}

void config_deinit(struct config *c)
{
	kq_format_free(c->layout);
	kq_client_config_free(c->client);
	free(c->headers);
}
