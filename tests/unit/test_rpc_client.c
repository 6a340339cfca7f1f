/* The client of the gateway's protocol against a fake gateway, failure by failure. */
#include <criterion/criterion.h>
#include <unistd.h>

#include "base/err.h"
#include "channels/device_key.h"
#include "cli/identity.h"
#include "cli/rpc_client.h"
#include "support/tempdir.h"
#include "support/ws_server.h"

#define NONCE "8aa7a3d6-7b03-45f0-8622-a3b178c6401e"
#define CHALLENGE "{\"type\":\"event\",\"event\":\"connect.challenge\",\"payload\":{\"nonce\":\"" NONCE "\",\"ts\":1}}"

enum { PATIENCE_MS = 10000, SHORT_MS = 150 };

static char dir[TEMPDIR_MAX];
static struct ws_server server;
static struct gateway_target target;
static struct rpc_client_error error;
static rpc_client_t *client;

static void begin(void)
{
    tempdir_make(dir);
}

static void end(void)
{
    rpc_client_close(&client);
    rpc_client_error_free(&error);
    tempdir_remove(dir);
}

static void aim(int port)
{
    target = (struct gateway_target){ .url = { .host = "127.0.0.1", .port = port, .path = "/" },
                                      .source = "local loopback",
                                      .bind = "loopback",
                                      .config = STR("/c/openclaw.json"),
                                      .token = STR("the-token") };
    snprintf(target.text, sizeof target.text, "ws://127.0.0.1:PORT");
}

static int open_client(int timeout_ms)
{
    return rpc_client_open(&target, "cli", dir, timeout_ms, &client, &error);
}

static void serve(ws_script *script, int connections)
{
    ws_server_start(&server, script, connections);
    aim(server.port);
}

static void ended_well(void)
{
    rpc_client_close(&client);
    cr_assert_eq(ws_server_stop(&server), 0);
}

/* What is told of the last error. */
static void says(const char *expected)
{
    struct buf text = { 0 };
    rpc_client_error_describe(&error, &target, &text);
    cr_assert_str_eq(buf_cstr(&text), expected);
    buf_free(&text);
}

#define TARGET_LINES "Gateway target: ws://127.0.0.1:PORT\nSource: local loopback\nConfig: /c/openclaw.json\nBind: loopback\n"

/* --- parts of scripts --------------------------------------------------------------------------------------------- */

static struct str text_of(const json_t *object, const char *key)
{
    return str_of(json_string_value(json_object_get(object, key)));
}

static void answer(int fd, const json_t *request, const char *rest)
{
    serve_text(fd, "{\"type\":\"res\",\"id\":\"%s\",%s}", json_string_value(json_object_get(request, "id")), rest);
}

/* Challenge, and the connect request's parameters; the caller json_decref()s the request. */
static json_t *challenge(int fd)
{
    serve_upgrade(fd);
    serve_text(fd, CHALLENGE);
    json_t *request = serve_request(fd);
    serve_expect(str_is(text_of(request, "type"), "req") && str_is(text_of(request, "method"), "connect"), "a connect request");
    return request;
}

static void let_in(int fd)
{
    json_t *request = challenge(fd);
    answer(fd, request,
           "\"ok\":true,\"payload\":{\"type\":\"hello-ok\",\"protocol\":3,\"auth\":{\"deviceToken\":\"the-device-token\",\"role\":"
           "\"operator\",\"scopes\":[\"operator.admin\"]}}");
    json_decref(request);
}

static json_t *expect_call(int fd, const char *method)
{
    json_t *request = serve_request(fd);
    serve_expect(str_is(text_of(request, "method"), method), method);
    return request;
}

/* --- login -------------------------------------------------------------------------------------------------------- */

static void check_device(const json_t *params)
{
    const json_t *device = json_object_get(params, "device");
    unsigned char raw[DEVICE_KEY_SIZE];
    char id[DEVICE_ID_SIZE];
    const struct device_statement s = { .device_id = text_of(device, "id"),
                                        .client_id = STR("cli"),
                                        .client_mode = STR("cli"),
                                        .role = STR("operator"),
                                        .scopes = STR("operator.admin,operator.approvals,operator.pairing"),
                                        .signed_at_ms = json_integer_value(json_object_get(device, "signedAt")),
                                        .token = STR("the-token"),
                                        .nonce = STR(NONCE) };
    serve_expect(device_key_read(text_of(device, "publicKey"), raw) == 0, "a public key");
    device_key_id(raw, id);
    serve_expect(str_is(s.device_id, id), "the key's id");
    serve_expect(str_is(text_of(device, "nonce"), NONCE), "the challenge's nonce");
    serve_expect(device_signature_valid(raw, &s, text_of(device, "signature")), "a valid signature");
}

