/* Parsing: getopt_long's habits (operands anywhere, `--`, `--opt=val`, `-oVAL`,
 * `-o VAL`, flags in a bundle), but no abbreviated long names: a script that uses
 * one breaks when the next option is added. Instead the nearest name is told. */
#include "options.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kq/text.h"
#include "kq/units.h"
#include "report.h"

static const char *const SHELLS[] = { "bash", "zsh", "fish", NULL };

enum { HELP_ROW = 2, VERSION_ROW = 3, COMPLETIONS_ROW = 4 };

#define MEMBER(m) offsetof(struct kq_common, m)
static const struct kq_opt GENERAL = KQ_OPT_HEADING("General");
static const struct kq_opt BROKERS =
	KQ_OPT('b', "brokers", "HOST:PORT,...", "localhost:9092", "where to find the cluster",
	       STRING, MEMBER(brokers), .env = "KQ_BROKERS");
static const struct kq_opt CONFIG[] = {
	KQ_OPT('X', NULL, "KEY=VALUE", NULL, "set a configuration key by Kafka's name; repeatable",
	       LIST, MEMBER(set)),
	KQ_OPT(0, "config", "FILE", NULL, "read such keys from a properties file",
	       STRING, MEMBER(config), .env = "KQ_CONFIG"),
};
static const struct kq_opt ALWAYS[] = {
	KQ_OPT('q', "quiet", NULL, NULL, "say only what went wrong", FLAG, MEMBER(quiet)),
	KQ_OPT('v', "verbose", NULL, NULL, "say more; twice shows protocol requests", COUNT, MEMBER(verbose)),
	[HELP_ROW] = KQ_OPT(0, "help", NULL, NULL, "print this", CALL, 0),
	[VERSION_ROW] = KQ_OPT(0, "version", NULL, NULL, "print the version", CALL, 0),
	[COMPLETIONS_ROW] = KQ_OPT(0, "completions", "SHELL", NULL,
		"print a completion script for bash, zsh or fish", CALL, 0, .choices = SHELLS),
};

struct parse {
	const struct kq_program *program;
	char *config;
	int argc;
	char **argv;
	const struct kq_opt *used[256]; /* rows given, for the check against the verb */
	int used_count;
};

/* Arrays of lists, each large enough for all arguments. */
static struct keep {
	struct keep *next;
	const char *v[];
} *kept;

void kq_options_release(void)
{
	for (struct keep *k = kept, *next; k; k = next) {
		next = k->next;
		free(k);
	}
	kept = NULL;
}

const struct kq_opt *kq_options_row(const struct kq_program *p, int i)
{
	for (const struct kq_opt *o = p->options; o && o->type != KQ_OPT_END; o++)
		if (i-- == 0)
			return o;
	if (i-- == 0)
		return &GENERAL;
	if (p->common & KQ_COMMON_BROKERS && i-- == 0)
		return &BROKERS;
	if (p->common & KQ_COMMON_CONFIG) {
		if (i < 2)
			return &CONFIG[i];
		i -= 2;
	}
	return i < (int)(sizeof ALWAYS / sizeof *ALWAYS) ? &ALWAYS[i] : NULL;
}

static void list_add(struct kq_opt_list *list, const char *value, int room)
{
	if (!list->v) {
		struct keep *k = calloc(1, sizeof *k + (size_t)(room + 2) * sizeof *k->v);
		if (!k)
			abort();
		k->next = kept;
		kept = k;
		list->v = k->v;
	}
	list->v[list->n++] = value;
}

