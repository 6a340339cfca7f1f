/* A message in, an answer out: the customer's config, unchanged, between an HTTP client and two providers. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "support/gateway.h"

static const char HOMELAB[] = TEST_DATA_DIR "/homelab/openclaw.json";
static const char *const AGENTS[] = { "homelab-admin", "cursor-agent",  "devops-sre",    "software-engineer", "security-analyst",
                                      "qa-tester",     "deutsch-tutor", "english-tutor", "daily-routine" };

static void expect_header(const struct http_reply *r, const char *name, const char *value)
{
    struct str seen = http_reply_header(r, name);
    cr_expect(str_is(seen, value), "%s: %.*s, not %s", name, STR_ARG(seen), value);
}

static void expect_content(const struct http_reply *r, const char *text)
{
    char *content = kit_content(r);
    cr_expect_str_eq(content, text);
    free(content);
}

static void expect_no_violations(const struct fake *f)
{
    json_t *stats = fake_stats(f);
    char *reasons = json_dumps(json_object_get(stats, "reasons"), 0);
    cr_expect_eq(json_integer_value(json_object_get(stats, "violations")), 0, "%s", reasons);
    free(reasons);
    json_decref(stats);
}

Test(e2e_answer, comes_from_openrouter_with_the_homelab_config, .timeout = 60)
{
    struct kit k;
    struct http_reply r = { 0 };
    kit_start(&k, NULL);
    cr_assert_eq(kit_chat(&k, NULL, "good morning", &r), 0);
    cr_expect_eq(r.status, 200, "%s", buf_cstr(&r.body));
    expect_content(&r, "good morning");
    expect_header(&r, "x-openclaw-model", KIT_OPENROUTER_MODEL);
    cr_expect(http_reply_header(&r, "x-openclaw-run-id").n > 0, "no x-openclaw-run-id");
    cr_expect_eq(fake_count(&k.openrouter, "requests"), 1);
    cr_expect_eq(fake_count(&k.gemini, "requests"), 0);
    expect_no_violations(&k.openrouter);
    http_reply_free(&r);
    kit_stop(&k);
}

Test(e2e_answer, comes_from_gemini_when_openrouter_is_at_429, .timeout = 60)
{
    struct kit k;
    struct http_reply r = { 0 };
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"default\":{\"status\":429}}");
    for (int turn = 0; turn < 2; turn++) { /* the second finds the first's history, and the provider cooling down */
        cr_assert_eq(kit_chat(&k, "u", "hello", &r), 0);
        cr_expect_eq(r.status, 200, "%s", buf_cstr(&r.body));
        expect_content(&r, "hello");
        expect_header(&r, "x-openclaw-model", KIT_GEMINI_MODEL);
    }
    cr_expect(fake_count(&k.openrouter, "requests") <= 2, "a provider that is cooling down was asked again");
    cr_expect_eq(fake_count(&k.gemini, "requests"), 2);
    cr_expect_eq(
        kit_sql(&k,
                "SELECT count(*) FROM turn_ends WHERE model_asked LIKE '%step-3.5-flash:free' AND model_answered LIKE '%gemini-2.5-pro'"),
        2);
    expect_no_violations(&k.gemini);
    http_reply_free(&r);
    kit_stop(&k);
}

Test(e2e_answer, names_both_reasons_when_both_fail, .timeout = 60)
{
    struct kit k;
    struct http_reply r = { 0 };
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"default\":{\"status\":429}}");
    fake_control(&k.gemini, "{\"default\":{\"status\":503}}");
    cr_assert_eq(kit_chat(&k, NULL, "hello", &r), 0);
    cr_expect_eq(r.status, 502, "%s", buf_cstr(&r.body));
    char *message = kit_error(&r);
    cr_expect(strstr(message, KIT_OPENROUTER_MODEL) && strstr(message, KIT_GEMINI_MODEL), "%s", message);
    cr_expect(strstr(message, "429") || strstr(message, "rate"), "the first reason is missing: %s", message);
    cr_expect(strstr(message, "503") || strstr(message, "overloaded"), "the second reason is missing: %s", message);
    cr_expect(!strstr(message, KIT_OPENROUTER_KEY) && !strstr(message, KIT_GEMINI_KEY), "a key in an error: %s", message);
    free(message);
    http_reply_free(&r);
    kit_stop(&k);
}

