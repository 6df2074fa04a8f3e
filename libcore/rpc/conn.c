/* One connection: connect, write, read, fail.
 *
 * Happy path: start() opens a non-blocking socket to the next address; writable
 * means connected; the handshake agrees on versions; then requests are written
 * with sendmsg, straight from the caller's batches, and each answer is read into
 * one buffer of its size and given to the oldest request under way.
 * Every failure ends in kq_conn_fail: all requests under way are failed in order,
 * the next address is tried at once, and after the last one a growing pause. */
#include "rpc/conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"

enum {
	HEAD_BYTES_MAX = 64 << 20, /* a request without its records */
	IOV_MAX_HERE = 512,        /* pieces of one sendmsg */
	GAPS_MAX = 4096,           /* batches of one request */
};

static void pending_free(struct kq_rpc_pending *p)
{
	kq_writer_deinit(&p->head);
	free(p->iov);
	free(p);
}

/* ---- failing -------------------------------------------------------------- */

static void close_socket(struct kq_rpc_conn *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->size_got = 0;
	kq_rpc_buf_release(c->in);
	c->in = NULL;
	c->handshaking = false;
}

static void fail_pending(struct kq_rpc_conn *c, int err)
{
	struct kq_rpc_pending *p = c->first;
	c->first = c->writing = NULL;
	c->last = &c->first;
	c->in_flight = 0;
	while (p) {
		struct kq_rpc_pending *next = p->next;
		p->done(p->arg, err, NULL);
		pending_free(p);
		p = next;
	}
}

/* Growing pause with jitter of a fifth either way. */
static int64_t backoff(struct kq_rpc_conn *c)
{
	struct kq_rpc *r = c->rpc;
	int64_t ms = r->cfg.backoff_ms;
	for (int i = 1; i < c->failures && ms < r->cfg.backoff_max_ms; i++)
		ms *= 2;
	if (ms > r->cfg.backoff_max_ms)
		ms = r->cfg.backoff_max_ms;
	r->jitter = r->jitter * 6364136223846793005u + 1442695040888963407u;
	int64_t spread = ms / 5 * 2 + 1;
	return ms - ms / 5 + (int64_t)((r->jitter >> 33) % (uint64_t)spread);
}

void kq_conn_fail(struct kq_rpc_conn *c, int err, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	bool was_open = c->state != KQ_RPC_IDLE;
	kq_error_set(&c->error, err, "%s: %s", c->name, text);
	if (was_open && err != KQ_ECLOSED)
		kq_debug_log("rpc", "%s: %s", c->name, text);
	close_socket(c);
	c->state = KQ_RPC_IDLE;
	c->wanted = false;
	if (was_open && !c->was_ready && c->addr_next && err != KQ_ECLOSED) {
		c->wanted = true; /* another address of the same name, at once */
		c->retry_ms = 0;
	} else {
		c->failures++;
		c->retry_ms = kq_clock_mono_ms() + backoff(c);
	}
	fail_pending(c, err);
}

/* ---- connecting ------------------------------------------------------------- */

static int resolve(struct kq_rpc_conn *c)
{
	char port[16];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV };
	if (c->addrs)
		freeaddrinfo(c->addrs);
	c->addrs = c->addr_next = NULL;
	snprintf(port, sizeof(port), "%d", c->port);
	int rc = getaddrinfo(c->host, port, &hints, &c->addrs);
	if (rc) {
		c->addrs = NULL;
		kq_conn_fail(c, KQ_ECONN, "cannot find the host: %s", gai_strerror(rc));
		return KQ_ECONN;
	}
	c->addr_next = c->addrs;
	return 0;
}

