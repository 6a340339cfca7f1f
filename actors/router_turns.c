/* actors/router_turns.c -- turns between their submitter, the policy, the store and their session. */
#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "actors/router_internal.h"
#include "base/chat.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

static struct said of_submit(const struct msg_turn_submit *s)
{
    return (struct said){ .run_id = s->run_id,
                          .session_key = s->session_key,
                          .agent = s->agent,
                          .idempotency_key = s->idempotency_key,
                          .channel = s->channel,
                          .model = s->model,
                          .thinking = s->thinking,
                          .system = s->system,
                          .route = s->route,
                          .skills = s->skills,
                          .compact = s->compact,
                          .lane = s->lane,
                          .stream = s->stream,
                          .bounded = s->bounded,
                          .ack = s->ack,
                          .policy = s->policy };
}

static struct said of_pending(const struct msg_store_pending *p)
{
    return (struct said){ .run_id = p->run_id,
                          .session_key = p->session_key,
                          .agent = p->agent,
                          .idempotency_key = p->idempotency_key,
                          .channel = p->channel,
                          .model = p->model,
                          .thinking = p->thinking,
                          .system = p->system,
                          .route = p->route,
                          .skills = p->skills,
                          .compact = p->compact,
                          .lane = p->lane,
                          .stream = 1,
                          .parent = p->parent,
                          .depth = p->depth,
                          .spawned = p->spawned,
                          .timeout_s = p->timeout_s };
}

static struct said of_spawn(const struct msg_session_spawn *s)
{
    return (struct said){ .run_id = s->run_id,
                          .session_key = s->session_key,
                          .agent = s->agent,
                          .idempotency_key = s->run_id,
                          .channel = s->channel,
                          .model = s->model,
                          .thinking = s->thinking,
                          .system = s->system,
                          .lane = LANE_SUBAGENT,
                          .stream = 1,
                          .parent = s->parent,
                          .label = s->label,
                          .task = s->task,
                          .depth = s->depth,
                          .spawned = 1,
                          .timeout_s = s->timeout_s,
                          .cleanup = s->cleanup,
                          .steers = s->steers };
}

struct said router_said(const struct msg *m)
{
    if (m->kind == MSG_turn_submit) return of_submit(&m->turn_submit);
    if (m->kind == MSG_store_pending) return of_pending(&m->store_pending);
    if (m->kind == MSG_session_spawn) return of_spawn(&m->session_spawn);
    const struct msg_store_announce *a = &m->store_announce;
    return (struct said){ .run_id = a->run_id,
                          .session_key = a->session_key,
                          .agent = a->agent,
                          .idempotency_key = a->run_id,
                          .channel = a->channel,
                          .lane = a->depth > 0 ? LANE_SUBAGENT : LANE_MAIN,
                          .stream = 1,
                          .parent = a->parent,
                          .announces = a->child,
                          .depth = a->depth };
}

/* Where its answer goes. The store knows it for the result of a sub-agent: to where its requester was last spoken to. */
struct str router_route(const struct said *s)
{
    bool announces = s->announces.n && s->depth == 0;
    return s->route.n ? s->route : announces ? STR("{}") : STR("");
}

struct turn_entry *router_turn(struct router *r, int64_t turn)
{
    struct turn_entry *e;
    HASH_FIND(hh, r->turns, &turn, sizeof turn, e);
    return e;
}

void router_free_listeners(struct turn_entry *e)
{
    struct listener *l, *safe;
    LL_FOREACH_SAFE(e->listeners, l, safe)
    {
        free(l);
    }
    e->listeners = NULL;
}

void router_free_turn(struct router *r, struct turn_entry *e)
{
    HASH_DEL(r->turns, e);
    router_free_listeners(e);
    msg_clear(&e->said);
    msg_clear(&e->done);
    payload_free(&e->message);
    payload_free(&e->answer);
    free(e->set_model);
    free(e->set_thinking);
    buf_free(&e->dropped_lines);
    course_free(&e->course);
    free(e);
}

