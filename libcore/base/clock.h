/* The two clocks. */
#ifndef KQ_BASE_CLOCK_H
#define KQ_BASE_CLOCK_H

#include <stdint.h>

/* Wall clock, ms since 1970 (record timestamps). */
int64_t kq_clock_wall_ms(void);

/* Monotonic clock, for deadlines and durations. */
int64_t kq_clock_mono_ms(void);
int64_t kq_clock_mono_us(void);

#endif
