#include "cli/rpc_client.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/random.h"
#include "cli/cli.h"
#include "cli/identity.h"
#include "cli/json_print.h"

enum {
    PROTOCOL = 3,
    CLOSE_WAIT_MS = 1000, /* for the close frame behind a refusal */
    SIGNED_MAX = 8192,    /* bytes of the text that a device signs */
};

#define ROLE "operator"

static const char *const SCOPES[] = { "operator.admin", "operator.approvals", "operator.pairing" };

struct rpc_client {
    ws_client_t *ws;
    identity_t *key;
    const char *state_dir;
    json_t *hello;
    char last_id[RANDOM_UUID_SIZE];
    int connect_ms;
};

/* --- errors ----------------------------------------------------------------------------------------------------- */

void rpc_client_error_free(struct rpc_client_error *error)
{
    buf_free(&error->text);
    buf_free(&error->code);
    buf_free(&error->request_id);
    *error = (struct rpc_client_error){ 0 };
}

static const char *hint(int code)
{
    switch (code) {
    case WS_CLOSE_NORMAL: return " normal closure";
    case WS_CLOSE_ABNORMAL: return " abnormal closure (no close frame)";
    default: return "";
    }
}

void rpc_client_error_describe(const struct rpc_client_error *error, const struct gateway_target *target, struct buf *out)
{
    struct str text = buf_str(&error->text), id = buf_str(&error->request_id);
    switch (error->kind) {
    case GATEWAY_OK: return;
    case GATEWAY_CLOSED:
        buf_printf(out, "gateway closed (%d%s): %.*s\n", error->close_code, hint(error->close_code),
                   STR_ARG(text.n ? text : STR("no close reason")));
        gateway_target_describe(target, out);
        break;
    case GATEWAY_TIMEOUT:
        buf_printf(out, "gateway timeout after %dms\n", error->timeout_ms);
        gateway_target_describe(target, out);
        break;
    case GATEWAY_REFUSED:
    case GATEWAY_BROKEN: buf_printf(out, "Error: %.*s\n", STR_ARG(text)); break;
    }
    if (id.n) buf_printf(out, "Approve this device on the gateway's host: openclaw devices approve %.*s\n", STR_ARG(id));
}

static int fail(struct rpc_client_error *error, enum rpc_client_failure kind, int rc, struct str text)
{
    rpc_client_error_free(error);
    error->kind = kind;
    buf_add(&error->text, text);
    return rc;
}

static int closed(struct rpc_client_error *error, int code, struct str reason)
{
    fail(error, GATEWAY_CLOSED, GW_ECLOSED, reason);
    error->close_code = code;
    return GW_ECLOSED;
}

static int timed_out(struct rpc_client_error *error, int timeout_ms)
{
    fail(error, GATEWAY_TIMEOUT, GW_ETIMEOUT, (struct str){ 0 });
    error->timeout_ms = timeout_ms;
    return GW_ETIMEOUT;
}

/* What a connection that gave `rc` is told as. */
static int failed(rpc_client_t *c, int rc, int timeout_ms, struct rpc_client_error *error)
{
    struct str reason;
    if (rc == GW_ETIMEOUT) return timed_out(error, timeout_ms);
    if (rc != GW_ECLOSED) return fail(error, GATEWAY_BROKEN, rc, str_of(err_text(rc)));
    int code = ws_client_closed(c->ws, &reason);
    return closed(error, code, reason);
}

/* --- frames ----------------------------------------------------------------------------------------------------- */

/* The next frame that is a JSON object; the caller json_decref()s. @return 0, GW_ETIMEOUT, GW_ECLOSED, GW_ENOMEM */
static int next_frame(rpc_client_t *c, int64_t deadline_ms, json_t **out)
{
    for (;;) {
        struct str text;
        int rc = ws_client_receive(c->ws, deadline_ms, &text);
        if (rc) return rc;
        *out = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
        if (json_is_object(*out)) return 0;
        json_decref(*out);
    }
}

static int send_request(rpc_client_t *c, const char *method, json_t *params, int64_t deadline_ms)
{
    random_uuid(c->last_id);
    json_t *frame =
        json_pack("{s:s, s:s, s:s, s:o}", "type", "req", "id", c->last_id, "method", method, "params", params ? params : json_object());
    char *text = frame ? json_dumps(frame, JSON_COMPACT) : NULL;
    int rc = text ? ws_client_send(c->ws, str_of(text), deadline_ms) : GW_ENOMEM;
    json_decref(frame);
    free(text);
    return rc;
}

/* The answer to the last request; events on the way are let go. */
static int next_answer(rpc_client_t *c, int64_t deadline_ms, json_t **out)
{
    for (;;) {
        int rc = next_frame(c, deadline_ms, out);
        if (rc) return rc;
        if (str_is(json_str(*out, "type"), "res") && str_is(json_str(*out, "id"), c->last_id)) return 0;
        json_decref(*out);
    }
}

