/* What Fetch answers: limits, waiting, sessions, epochs, versions. */
#include "dialogue.h"

#include "base/clock.h"

static struct dialogue d;
static struct kq_uuid id;

typedef struct kq_fetch_request_fetch_partition wanted;
typedef struct kq_fetch_response_partition_data got;

static int set_up(void **state)
{
	(void)state;
	dialogue_begin(&d, "os");
	create_topic(&d, "t", 4, NULL, NULL);
	id = topic_id(&d, "t");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	dialogue_end(&d);
	return 0;
}

static wanted want(int32_t partition, int64_t offset)
{
	wanted w;
	kq_wire_init(&kq_fetch_request_fetch_partition_schema, &w);
	w.partition = partition;
	w.fetch_offset = offset;
	w.partition_max_bytes = 1 << 20;
	return w;
}

static struct kq_fetch_request_fetch_topic topic;

/* A sessionless fetch of n partitions of t that does not wait. */
static struct kq_fetch_request request(wanted *w, int n)
{
	struct kq_fetch_request body;
	kq_wire_init(&kq_fetch_request_schema, &body);
	kq_wire_init(&kq_fetch_request_fetch_topic_schema, &topic);
	topic.topic = str("t");
	topic.topic_id = id;
	topic.partitions = w;
	topic.partitions_n = n;
	body.topics = &topic;
	body.topics_n = n ? 1 : 0;
	body.max_bytes = 50 << 20;
	body.min_bytes = 1;
	return body;
}

static struct kq_fetch_response *fetch(int version, const struct kq_fetch_request *body)
{
	struct kq_fetch_response *out = call(&d, KQ_API_FETCH, version, body);
	assert_non_null(out);
	return out;
}

static got *fetch_one(int version, wanted w)
{
	struct kq_fetch_request body = request(&w, 1);
	struct kq_fetch_response *out = fetch(version, &body);
	assert_int_equal(out->error_code, 0);
	assert_int_equal(out->responses_n, 1);
	return &out->responses[0].partitions[0];
}

static int32_t fill(int32_t partition, int count)
{
	struct kq_bytes b = batch(&d, count, NULL);
	assert_int_equal(produce_at(&d, 9, "t", partition, -1, b)->error_code, 0);
	return b.len;
}

static void test_fetch_answers_every_version(void **state)
{
	(void)state;
	int32_t size = fill(0, 5);
	fill(0, 2);
	for (int version = 4; version <= 17; version++) {
		got *g = fetch_one(version, want(0, 3));
		assert_int_equal(g->error_code, 0);
		assert_int_equal(g->high_watermark, 7);
		assert_int_equal(g->last_stable_offset, 7);
		assert_int_equal(g->log_start_offset, version >= 5 ? 0 : -1);
		assert_int_equal(g->aborted_transactions_n, -1);
		struct kq_batch b;
		assert_int_equal(kq_batch_peek(g->records.p, (size_t)g->records.len, &b), 0);
		assert_int_equal(b.size, size); /* begins with the batch that holds offset 3 */
		assert_int_equal(b.base_offset, 0);
		assert_int_equal(kq_batch_check_crc(&b), 0);
	}
	for (int version = 0; version < 4; version++)
		assert_int_equal(fetch_one(version, want(0, 0))->error_code,
				 KQ_KAFKA_UNSUPPORTED_VERSION);
}

