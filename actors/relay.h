/** actors/relay.h -- two sessions that talk to each other: each gets the other's last answer as its next message, a few times.
 *
 *  In:     relay.start, config.changed; turn.accepted, turn.done, turn.refused of what it submits
 *  Out:    turn.submit
 *  Owns:   the conversations in progress, in memory. Each message of one is a durable turn; what is lost with the process is that it goes
 * on Thread: its own Source: reference agent-runtime 5.4: after the first answer up to `turns` messages to and fro, REPLY_SKIP ends them;
 * then the target is asked what to announce in its own channel, where ANNOUNCE_SKIP means nothing */
#ifndef ACTORS_RELAY_H
#define ACTORS_RELAY_H

#include "bus/bus.h"

enum {
    RELAY_QUEUE = 4096,     /* messages its mailbox holds */
    RELAY_TALKS_MAX = 1000, /* conversations at once; a further one ends with its first answer */
};

#define RELAY_REPLY_SKIP "REPLY_SKIP"
#define RELAY_ANNOUNCE_SKIP "ANNOUNCE_SKIP"

actor_fn relay_actor; /* arg: unused, NULL */

/** The extra system prompt of a message that one session sends to another. */
struct buf;
void relay_write_context(struct str asker, struct str target, struct str channel, struct buf *out);

/** The provenance of a message that one session sends to another, as JSON (OpenClaw's transcripts name it so). */
void relay_write_provenance(struct str source_key, struct str source_channel, struct buf *out);

#endif
