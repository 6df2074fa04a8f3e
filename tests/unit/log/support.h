/* What the tests of the log's own files share: temporary directories, batches made
 * to measure, golden files. */
#ifndef TESTS_LOG_SUPPORT_H
#define TESTS_LOG_SUPPORT_H

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/io.h"
#include "log/data_dir.h"
#include "record/batch.h"

/* A new directory under TMPDIR in *state; removed by teardown_dir. */
static inline int setup_dir(void **state)
{
	char name[4096];
	const char *tmp = getenv("TMPDIR");
	snprintf(name, sizeof name, "%s/kq-test-XXXXXX", tmp ? tmp : "/tmp");
	*state = mkdtemp(name) ? strdup(name) : NULL;
	return *state ? 0 : -1;
}

static inline int teardown_dir(void **state)
{
	kq_io_set_fault(NULL);
	int rc = kq_data_dir_remove_tree(*state);
	free(*state);
	return rc;
}

/* "dir/name" in one of a few buffers that take turns. */
static inline const char *in(const char *dir, const char *name)
{
	static char buf[8][4200];
	static int next;
	char path[sizeof buf[0]]; /* dir may be one of them */
	snprintf(path, sizeof path, "%s/%s", dir, name);
	return strcpy(buf[next++ % 8], path);
}

static inline const char *golden(const char *name)
{
	return in(KQ_TESTDATA "/golden", name);
}

static inline char *slurp(const char *path, size_t *n)
{
	char *buf;
	size_t len;
	if (kq_io_read_file(path, 1 << 24, &buf, &len))
		fail_msg("cannot read %s", path);
	if (n)
		*n = len;
	return buf;
}

static inline void spew(const char *path, const void *p, size_t n)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
}

static inline void spew_text(const char *path, const char *text)
{
	spew(path, text, strlen(text));
}

static inline bool exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/* Copies the files of one directory (no deeper) into another, which is made. */
static inline void copy_dir(const char *from, const char *to)
{
	char cmd[9000];
	snprintf(cmd, sizeof cmd, "mkdir -p '%s' && cp -r '%s/.' '%s' && chmod -R u+w '%s'", to,
		 from, to, to);
	assert_int_equal(system(cmd), 0);
}

/* A data batch as a client sends it, header only. */
static inline struct kq_batch data_batch(int64_t pid, int16_t epoch, int32_t first_seq,
					 int32_t count, int64_t base)
{
	return (struct kq_batch){
		.base_offset = base,
		.size = KQ_BATCH_HEADER_SIZE,
		.magic = 2,
		.last_offset_delta = count - 1,
		.base_timestamp = 1000 + base,
		.max_timestamp = 1000 + base,
		.producer_id = pid,
		.producer_epoch = epoch,
		.base_sequence = first_seq,
		.count = count,
	};
}

/* The lines of a .jsonl file. */
static inline json_t *json_lines(const char *path)
{
	char line[65536];
	json_t *all = json_array();
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		json_array_append_new(all, json_loads(line, 0, NULL));
	fclose(f);
	return all;
}

/* An integer field; null or absent is -1. */
static inline int64_t field(const json_t *o, const char *name)
{
	const json_t *v = json_object_get(o, name);
	return json_is_integer(v) ? (int64_t)json_integer_value(v) : -1;
}

#endif
