/** actors/web.h -- gets pages for agents, and never from inside: private addresses are refused where the connection is made.
 *
 *  In:     web.fetch, web.cancel     Out: web.fetched
 *  Owns:   a curl_multi, opened with the first page
 *  Thread: its own
 *  Source: reference agent-runtime 4 (web_fetch); CURLOPT_OPENSOCKETFUNCTION, which sees the address that a name has led to, so that
 * neither redirects nor names that change their address get around it */
#ifndef ACTORS_WEB_H
#define ACTORS_WEB_H

#include "bus/bus.h"

enum {
    WEB_QUEUE = 1024,      /* messages its mailbox holds */
    WEB_IN_FLIGHT_MAX = 32 /* pages at once; a further one is refused */
};

#define WEB_BLOCKED "Blocked: private/internal IP address" /* to the letter */

actor_fn web_actor; /* arg: unused, NULL */

struct sockaddr;

/** Whether an address is not of the public internet: loopback, private, link-local, shared, multicast, reserved, and the forms of IPv6
 *  that hold such an IPv4 address. Source: RFC 6890 and its registry */
bool web_address_is_private(const struct sockaddr *address);

#endif
