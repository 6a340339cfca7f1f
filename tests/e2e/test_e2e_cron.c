/* Jobs by the clock in a real gateway: what the agent is told, what is written down, who may change what, kill -9 in between. */
#include <criterion/criterion.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "support/operator.h"
#include "support/proc.h"

static struct kit K;
static struct operator_client me;

#define AGENTS                                                                                                                             \
    "agents: { list: [{ id: 'main', default: true }], defaults: { model: { primary: '" KIT_OPENROUTER_MODEL                                \
    "' }, heartbeat: { every: '%s' } } }"

static void start(const char *cron, const char *heartbeat)
{
    static char config[4096];
    snprintf(config, sizeof config, "{ " AGENTS ", cron: { %s } }", heartbeat, cron);
    operator_start(&me, &K, config);
}

/* A call that must succeed; its payload, the caller's. */
static json_t *ask(const char *method, const char *params)
{
    json_t *said = ws_call(me.ws, method, "%s", params);
    char *text = json_dumps(said, 0);
    cr_assert(json_is_true(json_object_get(said, "ok")), "%s %s: %s", method, params, text);
    json_t *payload = json_incref(json_object_get(said, "payload"));
    json_decref(said);
    free(text);
    return payload;
}

static void refused(const char *method, const char *params, const char *words)
{
    json_t *said = ws_call(me.ws, method, "%s", params);
    const char *text = json_string_value(json_object_get(json_object_get(said, "error"), "message"));
    cr_expect(text && strstr(text, words), "%s %s: %s", method, params, text ? text : "not refused");
    json_decref(said);
}

/* The next event of a job with this action. */
static json_t *hear(const char *action)
{
    for (;;) {
        json_t *event = ws_event(me.ws, "cron", KIT_TURN_MS);
        cr_assert(event, "no event %s", action);
        json_t *payload = json_incref(json_object_get(event, "payload"));
        json_decref(event);
        if (str_is(json_str(payload, "action"), action)) return payload;
        json_decref(payload);
    }
}

static void expect_end(const char *status, const char *summary, const char *error)
{
    json_t *end = hear("finished");
    char *text = json_dumps(end, 0);
    cr_expect(str_is(json_str(end, "status"), status), "%s", text);
    cr_expect(str_is(json_str(end, "summary"), summary), "%s", text);
    cr_expect(str_find(json_str(end, "error"), str_of(error)) >= 0, "%s", text);
    free(text);
    json_decref(end);
}

static void kill_gateway(void)
{
    operator_close(&me);
    cr_assert_eq(proc_signal(K.gateway, SIGKILL), 0);
    cr_assert_eq(proc_wait(K.gateway, KIT_START_MS, NULL), 0);
}

/* Begun; its end is told by an event. */
static void run(const char *id)
{
    cr_assert_eq(ws_request(me.ws, "run", "cron.run", "{\"id\":\"%s\"}", id), 0);
}

#define TICKER                                                                                                                             \
    "jobs: [{ id: 'tick', name: 'Ticker', schedule: { kind: 'every', everyMs: 1000 }, payload: { kind: 'agentTurn', message: 'look' }, "   \
    "delivery: { mode: 'none' } }]"

Test(e2e_cron, the_configurations_jobs_run_and_are_nobody_elses, .timeout = 120)
{
    start(TICKER, "0m");
    json_decref(hear("started"));
    json_t *end = hear("finished");
    cr_expect(str_is(json_str(end, "jobId"), "tick") && str_is(json_str(end, "status"), "ok"));
    cr_expect(str_starts(json_str(end, "sessionKey"), STR("agent:main:cron:tick:run:")));
    json_decref(end);
    char *text = kit_told(&K);
    cr_expect(strstr(text, "[cron:tick Ticker] look\\nCurrent time: ") && !strstr(text, "NO_REPLY"), "%s", text);
    free(text);
    refused("cron.update", "{\"id\":\"tick\",\"patch\":{\"enabled\":false}}", "comes from the configuration");
    refused("cron.remove", "{\"id\":\"tick\"}", "comes from the configuration");
    json_t *sessions = ask("sessions.list", "{}");
    char *listed = json_dumps(sessions, 0);
    cr_expect(!strstr(listed, ":run:"), "%s", listed);
    free(listed);
    json_decref(sessions);
    json_t *runs = ask("cron.runs", "{\"id\":\"tick\",\"limit\":1}"), *entries = json_object_get(runs, "entries");
    cr_expect_eq(json_array_size(entries), 1);
    cr_expect(str_is(json_str(json_array_get(entries, 0), "status"), "ok"));
    json_decref(runs);
    operator_stop(&me, &K);
}

