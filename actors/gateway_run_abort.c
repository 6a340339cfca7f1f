/* actors/gateway_run_abort.c -- chat.abort and its like: a session's runs are ended, and who asked hears when they have.
 *
 * The answer waits for the ends, so that who reads the history next finds what was said; it comes after the `aborted` events,
 * as OpenClaw's does. A run that does not end in time is left out of the waiting, not of the answer. */
#include <stdlib.h>

#include "actors/gateway_runs_internal.h"
#include "base/clock.h"
#include "base/json_read.h"

struct stopping { /* state of a request that waits for runs to end */
    int left;
    char ids[]; /* of them: JSON strings with commas, NUL-terminated */
};

static void answer(struct gateway_request *rq, struct str ids)
{
    struct buf payload = { 0 };
    buf_printf(&payload, "{\"ok\":true,\"aborted\":%s,\"runIds\":[", ids.n ? "true" : "false");
    buf_add(&payload, ids);
    buf_text(&payload, "]}");
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
}

static void let_go(struct gateway_request *rq)
{
    struct gateway_run *run, *safe;
    HASH_ITER(by_id, rq->gw->runs->by_id, run, safe)
    {
        if (run->stopper == rq) run->stopper = NULL;
    }
}

static void on_late(struct gateway_request *rq)
{
    const struct stopping *s = rq->state;
    let_go(rq);
    answer(rq, str_of(s->ids));
}

/* Answer when the runs that hold `rq` as their stopper have ended. */
static void wait(struct gateway_request *rq, struct str ids, int count)
{
    struct stopping *s = count ? calloc(1, sizeof *s + ids.n + 1) : NULL;
    if (!s) {
        let_go(rq);
        answer(rq, ids);
        return;
    }
    s->left = count;
    memcpy(s->ids, ids.p, ids.n);
    rq->state = s;
    rq->on_gone = let_go;
    gateway_request_until(rq, clock_mono_ms() + GATEWAY_STOP_MS, on_late);
}

void gateway_run_stopped(struct gateway_run *run)
{
    struct gateway_request *rq = run->stopper;
    struct stopping *s = rq ? rq->state : NULL;
    run->stopper = NULL;
    if (s && --s->left == 0) answer(rq, str_of(s->ids));
}

static void note(struct gateway_run *run, struct gateway_request *rq, struct buf *ids, int *count)
{
    buf_json_comma(ids);
    buf_json_str(ids, str_of(run->run_id));
    if (run->stopper) return; /* somebody waits already */
    run->stopper = rq;
    ++*count;
}

static bool in_session(const struct gateway_run *run, struct str canonical)
{
    return str_eq(str_of(run->session_key), canonical);
}

void gateway_run_abort(struct gateway_run *run, const char *stop_reason)
{
    struct msg m = { .kind = MSG_turn_abort };
    m.turn_abort.run_id = str_of(run->run_id);
    m.turn_abort.reason = strcmp(stop_reason, "timeout") == 0 ? STR("timeout") : STR("user");
    run->stop_reason = stop_reason;
    mailbox_send(run->gw->mailbox, "router", &m);
}

void gateway_abort_session(struct gateway_request *rq, struct str canonical, const char *stop_reason)
{
    struct gateway *gw = rq->gw;
    struct gateway_run *run, *safe;
    struct buf ids = { 0 };
    struct msg m = { .kind = MSG_turn_abort };
    int count = 0;
    HASH_ITER(by_id, gw->runs->by_id, run, safe)
    {
        if (run->repeated || !in_session(run, canonical)) continue;
        run->stop_reason = stop_reason;
        note(run, rq, &ids, &count);
    }
    m.turn_abort.session_key = canonical;
    m.turn_abort.reason = STR("user");
    mailbox_send(gw->mailbox, "router", &m);
    wait(rq, buf_str(&ids), count);
    buf_free(&ids);
}

/* Stop what runs in a session; what waits there goes on, as OpenClaw's queue does. Nothing here runs: whatever is there. */
static void abort_running(struct gateway_request *rq, struct str canonical)
{
    struct gateway_run *run, *safe;
    struct buf ids = { 0 };
    int count = 0;
    HASH_ITER(by_id, rq->gw->runs->by_id, run, safe)
    {
        if (run->repeated || !run->started || !in_session(run, canonical)) continue;
        note(run, rq, &ids, &count);
        gateway_run_abort(run, "rpc");
    }
    if (ids.n)
        wait(rq, buf_str(&ids), count);
    else
        gateway_abort_session(rq, canonical, "rpc");
    buf_free(&ids);
}

static void abort_one(struct gateway_request *rq, struct str run_id, struct str canonical)
{
    struct gateway_run *run = gateway_run_find(rq->gw, run_id);
    struct buf ids = { 0 };
    int count = 0;
    if (run && !in_session(run, canonical)) {
        gateway_refuse(rq, "INVALID_REQUEST", "runId does not match sessionKey");
        return;
    }
    if (run && !run->repeated) {
        note(run, rq, &ids, &count);
        gateway_run_abort(run, "rpc");
    }
    wait(rq, buf_str(&ids), count);
    buf_free(&ids);
}

void gateway_chat_abort(struct gateway_request *rq, const json_t *params)
{
    struct str run_id = json_str(params, "runId");
    struct buf canonical = { 0 };
    if (gateway_run_session(rq, json_str(params, "sessionKey"), &canonical)) {
        if (run_id.n)
            abort_one(rq, run_id, buf_str(&canonical));
        else
            abort_running(rq, buf_str(&canonical));
    }
    buf_free(&canonical);
}
