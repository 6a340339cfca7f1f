/** tests/sim/sim.h -- what the policy must do, said a second time in the plainest way: arrays that are searched.
 *
 *  sim_policy.c makes random events and plays the world around the router; sim_turns.c and sim_models.c hold the oracle.
 *  sim_event() is told each event before the policy sees it, sim_action() each action in order, sim_settled() that the
 *  step is over. Each ends the program by sim_fail() when a rule is broken. */
#ifndef SIM_H
#define SIM_H

#include "actors/policy.h"

enum {
    ROOTS = 8, /* sessions that nobody spawned; the other places are children's */
    SESSIONS = 40,
    TURNS = 160,
    WORKERS = 64,
    SLOTS = 64,
    REQUESTS = 64,
    PROVIDERS = 4,
    KEYS = 10,
    KEEPS = 256,
    AGENTS = 4,
    COOLDOWNS = 64,
    TRACE = 30, /* events kept for the report */
    TRACE_ACTIONS = 12,
};

struct sim_session {
    bool used; /* the place is taken */
    char key[48];
    int agent, depth;
    int generation;                      /* of the place */
    int requester, requester_generation; /* durable record: who spawned it, -1 nobody */
    int parent;                          /* in the tree now, -1: not */
    int64_t spawner;
    int64_t ready_seq; /* since when it is ready, 0: it is not */
    int ready_group;
    enum policy_lane ready_lane;
    int64_t ring_seq; /* as a group of the sub-agent lane */
    bool held;        /* what waits in it could run, and more may come */
    int64_t quiet_ms, held_seq;
    int pauses;
    int passed, passed_max; /* grants to others since it was ready */
    struct policy_spent spent;
    int worker;
};

struct sim_turn {
    int64_t id;
    int session;
    enum policy_turn_state state;
    enum policy_lane lane;
    bool bounded;
    enum policy_reason aborted;
    int64_t request;
    uint64_t collect;
    struct policy_spent spent;
    bool steer;
    int64_t bytes, lead; /* lead: the turn it was collected into */
    int64_t replaces;    /* a turn that is over once this one is stored */
    bool parts_ended;    /* in this step: it must end, too */
    enum policy_outcome parts_outcome;
    int64_t resume_seq;
    int key;                    /* -1 */
    bool must_end, must_cancel; /* in this step */
};

enum sim_worker_state { W_UNUSED, W_STARTING, W_FREE, W_IDLE, W_BUSY, W_STOPPING };
struct sim_worker {
    enum sim_worker_state state;
    int session;
    int64_t turn, since_ms, since_seq;
};

struct sim_slot {
    int64_t handle; /* 0: place is free; -1: recovered */
    int parent, child;
    int64_t spawner, turn;
};

struct sim_keep {
    int key;
    int64_t turn;
    bool ended;
    enum policy_outcome outcome;
    int64_t ended_ms;
};

struct sim_request {
    int64_t id; /* 0: place is free */
    int64_t turn;
    int count, current, attempt;
    int provider[POLICY_CANDIDATES_MAX];
    uint64_t model[POLICY_CANDIDATES_MAX];
    bool tried[POLICY_CANDIDATES_MAX];
    enum failure failure[POLICY_CANDIDATES_MAX];
    bool retried, forced, visible, waits, may_retry_now;
    bool must_move; /* in this step it ends or takes another candidate */
    int64_t due_ms, tried_seq;
};

struct sim_provider {
    bool up;
    int errors;
    int64_t until_ms, error_ms, noted_seq, probe;
    enum failure failure;
};

struct sim_cooldown {
    int provider, errors;
    int64_t until_ms;
    enum failure failure;
};

struct sim_trace {
    int step;
    int64_t now_ms;
    int rc;
    struct policy_event event;
    struct policy_action actions[TRACE_ACTIONS];
    int action_count;
};

