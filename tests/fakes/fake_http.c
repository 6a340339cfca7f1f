#include "fakes/fake_http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

enum { READ_BYTES = 64 * 1024, EVENTS = 64, BACKLOG = 4096 };

struct fake_exchange {
    struct fake_http *http;
    struct fake_exchange *next, *previous; /* all connections, for timers */
    int fd;
    struct buf in, out;
    struct buf body; /* of a chunked request */
    size_t scanned;  /* bytes of `in` that chunk decoding has passed */
    bool continued;  /* 100 Continue was sent */
    bool busy;       /* a request was handed out and its answer is not complete */
    bool chunked;    /* the answer's framing */
    bool closing;    /* FIN when `out` is empty */
    bool reset;      /* RST now */
    bool gone;       /* the peer has left */
    int64_t due_ms;  /* 0: no timer */
    void (*timer)(void *ctx, fake_exchange_t *x);
    void *data;
};

struct fake_http {
    struct fake_hooks hooks;
    int listener, epoll, signals, port;
    struct fake_exchange *first;
};

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *reason_of(int status)
{
    static const struct {
        int status;
        const char *text;
    } known[] = { { 200, "OK" },
                  { 400, "Bad Request" },
                  { 401, "Unauthorized" },
                  { 404, "Not Found" },
                  { 405, "Method Not Allowed" },
                  { 413, "Content Too Large" },
                  { 429, "Too Many Requests" },
                  { 500, "Internal Server Error" },
                  { 503, "Service Unavailable" } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].status == status) return known[i].text;
    return "Status";
}

/* ---- answers ---- */

static void finish(fake_exchange_t *x, bool cut)
{
    if (!x->busy) return;
    x->busy = false;
    x->due_ms = 0;
    x->http->hooks.gone(x->http->hooks.ctx, x, cut);
    x->data = NULL;
}

void fake_raw(fake_exchange_t *x, struct str bytes)
{
    buf_add(&x->out, bytes);
}

void fake_reply(fake_exchange_t *x, int status, const char *headers, struct str body)
{
    buf_printf(&x->out, "HTTP/1.1 %d %s\r\n%sContent-Length: %zu\r\n\r\n", status, reason_of(status), headers ? headers : "", body.n);
    buf_add(&x->out, body);
    finish(x, false);
}

void fake_begin(fake_exchange_t *x, int status, const char *headers)
{
    buf_printf(&x->out, "HTTP/1.1 %d %s\r\n%sTransfer-Encoding: chunked\r\n\r\n", status, reason_of(status), headers ? headers : "");
    x->chunked = true;
}

void fake_write(fake_exchange_t *x, struct str bytes)
{
    if (bytes.n == 0) return;
    buf_printf(&x->out, "%zx\r\n", bytes.n);
    buf_add(&x->out, bytes);
    buf_text(&x->out, "\r\n");
}

void fake_end(fake_exchange_t *x)
{
    buf_text(&x->out, "0\r\n\r\n");
    finish(x, false);
}

void fake_done(fake_exchange_t *x)
{
    finish(x, false);
}

void fake_close(fake_exchange_t *x)
{
    x->closing = true;
    finish(x, false);
}

void fake_reset(fake_exchange_t *x)
{
    x->reset = true;
    finish(x, false);
}

void fake_timer(fake_exchange_t *x, int delay_ms, void (*fn)(void *ctx, fake_exchange_t *x))
{
    x->due_ms = clock_ms() + (delay_ms > 0 ? delay_ms : 0);
    x->timer = fn;
}

void fake_set_data(fake_exchange_t *x, void *data)
{
    x->data = data;
}

void *fake_data(const fake_exchange_t *x)
{
    return x->data;
}

/* ---- requests ---- */

struct str fake_request_header(const struct fake_request *r, const char *name)
{
    struct str rest = r->head;
    while (rest.n > 0) {
        struct str value = str_split(&rest, '\n');
        struct str key = str_split(&value, ':');
        if (str_ieq(key, str_of(name))) return str_trim(value);
    }
    return (struct str){ "", 0 };
}

