/* The fake is what the end-to-end tests trust: it must refuse what real servers refuse, and break where it is told to. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "support/gateway.h"

enum { CALL_MS = 5000 };

static const char HELLO[] = "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":[{\"role\":\"user\","
                            "\"content\":\"hi ho\"}]}";

static struct http_call ask(const char *body)
{
    return (struct http_call){ .path = "/api/v1/chat/completions", .token = "K", .body = str_of(body) };
}

static struct fake start(void)
{
    struct fake f = { 0 };
    cr_assert_eq(fake_start(GW_FAKE_OPENAI, "K", &f), 0);
    return f;
}

static void expect_refusal(const struct fake *f, const char *messages, const char *reason)
{
    struct http_reply r = { 0 };
    struct buf body = { 0 };
    buf_printf(&body, "{\"model\":\"m\",\"messages\":[%s]}", messages);
    struct http_call call = ask(buf_cstr(&body));
    cr_assert_eq(http_call(f->port, &call, CALL_MS, &r), 0);
    cr_expect(r.status == (reason ? 400 : 200), "%s -> %d %s", messages, r.status, buf_cstr(&r.body));
    if (reason) cr_expect(strstr(buf_cstr(&r.body), reason) != NULL, "%s -> %s", messages, buf_cstr(&r.body));
    http_reply_free(&r);
    buf_free(&body);
}

#define CALL_A "{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"read\",\"arguments\":\"{}\"}}"
#define ASSISTANT_A "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[" CALL_A "]}"
#define USER "{\"role\":\"user\",\"content\":\"x\"}"
#define RESULT_A "{\"role\":\"tool\",\"tool_call_id\":\"a\",\"content\":\"y\"}"

Test(fake_openai, refuses_conversations_that_servers_refuse, .timeout = 30)
{
    static const struct {
        const char *messages, *reason;
    } rows[] = {
        { USER, NULL },
        { USER "," ASSISTANT_A "," RESULT_A, NULL },
        { "{\"role\":\"system\",\"content\":\"s\"}," USER, NULL },
        { "", "messages is not a list" },
        { USER ",{\"role\":\"system\",\"content\":\"s\"}", "not the first" },
        { USER "," ASSISTANT_A, "must be followed by tool messages" },
        { USER "," ASSISTANT_A "," USER, "must be followed by tool messages" },
        { USER "," ASSISTANT_A "," RESULT_A "," RESULT_A, "answered twice" },
        { USER "," ASSISTANT_A ",{\"role\":\"tool\",\"tool_call_id\":\"b\",\"content\":\"y\"}", "answers no call" },
        { RESULT_A, "must follow an assistant message" },
        { USER ",{\"role\":\"assistant\",\"content\":\"z\"}", "does not end with" },
        { USER ",{\"role\":\"robot\",\"content\":\"z\"}", "unknown role" },
        { "{\"role\":\"user\",\"content\":[{\"type\":\"video\"}]}", "not a part" },
        { "{\"role\":\"user\",\"content\":7}", "neither a string nor parts" },
        { USER ",{\"role\":\"assistant\",\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"r\",\"arguments\":\"{"
               "\"}}]}," RESULT_A,
          "arguments" },
    };
    struct fake f = start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) expect_refusal(&f, rows[i].messages, rows[i].reason);
    cr_expect_eq(fake_count(&f, "violations"), (int64_t)(sizeof rows / sizeof *rows) - 3);
    fake_stop(&f);
}

Test(fake_openai, refuses_wrong_keys_paths_types_and_fields, .timeout = 30)
{
    static const struct {
        struct http_call call;
        int status;
    } rows[] = {
        { { .path = "/api/v1/chat/completions", .token = "wrong", .body = { HELLO, sizeof HELLO - 1 } }, 401 },
        { { .path = "/api/v1/chat/completions", .body = { HELLO, sizeof HELLO - 1 } }, 401 },
        { { .path = "/api/v1/completions", .token = "K", .body = { HELLO, sizeof HELLO - 1 } }, 404 },
        { { .path = "/api/v1/chat/completions", .token = "K", .content_type = "text/plain", .body = { HELLO, sizeof HELLO - 1 } }, 415 },
        { { .method = "PUT", .path = "/api/v1/chat/completions", .token = "K", .body = { HELLO, sizeof HELLO - 1 } }, 405 },
        { { .path = "/api/v1/chat/completions", .token = "K", .body = { HELLO, sizeof HELLO - 2 } }, 400 },
        { { .path = "/api/v1/chat/completions", .token = "K", .body = { HELLO, sizeof HELLO - 1 } }, 200 },
    };
    struct fake f = start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_reply r = { 0 };
        cr_assert_eq(http_call(f.port, &rows[i].call, CALL_MS, &r), 0);
        cr_expect(r.status == rows[i].status, "row %zu: %d", i, r.status);
        http_reply_free(&r);
    }
    fake_stop(&f);
}

Test(fake_openai, streams_what_it_is_told_and_echoes_otherwise, .timeout = 30)
{
    struct fake f = start();
    struct buf data = { 0 }, text = { 0 };
    http_conn_t *c;
    cr_assert_eq(http_open(f.port, &c), 0);
    cr_assert_eq(fake_control(&f, "{\"next\":[{\"text\":\"one two three\",\"deltas\":3,\"comments\":2,\"crlf\":true}]}"), 200);
    for (int turn = 0; turn < 2; turn++) { /* on one connection: keep-alive */
        struct http_reply r = { 0 };
        struct http_call call = ask(HELLO);
        int events = 0;
        bool done = false;
        cr_assert_eq(http_send(c, &call, CALL_MS), 0);
        cr_assert_eq(http_read_head(c, CALL_MS, &r), 0);
        cr_expect_eq(r.status, 200);
        buf_clear(&text);
        while (http_read_event(c, CALL_MS, &data) == 0) {
            json_t *root = json_loadb(data.p, data.n, 0, NULL);
            json_t *delta = json_object_get(json_array_get(json_object_get(root, "choices"), 0), "delta");
            const char *content = json_string_value(json_object_get(delta, "content"));
            if (content) buf_text(&text, content);
            json_decref(root);
            events++;
            done = str_is(buf_str(&data), "[DONE]");
        }
        cr_expect_eq(events, turn == 0 ? 6 : 4); /* deltas, finish, usage, [DONE] */
        cr_expect_str_eq(buf_cstr(&text), turn == 0 ? "one two three" : "hi ho");
        cr_expect(done, "the last event is not [DONE]");
        http_reply_free(&r);
    }
    cr_expect_eq(http_comments(c), 4); /* one opening per turn, and the two that were asked for */
    http_close(&c);
    cr_expect_eq(fake_count(&f, "completed"), 2);
    buf_free(&data);
    buf_free(&text);
    fake_stop(&f);
}

