/* actors/turn_tool_cron.c -- cron: an agent makes appointments with itself. It sees and changes its own jobs alone.
 * Source: reference agent-runtime 4 (actions, parameters). Its answers are those of the methods cron.* */
#include <stdlib.h>

#include "actors/turn_rpc.h"
#include "actors/turn_tools.h"
#include "base/json_read.h"

static int told(struct tool_call *call, int rc, json_t *result, struct buf *why)
{
    if (rc == GW_EINVAL)
        rc = tool_fail(call, "%s", buf_cstr(why));
    else if (rc == 0)
        rc = tool_answer_json(call, json_incref(result));
    json_decref(result);
    buf_free(why);
    return rc;
}

/* Ask what a client may ask, checked as a client's. @param params  taken over */
static int ask(struct turn *t, struct tool_call *call, const char *to, enum rpc_id method, json_t *params)
{
    struct buf why = { 0 };
    json_t *result = NULL;
    int rc = params ? rpc_check(method, params, &why) : GW_ENOMEM;
    if (rc == GW_EINVAL) json_decref(params);
    if (rc == 0 && method == RPC_cron_run) json_object_set_new(params, "wait", json_false()); /* its lane may be this turn's own */
    if (rc == 0) rc = turn_rpc(t, to, method, params, &result, &why);
    return told(call, rc, result, &why);
}

static bool is_own(const struct tool_call *call, const json_t *job)
{
    struct str agent = json_str(job, "agentId");
    return agent.n ? str_eq(agent, call->place->agent->id) : call->place->agent->is_default;
}

static struct str id_of(const struct tool_call *call)
{
    return tool_text(call, "jobId", "id");
}

/* --- which there are ------------------------------------------------------------------------------------------------------------ */

/* Its own jobs. @param jobs  an array, to json_decref(); NULL unless 0 is returned */
static int own_jobs(struct turn *t, struct tool_call *call, bool disabled_too, json_t **jobs)
{
    struct buf why = { 0 };
    json_t *all = NULL, *job;
    size_t i;
    int rc = turn_rpc(t, "cron", RPC_cron_list, json_pack("{s:b}", "includeDisabled", disabled_too), &all, &why);
    *jobs = rc == 0 ? json_array() : NULL;
    json_array_foreach(json_object_get(all, "jobs"), i, job)
    {
        if (is_own(call, job)) json_array_append(*jobs, job);
    }
    if (rc == GW_EINVAL) tool_fail(call, "%s", buf_cstr(&why));
    json_decref(all);
    buf_free(&why);
    return rc;
}

static int list(struct turn *t, struct tool_call *call)
{
    json_t *jobs;
    int rc = own_jobs(t, call, tool_flag(call, "includeDisabled"), &jobs);
    if (rc) return rc == GW_EINVAL ? 0 : rc;
    return tool_answer_json(call, json_pack("{s:o}", "jobs", jobs));
}

/* @return 0: the job is the agent's own; GW_EINVAL: the call has failed */
static int check_own(struct turn *t, struct tool_call *call)
{
    json_t *jobs, *job;
    size_t i;
    bool found = false;
    struct str id = id_of(call);
    if (id.n == 0) {
        tool_fail(call, "jobId is required: list tells it.");
        return GW_EINVAL;
    }
    int rc = own_jobs(t, call, true, &jobs);
    if (rc) return rc;
    json_array_foreach(jobs, i, job) found = found || str_eq(json_str(job, "id"), id);
    json_decref(jobs);
    if (found) return 0;
    tool_fail(call, "You have no job with the id \"%.*s\": list tells which there are.", STR_ARG(id));
    return GW_EINVAL;
}

/* --- adding and changing ----------------------------------------------------------------------------------------------------------- */

/* Where the conversation is: there the answer goes, unless the job says otherwise. */
static void fill_delivery(const struct turn *t, json_t *job)
{
    json_t *delivery = json_object_get(job, "delivery");
    struct str mode = json_str(delivery, "mode"), channel = json_str(delivery, "channel");
    bool wanted = !delivery || ((mode.n == 0 || str_is(mode, "announce")) && !json_str(delivery, "to").n);
    json_t *route = wanted && t->run->route.n ? json_loadb(t->run->route.p, t->run->route.n, 0, NULL) : NULL;
    struct str here = json_str(route, "channel");
    if (route && (channel.n == 0 || str_is(channel, "last") || str_eq(channel, here))) {
        json_t *whole = json_pack("{s:s, s:O, s:O}", "mode", "announce", "channel", json_object_get(route, "channel"), "to",
                                  json_object_get(route, "to"));
        if (json_str(route, "account").n) json_object_set(whole, "accountId", json_object_get(route, "account"));
        if (whole) json_object_set_new(job, "delivery", whole);
    }
    json_decref(route);
}

