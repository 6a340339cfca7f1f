/* Commands that need a person's word: an agent's call waits until an operator allows or denies it, or nobody does. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "support/operator.h"

static struct kit K;
static struct operator_client me;

static void start(const char *exec)
{
    static char config[1024];
    snprintf(config, sizeof config,
             "{ agents: { list: [{ id: 'main', default: true }], defaults: { model: { primary: '" KIT_OPENROUTER_MODEL "' } } },"
             "tools: { exec: { %s } } }",
             exec);
    operator_start(&me, &K, config);
}

struct asking {
    char command[512];
    char *answer; /* what the model was told */
    pthread_t thread;
};

static void *run_turn(void *arg)
{
    struct asking *a = arg;
    struct http_reply r = { 0 };
    fake_control(&K.openrouter,
                 "{\"next\":[{\"tool_calls\":[{\"id\":\"c\",\"name\":\"exec\",\"arguments\":{\"command\":\"%s\"}}]},{\"text\":\"done\"}]}",
                 a->command);
    if (kit_chat(&K, "u", "go", &r) != 0 || r.status != 200) return NULL;
    http_reply_free(&r);
    json_t *stats = fake_stats(&K.openrouter), *bodies = json_object_get(stats, "bodies");
    const json_t *body = json_object_get(json_array_get(bodies, json_array_size(bodies) - 1), "body");
    const json_t *messages = json_object_get(body, "messages"), *last = json_array_get(messages, json_array_size(messages) - 1);
    const json_t *content = json_object_get(last, "content");
    const char *text =
        json_is_string(content) ? json_string_value(content) : json_string_value(json_object_get(json_array_get(content, 0), "text"));
    a->answer = strdup(text ? text : "");
    json_decref(stats);
    return NULL;
}

static void ask(struct asking *a, const char *command)
{
    a->answer = NULL;
    snprintf(a->command, sizeof a->command, "%s", command);
    cr_assert_eq(pthread_create(&a->thread, NULL, run_turn, a), 0);
}

static const char *answer_of(struct asking *a)
{
    static char *kept;
    pthread_join(a->thread, NULL);
    free(kept);
    cr_assert(a->answer);
    return kept = a->answer;
}

/* The request that operators are told of; its id. */
static void hear(char id[80], const char *command, const char *ask_mode)
{
    json_t *event = ws_event(me.ws, "exec.approval.requested", 10000);
    cr_assert(event);
    const json_t *payload = json_object_get(event, "payload"), *request = json_object_get(payload, "request");
    cr_expect(str_is(json_str(request, "command"), command));
    cr_expect(str_is(json_str(request, "ask"), ask_mode));
    cr_expect(str_is(json_str(request, "agentId"), "main") && str_is(json_str(request, "host"), "gateway"));
    cr_expect(json_str(request, "sessionKey").n && json_str(request, "cwd").n);
    str_copy(id, 80, json_str(payload, "id"));
    json_decref(event);
}

static void resolve(const char *id, const char *decision)
{
    json_t *said = ws_call(me.ws, "exec.approval.resolve", "{\"id\":\"%s\",\"decision\":\"%s\"}", id, decision);
    cr_expect(json_is_true(json_object_get(said, "ok")), "%s", json_dumps(said, 0));
    json_decref(said);
}

Test(e2e_approvals, a_command_waits_for_a_word, .timeout = 90)
{
    char id[80];
    struct asking a;
    start("security: 'allowlist', ask: 'on-miss'");
    ask(&a, "printf hello");
    hear(id, "printf hello", "on-miss");
    resolve(id, "allow-once");
    cr_expect_str_eq(answer_of(&a), "hello");
    ask(&a, "printf again");
    hear(id, "printf again", "on-miss");
    resolve(id, "deny");
    cr_expect(strstr(answer_of(&a), "exec denied: cli refused this command") || strstr(a.answer, "refused this command"), "%s", a.answer);
    operator_stop(&me, &K);
}

Test(e2e_approvals, allow_always_is_kept_for_the_program_and_nothing_else, .timeout = 90)
{
    char id[80];
    struct asking a;
    start("security: 'allowlist', ask: 'on-miss'");
    ask(&a, "printf one");
    hear(id, "printf one", "on-miss");
    resolve(id, "allow-always");
    cr_expect_str_eq(answer_of(&a), "one");
    ask(&a, "printf two; printf three");
    cr_expect_str_eq(answer_of(&a), "twothree", "nobody is asked any more");
    json_t *said = ws_call(me.ws, "exec.approvals.get", "{}");
    const json_t *agents = json_at(json_object_get(said, "payload"), "file", "agents");
    const json_t *entry = json_array_get(json_object_get(json_object_get(agents, "main"), "allowlist"), 0);
    cr_expect(str_ends(json_str(entry, "pattern"), STR("/printf")) && json_str(entry, "id").n && json_int(entry, "lastUsedAt", 0) > 0);
    json_decref(said);
    ask(&a, "printf x; id");
    hear(id, "printf x; id", "on-miss");
    resolve(id, "deny");
    answer_of(&a);
    ask(&a, "printf $(id)");
    hear(id, "printf $(id)", "on-miss");
    resolve(id, "deny");
    answer_of(&a);
    operator_close(&me);
    kit_restart(&K);
    operator_open(&me, &K);
    ask(&a, "printf four");
    cr_expect_str_eq(answer_of(&a), "four", "also after a restart");
    operator_stop(&me, &K);
}

