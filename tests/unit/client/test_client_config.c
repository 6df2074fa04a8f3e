/* Kafka's client keys: all are known, values are checked, secrets come from elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "kq/client.h"

static int put(struct kq_client_config *c, const char *key, const char *value, struct kq_error *e)
{
	*e = (struct kq_error){ 0 };
	return kq_client_config_set(c, key, value, e);
}

static void test_client_config_knows_every_key_of_kafkas_clients(void **state)
{
	(void)state;
	FILE *f = fopen(KQ_TESTDATA "/golden/vectors/configs.jsonl", "r");
	char line[4096];
	int seen = 0;
	assert_non_null(f);
	struct kq_client_config *c = kq_client_config_new();
	while (fgets(line, sizeof(line), f)) {
		json_t *o = json_loads(line, 0, NULL);
		const char *scope = json_string_value(json_object_get(o, "scope"));
		const char *name = json_string_value(json_object_get(o, "name"));
		const char *value = json_string_value(json_object_get(o, "default"));
		if (strcmp(scope, "topic") && strcmp(scope, "broker")) {
			struct kq_error e;
			if (put(c, name, value ? value : "", &e) && value)
				fail_msg("%s=%s: %s", name, value, e.text);
			assert_null(strstr(e.text, "unknown"));
			seen++;
		}
		json_decref(o);
	}
	fclose(f);
	kq_client_config_free(c);
	assert_true(seen > 200);
}

static void test_client_config_names_the_nearest_key(void **state)
{
	(void)state;
	struct kq_client_config *c = kq_client_config_new();
	struct kq_error e;
	assert_int_equal(put(c, "linger.msec", "5", &e), KQ_EINVAL);
	assert_string_equal(e.text, "unknown key 'linger.msec'; did you mean 'linger.ms'?");
	assert_int_equal(put(c, "wombat", "5", &e), KQ_EINVAL);
	assert_string_equal(e.text, "unknown key 'wombat'");
	kq_client_config_free(c);
}

static void test_client_config_refuses_values_that_make_no_sense(void **state)
{
	(void)state;
	static const char *const BAD[][2] = {
		{ "linger.ms", "soon" }, { "linger.ms", "-1" }, { "acks", "2" }, { "enable.idempotence", "yes" },
		{ "compression.type", "zip" }, { "compression.zstd.level", "23" }, { "batch.size", "1e6" },
		{ "max.in.flight.requests.per.connection", "0" }, { "batch.size", "3000000000" },
		{ "isolation.level", "snapshot" }, { "security.protocol", "TLS" },
	};
	struct kq_client_config *c = kq_client_config_new();
	struct kq_error e;
	for (size_t i = 0; i < sizeof(BAD) / sizeof(BAD[0]); i++) {
		assert_int_equal(put(c, BAD[i][0], BAD[i][1], &e), KQ_EINVAL);
		assert_non_null(strstr(e.text, BAD[i][0]));
	}
	kq_client_config_free(c);
}

static void test_client_config_has_defaults_and_tells_them_apart(void **state)
{
	(void)state;
	struct kq_client_config *c = kq_client_config_new();
	struct kq_error e;
	assert_int_equal(kq_client_config_int(c, "linger.ms"), 5);
	assert_string_equal(kq_client_config_get(c, "bootstrap.servers"), "localhost:9092");
	assert_true(kq_client_config_bool(c, "enable.idempotence"));
	assert_null(kq_client_config_get(c, "group.id"));
	assert_false(kq_client_config_is_set(c, "linger.ms"));
	assert_int_equal(put(c, "linger.ms", "7", &e), 0);
	assert_true(kq_client_config_is_set(c, "linger.ms"));
	assert_int_equal(kq_client_config_int(c, "linger.ms"), 7);
	kq_client_config_free(c);
}

static void test_client_config_takes_secrets_from_files_and_variables(void **state)
{
	(void)state;
	char path[] = "/tmp/kq-secret-XXXXXX", value[64];
	struct kq_client_config *c = kq_client_config_new();
	struct kq_error e;
	int fd = mkstemp(path);
	assert_int_equal(write(fd, "hidden\n", 7), 7);
	close(fd);
	snprintf(value, sizeof(value), "file:%s", path);
	assert_int_equal(put(c, "ssl.key.password", value, &e), 0);
	assert_string_equal(kq_client_config_get(c, "ssl.key.password"), "hidden");
	unlink(path);
	setenv("KQ_TEST_SECRET", "other", 1);
	assert_int_equal(put(c, "ssl.key.password", "env:KQ_TEST_SECRET", &e), 0);
	assert_string_equal(kq_client_config_get(c, "ssl.key.password"), "other");
	assert_int_equal(put(c, "ssl.key.password", "env:KQ_TEST_NO_SUCH", &e), KQ_EINVAL);
	assert_int_equal(put(c, "ssl.key.password", value, &e), KQ_EINVAL);
	kq_client_config_free(c);
}

static void test_client_config_reads_properties_and_names_the_line(void **state)
{
	(void)state;
	char path[] = "/tmp/kq-props-XXXXXX", place[80];
	static const char TEXT[] = "# mine\nlinger.ms = 20\n\nackz=all\n";
	struct kq_client_config *c = kq_client_config_new();
	struct kq_error e = { 0 };
	int fd = mkstemp(path);
	assert_int_equal(write(fd, TEXT, sizeof(TEXT) - 1), (int)sizeof(TEXT) - 1);
	close(fd);
	assert_int_equal(kq_client_config_load(c, path, &e), KQ_EINVAL);
	snprintf(place, sizeof(place), "%s line 4", path);
	assert_non_null(strstr(e.text, place));
	assert_non_null(strstr(e.text, "'acks'"));
	assert_int_equal(kq_client_config_int(c, "linger.ms"), 20);
	unlink(path);
	assert_int_equal(kq_client_config_load(c, path, &e), KQ_EINVAL);
	kq_client_config_free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_config_knows_every_key_of_kafkas_clients),
		cmocka_unit_test(test_client_config_names_the_nearest_key),
		cmocka_unit_test(test_client_config_refuses_values_that_make_no_sense),
		cmocka_unit_test(test_client_config_has_defaults_and_tells_them_apart),
		cmocka_unit_test(test_client_config_takes_secrets_from_files_and_variables),
		cmocka_unit_test(test_client_config_reads_properties_and_names_the_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
