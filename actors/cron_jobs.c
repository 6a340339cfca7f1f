/* Jobs come, change and go: from the store, from clients, from the configuration. */
#include <stdlib.h>

#include "actors/cron_internal.h"
#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"

int cron_create(const struct cron_ports *ports, const struct cron_rules *rules, cron_t **out)
{
    *out = calloc(1, sizeof **out);
    if (!*out) return GW_ENOMEM;
    (*out)->ports = *ports;
    (*out)->rules = *rules;
    return 0;
}

void cron_destroy(cron_t **cron_p)
{
    cron_t *c = *cron_p;
    struct cron_job *job, *safe;
    if (!c) return;
    HASH_ITER(hh, c->jobs, job, safe)
    {
        HASH_DEL(c->jobs, job);
        cron_job_destroy(&job);
    }
    free(c);
    *cron_p = NULL;
}

void cron_set_rules(cron_t *c, const struct cron_rules *rules)
{
    c->rules = *rules;
}

struct cron_job *cron_find(cron_t *c, struct str id)
{
    struct cron_job *job = NULL;
    if (id.n) HASH_FIND(hh, c->jobs, id.p, id.n, job);
    return job;
}

static void put(cron_t *c, struct cron_job *job)
{
    HASH_ADD_KEYPTR(hh, c->jobs, job->id, strlen(job->id), job);
}

/* In the old one's place, with its run. */
static void replace(cron_t *c, struct cron_job *old, struct cron_job *job)
{
    job->run = old->run;
    old->run = NULL;
    HASH_DEL(c->jobs, old);
    cron_job_destroy(&old);
    put(c, job);
}

/* --- from the store ------------------------------------------------------------------------------------------------------------ */

void cron_load_job(cron_t *c, const struct cron_job_row *row, int64_t now_ms)
{
    char id[CRON_ID_SIZE];
    const char *code;
    struct buf why = { 0 };
    struct cron_job *job = NULL;
    json_t *spec = json_loadb(row->json.p, row->json.n, 0, NULL);
    if (spec && str_copy(id, sizeof id, row->id) == 0) cron_job_create(spec, CRON_STORED, id, now_ms, &job, &why, &code);
    if (job) {
        job->configured = row->configured;
        cron_state_read(&job->state, row->state);
        put(c, job);
    } else {
        log_event(LOG_ERROR, "cron_job_unreadable", LOG_S("job", row->id), LOG_S("reason", buf_str(&why)));
    }
    json_decref(spec);
    buf_free(&why);
}

void cron_load_run(cron_t *c, const struct cron_run_row *row)
{
    struct cron_job *job = cron_find(c, row->job);
    json_t *said = json_loadb(row->json.p, row->json.n, 0, NULL);
    struct cron_run *run = job && !job->run ? calloc(1, sizeof *run) : NULL;
    if (run) {
        *run = (struct cron_run){ .kind = (int)row->kind, .slot_ms = row->slot_ms, .began_ms = json_int(said, "beganMs", row->slot_ms) };
        str_copy(run->id, sizeof run->id, json_str(said, "run"));
        job->run = run;
    }
    json_decref(said);
}

void cron_start(cron_t *c, const struct cron_now *now)
{
    struct cron_job *job, *safe;
    HASH_ITER(hh, c->jobs, job, safe)
    {
        cron_check_next(job, now);
        if (job->run) c->ports.begin(c->ports.ctx, job);
    }
}

/* --- from the configuration ---------------------------------------------------------------------------------------------------- */

static int save(cron_t *c, const struct cron_job *job, enum cron_keep keep)
{
    const struct cron_record r = { .job = job, .keep = keep };
    return c->ports.record(c->ports.ctx, &r);
}

/* @param job_p  freed when it could not be written */
static int save_new(cron_t *c, struct cron_job **job_p, struct buf *why)
{
    int rc = save(c, *job_p, CRON_KEEP_JOB);
    if (rc == 0) return 0;
    buf_text(why, "the store could not write the job");
    cron_job_destroy(job_p);
    return rc;
}

/* The same times as before: what was dealt with stays so. */
static bool same_times(const struct cron_job *a, const struct cron_job *b)
{
    return a->enabled == b->enabled && json_equal(json_object_get(a->json, "schedule"), json_object_get(b->json, "schedule"));
}

