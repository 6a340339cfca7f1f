/* Chat over the WebSocket protocol, with the real gateway and a fake provider. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/gateway.h"
#include "support/ws_client.h"

static const char *text_of(const json_t *root, const char *a, const char *b)
{
    const json_t *v = b ? json_object_get(json_object_get(root, a), b) : json_object_get(root, a);
    const char *text = json_string_value(v);
    return text ? text : "";
}

static ws_t *join(const struct kit *k, const struct ws_device *device)
{
    ws_t *ws;
    const struct ws_connect c = { .token = KIT_TOKEN, .device = device };
    cr_assert_eq(ws_open(k->port, "/", NULL, &ws), 0, "status %d", ws_status());
    json_t *hello = ws_hello(ws, &c);
    cr_assert(json_is_true(json_object_get(hello, "ok")), "%s", hello ? json_dumps(hello, 0) : "no answer");
    json_decref(hello);
    return ws;
}

/* The next `chat` event of a run with this state. */
static json_t *chat_event(ws_t *ws, const char *run, const char *state)
{
    for (;;) {
        json_t *event = ws_event(ws, "chat", KIT_TURN_MS);
        if (!event) return NULL;
        if (strcmp(text_of(event, "payload", "runId"), run) == 0 && strcmp(text_of(event, "payload", "state"), state) == 0) return event;
        json_decref(event);
    }
}

static const char *said(const json_t *event)
{
    const json_t *message = json_object_get(json_object_get(event, "payload"), "message");
    const char *text = json_string_value(json_object_get(json_array_get(json_object_get(message, "content"), 0), "text"));
    return text ? text : "";
}

Test(e2e_chat, a_message_is_answered_in_events_as_it_streams, .timeout = 60)
{
    struct kit k;
    struct ws_device device;
    kit_start(&k, NULL);
    cr_assert_eq(ws_device_create(&device), 0);
    ws_t *ws = join(&k, &device);
    fake_control(&k.openrouter, "{\"default\":{\"text\":\"one two three four five\",\"deltas\":5,\"delay_ms\":40}}");
    json_t *r = ws_call(ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"count\",\"idempotencyKey\":\"run-1\"}");
    cr_expect_str_eq(text_of(r, "payload", "status"), "started");
    cr_expect_str_eq(text_of(r, "payload", "runId"), "run-1");
    json_decref(r);
    json_t *delta = chat_event(ws, "run-1", "delta"), *final = chat_event(ws, "run-1", "final");
    cr_assert(delta && final);
    cr_expect(strncmp(said(final), said(delta), strlen(said(delta))) == 0, "%s", said(delta));
    cr_expect_str_eq(said(final), "one two three four five");
    cr_expect_str_eq(text_of(final, "payload", "sessionKey"), "agent:homelab-admin:main");
    json_decref(delta);
    json_decref(final);
    ws_close(&ws);
    ws_device_free(&device);
    kit_stop(&k);
}

struct room { /* a gateway and one connected client */
    struct kit k;
    struct ws_device device;
    ws_t *ws;
};

static void enter(struct room *r)
{
    kit_start(&r->k, NULL);
    cr_assert_eq(ws_device_create(&r->device), 0);
    r->ws = join(&r->k, &r->device);
}

static void leave(struct room *r)
{
    ws_close(&r->ws);
    ws_device_free(&r->device);
    kit_stop(&r->k);
}

static void send_message(ws_t *ws, const char *key, const char *text)
{
    json_t *r = ws_call(ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"%s\",\"idempotencyKey\":\"%s\"}", text, key);
    cr_assert_str_eq(text_of(r, "payload", "status"), "started", "%s", text_of(r, "error", "message"));
    json_decref(r);
}

static void expect_refusal(ws_t *ws, const char *method, const char *params, const char *message)
{
    json_t *r = ws_call(ws, method, "%s", params);
    cr_expect_str_eq(text_of(r, "error", "code"), "INVALID_REQUEST", "%s", params);
    cr_expect_str_eq(text_of(r, "error", "message"), message, "%s: %s", params, text_of(r, "error", "message"));
    json_decref(r);
}

