/* Life and death of a connection.
 *
 * pump() is the one place where things happen: send what is answered, hand out what
 * is read, then poll for what is wanted next. Everything that changes something (a
 * readable socket, an answer come home, room in the budget) ends in a pump.
 *
 * The end: a broken socket or kill() closes at once; kq_exchange_close, a senseless
 * frame and the client's end of stream finish: no more reading, answers under way
 * go out, then the socket is closed (after a protocol error with a short linger, so
 * that unread input does not reset the connection under the last answers). The
 * struct lives until the last exchange has come home. */
#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "net/server_impl.h"

static void set_peer(struct kq_conn *c)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	char text[INET6_ADDRSTRLEN] = "?";
	if (getpeername(c->fd, (struct sockaddr *)&ss, &len) < 0)
		ss.ss_family = AF_UNSPEC;
	if (ss.ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)&ss;
		inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
		snprintf(c->peer, sizeof c->peer, "%s:%d", text, ntohs(in->sin_port));
		c->address.s6_addr[10] = c->address.s6_addr[11] = 0xff;
		memcpy(c->address.s6_addr + 12, &in->sin_addr, 4);
	} else if (ss.ss_family == AF_INET6) {
		const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&ss;
		inet_ntop(AF_INET6, &in->sin6_addr, text, sizeof text);
		snprintf(c->peer, sizeof c->peer, "[%s]:%d", text, ntohs(in->sin6_port));
		c->address = in->sin6_addr;
	} else {
		snprintf(c->peer, sizeof c->peer, "?");
	}
}

struct kq_conn *kq_conn_new(struct kq_server *s, int fd, int listener)
{
	struct kq_conn *c = kq_calloc(1, sizeof *c);
	c->fd = fd;
	c->listener = listener;
	c->refs = 1;
	set_peer(c);
	atomic_fetch_add(&s->connections, 1);
	return c;
}

static void uncount(struct kq_server *s, struct kq_conn *c)
{
	atomic_fetch_sub(&s->connections, 1);
	if (!c->by_address)
		return;
	pthread_mutex_lock(&s->address_lock);
	uintptr_t n = (uintptr_t)kq_map_get(&s->by_address, &c->address, sizeof c->address);
	if (n > 1)
		kq_map_put(&s->by_address, &c->address, sizeof c->address, (void *)(n - 1));
	else
		kq_map_del(&s->by_address, &c->address, sizeof c->address);
	pthread_mutex_unlock(&s->address_lock);
}

void kq_conn_discard(struct kq_server *s, struct kq_conn *c)
{
	uncount(s, c);
	close(c->fd);
	free(c);
}

static void lru_remove(struct kq_conn *c)
{
	struct kq_loop *l = c->loop;
	*(c->lru_prev ? &c->lru_prev->lru_next : &l->lru_first) = c->lru_next;
	*(c->lru_next ? &c->lru_next->lru_prev : &l->lru_last) = c->lru_prev;
	c->lru_prev = c->lru_next = NULL;
}

static void lru_append(struct kq_conn *c)
{
	struct kq_loop *l = c->loop;
	c->lru_prev = l->lru_last;
	*(l->lru_last ? &l->lru_last->lru_next : &l->lru_first) = c;
	l->lru_last = c;
}

void kq_conn_touch(struct kq_conn *c)
{
	c->active_ms = kq_clock_mono_ms();
	if (c->loop->lru_last == c)
		return;
	lru_remove(c);
	lru_append(c);
}

static void free_conn(struct kq_conn *c)
{
	struct kq_loop *l = c->loop;
	assert(c->state == KQ_CONN_DEAD && !c->first && !c->in);
	if (l->server->o.handler.closed)
		l->server->o.handler.closed(l->server->o.handler.arg, c);
	free(c);
	atomic_fetch_sub(&l->conns, 1);
	if (l->stage != KQ_NET_RUN)
		kq_loop_wake(l); /* it may have been the last one */
}

void kq_conn_unref(struct kq_conn *c)
{
	assert(c->refs > 0);
	if (--c->refs == 0)
		free_conn(c);
}

static void on_closed(uv_handle_t *h)
{
	kq_conn_unref(h->data);
}

static void drop_input(struct kq_conn *c)
{
	if (c->in) {
		kq_xchg_free(c->in);
		c->in = NULL;
	}
	kq_budget_let_go(c);
	free(c->left);
	c->left = NULL;
}

/* Exchanges that are answered go with their answers; those that the handler still
 * has are dropped when they come home. */
