/* actors/gateway_rpc.c -- requests of connected clients: who may, what they take, who answers, the answer. */
#include "actors/gateway_rpc.h"

#include <stdlib.h>
#include <utlist.h>

#include "actors/gateway_client.h"
#include "actors/gateway_crowd.h"
#include "actors/gateway_methods.h"
#include "base/clock.h"
#include "base/log.h"

/* --- answers ---------------------------------------------------------------------------------------------------- */

static void free_request(struct gateway_request *rq)
{
    struct gateway_client *cl = rq->client;
    if (rq->on_end) rq->on_end(rq);
    if (rq->corr) HASH_DEL(rq->gw->requests, rq);
    if (rq->deadline_ms) DL_DELETE2(rq->gw->timed, rq, timed_prev, timed_next);
    DL_DELETE(cl->requests, rq);
    if (rq->lasting)
        cl->lasting--;
    else
        cl->waiting--;
    buf_free(&rq->id);
    free(rq->state);
    free(rq);
}

static void begin(struct buf *text, struct str id, bool ok)
{
    buf_text(text, "{\"type\":\"res\",\"id\":");
    buf_add(text, id);
    buf_text(text, ok ? ",\"ok\":true" : ",\"ok\":false");
}

static void add_payload(struct buf *text, struct str payload)
{
    if (payload.n == 0) return;
    buf_text(text, ",\"payload\":");
    buf_add(text, payload);
}

static void add_error(struct buf *text, const char *code, struct str message, struct str details)
{
    buf_text(text, ",\"error\":{\"code\":");
    buf_json_str(text, str_of(code));
    buf_json_pair_str(text, "message", message);
    if (details.n) {
        buf_json_key(text, "details");
        buf_add(text, details);
    }
    buf_char(text, '}');
}

/* A response that cannot be built is told as such: every request is answered. */
static void send_built(struct gateway_client *cl, struct buf *text, struct str id)
{
    if (text->err) {
        buf_clear(text);
        begin(text, id, false);
        add_error(text, "UNAVAILABLE", STR("the answer is too large"), (struct str){ 0 });
        buf_char(text, '}');
    } else {
        buf_char(text, '}');
    }
    gateway_client_send(cl, buf_str(text));
    buf_free(text);
}

static void send_ok(struct gateway_request *rq, struct str payload)
{
    struct buf text = { 0 };
    begin(&text, buf_str(&rq->id), true);
    add_payload(&text, payload);
    send_built(rq->client, &text, buf_str(&rq->id));
}

static void end_request(struct gateway_request *rq)
{
    struct gateway_client *cl = rq->client;
    free_request(rq);
    gateway_client_resume(cl);
}

void gateway_respond(struct gateway_request *rq, struct str payload)
{
    send_ok(rq, payload);
    end_request(rq);
}

void gateway_request_lasts(struct gateway_request *rq)
{
    if (rq->lasting) return;
    rq->lasting = true;
    rq->client->waiting--;
    rq->client->lasting++;
    gateway_client_resume(rq->client);
}

void gateway_respond_first(struct gateway_request *rq, struct str payload)
{
    send_ok(rq, payload);
    gateway_request_lasts(rq);
}

void gateway_respond_failed(struct gateway_request *rq, struct str payload, const char *code, struct str message)
{
    struct buf text = { 0 };
    begin(&text, buf_str(&rq->id), false);
    add_payload(&text, payload);
    add_error(&text, code, message, (struct str){ 0 });
    send_built(rq->client, &text, buf_str(&rq->id));
    end_request(rq);
}

static void refuse(struct gateway_client *cl, struct str id, const char *code, struct str message, struct str details)
{
    struct buf text = { 0 };
    begin(&text, id, false);
    add_error(&text, code, message, details);
    send_built(cl, &text, id);
}

void gateway_respond_error(struct gateway_request *rq, const char *code, struct str message, struct str details)
{
    refuse(rq->client, buf_str(&rq->id), code, message, details);
    end_request(rq);
}

