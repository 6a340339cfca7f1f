/* actors/gateway_events.c -- events to all clients: numbered in one row, with the versions of presence and health; the list
 * of who is here, the health object that is kept, the tick. */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <utlist.h>

#include "actors/gateway_client.h"
#include "actors/gateway_crowd.h"
#include "actors/gateway_events.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"
#include "channels/presence.h"

struct gateway_events {
    struct gateway *gw;
    int64_t seq; /* of the last event to all */
    int64_t presence_version, health_version;
    presence_t *presence;
    struct buf health;                   /* the last health object; empty: none yet */
    int64_t health_ms;                   /* monotonic, when it came */
    uint64_t health_corr;                /* it is being asked for under this corr; 0: it is not */
    int64_t health_asked_ms;             /* monotonic */
    bool health_wanted, presence_wanted; /* as soon as the pause since the last one is over */
    int64_t presence_ms;                 /* monotonic, when presence was last told */
    lws_sorted_usec_list_t tick, soon;
    char host[256], ip[16]; /* ip "": there is no network */
    char platform[128], machine[64];
};

/* --- sending ---------------------------------------------------------------------------------------------------- */

static bool hears(const struct gateway_client *cl, enum gateway_audience audience)
{
    if (cl->state != CLIENT_CONNECTED) return false;
    return cl->who.admin || (audience == GATEWAY_APPROVERS ? cl->who.approvals : cl->who.pairing);
}

static void tell_some(struct gateway *gw, enum gateway_audience audience, struct gateway_frame *f, bool drop_if_slow)
{
    struct gateway_client *cl, *safe;
    DL_FOREACH_SAFE(gw->clients, cl, safe)
    {
        if (hears(cl, audience)) gateway_client_queue(cl, f, drop_if_slow);
    }
}

bool gateway_has_clients(const struct gateway *gw)
{
    return gw->client_count > gw->handshakes;
}

static void begin_event(struct buf *text, const char *event, struct str payload)
{
    buf_text(text, "{\"type\":\"event\",\"event\":\"");
    buf_text(text, event);
    buf_text(text, "\",\"payload\":");
    buf_add(text, payload);
}

void gateway_events_write_version(const struct gateway *gw, struct buf *out)
{
    buf_printf(out, "{\"presence\":%lld,\"health\":%lld}", (long long)gw->events->presence_version, (long long)gw->events->health_version);
}

void gateway_broadcast(struct gateway *gw, enum gateway_audience audience, const char *event, struct str payload, bool drop_if_slow)
{
    struct buf text = { 0 };
    if (!gateway_has_clients(gw)) return;
    begin_event(&text, event, payload);
    buf_printf(&text, ",\"seq\":%lld", (long long)++gw->events->seq);
    if (strcmp(event, "presence") == 0 || strcmp(event, "health") == 0) {
        buf_json_key(&text, "stateVersion");
        gateway_events_write_version(gw, &text);
    }
    buf_char(&text, '}');
    struct gateway_frame *f = text.err ? NULL : gateway_frame_create(buf_str(&text));
    if (!f) log_event(LOG_ERROR, "event_lost", LOG_T("kind", event), LOG_I("bytes", (int64_t)payload.n));
    if (f && audience == GATEWAY_ALL) gateway_crowd_tell(gw, f, drop_if_slow);
    if (f && audience != GATEWAY_ALL) tell_some(gw, audience, f, drop_if_slow);
    gateway_frame_drop(f);
    buf_free(&text);
}

void gateway_tell(struct gateway_client *cl, const char *event, struct str payload)
{
    struct buf text = { 0 };
    begin_event(&text, event, payload);
    buf_char(&text, '}');
    if (!text.err) gateway_client_send(cl, buf_str(&text));
    buf_free(&text);
}

/* --- presence --------------------------------------------------------------------------------------------------- */

static void write_self(const struct gateway_events *ev, struct buf *out)
{
    struct buf text = { .max = 1024 };
    buf_printf(&text, "Gateway: %s%s%s%s · app %s · mode gateway · reason self", ev->host, ev->ip[0] ? " (" : "", ev->ip,
               ev->ip[0] ? ")" : "", version_shown());
    buf_char(out, '{');
    buf_json_pair_str(out, "host", str_of(ev->host));
    if (ev->ip[0]) buf_json_pair_str(out, "ip", str_of(ev->ip));
    buf_json_pair_str(out, "version", str_of(version_shown()));
    buf_json_pair_str(out, "platform", str_of(ev->platform));
    buf_json_pair_str(out, "deviceFamily", STR("Linux"));
    buf_json_pair_str(out, "modelIdentifier", str_of(ev->machine));
    buf_json_pair_str(out, "mode", STR("gateway"));
    buf_json_pair_str(out, "reason", STR("self"));
    buf_json_pair_str(out, "text", buf_str(&text));
    buf_json_pair_int(out, "ts", clock_wall_ms());
    buf_char(out, '}');
    buf_free(&text);
}

