#include "broker/config.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "broker/config_value.h"
#include "broker/topic_config.h"

static const char *type_name(int type)
{
	static const char *const NAMES[] = { "", "BOOLEAN", "STRING", "INT", "SHORT", "LONG",
					     "DOUBLE", "LIST", "CLASS", "PASSWORD" };
	return NAMES[type];
}

/* Defaults that are ours and not Kafka's. */
static bool is_ours(const char *name)
{
	static const char *const OURS[] = { "listeners", "log.dir", "socket.send.buffer.bytes",
					    "socket.receive.buffer.bytes" };
	for (size_t i = 0; i < sizeof OURS / sizeof *OURS; i++)
		if (!strcmp(OURS[i], name))
			return true;
	return false;
}

static void assert_same_text(const char *ours, const char *theirs, const char *name)
{
	if (!ours != !theirs || (ours && strcmp(ours, theirs)))
		fail_msg("%s: '%s' and '%s'", name, ours ? ours : "null", theirs ? theirs : "null");
}

/* One line of configs.jsonl against its row; true if it is a broker or topic key. */
static bool compare_row(const char *line)
{
	json_t *j = json_loads(line, 0, NULL);
	assert_non_null(j);
	const char *scope = json_string_value(json_object_get(j, "scope"));
	const char *name = json_string_value(json_object_get(j, "name"));
	bool topic = !strcmp(scope, "topic"), ours = topic || !strcmp(scope, "broker");
	const struct kq_config_key *k =
		topic ? kq_config_key_find(kq_topic_keys, kq_topic_keys_n, name)
		      : kq_config_key_find(kq_broker_keys, kq_broker_keys_n, name);
	if (ours) {
		if (!k)
			fail_msg("%s is missing", name);
		assert_string_equal(type_name(k->type),
				    json_string_value(json_object_get(j, "type")));
		assert_same_text(k->valid, json_string_value(json_object_get(j, "valid")), name);
		if (topic || !is_ours(name))
			assert_same_text(k->def, json_string_value(json_object_get(j, "default")),
					 name);
		if (!topic)
			assert_int_equal(k->scope != KQ_SCOPE_STATIC,
					 json_is_true(json_object_get(j, "dynamic")));
	}
	json_decref(j);
	return ours;
}

