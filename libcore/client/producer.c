/* A producer's life as its user sees it: start, topics, flush, give up, end. */
#include "kq/producer.h"

#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "client/producer_internal.h"
#include "record/batch_inflate.h"
#include "record/compress.h"

enum { WALK_BYTES_MAX = 256 << 20 };

/* ---- settings --------------------------------------------------------------------- */

static int compression_level(const struct kq_client_config *cfg, enum kq_codec codec)
{
	static const char *const KEYS[] = { [KQ_CODEC_GZIP] = "compression.gzip.level",
					    [KQ_CODEC_LZ4] = "compression.lz4.level",
					    [KQ_CODEC_ZSTD] = "compression.zstd.level" };
	const char *key = codec <= KQ_CODEC_ZSTD ? KEYS[codec] : NULL;
	if (!key || !kq_client_config_is_set(cfg, key))
		return 0;
	int64_t level = kq_client_config_int(cfg, key);
	return codec == KQ_CODEC_GZIP && level < 0 ? 0 : (int)level;
}

static int read_settings(struct kq_producer *p, const struct kq_client_config *cfg, struct kq_error *e)
{
	const char *acks = kq_client_config_get(cfg, "acks");
	p->acks = (int16_t)(!strcasecmp(acks, "all") ? -1 : atoi(acks));
	p->idempotent = kq_client_config_bool(cfg, "enable.idempotence");
	if (p->acks != KQ_ACKS_ALL && p->idempotent) {
		if (kq_client_config_is_set(cfg, "enable.idempotence"))
			return kq_error_set(e, KQ_EINVAL, "enable.idempotence=true needs acks=all");
		p->idempotent = false;
	}
	const char *codec = kq_client_config_get(cfg, "compression.type");
	p->codec = (enum kq_codec)kq_codec_parse((struct kq_str){ codec, (int32_t)strlen(codec) });
	p->level = compression_level(cfg, p->codec);
	p->batch_size = (size_t)kq_client_config_int(cfg, "batch.size");
	if (p->batch_size < 1024)
		p->batch_size = 1024;
	if (p->batch_size > 512u << 20)
		p->batch_size = 512u << 20;
	p->mem_max = (size_t)kq_client_config_int(cfg, "buffer.memory");
	p->linger_ms = (int)kq_client_config_int(cfg, "linger.ms");
	p->retry_ms = (int)kq_client_config_int(cfg, "retry.backoff.ms");
	p->delivery_ms = (int)kq_client_config_int(cfg, "delivery.timeout.ms");
	p->request_ms = (int)kq_client_config_int(cfg, "request.timeout.ms");
	if (p->request_ms > p->delivery_ms)
		p->request_ms = p->delivery_ms;
	if (p->request_ms < 1)
		p->request_ms = 1;
	p->retries_max = kq_client_config_int(cfg, "retries");
	int64_t in_flight = kq_client_config_int(cfg, "max.in.flight.requests.per.connection");
	if (p->idempotent && in_flight > 5)
		return kq_error_set(e, KQ_EINVAL, "max.in.flight.requests.per.connection is %lld, but an "
				    "idempotent producer has at most 5", (long long)in_flight);
	return 0;
}

int kq_producer_new(struct kq_producer **out, const struct kq_client_config *cfg,
		    const struct kq_producer_options *o, struct kq_error *e)
{
	struct kq_producer *p = kq_calloc(1, sizeof(*p));
	pthread_condattr_t attr;
	p->opt = *o;
	p->pid = -1;
	p->dirty_last = &p->dirty;
	p->seed = (uint64_t)kq_clock_mono_us() ^ ((uint64_t)getpid() << 32);
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->room, &attr);
	pthread_condattr_destroy(&attr);
	int rc = read_settings(p, cfg, e);
	if (!rc)
		rc = kq_client_init(&p->client, cfg, e);
	if (!rc && pthread_create(&p->thread, NULL, kq_producer_run, p))
		rc = kq_error_set(e, KQ_ENOMEM, "cannot start a thread");
	if (rc) {
		kq_producer_free(p);
		return rc;
	}
	p->started = true;
	*out = p;
	return 0;
}

