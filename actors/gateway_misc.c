#include "actors/gateway_misc.h"

#include <stdlib.h>

#include "actors/gateway_events.h"
#include "actors/gateway_heartbeat.h"
#include "base/clock.h"
#include "base/json_read.h"

int gateway_misc_create(struct gateway *gw)
{
    gw->misc = calloc(1, sizeof *gw->misc);
    if (!gw->misc) return GW_ENOMEM;
    gw->misc->heartbeats = true;
    return approvals_create(&gw->misc->approvals);
}

void gateway_misc_destroy(struct gateway *gw)
{
    struct gateway_misc *m = gw->misc;
    if (!m) return;
    gateway_approvals_end(gw);
    gw->misc = NULL;
    for (size_t i = 0; i < m->event_count; i++) free(m->events[i].text);
    free(m->heartbeat);
    approvals_destroy(&m->approvals);
    free(m);
}

/* --- system events ------------------------------------------------------------------------------------------------ */

/* A repeat of the newest is no news. @return 0 or GW_ENOMEM */
static int queue_event(struct gateway_misc *m, struct str text)
{
    text = str_utf8_prefix(text, GATEWAY_EVENT_BYTES);
    if (m->event_count && str_is(text, m->events[m->event_count - 1].text)) return 0;
    char *copy = str_dup(text);
    if (!copy) return GW_ENOMEM;
    for (char *c = copy; *c; c++)
        if (*c == '\n' || *c == '\r') *c = ' '; /* one line each */
    if (m->event_count == GATEWAY_EVENTS_MAX) {
        free(m->events[0].text);
        memmove(m->events, m->events + 1, --m->event_count * sizeof m->events[0]);
    }
    m->events[m->event_count++] = (struct gateway_system_event){ copy, clock_wall_ms() };
    return 0;
}

size_t gateway_misc_take_events(struct gateway *gw, struct buf *out)
{
    struct gateway_misc *m = gw->misc;
    size_t taken = m->event_count;
    for (size_t i = 0; i < taken; i++) {
        char at[CLOCK_ISO_SIZE];
        clock_iso(m->events[i].at_ms, at);
        buf_printf(out, "System: [%.10s %.8s UTC] %s\n", at, at + 11, m->events[i].text);
    }
    if (out->err) return 0;
    for (size_t i = 0; i < taken; i++) free(m->events[i].text);
    m->event_count = 0;
    return taken;
}

void gateway_misc_write_events(const struct gateway *gw, struct buf *out)
{
    buf_char(out, '[');
    for (size_t i = 0; i < gw->misc->event_count; i++) {
        buf_json_comma(out);
        buf_json_str(out, str_of(gw->misc->events[i].text));
    }
    buf_char(out, ']');
}

static void system_event(struct gateway_request *rq, const json_t *params)
{
    struct str text = str_trim(json_str(params, "text"));
    if (!text.n) {
        gateway_refuse(rq, "INVALID_REQUEST", "text required");
        return;
    }
    gateway_events_told(rq->gw, params);
    if (!str_starts(text, STR("Node:")) && queue_event(rq->gw->misc, text) != 0)
        gateway_refuse(rq, "UNAVAILABLE", "out of memory");
    else
        gateway_respond(rq, STR("{\"ok\":true}"));
}

/* With either mode the text is seen by the main session's next turn; with `now` that comes at once. */
static void wake(struct gateway_request *rq, const json_t *params)
{
    struct str text = str_trim(json_str(params, "text"));
    bool ok = text.n > 0 && queue_event(rq->gw->misc, text) == 0;
    if (ok && str_is(json_str(params, "mode"), "now")) gateway_heartbeat_wake(rq->gw);
    gateway_respond(rq, ok ? STR("{\"ok\":true}") : STR("{\"ok\":false}"));
}

/* The query actor writes the answer; what waits here is handed in, whatever the client sent. */
static void status(struct gateway_request *rq, const json_t *params)
{
    struct buf events = { 0 };
    (void)params;
    gateway_misc_write_events(rq->gw, &events);
    json_t *list = json_loadb(events.p ? events.p : "[]", events.p ? events.n : 2, 0, NULL), *with = json_object();
    json_object_set_new(with, "queuedSystemEvents", list);
    gateway_request_forward(rq, "query", RPC_status, with);
    json_decref(with);
    buf_free(&events);
}

/* --- heartbeats --------------------------------------------------------------------------------------------------- */

void gateway_misc_keep_heartbeat(struct gateway *gw, struct str json)
{
    char *copy = str_dup(json);
    if (!copy) return;
    free(gw->misc->heartbeat);
    gw->misc->heartbeat = copy;
}

static void last_heartbeat(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_respond(rq, rq->gw->misc->heartbeat ? str_of(rq->gw->misc->heartbeat) : STR("null"));
}

static void set_heartbeats(struct gateway_request *rq, const json_t *params)
{
    const json_t *enabled = json_object_get(params, "enabled");
    if (!json_is_boolean(enabled)) {
        gateway_refuse(rq, "INVALID_REQUEST", "invalid set-heartbeats params: enabled (boolean) required");
        return;
    }
    rq->gw->misc->heartbeats = json_is_true(enabled);
    gateway_respond(rq, json_is_true(enabled) ? STR("{\"ok\":true,\"enabled\":true}") : STR("{\"ok\":true,\"enabled\":false}"));
}

/* --- voicewake.set ------------------------------------------------------------------------------------------------ */

/* The query actor wrote the file and tells what it holds now. */
static void on_voicewake(struct gateway_request *rq, const struct msg *in)
{
    char code[65];
    if (in->kind != MSG_rpc_result) {
        gateway_refuse(rq, "UNAVAILABLE", "no answer from a part of the gateway");
    } else if (in->rpc_result.code.n) {
        str_copy(code, sizeof code, in->rpc_result.code);
        gateway_respond_error(rq, code, in->rpc_result.text, in->rpc_result.details);
    } else {
        gateway_broadcast(rq->gw, GATEWAY_ALL, "voicewake.changed", in->rpc_result.payload, true);
        gateway_respond(rq, in->rpc_result.payload);
    }
}

static void voicewake_set(struct gateway_request *rq, const json_t *params)
{
    gateway_request_call(rq, "query", RPC_voicewake_set, params, on_voicewake);
}

const struct gateway_rpc_handler gateway_misc_handlers[] = {
    { RPC_status, status },
    { RPC_wake, wake },
    { RPC_system_event, system_event },
    { RPC_last_heartbeat, last_heartbeat },
    { RPC_set_heartbeats, set_heartbeats },
    { RPC_voicewake_set, voicewake_set },
    { RPC_none, NULL },
};
