/** actors/cron_schedule.h -- when a job is due: once, every so often, or by a cron expression.
 *
 *  In:     `schedule` of a job, JSON; instants      Out: instants
 *  Owns:   a time zone                              Thread: any
 *  Source: reference gateway-protocol 7 (cron: schedule, its errors), captured frames */
#ifndef ACTORS_CRON_SCHEDULE_H
#define ACTORS_CRON_SCHEDULE_H

#include <jansson.h>

#include "base/cron_expression.h"

enum cron_schedule_kind { CRON_AT, CRON_EVERY, CRON_CLOCK };

enum { CRON_PAST_MS = 60000 }; /* a time may be so long ago when a job for it is added */

struct cron_schedule {
    enum cron_schedule_kind kind;
    int64_t at_ms;                /* CRON_AT */
    int64_t every_ms, anchor_ms;  /* CRON_EVERY: anchor + n * every */
    struct cron_expression clock; /* CRON_CLOCK */
    timezone_t *zone;             /* CRON_CLOCK: owned; NULL: UTC */
    int64_t shift_ms;             /* CRON_CLOCK: so much later than the expression says, 0 or more */
};

/** @param id    of the job: with staggerMs each has a shift of its own
 *  @param now_ms  anchor of an `every` without one
 *  @param why   appended: the refusal in OpenClaw's words, where it has any
 *  @return 0, then cron_schedule_free(); GW_EINVAL */
int cron_schedule_read(const json_t *schedule, struct str id, int64_t now_ms, struct cron_schedule *out, struct buf *why);
void cron_schedule_free(struct cron_schedule *s);

/** The first time after `after_ms`; -1: none. */
int64_t cron_schedule_next(const struct cron_schedule *s, int64_t after_ms);

/** An ISO 8601 date, or date and time, without an offset in UTC; or milliseconds since 1970 in digits. @return false: it is none */
bool cron_time_read(struct str text, int64_t *ms);

#endif
