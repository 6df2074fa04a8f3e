#include "broker/metrics_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/config.h"

enum {
	REQUEST_BYTES_MAX = 8192,
	CONNECTION_MS_MAX = 5000, /* to send its request, and again to take the page */
	PAGE_BYTES_MAX = 64 << 20,
};

struct kq_metrics_http {
	struct kq_broker *b;
	int fd, stop_pipe[2];
	pthread_t thread;
	char address[300];
};

/* Waits until fd is ready for events; false at the deadline, on stop or error. */
static bool wait_for(const struct kq_metrics_http *h, int fd, short events, int64_t deadline_ms)
{
	for (;;) {
		struct pollfd p[2] = { { .fd = fd, .events = events },
				       { .fd = h->stop_pipe[0], .events = POLLIN } };
		int64_t left = deadline_ms < 0 ? -1 : deadline_ms - kq_clock_mono_ms();
		if (deadline_ms >= 0 && left <= 0)
			return false;
		int n = poll(p, 2, (int)left);
		if (n < 0 && errno == EINTR)
			continue;
		return n > 0 && !p[1].revents && p[0].revents;
	}
}

/* Reads up to the empty line behind the request's head; false if it is none. */
static bool read_head(const struct kq_metrics_http *h, int fd, char buf[REQUEST_BYTES_MAX])
{
	size_t n = 0;
	int64_t deadline = kq_clock_mono_ms() + CONNECTION_MS_MAX;
	while (n < REQUEST_BYTES_MAX - 1) {
		if (!wait_for(h, fd, POLLIN, deadline))
			return false;
		ssize_t got = recv(fd, buf + n, REQUEST_BYTES_MAX - 1 - n, 0);
		if (got <= 0)
			return false;
		n += (size_t)got;
		buf[n] = '\0';
		if (strstr(buf, "\r\n\r\n") || strstr(buf, "\n\n"))
			return true;
	}
	return false;
}

static void send_all(const struct kq_metrics_http *h, int fd, const void *p, size_t n)
{
	const char *at = p;
	int64_t deadline = kq_clock_mono_ms() + CONNECTION_MS_MAX;
	while (n > 0 && wait_for(h, fd, POLLOUT, deadline)) {
		ssize_t done = send(fd, at, n, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (done < 0 && errno != EAGAIN && errno != EINTR)
			return;
		if (done > 0) {
			at += done;
			n -= (size_t)done;
		}
	}
}

static void respond(const struct kq_metrics_http *h, int fd, const char *status, const void *body,
		    size_t n, bool with_body)
{
	char head[256];
	int len = snprintf(head, sizeof head,
			   "HTTP/1.1 %s\r\nContent-Type: text/plain; version=0.0.4\r\n"
			   "Content-Length: %zu\r\nConnection: close\r\n\r\n", status, n);
	send_all(h, fd, head, (size_t)len);
	if (with_body)
		send_all(h, fd, body, n);
}

static bool is_path(const char *target, const char *path)
{
	size_t n = strlen(path);
	return !strncmp(target, path, n) && (target[n] == ' ' || target[n] == '?');
}

static void serve_one(const struct kq_metrics_http *h, int fd)
{
	char buf[REQUEST_BYTES_MAX];
	if (!read_head(h, fd, buf))
		return;
	bool get = !strncmp(buf, "GET ", 4), head = !strncmp(buf, "HEAD ", 5);
	if (!get && !head) {
		respond(h, fd, "405 Method Not Allowed", "only GET\n", 9, true);
		return;
	}
	const char *target = buf + (get ? 4 : 5);
	if (!is_path(target, "/metrics") && !is_path(target, "/")) {
		respond(h, fd, "404 Not Found", "try /metrics\n", 13, get);
		return;
	}
	struct kq_writer w;
	kq_writer_init(&w, PAGE_BYTES_MAX);
	kq_metrics_write(h->b, &w);
	if (kq_writer_failed(&w))
		respond(h, fd, "500 Internal Server Error", "too much\n", 9, get);
	else
		respond(h, fd, "200 OK", w.buf, w.len, get);
	kq_writer_deinit(&w);
}

static void *run(void *arg)
{
	struct kq_metrics_http *h = arg;
	while (wait_for(h, h->fd, POLLIN, -1)) {
		int fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0) {
			/* out of descriptors: the one waiting stays, so do not spin */
			struct pollfd p = { .fd = h->stop_pipe[0], .events = POLLIN };
			poll(&p, 1, 100);
			continue;
		}
		serve_one(h, fd);
		close(fd);
	}
	return NULL;
}

/* A listening socket, or -1 with errno set. */
static int listen_on(const char *host, int port, int *bound)
{
	char service[8];
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE }, *ai;
	snprintf(service, sizeof service, "%d", port);
	if (getaddrinfo(*host ? host : NULL, service, &hints, &ai)) {
		errno = EADDRNOTAVAIL;
		return -1;
	}
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
	struct sockaddr_storage sa;
	socklen_t len = sizeof sa;
	bool ok = fd >= 0 && !setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) &&
		  !bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, 16) &&
		  !getsockname(fd, (struct sockaddr *)&sa, &len);
	freeaddrinfo(ai);
	if (!ok) {
		int saved = errno;
		if (fd >= 0)
			close(fd);
		errno = saved;
		return -1;
	}
	*bound = ntohs(sa.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&sa)->sin6_port
						: ((struct sockaddr_in *)&sa)->sin_port);
	return fd;
}

int kq_metrics_http_start(struct kq_metrics_http **out, struct kq_broker *b, const char *listener,
			  struct kq_error *e)
{
	char host[256];
	int port;
	*out = NULL;
	if (!*listener)
		return 0;
	if (kq_host_port_parse(listener, strlen(listener), host, &port))
		return kq_error_set(e, KQ_EINVAL, "metrics.listener: not HOST:PORT");
	int fd = listen_on(host, port, &port);
	if (fd < 0)
		return kq_error_set(e, KQ_EBUSY, "metrics.listener: cannot listen on %s: %s",
				    listener, strerror(errno));
	struct kq_metrics_http *h = kq_calloc(1, sizeof *h);
	h->b = b;
	h->fd = fd;
	snprintf(h->address, sizeof h->address, "%s:%d", host, port);
	if (pipe2(h->stop_pipe, O_CLOEXEC) || pthread_create(&h->thread, NULL, run, h)) {
		close(fd);
		free(h);
		return kq_error_set(e, KQ_ELIMIT, "metrics.listener: %s", strerror(errno));
	}
	kq_info_log("broker", "metrics on http://%s/metrics", h->address);
	*out = h;
	return 0;
}

const char *kq_metrics_http_address(const struct kq_metrics_http *h)
{
	return h->address;
}

void kq_metrics_http_stop(struct kq_metrics_http *h)
{
	if (!h)
		return;
	close(h->stop_pipe[1]); /* the other end becomes readable */
	pthread_join(h->thread, NULL);
	close(h->stop_pipe[0]);
	close(h->fd);
	free(h);
}
