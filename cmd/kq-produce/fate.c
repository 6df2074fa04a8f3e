#include "fate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/report.h"

void fate_init(struct fate *f, const struct config *c)
{
	memset(f, 0, sizeof *f);
	pthread_mutex_init(&f->lock, NULL);
	kq_out_init(&f->kept, -1);
	kq_out_init(&f->reports, STDOUT_FILENO);
	f->reporting = c->report;
	if (!c->undelivered)
		return;
	/* Made at once, so that a file that cannot be is known before anything is sent;
	 * appended to, so that a second run loses nothing of the first. */
	int fd = open(c->undelivered, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0)
		f->first_error = errno;
	else
		f->kept.fd = fd;
}

void fate_deinit(struct fate *f)
{
	if (f->kept.fd >= 0)
		close(f->kept.fd);
	kq_out_deinit(&f->kept);
	kq_out_deinit(&f->reports);
	pthread_mutex_destroy(&f->lock);
}

static void report_record(void *arg, const struct kq_message *m, uint64_t tag)
{
	struct kq_out *o = arg;
	(void)tag;
	kq_out_int(o, m->partition);
	kq_out_char(o, '\t');
	kq_out_int(o, m->offset);
	kq_out_char(o, '\t');
	kq_out_int(o, m->timestamp);
	kq_out_char(o, '\n');
}

/* Written out at once: whoever looks, or kills us, finds it there. Under the lock. */
static void keep(struct fate *f, const void *p, size_t n)
{
	if (f->kept.fd < 0)
		return;
	kq_out_bytes(&f->kept, p, n);
	kq_out_flush(&f->kept);
}

void fate_delivered(void *arg, const struct kq_delivery *d)
{
	struct fate *f = arg;
	pthread_mutex_lock(&f->lock);
	if (!d->error) {
		if (f->reporting) {
			kq_delivery_walk(d, report_record, &f->reports);
			if (kq_out_flush(&f->reports))
				atomic_store(&f->stdout_gone, true);
		}
	} else {
		f->undelivered += (uint64_t)d->count;
		if (!f->first_error && !f->giving_up) {
			f->first_error = d->error;
			f->first_line = d->error == KQ_ETOOBIG || d->count == 1 ? d->first_tag : 0;
			snprintf(f->first_reason, sizeof f->first_reason, "%s", d->reason);
		}
		if (d->raw.len > 0)
			keep(f, d->raw.p, (size_t)d->raw.len);
		atomic_store(&f->failed, true);
	}
	pthread_mutex_unlock(&f->lock);
}

void fate_keep(struct fate *f, const void *p, size_t n, uint64_t records)
{
	pthread_mutex_lock(&f->lock);
	f->undelivered += records;
	keep(f, p, n);
	pthread_mutex_unlock(&f->lock);
}

int fate_finish(struct fate *f, const struct config *c)
{
	int status = 0;
	if (f->kept.fd >= 0) {
		bool synced = fsync(f->kept.fd) == 0 || errno == EINVAL; /* a pipe cannot be */
		if (f->kept.err || !synced) {
			kq_report("cannot write '%s': %s", c->undelivered,
				  f->kept.err ? kq_strerror(f->kept.err) : strerror(errno));
			status = KQ_EXIT_FAILED;
		}
	}
	if (f->reporting && kq_out_finish(&f->reports))
		status = KQ_EXIT_FAILED;
	return status;
}
