#include "actors/gateway_client.h"
#include "actors/gateway_crowd.h"
#include "actors/gateway_devices.h"
#include "actors/gateway_events.h"
#include "actors/gateway_heartbeat.h"
#include "actors/gateway_hooks.h"
#include "actors/gateway_internal.h"
#include "actors/gateway_misc.h"
#include "actors/gateway_poll.h"
#include "actors/gateway_runs.h"

#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "base/log.h"

enum {
    SERVICE_BYTES = 16384, /* libwebsockets' read buffer, one for all */
    CLIENT_BYTES = 2048,   /* ... and each WebSocket client's: longer messages are seen in pieces */
};

/* --- asking on the bus ------------------------------------------------------------------------------------------ */

int gateway_ask(struct gateway_conn *c, const char *to, struct msg *m)
{
    struct gateway *gw = c->gw;
    m->corr = c->corr ? c->corr : mailbox_corr(gw->mailbox);
    int rc = mailbox_send(gw->mailbox, to, m);
    if (rc || c->corr) return rc;
    c->corr = m->corr;
    HASH_ADD(hh, gw->asking, corr, sizeof c->corr, c);
    return 0;
}

void gateway_ask_over(struct gateway_conn *c)
{
    if (!c->corr) return;
    HASH_DEL(c->gw->asking, c);
    c->corr = 0;
}

/* Every connection's answer now ends it, and those without a request end at once. */
static void drain(struct gateway *gw)
{
    struct gateway_conn *c;
    if (gw->draining) return;
    gw->draining = true;
    gateway_stop_listening(gw);
    DL_FOREACH(gw->conns, c)
    {
        if (c->state == CONN_IDLE)
            gateway_kill(c);
        else if (!c->streaming)
            c->close_after = true;
    }
}

/* Clients are told when the runs had their time to end, so that they hear their answers. */

static void stop(struct gateway *gw)
{
    struct gateway_conn *c;
    drain(gw);
    gw->stopping = true;
    DL_FOREACH(gw->conns, c)
    {
        if (c->chat && c->corr) gateway_chat_stopping(c);
    }
    gateway_events_shutdown(gw, "gateway stopping", 0);
}

static void answer_request(struct gateway *gw, const struct msg *in)
{
    struct gateway_request *rq;
    HASH_FIND(hh, gw->requests, &in->corr, sizeof in->corr, rq);
    if (rq) gateway_rpc_answer(rq, in);
}

static void receive(struct gateway *gw, const struct msg *in)
{
    struct gateway_conn *c;
    if (in->kind == MSG_system_drain) drain(gw);
    if (in->kind == MSG_actor_stop) stop(gw);
    if (in->kind == MSG_config_changed) gateway_take_config(gw);
    if (gateway_misc_message(gw, in) || gateway_approvals_message(gw, in) || in->corr == 0 || gateway_devices_message(gw, in) ||
        gateway_heartbeat_message(gw, in))
        return;
    HASH_FIND(hh, gw->asking, &in->corr, sizeof in->corr, c);
    if (c && c->chat)
        gateway_chat_message(c, in);
    else if (c && c->hook)
        gateway_hook_answer(c, in);
    else if (c && c->route->told)
        c->route->told(c, in);
    else if (c)
        gateway_probe_answer(c, in);
    else if (!gateway_runs_message(gw, in) && !gateway_events_message(gw, in))
        answer_request(gw, in);
}

void gateway_drain_mailbox(struct gateway *gw)
{
    struct msg in;
    for (;;) {
        int rc = mailbox_recv(gw->mailbox, 0, &in);
        if (rc == GW_EBADMSG) continue;
        if (rc == GW_ECLOSED) gw->stopping = true;
        if (rc) return;
        receive(gw, &in);
        msg_clear(&in);
    }
}

/* --- time ------------------------------------------------------------------------------------------------------- */

static void tick(lws_sorted_usec_list_t *sul)
{
    struct gateway *gw = lws_container_of(sul, struct gateway, tick);
    struct gateway_conn *c, *safe;
    int64_t now_ms = clock_mono_ms();
    bool busy = false;
    gw->calls++;
    gw->ticking = false;
    DL_FOREACH_SAFE(gw->conns, c, safe)
    {
        if (c->state == CONN_IDLE && c->deadline_ms == 0) continue;
        busy = true;
        gateway_check_times(c, now_ms);
    }
    gateway_rpc_tick(gw, now_ms);
    if (busy || gw->timed) gateway_start_tick(gw);
}

/* Rows that could not be stored or loaded are tried again; with nobody connected and all loaded nothing can be open. */
static void devices_tick(lws_sorted_usec_list_t *sul)
{
    struct gateway *gw = lws_container_of(sul, struct gateway, devices_tick);
    gateway_devices_tick(gw);
    if (gw->client_count || !gateway_devices_ready(gw)) gateway_start_devices_tick(gw);
}

void gateway_start_devices_tick(struct gateway *gw)
{
    lws_sul_schedule(gw->lws, 0, &gw->devices_tick, devices_tick, GATEWAY_DEVICES_TICK_MS * LWS_US_PER_MS);
}

