/* actors/gateway_http.c -- requests in, answers out: libwebsockets' callback and what it needs.
 *
 * Facts of libwebsockets 4.1.6 that shape this file (lib/roles/h1/ops-h1.c, lib/roles/http/server/server.c):
 * - A request with a body that libwebsockets finds among bytes it has read ahead is taken apart wrongly, without an end. So it
 *   never gets to read ahead: a GET's answer closes the connection, and so does whoever sends a next request before this
 *   one's answer (seen as a second HTTP_BODY_COMPLETION). docs/adr/0008-http-front.md
 * - With the body complete, reading is paused until there is an answer, because bytes that came meanwhile would make the loop
 *   spin; a look at the socket on each tick tells whether the client is still there. While paused nothing is written either.
 * - Bytes read ahead are shown after a round of sockets, so an answer ends no sooner than a round after reading went on.
 * - A POST without content-length is read as 100 MiB of body: it is refused (411).
 * - Should it close a connection with bytes of its own unsent, it waits 5 s for them to go and spins when the client has ended its
 *   half. So it is given no more at once than a socket takes that is ready for writing.
 * - Answers are written in its WRITEABLE callback only, heads and chunks made here. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <utlist.h>

#include "actors/gateway_client.h"
#include "actors/gateway_hooks.h"
#include "actors/gateway_internal.h"
#include "base/clock.h"
#include "base/log.h"
#include "channels/connect.h"
#include "channels/openai_http.h"

#define JSON_TYPE "application/json; charset=utf-8"

enum { NO_LENGTH = -1, HEADER_LINE_MAX = 1024 };

struct str gateway_header(struct gateway_conn *c, const char *name, char *into, size_t cap)
{
    int n = lws_hdr_custom_length(c->wsi, name, (int)strlen(name));
    if (n <= 0 || (size_t)n >= cap || lws_hdr_custom_copy(c->wsi, into, (int)cap, name, (int)strlen(name)) < 0) return (struct str){ 0 };
    return str_trim((struct str){ into, (size_t)n });
}

/* The same for the headers that libwebsockets knows by number. */
struct str gateway_known_header(struct lws *wsi, enum lws_token_indexes token, char *into, size_t cap)
{
    int n = lws_hdr_total_length(wsi, token);
    if (n <= 0 || (size_t)n >= cap || lws_hdr_copy(wsi, into, (int)cap, token) < 0) return (struct str){ 0 };
    return str_trim((struct str){ into, (size_t)n });
}

static void reset_request(struct gateway_conn *c)
{
    gateway_ask_over(c);
    gateway_chat_free(c);
    gateway_hook_free(c);
    buf_free(&c->body);
    buf_free(&c->reasons);
    if (c->out.cap > GATEWAY_WRITE_MAX) buf_free(&c->out);
    buf_clear(&c->out);
    c->out_sent = 0;
    c->state = CONN_IDLE;
    c->route = NULL;
    c->streaming = c->pipelined = c->cached = false;
    c->deadline_ms = 0;
}

void gateway_free_conn(struct gateway_conn *c)
{
    struct gateway *gw = c->gw;
    if (gw->adopting == c) gw->adopting = NULL;
    if (c->chat && c->corr) gateway_chat_gone(c);
    reset_request(c);
    buf_free(&c->out);
    if (c->client) {
        gateway_client_free(c->client);
    } else {
        DL_DELETE(gw->conns, c);
        gw->conn_count--;
    }
    free(c);
}

