/* actors/channel_internal.h -- what the files about channels share. */
#ifndef ACTORS_CHANNEL_INTERNAL_H
#define ACTORS_CHANNEL_INTERNAL_H

#include <jansson.h>
#include <libwebsockets.h>
#include <uthash.h>

#include "actors/channel.h"
#include "actors/curl_api.h"
#include "channels/channel.h"
#include "channels/system_events.h"

enum {
    CHANNEL_EVENT_SESSIONS_MAX = 200,
    CHANNEL_WAITS_MAX = 8192, /* turns and questions under way, and orders: each */
    CHANNEL_WS_MESSAGE_MAX = 32 << 20,
    CHANNEL_CONNECTIONS_MAX = 64, /* of calls; further calls wait in libcurl */
    CHANNEL_FETCH_MAX = 32,       /* deliveries asked for at once */
    CHANNEL_STATUS_MS = 30000,    /* how it is, is told at least so often */
};

struct channel_conn { /* a WebSocket */
    struct channel_conn *prev, *next;
    struct host *host;
    size_t account;
    struct lws *wsi;
    struct buf in;    /* a message that is not complete */
    struct buf out;   /* frames to send: length (8 bytes), text */
    int code;         /* the peer's close code; 0: none */
    char reason[124]; /* its words */
    int bye;          /* close with this code; 0: do not */
    bool forgotten;   /* the translator does not know it any more */
    bool binary, gone;
};

struct channel_fetch; /* a call under way (channel_http.c) */

struct channel_waits { /* a turn under way, or an answer that is awaited; by corr */
    uint64_t corr, tag;
    struct channel_command *command; /* NULL: a turn, or a decision */
    UT_hash_handle hh;
};

struct channel_lines { /* events for a session's next turn */
    char *key;         /* owned */
    struct system_events events;
    UT_hash_handle hh;
};

struct channel_parcel { /* a delivery in the translator's hands */
    int64_t id;
    int64_t turn;     /* whose answer it is; 0: no turn's */
    int64_t began_ms; /* since 1970 */
    UT_hash_handle hh;
};

struct channel_asked { /* an order, while the translator has it */
    uint64_t tag, corr;
    char from[MSG_NAME_MAX + 1];
    UT_hash_handle hh;
};

struct host {
    mailbox_t *mailbox;
    struct channel_actor_options *options;
    const struct channel *channel;
    channel_state_t *state;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    lws_sorted_usec_list_t timer;
    struct channel_conn *conns;
    struct curl_api curl;
    CURLM *multi;
    int epoll;
    int64_t curl_due_ms;
    struct channel_fetch *fetches;
    struct channel_waits *waits;
    struct channel_asked *asked;
    struct channel_lines *lines;
    uint64_t last_tag;
    struct channel_parcel *parcels;
    bool due, loaded, stopping, changed;
    int64_t status_ms, load_ms;
};

struct channel_now channel_now(void);

/* channel_ws.c */
int channel_ws_open(struct host *h);
void channel_ws_connect(struct host *h, size_t account, struct str url);
void channel_ws_send(struct host *h, size_t account, struct str text);
void channel_ws_close(struct host *h, size_t account, int code);
void channel_ws_sweep(struct host *h); /* tell the translator of those that ended */
void channel_ws_free(struct host *h);

/* channel_http.c */
int channel_http_open(struct host *h);
void channel_http_request(struct host *h, const struct channel_request *rq);
void channel_http_run(struct host *h);
void channel_http_free(struct host *h);

/* channel_bus.c */
void channel_on_message(struct host *h, const struct channel_message *m);
void channel_submit(struct host *h, const struct channel_message *m, struct str text, bool compact);
/** @param tag  the translator's, for decided() */
void channel_decide(struct host *h, uint64_t tag, struct str id, struct str decision, struct str by);
void channel_say(struct host *h, struct str route, struct str text);
void channel_on_bus(struct host *h, struct msg *in);
void channel_fetch_due(struct host *h);
void channel_parcel_over(struct host *h, int64_t id);
void channel_trace_parcel(struct host *h, int64_t id, bool failed); /* it is about to be over */
void channel_note_line(struct host *h, struct str session_key, struct str text);
void channel_bus_free(struct host *h);
struct channel_waits *channel_wait(struct host *h, uint64_t corr, uint64_t tag, struct channel_command *command);

/* channel_commands.c */
/** @return whether the message was one, and is taken care of */
bool channel_command_take(struct host *h, const struct channel_message *m);
void channel_command_told(struct host *h, struct channel_command *c, struct msg *in);
void channel_command_free(struct channel_command *c);

#endif
