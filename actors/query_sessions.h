/** actors/query_sessions.h -- the bounds of looking into transcripts for what is shown beside a session.
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
};

#endif
