/** channels/system_events.h -- what happened beside a conversation, told with its next turn: a line each.
 *
 *  In:     texts and when        Out: "System: [2026-11-22 13:10:55 UTC] text" lines
 *  Owns:   at most SYSTEM_EVENTS_MAX texts; the oldest makes room (as in OpenClaw)
 *  Thread: one at a time
 *  Source: reference agent-runtime 2 */
#ifndef CHANNELS_SYSTEM_EVENTS_H
#define CHANNELS_SYSTEM_EVENTS_H

#include "base/buf.h"

enum {
    SYSTEM_EVENTS_MAX = 20,
    SYSTEM_EVENT_BYTES = 4096, /* of one; the rest is cut */
};

struct system_events { /* zero is valid: none */
    struct {
        char *text; /* owned */
        int64_t at_ms;
    } list[SYSTEM_EVENTS_MAX]; /* oldest first */
    size_t count;
};

void system_events_free(struct system_events *e);

/** A repeat of the newest is no news; line breaks become blanks. @return 0 or GW_ENOMEM */
int system_events_add(struct system_events *e, struct str text, int64_t now_ms);

/** Append the lines and forget them. @return how many; 0 and none is forgotten when `out` has failed */
size_t system_events_take(struct system_events *e, struct buf *out);

/** Append their texts as a JSON array, and forget nothing. */
void system_events_write(const struct system_events *e, struct buf *out);

#endif
