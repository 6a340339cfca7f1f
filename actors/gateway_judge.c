/* actors/gateway_judge.c -- a `connect` of right form: the facts of its connection, the verdict, what follows from it. */
#include <stdlib.h>

#include "actors/gateway_client.h"
#include "actors/gateway_devices.h"
#include "base/clock.h"
#include "base/log.h"
#include "channels/connect.h"

/* --- the facts -------------------------------------------------------------------------------------------------- */

static struct connect_place place_of(const struct gateway_client *cl)
{
    return (struct connect_place){ .address = str_of(cl->peer.address),
                                   .host = str_of(cl->host),
                                   .forwarded = cl->peer.forwarded,
                                   .peer_trusted = cl->peer.trusted };
}

static struct connect_facts facts_of(struct gateway_client *cl)
{
    struct gateway *gw = cl->gw;
    const struct config_gateway *cfg = gw->cfg;
    struct connect_place place = place_of(cl);
    struct str given = str_of(gw->options->token), address = str_of(cl->peer.address);
    cl->local = connect_is_local(&place);
    return (struct connect_facts){
        .local = cl->local,
        .address = address,
        .remote_ip = cl->local || connect_address_is_loopback(address) ? (struct str){ 0 } : address,
        .origin = str_of(cl->origin),
        .host = str_of(cl->host),
        .nonce = str_of(cl->nonce),
        .now_ms = clock_wall_ms(),
        .locked = gateway_auth_locked_ms(gw->auth, &cl->peer, clock_mono_ms()) > 0,
        .mode = given.n ? CONFIG_AUTH_TOKEN : cfg->auth,
        .token = given.n ? given : cfg->token,
        .password = cfg->password,
        .bootstrap = gateway_devices_bootstrap(gw),
        .allowed_origins = cfg->allowed_origins,
        .allowed_origin_count = cfg->allowed_origin_count,
        .allow_insecure_auth = config_bool(gw->options->config, "gateway.controlUi.allowInsecureAuth"),
        .disable_device_auth = config_bool(gw->options->config, "gateway.controlUi.dangerouslyDisableDeviceAuth"),
    };
}

static char *copy(struct str text)
{
    return text.n ? str_dup(text) : NULL;
}

static void identify(struct gateway_client *cl, const struct connect_params *p, const struct connect_verdict *v)
{
    struct gateway_identity *who = &cl->who;
    struct buf scopes = { 0 };
    scopes_write(&v->scopes, &scopes);
    *who = (struct gateway_identity){
        .client_id = copy(p->client_id),
        .mode = copy(p->client_mode),
        .version = copy(p->client_version),
        .platform = copy(p->platform),
        .display_name = copy(p->display_name),
        .device_family = copy(p->device_family),
        .model_identifier = copy(p->model_identifier),
        .instance_id = copy(p->instance_id),
        .device_id = copy(str_of(v->device_id)),
        .node = v->role == DEVICE_NODE,
        .read = scopes_has(&v->scopes, STR("operator.read")),
        .write = scopes_has(&v->scopes, STR("operator.write")),
        .admin = scopes_has(&v->scopes, STR("operator.admin")),
        .approvals = scopes_has(&v->scopes, STR("operator.approvals")),
        .pairing = scopes_has(&v->scopes, STR("operator.pairing")),
        .scopes = copy(buf_str(&scopes)),
        .tool_events = p->tool_events,
    };
    buf_free(&scopes);
}

/* --- what follows ----------------------------------------------------------------------------------------------- */


static void turn_away(struct gateway_client *cl, struct str id, const struct connect_params *p, const struct connect_verdict *v)
{
    log_event(LOG_WARN, "connect_refused", LOG_T("conn", cl->conn_id), LOG_T("address", cl->peer.address), LOG_S("client", p->client_id),
              LOG_T("device", v->device_id), LOG_T("reason", v->message), LOG_T("request", v->request_id));
    gateway_connect_refuse(cl, id, v->code, str_of(v->message), str_of(v->details), v->close_code, str_of(v->close_reason));
}

static void let_in(struct gateway_client *cl, struct str id, const struct connect_verdict *v)
{
    struct buf scopes = { 0 };
    struct gateway_greeting greeting = { 0 };
    if (v->has_grant) {
        scopes_write(&v->grant.scopes, &scopes);
        greeting =
            (struct gateway_greeting){ str_of(v->grant.token), buf_str(&scopes), v->grant.issued_at_ms };
    }
    log_event(LOG_INFO, "connect_accepted", LOG_T("conn", cl->conn_id), LOG_T("address", cl->peer.address),
              LOG_T("proof", connect_proof_name(v->proof)), LOG_T("device", v->device_id), LOG_I("local", cl->local));
    gateway_connect_greet(cl, id, &greeting);
    buf_free(&scopes);
}

static void count(struct gateway_client *cl, enum connect_count what)
{
    if (what == CONNECT_COUNT_FAILURE) gateway_auth_failed(cl->gw->auth, &cl->peer, clock_mono_ms());
    if (what == CONNECT_COUNT_SUCCESS) gateway_auth_succeeded(cl->gw->auth, &cl->peer);
}

void gateway_connect_judge(struct gateway_client *cl, struct str id, const json_t *params)
{
    struct connect_params p;
    struct connect_verdict v;
    struct buf why = { 0 };
    if (connect_read(params, &p, &why) != 0) {
        gateway_connect_refuse(cl, id, "INVALID_REQUEST", buf_str(&why), (struct str){ 0 }, CONNECT_CLOSE_POLICY, buf_str(&why));
        buf_free(&why);
        return;
    }
    struct connect_facts facts = facts_of(cl);
    connect_judge(&p, &facts, gateway_devices(cl->gw), &v);
    count(cl, v.count);
    if (v.event != CONNECT_NO_EVENT)
        gateway_broadcast(cl->gw, GATEWAY_PAIRERS, v.event == CONNECT_REQUESTED ? "device.pair.requested" : "device.pair.resolved",
                          buf_str(&v.event_payload), false);
    if (v.accepted) {
        identify(cl, &p, &v);
        let_in(cl, id, &v);
    } else {
        turn_away(cl, id, &p, &v);
    }
    connect_verdict_free(&v);
    buf_free(&why);
}
