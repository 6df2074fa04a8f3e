/* The producer's thread: one loop of collect, ask, send, poll. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "client/producer_internal.h"
#include "record/compress.h"
#include "wire/errors.h"
#include "wire/messages.h"

enum {
	ASK_ARENA_MAX = 1 << 20,
	TOPIC_REFUSALS = 20, /* metadata answers without the topic before it is unknown */
};

/* ---- topics ------------------------------------------------------------------------ */

static void grow(struct kq_producer_topic *t, int32_t n)
{
	if (n <= t->parts_n)
		return;
	t->parts = kq_realloc(t->parts, (size_t)n * sizeof(struct kq_out_partition *));
	for (; t->parts_n < n; t->parts_n++) {
		struct kq_out_partition *part = kq_calloc(1, sizeof(*part));
		part->topic = t;
		part->index = t->parts_n;
		part->closed_last = &part->closed;
		part->leader = -1;
		t->parts[t->parts_n] = part;
	}
}

/* The topic can be used: wakes who waits for it. */
static void known(struct kq_producer *p, struct kq_producer_topic *t, int32_t record_max)
{
	pthread_mutex_lock(&p->lock);
	t->record_max = record_max;
	t->batch_max = p->batch_size < (size_t)record_max ? p->batch_size : (size_t)record_max;
	if (t->batch_max < 1024)
		t->batch_max = 1024;
	t->known = true;
	pthread_cond_broadcast(&p->room);
	pthread_mutex_unlock(&p->lock);
}

static void config_done(void *arg, int err, struct kq_rpc_reply *reply)
{
	struct kq_producer_topic *t = arg;
	struct kq_describe_configs_response r;
	struct kq_arena a;
	int32_t max = KQ_RECORD_MAX_DEFAULT;
	kq_arena_init(&a, ASK_ARENA_MAX);
	if (!err && !kq_rpc_reply_decode(reply, &a, &r) && r.results_n == 1 && r.results[0].configs_n == 1) {
		struct kq_str v = r.results[0].configs[0].value;
		char digits[16] = "";
		if (v.len > 0 && v.len < (int32_t)sizeof(digits)) {
			memcpy(digits, v.p, (size_t)v.len);
			long n = strtol(digits, NULL, 10);
			if (n > 0 && n <= INT32_MAX)
				max = (int32_t)n;
		}
	}
	kq_arena_deinit(&a);
	known(t->producer, t, max);
}

/* Asks how large a batch of the topic may be. */
static void ask_config(struct kq_producer *p, struct kq_producer_topic *t)
{
	struct kq_rpc_conn *conn = kq_client_conn(&p->client, KQ_NODE_ANY);
	int version = kq_rpc_conn_version(conn, KQ_API_DESCRIBE_CONFIGS, 0, -1);
	if (version == KQ_EAGAIN)
		return;
	struct kq_describe_configs_request rq;
	struct kq_describe_configs_request_describe_configs_resource resource = {
		.resource_type = 2, .resource_name = { t->name, (int32_t)strlen(t->name) } };
	struct kq_str key = KQ_STR("max.message.bytes");
	kq_wire_init(kq_api_find(KQ_API_DESCRIBE_CONFIGS)->request, &rq);
	resource.configuration_keys = &key;
	resource.configuration_keys_n = 1;
	rq.resources = &resource;
	rq.resources_n = 1;
	struct kq_rpc_request r = { .api_key = KQ_API_DESCRIBE_CONFIGS, .version = version, .body = &rq,
				    .done = config_done, .arg = t };
	int rc = version < 0 ? version : kq_rpc_send(conn, &r);
	if (rc == KQ_EAGAIN)
		return;
	t->config_asked = true;
	if (rc)
		known(p, t, KQ_RECORD_MAX_DEFAULT);
}

/* Codes that no waiting changes. */
static bool topic_is_hopeless(int16_t code)
{
	return code && !kq_kafka_error_retriable(code);
}

static void take_metadata(struct kq_producer *p, struct kq_producer_topic *t, bool fresh)
{
	struct kq_str name = { t->name, (int32_t)strlen(t->name) };
	struct kq_meta_topic *m = kq_metadata_topic(&p->client.meta, name);
	if (!m || m->partition_n == 0) {
		kq_client_want_metadata(&p->client);
		if (!m || !fresh)
			return;
		t->refusals++;
		if (topic_is_hopeless(m->error) ||
		    (m->error == KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION && t->refusals > TOPIC_REFUSALS)) {
			pthread_mutex_lock(&p->lock);
			kq_error_set(&t->error, m->error == KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION ?
				     KQ_ENOTFOUND : KQ_EKAFKA, "topic '%s': %s", t->name,
				     kq_kafka_error_text(m->error));
			pthread_cond_broadcast(&p->room);
			pthread_mutex_unlock(&p->lock);
		}
		return;
	}
	pthread_mutex_lock(&p->lock);
	grow(t, m->partition_n);
	for (int32_t i = 0; i < m->partition_n; i++) {
		t->parts[i]->leader = m->partitions[i].leader;
		if (m->partitions[i].leader < 0 && t->parts[i]->active)
			kq_client_want_metadata(&p->client);
	}
	pthread_mutex_unlock(&p->lock);
}

