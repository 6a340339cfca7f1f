#include "actors/model.h"

#include <stdlib.h>
#include <uthash.h>
#include <utlist.h>

#include "actors/attempt.h"
#include "actors/curl_api.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/config_shared.h"
#include "base/log.h"

enum {
    CHECK_EVERY_MS = 50,   /* how often time limits are looked at while attempts run */
    LINGER_AFTER_MS = 100, /* a server that keeps a finished stream open is given this long to end it */
};

struct transfer {
    UT_hash_handle hh;            /* in flight, by request */
    struct transfer *prev, *next; /* waiting, in order */
    int64_t request;
    struct msg said; /* the model.try, until the request is built */
    struct attempt attempt;
    struct http_request http;
    struct curl_slist *headers;
    CURL *easy;
    struct host *host;
    struct buf content_type, retry_after; /* of the response's head */
    int64_t started_ms, heard_ms;
    int64_t first_byte_ms;
    bool head_told;
    char error[CURL_ERROR_SIZE];
};

struct host {
    mailbox_t *mailbox;
    struct model_options *options; /* its config is the one that all below is of */
    const struct config_provider *provider;
    const struct provider *dialect;
    struct provider_endpoint endpoint;
    struct curl_api curl; /* loaded when the first request comes, with `multi`; zeroed before */
    CURLM *multi;
    struct transfer *in_flight;
    struct transfer *waiting;
    size_t waiting_count;
    CURL *spare[MODEL_IN_FLIGHT_MAX]; /* easy handles to use again */
    size_t spare_count;
    int64_t next_check_ms;
};

static void transfer_free(struct transfer *t)
{
    if (t->easy) {
        t->host->curl.multi_remove_handle(t->host->multi, t->easy);
        if (t->host->spare_count < MODEL_IN_FLIGHT_MAX) {
            t->host->curl.easy_reset(t->easy);
            t->host->spare[t->host->spare_count++] = t->easy;
        } else {
            t->host->curl.easy_cleanup(t->easy);
        }
    }
    if (t->headers) t->host->curl.slist_free_all(t->headers);
    http_request_free(&t->http);
    attempt_close(&t->attempt);
    msg_clear(&t->said);
    buf_free(&t->content_type);
    buf_free(&t->retry_after);
    free(t);
}

/* Keep the two headers that matter; a new status line (100 Continue, a proxy's answer) starts over. */
// NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's
static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    struct str value = { line, size * count };
    if (str_starts(value, STR("HTTP/"))) {
        buf_clear(&t->content_type);
        buf_clear(&t->retry_after);
        return size * count;
    }
    struct str name = str_split(&value, ':');
    struct buf *into = str_ieq(name, STR("content-type")) ? &t->content_type : str_ieq(name, STR("retry-after")) ? &t->retry_after : NULL;
    if (into) {
        buf_clear(into);
        buf_add(into, str_utf8_prefix(str_trim(value), 256));
    }
    return size * count;
}

static void tell_head(struct transfer *t)
{
    long status = 0;
    if (t->head_told) return;
    t->host->curl.easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    model_stream_head(t->attempt.stream, (int)status, buf_str(&t->content_type), buf_str(&t->retry_after), clock_wall_ms());
    t->head_told = true;
}

// NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's
static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct transfer *t = ctx;
    tell_head(t);
    t->heard_ms = clock_mono_ms();
    int rc = model_stream_feed(t->attempt.stream, (struct str){ bytes, size * count });
    attempt_flush(&t->attempt);
    return rc ? 0 : size * count; /* a short count ends the transfer */
}

static enum failure class_of(CURLcode code)
{
    switch (code) {
    case CURLE_OK: return FAILURE_none;
    case CURLE_OPERATION_TIMEDOUT: return FAILURE_timeout;
    default: return FAILURE_network;
    }
}

static void end(struct transfer *t, enum failure class, const char *text)
{
    HASH_DEL(t->host->in_flight, t);
    attempt_finish(&t->attempt, class, str_of(text));
    transfer_free(t);
}

