/* list, brokers, configs. */
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "kq/units.h"
#include "topics.h"

static void list_json(struct topics_config *c, const struct kq_admin_topic *t)
{
	struct kq_json j;
	kq_json_init(&j, &c->out);
	kq_json_open(&j, NULL, '{');
	kq_json_text(&j, "topic", t->name);
	kq_json_int(&j, "partitions", t->partition_n);
	kq_json_int(&j, "replicas", t->partition_n ? t->partitions[0].replica_n : 0);
	kq_json_bool(&j, "internal", t->internal);
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

int verb_list(void *config)
{
	static const char *const COLUMNS[] = { "topic", ">partitions", ">replicas", NULL };
	struct topics_config *c = config;
	struct kq_table t;
	regex_t re;
	const char *pattern = c->common.operand_count ? c->common.operands[0] : "";
	if (regcomp(&re, pattern, REG_EXTENDED | REG_NOSUB) != 0)
		return kq_report_usage("wrong regular expression '%s'", pattern);
	int status = topics_load(c);
	kq_table_init(&t, COLUMNS);
	for (int i = 0; status < 0 && i < c->all_n; i++) {
		const struct kq_admin_topic *topic = &c->all[i];
		if (regexec(&re, topic->name, 0, NULL, 0) != 0)
			continue;
		if (c->json)
			list_json(c, topic);
		kq_table_add(&t, "%s", topic->name);
		kq_table_add_int(&t, topic->partition_n);
		kq_table_add_int(&t, topic->partition_n ? topic->partitions[0].replica_n : 0);
	}
	regfree(&re);
	if (status < 0 && !c->json)
		topics_print(c, &t);
	kq_table_deinit(&t);
	return status < 0 ? 0 : status;
}

int verb_brokers(void *config)
{
	static const char *const COLUMNS[] = { ">id", "host", ">port", "rack", "controller", NULL };
	struct topics_config *c = config;
	struct kq_admin_cluster cluster;
	struct kq_error e = { 0 };
	struct kq_table t;
	struct kq_json j;
	if (kq_admin_describe_cluster(c->admin, &cluster, &e) != 0)
		return topics_call_failed(c, &e, "ask for the brokers");
	kq_table_init(&t, COLUMNS);
	kq_json_init(&j, &c->out);
	for (int i = 0; i < cluster.broker_n; i++) {
		const struct kq_admin_broker *b = &cluster.brokers[i];
		kq_table_add_int(&t, b->id);
		kq_table_add(&t, "%s", b->host);
		kq_table_add_int(&t, b->port);
		kq_table_add(&t, "%s", b->rack ? b->rack : "-");
		kq_table_add(&t, "%s", b->controller ? "yes" : "no");
		if (!c->json)
			continue;
		kq_json_open(&j, NULL, '{');
		kq_json_int(&j, "id", b->id);
		kq_json_text(&j, "host", b->host);
		kq_json_int(&j, "port", b->port);
		kq_json_text(&j, "rack", b->rack);
		kq_json_bool(&j, "controller", b->controller);
		kq_json_text(&j, "cluster", cluster.id);
		kq_json_close(&j, '}');
		kq_json_end_line(&j);
	}
	if (!c->json)
		topics_print(c, &t);
	kq_table_deinit(&t);
	return 0;
}

/* ---- configs ----------------------------------------------------------------- */

/* A number is a broker; `topic:` before a name tells that it is none. */
static enum kq_admin_resource resource_of(const char **name)
{
	if (strncmp(*name, "topic:", 6) == 0) {
		*name += 6;
		return KQ_ADMIN_TOPIC;
	}
	return **name && strspn(*name, "0123456789") == strlen(*name) ? KQ_ADMIN_BROKER : KQ_ADMIN_TOPIC;
}

static void config_json(struct topics_config *c, enum kq_admin_resource what, const char *name,
			const struct kq_admin_config *x)
{
	struct kq_json j;
	kq_json_init(&j, &c->out);
	kq_json_open(&j, NULL, '{');
	kq_json_text(&j, what == KQ_ADMIN_TOPIC ? "topic" : "broker", name);
	kq_json_text(&j, "key", x->key);
	kq_json_text(&j, "value", x->value);
	kq_json_text(&j, "source", x->source);
	kq_json_text(&j, "type", x->type);
	kq_json_bool(&j, "read_only", x->read_only);
	kq_json_bool(&j, "sensitive", x->sensitive);
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

static int show(struct topics_config *c, const char *name, struct kq_table *t)
{
	struct kq_admin_config *v;
	struct kq_admin_status s;
	struct kq_error e = { 0 };
	int n;
	enum kq_admin_resource what = resource_of(&name);
	if (kq_admin_configs(c->admin, what, name, &v, &n, &s, &e) != 0)
		return topics_call_failed(c, &e, "read configurations");
	if (s.code) {
		topics_item(c, &s, "read the configuration of", "", name);
		return 0;
	}
	for (int i = 0; i < n; i++) {
		if (c->json)
			config_json(c, what, name, &v[i]);
		kq_table_add(t, "%s", name);
		kq_table_add(t, "%s", v[i].key);
		kq_table_add(t, "%s", v[i].value ? v[i].value : v[i].sensitive ? "(secret)" : "");
		kq_table_add(t, "%s%s", v[i].source, v[i].read_only ? ", read-only" : "");
	}
	return 0;
}

static int change(struct topics_config *c, const char *name)
{
	int n = c->set.n + c->unset.n, rc = 0;
	struct kq_admin_change *v = calloc((size_t)n + 1, sizeof *v);
	struct kq_admin_status s;
	struct kq_error e = { 0 };
	enum kq_admin_resource what = resource_of(&name);
	if (!v)
		abort();
	for (int i = 0; i < c->set.n; i++) {
		/* Checked before: there is a `=`. The key is cut in place. */
		char *key = strdup(c->set.v[i]), *eq = strchr(key, '=');
		*eq = '\0';
		v[i] = (struct kq_admin_change){ key, eq + 1 };
	}
	for (int i = 0; i < c->unset.n; i++)
		v[c->set.n + i].key = c->unset.v[i];
	if (kq_admin_change_configs(c->admin, what, name, v, n, c->dry_run, &s, &e) != 0)
		rc = topics_call_failed(c, &e, "change configurations");
	else
		topics_item(c, &s, "change the configuration of", "changed", name);
	for (int i = 0; i < c->set.n; i++)
		free((char *)v[i].key);
	free(v);
	return rc;
}

/* Without operands: those of all brokers. */
static int configs_of_brokers(struct topics_config *c, struct kq_table *t)
{
	struct kq_admin_cluster cluster;
	struct kq_error e = { 0 };
	int status = 0;
	if (kq_admin_describe_cluster(c->admin, &cluster, &e) != 0)
		return topics_call_failed(c, &e, "ask for the brokers");
	for (int i = 0; i < cluster.broker_n && status == 0; i++) {
		char id[16];
		snprintf(id, sizeof id, "%d", (int)cluster.brokers[i].id);
		status = show(c, id, t);
	}
	return status;
}

int verb_configs(void *config)
{
	static const char *const COLUMNS[] = { "name", "key", "value", "source", NULL };
	struct topics_config *c = config;
	bool changes = c->set.n + c->unset.n > 0;
	struct kq_table t;
	int status = 0;
	for (int i = 0; i < c->set.n; i++)
		if (!strchr(c->set.v[i], '='))
			return kq_report_usage("wrong value '%s' for --set: expected KEY=VALUE", c->set.v[i]);
	if (changes && c->common.operand_count == 0)
		return kq_report_usage("say whose configuration: a topic or a broker's id");
	kq_table_init(&t, COLUMNS);
	if (c->common.operand_count == 0)
		status = configs_of_brokers(c, &t);
	for (int i = 0; i < c->common.operand_count && status == 0; i++)
		status = changes ? change(c, c->common.operands[i]) : show(c, c->common.operands[i], &t);
	if (!c->json && !changes)
		topics_print(c, &t);
	kq_table_deinit(&t);
	return status;
}
