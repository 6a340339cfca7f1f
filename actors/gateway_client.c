/* actors/gateway_client.c -- WebSocket connections: upgrade, whole messages in, queued frames out, orderly ends.
 *
 * Facts of libwebsockets 4.1.6: it masks and frames by itself, writing the frame's head into the LWS_PRE bytes before the
 * text; what a socket does not take it copies and sends first, so a shared frame may go on to the next client at once.
 * Bytes given as LWS_WRITE_HTTP go out as they are. A close frame goes out when a callback returns -1 after
 * lws_close_reason(), unless bytes are left over from a write: so it is always left to on_writable(). Until the other side
 * has closed, too, WRITEABLE is still called, and another -1 would cut the connection. Its timers are one sorted list that
 * is walked for each new one: 10,000 of them would cost more than what they are for. */
#include <stdlib.h>
#include <utlist.h>

#include "actors/gateway_client.h"
#include "actors/gateway_crowd.h"
#include "actors/gateway_devices.h"
#include "actors/gateway_events.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"

enum { QUEUE_FIRST = 4, FRAME_COST = 32 /* bytes a queued frame counts beside its text */, IN_KEPT = 4096 };

struct gateway_frame {
    int users;
    size_t n;
    unsigned char bytes[]; /* LWS_PRE for the head, then n */
};

/* --- frames out ------------------------------------------------------------------------------------------------- */

struct gateway_frame *gateway_frame_create(struct str text)
{
    struct gateway_frame *f = malloc(sizeof *f + LWS_PRE + text.n);
    if (!f) return NULL;
    f->users = 1;
    f->n = text.n;
    if (text.n) memcpy(f->bytes + LWS_PRE, text.p, text.n);
    return f;
}

struct gateway_frame *gateway_frame_keep(struct gateway_frame *f)
{
    f->users++;
    return f;
}

size_t gateway_frame_cost(const struct gateway_frame *f)
{
    return f->n + FRAME_COST;
}

/* RFC 6455, 5.2: final, text, not masked. */
void gateway_frame_write(const struct gateway_frame *f, struct buf *out)
{
    int bytes = f->n < 126 ? 0 : f->n < 65536 ? 2 : 8;
    buf_char(out, (char)0x81);
    buf_char(out, bytes == 0 ? (char)f->n : bytes == 2 ? 126 : 127);
    while (bytes--) buf_char(out, (char)(f->n >> 8 * bytes & 0xff));
    buf_add(out, (struct str){ (const char *)f->bytes + LWS_PRE, f->n });
}

void gateway_frame_drop(struct gateway_frame *f)
{
    if (f && --f->users == 0) free(f);
}

static struct gateway_frame *take_first(struct gateway_client *cl)
{
    struct gateway_frame *f = cl->queue[cl->queue_head];
    cl->queue_head = (cl->queue_head + 1) & (cl->queue_cap - 1);
    cl->queue_count--;
    cl->queued -= gateway_frame_cost(f);
    return f;
}

static void empty_queue(struct gateway_client *cl)
{
    while (cl->queue_count) gateway_frame_drop(take_first(cl));
    free(cl->queue);
    cl->queue = NULL;
    cl->queue_cap = cl->queue_head = 0;
}

static bool grow_queue(struct gateway_client *cl)
{
    uint32_t cap = cl->queue_cap ? cl->queue_cap * 2 : QUEUE_FIRST;
    struct gateway_frame **queue = malloc(cap * sizeof(struct gateway_frame *));
    if (!queue) return false;
    for (uint32_t i = 0; i < cl->queue_count; i++) queue[i] = cl->queue[(cl->queue_head + i) & (cl->queue_cap - 1)];
    free(cl->queue);
    cl->queue = queue;
    cl->queue_cap = cap;
    cl->queue_head = 0;
    return true;
}

/* It does not read: what it has not begun to read is dropped, so that the reason can follow should it read on. */
static void close_slow(struct gateway_client *cl)
{
    log_event(LOG_WARN, "client_closed", LOG_T("conn", cl->conn_id), LOG_T("address", cl->peer.address), LOG_T("reason", "slow consumer"),
              LOG_I("unsent", (int64_t)cl->queued));
    empty_queue(cl);
    gateway_crowd_leave(cl);
    gateway_client_close(cl, LWS_CLOSE_STATUS_POLICY_VIOLATION, STR("slow consumer"));
}

/* Something waits for it to read: it has its time from now on, the moment of its last progress. The timer is left to run when
 * nothing waits any more: cancelling it calls back at once (4.1.6). */
static void watch(struct gateway_client *cl, bool waits)
{
    cl->moved_ms = clock_mono_ms();
    if (waits && cl->state == CLIENT_CONNECTED) lws_set_timer_usecs(cl->wsi, (lws_usec_t)cl->gw->times.client_stall_ms * LWS_US_PER_MS);
}

