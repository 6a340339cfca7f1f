/* actors/gateway_run_wait.c -- agent.wait: how a run ended, for whoever asks within ten minutes. */
#include <stdlib.h>
#include <utlist.h>

#include "actors/gateway_runs_internal.h"
#include "base/clock.h"

enum { WAIT_DEFAULT_MS = 30000, WAIT_MAX_MS = 24 * 3600 * 1000 };

static void forget(struct gateway_runs *runs, struct ended_run *e)
{
    HASH_DEL(runs->ended, e);
    free(e->run_id);
    free(e->error);
    free(e);
}

static void write_ended(struct buf *out, const char *run_id, const struct ended_run *e)
{
    buf_char(out, '{');
    buf_json_pair_str(out, "runId", str_of(run_id));
    buf_json_pair_str(out, "status", str_of(e ? e->status : "timeout"));
    if (e && e->started_ms) buf_json_pair_int(out, "startedAt", e->started_ms);
    if (e) buf_json_pair_int(out, "endedAt", e->ended_ms);
    if (e && e->error) buf_json_pair_str(out, "error", str_of(e->error));
    buf_char(out, '}');
}

static void answer(struct gateway_request *rq, const char *run_id, const struct ended_run *e)
{
    struct buf payload = { 0 };
    write_ended(&payload, run_id, e);
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
}

static void free_waiter(struct gateway *gw, struct run_waiter *w)
{
    DL_DELETE(gw->runs->waiters, w);
    free(w->run_id);
    w->run_id = NULL; /* the request frees the rest */
}

static void answer_waiter(struct gateway *gw, struct run_waiter *w, const struct ended_run *e)
{
    struct gateway_request *rq = w->rq;
    char *run_id = w->run_id;
    w->run_id = NULL;
    free_waiter(gw, w);
    answer(rq, run_id, e);
    free(run_id);
}

void gateway_run_keep(struct gateway_run *run, const char *status, struct str error)
{
    struct gateway_runs *runs = run->gw->runs;
    struct ended_run *e, *known = NULL;
    struct run_waiter *w, *safe;
    int64_t now = clock_mono_ms();
    HASH_FIND_STR(runs->ended, run->run_id, known);
    if (known && run->repeated) return; /* a repeat of its key asked how it ended: that was then */
    if (known) forget(runs, known);
    while (runs->ended && (HASH_COUNT(runs->ended) >= GATEWAY_RUNS_KEPT || now - runs->ended->kept_ms > GATEWAY_RUNS_KEPT_MS))
        forget(runs, runs->ended);
    e = calloc(1, sizeof *e);
    if (!e || !(e->run_id = str_dup(str_of(run->run_id)))) {
        free(e);
        return;
    }
    if (error.n) e->error = str_dup(error);
    e->status = status;
    e->started_ms = run->started_ms;
    e->ended_ms = clock_wall_ms();
    e->kept_ms = now;
    HASH_ADD_KEYPTR(hh, runs->ended, e->run_id, strlen(e->run_id), e);
    DL_FOREACH_SAFE(runs->waiters, w, safe)
    {
        if (strcmp(w->run_id, e->run_id) == 0) answer_waiter(run->gw, w, e);
    }
}

bool gateway_run_ended(struct gateway *gw, struct str run_id)
{
    struct ended_run *e = NULL;
    HASH_FIND(hh, gw->runs->ended, run_id.p, run_id.n, e);
    return e != NULL;
}

static void on_late(struct gateway_request *rq)
{
    answer_waiter(rq->gw, rq->state, NULL);
}

static void on_gone(struct gateway_request *rq)
{
    free_waiter(rq->gw, rq->state);
}

void gateway_agent_wait(struct gateway_request *rq, const json_t *params)
{
    const char *run_id = json_string_value(json_object_get(params, "runId"));
    const json_t *given = json_object_get(params, "timeoutMs");
    int64_t timeout_ms = json_is_integer(given) ? json_integer_value(given) : WAIT_DEFAULT_MS;
    struct ended_run *e = NULL;
    struct run_waiter *w;
    HASH_FIND_STR(rq->gw->runs->ended, run_id, e);
    if (e || timeout_ms <= 0) {
        answer(rq, run_id, e);
        return;
    }
    w = calloc(1, sizeof *w);
    if (!w || !(w->run_id = str_dup(str_of(run_id)))) {
        free(w);
        gateway_refuse(rq, "UNAVAILABLE", "out of memory");
        return;
    }
    w->rq = rq;
    rq->state = w;
    rq->on_gone = on_gone;
    DL_APPEND(rq->gw->runs->waiters, w);
    gateway_request_lasts(rq);
    gateway_request_until(rq, clock_mono_ms() + (timeout_ms < WAIT_MAX_MS ? timeout_ms : WAIT_MAX_MS), on_late);
}
