/* Strict where Kafka is: the version must be 0 and the count must hold, each line
 * must be whole. A file that is not is not guessed at, since a wrong offset here
 * would skip recovery. */
#include "log/checkpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/map.h"
#include "base/writer.h"

enum { KEY_MAX = 280, LINE_MAX_LEN = 320 };

struct kq_checkpoint {
	struct kq_map map; /* "topic partition" to an offset */
};

bool kq_checkpoint_number(const char **s, int64_t *v)
{
	const char *p = *s;
	*v = 0;
	while (*p >= '0' && *p <= '9') {
		int d = *p++ - '0';
		if (*v > (INT64_MAX - d) / 10)
			return false;
		*v = *v * 10 + d;
	}
	if (p == *s)
		return false;
	*s = p;
	return true;
}

/* The next line, cut at its newline (a last line may lack it); NULL at the end. */
static char *next_line(char **p, char *end)
{
	char *line = *p;
	if (line >= end)
		return NULL;
	char *nl = memchr(line, '\n', (size_t)(end - line));
	if (nl)
		*nl = '\0';
	*p = nl ? nl + 1 : end;
	return line;
}

/* The second line; *rest is the first entry. */
static int parse_count(char **p, char *end, const char *name, int64_t *count, struct kq_error *e)
{
	const char *line = next_line(p, end);
	if (!line || strcmp(line, "0") != 0)
		return kq_error_set(e, KQ_ECORRUPT, "%s: line 1: version 0 expected", name);
	line = next_line(p, end);
	if (!line || !kq_checkpoint_number(&line, count) || *line)
		return kq_error_set(e, KQ_ECORRUPT, "%s: line 2: a count expected", name);
	return 0;
}

int kq_checkpoint_parse(char *p, size_t n, const char *name,
			int (*fn)(void *arg, const char *line), void *arg, struct kq_error *e)
{
	char *end = p + n;
	int64_t count = 0, seen = 0;
	if (n == 0)
		return 0;
	if (memchr(p, '\0', n))
		return kq_error_set(e, KQ_ECORRUPT, "%s: a zero byte", name);
	int rc = parse_count(&p, end, name, &count, e);
	if (rc)
		return rc;
	for (char *line; (line = next_line(&p, end)); seen++) {
		if (seen >= count)
			return kq_error_set(e, KQ_ECORRUPT, "%s: more than %" PRId64 " entries",
					    name, count);
		if (fn(arg, line))
			return kq_error_set(e, KQ_ECORRUPT, "%s: line %" PRId64 " makes no sense",
					    name, seen + 3);
	}
	if (seen != count)
		return kq_error_set(e, KQ_ECORRUPT, "%s: %" PRId64 " entries of %" PRId64, name,
				    seen, count);
	return 0;
}

int kq_checkpoint_parse_file(const char *path, size_t limit,
			     int (*fn)(void *arg, const char *line), void *arg, struct kq_error *e)
{
	char *buf;
	size_t n;
	int rc = kq_io_read_file(path, limit, &buf, &n);
	if (rc == KQ_ENOTFOUND)
		return 0;
	if (rc)
		return kq_error_set(e, rc, "%s: %s", path, kq_strerror(rc));
	rc = kq_checkpoint_parse(buf, n, path, fn, arg, e);
	free(buf);
	return rc;
}

/* ---- offsets by partition -------------------------------------------------- */

/* Length of "topic partition" in key, or -1. */
static int make_key(char *key, const char *topic, int32_t partition)
{
	int n = snprintf(key, KEY_MAX, "%s %" PRId32, topic, partition);
	return n < KEY_MAX ? n : -1;
}

/* "topic partition offset"; the key is the text before the last blank, if the
 * partition is spelled as we would. */
static int load_line(void *arg, const char *line)
{
	struct kq_checkpoint *c = arg;
	int64_t partition, offset;
	const char *blank = strchr(line, ' ');
	if (!blank || blank == line)
		return KQ_ECORRUPT;
	const char *s = blank + 1;
	if (!kq_checkpoint_number(&s, &partition) || partition > INT32_MAX || *s++ != ' ' ||
	    !kq_checkpoint_number(&s, &offset) || *s)
		return KQ_ECORRUPT;
	char key[KEY_MAX];
	int n = snprintf(key, sizeof key, "%.*s %" PRId64, (int)(blank - line), line, partition);
	if (n >= KEY_MAX)
		return KQ_ECORRUPT;
	int64_t *v = kq_malloc(sizeof *v);
	*v = offset;
	free(kq_map_put(&c->map, key, (size_t)n, v)); /* twice: the later line counts */
	return 0;
}

struct kq_checkpoint *kq_checkpoint_new(void)
{
	struct kq_checkpoint *c = kq_malloc(sizeof *c);
	kq_map_init(&c->map);
	return c;
}

int kq_checkpoint_load(struct kq_checkpoint **out, const char *path, struct kq_error *e)
{
	struct kq_checkpoint *c = kq_checkpoint_new();
	int rc = kq_checkpoint_parse_file(path, KQ_CHECKPOINT_FILE_MAX, load_line, c, e);
	if (rc) {
		kq_checkpoint_free(c);
		c = NULL;
	}
	*out = c;
	return rc;
}

void kq_checkpoint_free(struct kq_checkpoint *c)
{
	if (!c)
		return;
	const void *key;
	size_t n, i = 0;
	for (void *v; (v = kq_map_next(&c->map, &i, &key, &n));)
		free(v);
	kq_map_deinit(&c->map);
	free(c);
}

int64_t kq_checkpoint_get(const struct kq_checkpoint *c, const char *topic, int32_t partition)
{
	char key[KEY_MAX];
	int n = make_key(key, topic, partition);
	const int64_t *v = n < 0 ? NULL : kq_map_get(&c->map, key, (size_t)n);
	return v ? *v : -1;
}

size_t kq_checkpoint_count(const struct kq_checkpoint *c)
{
	return kq_map_count(&c->map);
}

int kq_checkpoint_format(const struct kq_checkpoint_entry *v, size_t n, uint8_t **buf, size_t *len)
{
	char line[LINE_MAX_LEN];
	struct kq_writer w;
	kq_writer_init(&w, KQ_CHECKPOINT_FILE_MAX);
	int k = snprintf(line, sizeof line, "0\n%zu\n", n);
	kq_write_bytes(&w, line, (size_t)k);
	for (size_t i = 0; i < n; i++) {
		k = snprintf(line, sizeof line, "%s %" PRId32 " %" PRId64 "\n", v[i].topic,
			     v[i].partition, v[i].offset);
		bool ok = k < LINE_MAX_LEN && v[i].topic[0] && !strpbrk(v[i].topic, " \n") &&
			  v[i].partition >= 0 && v[i].offset >= 0;
		if (!ok) {
			kq_writer_deinit(&w);
			return KQ_EINVAL;
		}
		kq_write_bytes(&w, line, (size_t)k);
	}
	int rc = w.err;
	if (rc)
		kq_writer_deinit(&w);
	else
		*buf = kq_writer_take(&w, len);
	return rc;
}

int kq_checkpoint_write(const char *path, const struct kq_checkpoint_entry *v, size_t n)
{
	uint8_t *buf;
	size_t len;
	int rc = kq_checkpoint_format(v, n, &buf, &len);
	if (rc)
		return rc;
	rc = kq_io_replace_file("checkpoint", path, buf, len);
	free(buf);
	return rc;
}
