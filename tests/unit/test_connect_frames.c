/* The recorded handshakes of OpenClaw 2026.2.17 (tests/data/connect/): each is judged as it was there, code by code. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "channels/connect.h"

#define HOST "127.0.0.1:21000"

enum { LOCAL, REMOTE };

/* What the recording does not hold: how the client came. `skew`: the server's clock against the device's, ms. */
static const struct frame {
    const char *name;
    int from;
    const char *origin;
    int64_t skew;
} FRAMES[] = {
    { "proto_new", LOCAL, "", 0 },
    { "proto_old", LOCAL, "", 0 },
    { "proto_range", LOCAL, "", 0 },
    { "bad_role", LOCAL, "", 0 },
    { "origin_bad", LOCAL, "https://evil.example.com", 5 },
    { "origin_missing", LOCAL, "", 5 },
    { "origin_null", LOCAL, "null", 5 },
    { "origin_loopback_otherport", LOCAL, "http://localhost:5173", 5 },
    { "origin_webchat_mode_cli_id", LOCAL, "https://evil.example.com", 5 },
    { "cli_with_evil_origin", LOCAL, "https://evil.example.com", 5 },
    { "controlui_nodevice", LOCAL, "http://" HOST, 0 },
    { "nodevice_wrongtoken", LOCAL, "", 0 },
    { "nodevice_notoken", LOCAL, "", 0 },
    { "nodevice_wrongpassword", LOCAL, "", 0 },
    { "nodevice_token_ok", LOCAL, "", 0 },
    { "node_role_nodevice", LOCAL, "", 0 },
    { "device_id_mismatch", LOCAL, "", 5 },
    { "device_stale", LOCAL, "", 660000 },
    { "device_future", LOCAL, "", -660000 },
    { "remote_host_nononce", REMOTE, "", 5 },
    { "device_nonce_wrong", LOCAL, "", 5 },
    { "device_bad_sig", LOCAL, "", 5 },
    { "device_sig_v1_but_nonce", LOCAL, "", 5 },
    { "device_notoken", LOCAL, "", 5 },
    { "device_wrongtoken", LOCAL, "", 5 },
    { "device_wrongtoken_controlui", LOCAL, "http://" HOST, 5 },
    { "device_wrongtoken_other", LOCAL, "", 5 },
    { "remote_host_pairing_required", REMOTE, "", 5 },
    { "remote_host_pairing_required_again", REMOTE, "", 5 },
    { "xff_untrusted", REMOTE, "", 5 },
    { "device_ok_v2_local", LOCAL, "", 5 },
    { "device_no_nonce_local_v1", LOCAL, "", 5 },
    { "ok-control-ui", LOCAL, "http://" HOST, 13 },
};

static json_t *load(const char *name)
{
    char path[512];
    json_error_t why;
    snprintf(path, sizeof path, "%s/connect/%s.json", TEST_DATA_DIR, name);
    json_t *json = json_load_file(path, 0, &why);
    cr_assert_not_null(json, "%s: %s", path, why.text);
    return json;
}

static const char *text(const json_t *json, const char *a, const char *b)
{
    const char *s = json_string_value(json_object_get(json_object_get(json, a), b));
    return s ? s : "";
}

/* The nonce of the challenge: the one that the device signed, but for the frame that shows another one. */
static struct connect_facts facts_of(const struct frame *frame, const struct connect_params *p)
{
    struct connect_facts f = { .local = frame->from == LOCAL,
                               .address = STR("127.0.0.1"),
                               .origin = str_of(frame->origin),
                               .host = frame->from == LOCAL ? STR(HOST) : STR("gw.example.com"),
                               .nonce = strcmp(frame->name, "device_nonce_wrong") ? p->nonce : STR("11111111-1111-4111-8111-111111111111"),
                               .now_ms = (p->has_device ? p->signed_at_ms : 1795352914000) + frame->skew,
                               .mode = CONFIG_AUTH_TOKEN,
                               .token = STR("tok-h1-throwaway") };
    return f;
}

