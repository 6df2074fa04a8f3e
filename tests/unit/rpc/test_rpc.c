/* Connections against a scripted broker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/clock.h"
#include "rpc/rpc.h"
#include "unit/client/fake_broker.h"

enum { PATIENCE_MS = 10000 };

struct scene {
	struct fake fake;
	struct kq_rpc *rpc;
	struct kq_rpc_conn *conn;
	enum fake_fate fate; /* of Metadata requests */
	int answers, errors, last_error;
	int32_t brokers;
};

static enum fake_fate on_request(void *arg, const struct kq_request_head *h, struct kq_reader *body,
				 struct kq_arena *a, struct kq_writer *out)
{
	struct scene *s = arg;
	(void)body;
	(void)a;
	(void)out;
	return h->api_key == KQ_API_METADATA ? s->fate : FAKE_DEFAULT;
}

static void scene_open(struct scene *s, struct kq_rpc_config cfg)
{
	s->fake.handler = on_request;
	s->fake.arg = s;
	fake_start(&s->fake);
	s->rpc = kq_rpc_new(&cfg);
	s->conn = kq_rpc_connect(s->rpc, "127.0.0.1", s->fake.port);
}

static void scene_close(struct scene *s)
{
	kq_rpc_free(s->rpc);
	fake_stop(&s->fake);
}

static void until_state(struct scene *s, enum kq_rpc_state state)
{
	int64_t deadline = kq_clock_mono_ms() + PATIENCE_MS;
	while (kq_rpc_conn_state(s->conn) != state && kq_clock_mono_ms() < deadline)
		kq_rpc_poll(s->rpc, deadline);
	assert_int_equal(kq_rpc_conn_state(s->conn), state);
}

static void done(void *arg, int err, struct kq_rpc_reply *reply)
{
	struct scene *s = arg;
	struct kq_metadata_response r;
	struct kq_arena a;
	if (err) {
		s->errors++;
		s->last_error = err;
		return;
	}
	kq_arena_init(&a, 1 << 20);
	assert_int_equal(kq_rpc_reply_decode(reply, &a, &r), 0);
	s->brokers = r.brokers_n;
	s->answers++;
	kq_arena_deinit(&a);
}

static int ask(struct scene *s, int timeout_ms)
{
	struct kq_metadata_request rq;
	kq_wire_init(kq_api_find(KQ_API_METADATA)->request, &rq);
	struct kq_rpc_request r = { .api_key = KQ_API_METADATA, .body = &rq, .timeout_ms = timeout_ms,
				    .version = kq_rpc_conn_version(s->conn, KQ_API_METADATA, 0, -1),
				    .done = done, .arg = s };
	return kq_rpc_send(s->conn, &r);
}

static void until_done(struct scene *s, int n)
{
	int64_t deadline = kq_clock_mono_ms() + PATIENCE_MS;
	while (s->answers + s->errors < n && kq_clock_mono_ms() < deadline)
		kq_rpc_poll(s->rpc, deadline);
	assert_int_equal(s->answers + s->errors, n);
}

static void test_rpc_asks_and_is_answered(void **state)
{
	(void)state;
	struct scene s = { 0 };
	scene_open(&s, KQ_RPC_CONFIG_DEFAULT);
	until_state(&s, KQ_RPC_READY);
	assert_int_equal(kq_rpc_conn_version(s.conn, KQ_API_METADATA, 0, -1), 12);
	assert_int_equal(kq_rpc_conn_version(s.conn, KQ_API_METADATA, 0, 4), 4);
	assert_int_equal(kq_rpc_conn_version(s.conn, KQ_API_METADATA, 13, -1), KQ_EUNSUPPORTED);
	assert_int_equal(ask(&s, 0), 0);
	until_done(&s, 1);
	assert_int_equal(s.brokers, 1);
	scene_close(&s);
}

static void test_rpc_comes_back_with_a_version_the_broker_knows(void **state)
{
	(void)state;
	for (int max = 1; max < 4; max++) {
		struct scene s = { .fake = { .api_versions_max = max } };
		scene_open(&s, KQ_RPC_CONFIG_DEFAULT);
		until_state(&s, KQ_RPC_READY);
		assert_int_equal(atomic_load(&s.fake.connections), 1);
		scene_close(&s);
	}
}

static void test_rpc_fails_what_is_under_way_when_the_connection_goes(void **state)
{
	(void)state;
	struct scene s = { .fate = FAKE_DROP };
	scene_open(&s, KQ_RPC_CONFIG_DEFAULT);
	until_state(&s, KQ_RPC_READY);
	assert_int_equal(ask(&s, 0), 0);
	assert_int_equal(ask(&s, 0), 0);
	until_done(&s, 2);
	assert_int_equal(s.errors, 2);
	assert_int_equal(s.last_error, KQ_ECONN);
	assert_int_equal(kq_rpc_conn_state(s.conn), KQ_RPC_IDLE);
	scene_close(&s);
}

