#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "channels/rpc.h"

static struct rpc_frame frame;

static void finish(void)
{
    rpc_frame_free(&frame);
}

TestSuite(rpc_frame, .fini = finish);

static enum rpc_frame_kind read_str(struct str text)
{
    rpc_frame_free(&frame);
    cr_assert_eq(rpc_frame_read(text, &frame), 0);
    return frame.kind;
}

static enum rpc_frame_kind read_frame(const char *text)
{
    return read_str(str_of(text));
}

static void expect_invalid(const char *text, const char *id, const char *why)
{
    cr_assert_eq(read_frame(text), RPC_FRAME_INVALID, "%s", text);
    cr_expect_str_eq(buf_cstr(&frame.id), id, "%s", text);
    cr_expect_str_eq(buf_cstr(&frame.why), why, "%s", text);
}

static void expect_request(const char *text, const char *id)
{
    cr_assert_eq(read_frame(text), RPC_FRAME_REQUEST, "%s: %s", text, buf_cstr(&frame.why));
    cr_expect_str_eq(buf_cstr(&frame.id), id, "%s", text);
    cr_expect_eq(frame.why.n, 0);
}

Test(rpc_frame, reads_a_request)
{
    expect_request("{\"type\":\"req\",\"id\":\"r\\u00e91\",\"method\":\"health\",\"params\":{\"probe\":true}}", "\"r\xC3\xA9"
                                                                                                                "1\"");
    cr_assert(str_is(frame.method, "health"));
    cr_assert(json_is_true(json_object_get(frame.params, "probe")));
    expect_request("{\"type\":\"req\",\"id\":\"1\",\"method\":\"x\"}", "\"1\"");
    cr_assert_null(frame.params);
    expect_request(" {\"type\":\"req\",\"id\":\"1\",\"method\":\"x\",\"params\":null} ", "\"1\"");
    cr_assert(json_is_null(frame.params));
}

/* Reference 1, the table after connect. */
Test(rpc_frame, says_what_is_wrong_with_one)
{
    expect_invalid("{\"type\":\"req\",\"id\":5,\"method\":\"health\"}", "5", "invalid request frame: at /id: must be string");
    expect_invalid("{\"type\":\"req\",\"id\":\"1\",\"method\":\"\"}", "\"1\"",
                   "invalid request frame: at /method: must NOT have fewer than 1 characters");
    expect_invalid("{}", "\"invalid\"",
                   "invalid request frame: must have required property 'type'; must have required property 'id'; "
                   "must have required property 'method'");
    expect_invalid("{\"type\":\"event\",\"id\":\"\",\"method\":\"m\",\"more\":1}", "\"\"",
                   "invalid request frame: at root: unexpected property 'more'; at /type: must be equal to constant; "
                   "at /id: must NOT have fewer than 1 characters");
}

Test(rpc_frame, takes_json_that_is_no_object_for_an_invalid_frame)
{
    expect_invalid("[]", "\"invalid\"", "invalid request frame: must be object");
    expect_invalid("null", "\"invalid\"", "invalid request frame: must be object");
    expect_invalid("5", "\"invalid\"", "invalid request frame: must be object");
    expect_invalid("\"req\"", "\"invalid\"", "invalid request frame: must be object");
}

Test(rpc_frame, echoes_numbers_as_javascript_writes_them)
{
    static const char *const numbers[][2] = { { "5.0", "5" },     { "-0", "0" },    { "0.1", "0.1" },
                                              { "1e3", "1000" },  { "1.5", "1.5" }, { "9007199254740991", "9007199254740991" },
                                              { "1e21", "1e+21" } };
    char text[100];
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        snprintf(text, sizeof text, "{\"type\":\"req\",\"id\":%s,\"method\":\"m\"}", numbers[i][0]);
        expect_invalid(text, numbers[i][1], "invalid request frame: at /id: must be string");
    }
    expect_invalid("{\"type\":\"req\",\"id\":null,\"method\":\"m\"}", "\"invalid\"", "invalid request frame: at /id: must be string");
    expect_invalid("{\"type\":\"req\",\"id\":{\"a\":1},\"method\":\"m\"}", "\"invalid\"", "invalid request frame: at /id: must be string");
}

Test(rpc_frame, says_nothing_to_what_is_not_json)
{
    static const char *const texts[] = { "",         "not json",    "{",     "{\"a\":1}}",       "{\"a\":'b'}", "[1,]", "\xEF\xBB\xBF{}",
                                         "\"\xFF\"", "\"\\ud800\"", "1e999", "{\"a\\u0000b\":1}" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        cr_expect_eq(read_frame(texts[i]), RPC_FRAME_NOT_JSON, "%s", texts[i]);
        cr_expect(frame.root == NULL && frame.id.n == 0 && frame.why.n == 0);
    }
    cr_expect_eq(read_str((struct str){ NULL, 0 }), RPC_FRAME_NOT_JSON);
    cr_expect_eq(read_str(STR("{}\0")), RPC_FRAME_NOT_JSON);
}

