/** actors/policy.h -- every decision of the router, as a pure function of events and time.
 *
 *  In:     one struct policy_event per policy_step(); what each kind reads stands at enum policy_event_kind
 *  Out:    struct policy_action, in the order they must be carried out; enum policy_action_kind
 *  Owns:   turns, sessions, workers, lanes and permits, the spawn tree, model requests, provider cooldowns, idempotency
 *          keys; all strings of an event are copied, bodies and reply addresses stay with the caller
 *  Thread: the caller's; no clock, no socket, no global. One policy_t is used by one thread at a time
 *  Source: DESIGN sections 2, 5, 6, 8; checked by tests/sim/sim_policy.c
 *
 *  A turn: SUBMIT -> DO_STORE -> STORED -> DO_ACK -> (waits) -> DO_RUN -> TURN_DONE -> DO_END. What a session runs is a turn,
 *  one at a time, in order of submission. Heads of sessions that run nothing queue for their lane's permits in the order in
 *  which they became such heads; in the sub-agent lane the requesters take turns, and each one's children keep that order.
 *  Turns that wait in a session with one `collect` value are joined when the first of them gets its permit: DO_COLLECT for each
 *  other one, which has no permit of its own and ends just before the first, in the same way. One that is to steer may also join a
 *  turn that runs: DO_STEER tells that one's thread, which asks by STEER when it can take a message in. One that interrupts stops the
 *  turn in hand, when that is a person's, too. What came during a run and may be joined waits, after that run, until nothing has
 *  come for its pause, so that who writes three lines gets one answer; a session that runs nothing starts at once.
 *  A turn ends exactly once: DO_REFUSE, DO_DUPLICATE, DO_DROP or DO_END. A model request ends exactly once:
 *  DO_MODEL_REFUSED, the event MODEL_OK, DO_MODEL_FAILED or DO_MODEL_CANCEL. */
#ifndef ACTORS_POLICY_H
#define ACTORS_POLICY_H

#include "base/failure.h"

typedef struct policy policy_t;

enum {
    POLICY_KEY_MAX = 512,                       /* bytes of a session key, an agent id or an idempotency key */
    POLICY_CANDIDATES_MAX = 16,                 /* candidates of one model request */
    POLICY_PROVIDERS_MAX = 64,                  /* providers */
    POLICY_ALLOW_MAX = 256,                     /* names in one spawn's allowlist */
    POLICY_WORKERS_MAX = 65536,                 /* no limit may ask for more workers */
    POLICY_CHILDREN_MAX = 1024,                 /* no limit may ask for more children of one session */
    POLICY_COLLECT_MAX = 64,                    /* turns that run as one */
    POLICY_COLLECT_BYTES_MAX = 8 * 1024 * 1024, /* of their messages together; a single one may be longer */
    POLICY_PAUSES_MAX = 20,                     /* messages that may put off those that wait before them */
};

enum policy_lane { LANE_MAIN, LANE_SUBAGENT, LANE_CRON, LANE_COUNT };

/* Who makes room when a session's queue is full: nobody, or its oldest waiting turn (summarize: the caller keeps its text). */
enum policy_drop { POLICY_DROP_NEW, POLICY_DROP_OLD, POLICY_DROP_SUMMARIZE };

/* What budgets are of. A session's counts what its sub-agents use, too; an agent's is that of a day. */
enum policy_scope { SCOPE_TURN, SCOPE_SESSION, SCOPE_AGENT, SCOPE_DAY, SCOPE_COUNT };

struct policy_spent {
    int64_t tokens, micros; /* millionths of a US dollar */
};

/* Every count and time the policy obeys. Out of range values are brought into range. Defaults: policy_limits_default(). */
struct policy_limits {
    int lane_cap[LANE_COUNT];                /* turns with a permit at once: 4, 8, 1 */
    int lane_waiting_max;                    /* turns waiting in one lane: 10000 */
    int queue_cap;                           /* bounded turns waiting in one session: 20 (messages.queue.cap) */
    enum policy_drop queue_drop;             /* messages.queue.drop */
    int workers_max;                         /* session threads: 4096 + lane_cap[LANE_SUBAGENT] */
    int warm_max;                            /* sessions that keep their worker while idle: 64 */
    int64_t park_after_ms;                   /* ... for so long: 300000 */
    int spare_workers_max;                   /* unbound workers kept for ever: 8 */
    int64_t spare_after_ms;                  /* others are stopped after so long unbound: 60000 */
    int idempotent_max;                      /* ended turns whose idempotency key is remembered: 1000 */
    int64_t idempotent_ms;                   /* ... for so long: 300000 */
    int64_t retry_after_max_ms;              /* longest Retry-After that is waited for instead of moving on: 5000 */
    int spawn_depth_max;                     /* agents.defaults.subagents.maxSpawnDepth: 1 */
    int children_max;                        /* agents.defaults.subagents.maxChildrenPerAgent: 5 */
    struct policy_spent budget[SCOPE_COUNT]; /* 0: no limit (budgets.*) */
    bool drain_all;                          /* after STOP_ACCEPTING run what waits, too */
};

