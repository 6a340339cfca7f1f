/** store/deliveries.h -- the outbox: what a channel still has to send.
 *
 *  In:     payloads and results of sending them     Out: rows through a callback
 *  Owns:   table deliveries                         Thread: the store's owner
 *
 *  pending -> sending -> delivered | failed, and back to pending to be tried again. The nonce goes out with every
 *  attempt, so that a service which knows it drops the repeat.
 *  A callback must not call the store. A value other than 0 ends the walk and is returned. */
#ifndef STORE_DELIVERIES_H
#define STORE_DELIVERIES_H

#include "store/store.h"

enum delivery_state { DELIVERY_PENDING = 0, DELIVERY_SENDING = 1, DELIVERY_DELIVERED = 2, DELIVERY_FAILED = 3 }; /* stored */

struct delivery_new {
    int64_t turn;       /* 0: none */
    int64_t session;    /* session_row.id; 0: none */
    struct str channel; /* 1..STORE_NAME_MAX: who sends it */
    struct str target;  /* where to, in the channel's own words */
    struct str payload; /* 1..STORE_PAYLOAD_MAX; cleared once delivered */
    struct str nonce;   /* 1..STORE_NAME_MAX, unique among those stored */
    int64_t now_ms;     /* due at once */
};

struct delivery_row {
    int64_t id;
    enum delivery_state state;
    int64_t turn;
    int64_t session;
    int64_t attempts; /* begun so far */
    int64_t next_ms;  /* not before */
    int64_t parts;    /* messages of it that were sent */
    int64_t created_ms;
    struct str channel;
    struct str target;
    struct str payload;
    struct str nonce;
    struct str last_error;
};
typedef int delivery_row_fn(void *ctx, const struct delivery_row *row);

/** @param id  its number, also for GW_EEXIST  @return 0, GW_EEXIST (nonce), GW_EINVAL, GW_ELIMIT, GW_EIO */
int deliveries_add(store_t *store, const struct delivery_new *delivery, int64_t *id);
/** Pending ones of a channel whose time has come, in the order they were added. @param limit  1..STORE_LIST_MAX */
int deliveries_due(store_t *store, struct str channel, int64_t now_ms, int limit, delivery_row_fn *fn, void *ctx);
/** When the next pending one of a channel is due; -1: none. @return 0, GW_EIO */
int deliveries_next_ms(store_t *store, struct str channel, int64_t *next_ms);
/** One row. @return 0, GW_ENOENT, GW_EIO, or what fn returned */
int deliveries_get(store_t *store, int64_t id, delivery_row_fn *fn, void *ctx);
/** Take a pending one for sending; counts an attempt. @return 0, GW_ENOENT (no such one is pending), GW_EIO */
int deliveries_claim(store_t *store, int64_t id, int64_t now_ms);
/** It arrived. Repeats are harmless. @return 0, GW_ENOENT, GW_EIO */
int deliveries_mark(store_t *store, int64_t id, int64_t now_ms);
/** It did not. @param next_ms  when to try again; -1: give up  @param error  cut at STORE_TEXT_MAX
 *  @return 0, GW_ENOENT (not there, or delivered or failed before), GW_EIO */
int deliveries_fail(store_t *store, int64_t id, int64_t next_ms, struct str error, int64_t now_ms);
/** Who was sending begins anew: what it had in hand is pending again, in its old place. @param channel  whose; empty: everyone's
 *  @param count  may be NULL */
int deliveries_recover(store_t *store, struct str channel, int64_t now_ms, int64_t *count);
/** So many messages of it have been sent. @return 0, GW_ENOENT, GW_EIO */
int deliveries_set_parts(store_t *store, int64_t id, int64_t parts, int64_t now_ms);
/** Delete those delivered or failed before a time, looking at no more than the `limit` oldest. @param count  deleted */
int deliveries_prune(store_t *store, int64_t before_ms, int limit, int64_t *count);

#endif
