/* store_sessions.c -- methods that change sessions. */
#include "actors/query_tables.h"

const struct rpc_handler store_session_handlers[] = {
    { RPC_none, NULL },
};
