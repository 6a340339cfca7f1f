/* The operator's commands next to a running gateway, with the real programs: for people and as JSON, and when it goes wrong. */
#include <criterion/criterion.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "support/gateway.h"
#include "support/ws_client.h"

enum { RUN_MS = 30000, ARGS_MAX = 16, DEVICE_MS = 10000 };

#define CONFIG                                                                                                                             \
    "{gateway: {auth: {mode: 'token', token: '" KIT_TOKEN "'}}, agents: {defaults: {model: {primary: '" KIT_OPENROUTER_MODEL "'}},"        \
    " list: [{id: 'main', default: true, identity: {name: 'Mainy'}}, {id: 'helper', model: {primary: '" KIT_GEMINI_MODEL "'}}]}}"

static struct kit kit;
static char *output;

static void begin(void)
{
    const struct kit_options options = { .config_text = CONFIG };
    kit_start(&kit, &options);
}

static void end(void)
{
    free(output);
    output = NULL;
    kit_stop(&kit);
}

/* --- running it --------------------------------------------------------------------------------------------------- */

static proc_t *start_in(const char *state, const char *token, const char *const *args)
{
    char text[5][320];
    const char *env[] = {
        text[0], text[1], text[2], text[3], text[4], "OPENCLAW_GATEWAY_URL", "OPENCLAW_GATEWAY_PASSWORD", "NO_COLOR", NULL
    };
    const char *argv[ARGS_MAX + 2] = { GW_OPENCLAW };
    proc_t *p;
    snprintf(text[0], sizeof text[0], "OPENCLAW_CONFIG_PATH=%s", kit.config);
    snprintf(text[1], sizeof text[1], "OPENCLAW_STATE_DIR=%s", state);
    snprintf(text[2], sizeof text[2], "OPENCLAW_GATEWAY_PORT=%d", kit.port);
    snprintf(text[3], sizeof text[3], "HOME=%s", kit.dir);
    snprintf(text[4], sizeof text[4], "OPENCLAW_GATEWAY_TOKEN%s%s", token ? "=" : "", token ? token : "");
    for (size_t i = 0; i < ARGS_MAX && args[i]; i++) argv[i + 1] = args[i];
    cr_assert(proc_start(argv, env, &p) == 0);
    return p;
}

/* @return the exit code; what it printed is in `output` */
static int run_in(const char *state, const char *const *args)
{
    int status = 0;
    proc_t *p = start_in(state, NULL, args);
    cr_assert(proc_wait(p, RUN_MS, &status) == 0, "%s does not end", args[0]);
    free(output);
    output = proc_output(p);
    proc_stop(&p);
    cr_assert(WIFEXITED(status), "%s ended by signal %d", args[0], WTERMSIG(status));
    return WEXITSTATUS(status);
}

#define RUN(...) run_in(kit.state, (const char *const[]){ __VA_ARGS__, NULL })

static void expect_output(const char *text)
{
    cr_expect(strstr(output, text), "no \"%s\" in:\n%s", text, output);
}

/* Run with --json; the caller json_decref()s. */
static json_t *run_json(const char *const *args)
{
    const char *all[ARGS_MAX + 1] = { 0 };
    size_t n = 0;
    for (; n < ARGS_MAX - 1 && args[n]; n++) all[n] = args[n];
    all[n] = "--json";
    cr_assert_eq(run_in(kit.state, all), 0, "%s:\n%s", args[0], output);
    json_t *root = json_loads(output, JSON_DECODE_ANY, NULL);
    cr_assert(root, "%s --json is no JSON:\n%s", args[0], output);
    return root;
}

#define JSON(...) run_json((const char *const[]){ __VA_ARGS__, NULL })

/* --- the claims --------------------------------------------------------------------------------------------------- */

struct said {
    const char *args[8];
    const char *text; /* part of what is printed */
};

