/* Sub-agents with the real gateway and a scripted provider: limits, results up the chain, what comes of stops and crashes. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "support/gateway.h"
#include "support/ws_client.h"

/* The customer's shape: an orchestrator, one who may spawn on, leaves; depth 2, four at once, three children each. */
static const char CONFIG[] = "{ agents: { list: ["
                             "{ id: 'homelab-admin', default: true, subagents: { allowAgents: ['devops-sre', 'qa-tester'] } },"
                             "{ id: 'devops-sre', subagents: { allowAgents: ['qa-tester'] } },"
                             "{ id: 'qa-tester', subagents: { allowAgents: [] } } ],"
                             "defaults: { model: { primary: '" KIT_OPENROUTER_MODEL "' },"
                             "subagents: { maxSpawnDepth: 2, maxConcurrent: 4, maxChildrenPerAgent: 3, archiveAfterMinutes: 120 } } } }";

struct desk {
    struct kit k;
    struct ws_device device;
    ws_t *ws;
};

static void open_desk(struct desk *d)
{
    const struct kit_options options = { .config_text = CONFIG };
    const struct ws_connect c = { .token = KIT_TOKEN, .device = &d->device };
    kit_start(&d->k, &options);
    cr_assert_eq(ws_device_create(&d->device), 0);
    cr_assert_eq(ws_open(d->k.port, "/", NULL, &d->ws), 0);
    json_decref(ws_hello(d->ws, &c));
}

static void reopen(struct desk *d)
{
    const struct ws_connect c = { .token = KIT_TOKEN, .device = &d->device };
    ws_close(&d->ws);
    kit_restart(&d->k);
    cr_assert_eq(ws_open(d->k.port, "/", NULL, &d->ws), 0);
    json_decref(ws_hello(d->ws, &c));
}

static void close_desk(struct desk *d)
{
    ws_close(&d->ws);
    ws_device_free(&d->device);
    cr_expect_eq(fake_count(&d->k.openrouter, "violations"), 0);
    kit_stop(&d->k);
}

#define SPAWN(id, agent, task, label)                                                                                                      \
    "{\"id\":\"" id "\",\"name\":\"sessions_spawn\",\"arguments\":{\"agentId\":\"" agent "\",\"task\":\"" task "\",\"label\":\"" label     \
    "\"}}"

static void say(struct desk *d, const char *session, const char *run, const char *text)
{
    json_t *r = ws_call(d->ws, "chat.send", "{\"sessionKey\":\"%s\",\"message\":\"%s\",\"idempotencyKey\":\"%s\"}", session, text, run);
    cr_assert(json_is_true(json_object_get(r, "ok")), "%s", r ? json_dumps(r, 0) : "no answer");
    json_decref(r);
}

/* Wait for a final answer in a session whose text holds `words`. */
static bool heard(struct desk *d, const char *session, const char *words)
{
    int64_t until = clock_mono_ms() + KIT_TURN_MS;
    while (clock_mono_ms() < until) {
        json_t *event = ws_event(d->ws, "chat", KIT_TURN_MS);
        const json_t *payload = json_object_get(event, "payload");
        const char *key = json_string_value(json_object_get(payload, "sessionKey"));
        const char *state = json_string_value(json_object_get(payload, "state"));
        char *dump = event ? json_dumps(payload, 0) : NULL;
        bool hit = key && state && strcmp(state, "final") == 0 && strstr(key, session) && strstr(dump, words);
        free(dump);
        json_decref(event);
        if (hit) return true;
        if (!event) return false;
    }
    return false;
}

static bool wait_sql(struct desk *d, const char *sql, int64_t wanted)
{
    int64_t until = clock_mono_ms() + KIT_TURN_MS;
    do {
        if (kit_sql(&d->k, sql) == wanted) return true;
        json_decref(ws_call(d->ws, "health", "{}")); /* something to wait for */
    } while (clock_mono_ms() < until);
    return false;
}

/* How many tool results have these words. */
static int64_t results(struct desk *d, const char *words)
{
    char sql[512];
    snprintf(sql, sizeof sql, "SELECT count(*) FROM messages WHERE role = 'toolResult' AND instr(json, '%s') > 0", words);
    return kit_sql(&d->k, sql);
}

