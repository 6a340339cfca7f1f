/* Every bound of the WebSocket front, at it and past it; and that all hear everything while one of them is slow. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "bus/ws_rig.h"

static struct gateway_rig rig;
static struct ws_device device;

static void start(const struct gateway_rig_options *options)
{
    ws_rig_start(&rig, options);
    cr_assert(ws_device_create(&device) == 0);
}

static void stop(void)
{
    ws_device_free(&device);
    gateway_rig_stop(&rig);
}

/* --- messages --------------------------------------------------------------------------------------------------- */

/* A request, with spaces behind it up to `size` bytes. */
static void pad(struct buf *out, size_t size)
{
    buf_clear(out);
    buf_text(out, "{\"type\":\"req\",\"id\":\"big\",\"method\":\"system-presence\",\"params\":{}}");
    memset(buf_reserve(out, size), ' ', size - out->n);
    out->n = size;
}

Test(gateway_ws_limits, a_message_of_25_mib_is_taken_and_one_byte_more_is_not, .timeout = 120)
{
    struct buf text = { 0 };
    start(NULL);
    ws_t *ws = ws_rig_join(&rig, &device);
    pad(&text, GATEWAY_MESSAGE_MAX);
    cr_assert(ws_send(ws, WS_TEXT, buf_str(&text)) == 0);
    json_t *r = ws_response(ws, "big", RIG_MS);
    cr_assert(json_is_true(json_object_get(r, "ok")));
    json_decref(r);
    pad(&text, GATEWAY_MESSAGE_MAX + 1);
    ws_send(ws, WS_TEXT, buf_str(&text)); /* may find the connection closed before it is all out */
    ws_rig_expect_close(ws, 1009, "");
    ws_close(&ws);
    buf_free(&text);
    stop();
}

Test(gateway_ws_limits, pieces_count_together, .timeout = 120)
{
    struct buf text = { 0 };
    start(NULL);
    ws_t *ws = ws_rig_open(&rig);
    pad(&text, GATEWAY_HELLO_MAX / 2);
    cr_assert(ws_send_part(ws, WS_TEXT, false, buf_str(&text)) == 0 && ws_send_part(ws, 0, false, buf_str(&text)) == 0);
    cr_assert(ws_send_part(ws, 0, true, STR(" ")) == 0);
    ws_rig_expect_close(ws, 1009, "");
    ws_close(&ws);
    buf_free(&text);
    stop();
}

/* --- how many, how long ----------------------------------------------------------------------------------------- */

static void expect_no_room(void)
{
    ws_t *ws;
    cr_assert(ws_open(rig.port, "/", NULL, &ws) == GW_EDENIED && ws_status() == 503, "%d", ws_status());
}

Test(gateway_ws_limits, silence_is_ended, .timeout = 60)
{
    start(&(struct gateway_rig_options){ .times = { .hello_ms = 200 } });
    ws_t *silent = ws_rig_open(&rig), *greeted = ws_rig_join(&rig, &device);
    ws_rig_expect_close(silent, 1000, "");
    ws_rig_expect_alive(greeted); /* its time did not run on */
    ws_close(&silent);
    ws_close(&greeted);
    stop();
}

Test(gateway_ws_limits, handshakes_are_bounded, .timeout = 60)
{
    ws_t *waiting[3];
    start(&(struct gateway_rig_options){ .bounds = { .handshakes = 3 } });
    ws_t *greeted = ws_rig_join(&rig, &device); /* counts no more */
    for (size_t i = 0; i < 3; i++) waiting[i] = ws_rig_open(&rig);
    expect_no_room();
    ws_rig_expect_alive(greeted);
    const struct ws_connect c = { .token = WS_RIG_TOKEN, .device = &device };
    json_decref(ws_hello(waiting[0], &c));
    ws_t *next = ws_rig_open(&rig);
    expect_no_room();
    ws_close(&next);
    ws_close(&greeted);
    for (size_t i = 0; i < 3; i++) ws_close(&waiting[i]);
    stop();
}

Test(gateway_ws_limits, clients_are_bounded, .timeout = 60)
{
    ws_t *in[3];
    start(&(struct gateway_rig_options){ .bounds = { .clients = 3 } });
    for (size_t i = 0; i < 3; i++) in[i] = ws_rig_join(&rig, &device);
    expect_no_room();
    for (size_t i = 0; i < 3; i++) ws_rig_expect_alive(in[i]);
    for (size_t i = 0; i < 3; i++) ws_close(&in[i]);
    stop();
}

Test(gateway_ws_limits, runs_are_bounded, .timeout = 60)
{
    start(&(struct gateway_rig_options){ .bounds = { .runs = 2 } });
    ws_t *ws = ws_rig_join(&rig, &device);
    ws_rig_say(ws, "r1", "hold");
    ws_rig_say(ws, "r2", "hold");
    json_t *r = ws_call(ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"hold\",\"idempotencyKey\":\"r3\"}");
    cr_assert_str_eq(ws_rig_text(r, "error", "code"), "UNAVAILABLE");
    json_decref(r);
    ws_rig_expect_alive(ws);
    ws_close(&ws);
    stop();
}

