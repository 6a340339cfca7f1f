/** bench/load_ws.h -- WebSocket clients by the thousand: a crowd that says hello and stays, and clients that come and go.
 *
 *  In:     where to connect, how many            Out: how many came in, how long it took, what was heard
 *  Owns:   its sockets
 *  Thread: the one that calls: one epoll loop. Frames are skipped over, not kept; tests/support/ws_client.h is strict instead.
 *  They come from several loopback addresses, so that ports do not run short, without a device and with the shared token. */
#ifndef BENCH_LOAD_WS_H
#define BENCH_LOAD_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct ws_crowd ws_crowd_t;

/** @param most  clients that it can hold @return 0, GW_ENOMEM, GW_ESYS */
int ws_crowd_create(int port, const char *token, int most, ws_crowd_t **out);
void ws_crowd_destroy(ws_crowd_t **crowd_p); /* closes every socket */

/** Let `n` more in, some hundred at a time. @return 0, or GW_ETIMEOUT when fewer had their hello-ok within patience_ms */
int ws_crowd_grow(ws_crowd_t *crowd, int n, int patience_ms);

/** Read what has come and throw it away, until nothing is left or `ms` are over. */
void ws_crowd_read(ws_crowd_t *crowd, int ms);
/** The same for some dozens of those that have something. */
void ws_crowd_sip(ws_crowd_t *crowd);

struct ws_crowd_count {
    int in, lost;   /* clients that are greeted; that the gateway has closed */
    int64_t frames; /* heard after hello-ok, by all together */
    char why[96];   /* the first failure; "" when none */
};
struct ws_crowd_count ws_crowd_count(const ws_crowd_t *crowd);

struct ws_churn {
    int port;
    const char *token;
    int total, per_second;
};

struct ws_churn_result {
    int done, failed; /* left as planned; could not even come as far as that */
    int64_t elapsed_us;
    char why[96];
};

/** Connect and drop: every second client leaves before hello, the others after hello-ok; of four one resets its connection, one
 *  says goodbye with a close frame, two just close. @return 0, GW_ENOMEM, GW_ESYS */
int ws_churn_run(const struct ws_churn *c, struct ws_churn_result *out);

#endif
