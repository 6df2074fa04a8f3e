/* A loop's thread: what comes in from other threads (new connections, completed and
 * posted exchanges, the end), the clock of idle connections, buffers for reuse.
 *
 * Inbox and fresh are stacks that others push with one compare-and-swap and the loop
 * takes whole; only the push onto an empty stack wakes the loop. */
#include <assert.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/server_impl.h"

static _Thread_local struct kq_loop *this_loop;

bool kq_loop_is_mine(const struct kq_loop *l)
{
	return l == this_loop;
}

void kq_loop_wake(struct kq_loop *l)
{
	atomic_fetch_add(&l->wakers, 1);
	if (!atomic_load(&l->ended))
		uv_async_send(&l->wake);
	atomic_fetch_sub(&l->wakers, 1);
}

void kq_loop_post(struct kq_loop *l, struct kq_xchg *x)
{
	struct kq_xchg *top = atomic_load_explicit(&l->inbox, memory_order_relaxed);
	/* Once pushed, x may be handled and the loop end before this thread goes on. */
	atomic_fetch_add(&l->wakers, 1);
	do {
		x->inbox_next = top;
	} while (!atomic_compare_exchange_weak_explicit(&l->inbox, &top, x, memory_order_release,
							memory_order_relaxed));
	if (!top)
		kq_loop_wake(l);
	atomic_fetch_sub(&l->wakers, 1);
}

void kq_loop_give(struct kq_loop *l, struct kq_conn *c)
{
	struct kq_conn *top = atomic_load_explicit(&l->fresh, memory_order_relaxed);
	atomic_fetch_add(&l->conns, 1);
	do {
		c->fresh_next = top;
	} while (!atomic_compare_exchange_weak_explicit(&l->fresh, &top, c, memory_order_release,
							memory_order_relaxed));
	if (!top)
		kq_loop_wake(l);
}

/* ---- frame buffers: powers of two from 32 KiB, kept for the next large frame ---- */

static int pool_class(size_t want)
{
	int k = 0;
	while (k < KQ_NET_POOL_CLASSES && ((size_t)KQ_NET_FRAME_INLINE << k) < want)
		k++;
	return k;
}

uint8_t *kq_loop_buffer(struct kq_loop *l, size_t want, size_t *cap)
{
	int k = pool_class(want);
	assert(k < KQ_NET_POOL_CLASSES);
	*cap = (size_t)KQ_NET_FRAME_INLINE << k;
	l->pool_used = true;
	struct kq_free_buffer *b = l->pool[k];
	if (!b)
		return kq_try_malloc(*cap);
	l->pool[k] = b->next;
	l->pool_bytes -= *cap;
	return (uint8_t *)b;
}

void kq_loop_buffer_free(struct kq_loop *l, uint8_t *p, size_t cap)
{
	int k = pool_class(cap);
	if (k >= KQ_NET_POOL_CLASSES || cap != (size_t)KQ_NET_FRAME_INLINE << k ||
	    l->pool_bytes + cap > KQ_NET_POOL_BYTES) {
		free(p);
		return;
	}
	struct kq_free_buffer *b = (struct kq_free_buffer *)(void *)p; /* as malloc aligned it */
	b->next = l->pool[k];
	l->pool[k] = b;
	l->pool_bytes += cap;
}

static void empty_pool(struct kq_loop *l)
{
	for (int k = 0; k < KQ_NET_POOL_CLASSES; k++)
		while (l->pool[k]) {
			struct kq_free_buffer *b = l->pool[k];
			l->pool[k] = b->next;
			free(b);
		}
	l->pool_bytes = 0;
}

/* ---- what others have sent ---- */

static void begin_fresh(struct kq_loop *l)
{
	struct kq_conn *c = atomic_exchange_explicit(&l->fresh, NULL, memory_order_acquire);
	while (c) {
		struct kq_conn *next = c->fresh_next;
		kq_conn_begin(c, l);
		c = next;
	}
}

