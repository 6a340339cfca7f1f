#include <criterion/criterion.h>
#include <stdlib.h>

#include "support/provider_rig.h"

static const struct rig_answer good = { .api = "anthropic-messages", .status = 200, .content_type = "text/event-stream; charset=utf-8" };
static const struct provider_endpoint anthropic = { .id = STR("anthropic"), .base_url = STR("https://a"), .api_key = STR("sk-ant-1") };

Test(anthropic, reads_text_and_counts_cached_tokens_as_input)
{
    rig_check_file(&good, "anthropic/plain.txt", "ok end 425/15/300/100\ntext \"Hello, Wörld!\"\n");
}

Test(anthropic, reads_thinking_with_its_signature_and_parallel_calls)
{
    rig_check_file(&good, "anthropic/thinking_tools.txt",
                   "ok tool_use 10/89/0/0\n"
                   "thinking <EqQB> \"Look at both.\"\n"
                   "thinking <redacted:EmwK> \"\"\n"
                   "call toolu_1 read \"{\\\"path\\\": \\\"a.txt\\\"}\"\n"
                   "call toolu_2 list \"{}\"\n");
}

Test(anthropic, an_error_event_has_its_class)
{
    rig_check_file(&good, "anthropic/overloaded.txt", "overloaded 200 retry -1: Overloaded\n");
}

Test(anthropic, takes_a_whole_message_instead_of_a_stream)
{
    rig_check_file(&good, "anthropic/whole.json",
                   "ok tool_use 4/6/0/0\ntext \"Whole.\"\ncall toolu_9 exec \"{\\\"command\\\":\\\"ls\\\"}\"\n");
}

Test(anthropic, maps_each_stop_reason)
{
    static const struct {
        const char *reason;
        const char *expected;
    } rows[] = {
        { "end_turn", "ok end 0/0/0/0\ntext \"x\"\n" },
        { "stop_sequence", "ok end 0/0/0/0\ntext \"x\"\n" },
        { "pause_turn", "ok end 0/0/0/0\ntext \"x\"\n" },
        { "max_tokens", "ok length 0/0/0/0\ntext \"x\"\n" },
        { "refusal", "ok filter 0/0/0/0\ntext \"x\"\n" },
        { "model_context_window_exceeded", "ok length 0/0/0/0\ntext \"x\"\n" },
        { "tool_use", "ok end 0/0/0/0\ntext \"x\"\n" } /* without a call there is nothing to run */,
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b = { 0 };
        buf_printf(&b,
                   "data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"x\"}}\n\n"
                   "data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"%s\"}}\n\n",
                   rows[i].reason);
        rig_check(&good, buf_str(&b), rows[i].expected);
        buf_free(&b);
    }
    rig_check(&good, STR("data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"refusal\"}}\n\n"),
              "bad_request 200 retry -1: the provider's filter stopped the reply: refusal\n");
}

Test(anthropic, an_error_status_has_its_class_and_waiting_time)
{
    struct rig_answer a = good;
    a.status = 429;
    a.retry_after = "12";
    rig_check(&a, STR("{\"type\":\"error\",\"error\":{\"type\":\"rate_limit_error\",\"message\":\"Too many\"},\"request_id\":\"r\"}"),
              "rate_limit 429 retry 12000: HTTP 429: Too many\n");
}

/* ---- requests ---- */

static struct chat_part hello[] = { { .kind = CHAT_TEXT, .text = STR("hello") }, { .kind = CHAT_TEXT, .text = STR(" \n") } };
static struct chat_part picture[] = { { .kind = CHAT_IMAGE, .name = STR("image/png"), .text = STR("AAAA") } };
static struct chat_part calls[] = {
    { .kind = CHAT_THINKING, .text = STR("hm"), .signature = STR("EqQB") },
    { .kind = CHAT_THINKING, .signature = STR("redacted:EmwK") },
    { .kind = CHAT_THINKING, .text = STR("unsigned") },
    { .kind = CHAT_TOOL_CALL, .id = STR("toolu_1"), .name = STR("read"), .text = STR("{\"path\":\"a\"}") },
    { .kind = CHAT_TOOL_CALL, .id = STR("functions.list:0"), .name = STR("list") },
};
static struct chat_message history[] = {
    { .role = CHAT_USER, .parts = hello, .part_count = 2 },
    { .role = CHAT_USER, .parts = picture, .part_count = 1 },
    { .role = CHAT_ASSISTANT, .parts = calls, .part_count = 5, .provider = STR("anthropic"), .model = STR("claude-sonnet-4-5") },
    { .role = CHAT_TOOL_RESULT, .parts = picture, .part_count = 1, .tool_call_id = STR("toolu_1") },
    { .role = CHAT_TOOL_RESULT, .parts = hello, .part_count = 2, .tool_call_id = STR("functions.list:0"), .is_error = true },
};

/* The id that stands for functions.list:0 is a hash: taken from the body, and checked to be the same twice. */
static struct str mapped_id(const char *body)
{
    const char *at = strstr(body, "\"id\":\"call_");
    cr_assert_not_null(at);
    struct str id = { at + 6, 37 };
    cr_assert(id.p[37] == '"');
    return id;
}

