/* Reading a .log front to back through one buffer, from a file that may be growing
 * or from a pipe.
 *
 * The buffer grows as bytes arrive, never by what a length field claims. When the
 * bytes at hand are no whole batch, it is decided what they are: the end cut off in
 * the middle of a write (a torn tail), zeros that were reserved and never written
 * (likewise), or damage: bytes that cannot begin a batch, or a length that reaches
 * beyond the end although further whole batches follow. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "kq/segment.h"
#include "record/batch_inflate.h"
#include "record/control.h"
#include "record/legacy.h"

enum {
	CHUNK = 256 * 1024,
	HEAD_LEAST = 17,            /* up to and with the magic byte */
	RESYNC_MAX = 64 << 20,      /* bytes looked through for a batch behind a bad length */
	GROWTH_ROUNDS = 5,          /* how often a file that ends too early is looked at again */
	GROWTH_ROUND_NS = 20000000,
};

struct kq_segment_reader {
	int fd;
	bool seekable;
	bool eof;
	uint8_t *buf;
	size_t at, len, cap;        /* unread bytes are buf[at..len) */
	int64_t pos;                /* of buf[at] in the file */
	int64_t from;
	bool over;
	char topic[256];
	int32_t partition;
	struct kq_segment_batch current;
	size_t current_size;        /* bytes of it at buf[at]; passed with the next call */
	/* The walk over the records of the current batch. */
	struct kq_batch batch;
	struct kq_legacy legacy;
	struct kq_record_iter records;
	struct kq_legacy_iter legacy_records;
	struct kq_writer scratch;
	bool walking;
	int walk_error;
};

int kq_segment_open(struct kq_segment_reader **out, const char *path, int64_t from, struct kq_error *e)
{
	bool is_stdin = path[0] == '-' && !path[1];
	int fd = is_stdin ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) != 0) {
		int rc = kq_error_set(e, kq_errno_from(errno), "%s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return rc;
	}
	if (S_ISDIR(st.st_mode)) {
		close(fd);
		return kq_error_set(e, KQ_EINVAL, "it is a directory");
	}
	struct kq_segment_reader *r = kq_calloc(1, sizeof *r);
	r->fd = fd;
	r->seekable = S_ISREG(st.st_mode) && !is_stdin;
	r->from = from;
	r->partition = -1;
	kq_segment_partition(path, false, r->topic, &r->partition);
	kq_writer_init(&r->scratch, KQ_SEGMENT_INFLATED_MAX);
	*out = r;
	return 0;
}

void kq_segment_close(struct kq_segment_reader *r)
{
	if (!r)
		return;
	close(r->fd);
	kq_writer_deinit(&r->scratch);
	free(r->buf);
	free(r);
}

static size_t at_hand(const struct kq_segment_reader *r)
{
	return r->len - r->at;
}

static int make_room(struct kq_segment_reader *r)
{
	if (r->at > 0 && r->len == r->cap) {
		memmove(r->buf, r->buf + r->at, r->len - r->at);
		r->len -= r->at;
		r->at = 0;
	}
	if (r->len < r->cap)
		return 0;
	size_t cap = r->cap ? 2 * r->cap : CHUNK;
	uint8_t *grown = kq_try_realloc(r->buf, cap);
	if (!grown)
		return KQ_ENOMEM;
	r->buf = grown;
	r->cap = cap;
	return 0;
}

/* Reads on until n bytes are at hand or the file ends. */
static int fill(struct kq_segment_reader *r, size_t n)
{
	while (at_hand(r) < n && !r->eof) {
		if (make_room(r) != 0)
			return KQ_ENOMEM;
		size_t room = r->cap - r->len;
		ssize_t got = r->seekable ? pread(r->fd, r->buf + r->len, room, (off_t)(r->pos + (int64_t)at_hand(r)))
					  : read(r->fd, r->buf + r->len, room);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return kq_errno_from(errno);
		r->len += (size_t)got;
		r->eof = got == 0;
	}
	return 0;
}

/* fill(), and where a file ends too early, a short wait for what a broker may be in
 * the middle of writing: it lays a batch down with one write, which takes no longer. */
