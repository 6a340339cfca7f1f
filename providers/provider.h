/** providers/provider.h -- what a wire dialect of a model provider must translate.
 *
 *  In:     struct model_request (values)          Out: struct http_request (bytes)
 *  In:     response head and body bytes           Out: deltas through a sink, then one model_outcome
 *  Owns:   nothing outside the objects below; no socket, thread, clock or bus
 *  Thread: any; an object is used by one thread at a time
 *
 *  One file per dialect implements `struct provider`; providers.def lists them. The actor that hosts
 *  a provider (actors/model.c) owns the curl handle and the timers and feeds the bytes in, cut anywhere. */
#ifndef PROVIDERS_PROVIDER_H
#define PROVIDERS_PROVIDER_H

#include "base/buf.h"
#include "base/chat.h"
#include "base/failure.h"

enum {
    PROVIDER_REPLY_MAX = 16 * 1024 * 1024, /* bytes of text, thinking and arguments in one reply (DESIGN 6) */
    PROVIDER_EVENT_MAX = 16 * 1024 * 1024, /* bytes of one SSE event */
    PROVIDER_ERROR_BODY_MAX = 64 * 1024,   /* bytes of an error body that are kept and read */
    PROVIDER_ERROR_TEXT_MAX = 500,         /* bytes of an error text shown to people */
    PROVIDER_TOOL_CALLS_MAX = 128,         /* calls in one reply */
};

struct model_request {
    struct str provider;                 /* provider id ("openrouter"): signatures of others are left out */
    struct str model;                    /* as the provider names it ("stepfun/step-3.5-flash:free") */
    struct str system;                   /* may be empty */
    const struct chat_message *messages; /* repaired: each call has one result, each result a call */
    size_t message_count;
    const struct chat_tool *tools;
    size_t tool_count;
    int64_t max_tokens;  /* 0: the provider's default, or the dialect's where one is required */
    struct str thinking; /* "", "off", "minimal", "low", "medium", "high" */
    bool reasoning;      /* the model takes a thinking level */
    bool images;         /* the model takes images; otherwise image parts become a text note */
};

struct provider_header {
    struct str name;
    struct str value;
};

struct provider_endpoint {
    struct str id;                         /* "openrouter" */
    struct str base_url;                   /* without a trailing '/' */
    struct str api_key;                    /* may be empty: no credential is sent */
    const struct provider_header *headers; /* from config, sent as they are, after the dialect's own */
    size_t header_count;
};

/** A request ready to be sent with POST. Zero-initialise; free with http_request_free(). */
struct http_request {
    struct buf url;
    struct buf headers; /* "Name: value\0" one after the other */
    struct buf body;
};
void http_request_free(struct http_request *r);

/** Why a request failed, in a form that the router can act on. */
struct model_failure {
    enum failure class;
    int http_status;        /* 0: none was received */
    int64_t retry_after_ms; /* -1: the provider did not say */
    struct str text;        /* for people, no secrets, at most PROVIDER_ERROR_TEXT_MAX bytes */
};

struct model_outcome {
    bool ok;
    struct chat_message message;  /* ok: CHAT_ASSISTANT with its parts, stop and usage; not ok: text and thinking before the failure */
    struct model_failure failure; /* not ok */
    bool visible;                 /* text was handed to the sink */
};

/** Where the pieces of a reply go while they arrive; called inside model_stream_feed(). `text` is borrowed for the call. */
struct model_sink {
    void (*delta)(void *ctx, enum chat_part_kind kind, struct str text); /* CHAT_TEXT or CHAT_THINKING */
    void *ctx;
};

typedef struct model_stream model_stream_t; /* one reply being read */
struct reply;                               /* providers/reply.h: what a dialect's event handler fills */

struct provider {
    const char *api; /* OpenClaw's name of the dialect: "openai-completions", "google-generative-ai", "anthropic-messages" */

    /** Build the request for one candidate. @return 0, GW_ENOMEM, GW_ELIMIT, GW_EINVAL (empty model or base URL) */
    int (*request)(const struct provider_endpoint *endpoint, const struct model_request *request, struct http_request *out);

    /** One complete SSE event (`event` may be empty, `data` joined) or one whole JSON body of a 200.
     *  Fills `reply`, or sets its failure. Malformed JSON is a failure of class server. */
    void (*event)(struct reply *reply, struct str event, struct str data);

    /** Class and text of an error answer. `body` may be anything, cut at PROVIDER_ERROR_BODY_MAX.
     *  The text goes into *text as it came; model_stream_finish() redacts and bounds it. */
    void (*failure)(int http_status, struct str body, struct model_failure *out, struct buf *text);
};

/** The dialect of an `api` name, or NULL. Static. */
const struct provider *provider_find(struct str api);

/** Start reading one reply.
 *  @param endpoint  its secrets never appear in a failure text; read now, not kept
 *  @param request   provider and model are noted in the message, its call ids are not given again; read now, not kept
 *  @param sink      copied
 *  @return 0, or GW_ENOMEM and *out is NULL */
int model_stream_create(const struct provider *provider, const struct provider_endpoint *endpoint, const struct model_request *request,
                        const struct model_sink *sink, model_stream_t **out);
void model_stream_destroy(model_stream_t **stream_p);

/** The response head. @param retry_after  value of the Retry-After header (seconds or an HTTP date), may be empty
 *  @param now_ms  wall clock, for a date  @param content_type  decides between SSE and one JSON body */
void model_stream_head(model_stream_t *s, int http_status, struct str content_type, struct str retry_after, int64_t now_ms);

/** Body bytes, cut anywhere. @return 0, GW_ENOMEM, or GW_ELIMIT when a bound is passed: stop the transfer, then finish. */
int model_stream_feed(model_stream_t *s, struct str bytes);

/** True once the dialect's own end mark or an error inside the stream has been seen: the transfer may be ended. */
bool model_stream_complete(const model_stream_t *s);

/** True once a byte of the body has come; comments count as life too. */
bool model_stream_started(const model_stream_t *s);

/** The end of the transfer; a second call gives the same outcome.
 *  A reply that was whole before the connection broke is still a success. Tool calls of a failed one are left out, as
 *  their arguments may be cut. A call whose arguments are no JSON object has them as {"invalid_json": "<text>"}.
 *  @param transport  FAILURE_none when the connection ended cleanly, otherwise its class
 *  @param transport_text  what failed, for people
 *  @return the outcome, borrowed from the stream until it is destroyed. Never NULL. */
const struct model_outcome *model_stream_finish(model_stream_t *s, enum failure transport, struct str transport_text);

#endif
