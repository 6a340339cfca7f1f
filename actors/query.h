/** actors/query.h -- answers what clients ask to see, away from the gateway's and the store's threads.
 *
 *  In:     rpc.call of methods of place QUERY or BOTH; config.changed
 *  Out:    rpc.result
 *  Owns:   a second, read-only connection to the SQLite file. It is opened at the first call and closed when nothing was asked
 *          for a while, so that an idle gateway does not pay for it. Each call reads one state of the store, the last commit's
 *  Thread: its own; a slow question delays other questions, never a commit
 *  Source: docs/design.md */
#ifndef ACTORS_QUERY_H
#define ACTORS_QUERY_H

#include "base/config.h"
#include "bus/bus.h"

enum {
    QUERY_QUEUE = 4096,       /* messages its mailbox holds */
    QUERY_IDLE_MS = 60000,    /* after this long without a call the connection is closed */
    QUERY_BUSY_WAIT_MS = 250, /* for a lock of the store's; readers meet one only while the file is recovered */
};

struct query_options {
    config_t *config; /* a reference is given to the actor */
    char *state_dir;  /* owned */
};

actor_fn query_actor; /* arg: struct query_options *, allocated; freed by the actor */

#endif
