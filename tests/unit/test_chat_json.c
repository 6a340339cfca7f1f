#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/err.h"
#include "msgs/chat_json.h"

static struct arena arena;
static struct buf out;

static void start(void)
{
    arena = (struct arena){ 0 };
    out = (struct buf){ 0 };
}

static void finish(void)
{
    arena_free(&arena);
    buf_free(&out);
}

TestSuite(chat_json, .init = start, .fini = finish);

static struct chat_message must_read(const char *json)
{
    struct chat_message m;
    cr_assert_eq(chat_json_read(str_of(json), &arena, &m), 0, "%s", json);
    return m;
}

/* Reading and writing again gives `expected` (NULL: the same text). */
static void round_trip(const char *json, const char *expected)
{
    struct chat_message m = must_read(json);
    buf_clear(&out);
    cr_assert_eq(chat_json_write(&out, &m), 0);
    cr_assert_str_eq(buf_cstr(&out), expected ? expected : json);
}

Test(chat_json, reads_what_openclaw_wrote)
{
    struct chat_message m = must_read(
        "{\"role\":\"assistant\",\"content\":[{\"type\":\"toolCall\",\"id\":\"call_75_0\",\"name\":\"agents_list\",\"arguments\":{}}],"
        "\"api\":\"openai-completions\",\"provider\":\"mock\",\"model\":\"m\",\"usage\":{\"input\":170,\"output\":20,\"cacheRead\":5,"
        "\"cacheWrite\":0,\"totalTokens\":195,\"cost\":{\"total\":0}},\"stopReason\":\"toolUse\",\"timestamp\":1795353782473}");
    cr_assert(m.role == CHAT_ASSISTANT && m.part_count == 1 && m.parts[0].kind == CHAT_TOOL_CALL);
    cr_assert(str_is(m.parts[0].id, "call_75_0") && str_is(m.parts[0].name, "agents_list") && str_is(m.parts[0].text, "{}"));
    cr_assert(str_is(m.provider, "mock") && str_is(m.model, "m") && m.stop == CHAT_STOP_TOOL_USE);
    cr_assert(m.usage.input == 175 && m.usage.output == 20 && m.usage.cache_read == 5 && m.timestamp_ms == 1795353782473);
    m = must_read("{\"role\":\"toolResult\",\"toolCallId\":\"call_75_0\",\"toolName\":\"agents_list\",\"content\":[{\"type\":\"text\","
                  "\"text\":\"ok\"}],\"details\":{\"requester\":\"main\"},\"isError\":true,\"timestamp\":1}");
    cr_assert(m.role == CHAT_TOOL_RESULT && str_is(m.tool_call_id, "call_75_0") && m.is_error && str_is(m.parts[0].text, "ok"));
    m = must_read("{\"role\":\"user\",\"content\":\"plain\"}");
    cr_assert(m.part_count == 1 && str_is(m.parts[0].text, "plain"));
}

Test(chat_json, writes_what_it_read)
{
    round_trip("{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"a\\\"\\n\\u0000\xC3\xA9\"},"
               "{\"type\":\"image\",\"data\":\"aGk=\",\"mimeType\":\"image/png\"}],\"timestamp\":5}",
               NULL);
    round_trip("{\"role\":\"assistant\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"hm\",\"thinkingSignature\":\"s1\"},"
               "{\"type\":\"text\",\"text\":\"x\",\"textSignature\":\"s2\"},{\"type\":\"toolCall\",\"id\":\"c\",\"name\":\"n\","
               "\"arguments\":{\"b\":0.1,\"a\":[1,true,null,\"\\u0000\"]},\"thoughtSignature\":\"s3\"}],\"provider\":\"p\",\"model\":\"m\","
               "\"usage\":{\"input\":1,\"output\":2,\"cacheRead\":3,\"cacheWrite\":4,\"totalTokens\":10},\"stopReason\":\"aborted\","
               "\"errorMessage\":\"e\",\"timestamp\":5}",
               NULL);
    round_trip("{\"role\":\"user\",\"content\":[],\"timestamp\":5,\"provenance\":{\"kind\":\"inter_session\",\"sourceTool\":\"t\"}}", NULL);
    round_trip("{\"role\":\"toolResult\",\"toolCallId\":\"c\",\"toolName\":\"n\",\"content\":[],\"isError\":false}", NULL);
}

Test(chat_json, every_stop_reason_survives)
{
    for (int stop = CHAT_STOP_NONE; stop <= CHAT_STOP_ABORTED; stop++) {
        struct chat_message m = { .role = CHAT_ASSISTANT, .stop = (enum chat_stop)stop };
        buf_clear(&out);
        cr_assert_eq(chat_json_write(&out, &m), 0);
        cr_assert_eq((int)must_read(buf_cstr(&out)).stop, stop);
    }
}

