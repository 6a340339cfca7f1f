#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "channels/openai_http.h"

static struct openai_chat chat;
static struct openai_error why;

static int parse(const char *text)
{
    return openai_chat_parse(str_of(text), &chat, &why);
}

static void expect_message(const char *body, const char *message)
{
    int rc = parse(body);
    cr_assert(rc == 0, "%s: %s", body, why.message);
    cr_assert_str_eq(buf_cstr(&chat.message), message);
    openai_chat_free(&chat);
}

static void expect_refusal(const char *body, const char *param, const char *text)
{
    cr_assert(parse(body) != 0, "%s was taken", body);
    cr_assert(why.status == 400 && strcmp(why.type, "invalid_request_error") == 0);
    cr_assert_str_eq(why.param, param);
    cr_assert(strstr(why.message, text), "%s: %s", body, why.message);
    cr_assert_null(chat.root);
}

#define USER(text) "{\"role\":\"user\",\"content\":\"" text "\"}"

Test(openai_http, takes_a_single_message_as_it_is)
{
    expect_message("{\"messages\":[" USER("  hi http ") "]}", "hi http");
}

Test(openai_http, folds_earlier_messages_into_the_current_one)
{
    expect_message("{\"messages\":[" USER("m1") ",{\"role\":\"assistant\",\"content\":\"a1\"}," USER("m2") "]}",
                   "[Chat messages since your last reply - for context]\nUser: m1\nAssistant: a1\n\n"
                   "[Current message - respond to this]\nUser: m2");
    expect_message(
        "{\"messages\":[" USER("m1") ",{\"role\":\"assistant\",\"content\":null},{\"role\":\"tool\",\"name\":\"ls\",\"content\":\"x\"}]}",
        "[Chat messages since your last reply - for context]\nUser: m1\n\n[Current message - respond to this]\nTool:ls: x");
    expect_message("{\"messages\":[" USER("m1") ",{\"role\":\"assistant\",\"content\":\"later\"}]}", "m1");
}

Test(openai_http, joins_system_messages)
{
    cr_assert(parse("{\"messages\":[{\"role\":\"system\",\"content\":\"A\"},{\"role\":\"developer\",\"content\":\"B\"}," USER("x") "]}") ==
              0);
    cr_assert(str_is(buf_str(&chat.system_text), "A\n\nB"));
    openai_chat_free(&chat);
}

Test(openai_http, reads_parts_and_images)
{
    cr_assert(
        parse("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"look\"},{\"type\":\"text\",\"text\":\"here\"},"
              "{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,aGk=\"}}]}]}") == 0);
    cr_assert(str_is(buf_str(&chat.message), "look\nhere") && chat.image_count == 1);
    cr_assert(str_is(chat.images[0].media_type, "image/png") && str_is(chat.images[0].data, "aGk="));
    openai_chat_free(&chat);
    expect_refusal(
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"https://x/y.png\"}}]}]}",
        "messages[].content", "must be data: URLs");
    expect_refusal(
        "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,%\"}}]}]}",
        "messages[].content", "base64");
}

Test(openai_http, takes_images_up_to_its_limit)
{
    for (int more = 0; more < 2; more++) {
        struct buf body = { 0 };
        buf_text(&body, "{\"messages\":[{\"role\":\"user\",\"content\":[");
        for (int i = 0; i < OPENAI_IMAGES_MAX + more; i++)
            buf_printf(&body, "%s{\"type\":\"image_url\",\"image_url\":\"data:image/png;base64,aGk=\"}", i ? "," : "");
        buf_text(&body, "]}]}");
        cr_assert_eq(parse(buf_cstr(&body)), more ? GW_ELIMIT : 0);
        openai_chat_free(&chat);
        buf_free(&body);
    }
}

Test(openai_http, takes_messages_up_to_its_limit)
{
    for (int more = 0; more < 2; more++) {
        struct buf body = { 0 };
        buf_text(&body, "{\"messages\":[");
        for (int i = 0; i < OPENAI_MESSAGES_MAX + more; i++) buf_printf(&body, "%s" USER("x"), i ? "," : "");
        buf_text(&body, "]}");
        cr_assert_eq(parse(buf_cstr(&body)), more ? GW_ELIMIT : 0);
        openai_chat_free(&chat);
        buf_free(&body);
    }
}

