/* Who may do what, and who hears what: recorded frames of devices, tokens, scopes, roles, approvals and nodes, played against the
 * real gateway. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>

#include "base/err.h"
#include "e2e/frames_known.h"

#define ALL(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define FAR_AWAY "Host: gw.example.com\r\n"

enum { ANSWER_MS = 15000, TICK_MS = 40000 };

static struct kit K;
static struct frames F;

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

/* --- devices ------------------------------------------------------------------------------------------------------ */

/* A device that asks for more than it has. @return the request's id as the event told it */
static void ask(struct frame_client *web, const struct ws_connect *c, const char *recorded_id)
{
    frames_forget(web);
    frames_visit(&K, FAR_AWAY, c);
    const json_t *event = frames_event(&F, web, "event-device.pair.requested");
    frames_learn(&F, recorded_id, text_of(json_object_get(event, "payload"), "requestId"));
}

/* A device that comes with its own token, which is then changed and taken from it. */
static void use_up(ws_t *admin)
{
    struct ws_device device;
    cr_assert_eq(ws_device_create(&device), 0);
    struct ws_connect c = { .token = KIT_TOKEN,
                            .client_id = "test",
                            .mode = "test",
                            .scopes = "[\"operator.read\"]",
                            .client_extra = ",\"displayName\":\"other cli device\"",
                            .device = &device };
    struct frame_client client;
    frames_join(&F, &client, NULL, &c);
    char token[64];
    snprintf(token, sizeof token, "%s", text_of(json_object_get(json_object_get(client.hello, "payload"), "auth"), "deviceToken"));
    frames_leave(&client);
    c.token = token;
    frames_visit(&K, NULL, &c);
    json_decref(ws_call(admin, "device.token.rotate", "{\"deviceId\":\"%s\",\"role\":\"operator\"}", device.id));
    json_decref(ws_call(admin, "device.token.revoke", "{\"deviceId\":\"%s\",\"role\":\"operator\"}", device.id));
    ws_device_free(&device);
}

/* The same for one whose request was not recorded as an event. */
static void ask_again(struct frame_client *web, const struct ws_connect *c, const char *recorded_id)
{
    const json_t *asked;
    frames_visit(&K, FAR_AWAY, c);
    do asked = frames_next(web, ANSWER_MS);
    while (asked && strcmp(text_of(asked, "event"), "device.pair.requested") != 0);
    frames_learn(&F, recorded_id, text_of(json_object_get(asked, "payload"), "requestId"));
}

static const struct ws_connect READER = {
    .token = KIT_TOKEN, .client_id = "test", .mode = "test", .scopes = "[\"operator.read\"]", .client_extra = ",\"displayName\":\"Dev X\""
};

static void play_reader(struct frame_client *reader)
{
    frames_play_all(&F, reader,
                    ALL("rpc-chat.send-error-1", "rpc-device.pair.list-error-1", "rpc-cron.add-error-6", "rpc-config.get-ok-1",
                        "rpc-config.set-error-1", "rpc-exec.approvals.get-error-1", "rpc-exec.approval.resolve-error-3",
                        "rpc-sessions.patch-error-1", "rpc-status-ok-1", "rpc-nope-error-1", "rpc-sessions.usage-error-1",
                        "rpc-agents.files.list-error-1", "rpc-set-heartbeats-error-1", "rpc-system-event-error-1",
                        "rpc-chat.inject-error-1", "rpc-sessions.resolve-error-1", "rpc-node.invoke.result-error-1",
                        "rpc-config.schema-error-1", "rpc-web.login.start-error-1"));
}

