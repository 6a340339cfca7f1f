/* What the command line promises: output and exit codes (docs/cli.md), with the real binary. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/gateway.h"
#include "support/tempdir.h"

enum { RUN_MS = 30000, ARGS_MAX = 16 };

static char dir[TEMPDIR_MAX], state_env[TEMPDIR_MAX + 32], config_env[TEMPDIR_MAX + 48];
static char *output;

static const char *const *environment(void)
{
    static const char *env[] = { state_env,
                                 config_env,
                                 "OPENROUTER_API_KEY",
                                 "ANTHROPIC_API_KEY",
                                 "OPENAI_API_KEY",
                                 "GEMINI_API_KEY",
                                 "GOOGLE_API_KEY",
                                 "OPENCLAW_GATEWAY_TOKEN",
                                 "OPENCLAW_GATEWAY_PASSWORD",
                                 "OPENCLAW_GATEWAY_PORT",
                                 "OPENCLAW_LOG_LEVEL=error",
                                 NULL };
    return env;
}

static void begin(void)
{
    tempdir_make(dir);
    snprintf(state_env, sizeof state_env, "OPENCLAW_STATE_DIR=%s/state", dir);
    snprintf(config_env, sizeof config_env, "OPENCLAW_CONFIG_PATH=%s/openclaw.json", dir);
}

static void end(void)
{
    free(output);
    output = NULL;
    tempdir_remove(dir);
}

static void write_config(const char *text)
{
    char path[TEMPDIR_MAX + 32];
    snprintf(path, sizeof path, "%s/openclaw.json", dir);
    FILE *f = fopen(path, "w");
    cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

static proc_t *start(const char *const *args)
{
    const char *argv[ARGS_MAX + 2] = { GW_OPENCLAW };
    proc_t *p;
    for (size_t i = 0; i < ARGS_MAX && args[i]; i++) argv[i + 1] = args[i];
    cr_assert(proc_start(argv, environment(), &p) == 0);
    return p;
}

/* Run to the end; what it printed is in `output`. @return the exit code */
static int run(const char *const *args)
{
    int status = 0;
    proc_t *p = start(args);
    cr_assert(proc_wait(p, RUN_MS, &status) == 0, "%s does not end", args[0]);
    free(output);
    output = proc_output(p);
    proc_stop(&p);
    cr_assert(WIFEXITED(status), "%s ended by signal %d", args[0], WTERMSIG(status));
    return WEXITSTATUS(status);
}

#define RUN(...) run((const char *const[]){ __VA_ARGS__, NULL })

static void expect_output(const char *text)
{
    cr_assert(strstr(output, text), "no \"%s\" in:\n%s", text, output);
}

Test(cli, helps, .init = begin, .fini = end, .timeout = 60)
{
    static const char *const commands[][2] = {
#define COMMAND(name, synopsis, about) { #name, "--help" },
#define GROUP(name, synopsis, about) { #name, "--help" },
#define SUBCOMMAND(command, name, synopsis, about) { #command, #name },
#define WORD(command, word)
#include "cli/commands.def"
#undef COMMAND
#undef GROUP
#undef SUBCOMMAND
#undef WORD
    };
    cr_assert_eq(RUN("--help"), 0);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) expect_output(commands[i][0]);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        cr_assert_eq(RUN(commands[i][0], commands[i][1], "--help"), 0, "%s %s", commands[i][0], commands[i][1]);
        expect_output("Usage: openclaw ");
        expect_output(commands[i][0]);
    }
}

Test(cli, tells_its_version, .init = begin, .fini = end, .timeout = 60)
{
    cr_assert_eq(RUN("--version"), 0);
    cr_assert_str_eq(output, "2026.2.17\n");
    cr_assert_eq(RUN("version"), 0);
    cr_assert_str_eq(output, "2026.2.17\n");
}

