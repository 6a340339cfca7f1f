/** actors/turn_spawn.h -- a sub-agent's run, asked for by the tools of the session that it is to report to.
 *
 *  Owns:   nothing     Thread: the session's */
#ifndef ACTORS_TURN_SPAWN_H
#define ACTORS_TURN_SPAWN_H

#include "actors/announce.h"
#include "actors/turn_internal.h"
#include "base/random.h"

struct turn_spawn {
    struct announce_child child;
    struct str agent, model, thinking;
    struct str message; /* with `steers`: what it is told, instead of its task */
    int64_t timeout_s;
    bool cleanup;
    bool steers; /* it is there already: this run takes the place of its present one */
    char key[SESSION_KEY_MAX + 1];
    char run_id[RANDOM_UUID_SIZE];
};

/** Ask the router, and wait until the run is durable or refused. @return 0: `answer` is a session.spawned; as turn_ask() */
int turn_spawn_ask(struct turn *t, const struct turn_spawn *spawn, struct msg *answer);

#endif