Test(cli_gateway, every_command_answers_people, .init = begin, .fini = end, .timeout = 240)
{
    static const struct said cases[] = {
        { { "health" }, "Agents: main (default), helper\n" },
        { { "health" }, "Session store (main): " },
        { { "status" }, "reachable " },
        { { "status", "--deep" }, "\xe2\x94\x82 Last heartbeat" },
        { { "status", "--all" }, "OpenClaw status --all\n" },
        { { "devices", "list" }, "Paired (1)\n\xe2\x94\x8c" },
        { { "devices", "approve" }, NULL },
        { { "channels", "status" }, "Gateway reachable.\n" },
        { { "channels", "list" }, "Chat channels:\n" },
        { { "agents", "list" }, "- main (default)\n  Identity: Mainy (config)\n" },
        { { "sessions" }, "Session store: " },
        { { "models", "list" }, "default" },
        { { "models", "status" }, "Default       : " KIT_OPENROUTER_MODEL "\n" },
        { { "skills", "list" }, "kills" },
        { { "skills", "check" }, "Skills Status Check\n\nTotal: " },
        { { "cron", "list" }, "No cron jobs.\n" },
        { { "cron", "status" }, "\"storePath\": " },
        { { "logs", "--limit", "5" }, "Log file: " },
        { { "dashboard", "--no-open" }, "/#token=" KIT_TOKEN "\n" },
        { { "system", "presence" }, "\"mode\": \"gateway\"" },
        { { "system", "event", "--text", "hello", "--mode", "now" }, "ok\n" },
        { { "system", "heartbeat", "last" }, "" }, /* `system event` may have woken it by now, or not yet */
        { { "nodes", "list" }, "Pending: 0 \xc2\xb7 Paired: 0\n" },
        { { "nodes", "status" }, "Known: 0 \xc2\xb7 Paired: 0 \xc2\xb7 Connected: 0\n" },
        { { "approvals", "get", "--gateway" }, "No allowlist entries." },
        { { "gateway", "call", "health" }, "Gateway call: health\n{\n  \"ok\": true,\n" },
        { { "gateway", "health" }, "Gateway Health\nOK (" },
        { { "gateway", "probe" }, "Reachable: yes\n" },
        { { "gateway", "status" }, "RPC probe: ok\n" },
        { { "doctor", "--non-interactive" }, "Doctor complete.\n" },
        { { "config", "get", "gateway.auth.mode" }, "token\n" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int rc = run_in(kit.state, cases[i].args);
        if (cases[i].text) cr_expect_eq(rc, 0, "%s %s:\n%s", cases[i].args[0], cases[i].args[1], output);
        if (cases[i].text) expect_output(cases[i].text);
        if (!cases[i].text) cr_expect_eq(rc, 1);
        cr_expect(!strchr(output, '\033'), "%s colours what is no terminal", cases[i].args[0]);
    }
}

struct shaped {
    const char *args[4];
    const char *member; /* of the answer; NULL: it is an array or null */
};

Test(cli_gateway, every_command_answers_as_json, .init = begin, .fini = end, .timeout = 240)
{
    static const struct shaped cases[] = {
        { { "health" }, "heartbeatSeconds" },
        { { "status" }, "securityAudit" },
        { { "devices", "list" }, "paired" },
        { { "channels", "status" }, "channelOrder" },
        { { "agents", "list" }, NULL },
        { { "sessions" }, "activeMinutes" },
        { { "models", "list" }, "models" },
        { { "models", "status" }, "defaultModel" },
        { { "skills", "list" }, "skills" },
        { { "skills", "check" }, "skills" },
        { { "cron", "list" }, "jobs" },
        { { "cron", "status" }, "storePath" },
        { { "dashboard", "--no-open" }, "url" },
        { { "system", "presence" }, NULL },
        { { "system", "heartbeat", "last" }, NULL },
        { { "nodes", "list" }, "pending" },
        { { "nodes", "status" }, "nodes" },
        { { "approvals", "get" }, "file" },
        { { "gateway", "call", "health" }, "ok" },
        { { "gateway", "health" }, "ok" },
        { { "gateway", "probe" }, "reachable" },
        { { "gateway", "status" }, "rpc" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_t *root = run_json(cases[i].args);
        if (cases[i].member)
            cr_expect(json_object_get(root, cases[i].member), "%s: no %s", cases[i].args[0], cases[i].member);
        else
            cr_expect(json_is_array(root) || json_is_null(root), "%s", cases[i].args[0]);
        json_decref(root);
    }
}

Test(cli_gateway, an_agent_answers_through_the_gateway, .init = begin, .fini = end, .timeout = 120)
{
    cr_assert_eq(RUN("agent", "--agent", "main", "--message", "hello"), 0, "%s", output);
    cr_expect(strlen(output) > 1 && !strstr(output, "falling back"));
    json_t *root = JSON("agent", "--agent", "helper", "--message", "hello", "--session-id", "desk");
    const json_t *meta = json_object_get(json_object_get(json_object_get(root, "result"), "meta"), "agentMeta");
    cr_expect_str_eq(json_string_value(json_object_get(root, "status")), "ok");
    cr_expect_str_eq(json_string_value(json_object_get(meta, "provider")), "google");
    json_decref(root);
    root = JSON("agent", "--agent", "main", "--message", "hello", "--model", KIT_GEMINI_MODEL);
    meta = json_object_get(json_object_get(json_object_get(root, "result"), "meta"), "agentMeta");
    cr_expect_str_eq(json_string_value(json_object_get(meta, "provider")), "google");
    json_decref(root);
    cr_assert_eq(RUN("sessions"), 0);
    expect_output("direct agent:helper:desk ");
    cr_assert_eq(RUN("gateway", "call", "agent", "--expect-final", "--params",
                     "{\"agentId\":\"main\",\"message\":\"hi\",\"idempotencyKey\":\"k-1\"}"),
                 0);
    expect_output("\"summary\": \"completed\"");
}

/* --- devices ------------------------------------------------------------------------------------------------------ */

/* Connect as a device from elsewhere. @return the response; the caller json_decref()s */
static json_t *come_from_afar(const struct ws_device *device, const char *token)
{
    ws_t *ws;
    const struct ws_connect c = { .client_id = "test", .mode = "test", .scopes = "[\"operator.read\"]", .token = token, .device = device };
    cr_assert_eq(ws_open(kit.port, "/", "Host: gw.example.com\r\n", &ws), 0);
    json_t *response = ws_hello(ws, &c);
    cr_assert(response);
    ws_close(&ws);
    return response;
}

static bool let_in(const struct ws_device *device, const char *token)
{
    json_t *response = come_from_afar(device, token);
    bool ok = json_is_true(json_object_get(response, "ok"));
    json_decref(response);
    return ok;
}

Test(cli_gateway, devices_are_approved_and_their_tokens_changed_and_removed, .init = begin, .fini = end, .timeout = 120)
{
    struct ws_device device;
    char *first = NULL, *second = NULL;
    cr_assert_eq(ws_device_create(&device), 0);
    json_t *refused = come_from_afar(&device, KIT_TOKEN);
    const char *id = json_string_value(json_object_get(json_object_get(json_object_get(refused, "error"), "details"), "requestId"));
    cr_assert(id);
    cr_assert_eq(RUN("devices", "list"), 0);
    expect_output("Pending (1)\n");
    expect_output(device.id + 44);
    cr_assert_eq(RUN("devices", "approve", id), 0, "%s", output);
    expect_output("Approved ");
    expect_output(device.id);
    json_decref(refused);
    cr_expect(let_in(&device, KIT_TOKEN));
    json_t *rotated = JSON("devices", "rotate", "--device", device.id, "--role", "operator");
    first = strdup(json_string_value(json_object_get(rotated, "token")));
    json_decref(rotated);
    cr_expect(let_in(&device, first));
    rotated = JSON("devices", "rotate", "--device", device.id, "--role", "operator", "--scope", "operator.read");
    second = strdup(json_string_value(json_object_get(rotated, "token")));
    json_decref(rotated);
    cr_expect(!let_in(&device, first));
    cr_expect(let_in(&device, second));
    cr_assert_eq(RUN("devices", "revoke", "--device", device.id, "--role", "operator"), 0);
    expect_output("\"revokedAtMs\": ");
    cr_expect(!let_in(&device, second));
    cr_assert_eq(RUN("devices", "remove", device.id), 0, "%s", output);
    expect_output("Removed ");
    cr_expect(!let_in(&device, KIT_TOKEN)); /* has to ask again */
    cr_assert_eq(RUN("devices", "approve", "no-such-request"), 1);
    expect_output("unknown requestId");
    free(first);
    free(second);
    ws_device_free(&device);
}

Test(cli_gateway, approves_the_only_request_and_asks_which_among_several, .init = begin, .fini = end, .timeout = 120)
{
    struct ws_device a, b;
    cr_assert(ws_device_create(&a) == 0 && ws_device_create(&b) == 0);
    cr_assert(!let_in(&a, KIT_TOKEN) && !let_in(&b, KIT_TOKEN));
    cr_assert_eq(RUN("devices", "approve"), 1);
    expect_output("Pending (2)");
    expect_output("--latest");
    cr_assert_eq(RUN("devices", "approve", "--latest"), 0);
    cr_expect(let_in(&b, KIT_TOKEN) || let_in(&a, KIT_TOKEN));
    cr_assert_eq(RUN("devices", "approve"), 0);
    cr_expect(let_in(&b, KIT_TOKEN) && let_in(&a, KIT_TOKEN));
    ws_device_free(&a);
    ws_device_free(&b);
}

/* --- when it goes wrong -------------------------------------------------------------------------------------------- */

Test(cli_gateway, tells_a_wrong_token_and_a_gateway_that_is_down, .init = begin, .fini = end, .timeout = 120)
{
    char expected[512];
    cr_assert_eq(RUN("health", "--token", "wrong"), 1);
    expect_output("gateway closed (1008): unauthorized: ");
    cr_assert_eq(RUN("gateway", "call", "nope.nope"), 1);
    cr_expect_str_eq(output, "Gateway call failed: Error: unknown method: nope.nope\n");
    cr_assert_eq(RUN("gateway", "call", "sessions.list", "--params", "{\"limit\":\"x\"}"), 1);
    expect_output("Gateway call failed: Error: invalid sessions.list params: at /limit: must be ");
    proc_signal(kit.gateway, SIGTERM);
    cr_assert_eq(proc_wait(kit.gateway, RUN_MS, NULL), 0);
    snprintf(expected, sizeof expected,
             "gateway closed (1006 abnormal closure (no close frame)): no close reason\nGateway target: ws://127.0.0.1:%d\n"
             "Source: local loopback\nConfig: %s\nBind: loopback\n",
             kit.port, kit.config);
    cr_assert_eq(RUN("health"), 1);
    cr_expect_str_eq(output, expected);
    cr_assert_eq(RUN("channels", "status"), 0);
    expect_output("Gateway not reachable; showing config-only status.\n");
    cr_assert_eq(RUN("status"), 0);
    expect_output("unreachable (gateway closed (1006");
    cr_assert_eq(RUN("doctor", "--non-interactive"), 0);
    expect_output("Gateway not running or not reachable.");
    cr_assert_eq(RUN("gateway", "probe"), 1);
    expect_output("Reachable: no\n");
}

Test(cli_gateway, works_where_its_state_cannot_be_written, .init = begin, .fini = end, .timeout = 60)
{
    cr_assert_eq(run_in("/proc/self/none", (const char *const[]){ "health", NULL }), 0, "%s", output);
    expect_output("Agents: main (default), helper\n");
}

Test(cli_gateway, keeps_its_key_and_token_for_its_owner_alone, .init = begin, .fini = end, .timeout = 60)
{
    static const char *const names[] = { "device.json", "device-auth.json" };
    struct stat st;
    char path[256];
    cr_assert_eq(RUN("health"), 0);
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/identity/%s", kit.state, names[i]);
        cr_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600, "%s", path);
    }
    json_t *devices = JSON("devices", "list");
    cr_expect_eq(json_array_size(json_object_get(devices, "paired")), 1); /* the same device each time */
    json_decref(devices);
}

