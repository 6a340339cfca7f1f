/* Every recorded handshake of OpenClaw 2026.2.17, good and bad, played against the real gateway: the same code, message, close
 * code and reason. Keys, nonces and times are our own; tests/data/connect/<name>.json has what was answered. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "support/gateway.h"
#include "support/ws_client.h"

#define WEB "openclaw-control-ui"
#define HELLO_RAW(params) "{\"type\":\"req\",\"id\":\"1\",\"method\":\"connect\"" params "}"

enum { CLOSE_MS = 10000, FAR_MS = 11 * 60 * 1000 };

struct shake {
    const char *name;
    const char *headers; /* further ones; "%d" is the port */
    const char *raw;     /* sent instead of a connect made of the rest */
    struct ws_connect c;
    bool device, other_device; /* paired by an earlier case; a new one */
    int64_t signed_off_ms;     /* how far the signature's time is off */
};

#define ORIGIN_HERE "Origin: http://127.0.0.1:%d\r\n"
#define CLIENT "\"client\":{\"id\":\"cli\",\"version\":\"dev\",\"platform\":\"linux\",\"mode\":\"cli\"}"

static const struct shake SHAKES[] = {
    { .name = "bad_json", .raw = "{nope" },
    { .name = "bad_json_array", .raw = "[1,2]" },
    { .name = "extra_frame_prop", .raw = "{\"type\":\"req\",\"id\":\"1\",\"method\":\"connect\",\"params\":{},\"x\":1}" },
    { .name = "first_frame_event", .raw = "{\"type\":\"event\",\"event\":\"x\"}" },
    { .name = "first_frame_other_method", .raw = "{\"type\":\"req\",\"id\":\"1\",\"method\":\"health\",\"params\":{}}" },
    { .name = "connect_no_params", .raw = HELLO_RAW("") },
    { .name = "connect_empty_params", .raw = HELLO_RAW(",\"params\":{}") },
    { .name = "extra_param", .c = { .token = KIT_TOKEN, .extra = ",\"foo\":1" } },
    { .name = "unknown_client_id", .c = { .token = KIT_TOKEN, .client_id = "myapp" } },
    { .name = "unknown_client_mode", .c = { .token = KIT_TOKEN, .mode = "operator" } },
    { .name = "proto_old", .raw = HELLO_RAW(",\"params\":{\"minProtocol\":1,\"maxProtocol\":2," CLIENT "}") },
    { .name = "proto_new", .raw = HELLO_RAW(",\"params\":{\"minProtocol\":4,\"maxProtocol\":5," CLIENT "}") },
    { .name = "proto_range",
      .raw = HELLO_RAW(",\"params\":{\"minProtocol\":2,\"maxProtocol\":4,\"auth\":{\"token\":\"" KIT_TOKEN "\"}," CLIENT "}") },
    { .name = "bad_role", .c = { .token = KIT_TOKEN, .role = "admin" } },
    { .name = "origin_missing", .device = true, .c = { .token = KIT_TOKEN, .client_id = WEB, .mode = "webchat" } },
    { .name = "origin_null",
      .headers = "Origin: null\r\n",
      .device = true,
      .c = { .token = KIT_TOKEN, .client_id = WEB, .mode = "webchat" } },
    { .name = "origin_bad",
      .headers = "Origin: http://evil.example.com\r\n",
      .device = true,
      .c = { .token = KIT_TOKEN, .client_id = WEB, .mode = "webchat" } },
    { .name = "origin_webchat_mode_cli_id",
      .headers = "Origin: http://evil.example.com\r\n",
      .device = true,
      .c = { .token = KIT_TOKEN, .mode = "webchat" } },
    { .name = "origin_loopback_otherport",
      .headers = "Origin: http://localhost:5173\r\n",
      .device = true,
      .c = { .token = KIT_TOKEN, .client_id = WEB, .mode = "webchat" } },
    { .name = "cli_with_evil_origin", .headers = "Origin: http://evil.example.com\r\n", .device = true, .c = { .token = KIT_TOKEN } },
    { .name = "ok-control-ui", .headers = ORIGIN_HERE, .device = true, .c = { .token = KIT_TOKEN, .client_id = WEB, .mode = "webchat" } },
    { .name = "controlui_nodevice", .headers = ORIGIN_HERE, .c = { .token = KIT_TOKEN, .client_id = WEB, .mode = "webchat" } },
    { .name = "nodevice_token_ok", .c = { .token = KIT_TOKEN } },
    { .name = "nodevice_wrongtoken", .c = { .token = "wrong" } },
    { .name = "nodevice_notoken" },
    { .name = "nodevice_wrongpassword" },
    { .name = "node_role_nodevice", .c = { .token = KIT_TOKEN, .client_id = "node-host", .mode = "node", .role = "node", .scopes = "[]" } },
    { .name = "device_ok_v2_local", .device = true, .c = { .token = KIT_TOKEN } },
    { .name = "device_no_nonce_local_v1", .device = true, .c = { .token = KIT_TOKEN, .nonce = "" } },
    { .name = "device_nonce_wrong", .device = true, .c = { .token = KIT_TOKEN, .nonce = "00000000-0000-4000-8000-000000000000" } },
    { .name = "device_bad_sig", .device = true, .c = { .token = KIT_TOKEN, .bad_signature = true } },
    { .name = "device_stale", .device = true, .signed_off_ms = -FAR_MS, .c = { .token = KIT_TOKEN } },
    { .name = "device_future", .device = true, .signed_off_ms = FAR_MS, .c = { .token = KIT_TOKEN } },
    { .name = "device_notoken", .device = true },
    { .name = "device_wrongtoken", .device = true, .c = { .token = "wrong" } },
    { .name = "device_wrongtoken_controlui",
      .headers = ORIGIN_HERE,
      .device = true,
      .c = { .token = "wrong", .client_id = WEB, .mode = "webchat" } },
    { .name = "device_wrongtoken_other", .device = true, .c = { .token = "wrong", .client_id = "gateway-client", .mode = "backend" } },
    { .name = "remote_host_nononce",
      .headers = "Host: gw.example.com\r\n",
      .other_device = true,
      .c = { .token = KIT_TOKEN, .nonce = "" } },
    { .name = "remote_host_pairing_required", .headers = "Host: gw.example.com\r\n", .other_device = true, .c = { .token = KIT_TOKEN } },
    { .name = "remote_host_pairing_required_again",
      .headers = "Host: gw.example.com\r\n",
      .other_device = true,
      .c = { .token = KIT_TOKEN } },
    { .name = "xff_untrusted", .headers = "X-Forwarded-For: 203.0.113.9\r\n", .other_device = true, .c = { .token = KIT_TOKEN } },
};

