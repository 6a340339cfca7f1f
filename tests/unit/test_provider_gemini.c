#include <criterion/criterion.h>
#include <stdlib.h>

#include "providers/gemini_schema.h"
#include "support/provider_rig.h"

static const struct rig_answer good = { .api = "google-generative-ai", .status = 200, .content_type = "text/event-stream" };
static const struct provider_endpoint google = { .id = STR("google"), .base_url = STR("https://g/v1beta"), .api_key = STR("AIza-1") };

Test(gemini, reads_text_and_counts_thoughts_as_output)
{
    rig_check_file(&good, "gemini/plain.txt", "ok end 8/34/2/0\ntext \"Hello, wörld\"\n");
}

Test(gemini, keeps_signatures_with_their_parts_and_gives_calls_ids)
{
    rig_check_file(&good, "gemini/tools_parallel.txt",
                   "ok tool_use 50/31/0/0\n"
                   "thinking \"**Plan** read both\"\n"
                   "call call_0_0 read <c2ln> \"{\\\"path\\\":\\\"a\\\"}\"\n"
                   "call call_0_1 read \"{\\\"path\\\":\\\"b\\\"}\"\n"
                   "call fc-9 list \"{}\"\n");
}

Test(gemini, a_late_signature_belongs_to_the_text_before_it)
{
    rig_check_file(&good, "gemini/signed_text.txt", "ok length 1/2/0/0\ntext <dGV4dA==> \"Answer\"\n");
}

Test(gemini, what_its_filters_stop_is_a_failure_that_names_the_filter)
{
    rig_check_file(&good, "gemini/blocked.txt", "bad_request 200 retry -1: the provider refused the prompt: PROHIBITED_CONTENT\n");
    rig_check_file(&good, "gemini/safety.txt", "bad_request 200 retry -1: the provider's filter stopped the reply: SAFETY\n");
    rig_check_file(&good, "gemini/malformed_call.txt", "server 200 retry -1: the model's reply was not usable: MALFORMED_FUNCTION_CALL\n");
}

Test(gemini, errors_inside_a_200_have_their_class_and_delay)
{
    rig_check_file(&good, "gemini/error_event.txt",
                   "overloaded 200 retry -1 visible: The model is overloaded. Please try again later.\ntext \"Half\"\n");
    rig_check_file(&good, "gemini/error_in_200.json",
                   "rate_limit 200 retry 38500: You exceeded your current quota, please check your plan and billing details.\n");
}

Test(gemini, takes_the_whole_stream_as_a_list)
{
    rig_check_file(&good, "gemini/whole.json", "ok end 2/3/0/0\ntext \"Listed\"\n");
}

Test(gemini, a_stream_without_a_finish_reason_is_a_network_failure)
{
    rig_check(&good, STR("data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"Ha\"}]}}]}\n\n"),
              "network 200 retry -1 visible: the connection ended before the reply was complete\ntext \"Ha\"\n");
}

Test(gemini, an_error_status_is_classified_by_its_details)
{
    struct rig_answer a = good;
    a.status = 400;
    rig_check(&a,
              STR("{\"error\":{\"code\":400,\"message\":\"API key not valid.\",\"status\":\"INVALID_ARGUMENT\",\"details\":[{\"reason\":"
                  "\"API_KEY_INVALID\"}]}}"),
              "auth 400 retry -1: HTTP 400: API key not valid.\n");
}

/* ---- requests ---- */

static struct chat_part hello[] = { { .kind = CHAT_TEXT, .text = STR("hello") } };
static struct chat_part picture[] = { { .kind = CHAT_TEXT, .text = STR("and this") },
                                      { .kind = CHAT_IMAGE, .name = STR("image/png"), .text = STR("AAAA") } };
static struct chat_part calls[] = {
    { .kind = CHAT_THINKING, .text = STR("hm") },
    { .kind = CHAT_TEXT, .text = STR("ok"), .signature = STR("c2lnMQ==") },
    { .kind = CHAT_TOOL_CALL, .id = STR("fc-1"), .name = STR("read"), .text = STR("{\"path\":\"a\"}"), .signature = STR("c2lnMg==") },
    { .kind = CHAT_TOOL_CALL, .id = STR("call_1_1"), .name = STR("list"), .text = STR("not json") },
};
static struct chat_part result[] = { { .kind = CHAT_TEXT, .text = STR("line") },
                                     { .kind = CHAT_IMAGE, .name = STR("image/jpeg"), .text = STR("BBBB") } };
