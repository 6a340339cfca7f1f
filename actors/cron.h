/** actors/cron.h -- jobs by the clock: at their times they become turns or words for the main session, and their answers go out.
 *
 *  In:     rpc.call of methods of place CRON; cron.job, cron.run, cron.loaded at the start; turn.accepted, turn.started, turn.done,
 *          turn.refused of what it submits; system.event_taken; config.changed
 *  Out:    rpc.result; cron.load, cron.record, route.ask to the store; turn.submit, turn.abort to the router; client.event,
 *          system.event to the gateway
 *  Owns:   the jobs (actors/cron_core.h, which decides; this part carries out)
 *  Thread: its own
 *  Source: reference agent-runtime 2 (what the agent is told), gateway-protocol 7 (methods); docs/cron.md
 *
 *  Files: cron.c (the actor), cron_turns.c (a run as a turn), cron_rpc.c (methods) */
#ifndef ACTORS_CRON_H
#define ACTORS_CRON_H

#include "base/config.h"
#include "bus/bus.h"

enum {
    CRON_QUEUE = 4096,     /* messages its mailbox holds */
    CRON_STORE_MS = 10000, /* how long the store may take to answer */
};

struct cron_actor_options {
    config_t *config; /* a reference is given to the actor */
    char *state_dir;  /* owned */
};

actor_fn cron_actor; /* arg: struct cron_actor_options *, allocated; freed by the actor */

#endif
