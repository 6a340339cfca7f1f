/* Turns: from submission to their one end. */
#include "actors/policy_internal.h"
#include "base/err.h"

struct turn *policy_turn_find(const policy_t *p, int64_t id)
{
    struct turn *t;
    HASH_FIND(hh, p->turns, &id, sizeof id, t);
    return t;
}

/* What may follow what; an ended turn is freed, so that has no state. */
static const bool allowed[POLICY_TURN_STATE_COUNT][POLICY_TURN_STATE_COUNT] = {
    [POLICY_TURN_UNKNOWN] = { [POLICY_TURN_PENDING] = true, [POLICY_TURN_QUEUED] = true },
    [POLICY_TURN_PENDING] = { [POLICY_TURN_QUEUED] = true, [POLICY_TURN_DROPPED] = true },
    [POLICY_TURN_QUEUED] = { [POLICY_TURN_STARTING] = true, [POLICY_TURN_RUNNING] = true, [POLICY_TURN_COLLECTED] = true },
    [POLICY_TURN_STARTING] = { [POLICY_TURN_RUNNING] = true },
    [POLICY_TURN_RUNNING] = { [POLICY_TURN_WAITING] = true },
    [POLICY_TURN_WAITING] = { [POLICY_TURN_RESUMING] = true },
    [POLICY_TURN_RESUMING] = { [POLICY_TURN_RUNNING] = true, [POLICY_TURN_WAITING] = true },
};

static bool is_active(enum policy_turn_state state)
{
    return state >= POLICY_TURN_STARTING && state <= POLICY_TURN_RESUMING;
}

static bool has_permit(enum policy_turn_state state)
{
    return state == POLICY_TURN_STARTING || state == POLICY_TURN_RUNNING;
}

/* Keeps the counts that follow from a state: permits, active turns, turns the store has. */
static void count(policy_t *p, const struct turn *t, enum policy_turn_state state, int by)
{
    if (has_permit(state)) p->lanes[t->lane].used += by;
    if (is_active(state)) p->active += by;
    if (state == POLICY_TURN_PENDING || state == POLICY_TURN_DROPPED) p->pending += by;
}

void policy_turn_set(policy_t *p, struct turn *t, enum policy_turn_state state)
{
    bool may = allowed[t->state][state];
    assert(may);
    (void)may; /* for builds without assert */
    count(p, t, t->state, -1);
    t->state = state;
    count(p, t, t->state, 1);
}

static struct policy_action *act(policy_t *p, enum policy_action_kind kind, int64_t turn)
{
    struct policy_action *a = policy_act(p, kind);
    a->turn = turn;
    return a;
}

void policy_turn_forget(policy_t *p, struct turn *t)
{
    count(p, t, t->state, -1);
    HASH_DEL(p->turns, t);
    policy_free(p, t);
}

void policy_turn_unqueue(policy_t *p, struct turn *t)
{
    struct session *s = t->session;
    assert(s); /* only a turn that was dropped has none, and that is in no queue */
    if (s->waiting.first == &t->in_waiting) {
        policy_lane_unready(s);
        policy_list_remove(&s->in_held);
    }
    policy_list_remove(&t->in_waiting);
    policy_list_remove(&t->in_bounded);
    p->lanes[t->lane].waiting--;
}

void policy_turn_end(policy_t *p, struct turn *t, enum policy_outcome outcome, enum policy_reason reason)
{
    struct session *s = t->session;
    s->pins++;
    if (t->request) policy_request_cancel(p, t->request, reason);
    if (s->active == t) {
        policy_list_remove(&t->in_resume);
        s->active = NULL;
        if (s->worker) policy_worker_idle(p, s->worker);
    } else {
        policy_turn_unqueue(p, t);
    }
    policy_spawn_unreserve(p, s, t->id);
    if (t->spawn) policy_spawn_free(p, t->spawn);
    policy_collected_end(p, t, outcome, reason);
    bool lost = reason == REASON_STORE_FAILED; /* whoever repeats it must not be told that it is known */
    if (t->keep && lost) policy_key_forget(p, t->keep);
    if (t->keep && !lost) policy_key_ended(p, t->keep, outcome);
    struct policy_action *a = act(p, POLICY_DO_END, t->id);
    a->outcome = outcome;
    a->reason = reason;
    policy_turn_forget(p, t);
    s->pins--;
    policy_session_settle(p, s);
    policy_session_release(p, s);
}

/* A dropped turn ends here; while the store has it, its id stays known so that STORED finds it. */
static void drop(policy_t *p, struct turn *t, int64_t by)
{
    struct session *s = t->session;
    policy_turn_unqueue(p, t);
    if (t->spawn) policy_spawn_free(p, t->spawn);
    if (t->keep) policy_key_ended(p, t->keep, POLICY_DROPPED);
    t->spawn = NULL;
    t->keep = NULL;
    struct policy_action *a = act(p, POLICY_DO_DROP, t->id);
    a->of_turn = by;
    a->outcome = POLICY_DROPPED;
    t->session = NULL;
    if (t->state == POLICY_TURN_PENDING)
        policy_turn_set(p, t, POLICY_TURN_DROPPED);
    else
        policy_turn_forget(p, t);
    policy_session_settle(p, s);
}

