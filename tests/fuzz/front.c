#include "tests/fuzz/front.h"

#include <errno.h>
#include <jansson.h>
#include <linux/sockios.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utlist.h>

#include "actors/gateway_client.h"
#include "actors/gateway_poll.h"
#include "base/log.h"
#include "cli/ws_frame.h"

enum {
    DESCRIPTORS = 256,    /* libwebsockets' tables are as long as the limit */
    QUIET_ROUNDS = 2,     /* a message taken at the end of a round is seen in the next one's poll() */
    IDLE_ROUNDS = 4000,   /* rounds of the loop in which nothing moves: it spins */
    ROUNDS_MAX = 1000000, /* ... and in all */
    READ_BYTES = 65536,
    SOCKET_BYTES = 8192,
    SOON_MS = 40,
    SOON_US = 100, /* a timer that is due so soon is waited for: the clock goes on */
    LATE_S = 20 * 60,
};

struct client {
    int fd; /* ours; the other end is the gateway's. -1: not connected */
    bool deaf, half_closed;
    int unread;      /* by the gateway, when last asked */
    struct buf head; /* of the answer, until it is known what follows */
    enum { HEAD, HTTP, FRAMES } mode;
    struct ws_reader frames;
};

static struct {
    bus_t *bus;
    hub_t *hub;
    mailbox_t *mailbox, *query, *store;
    config_t *configs[FRONT_KINDS];
    struct gateway gw;
    struct client clients[FRONT_CLIENTS_MAX];
    bool trace;      /* FRONT_TRACE is set: answers and the log are shown */
    bool serving;    /* in the gateway's loop: its poll() must not wait */
    bool would_wait; /* it would have */
    int64_t ahead_us;
    int quiet; /* rounds in a row in which it would have, and nothing moved */
} front;

static void die(const char *why)
{
    fprintf(stderr, "front: %s\n", why);
    abort();
}

/* AddressSanitizer's settings: little is kept of what was freed, which an input of a few milliseconds does not miss. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=16:malloc_context_size=12";
}

/* In place of actors/gateway_poll.c, which would take poll() for itself: few descriptors are open here. */
int gateway_poll_begin(void)
{
    return 0;
}

void gateway_poll_end(void)
{
}

void gateway_poll_new(int fd)
{
    (void)fd;
}

int gateway_poll_found(void)
{
    return 1;
}

/* In place of libc's, also for the libraries. libwebsockets' loop alone polls several descriptors. */
int front_poll(struct pollfd *fds, nfds_t n, int timeout_ms) __asm__("poll");
int front_poll(struct pollfd *fds, nfds_t n, int timeout_ms)
{
    const struct timespec none = { 0, 0 }, time = { timeout_ms / 1000, timeout_ms % 1000 * 1000000L };
    int ready = ppoll(fds, n, front.serving ? &none : timeout_ms < 0 ? NULL : &time, NULL);
    if (!front.serving || n == 1) return ready;
    bool soon = timeout_ms >= 0 && timeout_ms <= SOON_MS;
    front.would_wait = ready == 0 && !soon;
    if (ready == 0 && soon) front.ahead_us += timeout_ms ? timeout_ms * 1000 : SOON_US;
    return ready;
}

/* In place of libc's, too: the time of timers and deadlines is ahead of the kernel's by what front_late() and short waits skip. */
int front_clock(clockid_t clock, struct timespec *t) __asm__("clock_gettime");
int front_clock(clockid_t clock, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, clock, t);
    if (rc != 0 || clock != CLOCK_MONOTONIC) return rc;
    int64_t ns = t->tv_nsec + front.ahead_us % 1000000 * 1000;
    t->tv_sec += front.ahead_us / 1000000 + ns / 1000000000;
    t->tv_nsec = ns % 1000000000;
    return 0;
}

/* --- once in the life of the process ------------------------------------------------------------------------------ */

/* A mailbox is open when the hub has welcomed it. */
static void *welcome(void *arg)
{
    struct msg in;
    for (int hellos = 0; hellos < 3;) {
        if (hub_recv(arg, -1, &in) != 0) continue;
        if (in.kind == MSG_actor_hello) hellos++;
        msg_clear(&in);
    }
    return NULL;
}

static void open_bus(void)
{
    pthread_t helper;
    if (bus_create(&front.bus) != 0 || hub_open(front.bus, &front.hub) != 0) die("no bus");
    if (pthread_create(&helper, NULL, welcome, front.hub) != 0) die("no thread");
    if (mailbox_open(front.bus, "gateway", 16384, &front.mailbox) != 0 || mailbox_open(front.bus, "query", 0, &front.query) != 0 ||
        mailbox_open(front.bus, "store", 0, &front.store) != 0)
        die("no mailbox");
    pthread_join(helper, NULL); /* from here on this thread alone has the hub and the mailboxes */
}

