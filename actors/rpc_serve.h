/** actors/rpc_serve.h -- an rpc.call of the bus carried out: its handler is found and run, what it said becomes rpc.result.
 *
 *  The query actor and the store's actor share this. Each has its tables of handlers and its own view of the store.
 *
 *  Thread: the caller's */
#ifndef ACTORS_RPC_SERVE_H
#define ACTORS_RPC_SERVE_H

#include "actors/rpc_call.h"
#include "bus/bus.h"

enum {
    RPC_RESULT_MAX = 32 * 1024 * 1024, /* bytes of a result's JSON: the bound of rpc.result's payload */
    RPC_TEXT_MAX = 4096,               /* bytes of a refusal in words, likewise */
    RPC_DETAILS_MAX = 64 * 1024,       /* bytes of a refusal's details, likewise */
};

struct rpc_served {
    struct msg m;       /* rpc.result; its strings borrow from `words` or are static */
    payload_t *payload; /* owned; the result */
    struct buf words;   /* owned */
    config_t *written;  /* owned; a configuration that the call has written, NULL: none */
};

/** @param in  an rpc.call  @param channels, owner  as in struct rpc_call
 *  @return 0: `out` holds the answer, a result or a refusal; GW_EIO, GW_ENOMEM, GW_ECORRUPT: the machine failed, `out` holds
 *          UNAVAILABLE, and a group of the store is spoiled */
int rpc_serve(const struct rpc_handler *const *tables, const config_t *config, store_t *store, const json_t *channels, void *owner,
              const struct msg *in, struct rpc_served *out);
void rpc_served_free(struct rpc_served *served);

/** The configuration that config.changed announces, in place of the one held. */
void rpc_take_config(config_t **held_p);

#endif
