/* The format language: one line of text says how a record is laid out, for printing
 * and for reading alike.
 *
 *	%v value        %k key          %h headers `a=1,b=2`
 *	%t topic        %p partition    %o offset        %e leader epoch
 *	%T timestamp in ms, %T{iso}, %T{strftime text} (UTC)
 *	%S %K           lengths of value and key in bytes, -1 null
 *	%v{hex} %v{base64} %v{json}, and for %k likewise       %% a percent sign
 *	\n \t \r \0 \xHH \\
 *
 * Nothing is added: a line ends where the text says \n. Null prints as the null
 * text, in {json} as null. In %h a backslash stands before `,`, `=` (in names) and
 * `\` that belong to the data, newlines are `\n`, a null value is a name without
 * `=`. */
#ifndef KQ_CMD_FORMAT_H
#define KQ_CMD_FORMAT_H

#include "kq/message.h"
#include "out.h"

struct kq_format;

/* Compiles text. null_text (borrowed until free; NULL: ""): how null is written.
 * KQ_EINVAL with the place and what is known. */
int kq_format_new(struct kq_format **out, const char *text, const char *null_text, struct kq_error *e);
void kq_format_free(struct kq_format *f);

/* Appends m to o. Bytes go through untouched and nothing is allocated. */
void kq_format_write(const struct kq_format *f, const struct kq_message *m, struct kq_out *o);

/* Makes f fit for reading: if it does not end with fixed text, delim (n bytes) ends a
 * record. A field ends where the fixed text after it begins, or has a length that
 * came before it (%K, %S), so KQ_EINVAL where two fields touch. */
int kq_format_for_input(struct kq_format *f, const char *delim, size_t n, struct kq_error *e);

/* Reads one record from the n bytes at p. last: nothing follows them (the fixed text
 * at the very end may then be missing). Returns 1 with *used bytes taken and *m
 * filled (pointing into p and scratch, until either changes); 0 if there is no whole
 * record yet (with last: nothing is left); KQ_EINVAL for bytes that do not fit the
 * layout, with words.
 * Offset, topic, partition and timestamp are set if the format has them; a field
 * equal to the null text, if one was given, is null. */
int kq_format_read(const struct kq_format *f, const char *p, size_t n, bool last, size_t *used,
		   struct kq_out *scratch, struct kq_message *m, struct kq_error *e);

#endif
