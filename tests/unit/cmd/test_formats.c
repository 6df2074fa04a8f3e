/* The record formats of cmd/common. They are no part of the library, so that the
 * sources are taken in here. */
#include "../../../cmd/common/out.c"
#include "../../../cmd/common/json.c"
#include "../../../cmd/common/format.c"
#include "../../../cmd/common/format_read.c"
#include "../../../cmd/common/frames.c"
#include "../../../cmd/common/report.c"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct kq_bytes text(const char *s)
{
	return s ? (struct kq_bytes){ (const uint8_t *)s, (int32_t)strlen(s) } : KQ_BYTES_NULL;
}

static uint8_t header_bytes[256];

/* A record with headers a=1, b (null) and one value that is not UTF-8. */
static struct kq_message sample(void)
{
	struct kq_message m = KQ_MESSAGE_INIT;
	size_t n = 0;
	m.topic = KQ_STR("t");
	m.partition = 3;
	m.offset = 42;
	m.timestamp = 1700000000123;
	m.leader_epoch = 5;
	m.key = text("k\"1");
	m.value = text("line\nv\x01");
	n += kq_message_header_write(header_bytes + n, KQ_STR("a"), text("1,2"));
	n += kq_message_header_write(header_bytes + n, KQ_STR("b=c"), KQ_BYTES_NULL);
	n += kq_message_header_write(header_bytes + n, KQ_STR("raw"), text("\xff"));
	m.headers = (struct kq_bytes){ header_bytes, (int32_t)n };
	m.header_count = 3;
	return m;
}

static bool same_bytes(struct kq_bytes a, struct kq_bytes b)
{
	return a.len == b.len && (a.len <= 0 || memcmp(a.p, b.p, (size_t)a.len) == 0);
}

static void assert_same(const struct kq_message *a, const struct kq_message *b)
{
	assert_true(same_bytes(a->key, b->key));
	assert_true(same_bytes(a->value, b->value));
	assert_int_equal(a->header_count, b->header_count);
	assert_true(a->header_count == 0 || same_bytes(a->headers, b->headers));
	assert_int_equal(a->timestamp, b->timestamp);
	assert_int_equal(a->partition, b->partition);
	assert_int_equal(a->offset, b->offset);
}

static const char *formatted(const char *fmt, const char *null_text, const struct kq_message *m)
{
	static struct kq_out o;
	struct kq_format *f;
	struct kq_error e;
	kq_out_deinit(&o);
	assert_int_equal(kq_format_new(&f, fmt, null_text, &e), 0);
	kq_format_write(f, m, &o);
	kq_out_char(&o, '\0');
	kq_format_free(f);
	return o.buf;
}

static void test_format_prints_every_field(void **state)
{
	(void)state;
	struct kq_message m = sample();
	assert_string_equal(formatted("%t/%p@%o e%e %T %S %K%%\\t", NULL, &m), "t/3@42 e5 1700000000123 7 3%\t");
	assert_string_equal(formatted("%T{iso} %T{%Y/%m/%d}", NULL, &m), "2023-11-14T22:13:20.123Z 2023/11/14");
	assert_string_equal(formatted("%k{hex} %k{base64} %v{json}", NULL, &m), "6b2231 ayIx \"line\\nv\\u0001\"");
	assert_string_equal(formatted("%h", NULL, &m), "a=1\\,2,b\\=c,raw=\xff");
	m.key = KQ_BYTES_NULL;
	assert_string_equal(formatted("%k|%k{json}|%K", "NULL", &m), "NULL|null|-1");
}

static void test_format_refuses_what_it_does_not_know(void **state)
{
	(void)state;
	static const char *const BAD[] = { "%x", "%", "%v{nope}", "%v{hex", "\\q", "%o{hex}", "%T{}" };
	struct kq_format *f;
	struct kq_error e;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_int_equal(kq_format_new(&f, BAD[i], NULL, &e), KQ_EINVAL);
}

