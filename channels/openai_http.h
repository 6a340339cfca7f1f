/** channels/openai_http.h -- translates between OpenAI's chat completions over HTTP and a user's turn.
 *
 *  In:     a request's body and headers           Out: agent, session key, text, images, extra system prompt
 *  In:     an answer and its usage                Out: JSON bodies and SSE events
 *  Owns:   struct openai_chat owns what its strings borrow from; nothing else
 *  Thread: any; opens no socket, knows no bus
 *  Source: reference gateway-protocol 8, agent-runtime 1; platform.openai.com/docs/api-reference/chat (2026-02);
 *          docs/http.md tells where we differ */
#ifndef CHANNELS_OPENAI_HTTP_H
#define CHANNELS_OPENAI_HTTP_H

#include <jansson.h>

#include "base/buf.h"

enum {
    OPENAI_MESSAGES_MAX = 10000,     /* elements of `messages` */
    OPENAI_IMAGES_MAX = 32,          /* images of the current message */
    OPENAI_SYSTEM_MAX = 1024 * 1024, /* bytes of all system messages (turn.submit's limit) */
    OPENAI_MODEL_MAX = 256,          /* bytes of `model`, which is echoed */
    OPENAI_USER_MAX = 256,           /* bytes of `user` */
    OPENAI_SESSION_KEY_MAX = 512,    /* bytes of a session key (turn.submit's limit) */
    OPENAI_AGENT_MAX = 64,           /* bytes of an agent id */
    OPENAI_ERROR_TEXT_MAX = 400,     /* bytes of an error message made here, with its NUL */
};

#define OPENAI_NO_REPLY_TEXT "No response from OpenClaw."

struct openai_image {
    struct str media_type; /* "image/png" */
    struct str data;       /* base64 */
};

/** What a request asks for. Zero-initialise; free with openai_chat_free(). Strings borrow from `root`, `system_text`, `message`. */
struct openai_chat {
    struct str model; /* as sent; echoed in answers */
    struct str user;  /* may be empty */
    bool stream;
    bool include_usage;     /* stream_options.include_usage */
    struct buf system_text; /* system and developer messages, a blank line between them */
    struct buf message;     /* the current message, earlier ones folded in before it */
    struct openai_image images[OPENAI_IMAGES_MAX];
    size_t image_count;
    json_t *root; /* owned */
};
void openai_chat_free(struct openai_chat *chat);

/** Why a request is refused. */
struct openai_error {
    int status;       /* HTTP */
    const char *type; /* "invalid_request_error" ... static */
    char param[64];   /* the field; empty: none */
    char message[OPENAI_ERROR_TEXT_MAX];
};

/** Read a request's body.
 *  @param out  zeroed by the caller
 *  @return 0; GW_EPARSE, GW_EINVAL or GW_ELIMIT with *why filled; GW_ENOMEM */
int openai_chat_parse(struct str body, struct openai_chat *out, struct openai_error *why);

/** Headers that choose agent and session; empty when absent. */
struct openai_headers {
    struct str agent_id;    /* x-openclaw-agent-id, else x-openclaw-agent */
    struct str session_key; /* x-openclaw-session-key */
};

/** Agent id and session key of a request: the session key's agent, else the header's, else the model's
 *  (`openclaw:<id>`, `openclaw/<id>`, `agent:<id>`), else `default_agent`.
 *  @param uuid  for a session of its own, when neither header nor `user` names one
 *  @param agent  lower case
 *  @return 0, or GW_EINVAL with *why filled */
int openai_chat_route(const struct openai_chat *chat, const struct openai_headers *headers, struct str default_agent, const char *uuid,
                      char agent[OPENAI_AGENT_MAX + 1], char session_key[OPENAI_SESSION_KEY_MAX + 1], struct openai_error *why);

/** What is the same in every object of one answer. Borrowed. */
struct openai_reply {
    struct str id; /* "chatcmpl_<uuid>" */
    struct str model;
    int64_t created; /* seconds since 1970 */
};
struct openai_usage {
    int64_t prompt_tokens;
    int64_t completion_tokens;
};

/* Bodies and SSE events, appended to `out`; an event ends with its blank line. `finish` is "stop", "length" or "content_filter". */
void openai_write_completion(struct buf *out, const struct openai_reply *r, struct str text, const char *finish, struct openai_usage usage);
void openai_write_role_event(struct buf *out, const struct openai_reply *r);
void openai_write_text_event(struct buf *out, const struct openai_reply *r, struct str text);
void openai_write_finish_event(struct buf *out, const struct openai_reply *r, const char *finish);
void openai_write_usage_event(struct buf *out, const struct openai_reply *r, struct openai_usage usage);
void openai_write_done_event(struct buf *out);
void openai_write_models(struct buf *out, const struct str *agent_ids, size_t count, int64_t created);

/** {"error":{"message","type","code"?,"param"?}}; code and param may be NULL or empty: left out. */
void openai_write_error(struct buf *out, struct str message, const char *type, const char *code, const char *param);

#endif
