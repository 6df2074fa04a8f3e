/* A partition's log in a directory of its own, for tests. */
#ifndef TEST_LOG_ENV_H
#define TEST_LOG_ENV_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "log/log_internal.h"
#include "log/log_manager.h"
#include "record/builder.h"

struct env {
	char root[64], dir[96];
	struct kq_log_config config;
	struct kq_log_open_params params;
	struct kq_log *log;
	struct kq_builder builder;
	struct kq_error error;
};

static inline void env_init(struct env *v)
{
	memset(v, 0, sizeof *v);
	const char *tmp = getenv("TMPDIR");
	assert_true(snprintf(v->root, sizeof v->root, "%s/kq-test-log-XXXXXX",
			     tmp ? tmp : "/tmp") < (int)sizeof v->root);
	assert_non_null(mkdtemp(v->root));
	snprintf(v->dir, sizeof v->dir, "%s/t-0", v->root);
	kq_log_config_init(&v->config);
	v->config.retention_ms = -1;
	v->params = (struct kq_log_open_params){ .dir = v->dir, .topic = "t", .config = &v->config };
	kq_builder_init(&v->builder, 1 << 24);
}

static inline void env_remove(const char *dir)
{
	char path[512];
	DIR *d = opendir(dir);
	struct dirent *de;
	while (d && (de = readdir(d))) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		assert_true(snprintf(path, sizeof path, "%s/%s", dir, de->d_name) < (int)sizeof path);
		if (unlink(path) < 0)
			env_remove(path);
	}
	if (d)
		closedir(d);
	rmdir(dir);
}

static inline void env_deinit(struct env *v)
{
	kq_io_set_fault(NULL);
	if (v->log) {
		kq_log_close(v->log, false);
		kq_log_unref(v->log);
	}
	kq_builder_deinit(&v->builder);
	env_remove(v->root);
}

static inline void env_create(struct env *v)
{
	assert_int_equal(kq_log_create(&v->params, &v->log, &v->error), 0);
}

/* Closes and opens again; what the manager keeps in checkpoints is carried over. */
static inline int env_try_reopen(struct env *v, bool clean)
{
	if (v->log) {
		int rc = kq_log_close(v->log, clean);
		if (clean)
			assert_int_equal(rc, 0);
		v->params.recovery_point = kq_log_recovery_point(v->log);
		v->params.high_watermark = kq_log_high_watermark(v->log);
		v->params.log_start = kq_log_start_offset(v->log);
		kq_log_unref(v->log);
		v->log = NULL;
	}
	v->params.clean = clean;
	v->error.text[0] = '\0';
	return kq_log_open(&v->params, &v->log, &v->error);
}

static inline void env_reopen(struct env *v, bool clean)
{
	int rc = env_try_reopen(v, clean);
	if (rc)
		print_error("%s\n", v->error.text);
	assert_int_equal(rc, 0);
}

/* A batch of count records with these timestamps' first and step; value_len bytes
 * each. Valid until the next one. */
static inline uint8_t *env_batch(struct env *v, int count, int64_t timestamp, int step,
				 int value_len, const struct kq_seal *seal, size_t *n)
{
	static uint8_t value[1 << 20];
	uint8_t *bytes;
	memset(value, 'v', sizeof value);
	assert_int_equal(kq_builder_begin(&v->builder, timestamp), 0);
	for (int i = 0; i < count; i++)
		assert_int_equal(kq_builder_append(&v->builder, timestamp + i * step,
						   (struct kq_bytes){ (const uint8_t *)"key", 3 },
						   (struct kq_bytes){ value, value_len }, 0,
						   KQ_BYTES_NULL), 0);
	assert_int_equal(kq_builder_finish(&v->builder, seal, &bytes, n), 0);
	return bytes;
}

static inline const struct kq_seal *env_plain(void)
{
	static const struct kq_seal seal = { KQ_SEAL_NO_PRODUCER };
	return &seal;
}

static inline int env_try_append(struct env *v, int count, int64_t timestamp, int value_len,
				 struct kq_append_result *r)
{
	size_t n;
	uint8_t *p = env_batch(v, count, timestamp, 1, value_len, env_plain(), &n);
	return kq_log_append(v->log, p, n, 0, r);
}

static inline int64_t env_append(struct env *v, int count, int64_t timestamp, int value_len)
{
	struct kq_append_result r;
	int rc = env_try_append(v, count, timestamp, value_len, &r);
	if (rc)
		print_error("%s %s\n", kq_strerror(rc), r.text);
	assert_int_equal(rc, 0);
	return r.base_offset;
}

static inline char *env_path(struct env *v, int64_t base, const char *suffix)
{
	static char path[4][256];
	static int turn;
	char *p = path[turn++ % 4];
	snprintf(p, 256, "%s/%020" PRId64 ".%s", v->dir, base, suffix);
	return p;
}

static inline int64_t env_file_size(struct env *v, int64_t base, const char *suffix)
{
	struct stat st;
	return stat(env_path(v, base, suffix), &st) < 0 ? -1 : (int64_t)st.st_size;
}

static inline char *env_slurp(const char *path, size_t *n)
{
	char *p;
	int rc = kq_io_read_file(path, 1 << 28, &p, n);
	if (rc)
		print_error("%s: %s\n", path, kq_strerror(rc));
	assert_int_equal(rc, 0);
	return p;
}

static inline void env_copy(const char *from, const char *to)
{
	size_t n;
	char *p = env_slurp(from, &n);
	int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, p, n), n);
	close(fd);
	free(p);
}

/* Copies the files of a golden directory into v->dir. */
static inline void env_golden(struct env *v, const char *what)
{
	char from[512], path[1024], to[1024];
	snprintf(from, sizeof from, "%s/golden/%s", KQ_TESTDATA, what);
	DIR *d = opendir(from);
	assert_non_null(d);
	mkdir(v->dir, 0755);
	struct dirent *de;
	while ((de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		assert_true(snprintf(path, sizeof path, "%s/%s", from, de->d_name) < 1024);
		assert_true(snprintf(to, sizeof to, "%s/%s", v->dir, de->d_name) < 1024);
		env_copy(path, to);
	}
	closedir(d);
}

static inline void assert_same_file(const char *a, const char *b)
{
	size_t n, m;
	char *p = env_slurp(a, &n), *q = env_slurp(b, &m);
	if (n != m)
		print_error("%s and %s: %zu and %zu bytes\n", a, b, n, m);
	assert_int_equal(n, m);
	assert_memory_equal(p, q, n);
	free(p);
	free(q);
}

/* The batch header that a read at offset shows; base offset, or the error. */
static inline int64_t env_read_base(struct env *v, int64_t offset, size_t max, size_t *size)
{
	struct kq_log_slice s;
	uint8_t head[KQ_BATCH_HEADER_SIZE];
	size_t got;
	int rc = kq_log_read(v->log, offset, INT64_MAX, max, true, &s);
	if (rc)
		return rc;
	if (size)
		*size = s.size;
	if (s.size == 0)
		return -1000;
	assert_int_equal(kq_io_pread(s.fd, head, sizeof head, s.pos, &got), 0);
	kq_log_slice_release(&s);
	return kq_load_i64(head);
}

#endif