static int choice(const struct kq_opt *o, const char *value, struct kq_error *e)
{
	struct kq_nearest near;
	kq_nearest_init(&near, value);
	for (int i = 0; o->choices[i]; i++) {
		if (strcmp(o->choices[i], value) == 0)
			return i;
		kq_nearest_offer(&near, o->choices[i]);
	}
	if (near.best)
		return kq_error_set(e, KQ_EINVAL, "did you mean '%s'?", near.best);
	char all[256] = "";
	for (int i = 0; o->choices[i]; i++) {
		if (i)
			strncat(all, ", ", sizeof all - strlen(all) - 1);
		strncat(all, o->choices[i], sizeof all - strlen(all) - 1);
	}
	return kq_error_set(e, KQ_EINVAL, "it is one of %s", all);
}

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int quantity(const struct kq_opt *o, const char *value, int64_t *to, struct kq_error *e)
{
	int64_t v = 0;
	int rc;
	const char *form;
	switch (o->type) {
	case KQ_OPT_SIZE:
		rc = kq_size_parse(value, &v);
		form = "a size like 512, 64k, 1m or 1g";
		break;
	case KQ_OPT_DURATION:
		rc = kq_duration_parse(value, &v);
		form = "a time like 250ms, 10s, 5m or 7d";
		break;
	case KQ_OPT_TIME:
		rc = kq_time_parse(value, now_ms(), &v);
		form = "a point in time like 2026-11-21T10:00:00Z, -1h or ms since 1970";
		break;
	default:
		rc = kq_int_parse(value, &v);
		form = "a whole number";
	}
	if (rc != 0)
		return kq_error_set(e, KQ_EINVAL, "expected %s", form);
	if (o->max > o->min && (v < o->min || v > o->max))
		return kq_error_set(e, KQ_EINVAL, "it lies outside %lld to %lld", (long long)o->min,
				    (long long)o->max);
	*to = v;
	return 0;
}

/* Puts value where the row says. */
static int store(struct parse *p, const struct kq_opt *o, const char *value, struct kq_error *e)
{
	void *at = p->config + o->at;
	int rc;
	switch (o->type) {
	case KQ_OPT_FLAG:
		*(bool *)at = true;
		return 0;
	case KQ_OPT_COUNT:
		++*(int *)at;
		return 0;
	case KQ_OPT_STRING:
		*(const char **)at = value;
		return 0;
	case KQ_OPT_LIST:
		list_add(at, value, p->argc);
		return 0;
	case KQ_OPT_ENUM:
		rc = choice(o, value, e);
		if (rc >= 0)
			*(int *)at = rc;
		return rc < 0 ? rc : 0;
	case KQ_OPT_INT:
	case KQ_OPT_SIZE:
	case KQ_OPT_DURATION:
	case KQ_OPT_TIME:
		return quantity(o, value, at, e);
	case KQ_OPT_CALL:
		return o->call(o, value, p->config, e);
	case KQ_OPT_END:
	case KQ_OPT_GROUP:
		break;
	}
	return 0;
}

static int set_defaults(struct parse *p)
{
	const struct kq_opt *o;
	struct kq_error e = { 0 };
	for (int i = 0; (o = kq_options_row(p->program, i)); i++) {
		const char *from_env = o->env ? getenv(o->env) : NULL;
		if (from_env && !*from_env)
			from_env = NULL;
		const char *value = from_env ? from_env : o->fallback;
		if (!value || store(p, o, value, &e) == 0)
			continue;
		assert(from_env); /* a fallback in a table is a value that fits */
		return kq_report_usage("wrong value '%s' in the environment variable %s: %s", value,
				       o->env, e.text);
	}
	return -1;
}

/* Options that print something and end the program. -1: not one of them. */
static int print_and_end(struct parse *p, const struct kq_opt *o, const char *value)
{
	const struct kq_common *c = (const struct kq_common *)p->config;
	if (o == &ALWAYS[HELP_ROW])
		kq_options_help(p->program, c->verb, stdout);
	else if (o == &ALWAYS[VERSION_ROW])
		printf("%s %s\n", p->program->name, KQ_VERSION);
	else if (o != &ALWAYS[COMPLETIONS_ROW])
		return -1;
	else if (!kq_options_completions(p->program, value, stdout))
		return kq_report_usage("no completions for '%s'; there are some for bash, zsh and fish", value);
	if (fflush(stdout) != 0)
		return KQ_EXIT_FAILED;
	return KQ_EXIT_DONE;
}

