/** channels/discord_rest.h -- Discord's HTTP calls in the order and at the pace that Discord allows.
 *
 *  In:     calls; answers to those that were sent; the time
 *  Out:    calls to send now; calls that are over
 *  Owns:   calls that wait or are under way, what is known of rate limits
 *  Thread: one at a time
 *  Source: reference discord 3, 3.1
 *
 *  Calls of one lane (a channel's messages) go one after the other, whatever becomes of them; lanes do not wait for each other. A call
 *  waits for its bucket, for the global limit, and after a 429, a 5xx or no answer for its own pause, and is then sent again as it was. */
#ifndef CHANNELS_DISCORD_REST_H
#define CHANNELS_DISCORD_REST_H

#include "channels/channel.h"

enum {
    DISCORD_CALLS_MAX = 4096,              /* waiting and under way, of one account */
    DISCORD_BUCKETS_MAX = 8192,            /* remembered; then those that are over are forgotten */
    DISCORD_GLOBAL_MAX = 45,               /* calls in a second; Discord allows 50 */
    DISCORD_INVALID_MAX = 8000,            /* answers 401, 403, 429 in ten minutes; Discord bans at 10,000 */
    DISCORD_PATIENCE_MS = 6 * 3600 * 1000, /* how long a message is tried */
    DISCORD_PATH_MAX = 512,
};

enum discord_purpose { /* what an answer is for; see discord_answers.c */
                       DISCORD_FOR_NOTHING,
                       DISCORD_FOR_GATEWAY,
                       DISCORD_FOR_COMMANDS,
                       DISCORD_FOR_CHANNEL,
                       DISCORD_FOR_PART,  /* of a delivery */
                       DISCORD_FOR_DM,    /* the channel of a delivery to a person */
                       DISCORD_FOR_FILE,  /* of a message that came */
                       DISCORD_FOR_ORDER, /* a tool's */
                       DISCORD_FOR_PROBE,
                       DISCORD_FOR_REACTED, /* the author of a message that somebody reacted to */
};

struct discord_call {
    enum discord_purpose purpose;
    const char *method;
    char path[DISCORD_PATH_MAX]; /* behind the base URL, or a whole URL */
    struct buf body;             /* owned */
    const char *type;            /* Content-Type; NULL: no body */
    char boundary[48];           /* of a multipart body; empty: none */
    char lane[64];               /* empty: in nobody's order */
    bool exempt;                 /* from the global limit: answers to interactions */
    bool own_token;              /* its path has a token of its own: the bot's is not sent, and a 401 says nothing of it */
    bool foreign;                /* not Discord's API: no token, no limits */
    bool cheap;                  /* worth one try: typing */
    int tries_max;               /* 0: until `patience_ms` */
    int64_t patience_ms;
    int64_t timeout_ms;
    size_t body_max; /* of the answer; 0: 1 MiB */
    void *subject;   /* whom it is about; the caller's */
    uint64_t about;
    char ref[64];
    char *note; /* owned; the caller's */

    /* from here on discord_rest's own */
    uint64_t tag;
    char route[DISCORD_PATH_MAX + 16];
    int tries;
    int64_t born_ms, due_ms;
    bool under_way;
    struct discord_call *prev, *next;
};

typedef struct discord_rest discord_rest_t;

int discord_rest_create(discord_rest_t **out);
void discord_rest_destroy(discord_rest_t **rest_p);

/** Take a call over. Its path is written already. @return 0; GW_EFULL: it is freed */
int discord_rest_add(discord_rest_t *rest, struct discord_call *call, int64_t now_ms);
/** One that was not added. */
void discord_call_free(struct discord_call *call);

/** The next call that may go out now; it is under way from then on. NULL: none. */
const struct discord_call *discord_rest_next(discord_rest_t *rest, int64_t now_ms);
/** When asking again is worth while; INT64_MAX: when something else has happened. Right after discord_rest_next() gave NULL. */
int64_t discord_rest_due(const discord_rest_t *rest);

/** An answer. @param random  for jitter
 *  @return the call, which is over and the caller's to free; NULL: it is sent again later, or nobody knows it */
struct discord_call *discord_rest_answered(discord_rest_t *rest, const struct channel_response *response, int64_t now_ms, uint64_t random);

/** Calls about a subject that wait are forgotten; those under way come back with subject NULL. */
void discord_rest_forget(discord_rest_t *rest, const void *subject);
/** All that wait for a purpose are forgotten. */
void discord_rest_forget_purpose(discord_rest_t *rest, enum discord_purpose purpose);

size_t discord_rest_count(const discord_rest_t *rest);

/** A header's value among an answer's lines; empty: it is not there. */
struct str discord_header(struct str headers, const char *name);

/** Append a path's bucket: its ids replaced, but those that limits go by. */
void discord_route(const char *method, struct str path, struct buf *out);

#endif
