/* The server with a handler that echoes, waits, closes or sends files as the first
 * byte of the request says. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/reader.h"
#include "base/writer.h"
#include "net/server.h"

enum { WAITING_MAX = 64, FILE_SIZE = 3 << 20 };

static struct fixture {
	struct kq_server *server;
	pthread_mutex_t lock;
	struct kq_exchange *waiting[WAITING_MAX]; /* 'w': completed when the test says so */
	int waiting_n, stopping;
	_Atomic int released, closed, posted;
	int fd; /* 'f' sends FILE_SIZE bytes of it */
} t;

static void echo(struct kq_exchange *x)
{
	uint8_t *copy = malloc(x->frame_len);
	memcpy(copy, x->frame, x->frame_len);
	struct kq_chunk k = { .mem = copy, .len = x->frame_len };
	kq_exchange_complete(x, &k, 1);
}

static void on_release(void *arg)
{
	(void)arg;
	atomic_fetch_add(&t.released, 1);
}

static void send_file(struct kq_exchange *x)
{
	uint8_t *mem = malloc(8);
	memcpy(mem, "headtail", 8);
	struct kq_chunk k[3] = {
		{ .mem = mem, .off = 0, .len = 4, .shared = true },
		{ .fd = t.fd, .pos = 0, .len = FILE_SIZE, .release = on_release },
		{ .mem = mem, .off = 4, .len = 4 },
	};
	kq_exchange_complete(x, k, 3);
}

static void *echo_later(void *x)
{
	echo(x);
	return NULL;
}

static void echo_posted(void *x)
{
	atomic_fetch_add(&t.posted, 1);
	echo(x);
}

static void *post_later(void *x)
{
	kq_exchange_post(x, echo_posted, x);
	return NULL;
}

static void in_thread(void *(*fn)(void *), struct kq_exchange *x)
{
	pthread_t th;
	assert_int_equal(pthread_create(&th, NULL, fn, x), 0);
	pthread_detach(th);
}

static void on_request(void *arg, struct kq_exchange *x)
{
	(void)arg;
	switch (x->frame[0]) {
	case 'w':
		pthread_mutex_lock(&t.lock);
		t.waiting[t.waiting_n++] = x;
		pthread_mutex_unlock(&t.lock);
		break;
	case 't':
		in_thread(echo_later, x);
		break;
	case 'p':
		in_thread(post_later, x);
		break;
	case 's':
		kq_exchange_complete(x, NULL, 0);
		break;
	case 'c':
		kq_exchange_close(x);
		break;
	case 'f':
		send_file(x);
		break;
	case 'm':
		kq_conn_mute(x->conn, 30);
		echo(x);
		break;
	default:
		echo(x);
	}
}

static void on_closed(void *arg, struct kq_conn *c)
{
	(void)arg;
	(void)c;
	atomic_fetch_add(&t.closed, 1);
}

static int waiting(void)
{
	pthread_mutex_lock(&t.lock);
	int n = t.waiting_n;
	pthread_mutex_unlock(&t.lock);
	return n;
}

static int complete_waiting_backwards(void)
{
	struct kq_exchange *x[WAITING_MAX];
	pthread_mutex_lock(&t.lock);
	int n = t.waiting_n;
	memcpy(x, t.waiting, sizeof x);
	t.waiting_n = 0;
	pthread_mutex_unlock(&t.lock);
	for (int i = n; i-- > 0;)
		echo(x[i]);
	return n;
}

static void on_stopping(void *arg)
{
	(void)arg;
	complete_waiting_backwards();
}

static void start(struct kq_server_options o)
{
	static const struct kq_listen here = { "PLAINTEXT", "127.0.0.1", 0 };
	struct kq_error e;
	memset(&t, 0, sizeof t);
	pthread_mutex_init(&t.lock, NULL);
	o.listeners = &here;
	o.listener_count = 1;
	o.threads = o.threads ? o.threads : 2;
	o.frame_bytes_max = o.frame_bytes_max ? o.frame_bytes_max : 64 << 20;
	o.handler = (struct kq_server_handler){ on_request, on_closed, on_stopping, NULL };
	assert_int_equal(kq_server_start(&t.server, &o, &e), 0);
}

static int dial(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)kq_server_port(t.server, 0)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, sizeof at), 0);
	struct timeval tv = { .tv_sec = 20 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	return fd;
}

static void put(int fd, const void *p, size_t n)
{
	const uint8_t *b = p;
	while (n) {
		ssize_t did = send(fd, b, n, MSG_NOSIGNAL);
		assert_true(did > 0);
		b += did;
		n -= (size_t)did;
	}
}

static void put_frame(int fd, const void *p, size_t n)
{
	uint8_t size[4];
	kq_store_u32(size, (uint32_t)n);
	put(fd, size, 4);
	put(fd, p, n);
}

