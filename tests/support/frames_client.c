/* Clients that play recorded frames. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/clock.h"
#include "support/frames.h"

enum { ANSWER_MS = 15000 };

static const char *text_of(const json_t *object, const char *name)
{
    const char *text = json_string_value(json_object_get(object, name));
    return text ? text : "";
}

void frames_join(struct frames *f, struct frame_client *client, const char *headers, const struct ws_connect *c)
{
    (void)headers;
    *client = (struct frame_client){ .came = json_array() };
    cr_assert_eq(ws_open(f->kit->port, "/", headers, &client->ws), 0, "status %d", ws_status());
    client->hello = ws_hello(client->ws, c);
    cr_assert(json_is_true(json_object_get(client->hello, "ok")), "refused: %s",
              text_of(json_object_get(client->hello, "error"), "message"));
}

void frames_leave(struct frame_client *client)
{
    ws_close(&client->ws);
    json_decref(client->came);
    json_decref(client->hello);
    *client = (struct frame_client){ 0 };
}

/* Events to all are numbered in one row. */
static void count(struct frame_client *client, const json_t *frame)
{
    const json_t *seq = json_object_get(frame, "seq");
    if (!json_is_integer(seq)) return;
    int64_t n = json_integer_value(seq);
    if (client->seq && client->all) cr_expect_eq(n, client->seq + 1, "%s has %lld", text_of(frame, "event"), (long long)n);
    cr_expect(n > client->seq, "%s goes back to %lld", text_of(frame, "event"), (long long)n);
    client->seq = n;
}

const json_t *frames_next(struct frame_client *client, int timeout_ms)
{
    json_t *frame = ws_json(client->ws, timeout_ms);
    if (!frame) return NULL;
    count(client, frame);
    json_array_append_new(client->came, frame);
    return frame;
}

json_t *frames_response(struct frame_client *client, const char *id, int timeout_ms)
{
    int64_t deadline = clock_mono_ms() + timeout_ms;
    size_t i = 0;
    for (;; i++) {
        const json_t *frame = json_array_get(client->came, i);
        if (!frame) frame = frames_next(client, clock_left_ms(deadline));
        if (!frame) return NULL;
        if (strcmp(text_of(frame, "type"), "res") != 0 || strcmp(text_of(frame, "id"), id) != 0) continue;
        json_t *taken = json_incref((json_t *)frame);
        json_array_remove(client->came, i);
        if (i < client->mark) client->mark--;
        return taken;
    }
}

void frames_send(struct frames *f, struct frame_client *client, const json_t *request, const char *id)
{
    json_t *mine = frames_translate(f, request);
    json_object_set_new(mine, "id", json_string(id));
    char *text = json_dumps(mine, JSON_COMPACT);
    cr_assert(text && ws_send(client->ws, WS_TEXT, str_of(text)) == 0);
    free(text);
    json_decref(mine);
}

json_t *frames_play(struct frames *f, struct frame_client *client, const char *name)
{
    json_t *recorded = frames_load(name), *want = json_object_get(recorded, "response");
    const json_t *request = json_object_get(recorded, "request");
    client->mark = json_array_size(client->came);
    frames_send(f, client, request, name);
    json_t *got = frames_response(client, name, ANSWER_MS);
    cr_assert(got, "%s: no answer", name);
    frames_learn(f, text_of(want, "id"), name);
    frames_compare(f, name, want, got);
    json_decref(recorded);
    return got;
}

void frames_play_all(struct frames *f, struct frame_client *client, const char *const *names)
{
    for (; *names; names++) json_decref(frames_play(f, client, *names));
}

static bool alike(const json_t *want, const json_t *got)
{
    static const char *const which[] = { "action", "decision", "reason", NULL };
    if (strcmp(text_of(got, "event"), text_of(want, "event")) != 0) return false;
    for (const char *const *w = which; *w; w++) {
        const json_t *a = json_object_get(json_object_get(want, "payload"), *w), *b = json_object_get(json_object_get(got, "payload"), *w);
        if (a && !json_equal(a, b)) return false;
    }
    return true;
}

const json_t *frames_event(struct frames *f, struct frame_client *client, const char *name)
{
    json_t *want = frames_load(name);
    int64_t deadline = clock_mono_ms() + ANSWER_MS;
    const json_t *got = NULL;
    for (size_t i = client->mark; !got; i++) {
        const json_t *frame = json_array_get(client->came, i);
        if (!frame) frame = frames_next(client, clock_left_ms(deadline));
        cr_assert(frame, "%s: no such event", name);
        if (alike(want, frame)) got = frame;
    }
    frames_compare(f, name, want, got);
    json_decref(want);
    return got;
}

bool frames_heard(const struct frame_client *client, const char *event)
{
    size_t i;
    json_t *frame;
    json_array_foreach(client->came, i, frame) if (i >= client->mark && strcmp(text_of(frame, "event"), event) == 0) return true;
    return false;
}

void frames_forget(struct frame_client *client)
{
    client->mark = json_array_size(client->came);
}
