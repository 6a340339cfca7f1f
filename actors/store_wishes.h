/** actors/store_wishes.h -- what a user set for a session with sessions.patch that its turns have to heed, and where it stands.
 *
 *  Read as a turn is accepted, so that nobody else keeps a copy that could be old.
 *
 *  Thread: the store's actor's */
#ifndef ACTORS_STORE_WISHES_H
#define ACTORS_STORE_WISHES_H

#include "store/sessions.h"

struct session_wishes {
    struct str model;     /* "provider/model", in words; empty: none */
    struct str thinking;  /* likewise */
    struct str parent;    /* who spawned it, in words; empty: nobody */
    int64_t depth;        /* in the spawn tree */
    int64_t spent_tokens; /* by its turns so far */
    char queue[16];       /* queue mode; empty: that of the configuration */
    bool deny;            /* sendPolicy: nobody may send */
    struct buf words;     /* owned by the caller */
};

/** A session that is not there has none. @return 0, GW_EIO, GW_ENOMEM */
int store_wishes_read(store_t *store, struct str key, struct session_wishes *out);

#endif
