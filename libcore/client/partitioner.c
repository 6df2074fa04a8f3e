/* Partitioners: the hashes that other clients use, so that a key lands where theirs
 * put it. */
#include "client/partitioner.h"

#include "base/hash.h"

int32_t kq_partitioner_by_key(enum kq_partitioner how, struct kq_bytes key, int32_t n)
{
	if (how == KQ_PARTITION_MURMUR2 && key.len >= 0)
		return (kq_murmur2(key.p, (size_t)key.len) & 0x7fffffff) % n;
	if (how == KQ_PARTITION_CRC32 && key.len > 0)
		return (int32_t)(kq_crc32(0, key.p, (size_t)key.len) % (uint32_t)n);
	return -1;
}

uint32_t kq_partitioner_random(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((*seed >> 32) % n);
}
