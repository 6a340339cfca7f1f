/** actors/gateway_methods.h -- which function answers which method in the gateway's thread.
 *
 *  Thread: the gateway's */
#ifndef ACTORS_GATEWAY_METHODS_H
#define ACTORS_GATEWAY_METHODS_H

#include "actors/gateway_rpc.h"

/** @return NULL when none does */
gateway_rpc_fn *gateway_method_find(enum rpc_id method);

/* Tables of the files that answer; each ends with RPC_none. */
extern const struct gateway_rpc_handler gateway_status_handlers[];  /* gateway_status.c */
extern const struct gateway_rpc_handler gateway_run_handlers[];     /* gateway_runs.c */
extern const struct gateway_rpc_handler gateway_session_handlers[]; /* gateway_sessions.c */

#endif
