/* Java .properties text: reader and writer.
 *
 * Keys and values as java.util.Properties has them: `key=value`, `key:value` or
 * `key value`, comments with # or !, lines continued by a backslash, escapes \t \n
 * \r \f \uXXXX. Bytes above 127 are taken as UTF-8. */
#ifndef KQ_BASE_PROPERTIES_H
#define KQ_BASE_PROPERTIES_H

#include <stddef.h>

#include "base/writer.h"
#include "kq/error.h"

/* Calls fn for each pair in order of the text, with the line it began on (from 1);
 * key and value are NUL-terminated and live for the call. A non-zero result of fn
 * ends the reading and is returned. KQ_ECORRUPT for a malformed \u escape or a NUL
 * byte; the line is in *e. */
typedef int kq_properties_fn(void *arg, int line, const char *key, const char *value);
int kq_properties_parse(const char *text, size_t n, kq_properties_fn *fn, void *arg,
			struct kq_error *e);

/* Writes "key=value\n", escaped so that it reads back the same. */
void kq_properties_write(struct kq_writer *w, const char *key, const char *value);

#endif
