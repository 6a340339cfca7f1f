/** base/chat.h -- a conversation in memory: messages of parts.
 *
 *  The shapes are those of OpenClaw's transcripts (reference: agent-runtime 1, gateway-protocol 6.2).
 *  All strings are borrowed: from a decoded payload, a parsed document or a stream's buffers.
 *  JSON and msgpack forms: store rows hold JSON (msgs/chat_json.h), the bus carries msgpack (msgs/chat_pack.h). */
#ifndef BASE_CHAT_H
#define BASE_CHAT_H

#include "base/str.h"

enum chat_role { CHAT_USER, CHAT_ASSISTANT, CHAT_TOOL_RESULT };

enum chat_part_kind { CHAT_TEXT, CHAT_THINKING, CHAT_IMAGE, CHAT_TOOL_CALL };

struct chat_part {
    enum chat_part_kind kind;
    struct str text;      /* text or thinking; image: base64 data; tool call: arguments, the text of a JSON object */
    struct str name;      /* tool call: tool name; image: media type ("image/png") */
    struct str id;        /* tool call: id, unique in its conversation */
    struct str signature; /* thinking, tool call, text: opaque proof, returned only to the provider that made it */
};

enum chat_stop {
    CHAT_STOP_NONE,
    CHAT_STOP_END,
    CHAT_STOP_TOOL_USE,
    CHAT_STOP_LENGTH,
    CHAT_STOP_FILTER,
    CHAT_STOP_ERROR,
    CHAT_STOP_ABORTED
};

struct chat_usage {
    int64_t input;       /* tokens of the prompt, cached ones included */
    int64_t output;      /* tokens of the reply, reasoning included */
    int64_t cache_read;  /* of input */
    int64_t cache_write; /* of input */
};

struct chat_message {
    enum chat_role role;
    struct chat_part *parts;
    size_t part_count;
    int64_t timestamp_ms; /* wall clock; 0: unknown */
    /* CHAT_USER: who really wrote it, a JSON object {kind, sourceSessionKey, sourceChannel, sourceTool}; empty: a person */
    struct str provenance;

    struct str tool_call_id; /* CHAT_TOOL_RESULT: the call it answers */
    struct str tool_name;
    bool is_error;

    struct str provider; /* CHAT_ASSISTANT: who wrote it ("openrouter"), and with which model */
    struct str model;
    enum chat_stop stop;
    struct chat_usage usage;
    bool estimated;   /* the provider did not tell `usage`: it is a guess by the size of prompt and answer */
    struct str error; /* CHAT_ASSISTANT with CHAT_STOP_ERROR: what failed */
};

struct chat_tool {
    struct str name;
    struct str description;
    struct str parameters; /* the text of a JSON schema object */
};

/* What a session asks of a model, whoever the provider is: the body of a model request, packed once and
 * handed to each candidate in turn (msgs/chat_pack.h). */
struct chat_request {
    struct str system;                   /* may be empty */
    const struct chat_message *messages; /* repaired: each call has one result, each result a call */
    size_t message_count;
    const struct chat_tool *tools;
    size_t tool_count;
    int64_t max_tokens;  /* 0: the provider's default */
    struct str thinking; /* "", "off", "minimal", "low", "medium", "high" */
};

#endif
