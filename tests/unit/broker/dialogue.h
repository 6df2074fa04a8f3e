/* A broker in this process and a client that speaks the protocol to it as tables:
 * for tests of what the broker answers. */
#ifndef KQ_TESTS_BROKER_DIALOGUE_H
#define KQ_TESTS_BROKER_DIALOGUE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <netinet/in.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/arena.h"
#include "kq/broker.h"
#include "record/batch.h"
#include "record/builder.h"
#include "wire/api.h"
#include "wire/errors.h"
#include "wire/messages.h"

struct dialogue {
	char dir[64];
	struct kq_broker_config *config;
	struct kq_broker *broker;
	struct kq_arena arena; /* of decoded answers, until the test's end */
	struct kq_builder builder;
	int fd;                /* the first connection */
};

static inline int dialogue_dial(const struct dialogue *d)
{
	const char *at = kq_broker_address(d->broker, 0);
	struct sockaddr_in sin = { .sin_family = AF_INET,
				   .sin_port = htons((uint16_t)atoi(strrchr(at, ':') + 1)),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof sin), 0);
	struct timeval tv = { .tv_sec = 20 };
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv);
	return fd;
}

static inline void dialogue_serve(struct dialogue *d, const char *policy)
{
	struct kq_error e = { 0 };
	d->config = kq_broker_config_new();
	assert_int_equal(kq_broker_config_set(d->config, "listeners", "PLAINTEXT://127.0.0.1:0",
					      "test", &e), 0);
	assert_int_equal(kq_broker_config_set(d->config, "log.dirs", d->dir, "test", &e), 0);
	assert_int_equal(kq_broker_config_set(d->config, "flush.policy", policy, "test", &e), 0);
	if (kq_broker_start(&d->broker, d->config, &e))
		fail_msg("%s", e.text);
	d->fd = dialogue_dial(d);
}

static inline void dialogue_begin(struct dialogue *d, const char *policy)
{
	strcpy(d->dir, "/tmp/kq-broker-XXXXXX");
	assert_non_null(mkdtemp(d->dir));
	kq_arena_init(&d->arena, 64 << 20);
	kq_builder_init(&d->builder, 16 << 20);
	dialogue_serve(d, policy);
}

static inline void dialogue_hang_up(struct dialogue *d)
{
	close(d->fd);
	kq_broker_stop(d->broker);
	kq_broker_config_free(d->config);
}

static inline void dialogue_end(struct dialogue *d)
{
	char cmd[128];
	dialogue_hang_up(d);
	kq_builder_deinit(&d->builder);
	kq_arena_deinit(&d->arena);
	snprintf(cmd, sizeof cmd, "rm -rf '%s'", d->dir);
	assert_int_equal(system(cmd), 0);
}

/* ---- bytes ---- */

static inline void send_all(int fd, const void *p, size_t n)
{
	while (n) {
		ssize_t did = send(fd, p, n, MSG_NOSIGNAL);
		assert_true(did > 0);
		p = (const char *)p + did;
		n -= (size_t)did;
	}
}

/* False at the end of the stream. */
static inline bool recv_all(int fd, void *p, size_t n)
{
	while (n) {
		ssize_t did = recv(fd, p, n, 0);
		if (did <= 0)
			return false;
		p = (char *)p + did;
		n -= (size_t)did;
	}
	return true;
}

static inline void ask(int fd, int key, int version, const void *body)
{
	struct kq_writer w;
	struct kq_request_head h = { (int16_t)key, (int16_t)version, key * 100 + version,
				     KQ_STR("test") };
	kq_writer_init(&w, 64 << 20);
	kq_write_i32(&w, 0);
	kq_api_write_request_head(&w, &h);
	assert_int_equal(kq_wire_encode(kq_api_find(key)->request, version, &w, body, NULL), 0);
	assert_false(kq_writer_failed(&w));
	kq_store_u32(w.buf, (uint32_t)(w.len - 4));
	send_all(fd, w.buf, w.len);
	kq_writer_deinit(&w);
}

/* The answer, as layout `version`; NULL if the connection was closed. */
static inline void *hear(struct dialogue *d, int fd, int key, int version, int layout)
{
	uint8_t size[4];
	if (!recv_all(fd, size, 4))
		return NULL;
	size_t n = kq_load_u32(size);
	uint8_t *p = kq_arena_alloc(&d->arena, n);
	assert_true(p && recv_all(fd, p, n));
	struct kq_reader r;
	int32_t correlation;
	kq_reader_init(&r, p, n);
	assert_int_equal(kq_api_read_response_head(&r, key, layout, &correlation), 0);
	assert_int_equal(correlation, key * 100 + version);
	const struct kq_schema *s = kq_api_find(key)->response;
	void *out = kq_wire_array(s, &d->arena, 1);
	assert_int_equal(kq_wire_decode(s, layout, &r, &d->arena, out), 0);
	assert_int_equal(kq_reader_left(&r), 0);
	return out;
}