static void refuse(fake_exchange_t *x, const char *reason)
{
    x->http->hooks.violation(x->http->hooks.ctx, reason);
    buf_clear(&x->in);
    buf_printf(&x->out, "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s", strlen(reason), reason);
    x->closing = true;
}

static bool token_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c != '\0' && strchr("!#$%&'*+-.^_`|~", c));
}

/* What is wrong with the header lines, or NULL. Counts the ones that frame the body. */
static const char *check_headers(struct str head)
{
    int hosts = 0, lengths = 0, codings = 0;
    while (head.n > 0) {
        struct str line = str_split(&head, '\n');
        if (line.n == 0 || line.p[line.n - 1] != '\r') return "a header line does not end in CRLF";
        line.n--;
        if (memchr(line.p, '\r', line.n) || memchr(line.p, '\0', line.n)) return "a header holds CR or NUL";
        struct str value = line, name = str_split(&value, ':');
        if (!value.p || name.n == 0) return "a header line has no name or no colon";
        for (size_t i = 0; i < name.n; i++)
            if (!token_char(name.p[i])) return "a header name holds a character that is not allowed";
        value = str_trim(value);
        hosts += str_ieq(name, STR("host"));
        lengths += str_ieq(name, STR("content-length"));
        codings += str_ieq(name, STR("transfer-encoding"));
        if (str_ieq(name, STR("transfer-encoding")) && !str_ieq(value, STR("chunked"))) return "a transfer coding other than chunked";
        for (size_t i = 0; str_ieq(name, STR("content-length")) && i < value.n; i++)
            if (value.p[i] < '0' || value.p[i] > '9') return "Content-Length is not a number";
    }
    if (hosts != 1) return "not exactly one Host header";
    if (lengths + codings > 1) return "more than one of Content-Length and Transfer-Encoding";
    return NULL;
}

static const char *parse_head(struct str head, struct fake_request *r)
{
    struct str rest = head, line = str_split(&rest, '\n');
    if (line.n == 0 || line.p[line.n - 1] != '\r') return "the request line does not end in CRLF";
    line.n--;
    r->method = str_split(&line, ' ');
    r->target = str_split(&line, ' ');
    if (!str_is(line, "HTTP/1.1")) return "the request line does not end in HTTP/1.1";
    if (r->method.n == 0 || r->target.n == 0 || r->target.p[0] != '/') return "the request line has no method or no path";
    r->head = rest;
    return check_headers(rest);
}

/* Decode chunks from in[x->scanned..] into x->body. 1: complete, 0: wait, -1: malformed. */
static int read_chunks(fake_exchange_t *x)
{
    for (;;) {
        struct str rest = { x->in.p + x->scanned, x->in.n - x->scanned };
        ptrdiff_t eol = str_find(rest, STR("\r\n"));
        if (eol < 0) return rest.n > 32 ? -1 : 0;
        size_t size = 0;
        for (ptrdiff_t i = 0; i < eol; i++) {
            const char *digits = "0123456789abcdef", *d = strchr(digits, rest.p[i] | 0x20);
            if (!d || eol > 7) return -1;
            size = size * 16 + (size_t)(d - digits);
        }
        if (eol == 0 || x->body.n + size > FAKE_BODY_MAX) return -1;
        size_t need = (size_t)eol + 2 + size + 2;
        if (rest.n < need) return 0;
        if (rest.p[need - 2] != '\r' || rest.p[need - 1] != '\n') return -1;
        buf_add(&x->body, (struct str){ rest.p + eol + 2, size });
        x->scanned += need;
        if (size == 0) return 1;
    }
}

