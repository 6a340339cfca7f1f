/** store/session_life.h -- a session's transcript cut short, begun anew, or deleted with its session.
 *
 *  In:     numbers of sessions (session_row.id)
 *  Owns:   nothing of its own: it deletes rows of sessions, messages and turns
 *  Thread: the store's owner
 *
 *  Nothing of this may be done while a turn of the session has not ended: ask session_busy() first, in the same group. */
#ifndef STORE_SESSION_LIFE_H
#define STORE_SESSION_LIFE_H

#include "store/sessions.h"

/** Whether a turn of the session was accepted and has no end. @return 0, GW_EIO */
int session_busy(store_t *store, int64_t session, bool *busy);

/** Empty the transcript, forget its turns and their idempotency keys, set the counters to 0. Settings stay.
 *  @param uuid  the session id from now on, 1..STORE_NAME_MAX  @return 0, GW_ENOENT, GW_EINVAL, GW_EIO */
int session_restart(store_t *store, int64_t session, struct str uuid, int64_t now_ms);

/** Delete the session and all that belongs to it; sums in `usage` stay. @return 0, GW_ENOENT, GW_EIO */
int session_delete(store_t *store, int64_t session);

/** Entries that the transcript has now (numbers may start above 1 after a cut). @return 0, GW_EIO */
int session_entries(store_t *store, int64_t session, int64_t *count);

/** Delete all entries but the newest `keep` (1 or more). @return 0, GW_ENOENT, GW_EINVAL, GW_EIO */
int session_cut(store_t *store, int64_t session, int64_t keep, int64_t now_ms);

/** Sessions of single cron runs, `agent:<id>:cron:<job>:run:<id>`, with nothing to do and untouched since a time.
 *  @param limit  1..STORE_LIST_MAX  @return 0, GW_EIO, or what fn returned; it must not call the store */
typedef int session_id_fn(void *ctx, int64_t session);
int session_old_runs(store_t *store, int64_t before_ms, int limit, session_id_fn *fn, void *ctx);

#endif
