/* What a start makes of the store and the directories, after a crash or another
 * broker: told apart by Metadata. */
#include "dialogue.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/io.h"
#include "broker/broker.h"
#include "cluster/store.h"

static void shell(struct dialogue *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Runs a command in the data directory. */
static void shell(struct dialogue *d, const char *fmt, ...)
{
	char cmd[1024];
	int n = snprintf(cmd, sizeof cmd, "cd '%s' && ", d->dir);
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(cmd + n, sizeof cmd - (size_t)n, fmt, ap);
	va_end(ap);
	assert_int_equal(system(cmd), 0);
}

/* "a:1 b:3 ", with ! after a topic that has a partition without leader. */
static const char *topics(struct dialogue *d)
{
	static char text[1024];
	struct kq_metadata_request body;
	kq_wire_init(&kq_metadata_request_schema, &body);
	body.topics_n = -1;
	struct kq_metadata_response *r = call(d, KQ_API_METADATA, 12, &body);
	text[0] = '\0';
	for (int i = 0; i < r->topics_n; i++) {
		bool whole = true;
		for (int k = 0; k < r->topics[i].partitions_n; k++)
			whole = whole && r->topics[i].partitions[k].error_code == 0;
		sprintf(text + strlen(text), "%.*s:%d%s ", r->topics[i].name.len,
			r->topics[i].name.p, (int)r->topics[i].partitions_n, whole ? "" : "!");
	}
	return text;
}

static void test_start_takes_over_the_directories_of_a_stopped_kafka(void **state)
{
	struct dialogue *d = *state;
	int64_t first;
	int count;
	dialogue_hang_up(d);
	shell(d, "rm -rf * .[a-z]*; G=" KQ_TESTDATA "/golden; cp $G/logdir/meta.properties .; "
	      "cp -r $G/plain/plain-0 $G/txns/txns-0 $G/legacy-v1/legacy-v1-0 .; chmod -R u+w .");
	dialogue_serve(d, "os");
	assert_string_equal(topics(d), "legacy-v1:1 plain:1 txns:1 ");
	struct kq_uuid id = topic_id(d, "plain"), old = topic_id(d, "legacy-v1");
	assert_memory_equal(d->broker->cluster_id, "zfUOogAuSxOWCDtIL-0_vg", 22);
	/* no producer id that its producers still use is given out again */
	assert_int_equal(kq_meta_store_take_producer_ids(d->broker->store, &first, &count), 0);
	assert_true(first > 0);
	dialogue_hang_up(d);
	dialogue_serve(d, "os");
	assert_memory_equal(topic_id(d, "plain").b, id.b, 16);
	assert_memory_equal(topic_id(d, "legacy-v1").b, old.b, 16);
}

static void test_start_makes_missing_partitions_of_known_topics(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 3, NULL, NULL);
	struct kq_uuid id = topic_id(d, "t");
	dialogue_hang_up(d);
	shell(d, "rm -r t-1");
	dialogue_serve(d, "os");
	assert_string_equal(topics(d), "t:3 ");
	assert_memory_equal(topic_id(d, "t").b, id.b, 16);
}

static void test_start_finishes_a_deletion_that_a_crash_cut_short(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 2, NULL, NULL);
	create_topic(d, "u", 1, NULL, NULL);
	dialogue_hang_up(d);
	shell(d, "cp -r t-0 saved0 && cp -r t-1 saved1");
	dialogue_serve(d, "os");
	/* the note of the deletion is written, the directories are there as before */
	assert_int_equal(kq_meta_store_delete_topic(d->broker->store, "t"), 0);
	dialogue_hang_up(d);
	shell(d, "rm -rf t-0 t-1 && mv saved0 t-0 && mv saved1 t-1");
	dialogue_serve(d, "os");
	assert_string_equal(topics(d), "u:1 ");
	shell(d, "! ls -d t-0 t-1 2>/dev/null");
	create_topic(d, "t", 1, NULL, NULL);
	dialogue_hang_up(d);
	dialogue_serve(d, "os");
	assert_string_equal(topics(d), "t:1 u:1 ");
}

