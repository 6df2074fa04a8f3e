/* Checksums and hashes of the format and of the partitioners. */
#ifndef KQ_BASE_HASH_H
#define KQ_BASE_HASH_H

#include "kq/types.h"

/* CRC-32C (Castagnoli) as in v2 batches and snapshots: start with crc 0; the
 * result of a first part is the crc argument for the next. By hardware. */
uint32_t kq_crc32c(uint32_t crc, const void *p, size_t n);

/* CRC-32 (zlib's) as in v0 and v1 messages and librdkafka's partitioner. */
uint32_t kq_crc32(uint32_t crc, const void *p, size_t n);

/* murmur2 as the Java client's partitioner has it (seed 0x9747b28c). */
int32_t kq_murmur2(const void *p, size_t n);

/* Java's String.hashCode over UTF-8 text (UTF-16 units, int32 wrap). */
int32_t kq_java_hash(struct kq_str s);

/* A fast hash for tables in memory; not stable between versions, and seeded anew
 * in each process. Any thread. */
uint64_t kq_hash64(const void *p, size_t n);

/* Fixes the seed, for simulations that must repeat; before the first hash. */
void kq_hash64_seed(uint64_t seed);

#endif
