/* Sessions over the WebSocket protocol, with the real gateway and a fake provider: what is set for one holds in its next turn,
 * and what is reset, deleted or cut is so for the model, too. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/gateway.h"
#include "support/ws_client.h"

#define HOME "agent:homelab-admin:main"

struct desk {
    struct kit k;
    struct ws_device device;
    ws_t *ws;
    int runs;
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

static void open_desk(struct desk *d)
{
    *d = (struct desk){ 0 };
    kit_start(&d->k, NULL);
    cr_assert_eq(ws_device_create(&d->device), 0);
    const struct ws_connect c = { .token = KIT_TOKEN, .device = &d->device };
    cr_assert_eq(ws_open(d->k.port, "/", NULL, &d->ws), 0, "status %d", ws_status());
    json_t *hello = ws_hello(d->ws, &c);
    cr_assert(json_is_true(json_object_get(hello, "ok")));
    json_decref(hello);
}

static void close_desk(struct desk *d)
{
    ws_close(&d->ws);
    ws_device_free(&d->device);
    kit_stop(&d->k);
}

/* Say something; the caller json_decref()s the final `chat` event. */
static json_t *say(struct desk *d, const char *key, const char *message)
{
    char run[32];
    snprintf(run, sizeof run, "run-%d", ++d->runs);
    json_t *r = ws_call(d->ws, "chat.send", "{\"sessionKey\":\"%s\",\"message\":\"%s\",\"idempotencyKey\":\"%s\"}", key, message, run);
    cr_assert_str_eq(text(r, "payload.status"), "started", "%s", text(r, "error.message"));
    json_decref(r);
    for (;;) {
        json_t *event = ws_event(d->ws, "chat", KIT_TURN_MS);
        cr_assert(event != NULL);
        if (strcmp(text(event, "payload.runId"), run) == 0 && strcmp(text(event, "payload.state"), "final") == 0) return event;
        json_decref(event);
    }
}

static void expect_said(struct desk *d, const char *key, const char *message, const char *want)
{
    json_t *final = say(d, key, message);
    cr_assert_str_eq(text(final, "payload.message.content.0.text"), want);
    json_decref(final);
}

static void expect_error(json_t *r, const char *code, const char *message)
{
    cr_assert_str_eq(text(r, "error.code"), code);
    cr_assert_str_eq(text(r, "error.message"), message);
    json_decref(r);
}

/* Whether the provider's newest request holds these words. */
static bool model_saw(struct desk *d, const char *words)
{
    json_t *stats = fake_stats(&d->k.openrouter);
    const json_t *bodies = json_object_get(stats, "bodies");
    char *body = json_dumps(json_array_get(bodies, json_array_size(bodies) - 1), 0);
    bool yes = body && strstr(body, words) != NULL;
    free(body);
    json_decref(stats);
    return yes;
}

Test(e2e_sessions, a_model_set_for_a_session_answers_its_next_turn, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"the usual\"},\"models\":{\"special\":{\"text\":\"the special one\"}}}");
    expect_said(&d, "main", "who?", "the usual");
    json_decref(ws_call(d.ws, "sessions.patch", "{\"key\":\"main\",\"model\":\"openrouter/special\"}"));
    expect_said(&d, "main", "and now?", "the special one");
    expect_said(&d, "other", "and here?", "the usual");
    json_decref(ws_call(d.ws, "sessions.patch", "{\"key\":\"main\",\"model\":null}"));
    expect_said(&d, "main", "and again?", "the usual");
    close_desk(&d);
}

Test(e2e_sessions, a_send_policy_of_deny_blocks, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    json_decref(ws_call(d.ws, "sessions.patch", "{\"key\":\"main\",\"sendPolicy\":\"deny\"}"));
    expect_error(ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"hi\",\"idempotencyKey\":\"x\"}"), "INVALID_REQUEST",
                 "send blocked by session policy");
    cr_assert_eq(fake_count(&d.k.openrouter, "requests"), 0);
    json_decref(ws_call(d.ws, "sessions.patch", "{\"key\":\"main\",\"sendPolicy\":null}"));
    json_decref(say(&d, "main", "hi"));
    close_desk(&d);
}

Test(e2e_sessions, a_reset_begins_anew_for_the_model_too, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    json_decref(say(&d, "main", "my number is 4711"));
    json_decref(say(&d, "main", "what is it?"));
    cr_assert(model_saw(&d, "4711"));
    json_t *r = ws_call(d.ws, "sessions.reset", "{\"key\":\"main\"}");
    cr_assert_str_eq(text(r, "payload.key"), HOME);
    char id[64];
    snprintf(id, sizeof id, "%s", text(r, "payload.entry.sessionId"));
    cr_assert_eq(strlen(id), 36);
    json_decref(r);
    json_decref(say(&d, "main", "what is it now?"));
    cr_assert(!model_saw(&d, "4711"));
    r = ws_call(d.ws, "chat.history", "{\"sessionKey\":\"main\"}");
    cr_assert_str_eq(text(r, "payload.sessionId"), id);
    cr_assert_eq(json_array_size(at(r, "payload.messages")), 2);
    json_decref(r);
    close_desk(&d);
}