struct sim {
    uint64_t random;
    uint64_t seed;
    policy_t *policy;
    struct policy_limits limits;
    int64_t now_ms;   /* never runs backwards here; what the policy is told sometimes does */
    int64_t given_ms; /* the largest the policy was told */
    int64_t seq;
    int64_t last_turn, last_request, last_key;
    int64_t day, spent_day; /* the next event's; the latest that was told */
    struct policy_spent of_day, of_agent[AGENTS];
    struct sim_session sessions[SESSIONS];
    struct sim_turn turns[TURNS]; /* in order of submission */
    int64_t zombies[TURNS];       /* dropped, and the store still has them */
    struct sim_worker workers[WORKERS];
    struct sim_slot slots[SLOTS];
    struct sim_keep keeps[KEEPS]; /* in order of their ends, those in flight anywhere */
    struct sim_request requests[REQUESTS];
    struct sim_provider providers[PROVIDERS];
    struct sim_cooldown cooldowns[COOLDOWNS]; /* announcements due in this step */
    /* The event of this step and what must come of it. */
    int64_t steered; /* the turn that was told of a message in this step */
    const struct policy_event *event;
    enum policy_action_kind want;
    enum policy_reason want_reason;
    struct sim_trace trace[TRACE];
    int step;  /* so far */
    int steps; /* before the work is wound down */
    int turn_count, zombie_count, keep_count, trace_count;
    int cooldown_count, cooldown_seen;
    bool wants, got;
    bool stopping, drained;
    bool verbose;
};

void sim_fail(const struct sim *s, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));
const char *sim_action_name(enum policy_action_kind kind);
#define RULE(s, holds, ...)                                                                                                                \
    do {                                                                                                                                   \
        if (!(holds)) sim_fail((s), __VA_ARGS__);                                                                                          \
    } while (0)

struct sim_turn *sim_turn_find(struct sim *s, int64_t id);
int sim_session_find(const struct sim *s, struct str key);
bool sim_session_exists(const struct sim *s, int session); /* as an object of the policy */
int sim_children(const struct sim *s, int session);
bool sim_is_active(const struct sim_turn *t);
struct sim_request *sim_request_find(struct sim *s, int64_t id);

bool sim_is_waiting(const struct sim_turn *t);

/* sim_ready.c: who may run next. */
struct sim_turn *sim_active_of(struct sim *s, int session); /* NULL: it runs nothing */
struct sim_turn *sim_head_of(struct sim *s, int session);   /* what waits first in it, or NULL */
void sim_make_ready(struct sim *s, int session);            /* or held, when it can run */
void sim_unready(struct sim *s, int session);
void sim_pause(struct sim *s, const struct sim_turn *t, int64_t pause_ms); /* it was queued */
void sim_quiet(struct sim *s);                                             /* those whose pause is over become ready */

void sim_event(struct sim *s, const struct policy_event *e);
void sim_action(struct sim *s, const struct policy_action *a);
void sim_settled(struct sim *s);

/* sim_collect.c: turns that run as part of another. */
void sim_collect_check(struct sim *s, struct sim_turn *t, int64_t into);          /* DO_COLLECT */
void sim_collect_joined(struct sim *s, const struct sim_turn *lead, bool steers); /* it starts, or asks: it took along all it could */
void sim_turn_doom(struct sim_turn *t, enum policy_reason reason);                /* it is stopped in this step */
void sim_collect_queue_as(struct sim *s, struct sim_turn *t, const struct policy_event *e); /* it is stored */
struct sim_turn *sim_collect_steered(struct sim *s,
                                     int session); /* the turn that runs in it and may take in what waits first; NULL: none */
void sim_collect_part_ends(struct sim *s, const struct sim_turn *t, const struct policy_action *a);
void sim_collect_parts_ended(struct sim *s, const struct sim_turn *t, enum policy_outcome outcome);

/* sim_budgets.c */
uint64_t sim_random(struct sim *s);
void sim_budgets_limits(struct sim *s, struct policy_limits *limits); /* random ones */
void sim_budgets_event(struct sim *s, const struct policy_event *e);
bool sim_budgets_refuse(const struct sim *s, const struct sim_turn *t); /* a request of its */
void sim_budgets_check(struct sim *s, const struct policy_action *a);   /* DO_MODEL_REFUSED for a budget */

/* The models' half; the same three moments. */
void sim_models_event(struct sim *s, const struct policy_event *e);
void sim_models_action(struct sim *s, const struct policy_action *a);
void sim_models_settled(struct sim *s);

#endif