static void test_format_reads_back_what_it_wrote(void **state)
{
	(void)state;
	static const char *const FORMATS[] = {
		"%p %o %T %h\\t%k{hex}\\t%v{base64}\\n", "%p,%o,%T,%K,%S,%h;%k%v", "%p %o %T %h|%k{json}%v{json}\\n",
		"%p %o %T{iso} %h %k{json} %v{json}",
	};
	struct kq_message m = sample(), back;
	struct kq_out scratch = { .fd = -1 };
	struct kq_format *f;
	struct kq_error e = { 0 };
	for (size_t i = 0; i < sizeof FORMATS / sizeof *FORMATS; i++) {
		const char *line = formatted(FORMATS[i], "~", &m);
		size_t used, n = strlen(line);
		assert_int_equal(kq_format_new(&f, FORMATS[i], "~", &e), 0);
		assert_int_equal(kq_format_for_input(f, "\n", 1, &e), 0);
		for (size_t cut = 0; cut < n; cut++)
			assert_true(kq_format_read(f, line, cut, false, &used, &scratch, &back, &e) >= 0);
		assert_int_equal(kq_format_read(f, line, n, true, &used, &scratch, &back, &e), 1);
		assert_int_equal(used, n);
		assert_same(&m, &back);
		kq_format_free(f);
	}
	kq_out_deinit(&scratch);
}

static void test_format_reads_lines_with_null_text_and_a_missing_last_newline(void **state)
{
	(void)state;
	const char *input = "k1\tv1\n~\tv2\nk3\t~";
	struct kq_out scratch = { .fd = -1 };
	struct kq_format *f;
	struct kq_error e;
	struct kq_message m;
	size_t used, left = strlen(input);
	assert_int_equal(kq_format_new(&f, "%k\\t%v", "~", &e), 0);
	assert_int_equal(kq_format_for_input(f, "\n", 1, &e), 0);
	assert_int_equal(kq_format_read(f, input, left, true, &used, &scratch, &m, &e), 1);
	assert_true(same_bytes(m.key, text("k1")) && same_bytes(m.value, text("v1")));
	input += used, left -= used;
	assert_int_equal(kq_format_read(f, input, left, true, &used, &scratch, &m, &e), 1);
	assert_int_equal(m.key.len, -1);
	input += used, left -= used;
	assert_int_equal(kq_format_read(f, input, left, false, &used, &scratch, &m, &e), 0);
	assert_int_equal(kq_format_read(f, input, left, true, &used, &scratch, &m, &e), 1);
	assert_int_equal(m.value.len, -1);
	input += used, left -= used;
	assert_int_equal(kq_format_read(f, input, left, true, &used, &scratch, &m, &e), 0);
	kq_format_free(f);
	kq_out_deinit(&scratch);
}

static void test_format_for_input_refuses_fields_that_touch(void **state)
{
	(void)state;
	struct kq_format *f;
	struct kq_error e;
	assert_int_equal(kq_format_new(&f, "%k%v\\n", NULL, &e), 0);
	assert_int_equal(kq_format_for_input(f, "\n", 1, &e), KQ_EINVAL);
	kq_format_free(f);
}

static void test_json_line_reads_back_as_the_same_record(void **state)
{
	(void)state;
	struct kq_message m = sample(), back;
	struct kq_out line = { .fd = -1 }, scratch = { .fd = -1 };
	struct kq_error e;
	m.value = (struct kq_bytes){ (const uint8_t *)"\0\xfe", 2 };
	kq_json_message(&line, &m);
	assert_int_equal(kq_json_read_message(line.buf, line.len, &scratch, &back, &e), 0);
	assert_same(&m, &back);
	kq_out_char(&line, '\0');
	assert_string_equal(line.buf,
		"{\"topic\":\"t\",\"partition\":3,\"offset\":42,\"timestamp\":1700000000123,\"key\":\"k\\\"1\","
		"\"value_base64\":\"AP4=\",\"headers\":[[\"a\",\"1,2\"],[\"b=c\",null],[\"raw\",{\"base64\":\"/w==\"}]]}\n");
	kq_out_deinit(&line);
	kq_out_deinit(&scratch);
}

