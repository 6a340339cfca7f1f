/* gateway_devices_rpc.c -- the methods device.pair.* and device.token.* (reference gateway-protocol 5.1).
 *
 * Nobody gives what he does not have: scopes that a request or a token would give must be the caller's own, or the caller has
 * operator.admin. Every decision leaves a line in the log: who, what, which device. */
#include "actors/gateway_devices_internal.h"
#include "base/clock.h"
#include "base/json_read.h"
#include "base/log.h"

static void audit(const struct gateway_request *rq, const char *event, struct str device, struct str role, const struct scopes *scopes)
{
    log_event(LOG_INFO, event, LOG_T("by", gateway_client_name(rq->client)), LOG_S("device", device), LOG_S("role", role),
              LOG_T("scopes", scopes ? scopes->text : ""));
}

/* Refuses when one of the scopes is not the caller's to give. */
static bool may_give(struct gateway_request *rq, const struct scopes *scopes)
{
    struct str rest = scopes_text(scopes);
    while (rest.n) {
        struct str scope = scopes_next(&rest);
        if (gateway_client_may(rq->client, scope)) continue;
        char text[SCOPE_MAX + 32];
        snprintf(text, sizeof text, "missing scope: %.*s", STR_ARG(scope));
        log_event(LOG_WARN, "device_scope_withheld", LOG_T("by", gateway_client_name(rq->client)), LOG_S("scope", scope));
        gateway_refuse(rq, "INVALID_REQUEST", text);
        return false;
    }
    return true;
}

/* The rows are not there yet: nothing can be said about them. */
static bool is_ready(struct gateway_request *rq)
{
    bool ready = gateway_devices_ready(rq->gw);
    if (!ready) gateway_refuse(rq, "UNAVAILABLE", "the devices are not loaded yet; try again");
    return ready;
}

static void run_list(struct gateway_request *rq, const json_t *params)
{
    (void)params;
    struct buf out = { 0 };
    if (!is_ready(rq)) return;
    devices_write_list(gateway_devices_table(rq->gw), clock_wall_ms(), &out);
    if (out.err)
        gateway_refuse(rq, "UNAVAILABLE", err_text(out.err));
    else
        gateway_respond(rq, buf_str(&out));
    buf_free(&out);
}

static void set_resolved(struct gateway_decision *what, struct str request, const char *device, bool approved, int64_t now_ms)
{
    what->event = "device.pair.resolved";
    devices_write_resolved(request, str_of(device), approved, now_ms, &what->payload);
}

static void refuse_approval(struct gateway_request *rq, int rc)
{
    char text[128];
    snprintf(text, sizeof text, "%d devices are paired; remove one first", DEVICES_PAIRED_MAX);
    if (rc == GW_ENOENT)
        gateway_refuse(rq, "INVALID_REQUEST", "unknown requestId");
    else if (rc == GW_EFULL)
        gateway_refuse(rq, "UNAVAILABLE", text);
    else if (rc == GW_ELIMIT)
        gateway_refuse(rq, "INVALID_REQUEST", "the device's scopes are too many together; remove it, then pair it again");
    else
        gateway_refuse(rq, "UNAVAILABLE", err_text(rc));
}

static void run_approve(struct gateway_request *rq, const json_t *params)
{
    devices_t *table = gateway_devices_table(rq->gw);
    struct str request = json_str(params, "requestId");
    struct gateway_decision what = { 0 };
    struct scopes scopes;
    struct buf answer = { 0 };
    char device[DEVICE_ID_SIZE];
    int64_t now_ms = clock_wall_ms();
    if (!is_ready(rq)) return;
    int rc = devices_request_scopes(table, request, now_ms, &scopes);
    if (rc == 0 && !may_give(rq, &scopes)) return;
    if (rc == 0) rc = devices_approve(table, request, now_ms, device);
    if (rc) {
        refuse_approval(rq, rc);
        return;
    }
    audit(rq, "device_approved", str_of(device), (struct str){ 0 }, &scopes);
    set_resolved(&what, request, device, true, now_ms);
    buf_char(&answer, '{');
    buf_json_pair_str(&answer, "requestId", request);
    buf_json_key(&answer, "device");
    devices_write_paired(table, str_of(device), &answer);
    buf_char(&answer, '}');
    gateway_devices_decide(rq, &what, &answer);
}

