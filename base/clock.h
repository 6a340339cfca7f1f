/** base/clock.h -- the two clocks, and nothing else that knows the time.
 *
 *  Durations and deadlines use the monotonic clock; what people and files see uses the wall clock.
 *  Code that decides (policy, translators) takes `now` as an argument instead. Any thread. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

int64_t clock_mono_ms(void); /* milliseconds since an arbitrary start, never back */
int64_t clock_mono_us(void); /* the same in microseconds */
int64_t clock_wall_ms(void); /* milliseconds since 1970-01-01 UTC */

enum { CLOCK_ISO_SIZE = 32 }; /* bytes for clock_iso(), NUL included */

/** Write a wall-clock time as ISO 8601 in UTC with milliseconds ("2026-11-22T13:10:55.123Z"). */
void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE]);

/** Milliseconds from now until a monotonic deadline: at least 0; -1 for a deadline of -1 (none). For poll(). */
int clock_left_ms(int64_t deadline_mono_ms);

#endif
