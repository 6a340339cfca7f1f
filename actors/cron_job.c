#include "actors/cron_job.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/json_read.h"

bool cron_id_ok(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
        if (!plain) return false;
    }
    return id.n > 0 && id.n < CRON_ID_SIZE;
}

/* --- its JSON -------------------------------------------------------------------------------------------------------------- */

static void copy(json_t *to, const json_t *from, const char *name)
{
    json_t *value = json_object_get(from, name);
    if (value && !json_is_null(value)) json_object_set_new(to, name, json_deep_copy(value));
}

static void copy_or(json_t *to, const json_t *from, const char *name, json_t *otherwise)
{
    copy(to, from, name);
    if (otherwise && !json_object_get(to, name))
        json_object_set_new(to, name, otherwise);
    else
        json_decref(otherwise);
}

/* Older clients put the delivery into the payload. */
static void take_old_delivery(json_t *job)
{
    json_t *payload = json_object_get(job, "payload");
    const json_t *deliver = json_object_get(payload, "deliver");
    struct str channel = json_str(payload, "channel"), to = json_str(payload, "to");
    bool told = deliver || channel.n || to.n;
    if (told && !json_object_get(job, "delivery") && str_is(json_str(job, "sessionTarget"), "isolated")) {
        json_t *delivery = json_pack("{s:s}", "mode", json_is_false(deliver) ? "none" : "announce");
        if (channel.n) json_object_set_new(delivery, "channel", json_stringn(channel.p, channel.n));
        if (to.n) json_object_set_new(delivery, "to", json_stringn(to.p, to.n));
        if (json_flag(payload, "bestEffortDeliver")) json_object_set_new(delivery, "bestEffort", json_true());
        json_object_set_new(job, "delivery", delivery);
    }
    json_object_del(payload, "deliver");
    json_object_del(payload, "channel");
    json_object_del(payload, "to");
    json_object_del(payload, "bestEffortDeliver");
}

/* In OpenClaw's order, with its defaults. */
static json_t *complete(const json_t *spec, enum cron_origin origin, const char *id, int64_t now_ms)
{
    json_t *job = json_pack("{s:s}", "id", id), *schedule;
    copy(job, spec, "agentId");
    copy(job, spec, "sessionKey");
    copy_or(job, spec, "name", json_string(id));
    copy(job, spec, "description");
    copy_or(job, spec, "enabled", json_true());
    schedule = json_object_get(spec, "schedule");
    bool once = str_is(json_str(schedule, "kind"), "at"), every = str_is(json_str(schedule, "kind"), "every");
    copy_or(job, spec, "deleteAfterRun", once ? json_true() : NULL);
    copy_or(job, spec, "createdAtMs", json_integer(now_ms));
    copy_or(job, spec, "updatedAtMs", json_integer(now_ms));
    copy(job, spec, "schedule");
    schedule = json_object_get(job, "schedule");
    if (every && !json_is_number(json_object_get(schedule, "anchorMs")))
        json_object_set_new(schedule, "anchorMs", json_integer(origin == CRON_CONFIGURED ? 0 : now_ms)); /* the same at every start */
    bool event = str_is(json_str(json_object_get(spec, "payload"), "kind"), "systemEvent");
    copy_or(job, spec, "sessionTarget", json_string(event ? "main" : "isolated"));
    copy_or(job, spec, "wakeMode", json_string("now"));
    copy(job, spec, "payload");
    copy(job, spec, "delivery");
    take_old_delivery(job);
    if (!event && !json_object_get(job, "delivery") && str_is(json_str(job, "sessionTarget"), "isolated"))
        json_object_set_new(job, "delivery", json_pack("{s:s, s:s}", "mode", "announce", "channel", "last"));
    return job;
}