static void expect_body(const char *body, const char *limits, const char *thinking)
{
    struct str id = mapped_id(body);
    struct buf b = { 0 };
    buf_printf(&b,
               "{\"model\":\"claude-sonnet-4-5\",\"stream\":true,%s,"
               "\"system\":[{\"type\":\"text\",\"text\":\"Be kind.\",\"cache_control\":{\"type\":\"ephemeral\"}}],"
               "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"hello\"},"
               "{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]},"
               "{\"role\":\"assistant\",\"content\":[%s"
               "{\"type\":\"tool_use\",\"id\":\"toolu_1\",\"name\":\"read\",\"input\":{\"path\":\"a\"}},"
               "{\"type\":\"tool_use\",\"id\":\"%.*s\",\"name\":\"list\",\"input\":{}}]},"
               "{\"role\":\"user\",\"content\":[{\"type\":\"tool_result\",\"tool_use_id\":\"toolu_1\",\"content\":"
               "[{\"type\":\"image\",\"source\":{\"type\":\"base64\",\"media_type\":\"image/png\",\"data\":\"AAAA\"}}]},"
               "{\"type\":\"tool_result\",\"tool_use_id\":\"%.*s\",\"content\":[{\"type\":\"text\",\"text\":\"hello\"}],\"is_error\":true,"
               "\"cache_control\":{\"type\":\"ephemeral\"}}]}],"
               "\"tools\":[{\"name\":\"read\",\"description\":\"Read\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}]}",
               limits, thinking, STR_ARG(id), STR_ARG(id));
    cr_assert(rig_same_json(body, buf_cstr(&b)));
    buf_free(&b);
}

static struct model_request conversation(void)
{
    static const struct chat_tool tool = { STR("read"), STR("Read"), STR("") };
    return (struct model_request){ .provider = STR("anthropic"),
                                   .model = STR("claude-sonnet-4-5"),
                                   .system = STR("Be kind."),
                                   .messages = history,
                                   .message_count = 5,
                                   .tools = &tool,
                                   .tool_count = 1,
                                   .images = true,
                                   .reasoning = true };
}

Test(anthropic, builds_blocks_with_thinking_results_and_cache_marks)
{
    struct model_request q = conversation();
    char *body;
    q.thinking = STR("low");
    char *head = rig_request("anthropic-messages", &anthropic, &q, &body);
    cr_assert_str_eq(head, "https://a/v1/messages\nx-api-key: sk-ant-1\nanthropic-version: 2023-06-01\nContent-Type: application/json\n"
                           "Accept: text/event-stream, application/json\n");
    expect_body(body, "\"max_tokens\":10240,\"thinking\":{\"type\":\"enabled\",\"budget_tokens\":2048}",
                "{\"type\":\"thinking\",\"thinking\":\"hm\",\"signature\":\"EqQB\"},{\"type\":\"redacted_thinking\",\"data\":\"EmwK\"},");
    free(head);
    free(body);
}

Test(anthropic, a_loop_that_another_model_began_goes_on_without_thinking)
{
    struct model_request q = conversation();
    char *body;
    q.thinking = STR("high");
    q.provider = STR("proxy");
    char *head = rig_request("anthropic-messages", &anthropic, &q, &body);
    expect_body(body, "\"max_tokens\":8192", "");
    free(head);
    free(body);
}

Test(anthropic, newer_models_take_an_effort_and_an_explicit_limit_stays)
{
    struct model_request q = { .model = STR("claude-opus-4-6"), .thinking = STR("minimal"), .reasoning = true, .max_tokens = 100 };
    struct provider_endpoint versioned = { .base_url = STR("https://a/v1") };
    char *body, *head = rig_request("anthropic-messages", &versioned, &q, &body);
    cr_assert(strncmp(head, "https://a/v1/messages\nanthropic-version", 39) == 0);
    cr_assert(rig_same_json(body, "{\"model\":\"claude-opus-4-6\",\"stream\":true,\"max_tokens\":100,\"thinking\":{\"type\":\"adaptive\"},"
                                  "\"output_config\":{\"effort\":\"low\"},\"messages\":[]}"));
    free(head);
    free(body);
    q.model = STR("claude-3-7-sonnet-latest"); /* a budget would not fit below 100 */
    head = rig_request("anthropic-messages", &versioned, &q, &body);
    cr_assert(rig_same_json(body, "{\"model\":\"claude-3-7-sonnet-latest\",\"stream\":true,\"max_tokens\":100,\"messages\":[]}"));
    free(head);
    free(body);
}

Test(anthropic, begins_with_the_user_and_leaves_out_what_is_empty)
{
    struct chat_part blank[] = { { .kind = CHAT_TEXT, .text = STR("  ") }, { .kind = CHAT_THINKING, .text = STR("t") } };
    struct chat_message m[] = { { .role = CHAT_ASSISTANT, .parts = blank, .part_count = 2 },
                                { .role = CHAT_ASSISTANT, .parts = hello, .part_count = 1 } };
    struct model_request q = { .model = STR("m"), .messages = m, .message_count = 2 };
    char *body, *head = rig_request("anthropic-messages", &anthropic, &q, &body);
    cr_assert(rig_same_json(body, "{\"model\":\"m\",\"stream\":true,\"max_tokens\":8192,\"messages\":["
                                  "{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"(earlier messages left out)\"}]},"
                                  "{\"role\":\"assistant\",\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}]}"));
    free(head);
    free(body);
    q.model = STR("");
    cr_assert(rig_request("anthropic-messages", &anthropic, &q, &body) == NULL);
}
