/** actors/gateway_auth.h -- who may use /v1: bearer tokens, and a count of failed tries per client address.
 *
 *  Owns:   a table of at most GATEWAY_AUTH_ADDRESSES_MAX addresses
 *  Thread: the gateway's
 *  Source: reference gateway-protocol 2.4 and 8; gateway.auth.rateLimit */
#ifndef ACTORS_GATEWAY_AUTH_H
#define ACTORS_GATEWAY_AUTH_H

#include "base/config.h"

typedef struct gateway_auth gateway_auth_t;

enum { GATEWAY_ADDRESS_SIZE = 46 }; /* bytes of an IPv4 or IPv6 address as text, NUL included */

struct gateway_peer {
    char address[GATEWAY_ADDRESS_SIZE]; /* the client's */
    bool loopback;                      /* the connection comes from this machine ... */
    bool forwarded;                     /* ... but a proxy header says that the client may not */
    bool trusted;                       /* the connection comes from a trusted proxy */
};

enum gateway_verdict { GATEWAY_ALLOWED, GATEWAY_DENIED, GATEWAY_LOCKED };

/** @param token  overrides the config's token; empty: does not. Borrowed like cfg, for as long as the object lives
 *  @return 0 or GW_ENOMEM */
int gateway_auth_create(const struct config_gateway *cfg, struct str token, gateway_auth_t **out);
/** Go by another configuration from now on; who was locked out stays so. Both borrowed as above. */
void gateway_auth_take(gateway_auth_t *auth, const struct config_gateway *cfg, struct str token);
void gateway_auth_destroy(gateway_auth_t **auth_p);

/** Judge a request. A wrong secret is counted, a missing one is not; a right one forgets the count.
 *  @param authorization  the header's value, may be empty  @param now_ms  monotonic
 *  @param retry_after_ms  GATEWAY_LOCKED: how long still */
enum gateway_verdict gateway_auth_check(gateway_auth_t *auth, const struct gateway_peer *peer, struct str authorization, int64_t now_ms,
                                        int64_t *retry_after_ms);

/** The count of failed logins by itself, for clients that are judged elsewhere (WebSocket).
 *  @return how long the address is still locked out, ms; 0: it is not, or is not counted */
int64_t gateway_auth_locked_ms(gateway_auth_t *auth, const struct gateway_peer *peer, int64_t now_ms);
void gateway_auth_failed(gateway_auth_t *auth, const struct gateway_peer *peer, int64_t now_ms);
void gateway_auth_succeeded(gateway_auth_t *auth, const struct gateway_peer *peer);

/** True for 127.0.0.0/8, ::1 and ::ffff:127.0.0.0/104. */
bool gateway_is_loopback(const char *address);

/** The address that a trusted proxy speaks for: the rightmost of X-Forwarded-For that is no trusted proxy itself.
 *  Does nothing when the peer is not in gateway.trustedProxies. */
void gateway_peer_unmask(const struct config_gateway *cfg, struct gateway_peer *peer, struct str forwarded_for);

#endif
