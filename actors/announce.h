/** actors/announce.h -- the texts around a sub-agent: what it is told when it starts, what its requester is told when it has ended.
 *
 *  In:     rows of the store, values     Out: text appended to a buf
 *  Owns:   nothing                       Thread: any
 *  Source: reference agent-runtime 5.1 and 5.2; the template is to the letter, the instructions are ours */
#ifndef ACTORS_ANNOUNCE_H
#define ACTORS_ANNOUNCE_H

#include "base/buf.h"
#include "store/spawns.h"

/** What the requester is told. @param findings  the child's last words; may be empty */
void announce_write(const struct spawn_row *row, struct str findings, struct buf *out);

/** True for an answer that nobody wants to hear: ANNOUNCE_SKIP or NO_REPLY and nothing else. */
bool announce_is_silent(struct str answer);

/** "7s", "3m05s", "2h10m"; "n/a" below 0. */
void announce_write_runtime(int64_t ms, struct buf *out);

struct announce_child {
    struct str task, label;
    struct str key;                /* its session */
    struct str requester, channel; /* who started it, and from where */
    int64_t depth, depth_max;
};

void announce_write_task(const struct announce_child *child, struct buf *out);   /* its first message */
void announce_write_system(const struct announce_child *child, struct buf *out); /* its extra system prompt */

#endif