void router_free_turns(struct router *r)
{
    struct turn_entry *e, *safe;
    HASH_ITER(hh, r->turns, e, safe)
    {
        router_free_turn(r, e);
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
    if (!e->said.trace) e->said.trace = random_u64();
    e->cause = router_cause(r, &e->said);
    course_begin(&e->course, clock_mono_ms());
    HASH_ADD(hh, r->turns, turn, sizeof e->turn, e);
    return e;
}

struct turn_entry *router_turn_add(struct router *r, struct msg *in)
{
    return add(r, ++r->last_turn, in);
}

void router_refuse(struct router *r, const char *to, const struct msg *about, const char *reason, const char *text, int64_t retry_after_ms)
{
    struct msg m = { .kind = MSG_turn_refused, .corr = about->corr, .trace = about->trace };
    m.turn_refused.reason = str_of(reason);
    m.turn_refused.text = str_of(text);
    m.turn_refused.retry_after_ms = retry_after_ms;
    metrics_refused(&r->metrics, m.turn_refused.reason);
    router_send(r, to, &m, NULL);
}

/* --- in --------------------------------------------------------------------------------------------------------- */

struct policy_event router_submit_event(const struct turn_entry *e, enum policy_event_kind kind)
{
    struct said s = router_said(&e->said);
    return (struct policy_event){ .kind = kind,
                                  .turn = e->turn,
                                  .session = s.session_key,
                                  .agent = s.agent,
                                  .lane = (enum policy_lane)s.lane,
                                  .idempotency = s.idempotency_key,
                                  .requester = s.parent,
                                  .depth = (int)s.depth,
                                  .spawn = kind == POLICY_RECOVER && s.spawned ? 1 : 0,
                                  .bounded = s.bounded != 0 };
}

void router_on_submit(struct router *r, struct msg *in)
{
    if (r->phase != PHASE_RUNNING) {
        bool starting = r->phase == PHASE_STARTING;
        router_refuse(r, in->from, in, starting ? "starting" : "stopping", starting ? "the gateway is starting" : "the gateway is stopping",
                      1000);
        return;
    }
    if (!config_agent_find(r->config, in->turn_submit.agent)) {
        char text[256];
        snprintf(text, sizeof text, "Unknown agent id \"%.*s\"", STR_ARG(in->turn_submit.agent));
        router_refuse(r, in->from, in, "unknown_agent", text, 0);
        return;
    }
    struct turn_entry *e = add(r, ++r->last_turn, in);
    if (!e) {
        router_refuse(r, in->from, in, "store_failed", err_text(GW_ENOMEM), 1000);
        return;
    }
    str_copy(e->reply, sizeof e->reply, str_of(e->said.from));
    const struct said said = router_said(&e->said);
    struct policy_event event = router_submit_event(e, POLICY_SUBMIT);
    event.collect = router_collect_class(&said);
    event.bytes = (int64_t)payload_bytes(e->message).n;
    router_step(r, &event);
}

void router_on_pending(struct router *r, struct msg *in)
{
    int64_t turn = in->store_pending.turn;
    struct turn_entry *e = router_turn(r, turn) ? NULL : add(r, turn, in); /* a store that was started again tells what is known */
    if (!e) return;
    e->stored = true;
    if (turn > r->last_turn) r->last_turn = turn;
    const struct policy_event event = router_submit_event(e, POLICY_RECOVER);
    router_step(r, &event);
}

/* A repeat of a key whose turn has ended: the store knows the answer. The entry stays until it has told it. */
static void ask_answer(struct router *r, struct turn_entry *e, int64_t of_turn)
{
    struct msg m = { .kind = MSG_store_answer, .corr = (uint64_t)e->turn, .trace = e->said.trace };
    m.store_answer.turn = of_turn;
    if (router_send(r, "store", &m, NULL) == 0) return;
    router_refuse(r, e->reply, &e->said, "store_failed", "the earlier answer could not be read", 1000);
    router_free_turn(r, e);
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
    router_free_turn(r, e);
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
    e->late = a->code == GW_ENOENT;
    if (a->model.n && !e->set_model) e->set_model = str_dup(a->model);
    if (a->thinking.n && !e->set_thinking) e->set_thinking = str_dup(a->thinking);
    course_stored(&e->course, clock_mono_ms());
    if (!e->stored && a->code == GW_EEXIST) known_already(r, a);
    struct policy_event event = { .kind = POLICY_STORED, .turn = a->turn, .ok = e->stored, .requester = a->parent, .depth = (int)a->depth };
    event.spent.tokens = a->spent_tokens;
    const struct said said = router_said(&e->said);
    router_queue_as(r, &said, a->queue, &event);
    router_step(r, &event);
    e = router_turn(r, a->turn);
    if (e && e->dropped) router_record_drop(r, e);
}

/* Its own session alone may say that a turn waits. */
static struct turn_entry *own_turn(struct router *r, const struct msg *in, int64_t turn)
{
    char name[MSG_NAME_MAX + 1];
    struct turn_entry *e = router_turn(r, turn);
    if (!e) return NULL;
    router_worker_name(policy_session_info(r->policy, router_said(&e->said).session_key).worker, name);
    return strcmp(name, in->from) == 0 ? e : NULL;
}

void router_on_pause(struct router *r, const struct msg *in)
{
    const struct policy_event event = { .kind = POLICY_WAIT_BEGIN, .turn = in->turn_pause.turn };
    if (own_turn(r, in, event.turn)) router_step(r, &event);
}

void router_on_resume(struct router *r, const struct msg *in)
{
    const struct policy_event event = { .kind = POLICY_WAIT_END, .turn = in->turn_resume.turn };
    struct turn_entry *e = own_turn(r, in, event.turn);
    if (!e) return;
    e->resume_corr = in->corr;
    router_step(r, &event);
}

static void resume(struct router *r, struct turn_entry *e, int worker)
{
    char name[MSG_NAME_MAX + 1];
    struct msg m = { .kind = MSG_turn_resumed, .corr = e->resume_corr, .trace = e->said.trace };
    m.turn_resumed.turn = e->turn;
    e->resume_corr = 0;
    router_worker_name(worker, name);
    router_send(r, name, &m, NULL);
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

/* --- out -------------------------------------------------------------------------------------------------------- */

void router_store_turn(struct router *r, struct turn_entry *e)
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
                                                .model = s.model.n ? s.model : str_of(e->set_model),
                                                .thinking = s.thinking.n ? s.thinking : str_of(e->set_thinking),
                                                .system = s.system,
                                                .route = s.route,
                                                .skills = s.skills,
                                                .compact = s.compact,
                                                .policy = s.policy,
                                                .parent = s.parent,
                                                .depth = s.depth,
                                                .timeout_s = s.timeout_s,
                                                .label = s.label,
                                                .task = s.task,
                                                .cleanup = s.cleanup,
                                                .steers = s.steers,
                                                .announces = s.announces };
    e->asked = router_send(r, "store", &m, e->message) == 0;
    if (!e->asked) router_later(r, (struct policy_event){ .kind = POLICY_STORED, .turn = e->turn, .ok = false });
}

