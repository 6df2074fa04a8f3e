/* What the bench measures below the tools, by raw requests on blocking sockets, so
 * that any broker is measured by the same few instructions.
 *
 *   probe seek HOST PORT TOPIC N        N random offsets of partition 0: the first
 *                                       record at each; prints us per fetch
 *   probe latency HOST PORT TOPIC RATE SECONDS
 *                                       producer and consumer at RATE records/s;
 *                                       prints p50 and p99 in us, counted from when
 *                                       each record was due
 *   probe batches HOST PORT TOPIC SIZE BYTES
 *                                       produces BYTES in batches of SIZE, acks=1,
 *                                       five requests in flight
 *   probe swarm HOST PORT TOPIC PARTITIONS PRODUCERS SECONDS
 *                                       so many connections, one batch of 4 KB in
 *                                       flight on each; prints batches a second
 *   probe idle HOST PORT N              N connections that asked once and then hold
 *                                       still until stdin ends; prints ready
 *   probe start PORT COMMAND...         starts COMMAND, asks 127.0.0.1:PORT until it
 *                                       answers, prints the ms that took, ends it
 *   probe cpu PID                       CPU time of a process in s */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "record/builder.h"
#include "wire/api.h"
#include "wire/framing.h"
#include "wire/messages.h"

enum { FETCH_VERSION = 4, PRODUCE_VERSION = 7, LIST_VERSION = 1, ANSWER_MAX = 64 << 20 };

static void die(const char *what)
{
	fprintf(stderr, "probe: %s\n", what);
	exit(1);
}

