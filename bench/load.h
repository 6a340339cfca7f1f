/** bench/load.h -- a load generator: n clients on kept connections, one chat completion at a time each, every latency kept.
 *
 *  In:     where to ask and how                Out: latencies in µs, failures
 *  Owns:   its sockets and the latencies
 *  Thread: the one that calls load_run(): one epoll loop, so that the generator costs little beside what it measures */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    LOAD_CLIENTS_MAX = 2048,
    LOAD_TURNS_PER_SESSION = 20, /* then a client takes a new session: histories stay as long as real ones */
};

struct load {
    int port;
    const char *token; /* NULL: none */
    bool stream;
    int clients;
    int duration_ms;            /* no request starts after it */
    size_t requests;            /* nor after so many; 0: no limit */
    int turns_per_session;      /* 0: LOAD_TURNS_PER_SESSION */
    int session_base;           /* sessions are numbered from here, so that runs do not share them */
    int patience_ms;            /* after the last start: what has not come then has failed */
    void (*waiting)(void *ctx); /* called when every client waits for its answer and nothing came for 100 ms; may be NULL */
    void *ctx;
};

struct load_result {
    uint32_t *us; /* latency of each good answer, in order of completion until load_sort(); owned */
    size_t ok, failed;
    int64_t elapsed_us;
    int sessions;  /* that were used */
    char why[128]; /* the first failure, in words; "" when none */
};

int load_run(const struct load *l, struct load_result *out); /* 0, GW_ENOMEM, GW_ESYS */
void load_free(struct load_result *r);
void load_sort(struct load_result *r);

/** Percentile (0..100) of a sorted result in µs; 0 when it is empty. */
double load_percentile(const struct load_result *r, double percent);

#endif
