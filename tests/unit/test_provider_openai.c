#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "support/provider_rig.h"

static const struct rig_answer good = { .api = "openai-completions", .status = 200, .content_type = "text/event-stream; charset=utf-8" };
static const struct provider_endpoint openrouter = { .id = STR("openrouter"),
                                                     .base_url = STR("https://or/api/v1"),
                                                     .api_key = STR("sk-or-1") };

Test(openai, reads_text_between_keep_alive_comments_and_usage_in_the_last_chunk)
{
    rig_check_file(&good, "openai/plain.txt", "ok end 21/7/16/0\ntext \"Grüß dich \xF0\x9F\x98\x80\\n\"\n");
}

Test(openai, joins_the_fragments_of_parallel_calls_by_index)
{
    rig_check_file(&good, "openai/tools_parallel.txt",
                   "ok tool_use 100/40/0/0\n"
                   "call call_a read \"{\\\"path\\\":\\\"a.txt\\\"}\"\n"
                   "call call_b exec \"{\\\"command\\\":\\\"ls\\\"}\"\n");
}

Test(openai, tells_calls_apart_when_index_and_ids_are_no_help)
{
    rig_check_file(&good, "openai/tools_loose.txt",
                   "ok tool_use 0/0/0/0\n"
                   "text \"Let me look.\"\n"
                   "call x1 read \"{\\\"path\\\":\\\"a\\\"}\"\n"
                   "call call_0_0 exec \"{}\"\n"
                   "call x2 exec \"{\\\"command\\\":\\\"ls\\\"}\"\n"
                   "call call_0_1 write \"{\\\"path\\\":\\\"b\\\"}\"\n"
                   "call call_0_2 list \"{}\"\n");
}

Test(openai, keeps_sealed_reasoning_as_it_came)
{
    rig_check_file(
        &good, "openai/reasoning.txt",
        "ok length 5/9/4/0\n"
        "thinking <[{\"type\":\"reasoning.encrypted\",\"data\":\"c2VhbGVk\",\"id\":\"t1\",\"format\":\"google-gemini-v1\",\"index\":1},"
        "{\"type\":\"reasoning.encrypted\",\"data\":\"bW9yZQ==\",\"id\":\"t2\",\"format\":\"google-gemini-v1\",\"index\":2}]> "
        "\"First think.\"\n"
        "text \"Then speak.\"\n");
}

Test(openai, reads_reasoning_content_and_lists_of_parts)
{
    rig_check_file(&good, "openai/reasoning_content.txt", "ok end 0/0/0/0\nthinking <reasoning_content> \"Hm. So\"\ntext \"Yes\"\n");
}

Test(openai, an_error_in_the_stream_keeps_the_text_before_it)
{
    rig_check_file(&good, "openai/error_midstream.txt",
                   "server 200 retry -1 visible: Provider disconnected unexpectedly\ntext \"Half an ans\"\n");
}

Test(openai, an_error_body_in_a_200_has_the_class_of_its_code)
{
    struct rig_answer json = good;
    json.content_type = "application/json";
    json.retry_after = "30";
    rig_check_file(&json, "openai/error_in_200.json",
                   "rate_limit 200 retry 30000: Provider returned error: Rate limit reached for stepfun\n");
    rig_check_file(&good, "openai/error_in_200.json", "rate_limit 200 retry -1: Provider returned error: Rate limit reached for stepfun\n");
}

Test(openai, takes_a_whole_completion_instead_of_a_stream)
{
    rig_check_file(&good, "openai/whole.json",
                   "ok tool_use 3/4/0/0\nthinking <reasoning> \"Once\"\ntext \"Whole.\"\ncall c1 read \"{\\\"path\\\":\\\"x\\\"}\"\n");
}

Test(openai, a_finish_reason_is_enough_when_the_end_mark_is_missing)
{
    rig_check_file(&good, "openai/no_done.txt", "ok end 0/0/0/0\ntext \"All of it\"\n");
    struct rig_answer reset = good;
    reset.transport = FAILURE_network;
    rig_check_file(&reset, "openai/plain.txt", "ok end 21/7/16/0\ntext \"Grüß dich \xF0\x9F\x98\x80\\n\"\n");
}

