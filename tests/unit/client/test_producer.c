/* What the producer does when the broker says no, says nothing, or goes away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "kq/producer.h"
#include "unit/client/fake_broker.h"

enum { SEEN_MAX = 64, PATIENCE_MS = 10000 };

/* One batch as the broker saw it. */
struct seen {
	int32_t partition, count, sequence;
	int64_t pid;
	int16_t epoch;
	int8_t first; /* first byte of the first value */
};

struct scene {
	struct fake fake;
	struct kq_producer *p;
	struct kq_producer_topic *t;
	struct kq_client_config *cfg;
	const int *script;   /* an error code for each batch in turn; then all succeed */
	int script_n, script_at;
	int drop_at;         /* request number at which the connection is dropped; 0 never */
	int requests;
	struct seen seen[SEEN_MAX];
	int seen_n;
	int64_t log_end[8];
	int16_t epoch;       /* of the only partition that tests of sequences use */
	int32_t next_sequence;
	/* deliveries */
	int delivered, failed, last_error;
	int64_t last_offset;
	uint64_t next_tag;   /* deliveries must come in order of tags */
	bool disorder;
	char kept[256];
	pthread_mutex_t lock;
};

static int16_t judge(struct scene *s, const struct kq_bytes *records, int32_t partition, int64_t *offset)
{
	struct kq_batch b;
	struct kq_record_iter it;
	struct kq_record r;
	if (kq_batch_peek(records->p, (size_t)records->len, &b) || kq_batch_check_crc(&b))
		return 2;
	struct seen *seen = &s->seen[s->seen_n++ % SEEN_MAX];
	*seen = (struct seen){ partition, b.count, b.base_sequence, b.producer_id, b.producer_epoch, 0 };
	if (kq_batch_codec(&b) == KQ_CODEC_NONE) {
		kq_record_iter_init(&it, &b, b.bytes + 61, (size_t)b.size - 61);
		if (kq_record_next(&it, &r) == 1 && r.value.len > 0)
			seen->first = (int8_t)r.value.p[0];
	}
	int code = s->script_at < s->script_n ? s->script[s->script_at++] : 0;
	if (code)
		return (int16_t)code;
	/* Kafka's rule: in a row, or from 0 in a higher epoch. */
	if (b.producer_id >= 0 && b.base_sequence != (b.producer_epoch > s->epoch ? 0 : s->next_sequence))
		return 45;
	s->epoch = b.producer_epoch;
	s->next_sequence = b.base_sequence + b.count;
	*offset = s->log_end[partition];
	s->log_end[partition] += b.count;
	return 0;
}

static enum fake_fate on_request(void *arg, const struct kq_request_head *h, struct kq_reader *body,
				 struct kq_arena *a, struct kq_writer *out)
{
	struct scene *s = arg;
	struct kq_produce_request rq;
	struct kq_produce_response r;
	struct kq_produce_response_topic_produce_response topic;
	if (h->api_key != KQ_API_PRODUCE)
		return FAKE_DEFAULT;
	if (++s->requests == s->drop_at)
		return FAKE_DROP;
	assert_int_equal(kq_wire_decode(kq_api_find(0)->request, h->api_version, body, a, &rq), 0);
	kq_wire_init(kq_api_find(0)->response, &r);
	struct kq_produce_request_topic_produce_data *t = &rq.topic_data[0];
	memset(&topic, 0, sizeof(topic));
	topic.name = t->name;
	topic.partition_responses = kq_arena_array(a, (size_t)t->partition_data_n,
						   sizeof(*topic.partition_responses));
	topic.partition_responses_n = t->partition_data_n;
	for (int32_t i = 0; i < t->partition_data_n; i++) {
		int64_t offset = -1;
		topic.partition_responses[i].index = t->partition_data[i].index;
		topic.partition_responses[i].error_code =
			judge(s, &t->partition_data[i].records, t->partition_data[i].index, &offset);
		topic.partition_responses[i].base_offset = offset;
		topic.partition_responses[i].log_append_time_ms = -1;
		topic.partition_responses[i].error_message = KQ_STR_NULL;
		topic.partition_responses[i].current_leader.leader_id = -1;
		topic.partition_responses[i].current_leader.leader_epoch = -1;
	}
	r.responses = &topic;
	r.responses_n = 1;
	fake_encode(out, h, &r);
	return FAKE_ANSWERED;
}

static void on_delivery(void *arg, const struct kq_delivery *d)
{
	struct scene *s = arg;
	pthread_mutex_lock(&s->lock);
	if (d->first_tag < s->next_tag)
		s->disorder = true;
	s->next_tag = d->first_tag + 1;
	*(d->error ? &s->failed : &s->delivered) += d->count;
	if (d->error) {
		s->last_error = d->error;
		size_t n = strlen(s->kept);
		snprintf(s->kept + n, sizeof(s->kept) - n, "%.*s", (int)d->raw.len, (const char *)d->raw.p);
	}
	s->last_offset = d->base_offset;
	pthread_mutex_unlock(&s->lock);
}

