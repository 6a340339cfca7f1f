/* The fallback table (DESIGN 8.1), row by row: what the first provider does, and who answers then. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "support/gateway.h"

/* A gateway whose first provider may be silent for 400 ms only, so that the rows about silence are quick. */
static const char QUICK_CONFIG[] =
    "{ agents: { defaults: { model: { primary: '" KIT_OPENROUTER_MODEL "', fallbacks: ['" KIT_GEMINI_MODEL "'] } } },\n"
    "  models: { providers: { openrouter: { timeouts: { firstByteMs: 400, silenceMs: 400 } } } } }\n";

enum route { FALLS_BACK, STAYS, REFUSED };

struct row {
    const char *name, *control;
    enum route route;
    const char *url; /* NULL: the usual one */
};

static const struct row STATUS_ROWS[] = {
    { "401", "{\"default\":{\"status\":401}}", FALLS_BACK, NULL },
    { "402", "{\"default\":{\"status\":402}}", FALLS_BACK, NULL },
    { "403", "{\"default\":{\"status\":403}}", FALLS_BACK, NULL },
    { "404 model", "{\"default\":{\"status\":404}}", FALLS_BACK, NULL },
    { "408", "{\"default\":{\"status\":408}}", FALLS_BACK, NULL },
    { "429", "{\"default\":{\"status\":429}}", FALLS_BACK, NULL },
    { "429, retry in an hour", "{\"default\":{\"status\":429,\"headers\":{\"Retry-After\":\"3600\"}}}", FALLS_BACK, NULL },
    { "500", "{\"default\":{\"status\":500}}", FALLS_BACK, NULL },
    { "502", "{\"default\":{\"status\":502}}", FALLS_BACK, NULL },
    { "503", "{\"default\":{\"status\":503}}", FALLS_BACK, NULL },
    { "504", "{\"default\":{\"status\":504}}", FALLS_BACK, NULL },
    { "529", "{\"default\":{\"status\":529}}", FALLS_BACK, NULL },
    { "502 with HTML", "{\"default\":{\"status\":502,\"body\":\"<html>Bad gateway</html>\"}}", FALLS_BACK, NULL },
    { "insufficient_quota in a 400", "{\"default\":{\"quota\":true}}", FALLS_BACK, NULL },
    { "plain 400", "{\"default\":{\"status\":400,\"message\":\"temperature 429 is not allowed\"}}", REFUSED, NULL },
    { "422", "{\"default\":{\"status\":422}}", REFUSED, NULL },
};

static const struct row TRANSPORT_ROWS[] = {
    { "reset before the head", "{\"default\":{\"reset\":\"start\"}}", FALLS_BACK, NULL },
    { "reset after the head", "{\"default\":{\"reset\":\"headers\"}}", FALLS_BACK, NULL },
    { "bytes that are no HTTP", "{\"default\":{\"garbage\":true}}", FALLS_BACK, NULL },
    { "TLS failure", "{}", FALLS_BACK, "https://127.0.0.1:%d/api/v1" },
    { "no first byte", "{\"default\":{\"hang\":\"start\"}}", FALLS_BACK, NULL },
    { "silence after the head", "{\"default\":{\"hang\":\"headers\"}}", FALLS_BACK, NULL },
    { "200 with an error body", "{\"default\":{\"json_error\":true}}", FALLS_BACK, NULL },
    { "200 with an error event", "{\"default\":{\"error_after\":0}}", FALLS_BACK, NULL },
    { "200 with HTML", "{\"default\":{\"status\":200,\"body\":\"<html>hello</html>\"}}", FALLS_BACK, NULL },
    { "stream cut before any text", "{\"default\":{\"truncate\":0}}", FALLS_BACK, NULL },
    { "keep-alive comments for longer than the silence", "{\"default\":{\"comments\":8,\"comment_ms\":150}}", STAYS, NULL },
    { "one 500 without Retry-After, then well", "{\"next\":[{\"status\":500}]}", FALLS_BACK, NULL },
    { "429 with a short Retry-After, then well", "{\"next\":[{\"status\":429,\"headers\":{\"Retry-After\":\"1\"}}]}", STAYS, NULL },
};

