/* The search for the next due time. Days and times of day are found on the calendar alone, in local seconds (see
 * base/timezone_instant.h); the zone comes in afterwards, for what was found. */
#include "base/cron_expression.h"
#include "base/timezone_instant.h"
#include "base/timezone_rule.h"

enum { DAY_S = 24 * 3600, YEAR_MAX = 9998 }; /* a year less than timezone_local() knows: clamping is never met */

/* The first bit set at or after `from`, 0..64, or -1. */
static int bit_from(uint64_t mask, int from)
{
    uint64_t rest = from < 64 ? mask >> from << from : 0;
    return rest ? __builtin_ctzll(rest) : -1;
}

static int64_t day_of(int64_t local_s)
{
    return (local_s >= 0 ? local_s : local_s - DAY_S + 1) / DAY_S;
}

/* The days of a month on which `e` is due, bits 1..31. */
static uint32_t due_days(const struct cron_expression *e, int year, int month)
{
    int64_t first = timezone_days(year, month, 1);
    int length = (int)((month == 12 ? timezone_days(year + 1, 1, 1) : timezone_days(year, month + 1, 1)) - first);
    uint32_t by_day = e->days, by_weekday = 0;
    if (e->last_day) by_day |= UINT32_C(1) << length;
    for (int day = 1; day <= length; day++) {
        int weekday = (int)(((first + day + 3) % 7 + 7) % 7); /* 1970-01-01 was a Thursday; local time may begin in 1969 */
        unsigned due = e->weekdays | e->nth_weekdays[(day - 1) / 7];
        if (day > length - 7) due |= e->last_weekdays;
        by_weekday |= (uint32_t)(due >> weekday & 1) << day;
    }
    uint32_t either = by_day | by_weekday, both = by_day & by_weekday;
    return (e->day_restricted && e->weekday_restricted ? either : both) & (uint32_t)((UINT64_C(2) << length) - 2);
}

/* The first due day from *day (since 1970-01-01) on. @return false when there is none up to the end of last_year */
static bool find_day(const struct cron_expression *e, int last_year, int64_t *day)
{
    int year, month, from;
    timezone_date(*day, &year, &month, &from);
    while (year <= last_year) {
        int next = bit_from(e->months, month);
        if (next != month) from = 1;
        int found = next < 0 ? -1 : bit_from(due_days(e, year, next), from);
        if (found > 0) {
            *day = timezone_days(year, next, found);
            return true;
        }
        from = 1;
        month = next < 0 ? 1 : next + 1; /* 13: no bit, so the next round turns the year */
        if (next < 0) year++;
    }
    return false;
}

/* The first due second of a day from `from` on, or -1. */
static int find_time(const struct cron_expression *e, int from)
{
    for (int hour = bit_from(e->hours, from / 3600); hour >= 0; hour = bit_from(e->hours, hour + 1)) {
        int rest = hour == from / 3600 ? from % 3600 : 0;
        for (int minute = bit_from(e->minutes, rest / 60); minute >= 0; minute = bit_from(e->minutes, minute + 1)) {
            int second = bit_from(e->seconds, minute == rest / 60 ? rest % 60 : 0);
            if (second >= 0) return hour * 3600 + minute * 60 + second;
        }
    }
    return -1;
}

/* The first due local second from *local_s on. */
static bool find_local(const struct cron_expression *e, int last_year, int64_t *local_s)
{
    int64_t first = day_of(*local_s), day = first;
    if (!find_day(e, last_year, &day)) return false;
    int second = find_time(e, day == first ? (int)(*local_s - first * DAY_S) : 0);
    if (second < 0) { /* over for today */
        day++;
        if (!find_day(e, last_year, &day)) return false;
        second = find_time(e, 0);
    }
    *local_s = day * DAY_S + second;
    return second >= 0;
}

/* Named hours: follows the local times in their own order and takes the first instant of each, or the end of the gap. */
static int64_t next_named(const struct cron_expression *e, const timezone_t *zone, int last_year, int64_t after_s)
{
    int64_t local_s = after_s + timezone_instant_offset(zone, after_s) + 1; /* inside the gap, when that begins now */
    while (find_local(e, last_year, &local_s)) {
        struct timezone_instants at;
        timezone_instant_find(zone, local_s, &at);
        int64_t due = at.count > 0 ? at.unix_s[0] : at.change_s;
        if (due > after_s) return due;
        local_s = at.count == 2 ? at.resume_s : local_s + 1; /* we are in the second pass of an hour that counted already */
    }
    return -1;
}

/* Every hour: follows the instants, so that a clock that is set back is followed back. Only a change within a day can bring
 * back local times before now. */
static int64_t next_elapsed(const struct cron_expression *e, const timezone_t *zone, int last_year, int64_t from_s)
{
    for (;;) {
        int offset = timezone_instant_offset(zone, from_s);
        int64_t local_s = from_s + offset;
        if (!find_local(e, last_year, &local_s)) return -1;
        int64_t until = local_s - offset < from_s + DAY_S ? local_s - offset : from_s + DAY_S;
        if (timezone_instant_offset(zone, until) < offset) {
            from_s = timezone_instant_change(zone, from_s, until);
            continue;
        }
        struct timezone_instants at;
        timezone_instant_find(zone, local_s, &at);
        for (int i = 0; i < at.count; i++)
            if (at.unix_s[i] >= from_s) return at.unix_s[i];
        from_s = at.change_s > from_s ? at.change_s : from_s + 1; /* in a gap: go on behind it */
    }
}

int64_t cron_expression_next(const struct cron_expression *e, const timezone_t *zone, int64_t after_ms)
{
    int64_t after_s = after_ms < 0 ? -1 : after_ms / 1000;
    struct timezone_local now;
    timezone_local(zone, after_s, &now);
    int last_year = now.year + CRON_EXPRESSION_YEARS < YEAR_MAX ? now.year + CRON_EXPRESSION_YEARS : YEAR_MAX;
    int64_t due_s = e->hours_named ? next_named(e, zone, last_year, after_s) : next_elapsed(e, zone, last_year, after_s + 1);
    return due_s < 0 ? -1 : due_s * 1000;
}
