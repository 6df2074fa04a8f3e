/* --help and shell completions, both printed from the option tables. */
#include "options.h"

#include <ctype.h>
#include <string.h>

enum { HELP_COLUMN = 30, HELP_WIDTH = 80 };

/* Whether a row belongs to what is shown: all of the program, or one verb. */
static bool shown(const struct kq_opt *o, const struct kq_verb *verb)
{
	if (!verb || !o->verbs)
		return true;
	size_t n = strlen(verb->name);
	for (const char *at = o->verbs; (at = strstr(at, verb->name)); at += n)
		if ((at == o->verbs || at[-1] == ' ') && (at[n] == ' ' || !at[n]))
			return true;
	return false;
}

/* text in words from column to the right edge; the first line has begun at column. */
static void wrap(const char *text, int column, FILE *to)
{
	int at = column;
	while (*text) {
		int n = (int)strcspn(text, " ");
		if (at > column && at + 1 + n > HELP_WIDTH) {
			fprintf(to, "\n%*s", column, "");
			at = column;
		} else if (at > column) {
			fputc(' ', to);
			at++;
		}
		fprintf(to, "%.*s", n, text);
		at += n;
		text += n + (text[n] == ' ');
	}
	fputc('\n', to);
}

/* left in its column, text beside it or on the next line. */
static void pair(const char *left, const char *text, FILE *to)
{
	int n = fprintf(to, "  %s", left);
	if (n + 2 > HELP_COLUMN)
		fprintf(to, "\n%*s", HELP_COLUMN, "");
	else
		fprintf(to, "%*s", HELP_COLUMN - n, "");
	wrap(text, HELP_COLUMN, to);
}

static void option_help(const struct kq_opt *o, bool name_verbs, FILE *to)
{
	char left[128], text[512];
	int n = o->letter ? snprintf(left, sizeof left, "-%c%s", o->letter, o->name ? ", " : "")
			  : snprintf(left, sizeof left, "    ");
	if (o->name)
		n += snprintf(left + n, sizeof left - (size_t)n, "--%s", o->name);
	if (o->arg)
		snprintf(left + n, sizeof left - (size_t)n, " %s", o->arg);
	n = snprintf(text, sizeof text, "%s", o->help);
	if (name_verbs && o->verbs) {
		n += snprintf(text + n, sizeof text - (size_t)n, " (");
		for (const char *v = o->verbs; *v; v++)
			n += snprintf(text + n, sizeof text - (size_t)n, *v == ' ' ? ", " : "%c", *v);
		n += snprintf(text + n, sizeof text - (size_t)n, ")");
	}
	if (o->env && o->fallback)
		snprintf(text + n, sizeof text - (size_t)n, " [$%s, else %s]", o->env, o->fallback);
	else if (o->env)
		snprintf(text + n, sizeof text - (size_t)n, " [$%s]", o->env);
	else if (o->fallback)
		snprintf(text + n, sizeof text - (size_t)n, " [%s]", o->fallback);
	pair(left, text, to);
}

static void verbs_help(const struct kq_program *p, FILE *to)
{
	char left[128];
	fputs("\nVerbs:\n", to);
	for (const struct kq_verb *v = p->verbs; v->name; v++) {
		snprintf(left, sizeof left, "%s %s", v->name, v->operands ? v->operands : "");
		pair(left, v->help, to);
	}
}

/* Each line indented, whether or not it came so. */
static void examples_help(const char *lines, FILE *to)
{
	if (lines)
		fputs("\nExamples:\n", to);
	for (size_t n; lines && *lines; lines += n + (lines[n] == '\n')) {
		lines += strspn(lines, " ");
		n = strcspn(lines, "\n");
		fprintf(to, "  %.*s\n", (int)n, lines);
	}
}

/* A verb's sentence as a sentence. */
static void verb_summary(const char *help, FILE *to)
{
	fprintf(to, "%c%s.\n", toupper((unsigned char)*help), help + 1);
}

