/* The set of connections and its poll loop; the pool of answer buffers.
 *
 * poll(2) over one array rebuilt each round: a client has a handful of
 * connections. An eventfd ends the wait from other threads; the flag beside it
 * saves the write when one is on its way already. */
#include "rpc/rpc.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "rpc/conn.h"

enum {
	BUF_ROUND = 64 << 10,       /* buffers grow in such steps */
	POOL_BYTES_MAX = 128 << 20, /* more than that is given back to the system */
};

struct kq_rpc *kq_rpc_new(const struct kq_rpc_config *cfg)
{
	struct kq_rpc *r = kq_calloc(1, sizeof(*r));
	r->cfg = *cfg;
	r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	r->jitter = (uint64_t)kq_clock_mono_us() ^ ((uint64_t)getpid() << 32);
	pthread_mutex_init(&r->pool_lock, NULL);
	return r;
}

static void conn_free(struct kq_rpc_conn *c)
{
	if (c->addrs)
		freeaddrinfo(c->addrs);
	free(c->host);
	free(c->name);
	free(c);
}

/* Frees connections that were forgotten while a poll walked the list. */
static void sweep(struct kq_rpc *r)
{
	struct kq_rpc_conn **at = &r->conns;
	while (*at) {
		struct kq_rpc_conn *c = *at;
		if (!c->dead) {
			at = &c->next;
			continue;
		}
		*at = c->next;
		conn_free(c);
	}
}

void kq_rpc_free(struct kq_rpc *r)
{
	if (!r)
		return;
	for (struct kq_rpc_conn *c = r->conns; c; c = c->next) {
		kq_conn_fail(c, KQ_ECLOSED, "closed");
		c->dead = true;
	}
	sweep(r);
	for (struct kq_rpc_buf *b = r->pool, *next; b; b = next) {
		next = b->next;
		free(b->p);
		free(b);
	}
	if (r->wake_fd >= 0)
		close(r->wake_fd);
	pthread_mutex_destroy(&r->pool_lock);
	free(r->fds);
	free(r);
}

void kq_rpc_wake(struct kq_rpc *r)
{
	if (atomic_exchange(&r->woken, true))
		return;
	uint64_t one = 1;
	ssize_t n = write(r->wake_fd, &one, sizeof(one));
	(void)n;
}

static void drain_wake(struct kq_rpc *r)
{
	uint64_t v;
	ssize_t n = read(r->wake_fd, &v, sizeof(v));
	(void)n;
	atomic_store(&r->woken, false);
}

/* Starts what is due, lays the array out, and finds the next internal deadline. */
static int prepare(struct kq_rpc *r, int64_t now, int64_t *due)
{
	int n = 1, need = 1;
	for (struct kq_rpc_conn *c = r->conns; c; c = c->next)
		need++;
	if (need > r->fds_cap) {
		r->fds = kq_realloc(r->fds, (size_t)need * 2 * sizeof(*r->fds));
		r->fds_cap = need * 2;
	}
	r->fds[0] = (struct pollfd){ .fd = r->wake_fd, .events = POLLIN };
	for (struct kq_rpc_conn *c = r->conns; c; c = c->next) {
		if (!c->dead && c->state == KQ_RPC_IDLE && c->wanted && c->retry_ms <= now)
			kq_conn_start(c);
		int64_t d = c->dead ? INT64_MAX : kq_conn_due(c);
		if (d < *due)
			*due = d;
		r->fds[n++] = (struct pollfd){ .fd = c->fd, .events = kq_conn_events(c) };
	}
	return n;
}

void kq_rpc_poll(struct kq_rpc *r, int64_t deadline_ms)
{
	int64_t now = kq_clock_mono_ms(), due = deadline_ms;
	r->polling = true;
	int n = prepare(r, now, &due);
	int64_t wait = due - now;
	if (wait < 0)
		wait = 0;
	if (wait > 60000)
		wait = 60000;
	int got = poll(r->fds, (nfds_t)n, (int)wait);
	if (got > 0 && r->fds[0].revents)
		drain_wake(r);
	now = kq_clock_mono_ms();
	/* New connections stand at the front of the list, so skip what was not there. */
	int i = 1, count = 0;
	for (struct kq_rpc_conn *c = r->conns; c; c = c->next)
		count++;
	struct kq_rpc_conn *c = r->conns;
	for (int extra = count - (n - 1); extra > 0; extra--)
		c = c->next;
	for (; c; c = c->next, i++) {
		if (got > 0 && !c->dead && r->fds[i].revents && r->fds[i].fd == c->fd)
			kq_conn_event(c, r->fds[i].revents);
		if (!c->dead)
			kq_conn_expire(c, now);
	}
	r->polling = false;
	sweep(r);
}

