/* Listeners, accepting, dealing out, the end.
 *
 * One thread accepts and gives each connection to the loop that has the fewest. When
 * descriptors or memory run out, accepting pauses for a moment; connections that are
 * there go on, and the kernel's queue keeps the new ones. */
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/server_impl.h"

enum { ACCEPT_BURST = 64, ACCEPT_PAUSE_MS = 100, PIPELINED_DEFAULT = 64 };

/* ---- listeners ---- */

static void set_int(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof value); /* a wish, not a need */
}

static int bind_one(const struct kq_server_options *o, const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	set_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (o->receive_buffer > 0) /* before listen: decides the window's scale */
		set_int(fd, SOL_SOCKET, SO_RCVBUF, o->receive_buffer);
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) == 0 && listen(fd, SOMAXCONN) == 0)
		return fd;
	int saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

static int port_of(int fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof ss;
	if (getsockname(fd, (struct sockaddr *)&ss, &len) < 0)
		return 0;
	if (ss.ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)&ss)->sin6_port);
	return ntohs(((const struct sockaddr_in *)&ss)->sin_port);
}

static int bind_family(struct kq_server *s, const struct addrinfo *list, int family)
{
	int fd = -1;
	for (const struct addrinfo *ai = list; ai && fd < 0; ai = ai->ai_next)
		if (ai->ai_family == family)
			fd = bind_one(&s->o, ai);
	return fd;
}

static int open_listener(struct kq_server *s, int i, struct kq_error *e)
{
	const struct kq_listen *at = &s->o.listeners[i];
	bool any = !at->host || !*at->host;
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *list = NULL;
	char port[12];
	snprintf(port, sizeof port, "%d", at->port);
	int rc = getaddrinfo(any ? NULL : at->host, port, &hints, &list);
	if (rc != 0)
		return kq_error_set(e, KQ_EINVAL, "listener %s: no address for '%s': %s", at->name,
				    at->host ? at->host : "", gai_strerror(rc));
	/* Any address: the IPv6 one takes IPv4 too. A name: clients try IPv4 first. */
	int fd = bind_family(s, list, any ? AF_INET6 : AF_INET);
	if (fd < 0)
		fd = bind_family(s, list, any ? AF_INET : AF_INET6);
	int saved = errno;
	freeaddrinfo(list);
	if (fd < 0)
		return kq_error_set(e, saved == EADDRINUSE ? KQ_EBUSY : KQ_EINVAL,
				    "listener %s: cannot listen on %s:%d: %s", at->name,
				    any ? "*" : at->host, at->port, strerror(saved));
	s->fds[i] = fd;
	s->ports[i] = port_of(fd);
	return 0;
}

/* ---- accepting ---- */

/* False: this address has its share. */
static bool count_address(struct kq_server *s, struct kq_conn *c)
{
	int limit = s->o.connections_per_ip_max;
	if (limit <= 0 || limit == INT32_MAX)
		return true;
	pthread_mutex_lock(&s->address_lock);
	uintptr_t n = (uintptr_t)kq_map_get(&s->by_address, &c->address, sizeof c->address);
	c->by_address = n < (uintptr_t)limit;
	if (c->by_address)
		kq_map_put(&s->by_address, &c->address, sizeof c->address, (void *)(n + 1));
	pthread_mutex_unlock(&s->address_lock);
	return c->by_address;
}

static struct kq_loop *least_loaded(struct kq_server *s)
{
	struct kq_loop *best = &s->loops[0];
	for (int i = 1; i < s->loop_count; i++)
		if (atomic_load(&s->loops[i].conns) < atomic_load(&best->conns))
			best = &s->loops[i];
	return best;
}

