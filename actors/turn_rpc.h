/** actors/turn_rpc.h -- a tool asks what a client may ask: a method of the WebSocket protocol, answered by the query actor or the store.
 *
 *  Thread: the session's */
#ifndef ACTORS_TURN_RPC_H
#define ACTORS_TURN_RPC_H

#include <jansson.h>

#include "actors/turn_internal.h"
#include "channels/rpc.h"

enum { TURN_RPC_MS = 30000 }; /* how long an answer may take */

/** Ask and wait; an abort of the turn ends that.
 *  @param to      "query" or "store": who serves the method (channels/rpc.def)
 *  @param params  checked by nobody but the handler: they must fit the method's schema; taken over
 *  @param result  receives the payload, to json_decref(); NULL when it was refused
 *  @param why     gets the refusal in words
 *  @return 0; GW_EINVAL: refused; GW_EABORTED, GW_ETIMEOUT, GW_ECLOSED, GW_ENOMEM */
int turn_rpc(struct turn *t, const char *to, enum rpc_id method, json_t *params, json_t **result, struct buf *why);

#endif
