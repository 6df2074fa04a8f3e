/* partition.metadata: which topic id a partition directory belongs to (LOG_FORMAT
 * section 4). */
#ifndef KQ_LOG_PARTITION_METADATA_H
#define KQ_LOG_PARTITION_METADATA_H

#include "kq/error.h"
#include "kq/types.h"

/* Writes dir/partition.metadata, durably. KQ_EIO, KQ_ENOSPC. */
int kq_partition_metadata_write(const char *dir, struct kq_uuid topic_id);

/* Reads it; *topic_id is zero if there is no file (an old directory). KQ_ECORRUPT,
 * KQ_EUNSUPPORTED (version), KQ_EIO, with words. */
int kq_partition_metadata_read(const char *dir, struct kq_uuid *topic_id, struct kq_error *e);

#endif
