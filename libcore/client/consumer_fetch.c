/* Fetch requests, their sessions (KIP-227) and what comes back.
 *
 * Incremental requests name only partitions whose position moved since the broker was
 * told, and those that are no longer wanted. Any doubt about the session (an error, a
 * lost connection) ends in a full request with epoch 0, which makes a new one. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/log.h"
#include "client/consumer_internal.h"
#include "wire/errors.h"

enum { SESSIONS_FROM = 7, IDS_FROM = 13, NO_IDS_MAX = 12, GONE_MS = 30000, PATIENCE_MS = 10000 };

static const struct kq_meta_topic *meta_of(const struct kq_consumer *c, const struct kq_source *s)
{
	return kq_metadata_topic(&c->client.meta, (struct kq_str){ s->topic, (int32_t)strlen(s->topic) });
}

static bool is_active(const struct kq_source *s, const struct kq_fetcher *f, int64_t now)
{
	return s->leader == f->node && !s->finished && !s->needs_reset && s->not_before_ms <= now;
}

static bool has_id(const struct kq_meta_topic *t)
{
	static const struct kq_uuid none;
	return t && memcmp(&t->id, &none, sizeof none) != 0;
}

/* Can topics be named by id? Only if all of them have one. */
static bool all_have_ids(const struct kq_fetcher *f)
{
	for (const struct kq_source *s = f->c->sources; s; s = s->next)
		if (s->leader == f->node && !has_id(meta_of(f->c, s)))
			return false;
	return true;
}

/* What is being put together for one request. */
struct order {
	struct kq_fetcher *f;
	struct kq_fetch_request req;
	bool by_id;
	int sources; /* how many there are: bounds the arrays */
	int named;   /* partitions in the request, forgotten ones included */
};

static bool grow(struct order *o)
{
	struct kq_arena *a = &o->f->c->request_arena;
	for (const struct kq_source *s = o->f->c->sources; s; s = s->next)
		o->sources++;
	o->req.topics = kq_wire_array(&kq_fetch_request_fetch_topic_schema, a, (size_t)o->sources);
	o->req.forgotten_topics_data =
		kq_wire_array(&kq_fetch_request_forgotten_topic_schema, a, (size_t)o->sources);
	return o->req.topics && o->req.forgotten_topics_data;
}

static int64_t fetch_size(const struct kq_consumer *c)
{
	if (kq_client_config_is_set(c->cfg, "max.partition.fetch.bytes"))
		return kq_client_config_int(c->cfg, "max.partition.fetch.bytes");
	return KQ_FETCH_PARTITION_BYTES;
}

static bool name_partition(struct order *o, const struct kq_source *s)
{
	struct kq_arena *a = &o->f->c->request_arena;
	struct kq_fetch_request_fetch_topic *t = &o->req.topics[o->req.topics_n - 1];
	struct kq_str name = { s->topic, (int32_t)strlen(s->topic) };
	if (o->req.topics_n == 0 || t->topic.len != name.len || memcmp(t->topic.p, name.p, (size_t)name.len)) {
		t = &o->req.topics[o->req.topics_n++];
		t->topic = name;
		t->topic_id = s->told_id;
		t->partitions = kq_wire_array(&kq_fetch_request_fetch_partition_schema, a, (size_t)o->sources);
		t->partitions_n = 0;
		if (!t->partitions)
			return false;
	}
	struct kq_fetch_request_fetch_partition *p = &t->partitions[t->partitions_n++];
	p->partition = s->partition;
	p->current_leader_epoch = s->leader_epoch;
	p->fetch_offset = s->position;
	p->partition_max_bytes = (int32_t)fetch_size(o->f->c);
	o->named++;
	return true;
}

static bool forget_partition(struct order *o, const struct kq_source *s)
{
	struct kq_fetch_request_forgotten_topic *t =
		&o->req.forgotten_topics_data[o->req.forgotten_topics_data_n++];
	t->topic = (struct kq_str){ s->topic, (int32_t)strlen(s->topic) };
	t->topic_id = s->told_id;
	t->partitions = kq_arena_array(&o->f->c->request_arena, 1, sizeof *t->partitions);
	if (!t->partitions)
		return false;
	t->partitions[0] = s->partition;
	t->partitions_n = 1;
	o->named++;
	return true;
}

/* Fills the request; false if there is nothing to ask for. */
static bool fill(struct order *o, bool sessions, int64_t now)
{
	struct kq_fetcher *f = o->f;
	bool full = !sessions || f->session_epoch == 0;
	int active = 0;
	if (!grow(o))
		return false;
	for (struct kq_source *s = f->c->sources; s; s = s->next) {
		bool told = !full && s->in_session_of == f->node;
		if (!is_active(s, f, now)) {
			if (told && !forget_partition(o, s))
				return false;
			if (s->in_session_of == f->node)
				s->in_session_of = -1;
			continue;
		}
		active++;
		if (told && s->told_position == s->position)
			continue;
		const struct kq_meta_topic *t = meta_of(f->c, s);
		if (t)
			s->told_id = t->id;
		if (!name_partition(o, s))
			return false;
		s->told_position = s->position;
		s->in_session_of = f->node;
	}
	return active > 0;
}