Test(e2e_frames_people, devices_are_paired_and_their_tokens_changed_as_recorded, .timeout = 120)
{
    struct frame_client web, reader, node;
    struct ws_device device, far;
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    cr_assert(ws_device_create(&device) == 0 && ws_device_create(&far) == 0);
    frames_join_web(&F, &web, &device);
    json_decref(ws_call(web.ws, "system-event", "{\"text\":\"other event\"}"));
    web.all = false;
    const struct ws_connect again = {
        .token = KIT_TOKEN, .client_id = "test", .mode = "test", .scopes = "[\"operator.read\"]", .device = &far
    };
    use_up(web.ws);
    struct ws_connect c = READER;
    c.device = &far;
    ask(&web, &c, "faabc8dc-d373-4b86-9586-42e2198a02c6");
    frames_play_all(&F, &web, ALL("rpc-device.pair.list-ok-1", "rpc-device.pair.approve-ok-1"));
    frames_event(&F, &web, "event-device.pair.resolved-approved");
    frames_play_all(&F, &web, ALL("rpc-device.pair.approve-error-1"));
    frames_join(&F, &reader, FAR_AWAY, &c);
    char token[64];
    snprintf(token, sizeof token, "%s", text_of(json_object_get(json_object_get(reader.hello, "payload"), "auth"), "deviceToken"));
    frames_leave(&reader);
    c.token = token; /* the device's own */
    frames_join(&F, &reader, FAR_AWAY, &c);
    c.token = KIT_TOKEN;
    play_reader(&reader);
    c.scopes = "[\"operator.read\",\"operator.write\"]";
    c.client_extra = NULL;
    ask_again(&web, &c, "79ca3499-8d9c-430a-bddf-820c3a5d5b8e");
    frames_play_all(&F, &web, ALL("rpc-device.pair.reject-ok-1"));
    frames_event(&F, &web, "event-device.pair.resolved-rejected");
    frames_play_all(&F, &web, ALL("rpc-device.pair.reject-error-1"));
    const struct ws_connect as_node = { .token = KIT_TOKEN,
                                        .client_id = "node-host",
                                        .mode = "node",
                                        .role = "node",
                                        .scopes = "[]",
                                        .caps = "[\"system\"]",
                                        .client_extra = ",\"displayName\":\"Node X\"",
                                        .extra = ",\"commands\":[\"system.run\",\"system.which\"]",
                                        .device = &far };
    ask_again(&web, &as_node, "cadbb47b-2deb-4f18-8683-fff29284da8b");
    frames_play_all(&F, &web, ALL("rpc-device.pair.approve-ok-2"));
    frames_join(&F, &node, FAR_AWAY, &as_node);
    frames_play_all(&F, &web,
                    ALL("rpc-node.list-ok-1", "rpc-node.describe-ok-1", "rpc-node.invoke-ok-1", "rpc-node.invoke-error-1",
                        "rpc-device.token.rotate-ok-1", "rpc-device.token.rotate-ok-2"));
    frames_play_all(&F, &web, ALL("rpc-device.token.revoke-ok-1", "rpc-device.token.revoke-error-1", "rpc-device.token.rotate-error-1"));
    frames_visit(&K, FAR_AWAY, &again); /* with the shared secret it gets a token anew */
    frames_play_all(&F, &web, ALL("rpc-device.pair.list-ok-2"));
    cr_expect_not(frames_heard(&reader, "device.pair.requested") || frames_heard(&reader, "device.pair.resolved"));
    frames_leave(&node);
    frames_leave(&reader);
    frames_leave(&web);
    ws_device_free(&device);
    ws_device_free(&far);
    frames_end(&F);
    kit_stop(&K);
}

/* --- approvals, and who hears of them ------------------------------------------------------------------------------- */

/* A recorded request whose answer is late: sent now, compared by answered(). */
static void send_late(struct frame_client *client, const char *name)
{
    json_t *recorded = frames_load(name);
    frames_forget(client);
    frames_send(&F, client, json_object_get(recorded, "request"), name);
    json_decref(recorded);
}

static void answered(struct frame_client *client, const char *name)
{
    json_t *recorded = frames_load(name), *want = json_object_get(recorded, "response"), *got = frames_response(client, name, ANSWER_MS);
    cr_assert(got, "%s: no answer", name);
    frames_learn(&F, text_of(want, "id"), name);
    frames_compare(&F, name, want, got);
    json_decref(recorded);
    json_decref(got);
}

