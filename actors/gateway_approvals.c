/* exec.approval.*: who asks waits until somebody decides or the time is over. A client asks by the method, an agent's turn by
 * exec.approve; who decides is told of both alike. */
#include <stdlib.h>
#include <utlist.h>

#include "actors/gateway_client.h"
#include "actors/gateway_misc.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"

/* Who waits: a client's request, as its state and freed with it; or a turn, which sees to its time by itself. */
struct gateway_waiter {
    struct gateway_request *rq; /* NULL: a turn */
    char turn[MSG_NAME_MAX + 1];
    uint64_t corr;
    struct approval approval; /* as it was when the waiting began */
    struct gateway_waiter *prev, *next;
};

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static void tell_decision(struct gateway_request *rq, const struct approval *a)
{
    struct buf payload = { 0 };
    approval_write_decision(a, &payload);
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
}

static void stop_waiting(struct gateway_request *rq)
{
    struct gateway_waiter *w = rq->state;
    DL_DELETE(rq->gw->misc->waiters, w);
    rq->on_gone = NULL;
}

static void on_late(struct gateway_request *rq)
{
    struct gateway_waiter *w = rq->state;
    int64_t now_ms = clock_wall_ms();
    const struct approval *a = approvals_find(rq->gw->misc->approvals, str_of(w->approval.id), now_ms);
    if (a && !a->settled) { /* the two clocks need not agree to the millisecond */
        gateway_request_until(rq, clock_mono_ms() + a->expires_ms - now_ms, on_late);
        return;
    }
    struct approval last = a ? *a : w->approval;
    stop_waiting(rq);
    tell_decision(rq, &last);
}

static void wait_for(struct gateway_request *rq, const struct approval *a, int64_t now_ms)
{
    struct gateway_waiter *w = calloc(1, sizeof *w);
    if (!w) {
        gateway_refuse(rq, "UNAVAILABLE", "out of memory");
        return;
    }
    w->rq = rq;
    w->approval = *a;
    rq->state = w;
    rq->on_gone = stop_waiting;
    DL_APPEND(rq->gw->misc->waiters, w);
    gateway_request_lasts(rq);
    gateway_request_until(rq, clock_mono_ms() + a->expires_ms - now_ms, on_late);
}

/* --- the methods -------------------------------------------------------------------------------------------------- */

static void refuse_add(struct gateway_request *rq, int rc)
{
    switch (rc) {
    case GW_EEXIST: gateway_refuse(rq, "INVALID_REQUEST", "approval id already pending"); break;
    case GW_ELIMIT:
        gateway_refuse(rq, "INVALID_REQUEST",
                       "the id is longer than APPROVALS_ID_MAX (128 bytes) or the request than APPROVALS_TEXT_MAX (65536 bytes)");
        break;
    case GW_EFULL: gateway_refuse(rq, "UNAVAILABLE", "APPROVALS_MAX (256) approvals wait already"); break;
    default: gateway_refuse(rq, "UNAVAILABLE", err_text(rc));
    }
}

static void announce(struct gateway *gw, const struct approval *a, struct str agent)
{
    struct buf text = { 0 };
    log_event(LOG_INFO, "approval_requested", LOG_T("id", a->id), LOG_S("agent", agent));
    approval_write_requested(a, &text);
    gateway_broadcast(gw, GATEWAY_APPROVERS, "exec.approval.requested", buf_str(&text), true);
    gateway_approval_post(gw, a, buf_str(&text));
    buf_free(&text);
}