static void get(int fd, void *p, size_t n)
{
	uint8_t *b = p;
	while (n) {
		ssize_t did = recv(fd, b, n, 0);
		assert_true(did > 0);
		b += did;
		n -= (size_t)did;
	}
}

static uint8_t *get_frame(int fd, size_t *n)
{
	uint8_t size[4];
	get(fd, size, 4);
	*n = kq_load_u32(size);
	uint8_t *p = malloc(*n + 1);
	get(fd, p, *n);
	p[*n] = 0;
	return p;
}

static void expect(int fd, const char *text)
{
	size_t n;
	uint8_t *p = get_frame(fd, &n);
	assert_string_equal((char *)p, text);
	free(p);
}

static void expect_end(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);
	assert_true(n == 0 || (n < 0 && errno == ECONNRESET));
	close(fd);
}

static void put_text(int fd, const char *text)
{
	put_frame(fd, text, strlen(text));
}

/* Yields the processor until something is so; the harness ends a test that hangs. */
#define until(cond) while (!(cond)) sched_yield()

static void test_server_answers_in_order_of_requests(void **state)
{
	(void)state;
	start((struct kq_server_options){ 0 });
	int fd = dial();
	put_text(fd, "w1");
	put_text(fd, "e2");
	put_text(fd, "w3");
	put_text(fd, "t4");
	until(waiting() == 2);
	complete_waiting_backwards();
	expect(fd, "w1");
	expect(fd, "e2");
	expect(fd, "w3");
	expect(fd, "t4");
	close(fd);
	kq_server_stop(t.server, 1000);
	assert_int_equal(t.closed, 1);
}

static void test_server_takes_a_frame_byte_by_byte(void **state)
{
	(void)state;
	start((struct kq_server_options){ 0 });
	int fd = dial();
	static const char wire[] = "\0\0\0\5hello\0\0\0\1x";
	for (size_t i = 0; i < sizeof wire - 1; i++)
		put(fd, wire + i, 1);
	expect(fd, "hello");
	expect(fd, "x");
	close(fd);
	kq_server_stop(t.server, 1000);
}

static void echo_of_size(int fd, size_t n)
{
	uint8_t *sent = malloc(n);
	for (size_t i = 0; i < n; i++)
		sent[i] = (uint8_t)(i * 2654435761u >> 13);
	sent[0] = 'e';
	put_frame(fd, sent, n);
	size_t got;
	uint8_t *back = get_frame(fd, &got);
	assert_int_equal(got, n);
	assert_memory_equal(back, sent, n);
	free(back);
	free(sent);
}

static void test_server_echoes_frames_of_all_sizes(void **state)
{
	(void)state;
	static const size_t sizes[] = { 1, 3, 100, 32767, 32768, 32769, 65536, 1 << 20,
					(2 << 20) - 1, (2 << 20) + 1, 9 << 20, 5, 40000 };
	start((struct kq_server_options){ 0 });
	int fd = dial();
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		echo_of_size(fd, sizes[i]);
	close(fd);
	kq_server_stop(t.server, 1000);
}

static void test_server_hands_out_no_more_than_max_pipelined(void **state)
{
	(void)state;
	start((struct kq_server_options){ .max_pipelined = 4 });
	int fd = dial();
	char text[16];
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof text, "w%d", i);
		put_text(fd, text);
	}
	for (int done = 0; done < 50;) {
		until(waiting() > 0);
		assert_true(waiting() <= 4);
		done += complete_waiting_backwards();
	}
	for (int i = 0; i < 50; i++) {
		snprintf(text, sizeof text, "w%d", i);
		expect(fd, text);
	}
	close(fd);
	kq_server_stop(t.server, 1000);
}

static void test_server_sends_nothing_for_a_silent_answer(void **state)
{
	(void)state;
	start((struct kq_server_options){ 0 });
	int fd = dial();
	put_text(fd, "s1");
	put_text(fd, "w2");
	put_text(fd, "s3");
	put_text(fd, "e4");
	until(waiting() == 1);
	complete_waiting_backwards();
	expect(fd, "w2");
	expect(fd, "e4");
	close(fd);
	kq_server_stop(t.server, 1000);
}

static void test_server_close_lets_earlier_answers_out_and_drops_later_ones(void **state)
{
	(void)state;
	start((struct kq_server_options){ 0 });
	int fd = dial();
	put_text(fd, "w1");
	put_text(fd, "c2");
	put_text(fd, "e3");
	until(waiting() == 1);
	complete_waiting_backwards();
	expect(fd, "w1");
	expect_end(fd);
	kq_server_stop(t.server, 1000);
}

static void expect_refused(const char *size)
{
	int fd = dial();
	put_text(fd, "e1");
	put(fd, size, 4);
	put(fd, "garbage", 7);
	expect(fd, "e1");
	expect_end(fd);
}

