#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/err.h"
#include "base/timezone.h"
#include "base/timezone_rule.h"

static char shown[64];

/* "Sun 2026-11-22 13:10:55 +25200 0 +07" */
static const char *show(const timezone_t *z, int64_t at)
{
    static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
    struct timezone_local t;
    timezone_local(z, at, &t);
    snprintf(shown, sizeof shown, "%s %04d-%02d-%02d %02d:%02d:%02d %d %d %s", days[t.weekday], t.year, t.month, t.day, t.hour, t.minute,
             t.second, t.offset_s, t.dst, t.abbreviation);
    return shown;
}

static timezone_t *zone(const char *name)
{
    timezone_t *z;
    cr_assert_eq(timezone_load(NULL, str_of(name), &z), 0);
    return z;
}

Test(timezone, utc_needs_no_file_and_null_means_it)
{
    timezone_t *z;
    cr_assert_eq(timezone_load("/nowhere", STR("UTC"), &z), 0);
    cr_assert_null(z);
    cr_assert_str_eq(show(NULL, 1795353055), "Sun 2026-11-22 13:10:55 0 0 UTC");
    cr_assert_str_eq(show(NULL, 0), "Thu 1970-01-01 00:00:00 0 0 UTC");
    cr_assert_str_eq(show(NULL, -1), "Wed 1969-12-31 23:59:59 0 0 UTC");
    cr_assert_str_eq(show(NULL, 951782400), "Tue 2000-02-29 00:00:00 0 0 UTC");
}

Test(timezone, instants_outside_four_digit_years_are_clamped)
{
    cr_assert_str_eq(show(NULL, INT64_MAX), "Fri 9999-12-31 23:59:59 0 0 UTC");
    cr_assert_str_eq(show(NULL, INT64_MIN), "Sat 0000-01-01 00:00:00 0 0 UTC");
    timezone_t *z = zone("Europe/Berlin");
    cr_assert_str_eq(show(z, INT64_MAX), "Fri 9999-12-31 23:59:59 3600 0 CET");
    timezone_destroy(&z);
    cr_assert_null(z);
}

Test(timezone, knows_a_zone_without_daylight_saving)
{
    timezone_t *z = zone("Asia/Ho_Chi_Minh");
    cr_assert_str_eq(show(z, 1795353055), "Sun 2026-11-22 20:10:55 25200 0 +07");
    timezone_destroy(&z);
}

Test(timezone, changes_in_berlin_to_the_second)
{
    timezone_t *z = zone("Europe/Berlin");
    cr_assert_str_eq(show(z, 1774745999), "Sun 2026-03-29 01:59:59 3600 0 CET");
    cr_assert_str_eq(show(z, 1774746000), "Sun 2026-03-29 03:00:00 7200 1 CEST");
    cr_assert_str_eq(show(z, 1792889999), "Sun 2026-10-25 02:59:59 7200 1 CEST");
    cr_assert_str_eq(show(z, 1792890000), "Sun 2026-10-25 02:00:00 3600 0 CET");
    timezone_destroy(&z);
}

Test(timezone, uses_the_rule_for_dates_past_the_table)
{
    timezone_t *z = zone("America/New_York");
    cr_assert_str_eq(show(z, 1772953199), "Sun 2026-03-08 01:59:59 -18000 0 EST");
    cr_assert_str_eq(show(z, 1772953200), "Sun 2026-03-08 03:00:00 -14400 1 EDT");
    cr_assert_str_eq(show(z, 4102444800), "Thu 2099-12-31 19:00:00 -18000 0 EST");
    cr_assert_str_eq(show(z, 4086979200), "Sun 2099-07-05 20:00:00 -14400 1 EDT");
    timezone_destroy(&z);
}

/* The C library reads the same files its own way: both must agree on every zone and day tried. */
Test(timezone, agrees_with_the_c_library, .timeout = 60)
{
    static const char *const names[] = { "Europe/Berlin",    "America/New_York", "Asia/Ho_Chi_Minh",  "Australia/Lord_Howe",
                                         "America/St_Johns", "Asia/Kathmandu",   "Africa/Casablanca", "Pacific/Apia",
                                         "America/Nuuk",     "Europe/Dublin",    "Antarctica/Troll",  "Africa/Cairo",
                                         "America/Santiago", "Asia/Gaza" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        timezone_t *z = zone(names[i]);
        setenv("TZ", names[i], 1);
        tzset();
        for (int64_t at = -2000000000; at < 5000000000; at += 1000003) {
            time_t t = (time_t)at;
            struct tm tm;
            struct timezone_local got;
            localtime_r(&t, &tm);
            timezone_local(z, at, &got);
            cr_assert(got.offset_s == tm.tm_gmtoff && got.hour == tm.tm_hour && got.day == tm.tm_mday && got.weekday == tm.tm_wday &&
                          got.year == tm.tm_year + 1900 && got.month == tm.tm_mon + 1 && got.dst == (tm.tm_isdst > 0),
                      "%s at %lld", names[i], (long long)at);
        }
        timezone_destroy(&z);
    }
}