void gateway_kill(struct gateway_conn *c)
{
    lws_set_timeout(c->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_ASYNC);
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

size_t gateway_unsent(const struct gateway_conn *c)
{
    return c->out.n - c->out_sent;
}

static const char *reason_phrase(int status)
{
    static const struct {
        int status;
        const char *text;
    } phrases[] = { { 200, "OK" },
                    { 302, "Found" },
                    { 304, "Not Modified" },
                    { 400, "Bad Request" },
                    { 401, "Unauthorized" },
                    { 404, "Not Found" },
                    { 405, "Method Not Allowed" },
                    { 408, "Request Timeout" },
                    { 411, "Length Required" },
                    { 413, "Content Too Large" },
                    { 429, "Too Many Requests" },
                    { 500, "Internal Server Error" },
                    { 502, "Bad Gateway" },
                    { 503, "Service Unavailable" },
                    { 504, "Gateway Timeout" } };
    for (size_t i = 0; i < sizeof phrases / sizeof phrases[0]; i++)
        if (phrases[i].status == status) return phrases[i].text;
    return "Unknown";
}

/* @param length  of the body; NO_LENGTH: chunks follow, or everything up to the end of an HTTP/1.0 connection */
static void write_head(struct gateway_conn *c, int status, const char *content_type, int64_t length, const char *extra)
{
    struct buf *out = &c->out;
    char date[40];
    time_t now = (time_t)(clock_wall_ms() / 1000);
    struct tm utc;
    if (length == NO_LENGTH && c->http10) c->close_after = true;
    if (c->gw->draining || c->surplus || !c->body_done || c->without_body) c->close_after = true;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &utc));
    buf_printf(out, "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\n", status, reason_phrase(status), date, content_type);
    if (length != NO_LENGTH)
        buf_printf(out, "Content-Length: %lld\r\n", (long long)length);
    else if (!c->http10)
        buf_text(out, "Transfer-Encoding: chunked\r\n");
    buf_text(out, c->close_after ? "Connection: close\r\n" : "Connection: keep-alive\r\n");
    buf_text(out, "X-Content-Type-Options: nosniff\r\n");
    buf_text(out, c->cached ? "Cache-Control: no-cache\r\n" : "Cache-Control: no-store\r\n");
    if (extra) buf_text(out, extra);
    buf_text(out, "\r\n");
    c->moved_ms = clock_mono_ms();
}

static void want_write(struct gateway_conn *c)
{
    if (c->out.err) gateway_kill(c); /* out of memory: nothing whole can be said */
    if (c->flow_stopped) {
        lws_rx_flow_control(c->wsi, 1);
        c->resumed_at = c->gw->services;
    }
    c->flow_stopped = false;
    lws_callback_on_writable(c->wsi);
}

void gateway_answer(struct gateway_conn *c, int status, const char *content_type, struct str body, const char *extra)
{
    write_head(c, status, content_type, (int64_t)body.n, extra);
    if (!c->head_only) buf_add(&c->out, body);
    c->state = CONN_ANSWERING;
    c->deadline_ms = 0;
    gateway_ask_over(c);
    buf_free(&c->body);
    want_write(c);
}

void gateway_answer_error(struct gateway_conn *c, int status, struct str message, const char *type, const char *code, const char *param,
                          const char *extra)
{
    struct buf body = { 0 };
    openai_write_error(&body, message, type, code, param);
    gateway_answer(c, status, JSON_TYPE, buf_str(&body), extra);
    buf_free(&body);
}

void gateway_stream_begin(struct gateway_conn *c, const char *extra)
{
    write_head(c, 200, "text/event-stream; charset=utf-8", NO_LENGTH, extra);
    c->streaming = true;
    want_write(c);
}

void gateway_stream_add(struct gateway_conn *c, struct str events)
{
    if (gateway_unsent(c) == 0) c->moved_ms = clock_mono_ms(); /* nothing was stuck until now */
    if (!c->http10) buf_printf(&c->out, "%zx\r\n", events.n);
    buf_add(&c->out, events);
    if (!c->http10) buf_text(&c->out, "\r\n");
    want_write(c);
}

void gateway_stream_end(struct gateway_conn *c)
{
    if (!c->http10) buf_text(&c->out, "0\r\n\r\n");
    c->state = CONN_ANSWERING;
    gateway_ask_over(c);
    want_write(c);
}

/* The answer is with the kernel. What is left of the body is read before the connection is closed: a reset could overtake
 * the answer. @return -1: close the connection */
static int finish(struct gateway_conn *c)
{
    bool close_after = c->close_after || c->pipelined || c->gw->draining;
    reset_request(c);
    if (!c->body_done) {
        c->deadline_ms = clock_mono_ms() + GATEWAY_DISCARD_MS;
        gateway_start_tick(c->gw);
        return 0;
    }
    return close_after || lws_http_transaction_completed(c->wsi) ? -1 : 0;
}

/* The last bytes go to libwebsockets and the request ends in one step: a client may send its next request as soon as it
 * has them, and those bytes are not to be taken for the rest of this one. */
