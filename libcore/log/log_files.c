/* What lies in a partition's directory at open (LOG_FORMAT section 8, steps 2 and 3).
 *
 * Files end in .deleted (to be removed), .cleaned (a compaction or split that was not
 * finished: removed), .swap (finished: it replaces all normal segments in its range).
 * Each step can be cut short and is then done again at the next start: a .swap keeps
 * its name until the segments it replaces are gone. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/log.h"
#include "log/log_impl.h"

enum kind { LOG, INDEX, OTHER }; /* INDEX: of any of the three sorts */
enum state { NORMAL, SWAP, CLEANED, DELETED };

struct entry {
	int64_t base;
	enum kind kind;
	enum state state;
	bool gone;
	char name[64];
};

struct listing {
	const char *dir;
	struct entry *v;
	size_t n, cap;
};

static bool ends(const char *s, const char *tail, size_t *len)
{
	size_t t = strlen(tail);
	if (*len < t || memcmp(s + *len - t, tail, t))
		return false;
	*len -= t;
	return true;
}

/* Reads <20 digits>.<suffix>[.swap|.cleaned|.deleted]. */
static bool parse(const char *name, struct entry *e)
{
	size_t len = strlen(name);
	if (len >= sizeof e->name || len < 21)
		return false;
	strcpy(e->name, name);
	e->gone = false;
	e->state = ends(name, ".swap", &len) ? SWAP : ends(name, ".cleaned", &len) ? CLEANED :
		   ends(name, ".deleted", &len) ? DELETED : NORMAL;
	e->kind = ends(name, ".log", &len) ? LOG :
		  ends(name, ".timeindex", &len) || ends(name, ".txnindex", &len) ||
		  ends(name, ".index", &len) ? INDEX : OTHER;
	if (len < 20 || (len != 20 && e->kind != OTHER))
		return false;
	e->base = 0;
	for (int i = 0; i < 20; i++) {
		if (name[i] < '0' || name[i] > '9' || e->base > (INT64_MAX - 9) / 10)
			return false;
		e->base = e->base * 10 + (name[i] - '0');
	}
	return e->kind != OTHER || e->state != NORMAL;
}

static int list(struct listing *l)
{
	DIR *d = opendir(l->dir);
	if (!d)
		return kq_errno_from(errno);
	struct dirent *de;
	while ((errno = 0, de = readdir(d))) {
		struct entry e;
		if (!parse(de->d_name, &e))
			continue;
		if (l->n == l->cap) {
			l->cap = l->cap ? l->cap * 2 : 8;
			l->v = kq_realloc(l->v, l->cap * sizeof *l->v);
		}
		l->v[l->n++] = e;
	}
	int rc = errno ? kq_errno_from(errno) : 0;
	closedir(d);
	return rc;
}

static void entry_path(char path[PATH_MAX], const struct listing *l, const struct entry *e)
{
	snprintf(path, PATH_MAX, "%s/%s", l->dir, e->name);
}

static int drop(struct listing *l, struct entry *e)
{
	char path[PATH_MAX];
	entry_path(path, l, e);
	e->gone = true;
	return unlink(path) < 0 && errno != ENOENT ? kq_errno_from(errno) : 0;
}

/* Offset behind the last batch of a .log, by its headers. */
static int log_end(const struct listing *l, const struct entry *e, int64_t *end)
{
	char path[PATH_MAX];
	entry_path(path, l, e);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0) {
		if (fd >= 0)
			close(fd);
		return kq_errno_from(errno);
	}
	uint8_t window[KQ_SCAN_WINDOW];
	struct kq_segment_scan scan;
	struct kq_batch b;
	int64_t pos;
	int rc;
	*end = e->base;
	kq_segment_scan_init(&scan, fd, 0, st.st_size, window, sizeof window);
	while ((rc = kq_segment_scan_next(&scan, &b, &pos)) > 0)
		*end = kq_batch_last_offset(&b) + 1;
	kq_segment_scan_deinit(&scan);
	close(fd);
	return rc;
}

