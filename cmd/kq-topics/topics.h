/* What the verbs of kq-topics share. */
#ifndef KQ_TOPICS_TOPICS_H
#define KQ_TOPICS_TOPICS_H

#include "common/json.h"
#include "common/options.h"
#include "common/report.h"
#include "common/table.h"
#include "kq/admin.h"

struct topics_config {
	struct kq_common common;
	int64_t partitions, replicas;        /* 0: not given */
	const char *assignment;              /* --replicas 0:1,2;1:2,3 */
	struct kq_opt_list set, unset;       /* -c KEY=VALUE, --unset KEY */
	bool if_not_exists, yes, dry_run, json, header;
	const char *at, *before;
	struct kq_admin *admin;
	struct kq_out out;
	struct kq_admin_topic *all;          /* every topic of the cluster, once asked for */
	int all_n;
	int status;                          /* what the program returns */
};

/* The verbs; each returns the exit status. */
int verb_list(void *config);
int verb_describe(void *config);
int verb_create(void *config);
int verb_alter(void *config);
int verb_delete(void *config);
int verb_offsets(void *config);
int verb_trim(void *config);
int verb_brokers(void *config);
int verb_configs(void *config);

/* Connects by -b, -X and --config. -1, or the exit status with the reason told. */
int topics_connect(struct topics_config *c);

/* All topics of the cluster, fetched once. -1 or the exit status. */
int topics_load(struct topics_config *c);

/* The topics that the operands from..: name, or `^` and a regular expression; no operand
 * is all of them. Names that are not there are told (and fail the program). *v is the
 * caller's to free. -1 or the exit status. */
int topics_select(struct topics_config *c, struct kq_admin_topic **v, int *n);

/* Tells that a call failed as a whole; the exit status. */
int topics_call_failed(struct topics_config *c, const struct kq_error *e, const char *what);

/* Notes what became of one item: told on stderr if it failed, with a way out; with
 * --json also a line on stdout. what: "create topic", done: "created", name: which. */
void topics_item(struct topics_config *c, const struct kq_admin_status *s, const char *what,
		 const char *done, const char *name);

/* Whether a destructive verb may go on: -y, --dry-run, or yes at the terminal. If not,
 * *status is the exit status. */
bool topics_may(struct topics_config *c, const char *what, int n, const char *things, int *status);

void topics_print(struct topics_config *c, struct kq_table *t);

#endif