Test(e2e_cron, a_run_goes_on_after_a_kill_and_ends_once, .timeout = 120)
{
    start("jobs: [{ id: 'slow', schedule: { kind: 'every', everyMs: 3600000 }, payload: { kind: 'agentTurn', message: 'work' }, delivery: "
          "{ mode: 'none' } }]",
          "0m");
    fake_control(&K.openrouter, "{\"next\":[{\"hang\":\"start\"},{\"text\":\"after all\"}]}");
    run("slow");
    json_decref(hear("started"));
    cr_assert_eq(fake_wait(&K.openrouter, "requests", 1, KIT_TURN_MS), 0);
    refused("cron.runs", "{}", "id");
    json_t *again = ask("cron.run", "{\"id\":\"slow\"}");
    cr_expect(str_is(json_str(again, "reason"), "already-running"));
    json_decref(again);
    kill_gateway();
    kit_restart(&K);
    operator_open(&me, &K);
    for (int i = 0; i < 300 && kit_sql(&K, "SELECT count(*) FROM cron_runs WHERE ended = 1") < 1; i++) usleep(100000);
    json_t *runs = ask("cron.runs", "{\"id\":\"slow\"}");
    const json_t *entry = json_array_get(json_object_get(runs, "entries"), 0);
    cr_expect_eq(json_array_size(json_object_get(runs, "entries")), 1);
    cr_expect(str_is(json_str(entry, "summary"), "after all") && str_is(json_str(entry, "status"), "ok"));
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM cron_runs"), 1);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM turns"), 1, "the same turn went on");
    json_decref(runs);
    operator_stop(&me, &K);
}

Test(e2e_cron, words_for_the_main_session_come_now_or_with_the_heartbeat, .timeout = 120)
{
    start("", "2s");
    json_decref(ask("cron.add", "{\"name\":\"tea\",\"schedule\":{\"kind\":\"every\",\"everyMs\":3600000},\"sessionTarget\":\"main\","
                                "\"payload\":{\"kind\":\"systemEvent\",\"text\":\"the tea is ready\"}}"));
    json_t *jobs = ask("cron.list", "{}");
    const json_t *job = json_array_get(json_object_get(jobs, "jobs"), 0);
    char params[128];
    snprintf(params, sizeof params, "{\"id\":\"%.*s\"}", STR_ARG(json_str(job, "id")));
    json_decref(ask("cron.run", params));
    char *text = kit_told(&K);
    cr_expect(strstr(text, "System: [") && strstr(text, "the tea is ready") && strstr(text, "Current time: "), "%s", text);
    free(text);
    json_decref(jobs);
    fake_control(&K.openrouter, "{\"next\":[{\"text\":\"HEARTBEAT_OK\"}]}");
    json_decref(ask("cron.add",
                    "{\"name\":\"later\",\"schedule\":{\"kind\":\"at\",\"at\":\"2099-01-01T00:00:00Z\"},\"sessionTarget\":\"main\","
                    "\"wakeMode\":\"next-heartbeat\",\"payload\":{\"kind\":\"systemEvent\",\"text\":\"water the plants\"}}"));
    jobs = ask("cron.list", "{}");
    job = json_array_get(json_object_get(jobs, "jobs"), 1);
    cr_expect(json_is_true(json_object_get(job, "deleteAfterRun")));
    snprintf(params, sizeof params, "{\"id\":\"%.*s\"}", STR_ARG(json_str(job, "id")));
    json_decref(jobs);
    cr_assert_eq(ws_request(me.ws, "later", "cron.run", "%s", params), 0);
    char path[256];
    snprintf(path, sizeof path, "%s/workspace", K.state);
    mkdir(path, 0700);
    snprintf(path, sizeof path, "%s/workspace/HEARTBEAT.md", K.state);
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs("- look\n", f) >= 0 && fclose(f) == 0);
    expect_end("ok", "water the plants", "");
    json_decref(hear("removed"));
    jobs = ask("cron.list", "{\"includeDisabled\":true}");
    cr_expect_eq(json_array_size(json_object_get(jobs, "jobs")), 1, "what runs once is gone when it has gone well");
    json_decref(jobs);
    operator_stop(&me, &K);
}

