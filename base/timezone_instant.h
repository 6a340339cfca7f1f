/** base/timezone_instant.h -- from what a clock on the wall shows back to the instants at which it shows that.
 *
 *  Most wall times come once. One inside a spring change never comes, one inside an autumn change comes twice.
 *
 *  In:     a zone and a local time in "local seconds": the unix time at which a clock in UTC shows the same date and time
 *  Out:    none, one or two instants, and the change of offset that is the reason when it is not one
 *  Owns:   nothing
 *  Thread: any
 *  Source: tzdata 2025b: no zone changes its offset by more than 24 h (Pacific/Apia 2011) nor twice within 95 h (Africa/Freetown
 *          1939). Looking 24 h to either side of a local time relies on both. A made-up zone that breaks them gets an
 *          instant that may be wrong by the size of its changes, nothing worse. */
#ifndef BASE_TIMEZONE_INSTANT_H
#define BASE_TIMEZONE_INSTANT_H

#include "base/timezone.h"

struct timezone_instants {
    int count;         /* 0: skipped; 1; 2: repeated */
    int64_t unix_s[2]; /* the first `count` are set, in order of time */
    int64_t change_s;  /* unless count is 1: the instant of the change; when skipped, the first one after the gap */
    int64_t resume_s;  /* unless count is 1: the first local second behind the gap, or behind those that come twice */
};

/** When clocks in `zone` (NULL: UTC) show `local_s`. */
void timezone_instant_find(const timezone_t *zone, int64_t local_s, struct timezone_instants *out);

/** Seconds east of UTC at `unix_s`. */
int timezone_instant_offset(const timezone_t *zone, int64_t unix_s);

/** The first instant of the offset of `to_s`, which is not that of `from_s`. @return in from_s + 1 .. to_s; with several
 *  changes between them, one of these */
int64_t timezone_instant_change(const timezone_t *zone, int64_t from_s, int64_t to_s);

#endif
