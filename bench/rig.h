/** bench/rig.h -- a gateway in a folder of its own, with the mock provider that it asks.
 *
 *  Owns:   the folder and both processes
 *  Thread: the one that opened it. What goes wrong here ends the program with a reason: there is nothing left to measure */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include "base/memory.h"
#include "support/proc.h"

#define BENCH_TOKEN "bench-token"

enum { RIG_IDLE_MS = 2 * MEMORY_LOOK_MS + 1000 }; /* after work: by then the gateway has seen that it is idle, and gave memory back */

struct bench_options {
    const char *openclaw, *mock, *bus, *config, *out, *only;
    int seconds;
};
extern struct bench_options bench_options; /* set by main() before anything is measured */

/* One gateway with its folder, and the mock it asks. */
struct rig {
    char dir[64], config[96];
    proc_t *gateway, *mock;
    int port, mock_port;
};

_Noreturn void rig_die(const char *what, int code);

/** A folder, a config without limits, a mock. @param mock_flag  may be NULL */
void rig_open(struct rig *r, const char *mock_flag);
void rig_close(struct rig *r);

/** Start the gateway and wait for /health. @return µs that took */
int64_t rig_start_gateway(struct rig *r, const char *config);

/** Start a gateway for load: /health comes a little before turns are taken. */
void rig_start_ready(struct rig *r, const char *config);

/** A field of the gateway's smaps_rollup ("Rss:", "Pss:") in KiB; -1 when it is not there. */
double rig_memory_kib(const struct rig *r, const char *field);

/** Processor time that the gateway has taken, in µs. */
int64_t rig_cpu_us(const struct rig *r);

/** Descriptors that the gateway has open. */
int rig_descriptors(const struct rig *r);

#endif
