/** actors/cron_internal.h -- what the files of actors/cron_core.h share: cron_core.c (time), cron_jobs.c (jobs come, change, go). */
#ifndef ACTORS_CRON_INTERNAL_H
#define ACTORS_CRON_INTERNAL_H

#include "actors/cron_core.h"

struct cron {
    struct cron_ports ports;
    struct cron_rules rules;
    struct cron_job *jobs; /* by id, in the order they came; owned */
    bool clocked;
    int64_t offset_ms; /* wall less monotonic clock, when it was looked at last */
};

void cron_tell(cron_t *c, const struct cron_job *job, const char *action);
void cron_check_next(struct cron_job *job, const struct cron_now *now);
int cron_begin_forced(cron_t *c, struct cron_job *job, const struct cron_now *now);

#endif
