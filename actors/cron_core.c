#include "actors/cron_core.h"

#include <stdio.h>
#include <stdlib.h>

#include "actors/cron_internal.h"
#include "base/err.h"
#include "base/json_read.h"
#include "base/log.h"
#include "channels/channel_words.h"

enum { LOOK_MS = 60000 /* a clock that was set forward is noticed within it */, PLAUSIBLE_MS = 3600000, LATE_MS = 30000 };

static const int64_t backoff_ms[] = { 30000, 60000, 300000, 900000, 3600000 }; /* the reference: after 1, 2, ... errors */

/* --- records --------------------------------------------------------------------------------------------------------------- */

void cron_tell(cron_t *c, const struct cron_job *job, const char *action)
{
    struct buf json = { 0 };
    buf_char(&json, '{');
    buf_json_pair_str(&json, "jobId", str_of(job->id));
    buf_json_pair_str(&json, "action", str_of(action));
    if (str_is(str_of(action), "started") && job->run) buf_json_pair_int(&json, "runAtMs", job->run->began_ms);
    bool waits = !str_is(str_of(action), "started") && !str_is(str_of(action), "removed") && job->enabled;
    if (waits && job->state.next_ms >= 0) buf_json_pair_int(&json, "nextRunAtMs", job->state.next_ms);
    buf_char(&json, '}');
    if (!json.err) c->ports.tell(c->ports.ctx, buf_str(&json));
    buf_free(&json);
}

static struct cron_record record_of(const struct cron_job *job, enum cron_phase phase, enum cron_run_kind kind, int64_t slot_ms)
{
    return (struct cron_record){ .job = job, .keep = CRON_KEEP_JOB, .phase = phase, .kind = kind, .slot_ms = slot_ms };
}

/* --- times that are passed over ----------------------------------------------------------------------------------------------- */

struct stretch { /* times of a job, in order */
    int64_t first, last, before_last;
    int64_t count;
    bool cut; /* there are more */
};

/* From the first time that was not dealt with to `to_ms`, but no more than `max`. */
static struct stretch look(const struct cron_job *job, int64_t to_ms, int64_t max)
{
    int64_t first = job->state.next_ms, every = job->schedule.every_ms;
    struct stretch s = { first, first, -1, 1, false };
    if (job->schedule.kind == CRON_EVERY) {
        int64_t count = (to_ms - first) / every + 1;
        s.count = count < max ? count : max;
        s.last = first + (s.count - 1) * every;
        s.before_last = s.count > 1 ? s.last - every : -1;
        s.cut = count > max;
        return s;
    }
    for (int64_t next; (next = cron_schedule_next(&job->schedule, s.last)) >= 0 && next <= to_ms;) {
        s.cut = s.count == max;
        if (s.cut) break;
        s.before_last = s.last;
        s.last = next;
        s.count++;
    }
    return s;
}

/* Written down as not run. The job goes on behind them. */
static int pass_over(cron_t *c, struct cron_job *job, struct stretch s, int64_t next_ms, const char *why, const struct cron_now *now)
{
    struct buf entry = { 0 };
    int64_t before_ms = job->state.next_ms;
    job->state.next_ms = next_ms;
    buf_char(&entry, '{');
    buf_json_pair_int(&entry, "ts", now->wall_ms);
    buf_json_pair_str(&entry, "jobId", str_of(job->id));
    buf_json_pair_str(&entry, "action", STR("finished"));
    buf_json_pair_str(&entry, "status", STR("skipped"));
    buf_json_pair_str(&entry, "error", str_of(why));
    buf_json_pair_int(&entry, "runAtMs", s.first);
    buf_json_pair_int(&entry, "skippedFromMs", s.first);
    buf_json_pair_int(&entry, "skippedToMs", s.last);
    buf_json_pair_int(&entry, "skippedCount", s.count);
    if (next_ms >= 0) buf_json_pair_int(&entry, "nextRunAtMs", next_ms);
    buf_char(&entry, '}');
    struct cron_record r = record_of(job, CRON_ENDED, CRON_RUN_SKIPPED, s.last);
    r.entry = buf_str(&entry);
    int rc = entry.err ? entry.err : c->ports.record(c->ports.ctx, &r);
    if (rc)
        job->state.next_ms = before_ms;
    else
        log_event(LOG_WARN, "cron_times_skipped", LOG_T("job", job->id), LOG_I("count", s.count), LOG_T("reason", why));
    buf_free(&entry);
    return rc;
}