static config_t *read_config(unsigned kind)
{
    struct config_problems problems = { 0 };
    struct env env = { 0 };
    struct buf text = { 0 };
    config_t *config = NULL;
    buf_text(&text, "{gateway:{http:{endpoints:{chatCompletions:{enabled:true");
    if (kind & FRONT_WITH_BASE) buf_text(&text, ",maxBodyBytes:4096");
    buf_text(&text, "}}},controlUi:{enabled:true");
    if (kind & FRONT_WITH_BASE) buf_text(&text, ",basePath:'/desk'");
    if (kind & FRONT_WITH_PROXIES) buf_text(&text, ",allowedOrigins:['https://ui.example.com']");
    buf_text(&text, "},auth:{rateLimit:{maxAttempts:3}");
    buf_text(&text, kind & FRONT_WITH_TOKEN ? ",mode:'token',token:'" FRONT_TOKEN "'}" : ",mode:'none'}");
    if (kind & FRONT_WITH_PROXIES) buf_text(&text, ",trustedProxies:['127.0.0.1']},agents:{list:[{id:'main'},{id:'helper'}]");
    buf_text(&text, "}}");
    if (config_parse(buf_str(&text), "front", &env, &config, &problems) != 0) die("the configuration is wrong");
    config_problems_free(&problems);
    buf_free(&text);
    return config;
}

static void begin(void)
{
    struct rlimit limit;
    if (front.bus) return;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > DESCRIPTORS) {
        limit.rlim_cur = DESCRIPTORS;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    front.trace = getenv("FRONT_TRACE") != NULL;
    if (!front.trace) log_set_level(LOG_OFF);
    for (unsigned kind = 0; kind < FRONT_KINDS; kind++) front.configs[kind] = read_config(kind);
    for (size_t i = 0; i < FRONT_CLIENTS_MAX; i++) front.clients[i].fd = -1;
    open_bus();
}

/* --- rounds --------------------------------------------------------------------------------------------------------- */

static void check_frames(struct client *c)
{
    struct ws_message m;
    int rc;
    while ((rc = ws_read(&c->frames, &m)) == 0) {
        json_t *json = m.kind == WS_TEXT ? json_loadb(m.data.p, m.data.n, JSON_ALLOW_NUL | JSON_DECODE_ANY, NULL) : NULL;
        if (m.kind == WS_BINARY || (m.kind == WS_TEXT && !json)) die("a message that is no JSON");
        json_decref(json);
    }
    if (rc != GW_ENOENT) die("frames against the protocol");
}

static void check_bytes(struct client *c, struct str bytes)
{
    if (c->mode == HTTP) return;
    struct buf *into = c->mode == HEAD ? &c->head : &c->frames.in;
    buf_add(into, bytes);
    if (c->mode == HEAD) {
        struct str head = buf_str(&c->head);
        ptrdiff_t end = str_find(head, STR("\r\n\r\n"));
        if (head.n >= 9 && !str_starts(head, STR("HTTP/1.1 ")) && !str_starts(head, STR("HTTP/1.0 "))) die("an answer that is not HTTP");
        if (end < 0) return;
        c->mode = str_starts(head, STR("HTTP/1.1 101 ")) ? FRAMES : HTTP;
        if (c->mode == FRAMES) buf_add(&c->frames.in, (struct str){ head.p + end + 4, head.n - (size_t)end - 4 });
        buf_free(&c->head);
    }
    if (c->mode == FRAMES) check_frames(c);
}

