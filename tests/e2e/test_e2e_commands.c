/* Commands in the chat, with the real gateway and a fake provider: what they answer, and what holds after them. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/file.h"
#include "support/gateway.h"
#include "support/ws_client.h"

#define HOME "agent:homelab-admin:main"

struct desk {
    struct kit k;
    struct ws_device device;
    ws_t *ws;
    int runs;
    int events; /* `agent` events of the last command */
};

/* A member by its path, "payload.entry.sessionId". */
static const json_t *at(const json_t *v, const char *path)
{
    char copy[256];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *save = NULL, *name = strtok_r(copy, ".", &save); name && v; name = strtok_r(NULL, ".", &save))
        v = json_is_array(v) ? json_array_get(v, (size_t)atoi(name)) : json_object_get(v, name);
    return v;
}

static const char *text(const json_t *v, const char *path)
{
    const char *s = json_string_value(at(v, path));
    return s ? s : "";
}

static void open_desk_with(struct desk *d, const struct kit_options *options)
{
    *d = (struct desk){ 0 };
    kit_start(&d->k, options);
    cr_assert_eq(ws_device_create(&d->device), 0);
    const struct ws_connect c = { .token = KIT_TOKEN, .device = &d->device };
    cr_assert_eq(ws_open(d->k.port, "/", NULL, &d->ws), 0, "status %d", ws_status());
    json_t *hello = ws_hello(d->ws, &c);
    cr_assert(json_is_true(json_object_get(hello, "ok")));
    json_decref(hello);
}

static void open_desk(struct desk *d)
{
    open_desk_with(d, NULL);
}

static void close_desk(struct desk *d)
{
    ws_close(&d->ws);
    ws_device_free(&d->device);
    kit_stop(&d->k);
}

/* Say something, hear `started`, then count `agent` events until the run's event of that state; the caller json_decref()s it. */
static json_t *say_until(struct desk *d, const char *key, const char *message, const char *state)
{
    char run[32];
    snprintf(run, sizeof run, "run-%d", ++d->runs);
    d->events = 0;
    json_t *r = ws_call(d->ws, "chat.send", "{\"sessionKey\":\"%s\",\"message\":\"%s\",\"idempotencyKey\":\"%s\"}", key, message, run);
    cr_assert_str_eq(text(r, "payload.status"), "started", "%s: %s", message, text(r, "error.message"));
    cr_assert_str_eq(text(r, "payload.runId"), run);
    json_decref(r);
    for (;;) {
        json_t *event = ws_json(d->ws, KIT_TURN_MS);
        cr_assert(event != NULL, "%s: no %s", message, state);
        bool ours = strcmp(text(event, "payload.runId"), run) == 0;
        d->events += ours && strcmp(text(event, "event"), "agent") == 0;
        if (ours && strcmp(text(event, "payload.state"), state) == 0) return event;
        json_decref(event);
    }
}

static json_t *say(struct desk *d, const char *key, const char *message)
{
    return say_until(d, key, message, "final");
}

static void expect_said(struct desk *d, const char *key, const char *message, const char *want)
{
    json_t *final = say(d, key, message);
    cr_expect_str_eq(text(final, "payload.message.content.0.text"), want, "%s: %s", message, text(final, "payload.message.content.0.text"));
    json_decref(final);
}

/* The provider's newest request as text; the caller frees. */
static char *last_prompt(struct desk *d)
{
    json_t *stats = fake_stats(&d->k.openrouter);
    const json_t *bodies = json_object_get(stats, "bodies");
    char *body = json_dumps(json_array_get(bodies, json_array_size(bodies) - 1), 0);
    json_decref(stats);
    cr_assert(body != NULL);
    return body;
}

static bool model_saw(struct desk *d, const char *words)
{
    char *body = last_prompt(d);
    bool yes = strstr(body, words) != NULL;
    free(body);
    return yes;
}

/* A member of the session's row in sessions.list. */
static json_t *row_of(struct desk *d, const char *key)
{
    json_t *list = ws_call(d->ws, "sessions.list", NULL), *row, *found = NULL;
    size_t i;
    json_array_foreach(json_object_get(json_object_get(list, "payload"), "sessions"), i, row)
    {
        if (strcmp(text(row, "key"), key) == 0) found = json_incref(row);
    }
    json_decref(list);
    cr_assert(found != NULL, "no session %s", key);
    return found;
}

