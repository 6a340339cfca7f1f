/** actors/router_metrics.h -- what the router counts of turns, for Prometheus.
 *
 *  Owns:   counters since the start, in struct router_metrics; zero is valid
 *  Thread: the router's
 *  Source: names of OpenClaw's diagnostics (message.*, run.*, queue.*, tokens) where it has them; docs/metrics.md */
#ifndef ACTORS_ROUTER_METRICS_H
#define ACTORS_ROUTER_METRICS_H

#include "actors/policy.h"
#include "actors/router_course.h"
#include "base/prometheus.h"

enum {
    METRICS_CHANNELS = 24, /* told apart; further ones are `other` */
    METRICS_ATTEMPTS = 64, /* pairs of provider and end, likewise */
    METRICS_REFUSALS = 24, /* reasons, likewise */
    METRICS_NAME = 33,
};

struct metrics_channel {
    char name[METRICS_NAME];
    uint64_t outcomes[4]; /* by enum turn_outcome */
};

struct metrics_count {
    char name[METRICS_NAME], end[METRICS_NAME];
    uint64_t count;
};

struct router_metrics {
    struct metrics_channel channels[METRICS_CHANNELS];
    struct metrics_count attempts[METRICS_ATTEMPTS], refusals[METRICS_REFUSALS];
    struct prometheus_histogram message_ms, run_ms, first_byte_ms, wait_ms[LANE_COUNT];
    uint64_t input_tokens, output_tokens, ended;
    int64_t paid_micros; /* millionths of a dollar, by the prices of the configuration */
};

/** A turn has ended; its course is complete. */
void metrics_turn_ended(struct router_metrics *m, const struct past_turn *turn);
void metrics_refused(struct router_metrics *m, struct str reason);
/** Append all families of it. @param in_hand  turns that have not ended */
void metrics_write(const struct router_metrics *m, size_t in_hand, struct buf *out);

#endif
