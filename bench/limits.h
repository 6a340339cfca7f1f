/** bench/limits.h -- what the two files of the bench of the limits share: a scripted model provider that counts from outside.
 *
 *  The provider answers by the words of the last message: `SPAWN n HOLD ms DEPTH d` calls sessions_spawn n times, a sub-agent's task holds
 *  its answer for so long, and spawns on while DEPTH is left. Requests of sub-agents that are in flight are sub-agents that run: their
 *  number is seen here without asking the gateway. */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMITS_PARENTS_MAX = 256, LIMITS_SAMPLES_MAX = 4096 };

struct limits_sample {
    int64_t us;
    int active;
};

struct limits_counts {
    int active, most;                      /* sub-agents' requests in flight: now, at most */
    int64_t children;                      /* sub-agents that were answered */
    int64_t failed, announced;             /* answered with HTTP 500; announcements heard by requesters */
    int64_t accepted, refused;             /* results of sessions_spawn */
    int64_t of_parent[LIMITS_PARENTS_MAX]; /* answered sub-agents, by the parent that began them */
};

/** Start it in a thread of its own. @return its port */
int limits_provider_start(void);
struct limits_counts limits_counts(void);
void limits_reset(void);
/** What was active over time, since limits_reset(). @return how many samples */
int limits_samples(struct limits_sample out[LIMITS_SAMPLES_MAX]);

#endif
