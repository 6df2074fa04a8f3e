/* Connections to brokers, seen from the client: one poll loop, many connections.
 *
 * A kq_rpc and all that belongs to it is used by one thread at a time; only
 * kq_rpc_wake and kq_rpc_buf_release may be called from others. Nothing blocks but
 * kq_rpc_poll. Each connection agrees on versions with ApiVersions before it says
 * it is ready, keeps requests in order, matches answers by correlation id, and
 * after a failure connects again with growing, jittered pauses.
 *
 *   c = kq_rpc_connect(rpc, "127.0.0.1", 9092);
 *   while (kq_rpc_conn_state(c) != KQ_RPC_READY) kq_rpc_poll(rpc, deadline);
 *   kq_rpc_send(c, &request);     done() is called from a later kq_rpc_poll */
#ifndef KQ_RPC_RPC_H
#define KQ_RPC_RPC_H

#include <sys/uio.h>

#include "kq/error.h"
#include "wire/api.h"

struct kq_rpc;
struct kq_rpc_conn;

struct kq_rpc_config {
	const char *client_id;       /* borrowed for the life of the kq_rpc */
	int connect_timeout_ms;      /* socket.connection.setup.timeout.ms */
	int request_timeout_ms;      /* for requests that name none */
	int backoff_ms, backoff_max_ms; /* reconnect.backoff[.max].ms */
	int in_flight_max;           /* requests of one connection under way */
	int send_buffer, receive_buffer; /* bytes; -1 the system's */
	size_t response_bytes_max;   /* a larger answer ends the connection */
};
#define KQ_RPC_CONFIG_DEFAULT ((struct kq_rpc_config){ .client_id = "kq", \
	.connect_timeout_ms = 10000, .request_timeout_ms = 30000, .backoff_ms = 50, \
	.backoff_max_ms = 1000, .in_flight_max = 5, .send_buffer = -1, \
	.receive_buffer = -1, .response_bytes_max = 256u << 20 })

struct kq_rpc *kq_rpc_new(const struct kq_rpc_config *cfg);
void kq_rpc_free(struct kq_rpc *r); /* fails what is under way with KQ_ECLOSED */

/* One round: waits until something happens or until the monotonic time deadline_ms
 * (at most; internal time-outs end the wait earlier), then handles it. Callbacks
 * run in here; they may send and close, but not poll. */
void kq_rpc_poll(struct kq_rpc *r, int64_t deadline_ms);

/* Ends the wait of a poll, now or the next one. Any thread; cheap if repeated. */
void kq_rpc_wake(struct kq_rpc *r);

enum kq_rpc_state {
	KQ_RPC_IDLE,       /* waits for its back-off, or was never asked to connect */
	KQ_RPC_CONNECTING, /* TCP, then ApiVersions */
	KQ_RPC_READY,
};

/* The connection to host:port, made if there is none; starts connecting. Borrowed
 * until kq_rpc_free or kq_rpc_forget. */
struct kq_rpc_conn *kq_rpc_connect(struct kq_rpc *r, const char *host, int port);

/* The shared connection to host:port if there is one, without starting anything. */
struct kq_rpc_conn *kq_rpc_find(struct kq_rpc *r, const char *host, int port);

/* A further connection to the same place that nobody shares. */
struct kq_rpc_conn *kq_rpc_connect_own(struct kq_rpc *r, const char *host, int port);

/* Closes it and fails what is under way with KQ_ECLOSED; c is gone after the call
 * or, inside a poll, after the poll. */
void kq_rpc_forget(struct kq_rpc_conn *c);

enum kq_rpc_state kq_rpc_conn_state(const struct kq_rpc_conn *c);
const char *kq_rpc_conn_name(const struct kq_rpc_conn *c); /* "HOST:PORT" */
/* Why it is not ready, in words; the code is 0 if nothing went wrong yet. */
const struct kq_error *kq_rpc_conn_error(const struct kq_rpc_conn *c);
/* Failed attempts since the last time it was ready. */
int kq_rpc_conn_failures(const struct kq_rpc_conn *c);
int kq_rpc_conn_in_flight(const struct kq_rpc_conn *c);
/* May a request be sent now: ready, and fewer than in_flight_max under way. */
bool kq_rpc_conn_can_send(const struct kq_rpc_conn *c);

/* The version that both sides speak: the highest not above max (-1: the schema's)
 * and not below min. KQ_EUNSUPPORTED, or KQ_EAGAIN if the connection is not ready. */
int kq_rpc_conn_version(const struct kq_rpc_conn *c, int api_key, int min, int max);

/* The bytes of an answer; recycled, since answers to Fetch are large. */
struct kq_rpc_buf {
	uint8_t *p;
	size_t len, cap;
	struct kq_rpc *rpc;
	struct kq_rpc_buf *next;
};
/* Gives a taken buffer back; before kq_rpc_free. Any thread. */
void kq_rpc_buf_release(struct kq_rpc_buf *b);

struct kq_rpc_reply {
	int api_key, version;
	struct kq_reader body;  /* stands at the first byte after the response header */
	struct kq_rpc_buf *buf; /* what body points into; set to NULL to keep it */
};

/* Called exactly once for each request that was sent: err 0 and the reply, or a
 * negative KQ_E* and NULL: KQ_ECONN (connection lost), KQ_ETIMEOUT (the connection
 * is closed then), KQ_EPROTO, KQ_ECLOSED. For a request without an answer (acks=0)
 * with 0 and NULL when its bytes are written to the socket. */
typedef void kq_rpc_done_fn(void *arg, int err, struct kq_rpc_reply *reply);

struct kq_rpc_request {
	int api_key;
	int version;             /* as kq_rpc_conn_version said */
	const void *body;        /* the message struct; read during the call only */
	const struct iovec *records; /* one for each records field with p NULL and len > 0,
				      * in order; the bytes must stay until done */
	int records_n;
	bool no_reply;           /* Produce with acks=0 */
	int timeout_ms;          /* 0: the config's */
	kq_rpc_done_fn *done;
	void *arg;
};

/* Encodes and queues one request. KQ_EAGAIN if kq_rpc_conn_can_send is false,
 * KQ_EUNSUPPORTED if the body cannot be said in this version, KQ_ELIMIT; on error
 * done is not called. */
int kq_rpc_send(struct kq_rpc_conn *c, const struct kq_rpc_request *rq);

/* Decodes a reply's body into the struct of its API's response; it points into the
 * reply's buffer. 0, or KQ_EPROTO for bytes that are no such message. */
int kq_rpc_reply_decode(struct kq_rpc_reply *reply, struct kq_arena *a, void *msg);

#endif
