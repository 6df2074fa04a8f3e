#include "base/hash.h"

#include <isa-l/crc.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

/* ISA-L's iscsi form takes and gives the raw register, and an int length. */
enum { CRC_CHUNK = 1 << 30 };

uint32_t kq_crc32c(uint32_t crc, const void *p, size_t n)
{
	unsigned char *at = (unsigned char *)(uintptr_t)p;
	uint32_t raw = ~crc;
	for (; n > CRC_CHUNK; at += CRC_CHUNK, n -= CRC_CHUNK)
		raw = crc32_iscsi(at, CRC_CHUNK, raw);
	return n ? ~crc32_iscsi(at, (int)n, raw) : ~raw;
}

uint32_t kq_crc32(uint32_t crc, const void *p, size_t n)
{
	return n ? crc32_gzip_refl(crc, p, n) : crc;
}

static uint32_t load_le32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, 4);
	return v;
}

int32_t kq_murmur2(const void *key, size_t n)
{
	const uint32_t m = 0x5bd1e995;
	const uint8_t *p = key;
	uint32_t h = 0x9747b28cU ^ (uint32_t)n;

	for (; n >= 4; p += 4, n -= 4) {
		uint32_t k = load_le32(p) * m;
		k ^= k >> 24;
		h = h * m ^ k * m;
	}
	if (n) {
		uint32_t tail = 0;
		memcpy(&tail, p, n);
		h = (h ^ tail) * m;
	}
	h ^= h >> 13;
	h *= m;
	h ^= h >> 15;
	return (int32_t)h;
}

/* One code point of UTF-8 from p, of which n > 0 bytes are there; *used says how
 * many it took. What is no UTF-8 counts as U+FFFD, a byte at a time. */
static uint32_t utf8_next(const uint8_t *p, size_t n, size_t *used)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t len = p[0] < 0x80 ? 1 : p[0] < 0xc0 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3
		     : p[0] < 0xf8 ? 4 : 0;
	*used = 1;
	if (len == 1)
		return p[0];
	if (len == 0 || len > n)
		return 0xfffd;
	uint32_t c = p[0] & (0x7fU >> len);
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0xfffd;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0xfffd;
	*used = len;
	return c;
}

int32_t kq_java_hash(struct kq_str s)
{
	const uint8_t *p = (const uint8_t *)s.p;
	size_t n = s.len > 0 ? (size_t)s.len : 0;
	uint32_t h = 0;
	size_t used;
	for (; n; p += used, n -= used) {
		uint32_t c = utf8_next(p, n, &used);
		if (c >= 0x10000) { /* two UTF-16 units */
			h = 31 * h + (0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		h = 31 * h + c;
	}
	return (int32_t)h;
}

/* Names of topics and clients come from the network: with a seed of its own per
 * process nobody can prepare keys that all fall into one slot. */
static uint64_t seed64;

void kq_hash64_seed(uint64_t seed)
{
	__atomic_store_n(&seed64, seed | 1, __ATOMIC_RELAXED);
}

static uint64_t seed_now(void)
{
	uint64_t seed = 0, expected = 0;
	if (getrandom(&seed, sizeof seed, GRND_NONBLOCK) != (ssize_t)sizeof seed) {
		struct timespec ts;
		clock_gettime(CLOCK_MONOTONIC, &ts);
		seed = (uint64_t)ts.tv_nsec * 0x9e3779b97f4a7c15ULL ^ (uintptr_t)&seed64;
	}
	seed |= 1;
	/* Two threads may come here at once: the first one's seed stays. */
	if (__atomic_compare_exchange_n(&seed64, &expected, seed, false, __ATOMIC_RELAXED,
					__ATOMIC_RELAXED))
		return seed;
	return expected;
}

static uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;
	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t kq_hash64(const void *key, size_t n)
{
	const uint64_t k0 = 0xa0761d6478bd642fULL, k1 = 0xe7037ed1a0b428dbULL;
	const uint8_t *p = key;
	uint64_t h = __atomic_load_n(&seed64, __ATOMIC_RELAXED);
	if (!h)
		h = seed_now();
	h ^= fold(n ^ k0, k1);
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t v;
		memcpy(&v, p, 8);
		h = fold(h ^ v, k1);
	}
	if (n) {
		uint64_t v = 0;
		memcpy(&v, p, n);
		h = fold(h ^ v, k0);
	}
	return fold(h ^ k0, k1);
}
