/* The oracle for turns, lanes, workers, the spawn tree, stops and idempotency keys. */
#include "tests/sim/sim.h"

struct sim_turn *sim_turn_find(struct sim *s, int64_t id)
{
    for (int i = 0; i < s->turn_count; i++)
        if (s->turns[i].id == id) return &s->turns[i];
    return NULL;
}

int sim_session_find(const struct sim *s, struct str key)
{
    for (int i = 0; i < SESSIONS; i++)
        if (s->sessions[i].used && str_is(key, s->sessions[i].key)) return i;
    return -1;
}

bool sim_is_active(const struct sim_turn *t)
{
    return t->state >= POLICY_TURN_STARTING && t->state <= POLICY_TURN_RESUMING;
}

bool sim_is_waiting(const struct sim_turn *t)
{
    return t->state == POLICY_TURN_PENDING || t->state == POLICY_TURN_QUEUED;
}

static bool has_permit(const struct sim_turn *t)
{
    return t->state == POLICY_TURN_STARTING || t->state == POLICY_TURN_RUNNING;
}

static int used(const struct sim *s, enum policy_lane lane)
{
    int n = 0;
    for (int i = 0; i < s->turn_count; i++) n += s->turns[i].lane == lane && has_permit(&s->turns[i]);
    return n;
}

static int waiting(const struct sim *s, enum policy_lane lane)
{
    int n = 0;
    for (int i = 0; i < s->turn_count; i++) n += s->turns[i].lane == lane && sim_is_waiting(&s->turns[i]);
    return n;
}

int sim_children(const struct sim *s, int session)
{
    int n = 0;
    for (int i = 0; i < SLOTS; i++) n += s->slots[i].handle && s->slots[i].parent == session;
    return n;
}

/* Something keeps it in the tree: a turn, a slot on either side, a child. */
static bool is_alive(const struct sim *s, int session)
{
    for (int i = 0; i < s->turn_count; i++)
        if (s->turns[i].session == session) return true;
    for (int i = 0; i < SLOTS; i++)
        if (s->slots[i].handle && (s->slots[i].parent == session || s->slots[i].child == session)) return true;
    for (int i = 0; i < SESSIONS; i++)
        if (s->sessions[i].used && s->sessions[i].parent == session) return true;
    return false;
}

bool sim_session_exists(const struct sim *s, int session)
{
    return s->sessions[session].worker >= 0 || is_alive(s, session);
}

static int free_workers(const struct sim *s, enum sim_worker_state state)
{
    int n = 0;
    for (int i = 0; i < WORKERS; i++) n += s->workers[i].state == state;
    return n;
}

static int live_workers(const struct sim *s)
{
    return WORKERS - free_workers(s, W_UNUSED);
}

/* Turn t gets a permit: it must be its lane's next. */
static void check_grant(struct sim *s, struct sim_turn *t)
{
    struct sim_session *own = &s->sessions[t->session];
    RULE(s, t->state == POLICY_TURN_QUEUED, "turn %ld starts though it is not waiting", (long)t->id);
    RULE(s, !t->aborted, "turn %ld starts though it was stopped", (long)t->id);
    RULE(s, sim_head_of(s, t->session) == t, "turn %ld overtakes in its session", (long)t->id);
    RULE(s, own->ready_seq && !sim_active_of(s, t->session), "turn %ld: its session runs another", (long)t->id);
    RULE(s, used(s, t->lane) < s->limits.lane_cap[t->lane], "lane %d above its cap of %d", t->lane, s->limits.lane_cap[t->lane]);
    RULE(s, !s->stopping || (s->limits.drain_all && !s->drained), "turn %ld starts while stopping", (long)t->id);
    for (int i = 0; i < s->turn_count; i++)
        RULE(s, s->turns[i].lane != t->lane || s->turns[i].state != POLICY_TURN_RESUMING, "turn %ld starts before one that resumes",
             (long)t->id);
    int64_t ring = s->sessions[own->ready_group].ring_seq;
    for (int i = 0; i < SESSIONS; i++) {
        struct sim_session *other = &s->sessions[i];
        if (other == own || !other->ready_seq || other->ready_lane != t->lane) continue;
        bool same = t->lane != LANE_SUBAGENT || other->ready_group == own->ready_group;
        RULE(s, !same || own->ready_seq < other->ready_seq, "turn %ld overtakes session %s in its lane", (long)t->id, other->key);
        RULE(s, same || ring < s->sessions[other->ready_group].ring_seq, "turn %ld takes the turn of requester %s", (long)t->id,
             s->sessions[other->ready_group].key);
        RULE(s, ++other->passed <= other->passed_max, "session %s starves", other->key);
    }
    sim_collect_joined(s, t, false);
    sim_unready(s, t->session);
    own->quiet_ms = own->pauses = 0;
    if (t->lane == LANE_SUBAGENT && s->sessions[own->ready_group].ring_seq) s->sessions[own->ready_group].ring_seq = ++s->seq;
}