static int on_writable(struct gateway_conn *c)
{
    bool last = c->state == CONN_ANSWERING;
    if (last && c->gw->services <= c->resumed_at) { /* what was read ahead is shown at the end of this round */
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    while (gateway_unsent(c) > 0 && !lws_send_pipe_choked(c->wsi)) {
        size_t n = gateway_unsent(c) < GATEWAY_WRITE_STEP ? gateway_unsent(c) : GATEWAY_WRITE_STEP;
        if (lws_write(c->wsi, (unsigned char *)c->out.p + c->out_sent, n, LWS_WRITE_HTTP) < 0) return -1;
        c->out_sent += n;
        c->moved_ms = clock_mono_ms();
    }
    bool ends = last && gateway_unsent(c) == 0;
    bool closes = c->close_after || c->pipelined || !c->body_done || c->gw->draining;
    if (ends && (!closes || !lws_partial_buffered(c->wsi))) return finish(c);
    if (gateway_unsent(c) > 0 || lws_partial_buffered(c->wsi)) {
        if (c->pipelined) return -1; /* the loop would spin: the next request is there, and cannot be read before this answer is out */
        lws_callback_on_writable(c->wsi);
        return 0;
    }
    buf_clear(&c->out);
    c->out_sent = 0;
    return 0;
}

/* --- requests --------------------------------------------------------------------------------------------------- */

static enum gateway_method method_of(struct gateway_conn *c)
{
    c->head_only = lws_hdr_total_length(c->wsi, WSI_TOKEN_HEAD_URI) > 0;
    if (c->head_only || lws_hdr_total_length(c->wsi, WSI_TOKEN_GET_URI) > 0) return GATEWAY_GET;
    return lws_hdr_total_length(c->wsi, WSI_TOKEN_POST_URI) > 0 ? GATEWAY_POST : GATEWAY_OTHER;
}

/* Without a length libwebsockets reads a body of these three alone. Of the others nothing comes that it would read: its loop
 * would spin on what the client sends, were the rest of a body awaited. */
static bool may_have_body(struct lws *wsi)
{
    return lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 || lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI) > 0 ||
           lws_hdr_total_length(wsi, WSI_TOKEN_PATCH_URI) > 0;
}

static void read_connection(struct gateway_conn *c)
{
    char value[64];
    struct str version = gateway_known_header(c->wsi, WSI_TOKEN_HTTP, value, sizeof value);
    c->http10 = !str_is(version, "HTTP/1.1");
    struct str connection = gateway_known_header(c->wsi, WSI_TOKEN_CONNECTION, value, sizeof value);
    c->close_after = c->http10 ? !str_ieq(connection, STR("keep-alive")) : str_ieq(connection, STR("close"));
}

/* A page that pointed its own name at this machine (DNS rebinding) is not from here, although its connection is. */
static bool is_host_foreign(struct gateway_conn *c)
{
    char value[CONNECT_HOST_MAX + 1];
    struct str host = gateway_known_header(c->wsi, WSI_TOKEN_HOST, value, sizeof value);
    return !connect_host_allowed(host, c->gw->cfg->allowed_origins, c->gw->cfg->allowed_origin_count);
}

void gateway_http_peer(struct gateway_conn *c, struct gateway_peer *peer)
{
    char value[256];
    *peer = c->peer;
    struct str hops = gateway_known_header(c->wsi, WSI_TOKEN_X_FORWARDED_FOR, value, sizeof value);
    if (hops.n == 0) hops = gateway_known_header(c->wsi, WSI_TOKEN_HTTP_X_REAL_IP, value, sizeof value);
    gateway_peer_unmask(c->gw->cfg, peer, hops);
    peer->forwarded = lws_hdr_total_length(c->wsi, WSI_TOKEN_X_FORWARDED_FOR) > 0 ||
                      lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_X_REAL_IP) > 0 ||
                      lws_hdr_custom_length(c->wsi, "x-forwarded-host:", 17) > 0 || lws_hdr_custom_length(c->wsi, "forwarded:", 10) > 0 ||
                      is_host_foreign(c);
}

