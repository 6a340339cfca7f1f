/* WebSocket connections of the gateway, with a router that follows a script (gateway_rig.h): upgrades, frames, ends. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "bus/ws_rig.h"

#define PRESENCE "{\"type\":\"req\",\"id\":\"p\",\"method\":\"system-presence\"}"

static struct gateway_rig rig;
static struct ws_device device;

static void start(const struct gateway_rig_options *options)
{
    ws_rig_start(&rig, options);
    cr_assert(ws_device_create(&device) == 0);
}

static void stop(void)
{
    struct http_reply r = gateway_rig_get(&rig, "GET", "/health"); /* whatever was sent, it still serves */
    cr_assert_eq(r.status, 200);
    http_reply_free(&r);
    ws_device_free(&device);
    gateway_rig_stop(&rig);
}

/* --- upgrades --------------------------------------------------------------------------------------------------- */

static http_conn_t *ask_upgrade(const char *protocol, const char *headers, struct http_reply *r, int *rc)
{
    http_conn_t *c;
    struct buf head = { 0 };
    buf_printf(&head,
               "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade%s\r\nUpgrade: %s\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
               strcmp(protocol, "h2c") == 0 ? ", HTTP2-Settings" : "", protocol, headers);
    cr_assert(http_open(rig.port, &c) == 0 && http_send_bytes(c, buf_str(&head), RIG_MS) == 0);
    *rc = http_read_head(c, RIG_MS, r);
    buf_free(&head);
    return c;
}

Test(gateway_ws, any_path_upgrades, .timeout = 60)
{
    static const char *const paths[] = { "/", "/some/where?a=b", "/health", "/v1/chat/completions" };
    start(NULL);
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        ws_t *ws;
        cr_assert(ws_open(rig.port, paths[i], NULL, &ws) == 0, "%s: %d", paths[i], ws_status());
        json_t *challenge = ws_event(ws, "connect.challenge", RIG_MS);
        cr_assert(challenge, "%s", paths[i]);
        json_decref(challenge);
        ws_close(&ws);
    }
    stop();
}

Test(gateway_ws, a_compression_that_is_offered_is_not_taken, .timeout = 60)
{
    struct http_reply r = { 0 };
    int rc;
    start(NULL);
    http_conn_t *c = ask_upgrade("websocket", "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n", &r, &rc);
    cr_assert(rc == 0 && r.status == 101, "%s %d", err_name(rc), r.status);
    cr_assert(http_reply_header(&r, "Sec-WebSocket-Extensions").n == 0);
    http_reply_free(&r);
    http_close(&c);
    stop();
}

Test(gateway_ws, http_2_is_not_an_upgrade, .timeout = 60)
{
    struct http_reply r = { 0 };
    int rc;
    start(NULL);
    http_conn_t *c = ask_upgrade("h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n", &r, &rc);
    cr_assert(rc != 0 || r.status != 101, "%d", r.status);
    http_reply_free(&r);
    http_close(&c);
    stop();
}

/* --- frames ----------------------------------------------------------------------------------------------------- */

Test(gateway_ws, a_message_may_come_in_pieces_and_as_binary, .timeout = 60)
{
    static const char text[] = PRESENCE;
    start(NULL);
    ws_t *ws = ws_rig_join(&rig, &device);
    for (size_t size = 1; size < sizeof text; size = size * 3 + 1) {
        for (size_t at = 0; at < sizeof text - 1; at += size) {
            bool last = at + size >= sizeof text - 1;
            struct str piece = { text + at, last ? sizeof text - 1 - at : size };
            cr_assert(ws_send_part(ws, at ? 0 : WS_TEXT, last, piece) == 0);
            if (!last) cr_assert(ws_send(ws, WS_PING, STR("between")) == 0);
        }
        json_t *r = ws_response(ws, "p", RIG_MS);
        cr_assert(json_is_true(json_object_get(r, "ok")), "pieces of %zu", size);
        json_decref(r);
    }
    cr_assert(ws_send(ws, WS_BINARY, STR(PRESENCE)) == 0);
    json_t *r = ws_response(ws, "p", RIG_MS);
    cr_assert(json_is_true(json_object_get(r, "ok")));
    json_decref(r);
    cr_assert(ws_send_part(ws, WS_TEXT, false, STR(PRESENCE)) == 0 && ws_send_part(ws, 0, true, STR("")) == 0);
    r = ws_response(ws, "p", RIG_MS);
    cr_assert(json_is_true(json_object_get(r, "ok")), "the last piece is empty");
    json_decref(r);
    ws_close(&ws);
    stop();
}