Test(e2e_chat, a_run_is_stopped_and_keeps_what_it_said, .timeout = 60)
{
    static const char *const ends[][2] = { { "chat.abort", "{\"sessionKey\":\"main\",\"runId\":\"run-0\"}" },
                                           { "chat.abort", "{\"sessionKey\":\"agent:homelab-admin:main\"}" },
                                           { "chat.send", "{\"sessionKey\":\"main\",\"message\":\"/stop\",\"idempotencyKey\":\"s\"}" } };
    struct room r;
    enter(&r);
    fake_control(&r.k.openrouter, "{\"default\":{\"text\":\"one two three four five six seven eight\",\"deltas\":8,\"delay_ms\":400}}");
    for (int i = 0; i < 3; i++) {
        char key[16];
        snprintf(key, sizeof key, "run-%d", i);
        send_message(r.ws, key, "count");
        json_decref(chat_event(r.ws, key, "delta"));
        cr_assert_eq(ws_request(r.ws, "stop", ends[i][0], "%s", ends[i][1]), 0);
        json_t *aborted = chat_event(r.ws, key, "aborted"), *answer = ws_response(r.ws, "stop", KIT_TURN_MS);
        cr_expect_str_eq(text_of(aborted, "payload", "stopReason"), i == 2 ? "stop" : "rpc");
        cr_expect_str_eq(text_of(aborted, "payload", "sessionKey"), "main");
        cr_expect(strncmp(said(aborted), "one", 3) == 0, "%s", said(aborted));
        json_t *payload = json_object_get(answer, "payload");
        cr_expect(json_is_true(json_object_get(payload, "aborted")));
        cr_expect_str_eq(json_string_value(json_array_get(json_object_get(payload, "runIds"), 0)), key);
        json_decref(aborted);
        json_decref(answer);
    }
    json_t *history = ws_call(r.ws, "chat.history", "{\"sessionKey\":\"main\"}");
    json_t *messages = json_object_get(json_object_get(history, "payload"), "messages");
    cr_expect_eq(json_array_size(messages), 6, "%zu messages", json_array_size(messages));
    cr_expect_str_eq(text_of(json_array_get(messages, 1), "stopReason", NULL), "aborted");
    json_decref(history);
    leave(&r);
}

Test(e2e_chat, nothing_to_stop_is_no_error, .timeout = 60)
{
    struct room r;
    enter(&r);
    json_t *a = ws_call(r.ws, "chat.abort", "{\"sessionKey\":\"main\",\"runId\":\"nope\"}");
    cr_expect(json_is_false(json_object_get(json_object_get(a, "payload"), "aborted")));
    json_decref(a);
    a = ws_call(r.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"/stop\",\"idempotencyKey\":\"s\"}");
    cr_expect(json_is_false(json_object_get(json_object_get(a, "payload"), "aborted")));
    json_decref(a);
    leave(&r);
}

Test(e2e_chat, bad_messages_are_refused_in_the_words_of_openclaw, .timeout = 60)
{
    struct room r;
    enter(&r);
    expect_refusal(r.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"  \",\"idempotencyKey\":\"e1\"}",
                   "message or attachment required");
    expect_refusal(r.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"a\\u0000b\",\"idempotencyKey\":\"e2\"}",
                   "message must not contain null bytes");
    expect_refusal(r.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"x\"}",
                   "invalid chat.send params: must have required property 'idempotencyKey'");
    expect_refusal(r.ws, "chat.send", "{\"sessionKey\":\"agent:nosuch:main\",\"message\":\"x\",\"idempotencyKey\":\"e3\"}",
                   "unknown agent id \"nosuch\"");
    expect_refusal(r.ws, "agent", "{\"message\":\"x\",\"agentId\":\"zzz\",\"idempotencyKey\":\"q1\"}",
                   "invalid agent params: unknown agent id \"zzz\"");
    expect_refusal(r.ws, "agent", "{\"message\":\"x\",\"sessionKey\":\"agent:\",\"idempotencyKey\":\"q2\"}",
                   "invalid agent params: malformed session key \"agent:\"");
    expect_refusal(r.ws, "agent", "{\"message\":\"x\",\"channel\":\"foo\",\"idempotencyKey\":\"q3\"}",
                   "invalid agent params: unknown channel: foo");
    expect_refusal(r.ws, "foo.bar", "{}", "unknown method: foo.bar");
    expect_refusal(r.ws, "connect", "{}", "connect is only valid as the first request");
    leave(&r);
}

Test(e2e_chat, a_repeated_key_starts_nothing, .timeout = 60)
{
    struct room r;
    enter(&r);
    fake_control(&r.k.openrouter, "{\"default\":{\"text\":\"one two three\",\"deltas\":3,\"delay_ms\":150}}");
    send_message(r.ws, "twice", "count");
    json_t *again = ws_call(r.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"count\",\"idempotencyKey\":\"twice\"}");
    cr_expect_str_eq(text_of(again, "payload", "status"), "in_flight");
    json_decref(again);
    json_decref(chat_event(r.ws, "twice", "final"));
    again = ws_call(r.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"count\",\"idempotencyKey\":\"twice\"}");
    cr_expect_str_eq(text_of(again, "payload", "status"), "ok");
    json_decref(again);
    cr_expect_eq(fake_count(&r.k.openrouter, "requests"), 1);
    leave(&r);
}

