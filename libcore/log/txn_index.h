/* Aborted transactions of one segment: <base>.txnindex, 34 bytes an entry in the
 * order of their markers (LOG_FORMAT section 4).
 *
 * The file is made by the first append; most segments have none and cost 32 bytes.
 * Appends and truncation under the log's lock; lookups from any thread at the same
 * time as one append (an entry is counted after it is written). */
#ifndef KQ_LOG_TXN_INDEX_H
#define KQ_LOG_TXN_INDEX_H

#include <stdatomic.h>

#include "log/log.h"

enum { KQ_TXN_ENTRY_SIZE = 34 };

struct kq_txn_index {
	const char *dir;      /* borrowed: the partition's directory */
	int64_t base_offset;  /* names the file; nothing else */
	_Atomic int fd;       /* -1: there is no file */
	_Atomic uint32_t count;
};

/* Opens dir/<base_offset>.txnindex if it exists. dir must outlive *x. KQ_ECORRUPT
 * if the length or an entry makes no sense (version, offsets that fall or lie below
 * the segment): the caller resets it and rebuilds by a scan; *x is usable for that. */
int kq_txn_index_open(struct kq_txn_index *x, const char *dir, int64_t base_offset);

/* Closes the file; keeps it. */
void kq_txn_index_close(struct kq_txn_index *x);

/* Entry bytes to fields and back; decode: KQ_ECORRUPT for another version. */
int kq_txn_entry_decode(const uint8_t p[KQ_TXN_ENTRY_SIZE], struct kq_aborted_txn *t);
void kq_txn_entry_encode(const struct kq_aborted_txn *t, uint8_t p[KQ_TXN_ENTRY_SIZE]);

/* Adds an entry (its last offset above all before, else KQ_EINVAL). KQ_EIO,
 * KQ_ENOSPC. */
int kq_txn_index_append(struct kq_txn_index *x, const struct kq_aborted_txn *t);

/* Adds to *v (grown by realloc, *n entries) those that overlap [from, to). *done is
 * set if no later segment can add one: an entry's last stable offset is >= to.
 * KQ_ENOMEM, KQ_EIO, KQ_ECORRUPT. */
int kq_txn_index_collect(struct kq_txn_index *x, int64_t from, int64_t to,
			 struct kq_aborted_txn **v, int *n, bool *done);

/* Drops entries whose marker is at or above offset. */
int kq_txn_index_truncate(struct kq_txn_index *x, int64_t offset);

/* Drops all entries and removes the file, before a rebuild. */
int kq_txn_index_reset(struct kq_txn_index *x);

/* fdatasync, if there is a file. */
int kq_txn_index_sync(struct kq_txn_index *x);

#endif
