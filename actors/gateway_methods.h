/** actors/gateway_methods.h -- which function answers which method in the gateway's thread.
 *
 *  Thread: the gateway's */
#ifndef ACTORS_GATEWAY_METHODS_H
#define ACTORS_GATEWAY_METHODS_H

#include "actors/gateway_rpc.h"

/** @return NULL when none does */
gateway_rpc_fn *gateway_method_find(enum rpc_id method);

/** Reset a session before a request goes on: end what runs there, begin it anew, then run `then` (gateway_sessions.c). When that
 *  fails, the request is refused.  @param key  canonical  @param reason  static: "new", "reset"  @param params  handed to `then` */
void gateway_session_renew(struct gateway_request *rq, struct str key, const char *reason, const json_t *params, gateway_rpc_fn *then);

/* Tables of the files that answer; each ends with RPC_none. */
extern const struct gateway_rpc_handler gateway_status_handlers[];  /* gateway_status.c */
extern const struct gateway_rpc_handler gateway_run_handlers[];     /* gateway_runs.c */
extern const struct gateway_rpc_handler gateway_session_handlers[]; /* gateway_sessions.c */

#endif