static void test_rpc_connects_again_when_it_is_wanted(void **state)
{
	(void)state;
	struct scene s = { .fate = FAKE_DROP };
	struct kq_rpc_config cfg = KQ_RPC_CONFIG_DEFAULT;
	cfg.backoff_ms = 1;
	scene_open(&s, cfg);
	until_state(&s, KQ_RPC_READY);
	assert_int_equal(ask(&s, 0), 0);
	until_done(&s, 1);
	s.fate = FAKE_DEFAULT;
	assert_ptr_equal(kq_rpc_connect(s.rpc, "127.0.0.1", s.fake.port), s.conn);
	until_state(&s, KQ_RPC_READY);
	assert_int_equal(ask(&s, 0), 0);
	until_done(&s, 2);
	assert_int_equal(s.answers, 1);
	scene_close(&s);
}

static void test_rpc_gives_up_a_request_in_time(void **state)
{
	(void)state;
	struct scene s = { .fate = FAKE_SILENT };
	scene_open(&s, KQ_RPC_CONFIG_DEFAULT);
	until_state(&s, KQ_RPC_READY);
	assert_int_equal(ask(&s, 20), 0);
	until_done(&s, 1);
	assert_int_equal(s.last_error, KQ_ETIMEOUT);
	scene_close(&s);
}

static void test_rpc_bounds_what_is_under_way(void **state)
{
	(void)state;
	struct scene s = { .fate = FAKE_SILENT };
	struct kq_rpc_config cfg = KQ_RPC_CONFIG_DEFAULT;
	cfg.in_flight_max = 2;
	scene_open(&s, cfg);
	until_state(&s, KQ_RPC_READY);
	assert_int_equal(ask(&s, 0), 0);
	assert_int_equal(ask(&s, 0), 0);
	assert_int_equal(ask(&s, 0), KQ_EAGAIN);
	assert_int_equal(kq_rpc_conn_in_flight(s.conn), 2);
	scene_close(&s);
	assert_int_equal(s.last_error, KQ_ECLOSED);
	assert_int_equal(s.errors, 2);
}

static void test_rpc_says_why_nobody_is_there(void **state)
{
	(void)state;
	struct kq_rpc_config cfg = KQ_RPC_CONFIG_DEFAULT;
	struct kq_rpc *r = kq_rpc_new(&cfg);
	struct kq_rpc_conn *c = kq_rpc_connect(r, "127.0.0.1", 1);
	int64_t deadline = kq_clock_mono_ms() + PATIENCE_MS;
	while (!kq_rpc_conn_failures(c) && kq_clock_mono_ms() < deadline)
		kq_rpc_poll(r, deadline);
	assert_int_equal(kq_rpc_conn_error(c)->code, KQ_ECONN);
	assert_string_equal(kq_rpc_conn_error(c)->text, "127.0.0.1:1: Connection refused");
	kq_rpc_free(r);
}

/* A server that says these bytes to whoever connects. */
static void *say_bytes(void *arg)
{
	int *pair = arg; /* listener, which text */
	static const char *const TEXT[] = { "\x15\x03\x01\x00\x02\x02\x46", "HTTP/1.1 400 Bad Request\r\n",
					    "\x7f\xff\xff\xff........" };
	int fd = accept(pair[0], NULL, NULL);
	char rest[256];
	send(fd, TEXT[pair[1]], strlen(TEXT[pair[1]]) + (pair[1] == 0 ? 3 : 0), MSG_NOSIGNAL);
	while (recv(fd, rest, sizeof(rest), 0) > 0)
		;
	close(fd);
	return NULL;
}

static void test_rpc_names_ports_that_speak_something_else(void **state)
{
	(void)state;
	static const char *const WORDS[] = { "TLS", "HTTP", "is this a Kafka broker?" };
	for (int i = 0; i < 3; i++) {
		struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
		socklen_t n = sizeof(at);
		pthread_t t;
		int pair[2] = { socket(AF_INET, SOCK_STREAM, 0), i };
		assert_int_equal(bind(pair[0], (struct sockaddr *)&at, sizeof(at)), 0);
		listen(pair[0], 1);
		getsockname(pair[0], (struct sockaddr *)&at, &n);
		pthread_create(&t, NULL, say_bytes, pair);
		struct kq_rpc_config cfg = KQ_RPC_CONFIG_DEFAULT;
		struct kq_rpc *r = kq_rpc_new(&cfg);
		struct kq_rpc_conn *c = kq_rpc_connect(r, "127.0.0.1", ntohs(at.sin_port));
		int64_t deadline = kq_clock_mono_ms() + PATIENCE_MS;
		while (!kq_rpc_conn_failures(c) && kq_clock_mono_ms() < deadline)
			kq_rpc_poll(r, deadline);
		assert_non_null(strstr(kq_rpc_conn_error(c)->text, WORDS[i]));
		kq_rpc_free(r);
		pthread_join(t, NULL);
		close(pair[0]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rpc_asks_and_is_answered),
		cmocka_unit_test(test_rpc_comes_back_with_a_version_the_broker_knows),
		cmocka_unit_test(test_rpc_fails_what_is_under_way_when_the_connection_goes),
		cmocka_unit_test(test_rpc_connects_again_when_it_is_wanted),
		cmocka_unit_test(test_rpc_gives_up_a_request_in_time),
		cmocka_unit_test(test_rpc_bounds_what_is_under_way),
		cmocka_unit_test(test_rpc_says_why_nobody_is_there),
		cmocka_unit_test(test_rpc_names_ports_that_speak_something_else),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
