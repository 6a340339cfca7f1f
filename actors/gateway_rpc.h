/** actors/gateway_rpc.h -- requests of WebSocket clients that the gateway's own thread answers, and events to all of them.
 *
 *  A request is answered exactly once, at once or later; when its client leaves first, it is freed and its answer, should it
 *  still come from the bus, is dropped.
 *
 *  Thread: the gateway's */
#ifndef ACTORS_GATEWAY_RPC_H
#define ACTORS_GATEWAY_RPC_H

#include "actors/gateway_internal.h"
#include "channels/rpc.h"

struct gateway_client; /* gateway_client.h: a WebSocket connection */
struct gateway_request;

/* An answer from the bus to what was asked with gateway_request_ask(); an `error` message when it could not be delivered. */
typedef void gateway_answer_fn(struct gateway_request *rq, const struct msg *in);

struct gateway_request {
    struct gateway *gw;
    struct gateway_client *client;
    enum rpc_id method;
    struct buf id;                /* as it is echoed: JSON text */
    uint64_t corr;                /* of what is asked on the bus; 0: nothing */
    gateway_answer_fn *on_answer; /* for it */
    void *state;                  /* the method's own; freed with free() when the request ends */
    struct gateway_run *run;      /* methods about runs: the one that it waits for; not owned */
    int64_t deadline_ms;          /* monotonic; 0: none. gateway_request_until() sets it */
    void (*on_late)(struct gateway_request *rq);
    int64_t late_ms;                                 /* monotonic; when it ran */
    void (*on_gone)(struct gateway_request *rq);     /* its client left; NULL: nothing to do. The request is freed after it */
    void (*on_end)(struct gateway_request *rq);      /* it is being freed, however it ended: let go of what `state` owns; NULL: nothing */
    bool lasting;                                    /* it may stay for long, see gateway_request_lasts() */
    struct gateway_request *prev, *next;             /* of the client */
    struct gateway_request *timed_prev, *timed_next; /* of all with a deadline */
    UT_hash_handle hh;                               /* by corr */
};

/** A method of place GATEWAY or BOTH. @param params  checked, an object; borrowed for the call */
typedef void gateway_rpc_fn(struct gateway_request *rq, const json_t *params);

struct gateway_rpc_handler { /* a table ends with RPC_none */
    enum rpc_id method;
    gateway_rpc_fn *run;
};

/** Answer, and free the request. @param payload  JSON */
void gateway_respond(struct gateway_request *rq, struct str payload);
/** Answer ok, and keep the request for a second answer (methods `agent`, `exec.approval.request`). */
void gateway_respond_first(struct gateway_request *rq, struct str payload);
/** Refuse, and free the request. @param details  JSON; empty: none */
void gateway_respond_error(struct gateway_request *rq, const char *code, struct str message, struct str details);
/** The same without details. */
static inline void gateway_refuse(struct gateway_request *rq, const char *code, const char *message)
{
    gateway_respond_error(rq, code, str_of(message), (struct str){ NULL, 0 });
}
/** As gateway_respond_error() with a payload beside the error (a repeated chat.send that had failed). */
void gateway_respond_failed(struct gateway_request *rq, struct str payload, const char *code, struct str message);

/** The request may wait for long (a second answer, an approval, a run's end): it no longer counts as one that the client has
 *  in hand, of which GATEWAY_REQUESTS_MAX pause its reading. GATEWAY_LASTING_MAX bounds these. */
void gateway_request_lasts(struct gateway_request *rq);

/** Run `on_late` at `deadline_ms` (monotonic; 0: never), as exactly as GATEWAY_TICK_MS. It must answer, or set another time. */
void gateway_request_until(struct gateway_request *rq, int64_t deadline_ms, void (*on_late)(struct gateway_request *rq));

/** Send `m` under a corr of its own; its answer comes to `fn`. @return 0, or the request is answered UNAVAILABLE and freed */
int gateway_request_ask(struct gateway_request *rq, const char *to, struct msg *m, gateway_answer_fn *fn);
/** The same, but the request stays as it is when nobody can be asked. @return 0 or GW_E* */
int gateway_request_try(struct gateway_request *rq, const char *to, struct msg *m, gateway_answer_fn *fn);
/** Ask the query actor or the store (`to`) for `method`; the rpc.result (or an error) comes to `fn`.
 *  @param params  NULL: {}  @return as gateway_request_ask() */
int gateway_request_call(struct gateway_request *rq, const char *to, enum rpc_id method, const json_t *params, gateway_answer_fn *fn);
/** The same, and pass the result on as the answer. */
void gateway_request_forward(struct gateway_request *rq, const char *to, enum rpc_id method, const json_t *params);

/* Whom an event concerns (reference gateway-protocol 3). */
enum gateway_audience { GATEWAY_ALL, GATEWAY_APPROVERS, GATEWAY_PAIRERS };

/** Send an event to every connected client of the audience, with the next `seq`.
 *  @param payload  JSON  @param drop_if_slow  a client with much unsent is passed over instead of being closed */
void gateway_broadcast(struct gateway *gw, enum gateway_audience audience, const char *event, struct str payload, bool drop_if_slow);

/** True when someone would hear an event: else building it can be saved. */
bool gateway_has_clients(const struct gateway *gw);

#endif
