/* meta.properties, partition.metadata and the text of ids. */
#include "log/meta_properties.h"

#include "base/uuid.h"
#include "log/partition_metadata.h"
#include "unit/log/support.h"

static int parse(const char *text, struct kq_meta_properties *m, struct kq_error *e)
{
	return kq_meta_properties_parse(text, strlen(text), "f", m, e);
}

static void test_kafkas_two_forms_are_read(void **state)
{
	struct kq_meta_properties m;
	(void)state;
	assert_int_equal(kq_meta_properties_load(golden("logdir"), &m, NULL), 0);
	assert_int_equal(m.version, 0);
	assert_int_equal(m.broker_id, 1);
	assert_string_equal(m.cluster_id, "zfUOogAuSxOWCDtIL-0_vg");
	assert_string_equal(m.directory_id, "");
	char *text = slurp(golden("logdir/meta.properties.kraft"), NULL);
	assert_int_equal(parse(text, &m, NULL), 0);
	assert_int_equal(m.version, 1);
	assert_int_equal(m.broker_id, 7);
	assert_string_equal(m.cluster_id, "XXUJLx9kTiaZJvvC4qQZ_g");
	assert_string_equal(m.directory_id, "nL2KLeheGaEWQJ4caw1uJw");
	free(text);
}

static void test_what_is_written_is_read_back(void **state)
{
	for (int version = 0; version < 2; version++) {
		struct kq_meta_properties m, r;
		kq_meta_properties_init(&m);
		m.version = version;
		m.broker_id = 42;
		strcpy(m.cluster_id, "zfUOogAuSxOWCDtIL-0_vg");
		assert_int_equal(kq_meta_properties_write(*state, &m), 0);
		assert_int_equal(kq_meta_properties_load(*state, &r, NULL), 0);
		assert_int_equal(r.version, version);
		assert_int_equal(r.broker_id, 42);
		assert_string_equal(r.cluster_id, m.cluster_id);
	}
}

static void test_missing_and_empty_files_are_not_found(void **state)
{
	struct kq_meta_properties m;
	assert_int_equal(kq_meta_properties_load(*state, &m, NULL), KQ_ENOTFOUND);
	spew_text(in(*state, "meta.properties"), "");
	assert_int_equal(kq_meta_properties_load(*state, &m, NULL), KQ_ENOTFOUND);
}

static void test_wrong_files_are_refused_with_words(void **state)
{
	static const struct { const char *text; int rc; const char *words; } bad[] = {
		{ "broker.id=1\n", KQ_ECORRUPT, "version" },
		{ "version=2\n", KQ_EUNSUPPORTED, "version" },
		{ "version=0\nbroker.id=x\n", KQ_ECORRUPT, "broker.id" },
		{ "version=0\nbroker.id=-3\n", KQ_ECORRUPT, "broker.id" },
		{ "version=1\nnode.id=99999999999\n", KQ_ECORRUPT, "node.id" },
		{ "version=0\ncluster.id=0123456789012345678901234567890123456789012345678901234567890123\n",
		  KQ_ECORRUPT, "cluster.id" },
	};
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct kq_meta_properties m;
		struct kq_error e = { 0 };
		assert_int_equal(parse(bad[i].text, &m, &e), bad[i].rc);
		assert_non_null(strstr(e.text, bad[i].words));
	}
}

static void test_unknown_keys_are_let_be(void **state)
{
	struct kq_meta_properties m;
	(void)state;
	assert_int_equal(parse("! x\nversion = 0\nfoo=bar\nbroker.id : 3", &m, NULL), 0);
	assert_int_equal(m.broker_id, 3);
	assert_string_equal(m.cluster_id, "");
}

static void test_partition_metadata_is_kafkas_bytes(void **state)
{
	struct kq_uuid id;
	size_t n, m;
	const char *dir = golden("plain/plain-0");
	assert_int_equal(kq_partition_metadata_read(dir, &id, NULL), 0);
	assert_int_equal(kq_partition_metadata_write(*state, id), 0);
	char *want = slurp(in(dir, "partition.metadata"), &n);
	char *have = slurp(in(*state, "partition.metadata"), &m);
	assert_int_equal(n, m);
	assert_memory_equal(want, have, n);
	free(want);
	free(have);
}

static void test_partition_without_metadata_has_no_id(void **state)
{
	struct kq_uuid id;
	assert_int_equal(kq_partition_metadata_read(*state, &id, NULL), 0);
	assert_true(kq_uuid_is_zero(&id));
}

static void test_damaged_partition_metadata_is_refused(void **state)
{
	static const struct { const char *text; int rc; } bad[] = {
		{ "", KQ_ECORRUPT }, { "version: 1\ntopic_id: dnr7oHtKTDqbDycXuAMAHw", KQ_EUNSUPPORTED },
		{ "version: 0\n", KQ_ECORRUPT }, { "version: 0\ntopic_id: short", KQ_ECORRUPT },
		{ "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA", KQ_ECORRUPT },
		{ "version: 0\nwhat: dnr7oHtKTDqbDycXuAMAHw", KQ_ECORRUPT },
	};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		struct kq_uuid id;
		struct kq_error e = { 0 };
		spew_text(in(*state, "partition.metadata"), bad[i].text);
		assert_int_equal(kq_partition_metadata_read(*state, &id, &e), bad[i].rc);
		assert_non_null(strstr(e.text, "partition.metadata"));
		assert_true(kq_uuid_is_zero(&id));
	}
}

static void test_ids_survive_their_text(void **state)
{
	(void)state;
	for (int i = 0; i < 200; i++) {
		struct kq_uuid u, v;
		char text[KQ_UUID_TEXT_LEN + 1];
		kq_uuid_random(&u);
		kq_uuid_format(&u, text);
		assert_int_equal(strlen(text), KQ_UUID_TEXT_LEN);
		assert_int_not_equal(text[0], '-');
		assert_true(kq_uuid_parse((struct kq_str){ text, KQ_UUID_TEXT_LEN }, &v));
		assert_true(kq_uuid_equal(&u, &v));
	}
	struct kq_uuid v;
	assert_false(kq_uuid_parse(KQ_STR("dnr7oHtKTDqbDycXuAMAHx"), &v)); /* loose bits */
	assert_false(kq_uuid_parse(KQ_STR("dnr7oHtKTDqbDycXuAMAH="), &v));
	assert_false(kq_uuid_parse(KQ_STR("dnr7oHtKTDqbDycXuAMAH"), &v));
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup_dir, teardown_dir)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kafkas_two_forms_are_read),
		T(test_what_is_written_is_read_back),
		T(test_missing_and_empty_files_are_not_found),
		cmocka_unit_test(test_wrong_files_are_refused_with_words),
		cmocka_unit_test(test_unknown_keys_are_let_be),
		T(test_partition_metadata_is_kafkas_bytes),
		T(test_partition_without_metadata_has_no_id),
		T(test_damaged_partition_metadata_is_refused),
		cmocka_unit_test(test_ids_survive_their_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
