/* Bad input of every kind: the documented status and message, the process unharmed, nothing stored. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/gateway.h"

enum { CALL_MS = 10000, BIG_BODY = 30 * 1000 * 1000, SLOW_STEPS = 20 };

#define CHAT "/v1/chat/completions"
#define HELLO "{\"model\":\"openclaw\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"

struct row {
    const char *name, *method, *path, *token, *body;
    int status;
    const char *says; /* part of the answer's body */
};

static const struct row ROWS[] = {
    { "truncated JSON", NULL, CHAT, KIT_TOKEN, "{\"model\":\"openclaw\",\"messages\":[{\"role\":\"us", 400, "invalid_request_error" },
    { "empty body", NULL, CHAT, KIT_TOKEN, "", 400, "invalid_request_error" },
    { "not an object", NULL, CHAT, KIT_TOKEN, "[]", 400, "invalid_request_error" },
    { "messages is a string", NULL, CHAT, KIT_TOKEN, "{\"model\":\"openclaw\",\"messages\":\"hi\"}", 400, "messages" },
    { "a message is a number", NULL, CHAT, KIT_TOKEN, "{\"model\":\"openclaw\",\"messages\":[7]}", 400, "messages" },
    { "content is a number", NULL, CHAT, KIT_TOKEN, "{\"model\":\"openclaw\",\"messages\":[{\"role\":\"user\",\"content\":5}]}", 400,
      "content" },
    { "model is a number", NULL, CHAT, KIT_TOKEN, "{\"model\":7,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", 400, "model" },
    { "stream is a string", NULL, CHAT, KIT_TOKEN,
      "{\"model\":\"openclaw\",\"stream\":\"yes\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", 400, "stream" },
    { "user is an object", NULL, CHAT, KIT_TOKEN,
      "{\"model\":\"openclaw\",\"user\":{},\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", 400, "user" },
    { "no messages", NULL, CHAT, KIT_TOKEN, "{\"model\":\"openclaw\",\"messages\":[]}", 400, "Missing user message in `messages`." },
    { "no user message", NULL, CHAT, KIT_TOKEN, "{\"model\":\"openclaw\",\"messages\":[{\"role\":\"system\",\"content\":\"x\"}]}", 400,
      "Missing user message" },
    { "invalid UTF-8", NULL, CHAT, KIT_TOKEN, "{\"model\":\"openclaw\",\"messages\":[{\"role\":\"user\",\"content\":\"\xC3\x28\"}]}", 400,
      "invalid_request_error" },
    { "unknown agent", NULL, CHAT, KIT_TOKEN, "{\"model\":\"openclaw:nobody-here\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}",
      404, "nobody-here" },
    { "wrong token", NULL, CHAT, "wrong", HELLO, 401, "{\"error\":{\"message\":\"Unauthorized\",\"type\":\"unauthorized\"}}" },
    { "missing token", NULL, CHAT, NULL, HELLO, 401, "{\"error\":{\"message\":\"Unauthorized\",\"type\":\"unauthorized\"}}" },
    { "GET", "GET", CHAT, KIT_TOKEN, NULL, 405, "Method Not Allowed" },
};

static void expect_unharmed(const struct kit *k)
{
    struct http_reply r = { 0 };
    struct http_call health = { .path = "/health" };
    cr_expect(proc_alive(k->gateway), "the gateway has ended");
    cr_expect_eq(http_call(k->port, &health, CALL_MS, &r), 0);
    cr_expect_eq(r.status, 200);
    cr_expect_eq(fake_count(&k->openrouter, "requests"), 0, "a provider was asked");
    cr_expect_eq(kit_sql(k, "SELECT (SELECT count(*) FROM turns) + (SELECT count(*) FROM messages) + (SELECT count(*) FROM sessions)"), 0,
                 "something was stored");
    http_reply_free(&r);
}

Test(e2e_input, is_refused_with_status_and_reason, .timeout = 60)
{
    struct kit k;
    kit_start(&k, NULL);
    for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
        struct http_reply r = { 0 };
        struct http_call call = { .method = ROWS[i].method, .path = ROWS[i].path, .token = ROWS[i].token, .body = str_of(ROWS[i].body) };
        int rc = http_call(k.port, &call, CALL_MS, &r);
        cr_expect(rc == 0 && r.status == ROWS[i].status, "%s: code %d, status %d, %s", ROWS[i].name, rc, r.status, buf_cstr(&r.body));
        cr_expect(strstr(buf_cstr(&r.body), ROWS[i].says) != NULL, "%s: %s", ROWS[i].name, buf_cstr(&r.body));
        if (r.status == 405) cr_expect(str_is(http_reply_header(&r, "allow"), "POST"), "no Allow: POST");
        http_reply_free(&r);
    }
    expect_unharmed(&k);
    kit_stop(&k);
}

