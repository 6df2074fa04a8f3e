/* From topics and expressions to partitions, and from positions to offsets. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/hash.h"
#include "client/consumer_internal.h"
#include "kq/text.h"
#include "wire/errors.h"

enum { LATEST = -1, EARLIEST = -2, LEADER_WAIT_MS = 200 };

static struct kq_source *find_source(const struct kq_consumer *c, const char *topic, int32_t partition)
{
	for (struct kq_source *s = c->sources; s; s = s->next)
		if (s->partition == partition && !strcmp(s->topic, topic))
			return s;
	return NULL;
}

static bool is_wanted(const struct kq_consumer *c, const struct kq_meta_topic *t, int32_t partition)
{
	if (c->o.key.len >= 0 && t->partition_n > 0 &&
	    (kq_murmur2(c->o.key.p, (size_t)c->o.key.len) & 0x7fffffff) % t->partition_n != partition)
		return false;
	if (!c->partitions)
		return true;
	for (int i = 0; i < c->o.partition_n; i++)
		if (c->partitions[i] == partition)
			return true;
	return false;
}

static int answer_error(const struct kq_source *s, int code, struct kq_error *e)
{
	return kq_error_set(e, KQ_EKAFKA, "cannot ask for offsets of %s [%d]: %s", s->topic,
			    s->partition, kq_kafka_error_text(code));
}

static int ask_offset(struct kq_consumer *c, const struct kq_source *s, int64_t spec, int64_t *offset,
		      int16_t *code, int timeout_ms, struct kq_error *e)
{
	struct kq_list_offsets_request_list_offsets_partition part;
	struct kq_list_offsets_request_list_offsets_topic topic;
	struct kq_list_offsets_request req;
	struct kq_list_offsets_response resp;
	struct kq_arena a;
	kq_wire_init(&kq_list_offsets_request_schema, &req);
	kq_wire_init(&kq_list_offsets_request_list_offsets_topic_schema, &topic);
	kq_wire_init(&kq_list_offsets_request_list_offsets_partition_schema, &part);
	part.partition_index = s->partition;
	part.timestamp = spec;
	topic.name = (struct kq_str){ s->topic, (int32_t)strlen(s->topic) };
	topic.partitions = &part;
	topic.partitions_n = 1;
	req.replica_id = -1;
	req.isolation_level = c->read_committed;
	req.topics = &topic;
	req.topics_n = 1;
	kq_arena_init(&a, 1 << 20);
	int rc = kq_client_call(&c->client, s->leader, KQ_API_LIST_OFFSETS, 1, -1, &req, &a, &resp,
				NULL, timeout_ms, e);
	if (!rc && (resp.topics_n != 1 || resp.topics[0].partitions_n != 1))
		rc = kq_error_set(e, KQ_EPROTO, "the broker answers for other partitions than asked");
	if (!rc) {
		*code = resp.topics[0].partitions[0].error_code;
		*offset = resp.topics[0].partitions[0].offset;
	}
	kq_arena_deinit(&a);
	return rc;
}

/* The leader of s by fresh metadata; waits while there is none. */
static int find_leader(struct kq_consumer *c, struct kq_source *s, int64_t deadline, struct kq_error *e)
{
	const char *name = s->topic;
	for (;;) {
		const struct kq_meta_topic *t = kq_metadata_topic(
			&c->client.meta, (struct kq_str){ name, (int32_t)strlen(name) });
		if (t && s->partition < t->partition_n && t->partitions[s->partition].leader >= 0) {
			s->leader = t->partitions[s->partition].leader;
			s->leader_epoch = t->partitions[s->partition].leader_epoch;
			return 0;
		}
		if (kq_clock_mono_ms() > deadline)
			return kq_error_set(e, KQ_ETIMEOUT, "%s [%d] has no leader", name, s->partition);
		kq_rpc_poll(c->client.rpc, kq_clock_mono_ms() + LEADER_WAIT_MS);
		int rc = kq_client_refresh(&c->client, &name, 1, false, 5000, e);
		if (rc && rc != KQ_ETIMEOUT && rc != KQ_ECONN)
			return rc;
	}
}

int kq_consumer_list_offset(struct kq_consumer *c, const struct kq_source *s, int64_t spec,
			    int64_t *offset, int timeout_ms, struct kq_error *e)
{
	struct kq_source at = *s;
	int64_t deadline = kq_clock_mono_ms() + timeout_ms;
	for (;;) {
		int16_t code = 0;
		int rc = find_leader(c, &at, deadline, e);
		if (!rc)
			rc = ask_offset(c, &at, spec, offset, &code, timeout_ms, e);
		if (rc || !code)
			return rc;
		if (!kq_kafka_error_retriable(code) || kq_clock_mono_ms() > deadline)
			return answer_error(s, code, e);
		const char *name = s->topic;
		kq_rpc_poll(c->client.rpc, kq_clock_mono_ms() + KQ_RETRY_MS);
		rc = kq_client_refresh(&c->client, &name, 1, false, timeout_ms, e);
		if (rc)
			return rc;
	}
}

