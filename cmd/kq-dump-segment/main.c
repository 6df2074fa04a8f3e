/* kq-dump-segment: prints and verifies Kafka's files. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/report.h"
#include "dump.h"

static struct dump_config config;

static const char *const DECODES[] = { "auto", "none", "offsets", "transactions", NULL };

#define AT(m) offsetof(struct dump_config, m)
static const struct kq_opt OPTIONS[] = {
	KQ_OPT('r', "records", NULL, NULL, "print the records of each batch too", FLAG, AT(records)),
	KQ_OPT('f', "format", "FMT", NULL, "print records by this format, and no batches: %o offset, %k key, %v value, "
	       "%T time, %h headers; see kq-consume", STRING, AT(format_text)),
	KQ_OPT('J', "json", NULL, NULL, "print JSON lines", FLAG, AT(json)),
	KQ_OPT('Z', "null", "STR", NULL, "with -f: how null is printed", STRING, AT(null_text)),
	KQ_OPT('o', "offset", "RANGE", NULL, "only these: N, FROM:TO (TO not included), @TIME, @TIME:@TIME", CALL, AT(range),
	       .call = kq_range_option),
	KQ_OPT(0, "decode", "WHAT", "auto", "records of internal topics in words: offsets, transactions, none, or auto "
	       "(by the directory's name)", ENUM, AT(decode), .choices = DECODES),
	KQ_OPT(0, "verify", NULL, NULL, "check CRCs, order, sizes, and indexes against the log; print faults only", FLAG,
	       AT(verify)),
	{ 0 },
};

static const struct kq_program PROGRAM = {
	.name = "kq-dump-segment",
	.operands = "FILE or DIR...",
	.summary = "Prints the batches of Kafka's .log files, one a line, and the entries of .index,\n"
		   ".timeindex, .txnindex, .snapshot, checkpoint and properties files. Reads while a\n"
		   "broker writes. A DIR stands for its .log files; with --verify, for all in it.\n"
		   "FILE - is the bytes of a .log on standard input.",
	.options = OPTIONS,
	.least = 1,
	.most = -1,
	.files = true,
	.examples = "  kq-dump-segment kq-data/nginx-0\n"
		    "  kq-dump-segment -r --offset 1000:1010 kq-data/nginx-0/00000000000000000000.log\n"
		    "  kq-dump-segment -f '%o %T{iso} %v\\n' kq-data/nginx-0 | tail\n"
		    "  kq-dump-segment --json kq-data/nginx-0/*.index\n"
		    "  kq-dump-segment --verify kq-data && echo sound\n",
};

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names in a directory as whole paths, in order; *n of them, NULL on failure. */
static char **list(const char *path, size_t *n)
{
	DIR *d = opendir(path);
	struct dirent *entry;
	char **v = NULL;
	size_t cap = 0, len = strlen(path);
	*n = 0;
	if (!d)
		return NULL;
	while ((entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		if (*n + 1 >= cap) {
			cap = cap ? 2 * cap : 64;
			v = realloc(v, cap * sizeof *v);
		}
		if (!v || asprintf(&v[*n], "%s%s%s", path, len && path[len - 1] == '/' ? "" : "/", entry->d_name) < 0)
			abort();
		++*n;
	}
	closedir(d);
	if (*n)
		qsort(v, *n, sizeof *v, by_name);
	else
		v = calloc(1, sizeof *v);
	return v;
}

static bool is_directory(const char *path)
{
	struct stat st;
	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A partition's directory, or a log directory of several. The number of files that
 * were of use, -1 if it cannot be read. */
static int dump_directory(struct dump_config *c, const char *path, int depth)
{
	size_t n;
	int used = 0;
	char **v = list(path, &n);
	if (!v)
		return -1;
	for (size_t i = 0; i < n && dump_goes_on(c); i++) {
		int64_t base;
		int32_t partition;
		char topic[256];
		enum kq_segment_kind kind = kq_segment_kind(v[i], &base);
		if (is_directory(v[i])) {
			int in = depth == 0 && kq_segment_partition(v[i], true, topic, &partition)
				 ? dump_directory(c, v[i], depth + 1) : 0;
			used += in > 0 ? in : 0;
		} else if (kind == KQ_SEGMENT_LOG || (c->verify && kind != KQ_SEGMENT_UNKNOWN)) {
			dump_file(c, v[i]);
			used++;
		}
	}
	for (size_t i = 0; i < n; i++)
		free(v[i]);
	free(v);
	return used;
}

static void dump_operand(struct dump_config *c, const char *path)
{
	if (!is_directory(path)) {
		dump_file(c, path);
		return;
	}
	int used = dump_directory(c, path, 0);
	if (used > 0)
		return;
	kq_report("cannot read '%s': %s", path, used < 0 ? strerror(errno) : "no segments in it; give a partition's or a log directory");
	c->status = KQ_EXIT_FAILED;
}

static int check(struct dump_config *c)
{
	struct kq_error e = { 0 };
	if (c->json && c->format_text)
		return kq_report_usage("--json and --format exclude each other");
	if (c->verify && (c->records || c->format_text))
		return kq_report_usage("--verify prints faults only; leave out -r and -f");
	if (c->range.from.kind == KQ_BOUND_FROM_END || c->range.to.kind == KQ_BOUND_FROM_END)
		return kq_report_usage("--offset: a file has no known end to count from; give offsets or times");
	if (!c->format_text)
		return -1;
	c->records = true;
	if (kq_format_new(&c->format, c->format_text, c->null_text, &e) != 0)
		return kq_report_usage("wrong value '%s' for --format: %s", c->format_text, e.text);
	return -1;
}

int main(int argc, char **argv)
{
	struct dump_config *c = &config;
	int status = kq_options_parse(&PROGRAM, c, argc, argv);
	if (status < 0)
		status = check(c);
	if (status >= 0)
		return status;
	kq_out_init(&c->out, STDOUT_FILENO);
	for (int i = 0; i < c->common.operand_count && dump_goes_on(c); i++)
		dump_operand(c, c->common.operands[i]);
	status = kq_out_finish(&c->out);
	kq_out_deinit(&c->out);
	kq_format_free(c->format);
	return c->status ? c->status : status;
}
