/* Times, durations and sizes as people write them, and ISO 8601 both ways. */
#ifndef KQ_UNITS_H
#define KQ_UNITS_H

#include <stddef.h>
#include <stdint.h>

/* A duration into ms: `250ms`, `10s`, `5m`, `2h`, `7d`, `1w`, put together (`1h30m`)
 * or with a fraction (`1.5s`); a bare number is ms. Never negative. 0 or KQ_EINVAL. */
int kq_duration_parse(const char *text, int64_t *ms);

/* A point in time into ms since 1970: epoch ms (`1700000000000`), ISO 8601
 * (`2026-11-21`, `2026-11-21T10:00`, `2026-11-21T10:00:00.250+01:00`; UTC where no
 * zone is given, as Kafka's tools have it), `now`, or a duration: `1h` and `-1h`
 * mean that long before now_ms, `+1h` after it. 0 or KQ_EINVAL. */
int kq_time_parse(const char *text, int64_t now_ms, int64_t *ms);

/* A size into bytes: `512`, `64k`, `1m`, `1g`, `1t`, powers of two, upper or lower
 * case, `kb` and `kib` likewise. 0 or KQ_EINVAL (negative, too large, rubbish). */
int kq_size_parse(const char *text, int64_t *bytes);

/* A whole decimal number with sign and nothing after it. 0 or KQ_EINVAL. */
int kq_int_parse(const char *text, int64_t *v);

enum { KQ_ISO_MAX = 32 };

/* ms since 1970 as `2026-11-21T10:00:00.250Z` into buf (KQ_ISO_MAX bytes, NUL
 * ended); the length. Years outside 0 to 9999 are written as plain ms. */
size_t kq_time_iso(int64_t ms, char *buf);

/* A duration and a size for people: `1.5s`, `7d`; `64.0 MiB`. buf as above. */
const char *kq_duration_text(int64_t ms, char *buf);
const char *kq_size_text(int64_t bytes, char *buf);

#endif