static json_t *recorded(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, "%s/connect/%s.json", TEST_DATA_DIR, name);
    json_t *root = json_load_file(path, 0, NULL);
    cr_assert(root, "%s", path);
    return root;
}

static json_t *answer(ws_t *ws, const struct shake *s, const struct ws_connect *c)
{
    if (!s->raw) return ws_hello(ws, c);
    json_decref(ws_event(ws, "connect.challenge", CLOSE_MS));
    cr_assert_eq(ws_send(ws, WS_TEXT, str_of(s->raw)), 0);
    return ws_json(ws, CLOSE_MS);
}

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

static void expect_error(const char *name, const json_t *want, const json_t *got)
{
    cr_expect_str_eq(text_of(got, "code"), text_of(want, "code"), "%s: %s", name, text_of(got, "code"));
    cr_expect_str_eq(text_of(got, "message"), text_of(want, "message"), "%s: %s", name, text_of(got, "message"));
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(want, "details"), key, value)
    {
        json_t *mine = json_object_get(json_object_get(got, "details"), key);
        cr_expect(mine && json_typeof(mine) == json_typeof(value), "%s: details.%s", name, key);
        if (json_is_integer(value)) cr_expect(json_equal(mine, value), "%s: details.%s", name, key);
    }
}

static void expect_close(const char *name, const json_t *want, ws_t *ws)
{
    if (!json_is_object(want)) return;
    cr_expect_eq(ws_read_to_end(ws, CLOSE_MS), GW_ECLOSED, "%s: no close frame", name);
    cr_expect_eq(ws_close_code(ws), json_integer_value(json_object_get(want, "code")), "%s: closed with %d", name, ws_close_code(ws));
    cr_expect_str_eq(ws_close_reason(ws), text_of(want, "reason"), "%s: closed for %s", name, ws_close_reason(ws));
}

static void play(const struct kit *k, const struct shake *s, const struct ws_device *device)
{
    struct ws_connect c = s->c;
    char headers[256];
    struct buf lines = { 0 };
    ws_t *ws;
    const char *at = s->headers ? strstr(s->headers, "%d") : NULL;
    if (at) snprintf(headers, sizeof headers, "%.*s%d%s", (int)(at - s->headers), s->headers, k->port, at + 2);
    c.device = device;
    if (s->signed_off_ms) c.signed_at_ms = clock_wall_ms() + s->signed_off_ms;
    cr_assert_eq(ws_open(k->port, "/", at ? headers : s->headers, &ws), 0, "%s: status %d", s->name, ws_status());
    json_t *want = recorded(s->name), *reply = json_object_get(want, "response");
    json_t *got = answer(ws, s, &c);
    if (json_is_null(reply) || !reply) {
        cr_expect(!got, "%s: something was answered", s->name);
    } else if (json_is_true(json_object_get(reply, "ok"))) {
        cr_expect(json_is_true(json_object_get(got, "ok")), "%s: refused: %s", s->name, text_of(json_object_get(got, "error"), "message"));
    } else {
        expect_error(s->name, json_object_get(reply, "error"), json_object_get(got, "error"));
    }
    if (got || json_is_null(reply)) expect_close(s->name, json_object_get(want, "close"), ws);
    json_decref(want);
    json_decref(got);
    buf_free(&lines);
    ws_close(&ws);
}

