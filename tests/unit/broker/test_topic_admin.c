#include "dialogue.h"

typedef struct kq_create_topics_request_creatable_topic asked;
typedef struct kq_create_topics_response_creatable_topic_result result;

static asked topic(const char *name, int partitions, int factor)
{
	asked t;
	kq_wire_init(&kq_create_topics_request_creatable_topic_schema, &t);
	t.name = str(name);
	t.num_partitions = partitions;
	t.replication_factor = (int16_t)factor;
	return t;
}

static struct kq_create_topics_response *create(struct dialogue *d, int version, asked *v, int n,
						bool validate_only)
{
	struct kq_create_topics_request body;
	kq_wire_init(&kq_create_topics_request_schema, &body);
	body.topics = v;
	body.topics_n = n;
	body.timeout_ms = 10000;
	body.validate_only = validate_only;
	struct kq_create_topics_response *r = call(d, KQ_API_CREATE_TOPICS, version, &body);
	assert_non_null(r);
	return r;
}

static int create_one(struct dialogue *d, asked t)
{
	struct kq_create_topics_response *r = create(d, 7, &t, 1, false);
	assert_int_equal(r->topics_n, 1);
	assert_int_equal(r->topics[0].error_code == 0, r->topics[0].error_message.len < 0);
	return r->topics[0].error_code;
}

static int count_topics(struct dialogue *d)
{
	struct kq_metadata_request body;
	kq_wire_init(&kq_metadata_request_schema, &body);
	body.topics_n = -1;
	struct kq_metadata_response *r = call(d, KQ_API_METADATA, 12, &body);
	return r->topics_n;
}

static void test_create_topics_answers_each_version_in_its_form(void **state)
{
	struct dialogue *d = *state;
	for (int version = 2; version <= 7; version++) {
		char name[16];
		snprintf(name, sizeof name, "t%d", version);
		asked t = topic(name, 2, 1);
		result *r = create(d, version, &t, 1, false)->topics;
		assert_int_equal(r->error_code, 0);
		assert_int_equal(r->num_partitions, version >= 5 ? 2 : -1);
		assert_int_equal(r->configs_n > 30, version >= 5);
		struct kq_uuid id = topic_id(d, name);
		if (version == 7)
			assert_memory_equal(r->topic_id.b, id.b, 16);
	}
}

static void test_create_topics_refuses_what_cannot_be_and_makes_the_rest(void **state)
{
	struct dialogue *d = *state;
	asked v[] = { topic("good", 1, 1), topic("a/b", 1, 1), topic("none", 0, 1),
		      topic("far", 1, 2), topic("zero", 1, 0), topic("twice", 1, 1),
		      topic("twice", 1, 1), topic("huge", 10001, 1) };
	static const int codes[] = { 0, KQ_KAFKA_INVALID_TOPIC_EXCEPTION, KQ_KAFKA_INVALID_PARTITIONS,
		KQ_KAFKA_INVALID_REPLICATION_FACTOR, KQ_KAFKA_INVALID_REPLICATION_FACTOR,
		KQ_KAFKA_INVALID_REQUEST, KQ_KAFKA_POLICY_VIOLATION };
	struct kq_create_topics_response *r = create(d, 7, v, 8, false);
	assert_int_equal(r->topics_n, 7); /* one answer for the name that came twice */
	for (int i = 0; i < 7; i++)
		assert_int_equal(r->topics[i].error_code, codes[i]);
	assert_int_equal(count_topics(d), 1);
	assert_int_equal(create_one(d, topic("good", 1, 1)), KQ_KAFKA_TOPIC_ALREADY_EXISTS);
}

static void test_create_topics_refuses_a_name_that_metrics_would_mix_up(void **state)
{
	struct dialogue *d = *state;
	assert_int_equal(create_one(d, topic("a.b", 1, 1)), 0);
	assert_int_equal(create_one(d, topic("a_b", 1, 1)), KQ_KAFKA_INVALID_TOPIC_EXCEPTION);
	assert_int_equal(create_one(d, topic("a-b", 1, 1)), 0);
}

