/** actors/session_view.h -- a stored session as clients see it: its row in lists, its entry, the model it runs with.
 *
 *  In:     a row of the store, the configuration     Out: JSON in the field order of OpenClaw
 *  Owns:   nothing                                    Thread: any
 *  Source: reference gateway-protocol 6.6, frames/rpc-sessions.* */
#ifndef ACTORS_SESSION_VIEW_H
#define ACTORS_SESSION_VIEW_H

#include <jansson.h>

#include "base/config.h"
#include "channels/session_key.h"
#include "store/sessions.h"

/** How session keys are read, out of the configuration. Borrows from it. */
struct session_key_rules session_view_rules(const config_t *config);

/* A row and what is read off it; texts borrow from the row and the configuration. */
struct session_view {
    const struct session_row *row;
    json_t *settings;       /* owned; NULL: none */
    struct str agent;       /* id */
    struct model_ref model; /* the override of a user, else the agent's first */
    int64_t context_tokens; /* the model's window */
    bool group;             /* a group or channel, by its key */
    struct str channel;     /* where it is: of the key for a group, else where it was started */
    struct str group_id;    /* a group's: what stands for its name */
};

void session_view_open(struct session_view *view, const config_t *config, const struct session_row *row);
void session_view_close(struct session_view *view);

/** A setting of sessions.patch ("verboseLevel"); empty when it is not set. Borrowed until the view is closed. */
struct str session_view_setting(const struct session_view *view, const char *name);

const char *session_view_kind(const struct session_view *view); /* "direct", "group", "global", "unknown" */

/** Append a name for people: "discord:g-<id>" for a group, else the label. Nothing when there is none. */
void session_view_name(const struct session_view *view, struct buf *out);

/** Append a row of sessions.list, without its closing brace. */
void session_view_row(const struct session_view *view, struct buf *out);

/** Append the entry that sessions.patch answers. */
void session_view_entry(const struct session_view *view, struct buf *out);

/** Append the entry that sessions.reset answers. @param known  the session was there before: then it has a model, too */
void session_view_reset_entry(const struct session_view *view, bool known, struct buf *out);

/** The model that an agent's sessions run with by themselves, and its context window. An unknown agent has the default one's. */
struct model_ref session_view_default_model(const config_t *config, struct str agent, int64_t *context_tokens);

#endif
