#include "bus/ws_rig.h"

#include <criterion/criterion.h>
#include <string.h>

#include "base/err.h"

void ws_rig_start(struct gateway_rig *rig, const struct gateway_rig_options *options)
{
    struct gateway_rig_options with_token = options ? *options : (struct gateway_rig_options){ 0 };
    with_token.token = WS_RIG_TOKEN;
    gateway_rig_start(rig, &with_token);
}

ws_t *ws_rig_open(const struct gateway_rig *rig)
{
    ws_t *ws;
    int rc = ws_open(rig->port, "/", NULL, &ws);
    cr_assert(rc == 0, "%s, status %d", err_name(rc), ws_status());
    return ws;
}

ws_t *ws_rig_join(const struct gateway_rig *rig, const struct ws_device *device)
{
    const struct ws_connect c = { .token = WS_RIG_TOKEN, .device = device };
    ws_t *ws = ws_rig_open(rig);
    json_t *hello = ws_hello(ws, &c);
    cr_assert(json_is_true(json_object_get(hello, "ok")), "no hello-ok: %s", ws_rig_text(hello, "error", "message"));
    json_decref(hello);
    return ws;
}

const char *ws_rig_text(const json_t *root, const char *a, const char *b)
{
    const json_t *v = json_object_get(root, a);
    const char *text = json_string_value(b ? json_object_get(v, b) : v);
    return text ? text : "";
}

void ws_rig_say(ws_t *ws, const char *run, const char *text)
{
    json_t *r = ws_call(ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"%s\",\"idempotencyKey\":\"%s\"}", text, run);
    cr_assert(strcmp(ws_rig_text(r, "payload", "status"), "started") == 0, "%s: %s", text, ws_rig_text(r, "error", "message"));
    json_decref(r);
}

json_t *ws_rig_chat(ws_t *ws, const char *run, const char *state)
{
    for (;;) {
        json_t *event = ws_event(ws, "chat", RIG_MS);
        if (!event) return NULL;
        if (strcmp(ws_rig_text(event, "payload", "runId"), run) == 0 && strcmp(ws_rig_text(event, "payload", "state"), state) == 0)
            return event;
        json_decref(event);
    }
}

void ws_rig_expect_alive(ws_t *ws)
{
    json_t *r = ws_call(ws, "system-presence", NULL);
    cr_assert(json_is_true(json_object_get(r, "ok")), "no answer");
    json_decref(r);
}

void ws_rig_expect_close(ws_t *ws, int code, const char *reason)
{
    int rc = ws_read_to_end(ws, RIG_MS);
    cr_assert(rc == (code ? GW_ECLOSED : GW_EIO) && ws_close_code(ws) == code, "ended with %s, %d, not %d", err_name(rc), ws_close_code(ws),
              code);
    if (code) cr_assert(strcmp(ws_close_reason(ws), reason) == 0, "closed for \"%s\", not \"%s\"", ws_close_reason(ws), reason);
}