static void check_start(struct sim *s, struct sim_turn *t, int worker)
{
    RULE(s, worker >= 0 && worker < WORKERS && s->workers[worker].state == W_UNUSED, "worker %d cannot be started", worker);
    RULE(s, live_workers(s) < s->limits.workers_max, "more than %d workers", s->limits.workers_max);
    RULE(s, s->sessions[t->session].worker < 0 && !free_workers(s, W_FREE), "a new worker though there is one");
    check_grant(s, t);
    t->state = POLICY_TURN_STARTING;
    s->workers[worker] = (struct sim_worker){ .state = W_STARTING, .session = t->session, .turn = t->id };
}

static void check_run(struct sim *s, struct sim_turn *t, const struct policy_action *a)
{
    RULE(s, a->worker >= 0 && a->worker < WORKERS, "worker %d is none", a->worker);
    struct sim_worker *w = &s->workers[a->worker];
    RULE(s, str_is(a->session, s->sessions[t->session].key), "turn %ld runs for another session", (long)t->id);
    RULE(s, a->fresh == (s->sessions[t->session].worker != a->worker), "turn %ld: wrong fresh", (long)t->id);
    if (t->state == POLICY_TURN_STARTING) {
        RULE(s, w->state == W_STARTING && w->turn == t->id, "turn %ld on a worker that was not started for it", (long)t->id);
        RULE(s, s->event->kind == POLICY_WORKER_READY && s->event->worker == a->worker, "worker %d is not ready", a->worker);
        RULE(s, !t->aborted, "turn %ld runs though it was stopped", (long)t->id);
    } else {
        check_grant(s, t);
        int own = s->sessions[t->session].worker;
        RULE(s, own < 0 ? w->state == W_FREE : own == a->worker && w->state == W_IDLE, "turn %ld on the wrong worker", (long)t->id);
        for (int i = 0; i < WORKERS && own < 0; i++)
            RULE(s, s->workers[i].state != W_FREE || s->workers[i].since_seq <= w->since_seq, "not the worker used last");
    }
    t->state = POLICY_TURN_RUNNING;
    s->sessions[t->session].worker = a->worker;
    *w = (struct sim_worker){ .state = W_BUSY, .session = t->session, .turn = t->id };
}

static void set_free(struct sim *s, struct sim_worker *w, enum sim_worker_state state)
{
    *w = (struct sim_worker){ .state = state, .session = state == W_IDLE ? w->session : -1, .since_ms = s->now_ms, .since_seq = ++s->seq };
}

static void check_park(struct sim *s, int worker)
{
    struct sim_worker *w = &s->workers[worker];
    RULE(s, w->state == W_IDLE, "worker %d is parked though it is not idle", worker);
    for (int i = 0; i < WORKERS; i++)
        RULE(s, s->workers[i].state != W_IDLE || s->workers[i].since_seq >= w->since_seq, "worker %d is not idle longest", worker);
    s->sessions[w->session].worker = -1;
    set_free(s, w, W_FREE);
}

/* The slots a turn holds, as child or with reservations, go with it. */
static void free_slots(struct sim *s, int64_t turn)
{
    for (int i = 0; i < SLOTS; i++)
        if (s->slots[i].turn == turn || (!s->slots[i].turn && s->slots[i].spawner == turn)) s->slots[i].handle = 0;
}

static struct sim_slot *slot_of(struct sim *s, int64_t handle)
{
    for (int i = 0; i < SLOTS; i++)
        if (handle > 0 && s->slots[i].handle == handle) return &s->slots[i];
    return NULL;
}