static void checks_login(int fd, int number)
{
    (void)number;
    json_t *request = challenge(fd);
    const json_t *params = json_object_get(request, "params"), *who = json_object_get(params, "client");
    serve_expect(json_integer_value(json_object_get(params, "minProtocol")) == 3, "minProtocol");
    serve_expect(json_integer_value(json_object_get(params, "maxProtocol")) == 3, "maxProtocol");
    serve_expect(str_is(text_of(who, "id"), "cli") && str_is(text_of(who, "mode"), "cli"), "who it is");
    serve_expect(text_of(who, "version").n && str_is(text_of(who, "platform"), "linux"), "version and platform");
    serve_expect(str_is(text_of(params, "role"), "operator") && json_array_size(json_object_get(params, "scopes")) == 3, "role and scopes");
    serve_expect(json_is_array(json_object_get(params, "caps")), "caps");
    serve_expect(str_is(text_of(json_object_get(params, "auth"), "token"), "the-token"), "the token");
    serve_expect(json_object_get(json_object_get(params, "auth"), "password") == NULL, "no password");
    check_device(params);
    answer(fd, request,
           "\"ok\":true,\"payload\":{\"type\":\"hello-ok\",\"auth\":{\"deviceToken\":\"dt\",\"role\":\"operator\",\"scopes\":[]}}");
    json_decref(request);
}

Test(rpc_client, logs_in_with_a_signed_challenge_and_keeps_the_device_token, .init = begin, .fini = end)
{
    identity_t *key;
    struct buf token = { 0 };
    serve(checks_login, 1);
    cr_assert_eq(open_client(PATIENCE_MS), 0);
    cr_assert_str_eq(json_string_value(json_object_get(rpc_client_hello(client), "type")), "hello-ok");
    ended_well();
    cr_assert_eq(identity_open(dir, &key), 0);
    cr_assert_eq(identity_token_load(dir, key, "operator", &token), 0);
    cr_assert_str_eq(buf_cstr(&token), "dt");
    buf_free(&token);
    identity_close(&key);
}

static void checks_probe(int fd, int number)
{
    (void)number;
    json_t *request = challenge(fd);
    const json_t *params = json_object_get(request, "params");
    serve_expect(str_is(text_of(json_object_get(params, "client"), "mode"), "probe"), "mode probe");
    serve_expect(json_array_size(json_object_get(params, "scopes")) == 1, "one scope");
    answer(fd, request, "\"ok\":true,\"payload\":{}");
    json_decref(request);
}

Test(rpc_client, asks_for_less_as_a_probe, .init = begin, .fini = end)
{
    serve(checks_probe, 1);
    cr_assert_eq(rpc_client_open(&target, "probe", dir, PATIENCE_MS, &client, &error), 0);
    ended_well();
}

static void refuses_token(int fd, int number)
{
    (void)number;
    json_t *request = challenge(fd);
    answer(fd, request,
           "\"ok\":false,\"error\":{\"code\":\"INVALID_REQUEST\",\"message\":\"unauthorized: gateway token mismatch (a hint)\"}");
    serve_close(fd, 1008, "unauthorized: gateway token mis");
    json_decref(request);
}

Test(rpc_client, tells_a_refused_login_in_full_with_its_close_code, .init = begin, .fini = end)
{
    serve(refuses_token, 1);
    cr_assert_eq(open_client(PATIENCE_MS), GW_ECLOSED);
    cr_assert_null(client);
    says("gateway closed (1008): unauthorized: gateway token mismatch (a hint)\n" TARGET_LINES);
    ended_well();
}

static void wants_pairing(int fd, int number)
{
    (void)number;
    json_t *request = challenge(fd);
    answer(fd, request,
           "\"ok\":false,\"error\":{\"code\":\"NOT_PAIRED\",\"message\":\"pairing required\",\"details\":{\"requestId\":\"req-77\"}}");
    serve_close(fd, 1008, "pairing required");
    json_decref(request);
}

Test(rpc_client, names_the_request_that_has_to_be_approved, .init = begin, .fini = end)
{
    serve(wants_pairing, 1);
    cr_assert_eq(open_client(PATIENCE_MS), GW_ECLOSED);
    says("gateway closed (1008): pairing required\n" TARGET_LINES
         "Approve this device on the gateway's host: openclaw devices approve req-77\n");
    ended_well();
}

