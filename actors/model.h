/** actors/model.h -- hosts one model provider: its connections, time limits and replies.
 *
 *  In:     model.try, model.cancel
 *  Out:    model.delta (to the session), model.reply, model.failed (to the router)
 *  Owns:   libcurl, loaded when the first model.try comes; a curl_multi with its connections; the attempts in flight and
 *          those that wait
 *  Thread: its own; one per provider id
 *  Source: DESIGN sections 4, 6 and 8.6 */
#ifndef ACTORS_MODEL_H
#define ACTORS_MODEL_H

#include "base/config.h"
#include "bus/bus.h"

enum {
    MODEL_IN_FLIGHT_MAX = 512,    /* attempts of one provider at once; more wait in order (DESIGN 6) */
    MODEL_WAITING_MAX = 16384,    /* ... at most so many, then `overloaded` */
    MODEL_QUEUE = 16384,          /* messages its mailbox holds */
    MODEL_CONNECTIONS_KEPT = 256, /* idle connections kept open */
};

struct model_options {
    config_t *config;                /* a reference is given to the actor */
    char provider[MSG_NAME_MAX + 1]; /* provider id */
};

/** Host a provider that is reached over HTTP. arg: struct model_options *, allocated; freed by the actor. */
actor_fn model_actor;

/** Host the `demo` provider: plays its script with its delays. arg as for model_actor. */
actor_fn demo_actor;

#endif