static struct sim_slot *new_slot(struct sim *s)
{
    for (int i = 0; i < SLOTS; i++)
        if (!s->slots[i].handle) return &s->slots[i];
    sim_fail(s, "the simulator's table of slots is full");
}

static void key_gone(struct sim *s, int i)
{
    memmove(&s->keeps[i], &s->keeps[i + 1], (size_t)(--s->keep_count - i) * sizeof s->keeps[0]);
}

static struct sim_keep *keep_of(struct sim *s, int key)
{
    for (int i = 0; i < s->keep_count; i++)
        if (s->keeps[i].key == key) return &s->keeps[i];
    return NULL;
}

static void expire(struct sim *s)
{
    int ended = 0;
    for (int i = s->keep_count - 1; i >= 0; i--) {
        const struct sim_keep *k = &s->keeps[i];
        if (k->ended && (++ended > s->limits.idempotent_max || s->now_ms - k->ended_ms >= s->limits.idempotent_ms)) key_gone(s, i);
    }
}

static void key_ended(struct sim *s, const struct sim_turn *t, enum policy_outcome outcome, bool lost)
{
    if (t->key < 0) return;
    key_gone(s, (int)(keep_of(s, t->key) - s->keeps));
    if (lost) return; /* nothing was added, so nothing has to go: a bound that shrank meanwhile is kept at the next tick */
    s->keeps[s->keep_count++] = (struct sim_keep){ t->key, t->id, true, outcome, s->now_ms };
    for (int i = s->keep_count - 1, ended = 0; i >= 0; i--)
        if (s->keeps[i].ended && ++ended > s->limits.idempotent_max) key_gone(s, i);
}

static void turn_gone(struct sim *s, struct sim_turn *t)
{
    int session = t->session;
    if (sim_is_waiting(t) && sim_head_of(s, session) == t) sim_unready(s, session);
    free_slots(s, t->id);
    memmove(t, t + 1, (size_t)(&s->turns[--s->turn_count] - t) * sizeof *t);
    sim_make_ready(s, session);
}

static void check_end(struct sim *s, struct sim_turn *t, const struct policy_action *a)
{
    const struct policy_event *e = s->event;
    if (t->state == POLICY_TURN_COLLECTED) {
        sim_collect_part_ends(s, t, a);
        key_ended(s, t, a->outcome, false);
        turn_gone(s, t);
        return;
    }
    sim_collect_parts_ended(s, t, a->outcome);
    bool by_store = e->kind == POLICY_STORED && e->turn == t->id && (!e->ok || t->aborted);
    bool by_done = e->kind == POLICY_TURN_DONE && e->turn == t->id && a->outcome == e->outcome;
    bool by_ready = e->kind == POLICY_WORKER_READY && s->workers[e->worker].turn == t->id && t->aborted;
    bool by_death = e->kind == POLICY_WORKER_FAILED && s->workers[e->worker].turn == t->id && a->outcome == POLICY_FAILED;
    RULE(s, t->must_end || by_store || by_done || by_ready || by_death, "turn %ld ends without a reason", (long)t->id);
    RULE(s, !t->request, "turn %ld ends with an open request", (long)t->id);
    if (by_store) RULE(s, a->outcome == (e->ok ? POLICY_ABORTED : POLICY_FAILED), "turn %ld: wrong outcome", (long)t->id);
    if (t->must_end || by_ready) RULE(s, a->outcome == POLICY_ABORTED, "turn %ld: wrong outcome", (long)t->id);
    for (int i = 0; i < WORKERS; i++)
        if (s->workers[i].turn == t->id && !by_death) set_free(s, &s->workers[i], by_ready ? W_FREE : W_IDLE);
    if (by_death) {
        s->sessions[t->session].worker = -1;
        s->workers[e->worker] = (struct sim_worker){ .state = W_UNUSED };
    }
    key_ended(s, t, a->outcome, by_store && !e->ok);
    turn_gone(s, t);
}

