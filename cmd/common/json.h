/* JSON lines: a small writer, records out and in.
 *
 * A record is one object on one line:
 *	{"topic":"t","partition":0,"offset":7,"timestamp":1700000000000,
 *	 "key":"k","value":"v","headers":[["name","value"],["other",null]]}
 * Bytes that are not UTF-8 come as base64: "key_base64", "value_base64", and in
 * headers ["name",{"base64":"..."}]. A header name is always text (bytes that are not
 * UTF-8 become U+FFFD there). Members that are not known are left out. */
#ifndef KQ_CMD_JSON_H
#define KQ_CMD_JSON_H

#include "kq/message.h"
#include "out.h"

/* Writes values one after another and puts the commas itself. name NULL: an element
 * of an array or the outermost value. */
struct kq_json {
	struct kq_out *out;
	bool comma; /* before the next member or element */
};

void kq_json_init(struct kq_json *j, struct kq_out *out);
void kq_json_open(struct kq_json *j, const char *name, char bracket);  /* '{' or '[' */
void kq_json_close(struct kq_json *j, char bracket);                   /* '}' or ']' */
void kq_json_int(struct kq_json *j, const char *name, int64_t v);
void kq_json_bool(struct kq_json *j, const char *name, bool v);
void kq_json_null(struct kq_json *j, const char *name);
void kq_json_text(struct kq_json *j, const char *name, const char *v); /* NULL: null */
void kq_json_str(struct kq_json *j, const char *name, struct kq_str v);
/* As `name`, or as `name_base64` if it is not UTF-8; null if len is -1. */
void kq_json_bytes(struct kq_json *j, const char *name, struct kq_bytes v);
void kq_json_end_line(struct kq_json *j); /* newline; ready for the next value */

/* A quoted string with escapes; bytes that are not UTF-8 become U+FFFD. */
void kq_json_quote(struct kq_out *o, const void *p, size_t n);

/* The members of m inside an object that is open; topic only if not null. */
void kq_json_message_members(struct kq_json *j, const struct kq_message *m);
/* m as a whole line with its newline. */
void kq_json_message(struct kq_out *o, const struct kq_message *m);

/* A line as above (any order, unknown members ignored) into *m. Strings are copied to
 * scratch (memory, reset by the call): m is valid until the next call. Missing
 * members: null, -1, none. KQ_EINVAL with words in *e. */
int kq_json_read_message(const char *line, size_t n, struct kq_out *scratch,
			 struct kq_message *m, struct kq_error *e);

#endif