Test(cli, names_the_nearest_command_and_option, .init = begin, .fini = end, .timeout = 60)
{
    cr_assert_eq(RUN("gatway"), 2);
    expect_output("did you mean gateway?");
    cr_assert_eq(RUN("gateway", "--prot", "1"), 2);
    expect_output("did you mean --port?");
    cr_assert_eq(RUN("gateway", "--port"), 2);
    expect_output("--port needs a value");
    cr_assert_eq(RUN("gateway", "--port", "65536", "--allow-unconfigured"), 2);
    expect_output("from 0 to 65535");
    cr_assert_eq(RUN("gateway", "stop"), 2);
    cr_assert_eq(RUN("config"), 2);
    cr_assert_eq(RUN("devices"), 2);
    cr_assert_eq(RUN("devices", "aprove"), 2);
    expect_output("did you mean approve?");
}

Test(cli, validates_configurations, .init = begin, .fini = end, .timeout = 60)
{
    cr_assert_eq(RUN("config", "validate"), 78);
    cr_assert_eq(RUN("config", "validate", TEST_DATA_DIR "/homelab/openclaw.json"), 0);
    expect_output("9 agents");
    write_config("{gateway: {port: 'x'},\n agents: {lst: []}}");
    cr_assert_eq(RUN("config", "validate"), 78);
    expect_output("gateway.port: ");
    expect_output("openclaw.json:1)");
    expect_output("openclaw.json:2)");
}

Test(cli, prints_settings_without_secrets, .init = begin, .fini = end, .timeout = 60)
{
    write_config("{gateway: {port: 21000, auth: {mode: 'token', token: 'a-secret-of-the-test'}}}");
    cr_assert_eq(RUN("config", "get", "gateway.port"), 0);
    cr_assert_str_eq(output, "21000\n");
    cr_assert_eq(RUN("config", "get", "gateway.auth.mode"), 0);
    cr_assert_str_eq(output, "token\n");
    cr_assert_eq(RUN("config", "get", "gateway"), 0);
    cr_assert(strstr(output, "***") && !strstr(output, "a-secret-of-the-test"));
    cr_assert_eq(RUN("config", "get", "nope.nope"), 1);
    cr_assert_str_eq(output, "Config path not found: nope.nope\n");
}

static void expect_config(const char *text)
{
    char path[TEMPDIR_MAX + 32], got[512] = "";
    snprintf(path, sizeof path, "%s/openclaw.json", dir);
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL);
    size_t n = fread(got, 1, sizeof got - 1, file);
    fclose(file);
    cr_assert(n == strlen(text) && strcmp(got, text) == 0, "got\n%s", got);
}

Test(cli, changes_settings_and_keeps_the_rest_of_the_file, .init = begin, .fini = end, .timeout = 60)
{
    write_config("{\n  // the door\n  gateway: { port: 21000 },\n}\n");
    cr_assert_eq(RUN("config", "set", "gateway.port", "21001"), 0);
    expect_output("Updated gateway.port.");
    cr_assert_eq(RUN("config", "set", "ui.assistant.name", "My Claw"), 0);
    expect_config(
        "{\n  // the door\n  gateway: { port: 21001 },\n  \"ui\": {\n    \"assistant\": {\n      \"name\": \"My Claw\"\n    }\n  },\n}\n");
    cr_assert_eq(RUN("config", "unset", "ui"), 0);
    expect_config("{\n  // the door\n  gateway: { port: 21001 },\n}\n");
    cr_assert_eq(RUN("config", "unset", "nope.nope"), 1);
    cr_assert_str_eq(output, "Config path not found: nope.nope\n");
    cr_assert_eq(RUN("config", "set", "gateway.port"), 2);
    cr_assert_eq(RUN("config", "set", "--json", "gateway.port", "{"), 2);
}

Test(cli, a_long_id_stays_a_text, .init = begin, .fini = end, .timeout = 60)
{
    write_config("{}");
    cr_assert_eq(RUN("config", "set", "ui.assistant.name", "222222222222222222"), 0);
    cr_assert_eq(RUN("config", "get", "--json", "ui.assistant.name"), 0);
    cr_assert_str_eq(output, "\"222222222222222222\"\n");
}