/* An address, and a token that goes with it, are not a model's to choose. */
#define POSTING_REFUSED "delivery.mode webhook is set up by people only: openclaw cron, or cron.jobs in the configuration."

static bool posts(const json_t *job)
{
    return str_is(json_str(json_object_get(job, "delivery"), "mode"), "webhook");
}

/* What models leave out follows from the rest. */
static int complete(struct turn *t, struct tool_call *call, json_t *job)
{
    json_t *payload = json_object_get(job, "payload");
    struct str agent = json_str(job, "agentId"), kind = json_str(payload, "kind");
    if (payload && !kind.n)
        json_object_set_new(payload, "kind", json_string(json_object_get(payload, "message") ? "agentTurn" : "systemEvent"));
    bool event = str_is(json_str(payload, "kind"), "systemEvent");
    if (agent.n && !str_eq(agent, call->place->agent->id)) {
        tool_fail(call, "A job can only be for yourself (agentId \"%.*s\" is not you); leave agentId out.", STR_ARG(agent));
        return GW_EINVAL;
    }
    if (posts(job)) {
        tool_fail(call, POSTING_REFUSED);
        return GW_EINVAL;
    }
    json_object_set_new(job, "agentId", json_stringn(call->place->agent->id.p, call->place->agent->id.n));
    if (!json_object_get(job, "name")) json_object_set_new(job, "name", json_string("reminder"));
    if (!json_object_get(job, "sessionTarget")) json_object_set_new(job, "sessionTarget", json_string(event ? "main" : "isolated"));
    if (event && !json_object_get(job, "sessionKey")) json_object_set_new(job, "sessionKey", json_string(t->s->key));
    if (!event) fill_delivery(t, job);
    return 0;
}

static int add(struct turn *t, struct tool_call *call)
{
    const json_t *given = json_object_get(call->args, "job");
    if (!json_is_object(given)) return tool_fail(call, "job is required: {name, schedule, payload, delivery}.");
    json_t *job = json_deep_copy(given);
    int rc = job ? complete(t, call, job) : GW_ENOMEM;
    if (rc) {
        json_decref(job);
        return rc == GW_EINVAL ? 0 : rc;
    }
    return ask(t, call, "cron", RPC_cron_add, job);
}

static int change(struct turn *t, struct tool_call *call, enum rpc_id method)
{
    int rc = check_own(t, call);
    if (rc) return rc == GW_EINVAL ? 0 : rc;
    struct str id = id_of(call);
    json_t *params = json_pack("{s:s%}", "id", id.p, id.n), *patch = json_object_get(call->args, "patch");
    if (method == RPC_cron_update && json_object_get(patch, "agentId")) {
        json_decref(params);
        return tool_fail(call, "A job stays its agent's: leave agentId out.");
    }
    if (method == RPC_cron_update && posts(patch)) {
        json_decref(params);
        return tool_fail(call, POSTING_REFUSED);
    }
    if (method == RPC_cron_update) json_object_set(params, "patch", patch ? patch : json_null());
    if (method == RPC_cron_run && tool_text(call, "runMode", NULL).n)
        json_object_set(params, "mode", json_object_get(call->args, "runMode"));
    return ask(t, call, method == RPC_cron_runs ? "query" : "cron", method, params);
}

static int wake(struct turn *t, struct tool_call *call)
{
    struct msg m = { .kind = MSG_system_event };
    struct str text = str_trim(tool_text(call, "text", NULL));
    if (text.n == 0) return tool_fail(call, "text is required: what the main session is told.");
    m.system_event = (struct msg_system_event){ .text = text, .now = !str_is(tool_text(call, "mode", NULL), "next-heartbeat") };
    int rc = mailbox_send(t->s->mailbox, "gateway", &m);
    return rc ? tool_fail(call, "The gateway could not take it.") : tool_answer_json(call, json_pack("{s:b}", "ok", 1));
}

int turn_tool_cron(struct turn *t, struct tool_call *call)
{
    struct str action = tool_text(call, "action", NULL);
    if (str_is(action, "status")) return ask(t, call, "cron", RPC_cron_status, json_object());
    if (str_is(action, "list")) return list(t, call);
    if (str_is(action, "add")) return add(t, call);
    if (str_is(action, "update")) return change(t, call, RPC_cron_update);
    if (str_is(action, "remove")) return change(t, call, RPC_cron_remove);
    if (str_is(action, "run")) return change(t, call, RPC_cron_run);
    if (str_is(action, "runs")) return change(t, call, RPC_cron_runs);
    return wake(t, call);
}
