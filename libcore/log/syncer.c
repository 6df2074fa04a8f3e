/* Each log carries its state in its link, which tells who is to do what:
 *
 *	idle --request--> queued --worker--> running --done--> idle
 *	                                      | request
 *	                                      v
 *	                                    again --done--> queued
 *
 * So two workers never sync the same log, and a slow log holds up one worker only.
 * A request always writes the state, even where it stays the same: the worker's step
 * to "running" then either comes after it and sees what was appended before it, or
 * comes before it and the request finds "running". */
#include "log/syncer.h"

#include <assert.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "kq/error.h"
#include "log/log_internal.h"
#include "log/log_manager.h"

enum state { IDLE, QUEUED, RUNNING, AGAIN };

struct kq_syncer {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct kq_log *head, *tail; /* through kq_log_link.next */
	bool stopping;
	int (*sync)(struct kq_log *log);
	atomic_uint_fast64_t requests, syncs, us_total, us_max;
	int thread_count;
	pthread_t threads[];
};

static void push(struct kq_syncer *s, struct kq_log *log)
{
	kq_log_link(log)->next = NULL;
	pthread_mutex_lock(&s->lock);
	if (s->tail)
		kq_log_link(s->tail)->next = log;
	else
		s->head = log;
	s->tail = log;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
}

/* The next log, or NULL when the syncer stops and nothing is left. */
static struct kq_log *pop(struct kq_syncer *s)
{
	pthread_mutex_lock(&s->lock);
	while (!s->head && !s->stopping)
		pthread_cond_wait(&s->wake, &s->lock);
	struct kq_log *log = s->head;
	if (log) {
		s->head = kq_log_link(log)->next;
		if (!s->head)
			s->tail = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return log;
}

static void count(struct kq_syncer *s, uint64_t us)
{
	atomic_fetch_add_explicit(&s->syncs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->us_total, us, memory_order_relaxed);
	uint_fast64_t max = atomic_load_explicit(&s->us_max, memory_order_relaxed);
	while (us > max && !atomic_compare_exchange_weak(&s->us_max, &max, us))
		;
}

static void sync_one(struct kq_syncer *s, struct kq_log *log)
{
	atomic_int *state = &kq_log_link(log)->queued;
	int was = atomic_exchange(state, RUNNING);
	assert(was == QUEUED);
	(void)was;
	int64_t start = kq_clock_mono_us();
	s->sync(log);
	count(s, (uint64_t)(kq_clock_mono_us() - start));
	int running = RUNNING;
	if (atomic_compare_exchange_strong(state, &running, IDLE)) {
		kq_log_unref(log);
		return;
	}
	assert(running == AGAIN);
	atomic_store(state, QUEUED);
	push(s, log);
}

static void *worker(void *arg)
{
	struct kq_syncer *s = arg;
	for (struct kq_log *log; (log = pop(s));)
		sync_one(s, log);
	return NULL;
}

void kq_syncer_request(struct kq_syncer *s, struct kq_log *log)
{
	static const int next[] = { QUEUED, QUEUED, AGAIN, AGAIN };
	atomic_int *state = &kq_log_link(log)->queued;
	atomic_fetch_add_explicit(&s->requests, 1, memory_order_relaxed);
	int was = atomic_load(state);
	while (!atomic_compare_exchange_weak(state, &was, next[was]))
		;
	if (was != IDLE)
		return;
	kq_log_ref(log);
	push(s, log);
}

int kq_syncer_start(struct kq_syncer **out, int threads, int (*sync)(struct kq_log *log))
{
	assert(threads > 0);
	struct kq_syncer *s = kq_calloc(1, sizeof *s + (size_t)threads * sizeof s->threads[0]);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	s->sync = sync;
	for (int i = 0; i < threads; i++) {
		if (pthread_create(&s->threads[i], NULL, worker, s)) {
			kq_syncer_stop(s);
			return KQ_ENOMEM;
		}
		s->thread_count++;
	}
	*out = s;
	return 0;
}

void kq_syncer_stop(struct kq_syncer *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->wake);
	pthread_mutex_unlock(&s->lock);
	for (int i = 0; i < s->thread_count; i++)
		pthread_join(s->threads[i], NULL);
	assert(!s->head);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

void kq_syncer_stats(const struct kq_syncer *s, struct kq_syncer_stats *out)
{
	out->requests = atomic_load_explicit(&s->requests, memory_order_relaxed);
	out->syncs = atomic_load_explicit(&s->syncs, memory_order_relaxed);
	out->sync_us_total = atomic_load_explicit(&s->us_total, memory_order_relaxed);
	out->sync_us_max = atomic_load_explicit(&s->us_max, memory_order_relaxed);
}
