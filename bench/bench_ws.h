/** bench/bench_ws.h -- measures the WebSocket front: a crowd of idle clients, clients that come and go, one that stops reading. */
#ifndef BENCH_BENCH_WS_H
#define BENCH_BENCH_WS_H

void bench_ws_idle(void);
void bench_ws_churn(void);
void bench_ws_slow(void);

#endif