static struct kq_rpc_conn *conn_new(struct kq_rpc *r, const char *host, int port, bool own)
{
	struct kq_rpc_conn *c = kq_calloc(1, sizeof(*c));
	size_t n = strlen(host) + 16;
	c->rpc = r;
	c->host = kq_strdup(host);
	c->name = kq_malloc(n);
	snprintf(c->name, n, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
	c->port = port;
	c->own = own;
	c->fd = -1;
	c->last = &c->first;
	c->next = r->conns;
	r->conns = c;
	return c;
}

struct kq_rpc_conn *kq_rpc_find(struct kq_rpc *r, const char *host, int port)
{
	struct kq_rpc_conn *c = r->conns;
	while (c && (c->dead || c->own || c->port != port || strcmp(c->host, host)))
		c = c->next;
	return c;
}

struct kq_rpc_conn *kq_rpc_connect(struct kq_rpc *r, const char *host, int port)
{
	struct kq_rpc_conn *c = kq_rpc_find(r, host, port);
	if (!c)
		c = conn_new(r, host, port, false);
	c->wanted = true;
	return c;
}

struct kq_rpc_conn *kq_rpc_connect_own(struct kq_rpc *r, const char *host, int port)
{
	struct kq_rpc_conn *c = conn_new(r, host, port, true);
	c->wanted = true;
	return c;
}

void kq_rpc_forget(struct kq_rpc_conn *c)
{
	if (!c || c->dead)
		return;
	c->dead = true;
	kq_conn_fail(c, KQ_ECLOSED, "closed");
	if (!c->rpc->polling)
		sweep(c->rpc);
}

enum kq_rpc_state kq_rpc_conn_state(const struct kq_rpc_conn *c)
{
	return c->state;
}

const char *kq_rpc_conn_name(const struct kq_rpc_conn *c)
{
	return c->name;
}

const struct kq_error *kq_rpc_conn_error(const struct kq_rpc_conn *c)
{
	return &c->error;
}

int kq_rpc_conn_failures(const struct kq_rpc_conn *c)
{
	return c->failures;
}

int kq_rpc_conn_in_flight(const struct kq_rpc_conn *c)
{
	return c->in_flight;
}

bool kq_rpc_conn_can_send(const struct kq_rpc_conn *c)
{
	return c->state == KQ_RPC_READY && !c->dead && c->in_flight < c->rpc->cfg.in_flight_max;
}

int kq_rpc_conn_version(const struct kq_rpc_conn *c, int api_key, int min, int max)
{
	const struct kq_api *api = kq_api_find(api_key);
	if (!api || api_key < 0 || api_key >= KQ_RPC_KEYS_MAX)
		return KQ_EUNSUPPORTED;
	if (c->state != KQ_RPC_READY)
		return KQ_EAGAIN;
	int top = kq_schema_max_version(api->request), low = kq_schema_min_version(api->request);
	if (max < 0 || max > top)
		max = top;
	if (min < low)
		min = low;
	if (max > c->versions[api_key].max)
		max = c->versions[api_key].max;
	if (min < c->versions[api_key].min)
		min = c->versions[api_key].min;
	return max >= min ? max : KQ_EUNSUPPORTED;
}

/* ---- buffers --------------------------------------------------------------- */

struct kq_rpc_buf *kq_rpc_buf_get(struct kq_rpc *r, size_t n)
{
	pthread_mutex_lock(&r->pool_lock);
	struct kq_rpc_buf **best = NULL;
	for (struct kq_rpc_buf **at = &r->pool; *at; at = &(*at)->next)
		if ((*at)->cap >= n && (!best || (*at)->cap < (*best)->cap))
			best = at;
	struct kq_rpc_buf *b = best ? *best : NULL;
	if (b) {
		*best = b->next;
		r->pool_bytes -= b->cap;
	}
	pthread_mutex_unlock(&r->pool_lock);
	if (!b) {
		size_t cap = (n + BUF_ROUND - 1) / BUF_ROUND * BUF_ROUND;
		uint8_t *p = kq_try_malloc(cap);
		if (!p)
			return NULL;
		b = kq_calloc(1, sizeof(*b));
		b->p = p;
		b->cap = cap;
		b->rpc = r;
	}
	b->next = NULL;
	b->len = n;
	return b;
}

void kq_rpc_buf_release(struct kq_rpc_buf *b)
{
	if (!b)
		return;
	struct kq_rpc *r = b->rpc;
	pthread_mutex_lock(&r->pool_lock);
	bool keep = r->pool_bytes + b->cap <= POOL_BYTES_MAX;
	if (keep) {
		b->next = r->pool;
		r->pool = b;
		r->pool_bytes += b->cap;
	}
	pthread_mutex_unlock(&r->pool_lock);
	if (!keep) {
		free(b->p);
		free(b);
	}
}