Test(openai_http, says_what_is_wrong_with_a_body)
{
    expect_refusal("{", "", "line 1 column 1");
    expect_refusal("[]", "", "must be a JSON object, not an array");
    expect_refusal("{\"messages\":[{\"role\":\"user\",\"content\":\"\xff\"}]}", "", "not valid JSON");
    expect_refusal("{}", "messages", "Missing user message in `messages`.");
    expect_refusal("{\"messages\":[]}", "messages", "Missing user message in `messages`.");
    expect_refusal("{\"messages\":[" USER("  ") "]}", "messages", "Missing user message in `messages`.");
    expect_refusal("{\"messages\":{}}", "messages", "must be an array, not an object");
    expect_refusal("{\"messages\":[7]}", "messages[0]", "must be an object, not a number");
    expect_refusal("{\"messages\":[{\"content\":\"x\"}]}", "messages[0]", "`messages[0].role` must be a string, not nothing");
    expect_refusal("{\"messages\":[{\"role\":\"user\",\"content\":7}]}", "messages[0].content", "not a number");
    expect_refusal("{\"messages\":[{\"role\":\"user\",\"content\":[7]}]}", "messages[0].content", "string `type`");
    expect_refusal("{\"stream\":1,\"messages\":[]}", "stream", "`stream` must be true or false, not a number");
    expect_refusal("{\"model\":[],\"messages\":[]}", "model", "must be a string, not an array");
    expect_refusal("{\"user\":\"a\\nb\",\"messages\":[]}", "user", "control characters");
    expect_refusal("{\"stream_options\":1,\"messages\":[]}", "stream_options", "must be an object");
}

Test(openai_http, reads_the_options)
{
    cr_assert(parse("{\"model\":\"m\",\"user\":\"u\",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"messages\":[" USER(
                  "x") "]}") == 0);
    cr_assert(str_is(chat.model, "m") && str_is(chat.user, "u") && chat.stream && chat.include_usage);
    openai_chat_free(&chat);
}

/* --- agent and session ------------------------------------------------------------------------------------------ */

static int route(const char *model, const char *user, const char *agent_header, const char *key_header, char *agent, char *key)
{
    struct openai_chat c = { .model = str_of(model), .user = str_of(user) };
    struct openai_headers h = { str_of(agent_header), str_of(key_header) };
    return openai_chat_route(&c, &h, STR("main"), "UUID", agent, key, &why);
}

static void expect_route(const char *model, const char *user, const char *agent_header, const char *key_header, const char *agent,
                         const char *key)
{
    char a[OPENAI_AGENT_MAX + 1], k[OPENAI_SESSION_KEY_MAX + 1];
    int rc = route(model, user, agent_header, key_header, a, k);
    cr_assert(rc == 0, "%s", why.message);
    cr_assert_str_eq(a, agent);
    cr_assert_str_eq(k, key);
}

Test(openai_http, finds_agent_and_session)
{
    expect_route("openclaw", "", "", "", "main", "agent:main:openai:UUID");
    expect_route("gpt-4", "u1", "", "", "main", "agent:main:openai-user:u1");
    expect_route("openclaw:beta", "u1", "", "", "beta", "agent:beta:openai-user:u1");
    expect_route("openclaw/Beta", "", "", "", "beta", "agent:beta:openai:UUID");
    expect_route("agent:beta", "", "", "", "beta", "agent:beta:openai:UUID");
    expect_route("openclaw:alpha", "", "beta", "", "beta", "agent:beta:openai:UUID");
    expect_route("x", "u", "", "agent:beta:custom1", "beta", "agent:beta:custom1");
    expect_route("x", "u", "beta", "agent:beta:a:b", "beta", "agent:beta:a:b");
    expect_route("openclaw:not an id", "", "", "", "main", "agent:main:openai:UUID");
}

Test(openai_http, refuses_malformed_agents_and_session_keys)
{
    char a[OPENAI_AGENT_MAX + 1], k[OPENAI_SESSION_KEY_MAX + 1], longest[OPENAI_SESSION_KEY_MAX + 2];
    static const char *const keys[] = { "main",        "agent:",        "agent::x",    "agent:beta",
                                        "agent:beta:", "agent:be ta:x", "user:beta:x", "agent:beta:a b" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) cr_assert(route("x", "", "", keys[i], a, k) == GW_EINVAL, "%s", keys[i]);
    cr_assert(route("x", "", "../etc", "", a, k) == GW_EINVAL);
    cr_assert(route("x", "", "alpha", "agent:beta:x", a, k) == GW_EINVAL);
    memset(longest, 'k', sizeof longest);
    memcpy(longest, "agent:b:", 8);
    longest[OPENAI_SESSION_KEY_MAX] = '\0';
    cr_assert(route("x", "", "", longest, a, k) == 0);
    longest[OPENAI_SESSION_KEY_MAX] = 'k';
    longest[OPENAI_SESSION_KEY_MAX + 1] = '\0';
    cr_assert(route("x", "", "", longest, a, k) == GW_EINVAL);
}

/* --- answers ---------------------------------------------------------------------------------------------------- */

