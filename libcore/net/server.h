/* The server side of connections: a dispatcher accepts and deals them out to
 * loops; each loop owns its connections for their whole life, reads frames
 * (int32 size, then bytes) straight into one buffer each and gives them to the
 * handler; answers leave in the order of the requests.
 *
 * net/ is the only folder that includes <uv.h>. Connections use uv_poll on the
 * socket, so that reads go directly into the request's buffer and answers are sent
 * with sendmsg, sendfile or pread+send without a copy in between. */
#ifndef KQ_NET_SERVER_H
#define KQ_NET_SERVER_H

#include "kq/error.h"
#include "kq/types.h"

struct kq_server;
struct kq_conn;

/* One request and the place of its answer. The handler completes it exactly once,
 * at once or later, from any thread. Requests of one connection are handed out in
 * order; the next is handed out while earlier ones wait, up to max_pipelined. */
struct kq_exchange {
	struct kq_conn *conn;
	uint8_t *frame;    /* the request without its size field; writable; lives
			    * until the exchange is completed */
	size_t frame_len;
	int64_t received_us; /* monotonic */
	void *user;          /* the handler's own */
};

/* A piece of an answer: owned memory, or a stretch of a file. */
struct kq_chunk {
	uint8_t *mem;  /* to be free()d after sending, or NULL for a file chunk */
	size_t off, len; /* of mem: bytes [off, off+len) */
	bool shared;     /* mem belongs to another chunk of this answer: not freed here.
			  * All chunks of an answer are released together */
	int fd;        /* file chunk */
	int64_t pos;
	void (*release)(void *arg); /* called when sent or dropped, on the connection's
				     * loop; may be NULL */
	void *release_arg;
};

/* Answers: the size field is prepended by net/. chunks are copied (count of them
 * at most KQ_CHUNKS_MAX), what they own passes to net/ even on error. count 0
 * means: no response (acks=0). Any thread. */
enum { KQ_CHUNKS_MAX = 4096 };
void kq_exchange_complete(struct kq_exchange *x, const struct kq_chunk *chunks, int count);

/* Ends the connection after the answers before this one have been sent. */
void kq_exchange_close(struct kq_exchange *x);

/* Runs fn(arg) on the loop of the exchange's connection, soon. Any thread; one post
 * of an exchange at a time, and it must not be completed before fn has begun. */
void kq_exchange_post(struct kq_exchange *x, void (*fn)(void *arg), void *arg);

/* After the answer the connection is not read for this long (quotas). */
void kq_conn_mute(struct kq_conn *c, int64_t ms);

/* Address of the peer as text, for logs ("127.0.0.1:50312"); lives as long as c. */
const char *kq_conn_peer(const struct kq_conn *c);
/* Index of the listener that the connection came in by. */
int kq_conn_listener(const struct kq_conn *c);
/* Slot for the handler's own per-connection state, freed by the closed callback. */
void **kq_conn_user(struct kq_conn *c);

struct kq_server_handler {
	void (*request)(void *arg, struct kq_exchange *x); /* on the connection's loop */
	void (*closed)(void *arg, struct kq_conn *c);      /* all exchanges are over; may be NULL */
	void (*stopping)(void *arg); /* may be NULL: kq_server_stop has ended reading; complete
				      * what waits. On the thread of kq_server_stop */
	void *arg;
};

struct kq_listen {
	const char *name; /* listener name, "PLAINTEXT" */
	const char *host; /* "" or NULL: any address */
	int port;         /* 0: the kernel picks; see kq_server_port */
};

struct kq_server_options {
	const struct kq_listen *listeners;
	int listener_count;
	int threads;                    /* num.network.threads; 0 = one per core */
	int64_t frame_bytes_max;        /* socket.request.max.bytes */
	int64_t queued_bytes_max;       /* all request buffers together: reads pause above
					 * it; <= 0 no bound */
	int connections_max;            /* max.connections */
	int connections_per_ip_max;     /* max.connections.per.ip */
	int64_t idle_ms_max;            /* connections.max.idle.ms; also bounds a half request */
	int send_buffer, receive_buffer; /* socket.*.buffer.bytes; -1 the system's */
	int max_pipelined;              /* requests of one connection under way; 0 = 64 */
	bool use_sendfile;              /* file chunks by sendfile, not pread and send */
	struct kq_server_handler handler;
};

/* Binds all listeners (KQ_EINVAL/KQ_EBUSY with words) and starts the threads. */
int kq_server_start(struct kq_server **out, const struct kq_server_options *o, struct kq_error *e);
int kq_server_port(const struct kq_server *s, int listener);

/* Stops accepting and reading, lets answers under way go out for up to grace_ms,
 * closes everything, joins the threads and frees s. Exchanges must be completed
 * all the same: if the handler still holds some after the grace, it waits for them. */
void kq_server_stop(struct kq_server *s, int64_t grace_ms);

struct kq_server_stats {
	uint64_t accepted, refused, closed_idle, bytes_in, bytes_out, requests;
	int64_t connections, queued_bytes;
};
void kq_server_stats(const struct kq_server *s, struct kq_server_stats *out);

#endif
