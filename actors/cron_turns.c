/* A run as a turn: what the agent is told, in which session, and what comes back. */
#include <assert.h>
#include <stdlib.h>

#include "actors/cron_actor.h"
#include "actors/heartbeat.h"
#include "actors/policy.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"
#include "channels/session_key.h"
#include "channels/system_events.h"
#include "msgs/chat_pack.h"

enum { RETRY_MS = 30000, SPAN_MS = 600000 /* beyond two heartbeats, until an event that nobody took is an error */ };

/* --- where and who ------------------------------------------------------------------------------------------------------------ */

static const struct config_agent *agent_of(const struct clockwork *w, const struct cron_job *job)
{
    struct str id = cron_job_agent(job);
    return id.n ? config_agent_find(w->config, id) : config_agent_default(w->config);
}

static struct session_key_rules rules_of(const config_t *config)
{
    return (struct session_key_rules){ config_agent_default(config)->id, config_str(config, "session.mainKey") };
}

/* The session that the job's agent is talked to in. */
static void main_key(const struct clockwork *w, const struct cron_job *job, const struct config_agent *agent, struct buf *key)
{
    const struct session_key_rules rules = rules_of(w->config);
    struct str own = json_str(job->json, "sessionKey");
    struct session_key parts;
    bool known = own.n && session_key_canonical(&rules, own, key) == 0 && session_key_parse(buf_str(key), &parts) == 0;
    if (known && str_eq(parts.agent, agent->id)) return;
    buf_clear(key);
    session_key_main(&rules, agent->id, key);
}

static void session_of(const struct clockwork *w, const struct cron_job *job, const struct config_agent *agent, struct buf *key)
{
    if (cron_job_is_main(job))
        main_key(w, job, agent, key);
    else
        buf_printf(key, "agent:%.*s:cron:%s:run:%s", STR_ARG(agent->id), job->id, job->run->id);
}

void cron_turn_route(void *ctx, const struct cron_job *job, struct buf *out)
{
    struct clockwork *w = ctx;
    const struct config_agent *agent = agent_of(w, job);
    struct msg q = { .kind = MSG_route_ask }, answer;
    struct buf key = { 0 };
    if (agent) main_key(w, job, agent, &key);
    q.route_ask.session_key = buf_str(&key);
    int rc = agent ? mailbox_ask(w->mailbox, "store", &q, CRON_STORE_MS, &answer) : GW_ENOENT;
    if (rc == GW_ECLOSED || rc == GW_EABORTED) w->closed = true;
    if (rc == 0 && answer.kind == MSG_route_told) buf_add(out, answer.route_told.route);
    if (rc == 0) msg_clear(&answer);
    buf_free(&key);
}

/* --- what is said -------------------------------------------------------------------------------------------------------------- */

static void write_isolated(const struct cron_job *job, const struct config_agent *agent, struct buf *out)
{
    bool announced = cron_job_delivery(job) != NULL;
    buf_printf(out, "[cron:%s %.*s] %.*s\n", job->id, STR_ARG(json_str(job->json, "name")), STR_ARG(cron_job_text(job)));
    heartbeat_write_time(agent->time_zone, clock_wall_ms(), out);
    if (announced)
        buf_text(out,
                 "\n\nAnswer with the text itself, ready to be read: it is delivered as it stands, so do not send it anywhere yourself. "
                 "Answer NO_REPLY when there is nothing to say.");
}

static void write_event(const struct cron_job *job, const struct config_agent *agent, struct buf *out)
{
    struct system_events line = { 0 };
    system_events_add(&line, cron_job_text(job), clock_wall_ms());
    system_events_take(&line, out);
    system_events_free(&line);
    buf_printf(out,
               "\nA reminder that was set for this moment has come due. It says:\n\n%.*s\n\n"
               "Pass it on to the user now, in your own friendly words.\n",
               STR_ARG(cron_job_text(job)));
    heartbeat_write_time(agent->time_zone, clock_wall_ms(), out);
}

/* --- submitting ------------------------------------------------------------------------------------------------------------------ */

static struct cron_sent *note(struct clockwork *w, const struct cron_job *job, uint64_t corr, bool event)
{
    struct cron_sent *sent = calloc(1, sizeof *sent);
    if (!sent) return NULL;
    assert(job->run); /* it is a run that is sent */
    sent->corr = corr;
    sent->event = event;
    memcpy(sent->run, job->run->id, sizeof sent->run);
    memcpy(sent->job, job->id, sizeof sent->job);
    HASH_ADD(hh, w->sent, corr, sizeof sent->corr, sent);
    return sent;
}

