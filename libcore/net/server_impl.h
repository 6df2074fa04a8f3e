/* Inside of the server: what the server, its loops, connections and exchanges know
 * of each other. Private to net/.
 *
 *   kq_server -- accepts on its own thread, owns the loops and the shared counters
 *     kq_loop -- one thread; owns connections, scratch memory, an inbox
 *       kq_conn -- one socket; owns the queue of its exchanges
 *         kq_xchg -- one request and its answer */
#ifndef KQ_NET_SERVER_IMPL_H
#define KQ_NET_SERVER_IMPL_H

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <uv.h>

#include "base/map.h"
#include "net/server.h"

enum {
	KQ_NET_SCRATCH = 128 << 10, /* one read of small frames */
	KQ_NET_FILEBUF = 1 << 20, /* file bytes on their way: few, large sends */
	KQ_NET_FRAME_START = 2 << 20, /* a larger frame grows with what arrives */
	KQ_NET_FRAME_INLINE = 32 << 10, /* up to this a frame lies behind its exchange */
	KQ_NET_POOL_CLASSES = 7,    /* 32 KiB << 0 .. 6: frame buffers kept for reuse */
	KQ_NET_POOL_BYTES = 16 << 20, /* of them at most, by loop */
	KQ_NET_OUT_MAX = 4 << 20,   /* answers in memory: reading stops above it */
	KQ_NET_LINGER_MS = 500,     /* to let a last answer through before a close */
};

enum kq_net_stage { KQ_NET_RUN, KQ_NET_DRAIN, KQ_NET_KILL };

enum kq_xchg_state { KQ_XCHG_WAITS, KQ_XCHG_ANSWERED, KQ_XCHG_CLOSES };

struct kq_xchg {
	struct kq_exchange pub;      /* first */
	struct kq_xchg *next;        /* in the connection's order */
	struct kq_xchg *inbox_next;
	void (*post)(void *arg);     /* set: the inbox entry is a post */
	void *post_arg;
	enum kq_xchg_state state;    /* the loop's */
	enum kq_xchg_state result;   /* set by whoever completes, becomes state at home */
	size_t cap;                  /* of pub.frame when it is a buffer of its own, else 0 */
	size_t queued;               /* bytes counted in the budget */
	struct kq_chunk *chunks;     /* few, or an allocation of its own */
	int chunk_count, chunk_next; /* chunks before chunk_next are sent */
	uint8_t size_field[4];
	size_t sent;                 /* of the size field, then of chunks[chunk_next] */
	bool size_sent;
	struct kq_chunk few[2];
	uint8_t bytes[];             /* a small frame */
};

enum kq_conn_state {
	KQ_CONN_OPEN,
	KQ_CONN_FINISHING, /* reads no more; closes when the queue is empty */
	KQ_CONN_LINGERING, /* write side shut; input is thrown away until its end */
	KQ_CONN_DEAD,      /* socket closed; exchanges may still be with the handler */
};

struct kq_conn {
	uv_poll_t poll;
	struct kq_loop *loop;
	int fd, listener;
	enum kq_conn_state state;
	int events;                  /* polled for now */
	int refs;                    /* the poll handle, each exchange, the dirty list */
	int busy;                    /* > 0: inside pump, do not pump again */
	bool dirty, blocked, linger, by_address;
	bool closing;                /* a request asked for the end: no more are handed out */
	bool hushed;                 /* .. and all before it are answered: nothing is sent */
	bool big;                    /* its frames are large ones */
	struct kq_conn *lru_prev, *lru_next; /* least recently active first */
	struct kq_conn *dirty_next, *blocked_next, *muted_next, *fresh_next;
	int64_t active_ms;           /* last progress */
	int64_t mute_ms, muted_until_ms;
	struct kq_xchg *first, *last; /* requests under way */
	int under_way;
	size_t out_bytes;            /* memory of answers not yet sent */
	struct kq_xchg *in;          /* the frame being read */
	size_t in_got;
	uint8_t head[4];             /* a size field cut by a read */
	int head_got;
	uint8_t *left;               /* frames read but not yet handed out */
	size_t left_len, left_pos;
	void *user;
	struct in6_addr address;
	char peer[64];
};

/* A buffer that waits for its next frame. */
struct kq_free_buffer {
	struct kq_free_buffer *next;
};

