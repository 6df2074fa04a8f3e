/* Producer state on disk: <offset, 20 digits>.snapshot, the state of everything
 * below that offset (LOG_FORMAT section 4).
 *
 * A snapshot is only a short cut: it is checked by CRC, and one that is torn or
 * missing means that more of the log is replayed. So writing one needs no sync of
 * its own unless the caller asks for it. */
#ifndef KQ_LOG_PRODUCER_SNAPSHOT_H
#define KQ_LOG_PRODUCER_SNAPSHOT_H

#include "base/writer.h"
#include "log/producer_state.h"

enum { KQ_SNAPSHOT_FILE_MAX = 64 << 20 }; /* bytes: 1.4 million producers */

/* Adds the producers in a snapshot's bytes to *s. KQ_ECORRUPT (length, CRC, an id
 * twice), KQ_EUNSUPPORTED (version); *s is then to be cleared. With
 * expiration_ms >= 0 expired producers are left out. */
int kq_producer_snapshot_decode(const void *p, size_t n, int64_t now_ms, int64_t expiration_ms,
				struct kq_producer_state *s);

/* Lays the state out onto w; look at kq_writer_failed(w). */
void kq_producer_snapshot_encode(const struct kq_producer_state *s, struct kq_writer *w);

/* Writes dir/<offset>.snapshot by way of a temporary name; durable on return if
 * sync. KQ_EIO, KQ_ENOSPC. */
int kq_producer_snapshot_write(const struct kq_producer_state *s, const char *dir,
			       int64_t offset, bool sync);

/* Clears *s and loads the newest valid snapshot at or below limit; *at is its
 * offset, -1 if there is none (then *s is empty). Invalid ones on the way are
 * deleted, with a log line. expiration_ms -1: nobody expires. KQ_EIO if the
 * directory cannot be read. */
int kq_producer_snapshot_load(struct kq_producer_state *s, const char *dir, int64_t limit,
			      int64_t now_ms, int64_t expiration_ms, int64_t *at);

/* Deletes snapshots with an offset above (limit, ..) or below (.., limit). */
int kq_producer_snapshot_delete_above(const char *dir, int64_t limit);
int kq_producer_snapshot_delete_below(const char *dir, int64_t limit);

/* Deletes one; no such file is no error. */
int kq_producer_snapshot_delete(const char *dir, int64_t offset);

/* Deletes strays at start: all snapshots but those at one of the n segment bases
 * (ascending) and the newest. */
int kq_producer_snapshot_delete_strays(const char *dir, const int64_t *bases, size_t n);

#endif
