/* kq-topics: topics, partitions, configurations and brokers of a cluster. */
#include <unistd.h>

#include "topics.h"

static struct topics_config config;

#define AT(m) offsetof(struct topics_config, m)
static const struct kq_opt OPTIONS[] = {
	KQ_OPT('p', "partitions", "N", NULL, "how many partitions", INT, AT(partitions), .min = 1, .max = 1000000,
	       .verbs = "create alter"),
	KQ_OPT('r', "replication-factor", "N", NULL, "how many replicas of each", INT, AT(replicas), .min = 1,
	       .max = 32767, .verbs = "create"),
	KQ_OPT(0, "replicas", "P:ID,ID;...", NULL, "brokers of each partition: '0:1,2;1:2,3'", STRING, AT(assignment),
	       .verbs = "create"),
	KQ_OPT('c', "set", "KEY=VALUE", NULL, "set a configuration; repeatable", LIST, AT(set),
	       .verbs = "create alter configs"),
	KQ_OPT(0, "unset", "KEY", NULL, "back to the default; repeatable", LIST, AT(unset), .verbs = "alter configs"),
	KQ_OPT(0, "if-not-exists", NULL, NULL, "a topic that is there is no failure", FLAG, AT(if_not_exists),
	       .verbs = "create"),
	KQ_OPT(0, "at", "TIME", NULL, "count from the first record of that time: 1h (ago), 2026-11-21T10:00Z", STRING, AT(at),
	       .verbs = "offsets"),
	KQ_OPT(0, "before", "WHERE", NULL, "an offset, a time (7d ago, 2026-11-21), or end", STRING, AT(before), .verbs = "trim"),
	KQ_OPT('y', "yes", NULL, NULL, "do not ask", FLAG, AT(yes), .verbs = "delete trim"),
	KQ_OPT(0, "dry-run", NULL, NULL, "check and tell, change nothing", FLAG, AT(dry_run),
	       .verbs = "create alter delete trim configs"),
	KQ_OPT('J', "json", NULL, NULL, "JSON lines", FLAG, AT(json)),
	KQ_OPT(0, "header", NULL, NULL, "name the columns also in a pipe", FLAG, AT(header)),
	{ 0 },
};

static const struct kq_verb VERBS[] = {
	{ "list", "[REGEX]", "topics with their partitions and replicas", verb_list, 0, 1,
	  "  kq-topics list\n  kq-topics list '^nginx' | cut -f1\n" },
	{ "describe", "[TOPIC or ^REGEX]...", "leaders, replicas, offsets, size and configuration of partitions", verb_describe,
	  0, -1, "  kq-topics describe nginx\n  kq-topics describe --json | jq -r 'select(.internal | not) | .topic'\n" },
	{ "create", "TOPIC...", "make topics", verb_create, 1, -1,
	  "  kq-topics create nginx -p 6 -c retention.ms=86400000\n  kq-topics create audit --replicas '0:1,2;1:2,3'\n" },
	{ "alter", "TOPIC...", "change configuration, add partitions", verb_alter, 1, -1,
	  "  kq-topics alter nginx -c retention.ms=3600000 --unset segment.bytes\n  kq-topics alter nginx -p 12\n" },
	{ "delete", "TOPIC...", "delete topics with all their records", verb_delete, 1, -1,
	  "  kq-topics delete -y nginx-old\n" },
	{ "offsets", "[TOPIC or ^REGEX]...", "first and next offset of partitions, and how many lie between", verb_offsets, 0, -1,
	  "  kq-topics offsets nginx\n  kq-topics offsets nginx --at 1h\n" },
	{ "trim", "TOPIC[:PARTITION]...", "delete the records before an offset or a time", verb_trim, 1, -1,
	  "  kq-topics trim nginx --before 7d --dry-run\n  kq-topics trim nginx:0 --before 1000 -y\n" },
	{ "configs", "[TOPIC or BROKER-ID]...", "show or change configuration of topics and brokers", verb_configs, 0, -1,
	  "  kq-topics configs nginx\n  kq-topics configs 1 -c log.cleaner.threads=2\n" },
	{ "brokers", NULL, "the brokers of the cluster", verb_brokers, 0, 0, "  kq-topics brokers\n" },
	{ 0 },
};

static const struct kq_program PROGRAM = {
	.name = "kq-topics",
	.operands = "[TOPIC]...",
	.summary = "Lists, describes, makes, changes and deletes topics of a Kafka cluster.\n"
		   "'kq-topics VERB --help' tells more of a verb.",
	.options = OPTIONS,
	.verbs = VERBS,
	.common = KQ_COMMON_CLIENT,
	.examples = "  kq-topics list\n"
		    "  kq-topics create nginx -p 6 -c retention.ms=86400000\n"
		    "  kq-topics describe nginx\n"
		    "  kq-topics offsets nginx --at 1h\n"
		    "  kq-topics trim nginx --before 7d -y\n",
};

int main(int argc, char **argv)
{
	struct topics_config *c = &config;
	int status = kq_options_parse(&PROGRAM, c, argc, argv);
	if (status < 0)
		status = topics_connect(c);
	if (status >= 0)
		return status;
	kq_out_init(&c->out, STDOUT_FILENO);
	status = c->common.verb->run(c);
	int written = kq_out_finish(&c->out);
	kq_out_deinit(&c->out);
	kq_admin_free(c->admin);
	return status ? status : c->status ? c->status : written;
}
