/* bench/mock_provider.c -- an OpenAI-style streaming server that costs next to nothing, so that what a bench measures is the gateway.
 *
 *  In:     any POST with a Content-Length; a body with "stream":true is answered as SSE, others with one JSON body
 *  Out:    answers prepared at the start, one send() each
 *  Thread: one epoll loop per --threads, nothing shared
 *
 *  --hold: send the head and the first delta, keep the rest until GET /release; GET /held says how many wait.
 *  It checks nothing: tests/fakes/ has the strict ones. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { IN_BYTES = 256 * 1024, EVENTS = 256, THREADS_MAX = 16, ANSWER_BYTES = 1024 * 1024, BACKLOG = 8192, DELTAS_MAX = 1000 };

struct answer { /* first: up to the first delta; rest: all that follows */
    char *bytes;
    size_t first, n;
};

struct conn {
    int fd;
    size_t have; /* bytes in `in` */
    char *in;
    struct conn *next_due, **prev_due; /* in the list of those that wait, oldest first */
    int64_t due_ms;
    const struct answer *waiting; /* what is to be sent when due or released */
};

struct loop {
    int listener, epoll;
    struct conn *waiting;      /* oldest first */
    struct conn **waiting_end; /* where the next one goes */
    size_t held;
};

static struct { /* set before the threads start, read only after */
    int port, threads, deltas, delay_ms;
    bool hold;
    struct answer sse, json;
} config = { .threads = 1, .deltas = 3 };

static int64_t clock_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- answers ---- */

static size_t add_chunk(char *to, const char *payload)
{
    return (size_t)sprintf(to, "%zx\r\n%s\r\n", strlen(payload), payload);
}

static const char HEAD[] =
    "{\"id\":\"gen-1760000000-mock\",\"provider\":\"Mock\",\"model\":\"mock\",\"object\":\"chat.completion%s\",\"created\":1760000000,";

static void prepare_sse(struct answer *a)
{
    char event[1024], head[256];
    a->bytes = malloc(ANSWER_BYTES);
    if (!a->bytes) abort();
    snprintf(head, sizeof head, HEAD, ".chunk");
    a->n = (size_t)sprintf(a->bytes, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < config.deltas; i++) {
        snprintf(event, sizeof event,
                 "data: %s\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"word%d \"},\"finish_reason\":null,"
                 "\"native_finish_reason\":null,\"logprobs\":null}]}\n\n",
                 head, i);
        a->n += add_chunk(a->bytes + a->n, event);
        if (i == 0) a->first = a->n;
    }
    snprintf(event, sizeof event,
             "data: %s\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":\"stop\","
             "\"native_finish_reason\":\"stop\",\"logprobs\":null}]}\n\n",
             head);
    a->n += add_chunk(a->bytes + a->n, event);
    snprintf(event, sizeof event,
             "data: %s\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],"
             "\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":%d,\"total_tokens\":%d}}\n\ndata: [DONE]\n\n",
             head, config.deltas, 10 + config.deltas);
    a->n += add_chunk(a->bytes + a->n, event);
    a->n += (size_t)sprintf(a->bytes + a->n, "0\r\n\r\n");
}