Test(openai, a_stream_that_ends_early_is_a_network_failure_without_its_cut_calls)
{
    rig_check_file(&good, "openai/cut.txt",
                   "network 200 retry -1 visible: the connection ended before the reply was complete\ntext \"Only a part\"\n");
    struct rig_answer aborted = good;
    aborted.transport = FAILURE_aborted;
    rig_check_file(&aborted, "openai/cut.txt", "aborted 200 retry -1 visible: the connection was reset\ntext \"Only a part\"\n");
}

Test(openai, mends_what_is_not_quite_json)
{
    rig_check_file(&good, "openai/mended.txt",
                   "ok end 0/0/0/0\ntext \"a\xEF\xBF\xBD"
                   "b\xEF\xBF\xBD"
                   "c\xF0\x9F\x98\x80\"\n");
}

Test(openai, answers_that_are_none_have_a_class)
{
    struct rig_answer a = good;
    rig_check(&a, STR("<!DOCTYPE html><html></html>"),
              "server 200 retry -1: the answer is a web page, not a model's reply: check the base URL\n");
    rig_check(&a, STR("data: {not json}\n\n"), "server 200 retry -1: the provider sent an event that is not JSON\n");
    rig_check(&a, STR("event: error\ndata: \"crashed\"\n\n"), "server 200 retry -1: crashed\n");
    rig_check(&a, STR("data: {\"object\":\"error\",\"message\":\"no room\",\"type\":\"BadRequestError\",\"code\":400}\n\n"),
              "bad_request 200 retry -1: no room\n");
    rig_check(&a, STR("{\"ok\":true}"), "server 200 retry -1: the answer is JSON, but not a model's reply\n");
    rig_check(&a, STR("{\"ok\":tr"), "server 200 retry -1: the provider sent an event that is not JSON\n");
    rig_check(&a, STR("data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"content_filter\"}]}\n\n"),
              "bad_request 200 retry -1: the provider's filter stopped the reply: content_filter\n");
    rig_check(&a, STR("\n\n"), "network 200 retry -1: the connection ended before the reply was complete\n");
    a.transport = FAILURE_timeout;
    rig_check(&a, STR(": still here\n\n"), "timeout 200 retry -1: the connection was reset\n");
    a.status = 0;
    rig_check(&a, STR(""), "timeout 0 retry -1: the connection was reset\n");
}

Test(openai, an_error_text_is_bounded_whole_characters_and_without_the_key)
{
    struct rig_answer a = good;
    struct buf body = { 0 };
    a.status = 401;
    rig_check(&a, STR("{\"error\":{\"message\":\"key sk-secret-0123456789 and sk-secret-0123456789\\nare wrong\"}}"),
              "auth 401 retry -1: HTTP 401: key *** and *** are wrong\n");
    buf_text(&body, "HTTP 401: x"); /* as text: 11 bytes, then two-byte letters, so that byte 500 falls inside one */
    for (int i = 0; i < 400; i++) buf_text(&body, "ü");
    struct str raw = { body.p + 10, body.n - 10 };
    char *got = rig_run(&a, raw, raw.n, 0);
    char *colon = strstr(got, ": HTTP");
    cr_assert_not_null(colon);
    cr_assert(strlen(colon + 2) - 1 == 499, "%zu", strlen(colon + 2) - 1);
    cr_assert(str_utf8_valid(str_of(got)));
    free(got);
    buf_free(&body);
}

static char *reply_of(size_t bytes)
{
    struct buf body = { 0 };
    while (bytes > 0) {
        size_t n = bytes < 1000000 ? bytes : 1000000;
        buf_text(&body, "data: {\"choices\":[{\"delta\":{\"content\":\"");
        char *at = buf_reserve(&body, n);
        memset(at, 'a', n);
        body.n += n;
        buf_text(&body, "\"}}]}\n\n");
        bytes -= n;
    }
    buf_text(&body, "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n");
    char *got = rig_run(&good, buf_str(&body), body.n, 0);
    buf_free(&body);
    return got;
}

Test(openai, a_reply_at_its_bound_is_read_and_one_byte_more_fails)
{
    char *whole = reply_of(PROVIDER_REPLY_MAX), *over = reply_of(PROVIDER_REPLY_MAX + 1);
    cr_assert(strncmp(whole, "ok end", 6) == 0);
    cr_assert(strncmp(over, "too_large 200 retry -1 visible: reply too large: more than 16777216 bytes\n", 70) == 0, "%.100s", over);
    free(whole);
    free(over);
}

