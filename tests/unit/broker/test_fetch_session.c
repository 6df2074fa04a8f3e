/* The cache of fetch sessions by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

#include "broker/fetch_session.h"
#include "wire/errors.h"

enum { VERSION = 11, EVICT_MS = 1000 };

static struct kq_fetch_request_fetch_partition parts[10];
static struct kq_fetch_request_fetch_topic topic;

static struct kq_fetch_request request(int32_t id, int32_t epoch, int n)
{
	struct kq_fetch_request r;
	kq_wire_init(&kq_fetch_request_schema, &r);
	for (int i = 0; i < n; i++) {
		kq_wire_init(&kq_fetch_request_fetch_partition_schema, &parts[i]);
		parts[i].partition = i;
	}
	topic = (struct kq_fetch_request_fetch_topic){ .topic = KQ_STR("t"), .partitions = parts,
						       .partitions_n = n };
	r.session_id = id;
	r.session_epoch = epoch;
	r.topics = &topic;
	r.topics_n = 1;
	return r;
}

/* A request from begin to end; the session's id, 0 if none, or a negative error. */
static int32_t ask(struct kq_fetch_sessions *s, int32_t id, int32_t epoch, int n, int64_t now_ms)
{
	struct kq_fetch_request r = request(id, epoch, n);
	struct kq_fetch_session *f;
	bool full;
	int16_t error;
	kq_fetch_session_begin(s, &r, VERSION, now_ms, &f, &full, &error);
	if (!f)
		return -error;
	id = kq_fetch_session_id(f);
	kq_fetch_session_end(s, f, now_ms);
	return id;
}

static void test_fetch_sessions_are_bounded(void **state)
{
	(void)state;
	struct kq_fetch_sessions *s = kq_fetch_sessions_new(2, EVICT_MS);
	assert_true(ask(s, 0, 0, 1, 0) > 0);
	assert_true(ask(s, 0, 0, 1, 0) > 0);
	assert_int_equal(ask(s, 0, 0, 1, 10), 0); /* full: served without a session */
	struct kq_fetch_sessions_stats st;
	kq_fetch_sessions_stats(s, &st);
	assert_int_equal(st.sessions, 2);
	kq_fetch_sessions_free(s);
	s = kq_fetch_sessions_new(0, EVICT_MS);
	assert_int_equal(ask(s, 0, 0, 1, 0), 0);
	kq_fetch_sessions_free(s);
}

static void test_fetch_sessions_push_out_the_idle(void **state)
{
	(void)state;
	struct kq_fetch_sessions *s = kq_fetch_sessions_new(2, EVICT_MS);
	int32_t a = ask(s, 0, 0, 5, 0), b = ask(s, 0, 0, 5, 0);
	assert_int_equal(ask(s, a, 1, 0, 900), a);
	int32_t c = ask(s, 0, 0, 1, 1500); /* b was idle for longer than that */
	assert_true(c > 0);
	assert_int_equal(ask(s, b, 1, 0, 1500), -KQ_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
	assert_int_equal(ask(s, a, 2, 0, 1500), a);
	kq_fetch_sessions_free(s);
}

static void test_fetch_sessions_push_out_the_old_and_smaller(void **state)
{
	(void)state;
	struct kq_fetch_sessions *s = kq_fetch_sessions_new(2, EVICT_MS);
	int32_t a = ask(s, 0, 0, 3, 0), b = ask(s, 0, 0, 2, 0);
	assert_int_equal(ask(s, a, 1, 0, 1500), a);
	assert_int_equal(ask(s, b, 1, 0, 1500), b);
	assert_int_equal(ask(s, 0, 0, 2, 1600), 0); /* not larger than the smallest */
	assert_true(ask(s, 0, 0, 3, 1600) > 0);
	assert_int_equal(ask(s, b, 2, 0, 1600), -KQ_KAFKA_FETCH_SESSION_ID_NOT_FOUND);
	assert_int_equal(ask(s, a, 2, 0, 1600), a);
	kq_fetch_sessions_free(s);
}

static void test_fetch_session_is_used_by_one_request_at_a_time(void **state)
{
	(void)state;
	struct kq_fetch_sessions *s = kq_fetch_sessions_new(2, EVICT_MS);
	int32_t id = ask(s, 0, 0, 2, 0);
	struct kq_fetch_request r = request(id, 1, 0);
	struct kq_fetch_session *f, *g;
	bool full;
	int16_t error;
	kq_fetch_session_begin(s, &r, VERSION, 0, &f, &full, &error);
	assert_non_null(f);
	assert_false(full);
	assert_int_equal(kq_fetch_session_size(f), 2);
	r.session_epoch = 2; /* the same client, come back while its old request waits */
	kq_fetch_session_begin(s, &r, VERSION, 0, &g, &full, &error);
	assert_int_equal(error, KQ_KAFKA_INVALID_FETCH_SESSION_EPOCH);
	r = request(id, 0, 1); /* it begins anew: the old session lives until it is given back */
	kq_fetch_session_begin(s, &r, VERSION, 0, &g, &full, &error);
	assert_non_null(g);
	assert_int_not_equal(kq_fetch_session_id(g), id);
	assert_int_equal(kq_fetch_session_next(f, NULL)->partition, 0);
	kq_fetch_session_end(s, f, 0);
	kq_fetch_session_end(s, g, 0);
	kq_fetch_sessions_free(s);
}

static void test_fetch_session_epochs_count_up(void **state)
{
	(void)state;
	struct kq_fetch_sessions *s = kq_fetch_sessions_new(2, EVICT_MS);
	int32_t id = ask(s, 0, 0, 2, 0);
	for (int32_t epoch = 1; epoch < 100; epoch++)
		assert_int_equal(ask(s, id, epoch, 0, 0), id);
	assert_int_equal(ask(s, id, 99, 0, 0), -KQ_KAFKA_INVALID_FETCH_SESSION_EPOCH);
	assert_int_equal(ask(s, id, INT32_MAX, 0, 0), -KQ_KAFKA_INVALID_FETCH_SESSION_EPOCH);
	kq_fetch_sessions_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fetch_sessions_are_bounded),
		cmocka_unit_test(test_fetch_sessions_push_out_the_idle),
		cmocka_unit_test(test_fetch_sessions_push_out_the_old_and_smaller),
		cmocka_unit_test(test_fetch_session_is_used_by_one_request_at_a_time),
		cmocka_unit_test(test_fetch_session_epochs_count_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
