#include "dialogue.h"

enum { TOPIC = 2, BROKER = 4, LOGGER = 8 };
enum { SET, DELETE, APPEND, SUBTRACT };

typedef struct kq_describe_configs_response_describe_configs_resource_result row;
typedef struct kq_describe_configs_response_describe_configs_result described;
typedef struct kq_incremental_alter_configs_request_alterable_config increment;

static described *describe(struct dialogue *d, int version, int type, const char *name,
			   const char *key)
{
	struct kq_describe_configs_request body;
	struct kq_str k = key ? str(key) : KQ_STR_NULL;
	struct kq_describe_configs_request_describe_configs_resource res = {
		(int8_t)type, str(name), key ? &k : NULL, key ? 1 : -1 };
	kq_wire_init(&kq_describe_configs_request_schema, &body);
	body.resources = &res;
	body.resources_n = 1;
	body.include_synonyms = true;
	struct kq_describe_configs_response *r = call(d, KQ_API_DESCRIBE_CONFIGS, version, &body);
	assert_non_null(r);
	assert_int_equal(r->results_n, 1);
	return r->results;
}

static const row *value_of(struct dialogue *d, int type, const char *name, const char *key,
			   const char *expect)
{
	described *r = describe(d, 4, type, name, key);
	assert_int_equal(r->error_code, 0);
	assert_int_equal(r->configs_n, 1);
	assert_int_equal(r->configs->value.len, strlen(expect));
	assert_memory_equal(r->configs->value.p, expect, strlen(expect));
	return r->configs;
}

static int change(struct dialogue *d, int type, const char *name, const increment *v, int n,
		  bool validate_only)
{
	struct kq_incremental_alter_configs_request body;
	struct kq_incremental_alter_configs_request_alter_configs_resource res = {
		(int8_t)type, str(name), (increment *)(uintptr_t)v, n };
	kq_wire_init(&kq_incremental_alter_configs_request_schema, &body);
	body.resources = &res;
	body.resources_n = 1;
	body.validate_only = validate_only;
	struct kq_incremental_alter_configs_response *r =
		call(d, KQ_API_INCREMENTAL_ALTER_CONFIGS, validate_only ? 0 : 1, &body);
	assert_non_null(r);
	assert_int_equal(r->responses_n, 1);
	return r->responses[0].error_code;
}

static int change_one(struct dialogue *d, int type, const char *name, int op, const char *key,
		      const char *value)
{
	const increment i = { str(key), (int8_t)op, value ? str(value) : KQ_STR_NULL };
	return change(d, type, name, &i, 1, false);
}

static void test_configs_of_a_topic_are_all_described_with_source(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 1, "retention.ms", "5000");
	for (int version = 1; version <= 4; version++)
		assert_int_equal(describe(d, version, TOPIC, "t", NULL)->configs_n, 36);
	const row *own = value_of(d, TOPIC, "t", "retention.ms", "5000");
	assert_int_equal(own->config_source, 1);
	assert_int_equal(own->config_type, 5);
	assert_int_equal(own->synonyms_n, 1); /* its default comes by way of hours: no synonym */
	const row *def = value_of(d, TOPIC, "t", "segment.bytes", "1073741824");
	assert_int_equal(def->config_source, 5);
	assert_memory_equal(def->synonyms[0].name.p, "log.segment.bytes", 17);
	assert_false(def->read_only);
}

static void test_configs_of_a_broker_tell_read_only_from_dynamic(void **state)
{
	struct dialogue *d = *state;
	assert_true(describe(d, 4, BROKER, "1", NULL)->configs_n > 300);
	const row *listeners = value_of(d, BROKER, "1", "listeners", "PLAINTEXT://127.0.0.1:0");
	assert_int_equal(listeners->config_source, 4);
	assert_true(value_of(d, BROKER, "1", "num.partitions", "1")->read_only);
	assert_false(value_of(d, BROKER, "1", "message.max.bytes", "1048588")->read_only);
	described *secret = describe(d, 4, BROKER, "1", "ssl.key.password");
	assert_true(secret->configs->is_sensitive);
	assert_int_equal(secret->configs->value.len, -1);
}

