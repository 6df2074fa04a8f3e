/* Message sets of magic 0 and 1, as they lie in old segments (LOG_FORMAT section
 * 2): reading only. An entry is one message, or a wrapper around a compressed set
 * of them. */
#ifndef KQ_RECORD_LEGACY_H
#define KQ_RECORD_LEGACY_H

#include "record/record.h"

enum { KQ_LEGACY_LOG_APPEND_TIME = 0x08 }; /* in attributes; bits 0 to 2: codec */

struct kq_legacy {
	int64_t offset;       /* of the message, or of the last one in a wrapper */
	int32_t size;         /* whole entry in bytes */
	uint32_t crc;
	int8_t magic;         /* 0 or 1 */
	int8_t attributes;
	int64_t timestamp;    /* ms, largest in a wrapper; -1 with magic 0 */
	struct kq_bytes key, value; /* len -1 null; a wrapper's value is the inner set */
	const uint8_t *bytes; /* the entry itself; borrowed */
};

static inline enum kq_codec kq_legacy_codec(const struct kq_legacy *m)
{
	return (enum kq_codec)(m->attributes & KQ_BATCH_CODEC_MASK);
}

/* Reads the entry at p, of which n bytes are there. KQ_ETRUNC if it is not whole
 * (then all but key and value are set if n covers 34 bytes); KQ_ECORRUPT if
 * lengths do not fit; KQ_EUNSUPPORTED if magic is neither 0 nor 1. */
int kq_legacy_peek(const uint8_t *p, size_t n, struct kq_legacy *m);

/* CRC-32 of the entry, all of whose bytes are there. 0 or KQ_ECORRUPT. */
int kq_legacy_check_crc(const struct kq_legacy *m);

/* Walks the records of one entry, inflated if need be. */
struct kq_legacy_iter {
	const struct kq_legacy *wrapper;
	struct kq_reader r;  /* entries still to come */
	int64_t base_offset; /* added to the inner offsets */
	bool wrapped;
};

/* scratch takes the inflated set (it is reset; its limit bounds the size) and must
 * live, with *m, as long as the walk and the records it gives.
 * KQ_ECORRUPT, KQ_ELIMIT, KQ_ENOMEM, KQ_EUNSUPPORTED (codec). */
int kq_legacy_iter_init(struct kq_legacy_iter *it, const struct kq_legacy *m,
			struct kq_writer *scratch);

/* The next record, with absolute offset, and timestamp -1 for magic 0: 1; 0 at the
 * end; KQ_ECORRUPT (bad inner CRC, nesting, other magic, cut). No headers. */
int kq_legacy_next(struct kq_legacy_iter *it, struct kq_record *rec);

#endif