static void expect_row(struct desk *d, const char *key, const char *member, const char *value)
{
    json_t *row = row_of(d, key);
    cr_expect_str_eq(text(row, member), value, "%s is %s", member, text(row, member));
    json_decref(row);
}

Test(e2e_commands, a_command_is_answered_by_the_gateway_and_kept_in_the_transcript, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    json_t *final = say(&d, "main", "/think high");
    cr_expect_str_eq(text(final, "payload.message.content.0.text"), "Thinking level set to high.");
    cr_expect_str_eq(text(final, "payload.sessionKey"), "main", "as the client wrote it");
    cr_expect_eq(json_integer_value(at(final, "payload.seq")), 1);
    cr_expect_str_eq(text(final, "payload.message.model"), "gateway-injected");
    cr_expect_str_eq(text(final, "payload.message.provider"), "openclaw");
    cr_expect_eq(json_integer_value(at(final, "payload.message.usage.totalTokens")), 0);
    cr_expect_eq(d.events, 0);
    json_decref(final);
    json_t *history = ws_call(d.ws, "chat.history", "{\"sessionKey\":\"main\"}");
    cr_expect_eq(json_array_size(at(history, "payload.messages")), 1);
    cr_expect_str_eq(text(history, "payload.messages.0.model"), "gateway-injected");
    cr_expect_str_eq(text(history, "payload.thinkingLevel"), "high");
    json_decref(history);
    cr_expect_eq(fake_count(&d.k.openrouter, "requests"), 0);
    close_desk(&d);
}

Test(e2e_commands, what_is_no_command_goes_to_the_model, .timeout = 60)
{
    static const char *const messages[] = { "/doesnotexist", "/queue zzz", "/status of the union", "/skill weather", "/agents" };
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"from the model\"}}");
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++) {
        expect_said(&d, "main", messages[i], "from the model");
        cr_expect(model_saw(&d, messages[i]), "%s", messages[i]);
        cr_expect_gt(d.events, 0);
    }
    close_desk(&d);
}

Test(e2e_commands, new_begins_anew_and_has_the_model_greet, .timeout = 90)
{
    static const char *const words[] = { "/new", "/reset" };
    struct desk d;
    open_desk(&d);
    for (int i = 0; i < 2; i++) {
        fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"an answer\"}}");
        json_decref(say(&d, "main", "my number is 4711"));
        json_t *before = row_of(&d, HOME);
        fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"hello again\"}}");
        expect_said(&d, "main", words[i], "hello again");
        cr_expect_gt(d.events, 0);
        cr_expect_not(model_saw(&d, "4711"));
        cr_expect(model_saw(&d, "A new session begins"));
        json_t *after = row_of(&d, HOME);
        cr_expect_str_neq(text(before, "sessionId"), text(after, "sessionId"));
        json_decref(before);
        json_decref(after);
    }
    close_desk(&d);
}

Test(e2e_commands, new_takes_a_text_and_a_model, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"the usual\"},\"models\":{\"special\":{\"text\":\"the special one\"}}}");
    json_decref(say(&d, "main", "my number is 4711"));
    expect_said(&d, "main", "/new what is my number?", "the usual");
    cr_expect(model_saw(&d, "what is my number?"));
    cr_expect_not(model_saw(&d, "4711"));
    cr_expect_not(model_saw(&d, "/new"));
    expect_said(&d, "main", "/new openrouter/special and now?", "the special one");
    cr_expect(model_saw(&d, "and now?"));
    cr_expect_not(model_saw(&d, "openrouter/special and"));
    expect_said(&d, "main", "/new nosuch/model is text", "the special one");
    cr_expect(model_saw(&d, "nosuch/model is text"));
    expect_row(&d, HOME, "model", "special");
    close_desk(&d);
}

Test(e2e_commands, new_ends_what_runs, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"one two three four five six seven eight\",\"deltas\":8,\"delay_ms\":500}}");
    json_t *r = ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"count\",\"idempotencyKey\":\"long\"}");
    json_decref(r);
    json_decref(ws_event(d.ws, "chat", KIT_TURN_MS)); /* its first words */
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"quick\"}}");
    expect_said(&d, "main", "/new hi", "quick");
    json_t *history = ws_call(d.ws, "chat.history", "{\"sessionKey\":\"main\"}");
    cr_expect_eq(json_array_size(at(history, "payload.messages")), 2, "%zu", json_array_size(at(history, "payload.messages")));
    json_decref(history);
    close_desk(&d);
}