/* --- asking on the bus ------------------------------------------------------------------------------------------ */

int gateway_request_try(struct gateway_request *rq, const char *to, struct msg *m, gateway_answer_fn *fn)
{
    struct gateway *gw = rq->gw;
    if (rq->corr) HASH_DEL(gw->requests, rq);
    rq->corr = m->corr = mailbox_corr(gw->mailbox);
    rq->on_answer = fn;
    HASH_ADD(hh, gw->requests, corr, sizeof rq->corr, rq);
    return mailbox_send(gw->mailbox, to, m);
}

int gateway_request_ask(struct gateway_request *rq, const char *to, struct msg *m, gateway_answer_fn *fn)
{
    int rc = gateway_request_try(rq, to, m, fn);
    if (rc) gateway_refuse(rq, "UNAVAILABLE", "the gateway is overloaded; try again later");
    return rc;
}

void gateway_rpc_answer(struct gateway_request *rq, const struct msg *in)
{
    rq->on_answer(rq, in);
}

static void pass_on(struct gateway_request *rq, const struct msg *in)
{
    char code[65];
    if (in->kind != MSG_rpc_result) {
        gateway_respond_error(rq, "UNAVAILABLE", in->kind == MSG_error ? in->error.text : STR("no answer from a part of the gateway"),
                              (struct str){ 0 });
    } else if (in->rpc_result.code.n) {
        str_copy(code, sizeof code, in->rpc_result.code);
        gateway_respond_error(rq, code, in->rpc_result.text, in->rpc_result.details);
    } else {
        gateway_respond(rq, in->rpc_result.payload);
    }
}

int gateway_request_call(struct gateway_request *rq, const char *to, enum rpc_id method, const json_t *params, gateway_answer_fn *fn)
{
    char *text = params ? json_dumps(params, JSON_COMPACT) : NULL;
    struct msg m = { .kind = MSG_rpc_call };
    m.rpc_call.method = method;
    m.rpc_call.flags = rq->client->who.admin ? 1 : 0;
    m.rpc_call.params = text ? str_of(text) : STR("{}");
    int rc = gateway_request_ask(rq, to, &m, fn);
    free(text);
    return rc;
}

void gateway_request_forward(struct gateway_request *rq, const char *to, enum rpc_id method, const json_t *params)
{
    gateway_request_call(rq, to, method, params, pass_on);
}

void gateway_request_until(struct gateway_request *rq, int64_t deadline_ms, void (*on_late)(struct gateway_request *rq))
{
    if (!rq->deadline_ms && deadline_ms) DL_APPEND2(rq->gw->timed, rq, timed_prev, timed_next);
    if (rq->deadline_ms && !deadline_ms) DL_DELETE2(rq->gw->timed, rq, timed_prev, timed_next);
    rq->deadline_ms = deadline_ms;
    rq->on_late = on_late;
    if (deadline_ms) gateway_start_tick(rq->gw);
}

void gateway_rpc_tick(struct gateway *gw, int64_t now_ms)
{
    struct gateway_request *rq = gw->timed;
    while (rq) {
        bool late = now_ms >= rq->deadline_ms && rq->late_ms != now_ms; /* who waits on is asked again at the next tick */
        if (late) {
            rq->late_ms = now_ms;
            rq->on_late(rq); /* may answer others, too: begin again */
        }
        rq = late ? gw->timed : rq->timed_next;
    }
}

/* --- requests --------------------------------------------------------------------------------------------------- */

/* @return NULL when the client may; else what it lacks (reference 3). RPC_none: a method nobody knows */
static const char *lacks(const struct gateway_identity *who, enum rpc_id id)
{
    const struct rpc_method *m = id == RPC_none ? NULL : rpc_method(id);
    if (m && m->scope == RPC_SCOPE_NODE) return who->node ? NULL : "unauthorized role: operator";
    if (who->node) return "unauthorized role: node";
    if (who->admin) return NULL;
    if (!m) return "missing scope: operator.admin";
    switch (m->scope) {
    case RPC_SCOPE_READ: return who->read || who->write ? NULL : "missing scope: operator.read";
    case RPC_SCOPE_WRITE: return who->write ? NULL : "missing scope: operator.write";
    case RPC_SCOPE_APPROVALS: return who->approvals ? NULL : "missing scope: operator.approvals";
    case RPC_SCOPE_PAIRING: return who->pairing ? NULL : "missing scope: operator.pairing";
    default: return "missing scope: operator.admin";
    }
}

