#include "dialogue.h"

typedef struct kq_metadata_request_metadata_request_topic asked;
typedef struct kq_metadata_response_metadata_response_topic told;

static struct kq_metadata_response *metadata(struct dialogue *d, int version, asked *v, int n,
					     bool create)
{
	struct kq_metadata_request body;
	kq_wire_init(&kq_metadata_request_schema, &body);
	body.topics = v;
	body.topics_n = n;
	body.allow_auto_topic_creation = version < 4 || create;
	struct kq_metadata_response *r = call(d, KQ_API_METADATA, version, &body);
	assert_non_null(r);
	assert_int_equal(r->brokers_n, 1);
	assert_int_equal(r->brokers[0].node_id, 1);
	assert_int_equal(r->brokers[0].port, atoi(strrchr(kq_broker_address(d->broker, 0), ':') + 1));
	return r;
}

static told ask_name(struct dialogue *d, int version, const char *name, bool create)
{
	asked t = { .name = str(name) };
	struct kq_metadata_response *r = metadata(d, version, &t, 1, create);
	assert_int_equal(r->topics_n, 1);
	return r->topics[0];
}

static void test_metadata_describes_a_topic_in_every_version(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 3, NULL, NULL);
	for (int version = 0; version <= 12; version++) {
		told t = ask_name(d, version, "t", false);
		assert_int_equal(t.error_code, 0);
		assert_int_equal(t.partitions_n, 3);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(t.partitions[i].partition_index, i);
			assert_int_equal(t.partitions[i].leader_id, 1);
			assert_int_equal(t.partitions[i].isr_nodes_n, 1);
			assert_int_equal(t.partitions[i].leader_epoch, version >= 7 ? 0 : -1);
		}
	}
}

static void test_metadata_empty_list_is_all_only_in_version_0(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "b", 1, NULL, NULL);
	create_topic(d, "a", 1, NULL, NULL);
	assert_int_equal(metadata(d, 0, NULL, 0, false)->topics_n, 2);
	for (int version = 1; version <= 12; version++) {
		assert_int_equal(metadata(d, version, NULL, 0, false)->topics_n, 0);
		struct kq_metadata_response *r = metadata(d, version, NULL, -1, false);
		assert_int_equal(r->topics_n, 2);
		assert_memory_equal(r->topics[0].name.p, "a", 1);
	}
}

