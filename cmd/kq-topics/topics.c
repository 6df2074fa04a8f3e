#include "topics.h"

#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kq/client.h"
#include "kq/text.h"

/* Kafka's codes that get a way out told. */
enum {
	OFFSET_OUT_OF_RANGE = 1, UNKNOWN_TOPIC = 3, TIMED_OUT = 7, TOPIC_EXISTS = 36, BAD_PARTITIONS = 37,
	BAD_REPLICATION = 38, POLICY = 44, DELETION_DISABLED = 73, NO_AUTH_TOPIC = 29, NO_AUTH_CLUSTER = 31,
};

static int set_key(void *arg, const char *key, const char *value, const char *origin, struct kq_error *e)
{
	(void)origin;
	return kq_client_config_set(arg, key, value, e);
}

int topics_connect(struct topics_config *c)
{
	struct kq_error e = { 0 };
	struct kq_client_config *cfg = kq_client_config_new();
	int rc = c->common.config ? kq_client_config_load(cfg, c->common.config, &e) : 0;
	if (rc == 0)
		rc = kq_options_apply(&c->common, set_key, cfg, &e);
	/* A list in the file counts for more than the built-in default only. */
	if (rc == 0 && !kq_client_config_is_set(cfg, "bootstrap.servers"))
		rc = kq_client_config_set(cfg, "bootstrap.servers", c->common.brokers, &e);
	if (rc == 0)
		rc = kq_admin_new(&c->admin, cfg, &e);
	kq_client_config_free(cfg);
	return rc == 0 ? -1 : kq_report_usage("%s", e.text);
}

int topics_call_failed(struct topics_config *c, const struct kq_error *e, const char *what)
{
	(void)c;
	if (e->code != KQ_ECONN)
		return kq_report_error(e, "%s", what);
	kq_report("cannot %s: %s; is a broker running there? -b or $KQ_BROKERS says where to look", what, e->text);
	return KQ_EXIT_NO_BROKER;
}

int topics_load(struct topics_config *c)
{
	struct kq_error e = { 0 };
	if (c->all)
		return -1;
	if (kq_admin_topics(c->admin, NULL, 0, &c->all, &c->all_n, &e) != 0)
		return topics_call_failed(c, &e, "list topics");
	return -1;
}

static void add_matches(struct topics_config *c, const regex_t *re, struct kq_admin_topic *v, int *n)
{
	for (int i = 0; i < c->all_n; i++)
		if (!re || regexec(re, c->all[i].name, 0, NULL, 0) == 0)
			v[(*n)++] = c->all[i];
}

/* One operand; the status of what is not there fails the program. */
static int select_one(struct topics_config *c, const char *name, struct kq_admin_topic *v, int *n)
{
	regex_t re;
	if (*name == '^') {
		int rc = regcomp(&re, name, REG_EXTENDED | REG_NOSUB);
		if (rc != 0) {
			char why[128];
			regerror(rc, &re, why, sizeof why);
			return kq_report_usage("wrong regular expression '%s': %s", name, why);
		}
		add_matches(c, &re, v, n);
		regfree(&re);
		return -1;
	}
	for (int i = 0; i < c->all_n; i++)
		if (strcmp(c->all[i].name, name) == 0) {
			v[(*n)++] = c->all[i];
			return -1;
		}
	struct kq_admin_status s = { UNKNOWN_TOPIC, "there is no such topic" };
	topics_item(c, &s, "find topic", "", name);
	return -1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct kq_admin_topic *)a)->name, ((const struct kq_admin_topic *)b)->name);
}

int topics_select(struct topics_config *c, struct kq_admin_topic **v, int *n)
{
	int status = topics_load(c), operands = c->common.operand_count, kept = 0;
	if (status >= 0)
		return status;
	*n = 0;
	*v = calloc((size_t)(c->all_n + 1) * (size_t)(operands + 1), sizeof **v);
	if (!*v)
		abort();
	if (operands == 0)
		add_matches(c, NULL, *v, n);
	for (int i = 0; i < operands && status < 0; i++)
		status = select_one(c, c->common.operands[i], *v, n);
	qsort(*v, (size_t)*n, sizeof **v, by_name);
	for (int i = 0; i < *n; i++)
		if (kept == 0 || strcmp((*v)[kept - 1].name, (*v)[i].name) != 0)
			(*v)[kept++] = (*v)[i];
	*n = kept;
	if (status >= 0)
		free(*v);
	return status;
}