static inline void *call(struct dialogue *d, int key, int version, const void *body)
{
	ask(d->fd, key, version, body);
	return hear(d, d->fd, key, version, version);
}

/* ---- what tests say often ---- */

static inline struct kq_str str(const char *s)
{
	return (struct kq_str){ s, (int32_t)strlen(s) };
}

static inline void create_topic(struct dialogue *d, const char *name, int partitions,
				const char *key, const char *value)
{
	struct kq_create_topics_request body;
	struct kq_create_topics_request_creatable_topic t;
	struct kq_create_topics_request_creatable_topic_config c;
	kq_wire_init(&kq_create_topics_request_schema, &body);
	kq_wire_init(&kq_create_topics_request_creatable_topic_schema, &t);
	kq_wire_init(&kq_create_topics_request_creatable_topic_config_schema, &c);
	t.name = str(name);
	t.num_partitions = partitions;
	t.replication_factor = 1;
	if (key) {
		c.name = str(key);
		c.value = str(value);
		t.configs = &c;
		t.configs_n = 1;
	}
	body.topics = &t;
	body.topics_n = 1;
	body.timeout_ms = 10000;
	struct kq_create_topics_response *out = call(d, KQ_API_CREATE_TOPICS, 5, &body);
	assert_non_null(out);
	assert_int_equal(out->topics[0].error_code, 0);
}

static inline struct kq_uuid topic_id(struct dialogue *d, const char *name)
{
	struct kq_metadata_request body;
	struct kq_metadata_request_metadata_request_topic t = { .name = str(name) };
	kq_wire_init(&kq_metadata_request_schema, &body);
	body.topics = &t;
	body.topics_n = 1;
	struct kq_metadata_response *out = call(d, KQ_API_METADATA, 12, &body);
	assert_int_equal(out->topics[0].error_code, 0);
	return out->topics[0].topic_id;
}

/* A batch of count records "v" at timestamp 1000, 1001, ..; in the arena. */
static inline struct kq_bytes batch(struct dialogue *d, int count, const struct kq_seal *seal)
{
	static const struct kq_seal plain = { KQ_SEAL_NO_PRODUCER };
	const struct kq_bytes v = { (const uint8_t *)"v", 1 };
	uint8_t *p;
	size_t n;
	kq_builder_begin(&d->builder, 1000);
	for (int i = 0; i < count; i++)
		assert_int_equal(kq_builder_append(&d->builder, 1000 + i, KQ_BYTES_NULL, v, 0,
						   (struct kq_bytes){ (const uint8_t *)"", 0 }), 0);
	assert_int_equal(kq_builder_finish(&d->builder, seal ? seal : &plain, &p, &n), 0);
	uint8_t *copy = kq_arena_alloc(&d->arena, n);
	memcpy(copy, p, n);
	return (struct kq_bytes){ copy, (int32_t)n };
}

/* Asks to append to one partition. */
static inline void ask_produce(int fd, int version, const char *topic, int32_t partition,
			       int16_t acks, struct kq_bytes records)
{
	struct kq_produce_request body;
	struct kq_produce_request_partition_produce_data p = { partition, records };
	struct kq_produce_request_topic_produce_data t = { str(topic), &p, 1 };
	kq_wire_init(&kq_produce_request_schema, &body);
	body.acks = acks;
	body.timeout_ms = 10000;
	body.topic_data = &t;
	body.topic_data_n = 1;
	ask(fd, KQ_API_PRODUCE, version, &body);
}

typedef struct kq_produce_response_partition_produce_response produced;

static inline produced *produce_at(struct dialogue *d, int version, const char *topic,
				   int32_t partition, int16_t acks, struct kq_bytes records)
{
	ask_produce(d->fd, version, topic, partition, acks, records);
	struct kq_produce_response *out = hear(d, d->fd, KQ_API_PRODUCE, version, version);
	assert_non_null(out);
	assert_int_equal(out->responses_n, 1);
	return &out->responses[0].partition_responses[0];
}

static inline produced *produce(struct dialogue *d, const char *topic, struct kq_bytes records)
{
	return produce_at(d, 9, topic, 0, KQ_ACKS_ALL, records);
}

#endif
