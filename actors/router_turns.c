/* actors/router_turns.c -- turns between their submitter, the policy, the store and their session. */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "actors/router_internal.h"
#include "base/chat.h"
#include "base/log.h"

/* The fields that turn.submit and store.pending share. */
struct said {
    struct str run_id, session_key, agent, idempotency_key, channel, model, thinking, system;
    int64_t lane, stream, bounded, ack;
};

static struct said said_of(const struct msg *m)
{
    if (m->kind == MSG_store_pending) {
        const struct msg_store_pending *p = &m->store_pending;
        return (struct said){
            p->run_id, p->session_key, p->agent, p->idempotency_key, p->channel, p->model, p->thinking, p->system, p->lane, 0, 0, 0
        };
    }
    const struct msg_turn_submit *s = &m->turn_submit;
    return (struct said){ s->run_id,   s->session_key, s->agent, s->idempotency_key, s->channel, s->model,
                          s->thinking, s->system,      s->lane,  s->stream,          s->bounded, s->ack };
}

static struct turn_entry *find(struct router *r, int64_t turn)
{
    struct turn_entry *e;
    HASH_FIND(hh, r->turns, &turn, sizeof turn, e);
    return e;
}

static void free_entry(struct router *r, struct turn_entry *e)
{
    struct listener *l, *safe;
    HASH_DEL(r->turns, e);
    LL_FOREACH_SAFE(e->listeners, l, safe)
    {
        free(l);
    }
    msg_clear(&e->said);
    msg_clear(&e->done);
    payload_free(&e->message);
    payload_free(&e->answer);
    free(e);
}

void router_free_turns(struct router *r)
{
    struct turn_entry *e, *safe;
    HASH_ITER(hh, r->turns, e, safe)
    {
        free_entry(r, e);
    }
}

/* Take over a turn.submit or store.pending as turn number `turn`. */
static struct turn_entry *add(struct router *r, int64_t turn, struct msg *in)
{
    struct turn_entry *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    e->turn = turn;
    e->message = payload_keep(in);
    e->said = *in;
    *in = (struct msg){ 0 };
    HASH_ADD(hh, r->turns, turn, sizeof e->turn, e);
    return e;
}

static void refuse(struct router *r, const char *to, const struct msg *about, const char *reason, const char *text, int64_t retry_after_ms)
{
    struct msg m = { .kind = MSG_turn_refused, .corr = about->corr, .trace = about->trace };
    m.turn_refused.reason = str_of(reason);
    m.turn_refused.text = str_of(text);
    m.turn_refused.retry_after_ms = retry_after_ms;
    router_send(r, to, &m, NULL);
}

/* --- in --------------------------------------------------------------------------------------------------------- */

static struct policy_event submit_event(const struct turn_entry *e, enum policy_event_kind kind)
{
    struct said s = said_of(&e->said);
    return (struct policy_event){ .kind = kind,
                                  .turn = e->turn,
                                  .session = s.session_key,
                                  .agent = s.agent,
                                  .lane = (enum policy_lane)s.lane,
                                  .idempotency = s.idempotency_key,
                                  .bounded = s.bounded != 0 };
}

void router_on_submit(struct router *r, struct msg *in)
{
    if (r->phase != PHASE_RUNNING) {
        bool starting = r->phase == PHASE_STARTING;
        refuse(r, in->from, in, starting ? "starting" : "stopping", starting ? "the gateway is starting" : "the gateway is stopping", 1000);
        return;
    }
    if (!config_agent_find(r->config, in->turn_submit.agent)) {
        char text[256];
        snprintf(text, sizeof text, "Unknown agent id \"%.*s\"", STR_ARG(in->turn_submit.agent));
        refuse(r, in->from, in, "unknown_agent", text, 0);
        return;
    }
    struct turn_entry *e = add(r, ++r->last_turn, in);
    if (!e) {
        refuse(r, in->from, in, "store_failed", err_text(GW_ENOMEM), 1000);
        return;
    }
    str_copy(e->reply, sizeof e->reply, str_of(e->said.from));
    const struct policy_event event = submit_event(e, POLICY_SUBMIT);
    router_step(r, &event);
}