static void check_drop(struct sim *s, struct sim_turn *t)
{
    const struct sim_turn *oldest = NULL, *by = sim_turn_find(s, s->event->turn);
    RULE(s, s->event->kind == POLICY_SUBMIT && s->limits.queue_drop != POLICY_DROP_NEW, "turn %ld is dropped without a reason",
         (long)t->id);
    int n = 0;
    for (int i = 0; i < s->turn_count; i++) {
        if (s->turns[i].session != t->session || !sim_is_waiting(&s->turns[i]) || !s->turns[i].bounded) continue;
        if (n++ == 0) oldest = &s->turns[i];
    }
    RULE(s, n > s->limits.queue_cap && oldest == t && by && by->session == t->session, "turn %ld is not the one to drop", (long)t->id);
    if (t->state == POLICY_TURN_PENDING) s->zombies[s->zombie_count++] = t->id;
    key_ended(s, t, POLICY_DROPPED, false);
    turn_gone(s, t);
}

static void attach(struct sim *s, int session, int parent)
{
    if (s->sessions[session].parent >= 0 || parent < 0) return;
    for (int up = parent; up >= 0; up = s->sessions[up].parent)
        if (up == session) return;
    s->sessions[session].parent = parent;
}

static void add_turn(struct sim *s, const struct policy_event *e, enum policy_turn_state state)
{
    int session = sim_session_find(s, e->session), key = e->idempotency.n ? e->idempotency.p[1] - '0' : -1;
    RULE(s, s->turn_count < TURNS && s->keep_count < KEEPS, "the simulator's table of turns is full");
    s->turns[s->turn_count++] = (struct sim_turn){ .id = e->turn,
                                                   .session = session,
                                                   .state = state,
                                                   .lane = e->lane,
                                                   .bounded = e->bounded,
                                                   .collect = e->collect,
                                                   .bytes = e->bytes,
                                                   .replaces = e->replaces,
                                                   .key = key };
    if (key >= 0) s->keeps[s->keep_count++] = (struct sim_keep){ .key = key, .turn = e->turn };
    if (e->requester.n) attach(s, session, sim_session_find(s, e->requester));
}

static bool can_replace(struct sim *s, const struct policy_event *e, int session)
{
    const struct sim_turn *old = e->replaces ? sim_turn_find(s, e->replaces) : NULL;
    return !e->replaces || (old && old->session == session && !old->aborted && !old->lead);
}

static void submit(struct sim *s, const struct policy_event *e)
{
    int session = sim_session_find(s, e->session), bounded = 0;
    struct sim_slot *slot = slot_of(s, e->spawn);
    if (slot && (slot->turn || slot->child != session)) slot = NULL;
    for (int i = 0; i < s->turn_count; i++)
        bounded += s->turns[i].session == session && sim_is_waiting(&s->turns[i]) && s->turns[i].bounded;
    if (e->idempotency.n) expire(s);
    bool full = e->bounded && bounded >= s->limits.queue_cap;
    s->wants = true;
    s->want = POLICY_DO_REFUSE;
    s->want_reason = s->stopping                                                                     ? REASON_STOPPING
                     : e->spawn && !slot                                                             ? REASON_SPAWN_GONE
                     : !can_replace(s, e, session)                                                   ? REASON_NOT_RUNNING
                     : waiting(s, e->lane) >= s->limits.lane_waiting_max                             ? REASON_LANE_FULL
                     : full && (s->limits.queue_drop == POLICY_DROP_NEW || s->limits.queue_cap == 0) ? REASON_QUEUE_FULL
                                                                                                     : REASON_NONE;
    if (e->idempotency.n && keep_of(s, e->idempotency.p[1] - '0')) {
        s->want = POLICY_DO_DUPLICATE;
        s->want_reason = REASON_NONE;
    } else if (!s->want_reason) {
        s->want = POLICY_DO_STORE;
        add_turn(s, e, POLICY_TURN_PENDING);
        if (slot) slot->turn = e->turn;
        return;
    }
    if (slot) slot->handle = 0;
}

static void recover(struct sim *s, const struct policy_event *e)
{
    int session = sim_session_find(s, e->session);
    add_turn(s, e, POLICY_TURN_QUEUED);
    if (e->spawn && s->sessions[session].parent >= 0)
        *new_slot(s) = (struct sim_slot){ .handle = -1, .parent = s->sessions[session].parent, .child = session, .turn = e->turn };
    sim_make_ready(s, session);
}

