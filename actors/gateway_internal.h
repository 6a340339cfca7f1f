/* actors/gateway_internal.h -- what the gateway's files share. */
#ifndef ACTORS_GATEWAY_INTERNAL_H
#define ACTORS_GATEWAY_INTERNAL_H

#include <libwebsockets.h>
#include <uthash.h>

#include "actors/gateway.h"
#include "actors/gateway_auth.h"

struct gateway_chat;    /* gateway_chat.c */
struct gateway_client;  /* gateway_client.h */
struct gateway_request; /* gateway_rpc.h */
struct gateway_events;  /* gateway_events.c */
struct gateway_crowd;   /* gateway_crowd.c */
struct gateway_runs;    /* gateway_runs.c */
struct gateway_misc;    /* gateway_misc.h */
struct gateway_conn;
struct gateway_devices; /* gateway_devices.c */

enum gateway_method { GATEWAY_GET, GATEWAY_POST, GATEWAY_OTHER };

struct gateway_route {
    const char *path;
    enum gateway_method method; /* GATEWAY_GET takes HEAD as well */
    bool needs_auth;
    bool while_draining;                                        /* answers also when the gateway is stopping */
    size_t (*body_max)(const config_t *config);                 /* bytes; NULL: no body */
    void (*run)(struct gateway_conn *c);                        /* the body is complete in c->body */
    void (*told)(struct gateway_conn *c, const struct msg *in); /* an answer to what run() asked on the bus; NULL: a probe's */
    void (*late)(struct gateway_conn *c);                       /* it did not come in time; NULL: likewise */
    bool (*enabled)(const struct config_gateway *cfg);          /* NULL: always */
    /** Judges by itself, before the body; NULL: method and needs_auth decide. @return true: it has answered */
    bool (*refuses)(struct gateway_conn *c, struct str path, enum gateway_method method);
};

enum conn_state {
    CONN_IDLE,      /* between requests */
    CONN_BODY,      /* the body is being read */
    CONN_WAITING,   /* for answers on the bus */
    CONN_ANSWERING, /* the answer is complete in `out` */
};

/* One connection and the request on it. */
struct gateway_conn {
    struct gateway *gw;
    struct lws *wsi;
    struct gateway_conn *prev, *next;
    struct gateway_peer peer;
    struct gateway_client *client; /* after an upgrade to WebSocket; owned. The connection is then in no list */
    bool surplus;                  /* one connection too many: 503 */

    enum conn_state state;
    const struct gateway_route *route;
    bool head_only;      /* HEAD: the answer has no body */
    bool http10;         /* no chunks */
    bool close_after;    /* the connection ends with this answer */
    bool streaming;      /* the answer's head is out, its length is not known */
    bool body_done;      /* all bytes of the request are read */
    bool without_body;   /* a GET or HEAD, or another that announces none */
    bool cached;         /* the answer may be kept by the client, when it asks each time whether it is still right */
    bool pipelined;      /* the next request's bytes are here before this one is answered */
    uint64_t resumed_at; /* gateway.services when reading went on */
    bool unread;         /* gateway_spin.c: at its first look nobody had taken what the client sent */
    bool flow_stopped;   /* reading is paused: the next request waits for this answer */
    size_t body_size;    /* content-length */
    int64_t deadline_ms; /* of the state, or of the rest of an unwanted body; 0: none */
    int64_t moved_ms;    /* when bytes of the answer last went out */
    struct buf body;
    struct buf out;
    size_t out_sent; /* of out */

    uint64_t corr; /* of what is asked on the bus; 0: nothing */
    UT_hash_handle hh;
    struct gateway_chat *chat; /* owned */
    struct gateway_hook *hook; /* owned */
    int probes_left;           /* answers that a probe still waits for */
    struct buf reasons;        /* of a probe: JSON strings why not */
};

enum { GATEWAY_LISTENERS_MAX = 2 };

struct gateway {
    struct gateway_options *options; /* owned */
    mailbox_t *mailbox;
    const struct config_gateway *cfg;
    gateway_auth_t *auth;
    struct lws_context *lws;
    struct lws_vhost *vhost;
    struct lws *listeners[GATEWAY_LISTENERS_MAX];
    size_t listener_count;
    struct gateway_conn *conns; /* HTTP */
    size_t conn_count;
    struct gateway_client *clients;   /* WebSocket */
    size_t client_count, handshakes;  /* all; those that are not greeted yet */
    struct gateway_request *requests; /* of clients, by the corr of what they wait for */
    struct gateway_request *timed;    /* those with a deadline */
    struct gateway_events *events;
    struct gateway_crowd *crowd;
    struct buf together; /* frames on their way out in one call; at most GATEWAY_TOGETHER_MAX */
    struct gateway_runs *runs;
    struct gateway_misc *misc;
    struct gateway_heartbeat *heartbeat;
    struct gateway_conn *adopting; /* the one that libwebsockets is being given; NULL once it is freed */
    struct gateway_conn *asking;   /* by corr */
    lws_sorted_usec_list_t tick, devices_tick;
    bool ticking;
    int64_t started_ms; /* monotonic */
    uint64_t services;  /* finished rounds of libwebsockets, from 1 */
    uint64_t calls;     /* that it made into here */
    int empty_rounds;   /* in a row, in which it made none */
    bool draining;
    bool stopping;
    struct gateway_times times;
    struct gateway_bounds bounds;
    struct gateway_devices *devices; /* owned; gateway_devices.h */
};

