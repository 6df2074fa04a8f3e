/* The records of a batch as plain bytes. */
#ifndef KQ_RECORD_BATCH_INFLATE_H
#define KQ_RECORD_BATCH_INFLATE_H

#include "record/batch.h"

/* Points *records and *n at the batch's records: into the batch itself where the
 * codec is none, else into scratch, which is reset first and whose limit bounds
 * the inflated size. Needs all the batch's bytes. Valid until scratch is used
 * again. KQ_ECORRUPT, KQ_ELIMIT (a bomb), KQ_ENOMEM, KQ_EUNSUPPORTED (codec). */
int kq_batch_inflate(const struct kq_batch *b, struct kq_writer *scratch,
		     const uint8_t **records, size_t *n);

/* Appends to out the batch *b with its records packed by another codec (topic's
 * compression.type); all header fields but codec, size and CRC stay. The packed
 * form is taken even if it is larger: the topic's codec is what readers see.
 * scratch as above; out's limit must leave room for the codec's worst case
 * (n + n/6 + 4096 bytes). On error out holds rubbish after its old length. */
int kq_batch_recompress(const struct kq_batch *b, enum kq_codec codec, int level,
			struct kq_writer *scratch, struct kq_writer *out);

#endif
