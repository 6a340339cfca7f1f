/** msgs/chat_json.h -- chat messages as JSON, in the shape of OpenClaw's transcripts, for store rows and history answers.
 *
 *  In:     struct chat_message, JSON text     Out: JSON text, struct chat_message
 *  Owns:   nothing: what is read is copied into the caller's arena
 *  Thread: any
 *  Source: reference gateway-protocol 6.2 and 9, frames/state-transcript-lines.json
 *
 *  user        {role, content:[{type:"text",text}|{type:"image",data,mimeType}], timestamp}
 *  assistant   the same with {type:"thinking",thinking,thinkingSignature?} and {type:"toolCall",id,name,arguments,thoughtSignature?}
 *              parts, and provider, model, stopReason, usage, errorMessage
 *  toolResult  {role, toolCallId, toolName, content, isError, timestamp}
 *  `content` may also be a plain string. Parts and fields that are unknown are skipped. */
#ifndef MSGS_CHAT_JSON_H
#define MSGS_CHAT_JSON_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/chat.h"

enum {
    CHAT_JSON_MAX = 64 * 1024 * 1024, /* bytes of one text */
    CHAT_JSON_PARTS_MAX = 4096,       /* parts in one message */
    CHAT_JSON_MESSAGES_MAX = 65536,   /* messages in one array */
};

/** Append one message as a JSON object. Arguments of a tool call are written as they are when they are a JSON
 *  object, else as {} : a transcript must stay readable. @return 0, or out's own error */
int chat_json_write(struct buf *out, const struct chat_message *message);

/** Read one message.
 *  @return 0; GW_EPARSE for text that is not a JSON object; GW_ENOENT for an object that is no user, assistant or
 *          toolResult message (a reader of a transcript skips those); GW_ELIMIT, GW_ENOMEM. On failure *out is zeroed. */
int chat_json_read(struct str json, struct arena *arena, struct chat_message *out);

/** Read an array of messages; elements that are no message are skipped.
 *  @param messages  in the arena  @return 0, GW_EPARSE, GW_ELIMIT, GW_ENOMEM */
int chat_json_read_array(struct str json, struct arena *arena, struct chat_message **messages, size_t *count);

/** The role of a transcript message: "user", "assistant", "toolResult"; static. Empty, p NULL: none of these. */
struct str chat_json_role(struct str json);

/** Append the text parts of a transcript message, as a person reads them. What cannot be read adds nothing. */
void chat_json_text(struct str json, struct buf *out);

#endif