static void forget(struct clockwork *w, struct cron_sent *sent)
{
    HASH_DEL(w->sent, sent);
    free(sent);
}

void cron_turns_free(struct clockwork *w)
{
    struct cron_sent *sent, *safe;
    HASH_ITER(hh, w->sent, sent, safe)
    {
        forget(w, sent);
    }
}

static void end(struct clockwork *w, const char *run_id, const struct cron_end *e)
{
    const struct cron_now now = cron_clock_now();
    char run[RANDOM_UUID_SIZE];
    memcpy(run, run_id, sizeof run);
    if (cron_ended(w->cron, str_of(run), e, &now)) cron_answer_waiters(w, run);
}

static void fail(struct clockwork *w, const struct cron_job *job, struct str why)
{
    const struct cron_end e = { .error = why };
    end(w, job->run->id, &e);
}

/* Told to begin again a little later. */
static void put_off(struct clockwork *w, const struct cron_sent *sent, int64_t ms)
{
    struct cron_job *job = cron_find(w->cron, str_of(sent->job));
    if (job && job->run && strcmp(job->run->id, sent->run) == 0) job->run->again_ms = clock_mono_ms() + ms;
}

/* The gateway keeps the text for the next heartbeat; only of an agent that has them. @return whether it is so */
static bool give_event(struct clockwork *w, const struct cron_job *job, const struct config_agent *agent)
{
    struct heartbeat_settings settings;
    struct msg m = { .kind = MSG_system_event, .corr = mailbox_corr(w->mailbox) };
    heartbeat_settings(w->config, agent, &settings);
    bool later = str_is(json_str(job->json, "wakeMode"), "next-heartbeat") && agent->is_default && settings.enabled;
    if (!later || !note(w, job, m.corr, true)) return false;
    m.system_event.text = cron_job_text(job);
    mailbox_send(w->mailbox, "gateway", &m);
    if (!job->run->deadline_ms) job->run->deadline_ms = clock_mono_ms() + 2 * settings.every_ms + SPAN_MS;
    return true;
}

static int submit(struct clockwork *w, const struct cron_job *job, const struct config_agent *agent)
{
    const json_t *payload = json_object_get(job->json, "payload");
    struct buf text = { 0 }, key = { 0 }, packed = { 0 }, route = { 0 }, once = { 0 };
    struct msg m = { .kind = MSG_turn_submit, .corr = mailbox_corr(w->mailbox), .trace = random_u64() };
    bool main = cron_job_is_main(job);
    if (main)
        write_event(job, agent, &text);
    else
        write_isolated(job, agent, &text);
    session_of(w, job, agent, &key);
    if (main) cron_turn_route(w, job, &route);
    buf_printf(&once, "cron:%s", job->run->id);
    struct chat_part part = { .kind = CHAT_TEXT, .text = buf_str(&text) };
    const struct chat_message message = { .role = CHAT_USER, .parts = &part, .part_count = 1, .timestamp_ms = clock_wall_ms() };
    int rc = text.err || key.err || once.err ? GW_ENOMEM : chat_pack_message(&packed, &message);
    m.turn_submit = (struct msg_turn_submit){ .run_id = str_of(job->run->id),
                                              .session_key = buf_str(&key),
                                              .agent = agent->id,
                                              .lane = main ? LANE_MAIN : LANE_CRON,
                                              .idempotency_key = buf_str(&once),
                                              .channel = STR("cron"),
                                              .model = json_str(payload, "model"),
                                              .thinking = json_str(payload, "thinking"),
                                              .route = buf_str(&route),
                                              .ack = 1,
                                              .message = buf_str(&packed) };
    if (rc == 0) rc = note(w, job, m.corr, false) ? mailbox_send(w->mailbox, "router", &m) : GW_ENOMEM;
    buf_free(&text);
    buf_free(&key);
    buf_free(&packed);
    buf_free(&route);
    buf_free(&once);
    return rc;
}

