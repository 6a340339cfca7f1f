/* bench/limits_provider.c -- an OpenAI-style provider in one thread, scripted by the words of each conversation's last message. */
#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include "bench/limits.h"

enum {
    IN_MAX = 64 * 1024 * 1024,
    EVENTS = 256,
    SAMPLE_US = 5000,
    FAIL_EVERY = 16 /* of those that are told to fail some */,
    READ_MAX = 256 * 1024 /* bytes of a request that are looked at */
};

struct conn {
    int fd;
    char *in;
    size_t have, cap;
    int64_t due_us; /* 0: nothing is held */
    bool child;
    int parent;
    char *answer; /* what is sent then; owned */
    struct conn *prev, *next;
};

static struct {
    pthread_mutex_t lock;
    struct limits_counts counts;
    struct limits_sample samples[LIMITS_SAMPLES_MAX];
    int sample_count, stride, skipped;
    int64_t begun_us;
    int listener, epoll;
    struct conn *held;
} P = { .lock = PTHREAD_MUTEX_INITIALIZER };

static int64_t us_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* When there are too many samples every second one goes, and from then on half as many are taken. */
static void sample(void)
{
    if (P.skipped++ % P.stride) return;
    if (P.sample_count == LIMITS_SAMPLES_MAX) {
        for (int i = 0; i < LIMITS_SAMPLES_MAX / 2; i++) P.samples[i] = P.samples[2 * i];
        P.sample_count /= 2;
        P.stride *= 2;
    }
    P.samples[P.sample_count++] = (struct limits_sample){ us_now() - P.begun_us, P.counts.active };
}

static void count_active(int by)
{
    pthread_mutex_lock(&P.lock);
    P.counts.active += by;
    if (P.counts.active > P.counts.most) P.counts.most = P.counts.active;
    sample();
    pthread_mutex_unlock(&P.lock);
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static char *http(int status, const char *type, const char *body)
{
    size_t cap = strlen(body) + 256;
    char *text = malloc(cap);
    if (!text) abort();
    snprintf(text, cap, "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n%s", status, status == 200 ? "OK" : "Error", type,
             strlen(body), body);
    return text;
}

#define CHUNK                                                                                                                              \
    "data: "                                                                                                                               \
    "{\"id\":\"g\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":%s,\"finish_"    \
    "reason\":%s}]}\n\n"

static char *stream(const char *delta, const char *finish)
{
    size_t cap = strlen(delta) + 1024;
    char *body = malloc(cap);
    if (!body) abort();
    snprintf(body, cap,
             CHUNK CHUNK "data: {\"id\":\"g\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[],\"usage\":"
                         "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":15}}\n\ndata: [DONE]\n\n",
             delta, "null", "{}", finish);
    char *text = http(200, "text/event-stream", body);
    free(body);
    return text;
}

static char *say(const char *text)
{
    char delta[256];
    snprintf(delta, sizeof delta, "{\"role\":\"assistant\",\"content\":\"%s\"}", text);
    return stream(delta, "\"stop\"");
}

static char *spawn(int n, int hold_ms, int depth, int parent, const char *extra)
{
    static long calls;
    size_t cap = (size_t)n * 512 + 256, at;
    char *delta = malloc(cap);
    if (!delta) abort();
    at = (size_t)snprintf(delta, cap, "{\"role\":\"assistant\",\"tool_calls\":[");
    for (int i = 0; i < n; i++)
        at += (size_t)snprintf(
            delta + at, cap - at,
            "%s{\"index\":%d,\"id\":\"call_%ld\",\"type\":\"function\",\"function\":{\"name\":\"sessions_spawn\",\"arguments\":"
            "\"{\\\"task\\\":\\\"CHILD SPAWN %d HOLD %d DEPTH %d PARENT %d %s\\\",\\\"cleanup\\\":\\\"delete\\\"}\"}}",
            i ? "," : "", i, ++calls, n, hold_ms, depth, parent, extra);
    snprintf(delta + at, cap - at, "]}");
    char *text = stream(delta, "\"tool_calls\"");
    free(delta);
    return text;
}

