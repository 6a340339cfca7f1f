/** actors/policy_internal.h -- what the parts of the policy core share; included by actors/policy*.c alone.
 *
 *  Every handler checks its event first and changes state only when it will succeed. Memory for objects comes from
 *  policy_alloc(), which counts it and remembers a failure in policy->err; handlers then leave quietly. */
#ifndef ACTORS_POLICY_INTERNAL_H
#define ACTORS_POLICY_INTERNAL_H

#include "actors/policy.h"

/* A failed table insertion is seen by policy_indexed() and makes the policy unusable, instead of ending the process. */
#define HASH_NONFATAL_OOM 1
#include <assert.h>
#include <stddef.h>
#include <uthash.h>

/* Doubly linked lists through nodes inside the objects; a zeroed node is in no list, a zeroed list is empty. */
struct node {
    struct node *prev, *next;
    struct list *list; /* the list it is in, or NULL */
};
struct list {
    struct node *first, *last;
    int count;
};
void policy_list_push(struct list *list, struct node *node);                       /* as the last */
void policy_list_push_front(struct list *list, struct node *node);                 /* as the first */
void policy_list_insert(struct list *list, struct node *after, struct node *node); /* after NULL: as the first */
void policy_list_remove(struct node *node);                                        /* nothing happens when it is in no list */

/* The object that holds `node` as its `field`. */
#define HOLDER(node, type, field) ((type *)(void *)((char *)(node)-offsetof(type, field)))
/* The first object of a list, or NULL. */
#define FIRST(list, type, field) ((list)->first ? HOLDER((list)->first, type, field) : NULL)

/* Sessions that are ready to run, of one requester (sub-agent lane) or of a whole lane. */
struct group {
    struct node in_ring; /* lane.ring, while `ready` is not empty */
    struct list ready;   /* session.in_ready */
};

struct lane {
    int used;           /* permits held */
    int waiting;        /* turns pending or queued */
    struct list ring;   /* group.in_ring: groups take turns */
    struct group all;   /* the only group, except in the sub-agent lane */
    struct list resume; /* turn.in_resume: they come before new turns */
};

struct turn {
    size_t bytes; /* of this object: first in every counted one */
    int64_t id;
    UT_hash_handle hh;
    struct session *session;
    struct node in_waiting; /* session.waiting, while pending or queued */
    struct node in_bounded; /* session.bounded, as well, when it is bounded */
    struct node in_resume;  /* lane.resume */
    struct spawn *spawn;    /* the child slot it takes, or NULL */
    struct request *request;
    struct keep *keep; /* its idempotency key, or NULL */
    enum policy_turn_state state;
    enum policy_lane lane;
    enum policy_reason aborted; /* REASON_NONE: it is not being stopped */
    int64_t replaces;           /* as in the event */
    uint64_t collect;           /* as in the event */
    int64_t message_bytes;      /* of its message, and of those that it has collected */
    bool bounded, steer;        /* as in the events */
    struct policy_spent spent;
    struct turn *lead;     /* COLLECTED: what it runs as a part of */
    struct list collected; /* in_collected: its parts, in order */
    struct node in_collected;
};

struct session {
    size_t bytes;
    UT_hash_handle hh;
    struct list waiting; /* turns in order of submission */
    struct list bounded; /* those of them that count against queue_cap */
    struct turn *active; /* starting, running, waiting for another session, resuming */
    struct worker *worker;
    struct node in_ready; /* of a group: its first waiting turn only needs a permit */
    struct node in_held;  /* policy.held, instead: more may come that joins it */
    int64_t quiet_ms;     /* ... until then */
    int pauses;           /* messages that have put it off since its last turn began */
    struct group group;   /* its children in the sub-agent lane */
    struct session *parent;
    struct list children;      /* session.in_children: sessions it spawned that are not over */
    struct node in_children;   /* parent->children */
    struct list spawns;        /* spawn.in_parent: child slots it has taken */
    struct session *doomed;    /* next one of a stop that is being carried out */
    int64_t spawner;           /* the parent's turn that spawned it, 0: not known */
    int pins;                  /* slots and stops that need it to stay */
    struct policy_spent spent; /* since it is known here, or what the store knows when that is more */
    int depth;
    struct str key;   /* both in `text` */
    struct str agent; /* empty: not known yet */
    char text[];
};

enum worker_state { WORKER_UNUSED, WORKER_STARTING, WORKER_FREE, WORKER_IDLE, WORKER_BUSY, WORKER_STOPPING, WORKER_STATES };

struct worker {
    int index;
    enum worker_state state;
    struct session *session; /* IDLE, BUSY */
    struct turn *turn;       /* STARTING, BUSY */
    struct node in_list;     /* policy.unused, free or idle */
    int64_t since_ms;        /* FREE, IDLE: when it became so */
};