/* shown: the option as it was written, for the message. */
static int take(struct parse *p, const struct kq_opt *o, const char *shown, const char *value)
{
	struct kq_error e = { 0 };
	int status = print_and_end(p, o, value);
	if (status >= 0)
		return status;
	if (p->used_count < (int)(sizeof p->used / sizeof *p->used))
		p->used[p->used_count++] = o;
	if (store(p, o, value, &e) != 0)
		return kq_report_usage("wrong value '%s' for %s: %s", value, shown, e.text);
	return -1;
}

static int unknown_long(struct parse *p, const char *name)
{
	const struct kq_opt *o;
	struct kq_nearest near;
	kq_nearest_init(&near, name);
	for (int i = 0; (o = kq_options_row(p->program, i)); i++)
		if (o->name)
			kq_nearest_offer(&near, o->name);
	if (near.best)
		return kq_report_usage("unknown option '--%s'; did you mean '--%s'?", name, near.best);
	return kq_report_usage("unknown option '--%s'", name);
}

/* `--name` or `--name=value`; *i moves on if the next argument is the value. */
static int take_long(struct parse *p, int *i)
{
	const char *arg = p->argv[*i] + 2, *eq = strchr(arg, '='), *value = NULL;
	const struct kq_opt *o;
	char name[64], shown[sizeof name + 2];
	size_t n = eq ? (size_t)(eq - arg) : strlen(arg);
	if (n >= sizeof name)
		return kq_report_usage("unknown option '--%.40s...'", arg);
	memcpy(name, arg, n);
	name[n] = '\0';
	snprintf(shown, sizeof shown, "--%s", name);
	for (int k = 0; (o = kq_options_row(p->program, k)); k++)
		if (o->name && o->type != KQ_OPT_GROUP && strcmp(o->name, name) == 0)
			break;
	if (!o)
		return unknown_long(p, name);
	if (eq && !o->arg)
		return kq_report_usage("option '%s' takes no value", shown);
	if (eq)
		value = eq + 1;
	else if (o->arg && *i + 1 < p->argc)
		value = p->argv[++*i];
	else if (o->arg)
		return kq_report_usage("option '%s' needs a value: %s", shown, o->arg);
	return take(p, o, shown, value);
}

/* `-abc`, `-oVALUE` or `-o VALUE`. */
static int take_short(struct parse *p, int *i)
{
	const struct kq_opt *o;
	for (const char *c = p->argv[*i] + 1; *c; c++) {
		char shown[] = { '-', *c, '\0' };
		const char *value = NULL;
		for (int k = 0; (o = kq_options_row(p->program, k)); k++)
			if (o->letter == *c)
				break;
		if (!o)
			return kq_report_usage("unknown option '%s'", shown);
		if (o->arg && c[1])
			value = c + 1;
		else if (o->arg && *i + 1 < p->argc)
			value = p->argv[++*i];
		else if (o->arg)
			return kq_report_usage("option '%s' needs a value: %s", shown, o->arg);
		int status = take(p, o, shown, value);
		if (status >= 0 || value)
			return status;
	}
	return -1;
}

static int find_verb(const struct kq_program *p, const char *name, const struct kq_verb **verb)
{
	struct kq_nearest near;
	kq_nearest_init(&near, name);
	for (const struct kq_verb *v = p->verbs; v->name; v++) {
		kq_nearest_offer(&near, v->name);
		if (strcmp(v->name, name) == 0) {
			*verb = v;
			return -1;
		}
	}
	if (near.best)
		return kq_report_usage("unknown verb '%s'; did you mean '%s'?", name, near.best);
	return kq_report_usage("unknown verb '%s'", name);
}

