/** store/session_heads.h -- of each agent its newest sessions and how many it has, in one reading.
 *
 *  In:     how many of each            Out: rows through a callback
 *  Owns:   nothing                     Thread: the store's owner, or a reader's */
#ifndef STORE_SESSION_HEADS_H
#define STORE_SESSION_HEADS_H

#include "store/store.h"

struct session_head {
    struct str key;
    struct str uuid;
    struct str agent;
    struct str model;    /* override by a user; "" for the agent's own */
    struct str thinking; /* likewise */
    int64_t updated_ms;
    int64_t input_tokens; /* sums over all its turns */
    int64_t output_tokens;
    int64_t context_tokens; /* size of the last turn's prompt and answer */
    int64_t of_agent;       /* sessions that its agent has */
};
typedef int session_head_fn(void *ctx, const struct session_head *row);

/** Agents by name, the sessions of each newest first. A callback must not call the store.
 *  @param per_agent  1..STORE_LIST_MAX  @return 0, GW_ELIMIT (per_agent), GW_EIO, or what fn returned */
int session_heads(store_t *store, int per_agent, session_head_fn *fn, void *ctx);

#endif
