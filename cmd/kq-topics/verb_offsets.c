/* offsets, trim. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kq/units.h"
#include "topics.h"

static int64_t now_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Offsets of every partition of the topics at one point. */
static struct kq_admin_offset *ask(const struct kq_admin_topic *v, int n, int64_t at, int *total)
{
	*total = 0;
	for (int i = 0; i < n; i++)
		*total += v[i].partition_n;
	struct kq_admin_offset *o = calloc((size_t)*total + 1, sizeof *o), *next = o;
	if (!o)
		abort();
	for (int i = 0; i < n; i++)
		for (int p = 0; p < v[i].partition_n; p++)
			*next++ = (struct kq_admin_offset){ .topic = v[i].name, .partition = p, .at = at };
	return o;
}

static void row(struct topics_config *c, struct kq_table *t, const char *topic, int partition, int64_t first, int64_t next,
		int64_t records)
{
	struct kq_json j;
	if (!c->json) {
		kq_table_add(t, "%s", topic);
		if (partition < 0) {
			kq_table_add(t, "total");
			kq_table_add(t, "-");
			kq_table_add(t, "-");
		} else {
			kq_table_add_int(t, partition);
			kq_table_add_int(t, first);
			kq_table_add_int(t, next);
		}
		kq_table_add_int(t, records);
		return;
	}
	kq_json_init(&j, &c->out);
	kq_json_open(&j, NULL, '{');
	kq_json_text(&j, "topic", topic);
	if (partition < 0) {
		kq_json_bool(&j, "total", true);
	} else {
		kq_json_int(&j, "partition", partition);
		kq_json_int(&j, "first_offset", first);
		kq_json_int(&j, "next_offset", next);
	}
	kq_json_int(&j, "records", records);
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

/* Tells of an item without an answer; true if there is one. */
static bool answered(struct topics_config *c, const struct kq_admin_offset *o)
{
	char name[300];
	if (!o->status.code)
		return true;
	snprintf(name, sizeof name, "%s:%d", o->topic, (int)o->partition);
	topics_item(c, &o->status, "read the offsets of", "", name);
	return false;
}

static void offsets_rows(struct topics_config *c, struct kq_table *t, const struct kq_admin_topic *v, int n,
			 const struct kq_admin_offset *from, const struct kq_admin_offset *to)
{
	for (int i = 0; i < n; i++) {
		int64_t sum = 0;
		for (int p = 0; p < v[i].partition_n; p++, from++, to++) {
			if (!answered(c, from) || !answered(c, to))
				continue;
			/* No record of that time or later: nothing lies between. */
			int64_t first = from->offset < 0 ? to->offset : from->offset;
			sum += to->offset - first;
			row(c, t, v[i].name, p, first, to->offset, to->offset - first);
		}
		if (v[i].partition_n > 1)
			row(c, t, v[i].name, -1, 0, 0, sum);
	}
}

int verb_offsets(void *config)
{
	static const char *const COLUMNS[] = { "topic", ">partition", ">first", ">next", ">records", NULL };
	struct topics_config *c = config;
	struct kq_admin_topic *v;
	struct kq_error e = { 0 };
	struct kq_table t;
	int64_t at = KQ_AT_EARLIEST;
	int n, total;
	if (c->at && kq_time_parse(c->at, now_ms(), &at) != 0)
		return kq_report_usage("wrong value '%s' for --at: expected a time like 1h (ago), 2026-11-21T10:00:00Z or ms since 1970", c->at);
	int status = topics_select(c, &v, &n);
	if (status >= 0)
		return status;
	struct kq_admin_offset *from = ask(v, n, at, &total), *to = ask(v, n, KQ_AT_LATEST, &total);
	kq_table_init(&t, COLUMNS);
	status = 0;
	if (kq_admin_offsets(c->admin, from, total, &e) != 0 || kq_admin_offsets(c->admin, to, total, &e) != 0) {
		status = topics_call_failed(c, &e, "read offsets");
	} else {
		offsets_rows(c, &t, v, n, from, to);
		if (!c->json)
			topics_print(c, &t);
	}
	kq_table_deinit(&t);
	free(from);
	free(to);
	free(v);
	return status;
}

/* ---- trim -------------------------------------------------------------------- */

/* Partitions named by the operands; *items is the caller's to free. Topics' names are
 * the admin's, which live long enough. */
static int trim_items(struct topics_config *c, struct kq_admin_trim **items, int *n)
{
	int status = topics_load(c);
	*n = 0;
	*items = NULL;
	for (int i = 0; i < c->common.operand_count && status < 0; i++) {
		char name[256];
		const char *operand = c->common.operands[i], *colon = strrchr(operand, ':');
		int64_t partition = -1;
		if (colon && (kq_int_parse(colon + 1, &partition) != 0 || partition < 0 || partition > INT32_MAX))
			return kq_report_usage("wrong operand '%s': expected TOPIC or TOPIC:PARTITION", operand);
		snprintf(name, sizeof name, "%.*s", (int)(colon ? colon - operand : (long)strlen(operand)), operand);
		const struct kq_admin_topic *t = NULL;
		for (int k = 0; k < c->all_n && !t; k++)
			t = strcmp(c->all[k].name, name) == 0 ? &c->all[k] : NULL;
		if (!t || partition >= t->partition_n) {
			struct kq_admin_status s = { 3, t ? "the topic has no such partition" : "there is no such topic" };
			topics_item(c, &s, "trim", "", operand);
			continue;
		}
		int count = partition >= 0 ? 1 : t->partition_n;
		*items = realloc(*items, (size_t)(*n + count) * sizeof **items);
		if (!*items)
			abort();
		for (int k = 0; k < count; k++)
			(*items)[(*n)++] = (struct kq_admin_trim){ .topic = t->name,
				.partition = partition >= 0 ? (int32_t)partition : k };
	}
	return status;
}

/* Each item's offset from --before: the same for all, or where a time begins. -1 or
 * the exit status. */
static int trim_place(struct topics_config *c, struct kq_admin_trim *v, int n)
{
	int64_t number, when;
	bool is_end = strcmp(c->before, "end") == 0;
	bool is_offset = !is_end && kq_int_parse(c->before, &number) == 0 && number >= 0;
	struct kq_error e = { 0 };
	const char *text = c->before + (*c->before == '@');
	if (is_offset || is_end) {
		for (int i = 0; i < n; i++)
			v[i].before = is_offset ? number : -1;
		return -1;
	}
	if (kq_time_parse(text, now_ms(), &when) != 0)
		return kq_report_usage("wrong value '%s' for --before: expected an offset, a time like 7d (ago) or 2026-11-21, or end",
				       c->before);
	struct kq_admin_offset *o = calloc((size_t)n + 1, sizeof *o);
	if (!o)
		abort();
	for (int i = 0; i < n; i++)
		o[i] = (struct kq_admin_offset){ .topic = v[i].topic, .partition = v[i].partition, .at = when };
	int status = -1;
	if (kq_admin_offsets(c->admin, o, n, &e) != 0)
		status = topics_call_failed(c, &e, "read offsets");
	for (int i = 0; i < n; i++)
		v[i].before = o[i].status.code ? 0 : o[i].offset; /* -1: all is older, up to the end */
	free(o);
	return status;
}

static void trim_row(struct topics_config *c, struct kq_table *t, const struct kq_admin_trim *x, int64_t start)
{
	struct kq_json j;
	if (!c->json) {
		kq_table_add(t, "%s", x->topic);
		kq_table_add_int(t, x->partition);
		kq_table_add_int(t, start);
		return;
	}
	kq_json_init(&j, &c->out);
	kq_json_open(&j, NULL, '{');
	kq_json_text(&j, "topic", x->topic);
	kq_json_int(&j, "partition", x->partition);
	kq_json_int(&j, "first_offset", start);
	kq_json_bool(&j, "dry_run", c->dry_run);
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

/* What would be the first offsets: between those of now and the ends. */
static int trim_pretend(struct topics_config *c, struct kq_table *t, struct kq_admin_trim *v, int n)
{
	struct kq_admin_offset *o = calloc((size_t)n * 2 + 1, sizeof *o);
	struct kq_error e = { 0 };
	int status = 0;
	if (!o)
		abort();
	for (int i = 0; i < n; i++) {
		o[i] = (struct kq_admin_offset){ .topic = v[i].topic, .partition = v[i].partition, .at = KQ_AT_EARLIEST };
		o[n + i] = o[i];
		o[n + i].at = KQ_AT_LATEST;
	}
	if (kq_admin_offsets(c->admin, o, n, &e) != 0 || kq_admin_offsets(c->admin, o + n, n, &e) != 0)
		status = topics_call_failed(c, &e, "read offsets");
	for (int i = 0; i < n && status == 0; i++) {
		if (!answered(c, &o[i]) || !answered(c, &o[n + i]))
			continue;
		int64_t start = v[i].before < 0 ? o[n + i].offset : v[i].before;
		struct kq_admin_status s = { 1, "the offset lies beyond the end" };
		if (start > o[n + i].offset)
			topics_item(c, &s, "trim", "", v[i].topic);
		else
			trim_row(c, t, &v[i], start > o[i].offset ? start : o[i].offset);
	}
	free(o);
	return status;
}

static int trim_really(struct topics_config *c, struct kq_table *t, struct kq_admin_trim *v, int n)
{
	struct kq_error e = { 0 };
	int status = 0;
	if (!topics_may(c, "delete records of", n, n == 1 ? "partition" : "partitions", &status))
		return status;
	if (kq_admin_trim(c->admin, v, n, &e) != 0)
		return topics_call_failed(c, &e, "trim");
	for (int i = 0; i < n; i++) {
		char name[300];
		snprintf(name, sizeof name, "%s:%d", v[i].topic, (int)v[i].partition);
		if (v[i].status.code)
			topics_item(c, &v[i].status, "trim", "", name);
		else
			trim_row(c, t, &v[i], v[i].start);
	}
	return 0;
}

int verb_trim(void *config)
{
	static const char *const COLUMNS[] = { "topic", ">partition", ">first", NULL };
	struct topics_config *c = config;
	struct kq_admin_trim *v;
	struct kq_table t;
	int n;
	if (!c->before)
		return kq_report_usage("say up to where: --before OFFSET or TIME");
	int status = trim_items(c, &v, &n);
	kq_table_init(&t, COLUMNS);
	if (status < 0)
		status = trim_place(c, v, n);
	if (status < 0)
		status = c->dry_run ? trim_pretend(c, &t, v, n) : n > 0 ? trim_really(c, &t, v, n) : 0;
	if (!c->json)
		topics_print(c, &t);
	kq_table_deinit(&t);
	free(v);
	return status;
}
