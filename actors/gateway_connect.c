/* actors/gateway_connect.c -- the first message of a WebSocket client: the frame's own rules, the judgement, hello-ok. */
#include <stdlib.h>

#include "actors/gateway_client.h"
#include "actors/gateway_events.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/version.h"

enum { REASON_MAX = 120 /* bytes of a close reason made from a message (reference 2.2) */ };

void gateway_identity_free(struct gateway_identity *who)
{
    free(who->client_id);
    free(who->mode);
    free(who->version);
    free(who->platform);
    free(who->display_name);
    free(who->device_family);
    free(who->model_identifier);
    free(who->instance_id);
    free(who->device_id);
    free(who->scopes);
    *who = (struct gateway_identity){ 0 };
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

void gateway_connect_refuse(struct gateway_client *cl, struct str id, const char *code, struct str message, struct str details,
                            int close_code, struct str reason)
{
    struct buf text = { 0 };
    buf_text(&text, "{\"type\":\"res\",\"id\":");
    buf_add(&text, id);
    buf_text(&text, ",\"ok\":false,\"error\":{");
    buf_json_pair_str(&text, "code", str_of(code));
    buf_json_pair_str(&text, "message", message);
    if (details.n) {
        buf_json_key(&text, "details");
        buf_add(&text, details);
    }
    buf_text(&text, "}}");
    gateway_client_send(cl, buf_str(&text));
    gateway_client_close(cl, close_code, str_utf8_prefix(reason, REASON_MAX));
    buf_free(&text);
}

static void refuse(struct gateway_client *cl, struct str id, struct str message)
{
    gateway_connect_refuse(cl, id, "INVALID_REQUEST", message, (struct str){ 0 }, LWS_CLOSE_STATUS_POLICY_VIOLATION, message);
}

static void write_features(struct buf *out)
{
    static const char *const events[] = { "connect.challenge",
                                          "agent",
                                          "chat",
                                          "presence",
                                          "tick",
                                          "talk.mode",
                                          "shutdown",
                                          "health",
                                          "heartbeat",
                                          "cron",
                                          "node.pair.requested",
                                          "node.pair.resolved",
                                          "node.invoke.request",
                                          "device.pair.requested",
                                          "device.pair.resolved",
                                          "voicewake.changed",
                                          "exec.approval.requested",
                                          "exec.approval.resolved" };
    buf_text(out, ",\"features\":{\"methods\":[");
    for (int id = 1; id < RPC_COUNT; id++) {
        if (!rpc_method((enum rpc_id)id)->shown) continue;
        buf_json_comma(out);
        buf_json_str(out, str_of(rpc_method((enum rpc_id)id)->name));
    }
    buf_text(out, "],\"events\":[");
    for (size_t i = 0; i < sizeof events / sizeof *events; i++) {
        buf_json_comma(out);
        buf_json_str(out, str_of(events[i]));
    }
    buf_text(out, "]}");
}

static void write_session_defaults(const config_t *cfg, struct buf *out)
{
    struct str agent = config_agent_default(cfg)->id, key = config_str(cfg, "session.mainKey"), scope = config_str(cfg, "session.scope");
    struct buf main = { .max = 1024 };
    if (key.n == 0) key = STR("main");
    buf_printf(&main, "agent:%.*s:%.*s", STR_ARG(agent), STR_ARG(key));
    buf_text(out, ",\"sessionDefaults\":{");
    buf_json_pair_str(out, "defaultAgentId", agent);
    buf_json_pair_str(out, "mainKey", key);
    buf_json_pair_str(out, "mainSessionKey", buf_str(&main));
    buf_json_pair_str(out, "scope", scope.n ? scope : STR("per-sender"));
    buf_char(out, '}');
    buf_free(&main);
}

static const char *auth_mode(const struct gateway *gw)
{
    return gw->options->token ? "token" : config_auth_name(gw->cfg->auth);
}

static void write_snapshot(struct gateway *gw, struct buf *out)
{
    const config_t *cfg = gw->options->config;
    struct str health = gateway_events_health(gw, INT64_MAX);
    buf_text(out, ",\"snapshot\":{\"presence\":");
    gateway_events_write_presence(gw, out);
    buf_text(out, ",\"health\":");
    buf_add(out, health.n ? health : STR("{}"));
    buf_text(out, ",\"stateVersion\":");
    gateway_events_write_version(gw, out);
    buf_json_pair_int(out, "uptimeMs", clock_mono_ms() - gw->started_ms);
    buf_json_pair_str(out, "configPath", config_file(cfg));
    buf_json_pair_str(out, "stateDir", config_state(cfg));
    write_session_defaults(cfg, out);
    buf_json_pair_str(out, "authMode", str_of(auth_mode(gw)));
    buf_char(out, '}');
}

static void write_grant(const struct gateway_client *cl, const struct gateway_greeting *greeting, struct buf *out)
{
    if (greeting->device_token.n == 0) return;
    buf_text(out, ",\"auth\":{");
    buf_json_pair_str(out, "deviceToken", greeting->device_token);
    buf_json_pair_str(out, "role", cl->who.node ? STR("node") : STR("operator"));
    buf_json_key(out, "scopes");
    buf_add(out, greeting->token_scopes);
    buf_json_pair_int(out, "issuedAtMs", greeting->issued_at_ms);
    buf_char(out, '}');
}

void gateway_connect_greet(struct gateway_client *cl, struct str id, const struct gateway_greeting *greeting)
{
    struct gateway *gw = cl->gw;
    struct buf text = { 0 };
    cl->state = CLIENT_CONNECTED;
    cl->greeted = true;
    gw->handshakes--;
    gateway_events_joining(cl);
    buf_text(&text, "{\"type\":\"res\",\"id\":");
    buf_add(&text, id);
    buf_printf(&text, ",\"ok\":true,\"payload\":{\"type\":\"hello-ok\",\"protocol\":%d,\"server\":{", RPC_PROTOCOL);
    buf_json_pair_str(&text, "version", str_of(version_shown()));
    buf_json_pair_str(&text, "host", str_of(gateway_events_host(gw)));
    buf_json_pair_str(&text, "connId", str_of(cl->conn_id));
    buf_char(&text, '}');
    write_features(&text);
    write_snapshot(gw, &text);
    write_grant(cl, greeting, &text);
    buf_printf(&text, ",\"policy\":{\"maxPayload\":%d,\"maxBufferedBytes\":%d,\"tickIntervalMs\":%d}}}", GATEWAY_MESSAGE_MAX,
               GATEWAY_CLIENT_OUT_MAX, GATEWAY_CLIENT_TICK_MS);
    gateway_client_send(cl, buf_str(&text));
    buf_free(&text);
    gateway_events_joined(cl);
    log_event(LOG_INFO, "client_connected", LOG_T("conn", cl->conn_id), LOG_T("client", cl->who.client_id), LOG_T("mode", cl->who.mode),
              LOG_T("address", cl->peer.address), LOG_T("device", cl->who.device_id ? cl->who.device_id : ""));
}

/* --- the first message ------------------------------------------------------------------------------------------ */

static void on_request(struct gateway_client *cl, const struct rpc_frame *frame)
{
    struct str id = buf_str(&frame->id);
    struct buf why = { 0 };
    if (!str_is(frame->method, "connect"))
        refuse(cl, id, STR("invalid handshake: first request must be connect"));
    else if (rpc_check_connect(frame->params, &why) != 0)
        refuse(cl, id, buf_str(&why));
    else
        gateway_connect_judge(cl, id, frame->params);
    buf_free(&why);
}

void gateway_connect_message(struct gateway_client *cl, struct str text)
{
    struct rpc_frame frame = { 0 };
    if (rpc_frame_read(text, &frame) != 0)
        gateway_kill(cl->conn);
    else if (frame.kind == RPC_FRAME_REQUEST)
        on_request(cl, &frame);
    else if (frame.kind == RPC_FRAME_INVALID)
        gateway_client_close(cl, LWS_CLOSE_STATUS_POLICY_VIOLATION, STR("invalid request frame"));
    else
        gateway_client_close(cl, LWS_CLOSE_STATUS_NORMAL, (struct str){ 0 });
    rpc_frame_free(&frame);
}
