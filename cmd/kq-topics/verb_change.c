/* create, alter, delete. */
#include <stdlib.h>
#include <string.h>

#include "kq/units.h"
#include "topics.h"

enum { TOPIC_EXISTS = 36, ASSIGNED_MAX = 10000, BROKERS_MAX = 100 };

struct assignment {
	const int32_t *brokers[ASSIGNED_MAX];
	int broker_n[ASSIGNED_MAX];
	int n;
};

/* `0:1,2;1:2,3`: each partition once, in any order. */
static int parse_assignment(const char *text, struct assignment *a)
{
	memset(a, 0, sizeof *a);
	while (*text) {
		char *end;
		long partition = strtol(text, &end, 10);
		if (end == text || *end != ':' || partition < 0 || partition >= ASSIGNED_MAX || a->brokers[partition])
			return -1;
		int32_t *ids = calloc(BROKERS_MAX, sizeof *ids);
		if (!ids)
			abort();
		a->brokers[partition] = ids;
		do {
			text = end + 1;
			long id = strtol(text, &end, 10);
			if (end == text || id < 0 || id > INT32_MAX || a->broker_n[partition] == BROKERS_MAX)
				return -1;
			ids[a->broker_n[partition]++] = (int32_t)id;
		} while (*end == ',');
		if (*end && *end != ';')
			return -1;
		text = end + (*end == ';');
		a->n = partition + 1 > a->n ? (int)partition + 1 : a->n;
	}
	for (int i = 0; i < a->n; i++)
		if (!a->brokers[i])
			return -1;
	return a->n > 0 ? 0 : -1;
}

static void free_assignment(struct assignment *a)
{
	for (int i = 0; i < ASSIGNED_MAX; i++)
		free((int32_t *)a->brokers[i]);
}

/* KEY=VALUE pairs cut in two; NULL if one has no `=` (told). */
static struct kq_admin_pair *pairs(const struct kq_opt_list *list)
{
	struct kq_admin_pair *v = calloc((size_t)list->n + 1, sizeof *v);
	if (!v)
		abort();
	for (int i = 0; i < list->n; i++) {
		char *key = strdup(list->v[i]), *eq = strchr(key, '=');
		if (!eq || eq == key) {
			kq_report_usage("wrong value '%s' for --set: expected KEY=VALUE", key);
			free(key);
			while (i-- > 0)
				free((char *)v[i].key);
			free(v);
			return NULL;
		}
		*eq = '\0';
		v[i] = (struct kq_admin_pair){ key, eq + 1 };
	}
	return v;
}

static void free_pairs(struct kq_admin_pair *v, int n)
{
	for (int i = 0; i < n; i++)
		free((char *)v[i].key);
	free(v);
}

static int create(struct topics_config *c, const struct assignment *a, const struct kq_admin_pair *configs)
{
	int n = c->common.operand_count, status = 0;
	struct kq_admin_new_topic *v = calloc((size_t)n, sizeof *v);
	struct kq_error e = { 0 };
	if (!v)
		abort();
	for (int i = 0; i < n; i++)
		v[i] = (struct kq_admin_new_topic){
			.name = c->common.operands[i], .partitions = c->partitions ? (int32_t)c->partitions : -1,
			.replicas = c->replicas ? (int16_t)c->replicas : -1,
			.assigned = a ? a->brokers : NULL, .assigned_brokers = a ? a->broker_n : NULL,
			.assigned_n = a ? a->n : 0, .configs = configs, .config_n = c->set.n,
		};
	if (kq_admin_create_topics(c->admin, v, n, c->dry_run, &e) != 0)
		status = topics_call_failed(c, &e, "create topics");
	for (int i = 0; i < n && status == 0; i++) {
		bool there = v[i].status.code == TOPIC_EXISTS && c->if_not_exists;
		if (there)
			v[i].status.code = 0;
		topics_item(c, &v[i].status, "create topic", there ? "there already" : "created", v[i].name);
	}
	free(v);
	return status;
}