static void read_refusal(const json_t *answer, struct rpc_client_error *error)
{
    const json_t *what = json_object_get(answer, "error");
    struct str message = json_str(what, "message");
    fail(error, GATEWAY_REFUSED, GW_EDENIED, message.n ? message : STR("the gateway gave no reason"));
    buf_add(&error->code, json_str(what, "code"));
    buf_add(&error->request_id, json_str(json_object_get(what, "details"), "requestId"));
}

static int take_answer(rpc_client_t *c, int timeout_ms, int64_t deadline_ms, json_t **payload, struct rpc_client_error *error)
{
    json_t *answer = NULL;
    *payload = NULL;
    int rc = next_answer(c, deadline_ms, &answer);
    if (rc) return failed(c, rc, timeout_ms, error);
    if (json_flag(answer, "ok")) {
        json_t *value = json_object_get(answer, "payload");
        *payload = value ? json_incref(value) : json_null();
    } else {
        read_refusal(answer, error);
        rc = GW_EDENIED;
    }
    json_decref(answer);
    return rc;
}

int rpc_client_call(rpc_client_t *client, const char *method, json_t *params, int timeout_ms, json_t **payload,
                    struct rpc_client_error *error)
{
    int64_t deadline_ms = clock_mono_ms() + timeout_ms;
    *payload = NULL;
    int rc = send_request(client, method, params, deadline_ms);
    return rc ? failed(client, rc, timeout_ms, error) : take_answer(client, timeout_ms, deadline_ms, payload, error);
}

int rpc_client_more(rpc_client_t *client, int timeout_ms, json_t **payload, struct rpc_client_error *error)
{
    return take_answer(client, timeout_ms, clock_mono_ms() + timeout_ms, payload, error);
}

/* --- login ------------------------------------------------------------------------------------------------------ */

static int await_challenge(rpc_client_t *c, int64_t deadline_ms, struct buf *nonce)
{
    for (;;) {
        json_t *frame = NULL;
        int rc = next_frame(c, deadline_ms, &frame);
        if (rc) return rc;
        bool found = str_is(json_str(frame, "event"), "connect.challenge");
        if (found) buf_add(nonce, json_str(json_object_get(frame, "payload"), "nonce"));
        json_decref(frame);
        if (found) return nonce->err;
    }
}

static size_t scope_count(const char *mode)
{
    return strcmp(mode, "probe") == 0 ? 1 : sizeof SCOPES / sizeof SCOPES[0];
}

/* `device` of the connect parameters: a v2 signature over all that matters (reference: gateway-protocol 2.3). */
static json_t *device_part(const rpc_client_t *c, const char *mode, struct str token, struct str nonce)
{
    char signature[IDENTITY_SIGNATURE_SIZE];
    struct buf text = { .max = SIGNED_MAX };
    int64_t now_ms = clock_wall_ms();
    buf_printf(&text, "v2|%s|cli|%s|" ROLE "|", identity_id(c->key), mode);
    for (size_t i = 0; i < scope_count(mode); i++) buf_printf(&text, "%s%s", i ? "," : "", SCOPES[i]);
    buf_printf(&text, "|%lld|%.*s|%.*s", (long long)now_ms, STR_ARG(token), STR_ARG(nonce));
    int rc = text.err ? text.err : identity_sign(c->key, buf_str(&text), signature);
    buf_free(&text);
    if (rc) return NULL;
    return json_pack("{s:s, s:s, s:s, s:I, s:s%}", "id", identity_id(c->key), "publicKey", identity_public(c->key), "signature", signature,
                     "signedAt", (json_int_t)now_ms, "nonce", nonce.p, nonce.n);
}

static json_t *connect_params(const rpc_client_t *c, const char *mode, struct str token, struct str password, struct str nonce)
{
    json_t *scopes = json_array(), *auth = json_object(), *device = device_part(c, mode, token, nonce);
    for (size_t i = 0; i < scope_count(mode); i++) json_array_append_new(scopes, json_string(SCOPES[i]));
    if (token.n) json_object_set_new(auth, "token", json_stringn(token.p, token.n));
    if (password.n) json_object_set_new(auth, "password", json_stringn(password.p, password.n));
    json_t *params = json_pack("{s:i, s:i, s:{s:s, s:s, s:s, s:s}, s:[], s:s, s:o, s:o}", "minProtocol", PROTOCOL, "maxProtocol", PROTOCOL,
                               "client", "id", "cli", "version", CLI_COMPATIBLE, "platform", "linux", "mode", mode, "caps", "role", ROLE,
                               "scopes", scopes, "device", device);
    if (params && json_object_size(auth)) json_object_set(params, "auth", auth);
    json_decref(auth);
    return params;
}

