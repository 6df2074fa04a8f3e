/* Sending: the answered exchanges at the head of the queue, many small ones in one
 * sendmsg. File bytes go through the loop's buffer (pread, then the same sendmsg), or
 * by sendfile where the options say so.
 *
 * Bytes of a file that were read but not taken by the socket are read again when it
 * takes more: the buffer belongs to the loop, not to the connection. */
#include <assert.h>
#include <errno.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/io.h"
#include "base/log.h"
#include "net/server_impl.h"

enum { PIECES = 64, SEND_BYTES = 4 << 20 };

/* What one sendmsg is given. */
struct batch {
	struct iovec iov[PIECES];
	int count;
	size_t bytes, file_bytes;
	const struct kq_chunk *file; /* sendfile goes on here after the pieces */
	size_t file_sent;
	bool cut;                    /* stopped before the end of what is answered */
};

static void add_piece(struct batch *b, const uint8_t *p, size_t n)
{
	b->iov[b->count++] = (struct iovec){ (void *)p, n };
	b->bytes += n;
}

static bool add_file(struct kq_conn *c, struct batch *b, const struct kq_chunk *k, size_t sent)
{
	struct kq_loop *l = c->loop;
	size_t want = k->len - sent, space = KQ_NET_FILEBUF - b->file_bytes, got;
	if (l->server->o.use_sendfile) {
		b->file = k;
		b->file_sent = sent;
		b->cut = true;
		return true;
	}
	if (want > space) {
		want = space;
		b->cut = true;
	}
	uint8_t *p = l->filebuf + b->file_bytes;
	if (kq_io_pread(k->fd, p, want, (off_t)(k->pos + (int64_t)sent), &got) < 0 || got < want) {
		kq_error_log("net", "%s: closed, a file that is being sent cannot be read", c->peer);
		return false;
	}
	add_piece(b, p, want);
	b->file_bytes += want;
	return true;
}

/* Pieces of one exchange; stops at b->cut. False: cannot go on. */
static bool gather_one(struct kq_conn *c, const struct kq_xchg *x, struct batch *b)
{
	size_t sent = x->sent;
	if (!x->size_sent) {
		add_piece(b, x->size_field + sent, 4 - sent);
		sent = 0;
	}
	for (int i = x->chunk_next; i < x->chunk_count && !b->cut; i++, sent = 0) {
		const struct kq_chunk *k = &x->chunks[i];
		if (b->count == PIECES) {
			b->cut = true;
			break;
		}
		if (k->len == sent)
			continue;
		if (k->mem)
			add_piece(b, k->mem + k->off + sent, k->len - sent);
		else if (!add_file(c, b, k, sent))
			return false;
	}
	return true;
}

/* x has no bytes to send (acks=0). */
static bool is_silent(const struct kq_xchg *x)
{
	return x->state == KQ_XCHG_ANSWERED && x->chunk_count == 0;
}

static bool gather(struct kq_conn *c, struct batch *b)
{
	*b = (struct batch){ .count = 0 };
	for (struct kq_xchg *x = c->first; x && x->state == KQ_XCHG_ANSWERED; x = x->next) {
		if (is_silent(x))
			continue;
		if (b->cut || b->count >= PIECES - 1) {
			b->cut = true;
			break;
		}
		if (!gather_one(c, x, b))
			return false;
	}
	return true;
}

/* The head of the queue is done with. */
static void pop(struct kq_conn *c)
{
	struct kq_xchg *x = c->first;
	c->first = x->next;
	if (!c->first)
		c->last = NULL;
	c->out_bytes -= kq_xchg_memory(x);
	c->under_way--;
	kq_xchg_free(x);
	c->refs--; /* the caller holds one */
	assert(c->refs > 0);
	if (c->mute_ms) {
		int64_t ms = c->mute_ms;
		c->mute_ms = 0;
		kq_loop_mute(c->loop, c, ms);
	}
}

/* Notes n more bytes of x as sent; returns what is left of n when x is whole. */
static size_t advance(struct kq_xchg *x, size_t n)
{
	if (!x->size_sent) {
		size_t take = 4 - x->sent < n ? 4 - x->sent : n;
		x->sent += take;
		n -= take;
		if (x->sent < 4)
			return 0;
		x->size_sent = true;
		x->sent = 0;
	}
	while (x->chunk_next < x->chunk_count) {
		size_t rest = x->chunks[x->chunk_next].len - x->sent;
		if (n < rest) {
			x->sent += n;
			return 0;
		}
		n -= rest;
		x->sent = 0;
		x->chunk_next++;
	}
	return n;
}

static void took(struct kq_conn *c, size_t n)
{
	atomic_fetch_add_explicit(&c->loop->bytes_out, n, memory_order_relaxed);
	if (n)
		kq_conn_touch(c);
	while (c->first && c->first->state == KQ_XCHG_ANSWERED) {
		struct kq_xchg *x = c->first;
		if (!is_silent(x)) {
			n = advance(x, n);
			if (x->chunk_next < x->chunk_count || !x->size_sent)
				break;
		}
		pop(c);
	}
	assert(n == 0);
}

/* Bytes sent; 0 when the socket takes none now; -1 broken. */
static ssize_t send_batch(struct kq_conn *c, const struct batch *b)
{
	ssize_t n = 0;
	if (b->count) {
		struct msghdr m = { .msg_iov = (struct iovec *)b->iov,
				    .msg_iovlen = (size_t)b->count };
		n = sendmsg(c->fd, &m, MSG_NOSIGNAL | (b->cut ? MSG_MORE : 0));
	} else if (b->file) {
		off_t pos = (off_t)(b->file->pos + (int64_t)b->file_sent);
		n = sendfile(c->fd, b->file->fd, &pos, b->file->len - b->file_sent);
		if (n == 0)
			return -1; /* the file is shorter than was promised */
	}
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	return n;
}

/* The head asked for the end of the connection: nothing after it is sent. */
static void hush(struct kq_conn *c)
{
	c->hushed = c->linger = true;
	kq_conn_finish(c);
	while (c->first && c->first->state != KQ_XCHG_WAITS)
		pop(c);
}

bool kq_conn_send(struct kq_conn *c, bool *blocked)
{
	struct batch b;
	size_t total = 0;
	*blocked = false;
	for (;;) {
		took(c, 0); /* silent ones at the head */
		if (c->first && (c->hushed || c->first->state == KQ_XCHG_CLOSES)) {
			hush(c);
			return true;
		}
		if (!gather(c, &b))
			return false;
		if (!b.count && !b.file)
			return true;
		ssize_t n = send_batch(c, &b);
		if (n < 0)
			return false;
		if (n > 0)
			took(c, (size_t)n);
		total += (size_t)n;
		if ((size_t)n < b.bytes || (n == 0 && b.file) || total >= SEND_BYTES) {
			*blocked = c->first && c->first->state == KQ_XCHG_ANSWERED;
			return true;
		}
	}
}