/* ---- waiting ---------------------------------------------------------------------- */

static struct timespec in_ms(int64_t ms)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += (long)(ms % 1000) * 1000000;
	if (t.tv_nsec >= 1000000000) {
		t.tv_sec++;
		t.tv_nsec -= 1000000000;
	}
	return t;
}

static struct kq_producer_topic *add_topic(struct kq_producer *p, const char *name)
{
	struct kq_producer_topic *t = p->topics;
	while (t && strcmp(t->name, name))
		t = t->next;
	if (t)
		return t;
	t = kq_calloc(1, sizeof(*t));
	t->producer = p;
	t->name = kq_strdup(name);
	t->sticky = -1;
	t->round = -1;
	t->record_max = KQ_RECORD_MAX_DEFAULT;
	t->next = p->topics;
	p->topics = t;
	p->topics_new = true;
	return t;
}

int kq_producer_topic(struct kq_producer *p, const char *name, int timeout_ms,
		      struct kq_producer_topic **out, struct kq_error *e)
{
	struct timespec until = in_ms(timeout_ms);
	pthread_mutex_lock(&p->lock);
	struct kq_producer_topic *t = add_topic(p, name);
	kq_rpc_wake(p->client.rpc);
	int rc = 0;
	while (!t->known && !t->error.code && !p->hopeless && !rc)
		rc = pthread_cond_timedwait(&p->room, &p->lock, &until);
	if (t->known) {
		*out = t;
		rc = 0;
	} else if (t->error.code) {
		rc = kq_error_set(e, t->error.code, "%s", t->error.text);
	} else if (p->trouble.code) {
		rc = kq_error_set(e, KQ_ECONN, "%s", p->trouble.text);
	} else {
		rc = kq_error_set(e, KQ_ETIMEOUT, "nothing known about topic '%s' after %d ms", name, timeout_ms);
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

int32_t kq_producer_partitions(struct kq_producer_topic *t)
{
	pthread_mutex_lock(&t->producer->lock);
	int32_t n = t->parts_n;
	pthread_mutex_unlock(&t->producer->lock);
	return n;
}

int32_t kq_producer_record_max(struct kq_producer_topic *t)
{
	pthread_mutex_lock(&t->producer->lock);
	int32_t n = t->record_max;
	pthread_mutex_unlock(&t->producer->lock);
	return n;
}

int kq_producer_flush(struct kq_producer *p, int timeout_ms)
{
	struct timespec until = in_ms(timeout_ms);
	int rc = 0;
	pthread_mutex_lock(&p->lock);
	p->flushing = true;
	kq_rpc_wake(p->client.rpc);
	while (p->unfinished && !rc && !p->aborted)
		rc = pthread_cond_timedwait(&p->room, &p->lock, &until);
	p->flushing = false;
	rc = p->unfinished ? KQ_ETIMEOUT : 0;
	pthread_mutex_unlock(&p->lock);
	return rc;
}

void kq_producer_stats(struct kq_producer *p, struct kq_producer_stats *s)
{
	pthread_mutex_lock(&p->lock);
	*s = p->stats;
	s->in_flight = (uint64_t)p->unfinished;
	s->buffered = p->mem_used;
	pthread_mutex_unlock(&p->lock);
}

bool kq_producer_trouble(struct kq_producer *p, struct kq_error *e)
{
	pthread_mutex_lock(&p->lock);
	*e = p->trouble;
	pthread_mutex_unlock(&p->lock);
	return e->code != 0;
}

/* ---- the end ------------------------------------------------------------------------ */

static int by_tag(const void *a, const void *b)
{
	const struct kq_out_batch *const *x = a, *const *y = b;
	uint64_t tx = kq_accumulator_tag(*x, 0), ty = kq_accumulator_tag(*y, 0);
	return tx < ty ? -1 : tx > ty;
}

/* The thread has ended: every batch is in some queue. */
static void fail_queued(struct kq_producer *p)
{
	size_t n = 0, cap = 64;
	struct kq_out_batch **v = kq_malloc(cap * sizeof(struct kq_out_batch *));
	for (struct kq_out_partition *part = p->active; part; part = part->active_next)
		for (struct kq_out_batch *b = part->queue; b; b = b->next) {
			if (n == cap)
				v = kq_realloc(v, (cap *= 2) * sizeof(struct kq_out_batch *));
			v[n++] = b;
		}
	for (struct kq_out_partition *part = p->active; part; part = part->active_next)
		part->queue = NULL;
	qsort(v, n, sizeof(struct kq_out_batch *), by_tag);
	for (size_t i = 0; i < n; i++)
		kq_producer_finish(p, v[i], KQ_ECLOSED, -1, -1);
	free(v);
}

void kq_producer_abort(struct kq_producer *p)
{
	if (!p->started)
		return;
	pthread_mutex_lock(&p->lock);
	p->aborted = p->stop = true;
	pthread_cond_broadcast(&p->room);
	pthread_mutex_unlock(&p->lock);
	kq_rpc_wake(p->client.rpc);
	pthread_join(p->thread, NULL);
	p->started = false;
	kq_rpc_free(p->client.rpc); /* what is in flight comes back to the queues */
	p->client.rpc = NULL;
	kq_accumulator_collect(p, kq_clock_mono_ms());
	fail_queued(p);
}

static void topic_free(struct kq_producer_topic *t)
{
	for (int32_t i = 0; i < t->parts_n; i++)
		free(t->parts[i]);
	free(t->parts);
	free(t->name);
	free(t);
}

void kq_producer_free(struct kq_producer *p)
{
	if (!p)
		return;
	kq_producer_abort(p);
	while (p->free_list) {
		struct kq_out_batch *b = p->free_list;
		p->free_list = b->next;
		kq_accumulator_free_batch(b);
	}
	while (p->topics) {
		struct kq_producer_topic *t = p->topics;
		p->topics = t->next;
		topic_free(t);
	}
	kq_client_deinit(&p->client);
	pthread_cond_destroy(&p->room);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

int kq_delivery_walk(const struct kq_delivery *d,
		     void (*fn)(void *arg, const struct kq_message *m, uint64_t tag), void *arg)
{
	const struct kq_out_batch *b = d->batch;
	struct kq_writer scratch;
	struct kq_batch head;
	struct kq_record_iter it;
	struct kq_record r;
	const uint8_t *records;
	size_t n;
	if (!b->bytes)
		return KQ_ENOTFOUND;
	kq_writer_init(&scratch, WALK_BYTES_MAX);
	int rc = kq_batch_peek(b->bytes, b->n, &head);
	if (!rc)
		rc = kq_batch_inflate(&head, &scratch, &records, &n);
	if (!rc)
		kq_record_iter_init(&it, &head, records, n);
	for (int32_t i = 0; !rc && kq_record_next(&it, &r) == 1; i++) {
		struct kq_message m = KQ_MESSAGE_INIT;
		m.topic = (struct kq_str){ d->topic, (int32_t)strlen(d->topic) };
		m.partition = d->partition;
		m.offset = d->base_offset < 0 ? -1 : d->base_offset + i;
		m.log_append_time = d->log_append_time >= 0;
		m.timestamp = m.log_append_time ? d->log_append_time : r.timestamp;
		m.key = r.key;
		m.value = r.value;
		m.headers = r.headers;
		m.header_count = r.header_count;
		fn(arg, &m, kq_accumulator_tag(b, i));
	}
	kq_writer_deinit(&scratch);
	return rc;
}