Test(e2e_approvals, without_asking_the_list_alone_decides, .timeout = 90)
{
    struct asking a;
    start("security: 'allowlist', ask: 'off', safeBins: ['head']");
    ask(&a, "id");
    cr_expect(strstr(answer_of(&a), "exec denied: allowlist miss: id (/"));
    ask(&a, "head -n 1 < /etc/passwd");
    cr_expect(strstr(answer_of(&a), "the command cannot be judged, for it redirects."));
    ask(&a, "cd /");
    cr_expect(strstr(answer_of(&a), "there is no program cd."));
    ask(&a, "head -n 0");
    cr_expect_str_eq(answer_of(&a), "(no output)");
    operator_stop(&me, &K);
}

Test(e2e_approvals, nobody_answers, .timeout = 90)
{
    char id[80];
    struct asking a;
    start("ask: 'always', approvalTimeoutMs: 1000");
    ask(&a, "printf late");
    hear(id, "printf late", "always");
    cr_expect(strstr(answer_of(&a), "exec denied: it needs a person's approval, and nobody answered within 1 s."));
    json_t *said = ws_call(me.ws, "exec.approvals.set", "{\"file\":{\"version\":1,\"defaults\":{\"askFallback\":\"full\"},\"agents\":{}}}");
    cr_expect(json_is_true(json_object_get(said, "ok")));
    json_decref(said);
    ask(&a, "printf late");
    hear(id, "printf late", "always");
    cr_expect_str_eq(answer_of(&a), "late", "askFallback: full");
    operator_stop(&me, &K);
}

Test(e2e_approvals, the_file_can_only_be_stricter, .timeout = 90)
{
    struct asking a;
    start("security: 'full'");
    json_t *said =
        ws_call(me.ws, "exec.approvals.set",
                "{\"file\":{\"version\":1,\"agents\":{\"*\":{\"security\":\"allowlist\",\"allowlist\":[{\"pattern\":\"/**/id\"}]},"
                "\"other\":{\"security\":\"full\"}}}}");
    cr_expect(json_is_true(json_object_get(said, "ok")));
    json_decref(said);
    ask(&a, "id -u");
    cr_expect(!strstr(answer_of(&a), "denied"));
    ask(&a, "uname");
    cr_expect(strstr(answer_of(&a), "exec denied: allowlist miss: uname"));
    operator_stop(&me, &K);
}

Test(e2e_approvals, the_list_is_kept_from_the_command_line, .timeout = 90)
{
    struct asking a;
    char *said;
    start("security: 'allowlist', ask: 'off'");
    ask(&a, "id -u");
    cr_expect(strstr(answer_of(&a), "exec denied: allowlist miss"));
    cr_expect_eq(operator_run(&K, (const char *const[]){ "approvals", "allowlist", "add", "/**/id", "--agent", "main", NULL }, &said), 0);
    cr_expect(strstr(said, "/**/id"), "%s", said);
    free(said);
    ask(&a, "id -u");
    cr_expect(!strstr(answer_of(&a), "denied"));
    cr_expect_eq(operator_run(&K, (const char *const[]){ "approvals", "allowlist", "remove", "/**/id", "--agent", "main", NULL }, &said),
                 0);
    cr_expect(strstr(said, "No allowlist entries."), "%s", said);
    free(said);
    cr_expect_eq(operator_run(&K, (const char *const[]){ "approvals", "allowlist", "add", "id", NULL }, &said), 2);
    cr_expect(strstr(said, "is no path"), "%s", said);
    free(said);
    ask(&a, "id -u");
    cr_expect(strstr(answer_of(&a), "exec denied: allowlist miss"));
    operator_stop(&me, &K);
}

/* A stopped turn's request is over for the operators, too. */
Test(e2e_approvals, a_stop_ends_the_waiting, .timeout = 90)
{
    char id[80];
    start("ask: 'always'");
    fake_control(&K.openrouter,
                 "{\"next\":[{\"tool_calls\":[{\"id\":\"c\",\"name\":\"exec\",\"arguments\":{\"command\":\"id\"}}]},{\"text\":\"x\"}]}");
    json_t *said = ws_call(me.ws, "chat.send", "{\"sessionKey\":\"main\",\"message\":\"go\",\"idempotencyKey\":\"run-1\"}");
    cr_expect(json_is_true(json_object_get(said, "ok")));
    json_decref(said);
    hear(id, "id", "always");
    int64_t begun = clock_mono_ms();
    cr_assert_eq(ws_request(me.ws, "stop", "chat.abort", "{\"sessionKey\":\"main\",\"runId\":\"run-1\"}"), 0);
    json_t *event = ws_event(me.ws, "exec.approval.resolved", 10000);
    cr_assert(event);
    cr_expect(str_is(json_str(json_object_get(event, "payload"), "id"), id));
    cr_expect(str_is(json_str(json_object_get(event, "payload"), "decision"), "deny"));
    json_decref(event);
    cr_expect_lt(clock_mono_ms() - begun, 5000);
    said = ws_call(me.ws, "exec.approval.resolve", "{\"id\":\"%s\",\"decision\":\"allow-once\"}", id);
    cr_expect(json_is_false(json_object_get(said, "ok")));
    json_decref(said);
    operator_stop(&me, &K);
}
