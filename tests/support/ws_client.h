/** tests/support/ws_client.h -- a small blocking WebSocket client (RFC 6455) with deadlines, and a device to connect as.
 *
 *  It is strict about what it is sent: a masked frame, a reserved bit, a fragment out of place, a text that is no UTF-8 fail.
 *  Talks to 127.0.0.1 only.
 *  Owns:   one socket per ws_t, one key per ws_device
 *  Thread: one at a time */
#ifndef TESTS_SUPPORT_WS_CLIENT_H
#define TESTS_SUPPORT_WS_CLIENT_H

#include <jansson.h>

#include "base/buf.h"

typedef struct ws ws_t;

/** Connect and upgrade. @param path  "/"  @param headers  further lines, each ending in CRLF; may be NULL; a "Host: " line
 *  among them replaces the usual one
 *  @return 0; GW_EIO; GW_ETIMEOUT; GW_EDENIED when the answer is not 101 (ws_status tells) */
int ws_open(int port, const char *path, const char *headers, ws_t **out);
int ws_status(void);        /* of the last ws_open: the HTTP status */
void ws_close(ws_t **ws_p); /* without a close frame; safe on NULL */
int ws_fd(const ws_t *ws);

enum { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

int ws_send(ws_t *ws, int opcode, struct str bytes);
int ws_send_part(ws_t *ws, int opcode, bool last, struct str bytes); /* a fragment */
int ws_send_raw(ws_t *ws, struct str bytes);                         /* bytes on the socket */

/** The next message; pings are answered on the way.
 *  @return 0 and its text in `out`; GW_ETIMEOUT; GW_ECLOSED when a close frame came (ws_close_code), GW_EIO without one;
 *          GW_EBADMSG when the server broke the protocol */
int ws_read(ws_t *ws, int timeout_ms, struct buf *out);
int ws_close_code(const ws_t *ws);           /* 0: none came; 1005: a close frame without a code */
const char *ws_close_reason(const ws_t *ws); /* "" */
/** Read until the connection ends. @return as ws_read, never 0 */
int ws_read_to_end(ws_t *ws, int timeout_ms);

/** The next message as JSON; the caller json_decref()s. NULL on anything else. */
json_t *ws_json(ws_t *ws, int timeout_ms);
/** The next event of this name, others are dropped. NULL when none comes in time. */
json_t *ws_event(ws_t *ws, const char *event, int timeout_ms);
/** Send {"type":"req",...}. @param params  printf style JSON; NULL: none */
int ws_request(ws_t *ws, const char *id, const char *method, const char *params, ...) __attribute__((format(printf, 4, 5)));
/** The response with this id; events on the way are dropped. */
json_t *ws_response(ws_t *ws, const char *id, int timeout_ms);
/** Both. */
json_t *ws_call(ws_t *ws, const char *method, const char *params, ...) __attribute__((format(printf, 3, 4)));

struct ws_device {
    void *key;           /* EVP_PKEY */
    char id[65];         /* hex */
    char public_key[64]; /* base64url */
};
int ws_device_create(struct ws_device *out); /* 0 or GW_ESYS */
void ws_device_free(struct ws_device *device);

struct ws_connect {                      /* zero: the CLI with the three operator scopes and no token */
    const char *client_id, *mode, *role; /* NULL: "cli", "cli", "operator" */
    const char *scopes;                  /* JSON array; NULL: admin, approvals, pairing */
    const char *token, *password;        /* NULL: none */
    const struct ws_device *device;      /* NULL: none */
    const char *nonce;                   /* NULL: that of the challenge; "": none, signed as v1 */
    int64_t signed_at_ms;                /* 0: now */
    const char *extra;                   /* further members of params, beginning with a comma; may be NULL */
    const char *caps;                    /* JSON array; NULL: [] */
    const char *client_extra;            /* further members of client, likewise */
    bool bad_signature;
};

/** Wait for the challenge, send `connect`, return the response. NULL when the socket ended before. */
json_t *ws_hello(ws_t *ws, const struct ws_connect *c);
/** The parameters of `connect` as text, for a challenge's nonce; the caller frees. */
char *ws_connect_params(const struct ws_connect *c, const char *nonce);

#endif
