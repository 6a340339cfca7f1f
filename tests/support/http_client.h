/** tests/support/http_client.h -- a small blocking HTTP/1.1 client with deadlines, for tests.
 *
 *  It can also misbehave on purpose: send bytes slowly, stop half way, reset. Talks to 127.0.0.1 only.
 *  Owns:   one socket per http_conn_t
 *  Thread: one at a time */
#ifndef TESTS_SUPPORT_HTTP_CLIENT_H
#define TESTS_SUPPORT_HTTP_CLIENT_H

#include "base/buf.h"

struct http_call {
    const char *method; /* NULL: POST when there is a body, else GET */
    const char *path;
    const char *token;        /* bearer token; NULL: no Authorization header */
    const char *content_type; /* NULL: application/json */
    const char *headers;      /* further header lines, each ending in CRLF; may be NULL */
    struct str body;
};

struct http_reply {
    int status; /* 0: none was received */
    struct buf head;
    struct buf body;
};

void http_reply_free(struct http_reply *r);

/** The value of a header of the reply, case ignored, or an empty string. Borrows the reply. */
struct str http_reply_header(const struct http_reply *r, const char *name);

/** One call on a connection of its own. @return 0, GW_ETIMEOUT, GW_EIO (refused, reset, cut short), GW_EBADMSG (not HTTP) */
int http_call(int port, const struct http_call *call, int timeout_ms, struct http_reply *out);

typedef struct http_conn http_conn_t;

int http_open(int port, http_conn_t **out); /* 0 or GW_EIO */
void http_close(http_conn_t **c_p);         /* with FIN */
void http_reset(http_conn_t **c_p);         /* with RST */
int http_half_close(http_conn_t *c);        /* no more bytes from us; theirs are still read. 0 or GW_EIO */

int http_send(http_conn_t *c, const struct http_call *call, int timeout_ms);
int http_send_bytes(http_conn_t *c, struct str bytes, int timeout_ms);

/** The reply's head; out->body stays empty. Errors as http_call. */
int http_read_head(http_conn_t *c, int timeout_ms, struct http_reply *out);

/** The rest of the body, whatever its framing. Errors as http_call. */
int http_read_body(http_conn_t *c, int timeout_ms, struct http_reply *out);

/** The next server-sent event's data (lines joined with LF); comments are counted, not returned. `data` is replaced.
 *  @return 0, GW_ENOENT at the clean end of the body, else as http_call */
int http_read_event(http_conn_t *c, int timeout_ms, struct buf *data);

/** Comments seen so far by http_read_event. */
int http_comments(const http_conn_t *c);

/** True when the peer has closed or reset the connection within the time; bytes that come before that are dropped. */
bool http_closed_by_peer(http_conn_t *c, int timeout_ms);

/** A port that was free a moment ago; -1 when there is none. */
int free_port(void);

#endif