enum policy_outcome { POLICY_OK, POLICY_FAILED, POLICY_ABORTED, POLICY_DROPPED };

enum policy_reason {
    REASON_NONE,
    REASON_STOPPING,        /* refusals: the gateway is stopping */
    REASON_QUEUE_FULL,      /* the session's queue is at queue_cap */
    REASON_LANE_FULL,       /* the lane is at lane_waiting_max */
    REASON_TOO_LONG,        /* a key is empty or above POLICY_KEY_MAX */
    REASON_SPAWN_GONE,      /* the spawn named by a SUBMIT was stopped, or is not this session's */
    REASON_SPAWN_DEPTH,     /* spawn refusals: current and max are set */
    REASON_SPAWN_CHILDREN,  /* current and max are set */
    REASON_SPAWN_DENIED,    /* the target is not in the allowlist */
    REASON_SPAWN_UNKNOWN,   /* the target agent is not configured */
    REASON_SPAWN_EXISTS,    /* the child's session key is in use */
    REASON_NOT_RUNNING,     /* model refusals: the turn is unknown, waits, or is being stopped */
    REASON_REQUEST_OPEN,    /* the turn has an open request, or the request id is in use */
    REASON_CANDIDATES_MANY, /* more than POLICY_CANDIDATES_MAX */
    REASON_BUDGET,          /* model refusals: scope, spent and budget are set */
    REASON_USER,            /* aborts */
    REASON_CLIENT_GONE,
    REASON_TIMEOUT,
    REASON_INTERRUPTED,   /* a later message of its session took its place (messages.queue.mode interrupt) */
    REASON_KILLED,        /* by the one that spawned it, which is told of that; its own descendants end as REASON_USER, silently */
    REASON_STORE_FAILED,  /* ends: the turn could not be made durable */
    REASON_WORKER_FAILED, /* ends: its session thread failed */
    REASON_COUNT
};

/** "main", "subagent", "cron": what lanes are called on the wire and in the store. Static. Any thread. */
const char *policy_lane_name(enum policy_lane lane);

/** The wire and log name of a reason ("queue_full"). Static. Any thread. */
const char *policy_reason_name(enum policy_reason reason);

/* One model a request may use. */
struct policy_candidate {
    int provider;   /* from policy_provider_add(), or -1: no such provider or no key */
    uint64_t model; /* tells two models of one provider apart; any hash of its name */
};

/* What became of one candidate of a request. */
enum policy_fate {
    POLICY_NOT_TRIED,
    POLICY_TRIED,             /* failed with `failure` (FAILURE_none while it is being tried) */
    POLICY_SKIPPED_COOLING,   /* cools down until `until_ms` because of `failure` */
    POLICY_SKIPPED_DOWN,      /* its actor is not running */
    POLICY_SKIPPED_UNKNOWN,   /* provider -1 or not registered */
    POLICY_SKIPPED_DUPLICATE, /* the same provider and model stand earlier in the list */
};

struct policy_tried {
    int provider; /* as in the request */
    enum policy_fate fate;
    enum failure failure;
    int64_t until_ms;
};

