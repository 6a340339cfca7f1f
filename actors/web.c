#include "actors/web.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "actors/curl_api.h"
#include "base/log.h"

struct page {
    struct page *prev, *next;
    struct web *web;
    CURL *easy;
    struct msg said; /* the web.fetch; owned */
    struct buf body;
    bool cut, blocked;
};

struct web {
    mailbox_t *mailbox;
    struct curl_api curl;
    CURLM *multi; /* NULL: not opened yet */
    struct page *pages;
    int count;
};

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void refuse(struct web *w, const struct msg *in, const char *error)
{
    struct msg m = { .kind = MSG_web_fetched, .corr = in->corr, .trace = in->trace };
    m.web_fetched.error = str_utf8_prefix(str_of(error), 512);
    mailbox_send(w->mailbox, in->from, &m);
}

static void free_page(struct page *p)
{
    struct web *w = p->web;
    if (p->easy) {
        w->curl.multi_remove_handle(w->multi, p->easy);
        w->curl.easy_cleanup(p->easy);
    }
    DL_DELETE(w->pages, p);
    w->count--;
    msg_clear(&p->said);
    buf_free(&p->body);
    free(p);
}

static void finish(struct page *p, CURLcode code)
{
    struct web *w = p->web;
    struct msg m = { .kind = MSG_web_fetched, .corr = p->said.corr, .trace = p->said.trace };
    long status = 0;
    char *url = NULL, *type = NULL;
    if (p->blocked) {
        refuse(w, &p->said, WEB_BLOCKED);
    } else if (code != CURLE_OK && !p->cut) {
        refuse(w, &p->said, w->curl.easy_strerror(code));
    } else {
        w->curl.easy_getinfo(p->easy, CURLINFO_RESPONSE_CODE, &status);
        w->curl.easy_getinfo(p->easy, CURLINFO_EFFECTIVE_URL, &url);
        w->curl.easy_getinfo(p->easy, CURLINFO_CONTENT_TYPE, &type);
        m.web_fetched = (struct msg_web_fetched){ .status = status,
                                                  .url = str_utf8_prefix(str_of(url), 8192),
                                                  .type = str_utf8_prefix(str_of(type), 256),
                                                  .cut = p->cut,
                                                  .body = buf_str(&p->body) };
        mailbox_send(w->mailbox, p->said.from, &m);
    }
    free_page(p);
}

/* --- libcurl's callbacks ------------------------------------------------------------------------------------------ */

/* `address` or `address:port` among the lines that are allowed all the same. */
static bool is_allowed(struct str lines, const struct sockaddr *a)
{
    char host[INET6_ADDRSTRLEN] = "", both[INET6_ADDRSTRLEN + 16];
    bool six = a->sa_family == AF_INET6;
    const void *bytes =
        six ? (const void *)&((const struct sockaddr_in6 *)a)->sin6_addr : (const void *)&((const struct sockaddr_in *)a)->sin_addr;
    unsigned port = ntohs(six ? ((const struct sockaddr_in6 *)a)->sin6_port : ((const struct sockaddr_in *)a)->sin_port);
    inet_ntop(a->sa_family, bytes, host, sizeof host);
    snprintf(both, sizeof both, six ? "[%s]:%u" : "%s:%u", host, port);
    while (lines.n) {
        struct str line = str_trim(str_split(&lines, '\n'));
        if (str_is(line, host) || str_is(line, both)) return true;
    }
    return false;
}

static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *a)
{
    struct page *p = ctx;
    (void)purpose;
    if (web_address_is_private(&a->addr) && !is_allowed(p->said.web_fetch.allow, &a->addr)) {
        p->blocked = true;
        return CURL_SOCKET_BAD;
    }
    return socket(a->family, a->socktype | SOCK_CLOEXEC, a->protocol);
}