/* @return true when the request may go on; else it is answered */
static bool authorize(struct gateway_conn *c)
{
    char value[GATEWAY_HEADER_MAX], extra[64];
    struct gateway_peer peer;
    int64_t wait_ms;
    gateway_http_peer(c, &peer);
    if (gateway_proxy_vouches(c, &peer)) return true;
    struct str header = gateway_known_header(c->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, value, sizeof value);
    switch (gateway_auth_check(c->gw->auth, &peer, header, clock_mono_ms(), &wait_ms)) {
    case GATEWAY_ALLOWED: return true;
    case GATEWAY_DENIED:
        log_event(LOG_WARN, "login_refused", LOG_T("address", peer.address), LOG_I("given", header.n > 0));
        gateway_answer_error(c, 401, STR("Unauthorized"), "unauthorized", NULL, NULL, "WWW-Authenticate: Bearer\r\n");
        return false;
    case GATEWAY_LOCKED: break;
    }
    snprintf(extra, sizeof extra, "Retry-After: %lld\r\n", (long long)(wait_ms + 999) / 1000);
    gateway_answer_error(c, 429, STR("Too many failed authentication attempts. Please try again later."), "rate_limited", NULL, NULL,
                         extra);
    return false;
}

static void refuse_closing(struct gateway_conn *c, int status, const char *message, const char *code)
{
    c->close_after = true;
    gateway_answer_error(c, status, str_of(message), "invalid_request_error", code, NULL, NULL);
}

static void refuse_busy(struct gateway_conn *c, const char *message, const char *code)
{
    char extra[32];
    snprintf(extra, sizeof extra, "Retry-After: %d\r\n", GATEWAY_RETRY_S);
    c->close_after = true;
    gateway_answer_error(c, 503, str_of(message), "api_error", code, NULL, extra);
}

static void refuse_method(struct gateway_conn *c, const struct gateway_route *route)
{
    gateway_answer_error(c, 405, STR("Method Not Allowed"), "invalid_request_error", "method_not_allowed", NULL,
                         route->method == GATEWAY_POST ? "Allow: POST\r\n" : "Allow: GET, HEAD\r\n");
}

/* @return the length; NO_LENGTH when there is none or it is not a number */
static int64_t content_length(struct lws *wsi)
{
    char value[32];
    int64_t n;
    struct str text = gateway_known_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, value, sizeof value);
    if (text.n == 0 || !isdigit((unsigned char)text.p[0]) || str_to_int(text, &n) != 0) return NO_LENGTH;
    return n;
}