static void tick_topics(struct kq_producer *p)
{
	bool fresh = p->generation != kq_client_generation(&p->client);
	pthread_mutex_lock(&p->lock);
	struct kq_producer_topic *t = p->topics;
	bool look = fresh || p->topics_new;
	p->topics_new = false;
	pthread_mutex_unlock(&p->lock);
	p->generation = kq_client_generation(&p->client);
	for (; t; t = t->next) {
		if (!t->watched) {
			kq_client_watch(&p->client, t->name, true);
			kq_client_want_metadata(&p->client);
			t->watched = true;
		}
		if (look)
			take_metadata(p, t, fresh);
		if (t->parts_n && !t->config_asked)
			ask_config(p, t);
	}
}

/* ---- producer id ---------------------------------------------------------------------- */

static void pid_done(void *arg, int err, struct kq_rpc_reply *reply)
{
	struct kq_producer *p = arg;
	struct kq_init_producer_id_response r;
	struct kq_arena a;
	p->pid_asked = false;
	p->pid_retry_ms = kq_clock_mono_ms() + p->retry_ms;
	kq_arena_init(&a, ASK_ARENA_MAX);
	if (!err && !kq_rpc_reply_decode(reply, &a, &r) && r.error_code == 0) {
		bool again = p->epoch > 0 || p->had_pid;
		p->pid = r.producer_id;
		p->epoch = r.producer_epoch;
		p->had_pid = true;
		for (struct kq_producer_topic *t = again ? p->topics : NULL; t; t = t->next)
			for (int32_t i = 0; i < t->parts_n; i++)
				t->parts[i]->reset = true;
		kq_debug_log("producer", "producer id %lld", (long long)p->pid);
	} else if (!err) {
		kq_log_at(kq_kafka_error_retriable(r.error_code) ? KQ_LOG_DEBUG : KQ_LOG_WARN, "producer",
			  "cannot get a producer id: %s", kq_kafka_error_name(r.error_code));
	}
	kq_arena_deinit(&a);
}

static void tick_pid(struct kq_producer *p, int64_t now, int64_t *due)
{
	if (!p->idempotent || p->pid >= 0 || p->pid_asked)
		return;
	if (now < p->pid_retry_ms) {
		if (p->pid_retry_ms < *due)
			*due = p->pid_retry_ms;
		return;
	}
	struct kq_rpc_conn *conn = kq_client_conn(&p->client, KQ_NODE_ANY);
	int version = kq_rpc_conn_version(conn, KQ_API_INIT_PRODUCER_ID, 0, -1);
	struct kq_init_producer_id_request rq;
	kq_wire_init(kq_api_find(KQ_API_INIT_PRODUCER_ID)->request, &rq);
	rq.transactional_id = KQ_STR_NULL;
	rq.transaction_timeout_ms = INT32_MAX;
	struct kq_rpc_request r = { .api_key = KQ_API_INIT_PRODUCER_ID, .version = version, .body = &rq,
				    .done = pid_done, .arg = p };
	if (version == KQ_EUNSUPPORTED) {
		kq_warn_log("producer", "the broker has no idempotent producers: sending again may double");
		p->idempotent = false;
	}
	if (version >= 0 && !kq_rpc_send(conn, &r))
		p->pid_asked = true;
}

/* ---- the loop --------------------------------------------------------------------------- */

static void note_trouble(struct kq_producer *p)
{
	struct kq_error e = { 0 };
	bool trouble = kq_client_trouble(&p->client, &e);
	bool hopeless = !p->generation && kq_client_hopeless(&p->client);
	pthread_mutex_lock(&p->lock);
	p->hopeless = hopeless;
	if (trouble)
		p->trouble = e;
	else
		p->trouble.code = 0;
	pthread_cond_broadcast(&p->room);
	pthread_mutex_unlock(&p->lock);
}

/* Something is wanted of the cluster and nobody is ready: keep trying to connect. */
static void keep_connected(struct kq_producer *p, int64_t now, int64_t *due)
{
	struct kq_rpc_conn *conn = kq_client_conn(&p->client, KQ_NODE_ANY);
	if (kq_rpc_conn_state(conn) == KQ_RPC_READY)
		return;
	if (now + 50 < *due)
		*due = now + 50;
}

void *kq_producer_run(void *arg)
{
	struct kq_producer *p = arg;
	int64_t trouble_due = 0;
	for (;;) {
		int64_t now = kq_clock_mono_ms();
		pthread_mutex_lock(&p->lock);
		bool stop = p->stop;
		pthread_mutex_unlock(&p->lock);
		if (stop)
			break;
		int64_t due = kq_accumulator_collect(p, now);
		tick_topics(p);
		tick_pid(p, now, &due);
		int64_t retry = kq_producer_send_ready(p, now);
		int64_t meta = kq_client_tick(&p->client);
		keep_connected(p, now, &due);
		due = retry < due ? retry : due;
		due = meta < due ? meta : due;
		if (now >= trouble_due) {
			note_trouble(p);
			trouble_due = now + 100;
		}
		kq_rpc_poll(p->client.rpc, due < now + 1000 ? due : now + 1000);
	}
	kq_compress_thread_cleanup();
	return NULL;
}
