/* Bytes as the files of a segment: offset index, time index, .log. Opened as after a
 * clean stop and as after a kill, read at offsets and times, closed, opened again:
 * whatever lies there is refused or served, and what was recovered once stays. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/reader.h"
#include "log/log_internal.h"
#include "log/log_manager.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static char dir[64];

static void clear_dir(void)
{
	DIR *d = opendir(dir);
	if (!d)
		abort();
	for (struct dirent *e; (e = readdir(d));) {
		char path[512];
		if (e->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
		unlink(path);
	}
	closedir(d);
}

static void remove_dir(void)
{
	clear_dir();
	rmdir(dir);
}

/* In memory where there is such a place: syncs would take most of the time. */
static void make_dir(void)
{
	if (dir[0])
		return;
	snprintf(dir, sizeof dir, "%s/kq-fuzz-index-XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (!mkdtemp(dir))
		abort();
	atexit(remove_dir);
}

static void put_file(const char *name, const uint8_t *p, size_t n)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || write(fd, p, n) != (ssize_t)n)
		abort();
	close(fd);
}

/* A part of the input: an u8 length in entries, then the bytes. */
static const uint8_t *take(struct kq_reader *r, size_t unit, size_t *n)
{
	*n = (size_t)(uint8_t)kq_read_i8(r) * unit / 4;
	if (*n > kq_reader_left(r))
		*n = kq_reader_left(r);
	return kq_reader_take(r, *n);
}

static void use(struct kq_log *log, bool cut)
{
	struct kq_log_slice s;
	int64_t start = kq_log_start_offset(log), end = kq_log_end_offset(log), offset, t;
	int32_t epoch;
	for (int64_t i = 0; i < 8; i++) {
		int64_t at = start + (end - start) * i / 8;
		if (kq_log_read(log, at, end - i, 1000, i & 1, &s) == 0)
			kq_log_slice_release(&s);
		if (kq_log_find_time(log, at, end, &offset, &t, &epoch) == 0 && offset >= end)
			abort();
	}
	kq_log_find_max_time(log, end, &offset, &t, &epoch);
	kq_log_find_max_time(log, end / 2, &offset, &t, &epoch);
	if (end > start && cut)
		kq_log_truncate(log, start + (end - start) / 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct kq_reader r;
	struct kq_log_config c;
	struct kq_error e;
	size_t size;
	make_dir();
	clear_dir();
	kq_reader_init(&r, p, n);
	uint8_t flags = (uint8_t)kq_read_i8(&r);
	const uint8_t *part = take(&r, 8, &size);
	put_file("00000000000000000000.index", part, size);
	part = take(&r, 12, &size);
	put_file("00000000000000000000.timeindex", part, size);
	put_file("00000000000000000000.log", r.p, kq_reader_left(&r));
	kq_log_config_init(&c);
	c.segment_index_bytes = 256;
	c.index_interval_bytes = flags & 2 ? 64 : 4096;
	struct kq_log_open_params params = {
		.dir = dir, .topic = "t", .config = &c, .clean = flags & 1,
		.recovery_point = flags & 4 ? flags >> 4 : 0,
	};
	struct kq_log *log;
	if (kq_log_open(&params, &log, &e))
		return 0;
	bool cut = flags & 8;
	use(log, cut);
	int64_t end = kq_log_end_offset(log);
	if (kq_log_close(log, true) == 0) {
		kq_log_unref(log);
		params.clean = true;
		params.recovery_point = 0;
		/* Damage that a clean start did not look at may be found now. */
		if (kq_log_open(&params, &log, &e))
			return 0;
		/* An end that was cut inside a hole is that of the last batch again. */
		int64_t again = kq_log_end_offset(log);
		if (!(flags & 1) && (cut ? again > end : again != end)) {
			fprintf(stderr, "end %lld, was %lld\n", (long long)again, (long long)end);
			abort();
		}
	}
	kq_log_close(log, false);
	kq_log_unref(log);
	return 0;
}