/* --- beginning ------------------------------------------------------------------------------------------------------------------ */

static int begin(cron_t *c, struct cron_job *job, enum cron_run_kind kind, int64_t slot_ms, const struct cron_now *now)
{
    struct cron_run *run = calloc(1, sizeof *run);
    struct buf entry = { 0 };
    int64_t before_ms = job->state.next_ms;
    if (!run) return GW_ENOMEM;
    c->ports.uuid(c->ports.ctx, run->id);
    run->kind = kind;
    run->slot_ms = slot_ms;
    run->began_ms = now->wall_ms;
    if (kind == CRON_RUN_SLOT) job->state.next_ms = cron_schedule_next(&job->schedule, slot_ms);
    buf_printf(&entry, "{\"run\":\"%s\",\"beganMs\":%lld}", run->id, (long long)run->began_ms);
    struct cron_record r = record_of(job, CRON_BEGINS, kind, slot_ms);
    r.entry = buf_str(&entry);
    int rc = entry.err ? entry.err : c->ports.record(c->ports.ctx, &r);
    buf_free(&entry);
    if (rc) {
        free(run);
        if (rc != GW_EEXIST) job->state.next_ms = before_ms;
        return rc;
    }
    job->run = run;
    log_event(LOG_INFO, "cron_run_began", LOG_T("job", job->id), LOG_T("run", run->id));
    cron_tell(c, job, "started");
    c->ports.begin(c->ports.ctx, job);
    return 0;
}

/* Its time has come, or came some time ago. */
static int handle_due(cron_t *c, struct cron_job *job, const struct cron_now *now)
{
    struct stretch s = look(job, now->wall_ms, CRON_WALK_MAX);
    int64_t after_last = cron_schedule_next(&job->schedule, s.last);
    if (s.cut) return pass_over(c, job, s, after_last, "the gateway was not running, or its clock was set forward", now);
    if (c->rules.missed == CRON_MISSED_SKIP && now->wall_ms - s.last > CRON_GRACE_MS)
        return pass_over(c, job, s, after_last, "missed: the gateway was not running (cron.missed is skip)", now);
    if (c->rules.missed == CRON_MISSED_ALL && s.count <= c->rules.missed_max) return begin(c, job, CRON_RUN_SLOT, s.first, now);
    if (c->rules.missed == CRON_MISSED_ALL) { /* the newest missed_max are left */
        struct stretch old = look(job, now->wall_ms, s.count - c->rules.missed_max);
        return pass_over(c, job, old, cron_schedule_next(&job->schedule, old.last), "missed: more than cron.missedMax", now);
    }
    if (s.count > 1) {
        const struct stretch old = { s.first, s.before_last, -1, s.count - 1, false };
        int rc = pass_over(c, job, old, s.last, "missed: one run stands for them (cron.missed is once)", now);
        if (rc) return rc;
    }
    return begin(c, job, CRON_RUN_SLOT, s.last, now);
}

/* --- the end ---------------------------------------------------------------------------------------------------------------------- */

/* While it ran, or while it pauses after an error, times came or will come: nobody waits for them. */
static int skip_overlap(cron_t *c, struct cron_job *job, bool ok, const struct cron_now *now)
{
    const size_t steps = sizeof backoff_ms / sizeof *backoff_ms;
    size_t errors = (size_t)job->state.errors;
    int64_t to_ms = now->wall_ms;
    if (!ok) to_ms += backoff_ms[errors < steps ? errors : steps - 1];
    bool catching_up = job->state.next_ms <= job->run->began_ms;
    if (job->schedule.kind == CRON_AT || !job->enabled || job->state.next_ms < 0 || job->state.next_ms > to_ms || catching_up) return 0;
    struct stretch s = look(job, to_ms, CRON_WALK_MAX);
    const char *why = ok ? "the run before took longer than that" : "it pauses after an error";
    return pass_over(c, job, s, cron_schedule_next(&job->schedule, to_ms), why, now);
}