static void test_metadata_creates_a_topic_when_asked_to(void **state)
{
	struct dialogue *d = *state;
	assert_int_equal(ask_name(d, 12, "t", false).error_code, KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	told t = ask_name(d, 12, "t", true);
	assert_int_equal(t.error_code, 0);
	assert_int_equal(t.partitions_n, 1);
	assert_int_equal(ask_name(d, 1, "old", true).error_code, 0);
}

static void test_metadata_never_creates_an_illegal_or_internal_name(void **state)
{
	struct dialogue *d = *state;
	assert_int_equal(ask_name(d, 12, "..", true).error_code, KQ_KAFKA_INVALID_TOPIC_EXCEPTION);
	assert_int_equal(ask_name(d, 12, "a b", true).error_code, KQ_KAFKA_INVALID_TOPIC_EXCEPTION);
	assert_int_equal(ask_name(d, 12, "", true).error_code, KQ_KAFKA_INVALID_TOPIC_EXCEPTION);
	assert_int_equal(ask_name(d, 12, "__consumer_offsets", true).error_code,
			 KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(metadata(d, 12, NULL, -1, false)->topics_n, 0);
}

static void test_metadata_finds_topics_by_id_from_version_12(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 1, NULL, NULL);
	asked by_id = { .topic_id = topic_id(d, "t"), .name = KQ_STR_NULL };
	told t = metadata(d, 12, &by_id, 1, false)->topics[0];
	assert_int_equal(t.error_code, 0);
	assert_memory_equal(t.name.p, "t", 1);
	assert_int_equal(metadata(d, 11, &by_id, 1, false)->topics[0].error_code,
			 KQ_KAFKA_INVALID_REQUEST);
	by_id.topic_id.b[5] ^= 1;
	t = metadata(d, 12, &by_id, 1, true)->topics[0];
	assert_int_equal(t.error_code, KQ_KAFKA_UNKNOWN_TOPIC_ID);
	assert_int_equal(t.name.len, -1);
}

static void test_metadata_topic_without_name_and_id_is_an_error(void **state)
{
	struct dialogue *d = *state;
	asked none = { .name = KQ_STR_NULL };
	assert_int_equal(metadata(d, 10, &none, 1, false)->topics[0].error_code, KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(metadata(d, 12, &none, 1, false)->topics[0].error_code,
			 KQ_KAFKA_UNKNOWN_SERVER_ERROR);
}

static void test_describe_cluster_names_this_broker(void **state)
{
	struct dialogue *d = *state;
	for (int version = 0; version <= 1; version++) {
		struct kq_describe_cluster_request body;
		kq_wire_init(&kq_describe_cluster_request_schema, &body);
		struct kq_describe_cluster_response *r = call(d, KQ_API_DESCRIBE_CLUSTER, version, &body);
		assert_int_equal(r->error_code, 0);
		assert_int_equal(r->controller_id, 1);
		assert_int_equal(r->brokers_n, 1);
		assert_int_equal(r->cluster_id.len, 22);
	}
	struct kq_describe_cluster_request body;
	kq_wire_init(&kq_describe_cluster_request_schema, &body);
	body.endpoint_type = 2;
	struct kq_describe_cluster_response *r = call(d, KQ_API_DESCRIBE_CLUSTER, 1, &body);
	assert_int_equal(r->error_code, KQ_KAFKA_MISMATCHED_ENDPOINT_TYPE);
}

/* Follows the pages of DescribeTopicPartitions: "a0 a1 b0 ". */
static void walk_pages(struct dialogue *d, int limit, char *out, int *pages)
{
	struct kq_describe_topic_partitions_request body;
	struct kq_describe_topic_partitions_request_cursor cursor;
	kq_wire_init(&kq_describe_topic_partitions_request_schema, &body);
	body.response_partition_limit = limit;
	for (*pages = 1;; (*pages)++) {
		struct kq_describe_topic_partitions_response *r =
			call(d, KQ_API_DESCRIBE_TOPIC_PARTITIONS, 0, &body);
		assert_non_null(r);
		for (int i = 0; i < r->topics_n; i++)
			for (int k = 0; k < r->topics[i].partitions_n; k++)
				sprintf(out + strlen(out), "%.*s%d ", r->topics[i].name.len,
					r->topics[i].name.p,
					(int)r->topics[i].partitions[k].partition_index);
		if (!r->next_cursor)
			return;
		cursor.topic_name = r->next_cursor->topic_name;
		cursor.partition_index = r->next_cursor->partition_index;
		body.cursor = &cursor;
		assert_true(*pages < 20);
	}
}

static void test_topic_partitions_come_in_pages_that_miss_and_repeat_none(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "b", 2, NULL, NULL);
	create_topic(d, "a", 3, NULL, NULL);
	create_topic(d, "c", 1, NULL, NULL);
	for (int limit = 1; limit <= 7; limit++) {
		char text[128] = "";
		int pages;
		walk_pages(d, limit, text, &pages);
		assert_string_equal(text, "a0 a1 a2 b0 b1 c0 ");
		assert_int_equal(pages, (6 + limit - 1) / limit);
	}
}

static void test_topic_partitions_of_unknown_names_are_errors(void **state)
{
	struct dialogue *d = *state;
	struct kq_describe_topic_partitions_request body;
	struct kq_describe_topic_partitions_request_topic_request t[] = { { KQ_STR("z") }, { KQ_STR("!") } };
	kq_wire_init(&kq_describe_topic_partitions_request_schema, &body);
	body.topics = t;
	body.topics_n = 2;
	struct kq_describe_topic_partitions_response *r = call(d, KQ_API_DESCRIBE_TOPIC_PARTITIONS, 0, &body);
	assert_int_equal(r->topics_n, 2);
	assert_int_equal(r->topics[0].error_code, KQ_KAFKA_INVALID_TOPIC_EXCEPTION);
	assert_int_equal(r->topics[1].error_code, KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

static void test_log_dirs_list_partitions_and_room(void **state)
{
	struct dialogue *d = *state;
	int32_t one[] = { 1, 1, 9 };
	struct kq_describe_log_dirs_request_describable_log_dir_topic t = { KQ_STR("t"), one, 3 };
	struct kq_describe_log_dirs_request body;
	create_topic(d, "t", 2, NULL, NULL);
	create_topic(d, "a", 1, NULL, NULL);
	for (int version = 1; version <= 4; version++) {
		kq_wire_init(&kq_describe_log_dirs_request_schema, &body);
		body.topics_n = -1;
		struct kq_describe_log_dirs_response *r = call(d, KQ_API_DESCRIBE_LOG_DIRS, version, &body);
		assert_int_equal(r->results_n, 1);
		assert_int_equal(r->results[0].topics_n, 2);
		assert_int_equal(r->results[0].topics[1].partitions_n, 2);
		assert_int_equal(r->results[0].log_dir.p[0], '/');
		assert_int_equal(r->results[0].total_bytes > 0, version >= 4);
	}
	body.topics = &t;
	body.topics_n = 1;
	struct kq_describe_log_dirs_response *r = call(d, KQ_API_DESCRIBE_LOG_DIRS, 4, &body);
	assert_int_equal(r->results[0].topics_n, 1);
	assert_int_equal(r->results[0].topics[0].partitions_n, 1);
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
		T(test_metadata_describes_a_topic_in_every_version),
		T(test_metadata_empty_list_is_all_only_in_version_0),
		T(test_metadata_creates_a_topic_when_asked_to),
		T(test_metadata_never_creates_an_illegal_or_internal_name),
		T(test_metadata_finds_topics_by_id_from_version_12),
		T(test_metadata_topic_without_name_and_id_is_an_error),
		T(test_describe_cluster_names_this_broker),
		T(test_topic_partitions_come_in_pages_that_miss_and_repeat_none),
		T(test_topic_partitions_of_unknown_names_are_errors),
		T(test_log_dirs_list_partitions_and_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
