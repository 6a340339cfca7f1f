#include <stdio.h>

#include "base/base64.h"
#include "channels/connect.h"

static void refuse_close(struct connect_verdict *out, const char *code, const char *message, int close_code)
{
    out->accepted = false;
    out->code = code;
    str_copy(out->message, sizeof out->message, str_utf8_prefix(str_of(message), sizeof out->message - 1));
    out->close_code = close_code;
    str_copy(out->close_reason, sizeof out->close_reason, str_utf8_prefix(str_of(out->message), CONNECT_REASON_MAX));
}

static void refuse(struct connect_verdict *out, const char *code, const char *message)
{
    refuse_close(out, code, message, CONNECT_CLOSE_POLICY);
}

static void refuse_request(struct connect_verdict *out, const char *message)
{
    refuse(out, "INVALID_REQUEST", message);
}

static bool is_control_ui(const struct connect_params *p)
{
    return str_is(p->client_id, "openclaw-control-ui");
}

static bool is_cli(const struct connect_params *p)
{
    return str_is(p->client_id, "cli") || str_is(p->client_mode, "cli");
}

/* Nothing protects this gateway but that it serves its own machine alone. */
static bool is_open(const struct connect_facts *f)
{
    return f->mode == CONFIG_AUTH_NONE && f->local;
}

static const char *const proof_names[] = { "none", "open", "secret", "proxy", "device_token", "bootstrap_token" };

const char *connect_proof_name(enum connect_proof proof)
{
    return proof_names[proof];
}

/* --- rows 5 to 7 ------------------------------------------------------------------------------------------------------ */

/* Where no secret protects, any page could claim to be the command line: then whoever sends an Origin is checked, too. */
static bool origin_fits(const struct connect_params *p, const struct connect_facts *f)
{
    bool checked = connect_is_browser(p) || (f->mode == CONFIG_AUTH_NONE && f->origin.n > 0);
    return !checked || connect_origin_allowed(f->origin, f->host, f->allowed_origins, f->allowed_origin_count);
}

static bool passes_door(const struct connect_params *p, const struct connect_facts *f, struct connect_verdict *out)
{
    out->role = device_role_of(p->role);
    if (p->max_protocol < CONNECT_PROTOCOL || p->min_protocol > CONNECT_PROTOCOL) {
        refuse_close(out, "INVALID_REQUEST", "protocol mismatch", CONNECT_CLOSE_PROTOCOL);
        snprintf(out->details, sizeof out->details, "{\"expectedProtocol\":%d}", CONNECT_PROTOCOL);
        return false;
    }
    if (out->role == DEVICE_ROLES)
        refuse_request(out, "invalid role");
    else if (!origin_fits(p, f))
        refuse_request(out,
                       "origin not allowed (open the Control UI from the gateway host or allow it in gateway.controlUi.allowedOrigins)");
    else
        return true;
    return false;
}

/* --- secrets ------------------------------------------------------------------------------------------------------------ */

static bool secret_is(struct str given, struct str secret)
{
    return secret.n > 0 && str_secret_eq(given, secret);
}

static enum connect_proof shared_proof(const struct connect_params *p, const struct connect_facts *f)
{
    if (is_open(f)) return CONNECT_PROOF_OPEN;
    if (f->locked) return CONNECT_PROOF_NONE;
    switch (f->mode) {
    case CONFIG_AUTH_TOKEN: return secret_is(p->token, f->token) ? CONNECT_PROOF_SECRET : CONNECT_PROOF_NONE;
    case CONFIG_AUTH_PASSWORD: return secret_is(p->password, f->password) ? CONNECT_PROOF_SECRET : CONNECT_PROOF_NONE;
    case CONFIG_AUTH_TRUSTED_PROXY: return f->vouched ? CONNECT_PROOF_PROXY : CONNECT_PROOF_NONE;
    default: return CONNECT_PROOF_NONE;
    }
}

static bool is_bootstrap(const struct connect_params *p, const struct connect_facts *f, const devices_t *devices)
{
    if (f->locked || f->bootstrap.n < CONNECT_BOOTSTRAP_MIN) return false;
    return secret_is(p->token, f->bootstrap) && !devices_is_spent(devices, f->bootstrap);
}

static const char *token_hint(const struct connect_params *p)
{
    if (is_cli(p)) return "set gateway.remote.token to match gateway.auth.token";
    if (connect_is_browser(p)) return "open the dashboard URL and paste the token in Control UI settings";
    return "provide gateway auth token";
}

static const char *password_hint(const struct connect_params *p)
{
    if (is_cli(p)) return "set gateway.remote.password to match gateway.auth.password";
    if (connect_is_browser(p)) return "enter the password in Control UI settings";
    return "provide gateway auth password";
}

