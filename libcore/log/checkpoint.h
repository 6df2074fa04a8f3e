/* Kafka's small text files: a version 0, a count, then one entry per line
 * (LOG_FORMAT section 4). Written whole by rename; read strictly. */
#ifndef KQ_LOG_CHECKPOINT_H
#define KQ_LOG_CHECKPOINT_H

#include "kq/error.h"
#include "kq/types.h"

enum { KQ_CHECKPOINT_FILE_MAX = 64 << 20 }; /* bytes; some hundred thousand partitions */

/* Reads a decimal number >= 0 at *s and moves *s behind it; false if there is none
 * or it passes INT64_MAX. */
bool kq_checkpoint_number(const char **s, int64_t *v);

/* Walks the entries in n bytes of text at p (a NUL stands behind; the text is
 * changed in place). fn gets each line without its newline and returns 0 or
 * KQ_ECORRUPT. Empty text has no entries. name is for the words in *e only. */
int kq_checkpoint_parse(char *p, size_t n, const char *name,
			int (*fn)(void *arg, const char *line), void *arg, struct kq_error *e);

/* The same of a file of at most limit bytes; a missing one has no entries. */
int kq_checkpoint_parse_file(const char *path, size_t limit,
			     int (*fn)(void *arg, const char *line), void *arg,
			     struct kq_error *e);

/* Offsets by partition: "<topic> <partition> <offset>". */
struct kq_checkpoint_entry {
	const char *topic;
	int32_t partition;
	int64_t offset; /* >= 0 */
};

struct kq_checkpoint; /* a table by (topic, partition) */

struct kq_checkpoint *kq_checkpoint_new(void); /* without entries */

/* Reads path; a missing or empty file gives an empty table. KQ_ECORRUPT with words
 * that name the line. */
int kq_checkpoint_load(struct kq_checkpoint **out, const char *path, struct kq_error *e);
void kq_checkpoint_free(struct kq_checkpoint *c);

/* The offset of a partition, or -1. Constant time. */
int64_t kq_checkpoint_get(const struct kq_checkpoint *c, const char *topic, int32_t partition);
size_t kq_checkpoint_count(const struct kq_checkpoint *c);

/* Writes n entries to path, durably. KQ_EIO, KQ_ENOSPC. */
int kq_checkpoint_write(const char *path, const struct kq_checkpoint_entry *v, size_t n);

/* The same bytes in memory (for tests and dumps); caller frees *buf. KQ_EINVAL for
 * a topic with a blank or newline. */
int kq_checkpoint_format(const struct kq_checkpoint_entry *v, size_t n, uint8_t **buf,
			 size_t *len);

#endif