/* First the stored token is refused; then none is sent. */
static void forgets_tokens(int fd, int number)
{
    json_t *request = challenge(fd);
    const json_t *auth = json_object_get(json_object_get(request, "params"), "auth");
    if (number == 0) {
        serve_expect(str_is(text_of(auth, "token"), "old-token"), "the stored token");
        answer(fd, request,
               "\"ok\":false,\"error\":{\"code\":\"INVALID_REQUEST\",\"message\":\"unauthorized: device token mismatch (rotate)\"}");
        serve_close(fd, 1008, "unauthorized");
    } else {
        serve_expect(auth == NULL, "no secret");
        answer(fd, request, "\"ok\":true,\"payload\":{}");
    }
    json_decref(request);
}

Test(rpc_client, drops_a_stored_token_that_is_worth_nothing, .init = begin, .fini = end)
{
    identity_t *key;
    struct buf token = { 0 };
    cr_assert_eq(identity_open(dir, &key), 0);
    cr_assert_eq(identity_token_store(dir, key, "operator", STR("old-token"), STR("[]"), 1), 0);
    serve(forgets_tokens, 2);
    target.token = (struct str){ 0 };
    cr_assert_eq(open_client(PATIENCE_MS), 0);
    cr_assert_eq(identity_token_load(dir, key, "operator", &token), GW_ENOENT);
    ended_well();
    buf_free(&token);
    identity_close(&key);
}

/* --- calls -------------------------------------------------------------------------------------------------------- */

static void answers(int fd, int number)
{
    char *pong = NULL;
    (void)number;
    let_in(fd);
    json_t *request = expect_call(fd, "health");
    serve_text(fd, "{\"type\":\"event\",\"event\":\"tick\",\"payload\":{}}");
    serve_text(fd, "{\"type\":\"res\",\"id\":\"another\",\"ok\":true,\"payload\":{\"wrong\":1}}");
    serve_text(fd, "this is no JSON");
    serve_frame(fd, 0x89, STR("are you there"));
    char text[256];
    int n = snprintf(text, sizeof text, "{\"type\":\"res\",\"id\":\"%s\",\"ok\":true,\"payload\":{\"ok\":true,\"n\":42}}",
                     json_string_value(json_object_get(request, "id")));
    serve_frame(fd, 0x01, (struct str){ text, 10 });
    serve_frame(fd, 0x80, (struct str){ text + 10, (size_t)n - 10 });
    serve_expect(serve_read(fd, &pong) == 10 && strcmp(pong, "are you there") == 0, "a pong");
    free(pong);
    json_decref(request);
    request = expect_call(fd, "nope.nope");
    answer(fd, request, "\"ok\":false,\"error\":{\"code\":\"INVALID_REQUEST\",\"message\":\"unknown method: nope.nope\"}");
    json_decref(request);
    serve_expect(serve_read(fd, &pong) == 8, "a close frame");
    free(pong);
}

Test(rpc_client, calls_methods_past_events_pings_and_fragments, .init = begin, .fini = end)
{
    json_t *payload;
    serve(answers, 1);
    cr_assert_eq(open_client(PATIENCE_MS), 0);
    cr_assert_eq(rpc_client_call(client, "health", json_pack("{s:b}", "probe", 1), PATIENCE_MS, &payload, &error), 0);
    cr_assert_eq(json_integer_value(json_object_get(payload, "n")), 42);
    json_decref(payload);
    cr_assert_neq(rpc_client_call(client, "nope.nope", NULL, PATIENCE_MS, &payload, &error), 0);
    cr_assert_null(payload);
    cr_assert_eq(error.kind, GATEWAY_REFUSED);
    says("Error: unknown method: nope.nope\n");
    ended_well();
}

static void answers_twice(int fd, int number)
{
    (void)number;
    let_in(fd);
    json_t *request = expect_call(fd, "agent");
    answer(fd, request, "\"ok\":true,\"payload\":{\"status\":\"accepted\"}");
    serve_text(fd, "{\"type\":\"event\",\"event\":\"agent\",\"payload\":{}}");
    answer(fd, request, "\"ok\":false,\"payload\":{\"status\":\"error\"},\"error\":{\"code\":\"UNAVAILABLE\",\"message\":\"all failed\"}");
    json_decref(request);
}