static void test_config_keys_are_those_of_kafka(void **state)
{
	(void)state;
	char line[4096];
	int n = 0;
	FILE *f = fopen(KQ_TESTDATA "/golden/vectors/configs.jsonl", "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		n += compare_row(line);
	fclose(f);
	assert_int_equal(n, 350);
	assert_int_equal(kq_broker_keys_n + kq_topic_keys_n, n + 4); /* and four of our own */
}

static void test_config_keys_stand_in_order_and_their_defaults_are_valid(void **state)
{
	(void)state;
	for (int i = 0; i < kq_broker_keys_n; i++) {
		const struct kq_config_key *k = &kq_broker_keys[i];
		struct kq_error e = { 0 };
		assert_true(i == 0 || strcmp(k[-1].name, k->name) < 0);
		if (k->def && kq_config_value_check(k, k->def, NULL, &e) &&
		    strcmp(k->name, "authorizer.class.name"))
			fail_msg("%s", e.text);
	}
	for (int i = 0; i < kq_topic_keys_n; i++) {
		const struct kq_config_key *k = &kq_topic_keys[i];
		assert_true(i == 0 || strcmp(k[-1].name, k->name) < 0);
		assert_int_equal(kq_config_value_check(k, k->def, NULL, NULL), 0);
	}
}

static void assert_value(const char *key, const char *value, const char *expect)
{
	char *out = NULL;
	struct kq_error e = { 0 };
	int rc = kq_topic_config_check(key, value, &out, &e);
	if (expect) {
		assert_int_equal(rc, 0);
		assert_string_equal(out, expect);
	} else {
		assert_int_equal(rc, KQ_EINVAL);
		assert_true(e.text[0]);
	}
	free(out);
}

static void test_config_values_are_checked_as_kafka_does(void **state)
{
	(void)state;
	assert_value("retention.ms", " 5 ", "5");
	assert_value("retention.ms", "-1", "-1");
	assert_value("retention.ms", "-2", NULL);
	assert_value("retention.ms", "5x", NULL);
	assert_value("retention.ms", "", NULL);
	assert_value("retention.ms", "9223372036854775808", NULL);
	assert_value("segment.bytes", "13", NULL);
	assert_value("segment.bytes", "14", "14");
	assert_value("segment.bytes", "2147483648", NULL);
	assert_value("min.cleanable.dirty.ratio", "0.25", "0.25");
	assert_value("min.cleanable.dirty.ratio", "1.5", NULL);
	assert_value("compression.gzip.level", "-1", "-1");
	assert_value("compression.gzip.level", "0", NULL);
	assert_value("compression.gzip.level", "9", "9");
	assert_value("compression.gzip.level", "10", NULL);
	assert_value("cleanup.policy", "compact , delete", "compact,delete");
	assert_value("cleanup.policy", "compact,shred", NULL);
	assert_value("compression.type", "zstd", "zstd");
	assert_value("compression.type", "zst", NULL);
	assert_value("preallocate", "TRUE", "true");
	assert_value("preallocate", "yes", NULL);
	assert_value("leader.replication.throttled.replicas", "0:1,2:3", "0:1,2:3");
	assert_value("leader.replication.throttled.replicas", "*", "*");
	assert_value("leader.replication.throttled.replicas", "0-1", NULL);
	assert_value("retention.mss", "1", NULL);
}

static void test_config_misspelled_key_names_the_nearest(void **state)
{
	(void)state;
	struct kq_broker_config *c = kq_broker_config_new();
	struct kq_error e = { 0 };
	assert_int_equal(kq_broker_config_set(c, "num.partition", "3", "test", &e), KQ_EINVAL);
	assert_non_null(strstr(e.text, "'num.partitions'"));
	assert_int_equal(kq_broker_config_set(c, "quite.something.else", "3", "test", &e), KQ_EINVAL);
	kq_broker_config_free(c);
}

static void test_config_file_error_names_file_line_and_value(void **state)
{
	(void)state;
	char path[] = "/tmp/kq-config-XXXXXX";
	struct kq_broker_config *c = kq_broker_config_new();
	struct kq_error e = { 0 };
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "# x\nnum.partitions=2\nnum.io.threads=many\n", 41), 41);
	close(fd);
	assert_int_equal(kq_broker_config_load(c, path, &e), KQ_EINVAL);
	assert_non_null(strstr(e.text, "line 3"));
	assert_non_null(strstr(e.text, "many"));
	assert_int_equal(kq_broker_config_int(c, "num.partitions"), 2);
	unlink(path);
	kq_broker_config_free(c);
}

static void set(struct kq_broker_config *c, const char *key, const char *value)
{
	struct kq_error e = { 0 };
	if (kq_broker_config_set(c, key, value, "test", &e))
		fail_msg("%s", e.text);
}

static int check_with(const char *key, const char *value, const char *key2, const char *value2,
		      struct kq_error *e)
{
	struct kq_broker_config *c = kq_broker_config_new();
	set(c, key, value);
	if (key2)
		set(c, key2, value2);
	int rc = kq_broker_config_check(c, e);
	kq_broker_config_free(c);
	return rc;
}