Test(e2e_input, of_thirty_megabytes_is_refused, .timeout = 60)
{
    struct kit k;
    struct http_reply r = { 0 };
    struct buf body = { 0 };
    kit_start(&k, NULL);
    buf_text(&body, "{\"model\":\"openclaw\",\"messages\":[{\"role\":\"user\",\"content\":\"");
    char *to = buf_reserve(&body, BIG_BODY);
    cr_assert_not_null(to);
    memset(to, 'x', BIG_BODY);
    body.n += BIG_BODY;
    buf_text(&body, "\"}]}");
    struct http_call call = { .path = CHAT, .token = KIT_TOKEN, .body = buf_str(&body) };
    int rc = http_call(k.port, &call, CALL_MS, &r);
    cr_expect(rc == 0 && r.status == 413, "code %d, status %d", rc, r.status);
    expect_unharmed(&k);
    buf_free(&body);
    http_reply_free(&r);
    kit_stop(&k);
}

/* Chunked, so that no length announces it. */
Test(e2e_input, of_thirty_megabytes_without_a_length_is_refused, .timeout = 60)
{
    enum { PIECE = 64 * 1024 };
    static char piece[PIECE + 16];
    struct kit k;
    struct http_reply r = { 0 };
    http_conn_t *c;
    kit_start(&k, NULL);
    cr_assert_eq(http_open(k.port, &c), 0);
    cr_assert_eq(
        http_send_bytes(c,
                        STR("POST " CHAT " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer " KIT_TOKEN
                            "\r\nTransfer-Encoding: chunked\r\n\r\n"),
                        CALL_MS),
        0);
    size_t head = (size_t)snprintf(piece, sizeof piece, "%x\r\n", PIECE);
    memset(piece + head, 'x', PIECE);
    memcpy(piece + head + PIECE, "\r\n", 2);
    int rc = 0;
    for (size_t sent = 0; sent < BIG_BODY && rc == 0; sent += PIECE)
        rc = http_send_bytes(c, (struct str){ piece, head + PIECE + 2 }, CALL_MS);
    int answered = http_read_head(c, CALL_MS, &r); /* lost when the reset overtakes it: then the closed connection is the answer */
    cr_expect(answered != 0 || r.status == 413 || r.status == 411 || r.status == 400, "status %d", r.status);
    expect_unharmed(&k);
    http_reply_free(&r);
    http_close(&c);
    kit_stop(&k);
}

Test(e2e_input, from_slow_and_half_open_clients_holds_nobody_up, .timeout = 120)
{
    char request[512];
    snprintf(request, sizeof request,
             "POST " CHAT " HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nAuthorization: Bearer " KIT_TOKEN
             "\r\nContent-Length: %zu\r\n\r\n" HELLO,
             strlen(HELLO));
    struct kit k;
    struct http_reply r = { 0 };
    http_conn_t *silent, *half_head, *half_body, *slow;
    struct str whole = str_of(request);
    kit_start(&k, NULL);
    cr_assert_eq(http_open(k.port, &silent), 0);
    cr_assert_eq(http_open(k.port, &half_head), 0);
    cr_assert_eq(http_open(k.port, &half_body), 0);
    cr_assert_eq(http_open(k.port, &slow), 0);
    cr_assert_eq(http_send_bytes(half_head, (struct str){ whole.p, 40 }, CALL_MS), 0);
    cr_assert_eq(http_send_bytes(half_body, (struct str){ whole.p, whole.n - 10 }, CALL_MS), 0);
    cr_expect_eq(http_half_close(half_body), 0);
    size_t step = whole.n / SLOW_STEPS + 1;
    for (size_t at = 0; at + step < whole.n; at += step) {
        struct http_call health = { .path = "/health" };
        cr_assert_eq(http_send_bytes(slow, (struct str){ whole.p + at, step }, CALL_MS), 0);
        int64_t before = now_ms();
        cr_expect_eq(http_call(k.port, &health, CALL_MS, &r), 0);
        cr_expect(now_ms() - before < 2000, "others wait for a slow client");
        if (at + 2 * step >= whole.n) expect_unharmed(&k); /* all but its last bytes have come: still nothing stored */
    }
    size_t sent = (whole.n - 1) / step * step;
    cr_assert_eq(http_send_bytes(slow, (struct str){ whole.p + sent, whole.n - sent }, CALL_MS), 0);
    cr_assert_eq(http_read_head(slow, KIT_TURN_MS, &r), 0);
    cr_expect_eq(r.status, 200, "a slow client with a good request is answered");
    http_reset(&half_head);
    http_reset(&half_body);
    http_close(&silent);
    http_close(&slow);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM turns"), 1);
    http_reply_free(&r);
    kit_stop(&k);
}
