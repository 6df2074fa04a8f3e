/* The memory of a request and of its answer, and how answers come home.
 *
 * A small frame lies behind the exchange in one allocation; a larger one has a
 * buffer of its own that goes back to the loop's pool. The answer's chunks are held
 * until all of them are sent or the connection is gone. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/reader.h"
#include "base/writer.h"
#include "net/server_impl.h"

struct kq_xchg *kq_xchg_new(struct kq_conn *c, size_t frame_len)
{
	size_t inlined = frame_len <= KQ_NET_FRAME_INLINE ? frame_len : 0;
	struct kq_xchg *x = kq_try_malloc(sizeof *x + inlined);
	if (!x)
		return NULL;
	*x = (struct kq_xchg){ .pub = { .conn = c, .frame_len = frame_len } };
	x->chunks = x->few;
	if (inlined) {
		x->pub.frame = x->bytes;
		return x;
	}
	size_t want = frame_len < KQ_NET_FRAME_START ? frame_len : KQ_NET_FRAME_START;
	x->pub.frame = kq_loop_buffer(c->loop, want, &x->cap);
	if (!x->pub.frame) {
		free(x);
		return NULL;
	}
	return x;
}

bool kq_xchg_grow(struct kq_xchg *x, size_t got)
{
	if (!x->cap || got < x->cap || x->cap >= x->pub.frame_len)
		return true;
	size_t cap = 2 * x->cap < x->pub.frame_len ? 2 * x->cap : x->pub.frame_len;
	uint8_t *p = kq_try_realloc(x->pub.frame, cap);
	if (!p)
		return false;
	x->pub.frame = p;
	x->cap = cap;
	return true;
}

void kq_xchg_drop_frame(struct kq_xchg *x)
{
	if (x->cap)
		kq_loop_buffer_free(x->pub.conn->loop, x->pub.frame, x->cap);
	x->pub.frame = NULL;
	x->cap = 0;
	if (x->queued)
		kq_budget_sub(x->pub.conn->loop->server, x->queued);
	x->queued = 0;
}

static void release_chunks(const struct kq_chunk *chunks, int count)
{
	for (int i = 0; i < count; i++) {
		if (chunks[i].release)
			chunks[i].release(chunks[i].release_arg);
		if (!chunks[i].shared)
			free(chunks[i].mem);
	}
}

size_t kq_xchg_memory(const struct kq_xchg *x)
{
	size_t n = 0;
	for (int i = 0; i < x->chunk_count; i++)
		n += x->chunks[i].mem ? x->chunks[i].len : 0;
	return n;
}

void kq_xchg_free(struct kq_xchg *x)
{
	kq_xchg_drop_frame(x);
	release_chunks(x->chunks, x->chunk_count);
	if (x->chunks != x->few)
		free(x->chunks);
	free(x);
}

void kq_xchg_home(struct kq_xchg *x)
{
	struct kq_conn *c = x->pub.conn;
	struct kq_loop *l = c->loop;
	x->state = x->result;
	kq_xchg_drop_frame(x);
	if (x->state == KQ_XCHG_ANSWERED)
		c->out_bytes += kq_xchg_memory(x);
	else
		c->closing = true;
	if (c->busy || c->dirty)
		return; /* whoever is at it sends */
	if (!l->in_inbox) {
		kq_conn_pump(c);
		return;
	}
	c->dirty = true;
	c->refs++;
	c->dirty_next = l->dirty;
	l->dirty = c;
}

/* The answer is in x: to the loop, or on with it if this is the loop. */
static void bring_home(struct kq_xchg *x, enum kq_xchg_state result)
{
	assert(x->state == KQ_XCHG_WAITS);
	x->result = result;
	if (kq_loop_is_mine(x->pub.conn->loop))
		kq_xchg_home(x);
	else
		kq_loop_post(x->pub.conn->loop, x);
}

void kq_exchange_complete(struct kq_exchange *pub, const struct kq_chunk *chunks, int count)
{
	struct kq_xchg *x = (struct kq_xchg *)pub;
	size_t total = 0;
	assert(count >= 0 && count <= KQ_CHUNKS_MAX);
	if (count > (int)(sizeof x->few / sizeof *x->few))
		x->chunks = kq_malloc((size_t)count * sizeof *chunks);
	if (count)
		memcpy(x->chunks, chunks, (size_t)count * sizeof *chunks);
	x->chunk_count = count;
	for (int i = 0; i < count; i++)
		total += chunks[i].len;
	kq_store_u32(x->size_field, (uint32_t)total);
	/* More than a size field can say is a bug of the handler. */
	bring_home(x, total <= INT32_MAX ? KQ_XCHG_ANSWERED : KQ_XCHG_CLOSES);
}

void kq_exchange_close(struct kq_exchange *pub)
{
	bring_home((struct kq_xchg *)pub, KQ_XCHG_CLOSES);
}

void kq_exchange_post(struct kq_exchange *pub, void (*fn)(void *arg), void *arg)
{
	struct kq_xchg *x = (struct kq_xchg *)pub;
	assert(!x->post);
	x->post = fn;
	x->post_arg = arg;
	kq_loop_post(x->pub.conn->loop, x);
}