static int try_dial(const char *host, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
	if (inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
	    connect(fd, (struct sockaddr *)&to, sizeof to) < 0) {
		close(fd);
		return -1;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

static int dial(const char *host, const char *port)
{
	int fd = try_dial(host, port);
	if (fd < 0)
		die("cannot connect");
	return fd;
}

static void send_all(int fd, const uint8_t *p, size_t n)
{
	while (n) {
		ssize_t k = write(fd, p, n);
		if (k <= 0)
			die("connection lost while writing");
		p += k;
		n -= (size_t)k;
	}
}

static void read_all(int fd, uint8_t *p, size_t n)
{
	while (n) {
		ssize_t k = read(fd, p, n);
		if (k <= 0)
			die("connection lost while reading");
		p += k;
		n -= (size_t)k;
	}
}

static void ask(int fd, struct kq_writer *w, int key, int version, const void *body)
{
	struct kq_request_head h = { .api_key = (int16_t)key, .api_version = (int16_t)version,
				     .client_id = KQ_STR("probe") };
	kq_writer_reset(w);
	size_t start = kq_frame_begin(w);
	kq_api_write_request_head(w, &h);
	if (kq_wire_encode(kq_api_find(key)->request, version, w, body, NULL) ||
	    kq_frame_end(w, start, 0))
		die("request does not encode");
	send_all(fd, w->buf, w->len);
}

/* The next answer's bytes after its header, in buf. */
static size_t answer(int fd, uint8_t *buf)
{
	uint8_t head[4];
	read_all(fd, head, 4);
	int64_t n = kq_frame_size(head, ANSWER_MAX);
	if (n < 4)
		die("bad answer");
	read_all(fd, buf, (size_t)n);
	return (size_t)n;
}

static void decode(int key, int version, uint8_t *buf, size_t n, struct kq_arena *a, void *msg)
{
	struct kq_reader r;
	int32_t id;
	kq_reader_init(&r, buf, n);
	kq_arena_reset(a);
	if (kq_api_read_response_head(&r, key, version, &id) ||
	    kq_wire_decode(kq_api_find(key)->response, version, &r, a, msg))
		die("answer does not decode");
}

struct session {
	int fd;
	struct kq_str topic;
	struct kq_writer w;
	struct kq_arena arena;
	uint8_t *buf;
};

/* Fetches at offset; the batch's bytes in *records; returns the high watermark, -1 for
 * any error. */
static int64_t try_fetch(struct session *s, int64_t offset, int wait_ms, struct kq_bytes *records)
{
	struct kq_fetch_request_fetch_partition part = { .fetch_offset = offset, .partition_max_bytes = 1 << 20,
		.current_leader_epoch = -1, .last_fetched_epoch = -1, .log_start_offset = -1 };
	struct kq_fetch_request_fetch_topic topic = { .topic = s->topic, .partitions = &part, .partitions_n = 1 };
	struct kq_fetch_request req;
	kq_wire_init(kq_api_find(KQ_API_FETCH)->request, &req);
	req.max_wait_ms = wait_ms;
	req.min_bytes = 1;
	req.max_bytes = wait_ms ? 1 << 20 : 1;
	req.topics = &topic;
	req.topics_n = 1;
	ask(s->fd, &s->w, KQ_API_FETCH, FETCH_VERSION, &req);
	size_t n = answer(s->fd, s->buf);
	struct kq_fetch_response resp;
	decode(KQ_API_FETCH, FETCH_VERSION, s->buf, n, &s->arena, &resp);
	if (resp.responses_n != 1 || resp.responses[0].partitions_n != 1 || resp.responses[0].partitions[0].error_code)
		return -1;
	*records = resp.responses[0].partitions[0].records;
	return resp.responses[0].partitions[0].high_watermark;
}

static int64_t fetch(struct session *s, int64_t offset, int wait_ms, struct kq_bytes *records)
{
	int64_t hw = try_fetch(s, offset, wait_ms, records);
	if (hw < 0)
		die("fetch failed");
	return hw;
}

static void session_init(struct session *s, char **argv)
{
	s->fd = dial(argv[2], argv[3]);
	s->topic = (struct kq_str){ argv[4], (int32_t)strlen(argv[4]) };
	kq_writer_init(&s->w, ANSWER_MAX);
	kq_arena_init(&s->arena, 1 << 20);
	s->buf = malloc(ANSWER_MAX);
	/* A topic that was just created has no leader yet. */
	struct kq_bytes got;
	for (int tries = 0; try_fetch(s, 0, 0, &got) < 0; tries++) {
		if (tries == 1000)
			die("the topic cannot be fetched");
		usleep(10000);
	}
}

static int seek_probe(char **argv)
{
	struct session s;
	session_init(&s, argv);
	int n = atoi(argv[5]);
	struct kq_bytes got;
	int64_t hw = fetch(&s, 0, 0, &got);
	if (hw <= 0)
		die("empty topic");
	unsigned short seed[3] = { 1, 2, 3 };
	int64_t t0 = kq_clock_mono_us();
	for (int i = 0; i < n; i++) {
		int64_t offset = (int64_t)(erand48(seed) * (double)hw);
		struct kq_batch b;
		fetch(&s, offset, 0, &got);
		int rc = kq_batch_peek(got.p, got.len < 0 ? 0 : (size_t)got.len, &b);
		if (rc || b.base_offset > offset || kq_batch_last_offset(&b) < offset)
			die("the wrong batch came");
	}
	printf("%.2f\n", (double)(kq_clock_mono_us() - t0) / n);
	return 0;
}

struct latency {
	char **argv;
	int64_t from;
	int want, got;
	int64_t *us;
};

static void produce(struct session *s, int partition, uint8_t *batch, size_t n)
{
	struct kq_produce_request_partition_produce_data part = { .index = partition,
		.records = { batch, (int32_t)n } };
	struct kq_produce_request_topic_produce_data topic = { .name = s->topic, .partition_data = &part,
		.partition_data_n = 1 };
	struct kq_produce_request req;
	kq_wire_init(kq_api_find(KQ_API_PRODUCE)->request, &req);
	req.acks = KQ_ACKS_LEADER;
	req.timeout_ms = 30000;
	req.topic_data = &topic;
	req.topic_data_n = 1;
	ask(s->fd, &s->w, KQ_API_PRODUCE, PRODUCE_VERSION, &req);
}

static void produced(struct session *s)
{
	struct kq_produce_response resp;
	size_t n = answer(s->fd, s->buf);
	decode(KQ_API_PRODUCE, PRODUCE_VERSION, s->buf, n, &s->arena, &resp);
	if (resp.responses[0].partition_responses[0].error_code)
		die("produce failed");
}

static void *consume(void *arg)
{
	struct latency *l = arg;
	struct session s;
	session_init(&s, l->argv);
	int64_t offset = l->from;
	while (l->got < l->want) {
		struct kq_bytes bytes;
		fetch(&s, offset, 500, &bytes);
		int64_t now = kq_clock_mono_us();
		struct kq_batch b;
		size_t left = bytes.len < 0 ? 0 : (size_t)bytes.len;
		const uint8_t *p = bytes.p;
		while (left && kq_batch_peek(p, left, &b) == 0) {
			struct kq_record_iter it;
			struct kq_record rec;
			kq_record_iter_init(&it, &b, p + KQ_BATCH_HEADER_SIZE, (size_t)b.size - KQ_BATCH_HEADER_SIZE);
			while (kq_record_next(&it, &rec) > 0) {
				int64_t sent;
				if (rec.offset < offset || l->got == l->want)
					continue;
				memcpy(&sent, rec.value.p, sizeof sent);
				l->us[l->got++] = now - sent;
			}
			offset = kq_batch_last_offset(&b) + 1;
			p += b.size;
			left -= (size_t)b.size;
		}
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

/* Waits until the record is due or an answer has come. */
static bool wait_due(struct session *s, int64_t due_us, int flying)
{
	struct pollfd p = { .fd = s->fd, .events = POLLIN };
	int64_t left = due_us - kq_clock_mono_us();
	if (left < 0)
		left = 0;
	struct timespec t = { left / 1000000, left % 1000000 * 1000 };
	return ppoll(&p, flying ? 1 : 0, &t, NULL) > 0;
}

/* Records that are due go out at once as one batch while fewer than five requests are
 * in flight: what a client without linger does. */
static void send_paced(struct session *s, const struct latency *l, int rate)
{
	struct kq_builder b;
	uint8_t value[100] = { 0 }, *batch;
	size_t n;
	int flying = 0;
	kq_builder_init(&b, 1 << 20);
	prctl(PR_SET_TIMERSLACK, 1);
	int64_t start = kq_clock_mono_us();
	for (int sent = 0; sent < l->want || flying;) {
		int64_t due = start + (int64_t)sent * 1000000 / rate, now;
		if (flying == 5 || sent == l->want || wait_due(s, due, flying)) {
			produced(s);
			flying--;
			continue;
		}
		kq_builder_begin(&b, kq_clock_wall_ms());
		for (now = kq_clock_mono_us(); sent < l->want && due <= now; sent++) {
			memcpy(value, &due, sizeof due);
			kq_builder_append(&b, b.base_timestamp, KQ_BYTES_NULL,
					  (struct kq_bytes){ value, sizeof value }, 0, KQ_BYTES_NULL);
			due = start + (int64_t)(sent + 1) * 1000000 / rate;
		}
		if (!b.count)
			continue;
		kq_builder_finish(&b, &(struct kq_seal){ KQ_SEAL_NO_PRODUCER }, &batch, &n);
		produce(s, 0, batch, n);
		flying++;
	}
}

static int latency_probe(char **argv)
{
	int rate = atoi(argv[5]), seconds = atoi(argv[6]);
	struct session s;
	session_init(&s, argv);
	struct kq_bytes got;
	struct latency l = { .argv = argv, .from = fetch(&s, 0, 0, &got), .want = rate * seconds };
	l.us = calloc((size_t)l.want, sizeof *l.us);
	pthread_t t;
	pthread_create(&t, NULL, consume, &l);
	send_paced(&s, &l, rate);
	pthread_join(t, NULL);
	int skip = l.want / 10; /* the first tenth warms up */
	qsort(l.us + skip, (size_t)(l.want - skip), sizeof *l.us, compare);
	int n = l.want - skip;
	printf("%lld %lld\n", (long long)l.us[skip + n / 2], (long long)l.us[skip + n / 100 * 99]);
	return 0;
}

/* A full batch of size bytes with records of 250 bytes, never freed. */
static uint8_t *full_batch(size_t size, size_t *n)
{
	struct kq_builder b;
	uint8_t value[250], *batch;
	memset(value, 'x', sizeof value);
	kq_builder_init(&b, size);
	kq_builder_begin(&b, kq_clock_wall_ms());
	while (kq_builder_append(&b, b.base_timestamp, KQ_BYTES_NULL,
				 (struct kq_bytes){ value, sizeof value }, 0, KQ_BYTES_NULL) == 0)
		;
	kq_builder_finish(&b, &(struct kq_seal){ KQ_SEAL_NO_PRODUCER }, &batch, n);
	return batch;
}

static int batches_probe(char **argv)
{
	int64_t bytes = atoll(argv[6]);
	struct session s;
	session_init(&s, argv);
	size_t n;
	uint8_t *batch = full_batch((size_t)atoll(argv[5]), &n);
	int flying = 0;
	for (; bytes > 0; bytes -= (int64_t)n) {
		if (flying == 5) {
			produced(&s);
			flying--;
		}
		produce(&s, 0, batch, n);
		flying++;
	}
	while (flying--)
		produced(&s);
	return 0;
}

enum { SWARM_MAX = 1024 };

static int swarm_probe(char **argv)
{
	int partitions = atoi(argv[5]), producers = atoi(argv[6]);
	static struct session s[SWARM_MAX];
	static struct pollfd p[SWARM_MAX];
	size_t n;
	uint8_t *batch = full_batch(4096, &n);
	int64_t done = 0;
	if (producers > SWARM_MAX)
		die("too many producers");
	for (int i = 0; i < producers; i++) {
		session_init(&s[i], argv);
		p[i] = (struct pollfd){ .fd = s[i].fd, .events = POLLIN };
	}
	int64_t start = kq_clock_mono_us(), end = start + atoll(argv[7]) * 1000000, now = start;
	for (int i = 0; i < producers; i++)
		produce(&s[i], i % partitions, batch, n);
	for (; now < end; now = kq_clock_mono_us()) {
		poll(p, (nfds_t)producers, 1000);
		for (int i = 0; i < producers; i++) {
			if (!p[i].revents)
				continue;
			produced(&s[i]);
			produce(&s[i], i % partitions, batch, n);
			done++;
		}
	}
	printf("%.1f\n", (double)done * 1e6 / (double)(now - start));
	return 0;
}

/* An ApiVersions request of version 0 in bytes: it goes out before anything of the
 * broker is known. */
static bool ask_versions(int fd)
{
	static const uint8_t request[14] = { 0, 0, 0, 10, 0, KQ_API_API_VERSIONS, 0, 0, 0, 0, 0, 1, 255, 255 };
	uint8_t byte;
	return write(fd, request, sizeof request) == (ssize_t)sizeof request && read(fd, &byte, 1) == 1;
}

static int idle_probe(char **argv)
{
	char byte;
	for (int n = atoi(argv[4]); n > 0; n--)
		if (!ask_versions(dial(argv[2], argv[3])))
			die("no answer");
	puts("ready");
	fflush(stdout);
	while (read(0, &byte, 1) > 0)
		;
	return 0;
}

static int start_probe(char **argv)
{
	int64_t start = kq_clock_mono_us(), took;
	int fd = -1, status;
	pid_t pid = fork();
	if (pid == 0) {
		if (dup2(2, 1) < 0)
			_exit(126);
		execvp(argv[3], argv + 3);
		_exit(127);
	}
	signal(SIGPIPE, SIG_IGN);
	while ((fd = try_dial("127.0.0.1", argv[2])) < 0 || !ask_versions(fd)) {
		close(fd);
		if (waitpid(pid, &status, WNOHANG) == pid)
			die("the broker ended");
		usleep(200);
	}
	took = kq_clock_mono_us() - start;
	printf("%.2f\n", (double)took / 1000);
	kill(pid, SIGTERM);
	waitpid(pid, &status, 0);
	return 0;
}

static int cpu_probe(char **argv)
{
	clockid_t clock;
	struct timespec t;
	if (clock_getcpuclockid(atoi(argv[2]), &clock) || clock_gettime(clock, &t))
		die("no such process");
	printf("%lld.%06ld\n", (long long)t.tv_sec, t.tv_nsec / 1000);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int args; /* at least */
		int (*run)(char **argv);
	} verbs[] = {
		{ "seek", 6, seek_probe }, { "latency", 7, latency_probe }, { "batches", 7, batches_probe },
		{ "swarm", 8, swarm_probe }, { "idle", 5, idle_probe }, { "start", 4, start_probe },
		{ "cpu", 3, cpu_probe },
	};
	for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++)
		if (argc >= verbs[i].args && !strcmp(argv[1], verbs[i].name))
			return verbs[i].run(argv);
	fprintf(stderr, "usage: probe seek|latency|batches|swarm|idle|start|cpu ARGUMENT...\n");
	return 2;
}