// NOLINTNEXTLINE(readability-non-const-parameter): the type is libcurl's
static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
    struct page *p = ctx;
    size_t n = size * count, room = (size_t)p->said.web_fetch.max_bytes - p->body.n;
    buf_add(&p->body, (struct str){ bytes, n < room ? n : room });
    if (n <= room) return n;
    p->cut = true;
    return 0; /* ends the transfer */
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static bool set_options(struct web *w, struct page *p)
{
    const struct msg_web_fetch *q = &p->said.web_fetch;
    bool ok = true;
    char *url = str_dup(q->url), *agent = str_dup(q->agent);
#define SET(option, value) ok = ok && w->curl.easy_setopt(p->easy, option, value) == CURLE_OK
    SET(CURLOPT_URL, url);
    SET(CURLOPT_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    SET(CURLOPT_USERAGENT, agent);
    SET(CURLOPT_FOLLOWLOCATION, q->redirects > 0 ? 1L : 0L);
    SET(CURLOPT_MAXREDIRS, (long)q->redirects);
    SET(CURLOPT_TIMEOUT_MS, (long)q->timeout_ms);
    SET(CURLOPT_CONNECTTIMEOUT_MS, (long)(q->timeout_ms < 10000 ? q->timeout_ms : 10000));
    SET(CURLOPT_NOSIGNAL, 1L);
    SET(CURLOPT_PROXY, "");     /* none, whatever the environment says */
    SET(CURLOPT_NETRC, 0L);     /* no credentials from files, */
    SET(CURLOPT_USERPWD, NULL); /* or from anywhere */
    SET(CURLOPT_ACCEPT_ENCODING, "");
    SET(CURLOPT_OPENSOCKETFUNCTION, on_socket);
    SET(CURLOPT_OPENSOCKETDATA, (void *)p);
    SET(CURLOPT_WRITEFUNCTION, on_body);
    SET(CURLOPT_WRITEDATA, (void *)p);
    SET(CURLOPT_PRIVATE, (void *)p);
    SET(CURLOPT_FORBID_REUSE, 1L); /* a connection that an allowance of one call opened serves no other */
#undef SET
    ok = ok && url && agent;
    free(url); /* libcurl has its own copies */
    free(agent);
    return ok;
}

static const char *open_library(struct web *w, struct buf *why)
{
    if (w->multi) return NULL;
    if (!w->curl.library && curl_api_open(&w->curl, CURL_API_FILE, why) != 0) return buf_cstr(why);
    w->multi = w->curl.multi_init();
    return w->multi ? NULL : "libcurl has no memory";
}

static void start(struct web *w, struct msg *in)
{
    struct buf why = { 0 };
    const char *error = w->count >= WEB_IN_FLIGHT_MAX ? "too many pages are being fetched; try again in a moment" : open_library(w, &why);
    struct page *p = error ? NULL : calloc(1, sizeof *p);
    if (!p) {
        refuse(w, in, error ? error : err_text(GW_ENOMEM));
        buf_free(&why);
        return;
    }
    p->web = w;
    p->said = *in;
    *in = (struct msg){ 0 };
    p->easy = w->curl.easy_init();
    DL_APPEND(w->pages, p);
    w->count++;
    if (p->easy && set_options(w, p) && w->curl.multi_add_handle(w->multi, p->easy) == CURLM_OK) return;
    refuse(w, &p->said, "the request could not be made");
    free_page(p);
}

static void cancel(struct web *w, const struct msg *in)
{
    struct page *p, *safe;
    DL_FOREACH_SAFE(w->pages, p, safe)
    {
        if (p->said.corr == (uint64_t)in->web_cancel.fetch && strcmp(p->said.from, in->from) == 0) free_page(p);
    }
}

static int receive_all(struct web *w, int wait_ms, bool *stop)
{
    struct msg in;
    for (;; wait_ms = 0) {
        int rc = mailbox_recv(w->mailbox, wait_ms, &in);
        if (rc == GW_EBADMSG) continue;
        if (rc) return rc == GW_ETIMEOUT ? 0 : rc;
        if (in.kind == MSG_web_fetch) start(w, &in);
        if (in.kind == MSG_web_cancel) cancel(w, &in);
        if (in.kind == MSG_actor_stop) *stop = true;
        msg_clear(&in);
    }
}

static void collect(struct web *w)
{
    CURLMsg *m;
    int left;
    while ((m = w->curl.multi_info_read(w->multi, &left)) != NULL) {
        struct page *p = NULL;
        if (m->msg != CURLMSG_DONE) continue;
        CURLcode code = m->data.result;
        w->curl.easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&p);
        if (p) finish(p, code);
    }
}

static int run(struct web *w)
{
    struct curl_waitfd wait = { .fd = mailbox_fd(w->mailbox), .events = CURL_WAIT_POLLIN };
    bool stop = false;
    while (!stop) {
        int running, rc = receive_all(w, w->multi ? 0 : -1, &stop);
        if (rc) return rc == GW_ECLOSED ? 0 : rc;
        if (!w->multi || stop) continue;
        w->curl.multi_perform(w->multi, &running);
        collect(w);
        rc = receive_all(w, 0, &stop); /* sending above may have eaten the descriptor's edge */
        if (rc) return rc == GW_ECLOSED ? 0 : rc;
        if (!stop) w->curl.multi_poll(w->multi, &wait, 1, w->pages ? 1000 : 60000, NULL);
    }
    return 0;
}

int web_actor(mailbox_t *mb, void *arg)
{
    struct web w = { .mailbox = mb };
    struct page *p, *safe;
    (void)arg;
    log_set_actor("web");
    int rc = run(&w);
    DL_FOREACH_SAFE(w.pages, p, safe)
    {
        free_page(p);
    }
    if (w.multi) w.curl.multi_cleanup(w.multi);
    curl_api_close(&w.curl);
    return rc;
}