static void expect_refused(const char *name, const json_t *frame, const struct connect_verdict *v)
{
    const json_t *error = json_object_get(json_object_get(frame, "response"), "error"), *close = json_object_get(frame, "close");
    cr_expect_not(v->accepted, "%s", name);
    cr_expect_str_eq(v->code, json_string_value(json_object_get(error, "code")), "%s", name);
    cr_expect_str_eq(v->message, json_string_value(json_object_get(error, "message")), "%s", name);
    cr_expect_eq(v->close_code, json_integer_value(json_object_get(close, "code")), "%s", name);
    cr_expect_str_eq(v->close_reason, json_string_value(json_object_get(close, "reason")), "%s", name);
    json_t *details = json_loads(v->details, 0, NULL);
    const json_t *wanted = json_object_get(error, "details");
    cr_expect_eq(details != NULL, wanted != NULL, "%s: %s", name, v->details);
    cr_expect(json_equal(json_object_get(details, "expectedProtocol"), json_object_get(wanted, "expectedProtocol")) || !wanted ||
                  json_object_get(wanted, "requestId"),
              "%s", name);
    if (json_object_get(wanted, "requestId"))
        cr_expect_str_eq(v->request_id, json_string_value(json_object_get(details, "requestId")), "%s", name);
    json_decref(details);
}

static void expect_accepted(const char *name, const json_t *frame, const struct connect_verdict *v)
{
    const json_t *auth = json_object_get(json_object_get(json_object_get(frame, "response"), "payload"), "auth");
    struct buf scopes = { 0 };
    cr_expect(v->accepted, "%s: %s", name, v->message);
    cr_expect_eq(v->has_grant, auth != NULL, "%s", name);
    if (!v->accepted || !auth) return;
    scopes_write(&v->grant.scopes, &scopes);
    json_t *given = json_loads(buf_cstr(&scopes), 0, NULL);
    cr_expect(json_equal(given, json_object_get(auth, "scopes")), "%s: %s", name, buf_cstr(&scopes));
    cr_expect_str_eq(device_role_name(v->role), json_string_value(json_object_get(auth, "role")), "%s", name);
    cr_expect_eq(strlen(v->grant.token), strlen(json_string_value(json_object_get(auth, "deviceToken"))), "%s", name);
    json_decref(given);
    buf_free(&scopes);
}

static void judge(const struct frame *frame, devices_t *devices, struct connect_verdict *v)
{
    struct connect_params p;
    struct buf why = { 0 };
    json_t *json = load(frame->name);
    cr_assert(connect_read(json_object_get(json_object_get(json, "request"), "params"), &p, &why) == 0, "%s", buf_cstr(&why));
    struct connect_facts f = facts_of(frame, &p);
    connect_judge(&p, &f, devices, v);
    if (text(json, "response", "type")[0] && json_is_true(json_object_get(json_object_get(json, "response"), "ok")))
        expect_accepted(frame->name, json, v);
    else
        expect_refused(frame->name, json, v);
    buf_free(&why);
    json_decref(json);
}

Test(connect_frames, are_judged_as_they_were_recorded)
{
    char first[RANDOM_UUID_SIZE] = "";
    devices_t *devices;
    cr_assert(devices_create(&devices) == 0);
    for (size_t i = 0; i < sizeof FRAMES / sizeof *FRAMES; i++) {
        struct connect_verdict v;
        judge(&FRAMES[i], devices, &v);
        if (strcmp(FRAMES[i].name, "remote_host_pairing_required") == 0) {
            memcpy(first, v.request_id, sizeof first);
            cr_expect_eq(v.event, CONNECT_REQUESTED);
        }
        if (strcmp(FRAMES[i].name, "remote_host_pairing_required_again") == 0) {
            cr_expect_str_eq(v.request_id, first);
            cr_expect_eq(v.event, CONNECT_NO_EVENT);
        }
        connect_verdict_free(&v);
    }
    devices_destroy(&devices);
}

/* The recorded gateway answered all connects of one device with one token. */
Test(connect_frames, of_one_device_get_one_token)
{
    char token[RANDOM_TOKEN_SIZE] = "";
    int64_t issued = 0;
    devices_t *devices;
    cr_assert(devices_create(&devices) == 0);
    for (size_t i = 0; i < sizeof FRAMES / sizeof *FRAMES; i++) {
        struct connect_verdict v;
        if (strstr("device_ok_v2_local device_no_nonce_local_v1 cli_with_evil_origin origin_loopback_otherport", FRAMES[i].name) == NULL)
            continue;
        judge(&FRAMES[i], devices, &v);
        cr_assert(v.accepted && v.has_grant);
        if (token[0]) cr_expect_str_eq(v.grant.token, token);
        if (issued) cr_expect_eq(v.grant.issued_at_ms, issued);
        memcpy(token, v.grant.token, sizeof token);
        issued = v.grant.issued_at_ms;
        connect_verdict_free(&v);
    }
    devices_destroy(&devices);
}