static void set(struct scene *s, const char *key, const char *value)
{
	struct kq_error e;
	assert_int_equal(kq_client_config_set(s->cfg, key, value, &e), 0);
}

static void scene_prepare(struct scene *s)
{
	char at[32];
	memset(s, 0, sizeof(*s));
	pthread_mutex_init(&s->lock, NULL);
	s->fake.handler = on_request;
	s->fake.arg = s;
	fake_start(&s->fake);
	s->cfg = kq_client_config_new();
	snprintf(at, sizeof(at), "127.0.0.1:%d", s->fake.port);
	set(s, "bootstrap.servers", at);
	set(s, "retry.backoff.ms", "1");
	set(s, "reconnect.backoff.ms", "1");
	set(s, "linger.ms", "0");
}

static void scene_open(struct scene *s)
{
	struct kq_error e = { 0 };
	struct kq_producer_options o = { .delivered = on_delivery, .arg = s, .keep_raw = true };
	assert_int_equal(kq_producer_new(&s->p, s->cfg, &o, &e), 0);
	if (kq_producer_topic(s->p, "t", PATIENCE_MS, &s->t, &e))
		fail_msg("%s", e.text);
}

static void scene_close(struct scene *s)
{
	kq_producer_free(s->p);
	kq_client_config_free(s->cfg);
	fake_stop(&s->fake);
	pthread_mutex_destroy(&s->lock);
}

/* Sends each character as a record of its own and, flushing, a batch of its own. */
static void send_each(struct scene *s, const char *text, bool flush)
{
	static uint64_t tag;
	for (; *text; text++) {
		struct kq_message m = KQ_MESSAGE_INIT;
		m.value = (struct kq_bytes){ (const uint8_t *)text, 1 };
		m.partition = 0;
		assert_int_equal(kq_producer_send(s->p, s->t, &m, m.value, ++tag, PATIENCE_MS), 0);
		if (flush)
			assert_int_equal(kq_producer_flush(s->p, PATIENCE_MS), 0);
	}
	assert_int_equal(kq_producer_flush(s->p, PATIENCE_MS), 0);
}

static void test_producer_numbers_batches_in_a_row(void **state)
{
	(void)state;
	struct scene s;
	scene_prepare(&s);
	scene_open(&s);
	send_each(&s, "abc", true);
	assert_int_equal(s.delivered, 3);
	assert_int_equal(s.seen_n, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(s.seen[i].sequence, i);
		assert_int_equal(s.seen[i].epoch, 0);
		assert_int_equal(s.seen[i].pid, 1000);
	}
	assert_int_equal(s.last_offset, 2);
	scene_close(&s);
}

static void test_producer_sends_the_same_again_after_a_passing_error(void **state)
{
	(void)state;
	static const int SCRIPT[] = { 0, 6, 19 }; /* NOT_LEADER_OR_FOLLOWER, NOT_ENOUGH_REPLICAS */
	struct scene s;
	scene_prepare(&s);
	s.script = SCRIPT;
	s.script_n = 3;
	scene_open(&s);
	send_each(&s, "ab", true);
	assert_int_equal(s.delivered, 2);
	assert_int_equal(s.seen_n, 4);
	for (int i = 1; i < 4; i++) {
		assert_int_equal(s.seen[i].sequence, 1);
		assert_int_equal(s.seen[i].first, 'b');
		assert_int_equal(s.seen[i].epoch, 0);
	}
	scene_close(&s);
}

static void test_producer_sends_again_after_a_lost_connection(void **state)
{
	(void)state;
	struct scene s;
	scene_prepare(&s);
	s.drop_at = 2;
	scene_open(&s);
	send_each(&s, "abc", true);
	assert_int_equal(s.delivered, 3);
	assert_int_equal(s.failed, 0);
	assert_int_equal(s.log_end[0], 3);
	assert_int_equal(atomic_load(&s.fake.connections), 2);
	for (int i = 0; i < 3; i++)
		assert_int_equal(s.seen[i].sequence, i);
	scene_close(&s);
}

static void test_producer_keeps_order_when_the_first_of_many_is_refused(void **state)
{
	(void)state;
	/* The first batch is refused, so those under way behind it are out of order. */
	static const int SCRIPT[] = { 6 };
	struct scene s;
	scene_prepare(&s);
	set(&s, "batch.size", "1024");
	s.script = SCRIPT;
	s.script_n = 1;
	scene_open(&s);
	char text[4097];
	for (int i = 0; i < 4096; i++)
		text[i] = (char)('a' + i % 26);
	text[4096] = '\0';
	send_each(&s, text, false);
	assert_int_equal(s.delivered, 4096);
	assert_false(s.disorder);
	assert_int_equal(s.log_end[0], 4096);
	scene_close(&s);
}

