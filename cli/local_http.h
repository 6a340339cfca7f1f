/** cli/local_http.h -- one POST to the gateway on this machine, over a plain socket.
 *
 *  libcurl would do more, and cost each such command 4 ms for loading its libraries (docs/adr/0009-lazy-libcurl.md).
 *  Thread: the main one; blocks */
#ifndef CLI_LOCAL_HTTP_H
#define CLI_LOCAL_HTTP_H

#include "base/buf.h"

enum { LOCAL_HTTP_REPLY_MAX = 64 * 1024 * 1024 }; /* bytes, head included */

struct local_reply {
    int status;
    struct buf bytes; /* owned; what the strings below borrow from */
    struct str head;  /* header lines */
    struct str body;
};

/** @param headers  further lines, each ending in CRLF
 *  @return 0; GW_ENOPEER (nobody listens); GW_ETIMEOUT; GW_EIO (cut short); GW_EBADMSG (not HTTP); GW_ELIMIT, GW_ENOMEM.
 *          Free reply->bytes in any case */
int local_http_post(const char *host, int port, const char *path, const char *headers, struct str body, int timeout_ms,
                    struct local_reply *reply);

/** The value of a header, case ignored; empty when absent. */
struct str local_http_header(const struct local_reply *reply, const char *name);

#endif
