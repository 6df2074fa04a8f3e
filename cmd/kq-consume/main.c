/* kq-consume: topics to standard output. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/options.h"
#include "common/range.h"
#include "common/report.h"
#include "kq/text.h"
#include "kq/units.h"
#include "print.h"

enum { START_TIMEOUT_MS = 15000, POLL_MS = 200, PARTITIONS_MAX = 4096, PIPE_BYTES = 1 << 20,
       TROUBLE_AFTER_MS = 2000 };

static const char *const ISOLATIONS[] = { "read_committed", "read_uncommitted", NULL };

static struct config {
	struct kq_common common;
	struct kq_range range;
	int32_t partitions[PARTITIONS_MAX];
	int partition_n;
	bool exit, control, json, frames, nul, raw;
	int isolation;
	int64_t idle_ms, count;
	const char *key, *match_key, *match_value;
	struct kq_opt_list match_header;
	const char *format, *delim, *null_text;
} config;

static int set_partitions(const struct kq_opt *o, const char *value, void *c, struct kq_error *e)
{
	(void)o;
	struct config *cfg = c;
	char *list = strdup(value), *at = list, *word;
	int rc = 0;
	while (!rc && (word = strsep(&at, ","))) {
		int64_t n;
		if (kq_int_parse(word, &n) || n < 0 || n > INT32_MAX)
			rc = kq_error_set(e, KQ_EINVAL, "'%s' is no partition", word);
		else if (cfg->partition_n == PARTITIONS_MAX)
			rc = kq_error_set(e, KQ_EINVAL, "more than %d partitions", PARTITIONS_MAX);
		else
			cfg->partitions[cfg->partition_n++] = (int32_t)n;
	}
	free(list);
	return rc;
}

static const struct kq_opt OPTIONS[] = {
	KQ_OPT_HEADING("What to read:"),
	KQ_OPT('o', "offset", "RANGE", NULL,
	       "start (default), end, -N, +N, N, A:B, :end, @TIME, @TIME:@TIME, @-1h:", CALL,
	       offsetof(struct config, range), .call = kq_range_option),
	KQ_OPT('p', "partition", "N,...", NULL, "only these partitions", CALL, 0, .call = set_partitions),
	KQ_OPT('e', "exit", NULL, NULL, "stop at the ends as they were at the start", FLAG,
	       offsetof(struct config, exit)),
	KQ_OPT(0, "idle", "TIME", NULL, "stop after that long with nothing new", DURATION,
	       offsetof(struct config, idle_ms)),
	KQ_OPT('c', "count", "N", NULL, "stop after N records", INT, offsetof(struct config, count),
	       .min = 1, .max = INT64_MAX),
	KQ_OPT(0, "isolation", "LEVEL", "read_committed", "which records of transactions", ENUM,
	       offsetof(struct config, isolation), .choices = ISOLATIONS),
	KQ_OPT(0, "control", NULL, NULL, "print control records too", FLAG, offsetof(struct config, control)),
	KQ_OPT(0, "key", "STR", NULL, "only records with this key, from the partition where it lives", STRING,
	       offsetof(struct config, key)),
	KQ_OPT(0, "match-key", "RE", NULL, "only keys that match", STRING, offsetof(struct config, match_key)),
	KQ_OPT(0, "match-value", "RE", NULL, "only values that match", STRING,
	       offsetof(struct config, match_value)),
	KQ_OPT(0, "match-header", "NAME=RE", NULL, "only with a header that matches; repeatable", LIST,
	       offsetof(struct config, match_header)),
	KQ_OPT_HEADING("How to print:"),
	KQ_OPT('f', "format", "FMT", NULL, "by a format: %v %k %h %t %p %o %T %S %K %e %%", STRING,
	       offsetof(struct config, format)),
	KQ_OPT('J', "json", NULL, NULL, "JSON lines", FLAG, offsetof(struct config, json)),
	KQ_OPT(0, "frames", NULL, NULL, "length-framed binary for kq-produce --input frames", FLAG,
	       offsetof(struct config, frames)),
	KQ_OPT('d', "delim", "STR", "\\n", "what follows each value", STRING, offsetof(struct config, delim)),
	KQ_OPT('0', "null", NULL, NULL, "NUL follows each value", FLAG, offsetof(struct config, nul)),
	KQ_OPT('Z', "null-text", "STR", "", "text for a null key or value", STRING,
	       offsetof(struct config, null_text)),
	KQ_OPT(0, "raw", NULL, NULL, "values as they are on a terminal too", FLAG, offsetof(struct config, raw)),
	{ 0 },
};

static const struct kq_program PROGRAM = {
	.name = "kq-consume",
	.operands = "TOPIC...",
	.summary = "Prints the values of records, one a line, and waits for more, like tail -f.\n"
		   "A TOPIC that begins with ^ is a regular expression.",
	.options = OPTIONS,
	.common = KQ_COMMON_CLIENT,
	.least = 1,
	.most = -1,
	.examples = "kq-consume -e nginx | awk '{ n[$9]++ } END { for (s in n) print s, n[s] }'\n"
		    "kq-consume -o -10 -e -f '%T{iso} %k %v\\n' nginx\n"
		    "kq-consume -o @-1h: --json nginx\n",
};

static volatile sig_atomic_t stopped;

static void on_signal(int sig)
{
	(void)sig;
	stopped = 1;
}

static int64_t mono_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int set_key(void *arg, const char *key, const char *value, const char *origin, struct kq_error *e)
{
	(void)origin;
	return kq_client_config_set(arg, key, value, e);
}

static int configure(struct kq_client_config *cfg, struct kq_error *e)
{
	int rc = config.common.config ? kq_client_config_load(cfg, config.common.config, e) : 0;
	if (!rc && config.common.brokers)
		rc = kq_client_config_set(cfg, "bootstrap.servers", config.common.brokers, e);
	if (!rc)
		rc = kq_client_config_set(cfg, "isolation.level", ISOLATIONS[config.isolation], e);
	return rc ? rc : kq_options_apply(&config.common, set_key, cfg, e);
}

static int prepare_printer(struct printer *p, struct kq_error *e)
{
	static char delim[256];
	bool terminal = isatty(STDOUT_FILENO);
	if (strlen(config.delim) >= sizeof delim)
		return kq_error_set(e, KQ_EINVAL, "--delim is too long");
	long n = kq_unescape(config.delim, delim);
	if (n < 0)
		return kq_error_set(e, KQ_EINVAL, "--delim '%s' has an unknown escape", config.delim);
	if (config.nul)
		delim[0] = '\0', n = 1;
	p->delim = delim;
	p->delim_n = (size_t)n;
	p->null_text = config.null_text;
	p->left = config.count ? (uint64_t)config.count : UINT64_MAX;
	p->mode = config.json ? PRINT_JSON : config.frames ? PRINT_FRAMES : config.format ? PRINT_FORMAT
		: terminal && !config.raw && !config.nul ? PRINT_TERMINAL : PRINT_VALUES;
	if (config.json + config.frames + (config.format != NULL) > 1)
		return kq_error_set(e, KQ_EINVAL, "--json, --frames and --format exclude each other");
	if (config.frames && terminal)
		return kq_error_set(e, KQ_EINVAL, "frames are binary: send them into a file or a pipe");
	p->colour = terminal && !getenv("NO_COLOR");
	kq_out_init(&p->out, STDOUT_FILENO);
	fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE_BYTES); /* fewer, larger writes; only a pipe has it */
	return config.format ? kq_format_new(&p->format, config.format, config.null_text, e) : 0;
}

