/** store/routes.h -- where answers go: of a turn, and of a session's last message.
 *
 *  In:     routes, JSON objects with a member `channel`     Out: the same
 *  Owns:   table session_routes                             Thread: the store's owner */
#ifndef STORE_ROUTES_H
#define STORE_ROUTES_H

#include "store/store.h"

/** @param session  session_row.id  @param route  1..STORE_ROUTE_MAX  @return 0, GW_EINVAL, GW_ELIMIT, GW_EIO */
int routes_set(store_t *store, int64_t session, struct str route, int64_t now_ms);
/** Of the session with this key. @param route  appended; nothing: none is known  @return 0, the buffer's error, GW_EIO */
int routes_get(store_t *store, struct str session_key, struct buf *route);
/** What a turn that has not ended was given (turn_new.options). @param options  appended; nothing: it has ended */
int routes_turn_options(store_t *store, int64_t turn, struct buf *options);

/** The session that was last spoken to over a route with this channel and `to`. @param key  its key is appended; nothing: there is none */
int routes_session(store_t *store, struct str route, struct buf *key);

#endif
