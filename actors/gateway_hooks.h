/** actors/gateway_hooks.h -- POST <hooks.path>/...: calls from outside become words for the main session, or turns.
 *
 *  In:     requests below hooks.path; route.told, turn.accepted, turn.refused     Out: answers; route.ask, turn.submit
 *  Owns:   a hook in hand for each connection, the count of wrong tokens
 *  Thread: the gateway's
 *  Source: reference gateway-protocol 8 (hooks), captured frames http-hooks-* */
#ifndef ACTORS_GATEWAY_HOOKS_H
#define ACTORS_GATEWAY_HOOKS_H

#include "actors/gateway_internal.h"
#include "channels/hooks.h"

enum {
    GATEWAY_HOOK_TRIES = 20, /* wrong tokens a minute, all callers together */
    GATEWAY_HOOK_WINDOW_MS = 60000,
    GATEWAY_HOOK_MS = 10000, /* until the turn is durable */
};

struct gateway_hook { /* of a connection */
    char name[HOOK_NAME_MAX + 1];
    char id[37];
    struct hook what;
};

/** The route of a hook; NULL: the path is none. */
const struct gateway_route *gateway_hook_route(const config_t *config, struct str path);

void gateway_hook_answer(struct gateway_conn *c, const struct msg *in);
void gateway_hook_late(struct gateway_conn *c);
void gateway_hook_free(struct gateway_conn *c);

#endif