Test(e2e_subagents, a_chain_of_two_reports_back_to_the_asker, .timeout = 120)
{
    struct desk d;
    open_desk(&d);
    fake_control(
        &d.k.openrouter,
        "{\"when\":{"
        "\"please check the cluster\":{\"tool_calls\":[" SPAWN(
            "a1", "devops-sre", "CHECK NODES",
            "nodes") "]},"
                     "\"[Subagent Task]: CHECK NODES\":{\"tool_calls\":[" SPAWN(
                         "b1", "qa-tester", "PROBE ONE",
                         "probe") "]},"
                                  "\"[Subagent Task]: PROBE ONE\":{\"tool_calls\":[" SPAWN(
                                      "c1", "qa-tester", "TOO DEEP",
                                      "deep") "]},"
                                              "\"not allowed at this depth (current depth: 2, max: 2)\":{\"text\":\"probe is fine\"},"
                                              "\"A subagent task \\\\\\\"probe\\\\\\\" just completed successfully\":{\"text\":\"sre heard "
                                              "of the probe\"},"
                                              "\"A subagent task \\\\\\\"nodes\\\\\\\" just completed successfully\":{\"text\":\"all nodes "
                                              "are up\"},"
                                              "\"accepted\":{\"text\":\"started\"}},"
                                              "\"default\":{\"text\":\"unexpected\"}}");
    say(&d, "main", "r1", "please check the cluster");
    cr_expect(heard(&d, "agent:homelab-admin:main", "all nodes are up"));
    cr_expect(wait_sql(&d, "SELECT count(*) FROM spawns WHERE state = 3", 2), "both results were taken");
    cr_expect_eq(results(&d, "not allowed at this depth (current depth: 2, max: 2)"), 1);
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM messages WHERE role = 'user' AND instr(json, 'Result:\\nprobe is fine') > 0 AND "
                               "session = (SELECT id FROM sessions WHERE key LIKE 'agent:devops-sre:subagent:%')"),
                 1, "each level hears its own child");
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM turns WHERE run_id LIKE 'announce:v1:%'"), 2);
    close_desk(&d);
}

Test(e2e_subagents, a_leaf_is_not_offered_the_tool, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter,
                 "{\"when\":{\"begin\":{\"tool_calls\":[" SPAWN(
                     "a1", "devops-sre", "ONE", "x") "]},"
                                                     "\"Task]: ONE\":{\"tool_calls\":[" SPAWN("b1", "qa-tester", "TWO",
                                                                                              "y") "]},\"Task]: TWO\":{\"text\":\"leaf\"}},"
                                                                                                   "\"default\":{\"text\":\"ok\"}}");
    say(&d, "main", "r1", "begin");
    cr_expect(wait_sql(&d, "SELECT count(*) FROM spawns WHERE state = 3", 2));
    json_t *stats = fake_stats(&d.k.openrouter), *entry;
    size_t i;
    int leaf = -1, middle = -1;
    json_array_foreach(json_object_get(stats, "bodies"), i, entry)
    {
        json_t *body = json_object_get(entry, "body");
        char *messages = json_dumps(json_object_get(body, "messages"), 0), *tools = json_dumps(json_object_get(body, "tools"), 0);
        if (strstr(messages, "Task]: TWO") && !strstr(messages, "Task]: ONE")) leaf = strstr(tools, "sessions_spawn") != NULL;
        if (strstr(messages, "Task]: ONE")) middle = strstr(tools, "sessions_spawn") != NULL;
        free(messages);
        free(tools);
    }
    json_decref(stats);
    cr_expect_eq(leaf, 0);
    cr_expect_eq(middle, 1);
    close_desk(&d);
}

Test(e2e_subagents, a_fourth_child_an_unlisted_agent_and_a_leaf_agent_are_refused, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    fake_control(
        &d.k.openrouter,
        "{\"when\":{\"four\":{\"tool_calls\":[" SPAWN("a1", "qa-tester", "WAIT", "1") "," SPAWN("a2", "qa-tester", "WAIT", "2") "," SPAWN(
            "a3", "qa-tester", "WAIT",
            "3") "," SPAWN("a4", "qa-tester", "WAIT",
                           "4") "]},"
                                "\"as tester\":{\"tool_calls\":[" SPAWN(
                                    "q1", "devops-sre", "NO",
                                    "no") "]},"
                                          "\"ghost\":{\"tool_calls\":[" SPAWN(
                                              "g1", "ghost", "NO",
                                              "no") "]},"
                                                    "\"Task]: "
                                                    "WAIT\":{\"text\":\"done\",\"first_ms\":1500}},\"default\":{\"text\":\"ok\"}}");
    say(&d, "main", "r1", "four");
    cr_expect(heard(&d, ":main", "ok"));
    cr_expect_eq(results(&d, "sessions_spawn has reached max active children for this session (3/3)"), 1);
    say(&d, "agent:qa-tester:main", "r2", "as tester");
    cr_expect(heard(&d, "qa-tester:main", "ok"));
    cr_expect_eq(results(&d, "agentId is not allowed for sessions_spawn (allowed: none)"), 1);
    say(&d, "other", "r3", "ghost");
    cr_expect(heard(&d, ":other", "ok"));
    cr_expect_eq(results(&d, "agentId is not allowed for sessions_spawn (allowed: devops-sre, qa-tester)"), 1);
    cr_expect(wait_sql(&d, "SELECT count(*) FROM spawns WHERE state = 3", 3));
    close_desk(&d);
}