Test(timezone, refuses_names_that_leave_the_database)
{
    timezone_t *z;
    char longest[TIMEZONE_NAME_MAX + 2];
    memset(longest, 'a', sizeof longest);
    static const char *const bad[] = { "", "/etc/passwd", "../etc/passwd", "Europe/../UTC", "a b", "Europe/", "x\ny" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_assert_eq(timezone_load(NULL, str_of(bad[i]), &z), GW_EINVAL);
    cr_assert_eq(timezone_load(NULL, (struct str){ longest, TIMEZONE_NAME_MAX + 1 }, &z), GW_EINVAL);
    cr_assert_eq(timezone_load(NULL, (struct str){ longest, TIMEZONE_NAME_MAX }, &z), GW_ENOENT);
    cr_assert_eq(timezone_load(NULL, STR("Mars/Phobos"), &z), GW_ENOENT);
    cr_assert_eq(timezone_load(NULL, STR("Europe"), &z), GW_EIO);
    cr_assert_null(z);
}

Test(timezone, refuses_files_that_are_damaged_anywhere)
{
    static char bytes[TIMEZONE_FILE_MAX + 1];
    FILE *f = fopen(TIMEZONE_DIR "/Europe/Berlin", "rb");
    cr_assert_not_null(f);
    size_t n = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    timezone_t *z;
    for (size_t cut = 0; cut < n - 1; cut++) {
        if (timezone_parse((struct str){ bytes, cut }, &z) == 0) timezone_destroy(&z);
        cr_assert_null(z);
        char kept = bytes[cut];
        bytes[cut] = (char)~kept;
        if (timezone_parse((struct str){ bytes, n }, &z) == 0) (void)show(z, 1795353055);
        timezone_destroy(&z);
        bytes[cut] = kept;
    }
    cr_assert_eq(timezone_parse(STR("TZif2 not really"), &z), GW_EPARSE);
    cr_assert_eq(timezone_parse((struct str){ bytes, TIMEZONE_FILE_MAX + 1 }, &z), GW_ELIMIT);
}

Test(timezone, reads_every_form_of_posix_rule)
{
    struct timezone_rule r;
    int offset;
    bool dst;
    cr_assert_eq(timezone_rule_parse(STR("<-03>3<-02>,M3.5.0/-2,M10.5.0/-1"), &r), 0);
    cr_assert(r.std_s == -10800 && r.dst_s == -7200 && r.start.time_s == -7200 && r.end.time_s == -3600);
    cr_assert_eq(timezone_rule_parse(STR("LHST-10:30LHDT-11,M10.1.0,M4.1.0"), &r), 0);
    cr_assert(r.std_s == 37800 && r.dst_s == 39600);
    cr_assert_str_eq(timezone_rule_at(&r, 1795353055, &offset, &dst), "LHDT"); /* November: summer in the south */
    cr_assert_eq(timezone_rule_parse(STR("XXX3EDT4,0/0,J365/23"), &r), 0);
    cr_assert_str_eq(timezone_rule_at(&r, 1795353055, &offset, &dst), "EDT"); /* the idiom for summer time all year */
    static const char *const bad[] = { "",
                                       "CE-1",
                                       "CET",
                                       "CET-1CEST",
                                       "CET-1CEST,M13.1.0,M1.1.0",
                                       "CET-1CEST,M3.5.0",
                                       "CET-99",
                                       "<CET-1",
                                       "CET-1CEST,M3.5.0,M10.5.0/3x",
                                       "CET-1CEST,M3.5.7,M10.5.0",
                                       "CET-1CEST,J0,J1" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) cr_assert_eq(timezone_rule_parse(str_of(bad[i]), &r), GW_EPARSE, "%s", bad[i]);
}

Test(timezone, names_the_hosts_zone)
{
    char name[TIMEZONE_NAME_MAX + 1];
    setenv("TZ", ":Asia/Ho_Chi_Minh", 1);
    timezone_host(name);
    cr_assert_str_eq(name, "Asia/Ho_Chi_Minh");
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0", 1); /* a rule, not a name: what the machine has, or UTC */
    timezone_host(name);
    cr_assert(name[0] != '\0');
}
