#include "broker/fetch_plan.h"

#include <string.h>

#include "base/map.h"
#include "broker/config.h"
#include "broker/partition_find.h"

enum { BY_ID_VERSION = 13, ZSTD_VERSION = 10 };

typedef struct kq_fetch_request_fetch_topic topic_in;
typedef struct kq_fetch_request_fetch_partition part_in;

/* ---- what is asked for ---- */

static bool is_same(const struct kq_fetch_part *a, const topic_in *t, int32_t partition)
{
	return a->partition == partition && !memcmp(&a->topic_id, &t->topic_id, sizeof t->topic_id) &&
	       a->topic.len == t->topic.len &&
	       (t->topic.len <= 0 || !memcmp(a->topic.p, t->topic.p, (size_t)t->topic.len));
}

static void fill(struct kq_fetch_part *out, const topic_in *t, const part_in *p)
{
	*out = (struct kq_fetch_part){
		.topic = t->topic,
		.topic_id = t->topic_id,
		.partition = p->partition,
		.current_leader_epoch = p->current_leader_epoch,
		.last_fetched_epoch = p->last_fetched_epoch,
		.fetch_offset = p->fetch_offset,
		.max_bytes = p->partition_max_bytes,
	};
}

/* A partition that is named twice counts once, with what was said last. Clients do
 * not do that, so the usual ascending order is taken without a look-up. */
static void add(struct kq_fetch_plan *plan, struct kq_map *seen, const topic_in *t,
		const part_in *p, bool ascending)
{
	uint8_t key[300];
	struct kq_fetch_part *part = NULL;
	if (!ascending) {
		size_t n = t->topic.len > 0 ? (size_t)t->topic.len : 0;
		n = n > 256 ? 256 : n;
		if (n)
			memcpy(key, t->topic.p, n);
		memcpy(key + n, &t->topic_id, sizeof t->topic_id);
		memcpy(key + n + 16, &p->partition, sizeof p->partition);
		part = kq_map_get(seen, key, n + 20);
		if (part && !is_same(part, t, p->partition))
			part = NULL;
		if (!part)
			kq_map_put(seen, key, n + 20, &plan->parts[plan->count]);
	}
	fill(part ? part : &plan->parts[plan->count++], t, p);
}

static bool is_ascending(const struct kq_fetch_request *body)
{
	if (body->topics_n != 1)
		return body->topics_n <= 0;
	const topic_in *t = &body->topics[0];
	for (int32_t k = 1; k < t->partitions_n; k++)
		if (t->partitions[k].partition <= t->partitions[k - 1].partition)
			return false;
	return true;
}

static void list_request(struct kq_fetch_plan *plan, const struct kq_fetch_request *body)
{
	struct kq_map seen;
	bool ascending = is_ascending(body);
	kq_map_init(&seen);
	for (int32_t i = 0; i < body->topics_n; i++)
		for (int32_t k = 0; k < body->topics[i].partitions_n; k++)
			add(plan, &seen, &body->topics[i], &body->topics[i].partitions[k], ascending);
	kq_map_deinit(&seen);
}

static void list_session(struct kq_fetch_plan *plan, struct kq_fetch_session *session)
{
	struct kq_fetch_entry *e = NULL;
	while ((e = kq_fetch_session_next(session, e)))
		plan->parts[plan->count++] = (struct kq_fetch_part){
			.topic = e->topic,
			.topic_id = e->topic_id,
			.partition = e->partition,
			.current_leader_epoch = e->current_leader_epoch,
			.last_fetched_epoch = e->last_fetched_epoch,
			.fetch_offset = e->fetch_offset,
			.max_bytes = e->max_bytes,
			.entry = e,
		};
}

static int count_request(const struct kq_fetch_request *body)
{
	int n = 0;
	for (int32_t i = 0; i < body->topics_n; i++)
		n += body->topics[i].partitions_n > 0 ? body->topics[i].partitions_n : 0;
	return n;
}

int kq_fetch_plan_make(struct kq_fetch_plan *plan, struct kq_request *req,
		       struct kq_fetch_session *session)
{
	const struct kq_fetch_request *body = req->body;
	int room = session ? kq_fetch_session_size(session) : count_request(body);
	int32_t broker_max = (int32_t)kq_broker_config_int(req->broker->config, "fetch.max.bytes");
	*plan = (struct kq_fetch_plan){ .committed = body->isolation_level == 1 };
	plan->bytes_max = body->max_bytes < broker_max ? body->max_bytes : broker_max;
	plan->bytes_min = body->min_bytes < plan->bytes_max ? body->min_bytes : plan->bytes_max;
	plan->parts = kq_arena_array(&req->arena, (size_t)room, sizeof *plan->parts);
	if (!plan->parts)
		return KQ_ENOMEM;
	if (session)
		list_session(plan, session);
	else
		list_request(plan, body);
	for (int i = 0; i < plan->count; i++) {
		struct kq_fetch_part *f = &plan->parts[i];
		f->p = req->head.api_version >= BY_ID_VERSION
			       ? kq_partition_find_by_id(req->broker, &f->topic_id, f->partition,
							 &f->error)
			       : kq_partition_find(req->broker, f->topic, f->partition, &f->error);
	}
	return 0;
}

