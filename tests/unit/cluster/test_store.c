#include "cluster/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <errno.h>
#include <cmocka.h>

#include "base/io.h"
#include "base/uuid.h"

struct fixture {
	char dir[64], path[96];
	struct kq_meta_store *s;
};

static void reopen(struct fixture *f)
{
	struct kq_error e = { 0 };
	kq_meta_store_close(f->s);
	f->s = NULL;
	assert_int_equal(kq_meta_store_open_embedded(&f->s, f->path, &e), 0);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof *f);
	strcpy(f->dir, "/tmp/kq-store-XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	snprintf(f->path, sizeof f->path, "%s/kq-metadata.json", f->dir);
	*state = f;
	reopen(f);
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	kq_io_set_fault(NULL);
	kq_meta_store_close(f->s);
	unlink(f->path);
	rmdir(f->dir);
	free(f);
	return 0;
}

static void create(struct fixture *f, const char *name, int partitions, const char *key,
		   const char *value)
{
	struct kq_stored_topic t = { .name = name, .partitions = partitions };
	memset(t.id.b, name[0], sizeof t.id.b);
	if (key)
		kq_config_list_set(&t.configs, key, value);
	assert_int_equal(kq_meta_store_create_topic(f->s, &t), 0);
	kq_config_list_deinit(&t.configs);
}

static int describe(void *arg, const struct kq_stored_topic *t)
{
	char *out = arg;
	sprintf(out + strlen(out), "%s/%02x/%d", t->name, t->id.b[3], (int)t->partitions);
	for (int i = 0; i < t->configs.n; i++)
		sprintf(out + strlen(out), " %s=%s", t->configs.v[i].key, t->configs.v[i].value);
	strcat(out, ";");
	return 0;
}

static void assert_topics(struct fixture *f, const char *expect)
{
	char text[512] = "";
	kq_meta_store_each_topic(f->s, describe, text);
	assert_string_equal(text, expect);
}

static void test_store_keeps_topics_over_a_restart(void **state)
{
	struct fixture *f = *state;
	assert_true(kq_meta_store_is_new(f->s));
	create(f, "b", 3, "retention.ms", "1000");
	create(f, "a", 1, NULL, NULL);
	reopen(f);
	assert_false(kq_meta_store_is_new(f->s));
	assert_topics(f, "a/61/1;b/62/3 retention.ms=1000;");
}

static void test_store_refuses_a_topic_twice(void **state)
{
	struct fixture *f = *state;
	create(f, "a", 1, NULL, NULL);
	const struct kq_stored_topic v[] = { { .name = "n", .partitions = 1 },
					     { .name = "a", .partitions = 2 } };
	assert_int_equal(kq_meta_store_create_topics(f->s, v, 2), KQ_EEXIST);
	assert_topics(f, "a/61/1;");
}

static void test_store_changes_partitions_and_configs(void **state)
{
	struct fixture *f = *state;
	struct kq_config_list l = { 0 };
	create(f, "a", 1, "x", "1");
	kq_config_list_set(&l, "z", "26");
	kq_config_list_set(&l, "m", "13");
	assert_int_equal(kq_meta_store_set_partitions(f->s, "a", 7), 0);
	assert_int_equal(kq_meta_store_set_topic_configs(f->s, "a", &l), 0);
	assert_int_equal(kq_meta_store_set_topic_configs(f->s, "none", &l), KQ_ENOTFOUND);
	kq_config_list_deinit(&l);
	reopen(f);
	assert_topics(f, "a/61/7 m=13 z=26;");
}

static void note_name(void *arg, const char *name)
{
	strcat(arg, name);
}

static void test_store_notes_a_deletion_until_the_files_are_gone(void **state)
{
	struct fixture *f = *state;
	struct kq_uuid id, other = { { 9 } }, zero = { { 0 } };
	char names[64] = "";
	memset(id.b, 'a', sizeof id.b);
	create(f, "a", 1, NULL, NULL);
	assert_int_equal(kq_meta_store_delete_topic(f->s, "a"), 0);
	reopen(f);
	assert_topics(f, "");
	assert_true(kq_meta_store_is_deleting(f->s, "a", &id));
	assert_true(kq_meta_store_is_deleting(f->s, "a", &zero));
	assert_false(kq_meta_store_is_deleting(f->s, "a", &other));
	kq_meta_store_each_deleting(f->s, note_name, names);
	assert_string_equal(names, "a");
	assert_int_equal(kq_meta_store_deleted(f->s, "a"), 0);
	reopen(f);
	assert_false(kq_meta_store_is_deleting(f->s, "a", &id));
}