Test(e2e_commands, compact_sums_up_what_was_said, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"noted\"}}");
    json_decref(say(&d, "main", "my cat is called Turing"));
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"A cat named Turing was mentioned.\"}}");
    json_t *final = say(&d, "main", "/compact names of animals");
    const char *said = text(final, "payload.message.content.0.text");
    cr_expect_eq(strncmp(said, "⚙️ Compacted (", strlen("⚙️ Compacted (")), 0, "%s", said);
    cr_expect(strstr(said, " before) • Context ") != NULL, "%s", said);
    json_decref(final);
    cr_expect_eq(fake_count(&d.k.openrouter, "requests"), 2);
    cr_expect(model_saw(&d, "Additional focus: names of animals"));
    cr_expect(model_saw(&d, "my cat is called Turing"));
    expect_said(&d, "main", "who is it?", "A cat named Turing was mentioned.");
    cr_expect(model_saw(&d, "compacted into the following summary"));
    cr_expect(model_saw(&d, "A cat named Turing was mentioned."));
    cr_expect_not(model_saw(&d, "my cat is called Turing"));
    final = say(&d, "main", "/status");
    cr_expect(strstr(text(final, "payload.message.content.0.text"), "🧹 Compactions: 1\n") != NULL);
    json_decref(final);
    close_desk(&d);
}

Test(e2e_commands, compact_waits_for_what_runs_and_stays_a_command, .timeout = 90)
{
    static const char *const waiting[] = { "/compact", "second", "third" };
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"one two three four\",\"deltas\":4,\"delay_ms\":200}}");
    json_decref(ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"first\",\"idempotencyKey\":\"first\"}"));
    for (size_t i = 0; i < 3; i++)
        json_decref(ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"%s\",\"idempotencyKey\":\"w-%zu\"}", waiting[i], i));
    int finals = 0;
    while (finals < 4) {
        json_t *event = ws_event(d.ws, "chat", KIT_TURN_MS);
        cr_assert(event != NULL);
        bool final = strcmp(text(event, "payload.state"), "final") == 0, command = strcmp(text(event, "payload.runId"), "w-0") == 0;
        const char *said = text(event, "payload.message.content.0.text");
        if (final && command) cr_expect(strncmp(said, "⚙️ Compacted (", strlen("⚙️ Compacted (")) == 0, "%s", said);
        if (final && command) cr_expect_eq(finals, 1, "after what ran, before what waits");
        finals += final;
        json_decref(event);
    }
    cr_expect_eq(fake_count(&d.k.openrouter, "requests"), 3, "the first, the summary, and the two that waited, collected");
    close_desk(&d);
}

Test(e2e_commands, compact_survives_a_crash_as_a_command, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"one two three four\",\"deltas\":4,\"delay_ms\":300}}");
    json_decref(ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"first\",\"idempotencyKey\":\"first\"}"));
    json_decref(ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"/compact\",\"idempotencyKey\":\"c\"}"));
    json_decref(ws_event(d.ws, "chat", KIT_TURN_MS)); /* the first runs, the command waits */
    cr_assert(proc_signal(d.k.gateway, SIGKILL) == 0 && proc_wait(d.k.gateway, 5000, NULL) == 0);
    kit_restart(&d.k);
    for (int i = 0; i < 200 && kit_sql(&d.k, "SELECT count(*) FROM turn_ends") < 2; i++) usleep(50 * 1000);
    cr_expect_eq(kit_sql(&d.k, "SELECT sum(compactions) FROM session_counters"), 1);
    close_desk(&d);
}

Test(e2e_commands, compact_leaves_a_session_without_a_past_alone, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    json_t *final = say(&d, "main", "/compact");
    const char *said = text(final, "payload.message.content.0.text");
    cr_expect(strstr(said, "Not compacted: there is nothing to sum up yet") != NULL, "%s", said);
    json_decref(final);
    cr_expect_eq(fake_count(&d.k.openrouter, "requests"), 0);
    close_desk(&d);
}

Test(e2e_commands, compact_that_fails_keeps_every_message, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"noted\"}}");
    json_decref(say(&d, "main", "my cat is called Turing"));
    fake_control(&d.k.openrouter, "{\"default\":{\"status\":400}}");
    fake_control(&d.k.gemini, "{\"default\":{\"status\":400}}");
    json_decref(say_until(&d, "main", "/compact", "error"));
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"still here\"}}");
    expect_said(&d, "main", "who is it?", "still here");
    cr_expect(model_saw(&d, "my cat is called Turing"));
    close_desk(&d);
}