Test(fake_openai, breaks_off_where_it_is_told, .timeout = 30)
{
    static const struct {
        const char *behaviour;
        int code, status;
        const char *body;
    } rows[] = {
        { "{\"status\":429,\"headers\":{\"Retry-After\":\"7\"}}", 0, 429, "Rate limit" },
        { "{\"quota\":true}", 0, 400, "insufficient_quota" },
        { "{\"json_error\":true}", 0, 200, "\"code\":502" },
        { "{\"error_after\":0}", 0, 200, "\"finish_reason\":\"error\"" },
        { "{\"reset\":\"start\"}", GW_EIO, 0, "" },
        { "{\"reset\":\"headers\"}", GW_EIO, 200, "" },
        { "{\"truncate\":1}", GW_EIO, 200, "hi ho" },
        { "{\"garbage\":true}", GW_EIO, 0, "" },
        { "{\"hang\":\"start\"}", GW_ETIMEOUT, 0, "" },
        { "{\"hang\":1,\"deltas\":2}", GW_ETIMEOUT, 200, "hi " },
        { "{\"status\":503,\"body\":\"plain\"}", 0, 503, "plain" },
    };
    struct fake f = start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_reply r = { 0 };
        struct http_call call = ask(HELLO);
        cr_assert_eq(fake_control(&f, "{\"next\":[%s]}", rows[i].behaviour), 200);
        int rc = http_call(f.port, &call, rows[i].code == GW_ETIMEOUT ? 100 : CALL_MS, &r);
        cr_expect(rc == rows[i].code, "%s: %s", rows[i].behaviour, err_name(rc));
        cr_expect(r.status == rows[i].status, "%s: %d", rows[i].behaviour, r.status);
        cr_expect(strstr(buf_cstr(&r.body), rows[i].body) != NULL, "%s: %s", rows[i].behaviour, buf_cstr(&r.body));
        http_reply_free(&r);
    }
    cr_expect_eq(fake_wait(&f, "cut", 2, CALL_MS), 0); /* the two that hung */
    cr_expect_eq(fake_count(&f, "active"), 0);
    fake_stop(&f);
}

Test(fake_openai, counts_who_is_there_at_the_same_time, .timeout = 30)
{
    struct fake f = start();
    http_conn_t *c[5];
    struct http_call call = ask(HELLO);
    cr_assert_eq(fake_control(&f, "{\"default\":{\"hang\":\"start\"}}"), 200);
    for (int i = 0; i < 5; i++) {
        cr_assert_eq(http_open(f.port, &c[i]), 0);
        cr_assert_eq(http_send(c[i], &call, CALL_MS), 0);
    }
    cr_expect_eq(fake_wait(&f, "active", 5, CALL_MS), 0);
    for (int i = 0; i < 5; i++) http_reset(&c[i]);
    cr_expect_eq(fake_wait(&f, "cut", 5, CALL_MS), 0);
    cr_expect_eq(fake_count(&f, "max_active"), 5);
    fake_stop(&f);
}

Test(fake_openai, refuses_sloppy_http_and_unknown_behaviours, .timeout = 30)
{
    static const char *const rows[] = {
        "GET / HTTP/1.1\nHost: x\n\r\n\r\n",
        "GET / HTTP/1.0\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    };
    struct fake f = start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_reply r = { 0 };
        http_conn_t *c;
        cr_assert_eq(http_open(f.port, &c), 0);
        cr_assert_eq(http_send_bytes(c, str_of(rows[i]), CALL_MS), 0);
        cr_assert_eq(http_read_head(c, CALL_MS, &r), 0);
        cr_expect(r.status == 400, "row %zu: %d", i, r.status);
        http_reply_free(&r);
        http_close(&c);
    }
    cr_expect_eq(fake_count(&f, "violations"), (int64_t)(sizeof rows / sizeof *rows));
    cr_expect_eq(fake_control(&f, "{\"next\":[{\"txet\":\"x\"}]}"), 400);
    fake_stop(&f);
}
