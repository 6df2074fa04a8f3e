#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/report.h"
#include "kq/units.h"

enum {
	BLOCK_BYTES = 1 << 20,
	RECORD_BYTES_MAX = 256 << 20, /* a record longer than this is not even looked for the end of */
	PIPE_BYTES = 1 << 20,
	TALK_MS = 1000,
	TROUBLE_MS = 3000,
};

static int64_t mono_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void feed_init(struct feed *f, const struct config *c, struct fate *fate, struct kq_producer *p,
	       struct kq_producer_topic *t)
{
	*f = (struct feed){ .c = c, .fate = fate, .producer = p, .topic = t, .like = KQ_MESSAGE_INIT };
	f->like.partition = (int32_t)c->partition;
	f->like.timestamp = c->timestamp_ms;
	f->like.headers = (struct kq_bytes){ c->headers, c->headers_n };
	f->like.header_count = c->header_count;
	if (c->key && !(c->empty_as_null && !*c->key))
		f->like.key = (struct kq_bytes){ (const uint8_t *)c->key, (int32_t)strlen(c->key) };
	bool each = c->partition < 0 && (c->partitioner == KQ_PARTITION_RANDOM ||
					 c->partitioner == KQ_PARTITION_ROUND_ROBIN);
	f->whole_blocks = c->input == INPUT_LINES && !c->layout && !c->key_delim && !c->rate && !each;
	f->told_ms = mono_ms();
	f->cap = BLOCK_BYTES;
	f->buf = malloc(f->cap);
	kq_out_init(&f->scratch, -1);
	kq_out_init(&f->headers, -1);
}

void feed_deinit(struct feed *f)
{
	free(f->buf);
	kq_out_deinit(&f->scratch);
	kq_out_deinit(&f->headers);
}

const char *feed_place(const struct feed *f, uint64_t tag, char *buf, size_t n)
{
	const char *what = f->c->input == INPUT_FRAMES ? "frame" : "line";
	if (tag <= f->file_start)
		snprintf(buf, n, "record %llu", (unsigned long long)tag);
	else if (f->file && strcmp(f->file, "-"))
		snprintf(buf, n, "%s %s %llu", f->file, what, (unsigned long long)(tag - f->file_start));
	else
		snprintf(buf, n, "%s %llu", what, (unsigned long long)(tag - f->file_start));
	return buf;
}

/* ---- talk ------------------------------------------------------------------------------ */

static void progress(struct feed *f, bool last)
{
	struct kq_producer_stats s;
	char size[KQ_ISO_MAX];
	bool terminal = isatty(STDERR_FILENO);
	kq_producer_stats(f->producer, &s);
	fprintf(stderr, "%skq-produce: %llu records, %s, %llu acknowledged, %llu batches under way%s",
		terminal ? "\r\033[K" : "", (unsigned long long)s.records,
		kq_size_text((int64_t)s.bytes, size), (unsigned long long)s.delivered,
		(unsigned long long)s.in_flight, terminal && !last ? "" : "\n");
}

/* Says once why nothing moves, when that has lasted. */
static void mention_trouble(struct feed *f, int64_t now)
{
	struct kq_error e;
	if (!kq_producer_trouble(f->producer, &e))
		f->trouble_ms = 0;
	else if (!f->trouble_ms)
		f->trouble_ms = now;
	else if (!f->mentioned && now - f->trouble_ms >= TROUBLE_MS) {
		kq_remark("waiting: %s", e.text);
		f->mentioned = true;
	}
}

void feed_talk(struct feed *f, bool last)
{
	int64_t now = mono_ms();
	mention_trouble(f, now);
	if (f->c->progress && (last || now - f->told_ms >= TALK_MS)) {
		f->told_ms = now;
		progress(f, last);
	}
}

/* ---- reading ---------------------------------------------------------------------------- */

