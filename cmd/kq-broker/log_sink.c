#include "log_sink.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/time.h>
#include <unistd.h>

#include "kq/units.h"

/* dup2 puts another file under this number, so that no line is lost in between. */
static int sink_fd = STDERR_FILENO;

/* One write a line. */
static void write_line(void *arg, enum kq_log_level level, const char *area, const char *text)
{
	static const char *const NAMES[] = { "ERROR", "WARN", "INFO", "DEBUG" };
	char line[1200], when[KQ_ISO_MAX];
	struct timeval now;
	(void)arg;
	gettimeofday(&now, NULL);
	kq_time_iso((int64_t)now.tv_sec * 1000 + now.tv_usec / 1000, when);
	int n = snprintf(line, sizeof line, "%s %s %s: %s\n", when, NAMES[level], area, text);
	if (n >= (int)sizeof line) {
		n = sizeof line - 1;
		line[n - 1] = '\n';
	}
	if (write(sink_fd, line, (size_t)n) < 0) {
		/* a full disk must not stop the broker */
	}
}

void log_sink_init(enum kq_log_level threshold)
{
	kq_log_set_sink(write_line, NULL, threshold);
}

int log_sink_open(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	if (sink_fd == STDERR_FILENO) {
		sink_fd = fd;
		return 0;
	}
	int rc = dup3(fd, sink_fd, O_CLOEXEC);
	close(fd);
	return rc < 0 ? -1 : 0;
}