Test(e2e_subagents, a_fifth_at_once_waits, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    fake_control(
        &d.k.openrouter,
        "{\"when\":{\"go\":{\"tool_calls\":[" SPAWN("a1", "qa-tester", "WAIT", "1") "," SPAWN("a2", "qa-tester", "WAIT", "2") "," SPAWN(
            "a3", "qa-tester", "WAIT", "3") "]},\"Task]: WAIT\":{\"text\":\"done\",\"first_ms\":1000}},\"default\":{\"text\":\"ok\"}}");
    say(&d, "one", "r1", "go");
    say(&d, "two", "r2", "go");
    cr_expect(wait_sql(&d, "SELECT count(*) FROM spawns", 6));
    cr_expect(wait_sql(&d, "SELECT count(*) FROM spawns WHERE state = 3", 6));
    cr_expect_eq(
        kit_sql(&d.k, "SELECT max(n) FROM (SELECT (SELECT count(*) FROM turns t JOIN turn_starts b ON b.turn = t.id JOIN turn_ends e ON "
                      "e.turn = t.id WHERE t.lane = 'subagent' AND b.started_ms <= x.started_ms AND e.ended_ms > x.started_ms) AS n FROM "
                      "turn_starts x JOIN turns tx ON tx.id = x.turn WHERE tx.lane = 'subagent')"),
        4, "never more than four at once, and four at once");
    close_desk(&d);
}

Test(e2e_subagents, a_killed_child_is_told_as_killed_and_silence_is_kept, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter,
                 "{\"when\":{\"start it\":{\"tool_calls\":[" SPAWN("a1", "qa-tester", "LONG", "long") "," SPAWN(
                     "a2", "qa-tester", "HUSH",
                     "hush") "]},"
                             "\"kill "
                             "it\":{\"tool_calls\":[{\"id\":\"k1\",\"name\":\"subagents\",\"arguments\":{\"action\":\"kill\",\"target\":"
                             "\"long\"}}]},"
                             "\"list them\":{\"tool_calls\":[{\"id\":\"k2\",\"name\":\"subagents\",\"arguments\":{\"action\":\"list\"}}]},"
                             "\"just was killed\":{\"text\":\"the child was killed\"},"
                             "\"Task]: HUSH\":{\"text\":\"ANNOUNCE_SKIP\"},\"Task]: "
                             "LONG\":{\"text\":\"done\",\"first_ms\":30000}},\"default\":{\"text\":\"ok\"}}");
    say(&d, "main", "r1", "start it");
    cr_expect(heard(&d, ":main", "ok"));
    cr_expect(wait_sql(&d, "SELECT count(*) FROM spawns WHERE state = 5", 1), "the silent one");
    say(&d, "main", "r2", "list them");
    cr_expect(heard(&d, ":main", "ok"));
    cr_expect_eq(results(&d, "callerIsSubagent"), 1);
    int64_t begun = clock_mono_ms();
    say(&d, "main", "r3", "kill it");
    cr_expect(heard(&d, ":main", "the child was killed"));
    cr_expect_lt(clock_mono_ms() - begun, 10000);
    cr_expect_eq(results(&d, "killed 1 subagent."), 1);
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM messages WHERE role = 'user' AND instr(json, 'Result:\\n(no output)') > 0"), 1);
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM turns WHERE run_id LIKE 'announce:v1:%'"), 1);
    close_desk(&d);
}

Test(e2e_subagents, a_stop_reaches_the_children_and_wakes_nobody, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter, "{\"when\":{\"start it\":{\"tool_calls\":[" SPAWN("a1", "qa-tester", "LONG", "1") "," SPAWN(
                                      "a2", "qa-tester", "LONG", "2") "]},\"Task]: LONG\":{\"text\":\"done\",\"first_ms\":30000}},"
                                                                      "\"default\":{\"text\":\"ok\"}}");
    say(&d, "main", "r1", "start it");
    cr_expect(heard(&d, ":main", "ok"));
    say(&d, "main", "r2", "/stop");
    cr_expect(wait_sql(&d, "SELECT count(*) FROM spawns WHERE state = 5", 2));
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM turns WHERE run_id LIKE 'announce:v1:%'"), 0);
    close_desk(&d);
}

