/** base/cron_expression.h -- when a job is due: cron's five fields, or six with seconds, in a time zone.
 *
 *      second (optional, else 0)  0-59
 *      minute                     0-59
 *      hour                       0-23
 *      day of the month           1-31, L: the last
 *      month                      1-12, JAN-DEC
 *      weekday                    0-7 (0 and 7: Sunday), SUN-SAT, 5L FRIL FRI#L: the month's last Friday, MON#2: its second Monday
 *
 *  Each is a list (`,`) of `*`, `a`, `a-b`, and steps of these: `* /n` without the blank, `a-b/n`, `a/n` (from a on). `?` is `*` in
 *  day and weekday. Also @yearly @annually @monthly @weekly @daily @midnight @hourly. Case does not matter. A range does
 *  not wrap around; only Sunday may end one (FRI-SUN). When day and weekday are both anything but `*` and `?`, either suffices.
 *
 *  When clocks change, jobs behave as Vixie cron's do. It depends on whether the hour field begins with `*` or names hours:
 *   - `*`, also `*` with a step, or all 24 hours: due whenever clocks show it. Minutes that come twice are due twice,
 *     minutes that are skipped are not: a job of every quarter of an hour stays one.
 *   - named hours: due once a day that has it. Of a time that comes twice, the first counts. For times that are skipped the
 *     job is due at the first instant behind the gap, once for all of them (02:30 in Berlin on 2026-03-29 is 03:00 CEST).
 *
 *  In:     the text; a zone and an instant
 *  Out:    the next instant
 *  Owns:   nothing
 *  Thread: any
 *  Source: crontab(5) and cron(8) of Vixie cron 4.1; https://github.com/Hexagon/croner (src/pattern.ts, read 2026-11): what
 *          is restricted, FRI-SUN, FRI#L. Its W, and `?` for "now" in other fields, are refused. */
#ifndef BASE_CRON_EXPRESSION_H
#define BASE_CRON_EXPRESSION_H

#include "base/buf.h"
#include "base/timezone.h"

enum {
    CRON_EXPRESSION_MAX = 512,  /* bytes of text; every value of all fields listed one by one would be 500 */
    CRON_EXPRESSION_YEARS = 40, /* how far next() looks: a 29 February that is a Monday comes again after at most 40 (2072, 2112) */
    CRON_EXPRESSION_WEEKS = 5,  /* a weekday comes at most five times a month */
};

/* Bit n of a mask is value n. All zero: never due. */
struct cron_expression {
    uint64_t seconds, minutes;
    uint32_t hours;
    uint32_t days;                               /* bits 1..31 */
    uint16_t months;                             /* bits 1..12 */
    uint8_t weekdays;                            /* bits 0..6, Sunday first, as in the next two */
    uint8_t last_weekdays;                       /* the last such day of a month */
    uint8_t nth_weekdays[CRON_EXPRESSION_WEEKS]; /* [0]: the first such day of a month */
    bool last_day;                               /* the last day of a month, besides `days` */
    bool day_restricted, weekday_restricted;     /* both: either suffices */
    bool hours_named;                            /* see "when clocks change" above */
};

/** Read `text`, blanks around it ignored.
 *  @param why  NULL, or where to append a sentence that says what is wrong with which field: `CronPattern: minute "61"
 *              is outside 0-59`. It quotes at most 40 bytes of text, as they are
 *  @return 0, or GW_EINVAL and *out is all zero; also for what can never be due (30 February) */
int cron_expression_parse(struct str text, struct cron_expression *out, struct buf *why);

/** The first instant after `after_ms` (unix time; before 1970 is taken as the end of 1969) at which `e` is due.
 *  @param zone  borrowed; NULL is UTC
 *  @return unix time in milliseconds, a whole second; -1 when there is none before the end of the CRON_EXPRESSION_YEARS-th
 *          year after, or of the year 9998 */
int64_t cron_expression_next(const struct cron_expression *e, const timezone_t *zone, int64_t after_ms);

#endif
