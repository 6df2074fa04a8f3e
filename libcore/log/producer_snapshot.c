/* Snapshot files. Layout: i16 version 1, u32 CRC-32C of what follows, i32 count,
 * then 46 bytes a producer:
 *
 *	id 8 | epoch 2 | last seq 4 | last offset 8 | delta 4 | timestamp 8 |
 *	coordinator epoch 4 | first offset of the open transaction 8
 *
 * Crash: the file appears under its name by rename, so it is whole or absent; where
 * it was not synced its bytes may be lost all the same, and then the CRC tells. */
#include "log/producer_snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/io.h"
#include "base/log.h"
#include "base/reader.h"

enum { VERSION = 1, HEADER_SIZE = 10, CRC_FROM = 6, ENTRY_SIZE = 46 };

static void read_entry(struct kq_reader *r, struct kq_producer *p)
{
	struct kq_producer_batch *k = &p->batches[0];
	memset(p, 0, sizeof *p);
	p->id = kq_read_i64(r);
	p->epoch = kq_read_i16(r);
	k->last_sequence = kq_read_i32(r);
	k->last_offset = kq_read_i64(r);
	k->offset_delta = kq_read_i32(r);
	k->timestamp = p->last_timestamp = kq_read_i64(r);
	p->coordinator_epoch = kq_read_i32(r);
	p->txn_first_offset = kq_read_i64(r);
	p->count = k->last_offset >= 0;
	if (!p->count) /* no batch: what stands for it means nothing */
		memset(k, 0, sizeof *k);
}

/* What no writer makes, whatever the CRC says. */
static bool entry_ok(const struct kq_producer *p)
{
	const struct kq_producer_batch *k = &p->batches[0];
	return p->id >= 0 && p->txn_first_offset >= -1 &&
	       (!p->count || (k->last_sequence >= -1 && k->offset_delta >= 0));
}

int kq_producer_snapshot_decode(const void *p, size_t n, int64_t now_ms, int64_t expiration_ms,
				struct kq_producer_state *s)
{
	struct kq_reader r;
	kq_reader_init(&r, p, n);
	int16_t version = kq_read_i16(&r);
	uint32_t crc = kq_read_u32(&r);
	int32_t count = kq_read_i32(&r);
	if (kq_reader_failed(&r))
		return KQ_ECORRUPT;
	if (version != VERSION)
		return KQ_EUNSUPPORTED;
	if (kq_crc32c(0, (const uint8_t *)p + CRC_FROM, n - CRC_FROM) != crc)
		return KQ_ECORRUPT;
	if (count < 0 || kq_reader_left(&r) != (size_t)count * ENTRY_SIZE)
		return KQ_ECORRUPT;
	for (int32_t i = 0; i < count; i++) {
		struct kq_producer e;
		read_entry(&r, &e);
		if (!entry_ok(&e))
			return KQ_ECORRUPT;
		bool expired = expiration_ms >= 0 && e.txn_first_offset < 0 &&
			       e.last_timestamp <= now_ms - expiration_ms;
		if (!expired && kq_producer_state_restore(s, &e))
			return KQ_ECORRUPT;
	}
	return 0;
}

void kq_producer_snapshot_encode(const struct kq_producer_state *s, struct kq_writer *w)
{
	static const struct kq_producer_batch none = { -1, -1, -1, 0 };
	size_t start = w->len;
	kq_write_i16(w, VERSION);
	kq_write_i32(w, 0);
	kq_write_i32(w, (int32_t)s->count);
	uint32_t i = 0;
	for (const struct kq_producer *p; (p = kq_producer_state_next(s, &i));) {
		const struct kq_producer_batch *k = p->count ? &p->batches[p->count - 1] : &none;
		kq_write_i64(w, p->id);
		kq_write_i16(w, p->epoch);
		kq_write_i32(w, k->last_sequence);
		kq_write_i64(w, k->last_offset);
		kq_write_i32(w, k->offset_delta);
		kq_write_i64(w, p->last_timestamp);
		kq_write_i32(w, p->coordinator_epoch);
		kq_write_i64(w, p->txn_first_offset);
	}
	if (kq_writer_failed(w))
		return;
	uint8_t *b = w->buf + start;
	kq_store_u32(b + 2, kq_crc32c(0, b + CRC_FROM, w->len - start - CRC_FROM));
}

/* ---- files ---------------------------------------------------------------- */

static int path_of(char *path, const char *dir, int64_t offset)
{
	int n = snprintf(path, PATH_MAX, "%s/%020" PRId64 ".snapshot", dir, offset);
	return n < PATH_MAX ? 0 : KQ_EINVAL;
}

/* Without a sync: the name changes hands only after the bytes are written, and a
 * machine that dies meanwhile leaves something the CRC refuses. */
static int write_unsynced(const char *path, const void *p, size_t n)
{
	char tmp[PATH_MAX];
	if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= PATH_MAX)
		return KQ_EINVAL;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return kq_errno_from(errno);
	int rc = kq_io_pwrite("snapshot", fd, p, n, 0);
	close(fd);
	if (!rc)
		rc = kq_io_rename("snapshot", tmp, path);
	if (rc)
		unlink(tmp);
	return rc;
}

