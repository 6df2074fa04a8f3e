/* Fetch (PROTOCOL section 7).
 *
 * The plan lists the partitions and finds what there is (fetch_plan.c). If that is
 * enough, or waiting is over, the answer goes out with file slices in place of the
 * records; else the slices are dropped, the request is parked on all its partitions
 * and looks again each time one of them moves. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "broker/dispatch.h"
#include "broker/fetch_plan.h"
#include "broker/metrics.h"
#include "broker/purgatory.h"

typedef struct kq_fetch_response_fetchable_topic_response topic_out;
typedef struct kq_fetch_response_partition_data part_out;
typedef struct kq_fetch_response_aborted_transaction aborted_out;

struct fetch {
	struct kq_parked parked; /* first */
	struct kq_request *req;
	struct kq_fetch_session *session;
	bool full;               /* all partitions are told of */
	int64_t deadline_ms;
	struct kq_watch *watches;
	struct kq_fetch_plan plan;
};

/* ---- the answer ---- */

static bool is_news(const struct kq_fetch_part *f)
{
	return f->slice.size > 0 || f->error || f->diverging_epoch >= 0 ||
	       f->entry->told_high_watermark != f->high_watermark ||
	       f->entry->told_log_start != f->log_start;
}

/* Notes in the session what is told; a partition that gave bytes goes to the end. */
static void tell_session(struct fetch *fe, const struct kq_fetch_part *f)
{
	f->entry->told_high_watermark = f->error ? -1 : f->high_watermark;
	f->entry->told_log_start = f->error ? -1 : f->log_start;
	if (f->slice.size > 0)
		kq_fetch_session_rotate(fe->session, f->entry);
}

/* Aborted transactions from the fetch offset on; more than the slice covers does no
 * harm, clients look at them by offset. False: no memory. */
static bool add_aborted(struct fetch *fe, const struct kq_fetch_part *f, part_out *out)
{
	struct kq_aborted_txn *v = NULL;
	int n = 0;
	if (fe->plan.committed && fe->req->head.api_version >= 4) {
		out->aborted_transactions_n = 0;
		if (f->slice.size == 0)
			return true;
		if (kq_log_aborted_txns(kq_partition_log(f->p), f->fetch_offset, f->upper, &v, &n))
			return false;
	} else {
		out->aborted_transactions_n = -1;
		return true;
	}
	aborted_out *list = kq_arena_array(&fe->req->arena, (size_t)n, sizeof *list);
	for (int i = 0; list && i < n; i++)
		list[i] = (aborted_out){ v[i].producer_id, v[i].first_offset };
	free(v);
	out->aborted_transactions = list;
	out->aborted_transactions_n = n;
	return list != NULL;
}

static bool fill(struct fetch *fe, const struct kq_fetch_part *f, part_out *out)
{
	out->partition_index = f->partition;
	out->error_code = kq_kafka_error_for(f->error, KQ_API_FETCH, fe->req->head.api_version);
	out->high_watermark = f->high_watermark;
	out->last_stable_offset = f->stable;
	out->log_start_offset = f->log_start;
	out->diverging_epoch.epoch = f->diverging_epoch;
	out->diverging_epoch.end_offset = f->diverging_end;
	out->preferred_read_replica = -1;
	out->records = (struct kq_bytes){ f->slice.size ? NULL : (const uint8_t *)"",
					  (int32_t)f->slice.size };
	return add_aborted(fe, f, out);
}

/* The name of a partition's topic; sessions by id have none. */
static struct kq_str name_of(const struct kq_fetch_part *f)
{
	return f->topic.len < 0 ? KQ_STR("") : f->topic;
}

static bool is_topic(const topic_out *t, const struct kq_fetch_part *f)
{
	struct kq_str name = name_of(f);
	return t->topic.len == name.len && !memcmp(&t->topic_id, &f->topic_id, 16) &&
	       (name.len == 0 || !memcmp(t->topic.p, name.p, (size_t)name.len));
}

/* Neighbours of one topic share an entry. Returns the slices in order of the gaps, or
 * NULL: no memory. */
static struct kq_log_slice *lay_out(struct fetch *fe, struct kq_fetch_response *out, int *slices_n)
{
	struct kq_arena *a = &fe->req->arena;
	size_t n = (size_t)fe->plan.count;
	part_out *parts = kq_wire_array(&kq_fetch_response_partition_data_schema, a, n);
	topic_out *topics =
		kq_wire_array(&kq_fetch_response_fetchable_topic_response_schema, a, n);
	struct kq_log_slice *slices =
		kq_arena_array(a, (size_t)fe->plan.with_bytes, sizeof *slices);
	topic_out *t = topics;
	int used = 0;
	if (!parts || !topics || !slices)
		return NULL;
	*slices_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct kq_fetch_part *f = &fe->plan.parts[i];
		if (f->entry && !fe->full && !is_news(f))
			continue;
		if (used == 0 || !is_topic(t, f)) {
			t += used > 0;
			t->topic = name_of(f);
			t->topic_id = f->topic_id;
			t->partitions = &parts[used];
			t->partitions_n = 0;
		}
		if (!fill(fe, f, &parts[used++]))
			return NULL;
		t->partitions_n++;
		if (f->slice.size > 0)
			slices[(*slices_n)++] = f->slice;
	}
	out->responses = topics;
	out->responses_n = used ? (int32_t)(t - topics) + 1 : 0;
	return slices;
}

