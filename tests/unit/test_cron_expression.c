/* When jobs are due: what the text means, and every instant of years with changing clocks beside a slow look at each minute. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/cron_expression.h"
#include "base/err.h"

enum { MINUTE_S = 60, DAY_S = 24 * 3600, TIMES_MAX = 64 };

static timezone_t *zone(const char *name)
{
    timezone_t *z;
    cr_assert_eq(timezone_load(NULL, str_of(name), &z), 0, "no zone %s", name);
    return z;
}

static struct cron_expression parse(const char *text)
{
    struct cron_expression e;
    struct buf why = { 0 };
    cr_assert_eq(cron_expression_parse(str_of(text), &e, &why), 0, "%s: %s", text, buf_cstr(&why));
    buf_free(&why);
    return e;
}

static int64_t at(int year, int month, int day, int hour, int minute)
{
    struct timezone_local t;
    int64_t s = 0; /* UTC, found by halving: no calendar of our own here */
    for (int64_t step = INT64_C(1) << 35; step; step /= 2) {
        timezone_local(NULL, s + step, &t);
        int64_t shown = ((((int64_t)t.year * 13 + t.month) * 32 + t.day) * 24 + t.hour) * 60 + t.minute;
        int64_t wanted = ((((int64_t)year * 13 + month) * 32 + day) * 24 + hour) * 60 + minute;
        if (shown <= wanted && (shown < wanted || t.second == 0)) s += step;
    }
    return s * 1000;
}

static void expect_iso(const char *text, const char *zone_name, const char *after, const char *expected)
{
    char iso[CLOCK_ISO_SIZE];
    int y, mo, d, h, mi;
    struct cron_expression e = parse(text);
    timezone_t *z = zone(zone_name);
    cr_assert_eq(sscanf(after, "%d-%d-%dT%d:%d", &y, &mo, &d, &h, &mi), 5);
    int64_t next = cron_expression_next(&e, z, at(y, mo, d, h, mi));
    clock_iso(next, iso);
    cr_expect_str_eq(iso, expected, "%s in %s after %s: %s, expected %s", text, zone_name, after, iso, expected);
    timezone_destroy(&z);
}

