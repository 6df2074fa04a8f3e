/* A compiled format, shared by format.c (compile, write) and format_read.c. */
#ifndef KQ_CMD_FORMAT_OPS_H
#define KQ_CMD_FORMAT_OPS_H

#include "format.h"

enum field {
	LITERAL = 0, /* the others are the letters of the language */
	VALUE = 'v',
	KEY = 'k',
	HEADERS = 'h',
	TOPIC = 't',
	PARTITION = 'p',
	OFFSET = 'o',
	EPOCH = 'e',
	TIMESTAMP = 'T',
	VALUE_LENGTH = 'S',
	KEY_LENGTH = 'K',
};

enum form { PLAIN, HEX, BASE64, JSON, ISO, STRFTIME };

struct op {
	enum field field;
	enum form form;
	char *text; /* LITERAL: the bytes; STRFTIME: its text, NUL ended */
	size_t len;
};

struct kq_format {
	struct op *ops;
	int n;
	const char *null_text; /* NULL none given */
	size_t null_len;
};

/* Appends fixed text, which is merged with such before it. */
void format_add_literal(struct kq_format *f, const char *p, size_t n);

#endif