Test(e2e_commands, a_repeated_key_does_a_command_once, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"hello\"}}");
    json_decref(say(&d, "main", "/new"));
    json_t *before = row_of(&d, HOME);
    json_t *r = ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"/new\",\"idempotencyKey\":\"run-1\"}");
    cr_expect_str_eq(text(r, "payload.status"), "ok", "%s", text(r, "payload.status"));
    json_decref(r);
    json_t *after = row_of(&d, HOME);
    cr_expect_str_eq(text(before, "sessionId"), text(after, "sessionId"));
    json_decref(before);
    json_decref(after);
    json_decref(say(&d, "main", "/usage"));
    r = ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"/usage\",\"idempotencyKey\":\"run-2\"}");
    cr_expect_str_eq(text(r, "payload.status"), "ok");
    json_decref(r);
    expect_row(&d, HOME, "responseUsage", "tokens");
    cr_expect_eq(fake_count(&d.k.openrouter, "requests"), 1);
    close_desk(&d);
}

Test(e2e_commands, agent_calls_know_new_and_reset, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"fine\"}}");
    json_decref(say(&d, "main", "my number is 4711"));
    ws_request(d.ws, "a", "agent", "{\"message\":\"/new what is it?\",\"sessionKey\":\"main\",\"idempotencyKey\":\"ag-1\"}");
    json_t *first = ws_response(d.ws, "a", KIT_TURN_MS), *second = ws_response(d.ws, "a", KIT_TURN_MS);
    cr_expect_str_eq(text(first, "payload.status"), "accepted", "%s", text(first, "error.message"));
    cr_expect_str_eq(text(second, "payload.result.payloads.0.text"), "fine");
    cr_expect(model_saw(&d, "what is it?"));
    cr_expect_not(model_saw(&d, "4711"));
    json_decref(first);
    json_decref(second);
    ws_request(d.ws, "b", "agent", "{\"message\":\"/status\",\"sessionKey\":\"main\",\"idempotencyKey\":\"ag-2\"}");
    json_decref(ws_response(d.ws, "b", KIT_TURN_MS));
    second = ws_response(d.ws, "b", KIT_TURN_MS);
    cr_expect_str_eq(text(second, "payload.result.payloads.0.text"), "fine", "the rest is for the model");
    json_decref(second);
    ws_request(d.ws, "c", "agent", "{\"message\":\"/compact\",\"sessionKey\":\"main\",\"idempotencyKey\":\"ag-3\"}");
    json_decref(ws_response(d.ws, "c", KIT_TURN_MS));
    second = ws_response(d.ws, "c", KIT_TURN_MS);
    cr_expect_str_eq(text(second, "payload.result.payloads.0.text"), "fine", "that too");
    json_decref(second);
    close_desk(&d);
}

Test(e2e_commands, settings_hold_for_the_next_turn, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"the usual\"},\"models\":{\"special\":{\"text\":\"the special one\"}}}");
    expect_said(&d, "main", "/model openrouter/special", "Model set to openrouter/special.");
    expect_said(&d, "main", "who?", "the special one");
    expect_said(&d, "main", "/model " KIT_OPENROUTER_MODEL, "Model reset to default (" KIT_OPENROUTER_MODEL ").");
    expect_said(&d, "main", "who?", "the usual");
    expect_said(&d, "main", "/model nosuch/model",
                "Model \"nosuch/model\" is not allowed. Use /models to list providers, or /models <provider> to list models.");
    expect_said(&d, "main", "/verbose on", "⚙️ Verbose logging enabled.");
    expect_row(&d, HOME, "verboseLevel", "on");
    expect_said(&d, "main", "/verbose off", "⚙️ Verbose logging disabled.");
    expect_said(&d, "main", "/reasoning on", "⚙️ Reasoning visibility enabled.");
    expect_row(&d, HOME, "reasoningLevel", "on");
    expect_said(&d, "main", "/think zzz", "Unrecognized thinking level \"zzz\". Valid levels: off, minimal, low, medium, high.");
    expect_said(&d, "main", "/think off", "Thinking disabled.");
    expect_row(&d, HOME, "thinkingLevel", "off");
    close_desk(&d);
}

