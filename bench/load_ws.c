#include "bench/load_ws.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

enum {
    EVENTS = 512,
    SIP = 64,
    READ_BYTES = 256 * 1024,
    WINDOW = 256,
    SOURCES = 8,
    HEAD_BYTES = 10,
    LOOK_BYTES = 16,
    TEXT_BYTES = 1024,
    WAIT_MS = 50
};

enum step { ABSENT, UPGRADING, CHALLENGED, GREETED, LEFT };

struct client {
    int fd, number;
    enum step step;
    int line; /* how much of CRLF CRLF was seen */
    unsigned char head[HEAD_BYTES];
    size_t head_n, rest;   /* bytes of a frame's head; of its text, still to come */
    char look[LOOK_BYTES]; /* the text's beginning */
    size_t look_n;
};

typedef void on_step_fn(struct ws_crowd *crowd, struct client *c);

struct ws_crowd {
    int port, most, used, epoll, handshakes;
    const char *token;
    struct client *clients;
    struct ws_crowd_count count;
    on_step_fn *on_step; /* churn: a client has come one step further */
    int done, failed;
    char *bytes; /* read buffer */
};

static int64_t clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int ws_crowd_create(int port, const char *token, int most, ws_crowd_t **out)
{
    ws_crowd_t *crowd = *out = calloc(1, sizeof *crowd);
    if (!crowd) return GW_ENOMEM;
    *crowd = (ws_crowd_t){ .port = port, .most = most, .token = token, .epoll = epoll_create1(EPOLL_CLOEXEC) };
    crowd->clients = calloc((size_t)most, sizeof *crowd->clients);
    crowd->bytes = malloc(READ_BYTES);
    for (int i = 0; crowd->clients && i < most; i++) crowd->clients[i] = (struct client){ .fd = -1, .number = i };
    if (crowd->clients && crowd->bytes && crowd->epoll >= 0) return 0;
    ws_crowd_destroy(out);
    return GW_ENOMEM;
}

void ws_crowd_destroy(ws_crowd_t **crowd_p)
{
    ws_crowd_t *crowd = *crowd_p;
    if (!crowd) return;
    for (int i = 0; crowd->clients && i < crowd->most; i++)
        if (crowd->clients[i].fd >= 0) close(crowd->clients[i].fd);
    if (crowd->epoll >= 0) close(crowd->epoll);
    free(crowd->clients);
    free(crowd->bytes);
    free(crowd);
    *crowd_p = NULL;
}

struct ws_crowd_count ws_crowd_count(const ws_crowd_t *crowd)
{
    return crowd->count;
}

/* ---- one client ---- */

static void leave(ws_crowd_t *crowd, struct client *c)
{
    if (c->step == UPGRADING || c->step == CHALLENGED) crowd->handshakes--;
    close(c->fd);
    c->fd = -1;
    c->step = LEFT;
}

static void fail(ws_crowd_t *crowd, struct client *c, const char *why)
{
    static const char *const steps[] = { "absent", "upgrading", "challenged", "greeted", "left" };
    if (crowd->failed++ == 0 && crowd->count.lost == 0)
        snprintf(crowd->count.why, sizeof crowd->count.why, "client %d, %s: %s", c->number, steps[c->step], why);
    if (c->step == GREETED) {
        crowd->count.in--;
        crowd->count.lost++;
    }
    leave(crowd, c);
}

static int enter(ws_crowd_t *crowd, struct client *c)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)crowd->port) }, from = { .sin_family = AF_INET };
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    const int on = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (uint32_t)(c->number % SOURCES));
    *c = (struct client){ .fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .number = c->number };
    setsockopt(c->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    static const char upgrade[] = "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                                  "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    if (c->fd < 0 || bind(c->fd, (struct sockaddr *)&from, sizeof from) != 0) return GW_ESYS;
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) return GW_ESYS;
    if (send(c->fd, upgrade, sizeof upgrade - 1, MSG_NOSIGNAL) != (ssize_t)sizeof upgrade - 1) return GW_ESYS;
    c->step = UPGRADING;
    crowd->handshakes++;
    return epoll_ctl(crowd->epoll, EPOLL_CTL_ADD, c->fd, &e) == 0 ? 0 : GW_ESYS;
}

