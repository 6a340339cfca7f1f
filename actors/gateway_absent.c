/* What this gateway does not have: each method says so in the shape in which OpenClaw's clients read it. */
#include <stdio.h>

#include "actors/gateway_misc.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/random.h"

/* "unsupported channel: foo" */
static void refuse_with(struct gateway_request *rq, const char *text, struct str what)
{
    struct buf why = { .max = 1024 };
    buf_printf(&why, "%s%.*s", text, STR_ARG(str_utf8_prefix(what, 200)));
    gateway_respond_error(rq, "INVALID_REQUEST", buf_str(&why), (struct str){ NULL, 0 });
    buf_free(&why);
}

/* --- nodes: none can be paired, so none is known -------------------------------------------------------------------- */

static void node_list(struct gateway_request *rq, const json_t *params)
{
    struct buf payload = { 0 };
    (void)params;
    buf_char(&payload, '{');
    buf_json_pair_int(&payload, "ts", clock_wall_ms());
    buf_text(&payload, ",\"nodes\":[]}");
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
}

static void node_unknown(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_refuse(rq, "INVALID_REQUEST", "unknown nodeId");
}

static void node_absent(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_respond_error(rq, "UNAVAILABLE", STR("node not connected"), STR("{\"code\":\"NOT_CONNECTED\"}"));
}

static void node_said(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_respond(rq, STR("{\"ok\":true,\"ignored\":true}")); /* nothing was asked of it */
}

static void node_pair_request(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_refuse(rq, "UNAVAILABLE", "This gateway takes no nodes.");
}

static void node_pair_list(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_respond(rq, STR("{\"pending\":[],\"paired\":[]}"));
}

static void node_pair_unknown(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_refuse(rq, "INVALID_REQUEST", "unknown requestId");
}

static void node_pair_verify(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_respond(rq, STR("{\"ok\":false}"));
}

/* --- the guided set-up ---------------------------------------------------------------------------------------------- */

static void wizard_start(struct gateway_request *rq, const json_t *params)
{
    char id[RANDOM_UUID_SIZE];
    struct buf payload = { 0 };
    (void)params;
    random_uuid(id);
    buf_char(&payload, '{');
    buf_json_pair_str(&payload, "sessionId", str_of(id));
    buf_text(&payload, ",\"done\":true,\"status\":\"error\"");
    buf_json_pair_str(&payload, "error", STR("This gateway has no guided set-up: edit its configuration file."));
    buf_char(&payload, '}');
    gateway_respond(rq, buf_str(&payload));
    buf_free(&payload);
}

static void wizard_unknown(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_refuse(rq, "INVALID_REQUEST", "wizard not found");
}

/* --- channels: none is connected yet --------------------------------------------------------------------------------- */

static const struct channel {
    const char *id, *absent;
} known[] = {
    { "discord", "This gateway does not connect to Discord yet: nothing was sent." },
    { "telegram", "This gateway does not connect to Telegram yet: nothing was sent." },
};
enum { KNOWN = sizeof known / sizeof *known };

/* The channel that a request names, or OpenClaw's default for none. */
static struct str channel_of(const json_t *params)
{
    struct str name = str_trim(json_str(params, "channel"));
    return name.n ? name : STR("whatsapp");
}

static const struct channel *find(struct str name)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (str_ieq(name, str_of(known[i].id))) return &known[i];
    return NULL;
}

static void send_to(struct gateway_request *rq, const json_t *params, const char *unsupported)
{
    const struct channel *c = find(channel_of(params));
    if (c)
        gateway_refuse(rq, "UNAVAILABLE", c->absent);
    else
        refuse_with(rq, unsupported, channel_of(params));
}

static void send_message(struct gateway_request *rq, const json_t *params)
{
    if (!gateway_channel_send(rq, params)) send_to(rq, params, "unsupported channel: ");
}

static void send_poll(struct gateway_request *rq, const json_t *params)
{
    send_to(rq, params, "unsupported poll channel: ");
}

static void channels_logout(struct gateway_request *rq, const json_t *params)
{
    const struct channel *c = find(channel_of(params));
    char text[96];
    snprintf(text, sizeof text, "channel %s does not support logout", c ? c->id : "");
    gateway_refuse(rq, "INVALID_REQUEST", c ? text : "invalid channels.logout channel");
}

static void web_login(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_refuse(rq, "INVALID_REQUEST", "web login provider is not available");
}

/* --- the rest ----------------------------------------------------------------------------------------------------------- */

static void talk_mode(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_refuse(rq, "UNAVAILABLE", "talk disabled: no connected iOS/Android nodes");
}

static void browser_request(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_refuse(rq, "UNAVAILABLE", "browser control is disabled");
}

static void update_run(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    gateway_refuse(rq, "UNAVAILABLE", "This gateway does not update itself: replace its program or its image, and restart it.");
}

const struct gateway_rpc_handler gateway_absent_handlers[] = {
    { RPC_node_list, node_list },
    { RPC_node_describe, node_unknown },
    { RPC_node_rename, node_unknown },
    { RPC_node_invoke, node_absent },
    { RPC_node_invoke_result, node_said },
    { RPC_node_event, node_said },
    { RPC_exec_approvals_node_get, node_absent },
    { RPC_exec_approvals_node_set, node_absent },
    { RPC_node_pair_request, node_pair_request },
    { RPC_node_pair_list, node_pair_list },
    { RPC_node_pair_approve, node_pair_unknown },
    { RPC_node_pair_reject, node_pair_unknown },
    { RPC_node_pair_verify, node_pair_verify },
    { RPC_wizard_start, wizard_start },
    { RPC_wizard_next, wizard_unknown },
    { RPC_wizard_cancel, wizard_unknown },
    { RPC_wizard_status, wizard_unknown },
    { RPC_send, send_message },
    { RPC_poll, send_poll },
    { RPC_channels_logout, channels_logout },
    { RPC_web_login_start, web_login },
    { RPC_web_login_wait, web_login },
    { RPC_talk_mode, talk_mode },
    { RPC_browser_request, browser_request },
    { RPC_update_run, update_run },
    { RPC_none, NULL },
};