struct bounds {
	int64_t start, end; /* -1 not asked for yet */
};

static int need_bounds(struct kq_consumer *c, const struct kq_source *s, struct bounds *b,
		       int timeout_ms, struct kq_error *e)
{
	int rc = 0;
	if (b->start < 0)
		rc = kq_consumer_list_offset(c, s, EARLIEST, &b->start, timeout_ms, e);
	if (!rc && b->end < 0)
		rc = kq_consumer_list_offset(c, s, LATEST, &b->end, timeout_ms, e);
	return rc;
}

static int64_t clamp(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

static int resolve(struct kq_consumer *c, const struct kq_source *s, struct kq_position at,
		   struct bounds *b, int64_t *offset, int timeout_ms, struct kq_error *e)
{
	int rc = need_bounds(c, s, b, timeout_ms, e);
	if (rc)
		return rc;
	switch (at.kind) {
	case KQ_POSITION_NONE:
	case KQ_POSITION_START: *offset = b->start; break;
	case KQ_POSITION_END: *offset = b->end; break;
	case KQ_POSITION_OFFSET: *offset = at.value; break;
	case KQ_POSITION_BEFORE_END: *offset = clamp(b->end - at.value, b->start, b->end); break;
	case KQ_POSITION_AFTER_START: *offset = clamp(b->start + at.value, b->start, b->end); break;
	case KQ_POSITION_TIME:
		rc = kq_consumer_list_offset(c, s, at.value, offset, timeout_ms, e);
		if (!rc && *offset < 0)
			*offset = b->end; /* nothing that new yet */
		break;
	}
	return rc;
}

/* An offset below the log's start is read from there on, as the records are gone; one
 * above its end is a mistake unless the range ends there. */
static int check_start(struct kq_consumer *c, struct kq_source *s, const struct bounds *b,
		       struct kq_error *e)
{
	if (s->position < b->start)
		s->position = b->start;
	if (s->position <= b->end || s->position >= s->end)
		return 0;
	if (!strcmp(kq_client_config_get(c->cfg, "auto.offset.reset"), "latest")) {
		s->position = b->end;
		return 0;
	}
	return kq_error_set(e, KQ_ERANGE, "offset %" PRId64 " of %s [%d] is out of range: it has %" PRId64
			    " to %" PRId64, s->position, s->topic, s->partition, b->start, b->end);
}

static int place(struct kq_consumer *c, struct kq_source *s, bool first, int timeout_ms,
		 struct kq_error *e)
{
	struct bounds b = { -1, -1 };
	struct kq_position from = c->o.from;
	/* What appears while reading is new as a whole. */
	if (!first && (from.kind == KQ_POSITION_END || from.kind == KQ_POSITION_BEFORE_END))
		from.kind = KQ_POSITION_START;
	int rc = find_leader(c, s, kq_clock_mono_ms() + timeout_ms, e);
	if (!rc)
		rc = resolve(c, s, from, &b, &s->position, timeout_ms, e);
	s->end = INT64_MAX;
	if (!rc && c->o.to.kind != KQ_POSITION_NONE)
		rc = resolve(c, s, c->o.to, &b, &s->end, timeout_ms, e);
	if (rc)
		return rc;
	if (c->o.stop_at_end && b.end < s->end)
		s->end = b.end;
	s->high_watermark = b.end;
	rc = check_start(c, s, &b, e);
	s->finished = s->position >= s->end;
	return rc;
}

static int add_source(struct kq_consumer *c, const char *topic, int32_t partition, bool first,
		      int timeout_ms, struct kq_error *e)
{
	struct kq_source *s = kq_calloc(1, sizeof *s);
	s->topic = kq_strdup(topic);
	s->partition = partition;
	s->leader = s->in_session_of = -1;
	int rc = place(c, s, first, timeout_ms, e);
	if (rc) {
		free(s->topic);
		free(s);
		return rc;
	}
	struct kq_source **at = &c->sources;
	while (*at)
		at = &(*at)->next;
	*at = s;
	return 0;
}

static int add_topic(struct kq_consumer *c, const char *name, bool first, int timeout_ms,
		     struct kq_error *e)
{
	int rc = 0;
	struct kq_str key = { name, (int32_t)strlen(name) };
	const struct kq_meta_topic *t = kq_metadata_topic(&c->client.meta, key);
	for (int i = 0; first && i < c->o.partition_n; i++)
		if (c->partitions[i] < 0 || c->partitions[i] >= t->partition_n)
			return kq_error_set(e, KQ_ENOTFOUND, "%s has no partition %d: it has %d, from 0", name,
					    c->partitions[i], t->partition_n);
	kq_client_watch(&c->client, name, false);
	/* placing asks for metadata, so t is looked up again each time */
	for (int32_t p = 0; !rc && (t = kq_metadata_topic(&c->client.meta, key)) && p < t->partition_n; p++)
		if (is_wanted(c, t, p) && !find_source(c, name, p))
			rc = add_source(c, name, p, first, timeout_ms, e);
	return rc;
}

static int not_there(struct kq_consumer *c, const char *name, int code, int timeout_ms, struct kq_error *e)
{
	if (code != KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION && code != 0)
		return kq_error_set(e, KQ_EKAFKA, "topic '%s': %s", name, kq_kafka_error_text(code));
	kq_error_set(e, KQ_ENOTFOUND, "there is no topic '%s'", name);
	struct kq_error ignored;
	if (kq_client_refresh(&c->client, NULL, 0, false, timeout_ms, &ignored))
		return e->code;
	size_t n;
	struct kq_nearest near;
	struct kq_meta_topic **all = kq_metadata_sorted(&c->client.meta, &n);
	kq_nearest_init(&near, name);
	for (size_t i = 0; i < n; i++)
		if (all[i]->seen && !all[i]->error)
			kq_nearest_offer(&near, all[i]->name);
	if (near.best)
		kq_error_set(e, KQ_ENOTFOUND, "there is no topic '%s'; did you mean '%s'?", name, near.best);
	free(all);
	return e->code;
}

static int discover_named(struct kq_consumer *c, const char *name, bool first, int timeout_ms,
			  struct kq_error *e)
{
	int64_t deadline = kq_clock_mono_ms() + timeout_ms;
	for (;;) {
		int rc = kq_client_refresh(&c->client, &name, 1, false, timeout_ms, e);
		if (rc)
			return rc;
		const struct kq_meta_topic *t = kq_metadata_topic(
			&c->client.meta, (struct kq_str){ name, (int32_t)strlen(name) });
		if (t && !t->error && t->partition_n > 0)
			return add_topic(c, name, first, timeout_ms, e);
		if (!first)
			return 0; /* gone for now; the fetch side notices */
		int code = t ? t->error : 0;
		if (code != KQ_KAFKA_LEADER_NOT_AVAILABLE || kq_clock_mono_ms() > deadline)
			return not_there(c, name, code, timeout_ms, e);
		kq_rpc_poll(c->client.rpc, kq_clock_mono_ms() + KQ_RETRY_MS);
	}
}

static int discover_matching(struct kq_consumer *c, const struct kq_pattern *p, bool first,
			     int timeout_ms, struct kq_error *e)
{
	size_t n;
	int rc = kq_client_refresh(&c->client, NULL, 0, false, timeout_ms, e);
	if (rc)
		return rc;
	struct kq_meta_topic **all = kq_metadata_sorted(&c->client.meta, &n);
	for (size_t i = 0; !rc && i < n; i++)
		if (all[i]->seen && !all[i]->error && regexec(&p->re, all[i]->name, 0, NULL, 0) == 0)
			rc = add_topic(c, all[i]->name, first, timeout_ms, e);
	free(all);
	return rc;
}

int kq_consumer_discover(struct kq_consumer *c, bool first, int timeout_ms, struct kq_error *e)
{
	int rc = 0;
	for (const struct kq_pattern *p = c->patterns; !rc && p; p = p->next)
		rc = p->is_regex ? discover_matching(c, p, first, timeout_ms, e)
				 : discover_named(c, p->text, first, timeout_ms, e);
	c->discover_ms = kq_clock_mono_ms() + KQ_REDISCOVER_MS;
	return rc;
}

void kq_consumer_update_leaders(struct kq_consumer *c)
{
	int64_t now = kq_clock_mono_ms();
	for (struct kq_source *s = c->sources; s; s = s->next) {
		const struct kq_meta_topic *t = kq_metadata_topic(
			&c->client.meta, (struct kq_str){ s->topic, (int32_t)strlen(s->topic) });
		if (!t || t->error == KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION || s->partition >= t->partition_n) {
			s->missing_since_ms = s->missing_since_ms ? s->missing_since_ms : now;
			s->leader = -1;
			continue;
		}
		s->missing_since_ms = 0;
		s->leader = t->partitions[s->partition].leader;
		s->leader_epoch = t->partitions[s->partition].leader_epoch;
	}
}

int kq_consumer_reset_positions(struct kq_consumer *c, struct kq_error *e)
{
	const char *policy = kq_client_config_get(c->cfg, "auto.offset.reset");
	for (struct kq_source *s = c->sources; s; s = s->next) {
		struct bounds b = { -1, -1 };
		if (!s->needs_reset)
			continue;
		int rc = need_bounds(c, s, &b, 5000, e);
		if (rc)
			return rc;
		if (!strcmp(policy, "none"))
			return kq_error_set(e, KQ_ERANGE, "offset %" PRId64 " of %s [%d] is out of range: it has %"
					    PRId64 " to %" PRId64, s->position, s->topic, s->partition,
					    b.start, b.end);
		s->position = !strcmp(policy, "latest") ? b.end : b.start;
		s->needs_reset = false;
		s->finished = s->position >= s->end;
	}
	return 0;
}