static void test_producer_takes_a_duplicate_for_delivered(void **state)
{
	(void)state;
	static const int SCRIPT[] = { 46 };
	struct scene s;
	scene_prepare(&s);
	s.script = SCRIPT;
	s.script_n = 1;
	scene_open(&s);
	send_each(&s, "a", true);
	assert_int_equal(s.delivered, 1);
	assert_int_equal(s.last_offset, -1);
	scene_close(&s);
}

static void test_producer_starts_anew_in_a_new_epoch_when_the_broker_has_forgotten(void **state)
{
	(void)state;
	static const int SCRIPT[] = { 0, 59 }; /* UNKNOWN_PRODUCER_ID */
	struct scene s;
	scene_prepare(&s);
	s.script = SCRIPT;
	s.script_n = 2;
	scene_open(&s);
	send_each(&s, "abc", true);
	assert_int_equal(s.delivered, 3);
	assert_int_equal(s.seen_n, 4);
	assert_int_equal(s.seen[1].sequence, 1);
	assert_int_equal(s.seen[2].epoch, 1);
	assert_int_equal(s.seen[2].sequence, 0);
	assert_int_equal(s.seen[3].epoch, 1);
	assert_int_equal(s.seen[3].sequence, 1);
	scene_close(&s);
}

static void test_producer_halves_a_batch_that_is_too_large(void **state)
{
	(void)state;
	static const int SCRIPT[] = { 10 };
	struct scene s;
	scene_prepare(&s);
	set(&s, "linger.ms", "1000");
	s.script = SCRIPT;
	s.script_n = 1;
	scene_open(&s);
	send_each(&s, "abcde", false);
	assert_int_equal(s.delivered, 5);
	assert_int_equal(s.seen_n, 3);
	assert_int_equal(s.seen[0].count, 5);
	assert_int_equal(s.seen[1].count, 2);
	assert_int_equal(s.seen[1].sequence, 0);
	assert_int_equal(s.seen[2].count, 3);
	assert_int_equal(s.seen[2].sequence, 2);
	assert_int_equal(s.seen[2].first, 'c');
	assert_false(s.disorder);
	scene_close(&s);
}

static void test_producer_gives_back_the_raw_bytes_of_what_is_refused_for_good(void **state)
{
	(void)state;
	static const int SCRIPT[] = { 10, 0, 87 }; /* in halves, the second is INVALID_RECORD */
	struct scene s;
	scene_prepare(&s);
	set(&s, "linger.ms", "1000");
	s.script = SCRIPT;
	s.script_n = 3;
	scene_open(&s);
	send_each(&s, "abcde", false);
	assert_int_equal(s.delivered, 2);
	assert_int_equal(s.failed, 3);
	assert_int_equal(s.last_error, KQ_EKAFKA);
	assert_string_equal(s.kept, "cde");
	/* Its numbers are missing, so what follows comes in a new epoch. */
	send_each(&s, "f", true);
	assert_int_equal(s.delivered, 3);
	assert_int_equal(s.seen[3].epoch, 1);
	assert_int_equal(s.seen[3].sequence, 0);
	scene_close(&s);
}

static void test_producer_refuses_a_record_larger_than_the_topic_takes(void **state)
{
	(void)state;
	struct scene s;
	char big[6000];
	memset(big, 'x', sizeof(big));
	scene_prepare(&s);
	s.fake.record_max = 5000;
	scene_open(&s);
	struct kq_message m = KQ_MESSAGE_INIT;
	m.value = (struct kq_bytes){ (const uint8_t *)big, 5000 - 61 - 7 };
	assert_int_equal(kq_producer_send(s.p, s.t, &m, KQ_BYTES_NULL, 1, 100), KQ_ETOOBIG);
	m.value.len = 5000 - 61 - 10;
	assert_int_equal(kq_producer_send(s.p, s.t, &m, KQ_BYTES_NULL, 2, 100), 0);
	assert_int_equal(kq_producer_flush(s.p, PATIENCE_MS), 0);
	assert_int_equal(s.delivered, 1);
	scene_close(&s);
}

static void test_producer_stops_at_the_line_that_is_too_large(void **state)
{
	(void)state;
	struct scene s;
	char text[7000];
	memset(text, 'x', sizeof(text));
	memcpy(text, "one\ntwo\n", 8);
	text[6500] = '\n';
	scene_prepare(&s);
	s.fake.record_max = 5000;
	scene_open(&s);
	struct kq_message like = KQ_MESSAGE_INIT;
	struct kq_lines l = { .p = text, .n = sizeof(text), .delim = "\n", .delim_n = 1 };
	assert_int_equal(kq_producer_send_lines(s.p, s.t, &like, &l, 1, 100), KQ_ETOOBIG);
	assert_int_equal(l.used, 8);
	assert_int_equal(l.count, 2);
	assert_int_equal(kq_producer_flush(s.p, PATIENCE_MS), 0);
	assert_int_equal(s.delivered, 2);
	scene_close(&s);
}