/* A text frame with a mask of zeros, which leaves the text as it is. */
static void say_hello(ws_crowd_t *crowd, struct client *c)
{
    char text[TEXT_BYTES];
    int n =
        snprintf(text + 8, sizeof text - 8,
                 "{\"type\":\"req\",\"id\":\"1\",\"method\":\"connect\",\"params\":{\"minProtocol\":3,\"maxProtocol\":3,\"client\":{"
                 "\"id\":\"gateway-client\",\"version\":\"dev\",\"platform\":\"linux\",\"mode\":\"backend\"},\"auth\":{\"token\":\"%s\"}}}",
                 crowd->token);
    memcpy(text, (const char[8]){ (char)0x81, (char)(0x80 | 126), (char)(n >> 8), (char)n }, 8);
    if (send(c->fd, text, (size_t)n + 8, MSG_NOSIGNAL) != n + 8) fail(crowd, c, "hello could not be sent");
}

static void on_frame(ws_crowd_t *crowd, struct client *c)
{
    if ((c->head[0] & 0x0f) == 8) {
        fail(crowd, c, "closed by the gateway");
    } else if (c->step == UPGRADING) {
        c->step = CHALLENGED;
        if (crowd->on_step) crowd->on_step(crowd, c);
        if (c->step == CHALLENGED) say_hello(crowd, c);
    } else if (c->step == CHALLENGED && strncmp(c->look, "{\"type\":\"res\"", 13) == 0) {
        c->step = GREETED;
        crowd->handshakes--;
        crowd->count.in++;
        if (crowd->on_step) crowd->on_step(crowd, c);
    } else if (c->step == GREETED) {
        crowd->count.frames++;
    }
}

/* Bytes of a frame's head that are still needed; 0: it is whole. */
static size_t head_wants(const struct client *c)
{
    if (c->head_n < 2) return 2 - c->head_n;
    unsigned n = c->head[1] & 0x7fu;
    return (n == 126 ? 4u : n == 127 ? 10u : 2u) - c->head_n;
}

static size_t text_length(const struct client *c)
{
    size_t n = c->head[1] & 0x7fu, first = c->head_n;
    if (n < 126) return n;
    n = 0;
    for (size_t i = 2; i < first; i++) n = n << 8 | c->head[i];
    return n;
}

static size_t take_text(struct client *c, const char *p, size_t n)
{
    size_t take = n < c->rest ? n : c->rest, look = sizeof c->look - c->look_n;
    memcpy(c->look + c->look_n, p, look < take ? look : take);
    c->look_n += look < take ? look : take;
    c->rest -= take;
    return take;
}

static void read_frames(ws_crowd_t *crowd, struct client *c, const char *p, size_t n)
{
    while (n > 0 && c->fd >= 0) {
        size_t took = 1;
        if (c->rest > 0) {
            took = take_text(c, p, n);
        } else {
            c->head[c->head_n++] = (unsigned char)*p;
            if (head_wants(c) == 0) c->rest = text_length(c);
        }
        p += took;
        n -= took;
        if (c->rest > 0 || head_wants(c) > 0) continue;
        on_frame(crowd, c);
        c->head_n = c->look_n = 0;
    }
}

static void read_upgrade(ws_crowd_t *crowd, struct client *c, const char *p, size_t n)
{
    size_t i = 0;
    for (; i < n && c->line < 4; i++) c->line = p[i] == "\r\n\r\n"[c->line] ? c->line + 1 : p[i] == '\r';
    if (i > 12 && c->head_n == 0 && memcmp(p, "HTTP/1.1 101", 12) != 0)
        fail(crowd, c, "the upgrade is refused");
    else
        read_frames(crowd, c, p + i, n - i);
}

