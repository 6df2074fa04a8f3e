/* Tables: aligned columns with a header on a terminal; the same cells separated by
 * tabs, without a header unless asked for, in a pipe. */
#ifndef KQ_CMD_TABLE_H
#define KQ_CMD_TABLE_H

#include "out.h"

enum { KQ_TABLE_COLUMNS_MAX = 16 };

struct kq_table {
	const char *const *names; /* NULL-ended; one that begins with '>' is aligned right */
	int columns;
	char **cells;             /* row after row */
	size_t n, cap;
};

void kq_table_init(struct kq_table *t, const char *const *names);
void kq_table_deinit(struct kq_table *t);

/* The next cell, left to right, row after row. */
void kq_table_add(struct kq_table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void kq_table_add_int(struct kq_table *t, int64_t v);

/* people: aligned and with header (stdout is a terminal). header: also otherwise.
 * Tabs, newlines and backslashes inside cells are written as escapes. */
void kq_table_print(const struct kq_table *t, struct kq_out *o, bool people, bool header);

#endif