static void drop_answers(struct kq_conn *c)
{
	struct kq_xchg *x = c->first, *next;
	c->first = c->last = NULL;
	for (; x; x = next) {
		next = x->next;
		x->next = NULL;
		if (x->state == KQ_XCHG_WAITS) {
			*(c->last ? &c->last->next : &c->first) = x;
			c->last = x;
			continue;
		}
		kq_xchg_free(x);
		c->under_way--;
		c->refs--;
	}
}

void kq_conn_kill(struct kq_conn *c)
{
	if (c->state != KQ_CONN_DEAD) {
		c->state = KQ_CONN_DEAD;
		lru_remove(c);
		drop_input(c);
		uncount(c->loop->server, c);
		uv_close((uv_handle_t *)&c->poll, on_closed); /* holds the first reference */
		close(c->fd);
		c->fd = -1;
		drop_answers(c);
	}
}

void kq_conn_finish(struct kq_conn *c)
{
	if (c->state != KQ_CONN_OPEN)
		return;
	c->state = KQ_CONN_FINISHING;
	drop_input(c);
	kq_conn_pump(c);
}

static void end_of_queue(struct kq_conn *c)
{
	if (!c->linger) {
		kq_conn_kill(c);
		return;
	}
	c->state = KQ_CONN_LINGERING;
	shutdown(c->fd, SHUT_WR);
	c->active_ms = kq_clock_mono_ms();
	lru_remove(c); /* to the old end, where the clock looks first */
	c->lru_next = c->loop->lru_first;
	*(c->lru_next ? &c->lru_next->lru_prev : &c->loop->lru_last) = c;
	c->loop->lru_first = c;
}

static void on_poll(uv_poll_t *h, int status, int events)
{
	struct kq_conn *c = h->data;
	c->refs++;
	if (status < 0)
		kq_conn_kill(c);
	else if (events & UV_READABLE)
		kq_conn_read(c);
	kq_conn_pump(c);
	kq_conn_unref(c);
}

static void poll_for(struct kq_conn *c, bool write_blocked)
{
	int events = write_blocked ? UV_WRITABLE : 0;
	if (c->state == KQ_CONN_LINGERING ||
	    (c->state == KQ_CONN_OPEN && !c->left && !c->blocked && kq_conn_can_take(c)))
		events |= UV_READABLE;
	if (events == c->events)
		return;
	c->events = events;
	if (events)
		uv_poll_start(&c->poll, events, on_poll);
	else
		uv_poll_stop(&c->poll);
}

void kq_conn_pump(struct kq_conn *c)
{
	if (c->busy)
		return;
	if (c->state == KQ_CONN_DEAD) {
		c->refs++;
		drop_answers(c);
		kq_conn_unref(c);
		return;
	}
	bool write_blocked = false, alive = true;
	c->refs++;
	c->busy++;
	while ((alive = kq_conn_send(c, &write_blocked)) && c->state == KQ_CONN_OPEN && c->left &&
	       kq_conn_can_take(c))
		kq_conn_parse_left(c);
	c->busy--;
	if (!alive)
		kq_conn_kill(c);
	else if (c->state == KQ_CONN_FINISHING && !c->first)
		end_of_queue(c);
	if (c->state != KQ_CONN_DEAD)
		poll_for(c, write_blocked);
	kq_conn_unref(c);
}

void kq_conn_begin(struct kq_conn *c, struct kq_loop *l)
{
	c->loop = l;
	c->active_ms = kq_clock_mono_ms();
	if (l->stage != KQ_NET_RUN || uv_poll_init(&l->uv, &c->poll, c->fd) < 0) {
		kq_conn_discard(l->server, c);
		atomic_fetch_sub(&l->conns, 1);
		return;
	}
	c->poll.data = c;
	lru_append(c);
	kq_loop_start_tick(l);
	kq_conn_pump(c);
}

void kq_conn_hand_out(struct kq_conn *c)
{
	struct kq_xchg *x = c->in;
	struct kq_server *s = c->loop->server;
	c->in = NULL;
	kq_budget_let_go(c);
	*(c->last ? &c->last->next : &c->first) = x;
	c->last = x;
	c->under_way++;
	c->refs++;
	c->busy++;
	kq_conn_touch(c);
	atomic_fetch_add_explicit(&c->loop->requests, 1, memory_order_relaxed);
	x->pub.received_us = kq_clock_mono_us();
	s->o.handler.request(s->o.handler.arg, &x->pub);
	c->busy--;
}

void kq_conn_mute(struct kq_conn *c, int64_t ms)
{
	assert(kq_loop_is_mine(c->loop));
	if (ms > c->mute_ms)
		c->mute_ms = ms;
}

const char *kq_conn_peer(const struct kq_conn *c)
{
	return c->peer;
}

int kq_conn_listener(const struct kq_conn *c)
{
	return c->listener;
}

void **kq_conn_user(struct kq_conn *c)
{
	return &c->user;
}
