#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/err.h"
#include "providers/demo.h"

struct run {
    struct demo_script script;
    model_stream_t *stream;
    const struct model_outcome *outcome;
    int rc;
    int deltas;
};

static void count(void *ctx, enum chat_part_kind kind, struct str text)
{
    struct run *r = ctx;
    (void)kind;
    (void)text;
    r->deltas++;
}

static struct run *play(const struct chat_message *messages, size_t n)
{
    struct run *r = calloc(1, sizeof *r);
    struct model_request q = { .provider = STR("demo"), .model = STR("echo"), .messages = messages, .message_count = n };
    struct provider_endpoint endpoint = { .id = STR("demo") };
    struct model_sink sink = { count, r };
    cr_assert(demo_script(&q, &r->script) == 0);
    cr_assert(r->script.count <= DEMO_STEPS_MAX);
    cr_assert(r->script.steps[r->script.count - 1].kind == DEMO_END);
    cr_assert(model_stream_create(provider_find(STR("demo")), &endpoint, &q, &sink, &r->stream) == 0);
    for (size_t i = 0; i < r->script.count && r->rc == 0; i++) r->rc = demo_feed(r->stream, &r->script, &r->script.steps[i]);
    r->outcome = model_stream_finish(r->stream, FAILURE_none, STR(""));
    return r;
}

static struct run *play_text(const char *text)
{
    struct chat_part part = { .kind = CHAT_TEXT, .text = str_of(text) };
    struct chat_message user = { .role = CHAT_USER, .parts = &part, .part_count = 1 };
    return play(&user, 1);
}

static void done(struct run *r)
{
    model_stream_destroy(&r->stream);
    demo_script_free(&r->script);
    free(r);
}

static void expect_text(const char *typed, const char *answer)
{
    struct run *r = play_text(typed);
    cr_assert(r->outcome->ok && r->outcome->message.part_count == 1);
    cr_expect(str_is(r->outcome->message.parts[0].text, answer), "%.*s", STR_ARG(r->outcome->message.parts[0].text));
    done(r);
}

Test(demo, says_that_it_is_no_model_and_what_was_typed)
{
    expect_text("hi", "[demo] No model is configured. You said: hi");
    expect_text("", "[demo] No model is configured. You said: ");
    expect_text("Conversation info (untrusted metadata):\n```json\n{\"a\":1}\n```\n\n[Sun 2026-11-22 13:20 UTC] hi\nthere",
                "[demo] No model is configured. You said: hi\nthere");
}

Test(demo, names_its_commands_when_it_does_not_know_one)
{
    struct run *r = play_text("/demo nonsense");
    cr_assert(r->outcome->ok && str_find(r->outcome->message.parts[0].text, STR("/demo slow")) > 0);
    done(r);
}

Test(demo, streams_words_with_a_pause_before_each)
{
    struct run *r = play_text("[Sun 2026-11-22 13:20 UTC] /demo slow 3 250");
    cr_assert(r->script.count == 4 && r->script.steps[0].delay_ms == 250 && r->script.steps[3].delay_ms == 0);
    cr_assert(r->deltas == 3);
    cr_assert(str_is(r->outcome->message.parts[0].text, "word 1 word 2 word 3"));
    cr_assert(r->outcome->message.usage.output == 5);
    done(r);
}

Test(demo, holds_words_and_pauses_within_their_bounds)
{
    struct run *r = play_text("/demo slow 10000 60000");
    cr_assert(r->script.count == 10001 && r->script.steps[0].delay_ms == 60000);
    done(r);
    r = play_text("/demo slow 10001 60001");
    cr_assert(r->script.count == 21 && r->script.steps[0].delay_ms == 100);
    done(r);
}

Test(demo, fails_with_the_status_it_is_told)
{
    struct run *r = play_text("/demo fail 429 30");
    cr_assert(!r->outcome->ok && r->outcome->failure.class == FAILURE_rate_limit);
    cr_assert(r->outcome->failure.http_status == 429 && r->outcome->failure.retry_after_ms == 30000);
    cr_assert(str_is(r->outcome->failure.text, "HTTP 429: the demo provider was told to fail"));
    done(r);
    r = play_text("/demo fail 503");
    cr_assert(r->outcome->failure.class == FAILURE_overloaded && r->outcome->failure.retry_after_ms == -1);
    done(r);
    r = play_text("/demo fail x");
    cr_assert(r->outcome->failure.class == FAILURE_server);
    done(r);
}

Test(demo, calls_a_tool_and_then_tells_its_result)
{
    struct run *r = play_text("/demo tool exec {\"command\": \"ls -l\"}");
    const struct chat_message *m = &r->outcome->message;
    cr_assert(r->outcome->ok && m->stop == CHAT_STOP_TOOL_USE && m->part_count == 1);
    cr_assert(str_is(m->parts[0].name, "exec") && str_is(m->parts[0].text, "{\"command\": \"ls -l\"}") && m->parts[0].id.n > 0);
    done(r);
    struct chat_part part = { .kind = CHAT_TEXT, .text = STR("total 0") };
    struct chat_message result = { .role = CHAT_TOOL_RESULT, .parts = &part, .part_count = 1 };
    r = play(&result, 1);
    cr_assert(str_is(r->outcome->message.parts[0].text, "[demo] The tool said: total 0"));
    done(r);
}

Test(demo, writes_as_many_bytes_as_asked)
{
    struct run *r = play_text("/demo text 10000");
    cr_assert(r->outcome->message.parts[0].text.n == 10000 && r->script.count == 4);
    done(r);
    r = play_text("/demo text 20000000");
    cr_assert(r->rc == GW_ELIMIT && r->outcome->failure.class == FAILURE_too_large && r->outcome->visible);
    done(r);
}

Test(demo, thinks_before_it_speaks)
{
    struct run *r = play_text("/demo think");
    cr_assert(r->outcome->message.part_count == 2 && r->outcome->message.parts[0].kind == CHAT_THINKING);
    done(r);
}