/* Rows 9 and 17. @param with_device  then any token counts as the device's */
static void unauthorized(const struct connect_params *p, const struct connect_facts *f, bool with_device, struct connect_verdict *out)
{
    char text[CONNECT_MESSAGE_SIZE] = "unauthorized";
    bool token = f->mode == CONFIG_AUTH_TOKEN, secret_set = token ? f->token.n : f->password.n;
    struct str given = token ? p->token : p->password;
    const char *what = token ? "token" : "password";
    if (!f->locked && (p->token.n || p->password.n)) out->count = CONNECT_COUNT_FAILURE;
    if (f->locked)
        snprintf(text, sizeof text, "unauthorized: too many failed authentication attempts (retry later)");
    else if (with_device && p->token.n)
        snprintf(text, sizeof text, "unauthorized: device token mismatch (rotate/reissue device token)");
    else if ((token || f->mode == CONFIG_AUTH_PASSWORD) && !secret_set)
        snprintf(text, sizeof text, "unauthorized: gateway %s not configured on gateway (set gateway.auth.%s)", what, what);
    else if (token || f->mode == CONFIG_AUTH_PASSWORD)
        snprintf(text, sizeof text, "unauthorized: gateway %s %s (%s)", what, given.n ? "mismatch" : "missing",
                 token ? token_hint(p) : password_hint(p));
    refuse_request(out, text);
}

static void accept(struct connect_verdict *out)
{
    out->accepted = true;
    if (out->proof != CONNECT_PROOF_OPEN) out->count = CONNECT_COUNT_SUCCESS;
}

/* --- without a device: rows 8 to 10 ------------------------------------------------------------------------------------- */

static bool bypasses(const struct connect_params *p, const struct connect_facts *f)
{
    return is_control_ui(p) && (f->allow_insecure_auth || f->disable_device_auth);
}

static void judge_nobody(const struct connect_params *p, const struct connect_facts *f, struct connect_verdict *out)
{
    bool trusted = bypasses(p, f) || is_open(f);
    out->proof = shared_proof(p, f);
    if (is_control_ui(p) && !trusted) {
        refuse_request(out, "control ui requires HTTPS or localhost (secure context)");
    } else if (out->proof == CONNECT_PROOF_NONE && (p->token.n || p->password.n)) {
        unauthorized(p, f, false, out);
    } else if (out->proof == CONNECT_PROOF_NONE) {
        refuse(out, "NOT_PAIRED", "device identity required");
    } else {
        if (trusted) out->scopes = p->scopes; /* else it may connect, and no more */
        accept(out);
    }
}

/* --- with a device: rows 11 to 18 --------------------------------------------------------------------------------------- */

/* A key that cannot be read has no id, so row 11 answers for it before row 16 could. */
static bool proves_device(const struct connect_params *p, const struct connect_facts *f, struct connect_verdict *out, char *public_key)
{
    const struct device_statement said = { p->device_id,           p->client_id,    p->client_mode, p->role,
                                           str_of(p->scopes_sent), p->signed_at_ms, p->token,       p->nonce };
    unsigned char raw[DEVICE_KEY_SIZE];
    char id[DEVICE_ID_SIZE];
    bool known = device_key_read(p->public_key, raw) == 0;
    device_key_id(raw, id);
    base64url_write(raw, sizeof raw, public_key);
    if (!known || !str_is(p->device_id, id))
        refuse_request(out, "device identity mismatch");
    else if (p->signed_at_ms < f->now_ms - CONNECT_SKEW_MS || p->signed_at_ms > f->now_ms + CONNECT_SKEW_MS)
        refuse_request(out, "device signature expired");
    else if (!f->local && p->nonce.n == 0)
        refuse_request(out, "device nonce required");
    else if (p->nonce.n && !str_eq(p->nonce, f->nonce))
        refuse_request(out, "device nonce mismatch");
    else if (!device_signature_valid(raw, &said, p->signature))
        refuse_request(out, "device signature invalid");
    else
        memcpy(out->device_id, id, sizeof id);
    return out->device_id[0] != '\0';
}

/* The table is full. */
static void refuse_request_full(struct connect_verdict *out, int rc)
{
    char text[CONNECT_MESSAGE_SIZE];
    bool of_address = rc == GW_ELIMIT;
    snprintf(text, sizeof text, "pairing required: %d requests wait already%s; an operator must settle some, or try again in %d minutes",
             of_address ? DEVICE_REQUESTS_OF_ADDRESS : DEVICES_REQUESTS_MAX, of_address ? " from this address" : "",
             DEVICE_REQUEST_MS / 60000);
    if (rc == GW_ENOMEM)
        refuse(out, "UNAVAILABLE", err_text(rc));
    else
        refuse(out, "NOT_PAIRED", text);
}

static void refuse_pairing_full(struct connect_verdict *out, int rc)
{
    char text[CONNECT_MESSAGE_SIZE];
    snprintf(text, sizeof text, "pairing required: %d devices are paired; an operator must remove one", DEVICES_PAIRED_MAX);
    if (rc == GW_EFULL)
        refuse(out, "NOT_PAIRED", text);
    else if (rc == GW_ELIMIT)
        refuse(out, "NOT_PAIRED", "pairing required: the device's scopes are too many together; remove it, then pair it again");
    else
        refuse(out, "UNAVAILABLE", err_text(rc));
}