void router_on_pending(struct router *r, struct msg *in)
{
    int64_t turn = in->store_pending.turn;
    struct turn_entry *e = find(r, turn) ? NULL : add(r, turn, in); /* a store that was started again tells what is known */
    if (!e) return;
    e->stored = true;
    if (turn > r->last_turn) r->last_turn = turn;
    const struct policy_event event = submit_event(e, POLICY_RECOVER);
    router_step(r, &event);
}

/* A repeat of a key whose turn has ended: the store knows the answer. The entry stays until it has told it. */
static void ask_answer(struct router *r, struct turn_entry *e, int64_t of_turn)
{
    struct msg m = { .kind = MSG_store_answer, .corr = (uint64_t)e->turn, .trace = e->said.trace };
    m.store_answer.turn = of_turn;
    if (router_send(r, "store", &m, NULL) == 0) return;
    refuse(r, e->reply, &e->said, "store_failed", "the earlier answer could not be read", 1000);
    free_entry(r, e);
}

void router_on_answered(struct router *r, const struct msg *in)
{
    const struct msg_store_answered *a = &in->store_answered;
    struct turn_entry *e = find(r, (int64_t)in->corr);
    if (!e) return;
    struct msg m = { .kind = MSG_turn_done, .corr = e->said.corr, .trace = e->said.trace };
    payload_t *text = payload_keep(in);
    m.turn_done = (struct msg_turn_done){ .turn = a->turn,
                                          .outcome = a->outcome,
                                          .model = a->model,
                                          .failure = a->outcome == OUTCOME_FAILED ? FAILURE_server : FAILURE_none,
                                          .error = a->error,
                                          .input_tokens = a->input_tokens,
                                          .output_tokens = a->output_tokens,
                                          .stop = CHAT_STOP_END };
    router_send(r, e->reply, &m, text);
    payload_free(&text);
    free_entry(r, e);
}

/* The store knows an idempotency key that the policy has forgotten: a repeat, too. */
static void known_already(struct router *r, const struct msg_store_accepted *a)
{
    struct turn_entry *e = find(r, a->turn), *again;
    struct msg m = { .kind = MSG_turn_accepted, .corr = e->said.corr, .trace = e->said.trace };
    m.turn_accepted.turn = a->existing ? a->existing : a->turn;
    m.turn_accepted.state = a->existing_ended ? 2 : 1;
    if (e->reply[0]) router_send(r, e->reply, &m, NULL);
    again = e->reply[0] && a->existing_ended ? add(r, ++r->last_turn, &e->said) : NULL; /* the policy ends `e` */
    if (again) {
        str_copy(again->reply, sizeof again->reply, str_of(e->reply));
        ask_answer(r, again, a->existing);
    }
    e->reply[0] = '\0';
}

void router_on_accepted(struct router *r, const struct msg *in)
{
    const struct msg_store_accepted *a = &in->store_accepted;
    struct turn_entry *e = find(r, a->turn);
    if (!e || !e->asked) return;
    e->asked = false;
    e->stored = a->code == 0 || (a->code == GW_EEXIST && a->existing == a->turn); /* asked twice, see router_store_back() */
    e->created = a->created != 0;
    if (!e->stored && a->code == GW_EEXIST) known_already(r, a);
    const struct policy_event event = { .kind = POLICY_STORED, .turn = a->turn, .ok = e->stored };
    router_step(r, &event);
}

static enum policy_reason reason_of(struct str name)
{
    return str_is(name, "client_gone") ? REASON_CLIENT_GONE
           : str_is(name, "timeout")   ? REASON_TIMEOUT
           : str_is(name, "stopping")  ? REASON_STOPPING
                                       : REASON_USER;
}

