/** base/prometheus.h -- figures in the text that Prometheus reads.
 *
 *  In:     names, labels, numbers      Out: lines in a buffer
 *  Owns:   nothing                     Thread: any, one at a time for each buffer and histogram
 *  Source: Prometheus, exposition format 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/) */
#ifndef BASE_PROMETHEUS_H
#define BASE_PROMETHEUS_H

#include "base/buf.h"

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum { PROMETHEUS_BOUNDS = 12 };

struct prometheus_label {
    const char *name;
    struct str value; /* any text; what the format cannot hold is escaped */
};

/** The two lines before a family's samples. @param kind  "counter", "gauge" or "histogram" */
void prometheus_family(struct buf *out, const char *name, const char *kind, const char *help);
/** @param labels  `count` of them; may be NULL when that is 0 */
void prometheus_int(struct buf *out, const char *name, const struct prometheus_label *labels, size_t count, int64_t value);
void prometheus_real(struct buf *out, const char *name, const struct prometheus_label *labels, size_t count, double value);

/* Durations: 1 ms to 10 min. Zero is valid. */
struct prometheus_histogram {
    uint64_t buckets[PROMETHEUS_BOUNDS + 1]; /* the last: beyond all bounds */
    uint64_t sum_ms;
};
void prometheus_observe(struct prometheus_histogram *h, int64_t ms); /* a negative one is left out */
/** Its samples, buckets, sum and count. @param name  of the family */
void prometheus_histogram(struct buf *out, const char *name, const struct prometheus_label *labels, size_t count,
                          const struct prometheus_histogram *h);

#endif