/* How many lines have `text`. */
static size_t count(proc_t *p, const char *text)
{
    char *said = proc_output(p);
    size_t n = 0;
    for (const char *at = said; (at = strstr(at, text)); at++) n++;
    free(said);
    return n;
}

Test(cli_gateway, follows_the_log, .init = begin, .fini = end, .timeout = 60)
{
    const char *const args[] = { "logs", "--follow", "--interval", "50", NULL };
    char rest[256];
    proc_t *p = start_in(kit.state, NULL, args);
    cr_assert_eq(proc_wait_line(p, "Log file: ", RUN_MS, rest, sizeof rest), 0);
    size_t before = count(p, "client_connected");
    cr_assert_eq(RUN("health"), 0);
    int64_t deadline = now_ms() + RUN_MS;
    while (count(p, "client_connected") <= before && now_ms() < deadline) pause_ms(10);
    cr_expect(count(p, "client_connected") > before);
    cr_expect_eq(count(p, KIT_TOKEN), 0);
    proc_signal(p, SIGKILL);
    proc_stop(&p);
}

/* --- TLS ---------------------------------------------------------------------------------------------------------- */

static void write_pem(const char *path, X509 *certificate, EVP_PKEY *key)
{
    FILE *f = fopen(path, "w");
    cr_assert(f);
    cr_assert(certificate ? PEM_write_X509(f, certificate) : PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL));
    fclose(f);
}

