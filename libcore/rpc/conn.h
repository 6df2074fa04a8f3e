/* Inside rpc/: one connection as its two files see it. conn.c moves bytes and
 * states; handshake.c agrees on versions; rpc.c owns the list and the poll. */
#ifndef KQ_RPC_CONN_H
#define KQ_RPC_CONN_H

#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>

#include "rpc/rpc.h"

enum { KQ_RPC_KEYS_MAX = 128 }; /* API keys above are of no interest here */

/* A request between kq_rpc_send and its done. */
struct kq_rpc_pending {
	struct kq_rpc_pending *next;
	struct kq_writer head;    /* all encoded bytes, the size field first */
	struct iovec *iov;        /* head cut at the gaps, records between */
	int iov_n, iov_at;        /* iov_at: first not wholly written */
	int32_t correlation;
	int16_t api_key, version;
	bool no_reply;
	int64_t due_ms;
	kq_rpc_done_fn *done;
	void *arg;
};

struct kq_rpc_conn {
	struct kq_rpc_conn *next;
	struct kq_rpc *rpc;
	char *host, *name;
	int port;
	bool own, dead, wanted;
	enum kq_rpc_state state;
	bool handshaking;          /* TCP is up, ApiVersions not answered */
	bool was_ready;            /* since it was last connected */
	int handshake_version;
	int fd;                    /* -1 none */
	int failures;
	struct kq_error error;
	int64_t retry_ms;          /* not before, in IDLE */
	int64_t connect_due_ms;    /* in CONNECTING */
	struct addrinfo *addrs, *addr_next;

	struct kq_rpc_pending *first, **last; /* sent or waiting to be written, in order */
	struct kq_rpc_pending *writing;       /* first not wholly written, or NULL */
	int in_flight;
	int32_t correlation;

	uint8_t size_bytes[4];
	size_t size_got;
	struct kq_rpc_buf *in;     /* answer being read, or NULL */

	struct { int16_t min, max; } versions[KQ_RPC_KEYS_MAX]; /* max -1: not offered */
};

struct kq_rpc {
	struct kq_rpc_config cfg;
	struct kq_rpc_conn *conns;
	int wake_fd;
	atomic_bool woken;
	bool polling;
	uint64_t jitter;          /* state of a small generator for back-offs */
	struct pollfd *fds;
	int fds_cap;

	pthread_mutex_t pool_lock; /* of the two below */
	struct kq_rpc_buf *pool;
	size_t pool_bytes;
};

/* conn.c */
void kq_conn_start(struct kq_rpc_conn *c);       /* IDLE to CONNECTING */
void kq_conn_event(struct kq_rpc_conn *c, short revents);
short kq_conn_events(const struct kq_rpc_conn *c);
int64_t kq_conn_due(const struct kq_rpc_conn *c); /* INT64_MAX none */
void kq_conn_expire(struct kq_rpc_conn *c, int64_t now);
/* Closes, fails what is under way with err, and goes to IDLE behind a back-off. */
void kq_conn_fail(struct kq_rpc_conn *c, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
int kq_conn_queue(struct kq_rpc_conn *c, const struct kq_rpc_request *rq);
void kq_conn_ready(struct kq_rpc_conn *c);

/* handshake.c */
void kq_conn_handshake(struct kq_rpc_conn *c, int version);

/* rpc.c: a buffer of at least n bytes, or NULL. */
struct kq_rpc_buf *kq_rpc_buf_get(struct kq_rpc *r, size_t n);

#endif
