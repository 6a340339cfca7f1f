/* Recorded frames of OpenClaw 2026.2.17, method by method, played against the real gateway: support/frames.h tells what has to
 * be the same, frames_known.h where it is not. The configuration is that of the recorded gateway. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/err.h"
#include "e2e/frames_known.h"

#define WEB "openclaw-control-ui"
#define SKILL(name, bin)                                                                                                                     \
    "---\nname: " name                                                                                                                       \
    "\ndescription: A skill.\nhomepage: https://developer.1password.com/docs/cli/get-started/\nmetadata: {\"openclaw\":{\"emoji\":\"🔐\"," \
    "\"requires\":{\"bins\":[\"" bin "\"]},\"install\":[{\"id\":\"brew\",\"kind\":\"brew\",\"formula\":\"x\",\"bins\":[\"" bin "\"],"        \
    "\"label\":\"Install 1Password CLI (brew)\"}]}}\n---\nDo it.\n"
#define ALL(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { ANSWER_MS = 15000, SOON_MS = 300 };

static struct kit K;
static struct frames F;

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* A file in the test's folder, with the folders that lead to it. */
static void put(const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", K.dir, name);
    for (char *slash = path + strlen(K.dir) + 1; (slash = strchr(slash, '/')); slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "wb");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0, "cannot write %s", path);
}

/* The recorded gateway's configuration, with our folder and our provider's port. */
static void write_config(void)
{
    struct buf text = { 0 };
    char from[16384], *at = from;
    FILE *file = fopen(TEST_DATA_DIR "/frames/openclaw.json", "rb");
    cr_assert(file);
    from[fread(from, 1, sizeof from - 1, file)] = '\0';
    fclose(file);
    for (char *mark; (mark = strchr(at, '@')); at = strchr(mark + 1, '@') + 1) {
        buf_add(&text, (struct str){ at, (size_t)(mark - at) });
        if (mark[1] == 'd')
            buf_text(&text, K.dir);
        else
            buf_printf(&text, "%d", K.openrouter.port);
    }
    buf_text(&text, at);
    snprintf(K.config, sizeof K.config, "%s/openclaw.json", K.dir);
    put("openclaw.json", buf_cstr(&text));
    buf_free(&text);
}

static void begin(void)
{
    const struct kit_options options = { .no_start = true };
    kit_start(&K, &options);
    write_config();
    put("state/exec-approvals.json", "{\"version\":1,\"socket\":{\"path\":\"/data/approvals.sock\"},\"defaults\":{},\"agents\":{}}\n");
    put("state/skills/1password/SKILL.md", SKILL("1password", "op"));
    put("state/skills/weather/SKILL.md", SKILL("weather", "curl"));
    kit_restart(&K);
    frames_begin(&F, &K, KNOWN, sizeof KNOWN / sizeof *KNOWN);
    cr_assert_eq(fake_control(&K.openrouter,
                              "{\"default\":{\"text\":\"Hello from mock. This is the reply number 1. End.\",\"deltas\":6,"
                              "\"delay_ms\":10},\"models\":{\"err500\":{\"status\":500,\"message\":\"mock error 500\",\"times\":-1}}}"),
                 200);
}

static void end(void)
{
    frames_end(&F);
    kit_stop(&K);
}

/* The Control UI as it was when the frames were recorded. */
static void join_web(struct frame_client *client, const struct ws_device *device)
{
    char origin[64];
    const struct ws_connect c = {
        .token = KIT_TOKEN, .client_id = WEB, .mode = "webchat", .device = device, .extra = ",\"locale\":\"en\""
    };
    snprintf(origin, sizeof origin, "Origin: http://127.0.0.1:%d\r\n", K.port);
    frames_join(&F, client, origin, &c);
    client->all = true;
}

static void turn(struct frame_client *client, const char *session, const char *message)
{
    static int runs;
    char run[32];
    snprintf(run, sizeof run, "turn-%d", ++runs);
    json_decref(
        ws_call(client->ws, "chat.send", "{\"sessionKey\":\"%s\",\"message\":\"%s\",\"idempotencyKey\":\"%s\"}", session, message, run));
    client->all = false; /* ws_call drops events */
    json_t *done = ws_call(client->ws, "agent.wait", "{\"runId\":\"%s\",\"timeoutMs\":%d}", run, ANSWER_MS);
    cr_expect_str_eq(text_of(json_object_get(done, "payload"), "status"), "ok", "%s", text_of(json_object_get(done, "payload"), "error"));
    json_decref(done);
}

