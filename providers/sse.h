/** providers/sse.h -- splits a byte stream into server-sent events.
 *
 *  In:     bytes, cut anywhere; lines end in LF, CRLF or CR
 *  Out:    one call per event that has data; comments, ids and retry times are skipped
 *  Owns:   the unfinished line and event
 *  Thread: any, one at a time
 *  Source: WHATWG HTML, section 9.2.6 "Interpreting an event stream" (2025) */
#ifndef PROVIDERS_SSE_H
#define PROVIDERS_SSE_H

#include "base/buf.h"

/** @param event  its type, empty when none was given  @param data  its data lines joined by LF; both borrowed for the call */
typedef void sse_event_fn(void *ctx, struct str event, struct str data);

/* Zero-initialise, set max; free with sse_free(). */
struct sse {
    size_t max; /* bytes one line, or one event's data, may have */
    struct buf line;
    struct buf event;
    struct buf data;
    bool after_cr; /* the last byte was a CR that ended a line: an LF right after it is part of it */
    bool has_data;
    bool begun; /* the first line is over: no byte order mark can follow */
};

void sse_free(struct sse *s);

/** @return 0, GW_ENOMEM, or GW_ELIMIT when a line or an event is larger than max; `s` is then of no more use. */
int sse_feed(struct sse *s, struct str bytes, sse_event_fn *fn, void *ctx);

/** The stream has ended. The standard drops an event that no blank line ended; servers that leave the last one out
 *  are common, so it is handed over and the receiver must check that it is whole. Returns as sse_feed(). */
int sse_finish(struct sse *s, sse_event_fn *fn, void *ctx);

#endif
