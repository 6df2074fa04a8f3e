/* What a program says about itself: errors, remarks, exit status.
 *
 * Everything goes to stderr, one line each, as `kq-x: text`. Errors read `cannot
 * do this: reason; what to do`. */
#ifndef KQ_CMD_REPORT_H
#define KQ_CMD_REPORT_H

#include "kq/error.h"
#include "kq/types.h"

enum kq_exit {
	KQ_EXIT_DONE = 0,
	KQ_EXIT_FAILED = 1,    /* something failed or was not delivered */
	KQ_EXIT_USAGE = 2,     /* wrong usage */
	KQ_EXIT_NO_BROKER = 3, /* no broker reachable */
};

/* Names the program, ignores SIGPIPE (a closed pipe comes back as an error) and
 * leads the library's log lines to stderr: errors with quiet, warnings by default,
 * with verbose 1 info and 2 debug. Called by kq_options_parse. */
void kq_report_init(const char *program, bool quiet, int verbose);

/* An error. */
void kq_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* "cannot <what>: <words of e or of its code>"; returns the exit status that fits:
 * 3 for KQ_ECONN, else 1. */
int kq_report_error(const struct kq_error *e, const char *what, ...)
	__attribute__((format(printf, 2, 3)));

/* A usage error; adds where help is. Returns KQ_EXIT_USAGE. */
int kq_report_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* A remark: silent with -q. And one that needs -v. */
void kq_remark(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void kq_remark_verbose(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Asks yes or no on the terminal; false without a terminal on stdin and stderr. */
bool kq_report_can_ask(void);
bool kq_report_ask(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Ends as a program does whose reader went away: by SIGPIPE, without a word. */
void kq_report_die_of_pipe(void) __attribute__((noreturn));

/* The exit status that stands for having been stopped by this signal. */
int kq_report_signal_status(int signal);

#endif
