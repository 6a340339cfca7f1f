/** actors/router.h -- the only place that decides: admission, order, permits, model fallback, supervision.
 *
 *  In:     turn.submit, turn.abort, turn.done; model.request, model.reply, model.failed; store.accepted, store.pending,
 *          store.cooldown, store.recovered, store.pong; actor.hello, actor.ended; gateway.listening; system.drain; router.ping,
 *          router.status; session.quiesce, session.forget; config.changed
 *  Out:    turn.accepted, turn.refused, turn.started, turn.run, turn.cancel, turn.done; model.try, model.switched, model.reply,
 *          model.failed, model.cancel; store.recover, store.accept, store.finish, store.cooldown; session.park, actor.stop,
 *          session.forget, session.quiet, store.ping, router.pong, router.told, config.changed; to `main` system.ready,
 *          system.failed, system.stopped
 *  Owns:   the hub, the policy core, every actor it started, what it keeps of turns and requests
 *  Thread: its own; it never waits on anything but the hub
 *  Source: DESIGN sections 1, 2 and 5. What is decided stands in actors/policy.h; here events and actions are translated
 *
 *  Files: router.c (loop, start, stop), router_turns.c and router_ends.c (turns from submission to end), router_collect.c (several
 *         that are answered together), router_models.c, router_actors.c (starting and supervising), router_config.c (a new
 *         configuration), router_sessions.c (stops, quiet), router_status.c and router_course.c (what people are told). */
#ifndef ACTORS_ROUTER_H
#define ACTORS_ROUTER_H

#include "actors/system.h"
#include "bus/hub.h"

struct router_options {
    bus_t *bus;
    config_t *config; /* a reference is given to the router */
    bool gateway;
    int port;
    char bind_host[64];
    char *state_dir;   /* owned */
    char *token;       /* owned; NULL: the config's */
    char *config_note; /* owned; NULL: none */
    char *config_path; /* owned; the file that is watched; NULL: none is */
    struct env env;    /* for reading it again */
    bool verbose;      /* the log stays at debug */
};

hub_fn router_run; /* arg: struct router_options *, allocated; freed by the router */

#endif