static void begin_body(struct gateway_conn *c, int64_t length)
{
    char value[32];
    if (length == NO_LENGTH) {
        refuse_closing(c, 411, "A body needs a Content-Length; chunked requests are not taken.", "length_required");
        return;
    }
    size_t max = c->route->body_max ? c->route->body_max(c->gw->options->config) : 0;
    if ((uint64_t)length > max) {
        char text[160];
        snprintf(text, sizeof text, "The body is larger than %zu bytes%s.", max,
                 max ? c->hook ? " (hooks.maxBodyBytes)" : " (gateway.http.endpoints.chatCompletions.maxBodyBytes)" : "");
        refuse_closing(c, 413, text, "body_too_large");
        return;
    }
    c->state = CONN_BODY;
    c->body_size = (size_t)length;
    c->body.max = max;
    c->deadline_ms = clock_mono_ms() + c->gw->times.body_ms;
    gateway_start_tick(c->gw);
    if (str_ieq(gateway_known_header(c->wsi, WSI_TOKEN_HTTP_EXPECT, value, sizeof value), STR("100-continue"))) {
        buf_text(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
        lws_callback_on_writable(c->wsi);
    }
}

static int on_request(struct gateway_conn *c, struct str path)
{
    enum gateway_method method = method_of(c);
    int64_t length = content_length(c->wsi);
    bool garbled = length == NO_LENGTH && lws_hdr_total_length(c->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0;
    bool bare = length == NO_LENGTH && !may_have_body(c->wsi);
    reset_request(c);
    c->without_body = method == GATEWAY_GET || bare;
    read_connection(c);
    lws_set_timeout(c->wsi, NO_PENDING_TIMEOUT, 0);                              /* ours are in gateway_check_times() */
    c->body_done = garbled || (method != GATEWAY_POST && (length == 0 || bare)); /* of a garbled length no rest is awaited */
    c->route = gateway_route_find(c->gw->options->config, path);
    if (garbled)
        refuse_closing(c, 400, "Content-Length is no number.", "invalid_content_length");
    else if (c->surplus)
        refuse_busy(c, "The gateway has no room for another connection; try again later.", "too_many_connections");
    else if (c->gw->draining && !(c->route && c->route->while_draining))
        refuse_busy(c, "The gateway is stopping.", "stopping");
    else if (c->route && c->route->refuses && c->route->refuses(c, path, method))
        return 0;
    else if (!c->route && gateway_static_answer(c, path, method == GATEWAY_GET))
        return 0;
    else if (!c->route)
        gateway_answer_error(c, 404, STR("Not Found"), "not_found_error", NULL, NULL, NULL);
    else if (c->route->method != method)
        refuse_method(c, c->route);
    else if (c->route->needs_auth && !authorize(c))
        return 0;
    else if (method == GATEWAY_POST)
        begin_body(c, length);
    else {
        c->state = CONN_WAITING;
        c->route->run(c);
    }
    return 0;
}

static int on_body(struct gateway_conn *c, struct str bytes)
{
    if (c->state != CONN_BODY || bytes.n == 0) return 0; /* already answered: not wanted */
    if (c->body.n == 0) buf_reserve(&c->body, c->body_size < GATEWAY_WRITE_MAX ? c->body_size : GATEWAY_WRITE_MAX);
    buf_add(&c->body, bytes);
    return c->body.err ? -1 : 0;
}

static int on_body_complete(struct gateway_conn *c)
{
    bool again = c->body_done;
    c->body_done = true;
    if (c->state == CONN_BODY) {
        c->state = CONN_WAITING;
        c->deadline_ms = 0;
        c->route->run(c);
    } else if (gateway_unsent(c) == 0) {
        return -1; /* the rest of an unwanted body is read, or a next request comes behind a streamed answer */
    }
    c->pipelined = again;
    if (again && gateway_unsent(c) > 0 && lws_send_pipe_choked(c->wsi)) return -1; /* the loop would spin until the client reads */
    if (c->state == CONN_WAITING && gateway_unsent(c) == 0 && !c->flow_stopped) {
        c->flow_stopped = true;
        lws_rx_flow_control(c->wsi, 0);
        gateway_start_tick(c->gw);
    }
    return 0;
}

/* The client's end of the connection is closed: nobody waits for the answer. */
static bool has_left(const struct gateway_conn *c)
{
    char byte;
    return recv(lws_get_socket_fd(c->wsi), &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
}

void gateway_check_times(struct gateway_conn *c, int64_t now_ms)
{
    if (c->flow_stopped && has_left(c)) {
        gateway_kill(c);
        return;
    }
    if (gateway_unsent(c) > 0 && now_ms - c->moved_ms > c->gw->times.stall_ms) {
        log_event(LOG_WARN, "slow_client", LOG_T("address", c->peer.address), LOG_I("unsent", (int64_t)gateway_unsent(c)));
        gateway_kill(c);
        return;
    }
    if (c->state == CONN_WAITING && c->chat) gateway_chat_tick(c, now_ms);
    if (c->deadline_ms == 0 || now_ms < c->deadline_ms) return;
    c->deadline_ms = 0;
    if (c->state == CONN_BODY)
        refuse_closing(c, 408, "The body took too long to arrive.", "body_timeout");
    else if (c->state == CONN_WAITING && c->hook)
        gateway_hook_late(c);
    else if (c->state == CONN_WAITING && c->route->late)
        c->route->late(c);
    else if (c->state == CONN_WAITING)
        gateway_probe_late(c);
    else if (c->state == CONN_IDLE)
        gateway_kill(c); /* the rest of an unwanted body is still coming */
}

/* `in` of that callback is not to be read: after an upgrade that libwebsockets itself refuses it points to freed headers. */
static bool is_websocket(struct lws *wsi)
{
    char value[16];
    return str_ieq(gateway_known_header(wsi, WSI_TOKEN_UPGRADE, value, sizeof value), STR("websocket"));
}

int gateway_http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct gateway_conn *c = lws_get_opaque_user_data(wsi);
    (void)user;
    if (!c) return 0; /* not a client's connection */
    c->gw->calls++;
    switch (reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED: c->wsi = wsi; return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE: return is_websocket(wsi) ? 0 : -1; /* h2c is not offered */
    case LWS_CALLBACK_HTTP: return on_request(c, (struct str){ in, len });
    case LWS_CALLBACK_HTTP_BODY: return on_body(c, (struct str){ in, len });
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return on_body_complete(c);
    case LWS_CALLBACK_HTTP_WRITEABLE: return on_writable(c);
    case LWS_CALLBACK_WSI_DESTROY: gateway_free_conn(c); return 0;
    default: return gateway_client_callback(c, wsi, reason, in, len);
    }
}
