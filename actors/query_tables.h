/** actors/query_tables.h -- the tables of handlers that the query actor and the store's actor serve, by file.
 *
 *  Each handler is a function of its struct rpc_call (actors/rpc_call.h) and nothing else. */
#ifndef ACTORS_QUERY_TABLES_H
#define ACTORS_QUERY_TABLES_H

#include "actors/rpc_call.h"

/* the query actor's (actors/query.c) */
extern const struct rpc_handler query_session_handlers[];  /* query_sessions.c */
extern const struct rpc_handler query_history_handlers[];  /* query_history.c */
extern const struct rpc_handler query_usage_handlers[];    /* query_usage.c */
extern const struct rpc_handler query_cost_handlers[];     /* query_cost.c */
extern const struct rpc_handler query_subagent_handlers[]; /* query_subagents.c */

/* the store's (actors/store_methods.c) */
extern const struct rpc_handler store_session_handlers[]; /* store_sessions.c */
extern const struct rpc_handler store_patch_handlers[];   /* store_patch.c */

#endif
