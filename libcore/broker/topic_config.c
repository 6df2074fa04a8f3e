#include "broker/topic_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "broker/config_value.h"
#include "kq/types.h"

enum {
	BOOLEAN = KQ_CONFIG_BOOLEAN,
	STRING = KQ_CONFIG_STRING,
	INT = KQ_CONFIG_INT,
	LONG = KQ_CONFIG_LONG,
	DOUBLE = KQ_CONFIG_DOUBLE,
	LIST = KQ_CONFIG_LIST,
	TOPIC = KQ_SCOPE_TOPIC,
	OFF = false,
	ON = true,
};

#define THROTTLED_REPLICAS "[partitionId]:[brokerId],[partitionId]:[brokerId],..."

const struct kq_config_key kq_topic_keys[] = {
	/* name, default, valid values, type, scope, has an effect */
	{ "cleanup.policy", "delete", "[compact, delete]", LIST, TOPIC, ON },
	{ "compression.gzip.level", "-1", "[1,...,9] or -1", INT, TOPIC, ON },
	{ "compression.lz4.level", "9", "[1,...,17]", INT, TOPIC, ON },
	{ "compression.type",
	  "producer", "[uncompressed, zstd, lz4, snappy, gzip, producer]", STRING, TOPIC, ON },
	{ "compression.zstd.level", "3", "[-131072,...,22]", INT, TOPIC, ON },
	{ "delete.retention.ms", "86400000", "[0,...]", LONG, TOPIC, OFF },
	{ "file.delete.delay.ms", "60000", "[0,...]", LONG, TOPIC, ON },
	{ "flush.messages", "9223372036854775807", "[1,...]", LONG, TOPIC, ON },
	{ "flush.ms", "9223372036854775807", "[0,...]", LONG, TOPIC, ON },
	{ "follower.replication.throttled.replicas", "", THROTTLED_REPLICAS, LIST, TOPIC, OFF },
	{ "index.interval.bytes", "4096", "[0,...]", INT, TOPIC, ON },
	{ "leader.replication.throttled.replicas", "", THROTTLED_REPLICAS, LIST, TOPIC, OFF },
	{ "local.retention.bytes", "-2", "[-2,...]", LONG, TOPIC, OFF },
	{ "local.retention.ms", "-2", "[-2,...]", LONG, TOPIC, OFF },
	{ "max.compaction.lag.ms", "9223372036854775807", "[1,...]", LONG, TOPIC, OFF },
	{ "max.message.bytes", "1048588", "[0,...]", INT, TOPIC, ON },
	{ "message.downconversion.enable", "true", NULL, BOOLEAN, TOPIC, OFF },
	{ "message.format.version", "3.0-IV1", KQ_FORMAT_VERSIONS, STRING, TOPIC, OFF },
	{ "message.timestamp.after.max.ms", "9223372036854775807", "[0,...]", LONG, TOPIC, ON },
	{ "message.timestamp.before.max.ms", "9223372036854775807", "[0,...]", LONG, TOPIC, ON },
	{ "message.timestamp.difference.max.ms",
	  "9223372036854775807", "[0,...]", LONG, TOPIC, ON },
	{ "message.timestamp.type",
	  "CreateTime", "[CreateTime, LogAppendTime]", STRING, TOPIC, ON },
	{ "min.cleanable.dirty.ratio", "0.5", "[0,...,1]", DOUBLE, TOPIC, OFF },
	{ "min.compaction.lag.ms", "0", "[0,...]", LONG, TOPIC, OFF },
	{ "min.insync.replicas", "1", "[1,...]", INT, TOPIC, ON },
	{ "preallocate", "false", NULL, BOOLEAN, TOPIC, ON },
	{ "remote.log.copy.disable", "false", NULL, BOOLEAN, TOPIC, OFF },
	{ "remote.log.delete.on.disable", "false", NULL, BOOLEAN, TOPIC, OFF },
	{ "remote.storage.enable", "false", NULL, BOOLEAN, TOPIC, OFF },
	{ "retention.bytes", "-1", NULL, LONG, TOPIC, ON },
	{ "retention.ms", "604800000", "[-1,...]", LONG, TOPIC, ON },
	{ "segment.bytes", "1073741824", "[14,...]", INT, TOPIC, ON },
	{ "segment.index.bytes", "10485760", "[4,...]", INT, TOPIC, ON },
	{ "segment.jitter.ms", "0", "[0,...]", LONG, TOPIC, ON },
	{ "segment.ms", "604800000", "[1,...]", LONG, TOPIC, ON },
	{ "unclean.leader.election.enable", "false", NULL, BOOLEAN, TOPIC, OFF },
};
const int kq_topic_keys_n = sizeof kq_topic_keys / sizeof *kq_topic_keys;

