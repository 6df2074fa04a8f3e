#include "base/io.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "kq/error.h"

static kq_io_fault_fn *fault_fn;

void kq_io_set_fault(kq_io_fault_fn *fn)
{
	__atomic_store_n(&fault_fn, fn, __ATOMIC_RELEASE);
}

/* 0, or the errno that a test wants here. */
static int fault(const char *op, const char *site, size_t *partial)
{
	kq_io_fault_fn *fn = __atomic_load_n(&fault_fn, __ATOMIC_ACQUIRE);
	return fn ? fn(op, site, partial) : 0;
}

static int fail(int sys_errno)
{
	errno = sys_errno;
	return kq_errno_from(sys_errno);
}

static int pwrite_all(int fd, const uint8_t *p, size_t n, off_t pos)
{
	while (n > 0) {
		ssize_t done = pwrite(fd, p, n, pos);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fail(errno);
		if (done == 0)
			return fail(EIO);
		p += done;
		n -= (size_t)done;
		pos += done;
	}
	return 0;
}

int kq_io_pwrite(const char *site, int fd, const void *p, size_t n, off_t pos)
{
	size_t partial = 0;
	int e = fault("pwrite", site, &partial);
	if (e) {
		if (partial)
			pwrite_all(fd, p, partial < n ? partial : n, pos);
		return fail(e);
	}
	return pwrite_all(fd, p, n, pos);
}

int kq_io_pread(int fd, void *p, size_t n, off_t pos, size_t *got)
{
	*got = 0;
	while (*got < n) {
		ssize_t done = pread(fd, (uint8_t *)p + *got, n - *got, pos + (off_t)*got);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return fail(errno);
		if (done == 0)
			break;
		*got += (size_t)done;
	}
	return 0;
}

int kq_io_fdatasync(const char *site, int fd)
{
	int e = fault("fdatasync", site, NULL);
	if (!e && fdatasync(fd) < 0)
		e = errno;
	return e ? fail(e) : 0;
}

int kq_io_syncdir(const char *site, const char *dir)
{
	int e = fault("syncdir", site, NULL);
	if (e)
		return fail(e);
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fail(errno);
	if (fsync(fd) < 0)
		e = errno;
	close(fd);
	return e ? fail(e) : 0;
}

int kq_io_rename(const char *site, const char *from, const char *to)
{
	int e = fault("rename", site, NULL);
	if (!e && rename(from, to) < 0)
		e = errno;
	return e ? fail(e) : 0;
}

int kq_io_ftruncate(const char *site, int fd, off_t size)
{
	int e = fault("ftruncate", site, NULL);
	if (!e && ftruncate(fd, size) < 0)
		e = errno;
	return e ? fail(e) : 0;
}

static int sync_parent(const char *site, const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');
	if (!slash)
		return kq_io_syncdir(site, ".");
	snprintf(dir, sizeof dir, "%.*s", (int)(slash > path ? slash - path : 1), path);
	return kq_io_syncdir(site, dir);
}

int kq_io_replace_file(const char *site, const char *path, const void *p, size_t n)
{
	char tmp[PATH_MAX];
	if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= (int)sizeof tmp)
		return fail(ENAMETOOLONG);
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(errno);
	int rc = kq_io_pwrite(site, fd, p, n, 0);
	if (!rc)
		rc = kq_io_fdatasync(site, fd);
	int saved = errno;
	close(fd);
	errno = saved;
	if (!rc)
		rc = kq_io_rename(site, tmp, path);
	if (!rc)
		return sync_parent(site, path);
	saved = errno;
	unlink(tmp);
	errno = saved;
	return rc;
}

int kq_io_read_file(const char *path, size_t limit, char **buf, size_t *len)
{
	*buf = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(errno);
	struct stat st;
	int rc = fstat(fd, &st) < 0 ? fail(errno) : 0;
	if (!rc && (st.st_size < 0 || (size_t)st.st_size > limit))
		rc = KQ_ELIMIT;
	char *p = NULL;
	if (!rc) {
		p = kq_try_malloc((size_t)st.st_size + 1);
		rc = p ? 0 : KQ_ENOMEM;
	}
	if (!rc)
		rc = kq_io_pread(fd, p, (size_t)st.st_size, 0, len);
	close(fd);
	if (rc) {
		free(p);
		return rc;
	}
	p[*len] = '\0';
	*buf = p;
	return 0;
}
