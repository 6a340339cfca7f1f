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
