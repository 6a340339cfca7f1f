#include "actors/cron_schedule.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/json_read.h"
#include "base/timezone_rule.h"

#define AT_MAX INT64_C(253370764800000) /* the year 9999 */

/* --- ISO 8601 ------------------------------------------------------------------------------------------------------------ */

static bool digits(struct str *s, size_t n, int lo, int hi, int *out)
{
    int64_t value;
    if (s->n < n || str_to_int((struct str){ s->p, n }, &value) != 0 || s->p[0] < '0' || value < lo || value > hi) return false;
    *s = (struct str){ s->p + n, s->n - n };
    *out = (int)value;
    return true;
}

static bool sign(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c) return false;
    *s = (struct str){ s->p + 1, s->n - 1 };
    return true;
}

static int fraction_ms(struct str *s)
{
    int ms = 0;
    for (int weight = 100; s->n && s->p[0] >= '0' && s->p[0] <= '9'; weight /= 10) {
        ms += (s->p[0] - '0') * weight;
        *s = (struct str){ s->p + 1, s->n - 1 };
    }
    return ms;
}

/* Z, +hh:mm, -hhmm; nothing: UTC */
static bool offset(struct str *s, int *minutes)
{
    int hour, minute, west = -1;
    *minutes = 0;
    if (s->n == 0 || sign(s, 'Z') || sign(s, 'z')) return true;
    if (sign(s, '+')) west = 0;
    if (west < 0 && sign(s, '-')) west = 1;
    if (west < 0 || !digits(s, 2, 0, 23, &hour)) return false;
    sign(s, ':');
    if (!digits(s, 2, 0, 59, &minute)) return false;
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return true;
}

bool cron_time_read(struct str text, int64_t *ms)
{
    int year, month, day, hour = 0, minute = 0, second = 0, part = 0, east = 0, check_year, check_month, check_day;
    struct str s = str_trim(text);
    if (s.n > 8 && str_to_int(s, ms) == 0) return *ms > 0 && *ms < AT_MAX;
    if (!digits(&s, 4, 1970, 9998, &year) || !sign(&s, '-') || !digits(&s, 2, 1, 12, &month) || !sign(&s, '-') ||
        !digits(&s, 2, 1, 31, &day))
        return false;
    if (s.n && !sign(&s, 'T') && !sign(&s, 't') && !sign(&s, ' ')) return false;
    if (s.n && (!digits(&s, 2, 0, 23, &hour) || !sign(&s, ':') || !digits(&s, 2, 0, 59, &minute))) return false;
    if (sign(&s, ':') && !digits(&s, 2, 0, 59, &second)) return false;
    if (sign(&s, '.')) part = fraction_ms(&s);
    if (!offset(&s, &east) || s.n) return false;
    int64_t days = timezone_days(year, month, day);
    timezone_date(days, &check_year, &check_month, &check_day);
    if (check_day != day) return false; /* 31 April */
    *ms = (((days * 24 + hour) * 60 + minute - east) * 60 + second) * 1000 + part;
    return *ms >= 0;
}

/* --- reading ------------------------------------------------------------------------------------------------------------- */

static int read_at(const json_t *schedule, int64_t now_ms, struct cron_schedule *out, struct buf *why)
{
    struct str at = json_str(schedule, "at");
    char then[CLOCK_ISO_SIZE], now[CLOCK_ISO_SIZE];
    if (!cron_time_read(at, &out->at_ms)) {
        buf_printf(why, "Invalid schedule.at: expected ISO-8601 timestamp (got %.*s)", STR_ARG(str_utf8_prefix(at, 80)));
        return GW_EINVAL;
    }
    if (now_ms <= 0 || out->at_ms >= now_ms - CRON_PAST_MS) return 0;
    clock_iso(out->at_ms, then);
    clock_iso(now_ms, now);
    buf_printf(why, "schedule.at is in the past: %s (%lld minutes ago). Current time: %s", then, (long long)((now_ms - out->at_ms) / 60000),
               now);
    return GW_EINVAL;
}

static int64_t shift(struct str id, int64_t stagger_ms)
{
    return stagger_ms > 0 ? (int64_t)(hash_fnv(id, 0) % (uint64_t)stagger_ms) / 1000 * 1000 : 0;
}

static int read_clock(const json_t *schedule, struct str id, struct cron_schedule *out, struct buf *why)
{
    struct buf reason = { 0 };
    struct str zone = str_trim(json_str(schedule, "tz"));
    int64_t stagger_ms = json_int(schedule, "staggerMs", 0);
    int rc = cron_expression_parse(json_str(schedule, "expr"), &out->clock, &reason);
    if (rc) buf_printf(why, "TypeError: %.*s", STR_ARG(buf_str(&reason)));
    buf_free(&reason);
    if (rc) return rc;
    out->shift_ms = shift(id, stagger_ms < 24 * 3600 * 1000 ? stagger_ms : 24 * 3600 * 1000);
    rc = zone.n ? timezone_load(NULL, zone, &out->zone) : 0;
    if (rc) buf_printf(why, "RangeError: Invalid time zone specified: %.*s", STR_ARG(str_utf8_prefix(zone, 64)));
    return rc ? GW_EINVAL : 0;
}

int cron_schedule_read(const json_t *schedule, struct str id, int64_t now_ms, struct cron_schedule *out, struct buf *why)
{
    struct str kind = json_str(schedule, "kind");
    *out = (struct cron_schedule){ .kind = CRON_EVERY };
    if (str_is(kind, "at")) {
        out->kind = CRON_AT;
        return read_at(schedule, now_ms, out, why);
    }
    if (str_is(kind, "cron")) {
        out->kind = CRON_CLOCK;
        return read_clock(schedule, id, out, why);
    }
    out->every_ms = json_int(schedule, "everyMs", 0);
    out->anchor_ms = json_int(schedule, "anchorMs", now_ms);
    if (str_is(kind, "every") && out->every_ms > 0 && out->every_ms < AT_MAX && out->anchor_ms >= 0 && out->anchor_ms < AT_MAX) return 0;
    buf_text(why, "schedule: expected {kind: \"at\", at}, {kind: \"every\", everyMs} or {kind: \"cron\", expr, tz}");
    return GW_EINVAL;
}

void cron_schedule_free(struct cron_schedule *s)
{
    timezone_destroy(&s->zone);
}

int64_t cron_schedule_next(const struct cron_schedule *s, int64_t after_ms)
{
    int64_t next;
    switch (s->kind) {
    case CRON_AT: return s->at_ms > after_ms ? s->at_ms : -1;
    case CRON_EVERY:
        if (after_ms < s->anchor_ms) return s->anchor_ms;
        return s->anchor_ms + ((after_ms - s->anchor_ms) / s->every_ms + 1) * s->every_ms;
    default: next = cron_expression_next(&s->clock, s->zone, after_ms - s->shift_ms); return next < 0 ? -1 : next + s->shift_ms;
    }
}