Test(chat_json, skips_parts_and_fields_it_does_not_know)
{
    round_trip("{\"role\":\"user\",\"hat\":1,\"content\":[{\"type\":\"video\"},7,{\"type\":\"text\",\"text\":\"x\",\"y\":1},{}],"
               "\"timestamp\":\"no\"}",
               "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"}]}");
}

Test(chat_json, keeps_arguments_that_are_no_json_object)
{
    struct chat_part call = { .kind = CHAT_TOOL_CALL, .text = STR("{\"path\":\"/tm"), .name = STR("n"), .id = STR("c") };
    struct chat_message m = { .role = CHAT_ASSISTANT, .parts = &call, .part_count = 1 };
    cr_assert_eq(chat_json_write(&out, &m), 0);
    cr_assert_str_eq(buf_cstr(&out),
                     "{\"role\":\"assistant\",\"content\":[{\"type\":\"toolCall\",\"id\":\"c\",\"name\":\"n\",\"arguments\":{},"
                     "\"partialJson\":\"{\\\"path\\\":\\\"/tm\"}]}");
    cr_assert(str_is(must_read(buf_cstr(&out)).parts[0].text, "{\"path\":\"/tm"));
    call.text = STR("{\"huge\":123456789012345678901234567890}"); /* beyond jansson's integers */
    buf_clear(&out);
    cr_assert_eq(chat_json_write(&out, &m), 0);
    cr_assert(str_eq(must_read(buf_cstr(&out)).parts[0].text, call.text));
}

Test(chat_json, puts_pretty_arguments_on_one_line)
{
    struct chat_part call = {
        .kind = CHAT_TOOL_CALL, .text = STR("{\n \"a\": 0.30000000000000004\r\n}"), .name = STR("n"), .id = STR("c")
    };
    struct chat_message m = { .role = CHAT_ASSISTANT, .parts = &call, .part_count = 1 };
    cr_assert_eq(chat_json_write(&out, &m), 0);
    cr_assert(str_find(buf_str(&out), STR("\n")) < 0);
    cr_assert(str_is(must_read(buf_cstr(&out)).parts[0].text, "{\"a\":0.30000000000000004}"));
}

Test(chat_json, says_what_is_no_message)
{
    struct chat_message m;
    cr_assert_eq(chat_json_read(STR("{\"role\":\"system\",\"content\":[]}"), &arena, &m), GW_ENOENT);
    cr_assert_eq(chat_json_read(STR("{}"), &arena, &m), GW_ENOENT);
    cr_assert_eq(chat_json_read(STR("[]"), &arena, &m), GW_EPARSE);
    cr_assert_eq(chat_json_read(STR("{\"role\""), &arena, &m), GW_EPARSE);
    cr_assert_eq(chat_json_read(STR(""), &arena, &m), GW_EPARSE);
    cr_assert_null(m.parts);
}

Test(chat_json, reads_arrays_and_leaves_out_what_is_no_message)
{
    struct chat_message *list;
    size_t n;
    cr_assert_eq(
        chat_json_read_array(STR("[{\"role\":\"user\",\"content\":\"a\"},{\"role\":\"system\"},3,{\"role\":\"user\",\"content\":\"b\"}]"),
                             &arena, &list, &n),
        0);
    cr_assert(n == 2 && str_is(list[0].parts[0].text, "a") && str_is(list[1].parts[0].text, "b"));
    cr_assert_eq(chat_json_read_array(STR("[]"), &arena, &list, &n), 0);
    cr_assert_eq(n, 0);
    cr_assert_eq(chat_json_read_array(STR("{}"), &arena, &list, &n), GW_EPARSE);
}

static int with_parts(int count)
{
    struct chat_message m;
    struct buf b = { 0 };
    buf_text(&b, "{\"role\":\"user\",\"content\":[");
    for (int i = 0; i < count; i++) buf_text(&b, i ? ",{}" : "{}");
    buf_text(&b, "]}");
    int rc = chat_json_read(buf_str(&b), &arena, &m);
    buf_free(&b);
    return rc;
}

Test(chat_json, takes_as_many_parts_as_allowed_and_not_one_more)
{
    cr_assert_eq(with_parts(CHAT_JSON_PARTS_MAX), 0);
    cr_assert_eq(with_parts(CHAT_JSON_PARTS_MAX + 1), GW_ELIMIT);
    arena.max = arena.used + 16;
    cr_assert_eq(with_parts(2), GW_ELIMIT);
}
