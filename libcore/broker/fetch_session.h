/* Incremental fetch sessions (KIP-227; PROTOCOL section 7): the broker remembers the
 * partitions of a consumer's fetch and what it was last told of each, so that
 * requests and answers name only what changed.
 *
 * The cache has a fixed number of slots. A new session may push out one that was
 * idle for longer than evict_ms, or that is older than that and smaller; otherwise
 * the fetch is answered without a session (id 0), which is legal.
 *
 * Threads: the cache is behind one lock, held for look-ups only; a session is used
 * by one request at a time (kq_fetch_session_begin marks it busy). */
#ifndef KQ_BROKER_FETCH_SESSION_H
#define KQ_BROKER_FETCH_SESSION_H

#include "kq/types.h"
#include "wire/messages.h"

struct kq_fetch_sessions;
struct kq_fetch_session;

struct kq_fetch_sessions *kq_fetch_sessions_new(int slots, int64_t evict_ms);
void kq_fetch_sessions_free(struct kq_fetch_sessions *s);

struct kq_fetch_sessions_stats {
	int64_t sessions, partitions;
	uint64_t made, evicted;
};
void kq_fetch_sessions_stats(struct kq_fetch_sessions *s, struct kq_fetch_sessions_stats *out);

/* One partition of a session, in the order in which it is served. */
struct kq_fetch_entry {
	struct kq_fetch_entry *prev, *next;
	struct kq_uuid topic_id;   /* zero: by name */
	struct kq_str topic;       /* owned by the session; null when by id */
	int32_t partition;
	int32_t current_leader_epoch, last_fetched_epoch;
	int64_t fetch_offset;
	int32_t max_bytes;
	int64_t told_high_watermark, told_log_start; /* -1: tell anew */
};

/* What a request means for the cache. On an error (70, 71, 106) *error is set and
 * *out is NULL: the answer carries it at the top and no partition. With *out NULL
 * and no error the fetch is sessionless. *full: answer names all partitions.
 * The session stays the caller's (busy) until _end. */
void kq_fetch_session_begin(struct kq_fetch_sessions *s,
			    const struct kq_fetch_request *req, int version, int64_t now_ms,
			    struct kq_fetch_session **out, bool *full, int16_t *error);
int32_t kq_fetch_session_id(const struct kq_fetch_session *f);
int kq_fetch_session_size(const struct kq_fetch_session *f);
/* The entries in order: NULL starts; NULL at the end. */
struct kq_fetch_entry *kq_fetch_session_next(struct kq_fetch_session *f,
					     struct kq_fetch_entry *e);
/* e returned data: it goes to the end of the order. */
void kq_fetch_session_rotate(struct kq_fetch_session *f, struct kq_fetch_entry *e);
void kq_fetch_session_end(struct kq_fetch_sessions *s, struct kq_fetch_session *f,
			  int64_t now_ms);

#endif
