/* Records of __consumer_offsets and __transaction_state as JSON. The i16 before each
 * key says what kind of record it is, the one before each value its version. */
#include <stdio.h>
#include <stdlib.h>

#include "kq/segment.h"
#include "wire/messages.h"

enum { DECODED_MAX = 64 << 20 };

static const struct kind {
	enum kq_segment_decode how;
	int first, last; /* versions of the key */
	const char *name;
	const struct kq_schema *key, *value;
} KINDS[] = {
	{ KQ_SEGMENT_GROUP_OFFSETS, 0, 1, "offset_commit", &kq_offset_commit_key_schema, &kq_offset_commit_value_schema },
	{ KQ_SEGMENT_GROUP_OFFSETS, 2, 2, "group_metadata", &kq_group_metadata_key_schema, &kq_group_metadata_value_schema },
	{ KQ_SEGMENT_TRANSACTIONS, 0, 0, "transaction", &kq_transaction_log_key_schema, &kq_transaction_log_value_schema },
};

/* Room for the decoded form of each. */
union decoded {
	struct kq_offset_commit_key a;
	struct kq_offset_commit_value b;
	struct kq_group_metadata_key c;
	struct kq_group_metadata_value d;
	struct kq_transaction_log_key e;
	struct kq_transaction_log_value f;
};

/* Writes {"<first>":..,<fields>} onto w. */
static int print(const struct kq_schema *s, struct kq_bytes b, const char *first, struct kq_writer *w)
{
	struct kq_arena arena;
	struct kq_reader r;
	union decoded msg;
	kq_arena_init(&arena, DECODED_MAX);
	kq_reader_init(&r, b.p, (size_t)b.len);
	int version = kq_read_i16(&r);
	kq_wire_init(s, &msg);
	int rc = kq_reader_failed(&r) ? KQ_ECORRUPT : kq_wire_decode(s, version, &r, &arena, &msg);
	if (rc == 0) {
		kq_write_bytes(w, first, strlen(first));
		size_t brace = w->len;
		rc = kq_wire_print(s, version, &msg, w);
		if (rc == 0)
			w->buf[brace] = ',';
	}
	kq_arena_deinit(&arena);
	return rc;
}

static const char *state_name(int status)
{
	static const char *const NAMES[] = { "Empty", "Ongoing", "PrepareCommit", "PrepareAbort", "CompleteCommit",
					     "CompleteAbort", "Dead", "PrepareEpochFence" };
	return status >= 0 && status < 8 ? NAMES[status] : "unknown";
}

/* Where the status stands in a transaction's value: behind version, id, epoch and
 * time-out. */
static int transaction_status(struct kq_bytes b)
{
	enum { AT = 2 + 8 + 2 + 4 };
	return b.len > AT ? (int8_t)b.p[AT] : -1;
}

static int decode(const struct kind *k, const struct kq_message *m, struct kq_writer *key, struct kq_writer *value)
{
	char first[64];
	snprintf(first, sizeof first, "{\"type\":\"%s\"", k->name);
	int rc = print(k->key, m->key, first, key);
	if (rc != 0)
		return rc;
	if (m->value.len < 0) {
		kq_write_bytes(value, "null", 4);
		return 0;
	}
	if (m->value.len < 2)
		return KQ_ECORRUPT;
	int n = snprintf(first, sizeof first, "{\"version\":%d", kq_load_i16(m->value.p));
	if (k->how == KQ_SEGMENT_TRANSACTIONS)
		snprintf(first + n, sizeof first - (size_t)n, ",\"state\":\"%s\"", state_name(transaction_status(m->value)));
	return print(k->value, m->value, first, value);
}

static char *text(struct kq_writer *w)
{
	size_t n;
	kq_write_i8(w, 0);
	return (char *)kq_writer_take(w, &n);
}

int kq_segment_decode(enum kq_segment_decode how, const struct kq_message *m, char **key, char **value)
{
	struct kq_writer k, v;
	*key = *value = NULL;
	if (m->key.len < 2)
		return KQ_ECORRUPT;
	int version = kq_load_i16(m->key.p);
	const struct kind *kind = NULL;
	for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
		if (KINDS[i].how == how && version >= KINDS[i].first && version <= KINDS[i].last)
			kind = &KINDS[i];
	if (!kind)
		return KQ_EUNSUPPORTED;
	kq_writer_init(&k, DECODED_MAX);
	kq_writer_init(&v, DECODED_MAX);
	int rc = decode(kind, m, &k, &v);
	if (rc == 0) {
		*key = text(&k);
		*value = text(&v);
	}
	if (rc == 0 && (kq_writer_failed(&k) || kq_writer_failed(&v)))
		rc = KQ_ELIMIT;
	kq_writer_deinit(&k);
	kq_writer_deinit(&v);
	if (rc != 0) {
		free(*key);
		free(*value);
		*key = *value = NULL;
	}
	return rc;
}
