/* Budgets: who has used his up asks no model any more. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "support/gateway.h"

static struct kit K;

static void start(const char *budgets)
{
    static char config[2048];
    snprintf(config, sizeof config,
             "{ agents: { list: [{ id: 'main', default: true }, { id: 'other' }], defaults: { model: { primary: '" KIT_OPENROUTER_MODEL
             "' } } },"
             "budgets: { %s } }",
             budgets);
    const struct kit_options options = { .config_text = config };
    kit_start(&K, &options);
}

static size_t requests(void)
{
    json_t *stats = fake_stats(&K.openrouter);
    size_t n = json_array_size(json_object_get(stats, "bodies"));
    json_decref(stats);
    return n;
}

/* One turn. @return its HTTP status; what was said is in *text, the caller's to free */
static int turn(const char *agent, const char *user, char **text)
{
    struct http_reply r = { 0 };
    char *body = kit_chat_body(agent, user, "hello", NULL);
    const struct http_call call = { .path = "/v1/chat/completions", .token = KIT_TOKEN, .body = str_of(body) };
    cr_assert_eq(http_call(K.port, &call, KIT_TURN_MS, &r), 0);
    free(body);
    int status = r.status;
    *text = strdup(r.body.p ? buf_cstr(&r.body) : "");
    http_reply_free(&r);
    return status;
}

static void expect_turn(const char *agent, const char *user, int status, const char *words)
{
    char *text;
    size_t before = requests();
    int got = turn(agent, user, &text);
    cr_expect_eq(got, status, "%s/%s: %d %s", agent ? agent : "-", user, got, text);
    if (words) cr_expect(strstr(text, words), "%s", text);
    cr_expect_eq(requests() - before, status == 200, "a refused turn asks nobody");
    free(text);
}

Test(e2e_budgets, a_day_that_is_paid_is_over, .timeout = 90)
{
    start("day: { tokens: 1 }");
    expect_turn(NULL, "u", 200, NULL);
    expect_turn(NULL, "u", 429, "The gateway has used up its budget of the day: ");
    expect_turn("other", "v", 429, "of 1 tokens (budgets.day.tokens). The next day begins at 00:00 UTC.");
    kit_restart(&K);
    expect_turn(NULL, "w", 429, "budgets.day.tokens");
    kit_stop(&K);
}

Test(e2e_budgets, agents_and_sessions_have_their_own, .timeout = 90)
{
    start("agent: { tokens: 1 }");
    expect_turn(NULL, "u", 200, NULL);
    expect_turn(NULL, "v", 429, "This agent has used up its budget of the day: ");
    expect_turn("other", "u", 200, NULL);
    kit_stop(&K);
    start("session: { tokens: 1 }");
    expect_turn(NULL, "u", 200, NULL);
    expect_turn(NULL, "u", 429, "(budgets.session.tokens). /new begins another one.");
    expect_turn(NULL, "v", 200, NULL);
    kit_restart(&K);
    expect_turn(NULL, "u", 429, "budgets.session.tokens");
    kit_stop(&K);
}

Test(e2e_budgets, a_turn_ends_when_its_own_is_used_up, .timeout = 90)
{
    char *text;
    start("turn: { tokens: 1 }");
    fake_control(&K.openrouter,
                 "{\"next\":[{\"tool_calls\":[{\"id\":\"c\",\"name\":\"agents_list\",\"arguments\":{}}]},{\"text\":\"done\"}]}");
    cr_expect_eq(turn(NULL, "u", &text), 429);
    cr_expect(strstr(text, "This turn has used up its budget: ") && strstr(text, "budgets.turn.tokens"), "%s", text);
    cr_expect_eq(requests(), 1);
    free(text);
    kit_stop(&K);
}
