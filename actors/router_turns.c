/* actors/router_turns.c -- turns between their submitter, the policy, the store and their session. */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "actors/router_internal.h"
#include "base/chat.h"
#include "base/clock.h"
#include "base/log.h"

struct said router_said(const struct msg *m)
{
    if (m->kind == MSG_store_pending) {
        const struct msg_store_pending *p = &m->store_pending;
        return (struct said){
            p->run_id, p->session_key, p->agent, p->idempotency_key, p->channel, p->model, p->thinking, p->system, p->lane, 0, 0, 0, 0
        };
    }
    const struct msg_turn_submit *s = &m->turn_submit;
    return (struct said){ s->run_id, s->session_key, s->agent,  s->idempotency_key, s->channel, s->model, s->thinking,
                          s->system, s->lane,        s->stream, s->bounded,         s->ack,     s->policy };
}

struct turn_entry *router_turn(struct router *r, int64_t turn)
{
    struct turn_entry *e;
    HASH_FIND(hh, r->turns, &turn, sizeof turn, e);
    return e;
}

static void free_listeners(struct turn_entry *e)
{
    struct listener *l, *safe;
    LL_FOREACH_SAFE(e->listeners, l, safe)
    {
        free(l);
    }
    e->listeners = NULL;
}

static void free_entry(struct router *r, struct turn_entry *e)
{
    HASH_DEL(r->turns, e);
    free_listeners(e);
    msg_clear(&e->said);
    msg_clear(&e->done);
    payload_free(&e->message);
    payload_free(&e->answer);
    free(e->set_model);
    free(e->set_thinking);
    course_free(&e->course);
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
    course_begin(&e->course, clock_mono_ms());
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

/* A turn ends without its session having told so: put that on record. */
static void record_end(struct router *r, const struct turn_entry *e, enum policy_reason reason)
{
    struct msg m = { .kind = MSG_store_finish, .trace = e->said.trace };
    m.store_finish.turn = e->turn;
    m.store_finish.session_key = router_said(&e->said).session_key;
    m.store_finish.outcome = e->done.turn_done.outcome;
    m.store_finish.reason = str_of(policy_reason_name(reason));
    m.store_finish.error = e->done.turn_done.error;
    router_send(r, "store", &m, NULL);
}

/* --- in --------------------------------------------------------------------------------------------------------- */

static struct policy_event submit_event(const struct turn_entry *e, enum policy_event_kind kind)
{
    struct said s = router_said(&e->said);
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
    struct turn_entry *e = router_turn(r, turn) ? NULL : add(r, turn, in); /* a store that was started again tells what is known */
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
    struct turn_entry *e = router_turn(r, (int64_t)in->corr);
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
    struct turn_entry *e = router_turn(r, a->turn), *again;
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
    struct turn_entry *e = router_turn(r, a->turn);
    if (!e || !e->asked) return;
    e->asked = false;
    e->stored = a->code == 0 || (a->code == GW_EEXIST && a->existing == a->turn); /* asked twice, see router_store_back() */
    e->created = a->created != 0;
    e->denied = a->code == GW_EDENIED;
    if (a->model.n && !e->set_model) e->set_model = str_dup(a->model);
    if (a->thinking.n && !e->set_thinking) e->set_thinking = str_dup(a->thinking);
    course_stored(&e->course, clock_mono_ms());
    if (!e->stored && a->code == GW_EEXIST) known_already(r, a);
    const struct policy_event event = { .kind = POLICY_STORED, .turn = a->turn, .ok = e->stored };
    router_step(r, &event);
    e = router_turn(r, a->turn);
    if (!e || !e->dropped) return;
    if (e->stored) record_end(r, e, REASON_QUEUE_FULL); /* it was told already, see dropped() */
    free_entry(r, e);
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
    struct turn_entry *e = router_turn(r, in->turn_done.turn);
    if (!e) return;
    e->answer = payload_keep(in);
    e->done = *in;
    *in = (struct msg){ 0 };
    check_over(r, e);
}

void router_on_finished(struct router *r, const struct msg *in)
{
    struct turn_entry *e = router_turn(r, in->store_finished.turn);
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
    struct said s = router_said(&e->said);
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
                                                .system = s.system,
                                                .policy = s.policy };
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
    if (e->reply[0] && router_said(&e->said).ack) router_send(r, e->reply, &m, NULL);
}

/* Before turn.run, so that it comes before the turn's first turn.delta: the hub keeps the order of what it sends and forwards. */
static void tell_started(struct router *r, const struct turn_entry *e)
{
    const struct listener *l;
    struct msg m = { .kind = MSG_turn_started, .corr = e->said.corr, .trace = e->said.trace };
    m.turn_started.turn = e->turn;
    if (e->reply[0] && router_said(&e->said).ack) router_send(r, e->reply, &m, NULL);
    LL_FOREACH(e->listeners, l)
    {
        m.corr = l->corr;
        if (l->ack) router_send(r, l->reply, &m, NULL);
    }
}