static void on_answer(void *arg, int err, struct kq_rpc_reply *reply);

static void send_fetch(struct kq_fetcher *f)
{
	struct kq_consumer *c = f->c;
	struct kq_rpc_conn *conn = kq_client_conn(&c->client, f->node);
	if (!conn || !kq_rpc_conn_can_send(conn))
		return;
	struct order o = { .f = f, .by_id = all_have_ids(f) };
	int version = kq_rpc_conn_version(conn, KQ_API_FETCH, 4, o.by_id ? -1 : NO_IDS_MAX);
	if (version < 0) {
		kq_error_set(&c->fatal, version, "broker %s speaks no version of Fetch that kq knows",
			     kq_rpc_conn_name(conn));
		return;
	}
	kq_arena_reset(&c->request_arena);
	kq_wire_init(&kq_fetch_request_schema, &o.req);
	if (!fill(&o, version >= SESSIONS_FROM, kq_clock_mono_ms()))
		return;
	o.req.replica_id = -1;
	o.req.max_wait_ms = (int32_t)kq_client_config_int(c->cfg, "fetch.max.wait.ms");
	o.req.min_bytes = (int32_t)kq_client_config_int(c->cfg, "fetch.min.bytes");
	o.req.max_bytes = (int32_t)kq_client_config_int(c->cfg, "fetch.max.bytes");
	o.req.isolation_level = c->read_committed;
	o.req.session_id = version >= SESSIONS_FROM ? f->session_id : 0;
	o.req.session_epoch = version >= SESSIONS_FROM ? f->session_epoch : -1;
	struct kq_rpc_request rq = { .api_key = KQ_API_FETCH, .version = version, .body = &o.req,
				     .timeout_ms = o.req.max_wait_ms + PATIENCE_MS,
				     .done = on_answer, .arg = f };
	if (kq_rpc_send(conn, &rq) == 0)
		f->flying = true;
	else
		f->session_epoch = 0;
}

static struct kq_fetcher *fetcher_of(struct kq_consumer *c, int32_t node)
{
	for (struct kq_fetcher *f = c->fetchers; f; f = f->next)
		if (f->node == node)
			return f;
	struct kq_fetcher *f = kq_calloc(1, sizeof *f);
	f->c = c;
	f->node = node;
	f->next = c->fetchers;
	c->fetchers = f;
	return f;
}

void kq_consumer_send_fetches(struct kq_consumer *c)
{
	for (const struct kq_source *s = c->sources; s; s = s->next)
		if (!s->finished && s->leader >= 0)
			fetcher_of(c, s->leader);
		else if (!s->finished)
			kq_client_want_metadata(&c->client);
	for (struct kq_fetcher *f = c->fetchers; f; f = f->next)
		if (!f->flying && f->ahead < KQ_FETCHED_AHEAD)
			send_fetch(f);
}

int64_t kq_consumer_next_due(const struct kq_consumer *c)
{
	int64_t due = c->o.stop_at_end ? INT64_MAX : c->discover_ms, now = kq_clock_mono_ms();
	for (const struct kq_source *s = c->sources; s; s = s->next)
		if (!s->finished && s->not_before_ms > now && s->not_before_ms < due)
			due = s->not_before_ms;
	/* a connection that is not ready yet is looked at again soon */
	return due < now + KQ_RETRY_MS ? due : now + KQ_RETRY_MS;
}

/* ---- what comes back ------------------------------------------------------ */

void kq_answer_free(struct kq_answer *a)
{
	kq_rpc_buf_release(a->buf);
	kq_arena_deinit(&a->arena);
	free(a);
}

/* The offset after the last whole batch; position if there is none. */
static int64_t after_batches(struct kq_bytes records, int64_t position)
{
	const uint8_t *p = records.p;
	size_t left = records.len > 0 ? (size_t)records.len : 0;
	while (left >= KQ_BATCH_OVERHEAD + 5) {
		int64_t size = (int64_t)kq_load_i32(p + 8) + KQ_BATCH_OVERHEAD;
		if (size < KQ_BATCH_OVERHEAD + 5 || (uint64_t)size > left)
			break;
		int64_t last = kq_load_i64(p);
		if (p[16] == 2 && size >= KQ_BATCH_HEADER_SIZE)
			last += kq_load_i32(p + 23);
		if (last >= position)
			position = last + 1;
		p += size;
		left -= (size_t)size;
	}
	return position;
}

static struct kq_source *source_of(const struct kq_fetcher *f, struct kq_str topic,
				   const struct kq_uuid *id, int32_t partition, bool by_id)
{
	for (struct kq_source *s = f->c->sources; s; s = s->next) {
		if (s->partition != partition || s->in_session_of != f->node)
			continue;
		if (by_id ? !memcmp(&s->told_id, id, sizeof *id)
			  : (size_t)topic.len == strlen(s->topic) && !memcmp(topic.p, s->topic, (size_t)topic.len))
			return s;
	}
	return NULL;
}