/* The sender's own turn with this run id; 0: none. Rare enough to look through all of them. */
static int64_t by_run_id(struct router *r, const struct msg *in)
{
    struct turn_entry *e, *safe;
    if (in->turn_abort.run_id.n == 0) return 0;
    HASH_ITER(hh, r->turns, e, safe)
    {
        if (strcmp(e->reply, in->from) == 0 && str_eq(said_of(&e->said).run_id, in->turn_abort.run_id)) return e->turn;
    }
    return 0;
}

void router_on_abort(struct router *r, const struct msg *in)
{
    const struct msg_turn_abort *a = &in->turn_abort;
    int64_t turn = a->turn ? a->turn : by_run_id(r, in);
    if (turn == 0 && a->run_id.n) return; /* it has ended */
    const struct policy_event event = {
        .kind = POLICY_ABORT, .turn = turn, .session = a->session_key, .reason = reason_of(a->reason), .cascade = true
    };
    router_step(r, &event);
}

void router_abort_all(struct router *r)
{
    struct turn_entry *e, *safe;
    HASH_ITER(hh, r->turns, e, safe)
    {
        router_later(r, (struct policy_event){ .kind = POLICY_ABORT, .turn = e->turn, .reason = REASON_STOPPING });
    }
    static const struct policy_event tick = { .kind = POLICY_TICK };
    router_step(r, &tick);
}

/* The turn is over for good: what its session said is durable, or never will be. */
static void conclude(struct router *r, struct turn_entry *e)
{
    static const enum policy_outcome outcomes[] = { POLICY_OK, POLICY_FAILED, POLICY_ABORTED, POLICY_DROPPED }; /* by enum turn_outcome */
    const struct policy_event event = { .kind = POLICY_TURN_DONE, .turn = e->turn, .outcome = outcomes[e->done.turn_done.outcome] };
    router_step(r, &event);
}

static void not_recorded(struct router *r, struct turn_entry *e, const char *why)
{
    e->done.turn_done.outcome = OUTCOME_FAILED;
    e->done.turn_done.failure = FAILURE_server;
    e->done.turn_done.error = str_of(why);
    conclude(r, e);
}

/* turn.done and its store.finished come from two mailboxes, in either order: whichever is second concludes. */
static void check_over(struct router *r, struct turn_entry *e)
{
    if (e->done.kind == MSG_none || (e->done.turn_done.recorded && !e->finished)) return;
    if (e->finished && e->finished_code) {
        not_recorded(r, e, "the answer could not be stored; see the gateway's log");
    } else {
        conclude(r, e);
    }
}

void router_on_turn_done(struct router *r, struct msg *in)
{
    struct turn_entry *e = find(r, in->turn_done.turn);
    if (!e) return;
    e->answer = payload_keep(in);
    e->done = *in;
    *in = (struct msg){ 0 };
    check_over(r, e);
}

void router_on_finished(struct router *r, const struct msg *in)
{
    struct turn_entry *e = find(r, in->store_finished.turn);
    if (!e) return; /* an end that the router itself recorded */
    e->finished = true;
    e->finished_code = (int)in->store_finished.code;
    check_over(r, e);
}

void router_store_died(struct router *r)
{
    struct turn_entry *e, *safe;
    HASH_ITER(hh, r->turns, e, safe)
    {
        if (e->done.kind != MSG_none && e->done.turn_done.recorded) not_recorded(r, e, "the store failed before the answer was durable");
    }
}

/* --- out -------------------------------------------------------------------------------------------------------- */