/* Says once why nothing comes, and again after it went on in between. */
static void mention_trouble(struct kq_consumer *c, int64_t quiet_ms, bool *mentioned)
{
	struct kq_error e;
	if (*mentioned || quiet_ms < TROUBLE_AFTER_MS || !kq_consumer_trouble(c, &e))
		return;
	kq_remark("waiting: %s", e.text);
	*mentioned = true;
}

static int run(struct kq_consumer *c, struct printer *p)
{
	struct kq_error e = { 0 };
	struct kq_fetched *f;
	int64_t last = mono_ms();
	bool mentioned = false;
	while (!stopped && p->left) {
		int rc = kq_consumer_poll(c, POLL_MS, &f, &e);
		if (rc == KQ_ECLOSED)
			break;
		if (rc < 0)
			return kq_report_error(&e, "go on reading");
		int64_t now = mono_ms();
		if (rc == 0) {
			if (config.idle_ms && now - last >= config.idle_ms)
				break;
			mention_trouble(c, now - last, &mentioned);
			continue;
		}
		last = now;
		mentioned = false;
		rc = print_run(p, f);
		if (rc == KQ_ECLOSED)
			break; /* kq_out_finish says what happened */
		if (rc) {
			kq_out_finish(&p->out); /* what is before it was read */
			kq_error_set(&e, rc, "%s; kq-dump-segment --verify looks closer",
				     kq_fetched_error(f));
			return kq_report_error(&e, "read on");
		}
	}
	return kq_out_finish(&p->out);
}