Test(cli, refuses_a_change_that_brings_errors_or_meets_a_read_only_file, .init = begin, .fini = end, .timeout = 60)
{
    char path[TEMPDIR_MAX + 32];
    snprintf(path, sizeof path, "%s/openclaw.json", dir);
    write_config("{gateway: {port: 21000}}");
    cr_assert_eq(RUN("config", "set", "gateway.port", "x"), 1);
    expect_output("Nothing was written");
    expect_config("{gateway: {port: 21000}}");
    cr_assert(chmod(path, 0444) == 0);
    cr_assert_eq(RUN("config", "set", "gateway.port", "21001"), 1);
    expect_output("is read-only");
    expect_config("{gateway: {port: 21000}}");
}

Test(cli, gateway_refuses_what_would_be_unsafe_or_a_mistake, .init = begin, .fini = end, .timeout = 60)
{
    cr_assert_eq(RUN("gateway", "--port", "0"), 78);
    expect_output("--allow-unconfigured");
    cr_assert_eq(RUN("gateway", "--port", "0", "--bind", "lan", "--allow-unconfigured"), 78);
    expect_output("without authentication");
    cr_assert_eq(RUN("gateway", "--port", "0", "--bind", "somewhere", "--allow-unconfigured"), 2);
    write_config("{gateway: {mode: 'remote'}}");
    cr_assert_eq(RUN("gateway", "--port", "0"), 78);
    write_config("{gateway: {port: 0.5}}");
    cr_assert_eq(RUN("gateway"), 78);
    expect_output("gateway.port");
}

static int wait_for_port(proc_t *p)
{
    char rest[64];
    cr_assert(proc_wait_line(p, "Listening on http://127.0.0.1:", RUN_MS, rest, sizeof rest) == 0, "%s", proc_output(p));
    return atoi(rest);
}

