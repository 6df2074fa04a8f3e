/* Counts the calls that touch the disk and makes chosen ones fail. */
#ifndef UNIT_FAULT_INJECTOR_H
#define UNIT_FAULT_INJECTOR_H

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/io.h"

enum { SITES_MAX = 128, SHORT_WRITE = 7 };

/* A kind of call at a place. */
struct site {
	const char *op, *name;
	int hits;
};

enum persistence {
	ONCE,     /* this call only */
	FOR_GOOD, /* this and all later ones of the site */
	DEAD_DISK /* this and everything later */
};

struct fault {
	const char *op, *name; /* of the site; NULL: counted over all calls */
	int hit;               /* which of its calls, from 1 */
	int err;               /* errno; 0 no fault at all */
	bool cut;              /* pwrite: some bytes are written before it fails */
	enum persistence how;
};

static pthread_mutex_t injector_lock = PTHREAD_MUTEX_INITIALIZER;
static struct site sites[SITES_MAX];
static int site_count, calls;
static struct fault fault;
static bool fired;
static void (*on_fire)(const char *op, const char *name);

static struct site *site_of(const char *op, const char *name)
{
	for (int i = 0; i < site_count; i++)
		if (!strcmp(sites[i].op, op) && !strcmp(sites[i].name, name))
			return &sites[i];
	if (site_count == SITES_MAX)
		return &sites[0];
	sites[site_count] = (struct site){ op, name, 0 };
	return &sites[site_count++];
}

static bool is_due(const char *op, const char *name, int hits)
{
	if (!fault.err)
		return false;
	if (fired && fault.how == DEAD_DISK)
		return true;
	bool here = !fault.name || (!strcmp(fault.op, op) && !strcmp(fault.name, name));
	int n = fault.name ? hits : calls;
	return here && (n == fault.hit || (fired && fault.how == FOR_GOOD));
}

static int inject(const char *op, const char *name, size_t *partial)
{
	pthread_mutex_lock(&injector_lock);
	int err = 0;
	calls++;
	if (is_due(op, name, ++site_of(op, name)->hits)) {
		err = fault.err;
		fired = true;
		if (fault.cut && partial)
			*partial = SHORT_WRITE;
		if (on_fire)
			on_fire(op, name);
	}
	pthread_mutex_unlock(&injector_lock);
	return err;
}

/* From here on: this fault, and the count from 0. */
static void arm(const struct fault *f)
{
	pthread_mutex_lock(&injector_lock);
	fault = *f;
	fired = false;
	calls = 0;
	for (int i = 0; i < site_count; i++)
		sites[i].hits = 0;
	pthread_mutex_unlock(&injector_lock);
	kq_io_set_fault(inject);
}

static void disarm(void)
{
	kq_io_set_fault(NULL);
}

#endif