int verb_create(void *config)
{
	struct topics_config *c = config;
	static struct assignment a;
	if (c->assignment && (c->partitions || c->replicas))
		return kq_report_usage("--replicas says already what -p and -r would");
	if (c->assignment && parse_assignment(c->assignment, &a) != 0) {
		free_assignment(&a);
		return kq_report_usage("wrong value '%s' for --replicas: expected brokers of each partition, '0:1,2;1:2,3'",
				       c->assignment);
	}
	struct kq_admin_pair *configs = pairs(&c->set);
	if (!configs)
		return KQ_EXIT_USAGE;
	int status = create(c, c->assignment ? &a : NULL, configs);
	free_pairs(configs, c->set.n);
	free_assignment(&a);
	return status;
}

/* ---- alter ------------------------------------------------------------------- */

static int grow(struct topics_config *c, const char *name)
{
	struct kq_admin_status s;
	struct kq_error e = { 0 };
	if (kq_admin_grow_topic(c->admin, name, (int32_t)c->partitions, c->dry_run, &s, &e) != 0)
		return topics_call_failed(c, &e, "add partitions");
	topics_item(c, &s, "add partitions to", "grown", name);
	return 0;
}

static int reconfigure(struct topics_config *c, const char *name, const struct kq_admin_pair *set)
{
	int n = c->set.n + c->unset.n, status = 0;
	struct kq_admin_change *v = calloc((size_t)n, sizeof *v);
	struct kq_admin_status s;
	struct kq_error e = { 0 };
	if (!v)
		abort();
	for (int i = 0; i < c->set.n; i++)
		v[i] = (struct kq_admin_change){ set[i].key, set[i].value };
	for (int i = 0; i < c->unset.n; i++)
		v[c->set.n + i].key = c->unset.v[i];
	if (kq_admin_change_configs(c->admin, KQ_ADMIN_TOPIC, name, v, n, c->dry_run, &s, &e) != 0)
		status = topics_call_failed(c, &e, "change configurations");
	else
		topics_item(c, &s, "change topic", "changed", name);
	free(v);
	return status;
}

int verb_alter(void *config)
{
	struct topics_config *c = config;
	if (!c->partitions && c->set.n + c->unset.n == 0)
		return kq_report_usage("say what to change: -c KEY=VALUE, --unset KEY or -p N");
	struct kq_admin_pair *set = pairs(&c->set);
	if (!set)
		return KQ_EXIT_USAGE;
	int status = 0;
	for (int i = 0; i < c->common.operand_count && status == 0; i++) {
		if (c->set.n + c->unset.n > 0)
			status = reconfigure(c, c->common.operands[i], set);
		if (status == 0 && c->partitions)
			status = grow(c, c->common.operands[i]);
	}
	free_pairs(set, c->set.n);
	return status;
}

/* ---- delete ------------------------------------------------------------------ */

/* The protocol has no trial run: what is there is looked up. */
static int pretend(struct topics_config *c)
{
	struct kq_admin_topic *v;
	int n, status = topics_select(c, &v, &n);
	if (status >= 0)
		return status;
	for (int i = 0; i < n; i++)
		topics_item(c, &v[i].status, "delete topic", "deleted", v[i].name);
	free(v);
	return 0;
}

int verb_delete(void *config)
{
	struct topics_config *c = config;
	int n = c->common.operand_count, status = 0;
	struct kq_error e = { 0 };
	for (int i = 0; i < n; i++)
		if (*c->common.operands[i] == '^')
			return kq_report_usage("'%s': topics are deleted by name; 'kq-topics list REGEX | cut -f1' finds names",
					       c->common.operands[i]);
	if (c->dry_run)
		return pretend(c);
	if (!topics_may(c, "delete", n, n == 1 ? c->common.operands[0] : "topics", &status))
		return status;
	struct kq_admin_status *s = calloc((size_t)n, sizeof *s);
	if (!s)
		abort();
	if (kq_admin_delete_topics(c->admin, (const char *const *)c->common.operands, n, s, &e) != 0)
		status = topics_call_failed(c, &e, "delete topics");
	for (int i = 0; i < n && status == 0; i++)
		topics_item(c, &s[i], "delete topic", "deleted", c->common.operands[i]);
	free(s);
	return status;
}
