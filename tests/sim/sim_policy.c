/* The simulator's driver: random events from a seed, and the world that answers the policy's actions.
 *
 *   sim_policy [--seeds N] [--first S] [--steps N]    seeds S .. S+N-1
 *   sim_policy --seed S [--steps N] [-v]              one seed; -v prints every event
 *
 * It exits 1 at the first broken rule and prints the seed, the step, the rule and the last events. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "tests/sim/sim.h"

enum { SEEDS_DEFAULT = 2000, STEPS_DEFAULT = 500 };

static const struct str agents[AGENTS] = { { "a0", 2 }, { "a1", 2 }, { "a2", 2 }, { "a3", 2 } };
static const struct str keys[KEYS] = { { "k0", 2 }, { "k1", 2 }, { "k2", 2 }, { "k3", 2 }, { "k4", 2 },
                                       { "k5", 2 }, { "k6", 2 }, { "k7", 2 }, { "k8", 2 }, { "k9", 2 } };

static int below(struct sim *s, int n)
{
    return (int)(sim_random(s) % (uint64_t)n);
}

static bool chance(struct sim *s, int percent)
{
    return below(s, 100) < percent;
}

/* Reporting */

static const char *const event_names[POLICY_EVENT_COUNT] = {
    "submit",       "stored",        "recover",         "turn_done",     "abort",        "wait_begin",    "wait_end",      "steer",
    "worker_ready", "worker_failed", "worker_gone",     "spent",         "spent_loaded", "model_request", "model_visible", "model_ok",
    "model_failed", "model_aborted", "cooldown_loaded", "provider_down", "provider_up",  "spawn",         "child_ended",   "stop_accepting",
    "config",       "tick",
};
static const char *const action_names[POLICY_ACTION_COUNT] = {
    "store",        "ack",           "duplicate", "refuse",      "drop",          "start",   "run",         "resume",
    "cancel",       "end",           "park",      "stop_worker", "try",           "switch",  "retry_later", "model_failed",
    "model_cancel", "model_refused", "cooldown",  "spawn_ok",    "spawn_refused", "drained", "collect",     "steer",
};

const char *sim_action_name(enum policy_action_kind kind)
{
    return action_names[kind];
}

static void print_step(const struct sim_trace *t)
{
    const struct policy_event *e = &t->event;
    printf("%4d t=%lld %s turn=%lld", t->step, (long long)t->now_ms, event_names[e->kind], (long long)e->turn);
    if (e->session.n) printf(" session=%.*s", STR_ARG(e->session));
    printf(" lane=%d worker=%d request=%lld provider=%d spawn=%lld %s retry_after=%lld outcome=%d ok=%d cascade=%d visible=%d rc=%d\n",
           e->lane, e->worker, (long long)e->request, e->provider, (long long)e->spawn, failure_name(e->failure),
           (long long)e->retry_after_ms, e->outcome, e->ok, e->cascade, e->visible, t->rc);
    for (int i = 0; i < t->action_count && i < TRACE_ACTIONS; i++) {
        const struct policy_action *a = &t->actions[i];
        printf("       -> %s turn=%lld of=%lld worker=%d request=%lld candidate=%d provider=%d %s %s until=%lld errors=%d spawn=%lld "
               "outcome=%d\n",
               action_names[a->kind], (long long)a->turn, (long long)a->of_turn, a->worker, (long long)a->request, a->candidate,
               a->provider, failure_name(a->failure), policy_reason_name(a->reason), (long long)a->until_ms, a->errors, (long long)a->spawn,
               a->outcome);
    }
    if (t->action_count > TRACE_ACTIONS) printf("       -> and %d more\n", t->action_count - TRACE_ACTIONS);
}

void sim_fail(const struct sim *s, const char *format, ...)
{
    va_list args;
    int from = s->trace_count > TRACE ? s->trace_count - TRACE : 0;
    for (int i = from; i < s->trace_count; i++) print_step(&s->trace[i % TRACE]);
    printf("\nseed %llu, step %d: ", (unsigned long long)s->seed, s->step);
    va_start(args, format);
    vprintf(format, args);
    va_end(args);
    printf("\nalone: sim_policy --seed %llu --steps %d\n", (unsigned long long)s->seed, s->steps);
    exit(1);
}

