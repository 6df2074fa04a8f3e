/* Records out of a block. Plain lines go to the producer a block at a time; everything
 * else (keys, layouts, JSON, frames, a rate) one by one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/frames.h"
#include "common/json.h"
#include "common/report.h"
#include "feed.h"

enum { WAIT_MS = 200 };

static bool must_stop(struct feed *f)
{
	if (signalled || atomic_load(&f->fate->failed) || atomic_load(&f->fate->stdout_gone))
		f->stop = true;
	return f->stop;
}

/* ---- bad records --------------------------------------------------------------------- */

static bool to_dead_letter(struct feed *f, const char *p, size_t n, const char *reason)
{
	uint8_t header[400];
	struct kq_message m = KQ_MESSAGE_INIT;
	struct kq_bytes why = { (const uint8_t *)reason, (int32_t)strnlen(reason, 300) };
	m.value = (struct kq_bytes){ (const uint8_t *)p, (int32_t)n };
	m.headers = (struct kq_bytes){ header, (int32_t)kq_message_header_write(header, KQ_STR("kq.error"), why) };
	m.header_count = 1;
	struct kq_bytes raw = m.value;
	int rc;
	while ((rc = kq_producer_send(f->producer, f->dead_letter, &m, raw, f->records, WAIT_MS)) == KQ_EAGAIN &&
	       !signalled)
		feed_talk(f, false);
	return rc == 0;
}

void feed_bad(struct feed *f, const char *p, size_t n, const char *reason)
{
	char place[300];
	f->records++;
	feed_place(f, f->records, place, sizeof place);
	if (f->c->on_error_kind == ON_ERROR_SKIP) {
		kq_remark("skipped %s: %s", place, reason);
		f->skipped++;
		return;
	}
	if (f->c->on_error_kind == ON_ERROR_DEAD_LETTER && to_dead_letter(f, p, n, reason)) {
		kq_remark_verbose("%s goes to %s: %s", place, f->c->dead_letter, reason);
		f->dead++;
		return;
	}
	kq_report("cannot send %s: %s; --on-error tells how to go on", place, reason);
	fate_keep(f->fate, p, n, 1);
	f->bad = f->stop = true;
}

static void too_big(struct feed *f, const char *p, size_t n)
{
	char reason[160];
	snprintf(reason, sizeof reason, "%zu bytes are more than the topic takes (max.message.bytes is %d)", n,
		 (int)kq_producer_record_max(f->topic));
	feed_bad(f, p, n, reason);
}

/* ---- one by one ----------------------------------------------------------------------- */

/* Sleeps until record number f->records + 1 may go by --rate. */
static void pace(struct feed *f)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	int64_t now = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	if (!f->begun_us)
		f->begun_us = now - (int64_t)(f->records * 1000000 / (uint64_t)f->c->rate);
	int64_t due = f->begun_us + (int64_t)(f->records * 1000000 / (uint64_t)f->c->rate);
	if (due > now + 1000) {
		t.tv_sec = (due - now) / 1000000;
		t.tv_nsec = (due - now) % 1000000 * 1000;
		nanosleep(&t, NULL);
	}
}

/* Options of the command line over what the record says itself. */
static void complete(struct feed *f, struct kq_message *m)
{
	const struct config *c = f->c;
	if (c->partition >= 0)
		m->partition = (int32_t)c->partition;
	if (c->timestamp_ms >= 0)
		m->timestamp = c->timestamp_ms;
	if (c->key)
		m->key = f->like.key;
	if (c->empty_as_null && m->key.len == 0)
		m->key = KQ_BYTES_NULL;
	if (c->empty_as_null && m->value.len == 0)
		m->value = KQ_BYTES_NULL;
	if (!c->header_count)
		return;
	f->headers.len = 0;
	if (m->headers.len > 0)
		kq_out_bytes(&f->headers, m->headers.p, (size_t)m->headers.len);
	kq_out_bytes(&f->headers, c->headers, (size_t)c->headers_n);
	m->headers = (struct kq_bytes){ (const uint8_t *)f->headers.buf, (int32_t)f->headers.len };
	m->header_count += c->header_count;
}

static void send_one(struct feed *f, struct kq_message *m, const char *raw, size_t n)
{
	struct kq_bytes raw_bytes = { (const uint8_t *)raw, (int32_t)n };
	char reason[120];
	int rc;
	if (f->c->rate)
		pace(f);
	complete(f, m);
	while ((rc = kq_producer_send(f->producer, f->topic, m, raw_bytes, f->records + 1, WAIT_MS)) == KQ_EAGAIN) {
		feed_talk(f, false);
		if (must_stop(f)) {
			fate_keep(f->fate, raw, n, 1);
			f->records++;
			return;
		}
	}
	if (!rc) {
		f->records++;
	} else if (rc == KQ_ETOOBIG) {
		too_big(f, raw, n);
	} else if (rc == KQ_EINVAL) {
		snprintf(reason, sizeof reason, "there is no partition %d; the topic has %d", (int)m->partition,
			 (int)kq_producer_partitions(f->topic));
		feed_bad(f, raw, n, reason);
	} else {
		feed_bad(f, raw, n, kq_strerror(rc));
	}
}