enum policy_event_kind {
    /* Turns. SUBMIT: turn, session, agent, lane; idempotency, bounded, collect, spawn, replaces, requester, depth when they apply. */
    POLICY_SUBMIT,
    POLICY_STORED, /* turn, ok; requester, depth, spent (of the session) as the store knows them; steer, interrupts, alone, pause_ms. A turn
                    * that was aborted meanwhile ends  here, without DO_ACK;  the turn that it replaces is stopped, and its child slot
                    * passes on */
    POLICY_RECOVER,    /* as SUBMIT, for what the store holds from before: no bound, no DO_STORE, no DO_ACK; spawn != 0: it is
                        * the run that `requester` spawned the session for, and takes a child slot */
    POLICY_TURN_DONE,  /* turn, outcome */
    POLICY_ABORT,      /* turn, or turn 0 and session: all its turns; reason. cascade: also every descendant, of a turn:
                        * those its session did not spawn in another turn */
    POLICY_WAIT_BEGIN, /* turn: waits for another session, its permit is free meanwhile */
    POLICY_WAIT_END,   /* turn: wants to go on, which is DO_RESUME */
    POLICY_STEER,      /* turn: can take in what waits to steer it: DO_COLLECT for each */
    /* Workers. FAILED and GONE come after the thread's mailbox has closed: the index may be used again at once. */
    POLICY_WORKER_READY,  /* worker */
    POLICY_WORKER_FAILED, /* worker */
    POLICY_WORKER_GONE,   /* worker, after DO_STOP_WORKER */
    /* Budgets. Days are numbers that never fall; a later one than the last begins the day's counts anew. */
    POLICY_SPENT,        /* turn, spent, day: an answer of a model was paid for */
    POLICY_SPENT_LOADED, /* agent, spent, day: as persisted */
    /* Models. attempt: as in DO_TRY, so that an answer of an earlier try is known as such; 0: the current one. */
    POLICY_MODEL_REQUEST,   /* request, turn, day, candidates, candidate_count */
    POLICY_MODEL_VISIBLE,   /* request, attempt: text has reached the user */
    POLICY_MODEL_OK,        /* request, attempt */
    POLICY_MODEL_FAILED,    /* request, attempt, failure, retry_after_ms (-1: none), visible */
    POLICY_MODEL_ABORTED,   /* request: its turn gave it up and goes on */
    POLICY_COOLDOWN_LOADED, /* provider, until_ms, errors, failure: as persisted from DO_COOLDOWN */
    POLICY_PROVIDER_DOWN,   /* provider: its actor died; open requests fail as FAILURE_network */
    POLICY_PROVIDER_UP,     /* provider */
    /* Spawns. SPAWN: turn (the parent's), session (the child's key), target, target_known, allow, allow_count, allow_any. */
    POLICY_SPAWN,
    POLICY_CHILD_ENDED, /* spawn: given up before its SUBMIT; afterwards the end of the child's turn does it */
    /* The whole. */
    POLICY_STOP_ACCEPTING,
    POLICY_CONFIG, /* limits */
    POLICY_TICK,
    POLICY_EVENT_COUNT
};

/* One event; fields its kind does not name are not read. Strings and arrays are borrowed for the call. */
struct policy_event {
    enum policy_event_kind kind;
    enum policy_lane lane;
    int64_t turn;                              /* > 0, chosen by the caller, never used twice while known */
    struct str session;                        /* 1..POLICY_KEY_MAX bytes */
    struct str agent;                          /* 1..POLICY_KEY_MAX bytes; a session's agent is the one of its first turn */
    struct str idempotency;                    /* 0..POLICY_KEY_MAX bytes; the caller makes it unique across clients */
    int64_t spawn;                             /* handle of DO_SPAWN_OK, 0: none */
    int64_t replaces;                          /* a turn of the same session whose place it takes once it is stored; 0: none */
    uint64_t collect;                          /* 0: it runs alone; waiting turns of a session with the same value may run as one */
    int64_t bytes;                             /* with collect: of its message */
    struct str requester;                      /* session that spawned this one, from the caller's durable record; empty: none or unknown */
    int64_t request;                           /* > 0, chosen by the caller, never used twice while known */
    const struct policy_candidate *candidates; /* in order of preference */
    size_t candidate_count;
    int64_t retry_after_ms;
    int64_t pause_ms; /* STORED, with collect: when it came during a run, it waits until nothing has come for so long */
    int64_t until_ms;
    struct str target;       /* agent id */
    const struct str *allow; /* agent ids; the requester's own agent is always allowed */
    size_t allow_count;
    const struct policy_limits *limits;
    struct policy_spent spent;
    int64_t day;
    int depth; /* this session's depth, from the caller's durable record; the spawn tree's wins when it is larger */
    enum policy_outcome outcome;
    enum policy_reason reason;
    int worker;
    int attempt;
    enum failure failure;
    int provider;
    int errors;
    bool steer;      /* STORED: it may join a turn that runs */
    bool interrupts; /* STORED: a person's turn that runs in its session is stopped */
    bool alone;      /* STORED: it is never collected, nor collects */
    bool bounded;    /* counts against queue_cap; false for callers that hold a connection */
    bool ok;
    bool cascade;
    bool visible;
    bool target_known;
    bool allow_any;
};

