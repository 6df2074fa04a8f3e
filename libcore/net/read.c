/* Reading: bytes of a large frame go straight into its buffer, and what follows them
 * in the same read, as all small frames, into the loop's scratch memory, from which
 * they are copied out. A connection that sends large frames is first read in a small
 * bite, so that most of the next frame lands in its own buffer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/reader.h"
#include "net/server_impl.h"

enum { BITE = 1024, READS = 8, READ_BYTES = 2 << 20 };

bool kq_conn_can_take(const struct kq_conn *c)
{
	return !c->closing && c->under_way < c->loop->server->o.max_pipelined && c->out_bytes < KQ_NET_OUT_MAX &&
	       !c->muted_until_ms && !c->mute_ms;
}

static void refuse(struct kq_conn *c, const char *why, int64_t size)
{
	kq_info_log("net", "%s: closed, %s %lld", c->peer, why, (long long)size);
	c->linger = true;
	kq_conn_finish(c);
}

/* Takes bytes of the size field; begins the frame when it is whole. */
static size_t take_head(struct kq_conn *c, const uint8_t *p, size_t n)
{
	size_t took = 4 - (size_t)c->head_got < n ? 4 - (size_t)c->head_got : n;
	memcpy(c->head + c->head_got, p, took);
	if (c->head_got == 0)
		kq_conn_touch(c); /* a half request's time counts from here */
	c->head_got += (int)took;
	if (c->head_got < 4)
		return took;
	c->head_got = 0;
	int32_t size = kq_load_i32(c->head);
	if (size <= 0 || size > c->loop->server->o.frame_bytes_max) {
		refuse(c, "a frame of length", size);
		return took;
	}
	c->in = kq_xchg_new(c, (size_t)size);
	c->in_got = 0;
	if (!c->in)
		refuse(c, "no memory for a frame of", size);
	return took;
}

/* n more bytes are in the frame's buffer. */
static void got_bytes(struct kq_conn *c, size_t n)
{
	struct kq_xchg *x = c->in;
	c->in_got += n;
	x->queued += n;
	kq_budget_add(c->loop->server, n);
	if (c->in_got == x->pub.frame_len)
		kq_conn_hand_out(c);
	else if (!kq_xchg_grow(x, c->in_got))
		refuse(c, "no memory for a frame of", (int64_t)x->pub.frame_len);
}

/* Room in the frame's buffer behind what is there. */
static size_t room(const struct kq_conn *c)
{
	const struct kq_xchg *x = c->in;
	size_t cap = x->cap && x->cap < x->pub.frame_len ? x->cap : x->pub.frame_len;
	return cap - c->in_got;
}

/* Returns how much of p is used up: all, unless requests must wait or c finishes. */
static size_t parse(struct kq_conn *c, const uint8_t *p, size_t n)
{
	size_t used = 0;
	while (used < n && c->state == KQ_CONN_OPEN) {
		if (!c->in && !kq_conn_can_take(c))
			break;
		if (!c->in) {
			used += take_head(c, p + used, n - used);
			continue;
		}
		size_t take = room(c) < n - used ? room(c) : n - used;
		memcpy(c->in->pub.frame + c->in_got, p + used, take);
		used += take;
		got_bytes(c, take);
	}
	return used;
}

void kq_conn_parse_left(struct kq_conn *c)
{
	c->left_pos += parse(c, c->left + c->left_pos, c->left_len - c->left_pos);
	if (c->state != KQ_CONN_OPEN || c->left_pos == c->left_len) {
		free(c->left); /* (finishing has freed it already) */
		c->left = NULL;
	}
}

static void parse_scratch(struct kq_conn *c, size_t n)
{
	const uint8_t *p = c->loop->scratch;
	size_t used = parse(c, p, n);
	if (used == n || c->state != KQ_CONN_OPEN)
		return;
	c->left_len = n - used;
	c->left_pos = 0;
	c->left = kq_malloc(c->left_len); /* at most the scratch memory */
	memcpy(c->left, p + used, c->left_len);
}

static bool is_big(const struct kq_xchg *x)
{
	return x && x->pub.frame_len > KQ_NET_FRAME_INLINE;
}

/* One read. False: the socket has no more now, or the connection ends. */
static bool read_once(struct kq_conn *c, size_t *got)
{
	struct iovec iov[2];
	int count = 0;
	size_t direct = 0, want = c->big ? BITE : KQ_NET_SCRATCH;
	if (c->in) {
		direct = room(c);
		iov[count++] = (struct iovec){ c->in->pub.frame + c->in_got, direct };
	}
	if (!c->in || c->in_got + direct == c->in->pub.frame_len)
		iov[count++] = (struct iovec){ c->loop->scratch, want };
	else
		want = 0;
	ssize_t n = readv(c->fd, iov, count);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		if (n < 0)
			kq_conn_kill(c);
		else
			kq_conn_finish(c);
		return false;
	}
	*got = (size_t)n;
	atomic_fetch_add_explicit(&c->loop->bytes_in, *got, memory_order_relaxed);
	bool was_big = is_big(c->in);
	size_t of_frame = *got < direct ? *got : direct;
	if (of_frame)
		got_bytes(c, of_frame);
	if (*got > of_frame && c->state == KQ_CONN_OPEN)
		parse_scratch(c, *got - of_frame);
	c->big = was_big || is_big(c->in);
	return *got == direct + want || c->big;
}

static void read_away(struct kq_conn *c)
{
	ssize_t n = read(c->fd, c->loop->scratch, KQ_NET_SCRATCH);
	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		kq_conn_kill(c);
}

void kq_conn_read(struct kq_conn *c)
{
	size_t total = 0, got = 0;
	if (c->state == KQ_CONN_LINGERING) {
		read_away(c);
		return;
	}
	c->busy++; /* answers that are made meanwhile go out together after it */
	for (int i = 0; i < READS && total < READ_BYTES && c->state == KQ_CONN_OPEN; i++) {
		if (c->left || !kq_conn_can_take(c) || !kq_budget_may_read(c))
			break;
		if (!read_once(c, &got))
			break;
		total += got;
	}
	c->busy--;
}