static int set_headers(struct transfer *t)
{
    static const char *const none = "Expect:"; /* no 100-continue: it costs a round trip */
    t->headers = t->host->curl.slist_append(NULL, none);
    struct str all = buf_str(&t->http.headers);
    while (all.n && t->headers) {
        struct str line = str_split(&all, '\0');
        struct curl_slist *longer = line.n ? t->host->curl.slist_append(t->headers, line.p) : t->headers;
        if (!longer) return GW_ENOMEM;
        t->headers = longer;
    }
    return t->headers ? 0 : GW_ENOMEM;
}

static int launch(struct transfer *t)
{
    const curl_write_callback write_body = on_body, write_header = on_header; /* easy_setopt checks no types */
    struct host *h = t->host;
    t->easy = h->spare_count ? h->spare[--h->spare_count] : h->curl.easy_init();
    if (!t->easy || set_headers(t)) return GW_ENOMEM;
    h->curl.easy_setopt(t->easy, CURLOPT_URL, buf_cstr(&t->http.url));
    h->curl.easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
    h->curl.easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->http.body.n);
    h->curl.easy_setopt(t->easy, CURLOPT_POSTFIELDS, t->http.body.p);
    h->curl.easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, write_body);
    h->curl.easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
    h->curl.easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, write_header);
    h->curl.easy_setopt(t->easy, CURLOPT_HEADERDATA, t);
    h->curl.easy_setopt(t->easy, CURLOPT_PRIVATE, t);
    h->curl.easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
    h->curl.easy_setopt(t->easy, CURLOPT_NOSIGNAL, 1L);
    h->curl.easy_setopt(t->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    h->curl.easy_setopt(t->easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    h->curl.easy_setopt(t->easy, CURLOPT_BUFFERSIZE, 4096L);
    h->curl.easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)h->provider->connect_ms);
    t->started_ms = t->heard_ms = clock_mono_ms();
    if (h->curl.multi_add_handle(h->multi, t->easy) != CURLM_OK) return GW_ENOMEM;
    HASH_ADD(hh, h->in_flight, request, sizeof t->request, t);
    return 0;
}

/* What config says of this model, for the parts of a request that depend on it. */
static void apply_model(struct host *h, struct model_request *request)
{
    const struct config_model *m = config_provider_model(h->provider, request->model);
    if (!m) return;
    request->reasoning = m->reasoning;
    request->images = m->images;
    if (request->max_tokens == 0) request->max_tokens = m->max_tokens;
}

static int prepare(struct host *h, struct transfer *t)
{
    struct arena arena = { 0 };
    struct model_request request;
    int rc = attempt_request(&t->said, h->provider->id, &arena, &request);
    if (rc == 0) apply_model(h, &request);
    if (rc == 0) rc = h->dialect->request(&h->endpoint, &request, &t->http);
    if (rc == 0) rc = attempt_open(&t->attempt, h->mailbox, &t->said, h->dialect, &h->endpoint, &request);
    arena_free(&arena);
    return rc;
}

/* Build and send those whose turn it is. Until then a request is only its message, whose prompt is shared with the router. */
static void launch_next(struct host *h)
{
    while (h->waiting && HASH_COUNT(h->in_flight) < MODEL_IN_FLIGHT_MAX) {
        struct transfer *t = h->waiting;
        DL_DELETE(h->waiting, t);
        h->waiting_count--;
        int rc = prepare(h, t);
        if (rc == 0) rc = launch(t);
        if (rc) {
            attempt_refuse(h->mailbox, &t->said, rc == GW_ENOMEM ? FAILURE_server : FAILURE_bad_request,
                           rc == GW_ELIMIT ? "the prompt is too large to be sent" : err_text(rc));
            transfer_free(t);
            continue;
        }
        msg_clear(&t->said);
    }
}

/* libcurl and its thirty libraries are loaded when the first request comes: a start, and a provider that is only the
 * last resort, do without. Tried again at each request until it succeeds. */