Test(e2e_sessions, slash_new_begins_anew_and_greets, .timeout = 90)
{
    struct desk d;
    char before[64];
    open_desk(&d);
    json_decref(say(&d, "main", "my number is 4711"));
    json_t *r = ws_call(d.ws, "chat.history", "{\"sessionKey\":\"main\"}");
    snprintf(before, sizeof before, "%s", text(r, "payload.sessionId"));
    json_decref(r);
    json_decref(say(&d, "main", "/new"));
    cr_assert(!model_saw(&d, "4711") && model_saw(&d, "Greet the user"));
    r = ws_call(d.ws, "chat.history", "{\"sessionKey\":\"main\"}");
    cr_assert_str_neq(text(r, "payload.sessionId"), before);
    cr_assert_eq(json_array_size(at(r, "payload.messages")), 2);
    json_decref(r);
    r = ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"/new\",\"idempotencyKey\":\"run-%d\"}", d.runs);
    cr_assert_str_eq(text(r, "payload.status"), "ok", "a repeat resets nothing: %s", text(r, "error.message"));
    json_decref(r);
    json_decref(say(&d, "main", "/reset the number is 4712"));
    cr_assert(model_saw(&d, "the number is 4712") && !model_saw(&d, "Greet the user") && !model_saw(&d, "/reset"));
    close_desk(&d);
}

Test(e2e_sessions, a_reset_ends_what_runs, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"one two three four\",\"deltas\":4,\"delay_ms\":20000}}");
    json_decref(ws_call(d.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"slowly\",\"idempotencyKey\":\"slow\"}"));
    cr_assert_eq(fake_wait(&d.k.openrouter, "active", 1, KIT_TURN_MS), 0);
    json_t *r = ws_call(d.ws, "sessions.reset", "{\"key\":\"main\"}");
    cr_assert(json_is_true(at(r, "ok")), "%s", text(r, "error.message"));
    json_decref(r);
    fake_control(&d.k.openrouter, "{\"default\":{\"text\":\"quick\"}}");
    expect_said(&d, "main", "and now?", "quick");
    cr_assert(!model_saw(&d, "slowly"));
    close_desk(&d);
}

Test(e2e_sessions, a_note_is_told_to_all_and_read_by_the_model, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    expect_error(ws_call(d.ws, "chat.inject", "{\"sessionKey\":\"main\",\"message\":\"x\"}"), "INVALID_REQUEST", "session not found");
    json_decref(say(&d, "main", "hi"));
    cr_assert_eq(ws_request(d.ws, "i", "chat.inject", "{\"sessionKey\":\"main\",\"message\":\"blue-note\",\"label\":\"note\"}"), 0);
    json_t *event = ws_event(d.ws, "chat", KIT_TURN_MS);
    cr_assert_str_eq(text(event, "payload.sessionKey"), "main");
    cr_assert_str_eq(text(event, "payload.state"), "final");
    cr_assert_eq(json_integer_value(at(event, "payload.seq")), 0);
    cr_assert_str_eq(text(event, "payload.message.content.0.text"), "[note]\n\nblue-note");
    json_t *r = ws_response(d.ws, "i", KIT_TURN_MS);
    char run[64];
    snprintf(run, sizeof run, "inject-%s", text(r, "payload.messageId"));
    cr_assert_str_eq(text(event, "payload.runId"), run);
    json_decref(event);
    json_decref(r);
    json_decref(say(&d, "main", "and?"));
    cr_assert(model_saw(&d, "blue-note"));
    close_desk(&d);
}

Test(e2e_sessions, a_session_is_cut_listed_and_deleted, .timeout = 90)
{
    struct desk d;
    open_desk(&d);
    json_decref(say(&d, "side", "first-words"));
    json_decref(say(&d, "side", "second-words"));
    json_t *r = ws_call(d.ws, "sessions.compact", "{\"key\":\"side\",\"maxLines\":2}");
    cr_assert(json_is_true(at(r, "payload.compacted")));
    json_decref(r);
    json_decref(say(&d, "side", "third-words"));
    cr_assert(model_saw(&d, "second-words") && !model_saw(&d, "first-words"));
    r = ws_call(d.ws, "sessions.list", "{\"includeDerivedTitles\":true}");
    cr_assert_str_eq(text(r, "payload.sessions.0.key"), "agent:homelab-admin:side");
    cr_assert_str_eq(text(r, "payload.sessions.0.derivedTitle"), "second-words");
    cr_assert(json_integer_value(at(r, "payload.sessions.0.totalTokens")) > 0);
    json_decref(r);
    r = ws_call(d.ws, "sessions.delete", "{\"key\":\"side\"}");
    cr_assert(json_is_true(at(r, "payload.deleted")));
    cr_assert(strstr(text(r, "payload.archived.0"), ".jsonl.deleted.") != NULL);
    json_decref(r);
    r = ws_call(d.ws, "sessions.list", "{}");
    cr_assert_eq(json_array_size(at(r, "payload.sessions")), 0);
    json_decref(r);
    expect_error(ws_call(d.ws, "sessions.delete", "{\"key\":\"main\"}"), "INVALID_REQUEST", "Cannot delete the main session (" HOME ").");
    json_decref(say(&d, "side", "back again"));
    cr_assert(!model_saw(&d, "third-words"));
    close_desk(&d);
}
