/** channels/channel.h -- what a chat network's translator is, and what hosts one.
 *
 *  In:     a connection's bytes, answers to HTTP requests, the time, texts to deliver, news of the turns that it began
 *  Out:    calls of struct channel_host: connections, requests, messages for agents, what became of deliveries
 *  Owns:   what a translator remembers (opaque); a host owns sockets, timers, the bus
 *  Thread: that of the actor that hosts it (actors/channel.h)
 *  Source: docs/adr/0015-channels.md
 *
 *  A translator opens no socket, reads no clock and waits for nothing. Each call below carries the time, and may call the host back;
 *  none of the host's calls calls the translator. Strings given either way are borrowed for the call. */
#ifndef CHANNELS_CHANNEL_H
#define CHANNELS_CHANNEL_H

#include "base/buf.h"
#include "base/config.h"

enum {
    CHANNEL_ACCOUNTS_MAX = 16,          /* of one network */
    CHANNEL_FILES_MAX = 10,             /* with one message */
    CHANNEL_FILE_MAX = 8 * 1024 * 1024, /* bytes of one */
    CHANNEL_ROUTE_MAX = 2048,           /* bytes of a route */
    CHANNEL_DELIVERIES_MAX = 256,       /* in a translator's hands at once */
};

struct channel_now {
    int64_t mono_ms; /* for durations */
    int64_t wall_ms; /* for people and for signatures of time */
};

/* An HTTP request to be made. */
struct channel_request {
    uint64_t tag; /* the translator's: comes back with the answer */
    const char *method;
    struct str url;
    struct str headers; /* "Name: value" each followed by a NUL byte */
    struct str body;
    int64_t timeout_ms;
    size_t body_max; /* bytes of the answer; a longer one is cut */
};

struct channel_response {
    uint64_t tag;
    int status;         /* 0: there is none, `error` says why */
    struct str headers; /* lines, as they came */
    struct str body;
    const char *error;
};

struct channel_image {
    struct str type;   /* "image/png" */
    struct str base64; /* its bytes */
};

/* Something that an agent is to answer. */
struct channel_message {
    uint64_t tag; /* the translator's: comes back with the news of its turn */
    struct str session_key;
    struct str agent;
    struct str text;    /* for the model: what was said, and the circumstances */
    struct str command; /* what was typed, without mentions: a command is read off this */
    bool may_command;   /* who wrote it may give commands that change something */
    struct str system;  /* for the system prompt */
    struct str skills;  /* the only skills here, one a line; "-": none; empty: the agent's */
    struct str model;   /* model ref to try first; empty: the agent's chain */
    struct str route;   /* where the answer goes, JSON object with a member `channel` */
    struct str key;     /* of this message, for ever: a repeat starts nothing */
    struct str sender;  /* id of who wrote it */
    const struct channel_image *images;
    size_t image_count;
};

enum channel_turn_news {
    CHANNEL_TURN_TAKEN, /* it is on record: what brought it may be forgotten by who sent it */
    CHANNEL_TURN_STARTED,
    CHANNEL_TURN_ENDED,
    CHANNEL_TURN_REFUSED,
};

/* A text of the outbox. */
struct channel_delivery {
    int64_t id;                       /* 0: not of the outbox, nobody hears what became of it */
    struct str route;                 /* JSON, as it was given with the message, or with the order to send */
    struct str text;                  /* Markdown */
    struct str nonce;                 /* unique for ever; 1..20 bytes */
    int64_t parts_sent;               /* of earlier tries: that many messages are not sent again */
    struct str file_name, file_bytes; /* of a file that goes along; bytes empty: none */
    struct str buttons; /* below the last message, JSON [{id, label, style: primary|success|danger}]; empty: none. A pressed one with the id
                           "approval:DECISION:ID" decides (struct channel_host); a network without buttons leaves them out */
};

enum channel_delivered {
    CHANNEL_DELIVERED, /* all of it */
    CHANNEL_PARTLY,    /* one more part; more follows */
    CHANNEL_FAILED,    /* and will not be tried again */
};