Test(e2e_commands, a_session_that_may_not_send_can_be_let_again, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    expect_said(&d, "main", "/send off", "⚙️ Send policy set to off.");
    json_t *r = ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"/status\",\"idempotencyKey\":\"x\"}");
    cr_expect_str_eq(text(r, "error.code"), "INVALID_REQUEST");
    cr_expect_str_eq(text(r, "error.message"), "send blocked by session policy");
    json_decref(r);
    expect_said(&d, "main", "/send inherit", "⚙️ Send policy set to inherit.");
    json_decref(say(&d, "main", "hi"));
    close_desk(&d);
}

Test(e2e_commands, status_and_lists_tell_what_there_is, .timeout = 60)
{
    static const struct {
        const char *message, *words;
    } rows[] = {
        { "/status", "🧠 Model: " KIT_OPENROUTER_MODEL " · 🔑 api-key\n" },
        { "/status", "🧵 Session: " HOME " • updated just now\n⚙️ Runtime: direct · Think: off\n🪢 Queue: collect (depth 0)" },
        { "/whoami", "🧭 Identity\nChannel: webchat\nUser id: cli\nAllowFrom: cli" },
        { "/model", "Current: " KIT_OPENROUTER_MODEL "\n\nSwitch: /model <provider/model>" },
        { "/models", "Providers:\n- " },
        { "/models openrouter", "- " KIT_OPENROUTER_MODEL },
        { "/model status", "Default: " KIT_OPENROUTER_MODEL "\nAgent: homelab-admin" },
        { "/context list", "🧠 Context breakdown\nWorkspace: /data/workspaces/homelab-admin\n" },
        { "/context list", "- AGENTS.md: MISSING" },
        { "/commands", "  /think (/thinking, /t) - Set thinking level." },
        { "/approve nosuch deny", "❌ Failed to submit approval: unknown approval id" },
    };
    struct desk d;
    open_desk(&d);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        json_t *final = say(&d, "main", rows[i].message);
        const char *said = text(final, "payload.message.content.0.text");
        cr_expect(strstr(said, rows[i].words) != NULL, "%s: %s", rows[i].message, said);
        cr_expect_null(strstr(said, KIT_OPENROUTER_KEY));
        json_decref(final);
    }
    json_t *final = say(&d, "main", "/kill all");
    cr_expect_null(at(final, "payload.message"));
    json_decref(final);
    close_desk(&d);
}

Test(e2e_commands, an_approval_is_decided_by_a_command, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    ws_request(d.ws, "w", "exec.approval.request", "{\"id\":\"ap-1\",\"command\":\"ls\",\"timeoutMs\":60000,\"twoPhase\":true}");
    json_decref(ws_response(d.ws, "w", KIT_TURN_MS));
    ws_request(d.ws, "c", "chat.send", "{\"sessionKey\":\"main\",\"message\":\"/approve ap-1 once\",\"idempotencyKey\":\"c\"}");
    json_t *decision = ws_response(d.ws, "w", KIT_TURN_MS);
    cr_expect_str_eq(text(decision, "payload.decision"), "allow-once");
    json_decref(decision);
    json_decref(ws_response(d.ws, "c", KIT_TURN_MS));
    json_t *event = ws_event(d.ws, "chat", KIT_TURN_MS);
    cr_expect_str_eq(text(event, "payload.message.content.0.text"), "✅ Exec approval allow-once submitted for ap-1.");
    json_decref(event);
    close_desk(&d);
}

Test(e2e_commands, a_command_during_a_run_does_not_disturb_it, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"one two three four\",\"deltas\":4,\"delay_ms\":300}}");
    json_decref(ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"count\",\"idempotencyKey\":\"long\"}"));
    json_decref(ws_event(d.ws, "chat", KIT_TURN_MS));
    ws_request(d.ws, "c", "chat.send", "{\"sessionKey\":\"main\",\"message\":\"/think\",\"idempotencyKey\":\"c\"}");
    bool answered = false;
    for (;;) {
        json_t *event = ws_event(d.ws, "chat", KIT_TURN_MS);
        cr_assert(event != NULL);
        bool final = strcmp(text(event, "payload.state"), "final") == 0, ours = strcmp(text(event, "payload.runId"), "c") == 0;
        answered = answered || (final && ours);
        bool done = final && !ours;
        if (done) cr_expect_str_eq(text(event, "payload.message.content.0.text"), "one two three four");
        json_decref(event);
        if (done) break;
    }
    cr_expect(answered, "the command did not wait for the run");
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"ok\"}}");
    expect_said(&d, "main", "and more?", "ok");
    cr_expect(model_saw(&d, "Current thinking level: off."));
    close_desk(&d);
}

