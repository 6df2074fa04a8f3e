/* Bootstrap lists, metadata, and the words for what is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "client/client.h"
#include "unit/client/fake_broker.h"

enum { PATIENCE_MS = 10000 };

static int open_client(struct kq_client *c, const char *servers, struct kq_error *e)
{
	struct kq_client_config *cfg = kq_client_config_new();
	assert_int_equal(kq_client_config_set(cfg, "bootstrap.servers", servers, e), 0);
	assert_int_equal(kq_client_config_set(cfg, "reconnect.backoff.ms", "1", e), 0);
	int rc = kq_client_init(c, cfg, e);
	kq_client_config_free(cfg);
	return rc;
}

static void test_client_refuses_a_bootstrap_list_that_is_none(void **state)
{
	(void)state;
	static const char *const BAD[] = { "", ",", "host:", "host:0", "host:70000", "host:9x", ":9092", "[::1" };
	struct kq_client c;
	struct kq_error e;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++)
		assert_int_equal(open_client(&c, BAD[i], &e), KQ_EINVAL);
	static const char *const GOOD[] = { "host", "host:9092", "a:1, b:2,c", "[::1]:9092", "PLAINTEXT://h:9092" };
	for (size_t i = 0; i < sizeof(GOOD) / sizeof(GOOD[0]); i++) {
		assert_int_equal(open_client(&c, GOOD[i], &e), 0);
		kq_client_deinit(&c);
	}
}

static void test_client_learns_topics_and_leaders(void **state)
{
	(void)state;
	struct fake f = { .partitions = 3 };
	struct kq_client c;
	struct kq_error e;
	char at[40];
	const char *names[] = { "one", "two" };
	fake_start(&f);
	snprintf(at, sizeof(at), "127.0.0.1:1,127.0.0.1:%d", f.port); /* the first is not there */
	assert_int_equal(open_client(&c, at, &e), 0);
	assert_int_equal(kq_client_refresh(&c, names, 2, false, PATIENCE_MS, &e), 0);
	assert_int_equal(c.meta.broker_n, 1);
	assert_int_equal(c.meta.controller, 1);
	struct kq_meta_topic *t = kq_metadata_topic(&c.meta, KQ_STR("two"));
	assert_non_null(t);
	assert_int_equal(t->partition_n, 3);
	assert_int_equal(t->partitions[2].leader, 1);
	assert_ptr_equal(kq_metadata_topic_by_id(&c.meta, &t->id), t);
	assert_null(kq_metadata_topic(&c.meta, KQ_STR("three")));
	kq_client_deinit(&c);
	fake_stop(&f);
}

static void test_client_names_both_addresses_when_the_advertised_one_is_wrong(void **state)
{
	(void)state;
	struct fake f = { .advertised_port = 1 };
	struct kq_client c;
	struct kq_error e;
	char at[40];
	const char *names[] = { "t" };
	fake_start(&f);
	snprintf(at, sizeof(at), "127.0.0.1:%d", f.port);
	assert_int_equal(open_client(&c, at, &e), 0);
	assert_int_equal(kq_client_refresh(&c, names, 1, false, PATIENCE_MS, &e), 0);
	assert_int_equal(kq_client_connect(&c, 1, PATIENCE_MS, &e), KQ_ECONN);
	assert_non_null(strstr(e.text, "127.0.0.1:1,"));
	assert_non_null(strstr(e.text, at));
	assert_non_null(strstr(e.text, "advertised.listeners"));
	kq_client_deinit(&c);
	fake_stop(&f);
}

static void test_client_gives_up_soon_when_nobody_is_there(void **state)
{
	(void)state;
	struct kq_client c;
	struct kq_error e;
	assert_int_equal(open_client(&c, "127.0.0.1:1,127.0.0.1:2", &e), 0);
	assert_int_equal(kq_client_connect(&c, KQ_NODE_ANY, 600000, &e), KQ_ECONN);
	assert_non_null(strstr(e.text, "127.0.0.1:1: Connection refused"));
	assert_non_null(strstr(e.text, "127.0.0.1:2: Connection refused"));
	kq_client_deinit(&c);
}

/* ---- the cache alone ------------------------------------------------------------------ */

typedef struct kq_metadata_response_metadata_response_topic topic_answer;
typedef struct kq_metadata_response_metadata_response_partition partition_answer;

static void test_metadata_takes_partitions_in_any_order_and_with_holes(void **state)
{
	(void)state;
	partition_answer parts[3] = { { .partition_index = 2, .leader_id = 7 }, { .partition_index = 0, .leader_id = 5 },
				      { .partition_index = 1 << 23, .leader_id = 9 } };
	topic_answer t = { .name = KQ_STR("t"), .partitions = parts, .partitions_n = 3 };
	struct kq_metadata_response r;
	struct kq_metadata m;
	kq_wire_init(kq_api_find(KQ_API_METADATA)->response, &r);
	r.topics = &t;
	r.topics_n = 1;
	kq_metadata_init(&m);
	kq_metadata_update(&m, &r, false);
	struct kq_meta_topic *got = kq_metadata_topic(&m, KQ_STR("t"));
	assert_int_equal(got->partition_n, 3);
	assert_int_equal(got->partitions[0].leader, 5);
	assert_int_equal(got->partitions[1].leader, -1);
	assert_int_equal(got->partitions[2].leader, 7);
	kq_metadata_deinit(&m);
}

static void test_metadata_forgets_topics_that_a_full_answer_lacks(void **state)
{
	(void)state;
	partition_answer part = { .leader_id = 1 };
	topic_answer t[2] = { { .name = KQ_STR("a"), .partitions = &part, .partitions_n = 1 },
			      { .name = KQ_STR("b"), .partitions = &part, .partitions_n = 1 } };
	struct kq_metadata_response r;
	struct kq_metadata m;
	size_t n;
	kq_wire_init(kq_api_find(KQ_API_METADATA)->response, &r);
	r.topics = t;
	r.topics_n = 2;
	kq_metadata_init(&m);
	kq_metadata_update(&m, &r, true);
	struct kq_meta_topic *a = kq_metadata_topic(&m, KQ_STR("a"));
	r.topics = t + 1;
	r.topics_n = 1;
	kq_metadata_update(&m, &r, true);
	assert_ptr_equal(kq_metadata_topic(&m, KQ_STR("a")), a);
	assert_int_equal(a->error, 3);
	struct kq_meta_topic **sorted = kq_metadata_sorted(&m, &n);
	assert_int_equal(n, 1);
	assert_string_equal(sorted[0]->name, "b");
	free(sorted);
	kq_metadata_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_refuses_a_bootstrap_list_that_is_none),
		cmocka_unit_test(test_client_learns_topics_and_leaders),
		cmocka_unit_test(test_client_names_both_addresses_when_the_advertised_one_is_wrong),
		cmocka_unit_test(test_client_gives_up_soon_when_nobody_is_there),
		cmocka_unit_test(test_metadata_takes_partitions_in_any_order_and_with_holes),
		cmocka_unit_test(test_metadata_forgets_topics_that_a_full_answer_lacks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