void gateway_start_tick(struct gateway *gw)
{
    if (gw->ticking) return;
    gw->ticking = true;
    lws_sul_schedule(gw->lws, 0, &gw->tick, tick, GATEWAY_TICK_MS * LWS_US_PER_MS);
}

/* --- libwebsockets ---------------------------------------------------------------------------------------------- */

static int on_mailbox(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user, (void)in, (void)len;
    struct gateway *gw = lws_context_user(lws_get_context(wsi));
    gw->calls++;
    if (reason == LWS_CALLBACK_RAW_RX_FILE) gateway_drain_mailbox(gw);
    return 0;
}

static int on_listener(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    (void)user, (void)in, (void)len;
    struct gateway *gw = lws_context_user(lws_get_context(wsi));
    gw->calls++;
    if (reason == LWS_CALLBACK_RAW_RX_FILE) gateway_accept(gw, lws_get_socket_fd(wsi));
    return 0;
}

static const struct lws_protocols PROTOCOLS[] = {
    { .name = "http", .callback = gateway_http_callback, .rx_buffer_size = CLIENT_BYTES, .tx_packet_size = GATEWAY_WRITE_MAX },
    { .name = "mailbox", .callback = on_mailbox },
    { .name = "listener", .callback = on_listener },
    { .name = NULL },
};

/* It does not ping (reference gateway-protocol 1): who has vanished is noticed by the kernel, gateway_listen.c. */
static const lws_retry_bo_t NO_PINGS = { 0 };

static void emit(int level, const char *line)
{
    (void)level;
    log_event(LOG_ERROR, "libwebsockets_failed", LOG_S("text", str_trim(str_of(line))));
}

static int create_context(struct gateway *gw)
{
    const struct config_gateway *cfg = gw->cfg;
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN_SERVER,
        .protocols = PROTOCOLS,
        .options = LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_SKIP_SERVER_CANONICAL_NAME,
        .gid = -1,
        .uid = -1,
        .user = gw,
        .vhost_name = "gateway",
        .count_threads = 1,
        .pt_serv_buf_size = SERVICE_BYTES,
        .max_http_header_data = GATEWAY_HEADER_MAX,
        .max_http_header_pool = GATEWAY_CONNECTIONS_MAX + GATEWAY_SURPLUS_MAX, /* made when needed, freed after a request */
        .retry_and_idle_policy = &NO_PINGS,
        .timeout_secs = (unsigned)((gw->times.body_ms + 999) / 1000),
        .timeout_secs_ah_idle = (unsigned)((gw->times.header_ms + 999) / 1000),
        .keepalive_timeout = (int)((gw->times.idle_ms + 999) / 1000),
    };
    if (cfg->tls) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = cfg->tls_cert.p;
        info.ssl_private_key_filepath = cfg->tls_key.p;
        info.alpn = "http/1.1";
    }
    lws_set_log_level(LLL_ERR, emit);
    gw->lws = lws_create_context(&info);
    if (gw->lws) gw->vhost = lws_create_vhost(gw->lws, &info);
    return gw->vhost ? 0 : GW_ESYS;
}

/* The mailbox's descriptor in libwebsockets' loop: a copy, because libwebsockets closes what it was given. */
static int adopt_mailbox(struct gateway *gw)
{
    int fd = dup(mailbox_fd(gw->mailbox));
    const lws_adopt_desc_t desc = { .vh = gw->vhost, .type = LWS_ADOPT_RAW_FILE_DESC, .fd.filefd = fd, .vh_prot_name = "mailbox" };
    if (fd >= 0 && lws_adopt_descriptor_vhost_via_info(&desc)) return 0;
    if (fd >= 0) close(fd);
    return GW_ESYS;
}

static void set_times(struct gateway *gw)
{
    const struct gateway_times *o = &gw->options->times;
    gw->times = (struct gateway_times){
        .header_ms = o->header_ms ? o->header_ms : GATEWAY_HEADER_MS,
        .body_ms = o->body_ms ? o->body_ms : GATEWAY_BODY_MS,
        .idle_ms = o->idle_ms ? o->idle_ms : GATEWAY_IDLE_MS,
        .stall_ms = o->stall_ms ? o->stall_ms : GATEWAY_STALL_MS,
        .quiet_ms = o->quiet_ms ? o->quiet_ms : GATEWAY_QUIET_MS,
        .keepalive_ms = o->keepalive_ms ? o->keepalive_ms : GATEWAY_KEEPALIVE_MS,
        .probe_ms = o->probe_ms ? o->probe_ms : GATEWAY_PROBE_MS,
        .hello_ms = o->hello_ms ? o->hello_ms : GATEWAY_HELLO_MS,
        .client_stall_ms = o->client_stall_ms ? o->client_stall_ms : GATEWAY_CLIENT_STALL_MS,
        .close_ms = o->close_ms ? o->close_ms : GATEWAY_CLOSE_MS,
    };
}