static struct chat_message history[] = {
    { .role = CHAT_ASSISTANT, .parts = hello, .part_count = 1 }, /* what compaction may leave at the front */
    { .role = CHAT_USER, .parts = hello, .part_count = 1 },
    { .role = CHAT_USER, .parts = picture, .part_count = 2 },
    { .role = CHAT_ASSISTANT, .parts = calls, .part_count = 4, .provider = STR("google"), .model = STR("gemini-3-pro-preview") },
    { .role = CHAT_TOOL_RESULT, .parts = result, .part_count = 2, .tool_call_id = STR("fc-1"), .tool_name = STR("read") },
    { .role = CHAT_TOOL_RESULT, .parts = hello, .part_count = 1, .tool_call_id = STR("call_1_1"), .is_error = true },
    { .role = CHAT_ASSISTANT },
};

#define FRONT                                                                                                                              \
    "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"(earlier messages left out)\"}]},"                                            \
    "{\"role\":\"model\",\"parts\":[{\"text\":\"hello\"}]},"                                                                               \
    "{\"role\":\"user\",\"parts\":[{\"text\":\"hello\"},{\"text\":\"and this\"},"                                                          \
    "{\"inlineData\":{\"mimeType\":\"image/png\",\"data\":\"AAAA\"}}]},"
#define RESULTS(id)                                                                                                                        \
    "{\"role\":\"user\",\"parts\":[{\"functionResponse\":{" id "\"name\":\"read\",\"response\":{\"output\":\"line\"}}},"                   \
    "{\"functionResponse\":{\"name\":\"list\",\"response\":{\"error\":\"hello\"}}},"                                                       \
    "{\"inlineData\":{\"mimeType\":\"image/jpeg\",\"data\":\"BBBB\"}}]}]"

Test(gemini, builds_alternating_contents_with_its_own_signatures)
{
    struct chat_tool tools[] = { { STR("read"), STR("Read"), STR("{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\"}}}") },
                                 { STR("list"), STR("List"), STR("{\"type\":\"object\",\"properties\":{}}") } };
    struct model_request q = { .provider = STR("google"),
                               .model = STR("gemini-3-pro-preview"),
                               .system = STR("Be kind."),
                               .messages = history,
                               .message_count = 7,
                               .tools = tools,
                               .tool_count = 2,
                               .max_tokens = 5,
                               .thinking = STR("minimal"),
                               .reasoning = true,
                               .images = true };
    char *body, *head = rig_request("google-generative-ai", &google, &q, &body);
    cr_assert_str_eq(head, "https://g/v1beta/models/gemini-3-pro-preview:streamGenerateContent?alt=sse\nx-goog-api-key: AIza-1\n"
                           "Content-Type: application/json\nAccept: text/event-stream, application/json\n");
    cr_assert(rig_same_json(
        body, "{\"system_instruction\":{\"parts\":[{\"text\":\"Be kind.\"}]}," FRONT
              "{\"role\":\"model\",\"parts\":[{\"text\":\"ok\",\"thoughtSignature\":\"c2lnMQ==\"},"
              "{\"functionCall\":{\"id\":\"fc-1\",\"name\":\"read\",\"args\":{\"path\":\"a\"}},\"thoughtSignature\":\"c2lnMg==\"},"
              "{\"functionCall\":{\"name\":\"list\",\"args\":{\"invalid_json\":\"not json\"}}}]}," RESULTS(
                  "\"id\":\"fc-1\",") ",\"tools\":[{\"functionDeclarations\":[{\"name\":\"read\",\"description\":\"Read\",\"parameters\":"
                                      "{\"type\":\"object\",\"properties\":{\"path\":{\"type\":\"string\"}}}},{\"name\":\"list\","
                                      "\"description\":\"List\"}]}],"
                                      "\"generationConfig\":{\"maxOutputTokens\":5,\"thinkingConfig\":{\"includeThoughts\":true,"
                                      "\"thinkingLevel\":\"low\"}}}"));
    free(head);
    free(body);
}

Test(gemini, a_history_of_another_model_gets_the_documented_stand_in_and_no_foreign_signature)
{
    struct model_request q = {
        .provider = STR("other"), .model = STR("gemini-3-flash"), .messages = history, .message_count = 7, .images = true
    };
    char *body, *head = rig_request("google-generative-ai", &google, &q, &body);
    cr_assert(rig_same_json(body, "{" FRONT "{\"role\":\"model\",\"parts\":[{\"text\":\"ok\"},"
                                  "{\"functionCall\":{\"name\":\"read\",\"args\":{\"path\":\"a\"}},"
                                  "\"thoughtSignature\":\"skip_thought_signature_validator\"},"
                                  "{\"functionCall\":{\"name\":\"list\",\"args\":{\"invalid_json\":\"not json\"}}}]}," RESULTS("") "}"));
    free(head);
    free(body);
}