/* Puts the session under the one that spawned it, unless it is known to be under one, or would be its own ancestor. */
static void place(policy_t *p, struct session *s, const struct policy_event *e)
{
    if (e->depth > s->depth) s->depth = e->depth;
    if (s->parent || e->requester.n == 0 || str_eq(e->requester, s->key)) return;
    struct session *parent = policy_session_get(p, e->requester, (struct str){ 0 });
    if (!parent) return;
    for (const struct session *up = parent; up; up = up->parent)
        if (up == s) return;
    if (parent->depth < e->depth - 1) parent->depth = e->depth - 1;
    policy_session_attach(s, parent);
}

/* Makes the turn the last of its session's queue. NULL: p->err is set. */
static struct turn *add(policy_t *p, const struct policy_event *e, enum policy_turn_state state)
{
    struct session *s = policy_session_get(p, e->session, e->agent);
    struct turn *t = s ? policy_alloc(p, sizeof *t) : NULL;
    if (!t) return NULL;
    t->id = e->turn;
    t->lane = e->lane;
    t->session = s;
    t->collect = e->collect;
    t->message_bytes = e->bytes;
    t->bounded = e->bounded;
    HASH_ADD(hh, p->turns, id, sizeof t->id, t);
    if (!policy_indexed(p, &t->hh)) return NULL;
    policy_turn_set(p, t, state);
    policy_list_push(&s->waiting, &t->in_waiting);
    if (e->bounded) policy_list_push(&s->bounded, &t->in_bounded);
    p->lanes[t->lane].waiting++;
    if (e->idempotency.n) t->keep = policy_key_add(p, e->idempotency, t->id);
    place(p, s, e);
    return t;
}

static bool key_fits(struct str key)
{
    return key.n > 0 && key.n <= POLICY_KEY_MAX;
}

static bool malformed(const policy_t *p, const struct policy_event *e)
{
    return e->turn <= 0 || (unsigned)e->lane >= LANE_COUNT || e->bytes < 0 || policy_turn_find(p, e->turn);
}

static bool keys_fit(const struct policy_event *e)
{
    return key_fits(e->session) && key_fits(e->agent) && e->idempotency.n <= POLICY_KEY_MAX && e->requester.n <= POLICY_KEY_MAX;
}

/* The slot a SUBMIT names, when it is one that waits for this session. */
static struct spawn *named_spawn(const policy_t *p, const struct policy_event *e)
{
    struct spawn *spawn = e->spawn ? policy_spawn_find(p, e->spawn) : NULL;
    return spawn && !spawn->turn && str_eq(spawn->child->key, e->session) ? spawn : NULL;
}

/* Whether it replaces nothing, or a turn of its session that nobody is stopping. */
static bool can_replace(const policy_t *p, const struct policy_event *e)
{
    const struct turn *old = e->replaces ? policy_turn_find(p, e->replaces) : NULL;
    return !e->replaces || (old && old->session && str_eq(old->session->key, e->session) && !old->aborted && !old->lead);
}

/* It is stored, so the one that it replaces is over: the child slot passes on, what that turn spawned is stopped with it. */
static void take_over(policy_t *p, struct turn *t, struct turn *old)
{
    if (t && old->spawn) {
        t->spawn = old->spawn;
        t->spawn->turn = t;
        old->spawn = NULL;
    }
    const struct policy_event stop = { .kind = POLICY_ABORT, .turn = old->id, .reason = REASON_USER, .cascade = true };
    policy_on_abort(p, &stop);
}

static int refuse(policy_t *p, int64_t turn, enum policy_reason reason, int current, int max)
{
    struct policy_action *a = act(p, POLICY_DO_REFUSE, turn);
    a->reason = reason;
    a->current = current;
    a->max = max;
    return 0;
}

/* Ends the event when the turn cannot be taken. @return whether it did */
static bool turned_away(policy_t *p, const struct policy_event *e, const struct spawn *spawn)
{
    const struct lane *lane = &p->lanes[e->lane];
    if (!keys_fit(e)) return refuse(p, e->turn, REASON_TOO_LONG, 0, POLICY_KEY_MAX) == 0;
    const struct keep *known = e->idempotency.n ? policy_key_find(p, e->idempotency) : NULL;
    if (known) {
        struct policy_action *a = act(p, POLICY_DO_DUPLICATE, e->turn);
        a->of_turn = known->turn;
        a->in_flight = !known->ended;
        a->outcome = known->outcome;
        return true;
    }
    if (p->stopping) return refuse(p, e->turn, REASON_STOPPING, 0, 0) == 0;
    if (e->spawn && !spawn) return refuse(p, e->turn, REASON_SPAWN_GONE, 0, 0) == 0;
    if (!can_replace(p, e)) return refuse(p, e->turn, REASON_NOT_RUNNING, 0, 0) == 0;
    if (lane->waiting >= p->limits.lane_waiting_max)
        return refuse(p, e->turn, REASON_LANE_FULL, lane->waiting, p->limits.lane_waiting_max) == 0;
    const struct session *s = policy_session_find(p, e->session);
    if (!e->bounded || (s ? s->bounded.count : 0) < p->limits.queue_cap) return false;
    if (p->limits.queue_drop != POLICY_DROP_NEW && p->limits.queue_cap > 0) return false; /* an older one makes room */
    return refuse(p, e->turn, REASON_QUEUE_FULL, s ? s->bounded.count : 0, p->limits.queue_cap) == 0;
}