/* Hand out one request when all of it is there. @return false when there is nothing (more) to do */
static bool take_request(fake_exchange_t *x)
{
    if (x->busy || x->closing || x->reset || x->in.n == 0) return false;
    struct str all = buf_str(&x->in);
    if (all.p[0] == 0x16) { /* TLS record type handshake */
        if (x->http->hooks.tls_hello) x->http->hooks.tls_hello(x->http->hooks.ctx);
        buf_clear(&x->in);
        fake_raw(x, STR("\x00\x01\x02 this is not TLS\r\n"));
        x->closing = true;
        return false;
    }
    ptrdiff_t end = str_find(all, STR("\r\n\r\n"));
    if (end < 0 && all.n > FAKE_HEAD_MAX) refuse(x, "the head is larger than 64 KiB");
    if (end < 0) return false;
    struct fake_request r = { 0 };
    size_t head = (size_t)end + 4, used;
    const char *wrong = parse_head((struct str){ all.p, (size_t)end + 2 }, &r);
    if (wrong) {
        refuse(x, wrong);
        return false;
    }
    bool chunked = fake_request_header(&r, "transfer-encoding").n > 0;
    if (!x->continued && str_ieq(fake_request_header(&r, "expect"), STR("100-continue"))) {
        fake_raw(x, STR("HTTP/1.1 100 Continue\r\n\r\n"));
        x->continued = true;
    }
    if (chunked) {
        if (x->scanned < head) x->scanned = head;
        int rc = read_chunks(x);
        if (rc < 0) refuse(x, "a chunk is malformed or the body larger than 48 MiB");
        if (rc <= 0) return false;
        r.body = buf_str(&x->body);
        used = x->scanned;
    } else {
        int64_t length = 0;
        struct str value = fake_request_header(&r, "content-length");
        if (value.n > 0 && (str_to_int(value, &length) != 0 || length > FAKE_BODY_MAX)) {
            refuse(x, "the body is larger than 48 MiB");
            return false;
        }
        if (all.n < head + (size_t)length) return false;
        r.body = (struct str){ all.p + head, (size_t)length };
        used = head + (size_t)length;
    }
    if (str_ieq(fake_request_header(&r, "connection"), STR("close"))) x->closing = true;
    x->busy = true;
    x->chunked = x->continued = false;
    x->http->hooks.request(x->http->hooks.ctx, x, &r);
    buf_drop(&x->in, used);
    buf_clear(&x->body);
    x->scanned = 0;
    return true;
}

/* ---- sockets ---- */