static void test_server_closes_on_senseless_lengths(void **state)
{
	(void)state;
	start((struct kq_server_options){ .frame_bytes_max = 1000 });
	expect_refused("\0\0\0\0");
	expect_refused("\377\377\377\377");
	expect_refused("\177\377\377\377");
	expect_refused("\0\0\3\351"); /* 1001 */
	kq_server_stop(t.server, 1000);
}

static void get_file(int fd)
{
	size_t n;
	uint8_t *p = get_frame(fd, &n);
	assert_int_equal(n, FILE_SIZE + 8);
	assert_memory_equal(p, "head", 4);
	assert_memory_equal(p + 4 + FILE_SIZE, "tail", 4);
	for (size_t i = 0; i < FILE_SIZE; i += 4)
		assert_int_equal(kq_load_u32(p + 4 + i), i);
	free(p);
}

static void files_are_sent(bool use_sendfile)
{
	char path[] = "/tmp/kq-net-XXXXXX";
	start((struct kq_server_options){ .use_sendfile = use_sendfile, .send_buffer = 20000 });
	t.fd = mkstemp(path);
	unlink(path);
	uint8_t *content = malloc(FILE_SIZE);
	for (size_t i = 0; i < FILE_SIZE; i += 4)
		kq_store_u32(content + i, (uint32_t)i);
	assert_int_equal(write(t.fd, content, FILE_SIZE), FILE_SIZE);
	free(content);
	int fd = dial();
	put_text(fd, "f");
	put_text(fd, "e");
	put_text(fd, "f");
	get_file(fd);
	expect(fd, "e");
	get_file(fd);
	close(fd);
	kq_server_stop(t.server, 1000);
	close(t.fd);
	assert_int_equal(t.released, 2);
}

static void test_server_sends_files_by_copy(void **state)
{
	(void)state;
	files_are_sent(false);
}

static void test_server_sends_files_by_sendfile(void **state)
{
	(void)state;
	files_are_sent(true);
}

static void test_server_releases_chunks_of_a_lost_connection(void **state)
{
	(void)state;
	start((struct kq_server_options){ 0 });
	t.fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	int fd = dial();
	put_text(fd, "w");
	for (int i = 0; i < 5; i++)
		put_text(fd, "f");
	until(waiting() == 1);
	close(fd);
	complete_waiting_backwards();
	until(t.closed == 1);
	kq_server_stop(t.server, 1000);
	close(t.fd);
	assert_int_equal(t.released, 5);
}

static void test_server_ends_idle_and_half_requests(void **state)
{
	(void)state;
	start((struct kq_server_options){ .idle_ms_max = 100 });
	int idle = dial(), half = dial(), busy = dial();
	put(half, "\0\0\0\7abc", 7);
	put_text(busy, "w");
	until(waiting() == 1);
	expect_end(idle);
	expect_end(half);
	complete_waiting_backwards(); /* waited longer than the limit, and is still there */
	expect(busy, "w");
	expect_end(busy);
	struct kq_server_stats st;
	kq_server_stats(t.server, &st);
	assert_int_equal(st.closed_idle, 3);
	kq_server_stop(t.server, 1000);
}

static void test_server_bounds_connections(void **state)
{
	(void)state;
	start((struct kq_server_options){ .connections_max = 2 });
	int a = dial(), b = dial();
	put_text(a, "e");
	expect(a, "e");
	put_text(b, "e");
	expect(b, "e");
	expect_end(dial());
	close(a);
	until(t.closed == 1);
	int c = dial();
	put_text(c, "e");
	expect(c, "e");
	close(b);
	close(c);
	kq_server_stop(t.server, 1000);
}

static void test_server_bounds_connections_by_address(void **state)
{
	(void)state;
	start((struct kq_server_options){ .connections_per_ip_max = 1 });
	int a = dial();
	put_text(a, "e");
	expect(a, "e");
	expect_end(dial());
	close(a);
	until(t.closed == 1);
	a = dial();
	put_text(a, "e");
	expect(a, "e");
	close(a);
	kq_server_stop(t.server, 1000);
}

static void *echo_large(void *arg)
{
	int fd = dial();
	for (int i = 0; i < 5; i++)
		echo_of_size(fd, 300000 + (size_t)(uintptr_t)arg);
	close(fd);
	return NULL;
}

static void test_server_goes_on_above_the_budget(void **state)
{
	(void)state;
	pthread_t th[8];
	start((struct kq_server_options){ .queued_bytes_max = 100000 });
	for (uintptr_t i = 0; i < 8; i++)
		pthread_create(&th[i], NULL, echo_large, (void *)i);
	for (int i = 0; i < 8; i++)
		pthread_join(th[i], NULL);
	until(t.closed == 8);
	struct kq_server_stats st;
	kq_server_stats(t.server, &st);
	assert_int_equal(st.queued_bytes, 0);
	kq_server_stop(t.server, 1000);
}

