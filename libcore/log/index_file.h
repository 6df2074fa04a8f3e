/* What offset and time index share: a file of fixed-size entries beside a segment,
 * memory-mapped when first needed.
 *
 * While its segment is active the file has its full size (sparse, zero tail) and is
 * trimmed when the segment is closed, as Kafka does it. An index nobody looked into
 * costs no map and no descriptor. One writer at a time (the log's lock); lookups
 * from any thread: an entry is counted after it is written. */
#ifndef KQ_LOG_INDEX_FILE_H
#define KQ_LOG_INDEX_FILE_H

#include <stdatomic.h>

#include "kq/error.h"
#include "kq/types.h"

struct kq_index_file {
	const char *dir;      /* borrowed: the partition's directory */
	const char *suffix;   /* "index" or "timeindex" */
	int64_t base_offset;  /* names the file */
	uint8_t *_Atomic map; /* NULL until needed */
	size_t map_len;
	uint32_t ready;       /* bytes whose blocks the writer has reserved; 0: not writing */
	uint32_t max_entries;
	_Atomic uint32_t entries;
	uint8_t entry_size;
};

enum { KQ_INDEX_ENTRY_MAX = 12 };

/* Does no I/O. max_bytes is rounded down to whole entries. */
void kq_index_file_init(struct kq_index_file *x, const char *dir, int64_t base_offset,
			const char *suffix, int entry_size, int32_t max_bytes);

/* Unmaps. Nobody may look into the index any more. */
void kq_index_file_deinit(struct kq_index_file *x);

/* Counts the entries of the file and copies the last one to last. 0; 1 if the file
 * was never trimmed (a killed process): what stands before its zero tail is counted.
 * KQ_ENOTFOUND; KQ_ECORRUPT if the size is no multiple; KQ_EIO. O(1), else O(log n). */
int kq_index_file_load(struct kq_index_file *x, uint8_t last[KQ_INDEX_ENTRY_MAX]);

/* The mapped entries (at least those counted), or NULL with *rc set. */
const uint8_t *kq_index_file_peek(struct kq_index_file *x, int *rc);

/* Adds an entry; the caller has checked that it fits. The first one makes the file
 * full-sized. Blocks are reserved by write() before the map is touched, so that a
 * full disk is KQ_ENOSPC here and no signal. */
int kq_index_file_put(struct kq_index_file *x, const uint8_t *entry);

/* Drops all but the first n entries. The dropped ones become zero; the file keeps
 * its length until it is trimmed. */
int kq_index_file_cut(struct kq_index_file *x, uint32_t n);

/* Makes the file exactly as long as its entries (also makes an empty one that does
 * not exist yet). The index can be grown again by a put. */
int kq_index_file_trim(struct kq_index_file *x);

/* Empties the file (makes it if it is not there) and forgets the map: before it is
 * made anew, while nobody else looks into it. */
int kq_index_file_reset(struct kq_index_file *x);

int kq_index_file_sync(struct kq_index_file *x);

#endif