static void set_options(struct kq_rpc_conn *c)
{
	int one = 1, n = c->rpc->cfg.send_buffer;
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(c->fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (n > 0)
		setsockopt(c->fd, SOL_SOCKET, SO_SNDBUF, &n, sizeof(n));
	n = c->rpc->cfg.receive_buffer;
	if (n > 0)
		setsockopt(c->fd, SOL_SOCKET, SO_RCVBUF, &n, sizeof(n));
}

void kq_conn_start(struct kq_rpc_conn *c)
{
	c->state = KQ_RPC_CONNECTING;
	c->was_ready = false;
	c->connect_due_ms = kq_clock_mono_ms() + c->rpc->cfg.connect_timeout_ms;
	if (!c->addr_next && resolve(c))
		return;
	struct addrinfo *a = c->addr_next;
	c->addr_next = a->ai_next;
	c->fd = socket(a->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		kq_conn_fail(c, KQ_ECONN, "cannot make a socket: %s", strerror(errno));
		return;
	}
	set_options(c);
	if (connect(c->fd, a->ai_addr, a->ai_addrlen) && errno != EINPROGRESS)
		kq_conn_fail(c, KQ_ECONN, "%s", strerror(errno));
}

void kq_conn_ready(struct kq_rpc_conn *c)
{
	c->state = KQ_RPC_READY;
	c->handshaking = false;
	c->was_ready = true;
	c->failures = 0;
	c->addr_next = NULL;
	c->error = (struct kq_error){ 0 };
	kq_debug_log("rpc", "%s: connected", c->name);
}

/* ---- writing ---------------------------------------------------------------- */

/* Cuts the encoded head at its gaps and puts the caller's records between. */
static void lay_out(struct kq_rpc_pending *p, const struct kq_wire_gaps *gaps,
		    const struct iovec *records)
{
	size_t at = 0;
	p->iov = kq_malloc((size_t)(2 * gaps->n + 1) * sizeof(*p->iov));
	for (int i = 0; i < gaps->n; i++) {
		p->iov[p->iov_n++] = (struct iovec){ p->head.buf + at, gaps->v[i].pos - at };
		p->iov[p->iov_n++] = records[i];
		at = gaps->v[i].pos;
	}
	if (at < p->head.len)
		p->iov[p->iov_n++] = (struct iovec){ p->head.buf + at, p->head.len - at };
}

static int encode(struct kq_rpc_conn *c, const struct kq_rpc_request *rq, struct kq_rpc_pending *p,
		  struct kq_wire_gaps *gaps)
{
	const struct kq_api *api = kq_api_find(rq->api_key);
	struct kq_request_head h = {
		.api_key = (int16_t)rq->api_key,
		.api_version = (int16_t)rq->version,
		.correlation_id = c->correlation,
		.client_id = { c->rpc->cfg.client_id, (int32_t)strlen(c->rpc->cfg.client_id) },
	};
	kq_write_i32(&p->head, 0);
	kq_api_write_request_head(&p->head, &h);
	int rc = kq_wire_encode(api->request, rq->version, &p->head, rq->body, gaps);
	if (rc)
		return rc;
	if (kq_writer_failed(&p->head))
		return p->head.err;
	size_t total = p->head.len - 4;
	if (gaps->n != rq->records_n)
		return KQ_EINVAL;
	for (int i = 0; i < gaps->n; i++)
		total += rq->records[i].iov_len;
	if (total > INT32_MAX)
		return KQ_ELIMIT;
	kq_store_i32(p->head.buf, (int32_t)total);
	return 0;
}

int kq_conn_queue(struct kq_rpc_conn *c, const struct kq_rpc_request *rq)
{
	struct kq_rpc_pending *p = kq_calloc(1, sizeof(*p));
	int cap = rq->records_n > GAPS_MAX ? 0 : rq->records_n;
	struct kq_wire_gap *v = kq_malloc((size_t)(cap + 1) * sizeof(*v));
	struct kq_wire_gaps gaps = { v, 0, cap };
	kq_writer_init(&p->head, HEAD_BYTES_MAX);
	int rc = encode(c, rq, p, &gaps);
	if (rc) {
		free(v);
		pending_free(p);
		return rc;
	}
	lay_out(p, &gaps, rq->records);
	free(v);
	p->correlation = c->correlation++;
	p->api_key = (int16_t)rq->api_key;
	p->version = (int16_t)rq->version;
	p->no_reply = rq->no_reply;
	p->due_ms = kq_clock_mono_ms() +
		    (rq->timeout_ms ? rq->timeout_ms : c->rpc->cfg.request_timeout_ms);
	p->done = rq->done;
	p->arg = rq->arg;
	*c->last = p;
	c->last = &p->next;
	if (!c->writing)
		c->writing = p;
	c->in_flight++;
	kq_debug_log("rpc", "%s: > %s v%d #%d, %zu bytes and %d batches", c->name,
		     kq_api_find(rq->api_key)->name, rq->version, (int)p->correlation,
		     p->head.len, rq->records_n);
	return 0;
}

static void unlink_pending(struct kq_rpc_conn *c, struct kq_rpc_pending *p)
{
	struct kq_rpc_pending **at = &c->first;
	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	if (c->last == &p->next)
		c->last = at;
	c->in_flight--;
}

/* p is wholly written: one without an answer is done now. */
static void written(struct kq_rpc_conn *c, struct kq_rpc_pending *p)
{
	c->writing = p->next;
	if (!p->no_reply)
		return;
	unlink_pending(c, p);
	p->done(p->arg, 0, NULL);
	pending_free(p);
}

/* Steps over n bytes that were written; true if that was all of p. */
static bool advance(struct kq_rpc_pending *p, size_t n)
{
	while (p->iov_at < p->iov_n) {
		struct iovec *v = &p->iov[p->iov_at];
		if (n < v->iov_len) {
			v->iov_base = (uint8_t *)v->iov_base + n;
			v->iov_len -= n;
			return false;
		}
		n -= v->iov_len;
		p->iov_at++;
	}
	return true;
}

static void do_write(struct kq_rpc_conn *c)
{
	while (c->writing && c->fd >= 0) {
		struct kq_rpc_pending *p = c->writing;
		int n = p->iov_n - p->iov_at;
		struct msghdr m = { .msg_iov = p->iov + p->iov_at,
				    .msg_iovlen = (size_t)(n < IOV_MAX_HERE ? n : IOV_MAX_HERE) };
		ssize_t put = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (put < 0) {
			kq_conn_fail(c, KQ_ECONN, "connection lost: %s", strerror(errno));
			return;
		}
		if (advance(p, (size_t)put))
			written(c, p);
	}
}

int kq_rpc_send(struct kq_rpc_conn *c, const struct kq_rpc_request *rq)
{
	if (!kq_rpc_conn_can_send(c))
		return KQ_EAGAIN;
	bool idle = !c->writing;
	int rc = kq_conn_queue(c, rq);
	/* Small requests go out at once; a failure here shows up again in the poll,
	 * so that done is never called from inside send. */
	if (!rc && idle && !rq->no_reply) {
		struct kq_rpc_pending *p = c->writing;
		struct msghdr m = { .msg_iov = p->iov, .msg_iovlen = (size_t)p->iov_n };
		ssize_t put = p->iov_n <= IOV_MAX_HERE ?
				      sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
		if (put > 0 && advance(p, (size_t)put))
			written(c, p);
	}
	return rc;
}

/* ---- reading ---------------------------------------------------------------- */

static void strange_size(struct kq_rpc_conn *c, uint32_t size)
{
	if (c->size_bytes[0] == 0x15 && c->size_bytes[1] == 0x03)
		kq_conn_fail(c, KQ_EPROTO, "the port speaks TLS, this client does not");
	else if (!memcmp(c->size_bytes, "HTTP", 4))
		kq_conn_fail(c, KQ_EPROTO, "the port speaks HTTP, not Kafka's protocol");
	else
		kq_conn_fail(c, KQ_EPROTO, "an answer of %u bytes; is this a Kafka broker?", size);
}

/* A whole answer is in c->in. */
static void answer(struct kq_rpc_conn *c)
{
	struct kq_rpc_buf *buf = c->in;
	struct kq_rpc_pending *p = c->first;
	struct kq_rpc_reply reply = { .buf = buf };
	int32_t id;
	c->in = NULL;
	c->size_got = 0;
	kq_reader_init(&reply.body, buf->p, buf->len);
	if (!p || p == c->writing ||
	    kq_api_read_response_head(&reply.body, p->api_key, p->version, &id) ||
	    id != p->correlation) {
		kq_rpc_buf_release(buf);
		kq_conn_fail(c, KQ_EPROTO, "an answer to nothing that was asked");
		return;
	}
	unlink_pending(c, p);
	reply.api_key = p->api_key;
	reply.version = p->version;
	kq_debug_log("rpc", "%s: < %s v%d #%d, %zu bytes", c->name, kq_api_find(p->api_key)->name,
		     p->version, (int)id, buf->len);
	p->done(p->arg, 0, &reply);
	kq_rpc_buf_release(reply.buf);
	pending_free(p);
}

/* Reads what stands before the next whole piece: 1 go on, 0 no more now, -1 failed. */
static int read_some(struct kq_rpc_conn *c, uint8_t *p, size_t n, size_t *got)
{
	ssize_t k = recv(c->fd, p, n, MSG_DONTWAIT);
	if (k > 0) {
		*got += (size_t)k;
		return 1;
	}
	if (k < 0 && errno == EINTR)
		return 1;
	if (k < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return 0;
	if (k == 0)
		kq_conn_fail(c, KQ_ECONN, c->handshaking ?
			     "closed by the other side; is this a Kafka broker?" :
			     "connection closed by the broker");
	else
		kq_conn_fail(c, KQ_ECONN, "connection lost: %s", strerror(errno));
	return -1;
}

static bool start_answer(struct kq_rpc_conn *c)
{
	uint32_t size = kq_load_u32(c->size_bytes);
	if (size < 4 || size > c->rpc->cfg.response_bytes_max) {
		strange_size(c, size);
		return false;
	}
	c->in = kq_rpc_buf_get(c->rpc, size);
	if (!c->in) {
		kq_conn_fail(c, KQ_ENOMEM, "no memory for an answer of %u bytes", size);
		return false;
	}
	c->in->len = 0; /* counts up to the size while it is read */
	return true;
}

static void do_read(struct kq_rpc_conn *c)
{
	while (c->fd >= 0) {
		if (c->size_got < 4) {
			if (read_some(c, c->size_bytes + c->size_got, 4 - c->size_got, &c->size_got) <= 0)
				return;
			if (c->size_got == 4 && !start_answer(c))
				return;
			continue;
		}
		size_t size = kq_load_u32(c->size_bytes), had = c->in->len;
		if (read_some(c, c->in->p + had, size - had, &c->in->len) <= 0)
			return;
		if (c->in->len == size) {
			answer(c);
			return; /* one at a time: others wait for their turn, too */
		}
	}
}

int kq_rpc_reply_decode(struct kq_rpc_reply *reply, struct kq_arena *a, void *msg)
{
	const struct kq_api *api = kq_api_find(reply->api_key);
	int rc = kq_wire_decode(api->response, reply->version, &reply->body, a, msg);
	return rc == KQ_ENOMEM || rc == KQ_ELIMIT || !rc ? rc : KQ_EPROTO;
}

/* ---- events ------------------------------------------------------------------ */

short kq_conn_events(const struct kq_rpc_conn *c)
{
	if (c->fd < 0)
		return 0;
	if (c->state == KQ_RPC_CONNECTING && !c->handshaking)
		return POLLOUT;
	return c->writing ? POLLIN | POLLOUT : POLLIN;
}

void kq_conn_event(struct kq_rpc_conn *c, short revents)
{
	if (c->state == KQ_RPC_CONNECTING && !c->handshaking) {
		int err = 0;
		socklen_t n = sizeof(err);
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &n);
		if (err)
			kq_conn_fail(c, KQ_ECONN, "%s", strerror(err));
		else
			kq_conn_handshake(c, -1);
		return;
	}
	if (revents & (POLLIN | POLLERR | POLLHUP))
		do_read(c);
	if (c->fd >= 0 && (revents & POLLOUT))
		do_write(c);
}

int64_t kq_conn_due(const struct kq_rpc_conn *c)
{
	int64_t due = INT64_MAX;
	if (c->state == KQ_RPC_IDLE)
		return c->wanted ? c->retry_ms : INT64_MAX;
	if (c->state == KQ_RPC_CONNECTING)
		due = c->connect_due_ms;
	for (const struct kq_rpc_pending *p = c->first; p; p = p->next)
		if (p->due_ms < due)
			due = p->due_ms;
	return due;
}

void kq_conn_expire(struct kq_rpc_conn *c, int64_t now)
{
	if (c->state == KQ_RPC_IDLE || kq_conn_due(c) > now)
		return;
	if (c->state == KQ_RPC_CONNECTING)
		kq_conn_fail(c, KQ_ETIMEOUT, "no answer in %d ms while connecting",
			     c->rpc->cfg.connect_timeout_ms);
	else
		kq_conn_fail(c, KQ_ETIMEOUT, "no answer to a request in time");
}