Test(gemini, the_stand_in_is_for_the_current_turn_of_models_that_ask_for_it)
{
    struct chat_message later[8];
    memcpy(later, history, sizeof history);
    later[7] = history[1];
    struct model_request q = { .provider = STR("other"), .model = STR("gemini-3-flash"), .messages = later, .message_count = 8 };
    char *body, *head = rig_request("google-generative-ai", &google, &q, &body);
    cr_assert(strstr(body, "thoughtSignature") == NULL);
    free(head);
    free(body);
    q.model = STR("gemini-2.5-pro");
    q.message_count = 7;
    q.reasoning = true;
    q.thinking = STR("high");
    head = rig_request("google-generative-ai", &google, &q, &body);
    cr_assert(strstr(body, "thoughtSignature") == NULL);
    cr_assert_not_null(strstr(body, "\"thinkingBudget\":24576"));
    cr_assert_not_null(strstr(body, "[image left out: this model takes no images]"));
    free(head);
    free(body);
}

Test(gemini, a_model_name_is_part_of_the_path)
{
    struct model_request q = { .model = STR("models/a b?c") };
    char *body, *head = rig_request("google-generative-ai", &google, &q, &body);
    cr_assert(strncmp(head, "https://g/v1beta/models/a%20b%3Fc:streamGenerateContent?alt=sse\n", 63) == 0, "%s", head);
    cr_assert(rig_same_json(body, "{\"contents\":[]}"));
    free(head);
    free(body);
    q.model = STR("");
    cr_assert(rig_request("google-generative-ai", &google, &q, &body) == NULL);
}

/* ---- schemas ---- */

static const struct pair {
    const char *schema;
    const char *cleaned;
} schemas[] = {
    { "{}", "{\"type\":\"string\"}" },
    { "true", "{\"type\":\"string\"}" },
    { "{\"$schema\":\"s\",\"title\":\"t\",\"type\":\"object\",\"additionalProperties\":false,\"properties\":{\"a\":{\"type\":\"integer\","
      "\"exclusiveMinimum\":0,\"minimum\":1,\"default\":3,\"format\":\"int32\"},\"b\":{\"type\":\"string\",\"format\":\"uri\",\"pattern\":"
      "\"x\"}},\"required\":[\"a\",\"gone\"],\"patternProperties\":{\"^x\":{}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\",\"minimum\":1,\"format\":\"int32\"},\"b\":{\"type\":\"string\"}},"
      "\"required\":[\"a\"]}" },
    { "{\"type\":[\"string\",\"null\"],\"description\":\"d\"}", "{\"type\":\"string\",\"nullable\":true,\"description\":\"d\"}" },
    { "{\"const\":\"x\"}", "{\"type\":\"string\",\"enum\":[\"x\"]}" },
    { "{\"type\":\"integer\",\"enum\":[1,2]}", "{\"type\":\"integer\"}" },
    { "{\"anyOf\":[{\"const\":\"a\"},{\"const\":\"b\"}],\"description\":\"d\"}",
      "{\"type\":\"string\",\"enum\":[\"a\",\"b\"],\"description\":\"d\"}" },
    { "{\"oneOf\":[{\"type\":\"string\"},{\"type\":\"null\"}]}", "{\"type\":\"string\",\"nullable\":true}" },
    { "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}],\"default\":1}",
      "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"number\"}]}" },
    { "{\"type\":\"array\",\"uniqueItems\":true}", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}" },
    { "{\"type\":\"object\"}", "{\"type\":\"object\"}" },
    { "{\"allOf\":[{\"properties\":{\"a\":{}}},{\"properties\":{\"b\":{}},\"required\":[\"b\"]}]}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"string\"},\"b\":{\"type\":\"string\"}},\"required\":[\"b\"]}" },
    { "{\"properties\":{\"a\":{\"$ref\":\"#/$defs/n\",\"description\":\"d\"},\"b\":{\"$ref\":\"http://"
      "x\"}},\"$defs\":{\"n\":{\"type\":\"number\"}}}",
      "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"number\",\"description\":\"d\"},\"b\":{\"type\":\"string\"}}}" },
};

Test(gemini, a_schema_keeps_only_what_gemini_takes)
{
    for (size_t i = 0; i < sizeof schemas / sizeof *schemas; i++) {
        json_t *schema = json_loads(schemas[i].schema, JSON_DECODE_ANY, NULL), *clean = gemini_schema_clean(schema);
        char *text = json_dumps(clean, 0);
        cr_expect(rig_same_json(text, schemas[i].cleaned), "%s", schemas[i].schema);
        free(text);
        json_decref(schema);
        json_decref(clean);
    }
}

Test(gemini, a_schema_that_contains_itself_ends, .timeout = 10)
{
    json_t *schema = json_loads("{\"properties\":{\"a\":{\"$ref\":\"#/\"},\"b\":{\"$ref\":\"#/properties\"},\"c\":{\"$ref\":\"#/x\"}},"
                                "\"x\":{\"properties\":{\"l\":{\"$ref\":\"#/x\"},\"r\":{\"$ref\":\"#/x\"}}}}",
                                0, NULL);
    json_t *clean = gemini_schema_clean(schema);
    cr_assert(json_is_object(clean));
    json_decref(schema);
    json_decref(clean);
}