static void store_turn(struct router *r, struct turn_entry *e)
{
    struct said s = said_of(&e->said);
    struct msg m = { .kind = MSG_store_accept, .corr = (uint64_t)e->turn, .trace = e->said.trace };
    m.store_accept = (struct msg_store_accept){ .turn = e->turn,
                                                .run_id = s.run_id,
                                                .session_key = s.session_key,
                                                .agent = s.agent,
                                                .lane = s.lane,
                                                .idempotency_key = s.idempotency_key,
                                                .channel = s.channel,
                                                .model = s.model,
                                                .thinking = s.thinking,
                                                .system = s.system };
    e->asked = router_send(r, "store", &m, e->message) == 0;
    if (!e->asked) router_later(r, (struct policy_event){ .kind = POLICY_STORED, .turn = e->turn, .ok = false });
}

/* The store was started again: what it was asked before and has not answered may be lost with its mailbox. */
void router_store_back(struct router *r)
{
    struct turn_entry *e, *safe;
    HASH_ITER(hh, r->turns, e, safe)
    {
        if (e->asked) store_turn(r, e);
    }
}

static void acknowledge(struct router *r, struct turn_entry *e)
{
    struct msg m = { .kind = MSG_turn_accepted, .corr = e->said.corr, .trace = e->said.trace };
    m.turn_accepted.turn = e->turn;
    if (e->reply[0] && said_of(&e->said).ack) router_send(r, e->reply, &m, NULL);
}

static void run(struct router *r, struct turn_entry *e, int worker)
{
    struct said s = said_of(&e->said);
    const struct config_agent *agent = config_agent_find(r->config, s.agent);
    char name[MSG_NAME_MAX + 1];
    struct msg m = { .kind = MSG_turn_run, .corr = e->said.corr, .trace = e->said.trace };
    m.turn_run =
        (struct msg_turn_run){ .turn = e->turn,
                               .run_id = s.run_id,
                               .session_key = s.session_key,
                               .agent = s.agent,
                               .channel = s.channel,
                               .model = s.model,
                               .thinking = s.thinking,
                               .system = s.system,
                               .reply = str_of(e->reply),
                               .stream = s.stream,
                               .created = e->created,
                               .timeout_ms = agent && agent->timeout_seconds < INT32_MAX / 1000 ? agent->timeout_seconds * 1000 : 0 };
    router_worker_name(worker, name);
    if (router_send(r, name, &m, e->message) != 0) router_later(r, (struct policy_event){ .kind = POLICY_WORKER_FAILED, .worker = worker });
}

static void cancel(struct router *r, const struct policy_action *a)
{
    char name[MSG_NAME_MAX + 1];
    struct msg m = { .kind = MSG_turn_cancel };
    m.turn_cancel.turn = a->turn;
    m.turn_cancel.reason = str_of(policy_reason_name(a->reason));
    router_worker_name(a->worker, name);
    router_send(r, name, &m, NULL);
}

static const char *text_of(enum policy_reason reason)
{
    switch (reason) {
    case REASON_QUEUE_FULL: return "too many messages wait in this session (messages.queue.cap); try again when some are answered";
    case REASON_LANE_FULL: return "too many turns wait; try again later";
    case REASON_STOPPING: return "the gateway is stopping";
    case REASON_TOO_LONG: return "the session key or idempotency key is too long";
    case REASON_STORE_FAILED: return "the message could not be stored; see the gateway's log";
    case REASON_WORKER_FAILED: return "the session's thread failed; see the gateway's log";
    case REASON_TIMEOUT: return "the turn took longer than its time limit";
    default: return "the turn was stopped";
    }
}

static void refused(struct router *r, struct turn_entry *e, enum policy_reason reason)
{
    const char *name = policy_reason_name(reason);
    if (e->reply[0]) refuse(r, e->reply, &e->said, name, text_of(reason), reason == REASON_TOO_LONG ? 0 : 1000);
    free_entry(r, e);
}