static void drop(fake_exchange_t *x)
{
    finish(x, true);
    if (x->reset) {
        struct linger now = { .l_onoff = 1, .l_linger = 0 };
        setsockopt(x->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close(x->fd);
    if (x->previous)
        x->previous->next = x->next;
    else
        x->http->first = x->next;
    if (x->next) x->next->previous = x->previous;
    buf_free(&x->in);
    buf_free(&x->out);
    buf_free(&x->body);
    free(x);
}

static void flush(fake_exchange_t *x)
{
    size_t sent = 0;
    while (sent < x->out.n) {
        ssize_t n = send(x->fd, x->out.p + sent, x->out.n - sent, MSG_NOSIGNAL);
        if (n > 0) {
            sent += (size_t)n;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) x->gone = true;
        if (errno != EINTR) break;
    }
    buf_drop(&x->out, sent);
}

/* Everything that can be done without waiting; frees the connection when it is over. */
static void settle(fake_exchange_t *x)
{
    while (!x->gone && take_request(x)) continue;
    if (x->out.n > 0 && !x->gone) flush(x);
    bool over = x->gone || x->reset || (x->closing && !x->busy && x->out.n == 0);
    if (over) {
        drop(x);
        return;
    }
    struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP | (x->out.n > 0 ? EPOLLOUT : 0u), .data.ptr = x };
    epoll_ctl(x->http->epoll, EPOLL_CTL_MOD, x->fd, &e);
}

static void on_readable(fake_exchange_t *x)
{
    for (;;) {
        char *to = buf_reserve(&x->in, READ_BYTES);
        ssize_t n = to ? recv(x->fd, to, READ_BYTES, 0) : 0;
        if (n > 0) {
            x->in.n += (size_t)n;
            continue;
        }
        if (n == 0 || (errno != EAGAIN && errno != EINTR)) x->gone = true;
        if (n == 0 || errno != EINTR) return;
    }
}

static void accept_all(fake_http_t *h)
{
    for (;;) {
        int fd = accept4(h->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        int one = 1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        fake_exchange_t *x = calloc(1, sizeof *x);
        struct epoll_event e = { .events = EPOLLIN | EPOLLRDHUP, .data.ptr = x };
        if (!x || epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e) != 0) {
            close(fd);
            free(x);
            continue;
        }
        x->http = h;
        x->fd = fd;
        x->next = h->first;
        if (h->first) h->first->previous = x;
        h->first = x;
    }
}

/* Run what is due. @return milliseconds until the next timer, -1 for none */
static int run_timers(fake_http_t *h)
{
    int64_t now = clock_ms(), soonest = -1;
    for (fake_exchange_t *x = h->first, *next; x; x = next) {
        next = x->next;
        if (x->due_ms == 0 || x->due_ms > now) continue;
        x->due_ms = 0;
        x->timer(h->hooks.ctx, x);
        settle(x); /* may free x */
    }
    for (fake_exchange_t *x = h->first; x; x = x->next)
        if (x->due_ms != 0 && (soonest < 0 || x->due_ms < soonest)) soonest = x->due_ms;
    return soonest < 0 ? -1 : soonest <= now ? 0 : (int)(soonest - now);
}

int fake_http_run(fake_http_t *h)
{
    struct epoll_event events[EVENTS];
    for (;;) {
        int wait = run_timers(h);
        int n = epoll_wait(h->epoll, events, EVENTS, wait);
        if (n < 0 && errno != EINTR) return GW_ESYS;
        for (int i = 0; i < n; i++) {
            void *who = events[i].data.ptr;
            if (who == &h->signals) return 0;
            if (who == &h->listener) {
                accept_all(h);
                continue;
            }
            if (events[i].events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) on_readable(who);
            settle(who);
        }
    }
}

int fake_http_port(const fake_http_t *h)
{
    return h->port;
}

int fake_http_create(int port, const struct fake_hooks *hooks, fake_http_t **out)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    socklen_t size = sizeof a;
    int one = 1;
    sigset_t stop;
    *out = NULL;
    fake_http_t *h = calloc(1, sizeof *h);
    if (!h) return GW_ENOMEM;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    h->hooks = *hooks;
    sigemptyset(&stop);
    sigaddset(&stop, SIGTERM);
    sigaddset(&stop, SIGINT);
    sigprocmask(SIG_BLOCK, &stop, NULL);
    h->signals = signalfd(-1, &stop, SFD_CLOEXEC | SFD_NONBLOCK);
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    h->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    setsockopt(h->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (h->signals < 0 || h->epoll < 0 || bind(h->listener, (struct sockaddr *)&a, size) != 0 || listen(h->listener, BACKLOG) != 0 ||
        getsockname(h->listener, (struct sockaddr *)&a, &size) != 0)
        goto fail;
    struct epoll_event listening = { .events = EPOLLIN, .data.ptr = &h->listener };
    struct epoll_event stopping = { .events = EPOLLIN, .data.ptr = &h->signals };
    if (epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->listener, &listening) != 0 || epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->signals, &stopping) != 0)
        goto fail;
    h->port = ntohs(a.sin_port);
    *out = h;
    return 0;
fail:
    fake_http_destroy(&h);
    return GW_ESYS;
}

void fake_http_destroy(fake_http_t **h_p)
{
    fake_http_t *h = *h_p;
    if (!h) return;
    *h_p = NULL;
    while (h->first) drop(h->first);
    if (h->listener >= 0) close(h->listener);
    if (h->epoll >= 0) close(h->epoll);
    if (h->signals >= 0) close(h->signals);
    free(h);
}