enum policy_action_kind {
    POLICY_DO_STORE,         /* turn: make it durable, then STORED */
    POLICY_DO_ACK,           /* turn: is durable */
    POLICY_DO_DUPLICATE,     /* turn is a repeat of of_turn: in_flight, else outcome */
    POLICY_DO_REFUSE,        /* turn, reason, current and max when it is a bound */
    POLICY_DO_DROP,          /* turn made room for of_turn: it has ended as POLICY_DROPPED */
    POLICY_DO_START,         /* worker: start its thread, then WORKER_READY; turn: for whom */
    POLICY_DO_RUN,           /* turn, worker; fresh: the worker must load the session; session borrowed until the next step */
    POLICY_DO_RESUME,        /* turn, worker: has its permit again */
    POLICY_DO_CANCEL,        /* turn, worker, reason: stop it; TURN_DONE is still to come */
    POLICY_DO_END,           /* turn, outcome, reason; of_turn: it was collected into that one, which ends next */
    POLICY_DO_PARK,          /* worker: free the session's memory; unbound from here on */
    POLICY_DO_STOP_WORKER,   /* worker: end the thread, then WORKER_GONE */
    POLICY_DO_TRY,           /* request, turn, candidate (index), provider, attempt (1, 2, ...) */
    POLICY_DO_SWITCH,        /* request, turn, from, candidate, failure: DO_TRY of `candidate` follows */
    POLICY_DO_RETRY_LATER,   /* request, turn, candidate, failure, until_ms: the same candidate again, at that time */
    POLICY_DO_MODEL_FAILED,  /* request, turn, failure (the last tried one's), tried, tried_count; visible */
    POLICY_DO_MODEL_CANCEL,  /* request, turn, provider, attempt, reason: stop it, no answer is awaited */
    POLICY_DO_MODEL_REFUSED, /* request, turn, reason */
    POLICY_DO_COOLDOWN,      /* provider, until_ms (0: none any more), errors, failure: persist it */
    POLICY_DO_SPAWN_OK,      /* turn, spawn, depth (the child's): SUBMIT the child with it */
    POLICY_DO_SPAWN_REFUSED, /* turn, reason, current, max */
    POLICY_DO_DRAINED,       /* after STOP_ACCEPTING: nothing runs any more; said once */
    POLICY_DO_COLLECT,       /* turn: its message is part of of_turn, for which DO_RUN or DO_START follows, or which asked by STEER */
    POLICY_DO_STEER,         /* turn, worker: something waits that may join it */
    POLICY_ACTION_COUNT
};

/* One action; fields its kind does not name are 0. */
struct policy_action {
    enum policy_action_kind kind;
    enum policy_reason reason;
    int64_t turn;
    int64_t of_turn;
    int64_t request;
    int64_t spawn;
    int64_t until_ms;
    struct str session;
    const struct policy_tried *tried; /* one per candidate, in order; valid until the next step */
    int tried_count;
    int worker;
    int provider;
    int candidate;
    int from;
    int attempt;
    int errors;
    int depth;
    int current;
    int max;
    struct policy_spent spent, budget; /* REASON_BUDGET: of `budget` the part that is used up alone is set */
    enum policy_scope scope;
    enum failure failure;
    enum policy_outcome outcome;
    bool in_flight;
    bool fresh;
    bool visible;
};

/** The defaults named at struct policy_limits. */
struct policy_limits policy_limits_default(void);

/** @return 0, or GW_ENOMEM and *out is NULL. The caller owns *out: policy_destroy(). */
int policy_create(const struct policy_limits *limits, policy_t **out);
void policy_destroy(policy_t **policy_p); /* frees all, sets NULL; NULL is allowed */

/** Register a provider by name (copied, for queries); it is up.
 *  @param index  its index from now on: that of one that was removed, else the next of 0, 1, 2, ...
 *  @return 0, GW_EFULL at POLICY_PROVIDERS_MAX, GW_ELIMIT for a name over 63 bytes */
int policy_provider_add(policy_t *policy, struct str name, int *index);

/** Forget a provider, its cooldown too; its index may be given to the next one that is added.
 *  @return 0; GW_EBUSY while an open request has it among its candidates; GW_ENOENT */
int policy_provider_remove(policy_t *policy, int index);