/* An idempotency key. */
struct keep {
    size_t bytes;
    UT_hash_handle hh;
    int64_t turn;
    bool ended;
    enum policy_outcome outcome;
    int64_t ended_ms;
    struct node in_ended;
    size_t n;
    char key[];
};

/* A child slot: reserved until its SUBMIT, then the child turn's. */
struct spawn {
    size_t bytes;
    int64_t id;
    UT_hash_handle hh;
    struct session *parent;
    struct session *child;
    struct node in_parent;
    int64_t spawner;   /* the parent's turn */
    struct turn *turn; /* the child's, NULL while reserved */
};

enum { NOT_IN_HEAP = -1 };

struct request {
    size_t bytes;
    int64_t id;
    UT_hash_handle hh;
    struct turn *turn;
    struct node in_provider; /* the current candidate's provider */
    struct request *dead;    /* next of those that ended in this step */
    int64_t due_ms;          /* of the retry it waits for */
    int heap_at;             /* in policy.retries, or NOT_IN_HEAP */
    int current;             /* candidate, -1 before the first */
    int attempt;
    bool retried; /* its one retry of the same candidate is spent */
    bool forced;  /* its one try of a candidate that cools down is spent */
    bool visible;
    uint64_t tried_step; /* when the current try began */
    int count;
    struct policy_tried tried[];
};

struct provider {
    char name[64];
    bool removed; /* its place is free */
    bool up;
    struct list open;
    struct request *probe;
    enum failure failure;
    int errors;
    int64_t until_ms;
    int64_t error_ms;    /* the last error that counted */
    uint64_t noted_step; /* likewise */
};

struct policy {
    struct policy_limits limits;
    int64_t now_ms;
    uint64_t steps;
    int err;
    size_t live_bytes;
    struct policy_action *actions;
    size_t action_count, action_cap;

    struct turn *turns;
    struct session *sessions;
    struct request *requests;
    struct spawn *spawns;
    struct keep *keeps;
    struct list ended; /* keeps of ended turns, oldest first */
    int64_t last_spawn;
    int active;  /* turns with a worker or waiting for one to start */
    int pending; /* turns the store has */
    bool stopping, drained;

    struct lane lanes[LANE_COUNT];

    struct list held; /* session.in_held, soonest first */

    struct worker **workers;
    int worker_count, worker_cap;   /* objects in `workers` */
    int live;                       /* workers that are not UNUSED */
    struct list unused, free, idle; /* free, idle: most recent first */

    struct provider providers[POLICY_PROVIDERS_MAX];
    int provider_count;
    struct request **retries; /* a binary heap by due_ms */
    int retry_count, retry_cap;
    struct request *dead;

    int64_t day;
    struct policy_spent of_day;
    struct account *accounts; /* of agents, of that day */
};

struct account {
    UT_hash_handle hh;
    struct policy_spent spent;
    struct str agent; /* in `text` */
    char text[];
};

/* policy.c */
struct policy_action *policy_act(policy_t *p, enum policy_action_kind kind); /* never NULL; zeroed but for the kind */
void *policy_alloc(policy_t *p, size_t bytes);                               /* zeroed, `bytes` set; NULL: p->err is set */
void policy_free(policy_t *p, void *object);
/* After HASH_ADD: whether the object is in its table; when not, p->err is set. */
bool policy_indexed(policy_t *p, const UT_hash_handle *hh);

/* policy_turns.c */
struct turn *policy_turn_find(const policy_t *p, int64_t id);
int policy_on_submit(policy_t *p, const struct policy_event *e);
int policy_on_stored(policy_t *p, const struct policy_event *e);
int policy_on_recover(policy_t *p, const struct policy_event *e);
int policy_on_turn_done(policy_t *p, const struct policy_event *e);
int policy_on_wait_begin(policy_t *p, const struct policy_event *e);
int policy_on_wait_end(policy_t *p, const struct policy_event *e);
void policy_turn_set(policy_t *p, struct turn *t, enum policy_turn_state state);
/* Out of its session's queue and lane count; the next in line moves up. */
void policy_turn_unqueue(policy_t *p, struct turn *t);
void policy_turn_end(policy_t *p, struct turn *t, enum policy_outcome outcome, enum policy_reason reason);

void policy_turn_forget(policy_t *p, struct turn *t); /* the last of it */

/* policy_budgets.c */
int policy_on_spent(policy_t *p, const struct policy_event *e);
int policy_on_spent_loaded(policy_t *p, const struct policy_event *e);
/* Whether a budget is used up that a request of this turn would draw on; then DO_MODEL_REFUSED says so. */
bool policy_budget_refuses(policy_t *p, const struct turn *t, const struct policy_event *e);
void policy_budgets_forget(policy_t *p); /* the agents' accounts */

