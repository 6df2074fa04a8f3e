/* A disk that fails on demand, for a whole process: loaded by LD_PRELOAD.
 *
 * The file that FAULT_FILE names says what fails from now on; no file, no fault:
 *
 *	CALL ERRNO HOW [PATH]
 *
 * CALL is fdatasync, fsync, sync (either), pwrite, short (a pwrite that writes half
 * before it fails), rename, ftruncate or any; ERRNO EIO or ENOSPC; HOW once (the file is
 * then removed) or always; with PATH only files whose path contains it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#undef pwrite
#undef pwrite64
#undef ftruncate
#undef ftruncate64

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static int matches(const char *want, const char *call)
{
	if (!strcmp(want, "sync"))
		return !strcmp(call, "fsync") || !strcmp(call, "fdatasync");
	if (!strcmp(want, "short"))
		return !strcmp(call, "pwrite");
	return !strcmp(want, "any") || !strcmp(want, call);
}

/* The errno that this call is to fail with, or 0; *half: after half of it is done. */
static int fault(const char *call, const char *path, int *half)
{
	char text[512], want[32], err[32], how[32], part[256] = "";
	const char *file = getenv("FAULT_FILE");
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1, rc = 0;
	if (fd < 0)
		return 0;
	pthread_mutex_lock(&lock);
	ssize_t n = access(file, F_OK) == 0 ? read(fd, text, sizeof text - 1) : 0;
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%31s %31s %31s %255s", want, err, how, part) >= 3 && matches(want, call) &&
	    strstr(path, part)) {
		rc = !strcmp(err, "ENOSPC") ? ENOSPC : EIO;
		*half = !strcmp(want, "short");
		if (!strcmp(how, "once"))
			unlink(file);
	}
	pthread_mutex_unlock(&lock);
	close(fd);
	return rc;
}

static int fault_fd(const char *call, int fd, int *half)
{
	char link[64], path[PATH_MAX];
	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t n = readlink(link, path, sizeof path - 1);
	path[n > 0 ? n : 0] = '\0';
	return fault(call, path, half);
}

static int fail(int err)
{
	errno = err;
	return -1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

int fdatasync(int fd)
{
	int half = 0, err = fault_fd("fdatasync", fd, &half);
	return err ? fail(err) : REAL(fdatasync)(fd);
}

int fsync(int fd)
{
	int half = 0, err = fault_fd("fsync", fd, &half);
	return err ? fail(err) : REAL(fsync)(fd);
}

int ftruncate(int fd, off_t size)
{
	int half = 0, err = fault_fd("ftruncate", fd, &half);
	return err ? fail(err) : REAL(ftruncate)(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	return ftruncate(fd, size);
}

int rename(const char *from, const char *to)
{
	int half = 0, err = fault("rename", from, &half);
	return err ? fail(err) : REAL(rename)(from, to);
}

/* A short write looks as the kernel does it: less is written, the next call fails. */
ssize_t pwrite(int fd, const void *p, size_t n, off_t pos)
{
	int half = 0, err = fault_fd("pwrite", fd, &half);
	if (err && half && n > 1)
		REAL(pwrite)(fd, p, n / 2, pos);
	return err ? fail(err) : REAL(pwrite)(fd, p, n, pos);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t pos)
{
	return pwrite(fd, p, n, pos);
}
