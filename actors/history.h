/** actors/history.h -- what of a conversation a model gets to see: repair, window, compaction. Pure functions.
 *
 *  In:     arrays of struct chat_message, as stored
 *  Out:    arrays fit for any provider; texts for the summariser
 *  Owns:   nothing: new arrays live in the caller's arena, strings are borrowed from the input
 *  Thread: any
 *  Source: DESIGN 8.8; reference agent-runtime 9 */
#ifndef ACTORS_HISTORY_H
#define ACTORS_HISTORY_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/chat.h"

enum {
    HISTORY_KEEP_TOKENS = 20000, /* tokens of recent messages that a compaction keeps (agent-runtime 9) */
    HISTORY_IMAGE_TOKENS = 1200, /* what an image counts, whatever its size */
    HISTORY_MESSAGE_TOKENS = 4,  /* roles and separators of one message */
    HISTORY_EXCERPT_MAX = 2000,  /* bytes of one tool result or argument text shown to the summariser */
};

#define HISTORY_INTERRUPTED "[openclaw] interrupted: this call did not finish and may have taken effect"

struct history {
    struct chat_message *messages;
    size_t count;
};

/** Make every request acceptable to every provider:
 *  - each tool call has exactly one result, right behind its message, results in the order of their calls; a missing one
 *    says HISTORY_INTERRUPTED, further ones and results without a call are dropped;
 *  - tool call ids are unique and not empty: a repeated one is renamed on both sides;
 *  - messages with nothing in them, or nothing but thoughts, are dropped, and empty parts of others; partial text of an aborted or failed
 *    reply is kept, calls of a reply that failed or was aborted get their results like all others.
 *  @return 0, GW_ELIMIT or GW_ENOMEM of the arena; *out is zeroed then */
int history_repair(const struct chat_message *messages, size_t count, struct arena *arena, struct history *out);

/** Rough size in tokens: a quarter of the bytes, rounded up; an image HISTORY_IMAGE_TOKENS; HISTORY_MESSAGE_TOKENS a message. */
int64_t history_text_tokens(struct str text);
int64_t history_message_tokens(const struct chat_message *message);
int64_t history_tokens(const struct chat_message *messages, size_t count);

/** Where the longest tail of a repaired history that fits `budget_tokens` begins: at a user message, so that neither a
 *  question and its answer nor a call and its results are parted. The last user message and what follows it is kept even
 *  above the budget. @return an index, 0..count; count only when count is 0 */
size_t history_window(const struct chat_message *messages, size_t count, int64_t budget_tokens);

/** Where the last `turns` user messages begin, for chats of which only so much is shown. @param turns  0: all of it
 *  @return an index, 0..count; 0 when there are not so many */
size_t history_last_turns(const struct chat_message *messages, size_t count, int64_t turns);

/** Where to cut a repaired history for compaction: messages before the index are summarised, the rest, about
 *  `keep_tokens`, stays. The cut is at a user message; inside a turn that is the only one, or more than twice that
 *  (many tool calls), before an assistant message. @return the index; 0 when there is nothing to summarise */
size_t history_compaction_split(const struct chat_message *messages, size_t count, int64_t keep_tokens);

/** The two texts for the summariser: what it is, and the conversation with the format of the answer.
 *  @param focus  what to pay attention to, from "/compact <focus>"; may be empty
 *  @param max    most bytes of conversation: of a longer one the beginning and the end are shown  @return 0 or a buf's error */
int history_compaction_prompt(const struct chat_message *messages, size_t count, struct str focus, size_t max, struct buf *system,
                              struct buf *user);

/** Append the text that stands, as a user message, for the compacted past. */
void history_compaction_text(struct str summary, struct buf *out);

#endif