void kq_options_help(const struct kq_program *p, const struct kq_verb *verb, FILE *to)
{
	const struct kq_opt *o;
	if (verb)
		fprintf(to, "Usage: %s %s [OPTION]...%s%s\n", p->name, verb->name,
			verb->operands ? " " : "", verb->operands ? verb->operands : "");
	else
		fprintf(to, "Usage: %s %s[OPTION]...%s%s\n", p->name, p->verbs ? "VERB " : "",
			p->operands ? " " : "", p->operands ? p->operands : "");
	if (verb)
		verb_summary(verb->help, to);
	else
		fprintf(to, "%s\n", p->summary);
	if (p->verbs && !verb)
		verbs_help(p, to);
	bool headed = false;
	for (int i = 0; (o = kq_options_row(p, i)); i++) {
		if (o->type == KQ_OPT_GROUP) {
			fprintf(to, "\n%s:\n", o->help);
			headed = true;
			continue;
		}
		if (!shown(o, verb))
			continue;
		if (!headed)
			fputs("\nOptions:\n", to);
		headed = true;
		option_help(o, !verb, to);
	}
	examples_help(verb && verb->examples ? verb->examples : p->examples, to);
}

static bool takes(const struct kq_opt *o, const char *what)
{
	return o->arg && strcmp(o->arg, what) == 0;
}

/* Every spelling of a row, with sep between: `-b|--brokers`. */
static void spellings(const struct kq_opt *o, const char *sep, FILE *to)
{
	if (o->letter)
		fprintf(to, "-%c", o->letter);
	if (o->letter && o->name)
		fputs(sep, to);
	if (o->name)
		fprintf(to, "--%s", o->name);
}

static void words(const char *const *v, FILE *to)
{
	for (int i = 0; v[i]; i++)
		fprintf(to, "%s%s", i ? " " : "", v[i]);
}

/* A shell function's name: kq_topics of kq-topics. */
static void function_name(const char *name, FILE *to)
{
	for (; *name; name++)
		fputc(*name == '-' ? '_' : *name, to);
}

static void bash_values(const struct kq_program *p, FILE *to)
{
	const struct kq_opt *o;
	for (int i = 0; (o = kq_options_row(p, i)); i++) {
		if (!o->arg)
			continue;
		fputs("\t", to);
		spellings(o, "|", to);
		fputs(") ", to);
		if (o->choices) {
			fputs("COMPREPLY=($(compgen -W '", to);
			words(o->choices, to);
			fputs("' -- \"$cur\")); ", to);
		} else if (takes(o, "FILE") || takes(o, "DIR")) {
			fprintf(to, "COMPREPLY=($(compgen -%c -- \"$cur\")); ", takes(o, "DIR") ? 'd' : 'f');
		}
		fputs("return ;;\n", to);
	}
}

static void bash(const struct kq_program *p, FILE *to)
{
	const struct kq_opt *o;
	fprintf(to, "# bash completion for %s; made by %s --completions bash\n_", p->name, p->name);
	function_name(p->name, to);
	fputs("()\n{\n\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
	      "\tCOMPREPLY=()\n\tcase $prev in\n", to);
	bash_values(p, to);
	fputs("\tesac\n\tif [[ $cur == -* ]]; then\n\t\tCOMPREPLY=($(compgen -W '", to);
	const char *space = "";
	for (int i = 0; (o = kq_options_row(p, i)); i++) {
		if (o->type == KQ_OPT_GROUP)
			continue;
		fputs(space, to);
		spellings(o, " ", to);
		space = " ";
	}
	fputs("' -- \"$cur\"))\n", to);
	if (p->verbs) {
		fputs("\telif ((COMP_CWORD == 1)); then\n\t\tCOMPREPLY=($(compgen -W '", to);
		for (const struct kq_verb *v = p->verbs; v->name; v++)
			fprintf(to, "%s%s", v == p->verbs ? "" : " ", v->name);
		fputs("' -- \"$cur\"))\n", to);
	}
	if (p->files)
		fputs("\telse\n\t\tCOMPREPLY=($(compgen -f -- \"$cur\"))\n", to);
	fputs("\tfi\n}\ncomplete -o filenames -F _", to);
	function_name(p->name, to);
	fprintf(to, " %s\n", p->name);
}