static struct kq_xchg *take_inbox(struct kq_loop *l)
{
	struct kq_xchg *x = atomic_exchange_explicit(&l->inbox, NULL, memory_order_acquire);
	struct kq_xchg *oldest = NULL;
	while (x) {
		struct kq_xchg *next = x->inbox_next;
		x->inbox_next = oldest;
		oldest = x;
		x = next;
	}
	return oldest;
}

static void run_inbox(struct kq_loop *l)
{
	l->in_inbox = true;
	struct kq_xchg *x = take_inbox(l);
	while (x) {
		struct kq_xchg *next = x->inbox_next;
		void (*post)(void *arg) = x->post;
		if (post) {
			x->post = NULL;
			post(x->post_arg);
		} else {
			kq_xchg_home(x);
		}
		x = next;
	}
	l->in_inbox = false;
	while (l->dirty) {
		struct kq_conn *c = l->dirty;
		l->dirty = c->dirty_next;
		c->dirty = false;
		kq_conn_pump(c);
		kq_conn_unref(c);
	}
}

static void unblock(struct kq_loop *l)
{
	if (!atomic_exchange(&l->unblock, false))
		return;
	struct kq_conn *c = l->blocked;
	l->blocked = NULL;
	while (c) {
		struct kq_conn *next = c->blocked_next;
		c->blocked = false;
		atomic_fetch_sub(&l->server->blocked, 1);
		kq_conn_pump(c); /* polls again; the read asks the budget again */
		kq_conn_unref(c);
		c = next;
	}
}

static void each_conn(struct kq_loop *l, void (*fn)(struct kq_conn *c))
{
	struct kq_conn *c = l->lru_first, *next;
	for (; c; c = next) {
		next = c->lru_next; /* fn may free c, never another one */
		fn(c);
	}
}

static void end(struct kq_loop *l)
{
	if (atomic_exchange(&l->ended, true))
		return;
	while (atomic_load(&l->wakers) > 0)
		sched_yield();
	uv_close((uv_handle_t *)&l->wake, NULL);
	uv_close((uv_handle_t *)&l->tick, NULL);
	uv_close((uv_handle_t *)&l->unmute, NULL);
}

static void on_unmute(uv_timer_t *h);

static void follow_stage(struct kq_loop *l)
{
	enum kq_net_stage stage = (enum kq_net_stage)atomic_load(&l->server->stage);
	if (stage != l->stage) {
		l->stage = stage;
		each_conn(l, stage == KQ_NET_KILL ? kq_conn_kill : kq_conn_finish);
		atomic_store(&l->unblock, true);
		unblock(l);
		on_unmute(&l->unmute);
	}
	if (l->stage != KQ_NET_RUN && atomic_load(&l->conns) == 0)
		end(l);
}

static void on_wake(uv_async_t *h)
{
	struct kq_loop *l = h->data;
	begin_fresh(l);
	run_inbox(l);
	unblock(l);
	follow_stage(l);
}

/* ---- the clock ---- */

static void end_idle(struct kq_loop *l, int64_t now_ms)
{
	int64_t limit_ms = l->server->o.idle_ms_max;
	struct kq_conn *c = l->lru_first, *next;
	for (; c; c = next) {
		next = c->lru_next;
		if (c->state == KQ_CONN_LINGERING) {
			if (now_ms - c->active_ms >= KQ_NET_LINGER_MS)
				kq_conn_kill(c);
			continue;
		}
		if (limit_ms <= 0 || now_ms - c->active_ms < limit_ms)
			break; /* the rest is younger */
		if (c->first && c->first->state == KQ_XCHG_WAITS)
			continue; /* not the client's fault */
		kq_info_log("net", "%s: closed, no progress for %lld ms", c->peer,
			    (long long)(now_ms - c->active_ms));
		atomic_fetch_add_explicit(&l->closed_idle, 1, memory_order_relaxed);
		kq_conn_kill(c);
	}
}

static void on_tick(uv_timer_t *h)
{
	struct kq_loop *l = h->data;
	end_idle(l, kq_clock_mono_ms());
	if (!l->pool_used)
		empty_pool(l);
	l->pool_used = false;
	follow_stage(l);
	if (atomic_load(&l->conns) == 0 && !l->pool_bytes && l->stage == KQ_NET_RUN)
		uv_timer_stop(h);
}

