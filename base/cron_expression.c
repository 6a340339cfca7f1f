#include "base/cron_expression.h"

#include <stdio.h>

#include "base/err.h"

enum { SECOND, MINUTE, HOUR, DAY, MONTH, WEEKDAY, FIELDS };
enum { SUNDAY_AGAIN = 7, NAME = 3, QUOTED_MAX = 40 }; /* NAME: letters of a name; QUOTED_MAX: bytes of text in a sentence */

static const struct field {
    const char *name;
    int lo, hi;
    const char *names; /* of lo, lo + 1, ...; three letters each */
} FIELD[FIELDS] = {
    [SECOND] = { "second", 0, 59, "" },
    [MINUTE] = { "minute", 0, 59, "" },
    [HOUR] = { "hour", 0, 23, "" },
    [DAY] = { "day", 1, 31, "" },
    [MONTH] = { "month", 1, 12, "JANFEBMARAPRMAYJUNJULAUGSEPOCTNOVDEC" },
    [WEEKDAY] = { "weekday", 0, SUNDAY_AGAIN, "SUNMONTUEWEDTHUFRISAT" },
};

static const struct nickname {
    const char *name, *meaning;
} NICKNAMES[] = {
    { "@yearly", "0 0 1 1 *" }, { "@annually", "0 0 1 1 *" }, { "@monthly", "0 0 1 * *" }, { "@weekly", "0 0 * * 0" },
    { "@daily", "0 0 * * *" },  { "@midnight", "0 0 * * *" }, { "@hourly", "0 * * * *" },
};

struct reader { /* of one field */
    const struct field *field;
    uint64_t bits;             /* the values read so far */
    struct cron_expression *e; /* for what is not a bit of a field */
    struct buf *why;
};

static int refuse(struct buf *why, const char *what, struct str found, const char *format, ...) __attribute__((format(printf, 4, 5)));

/* CronPattern: `what` "`found`" ... */
static int refuse(struct buf *why, const char *what, struct str found, const char *format, ...)
{
    char reason[128];
    va_list args;
    if (!why) return GW_EINVAL;
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    struct str start = str_utf8_prefix(found, QUOTED_MAX);
    buf_printf(why, "CronPattern: %s \"%.*s%s\" %s", what, STR_ARG(start), start.n < found.n ? "..." : "", reason);
    return GW_EINVAL;
}

static int read_number(const struct reader *r, const char *what, struct str text, int lo, int hi, int *out)
{
    int64_t value;
    *out = lo;
    int rc = str_to_int(text, &value);
    if (rc == 0 && value >= lo && value <= hi) {
        *out = (int)value;
        return 0;
    }
    if (rc == 0 || rc == GW_ELIMIT) return refuse(r->why, what, text, "is outside %d-%d", lo, hi);
    if (text.n == 0) return refuse(r->why, what, text, "is empty, expected %d-%d", lo, hi);
    return refuse(r->why, what, text, "is not a number, expected %d-%d", lo, hi);
}

static int read_value(const struct reader *r, struct str text, int *out)
{
    const struct field *f = r->field;
    for (int i = 0; f->names[NAME * i] != '\0'; i++) {
        if (!str_ieq(text, (struct str){ f->names + (size_t)NAME * (size_t)i, NAME })) continue;
        *out = f->lo + i;
        return 0;
    }
    if (f->names[0] != '\0' && text.n > 0 && (text.p[0] < '0' || text.p[0] > '9'))
        return refuse(r->why, f->name, text, "is not known, expected %d-%d or %.3s-%s", f->lo, f->hi, f->names,
                      f->names + strlen(f->names) - NAME);
    return read_number(r, f->name, text, f->lo, f->hi, out);
}

/* a, a-b or *. `open`: a step follows, so `a` alone reaches to the end. */
static int read_range(const struct reader *r, struct str text, bool open, int *from, int *to)
{
    const struct field *f = r->field;
    struct str end = text, start = str_split(&end, '-');
    int last = f->hi == SUNDAY_AGAIN ? f->hi - 1 : f->hi; /* lest Sunday counts at both ends of a week */
    if (str_is(text, "*") || (str_is(text, "?") && (f == &FIELD[DAY] || f == &FIELD[WEEKDAY]))) {
        *from = f->lo;
        *to = last;
        return 0;
    }
    if (read_value(r, start, from) != 0) return GW_EINVAL;
    *to = open && *from < last ? last : *from;
    if (!end.p) return 0;
    if (read_value(r, end, to) != 0) return GW_EINVAL;
    if (f == &FIELD[WEEKDAY] && *to == 0 && *from > 0) *to = SUNDAY_AGAIN; /* FRI-SUN */
    if (*from > *to) return refuse(r->why, f->name, text, "runs backwards: write it as two ranges, up to the end and from the start");
    return 0;
}

/* MON#2 and MON#L (`mark` at the #), 1L and MONL (`mark` at the L) */
static int read_occurrence(struct reader *r, struct str text, size_t mark)
{
    int day = 0, week = 1;
    struct str nth = { text.p + mark + 1, text.n - mark - 1 };
    if (read_value(r, (struct str){ text.p, mark }, &day) != 0) return GW_EINVAL;
    uint8_t bit = (uint8_t)(1u << day % SUNDAY_AGAIN);
    if (text.p[mark] != '#' || str_ieq(nth, STR("L"))) {
        r->e->last_weekdays |= bit;
        return 0;
    }
    if (read_number(r, "weekday's place in the month", nth, 1, CRON_EXPRESSION_WEEKS, &week) != 0) return GW_EINVAL;
    r->e->nth_weekdays[week - 1] |= bit;
    return 0;
}

