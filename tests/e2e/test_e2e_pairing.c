/* Pairing end to end: a device from elsewhere asks, is approved on the command line, is known after a restart, and is shut out. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "base/err.h"
#include "support/operator.h"

#define FROM_FAR "X-Forwarded-For: 203.0.113.9\r\n"
#define BOOTSTRAP "one-time-token-of-the-tests"

enum { CLOSE_MS = 10000 };

static const char *text_at(const json_t *root, const char *a, const char *b, const char *c)
{
    const json_t *v = json_object_get(root, a);
    if (b) v = json_object_get(v, b);
    if (c) v = json_object_get(v, c);
    const char *text = json_string_value(v);
    return text ? text : "";
}

/* Connect as a device from elsewhere. @return the response to `connect`; *ws stays open */
static json_t *come(const struct kit *k, const struct ws_device *device, const char *token, ws_t **ws)
{
    const struct ws_connect c = { .token = token, .device = device };
    cr_assert_eq(ws_open(k->port, "/", FROM_FAR, ws), 0);
    json_t *hello = ws_hello(*ws, &c);
    cr_assert(hello);
    return hello;
}

static bool is_in(const json_t *hello)
{
    return json_is_true(json_object_get(hello, "ok"));
}

static void expect_out(const struct kit *k, const struct ws_device *device, const char *token, const char *message)
{
    ws_t *ws;
    json_t *hello = come(k, device, token, &ws);
    cr_expect_not(is_in(hello));
    cr_expect_str_eq(text_at(hello, "error", "message", NULL), message);
    cr_expect_eq(ws_read_to_end(ws, CLOSE_MS), GW_ECLOSED);
    cr_expect_eq(ws_close_code(ws), 1008);
    json_decref(hello);
    ws_close(&ws);
}

/* Ask to be paired, and be approved. Leaves the device's token in `token`. */
static void pair(const struct kit *k, const struct ws_device *device, char token[64])
{
    ws_t *ws;
    char request[64];
    json_t *hello = come(k, device, KIT_TOKEN, &ws);
    cr_assert_str_eq(text_at(hello, "error", "code", NULL), "NOT_PAIRED");
    snprintf(request, sizeof request, "%s", text_at(hello, "error", "details", "requestId"));
    cr_expect(strstr(text_at(hello, "error", "details", "command"), "openclaw devices approve"), "the command is named");
    json_decref(hello);
    ws_close(&ws);
    const char *const approve[] = { "devices", "approve", request, NULL };
    cr_assert_eq(operator_run(k, approve, NULL), 0);
    hello = come(k, device, KIT_TOKEN, &ws);
    cr_assert(is_in(hello), "%s", text_at(hello, "error", "message", NULL));
    snprintf(token, 64, "%s", text_at(hello, "payload", "auth", "deviceToken"));
    cr_expect_eq(strlen(token), 43);
    json_decref(hello);
    ws_close(&ws);
}

Test(e2e_pairing, a_paired_device_is_known_after_a_restart_and_a_revoked_one_is_not, .timeout = 120)
{
    struct kit k;
    struct ws_device device;
    char token[64];
    ws_t *ws;
    kit_start(&k, NULL);
    cr_assert_eq(ws_device_create(&device), 0);
    pair(&k, &device, token);
    proc_stop(&k.gateway);
    kit_restart(&k);
    json_t *hello = come(&k, &device, token, &ws); /* by its own token, without the shared secret */
    cr_expect(is_in(hello), "%s", text_at(hello, "error", "message", NULL));
    json_decref(hello);
    const char *const revoke[] = { "devices", "revoke", "--device", device.id, "--role", "operator", NULL };
    cr_assert_eq(operator_run(&k, revoke, NULL), 0);
    cr_expect_eq(ws_read_to_end(ws, CLOSE_MS), GW_ECLOSED, "its open connection ends, too");
    ws_close(&ws);
    expect_out(&k, &device, token, "unauthorized: device token mismatch (rotate/reissue device token)");
    proc_stop(&k.gateway);
    kit_restart(&k);
    expect_out(&k, &device, token, "unauthorized: device token mismatch (rotate/reissue device token)");
    ws_device_free(&device);
    kit_stop(&k);
}

Test(e2e_pairing, a_removed_device_has_to_ask_again, .timeout = 120)
{
    struct kit k;
    struct ws_device device;
    char token[64];
    kit_start(&k, NULL);
    cr_assert_eq(ws_device_create(&device), 0);
    pair(&k, &device, token);
    const char *const removal[] = { "devices", "remove", device.id, NULL };
    cr_assert_eq(operator_run(&k, removal, NULL), 0);
    expect_out(&k, &device, KIT_TOKEN, "pairing required");
    ws_device_free(&device);
    kit_stop(&k);
}

Test(e2e_pairing, the_bootstrap_token_lets_the_first_device_in_and_nobody_else, .timeout = 120)
{
    static const char *const env[] = { "OPENCLAW_BOOTSTRAP_TOKEN=" BOOTSTRAP, NULL };
    struct kit k;
    struct ws_device first, second;
    ws_t *ws;
    kit_start(&k, &(struct kit_options){ .env = env });
    cr_assert_eq(ws_device_create(&first), 0);
    cr_assert_eq(ws_device_create(&second), 0);
    json_t *hello = come(&k, &first, BOOTSTRAP, &ws);
    cr_assert(is_in(hello), "%s", text_at(hello, "error", "message", NULL));
    json_decref(hello);
    json_t *list = ws_call(ws, "device.pair.list", "{}");
    cr_expect_eq(json_array_size(json_object_get(json_object_get(list, "payload"), "paired")), 1);
    json_decref(list);
    ws_close(&ws);
    for (int restarted = 0; restarted <= 1; restarted++) {
        hello = come(&k, &second, BOOTSTRAP, &ws);
        cr_expect_not(is_in(hello));
        json_decref(hello);
        ws_close(&ws);
        if (restarted) break;
        proc_stop(&k.gateway);
        kit_restart(&k);
    }
    ws_device_free(&first);
    ws_device_free(&second);
    kit_stop(&k);
}

Test(e2e_pairing, no_secret_is_in_the_log_or_the_store, .timeout = 120)
{
    struct kit k;
    struct ws_device device;
    char token[64], command[256];
    kit_start(&k, NULL);
    cr_assert_eq(ws_device_create(&device), 0);
    pair(&k, &device, token);
    char *output = proc_output(k.gateway);
    cr_expect(output && strstr(output, "device_paired") && strstr(output, device.id), "pairing is audited");
    cr_expect_not(strstr(output, token));
    for (const char *at = strstr(output, KIT_TOKEN); at; at = strstr(at + 1, KIT_TOKEN)) { /* the banner repeats a typed --token */
        const char *line = at;
        while (line > output && line[-1] != '\n') line--;
        cr_expect(strncmp(line, "ts=", 3) != 0, "the log has the token");
    }
    free(output);
    snprintf(command, sizeof command, "! grep -rqF -e '%s' -e '%s' '%s'", token, KIT_TOKEN, k.state);
    cr_expect_eq(system(command), 0, "a token stands in the state directory in clear");
    ws_device_free(&device);
    kit_stop(&k);
}