static void test_config_plain_listener_off_loopback_must_be_meant(void **state)
{
	(void)state;
	struct kq_error e = { 0 };
	static const char *const OPEN[] = { "PLAINTEXT://0.0.0.0:9092", "PLAINTEXT://:9092",
					    "PLAINTEXT://192.168.1.2:9092", "PLAINTEXT://[::]:1" };
	static const char *const LOCAL[] = { "PLAINTEXT://127.0.0.1:0", "plaintext://localhost:9092",
					     "PLAINTEXT://[::1]:9092" };
	for (int i = 0; i < 4; i++) {
		assert_int_equal(check_with("listeners", OPEN[i], NULL, NULL, &e), KQ_EINVAL);
		assert_non_null(strstr(e.text, "insecure.listeners"));
		assert_int_equal(check_with("listeners", OPEN[i], "insecure.listeners", "true", &e), 0);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(check_with("listeners", LOCAL[i], NULL, NULL, &e), 0);
}

static void test_config_listeners_that_make_no_sense_are_refused(void **state)
{
	(void)state;
	struct kq_error e = { 0 };
	static const char *const BAD[] = { "localhost:9092", "PLAINTEXT://localhost", "A://127.0.0.1:1",
		"PLAINTEXT://127.0.0.1:1,PLAINTEXT://127.0.0.1:2", "PLAINTEXT://127.0.0.1:70000", "",
		"PLAINTEXT://::1:9092" };
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_int_equal(check_with("listeners", BAD[i], NULL, NULL, &e), KQ_EINVAL);
	assert_int_equal(check_with("listeners", "SSL://127.0.0.1:1", NULL, NULL, &e), KQ_EUNSUPPORTED);
	assert_int_equal(check_with("advertised.listeners", "OTHER://a:1", NULL, NULL, &e), KQ_EINVAL);
	assert_int_equal(check_with("zookeeper.connect", "h:1", NULL, NULL, &e), KQ_EUNSUPPORTED);
	assert_int_equal(check_with("broker.id", "1", "node.id", "2", &e), KQ_EINVAL);
}

static void test_config_listeners_map_names_and_advertise(void **state)
{
	(void)state;
	struct kq_listener v[KQ_LISTENERS_MAX];
	struct kq_error e = { 0 };
	struct kq_broker_config *c = kq_broker_config_new();
	set(c, "listeners", "IN://127.0.0.1:0, OUT://[::1]:9093");
	set(c, "listener.security.protocol.map", "IN:PLAINTEXT,OUT:PLAINTEXT");
	set(c, "advertised.listeners", "OUT://kq.example:443");
	assert_int_equal(kq_broker_config_listeners(c, v, &e), 2);
	assert_string_equal(v[0].advertised_host, "127.0.0.1");
	assert_int_equal(v[0].advertised_port, 0);
	assert_string_equal(v[1].host, "::1");
	assert_string_equal(v[1].protocol, "PLAINTEXT");
	assert_string_equal(v[1].advertised_host, "kq.example");
	assert_int_equal(v[1].advertised_port, 443);
	kq_broker_config_free(c);
}

static void set_dynamic(struct kq_broker_config *c, enum kq_config_source s, const char *key,
			const char *value)
{
	struct kq_config_list l = { 0 };
	kq_config_list_set(&l, key, value);
	kq_broker_config_set_dynamic(c, s, &l);
	kq_config_list_deinit(&l);
}

static void test_config_sources_win_in_kafkas_order(void **state)
{
	(void)state;
	static const char KEY[] = "message.max.bytes";
	struct kq_broker_config *c = kq_broker_config_new();
	assert_int_equal(kq_broker_config_int(c, KEY), 1048588);
	assert_int_equal(kq_broker_config_source(c, KEY), KQ_SOURCE_DEFAULT);
	set(c, KEY, "4");
	assert_int_equal(kq_broker_config_int(c, KEY), 4);
	set_dynamic(c, KQ_SOURCE_DYNAMIC_DEFAULT, KEY, "3");
	assert_int_equal(kq_broker_config_int(c, KEY), 3);
	set_dynamic(c, KQ_SOURCE_DYNAMIC_BROKER, KEY, "2");
	assert_int_equal(kq_broker_config_int(c, KEY), 2);
	assert_int_equal(kq_broker_config_source(c, KEY), KQ_SOURCE_DYNAMIC_BROKER);
	set_dynamic(c, KQ_SOURCE_DYNAMIC_BROKER, KEY, NULL);
	assert_int_equal(kq_broker_config_int(c, KEY), 3);
	kq_broker_config_free(c);
}

static void test_config_older_spellings_of_times_count(void **state)
{
	(void)state;
	struct kq_broker_config *c = kq_broker_config_new();
	assert_int_equal(kq_broker_config_retention_ms(c), 604800000);
	set(c, "log.retention.hours", "2");
	assert_int_equal(kq_broker_config_retention_ms(c), 7200000);
	set(c, "log.retention.minutes", "5");
	assert_int_equal(kq_broker_config_retention_ms(c), 300000);
	set(c, "log.retention.ms", "-5");
	assert_int_equal(kq_broker_config_retention_ms(c), -1);
	set(c, "log.roll.hours", "1");
	assert_int_equal(kq_broker_config_roll_ms(c), 3600000);
	kq_broker_config_free(c);
}

static void test_topic_config_comes_from_topic_then_broker_then_default(void **state)
{
	(void)state;
	struct kq_broker_config *c = kq_broker_config_new();
	struct kq_config_list own = { 0 };
	struct kq_log_config l, d;
	kq_log_config_init(&d);
	kq_topic_config_resolve(c, NULL, &l);
	assert_int_equal(l.segment_bytes, d.segment_bytes);
	assert_int_equal(l.segment_ms, d.segment_ms);
	assert_int_equal(l.retention_ms, d.retention_ms);
	assert_int_equal(l.max_message_bytes, d.max_message_bytes);
	assert_int_equal(l.timestamp_before_max_ms, d.timestamp_before_max_ms);
	assert_int_equal(l.codec, d.codec);
	assert_int_equal(l.flush_ms, d.flush_ms);
	set(c, "log.segment.bytes", "1000");
	set(c, "log.cleanup.policy", "compact,delete");
	set(c, "compression.type", "zstd");
	kq_config_list_set(&own, "segment.bytes", "2000");
	kq_config_list_set(&own, "message.timestamp.difference.max.ms", "77");
	kq_config_list_set(&own, "message.timestamp.after.max.ms", "88");
	kq_topic_config_resolve(c, &own, &l);
	assert_int_equal(l.segment_bytes, 2000);
	assert_true(l.cleanup_compact && l.cleanup_delete);
	assert_int_equal(l.codec, KQ_CODEC_ZSTD);
	assert_int_equal(l.codec_level, 3);
	assert_int_equal(l.timestamp_before_max_ms, 77);
	assert_int_equal(l.timestamp_after_max_ms, 88);
	kq_config_list_deinit(&own);
	kq_broker_config_free(c);
}

static void test_config_log_dirs_are_split_and_trimmed(void **state)
{
	(void)state;
	int n;
	struct kq_broker_config *c = kq_broker_config_new();
	char **v = kq_broker_config_log_dirs(c, &n);
	assert_int_equal(n, 1);
	assert_string_equal(v[0], "kq-data");
	free(v);
	set(c, "log.dirs", "/a , /b c,, /d");
	v = kq_broker_config_log_dirs(c, &n);
	assert_int_equal(n, 3);
	assert_string_equal(v[0], "/a");
	assert_string_equal(v[1], "/b c");
	assert_string_equal(v[2], "/d");
	assert_null(v[3]);
	free(v);
	kq_broker_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_config_keys_are_those_of_kafka),
		cmocka_unit_test(test_config_keys_stand_in_order_and_their_defaults_are_valid),
		cmocka_unit_test(test_config_values_are_checked_as_kafka_does),
		cmocka_unit_test(test_config_misspelled_key_names_the_nearest),
		cmocka_unit_test(test_config_file_error_names_file_line_and_value),
		cmocka_unit_test(test_config_plain_listener_off_loopback_must_be_meant),
		cmocka_unit_test(test_config_listeners_that_make_no_sense_are_refused),
		cmocka_unit_test(test_config_listeners_map_names_and_advertise),
		cmocka_unit_test(test_config_sources_win_in_kafkas_order),
		cmocka_unit_test(test_config_older_spellings_of_times_count),
		cmocka_unit_test(test_topic_config_comes_from_topic_then_broker_then_default),
		cmocka_unit_test(test_config_log_dirs_are_split_and_trimmed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