static struct kq_position position_of(struct kq_bound b)
{
	static const enum kq_position_kind KINDS[] = {
		[KQ_BOUND_NONE] = KQ_POSITION_NONE,
		[KQ_BOUND_START] = KQ_POSITION_START,
		[KQ_BOUND_END] = KQ_POSITION_END,
		[KQ_BOUND_OFFSET] = KQ_POSITION_OFFSET,
		[KQ_BOUND_FROM_START] = KQ_POSITION_AFTER_START,
		[KQ_BOUND_FROM_END] = KQ_POSITION_BEFORE_END,
		[KQ_BOUND_TIME] = KQ_POSITION_TIME,
	};
	return (struct kq_position){ KINDS[b.kind], b.v };
}

static int consume(const struct kq_client_config *cfg, struct printer *p)
{
	struct kq_error e = { 0 };
	struct kq_consumer *c;
	struct kq_consumer_options o = {
		.from = position_of(config.range.from), .to = position_of(config.range.to),
		.stop_at_end = config.exit, .control = config.control,
		.partitions = config.partition_n ? config.partitions : NULL, .partition_n = config.partition_n,
		.key = { (const uint8_t *)config.key, config.key ? (int32_t)strlen(config.key) : -1 },
	};
	if (kq_consumer_new(&c, cfg, &o, &e))
		return kq_report_usage("%s", e.text);
	int rc = 0, status;
	for (int i = 0; !rc && i < config.common.operand_count; i++)
		rc = kq_consumer_add(c, config.common.operands[i], &e);
	if (rc)
		status = kq_report_usage("%s", e.text);
	else if (kq_consumer_start(c, START_TIMEOUT_MS, &e))
		status = kq_report_error(&e, "read");
	else
		status = run(c, p);
	kq_consumer_free(c);
	return status;
}

int main(int argc, char **argv)
{
	struct kq_error e = { 0 };
	struct printer p = { 0 };
	struct match *match = NULL;
	int status = kq_options_parse(&PROGRAM, &config, argc, argv);
	if (status >= 0)
		return status;
	struct sigaction stop = { .sa_handler = on_signal };
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	struct kq_client_config *cfg = kq_client_config_new();
	if (configure(cfg, &e) || prepare_printer(&p, &e) ||
	    match_new(&match, config.key, config.match_key, config.match_value,
		      (const char *const *)config.match_header.v, config.match_header.n, &e)) {
		status = kq_report_usage("%s", e.text);
	} else {
		p.match = match;
		status = consume(cfg, &p);
	}
	match_free(match);
	kq_format_free(p.format);
	kq_out_deinit(&p.out);
	kq_client_config_free(cfg);
	return status;
}