static void spawn(struct sim *s, const struct policy_event *e)
{
    const struct sim_turn *t = sim_turn_find(s, e->turn);
    const struct sim_session *own = t ? &s->sessions[t->session] : NULL;
    int child = sim_session_find(s, e->session);
    bool allowed = e->allow_any;
    for (size_t i = 0; i < e->allow_count; i++) allowed |= str_eq(e->allow[i], e->target);
    if (own) allowed |= e->target.p[1] - '0' == own->agent;
    s->wants = true;
    s->want = POLICY_DO_SPAWN_REFUSED;
    s->want_reason = !t || t->state != POLICY_TURN_RUNNING || t->aborted     ? REASON_NOT_RUNNING
                     : s->stopping                                           ? REASON_STOPPING
                     : own->depth >= s->limits.spawn_depth_max               ? REASON_SPAWN_DEPTH
                     : sim_children(s, t->session) >= s->limits.children_max ? REASON_SPAWN_CHILDREN
                     : !allowed                                              ? REASON_SPAWN_DENIED
                     : !e->target_known                                      ? REASON_SPAWN_UNKNOWN
                     : sim_session_exists(s, child)                          ? REASON_SPAWN_EXISTS
                                                                             : REASON_NONE;
    if (!s->want_reason) s->want = POLICY_DO_SPAWN_OK;
}

static void spawned(struct sim *s, const struct policy_action *a)
{
    int child = sim_session_find(s, s->event->session), parent = sim_turn_find(s, a->turn)->session;
    struct sim_session *it = &s->sessions[child];
    it->generation++; /* a key that comes again is another session: what the former one spawned is not its own */
    it->depth = s->sessions[parent].depth + 1;
    it->agent = s->event->target.p[1] - '0';
    it->requester = parent;
    it->requester_generation = s->sessions[parent].generation;
    it->parent = parent;
    it->spawner = a->turn;
    RULE(s, a->depth == it->depth && a->depth <= s->limits.spawn_depth_max, "spawn at depth %d", a->depth);
    RULE(s, sim_children(s, parent) < s->limits.children_max, "one child too many");
    *new_slot(s) = (struct sim_slot){ .handle = a->spawn, .parent = parent, .child = child, .spawner = a->turn };
}

void sim_turn_doom(struct sim_turn *t, enum policy_reason reason)
{
    if (t->aborted || t->state == POLICY_TURN_COLLECTED) return; /* a part goes with its whole */
    if (t->state == POLICY_TURN_QUEUED) {
        t->must_end = true;
        return;
    }
    t->aborted = reason;
    if (t->state == POLICY_TURN_PENDING || t->state == POLICY_TURN_STARTING) return;
    if (t->state == POLICY_TURN_RESUMING) t->state = POLICY_TURN_WAITING;
    t->must_cancel = true;
}

static void abort_all(struct sim *s, const struct policy_event *e)
{
    struct sim_turn *one = e->turn ? sim_turn_find(s, e->turn) : NULL;
    if (one && one->lead) one = sim_turn_find(s, one->lead);
    int root = one ? one->session : sim_session_find(s, e->session);
    bool doomed[SESSIONS] = { false }, grown = e->cascade;
    for (int i = 0; i < SESSIONS && e->cascade; i++)
        doomed[i] =
            s->sessions[i].used && s->sessions[i].parent == root && (!one || !s->sessions[i].spawner || s->sessions[i].spawner == one->id);
    while (grown) {
        grown = false;
        for (int i = 0; i < SESSIONS; i++) {
            int up = s->sessions[i].used ? s->sessions[i].parent : -1;
            if (doomed[i] || up < 0 || !doomed[up]) continue;
            doomed[i] = grown = true;
        }
    }
    for (int i = 0; i < SLOTS && e->cascade; i++) {
        struct sim_slot *slot = &s->slots[i];
        if (!slot->handle || slot->turn) continue;
        if (doomed[slot->parent] || (slot->parent == root && (!one || slot->spawner == one->id))) slot->handle = 0;
    }
    if (!one) doomed[root] = true;
    if (one) sim_turn_doom(one, e->reason);
    for (int i = 0; i < s->turn_count; i++)
        if (doomed[s->turns[i].session]) /* who kills a child hears of it; what that one had started ends silently */
            sim_turn_doom(&s->turns[i], e->reason == REASON_KILLED && s->turns[i].session != root ? REASON_USER : e->reason);
}

