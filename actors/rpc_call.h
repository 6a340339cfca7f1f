/** actors/rpc_call.h -- one call of a method that is answered away from the gateway's thread, and who answers which.
 *
 *  A handler reads checked parameters and appends the result's JSON. It sees the store through what it was given: the query
 *  actor's is read-only, the store's own is inside the transaction in hand. So each is tested with a call made by hand.
 *
 *  Thread: the actor's that serves it */
#ifndef ACTORS_RPC_CALL_H
#define ACTORS_RPC_CALL_H

#include "base/config.h"
#include "channels/rpc.h"
#include "store/store.h"

enum { RPC_CALL_ADMIN = 1 }; /* flags: the caller has operator.admin */

struct rpc_call {
    enum rpc_id method;
    const config_t *config; /* in force */
    store_t *store;
    const json_t *params;   /* an object, checked against the method's schema */
    const json_t *channels; /* how chat networks are, by id, as they told it; NULL: nobody knows */
    void *owner;            /* of the actor that serves it, where its handlers need more than the store */
    int flags;
    int64_t now_ms;     /* wall clock */
    struct buf *out;    /* the result, JSON; nothing is sent of it after a failure */
    const char *code;   /* failure: the protocol's error code; static */
    struct buf message; /* failure: in words */
    struct buf details; /* failure: JSON; may be empty */
    config_t *written;  /* a configuration that was written to its file; owned. What is asked next is answered by it, although
                           it comes into force a moment later */
};

/** @return 0 with the result in call->out; else what rpc_fail() returned, or another GW_E*, which is told as UNAVAILABLE */
typedef int rpc_fn(struct rpc_call *call);

/** Refuse: `code` is static ("INVALID_REQUEST", "UNAVAILABLE", ...). @return GW_EINVAL */
int rpc_fail(struct rpc_call *call, const char *code, const char *format, ...) __attribute__((format(printf, 3, 4)));

struct rpc_handler { /* a table ends with RPC_none */
    enum rpc_id method;
    rpc_fn *run;
};

/** Run the handler of call->method out of these tables (an array that ends with NULL). Unknown: UNAVAILABLE. @return as rpc_fn */
int rpc_call_run(const struct rpc_handler *const *tables, struct rpc_call *call);

/** Parameters by name, for handlers. Absent or of another kind: empty, or `otherwise`. Borrowed from call->params. */
struct str rpc_str(const struct rpc_call *call, const char *name);
int64_t rpc_int(const struct rpc_call *call, const char *name, int64_t otherwise);
bool rpc_bool(const struct rpc_call *call, const char *name, bool otherwise);

#endif