/* libcurl is opened when the first request needs it: where it is broken, the gateway runs and says what to install. */
Test(e2e_answer, names_libcurl_when_it_cannot_be_loaded, .timeout = 60)
{
    struct kit k;
    struct http_reply r = { 0 };
    char dir[] = "/tmp/openclaw-no-curl-XXXXXX", file[64], path[64];
    cr_assert_not_null(mkdtemp(dir));
    snprintf(file, sizeof file, "%s/libcurl.so.4", dir);
    snprintf(path, sizeof path, "LD_LIBRARY_PATH=%s", dir);
    FILE *f = fopen(file, "w"); /* found first, and no library */
    cr_assert_not_null(f);
    fclose(f);
    const char *const env[] = { path, NULL };
    kit_start(&k, &(struct kit_options){ .env = env });
    cr_assert_eq(kit_chat(&k, NULL, "hello", &r), 0);
    cr_expect_eq(r.status, 502, "%s", buf_cstr(&r.body));
    char *message = kit_error(&r);
    cr_expect(strstr(message, "package libcurl4"), "%s", message);
    cr_expect_eq(fake_count(&k.openrouter, "requests"), 0);
    free(message);
    http_reply_free(&r);
    kit_stop(&k);
    unlink(file);
    rmdir(dir);
}

Test(e2e_answer, config_raises_no_complaint_and_has_nine_agents, .timeout = 60)
{
    struct kit k;
    struct http_reply r = { 0 };
    struct http_call models = { .path = "/v1/models", .token = KIT_TOKEN };
    const char *validate[] = { GW_OPENCLAW, "config", "validate", HOMELAB, NULL };
    proc_t *p;
    int status;
    cr_assert_eq(proc_start(validate, NULL, &p), 0);
    cr_assert_eq(proc_wait(p, 10000, &status), 0);
    char *said = proc_output(p);
    cr_expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "%s", said);
    cr_expect(!strstr(said, "warn") && !strstr(said, "unknown"), "%s", said);
    free(said);
    proc_stop(&p);
    kit_start(&k, NULL);
    cr_assert_eq(http_call(k.port, &models, 5000, &r), 0);
    cr_expect_eq(r.status, 200);
    cr_expect_not_null(strstr(buf_cstr(&r.body), "\"object\":\"list\""));
    for (size_t i = 0; i < sizeof AGENTS / sizeof *AGENTS; i++)
        cr_expect(strstr(buf_cstr(&r.body), AGENTS[i]) != NULL, "%s is not among the models: %s", AGENTS[i], buf_cstr(&r.body));
    http_reply_free(&r);
    kit_stop(&k);
}

Test(e2e_answer, reports_health_and_readiness, .timeout = 60)
{
    static const char *const live[] = { "/health", "/healthz" };
    struct kit k;
    struct http_reply r = { 0 };
    kit_start(&k, NULL);
    for (size_t i = 0; i < 2; i++) {
        struct http_call call = { .path = live[i] };
        cr_assert_eq(http_call(k.port, &call, 5000, &r), 0);
        cr_expect_eq(r.status, 200);
        cr_expect(i == 1 || strcmp(buf_cstr(&r.body), "{\"ok\":true,\"status\":\"live\"}") == 0, "%s", buf_cstr(&r.body));
    }
    struct http_call ready = { .path = "/readyz" };
    cr_assert_eq(http_call(k.port, &ready, 5000, &r), 0);
    cr_expect_eq(r.status, 200, "%s", buf_cstr(&r.body));
    http_reply_free(&r);
    kit_stop(&k);
}

/* How many messages of a role the last request to the fake held. */
static size_t last_body_roles(const struct fake *f, const char *role)
{
    json_t *stats = fake_stats(f), *bodies = json_object_get(stats, "bodies"), *m;
    json_t *body = json_object_get(json_array_get(bodies, json_array_size(bodies) - 1), "body");
    size_t i, n = 0;
    json_array_foreach(json_object_get(body, "messages"), i, m) if (strcmp(json_string_value(json_object_get(m, "role")), role) == 0) n++;
    json_decref(stats);
    return n;
}

Test(e2e_answer, keeps_one_session_per_user, .timeout = 60)
{
    struct kit k;
    struct http_reply r = { 0 };
    kit_start(&k, NULL);
    cr_assert_eq(kit_chat(&k, "anna", "one", &r), 0);
    cr_assert_eq(kit_chat(&k, "anna", "two", &r), 0);
    cr_expect_eq(r.status, 200);
    cr_expect_eq(last_body_roles(&k.openrouter, "user"), 2);
    cr_expect_eq(last_body_roles(&k.openrouter, "assistant"), 1);
    cr_assert_eq(kit_chat(&k, "bert", "three", &r), 0);
    cr_expect_eq(last_body_roles(&k.openrouter, "user"), 1);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM sessions WHERE key = 'agent:homelab-admin:openai-user:anna'"), 1);
    cr_expect_eq(kit_sql(&k, "SELECT count(*) FROM sessions"), 2);
    expect_no_violations(&k.openrouter);
    http_reply_free(&r);
    kit_stop(&k);
}

