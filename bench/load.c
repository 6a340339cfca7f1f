#include "bench/load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

enum { OUT_BYTES = 1024, IN_BYTES = 64 * 1024, EVENTS = 256, QUIET_MS = 100 };

struct client {
    int fd;
    bool busy;
    int number, turns, session;
    int64_t started_us;
    size_t in_n;         /* bytes of the answer in `in`; its tail when the answer is longer */
    size_t in_total;     /* bytes of the answer so far */
    size_t head, length; /* of the answer once its head has come; length SIZE_MAX: chunked */
    char in[IN_BYTES];
};

struct run {
    const struct load *l;
    struct load_result *out;
    struct client *clients;
    size_t cap, started, busy;
    int epoll, next_session;
    int64_t stop_us;
};

static int64_t clock_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void note_failure(struct run *r, struct client *c, const char *why)
{
    if (r->out->failed++ == 0) snprintf(r->out->why, sizeof r->out->why, "%s: %.80s", why, c->in_n > 0 ? c->in : "");
    for (char *p = r->out->why; *p; p++)
        if (*p == '\r' || *p == '\n') *p = ' ';
}

static int connect_client(struct run *r, struct client *c)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)r->l->port) };
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    int one = 1;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) return GW_ESYS;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return epoll_ctl(r->epoll, EPOLL_CTL_ADD, c->fd, &e) == 0 ? 0 : GW_ESYS;
}

static bool may_start(const struct run *r, int64_t now)
{
    return now < r->stop_us && (r->l->requests == 0 || r->started < r->l->requests);
}

static void start_request(struct run *r, struct client *c)
{
    char body[OUT_BYTES / 2], text[OUT_BYTES];
    int most = r->l->turns_per_session > 0 ? r->l->turns_per_session : LOAD_TURNS_PER_SESSION;
    if (c->turns == most || c->session < 0) {
        c->session = r->next_session++;
        c->turns = 0;
    }
    c->turns++;
    int n = snprintf(
        body, sizeof body,
        "{\"model\":\"openclaw\",%s\"user\":\"bench-%08d\",\"messages\":[{\"role\":\"user\",\"content\":\"message %08d of a bench\"}]}",
        r->l->stream ? "\"stream\":true,\"stream_options\":{\"include_usage\":true}," : "", c->session, (int)r->started);
    int size = snprintf(
        text, sizeof text,
        "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%sContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
        r->l->token ? "Authorization: Bearer " : "", r->l->token ? r->l->token : "", r->l->token ? "\r\n" : "", n, body);
    c->in_n = c->in_total = c->head = c->length = 0;
    c->busy = true;
    r->busy++;
    r->started++;
    c->started_us = clock_us();
    if (send(c->fd, text, (size_t)size, MSG_NOSIGNAL) != size) shutdown(c->fd, SHUT_RDWR); /* seen as a failure when it is read */
}

/* Head of the answer: where it ends and how its body is framed. */
static void read_head(struct client *c)
{
    char *end = memmem(c->in, c->in_n, "\r\n\r\n", 4);
    if (!end) return;
    c->head = (size_t)(end - c->in) + 4;
    c->length = SIZE_MAX;
    for (char *p = c->in; (p = memchr(p, '\n', (size_t)(end - p) + 1)) != NULL && p < end;) {
        p++;
        if (strncasecmp(p, "content-length:", 15) == 0) c->length = strtoul(p + 15, NULL, 10);
    }
}

static bool complete(struct client *c)
{
    if (c->head == 0) read_head(c);
    if (c->head == 0) return false;
    if (c->length != SIZE_MAX) return c->in_total >= c->head + c->length;
    return c->in_n >= 5 && memcmp(c->in + c->in_n - 5, "0\r\n\r\n", 5) == 0;
}

static void finish_request(struct run *r, struct client *c, bool good)
{
    c->busy = false;
    r->busy--;
    if (!good) return;
    if (r->out->ok == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 16384;
        uint32_t *us = realloc(r->out->us, cap * sizeof *us);
        if (!us) abort();
        r->out->us = us;
        r->cap = cap;
    }
    r->out->us[r->out->ok++] = (uint32_t)(clock_us() - c->started_us);
}

