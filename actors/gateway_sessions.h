/** actors/gateway_sessions.h -- changes of a session's transcript, for methods and commands: sessions.reset and its like, and words
 *  that no model has said.
 *
 *  Thread: the gateway's */
#ifndef ACTORS_GATEWAY_SESSIONS_H
#define ACTORS_GATEWAY_SESSIONS_H

#include "actors/gateway_rpc.h"
#include "channels/session_key.h"

/* What a request keeps while the router sees to quiet: its rq->state begins with it. */
struct gateway_pause {
    char key[SESSION_KEY_BYTES + 1]; /* canonical */
    enum rpc_id method;              /* what the store does then, and ... */
    const char *params;              /* ... its parameters, JSON; lives as long as the state */
    gateway_answer_fn *then;         /* gets the store's answer; NULL: it is passed on as the request's */
};

/** Bring the session of rq->state (a struct gateway_pause) to rest, have the store change it, and have its thread forget what it
 *  has in memory. What does not come to rest in time is refused. */
void gateway_session_change(struct gateway_request *rq);

/** The transcript changed behind the session's thread: what it reads next, it reads anew. @param key  canonical */
void gateway_session_forget(struct gateway *gw, struct str key);

/** Tell everyone of a message that no model wrote, as the final of a run.
 *  @param sent_key  the session as its client wrote it: that is what it listens for
 *  @param message  NULL: none, the run has ended without a word */
void gateway_tell_injected(struct gateway *gw, struct str run_id, struct str sent_key, int64_t seq, const json_t *message);

#endif