/* Which broker keys stand behind a topic key. A key that is not here has none. */
static const struct synonyms {
	const char *topic;
	const char *broker[KQ_SYNONYMS_MAX];
} SYNONYMS[] = {
	{ "cleanup.policy", { "log.cleanup.policy" } },
	{ "compression.gzip.level", { "compression.gzip.level" } },
	{ "compression.lz4.level", { "compression.lz4.level" } },
	{ "compression.type", { "compression.type" } },
	{ "compression.zstd.level", { "compression.zstd.level" } },
	{ "delete.retention.ms", { "log.cleaner.delete.retention.ms" } },
	{ "file.delete.delay.ms", { "log.segment.delete.delay.ms" } },
	{ "flush.messages", { "log.flush.interval.messages" } },
	{ "flush.ms", { "log.flush.interval.ms", "log.flush.scheduler.interval.ms" } },
	{ "index.interval.bytes", { "log.index.interval.bytes" } },
	{ "local.retention.bytes", { "log.local.retention.bytes" } },
	{ "local.retention.ms", { "log.local.retention.ms" } },
	{ "max.compaction.lag.ms", { "log.cleaner.max.compaction.lag.ms" } },
	{ "max.message.bytes", { "message.max.bytes" } },
	{ "message.downconversion.enable", { "log.message.downconversion.enable" } },
	{ "message.format.version", { "log.message.format.version" } },
	{ "message.timestamp.after.max.ms", { "log.message.timestamp.after.max.ms" } },
	{ "message.timestamp.before.max.ms", { "log.message.timestamp.before.max.ms" } },
	{ "message.timestamp.difference.max.ms", { "log.message.timestamp.difference.max.ms" } },
	{ "message.timestamp.type", { "log.message.timestamp.type" } },
	{ "min.cleanable.dirty.ratio", { "log.cleaner.min.cleanable.ratio" } },
	{ "min.compaction.lag.ms", { "log.cleaner.min.compaction.lag.ms" } },
	{ "min.insync.replicas", { "min.insync.replicas" } },
	{ "preallocate", { "log.preallocate" } },
	{ "retention.bytes", { "log.retention.bytes" } },
	{ "retention.ms",
	  { "log.retention.ms", "log.retention.minutes", "log.retention.hours" } },
	{ "segment.bytes", { "log.segment.bytes" } },
	{ "segment.index.bytes", { "log.index.size.max.bytes" } },
	{ "segment.jitter.ms", { "log.roll.jitter.ms", "log.roll.jitter.hours" } },
	{ "segment.ms", { "log.roll.ms", "log.roll.hours" } },
	{ "unclean.leader.election.enable", { "unclean.leader.election.enable" } },
};

int kq_topic_config_synonyms(const char *topic_key, const char *names[KQ_SYNONYMS_MAX])
{
	int n = 0;
	for (size_t i = 0; i < sizeof SYNONYMS / sizeof *SYNONYMS; i++) {
		if (strcmp(SYNONYMS[i].topic, topic_key))
			continue;
		while (n < KQ_SYNONYMS_MAX && SYNONYMS[i].broker[n]) {
			names[n] = SYNONYMS[i].broker[n];
			n++;
		}
	}
	return n;
}

static char *number_text(int64_t v)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)v);
	return kq_strdup(text);
}

char *kq_topic_config_value(const struct kq_broker_config *b, const struct kq_config_list *own,
			    const struct kq_config_key *key)
{
	const char *names[KQ_SYNONYMS_MAX];
	const char *v = own ? kq_config_list_get(own, key->name) : NULL;
	if (v)
		return kq_strdup(v);
	/* these have older spellings in other units */
	if (!strcmp(key->name, "retention.ms"))
		return number_text(kq_broker_config_retention_ms(b));
	if (!strcmp(key->name, "segment.ms"))
		return number_text(kq_broker_config_roll_ms(b));
	if (!strcmp(key->name, "segment.jitter.ms"))
		return number_text(kq_broker_config_roll_jitter_ms(b));
	if (!strcmp(key->name, "flush.ms"))
		return number_text(kq_broker_config_flush_ms(b));
	if (kq_topic_config_synonyms(key->name, names) > 0)
		return kq_broker_config_dup(b, names[0]);
	return key->def ? kq_strdup(key->def) : NULL;
}

/* ---- the log's configuration --------------------------------------------------- */

struct source {
	const struct kq_broker_config *b;
	const struct kq_config_list *own;
};

static char *text_of(const struct source *s, const char *name)
{
	const struct kq_config_key *k = kq_config_key_find(kq_topic_keys, kq_topic_keys_n, name);
	return kq_topic_config_value(s->b, s->own, k);
}