static void run(struct router *r, struct turn_entry *e, int worker)
{
    struct policy_turn_info info = policy_turn_info(r->policy, e->turn);
    struct said s = router_said(&e->said);
    const struct config_agent *agent = config_agent_find(r->config, s.agent);
    char name[MSG_NAME_MAX + 1];
    struct msg m = { .kind = MSG_turn_run, .corr = e->said.corr, .trace = e->said.trace };
    m.turn_run =
        (struct msg_turn_run){ .turn = e->turn,
                               .run_id = s.run_id,
                               .session_key = s.session_key,
                               .agent = s.agent,
                               .channel = s.channel,
                               .model = s.model.n ? s.model : str_of(e->set_model),
                               .thinking = s.thinking.n ? s.thinking : str_of(e->set_thinking),
                               .system = s.system,
                               .reply = str_of(e->reply),
                               .stream = s.stream,
                               .created = e->created,
                               .timeout_ms = agent && agent->timeout_seconds < INT32_MAX / 1000 ? agent->timeout_seconds * 1000 : 0 };
    course_granted(&e->course, clock_mono_ms(), info.depth, info.parent);
    e->started = true;
    tell_started(r, e);
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
    struct turn_entry *first = router_turn(r, a->of_turn);
    struct listener *l = first && e->reply[0] ? calloc(1, sizeof *l) : NULL;
    struct msg m = { .kind = MSG_turn_accepted, .corr = e->said.corr, .trace = e->said.trace };
    m.turn_accepted.turn = a->of_turn;
    m.turn_accepted.state = a->in_flight ? 1 : 2;
    if (e->reply[0]) router_send(r, e->reply, &m, NULL);
    if (l) {
        str_copy(l->reply, sizeof l->reply, str_of(e->reply));
        l->corr = e->said.corr;
        l->ack = router_said(&e->said).ack != 0;
        LL_PREPEND(first->listeners, l);
    }
    if (l && l->ack && first->started) {
        m = (struct msg){ .kind = MSG_turn_started, .corr = l->corr, .trace = e->said.trace };
        m.turn_started.turn = a->of_turn;
        router_send(r, l->reply, &m, NULL);
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
    e->done.turn_done.stop = a->outcome == POLICY_FAILED ? CHAT_STOP_ERROR : CHAT_STOP_ABORTED;
    e->done.turn_done.error = str_of(text_of(a->reason));
}

/* Everybody who waits for it hears how it ended. */
static void tell_end(struct router *r, struct turn_entry *e)
{
    struct listener *l;
    e->done.corr = e->said.corr;
    if (e->reply[0]) router_send(r, e->reply, &e->done, e->answer);
    LL_FOREACH(e->listeners, l)
    {
        e->done.corr = l->corr;
        router_send(r, l->reply, &e->done, e->answer);
    }
}

/* Its course moves to those that are remembered. */
static void remember(struct router *r, struct turn_entry *e)
{
    struct said s = router_said(&e->said);
    struct past_turn *p = course_recent_add(&r->recent);
    course_finished(&e->course, clock_mono_ms(), &e->done.turn_done);
    *p = (struct past_turn){ .course = e->course,
                             .turn = e->turn,
                             .lane = (int)s.lane,
                             .outcome = (enum turn_outcome)e->done.turn_done.outcome,
                             .run_id = str_dup(s.run_id),
                             .session_key = str_dup(s.session_key),
                             .agent = str_dup(s.agent),
                             .channel = str_dup(s.channel),
                             .model = str_dup(e->done.turn_done.model) };
    e->course = (struct course){ 0 };
}

static void refuse_unstored(struct router *r, const struct turn_entry *e)
{
    if (e->denied) {
        refuse(r, e->reply, &e->said, "send_denied", "send blocked by session policy", 0);
    } else {
        refuse(r, e->reply, &e->said, "store_failed", text_of(REASON_STORE_FAILED), 1000);
    }
}

static void ended(struct router *r, struct turn_entry *e, const struct policy_action *a)
{
    if (e->done.kind == MSG_none) {
        make_end(e, a);
        if (e->stored && a->reason != REASON_STOPPING) record_end(r, e, a->reason); /* one that was stopped is taken up at the next start */
        if (a->reason == REASON_STORE_FAILED && e->reply[0]) refuse_unstored(r, e);
        if (a->reason == REASON_STORE_FAILED) e->reply[0] = '\0';
    }
    tell_end(r, e);
    remember(r, e);
    free_entry(r, e);
}

/* It made room for another. While the store has it, its end cannot be recorded: that follows store.accepted. */
static void dropped(struct router *r, struct turn_entry *e)
{
    const struct policy_action drop = { .turn = e->turn, .outcome = POLICY_DROPPED, .reason = REASON_QUEUE_FULL };
    if (!e->asked) {
        ended(r, e, &drop);
        return;
    }
    make_end(e, &drop);
    tell_end(r, e);
    remember(r, e);
    free_listeners(e);
    e->reply[0] = '\0';
    e->dropped = true;
}

void router_do_turn(struct router *r, const struct policy_action *a)
{
    struct turn_entry *e = router_turn(r, a->turn);
    if (!e) return;
    switch (a->kind) {
    case POLICY_DO_STORE: store_turn(r, e); break;
    case POLICY_DO_ACK: acknowledge(r, e); break;
    case POLICY_DO_DUPLICATE: duplicate(r, e, a); break;
    case POLICY_DO_REFUSE: refused(r, e, a->reason); break;
    case POLICY_DO_RUN: run(r, e, a->worker); break;
    case POLICY_DO_CANCEL: cancel(r, a); break;
    case POLICY_DO_DROP: dropped(r, e); break;
    case POLICY_DO_END: ended(r, e, a); break;
    default: log_event(LOG_ERROR, "action_unexpected", LOG_I("kind", a->kind));
    }
}
