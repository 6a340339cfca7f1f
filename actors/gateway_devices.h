/** actors/gateway_devices.h -- the gateway's side of device pairing: the table, its rows in the store, who is told what.
 *
 *  In:     device.row, device.loaded, device.saved, error; the judgement of connects; methods device.*
 *  Out:    device.load, device.save; events device.pair.requested and device.pair.resolved; audit lines in the log
 *  Owns:   the table of devices (channels/devices.h), saves that are under way
 *  Thread: the gateway's
 *  Source: reference gateway-protocol 2.7 and 5; docs/pairing.md
 *
 *  How the transport uses it:
 *   1. gateway_devices_create() once, when the mailbox is open. It asks the store for the rows.
 *   2. Each message from the bus goes to gateway_devices_message() first. False: it goes on to whoever else waits for its corr,
 *      which may be a request of this file's methods (gateway_request_ask).
 *   3. A connect that comes while gateway_devices_ready() is false waits; gateway_client_devices_ready() is called when it is over.
 *   4. A connect: connect_read(), gateway_devices_facts(), the facts of the connection, then gateway_devices_connect(). It judges,
 *      logs, stores and tells operators. Answer with the verdict at once (true), or when `fn` is called (false); then
 *      connect_verdict_free().
 *   5. A client that leaves before `fn` was called: gateway_devices_forget() with its ctx, then it may free its verdict.
 *   6. gateway_devices_tick() about every second.
 *   7. gateway_devices_destroy() last, after the clients.
 *
 *  An answer waits until what it says is durable. When storing fails, the decision holds in memory, the client is told
 *  UNAVAILABLE, and storing is tried again with every tick. */
#ifndef ACTORS_GATEWAY_DEVICES_H
#define ACTORS_GATEWAY_DEVICES_H

#include "actors/gateway_rpc.h"
#include "channels/connect.h"

enum {
    GATEWAY_DEVICES_SAVE_MS = 10000, /* for the store's answer; then the save counts as failed */
    GATEWAY_DEVICES_LOAD_MS = 1000,  /* between two tries to load the rows */
};

/** @return 0, GW_ENOMEM. A store that does not answer yet is asked again by the tick */
int gateway_devices_create(struct gateway *gw);
void gateway_devices_destroy(struct gateway *gw); /* harmless when there is none */

/** True once the rows are loaded. */
bool gateway_devices_ready(const struct gateway *gw);
devices_t *gateway_devices_table(struct gateway *gw);

/** @return true when the message was for the devices alone */
bool gateway_devices_message(struct gateway *gw, const struct msg *in);
void gateway_devices_tick(struct gateway *gw);

/** What the configuration says for a judgement: mode, secrets, allowed origins, the one-time token; and the time. The rest of *f
 *  is zeroed: local, address, remote_ip, origin, host, nonce, locked and vouched are the connection's. */
void gateway_devices_facts(struct gateway *gw, struct connect_facts *f);

typedef void gateway_devices_fn(void *ctx);

/** Judge a connect. *v stays where it is and the caller's until it has answered.
 *  @param fn  called with ctx when the verdict is durable, if that takes a message
 *  @return true: answer now, fn is not called */
bool gateway_devices_connect(struct gateway *gw, const struct connect_params *p, const struct connect_facts *f, struct connect_verdict *v,
                             gateway_devices_fn *fn, void *ctx);
/** fn will not be called for ctx, and its verdict not be touched. What was decided is still stored. */
void gateway_devices_forget(struct gateway *gw, const void *ctx);

/** device.pair.list, approve, reject, remove; device.token.rotate, revoke. */
extern const struct gateway_rpc_handler gateway_device_handlers[];

/* --- what the transport offers (gateway_client.c) --------------------------------------------------------------------- */

/** Close every connection of a device with 1008. @param role  NULL: of any role */
void gateway_client_close_device(struct gateway *gw, const char *device_id, const char *role, const char *reason);
/** The devices are loaded: judge the connects that wait. */
void gateway_client_devices_ready(struct gateway *gw);
/** True when the client has this scope, or operator.admin. */
bool gateway_client_may(const struct gateway_client *client, struct str scope);
/** Who it is, for the audit: its device id, or else client id. Borrowed from the client. */
const char *gateway_client_name(const struct gateway_client *client);

#endif
