/* cron.* of the WebSocket protocol, but for cron.runs, which the query actor reads from the store. */
#include <stdio.h>

#include "actors/cron_actor.h"
#include "base/json_read.h"
#include "base/log.h"

static struct str id_of(const json_t *params)
{
    struct str id = json_str(params, "id");
    return id.n ? id : json_str(params, "jobId");
}

static int list(struct rpc_call *call)
{
    const struct clockwork *w = call->owner;
    cron_list(w->cron, rpc_bool(call, "includeDisabled", false), call->out);
    return 0;
}

static int status(struct rpc_call *call)
{
    const struct clockwork *w = call->owner;
    struct buf path = { 0 };
    buf_printf(&path, "%s/openclaw.sqlite", w->state_dir);
    cron_status(w->cron, buf_str(&path), call->out);
    buf_free(&path);
    return 0;
}

static int told(struct rpc_call *call, int rc, const struct cron_job *job, const char *code, struct buf *why)
{
    if (rc == 0) cron_job_write(job, call->out);
    if (rc == 0) cron_want_channel(call->owner);
    if (rc) rc = rpc_fail(call, code, "%s", buf_cstr(why));
    buf_free(why);
    return rc;
}

static bool agent_known(const struct rpc_call *call, const json_t *spec, struct buf *why)
{
    struct str agent = json_str(spec, "agentId");
    if (!agent.n || config_agent_find(call->config, agent)) return true;
    buf_printf(why, "Unknown agent id \"%.*s\"; see agents.list in the configuration.", STR_ARG(agent));
    return false;
}

static int add(struct rpc_call *call)
{
    struct clockwork *w = call->owner;
    const struct cron_now now = cron_clock_now();
    const char *code = "INVALID_REQUEST";
    struct cron_job *job = NULL;
    struct buf why = { 0 };
    int rc = agent_known(call, call->params, &why) ? cron_add(w->cron, call->params, &now, &job, &why, &code) : GW_EINVAL;
    return told(call, rc, job, code, &why);
}

static int update(struct rpc_call *call)
{
    struct clockwork *w = call->owner;
    const struct cron_now now = cron_clock_now();
    const json_t *patch = json_object_get(call->params, "patch");
    const char *code = "INVALID_REQUEST";
    struct cron_job *job = NULL;
    struct buf why = { 0 };
    int rc = agent_known(call, patch, &why) ? cron_update(w->cron, id_of(call->params), patch, &now, &job, &why, &code) : GW_EINVAL;
    return told(call, rc, job, code, &why);
}

static int remove_job(struct rpc_call *call)
{
    struct clockwork *w = call->owner;
    struct str id = id_of(call->params);
    struct buf why = { 0 };
    bool removed;
    const struct cron_job *job = cron_find(w->cron, id);
    char run[RANDOM_UUID_SIZE] = "";
    if (job && job->run) memcpy(run, job->run->id, sizeof run);
    int rc = cron_remove(w->cron, id, &removed, &why);
    if (rc) rc = rpc_fail(call, rc == GW_EDENIED ? "INVALID_REQUEST" : "UNAVAILABLE", "%s", buf_cstr(&why));
    if (rc == 0) buf_printf(call->out, "{\"ok\":true,\"removed\":%s}", removed ? "true" : "false");
    if (removed && run[0]) cron_answer_waiters(w, run);
    buf_free(&why);
    return rc;
}

static const struct rpc_handler handlers[] = {
    { RPC_cron_list, list },     { RPC_cron_status, status },     { RPC_cron_add, add },
    { RPC_cron_update, update }, { RPC_cron_remove, remove_job }, { RPC_none, NULL },
};

/* --- cron.run: answered when the run has ended --------------------------------------------------------------------------------- */

