/** store/cron_rows.h -- jobs that run by the clock, and what became of each of their times.
 *
 *  In:     jobs and states as JSON that actors/cron alone reads     Out: rows through a callback
 *  Owns:   tables cron_jobs, cron_runs                              Thread: the store's owner; lists also a reader's
 *
 *  A callback must not call the store. A value other than 0 ends the walk and is returned. */
#ifndef STORE_CRON_ROWS_H
#define STORE_CRON_ROWS_H

#include "store/store.h"

enum {
    STORE_CRON_JSON_MAX = 256 * 1024, /* bytes of a job */
    STORE_CRON_STATE_MAX = 8 * 1024,  /* bytes of its state */
    STORE_CRON_ENTRY_MAX = 32 * 1024, /* bytes of an entry of the run log */
    STORE_CRON_RUNS_KEPT = 2000,      /* ended runs of a job; the oldest make room */
};

enum cron_run_kind { CRON_RUN_SLOT = 0, CRON_RUN_FORCED = 1, CRON_RUN_SKIPPED = 2 }; /* stored: never renumber */

struct cron_job_row {
    struct str id; /* 1..STORE_NAME_MAX */
    bool configured;
    struct str json;
    struct str state;
};
typedef int cron_job_fn(void *ctx, const struct cron_job_row *row);

struct cron_run_row {
    struct str job; /* 1..STORE_NAME_MAX */
    enum cron_run_kind kind;
    int64_t slot_ms;
    struct str json; /* 1..STORE_CRON_ENTRY_MAX */
};
typedef int cron_run_fn(void *ctx, const struct cron_run_row *row);

/** Write a job, over the earlier one. @return 0, GW_EINVAL, GW_ELIMIT, GW_EIO */
int cron_job_save(store_t *store, const struct cron_job_row *row);
/** Harmless when there is none; its runs stay. @return 0, GW_EIO */
int cron_job_remove(store_t *store, struct str id);
/** All of them by id. @return 0, GW_EIO, or what fn returned */
int cron_jobs_each(store_t *store, cron_job_fn *fn, void *ctx);

/** Before the work. @return 0; GW_EEXIST this time of the job was begun before, nothing was changed; GW_EINVAL, GW_ELIMIT, GW_EIO */
int cron_run_begin(store_t *store, const struct cron_run_row *row, int64_t now_ms);
/** After it, or for a time that was passed over without a run: the row's json becomes the log's entry; older ones than
 *  STORE_CRON_RUNS_KEPT are deleted. Repeats are harmless. @return 0, GW_EINVAL, GW_ELIMIT, GW_EIO */
int cron_run_end(store_t *store, const struct cron_run_row *row, int64_t now_ms);
/** Those begun and not ended, in order. @return 0, GW_EIO, or what fn returned */
int cron_runs_open(store_t *store, cron_run_fn *fn, void *ctx);
/** The newest `limit` ended ones of a job, the oldest first. @param limit  1..5000 */
int cron_runs_list(store_t *store, struct str job, int64_t limit, cron_run_fn *fn, void *ctx);
/** Delete ended ones written before a time. @return 0, GW_EIO */
int cron_runs_prune(store_t *store, int64_t before_ms);

#endif
