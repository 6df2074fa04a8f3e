/* What Produce answers, as section 6 and the appendix of the protocol notes say. */
#include "dialogue.h"

static struct dialogue d;

static int set_up(void **state)
{
	(void)state;
	dialogue_begin(&d, "sync");
	create_topic(&d, "t", 2, NULL, NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dialogue_end(&d);
	return 0;
}

static void test_produce_answers_every_version(void **state)
{
	(void)state;
	int64_t next = 0;
	for (int version = 3; version <= 11; version++) {
		for (int16_t acks = -1; acks <= 1; acks += 2) {
			produced *p = produce_at(&d, version, "t", 0, acks, batch(&d, 3, NULL));
			assert_int_equal(p->error_code, 0);
			assert_int_equal(p->base_offset, next);
			next += 3;
		}
	}
}

static void test_produce_below_version_3_is_refused(void **state)
{
	(void)state;
	for (int version = 0; version < 3; version++)
		assert_int_equal(produce_at(&d, version, "t", 0, 1, batch(&d, 1, NULL))->error_code,
				 KQ_KAFKA_UNSUPPORTED_VERSION);
}

static void test_produce_without_acks_is_not_answered(void **state)
{
	(void)state;
	ask_produce(d.fd, 9, "t", 0, 0, batch(&d, 2, NULL));
	produced *p = produce(&d, "t", batch(&d, 1, NULL)); /* the next answer is this one's */
	assert_int_equal(p->base_offset, 2);
	ask_produce(d.fd, 9, "none", 0, 0, batch(&d, 2, NULL));
	assert_null(hear(&d, d.fd, KQ_API_PRODUCE, 9, 9)); /* closed */
}

static void expect_error(struct kq_bytes records, int16_t error)
{
	assert_int_equal(produce(&d, "t", records)->error_code, error);
}

static void test_produce_refuses_what_is_no_batch(void **state)
{
	(void)state;
	struct kq_bytes good = batch(&d, 3, NULL), b;
	uint8_t *two = kq_arena_alloc(&d.arena, (size_t)good.len * 2);
	expect_error(KQ_BYTES_NULL, KQ_KAFKA_INVALID_RECORD);
	expect_error((struct kq_bytes){ good.p, 0 }, KQ_KAFKA_INVALID_RECORD);
	expect_error((struct kq_bytes){ good.p, good.len - 1 }, KQ_KAFKA_INVALID_RECORD);
	memcpy(two, good.p, (size_t)good.len);
	memcpy(two + good.len, good.p, (size_t)good.len);
	expect_error((struct kq_bytes){ two, 2 * good.len }, KQ_KAFKA_INVALID_RECORD);
	expect_error((struct kq_bytes){ two, 2 * good.len - 7 }, 0); /* a cut tail is ignored */
	static const struct {
		int at;
		uint8_t value;
		int16_t error;
	} bad[] = {
		{ 16, 0, KQ_KAFKA_INVALID_RECORD }, /* magic */
		{ 16, 1, KQ_KAFKA_INVALID_RECORD },
		{ 16, 3, KQ_KAFKA_CORRUPT_MESSAGE },
		{ 16, 255, KQ_KAFKA_CORRUPT_MESSAGE },
		{ 17, 1, KQ_KAFKA_CORRUPT_MESSAGE },  /* CRC */
		{ 11, 10, KQ_KAFKA_CORRUPT_MESSAGE }, /* length */
		{ 7, 9, KQ_KAFKA_INVALID_RECORD },    /* base offset */
		{ 22, 5, KQ_KAFKA_UNKNOWN_SERVER_ERROR }, /* codec */
		{ 22, 7, KQ_KAFKA_UNKNOWN_SERVER_ERROR },
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		b = batch(&d, 3, NULL);
		((uint8_t *)(uintptr_t)b.p)[bad[i].at] = bad[i].value;
		expect_error(b, bad[i].error);
	}
}

static void test_produce_refuses_transactions_and_control_batches(void **state)
{
	(void)state;
	struct kq_seal s = { .attributes = KQ_BATCH_TRANSACTIONAL, KQ_SEAL_NO_PRODUCER };
	expect_error(batch(&d, 1, &s), KQ_KAFKA_TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
	s.attributes = KQ_BATCH_CONTROL;
	expect_error(batch(&d, 1, &s), KQ_KAFKA_INVALID_RECORD);
}

static void test_produce_wants_version_7_for_zstd(void **state)
{
	(void)state;
	struct kq_seal s = { .codec = KQ_CODEC_ZSTD, .codec_always = true, KQ_SEAL_NO_PRODUCER };
	assert_int_equal(produce_at(&d, 6, "t", 0, 1, batch(&d, 9, &s))->error_code,
			 KQ_KAFKA_UNSUPPORTED_COMPRESSION_TYPE);
	assert_int_equal(produce_at(&d, 7, "t", 0, 1, batch(&d, 9, &s))->error_code, 0);
}

static void test_produce_names_the_error_of_each_partition(void **state)
{
	(void)state;
	struct kq_produce_request body;
	struct kq_produce_request_partition_produce_data p[] = {
		{ 0, batch(&d, 1, NULL) }, { 7, batch(&d, 1, NULL) }, { 1, batch(&d, 2, NULL) } };
	struct kq_produce_request_topic_produce_data t[] = { { str("t"), p, 3 },
							     { str("none"), p, 1 } };
	kq_wire_init(&kq_produce_request_schema, &body);
	body.acks = -1;
	body.timeout_ms = 10000;
	body.topic_data = t;
	body.topic_data_n = 2;
	struct kq_produce_response *out = call(&d, KQ_API_PRODUCE, 9, &body);
	produced *r = out->responses[0].partition_responses;
	assert_int_equal(r[0].error_code, 0);
	assert_int_equal(r[1].error_code, KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	assert_int_equal(r[1].base_offset, -1);
	assert_int_equal(r[2].error_code, 0);
	assert_int_equal(out->responses[1].partition_responses[0].error_code,
			 KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	body.acks = 2;
	out = call(&d, KQ_API_PRODUCE, 9, &body);
	assert_int_equal(out->responses[0].partition_responses[0].error_code,
			 KQ_KAFKA_INVALID_REQUIRED_ACKS);
}

static struct kq_bytes sequenced(int64_t id, int16_t epoch, int32_t sequence, int count)
{
	struct kq_seal s = { .producer_id = id, .producer_epoch = epoch,
			     .base_sequence = sequence };
	return batch(&d, count, &s);
}

static void test_produce_keeps_idempotent_producers_in_order(void **state)
{
	(void)state;
	assert_int_equal(produce(&d, "t", sequenced(9, 0, 5, 3))->base_offset, 0);
	assert_int_equal(produce(&d, "t", sequenced(9, 0, 8, 1))->base_offset, 3);
	assert_int_equal(produce(&d, "t", sequenced(9, 0, 5, 3))->base_offset, 0); /* again */
	expect_error(sequenced(9, 0, 8, 2), KQ_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
	expect_error(sequenced(9, 0, 11, 1), KQ_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
	expect_error(sequenced(9, 1, 3, 1), KQ_KAFKA_OUT_OF_ORDER_SEQUENCE_NUMBER);
	expect_error(sequenced(9, 1, 0, 1), 0);
	expect_error(sequenced(9, 0, 9, 1), KQ_KAFKA_INVALID_PRODUCER_EPOCH);
	expect_error(sequenced(9, 1, -1, 1), KQ_KAFKA_INVALID_RECORD);
}

static void test_produce_refuses_internal_topics_and_large_batches(void **state)
{
	(void)state;
	create_topic(&d, "small", 1, "max.message.bytes", "100");
	assert_int_equal(produce(&d, "small", batch(&d, 20, NULL))->error_code,
			 KQ_KAFKA_MESSAGE_TOO_LARGE);
	create_topic(&d, "keyed", 1, "cleanup.policy", "compact");
	produced *p = produce(&d, "keyed", batch(&d, 1, NULL));
	assert_int_equal(p->error_code, KQ_KAFKA_INVALID_RECORD);
	assert_true(p->error_message.len > 0);
}

static void test_produce_answers_many_connections_with_few_syncs(void **state)
{
	(void)state;
	enum { CLIENTS = 40, ROUNDS = 10 };
	int fd[CLIENTS];
	bool seen[CLIENTS * ROUNDS] = { false };
	for (int i = 0; i < CLIENTS; i++)
		fd[i] = dialogue_dial(&d);
	for (int r = 0; r < ROUNDS; r++) {
		for (int i = 0; i < CLIENTS; i++)
			ask_produce(fd[i], 9, "t", 0, -1, batch(&d, 1, NULL));
		for (int i = 0; i < CLIENTS; i++) {
			struct kq_produce_response *out = hear(&d, fd[i], KQ_API_PRODUCE, 9, 9);
			int64_t at = out->responses[0].partition_responses[0].base_offset;
			assert_in_range(at, 0, CLIENTS * ROUNDS - 1);
			assert_false(seen[at]);
			seen[at] = true;
		}
	}
	for (int i = 0; i < CLIENTS; i++)
		close(fd[i]);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_produce_answers_every_version),
		test(test_produce_below_version_3_is_refused),
		test(test_produce_without_acks_is_not_answered),
		test(test_produce_refuses_what_is_no_batch),
		test(test_produce_refuses_transactions_and_control_batches),
		test(test_produce_wants_version_7_for_zstd),
		test(test_produce_names_the_error_of_each_partition),
		test(test_produce_keeps_idempotent_producers_in_order),
		test(test_produce_refuses_internal_topics_and_large_batches),
		test(test_produce_answers_many_connections_with_few_syncs),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
