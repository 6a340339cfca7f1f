/** base/timezone_rule.h -- the POSIX TZ rule at the end of a TZif file, and the calendar under it. For timezone.c alone.
 *
 *  Owns:   nothing
 *  Thread: any
 *  Source: POSIX.1-2017 8.3, RFC 8536 section 3.3 (hours -167..167) */
#ifndef BASE_TIMEZONE_RULE_H
#define BASE_TIMEZONE_RULE_H

#include "base/timezone.h"

enum { TIMEZONE_OFFSET_MAX = 26 * 3600 }; /* seconds; RFC 8536 section 3.2: more than -25 h, less than 26 h */

struct timezone_day {
    char kind; /* 'M': week `week` (5: last) of `month`, weekday `day`; 'J': day 1..365, no leap day; 'N': day 0..365 */
    int month, week, day;
    int time_s; /* local seconds after that day's midnight, may be negative */
};

struct timezone_rule {
    char std[TIMEZONE_ABBREVIATION_MAX + 1];
    char dst[TIMEZONE_ABBREVIATION_MAX + 1]; /* "": never */
    int std_s, dst_s;                        /* east of UTC, seconds */
    struct timezone_day start, end;          /* of dst */
};

/** Read "CET-1CEST,M3.5.0,M10.5.0/3". @return 0 or GW_EPARSE */
int timezone_rule_parse(struct str text, struct timezone_rule *out);

/** Offset and kind of time at `unix_s`. @return the abbreviation, borrowed from the rule */
const char *timezone_rule_at(const struct timezone_rule *rule, int64_t unix_s, int *offset_s, bool *dst);

/** The Gregorian date of a day counted from 1970-01-01, years 0..9999 and a little beyond. */
void timezone_date(int64_t days, int *year, int *month, int *day);

/** The day of a date, counted from 1970-01-01. */
int64_t timezone_days(int year, int month, int day);

#endif
