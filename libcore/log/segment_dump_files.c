/* Kinds of files by their names, and the small ones read whole. */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/reader.h"
#include "kq/segment.h"
#include "log/checkpoint.h"

enum {
	SMALL_FILE_MAX = 1 << 30,
	INDEX_ENTRY = 8, TIME_ENTRY = 12, TXN_ENTRY = 34,
	SNAPSHOT_HEAD = 10, SNAPSHOT_CRC_FROM = 6, SNAPSHOT_ENTRY = 46,
};

static const char *file_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool is_word(const char *p, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(p, word, n) == 0;
}

static enum kq_segment_kind kind_of_number(const char *rest)
{
	static const struct {
		const char *suffix;
		enum kq_segment_kind kind;
	} KINDS[] = {
		{ "log", KQ_SEGMENT_LOG }, { "index", KQ_SEGMENT_INDEX }, { "timeindex", KQ_SEGMENT_TIMEINDEX },
		{ "txnindex", KQ_SEGMENT_TXNINDEX }, { "snapshot", KQ_SEGMENT_SNAPSHOT },
	};
	size_t n = strcspn(rest, ".");
	const char *more = rest + n;
	if (*more && strcmp(more, ".deleted") != 0 && strcmp(more, ".cleaned") != 0 && strcmp(more, ".swap") != 0)
		return KQ_SEGMENT_UNKNOWN;
	for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
		if (is_word(rest, n, KINDS[i].suffix))
			return KINDS[i].kind;
	return KQ_SEGMENT_UNKNOWN;
}

enum kq_segment_kind kq_segment_kind(const char *path, int64_t *base)
{
	const char *name = file_name(path), *p = name;
	*base = 0;
	if (strcmp(path, "-") == 0)
		return KQ_SEGMENT_LOG;
	if (kq_checkpoint_number(&p, base) && p - name == 20 && *p == '.')
		return kind_of_number(p + 1);
	*base = 0;
	if (strcmp(name, "leader-epoch-checkpoint") == 0)
		return KQ_SEGMENT_EPOCHS;
	if (strcmp(name, "partition.metadata") == 0 || strncmp(name, "meta.properties", 15) == 0)
		return KQ_SEGMENT_PROPERTIES;
	size_t n = strlen(name), tail = strlen("-offset-checkpoint");
	if (n > tail && strcmp(name + n - tail, "-offset-checkpoint") == 0)
		return KQ_SEGMENT_OFFSETS;
	return KQ_SEGMENT_UNKNOWN;
}

/* n bytes at p as <topic>-<partition>. */
static bool partition_name(const char *p, size_t n, char *topic, int32_t *partition)
{
	const char *end = p + n, *digits = end;
	int64_t v = 0;
	while (digits > p && digits[-1] >= '0' && digits[-1] <= '9')
		digits--;
	if (digits == end || end - digits > 10 || digits - p < 2 || digits[-1] != '-' || digits - 1 - p > 249)
		return false;
	for (const char *d = digits; d < end; d++)
		v = v * 10 + (*d - '0');
	if (v > INT32_MAX)
		return false;
	memcpy(topic, p, (size_t)(digits - 1 - p));
	topic[digits - 1 - p] = '\0';
	*partition = (int32_t)v;
	return true;
}

bool kq_segment_partition(const char *path, bool is_directory, char *topic, int32_t *partition)
{
	const char *end = path + strlen(path);
	while (end > path + 1 && end[-1] == '/')
		end--;
	if (!is_directory) {
		while (end > path && end[-1] != '/')
			end--;
		while (end > path && end[-1] == '/')
			end--;
	}
	const char *p = end;
	while (p > path && p[-1] != '/')
		p--;
	/* <topic>-<partition>.<32 hex>-delete */
	const char *dot = memrchr(p, '.', (size_t)(end - p));
	static const char *const TAILS[] = { "-delete", "-future", "-stray" };
	for (size_t i = 0; dot && i < 3; i++)
		if (is_word(dot + 33, (size_t)(end - dot > 33 ? end - dot - 33 : 0), TAILS[i])) {
			end = dot;
			break;
		}
	return partition_name(p, (size_t)(end - p), topic, partition);
}