Test(rpc_client, waits_for_the_second_answer, .init = begin, .fini = end)
{
    json_t *payload;
    serve(answers_twice, 1);
    cr_assert_eq(open_client(PATIENCE_MS), 0);
    cr_assert_eq(rpc_client_call(client, "agent", NULL, PATIENCE_MS, &payload, &error), 0);
    cr_assert_str_eq(json_string_value(json_object_get(payload, "status")), "accepted");
    json_decref(payload);
    cr_assert_neq(rpc_client_more(client, PATIENCE_MS, &payload, &error), 0);
    says("Error: all failed\n");
    ended_well();
}

/* --- what else can happen ----------------------------------------------------------------------------------------- */

Test(rpc_client, tells_that_nobody_listens, .init = begin, .fini = end)
{
    ws_server_start(&server, NULL, 0);
    cr_assert_eq(ws_server_stop(&server), 0);
    aim(server.port);
    cr_assert_eq(open_client(PATIENCE_MS), GW_ENOPEER);
    says("gateway closed (1006 abnormal closure (no close frame)): no close reason\n" TARGET_LINES);
}

static void hangs_up(int fd, int number)
{
    (void)number;
    json_decref(challenge(fd));
}

Test(rpc_client, tells_a_connection_that_just_ends, .init = begin, .fini = end)
{
    serve(hangs_up, 1);
    cr_assert_eq(open_client(PATIENCE_MS), GW_ECLOSED);
    says("gateway closed (1006 abnormal closure (no close frame)): no close reason\n" TARGET_LINES);
    ended_well();
}

static void restarts(int fd, int number)
{
    (void)number;
    let_in(fd);
    json_decref(serve_request(fd));
    serve_close(fd, 1012, "service restart");
}

Test(rpc_client, tells_a_close_in_the_middle_of_a_call, .init = begin, .fini = end)
{
    json_t *payload;
    serve(restarts, 1);
    cr_assert_eq(open_client(PATIENCE_MS), 0);
    cr_assert_eq(rpc_client_call(client, "health", NULL, PATIENCE_MS, &payload, &error), GW_ECLOSED);
    says("gateway closed (1012): service restart\n" TARGET_LINES);
    ended_well();
}

static void says_nothing(int fd, int number)
{
    char *data;
    (void)number;
    serve_upgrade(fd);
    serve_read(fd, &data);
    free(data);
}

Test(rpc_client, gives_up_after_its_time, .init = begin, .fini = end)
{
    serve(says_nothing, 1);
    cr_assert_eq(open_client(SHORT_MS), GW_ETIMEOUT);
    says("gateway timeout after 150ms\n" TARGET_LINES);
    ended_well();
}

static void is_something_else(int fd, int number)
{
    (void)number;
    serve_bytes(fd, STR("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
}

Test(rpc_client, tells_what_is_no_websocket, .init = begin, .fini = end)
{
    serve(is_something_else, 1);
    cr_assert_eq(open_client(PATIENCE_MS), GW_EBADMSG);
    says("gateway closed (1006 abnormal closure (no close frame)): no WebSocket there: it answered \"HTTP/1.1 404 Not "
         "Found\"\n" TARGET_LINES);
    ended_well();
}

static void accepts_for_another(int fd, int number)
{
    (void)number;
    serve_bytes(
        fd, STR("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n"));
}

Test(rpc_client, wants_the_proof_that_its_key_was_read, .init = begin, .fini = end)
{
    serve(accepts_for_another, 1);
    cr_assert_eq(open_client(PATIENCE_MS), GW_EBADMSG);
    ended_well();
}

static void announces_too_much(int fd, int number)
{
    char *data;
    (void)number;
    let_in(fd);
    json_decref(serve_request(fd));
    serve_bytes(fd, STR("\x81\x7f\0\0\0\0\x01\x90\x00\x01"));
    serve_expect(serve_read(fd, &data) == 8 && (unsigned char)data[0] == 1009 >> 8 && (unsigned char)data[1] == (1009 & 0xff),
                 "close 1009");
    free(data);
}

Test(rpc_client, refuses_a_message_over_25_MiB_from_its_head, .init = begin, .fini = end)
{
    json_t *payload;
    serve(announces_too_much, 1);
    cr_assert_eq(open_client(PATIENCE_MS), 0);
    cr_assert_eq(rpc_client_call(client, "health", NULL, PATIENCE_MS, &payload, &error), GW_ECLOSED);
    says("gateway closed (1009): a message of the gateway is over 25 MiB\n" TARGET_LINES);
    ended_well();
}

Test(rpc_client, works_where_no_identity_can_be_kept, .init = begin, .fini = end)
{
    serve(checks_login, 1);
    cr_assert_eq(rpc_client_open(&target, "cli", "/proc/self/none", PATIENCE_MS, &client, &error), 0);
    ended_well();
}