/* Removes what a swap replaces: normal segments in [lowest swap, end of highest). */
static int make_way(struct listing *l)
{
	int64_t from = INT64_MAX, to = INT64_MIN;
	for (size_t i = 0; i < l->n; i++) {
		struct entry *e = &l->v[i];
		if (e->gone || e->state != SWAP || e->kind != LOG)
			continue;
		int64_t end;
		int rc = log_end(l, e, &end);
		if (rc)
			return rc;
		from = e->base < from ? e->base : from;
		to = end > to ? end : to;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct entry *e = &l->v[i];
		if (e->gone || e->state != NORMAL || e->base < from || e->base >= to)
			continue;
		int rc = drop(l, e);
		if (rc)
			return rc;
	}
	return 0;
}

/* The swaps take their normal names; the .log last, so that a crash in between finds
 * it as a swap again. */
static int swap_in(struct listing *l, enum kind kind)
{
	for (size_t i = 0; i < l->n; i++) {
		struct entry *e = &l->v[i];
		if (e->gone || e->state != SWAP || e->kind != kind)
			continue;
		char from[PATH_MAX], to[PATH_MAX];
		entry_path(from, l, e);
		e->name[strlen(e->name) - strlen(".swap")] = '\0';
		entry_path(to, l, e);
		e->state = NORMAL;
		int rc = kq_io_rename("swap-in", from, to);
		if (rc)
			return rc;
	}
	return 0;
}

static bool has_log(const struct listing *l, int64_t base)
{
	for (size_t i = 0; i < l->n; i++) {
		if (!l->v[i].gone && l->v[i].kind == LOG && l->v[i].state == NORMAL &&
		    l->v[i].base == base)
			return true;
	}
	return false;
}

static int tidy(struct listing *l)
{
	int64_t cleaned = INT64_MAX;
	bool swaps = false;
	int rc = 0;
	for (size_t i = 0; i < l->n && !rc; i++) {
		struct entry *e = &l->v[i];
		if (e->state == CLEANED && e->base < cleaned)
			cleaned = e->base;
		if (e->state == CLEANED || e->state == DELETED)
			rc = drop(l, e);
	}
	for (size_t i = 0; i < l->n && !rc; i++) {
		struct entry *e = &l->v[i];
		if (e->state == SWAP && (e->base >= cleaned || e->kind == OTHER))
			rc = drop(l, e);
		swaps |= e->state == SWAP && !e->gone;
	}
	if (!rc && swaps)
		rc = make_way(l);
	if (!rc && swaps)
		rc = swap_in(l, INDEX);
	if (!rc && swaps)
		rc = swap_in(l, LOG);
	if (!rc && swaps)
		rc = kq_io_syncdir("swap-in", l->dir);
	for (size_t i = 0; i < l->n && !rc; i++) {
		struct entry *e = &l->v[i];
		if (!e->gone && e->kind == INDEX && !has_log(l, e->base))
			rc = drop(l, e);
	}
	return rc;
}

static int ascending(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

int kq_log_files_load(const char *dir, int64_t **bases, int *n, struct kq_error *e)
{
	struct listing l = { .dir = dir };
	int rc = list(&l);
	if (!rc)
		rc = tidy(&l);
	*n = 0;
	*bases = NULL;
	if (rc) {
		free(l.v);
		return kq_error_set(e, rc, "cannot tidy up '%s': %s", dir, kq_strerror(rc));
	}
	*bases = kq_calloc(l.n + 1, sizeof **bases);
	for (size_t i = 0; i < l.n; i++) {
		if (!l.v[i].gone && l.v[i].kind == LOG && l.v[i].state == NORMAL)
			(*bases)[(*n)++] = l.v[i].base;
	}
	qsort(*bases, (size_t)*n, sizeof **bases, ascending);
	free(l.v);
	return 0;
}