/* Once a person has read half an answer, another model does not begin anew: the turn ends there. */
static const struct row PARTIAL_ROWS[] = {
    { "error event after text", "{\"default\":{\"text\":\"half an answer\",\"deltas\":2,\"error_after\":1}}", STAYS, NULL },
    { "reset after text", "{\"default\":{\"text\":\"half an answer\",\"deltas\":2,\"reset\":1}}", STAYS, NULL },
    { "stall after text", "{\"default\":{\"text\":\"half an answer\",\"deltas\":2,\"hang\":1}}", STAYS, NULL },
};

static void expect_answer(const struct row *row, const struct http_reply *r, const char *model)
{
    struct str seen = http_reply_header(r, "x-openclaw-model");
    char *content = kit_content(r);
    cr_expect(r->status == 200, "%s: status %d, %.*s", row->name, r->status, (int)r->body.n, r->body.p ? r->body.p : "");
    cr_expect(str_is(seen, model), "%s: answered by %.*s", row->name, STR_ARG(seen));
    cr_expect(strcmp(content, "hello") == 0, "%s: said %s", row->name, content);
    free(content);
}

static void run_row(const struct row *row)
{
    struct kit k;
    struct http_reply r = { 0 };
    struct kit_options o = { .config_text = QUICK_CONFIG, .openrouter_url = row->url };
    kit_start(&k, &o);
    cr_expect_eq(fake_control(&k.openrouter, "%s", row->control), 200);
    int rc = kit_chat(&k, "u", "hello", &r);
    cr_expect(rc == 0, "%s: no HTTP answer", row->name);
    int64_t asked = fake_count(&k.openrouter, "requests") + fake_count(&k.openrouter, "tls_hellos");
    int64_t second = fake_count(&k.gemini, "requests");
    switch (row->route) {
    case FALLS_BACK:
        expect_answer(row, &r, KIT_GEMINI_MODEL);
        cr_expect(asked >= 1 && asked <= 2, "%s: the first was asked %lld times", row->name, (long long)asked);
        cr_expect(second == 1, "%s: the second was asked %lld times", row->name, (long long)second);
        break;
    case STAYS:
        expect_answer(row, &r, KIT_OPENROUTER_MODEL);
        cr_expect(second == 0, "%s: the second was asked", row->name);
        break;
    case REFUSED:
        cr_expect(r.status >= 400, "%s: status %d", row->name, r.status);
        cr_expect(asked == 1 && second == 0, "%s: asked %lld and %lld times", row->name, (long long)asked, (long long)second);
        break;
    }
    http_reply_free(&r);
    kit_stop(&k);
}

/* Ask for a stream and gather its text. @return how it ended: GW_ENOENT is the clean end */
static int stream_text(const struct kit *k, struct buf *text, bool *done)
{
    http_conn_t *c;
    struct http_reply r = { 0 };
    struct buf data = { 0 };
    char *body = kit_chat_body(NULL, "u", "hello", ",\"stream\":true");
    struct http_call call = { .path = "/v1/chat/completions", .token = KIT_TOKEN, .body = str_of(body) };
    int rc = http_open(k->port, &c);
    cr_assert_eq(rc, 0);
    rc = http_send(c, &call, KIT_TURN_MS);
    if (rc == 0) rc = http_read_head(c, KIT_TURN_MS, &r);
    cr_expect(rc == 0 && r.status == 200, "code %d, status %d", rc, r.status);
    while (rc == 0 && (rc = http_read_event(c, KIT_TURN_MS, &data)) == 0) {
        json_t *root = json_loadb(data.p, data.n, 0, NULL);
        json_t *delta = json_object_get(json_array_get(json_object_get(root, "choices"), 0), "delta");
        const char *content = json_string_value(json_object_get(delta, "content"));
        if (content) buf_text(text, content);
        *done = str_is(buf_str(&data), "[DONE]");
        json_decref(root);
    }
    free(body);
    buf_free(&data);
    http_reply_free(&r);
    http_close(&c);
    return rc;
}

