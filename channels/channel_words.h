/** channels/channel_words.h -- what every network's translator writes alike: an account's status, blocks for the model, where texts go.
 *  Owns: nothing      Thread: any     Source: reference discord 4.5 (blocks), gateway-protocol 7 (channels.status) */
#ifndef CHANNELS_CHANNEL_WORDS_H
#define CHANNELS_CHANNEL_WORDS_H

#include <jansson.h>

#include "base/buf.h"
#include "base/json5.h"

struct channel_account_status {
    const char *id, *state;
    bool running, connected;
    int64_t started_ms, stopped_ms, inbound_ms, outbound_ms, event_ms; /* wall clock; 0: never */
    const char *error;                                                 /* "": none */
    const char *bot_id, *bot_name;                                     /* NULL or "": not known */
};
/** Append `{...` of channels.status without its end: a network adds what it alone knows. */
void channel_status_write(const struct channel_account_status *status, struct buf *out);

/** A heading and a fenced JSON value, for the model. @param value  taken over */
void channel_block_write(struct buf *out, const char *heading, json_t *value);
/** A member, unless it is empty. */
void channel_member_set(json_t *object, const char *name, struct str value);

/** The only skills of a place, one a line; "-": none; nothing: `skills` is NULL, they are the agent's. */
void channel_skills_write(const struct json5_node *skills, struct buf *out);

/** Where a text goes that answers no message: to `channel` and `to` when both are named, else to the place that was used last, if that is
 *  on the channel named.
 *  @param last  a route; empty: none is known  @return false: nowhere, nothing was appended */
bool channel_route_find(struct str channel, struct str account, struct str to, struct str last, struct buf *out);

#endif
