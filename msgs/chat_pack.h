/** msgs/chat_pack.h -- chat messages and model requests as MessagePack, for the bus.
 *
 *  In:     struct chat_message, struct chat_request     Out: bytes in a buf, and back
 *  Owns:   nothing: strings of what is read borrow from the bytes, arrays from the caller's arena
 *  Thread: any
 *
 *  A message is a map with the keys of OpenClaw's transcript shortened to one letter (table in chat_pack.c), absent
 *  fields left out; a request is a map of `system`, `messages`, `tools`, `max_tokens`, `thinking`. Unknown keys are
 *  skipped, so newer writers can add some. Bytes are pre-scanned: a header that claims more than is there allocates nothing. */
#ifndef MSGS_CHAT_PACK_H
#define MSGS_CHAT_PACK_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/chat.h"

enum {
    CHAT_PACK_MESSAGES_MAX = 65536, /* messages in one request */
    CHAT_PACK_PARTS_MAX = 4096,     /* parts in one message */
    CHAT_PACK_TOOLS_MAX = 1024,     /* tools in one request */
};

/** Append one message. @return 0, GW_ELIMIT (more than CHAT_PACK_PARTS_MAX parts), or out's own error */
int chat_pack_message(struct buf *out, const struct chat_message *message);

/** Read one message. @param arena  holds the parts; its bound limits them
 *  @return 0; GW_EBADMSG when bytes are not exactly one message, a field has the wrong kind or an enum an unknown value;
 *          GW_ELIMIT above CHAT_PACK_PARTS_MAX or the arena's bound; GW_ENOMEM. On failure *out is zeroed. */
int chat_unpack_message(struct str bytes, struct arena *arena, struct chat_message *out);

/** Append a whole request. @return 0, GW_ELIMIT (messages, parts or tools above their bounds), or out's own error */
int chat_pack_request(struct buf *out, const struct chat_request *request);

/** Read a whole request. @return as chat_unpack_message() */
int chat_unpack_request(struct str bytes, struct arena *arena, struct chat_request *out);

#endif
