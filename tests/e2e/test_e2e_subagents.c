/* Sub-agents with the real gateway and a scripted provider: limits, results up the chain, what comes of stops and crashes. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "support/desk.h"

#define SPAWN DESK_SPAWN

Test(e2e_subagents, a_chain_of_two_reports_back_to_the_asker, .timeout = 120)
{
    struct desk d;
    desk_open(&d, 4);
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
    desk_say(&d, "main", "r1", "please check the cluster");
    cr_expect(desk_heard(&d, "agent:homelab-admin:main", "all nodes are up"));
    cr_expect(desk_wait(&d, 2, "SELECT count(*) FROM spawns WHERE state = 3"), "both results were taken");
    cr_expect_eq(desk_results(&d, "not allowed at this depth (current depth: 2, max: 2)"), 1);
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM messages WHERE role = 'user' AND instr(json, 'Result:\\nprobe is fine') > 0 AND "
                               "session = (SELECT id FROM sessions WHERE key LIKE 'agent:devops-sre:subagent:%')"),
                 1, "each level hears its own child");
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM turns WHERE run_id LIKE 'announce:v1:%'"), 2);
    desk_close(&d);
}

Test(e2e_subagents, a_leaf_is_not_offered_the_tool, .timeout = 60)
{
    struct desk d;
    desk_open(&d, 4);
    fake_control(&d.k.openrouter,
                 "{\"when\":{\"begin\":{\"tool_calls\":[" SPAWN(
                     "a1", "devops-sre", "ONE", "x") "]},"
                                                     "\"Task]: ONE\":{\"tool_calls\":[" SPAWN("b1", "qa-tester", "TWO",
                                                                                              "y") "]},\"Task]: TWO\":{\"text\":\"leaf\"}},"
                                                                                                   "\"default\":{\"text\":\"ok\"}}");
    desk_say(&d, "main", "r1", "begin");
    cr_expect(desk_wait(&d, 2, "SELECT count(*) FROM spawns WHERE state = 3"));
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
    desk_close(&d);
}

Test(e2e_subagents, a_fourth_child_an_unlisted_agent_and_a_leaf_agent_are_refused, .timeout = 60)
{
    struct desk d;
    desk_open(&d, 4);
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
    desk_say(&d, "main", "r1", "four");
    cr_expect(desk_heard(&d, ":main", "ok"));
    cr_expect_eq(desk_results(&d, "sessions_spawn has reached max active children for this session (3/3)"), 1);
    desk_say(&d, "agent:qa-tester:main", "r2", "as tester");
    cr_expect(desk_heard(&d, "qa-tester:main", "ok"));
    cr_expect_eq(desk_results(&d, "agentId is not allowed for sessions_spawn (allowed: none)"), 1);
    desk_say(&d, "other", "r3", "ghost");
    cr_expect(desk_heard(&d, ":other", "ok"));
    cr_expect_eq(desk_results(&d, "agentId is not allowed for sessions_spawn (allowed: devops-sre, qa-tester)"), 1);
    cr_expect(desk_wait(&d, 3, "SELECT count(*) FROM spawns WHERE state = 3"));
    desk_close(&d);
}

Test(e2e_subagents, a_fifth_at_once_waits, .timeout = 60)
{
    struct desk d;
    desk_open(&d, 4);
    fake_control(
        &d.k.openrouter,
        "{\"when\":{\"go\":{\"tool_calls\":[" SPAWN("a1", "qa-tester", "WAIT", "1") "," SPAWN("a2", "qa-tester", "WAIT", "2") "," SPAWN(
            "a3", "qa-tester", "WAIT", "3") "]},\"Task]: WAIT\":{\"text\":\"done\",\"first_ms\":1000}},\"default\":{\"text\":\"ok\"}}");
    desk_say(&d, "one", "r1", "go");
    desk_say(&d, "two", "r2", "go");
    cr_expect(desk_wait(&d, 6, "SELECT count(*) FROM spawns"));
    cr_expect(desk_wait(&d, 6, "SELECT count(*) FROM spawns WHERE state = 3"));
    cr_expect_eq(
        kit_sql(&d.k, "SELECT max(n) FROM (SELECT (SELECT count(*) FROM turns t JOIN turn_starts b ON b.turn = t.id JOIN turn_ends e ON "
                      "e.turn = t.id WHERE t.lane = 'subagent' AND b.started_ms <= x.started_ms AND e.ended_ms > x.started_ms) AS n FROM "
                      "turn_starts x JOIN turns tx ON tx.id = x.turn WHERE tx.lane = 'subagent')"),
        4, "never more than four at once, and four at once");
    desk_close(&d);
}

Test(e2e_subagents, a_killed_child_is_told_as_killed_and_silence_is_kept, .timeout = 60)
{
    struct desk d;
    desk_open(&d, 4);
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
    desk_say(&d, "main", "r1", "start it");
    cr_expect(desk_heard(&d, ":main", "ok"));
    cr_expect(desk_wait(&d, 1, "SELECT count(*) FROM spawns WHERE state = 5"), "the silent one");
    desk_say(&d, "main", "r2", "list them");
    cr_expect(desk_heard(&d, ":main", "ok"));
    cr_expect_eq(desk_results(&d, "callerIsSubagent"), 1);
    int64_t begun = clock_mono_ms();
    desk_say(&d, "main", "r3", "kill it");
    cr_expect(desk_heard(&d, ":main", "the child was killed"));
    cr_expect_lt(clock_mono_ms() - begun, 10000);
    cr_expect_eq(desk_results(&d, "killed 1 subagent."), 1);
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM messages WHERE role = 'user' AND instr(json, 'Result:\\n(no output)') > 0"), 1);
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM turns WHERE run_id LIKE 'announce:v1:%'"), 1);
    desk_close(&d);
}

Test(e2e_subagents, a_stop_reaches_the_children_and_wakes_nobody, .timeout = 60)
{
    struct desk d;
    desk_open(&d, 4);
    fake_control(&d.k.openrouter, "{\"when\":{\"start it\":{\"tool_calls\":[" SPAWN("a1", "qa-tester", "LONG", "1") "," SPAWN(
                                      "a2", "qa-tester", "LONG", "2") "]},\"Task]: LONG\":{\"text\":\"done\",\"first_ms\":30000}},"
                                                                      "\"default\":{\"text\":\"ok\"}}");
    desk_say(&d, "main", "r1", "start it");
    cr_expect(desk_heard(&d, ":main", "ok"));
    desk_say(&d, "main", "r2", "/stop");
    cr_expect(desk_wait(&d, 2, "SELECT count(*) FROM spawns WHERE state = 5"));
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM turns WHERE run_id LIKE 'announce:v1:%'"), 0);
    desk_close(&d);
}

Test(e2e_subagents, a_child_over_its_time_is_told_as_timed_out_and_removed_when_asked, .timeout = 60)
{
    struct desk d;
    desk_open(&d, 4);
    fake_control(&d.k.openrouter,
                 "{\"when\":{\"start it\":{\"tool_calls\":[{\"id\":\"a1\",\"name\":\"sessions_spawn\",\"arguments\":{\"task\":\"SLOW\","
                 "\"runTimeoutSeconds\":1,\"cleanup\":\"delete\"}}]},\"just timed out\":{\"text\":\"too slow\"},"
                 "\"Task]: SLOW\":{\"text\":\"done\",\"first_ms\":30000}},\"default\":{\"text\":\"ok\"}}");
    desk_say(&d, "main", "r1", "start it");
    cr_expect(desk_heard(&d, ":main", "too slow"));
    ws_close(&d.ws);
    kit_restart(&d.k); /* the sweep of the start */
    desk_connect(&d);
    cr_expect(desk_wait(&d, 0, "SELECT count(*) FROM spawns"));
    cr_expect_eq(kit_sql(&d.k, "SELECT count(*) FROM sessions WHERE key LIKE '%subagent%'"), 0);
    desk_close(&d);
}