/* The store has answered: the session's place in the tree is known, and a turn that `t` replaces is over. */
static void stored(struct sim *s, struct sim_turn *t, const struct policy_event *e)
{
    s->wants = t != NULL;
    s->want = e->ok && t && !t->aborted ? POLICY_DO_ACK : POLICY_DO_END;
    if (s->want == POLICY_DO_END && t) s->want_reason = e->ok ? t->aborted : REASON_STORE_FAILED;
    if (!t || !e->ok) return;
    if (e->requester.n) attach(s, t->session, sim_session_find(s, e->requester));
    bool replaces = t->replaces && sim_turn_find(s, t->replaces);
    for (int i = 0; i < SLOTS && replaces && !t->aborted; i++)
        if (s->slots[i].handle && s->slots[i].turn == t->replaces) s->slots[i].turn = t->id;
    const struct policy_event stop = { .turn = t->replaces, .reason = REASON_USER, .cascade = true };
    if (replaces) abort_all(s, &stop);
    if (!t->aborted) sim_collect_queue_as(s, t, e);
}

void sim_event(struct sim *s, const struct policy_event *e)
{
    struct sim_turn *t = sim_turn_find(s, e->turn);
    s->event = e;
    s->wants = s->got = false;
    s->steered = 0;
    sim_budgets_event(s, e);
    s->want_reason = REASON_NONE;
    switch ((int)e->kind) {
    case POLICY_SUBMIT: submit(s, e); break;
    case POLICY_RECOVER: recover(s, e); break;
    case POLICY_STORED:
        for (int i = 0; !t && i < s->zombie_count; i++)
            if (s->zombies[i] == e->turn) s->zombies[i--] = s->zombies[--s->zombie_count];
        stored(s, t, e);
        break;
    case POLICY_TURN_DONE:
        s->wants = true;
        s->want = POLICY_DO_END;
        s->want_reason = e->outcome == POLICY_ABORTED ? t->aborted : REASON_NONE;
        break;
    case POLICY_ABORT: abort_all(s, e); break;
    case POLICY_WAIT_BEGIN: t->state = POLICY_TURN_WAITING; break;
    case POLICY_WAIT_END:
        if (t->aborted) break;
        t->state = POLICY_TURN_RESUMING;
        t->resume_seq = ++s->seq;
        break;
    case POLICY_WORKER_READY:
        t = sim_turn_find(s, s->workers[e->worker].turn);
        s->wants = true;
        s->want = t->aborted ? POLICY_DO_END : POLICY_DO_RUN;
        s->want_reason = t->aborted;
        break;
    case POLICY_WORKER_FAILED: {
        struct sim_worker *w = &s->workers[e->worker];
        s->wants = w->turn != 0;
        s->want = POLICY_DO_END;
        s->want_reason = REASON_WORKER_FAILED;
        if (w->turn) break; /* the end of that turn takes it away */
        if (w->state == W_IDLE) s->sessions[w->session].worker = -1;
        *w = (struct sim_worker){ .state = W_UNUSED };
        break;
    }
    case POLICY_WORKER_GONE: s->workers[e->worker] = (struct sim_worker){ .state = W_UNUSED }; break;
    case POLICY_SPAWN: spawn(s, e); break;
    case POLICY_CHILD_ENDED: slot_of(s, e->spawn)->handle = 0; break;
    case POLICY_STOP_ACCEPTING:
        s->stopping = true;
        sim_quiet(s);
        break;
    case POLICY_CONFIG: s->limits = *e->limits; break;
    case POLICY_TICK:
        sim_quiet(s);
        expire(s);
        break;
    default: break;
    }
    sim_models_event(s, e);
}

static void check_resume(struct sim *s, struct sim_turn *t, int worker)
{
    RULE(s, t->state == POLICY_TURN_RESUMING && !t->aborted, "turn %ld resumes though it did not ask", (long)t->id);
    RULE(s, used(s, t->lane) < s->limits.lane_cap[t->lane], "lane %d above its cap", t->lane);
    for (int i = 0; i < s->turn_count; i++)
        RULE(s, s->turns[i].lane != t->lane || s->turns[i].state != POLICY_TURN_RESUMING || s->turns[i].resume_seq >= t->resume_seq,
             "turn %ld resumes before its time", (long)t->id);
    RULE(s, s->sessions[t->session].worker == worker, "turn %ld resumes elsewhere", (long)t->id);
    t->state = POLICY_TURN_RUNNING;
}