Test(e2e_commands, clients_that_leave_in_the_middle_leave_nothing_behind, .timeout = 90)
{
    static const char *const messages[] = { "/new hi", "/status", ("/model " KIT_OPENROUTER_MODEL), "/reset" };
    struct desk d;
    open_desk(&d);
    for (int i = 0; i < 12; i++) {
        ws_t *other;
        const struct ws_connect c = { .token = KIT_TOKEN, .device = &d.device };
        cr_assert_eq(ws_open(d.k.port, "/", NULL, &other), 0);
        json_decref(ws_hello(other, &c));
        ws_request(other, "g", "chat.send", "{\"sessionKey\":\"other\",\"message\":\"%s\",\"idempotencyKey\":\"gone-%d\"}", messages[i % 4],
                   i);
        ws_close(&other);
    }
    expect_said(&d, "main", "/think", "Current thinking level: off.\nOptions: off, minimal, low, medium, high.");
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"hello\"}}");
    expect_said(&d, "other", "/new", "hello");
    close_desk(&d);
}

/* What the file holds, as one text; the caller frees. */
static char *config_file(const struct desk *d)
{
    struct buf text = { 0 };
    cr_assert_eq(file_read(d->k.config, 1 << 20, &text), 0);
    char *copy = strdup(buf_cstr(&text));
    buf_free(&text);
    return copy;
}

Test(e2e_commands, an_operator_changes_the_configuration_from_the_chat, .timeout = 60)
{
    const struct kit_options options = { .config_text = "{gateway:{auth:{token:'" KIT_TOKEN "'}},commands:{config:true,restart:true},"
                                                        "messages:{queue:{cap:20}},agents:{list:[{id:'homelab-admin',default:true}]}}" };
    struct desk d;
    open_desk_with(&d, &options);
    expect_said(&d, "main", "/config show messages.queue.cap", "⚙️ Config messages.queue.cap:\n```json\n20\n```");
    expect_said(&d, "main", "/config set messages.queue.cap=7", "⚙️ Config updated: messages.queue.cap");
    char *file = config_file(&d);
    cr_expect(strstr(file, "cap:7") || strstr(file, "cap: 7"), "%s", file);
    free(file);
    for (int tries = 0; tries < 100; tries++) { /* it is in force without a restart */
        json_t *final = say(&d, "main", "/queue");
        bool now = strstr(text(final, "payload.message.content.0.text"), "cap=7") != NULL;
        json_decref(final);
        if (now) break;
        cr_assert_lt(tries, 99);
        usleep(20000);
    }
    json_t *final = say(&d, "main", "/config show gateway");
    cr_expect_null(strstr(text(final, "payload.message.content.0.text"), KIT_TOKEN), "secrets are hidden");
    json_decref(final);
    final = say(&d, "main", "/config set messages.queue.cap=many");
    cr_expect(strstr(text(final, "payload.message.content.0.text"), "⚠️ The configuration was not changed: "), "%s",
              text(final, "payload.message.content.0.text"));
    json_decref(final);
    final = say(&d, "main", "/restart");
    cr_expect(strstr(text(final, "payload.message.content.0.text"), "is being read again"));
    json_decref(final);
    close_desk(&d);
}

Test(e2e_commands, where_the_message_of_an_agent_call_comes_from_is_on_record, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    cr_assert_eq(ws_request(d.ws, "p1", "agent",
                            "{\"message\":\"from elsewhere\",\"sessionKey\":\"main\",\"idempotencyKey\":\"p1\",\"inputProvenance\":"
                            "{\"kind\":\"internal_system\",\"sourceTool\":\"alerts\"}}"),
                 0);
    int seen = 0;
    for (int tries = 0; tries < 500 && !seen; tries++) {
        usleep(20000);
        seen = (int)kit_sql(&d.k, "SELECT count(*) FROM messages WHERE role = 'user' AND instr(json, 'from elsewhere') > 0 AND "
                                  "json_extract(json, '$.provenance.kind') = 'internal_system' AND "
                                  "json_extract(json, '$.provenance.sourceTool') = 'alerts'");
    }
    cr_expect_eq(seen, 1);
    close_desk(&d);
}