/* gateway.c */
/* The actor's parts, which tests/fuzz/front.c turns by itself. gateway_close() frees all, `options` too, also
 * when gateway_open() failed. @return 0 or GW_E* */
int gateway_open(struct gateway *gw, mailbox_t *mb, struct gateway_options *options);
int gateway_round(struct gateway *gw); /* waits until there is something to do, and does it; until gw->stopping */
void gateway_close(struct gateway *gw);
void gateway_start_tick(struct gateway *gw);
void gateway_start_devices_tick(struct gateway *gw);
void gateway_drain_mailbox(struct gateway *gw);
/* Ask `to` on behalf of a connection, under the corr it already has or a new one. @return as mailbox_send() */
int gateway_ask(struct gateway_conn *c, const char *to, struct msg *m);
void gateway_ask_over(struct gateway_conn *c);

/* gateway_spin.c */
/* After a round: one without a call, again and again, means that a connection makes the loop turn for nothing. It is cut off. */
void gateway_spin_check(struct gateway *gw, uint64_t calls_before);

/* gateway_config.c */
/* Take what is in force (base/config_shared.h): agents, secrets, limits, the note. Address, port and TLS stay as they are.
 * A client's request in hand keeps nothing of the old one beyond its step. */
void gateway_take_config(struct gateway *gw);

/* gateway_listen.c */
int gateway_listen(struct gateway *gw, int *port); /* @return 0, GW_EBUSY, GW_EINVAL, GW_ESYS; logged */
void gateway_accept(struct gateway *gw, int fd);
void gateway_take(struct gateway *gw, int fd, const struct gateway_peer *peer); /* a connected socket; owned from here on */
void gateway_stop_listening(struct gateway *gw);

/* gateway_http.c */
int gateway_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len);
void gateway_free_conn(struct gateway_conn *c);
/* The whole answer. `extra` is header lines, each ending in CRLF; may be NULL. */
void gateway_answer(struct gateway_conn *c, int status, const char *content_type, struct str body, const char *extra);
void gateway_answer_error(struct gateway_conn *c, int status, struct str message, const char *type, const char *code, const char *param,
                          const char *extra);
void gateway_stream_begin(struct gateway_conn *c, const char *extra);
void gateway_stream_add(struct gateway_conn *c, struct str events);
void gateway_stream_end(struct gateway_conn *c);
size_t gateway_unsent(const struct gateway_conn *c);
void gateway_kill(struct gateway_conn *c);
void gateway_check_times(struct gateway_conn *c, int64_t now_ms);
/* Whom a request or upgrade comes from, looking through trusted proxies. While its headers are there. */
void gateway_http_peer(struct gateway_conn *c, struct gateway_peer *peer);
/* The value of a header; borrowed from `into`. `name` is lower case with a colon. Empty when absent or too long. */
struct str gateway_header(struct gateway_conn *c, const char *name, char *into, size_t cap);

/* The same for the headers that libwebsockets knows by number. */
struct str gateway_known_header(struct lws *wsi, enum lws_token_indexes token, char *into, size_t cap);

/* gateway_proxy.c */
/* True in mode trusted-proxy when the request comes from a trusted proxy that names a user who may enter. While its headers are there. */
bool gateway_proxy_vouches(struct gateway_conn *c, const struct gateway_peer *peer);

/* gateway_static.c */
/* Answer with the Control UI or one of its files. @return false when it is switched off */
bool gateway_static_answer(struct gateway_conn *c, struct str path, bool get);

/* gateway_routes.c */
const struct gateway_route *gateway_route_find(const config_t *config, struct str path);
void gateway_probe_answer(struct gateway_conn *c, const struct msg *in);
void gateway_probe_late(struct gateway_conn *c);

/* gateway_metrics.c */
void gateway_metrics_run(struct gateway_conn *c);
void gateway_metrics_told(struct gateway_conn *c, const struct msg *in);
void gateway_metrics_late(struct gateway_conn *c);

/* gateway_chat.c */
void gateway_chat_run(struct gateway_conn *c);
void gateway_chat_message(struct gateway_conn *c, const struct msg *in);
void gateway_chat_tick(struct gateway_conn *c, int64_t now_ms);
void gateway_chat_gone(struct gateway_conn *c); /* the client left: end its turn */
void gateway_chat_stopping(struct gateway_conn *c);
void gateway_chat_free(struct gateway_conn *c);

#endif