Test(e2e_subagents, a_steered_child_begins_anew_and_is_told_of_once, .timeout = 60)
{
    struct desk d;
    desk_open(&d, 4);
    fake_control(
        &d.k.openrouter,
        "{\"when\":{\"start it\":{\"tool_calls\":[" SPAWN(
            "a1", "qa-tester", "LONG",
            "long") "]},"
                    "\"steer "
                    "it\":{\"tool_calls\":[{\"id\":\"k1\",\"name\":\"subagents\",\"arguments\":{\"action\":\"steer\",\"target\":\"long\","
                    "\"message\":\"DO THIS INSTEAD\"}}]},"
                    "\"again\":{\"tool_calls\":[{\"id\":\"k2\",\"name\":\"subagents\",\"arguments\":{\"action\":\"steer\",\"target\":"
                    "\"long\","
                    "\"message\":\"TOO LATE\"}}]},"
                    "\"DO THIS INSTEAD\":{\"text\":\"the other thing\"},\"just completed successfully\":{\"text\":\"heard of it\"},"
                    "\"Task]: LONG\":{\"text\":\"never\",\"first_ms\":30000}},\"default\":{\"text\":\"ok\"}}");
    desk_say(&d, "main", "r1", "start it");
    cr_expect(desk_heard(&d, ":main", "ok"));
    cr_assert(desk_wait(&d, 1, "SELECT count(*) FROM spawns p JOIN turn_starts b ON b.turn = p.turn"));
    desk_say(&d, "main", "r2", "steer it");
    cr_expect(desk_heard(&d, ":main", "heard of it"));
    cr_expect_eq(desk_results(&d, "steered long."), 1);
    cr_expect(desk_wait(&d, 1, "SELECT count(*) FROM spawns WHERE state = 3"));
    cr_expect_eq(desk_count(&d, "SELECT count(*) FROM turns WHERE run_id LIKE 'announce:v1:%%'"), 1);
    cr_expect_eq(desk_count(&d, "SELECT count(*) FROM messages WHERE role = 'user' AND instr(json, 'Result:\\nthe other thing') > 0"), 1);
    cr_expect_eq(desk_count(&d, "SELECT count(*) FROM turn_ends WHERE state = 4"), 1, "the first run was stopped");
    desk_say(&d, "main", "r3", "again");
    cr_expect(desk_heard(&d, ":main", "ok"));
    cr_expect_eq(desk_results(&d, "long is already finished."), 1);
    desk_close(&d);
}