Test(rpc_frame, lets_nul_in_a_string_pass)
{
    expect_request("{\"type\":\"req\",\"id\":\"1\",\"method\":\"chat.send\",\"params\":{\"message\":\"a\\u0000b\"}}", "\"1\"");
    cr_assert_eq(json_string_length(json_object_get(frame.params, "message")), 3);
}

Test(rpc_frame, takes_the_last_of_two_keys)
{
    expect_request("{\"type\":\"no\",\"id\":\"1\",\"method\":\"a\",\"method\":\"b\",\"type\":\"req\"}", "\"1\"");
    cr_assert(str_is(frame.method, "b"));
}

Test(rpc_frame, has_one_kind_of_number_as_javascript_does)
{
    expect_request("{\"type\":\"req\",\"id\":\"1\",\"method\":\"m\",\"params\":{\"a\":[5.0,7,{\"b\":1e3}],\"c\":1.5,"
                   "\"d\":123456789012345678901234567890,\"e\":9007199254740993}}",
                   "\"1\"");
    const json_t *a = json_object_get(frame.params, "a");
    cr_assert(json_integer_value(json_array_get(a, 0)) == 5 && json_integer_value(json_array_get(a, 1)) == 7);
    cr_assert(json_integer_value(json_object_get(json_array_get(a, 2), "b")) == 1000);
    cr_assert(json_is_real(json_object_get(frame.params, "c")) && json_is_real(json_object_get(frame.params, "d")));
    cr_assert(json_real_value(json_object_get(frame.params, "e")) == 9007199254740992.0);
}

/* {"type":"req","id":"1","method":"m","params":...} with that many values or levels more in params */
static enum rpc_frame_kind read_many(size_t n, const char *each, const char *last, char close)
{
    struct buf text = { 0 };
    buf_text(&text, "{\"type\":\"req\",\"id\":\"1\",\"method\":\"m\",\"params\":");
    if (!close) buf_char(&text, '[');
    for (size_t i = 1; i < n; i++) buf_text(&text, each);
    buf_text(&text, last);
    for (size_t i = 1; close && i < n; i++) buf_char(&text, close);
    if (!close) buf_char(&text, ']');
    buf_char(&text, '}');
    enum rpc_frame_kind kind = read_str(buf_str(&text));
    buf_free(&text);
    return kind;
}

Test(rpc_frame, bounds_nesting)
{
    cr_assert_eq(read_many(RPC_FRAME_DEPTH_MAX, "[", "\"[[[\"", ']'), RPC_FRAME_REQUEST, "%s", buf_cstr(&frame.why));
    cr_assert_eq(read_many(RPC_FRAME_DEPTH_MAX + 1, "[", "1", ']'), RPC_FRAME_INVALID);
    cr_assert_str_eq(buf_cstr(&frame.why), "invalid request frame: must NOT be nested deeper than 128 levels");
    cr_assert_str_eq(buf_cstr(&frame.id), "\"invalid\"");
    cr_assert_null(frame.root);
}

Test(rpc_frame, bounds_the_number_of_values)
{
    const size_t around = 6; /* one to start with, two brackets, three commas */
    cr_assert_eq(read_many(RPC_FRAME_VALUES_MAX - around + 1, "1,", "\",\\\",\"", 0), RPC_FRAME_REQUEST, "%s", buf_cstr(&frame.why));
    cr_assert_eq(read_many(RPC_FRAME_VALUES_MAX - around + 2, "1,", "1", 0), RPC_FRAME_INVALID);
    cr_assert_str_eq(buf_cstr(&frame.why), "invalid request frame: must NOT have more than 262144 values");
}

Test(rpc_frame, bounds_the_size)
{
    char *text = malloc(RPC_FRAME_MAX + 1);
    static const char head[] = "{\"type\":\"req\",\"id\":\"1\",\"method\":\"m\",\"params\":\"", tail[] = "\"}";
    cr_assert(text);
    memset(text, 'x', RPC_FRAME_MAX + 1);
    memcpy(text, head, sizeof head - 1);
    memcpy(text + RPC_FRAME_MAX - 2, tail, 2);
    cr_assert_eq(read_str((struct str){ text, RPC_FRAME_MAX }), RPC_FRAME_REQUEST, "%s", buf_cstr(&frame.why));
    memcpy(text + RPC_FRAME_MAX - 2, "x\"}", 3);
    cr_assert_eq(read_str((struct str){ text, RPC_FRAME_MAX + 1 }), RPC_FRAME_INVALID);
    cr_assert_str_eq(buf_cstr(&frame.why), "invalid request frame: must NOT be larger than 26214400 bytes");
    free(text);
}