/* One element of a list. */
static int read_part(struct reader *r, struct str text)
{
    const struct field *f = r->field;
    char what[16];
    int from = 0, to = 0, step = 1;
    if (text.n == 0) return refuse(r->why, f->name, text, "is empty: a comma stands next to nothing");
    if (f == &FIELD[DAY] && str_ieq(text, STR("L"))) {
        r->e->last_day = true;
        return 0;
    }
    if (f == &FIELD[WEEKDAY]) {
        ptrdiff_t mark = str_find(text, STR("#"));
        if (mark < 0 && text.n > 1 && (text.p[text.n - 1] | 0x20) == 'l') mark = (ptrdiff_t)text.n - 1;
        if (mark >= 0) return read_occurrence(r, text, (size_t)mark);
    }
    struct str by = text, range = str_split(&by, '/');
    if (read_range(r, range, by.p != NULL, &from, &to) != 0) return GW_EINVAL;
    snprintf(what, sizeof what, "%s step", f->name);
    if (by.p && read_number(r, what, by, 1, f == &FIELD[WEEKDAY] ? f->hi : f->hi - f->lo + 1, &step) != 0) return GW_EINVAL;
    for (int value = from; value <= to; value += step) r->bits |= UINT64_C(1) << value;
    return 0;
}

static int read_field(struct reader *r, struct str text)
{
    do {
        if (read_part(r, str_split(&text, ',')) != 0) return GW_EINVAL;
    } while (text.p);
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* @return how many there are; the first FIELDS are stored */
static int split_fields(struct str text, struct str *fields)
{
    int count = 0;
    for (size_t i = 0; i < text.n;) {
        size_t start = i;
        while (i < text.n && !is_blank(text.p[i])) i++;
        if (i > start && count++ < FIELDS) fields[count - 1] = (struct str){ text.p + start, i - start };
        while (i < text.n && is_blank(text.p[i])) i++;
    }
    return count;
}

static bool is_any(struct str field)
{
    return str_is(field, "*") || str_is(field, "?");
}

static int read_fields(const struct str *fields, struct cron_expression *e, struct buf *why)
{
    uint64_t bits[FIELDS];
    for (int i = 0; i < FIELDS; i++) {
        struct reader r = { .field = &FIELD[i], .e = e, .why = why };
        if (read_field(&r, fields[i]) != 0) return GW_EINVAL;
        bits[i] = r.bits;
    }
    const uint64_t all_hours = (UINT64_C(1) << 24) - 1;
    e->seconds = bits[SECOND];
    e->minutes = bits[MINUTE];
    e->hours = (uint32_t)bits[HOUR];
    e->days = (uint32_t)bits[DAY];
    e->months = (uint16_t)bits[MONTH];
    e->weekdays = (uint8_t)((bits[WEEKDAY] | bits[WEEKDAY] >> SUNDAY_AGAIN) & 0x7f);
    e->day_restricted = !is_any(fields[DAY]);
    e->weekday_restricted = !is_any(fields[WEEKDAY]);
    e->hours_named = fields[HOUR].p[0] != '*' && bits[HOUR] != all_hours;
    return 0;
}

/* Every month has days 1 to 29, one year or another, a last day and all weekdays: only 30 and 31 can be days that do not exist. */
static bool can_be_due(const struct cron_expression *e)
{
    const unsigned with_30 = 0x1ffa, with_31 = 0x15aa; /* bits 1..12: all but February; January, March, May, July, August, ... */
    if (!e->day_restricted || e->weekday_restricted || e->last_day || (e->days & 0x3fffffff)) return true;
    return ((e->days >> 30 & 1) && (e->months & with_30)) || ((e->days >> 31 & 1) && (e->months & with_31));
}

int cron_expression_parse(struct str text, struct cron_expression *out, struct buf *why)
{
    struct str fields[FIELDS + 1] = { STR("0") };
    struct str spelled = str_trim(text);
    *out = (struct cron_expression){ 0 };
    if (spelled.n > CRON_EXPRESSION_MAX) return refuse(why, "text", spelled, "is longer than %d bytes", CRON_EXPRESSION_MAX);
    for (size_t i = 0; i < sizeof NICKNAMES / sizeof *NICKNAMES; i++)
        if (str_ieq(spelled, str_of(NICKNAMES[i].name))) spelled = str_of(NICKNAMES[i].meaning);
    if (str_starts(spelled, STR("@")))
        return refuse(why, "nickname", spelled, "is not known, expected @yearly @annually @monthly @weekly @daily @midnight or @hourly");
    int count = split_fields(spelled, fields + 1);
    if (count == FIELDS + 1) return refuse(why, "text", spelled, "has a field for years, which this gateway does not know");
    if (count != FIELDS && count != FIELDS - 1) {
        if (why)
            buf_printf(
                why, "CronPattern: invalid configuration format ('%.*s'), exactly five, six, or seven space separated parts are required.",
                STR_ARG(str_utf8_prefix(spelled, QUOTED_MAX)));
        return GW_EINVAL;
    }
    const struct str *first = count == FIELDS ? fields + 1 : fields;
    int rc = read_fields(first, out, why);
    if (rc == 0 && !can_be_due(out)) rc = refuse(why, "day", first[DAY], "never comes in month %.*s", STR_ARG(first[MONTH]));
    if (rc != 0) *out = (struct cron_expression){ 0 };
    return rc;
}
