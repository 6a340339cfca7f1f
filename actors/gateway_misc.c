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
    gw->misc->gw = gw;
    gw->misc->heartbeats = true;
    return approvals_create(&gw->misc->approvals);
}

void gateway_misc_rest(struct gateway *gw)
{
    if (gw->misc) lws_sul_cancel(&gw->misc->posts_timer);
}

void gateway_misc_destroy(struct gateway *gw)
{
    struct gateway_misc *m = gw->misc;
    if (!m) return;
    gateway_approvals_end(gw);
    gw->misc = NULL;
    system_events_free(&m->events);
    free(m->heartbeat);
    approvals_destroy(&m->approvals);
    free(m);
}

/* --- system events ------------------------------------------------------------------------------------------------ */

static void tell_taken(struct gateway *gw, const struct gateway_teller *teller)
{
    const struct msg m = { .kind = MSG_system_event_taken, .corr = teller->corr };
    mailbox_send(gw->mailbox, teller->name, &m);
}

size_t gateway_misc_take_events(struct gateway *gw, struct buf *out)
{
    struct gateway_misc *m = gw->misc;
    size_t count = system_events_take(&m->events, out);
    for (size_t i = 0; count && i < m->teller_count; i++) tell_taken(gw, &m->tellers[i]);
    if (count) m->teller_count = 0;
    return count;
}

static void keep_event(struct gateway *gw, const struct msg *in)
{
    struct gateway_misc *m = gw->misc;
    system_events_add(&m->events, in->system_event.text, clock_wall_ms());
    if (in->system_event.now) gateway_heartbeat_wake(gw);
    if (in->corr == 0) return;
    if (m->teller_count == GATEWAY_TELLERS_MAX) { /* its event had to make room, too */
        tell_taken(gw, &m->tellers[0]);
        memmove(m->tellers, m->tellers + 1, --m->teller_count * sizeof m->tellers[0]);
    }
    struct gateway_teller *teller = &m->tellers[m->teller_count++];
    teller->corr = in->corr;
    str_copy(teller->name, sizeof teller->name, str_of(in->from));
}

bool gateway_misc_message(struct gateway *gw, const struct msg *in)
{
    char name[65];
    if (in->kind == MSG_system_event) {
        keep_event(gw, in);
    } else if (in->kind == MSG_client_event) {
        str_copy(name, sizeof name, in->client_event.event);
        gateway_broadcast(gw, GATEWAY_ALL, name, in->client_event.json, true);
    } else {
        return false;
    }
    return true;
}

void gateway_misc_write_events(const struct gateway *gw, struct buf *out)
{
    system_events_write(&gw->misc->events, out);
}

static void system_event(struct gateway_request *rq, const json_t *params)
{
    struct str text = str_trim(json_str(params, "text"));
    if (!text.n) {
        gateway_refuse(rq, "INVALID_REQUEST", "text required");
        return;
    }
    gateway_events_told(rq->gw, params);
    if (!str_starts(text, STR("Node:")) && system_events_add(&rq->gw->misc->events, text, clock_wall_ms()) != 0)
        gateway_refuse(rq, "UNAVAILABLE", "out of memory");
    else
        gateway_respond(rq, STR("{\"ok\":true}"));
}

/* With either mode the text is seen by the main session's next turn; with `now` that comes at once. */
static void wake(struct gateway_request *rq, const json_t *params)
{
    struct str text = str_trim(json_str(params, "text"));
    bool ok = text.n > 0 && system_events_add(&rq->gw->misc->events, text, clock_wall_ms()) == 0;
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