static char *calls_of(int count)
{
    struct buf body = { 0 };
    for (int i = 0; i < count; i++)
        buf_printf(
            &body,
            "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":%d,\"function\":{\"name\":\"t\",\"arguments\":\"\"}}]}}]}\n\n", i);
    buf_text(&body, "data: [DONE]\n\n");
    char *got = rig_run(&good, buf_str(&body), body.n, 0);
    buf_free(&body);
    return got;
}

Test(openai, takes_as_many_calls_as_the_bound_each_with_an_id_of_its_own)
{
    char *whole = calls_of(PROVIDER_TOOL_CALLS_MAX), *over = calls_of(PROVIDER_TOOL_CALLS_MAX + 1);
    cr_assert(strncmp(whole, "ok tool_use", 11) == 0);
    cr_assert_not_null(strstr(whole, "call call_0_0 t \"{}\"\ncall call_0_1 t \"{}\"\n"));
    cr_assert_not_null(strstr(over, "reply too large: more than 128 tool calls"));
    free(whole);
    free(over);
}

/* ---- ids and arguments across a conversation ---- */

static void nothing(void *ctx, enum chat_part_kind kind, struct str text)
{
    (void)ctx;
    (void)kind;
    (void)text;
}

Test(openai, an_id_that_the_conversation_has_is_replaced_and_broken_arguments_are_wrapped)
{
    struct chat_part call = { .kind = CHAT_TOOL_CALL, .id = STR("0"), .name = STR("t"), .text = STR("{}") };
    struct chat_part ours = { .kind = CHAT_TOOL_CALL, .id = STR("call_2_0"), .name = STR("t"), .text = STR("{}") };
    struct chat_message history[] = { { .role = CHAT_ASSISTANT, .parts = &call, .part_count = 1 },
                                      { .role = CHAT_ASSISTANT, .parts = &ours, .part_count = 1 } };
    struct model_request q = { .provider = STR("p"), .model = STR("m"), .messages = history, .message_count = 2 };
    struct model_sink sink = { nothing, NULL };
    model_stream_t *s;
    cr_assert(model_stream_create(provider_find(STR("openai-completions")), &openrouter, &q, &sink, &s) == 0);
    model_stream_head(s, 200, STR("text/event-stream"), STR(""), 0);
    cr_assert(!model_stream_started(s) && !model_stream_complete(s));
    model_stream_feed(s, STR("data: {\"choices\":[{\"delta\":{\"tool_calls\":["
                             "{\"index\":0,\"id\":\"0\",\"function\":{\"name\":\"t\",\"arguments\":\"{\\\"a\\\":\"}},"
                             "{\"index\":1,\"id\":\"n\",\"function\":{\"name\":\"t\",\"arguments\":\"\\\"{\\\\\\\"b\\\\\\\":1}\\\"\"}},"
                             "{\"index\":2,\"id\":\"n\",\"function\":{\"name\":\"t\",\"arguments\":\"null\"}}]}}]}\n\ndata: [DONE]\n\n"));
    cr_assert(model_stream_started(s) && model_stream_complete(s));
    const struct model_outcome *o = model_stream_finish(s, FAILURE_none, STR(""));
    cr_assert(o->ok && o->message.part_count == 3);
    cr_expect(str_is(o->message.parts[0].id, "call_2_1"));
    cr_expect(str_is(o->message.parts[0].text, "{\"invalid_json\":\"{\\\"a\\\":\"}"));
    cr_expect(str_is(o->message.parts[1].id, "n"));
    cr_expect(str_is(o->message.parts[1].text, "{\"b\":1}"));
    cr_expect(str_is(o->message.parts[2].id, "call_2_2"));
    cr_expect(str_is(o->message.parts[2].text, "{}"));
    cr_expect(str_is(o->message.provider, "p") && str_is(o->message.model, "m"));
    cr_expect(model_stream_finish(s, FAILURE_network, STR("")) == o && o->ok);
    model_stream_destroy(&s);
}

/* ---- requests ---- */

static struct chat_part user_parts[] = { { .kind = CHAT_TEXT, .text = STR("look") },
                                         { .kind = CHAT_TEXT, .text = STR("") },
                                         { .kind = CHAT_IMAGE, .name = STR("image/png"), .text = STR("AAAA") } };
