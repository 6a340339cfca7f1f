/* What must hold between two events, whatever they were. */
#include "tests/sim/sim.h"

/* A session leaves the tree when it has no turn, no slot on either side and no child left. */
static void prune(struct sim *s)
{
    for (bool again = true; again;) {
        again = false;
        for (int i = 0; i < SESSIONS; i++) {
            struct sim_session *it = &s->sessions[i];
            if (!it->used || it->parent < 0) continue;
            int worker = it->worker;
            it->worker = -1; /* a worker keeps a session, but not in the tree */
            if (!sim_session_exists(s, i)) it->parent = -1, it->spawner = 0, again = true;
            it->worker = worker;
        }
    }
}

/* No permit lies idle while somebody could use it: with first come first served, this is what excludes starvation. */
static void check_lane(struct sim *s, enum policy_lane lane)
{
    int used = 0, waiting = 0, resuming = 0, ready = 0, spare = 0, live = 0;
    for (int i = 0; i < s->turn_count; i++) {
        const struct sim_turn *t = &s->turns[i];
        if (t->lane != lane) continue;
        used += t->state == POLICY_TURN_STARTING || t->state == POLICY_TURN_RUNNING;
        waiting += t->state == POLICY_TURN_PENDING || t->state == POLICY_TURN_QUEUED;
        resuming += t->state == POLICY_TURN_RESUMING;
    }
    for (int i = 0; i < SESSIONS; i++) ready += s->sessions[i].ready_seq && s->sessions[i].ready_lane == lane;
    for (int i = 0; i < WORKERS; i++) {
        spare += s->workers[i].state == W_FREE || s->workers[i].state == W_IDLE;
        live += s->workers[i].state != W_UNUSED;
    }
    struct policy_lane_info info = policy_lane_info(s->policy, lane);
    bool starts = !s->stopping || (s->limits.drain_all && !s->drained);
    bool permit = used<s->limits.lane_cap[lane], worker = spare> 0 || live < s->limits.workers_max;
    RULE(s, info.used == used && info.waiting == waiting, "lane %d: used %d, waiting %d; expected %d, %d", lane, info.used, info.waiting,
         used, waiting);
    RULE(s, !(permit && resuming), "lane %d: a permit is free and a turn wants to resume", lane);
    RULE(s, !(permit && ready && worker && starts), "lane %d: a permit is free and %d sessions wait for it", lane, ready);
}

/* Marks the session of a turn or a slot, and all above it, as busy. */
static void mark_busy(const struct sim *s, int session, bool busy[SESSIONS])
{
    for (int at = session; at >= 0; at = s->sessions[at].parent) busy[at] = true;
}

static void check_busy(struct sim *s)
{
    bool busy[SESSIONS] = { false };
    for (int i = 0; i < s->turn_count; i++) {
        const struct sim_turn *t = &s->turns[i];
        struct policy_turn_info info = policy_turn_info(s->policy, t->id);
        int parent = s->sessions[t->session].parent;
        mark_busy(s, t->session, busy);
        const struct sim_turn *whole = t->lead ? sim_turn_find(s, t->lead) : t;
        RULE(s, whole && info.of_turn == t->lead && !t->parts_ended, "turn %ld is part of %ld", (long)t->id, (long)info.of_turn);
        RULE(s, info.state == t->state && info.stopping == (whole->aborted != REASON_NONE), "turn %ld: state %d, stopping %d", (long)t->id,
             info.state, info.stopping);
        RULE(s, str_is(info.parent, parent < 0 ? "" : s->sessions[parent].key), "turn %ld: parent %.*s", (long)t->id, STR_ARG(info.parent));
    }
    for (int i = 0; i < SLOTS; i++)
        if (s->slots[i].handle) mark_busy(s, s->slots[i].parent, busy);
    for (int i = 0; i < SESSIONS; i++)
        RULE(s, !s->sessions[i].used || policy_session_busy(s->policy, str_of(s->sessions[i].key)) == busy[i], "session %s: busy %d",
             s->sessions[i].key, !busy[i]);
    for (int i = 0; i < WORKERS; i++) {
        const struct sim_worker *w = &s->workers[i];
        struct policy_worker_info info = policy_worker_info(s->policy, i);
        bool bound = w->state == W_IDLE || w->state == W_BUSY;
        RULE(s, info.known == (w->state != W_UNUSED) && info.turn == w->turn, "worker %d: turn %ld, expected %ld", i, (long)info.turn,
             (long)w->turn);
        RULE(s, str_is(info.session, bound ? s->sessions[w->session].key : ""), "worker %d: session %.*s", i, STR_ARG(info.session));
    }
}

