#include "log/data_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/uuid.h"
#include "log/checkpoint.h"

enum { HELD_MAX = 256, HEX_LEN = 32, NAME_LEN_MAX = 255 };

static const char marker_name[] = ".kafka_cleanshutdown";

static int fail(struct kq_error *e, const char *path, const char *what)
{
	return kq_error_set(e, kq_errno_from(errno), "cannot %s %s: %s", what, path,
			    strerror(errno));
}

static int join(char out[PATH_MAX], const char *dir, const char *name)
{
	return snprintf(out, PATH_MAX, "%s/%s", dir, name) < PATH_MAX ? 0 : KQ_EINVAL;
}

/* ---- the directory itself -------------------------------------------------- */

static int make_one(const char *path, struct kq_error *e)
{
	char parent[PATH_MAX];
	if (mkdir(path, 0755) < 0)
		return errno == EEXIST ? 0 : fail(e, path, "make directory");
	snprintf(parent, sizeof parent, "%s", path);
	char *slash = strrchr(parent, '/');
	if (slash)
		slash[slash == parent] = '\0';
	int rc = kq_io_syncdir("log-dir", slash ? parent : ".");
	return rc ? fail(e, path, "sync the parent of") : 0;
}

int kq_data_dir_make(const char *path, struct kq_error *e)
{
	char part[PATH_MAX];
	struct stat st;
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return 0;
		return kq_error_set(e, KQ_EINVAL, "%s is not a directory", path);
	}
	if (snprintf(part, sizeof part, "%s", path) >= PATH_MAX || !*path)
		return kq_error_set(e, KQ_EINVAL, "%.200s: not a usable path", path);
	for (char *p = part + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		int rc = make_one(part, e);
		if (rc)
			return rc;
		*p = '/';
	}
	return make_one(part, e);
}

/* ---- the lock -------------------------------------------------------------- */

/* A record lock belongs to the process: it does not keep the process itself out, and
 * closing any descriptor of the file gives it up. So the locks this process holds
 * are listed here, and a file on the list is not opened again. */
static pthread_mutex_t held_lock = PTHREAD_MUTEX_INITIALIZER;
static struct { uint64_t dev, ino; } held[HELD_MAX];
static int held_count;

static int held_find(uint64_t dev, uint64_t ino)
{
	for (int i = 0; i < held_count; i++)
		if (held[i].dev == dev && held[i].ino == ino)
			return i;
	return -1;
}

/* Locks fd, or says who has it. */
static int lock_fd(int fd, const char *dir, struct kq_error *e)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_SETLK, &l) == 0)
		return 0;
	if (errno != EAGAIN && errno != EACCES)
		return fail(e, dir, "lock");
	l = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
	if (fcntl(fd, F_GETLK, &l) == 0 && l.l_type != F_UNLCK && l.l_pid > 0)
		return kq_error_set(e, KQ_EBUSY, "log directory %s is in use by process %ld", dir,
				    (long)l.l_pid);
	return kq_error_set(e, KQ_EBUSY, "log directory %s is in use by another process", dir);
}

/* One try: 0, an error, or KQ_EAGAIN if a stopping holder removed the file between
 * our open and our lock. */
static int try_lock(const char *dir, const char *path, struct kq_data_dir_lock *lock,
		    struct kq_error *e)
{
	struct stat st, now;
	if (stat(path, &st) == 0 && held_find(st.st_dev, st.st_ino) >= 0)
		return kq_error_set(e, KQ_EBUSY, "log directory %s is in use by this process (%ld)",
				    dir, (long)getpid());
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(e, path, "open");
	int rc = lock_fd(fd, dir, e);
	if (!rc && (fstat(fd, &st) < 0 || stat(path, &now) < 0 || st.st_ino != now.st_ino ||
		    st.st_dev != now.st_dev))
		rc = KQ_EAGAIN;
	if (rc) {
		close(fd);
		return rc;
	}
	*lock = (struct kq_data_dir_lock){ fd, st.st_dev, st.st_ino };
	held[held_count].dev = st.st_dev;
	held[held_count++].ino = st.st_ino;
	return 0;
}

int kq_data_dir_lock(const char *dir, struct kq_data_dir_lock *lock, struct kq_error *e)
{
	char path[PATH_MAX];
	int rc = KQ_EAGAIN;
	lock->fd = -1;
	if (join(path, dir, ".lock"))
		return kq_error_set(e, KQ_EINVAL, "%.200s: name too long", dir);
	pthread_mutex_lock(&held_lock);
	if (held_count == HELD_MAX)
		rc = kq_error_set(e, KQ_ELIMIT, "more than %d log directories", HELD_MAX);
	for (int i = 0; i < 10 && rc == KQ_EAGAIN; i++)
		rc = try_lock(dir, path, lock, e);
	pthread_mutex_unlock(&held_lock);
	if (rc == KQ_EAGAIN)
		return kq_error_set(e, KQ_EBUSY, "log directory %s is being taken by others", dir);
	return rc;
}

void kq_data_dir_unlock(const char *dir, struct kq_data_dir_lock *lock, bool remove)
{
	char path[PATH_MAX];
	if (lock->fd < 0)
		return;
	pthread_mutex_lock(&held_lock);
	if (remove && !join(path, dir, ".lock"))
		unlink(path);
	int i = held_find(lock->dev, lock->ino);
	if (i >= 0)
		held[i] = held[--held_count];
	close(lock->fd);
	lock->fd = -1;
	pthread_mutex_unlock(&held_lock);
}