int policy_on_submit(policy_t *p, const struct policy_event *e)
{
    if (malformed(p, e)) return GW_EINVAL;
    struct spawn *spawn = named_spawn(p, e);
    if (turned_away(p, e, spawn)) {
        if (spawn) policy_spawn_free(p, spawn); /* nobody will submit it again */
        return 0;
    }
    struct turn *t = add(p, e, POLICY_TURN_PENDING);
    if (!t) return p->err;
    struct list *bounded = &t->session->bounded;
    while (e->bounded && bounded->count > p->limits.queue_cap) drop(p, HOLDER(bounded->first, struct turn, in_bounded), t->id);
    t->replaces = e->replaces;
    t->spawn = spawn;
    if (spawn) spawn->turn = t;
    act(p, POLICY_DO_STORE, t->id);
    return 0;
}

int policy_on_recover(policy_t *p, const struct policy_event *e)
{
    if (malformed(p, e) || !keys_fit(e)) return GW_EINVAL;
    if (e->idempotency.n && policy_key_find(p, e->idempotency)) return GW_EINVAL;
    struct turn *t = add(p, e, POLICY_TURN_QUEUED);
    if (!t) return p->err;
    if (e->spawn && t->session->parent) {
        t->spawn = policy_spawn_add(p, t->session->parent, t->session, 0);
        if (!t->spawn) return p->err;
        t->spawn->turn = t;
    }
    policy_session_settle(p, t->session);
    return 0;
}

int policy_on_stored(policy_t *p, const struct policy_event *e)
{
    struct turn *t = policy_turn_find(p, e->turn);
    if (!t) return GW_ENOENT;
    if (t->state == POLICY_TURN_DROPPED) {
        policy_turn_forget(p, t);
        return 0;
    }
    if (t->state != POLICY_TURN_PENDING) return GW_EINVAL;
    if (e->pause_ms < 0) return GW_EINVAL;
    struct turn *old = e->ok && t->replaces ? policy_turn_find(p, t->replaces) : NULL;
    if (old && !old->session) old = NULL; /* it was dropped */
    if (e->ok) place(p, t->session, e);
    if (e->ok && e->spent.tokens > t->session->spent.tokens) t->session->spent.tokens = e->spent.tokens;
    if (!e->ok) {
        policy_turn_end(p, t, POLICY_FAILED, REASON_STORE_FAILED);
    } else if (t->aborted) {
        policy_turn_end(p, t, POLICY_ABORTED, t->aborted);
        if (old) take_over(p, NULL, old);
    } else {
        policy_turn_set(p, t, POLICY_TURN_QUEUED);
        act(p, POLICY_DO_ACK, t->id);
        if (e->alone) t->collect = 0;
        policy_session_pause(p, t->session, t, e->pause_ms);
        if (old) take_over(p, t, old);
        t->steer = e->steer;
        if (e->interrupts) policy_interrupt(p, t->session);
        if (t->steer) policy_steer_hint(p, t->session);
        policy_session_settle(p, t->session);
    }
    return 0;
}

int policy_on_turn_done(policy_t *p, const struct policy_event *e)
{
    struct turn *t = policy_turn_find(p, e->turn);
    if (!t) return GW_ENOENT;
    if (!is_active(t->state) || t->state == POLICY_TURN_STARTING) return GW_EINVAL;
    if ((unsigned)e->outcome > POLICY_ABORTED) return GW_EINVAL;
    policy_turn_end(p, t, e->outcome, e->outcome == POLICY_ABORTED ? t->aborted : REASON_NONE);
    return 0;
}

int policy_on_wait_begin(policy_t *p, const struct policy_event *e)
{
    struct turn *t = policy_turn_find(p, e->turn);
    if (!t) return GW_ENOENT;
    if (t->state != POLICY_TURN_RUNNING) return GW_EINVAL;
    policy_turn_set(p, t, POLICY_TURN_WAITING);
    return 0;
}

int policy_on_wait_end(policy_t *p, const struct policy_event *e)
{
    struct turn *t = policy_turn_find(p, e->turn);
    if (!t) return GW_ENOENT;
    if (t->state != POLICY_TURN_WAITING) return GW_EINVAL;
    if (t->aborted) return 0; /* its DO_CANCEL is on the way: it will end, not resume */
    policy_turn_set(p, t, POLICY_TURN_RESUMING);
    policy_list_push(&p->lanes[t->lane].resume, &t->in_resume);
    return 0;
}