static void write_session(const struct cron_job *job, const struct cron_end *e, struct buf *out)
{
    if (!e->session_key.n) return;
    buf_json_pair_str(out, "sessionId", str_of(job->run->id));
    buf_json_pair_str(out, "sessionKey", e->session_key);
}

/* Members of the event, or of the run log's entry, after the first ones: the same in the order of OpenClaw's. */
static void write_end(const struct cron_job *job, const struct cron_end *e, bool event, struct str error, int64_t duration_ms,
                      struct buf *out)
{
    struct str provider = e->model, model = { 0 };
    int64_t total_tokens = e->input_tokens + e->output_tokens;
    struct buf summary = { 0 };
    for (size_t i = 0; i < provider.n && !model.p; i++)
        if (provider.p[i] == '/') model = (struct str){ provider.p + i + 1, provider.n - i - 1 };
    provider.n -= model.p ? model.n + 1 : 0;
    buf_json_pair_str(out, "status", error.n ? STR("error") : STR("ok"));
    if (error.n) buf_json_pair_str(out, "error", str_utf8_prefix(error, CRON_ERROR_SIZE - 1));
    buf_add(&summary, str_utf8_prefix(str_trim(e->text), CRON_SUMMARY_BYTES));
    if (summary.n) buf_json_pair_str(out, "summary", buf_str(&summary));
    if (event) write_session(job, e, out);
    buf_json_pair_int(out, "runAtMs", job->run->began_ms);
    buf_json_pair_int(out, "durationMs", duration_ms);
    if (job->enabled && job->state.next_ms >= 0) buf_json_pair_int(out, "nextRunAtMs", job->state.next_ms);
    if (model.n) {
        buf_json_pair_str(out, "model", model);
        buf_json_pair_str(out, "provider", provider);
        buf_json_key(out, "usage");
        buf_printf(out, "{\"input_tokens\":%lld,\"output_tokens\":%lld,\"total_tokens\":%lld}", (long long)e->input_tokens,
                   (long long)e->output_tokens, (long long)total_tokens);
    }
    if (!event) write_session(job, e, out);
    buf_char(out, '}');
    buf_free(&summary);
}

/* Where the answer goes. @return false: it is wanted somewhere, and nobody knows where */
static bool find_route(cron_t *c, const struct cron_job *job, const json_t *delivery, struct buf *route)
{
    struct str channel = json_str(delivery, "channel"), to = json_str(delivery, "to");
    struct buf last = { 0 };
    if (str_is(json_str(delivery, "mode"), "webhook")) channel = STR("http");
    if (str_is(channel, "last")) channel = STR("");
    if (!channel.n || !to.n) c->ports.last_route(c->ports.ctx, job, &last);
    bool found = channel_route_find(channel, json_str(delivery, "accountId"), to, buf_str(&last), route);
    buf_free(&last);
    return found;
}

static void finish_at(struct cron_job *job, bool ok, struct cron_record *r)
{
    if (ok && job->delete_after && !job->configured) {
        r->keep = CRON_KEEP_GONE;
        return;
    }
    job->enabled = false;
    job->state.next_ms = -1;
    json_object_set_new(job->json, "enabled", json_false());
}

static void drop(cron_t *c, struct cron_job *job)
{
    cron_tell(c, job, "removed");
    HASH_DEL(c->jobs, job);
    cron_job_destroy(&job);
}

static int write_record(cron_t *c, struct cron_record *r, const struct cron_end *e, struct str entry, struct str event, struct str route)
{
    char nonce[21]; /* 20 characters at most, as Discord has it */
    const struct cron_job *job = r->job;
    snprintf(nonce, sizeof nonce, "c%.19s", job->run->id);
    r->entry = entry;
    r->route = route;
    r->text = str_is(json_str(cron_job_delivery(job), "mode"), "webhook") ? event : e->text;
    r->nonce = str_of(nonce);
    return c->ports.record(c->ports.ctx, r);
}

