/* The list is short (one entry a change of leader), so it is searched from its
 * end and written whole.
 *
 * Crash: the file is replaced by rename, old or new. An epoch that did not reach it
 * is found again by recovery in the batches behind the recovery point. */
#include "log/leader_epochs.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/io.h"
#include "base/writer.h"
#include "log/checkpoint.h"

enum { FILE_MAX = 16 << 20, LINE_MAX_LEN = 40 };

static const char file_name[] = "leader-epoch-checkpoint";

void kq_leader_epochs_init(struct kq_leader_epochs *l, const char *dir)
{
	memset(l, 0, sizeof *l);
	l->dir = dir;
}

void kq_leader_epochs_deinit(struct kq_leader_epochs *l)
{
	free(l->entries);
	l->entries = NULL;
	l->count = l->cap = 0;
}

static void push(struct kq_leader_epochs *l, int32_t epoch, int64_t start)
{
	if (l->count == l->cap) {
		l->cap = l->cap ? l->cap * 2 : 1;
		l->entries = kq_realloc(l->entries, l->cap * sizeof *l->entries);
	}
	l->entries[l->count++] = (struct kq_epoch_entry){ start, epoch };
}

/* One line of the file: "epoch start". */
static int load_line(void *arg, const char *line)
{
	struct kq_leader_epochs *l = arg;
	int64_t epoch, start;
	if (!kq_checkpoint_number(&line, &epoch) || *line++ != ' ' ||
	    !kq_checkpoint_number(&line, &start) || *line || epoch > INT32_MAX)
		return KQ_ECORRUPT;
	const struct kq_epoch_entry *last = l->count ? &l->entries[l->count - 1] : NULL;
	if (last && (epoch <= last->epoch || start < last->start))
		return KQ_ECORRUPT;
	push(l, (int32_t)epoch, start);
	return 0;
}

int kq_leader_epochs_load(struct kq_leader_epochs *l, struct kq_error *e)
{
	char path[PATH_MAX];
	kq_leader_epochs_clear(l);
	l->dirty = false;
	if (snprintf(path, sizeof path, "%s/%s", l->dir, file_name) >= PATH_MAX)
		return kq_error_set(e, KQ_EINVAL, "%s: name too long", l->dir);
	int rc = kq_checkpoint_parse_file(path, FILE_MAX, load_line, l, e);
	if (rc) {
		l->count = 0;
		l->dirty = true;
	}
	return rc;
}

int kq_leader_epochs_flush(struct kq_leader_epochs *l)
{
	char path[PATH_MAX], line[LINE_MAX_LEN];
	if (!l->dirty)
		return 0;
	if (snprintf(path, sizeof path, "%s/%s", l->dir, file_name) >= PATH_MAX)
		return KQ_EINVAL;
	struct kq_writer w;
	kq_writer_init(&w, FILE_MAX);
	int n = snprintf(line, sizeof line, "0\n%" PRIu32 "\n", l->count);
	kq_write_bytes(&w, line, (size_t)n);
	for (uint32_t i = 0; i < l->count; i++) {
		n = snprintf(line, sizeof line, "%" PRId32 " %" PRId64 "\n", l->entries[i].epoch,
			     l->entries[i].start);
		kq_write_bytes(&w, line, (size_t)n);
	}
	int rc = w.err;
	if (!rc)
		rc = kq_io_replace_file("leader-epochs", path, w.buf, w.len);
	kq_writer_deinit(&w);
	if (!rc)
		l->dirty = false;
	return rc;
}

int kq_leader_epochs_assign(struct kq_leader_epochs *l, int32_t epoch, int64_t start)
{
	if (epoch < 0 || start < 0)
		return KQ_EINVAL;
	if (l->count) {
		const struct kq_epoch_entry *last = &l->entries[l->count - 1];
		if (last->epoch == epoch && last->start <= start)
			return 0;
	}
	while (l->count && (l->entries[l->count - 1].epoch >= epoch ||
			    l->entries[l->count - 1].start >= start))
		l->count--;
	push(l, epoch, start);
	l->dirty = true;
	return 0;
}

void kq_leader_epochs_truncate_end(struct kq_leader_epochs *l, int64_t end)
{
	while (l->count && l->entries[l->count - 1].start >= end) {
		l->count--;
		l->dirty = true;
	}
}

void kq_leader_epochs_truncate_start(struct kq_leader_epochs *l, int64_t start)
{
	uint32_t n = 0;
	while (n < l->count && l->entries[n].start <= start)
		n++;
	if (!n || (n == 1 && l->entries[0].start == start))
		return;
	l->entries[n - 1].start = start;
	l->count -= n - 1;
	memmove(l->entries, l->entries + n - 1, l->count * sizeof *l->entries);
	l->dirty = true;
}

void kq_leader_epochs_clear(struct kq_leader_epochs *l)
{
	if (!l->count)
		return;
	l->count = 0;
	l->dirty = true;
}

int32_t kq_leader_epochs_latest(const struct kq_leader_epochs *l)
{
	return l->count ? l->entries[l->count - 1].epoch : -1;
}

int32_t kq_leader_epochs_at(const struct kq_leader_epochs *l, int64_t offset)
{
	for (uint32_t i = l->count; i > 0; i--)
		if (l->entries[i - 1].start <= offset)
			return l->entries[i - 1].epoch;
	return -1;
}

void kq_leader_epochs_end(const struct kq_leader_epochs *l, int32_t epoch, int64_t log_end,
			  int32_t *found, int64_t *end)
{
	*found = -1;
	*end = -1;
	if (epoch < 0 || !l->count || epoch > kq_leader_epochs_latest(l))
		return;
	uint32_t i = l->count - 1;
	while (i > 0 && l->entries[i].epoch > epoch)
		i--;
	if (l->entries[i].epoch > epoch) { /* older than all */
		*found = epoch;
		*end = l->entries[0].start;
		return;
	}
	*found = l->entries[i].epoch;
	*end = i + 1 < l->count ? l->entries[i + 1].start : log_end;
}