/* Whether word is one of the words in list. */
static bool has_word(const char *list, const char *word)
{
	size_t n = strlen(word);
	for (const char *at = list; (at = strstr(at, word)); at += n)
		if ((at == list || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return true;
	return false;
}

static int check_whole(struct parse *p, struct kq_common *c)
{
	int least = p->program->least, most = p->program->most;
	const char *operands = p->program->operands, *space = "", *verb = "";
	if (p->program->verbs) {
		if (!c->verb)
			return kq_report_usage("say what to do");
		for (int i = 0; i < p->used_count; i++) {
			const struct kq_opt *o = p->used[i];
			if (o->verbs && !has_word(o->verbs, c->verb->name))
				return kq_report_usage("option '%s%s' does not go with '%s'", o->name ? "--" : "-",
						       o->name ? o->name : (char[]){ o->letter, 0 }, c->verb->name);
		}
		least = c->verb->least;
		most = c->verb->most;
		operands = c->verb->operands;
		space = " ";
		verb = c->verb->name;
	}
	if (c->operand_count < least)
		return kq_report_usage("something is missing: %s%s%s %s", p->program->name, space, verb, operands);
	if (most >= 0 && c->operand_count > most)
		return kq_report_usage("one too many: '%s'; it goes %s%s%s %s", c->operands[most],
				       p->program->name, space, verb, operands ? operands : "[OPTION]...");
	return -1;
}

/* Walks argv, gathering operands at its front. */
static int take_all(struct parse *p, struct kq_common *c)
{
	int kept_count = 1;
	bool only_operands = false;
	c->operands = p->argv + 1;
	for (int i = 1; i < p->argc; i++) {
		char *arg = p->argv[i];
		int status = -1;
		if (!only_operands && strcmp(arg, "--") == 0)
			only_operands = true;
		else if (!only_operands && arg[0] == '-' && arg[1] == '-')
			status = take_long(p, &i);
		else if (!only_operands && arg[0] == '-' && arg[1])
			status = take_short(p, &i);
		else if (p->program->verbs && !c->verb)
			status = find_verb(p->program, arg, &c->verb);
		else
			p->argv[kept_count++] = arg;
		if (status >= 0)
			return status;
	}
	c->operand_count = kept_count - 1;
	if (p->argc > 0)
		p->argv[kept_count] = NULL;
	return -1;
}

static int check_sets(const struct kq_common *c)
{
	for (int i = 0; i < c->set.n; i++) {
		const char *eq = strchr(c->set.v[i], '=');
		if (!eq || eq == c->set.v[i])
			return kq_report_usage("wrong value '%s' for -X: expected KEY=VALUE", c->set.v[i]);
	}
	return -1;
}

int kq_options_parse(const struct kq_program *program, void *config, int argc, char **argv)
{
	struct kq_common *c = config;
	struct parse p = { .program = program, .config = config, .argc = argc, .argv = argv };
	kq_report_init(program->name, false, 0);
	int status = set_defaults(&p);
	if (status < 0)
		status = take_all(&p, c);
	if (status < 0)
		status = check_whole(&p, c);
	if (status < 0)
		status = check_sets(c);
	if (status < 0)
		kq_report_init(program->name, c->quiet, c->verbose);
	return status;
}

int kq_options_apply(const struct kq_common *c, kq_set_fn *set, void *arg, struct kq_error *e)
{
	for (int i = 0; i < c->set.n; i++) {
		char key[256];
		const char *pair = c->set.v[i], *eq = strchr(pair, '=');
		size_t n = (size_t)(eq - pair);
		if (n >= sizeof key)
			return kq_error_set(e, KQ_EINVAL, "unknown key '%.40s...'", pair);
		memcpy(key, pair, n);
		key[n] = '\0';
		int rc = set(arg, key, eq + 1, "command line", e);
		if (rc != 0)
			return rc;
	}
	return 0;
}
