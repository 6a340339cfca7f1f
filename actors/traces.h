/** actors/traces.h -- how turns went, sent to an OpenTelemetry collector: one trace from a message to the answers to it.
 *
 *  Whoever carries out a step of a turn tells of it when it has ended (trace.span). Spans are gathered and posted as OTLP/HTTP in
 *  JSON to `diagnostics.otel.endpoint`. Nothing that people or models said is in them.
 *
 *  In:     trace.span
 *  Owns:   at most TRACES_SPANS_MAX spans that wait and one post under way; what does not fit is counted and told in the log
 *  Thread: its own; there is none unless `diagnostics.otel` asks for it
 *  Source: OTLP 1.5 (opentelemetry.io/docs/specs/otlp: "OTLP/HTTP", "JSON Protobuf Encoding"); span names as OpenClaw's
 *          diagnostics-otel where it has them */
#ifndef ACTORS_TRACES_H
#define ACTORS_TRACES_H

#include "base/buf.h"
#include "base/config.h"
#include "base/env.h"
#include "bus/bus.h"

#define TRACES_NAME "traces" /* its mailbox */

enum {
    TRACES_QUEUE = 4096,          /* messages its mailbox holds */
    TRACES_SPANS_MAX = 4096,      /* spans that wait to be sent; further ones are lost */
    TRACES_BATCH = 512,           /* as many are sent without waiting for the interval */
    TRACES_TURNS_MAX = 1024,      /* turns whose trace is remembered, for what is delivered after they ended */
    TRACES_TRIES_MAX = 3,         /* posts of the same spans */
    TRACES_ATTRIBUTES_MAX = 4096, /* bytes of a span's attributes */
    TRACES_POST_MS = 10000,       /* time for a post */
    TRACES_GOODBYE_MS = 2000,     /* time for the last post when the gateway stops */
};

struct traces_options {
    config_t *config; /* owned */
    struct env env;   /* OTEL_EXPORTER_OTLP_ENDPOINT, when the configuration names no endpoint */
};

actor_fn traces_actor; /* arg: struct traces_options, owned */

/** Whether the configuration asks for traces. Any thread. */
bool traces_wanted(const config_t *config);

/* A step of a turn that has just ended. */
struct trace_step {
    int64_t turn;
    uint64_t trace;         /* 0: the turn's */
    const char *name, *key; /* of the span, and of its one attribute */
    struct str value;       /* the attribute's */
    int64_t began_ms;       /* since 1970 */
    bool failed;
};

/** Tell the traces actor of it. What cannot be sent is lost. @param mailbox  the caller's */
void trace_step(mailbox_t *mailbox, const struct trace_step *step);

/** Append an attribute, as trace.span has them. */
void trace_text(struct buf *attributes, const char *key, struct str value);
void trace_int(struct buf *attributes, const char *key, int64_t value);

#endif