Test(e2e_chat, an_agent_call_is_accepted_and_then_answered_under_the_same_id, .timeout = 60)
{
    struct room r;
    enter(&r);
    fake_control(&r.k.openrouter, "{\"default\":{\"text\":\"all is well\",\"deltas\":2}}");
    ws_request(r.ws, "a", "agent", "{\"message\":\"hi\",\"agentId\":\"qa-tester\",\"idempotencyKey\":\"ag-1\"}");
    json_t *first = ws_response(r.ws, "a", KIT_TURN_MS), *second = ws_response(r.ws, "a", KIT_TURN_MS);
    cr_expect_str_eq(text_of(first, "payload", "status"), "accepted");
    cr_expect_str_eq(text_of(second, "payload", "status"), "ok");
    json_t *result = json_object_get(json_object_get(second, "payload"), "result");
    json_t *payload = json_array_get(json_object_get(result, "payloads"), 0);
    cr_expect_str_eq(text_of(payload, "text", NULL), "all is well");
    const json_t *meta = json_object_get(json_object_get(result, "meta"), "agentMeta");
    json_t *history = ws_call(r.ws, "chat.history", "{\"sessionKey\":\"agent:qa-tester:main\"}");
    cr_expect_eq(strlen(text_of(history, "payload", "sessionId")), 36);
    cr_expect_str_eq(json_string_value(json_object_get(meta, "sessionId")), text_of(history, "payload", "sessionId"));
    json_decref(history);
    json_t *wait = ws_call(r.ws, "agent.wait", "{\"runId\":\"ag-1\"}");
    cr_expect_str_eq(text_of(wait, "payload", "status"), "ok");
    ws_request(r.ws, "b", "agent", "{\"message\":\"hi\",\"agentId\":\"qa-tester\",\"idempotencyKey\":\"ag-1\"}");
    json_decref(ws_response(r.ws, "b", KIT_TURN_MS));
    json_t *still = ws_call(r.ws, "agent.wait", "{\"runId\":\"ag-1\"}");
    cr_expect(json_equal(json_object_get(wait, "payload"), json_object_get(still, "payload")), "a repeat changes nothing");
    json_decref(still);
    json_decref(wait);
    wait = ws_call(r.ws, "agent.wait", "{\"runId\":\"nope\",\"timeoutMs\":10}");
    cr_expect_str_eq(text_of(wait, "payload", "status"), "timeout");
    json_decref(wait);
    json_decref(first);
    json_decref(second);
    leave(&r);
}

Test(e2e_chat, an_error_is_told_when_every_candidate_has_failed, .timeout = 60)
{
    struct room r;
    enter(&r);
    fake_control(&r.k.openrouter, "{\"default\":{\"status\":401}}");
    fake_control(&r.k.gemini, "{\"default\":{\"status\":500}}");
    send_message(r.ws, "bad", "hi");
    json_t *error = chat_event(r.ws, "bad", "error");
    const char *text = text_of(error, "payload", "errorMessage");
    cr_expect(strstr(text, "All models failed (2)") && strstr(text, "(auth)"), "%s", text);
    json_decref(error);
    json_t *again = ws_call(r.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"hi\",\"idempotencyKey\":\"bad\"}");
    cr_expect_str_eq(text_of(again, "error", "code"), "UNAVAILABLE");
    cr_expect_str_eq(text_of(again, "payload", "status"), "error");
    json_decref(again);
    leave(&r);
}

Test(e2e_chat, a_silent_answer_ends_without_a_message, .timeout = 60)
{
    struct room r;
    enter(&r);
    fake_control(&r.k.openrouter, "{\"default\":{\"text\":\"NO_REPLY\",\"deltas\":1}}");
    send_message(r.ws, "quiet", "hi");
    json_t *final = chat_event(r.ws, "quiet", "final");
    cr_assert(final);
    cr_expect_null(json_object_get(json_object_get(final, "payload"), "message"));
    json_decref(final);
    leave(&r);
}

Test(e2e_chat, who_comes_later_follows_a_run_on, .timeout = 60)
{
    struct room r;
    enter(&r);
    fake_control(&r.k.openrouter, "{\"default\":{\"text\":\"one two three four five six\",\"deltas\":6,\"delay_ms\":200}}");
    send_message(r.ws, "long", "count");
    json_decref(chat_event(r.ws, "long", "delta"));
    ws_close(&r.ws);
    r.ws = join(&r.k, &r.device);
    json_t *delta = chat_event(r.ws, "long", "delta"), *final = chat_event(r.ws, "long", "final");
    cr_expect(delta && strncmp(said(delta), "one", 3) == 0);
    cr_expect_str_eq(said(final), "one two three four five six");
    json_decref(delta);
    json_decref(final);
    leave(&r);
}

Test(e2e_chat, a_turn_over_http_is_heard_by_everyone, .timeout = 60)
{
    struct room r;
    struct http_reply reply = { 0 };
    enter(&r);
    fake_control(&r.k.openrouter, "{\"default\":{\"text\":\"over http\",\"deltas\":2}}");
    cr_assert_eq(kit_chat(&r.k, "someone", "hi", &reply), 0);
    json_t *event;
    do event = ws_event(r.ws, "chat", KIT_TURN_MS);
    while (event && strcmp(text_of(event, "payload", "state"), "final") != 0 && (json_decref(event), 1));
    cr_expect_str_eq(said(event), "over http");
    json_decref(event);
    http_reply_free(&reply);
    leave(&r);
}