/* What happened in all seeds together: a rule about something that never happens would hold, too. */
static struct {
    int64_t actions[POLICY_ACTION_COUNT];
    int64_t reasons[REASON_COUNT];
    int64_t steps;
} seen;

static void count(const struct policy_action *actions, size_t n)
{
    seen.steps++;
    for (size_t i = 0; i < n; i++) {
        seen.actions[actions[i].kind]++;
        seen.reasons[actions[i].reason]++;
    }
}

/* @return how many kinds of action and reasons never came; prints them, or with `all` every count */
static int report(bool all)
{
    int missing = 0;
    printf("%lld events\n", (long long)seen.steps);
    for (int i = 0; i < POLICY_ACTION_COUNT; i++) {
        missing += seen.actions[i] == 0;
        if (all || !seen.actions[i]) printf("  action %s: %lld\n", action_names[i], (long long)seen.actions[i]);
    }
    for (int i = 0; i < REASON_COUNT; i++) {
        if (i == REASON_TOO_LONG) continue; /* a matter of one event alone: tests/unit/test_policy.c */
        missing += seen.reasons[i] == 0;
        if (all || !seen.reasons[i]) printf("  reason %s: %lld\n", policy_reason_name((enum policy_reason)i), (long long)seen.reasons[i]);
    }
    return missing;
}

static void record(struct sim *s, const struct policy_event *e, int rc)
{
    struct sim_trace *t = &s->trace[s->trace_count++ % TRACE];
    size_t n;
    const struct policy_action *actions = policy_actions(s->policy, &n);
    *t = (struct sim_trace){ .step = s->step, .now_ms = s->now_ms, .rc = rc, .event = *e, .action_count = (int)n };
    for (size_t i = 0; i < n && i < TRACE_ACTIONS; i++) t->actions[i] = actions[i];
    count(actions, n);
    if (s->verbose) print_step(t);
}

static void step(struct sim *s, const struct policy_event *e)
{
    bool backwards = s->now_ms == s->given_ms && chance(s, 3); /* counts as no time passed */
    sim_event(s, e);
    int rc = policy_step(s->policy, e, backwards ? s->now_ms - below(s, 100000) : s->now_ms);
    s->given_ms = s->now_ms;
    size_t n;
    const struct policy_action *actions = policy_actions(s->policy, &n);
    record(s, e, rc);
    RULE(s, rc == 0, "refused with %s", err_name(rc));
    for (size_t i = 0; i < n; i++) sim_action(s, &actions[i]);
    sim_settled(s);
}

/* An event that fits nothing: it must change nothing. */
static void bad_step(struct sim *s, const struct policy_event *e)
{
    size_t n, bytes = policy_memory(s->policy);
    struct policy_counts before = policy_counts(s->policy);
    int rc = policy_step(s->policy, e, s->now_ms);
    policy_actions(s->policy, &n);
    record(s, e, rc);
    RULE(s, rc == GW_ENOENT || rc == GW_EINVAL, "a senseless event was taken: %d", rc);
    struct policy_counts after = policy_counts(s->policy);
    RULE(s, n == 0 && before.turns == after.turns && before.requests == after.requests && before.workers == after.workers,
         "a senseless event changed something");
    RULE(s, policy_memory(s->policy) <= bytes, "a senseless event took memory");
}

/* Random picks */

static struct sim_turn *any_turn(struct sim *s, enum policy_turn_state state)
{
    int n = 0;
    struct sim_turn *found = NULL;
    for (int i = 0; i < s->turn_count; i++)
        if (s->turns[i].state == state && below(s, ++n) == 0) found = &s->turns[i];
    return found;
}

static int any_worker(struct sim *s, enum sim_worker_state state)
{
    int n = 0, found = -1;
    for (int i = 0; i < WORKERS; i++)
        if (s->workers[i].state == state && below(s, ++n) == 0) found = i;
    return found;
}