/* Come and go, so that the others know of it. */
static void visit(const char *headers, const struct ws_connect *c)
{
    ws_t *ws;
    cr_assert_eq(ws_open(K.port, "/", headers, &ws), 0);
    json_decref(ws_hello(ws, c));
    ws_send(ws, WS_CLOSE, STR("\x03\xe8"));
    ws_read_to_end(ws, ANSWER_MS);
    ws_close(&ws);
}

/* --- the page when nothing has happened yet ----------------------------------------------------------------------- */

Test(e2e_frames, a_fresh_gateway_answers_the_page_as_recorded, .timeout = 120)
{
    struct frame_client web;
    struct ws_device device;
    begin();
    cr_assert_eq(ws_device_create(&device), 0);
    const struct ws_connect cli = { .token = KIT_TOKEN, .mode = "webchat", .device = &device }, node = {
        .token = KIT_TOKEN, .client_id = "node-host", .mode = "node", .role = "node", .scopes = "[]", .device = &device
    };
    visit("Origin: http://localhost:21080\r\n", &cli);
    ws_device_free(&device);
    cr_assert_eq(ws_device_create(&device), 0);
    visit(NULL, &node);
    struct ws_device remote;
    cr_assert_eq(ws_device_create(&remote), 0);
    const struct ws_connect far = { .token = KIT_TOKEN, .device = &remote };
    visit("Host: gw.example.com\r\n", &far);
    ws_device_free(&remote);
    ws_device_free(&device);
    cr_assert_eq(ws_device_create(&device), 0);
    join_web(&web, &device);
    json_t *recorded = frames_load("connect-ok-control-ui");
    frames_learn(&F, "c1", "hello");
    frames_compare(&F, "connect-ok-control-ui", json_object_get(recorded, "response"), web.hello);
    json_decref(recorded);
    frames_event(&F, &web, "event-health");
    frames_play_all(&F, &web,
                    ALL("rpc-health-probe", "rpc-status", "rpc-sessions.list", "rpc-chat.history-empty", "rpc-chat.history-noparam",
                        "rpc-agents.list", "rpc-agent.identity.get", "rpc-channels.status", "rpc-channels.status-probe", "rpc-config.get",
                        "rpc-config.schema", "rpc-config.set-nohash", "rpc-config.set-badhash", "rpc-config.patch-nohash",
                        "rpc-skills.status", "rpc-models.list", "rpc-node.list", "rpc-system-presence", "rpc-last-heartbeat",
                        "rpc-logs.tail", "rpc-exec.approvals.get", "rpc-cron.list", "rpc-cron.status", "rpc-device.pair.list",
                        "rpc-node.pair.list", "rpc-usage.status", "rpc-usage.cost", "rpc-sessions.usage", "rpc-sessions.usage.timeseries",
                        "rpc-sessions.usage.logs", "rpc-agents.files.list", "rpc-agents.files.get", "rpc-voicewake.get", "rpc-talk.config",
                        "rpc-tts.status", "rpc-tts.providers", "rpc-unknown", "rpc-sessions.preview", "rpc-agent.wait-unknown",
                        "rpc-connect-again", "rpc-skills.bins", "rpc-wizard.status", "rpc-web.login.start", "rpc-tools.catalog",
                        "rpc-update.run-noop-badparams", "rpc-sessions.resolve", "rpc-device.pair.remove", "rpc-chat.inject-nosession"));
    frames_leave(&web);
    ws_device_free(&device);
    end();
}

/* --- sessions that have been talked in ------------------------------------------------------------------------------ */