Test(cli, gateway_tells_a_newcomer_how_to_talk_to_it_and_stops, .init = begin, .fini = end, .timeout = 90)
{
    struct http_reply r = { 0 };
    char line[512];
    proc_t *p = start((const char *const[]){ "gateway", "--port", "0", "--allow-unconfigured", NULL });
    int port = wait_for_port(p), status;
    cr_assert(proc_wait_line(p, "  curl http://127.0.0.1:", RUN_MS, line, sizeof line) == 0);
    cr_assert(strstr(line, "/v1/chat/completions") && !strstr(line, "Authorization"));
    free(output);
    output = proc_output(p);
    expect_output("demo provider: no key is set");
    struct http_call call = { .path = "/v1/chat/completions", .body = STR("{\"messages\":[{\"role\":\"user\",\"content\":\"Hello!\"}]}") };
    cr_assert(http_call(port, &call, RUN_MS, &r) == 0 && r.status == 200);
    http_reply_free(&r);
    status = proc_stop(&p);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(cli, gateway_never_prints_a_configured_secret, .init = begin, .fini = end, .timeout = 90)
{
    char line[512];
    write_config("{gateway: {auth: {mode: 'token', token: 'a-secret-of-the-test'}}}");
    proc_t *p = start((const char *const[]){ "gateway", "--port", "0", NULL });
    cr_assert(proc_wait_line(p, "  curl ", RUN_MS, line, sizeof line) == 0);
    cr_assert(strstr(line, "$OPENCLAW_GATEWAY_TOKEN"));
    free(output);
    output = proc_output(p);
    cr_assert(!strstr(output, "a-secret-of-the-test"));
    proc_stop(&p);
}

Test(cli, gateway_starts_on_the_last_good_configuration, .init = begin, .fini = end, .timeout = 90)
{
    struct http_reply r = { 0 };
    struct stat st;
    char path[TEMPDIR_MAX + 64];
    write_config("{agents: {list: [{id: 'alpha'}]}}");
    proc_t *p = start((const char *const[]){ "gateway", "--port", "0", NULL });
    wait_for_port(p);
    proc_stop(&p);
    snprintf(path, sizeof path, "%s/state/openclaw.last-good.json", dir);
    cr_assert(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
    write_config("{agents: ");
    p = start((const char *const[]){ "gateway", "--port", "0", NULL });
    struct http_call call = { .path = "/readyz" };
    cr_assert(http_call(wait_for_port(p), &call, RUN_MS, &r) == 0 && r.status == 503);
    cr_assert(str_find(buf_str(&r.body), STR("the last good one is in use")) >= 0);
    free(output);
    output = proc_output(p);
    expect_output("  alpha ");
    http_reply_free(&r);
    proc_stop(&p);
}

Test(cli, gateway_tells_that_its_port_is_taken, .init = begin, .fini = end, .timeout = 90)
{
    char port[16];
    proc_t *p = start((const char *const[]){ "gateway", "--port", "0", "--allow-unconfigured", NULL });
    snprintf(port, sizeof port, "%d", wait_for_port(p));
    snprintf(state_env, sizeof state_env, "OPENCLAW_STATE_DIR=%s/other", dir);
    cr_assert_eq(RUN("gateway", "--port", port, "--allow-unconfigured"), 69);
    expect_output("--port");
    proc_stop(&p);
}

Test(cli, agent_answers_in_this_process_and_through_the_gateway, .init = begin, .fini = end, .timeout = 120)
{
    char config[64];
    cr_assert_eq(RUN("agent", "--agent", "main", "--message", "hello"), 0);
    expect_output("You said: hello");
    expect_output("Gateway agent failed; falling back to embedded: Error: gateway closed (1006");
    write_config("{}");
    proc_t *p = start((const char *const[]){ "gateway", "--port", "0", NULL });
    snprintf(config, sizeof config, "{gateway: {port: %d}}", wait_for_port(p));
    write_config(config);
    cr_assert_eq(RUN("agent", "--agent", "main", "--message", "hello"), 0);
    expect_output("You said: hello");
    cr_assert(!strstr(output, "falling back"));
    cr_assert_eq(RUN("agent", "--agent", "main", "--message", "hello", "--json"), 0);
    json_t *json = json_loads(output, 0, NULL);
    cr_assert(json && strcmp(json_string_value(json_object_get(json, "status")), "ok") == 0);
    const json_t *payload = json_array_get(json_object_get(json_object_get(json, "result"), "payloads"), 0);
    cr_assert(strstr(json_string_value(json_object_get(payload, "text")), "hello"));
    json_decref(json);
    proc_stop(&p);
}

Test(cli, agent_tells_what_is_missing, .init = begin, .fini = end, .timeout = 60)
{
    cr_assert_eq(RUN("agent", "--agent", "zzz", "--message", "hi"), 1);
    expect_output("Unknown agent id \"zzz\".");
    cr_assert_eq(RUN("agent", "--message", "hi"), 1);
    expect_output("to choose a session");
    cr_assert_eq(RUN("agent", "--agent", "main"), 1);
    cr_assert_eq(RUN("agent", "--agent", "main", "--message", " "), 1);
    cr_assert_eq(RUN("agent", "--agent", "main", "--message", "x", "--timeout", "0"), 2);
}

/* The status of /readyz and what it says. */
static int readyz(int port, char *body, size_t cap)
{
    struct http_reply r = { 0 };
    struct http_call call = { .path = "/readyz" };
    cr_assert(http_call(port, &call, RUN_MS, &r) == 0);
    int status = r.status;
    str_copy(body, cap, buf_str(&r.body));
    http_reply_free(&r);
    return status;
}

Test(cli, gateway_reads_its_configuration_again_on_a_signal, .init = begin, .fini = end, .timeout = 90)
{
    char line[512], body[1024];
    write_config("{gateway: {reload: {mode: 'off'}}}");
    proc_t *p = start((const char *const[]){ "gateway", "--port", "0", NULL });
    int port = wait_for_port(p);
    write_config("{gateway: {port: 'x'}}");
    proc_signal(p, SIGHUP);
    cr_assert(proc_wait_line(p, "ts=", RUN_MS, line, sizeof line) == 0); /* OPENCLAW_LOG_LEVEL=error: the problem */
    while (readyz(port, body, sizeof body) == 200) continue;
    cr_assert(strstr(body, "gateway.port"), "%s", body);
    write_config("{}");
    proc_signal(p, SIGUSR1);
    while (readyz(port, body, sizeof body) != 200) continue;
    int status = proc_stop(&p);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