static void refuse_unpaired(struct connect_verdict *out, const struct device_claim *claim, const struct connect_facts *f,
                            devices_t *devices)
{
    bool fresh;
    int rc = devices_request(devices, claim, f->now_ms, out->request_id, &fresh);
    if (rc == 0 && fresh) {
        out->event = CONNECT_REQUESTED;
        devices_write_request(devices, str_of(out->request_id), &out->event_payload);
    }
    if (rc) {
        refuse_request_full(out, rc);
        return;
    }
    refuse(out, "NOT_PAIRED", "pairing required");
    snprintf(out->details, sizeof out->details, "{\"requestId\":\"%s\",\"command\":\"openclaw devices approve %s\"}", out->request_id,
             out->request_id);
}

static int pair_silently(struct connect_verdict *out, const struct device_claim *claim, const struct connect_facts *f, devices_t *devices)
{
    int rc = devices_approve_silently(devices, claim, f->now_ms, out->request_id);
    if (rc == 0) {
        out->event = CONNECT_RESOLVED;
        devices_write_resolved(str_of(out->request_id), claim->device_id, true, f->now_ms, &out->event_payload);
        return 0;
    }
    refuse_pairing_full(out, rc);
    return rc;
}

static enum connect_proof find_proof(const struct connect_params *p, const struct connect_facts *f, const devices_t *devices,
                                     const struct device_claim *claim)
{
    enum connect_proof proof = shared_proof(p, f);
    if (proof != CONNECT_PROOF_NONE || f->locked) return proof;
    if (devices_token_valid(devices, claim, p->token)) return CONNECT_PROOF_DEVICE;
    return is_bootstrap(p, f, devices) ? CONNECT_PROOF_BOOTSTRAP : CONNECT_PROOF_NONE;
}

/* Row 18, then the token. */
static void admit(const struct connect_params *p, const struct connect_facts *f, devices_t *devices, const struct device_claim *claim,
                  struct connect_verdict *out)
{
    bool shared = out->proof != CONNECT_PROOF_DEVICE && out->proof != CONNECT_PROOF_BOOTSTRAP;
    bool needed = devices_need(devices, claim) != DEVICE_NEED_NOTHING, skips = shared && bypasses(p, f);
    if (needed && !skips) {
        if (!f->local && out->proof != CONNECT_PROOF_BOOTSTRAP) {
            refuse_unpaired(out, claim, f, devices);
            return;
        }
        if (pair_silently(out, claim, f, devices) != 0) return;
        needed = false;
    }
    if (out->proof == CONNECT_PROOF_BOOTSTRAP) devices_spend(devices, f->bootstrap, claim->device_id, f->now_ms);
    /* The token that it came with may be its own although the shared secret or the open door let it in. */
    struct str own = devices_token_valid(devices, claim, p->token) ? p->token : (struct str){ 0 };
    if (!needed) out->has_grant = devices_connected(devices, claim, own, f->now_ms, &out->grant) == 0;
    out->scopes = p->scopes;
    accept(out);
}

static void judge_device(const struct connect_params *p, const struct connect_facts *f, devices_t *devices, struct connect_verdict *out)
{
    char public_key[DEVICE_KEY_TEXT_SIZE];
    if (!proves_device(p, f, out, public_key)) return;
    const struct device_claim claim = {
        .device_id = str_of(out->device_id),
        .public_key = str_of(public_key),
        .display_name = p->display_name,
        .platform = p->platform,
        .client_id = p->client_id,
        .client_mode = p->client_mode,
        .role = out->role,
        .scopes = &p->scopes,
        .remote_ip = f->remote_ip,
        .address = f->address,
    };
    out->proof = find_proof(p, f, devices, &claim);
    if (out->proof == CONNECT_PROOF_NONE)
        unauthorized(p, f, true, out);
    else
        admit(p, f, devices, &claim, out);
}

void connect_judge(const struct connect_params *p, const struct connect_facts *f, devices_t *devices, struct connect_verdict *out)
{
    *out = (struct connect_verdict){ 0 };
    if (!passes_door(p, f, out)) return;
    if (p->has_device && !(is_control_ui(p) && f->disable_device_auth))
        judge_device(p, f, devices, out);
    else
        judge_nobody(p, f, out);
}

void connect_verdict_fail(struct connect_verdict *v, int rc)
{
    char text[CONNECT_MESSAGE_SIZE];
    snprintf(text, sizeof text, "the gateway could not store its decision (%s); try again", err_text(rc));
    refuse(v, "UNAVAILABLE", text);
    v->details[0] = '\0';
    v->has_grant = false;
    v->grant = (struct device_grant){ 0 };
}

void connect_verdict_free(struct connect_verdict *v)
{
    buf_free(&v->event_payload);
}
