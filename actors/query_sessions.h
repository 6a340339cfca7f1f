/** actors/query_sessions.h -- the sessions' part of other methods' answers, and the bounds of looking into transcripts.
 *
 *  Thread: the query actor's */
#ifndef ACTORS_QUERY_SESSIONS_H
#define ACTORS_QUERY_SESSIONS_H

#include "actors/rpc_call.h"

enum {
    QUERY_TITLES_MAX = 200,        /* rows of one list that get a title or a preview: each is a look into a transcript */
    QUERY_TITLE_CHARS = 60,        /* characters of a derived title */
    QUERY_PREVIEW_CHARS = 2000,    /* characters of a message that is shown beside its session */
    QUERY_PREVIEW_KEYS = 64,       /* sessions in one sessions.preview */
    QUERY_PREVIEW_ITEMS = 100,     /* messages of each */
    QUERY_LAST_ROWS = 20,          /* entries looked at for one with text */
    QUERY_LOOK_BYTES = 256 * 1024, /* a longer entry is not looked into */
    QUERY_RECENT_HEALTH = 5,       /* sessions named by health */
    QUERY_RECENT_STATUS = 10,      /* and by status */
};

/** Append what `health` says of an agent's sessions: {path, count, recent:[{key, updatedAt, age}]}.
 *  @param agent  id; "" for all  @return 0, GW_EIO, GW_ENOMEM */
int query_sessions_summary(const struct rpc_call *call, struct str agent, struct buf *out);

/** Append what `status` says of all sessions: {paths, count, defaults, recent, byAgent}. Who has no operator.admin sees counts
 *  only. @return 0, GW_EIO, GW_ENOMEM */
int query_sessions_status(const struct rpc_call *call, struct buf *out);

#endif
