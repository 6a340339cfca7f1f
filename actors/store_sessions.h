/** actors/store_sessions.h -- what the store's methods about sessions share. */
#ifndef ACTORS_STORE_SESSIONS_H
#define ACTORS_STORE_SESSIONS_H

#include "actors/rpc_call.h"

/** Append the canonical key that parameter `name` means. @return 0, or as rpc_fail(): "invalid session key: ..." */
int store_session_key(struct rpc_call *call, const char *name, struct buf *out);

/** Find the session, or make it with the agent that its key names. @return 0, GW_EIO */
int store_session_ensure(const struct rpc_call *call, struct str key, int64_t *id);

#endif