static void note_end(struct cron_job *job, bool ok, struct str error, int64_t duration_ms)
{
    struct cron_state *s = &job->state;
    s->last_run_ms = job->run->began_ms;
    s->last_duration_ms = duration_ms;
    s->errors = ok ? 0 : s->errors + 1;
    str_copy(s->last_status, sizeof s->last_status, ok ? STR("ok") : STR("error"));
    str_copy(s->last_error, sizeof s->last_error, ok ? STR("") : str_utf8_prefix(error, sizeof s->last_error - 1));
}

static int end_run(cron_t *c, struct cron_job *job, const struct cron_end *e, const struct cron_now *now)
{
    const json_t *delivery = cron_job_delivery(job);
    struct cron_state before = job->state;
    struct buf route = { 0 }, entry = { 0 }, event = { 0 };
    struct str error = e->ok ? STR("") : e->error.n ? e->error : STR("failed");
    bool ok = e->ok, wanted = delivery && !e->silent && (ok || str_is(json_str(delivery, "mode"), "webhook"));
    int64_t duration_ms = now->wall_ms > job->run->began_ms ? now->wall_ms - job->run->began_ms : 0;
    if (job->run->late) {
        ok = false;
        error = STR("cron: job execution timed out");
    } else if (wanted && !find_route(c, job, delivery, &route) && !json_flag(delivery, "bestEffort")) {
        ok = false;
        error = STR("cron delivery target is missing");
    }
    int rc = skip_overlap(c, job, ok, now);
    struct cron_record r = record_of(job, CRON_ENDED, (enum cron_run_kind)job->run->kind, job->run->slot_ms);
    if (rc == 0) note_end(job, ok, error, duration_ms);
    if (rc == 0 && job->schedule.kind == CRON_AT) finish_at(job, ok, &r);
    if (job->gone) r.keep = CRON_KEEP_GONE;
    buf_printf(&entry, "{\"ts\":%lld,\"jobId\":\"%s\",\"action\":\"finished\"", (long long)now->wall_ms, job->id);
    write_end(job, e, false, error, duration_ms, &entry);
    buf_printf(&event, "{\"jobId\":\"%s\",\"action\":\"finished\"", job->id);
    write_end(job, e, true, error, duration_ms, &event);
    if (rc == 0) rc = entry.err ? entry.err : event.err;
    if (rc == 0) rc = write_record(c, &r, e, buf_str(&entry), buf_str(&event), buf_str(&route));
    if (rc == 0) {
        log_event(ok ? LOG_INFO : LOG_WARN, "cron_run_ended", LOG_T("job", job->id), LOG_T("run", job->run->id),
                  LOG_T("status", ok ? "ok" : "error"), LOG_I("ms", duration_ms), LOG_S("reason", error));
        c->ports.tell(c->ports.ctx, buf_str(&event));
        free(job->run);
        job->run = NULL;
        if (r.keep == CRON_KEEP_GONE) drop(c, job);
    } else {
        int64_t next_ms = job->state.next_ms; /* what was passed over stays so */
        job->state = before;
        job->state.next_ms = next_ms;
    }
    buf_free(&route);
    buf_free(&entry);
    buf_free(&event);
    return rc;
}

static struct cron_job *running(cron_t *c, struct str run_id)
{
    for (struct cron_job *job = c->jobs; job; job = job->hh.next)
        if (job->run && str_is(run_id, job->run->id)) return job;
    return NULL;
}

void cron_started(cron_t *c, struct str run_id, const struct cron_now *now)
{
    struct cron_job *job = running(c, run_id);
    int64_t seconds = job ? cron_job_timeout_s(job) : 0;
    if (job && seconds > 0 && !job->run->deadline_ms) job->run->deadline_ms = now->mono_ms + seconds * 1000;
}