/* The end of the record's text at p, *all bytes with its delimiter; NULL: not whole. */
static const char *text_end(const struct feed *f, const char *p, size_t n, bool last, size_t *all)
{
	const struct config *c = f->c;
	const char *end = c->delim_n == 1 ? memchr(p, c->delim_bytes[0], n) :
					    memmem(p, n, c->delim_bytes, c->delim_n);
	if (end) {
		*all = (size_t)(end - p) + c->delim_n;
		return end;
	}
	*all = n;
	return last && n ? p + n : NULL;
}

static void line_message(const struct feed *f, const char *p, const char *end, struct kq_message *m)
{
	const struct config *c = f->c;
	const char *cut = c->key_delim ? memmem(p, (size_t)(end - p), c->key_delim_bytes, c->key_delim_n) : NULL;
	*m = KQ_MESSAGE_INIT;
	if (cut) {
		m->key = (struct kq_bytes){ (const uint8_t *)p, (int32_t)(cut - p) };
		p = cut + c->key_delim_n;
	}
	m->value = (struct kq_bytes){ (const uint8_t *)p, (int32_t)(end - p) };
}

/* The next record: 1 with *used and *m; 0: not whole; KQ_EINVAL with *used bytes that
 * are no record and words, *used 0 if nothing behind can be found either. */
static int next_record(struct feed *f, const char *p, size_t n, bool last, size_t *used,
		       struct kq_message *m, struct kq_error *e)
{
	const char *end;
	int rc;
	if (f->c->layout) {
		rc = kq_format_read(f->c->layout, p, n, last, used, &f->scratch, m, e);
		if (rc < 0 && !text_end(f, p, n, last, used))
			*used = 0;
		return rc;
	}
	if (f->c->input == INPUT_FRAMES) {
		rc = kq_frame_read(p, n, used, m, e);
		if (rc == 0 && last && n > 0)
			rc = kq_error_set(e, KQ_EINVAL, "the last frame is cut short");
		if (rc < 0)
			*used = 0;
		return rc;
	}
	end = text_end(f, p, n, last, used);
	if (!end)
		return 0;
	if (f->c->input == INPUT_LINES) {
		line_message(f, p, end, m);
		return 1;
	}
	rc = kq_json_read_message(p, (size_t)(end - p), &f->scratch, m, e);
	return rc ? rc : 1;
}

static size_t one_by_one(struct feed *f, const char *p, size_t n, bool last)
{
	size_t at = 0, used = 0;
	while (at < n && !must_stop(f)) {
		struct kq_message m = KQ_MESSAGE_INIT;
		struct kq_error e = { 0 };
		int rc = next_record(f, p + at, n - at, last, &used, &m, &e);
		if (rc == 0)
			break;
		if (rc > 0) {
			send_one(f, &m, p + at, used);
		} else if (used) {
			feed_bad(f, p + at, used, e.text);
		} else {
			kq_report("cannot read %s on: %s", f->file, e.text);
			f->bad = f->stop = true;
			break;
		}
		at += used;
	}
	return at;
}

/* ---- a block at a time ---------------------------------------------------------------- */

static size_t whole_block(struct feed *f, const char *p, size_t n, bool last)
{
	const struct config *c = f->c;
	struct kq_lines l = { .delim = c->delim_bytes, .delim_n = c->delim_n,
			      .empty_as_null = c->empty_as_null };
	size_t at = 0, all;
	while (at < n && !must_stop(f)) {
		l.p = p + at;
		l.n = n - at;
		int rc = kq_producer_send_lines(f->producer, f->topic, &f->like, &l, f->records + 1, WAIT_MS);
		at += l.used;
		f->records += l.count;
		if (rc == KQ_EAGAIN) {
			feed_talk(f, false);
		} else if (rc == KQ_ETOOBIG) {
			text_end(f, p + at, n - at, last, &all);
			too_big(f, p + at, all);
			at += all;
		} else if (rc) {
			f->stop = true;
			if (rc == KQ_EINVAL) {
				kq_report("there is no partition %d; the topic has %d", (int)c->partition,
					  (int)kq_producer_partitions(f->topic));
				f->bad = true;
			}
		} else if (l.used == 0) {
			break; /* no whole line is left */
		}
	}
	if (last && at < n && !f->stop) /* the last line has no delimiter */
		at += one_by_one(f, p + at, n - at, true);
	return at;
}

size_t feed_records(struct feed *f, const char *p, size_t n, bool last)
{
	return f->whole_blocks ? whole_block(f, p, n, last) : one_by_one(f, p, n, last);
}
