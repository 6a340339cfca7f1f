/** actors/store_spawns.h -- the store actor's part about sub-agents: their rows follow the turns, requesters are told, old ones go.
 *
 *  Thread: the store's */
#ifndef ACTORS_STORE_SPAWNS_H
#define ACTORS_STORE_SPAWNS_H

#include "base/config.h"
#include "bus/bus.h"
#include "store/turns.h"

enum {
    STORE_SWEEP_MS = 60000, /* how often sub-agents that are done with are looked for (agent-runtime 5.2) */
    STORE_TELL_MAX = 100    /* requesters told in one go; those who are left follow when one of them is accepted */
};

/** In one group with the acceptance of a turn: the spawn it begins, or the spawn it tells about. @return 0, GW_E* of store/spawns.h */
int store_spawn_accepted(store_t *store, const struct msg_store_accept *q);

/** In one group with the end of a turn. @param tell  set: store_spawn_tell() is due after the commit  @return 0, GW_EIO */
int store_spawn_ended(store_t *store, const config_t *config, const struct turn_end *end, bool *tell);

/** Send the store.announce of the child whose turn this was; when nobody is left to hear it, it becomes undeliverable, which is logged.
 *  To be called outside of a group. */
void store_spawn_tell(store_t *store, const config_t *config, mailbox_t *mb, int64_t turn);

/** The same for every child that ended and was not told of: at the start, and from time to time, for what got lost. */
void store_spawns_tell(store_t *store, const config_t *config, mailbox_t *mb);

/** Remove sub-agents whose time is over; the router hears session.forget. To be called outside of a group. */
void store_spawns_sweep(store_t *store, mailbox_t *mb, int64_t now_ms);

/** A crash between the acceptance of a run and the end of the one that it replaced: that one is over. @return 0 or GW_E* */
int store_spawns_end_steered(store_t *store, int64_t now_ms);

#endif