static struct sim_request *any_request(struct sim *s)
{
    int n = 0;
    struct sim_request *found = NULL;
    for (int i = 0; i < REQUESTS; i++)
        if (s->requests[i].id && below(s, ++n) == 0) found = &s->requests[i];
    return found;
}

static int any_session(struct sim *s)
{
    int n = 0, found = 0;
    for (int i = 0; i < SESSIONS; i++)
        if (s->sessions[i].used && below(s, ++n) == 0) found = i;
    return found;
}

static struct sim_slot *any_reserved(struct sim *s)
{
    int n = 0;
    struct sim_slot *found = NULL;
    for (int i = 0; i < SLOTS; i++)
        if (s->slots[i].handle > 0 && !s->slots[i].turn && below(s, ++n) == 0) found = &s->slots[i];
    return found;
}

/* A place for a child's session with a key never used; -1: none is free. */
static int new_place(struct sim *s)
{
    for (int i = ROOTS; i < SESSIONS; i++) {
        struct sim_session *it = &s->sessions[i];
        bool wanted = it->used && sim_session_exists(s, i);
        for (int j = 0; j < SESSIONS && !wanted; j++)
            wanted = s->sessions[j].used && s->sessions[j].ring_seq && s->sessions[j].ready_group == i;
        if (wanted) continue;
        int generation = it->generation + 1;
        *it = (struct sim_session){ .used = true, .agent = -1, .generation = generation, .requester = -1, .parent = -1, .worker = -1 };
        snprintf(it->key, sizeof it->key, "agent:a:subagent:%lld", (long long)++s->last_key);
        return i;
    }
    return -1;
}

static enum policy_reason any_stop_reason(struct sim *s)
{
    static const enum policy_reason reasons[] = { REASON_USER, REASON_CLIENT_GONE, REASON_TIMEOUT, REASON_STOPPING, REASON_KILLED };
    return reasons[below(s, 5)];
}

/* Events */

static struct policy_event turn_event(struct sim *s, enum policy_event_kind kind, int session)
{
    const struct sim_session *it = &s->sessions[session];
    struct policy_event e = { .kind = kind, .turn = ++s->last_turn, .session = str_of(it->key), .depth = it->depth };
    e.agent = agents[it->agent < 0 ? below(s, AGENTS) : it->agent];
    e.lane = it->depth > 0 ? LANE_SUBAGENT : chance(s, 70) ? LANE_MAIN : chance(s, 50) ? LANE_CRON : LANE_SUBAGENT;
    e.bounded = chance(s, 60);
    if (it->requester >= 0 && s->sessions[it->requester].generation == it->requester_generation)
        e.requester = str_of(s->sessions[it->requester].key);
    return e;
}

static void do_submit(struct sim *s)
{
    struct sim_slot *slot = chance(s, 60) ? any_reserved(s) : NULL;
    struct sim_turn *old = chance(s, 20) ? any_turn(s, (enum policy_turn_state)(POLICY_TURN_PENDING + below(s, 6))) : NULL;
    int session = slot ? slot->child : old ? old->session : chance(s, 85) ? below(s, ROOTS) : any_session(s);
    struct policy_event e = turn_event(s, POLICY_SUBMIT, session);
    if (s->sessions[session].agent < 0) return; /* a child's place whose spawn was refused */
    e.spawn = slot ? slot->handle : chance(s, 2) ? 1 + below(s, 20) : 0;
    if (chance(s, 15)) e.requester = (struct str){ 0 }, e.depth = 0; /* the store tells who it belongs to */
    if (old && (!slot || chance(s, 10))) e.replaces = old->id;
    if (chance(s, 30)) e.idempotency = keys[below(s, KEYS)];
    if (chance(s, 60)) e.collect = 1 + (uint64_t)chance(s, 20);
    e.bytes = chance(s, 90) ? below(s, 100) : POLICY_COLLECT_BYTES_MAX - below(s, 150);
    step(s, &e);
}

