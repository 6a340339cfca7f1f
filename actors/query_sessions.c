/* query_sessions.c -- what sessions there are. */
#include "actors/query_tables.h"

const struct rpc_handler query_session_handlers[] = {
    { RPC_none, NULL },
};
