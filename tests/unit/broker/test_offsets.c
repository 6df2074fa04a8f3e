/* ListOffsets, OffsetForLeaderEpoch, DeleteRecords, producer ids, and what every
 * client asks first. */
#include "dialogue.h"

static struct dialogue d;

static int set_up(void **state)
{
	(void)state;
	dialogue_begin(&d, "os");
	create_topic(&d, "t", 2, NULL, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dialogue_end(&d);
	return 0;
}

typedef struct kq_list_offsets_response_list_offsets_partition_response listed;

static listed *list_at(int version, int64_t timestamp, int32_t epoch)
{
	struct kq_list_offsets_request body;
	struct kq_list_offsets_request_list_offsets_topic t = { .name = str("t") };
	struct kq_list_offsets_request_list_offsets_partition p = {
		.current_leader_epoch = version >= 4 ? epoch : -1, .timestamp = timestamp,
		.max_num_offsets = 1 };
	kq_wire_init(&kq_list_offsets_request_schema, &body);
	body.replica_id = -1;
	t.partitions = &p;
	t.partitions_n = 1;
	body.topics = &t;
	body.topics_n = 1;
	struct kq_list_offsets_response *out = call(&d, KQ_API_LIST_OFFSETS, version, &body);
	assert_non_null(out);
	return &out->topics[0].partitions[0];
}

static void test_list_offsets_finds_ends_and_times(void **state)
{
	(void)state;
	produce(&d, "t", batch(&d, 5, NULL)); /* timestamps 1000 .. 1004 */
	produce(&d, "t", batch(&d, 5, NULL));
	for (int version = 1; version <= 9; version++) {
		assert_int_equal(list_at(version, -1, -1)->offset, 10);
		assert_int_equal(list_at(version, -2, -1)->offset, 0);
		listed *l = list_at(version, 1003, -1);
		assert_int_equal(l->offset, 3);
		assert_int_equal(l->timestamp, 1003);
		assert_int_equal(l->leader_epoch, version >= 4 ? 0 : -1);
		l = list_at(version, 5000, -1);
		assert_int_equal(l->error_code, 0);
		assert_int_equal(l->offset, -1);
		assert_int_equal(l->timestamp, -1);
	}
	assert_int_equal(list_at(7, -3, -1)->offset, 4);
	assert_int_equal(list_at(8, -4, -1)->offset, 0);
	assert_int_equal(list_at(9, -5, -1)->offset, -1);
}

static void test_list_offsets_refuses_times_of_newer_versions(void **state)
{
	(void)state;
	assert_int_equal(list_at(6, -3, -1)->error_code, KQ_KAFKA_UNSUPPORTED_VERSION);
	assert_int_equal(list_at(7, -4, -1)->error_code, KQ_KAFKA_UNSUPPORTED_VERSION);
	assert_int_equal(list_at(8, -5, -1)->error_code, KQ_KAFKA_UNSUPPORTED_VERSION);
	assert_int_equal(list_at(9, -6, -1)->error_code, KQ_KAFKA_UNSUPPORTED_VERSION);
	assert_int_equal(list_at(9, -1, 5)->error_code, KQ_KAFKA_UNKNOWN_LEADER_EPOCH);
}

static void test_list_offsets_refuses_a_partition_named_twice(void **state)
{
	(void)state;
	struct kq_list_offsets_request body;
	struct kq_list_offsets_request_list_offsets_topic t = { .name = str("t") };
	struct kq_list_offsets_request_list_offsets_partition p[3];
	for (int i = 0; i < 3; i++) {
		kq_wire_init(&kq_list_offsets_request_list_offsets_partition_schema, &p[i]);
		p[i].timestamp = -1;
		p[i].partition_index = i % 2;
	}
	kq_wire_init(&kq_list_offsets_request_schema, &body);
	body.replica_id = -1;
	t.partitions = p;
	t.partitions_n = 3;
	body.topics = &t;
	body.topics_n = 1;
	struct kq_list_offsets_response *out = call(&d, KQ_API_LIST_OFFSETS, 6, &body);
	assert_int_equal(out->topics[0].partitions[0].error_code, KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(out->topics[0].partitions[1].error_code, 0);
	assert_int_equal(out->topics[0].partitions[2].error_code, KQ_KAFKA_INVALID_REQUEST);
}

static void test_offset_for_leader_epoch_knows_its_epoch(void **state)
{
	(void)state;
	produce(&d, "t", batch(&d, 5, NULL));
	for (int version = 2; version <= 4; version++) {
		struct kq_offset_for_leader_epoch_request body;
		struct kq_offset_for_leader_epoch_request_offset_for_leader_topic t;
		struct kq_offset_for_leader_epoch_request_offset_for_leader_partition p = {
			.current_leader_epoch = 0 };
		kq_wire_init(&kq_offset_for_leader_epoch_request_schema, &body);
		kq_wire_init(&kq_offset_for_leader_epoch_request_offset_for_leader_topic_schema, &t);
		t.topic = str("t");
		t.partitions = &p;
		t.partitions_n = 1;
		body.topics = &t;
		body.topics_n = 1;
		struct kq_offset_for_leader_epoch_response *out =
			call(&d, KQ_API_OFFSET_FOR_LEADER_EPOCH, version, &body);
		assert_int_equal(out->topics[0].partitions[0].leader_epoch, 0);
		assert_int_equal(out->topics[0].partitions[0].end_offset, 5);
		p.leader_epoch = 3;
		out = call(&d, KQ_API_OFFSET_FOR_LEADER_EPOCH, version, &body);
		assert_int_equal(out->topics[0].partitions[0].error_code, 0);
		assert_int_equal(out->topics[0].partitions[0].end_offset, -1);
	}
}

static struct kq_delete_records_response_delete_records_partition_result *
delete_upto(const char *topic, int64_t offset)
{
	struct kq_delete_records_request body;
	struct kq_delete_records_request_delete_records_partition p = { 0, offset };
	struct kq_delete_records_request_delete_records_topic t = { str(topic), &p, 1 };
	kq_wire_init(&kq_delete_records_request_schema, &body);
	body.topics = &t;
	body.topics_n = 1;
	body.timeout_ms = 10000;
	struct kq_delete_records_response *out = call(&d, KQ_API_DELETE_RECORDS, 2, &body);
	return &out->topics[0].partitions[0];
}

static void test_delete_records_moves_the_start(void **state)
{
	(void)state;
	produce(&d, "t", batch(&d, 5, NULL));
	assert_int_equal(delete_upto("t", 3)->low_watermark, 3);
	assert_int_equal(list_at(9, -2, -1)->offset, 3);
	assert_int_equal(delete_upto("t", 6)->error_code, KQ_KAFKA_OFFSET_OUT_OF_RANGE);
	assert_int_equal(delete_upto("t", -2)->error_code, KQ_KAFKA_OFFSET_OUT_OF_RANGE);
	assert_int_equal(delete_upto("t", -1)->low_watermark, 5);
	create_topic(&d, "c", 1, "cleanup.policy", "compact");
	assert_int_equal(delete_upto("c", 0)->error_code, KQ_KAFKA_POLICY_VIOLATION);
	dialogue_hang_up(&d);
	dialogue_serve(&d, "os");
	assert_int_equal(list_at(9, -2, -1)->offset, 5);
	assert_int_equal(delete_upto("c", 0)->error_code, KQ_KAFKA_POLICY_VIOLATION);
}

static struct kq_init_producer_id_response *new_id(int version, struct kq_str transactional)
{
	struct kq_init_producer_id_request body;
	kq_wire_init(&kq_init_producer_id_request_schema, &body);
	body.transactional_id = transactional;
	body.transaction_timeout_ms = 60000;
	return call(&d, KQ_API_INIT_PRODUCER_ID, version, &body);
}

static void test_producer_ids_are_never_given_twice(void **state)
{
	(void)state;
	int64_t last = -1;
	for (int i = 0; i < 30; i++) {
		struct kq_init_producer_id_response *out = new_id(i % 6, KQ_STR_NULL);
		assert_int_equal(out->error_code, 0);
		assert_int_equal(out->producer_epoch, 0);
		assert_true(out->producer_id > last);
		last = out->producer_id;
		if (i == 15) {
			dialogue_hang_up(&d);
			dialogue_serve(&d, "os");
		}
	}
	assert_int_equal(new_id(4, str("tx"))->error_code, KQ_KAFKA_COORDINATOR_NOT_AVAILABLE);
	assert_int_equal(new_id(4, str(""))->error_code, KQ_KAFKA_INVALID_REQUEST);
}

static void test_find_coordinator_says_that_there_is_none(void **state)
{
	(void)state;
	struct kq_str keys[] = { str("a"), str("b") };
	for (int version = 0; version <= 6; version++) {
		struct kq_find_coordinator_request body;
		kq_wire_init(&kq_find_coordinator_request_schema, &body);
		if (version < 4)
			body.key = str("group");
		body.coordinator_keys = keys;
		body.coordinator_keys_n = version < 4 ? 0 : 2;
		struct kq_find_coordinator_response *out =
			call(&d, KQ_API_FIND_COORDINATOR, version, &body);
		assert_int_equal(version < 4 ? out->error_code : out->coordinators[1].error_code,
				 KQ_KAFKA_COORDINATOR_NOT_AVAILABLE);
	}
}

static void test_describe_producers_lists_who_writes(void **state)
{
	(void)state;
	struct kq_seal s = { .producer_id = 77, .producer_epoch = 3, .base_sequence = 0 };
	produce(&d, "t", batch(&d, 5, &s));
	struct kq_describe_producers_request body;
	int32_t partitions[] = { 0, 9 };
	struct kq_describe_producers_request_topic_request t = { str("t"), partitions, 2 };
	kq_wire_init(&kq_describe_producers_request_schema, &body);
	body.topics = &t;
	body.topics_n = 1;
	struct kq_describe_producers_response *out = call(&d, KQ_API_DESCRIBE_PRODUCERS, 0, &body);
	assert_int_equal(out->topics[0].partitions[0].active_producers_n, 1);
	assert_int_equal(out->topics[0].partitions[0].active_producers[0].producer_id, 77);
	assert_int_equal(out->topics[0].partitions[0].active_producers[0].last_sequence, 4);
	assert_int_equal(out->topics[0].partitions[1].error_code,
			 KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
}

/* ---- ApiVersions and what is no request ---- */

static struct kq_api_versions_response *versions(int version, const char *name)
{
	struct kq_api_versions_request body;
	kq_wire_init(&kq_api_versions_request_schema, &body);
	if (version >= 3) {
		body.client_software_name = str(name);
		body.client_software_version = str("1.0");
	}
	return call(&d, KQ_API_API_VERSIONS, version, &body);
}

static void test_api_versions_lists_what_is_served(void **state)
{
	(void)state;
	for (int version = 0; version <= 4; version++) {
		struct kq_api_versions_response *out = versions(version, "kq-test");
		assert_int_equal(out->error_code, 0);
		assert_true(out->api_keys_n > 15);
		assert_int_equal(out->api_keys[0].api_key, KQ_API_PRODUCE);
		assert_int_equal(out->api_keys[0].min_version, 0);
		assert_int_equal(out->api_keys[0].max_version, 11);
		for (int i = 1; i < out->api_keys_n; i++)
			assert_true(out->api_keys[i].api_key > out->api_keys[i - 1].api_key);
	}
	assert_int_equal(versions(3, "-no")->error_code, KQ_KAFKA_INVALID_REQUEST);
	assert_int_equal(versions(3, "")->error_code, KQ_KAFKA_INVALID_REQUEST);
}

/* A header of version 1 with this key and version, and nothing behind it. */
static void send_head(int key, int version)
{
	uint8_t frame[4 + 10] = { 0 };
	kq_store_u32(frame, 10);
	kq_store_i16(frame + 4, (int16_t)key);
	kq_store_i16(frame + 6, (int16_t)version);
	kq_store_u32(frame + 8, (uint32_t)(key * 100 + version));
	kq_store_i16(frame + 12, -1);
	send_all(d.fd, frame, sizeof frame);
}

static void test_api_versions_of_an_unknown_version_tells_the_known_ones(void **state)
{
	(void)state;
	send_head(KQ_API_API_VERSIONS, 5);
	struct kq_api_versions_response *out = hear(&d, d.fd, KQ_API_API_VERSIONS, 5, 0);
	assert_int_equal(out->error_code, KQ_KAFKA_UNSUPPORTED_VERSION);
	assert_int_equal(out->api_keys_n, 1);
	assert_int_equal(out->api_keys[0].max_version, 4);
	assert_int_equal(versions(4, "kq")->error_code, 0); /* the connection lives */
}

static void expect_closed(int key, int version)
{
	char byte;
	send_head(key, version);
	assert_false(recv_all(d.fd, &byte, 1));
	close(d.fd);
	d.fd = dialogue_dial(&d);
}

static void test_requests_that_make_no_sense_close_the_connection(void **state)
{
	(void)state;
	expect_closed(999, 0);
	expect_closed(-1, 0);
	expect_closed(KQ_API_METADATA, 13);
	expect_closed(KQ_API_METADATA, -1);
	expect_closed(KQ_API_FETCH, 11); /* a head without its body */
	expect_closed(KQ_API_JOIN_GROUP, 5);
	uint8_t cut[] = { 0, 0, 0, 3, 0, 3, 0 };
	char byte;
	send_all(d.fd, cut, sizeof cut);
	assert_false(recv_all(d.fd, &byte, 1));
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_list_offsets_finds_ends_and_times),
		test(test_list_offsets_refuses_times_of_newer_versions),
		test(test_list_offsets_refuses_a_partition_named_twice),
		test(test_offset_for_leader_epoch_knows_its_epoch),
		test(test_delete_records_moves_the_start),
		test(test_producer_ids_are_never_given_twice),
		test(test_find_coordinator_says_that_there_is_none),
		test(test_describe_producers_lists_who_writes),
		test(test_api_versions_lists_what_is_served),
		test(test_api_versions_of_an_unknown_version_tells_the_known_ones),
		test(test_requests_that_make_no_sense_close_the_connection),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