void gateway_client_push(struct gateway_client *cl, struct gateway_frame *f, bool drop_if_slow)
{
    size_t cost = gateway_frame_cost(f);
    if (cl->state == CLIENT_CLOSING) return;
    if (drop_if_slow && cl->queued > cl->gw->bounds.slow) return;
    if (cl->queued + cost > cl->gw->bounds.out || (cl->queue_count == cl->queue_cap && !grow_queue(cl))) {
        close_slow(cl);
        return;
    }
    if (cl->queue_count == 0 && !cl->clogged) watch(cl, true);
    cl->queue[(cl->queue_head + cl->queue_count++) & (cl->queue_cap - 1)] = gateway_frame_keep(f);
    cl->queued += cost;
    lws_callback_on_writable(cl->wsi);
}

void gateway_client_queue(struct gateway_client *cl, struct gateway_frame *f, bool drop_if_slow)
{
    gateway_crowd_catch_up(cl);
    gateway_client_push(cl, f, drop_if_slow);
}

static void read_or_pause(struct gateway_client *cl)
{
    lws_rx_flow_control(cl->wsi, !cl->paused && !cl->clogged);
}

/* While libwebsockets holds bytes that the socket did not take, nothing is read: were it to close the connection for what it
 * reads, it would wait for those bytes to go, and spin on what came after (4.1.6). */
static void note_clogged(struct gateway_client *cl, bool clogged)
{
    if (cl->clogged == clogged) return;
    cl->clogged = clogged;
    read_or_pause(cl);
}

bool gateway_client_write(struct gateway_client *cl, struct str frames)
{
    if (cl->queue_count || lws_send_pipe_choked(cl->wsi)) return false;
    if (lws_write(cl->wsi, (unsigned char *)(uintptr_t)frames.p, frames.n, LWS_WRITE_HTTP) < 0) gateway_kill(cl->conn);
    note_clogged(cl, lws_partial_buffered(cl->wsi));
    if (cl->clogged) watch(cl, true);
    if (cl->clogged) lws_callback_on_writable(cl->wsi); /* which sees to its end */
    return true;
}

void gateway_client_send(struct gateway_client *cl, struct str text)
{
    struct gateway_frame *f = gateway_frame_create(text);
    if (!f) return gateway_kill(cl->conn);
    gateway_client_queue(cl, f, false);
    gateway_frame_drop(f);
}

void gateway_client_close(struct gateway_client *cl, int code, struct str reason)
{
    gateway_crowd_catch_up(cl);
    if (cl->state == CLIENT_CLOSING) return;
    gateway_crowd_leave(cl);
    cl->state = CLIENT_CLOSING;
    cl->close_code = code;
    str_copy(cl->close_reason, sizeof cl->close_reason, str_utf8_prefix(reason, sizeof cl->close_reason - 1));
    lws_set_timer_usecs(cl->wsi, (lws_usec_t)cl->gw->times.close_ms * LWS_US_PER_MS);
    lws_callback_on_writable(cl->wsi);
}

void gateway_client_close_device(struct gateway *gw, const char *device_id, const char *role, const char *reason)
{
    struct gateway_client *cl, *safe;
    DL_FOREACH_SAFE(gw->clients, cl, safe)
    {
        if (!cl->who.device_id || strcmp(cl->who.device_id, device_id) != 0) continue;
        if (role && strcmp(role, cl->who.node ? "node" : "operator") != 0) continue;
        gateway_client_close(cl, LWS_CLOSE_STATUS_POLICY_VIOLATION, str_of(reason));
    }
}

bool gateway_client_may(const struct gateway_client *client, struct str scope)
{
    const struct gateway_identity *who = &client->who;
    return who->admin || (who->read && str_is(scope, "operator.read")) || (who->write && str_is(scope, "operator.write")) ||
           (who->approvals && str_is(scope, "operator.approvals")) || (who->pairing && str_is(scope, "operator.pairing"));
}

const char *gateway_client_name(const struct gateway_client *client)
{
    return client->who.device_id ? client->who.device_id : client->who.client_id ? client->who.client_id : "unknown";
}

void gateway_client_devices_ready(struct gateway *gw)
{
    struct gateway_client *cl, *safe;
    DL_FOREACH_SAFE(gw->clients, cl, safe)
    {
        if (cl->state != CLIENT_NEW || cl->first.n == 0) continue;
        gateway_connect_message(cl, buf_str(&cl->first));
        buf_free(&cl->first);
    }
}

static int close_now(struct gateway_client *cl)
{
    size_t n = strlen(cl->close_reason);
    cl->closed = true;
    lws_close_reason(cl->wsi, (enum lws_close_status)cl->close_code, n ? (unsigned char *)cl->close_reason : NULL, n);
    return -1;
}