static void part_failed(struct kq_consumer *c, struct kq_source *s, int code)
{
	int64_t now = kq_clock_mono_ms();
	s->not_before_ms = now + KQ_RETRY_MS;
	if (code == KQ_KAFKA_OFFSET_OUT_OF_RANGE) {
		s->needs_reset = true;
		return;
	}
	kq_client_want_metadata(&c->client);
	kq_debug_log("client", "fetch of %s [%d]: %s", s->topic, s->partition, kq_kafka_error_name(code));
	if (s->missing_since_ms && now - s->missing_since_ms > GONE_MS)
		kq_error_set(&c->fatal, KQ_ENOTFOUND, "topic '%s' is gone", s->topic);
	else if (!kq_kafka_error_retriable(code))
		kq_error_set(&c->fatal, KQ_EKAFKA, "fetching from %s [%d]: %s", s->topic, s->partition,
			     kq_kafka_error_text(code));
}

static int by_first_offset(const void *a, const void *b)
{
	const struct kq_fetch_response_aborted_transaction *x = a, *y = b;
	return (x->first_offset > y->first_offset) - (x->first_offset < y->first_offset);
}

static void take_part(struct kq_answer *a, struct kq_source *s, struct kq_fetch_response_partition_data *d)
{
	if (d->high_watermark >= 0)
		s->high_watermark = d->high_watermark;
	if (d->records.len <= 0)
		return;
	int64_t next = after_batches(d->records, s->position);
	if (next == s->position)
		return; /* a cut batch: it comes whole when its turn is first */
	struct kq_part *p = &a->parts[a->part_n++];
	*p = (struct kq_part){ .source = s, .records = d->records, .from = s->position };
	if (s != NULL && d->aborted_transactions_n > 0) {
		p->aborted = d->aborted_transactions;
		p->aborted_n = d->aborted_transactions_n;
		qsort(p->aborted, (size_t)p->aborted_n, sizeof *p->aborted, by_first_offset);
	}
	s->position = next;
	s->finished = s->position >= s->end;
}

static bool take_parts(struct kq_fetcher *f, struct kq_answer *a, struct kq_fetch_response *r, int version)
{
	size_t total = 0;
	for (int32_t i = 0; i < r->responses_n; i++)
		total += (size_t)(r->responses[i].partitions_n > 0 ? r->responses[i].partitions_n : 0);
	a->parts = kq_arena_array(&a->arena, total, sizeof *a->parts);
	if (!a->parts)
		return false;
	for (int32_t i = 0; i < r->responses_n; i++) {
		struct kq_fetch_response_fetchable_topic_response *t = &r->responses[i];
		for (int32_t j = 0; j < t->partitions_n; j++) {
			struct kq_fetch_response_partition_data *d = &t->partitions[j];
			struct kq_source *s = source_of(f, t->topic, &t->topic_id, d->partition_index,
							version >= IDS_FROM);
			if (s && d->error_code)
				part_failed(f->c, s, d->error_code);
			else if (s && !s->finished)
				take_part(a, s, d);
		}
	}
	return true;
}

/* The session after an answer without error. */
static void advance_session(struct kq_fetcher *f, const struct kq_fetch_response *r)
{
	if (r->session_id == 0) {
		f->session_id = f->session_epoch = 0;
		return;
	}
	f->session_id = r->session_id;
	f->session_epoch = f->session_epoch == INT32_MAX ? 1 : f->session_epoch + 1;
}

static void whole_failed(struct kq_fetcher *f, int code)
{
	f->session_epoch = 0;
	if (code == KQ_KAFKA_FETCH_SESSION_ID_NOT_FOUND)
		f->session_id = 0;
	if (!kq_kafka_error_retriable(code))
		kq_error_set(&f->c->fatal, KQ_EKAFKA, "fetching: %s", kq_kafka_error_text(code));
}

static void queue(struct kq_consumer *c, struct kq_answer *a)
{
	a->from->ahead++;
	if (c->last)
		c->last->next = a;
	else
		c->first = a;
	c->last = a;
}

static void on_answer(void *arg, int err, struct kq_rpc_reply *reply)
{
	struct kq_fetcher *f = arg;
	struct kq_fetch_response r;
	f->flying = false;
	if (err) {
		f->session_id = f->session_epoch = 0;
		kq_client_want_metadata(&f->c->client);
		return;
	}
	struct kq_answer *a = kq_calloc(1, sizeof *a);
	kq_arena_init(&a->arena, 64 << 20);
	a->from = f;
	a->buf = reply->buf;
	int version = reply->version;
	err = kq_rpc_reply_decode(reply, &a->arena, &r);
	reply->buf = NULL;
	f->c->fetches++;
	f->c->bytes += a->buf->len;
	if (err) {
		kq_error_set(&f->c->fatal, err, "the broker's answer to Fetch makes no sense");
	} else if (r.error_code) {
		whole_failed(f, r.error_code);
	} else {
		if (version >= SESSIONS_FROM)
			advance_session(f, &r);
		if (!take_parts(f, a, &r, version))
			kq_error_set(&f->c->fatal, KQ_ELIMIT, "the broker's answer to Fetch is too large");
	}
	if (a->part_n)
		queue(f->c, a);
	else
		kq_answer_free(a);
}