void gateway_events_write_presence(struct gateway *gw, struct buf *out)
{
    struct buf self = { .max = 4096 };
    write_self(gw->events, &self);
    presence_write(gw->events->presence, buf_str(&self), clock_wall_ms(), out);
    buf_free(&self);
}

static void touch(struct gateway_client *cl, const char *reason)
{
    const struct gateway_identity *who = &cl->who;
    const char *key = who->device_id ? who->device_id : who->instance_id ? who->instance_id : cl->conn_id;
    const struct presence_entry entry = {
        .key = str_of(key),
        .host = str_of(who->display_name ? who->display_name : who->client_id),
        .ip = cl->local ? (struct str){ NULL, 0 } : str_of(cl->peer.address),
        .version = str_of(who->version),
        .platform = str_of(who->platform),
        .device_family = str_of(who->device_family),
        .model_identifier = str_of(who->model_identifier),
        .mode = str_of(who->mode),
        .reason = str_of(reason),
        .device_id = str_of(who->device_id),
        .instance_id = str_of(who->device_id ? who->device_id : who->instance_id),
        .role = who->node ? STR("node") : STR("operator"),
        .scopes = str_of(who->scopes),
        .now_ms = clock_wall_ms(),
    };
    cl->gw->events->presence_version++;
    presence_touch(cl->gw->events->presence, &entry);
}

static void tell_presence(struct gateway *gw)
{
    struct buf payload = { 0 };
    gw->events->presence_wanted = false;
    gw->events->presence_ms = clock_mono_ms();
    if (!gateway_has_clients(gw)) return;
    buf_text(&payload, "{\"presence\":");
    gateway_events_write_presence(gw, &payload);
    buf_char(&payload, '}');
    gateway_broadcast(gw, GATEWAY_ALL, "presence", buf_str(&payload), true);
    buf_free(&payload);
}

/* --- health ----------------------------------------------------------------------------------------------------- */

void gateway_events_ask_health(struct gateway *gw)
{
    struct gateway_events *ev = gw->events;
    struct msg m = { .kind = MSG_rpc_call, .corr = mailbox_corr(gw->mailbox) };
    m.rpc_call.method = RPC_health;
    m.rpc_call.flags = 1;
    m.rpc_call.params = STR("{}");
    ev->health_wanted = false;
    ev->health_asked_ms = clock_mono_ms();
    if (mailbox_send(gw->mailbox, "query", &m) == 0) ev->health_corr = m.corr;
}

bool gateway_events_message(struct gateway *gw, const struct msg *in)
{
    struct gateway_events *ev = gw->events;
    if (in->kind != MSG_rpc_result && in->kind != MSG_error) return false;
    if (ev->health_corr == 0 || in->corr != ev->health_corr) return false;
    ev->health_corr = 0;
    if (in->kind == MSG_rpc_result && in->rpc_result.code.n == 0) {
        gateway_events_keep_health(gw, in->rpc_result.payload);
        gateway_broadcast(gw, GATEWAY_ALL, "health", buf_str(&ev->health), true);
    }
    return true;
}

void gateway_events_keep_health(struct gateway *gw, struct str json)
{
    buf_clear(&gw->events->health);
    buf_add(&gw->events->health, json);
    gw->events->health_ms = clock_mono_ms();
    gw->events->health_version++;
}

struct str gateway_events_health(const struct gateway *gw, int64_t max_age_ms)
{
    const struct gateway_events *ev = gw->events;
    bool fresh = ev->health.n && clock_mono_ms() - ev->health_ms < max_age_ms;
    return fresh ? buf_str(&ev->health) : (struct str){ 0 };
}

/* --- pauses: what is told to all is told rarely, however many come and go ---------------------------------------- */

/* With many clients each telling is many frames: the pause grows with them. */
static int64_t pause_ms(const struct gateway *gw)
{
    return GATEWAY_TELL_MS + (int64_t)gw->client_count;
}

static void on_soon(lws_sorted_usec_list_t *sul)
{
    struct gateway_events *ev = lws_container_of(sul, struct gateway_events, soon);
    struct gateway *gw = ev->gw;
    int64_t now = clock_mono_ms(), pause = pause_ms(gw);
    if (ev->health_wanted && !ev->health_corr && now - ev->health_asked_ms >= pause) gateway_events_ask_health(gw);
    if (ev->presence_wanted && now - ev->presence_ms >= pause) tell_presence(gw);
    if (ev->health_wanted || ev->presence_wanted) lws_sul_schedule(gw->lws, 0, &ev->soon, on_soon, pause * LWS_US_PER_MS);
}

