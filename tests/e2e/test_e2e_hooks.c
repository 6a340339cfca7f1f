/* Calls from outside: the recorded ones are answered as OpenClaw does, mapped ones become turns that know what is foreign. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/json_read.h"
#include "support/frames.h"
#include "support/gateway.h"
#include "support/http_client.h"

static struct kit K;

#define TOKEN "hook-tok-throwaway"
#define CONFIG                                                                                                                             \
    "{ agents: { list: [{ id: 'main', default: true }, { id: 'ops' }], defaults: { model: { primary: '" KIT_OPENROUTER_MODEL               \
    "' }, heartbeat: { every: '0m' } } }, hooks: { enabled: true, token: '" TOKEN "', maxBodyBytes: 2000, %s } }"

static void start(const char *more)
{
    static char config[4096];
    snprintf(config, sizeof config, CONFIG, more);
    const struct kit_options options = { .config_text = config };
    kit_start(&K, &options);
}

static int call(const char *method, const char *path, const char *headers, const char *body, struct http_reply *out)
{
    const struct http_call q = { .method = method, .path = path, .headers = headers, .body = str_of(body ? body : "") };
    int rc = http_call(K.port, &q, KIT_TURN_MS, out);
    cr_assert_eq(rc, 0, "%s %s", method, path);
    return out->status;
}

static void expect(const char *path, const char *body, int status, const char *words)
{
    struct http_reply r = { 0 };
    int got = call("POST", path, "Authorization: Bearer " TOKEN "\r\n", body, &r);
    cr_expect_eq(got, status, "%s: %d", body, got);
    cr_expect(strstr(buf_cstr(&r.body), words), "%s: %s", body, buf_cstr(&r.body));
    http_reply_free(&r);
}

/* What the model was told last, once it was asked so often. */
static char *told(int64_t requests)
{
    cr_assert_eq(fake_wait(&K.openrouter, "requests", requests, KIT_TURN_MS), 0);
    return kit_told(&K);
}

/* --- as recorded ---------------------------------------------------------------------------------------------------------- */

static void play(const char *name)
{
    json_t *frame = frames_load(name), *q = json_object_get(frame, "request"), *value;
    struct buf headers = { 0 };
    struct http_reply r = { 0 };
    const char *key;
    char *body = json_dumps(json_object_get(q, "body"), JSON_COMPACT);
    json_object_foreach(json_object_get(q, "headers"), key, value) buf_printf(&headers, "%s: %s\r\n", key, json_string_value(value));
    call(json_string_value(json_object_get(q, "method")), json_string_value(json_object_get(q, "path")), buf_cstr(&headers), body, &r);
    cr_expect_eq(r.status, json_int(frame, "status", 0), "%s: %d", name, r.status);
    struct str recorded = json_str(frame, "body");
    if (r.status == 202)
        cr_expect(str_starts(buf_str(&r.body), STR("{\"ok\":true,\"runId\":\"")) && r.body.n == recorded.n, "%s", buf_cstr(&r.body));
    else
        cr_expect(str_eq(buf_str(&r.body), recorded), "%s: recorded %.*s, ours %s", name, STR_ARG(recorded), buf_cstr(&r.body));
    json_object_foreach(json_object_get(frame, "headers"), key, value)
    {
        struct str ours = http_reply_header(&r, key);
        cr_expect(str_is(ours, json_string_value(value)), "%s: %s: %.*s", name, key, STR_ARG(ours));
    }
    http_reply_free(&r);
    buf_free(&headers);
    free(body);
    json_decref(frame);
}

Test(e2e_hooks, answers_as_recorded, .timeout = 120)
{
    static const char *const names[] = { "http-hooks-noauth",   "http-hooks-query",    "http-hooks-get",  "http-hooks-root",
                                         "http-hooks-unknown",  "http-hooks-wake-bad", "http-hooks-wake", "http-hooks-agent-bad",
                                         "http-hooks-agent-sk", "http-hooks-agent" };
    start("mappings: []");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) play(names[i]);
    char *text = told(1);
    cr_expect(strstr(text, "Task: T | Job ID: ") && strstr(text, "SECURITY NOTICE") &&
                  strstr(text, "Source: Webhook\\n---\\nhook msg\\n<<<END"),
              "%s", text);
    cr_expect(strstr(text, "Current time: "), "%s", text);
    free(text);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM sessions WHERE key LIKE 'agent:main:hook:%'"), 1);
    kit_stop(&K);
}