Test(cron_expression, means_what_crontab_says)
{
    static const struct {
        const char *text, *zone, *after, *expected;
    } cases[] = {
        { "*/15 * * * *", "UTC", "2026-11-22T13:36", "2026-11-22T13:45:00.000Z" },
        { "0 9 * * *", "UTC", "2026-11-22T13:36", "2026-11-23T09:00:00.000Z" },
        { "30 0 9 * * *", "UTC", "2026-11-22T13:36", "2026-11-23T09:00:30.000Z" },
        { "0 7,20 * * *", "Asia/Ho_Chi_Minh", "2026-11-22T00:00", "2026-11-22T13:00:00.000Z" },
        { "0 9 * * SUN", "Asia/Ho_Chi_Minh", "2026-11-22T02:00", "2026-11-29T02:00:00.000Z" },
        { "0 0 L * *", "UTC", "2028-02-01T00:00", "2028-02-29T00:00:00.000Z" },
        { "0 0 29 2 *", "UTC", "2026-01-01T00:00", "2028-02-29T00:00:00.000Z" },
        { "0 0 * * FRI#L", "UTC", "2026-11-01T00:00", "2026-11-27T00:00:00.000Z" },
        { "0 0 * * 5L", "UTC", "2026-11-28T00:00", "2026-12-25T00:00:00.000Z" },
        { "0 0 * * MON#2", "UTC", "2026-11-01T00:00", "2026-11-09T00:00:00.000Z" },
        { "0 0 13 * FRI", "UTC", "2026-11-01T00:00", "2026-11-06T00:00:00.000Z" }, /* either */
        { "0 0 1-7/3 jan-mar *", "UTC", "2026-01-01T00:00", "2026-01-04T00:00:00.000Z" },
        { "0 22-23 * * FRI-SUN", "UTC", "2026-11-22T23:00", "2026-11-27T22:00:00.000Z" },
        { "5/20 0 * * *", "UTC", "2026-11-22T00:05", "2026-11-22T00:25:00.000Z" },
        { "@weekly", "UTC", "2026-11-22T00:00", "2026-11-29T00:00:00.000Z" },
        { "0 0 * * 7", "UTC", "2026-11-22T00:00", "2026-11-29T00:00:00.000Z" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) expect_iso(cases[i].text, cases[i].zone, cases[i].after, cases[i].expected);
}

Test(cron_expression, changing_clocks_are_documented_cases)
{
    expect_iso("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00", "2026-03-29T01:00:00.000Z");    /* 02:30 is skipped: 03:00 CEST */
    expect_iso("30 2 * * *", "Europe/Berlin", "2026-03-29T01:00", "2026-03-30T00:30:00.000Z");    /* and back to 02:30 CEST */
    expect_iso("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00", "2026-10-25T00:30:00.000Z");    /* twice: the first counts */
    expect_iso("30 2 * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-26T01:30:00.000Z");    /* the second does not */
    expect_iso("30 2 * * *", "America/New_York", "2026-03-07T12:00", "2026-03-08T07:00:00.000Z"); /* 03:00 EDT */
    expect_iso("30 1 * * *", "America/New_York", "2026-11-01T00:00", "2026-11-01T05:30:00.000Z"); /* the first 01:30, EDT */
    expect_iso("30 1 * * *", "America/New_York", "2026-11-01T05:30", "2026-11-02T06:30:00.000Z");
    expect_iso("*/30 * * * *", "Europe/Berlin", "2026-03-29T00:30", "2026-03-29T01:00:00.000Z"); /* every half hour stays one */
    expect_iso("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T01:00:00.000Z");
    expect_iso("*/30 * * * *", "Europe/Berlin", "2026-10-25T01:00", "2026-10-25T01:30:00.000Z");
    expect_iso("0 7 * * *", "Asia/Ho_Chi_Minh", "2026-03-29T01:00", "2026-03-30T00:00:00.000Z"); /* never changes */
}

Test(cron_expression, refuses_what_it_cannot_keep)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        { "not a cron",
          "CronPattern: invalid configuration format ('not a cron'), exactly five, six, or seven space separated parts are required." },
        { "", "invalid configuration format ('')" },
        { "0 0 0 1 1 * 2030", "has a field for years" },
        { "60 * * * *", "minute \"60\" is outside 0-59" },
        { "* 24 * * *", "hour \"24\" is outside 0-23" },
        { "* * 0 * *", "day \"0\" is outside 1-31" },
        { "* * * 13 *", "month \"13\" is outside 1-12" },
        { "* * * FOO *", "expected 1-12 or JAN-DEC" },
        { "* * * * 8", "weekday \"8\" is outside 0-7" },
        { "0 0 30 2 *", "day \"30\" never comes in month 2" },
        { "0 0 31 4,6,9,11 *", "never comes" },
        { "*/0 * * * *", "minute step \"0\"" },
        { "5-2 * * * *", "runs backwards" },
        { ", * * * *", "is empty" },
        { "* * * * MON#6", "place in the month" },
        { "0 ? * * *", "hour" },
        { "@often", "nickname \"@often\" is not known" },
        { "99999999999999999999 * * * *", "is outside 0-59" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cron_expression e;
        struct buf why = { 0 };
        cr_expect_eq(cron_expression_parse(str_of(cases[i].text), &e, &why), GW_EINVAL, "\"%s\" was taken", cases[i].text);
        cr_expect(str_find(buf_str(&why), str_of(cases[i].why)) >= 0, "\"%s\": %s", cases[i].text, buf_cstr(&why));
        cr_expect_eq(e.minutes, 0);
        buf_free(&why);
    }
}

Test(cron_expression, texts_have_a_bound)
{
    for (int over = 0; over < 2; over++) {
        struct cron_expression e;
        struct buf text = { 0 };
        buf_text(&text, "0 0 1");
        while (text.n < CRON_EXPRESSION_MAX + (size_t)over - 5) buf_text(&text, ",1");
        while (text.n < CRON_EXPRESSION_MAX + (size_t)over - 4) buf_char(&text, ' ');
        buf_text(&text, " * *");
        cr_assert_eq(text.n, CRON_EXPRESSION_MAX + (size_t)over);
        cr_expect_eq(cron_expression_parse(buf_str(&text), &e, NULL), over ? GW_EINVAL : 0);
        buf_free(&text);
    }
}

/* --- beside a slow look at each minute ------------------------------------------------------------------------------ */

static int days_of(int year, int month)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && (year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)) ? 29 : days[month - 1];
}

static bool day_fits(const struct cron_expression *e, const struct timezone_local *t)
{
    int length = days_of(t->year, t->month);
    bool day = (e->days >> t->day & 1) || (e->last_day && t->day == length);
    bool weekday = (e->weekdays >> t->weekday & 1) || (e->nth_weekdays[(t->day - 1) / 7] >> t->weekday & 1) ||
                   (t->day + 7 > length && (e->last_weekdays >> t->weekday & 1));
    if (e->day_restricted && e->weekday_restricted) return day || weekday;
    return day && weekday;
}

static bool shows(const struct cron_expression *e, int64_t local_s) /* local seconds, read as if they were UTC */
{
    struct timezone_local t;
    timezone_local(NULL, local_s, &t);
    return (e->minutes >> t.minute & 1) && (e->hours >> t.hour & 1) && (e->months >> t.month & 1) && day_fits(e, &t);
}