/* Small frames that wait together go out together: most of what a frame costs is the call for it. @return below 0: it failed */
static int write_some(struct gateway_client *cl)
{
    struct buf *together = &cl->gw->together;
    struct gateway_frame *f = NULL;
    buf_clear(together);
    while (cl->queue_count && together->n + gateway_frame_cost(cl->queue[cl->queue_head]) <= GATEWAY_TOGETHER_MAX) {
        gateway_frame_write(f = take_first(cl), together);
        gateway_frame_drop(f);
    }
    if (together->err) return -1;
    if (f) return lws_write(cl->wsi, (unsigned char *)together->p, together->n, LWS_WRITE_HTTP);
    f = take_first(cl);
    int n = lws_write(cl->wsi, f->bytes + LWS_PRE, f->n, LWS_WRITE_TEXT);
    gateway_frame_drop(f);
    return n;
}

static int on_writable(struct gateway_client *cl)
{
    while (cl->queue_count && !lws_send_pipe_choked(cl->wsi)) {
        if (write_some(cl) < 0) return -1;
    }
    bool partial = lws_partial_buffered(cl->wsi);
    note_clogged(cl, partial);
    watch(cl, partial || cl->queue_count);
    if (cl->queue_count == 0 && cl->queue_cap > QUEUE_FIRST) empty_queue(cl);
    if (cl->queue_count || partial) {
        lws_callback_on_writable(cl->wsi);
        return 0;
    }
    return cl->state == CLIENT_CLOSING && !cl->closed ? close_now(cl) : 0;
}

/* --- messages in ------------------------------------------------------------------------------------------------ */

static void on_message(struct gateway_client *cl)
{
    switch (cl->state) {
    case CLIENT_NEW:
        if (gateway_devices_ready(cl->gw))
            gateway_connect_message(cl, buf_str(&cl->in));
        else if (cl->first.n == 0)
            buf_add(&cl->first, buf_str(&cl->in));
        break;
    case CLIENT_CONNECTED: gateway_rpc_message(cl, buf_str(&cl->in)); break;
    default: break; /* before the answer to `connect`, or after its end: not read */
    }
    if (cl->in.cap > IN_KEPT) buf_free(&cl->in);
    buf_clear(&cl->in);
}

static void pause_if_busy(struct gateway_client *cl)
{
    if (cl->paused || cl->waiting < GATEWAY_REQUESTS_MAX) return;
    cl->paused = true;
    read_or_pause(cl);
}

void gateway_client_resume(struct gateway_client *cl)
{
    if (!cl->paused || cl->waiting > GATEWAY_REQUESTS_MAX / 2) return;
    cl->paused = false;
    read_or_pause(cl);
}

static int on_receive(struct gateway_client *cl, struct str bytes)
{
    size_t max = cl->state == CLIENT_CONNECTED ? GATEWAY_MESSAGE_MAX : GATEWAY_HELLO_MAX;
    if (cl->state == CLIENT_CLOSING) return 0;
    if (cl->in.n + bytes.n + lws_remaining_packet_payload(cl->wsi) > max) {
        buf_free(&cl->in);
        gateway_client_close(cl, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, (struct str){ 0 });
        return 0;
    }
    buf_add(&cl->in, bytes);
    if (cl->in.err) return -1;
    if (!lws_is_final_fragment(cl->wsi) || lws_remaining_packet_payload(cl->wsi) > 0) return 0;
    on_message(cl);
    pause_if_busy(cl);
    return 0;
}

/* libwebsockets sends the peer's close frame back as it came, also when it is none (RFC 6455, 5.5.1 and 7.4). */
static int on_peer_closes(struct gateway_client *cl, const unsigned char *bytes, size_t n)
{
    int code = n >= 2 ? bytes[0] << 8 | bytes[1] : LWS_CLOSE_STATUS_NORMAL;
    bool known = (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) || (code >= 3000 && code <= 4999);
    gateway_crowd_leave(cl);
    cl->state = CLIENT_CLOSING; /* nothing goes out after libwebsockets' answer */
    cl->closed = true;
    if (n == 1 || !known || (n > 2 && !str_utf8_valid((struct str){ (const char *)bytes + 2, n - 2 }))) {
        lws_close_reason(cl->wsi, LWS_CLOSE_STATUS_PROTOCOL_ERR, NULL, 0);
        return -1;
    }
    return 0;
}

/* --- coming and going ------------------------------------------------------------------------------------------- */

static char *header(struct lws *wsi, enum lws_token_indexes token)
{
    char value[512];
    int n = lws_hdr_total_length(wsi, token);
    if (n <= 0 || (size_t)n >= sizeof value || lws_hdr_copy(wsi, value, sizeof value, token) < 0) return NULL;
    return str_dup(str_trim((struct str){ value, (size_t)n }));
}