static void set_bounds(struct gateway *gw)
{
    const struct gateway_bounds *o = &gw->options->bounds;
    gw->bounds = (struct gateway_bounds){
        .clients = o->clients ? o->clients : GATEWAY_CLIENTS_MAX,
        .handshakes = o->handshakes ? o->handshakes : GATEWAY_HANDSHAKES_MAX,
        .runs = o->runs ? o->runs : GATEWAY_RUNS_MAX,
        .prompt = o->prompt ? o->prompt : GATEWAY_PROMPT_MAX,
        .told = o->told ? o->told : GATEWAY_TOLD_MAX,
        .out = o->out ? o->out : GATEWAY_CLIENT_OUT_MAX,
        .slow = o->slow ? o->slow : GATEWAY_CLIENT_SLOW,
    };
}

/* Who connects first is told the health of everything, too. It was asked for a while ago. */
static void await_health(struct gateway *gw)
{
    int64_t until_ms = clock_mono_ms() + gw->options->await_health_ms;
    struct msg in;
    while (!gw->stopping && gateway_events_health(gw, INT64_MAX).n == 0) {
        int rc = mailbox_recv(gw->mailbox, clock_left_ms(until_ms), &in);
        if (rc == GW_EBADMSG) continue;
        if (rc) return;
        receive(gw, &in);
        msg_clear(&in);
    }
}

int gateway_open(struct gateway *gw, mailbox_t *mb, struct gateway_options *options)
{
    *gw = (struct gateway){ .options = options, .mailbox = mb, .services = 1, .started_ms = clock_mono_ms() };
    struct msg listening = { .kind = MSG_gateway_listening };
    int port = 0;
    gw->cfg = config_gateway(gw->options->config);
    set_times(gw);
    set_bounds(gw);
    int rc = gateway_auth_create(gw->cfg, str_of(gw->options->token), &gw->auth);
    if (rc == 0) rc = gateway_events_create(gw);
    if (rc == 0) rc = gateway_crowd_create(gw);
    if (rc == 0) rc = gateway_poll_begin();
    if (rc == 0) rc = gateway_runs_create(gw);
    if (rc == 0) rc = gateway_misc_create(gw);
    if (rc == 0) gateway_events_ask_health(gw);
    if (rc == 0) rc = gateway_devices_create(gw);
    if (rc == 0) rc = create_context(gw);
    if (rc == 0) rc = adopt_mailbox(gw);
    if (rc == 0) rc = gateway_heartbeat_create(gw);
    if (rc == 0 && options->await_health_ms) await_health(gw);
    if (rc == 0) rc = gateway_listen(gw, &port);
    if (rc == 0) gateway_start_devices_tick(gw);
    if (rc) return rc;
    log_event(LOG_INFO, "gateway_listened", LOG_T("address", gw->options->bind_host), LOG_I("port", port));
    listening.gateway_listening.port = port;
    rc = mailbox_send(gw->mailbox, "router", &listening);
    if (rc == 0) gateway_drain_mailbox(gw);
    return rc;
}

int gateway_round(struct gateway *gw)
{
    uint64_t calls = gw->calls;
    if (lws_service(gw->lws, 0) < 0) return GW_ESYS;
    gw->services++;
    gateway_spin_check(gw, calls);
    gateway_drain_mailbox(gw);
    return 0;
}

static bool has_unsent(const struct gateway *gw)
{
    const struct gateway_conn *c;
    const struct gateway_client *cl;
    DL_FOREACH(gw->conns, c)
    {
        if (gateway_unsent(c) > 0) return true;
    }
    DL_FOREACH(gw->clients, cl)
    {
        if (!cl->closed) return true;
    }
    return false;
}

/* Bytes that can still be sent are, within GATEWAY_FLUSH_MS. */
static void flush(struct gateway *gw)
{
    int64_t until_ms = clock_mono_ms() + GATEWAY_FLUSH_MS;
    while (has_unsent(gw) && clock_mono_ms() < until_ms) {
        gateway_start_tick(gw); /* so that the loop wakes without traffic */
        uint64_t calls = gw->calls;
        if (lws_service(gw->lws, 0) < 0) return;
        gw->services++;
        gateway_spin_check(gw, calls);
    }
}

void gateway_close(struct gateway *gw)
{
    gw->stopping = true;
    gateway_crowd_rest(gw);
    gateway_heartbeat_rest(gw);
    gateway_misc_rest(gw);
    gateway_runs_rest(gw);
    if (gw->lws) lws_context_destroy(gw->lws); /* closes and frees every connection */
    gateway_heartbeat_destroy(gw);
    gateway_misc_destroy(gw);
    gateway_devices_destroy(gw);
    gateway_runs_destroy(gw);
    gateway_crowd_destroy(gw);
    buf_free(&gw->together);
    gateway_events_destroy(gw);
    gateway_poll_end();
    gateway_auth_destroy(&gw->auth);
    config_unref(&gw->options->config);
    free(gw->options->token);
    free(gw->options->config_note);
    free(gw->options);
}

int gateway_actor(mailbox_t *mb, void *arg)
{
    struct gateway gw;
    log_set_actor("gateway");
    int rc = gateway_open(&gw, mb, arg);
    while (rc == 0 && !gw.stopping) rc = gateway_round(&gw);
    if (rc == 0) flush(&gw);
    gateway_close(&gw);
    return rc;
}
