#include "actors/gateway_runs.h"

#include <stdlib.h>
#include <utlist.h>

#include "actors/gateway_runs_internal.h"
#include "base/chat.h"
#include "base/clock.h"
#include "base/failure.h"

int gateway_runs_create(struct gateway *gw)
{
    gw->runs = calloc(1, sizeof *gw->runs);
    return gw->runs ? 0 : GW_ENOMEM;
}

struct gateway_run *gateway_run_find(struct gateway *gw, struct str run_id)
{
    struct gateway_run *run = NULL;
    HASH_FIND(by_id, gw->runs->by_id, run_id.p, run_id.n, run);
    return run;
}

struct gateway_run *gateway_run_create(struct gateway *gw, enum run_kind kind, struct str run_id, struct str session_key,
                                       struct str sent_key)
{
    struct gateway_run *run = calloc(1, sizeof *run);
    if (!run) return NULL;
    run->gw = gw;
    run->kind = kind;
    run->run_id = str_dup(run_id);
    run->session_key = str_dup(session_key);
    if (sent_key.n) run->sent_key = str_dup(sent_key);
    run->submitted_ms = clock_wall_ms();
    if (!run->run_id || !run->session_key || (sent_key.n && !run->sent_key)) {
        free(run->run_id);
        free(run->session_key);
        free(run->sent_key);
        free(run);
        return NULL;
    }
    HASH_ADD_KEYPTR(by_id, gw->runs->by_id, run->run_id, run_id.n, run);
    return run;
}

void gateway_run_free(struct gateway_run *run)
{
    struct gateway_runs *runs = run->gw->runs;
    HASH_DELETE(by_id, runs->by_id, run);
    if (run->corr) HASH_DELETE(hh, runs->by_corr, run);
    if (run->rq) run->rq->run = NULL;
    gateway_run_stopped(run);
    lws_sul_cancel(&run->tell);
    lws_sul_cancel(&run->limit);
    buf_free(&run->text);
    free(run->run_id);
    free(run->session_key);
    free(run->sent_key);
    free(run);
}

void gateway_runs_rest(struct gateway *gw)
{
    struct gateway_run *run, *safe;
    if (!gw->runs) return;
    HASH_ITER(by_id, gw->runs->by_id, run, safe)
    {
        lws_sul_cancel(&run->tell);
        lws_sul_cancel(&run->limit);
    }
}

/* Requests and their clients are gone by now. */
void gateway_runs_destroy(struct gateway *gw)
{
    struct gateway_runs *runs = gw->runs;
    struct gateway_run *run, *safe;
    struct ended_run *e, *next;
    if (!runs) return;
    HASH_ITER(by_id, runs->by_id, run, safe)
    {
        gateway_run_free(run);
    }
    HASH_ITER(hh, runs->ended, e, next)
    {
        HASH_DEL(runs->ended, e);
        free(e->run_id);
        free(e->error);
        free(e);
    }
    free(runs);
    gw->runs = NULL;
}

/* --- what the bus tells ----------------------------------------------------------------------------------------- */

void gateway_run_delta(struct gateway_run *run, const struct msg_turn_delta *d)
{
    if (run->lost_text || run->told_aborted || d->text.n == 0) return;
    if ((uint64_t)d->offset != run->text.n) { /* the rest comes with the end */
        run->lost_text = true;
        return;
    }
    buf_add(&run->text, d->text);
    if (run->text.err) run->lost_text = true;
    gateway_run_tell_text(run);
}

void gateway_run_end(struct gateway_run *run, const struct msg_turn_done *d)
{
    const char *status = d->outcome == OUTCOME_DONE ? "ok" : d->outcome == OUTCOME_ABORTED ? "timeout" : "error";
    if (!run->repeated) gateway_run_tell_end(run, d);
    gateway_run_keep(run, status, d->outcome == OUTCOME_DONE || d->outcome == OUTCOME_ABORTED ? (struct str){ NULL, 0 } : d->error);
    gateway_run_answer_end(run, d);
    gateway_run_free(run);
}

void gateway_run_lost(struct gateway_run *run)
{
    gateway_run_tell_aborted(run, "rpc");
    gateway_run_keep(run, "timeout", (struct str){ 0 });
    gateway_run_free(run);
}

struct gateway_run *gateway_run_follow(struct gateway *gw, struct str run_id, struct str session_key)
{
    if (!gateway_has_clients(gw) || gateway_run_find(gw, run_id)) return NULL;
    return gateway_run_create(gw, RUN_OTHER, run_id, session_key, (struct str){ 0 });
}

/* A turn that no client submitted: what comes of it is told to all, as of any other run. */
static void watch(struct gateway *gw, const struct msg *in)
{
    struct gateway_run *run = gateway_run_find(gw, in->turn_watch.run_id)
                                  ? NULL
                                  : gateway_run_create(gw, RUN_OTHER, in->turn_watch.run_id, in->turn_watch.session_key, (struct str){ 0 });
    if (!run) return;
    run->corr = in->corr;
    run->accepted = true;
    HASH_ADD(hh, gw->runs->by_corr, corr, sizeof run->corr, run);
    gateway_run_tell_start(run);
}

bool gateway_runs_message(struct gateway *gw, const struct msg *in)
{
    struct gateway_run *run;
    if (in->kind == MSG_turn_watch) {
        watch(gw, in);
        return true;
    }
    HASH_FIND(hh, gw->runs->by_corr, &in->corr, sizeof in->corr, run);
    if (!run) return false;
    switch (in->kind) {
    case MSG_turn_accepted: gateway_run_accepted(run, in->turn_accepted.state); break;
    case MSG_turn_started: gateway_run_tell_start(run); break;
    case MSG_turn_delta: gateway_run_delta(run, &in->turn_delta); break;
    case MSG_turn_tool: gateway_run_tell_tool(run, &in->turn_tool); break;
    case MSG_turn_done: gateway_run_end(run, &in->turn_done); break;
    case MSG_turn_refused: gateway_run_refused(run, in->turn_refused.reason, in->turn_refused.text); break;
    case MSG_error: gateway_run_refused(run, STR("overloaded"), STR("the gateway is overloaded; try again later")); break;
    default: break;
    }
    return true;
}