static void do_recover(struct sim *s)
{
    int session = any_session(s);
    struct policy_event e = turn_event(s, POLICY_RECOVER, session);
    if (s->sessions[session].agent < 0) return;
    e.spawn = e.requester.n && chance(s, 50);
    e.bounded = false;
    step(s, &e);
}

static void do_stored(struct sim *s)
{
    struct sim_turn *t = any_turn(s, POLICY_TURN_PENDING);
    struct policy_event e = { .kind = POLICY_STORED };
    if (t) e = turn_event(s, POLICY_STORED, t->session);
    e.turn = t ? t->id : 0;
    e.ok = chance(s, 92);
    e.steer = chance(s, 30);
    if (chance(s, 20)) e.spent.tokens = below(s, 500);
    e.interrupts = !e.steer && chance(s, 8);
    e.alone = !e.steer && chance(s, 8);
    if (chance(s, 40)) e.pause_ms = below(s, 3) * 500;
    if (s->zombie_count && chance(s, 50)) e.turn = s->zombies[below(s, s->zombie_count)];
    if (e.turn) step(s, &e);
}

static void do_done(struct sim *s)
{
    struct sim_turn *t = any_turn(s, chance(s, 85) ? POLICY_TURN_RUNNING : chance(s, 50) ? POLICY_TURN_WAITING : POLICY_TURN_RESUMING);
    if (!t) return;
    struct policy_event e = { .kind = POLICY_TURN_DONE, .turn = t->id, .outcome = chance(s, 70) ? POLICY_OK : POLICY_FAILED };
    if (t->aborted && chance(s, 80)) e.outcome = POLICY_ABORTED;
    step(s, &e);
}

static void do_abort(struct sim *s)
{
    struct policy_event e = { .kind = POLICY_ABORT, .reason = any_stop_reason(s), .cascade = chance(s, 60) };
    int session = any_session(s);
    if (s->turn_count && chance(s, 60))
        e.turn = s->turns[below(s, s->turn_count)].id;
    else if (sim_session_exists(s, session))
        e.session = str_of(s->sessions[session].key);
    else
        return;
    step(s, &e);
}

static void do_wait(struct sim *s)
{
    bool begins = chance(s, 50);
    struct sim_turn *t = any_turn(s, begins ? POLICY_TURN_RUNNING : POLICY_TURN_WAITING);
    struct policy_event e = { .kind = begins ? POLICY_WAIT_BEGIN : POLICY_WAIT_END, .turn = t ? t->id : 0 };
    if (begins && t && !t->aborted && chance(s, 60)) e.kind = POLICY_STEER;
    if (t) step(s, &e);
}

static void do_worker(struct sim *s)
{
    struct policy_event e = { .kind = POLICY_WORKER_READY, .worker = any_worker(s, W_STARTING) };
    if (e.worker >= 0 && chance(s, 90)) {
        step(s, &e);
        return;
    }
    e = (struct policy_event){ .kind = POLICY_WORKER_GONE, .worker = any_worker(s, W_STOPPING) };
    if (e.worker >= 0 && chance(s, 90)) {
        step(s, &e);
        return;
    }
    e = (struct policy_event){ .kind = POLICY_WORKER_FAILED, .worker = any_worker(s, (enum sim_worker_state)(1 + below(s, 5))) };
    if (e.worker >= 0 && chance(s, 15)) step(s, &e);
}

static void do_request(struct sim *s)
{
    struct policy_candidate c[POLICY_CANDIDATES_MAX + 1];
    struct sim_turn *t = any_turn(s, chance(s, 97) ? POLICY_TURN_RUNNING : POLICY_TURN_WAITING);
    if (!t) return;
    size_t n = chance(s, 2) ? POLICY_CANDIDATES_MAX + 1 : (size_t)below(s, 20) % 7;
    for (size_t i = 0; i < n; i++) c[i] = (struct policy_candidate){ below(s, PROVIDERS + 2) - 1, (uint64_t)below(s, 2) };
    struct policy_event e = { .kind = POLICY_MODEL_REQUEST, .turn = t->id, .request = ++s->last_request, .candidates = c };
    e.candidate_count = n;
    e.day = s->day += chance(s, 1);
    if (chance(s, 30)) {
        bool loaded = chance(s, 10);
        e.kind = loaded ? POLICY_SPENT_LOADED : POLICY_SPENT;
        e.agent = agents[below(s, AGENTS)];
        e.spent = (struct policy_spent){ 10 * below(s, 10), 10 * below(s, 8) };
    }
    step(s, &e);
}

