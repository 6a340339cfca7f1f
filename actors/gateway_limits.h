/** actors/gateway_limits.h -- every bound of the HTTP front, in one place. docs/http.md explains them to users. */
#ifndef ACTORS_GATEWAY_LIMITS_H
#define ACTORS_GATEWAY_LIMITS_H

#include <stdint.h>

enum gateway_limit {
    GATEWAY_CONNECTIONS_MAX = 4096,      /* HTTP connections; one more gets 503 */
    GATEWAY_SURPLUS_MAX = 64,            /* connections that get that 503 at once; more are closed */
    GATEWAY_BODY_MAX = 20 * 1024 * 1024, /* bytes of a chat completion's body, also when more is configured; one more gets 413 */
    GATEWAY_HEADER_MAX = 8192,           /* bytes of a request's headers; more closes the connection */
    GATEWAY_OUT_MAX = 16 * 1024 * 1024,  /* bytes of deltas that wait for a slow client; one more closes the connection */
    GATEWAY_WRITE_MAX = 64 * 1024,       /* bytes handed to a socket at once */
    GATEWAY_ACCEPT_MAX = 64,             /* connections taken in one go, so that others are served in between */
    GATEWAY_BACKLOG = 1024,              /* connections that wait in the kernel */
    GATEWAY_AUTH_ADDRESSES_MAX = 1024,   /* client addresses whose failed logins are counted; the least recent is forgotten */
    GATEWAY_TICK_MS = 250,               /* how exact the times below are kept */
    GATEWAY_HEADER_MS = 10000,           /* for a request's headers, then the connection is closed */
    GATEWAY_BODY_MS = 60000,             /* for a request's body, then 408 */
    GATEWAY_IDLE_MS = 60000,             /* between two requests of a connection, then it is closed */
    GATEWAY_STALL_MS = 60000,            /* without room for one more byte of an answer, then the connection is closed */
    GATEWAY_DISCARD_MS = 5000,           /* for the rest of a body that is not wanted, then the connection is closed */
    GATEWAY_QUIET_MS = 10000,            /* a streamed answer without text: its headers go out */
    GATEWAY_KEEPALIVE_MS = 15000,        /* ... and a comment this often */
    GATEWAY_PROBE_MS = 1000,             /* for the answers to router.ping and store.ping */
    GATEWAY_FLUSH_MS = 1000,             /* for unsent bytes when the gateway stops */
    GATEWAY_RETRY_S = 5,                 /* Retry-After when the gateway stops or is full, seconds */
};

/** The times that tests shorten. */
struct gateway_times {
    int64_t header_ms, body_ms, idle_ms, stall_ms, quiet_ms, keepalive_ms, probe_ms;
};

#endif