/* ---- the marker ------------------------------------------------------------ */

int kq_data_dir_take_marker(const char *dir, bool *clean, struct kq_error *e)
{
	char path[PATH_MAX];
	*clean = false;
	if (join(path, dir, marker_name))
		return kq_error_set(e, KQ_EINVAL, "%.200s: name too long", dir);
	if (unlink(path) < 0)
		return errno == ENOENT ? 0 : fail(e, path, "remove");
	*clean = true;
	return kq_io_syncdir("clean-shutdown", dir) ? fail(e, dir, "sync") : 0;
}

int kq_data_dir_write_marker(const char *dir)
{
	static const char text[] = "{\"version\":0,\"brokerEpoch\":-1}";
	char path[PATH_MAX];
	if (join(path, dir, marker_name))
		return KQ_EINVAL;
	return kq_io_replace_file("clean-shutdown", path, text, sizeof text - 1);
}

/* ---- what lies in it ------------------------------------------------------- */

/* Does name end in ".<32 hex><suffix>"? */
static bool has_suffix(const char *name, const char *suffix)
{
	size_t n = strlen(name), k = strlen(suffix);
	if (n < k + HEX_LEN + 1 || strcmp(name + n - k, suffix) != 0)
		return false;
	const char *hex = name + n - k - HEX_LEN;
	return hex[-1] == '.' && strspn(hex, "0123456789abcdefABCDEF") >= HEX_LEN;
}

static bool is_topic(const char *name, size_t n)
{
	static const char legal[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
	if (n == 0 || n > KQ_TOPIC_NAME_MAX || (n <= 2 && strspn(name, ".") >= n))
		return false;
	return strspn(name, legal) >= n;
}

void kq_data_dir_parse_name(const char *name, struct kq_data_dir_name *out)
{
	memset(out, 0, sizeof *out);
	out->kind = has_suffix(name, "-delete")   ? KQ_DATA_DIR_DELETE
		    : has_suffix(name, "-stray")  ? KQ_DATA_DIR_STRAY
		    : has_suffix(name, "-future") ? KQ_DATA_DIR_FUTURE
						  : KQ_DATA_DIR_FOREIGN;
	const char *dash = strrchr(name, '-');
	if (out->kind != KQ_DATA_DIR_FOREIGN || !dash || !is_topic(name, (size_t)(dash - name)))
		return;
	const char *s = dash + 1;
	int64_t v;
	bool padded = s[0] == '0' && s[1]; /* "t-01" would be opened as "t-1" */
	if (padded || !kq_checkpoint_number(&s, &v) || *s || v > INT32_MAX)
		return;
	out->kind = KQ_DATA_DIR_PARTITION;
	out->partition = (int32_t)v;
	memcpy(out->topic, name, (size_t)(dash - name));
}

static bool is_directory(DIR *d, const struct dirent *entry)
{
	struct stat st;
	if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
		return entry->d_type == DT_DIR;
	return fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

int kq_data_dir_scan(const char *path,
		    int (*fn)(void *arg, const char *name, const struct kq_data_dir_name *n),
		    void *arg, struct kq_error *e)
{
	DIR *d = opendir(path);
	if (!d)
		return fail(e, path, "read directory");
	int rc = 0;
	for (;;) {
		errno = 0;
		const struct dirent *entry = readdir(d);
		if (!entry)
			break;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
		    !is_directory(d, entry))
			continue;
		struct kq_data_dir_name n;
		kq_data_dir_parse_name(entry->d_name, &n);
		if ((rc = fn(arg, entry->d_name, &n)))
			break;
	}
	if (!rc && errno)
		rc = fail(e, path, "read directory");
	closedir(d);
	return rc;
}

void kq_data_dir_delete_name(const char *topic, int32_t partition, char name[256])
{
	char tail[80];
	struct kq_uuid u;
	kq_uuid_random(&u);
	int n = snprintf(tail, sizeof tail, "-%" PRId32 ".", partition);
	for (size_t i = 0; i < sizeof u.b; i++)
		n += snprintf(tail + n, sizeof tail - (size_t)n, "%02x", u.b[i]);
	n += snprintf(tail + n, sizeof tail - (size_t)n, "-delete");
	snprintf(name, 256, "%.*s%s", NAME_LEN_MAX - n, topic, tail);
}

/* Entry by entry below the open directory fd, which is taken. */
static int remove_below(int fd)
{
	DIR *d = fdopendir(fd);
	if (!d) {
		int rc = kq_errno_from(errno);
		close(fd);
		return rc;
	}
	int first = 0;
	for (struct dirent *entry; (entry = readdir(d));) {
		const char *name = entry->d_name;
		int rc = 0;
		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
			continue;
		if (unlinkat(dirfd(d), name, 0) == 0)
			continue;
		if (errno == EISDIR) {
			int sub = openat(dirfd(d), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
			rc = sub < 0 ? kq_errno_from(errno) : remove_below(sub);
			if (!rc && unlinkat(dirfd(d), name, AT_REMOVEDIR) < 0)
				rc = kq_errno_from(errno);
		} else {
			rc = kq_errno_from(errno);
		}
		if (rc && !first)
			first = rc;
	}
	closedir(d);
	return first;
}

int kq_data_dir_remove_tree(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : kq_errno_from(errno);
	int rc = remove_below(fd);
	if (!rc && rmdir(path) < 0)
		rc = kq_errno_from(errno);
	return rc;
}
