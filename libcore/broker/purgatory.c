/* Whoever makes `needed` reach zero, or the timer, or the drain, tries to set woken;
 * the one who succeeds posts the request to its loop. There all watches are taken
 * back: one whose callback is just running elsewhere is waited for (a few
 * instructions), so that resume() may free everything. */
#include "broker/purgatory.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/alloc.h"

struct kq_purgatory {
	struct kq_timers *timers;
	pthread_mutex_t lock; /* leaf */
	struct kq_parked *first;
	int64_t count;
	bool draining;
};

struct kq_purgatory *kq_purgatory_new(struct kq_timers *timers)
{
	struct kq_purgatory *home = kq_calloc(1, sizeof *home);
	home->timers = timers;
	pthread_mutex_init(&home->lock, NULL);
	return home;
}

void kq_purgatory_free(struct kq_purgatory *home)
{
	if (!home)
		return;
	assert(!home->first);
	pthread_mutex_destroy(&home->lock);
	free(home);
}

int64_t kq_purgatory_count(struct kq_purgatory *home)
{
	pthread_mutex_lock(&home->lock);
	int64_t n = home->count;
	pthread_mutex_unlock(&home->lock);
	return n;
}

/* True if the broker stops and p need not wait. */
static bool list(struct kq_parked *p)
{
	struct kq_purgatory *home = p->home;
	pthread_mutex_lock(&home->lock);
	p->prev = NULL;
	p->next = home->first;
	if (p->next)
		p->next->prev = p;
	home->first = p;
	home->count++;
	bool stops = p->drains && home->draining;
	p->stopped = stops;
	pthread_mutex_unlock(&home->lock);
	return stops;
}

static void unlist(struct kq_parked *p)
{
	struct kq_purgatory *home = p->home;
	pthread_mutex_lock(&home->lock);
	*(p->prev ? &p->prev->next : &home->first) = p->next;
	if (p->next)
		p->next->prev = p->prev;
	home->count--;
	pthread_mutex_unlock(&home->lock);
}

/* On the loop: nobody else knows of p when this is through. */
static void on_loop(void *arg)
{
	struct kq_parked *p = arg;
	unlist(p);
	kq_timers_cancel(p->home->timers, &p->timer);
	for (int i = 0; i < p->watch_count; i++) {
		struct kq_watch *w = &p->watches[i];
		if (atomic_load(&w->quiet) || kq_partition_unwait(&w->waiter))
			continue;
		while (!atomic_load(&w->quiet))
			sched_yield();
	}
	p->resume(p);
}

/* True for one caller only, who must post p then. */
static bool wake(struct kq_parked *p)
{
	return !atomic_exchange(&p->woken, true);
}

static void on_moved(struct kq_waiter *waiter, bool retired)
{
	struct kq_watch *w = (struct kq_watch *)waiter;
	struct kq_parked *p = w->parked;
	struct kq_exchange *x = p->x;
	if (retired)
		atomic_store(&p->retired, true);
	bool mine = atomic_fetch_sub(&p->needed, 1) == 1 && wake(p);
	atomic_store(&w->quiet, true); /* p may be gone now, unless it is mine to post */
	if (mine)
		kq_exchange_post(x, on_loop, p);
}

static void on_timer(void *arg)
{
	struct kq_parked *p = arg;
	atomic_store(&p->timed_out, true);
	if (wake(p))
		kq_exchange_post(p->x, on_loop, p); /* its cancel waits for our return */
}

void kq_parked_init(struct kq_parked *p, struct kq_purgatory *home, struct kq_exchange *x,
		    struct kq_watch *watches, int needed, void (*resume)(struct kq_parked *p))
{
	assert(needed > 0);
	p->home = home;
	p->x = x;
	p->watches = watches;
	p->watch_count = 0;
	p->resume = resume;
	p->timer = (struct kq_timer){ .fn = on_timer, .arg = p, .heap_index = -1 };
	p->stopped = false;
	atomic_store(&p->needed, needed + 1);
	atomic_store(&p->woken, false);
	atomic_store(&p->timed_out, false);
	atomic_store(&p->retired, false);
}

void kq_parked_watch(struct kq_parked *p, struct kq_partition *partition, int64_t until)
{
	struct kq_watch *w = &p->watches[p->watch_count++];
	*w = (struct kq_watch){ .parked = p };
	w->waiter.until = until;
	w->waiter.fn = on_moved;
	if (kq_partition_wait(partition, &w->waiter))
		return;
	if (kq_partition_is_dead(partition))
		atomic_store(&p->retired, true);
	atomic_store(&w->quiet, true);
	atomic_fetch_sub(&p->needed, 1); /* kq_parked_go looks */
}

void kq_parked_go(struct kq_parked *p, int64_t delay_ms)
{
	struct kq_exchange *x = p->x;
	bool stops = list(p);
	kq_timers_add(p->home->timers, &p->timer, delay_ms);
	bool enough = atomic_fetch_sub(&p->needed, 1) <= 1 || stops;
	if (enough && wake(p))
		kq_exchange_post(x, on_loop, p);
}

void kq_purgatory_drain(struct kq_purgatory *home)
{
	pthread_mutex_lock(&home->lock);
	home->draining = true;
	for (struct kq_parked *p = home->first; p; p = p->next) {
		if (!p->drains || !wake(p))
			continue;
		p->stopped = true;
		kq_exchange_post(p->x, on_loop, p); /* it leaves the list after we are through */
	}
	pthread_mutex_unlock(&home->lock);
}