static void test_create_topics_takes_defaults_for_minus_one(void **state)
{
	struct dialogue *d = *state;
	asked t = topic("t", -1, -1);
	result *r = create(d, 7, &t, 1, false)->topics;
	assert_int_equal(r->error_code, 0);
	assert_int_equal(r->num_partitions, 1);
	assert_int_equal(r->replication_factor, 1);
}

static void test_create_topics_validate_only_makes_nothing(void **state)
{
	struct dialogue *d = *state;
	asked t = topic("t", 3, 1);
	assert_int_equal(create(d, 7, &t, 1, true)->topics[0].error_code, 0);
	assert_int_equal(count_topics(d), 0);
}

static int with_config(struct dialogue *d, const char *key, const char *value)
{
	struct kq_create_topics_request_creatable_topic_config c = {
		str(key), value ? str(value) : KQ_STR_NULL };
	asked t = topic("t", 1, 1);
	t.configs = &c;
	t.configs_n = 1;
	return create(d, 7, &t, 1, true)->topics[0].error_code;
}

static void test_create_topics_judges_configs(void **state)
{
	struct dialogue *d = *state;
	assert_int_equal(with_config(d, "retention.ms", "60000"), 0);
	assert_int_equal(with_config(d, "retention.ms", "soon"), KQ_KAFKA_INVALID_CONFIG);
	assert_int_equal(with_config(d, "retention.ms", NULL), KQ_KAFKA_INVALID_CONFIG);
	assert_int_equal(with_config(d, "no.such.key", "1"), KQ_KAFKA_INVALID_CONFIG);
	assert_int_equal(with_config(d, "remote.storage.enable", "true"), KQ_KAFKA_INVALID_CONFIG);
	assert_int_equal(with_config(d, "min.compaction.lag.ms", "9223372036854775807"), 0);
}

static int assigned(struct dialogue *d, int index0, int index1, int broker, int factor)
{
	int32_t id = broker;
	struct kq_create_topics_request_creatable_replica_assignment a[2] = {
		{ index0, &id, 1 }, { index1, &id, 1 } };
	asked t = topic("t", -1, factor);
	t.assignments = a;
	t.assignments_n = 2;
	return create(d, 7, &t, 1, true)->topics[0].error_code;
}

static void test_create_topics_judges_assignments(void **state)
{
	struct dialogue *d = *state;
	assert_int_equal(assigned(d, 0, 1, 1, -1), 0);
	assert_int_equal(assigned(d, 1, 0, 1, -1), 0);
	assert_int_equal(assigned(d, 0, 2, 1, -1), KQ_KAFKA_INVALID_REPLICA_ASSIGNMENT);
	assert_int_equal(assigned(d, 0, 0, 1, -1), KQ_KAFKA_INVALID_REPLICA_ASSIGNMENT);
	assert_int_equal(assigned(d, 0, 1, 7, -1), KQ_KAFKA_INVALID_REPLICA_ASSIGNMENT);
	assert_int_equal(assigned(d, 0, 1, 1, 1), KQ_KAFKA_INVALID_REQUEST);
}

static int delete_named(struct dialogue *d, int version, const char *name)
{
	struct kq_delete_topics_request body;
	struct kq_str s = str(name);
	struct kq_delete_topics_request_delete_topic_state t = { .name = s };
	kq_wire_init(&kq_delete_topics_request_schema, &body);
	if (version < 6) {
		body.topic_names = &s;
		body.topic_names_n = 1;
	} else {
		body.topics = &t;
		body.topics_n = 1;
	}
	body.timeout_ms = 1000;
	struct kq_delete_topics_response *r = call(d, KQ_API_DELETE_TOPICS, version, &body);
	assert_int_equal(r->responses_n, 1);
	assert_memory_equal(r->responses[0].name.p, name, strlen(name));
	return r->responses[0].error_code;
}