static void do_answer(struct sim *s)
{
    struct sim_request *r = any_request(s);
    if (!r) return;
    struct policy_event e = { .request = r->id, .attempt = chance(s, 80) ? r->attempt : 0, .retry_after_ms = -1 };
    if (r->waits || chance(s, 4)) {
        e.kind = POLICY_MODEL_ABORTED;
        if (chance(s, 10)) step(s, &e);
        return;
    }
    e.kind = chance(s, 35) ? POLICY_MODEL_OK : chance(s, 10) ? POLICY_MODEL_VISIBLE : POLICY_MODEL_FAILED;
    if (e.kind == POLICY_MODEL_FAILED) {
        e.failure = (enum failure)(1 + below(s, FAILURE_COUNT - 1));
        if (chance(s, 30)) e.failure = FAILURE_rate_limit;
        if (chance(s, 75)) e.retry_after_ms = chance(s, 80) ? below(s, 6000) : below(s, 100000000);
        e.visible = chance(s, 10);
    }
    step(s, &e);
}

static void do_provider(struct sim *s)
{
    struct policy_event e = { .kind = POLICY_PROVIDER_DOWN, .provider = below(s, PROVIDERS) };
    if (!s->providers[e.provider].up || chance(s, 30)) e.kind = POLICY_PROVIDER_UP;
    if (chance(s, 10)) {
        e.kind = POLICY_COOLDOWN_LOADED;
        e.until_ms = s->now_ms + below(s, 100000) - 50000;
        e.errors = 1 + below(s, 6);
        e.failure = chance(s, 50) ? FAILURE_billing : FAILURE_rate_limit;
    }
    step(s, &e);
}

static void do_spawn(struct sim *s)
{
    struct str allow[AGENTS];
    size_t n = 0;
    struct sim_turn *t = any_turn(s, chance(s, 95) ? POLICY_TURN_RUNNING : POLICY_TURN_WAITING);
    int place = chance(s, 3) ? any_session(s) : new_place(s), target = below(s, AGENTS);
    if (!t || place < 0) return;
    for (int i = 0; i < AGENTS; i++)
        if (chance(s, 60)) allow[n++] = agents[i];
    struct policy_event e = { .kind = POLICY_SPAWN,
                              .turn = t->id,
                              .session = str_of(s->sessions[place].key),
                              .target = agents[target],
                              .target_known = chance(s, 95),
                              .allow = allow,
                              .allow_count = n,
                              .allow_any = chance(s, 30) };
    step(s, &e);
}

static void do_child_ended(struct sim *s)
{
    struct sim_slot *slot = any_reserved(s);
    struct policy_event e = { .kind = POLICY_CHILD_ENDED, .spawn = slot ? slot->handle : 0 };
    if (slot) step(s, &e);
}

static void do_bad(struct sim *s)
{
    struct sim_turn *running = any_turn(s, POLICY_TURN_RUNNING), *queued = any_turn(s, POLICY_TURN_QUEUED);
    struct sim_request *r = any_request(s);
    const struct policy_event bad[] = {
        { .kind = POLICY_STORED, .turn = running ? running->id : -5, .ok = true },
        { .kind = POLICY_TURN_DONE, .turn = queued ? queued->id : s->last_turn + 1 },
        { .kind = POLICY_SUBMIT, .turn = running ? running->id : 0, .session = STR("x"), .agent = STR("a0") },
        { .kind = POLICY_WAIT_END, .turn = running ? running->id : 0 },
        { .kind = POLICY_WORKER_READY, .worker = running ? s->sessions[running->session].worker : WORKERS },
        { .kind = POLICY_WORKER_GONE, .worker = -1 },
        { .kind = POLICY_MODEL_OK, .request = r ? r->id : 0, .attempt = r ? r->attempt + 1 : 0 },
        { .kind = POLICY_MODEL_FAILED, .request = s->last_request + 1, .failure = FAILURE_server },
        { .kind = POLICY_ABORT, .session = STR("nobody"), .reason = REASON_USER },
        { .kind = POLICY_CHILD_ENDED, .spawn = 1000000 },
        { .kind = POLICY_PROVIDER_DOWN, .provider = PROVIDERS },
        { .kind = POLICY_CONFIG },
        { .kind = POLICY_EVENT_COUNT - 1 + 1 },
    };
    struct policy_event e = bad[below(s, (int)(sizeof bad / sizeof bad[0]))];
    if ((int)e.kind == POLICY_EVENT_COUNT) return;
    bad_step(s, &e);
}

