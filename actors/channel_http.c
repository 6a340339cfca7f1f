/* Calls of a channel: libcurl, whose sockets are in an epoll set, whose descriptor is in libwebsockets' loop. */
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <utlist.h>

#include "actors/channel_internal.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

struct channel_fetch {
    struct channel_fetch *prev, *next;
    uint64_t tag;
    CURL *easy;
    struct curl_slist *headers;
    struct buf sent, head, body;
    size_t body_max;
    bool done;
    int status;
    const char *error; /* static */
};

int channel_http_open(struct host *h)
{
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    h->curl_due_ms = INT64_MAX;
    return h->epoll < 0 ? GW_ESYS : 0;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct host *h = ctx;
    struct epoll_event e = { .data.fd = fd };
    (void)easy;
    (void)socket_ctx;
    if (what == CURL_POLL_REMOVE) {
        epoll_ctl(h->epoll, EPOLL_CTL_DEL, fd, NULL);
        return 0;
    }
    if (what & CURL_POLL_IN) e.events |= EPOLLIN;
    if (what & CURL_POLL_OUT) e.events |= EPOLLOUT;
    if (epoll_ctl(h->epoll, EPOLL_CTL_MOD, fd, &e) != 0) epoll_ctl(h->epoll, EPOLL_CTL_ADD, fd, &e);
    return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *ctx)
{
    struct host *h = ctx;
    (void)multi;
    h->curl_due_ms = timeout_ms < 0 ? INT64_MAX : clock_mono_ms() + timeout_ms;
    return 0;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's
static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct channel_fetch *f = ctx;
    size_t n = size * count, room = f->body_max - f->body.n;
    buf_add(&f->body, (struct str){ bytes, n < room ? n : room });
    return n;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's
static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct channel_fetch *f = ctx;
    struct str s = { line, size * count };
    f->head.max = 64 * 1024;
    if (str_starts(s, STR("HTTP/"))) buf_clear(&f->head);
    buf_add(&f->head, s);
    return size * count;
}

static int need_curl(struct host *h)
{
    struct buf why = { 0 };
    if (h->multi) return 0;
    int rc = h->curl.library ? 0 : curl_api_open(&h->curl, CURL_API_FILE, &why);
    if (rc) log_event(LOG_ERROR, "libcurl_missing", LOG_S("error", buf_str(&why)));
    buf_free(&why);
    if (rc == 0 && !(h->multi = h->curl.multi_init())) rc = GW_ENOMEM;
    if (rc) return rc;
    h->curl.multi_setopt(h->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
    h->curl.multi_setopt(h->multi, CURLMOPT_SOCKETDATA, h);
    h->curl.multi_setopt(h->multi, CURLMOPT_TIMERFUNCTION, on_timer);
    h->curl.multi_setopt(h->multi, CURLMOPT_TIMERDATA, h);
    h->curl.multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, 8L);
    h->curl.multi_setopt(h->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, (long)CHANNEL_CONNECTIONS_MAX);
    return 0;
}

static bool set_options(struct host *h, struct channel_fetch *f, const struct channel_request *rq)
{
    const curl_write_callback write_body = on_body, write_header = on_header;
    char *url = str_dup(rq->url);
    bool ok = url && (f->headers = h->curl.slist_append(NULL, "Expect:"));
    for (struct str rest = rq->headers; rest.n && ok;) {
        struct str line = str_split(&rest, '\0');
        struct curl_slist *longer = h->curl.slist_append(f->headers, line.p);
        ok = longer != NULL;
        if (ok) f->headers = longer;
    }
#define SET(option, value) ok = ok && h->curl.easy_setopt(f->easy, option, value) == CURLE_OK
    SET(CURLOPT_URL, url);
    SET(CURLOPT_CUSTOMREQUEST, rq->method);
    if (rq->body.n || strcmp(rq->method, "GET") != 0) {
        if (rq->body.n == 0 && strcmp(rq->method, "GET") != 0) SET(CURLOPT_POSTFIELDS, "");
        buf_add(&f->sent, rq->body);
        SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)f->sent.n);
        if (f->sent.n) SET(CURLOPT_POSTFIELDS, f->sent.p);
    }
    SET(CURLOPT_HTTPHEADER, f->headers);
    SET(CURLOPT_WRITEFUNCTION, write_body);
    SET(CURLOPT_WRITEDATA, (void *)f);
    SET(CURLOPT_HEADERFUNCTION, write_header);
    SET(CURLOPT_HEADERDATA, (void *)f);
    SET(CURLOPT_PRIVATE, (void *)f);
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_TIMEOUT_MS, (long)rq->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, 10000L);
#undef SET
    free(url);
    return ok && !f->sent.err;
}