void kq_fetch_plan_deinit(struct kq_fetch_plan *plan)
{
	for (int i = 0; i < plan->count; i++)
		if (plan->parts[i].p)
			kq_partition_unref(plan->parts[i].p);
	plan->count = 0;
}

/* ---- what there is ---- */

/* Where the client's last epoch ends here: sets the divergence if it fetched beyond. */
static int16_t check_divergence(struct kq_fetch_part *f, struct kq_log *log)
{
	int32_t found;
	int64_t end;
	if (f->last_fetched_epoch < 0)
		return 0;
	kq_log_epoch_end(log, f->last_fetched_epoch, &found, &end);
	if (found < 0 || end < 0)
		return KQ_KAFKA_OFFSET_OUT_OF_RANGE;
	if (found < f->last_fetched_epoch || end < f->fetch_offset) {
		f->diverging_epoch = found;
		f->diverging_end = end;
	}
	return 0;
}

static int16_t check(struct kq_fetch_part *f, const struct kq_request *req,
		     const struct kq_fetch_plan *plan)
{
	if (kq_partition_is_dead(f->p) && kq_partition_death(f->p) != KQ_KAFKA_KAFKA_STORAGE_ERROR)
		return kq_partition_death(f->p);
	const struct kq_fetch_request *body = req->body;
	if (body->isolation_level < 0 || body->isolation_level > 1 || plan->bytes_max < 0 ||
	    f->max_bytes < 0)
		return KQ_KAFKA_UNKNOWN_SERVER_ERROR;
	if (req->head.api_version < ZSTD_VERSION && kq_partition_codec(f->p) == KQ_CODEC_ZSTD)
		return KQ_KAFKA_UNSUPPORTED_COMPRESSION_TYPE;
	int16_t error = kq_partition_check_epoch(f->p, f->current_leader_epoch);
	return error ? error : check_divergence(f, kq_partition_log(f->p));
}

/* Sets the offsets of f, and its slice within the room that is left. */
static int16_t read_one(struct kq_fetch_part *f, const struct kq_request *req,
			const struct kq_fetch_plan *plan)
{
	struct kq_log *log = kq_partition_log(f->p);
	int16_t error = check(f, req, plan);
	if (error)
		return error;
	/* The watermark first: the end is then not below it. */
	f->stable = kq_log_last_stable_offset(log);
	f->high_watermark = kq_log_high_watermark(log);
	f->log_start = kq_log_start_offset(log);
	f->upper = plan->committed ? f->stable : f->high_watermark;
	if (f->fetch_offset < f->log_start || f->fetch_offset > kq_log_end_offset(log))
		return KQ_KAFKA_OFFSET_OUT_OF_RANGE;
	int64_t room = plan->bytes_max - plan->bytes;
	if (f->diverging_epoch >= 0 || f->fetch_offset >= f->upper ||
	    plan->with_bytes >= KQ_FETCH_SLICES_MAX || (plan->with_bytes && room <= 0))
		return 0;
	size_t most = room < 0 ? 0 : (size_t)room;
	if (most > (size_t)f->max_bytes)
		most = (size_t)f->max_bytes;
	int rc = kq_log_read(log, f->fetch_offset, f->upper, most, plan->with_bytes == 0, &f->slice);
	if (rc == 0 && f->slice.first_is_short) { /* none of it: the first batch does not fit */
		kq_log_slice_release(&f->slice);
		f->slice = (struct kq_log_slice){ .fd = -1 };
	}
	if (rc)
		f->slice = (struct kq_log_slice){ .fd = -1 };
	return kq_kafka_error_from(rc);
}

void kq_fetch_plan_read(struct kq_fetch_plan *plan, struct kq_request *req)
{
	plan->bytes = 0;
	plan->with_bytes = 0;
	plan->at_once = false;
	for (int i = 0; i < plan->count; i++) {
		struct kq_fetch_part *f = &plan->parts[i];
		f->slice = (struct kq_log_slice){ .fd = -1 };
		f->diverging_epoch = -1;
		f->diverging_end = -1;
		if (f->p)
			f->error = read_one(f, req, plan);
		if (f->error) {
			f->high_watermark = f->stable = f->log_start = -1;
			f->diverging_epoch = -1;
		}
		if (f->slice.size > 0) {
			plan->bytes += (int64_t)f->slice.size;
			plan->with_bytes++;
		}
		if (f->error || f->diverging_epoch >= 0 || (f->slice.size && f->slice.more_behind))
			plan->at_once = true;
	}
}

void kq_fetch_plan_drop(struct kq_fetch_plan *plan)
{
	for (int i = 0; i < plan->count; i++)
		kq_log_slice_release(&plan->parts[i].slice);
}
