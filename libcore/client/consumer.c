/* The consumer's life and its poll loop.
 *
 * One fetch is always under way to each broker that has something to read, as long as
 * fewer than KQ_FETCHED_AHEAD of its answers wait: memory is bounded by the fetch sizes.
 * An answer's batches are walked over by their headers as soon as it comes, which tells
 * where the next fetch begins, so that it can leave before the caller has read any. */
#include "client/consumer_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"

int kq_consumer_new(struct kq_consumer **out, const struct kq_client_config *cfg,
		    const struct kq_consumer_options *o, struct kq_error *e)
{
	struct kq_consumer *c = kq_calloc(1, sizeof *c);
	int rc = kq_client_init(&c->client, cfg, e);
	if (rc) {
		free(c);
		return rc;
	}
	c->cfg = cfg;
	c->o = *o;
	if (o->partition_n) {
		c->partitions = kq_calloc((size_t)o->partition_n, sizeof *c->partitions);
		memcpy(c->partitions, o->partitions, (size_t)o->partition_n * sizeof *c->partitions);
	}
	c->o.partitions = c->partitions;
	c->read_committed = !strcmp(kq_client_config_get(cfg, "isolation.level"), "read_committed");
	kq_arena_init(&c->request_arena, 64 << 20);
	kq_writer_init(&c->walk.scratch, KQ_INFLATED_MAX);
	*out = c;
	return 0;
}

static void free_patterns(struct kq_consumer *c)
{
	while (c->patterns) {
		struct kq_pattern *p = c->patterns;
		c->patterns = p->next;
		if (p->is_regex)
			regfree(&p->re);
		free(p->text);
		free(p);
	}
}

void kq_consumer_free(struct kq_consumer *c)
{
	if (!c)
		return;
	if (c->current)
		kq_answer_free(c->current);
	while (c->first) {
		struct kq_answer *a = c->first;
		c->first = a->next;
		kq_answer_free(a);
	}
	kq_client_deinit(&c->client);
	while (c->sources) {
		struct kq_source *s = c->sources;
		c->sources = s->next;
		free(s->topic);
		free(s);
	}
	while (c->fetchers) {
		struct kq_fetcher *f = c->fetchers;
		c->fetchers = f->next;
		free(f);
	}
	free_patterns(c);
	kq_walk_deinit(&c->walk);
	kq_arena_deinit(&c->request_arena);
	free(c->partitions);
	free(c);
}

int kq_consumer_add(struct kq_consumer *c, const char *topic, struct kq_error *e)
{
	struct kq_pattern *p = kq_calloc(1, sizeof *p);
	if (*topic == '^') {
		int rc = regcomp(&p->re, topic, REG_EXTENDED | REG_NOSUB);
		if (rc) {
			char why[128];
			regerror(rc, &p->re, why, sizeof why);
			free(p);
			return kq_error_set(e, KQ_EINVAL, "'%s' is no regular expression: %s", topic, why);
		}
		p->is_regex = true;
	}
	p->text = kq_strdup(topic);
	struct kq_pattern **at = &c->patterns;
	while (*at)
		at = &(*at)->next;
	*at = p;
	return 0;
}

int kq_consumer_start(struct kq_consumer *c, int timeout_ms, struct kq_error *e)
{
	int rc = kq_client_connect(&c->client, KQ_NODE_ANY, timeout_ms, e);
	if (!rc)
		rc = kq_consumer_discover(c, true, timeout_ms, e);
	c->generation = kq_client_generation(&c->client);
	c->started = !rc;
	return rc;
}

static bool all_finished(const struct kq_consumer *c)
{
	if (!c->sources && !c->o.stop_at_end)
		return false; /* an expression that nothing matches yet */
	for (const struct kq_source *s = c->sources; s; s = s->next)
		if (!s->finished)
			return false;
	return true;
}

/* The next part of the answer at hand, or of the next answer; NULL if there is none. */
static struct kq_part *next_part(struct kq_consumer *c)
{
	for (;;) {
		struct kq_answer *a = c->current;
		if (a && a->part_at < a->part_n)
			return &a->parts[a->part_at++];
		if (a) {
			c->current = NULL;
			kq_answer_free(a);
		}
		a = c->current = c->first;
		if (!a)
			return NULL;
		c->first = a->next;
		if (!c->first)
			c->last = NULL;
		a->from->ahead--;
	}
}

static int look_around(struct kq_consumer *c, struct kq_error *e)
{
	if (kq_client_generation(&c->client) != c->generation) {
		c->generation = kq_client_generation(&c->client);
		kq_consumer_update_leaders(c);
	}
	int rc = kq_consumer_reset_positions(c, e);
	if (rc || c->o.stop_at_end || kq_clock_mono_ms() < c->discover_ms)
		return rc;
	return kq_consumer_discover(c, false, 2000, e);
}

int kq_consumer_poll(struct kq_consumer *c, int timeout_ms, struct kq_fetched **f, struct kq_error *e)
{
	int64_t deadline = kq_clock_mono_ms() + timeout_ms;
	*f = NULL;
	for (;;) {
		struct kq_part *part = next_part(c);
		if (part) {
			kq_consumer_send_fetches(c);
			kq_rpc_poll(c->client.rpc, 0); /* the next request leaves while this is read */
			kq_walk_begin(&c->walk, c, part);
			*f = &c->walk.pub;
			return 1;
		}
		if (c->fatal.code)
			return *e = c->fatal, c->fatal.code;
		if (all_finished(c))
			return KQ_ECLOSED;
		int rc = look_around(c, e);
		if (rc && rc != KQ_ECONN && rc != KQ_ETIMEOUT)
			return rc;
		kq_consumer_send_fetches(c);
		int64_t due = kq_client_tick(&c->client), mine = kq_consumer_next_due(c);
		due = due < mine ? due : mine;
		if (kq_clock_mono_ms() >= deadline)
			return 0;
		kq_rpc_poll(c->client.rpc, due < deadline ? due : deadline);
	}
}

void kq_consumer_stats(const struct kq_consumer *c, struct kq_consumer_stats *s)
{
	*s = (struct kq_consumer_stats){ .bytes = c->bytes, .fetches = c->fetches };
	for (const struct kq_source *p = c->sources; p; p = p->next) {
		int64_t end = p->end < p->high_watermark ? p->end : p->high_watermark;
		s->partitions++;
		s->finished += p->finished;
		if (end > p->position)
			s->lag += end - p->position;
	}
}

bool kq_consumer_trouble(struct kq_consumer *c, struct kq_error *e)
{
	return kq_client_trouble(&c->client, e);
}
