/** actors/channel.h -- hosts the translator of one chat network (channels/channel.h): its connections, calls, timers, and the bus.
 *
 *  In:     turn.accepted, turn.started, turn.done, turn.refused, channel.kept, channel.loaded, channel.due, delivery.item, channel.order,
 *          rpc.result, session.quiet, config.changed, actor.stop
 *  Out:    turn.submit, turn.abort, channel.load, channel.keep, delivery.fetch, delivery.done, channel.status, channel.ordered, rpc.call
 *  Owns:   a libwebsockets loop, a curl_multi, the translator, messages whose turns are under way
 *  Thread: its own, `channel.<network>`
 *  Source: docs/adr/0015-channels.md
 *
 *  Files: channel.c (the loop), channel_ws.c (WebSockets), channel_http.c (calls), channel_bus.c (turns and the outbox),
 *  channel_commands.c (messages that are commands) */
#ifndef ACTORS_CHANNEL_H
#define ACTORS_CHANNEL_H

#include "base/config.h"
#include "bus/bus.h"

enum { CHANNEL_QUEUE = 4096 }; /* messages in its mailbox */

struct channel_actor_options {
    config_t *config; /* a reference is given to the actor */
    char id[33];      /* of the network: "discord" */
    struct env env;
    bool traced; /* deliveries are told to the traces actor, which is there */
};

actor_fn channel_actor; /* arg: struct channel_actor_options *, allocated; freed by the actor */

#endif