/* Is a job due at the minute that begins at `s`? */
static bool is_due(const struct cron_expression *e, const timezone_t *z, int64_t s)
{
    struct timezone_local now, before, day_ago;
    timezone_local(z, s, &now);
    timezone_local(z, s - MINUTE_S, &before);
    int64_t local = s + now.offset_s;
    if (!e->hours_named) return shows(e, local);
    for (int64_t skipped = s + before.offset_s; skipped < local; skipped += MINUTE_S) /* clocks were set forward just now */
        if (shows(e, skipped)) return true;
    if (!shows(e, local)) return false;
    for (int64_t back = MINUTE_S; back <= 3 * 3600; back += MINUTE_S) { /* was the same shown before? */
        timezone_local(z, s - back, &day_ago);
        if (s - back + day_ago.offset_s == local) return false;
    }
    return true;
}

static void compare(const char *text, const char *zone_name, int64_t from_s, int64_t to_s)
{
    struct cron_expression e = parse(text);
    timezone_t *z = zone(zone_name);
    int64_t next = cron_expression_next(&e, z, from_s * 1000 - 1);
    for (int64_t s = from_s; s < to_s; s += MINUTE_S) {
        if (!is_due(&e, z, s)) continue;
        if (next != s * 1000) {
            char iso[CLOCK_ISO_SIZE], told[CLOCK_ISO_SIZE];
            clock_iso(s * 1000, iso);
            clock_iso(next, told);
            cr_assert_fail("%s in %s: due at %s, told %s", text, zone_name, iso, told);
        }
        next = cron_expression_next(&e, z, next);
    }
    cr_assert(next < 0 || next >= to_s * 1000, "%s in %s: due too often", text, zone_name);
    timezone_destroy(&z);
}

static const char *const zones[] = { "Europe/Berlin",  "America/New_York", "Asia/Ho_Chi_Minh",  "Australia/Lord_Howe",
                                     "Asia/Kathmandu", "America/St_Johns", "Africa/Casablanca", "UTC" };

Test(cron_expression, agrees_with_a_look_at_every_minute_around_each_change, .timeout = 120)
{
    static const char *const texts[] = { "30 2 * * *",  "0 2 * * *",       "*/15 * * * *",  "0 0 * * *",   "15,45 1-3 * * *",
                                         "0 */2 * * *", "7 0-23/3 * * *",  "59 1 * * 0",    "30 2 29 3 *", "0 3 * * SUN#L",
                                         "* 2 * * *",   "0 7 * * MON-FRI", "1 1 25-31 10 *" };
    for (size_t z = 0; z < sizeof zones / sizeof *zones; z++) {
        timezone_t *loaded = zone(zones[z]);
        struct timezone_local before, after;
        for (int64_t s = at(2026, 1, 1, 0, 0) / 1000; s < at(2029, 1, 1, 0, 0) / 1000; s += DAY_S) {
            timezone_local(loaded, s, &before);
            timezone_local(loaded, s + DAY_S, &after);
            if (before.offset_s == after.offset_s && s % (DAY_S * 97) != 0) continue; /* and a few plain days */
            for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) compare(texts[i], zones[z], s - DAY_S, s + 2 * DAY_S);
        }
        timezone_destroy(&loaded);
    }
}

static unsigned roll(unsigned *seed, unsigned n)
{
    *seed = *seed * 1664525u + 1013904223u;
    return (*seed >> 8) % n;
}

static void random_field(unsigned *seed, int lo, int hi, struct buf *out)
{
    int a = lo + (int)roll(seed, (unsigned)(hi - lo + 1)), b = a + (int)roll(seed, (unsigned)(hi - a + 1));
    switch (roll(seed, 5)) {
    case 0: buf_char(out, '*'); break;
    case 1: buf_printf(out, "*/%d", 1 + (int)roll(seed, (unsigned)(hi - lo))); break;
    case 2: buf_printf(out, "%d-%d", a, b); break;
    case 3: buf_printf(out, "%d,%d", a, b); break;
    default: buf_printf(out, "%d", a);
    }
}

Test(cron_expression, agrees_for_random_expressions_over_a_month_with_a_change, .timeout = 300)
{
    unsigned seed = 20261127;
    for (int i = 0; i < 400; i++) {
        static const int bounds[][2] = { { 0, 59 }, { 0, 23 }, { 1, 28 }, { 1, 12 }, { 0, 6 } };
        struct buf text = { 0 };
        for (int f = 0; f < 5; f++) {
            if (f) buf_char(&text, ' ');
            if (f == 3)
                buf_char(&text, '*');
            else
                random_field(&seed, bounds[f][0], bounds[f][1], &text);
        }
        int64_t from = at(2026, i % 2 ? 3 : 10, 15, 0, 0) / 1000;
        compare(buf_cstr(&text), zones[roll(&seed, sizeof zones / sizeof *zones)], from, from + 25 * DAY_S);
        buf_free(&text);
    }
}