static void test_producer_makes_a_record_of_each_line_and_leaves_the_rest(void **state)
{
	(void)state;
	struct scene s;
	scene_prepare(&s);
	scene_open(&s);
	struct kq_message like = KQ_MESSAGE_INIT;
	struct kq_lines l = { .p = "a||b||||rest|", .n = 13, .delim = "||", .delim_n = 2 };
	assert_int_equal(kq_producer_send_lines(s.p, s.t, &like, &l, 1, 100), 0);
	assert_int_equal(l.used, 8);
	assert_int_equal(l.count, 3);
	assert_int_equal(kq_producer_flush(s.p, PATIENCE_MS), 0);
	assert_int_equal(s.delivered, 3);
	scene_close(&s);
}

static void test_producer_fails_what_nobody_takes_in_time(void **state)
{
	(void)state;
	struct scene s;
	scene_prepare(&s);
	set(&s, "delivery.timeout.ms", "50");
	set(&s, "request.timeout.ms", "20");
	s.drop_at = 1;
	scene_open(&s);
	fake_stop(&s.fake); /* nobody is there any more, the connection goes with the first request */
	send_each(&s, "abc", false);
	assert_int_equal(s.failed, 3);
	assert_int_equal(s.last_error, KQ_ETIMEOUT);
	assert_string_equal(s.kept, "abc");
	kq_producer_free(s.p);
	kq_client_config_free(s.cfg);
	pthread_mutex_destroy(&s.lock);
}

static void test_producer_waits_for_memory_and_says_so(void **state)
{
	(void)state;
	static const int SCRIPT[] = { 6, 6, 6, 6, 6, 6, 6, 6 };
	struct scene s;
	char big[4000];
	memset(big, 'x', sizeof(big));
	scene_prepare(&s);
	set(&s, "buffer.memory", "20000");
	set(&s, "retry.backoff.ms", "100000");
	set(&s, "batch.size", "5000");
	s.script = SCRIPT;
	s.script_n = 8;
	scene_open(&s);
	struct kq_message m = KQ_MESSAGE_INIT;
	m.value = (struct kq_bytes){ (const uint8_t *)big, sizeof(big) };
	int rc = 0, sent = 0;
	while (!(rc = kq_producer_send(s.p, s.t, &m, KQ_BYTES_NULL, (uint64_t)sent + 1, 20)) && sent < 1000)
		sent++;
	assert_int_equal(rc, KQ_EAGAIN);
	assert_in_range(sent, 1, 10);
	kq_producer_abort(s.p);
	assert_int_equal(s.failed, sent);
	scene_close(&s);
}

static void test_producer_without_acks_does_not_wait_for_answers(void **state)
{
	(void)state;
	struct scene s;
	scene_prepare(&s);
	set(&s, "acks", "0");
	scene_open(&s);
	struct kq_message m = KQ_MESSAGE_INIT;
	m.value = (struct kq_bytes){ (const uint8_t *)"a", 1 };
	s.drop_at = 1; /* what the broker does is of no matter */
	assert_int_equal(kq_producer_send(s.p, s.t, &m, KQ_BYTES_NULL, 1, 100), 0);
	assert_int_equal(kq_producer_flush(s.p, PATIENCE_MS), 0);
	assert_int_equal(s.delivered, 1);
	scene_close(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_producer_numbers_batches_in_a_row),
		cmocka_unit_test(test_producer_sends_the_same_again_after_a_passing_error),
		cmocka_unit_test(test_producer_sends_again_after_a_lost_connection),
		cmocka_unit_test(test_producer_keeps_order_when_the_first_of_many_is_refused),
		cmocka_unit_test(test_producer_takes_a_duplicate_for_delivered),
		cmocka_unit_test(test_producer_starts_anew_in_a_new_epoch_when_the_broker_has_forgotten),
		cmocka_unit_test(test_producer_halves_a_batch_that_is_too_large),
		cmocka_unit_test(test_producer_gives_back_the_raw_bytes_of_what_is_refused_for_good),
		cmocka_unit_test(test_producer_refuses_a_record_larger_than_the_topic_takes),
		cmocka_unit_test(test_producer_stops_at_the_line_that_is_too_large),
		cmocka_unit_test(test_producer_makes_a_record_of_each_line_and_leaves_the_rest),
		cmocka_unit_test(test_producer_fails_what_nobody_takes_in_time),
		cmocka_unit_test(test_producer_waits_for_memory_and_says_so),
		cmocka_unit_test(test_producer_without_acks_does_not_wait_for_answers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