Test(e2e_cron, what_goes_wrong_is_told, .timeout = 120)
{
    start("jobs: ["
          "{ id: 'nowhere', schedule: { kind: 'cron', expr: '0 0 1 1 *' }, payload: { kind: 'agentTurn', message: 'a' } },"
          "{ id: 'quiet', schedule: { kind: 'cron', expr: '0 0 1 1 *' }, payload: { kind: 'agentTurn', message: 'a' } },"
          "{ id: 'slow', schedule: { kind: 'cron', expr: '0 0 1 1 *' }, payload: { kind: 'agentTurn', message: 'b', timeoutSeconds: 1 }, "
          "delivery: { mode: 'none' } },"
          "{ id: 'broken', schedule: { kind: 'cron', expr: '*/10 * * * * *' }, enabled: false, payload: { kind: 'agentTurn', message: 'c' "
          "}, delivery: { mode: 'none' } }]",
          "0m");
    fake_control(&K.openrouter, "{\"next\":[{\"text\":\"an answer\"},{\"text\":\"NO_REPLY\"},{\"hang\":\"start\"},{\"status\":400}]}");
    run("nowhere");
    expect_end("error", "an answer", "cron delivery target is missing");
    run("quiet");
    expect_end("ok", "", "");
    run("slow");
    expect_end("error", "", "timed out");
    run("broken");
    json_t *end = hear("finished");
    cr_expect(str_is(json_str(end, "status"), "error") && json_str(end, "error").n > 0);
    json_decref(end);
    json_t *jobs = ask("cron.list", "{\"includeDisabled\":true}");
    size_t i;
    const json_t *job;
    json_array_foreach(json_object_get(jobs, "jobs"), i, job)
    {
        bool quiet = str_is(json_str(job, "id"), "quiet");
        const json_t *state = json_object_get(job, "state");
        cr_expect_eq(json_int(state, "consecutiveErrors", -1), quiet ? 0 : 1);
        cr_expect(str_is(json_str(state, "lastStatus"), quiet ? "ok" : "error"));
    }
    json_decref(jobs);
    operator_stop(&me, &K);
}

Test(e2e_cron, times_of_a_downtime_are_made_up_for_once_and_reported, .timeout = 120)
{
    start(TICKER, "0m");
    json_decref(hear("finished"));
    kill_gateway();
    int64_t before = kit_sql(&K, "SELECT count(*) FROM cron_runs WHERE kind = 0");
    usleep(4500000);
    kit_restart(&K);
    operator_open(&me, &K);
    json_decref(hear("finished"));
    cr_expect_geq(kit_sql(&K, "SELECT sum(json_extract(json, '$.skippedCount')) FROM cron_runs WHERE kind = 2"), 3);
    cr_expect_leq(kit_sql(&K, "SELECT count(*) FROM cron_runs WHERE kind = 0"), before + 4, "one run stands for those that were missed");
    cr_expect_eq(kit_sql(&K, "SELECT count(*) - count(DISTINCT slot_ms) FROM cron_runs WHERE kind = 0"), 0);
    operator_stop(&me, &K);
}

Test(e2e_cron, a_changed_configuration_changes_the_jobs, .timeout = 120)
{
    start(TICKER, "0m");
    json_decref(hear("finished"));
    char config[4096];
    snprintf(config, sizeof config,
             "{ " AGENTS ", cron: { jobs: [{ id: 'other', schedule: { kind: 'cron', expr: '0 7 * * *', tz: 'Asia/Ho_Chi_Minh' }, "
             "payload: { kind: 'agentTurn', message: 'x' } }] } }",
             "0m");
    FILE *f = fopen(K.config, "w");
    cr_assert(f && fputs(config, f) >= 0 && fclose(f) == 0);
    json_decref(hear("removed"));
    json_t *jobs = ask("cron.list", "{}"), *job = json_array_get(json_object_get(jobs, "jobs"), 0);
    cr_expect_eq(json_array_size(json_object_get(jobs, "jobs")), 1);
    cr_expect(str_is(json_str(job, "id"), "other"));
    cr_expect_eq(json_int(json_object_get(job, "state"), "nextRunAtMs", 0) % 86400000, 0, "07:00 there is midnight in UTC");
    json_decref(jobs);
    operator_stop(&me, &K);
}

