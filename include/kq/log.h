/* Where the library's log lines go. */
#ifndef KQ_LOG_H
#define KQ_LOG_H

enum kq_log_level { KQ_LOG_NONE = -1, KQ_LOG_ERROR, KQ_LOG_WARN, KQ_LOG_INFO, KQ_LOG_DEBUG };

/* One event: no newline in text. Called from any thread, one call at a time. */
typedef void kq_log_sink_fn(void *arg, enum kq_log_level level, const char *area,
			    const char *text);

/* Installs the sink (NULL: silence, the default) and the most talkative level
 * that reaches it. Call before threads are started. */
void kq_log_set_sink(kq_log_sink_fn *sink, void *arg, enum kq_log_level threshold);

/* Changes the level alone; any thread. */
void kq_log_set_level(enum kq_log_level threshold);

/* "error", "warn", "info", "debug"; the word for a level, or -2 if no level has
 * that name. */
const char *kq_log_level_name(enum kq_log_level level);
int kq_log_level_parse(const char *name);

#endif