int kq_producer_snapshot_write(const struct kq_producer_state *s, const char *dir,
			       int64_t offset, bool sync)
{
	char path[PATH_MAX];
	if (path_of(path, dir, offset))
		return KQ_EINVAL;
	struct kq_writer w;
	kq_writer_init(&w, KQ_SNAPSHOT_FILE_MAX);
	kq_producer_snapshot_encode(s, &w);
	int rc = w.err;
	if (!rc)
		rc = sync ? kq_io_replace_file("snapshot", path, w.buf, w.len)
			  : write_unsynced(path, w.buf, w.len);
	kq_writer_deinit(&w);
	return rc;
}

int kq_producer_snapshot_delete(const char *dir, int64_t offset)
{
	char path[PATH_MAX];
	if (path_of(path, dir, offset))
		return KQ_EINVAL;
	return unlink(path) < 0 && errno != ENOENT ? kq_errno_from(errno) : 0;
}

/* The offset in a snapshot's file name, -1 if it is not one. */
static int64_t parse_name(const char *name)
{
	static const char suffix[] = ".snapshot";
	int64_t v = 0;
	for (int i = 0; i < 20; i++) {
		if (name[i] < '0' || name[i] > '9' || v > (INT64_MAX - 9) / 10)
			return -1;
		v = v * 10 + (name[i] - '0');
	}
	return strcmp(name + 20, suffix) == 0 ? v : -1;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* All snapshots' offsets, ascending; *v is the caller's to free. */
static int list(const char *dir, int64_t **v, size_t *n)
{
	*v = NULL;
	*n = 0;
	DIR *d = opendir(dir);
	if (!d)
		return kq_errno_from(errno);
	size_t cap = 0;
	for (struct dirent *e; (e = readdir(d));) {
		int64_t at = parse_name(e->d_name);
		if (at < 0)
			continue;
		if (*n == cap) {
			cap = cap ? cap * 2 : 16;
			*v = kq_realloc(*v, cap * sizeof **v);
		}
		(*v)[(*n)++] = at;
	}
	closedir(d);
	if (*n)
		qsort(*v, *n, sizeof **v, ascending);
	return 0;
}

/* KQ_ENOTFOUND, KQ_ECORRUPT, KQ_EUNSUPPORTED: use an older one; else as is. */
static int load_one(struct kq_producer_state *s, const char *dir, int64_t offset, int64_t now_ms,
		    int64_t expiration_ms)
{
	char path[PATH_MAX];
	char *buf;
	size_t n;
	if (path_of(path, dir, offset))
		return KQ_EINVAL;
	int rc = kq_io_read_file(path, KQ_SNAPSHOT_FILE_MAX, &buf, &n);
	if (rc)
		return rc == KQ_ELIMIT ? KQ_ECORRUPT : rc;
	rc = kq_producer_snapshot_decode(buf, n, now_ms, expiration_ms, s);
	free(buf);
	if (rc)
		kq_producer_state_clear(s);
	return rc;
}

int kq_producer_snapshot_load(struct kq_producer_state *s, const char *dir, int64_t limit,
			      int64_t now_ms, int64_t expiration_ms, int64_t *at)
{
	int64_t *v;
	size_t n;
	*at = -1;
	kq_producer_state_clear(s);
	int rc = list(dir, &v, &n);
	while (!rc && n > 0) {
		int64_t offset = v[--n];
		if (offset > limit)
			continue;
		rc = load_one(s, dir, offset, now_ms, expiration_ms);
		if (!rc) {
			*at = offset;
			break;
		}
		if (rc == KQ_ECORRUPT || rc == KQ_EUNSUPPORTED) {
			kq_warn_log("log", "%s: snapshot %" PRId64 " is not valid (%s), deleted",
				    dir, offset, kq_strerror(rc));
			rc = kq_producer_snapshot_delete(dir, offset);
		} else if (rc == KQ_ENOTFOUND) {
			rc = 0;
		}
	}
	free(v);
	return rc;
}

static int delete_range(const char *dir, int64_t from, int64_t to)
{
	int64_t *v;
	size_t n;
	int rc = list(dir, &v, &n);
	for (size_t i = 0; i < n && !rc; i++)
		if (v[i] >= from && v[i] <= to)
			rc = kq_producer_snapshot_delete(dir, v[i]);
	free(v);
	return rc;
}

int kq_producer_snapshot_delete_above(const char *dir, int64_t limit)
{
	return limit == INT64_MAX ? 0 : delete_range(dir, limit + 1, INT64_MAX);
}

int kq_producer_snapshot_delete_below(const char *dir, int64_t limit)
{
	return delete_range(dir, INT64_MIN, limit - 1);
}

int kq_producer_snapshot_delete_strays(const char *dir, const int64_t *bases, size_t n)
{
	int64_t *v;
	size_t count;
	int rc = list(dir, &v, &count);
	for (size_t i = 0; i + 1 < count && !rc; i++)
		if (!n || !bsearch(&v[i], bases, n, sizeof *bases, ascending))
			rc = kq_producer_snapshot_delete(dir, v[i]);
	free(v);
	return rc;
}
