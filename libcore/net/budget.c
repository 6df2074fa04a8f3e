/* Memory of all requests that are being read or handled.
 *
 * Above queued_bytes_max nobody reads: connections that have something to read are
 * parked on their loop's blocked list until requests end. So that half-read requests
 * which together fill the budget cannot wait for each other for ever, one connection
 * at a time, the holder, may finish the frame it has begun. The memory is thus
 * bounded by the budget, one frame, and one read of each connection. */
#include "base/alloc.h"
#include "net/server_impl.h"

static bool is_full(struct kq_server *s)
{
	return s->o.queued_bytes_max > 0 && atomic_load(&s->queued) >= s->o.queued_bytes_max;
}

void kq_budget_add(struct kq_server *s, size_t n)
{
	atomic_fetch_add(&s->queued, (int64_t)n);
}

static void wake_blocked(struct kq_server *s)
{
	for (int i = 0; i < s->loop_count; i++) {
		atomic_store(&s->loops[i].unblock, true);
		kq_loop_wake(&s->loops[i]);
	}
}

void kq_budget_sub(struct kq_server *s, size_t n)
{
	atomic_fetch_sub(&s->queued, (int64_t)n);
	if (atomic_load(&s->blocked) > 0 && !is_full(s))
		wake_blocked(s);
}

static bool become_holder(struct kq_conn *c)
{
	struct kq_conn *nobody = NULL;
	struct kq_server *s = c->loop->server;
	if (atomic_load(&s->holder) == c)
		return true;
	return c->in && atomic_compare_exchange_strong(&s->holder, &nobody, c);
}

bool kq_budget_may_read(struct kq_conn *c)
{
	struct kq_server *s = c->loop->server;
	if (!is_full(s) || become_holder(c))
		return true;
	atomic_fetch_add(&s->blocked, 1);
	/* The last request may have ended between the two looks: then nobody wakes us. */
	if (!is_full(s) || become_holder(c)) {
		atomic_fetch_sub(&s->blocked, 1);
		return true;
	}
	c->blocked = true;
	c->refs++;
	c->blocked_next = c->loop->blocked;
	c->loop->blocked = c;
	return false;
}

void kq_budget_let_go(struct kq_conn *c)
{
	struct kq_server *s = c->loop->server;
	if (atomic_load_explicit(&s->holder, memory_order_relaxed) != c)
		return;
	atomic_store(&s->holder, NULL);
	if (atomic_load(&s->blocked) > 0)
		wake_blocked(s);
}