static int64_t int_of(const struct source *s, const char *name)
{
	char *t = text_of(s, name);
	int64_t v = kq_config_value_int(t, -1);
	free(t);
	return v;
}

static bool text_is(const struct source *s, const char *name, const char *word)
{
	char *t = text_of(s, name);
	bool is = t && !strcmp(t, word);
	free(t);
	return is;
}

static void resolve_compression(const struct source *s, struct kq_log_config *out)
{
	static const char *const NAMES[] = { "uncompressed", "gzip", "snappy", "lz4", "zstd" };
	static const char *const LEVELS[] = { NULL, "compression.gzip.level", NULL,
					      "compression.lz4.level", "compression.zstd.level" };
	out->codec = -1; /* producer */
	out->codec_level = 0;
	for (int i = 0; i < 5; i++)
		if (text_is(s, "compression.type", NAMES[i]))
			out->codec = i;
	if (out->codec > 0 && LEVELS[out->codec])
		out->codec_level = (int)int_of(s, LEVELS[out->codec]);
	if (out->codec == KQ_CODEC_GZIP && out->codec_level == -1)
		out->codec_level = 0;
}

/* The older difference bound stands in for those of before and after that are unset. */
static void resolve_timestamps(const struct source *s, struct kq_log_config *out)
{
	int64_t difference = int_of(s, "message.timestamp.difference.max.ms");
	int64_t before = int_of(s, "message.timestamp.before.max.ms");
	int64_t after = int_of(s, "message.timestamp.after.max.ms");
	out->log_append_time = text_is(s, "message.timestamp.type", "LogAppendTime");
	out->timestamp_before_max_ms = before == INT64_MAX ? difference : before;
	out->timestamp_after_max_ms = after == INT64_MAX ? difference : after;
}

void kq_topic_config_resolve(const struct kq_broker_config *b, const struct kq_config_list *own,
			     struct kq_log_config *out)
{
	const struct source s = { b, own };
	*out = (struct kq_log_config){
		.segment_bytes = (int32_t)int_of(&s, "segment.bytes"),
		.segment_ms = int_of(&s, "segment.ms"),
		.segment_jitter_ms = int_of(&s, "segment.jitter.ms"),
		.segment_index_bytes = (int32_t)int_of(&s, "segment.index.bytes"),
		.index_interval_bytes = (int32_t)int_of(&s, "index.interval.bytes"),
		.max_message_bytes = (int32_t)int_of(&s, "max.message.bytes"),
		.retention_ms = int_of(&s, "retention.ms"),
		.retention_bytes = int_of(&s, "retention.bytes"),
		.file_delete_delay_ms = int_of(&s, "file.delete.delay.ms"),
		.flush_messages = int_of(&s, "flush.messages"),
		.flush_ms = int_of(&s, "flush.ms"),
		.preallocate = text_is(&s, "preallocate", "true"),
		.producer_expiration_ms = kq_broker_config_int(b, "producer.id.expiration.ms"),
	};
	char *policy = text_of(&s, "cleanup.policy");
	out->cleanup_compact = kq_config_value_has(policy, "compact");
	out->cleanup_delete = kq_config_value_has(policy, "delete");
	free(policy);
	resolve_compression(&s, out);
	resolve_timestamps(&s, out);
}

int kq_topic_config_min_isr(const struct kq_broker_config *b, const struct kq_config_list *own)
{
	const struct source s = { b, own };
	return (int)int_of(&s, "min.insync.replicas");
}

/* ---- checking -------------------------------------------------------------------- */

int kq_topic_config_check(const char *key, const char *value, char **out, struct kq_error *e)
{
	const struct kq_config_key *k = kq_config_key_find(kq_topic_keys, kq_topic_keys_n, key);
	if (!k)
		return kq_error_set(e, KQ_EINVAL, "Unknown topic config name: %.249s", key);
	return kq_config_value_check(k, value, out, e);
}

int kq_topic_config_check_all(const struct kq_broker_config *b, const struct kq_config_list *own,
			      struct kq_error *e)
{
	const struct source s = { b, own };
	int64_t min = int_of(&s, "min.compaction.lag.ms"), max = int_of(&s, "max.compaction.lag.ms");
	if (min > max)
		return kq_error_set(e, KQ_EINVAL, "conflict topic config setting "
				    "min.compaction.lag.ms (%lld) > max.compaction.lag.ms (%lld)",
				    (long long)min, (long long)max);
	if (text_is(&s, "remote.storage.enable", "true"))
		return kq_error_set(e, KQ_EINVAL, "Tiered Storage functionality is disabled in the "
				    "broker. Topic cannot be configured with remote log storage.");
	return 0;
}