static void run_reject(struct gateway_request *rq, const json_t *params)
{
    struct str request = json_str(params, "requestId");
    struct gateway_decision what = { 0 };
    struct buf answer = { 0 };
    char device[DEVICE_ID_SIZE];
    int64_t now_ms = clock_wall_ms();
    if (!is_ready(rq)) return;
    int rc = devices_reject(gateway_devices_table(rq->gw), request, now_ms, device);
    if (rc) {
        refuse_approval(rq, rc);
        return;
    }
    audit(rq, "device_rejected", str_of(device), (struct str){ 0 }, NULL);
    set_resolved(&what, request, device, false, now_ms);
    buf_char(&answer, '{');
    buf_json_pair_str(&answer, "requestId", request);
    buf_json_pair_str(&answer, "deviceId", str_of(device));
    buf_char(&answer, '}');
    gateway_devices_decide(rq, &what, &answer);
}

static void set_close(struct gateway_decision *what, struct str device, struct str role, const char *reason)
{
    what->close = true;
    what->reason = reason;
    str_copy(what->device_id, sizeof what->device_id, device); /* known to the table, so they fit */
    str_copy(what->role, sizeof what->role, role);
}

static void run_remove(struct gateway_request *rq, const json_t *params)
{
    struct str device = json_str(params, "deviceId");
    struct gateway_decision what = { 0 };
    struct buf answer = { 0 };
    if (!is_ready(rq)) return;
    int rc = devices_remove(gateway_devices_table(rq->gw), device);
    if (rc) {
        gateway_refuse(rq, "INVALID_REQUEST", rc == GW_ENOENT ? "unknown deviceId" : err_text(rc));
        return;
    }
    audit(rq, "device_removed", device, (struct str){ 0 }, NULL);
    set_close(&what, device, (struct str){ 0 }, "device removed");
    buf_char(&answer, '{');
    buf_json_pair_str(&answer, "deviceId", device);
    buf_char(&answer, '}');
    gateway_devices_decide(rq, &what, &answer);
}

static void write_token(struct buf *answer, struct str device, struct str role, const struct device_grant *grant)
{
    buf_char(answer, '{');
    buf_json_pair_str(answer, "deviceId", device);
    buf_json_pair_str(answer, "role", role);
    buf_json_pair_str(answer, "token", str_of(grant->token));
    buf_json_key(answer, "scopes");
    scopes_write(&grant->scopes, answer);
    buf_json_pair_int(answer, "rotatedAtMs", grant->issued_at_ms);
    buf_char(answer, '}');
}

static void run_rotate(struct gateway_request *rq, const json_t *params)
{
    devices_t *table = gateway_devices_table(rq->gw);
    struct str device = json_str(params, "deviceId"), role = json_str(params, "role");
    const json_t *given = json_object_get(params, "scopes");
    struct gateway_decision what = { 0 };
    struct device_grant grant;
    struct scopes scopes;
    struct buf answer = { 0 };
    if (!is_ready(rq)) return;
    int rc = devices_token_scopes(table, device, role, &scopes);
    if (rc == 0 && given) rc = scopes_read(given, &scopes);
    if (rc) {
        gateway_refuse(rq, "INVALID_REQUEST",
                       rc == GW_ENOENT ? "unknown deviceId/role"
                                       : "invalid device.token.rotate params: at /scopes: must be a short list of names");
        return;
    }
    if (!may_give(rq, &scopes)) return;
    devices_rotate(table, device, role, given ? &scopes : NULL, clock_wall_ms(), &grant);
    audit(rq, "device_token_rotated", device, role, &grant.scopes);
    set_close(&what, device, role, "device token rotated");
    write_token(&answer, device, role, &grant);
    gateway_devices_decide(rq, &what, &answer);
}

static void run_revoke(struct gateway_request *rq, const json_t *params)
{
    struct str device = json_str(params, "deviceId"), role = json_str(params, "role");
    struct gateway_decision what = { 0 };
    struct buf answer = { 0 };
    int64_t now_ms = clock_wall_ms();
    if (!is_ready(rq)) return;
    if (devices_revoke(gateway_devices_table(rq->gw), device, role, now_ms) != 0) {
        gateway_refuse(rq, "INVALID_REQUEST", "unknown deviceId/role");
        return;
    }
    audit(rq, "device_token_revoked", device, role, NULL);
    set_close(&what, device, role, "device token revoked");
    buf_char(&answer, '{');
    buf_json_pair_str(&answer, "deviceId", device);
    buf_json_pair_str(&answer, "role", role);
    buf_json_pair_int(&answer, "revokedAtMs", now_ms);
    buf_char(&answer, '}');
    gateway_devices_decide(rq, &what, &answer);
}

const struct gateway_rpc_handler gateway_device_handlers[] = {
    { RPC_device_pair_list, run_list },
    { RPC_device_pair_approve, run_approve },
    { RPC_device_pair_reject, run_reject },
    { RPC_device_pair_remove, run_remove },
    { RPC_device_token_rotate, run_rotate },
    { RPC_device_token_revoke, run_revoke },
    { RPC_none, NULL },
};
