#include "table.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void kq_table_init(struct kq_table *t, const char *const *names)
{
	*t = (struct kq_table){ .names = names };
	while (names[t->columns] && t->columns < KQ_TABLE_COLUMNS_MAX)
		t->columns++;
}

void kq_table_deinit(struct kq_table *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	t->cells = NULL;
	t->n = t->cap = 0;
}

void kq_table_add(struct kq_table *t, const char *fmt, ...)
{
	char *cell;
	va_list ap;
	if (t->n == t->cap) {
		t->cap = t->cap ? 2 * t->cap : 64;
		t->cells = realloc(t->cells, t->cap * sizeof *t->cells);
	}
	va_start(ap, fmt);
	int n = vasprintf(&cell, fmt, ap);
	va_end(ap);
	if (n < 0 || !t->cells)
		abort();
	t->cells[t->n++] = cell;
}

void kq_table_add_int(struct kq_table *t, int64_t v)
{
	kq_table_add(t, "%lld", (long long)v);
}

/* Columns that text takes on a terminal, near enough: one for each code point. */
static int width(const char *s)
{
	int n = 0;
	for (; *s; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static const char *title(const struct kq_table *t, int column, bool *right)
{
	*right = t->names[column][0] == '>';
	return t->names[column] + *right;
}

static void pad(struct kq_out *o, int n)
{
	while (n-- > 0)
		kq_out_char(o, ' ');
}

static void print_cell(const struct kq_table *t, struct kq_out *o, int column, const char *cell, int wide)
{
	bool right, last = column + 1 == t->columns;
	title(t, column, &right);
	int gap = wide - width(cell);
	pad(o, right ? gap : 0);
	kq_out_text(o, cell);
	if (last)
		kq_out_char(o, '\n');
	else
		pad(o, (right ? 0 : gap) + 2);
}

static void print_plain(struct kq_out *o, const char *cell, bool last)
{
	for (; *cell; cell++) {
		if (*cell == '\t')
			kq_out_text(o, "\\t");
		else if (*cell == '\n')
			kq_out_text(o, "\\n");
		else if (*cell == '\\')
			kq_out_text(o, "\\\\");
		else
			kq_out_char(o, *cell);
	}
	kq_out_char(o, last ? '\n' : '\t');
}

void kq_table_print(const struct kq_table *t, struct kq_out *o, bool people, bool header)
{
	int wide[KQ_TABLE_COLUMNS_MAX], columns = t->columns;
	bool right;
	for (int c = 0; c < columns; c++)
		wide[c] = width(title(t, c, &right));
	for (size_t i = 0; i < t->n; i++) {
		int w = width(t->cells[i]), c = (int)(i % (size_t)columns);
		wide[c] = w > wide[c] ? w : wide[c];
	}
	if (people && t->n == 0)
		return;
	for (int c = 0; c < columns && (people || header); c++) {
		const char *name = title(t, c, &right);
		if (people)
			print_cell(t, o, c, name, wide[c]);
		else
			print_plain(o, name, c + 1 == columns);
	}
	for (size_t i = 0; i < t->n; i++) {
		int c = (int)(i % (size_t)columns);
		if (people)
			print_cell(t, o, c, t->cells[i], wide[c]);
		else
			print_plain(o, t->cells[i], c + 1 == columns);
	}
}
