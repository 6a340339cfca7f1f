/** channels/routing.h -- who answers, and in which conversation: bindings and session keys.
 *
 *  In:     where a message came from        Out: an agent's id, a session key
 *  Owns:   nothing                          Thread: any
 *  Source: reference discord 4.4 (tiers of bindings, forms of keys, dmScope) */
#ifndef CHANNELS_ROUTING_H
#define CHANNELS_ROUTING_H

#include "base/buf.h"
#include "base/config.h"

struct routing_from {
    const char *channel; /* "discord" */
    struct str account;  /* id */
    bool default_account;
    const char *kind;  /* "channel", "group", "direct" */
    struct str peer;   /* id of the channel or group; of the person for direct ones */
    struct str parent; /* of a thread: its channel; empty: none */
    struct str guild;  /* empty: none */
    const struct str *roles;
    size_t role_count;
};

/** The agent whose binding fits most exactly: peer, parent, guild and role, guild, account, channel; else the default agent. One that
 *  nobody configured counts as the default agent. Borrows from the configuration. */
struct str routing_agent(const config_t *config, const struct routing_from *from);

/** Append the conversation's key. @return the buffer's error */
int routing_session_key(const config_t *config, struct str agent, const struct routing_from *from, struct buf *out);

#endif