/* policy_collect.c */
void policy_collect(policy_t *p, struct turn *lead, bool steers); /* joins what waits behind it; it has left the queue. steers: it runs */
void policy_steer_hint(policy_t *p, const struct session *s);     /* DO_STEER, when something waits that may join what runs */
int policy_on_steer(policy_t *p, const struct policy_event *e);
void policy_collected_end(policy_t *p, struct turn *lead, enum policy_outcome outcome, enum policy_reason reason);

/* policy_keys.c */
struct keep *policy_key_find(policy_t *p, struct str key); /* expired ones are forgotten on the way */
struct keep *policy_key_add(policy_t *p, struct str key, int64_t turn);
void policy_key_ended(policy_t *p, struct keep *k, enum policy_outcome outcome);
void policy_key_forget(policy_t *p, struct keep *k);
void policy_keys_expire(policy_t *p);

/* policy_sessions.c */
struct session *policy_session_find(const policy_t *p, struct str key);
struct session *policy_session_get(policy_t *p, struct str key, struct str agent); /* made when absent; NULL: p->err */
void policy_session_attach(struct session *s, struct session *parent);
void policy_session_settle(policy_t *p, struct session *s); /* into its lane's ready list when it can run, or held until it is quiet */
void policy_session_pause(policy_t *p, struct session *s, const struct turn *t, int64_t pause_ms); /* t was queued in it */
void policy_sessions_quiet(policy_t *p);                     /* what is held and need not be any more becomes ready */
void policy_session_release(policy_t *p, struct session *s); /* frees it, and parents, when nothing needs it */

/* policy_lanes.c */
void policy_lane_ready(policy_t *p, struct session *s);
void policy_lane_unready(struct session *s);
void policy_schedule(policy_t *p);

/* policy_workers.c */
struct worker *policy_worker_for(policy_t *p, struct session *s); /* NULL: none can be had now */
void policy_worker_run(policy_t *p, struct worker *w, struct turn *t);
void policy_worker_idle(policy_t *p, struct worker *w); /* its turn has ended */
void policy_workers_warm(policy_t *p);                  /* parks what is above warm_max */
void policy_workers_tick(policy_t *p);
int policy_on_worker_ready(policy_t *p, const struct policy_event *e);
int policy_on_worker_failed(policy_t *p, const struct policy_event *e);
int policy_on_worker_gone(policy_t *p, const struct policy_event *e);

/* policy_spawn.c */
int policy_on_spawn(policy_t *p, const struct policy_event *e);
int policy_on_child_ended(policy_t *p, const struct policy_event *e);
struct spawn *policy_spawn_find(const policy_t *p, int64_t id);
struct spawn *policy_spawn_add(policy_t *p, struct session *parent, struct session *child, int64_t spawner);
void policy_spawn_free(policy_t *p, struct spawn *spawn);
/* Frees the slots of `s` that have no SUBMIT yet; turn != 0: only those this turn took. */
void policy_spawn_unreserve(policy_t *p, struct session *s, int64_t turn);

/* policy_abort.c */
int policy_on_abort(policy_t *p, const struct policy_event *e);
void policy_interrupt(policy_t *p, const struct session *s); /* stops the person's turn that runs in it */

/* policy_models.c */
int policy_on_model_request(policy_t *p, const struct policy_event *e);
int policy_on_model_visible(policy_t *p, const struct policy_event *e);
int policy_on_model_ok(policy_t *p, const struct policy_event *e);
int policy_on_model_failed(policy_t *p, const struct policy_event *e);
int policy_on_model_aborted(policy_t *p, const struct policy_event *e);
int policy_on_provider_down(policy_t *p, const struct policy_event *e);
int policy_on_provider_up(policy_t *p, const struct policy_event *e);
void policy_request_cancel(policy_t *p, struct request *r, enum policy_reason reason);
void policy_request_retry(policy_t *p, struct request *r); /* its retry is due */
void policy_requests_bury(policy_t *p);                    /* frees those that ended in the last step */

/* policy_providers.c */
int policy_on_cooldown_loaded(policy_t *p, const struct policy_event *e);
/* Whether r may use it now without it counting as cooling down. */
bool policy_provider_usable(policy_t *p, int provider, const struct request *r);
bool policy_provider_halfopen(const policy_t *p, int provider);
void policy_provider_note(policy_t *p, int provider, enum failure failure, int64_t retry_after_ms, uint64_t tried_step);
void policy_provider_worked(policy_t *p, int provider);

/* policy_retries.c */
void policy_retry_add(policy_t *p, struct request *r);
void policy_retry_remove(policy_t *p, struct request *r);

#endif