void channel_http_request(struct host *h, const struct channel_request *rq)
{
    struct channel_fetch *f = calloc(1, sizeof *f);
    if (!f) return; /* the translator's own deadline passes */
    f->tag = rq->tag;
    f->body_max = rq->body_max;
    DL_APPEND(h->fetches, f);
    if (need_curl(h) == 0) f->easy = h->curl.easy_init();
    if (f->easy && set_options(h, f, rq) && h->curl.multi_add_handle(h->multi, f->easy) == CURLM_OK) return;
    f->done = true; /* told in the next round */
    f->error = "the call could not be made";
    h->curl_due_ms = 0;
}

static void free_fetch(struct host *h, struct channel_fetch *f)
{
    if (f->easy) {
        h->curl.multi_remove_handle(h->multi, f->easy);
        h->curl.easy_cleanup(f->easy);
    }
    if (f->headers) h->curl.slist_free_all(f->headers);
    DL_DELETE(h->fetches, f);
    buf_free(&f->sent);
    buf_free(&f->head);
    buf_free(&f->body);
    free(f);
}

static void note_done(struct host *h)
{
    CURLMsg *m;
    int left;
    while (h->multi && (m = h->curl.multi_info_read(h->multi, &left)) != NULL) {
        struct channel_fetch *f = NULL;
        long status = 0;
        if (m->msg != CURLMSG_DONE) continue;
        h->curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&f);
        if (!f) continue;
        h->curl.easy_getinfo(m->easy_handle, CURLINFO_RESPONSE_CODE, &status);
        f->done = true;
        f->status = m->data.result == CURLE_OK ? (int)status : 0;
        f->error = m->data.result == CURLE_OK ? NULL : h->curl.easy_strerror(m->data.result);
    }
}

static void tell_done(struct host *h)
{
    for (;;) {
        struct channel_fetch *f;
        DL_FOREACH(h->fetches, f)
        {
            if (f->done) break;
        }
        if (!f) return;
        const struct channel_now now = channel_now();
        const struct channel_response r = {
            .tag = f->tag, .status = f->status, .headers = buf_str(&f->head), .body = buf_str(&f->body), .error = f->error
        };
        DL_DELETE(h->fetches, f);
        h->channel->answered(h->state, &r, &now);
        DL_APPEND(h->fetches, f);
        free_fetch(h, f);
    }
}

void channel_http_run(struct host *h)
{
    struct epoll_event ready[16];
    int running, n = h->multi ? epoll_wait(h->epoll, ready, 16, 0) : 0;
    for (int i = 0; i < n; i++) {
        int what = (ready[i].events & (EPOLLIN | EPOLLHUP) ? CURL_CSELECT_IN : 0) | (ready[i].events & EPOLLOUT ? CURL_CSELECT_OUT : 0) |
                   (ready[i].events & EPOLLERR ? CURL_CSELECT_ERR : 0);
        h->curl.multi_socket_action(h->multi, ready[i].data.fd, what, &running);
    }
    if (clock_mono_ms() >= h->curl_due_ms) {
        h->curl_due_ms = INT64_MAX;
        if (h->multi) h->curl.multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0, &running);
    }
    note_done(h);
    tell_done(h);
}

void channel_http_free(struct host *h)
{
    while (h->fetches) free_fetch(h, h->fetches);
    if (h->multi) h->curl.multi_cleanup(h->multi);
    curl_api_close(&h->curl);
    if (h->epoll > 0) close(h->epoll);
}