/* The answer to an upgrade that is not taken. */
static int refuse_upgrade(struct lws *wsi, const char *status)
{
    unsigned char text[LWS_PRE + 160];
    int n = snprintf((char *)text + LWS_PRE, sizeof text - LWS_PRE,
                     "HTTP/1.1 %s\r\nContent-Length: 0\r\nRetry-After: %d\r\nConnection: close\r\n\r\n", status, GATEWAY_RETRY_S);
    lws_write(wsi, text + LWS_PRE, (size_t)n, LWS_WRITE_HTTP);
    return -1;
}

/* Headers are here for the last time. */
static int on_upgrade(struct gateway_conn *c, struct lws *wsi)
{
    struct gateway *gw = c->gw;
    struct gateway_client *cl = NULL;
    if (gw->draining || c->surplus || gw->client_count >= gw->bounds.clients || gw->handshakes >= gw->bounds.handshakes)
        return refuse_upgrade(wsi, "503 Service Unavailable");
    if (!(cl = calloc(1, sizeof *cl))) return refuse_upgrade(wsi, "503 Service Unavailable");
    cl->gw = gw;
    cl->conn = c;
    cl->wsi = wsi;
    gateway_http_peer(c, &cl->peer);
    cl->vouched = gateway_proxy_vouches(c, &cl->peer);
    cl->host = header(wsi, WSI_TOKEN_HOST);
    cl->origin = header(wsi, WSI_TOKEN_ORIGIN);
    random_uuid(cl->conn_id);
    random_uuid(cl->nonce);
    c->client = cl;
    DL_DELETE(gw->conns, c);
    gw->conn_count--;
    DL_APPEND(gw->clients, cl);
    if (gw->client_count++ == 0) gateway_start_devices_tick(gw);
    gw->handshakes++;
    return 0;
}

static void on_established(struct gateway_client *cl)
{
    struct buf text = { 0 };
    lws_set_timeout(cl->wsi, NO_PENDING_TIMEOUT, 0);
    lws_set_timer_usecs(cl->wsi, (lws_usec_t)cl->gw->times.hello_ms * LWS_US_PER_MS);
    buf_printf(&text, "{\"type\":\"event\",\"event\":\"connect.challenge\",\"payload\":{\"nonce\":\"%s\",\"ts\":%lld}}", cl->nonce,
               (long long)clock_wall_ms());
    gateway_client_send(cl, buf_str(&text));
    buf_free(&text);
}

void gateway_client_greeted(struct gateway_client *cl)
{
    lws_set_timer_usecs(cl->wsi, LWS_SET_TIMER_USEC_CANCEL); /* 4.1.6 calls once more at once; on_timer() lets that pass */
    gateway_crowd_join(cl);
}

/* The handshake took too long, or a closing client does not read. */
static int on_timer(struct gateway_client *cl)
{
    if (cl->state == CLIENT_CONNECTED) {
        bool waits = cl->clogged || cl->queue_count;
        if (waits && clock_mono_ms() - cl->moved_ms >= cl->gw->times.client_stall_ms) close_slow(cl); /* it has taken nothing for so long */
        return 0;
    }
    if (cl->state == CLIENT_CLOSING) return -1;
    log_event(LOG_INFO, "handshake_timed_out", LOG_T("conn", cl->conn_id), LOG_T("address", cl->peer.address));
    gateway_client_close(cl, LWS_CLOSE_STATUS_NORMAL, (struct str){ 0 });
    return 0;
}

void gateway_client_free(struct gateway_client *cl)
{
    struct gateway *gw = cl->gw;
    if (cl->present) gateway_events_left(cl);
    gateway_rpc_client_gone(cl);
    gateway_judging_free(cl);
    gateway_crowd_leave(cl);
    if (!cl->greeted) gw->handshakes--;
    DL_DELETE(gw->clients, cl);
    gw->client_count--;
    empty_queue(cl);
    buf_free(&cl->in);
    buf_free(&cl->first);
    gateway_identity_free(&cl->who);
    free(cl->host);
    free(cl->origin);
    free(cl);
}

int gateway_client_callback(struct gateway_conn *c, struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t len)
{
    struct gateway_client *cl = c->client;
    switch (reason) {
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION: return on_upgrade(c, wsi);
    case LWS_CALLBACK_ESTABLISHED: on_established(cl); return 0;
    case LWS_CALLBACK_RECEIVE: return on_receive(cl, (struct str){ in, len });
    case LWS_CALLBACK_SERVER_WRITEABLE: return on_writable(cl);
    case LWS_CALLBACK_TIMER: return on_timer(cl);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return on_peer_closes(cl, in, len);
    default: return 0;
    }
}