static struct policy_limits random_limits(struct sim *s)
{
    struct policy_limits l = policy_limits_default();
    for (int i = 0; i < LANE_COUNT; i++) l.lane_cap[i] = below(s, 5);
    l.lane_waiting_max = chance(s, 80) ? 30 : below(s, 6);
    l.queue_cap = below(s, 5);
    l.queue_drop = (enum policy_drop)below(s, 3);
    l.workers_max = chance(s, 50) ? 1 + below(s, 8) : WORKERS;
    l.warm_max = below(s, 6);
    l.park_after_ms = 1 + below(s, 5000);
    l.spare_workers_max = below(s, 4);
    l.spare_after_ms = 1 + below(s, 5000);
    l.idempotent_max = below(s, 6);
    l.idempotent_ms = 1 + below(s, 20000);
    l.spawn_depth_max = below(s, 4);
    l.children_max = below(s, 4);
    l.drain_all = chance(s, 40);
    if (chance(s, 40)) sim_budgets_limits(s, &l);
    return l;
}

static void do_config(struct sim *s)
{
    struct policy_limits l = random_limits(s);
    struct policy_event e = { .kind = POLICY_CONFIG, .limits = &l };
    step(s, &e);
}

static void do_tick(struct sim *s)
{
    struct policy_event e = { .kind = POLICY_TICK };
    int64_t due = policy_next_due(s->policy);
    if (due > s->now_ms && chance(s, 40))
        s->now_ms = due - chance(s, 10);
    else if (chance(s, 8))
        s->now_ms += (int64_t)below(s, 40000000) * (chance(s, 20) ? 10 : 1);
    else
        s->now_ms += below(s, 400);
    step(s, &e);
}

static void do_stop(struct sim *s)
{
    struct policy_event e = { .kind = POLICY_STOP_ACCEPTING };
    if (chance(s, 4)) step(s, &e);
}

/* A run of the simulator */

static void random_event(struct sim *s)
{
    static const struct {
        void (*make)(struct sim *);
        int weight;
    } kinds[] = { { do_submit, 22 },  { do_stored, 20 }, { do_done, 12 },    { do_abort, 4 },  { do_wait, 12 },       { do_worker, 14 },
                  { do_request, 14 }, { do_answer, 22 }, { do_provider, 2 }, { do_spawn, 12 }, { do_child_ended, 1 }, { do_bad, 2 },
                  { do_config, 1 },   { do_tick, 8 },    { do_recover, 1 },  { do_stop, 1 } };
    enum { WEIGHTS = 148 };
    int pick = below(s, WEIGHTS);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; pick -= kinds[i++].weight) {
        if (pick >= kinds[i].weight) continue;
        kinds[i].make(s);
        return;
    }
}

