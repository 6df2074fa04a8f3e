/* The small files, and verifying. */
#include "dump.h"

#include <stdlib.h>

#include "common/json.h"
#include "common/report.h"
#include "kq/units.h"

bool dump_goes_on(struct dump_config *c)
{
	return c->out.err == 0;
}

void dump_failed(struct dump_config *c, const char *path, const struct kq_error *e)
{
	kq_out_flush(&c->out);
	kq_report("cannot read '%s': %s", path, e->text);
	c->status = KQ_EXIT_FAILED;
}

/* A line of `name=value` pairs, or of JSON, from the same calls. */
struct line {
	struct kq_json json;
	struct kq_out *out;
	bool is_json, first;
};

static void line_begin(struct line *l, struct dump_config *c)
{
	*l = (struct line){ .out = &c->out, .is_json = c->json, .first = true };
	kq_json_init(&l->json, &c->out);
	if (l->is_json)
		kq_json_open(&l->json, NULL, '{');
}

static void line_name(struct line *l, const char *name)
{
	if (!l->first)
		kq_out_char(l->out, ' ');
	l->first = false;
	kq_out_text(l->out, name);
	kq_out_char(l->out, '=');
}

static void line_int(struct line *l, const char *name, int64_t v)
{
	if (l->is_json) {
		kq_json_int(&l->json, name, v);
	} else {
		line_name(l, name);
		kq_out_int(l->out, v);
	}
}

static void line_text(struct line *l, const char *name, const char *v)
{
	if (l->is_json) {
		kq_json_text(&l->json, name, v);
	} else {
		line_name(l, name);
		kq_out_text(l->out, v);
	}
}

static void line_end(struct line *l)
{
	if (l->is_json)
		kq_json_close(&l->json, '}');
	kq_out_char(l->out, '\n');
}

static void dump_index(struct dump_config *c, const char *path, enum kq_segment_kind kind, int64_t base)
{
	struct kq_segment_index_entry *v;
	struct kq_error e = { 0 };
	struct line l;
	size_t n;
	int rc = kq_segment_read_index(path, &v, &n, &e);
	for (size_t i = 0; i < n; i++) {
		line_begin(&l, c);
		line_int(&l, "segment", base);
		if (kind == KQ_SEGMENT_INDEX) {
			line_int(&l, "offset", v[i].offset);
			line_int(&l, "position", v[i].position);
		} else if (kind == KQ_SEGMENT_TIMEINDEX) {
			line_int(&l, "timestamp", v[i].timestamp);
			line_int(&l, "offset", v[i].offset);
		} else {
			line_int(&l, "version", v[i].version);
			line_int(&l, "producer_id", v[i].producer_id);
			line_int(&l, "first_offset", v[i].first_offset);
			line_int(&l, "last_offset", v[i].last_offset);
			line_int(&l, "last_stable_offset", v[i].last_stable_offset);
		}
		line_end(&l);
	}
	free(v);
	if (rc != 0)
		dump_failed(c, path, &e);
}

static void dump_snapshot(struct dump_config *c, const char *path, int64_t base)
{
	struct kq_segment_producer *v;
	struct kq_error e = { 0 };
	struct line l;
	size_t n;
	int rc = kq_segment_read_snapshot(path, &v, &n, &e);
	for (size_t i = 0; i < n; i++) {
		line_begin(&l, c);
		line_int(&l, "snapshot", base);
		line_int(&l, "producer_id", v[i].producer_id);
		line_int(&l, "producer_epoch", v[i].producer_epoch);
		line_int(&l, "last_sequence", v[i].last_sequence);
		line_int(&l, "last_offset", v[i].last_offset);
		line_int(&l, "offset_delta", v[i].offset_delta);
		line_int(&l, "timestamp", v[i].timestamp);
		line_int(&l, "coordinator_epoch", v[i].coordinator_epoch);
		if (l.is_json && v[i].current_txn_first_offset < 0)
			kq_json_null(&l.json, "current_txn_first_offset");
		else
			line_int(&l, "current_txn_first_offset", v[i].current_txn_first_offset);
		line_end(&l);
	}
	free(v);
	if (rc != 0)
		dump_failed(c, path, &e);
}

static void dump_lines(struct dump_config *c, const char *path, enum kq_segment_kind kind)
{
	struct kq_segment_line *v;
	struct kq_error e = { 0 };
	struct line l;
	size_t n;
	int rc = kq_segment_read_lines(path, &v, &n, &e);
	for (size_t i = 0; i < n; i++) {
		line_begin(&l, c);
		if (kind == KQ_SEGMENT_PROPERTIES) {
			line_text(&l, l.is_json ? "name" : v[i].name, l.is_json ? v[i].name : v[i].value);
			if (l.is_json)
				line_text(&l, "value", v[i].value);
		} else if (kind == KQ_SEGMENT_EPOCHS) {
			line_int(&l, "epoch", v[i].epoch);
			line_int(&l, "start_offset", v[i].offset);
		} else {
			line_text(&l, "topic", v[i].name);
			line_int(&l, "partition", v[i].partition);
			line_int(&l, "offset", v[i].offset);
		}
		line_end(&l);
	}
	free(v);
	if (rc != 0)
		dump_failed(c, path, &e);
}

static void print_fault(void *arg, const char *path, int64_t position, bool torn, const char *text)
{
	struct dump_config *c = arg;
	struct kq_json j;
	c->status = KQ_EXIT_FAILED;
	if (!c->json) {
		if (position >= 0)
			kq_out_printf(&c->out, "%s: position %lld: %s\n", path, (long long)position, text);
		else
			kq_out_printf(&c->out, "%s: %s\n", path, text);
		return;
	}
	kq_json_init(&j, &c->out);
	kq_json_open(&j, NULL, '{');
	kq_json_text(&j, "file", path);
	if (position >= 0)
		kq_json_int(&j, "position", position);
	kq_json_bool(&j, "torn", torn);
	kq_json_text(&j, "fault", text);
	kq_json_close(&j, '}');
	kq_json_end_line(&j);
}

void dump_file(struct dump_config *c, const char *path)
{
	struct kq_error e = { 0 };
	int64_t base;
	enum kq_segment_kind kind = kq_segment_kind(path, &base);
	if (c->verify) {
		if (kq_segment_verify(path, print_fault, c, &e) < 0)
			dump_failed(c, path, &e);
		return;
	}
	switch (kind) {
	case KQ_SEGMENT_LOG:
		dump_log(c, path, base);
		break;
	case KQ_SEGMENT_INDEX:
	case KQ_SEGMENT_TIMEINDEX:
	case KQ_SEGMENT_TXNINDEX:
		dump_index(c, path, kind, base);
		break;
	case KQ_SEGMENT_SNAPSHOT:
		dump_snapshot(c, path, base);
		break;
	case KQ_SEGMENT_EPOCHS:
	case KQ_SEGMENT_OFFSETS:
	case KQ_SEGMENT_PROPERTIES:
		dump_lines(c, path, kind);
		break;
	case KQ_SEGMENT_UNKNOWN:
		kq_error_set(&e, KQ_EINVAL, "its name is none of Kafka's; feed bytes of a .log as FILE -");
		dump_failed(c, path, &e);
	}
}