static void make_certificate(const char *certificate_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *c = X509_new();
    cr_assert(key && c);
    X509_set_version(c, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(c), 1);
    X509_gmtime_adj(X509_getm_notBefore(c), -60);
    X509_gmtime_adj(X509_getm_notAfter(c), 3600);
    X509_set_pubkey(c, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(c), "CN", MBSTRING_ASC, (const unsigned char *)"a gateway", -1, -1, 0);
    X509_set_issuer_name(c, X509_get_subject_name(c));
    cr_assert(X509_sign(c, key, EVP_sha256()));
    write_pem(certificate_path, c, NULL);
    write_pem(key_path, NULL, key);
    X509_free(c);
    EVP_PKEY_free(key);
}

static void configure_tls(const char *name)
{
    FILE *f = fopen(kit.config, "w");
    cr_assert(f);
    fprintf(f,
            "{gateway: {auth: {mode: 'token', token: '" KIT_TOKEN "'}, tls: {enabled: true, certPath: '%s/%s.pem', keyPath: '%s/%s.key'}}}",
            kit.dir, name, kit.dir, name);
    cr_assert(fclose(f) == 0);
}

Test(cli_gateway, pins_the_configured_certificate, .fini = end, .timeout = 120)
{
    static const char *const names[] = { "right", "wrong" };
    const struct kit_options options = { .config_text = "{}", .no_start = true };
    char certificate[160], key[160], port[16];
    kit_start(&kit, &options);
    for (size_t i = 0; i < 2; i++) {
        snprintf(certificate, sizeof certificate, "%s/%s.pem", kit.dir, names[i]);
        snprintf(key, sizeof key, "%s/%s.key", kit.dir, names[i]);
        make_certificate(certificate, key);
    }
    configure_tls("right");
    kit.gateway = start_in(kit.state, NULL, (const char *const[]){ "gateway", "--port", "0", NULL });
    cr_assert_eq(proc_wait_line(kit.gateway, "Listening on https://127.0.0.1:", RUN_MS, port, sizeof port), 0, "%s",
                 proc_output(kit.gateway));
    kit.port = atoi(port);
    cr_assert_eq(RUN("health"), 0, "%s", output);
    expect_output("Agents: main (default)\n");
    configure_tls("wrong");
    cr_assert_eq(RUN("health"), 1);
    expect_output("the server's certificate is not trusted");
    expect_output("Gateway target: wss://127.0.0.1:");
}
