/* Logging to a sink: one line an event, with a level. The library never prints
 * by itself; the program installs a sink (kq-broker: stderr or a file).
 * Thread-safe: the sink may be called from any thread, one at a time. */
#ifndef KQ_BASE_LOG_H
#define KQ_BASE_LOG_H

#include "kq/log.h"

extern enum kq_log_level kq_log_threshold;

void kq_log_write(enum kq_log_level level, const char *area, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* area is a short constant word: "log", "net", "broker". The arguments are not
 * evaluated when the level is switched off. */
#define kq_log_at(level, area, ...) \
	do { \
		if ((level) <= kq_log_threshold) \
			kq_log_write((level), (area), __VA_ARGS__); \
	} while (0)
#define kq_error_log(area, ...) kq_log_at(KQ_LOG_ERROR, area, __VA_ARGS__)
#define kq_warn_log(area, ...) kq_log_at(KQ_LOG_WARN, area, __VA_ARGS__)
#define kq_info_log(area, ...) kq_log_at(KQ_LOG_INFO, area, __VA_ARGS__)
#define kq_debug_log(area, ...) kq_log_at(KQ_LOG_DEBUG, area, __VA_ARGS__)

#endif