static const struct openai_reply REPLY = { { "chatcmpl_1", 10 }, { "openclaw", 8 }, 5 };

/* Every key of `frame`, with values of the same kind, is in `ours`. */
static void expect_shape(const json_t *frame, const json_t *ours, const char *where)
{
    const char *key;
    json_t *value;
    cr_assert(ours && json_typeof(frame) == json_typeof(ours), "%s differs in kind", where);
    json_object_foreach((json_t *)frame, key, value) expect_shape(value, json_object_get(ours, key), key);
    for (size_t i = 0; i < json_array_size(frame); i++) expect_shape(json_array_get(frame, i), json_array_get(ours, i), where);
}

static json_t *frame_body(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, TEST_DATA_DIR "/http/%s", name);
    json_t *frame = json_load_file(path, 0, NULL), *copy;
    cr_assert(frame, "%s cannot be read", path);
    copy = json_string(json_string_value(json_object_get(frame, "body")));
    json_decref(frame);
    return copy;
}

Test(openai_http, writes_completions_in_the_recorded_shape)
{
    struct buf out = { 0 };
    json_t *text = frame_body("http-chat-basic.json"), *frame = json_loads(json_string_value(text), 0, NULL);
    openai_write_completion(&out, &REPLY, STR("hi \"you\""), "stop", (struct openai_usage){ 2, 3 });
    json_t *ours = json_loadb(out.p, out.n, 0, NULL);
    expect_shape(frame, ours, "completion");
    cr_assert_eq(json_integer_value(json_object_get(json_object_get(ours, "usage"), "total_tokens")), 5);
    json_decref(ours);
    json_decref(frame);
    json_decref(text);
    buf_free(&out);
}

Test(openai_http, writes_events_in_the_recorded_shape)
{
    struct buf out = { 0 };
    json_t *text = frame_body("http-chat-stream.json");
    struct str theirs = str_of(json_string_value(text)), ours;
    openai_write_role_event(&out, &REPLY);
    openai_write_text_event(&out, &REPLY, STR("one"));
    ours = buf_str(&out);
    for (int i = 0; i < 2; i++) {
        struct str a = str_split(&theirs, '\n'), b = str_split(&ours, '\n');
        cr_assert(str_starts(a, STR("data: ")) && str_starts(b, STR("data: ")));
        json_t *x = json_loadb(a.p + 6, a.n - 6, 0, NULL), *y = json_loadb(b.p + 6, b.n - 6, 0, NULL);
        expect_shape(x, y, "event");
        json_decref(x);
        json_decref(y);
        cr_assert(str_split(&theirs, '\n').n == 0 && str_split(&ours, '\n').n == 0);
    }
    json_decref(text);
    buf_clear(&out);
    openai_write_finish_event(&out, &REPLY, "length");
    openai_write_usage_event(&out, &REPLY, (struct openai_usage){ 1, 2 });
    openai_write_done_event(&out);
    cr_assert(strstr(buf_cstr(&out), "\"finish_reason\":\"length\""));
    cr_assert(strstr(buf_cstr(&out), "\"choices\":[],\"usage\":{\"prompt_tokens\":1"));
    cr_assert(str_ends(buf_str(&out), STR("data: [DONE]\n\n")));
    buf_free(&out);
}

Test(openai_http, an_empty_answer_reads_as_openclaw_says)
{
    struct buf out = { 0 };
    openai_write_completion(&out, &REPLY, STR(" \n"), "stop", (struct openai_usage){ 0, 0 });
    cr_assert(strstr(buf_cstr(&out), "\"content\":\"" OPENAI_NO_REPLY_TEXT "\""));
    buf_free(&out);
}

Test(openai_http, writes_errors_and_models)
{
    struct buf out = { 0 };
    struct str ids[] = { STR("alpha") };
    openai_write_error(&out, STR("no"), "api_error", "", NULL);
    cr_assert_str_eq(buf_cstr(&out), "{\"error\":{\"message\":\"no\",\"type\":\"api_error\"}}");
    buf_clear(&out);
    openai_write_error(&out, STR("no"), "api_error", "c", "p");
    cr_assert_str_eq(buf_cstr(&out), "{\"error\":{\"message\":\"no\",\"type\":\"api_error\",\"code\":\"c\",\"param\":\"p\"}}");
    buf_clear(&out);
    openai_write_models(&out, ids, 1, 9);
    cr_assert_str_eq(buf_cstr(&out),
                     "{\"object\":\"list\",\"data\":[{\"id\":\"openclaw\",\"object\":\"model\",\"created\":9,\"owned_by\":"
                     "\"openclaw\"},{\"id\":\"openclaw:alpha\",\"object\":\"model\",\"created\":9,\"owned_by\":\"openclaw\"}]}");
    buf_free(&out);
}
