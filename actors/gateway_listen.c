/* actors/gateway_listen.c -- listening sockets and new connections. The sockets are ours, not libwebsockets', so that
 * a port in use is told in words, one surplus connection gets an answer, and a drain closes nothing else. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "actors/gateway_internal.h"
#include "actors/gateway_poll.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

union address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

static int read_address(const char *host, int port, union address *out, socklen_t *n)
{
    *out = (union address){ 0 };
    if (inet_pton(AF_INET, host, &out->v4.sin_addr) == 1) {
        out->v4.sin_family = AF_INET;
        out->v4.sin_port = htons((uint16_t)port);
        *n = sizeof out->v4;
        return 0;
    }
    if (inet_pton(AF_INET6, host, &out->v6.sin6_addr) != 1) return GW_EINVAL;
    out->v6.sin6_family = AF_INET6;
    out->v6.sin6_port = htons((uint16_t)port);
    *n = sizeof out->v6;
    return 0;
}

/* @return a listening socket, or a negative GW_E* */
static int open_socket(const char *host, int port)
{
    union address a;
    socklen_t n;
    const int on = 1;
    if (read_address(host, port, &a, &n) != 0) return GW_EINVAL;
    int fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return GW_ESYS;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (a.any.sa_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    if (bind(fd, &a.any, n) == 0 && listen(fd, GATEWAY_BACKLOG) == 0) return fd;
    int rc = errno == EADDRINUSE ? GW_EBUSY : errno == EADDRNOTAVAIL ? GW_EINVAL : errno == EACCES ? GW_EDENIED : GW_ESYS;
    close(fd);
    return rc;
}

static int port_of(int fd)
{
    union address a = { 0 };
    socklen_t n = sizeof a;
    if (getsockname(fd, &a.any, &n) != 0) return 0;
    return ntohs(a.any.sa_family == AF_INET6 ? a.v6.sin6_port : a.v4.sin_port);
}

static int adopt(struct gateway *gw, int fd)
{
    const lws_adopt_desc_t desc = { .vh = gw->vhost, .type = LWS_ADOPT_RAW_FILE_DESC, .fd.filefd = fd, .vh_prot_name = "listener" };
    struct lws *wsi = lws_adopt_descriptor_vhost_via_info(&desc);
    if (!wsi) {
        close(fd);
        return GW_ESYS;
    }
    gw->listeners[gw->listener_count++] = wsi;
    return 0;
}

int gateway_listen(struct gateway *gw, int *port)
{
    const char *host = gw->options->bind_host;
    int fd = open_socket(host, gw->options->port);
    if (fd < 0) {
        log_event(LOG_ERROR, "listen_failed", LOG_T("address", host), LOG_I("port", gw->options->port), LOG_T("error", err_text(fd)),
                  LOG_T("fix", fd == GW_EBUSY ? "stop what listens there, or choose another port with --port"
                                              : "choose another address with --bind"));
        return fd;
    }
    *port = port_of(fd);
    int rc = adopt(gw, fd);
    if (rc || strcmp(host, "127.0.0.1") != 0) return rc;
    int other = open_socket("::1", *port); /* "localhost" is ::1 first on many machines; those without IPv6 do without */
    return other >= 0 ? adopt(gw, other) : 0;
}

void gateway_stop_listening(struct gateway *gw)
{
    for (size_t i = 0; i < gw->listener_count; i++) lws_set_timeout(gw->listeners[i], PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
    gw->listener_count = 0;
}

/* A peer that vanished without a word is noticed by the kernel: probes when idle, a limit on unacknowledged bytes. */
static void set_options(int fd, const struct gateway_times *times)
{
    const int on = 1, idle_s = 60, interval_s = 10, probes = 3;
    const unsigned unacknowledged_ms = (unsigned)times->stall_ms;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof idle_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof interval_s);
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
}

static void name_peer(const union address *a, struct gateway_peer *peer)
{
    if (a->any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &a->v6.sin6_addr, peer->address, sizeof peer->address);
    else
        inet_ntop(AF_INET, &a->v4.sin_addr, peer->address, sizeof peer->address);
    peer->loopback = gateway_is_loopback(peer->address);
}

void gateway_take(struct gateway *gw, int fd, const struct gateway_peer *peer)
{
    struct gateway_conn *c = gw->conn_count < GATEWAY_CONNECTIONS_MAX + GATEWAY_SURPLUS_MAX ? calloc(1, sizeof *c) : NULL;
    if (!c) {
        close(fd);
        log_event(LOG_WARN, "connection_refused", LOG_I("connections", (int64_t)gw->conn_count));
        return;
    }
    gateway_poll_new(fd);
    set_options(fd, &gw->times);
    c->gw = gw;
    c->surplus = gw->conn_count >= GATEWAY_CONNECTIONS_MAX;
    c->peer = *peer;
    gw->conn_count++;
    DL_APPEND(gw->conns, c); /* from here on the callback frees it, when its socket is closed */
    gw->adopting = c;
    const lws_adopt_desc_t desc = {
        .vh = gw->vhost, .type = LWS_ADOPT_SOCKET | LWS_ADOPT_HTTP | LWS_ADOPT_ALLOW_SSL, .fd.sockfd = fd, .opaque = c
    };
    if (!lws_adopt_descriptor_vhost_via_info(&desc) && gw->adopting) gateway_free_conn(gw->adopting);
    gw->adopting = NULL;
}

void gateway_accept(struct gateway *gw, int fd)
{
    for (int i = 0; i < GATEWAY_ACCEPT_MAX; i++) {
        union address from = { 0 };
        struct gateway_peer peer = { 0 };
        socklen_t n = sizeof from;
        int conn = accept4(fd, &from.any, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (conn >= 0) {
            name_peer(&from, &peer);
            gateway_take(gw, conn, &peer);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE) log_event(LOG_ERROR, "descriptors_used_up", LOG_T("fix", "raise the limit: ulimit -n"));
        if (errno != EINTR && errno != ECONNABORTED) return;
    }
}