static void check_duplicate(struct sim *s, const struct policy_action *a)
{
    const struct sim_keep *k = keep_of(s, s->event->idempotency.p[1] - '0');
    RULE(s, k && a->of_turn == k->turn && a->in_flight == !k->ended, "turn %ld: wrong duplicate", (long)a->turn);
    RULE(s, !k->ended || a->outcome == k->outcome, "turn %ld: wrong outcome of its first", (long)a->turn);
}

void sim_action(struct sim *s, const struct policy_action *a)
{
    bool of_turn = a->kind == POLICY_DO_DROP || (a->kind >= POLICY_DO_RUN && a->kind <= POLICY_DO_END) || a->kind == POLICY_DO_START ||
                   a->kind == POLICY_DO_STORE || a->kind == POLICY_DO_ACK || a->kind == POLICY_DO_COLLECT || a->kind == POLICY_DO_STEER;
    struct sim_turn *t = sim_turn_find(s, a->turn);
    RULE(s, !of_turn || t, "turn %ld is not known (any more)", (long)a->turn);
    if (s->wants && a->kind == s->want && !s->got) {
        s->got = true;
        RULE(s, a->reason == s->want_reason, "reason %s, expected %s", policy_reason_name(a->reason), policy_reason_name(s->want_reason));
    } else {
        bool only_once = a->kind <= POLICY_DO_REFUSE || (a->kind >= POLICY_DO_SPAWN_OK && a->kind <= POLICY_DO_SPAWN_REFUSED);
        RULE(s, !only_once && a->kind != POLICY_DO_MODEL_REFUSED && a->kind != POLICY_DO_RETRY_LATER, "unexpected action %s",
             sim_action_name(a->kind));
    }
    switch ((int)a->kind) {
    case POLICY_DO_ACK:
        t->state = POLICY_TURN_QUEUED;
        sim_pause(s, t, s->event->pause_ms);
        sim_make_ready(s, t->session);
        break;
    case POLICY_DO_DUPLICATE: check_duplicate(s, a); break;
    case POLICY_DO_DROP: check_drop(s, t); break;
    case POLICY_DO_START: check_start(s, t, a->worker); break;
    case POLICY_DO_RUN: check_run(s, t, a); break;
    case POLICY_DO_RESUME: check_resume(s, t, a->worker); break;
    case POLICY_DO_CANCEL:
        RULE(s, t->must_cancel && !t->request && a->reason == t->aborted, "turn %ld is cancelled without a reason", (long)t->id);
        RULE(s, s->sessions[t->session].worker == a->worker, "turn %ld is cancelled elsewhere", (long)t->id);
        t->must_cancel = false;
        break;
    case POLICY_DO_COLLECT: sim_collect_check(s, t, a->of_turn); break;
    case POLICY_DO_STEER:
        RULE(s, sim_collect_steered(s, t->session) == t, "turn %ld is told of a message that it cannot take in", (long)t->id);
        RULE(s, s->sessions[t->session].worker == a->worker, "turn %ld is told elsewhere", (long)t->id);
        s->steered = t->id;
        break;
    case POLICY_DO_END: check_end(s, t, a); break;
    case POLICY_DO_PARK: check_park(s, a->worker); break;
    case POLICY_DO_STOP_WORKER:
        RULE(s, s->workers[a->worker].state == W_FREE, "worker %d is stopped though it is not free", a->worker);
        s->workers[a->worker].state = W_STOPPING;
        break;
    case POLICY_DO_MODEL_REFUSED:
        if (a->reason == REASON_BUDGET) sim_budgets_check(s, a);
        break;
    case POLICY_DO_SPAWN_OK: spawned(s, a); break;
    case POLICY_DO_DRAINED:
        RULE(s, s->stopping && !s->drained, "drained twice, or without a stop");
        s->drained = true;
        break;
    default: break;
    }
    sim_models_action(s, a);
}