static void answer(struct clockwork *w, const char *to, uint64_t corr, uint64_t trace, const char *code, struct str text)
{
    struct msg m = { .kind = MSG_rpc_result, .corr = corr, .trace = trace };
    char *copy = code ? NULL : str_dup(text);
    payload_t *payload = copy ? payload_take(copy, text.n) : NULL;
    if (code) {
        m.rpc_result.code = str_of(code);
        m.rpc_result.text = text;
    }
    int rc = mailbox_send_payload(w->mailbox, to, &m, payload);
    if (rc) log_event(LOG_WARN, "answer_not_sent", LOG_T("to", to), LOG_T("code", err_name(rc)));
    payload_free(&payload);
}

void cron_answer_waiters(struct clockwork *w, const char *run)
{
    size_t left = 0;
    for (size_t i = 0; i < w->waiter_count; i++) {
        const struct cron_waiter waiter = w->waiters[i];
        if (strcmp(waiter.run, run) == 0)
            answer(w, waiter.from, waiter.corr, waiter.trace, NULL, STR("{\"ok\":true,\"ran\":true}"));
        else
            w->waiters[left++] = waiter;
    }
    w->waiter_count = left;
}

static void wait_for(struct clockwork *w, const struct msg *in, const char *run)
{
    if (w->waiter_count == CRON_WAITERS_MAX) {
        answer(w, in->from, in->corr, in->trace, "UNAVAILABLE",
               STR("the run began; too many wait for the end of theirs to tell you of it"));
        return;
    }
    struct cron_waiter *waiter = &w->waiters[w->waiter_count++];
    *waiter = (struct cron_waiter){ .corr = in->corr, .trace = in->trace };
    snprintf(waiter->run, sizeof waiter->run, "%s", run);
    snprintf(waiter->from, sizeof waiter->from, "%s", in->from);
}

static void run_now(struct clockwork *w, const struct msg *in)
{
    json_t *params = json_loadb(in->rpc_call.params.p, in->rpc_call.params.n, JSON_ALLOW_NUL, NULL);
    struct str id = id_of(params);
    const struct cron_now now = cron_clock_now();
    struct buf why = { 0 };
    enum cron_ran how;
    int rc = cron_force(w->cron, id, str_is(json_str(params, "mode"), "due"), &now, &how);
    const struct cron_job *job = cron_find(w->cron, id);
    if (rc == GW_ENOENT)
        buf_printf(&why, "Error: unknown cron job id: %.*s", STR_ARG(str_utf8_prefix(id, 200)));
    else if (rc)
        buf_printf(&why, "the run could not be written down, so it was not begun (%s)", err_name(rc));
    if (rc)
        answer(w, in->from, in->corr, in->trace, "UNAVAILABLE", buf_str(&why));
    else if (how == CRON_NOT_DUE)
        answer(w, in->from, in->corr, in->trace, NULL, STR("{\"ok\":true,\"ran\":false,\"reason\":\"not-due\"}"));
    else if (how == CRON_ALREADY_RUNS)
        answer(w, in->from, in->corr, in->trace, NULL, STR("{\"ok\":true,\"ran\":false,\"reason\":\"already-running\"}"));
    else if (job && job->run && !json_is_false(json_object_get(params, "wait")))
        wait_for(w, in, job->run->id);
    else
        answer(w, in->from, in->corr, in->trace, NULL, STR("{\"ok\":true,\"ran\":true}")); /* over already */
    json_decref(params);
    buf_free(&why);
}

void cron_rpc(struct clockwork *w, const struct msg *in)
{
    static const struct rpc_handler *const tables[] = { handlers, NULL };
    struct rpc_served served;
    if (!w->loaded) {
        answer(w, in->from, in->corr, in->trace, "UNAVAILABLE", STR("the scheduler is starting; ask again in a moment"));
        return;
    }
    if (in->rpc_call.method == RPC_cron_run) {
        run_now(w, in);
        return;
    }
    rpc_serve(tables, w->config, NULL, NULL, w, in, &served);
    int rc = mailbox_send_payload(w->mailbox, in->from, &served.m, served.payload);
    if (rc) log_event(LOG_WARN, "answer_not_sent", LOG_T("to", in->from), LOG_T("code", err_name(rc)));
    rpc_served_free(&served);
}
