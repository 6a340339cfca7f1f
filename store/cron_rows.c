#include "store/cron_rows.h"

#include "store/sql.h"

int cron_job_save(store_t *store, const struct cron_job_row *row)
{
    int rc = sql_check(store, row->id, 1, STORE_NAME_MAX, "job id");
    if (rc == 0) rc = sql_check(store, row->json, 1, STORE_CRON_JSON_MAX, "job");
    if (rc == 0) rc = sql_check(store, row->state, 1, STORE_CRON_STATE_MAX, "state of a job");
    if (rc) return rc;
    struct query q =
        query_open(store, SQL_cron_job_save, "INSERT OR REPLACE INTO cron_jobs (id, configured, json, state) VALUES (?, ?, ?, ?)");
    query_text(&q, row->id);
    query_int(&q, row->configured);
    query_text(&q, row->json);
    query_text(&q, row->state);
    return query_run(&q);
}

int cron_job_remove(store_t *store, struct str id)
{
    struct query q = query_open(store, SQL_cron_job_remove, "DELETE FROM cron_jobs WHERE id = ?");
    query_text(&q, id);
    return query_run(&q);
}

int cron_jobs_each(store_t *store, cron_job_fn *fn, void *ctx)
{
    struct query q = query_open(store, SQL_cron_jobs, "SELECT id, configured, json, state FROM cron_jobs ORDER BY id");
    int rc;
    while ((rc = query_row(&q)) == 1) {
        const struct cron_job_row row = { query_get_text(&q, 0), query_get_int(&q, 1) != 0, query_get_text(&q, 2), query_get_text(&q, 3) };
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(&q, rc);
}

static int check_run(store_t *store, const struct cron_run_row *row)
{
    int rc = sql_check(store, row->job, 1, STORE_NAME_MAX, "job id");
    return rc ? rc : sql_check(store, row->json, 1, STORE_CRON_ENTRY_MAX, "run of a job");
}

static int begun(store_t *store, const struct cron_run_row *row, int64_t *count)
{
    struct query q = query_open(store, SQL_cron_run_find, "SELECT count(*) FROM cron_runs WHERE job = ? AND kind = ? AND slot_ms = ?");
    query_text(&q, row->job);
    query_int(&q, row->kind);
    query_int(&q, row->slot_ms);
    return query_run_int(&q, count);
}

int cron_run_begin(store_t *store, const struct cron_run_row *row, int64_t now_ms)
{
    int64_t count = 0;
    int rc = check_run(store, row);
    if (rc == 0) rc = begun(store, row, &count);
    if (rc == 0 && count) rc = GW_EEXIST;
    if (rc) return rc;
    struct query q =
        query_open(store, SQL_cron_run_begin, "INSERT INTO cron_runs (job, kind, slot_ms, ended, ts_ms, json) VALUES (?, ?, ?, 0, ?, ?)");
    query_text(&q, row->job);
    query_int(&q, row->kind);
    query_int(&q, row->slot_ms);
    query_int(&q, now_ms);
    query_text(&q, row->json);
    return query_run(&q);
}

static int forget_oldest(store_t *store, struct str job)
{
    struct query q = query_open(store, SQL_cron_runs_trim,
                                "DELETE FROM cron_runs WHERE job = ?1 AND ended = 1 AND id <= "
                                "(SELECT id FROM cron_runs WHERE job = ?1 AND ended = 1 ORDER BY id DESC LIMIT 1 OFFSET ?2)");
    query_text(&q, job);
    query_int(&q, STORE_CRON_RUNS_KEPT);
    return query_run(&q);
}

int cron_run_end(store_t *store, const struct cron_run_row *row, int64_t now_ms)
{
    int rc = check_run(store, row);
    if (rc) return rc;
    struct query q = query_open(store, SQL_cron_run_end,
                                "INSERT INTO cron_runs (job, kind, slot_ms, ended, ts_ms, json) VALUES (?, ?, ?, 1, ?, ?) "
                                "ON CONFLICT (job, kind, slot_ms) DO UPDATE SET ended = 1, ts_ms = excluded.ts_ms, json = excluded.json");
    query_text(&q, row->job);
    query_int(&q, row->kind);
    query_int(&q, row->slot_ms);
    query_int(&q, now_ms);
    query_text(&q, row->json);
    rc = query_run(&q);
    return rc ? rc : forget_oldest(store, row->job);
}

static int tell(struct query *q, cron_run_fn *fn, void *ctx)
{
    int rc;
    while ((rc = query_row(q)) == 1) {
        const struct cron_run_row row = { query_get_text(q, 0), (enum cron_run_kind)query_get_int(q, 1), query_get_int(q, 2),
                                          query_get_text(q, 3) };
        if ((rc = fn(ctx, &row)) != 0) break;
    }
    return query_close(q, rc);
}

int cron_runs_open(store_t *store, cron_run_fn *fn, void *ctx)
{
    struct query q = query_open(store, SQL_cron_runs_open, "SELECT job, kind, slot_ms, json FROM cron_runs WHERE ended = 0 ORDER BY id");
    return tell(&q, fn, ctx);
}

int cron_runs_list(store_t *store, struct str job, int64_t limit, cron_run_fn *fn, void *ctx)
{
    struct query q = query_open(store, SQL_cron_runs_list,
                                "SELECT job, kind, slot_ms, json FROM (SELECT * FROM cron_runs WHERE job = ? AND ended = 1 "
                                "ORDER BY id DESC LIMIT ?) ORDER BY id");
    query_text(&q, job);
    query_int(&q, limit);
    return tell(&q, fn, ctx);
}

int cron_runs_prune(store_t *store, int64_t before_ms)
{
    struct query q = query_open(store, SQL_cron_runs_prune, "DELETE FROM cron_runs WHERE ended = 1 AND ts_ms < ?");
    query_int(&q, before_ms);
    return query_run(&q);
}