static int fill_patiently(struct kq_segment_reader *r, size_t n)
{
	int rc = fill(r, n);
	for (int i = 0; i < GROWTH_ROUNDS && rc == 0 && at_hand(r) > 0 && at_hand(r) < n && r->seekable; i++) {
		nanosleep(&(struct timespec){ .tv_nsec = GROWTH_ROUND_NS }, NULL);
		r->eof = false;
		rc = fill(r, n);
	}
	return rc;
}

static int pass(struct kq_segment_reader *r, size_t n)
{
	if (n > at_hand(r) && r->seekable) {
		r->at = r->len = 0;
		r->pos += (int64_t)n;
		return 0;
	}
	while (n > 0) {
		int rc = fill(r, 1);
		if (rc != 0 || at_hand(r) == 0)
			return rc;
		size_t step = n < at_hand(r) ? n : at_hand(r);
		r->at += step;
		r->pos += (int64_t)step;
		n -= step;
	}
	return 0;
}

/* Whether nothing but zeros follows. */
static bool zeros_to_the_end(struct kq_segment_reader *r)
{
	for (;;) {
		if (fill(r, 1) != 0)
			return false;
		if (at_hand(r) == 0)
			return true;
		for (size_t i = r->at; i < r->len; i++)
			if (r->buf[i])
				return false;
		r->pos += (int64_t)at_hand(r);
		r->at = r->len = 0;
	}
}

/* Whether a whole batch with a right CRC and a later offset begins behind the one
 * at hand: then that one's length is wrong, not the file short. */
static bool batch_follows(struct kq_segment_reader *r, int64_t offset)
{
	if (fill(r, RESYNC_MAX) != 0)
		return false;
	size_t n = at_hand(r) < RESYNC_MAX ? at_hand(r) : RESYNC_MAX;
	const uint8_t *p = r->buf + r->at;
	struct kq_batch b;
	for (size_t i = 1; i + KQ_BATCH_HEADER_SIZE <= n; i++) {
		if (p[i + 16] != 2 || kq_batch_peek(p + i, n - i, &b) != 0)
			continue;
		if (b.base_offset >= offset && b.base_offset - offset < INT32_MAX && kq_batch_check_crc(&b) == 0)
			return true;
	}
	return false;
}

/* The end of reading, for a reason. */
static int stop(struct kq_segment_reader *r, struct kq_error *e, int code, const char *text)
{
	r->over = true;
	return kq_error_set(e, code, "%s at position %" PRId64, text, r->pos);
}

/* Bytes that do not begin a whole batch: what are they? size: what the header claims,
 * -1 if there is no sane header. */
static int no_batch(struct kq_segment_reader *r, int64_t size, struct kq_error *e)
{
	char text[160];
	size_t n = at_hand(r);
	if (n < HEAD_LEAST) {
		snprintf(text, sizeof text, "torn tail: %zu bytes of a batch's header", n);
		return stop(r, e, KQ_ETRUNC, text);
	}
	const uint8_t *p = r->buf + r->at;
	int64_t offset = kq_load_i64(p);
	int magic = (int8_t)p[16];
	int32_t length = kq_load_i32(p + 8);
	if (size >= 0) {
		fill(r, SIZE_MAX / 2 < RESYNC_MAX ? SIZE_MAX / 2 : RESYNC_MAX);
		snprintf(text, sizeof text, "torn tail: %zu of the %" PRId64 " bytes of the batch of offset %" PRId64,
			 at_hand(r), size, offset);
		if (!batch_follows(r, offset))
			return stop(r, e, KQ_ETRUNC, text);
		snprintf(text, sizeof text, "damage: the batch of offset %" PRId64 " claims %" PRId64
			 " bytes, but whole batches follow earlier", offset, size);
		return stop(r, e, KQ_ECORRUPT, text);
	}
	int64_t pos = r->pos;
	if (zeros_to_the_end(r)) {
		snprintf(text, sizeof text, "torn tail: %" PRId64 " zeros", r->pos - pos);
		r->pos = pos;
		return stop(r, e, KQ_ETRUNC, text);
	}
	r->pos = pos;
	snprintf(text, sizeof text, "damage: no batch (magic %d, length %d, offset %" PRId64 ")", magic, (int)length, offset);
	return stop(r, e, KQ_ECORRUPT, text);
}