struct kq_loop {
	struct kq_server *server;
	pthread_t thread;
	uv_loop_t uv;
	uv_async_t wake;
	uv_timer_t tick, unmute;
	_Atomic(struct kq_xchg *) inbox;  /* newest first */
	_Atomic(struct kq_conn *) fresh;  /* accepted, newest first */
	_Atomic bool unblock;             /* the budget has room again */
	_Atomic int wakers;               /* threads inside kq_loop_wake or _post */
	_Atomic bool ended;               /* wake is closed */
	bool in_inbox;
	struct kq_conn *lru_first, *lru_last, *dirty, *blocked, *muted;
	uint8_t *scratch, *filebuf;
	struct kq_free_buffer *pool[KQ_NET_POOL_CLASSES]; /* by size, see pool_class */
	size_t pool_bytes;
	bool pool_used;                   /* since the last tick */
	enum kq_net_stage stage;          /* acted upon so far */
	_Atomic int conns;
	_Atomic uint64_t bytes_in, bytes_out, requests, closed_idle;
};

struct kq_server {
	struct kq_server_options o;
	struct kq_loop *loops;
	int loop_count;
	_Atomic int stage;                /* enum kq_net_stage */
	/* the budget of request memory */
	_Atomic int64_t queued;
	_Atomic int blocked;              /* connections that wait for room */
	_Atomic(struct kq_conn *) holder; /* may finish its frame above the budget */
	/* accepting */
	pthread_t thread;
	uv_loop_t uv;
	uv_async_t wake;
	uv_timer_t resume;
	bool starved; /* accepting has paused and those who wait are not all in yet */
	uv_poll_t *polls;
	int *fds, *ports;
	int listener_count;
	pthread_mutex_t address_lock;
	struct kq_map by_address;         /* struct in6_addr -> count */
	_Atomic int64_t connections;
	_Atomic uint64_t accepted, refused;
	pthread_mutex_t stop_lock;
	pthread_cond_t stopped;           /* a loop has ended */
	int loops_running;
};

/* loop.c */
int kq_loop_start(struct kq_loop *l, struct kq_server *s);
void kq_loop_join(struct kq_loop *l);
void kq_loop_give(struct kq_loop *l, struct kq_conn *c);  /* any thread */
void kq_loop_post(struct kq_loop *l, struct kq_xchg *x);  /* any thread */
void kq_loop_wake(struct kq_loop *l);                     /* any thread */
bool kq_loop_is_mine(const struct kq_loop *l);
void kq_loop_start_tick(struct kq_loop *l);
void kq_loop_mute(struct kq_loop *l, struct kq_conn *c, int64_t ms);
uint8_t *kq_loop_buffer(struct kq_loop *l, size_t want, size_t *cap); /* NULL: no memory */
void kq_loop_buffer_free(struct kq_loop *l, uint8_t *p, size_t cap);

/* conn.c: on the connection's loop, but for _new (the accepting thread) */
struct kq_conn *kq_conn_new(struct kq_server *s, int fd, int listener);
void kq_conn_discard(struct kq_server *s, struct kq_conn *c); /* never given to a loop */
void kq_conn_begin(struct kq_conn *c, struct kq_loop *l);
void kq_conn_touch(struct kq_conn *c);   /* made progress: youngest in the idle list */
void kq_conn_pump(struct kq_conn *c);    /* does what can be done now; may free c */
void kq_conn_finish(struct kq_conn *c);  /* reads no more */
void kq_conn_kill(struct kq_conn *c);    /* closes the socket at once; may free c */
void kq_conn_unref(struct kq_conn *c);
void kq_conn_hand_out(struct kq_conn *c); /* c->in is whole: to the handler */

/* read.c */
void kq_conn_read(struct kq_conn *c);
bool kq_conn_can_take(const struct kq_conn *c); /* another request may be handed out */
void kq_conn_parse_left(struct kq_conn *c);

/* exchange.c */
struct kq_xchg *kq_xchg_new(struct kq_conn *c, size_t frame_len); /* NULL: no memory */
bool kq_xchg_grow(struct kq_xchg *x, size_t got); /* room behind the first got bytes */
void kq_xchg_drop_frame(struct kq_xchg *x);
void kq_xchg_home(struct kq_xchg *x); /* completed: result counts from here; may free c */
size_t kq_xchg_memory(const struct kq_xchg *x); /* of the answer, without file bytes */
void kq_xchg_free(struct kq_xchg *x);             /* with the answer, sent or not */

/* send.c: sends answered exchanges from the head of the queue and frees them.
 * False if the connection broke. *blocked: the socket takes no more now. */
bool kq_conn_send(struct kq_conn *c, bool *blocked);

/* budget.c */
void kq_budget_add(struct kq_server *s, size_t n);
void kq_budget_sub(struct kq_server *s, size_t n);
bool kq_budget_may_read(struct kq_conn *c); /* false: c is on its loop's blocked list */
void kq_budget_let_go(struct kq_conn *c);   /* c's frame is whole, or c ends */

#endif