static int check(const json_t *job, struct buf *why)
{
    const json_t *payload = json_object_get(job, "payload"), *delivery = json_object_get(job, "delivery");
    struct str target = json_str(job, "sessionTarget"), kind = json_str(payload, "kind"), mode = json_str(delivery, "mode");
    struct str text = json_str(payload, str_is(kind, "systemEvent") ? "text" : "message");
    bool main = str_is(target, "main"), url = str_starts(json_str(delivery, "to"), STR("http"));
    if (main && !str_is(kind, "systemEvent"))
        buf_text(why, "Error: main cron jobs require payload.kind=\"systemEvent\"");
    else if (!main && !str_is(kind, "agentTurn"))
        buf_text(why, "Error: isolated cron jobs require payload.kind=\"agentTurn\"");
    else if (main && delivery && !str_is(mode, "webhook") && !str_is(mode, "none"))
        buf_text(why, "Error: cron channel delivery config is only supported for sessionTarget=\"isolated\"");
    else if (str_is(mode, "webhook") && !url)
        buf_text(why, "Error: cron webhook delivery requires delivery.to to be a valid http(s) URL");
    else if (!str_trim(text).n)
        buf_printf(why, "Error: cron payload.%s is empty", main ? "text" : "message");
    else if (text.n > CRON_TEXT_MAX)
        buf_printf(why, "Error: cron payload.%s is longer than %d bytes", main ? "text" : "message", CRON_TEXT_MAX);
    else
        return 0;
    return GW_EINVAL;
}

void cron_job_destroy(struct cron_job **job_p)
{
    struct cron_job *job = *job_p;
    if (!job) return;
    json_decref(job->json);
    cron_schedule_free(&job->schedule);
    free(job->run);
    free(job);
    *job_p = NULL;
}

int cron_job_create(const json_t *spec, enum cron_origin origin, const char *id, int64_t now_ms, struct cron_job **out, struct buf *why,
                    const char **code)
{
    struct cron_job *job = calloc(1, sizeof *job);
    *out = NULL;
    *code = "UNAVAILABLE";
    if (!job) return GW_ENOMEM;
    if (id)
        str_copy(job->id, sizeof job->id, str_of(id));
    else
        random_uuid(job->id);
    job->json = complete(spec, origin, job->id, now_ms);
    const json_t *schedule = json_object_get(job->json, "schedule");
    int rc = job->json ? cron_schedule_read(schedule, str_of(job->id), origin == CRON_ADDED ? now_ms : 0, &job->schedule, why) : GW_ENOMEM;
    if (rc && str_is(json_str(schedule, "kind"), "at")) *code = "INVALID_REQUEST";
    if (rc == 0) rc = check(job->json, why);
    if (rc) {
        cron_job_destroy(&job);
        return rc;
    }
    job->enabled = json_flag(job->json, "enabled");
    job->delete_after = json_flag(job->json, "deleteAfterRun");
    job->configured = origin == CRON_CONFIGURED;
    int64_t after_ms = now_ms - (job->schedule.kind == CRON_AT && origin == CRON_ADDED ? CRON_PAST_MS : 0);
    job->state.next_ms = job->enabled ? cron_schedule_next(&job->schedule, after_ms) : -1;
    *out = job;
    return 0;
}

/* --- changes ------------------------------------------------------------------------------------------------------------------ */

static void merge(json_t *job, const char *name, const json_t *patch)
{
    json_t *whole = json_object_get(job, name), *part = json_object_get(patch, name);
    bool same = str_eq(json_str(whole, "kind"), json_str(part, "kind"));
    if (!part) return;
    if (whole && same)
        json_object_update(whole, part);
    else
        json_object_set_new(job, name, json_deep_copy(part));
}