static void describe(const struct kq_batch *b, struct kq_segment_batch *out)
{
	out->base_offset = b->base_offset;
	out->last_offset = kq_batch_last_offset(b);
	out->size = b->size;
	out->magic = b->magic;
	out->codec = kq_batch_codec(b);
	out->leader_epoch = b->leader_epoch;
	out->crc = b->crc;
	out->attributes = b->attributes;
	out->base_timestamp = b->base_timestamp;
	out->max_timestamp = b->max_timestamp;
	out->producer_id = b->producer_id;
	out->producer_epoch = b->producer_epoch;
	out->base_sequence = b->base_sequence;
	out->last_sequence = kq_batch_last_sequence(b);
	out->count = b->count;
	out->log_append_time = b->attributes & KQ_BATCH_LOG_APPEND_TIME;
	out->transactional = b->attributes & KQ_BATCH_TRANSACTIONAL;
	out->control = b->attributes & KQ_BATCH_CONTROL;
	out->has_horizon = b->attributes & KQ_BATCH_DELETE_HORIZON;
}

static void describe_legacy(struct kq_segment_reader *r, struct kq_segment_batch *out)
{
	const struct kq_legacy *m = &r->legacy;
	struct kq_record first;
	*out = (struct kq_segment_batch){
		.base_offset = m->offset, .last_offset = m->offset, .size = m->size, .magic = m->magic,
		.codec = kq_legacy_codec(m), .leader_epoch = -1, .crc = m->crc, .attributes = m->attributes,
		.base_timestamp = -1, .max_timestamp = m->timestamp, .producer_id = -1, .producer_epoch = -1,
		.base_sequence = -1, .last_sequence = -1, .count = -1,
		.log_append_time = m->magic == 1 && m->attributes & KQ_LEGACY_LOG_APPEND_TIME,
	};
	/* Where a wrapper begins only its records tell. */
	if (out->codec != KQ_CODEC_NONE && kq_legacy_iter_init(&r->legacy_records, m, &r->scratch) == 0 &&
	    kq_legacy_next(&r->legacy_records, &first) == 1)
		out->base_offset = first.offset;
}

/* Header of the batch at hand: its whole size. 0, KQ_ETRUNC (none sane: *size -1). */
static int head(struct kq_segment_reader *r, int64_t *size, int64_t *last_offset)
{
	*size = -1;
	if (at_hand(r) < HEAD_LEAST)
		return KQ_ETRUNC;
	const uint8_t *p = r->buf + r->at;
	int32_t length = kq_load_i32(p + 8);
	int8_t magic = (int8_t)p[16];
	bool v2 = magic == 2;
	int32_t least = v2 ? KQ_BATCH_HEADER_SIZE - KQ_BATCH_OVERHEAD : magic == 1 ? 22 : 14;
	if (magic < 0 || magic > 2 || length < least || length > KQ_SEGMENT_BATCH_MAX || kq_load_i64(p) < 0)
		return KQ_ETRUNC;
	*size = (int64_t)length + KQ_BATCH_OVERHEAD;
	*last_offset = kq_load_i64(p);
	if (v2 && at_hand(r) >= KQ_BATCH_HEADER_SIZE)
		*last_offset += kq_load_i32(p + 23);
	return 0;
}

/* Whether the file holds n bytes from here on. */
static bool is_whole(struct kq_segment_reader *r, int64_t n)
{
	struct stat st;
	if ((int64_t)at_hand(r) >= n)
		return true;
	return r->seekable && fstat(r->fd, &st) == 0 && st.st_size - r->pos >= n;
}

static int read_whole(struct kq_segment_reader *r, int64_t size, struct kq_error *e)
{
	int rc = fill_patiently(r, (size_t)size);
	if (rc != 0)
		return kq_error_set(e, rc, "%s at position %" PRId64, kq_strerror(rc), r->pos);
	if (at_hand(r) < (size_t)size)
		return no_batch(r, size, e);
	const uint8_t *p = r->buf + r->at;
	struct kq_segment_batch *b = &r->current;
	r->current_size = (size_t)size;
	*b = (struct kq_segment_batch){ 0 };
	if (p[16] == 2) {
		if (kq_batch_peek(p, (size_t)size, &r->batch) != 0)
			return no_batch(r, -1, e);
		describe(&r->batch, b);
		b->crc_wrong = kq_batch_check_crc(&r->batch) != 0;
	} else {
		if (kq_legacy_peek(p, (size_t)size, &r->legacy) != 0)
			return no_batch(r, -1, e);
		describe_legacy(r, b);
		b->crc_wrong = kq_legacy_check_crc(&r->legacy) != 0;
	}
	b->position = r->pos;
	return 1;
}

