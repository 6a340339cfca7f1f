/* actors/gateway_spin.c -- keeps the loop from turning without work.
 *
 * libwebsockets 4.1.6 does not read a connection while bytes of its own wait to go out on it, but keeps asking the kernel whether there is
 * something to read. A client that does not read its answer, and sends on or ends its half, so makes each round of the loop return
 * at once with nothing done, until it reads. Such a connection is cut off: it costs the others their time. */
#include <sys/socket.h>
#include <utlist.h>

#include "actors/gateway_client.h"
#include "base/log.h"

/* Something can be read, or the client's half has ended, while what goes out is stuck. */
static bool spins(struct lws *wsi, bool unsent)
{
    char byte;
    if (!unsent && !lws_partial_buffered(wsi)) return false;
    return recv(lws_get_socket_fd(wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* libwebsockets would wait for what is stuck before it closes: so the socket is ended, and it finds that out by itself. */
static void cut_off(struct gateway_conn *c)
{
    log_event(LOG_WARN, "deaf_client", LOG_T("address", c->peer.address), LOG_I("unsent", (int64_t)gateway_unsent(c)));
    shutdown(lws_get_socket_fd(c->wsi), SHUT_RDWR);
    gateway_kill(c);
}

static void look(struct gateway *gw)
{
    struct gateway_conn *c, *safe;
    struct gateway_client *cl, *next;
    DL_FOREACH_SAFE(gw->conns, c, safe)
    {
        if (!c->flow_stopped && spins(c->wsi, gateway_unsent(c) > 0)) cut_off(c);
    }
    DL_FOREACH_SAFE(gw->clients, cl, next)
    {
        if (!cl->clogged && !cl->paused && spins(cl->wsi, false)) cut_off(cl->conn);
    }
}

void gateway_spin_check(struct gateway *gw, uint64_t calls_before)
{
    gw->empty_rounds = gw->calls == calls_before ? gw->empty_rounds + 1 : 0;
    if (gw->empty_rounds < GATEWAY_EMPTY_ROUNDS) return;
    gw->empty_rounds = 0;
    look(gw);
}