static void prepare_json(struct answer *a)
{
    char body[DELTAS_MAX * 16 + 1024];
    size_t n = (size_t)snprintf(body, sizeof body, HEAD, "");
    n += (size_t)sprintf(body + n, "\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"");
    for (int i = 0; i < config.deltas; i++) n += (size_t)sprintf(body + n, "word%d ", i);
    n += (size_t)sprintf(body + n,
                         "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":%d,\"total_tokens\":%d}}",
                         config.deltas, 10 + config.deltas);
    a->bytes = malloc(n + 256);
    if (!a->bytes) abort();
    a->n = (size_t)sprintf(a->bytes, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s", n, body);
}

/* ---- connections ---- */

static void unwait(struct loop *l, struct conn *c)
{
    if (!c->waiting) return;
    *c->prev_due = c->next_due;
    if (c->next_due)
        c->next_due->prev_due = c->prev_due;
    else
        l->waiting_end = c->prev_due;
    c->waiting = NULL;
    l->held--;
}

static void drop(struct loop *l, struct conn *c)
{
    unwait(l, c);
    close(c->fd);
    free(c->in);
    free(c);
}

/* Small answers into an empty socket buffer: a short write means a client that does not read, which a bench has not. */
static bool put(struct conn *c, const char *bytes, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
        if (sent < 0) continue;
        bytes += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool answer_later(struct loop *l, struct conn *c, const struct answer *a)
{
    size_t now = config.hold ? a->first : 0;
    c->waiting = a;
    c->due_ms = config.hold ? INT64_MAX : clock_ms() + config.delay_ms;
    c->next_due = NULL;
    c->prev_due = l->waiting_end;
    *l->waiting_end = c;
    l->waiting_end = &c->next_due;
    l->held++;
    return put(c, a->bytes, now);
}

static void release(struct loop *l, int64_t now_ms)
{
    while (l->waiting && l->waiting->due_ms <= now_ms) {
        struct conn *c = l->waiting;
        const struct answer *a = c->waiting;
        size_t from = config.hold ? a->first : 0;
        unwait(l, c);
        if (!put(c, a->bytes + from, a->n - from)) drop(l, c);
    }
}

static bool control(struct loop *l, struct conn *c)
{
    char text[160], number[32];
    snprintf(number, sizeof number, "%zu\n", l->held);
    if (memcmp(c->in, "GET /release ", 13) == 0) {
        release(l, INT64_MAX);
        config.hold = false; /* one thread when holding: nobody else reads it */
    }
    snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", strlen(number), number);
    return put(c, text, strlen(text));
}

static size_t content_length(const char *head, size_t n)
{
    for (const char *p = head, *end = head + n; (p = memchr(p, '\n', (size_t)(end - p))) != NULL;) {
        p++;
        if (end - p > 16 && (*p | 0x20) == 'c' && strncasecmp(p, "content-length:", 15) == 0) return strtoul(p + 15, NULL, 10);
    }
    return 0;
}

/* Answer every whole request that has come. @return false: the connection is over */
static bool answer_all(struct loop *l, struct conn *c)
{
    size_t at = 0;
    while (!c->waiting) {
        char *start = c->in + at, *end = memmem(start, c->have - at, "\r\n\r\n", 4);
        if (!end) break;
        size_t head = (size_t)(end - start) + 4, body = content_length(start, head);
        if (head + body > IN_BYTES) return false;
        if (c->have - at < head + body) break;
        bool ok;
        if (start[0] == 'G' && at == 0) {
            ok = control(l, c);
        } else {
            const struct answer *a = memmem(start + head, body, "\"stream\":true", 13) ? &config.sse : &config.json;
            bool later = config.delay_ms > 0 || (config.hold && a == &config.sse);
            ok = later ? answer_later(l, c, a) : put(c, a->bytes, a->n);
        }
        if (!ok) return false;
        at += head + body;
    }
    memmove(c->in, c->in + at, c->have - at);
    c->have -= at;
    return true;
}

static void on_event(struct loop *l, struct conn *c, uint32_t events)
{
    if (!c->in) c->in = malloc(IN_BYTES);
    if (!c->in) abort();
    ssize_t n = c->have < IN_BYTES ? recv(c->fd, c->in + c->have, IN_BYTES - c->have, 0) : 0;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n > 0) c->have += (size_t)n;
    if (n <= 0 || !answer_all(l, c) || (events & (EPOLLHUP | EPOLLERR))) drop(l, c);
}

static void accept_all(struct loop *l)
{
    int fd, one = 1;
    while ((fd = accept4(l->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        struct conn *c = calloc(1, sizeof *c);
        if (!c) abort();
        struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        c->fd = fd;
        epoll_ctl(l->epoll, EPOLL_CTL_ADD, fd, &e);
    }
}

static int open_listener(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
    int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof a) != 0 || listen(fd, BACKLOG) != 0) {
        perror("mock_provider: listen");
        exit(1);
    }
    return fd;
}

static void *run(void *arg)
{
    struct loop *l = arg;
    struct epoll_event events[EVENTS];
    for (;;) {
        bool timed = l->waiting && l->waiting->due_ms != INT64_MAX;
        int64_t left = timed ? l->waiting->due_ms - clock_ms() : -1;
        int n = epoll_wait(l->epoll, events, EVENTS, timed && left < 0 ? 0 : (int)left);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr == l)
                accept_all(l);
            else
                on_event(l, events[i].data.ptr, events[i].events);
        }
        if (l->waiting && l->waiting->due_ms != INT64_MAX) release(l, clock_ms());
    }
    return NULL;
}

static void start_loop(struct loop *l)
{
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = l };
    l->waiting_end = &l->waiting;
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->listener = open_listener(config.port);
    struct sockaddr_in a = { 0 };
    socklen_t size = sizeof a;
    getsockname(l->listener, (struct sockaddr *)&a, &size);
    config.port = ntohs(a.sin_port); /* the others listen on the same */
    epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->listener, &e);
}

static int usage(void)
{
    fprintf(stderr, "usage: mock_provider [--port N] [--threads 1..%d] [--deltas 1..%d] [--delay-ms N] [--hold]\n", THREADS_MAX,
            DELTAS_MAX);
    return 2;
}

int main(int argc, char **argv)
{
    static struct loop loops[THREADS_MAX];
    for (int i = 1; i < argc; i++) {
        bool last = i + 1 == argc;
        if (strcmp(argv[i], "--hold") == 0)
            config.hold = true;
        else if (last)
            return usage();
        else if (strcmp(argv[i], "--port") == 0)
            config.port = atoi(argv[++i]);
        else if (strcmp(argv[i], "--threads") == 0)
            config.threads = atoi(argv[++i]);
        else if (strcmp(argv[i], "--deltas") == 0)
            config.deltas = atoi(argv[++i]);
        else if (strcmp(argv[i], "--delay-ms") == 0)
            config.delay_ms = atoi(argv[++i]);
        else
            return usage();
    }
    if (config.threads < 1 || config.threads > THREADS_MAX || config.deltas < 1 || config.deltas > DELTAS_MAX || config.delay_ms < 0)
        return usage();
    if (config.hold) config.threads = 1;
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    prepare_sse(&config.sse);
    prepare_json(&config.json);
    for (int i = 0; i < config.threads; i++) start_loop(&loops[i]);
    printf("port %d\n", config.port);
    fflush(stdout);
    for (int i = 1; i < config.threads; i++) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, run, &loops[i]) != 0) return 1;
    }
    run(&loops[0]);
    return 0;
}