int kq_segment_next(struct kq_segment_reader *r, struct kq_segment_batch *b, struct kq_error *e)
{
	int64_t size, last_offset;
	if (r->over)
		return 0;
	r->walking = false;
	pass(r, r->current_size);
	r->current_size = 0;
	for (;;) {
		int rc = fill_patiently(r, HEAD_LEAST);
		if (rc == 0)
			rc = fill(r, KQ_BATCH_HEADER_SIZE);
		if (rc != 0)
			return kq_error_set(e, rc, "%s at position %" PRId64, kq_strerror(rc), r->pos);
		if (at_hand(r) == 0)
			return 0;
		if (head(r, &size, &last_offset) != 0)
			return no_batch(r, -1, e);
		if (last_offset >= r->from || !is_whole(r, size))
			break;
		rc = pass(r, (size_t)size);
		if (rc != 0)
			return kq_error_set(e, rc, "%s at position %" PRId64, kq_strerror(rc), r->pos);
	}
	int rc = read_whole(r, size, e);
	if (rc == 1)
		*b = r->current;
	else
		r->over = true;
	return rc;
}

/* ---- records ----------------------------------------------------------- */

static int begin_walk(struct kq_segment_reader *r)
{
	const uint8_t *p;
	size_t n;
	r->walking = true;
	r->walk_error = 0;
	if (r->current_size == 0)
		return KQ_ERANGE;
	if (r->current.magic < 2)
		return kq_legacy_iter_init(&r->legacy_records, &r->legacy, &r->scratch);
	int rc = kq_batch_inflate(&r->batch, &r->scratch, &p, &n);
	if (rc == 0)
		kq_record_iter_init(&r->records, &r->batch, p, n);
	return rc;
}

static void describe_record(const struct kq_segment_reader *r, const struct kq_record *in,
			    struct kq_segment_record *out)
{
	const struct kq_segment_batch *b = &r->current;
	struct kq_control control;
	*out = (struct kq_segment_record){
		.m = { .topic = r->partition >= 0 ? (struct kq_str){ r->topic, (int32_t)strlen(r->topic) } : KQ_STR_NULL,
		       .partition = r->partition, .leader_epoch = b->leader_epoch, .offset = in->offset,
		       .timestamp = in->timestamp, .key = in->key, .value = in->value, .headers = in->headers,
		       .header_count = in->header_count, .log_append_time = b->log_append_time,
		       .control = b->control },
		.producer_id = b->producer_id, .producer_epoch = b->producer_epoch, .sequence = -1,
		.transactional = b->transactional, .control_type = -1, .coordinator_epoch = -1,
	};
	/* Numbers wrap from the largest to 0. */
	if (b->base_sequence >= 0)
		out->sequence = (int32_t)(((uint64_t)b->base_sequence + (uint64_t)(in->offset - b->base_offset)) & INT32_MAX);
	if (b->control && kq_control_parse(in, &control) == 0) {
		out->control_type = control.type;
		out->coordinator_epoch = control.coordinator_epoch;
	}
}

int kq_segment_next_record(struct kq_segment_reader *r, struct kq_segment_record *rec, struct kq_error *e)
{
	struct kq_record raw = { .headers = { NULL, 0 } };
	int rc = r->walking ? r->walk_error : begin_walk(r);
	if (rc == 0)
		rc = r->current.magic < 2 ? kq_legacy_next(&r->legacy_records, &raw) : kq_record_next(&r->records, &raw);
	if (rc == 1)
		describe_record(r, &raw, rec);
	else if (rc < 0)
		kq_error_set(e, rc, "the records of the batch of offset %" PRId64 " at position %" PRId64 ": %s",
			     r->current.base_offset, r->current.position, kq_strerror(rc));
	if (rc < 0)
		r->walk_error = rc;
	return rc;
}