static void on_unmute(uv_timer_t *h)
{
	struct kq_loop *l = h->data;
	int64_t now_ms = kq_clock_mono_ms(), wait_ms = INT64_MAX;
	struct kq_conn *c = l->muted;
	l->muted = NULL;
	while (c) {
		struct kq_conn *next = c->muted_next;
		if (c->muted_until_ms > now_ms && c->state == KQ_CONN_OPEN) {
			c->muted_next = l->muted;
			l->muted = c;
			if (c->muted_until_ms - now_ms < wait_ms)
				wait_ms = c->muted_until_ms - now_ms;
		} else {
			c->muted_until_ms = 0;
			kq_conn_pump(c);
			kq_conn_unref(c);
		}
		c = next;
	}
	if (l->muted)
		uv_timer_start(&l->unmute, on_unmute, (uint64_t)wait_ms, 0);
}

void kq_loop_mute(struct kq_loop *l, struct kq_conn *c, int64_t ms)
{
	int64_t until_ms = kq_clock_mono_ms() + ms;
	bool listed = c->muted_until_ms != 0;
	if (until_ms > c->muted_until_ms)
		c->muted_until_ms = until_ms;
	if (!listed) {
		c->refs++;
		c->muted_next = l->muted;
		l->muted = c;
	}
	if (!uv_is_active((uv_handle_t *)&l->unmute) ||
	    uv_timer_get_due_in(&l->unmute) > (uint64_t)ms) {
		uv_update_time(&l->uv);
		uv_timer_start(&l->unmute, on_unmute, (uint64_t)ms, 0);
	}
}

/* Runs while there are connections; a quarter of the idle limit, 10 ms to 1 s. */
void kq_loop_start_tick(struct kq_loop *l)
{
	int64_t idle_ms = l->server->o.idle_ms_max;
	uint64_t ms = idle_ms <= 0 || idle_ms > 4000 ? 1000 : (uint64_t)(idle_ms / 4);
	if (ms < 10)
		ms = 10;
	if (!uv_is_active((uv_handle_t *)&l->tick))
		uv_timer_start(&l->tick, on_tick, ms, ms);
}

/* ---- the thread ---- */

static void *run(void *arg)
{
	struct kq_loop *l = arg;
	sigset_t all;
	sigfillset(&all); /* signals are the program's main thread's business */
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	this_loop = l;
	uv_run(&l->uv, UV_RUN_DEFAULT);
	int rc = uv_loop_close(&l->uv);
	assert(rc == 0);
	(void)rc;
	empty_pool(l);
	free(l->scratch);
	free(l->filebuf);
	pthread_mutex_lock(&l->server->stop_lock);
	l->server->loops_running--;
	pthread_cond_broadcast(&l->server->stopped);
	pthread_mutex_unlock(&l->server->stop_lock);
	return NULL;
}

int kq_loop_start(struct kq_loop *l, struct kq_server *s)
{
	l->server = s;
	if (uv_loop_init(&l->uv) < 0)
		return KQ_EIO;
	if (uv_async_init(&l->uv, &l->wake, on_wake) < 0) {
		uv_loop_close(&l->uv);
		return KQ_EIO;
	}
	uv_timer_init(&l->uv, &l->tick);
	uv_timer_init(&l->uv, &l->unmute);
	l->wake.data = l->tick.data = l->unmute.data = l;
	l->scratch = kq_malloc(KQ_NET_SCRATCH);
	l->filebuf = kq_malloc(KQ_NET_FILEBUF);
	if (pthread_create(&l->thread, NULL, run, l) == 0)
		return 0;
	uv_close((uv_handle_t *)&l->wake, NULL);
	uv_close((uv_handle_t *)&l->tick, NULL);
	uv_close((uv_handle_t *)&l->unmute, NULL);
	uv_run(&l->uv, UV_RUN_DEFAULT);
	uv_loop_close(&l->uv);
	free(l->scratch);
	free(l->filebuf);
	return KQ_EIO;
}

void kq_loop_join(struct kq_loop *l)
{
	pthread_join(l->thread, NULL);
}
