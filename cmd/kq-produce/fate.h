/* What becomes of records: counts, --report, --undelivered, the first failure.
 *
 * Filled from the producer's thread, read by the main one. */
#ifndef KQ_PRODUCE_FATE_H
#define KQ_PRODUCE_FATE_H

#include <pthread.h>
#include <stdatomic.h>

#include "common/out.h"
#include "config.h"

struct fate {
	atomic_bool failed;        /* something was not delivered */
	atomic_bool stdout_gone;
	pthread_mutex_t lock;      /* of what follows */
	uint64_t undelivered;      /* records */
	int first_error;
	char first_reason[256];
	uint64_t first_line;       /* of the first record that was refused; 0 none */
	struct kq_out kept;        /* --undelivered; fd -1 none */
	struct kq_out reports;     /* --report */
	bool reporting, giving_up; /* giving_up: the rest fails because we stop */
};

/* Opens FILE of --undelivered (at the first thing to keep). */
void fate_init(struct fate *f, const struct config *c);
void fate_deinit(struct fate *f);

/* The producer's callback; arg is the struct fate. */
void fate_delivered(void *arg, const struct kq_delivery *d);

/* Keeps bytes that were never given to the producer; records: how many they are, 0 not
 * known. */
void fate_keep(struct fate *f, const void *p, size_t n, uint64_t records);

/* Writes out what is buffered: 0 or 1 with the failure told. */
int fate_finish(struct fate *f, const struct config *c);

#endif