/* An order of a tool or a client: other than texts. Answered once. */
struct channel_order {
    uint64_t tag;                 /* the host's */
    struct str action;            /* send, edit, delete, react, read, probe, pairing.list, pairing.approve */
    struct str params;            /* JSON object */
    struct channel_delivery send; /* of action send; id 0 */
};

struct channel_host {
    void *ctx;
    /** One WebSocket an account; an older one of it is closed first. */
    void (*connect)(void *ctx, size_t account, struct str url);
    void (*send)(void *ctx, size_t account, struct str text);
    /** Forget the connection at once; no `closed` follows. @param code  1000: in good order, waited for a little; else as it is */
    void (*close)(void *ctx, size_t account, int code);
    void (*request)(void *ctx, const struct channel_request *request);
    void (*message)(void *ctx, const struct channel_message *message);
    /** A line for the next turn of a session: "System: ..." is put before it. */
    void (*event)(void *ctx, struct str session_key, struct str text);
    /** @param parts  of it sent so far  @param text  the messages' ids, or why it failed */
    void (*delivered)(void *ctx, int64_t id, enum channel_delivered how, int64_t parts, struct str text);
    void (*ordered)(void *ctx, uint64_t tag, bool ok, struct str json); /* not ok: a sentence */
    /** Somebody has decided about a command that waits; decided() tells whether it counted. */
    void (*decide)(void *ctx, uint64_t tag, struct str id, struct str decision, struct str by);
    void (*keep)(void *ctx, struct str key, struct str json); /* durable, for load() at the next start; empty: forget */
    void (*changed)(void *ctx);                               /* status() says something else now */
    uint64_t (*random)(void *ctx);
};

typedef struct channel_state channel_state_t;

struct channel_options {
    const config_t *config; /* lives until take_config() */
    struct env env;         /* tokens and base URLs; outlives the translator */
};

struct channel {       /* the table of functions of a network; what it has no use for is NULL: connections, load, start, take_config, turn,
                        * decided, stop
                        */
    const char *id;    /* "discord": member of `channels`, and `channel.discord` its actor */
    const char *label; /* "Discord" */

    /** Does the configuration want it, and is there what it needs? */
    bool (*wanted)(const config_t *config, const struct env *env);
    int (*create)(const struct channel_options *options, const struct channel_host *host, channel_state_t **out);
    void (*destroy)(channel_state_t **state_p);
    /** What keep() kept. All of it comes before start(). */
    void (*load)(channel_state_t *s, struct str key, struct str json);
    void (*start)(channel_state_t *s, const struct channel_now *now);
    void (*take_config)(channel_state_t *s, const config_t *config, const struct channel_now *now);
    void (*opened)(channel_state_t *s, size_t account, const struct channel_now *now);
    void (*received)(channel_state_t *s, size_t account, struct str bytes, bool binary, const struct channel_now *now);
    void (*closed)(channel_state_t *s, size_t account, int code, struct str reason, const struct channel_now *now);
    void (*answered)(channel_state_t *s, const struct channel_response *response, const struct channel_now *now);
    int64_t (*next)(channel_state_t *s); /* when tick() is wanted, monotonic; INT64_MAX: not at all */
    void (*tick)(channel_state_t *s, const struct channel_now *now);
    void (*turn)(channel_state_t *s, uint64_t tag, enum channel_turn_news news, struct str text, const struct channel_now *now);
    void (*deliver)(channel_state_t *s, const struct channel_delivery *delivery, const struct channel_now *now);
    void (*order)(channel_state_t *s, const struct channel_order *order, const struct channel_now *now);
    void (*decided)(channel_state_t *s, uint64_t tag, bool ok, const struct channel_now *now);
    /** Append the members of channels.status for this network's accounts: a JSON array. */
    void (*status)(channel_state_t *s, const struct channel_now *now, struct buf *out);
    void (*stop)(channel_state_t *s, const struct channel_now *now); /* say goodbye */
};

#define CHANNEL(id) extern const struct channel channel_##id;
#include "channels/channels.def"
#undef CHANNEL

/** All networks, NULL at the end; static. */
const struct channel *const *channels_all(void);
const struct channel *channel_find(struct str id); /* NULL: nobody knows it */

#endif