Test(e2e_frames_people, approvals_are_asked_for_and_given_as_recorded, .timeout = 120)
{
    struct frame_client web, asker, reader;
    struct ws_device device, other;
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    cr_assert(ws_device_create(&device) == 0 && ws_device_create(&other) == 0);
    frames_join_web(&F, &web, &device);
    const struct ws_connect approver = { .token = KIT_TOKEN, .device = &other, .scopes = "[\"operator.approvals\",\"operator.read\"]" };
    struct ws_connect c = READER;
    c.device = &other;
    frames_join(&F, &asker, NULL, &approver);
    frames_join(&F, &reader, NULL, &c);
    send_late(&asker, "rpc-exec.approval.request-ok-1");
    frames_event(&F, &web, "event-exec.approval.requested");
    frames_event(&F, &asker, "event-exec.approval.requested");
    frames_play_all(&F, &web,
                    ALL("rpc-exec.approval.request-error-1", "rpc-exec.approval.resolve-error-1", "rpc-exec.approval.resolve-ok-1"));
    frames_event(&F, &web, "event-exec.approval.resolved-allow-once");
    answered(&asker, "rpc-exec.approval.request-ok-1");
    frames_play_all(&F, &web, ALL("rpc-exec.approval.resolve-error-2", "rpc-exec.approval.waitDecision-error-1"));
    send_late(&asker, "rpc-exec.approval.request-ok-2"); /* in two phases: accepted at once, decided by its time */
    answered(&asker, "rpc-exec.approval.request-ok-2");
    send_late(&asker, "rpc-exec.approval.request-ok-3");
    answered(&asker, "rpc-exec.approval.request-ok-3");
    json_t *second = frames_response(&asker, "rpc-exec.approval.request-ok-2", ANSWER_MS);
    cr_expect(json_is_null(json_object_get(json_object_get(second, "payload"), "decision")), "the second answer");
    json_decref(second);
    json_decref(ws_call(web.ws, "voicewake.set", "{\"triggers\":[\"hey\"]}"));
    frames_event(&F, &reader, "event-voicewake.changed"); /* all that came before it is here */
    cr_expect_not(frames_heard(&reader, "exec.approval.requested") || frames_heard(&reader, "exec.approval.resolved"));
    frames_leave(&reader);
    frames_leave(&asker);
    frames_leave(&web);
    ws_device_free(&device);
    ws_device_free(&other);
    frames_end(&F);
    kit_stop(&K);
}

/* --- scopes and roles ----------------------------------------------------------------------------------------------- */

static const struct {
    const char *scope, *methods; /* names between spaces */
} NEEDS[] = {
    { "operator.approvals", " exec.approval.request exec.approval.waitDecision exec.approval.resolve " },
    { "operator.pairing", " node.pair.request node.pair.list node.pair.approve node.pair.reject node.pair.verify device.pair.list "
                          "device.pair.approve device.pair.reject device.token.rotate device.token.revoke node.rename " },
    { "operator.read", " health logs.tail channels.status status usage.status usage.cost tts.status tts.providers models.list agents.list "
                       "agent.identity.get skills.status voicewake.get sessions.list sessions.preview cron.list cron.status cron.runs "
                       "system-presence last-heartbeat node.list node.describe chat.history config.get talk.config " },
    { "operator.write", " send agent agent.wait wake talk.mode tts.enable tts.disable tts.convert tts.setProvider voicewake.set "
                        "node.invoke chat.send chat.abort browser.request " },
};

static const char *scope_of(const char *method)
{
    char word[80];
    snprintf(word, sizeof word, " %s ", method);
    for (size_t i = 0; i < sizeof NEEDS / sizeof *NEEDS; i++)
        if (strstr(NEEDS[i].methods, word)) return NEEDS[i].scope;
    return "operator.admin";
}