static void test_configs_of_what_is_not_there_are_refused(void **state)
{
	struct dialogue *d = *state;
	assert_int_equal(describe(d, 4, TOPIC, "none", NULL)->error_code,
			 KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(describe(d, 4, BROKER, "9", NULL)->error_code, KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(describe(d, 4, LOGGER, "1", NULL)->error_code, KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(describe(d, 4, 77, "1", NULL)->error_code, KQ_KAFKA_INVALID_REQUEST);
}

static void test_configs_of_a_topic_change_and_survive_a_restart(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 1, NULL, NULL);
	assert_int_equal(change_one(d, TOPIC, "t", SET, "retention.ms", " 77 "), 0);
	dialogue_hang_up(d);
	dialogue_serve(d, "os");
	value_of(d, TOPIC, "t", "retention.ms", "77");
	assert_int_equal(change_one(d, TOPIC, "t", DELETE, "retention.ms", NULL), 0);
	value_of(d, TOPIC, "t", "retention.ms", "604800000");
}

static void test_configs_that_are_lists_take_elements_in_and_out(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 1, NULL, NULL);
	assert_int_equal(change_one(d, TOPIC, "t", APPEND, "cleanup.policy", "compact"), 0);
	value_of(d, TOPIC, "t", "cleanup.policy", "delete,compact");
	assert_int_equal(change_one(d, TOPIC, "t", APPEND, "cleanup.policy", "compact"), 0);
	value_of(d, TOPIC, "t", "cleanup.policy", "delete,compact");
	assert_int_equal(change_one(d, TOPIC, "t", SUBTRACT, "cleanup.policy", "delete"), 0);
	value_of(d, TOPIC, "t", "cleanup.policy", "compact");
	assert_int_equal(change_one(d, TOPIC, "t", SUBTRACT, "cleanup.policy", "compact"), 0);
	value_of(d, TOPIC, "t", "cleanup.policy", "");
	assert_int_equal(change_one(d, TOPIC, "t", APPEND, "retention.ms", "1"),
			 KQ_KAFKA_INVALID_CONFIG);
}

static void test_configs_odd_changes_are_answered_as_kafka_does(void **state)
{
	struct dialogue *d = *state;
	const increment twice[] = { { KQ_STR("retention.ms"), SET, KQ_STR("1") },
				    { KQ_STR("retention.ms"), SET, KQ_STR("2") } };
	create_topic(d, "t", 1, NULL, NULL);
	assert_int_equal(change_one(d, TOPIC, "t", SET, "no.such", "1"), KQ_KAFKA_INVALID_CONFIG);
	assert_int_equal(change_one(d, TOPIC, "t", DELETE, "no.such", NULL), 0);
	assert_int_equal(change_one(d, TOPIC, "t", SET, "retention.ms", NULL), KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(change_one(d, TOPIC, "t", 9, "retention.ms", "1"), KQ_KAFKA_UNKNOWN_SERVER_ERROR);
	assert_int_equal(change(d, TOPIC, "t", twice, 2, false), KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(change(d, TOPIC, "t", twice, 1, true), 0);
	value_of(d, TOPIC, "t", "retention.ms", "604800000");
}

static void test_configs_of_brokers_change_by_level(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 1, NULL, NULL);
	assert_int_equal(change_one(d, BROKER, "", SET, "log.retention.ms", "10"), 0);
	assert_int_equal(value_of(d, TOPIC, "t", "retention.ms", "10")->config_source, 3);
	assert_int_equal(change_one(d, BROKER, "1", SET, "log.retention.ms", "20"), 0);
	assert_int_equal(value_of(d, TOPIC, "t", "retention.ms", "20")->config_source, 2);
	dialogue_hang_up(d);
	dialogue_serve(d, "os");
	assert_int_equal(value_of(d, TOPIC, "t", "retention.ms", "20")->config_source, 2);
	assert_int_equal(describe(d, 4, BROKER, "", NULL)->configs_n, 1);
	assert_int_equal(change_one(d, BROKER, "1", SET, "num.partitions", "3"), KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(change_one(d, BROKER, "", SET, "ssl.keystore.type", "PEM"),
			 KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(change_one(d, BROKER, "1", SET, "message.max.bytes", "x"),
			 KQ_KAFKA_INVALID_REQUEST);
}

static void test_alter_configs_replaces_all_that_was_set(void **state)
{
	struct dialogue *d = *state;
	struct kq_alter_configs_request_alterable_config c = { KQ_STR("segment.bytes"), KQ_STR("2000") };
	struct kq_alter_configs_request_alter_configs_resource res = { TOPIC, KQ_STR("t"), &c, 1 };
	struct kq_alter_configs_request body;
	create_topic(d, "t", 1, "retention.ms", "5");
	for (int version = 0; version <= 2; version++) {
		kq_wire_init(&kq_alter_configs_request_schema, &body);
		body.resources = &res;
		body.resources_n = 1;
		struct kq_alter_configs_response *r = call(d, KQ_API_ALTER_CONFIGS, version, &body);
		assert_int_equal(r->responses[0].error_code, 0);
	}
	value_of(d, TOPIC, "t", "segment.bytes", "2000");
	value_of(d, TOPIC, "t", "retention.ms", "604800000");
}

static int setup(void **state)
{
	static struct dialogue d;
	dialogue_begin(&d, "os");
	*state = &d;
	return 0;
}

static int teardown(void **state)
{
	dialogue_end(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
		T(test_configs_of_a_topic_are_all_described_with_source),
		T(test_configs_of_a_broker_tell_read_only_from_dynamic),
		T(test_configs_of_what_is_not_there_are_refused),
		T(test_configs_of_a_topic_change_and_survive_a_restart),
		T(test_configs_that_are_lists_take_elements_in_and_out),
		T(test_configs_odd_changes_are_answered_as_kafka_does),
		T(test_configs_of_brokers_change_by_level),
		T(test_alter_configs_replaces_all_that_was_set),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