static void keep_token(const rpc_client_t *c)
{
    const json_t *auth = json_object_get(c->hello, "auth");
    struct str token = json_str(auth, "deviceToken");
    char *scopes = json_dumps(json_object_get(auth, "scopes"), JSON_COMPACT);
    if (token.n && str_is(json_str(auth, "role"), ROLE))
        identity_token_store(c->state_dir, c->key, ROLE, token, str_of(scopes ? scopes : "[]"), clock_wall_ms());
    free(scopes);
}

/* A refused login is told as the close that follows it; its own message is the reason in full. */
static int refused(rpc_client_t *c, struct rpc_client_error *error)
{
    struct str text, reason;
    int64_t deadline_ms = clock_mono_ms() + CLOSE_WAIT_MS;
    while (ws_client_receive(c->ws, deadline_ms, &text) == 0) {
    }
    error->kind = GATEWAY_CLOSED;
    error->close_code = ws_client_closed(c->ws, &reason);
    if (!error->close_code) error->close_code = WS_CLOSE_ABNORMAL;
    return GW_ECLOSED;
}

static int login(rpc_client_t *c, const char *mode, struct str token, struct str password, int timeout_ms, int64_t deadline_ms,
                 struct rpc_client_error *error)
{
    struct buf nonce = { 0 };
    int rc = await_challenge(c, deadline_ms, &nonce);
    json_t *params = rc ? NULL : connect_params(c, mode, token, password, buf_str(&nonce));
    buf_free(&nonce);
    if (rc) return failed(c, rc, timeout_ms, error);
    if (!params) return fail(error, GATEWAY_BROKEN, GW_ESYS, STR("cannot sign with the device's key"));
    rc = send_request(c, "connect", params, deadline_ms);
    if (rc) return failed(c, rc, timeout_ms, error);
    rc = take_answer(c, timeout_ms, deadline_ms, &c->hello, error);
    if (rc == 0) keep_token(c);
    return rc && error->kind == GATEWAY_REFUSED ? refused(c, error) : rc;
}

static int try_open(const struct gateway_target *target, const char *mode, struct str token, int timeout_ms, rpc_client_t *c,
                    struct rpc_client_error *error)
{
    struct buf why = { 0 };
    int64_t start_ms = clock_mono_ms(), deadline_ms = start_ms + timeout_ms;
    int rc = ws_client_open(&target->url, &target->trust, deadline_ms, &c->ws, &why);
    if (rc == GW_ETIMEOUT)
        timed_out(error, timeout_ms);
    else if (rc == GW_ENOMEM)
        fail(error, GATEWAY_BROKEN, rc, str_of(err_text(rc)));
    else if (rc)
        closed(error, WS_CLOSE_ABNORMAL, buf_str(&why));
    else
        rc = login(c, mode, token, target->password, timeout_ms, deadline_ms, error);
    c->connect_ms = (int)(clock_mono_ms() - start_ms);
    buf_free(&why);
    return rc;
}

int rpc_client_open(const struct gateway_target *target, const char *mode, const char *state_dir, int timeout_ms, rpc_client_t **out,
                    struct rpc_client_error *error)
{
    struct buf stored = { 0 };
    struct str token = target->token;
    rpc_client_t *c = calloc(1, sizeof *c);
    *out = NULL;
    if (!c) return fail(error, GATEWAY_BROKEN, GW_ENOMEM, str_of(err_text(GW_ENOMEM)));
    c->state_dir = state_dir;
    int rc = identity_open(state_dir, &c->key);
    if (rc) fail(error, GATEWAY_BROKEN, rc, STR("cannot make a device key"));
    bool use_stored = rc == 0 && !token.n && !target->password.n && identity_token_load(state_dir, c->key, ROLE, &stored) == 0;
    if (use_stored) token = buf_str(&stored);
    if (rc == 0) rc = try_open(target, mode, token, timeout_ms, c, error);
    if (rc == GW_ECLOSED && use_stored && str_find(buf_str(&error->text), STR("device token mismatch")) >= 0) {
        identity_token_drop(state_dir, c->key, ROLE); /* replaced or revoked: it is of no use any more */
        ws_client_close(&c->ws);
        rpc_client_error_free(error);
        rc = try_open(target, mode, (struct str){ 0 }, timeout_ms, c, error);
    }
    if (rc) rpc_client_close(&c);
    buf_free(&stored);
    *out = c;
    return rc;
}

void rpc_client_close(rpc_client_t **client_p)
{
    rpc_client_t *c = *client_p;
    *client_p = NULL;
    if (!c) return;
    ws_client_close(&c->ws);
    identity_close(&c->key);
    json_decref(c->hello);
    free(c);
}

const json_t *rpc_client_hello(const rpc_client_t *client)
{
    return client->hello;
}

int rpc_client_connect_ms(const rpc_client_t *client)
{
    return client->connect_ms;
}