static void approval_request(struct gateway_request *rq, const json_t *params)
{
    const json_t *timeout = json_object_get(params, "timeoutMs");
    const struct approval_request request = {
        .id = str_trim(json_str(params, "id")),
        .command = json_str(params, "command"),
        .cwd = json_str(params, "cwd"),
        .host = json_str(params, "host"),
        .security = json_str(params, "security"),
        .ask = json_str(params, "ask"),
        .agent_id = json_str(params, "agentId"),
        .resolved_path = json_str(params, "resolvedPath"),
        .session_key = json_str(params, "sessionKey"),
        .timeout_ms = json_is_integer(timeout) ? json_integer_value(timeout) : 0,
    };
    int64_t now_ms = clock_wall_ms();
    const struct approval *a;
    struct buf text = { 0 };
    int rc = approvals_add(rq->gw->misc->approvals, &request, now_ms, &a);
    if (rc != 0) {
        refuse_add(rq, rc);
        return;
    }
    announce(rq->gw, a, request.agent_id);
    if (json_is_true(json_object_get(params, "twoPhase"))) {
        approval_write_accepted(a, &text);
        gateway_respond_first(rq, buf_str(&text));
    }
    wait_for(rq, a, now_ms);
    buf_free(&text);
}

static void approval_wait(struct gateway_request *rq, const json_t *params)
{
    int64_t now_ms = clock_wall_ms();
    const struct approval *a = approvals_find(rq->gw->misc->approvals, str_trim(json_str(params, "id")), now_ms);
    if (!a)
        gateway_refuse(rq, "INVALID_REQUEST", "approval expired or not found");
    else if (a->settled)
        tell_decision(rq, a);
    else
        wait_for(rq, a, now_ms);
}

/* --- turns that wait ---------------------------------------------------------------------------------------------- */

static void answer_turn(struct gateway *gw, const char *to, uint64_t corr, enum approval_decision decision, struct str by,
                        const char *problem)
{
    struct msg m = { .kind = MSG_exec_approved, .corr = corr };
    m.exec_approved = (struct msg_exec_approved){ .decision = decision, .by = str_utf8_prefix(by, 256), .problem = str_of(problem) };
    mailbox_send(gw->mailbox, to, &m);
}

static void turn_asks(struct gateway *gw, const struct msg *in)
{
    const struct msg_exec_approve *q = &in->exec_approve;
    const struct approval_request request = {
        .command = str_utf8_prefix(q->command, APPROVALS_TEXT_MAX / 2),
        .cwd = q->folder,
        .host = STR("gateway"),
        .security = q->security,
        .ask = q->ask,
        .agent_id = q->agent,
        .resolved_path = q->path,
        .session_key = q->session_key,
        .timeout_ms = q->timeout_ms,
    };
    const struct approval *a;
    struct gateway_waiter *w = calloc(1, sizeof *w);
    int rc = w ? approvals_add(gw->misc->approvals, &request, clock_wall_ms(), &a) : GW_ENOMEM;
    if (rc != 0) {
        answer_turn(gw, in->from, in->corr, APPROVAL_NONE, STR(""), rc == GW_EFULL ? "APPROVALS_MAX (256) wait already" : err_text(rc));
        free(w);
        return;
    }
    str_copy(w->turn, sizeof w->turn, str_of(in->from));
    w->corr = in->corr;
    w->approval = *a;
    DL_APPEND(gw->misc->waiters, w);
    announce(gw, a, q->agent);
}

static void turn_gave_up(struct gateway *gw, const struct msg *in)
{
    struct gateway_waiter *w, *safe;
    DL_FOREACH_SAFE(gw->misc->waiters, w, safe)
    {
        if (w->rq || w->corr != (uint64_t)in->exec_approve_cancel.approve || strcmp(w->turn, in->from) != 0) continue;
        DL_DELETE(gw->misc->waiters, w);
        gateway_approval_decide(gw, str_of(w->approval.id), APPROVAL_DENY, STR("the turn was stopped"));
        free(w);
    }
}

static void channel_decides(struct gateway *gw, const struct msg *in)
{
    const struct msg_approval_decide *d = &in->approval_decide;
    struct msg m = { .kind = MSG_approval_decided, .corr = in->corr };
    enum approval_decision decision = approval_decision_parse(d->decision);
    m.approval_decided.ok = decision != APPROVAL_NONE && gateway_approval_decide(gw, d->id, decision, d->by) == 0;
    mailbox_send(gw->mailbox, in->from, &m);
    if (m.approval_decided.ok) gateway_approval_tell(gw, d->id, d->by);
}

