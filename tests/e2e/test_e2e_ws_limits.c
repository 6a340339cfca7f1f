/* WebSocket clients of the real gateway that are cut off, come back, are many, or are told that it stops. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/err.h"
#include "support/gateway.h"
#include "support/ws_client.h"

#define SLOW "{\"default\":{\"text\":\"one two three four five six seven eight nine ten\",\"deltas\":10,\"delay_ms\":150}}"
#define WHOLE "one two three four five six seven eight nine ten"

static const char *text_of(const json_t *root, const char *a, const char *b)
{
    const json_t *v = json_object_get(root, a);
    const char *text = json_string_value(b ? json_object_get(v, b) : v);
    return text ? text : "";
}

static ws_t *join(const struct kit *k, const struct ws_device *device)
{
    ws_t *ws;
    const struct ws_connect c = { .token = KIT_TOKEN, .device = device };
    cr_assert_eq(ws_open(k->port, "/", NULL, &ws), 0, "status %d", ws_status());
    json_t *hello = ws_hello(ws, &c);
    cr_assert(json_is_true(json_object_get(hello, "ok")), "%s", text_of(hello, "error", "message"));
    json_decref(hello);
    return ws;
}

static json_t *chat_event(ws_t *ws, const char *run, const char *state)
{
    for (;;) {
        json_t *event = ws_event(ws, "chat", KIT_TURN_MS);
        if (!event) return NULL;
        if (strcmp(text_of(event, "payload", "runId"), run) == 0 && strcmp(text_of(event, "payload", "state"), state) == 0) return event;
        json_decref(event);
    }
}

static void say(ws_t *ws, const char *run)
{
    json_t *r = ws_call(ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"count\",\"idempotencyKey\":\"%s\"}", run);
    cr_assert_str_eq(text_of(r, "payload", "status"), "started", "%s", text_of(r, "error", "message"));
    json_decref(r);
}

static void expect_whole(ws_t *ws, const char *run)
{
    json_t *final = chat_event(ws, run, "final");
    const json_t *content = json_object_get(json_object_get(json_object_get(final, "payload"), "message"), "content");
    const char *said = json_string_value(json_object_get(json_array_get(content, 0), "text"));
    cr_expect(said && strcmp(said, WHOLE) == 0, "%s: %s", run, said ? said : "no end");
    json_decref(final);
}

static void reset(ws_t **ws)
{
    const struct linger at_once = { 1, 0 };
    setsockopt(ws_fd(*ws), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ws_close(ws);
}

Test(e2e_ws_limits, a_run_outlives_its_connection_and_is_followed_after_a_reconnect, .timeout = 120)
{
    struct kit k;
    struct ws_device device;
    kit_start(&k, NULL);
    cr_assert_eq(ws_device_create(&device), 0);
    cr_assert_eq(fake_control(&k.openrouter, SLOW), 200);
    ws_t *teller = join(&k, &device), *other = join(&k, &device);
    say(teller, "run-1");
    json_decref(chat_event(teller, "run-1", "delta"));
    reset(&teller);
    teller = join(&k, &device); /* in the midst of the run */
    json_t *delta = chat_event(teller, "run-1", "delta");
    cr_expect(delta, "a run in progress is not heard after a reconnect");
    json_decref(delta);
    expect_whole(teller, "run-1");
    expect_whole(other, "run-1");
    say(teller, "run-2"); /* and by one who says that it will send no more */
    cr_assert_eq(shutdown(ws_fd(teller), SHUT_WR), 0);
    expect_whole(other, "run-2");
    ws_close(&teller);
    ws_close(&other);
    ws_device_free(&device);
    kit_stop(&k);
}

Test(e2e_ws_limits, a_stop_is_told_after_the_run_has_ended, .timeout = 120)
{
    struct kit k;
    struct ws_device device;
    kit_start(&k, NULL);
    cr_assert_eq(ws_device_create(&device), 0);
    cr_assert_eq(fake_control(&k.openrouter, SLOW), 200);
    ws_t *ws = join(&k, &device);
    say(ws, "run-1");
    json_decref(chat_event(ws, "run-1", "delta"));
    cr_assert_eq(proc_signal(k.gateway, SIGTERM), 0);
    expect_whole(ws, "run-1");
    json_t *told = ws_event(ws, "shutdown", KIT_TURN_MS);
    cr_expect_str_eq(text_of(told, "payload", "reason"), "gateway stopping");
    json_decref(told);
    cr_expect_eq(ws_read_to_end(ws, KIT_TURN_MS), GW_ECLOSED);
    cr_expect_eq(ws_close_code(ws), 1012);
    cr_expect_str_eq(ws_close_reason(ws), "service restart");
    ws_close(&ws);
    ws_device_free(&device);
    kit_stop(&k);
}

static int descriptors(const struct kit *k)
{
    char path[64];
    int n = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)proc_pid(k->gateway));
    DIR *dir = opendir(path);
    for (struct dirent *e; dir && (e = readdir(dir));) n += e->d_name[0] != '.';
    if (dir) closedir(dir);
    return n;
}

/* More than hear an event at once, and more than the kernel's poll is asked for (actors/gateway_crowd.h, gateway_poll.h). */
Test(e2e_ws_limits, two_hundred_hear_a_run_and_leave_nothing_behind, .timeout = 300)
{
    enum { CLIENTS = 200 };
    struct kit k;
    struct ws_device device;
    ws_t *all[CLIENTS];
    kit_start(&k, NULL);
    cr_assert_eq(ws_device_create(&device), 0);
    cr_assert_eq(fake_control(&k.openrouter, SLOW), 200);
    ws_t *teller = join(&k, &device);
    say(teller, "warm"); /* what a first run opens is open */
    expect_whole(teller, "warm");
    int before = descriptors(&k);
    for (int i = 0; i < CLIENTS; i++) all[i] = join(&k, NULL);
    say(teller, "run-1");
    expect_whole(teller, "run-1");
    for (int i = 0; i < CLIENTS; i++) expect_whole(all[i], "run-1");
    for (int i = 0; i < CLIENTS; i++) {
        if (i % 3 == 0)
            reset(&all[i]);
        else
            ws_close(&all[i]);
    }
    int64_t deadline = now_ms() + KIT_TURN_MS;
    while (descriptors(&k) > before && now_ms() < deadline) pause_ms(5);
    cr_expect(descriptors(&k) <= before, "%d descriptors, %d before", descriptors(&k), before);
    say(teller, "run-2");
    expect_whole(teller, "run-2");
    ws_close(&teller);
    ws_device_free(&device);
    kit_stop(&k);
}
