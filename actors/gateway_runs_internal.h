/* actors/gateway_runs_internal.h -- what the files about runs share. */
#ifndef ACTORS_GATEWAY_RUNS_INTERNAL_H
#define ACTORS_GATEWAY_RUNS_INTERNAL_H

#include "actors/gateway_client.h"
#include "actors/gateway_runs.h"

enum run_kind {
    RUN_CHAT,  /* chat.send: one answer */
    RUN_AGENT, /* agent: accepted, and the end */
    RUN_OTHER, /* came over HTTP, which answers itself */
};

enum run_wait { /* what its request waits for */
                RUN_NOTHING,
                RUN_ACCEPTANCE,
                RUN_END,
};

struct gateway_run {
    struct gateway *gw;
    enum run_kind kind;
    char *run_id, *session_key; /* owned */
    char *sent_key;             /* the session key as the client wrote it; owned */
    uint64_t corr;              /* 0: kind RUN_OTHER */
    struct gateway_request *rq; /* NULL: nobody waits, or who did has left */
    enum run_wait wait;
    bool accepted; /* it is durable */
    bool repeated; /* it had ended before: only its request is answered, nobody else hears of it again. Or not begun: a command */
    bool started, lost_text;
    bool told_aborted;               /* the `aborted` event is out */
    struct gateway_request *stopper; /* waits for its end; NULL: nobody */
    const char *stop_reason;         /* why it was asked to end; static; NULL: it was not */
    struct buf text;                 /* the answer so far */
    size_t told;                     /* bytes of it in the last event */
    int64_t seq;                     /* of the last event of the run */
    int64_t submitted_ms;            /* wall clock */
    int64_t started_ms;              /* wall clock; 0: not yet */
    int64_t told_ms;                 /* monotonic; of the last delta */
    bool waits_to_tell;              /* the timer below runs */
    lws_sorted_usec_list_t tell, limit;
    UT_hash_handle hh, by_id; /* by corr; by run id */
};

struct ended_run {                /* a word about a run that is over */
    char *run_id, *error;         /* owned; error NULL: none */
    const char *status;           /* static: "ok", "error", "timeout" */
    int64_t started_ms, ended_ms; /* wall clock; started 0: never */
    int64_t kept_ms;              /* monotonic */
    UT_hash_handle hh;            /* insertion order: the first is the oldest */
};

struct run_waiter { /* the state of an agent.wait */
    struct gateway_request *rq;
    char *run_id; /* owned */
    struct run_waiter *prev, *next;
};

struct gateway_runs {
    struct gateway_run *by_corr, *by_id;
    struct ended_run *ended;
    struct run_waiter *waiters;
};

/* gateway_runs.c */
struct gateway_run *gateway_run_create(struct gateway *gw, enum run_kind kind, struct str run_id, struct str session_key,
                                       struct str sent_key);
void gateway_run_free(struct gateway_run *run);
struct gateway_run *gateway_run_find(struct gateway *gw, struct str run_id);

/* gateway_run_abort.c */
/** Ask the router to end it; its end comes as every run's. @param stop_reason  static: "rpc", "stop", "timeout" */
void gateway_run_abort(struct gateway_run *run, const char *stop_reason);
/** End every turn of a session and of those it spawned, and answer when those that are runs here have ended. */
void gateway_abort_session(struct gateway_request *rq, struct str canonical, const char *stop_reason);
void gateway_chat_abort(struct gateway_request *rq, const json_t *params);
void gateway_run_stopped(struct gateway_run *run); /* it has ended: who asked for that may be answered */

/* gateway_run_events.c */
void gateway_run_tell_start(struct gateway_run *run);
void gateway_run_tell_text(struct gateway_run *run); /* what is new of run->text, now or when the pause is over */
void gateway_run_tell_tool(struct gateway_run *run, const struct msg_turn_tool *tool); /* to those who spoke in its session and want it */
void gateway_run_spoke(struct gateway_client *cl, struct str session_key);
void gateway_run_tell_end(struct gateway_run *run, const struct msg_turn_done *d);
void gateway_run_tell_aborted(struct gateway_run *run, const char *stop_reason);
void gateway_run_tell_error(struct gateway_run *run, struct str message);

/* gateway_run_wait.c */
void gateway_run_keep(struct gateway_run *run, const char *status, struct str error);
bool gateway_run_ended(struct gateway *gw, struct str run_id); /* true: it has, a while ago */
void gateway_agent_wait(struct gateway_request *rq, const json_t *params);

/* gateway_run_result.c */
/** The second answer to `agent`, once the store has told the session's id. `run` is only read now. */
void gateway_run_answer_result(struct gateway_request *rq, const struct gateway_run *run, const struct msg_turn_done *d);

/* gateway_run_requests.c */
/** The session that a client means, in its one form. @return false: the request is refused and freed */
bool gateway_run_session(struct gateway_request *rq, struct str sent, struct buf *canonical);
/** Begin the turn of a request that was a command, whose run is rq->run: as `params` say, but with this text. */
void gateway_run_begin(struct gateway_request *rq, const json_t *params, struct str text);
void gateway_run_accepted(struct gateway_run *run, int64_t state);
void gateway_run_refused(struct gateway_run *run, struct str reason, struct str text);
void gateway_run_answer_end(struct gateway_run *run, const struct msg_turn_done *d);

#endif