/* Bytes as they come, until `wanted` was among them. */
static bool hears(ws_t *ws, struct str wanted)
{
    struct buf all = { 0 };
    int64_t end = clock_mono_ms() + RIG_MS;
    struct pollfd p = { .fd = ws_fd(ws), .events = POLLIN };
    while (str_find(buf_str(&all), wanted) < 0 && poll(&p, 1, clock_left_ms(end)) > 0) {
        char *into = buf_reserve(&all, 4096);
        ssize_t n = recv(ws_fd(ws), into, 4096, 0);
        if (n <= 0) break;
        all.n += (size_t)n;
    }
    bool found = str_find(buf_str(&all), wanted) >= 0;
    buf_free(&all);
    return found;
}

Test(gateway_ws, a_ping_is_answered_with_its_own_bytes, .timeout = 60)
{
    start(NULL);
    ws_t *ws = ws_rig_join(&rig, &device);
    cr_assert(ws_send(ws, WS_PING, STR("abc")) == 0 && hears(ws, STR("\x8a\x03"
                                                                     "abc")));
    cr_assert(ws_send(ws, WS_PING, STR("")) == 0 && hears(ws, (struct str){ "\x8a\0", 2 }));
    ws_close(&ws);
    ws = ws_rig_open(&rig); /* also before hello */
    cr_assert(ws_send(ws, WS_PING, STR("early")) == 0 && hears(ws, STR("\x8a\x05"
                                                                       "early")));
    ws_close(&ws);
    stop();
}

Test(gateway_ws, what_is_no_json_is_passed_over, .timeout = 60)
{
    static const char *const texts[] = { "{nope", "", "\xff\xfe", "{\"type\":\"event\",\"event\":\"x\"", "]" };
    start(NULL);
    ws_t *ws = ws_rig_join(&rig, &device);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct buf text = { 0 };
        cr_assert(ws_send(ws, WS_TEXT, str_of(texts[i])) == 0 && ws_send(ws, WS_TEXT, STR(PRESENCE)) == 0);
        do { /* events may come in between; no other response does */
            cr_assert(ws_read(ws, RIG_MS, &text) == 0, "%s", texts[i]);
        } while (str_find(buf_str(&text), STR("\"type\":\"event\"")) >= 0);
        cr_assert(str_find(buf_str(&text), STR("\"id\":\"p\",\"ok\":true")) >= 0, "%s: %.*s", texts[i], STR_ARG(buf_str(&text)));
        buf_free(&text);
    }
    ws_close(&ws);
    stop();
}

static const struct violation {
    const char *name;
    struct str bytes; /* masked with zeros */
    int code;         /* 0: cut off without a close frame */
} VIOLATIONS[] = {
    { "a reserved bit", { "\xc1\x82\0\0\0\0{}", 8 }, 1002 },
    { "another reserved bit", { "\x91\x82\0\0\0\0{}", 8 }, 1002 },
    { "opcode 3", { "\x83\x80\0\0\0\0", 6 }, 1002 },
    { "opcode 11", { "\x8b\x80\0\0\0\0", 6 }, 1002 },
    { "a ping in pieces", { "\x09\x80\0\0\0\0", 6 }, 1002 },
    { "a ping that is too long", { "\x89\xfe\0\x7e\0\0\0\0", 8 }, 0 },
    { "an end without a beginning", { "\x80\x80\0\0\0\0", 6 }, 1002 },
    { "a beginning within a message", { "\x01\x81\0\0\0\0{\x01\x81\0\0\0\0{", 14 }, 1002 },
    { "a length with its highest bit", { "\x81\xff\x80\0\0\0\0\0\0\0\0\0\0\0", 14 }, 0 },
    { "a length beyond all bounds", { "\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0x", 15 }, 1009 },
    { "close with a code that is none", { "\x88\x82\0\0\0\0\0\x01", 8 }, 1002 },
    { "close with code 1005", { "\x88\x82\0\0\0\0\x03\xed", 8 }, 1002 },
    { "close with half a code", { "\x88\x81\0\0\0\0\x03", 7 }, 1002 },
    { "close with code 1000", { "\x88\x82\0\0\0\0\x03\xe8", 8 }, 1000 },
    { "close without a code", { "\x88\x80\0\0\0\0", 6 }, 1005 },
};

