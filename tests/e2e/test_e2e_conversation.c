/* What a session makes of a conversation: history, tool calls, a prompt that no longer fits, silence. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "support/gateway.h"

enum { LONG_TURNS = 5, LONG_TEXT = 30000 /* bytes: five of them are more than a compaction keeps */ };

/* The body of request number `i` (from 0) that the fake was sent. */
static json_t *body_of(json_t *stats, size_t i)
{
    return json_object_get(json_array_get(json_object_get(stats, "bodies"), i), "body");
}

/* Whether a text stands anywhere in a JSON value. */
static bool mentions(const json_t *value, const char *text)
{
    char *dump = value ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
    bool found = dump && strstr(dump, text);
    free(dump);
    return found;
}

static void expect_said(struct kit *k, const char *text, const char *answer)
{
    struct http_reply r = { 0 };
    cr_assert_eq(kit_chat(k, "u", text, &r), 0);
    char *content = kit_content(&r);
    cr_expect(r.status == 200 && strcmp(content, answer) == 0, "%d: %.200s", r.status, r.body.p ? buf_cstr(&r.body) : "");
    free(content);
    http_reply_free(&r);
}

Test(e2e_conversation, each_turn_brings_what_was_said_before, .timeout = 60)
{
    struct kit k;
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"default\":{\"echo\":true}}");
    expect_said(&k, "my name is Ada", "my name is Ada");
    expect_said(&k, "what is my name?", "what is my name?");
    json_t *stats = fake_stats(&k.openrouter);
    json_t *second = json_object_get(body_of(stats, 1), "messages");
    cr_expect_eq(json_array_size(second), 4, "system, user, assistant, user");
    cr_expect(mentions(second, "my name is Ada"));
    json_decref(stats);
    cr_expect_eq(fake_count(&k.openrouter, "violations"), 0);
    kit_stop(&k);
}

Test(e2e_conversation, what_a_provider_does_not_tell_of_its_use_is_guessed_and_marked, .timeout = 60)
{
    struct kit k;
    kit_start(&k, NULL);
    fake_control(&k.openrouter,
                 "{\"next\":[{\"text\":\"an answer of some length, without a word about tokens\",\"usage\":{\"input\":0,\"output\":0}},"
                 "{\"text\":\"told\",\"usage\":{\"input\":7,\"output\":3}}]}");
    expect_said(&k, "hello", "an answer of some length, without a word about tokens");
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE json LIKE '%\"estimated\":true%'"), 1);
    cr_expect_gt(kit_sql(&k, "SELECT json_extract(json, '$.usage.input') FROM messages WHERE role = 'assistant'"), 100,
                 "the prompt's tools count");
    cr_expect_eq(kit_sql(&k, "SELECT json_extract(json, '$.usage.output') FROM messages WHERE role = 'assistant'"), 14);
    expect_said(&k, "and now?", "told");
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE json LIKE '%\"estimated\":true%'"), 1, "what is told is not guessed");
    kit_stop(&k);
}

Test(e2e_conversation, a_history_survives_a_restart_and_another_model, .timeout = 60)
{
    struct kit k;
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"default\":{\"echo\":true,\"tool_calls\":[]}}");
    fake_control(&k.openrouter, "{\"next\":[{\"tool_calls\":[{\"id\":\"c1\",\"name\":\"nosuch\",\"arguments\":{\"a\":1}},"
                                "{\"id\":\"c2\",\"name\":\"other\",\"arguments\":{}}]},{\"text\":\"done\"}],\"default\":{\"status\":503}}");
    expect_said(&k, "use your tools", "done");
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE role = 'toolResult'"), 2);
    cr_assert_eq(proc_stop(&k.gateway), 0);
    kit_restart(&k);
    fake_control(&k.gemini, "{\"default\":{\"echo\":true}}");
    expect_said(&k, "and now?", "and now?"); /* Gemini takes a history with calls that it did not make */
    cr_expect_eq(fake_count(&k.gemini, "violations"), 0);
    json_t *stats = fake_stats(&k.gemini);
    cr_expect(mentions(body_of(stats, 0), "Tool nosuch not found"));
    json_decref(stats);
    kit_stop(&k);
}

