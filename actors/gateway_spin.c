/* actors/gateway_spin.c -- keeps the loop from turning without work.
 *
 * libwebsockets 4.1.6 asks the kernel whether there is something to read also where it will not read: while bytes of its own wait to go
 * out, and while the rest of a body is awaited of a client that has ended its half. Each round of the loop then returns at once with
 * nothing done. The connection that does that is one whose bytes, or whose end, nobody takes in many such rounds: it is cut off, for it
 * costs the others their time. */
#include <sys/socket.h>
#include <utlist.h>

#include "actors/gateway_client.h"
#include "actors/gateway_poll.h"
#include "base/log.h"

/* Something can be read, or the client has ended its half. */
static bool is_readable(struct lws *wsi)
{
    char byte;
    return recv(lws_get_socket_fd(wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0;
}

/* libwebsockets would wait for what is stuck before it closes: so the socket is ended, and it finds that out by itself. */
static void cut_off(struct gateway_conn *c)
{
    log_event(LOG_WARN, "deaf_client", LOG_T("address", c->peer.address), LOG_I("unsent", (int64_t)gateway_unsent(c)));
    shutdown(lws_get_socket_fd(c->wsi), SHUT_RDWR);
    gateway_kill(c);
}

/* The first look notes who has something unread, the second, as many empty rounds later, ends those who still have. */
static void look(struct gateway_conn *c, bool paused, bool again)
{
    bool unread = !paused && is_readable(c->wsi);
    if (again && unread && c->unread) cut_off(c);
    c->unread = unread;
}

void gateway_spin_check(struct gateway *gw, uint64_t calls_before)
{
    struct gateway_conn *c, *safe;
    struct gateway_client *cl, *next;
    if (gateway_poll_found() <= 0) return; /* a timer's round */
    gw->empty_rounds = gw->calls == calls_before ? gw->empty_rounds + 1 : 0;
    if (gw->empty_rounds != GATEWAY_EMPTY_ROUNDS / 2 && gw->empty_rounds != GATEWAY_EMPTY_ROUNDS) return;
    bool again = gw->empty_rounds == GATEWAY_EMPTY_ROUNDS;
    DL_FOREACH_SAFE(gw->conns, c, safe)
    {
        look(c, c->flow_stopped, again);
    }
    DL_FOREACH_SAFE(gw->clients, cl, next)
    {
        look(cl->conn, cl->clogged || cl->paused, again);
    }
    if (again) gw->empty_rounds = 0;
}