static void *talk(void *arg)
{
	static const char kinds[] = "etpsetpm";
	char text[32];
	int fd = dial();
	for (int i = 0; i < 200; i++) {
		int burst = 1 + i % 7;
		for (int k = 0; k < burst; k++) {
			snprintf(text, sizeof text, "%c %d.%d", kinds[(i + k) % 8], i, k);
			put_text(fd, text);
		}
		for (int k = 0; k < burst; k++) {
			snprintf(text, sizeof text, "%c %d.%d", kinds[(i + k) % 8], i, k);
			if (*text != 's')
				expect(fd, text);
		}
		if (i % 40 == 39) { /* a fresh connection, the old one with things under way */
			put_text(fd, "t");
			close(fd);
			fd = dial();
		}
	}
	close(fd);
	return arg;
}

static void test_server_completes_from_any_thread(void **state)
{
	(void)state;
	pthread_t th[4];
	start((struct kq_server_options){ 0 });
	for (int i = 0; i < 4; i++)
		pthread_create(&th[i], NULL, talk, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(th[i], NULL);
	assert_true(t.posted > 0);
	kq_server_stop(t.server, 5000);
	assert_int_equal(t.closed, 4 * 6);
}

static void test_server_stop_lets_waiting_requests_answer(void **state)
{
	(void)state;
	start((struct kq_server_options){ 0 });
	int fd = dial();
	put_text(fd, "w1");
	put_text(fd, "w2");
	until(waiting() == 2);
	kq_server_stop(t.server, 5000);
	expect(fd, "w1");
	expect(fd, "w2");
	expect_end(fd);
}

static void test_server_pauses_accepting_without_descriptors(void **state)
{
	(void)state;
	struct rlimit old, low;
	start((struct kq_server_options){ 0 });
	int spare = dial();
	put_text(spare, "e");
	expect(spare, "e");
	int a = socket(AF_INET, SOCK_STREAM, 0);
	getrlimit(RLIMIT_NOFILE, &old);
	low = old;
	low.rlim_cur = (rlim_t)a + 1; /* none is left for accept */
	setrlimit(RLIMIT_NOFILE, &low);
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)kq_server_port(t.server, 0)),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(connect(a, (struct sockaddr *)&at, sizeof at), 0);
	put_text(a, "e new");
	put_text(spare, "e old"); /* those that are there go on */
	expect(spare, "e old");
	setrlimit(RLIMIT_NOFILE, &old);
	expect(a, "e new");
	close(a);
	close(spare);
	kq_server_stop(t.server, 1000);
}

static void test_server_says_why_it_cannot_listen(void **state)
{
	(void)state;
	start((struct kq_server_options){ 0 });
	struct kq_listen same = { "PLAINTEXT", "127.0.0.1", kq_server_port(t.server, 0) };
	struct kq_server_options o = { .listeners = &same, .listener_count = 1,
				       .frame_bytes_max = 100, .handler.request = on_request };
	struct kq_server *second;
	struct kq_error e;
	assert_int_equal(kq_server_start(&second, &o, &e), KQ_EBUSY);
	assert_non_null(strstr(e.text, "127.0.0.1"));
	same.host = "no.such.host.invalid";
	assert_int_equal(kq_server_start(&second, &o, &e), KQ_EINVAL);
	kq_server_stop(t.server, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_server_answers_in_order_of_requests),
		cmocka_unit_test(test_server_takes_a_frame_byte_by_byte),
		cmocka_unit_test(test_server_echoes_frames_of_all_sizes),
		cmocka_unit_test(test_server_hands_out_no_more_than_max_pipelined),
		cmocka_unit_test(test_server_sends_nothing_for_a_silent_answer),
		cmocka_unit_test(test_server_close_lets_earlier_answers_out_and_drops_later_ones),
		cmocka_unit_test(test_server_closes_on_senseless_lengths),
		cmocka_unit_test(test_server_sends_files_by_copy),
		cmocka_unit_test(test_server_sends_files_by_sendfile),
		cmocka_unit_test(test_server_releases_chunks_of_a_lost_connection),
		cmocka_unit_test(test_server_ends_idle_and_half_requests),
		cmocka_unit_test(test_server_bounds_connections),
		cmocka_unit_test(test_server_bounds_connections_by_address),
		cmocka_unit_test(test_server_goes_on_above_the_budget),
		cmocka_unit_test(test_server_completes_from_any_thread),
		cmocka_unit_test(test_server_stop_lets_waiting_requests_answer),
		cmocka_unit_test(test_server_pauses_accepting_without_descriptors),
		cmocka_unit_test(test_server_says_why_it_cannot_listen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
