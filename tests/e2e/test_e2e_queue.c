/* What becomes of messages that come while the agent works: they steer it, interrupt it, or wait. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "support/operator.h"

static struct kit K;
static struct operator_client me;

static void start(const char *mode)
{
    static char config[1024];
    snprintf(config, sizeof config,
             "{ agents: { list: [{ id: 'main', default: true }], defaults: { model: { primary: '" KIT_OPENROUTER_MODEL "' } } },"
             "messages: { queue: { mode: '%s' } } }",
             mode);
    operator_start(&me, &K, config);
}

static void say(const char *run, const char *text)
{
    cr_assert_eq(ws_request(me.ws, run, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"%s\",\"idempotencyKey\":\"%s\"}", text, run),
                 0);
}

/* The end of a run: its final's state, and whether it has a message. */
static void await_end(const char *run, const char *state, const char *words)
{
    for (;;) {
        json_t *event = ws_event(me.ws, "chat", KIT_TURN_MS);
        cr_assert(event, "no end of %s", run);
        const json_t *payload = json_object_get(event, "payload");
        bool mine = str_is(json_str(payload, "runId"), run), over = !str_is(json_str(payload, "state"), "delta");
        char *text = json_dumps(payload, 0);
        if (mine && over) {
            cr_expect(str_is(json_str(payload, "state"), state), "%s", text);
            cr_expect(words ? strstr(text, words) != NULL : !json_object_get(payload, "message"), "%s", text);
        }
        free(text);
        json_decref(event);
        if (mine && over) return;
    }
}

static bool waits_for(const char *path)
{
    for (int64_t until = clock_mono_ms() + KIT_TURN_MS; clock_mono_ms() < until; usleep(10000))
        if (access(path, F_OK) == 0) return true;
    return false;
}

/* The text of a message of the provider's last request, counted from the end. The caller frees. */
static char *asked(size_t from_end)
{
    json_t *stats = fake_stats(&K.openrouter), *bodies = json_object_get(stats, "bodies");
    const json_t *messages = json_object_get(json_object_get(json_array_get(bodies, json_array_size(bodies) - 1), "body"), "messages");
    char *text = json_dumps(json_object_get(json_array_get(messages, json_array_size(messages) - from_end), "content"), JSON_ENCODE_ANY);
    json_decref(stats);
    return text;
}

Test(e2e_queue, a_message_joins_at_the_next_tool, .timeout = 90)
{
    char began[256], never[256];
    start("steer");
    snprintf(began, sizeof began, "%s/workspace/began", K.state);
    snprintf(never, sizeof never, "%s/workspace/never", K.state);
    fake_control(&K.openrouter, "{\"next\":[{\"tool_calls\":["
                                "{\"id\":\"a\",\"name\":\"exec\",\"arguments\":{\"command\":\"touch began; sleep 1.5\"}},"
                                "{\"id\":\"b\",\"name\":\"exec\",\"arguments\":{\"command\":\"touch never\"}}]},{\"text\":\"turned\"}]}");
    say("run-1", "go straight");
    cr_assert(waits_for(began));
    say("run-2", "turn left");
    await_end("run-2", "final", NULL);
    await_end("run-1", "final", "turned");
    char *last = asked(1), *skipped = asked(2);
    cr_expect(strstr(last, "turn left"), "%s", last);
    cr_expect(strstr(skipped, "Skipped: a new message"), "%s", skipped);
    cr_expect(access(never, F_OK) != 0, "the second call was left");
    free(last);
    free(skipped);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM messages WHERE role = 'user'"), 2);
    operator_stop(&me, &K);
}

Test(e2e_queue, the_mode_is_a_sessions_own, .timeout = 90)
{
    char began[256];
    start("collect");
    snprintf(began, sizeof began, "%s/workspace/began", K.state);
    say("cmd-1", "/queue interrupt");
    await_end("cmd-1", "final", "Queue mode set to interrupt.");
    fake_control(&K.openrouter,
                 "{\"next\":[{\"tool_calls\":["
                 "{\"id\":\"a\",\"name\":\"exec\",\"arguments\":{\"command\":\"touch began; sleep 60\"}}]},{\"text\":\"at once\"}]}");
    int64_t begun = clock_mono_ms();
    say("run-1", "work long");
    cr_assert(waits_for(began));
    say("run-2", "no, this");
    await_end("run-2", "final", "at once");
    cr_expect_lt(clock_mono_ms() - begun, 20000);
    say("cmd-2", "/queue default");
    await_end("cmd-2", "final", "Queue mode reset to default.");
    say("cmd-3", "/queue");
    await_end("cmd-3", "final", "mode=collect");
    operator_stop(&me, &K);
}

Test(e2e_queue, what_comes_during_a_run_waits_for_more, .timeout = 90)
{
    start("collect");
    fake_control(&K.openrouter, "{\"next\":[{\"text\":\"one\",\"delay_ms\":300},{\"text\":\"both\"}]}");
    say("run-1", "first");
    int64_t begun = clock_mono_ms();
    say("run-2", "second");
    await_end("run-1", "final", "one");
    usleep(200000);
    say("run-3", "third");
    await_end("run-2", "final", "both");
    cr_expect_geq(clock_mono_ms() - begun, 1400, "a second after the third");
    cr_expect_eq(fake_count(&K.openrouter, "requests"), 2, "the second and the third are one");
    operator_stop(&me, &K);
}
