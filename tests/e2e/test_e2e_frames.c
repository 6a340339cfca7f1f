/* Recorded frames of OpenClaw 2026.2.17, method by method, played against the real gateway: support/frames.h tells what has to
 * be the same, frames_known.h where it is not. The configuration is that of the recorded gateway. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/err.h"
#include "e2e/frames_known.h"

#define ALL(...) ((const char *const[]){ __VA_ARGS__, NULL })

enum { ANSWER_MS = 15000 };

static struct kit K;
static struct frames F;

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
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

/* --- the page when nothing has happened yet ----------------------------------------------------------------------- */

Test(e2e_frames, a_fresh_gateway_answers_the_page_as_recorded, .timeout = 120)
{
    struct frame_client web;
    struct ws_device device;
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    cr_assert_eq(ws_device_create(&device), 0);
    const struct ws_connect cli = { .token = KIT_TOKEN, .mode = "webchat", .device = &device }, node = {
        .token = KIT_TOKEN, .client_id = "node-host", .mode = "node", .role = "node", .scopes = "[]", .device = &device
    };
    frames_visit(&K, "Origin: http://localhost:21080\r\n", &cli);
    ws_device_free(&device);
    cr_assert_eq(ws_device_create(&device), 0);
    frames_visit(&K, NULL, &node);
    struct ws_device remote;
    cr_assert_eq(ws_device_create(&remote), 0);
    const struct ws_connect far = { .token = KIT_TOKEN, .device = &remote };
    frames_visit(&K, "Host: gw.example.com\r\n", &far);
    ws_device_free(&remote);
    ws_device_free(&device);
    cr_assert_eq(ws_device_create(&device), 0);
    frames_join_web(&F, &web, &device);
    json_t *recorded = frames_load("connect-ok-control-ui");
    ws_t *silent;
    cr_assert_eq(ws_open(K.port, "/", NULL, &silent), 0);
    json_t *challenge = ws_event(silent, "connect.challenge", ANSWER_MS), *want = frames_load("event-connect.challenge");
    frames_compare(&F, "event-connect.challenge", want, challenge);
    json_decref(want);
    json_decref(challenge);
    ws_close(&silent);
    frames_learn(&F, "c1", "hello");
    frames_compare(&F, "connect-ok-control-ui", json_object_get(recorded, "response"), web.hello);
    json_decref(recorded);
    frames_event(&F, &web, "event-health");
    frames_play_all(&F, &web,
                    ALL("rpc-health", "rpc-health-probe", "rpc-status", "rpc-sessions.list", "rpc-chat.history-empty",
                        "rpc-chat.history-noparam", "rpc-agents.list", "rpc-agent.identity.get", "rpc-channels.status",
                        "rpc-channels.status-probe", "rpc-config.get", "rpc-config.schema", "rpc-config.set-nohash",
                        "rpc-config.set-badhash", "rpc-config.patch-nohash", "rpc-skills.status", "rpc-models.list", "rpc-node.list",
                        "rpc-system-presence", "rpc-last-heartbeat", "rpc-logs.tail", "rpc-exec.approvals.get", "rpc-cron.list",
                        "rpc-cron.status", "rpc-device.pair.list", "rpc-node.pair.list", "rpc-usage.status", "rpc-usage.cost",
                        "rpc-sessions.usage", "rpc-sessions.usage.timeseries", "rpc-sessions.usage.logs", "rpc-agents.files.list",
                        "rpc-agents.files.get", "rpc-voicewake.get", "rpc-talk.config", "rpc-tts.status", "rpc-tts.providers",
                        "rpc-unknown", "rpc-sessions.preview", "rpc-agent.wait-unknown", "rpc-connect-again", "rpc-skills.bins",
                        "rpc-wizard.status", "rpc-web.login.start", "rpc-tools.catalog", "rpc-update.run-noop-badparams",
                        "rpc-sessions.resolve", "rpc-device.pair.remove", "rpc-chat.inject-nosession"));
    frames_leave(&web);
    ws_device_free(&device);
    frames_end(&F);
    kit_stop(&K);
}

/* --- sessions that have been talked in ------------------------------------------------------------------------------ */