/* What came from the gateway is read and looked at. @return true when something moved, in either direction */
static bool look_at(struct client *c)
{
    static char bytes[READ_BYTES];
    ssize_t n = 0;
    int unread = 0;
    if (c->fd < 0) return false;
    if (!c->deaf) n = recv(c->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    if (n > 0 && front.trace) fprintf(stderr, "<%d %.*s\n", c->fd, (int)n, bytes);
    if (n > 0) check_bytes(c, (struct str){ bytes, (size_t)n });
    ioctl(c->fd, SIOCOUTQ, &unread);
    bool moved = unread != c->unread;
    c->unread = unread;
    return n > 0 || moved;
}

static bool turn(bool *moved)
{
    front.serving = true;
    front.would_wait = false;
    if (gateway_round(&front.gw) != 0) die("the loop failed");
    front.serving = false;
    *moved = front_router(front.hub);
    *moved |= front_actor(front.query);
    *moved |= front_actor(front.store);
    for (size_t i = 0; i < FRONT_CLIENTS_MAX; i++) *moved |= look_at(&front.clients[i]);
    front.quiet = *moved || !front.would_wait ? 0 : front.quiet + 1;
    return front.quiet < QUIET_ROUNDS;
}

bool front_round(void)
{
    bool moved;
    return turn(&moved);
}

void front_rounds(void)
{
    bool moved;
    int idle = 0;
    for (int i = 0; i < ROUNDS_MAX; i++) {
        if (!turn(&moved)) return;
        idle = moved ? 0 : idle + 1;
        if (idle > IDLE_ROUNDS) die("the loop spins");
    }
    die("the loop finds no end");
}

void front_late(void)
{
    front.ahead_us += LATE_S * 1000000LL;
    front_rounds();
}

void front_tell(enum msg_kind kind)
{
    struct msg m = { .kind = kind };
    hub_send(front.hub, "gateway", &m, NULL);
    front_rounds();
}

/* --- clients -------------------------------------------------------------------------------------------------------- */

bool front_is_connected(size_t i)
{
    return front.clients[i].fd >= 0;
}

void front_connect(size_t i, const char *address)
{
    struct client *c = &front.clients[i];
    struct gateway_peer peer = { .loopback = gateway_is_loopback(address) };
    const int small = SOCKET_BYTES;
    int pair[2];
    if (c->fd >= 0) return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0) die("no socket");
    setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small); /* so that a short answer is enough to fill it */
    str_copy(peer.address, sizeof peer.address, str_of(address));
    *c = (struct client){ .fd = pair[0] };
    gateway_take(&front.gw, pair[1], &peer);
}

void front_send(size_t i, struct str bytes)
{
    struct client *c = &front.clients[i];
    if (c->fd < 0 || c->half_closed) return;
    while (bytes.n) {
        ssize_t n = send(c->fd, bytes.p, bytes.n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0 && !front_round()) return;
        if (n > 0) bytes = (struct str){ bytes.p + n, bytes.n - (size_t)n };
        if (n < 0 && errno == EPIPE) return;
    }
}

void front_half_close(size_t i)
{
    struct client *c = &front.clients[i];
    if (c->fd < 0 || c->half_closed) return;
    shutdown(c->fd, SHUT_WR);
    c->half_closed = true;
}

void front_drop(size_t i)
{
    struct client *c = &front.clients[i];
    if (c->fd < 0) return;
    close(c->fd);
    buf_free(&c->head);
    ws_reader_free(&c->frames);
    *c = (struct client){ .fd = -1 };
}

void front_read(size_t i, bool on)
{
    front.clients[i].deaf = !on;
}

/* --- a gateway ------------------------------------------------------------------------------------------------------ */

void front_open(unsigned kind)
{
    begin();
    struct gateway_options *options = calloc(1, sizeof *options);
    if (!options) die("no memory");
    if (kind & FRONT_WITH_PROXIES)
        options->bounds =
            (struct gateway_bounds){ .clients = 3, .handshakes = 2, .runs = 4, .prompt = 1, .told = 4, .out = 65536, .slow = 16384 };
    options->config = config_ref(front.configs[kind % FRONT_KINDS]);
    str_copy(options->bind_host, sizeof options->bind_host, STR("127.0.0.1"));
    if (gateway_open(&front.gw, front.mailbox, options) != 0) die("the gateway cannot be opened");
    front_rounds();
}

static void check_empty(void)
{
    const struct gateway *gw = &front.gw;
    if (gw->conn_count || gw->conns) die("a connection is left");
    if (gw->client_count || gw->clients || gw->handshakes) die("a client is left");
    if (gw->requests || gw->timed || gw->asking) die("a request is left");
}

static void drop_clients(void)
{
    for (size_t i = 0; i < FRONT_CLIENTS_MAX; i++) front_half_close(i);
    front_rounds();
    for (size_t i = 0; i < FRONT_CLIENTS_MAX; i++) front_drop(i);
    front_rounds();
    front_late();
    check_empty();
}

void front_close(bool at_once)
{
    struct msg late;
    if (!at_once) drop_clients();
    gateway_close(&front.gw);
    for (size_t i = 0; i < FRONT_CLIENTS_MAX; i++) front_drop(i);
    front_forget_turns();
    do { /* what is still on its way belongs to this gateway */
        while (mailbox_recv(front.mailbox, 0, &late) == 0) msg_clear(&late);
    } while (front_router(front.hub) || front_actor(front.query) || front_actor(front.store));
    while (mailbox_recv(front.mailbox, 0, &late) == 0) msg_clear(&late);
}
