/* A broker made of a script, for tests of the client side: one thread, one connection
 * at a time, on a free port of the loopback. It speaks ApiVersions, Metadata,
 * DescribeConfigs and InitProducerId by itself; the test says what becomes of the rest. */
#ifndef KQ_TEST_FAKE_BROKER_H
#define KQ_TEST_FAKE_BROKER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "record/record.h"
#include "wire/api.h"
#include "wire/messages.h"

enum fake_fate {
	FAKE_DEFAULT,  /* not mine: answer as usual */
	FAKE_ANSWERED, /* the body has been written to out */
	FAKE_DROP,     /* close the connection without an answer */
	FAKE_SILENT,   /* never answer */
};

struct fake;
typedef enum fake_fate fake_handler(void *arg, const struct kq_request_head *h, struct kq_reader *body,
				    struct kq_arena *a, struct kq_writer *out);

struct fake {
	int listener, port;
	pthread_t thread;
	atomic_bool stop;
	atomic_int connections;
	atomic_int fd; /* the connection, -1 none */
	fake_handler *handler;
	void *arg;
	int32_t partitions;
	int32_t record_max;    /* max.message.bytes that it tells */
	atomic_int next_pid;
	int advertised_port;   /* what metadata calls it; 0: the true one */
	int api_versions_max;  /* of ApiVersions itself; 4 */
};

static void fake_encode(struct kq_writer *out, const struct kq_request_head *h, const void *msg)
{
	int rc = kq_wire_encode(kq_api_find(h->api_key)->response, h->api_version, out, msg, NULL);
	if (rc)
		abort();
}

static void fake_api_versions(struct fake *f, const struct kq_request_head *h, struct kq_writer *out)
{
	struct kq_api_versions_response r;
	struct kq_api_versions_response_api_version keys[100];
	const struct kq_api *api;
	int n = 0;
	kq_wire_init(kq_api_find(18)->response, &r);
	for (int i = 0; (api = kq_api_at(i)); i++) {
		kq_wire_init(kq_api_find(18)->response, &r);
		memset(&keys[n], 0, sizeof(keys[n]));
		keys[n].api_key = api->key;
		keys[n].max_version = (int16_t)(api->key == 18 ? f->api_versions_max :
						kq_schema_max_version(api->request));
		n++;
	}
	r.api_keys = keys;
	r.api_keys_n = n;
	struct kq_request_head as = *h;
	if (h->api_version > f->api_versions_max) {
		r.error_code = 35;
		as.api_version = 0;
	}
	fake_encode(out, &as, &r);
}

static void fake_metadata(struct fake *f, const struct kq_request_head *h, struct kq_reader *body,
			  struct kq_arena *a, struct kq_writer *out)
{
	struct kq_metadata_request rq;
	struct kq_metadata_response r;
	struct kq_metadata_response_metadata_response_broker broker = {
		.node_id = 1, .host = KQ_STR("127.0.0.1"), .rack = KQ_STR_NULL };
	int32_t self = 1;
	broker.port = f->advertised_port ? f->advertised_port : f->port;
	if (kq_wire_decode(kq_api_find(3)->request, h->api_version, body, a, &rq))
		abort();
	int32_t n = rq.topics_n > 0 ? rq.topics_n : 0;
	struct kq_metadata_response_metadata_response_topic *t = kq_arena_array(a, (size_t)n + 1, sizeof(*t));
	for (int32_t i = 0; i < n; i++) {
		t[i].name = rq.topics[i].name;
		t[i].topic_id.b[15] = (uint8_t)(i + 1);
		t[i].topic_authorized_operations = INT32_MIN;
		t[i].partitions_n = f->partitions;
		t[i].partitions = kq_arena_array(a, (size_t)f->partitions, sizeof(*t[i].partitions));
		for (int32_t k = 0; k < f->partitions; k++) {
			t[i].partitions[k].partition_index = k;
			t[i].partitions[k].leader_id = 1;
			t[i].partitions[k].replica_nodes = t[i].partitions[k].isr_nodes = &self;
			t[i].partitions[k].replica_nodes_n = t[i].partitions[k].isr_nodes_n = 1;
		}
	}
	kq_wire_init(kq_api_find(3)->response, &r);
	r.brokers = &broker;
	r.brokers_n = 1;
	r.controller_id = 1;
	r.topics = t;
	r.topics_n = n;
	fake_encode(out, h, &r);
}