Test(gateway_ws, who_breaks_the_protocol_is_closed, .timeout = 120)
{
    start(NULL);
    for (size_t i = 0; i < sizeof VIOLATIONS / sizeof *VIOLATIONS; i++) {
        const struct violation *v = &VIOLATIONS[i];
        for (int greeted = 0; greeted <= 1; greeted++) {
            ws_t *ws = greeted ? ws_rig_join(&rig, &device) : ws_rig_open(&rig);
            cr_assert(ws_send_raw(ws, v->bytes) == 0);
            int rc = ws_read_to_end(ws, RIG_MS);
            cr_assert(rc == (v->code ? GW_ECLOSED : GW_EIO), "%s: %s", v->name, err_name(rc));
            cr_assert(ws_close_code(ws) == v->code, "%s: %d", v->name, ws_close_code(ws));
            ws_close(&ws);
        }
    }
    stop();
}

/* RFC 6455, 5.1 has a server close; libwebsockets 4.1.6 takes such a frame as any other, and does not say which it was. */
Test(gateway_ws, a_frame_without_a_mask_does_no_harm, .timeout = 60)
{
    start(NULL);
    ws_t *ws = ws_rig_join(&rig, &device);
    cr_assert(ws_send_raw(ws, STR("\x81\x05{nope")) == 0);
    ws_rig_expect_alive(ws);
    ws_close(&ws);
    stop();
}

/* --- ends ------------------------------------------------------------------------------------------------------- */

static void reset(ws_t **ws)
{
    const struct linger at_once = { 1, 0 };
    setsockopt(ws_fd(*ws), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ws_close(ws);
}

Test(gateway_ws, a_run_goes_on_when_who_sent_it_is_cut_off, .timeout = 60)
{
    start(NULL);
    ws_t *teller = ws_rig_join(&rig, &device), *other = ws_rig_join(&rig, &device);
    ws_rig_say(teller, "r1", "hold");
    reset(&teller);
    ws_rig_expect_alive(other);
    ws_rig_say(other, "r2", "say later");
    json_t *end = ws_rig_chat(other, "r2", "final");
    cr_assert(end);
    json_decref(end);
    json_t *again = ws_call(other, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"hold\",\"idempotencyKey\":\"r1\"}");
    cr_assert(strcmp(ws_rig_text(again, "payload", "status"), "in_flight") == 0, "%s", ws_rig_text(again, "payload", "status"));
    json_decref(again);
    ws_close(&other);
    stop();
}

Test(gateway_ws, a_stop_is_told_and_ends_with_1012, .timeout = 60)
{
    start(NULL);
    ws_t *ws = ws_rig_join(&rig, &device), *early = ws_rig_open(&rig);
    ws_rig_say(ws, "r1", "hold"); /* what is in progress keeps nobody */
    gateway_rig_tell(&rig, MSG_actor_stop);
    json_t *told = ws_event(ws, "shutdown", RIG_MS);
    cr_assert_str_eq(ws_rig_text(told, "payload", "reason"), "gateway stopping");
    cr_assert(json_is_null(json_object_get(json_object_get(told, "payload"), "restartExpectedMs")));
    json_decref(told);
    ws_rig_expect_close(ws, 1012, "service restart");
    ws_rig_expect_close(early, 1012, "service restart");
    ws_close(&ws);
    ws_close(&early);
    ws_device_free(&device);
    gateway_rig_stop(&rig);
}

Test(gateway_ws, a_drain_lets_nobody_in_and_keeps_who_is_there, .timeout = 60)
{
    ws_t *late;
    start(NULL);
    ws_t *ws = ws_rig_join(&rig, &device);
    gateway_rig_tell(&rig, MSG_system_drain);
    while (ws_open(rig.port, "/", NULL, &late) == 0) ws_close(&late); /* until it has heard */
    ws_rig_expect_alive(ws);
    ws_close(&ws);
    ws_device_free(&device);
    gateway_rig_stop(&rig);
}