Test(e2e_handshake, every_recorded_one_ends_as_recorded, .timeout = 120)
{
    struct kit k;
    struct ws_device paired, fresh;
    kit_start(&k, NULL);
    cr_assert_eq(ws_device_create(&paired), 0);
    for (size_t i = 0; i < sizeof SHAKES / sizeof *SHAKES; i++) {
        const struct shake *s = &SHAKES[i];
        bool again = strcmp(s->name, "remote_host_pairing_required_again") == 0;
        if (s->other_device && !again) cr_assert_eq(ws_device_create(&fresh), 0);
        play(&k, s, s->device ? &paired : s->other_device ? &fresh : NULL);
        if (s->other_device && strcmp(s->name, "remote_host_pairing_required") != 0) ws_device_free(&fresh);
    }
    ws_device_free(&paired);
    kit_stop(&k);
}

Test(e2e_handshake, a_wrong_device_id_is_told, .timeout = 60)
{
    struct kit k;
    struct ws_device device;
    ws_t *ws;
    kit_start(&k, NULL);
    cr_assert_eq(ws_device_create(&device), 0);
    device.id[0] = device.id[0] == '0' ? '1' : '0';
    const struct shake s = { .name = "device_id_mismatch", .c = { .token = KIT_TOKEN } };
    play(&k, &s, &device);
    ws_device_free(&device);
    /* signed as v1 although a nonce is sent along */
    cr_assert_eq(ws_device_create(&device), 0);
    cr_assert_eq(ws_open(k.port, "/any/path", NULL, &ws), 0);
    json_t *challenge = ws_event(ws, "connect.challenge", CLOSE_MS);
    const struct ws_connect v1 = { .token = KIT_TOKEN, .device = &device, .nonce = "" };
    char *params = ws_connect_params(&v1, ""), *end = strrchr(params, '}');
    struct buf with_nonce = { 0 };
    buf_add(&with_nonce, (struct str){ params, (size_t)(end - params) - 1 }); /* before the end of device */
    buf_printf(&with_nonce, ",\"nonce\":\"%s\"}}", text_of(json_object_get(challenge, "payload"), "nonce"));
    cr_assert_eq(ws_request(ws, "x", "connect", "%s", buf_cstr(&with_nonce)), 0);
    json_t *got = ws_response(ws, "x", CLOSE_MS), *want = recorded("device_sig_v1_but_nonce");
    expect_error("device_sig_v1_but_nonce", json_object_get(json_object_get(want, "response"), "error"), json_object_get(got, "error"));
    expect_close("device_sig_v1_but_nonce", json_object_get(want, "close"), ws);
    json_decref(challenge);
    json_decref(got);
    json_decref(want);
    free(params);
    buf_free(&with_nonce);
    ws_close(&ws);
    ws_device_free(&device);
    kit_stop(&k);
}

Test(e2e_handshake, silence_is_ended_after_ten_seconds, .timeout = 60)
{
    struct kit k;
    ws_t *ws;
    kit_start(&k, NULL);
    int64_t from = now_ms();
    cr_assert_eq(ws_open(k.port, "/", NULL, &ws), 0);
    cr_expect_eq(ws_read_to_end(ws, 20000), GW_ECLOSED);
    cr_expect_eq(ws_close_code(ws), 1000);
    cr_expect_str_eq(ws_close_reason(ws), "");
    cr_expect(now_ms() - from >= 9500 && now_ms() - from < 20000, "after %lld ms", (long long)(now_ms() - from));
    ws_close(&ws);
    kit_stop(&k);
}

Test(e2e_handshake, a_message_too_long_is_ended_with_1009, .timeout = 60)
{
    struct kit k;
    ws_t *ws;
    struct buf big = { 0 };
    kit_start(&k, NULL);
    for (int over = 0; over <= 1; over++) {
        buf_clear(&big);
        cr_assert_eq(ws_open(k.port, "/", NULL, &ws), 0);
        json_decref(ws_event(ws, "connect.challenge", CLOSE_MS));
        char *into = buf_reserve(&big, 64 * 1024 + 1);
        memset(into, ' ', 64 * 1024 + 1);
        big.n = 64 * 1024 + (size_t)over;
        cr_assert_eq(ws_send(ws, WS_TEXT, buf_str(&big)), 0);
        cr_expect_eq(ws_read_to_end(ws, CLOSE_MS), GW_ECLOSED);
        cr_expect_eq(ws_close_code(ws), over ? 1009 : 1000, "%d", ws_close_code(ws));
        ws_close(&ws);
    }
    buf_free(&big);
    kit_stop(&k);
}

Test(e2e_handshake, the_token_of_the_command_line_is_the_one_that_the_mode_asks_for, .timeout = 60)
{
    struct kit k;
    ws_t *ws;
    const struct kit_options options = { .config_text = "{\"gateway\":{\"auth\":{\"mode\":\"token\"}}}" };
    kit_start(&k, &options);
    cr_assert_eq(ws_open(k.port, "/", NULL, &ws), 0);
    json_t *hello = ws_hello(ws, &(struct ws_connect){ .token = KIT_TOKEN });
    cr_expect(json_is_true(json_object_get(hello, "ok")), "refused: %s", text_of(json_object_get(hello, "error"), "message"));
    json_decref(hello);
    ws_close(&ws);
    kit_stop(&k);
}
