/** store/session_usage.h -- what a session's turns used and how long they took, read off its transcript and turns.
 *
 *  In:     a session's number, a stretch of time     Out: rows through a callback
 *  Owns:   nothing: it reads messages, turns and their ends
 *  Thread: the store's owner, or a reader's
 *
 *  A callback must not call the store. A value other than 0 ends the walk and is returned. */
#ifndef STORE_SESSION_USAGE_H
#define STORE_SESSION_USAGE_H

#include "base/chat.h"
#include "store/store.h"

struct session_span {
    int64_t session; /* session_row.id */
    int64_t from_ms; /* when the user's message came, wall clock: from ... */
    int64_t to_ms;   /* ... up to and including */
};

struct session_turn_row {
    int64_t started_ms;
    int64_t ended_ms;
    int64_t state; /* enum turn_state: an end */
    struct str model_asked;
    struct str model_answered; /* "provider/model"; "" when none did */
    struct chat_usage used;
};
typedef int session_turn_fn(void *ctx, const struct session_turn_row *row);
/** The turns that have ended, oldest first. @return 0, GW_EIO, or what fn returned */
int session_turns(store_t *store, const struct session_span *span, session_turn_fn *fn, void *ctx);

struct session_day_row {
    int64_t day; /* UTC days since 1970-01-01 */
    struct str role;
    int64_t entries;
    int64_t first_ms, last_ms;
};
typedef int session_day_fn(void *ctx, const struct session_day_row *row);
/** How many entries of each role a day has, days in order. @return 0, GW_EIO, or what fn returned */
int session_days(store_t *store, const struct session_span *span, session_day_fn *fn, void *ctx);

struct session_tool_row {
    struct str name;
    int64_t calls;
};
typedef int session_tool_fn(void *ctx, const struct session_tool_row *row);
/** Which tools gave results, the most used first. @return 0, GW_EIO, or what fn returned */
int session_tools(store_t *store, const struct session_span *span, session_tool_fn *fn, void *ctx);

#endif
