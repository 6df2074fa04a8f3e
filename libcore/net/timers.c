/* A binary heap of deadlines and one thread that sleeps until the first of them.
 *
 * Timers are mostly cancelled long before they are due, so the thread is not woken
 * for each change: it keeps sleeping until the moment it has chosen (wake_ms), even
 * if that timer is gone, and is only signalled for an earlier one. */
#include "net/timers.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"

struct kq_timers {
	pthread_mutex_t lock;
	pthread_cond_t earlier;  /* a timer due before wake_ms was added, or stop */
	pthread_cond_t returned; /* a callback has returned */
	pthread_t thread;
	struct kq_timer **heap;
	int count, cap;
	int64_t wake_ms;         /* the thread sleeps until then; INT64_MAX for ever */
	struct kq_timer *firing; /* its callback runs now */
	bool stop;
};

static void place(struct kq_timers *t, int i, struct kq_timer *timer)
{
	t->heap[i] = timer;
	timer->heap_index = i;
}

static void sift_up(struct kq_timers *t, int i, struct kq_timer *timer)
{
	while (i > 0 && t->heap[(i - 1) / 2]->due_ms > timer->due_ms) {
		place(t, i, t->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(t, i, timer);
}

static void sift_down(struct kq_timers *t, int i, struct kq_timer *timer)
{
	for (;;) {
		int child = 2 * i + 1;
		if (child >= t->count)
			break;
		if (child + 1 < t->count && t->heap[child + 1]->due_ms < t->heap[child]->due_ms)
			child++;
		if (t->heap[child]->due_ms >= timer->due_ms)
			break;
		place(t, i, t->heap[child]);
		i = child;
	}
	place(t, i, timer);
}

static void heap_remove(struct kq_timers *t, struct kq_timer *timer)
{
	int i = timer->heap_index;
	assert(i >= 0 && i < t->count && t->heap[i] == timer);
	struct kq_timer *last = t->heap[--t->count];
	timer->heap_index = -1;
	if (last == timer)
		return;
	if (i > 0 && t->heap[(i - 1) / 2]->due_ms > last->due_ms)
		sift_up(t, i, last);
	else
		sift_down(t, i, last);
}

static void sleep_until(struct kq_timers *t, int64_t due_ms)
{
	t->wake_ms = due_ms;
	if (due_ms == INT64_MAX) {
		pthread_cond_wait(&t->earlier, &t->lock);
	} else {
		struct timespec ts = { .tv_sec = due_ms / 1000,
				       .tv_nsec = due_ms % 1000 * 1000000 };
		pthread_cond_timedwait(&t->earlier, &t->lock, &ts);
	}
	t->wake_ms = 0;
}

static void *run(void *arg)
{
	struct kq_timers *t = arg;
	pthread_mutex_lock(&t->lock);
	while (!t->stop) {
		int64_t due_ms = t->count ? t->heap[0]->due_ms : INT64_MAX;
		if (due_ms > kq_clock_mono_ms()) {
			sleep_until(t, due_ms);
			continue;
		}
		struct kq_timer *timer = t->heap[0];
		heap_remove(t, timer);
		t->firing = timer;
		pthread_mutex_unlock(&t->lock);
		timer->fn(timer->arg); /* the timer may be gone from here on */
		pthread_mutex_lock(&t->lock);
		t->firing = NULL;
		pthread_cond_broadcast(&t->returned);
	}
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

struct kq_timers *kq_timers_new(void)
{
	struct kq_timers *t = kq_calloc(1, sizeof *t);
	pthread_condattr_t attr;
	pthread_mutex_init(&t->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&t->earlier, &attr);
	pthread_cond_init(&t->returned, NULL);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&t->thread, NULL, run, t) != 0) {
		pthread_cond_destroy(&t->earlier);
		pthread_cond_destroy(&t->returned);
		pthread_mutex_destroy(&t->lock);
		free(t);
		return NULL;
	}
	return t;
}

void kq_timers_free(struct kq_timers *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stop = true;
	pthread_cond_signal(&t->earlier);
	pthread_mutex_unlock(&t->lock);
	pthread_join(t->thread, NULL);
	pthread_cond_destroy(&t->earlier);
	pthread_cond_destroy(&t->returned);
	pthread_mutex_destroy(&t->lock);
	free(t->heap);
	free(t);
}

void kq_timers_add(struct kq_timers *t, struct kq_timer *timer, int64_t delay_ms)
{
	if (delay_ms < 0)
		delay_ms = 0;
	pthread_mutex_lock(&t->lock);
	timer->due_ms = kq_clock_mono_ms() + delay_ms;
	if (t->count == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->heap = kq_realloc(t->heap, (size_t)t->cap * sizeof *t->heap);
	}
	sift_up(t, t->count++, timer);
	if (timer->due_ms < t->wake_ms)
		pthread_cond_signal(&t->earlier);
	pthread_mutex_unlock(&t->lock);
}

bool kq_timers_cancel(struct kq_timers *t, struct kq_timer *timer)
{
	bool was_armed = false;
	pthread_mutex_lock(&t->lock);
	if (timer->heap_index >= 0) {
		heap_remove(t, timer);
		was_armed = true;
	} else if (!pthread_equal(pthread_self(), t->thread)) {
		while (t->firing == timer)
			pthread_cond_wait(&t->returned, &t->lock);
	}
	pthread_mutex_unlock(&t->lock);
	return was_armed;
}
