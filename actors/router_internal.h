/** actors/router_internal.h -- what the router's files share; not for others. */
#ifndef ACTORS_ROUTER_INTERNAL_H
#define ACTORS_ROUTER_INTERNAL_H

#include <uthash.h>

#include "actors/policy.h"
#include "actors/router.h"
#include "actors/router_course.h"
#include "actors/router_metrics.h"
#include "actors/supervise.h"

#define ROUTER_MAIN "main" /* the mailbox of whoever started the system */

enum {
    ROUTER_STOP_MS = 5000,           /* actors that are told to end have this long before the bus is shut down */
    ROUTER_REF_MAX = COURSE_REF_MAX, /* bytes of a model ref */
    ROUTER_QUIESCES_MAX = 64,        /* session.quiesce that wait */
};

enum router_phase { PHASE_STARTING, PHASE_RUNNING, PHASE_DRAINING, PHASE_STOPPING };

/* Why a worker or a named actor is not simply an actor_t: it may be starting again. */
enum child_kind {
    CHILD_STORE,
    CHILD_PROVIDER,
    CHILD_QUERY,
    CHILD_GATEWAY,
    CHILD_RELOAD,
    CHILD_RELAY,
    CHILD_EXEC,
    CHILD_WEB,
    CHILD_CHANNEL,
    CHILD_CRON,
    CHILD_TRACES,
};

struct child { /* a named, supervised actor */
    enum child_kind kind;
    char name[MSG_NAME_MAX + 1];
    actor_t *actor; /* NULL: not running */
    bool ready;     /* it has said hello */
    bool given_up;
    struct supervise supervise;
    int64_t restarts;       /* since the router started */
    int64_t restart_ms;     /* when to start it again; -1: not waiting */
    int provider;           /* CHILD_PROVIDER: index in the policy */
    struct str provider_id; /* the policy's copy */
    bool demo;              /* it plays scripts: another actor function */
    bool retiring;          /* the configuration does not name it any more: it ends when no request needs it */
    bool told_to_end;       /* ... and it was told to */
};

/* What the messages that become turns have in common: turn.submit, store.pending, session.spawn, store.announce. */
struct said {
    struct str run_id, session_key, agent, idempotency_key, channel, model, thinking, system, route, skills;
    struct str parent, label, task, announces;
    int64_t lane, stream, bounded, ack, policy, depth, spawned, timeout_s, cleanup, steers, compact;
};

struct turn_entry {
    UT_hash_handle hh;
    int64_t turn;
    int64_t cause;                /* the turn that it came from, for traces; 0: none, or not known */
    struct msg said;              /* what it was made of; its strings are what turn.run needs */
    payload_t *message;           /* its payload */
    char reply[MSG_NAME_MAX + 1]; /* "" : nobody listens */
    bool asked;                   /* store.accept is sent and not answered */
    bool stored;                  /* the store knows the turn: its end must be recorded */
    bool created;                 /* its session is new with it */
    bool denied;                  /* the session's sendPolicy is deny: the store refused it */
    bool late;                    /* the run it was to replace had ended: the store refused it */
    bool started;                 /* turn.run was sent */
    bool dropped;                 /* it made room while the store had it: told, to be recorded */
    bool finished;                /* store.finished has come, with this code */
    int finished_code;
    struct msg done;                               /* turn.done of the session, held until it is durable; kind 0: has not come */
    payload_t *answer;                             /* its payload */
    uint64_t resume_corr;                          /* of its turn.resume, while that is not answered; 0: none */
    char *set_model;                               /* what a user set for its session, owned; NULL: nothing */
    char *set_thinking;                            /* likewise */
    int64_t spawn;                                 /* the policy's handle of a session.spawn; 0: none */
    uint64_t watch_corr;                           /* of turn.watch; 0: the gateway was not told */
    struct listener *listeners;                    /* repeats of its idempotency key that wait for the same answer */
    struct turn_entry *collected, *next_collected; /* until turn.run: those whose messages are part of this one's; and the next such */
    struct buf dropped_lines;                      /* of messages that made room for it: how each begins, a line each */
    int dropped_count;                             /* of them, also those without a line any more */
    struct course course;                          /* what people are told of it */
};

struct listener {
    struct listener *next;
    char reply[MSG_NAME_MAX + 1];
    uint64_t corr;
    bool ack; /* wants turn.started */
};

struct candidate_entry {
    char ref[ROUTER_REF_MAX + 1];
    struct str model;    /* in ref */
    int provider;        /* policy's index; -1: none */
    const char *why_not; /* provider -1: the reason; static */
    struct buf text;     /* what the failed attempt said */
};

struct request_entry {
    UT_hash_handle hh;
    int64_t request;
    int64_t turn;
    char session[MSG_NAME_MAX + 1];
    uint64_t corr, trace;
    int64_t deadline_ms; /* monotonic; -1: none */
    bool stream;
    bool held; /* a provider of it is being started: the policy has not heard of it */
    payload_t *prompt;
    int trying; /* the candidate in hand */
    int http_status;
    size_t count;
    struct candidate_entry candidates[]; /* count of them */
};