static void check_sessions(struct sim *s)
{
    int waiting[SESSIONS] = { 0 };
    int64_t active[SESSIONS] = { 0 };
    bool stored[SESSIONS] = { false }; /* the store has told where it stands in the tree */
    const struct sim_turn *one = s->event->kind == POLICY_STORED ? sim_turn_find(s, s->event->turn) : NULL;
    const struct sim_turn *lead = one && one->steer ? sim_collect_steered(s, one->session) : NULL;
    RULE(s, !lead || s->steered == lead->id, "turn %ld is not told what waits for it", lead ? (long)lead->id : 0);
    if (s->event->kind == POLICY_STEER && sim_turn_find(s, s->event->turn)) sim_collect_joined(s, sim_turn_find(s, s->event->turn), true);
    for (int i = 0; i < s->turn_count; i++) {
        const struct sim_turn *t = &s->turns[i];
        stored[t->session] |= t->state != POLICY_TURN_PENDING;
        waiting[t->session] += t->state == POLICY_TURN_PENDING || t->state == POLICY_TURN_QUEUED;
        if (sim_is_active(t)) {
            RULE(s, !active[t->session], "session %s runs two turns", s->sessions[t->session].key);
            active[t->session] = t->id;
        }
        RULE(s, !t->must_end && !t->must_cancel, "turn %ld was not reached by the stop", (long)t->id);
        RULE(s, policy_turn_state(s->policy, t->id) == t->state, "turn %ld: state %d, expected %d", (long)t->id,
             policy_turn_state(s->policy, t->id), t->state);
    }
    for (int i = 0; i < SESSIONS; i++) {
        const struct sim_session *it = &s->sessions[i];
        if (!it->used) continue;
        bool due = s->event->kind == POLICY_TICK && it->held && it->quiet_ms <= s->now_ms;
        RULE(s, !due && (!it->held || !s->stopping), "session %s is held too long", it->key);
        struct policy_session_info info = policy_session_info(s->policy, str_of(it->key));
        RULE(s, info.known == sim_session_exists(s, i), "session %s: known %d", it->key, info.known);
        RULE(s, info.turn == active[i] && info.waiting == waiting[i], "session %s: turn %ld, waiting %d", it->key, (long)info.turn,
             info.waiting);
        RULE(s, info.worker == it->worker, "session %s: worker %d, expected %d", it->key, info.worker, it->worker);
        RULE(s, info.children == sim_children(s, i), "session %s: %d children, expected %d", it->key, info.children, sim_children(s, i));
        RULE(s, !stored[i] || info.depth == it->depth, "session %s: depth %d, expected %d", it->key, info.depth, it->depth);
    }
}

static void check_workers(struct sim *s)
{
    int idle = 0, free_ = 0, live = 0;
    int64_t oldest_idle = INT64_MAX, oldest_free = INT64_MAX;
    for (int i = 0; i < WORKERS; i++) {
        const struct sim_worker *w = &s->workers[i];
        live += w->state != W_UNUSED;
        idle += w->state == W_IDLE;
        free_ += w->state == W_FREE;
        if (w->state == W_IDLE && w->since_ms < oldest_idle) oldest_idle = w->since_ms;
        if (w->state == W_FREE && w->since_ms < oldest_free) oldest_free = w->since_ms;
    }
    struct policy_counts counts = policy_counts(s->policy);
    RULE(s, counts.workers == live && counts.workers_idle == idle && counts.workers_free == free_, "workers %d, idle %d, free %d",
         counts.workers, counts.workers_idle, counts.workers_free);
    RULE(s, idle <= s->limits.warm_max, "%d idle sessions keep a worker", idle);
    if (s->event->kind != POLICY_TICK) return;
    RULE(s, !idle || oldest_idle + s->limits.park_after_ms > s->now_ms, "a session was not parked");
    RULE(s, free_ <= s->limits.spare_workers_max || oldest_free + s->limits.spare_after_ms > s->now_ms, "a spare worker was not stopped");
    int64_t due = policy_next_due(s->policy);
    RULE(s, due == -1 || due > s->now_ms, "the next tick is due at once, for ever");
}

static void check_counts(struct sim *s)
{
    struct policy_counts counts = policy_counts(s->policy);
    int slots = 0, requests = 0, active = 0, waiting = 0, pending = s->zombie_count;
    for (int i = 0; i < SLOTS; i++) slots += s->slots[i].handle != 0;
    for (int i = 0; i < REQUESTS; i++) requests += s->requests[i].id != 0;
    for (int i = 0; i < s->turn_count; i++) {
        active += sim_is_active(&s->turns[i]);
        pending += s->turns[i].state == POLICY_TURN_PENDING;
        waiting += s->turns[i].state == POLICY_TURN_QUEUED;
    }
    RULE(s, counts.spawns == slots, "%d child slots, expected %d", counts.spawns, slots);
    RULE(s, counts.requests == requests, "%d requests, expected %d", counts.requests, requests);
    RULE(s, counts.turns == s->turn_count + s->zombie_count, "%d turns, expected %d", counts.turns, s->turn_count + s->zombie_count);
    int ended = 0;
    for (int i = 0; i < s->keep_count; i++) ended += s->keeps[i].ended;
    RULE(s, counts.keys >= s->keep_count - ended, "a key of a running turn is forgotten");
    RULE(s, s->event->kind != POLICY_TICK || counts.keys == s->keep_count, "%d keys, expected %d", counts.keys, s->keep_count);
    bool drained = s->stopping && !active && !pending && !(waiting && s->limits.drain_all);
    RULE(s, !drained || s->drained, "nothing runs, but it was not said");
}

void sim_settled(struct sim *s)
{
    RULE(s, !s->wants || s->got, "action %s did not come (reason %s)", sim_action_name(s->want), policy_reason_name(s->want_reason));
    prune(s);
    for (int i = 0; i < LANE_COUNT; i++) check_lane(s, (enum policy_lane)i);
    check_sessions(s);
    check_busy(s);
    check_workers(s);
    check_counts(s);
    sim_models_settled(s);
}
