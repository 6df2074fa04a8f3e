#include "base/log.h"

#include <pthread.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

enum kq_log_level kq_log_threshold = KQ_LOG_NONE;

static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static kq_log_sink_fn *sink_fn;
static void *sink_arg;

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void kq_log_set_sink(kq_log_sink_fn *sink, void *arg, enum kq_log_level threshold)
{
	pthread_mutex_lock(&sink_lock);
	sink_fn = sink;
	sink_arg = arg;
	pthread_mutex_unlock(&sink_lock);
	kq_log_set_level(sink ? threshold : KQ_LOG_NONE);
}

void kq_log_set_level(enum kq_log_level threshold)
{
	__atomic_store_n(&kq_log_threshold, threshold, __ATOMIC_RELAXED);
}

const char *kq_log_level_name(enum kq_log_level level)
{
	return level < 0 ? "none" : level_names[level];
}

int kq_log_level_parse(const char *name)
{
	for (int i = 0; i < 4; i++)
		if (!strcmp(name, level_names[i]))
			return i;
	return -2;
}

void kq_log_write(enum kq_log_level level, const char *area, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	/* One line an event: what a peer sent must not start a line of its own. */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	pthread_mutex_lock(&sink_lock);
	if (sink_fn)
		sink_fn(sink_arg, level, area, text);
	pthread_mutex_unlock(&sink_lock);
}
