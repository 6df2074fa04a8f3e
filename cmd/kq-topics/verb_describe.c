/* describe. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kq/units.h"
#include "topics.h"

/* First and next offsets of all partitions of the topics, two items each. */
static struct kq_admin_offset *ends(struct topics_config *c, const struct kq_admin_topic *v, int n, int *count)
{
	int total = 0, at = 0;
	for (int i = 0; i < n; i++)
		total += v[i].partition_n;
	struct kq_admin_offset *o = calloc((size_t)total * 2 + 1, sizeof *o);
	if (!o)
		abort();
	for (int i = 0; i < n; i++)
		for (int p = 0; p < v[i].partition_n; p++) {
			o[at] = (struct kq_admin_offset){ .topic = v[i].name, .partition = p, .at = KQ_AT_EARLIEST, .offset = -1 };
			o[total + at] = o[at];
			o[total + at++].at = KQ_AT_LATEST;
		}
	struct kq_error e = { 0 };
	/* What cannot be had is shown as unknown: describe is for troubled clusters. */
	if (kq_admin_offsets(c->admin, o, total, &e) != 0 || kq_admin_offsets(c->admin, o + total, total, &e) != 0)
		kq_remark("offsets are not known: %s", e.text);
	*count = total;
	return o;
}

static void ids(char *buf, size_t size, const int32_t *v, int n)
{
	size_t at = 0;
	buf[0] = '\0';
	for (int i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(buf + at, size - at, "%s%d", i ? "," : "", (int)v[i]);
	if (n == 0)
		snprintf(buf, size, "-");
}

static void number_or_dash(struct kq_table *t, int64_t v)
{
	if (v < 0)
		kq_table_add(t, "-");
	else
		kq_table_add_int(t, v);
}

/* `key=value(source)` of what is not the default. */
static char *set_configs(const struct kq_admin_config *v, int n)
{
	struct kq_out o;
	kq_out_init(&o, -1);
	for (int i = 0; i < n; i++)
		if (!v[i].is_default)
			kq_out_printf(&o, "%s%s=%s(%s)", o.len ? " " : "", v[i].key, v[i].value ? v[i].value : "", v[i].source);
	if (o.len == 0)
		kq_out_char(&o, '-');
	kq_out_char(&o, '\0');
	return o.buf;
}

static void describe_row(struct kq_table *t, const struct kq_admin_topic *topic, const struct kq_admin_partition *p,
			 const struct kq_admin_offset *first, const struct kq_admin_offset *next, const char *configs)
{
	char replicas[256], isr[256], size[KQ_ISO_MAX];
	ids(replicas, sizeof replicas, p->replicas, p->replica_n);
	ids(isr, sizeof isr, p->isr, p->isr_n);
	kq_table_add(t, "%s", topic->name);
	kq_table_add_int(t, p->partition);
	number_or_dash(t, p->leader);
	number_or_dash(t, p->leader_epoch);
	kq_table_add(t, "%s", replicas);
	kq_table_add(t, "%s", isr);
	number_or_dash(t, first->offset);
	number_or_dash(t, next->offset);
	kq_table_add(t, "%s", p->size < 0 ? "-" : (snprintf(size, sizeof size, "%lld", (long long)p->size), size));
	kq_table_add(t, "%s", configs);
}

static void json_ids(struct kq_json *j, const char *name, const int32_t *v, int n)
{
	kq_json_open(j, name, '[');
	for (int i = 0; i < n; i++)
		kq_json_int(j, NULL, v[i]);
	kq_json_close(j, ']');
}

static void json_number(struct kq_json *j, const char *name, int64_t v)
{
	if (v < 0)
		kq_json_null(j, name);
	else
		kq_json_int(j, name, v);
}

static void json_id(struct kq_json *j, const struct kq_uuid *id)
{
	static const struct kq_uuid none;
	char text[32];
	struct kq_out o;
	if (memcmp(id, &none, sizeof none) == 0) {
		kq_json_null(j, "id");
		return;
	}
	kq_out_init(&o, -1);
	kq_out_base64(&o, id->b, sizeof id->b);
	snprintf(text, sizeof text, "%.22s", o.buf);
	kq_out_deinit(&o);
	/* As Kafka writes ids: the alphabet for URLs, no padding. */
	for (char *p = text; *p; p++)
		*p = *p == '+' ? '-' : *p == '/' ? '_' : *p;
	kq_json_text(j, "id", text);
}

static void describe_json(struct topics_config *c, const struct kq_admin_topic *t, const struct kq_admin_offset *first,
			  const struct kq_admin_offset *next, const struct kq_admin_config *configs, int config_n)
{
	struct kq_json j;
	kq_json_init(&j, &c->out);
	kq_json_open(&j, NULL, '{');
	kq_json_text(&j, "topic", t->name);
	json_id(&j, &t->id);
	kq_json_bool(&j, "internal", t->internal);
	kq_json_open(&j, "partitions", '[');
	for (int i = 0; i < t->partition_n; i++) {
		const struct kq_admin_partition *p = &t->partitions[i];
		kq_json_open(&j, NULL, '{');
		kq_json_int(&j, "partition", i);
		json_number(&j, "leader", p->leader);
		json_number(&j, "leader_epoch", p->leader_epoch);
		json_ids(&j, "replicas", p->replicas, p->replica_n);
		json_ids(&j, "isr", p->isr, p->isr_n);
		json_ids(&j, "offline", p->offline, p->offline_n);
		json_number(&j, "first_offset", first[i].offset);
		json_number(&j, "next_offset", next[i].offset);
		json_number(&j, "size", p->size);
		kq_json_close(&j, '}');
	}
	kq_json_close(&j, ']');
	kq_json_open(&j, "configs", '{');
	for (int i = 0; i < config_n; i++) {
		kq_json_open(&j, configs[i].key, '{');
		kq_json_text(&j, "value", configs[i].value);
		kq_json_text(&j, "source", configs[i].source);
		kq_json_close(&j, '}');
	}
	kq_json_close(&j, '}');
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

static int configs_of(struct topics_config *c, const char *name, struct kq_admin_config **v, int *n)
{
	struct kq_admin_status s;
	struct kq_error e = { 0 };
	if (kq_admin_configs(c->admin, KQ_ADMIN_TOPIC, name, v, n, &s, &e) != 0)
		return topics_call_failed(c, &e, "read configurations");
	if (s.code)
		topics_item(c, &s, "read the configuration of", "", name);
	return -1;
}

int verb_describe(void *config)
{
	static const char *const COLUMNS[] = { "topic", ">partition", ">leader", ">epoch", "replicas", "isr", ">first",
					       ">next", ">bytes", "configs", NULL };
	struct topics_config *c = config;
	struct kq_admin_topic *v;
	struct kq_error e = { 0 };
	struct kq_table t;
	int n, total, at = 0, status = topics_select(c, &v, &n);
	if (status >= 0)
		return status;
	struct kq_admin_offset *o = ends(c, v, n, &total);
	if (kq_admin_sizes(c->admin, v, n, &e) != 0)
		kq_remark("sizes are not known: %s", e.text);
	kq_table_init(&t, COLUMNS);
	for (int i = 0; i < n && status < 0; at += v[i++].partition_n) {
		struct kq_admin_config *configs;
		int config_n;
		status = configs_of(c, v[i].name, &configs, &config_n);
		if (c->json) {
			describe_json(c, &v[i], o + at, o + total + at, configs, config_n);
			continue;
		}
		char *set = set_configs(configs, config_n);
		for (int p = 0; p < v[i].partition_n; p++)
			describe_row(&t, &v[i], &v[i].partitions[p], &o[at + p], &o[total + at + p], set);
		free(set);
	}
	if (!c->json)
		topics_print(c, &t);
	kq_table_deinit(&t);
	free(o);
	free(v);
	return status < 0 ? 0 : status;
}