/* All work comes to its end: then nothing may be left but what is bound to be forgotten with time. */
static void wind_down(struct sim *s)
{
    struct policy_limits l = s->limits;
    for (int i = 0; i < LANE_COUNT; i++)
        if (l.lane_cap[i] == 0) l.lane_cap[i] = 1;
    struct policy_event e = { .kind = POLICY_CONFIG, .limits = &l };
    step(s, &e);
    for (int guard = 0; s->turn_count || s->zombie_count || any_reserved(s) || any_worker(s, W_STOPPING) >= 0; guard++) {
        RULE(s, guard < 20000, "work does not come to an end: %d turns left", s->turn_count);
        s->step++;
        do_stored(s);
        do_worker(s);
        do_done(s);
        do_child_ended(s);
        if (chance(s, 10)) do_tick(s);
        /* What a stop left waiting stays waiting: it is in the store. Here it is withdrawn. */
        if (s->stopping && s->turn_count) {
            e = (struct policy_event){ .kind = POLICY_ABORT, .turn = s->turns[0].id, .reason = REASON_USER };
            if (s->turns[0].state == POLICY_TURN_QUEUED) step(s, &e);
        }
    }
    s->now_ms += 400000000;
    e = (struct policy_event){ .kind = POLICY_TICK };
    for (int i = 0; i < 3; i++) step(s, &e); /* the second one frees what the first one's actions still named */
    struct policy_counts counts = policy_counts(s->policy);
    RULE(s, policy_memory(s->policy) == 0, "%zu bytes left: %d sessions, %d spawns, %d keys", policy_memory(s->policy), counts.sessions,
         counts.spawns, counts.keys);
}

static void start(struct sim *s)
{
    s->random = s->seed;
    s->now_ms = 1700000000000;
    s->limits = random_limits(s);
    RULE(s, policy_create(&s->limits, &s->policy) == 0, "no memory");
    for (int i = 0; i < SESSIONS; i++) s->sessions[i] = (struct sim_session){ .parent = -1, .worker = -1, .requester = -1 };
    for (int i = 0; i < ROOTS; i++) {
        s->sessions[i].used = true;
        s->sessions[i].agent = below(s, AGENTS);
        snprintf(s->sessions[i].key, sizeof s->sessions[i].key, "agent:a%d:main%d", s->sessions[i].agent, i);
    }
    for (int i = 0; i < PROVIDERS; i++) {
        int index;
        s->providers[i].up = true;
        RULE(s, policy_provider_add(s->policy, STR("p"), &index) == 0 && index == i, "provider %d", i);
    }
}

static void run_seed(struct sim *s, uint64_t seed, int steps, bool verbose)
{
    memset(s, 0, sizeof *s);
    s->seed = seed;
    s->verbose = verbose;
    s->steps = steps;
    start(s);
    while (s->step < s->steps) {
        s->step++;
        random_event(s);
    }
    wind_down(s);
    policy_destroy(&s->policy);
}

static uint64_t number(const char *text)
{
    char *end;
    uint64_t value = text ? strtoull(text, &end, 10) : 0;
    if (text && *text && !*end) return value;
    fprintf(stderr, "sim_policy: a number is expected, not '%s'\n", text ? text : "");
    exit(2);
}

int main(int argc, char **argv)
{
    static struct sim sim;
    uint64_t seeds = SEEDS_DEFAULT, first = 1;
    int steps = STEPS_DEFAULT;
    bool verbose = false;
    for (int i = 1; i < argc; i++) {
        struct str arg = str_of(argv[i]);
        if (str_is(arg, "-v")) {
            verbose = true;
        } else if (str_is(arg, "--seeds")) {
            seeds = number(argv[++i]);
        } else if (str_is(arg, "--first")) {
            first = number(argv[++i]);
        } else if (str_is(arg, "--steps")) {
            steps = (int)number(argv[++i]);
        } else if (str_is(arg, "--seed")) {
            first = number(argv[++i]);
            seeds = 1;
        } else {
            fprintf(stderr, "usage: sim_policy [--seeds N] [--first S] [--steps N] [--seed S] [-v]\n");
            return 2;
        }
    }
    for (uint64_t i = 0; i < seeds; i++) run_seed(&sim, first + i, steps, verbose);
    int missing = report(verbose);
    if (missing && seeds >= SEEDS_DEFAULT) {
        printf("sim_policy: %d kinds of action or reason never came: the simulator does not try hard enough\n", missing);
        return 1;
    }
    printf("sim_policy: %llu seeds from %llu, %d steps each: all rules hold\n", (unsigned long long)seeds, (unsigned long long)first,
           steps);
    return 0;
}
