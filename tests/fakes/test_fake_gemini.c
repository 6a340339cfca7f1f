/* The fake Gemini refuses what the real one refuses; its streams have the real one's shape. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "support/gateway.h"

enum { CALL_MS = 5000 };

#define PATH "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse"
#define USER "{\"role\":\"user\",\"parts\":[{\"text\":\"hi\"}]}"
#define MODEL_CALL "{\"role\":\"model\",\"parts\":[{\"functionCall\":{\"name\":\"read\",\"args\":{}}}]}"
#define ANSWER "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{\"name\":\"read\",\"response\":{\"output\":\"x\"}}}]}"
#define TOOL(schema) "{\"contents\":[" USER "],\"tools\":[{\"functionDeclarations\":[{\"name\":\"t\",\"parameters\":" schema "}]}]}"

static struct fake start(void)
{
    struct fake f = { 0 };
    cr_assert_eq(fake_start(GW_FAKE_GEMINI, "K", &f), 0);
    return f;
}

static int post(const struct fake *f, const char *path, const char *headers, const char *body, struct http_reply *r)
{
    struct http_call call = { .path = path, .headers = headers, .body = str_of(body) };
    return http_call(f->port, &call, CALL_MS, r);
}

Test(fake_gemini, refuses_what_gemini_refuses, .timeout = 30)
{
    static const struct {
        const char *body, *reason;
    } rows[] = {
        { "{\"contents\":[" USER "]}", NULL },
        { "{\"contents\":[" USER "," MODEL_CALL "," ANSWER "]}", NULL },
        { "{\"contents\":[]}", "contents is not specified" },
        { "{\"contents\":[" USER "," USER "]}", "alternate" },
        { "{\"contents\":[" MODEL_CALL "]}", "alternate" },
        { "{\"contents\":[" USER "," MODEL_CALL "," USER "]}", "number of function response parts" },
        { "{\"contents\":[" ANSWER "]}", "number of function response parts" },
        { "{\"contents\":[{\"role\":\"assistant\",\"parts\":[{\"text\":\"x\"}]}]}", "valid role" },
        { "{\"contents\":[{\"role\":\"user\",\"parts\":[]}]}", "must not be empty" },
        { "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"\"}]}]}", "required oneof field" },
        { "{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"x\",\"thoughtSignature\":\"Zm9yZWlnbg==\"}]}]}", "Thought signature" },
        { "{\"contents\":[" USER "],\"max_tokens\":1}", "Unknown name \\\"max_tokens\\\"" },
        { TOOL("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"}}}"), NULL },
        { TOOL("{\"type\":\"object\",\"additionalProperties\":false}"), "additionalProperties" },
        { TOOL("{\"type\":\"object\",\"properties\":{\"a\":{\"const\":1}}}"), "const" },
        { TOOL("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":[\"string\",\"null\"]}}}"), "cannot start list" },
        { TOOL("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"array\"}}}"), "items: missing field" },
        { TOOL("{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\",\"format\":\"uri\"}}}"), "format" },
        { TOOL("{\"type\":\"object\",\"properties\":{}}"), "non-empty for OBJECT" },
        { TOOL("{\"type\":\"object\",\"required\":[\"b\"]}"), "property is not defined" },
        { TOOL("{\"$schema\":\"x\",\"type\":\"object\"}"), "$schema" },
    };
    struct fake f = start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_reply r = { 0 };
        cr_assert_eq(post(&f, PATH, "x-goog-api-key: K\r\n", rows[i].body, &r), 0);
        cr_expect(r.status == (rows[i].reason ? 400 : 200), "%s -> %d %s", rows[i].body, r.status, buf_cstr(&r.body));
        if (rows[i].reason) cr_expect(strstr(buf_cstr(&r.body), rows[i].reason) != NULL, "%s -> %s", rows[i].body, buf_cstr(&r.body));
        http_reply_free(&r);
    }
    fake_stop(&f);
}

Test(fake_gemini, wants_its_key_in_its_header_and_sse_asked_for, .timeout = 30)
{
    static const struct {
        const char *path, *headers;
        int status;
    } rows[] = {
        { PATH, "x-goog-api-key: K\r\n", 200 },
        { PATH, "x-goog-api-key: wrong\r\n", 400 },
        { PATH, NULL, 400 },
        { PATH, "x-goog-api-key: K\r\nAuthorization: Bearer K\r\n", 401 },
        { PATH "&key=K", "x-goog-api-key: K\r\n", 400 },
        { "/v1beta/models/g:streamGenerateContent", "x-goog-api-key: K\r\n", 400 },
        { "/v1beta/models/g:generateContent", "x-goog-api-key: K\r\n", 200 },
        { "/v1beta/models/:generateContent", "x-goog-api-key: K\r\n", 404 },
        { "/v1/models/g:generateContent", "x-goog-api-key: K\r\n", 404 },
    };
    struct fake f = start();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_reply r = { 0 };
        cr_assert_eq(post(&f, rows[i].path, rows[i].headers, "{\"contents\":[" USER "]}", &r), 0);
        cr_expect(r.status == rows[i].status, "row %zu: %d %s", i, r.status, buf_cstr(&r.body));
        http_reply_free(&r);
    }
    fake_stop(&f);
}

Test(fake_gemini, streams_parts_calls_and_usage, .timeout = 30)
{
    struct fake f = start();
    struct http_reply r = { 0 };
    cr_assert_eq(fake_control(&f, "{\"models\":{\"gemini-2.5-pro\":{\"text\":\"abc\",\"deltas\":3,\"reasoning\":\"hm\","
                                  "\"tool_calls\":[{\"name\":\"a\",\"arguments\":{\"x\":1}},{\"name\":\"b\"}],\"usage\":{\"input\":5,"
                                  "\"output\":9,\"reasoning\":4}}}}"),
                 200);
    cr_assert_eq(post(&f, PATH, "x-goog-api-key: K\r\n", "{\"contents\":[" USER "]}", &r), 0);
    const char *body = buf_cstr(&r.body);
    cr_expect_not_null(strstr(body, "\"thought\":true"));
    cr_expect_not_null(strstr(body, "{\"functionCall\":{\"name\":\"a\",\"args\":{\"x\":1}},\"thoughtSignature\":"));
    cr_expect_not_null(strstr(body, "{\"functionCall\":{\"name\":\"b\",\"args\":{}}}"));
    cr_expect_not_null(strstr(body, "\"promptTokenCount\":5,\"candidatesTokenCount\":5,\"thoughtsTokenCount\":4,\"totalTokenCount\":14"));
    cr_expect_not_null(strstr(body, "\"finishReason\":\"STOP\""));
    cr_expect_not_null(strstr(body, "}\r\n\r\n"));
    http_reply_free(&r);
    fake_stop(&f);
}
