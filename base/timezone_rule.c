#include "base/timezone_rule.h"

#include "base/err.h"

/* Both directions count years from March, so that a leap day is a year's last; 146097 days make 400 years. */
void timezone_date(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468; /* since 0000-03-01 */
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * of_year + 2) / 153; /* 0 is March */
    *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
    *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *year = (int)(year_of_era + era * 400 + (*month <= 2));
}

int64_t timezone_days(int year, int month, int day)
{
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + of_year - 719468;
}

static bool take(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c) return false;
    s->p++;
    s->n--;
    return true;
}

static int digits(struct str *s, int lo, int hi, int *out)
{
    int value = 0;
    size_t n = 0;
    while (n < s->n && n < 4 && s->p[n] >= '0' && s->p[n] <= '9') value = value * 10 + (s->p[n++] - '0');
    s->p += n;
    s->n -= n;
    *out = value;
    return n > 0 && value >= lo && value <= hi ? 0 : GW_EPARSE;
}

/* [+-]hh[:mm[:ss]] */
static int clock_time(struct str *s, int *out)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = take(s, '-');
    if (!negative) (void)take(s, '+');
    if (digits(s, 0, 167, &hours) != 0) return GW_EPARSE;
    if (take(s, ':') && digits(s, 0, 59, &minutes) != 0) return GW_EPARSE;
    if (take(s, ':') && digits(s, 0, 59, &seconds) != 0) return GW_EPARSE;
    *out = hours * 3600 + minutes * 60 + seconds;
    if (negative) *out = -*out;
    return 0;
}

/* Three letters or more, or anything between < and >. */
static int abbreviation(struct str *s, char *out)
{
    size_t n = 0;
    bool quoted = take(s, '<');
    while (n < s->n && (quoted ? s->p[n] != '>' : (s->p[n] | 0x20) >= 'a' && (s->p[n] | 0x20) <= 'z')) n++;
    if (n < 3 || str_copy(out, TIMEZONE_ABBREVIATION_MAX + 1, (struct str){ s->p, n }) != 0) return GW_EPARSE;
    s->p += n;
    s->n -= n;
    return quoted && !take(s, '>') ? GW_EPARSE : 0;
}

static int changeover(struct str *s, struct timezone_day *out)
{
    out->time_s = 2 * 3600;
    if (!take(s, ',')) return GW_EPARSE;
    out->kind = 'N';
    if (take(s, 'M'))
        out->kind = 'M';
    else if (take(s, 'J'))
        out->kind = 'J';
    if (out->kind == 'M') {
        if (digits(s, 1, 12, &out->month) != 0 || !take(s, '.') || digits(s, 1, 5, &out->week) != 0 || !take(s, '.')) return GW_EPARSE;
        if (digits(s, 0, 6, &out->day) != 0) return GW_EPARSE;
    } else if (digits(s, out->kind == 'J', 365, &out->day) != 0) {
        return GW_EPARSE;
    }
    return take(s, '/') ? clock_time(s, &out->time_s) : 0;
}

int timezone_rule_parse(struct str text, struct timezone_rule *out)
{
    int west;
    *out = (struct timezone_rule){ 0 };
    if (abbreviation(&text, out->std) != 0 || clock_time(&text, &west) != 0) return GW_EPARSE;
    if (west <= -TIMEZONE_OFFSET_MAX || west >= TIMEZONE_OFFSET_MAX) return GW_EPARSE;
    out->std_s = -west; /* POSIX counts to the west */
    if (text.n == 0) return 0;
    if (abbreviation(&text, out->dst) != 0) return GW_EPARSE;
    out->dst_s = out->std_s + 3600;
    if (text.n > 0 && text.p[0] != ',') {
        if (clock_time(&text, &west) != 0 || west <= -TIMEZONE_OFFSET_MAX || west >= TIMEZONE_OFFSET_MAX) return GW_EPARSE;
        out->dst_s = -west;
    }
    if (changeover(&text, &out->start) != 0 || changeover(&text, &out->end) != 0) return GW_EPARSE;
    return text.n == 0 ? 0 : GW_EPARSE;
}

static bool leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* Local seconds since 1970-01-01 at which a changeover of `year` takes place. */
static int64_t instant(const struct timezone_day *d, int year)
{
    int64_t day = timezone_days(year, 1, 1);
    if (d->kind == 'N') {
        day += d->day;
    } else if (d->kind == 'J') {
        day += d->day - 1 + (leap(year) && d->day >= 60);
    } else {
        int64_t first = timezone_days(year, d->month, 1);
        int64_t next = d->month == 12 ? timezone_days(year + 1, 1, 1) : timezone_days(year, d->month + 1, 1);
        int64_t weekday = ((first + 4) % 7 + 7) % 7; /* 1970-01-01 was a Thursday */
        day = first + (d->day - weekday + 7) % 7 + 7 * (d->week - 1);
        while (day >= next) day -= 7;
    }
    return day * 86400 + d->time_s;
}

const char *timezone_rule_at(const struct timezone_rule *rule, int64_t unix_s, int *offset_s, bool *dst)
{
    const int64_t limit = 253402300799; /* the year 9999: keeps the arithmetic in range */
    *dst = false;
    *offset_s = rule->std_s;
    if (!rule->dst[0]) return rule->std;
    int64_t at = unix_s > limit ? limit : unix_s < -limit ? -limit : unix_s;
    int year, month, day;
    int64_t local = at + rule->std_s;
    timezone_date((local >= 0 ? local : local - 86399) / 86400, &year, &month, &day);
    int64_t start = instant(&rule->start, year) - rule->std_s;
    int64_t end = instant(&rule->end, year) - rule->dst_s;
    *dst = start < end ? at >= start && at < end : !(at >= end && at < start);
    if (!*dst) return rule->std;
    *offset_s = rule->dst_s;
    return rule->dst;
}