static bool of_nodes(const char *method)
{
    return strcmp(method, "node.invoke.result") == 0 || strcmp(method, "node.event") == 0 || strcmp(method, "skills.bins") == 0;
}

static void expect_refused(ws_t *ws, const char *method, const char *text)
{
    json_t *r = ws_call(ws, method, "{}");
    const json_t *error = json_object_get(r, "error");
    cr_expect_str_eq(text_of(error, "code"), "INVALID_REQUEST", "%s: %s", method, text_of(error, "code"));
    cr_expect_str_eq(text_of(error, "message"), text, "%s: %s, not %s", method, text_of(error, "message"), text);
    json_decref(r);
}

Test(e2e_frames_people, a_client_without_a_device_has_no_scope_and_a_node_three_methods, .timeout = 120)
{
    static const char *const hidden[] = { "sessions.resolve",    "sessions.usage", "sessions.usage.timeseries",
                                          "sessions.usage.logs", "chat.inject",    "web.login.start",
                                          "web.login.wait",      "poll",           "no.such.method" };
    struct frame_client bare, node;
    struct ws_device device;
    char text[80];
    size_t i;
    json_t *name;
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    cr_assert_eq(ws_device_create(&device), 0);
    frames_join(&F, &bare, NULL, &(struct ws_connect){ .token = KIT_TOKEN });
    frames_join(&F, &node, NULL,
                &(struct ws_connect){
                    .token = KIT_TOKEN, .client_id = "node-host", .mode = "node", .role = "node", .scopes = "[]", .device = &device });
    json_t *methods = json_object_get(json_object_get(json_object_get(bare.hello, "payload"), "features"), "methods");
    cr_assert(json_array_size(methods) > 80);
    for (i = 0; i < sizeof hidden / sizeof *hidden; i++) json_array_append_new(methods, json_string(hidden[i]));
    json_array_foreach(methods, i, name)
    {
        const char *method = json_string_value(name);
        snprintf(text, sizeof text, "missing scope: %s", scope_of(method));
        expect_refused(bare.ws, method, of_nodes(method) ? "unauthorized role: operator" : text);
        if (!of_nodes(method)) expect_refused(node.ws, method, "unauthorized role: node");
    }
    frames_leave(&node);
    frames_leave(&bare);
    ws_device_free(&device);
    frames_end(&F);
    kit_stop(&K);
}

/* --- the tick and the end --------------------------------------------------------------------------------------------- */

Test(e2e_frames_people, clients_hear_the_tick_and_the_end, .timeout = 120)
{
    struct frame_client web, node;
    struct ws_device device, other;
    frames_start(&F, &K, KNOWN, KNOWN_COUNT);
    cr_assert(ws_device_create(&device) == 0 && ws_device_create(&other) == 0);
    frames_join_web(&F, &web, &device);
    frames_join(&F, &node, NULL,
                &(struct ws_connect){
                    .token = KIT_TOKEN, .client_id = "node-host", .mode = "node", .role = "node", .scopes = "[]", .device = &other });
    node.all = web.all = true; /* nothing here is for some alone */
    while (!frames_heard(&web, "tick")) cr_assert(frames_next(&web, TICK_MS));
    frames_event(&F, &web, "event-tick");
    frames_event(&F, &node, "event-tick");
    proc_signal(K.gateway, SIGTERM);
    frames_event(&F, &web, "event-shutdown-stop");
    frames_event(&F, &node, "event-shutdown-stop");
    cr_expect_eq(ws_read_to_end(web.ws, ANSWER_MS), GW_ECLOSED);
    cr_expect_eq(ws_close_code(web.ws), 1012);
    cr_expect_str_eq(ws_close_reason(web.ws), "service restart");
    frames_leave(&node);
    frames_leave(&web);
    ws_device_free(&device);
    ws_device_free(&other);
    frames_end(&F);
    kit_stop(&K);
}