bool cron_ended(cron_t *c, struct str run_id, const struct cron_end *end, const struct cron_now *now)
{
    struct cron_job *job = running(c, run_id);
    int rc = job ? end_run(c, job, end, now) : GW_ENOENT;
    if (rc && job) {
        log_event(LOG_ERROR, "cron_end_not_written", LOG_T("job", job->id), LOG_T("code", err_name(rc)));
        job->run->again_ms = now->mono_ms + CRON_RETRY_MS;
    }
    return rc == 0;
}

/* --- time --------------------------------------------------------------------------------------------------------------------------- */

/* A clock that was far ahead, and is set back, leaves times behind that are far ahead, too. */
void cron_check_next(struct cron_job *job, const struct cron_now *now)
{
    if (job->schedule.kind == CRON_AT || !job->enabled || job->state.next_ms <= now->wall_ms) return;
    int64_t latest_ms = cron_schedule_next(&job->schedule, now->wall_ms + PLAUSIBLE_MS);
    if (latest_ms >= 0 && job->state.next_ms > latest_ms) job->state.next_ms = cron_schedule_next(&job->schedule, now->wall_ms);
}

static void note_clock(cron_t *c, const struct cron_now *now)
{
    int64_t offset_ms = now->wall_ms - now->mono_ms;
    bool back = c->clocked && offset_ms < c->offset_ms - 500;
    c->clocked = true;
    c->offset_ms = offset_ms;
    for (struct cron_job *job = c->jobs; back && job; job = job->hh.next) cron_check_next(job, now);
}

static int64_t sooner(int64_t a, int64_t b)
{
    return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int64_t tick_run(cron_t *c, struct cron_job *job, const struct cron_now *now)
{
    struct cron_run *run = job->run;
    int64_t wait_ms = -1;
    if (run->again_ms && run->again_ms <= now->mono_ms) {
        run->again_ms = 0;
        c->ports.begin(c->ports.ctx, job);
        return 0; /* the run may have ended, and the job be gone */
    }
    if (run->deadline_ms && run->deadline_ms <= now->mono_ms) {
        run->late = true;
        run->deadline_ms = now->mono_ms + LATE_MS; /* and told again then */
        c->ports.stop(c->ports.ctx, job);
        return 0;
    }
    if (run->again_ms) wait_ms = sooner(wait_ms, run->again_ms - now->mono_ms);
    if (run->deadline_ms) wait_ms = sooner(wait_ms, run->deadline_ms - now->mono_ms);
    return wait_ms;
}

static int64_t tick_idle(cron_t *c, struct cron_job *job, const struct cron_now *now)
{
    if (!c->rules.enabled || !job->enabled || job->state.next_ms < 0) return -1;
    if (job->retry_ms > now->mono_ms) return job->retry_ms - now->mono_ms;
    if (job->state.next_ms > now->wall_ms) {
        int64_t wait_ms = job->state.next_ms - now->wall_ms;
        return wait_ms < LOOK_MS ? wait_ms : LOOK_MS;
    }
    job->retry_ms = 0;
    int rc = handle_due(c, job, now);
    if (rc == 0 || rc == GW_EEXIST) return 0; /* look again: it runs, or more is to be done */
    log_event(LOG_ERROR, "cron_run_not_begun", LOG_T("job", job->id), LOG_T("code", err_name(rc)));
    job->retry_ms = now->mono_ms + CRON_RETRY_MS;
    return CRON_RETRY_MS;
}

int64_t cron_tick(cron_t *c, const struct cron_now *now)
{
    int64_t wait_ms = -1;
    struct cron_job *job, *safe;
    note_clock(c, now);
    HASH_ITER(hh, c->jobs, job, safe)
    {
        wait_ms = sooner(wait_ms, job->run ? tick_run(c, job, now) : tick_idle(c, job, now));
    }
    return wait_ms;
}

int cron_begin_forced(cron_t *c, struct cron_job *job, const struct cron_now *now)
{
    return begin(c, job, CRON_RUN_FORCED, now->wall_ms, now);
}
