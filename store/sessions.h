/** store/sessions.h -- one row per conversation, found by its session key.
 *
 *  In:     keys and changes            Out: rows through a callback
 *  Owns:   table sessions              Thread: the store's owner
 *
 *  A callback must not call the store. A value other than 0 ends the walk and is returned. */
#ifndef STORE_SESSIONS_H
#define STORE_SESSIONS_H

#include "base/chat.h"
#include "store/store.h"

struct session_new {
    struct str key;     /* 1..STORE_NAME_MAX; "agent:<agentId>:<rest>" */
    struct str uuid;    /* 1..STORE_NAME_MAX; the session id that clients see */
    struct str agent;   /* 1..STORE_NAME_MAX */
    struct str parent;  /* key of the session that spawned it; "" for none */
    struct str channel; /* where it was started: "discord", "webchat"; may be "" */
    struct str label;   /* may be "" */
    int64_t depth;      /* 0: not spawned */
    int64_t now_ms;
};

struct session_row {
    int64_t id; /* the store's own number */
    struct str key;
    struct str uuid;
    struct str agent;
    struct str parent;
    struct str channel;
    struct str label;
    struct str provider; /* override by a user; "" for the agent's own */
    struct str model;    /* likewise */
    struct str thinking; /* likewise */
    int64_t depth;
    int64_t created_ms;
    int64_t updated_ms;
    int64_t last_seq;       /* newest transcript entry, which is also their count; 0: none */
    int64_t compaction_seq; /* newest compaction entry; 0: none */
    int64_t compactions;
    struct chat_usage used; /* sums over all its turns */
    int64_t context_tokens; /* size of the last turn's prompt and answer */
    struct str settings;    /* what else a user set: a JSON object of strings; "" for nothing */
    int64_t last_state;     /* enum turn_state of the turn that ended last; 0: none has */
};
typedef int session_row_fn(void *ctx, const struct session_row *row);

/** Find the session, or make it. @param id  its number  @param created  may be NULL
 *  @return 0, GW_EINVAL (empty key, uuid or agent), GW_ELIMIT, GW_EIO */
int sessions_ensure(store_t *store, const struct session_new *session, int64_t *id, bool *created);

/** @return 0, GW_ENOENT, GW_EIO, or what fn returned */
int sessions_get(store_t *store, struct str key, session_row_fn *fn, void *ctx);
/** Only what its turns need: provider, model, thinking, settings, parent, depth and tokens of the row. Cheap: each turn asks.
 *  @return 0, GW_ENOENT, GW_EIO, or what fn returned */
int sessions_wishes(store_t *store, struct str key, session_row_fn *fn, void *ctx);
/** The number of a session key. @return 0, GW_ENOENT, GW_EIO */
int sessions_find(store_t *store, struct str key, int64_t *id);

struct session_page {
    struct str agent;         /* only this agent's; "" for all */
    int64_t updated_after_ms; /* only those touched later than this; 0 for all */
    int64_t before_ms;        /* the next page: updated_ms and id of the last row of the page before; 0, 0 for the first */
    int64_t before_id;
    int limit;         /* 1..STORE_LIST_MAX */
    struct str label;  /* only those with this label; "" for all */
    struct str parent; /* only those that this session spawned; "" for all */
    bool listed;       /* not the sessions of single cron runs, which nobody looks for by name */
};
/** Newest first (updated_ms, then id). @return 0, GW_ELIMIT (limit), GW_EIO, or what fn returned */
int sessions_list(store_t *store, const struct session_page *page, session_row_fn *fn, void *ctx);

struct session_change { /* p == NULL leaves a field as it is; n == 0 with p set empties it */
    struct str label;
    struct str provider;
    struct str model;
    struct str thinking;
    struct str settings; /* all of them anew */
    struct str parent;
    const int64_t *depth; /* NULL leaves it as it is */
    int64_t now_ms;
};
/** @return 0, GW_ENOENT, GW_ELIMIT, GW_EIO */
int sessions_change(store_t *store, struct str key, const struct session_change *change);

/** How many there are. @return 0, GW_EIO */
int sessions_count(store_t *store, int64_t *count);
/** Whether a session other than `key` has this label. @return 0, GW_EIO */
int sessions_label_taken(store_t *store, struct str label, struct str key, bool *taken);

#endif