/* ---- what became of an item ------------------------------------------------ */

static void nearest_topic(struct topics_config *c, const char *name, char *buf, size_t size)
{
	struct kq_nearest near;
	struct kq_error e = { 0 };
	char whole[256];
	snprintf(whole, sizeof whole, "%.*s", (int)strcspn(name, ":"), name);
	kq_nearest_init(&near, whole);
	if (c->all || kq_admin_topics(c->admin, NULL, 0, &c->all, &c->all_n, &e) == 0)
		for (int i = 0; i < c->all_n; i++)
			if (strcmp(c->all[i].name, whole) != 0)
				kq_nearest_offer(&near, c->all[i].name);
	if (near.best)
		snprintf(buf, size, "; did you mean '%s'?", near.best);
	else
		snprintf(buf, size, "; 'kq-topics list' shows what there is");
}

static void way_out(struct topics_config *c, int code, const char *name, char *buf, size_t size)
{
	const char *text = "";
	switch (code) {
	case UNKNOWN_TOPIC:
		nearest_topic(c, name, buf, size);
		return;
	case OFFSET_OUT_OF_RANGE:
		text = "; 'kq-topics offsets' shows how far it goes";
		break;
	case TIMED_OUT:
		text = "; 'kq-topics describe' shows whether it was done";
		break;
	case TOPIC_EXISTS:
		text = "; --if-not-exists makes that no failure";
		break;
	case BAD_PARTITIONS:
		text = "; 'kq-topics describe' shows how many there are";
		break;
	case BAD_REPLICATION:
		text = "; 'kq-topics brokers' shows who could hold replicas";
		break;
	case POLICY:
		text = "; 'kq-topics configs' shows what is set";
		break;
	case DELETION_DISABLED:
		text = "; delete.topic.enable=true at the broker allows it";
		break;
	case NO_AUTH_TOPIC:
	case NO_AUTH_CLUSTER:
		text = "; ask who runs the cluster for the right";
		break;
	}
	snprintf(buf, size, "%s", text);
}

static void item_json(struct topics_config *c, const struct kq_admin_status *s, const char *done, const char *name)
{
	struct kq_json j;
	kq_json_init(&j, &c->out);
	kq_json_open(&j, NULL, '{');
	kq_json_text(&j, "name", name);
	if (s->code) {
		kq_json_text(&j, "error", kq_admin_error_name(s->code));
		kq_json_text(&j, "message", s->text);
	} else {
		kq_json_text(&j, "done", done);
		kq_json_bool(&j, "dry_run", c->dry_run);
	}
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

void topics_item(struct topics_config *c, const struct kq_admin_status *s, const char *what,
		 const char *done, const char *name)
{
	char hint[320];
	if (c->json)
		item_json(c, s, done, name);
	if (!s->code) {
		if (!c->json)
			kq_remark(c->dry_run ? "'%s' would be %s" : "'%s' %s", name, done);
		return;
	}
	/* A broker's sentence may end with a stop; ours goes on. */
	int n = (int)strlen(s->text);
	while (n > 0 && (s->text[n - 1] == '.' || s->text[n - 1] == '\n'))
		n--;
	way_out(c, s->code, name, hint, sizeof hint);
	kq_out_flush(&c->out);
	kq_report("cannot %s '%s': %.*s%s", what, name, n, s->text, hint);
	c->status = KQ_EXIT_FAILED;
}

bool topics_may(struct topics_config *c, const char *what, int n, const char *things, int *status)
{
	if (c->yes || c->dry_run)
		return true;
	if (!kq_report_can_ask()) {
		*status = kq_report_usage("'%s' in a script needs -y", c->common.verb->name);
		return false;
	}
	if (kq_report_ask("%s %d %s?", what, n, things))
		return true;
	kq_remark("nothing was done");
	*status = KQ_EXIT_FAILED;
	return false;
}

void topics_print(struct topics_config *c, struct kq_table *t)
{
	kq_table_print(t, &c->out, isatty(STDOUT_FILENO), c->header);
	kq_table_deinit(t);
}