static void configure(cron_t *c, const json_t *spec, const struct cron_now *now)
{
    char id[CRON_ID_SIZE];
    const char *code;
    struct buf why = { 0 };
    struct cron_job *job = NULL, *old = cron_find(c, json_str(spec, "id"));
    if (str_copy(id, sizeof id, json_str(spec, "id")) != 0 ||
        cron_job_create(spec, CRON_CONFIGURED, id, now->wall_ms, &job, &why, &code) != 0)
        log_event(LOG_ERROR, "cron_job_not_taken", LOG_S("job", json_str(spec, "id")), LOG_S("reason", buf_str(&why)));
    buf_free(&why);
    if (!job) return;
    bool same = old && same_times(old, job);
    if (old) { /* also when it changed: its history */
        int64_t next_ms = job->state.next_ms;
        job->state = old->state;
        if (!same) job->state.next_ms = next_ms;
        json_object_set(job->json, "createdAtMs", json_object_get(old->json, "createdAtMs"));
        json_object_set(job->json, "updatedAtMs", json_object_get(old->json, "updatedAtMs"));
        if (json_equal(old->json, job->json) && old->configured) {
            cron_job_destroy(&job);
            return;
        }
        json_object_set_new(job->json, "updatedAtMs", json_integer(now->wall_ms));
        replace(c, old, job);
    } else {
        put(c, job);
    }
    save(c, job, CRON_KEEP_JOB);
    cron_tell(c, job, old ? "updated" : "added");
}

static bool is_listed(const json_t *jobs, const struct cron_job *job)
{
    for (size_t i = 0; i < json_array_size(jobs); i++)
        if (str_is(json_str(json_array_get(jobs, i), "id"), job->id)) return true;
    return false;
}

void cron_configure(cron_t *c, const json_t *jobs, const struct cron_now *now)
{
    struct cron_job *job, *safe;
    for (size_t i = 0; i < json_array_size(jobs); i++) configure(c, json_array_get(jobs, i), now);
    HASH_ITER(hh, c->jobs, job, safe)
    {
        if (!job->configured || is_listed(jobs, job)) continue;
        job->gone = job->run != NULL;
        job->enabled = false;
        if (job->gone) continue; /* its end is written first */
        if (save(c, job, CRON_KEEP_GONE) != 0) continue;
        cron_tell(c, job, "removed");
        HASH_DEL(c->jobs, job);
        cron_job_destroy(&job);
    }
}

/* --- from clients ---------------------------------------------------------------------------------------------------------------- */

int cron_add(cron_t *c, const json_t *spec, const struct cron_now *now, struct cron_job **out, struct buf *why, const char **code)
{
    *out = NULL;
    *code = "UNAVAILABLE";
    if (HASH_COUNT(c->jobs) >= CRON_JOBS_MAX) {
        buf_printf(why, "there are %d cron jobs, and no more can be: remove some", CRON_JOBS_MAX);
        return GW_EFULL;
    }
    struct cron_job *job;
    int rc = cron_job_create(spec, CRON_ADDED, NULL, now->wall_ms, &job, why, code);
    if (rc) return rc;
    rc = save_new(c, &job, why);
    if (rc) return rc;
    put(c, job);
    cron_tell(c, job, "added");
    *out = job;
    return 0;
}

static int refuse_configured(const struct cron_job *job, struct buf *why)
{
    buf_printf(why, "job %s comes from the configuration: change it there (cron.jobs)", job->id);
    return GW_EDENIED;
}

int cron_update(cron_t *c, struct str id, const json_t *patch, const struct cron_now *now, struct cron_job **out, struct buf *why,
                const char **code)
{
    struct cron_job *old = cron_find(c, id), *job;
    *out = NULL;
    *code = "UNAVAILABLE";
    if (!old) {
        buf_printf(why, "Error: unknown cron job id: %.*s", STR_ARG(id));
        return GW_ENOENT;
    }
    if (old->configured) return refuse_configured(old, why);
    int rc = cron_job_patched(old, patch, now->wall_ms, &job, why, code);
    if (rc) return rc;
    rc = save_new(c, &job, why);
    if (rc) return rc;
    replace(c, old, job);
    cron_tell(c, job, "updated");
    *out = job;
    return 0;
}