static struct gateway_request *new_request(struct gateway_client *cl, enum rpc_id id, struct str echo)
{
    struct gateway_request *rq = calloc(1, sizeof *rq);
    if (!rq) return NULL;
    rq->gw = cl->gw;
    rq->client = cl;
    rq->method = id;
    buf_add(&rq->id, echo);
    DL_APPEND(cl->requests, rq);
    cl->waiting++;
    return rq;
}

static void run(struct gateway_request *rq, const json_t *params)
{
    gateway_rpc_fn *fn = gateway_method_find(rq->method);
    switch (rpc_method(rq->method)->place) {
    case RPC_PLACE_QUERY: gateway_request_forward(rq, "query", rq->method, params); return;
    case RPC_PLACE_STORE: gateway_request_forward(rq, "store", rq->method, params); return;
    case RPC_PLACE_CRON: gateway_request_forward(rq, "cron", rq->method, params); return;
    default: break;
    }
    if (fn)
        fn(rq, params);
    else
        gateway_refuse(rq, "UNAVAILABLE", "this gateway does not serve that method");
}

static void unknown_method(struct gateway_client *cl, const struct rpc_frame *frame)
{
    struct buf why = { .max = 512 };
    buf_printf(&why, "unknown method: %.*s", STR_ARG(str_utf8_prefix(frame->method, 200)));
    refuse(cl, buf_str(&frame->id), "INVALID_REQUEST", buf_str(&why), (struct str){ 0 });
    buf_free(&why);
}

static void on_request(struct gateway_client *cl, const struct rpc_frame *frame)
{
    struct str id = buf_str(&frame->id), none = { 0 };
    enum rpc_id method = rpc_find(frame->method);
    struct buf why = { 0 };
    struct gateway_request *rq;
    const char *lack = lacks(&cl->who, method);
    if (str_is(frame->method, "connect"))
        refuse(cl, id, "INVALID_REQUEST", STR("connect is only valid as the first request"), none);
    else if (lack)
        refuse(cl, id, "INVALID_REQUEST", str_of(lack), none);
    else if (method == RPC_none)
        unknown_method(cl, frame);
    else if (rpc_check(method, frame->params, &why) != 0)
        refuse(cl, id, "INVALID_REQUEST", buf_str(&why), none);
    else if (cl->lasting >= GATEWAY_LASTING_MAX)
        refuse(cl, id, "UNAVAILABLE", STR("too many requests of this connection wait for their end"), none);
    else if ((rq = new_request(cl, method, id)))
        run(rq, frame->params);
    else
        gateway_kill(cl->conn);
    buf_free(&why);
}

void gateway_rpc_message(struct gateway_client *cl, struct str text)
{
    struct rpc_frame frame = { 0 };
    gateway_crowd_spoke(cl);
    if (rpc_frame_read(text, &frame) != 0)
        gateway_kill(cl->conn);
    else if (frame.kind == RPC_FRAME_REQUEST)
        on_request(cl, &frame);
    else if (frame.kind == RPC_FRAME_INVALID)
        refuse(cl, buf_str(&frame.id), "INVALID_REQUEST", buf_str(&frame.why), (struct str){ 0 });
    rpc_frame_free(&frame);
}

void gateway_rpc_client_gone(struct gateway_client *cl)
{
    struct gateway_request *rq, *safe;
    DL_FOREACH_SAFE(cl->requests, rq, safe)
    {
        if (rq->on_gone) rq->on_gone(rq);
        free_request(rq);
    }
}
