/** actors/cron_core.h -- which jobs are due, and that each of their times is dealt with once: run, or reported as passed over.
 *
 *  In:     jobs, ends of runs, the time          Out: records for the store, runs to begin, events; all through ports
 *  Owns:   the jobs
 *  Thread: one at a time; reads no clock, waits for nothing but its ports
 *  Source: DESIGN 2; docs/cron.md has the rules
 *
 *  A time is written down as begun before its work begins, and its row is what decides: after a crash, with a clock that was set
 *  back, with a second try it is not begun again. The work has the run's id as idempotency key, so a run whose end was not written
 *  is begun again at the next start and told how it ended. What is passed over (downtime, a run that takes longer than its
 *  interval, the pause after errors) is written down as such. */
#ifndef ACTORS_CRON_CORE_H
#define ACTORS_CRON_CORE_H

#include "actors/cron_job.h"
#include "base/chat.h"
#include "store/cron_rows.h"

enum {
    CRON_JOBS_MAX = 1000,
    CRON_RETRY_MS = 5000,      /* until a store that failed is tried again */
    CRON_GRACE_MS = 120000,    /* skip: a time is not missed until then */
    CRON_WALK_MAX = 10000,     /* times looked at in one step; what is left is for the next */
    CRON_SUMMARY_BYTES = 2000, /* of an answer in the run log */
};

enum cron_missed { CRON_MISSED_ONCE, CRON_MISSED_SKIP, CRON_MISSED_ALL }; /* what happens to times during a downtime */

struct cron_rules {
    bool enabled;
    enum cron_missed missed;
    int64_t missed_max; /* all: at most so many are caught up, the newest */
};

struct cron_now {
    int64_t wall_ms;
    int64_t mono_ms;
};

enum cron_keep { CRON_KEEP_NOTHING, CRON_KEEP_JOB, CRON_KEEP_GONE };
enum cron_phase { CRON_NO_RUN, CRON_BEGINS, CRON_ENDED };

struct cron_record { /* all of it is written, or nothing */
    const struct cron_job *job;
    enum cron_keep keep;
    enum cron_phase phase;
    enum cron_run_kind kind;
    int64_t slot_ms;
    struct str entry;              /* JSON */
    struct str route, text, nonce; /* a delivery; route empty: none */
};

struct cron_ports {
    void *ctx;
    /** Durable when it returns. @return 0; GW_EEXIST: that time was begun before; another code: nothing was written */
    int (*record)(void *ctx, const struct cron_record *record);
    /** Begin the work, or hear of it again; its end is told with cron_ended(), later or meanwhile. */
    void (*begin)(void *ctx, const struct cron_job *job);
    void (*stop)(void *ctx, const struct cron_job *job);
    void (*tell)(void *ctx, struct str json); /* event `cron` */
    /** Append the route that was last used in a session. */
    void (*last_route)(void *ctx, const struct cron_job *job, struct buf *out);
    void (*uuid)(void *ctx, char out[RANDOM_UUID_SIZE]);
};

struct cron_end { /* of a run */
    bool ok;
    struct str text;        /* the answer; of a main job: what was told */
    struct str error;       /* not ok */
    struct str model;       /* provider/model; empty: none */
    struct str session_key; /* empty: none */
    int64_t input_tokens, output_tokens;
    bool silent; /* nothing is delivered */
};

typedef struct cron cron_t;

int cron_create(const struct cron_ports *ports, const struct cron_rules *rules, cron_t **out);
void cron_destroy(cron_t **cron_p);
void cron_set_rules(cron_t *c, const struct cron_rules *rules);

/** What the store has kept; before cron_start(). Unreadable ones are left out, and logged. */
void cron_load_job(cron_t *c, const struct cron_job_row *row, int64_t now_ms);
void cron_load_run(cron_t *c, const struct cron_run_row *row);
/** The configuration's jobs, a JSON array that config_load() has checked: at the start and at each change. */
void cron_configure(cron_t *c, const json_t *jobs, const struct cron_now *now);
/** Runs that have not ended are begun again. */
void cron_start(cron_t *c, const struct cron_now *now);

/** Do what is due. @return milliseconds until it wants to be called again; -1: nothing is waited for */
int64_t cron_tick(cron_t *c, const struct cron_now *now);

/** The work of a run is under way: from here on its time counts. Unknown ids are ignored, here and below. */
void cron_started(cron_t *c, struct str run_id, const struct cron_now *now);
/** @return false: no such run goes on, or its end could not be written and is asked for again later */
bool cron_ended(cron_t *c, struct str run_id, const struct cron_end *end, const struct cron_now *now);

/* --- for clients; @param why as in cron_job_create() -------------------------------------------------------------------------- */

struct cron_job *cron_find(cron_t *c, struct str id); /* NULL: unknown */
int cron_add(cron_t *c, const json_t *spec, const struct cron_now *now, struct cron_job **out, struct buf *why, const char **code);
int cron_update(cron_t *c, struct str id, const json_t *patch, const struct cron_now *now, struct cron_job **out, struct buf *why,
                const char **code);
/** @param removed  false: there was none  @return 0; GW_EDENIED the configuration's; GW_EIO */
int cron_remove(cron_t *c, struct str id, bool *removed, struct buf *why);
enum cron_ran { CRON_RUNS, CRON_NOT_DUE, CRON_ALREADY_RUNS };
/** @return 0 with *how; GW_ENOENT; another code: the store failed */
int cron_force(cron_t *c, struct str id, bool only_due, const struct cron_now *now, enum cron_ran *how);
bool cron_posts(const cron_t *c); /* does a job post its results to an address? */
/** Append {"jobs":[...]}, the next to run first, and {"enabled",...,"nextWakeAtMs"}. */
void cron_list(cron_t *c, bool disabled_too, struct buf *out);
void cron_status(cron_t *c, struct str store_path, struct buf *out);

#endif