static void test_json_refuses_lines_that_are_no_record(void **state)
{
	(void)state;
	static const char *const BAD[] = { "", "[]", "{", "{\"value\":1}", "{\"partition\":-2}", "{\"headers\":{}}",
					   "{\"headers\":[[\"a\"]]}", "{\"value_base64\":\"*\"}", "{\"value\":\"a\"} x" };
	struct kq_out scratch = { .fd = -1 };
	struct kq_message m;
	struct kq_error e;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_int_equal(kq_json_read_message(BAD[i], strlen(BAD[i]), &scratch, &m, &e), KQ_EINVAL);
	kq_out_deinit(&scratch);
}

static void test_json_escapes_only_what_must_be(void **state)
{
	(void)state;
	struct kq_out o = { .fd = -1 };
	const char *s = "0123456789\"abc\\defgh\tijklmnop\xc3\xa4\x1f\x7f/";
	kq_json_quote(&o, s, strlen(s));
	json_t *v = json_loadb(o.buf, o.len, JSON_DECODE_ANY, NULL);
	assert_string_equal(json_string_value(v), s);
	json_decref(v);
	o.len = 0;
	kq_json_quote(&o, "a\xff\xc3z", 4);
	kq_out_char(&o, '\0');
	assert_string_equal(o.buf, "\"a\xef\xbf\xbd\xef\xbf\xbdz\"");
	kq_out_deinit(&o);
}

static void test_frames_read_back_and_say_how_much_is_missing(void **state)
{
	(void)state;
	struct kq_message m = sample(), back;
	struct kq_out o = { .fd = -1 };
	struct kq_error e;
	size_t used;
	m.key = KQ_BYTES_NULL;
	kq_frame_write(&o, &m);
	for (size_t cut = 0; cut < o.len; cut++) {
		assert_int_equal(kq_frame_read(o.buf, cut, &used, &back, &e), 0);
		assert_int_equal(used, cut < 4 ? 4 : o.len);
	}
	assert_int_equal(kq_frame_read(o.buf, o.len, &used, &back, &e), 1);
	assert_int_equal(used, o.len);
	assert_same(&m, &back);
	o.buf[4] = 9;
	assert_int_equal(kq_frame_read(o.buf, o.len, &used, &back, &e), KQ_EINVAL);
	kq_out_deinit(&o);
}

static void test_base64_and_hex_undo_themselves(void **state)
{
	(void)state;
	uint8_t bytes[64];
	struct kq_out o = { .fd = -1 }, back = { .fd = -1 };
	for (size_t n = 0; n < sizeof bytes; n++) {
		bytes[n] = (uint8_t)(n * 37);
		o.len = back.len = 0;
		kq_out_base64(&o, bytes, n);
		assert_true(kq_out_unbase64(&back, o.buf ? o.buf : "", o.len));
		assert_int_equal(back.len, n);
		assert_true(n == 0 || memcmp(back.buf, bytes, n) == 0);
		o.len = back.len = 0;
		kq_out_hex(&o, bytes, n);
		assert_true(kq_out_unhex(&back, o.buf ? o.buf : "", o.len));
		assert_true(n == 0 || memcmp(back.buf, bytes, n) == 0);
	}
	kq_out_deinit(&o);
	kq_out_deinit(&back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_format_prints_every_field),
		cmocka_unit_test(test_format_refuses_what_it_does_not_know),
		cmocka_unit_test(test_format_reads_back_what_it_wrote),
		cmocka_unit_test(test_format_reads_lines_with_null_text_and_a_missing_last_newline),
		cmocka_unit_test(test_format_for_input_refuses_fields_that_touch),
		cmocka_unit_test(test_json_line_reads_back_as_the_same_record),
		cmocka_unit_test(test_json_refuses_lines_that_are_no_record),
		cmocka_unit_test(test_json_escapes_only_what_must_be),
		cmocka_unit_test(test_frames_read_back_and_say_how_much_is_missing),
		cmocka_unit_test(test_base64_and_hex_undo_themselves),
	};
	return cmocka_run_group_tests_name("formats", tests, NULL, NULL);
}
