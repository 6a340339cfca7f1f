/** actors/gateway_client.h -- a WebSocket connection: frames in, a bounded queue of frames out, the way to its end.
 *
 *  In:     what libwebsockets shows of the connection
 *  Out:    whole messages to gateway_connect.c (the first one) and gateway_rpc.c (the rest)
 *  Owns:   the client's queue, its identity, its requests that are not answered yet
 *  Thread: the gateway's
 *  Source: reference gateway-protocol 1 and 2; docs/rpc.md
 *
 *  A frame is built once and shared by all who hear it. Who reads too slowly first misses events that may be missed
 *  (GATEWAY_CLIENT_SLOW), then is closed with 1008 `slow consumer` (GATEWAY_CLIENT_OUT_MAX); nobody else waits for it. */
#ifndef ACTORS_GATEWAY_CLIENT_H
#define ACTORS_GATEWAY_CLIENT_H

#include "actors/gateway_internal.h"
#include "actors/gateway_rpc.h"

enum gateway_client_state {
    CLIENT_NEW,       /* the challenge is out, `connect` is awaited */
    CLIENT_JUDGED,    /* `connect` was read; its answer waits for the store */
    CLIENT_CONNECTED, /* hello-ok is out */
    CLIENT_CLOSING,   /* what is queued is still sent, then the socket is closed */
};

/* Where it is among those that hear events (gateway_crowd.c). */
enum gateway_place { CROWD_OUTSIDE, CROWD_PROMPT, CROWD_LATER };

enum { GATEWAY_ROLE_MAX = 16, GATEWAY_UUID_SIZE = 37, GATEWAY_SPOKE_MAX = 8 };

struct gateway_frame; /* bytes shared by the queues that hold them */

/* Who the client said it is; strings are owned by the client, NULL when not given. */
struct gateway_identity {
    char *client_id, *mode, *version, *platform, *display_name, *device_family, *model_identifier, *instance_id, *device_id;
    bool node;                                   /* role node; else operator */
    bool read, write, admin, approvals, pairing; /* the scopes it has */
    char *scopes;                                /* the same as a JSON array, for presence and hello-ok */
    bool tool_events;                            /* caps: wants the tool stream of its runs */
};

struct gateway_client {
    struct gateway *gw;
    struct gateway_conn *conn;
    struct lws *wsi;
    struct gateway_client *prev, *next;
    enum gateway_client_state state;
    char conn_id[GATEWAY_UUID_SIZE], nonce[GATEWAY_UUID_SIZE];
    struct gateway_peer peer;
    bool local;          /* reference 2.5 */
    bool vouched;        /* a trusted proxy has named its user */
    bool paused;         /* too many requests at once: it is read again when some are answered */
    bool clogged;        /* the socket is full: it is read again when there is room */
    char *host, *origin; /* headers; owned; NULL when absent */
    struct gateway_identity who;
    bool greeted;                    /* no longer counted among the handshakes */
    bool present;                    /* it has an entry in the presence list */
    struct gateway_judging *judging; /* owned; the verdict until it is told */
    struct buf first;                /* a `connect` that came before the devices were loaded */
    struct buf in;                   /* the message that is being received */
    struct gateway_frame **queue;    /* a ring of queue_cap, a power of two */
    uint32_t queue_cap, queue_head, queue_count;
    size_t queued;            /* bytes in it */
    enum gateway_place place; /* these four: gateway_crowd.c */
    uint64_t heard;
    struct gateway_client *crowd_prev, *crowd_next;
    struct gateway_request *requests;
    uint64_t spoke[GATEWAY_SPOKE_MAX]; /* hashes of the sessions it began runs in, the newest of them: it hears of their tools */
    unsigned spoke_count;
    size_t waiting, lasting; /* of them: before their first answer; after it */
    int64_t moved_ms;        /* monotonic, when it last took something while something waited */
    int close_code;
    bool closed; /* the close frame is out */
    char close_reason[124];
};

/** libwebsockets' callback for upgraded connections and for the upgrade itself. */
int gateway_client_callback(struct gateway_conn *c, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len);
void gateway_client_free(struct gateway_client *cl);

/** Queue a text frame. May close the client (slow consumer); the pointer stays valid until the loop's next round. */
void gateway_client_send(struct gateway_client *cl, struct str text);

/** Send what is queued, then close with this code and reason (cut to 123 bytes). */
void gateway_client_close(struct gateway_client *cl, int code, struct str reason);

/** A request was answered: read on when the client was paused. */
void gateway_client_resume(struct gateway_client *cl);

/** It was greeted: it has said what it had to say in time. */
void gateway_client_greeted(struct gateway_client *cl);

/** The same frame for several clients. gateway_frame_drop() when it is handed to all. */
struct gateway_frame *gateway_frame_create(struct str text);
struct gateway_frame *gateway_frame_keep(struct gateway_frame *f); /* one more user. @return f */
void gateway_frame_drop(struct gateway_frame *f);
size_t gateway_frame_cost(const struct gateway_frame *f);                 /* bytes it counts in a queue */
void gateway_frame_write(const struct gateway_frame *f, struct buf *out); /* as it goes over the wire */
void gateway_client_queue(struct gateway_client *cl, struct gateway_frame *f, bool drop_if_slow);

/** For gateway_crowd.c. Queue a frame that all hear; and write whole frames at once, @return false when others wait before them */
void gateway_client_push(struct gateway_client *cl, struct gateway_frame *f, bool drop_if_slow);
bool gateway_client_write(struct gateway_client *cl, struct str frames);

/* What hello-ok tells of the device token; empty: none is given. */
struct gateway_greeting {
    struct str device_token;
    struct str token_scopes; /* JSON array */
    int64_t issued_at_ms;
};

/* gateway_connect.c */
void gateway_connect_message(struct gateway_client *cl, struct str text); /* the first message */
void gateway_connect_greet(struct gateway_client *cl, struct str id, const struct gateway_greeting *greeting);
void gateway_connect_refuse(struct gateway_client *cl, struct str id, const char *code, struct str message, struct str details,
                            int close_code, struct str reason);
void gateway_identity_free(struct gateway_identity *who);

/* gateway_judge.c */
void gateway_connect_judge(struct gateway_client *cl, struct str id, const json_t *params); /* of right form */
void gateway_judging_free(struct gateway_client *cl);

/* gateway_rpc.c */
void gateway_rpc_message(struct gateway_client *cl, struct str text); /* every later one */
void gateway_rpc_answer(struct gateway_request *rq, const struct msg *in);
void gateway_rpc_tick(struct gateway *gw, int64_t now_ms);
void gateway_rpc_client_gone(struct gateway_client *cl);

#endif
