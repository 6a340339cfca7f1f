/** actors/store.h -- the one writer of the SQLite file.
 *
 *  In:     store.accept, store.begin, store.append, store.compact, store.finish, store.cooldown, store.recover, store.ping;
 *          device.save, device.load; rpc.call of methods of place STORE; config.changed
 *  Out:    store.accepted, store.begun, store.appended, store.finished, store.pending, store.recovered, store.pong; device.saved,
 *          device.row, device.loaded; rpc.result, error
 *  Owns:   store_t. Everything waiting in the mailbox becomes one transaction; answers follow its commit
 *  Thread: its own
 *  Source: DESIGN sections 4 and 7; docs/store.md */
#ifndef ACTORS_STORE_H
#define ACTORS_STORE_H

#include "base/config.h"
#include "bus/bus.h"
#include "store/store.h"

enum {
    STORE_GROUP_MAX = 256,                     /* messages in one transaction */
    STORE_IDLE_MS = 1000,                      /* after this long without work the write-ahead log is folded in */
    STORE_QUEUE = 16384,                       /* messages its mailbox holds */
    STORE_PRUNE_MS = 60000,                    /* between two looks for idempotency keys to forget */
    STORE_KEY_KEPT_MS = 24 * 3600 * 1000,      /* idempotency keys of ended turns are kept this long */
    STORE_SENT_KEPT_MS = 7 * 24 * 3600 * 1000, /* and deliveries that arrived or failed */
};

struct store_actor_options {
    store_t *store;   /* open; closed by the actor */
    config_t *config; /* a reference is given to the actor */
    char *notice;     /* owned; for store.recovered; NULL: none */
};

actor_fn store_actor; /* arg: struct store_actor_options *, allocated; freed by the actor */

#endif
