/** cli/ws_client.h -- one WebSocket connection of a command: opened, used and closed by calls that wait.
 *
 *  In:     a ws:// or wss:// address      Out: messages both ways; how it was closed
 *  Owns:   ws_client_t: the socket, its TLS, bytes received
 *  Thread: the main one; every call blocks until its deadline
 *  Source: RFC 6455; docs/adr/0011-cli-websocket.md says why not libwebsockets' client */
#ifndef CLI_WS_CLIENT_H
#define CLI_WS_CLIENT_H

#include "cli/ws_frame.h"

enum { WS_HOST_MAX = 256, WS_PATH_MAX = 1024 }; /* bytes, NUL included */

struct ws_url {
    bool tls;
    char host[WS_HOST_MAX]; /* without brackets */
    int port;
    char path[WS_PATH_MAX]; /* with its '/' */
};

/** Read "ws://host[:port][/path]", also wss, http and https. @return 0 or GW_EINVAL */
int ws_url_parse(struct str text, struct ws_url *out);

/** Whether the host is this machine: localhost, 127.x, ::1. */
bool ws_url_is_local(const struct ws_url *url);

/** Which certificate a wss server must have: `pem` the one in a file; `fingerprint` the one with this SHA-256 (hex, colons
 *  allowed); both NULL or empty: one that the system's authorities vouch for, and that names the host. */
struct ws_trust {
    const char *pem;
    const char *fingerprint;
};

typedef struct ws_client ws_client_t;

/** Connect and upgrade. @param why  appended on failure, for people
 *  @return 0; GW_ENOPEER (nobody listens, unknown host); GW_ETIMEOUT; GW_EDENIED (the certificate); GW_EBADMSG (no WebSocket
 *          there); GW_EIO; GW_ESYS; *out is then NULL */
int ws_client_open(const struct ws_url *url, const struct ws_trust *trust, int64_t deadline_ms, ws_client_t **out, struct buf *why);

/** Send a close frame when the connection is still open, and free. Does not wait for the server. */
void ws_client_close(ws_client_t **client_p);

/** @return 0, GW_ECLOSED, GW_ETIMEOUT, GW_ENOMEM */
int ws_client_send(ws_client_t *client, struct str text, int64_t deadline_ms);

/** The next message; pings are answered on the way.
 *  @param text  borrowed until the next call
 *  @return 0; GW_ETIMEOUT (the connection stays usable); GW_ECLOSED: ws_client_closed() tells; GW_ENOMEM */
int ws_client_receive(ws_client_t *client, int64_t deadline_ms, struct str *text);

/** The code of the close after GW_ECLOSED: the server's, or WS_CLOSE_ABNORMAL when there was no frame.
 *  @param reason  borrowed from the client; may be empty */
int ws_client_closed(const ws_client_t *client, struct str *reason);

#endif
