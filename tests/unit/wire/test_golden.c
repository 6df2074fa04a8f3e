/* Every message in every version as Apache Kafka's own classes wrote it. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/alloc.h"
#include "unit/wire/message.h"

struct golden {
	char where[300]; /* "00-produce.jsonl:12" */
	const struct kq_schema *schema;
	int version;
	uint8_t *bytes;
	size_t n;
	json_t *json;
};

typedef void check_fn(const struct golden *g);

#define assert_at(g, ok) \
	do { \
		if (!(ok)) \
			fail_msg("%s: %s v%d: %s", (g)->where, (g)->schema->name, (g)->version, #ok); \
	} while (0)

static int check_file(const char *name, check_fn *check)
{
	char path[600];
	char *line = NULL;
	size_t cap = 0;
	int count = 0;
	snprintf(path, sizeof path, "%s/golden/wire/%s", KQ_TESTDATA, name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		struct golden g;
		json_t *root = json_loads(line, 0, NULL);
		assert_non_null(root);
		snprintf(g.where, sizeof g.where, "%s:%d", name, ++count);
		const char *message = json_string_value(json_object_get(root, "name"));
		g.schema = find_schema(message);
		if (!g.schema)
			fail_msg("%s: no table for %s", g.where, message);
		g.version = (int)json_integer_value(json_object_get(root, "version"));
		g.bytes = from_hex(json_string_value(json_object_get(root, "hex")), &g.n);
		g.json = json_object_get(root, "json");
		check(&g);
		free(g.bytes);
		json_decref(root);
	}
	free(line);
	fclose(f);
	return count;
}

static int check_all(check_fn *check)
{
	int count = 0;
	DIR *d = opendir(KQ_TESTDATA "/golden/wire");
	assert_non_null(d);
	for (struct dirent *e; (e = readdir(d));)
		if (strstr(e->d_name, ".jsonl"))
			count += check_file(e->d_name, check);
	closedir(d);
	return count;
}

static json_t *print(const struct message *m)
{
	struct kq_writer w;
	json_error_t err;
	kq_writer_init(&w, 1 << 24);
	assert_int_equal(kq_wire_print(m->schema, m->version, m->body, &w), 0);
	json_t *got = json_loadb((const char *)w.buf, w.len, JSON_ALLOW_NUL, &err);
	if (!got)
		print_message("%s in %.*s\n", err.text, (int)w.len, (const char *)w.buf);
	kq_writer_deinit(&w);
	return got;
}

static void gives_its_json(const struct golden *g)
{
	struct message m;
	assert_at(g, message_decode(&m, g->schema, g->version, g->bytes, g->n) == 0);
	assert_at(g, m.left == 0);
	json_t *got = print(&m);
	assert_at(g, got != NULL);
	if (!json_equal(got, g->json)) {
		char *want = json_dumps(g->json, JSON_COMPACT | JSON_SORT_KEYS);
		char *have = json_dumps(got, JSON_COMPACT | JSON_SORT_KEYS);
		fail_msg("%s: %s v%d\nwant %s\nhave %s", g->where, g->schema->name, g->version,
			 want, have);
	}
	json_decref(got);
	message_free(&m);
}

static void test_decode_gives_the_json(void **state)
{
	(void)state;
	assert_true(check_all(gives_its_json) > 1900);
}

static void gives_its_bytes(const struct golden *g)
{
	struct message m;
	size_t n;
	int rc;
	assert_at(g, message_decode(&m, g->schema, g->version, g->bytes, g->n) == 0);
	uint8_t *p = message_encode(&m, &n, &rc);
	assert_at(g, rc == 0);
	assert_at(g, n == g->n && (n == 0 || memcmp(p, g->bytes, n) == 0));
	free(p);
	message_free(&m);
}

static void test_encode_of_decoded_gives_the_bytes(void **state)
{
	(void)state;
	check_all(gives_its_bytes);
}

static void fails_when_cut(const struct golden *g)
{
	for (size_t n = 0; n < g->n; n++) {
		struct message m;
		uint8_t *cut = malloc(n ? n : 1);
		memcpy(cut, g->bytes, n);
		assert_at(g, message_decode(&m, g->schema, g->version, cut, n) < 0);
		message_free(&m);
		free(cut);
	}
}

static void test_cut_at_each_length_fails_cleanly(void **state)
{
	(void)state;
	check_all(fails_when_cut);
}

/* Whatever a decoder accepts, the encoder can say, and it means the same. */
static void round_trip(const struct golden *g, const uint8_t *bytes, size_t n)
{
	struct message m, again;
	if (message_decode(&m, g->schema, g->version, bytes, n) == 0) {
		size_t first_n, second_n;
		int rc;
		uint8_t *first = message_encode(&m, &first_n, &rc);
		assert_at(g, rc == 0);
		assert_at(g, message_decode(&again, g->schema, g->version, first, first_n) == 0);
		uint8_t *second = message_encode(&again, &second_n, &rc);
		assert_at(g, rc == 0 && second_n == first_n);
		assert_at(g, first_n == 0 || memcmp(first, second, first_n) == 0);
		message_free(&again);
		free(first);
		free(second);
	}
	message_free(&m);
}

static void survives_flips(const struct golden *g)
{
	static const uint8_t flips[] = { 0x01, 0x80, 0xff };
	for (size_t i = 0; i < g->n; i++) {
		for (size_t k = 0; k < sizeof flips; k++) {
			g->bytes[i] ^= flips[k];
			round_trip(g, g->bytes, g->n);
			g->bytes[i] ^= flips[k];
		}
	}
}

static void test_flipped_bytes_fail_or_mean_something(void **state)
{
	(void)state;
	check_all(survives_flips);
}

static void survives_no_memory(const struct golden *g)
{
	for (long n = 1;; n++) {
		struct message m;
		kq_alloc_fail_at(n, 0);
		int rc = message_decode(&m, g->schema, g->version, g->bytes, g->n);
		kq_alloc_fail_at(0, 0);
		message_free(&m);
		assert_at(g, rc == 0 || rc == KQ_ENOMEM);
		if (rc == 0)
			return;
	}
}

static void test_each_failed_allocation_is_reported(void **state)
{
	(void)state;
	check_all(survives_no_memory);
}

static uint32_t seen[512]; /* versions, by the order in kq_schema_all */

static void is_seen(const struct golden *g)
{
	for (int i = 0; i < kq_schema_count; i++)
		if (kq_schema_all[i] == g->schema)
			seen[i] |= 1u << g->version;
}

/* One has no case: the heartbeat answer of share groups, unstable in 3.9. */
static void test_golden_has_every_version_of_every_message(void **state)
{
	(void)state;
	assert_true((size_t)kq_schema_count <= sizeof seen / sizeof *seen);
	check_all(is_seen);
	for (int i = 0; i < kq_schema_count; i++)
		for (int v = kq_schema_all[i]->min; v <= kq_schema_all[i]->max; v++)
			if (!kq_field_in(seen[i], v) &&
			    kq_schema_all[i] != &kq_share_group_heartbeat_response_schema)
				fail_msg("no case for %s v%d", kq_schema_all[i]->name, v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode_gives_the_json),
		cmocka_unit_test(test_encode_of_decoded_gives_the_bytes),
		cmocka_unit_test(test_cut_at_each_length_fails_cleanly),
		cmocka_unit_test(test_flipped_bytes_fail_or_mean_something),
		cmocka_unit_test(test_each_failed_allocation_is_reported),
		cmocka_unit_test(test_golden_has_every_version_of_every_message),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