static void reconnect(struct run *r, struct client *c)
{
    close(c->fd);
    if (connect_client(r, c) != 0) c->fd = -1;
}

static void on_readable(struct run *r, struct client *c)
{
    if (c->in_n == IN_BYTES - 1) { /* keep the tail: only the end of a long answer matters */
        memmove(c->in, c->in + IN_BYTES / 2, IN_BYTES - 1 - IN_BYTES / 2);
        c->in_n -= IN_BYTES / 2;
    }
    ssize_t n = recv(c->fd, c->in + c->in_n, IN_BYTES - 1 - c->in_n, 0);
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) {
        if (c->busy) {
            note_failure(r, c, "connection closed");
            finish_request(r, c, false);
        }
        reconnect(r, c);
    } else {
        c->in_n += (size_t)n;
        c->in_total += (size_t)n;
        c->in[c->in_n] = '\0';
        if (!c->busy || !complete(c)) return;
        bool good = c->in_total > c->in_n || strncmp(c->in, "HTTP/1.1 200", 12) == 0;
        if (!good) note_failure(r, c, "answer");
        finish_request(r, c, good);
    }
    if (c->fd >= 0 && may_start(r, clock_us())) start_request(r, c);
}

static int drive(struct run *r)
{
    struct epoll_event events[EVENTS];
    int64_t give_up = r->stop_us + (int64_t)(r->l->patience_ms > 0 ? r->l->patience_ms : 10000) * 1000;
    for (int i = 0; i < r->l->clients; i++)
        if (may_start(r, clock_us())) start_request(r, &r->clients[i]);
    while (r->busy > 0) {
        int n = epoll_wait(r->epoll, events, EVENTS, QUIET_MS);
        if (n < 0 && errno != EINTR) return GW_ESYS;
        for (int i = 0; i < n; i++) on_readable(r, events[i].data.ptr);
        if (n == 0 && r->l->waiting) r->l->waiting(r->l->ctx);
        if (clock_us() > give_up) break;
    }
    for (int i = 0; i < r->l->clients; i++)
        if (r->clients[i].busy) note_failure(r, &r->clients[i], "no answer in time");
    return 0;
}

int load_run(const struct load *l, struct load_result *out)
{
    struct run r = { .l = l, .out = out, .next_session = l->session_base };
    *out = (struct load_result){ 0 };
    int rc = GW_ENOMEM;
    r.epoll = epoll_create1(EPOLL_CLOEXEC);
    r.clients = calloc((size_t)l->clients, sizeof *r.clients);
    if (!r.clients || r.epoll < 0) goto done;
    for (int i = 0; i < l->clients; i++) r.clients[i] = (struct client){ .fd = -1, .number = i, .session = -1 };
    for (int i = 0; i < l->clients; i++)
        if ((rc = connect_client(&r, &r.clients[i])) != 0) goto done;
    int64_t begin = clock_us();
    r.stop_us = begin + (int64_t)l->duration_ms * 1000;
    rc = drive(&r);
    out->elapsed_us = clock_us() - begin;
    out->sessions = r.next_session - l->session_base;
done:
    for (int i = 0; r.clients && i < l->clients; i++)
        if (r.clients[i].fd >= 0) close(r.clients[i].fd);
    if (r.epoll >= 0) close(r.epoll);
    free(r.clients);
    return rc;
}

void load_free(struct load_result *r)
{
    free(r->us);
    *r = (struct load_result){ 0 };
}

static int by_value(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void load_sort(struct load_result *r)
{
    if (r->ok > 0) qsort(r->us, r->ok, sizeof *r->us, by_value);
}

double load_percentile(const struct load_result *r, double percent)
{
    if (r->ok == 0) return 0;
    size_t i = (size_t)((double)r->ok * percent / 100.0);
    return r->us[i < r->ok ? i : r->ok - 1];
}