static void test_start_does_not_serve_a_partition_of_another_topic_of_the_name(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 2, NULL, NULL);
	dialogue_hang_up(d);
	shell(d, "printf 'version: 0\\ntopic_id: AAAAAAAAAAAAAAAAAAAAFg' > t-1/partition.metadata");
	dialogue_serve(d, "os");
	assert_string_equal(topics(d), "t:2! ");
}

static void test_start_counts_partitions_that_grew_before_the_store_knew(void **state)
{
	struct dialogue *d = *state;
	create_topic(d, "t", 1, NULL, NULL);
	dialogue_hang_up(d);
	shell(d, "cp -r t-0 t-1");
	dialogue_serve(d, "os");
	assert_string_equal(topics(d), "t:2 ");
}

static void test_start_refuses_a_damaged_store(void **state)
{
	struct dialogue *d = *state;
	struct kq_error e = { 0 };
	struct kq_broker *b;
	create_topic(d, "t", 1, NULL, NULL);
	kq_broker_stop(d->broker);
	shell(d, "cp kq-metadata.json saved && echo '{' > kq-metadata.json");
	assert_true(kq_broker_start(&b, d->config, &e) < 0);
	assert_non_null(strstr(e.text, "damaged"));
	shell(d, "mv saved kq-metadata.json");
	assert_int_equal(kq_broker_start(&d->broker, d->config, &e), 0);
}

static int create_code(struct dialogue *d, const char *name)
{
	struct kq_create_topics_request body;
	struct kq_create_topics_request_creatable_topic t;
	kq_wire_init(&kq_create_topics_request_schema, &body);
	kq_wire_init(&kq_create_topics_request_creatable_topic_schema, &t);
	t.name = str(name);
	t.num_partitions = 2;
	t.replication_factor = 1;
	body.topics = &t;
	body.topics_n = 1;
	struct kq_create_topics_response *r = call(d, KQ_API_CREATE_TOPICS, 7, &body);
	return r->topics[0].error_code;
}

static int fail_store(const char *op, const char *site, size_t *partial)
{
	(void)partial;
	return !strcmp(site, "metadata") && !strcmp(op, "rename") ? EIO : 0;
}

static void test_creation_that_cannot_be_stored_leaves_nothing(void **state)
{
	struct dialogue *d = *state;
	kq_io_set_fault(fail_store);
	assert_int_equal(create_code(d, "t"), KQ_KAFKA_KAFKA_STORAGE_ERROR);
	kq_io_set_fault(NULL);
	assert_string_equal(topics(d), "");
	shell(d, "! ls -d t-* 2>/dev/null");
	assert_int_equal(create_code(d, "t"), 0);
	assert_string_equal(topics(d), "t:2 ");
}

static void test_creation_that_fails_on_disk_is_taken_back(void **state)
{
	struct dialogue *d = *state;
	/* a file where the second partition's directory belongs */
	shell(d, "touch t-1");
	assert_true(create_code(d, "t") != 0);
	assert_string_equal(topics(d), "");
	shell(d, "! ls -d t-0 2>/dev/null && rm t-1");
	assert_int_equal(create_code(d, "t"), 0);
	dialogue_hang_up(d);
	dialogue_serve(d, "os");
	assert_string_equal(topics(d), "t:2 ");
}

static int setup(void **state)
{
	static struct dialogue d;
	dialogue_begin(&d, "os");
	*state = &d;
	return 0;
}

static int teardown(void **state)
{
	kq_io_set_fault(NULL);
	dialogue_end(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
		T(test_start_takes_over_the_directories_of_a_stopped_kafka),
		T(test_start_makes_missing_partitions_of_known_topics),
		T(test_start_finishes_a_deletion_that_a_crash_cut_short),
		T(test_start_does_not_serve_a_partition_of_another_topic_of_the_name),
		T(test_start_counts_partitions_that_grew_before_the_store_knew),
		T(test_start_refuses_a_damaged_store),
		T(test_creation_that_cannot_be_stored_leaves_nothing),
		T(test_creation_that_fails_on_disk_is_taken_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