static int load(const char *path, char **buf, size_t *n, struct kq_error *e)
{
	int rc = kq_io_read_file(path, SMALL_FILE_MAX, buf, n);
	return rc == 0 ? 0 : kq_error_set(e, rc, "%s", kq_strerror(rc));
}

static bool all_zero(const uint8_t *p, size_t n)
{
	return n == 0 || (*p == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static void index_entry(enum kq_segment_kind kind, int64_t base, const uint8_t *p, struct kq_segment_index_entry *x)
{
	*x = (struct kq_segment_index_entry){ 0 };
	if (kind == KQ_SEGMENT_INDEX) {
		x->offset = base + kq_load_i32(p);
		x->position = kq_load_i32(p + 4);
	} else if (kind == KQ_SEGMENT_TIMEINDEX) {
		x->timestamp = kq_load_i64(p);
		x->offset = base + kq_load_i32(p + 8);
	} else {
		x->version = kq_load_i16(p);
		x->producer_id = kq_load_i64(p + 2);
		x->first_offset = kq_load_i64(p + 10);
		x->last_offset = kq_load_i64(p + 18);
		x->last_stable_offset = kq_load_i64(p + 26);
	}
}

int kq_segment_read_index(const char *path, struct kq_segment_index_entry **v, size_t *n, struct kq_error *e)
{
	int64_t base;
	enum kq_segment_kind kind = kq_segment_kind(path, &base);
	size_t size = kind == KQ_SEGMENT_INDEX ? INDEX_ENTRY : kind == KQ_SEGMENT_TIMEINDEX ? TIME_ENTRY : TXN_ENTRY;
	char *buf;
	size_t len;
	*v = NULL;
	*n = 0;
	int rc = load(path, &buf, &len, e);
	if (rc != 0)
		return rc;
	const uint8_t *p = (const uint8_t *)buf;
	size_t count = len / size;
	*v = kq_try_calloc(count + 1, sizeof **v);
	if (!*v) {
		free(buf);
		return kq_error_set(e, KQ_ENOMEM, "%s", kq_strerror(KQ_ENOMEM));
	}
	/* No entry is all zeros: an indexed batch does not begin the file, a time is
	 * above 0. So zeros are room that is not used yet. */
	for (size_t i = 0; i < count; i++) {
		if (all_zero(p + i * size, size) && all_zero(p + i * size, len - i * size))
			break;
		index_entry(kind, base, p + i * size, &(*v)[i]);
		*n = i + 1;
	}
	free(buf);
	if (len % size != 0)
		return kq_error_set(e, KQ_ECORRUPT, "its length %zu is no multiple of %zu", len, size);
	return 0;
}

static void producer(struct kq_reader *r, struct kq_segment_producer *x)
{
	x->producer_id = kq_read_i64(r);
	x->producer_epoch = kq_read_i16(r);
	x->last_sequence = kq_read_i32(r);
	x->last_offset = kq_read_i64(r);
	x->offset_delta = kq_read_i32(r);
	x->timestamp = kq_read_i64(r);
	x->coordinator_epoch = kq_read_i32(r);
	x->current_txn_first_offset = kq_read_i64(r);
}

static int snapshot(const uint8_t *p, size_t len, struct kq_segment_producer **v, size_t *n, struct kq_error *e)
{
	if (len < SNAPSHOT_HEAD)
		return kq_error_set(e, KQ_ECORRUPT, "it has %zu bytes, fewer than a header", len);
	int16_t version = kq_load_i16(p);
	if (version != 1)
		return kq_error_set(e, KQ_ECORRUPT, "its version is %d, not 1", version);
	int32_t count = kq_load_i32(p + SNAPSHOT_CRC_FROM);
	size_t fit = (len - SNAPSHOT_HEAD) / SNAPSHOT_ENTRY;
	size_t take = count < 0 ? 0 : (size_t)count < fit ? (size_t)count : fit;
	struct kq_reader r;
	kq_reader_init(&r, p + SNAPSHOT_HEAD, take * SNAPSHOT_ENTRY);
	*v = kq_try_calloc(take + 1, sizeof **v);
	if (!*v)
		return kq_error_set(e, KQ_ENOMEM, "%s", kq_strerror(KQ_ENOMEM));
	for (; *n < take; ++*n)
		producer(&r, &(*v)[*n]);
	if (count < 0 || (size_t)count * SNAPSHOT_ENTRY != len - SNAPSHOT_HEAD)
		return kq_error_set(e, KQ_ECORRUPT, "its %zu bytes do not fit a count of %d", len, (int)count);
	if (kq_crc32c(0, p + SNAPSHOT_CRC_FROM, len - SNAPSHOT_CRC_FROM) != kq_load_u32(p + 2))
		return kq_error_set(e, KQ_ECORRUPT, "wrong CRC");
	return 0;
}

int kq_segment_read_snapshot(const char *path, struct kq_segment_producer **v, size_t *n, struct kq_error *e)
{
	char *buf;
	size_t len;
	*v = NULL;
	*n = 0;
	int rc = load(path, &buf, &len, e);
	if (rc != 0)
		return rc;
	rc = snapshot((const uint8_t *)buf, len, v, n, e);
	free(buf);
	return rc;
}

/* ---- text --------------------------------------------------------------- */

struct lines {
	enum kq_segment_kind kind;
	struct kq_segment_line *v;
	size_t n;
	char *text; /* where the strings go, behind the array */
};

static const char *keep(struct lines *l, const char *p, size_t n)
{
	char *to = l->text;
	memcpy(to, p, n);
	to[n] = '\0';
	l->text += n + 1;
	return to;
}

/* `<epoch> <offset>` or `<topic> <partition> <offset>`. */
static int checkpoint_line(void *arg, const char *line)
{
	struct lines *l = arg;
	struct kq_segment_line x = { .partition = -1, .epoch = -1, .offset = -1 };
	int64_t number;
	if (l->kind == KQ_SEGMENT_OFFSETS) {
		size_t n = strcspn(line, " ");
		if (n == 0 || line[n] != ' ')
			return KQ_ECORRUPT;
		x.name = keep(l, line, n);
		line += n + 1;
	}
	if (!kq_checkpoint_number(&line, &number) || number > INT32_MAX || *line++ != ' ')
		return KQ_ECORRUPT;
	if (l->kind == KQ_SEGMENT_OFFSETS)
		x.partition = (int32_t)number;
	else
		x.epoch = (int32_t)number;
	if (!kq_checkpoint_number(&line, &x.offset) || *line)
		return KQ_ECORRUPT;
	l->v[l->n++] = x;
	return 0;
}

/* `name=value` or `name: value` lines; `#` begins a comment. */
static int properties(struct lines *l, const char *p, struct kq_error *e)
{
	for (int number = 1; *p; number++) {
		size_t n = strcspn(p, "\n"), name = strcspn(p, "=:\n");
		size_t value = name + 1 + (p[name] && p[name + 1] == ' ');
		if (n > 0 && *p != '#') {
			if (name == 0 || name >= n || value > n)
				return kq_error_set(e, KQ_ECORRUPT, "line %d has no name and value", number);
			struct kq_segment_line x = { .partition = -1, .epoch = -1, .offset = -1 };
			x.name = keep(l, p, name);
			x.value = keep(l, p + value, n - value);
			l->v[l->n++] = x;
		}
		p += n + (p[n] == '\n');
	}
	return 0;
}

int kq_segment_read_lines(const char *path, struct kq_segment_line **v, size_t *n, struct kq_error *e)
{
	int64_t base;
	struct lines l = { .kind = kq_segment_kind(path, &base) };
	char *buf;
	size_t len, most = 1;
	*v = NULL;
	*n = 0;
	int rc = load(path, &buf, &len, e);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < len; i++)
		most += buf[i] == '\n';
	l.v = kq_try_calloc(1, most * sizeof *l.v + len + 2 * most);
	if (!l.v) {
		free(buf);
		return kq_error_set(e, KQ_ENOMEM, "%s", kq_strerror(KQ_ENOMEM));
	}
	l.text = (char *)(l.v + most);
	if (l.kind == KQ_SEGMENT_PROPERTIES)
		rc = properties(&l, buf, e);
	else
		rc = kq_checkpoint_parse(buf, len, file_name(path), checkpoint_line, &l, e);
	*v = l.v;
	*n = l.n;
	free(buf);
	return rc;
}