void cron_turn_begin(void *ctx, const struct cron_job *job)
{
    struct clockwork *w = ctx;
    const struct config_agent *agent = agent_of(w, job);
    struct buf why = { 0 };
    if (!agent) {
        buf_printf(&why, "Unknown agent id \"%.*s\"; see agents.list in the configuration.", STR_ARG(cron_job_agent(job)));
        fail(w, job, buf_str(&why));
    } else if (!cron_job_is_main(job) || !give_event(w, job, agent)) {
        int rc = submit(w, job, agent);
        if (rc) log_event(LOG_ERROR, "cron_turn_not_sent", LOG_T("job", job->id), LOG_T("code", err_name(rc)));
        if (rc) job->run->again_ms = clock_mono_ms() + RETRY_MS;
    }
    buf_free(&why);
}

void cron_turn_stop(void *ctx, const struct cron_job *job)
{
    struct clockwork *w = ctx;
    struct msg m = { .kind = MSG_turn_abort };
    struct cron_sent *sent, *safe;
    assert(job->run);
    m.turn_abort = (struct msg_turn_abort){ .run_id = str_of(job->run->id), .reason = STR("timeout") };
    HASH_ITER(hh, w->sent, sent, safe)
    {
        if (strcmp(sent->run, job->run->id) != 0 || !sent->event) continue;
        forget(w, sent);
        fail(w, job, STR("no heartbeat has taken it"));
        return;
    }
    mailbox_send(w->mailbox, "router", &m);
}

/* --- what comes back ---------------------------------------------------------------------------------------------------------------- */

static bool says_nothing(const struct clockwork *w, const struct cron_job *job, struct str text)
{
    struct heartbeat_settings settings;
    struct str rest;
    const struct config_agent *agent = agent_of(w, job);
    if (!agent || str_is(str_trim(text), "NO_REPLY")) return true;
    heartbeat_settings(w->config, agent, &settings);
    return heartbeat_read_answer(text, settings.ack_max_chars, &rest) != HEARTBEAT_SAYS;
}

static void on_done(struct clockwork *w, const struct cron_sent *sent, const struct msg_turn_done *d)
{
    const struct cron_job *job = cron_find(w->cron, str_of(sent->job));
    struct buf key = { 0 };
    if (!job || !job->run || strcmp(job->run->id, sent->run) != 0) return;
    const struct config_agent *agent = agent_of(w, job);
    bool main = cron_job_is_main(job), ok = d->outcome == OUTCOME_DONE;
    if (agent && !main) session_of(w, job, agent, &key);
    struct cron_end e = { .ok = ok,
                          .text = main ? cron_job_text(job) : d->text,
                          .error = d->error,
                          .model = main ? STR("") : d->model,
                          .session_key = buf_str(&key),
                          .input_tokens = d->input_tokens,
                          .output_tokens = d->output_tokens,
                          .silent = !main && says_nothing(w, job, d->text) };
    if (!ok && !e.error.n)
        e.error = d->outcome == OUTCOME_ABORTED ? STR("the turn was stopped") : STR("the turn was dropped from its queue");
    end(w, sent->run, &e);
    buf_free(&key);
}

static void on_refused(struct clockwork *w, const struct cron_sent *sent, const struct msg_turn_refused *r)
{
    const struct cron_end e = { .error = r->text };
    if (str_is(r->reason, "stopping")) return; /* at the next start */
    if (r->retry_after_ms > 0)
        put_off(w, sent, r->retry_after_ms);
    else
        end(w, sent->run, &e);
}

bool cron_turn_message(struct clockwork *w, const struct msg *in)
{
    struct cron_sent *sent = NULL;
    const struct cron_now now = cron_clock_now();
    if (in->corr) HASH_FIND(hh, w->sent, &in->corr, sizeof in->corr, sent);
    if (!sent) return false;
    if (in->kind == MSG_turn_started || in->kind == MSG_turn_accepted) {
        bool runs = in->kind == MSG_turn_started || in->turn_accepted.state != 0;
        if (runs) cron_started(w->cron, str_of(sent->run), &now);
        return true;
    }
    const struct cron_job *job = cron_find(w->cron, str_of(sent->job));
    const struct cron_end taken = { .ok = true, .text = job ? cron_job_text(job) : STR("") };
    switch (in->kind) {
    case MSG_turn_done: on_done(w, sent, &in->turn_done); break;
    case MSG_turn_refused: on_refused(w, sent, &in->turn_refused); break;
    case MSG_system_event_taken: end(w, sent->run, &taken); break;
    case MSG_error: put_off(w, sent, RETRY_MS); break;
    default: return true; /* what comes before the end is of no interest */
    }
    forget(w, sent);
    return true;
}