/* Help text inside single quotes and, for zsh, inside brackets. */
static void quoted(const char *text, bool zsh, FILE *to)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(zsh ? "'\\''" : "\\'", to);
		else if (zsh && strchr("[]:\\", *text))
			fprintf(to, "\\%c", *text);
		else if (!zsh && *text == '\\')
			fputs("\\\\", to);
		else
			fputc(*text, to);
	}
}

static void zsh_option(const struct kq_opt *o, FILE *to)
{
	fputs("\t\t'*'", to);
	if (o->letter && o->name)
		fprintf(to, "{-%c%s,--%s%s}", o->letter, o->arg ? "+" : "", o->name, o->arg ? "=" : "");
	else if (o->letter)
		fprintf(to, "-%c%s", o->letter, o->arg ? "+" : "");
	else
		fprintf(to, "--%s%s", o->name, o->arg ? "=" : "");
	fputs("'[", to);
	quoted(o->help, true, to);
	fputc(']', to);
	if (o->arg) {
		fputc(':', to);
		quoted(o->arg, true, to);
		fputc(':', to);
	}
	if (o->choices) {
		fputc('(', to);
		words(o->choices, to);
		fputc(')', to);
	} else if (takes(o, "FILE") || takes(o, "DIR")) {
		fputs(takes(o, "DIR") ? "_files -/" : "_files", to);
	}
	fputs("' \\\n", to);
}

static void zsh(const struct kq_program *p, FILE *to)
{
	const struct kq_opt *o;
	fprintf(to, "#compdef %s\n# zsh completion; made by %s --completions zsh\n_", p->name, p->name);
	function_name(p->name, to);
	fputs("()\n{\n\t_arguments -s -S \\\n", to);
	for (int i = 0; (o = kq_options_row(p, i)); i++)
		if (o->type != KQ_OPT_GROUP)
			zsh_option(o, to);
	if (p->verbs) {
		fputs("\t\t'1:verb:((", to);
		for (const struct kq_verb *v = p->verbs; v->name; v++) {
			fprintf(to, "%s%s\\:\"", v == p->verbs ? "" : " ", v->name);
			quoted(v->help, true, to);
			fputc('"', to);
		}
		fputs("))' \\\n", to);
	}
	fprintf(to, "\t\t'*:operand:%s'\n}\n_", p->files ? "_files" : "");
	function_name(p->name, to);
	fputs(" \"$@\"\n", to);
}

static void fish(const struct kq_program *p, FILE *to)
{
	const struct kq_opt *o;
	fprintf(to, "# fish completion for %s; made by %s --completions fish\n", p->name, p->name);
	if (!p->files)
		fprintf(to, "complete -c %s -f\n", p->name);
	for (const struct kq_verb *v = p->verbs; v && v->name; v++) {
		fprintf(to, "complete -c %s -n __fish_use_subcommand -a %s -d '", p->name, v->name);
		quoted(v->help, false, to);
		fputs("'\n", to);
	}
	for (int i = 0; (o = kq_options_row(p, i)); i++) {
		if (o->type == KQ_OPT_GROUP)
			continue;
		fprintf(to, "complete -c %s", p->name);
		if (o->letter)
			fprintf(to, " -s %c", o->letter);
		if (o->name)
			fprintf(to, " -l %s", o->name);
		if (o->choices) {
			fputs(" -x -a '", to);
			words(o->choices, to);
			fputc('\'', to);
		} else if (o->arg) {
			fputs(takes(o, "FILE") || takes(o, "DIR") ? " -r -F" : " -x", to);
		}
		fputs(" -d '", to);
		quoted(o->help, false, to);
		fputs("'\n", to);
	}
}

bool kq_options_completions(const struct kq_program *p, const char *shell, FILE *to)
{
	if (strcmp(shell, "bash") == 0)
		bash(p, to);
	else if (strcmp(shell, "zsh") == 0)
		zsh(p, to);
	else if (strcmp(shell, "fish") == 0)
		fish(p, to);
	else
		return false;
	return true;
}
