/** actors/store_channels.h -- the outbox and what channels keep, inside the store's actor.
 *
 *  In:     channel.load, channel.keep, delivery.fetch, delivery.done; the acceptance and the end of turns that have a route
 *  Out:    channel.kept, channel.loaded, delivery.item to the asker; channel.due, after the commit, to who has something to send
 *  Owns:   nothing      Thread: the store's */
#ifndef ACTORS_STORE_CHANNELS_H
#define ACTORS_STORE_CHANNELS_H

#include "bus/bus.h"
#include "store/store.h"

enum { STORE_DUE_MAX = 8 }; /* channels told after one group; one that is left out is told with the next */

struct store_due { /* who is to be told once the group is committed */
    char channels[STORE_DUE_MAX][33];
    size_t count;
};

/** Append `,"route":...,"skills":...` of a turn to its options, and make the route its session's. @param route  when empty and `last`: the
 *  session's own is taken  @return 0 or GW_E* */
int store_route_options(store_t *store, struct str session_key, struct str route, bool last, struct str skills, struct buf *options);
int store_route_accepted(store_t *store, int64_t session, struct str route, int64_t now_ms);

/** A turn ends: when it has a route, its answer, or why there is none, goes into the outbox. Called before the end is stored: what the
 *  turn was given is gone then. */
int store_route_ended(store_t *store, struct store_due *due, const struct msg_store_finish *q, int64_t now_ms);

/** A text into the outbox, unless there is nothing to say: blank, or NO_REPLY. @param nonce  known already: nothing happens */
int store_deliver(store_t *store, struct store_due *due, struct str route, struct str text, struct str nonce, int64_t now_ms);

/** channel.load, channel.keep, delivery.fetch, delivery.done. */
int store_channel(store_t *store, mailbox_t *mailbox, const struct msg *in, struct msg *answer);
/** What channels were sending when the last store's actor ended is pending again. */
int store_channels_start(store_t *store);
/** Forget deliveries that arrived or failed before a time. */
void store_channels_prune(store_t *store, int64_t before_ms);
void store_tell_due(mailbox_t *mailbox, struct store_due *due);

#endif