Test(e2e_frames, sessions_and_their_usage_are_told_as_recorded, .timeout = 120)
{
    struct frame_client web;
    struct ws_device device;
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    cr_assert_eq(ws_device_create(&device), 0);
    frames_join_web(&F, &web, &device);
    for (int i = 0; i < 3; i++) turn(&web, "agent:main:s1", "one more");
    turn(&web, "agent:alpha:main", "hello");
    turn(&web, "agent:beta:main", "hello");
    turn(&web, "agent:fail:main", "hello");
    turn(&web, "agent:main:main", "hello");
    fake_control(&K.openrouter,
                 "{\"next\":[{\"tool_calls\":[{\"id\":\"call_129_0\",\"name\":\"sessions_send\",\"arguments\":{\"message\":\"x\"}}]}]}");
    turn(&web, "agent:main:t1", "call a tool");
    turn(&web, "agent:main:main", "hello again");
    frames_visit(&K, NULL,
                 &(struct ws_connect){ .token = KIT_TOKEN, .device = &device }); /* the state of health is asked for when one joins */
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
    frames_end(&F);
    kit_stop(&K);
}

/* --- agents, skills, approvals and whatever else an operator can change --------------------------------------------- */

Test(e2e_frames, agents_and_settings_change_as_recorded, .timeout = 120)
{
    struct frame_client web;
    struct ws_device device;
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    cr_assert_eq(ws_device_create(&device), 0);
    frames_join_web(&F, &web, &device);
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
        frames_put(&K, path, "Be kind.\n");
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
    frames_end(&F);
    kit_stop(&K);
}

/* --- jobs by the clock ------------------------------------------------------------------------------------------------ */

/* The two jobs that the recorded gateway had from its command line. */
static void add_jobs(struct frames *f, struct frame_client *web)
{
    char at[CLOCK_ISO_SIZE];
    clock_iso(clock_wall_ms() + 7200000, at);
    json_t *first = json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s, s:i}, s:s, s:{s:s, s:s}}}", "type", "req", "id", "c1", "method", "cron.add",
                              "params", "name", "tst", "schedule", "kind", "every", "everyMs", 3600000, "sessionTarget", "isolated",
                              "payload", "kind", "agentTurn", "message", "do it");
    json_t *second = json_pack("{s:s, s:s, s:s, s:{s:s, s:{s:s, s:s}, s:s, s:{s:s, s:s}}}", "type", "req", "id", "c2", "method", "cron.add",
                               "params", "name", "tst2", "schedule", "kind", "at", "at", at, "sessionTarget", "main", "payload", "kind",
                               "systemEvent", "text", "ping");
    cr_assert(first && second);
    frames_send(f, web, first, "c1");
    json_decref(frames_response(web, "c1", 5000));
    frames_send(f, web, second, "c2");
    json_decref(frames_response(web, "c2", 5000));
    json_decref(first);
    json_decref(second);
}

Test(e2e_frames, cron_and_nodes_answer_as_recorded, .timeout = 120)
{
    struct frame_client web;
    struct ws_device device;
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    cr_assert_eq(ws_device_create(&device), 0);
    frames_join_web(&F, &web, &device);
    frames_play_all(
        &F, &web,
        ALL("rpc-cron.add-error-1", "rpc-cron.add-error-2", "rpc-cron.add-error-3", "rpc-cron.add-error-4", "rpc-cron.add-error-5"));
    add_jobs(&F, &web);
    frames_play_all(&F, &web, ALL("rpc-cron.add-ok-1"));
    frames_event(&F, &web, "event-cron-added");
    frames_play_all(&F, &web, ALL("rpc-cron.run-ok-1", "rpc-cron.run-ok-2"));
    frames_event(&F, &web, "event-cron-started");
    frames_event(&F, &web, "event-cron-finished");
    frames_play_all(&F, &web, ALL("rpc-cron.runs-ok-1", "rpc-cron.update-ok-1"));
    frames_event(&F, &web, "event-cron-updated");
    frames_play_all(&F, &web,
                    ALL("rpc-cron.update-error-1", "rpc-cron.run-error-1", "rpc-cron.list-ok-1", "rpc-cron.list-ok-2",
                        "rpc-cron.status-ok-1", "rpc-cron.remove-ok-1"));
    frames_event(&F, &web, "event-cron-removed");
    frames_play_all(&F, &web,
                    ALL("rpc-cron.remove-ok-2", "rpc-cron.runs-ok-2", "rpc-cron.add-ok-2", "rpc-cron.run-ok-3", "rpc-cron.runs-ok-3",
                        "rpc-cron.remove-ok-3", "rpc-last-heartbeat-ok-1"));
    frames_play_all(&F, &web,
                    ALL("rpc-node.pair.request-ok-1", "rpc-node.pair.list-ok-1", "rpc-node.pair.approve-ok-1", "rpc-node.pair.verify-ok-1",
                        "rpc-node.rename-ok-1", "rpc-node.list-ok-2"));
    frames_leave(&web);
    ws_device_free(&device);
    frames_end(&F);
    kit_stop(&K);
}