static void run_streamed(const struct row *row, const char *begins, int64_t second)
{
    struct kit k;
    struct buf text = { 0 };
    bool done = false;
    struct kit_options o = { .config_text = QUICK_CONFIG, .openrouter_url = row->url };
    kit_start(&k, &o);
    cr_expect_eq(fake_control(&k.openrouter, "%s", row->control), 200);
    int rc = stream_text(&k, &text, &done);
    cr_expect(rc == GW_ENOENT || rc == GW_EIO, "%s: the stream hung", row->name);
    cr_expect(str_starts(buf_str(&text), str_of(begins)), "%s: said %s", row->name, buf_cstr(&text));
    cr_expect(str_find(buf_str(&text), STR("hello")) == (second == 1 ? 0 : -1), "%s: said %s", row->name, buf_cstr(&text));
    cr_expect(second == 0 || done, "%s: no [DONE]", row->name);
    cr_expect(fake_count(&k.gemini, "requests") == second, "%s: the second was asked %lld times", row->name,
              (long long)fake_count(&k.gemini, "requests"));
    int64_t deadline = now_ms() + KIT_TURN_MS;
    while (kit_sql(&k, "SELECT count(*) FROM turn_inputs") != 0 && now_ms() < deadline) pause_ms(5);
    cr_expect(kit_sql(&k, "SELECT count(*) FROM turn_inputs") == 0, "%s: the turn has not ended", row->name);
    buf_free(&text);
    kit_stop(&k);
}

Test(e2e_fallback, asks_nobody_else_once_text_was_seen, .timeout = 120)
{
    for (size_t i = 0; i < sizeof PARTIAL_ROWS / sizeof *PARTIAL_ROWS; i++) run_streamed(&PARTIAL_ROWS[i], "half", 0);
}

Test(e2e_fallback, streams_the_second_answer_alone, .timeout = 240)
{
    for (size_t i = 0; i < sizeof TRANSPORT_ROWS / sizeof *TRANSPORT_ROWS; i++)
        if (TRANSPORT_ROWS[i].route == FALLS_BACK) run_streamed(&TRANSPORT_ROWS[i], "hello", 1);
}

Test(e2e_fallback, goes_by_status_and_code, .timeout = 240)
{
    for (size_t i = 0; i < sizeof STATUS_ROWS / sizeof *STATUS_ROWS; i++) run_row(&STATUS_ROWS[i]);
}

Test(e2e_fallback, goes_by_what_happens_on_the_wire, .timeout = 240)
{
    for (size_t i = 0; i < sizeof TRANSPORT_ROWS / sizeof *TRANSPORT_ROWS; i++) run_row(&TRANSPORT_ROWS[i]);
}

/* No limit of the provider's own applies here: the turn's time is shared out, so that the second candidate gets its part. */
Test(e2e_fallback, a_first_candidate_that_hangs_leaves_time_for_the_second, .timeout = 60)
{
    static const char config[] = "{ agents: { defaults: { timeoutSeconds: 4, model: { primary: '" KIT_OPENROUTER_MODEL
                                 "', fallbacks: ['" KIT_GEMINI_MODEL "'] } } } }\n";
    static const struct row row = { "hang inside a short turn", "{\"default\":{\"hang\":\"start\"}}", FALLS_BACK, NULL };
    struct kit k;
    struct http_reply r = { 0 };
    struct kit_options o = { .config_text = config };
    kit_start(&k, &o);
    cr_expect_eq(fake_control(&k.openrouter, "%s", row.control), 200);
    cr_expect(kit_chat(&k, "u", "hello", &r) == 0);
    expect_answer(&row, &r, KIT_GEMINI_MODEL);
    http_reply_free(&r);
    kit_stop(&k);
}
