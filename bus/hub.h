/** bus/hub.h -- the ROUTER end of the bus, for actors/router.c alone (and rigs in tests).
 *
 *  It forwards between mailboxes without decoding, and hands messages addressed to "router" to its owner.
 *  It never waits on a mailbox: a full one is GW_EFULL, an absent one GW_ENOPEER, answered to the sender.
 *
 *  Thread: the one that opened it. */
#ifndef BUS_HUB_H
#define BUS_HUB_H

#include "bus/bus.h"

#define HUB_NAME "router" /* what mailboxes address the hub's owner by */

enum { HUB_QUEUE = 16384 }; /* messages per mailbox on the hub's side of its queue */

typedef struct hub hub_t;

/** @return 0, GW_EEXIST when the bus has a hub, GW_ENOMEM, GW_ESYS */
int hub_open(bus_t *bus, hub_t **out);
void hub_close(hub_t **hub_p);

/** Forward what is waiting; return the first message for the owner. actor.hello is answered here and then handed on.
 *  @return 0, then the caller owns *out; GW_ETIMEOUT; GW_ECLOSED */
int hub_recv(hub_t *hub, int timeout_ms, struct msg *out);

/** Send as "router", at once or not at all.
 *  @param payload  NULL: m's own raw field, copied; else this one, not copied; the reference stays the caller's
 *  @return 0, GW_EFULL, GW_ENOPEER, GW_EBADMSG, GW_ECLOSED */
int hub_send(hub_t *hub, const char *to, const struct msg *m, const payload_t *payload);

/* What passed an open mailbox. A rate is that of the time between the last two questions that lie PEERS_RATE_MS (1 s) apart:
 * nothing is measured while nobody asks. */
struct hub_traffic {
    uint64_t received;
    uint64_t sent;
    uint64_t queued;   /* delivered to it and not taken yet; always 0 for the hub's owner */
    double per_second; /* both ways */
};

/** @param name  a mailbox, or HUB_NAME for the hub's owner  @return 0; GW_ENOENT when it is not open, and *out is zero */
int hub_traffic(hub_t *hub, const char *name, struct hub_traffic *out);

/** Messages forwarded a second, measured likewise. */
double hub_forward_rate(hub_t *hub);

/** Names the hub counts for: at most twice the open mailboxes and PEERS_SPARE (bus/peers.h). */
size_t hub_peer_count(const hub_t *hub);

typedef int hub_fn(hub_t *hub, void *arg); /* a thread's body; owns arg; the hub is closed when it returns */

/** Open the hub and start the router's thread with it. Mailboxes may be opened as soon as this has returned.
 *  @return as hub_open, or GW_ESYS when no thread can be made (arg stays the caller's) */
int hub_spawn(bus_t *bus, hub_fn *fn, void *arg, actor_t **out);

#endif
