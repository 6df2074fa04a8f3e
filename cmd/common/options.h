/* Options as data: one table a program, from which parsing, --help, shell
 * completions and usage errors are made, so that they cannot disagree.
 *
 * A program's configuration is a struct whose first member is struct kq_common;
 * table rows name members by their offset. A program reads:
 *
 *	static struct config { struct kq_common common; bool records; } config;
 *	static const struct kq_opt OPTIONS[] = {
 *		KQ_OPT('r', "records", NULL, NULL, "print records too", FLAG,
 *		       offsetof(struct config, records)),
 *		{ 0 },
 *	};
 *	int status = kq_options_parse(&PROGRAM, &config, argc, argv);
 *	if (status >= 0)
 *		return status;
 */
#ifndef KQ_CMD_OPTIONS_H
#define KQ_CMD_OPTIONS_H

#include <stdio.h>

#include "kq/error.h"
#include "kq/types.h"

enum kq_opt_type {          /* member that it fills */
	KQ_OPT_END,
	KQ_OPT_GROUP,       /* none: a heading in --help (its text stands in help) */
	KQ_OPT_FLAG,        /* bool, set to true */
	KQ_OPT_COUNT,       /* int, one more each time */
	KQ_OPT_STRING,      /* const char *; the last one given wins */
	KQ_OPT_LIST,        /* struct kq_opt_list; every one given */
	KQ_OPT_INT,         /* int64_t within min and max, where max > min */
	KQ_OPT_SIZE,        /* int64_t bytes, likewise */
	KQ_OPT_DURATION,    /* int64_t ms, likewise */
	KQ_OPT_TIME,        /* int64_t ms since 1970 */
	KQ_OPT_ENUM,        /* int, index into choices */
	KQ_OPT_CALL,        /* none: call() does what it likes */
};

struct kq_opt;
/* config is the program's struct. On failure returns KQ_EINVAL and says in *e what is
 * wrong with the value ("not a range of offsets"). */
typedef int kq_opt_call(const struct kq_opt *o, const char *value, void *config, struct kq_error *e);

struct kq_opt {
	char letter;          /* 'b' for -b; 0 none */
	const char *name;     /* "brokers" for --brokers; NULL none */
	const char *arg;      /* "HOST:PORT"; NULL: takes none. FILE and DIR complete as such */
	const char *fallback; /* the value if it is not given, as text; NULL: zero of its type */
	const char *help;     /* one sentence without capital and stop */
	enum kq_opt_type type;
	size_t at;            /* offsetof the member */
	const char *const *choices; /* KQ_OPT_ENUM: NULL-ended words */
	int64_t min, max;
	kq_opt_call *call;    /* KQ_OPT_CALL */
	const char *verbs;    /* "create alter": only with these verbs; NULL all */
	const char *env;      /* environment variable that comes before the fallback */
};

/* A row; behind the offset further members by name: .min = 1, .max = 9. The type is
 * given without its prefix. */
#define KQ_OPT(letter_, name_, arg_, fallback_, help_, type_, at_, ...) \
	{ .letter = (letter_), .name = (name_), .arg = (arg_), .fallback = (fallback_), \
	  .help = (help_), .type = KQ_OPT_##type_, .at = (at_), __VA_ARGS__ }
#define KQ_OPT_HEADING(text) { .type = KQ_OPT_GROUP, .help = (text) }

struct kq_opt_list {
	const char **v;
	int n;
};

struct kq_verb {
	const char *name;     /* "list" */
	const char *operands; /* "[REGEX]" as in help */
	const char *help;     /* one sentence */
	int (*run)(void *config); /* the exit status */
	int least, most;      /* operands after the verb; most -1: any number */
	const char *examples; /* lines; NULL: the program's */
};

/* Which of the options of all programs this one has besides -q, -v, --help,
 * --version and --completions. */
enum { KQ_COMMON_BROKERS = 1, KQ_COMMON_CONFIG = 2, KQ_COMMON_CLIENT = 3 };

struct kq_program {
	const char *name;              /* "kq-topics" */
	const char *operands;          /* "TOPIC [FILE]..." as in the usage line */
	const char *summary;           /* a sentence or two, wrapped by hand */
	const struct kq_opt *options;  /* ended by { 0 } */
	const struct kq_verb *verbs;   /* ended by { 0 }; NULL none */
	unsigned common;
	int least, most;               /* operands; most -1: any number; not looked at with verbs */
	bool files;                    /* operands complete as files */
	const char *examples;          /* lines that work as they stand */
};

struct kq_common {
	const char *brokers;      /* -b */
	const char *config;       /* --config FILE; NULL none */
	struct kq_opt_list set;   /* -X KEY=VALUE */
	bool quiet;
	int verbose;              /* how often -v was given */
	const struct kq_verb *verb;
	char **operands;          /* after the verb; NULL-ended */
	int operand_count;
};

/* Fills *config, which comes zeroed, with defaults, environment and arguments, and
 * sets up reports by -q and -v. Returns -1 to go on, else the exit status: 0 after --help, --version or
 * --completions (printed to stdout), 2 after a usage error (told on stderr).
 * argv is reordered: operands point into it. */
int kq_options_parse(const struct kq_program *p, void *config, int argc, char **argv);

/* Calls set() for each -X KEY=VALUE in order. Stops at the first failure and
 * returns its code with *e set. */
typedef int kq_set_fn(void *arg, const char *key, const char *value, const char *origin,
		      struct kq_error *e);
int kq_options_apply(const struct kq_common *c, kq_set_fn *set, void *arg, struct kq_error *e);

/* Frees the memory of lists (for tests; a program's end does it too). */
void kq_options_release(void);

/* options_help.c; verb NULL: the whole program. */
void kq_options_help(const struct kq_program *p, const struct kq_verb *verb, FILE *to);
/* shell: "bash", "zsh", "fish"; false for another. */
bool kq_options_completions(const struct kq_program *p, const char *shell, FILE *to);
/* The i-th row of common and own options together, or NULL past the end: own rows
 * first. Rows of KQ_OPT_GROUP come too. */
const struct kq_opt *kq_options_row(const struct kq_program *p, int i);

#endif
