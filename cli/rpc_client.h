/** cli/rpc_client.h -- the gateway's protocol v3 for a command: log in as a device, call methods, wait for answers.
 *
 *  In:     a target, the state directory (for the device's key)     Out: payloads as JSON, or what went wrong
 *  Owns:   rpc_client_t: the connection and the device's key
 *  Thread: the main one; every call blocks until its time is over
 *  Source: reference gateway-protocol 1, 2 and 10 */
#ifndef CLI_RPC_CLIENT_H
#define CLI_RPC_CLIENT_H

#include <jansson.h>

#include "cli/gateway_target.h"

enum { GATEWAY_TIMEOUT_MS = 10000 }; /* for a call with its connection, unless --timeout says otherwise */

enum rpc_client_failure {
    GATEWAY_OK,
    GATEWAY_CLOSED,  /* closed or never open: close_code */
    GATEWAY_TIMEOUT, /* nothing came within timeout_ms */
    GATEWAY_REFUSED, /* the method answered with an error */
    GATEWAY_BROKEN,  /* this side: memory, the key */
};

/* Zero is valid. */
struct rpc_client_error {
    enum rpc_client_failure kind;
    int close_code;
    int timeout_ms;
    struct buf text;       /* the reason, one line */
    struct buf code;       /* REFUSED: the error's code */
    struct buf request_id; /* of the pairing request that has to be approved first */
};

void rpc_client_error_free(struct rpc_client_error *error);

/** Append the error in OpenClaw's words, with the target's lines where they help. */
void rpc_client_error_describe(const struct rpc_client_error *error, const struct gateway_target *target, struct buf *out);

typedef struct rpc_client rpc_client_t;

/** Connect and log in with client.id `cli`.
 *  @param mode       client.mode: "cli", or "probe" (which asks for operator.admin alone)
 *  @param state_dir  where the device's key is; it need not be writable
 *  @return 0, or GW_E* and *error says why; *out is then NULL */
int rpc_client_open(const struct gateway_target *target, const char *mode, const char *state_dir, int timeout_ms, rpc_client_t **out,
                    struct rpc_client_error *error);
void rpc_client_close(rpc_client_t **client_p);

/** The payload of hello-ok; borrowed. */
const json_t *rpc_client_hello(const rpc_client_t *client);

/** Milliseconds that connecting and logging in took. */
int rpc_client_connect_ms(const rpc_client_t *client);

/** Call a method.
 *  @param params   taken over (also on failure); NULL: {}
 *  @param payload  the caller json_decref()s; never NULL on success
 *  @return 0, or GW_E* and *error says why */
int rpc_client_call(rpc_client_t *client, const char *method, json_t *params, int timeout_ms, json_t **payload,
                    struct rpc_client_error *error);

/** Wait for one more answer to the last call (reference: gateway-protocol 6.5). Otherwise as rpc_client_call(). */
int rpc_client_more(rpc_client_t *client, int timeout_ms, json_t **payload, struct rpc_client_error *error);

#endif
