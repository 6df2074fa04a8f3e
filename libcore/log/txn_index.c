/* The transaction index is tiny and read seldom, so lookups simply read it in
 * blocks of 64 entries; nothing is mapped or kept in memory.
 *
 * Crash: an append that did not reach the disk is made good by recovery, which
 * rebuilds the index of every segment it scans; behind the recovery point the
 * segment's flush has synced this file too. */
#include "log/txn_index.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/reader.h"
#include "base/writer.h"

enum { VERSION = 0, BLOCK = 64 };

static int path_of(const struct kq_txn_index *x, char *path)
{
	int n = snprintf(path, PATH_MAX, "%s/%020" PRId64 ".txnindex", x->dir, x->base_offset);
	return n < PATH_MAX ? 0 : KQ_EINVAL;
}

int kq_txn_entry_decode(const uint8_t p[KQ_TXN_ENTRY_SIZE], struct kq_aborted_txn *t)
{
	if (kq_load_i16(p) != VERSION)
		return KQ_ECORRUPT;
	t->producer_id = kq_load_i64(p + 2);
	t->first_offset = kq_load_i64(p + 10);
	t->last_offset = kq_load_i64(p + 18);
	t->last_stable_offset = kq_load_i64(p + 26);
	return 0;
}

void kq_txn_entry_encode(const struct kq_aborted_txn *t, uint8_t p[KQ_TXN_ENTRY_SIZE])
{
	kq_store_i16(p, VERSION);
	kq_store_i64(p + 2, t->producer_id);
	kq_store_i64(p + 10, t->first_offset);
	kq_store_i64(p + 18, t->last_offset);
	kq_store_i64(p + 26, t->last_stable_offset);
}

/* Up to BLOCK entries from number i on; *n of them, 0 at the end. */
static int read_block(struct kq_txn_index *x, uint32_t i, struct kq_aborted_txn *v, uint32_t *n)
{
	uint8_t buf[BLOCK * KQ_TXN_ENTRY_SIZE];
	uint32_t count = atomic_load_explicit(&x->count, memory_order_acquire);
	*n = i >= count ? 0 : count - i < BLOCK ? count - i : BLOCK;
	if (!*n)
		return 0;
	size_t want = (size_t)*n * KQ_TXN_ENTRY_SIZE, got;
	int rc = kq_io_pread(atomic_load(&x->fd), buf, want, (off_t)i * KQ_TXN_ENTRY_SIZE, &got);
	if (!rc && got < want)
		rc = KQ_ECORRUPT;
	for (uint32_t k = 0; k < *n && !rc; k++)
		rc = kq_txn_entry_decode(buf + (size_t)k * KQ_TXN_ENTRY_SIZE, &v[k]);
	return rc;
}

/* Markers stand in this segment in ascending order, each after its transaction. */
static int check_entries(struct kq_txn_index *x)
{
	struct kq_aborted_txn v[BLOCK];
	int64_t last = x->base_offset - 1;
	uint32_t n;
	for (uint32_t i = 0;; i += n) {
		int rc = read_block(x, i, v, &n);
		if (rc || !n)
			return rc;
		for (uint32_t k = 0; k < n; k++) {
			if (v[k].last_offset <= last || v[k].first_offset > v[k].last_offset)
				return KQ_ECORRUPT;
			last = v[k].last_offset;
		}
	}
}

int kq_txn_index_open(struct kq_txn_index *x, const char *dir, int64_t base_offset)
{
	char path[PATH_MAX];
	struct stat st;
	x->dir = dir;
	x->base_offset = base_offset;
	atomic_init(&x->fd, -1);
	atomic_init(&x->count, 0);
	if (path_of(x, path))
		return KQ_EINVAL;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : kq_errno_from(errno);
	atomic_store(&x->fd, fd);
	if (fstat(fd, &st) < 0)
		return kq_errno_from(errno);
	if (st.st_size % KQ_TXN_ENTRY_SIZE || st.st_size / KQ_TXN_ENTRY_SIZE > INT32_MAX)
		return KQ_ECORRUPT;
	atomic_store(&x->count, (uint32_t)(st.st_size / KQ_TXN_ENTRY_SIZE));
	return check_entries(x);
}