int cron_job_patched(const struct cron_job *job, const json_t *patch, int64_t now_ms, struct cron_job **out, struct buf *why,
                     const char **code)
{
    static const char *const plain[] = { "name",           "agentId",  "sessionKey",    "description", "enabled",
                                         "deleteAfterRun", "schedule", "sessionTarget", "wakeMode" };
    json_t *spec = json_deep_copy(job->json);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        json_t *value = json_object_get(patch, plain[i]);
        if (json_is_null(value))
            json_object_del(spec, plain[i]);
        else if (value)
            json_object_set_new(spec, plain[i], json_deep_copy(value));
    }
    merge(spec, "payload", patch);
    json_t *delivery = json_object_get(patch, "delivery");
    if (delivery && json_object_get(spec, "delivery"))
        json_object_update(json_object_get(spec, "delivery"), delivery);
    else if (delivery)
        json_object_set_new(spec, "delivery", json_deep_copy(delivery));
    json_object_set_new(spec, "updatedAtMs", json_integer(now_ms));
    bool again = json_object_get(patch, "schedule") != NULL; /* only a new time has to lie ahead */
    int rc = cron_job_create(spec, again ? CRON_ADDED : CRON_STORED, job->id, now_ms, out, why, code);
    json_decref(spec);
    if (rc) return rc;
    bool timing = again || job->enabled != (*out)->enabled;
    int64_t next_ms = (*out)->enabled ? cron_schedule_next(&(*out)->schedule, now_ms) : -1;
    (*out)->state = job->state;
    if (timing) (*out)->state.next_ms = next_ms;
    return 0;
}

/* --- parts --------------------------------------------------------------------------------------------------------------------- */

bool cron_job_is_main(const struct cron_job *job)
{
    return str_is(json_str(job->json, "sessionTarget"), "main");
}

struct str cron_job_text(const struct cron_job *job)
{
    const json_t *payload = json_object_get(job->json, "payload");
    return str_trim(json_str(payload, cron_job_is_main(job) ? "text" : "message"));
}

struct str cron_job_agent(const struct cron_job *job)
{
    return json_str(job->json, "agentId");
}

int64_t cron_job_timeout_s(const struct cron_job *job)
{
    return json_int(json_object_get(job->json, "payload"), "timeoutSeconds", CRON_TIMEOUT_S);
}

const json_t *cron_job_delivery(const struct cron_job *job)
{
    const json_t *delivery = json_object_get(job->json, "delivery");
    return str_is(json_str(delivery, "mode"), "none") ? NULL : delivery;
}

void cron_state_write(const struct cron_job *job, bool running, struct buf *out)
{
    const struct cron_state *s = &job->state;
    buf_char(out, '{');
    if (s->next_ms >= 0 && job->enabled) buf_json_pair_int(out, "nextRunAtMs", s->next_ms);
    if (running && job->run) buf_json_pair_int(out, "runningAtMs", job->run->began_ms);
    if (s->last_run_ms) buf_json_pair_int(out, "lastRunAtMs", s->last_run_ms);
    if (s->last_status[0]) buf_json_pair_str(out, "lastStatus", str_of(s->last_status));
    if (s->last_error[0]) buf_json_pair_str(out, "lastError", str_of(s->last_error));
    if (s->last_run_ms) buf_json_pair_int(out, "lastDurationMs", s->last_duration_ms);
    if (s->last_run_ms) buf_json_pair_int(out, "consecutiveErrors", s->errors);
    buf_char(out, '}');
}

void cron_state_read(struct cron_state *state, struct str json)
{
    json_t *said = json_loadb(json.p, json.n, 0, NULL);
    *state = (struct cron_state){ .next_ms = json_int(said, "nextRunAtMs", -1),
                                  .last_run_ms = json_int(said, "lastRunAtMs", 0),
                                  .last_duration_ms = json_int(said, "lastDurationMs", 0),
                                  .errors = json_int(said, "consecutiveErrors", 0) };
    str_copy(state->last_status, sizeof state->last_status, json_str(said, "lastStatus"));
    str_copy(state->last_error, sizeof state->last_error, json_str(said, "lastError"));
    json_decref(said);
}

void cron_job_write(const struct cron_job *job, struct buf *out)
{
    char *text = json_dumps(job->json, JSON_COMPACT);
    if (!text) out->err = out->err ? out->err : GW_ENOMEM;
    if (text) buf_add(out, (struct str){ text, strlen(text) - 1 });
    buf_text(out, ",\"state\":");
    cron_state_write(job, true, out);
    buf_char(out, '}');
    free(text);
}
