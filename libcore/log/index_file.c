/* Entries are written through a shared map, so the page cache always holds them and
 * a killed process loses none. A crash of the machine may lose any page of an active
 * index, in any order: the recovery therefore rebuilds what lies above the recovery
 * point and checks the order of what lies below. Closed indexes are trimmed and
 * synced before the recovery point passes their segment (kq_segment_sync). */
#include "log/index_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"

enum { PAGE = 4096, RESERVE_MAX = 16 * PAGE };

/* Mapping happens once or twice in the life of an index: one lock for all. */
static pthread_mutex_t map_lock = PTHREAD_MUTEX_INITIALIZER;

static const uint8_t zeros[PAGE];

static int open_file(const struct kq_index_file *x, int flags, int *fd)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/%020" PRId64 ".%s", x->dir, x->base_offset,
		     x->suffix) >= (int)sizeof path)
		return KQ_EINVAL;
	*fd = open(path, flags | O_CLOEXEC, 0644);
	return *fd < 0 ? kq_errno_from(errno) : 0;
}

void kq_index_file_init(struct kq_index_file *x, const char *dir, int64_t base_offset,
			const char *suffix, int entry_size, int32_t max_bytes)
{
	memset(x, 0, sizeof *x);
	x->dir = dir;
	x->base_offset = base_offset;
	x->suffix = suffix;
	x->entry_size = (uint8_t)entry_size;
	x->max_entries = (uint32_t)(max_bytes / entry_size);
}

void kq_index_file_deinit(struct kq_index_file *x)
{
	uint8_t *map = atomic_load(&x->map);
	if (map)
		munmap(map, x->map_len);
	atomic_store(&x->map, NULL);
}

static int read_entry(const struct kq_index_file *x, int fd, int64_t i, uint8_t *entry, bool *zero)
{
	size_t got;
	int rc = kq_io_pread(fd, entry, x->entry_size, i * x->entry_size, &got);
	if (!rc && got < x->entry_size)
		rc = KQ_EIO;
	*zero = !rc && !memcmp(entry, zeros, x->entry_size);
	return rc;
}

/* How many of n entries stand before the zero tail; the last of them in `last`. */
static int count_used(const struct kq_index_file *x, int fd, int64_t *n, uint8_t *last)
{
	int64_t lo = 0, hi = *n;
	bool zero;
	int rc = 0;
	while (lo < hi && !rc) {
		int64_t mid = lo + (hi - lo) / 2;
		rc = read_entry(x, fd, mid, last, &zero);
		if (zero)
			hi = mid;
		else
			lo = mid + 1;
	}
	*n = lo;
	return rc || !lo ? rc : read_entry(x, fd, lo - 1, last, &zero);
}

int kq_index_file_load(struct kq_index_file *x, uint8_t last[KQ_INDEX_ENTRY_MAX])
{
	int fd;
	int rc = open_file(x, O_RDONLY, &fd);
	if (rc)
		return rc;
	struct stat st;
	int64_t n = 0;
	bool tail = false;
	if (fstat(fd, &st) < 0)
		rc = KQ_EIO;
	else if (st.st_size % x->entry_size || st.st_size > INT32_MAX)
		rc = KQ_ECORRUPT;
	else
		n = st.st_size / x->entry_size;
	if (!rc && n > 0)
		rc = read_entry(x, fd, n - 1, last, &tail);
	if (!rc && tail)
		rc = count_used(x, fd, &n, last);
	close(fd);
	if (rc)
		return rc;
	atomic_store(&x->entries, (uint32_t)n);
	return tail;
}

/* Maps room for all entries that may come, whatever the file's size is now: pages
 * behind its end are not touched before a put has made the file longer. */
static int map_locked(struct kq_index_file *x, int fd)
{
	uint32_t n = atomic_load(&x->entries);
	size_t len = (size_t)(n > x->max_entries ? n : x->max_entries) * x->entry_size;
	if (len == 0)
		len = PAGE;
	void *map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return kq_errno_from(errno);
	x->map_len = len;
	atomic_store_explicit(&x->map, map, memory_order_release);
	return 0;
}