/* The store was started again: what it was asked before and has not answered may be lost with its mailbox. */
void router_store_back(struct router *r)
{
    struct turn_entry *e, *safe;
    HASH_ITER(hh, r->turns, e, safe)
    {
        if (e->asked) router_store_turn(r, e);
    }
}

static void acknowledge(struct router *r, struct turn_entry *e)
{
    struct msg m = { .kind = MSG_turn_accepted, .corr = e->said.corr, .trace = e->said.trace };
    m.turn_accepted.turn = e->turn;
    if (e->said.kind == MSG_session_spawn) router_spawn_answer(r, e, "");
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

/* It has its permit, or is part of one that has. */
static void starts(struct router *r, struct turn_entry *e)
{
    struct policy_turn_info info = policy_turn_info(r->policy, e->turn);
    course_granted(&e->course, clock_mono_ms(), info.depth, info.parent);
    router_trace_start(r, e);
    e->started = true;
    tell_started(r, e);
    router_watch(r, e);
}

static void run(struct router *r, struct turn_entry *e, int worker)
{
    struct turn_entry *part;
    struct buf lines = { 0 }, overflow = { 0 };
    struct said s = router_said(&e->said);
    const struct config_agent *agent = config_agent_find(r->config, s.agent);
    char name[MSG_NAME_MAX + 1];
    struct msg m = { .kind = MSG_turn_run, .trace = e->said.trace };
    int64_t timeout_s = s.timeout_s ? s.timeout_s : agent ? agent->timeout_seconds : 0;
    starts(r, e);
    m.corr = e->said.corr;
    m.turn_run = (struct msg_turn_run){ .turn = e->turn,
                                        .run_id = s.run_id,
                                        .session_key = s.session_key,
                                        .agent = s.agent,
                                        .channel = s.channel,
                                        .model = s.model.n ? s.model : str_of(e->set_model),
                                        .thinking = s.thinking.n ? s.thinking : str_of(e->set_thinking),
                                        .system = s.system,
                                        .route = router_route(&s),
                                        .skills = s.skills,
                                        .compact = s.compact,
                                        .reply = str_of(e->reply),
                                        .stream = s.stream,
                                        .created = e->created,
                                        .traced = r->traced,
                                        .depth = policy_turn_info(r->policy, e->turn).depth,
                                        .timeout_ms = timeout_s < INT32_MAX / 1000 ? timeout_s * 1000 : 0 };
    payload_t *joined = e->collected ? router_collect_message(e, true, &lines) : NULL;
    router_write_overflow(e, true, &overflow);
    m.turn_run.collected = buf_str(&lines);
    m.turn_run.overflow = buf_str(&overflow);
    LL_FOREACH2(e->collected, part, next_collected)
    {
        starts(r, part);
    }
    e->collected = NULL;
    router_worker_name(worker, name);
    if (router_send(r, name, &m, joined ? joined : e->message) != 0)
        router_later(r, (struct policy_event){ .kind = POLICY_WORKER_FAILED, .worker = worker });
    payload_free(&joined);
    buf_free(&lines);
    buf_free(&overflow);
}

/* It asks when it has come to a point where it can take something in. */
static void hint(struct router *r, const struct policy_action *a)
{
    char name[MSG_NAME_MAX + 1];
    struct msg m = { .kind = MSG_turn_hint };
    m.turn_hint.turn = a->turn;
    router_worker_name(a->worker, name);
    router_send(r, name, &m, NULL);
}

void router_on_take(struct router *r, const struct msg *in)
{
    struct turn_entry *part, *e = own_turn(r, in, in->turn_take.turn);
    struct msg m = { .kind = MSG_turn_taken, .corr = in->corr, .trace = in->trace };
    struct buf lines = { 0 }, overflow = { 0 };
    const struct policy_event event = { .kind = POLICY_STEER, .turn = in->turn_take.turn };
    if (e) router_step(r, &event);
    payload_t *joined = e && e->collected ? router_collect_message(e, false, &lines) : NULL;
    if (joined) router_write_overflow(e, false, &overflow);
    LL_FOREACH2(e ? e->collected : NULL, part, next_collected)
    {
        starts(r, part);
    }
    if (e) e->collected = NULL;
    m.turn_taken.collected = buf_str(&lines);
    m.turn_taken.overflow = buf_str(&overflow);
    router_send(r, in->from, &m, joined);
    payload_free(&joined);
    buf_free(&lines);
    buf_free(&overflow);
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
        router_free_turn(r, e);
    }
}

void router_do_turn(struct router *r, const struct policy_action *a)
{
    struct turn_entry *e = router_turn(r, a->turn);
    if (!e) return;
    switch (a->kind) {
    case POLICY_DO_STORE: router_store_turn(r, e); break;
    case POLICY_DO_ACK: acknowledge(r, e); break;
    case POLICY_DO_DUPLICATE: duplicate(r, e, a); break;
    case POLICY_DO_REFUSE: router_do_refuse(r, e, a->reason); break;
    case POLICY_DO_RUN: run(r, e, a->worker); break;
    case POLICY_DO_CANCEL: cancel(r, a); break;
    case POLICY_DO_RESUME: resume(r, e, a->worker); break;
    case POLICY_DO_STEER: hint(r, a); break;
    case POLICY_DO_COLLECT: router_collect(r, e, a->of_turn); break;
    case POLICY_DO_DROP:
        router_pass_dropped(r, e, a->of_turn);
        router_do_drop(r, e);
        break;
    case POLICY_DO_END: router_do_end(r, e, a); break;
    default: log_event(LOG_ERROR, "action_unexpected", LOG_I("kind", a->kind));
    }
}