static int need_curl(struct host *h, struct buf *why)
{
    if (h->multi) return 0;
    int rc = h->curl.library ? 0 : curl_api_open(&h->curl, CURL_API_FILE, why);
    if (rc) return rc;
    h->multi = h->curl.multi_init();
    if (!h->multi) {
        buf_text(why, "out of memory while libcurl was started");
        return GW_ENOMEM;
    }
    h->curl.multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)MODEL_CONNECTIONS_KEPT);
    h->curl.multi_setopt(h->multi, CURLMOPT_PIPELINING, (long)CURLPIPE_MULTIPLEX);
    return 0;
}

/* @return whether requests can be made; otherwise this one has been answered */
static bool ready(struct host *h, const struct msg *in)
{
    struct buf why = { 0 };
    int rc = need_curl(h, &why);
    if (rc) {
        log_event(LOG_ERROR, "libcurl_missing", LOG_S("provider", h->provider->id), LOG_S("error", buf_str(&why)));
        attempt_refuse(h->mailbox, in, FAILURE_server, buf_cstr(&why));
    }
    buf_free(&why);
    return rc == 0;
}

/* Takes the message over. */
static void start(struct host *h, struct msg *in)
{
    if (!ready(h, in)) return;
    struct transfer *t = h->waiting_count < MODEL_WAITING_MAX ? calloc(1, sizeof *t) : NULL;
    if (!t) {
        attempt_refuse(h->mailbox, in, FAILURE_overloaded, "too many requests wait for this provider (MODEL_WAITING_MAX)");
        return;
    }
    int64_t share = in->model_try.first_byte_ms;
    t->host = h;
    t->request = in->model_try.request;
    t->first_byte_ms = share && share < h->provider->first_byte_ms ? share : h->provider->first_byte_ms;
    t->said = *in;
    *in = (struct msg){ 0 };
    DL_APPEND(h->waiting, t);
    h->waiting_count++;
    launch_next(h);
}

static void cancel(struct host *h, int64_t request)
{
    struct transfer *t;
    HASH_FIND(hh, h->in_flight, &request, sizeof request, t);
    if (t) {
        HASH_DEL(h->in_flight, t);
        transfer_free(t);
        launch_next(h);
        return;
    }
    DL_FOREACH(h->waiting, t)
    {
        if (t->request != request) continue;
        DL_DELETE(h->waiting, t);
        h->waiting_count--;
        transfer_free(t);
        return;
    }
}

