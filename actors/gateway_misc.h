/** actors/gateway_misc.h -- methods that the gateway's thread answers from its own memory: system events, heartbeats, approvals,
 *  and refusals for what this gateway does not have.
 *
 *  In:     requests of clients         Out: answers; events exec.approval.*, voicewake.changed; rpc.call to the query actor
 *  Owns:   gw->misc: events that wait for the main session, exec approvals that wait for a decision
 *  Thread: the gateway's
 *  Source: reference gateway-protocol 4 and 7, captured frames
 *
 *  Files: gateway_misc.c, gateway_approvals.c (exec.approval.*), gateway_approval_posts.c (the same on chat networks), gateway_absent.c
 * (what is not here) */
#ifndef ACTORS_GATEWAY_MISC_H
#define ACTORS_GATEWAY_MISC_H

#include "actors/gateway_rpc.h"
#include "channels/approvals.h"
#include "channels/system_events.h"

enum { GATEWAY_TELLERS_MAX = SYSTEM_EVENTS_MAX };

struct gateway_teller { /* an actor that wants to hear when its event is taken */
    char name[MSG_NAME_MAX + 1];
    uint64_t corr;
};

struct gateway_misc {
    struct gateway *gw;
    struct system_events events; /* for the main session's next turn */
    struct gateway_teller tellers[GATEWAY_TELLERS_MAX];
    size_t teller_count;
    int hook_failures;      /* wrong tokens of hooks in this window */
    int64_t hook_window_ms; /* monotonic: its beginning */
    bool heartbeats;        /* set-heartbeats; for whoever runs them */
    char *heartbeat;        /* JSON of the last heartbeat event; owned; NULL: none ran */
    approvals_t *approvals;
    struct gateway_waiter *waiters; /* requests that wait for an approval (gateway_approvals.c) */
    struct gateway_post *posts;     /* where approvals were asked for on chat networks (gateway_approval_posts.c) */
    size_t post_count;
    lws_sorted_usec_list_t posts_timer;
};

int gateway_misc_create(struct gateway *gw); /* @return 0 or GW_ENOMEM */
void gateway_misc_rest(struct gateway *gw);  /* before the loop is taken down: its timer goes */
void gateway_misc_destroy(struct gateway *gw);

/** Append what waits for the main session's next turn, a line each as `System: [2026-11-22 13:10:55 UTC] text`, and forget it.
 *  @return how many; none is forgotten when `out` has failed */
size_t gateway_misc_take_events(struct gateway *gw, struct buf *out);

/** system.event and client.event, from other actors. @return whether it was one of them */
bool gateway_misc_message(struct gateway *gw, const struct msg *in);

/** Append their texts as a JSON array, and forget nothing. */
void gateway_misc_write_events(const struct gateway *gw, struct buf *out);

/** Decide a pending approval and tell the approvers; gateway_approval_tell() then answers those who wait for it.
 *  @param by  who, for people  @return 0; GW_ENOENT it is unknown, decided or too late */
int gateway_approval_decide(struct gateway *gw, struct str id, enum approval_decision decision, struct str by);
void gateway_approval_tell(struct gateway *gw, struct str id, struct str by);

/** exec.approve and exec.approve_cancel, from turns; approval.decide and what became of posts, from channels. @return whether it was one */
bool gateway_approvals_message(struct gateway *gw, const struct msg *in);
void gateway_approvals_end(struct gateway *gw); /* turns that wait are forgotten; requests go with their clients */

/** Ask for a new approval on the chat networks, where the configuration says so. @param requested  payload of exec.approval.requested */
void gateway_approval_post(struct gateway *gw, const struct approval *a, struct str requested);
/** It is decided: say so where it was asked for. */
void gateway_approval_posts_over(struct gateway *gw, struct str id, enum approval_decision decision, struct str by);
bool gateway_approval_posts_message(struct gateway *gw, const struct msg *in); /* @return whether it was about one */
void gateway_approval_posts_end(struct gateway *gw);

/** The last heartbeat event, for last-heartbeat. @param json  an object */
void gateway_misc_keep_heartbeat(struct gateway *gw, struct str json);

extern const struct gateway_rpc_handler gateway_misc_handlers[];     /* status, wake, system-event, *-heartbeat(s), voicewake.set */
extern const struct gateway_rpc_handler gateway_approval_handlers[]; /* exec.approval.* */
/* channels.status, channels.pairing.* (gateway_channels.c) */
extern const struct gateway_rpc_handler gateway_channel_handlers[];
/** `send` through a network that runs here; the request is taken. @return false: it does not */
bool gateway_channel_send(struct gateway_request *rq, const json_t *params);
extern const struct gateway_rpc_handler gateway_absent_handlers[]; /* nodes, wizard, send, poll, talk.mode, updates, logins */

#endif