/* --- beyond ------------------------------------------------------------------------------------------------------------------ */

Test(e2e_hooks, mappings_take_from_the_body, .timeout = 120)
{
    start("allowRequestSessionKey: true, allowedSessionKeyPrefixes: ['hook:'], allowedAgentIds: ['main'], mappings: ["
          "{ match: { path: 'alerts' }, agentId: 'ops', sessionKey: 'agent:ops:alerts:{{groupLabels.cluster}}', name: 'Alert {{status}}', "
          "  messageTemplate: '{{alerts[0].labels.alertname}} on {{payload.alerts[0].labels.node}}: {{alerts[1].labels}} "
          "{{nothing.here}}', deliver: false },"
          "{ match: { source: 'door' }, action: 'wake', textTemplate: 'the door is {{state}}' } ]");
    expect("/hooks/alerts",
           "{\"status\":\"firing\",\"groupLabels\":{\"cluster\":\"home\"},\"alerts\":[{\"labels\":{\"alertname\":\"DiskFull\",\"node\":"
           "\"k3s-1\"}},{\"labels\":{\"n\":1}}]}",
           202, "runId");
    char *text = told(1);
    cr_expect(strstr(text, "Task: Alert firing | Job ID: ") && strstr(text, "DiskFull on k3s-1: {\\\"n\\\":1}"), "%s", text);
    free(text);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM sessions WHERE key = 'agent:ops:alerts:home'"), 1);
    expect("/hooks/anything", "{\"source\":\"door\",\"state\":\"open\"}", 200, "\"mode\":\"now\"");
    text = told(2);
    cr_expect(strstr(text, "the door is open") && strstr(text, "System: ["), "%s", text);
    free(text);
    expect("/hooks/anything", "{\"source\":\"window\"}", 404, "Not Found");
    expect("/hooks/alerts", "[1]", 400, "no JSON object");
    expect("/hooks/alerts", "{", 400, "\"ok\":false");
    expect("/hooks/agent", "{\"message\":\"x\",\"agentId\":\"ops\"}", 400, "hooks.allowedAgentIds");
    expect("/hooks/agent", "{\"message\":\"x\",\"agentId\":\"ghost\"}", 400, "unknown agentId");
    expect("/hooks/agent", "{\"message\":\"x\",\"sessionKey\":\"agent:main:main\"}", 400, "allowedSessionKeyPrefixes");
    expect("/hooks/agent", "{\"message\":\"x\",\"sessionKey\":\"hook:mine\",\"deliver\":false}", 202, "runId");
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM sessions WHERE key = 'agent:main:hook:mine'"), 1);
    kit_stop(&K);
}

Test(e2e_hooks, who_guesses_waits_and_bodies_have_a_bound, .timeout = 120)
{
    char long_body[3000];
    struct http_reply r = { 0 };
    start("mappings: []");
    memset(long_body, ' ', sizeof long_body - 1);
    long_body[sizeof long_body - 1] = '\0';
    memcpy(long_body, "{}", 2);
    expect("/hooks/wake", long_body, 413, "hooks.maxBodyBytes");
    for (int i = 0; i < 20; i++) {
        cr_expect_eq(call("POST", "/hooks/wake", "Authorization: Bearer wrong\r\n", "{}", &r), 401);
        http_reply_free(&r);
    }
    cr_expect_eq(call("POST", "/hooks/wake", "X-OpenClaw-Token: wrong\r\n", "{}", &r), 429);
    http_reply_free(&r);
    expect("/hooks/wake", "{\"text\":\"x\",\"mode\":\"next-heartbeat\"}", 200,
           "next-heartbeat"); /* who knows the token is not locked out */
    kit_stop(&K);
}

Test(e2e_hooks, without_being_asked_for_there_are_none, .timeout = 60)
{
    struct http_reply r = { 0 };
    const struct kit_options options = { 0 };
    kit_start(&K, &options);
    cr_expect_eq(call("POST", "/hooks/wake", "Authorization: Bearer " TOKEN "\r\n", "{}", &r), 405, "a path of the page");
    http_reply_free(&r);
    kit_stop(&K);
}
