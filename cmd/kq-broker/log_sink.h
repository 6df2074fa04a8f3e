/* Where kq-broker's log lines go: stderr, or a file that can be reopened. */
#ifndef KQ_BROKER_LOG_SINK_H
#define KQ_BROKER_LOG_SINK_H

#include "kq/log.h"

/* Leads the library's log lines to stderr, with time and level. */
void log_sink_init(enum kq_log_level threshold);

/* From now on to this file, opened for appending. 0, or -1 with errno set (the lines
 * go where they went). The same path again reopens it, after a rotation. */
int log_sink_open(const char *path);

#endif