static struct chat_part call_parts[] = {
    { .kind = CHAT_THINKING, .text = STR("hm"), .signature = STR("reasoning") },
    { .kind = CHAT_TEXT, .text = STR("I ") },
    { .kind = CHAT_TEXT, .text = STR("look") },
    { .kind = CHAT_TOOL_CALL, .id = STR("c1"), .name = STR("read"), .text = STR("{\"path\":\"a\"}") },
    { .kind = CHAT_TOOL_CALL, .id = STR("fc|an id that is far too long for OpenAI 0123456789"), .name = STR("list") },
};
static struct chat_part result_parts[] = { { .kind = CHAT_TEXT, .text = STR("text") },
                                           { .kind = CHAT_IMAGE, .name = STR("image/jpeg"), .text = STR("BBBB") } };
static struct chat_part none_parts[] = { { .kind = CHAT_THINKING, .text = STR("only thought") }, { .kind = CHAT_TEXT, .text = STR("") } };
static struct chat_message history[] = {
    { .role = CHAT_USER, .parts = user_parts, .part_count = 3 },
    { .role = CHAT_ASSISTANT, .parts = call_parts, .part_count = 5, .provider = STR("openrouter"), .model = STR("m") },
    { .role = CHAT_TOOL_RESULT, .parts = result_parts, .part_count = 2, .tool_call_id = STR("c1"), .tool_name = STR("read") },
    { .role = CHAT_TOOL_RESULT, .tool_call_id = STR("fc|an id that is far too long for OpenAI 0123456789"), .is_error = true },
    { .role = CHAT_ASSISTANT, .parts = none_parts, .part_count = 2 },
};
static const struct chat_tool tools[] = { { STR("read"), STR("Read a file"), STR("{\"type\":\"object\",\"properties\":{\"path\":{}}}") },
                                          { STR("list"), STR(""), STR("not json") } };

