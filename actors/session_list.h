/** actors/session_list.h -- stored sessions picked by what a client asks for, newest first, in memory.
 *
 *  In:     filters     Out: copies of rows     Owns: the copies, until session_list_free()
 *  Thread: the store's owner or a reader's
 *
 *  Transcripts are not read. */
#ifndef ACTORS_SESSION_LIST_H
#define ACTORS_SESSION_LIST_H

#include "actors/rpc_call.h"
#include "base/arena.h"
#include "store/sessions.h"

enum { SESSION_LIST_ROWS = 10000 }; /* sessions in one answer at most */

struct session_wish {
    struct str agent;  /* id; "" for all */
    struct str label;  /* "" for all */
    struct str parent; /* key of the session that spawned them; "" for all */
    struct str search; /* part of name, label, id or key, any case; "" for all */
    int64_t since_ms;  /* touched then or later; 0: whenever */
    bool global;       /* also the sessions that belong to no agent */
    bool unknown;
    int64_t limit; /* 1 or more; over SESSION_LIST_ROWS is that */
};

struct session_list {
    struct arena memory;
    struct session_row **rows; /* count of them; in memory */
    size_t count;
};

/** @return 0, GW_EIO, GW_ENOMEM, GW_ELIMIT. Free in every case */
int session_list_read(const config_t *config, store_t *store, const struct session_wish *wish, struct session_list *out);
void session_list_free(struct session_list *list);

/** One session by its key, as clients write it or canonical. @return 0, then list->count is 0 or 1; GW_E* as above */
int session_list_one(const config_t *config, store_t *store, struct str key, struct session_list *out);

#endif
