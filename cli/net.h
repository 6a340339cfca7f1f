/** cli/net.h -- bytes to and from a server: a TCP connection, with TLS when the address asks for it.
 *
 *  Owns:   net_t: the socket and its TLS state; OpenSSL's TLS is not touched for plain connections
 *  Thread: the main one; every call blocks until its deadline */
#ifndef CLI_NET_H
#define CLI_NET_H

#include "cli/ws_client.h"

typedef struct net net_t;

/** @param why  appended on failure, for people
 *  @return 0; GW_ENOPEER; GW_ETIMEOUT; GW_EDENIED (the certificate is not trusted); GW_EIO; GW_ESYS; GW_ENOMEM */
int net_open(const struct ws_url *url, const struct ws_trust *trust, int64_t deadline_ms, net_t **out, struct buf *why);
void net_close(net_t **net_p);

int net_send(net_t *net, struct str bytes, int64_t deadline_ms); /* all of them: 0, GW_ETIMEOUT, GW_EIO */

/** Append at least one byte and at most `max`. @return 0, GW_ETIMEOUT, GW_ECLOSED (the end), GW_EIO, GW_ENOMEM, GW_ELIMIT */
int net_receive(net_t *net, struct buf *to, size_t max, int64_t deadline_ms);

#endif
