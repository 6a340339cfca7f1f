/** store/spawns.h -- sub-agents: who spawned whom, and what became of each result.
 *
 *  In:     spawns, ends, announcements     Out: rows through a callback
 *  Owns:   table spawns                    Thread: the store's owner
 *
 *  A row is written in one transaction with the acceptance of the child's turn, changes with that turn's end, and with the acceptance and
 *  the end of the turn that tells the requester. So after a crash at any point the next step is known, and is taken once.
 *  A callback must not call the store. A value other than 0 ends the walk and is returned. */
#ifndef STORE_SPAWNS_H
#define STORE_SPAWNS_H

#include "store/store.h"

enum spawn_state { /* values are stored: never renumber */
                   SPAWN_RUNNING = 0,
                   SPAWN_ENDED = 1,         /* its result is durable, nobody was told */
                   SPAWN_TOLD = 2,          /* the turn that tells the requester is durable */
                   SPAWN_TAKEN = 3,         /* that turn was answered */
                   SPAWN_UNDELIVERABLE = 4, /* that turn failed */
                   SPAWN_SILENT = 5         /* there was nothing to tell, or the one who stopped it knows */
};

struct spawn_new {
    struct str child; /* 1..STORE_NAME_MAX; session key */
    struct str parent;
    int64_t turn;
    struct str run_id;
    int64_t depth;
    struct str label;
    struct str task; /* cut at STORE_TEXT_MAX */
    bool cleanup;
    int64_t now_ms;
};

struct spawn_row {
    struct str child, parent, run_id, label, task;
    struct str uuid;                        /* of the child's session */
    struct str agent;                       /* of the child */
    struct str channel;                     /* of the requester's session */
    struct str parent_agent, parent_parent; /* of the requester's session; "" when it is gone */
    int64_t turn, depth, parent_depth, announce, created_ms, ended_ms, started_ms;
    bool cleanup;
    enum spawn_state state;
    int64_t turn_state;                                /* enum turn_state of the child's turn */
    struct str reason, error;                          /* of its end */
    struct str model;                                  /* that answered it, else that was asked */
    int64_t input_tokens, output_tokens, total_tokens; /* of its session */
    int64_t session, answer_seq;                       /* where its last message is; 0: nowhere */
};
typedef int spawn_row_fn(void *ctx, const struct spawn_row *row);

/** @return 0, GW_EEXIST, GW_EINVAL, GW_ELIMIT, GW_EIO */
int spawns_add(store_t *store, const struct spawn_new *spawn);

/** The child's turn has ended. @param silent  nobody is to be told  @param known  whether `turn` is a spawn's, and it had not ended
 *  @return 0, GW_EIO */
int spawns_end(store_t *store, int64_t turn, bool silent, int64_t archive_ms, int64_t now_ms, bool *known);

/** The turn that tells the requester is accepted. @return 0, GW_ENOENT, GW_EIO */
int spawns_tell(store_t *store, struct str child, int64_t announce);

/** A turn has ended: when it is one that told a requester, its spawn is taken or undeliverable.
 *  @param known  whether it is  @return 0, GW_EIO */
int spawns_told(store_t *store, int64_t announce, bool taken, bool *known);

/** The label, or else the task, of the spawn that a turn tells its requester of; nothing is added when it tells of none.
 *  @return 0, GW_EIO, GW_ENOMEM */
int spawns_announced(store_t *store, int64_t announce, struct buf *task);

/** A spawn's run goes on as another turn (subagents steer). @return 0, also when it does already; GW_ENOENT (it has ended), GW_EIO */
int spawns_continue(store_t *store, struct str child, int64_t turn, struct str run_id);

/** A turn without an end that was a spawn's run and is none any more: a crash came between the two. @return 0, GW_ENOENT, GW_EIO */
int spawns_superseded(store_t *store, int64_t *turn);

/** Those that ended and were not told yet, the oldest first, at most `limit`. @return 0, GW_ELIMIT, GW_EIO, or what fn returned */
int spawns_untold(store_t *store, int limit, spawn_row_fn *fn, void *ctx);

/** Those of a requester, the newest first. @return as above */
int spawns_of(store_t *store, struct str parent, int limit, spawn_row_fn *fn, void *ctx);

/** The spawn of a child's turn. @return 0, GW_ENOENT, GW_EIO, or what fn returned */
int spawns_of_turn(store_t *store, int64_t turn, spawn_row_fn *fn, void *ctx);

/** Children whose time to be removed has come: cleanup after the announcement, or archive_ms. One that is to hear of a child of its own
 *  stays until then. @return as spawns_untold() */
int spawns_due(store_t *store, int64_t now_ms, int limit, spawn_row_fn *fn, void *ctx);

/** Forget a spawn. @return 0, also when it is not known; GW_EIO */
int spawns_remove(store_t *store, struct str child);

#endif