static void collect(struct host *h)
{
    CURLMsg *done;
    int left;
    while ((done = h->curl.multi_info_read(h->multi, &left)) != NULL) {
        struct transfer *t = NULL;
        if (done->msg != CURLMSG_DONE) continue;
        CURLcode code = done->data.result;
        h->curl.easy_getinfo(done->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (code == CURLE_OK) tell_head(t);
        end(t, class_of(code), t->error[0] ? t->error : h->curl.easy_strerror(code));
    }
    launch_next(h);
}

static const char *overdue(const struct transfer *t, int64_t now)
{
    const struct config_provider *l = t->host->provider;
    bool started = model_stream_started(t->attempt.stream);
    if (now - t->started_ms >= l->total_ms) return "the reply took longer than its total time limit";
    if (!started && now - t->started_ms >= t->first_byte_ms) return "no first byte within its time limit";
    if (started && now - t->heard_ms >= l->silence_ms) return "the stream fell silent";
    return NULL;
}

static void check_limits(struct host *h)
{
    int64_t now = clock_mono_ms();
    if (now < h->next_check_ms) return;
    h->next_check_ms = now + CHECK_EVERY_MS;
    struct transfer *t, *safe;
    HASH_ITER(hh, h->in_flight, t, safe)
    {
        const char *why = overdue(t, now);
        if (model_stream_complete(t->attempt.stream) && now - t->heard_ms >= LINGER_AFTER_MS) {
            end(t, FAILURE_none, "");
        } else if (why) {
            end(t, FAILURE_timeout, why);
        }
    }
    launch_next(h);
}

/* Everything that later requests borrow. @return 0; GW_ENOENT, GW_ECONFIG and nothing is changed */
static int use_config(struct host *h, const config_t *config)
{
    const struct config_provider *p = config_provider_find(config, str_of(h->options->provider));
    const struct provider *dialect = p ? provider_find(p->api) : NULL;
    if (!dialect) return p ? GW_ECONFIG : GW_ENOENT;
    h->provider = p;
    h->dialect = dialect;
    h->endpoint = (struct provider_endpoint){ .id = p->id,
                                              .base_url = p->base_url,
                                              .api_key = p->api_key,
                                              .headers = (const struct provider_header *)p->headers,
                                              .header_count = p->header_count };
    return 0;
}

/* A reload: requests in flight have copies of what they need and go on; those that wait are built from the new one. */
static void take_config(struct host *h)
{
    config_t *fresh = config_shared_get(NULL);
    if (!fresh) return;
    if (use_config(h, fresh) == 0) { /* else it is about to be told to end */
        config_unref(&h->options->config);
        h->options->config = fresh;
        return;
    }
    config_unref(&fresh);
}

/* Take what the mailbox holds. @param wait_ms for the first message; -1 without end */
static int receive_all(struct host *h, int wait_ms, bool *stop)
{
    struct msg in;
    for (;;) {
        int rc = mailbox_recv(h->mailbox, wait_ms, &in);
        if (rc == GW_EBADMSG) continue;
        if (rc) return rc == GW_ETIMEOUT ? 0 : rc;
        if (in.kind == MSG_config_changed) take_config(h);
        if (in.kind == MSG_model_cancel) cancel(h, in.model_cancel.request);
        if (in.kind == MSG_actor_stop) *stop = true;
        if (in.kind == MSG_model_try) start(h, &in);
        msg_clear(&in);
        wait_ms = 0;
    }
}

static int run(struct host *h)
{
    struct curl_waitfd wait = { .fd = mailbox_fd(h->mailbox), .events = CURL_WAIT_POLLIN };
    bool stop = false;
    while (!stop) {
        int running, rc = receive_all(h, h->multi ? 0 : -1, &stop);
        if (rc) return rc == GW_ECLOSED ? 0 : rc;
        if (!h->multi) continue;
        h->curl.multi_perform(h->multi, &running);
        collect(h);
        check_limits(h);
        rc = receive_all(h, 0, &stop); /* sending above may have eaten the descriptor's edge */
        if (rc) return rc == GW_ECLOSED ? 0 : rc;
        if (stop) break;
        h->curl.multi_poll(h->multi, &wait, 1, h->in_flight ? CHECK_EVERY_MS : 60000, NULL);
    }
    return 0;
}

static int open_host(struct host *h, mailbox_t *mb, struct model_options *options)
{
    h->mailbox = mb;
    h->options = options;
    return use_config(h, options->config);
}

static void close_host(struct host *h)
{
    struct transfer *t, *safe;
    HASH_ITER(hh, h->in_flight, t, safe)
    {
        HASH_DEL(h->in_flight, t);
        transfer_free(t);
    }
    DL_FOREACH_SAFE(h->waiting, t, safe)
    {
        DL_DELETE(h->waiting, t);
        transfer_free(t);
    }
    while (h->spare_count) h->curl.easy_cleanup(h->spare[--h->spare_count]);
    if (h->multi) h->curl.multi_cleanup(h->multi);
    curl_api_close(&h->curl);
}

int model_actor(mailbox_t *mb, void *arg)
{
    struct model_options *options = arg;
    struct host *h = calloc(1, sizeof *h);
    int rc = h ? open_host(h, mb, options) : GW_ENOMEM;
    if (rc == 0) rc = run(h);
    if (h) close_host(h);
    free(h);
    config_unref(&options->config);
    free(options);
    return rc;
}