/* --- requests --------------------------------------------------------------------------------------------------- */

/* `status` goes over the bus, where nobody answers it here: so each waits a moment, and is refused. */
Test(gateway_ws_limits, a_thousand_requests_at_once_get_a_thousand_answers, .timeout = 120)
{
    enum { REQUESTS = 4 * GATEWAY_REQUESTS_MAX };
    static bool answered[REQUESTS];
    start(NULL);
    ws_t *ws = ws_rig_join(&rig, &device);
    for (int i = 0; i < REQUESTS; i++) {
        char id[16];
        snprintf(id, sizeof id, "%d", i);
        cr_assert(ws_request(ws, id, "status", NULL) == 0);
    }
    for (int left = REQUESTS; left > 0;) {
        json_t *r = ws_json(ws, RIG_MS);
        cr_assert(r, "%d are not answered", left);
        int id = atoi(ws_rig_text(r, "id", NULL));
        if (strcmp(ws_rig_text(r, "type", NULL), "res") == 0) {
            cr_assert(id >= 0 && id < REQUESTS && !answered[id], "%d", id);
            answered[id] = true;
            left--;
        }
        json_decref(r);
    }
    ws_rig_expect_alive(ws);
    ws_close(&ws);
    stop();
}

static void expect_refused(ws_t *ws, const char *id)
{
    json_t *r = ws_response(ws, id, RIG_MS);
    cr_assert_str_eq(ws_rig_text(r, "error", "code"), "UNAVAILABLE");
    json_decref(r);
}

Test(gateway_ws_limits, requests_that_last_are_bounded, .timeout = 120)
{
    char id[16];
    start(NULL);
    ws_t *ws = ws_rig_join(&rig, &device), *other = ws_rig_join(&rig, &device);
    ws_rig_say(ws, "r1", "hold");
    for (int i = 0; i <= GATEWAY_LASTING_MAX; i++) {
        snprintf(id, sizeof id, "w%d", i);
        cr_assert(ws_request(ws, id, "agent.wait", "{\"runId\":\"r1\",\"timeoutMs\":60000}") == 0);
    }
    expect_refused(ws, id);
    ws_rig_expect_alive(other); /* it is one client's bound */
    ws_close(&ws);
    ws_rig_expect_alive(other);
    ws_close(&other);
    stop();
}

/* --- a client that stops reading -------------------------------------------------------------------------------- */

enum { BIG = 3000000, ENOUGH = 10, SMALL_OUT = 4 * 1024 * 1024 };

/* `ws` tells turns whose texts are large, until more is told than the system and a client's queue hold; it hears each end. */
static void pour(ws_t *ws, int bytes)
{
    char run[16], text[32];
    for (int i = 0; i < ENOUGH; i++) {
        snprintf(run, sizeof run, "big-%d", i);
        snprintf(text, sizeof text, "big %d", bytes);
        ws_rig_say(ws, run, text);
        json_t *end = ws_rig_chat(ws, run, "final");
        cr_assert(end, "%s", run);
        json_decref(end);
    }
}

Test(gateway_ws_limits, a_slow_client_misses_what_may_be_missed_then_is_closed, .timeout = 300)
{
    int finals = 0, deltas = 0;
    json_t *event;
    start(&(struct gateway_rig_options){ .times = { .close_ms = 120000 } });
    ws_t *quick = ws_rig_join(&rig, &device), *slow = ws_rig_join(&rig, &device);
    pour(quick, BIG);
    while ((event = ws_event(slow, "chat", RIG_MS))) {
        finals += strcmp(ws_rig_text(event, "payload", "state"), "final") == 0;
        deltas += strcmp(ws_rig_text(event, "payload", "state"), "delta") == 0;
        json_decref(event);
    }
    cr_assert(ws_close_code(slow) == 1008, "%d", ws_close_code(slow));
    cr_assert_str_eq(ws_close_reason(slow), "slow consumer");
    cr_assert(deltas <= finals && finals < ENOUGH, "%d deltas, %d ends", deltas, finals);
    ws_rig_expect_alive(quick);
    ws_close(&slow);
    ws_close(&quick);
    stop();
}

Test(gateway_ws_limits, a_slow_client_that_reads_no_more_is_cut_off, .timeout = 300)
{
    start(&(struct gateway_rig_options){ .times = { .close_ms = 100 }, .bounds = { .out = SMALL_OUT, .slow = SMALL_OUT / 4 } });
    ws_t *quick = ws_rig_join(&rig, &device), *slow = ws_rig_join(&rig, &device);
    pour(quick, SMALL_OUT / 4);
    for (int64_t end = clock_mono_ms() + 300; clock_mono_ms() < end;) ws_rig_expect_alive(quick); /* its time runs out */
    int rc = ws_read_to_end(slow, RIG_MS);
    cr_assert(rc == GW_EIO && ws_close_code(slow) == 0, "%s, %d", err_name(rc), ws_close_code(slow));
    ws_rig_expect_alive(quick);
    ws_close(&slow);
    ws_close(&quick);
    stop();
}