/* The key of the newest sub-agent of a session; the caller frees. */
static char *child_of(struct desk *d, const char *session)
{
    json_t *r = ws_call(d->ws, "subagents.list", "{\"sessionKey\":\"%s\"}", session);
    const json_t *list = json_object_get(json_object_get(r, "payload"), "subagents");
    const char *key = json_string_value(json_object_get(json_array_get(list, 0), "sessionKey"));
    cr_assert_not_null(key, "%s has no sub-agent", session);
    char *copy = strdup(key);
    json_decref(r);
    return copy;
}

Test(e2e_subagents, a_leaf_that_somebody_writes_to_is_still_a_leaf, .timeout = 60)
{
    struct desk d;
    desk_open(&d, 4);
    fake_control(&d.k.openrouter,
                 "{\"when\":{\"begin\":{\"tool_calls\":[" SPAWN(
                     "a1", "devops-sre", "ONE", "x") "]},"
                                                     "\"Task]: ONE\":{\"tool_calls\":[" SPAWN(
                                                         "b1", "qa-tester", "TWO", "y") "]},"
                                                                                        "\"Task]: TWO\":{\"text\":\"leaf\"},"
                                                                                        "\"start another\":{\"tool_calls\":[" SPAWN(
                                                                                            "c1", "qa-tester", "THREE",
                                                                                            "z") "]}},"
                                                                                                 "\"default\":{\"text\":\"ok\"}}");
    desk_say(&d, "main", "r1", "begin");
    cr_assert(desk_wait(&d, 2, "SELECT count(*) FROM spawns WHERE state = 3"));
    char *middle = child_of(&d, "main"), *leaf = child_of(&d, middle);
    ws_close(&d.ws);
    kit_restart(&d.k); /* nothing of them is in memory */
    desk_connect(&d);
    desk_say(&d, leaf, "r2", "start another");
    cr_expect(desk_heard(&d, ":subagent:", "ok"));
    cr_expect_eq(desk_results(&d, "not allowed at this depth (current depth: 2, max: 2)"), 1);
    cr_expect_eq(desk_count(&d, "SELECT count(*) FROM spawns"), 2);
    free(middle);
    free(leaf);
    desk_close(&d);
}