static void on_readable(ws_crowd_t *crowd, struct client *c)
{
    ssize_t n = recv(c->fd, crowd->bytes, READ_BYTES, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0)
        fail(crowd, c, n == 0 ? "connection ended" : strerror(errno));
    else if (c->line < 4)
        read_upgrade(crowd, c, crowd->bytes, (size_t)n);
    else
        read_frames(crowd, c, crowd->bytes, (size_t)n);
}

/* @return how many sockets had something */
static int look(ws_crowd_t *crowd, int most, int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int n = epoll_wait(crowd->epoll, events, most, timeout_ms);
    for (int i = 0; i < n; i++) {
        struct client *c = events[i].data.ptr;
        if (c->fd >= 0) on_readable(crowd, c);
    }
    return n > 0 ? n : 0;
}

/* ---- the crowd ---- */

int ws_crowd_grow(ws_crowd_t *crowd, int n, int patience_ms)
{
    int64_t end = clock_us() + (int64_t)patience_ms * 1000;
    int last = crowd->used + n < crowd->most ? crowd->used + n : crowd->most;
    while ((crowd->used < last || crowd->handshakes > 0) && clock_us() < end) {
        while (crowd->used < last && crowd->handshakes < WINDOW) {
            int rc = enter(crowd, &crowd->clients[crowd->used++]);
            if (rc) return rc;
        }
        look(crowd, EVENTS, WAIT_MS);
    }
    return crowd->used == last && crowd->handshakes == 0 ? 0 : GW_ETIMEOUT;
}

void ws_crowd_sip(ws_crowd_t *crowd)
{
    look(crowd, SIP, 0);
}

void ws_crowd_read(ws_crowd_t *crowd, int ms)
{
    int64_t end = clock_us() + (int64_t)ms * 1000;
    while (look(crowd, EVENTS, 0) > 0 && clock_us() < end) continue;
}

/* ---- churn ---- */

static void drop(ws_crowd_t *crowd, struct client *c)
{
    static const unsigned char goodbye[] = { 0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8 };
    const struct linger reset = { 1, 0 };
    int way = c->number / 2 % 4;
    if (way == 0) setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ssize_t n = way == 1 ? send(c->fd, goodbye, sizeof goodbye, MSG_NOSIGNAL) : 0;
    (void)n; /* it leaves, heard or not */
    leave(crowd, c);
    crowd->done++;
}

static void drop_when_due(ws_crowd_t *crowd, struct client *c)
{
    if (c->step == GREETED) crowd->count.in--;
    if (c->step == (c->number % 2 ? GREETED : CHALLENGED)) drop(crowd, c);
}

int ws_churn_run(const struct ws_churn *ch, struct ws_churn_result *out)
{
    ws_crowd_t *crowd;
    *out = (struct ws_churn_result){ 0 };
    int rc = ws_crowd_create(ch->port, ch->token, ch->total, &crowd);
    if (rc) return rc;
    crowd->on_step = drop_when_due;
    int64_t begin = clock_us(), patience = begin + (int64_t)ch->total * 2000000 / ch->per_second + 10000000;
    while (crowd->done + crowd->failed < ch->total && clock_us() < patience) {
        int64_t due = (clock_us() - begin) * ch->per_second / 1000000;
        while (crowd->used < ch->total && crowd->used < due && crowd->handshakes < WINDOW && rc == 0)
            rc = enter(crowd, &crowd->clients[crowd->used++]);
        if (rc) break;
        look(crowd, EVENTS, 1);
    }
    out->done = crowd->done;
    out->failed = ch->total - crowd->done;
    out->elapsed_us = clock_us() - begin;
    memcpy(out->why, crowd->count.why, sizeof out->why);
    ws_crowd_destroy(&crowd);
    return rc;
}