void kq_txn_index_close(struct kq_txn_index *x)
{
	int fd = atomic_exchange(&x->fd, -1);
	atomic_store(&x->count, 0);
	if (fd >= 0)
		close(fd);
}

static int create(struct kq_txn_index *x)
{
	char path[PATH_MAX];
	if (path_of(x, path))
		return KQ_EINVAL;
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return kq_errno_from(errno);
	atomic_store(&x->fd, fd);
	return 0;
}

int kq_txn_index_append(struct kq_txn_index *x, const struct kq_aborted_txn *t)
{
	uint32_t count = atomic_load(&x->count);
	if (count) {
		struct kq_aborted_txn v[BLOCK];
		uint32_t n;
		int rc = read_block(x, count - 1, v, &n);
		if (rc)
			return rc;
		if (t->last_offset <= v[0].last_offset)
			return KQ_EINVAL;
	}
	if (atomic_load(&x->fd) < 0) {
		int rc = create(x);
		if (rc)
			return rc;
	}
	uint8_t e[KQ_TXN_ENTRY_SIZE];
	kq_txn_entry_encode(t, e);
	int rc = kq_io_pwrite("txn-index", atomic_load(&x->fd), e, sizeof e,
			      (off_t)count * KQ_TXN_ENTRY_SIZE);
	if (!rc)
		atomic_store_explicit(&x->count, count + 1, memory_order_release);
	return rc;
}

static int push(struct kq_aborted_txn **v, int *n, const struct kq_aborted_txn *t)
{
	if ((*n & (*n - 1)) == 0) { /* full at each power of two */
		size_t cap = *n ? (size_t)*n * 2 : 1;
		struct kq_aborted_txn *p = kq_try_realloc(*v, cap * sizeof *p);
		if (!p)
			return KQ_ENOMEM;
		*v = p;
	}
	(*v)[(*n)++] = *t;
	return 0;
}

int kq_txn_index_collect(struct kq_txn_index *x, int64_t from, int64_t to,
			 struct kq_aborted_txn **v, int *n, bool *done)
{
	struct kq_aborted_txn b[BLOCK];
	uint32_t got;
	*done = false;
	for (uint32_t i = 0;; i += got) {
		int rc = read_block(x, i, b, &got);
		if (rc || !got)
			return rc;
		for (uint32_t k = 0; k < got; k++) {
			if (b[k].last_offset >= from && b[k].first_offset < to &&
			    (rc = push(v, n, &b[k])))
				return rc;
			if (b[k].last_stable_offset >= to) {
				*done = true;
				return 0;
			}
		}
	}
}

int kq_txn_index_truncate(struct kq_txn_index *x, int64_t offset)
{
	struct kq_aborted_txn b[BLOCK];
	uint32_t got, keep = 0;
	bool past = false;
	do {
		int rc = read_block(x, keep, b, &got);
		if (rc)
			return rc;
		uint32_t k = 0;
		while (k < got && b[k].last_offset < offset)
			k++;
		past = k < got;
		keep += k;
	} while (got && !past);
	if (!past)
		return 0;
	atomic_store(&x->count, keep);
	return kq_io_ftruncate("txn-index", atomic_load(&x->fd), (off_t)keep * KQ_TXN_ENTRY_SIZE);
}

int kq_txn_index_reset(struct kq_txn_index *x)
{
	char path[PATH_MAX];
	kq_txn_index_close(x);
	if (path_of(x, path))
		return KQ_EINVAL;
	return unlink(path) < 0 && errno != ENOENT ? kq_errno_from(errno) : 0;
}

int kq_txn_index_sync(struct kq_txn_index *x)
{
	int fd = atomic_load(&x->fd);
	return fd < 0 ? 0 : kq_io_fdatasync("txn-index", fd);
}