void gateway_events_want(struct gateway *gw, bool health, bool presence)
{
    struct gateway_events *ev = gw->events;
    if (gw->stopping) return;
    bool waits = ev->health_wanted || ev->presence_wanted;
    ev->health_wanted |= health;
    ev->presence_wanted |= presence;
    if (!waits) on_soon(&ev->soon);
}

static void on_tick(lws_sorted_usec_list_t *sul)
{
    struct gateway_events *ev = lws_container_of(sul, struct gateway_events, tick);
    struct gateway *gw = ev->gw;
    struct buf payload = { .max = 64 };
    if (!gateway_has_clients(gw)) return; /* the next one that comes starts it again */
    buf_printf(&payload, "{\"ts\":%lld}", (long long)clock_wall_ms());
    gateway_broadcast(gw, GATEWAY_ALL, "tick", buf_str(&payload), true);
    buf_free(&payload);
    if (clock_mono_ms() - ev->health_ms >= GATEWAY_HEALTH_MS) gateway_events_want(gw, true, false);
    lws_sul_schedule(gw->lws, 0, &ev->tick, on_tick, (lws_usec_t)GATEWAY_CLIENT_TICK_MS * LWS_US_PER_MS);
}

/* --- coming and going ------------------------------------------------------------------------------------------- */

void gateway_events_joining(struct gateway_client *cl)
{
    if (cl->who.mode && strcmp(cl->who.mode, "cli") == 0) return;
    cl->present = true;
    touch(cl, "connect");
}

void gateway_events_joined(struct gateway_client *cl)
{
    struct gateway *gw = cl->gw;
    gateway_client_greeted(cl);
    if (gw->client_count - gw->handshakes == 1)
        lws_sul_schedule(gw->lws, 0, &gw->events->tick, on_tick, (lws_usec_t)GATEWAY_CLIENT_TICK_MS * LWS_US_PER_MS);
    gateway_events_want(gw, true, false);
}

void gateway_events_left(struct gateway_client *cl)
{
    if (cl->gw->stopping) return;
    touch(cl, "disconnect");
    gateway_events_want(cl->gw, false, true);
}

void gateway_events_told(struct gateway *gw, const json_t *fields)
{
    gw->events->presence_version++;
    presence_tell(gw->events->presence, fields, clock_wall_ms());
    gateway_events_want(gw, false, true);
}

void gateway_events_shutdown(struct gateway *gw, const char *reason, int64_t restart_expected_ms)
{
    struct gateway_client *cl, *safe;
    struct buf payload = { .max = 256 };
    buf_char(&payload, '{');
    buf_json_pair_str(&payload, "reason", str_of(reason));
    buf_json_key(&payload, "restartExpectedMs");
    if (restart_expected_ms > 0)
        buf_int(&payload, restart_expected_ms);
    else
        buf_text(&payload, "null");
    buf_char(&payload, '}');
    gateway_broadcast(gw, GATEWAY_ALL, "shutdown", buf_str(&payload), false);
    buf_free(&payload);
    DL_FOREACH_SAFE(gw->clients, cl, safe)
    {
        gateway_client_close(cl, 1012, STR("service restart"));
    }
}

/* The first address that others could reach this machine by. */
static void find_address(char out[16])
{
    struct ifaddrs *all = NULL;
    if (getifaddrs(&all) != 0) return;
    for (const struct ifaddrs *a = all; a && !out[0]; a = a->ifa_next) {
        if (!a->ifa_addr || a->ifa_addr->sa_family != AF_INET || a->ifa_flags & IFF_LOOPBACK || !(a->ifa_flags & IFF_UP)) continue;
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a->ifa_addr)->sin_addr, out, 16);
    }
    freeifaddrs(all);
}

int gateway_events_create(struct gateway *gw)
{
    struct utsname name;
    struct gateway_events *ev = gw->events = calloc(1, sizeof *ev);
    if (!ev) return GW_ENOMEM;
    ev->gw = gw;
    if (gethostname(ev->host, sizeof ev->host - 1) != 0 || !ev->host[0]) str_copy(ev->host, sizeof ev->host, STR("localhost"));
    find_address(ev->ip);
    if (uname(&name) == 0) {
        snprintf(ev->platform, sizeof ev->platform, "linux %.100s", name.release);
        str_copy(ev->machine, sizeof ev->machine, strcmp(name.machine, "x86_64") == 0 ? STR("x64") : str_of(name.machine));
    }
    ev->health_asked_ms = ev->presence_ms = clock_mono_ms() - 24 * 3600 * 1000;
    return presence_create(&ev->presence);
}

const char *gateway_events_host(const struct gateway *gw)
{
    return gw->events->host;
}

void gateway_events_destroy(struct gateway *gw)
{
    if (!gw->events) return;
    presence_destroy(&gw->events->presence);
    buf_free(&gw->events->health);
    free(gw->events);
    gw->events = NULL;
}