Test(e2e_frames, sessions_and_their_usage_are_told_as_recorded, .timeout = 120)
{
    struct frame_client web;
    struct ws_device device;
    begin();
    cr_assert_eq(ws_device_create(&device), 0);
    join_web(&web, &device);
    for (int i = 0; i < 3; i++) turn(&web, "agent:main:s1", "one more");
    turn(&web, "agent:alpha:main", "hello");
    turn(&web, "agent:beta:main", "hello");
    turn(&web, "agent:fail:main", "hello");
    turn(&web, "agent:main:main", "hello");
    fake_control(&K.openrouter,
                 "{\"next\":[{\"tool_calls\":[{\"id\":\"call_129_0\",\"name\":\"sessions_send\",\"arguments\":{\"message\":\"x\"}}]}]}");
    turn(&web, "agent:main:t1", "call a tool");
    turn(&web, "agent:main:main", "hello again");
    visit(NULL, &(struct ws_connect){ .token = KIT_TOKEN, .device = &device }); /* the state of health is asked for when one joins */
    frames_event(&F, &web, "event-health");
    char today[32];
    clock_iso(clock_wall_ms(), today);
    today[10] = '\0';
    frames_learn(&F, "2026-11-22", today);
    frames_play_all(&F, &web,
                    ALL("rpc-sessions.list-ok-1", "rpc-sessions.list-ok-2", "rpc-sessions.list-ok-3", "rpc-sessions.list-error-1",
                        "rpc-sessions.preview-ok-1", "rpc-sessions.patch-ok-1", "rpc-sessions.patch-error-2", "rpc-sessions.patch-error-3",
                        "rpc-sessions.patch-error-4", "rpc-sessions.patch-error-5", "rpc-sessions.patch-error-6",
                        "rpc-sessions.patch-error-7", "rpc-sessions.patch-error-8", "rpc-sessions.patch-ok-2", "rpc-sessions.patch-ok-3",
                        "rpc-sessions.patch-ok-4", "rpc-chat.send-error-2", "rpc-agent-error-1", "rpc-sessions.patch-ok-5",
                        "rpc-sessions.resolve-ok-1", "rpc-sessions.resolve-error-2", "rpc-sessions.resolve-error-3",
                        "rpc-sessions.compact-ok-1", "rpc-sessions.compact-ok-2", "rpc-sessions.compact-ok-3", "rpc-sessions.reset-ok-1",
                        "rpc-sessions.delete-ok-1", "rpc-sessions.delete-ok-2", "rpc-sessions.delete-error-1", "rpc-sessions.reset-ok-2",
                        "rpc-sessions.usage-ok-1", "rpc-sessions.usage.timeseries-ok-1", "rpc-sessions.usage.logs-ok-1",
                        "rpc-usage.cost-ok-1", "rpc-chat.history-ok-1", "rpc-health-ok-1"));
    frames_leave(&web);
    ws_device_free(&device);
    end();
}

/* --- agents, skills, approvals and whatever else an operator can change --------------------------------------------- */

Test(e2e_frames, agents_and_settings_change_as_recorded, .timeout = 120)
{
    struct frame_client web;
    struct ws_device device;
    begin();
    cr_assert_eq(ws_device_create(&device), 0);
    join_web(&web, &device);
    frames_play_all(&F, &web,
                    ALL("rpc-exec.approvals.get-ok-1", "rpc-exec.approvals.set-error-1", "rpc-exec.approvals.set-ok-1",
                        "rpc-exec.approvals.set-error-2", "rpc-exec.approvals.get-ok-2", "rpc-exec.approvals.set-ok-2"));
    frames_play_all(&F, &web,
                    ALL("rpc-wake-ok-1", "rpc-agents.create-ok-1", "rpc-agents.create-error-1", "rpc-agents.create-error-2",
                        "rpc-agents.update-ok-1", "rpc-agents.update-error-1"));
    static const char *const files[] = { "AGENTS.md", "SOUL.md", "TOOLS.md", "IDENTITY.md" };
    for (size_t i = 0; i < 4; i++) {
        char path[64];
        snprintf(path, sizeof path, "ws-tmp/%s", files[i]);
        put(path, "Be kind.\n");
    }
    frames_play_all(&F, &web,
                    ALL("rpc-agents.files.list-ok-1", "rpc-agents.files.set-ok-1", "rpc-agents.files.set-error-1",
                        "rpc-agents.files.get-ok-1", "rpc-agents.files.get-error-1", "rpc-agents.list-ok-1", "rpc-agents.delete-ok-1",
                        "rpc-agents.delete-error-1", "rpc-agents.delete-error-2", "rpc-skills.update-ok-1", "rpc-skills.install-error-1",
                        "rpc-set-heartbeats-ok-1", "rpc-set-heartbeats-error-2"));
    frames_play_all(&F, &web, ALL("rpc-system-event-ok-1"));
    frames_event(&F, &web, "event-presence");
    frames_play_all(&F, &web, ALL("rpc-voicewake.set-ok-1"));
    frames_event(&F, &web, "event-voicewake.changed");
    frames_play_all(&F, &web,
                    ALL("rpc-talk.mode-error-1", "rpc-channels.logout-error-1", "rpc-channels.logout-error-2", "rpc-send-error-1",
                        "rpc-send-error-2", "rpc-browser.request-ok-1", "rpc-wizard.start-ok-1", "rpc-wizard.status-ok-1",
                        "rpc-wizard.cancel-ok-1", "rpc-agent.identity.get-ok-1", "rpc-agent.identity.get-ok-2", "rpc-logs.tail-ok-1",
                        "rpc-logs.tail-ok-2"));
    frames_leave(&web);
    ws_device_free(&device);
    end();
}