static void take_conn(struct kq_server *s, int fd, int listener)
{
	set_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	set_int(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (s->o.send_buffer > 0)
		set_int(fd, SOL_SOCKET, SO_SNDBUF, s->o.send_buffer);
	struct kq_conn *c = kq_conn_new(s, fd, listener);
	const char *why = NULL;
	if (s->o.connections_max > 0 && atomic_load(&s->connections) > s->o.connections_max)
		why = "max.connections";
	else if (!count_address(s, c))
		why = "max.connections.per.ip";
	if (why) {
		kq_info_log("net", "%s: refused, %s is reached", c->peer, why);
		atomic_fetch_add(&s->refused, 1);
		kq_conn_discard(s, c);
		return;
	}
	atomic_fetch_add(&s->accepted, 1);
	kq_loop_give(least_loaded(s), c);
}

static void on_listener(uv_poll_t *h, int status, int events);

static void on_resume(uv_timer_t *h)
{
	struct kq_server *s = h->data;
	for (int i = 0; i < s->listener_count; i++)
		uv_poll_start(&s->polls[i], UV_READABLE, on_listener);
}

static void pause_accepting(struct kq_server *s, int sys_errno)
{
	if (!s->starved)
		kq_warn_log("net", "accepting pauses: %s", strerror(sys_errno));
	s->starved = true;
	for (int i = 0; i < s->listener_count; i++)
		uv_poll_stop(&s->polls[i]);
	uv_timer_start(&s->resume, on_resume, ACCEPT_PAUSE_MS, 0);
}

static bool is_exhausted(int e)
{
	return e == EMFILE || e == ENFILE || e == ENOBUFS || e == ENOMEM;
}

static void on_listener(uv_poll_t *h, int status, int events)
{
	struct kq_server *s = h->data;
	int i = (int)(h - s->polls);
	(void)status;
	(void)events;
	for (int n = 0; n < ACCEPT_BURST; n++) {
		int fd = accept4(s->fds[i], NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0) {
			take_conn(s, fd, i);
		} else if (is_exhausted(errno)) {
			pause_accepting(s, errno);
			return;
		} else if (errno == EAGAIN) {
			if (s->starved)
				kq_info_log("net", "accepting goes on");
			s->starved = false;
			return;
		} /* else: this one was lost before it was accepted */
	}
}

static void on_wake(uv_async_t *h)
{
	struct kq_server *s = h->data;
	for (int i = 0; i < s->listener_count; i++)
		uv_close((uv_handle_t *)&s->polls[i], NULL);
	uv_close((uv_handle_t *)&s->resume, NULL);
	uv_close((uv_handle_t *)&s->wake, NULL);
}

static void *run(void *arg)
{
	struct kq_server *s = arg;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL);
	uv_run(&s->uv, UV_RUN_DEFAULT);
	return NULL;
}

static int start_accepting(struct kq_server *s)
{
	if (uv_loop_init(&s->uv) < 0)
		return KQ_EIO;
	int rc = uv_async_init(&s->uv, &s->wake, on_wake);
	assert(rc == 0);
	uv_timer_init(&s->uv, &s->resume);
	s->wake.data = s->resume.data = s;
	for (int i = 0; i < s->listener_count; i++) {
		rc = uv_poll_init(&s->uv, &s->polls[i], s->fds[i]);
		assert(rc == 0);
		s->polls[i].data = s;
		uv_poll_start(&s->polls[i], UV_READABLE, on_listener);
	}
	if (pthread_create(&s->thread, NULL, run, s) == 0)
		return 0;
	on_wake(&s->wake);
	uv_run(&s->uv, UV_RUN_DEFAULT);
	uv_loop_close(&s->uv);
	return KQ_EIO;
}

/* ---- start and stop ---- */

static struct kq_server *make(const struct kq_server_options *o)
{
	struct kq_server *s = kq_calloc(1, sizeof *s);
	s->o = *o;
	s->listener_count = o->listener_count;
	s->polls = kq_calloc((size_t)o->listener_count, sizeof *s->polls);
	s->fds = kq_calloc((size_t)o->listener_count, sizeof *s->fds);
	s->ports = kq_calloc((size_t)o->listener_count, sizeof *s->ports);
	for (int i = 0; i < o->listener_count; i++)
		s->fds[i] = -1;
	if (s->o.max_pipelined <= 0)
		s->o.max_pipelined = PIPELINED_DEFAULT;
	if (s->o.threads <= 0)
		s->o.threads = (int)sysconf(_SC_NPROCESSORS_ONLN);
	if (s->o.threads <= 0)
		s->o.threads = 1;
	s->loops = kq_calloc((size_t)s->o.threads, sizeof *s->loops);
	pthread_condattr_t attr;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->stopped, &attr);
	pthread_condattr_destroy(&attr);
	pthread_mutex_init(&s->stop_lock, NULL);
	pthread_mutex_init(&s->address_lock, NULL);
	kq_map_init(&s->by_address);
	return s;
}