bool gateway_approvals_message(struct gateway *gw, const struct msg *in)
{
    switch (in->kind) {
    case MSG_exec_approve: turn_asks(gw, in); return true;
    case MSG_exec_approve_cancel: turn_gave_up(gw, in); return true;
    case MSG_approval_decide: channel_decides(gw, in); return true;
    default: return gateway_approval_posts_message(gw, in);
    }
}

void gateway_approvals_end(struct gateway *gw)
{
    struct gateway_waiter *w, *safe;
    DL_FOREACH_SAFE(gw->misc->waiters, w, safe)
    {
        if (w->rq) continue;
        DL_DELETE(gw->misc->waiters, w);
        free(w);
    }
    gateway_approval_posts_end(gw);
}

/* --- deciding ----------------------------------------------------------------------------------------------------- */

static void tell_waiters(struct gateway *gw, const struct approval *a, struct str by)
{
    struct gateway_waiter *w, *safe;
    DL_FOREACH_SAFE(gw->misc->waiters, w, safe)
    {
        if (strcmp(w->approval.id, a->id) != 0) continue;
        if (w->rq) {
            struct gateway_request *rq = w->rq;
            stop_waiting(rq);
            tell_decision(rq, a);
        } else {
            DL_DELETE(gw->misc->waiters, w);
            answer_turn(gw, w->turn, w->corr, a->decision, by, "");
            free(w);
        }
    }
}

static struct str name_of(const struct gateway_client *client)
{
    const struct gateway_identity *who = &client->who;
    if (who->display_name) return str_of(who->display_name);
    return who->client_id ? str_of(who->client_id) : STR("unknown");
}

static const char *decision_word(enum approval_decision decision)
{
    return decision == APPROVAL_DENY ? "deny" : decision == APPROVAL_ALLOW_ALWAYS ? "allow-always" : "allow-once";
}

int gateway_approval_decide(struct gateway *gw, struct str id, enum approval_decision decision, struct str by)
{
    int64_t now_ms = clock_wall_ms();
    struct buf text = { 0 };
    int rc = approvals_decide(gw->misc->approvals, id, decision, now_ms);
    if (rc != 0) return rc;
    const struct approval *a = approvals_find(gw->misc->approvals, id, now_ms);
    log_event(LOG_INFO, "approval_resolved", LOG_S("id", id), LOG_T("decision", decision_word(decision)), LOG_S("by", by));
    approval_write_resolved(a, by, now_ms, &text);
    gateway_broadcast(gw, GATEWAY_APPROVERS, "exec.approval.resolved", buf_str(&text), true);
    gateway_approval_posts_over(gw, id, decision, by);
    buf_free(&text);
    return 0;
}

void gateway_approval_tell(struct gateway *gw, struct str id, struct str by)
{
    const struct approval *a = approvals_find(gw->misc->approvals, id, clock_wall_ms());
    if (a) tell_waiters(gw, a, by);
}

static void approval_resolve(struct gateway_request *rq, const json_t *params)
{
    struct gateway *gw = rq->gw;
    struct str id = str_trim(json_str(params, "id")), by = name_of(rq->client); /* the request is over when it is answered */
    enum approval_decision decision = approval_decision_parse(json_str(params, "decision"));
    if (decision == APPROVAL_NONE) {
        gateway_refuse(rq, "INVALID_REQUEST", "invalid decision");
    } else if (gateway_approval_decide(gw, id, decision, by) != 0) {
        gateway_refuse(rq, "INVALID_REQUEST", "unknown approval id");
    } else {
        gateway_respond(rq, STR("{\"ok\":true}"));
        gateway_approval_tell(gw, id, by);
    }
}

const struct gateway_rpc_handler gateway_approval_handlers[] = {
    { RPC_exec_approval_request, approval_request },
    { RPC_exec_approval_wait_decision, approval_wait },
    { RPC_exec_approval_resolve, approval_resolve },
    { RPC_none, NULL },
};