Test(e2e_subagents, a_child_over_its_time_is_told_as_timed_out_and_removed_when_asked, .timeout = 60)
{
    struct desk d;
    open_desk(&d);
    fake_control(&d.k.openrouter,
                 "{\"when\":{\"start it\":{\"tool_calls\":[{\"id\":\"a1\",\"name\":\"sessions_spawn\",\"arguments\":{\"task\":\"SLOW\","
                 "\"runTimeoutSeconds\":1,\"cleanup\":\"delete\"}}]},\"just timed out\":{\"text\":\"too slow\"},"
                 "\"Task]: SLOW\":{\"text\":\"done\",\"first_ms\":30000}},\"default\":{\"text\":\"ok\"}}");
    say(&d, "main", "r1", "start it");
    cr_expect(heard(&d, ":main", "too slow"));
    reopen(&d); /* the sweep of the start */
    cr_expect(wait_sql(&d, "SELECT count(*) FROM spawns", 0));
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM sessions WHERE key LIKE '%subagent%'"), 0);
    close_desk(&d);
}

/* --- kill -9 ------------------------------------------------------------------------------------------------------ */

static const char WORK[] = "{\"when\":{\"go\":{\"tool_calls\":[" SPAWN(
    "a1", "qa-tester", "WORK", "w") "]},"
                                    "\"Task]: WORK\":{\"text\":\"child result\",\"first_ms\":40},"
                                    "\"A subagent task\":{\"text\":\"heard\",\"first_ms\":40}},\"default\":{\"text\":\"ok\"}}";

/* What is true from the moment on at which the gateway is killed. */
static const char *const POINTS[] = {
    "SELECT count(*) > 0 FROM spawns",                                                                   /* accepted */
    "SELECT count(*) > 0 FROM spawns p JOIN turn_starts b ON b.turn = p.turn",                           /* child runs */
    "SELECT count(*) > 0 FROM spawns WHERE state >= 1",                                                  /* child done */
    "SELECT count(*) > 0 FROM spawns WHERE state >= 2",                                                  /* announced */
    "SELECT count(*) > 0 FROM spawns p JOIN turn_starts b ON b.turn = p.announce",                       /* parent takes it */
    "SELECT count(*) > 0 FROM spawns p JOIN messages m ON m.turn = p.announce AND m.role = 'assistant'", /* parent answered */
};
enum { POINT_COUNT = sizeof POINTS / sizeof *POINTS, MOMENTS = 24, MOMENT_MS = 9 };

static void kill_gateway(struct desk *d)
{
    cr_assert_eq(proc_signal(d->k.gateway, SIGKILL), 0);
    cr_assert_eq(proc_wait(d->k.gateway, 5000, NULL), 0);
}

/* Nothing is unfinished, and the parent has heard of each child exactly once. */
static void expect_once(struct desk *d, const char *when)
{
    cr_expect(wait_sql(d, "SELECT (SELECT count(*) FROM turn_inputs) + (SELECT count(*) FROM spawns WHERE state < 3)", 0), "%s: unfinished",
              when);
    int64_t spawns = kit_sql(&d->k, "SELECT count(*) FROM spawns");
    int64_t told = kit_sql(&d->k, "SELECT count(*) FROM messages WHERE role = 'user' AND instr(json, 'A subagent task') > 0");
    cr_expect_leq(spawns, 1, "%s", when);
    cr_expect_eq(told, spawns, "%s: %lld children, %lld results", when, (long long)spawns, (long long)told);
    cr_expect_eq(kit_sql(&d->k, "SELECT count(*) FROM messages WHERE role = 'assistant' AND instr(json, 'child result') > 0"), spawns, "%s",
                 when);
    cr_expect_eq(kit_sql(&d->k, "SELECT count(*) FROM spawns WHERE state = 3"), spawns, "%s", when);
}

Test(e2e_subagents, killed_at_every_step_each_result_arrives_once, .timeout = 300)
{
    for (int i = 0; i < POINT_COUNT; i++) {
        struct desk d;
        char when[32];
        open_desk(&d);
        fake_control(&d.k.openrouter, WORK);
        say(&d, "main", "r1", "go");
        int64_t until = clock_mono_ms() + KIT_TURN_MS;
        while (kit_sql(&d.k, POINTS[i]) != 1 && clock_mono_ms() < until) continue;
        kill_gateway(&d);
        reopen(&d);
        snprintf(when, sizeof when, "point %d", i);
        expect_once(&d, when);
        cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM spawns"), 1, "%s", when);
        close_desk(&d);
    }
}

Test(e2e_subagents, killed_at_any_moment_each_result_arrives_once, .timeout = 300)
{
    for (int i = 0; i < MOMENTS; i++) {
        struct desk d;
        char when[32];
        open_desk(&d);
        fake_control(&d.k.openrouter, WORK);
        say(&d, "main", "r1", "go");
        int64_t until = clock_mono_ms() + (int64_t)i * MOMENT_MS;
        while (clock_mono_ms() < until) continue;
        kill_gateway(&d);
        reopen(&d);
        snprintf(when, sizeof when, "after %d ms", i * MOMENT_MS);
        expect_once(&d, when);
        close_desk(&d);
    }
}