/* What carrying out an action made happen: told to the policy after the actions of the present step are done. */
struct followup {
    struct followup *next, *prev;
    struct policy_event event;
};

struct router {
    struct router_options *options;
    bus_t *bus;
    hub_t *hub;
    config_t *config; /* in force; options->config */
    config_t *booted; /* the one this process started with: what has changed since, and waits for a restart */
    int64_t config_generation;
    int retiring; /* children that are */
    policy_t *policy;
    enum router_phase phase;
    int64_t wall_base_ms, mono_base_ms; /* the policy's clock: wall at start plus monotonic since */
    int64_t last_turn, last_request;
    struct turn_entry *spawning; /* what the policy is asked about in this step */
    struct turn_entry *turns;
    struct request_entry *requests;
    struct followup *followups;
    struct quiesce *quiesces; /* router_sessions.c */
    size_t quiesce_count;
    uint64_t last_ping;
    struct course_recent recent;
    struct router_metrics metrics;
    struct child *children; /* CHILD_STORE first, the gateway last */
    size_t child_count;
    actor_t **workers; /* by the policy's index; NULL: not running */
    size_t worker_slots;
    int port;
    bool recovered;
    bool traced;               /* there is a traces actor */
    bool main_told;            /* system.ready or system.failed was sent */
    int64_t phase_deadline_ms; /* monotonic; -1: none */
    bool over;
    int fault_code;   /* why the system cannot run; 0: it can */
    struct buf fault; /* the same in words */
};

/* router.c */
int64_t router_wall(const struct router *r, int64_t mono_ms); /* a monotonic time on the policy's clock, since 1970 */
int64_t router_now(const struct router *r);
void router_step(struct router *r, const struct policy_event *event); /* one event and all that follows from it */
void router_later(struct router *r, struct policy_event event);       /* after the present step; strings must not be borrowed */
int router_send(struct router *r, const char *to, const struct msg *m, const payload_t *payload);
void router_fail(struct router *r, int code, const char *text); /* the system cannot run: tell main, stop */
void router_tell_fault(struct router *r);                       /* tell main, if it was not told yet */

/* router_turns.c */
struct said router_said(const struct msg *m); /* m: one that became a turn */
int router_add_channels(struct router *r);
void router_on_channel_want(struct router *r, const struct msg *in);
struct str router_route(const struct said *s);
struct turn_entry *router_turn_add(struct router *r, struct msg *in); /* takes the message over. NULL: memory is out */
struct policy_event router_submit_event(const struct turn_entry *e, enum policy_event_kind kind);
void router_store_turn(struct router *r, struct turn_entry *e); /* ask the store to make it durable */
struct turn_entry *router_turn(struct router *r, int64_t turn); /* NULL: not known (any more) */
void router_on_submit(struct router *r, struct msg *in);        /* takes the message over */
void router_on_pending(struct router *r, struct msg *in);
void router_on_accepted(struct router *r, const struct msg *in);
void router_store_back(struct router *r); /* it runs again */
void router_on_answered(struct router *r, const struct msg *in);
void router_on_pause(struct router *r, const struct msg *in);
/* `e` makes room for `by`, whose model is told of it (messages.queue.drop summarize). */
void router_pass_dropped(struct router *r, struct turn_entry *e, int64_t by);
/* What is to be said of messages that made room for `lead` or for what it has collected. */
void router_write_overflow(const struct turn_entry *lead, bool with_lead, struct buf *out);
void router_on_take(struct router *r, const struct msg *in); /* turn.take */
void router_on_resume(struct router *r, const struct msg *in);
void router_do_turn(struct router *r, const struct policy_action *a);
void router_abort_all(struct router *r); /* at the end of a drain */
void router_refuse(struct router *r, const char *to, const struct msg *about, const char *reason, const char *text, int64_t retry_after_ms);
void router_free_listeners(struct turn_entry *e);
void router_free_turn(struct router *r, struct turn_entry *e);
void router_free_turns(struct router *r);

/* router_ends.c */
void router_on_finished(struct router *r, const struct msg *in);
void router_on_turn_done(struct router *r, struct msg *in);
void router_store_died(struct router *r);                                                  /* ends that wait for it cannot become durable */
void router_do_end(struct router *r, struct turn_entry *e, const struct policy_action *a); /* DO_END; frees it */
void router_do_drop(struct router *r, struct turn_entry *e);                               /* DO_DROP; frees it once the store knows */
void router_do_refuse(struct router *r, struct turn_entry *e, enum policy_reason reason);  /* DO_REFUSE; frees it */
void router_record_drop(struct router *r, struct turn_entry *e); /* the store has taken it: record its end; frees it */

