#include "report.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kq/log.h"

static const char *program_name = "kq";
static bool is_quiet;
static int verbosity;

/* One write a line, so that lines of several programs do not mix. */
static void say(const char *fmt, va_list ap, const char *tail)
	__attribute__((format(printf, 1, 0)));

static void say(const char *fmt, va_list ap, const char *tail)
{
	char line[2048];
	int n = snprintf(line, sizeof line, "%s: ", program_name);
	n += vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
	if (n > (int)sizeof line - 1)
		n = (int)sizeof line - 1;
	n += snprintf(line + n, sizeof line - (size_t)n, "%s", tail);
	if (n > (int)sizeof line - 2)
		n = (int)sizeof line - 2;
	line[n++] = '\n';
	fwrite(line, 1, (size_t)n, stderr);
}

static void log_line(void *arg, enum kq_log_level level, const char *area, const char *text)
{
	(void)arg;
	if (level >= KQ_LOG_INFO)
		fprintf(stderr, "%s: %s: %s\n", program_name, area, text);
	else
		fprintf(stderr, "%s: %s\n", program_name, text);
}

void kq_report_init(const char *program, bool quiet, int verbose)
{
	program_name = program;
	is_quiet = quiet;
	verbosity = verbose;
	signal(SIGPIPE, SIG_IGN);
	kq_log_set_sink(log_line, NULL, verbose > 1 ? KQ_LOG_DEBUG : verbose ? KQ_LOG_INFO :
			quiet ? KQ_LOG_ERROR : KQ_LOG_WARN);
}

void kq_report(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, "");
	va_end(ap);
}

int kq_report_error(const struct kq_error *e, const char *what, ...)
{
	char text[512];
	va_list ap;
	va_start(ap, what);
	vsnprintf(text, sizeof text, what, ap);
	va_end(ap);
	kq_report("cannot %s: %s", text, e->text[0] ? e->text : kq_strerror(e->code));
	return e->code == KQ_ECONN ? KQ_EXIT_NO_BROKER : KQ_EXIT_FAILED;
}

int kq_report_usage(const char *fmt, ...)
{
	char tail[128];
	snprintf(tail, sizeof tail, " (%s --help tells more)", program_name);
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, tail);
	va_end(ap);
	return KQ_EXIT_USAGE;
}

void kq_remark(const char *fmt, ...)
{
	if (is_quiet)
		return;
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, "");
	va_end(ap);
}

void kq_remark_verbose(const char *fmt, ...)
{
	if (!verbosity)
		return;
	va_list ap;
	va_start(ap, fmt);
	say(fmt, ap, "");
	va_end(ap);
}

bool kq_report_can_ask(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

bool kq_report_ask(const char *fmt, ...)
{
	char answer[16];
	va_list ap;
	if (!kq_report_can_ask())
		return false;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputs(" [y/N] ", stderr);
	return fgets(answer, sizeof answer, stdin) && (answer[0] == 'y' || answer[0] == 'Y');
}

void kq_report_die_of_pipe(void)
{
	signal(SIGPIPE, SIG_DFL);
	raise(SIGPIPE);
	_exit(128 + SIGPIPE);
}

int kq_report_signal_status(int sig)
{
	return 128 + sig;
}