/** Take one event in.
 *  @param now_ms  Unix time in ms that does not run backwards (wall clock at start plus monotonic time since);
 *                 an earlier one than in the last step counts as no time passed
 *  @return 0; GW_ENOENT for a turn, request, worker, spawn or provider that is not known (any more): an ordinary race,
 *          nothing changed; GW_EINVAL for an event that does not fit the state or is malformed, nothing changed;
 *          GW_ENOMEM: the policy is unusable from here on, end the process -- what was accepted is in the store */
int policy_step(policy_t *policy, const struct policy_event *event, int64_t now_ms);

/** The actions of the last step, in order; borrowed until the next step. */
const struct policy_action *policy_actions(const policy_t *policy, size_t *count);

/** When a POLICY_TICK is due, in ms as now_ms (may be past); -1: not until another event came. */
int64_t policy_next_due(const policy_t *policy);

/* Queries: for /readyz, metrics and the UI. They read only. */

enum policy_turn_state {
    POLICY_TURN_UNKNOWN,  /* never seen, or ended */
    POLICY_TURN_PENDING,  /* the store has it */
    POLICY_TURN_QUEUED,   /* durable, waits */
    POLICY_TURN_STARTING, /* has its permit, its worker's thread is starting */
    POLICY_TURN_RUNNING,
    POLICY_TURN_WAITING,   /* waits for another session, without a permit */
    POLICY_TURN_RESUMING,  /* wants its permit back */
    POLICY_TURN_DROPPED,   /* was dropped while the store had it */
    POLICY_TURN_COLLECTED, /* runs as part of another */
    POLICY_TURN_STATE_COUNT
};
enum policy_turn_state policy_turn_state(const policy_t *policy, int64_t turn);

struct policy_lane_info {
    int used; /* permits held */
    int cap;
    int waiting; /* turns that are pending or queued */
};
struct policy_lane_info policy_lane_info(const policy_t *policy, enum policy_lane lane);

struct policy_session_info {
    bool known;
    int64_t turn; /* the active one, 0: none */
    int waiting;  /* turns that are pending or queued */
    int worker;   /* -1: none bound */
    int depth;
    int children; /* reserved, waiting and running */
};
struct policy_session_info policy_session_info(const policy_t *policy, struct str session);

/** Whether the session or one that descends from it has a turn that has not ended, or a child slot waits for its turn. */
bool policy_session_busy(const policy_t *policy, struct str session);

struct policy_turn_info {
    enum policy_turn_state state; /* POLICY_TURN_UNKNOWN: the rest is zero */
    bool stopping;                /* it, or the one it was collected into, was told to end */
    int64_t of_turn;              /* the one it was collected into; 0: none */
    int depth;                    /* of its session in the spawn tree */
    struct str parent;            /* key of the session that spawned its session; empty: none. Borrowed until the next step */
};
struct policy_turn_info policy_turn_info(const policy_t *policy, int64_t turn);

struct policy_worker_info {
    bool known;         /* its thread runs, starts or is stopping */
    int64_t turn;       /* what it runs; 0: nothing */
    struct str session; /* what it is bound to; empty: nothing. Borrowed until the next step */
};
struct policy_worker_info policy_worker_info(const policy_t *policy, int worker);

struct policy_provider_info {
    struct str name; /* borrowed, for the policy's life */
    bool up;
    bool probing;         /* a cooldown has ended and one request finds out whether it is over */
    int64_t until_ms;     /* 0: not cooling down */
    int errors;           /* consecutive */
    enum failure failure; /* the last that counted */
    int open;             /* requests it works on */
};
/** @return 0, or GW_ENOENT and *out is zero. */
int policy_provider_info(const policy_t *policy, int provider, struct policy_provider_info *out);

struct policy_counts {
    int sessions;
    int turns;        /* not ended */
    int requests;     /* model requests, open */
    int spawns;       /* child slots taken */
    int keys;         /* idempotency keys remembered */
    int workers;      /* threads: starting, free, bound and busy */
    int workers_free; /* unbound */
    int workers_idle; /* bound to a session that runs nothing */
    bool stopping;
};
struct policy_counts policy_counts(const policy_t *policy);

/** Bytes in live objects (sessions, turns, requests, spawns, keys): 0 once all is over and parked. Tables that
 *  only grow to a fixed bound (workers, actions, providers) are not counted. */
size_t policy_memory(const policy_t *policy);

#endif