Test(openai, builds_the_body_of_a_conversation_with_tools_and_images)
{
    struct model_request q = { .provider = STR("openrouter"),
                               .model = STR("m"),
                               .system = STR("Be \"kind\"."),
                               .messages = history,
                               .message_count = 5,
                               .tools = tools,
                               .tool_count = 2,
                               .thinking = STR("low"),
                               .images = true };
    char *body, *head = rig_request("openai-completions", &openrouter, &q, &body);
    char *id = strstr(body, "\"id\":\"call_") + 5;
    char long_id[64];
    snprintf(long_id, sizeof long_id, "%.*s", 39, id);
    struct buf expected = { 0 };
    buf_printf(&expected,
               "{\"model\":\"m\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":["
               "{\"role\":\"system\",\"content\":\"Be \\\"kind\\\".\"},"
               "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AAAA\"}}]},"
               "{\"role\":\"assistant\",\"content\":\"I look\",\"reasoning\":\"hm\",\"tool_calls\":["
               "{\"id\":\"c1\",\"type\":\"function\",\"function\":{\"name\":\"read\",\"arguments\":\"{\\\"path\\\":\\\"a\\\"}\"}},"
               "{\"id\":%s,\"type\":\"function\",\"function\":{\"name\":\"list\",\"arguments\":\"{}\"}}]},"
               "{\"role\":\"tool\",\"content\":\"text\",\"tool_call_id\":\"c1\"},"
               "{\"role\":\"tool\",\"content\":\"(no output)\",\"tool_call_id\":%s},"
               "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"Images from the tool results:\"},"
               "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/jpeg;base64,BBBB\"}}]}],"
               "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"read\",\"description\":\"Read a file\",\"parameters\":"
               "{\"type\":\"object\",\"properties\":{\"path\":{}}},\"strict\":false}},"
               "{\"type\":\"function\",\"function\":{\"name\":\"list\",\"description\":\"\",\"parameters\":"
               "{\"type\":\"object\",\"properties\":{}},\"strict\":false}}]}",
               long_id, long_id);
    cr_assert(strlen(long_id) == 39 && strncmp(long_id, "\"call_", 6) == 0);
    cr_assert_str_eq(head, "https://or/api/v1/chat/completions\nAuthorization: Bearer sk-or-1\nContent-Type: application/json\n"
                           "Accept: text/event-stream, application/json\n");
    cr_assert(rig_same_json(body, buf_cstr(&expected)));
    buf_free(&expected);
    free(head);
    free(body);
}

Test(openai, sends_fields_that_others_refuse_to_openai_alone)
{
    struct chat_part part = { .kind = CHAT_IMAGE, .name = STR("image/png"), .text = STR("AAAA") };
    struct chat_message user = { .role = CHAT_USER, .parts = &part, .part_count = 1 };
    struct provider_endpoint openai = { .id = STR("openai"), .base_url = STR("https://api/v1") };
    struct model_request q = { .provider = STR("openai"),
                               .model = STR("o4"),
                               .messages = &user,
                               .message_count = 1,
                               .max_tokens = 99,
                               .thinking = STR("high"),
                               .reasoning = true };
    char *body, *head = rig_request("openai-completions", &openai, &q, &body);
    const char *note =
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"[image left out: this model takes no images]\"}]}]";
    struct buf expected = { 0 };
    buf_printf(&expected,
               "{\"model\":\"o4\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"store\":false,"
               "\"max_completion_tokens\":99,\"reasoning_effort\":\"high\",%s}",
               note);
    cr_assert(rig_same_json(body, buf_cstr(&expected)));
    cr_assert(strstr(head, "Authorization") == NULL);
    free(head);
    free(body);
    q.thinking = STR("off");
    openai.id = STR("ollama");
    head = rig_request("openai-completions", &openai, &q, &body);
    buf_clear(&expected);
    buf_printf(&expected, "{\"model\":\"o4\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_tokens\":99,%s}", note);
    cr_assert(rig_same_json(body, buf_cstr(&expected)));
    free(head);
    free(body);
    buf_free(&expected);
}

Test(openai, configured_headers_win_and_cannot_smuggle_lines)
{
    struct provider_header headers[] = { { STR("authorization"), STR("Basic x") }, { STR("X-Title"), STR("OpenClaw") } };
    struct provider_endpoint e = openrouter;
    struct model_request q = { .model = STR("m") };
    char *body;
    e.headers = headers;
    e.header_count = 2;
    char *head = rig_request("openai-completions", &e, &q, &body);
    cr_assert_str_eq(head, "https://or/api/v1/chat/completions\nContent-Type: application/json\n"
                           "Accept: text/event-stream, application/json\nauthorization: Basic x\nX-Title: OpenClaw\n");
    free(head);
    free(body);
    headers[1].value = STR("a\r\nX-Evil: 1");
    cr_assert(rig_request("openai-completions", &e, &q, &body) == NULL);
    e = openrouter;
    e.api_key = STR("a\nb");
    cr_assert(rig_request("openai-completions", &e, &q, &body) == NULL);
    q.model = STR("");
    cr_assert(rig_request("openai-completions", &openrouter, &q, &body) == NULL);
}

Test(openai, sealed_reasoning_goes_back_only_to_the_model_that_made_it)
{
    struct chat_part parts[] = { { .kind = CHAT_THINKING, .signature = STR("[{\"type\":\"reasoning.encrypted\"}]") },
                                 { .kind = CHAT_TEXT, .text = STR("x") } };
    struct chat_message m = { .role = CHAT_ASSISTANT, .parts = parts, .part_count = 2, .provider = STR("openrouter"), .model = STR("m") };
    struct model_request q = { .provider = STR("openrouter"), .model = STR("m"), .messages = &m, .message_count = 1 };
    char *body, *head = rig_request("openai-completions", &openrouter, &q, &body);
    cr_assert_not_null(strstr(body, "\"reasoning_details\":[{\"type\":\"reasoning.encrypted\"}]"));
    free(head);
    free(body);
    m.provider = STR("google");
    head = rig_request("openai-completions", &openrouter, &q, &body);
    cr_assert(strstr(body, "reasoning") == NULL);
    free(head);
    free(body);
}

Test(openai, finds_each_dialect_by_name)
{
    static const char *const names[] = { "openai-completions", "google-generative-ai", "anthropic-messages", "demo" };
    for (size_t i = 0; i < 4; i++) cr_assert_str_eq(provider_find(str_of(names[i]))->api, names[i]);
    cr_assert(provider_find(STR("openai-responses")) == NULL);
}