/* A command that takes a while. */
static char *run_command(void)
{
    return stream(
        "{\"role\":\"assistant\",\"tool_calls\":[{\"index\":0,\"id\":\"call_x\",\"type\":\"function\",\"function\":{\"name\":\"exec\","
        "\"arguments\":\"{\\\"command\\\":\\\"sleep 30\\\",\\\"yieldMs\\\":60000}\"}}]}",
        "\"tool_calls\"");
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static char *text_of(const json_t *message)
{
    const json_t *content = json_object_get(message, "content");
    const char *text =
        json_is_string(content) ? json_string_value(content) : json_string_value(json_object_get(json_array_get(content, 0), "text"));
    return strdup(text ? text : "");
}

static int number_after(const char *text, const char *word, int otherwise)
{
    const char *at = strstr(text, word);
    return at ? atoi(at + strlen(word)) : otherwise;
}

static void count_results(const json_t *messages)
{
    for (size_t i = json_array_size(messages); i-- > 0;) {
        const json_t *m = json_array_get(messages, i);
        const char *role = json_string_value(json_object_get(m, "role"));
        if (!role || strcmp(role, "tool") != 0) break;
        char *text = text_of(m);
        P.counts.accepted += strstr(text, "accepted") != NULL;
        P.counts.refused += strstr(text, "forbidden") != NULL;
        free(text);
    }
}

static void hold(struct conn *c, int ms, char *answer)
{
    c->answer = answer;
    c->due_us = us_now() + (int64_t)ms * 1000;
    c->next = P.held;
    if (P.held) P.held->prev = c;
    c->prev = NULL;
    P.held = c;
}

/* A sub-agent's request counts until its answer goes out. */
static void answer(struct conn *c, const char *text, const json_t *messages, bool tool)
{
    static unsigned fails;
    bool child = false;
    for (size_t i = 0; i < json_array_size(messages) && !child; i++) { /* whose conversation this is */
        char *first = text_of(json_array_get(messages, i));
        child = strstr(first, "[Subagent Task]: CHILD") != NULL;
        if (child) c->parent = number_after(first, "PARENT ", 0);
        free(first);
    }
    int n = number_after(text, "SPAWN ", 0), ms = number_after(text, "HOLD ", 0), depth = number_after(text, "DEPTH ", 0);
    bool fail = child && strstr(text, "FAIL") && ++fails % FAIL_EVERY == 0;
    c->child = child;
    if (child) count_active(1);
    pthread_mutex_lock(&P.lock);
    if (tool) count_results(messages);
    P.counts.announced += strstr(text, "A subagent task") != NULL;
    P.counts.failed += fail;
    pthread_mutex_unlock(&P.lock);
    if (strstr(text, "A subagent task"))
        hold(c, 0, say("NO_REPLY"));
    else if (tool)
        hold(c, 0, say("started"));
    else if (strstr(text, "SLEEP"))
        hold(c, 0, run_command());
    else if (strstr(text, "PLAIN"))
        hold(c, 0, say("done"));
    else if (fail)
        hold(c, ms, http(400, "application/json", "{\"error\":{\"message\":\"told to fail\"}}"));
    else if (child && depth <= 0)
        hold(c, ms, say("done"));
    else
        hold(c, ms,
             spawn(n, ms, child ? depth - 1 : depth, child ? c->parent : number_after(text, "PARENT ", 0),
                   strstr(text, "FAIL") ? "FAIL" : ""));
}

static void drop(struct conn *c)
{
    if (c->due_us) {
        if (c->prev)
            c->prev->next = c->next;
        else
            P.held = c->next;
        if (c->next) c->next->prev = c->prev;
        if (c->child) count_active(-1);
    }
    close(c->fd);
    free(c->answer);
    free(c->in);
    free(c);
}

static void release(struct conn *c)
{
    if (c->prev)
        c->prev->next = c->next;
    else
        P.held = c->next;
    if (c->next) c->next->prev = c->prev;
    c->prev = c->next = NULL;
    c->due_us = 0;
    if (c->child) {
        count_active(-1);
        pthread_mutex_lock(&P.lock);
        P.counts.children++;
        P.counts.of_parent[c->parent % LIMITS_PARENTS_MAX]++;
        pthread_mutex_unlock(&P.lock);
    }
    size_t n = strlen(c->answer), sent = 0;
    while (sent < n) {
        ssize_t got = send(c->fd, c->answer + sent, n - sent, MSG_NOSIGNAL);
        if (got < 0 && errno != EAGAIN && errno != EINTR) break;
        if (got > 0) sent += (size_t)got;
    }
    free(c->answer);
    c->answer = NULL;
}

static void on_request(struct conn *c, const char *body, size_t n)
{
    if (n >
        READ_MAX) { /* the long conversation's: reading it is a model's work, and would hold up all others' answers in this one thread */
        hold(c, 0, say("done"));
        return;
    }
    json_t *root = json_loadb(body, n, 0, NULL), *messages = json_object_get(root, "messages");
    const json_t *last = json_array_get(messages, json_array_size(messages) - 1);
    const char *role = json_string_value(json_object_get(last, "role"));
    char *text = text_of(last);
    answer(c, text, messages, role && strcmp(role, "tool") == 0);
    free(text);
    json_decref(root);
}

static size_t length_of(const char *head, size_t n)
{
    for (size_t i = 0; i + 16 < n; i++)
        if (strncasecmp(head + i, "\ncontent-length:", 16) == 0) return strtoul(head + i + 16, NULL, 10);
    return 0;
}

static void on_readable(struct conn *c)
{
    if (c->cap - c->have < 65536) {
        c->cap = c->cap ? 2 * c->cap : 131072;
        c->in = c->cap <= IN_MAX ? realloc(c->in, c->cap) : NULL;
        if (!c->in) abort();
    }
    ssize_t n = recv(c->fd, c->in + c->have, c->cap - c->have, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        drop(c);
        return;
    }
    c->have += (size_t)n;
    char *end = memmem(c->in, c->have, "\r\n\r\n", 4);
    if (!end || c->due_us) return;
    size_t head = (size_t)(end - c->in) + 4, body = length_of(c->in, head);
    if (c->have < head + body) return;
    on_request(c, c->in + head, body);
    memmove(c->in, c->in + head + body, c->have - head - body);
    c->have -= head + body;
}

static void release_due(void)
{
    int64_t now = us_now();
    for (struct conn *c = P.held, *next; c; c = next) {
        next = c->next;
        if (c->due_us <= now) release(c);
    }
}

static void accept_one(void)
{
    int one = 1, fd = accept4(P.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    struct conn *c = fd >= 0 ? calloc(1, sizeof *c) : NULL;
    if (!c) return;
    c->fd = fd;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
    epoll_ctl(P.epoll, EPOLL_CTL_ADD, fd, &e);
}

static void *run(void *arg)
{
    struct epoll_event events[EVENTS];
    (void)arg;
    for (;;) {
        int n = epoll_wait(P.epoll, events, EVENTS, P.held ? 1 : 100);
        for (int i = 0; i < n; i++) {
            if (events[i].data.ptr)
                on_readable(events[i].data.ptr);
            else
                accept_one();
        }
        release_due();
    }
    return NULL;
}

int limits_provider_start(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET };
    socklen_t size = sizeof a;
    struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL };
    pthread_t thread;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    P.stride = 1;
    P.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    P.epoll = epoll_create1(EPOLL_CLOEXEC);
    if (bind(P.listener, (struct sockaddr *)&a, sizeof a) != 0 || listen(P.listener, 4096) != 0) return -1;
    getsockname(P.listener, (struct sockaddr *)&a, &size);
    epoll_ctl(P.epoll, EPOLL_CTL_ADD, P.listener, &e);
    return pthread_create(&thread, NULL, run, NULL) == 0 ? ntohs(a.sin_port) : -1;
}

struct limits_counts limits_counts(void)
{
    pthread_mutex_lock(&P.lock);
    struct limits_counts counts = P.counts;
    pthread_mutex_unlock(&P.lock);
    return counts;
}

void limits_reset(void)
{
    pthread_mutex_lock(&P.lock);
    P.counts = (struct limits_counts){ .active = P.counts.active };
    P.sample_count = 0;
    P.stride = 1;
    P.begun_us = us_now();
    pthread_mutex_unlock(&P.lock);
}

int limits_samples(struct limits_sample out[LIMITS_SAMPLES_MAX])
{
    pthread_mutex_lock(&P.lock);
    memcpy(out, P.samples, (size_t)P.sample_count * sizeof *out);
    int n = P.sample_count;
    pthread_mutex_unlock(&P.lock);
    return n;
}