Test(gateway_ws_limits, a_client_that_takes_nothing_for_a_while_is_closed_before_its_queue_is_full, .timeout = 300)
{
    start(&(struct gateway_rig_options){ .times = { .client_stall_ms = 3000, .close_ms = 120000 },
                                         .bounds = { .out = 1 << 30, .slow = 1 << 29 } });
    ws_t *quick = ws_rig_join(&rig, &device), *slow = ws_rig_join(&rig, &device);
    pour(quick, BIG); /* more than the sockets hold, far less than may wait */
    for (int64_t end = clock_mono_ms() + 5000; clock_mono_ms() < end;) ws_rig_expect_alive(quick); /* its time runs out */
    cr_assert_eq(ws_read_to_end(slow, RIG_MS), GW_ECLOSED);
    cr_assert(ws_close_code(slow) == 1008 && strcmp(ws_close_reason(slow), "slow consumer") == 0, "%d", ws_close_code(slow));
    ws_rig_expect_alive(quick);
    ws_close(&slow);
    ws_close(&quick);
    stop();
}

/* --- many that listen ------------------------------------------------------------------------------------------- */

/* Read up to the end of a run. @return how many events came; each has the number after the one before, or fails the test */
static int follow(ws_t *ws, const char *run, json_int_t *seq, bool gaps)
{
    for (int n = 1;; n++) {
        json_t *event = ws_json(ws, RIG_MS), *number = json_object_get(event, "seq");
        cr_assert(event, "%s has no end", run);
        if (number) {
            json_int_t now = json_integer_value(number);
            cr_assert(*seq == 0 || now == *seq + 1 || (gaps && now > *seq), "%lld after %lld", (long long)now, (long long)*seq);
            *seq = now;
        }
        bool last =
            strcmp(ws_rig_text(event, "payload", "runId"), run) == 0 && strcmp(ws_rig_text(event, "payload", "state"), "final") == 0;
        json_decref(event);
        if (last) return n;
    }
}

Test(gateway_ws_limits, those_that_hear_later_hear_all_in_order, .timeout = 120)
{
    enum { CLIENTS = 12, TURNS = 5 };
    ws_t *ws[CLIENTS];
    json_int_t seq[CLIENTS] = { 0 };
    char run[16];
    start(&(struct gateway_rig_options){ .bounds = { .prompt = 2 } });
    for (int i = 0; i < CLIENTS; i++) ws[i] = ws_rig_join(&rig, &device);
    for (int turn = 0; turn < TURNS; turn++) {
        snprintf(run, sizeof run, "r%d", turn);
        ws_rig_say(ws[turn], run, "parts 5"); /* its answer comes after what it had not heard; it is prompt from now on */
        if (turn % 2) continue;               /* two turns gather for some */
        for (int i = 0; i < CLIENTS; i++) follow(ws[i], run, &seq[i], i <= turn);
    }
    for (int i = 0; i < CLIENTS; i++) ws_close(&ws[i]);
    stop();
}

Test(gateway_ws_limits, what_waits_for_those_that_hear_later_is_bounded, .timeout = 120)
{
    enum { CLIENTS = 6, TURNS = 20 };
    ws_t *ws[CLIENTS];
    char run[16];
    start(&(struct gateway_rig_options){ .bounds = { .prompt = 1, .told = 3 } });
    for (int i = 0; i < CLIENTS; i++) ws[i] = ws_rig_join(&rig, &device);
    for (int turn = 0; turn < TURNS; turn++) {
        snprintf(run, sizeof run, "r%d", turn);
        ws_rig_say(ws[0], run, "parts 5");
    }
    for (int i = 1; i < CLIENTS; i++) {
        json_int_t seq = 0;
        for (int turn = 0; turn < TURNS; turn++) { /* no end is missed, whatever else is */
            snprintf(run, sizeof run, "r%d", turn);
            follow(ws[i], run, &seq, true);
        }
    }
    for (int i = 0; i < CLIENTS; i++) ws_close(&ws[i]);
    stop();
}

Test(gateway_ws_limits, one_that_hears_later_and_does_not_read_is_closed_alone, .timeout = 300)
{
    start(&(struct gateway_rig_options){ .times = { .close_ms = 120000 },
                                         .bounds = { .prompt = 1, .out = SMALL_OUT, .slow = SMALL_OUT / 4 } });
    ws_t *quick = ws_rig_join(&rig, &device), *slow = ws_rig_join(&rig, NULL);
    pour(quick, SMALL_OUT / 4);
    ws_rig_expect_close(slow, 1008, "slow consumer");
    ws_rig_expect_alive(quick);
    ws_close(&slow);
    ws_close(&quick);
    stop();
}