Test(e2e_conversation, a_prompt_that_does_not_fit_is_compacted_and_asked_again, .timeout = 120)
{
    struct kit k;
    char *text = malloc(LONG_TEXT + 1);
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"default\":{\"text\":\"noted\"}}");
    for (int i = 0; i < LONG_TURNS; i++) {
        memset(text, 'a' + i, LONG_TEXT);
        text[LONG_TEXT] = '\0';
        expect_said(&k, text, "noted");
    }
    fake_control(&k.openrouter,
                 "{\"next\":[{\"status\":400,\"body\":{\"error\":{\"code\":\"context_length_exceeded\",\"message\":\"too long\"}}},"
                 "{\"text\":\"SUMMARY OF THE PAST\"},{\"text\":\"answered\"}]}");
    expect_said(&k, "go on", "answered");
    json_t *stats = fake_stats(&k.openrouter);
    json_t *last = body_of(stats, LONG_TURNS + 2);
    cr_expect(mentions(body_of(stats, LONG_TURNS + 1), "<conversation>"), "the summary is asked for");
    cr_expect(mentions(last, "SUMMARY OF THE PAST") && mentions(last, "compacted into the following summary"));
    cr_expect(mentions(last, "go on") && mentions(last, "eeeeeeee") && !mentions(last, "aaaaaaaa"),
              "recent messages stay, old ones do not");
    json_decref(stats);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE kind = 1"), 1, "one compaction on record");
    expect_said(&k, "and again", "noted");
    stats = fake_stats(&k.openrouter);
    cr_expect(mentions(body_of(stats, LONG_TURNS + 3), "SUMMARY OF THE PAST"), "later turns see the summary");
    json_decref(stats);
    cr_expect_eq(fake_count(&k.openrouter, "violations"), 0);
    free(text);
    kit_stop(&k);
}

Test(e2e_conversation, a_silent_reply_says_nothing, .timeout = 60)
{
    struct kit k;
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"default\":{\"text\":\"NO_REPLY\",\"deltas\":3}}");
    expect_said(&k, "psst", "No response from OpenClaw.");
    char *body = kit_chat_body(NULL, "u", "psst", ",\"stream\":true");
    struct http_call call = { .path = "/v1/chat/completions", .token = KIT_TOKEN, .body = str_of(body) };
    struct http_reply r = { 0 };
    cr_assert_eq(http_call(k.port, &call, KIT_TURN_MS, &r), 0);
    cr_expect(r.status == 200 && str_find(buf_str(&r.body), STR("[DONE]")) > 0);
    cr_expect(str_find(buf_str(&r.body), STR("NO")) < 0, "nothing of it is streamed: %s", buf_cstr(&r.body));
    http_reply_free(&r);
    free(body);
    kit_stop(&k);
}

/* SESSION_STEPS_MAX (actors/session.h) is 100: a model that only ever calls tools is asked so often and no more. */
Test(e2e_conversation, a_model_that_never_stops_calling_tools_is_stopped, .timeout = 120)
{
    struct kit k;
    struct http_reply r = { 0 };
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"default\":{\"tool_calls\":[{\"id\":\"c\",\"name\":\"again\",\"arguments\":{}}]}}");
    cr_assert_eq(kit_chat(&k, "u", "go", &r), 0);
    char *error = kit_error(&r);
    cr_expect(r.status == 502 && strstr(error, "SESSION_STEPS_MAX"), "%d: %s", r.status, error);
    free(error);
    http_reply_free(&r);
    cr_expect_eq(fake_count(&k.openrouter, "requests"), 100);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM messages WHERE role = 'toolResult'"), 100);
    kit_stop(&k);
}
