/* Command lines, words divided by NUL, through an option table with every type. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../cmd/common/options.h"
#include "../../cmd/common/range.h"

static struct config {
	struct kq_common common;
	bool flag;
	const char *string;
	struct kq_opt_list list;
	int64_t number, size, duration, time;
	int word, count;
	struct kq_range range;
} config;

static const char *const WORDS[] = { "none", "gzip", "zstd", NULL };

static int run(void *c)
{
	(void)c;
	return 0;
}

#define AT(m) offsetof(struct config, m)
static const struct kq_opt OPTIONS[] = {
	KQ_OPT('f', "flag", NULL, NULL, "a flag", FLAG, AT(flag)),
	KQ_OPT('s', "string", "STR", NULL, "a string", STRING, AT(string), .verbs = "one"),
	KQ_OPT('l', "list", "STR", NULL, "a list", LIST, AT(list)),
	KQ_OPT('n', "number", "N", "3", "a number", INT, AT(number), .min = 1, .max = 100),
	KQ_OPT('S', "size", "SIZE", "1m", "a size", SIZE, AT(size)),
	KQ_OPT('d', "duration", "TIME", "5s", "a duration", DURATION, AT(duration)),
	KQ_OPT('t', "time", "TIME", NULL, "a time", TIME, AT(time)),
	KQ_OPT('w', "word", "WORD", "none", "a word", ENUM, AT(word), .choices = WORDS),
	KQ_OPT('c', "count", NULL, NULL, "a count", COUNT, AT(count)),
	KQ_OPT('o', "offset", "RANGE", NULL, "a range", CALL, AT(range), .call = kq_range_option),
	{ 0 },
};
static const struct kq_verb VERBS[] = { { "one", "[X]", "does one", run, 0, 1, NULL }, { "two", NULL, "does two", run, 0, -1, NULL }, { 0 } };
static struct kq_program program = { .name = "fuzz", .summary = "Does nothing.", .options = OPTIONS,
				     .common = KQ_COMMON_CLIENT, .most = -1, .examples = "  fuzz\n" };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	/* The fuzzer itself has its own hold of stderr by now. */
	stdout = stderr = fopen("/dev/null", "w");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *argv[66] = { (char *)(uintptr_t)"fuzz" };
	int argc = 1;
	if (size == 0)
		return 0;
	program.verbs = data[0] & 1 ? VERBS : NULL;
	char *text = malloc(size);
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	for (char *p = text, *end = text + size; p < end && argc < 64; p += strlen(p) + 1)
		argv[argc++] = p;
	memset(&config, 0, sizeof config);
	if (kq_options_parse(&program, &config, argc, argv) < 0) {
		if (config.number < 1 || config.number > 100 || config.word < 0 || config.word > 2 ||
		    config.common.operand_count > argc || (program.verbs && !config.common.verb))
			abort();
		for (int i = 0; i < config.common.operand_count; i++)
			if (!config.common.operands[i])
				abort();
	}
	kq_options_release();
	free(text);
	return 0;
}