/* router_budgets.c */
int64_t router_day(void); /* as in the table of usage: UTC */
void router_on_paid(struct router *r, int64_t turn, const char *ref, int64_t input_tokens, int64_t output_tokens);
void router_on_spent(struct router *r, const struct msg_store_spent *s); /* store.spent */
void router_read_budgets(const config_t *config, struct policy_limits *limits);
void router_write_budget(const struct policy_action *a, struct buf *out); /* DO_MODEL_REFUSED, REASON_BUDGET: for people */

/* router_collect.c */
uint64_t router_collect_class(const struct said *s); /* what may be answered together; 0: alone */
/* What the queue mode makes of it, in POLICY_STORED. own: the session's own mode; empty: that of its channel. */
void router_queue_as(const struct router *r, const struct said *s, struct str own, struct policy_event *stored);
void router_collect(struct router *r, struct turn_entry *e, int64_t into); /* `e` runs as part of another */
/* The messages that `lead` has collected, after its own, as turn.run and turn.taken have them, and their `collected`. */
payload_t *router_collect_message(const struct turn_entry *lead, bool with_lead, struct buf *lines);
/** Make a part's end say what became of the whole. It borrows from the other's, which ends next. */
void router_collect_end(struct router *r, struct turn_entry *e, const struct policy_action *a);

/* router_spawns.c */
void router_on_spawn(struct router *r, struct msg *in);                                     /* takes the message over */
void router_spawn_decided(struct router *r, const struct policy_action *a);                 /* DO_SPAWN_OK, DO_SPAWN_REFUSED */
void router_spawn_answer(struct router *r, const struct turn_entry *e, const char *reason); /* "": it is durable */
void router_on_announce(struct router *r, struct msg *in);                                  /* takes the message over */
void router_watch(struct router *r, struct turn_entry *e);                                  /* it begins: the gateway's clients see it */

/* router_sessions.c */
void router_on_abort(struct router *r, const struct msg *in);
void router_on_quiesce(struct router *r, const struct msg *in);
void router_on_pong(struct router *r, const struct msg *in);
void router_check_quiesces(struct router *r);        /* who can be answered by now? */
int64_t router_quiesce_next(const struct router *r); /* when the next one's time is over, monotonic ms; -1: none waits */
void router_quiesces_store_died(struct router *r);
void router_free_quiesces(struct router *r);
void router_on_forget(struct router *r, const struct msg *in);

/* router_traces.c */
void router_trace_start(struct router *r, const struct turn_entry *e);              /* it has its permit */
void router_trace_turn(struct router *r, const struct past_turn *p, int64_t cause); /* it has ended */
int64_t router_cause(const struct router *r, const struct msg *in);
void router_trace_announce(const struct router *r, struct turn_entry *e); /* made of a store.announce */

/* router_status.c */
void router_on_status(struct router *r, const struct msg *in);
void router_write_lanes(const struct router *r, struct buf *json); /* the pair "lanes":{...} */

/* router_models.c */
void router_on_model_request(struct router *r, const struct msg *in);
void router_on_model_reply(struct router *r, const struct msg *in);
void router_on_model_failed(struct router *r, const struct msg *in);
void router_do_model(struct router *r, const struct policy_action *a);
void router_release_requests(struct router *r); /* a provider has said hello, or has ended: those that waited for that go on */
void router_free_requests(struct router *r);

/* router_config.c */
struct policy_limits router_limits(const config_t *config);
void router_config_begin(struct router *r);                                  /* put the first one in force */
int router_start_reload(struct router *r, struct child *c, struct buf *why); /* its actor */
void router_on_config_changed(struct router *r);                             /* take what is in force now */
void router_config_settle(struct router *r);                                 /* end what nobody needs any more */
void router_child_retired(struct router *r, struct child *c);                /* it has ended; frees *c */

/* router_actors.c */
int router_worker_of(const char *name); /* the policy's index of a session's mailbox; -1: it is none */
struct child *router_child_add(struct router *r, enum child_kind kind, const char *name); /* NULL: memory is out */
int router_child_start(struct router *r, struct child *c, struct buf *why);
int router_provider_add(struct router *r, const struct config_provider *provider); /* adds the child, does not start it */
int router_start_children(struct router *r);
void router_start_gateway(struct router *r);
struct child *router_child(struct router *r, const char *name);
void router_on_hello(struct router *r, const struct msg *in);
void router_on_ended(struct router *r, const struct msg *in);
void router_do_worker(struct router *r, const struct policy_action *a);
void router_restart_due(struct router *r);
int64_t router_restart_next(const struct router *r); /* monotonic ms; -1: none */
void router_stop_children(struct router *r);         /* tell the next ones in order to end; sets r->over when all have */
void router_join_all(struct router *r);
void router_worker_name(int worker, char out[MSG_NAME_MAX + 1]);

#endif