static void test_store_gives_each_producer_id_block_once(void **state)
{
	struct fixture *f = *state;
	int64_t first;
	int count;
	assert_int_equal(kq_meta_store_take_producer_ids(f->s, &first, &count), 0);
	assert_int_equal(first, 0);
	reopen(f);
	assert_int_equal(kq_meta_store_take_producer_ids(f->s, &first, &count), 0);
	assert_int_equal(first, count);
	assert_int_equal(kq_meta_store_raise_producer_ids(f->s, 5000), 0);
	assert_int_equal(kq_meta_store_raise_producer_ids(f->s, 4000), 0);
	reopen(f);
	assert_int_equal(kq_meta_store_take_producer_ids(f->s, &first, &count), 0);
	assert_int_equal(first, 5000);
}

static void test_store_keeps_broker_configs_by_level(void **state)
{
	struct fixture *f = *state;
	struct kq_config_list l = { 0 };
	kq_config_list_set(&l, "log.retention.ms", "5");
	assert_int_equal(kq_meta_store_set_broker_configs(f->s, -1, &l), 0);
	kq_config_list_set(&l, "log.retention.ms", "6");
	assert_int_equal(kq_meta_store_set_broker_configs(f->s, 3, &l), 0);
	kq_config_list_deinit(&l);
	reopen(f);
	kq_meta_store_broker_configs(f->s, 3, &l);
	assert_string_equal(kq_config_list_get(&l, "log.retention.ms"), "6");
	kq_config_list_deinit(&l);
	kq_meta_store_broker_configs(f->s, -1, &l);
	assert_string_equal(kq_config_list_get(&l, "log.retention.ms"), "5");
	kq_config_list_deinit(&l);
	kq_meta_store_broker_configs(f->s, 4, &l);
	assert_int_equal(l.n, 0);
}

static int fail_rename(const char *op, const char *site, size_t *partial)
{
	(void)site, (void)partial;
	return strcmp(op, "rename") ? 0 : EIO;
}

static int fail_write(const char *op, const char *site, size_t *partial)
{
	(void)site;
	if (strcmp(op, "pwrite"))
		return 0;
	*partial = 10;
	return ENOSPC;
}

static void test_store_forgets_a_change_that_could_not_be_written(void **state)
{
	struct fixture *f = *state;
	struct kq_stored_topic t = { .name = "n", .partitions = 1 };
	int64_t first;
	int count;
	create(f, "a", 1, NULL, NULL);
	kq_io_set_fault(fail_rename);
	assert_int_equal(kq_meta_store_create_topic(f->s, &t), KQ_EIO);
	assert_int_equal(kq_meta_store_set_partitions(f->s, "a", 9), KQ_EIO);
	assert_int_equal(kq_meta_store_delete_topic(f->s, "a"), KQ_EIO);
	assert_false(kq_meta_store_is_deleting(f->s, "a", &t.id));
	kq_io_set_fault(fail_write);
	assert_int_equal(kq_meta_store_take_producer_ids(f->s, &first, &count), KQ_ENOSPC);
	kq_io_set_fault(NULL);
	assert_topics(f, "a/61/1;");
	assert_int_equal(kq_meta_store_take_producer_ids(f->s, &first, &count), 0);
	assert_int_equal(first, 0);
	reopen(f);
	assert_topics(f, "a/61/1;");
}

static void test_store_refuses_a_damaged_file(void **state)
{
	struct fixture *f = *state;
	static const char *const BAD[] = {
		"", "{", "[]", "{\"version\":2}",
		"{\"version\":1,\"next_producer_id\":-1,\"topics\":{},\"deleting\":{},\"brokers\":{}}",
		"{\"version\":1,\"next_producer_id\":0,\"topics\":{\"a\":{\"id\":\"x\","
		"\"partitions\":1,\"configs\":{}}},\"deleting\":{},\"brokers\":{}}",
		"{\"version\":1,\"next_producer_id\":0,\"topics\":{\"a\":{\"id\":"
		"\"AAAAAAAAAAAAAAAAAAAAAQ\",\"partitions\":0,\"configs\":{}}},"
		"\"deleting\":{},\"brokers\":{}}",
		"{\"version\":1,\"next_producer_id\":0,\"topics\":{},\"deleting\":{},"
		"\"brokers\":{\"1\":{\"a\":5}}}",
	};
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct kq_meta_store *s = NULL;
		struct kq_error e = { 0 };
		FILE *out = fopen(f->path, "w");
		fputs(BAD[i], out);
		fclose(out);
		assert_true(kq_meta_store_open_embedded(&s, f->path, &e) < 0);
		assert_non_null(strstr(e.text, "damaged"));
		assert_null(s);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
		T(test_store_keeps_topics_over_a_restart),
		T(test_store_refuses_a_topic_twice),
		T(test_store_changes_partitions_and_configs),
		T(test_store_notes_a_deletion_until_the_files_are_gone),
		T(test_store_gives_each_producer_id_block_once),
		T(test_store_keeps_broker_configs_by_level),
		T(test_store_forgets_a_change_that_could_not_be_written),
		T(test_store_refuses_a_damaged_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