static void fake_configs(struct fake *f, const struct kq_request_head *h, struct kq_writer *out)
{
	struct kq_describe_configs_response r;
	struct kq_describe_configs_response_describe_configs_result result;
	struct kq_describe_configs_response_describe_configs_resource_result config;
	char text[16];
	memset(&result, 0, sizeof(result));
	memset(&config, 0, sizeof(config));
	kq_wire_init(kq_api_find(32)->response, &r);
	config.name = KQ_STR("max.message.bytes");
	config.value = (struct kq_str){ text, snprintf(text, sizeof(text), "%d", (int)f->record_max) };
	config.documentation = KQ_STR_NULL;
	result.error_message = KQ_STR_NULL;
	result.resource_name = KQ_STR("t");
	result.resource_type = 2;
	result.configs = &config;
	result.configs_n = 1;
	r.results = &result;
	r.results_n = 1;
	fake_encode(out, h, &r);
}

static enum fake_fate fake_default(struct fake *f, const struct kq_request_head *h, struct kq_reader *body,
				   struct kq_arena *a, struct kq_writer *out)
{
	struct kq_init_producer_id_response pid;
	switch (h->api_key) {
	case KQ_API_API_VERSIONS:
		fake_api_versions(f, h, out);
		return FAKE_ANSWERED;
	case KQ_API_METADATA:
		fake_metadata(f, h, body, a, out);
		return FAKE_ANSWERED;
	case KQ_API_DESCRIBE_CONFIGS:
		fake_configs(f, h, out);
		return FAKE_ANSWERED;
	case KQ_API_INIT_PRODUCER_ID:
		kq_wire_init(kq_api_find(22)->response, &pid);
		pid.producer_id = 1000 + atomic_fetch_add(&f->next_pid, 1);
		fake_encode(out, h, &pid);
		return FAKE_ANSWERED;
	default:
		return FAKE_DROP;
	}
}

static bool fake_read(int fd, void *p, size_t n)
{
	return recv(fd, p, n, MSG_WAITALL) == (ssize_t)n;
}

/* One request; false ends the connection. */
static bool fake_serve(struct fake *f, int fd)
{
	uint8_t size[4];
	if (!fake_read(fd, size, 4))
		return false;
	size_t n = kq_load_u32(size);
	uint8_t *frame = malloc(n);
	struct kq_request_head h;
	struct kq_reader r;
	struct kq_arena a;
	struct kq_writer body, out;
	kq_arena_init(&a, 16 << 20);
	kq_writer_init(&body, 64 << 20);
	kq_writer_init(&out, 64 << 20);
	enum fake_fate fate = FAKE_DROP;
	if (fake_read(fd, frame, n)) {
		kq_reader_init(&r, frame, n);
		int rc = kq_api_read_request_head(&r, &h);
		fate = rc && h.api_key != KQ_API_API_VERSIONS ? FAKE_DROP :
		       f->handler ? f->handler(f->arg, &h, &r, &a, &body) : FAKE_DEFAULT;
		if (fate == FAKE_DEFAULT)
			fate = fake_default(f, &h, &r, &a, &body);
	}
	if (fate == FAKE_ANSWERED) {
		kq_write_i32(&out, 0);
		kq_api_write_response_head(&out, h.api_key, h.api_version, h.correlation_id);
		kq_write_bytes(&out, body.buf, body.len);
		kq_store_i32(out.buf, (int32_t)out.len - 4);
		if (send(fd, out.buf, out.len, MSG_NOSIGNAL) < 0)
			fate = FAKE_DROP;
	}
	kq_writer_deinit(&out);
	kq_writer_deinit(&body);
	kq_arena_deinit(&a);
	free(frame);
	return fate != FAKE_DROP;
}

static void *fake_run(void *arg)
{
	struct fake *f = arg;
	while (!atomic_load(&f->stop)) {
		int fd = accept(f->listener, NULL, NULL);
		if (fd < 0)
			break;
		atomic_fetch_add(&f->connections, 1);
		atomic_store(&f->fd, fd);
		while (!atomic_load(&f->stop) && fake_serve(f, fd))
			;
		atomic_store(&f->fd, -1);
		close(fd);
	}
	return NULL;
}

static inline void fake_start(struct fake *f)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(at);
	atomic_store(&f->fd, -1);
	f->listener = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(f->listener, (struct sockaddr *)&at, sizeof(at)) || listen(f->listener, 8) ||
	    getsockname(f->listener, (struct sockaddr *)&at, &n))
		abort();
	f->port = ntohs(at.sin_port);
	if (!f->partitions)
		f->partitions = 1;
	if (!f->record_max)
		f->record_max = 1048588;
	if (!f->api_versions_max)
		f->api_versions_max = 4;
	pthread_create(&f->thread, NULL, fake_run, f);
}

/* Closes the connection too, so that a client sees it go. */
static inline void fake_stop(struct fake *f)
{
	atomic_store(&f->stop, true);
	int fd = atomic_load(&f->fd);
	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
	shutdown(f->listener, SHUT_RDWR);
	pthread_join(f->thread, NULL);
	close(f->listener);
}

#endif