static void count(const struct fetch *fe)
{
	struct kq_broker_metrics *m = fe->req->broker->metrics;
	if (!m)
		return;
	kq_metrics_add(&m->fetch_bytes, (uint64_t)fe->plan.bytes);
	for (int i = 0; i < fe->plan.count; i++)
		if (fe->plan.parts[i].error)
			kq_metrics_add(&m->fetch_errors, 1);
}

static void answer(struct fetch *fe)
{
	struct kq_request *req = fe->req;
	struct kq_broker *b = req->broker;
	struct kq_fetch_session *session = fe->session;
	struct kq_fetch_response out;
	int n = 0;
	kq_wire_init(&kq_fetch_response_schema, &out);
	out.session_id = session ? kq_fetch_session_id(session) : 0;
	struct kq_log_slice *slices = lay_out(fe, &out, &n);
	count(fe);
	for (int i = 0; slices && session && i < fe->plan.count; i++)
		if (fe->full || is_news(&fe->plan.parts[i]))
			tell_session(fe, &fe->plan.parts[i]);
	if (!slices)
		kq_fetch_plan_drop(&fe->plan);
	kq_fetch_plan_deinit(&fe->plan);
	/* The answer is encoded before the session's names may go. */
	if (slices)
		kq_request_answer_slices(req, &out, slices, n);
	else
		kq_request_close(req);
	if (session)
		kq_fetch_session_end(b->sessions, session, kq_clock_mono_ms());
}

/* ---- waiting ---- */

static void resume(struct kq_parked *parked);

static void park(struct fetch *fe, int64_t now_ms)
{
	struct kq_fetch_plan *plan = &fe->plan;
	kq_fetch_plan_drop(plan);
	kq_parked_init(&fe->parked, fe->req->broker->purgatory, fe->req->x, fe->watches, 1, resume);
	fe->parked.drains = true;
	for (int i = 0; i < plan->count; i++) {
		const struct kq_fetch_part *f = &plan->parts[i];
		if (kq_partition_is_dead(f->p))
			continue; /* readable still, but nothing moves: a watch would fire at once */
		/* The watermark and, with it, the last stable offset: any move counts. */
		kq_parked_watch(&fe->parked, f->p, f->high_watermark + 1);
		if (atomic_load(&fe->parked.needed) == 1)
			break; /* it has moved already */
	}
	kq_parked_go(&fe->parked, fe->deadline_ms - now_ms);
}

static void look(struct fetch *fe, bool last)
{
	struct kq_fetch_plan *plan = &fe->plan;
	int64_t now_ms = kq_clock_mono_ms();
	kq_fetch_plan_read(plan, fe->req);
	if (last || now_ms >= fe->deadline_ms || plan->count == 0 || plan->at_once ||
	    plan->bytes >= plan->bytes_min) {
		answer(fe);
		return;
	}
	if (!fe->watches)
		fe->watches = kq_arena_array(&fe->req->arena, (size_t)plan->count,
					     sizeof *fe->watches);
	if (fe->watches)
		park(fe, now_ms);
	else
		answer(fe);
}

static void resume(struct kq_parked *parked)
{
	struct fetch *fe = (struct fetch *)parked;
	look(fe, parked->stopped);
}

/* ---- the request ---- */

static void answer_error(struct kq_request *req, int16_t error)
{
	struct kq_fetch_response out;
	kq_wire_init(&kq_fetch_response_schema, &out);
	out.error_code = error;
	kq_request_answer(req, &out);
}

void kq_handle_fetch(struct kq_request *req)
{
	const struct kq_fetch_request *body = req->body;
	int version = req->head.api_version;
	int16_t error = 0;
	struct fetch *fe = kq_arena_alloc(&req->arena, sizeof *fe);
	if (!fe) {
		kq_request_close(req);
		return;
	}
	fe->req = req;
	fe->full = true;
	int64_t now_ms = kq_clock_mono_ms();
	if (version >= 7)
		kq_fetch_session_begin(req->broker->sessions, body, version, now_ms, &fe->session,
				       &fe->full, &error);
	if (error) {
		answer_error(req, error);
		return;
	}
	fe->deadline_ms = now_ms + (body->max_wait_ms > 0 ? body->max_wait_ms : 0);
	if (kq_fetch_plan_make(&fe->plan, req, fe->session)) {
		if (fe->session)
			kq_fetch_session_end(req->broker->sessions, fe->session, now_ms);
		kq_request_close(req);
		return;
	}
	look(fe, false);
}

void kq_refuse_fetch(struct kq_request *req)
{
	const struct kq_fetch_request *body = req->body;
	struct kq_fetch_response out;
	kq_wire_init(&kq_fetch_response_schema, &out);
	topic_out *topics = kq_wire_array(&kq_fetch_response_fetchable_topic_response_schema,
					  &req->arena, (size_t)body->topics_n);
	for (int32_t i = 0; topics && i < body->topics_n; i++) {
		int32_t n = body->topics[i].partitions_n;
		part_out *parts = kq_wire_array(&kq_fetch_response_partition_data_schema,
						&req->arena, (size_t)n);
		for (int32_t k = 0; parts && k < n; k++) {
			parts[k].partition_index = body->topics[i].partitions[k].partition;
			parts[k].error_code = KQ_KAFKA_UNSUPPORTED_VERSION;
			parts[k].high_watermark = -1;
			parts[k].records = (struct kq_bytes){ (const uint8_t *)"", 0 };
		}
		topics[i].topic = body->topics[i].topic;
		topics[i].partitions = parts;
		topics[i].partitions_n = parts ? n : 0;
	}
	out.responses = topics;
	out.responses_n = topics ? body->topics_n : 0;
	kq_request_answer(req, &out);
}