Test(e2e_answer, chooses_agent_and_session_by_model_and_headers, .timeout = 60)
{
    static const struct {
        const char *model, *headers, *where;
    } rows[] = {
        { "openclaw:devops-sre", NULL, "agent = 'devops-sre'" },
        { "agent:qa-tester", NULL, "agent = 'qa-tester'" },
        { "openclaw", "x-openclaw-agent-id: english-tutor\r\n", "agent = 'english-tutor'" },
        { "openclaw", "x-openclaw-session-key: agent:daily-routine:main\r\n", "key = 'agent:daily-routine:main'" },
        { "openclaw", NULL, "agent = 'homelab-admin' AND key LIKE 'agent:homelab-admin:openai:%'" },
    };
    struct kit k;
    kit_start(&k, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_reply r = { 0 };
        char body[200], sql[200];
        snprintf(body, sizeof body, "{\"model\":\"%s\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}", rows[i].model);
        snprintf(sql, sizeof sql, "SELECT count(*) FROM sessions WHERE %s", rows[i].where);
        struct http_call call = { .path = "/v1/chat/completions", .token = KIT_TOKEN, .headers = rows[i].headers, .body = str_of(body) };
        cr_assert_eq(http_call(k.port, &call, KIT_TURN_MS, &r), 0);
        cr_expect(r.status == 200, "row %zu: %d %s", i, r.status, buf_cstr(&r.body));
        cr_expect(strstr(buf_cstr(&r.body), rows[i].model) != NULL, "row %zu does not echo its model: %s", i, buf_cstr(&r.body));
        cr_expect(kit_sql(&k, sql) == 1, "row %zu: no session where %s", i, rows[i].where);
        http_reply_free(&r);
    }
    kit_stop(&k);
}

/* What a stream said, gathered event by event. */
struct stream {
    struct buf text;
    int events, contents, stops, usages, after_stop;
    int64_t prompt_tokens, completion_tokens;
    bool role_first, done;
};

static void take_event(struct stream *s, const struct buf *data)
{
    s->events++;
    cr_expect(!s->done, "an event after [DONE]");
    if (str_is(buf_str(data), "[DONE]")) {
        s->done = true;
        return;
    }
    json_t *root = json_loadb(data->p, data->n, 0, NULL);
    cr_expect(root != NULL, "not JSON: %.*s", (int)data->n, data->p);
    json_t *choice = json_array_get(json_object_get(root, "choices"), 0), *delta = json_object_get(choice, "delta");
    json_t *content = json_object_get(delta, "content"), *usage = json_object_get(root, "usage");
    const char *finish = json_string_value(json_object_get(choice, "finish_reason"));
    cr_expect_str_eq(json_string_value(json_object_get(root, "object")), "chat.completion.chunk");
    if (s->events == 1) s->role_first = json_object_get(delta, "role") != NULL;
    if (json_is_string(content) && json_string_length(content) > 0) {
        buf_text(&s->text, json_string_value(content));
        s->contents++;
        s->after_stop += s->stops;
    }
    if (finish && strcmp(finish, "stop") == 0) s->stops++;
    if (json_is_object(usage)) {
        s->usages++;
        s->prompt_tokens = json_integer_value(json_object_get(usage, "prompt_tokens"));
        s->completion_tokens = json_integer_value(json_object_get(usage, "completion_tokens"));
    }
    json_decref(root);
}

Test(e2e_answer, streams_role_deltas_stop_usage_and_done, .timeout = 60)
{
    struct kit k;
    struct stream s = { 0 };
    struct http_reply r = { 0 };
    struct buf data = { 0 };
    http_conn_t *c;
    kit_start(&k, NULL);
    fake_control(&k.openrouter, "{\"default\":{\"text\":\"one two three "
                                "four\",\"deltas\":4,\"delay_ms\":30,\"reasoning\":\"hm\",\"usage\":{\"input\":21,\"output\":7}}}");
    char *body = kit_chat_body(NULL, "u", "hi", ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    struct http_call call = { .path = "/v1/chat/completions", .token = KIT_TOKEN, .body = str_of(body) };
    cr_assert_eq(http_open(k.port, &c), 0);
    cr_assert_eq(http_send(c, &call, 5000), 0);
    cr_assert_eq(http_read_head(c, KIT_TURN_MS, &r), 0);
    cr_expect(str_starts(http_reply_header(&r, "content-type"), STR("text/event-stream")), "the answer is no event stream");
    int rc;
    while ((rc = http_read_event(c, KIT_TURN_MS, &data)) == 0) take_event(&s, &data);
    cr_expect_eq(rc, GW_ENOENT, "%s", err_name(rc));
    cr_expect_str_eq(buf_cstr(&s.text), "one two three four");
    cr_expect(s.role_first && s.done, "role first: %d, [DONE]: %d", s.role_first, s.done);
    cr_expect(s.contents >= 2, "deltas came in %d piece(s): not streamed", s.contents);
    cr_expect_eq(s.stops, 1);
    cr_expect_eq(s.after_stop, 0);
    cr_expect_eq(s.usages, 1);
    cr_expect(s.prompt_tokens == 21 && s.completion_tokens == 7, "usage %lld, %lld", (long long)s.prompt_tokens,
              (long long)s.completion_tokens);
    free(body);
    buf_free(&data);
    buf_free(&s.text);
    http_reply_free(&r);
    http_close(&c);
    kit_stop(&k);
}
