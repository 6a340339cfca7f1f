/** actors/gateway_limits.h -- every bound of the HTTP front, in one place. docs/http.md explains them to users. */
#ifndef ACTORS_GATEWAY_LIMITS_H
#define ACTORS_GATEWAY_LIMITS_H

#include <stddef.h>
#include <stdint.h>

enum gateway_limit {
    GATEWAY_CONNECTIONS_MAX = 4096,      /* HTTP connections; one more gets 503 */
    GATEWAY_SURPLUS_MAX = 64,            /* connections that get that 503 at once; more are closed */
    GATEWAY_BODY_MAX = 20 * 1024 * 1024, /* bytes of a chat completion's body, also when more is configured; one more gets 413 */
    GATEWAY_HEADER_MAX = 8192,           /* bytes of a request's headers; more closes the connection */
    GATEWAY_OUT_MAX = 16 * 1024 * 1024,  /* bytes of deltas that wait for a slow client; one more closes the connection */
    GATEWAY_TOGETHER_MAX = 16 * 1024,    /* bytes of small frames that go out in one call */
    GATEWAY_WRITE_MAX = 64 * 1024,       /* bytes of a WebSocket frame handed to a socket at once */
    GATEWAY_WRITE_STEP = 8 * 1024,       /* bytes of an HTTP answer handed to a socket at once */
    GATEWAY_ACCEPT_MAX = 64,             /* connections taken in one go, so that others are served in between */
    GATEWAY_BACKLOG = 1024,              /* connections that wait in the kernel */
    GATEWAY_AUTH_ADDRESSES_MAX = 1024,   /* client addresses whose failed logins are counted; the least recent is forgotten */
    GATEWAY_TICK_MS = 250,               /* how exact the times below are kept */
    GATEWAY_HEADER_MS = 10000,           /* for a request's headers, then the connection is closed */
    GATEWAY_BODY_MS = 60000,             /* for a request's body, then 408 */
    GATEWAY_IDLE_MS = 60000,             /* between two requests of a connection, then it is closed */
    GATEWAY_STALL_MS = 60000,            /* without room for one more byte of an answer, then the connection is closed */
    GATEWAY_EMPTY_ROUNDS = 128,          /* of the loop without work, then whoever causes them is looked for */
    GATEWAY_DISCARD_MS = 5000,           /* for the rest of a body that is not wanted, then the connection is closed */
    GATEWAY_QUIET_MS = 10000,            /* a streamed answer without text: its headers go out */
    GATEWAY_KEEPALIVE_MS = 15000,        /* ... and a comment this often */
    GATEWAY_PROBE_MS = 1000,             /* for the answers to router.ping and store.ping */
    GATEWAY_FLUSH_MS = 1000,             /* for unsent bytes when the gateway stops */
    GATEWAY_RETRY_S = 5,                 /* Retry-After when the gateway stops or is full, seconds */

    GATEWAY_CLIENTS_MAX = 12288,               /* WebSocket clients; one more gets 503 */
    GATEWAY_HANDSHAKES_MAX = 1024,             /* of them before hello-ok; one more gets 503 */
    GATEWAY_HELLO_MS = 10000,                  /* until `connect` is answered, then close 1000 (reference gateway-protocol 2) */
    GATEWAY_HELLO_MAX = 64 * 1024,             /* bytes of a message before hello-ok; more closes with 1009 */
    GATEWAY_MESSAGE_MAX = 26214400,            /* ... and after it; told in hello-ok.policy.maxPayload */
    GATEWAY_CLIENT_OUT_MAX = 16 * 1024 * 1024, /* bytes that wait for a client; one more closes with 1008 `slow consumer` */
    GATEWAY_CLIENT_SLOW = 4 * 1024 * 1024,     /* from so many on it misses events that may be missed */
    GATEWAY_PROMPT_MAX = 8,                    /* clients that hear an event at once, those that spoke last; the others soon after */
    GATEWAY_WALK_MS = 25,                      /* ... so long after it, in case that more is told meanwhile */
    GATEWAY_WALK_QUIET_MS = 2,                 /* ... when nobody has spoken or been told anything for so long, ... */
    GATEWAY_WALK_PATIENCE_MS = 100,            /* ... or after so long anyway, for as long, ... */
    GATEWAY_WALK_CLIENTS = 16,                 /* ... so many of them in one go, ... */
    GATEWAY_WALK_REST = 7,   /* ... then a pause of so many times what that took, in whole ms: most of the loop is for others */
    GATEWAY_TOLD_MAX = 4096, /* events that some of them have not heard yet ... */
    GATEWAY_TOLD_BYTES_MAX = 16 * 1024 * 1024, /* ... and their bytes */
    GATEWAY_CLIENT_STALL_MS = 20000,       /* without room for one more byte for a client, then it is closed with 1008 `slow consumer` */
    GATEWAY_CLOSE_MS = 5000,               /* for the last frames of a client that is being closed */
    GATEWAY_REQUESTS_MAX = 256,            /* requests of a client in hand; it is not read while there are more */
    GATEWAY_LASTING_MAX = 1024,            /* requests of a client that wait for a run or an approval; one more is refused */
    GATEWAY_CLIENT_TICK_MS = 30000,        /* between two `tick` events; told in hello-ok.policy.tickIntervalMs */
    GATEWAY_DEVICES_TICK_MS = 1000,        /* between two looks at devices that are not stored yet */
    GATEWAY_HEALTH_MS = 60000,             /* a kept health object is younger than this */
    GATEWAY_TELL_MS = 250,                 /* least time between two `health` or `presence` events, and 1 ms for each client */
    GATEWAY_STOP_MS = 5000,                /* who stops runs waits this long for their ends */
    GATEWAY_DELTA_MS = 150,                /* least time between two deltas of a run */
    GATEWAY_RUNS_MAX = 20000,              /* runs of WebSocket clients that have not ended; one more is refused */
    GATEWAY_RUNS_KEPT = 1000,              /* ended runs that agent.wait can still tell of ... */
    GATEWAY_RUNS_KEPT_MS = 10 * 60 * 1000, /* ... for this long */
};

/** The times that tests shorten. */
struct gateway_times {
    int64_t header_ms, body_ms, idle_ms, stall_ms, quiet_ms, keepalive_ms, probe_ms, hello_ms, close_ms, client_stall_ms;
};

/** The bounds that tests shorten. */
struct gateway_bounds {
    size_t clients, handshakes, runs, prompt, told, out, slow;
};

#endif
