/** actors/gateway_crowd.h -- how an event reaches ten thousand clients without anyone waiting for it.
 *
 *  The GATEWAY_PROMPT_MAX clients that spoke last get an event at once. For all others it is noted in one list, whatever their
 *  number, and a walk that goes on between other work brings them up to date, a few at a time: what has gathered meanwhile
 *  reaches a client in one piece. Whoever is about to get something of its own is brought up to date first, so that each client
 *  hears everything in its order. With up to GATEWAY_PROMPT_MAX clients there is no list and no walk.
 *
 *  Owns:   the list: at most GATEWAY_TOLD_MAX events and GATEWAY_TOLD_BYTES_MAX bytes that someone has not heard. When it is
 *          full, events that may be missed are missed by those who would have had to wait; for others the walk hurries
 *  Thread: the gateway's
 *  Source: docs/adr/0012-poll.md */
#ifndef ACTORS_GATEWAY_CROWD_H
#define ACTORS_GATEWAY_CROWD_H

#include "actors/gateway_client.h"

int gateway_crowd_create(struct gateway *gw); /* @return 0 or GW_ENOMEM */
void gateway_crowd_rest(struct gateway *gw);  /* before the loop is taken down: its timer goes */
void gateway_crowd_destroy(struct gateway *gw);

/** It was greeted: from now on it hears what all hear. */
void gateway_crowd_join(struct gateway_client *cl);
/** It hears no more. Safe for one that never joined. */
void gateway_crowd_leave(struct gateway_client *cl);
/** A request of it came: it is among those that hear at once. */
void gateway_crowd_spoke(struct gateway_client *cl);

/** To everyone that has joined. The frame stays the caller's. May close clients (slow consumers). */
void gateway_crowd_tell(struct gateway *gw, struct gateway_frame *f, bool drop_if_slow);

/** What all were told goes to this client's queue, before something of its own does. */
void gateway_crowd_catch_up(struct gateway_client *cl);

#endif
