/* A request's memory and its answer.
 *
 * Requests are kept for reuse by thread, with the first block of their arena, so that
 * a small request costs one allocation: the answer's bytes. */
#include "broker/request.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "broker/metrics.h"
#include "broker/request_memory.h"
#include "log/log.h"

enum {
	SPARE_MAX = 16,            /* requests kept by thread */
	SPARE_BYTES_MAX = 16 << 10, /* of an arena that is kept */
	ARENA_BYTES_MAX = 64 << 20, /* decoded request and answer's structs */
	ANSWER_BYTES_MAX = 256 << 20, /* without file bytes */
	ANSWER_BYTES_FIRST = 256,
};

/* ---- memory ---- */

struct spares {
	struct kq_request *v[SPARE_MAX];
	int n;
};

static pthread_key_t spares_key;
static pthread_once_t spares_once = PTHREAD_ONCE_INIT;

static void free_request(struct kq_request *req)
{
	kq_arena_deinit(&req->arena);
	free(req);
}

static void free_spares(void *arg)
{
	struct spares *s = arg;
	while (s->n > 0)
		free_request(s->v[--s->n]);
	free(s);
}

static void make_key(void)
{
	int rc = pthread_key_create(&spares_key, free_spares);
	assert(rc == 0);
	(void)rc;
}

static struct spares *spares(void)
{
	pthread_once(&spares_once, make_key);
	struct spares *s = pthread_getspecific(spares_key);
	if (!s) {
		s = kq_calloc(1, sizeof *s);
		pthread_setspecific(spares_key, s);
	}
	return s;
}

struct kq_request *kq_request_new(struct kq_broker *b, struct kq_exchange *x)
{
	struct spares *s = spares();
	struct kq_request *req;
	if (s->n > 0) {
		req = s->v[--s->n];
	} else {
		req = kq_calloc(1, sizeof *req);
		kq_arena_init(&req->arena, ARENA_BYTES_MAX);
	}
	req->broker = b;
	req->x = x;
	req->api = NULL;
	req->body = NULL;
	req->listener = kq_conn_listener(x->conn);
	return req;
}

static void recycle(struct kq_request *req)
{
	struct spares *s = spares();
	if (s->n == SPARE_MAX || req->arena.used > SPARE_BYTES_MAX) {
		free_request(req);
		return;
	}
	kq_arena_reset(&req->arena);
	s->v[s->n++] = req;
}

/* ---- answers ---- */

static void count(const struct kq_request *req, uint64_t bytes_out)
{
	if (req->broker->metrics)
		kq_metrics_request(req->broker->metrics, req->head.api_key, req->x->frame_len,
				   bytes_out, kq_clock_mono_us() - req->x->received_us);
}

/* The encoded answer, or NULL (logged). */
static uint8_t *encode(struct kq_request *req, const void *response, struct kq_wire_gaps *gaps,
		       size_t *len)
{
	struct kq_writer w;
	int version = req->head.api_version;
	kq_writer_init(&w, ANSWER_BYTES_MAX);
	kq_writer_reserve(&w, ANSWER_BYTES_FIRST);
	kq_api_write_response_head(&w, req->head.api_key, version, req->head.correlation_id);
	int rc = kq_wire_encode(req->api->response, version, &w, response, gaps);
	if (!rc && kq_writer_failed(&w))
		rc = w.err;
	if (rc) {
		kq_error_log("broker", "%s: no answer to %s version %d: %s",
			     kq_conn_peer(req->x->conn), req->api->name, version, kq_strerror(rc));
		kq_writer_deinit(&w);
		return NULL;
	}
	return kq_writer_take(&w, len);
}

void kq_request_answer(struct kq_request *req, const void *response)
{
	struct kq_exchange *x = req->x;
	struct kq_chunk k = { 0 };
	k.mem = encode(req, response, NULL, &k.len);
	if (!k.mem) {
		kq_request_close(req);
		return;
	}
	count(req, k.len);
	recycle(req);
	kq_exchange_complete(x, &k, 1);
}

/* Slices of an answer under way: released together when all is sent. */
struct held {
	int n;
	struct kq_log_slice v[];
};

static void release_held(void *arg)
{
	struct held *h = arg;
	for (int i = 0; i < h->n; i++)
		kq_log_slice_release(&h->v[i]);
	free(h);
}

static struct held *hold(const struct kq_log_slice *slices, int n)
{
	struct held *h = kq_malloc(sizeof *h + (size_t)n * sizeof *slices);
	h->n = n;
	for (int i = 0; i < n; i++)
		h->v[i] = slices[i];
	return h;
}

/* Memory and file chunks in turn. The last piece of memory owns it, and the slices. */
static int lay_chunks(struct kq_chunk *k, uint8_t *mem, size_t len, const struct held *h,
		      const struct kq_wire_gaps *gaps)
{
	size_t at = 0;
	int count = 0;
	for (int i = 0; i < h->n; i++) {
		k[count++] = (struct kq_chunk){ .mem = mem, .off = at, .len = gaps->v[i].pos - at,
						.shared = true };
		k[count++] = (struct kq_chunk){ .fd = h->v[i].fd, .pos = h->v[i].pos,
						.len = h->v[i].size };
		at = gaps->v[i].pos;
	}
	k[count++] = (struct kq_chunk){ .mem = mem, .off = at, .len = len - at };
	return count;
}

void kq_request_answer_slices(struct kq_request *req, const void *response,
			      const struct kq_log_slice *slices, int n)
{
	struct kq_exchange *x = req->x;
	size_t len = 0, file_bytes = 0;
	if (n == 0) {
		kq_request_answer(req, response);
		return;
	}
	assert(2 * n + 1 <= KQ_CHUNKS_MAX);
	struct held *h = hold(slices, n);
	struct kq_wire_gaps gaps = { .cap = n };
	gaps.v = kq_arena_array(&req->arena, (size_t)n, sizeof *gaps.v);
	struct kq_chunk *k = kq_arena_array(&req->arena, (size_t)(2 * n + 1), sizeof *k);
	uint8_t *mem = gaps.v && k ? encode(req, response, &gaps, &len) : NULL;
	if (!mem || gaps.n != n) {
		free(mem);
		release_held(h);
		kq_request_close(req);
		return;
	}
	for (int i = 0; i < n; i++)
		file_bytes += h->v[i].size;
	int chunks = lay_chunks(k, mem, len, h, &gaps);
	k[chunks - 1].release = release_held;
	k[chunks - 1].release_arg = h;
	count(req, len + file_bytes);
	/* k lies in the arena: the exchange copies it before the request goes. */
	struct kq_request *done = req;
	kq_exchange_complete(x, k, chunks);
	recycle(done);
}

void kq_request_finish_silent(struct kq_request *req)
{
	struct kq_exchange *x = req->x;
	count(req, 0);
	recycle(req);
	kq_exchange_complete(x, NULL, 0);
}

void kq_request_close(struct kq_request *req)
{
	struct kq_exchange *x = req->x;
	recycle(req);
	kq_exchange_close(x);
}
