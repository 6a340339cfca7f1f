/** actors/cron_job.h -- one job: what it is, and how it went.
 *
 *  In:     JSON as clients, the configuration and the store have it      Out: the same
 *  Owns:   its JSON and schedule                                         Thread: the cron actor's
 *  Source: reference gateway-protocol 7 (cron: job, errors), captured frames rpc-cron.* */
#ifndef ACTORS_CRON_JOB_H
#define ACTORS_CRON_JOB_H

#include <uthash.h>

#include "actors/cron_schedule.h"
#include "base/random.h"

enum {
    CRON_ID_SIZE = 65,         /* bytes of a job's id, NUL included */
    CRON_TIMEOUT_S = 600,      /* a run without timeoutSeconds */
    CRON_TEXT_MAX = 64 * 1024, /* bytes of what an agent is told */
    CRON_ERROR_SIZE = 512,     /* bytes of a kept error, NUL included */
};

struct cron_run {              /* in progress */
    char id[RANDOM_UUID_SIZE]; /* also of its session */
    int kind;                  /* enum cron_run_kind */
    int64_t slot_ms;           /* the time it is for; forced: when it was asked for */
    int64_t began_ms;          /* wall clock */
    int64_t deadline_ms;       /* monotonic; 0: not yet, or none */
    int64_t again_ms;          /* monotonic: begin it anew then, its end could not be written; 0: no */
    bool late;                 /* it was told to stop */
};

struct cron_state {
    int64_t next_ms;     /* first time that was not dealt with; -1: none */
    int64_t last_run_ms; /* 0: never */
    int64_t last_duration_ms;
    int64_t errors; /* one after the other */
    char last_status[8];
    char last_error[CRON_ERROR_SIZE];
};

struct cron_job {
    UT_hash_handle hh;
    char id[CRON_ID_SIZE];
    json_t *json; /* owned: everything but the state */
    struct cron_schedule schedule;
    struct cron_state state;
    struct cron_run *run; /* owned; NULL: it is idle */
    int64_t retry_ms;     /* monotonic: not before, the store could not be written; 0: at once */
    bool configured;      /* the configuration's: nobody changes it here */
    bool enabled;
    bool delete_after; /* once it has gone well */
    bool gone;         /* taken out of the configuration while it runs */
};

enum cron_origin { CRON_ADDED, CRON_CONFIGURED, CRON_STORED }; /* only what is added has to lie ahead */

/** From an object that fits cron.add's schema, or from a stored one.
 *  @param id      NULL: a new one
 *  @param now_ms  wall clock
 *  @param why     appended: the refusal  @param code  "INVALID_REQUEST" or "UNAVAILABLE", static
 *  @return 0; GW_EINVAL, GW_ENOMEM */
int cron_job_create(const json_t *spec, enum cron_origin origin, const char *id, int64_t now_ms, struct cron_job **out, struct buf *why,
                    const char **code);
void cron_job_destroy(struct cron_job **job_p);

/** What cron_job_create() makes of a job that `patch` was applied to; `job` stays as it is. */
int cron_job_patched(const struct cron_job *job, const json_t *patch, int64_t now_ms, struct cron_job **out, struct buf *why,
                     const char **code);

bool cron_id_ok(struct str id); /* letters, digits, '-', '_', '.' */

/** Its parts, for whoever runs it. */
bool cron_job_is_main(const struct cron_job *job);           /* a text for the main session */
struct str cron_job_text(const struct cron_job *job);        /* what is said */
struct str cron_job_agent(const struct cron_job *job);       /* empty: the default agent */
int64_t cron_job_timeout_s(const struct cron_job *job);      /* 0: none */
const json_t *cron_job_delivery(const struct cron_job *job); /* NULL: none */

/** Append the state's object. @param running  with runningAtMs, for clients */
void cron_state_write(const struct cron_job *job, bool running, struct buf *out);
void cron_state_read(struct cron_state *state, struct str json);
/** Append the job with its state, as in cron.list. */
void cron_job_write(const struct cron_job *job, struct buf *out);

#endif