static int map_file(struct kq_index_file *x)
{
	int rc = 0;
	pthread_mutex_lock(&map_lock);
	if (!atomic_load(&x->map)) {
		int fd;
		rc = open_file(x, O_RDWR, &fd);
		if (!rc) {
			rc = map_locked(x, fd);
			close(fd);
		}
	}
	pthread_mutex_unlock(&map_lock);
	return rc;
}

const uint8_t *kq_index_file_peek(struct kq_index_file *x, int *rc)
{
	const uint8_t *map = atomic_load_explicit(&x->map, memory_order_acquire);
	*rc = 0;
	if (!map && (*rc = map_file(x)))
		return NULL;
	return map ? map : atomic_load_explicit(&x->map, memory_order_acquire);
}

/* Makes the file full-sized, maps it, and reserves blocks up to `need` bytes. */
static int prepare(struct kq_index_file *x, uint32_t need)
{
	size_t full = (size_t)x->max_entries * x->entry_size;
	int fd;
	int rc = open_file(x, O_RDWR | O_CREAT, &fd);
	if (rc)
		return rc;
	if (!x->ready) {
		rc = kq_io_ftruncate("index-grow", fd, (off_t)full);
		x->ready = rc ? 0 : atomic_load(&x->entries) * x->entry_size;
	}
	uint32_t step = x->ready < RESERVE_MAX ? x->ready + PAGE : x->ready + RESERVE_MAX;
	uint32_t to = (step > need ? step : need) / PAGE * PAGE;
	if (to < need || to > full)
		to = (uint32_t)full;
	while (!rc && x->ready < to) {
		uint32_t n = PAGE - x->ready % PAGE;
		if (n > to - x->ready)
			n = to - x->ready;
		rc = kq_io_pwrite("index-reserve", fd, zeros, n, x->ready);
		if (!rc)
			x->ready += n;
	}
	close(fd);
	return rc ? rc : map_file(x);
}

int kq_index_file_put(struct kq_index_file *x, const uint8_t *entry)
{
	uint32_t n = atomic_load_explicit(&x->entries, memory_order_relaxed);
	uint32_t end = (n + 1) * x->entry_size;
	if (n >= x->max_entries)
		return KQ_ELIMIT;
	if (end > x->ready) {
		int rc = prepare(x, end);
		if (rc)
			return rc;
	}
	uint8_t *map = atomic_load_explicit(&x->map, memory_order_relaxed);
	memcpy(map + end - x->entry_size, entry, x->entry_size);
	atomic_store_explicit(&x->entries, n + 1, memory_order_release);
	return 0;
}

int kq_index_file_cut(struct kq_index_file *x, uint32_t n)
{
	uint32_t old = atomic_load(&x->entries);
	if (n >= old)
		return 0;
	/* The file keeps its length: a lookup may be at work on the old count. */
	int rc;
	if (!kq_index_file_peek(x, &rc))
		return rc;
	atomic_store(&x->entries, n);
	memset(atomic_load(&x->map) + (size_t)n * x->entry_size, 0,
	       (size_t)(old - n) * x->entry_size);
	return 0;
}

int kq_index_file_trim(struct kq_index_file *x)
{
	size_t len = (size_t)atomic_load(&x->entries) * x->entry_size;
	int fd;
	int rc = open_file(x, O_RDWR | O_CREAT, &fd);
	if (rc)
		return rc;
	rc = kq_io_ftruncate("index-trim", fd, (off_t)len);
	close(fd);
	if (!rc)
		x->ready = 0;
	return rc;
}

int kq_index_file_reset(struct kq_index_file *x)
{
	kq_index_file_deinit(x);
	atomic_store(&x->entries, 0);
	return kq_index_file_trim(x);
}

int kq_index_file_sync(struct kq_index_file *x)
{
	int fd;
	int rc = open_file(x, O_RDONLY, &fd);
	if (rc)
		return rc == KQ_ENOTFOUND ? 0 : rc;
	rc = kq_io_fdatasync("index-sync", fd);
	close(fd);
	return rc;
}