int cron_remove(cron_t *c, struct str id, bool *removed, struct buf *why)
{
    struct cron_job *job = cron_find(c, id);
    *removed = false;
    if (!job) return 0;
    if (job->configured) return refuse_configured(job, why);
    struct cron_record r = { .job = job, .keep = CRON_KEEP_GONE };
    struct buf entry = { 0 };
    if (job->run) {
        buf_printf(&entry,
                   "{\"ts\":%lld,\"jobId\":\"%s\",\"action\":\"finished\",\"status\":\"error\",\"error\":\"the job was "
                   "removed\",\"runAtMs\":%lld}",
                   (long long)job->run->began_ms, job->id, (long long)job->run->began_ms);
        r.phase = CRON_ENDED;
        r.kind = (enum cron_run_kind)job->run->kind;
        r.slot_ms = job->run->slot_ms;
        r.entry = buf_str(&entry);
    }
    int rc = entry.err ? entry.err : c->ports.record(c->ports.ctx, &r);
    buf_free(&entry);
    if (rc) {
        buf_text(why, "the store could not remove the job");
        return rc;
    }
    if (job->run) c->ports.stop(c->ports.ctx, job);
    cron_tell(c, job, "removed");
    HASH_DEL(c->jobs, job);
    cron_job_destroy(&job);
    *removed = true;
    return 0;
}

int cron_force(cron_t *c, struct str id, bool only_due, const struct cron_now *now, enum cron_ran *how)
{
    struct cron_job *job = cron_find(c, id);
    *how = CRON_RUNS;
    if (!job) return GW_ENOENT;
    if (job->run)
        *how = CRON_ALREADY_RUNS;
    else if (only_due && (!job->enabled || job->state.next_ms < 0 || job->state.next_ms > now->wall_ms))
        *how = CRON_NOT_DUE;
    else
        return cron_begin_forced(c, job, now);
    return 0;
}

/* --- told ------------------------------------------------------------------------------------------------------------------------ */

bool cron_posts(const cron_t *c)
{
    for (const struct cron_job *job = c->jobs; job; job = job->hh.next)
        if (str_is(json_str(cron_job_delivery(job), "mode"), "webhook")) return true;
    return false;
}

static int by_next(const void *a, const void *b)
{
    const struct cron_job *x = *(struct cron_job *const *)a, *y = *(struct cron_job *const *)b;
    int64_t p = x->enabled && x->state.next_ms >= 0 ? x->state.next_ms : INT64_MAX;
    int64_t q = y->enabled && y->state.next_ms >= 0 ? y->state.next_ms : INT64_MAX;
    return p < q ? -1 : p > q ? 1 : strcmp(x->id, y->id);
}

void cron_list(cron_t *c, bool disabled_too, struct buf *out)
{
    size_t n = 0;
    struct cron_job **list = calloc(HASH_COUNT(c->jobs) + 1, sizeof(struct cron_job *));
    if (!list) {
        out->err = out->err ? out->err : GW_ENOMEM;
        return;
    }
    for (struct cron_job *job = c->jobs; job; job = job->hh.next)
        if (job->enabled || disabled_too) list[n++] = job;
    qsort(list, n, sizeof *list, by_next);
    buf_text(out, "{\"jobs\":[");
    for (size_t i = 0; i < n; i++) {
        buf_json_comma(out);
        cron_job_write(list[i], out);
    }
    buf_text(out, "]}");
    free(list);
}

void cron_status(cron_t *c, struct str store_path, struct buf *out)
{
    int64_t next_ms = -1;
    for (const struct cron_job *job = c->jobs; job && c->rules.enabled; job = job->hh.next) {
        bool waits = job->enabled && job->state.next_ms >= 0;
        if (waits && (next_ms < 0 || job->state.next_ms < next_ms)) next_ms = job->state.next_ms;
    }
    buf_char(out, '{');
    buf_json_pair_bool(out, "enabled", c->rules.enabled);
    buf_json_pair_str(out, "storePath", store_path);
    buf_json_pair_int(out, "jobs", HASH_COUNT(c->jobs));
    buf_json_key(out, "nextWakeAtMs");
    if (next_ms < 0)
        buf_text(out, "null}");
    else
        buf_printf(out, "%lld}", (long long)next_ms);
}
