/* Waiting requests under load: producers that wait for the disk, fetches that wait for
 * them, short deadlines, connections lost while they wait, topics that go. Run under
 * the thread sanitizer this is where a lost wake-up or a use after free shows. */
#include "dialogue.h"

#include <pthread.h>
#include <stdatomic.h>

enum { THREADS = 3, ROUNDS = 60, PER_ROUND = 4 };

static struct dialogue d;

struct worker {
	struct dialogue own; /* its connection, arena and builder */
	pthread_t thread;
	int number;
	int64_t read;
};

static void *produce_rounds(void *arg)
{
	struct worker *w = arg;
	for (int i = 0; i < ROUNDS; i++) {
		for (int k = 0; k < PER_ROUND; k++) /* pipelined, over both partitions */
			ask_produce(w->own.fd, 9, "t", k % 2, -1, batch(&w->own, 2, NULL));
		for (int k = 0; k < PER_ROUND; k++) {
			struct kq_produce_response *out =
				hear(&w->own, w->own.fd, KQ_API_PRODUCE, 9, 9);
			if (!out || out->responses[0].partition_responses[0].error_code)
				abort();
		}
		kq_arena_reset(&w->own.arena);
	}
	return NULL;
}

static void ask_fetch(int fd, int64_t at0, int64_t at1, int32_t wait_ms)
{
	struct kq_fetch_request body;
	struct kq_fetch_request_fetch_partition p[2];
	struct kq_fetch_request_fetch_topic t;
	kq_wire_init(&kq_fetch_request_schema, &body);
	kq_wire_init(&kq_fetch_request_fetch_topic_schema, &t);
	for (int i = 0; i < 2; i++) {
		kq_wire_init(&kq_fetch_request_fetch_partition_schema, &p[i]);
		p[i].partition = i;
		p[i].fetch_offset = i ? at1 : at0;
		p[i].partition_max_bytes = 1 << 20;
	}
	t.topic = str("t");
	t.partitions = p;
	t.partitions_n = 2;
	body.topics = &t;
	body.topics_n = 1;
	body.max_wait_ms = wait_ms;
	body.min_bytes = 1;
	body.max_bytes = 1 << 20;
	ask(fd, KQ_API_FETCH, 11, &body);
}

/* Offset behind the last whole batch of records. */
static int64_t end_of(struct kq_bytes records, int64_t from)
{
	struct kq_batch b;
	size_t at = 0;
	while (at < (size_t)records.len &&
	       kq_batch_peek(records.p + at, (size_t)records.len - at, &b) == 0) {
		if (kq_batch_check_crc(&b))
			abort();
		at += (size_t)b.size;
		from = kq_batch_last_offset(&b) + 1;
	}
	return from;
}

/* Reads both partitions to the end of what the producers will have written. */
static void *fetch_all(void *arg)
{
	struct worker *w = arg;
	int64_t at[2] = { 0, 0 };
	const int64_t each = THREADS * ROUNDS * PER_ROUND; /* 2 records, half of the batches */
	while (at[0] < each || at[1] < each) {
		ask_fetch(w->own.fd, at[0], at[1], w->number % 2 ? 5 : 1000);
		struct kq_fetch_response *out = hear(&w->own, w->own.fd, KQ_API_FETCH, 11, 11);
		for (int i = 0; i < 2; i++) {
			if (out->responses[0].partitions[i].error_code)
				abort();
			at[i] = end_of(out->responses[0].partitions[i].records, at[i]);
		}
		kq_arena_reset(&w->own.arena);
		int lost = dialogue_dial(&d); /* one that goes away while it waits */
		ask_fetch(lost, at[0], at[1], 20);
		close(lost);
	}
	w->read = at[0] + at[1];
	return NULL;
}

static void start(struct worker *w, int number, void *(*run)(void *))
{
	w->number = number;
	kq_arena_init(&w->own.arena, 64 << 20);
	kq_builder_init(&w->own.builder, 1 << 20);
	w->own.fd = dialogue_dial(&d);
	assert_int_equal(pthread_create(&w->thread, NULL, run, w), 0);
}

static void finish(struct worker *w)
{
	pthread_join(w->thread, NULL);
	close(w->own.fd);
	kq_builder_deinit(&w->own.builder);
	kq_arena_deinit(&w->own.arena);
}

static void under_load(const char *policy)
{
	struct worker w[2 * THREADS] = { 0 };
	dialogue_begin(&d, policy);
	create_topic(&d, "t", 2, NULL, NULL);
	for (int i = 0; i < 2 * THREADS; i++)
		start(&w[i], i, i < THREADS ? fetch_all : produce_rounds);
	for (int i = 0; i < 2 * THREADS; i++)
		finish(&w[i]);
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(w[i].read, 2 * THREADS * ROUNDS * PER_ROUND);
	dialogue_end(&d);
}

static void test_waiting_requests_are_all_answered_with_syncs(void **state)
{
	(void)state;
	under_load("sync");
}

static void test_waiting_requests_are_all_answered_without(void **state)
{
	(void)state;
	under_load("os");
}

static void test_topics_go_while_requests_wait_for_them(void **state)
{
	(void)state;
	dialogue_begin(&d, "sync");
	for (int i = 0; i < 10; i++) {
		int fd[6];
		create_topic(&d, "t", 2, NULL, NULL);
		for (int k = 0; k < 6; k++) {
			fd[k] = dialogue_dial(&d);
			if (k % 2)
				ask_fetch(fd[k], 0, 0, 60000);
			else
				ask_produce(fd[k], 9, "t", k % 4 / 2, -1, batch(&d, 1, NULL));
		}
		struct kq_delete_topics_request gone;
		struct kq_str name = str("t");
		kq_wire_init(&kq_delete_topics_request_schema, &gone);
		gone.topic_names = &name;
		gone.topic_names_n = 1;
		gone.timeout_ms = 10000;
		assert_non_null(call(&d, KQ_API_DELETE_TOPICS, 4, &gone));
		for (int k = 0; k < 6; k++) {
			if (k % 2)
				assert_non_null(hear(&d, fd[k], KQ_API_FETCH, 11, 11));
			else
				assert_non_null(hear(&d, fd[k], KQ_API_PRODUCE, 9, 9));
			close(fd[k]);
		}
	}
	dialogue_end(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waiting_requests_are_all_answered_with_syncs),
		cmocka_unit_test(test_waiting_requests_are_all_answered_without),
		cmocka_unit_test(test_topics_go_while_requests_wait_for_them),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
