/** tests/fakes/fake_http.h -- a strict HTTP/1.1 server on 127.0.0.1 for fakes: one thread, one epoll.
 *
 *  In:     requests with Content-Length or chunked bodies, keep-alive, pipelining (answered one after the other)
 *  Out:    whole answers, chunked streams cut as the fake likes, raw bytes, resets
 *  Owns:   the listening socket and its connections
 *  Thread: the one that calls fake_http_run()
 *  Source: RFC 9112. What a lenient server would let pass (bare LF, two lengths, folded headers, no Host) is refused. */
#ifndef TESTS_FAKES_FAKE_HTTP_H
#define TESTS_FAKES_FAKE_HTTP_H

#include "base/buf.h"

enum {
    FAKE_HEAD_MAX = 64 * 1024,        /* bytes of request line and headers */
    FAKE_BODY_MAX = 48 * 1024 * 1024, /* bytes of a request body */
};

typedef struct fake_http fake_http_t;
typedef struct fake_exchange fake_exchange_t; /* one request and its answer; gone after `gone` was called */

struct fake_request {
    struct str method;
    struct str target; /* path with query, as sent */
    struct str head;   /* header lines, each ending in CRLF */
    struct str body;
};

struct fake_hooks {
    /** A complete request; borrowed for the call. Answer now, or later from a timer. */
    void (*request)(void *ctx, fake_exchange_t *x, const struct fake_request *r);
    /** The exchange is over. @param cut  the client left before the answer was complete */
    void (*gone)(void *ctx, fake_exchange_t *x, bool cut);
    /** Bytes that are not HTTP as this server wants it; answered with 400 already. */
    void (*violation)(void *ctx, const char *reason);
    /** A TLS ClientHello came to this plain port; answered with bytes that are no TLS. May be NULL. */
    void (*tls_hello)(void *ctx);
    void *ctx;
};

int fake_http_create(int port, const struct fake_hooks *hooks, fake_http_t **out); /* port 0: any. 0 or GW_ESYS */
void fake_http_destroy(fake_http_t **h_p);
int fake_http_port(const fake_http_t *h);
int fake_http_run(fake_http_t *h); /* until SIGTERM or SIGINT. 0 or GW_ESYS */

/** The value of a header, name's case ignored; empty when absent. Borrows r. */
struct str fake_request_header(const struct fake_request *r, const char *name);

/* An answer is either fake_reply(), or fake_begin(), fake_write()... and fake_end(), or raw bytes and fake_done() or fake_close().
 * `headers` are complete lines with CRLF; NULL: none. */
void fake_reply(fake_exchange_t *x, int status, const char *headers, struct str body);
void fake_begin(fake_exchange_t *x, int status, const char *headers);
void fake_write(fake_exchange_t *x, struct str bytes); /* one chunk */
void fake_end(fake_exchange_t *x);
void fake_raw(fake_exchange_t *x, struct str bytes);
void fake_done(fake_exchange_t *x);  /* the raw bytes so far were a complete answer: the connection stays */
void fake_close(fake_exchange_t *x); /* send what is queued, then FIN */
void fake_reset(fake_exchange_t *x); /* RST; takes effect when the hook or timer returns */

/** Call fn(ctx of the hooks, x) once after delay_ms. One timer per exchange: a second call replaces the first. */
void fake_timer(fake_exchange_t *x, int delay_ms, void (*fn)(void *ctx, fake_exchange_t *x));

/** A pointer of the fake's own that rides on the exchange; NULL at its start. */
void fake_set_data(fake_exchange_t *x, void *data);
void *fake_data(const fake_exchange_t *x);

#endif