static void test_fetch_says_what_is_wrong_with_a_partition(void **state)
{
	(void)state;
	fill(0, 5);
	wanted w = want(0, 6);
	assert_int_equal(fetch_one(12, w)->error_code, KQ_KAFKA_OFFSET_OUT_OF_RANGE);
	assert_int_equal(fetch_one(12, w)->high_watermark, -1);
	assert_int_equal(fetch_one(12, want(0, -1))->error_code, KQ_KAFKA_OFFSET_OUT_OF_RANGE);
	assert_int_equal(fetch_one(12, want(9, 0))->error_code,
			 KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	w = want(0, 0);
	w.current_leader_epoch = 99;
	assert_int_equal(fetch_one(12, w)->error_code, KQ_KAFKA_UNKNOWN_LEADER_EPOCH);
	w = want(0, 0);
	w.partition_max_bytes = -1;
	assert_int_equal(fetch_one(12, w)->error_code, KQ_KAFKA_UNKNOWN_SERVER_ERROR);
	w = want(0, 0);
	w.last_fetched_epoch = 44;
	assert_int_equal(fetch_one(12, w)->error_code, KQ_KAFKA_OFFSET_OUT_OF_RANGE);
	memset(&id, 7, sizeof id);
	assert_int_equal(fetch_one(13, want(0, 0))->error_code, KQ_KAFKA_UNKNOWN_TOPIC_ID);
	w = want(0, 0);
	struct kq_fetch_request body = request(&w, 1);
	body.isolation_level = 3;
	assert_int_equal(fetch(12, &body)->responses[0].partitions[0].error_code,
			 KQ_KAFKA_UNKNOWN_SERVER_ERROR);
}

static void test_fetch_lists_aborted_transactions_for_read_committed(void **state)
{
	(void)state;
	fill(0, 5);
	wanted w = want(0, 0);
	struct kq_fetch_request body = request(&w, 1);
	body.isolation_level = 1;
	got *g = &fetch(11, &body)->responses[0].partitions[0];
	assert_int_equal(g->aborted_transactions_n, 0);
	assert_true(g->records.len > 0);
}

static void test_fetch_gives_the_first_batch_whole_whatever_the_limits(void **state)
{
	(void)state;
	int32_t size = fill(0, 100);
	fill(1, 100);
	wanted w[2] = { want(0, 0), want(1, 0) };
	struct kq_fetch_request body = request(w, 2);
	body.max_bytes = 10;
	got *g = fetch(11, &body)->responses[0].partitions;
	assert_int_equal(g[0].records.len, size);
	assert_int_equal(g[1].records.len, 0); /* nothing is left of the limit */
	body.max_bytes = 1 << 20;
	w[0].partition_max_bytes = w[1].partition_max_bytes = 10;
	g = fetch(11, &body)->responses[0].partitions;
	assert_int_equal(g[0].records.len, size);
	assert_int_equal(g[1].records.len, 0); /* its first batch does not fit */
	w[1].partition_max_bytes = size;
	g = fetch(11, &body)->responses[0].partitions;
	assert_int_equal(g[1].records.len, size);
}

static void test_fetch_takes_the_last_of_a_partition_named_twice(void **state)
{
	(void)state;
	fill(1, 5);
	wanted w[3] = { want(1, 99), want(0, 0), want(1, 0) };
	struct kq_fetch_request body = request(w, 3);
	struct kq_fetch_response *out = fetch(11, &body);
	assert_int_equal(out->responses[0].partitions_n, 2);
	assert_int_equal(out->responses[0].partitions[0].partition_index, 1);
	assert_int_equal(out->responses[0].partitions[0].error_code, 0);
	assert_true(out->responses[0].partitions[0].records.len > 0);
}

static void test_fetch_waits_for_bytes(void **state)
{
	(void)state;
	wanted w[3] = { want(0, 0), want(1, 0), want(2, 0) };
	struct kq_fetch_request body = request(w, 3);
	int waiter = dialogue_dial(&d);
	body.max_wait_ms = 20000;
	ask(waiter, KQ_API_FETCH, 11, &body);
	int32_t size = fill(2, 5);
	struct kq_fetch_response *out = hear(&d, waiter, KQ_API_FETCH, 11, 11);
	assert_int_equal(out->responses[0].partitions[2].records.len, size);
	close(waiter);
}

static void test_fetch_waits_for_min_bytes_over_all_partitions(void **state)
{
	(void)state;
	wanted w[2] = { want(0, 0), want(1, 0) };
	struct kq_fetch_request body = request(w, 2);
	int32_t size = batch(&d, 5, NULL).len;
	int waiter = dialogue_dial(&d);
	body.max_wait_ms = 20000;
	body.min_bytes = 3 * size;
	ask(waiter, KQ_API_FETCH, 11, &body);
	for (int i = 0; i < 3; i++)
		fill(i % 2, 5);
	struct kq_fetch_response *out = hear(&d, waiter, KQ_API_FETCH, 11, 11);
	assert_int_equal(out->responses[0].partitions[0].records.len, 2 * size);
	assert_int_equal(out->responses[0].partitions[1].records.len, size);
	close(waiter);
}

static void test_fetch_waits_no_longer_than_max_wait(void **state)
{
	(void)state;
	wanted w = want(0, 0);
	struct kq_fetch_request body = request(&w, 1);
	body.max_wait_ms = 50;
	int64_t before_ms = kq_clock_mono_ms();
	got *g = &fetch(11, &body)->responses[0].partitions[0];
	assert_true(kq_clock_mono_ms() - before_ms >= 49);
	assert_int_equal(g->error_code, 0);
	assert_int_equal(g->records.len, 0);
}

static void test_fetch_that_waits_answers_when_its_topic_goes(void **state)
{
	(void)state;
	wanted w = want(0, 0);
	struct kq_fetch_request body = request(&w, 1);
	struct kq_delete_topics_request gone;
	struct kq_str names[] = { str("t") };
	int waiter = dialogue_dial(&d);
	body.max_wait_ms = 20000;
	ask(waiter, KQ_API_FETCH, 11, &body);
	kq_wire_init(&kq_delete_topics_request_schema, &gone);
	gone.topic_names = names;
	gone.topic_names_n = 1;
	gone.timeout_ms = 10000;
	assert_non_null(call(&d, KQ_API_DELETE_TOPICS, 4, &gone));
	struct kq_fetch_response *out = hear(&d, waiter, KQ_API_FETCH, 11, 11);
	assert_int_equal(out->responses[0].partitions[0].error_code,
			 KQ_KAFKA_UNKNOWN_TOPIC_OR_PARTITION);
	close(waiter);
}

static void test_fetch_that_waits_answers_when_the_broker_stops(void **state)
{
	(void)state;
	wanted w = want(0, 0);
	struct kq_fetch_request body = request(&w, 1);
	body.max_wait_ms = 600000;
	ask(d.fd, KQ_API_FETCH, 11, &body);
	int other = dialogue_dial(&d); /* it is there once this one has been answered */
	close(other);
	int64_t before_ms = kq_clock_mono_ms();
	int fd = dup(d.fd);
	dialogue_hang_up(&d);
	assert_true(kq_clock_mono_ms() - before_ms < 4000);
	close(fd);
	dialogue_serve(&d, "os");
}

/* ---- sessions ---- */

static struct kq_fetch_response *in_session(int32_t session, int32_t epoch, wanted *w, int n)
{
	struct kq_fetch_request body = request(w, n);
	body.session_id = session;
	body.session_epoch = epoch;
	return fetch(13, &body);
}

static void test_fetch_session_tells_only_what_changed(void **state)
{
	(void)state;
	wanted w[3] = { want(0, 0), want(1, 0), want(2, 0) };
	struct kq_fetch_response *out = in_session(0, 0, w, 3);
	int32_t session = out->session_id;
	assert_true(session > 0);
	assert_int_equal(out->responses[0].partitions_n, 3);
	out = in_session(session, 1, NULL, 0);
	assert_int_equal(out->session_id, session);
	assert_int_equal(out->responses_n, 0);
	fill(1, 5);
	out = in_session(session, 2, NULL, 0);
	assert_int_equal(out->responses[0].partitions_n, 1);
	assert_int_equal(out->responses[0].partitions[0].partition_index, 1);
	w[1].fetch_offset = 5;
	out = in_session(session, 3, &w[1], 1);
	assert_int_equal(out->responses_n, 0);
}

static void test_fetch_session_serves_first_who_waited_longest(void **state)
{
	(void)state;
	wanted w[2] = { want(0, 0), want(1, 0) };
	fill(0, 5);
	fill(1, 5);
	w[0].partition_max_bytes = w[1].partition_max_bytes = 1;
	struct kq_fetch_response *out = in_session(0, 0, w, 2);
	int32_t session = out->session_id;
	assert_true(out->responses[0].partitions[0].records.len > 0);
	out = in_session(session, 1, NULL, 0); /* nothing was acknowledged: both have bytes */
	assert_int_equal(out->responses[0].partitions[0].partition_index, 1);
	assert_true(out->responses[0].partitions[0].records.len > 0);
}

static void test_fetch_session_refuses_wrong_ids_and_epochs(void **state)
{
	(void)state;
	wanted w = want(0, 0);
	int32_t session = in_session(0, 0, &w, 1)->session_id;
	assert_int_equal(in_session(session, 2, NULL, 0)->error_code,
			 KQ_KAFKA_INVALID_FETCH_SESSION_EPOCH);
	assert_int_equal(in_session(session + 1, 1, NULL, 0)->error_code,
			 KQ_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
	struct kq_fetch_request body = request(NULL, 0);
	body.session_id = session;
	body.session_epoch = 1;
	assert_int_equal(fetch(12, &body)->error_code, KQ_KAFKA_FETCH_SESSION_TOPIC_ID_ERROR);
	assert_int_equal(in_session(session, 1, NULL, 0)->error_code, 0);
}

static void test_fetch_session_ends_when_closed_or_empty(void **state)
{
	(void)state;
	wanted w = want(0, 0);
	int32_t session = in_session(0, 0, &w, 1)->session_id;
	assert_int_equal(in_session(session, -1, &w, 1)->session_id, 0);
	assert_int_equal(in_session(session, 1, NULL, 0)->error_code,
			 KQ_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
	session = in_session(0, 0, &w, 1)->session_id;
	int32_t zero = 0;
	struct kq_fetch_request body = request(NULL, 0);
	struct kq_fetch_request_forgotten_topic forgotten = { str("t"), id, &zero, 1 };
	body.session_id = session;
	body.session_epoch = 1;
	body.forgotten_topics_data = &forgotten;
	body.forgotten_topics_data_n = 1;
	struct kq_fetch_response *out = fetch(13, &body);
	assert_int_equal(out->error_code, 0);
	assert_int_equal(out->session_id, 0);
	assert_int_equal(in_session(session, 2, NULL, 0)->error_code,
			 KQ_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
}

static void test_fetch_session_waits_like_others(void **state)
{
	(void)state;
	wanted w = want(3, 0);
	int32_t session = in_session(0, 0, &w, 1)->session_id;
	struct kq_fetch_request body = request(NULL, 0);
	body.session_id = session;
	body.session_epoch = 1;
	body.max_wait_ms = 20000;
	int waiter = dialogue_dial(&d);
	ask(waiter, KQ_API_FETCH, 13, &body);
	int32_t size = fill(3, 2);
	struct kq_fetch_response *out = hear(&d, waiter, KQ_API_FETCH, 13, 13);
	assert_int_equal(out->responses[0].partitions[0].records.len, size);
	close(waiter);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(test_fetch_answers_every_version),
		test(test_fetch_says_what_is_wrong_with_a_partition),
		test(test_fetch_lists_aborted_transactions_for_read_committed),
		test(test_fetch_gives_the_first_batch_whole_whatever_the_limits),
		test(test_fetch_takes_the_last_of_a_partition_named_twice),
		test(test_fetch_waits_for_bytes),
		test(test_fetch_waits_for_min_bytes_over_all_partitions),
		test(test_fetch_waits_no_longer_than_max_wait),
		test(test_fetch_that_waits_answers_when_its_topic_goes),
		test(test_fetch_that_waits_answers_when_the_broker_stops),
		test(test_fetch_session_tells_only_what_changed),
		test(test_fetch_session_serves_first_who_waited_longest),
		test(test_fetch_session_refuses_wrong_ids_and_epochs),
		test(test_fetch_session_ends_when_closed_or_empty),
		test(test_fetch_session_waits_like_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