/* A repeat of an idempotency key: it hears what becomes of the first one. */
static void duplicate(struct router *r, struct turn_entry *e, const struct policy_action *a)
{
    struct turn_entry *first = find(r, a->of_turn);
    struct listener *l = first && e->reply[0] ? calloc(1, sizeof *l) : NULL;
    struct msg m = { .kind = MSG_turn_accepted, .corr = e->said.corr, .trace = e->said.trace };
    m.turn_accepted.turn = a->of_turn;
    m.turn_accepted.state = a->in_flight ? 1 : 2;
    if (e->reply[0]) router_send(r, e->reply, &m, NULL);
    if (l) {
        str_copy(l->reply, sizeof l->reply, str_of(e->reply));
        l->corr = e->said.corr;
        LL_PREPEND(first->listeners, l);
    }
    if (e->reply[0] && !a->in_flight) {
        ask_answer(r, e, a->of_turn);
    } else {
        free_entry(r, e);
    }
}

/* The end of a turn that no session told: it never ran, or its thread is gone. */
static void make_end(struct turn_entry *e, const struct policy_action *a)
{
    e->done = (struct msg){ .kind = MSG_turn_done, .trace = e->said.trace };
    e->done.turn_done.turn = e->turn;
    e->done.turn_done.outcome = a->outcome == POLICY_OK        ? OUTCOME_DONE
                                : a->outcome == POLICY_FAILED  ? OUTCOME_FAILED
                                : a->outcome == POLICY_DROPPED ? OUTCOME_DROPPED
                                                               : OUTCOME_ABORTED;
    e->done.turn_done.failure = a->outcome == POLICY_FAILED ? FAILURE_server : FAILURE_aborted;
    e->done.turn_done.error = str_of(text_of(a->reason));
}

static void record_end(struct router *r, const struct turn_entry *e, enum policy_reason reason)
{
    struct msg m = { .kind = MSG_store_finish, .trace = e->said.trace };
    m.store_finish.turn = e->turn;
    m.store_finish.session_key = said_of(&e->said).session_key;
    m.store_finish.outcome = e->done.turn_done.outcome;
    m.store_finish.reason = str_of(policy_reason_name(reason));
    m.store_finish.error = e->done.turn_done.error;
    router_send(r, "store", &m, NULL);
}

static void ended(struct router *r, struct turn_entry *e, const struct policy_action *a)
{
    struct listener *l;
    if (e->done.kind == MSG_none) {
        make_end(e, a);
        if (e->stored && a->reason != REASON_STOPPING) record_end(r, e, a->reason); /* one that was stopped is taken up at the next start */
        if (a->reason == REASON_STORE_FAILED && e->reply[0]) refuse(r, e->reply, &e->said, "store_failed", text_of(a->reason), 1000);
        if (a->reason == REASON_STORE_FAILED) e->reply[0] = '\0';
    }
    e->done.corr = e->said.corr;
    if (e->reply[0]) router_send(r, e->reply, &e->done, e->answer);
    LL_FOREACH(e->listeners, l)
    {
        e->done.corr = l->corr;
        router_send(r, l->reply, &e->done, e->answer);
    }
    free_entry(r, e);
}

void router_do_turn(struct router *r, const struct policy_action *a)
{
    struct turn_entry *e = find(r, a->turn);
    if (!e) return;
    switch (a->kind) {
    case POLICY_DO_STORE: store_turn(r, e); break;
    case POLICY_DO_ACK: acknowledge(r, e); break;
    case POLICY_DO_DUPLICATE: duplicate(r, e, a); break;
    case POLICY_DO_REFUSE: refused(r, e, a->reason); break;
    case POLICY_DO_RUN: run(r, e, a->worker); break;
    case POLICY_DO_CANCEL: cancel(r, a); break;
    case POLICY_DO_DROP: {
        const struct policy_action drop = {
            .kind = POLICY_DO_END, .turn = a->turn, .outcome = POLICY_DROPPED, .reason = REASON_QUEUE_FULL
        };
        ended(r, e, &drop);
        break;
    }
    case POLICY_DO_END: ended(r, e, a); break;
    default: log_event(LOG_ERROR, "action_unexpected", LOG_I("kind", a->kind));
    }
}