/* Say something to the main session and wait for the answer. */
static void say(const char *text)
{
    struct http_reply r = { 0 };
    cr_assert_eq(kit_chat(&K, "u", text, &r), 0);
    cr_assert_eq(r.status, 200);
    http_reply_free(&r);
}

#define CALL(arguments) "{\"tool_calls\":[{\"id\":\"c\",\"name\":\"cron\",\"arguments\":" arguments "}]}"

Test(e2e_cron, an_agent_makes_appointments_with_itself_alone, .timeout = 120)
{
    start("jobs: [{ id: 'not-hers', agentId: 'main', schedule: { kind: 'cron', expr: '0 0 1 1 *' }, payload: { kind: 'agentTurn', message: "
          "'a' } }]",
          "0m");
    fake_control(&K.openrouter,
                 "{\"next\":[" CALL("{\"action\":\"add\",\"job\":{\"name\":\"tea\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"0 7 * * "
                                    "*\",\"tz\":\"Asia/Ho_Chi_Minh\"},"
                                    "\"payload\":{\"kind\":\"systemEvent\",\"text\":\"make tea\"}}}") ",{\"text\":\"Noted.\"}]}");
    say("remind me of tea at seven");
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM cron_jobs WHERE configured = 0 AND json_extract(json, '$.sessionTarget') = 'main' "
                             "AND json_extract(json, '$.sessionKey') LIKE 'agent:main:%'"),
                 1);
    static const struct {
        const char *call, *words;
    } cases[] = {
        { CALL("{\"action\":\"list\"}"), "make tea" },
        { CALL("{\"action\":\"status\"}"), "nextWakeAtMs" },
        { CALL("{\"action\":\"add\",\"job\":{\"name\":\"x\",\"agentId\":\"other\",\"schedule\":{\"kind\":\"every\",\"everyMs\":1000},"
               "\"payload\":{\"kind\":\"systemEvent\",\"text\":\"a\"}}}"),
          "only be for yourself" },
        { CALL("{\"action\":\"add\",\"job\":{\"name\":\"x\",\"schedule\":{\"kind\":\"cron\",\"expr\":\"61 * * * "
               "*\"},\"payload\":{\"kind\":\"systemEvent\",\"text\":\"a\"}}}"),
          "is outside 0-59" },
        { CALL("{\"action\":\"remove\",\"jobId\":\"nope\"}"), "no job with the id" },
        { CALL("{\"action\":\"remove\",\"jobId\":\"not-hers\"}"), "comes from the configuration" },
        { CALL("{\"action\":\"runs\",\"jobId\":\"not-hers\"}"), "entries" },
        { CALL("{\"action\":\"add\"}"), "job is required" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        fake_control(&K.openrouter, "{\"next\":[%s,{\"text\":\"ok\"}]}", cases[i].call);
        say("go on");
        char *text = kit_told(&K);
        cr_expect(strstr(text, cases[i].words), "%s: %s", cases[i].call, text);
        free(text);
    }
    operator_stop(&me, &K);
}

Test(e2e_cron, sessions_of_runs_are_deleted_when_they_are_old, .timeout = 120)
{
    start("sessionRetention: '1s', jobs: [{ id: 'once', schedule: { kind: 'cron', expr: '0 0 1 1 *' }, payload: { kind: 'agentTurn', "
          "message: 'a' }, delivery: { mode: 'none' } }]",
          "0m");
    run("once");
    json_decref(hear("finished"));
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM sessions WHERE key LIKE '%:run:%'"), 1);
    kill_gateway();
    usleep(1200000);
    kit_restart(&K);
    operator_open(&me, &K);
    json_decref(ask("cron.add", "{\"name\":\"x\",\"schedule\":{\"kind\":\"every\",\"everyMs\":3600000},\"sessionTarget\":\"main\","
                                "\"payload\":{\"kind\":\"systemEvent\",\"text\":\"a write\"}}"));
    for (int i = 0; i < 150 && kit_sql(&K, "SELECT count(*) FROM sessions WHERE key LIKE '%:run:%'") > 0; i++) usleep(100000);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM sessions WHERE key LIKE '%:run:%'"), 0);
    cr_expect_eq(kit_sql(&K, "SELECT count(*) FROM cron_runs"), 1, "the run log stays");
    operator_stop(&me, &K);
}