static void test_delete_topics_by_name_in_every_version(void **state)
{
	struct dialogue *d = *state;
	for (int version = 1; version <= 6; version++) {
		create_topic(d, "t", 2, NULL, NULL);
		assert_int_equal(delete_named(d, version, "t"), 0);
		assert_int_equal(delete_named(d, version, "t"), KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	}
	assert_int_equal(count_topics(d), 0);
}

static int delete_state(struct dialogue *d, struct kq_str name, struct kq_uuid id,
			struct kq_str *named)
{
	struct kq_delete_topics_request body;
	struct kq_delete_topics_request_delete_topic_state t = { name, id };
	kq_wire_init(&kq_delete_topics_request_schema, &body);
	body.topics = &t;
	body.topics_n = 1;
	struct kq_delete_topics_response *r = call(d, KQ_API_DELETE_TOPICS, 6, &body);
	*named = r->responses[0].name;
	return r->responses[0].error_code;
}

static void test_delete_topics_by_id(void **state)
{
	struct dialogue *d = *state;
	struct kq_str name;
	struct kq_uuid none = { { 0 } }, wrong = { { 7 } };
	create_topic(d, "t", 1, NULL, NULL);
	struct kq_uuid id = topic_id(d, "t");
	assert_int_equal(delete_state(d, KQ_STR_NULL, wrong, &name), KQ_KAFKA_UNKNOWN_TOPIC_ID);
	assert_int_equal(delete_state(d, KQ_STR_NULL, none, &name), KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(delete_state(d, KQ_STR("t"), id, &name), KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(delete_state(d, KQ_STR_NULL, id, &name), 0);
	assert_int_equal(name.len, 1);
	assert_int_equal(count_topics(d), 0);
}

static int grow(struct dialogue *d, int version, const char *name, int count, int assignments,
		bool validate_only)
{
	int32_t id = 1;
	struct kq_create_partitions_request_create_partitions_assignment a[2] = { { &id, 1 }, { &id, 1 } };
	struct kq_create_partitions_request_create_partitions_topic t = { str(name), count,
		assignments < 0 ? NULL : a, assignments };
	struct kq_create_partitions_request body;
	kq_wire_init(&kq_create_partitions_request_schema, &body);
	body.topics = &t;
	body.topics_n = 1;
	body.validate_only = validate_only;
	struct kq_create_partitions_response *r = call(d, KQ_API_CREATE_PARTITIONS, version, &body);
	return r->results[0].error_code;
}

static int partitions_of(struct dialogue *d, const char *name)
{
	struct kq_metadata_request body;
	struct kq_metadata_request_metadata_request_topic t = { .name = str(name) };
	kq_wire_init(&kq_metadata_request_schema, &body);
	body.topics = &t;
	body.topics_n = 1;
	struct kq_metadata_response *r = call(d, KQ_API_METADATA, 12, &body);
	for (int i = 0; i < r->topics[0].partitions_n; i++)
		assert_int_equal(r->topics[0].partitions[i].error_code, 0);
	return r->topics[0].partitions_n;
}

static void test_create_partitions_only_grows(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 2, NULL, NULL);
	assert_int_equal(grow(d, 3, "t", 2, -1, false), KQ_KAFKA_INVALID_PARTITIONS);
	assert_int_equal(grow(d, 2, "t", 1, -1, false), KQ_KAFKA_INVALID_PARTITIONS);
	assert_int_equal(grow(d, 1, "none", 3, -1, false), KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(grow(d, 0, "t", 4, -1, true), 0);
	assert_int_equal(partitions_of(d, "t"), 2);
	assert_int_equal(grow(d, 0, "t", 4, 1, false), KQ_KAFKA_INVALID_REPLICA_ASSIGNMENT);
	assert_int_equal(grow(d, 0, "t", 4, 2, false), 0);
	assert_int_equal(partitions_of(d, "t"), 4);
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
		T(test_create_topics_answers_each_version_in_its_form),
		T(test_create_topics_refuses_what_cannot_be_and_makes_the_rest),
		T(test_create_topics_refuses_a_name_that_metrics_would_mix_up),
		T(test_create_topics_takes_defaults_for_minus_one),
		T(test_create_topics_validate_only_makes_nothing),
		T(test_create_topics_judges_configs),
		T(test_create_topics_judges_assignments),
		T(test_delete_topics_by_name_in_every_version),
		T(test_delete_topics_by_id),
		T(test_create_partitions_only_grows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
