/** actors/gateway.h -- the HTTP front: one libwebsockets loop, one thread, one port for everything.
 *
 *  In:     HTTP requests; turn.accepted, turn.refused, turn.delta, turn.done, router.pong, store.pong, system.drain, error
 *  Out:    turn.submit, turn.abort, router.ping, store.ping, gateway.listening
 *  Owns:   the listening sockets, every connection, each request's state until its answer is written
 *  Thread: its own; shares nothing but the immutable config
 *  Source: reference gateway-protocol 8; issue "the spine", HTTP front; docs/http.md
 *
 *  Files: gateway.c (loop and mailbox), gateway_listen.c (sockets), gateway_http.c (requests in, answers out),
 *         gateway_routes.c (the table of paths), gateway_chat.c (chat completions), gateway_auth.c (who may). */
#ifndef ACTORS_GATEWAY_H
#define ACTORS_GATEWAY_H

#include "actors/gateway_limits.h"
#include "base/config.h"
#include "bus/bus.h"

struct gateway_options {
    int await_health_ms; /* before it listens: wait so long for the health that its first client is told; 0: not at all */
    config_t *config;    /* a reference is given to the actor */
    char bind_host[64];
    int port;
    char *token;                /* owned by the actor; NULL: the config's */
    char *config_note;          /* owned by the actor; NULL: none */
    struct gateway_times times; /* a zero stands for the constant in gateway_limits.h; so in the next */
    struct gateway_bounds bounds;
};

actor_fn gateway_actor; /* arg: struct gateway_options *, allocated; freed by the actor */

#endif