static void destroy(struct kq_server *s)
{
	for (int i = 0; i < s->listener_count; i++)
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	kq_map_deinit(&s->by_address);
	pthread_mutex_destroy(&s->address_lock);
	pthread_mutex_destroy(&s->stop_lock);
	pthread_cond_destroy(&s->stopped);
	free(s->loops);
	free(s->ports);
	free(s->fds);
	free(s->polls);
	free(s);
}

static void enter_stage(struct kq_server *s, enum kq_net_stage stage)
{
	atomic_store(&s->stage, stage);
	for (int i = 0; i < s->loop_count; i++)
		kq_loop_wake(&s->loops[i]);
}

static void join_loops(struct kq_server *s)
{
	for (int i = 0; i < s->loop_count; i++)
		kq_loop_join(&s->loops[i]);
}

int kq_server_start(struct kq_server **out, const struct kq_server_options *o, struct kq_error *e)
{
	*out = NULL;
	if (o->listener_count <= 0 || o->frame_bytes_max <= 0 || !o->handler.request)
		return kq_error_set(e, KQ_EINVAL, "a server needs a listener");
	struct kq_server *s = make(o);
	int rc = 0;
	for (int i = 0; i < s->listener_count && !rc; i++)
		rc = open_listener(s, i, e);
	if (rc)
		goto fail;
	for (int i = 0; i < s->o.threads; i++) {
		rc = kq_loop_start(&s->loops[i], s);
		if (rc)
			break;
		s->loops_running++;
		s->loop_count++;
	}
	if (!rc)
		rc = start_accepting(s);
	if (rc) {
		kq_error_set(e, rc, "cannot start the network threads: %s", strerror(errno));
		goto fail_loops;
	}
	*out = s;
	return 0;
fail_loops:
	enter_stage(s, KQ_NET_KILL);
	join_loops(s);
fail:
	destroy(s);
	return rc;
}

int kq_server_port(const struct kq_server *s, int listener)
{
	assert(listener >= 0 && listener < s->listener_count);
	return s->ports[listener];
}

static void wait_for_loops(struct kq_server *s, int64_t ms)
{
	int64_t due_ms = kq_clock_mono_ms() + ms;
	struct timespec ts = { .tv_sec = due_ms / 1000, .tv_nsec = due_ms % 1000 * 1000000 };
	pthread_mutex_lock(&s->stop_lock);
	while (s->loops_running > 0 &&
	       pthread_cond_timedwait(&s->stopped, &s->stop_lock, &ts) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&s->stop_lock);
}

void kq_server_stop(struct kq_server *s, int64_t grace_ms)
{
	if (!s)
		return;
	uv_async_send(&s->wake);
	pthread_join(s->thread, NULL);
	uv_loop_close(&s->uv);
	enter_stage(s, KQ_NET_DRAIN);
	if (s->o.handler.stopping)
		s->o.handler.stopping(s->o.handler.arg);
	wait_for_loops(s, grace_ms > 0 ? grace_ms : 0);
	enter_stage(s, KQ_NET_KILL);
	join_loops(s);
	destroy(s);
}

void kq_server_stats(const struct kq_server *s, struct kq_server_stats *out)
{
	*out = (struct kq_server_stats){
		.accepted = atomic_load(&s->accepted),
		.refused = atomic_load(&s->refused),
		.connections = atomic_load(&s->connections),
		.queued_bytes = atomic_load(&s->queued),
	};
	for (int i = 0; i < s->loop_count; i++) {
		const struct kq_loop *l = &s->loops[i];
		out->bytes_in += atomic_load_explicit(&l->bytes_in, memory_order_relaxed);
		out->bytes_out += atomic_load_explicit(&l->bytes_out, memory_order_relaxed);
		out->requests += atomic_load_explicit(&l->requests, memory_order_relaxed);
		out->closed_idle += atomic_load_explicit(&l->closed_idle, memory_order_relaxed);
	}
}
