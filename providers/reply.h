/** providers/reply.h -- one reply while it arrives: the dialects fill it, stream.c turns it into an outcome.
 *
 *  In:     pieces of parts, usage, stop reason, failure       Out: deltas to the sink; a chat message at the end
 *  Owns:   all bytes of the parts
 *  Thread: any, one at a time
 *
 *  A failure is set once; whatever comes after it changes nothing. Bounds: PROVIDER_REPLY_MAX bytes,
 *  PROVIDER_TOOL_CALLS_MAX calls and REPLY_PARTS_MAX parts; passing one is a failure of class too_large. */
#ifndef PROVIDERS_REPLY_H
#define PROVIDERS_REPLY_H

#include <jansson.h>

#include "providers/provider.h"

enum { REPLY_PARTS_MAX = 1024 };

struct reply_part {
    enum chat_part_kind kind;
    int64_t key; /* the dialect's: block or call index; the newest part of a kind and key gets the pieces */
    struct buf text;
    struct buf name;
    struct buf id;
    struct buf signature;
};

struct reply {
    struct model_sink sink;
    struct reply_part *parts;
    size_t part_count;
    size_t part_cap;
    size_t call_count;
    size_t bytes; /* of all parts */

    struct chat_usage usage;
    enum chat_stop stop;  /* CHAT_STOP_NONE until the provider gave a reason */
    struct str stop_text; /* the provider's word for it when it is a filter; static */
    bool done;            /* the dialect's end mark was seen */
    bool visible;         /* text was handed to the sink */
    int64_t next_key;     /* for dialects whose parts have no index */

    struct model_failure failure; /* class FAILURE_none: none so far */
    struct buf failure_text;      /* not yet redacted */

    uint64_t *known_ids; /* hashes of the call ids in the conversation so far */
    size_t known_count;
    size_t salt;                     /* messages in the conversation so far */
    struct chat_part *message_parts; /* what reply_message() gave out */
};

/** @param request  read now, not kept. @return 0 or GW_ENOMEM */
int reply_init(struct reply *r, const struct model_request *request, const struct model_sink *sink);
void reply_free(struct reply *r);

/** The newest part of this kind and key, or NULL. */
struct reply_part *reply_find(struct reply *r, enum chat_part_kind kind, int64_t key);

/** A new part at the end; NULL when the reply has failed or a bound is passed. Valid until the next reply_add(). */
struct reply_part *reply_add(struct reply *r, enum chat_part_kind kind, int64_t key);

/** reply_find(), else reply_add(). */
struct reply_part *reply_open(struct reply *r, enum chat_part_kind kind, int64_t key);

/** Append to one of the part's buffers, counted. `part` may be NULL (the bound was passed). */
void reply_append(struct reply *r, struct buf *field, struct str bytes);

/** A piece of text or thinking: appended to the part of this key (made when there is none) and handed to the sink. */
void reply_delta(struct reply *r, enum chat_part_kind kind, int64_t key, struct str text);

/** Set the failure unless there is one. `text` is copied. */
void reply_fail(struct reply *r, enum failure failure_class, struct str text);

/** Set the failure that an error object names (providers/classify.h). */
void reply_fail_json(struct reply *r, const json_t *root);

static inline bool reply_failed(const struct reply *r)
{
    return r->failure.class != FAILURE_none;
}

/** Settle the parts: ids for calls that have none or one that is taken, arguments as JSON objects, a stop reason; a
 *  filter that left nothing becomes a failure. Then the message, borrowed until reply_free().
 *  @return 0 or GW_ENOMEM */
int reply_message(struct reply *r, struct chat_message *out);

#endif