/* Waits for input no longer than until there is something to say. */
static void wait_readable(struct feed *f, int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	while (!signalled && !atomic_load(&f->fate->failed) && poll(&p, 1, TALK_MS) == 0)
		feed_talk(f, false);
}

/* Like read; 0 at the end or when something stops us. */
static ssize_t read_block(struct feed *f, int fd)
{
	for (;;) {
		if (f->c->progress || f->c->undelivered)
			wait_readable(f, fd);
		if (signalled || atomic_load(&f->fate->failed))
			return 0;
		ssize_t n = read(fd, f->buf + f->len, f->cap - f->len);
		if (n >= 0)
			return n;
		if (errno == EAGAIN)
			wait_readable(f, fd);
		else if (errno != EINTR)
			return -1;
	}
}

static void copy_out(struct feed *f, const char *p, size_t n)
{
	while (n && !f->tee_gone) {
		ssize_t put = write(STDOUT_FILENO, p, n);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0) {
			if (errno != EPIPE)
				kq_report("cannot write the copy to stdout: %s", strerror(errno));
			f->tee_gone = f->stop = true;
			return;
		}
		p += put;
		n -= (size_t)put;
	}
}

/* No record ends in a full buffer: a larger one, or the record can never be sent. */
static void make_room(struct feed *f)
{
	if (f->cap < RECORD_BYTES_MAX) {
		char *grown = realloc(f->buf, f->cap * 2);
		if (grown) {
			f->buf = grown;
			f->cap *= 2;
			return;
		}
	}
	feed_bad(f, f->buf, f->len, "it is longer than any record may be");
	f->len = 0;
	f->discarding = !f->stop;
}

/* Drops the rest of a line that was too long. */
static void discard(struct feed *f)
{
	const char *end = memmem(f->buf, f->len, f->c->delim_bytes, f->c->delim_n);
	size_t drop = end ? (size_t)(end - f->buf) + f->c->delim_n : f->len;
	f->discarding = !end;
	memmove(f->buf, f->buf + drop, f->len - drop);
	f->len -= drop;
}

static void take(struct feed *f, bool last)
{
	if (f->discarding)
		discard(f);
	size_t used = feed_records(f, f->buf, f->len, last);
	memmove(f->buf, f->buf + used, f->len - used);
	f->len -= used;
	if (f->len == f->cap && !f->stop)
		make_room(f);
}

bool feed_file(struct feed *f, int fd, const char *name)
{
	f->file = name;
	f->file_start = f->records;
	f->len = 0;
	fcntl(fd, F_SETPIPE_SZ, PIPE_BYTES); /* fewer, larger reads; only a pipe has it */
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	while (!f->stop) {
		ssize_t n = read_block(f, fd);
		if (n < 0) {
			kq_report("cannot read '%s': %s", name, strerror(errno));
			take(f, true);
			return false;
		}
		if (f->c->tee && n > 0)
			copy_out(f, f->buf + f->len, (size_t)n);
		f->len += (size_t)n;
		if (n == 0) {
			/* At the end, or stopped: what was read is still sent. */
			take(f, true);
			return true;
		}
		take(f, false);
		if (f->c->progress)
			feed_talk(f, false);
	}
	return true;
}

void feed_keep_rest(struct feed *f, int fd)
{
	uint64_t left = 0;
	if (!f->c->undelivered)
		return;
	for (;;) {
		for (const char *p = f->buf, *end = f->buf + f->len;
		     (p = memmem(p, (size_t)(end - p), f->c->delim_bytes, f->c->delim_n)); p += f->c->delim_n)
			left++;
		fate_keep(f->fate, f->buf, f->len, left);
		left = 0;
		f->len = 0;
		if (signalled || fd < 0)
			return;
		ssize_t n = read(fd, f->buf, f->cap);
		if (n <= 0 && errno == EINTR && n < 0)
			continue;
		if (n <= 0)
			return;
		f->len = (size_t)n;
	}
}
