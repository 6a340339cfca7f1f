/* actors/router_ends.c -- how turns end: what their session, the store or the policy says, told to who waits and put on record. */
#include <stdlib.h>
#include <utlist.h>

#include "actors/router_internal.h"
#include "base/chat.h"
#include "base/clock.h"

/* A turn ends without its session having told so: put that on record. */
static void record_end(struct router *r, const struct turn_entry *e, enum policy_reason reason)
{
    struct msg m = { .kind = MSG_store_finish, .trace = e->said.trace };
    const struct said said = router_said(&e->said);
    m.store_finish.turn = e->turn;
    m.store_finish.session_key = said.session_key;
    m.store_finish.routed = router_route(&said).n > 0;
    m.store_finish.outcome = e->done.turn_done.outcome;
    m.store_finish.reason = str_of(policy_reason_name(reason));
    m.store_finish.error = e->done.turn_done.error;
    router_send(r, "store", &m, NULL);
}

static struct policy_event done_event(const struct turn_entry *e)
{
    static const enum policy_outcome outcomes[] = { POLICY_OK, POLICY_FAILED, POLICY_ABORTED, POLICY_DROPPED }; /* by enum turn_outcome */
    return (struct policy_event){ .kind = POLICY_TURN_DONE, .turn = e->turn, .outcome = outcomes[e->done.turn_done.outcome] };
}

/* The turn is over for good: what its session said is durable, or never will be. */
static void conclude(struct router *r, struct turn_entry *e)
{
    const struct policy_event event = done_event(e);
    router_step(r, &event);
}

static void set_not_recorded(struct turn_entry *e, const char *why)
{
    e->done.turn_done.outcome = OUTCOME_FAILED;
    e->done.turn_done.failure = FAILURE_server;
    e->done.turn_done.error = str_of(why);
}

/* turn.done and its store.finished come from two mailboxes, in either order: whichever is second concludes. */
static void check_over(struct router *r, struct turn_entry *e)
{
    if (e->done.kind == MSG_none || (e->done.turn_done.recorded && !e->finished)) return;
    if (e->finished && e->finished_code) set_not_recorded(e, "the answer could not be stored; see the gateway's log");
    conclude(r, e);
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
        if (e->done.kind == MSG_none || !e->done.turn_done.recorded) continue;
        set_not_recorded(e, "the store failed before the answer was durable");
        router_later(r, done_event(e)); /* an end takes other entries along: not while they are walked through */
    }
    static const struct policy_event tick = { .kind = POLICY_TICK };
    router_step(r, &tick);
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

static void refuse_unstored(struct router *r, const struct turn_entry *e)
{
    if (e->denied) {
        router_refuse(r, e->reply, &e->said, "send_denied", "send blocked by session policy", 0);
    } else {
        router_refuse(r, e->reply, &e->said, "store_failed", text_of(REASON_STORE_FAILED), 1000);
    }
}

void router_do_refuse(struct router *r, struct turn_entry *e, enum policy_reason reason)
{
    const char *name = policy_reason_name(reason);
    if (e->said.kind == MSG_session_spawn) router_spawn_answer(r, e, name);
    if (e->reply[0]) router_refuse(r, e->reply, &e->said, name, text_of(reason), reason == REASON_TOO_LONG ? 0 : 1000);
    router_free_turn(r, e);
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
    if (e->watch_corr && e->watch_corr != e->said.corr) {
        e->done.corr = e->watch_corr;
        router_send(r, "gateway", &e->done, e->answer);
    }
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
                             .trace = e->said.trace,
                             .lane = (int)s.lane,
                             .outcome = (enum turn_outcome)e->done.turn_done.outcome,
                             .run_id = str_dup(s.run_id),
                             .session_key = str_dup(s.session_key),
                             .agent = str_dup(s.agent),
                             .channel = str_dup(s.channel),
                             .model = str_dup(e->done.turn_done.model) };
    e->course = (struct course){ 0 };
    metrics_turn_ended(&r->metrics, p);
    router_trace_turn(r, p, e->cause);
}

void router_do_end(struct router *r, struct turn_entry *e, const struct policy_action *a)
{
    if (e->done.kind == MSG_none) {
        make_end(e, a);
        if (a->of_turn) router_collect_end(r, e, a);
        if (e->stored && a->reason != REASON_STOPPING) record_end(r, e, a->reason); /* one that was stopped is taken up at the next start */
        if (a->reason == REASON_STORE_FAILED && e->said.kind == MSG_session_spawn)
            router_spawn_answer(r, e, e->late ? "not_running" : "store_failed");
        if (a->reason == REASON_STORE_FAILED && e->reply[0]) refuse_unstored(r, e);
        if (a->reason == REASON_STORE_FAILED) e->reply[0] = '\0';
    }
    tell_end(r, e);
    remember(r, e);
    router_free_turn(r, e);
}

/* It made room for another. While the store has it, its end cannot be recorded: that follows store.accepted. */
void router_do_drop(struct router *r, struct turn_entry *e)
{
    const struct policy_action drop = { .turn = e->turn, .outcome = POLICY_DROPPED, .reason = REASON_QUEUE_FULL };
    if (!e->asked) {
        router_do_end(r, e, &drop);
        return;
    }
    make_end(e, &drop);
    tell_end(r, e);
    remember(r, e);
    router_free_listeners(e);
    e->reply[0] = '\0';
    e->dropped = true;
}

void router_record_drop(struct router *r, struct turn_entry *e)
{
    if (e->stored) record_end(r, e, REASON_QUEUE_FULL);
    router_free_turn(r, e);
}
