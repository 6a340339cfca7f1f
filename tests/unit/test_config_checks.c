/* What is wrong with a configuration: every kind of problem, with its place and words. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/config_schema.h"
#include "base/err.h"
#include "support/config_fixture.h"

Test(config_checks, reports_all_problems_at_once_errors_first, .fini = config_end)
{
    complains("{\n  gatway: {},\n  gateway: { port: 70000, bind: 'lna' },\n  agents: { defaults: { maxConcurrent: '4' } },\n}",
              "t.json:3:20: error: gateway.port: expected a whole number from 1 to 65535, got 70000\n"
              "t.json:3:33: error: gateway.bind: expected one of loopback, lan, tailnet, auto, custom; got \"lna\"\n"
              "t.json:4:40: error: agents.defaults.maxConcurrent: expected a whole number from 1 to 10000, got a string\n"
              "t.json:2:3: warning: gatway: unknown setting, ignored; did you mean \"gateway\"?\n");
}

Test(config_checks, shows_the_first_syntax_error_with_its_place, .fini = config_end)
{
    complains("{ a: 1\n  b: 2 }", "t.json:2:3: error: found 'b', expected ',' or '}'\n");
    complains("[]", "t.json:1:1: error: the configuration must be an object: { ... }\n");
}

Test(config_checks, names_duplicates_with_both_lines, .fini = config_end)
{
    complains("{ gateway: {\n port: 1,\n port: 2,\n 'port': 3 } }",
              "t.json:3:2: error: gateway.port: set twice, first in line 2; keep one\n"
              "t.json:4:2: error: gateway.port: set twice, first in line 2; keep one\n");
}

Test(config_checks, refuses_values_of_the_wrong_kind, .fini = config_end)
{
    static const char *const rows[][2] = {
        { "{ gateway: [] }", "t.json:1:12: error: gateway: expected an object, got an array\n" },
        { "{ agents: { list: {} } }", "t.json:1:19: error: agents.list: expected a list, got an object\n" },
        { "{ cron: { enabled: 1 } }", "t.json:1:20: error: cron.enabled: expected true or false, got a number\n" },
        { "{ cron: { enabled: null } }", "t.json:1:20: error: cron.enabled: expected true or false, got null\n" },
        { "{ logging: { file: 5 } }", "t.json:1:20: error: logging.file: expected a string, got a number; put it in quotes\n" },
        { "{ logging: { file: 'a\\0b' } }", "t.json:1:20: error: logging.file: holds a NUL character\n" },
        { "{ tools: { allow: 'exec' } }", "t.json:1:19: error: tools.allow: expected a list of strings, got a string\n" },
        { "{ tools: { allow: ['a', 1] } }", "t.json:1:25: error: tools.allow[1]: expected a string, got a number; put it in quotes\n" },
        { "{ channels: { discord: { allowFrom: [1475145705847914700] } } }",
          "t.json:1:38: error: channels.discord.allowFrom[0]: this number is too large to be exact; put it in quotes\n" },
        { "{ cron: { maxConcurrentRuns: 1.5 } }",
          "t.json:1:30: error: cron.maxConcurrentRuns: expected a whole number from 1 to 1000, got 1.5\n" },
        { "{ cron: { maxConcurrentRuns: NaN } }",
          "t.json:1:30: error: cron.maxConcurrentRuns: expected a whole number from 1 to 1000, got nan\n" },
        { "{ channels: { discord: { retry: { jitter: 2 } } } }",
          "t.json:1:43: error: channels.discord.retry.jitter: expected a number from 0 to 1, got 2\n" },
        { "{ cron: { sessionRetention: '5 fortnights' } }",
          "t.json:1:29: error: cron.sessionRetention: expected a string like \"30s\", \"5m\", \"1h\" or \"2d\", or a number\n" },
        { "{ logging: { maxFileBytes: '1 cow' } }",
          "t.json:1:28: error: logging.maxFileBytes: expected a string like \"512kb\" or \"2mb\", or a number\n" },
        { "{ commands: { native: 'maybe' } }", "t.json:1:23: error: commands.native: expected one of true, false, auto; got \"maybe\"\n" },
        { "{ agents: { defaults: { model: 5 } } }",
          "t.json:1:32: error: agents.defaults.model: expected a model: a string or an object {primary, fallbacks}, got a number\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) complains(rows[i][0], rows[i][1]);
}

Test(config_checks, accepts_each_limit_and_refuses_one_past_it, .fini = config_end)
{
    char text[120];
    size_t n;
    for (int past = 0; past <= 1; past++) {
        for (int depth = 1 - past; depth <= 5 + past; depth += 4 + 2 * past) {
            snprintf(text, sizeof text, "{ agents: { defaults: { subagents: { maxSpawnDepth: %d } } } }", depth);
            cr_assert_eq(try_parse(text, NULL), past ? GW_ECONFIG : 0);
        }
    }
    const struct config_setting *s = config_settings(&n);
    for (size_t i = 0; i < n; i++) cr_assert(s[i].lo <= s[i].hi, "%s", s[i].path);
}

Test(config_checks, takes_every_opaque_section_and_flexible_kind, .fini = config_end)
{
    parse("{ $schema: 'x', browser: { a: 1 }, memory: [], talk: null, channels: { slack: { any: 1 } },"
          "  commands: { native: false, nativeSkills: 'auto', ownerAllowFrom: [1, 'x'] }, cron: { sessionRetention: 3600 },"
          "  session: { maintenance: { rotateBytes: '10MB', pruneAfter: '30d' } } }");
}

Test(config_checks, checks_agents_and_their_names, .fini = config_end)
{
    complains("{ agents: { list: [\n {},\n { id: 'Bad Id' },\n { id: 'a', default: true },\n { id: 'a' },\n { id: 'b', default: true,\n"
              "   subagents: { allowAgents: ['*', 'a', 'ghost'] } } ] },\n bindings: [ { agentId: 'nobody', match: {} }, {} ],\n"
              " tools: { agentToAgent: { allow: ['x'] } } }",
              "t.json:2:2: error: agents.list[0].id: missing: every agent needs an id\n"
              "t.json:3:8: error: agents.list[1].id: expected 1 to 64 lower-case letters, digits, '-' or '_', first a letter or digit\n"
              "t.json:6:22: error: agents.list[4].default: agent \"a\" in line 4 is the default already; only one can be\n"
              "t.json:5:8: error: agents.list[3].id: agent \"a\" stands in line 4 already; ids must differ\n"
              "t.json:8:25: error: bindings[0].agentId: no agent \"nobody\" in agents.list\n"
              "t.json:8:42: error: bindings[0].match.channel: missing: the channel it is about\n"
              "t.json:8:48: error: bindings[1].agentId: missing: the agent that answers\n"
              "t.json:8:48: error: bindings[1].match.channel: missing: the channel it is about\n"
              "t.json:7:41: error: agents.list[4].subagents.allowAgents[2]: no agent \"ghost\" in agents.list\n"
              "t.json:9:35: error: tools.agentToAgent.allow[0]: no agent \"x\" in agents.list\n");
}

Test(config_checks, takes_agent_ids_up_to_64_bytes, .fini = config_end)
{
    char text[200];
    for (int n = 64; n <= 65; n++) {
        snprintf(text, sizeof text, "{ agents: { list: [ { id: '%0*d' } ] } }", n, 7);
        cr_assert_eq(try_parse(text, NULL), n == 64 ? 0 : GW_ECONFIG);
    }
}

Test(config_checks, checks_model_references, .fini = config_end)
{
    complains(
        "{ agents: { defaults: { model: { primary: 'gpt-5', fallbacks: ['nowhere/x', '/x', 'x/'] } },\n"
        "  list: [ { id: 'a', model: 'opus', subagents: { model: 'y' } } ] } }",
        "t.json:1:43: error: agents.defaults.model.primary: expected \"provider/model\" or an alias of agents.defaults.models\n"
        "t.json:1:77: error: agents.defaults.model.fallbacks[1]: expected \"provider/model\" or an alias of agents.defaults.models\n"
        "t.json:1:83: error: agents.defaults.model.fallbacks[2]: expected \"provider/model\" or an alias of agents.defaults.models\n"
        "t.json:2:29: error: agents.list[0].model: expected \"provider/model\" or an alias of agents.defaults.models\n"
        "t.json:2:57: error: agents.list[0].subagents.model: expected \"provider/model\" or an alias of agents.defaults.models\n"
        "t.json:1:64: warning: agents.defaults.model.fallbacks[0]: provider \"nowhere\" is not known; describe it in models.providers\n");
    complains("{ agents: { defaults: { models: { 'bad': {}, 'demo/a': { alias: 'x' }, 'demo/b': { alias: 'X' } } } } }",
              "t.json:1:35: error: agents.defaults.models: the name \"bad\" is no reference; expected \"provider/model\"\n"
              "t.json:1:91: warning: agents.defaults.models: this alias already stands for \"demo/a\"\n");
}

Test(config_checks, checks_providers, .fini = config_end)
{
    complains(
        "{ models: { providers: { mine: {}, openai: { baseUrl: 'ftp://x' }, q: { baseUrl: 'http://h', api: 'ollama', models: [ {} ] } } } "
        "}",
        "t.json:1:55: error: models.providers.openai.baseUrl: expected an address that starts with http:// or https://\n"
        "t.json:1:32: error: models.providers.mine.baseUrl: missing: a provider that is not built in needs the address its requests go to\n"
        "t.json:1:119: error: models.providers.q.models[0].id: missing: the model as the provider names it\n"
        "t.json:1:71: warning: models.providers.q.api: this gateway does not speak this dialect; requests to the provider will fail\n");
}

Test(config_checks, checks_what_must_fit_together, .fini = config_end)
{
    static const char *const rows[][2] = {
        { "{ gateway: { auth: { mode: 'token' } } }",
          "t.json:1:28: error: gateway.auth.mode: token, but there is none; set gateway.auth.token or OPENCLAW_GATEWAY_TOKEN\n" },
        { "{ gateway: { auth: { mode: 'password' } } }",
          "t.json:1:28: error: gateway.auth.mode: password, but there is none; set gateway.auth.password or OPENCLAW_GATEWAY_PASSWORD\n" },
        { "{ gateway: { auth: { mode: 'trusted-proxy', trustedProxy: { userHeader: 'x' } } } }",
          "t.json:1:28: error: gateway.auth.mode: trusted-proxy needs gateway.trustedProxies\n" },
        { "{ gateway: { bind: 'custom', auth: { token: 't' } } }",
          "t.json:1:20: error: gateway.bind: custom needs gateway.customBindHost\n" },
        { "{ gateway: { bind: 'lan' } }",
          "t.json:1:20: warning: gateway.bind: other hosts can reach this gateway but no token or password is set, "
          "so it will refuse to start; set OPENCLAW_GATEWAY_TOKEN\n" },
        { "{ gateway: { tls: { enabled: true, certPath: 'x' } } }",
          "t.json:1:19: error: gateway.tls: enabled, but certPath or keyPath is missing\n" },
        { "{ gateway: { trustedProxies: ['::1', 'fd00::/8', '10.0.0.0/33', 'host', '10.0.0.0/'] } }",
          "t.json:1:50: error: gateway.trustedProxies[2]: expected an address or a range like 10.0.0.0/8 or fd00::/8\n"
          "t.json:1:65: error: gateway.trustedProxies[3]: expected an address or a range like 10.0.0.0/8 or fd00::/8\n"
          "t.json:1:73: error: gateway.trustedProxies[4]: expected an address or a range like 10.0.0.0/8 or fd00::/8\n" },
        { "{ tools: { allow: ['a'], alsoAllow: ['b'] } }",
          "t.json:1:37: error: tools.alsoAllow: allow and alsoAllow cannot stand together; put all tools into allow\n" },
        { "{ agents: { list: [ { id: 'a', tools: { allow: ['a'], alsoAllow: ['b'] } } ] } }",
          "t.json:1:66: error: agents.list[0].tools.alsoAllow: allow and alsoAllow cannot stand together; put all tools into allow\n" },
        { "{ agents: { defaults: { imageModel: 'gpt' } } }",
          "t.json:1:37: error: agents.defaults.imageModel: expected \"provider/model\" or an alias of agents.defaults.models\n" },
        { "{ channels: { discord: { dmPolicy: 'open', allowFrom: ['1'] } } }",
          "t.json:1:36: error: channels.discord.dmPolicy: open needs allowFrom: [\"*\"], to be sure it is meant\n" },
        { "{ hooks: { enabled: true } }", "t.json:1:10: error: hooks.token: missing: hooks.enabled needs a token\n" },
        { "{ agents: { defaults: { userTimezone: 'Mars/Base' } } }",
          "t.json:1:39: warning: agents.defaults.userTimezone: this system knows no such time zone, UTC is used; expected a name like "
          "\"Europe/Berlin\"\n" },
        { "{ agents: { defaults: { userTimezone: '../../etc/passwd' } } }",
          "t.json:1:39: warning: agents.defaults.userTimezone: this system knows no such time zone, UTC is used; expected a name like "
          "\"Europe/Berlin\"\n" },
        { "{ agents: { defaults: { heartbeat: { activeHours: { start: '24:00', end: '24:00' } } } } }",
          "t.json:1:60: error: agents.defaults.heartbeat.activeHours.start: expected a time as HH:MM, from 00:00 to 23:59\n" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) complains(rows[i][0], rows[i][1]);
    parse("{ channels: { discord: { dmPolicy: 'open', allowFrom: ['*'] } }, agents: { defaults: { userTimezone: 'Europe/Berlin' } } }");
}

Test(config_checks, keeps_200_problems_and_counts_the_rest, .fini = config_end)
{
    struct buf text = { 0 };
    for (int more = 0; more <= 1; more++) {
        buf_clear(&text);
        buf_text(&text, "{");
        for (int i = 0; i < CONFIG_PROBLEMS_MAX + more; i++) buf_printf(&text, "zz%d: 1,", i);
        buf_text(&text, "}");
        cr_assert_eq(try_parse(buf_cstr(&text), NULL), 0);
        cr_assert(problems.count == CONFIG_PROBLEMS_MAX && problems.warnings == (size_t)(CONFIG_PROBLEMS_MAX + more));
        cr_assert((strstr(problems_text(), "and 1 more problems (the first 200 are shown)\n") != NULL) == more);
    }
    buf_free(&text);
}

Test(config_checks, holds_its_bounds_on_bytes_and_on_values, .fini = config_end, .timeout = 60)
{
    char file[] = "/tmp/test_config_XXXXXX";
    struct buf text = { 0 }, whole = { 0 };
    int fd = mkstemp(file);
    buf_text(&text, "[ ");
    while (text.n < JSON5_TEXT_MAX - 2) buf_text(&text, "1,");
    buf_text(&text, " ]");
    cr_assert(fd >= 0 && text.n == JSON5_TEXT_MAX && write(fd, text.p, text.n) == (ssize_t)text.n);
    for (int times = 1; times <= 2; times++) { /* twice the values of a full file are more than a configuration may hold */
        buf_clear(&whole);
        buf_text(&whole, "{ talk: [");
        for (int i = 0; i < times; i++) buf_printf(&whole, "{ $include: '%s' },", file);
        buf_text(&whole, "] }");
        cr_assert_eq(try_parse(buf_cstr(&whole), NULL), times == 1 ? 0 : GW_ECONFIG, "%s", problems_text());
    }
    cr_assert_not_null(strstr(problems_text(), "too many values: they would fill more than their share of memory"));
    cr_assert_eq(write(fd, " ", 1), 1);
    cr_assert_eq(try_parse(buf_cstr(&whole), NULL), GW_ECONFIG);
    cr_assert_not_null(strstr(problems_text(), ": larger than 1 MiB\n"), "%s", problems_text());
    close(fd);
    unlink(file);
    buf_free(&text);
    buf_free(&whole);
}

Test(config_checks, shows_no_secret_and_no_variable_in_a_problem, .fini = config_end)
{
    const char *const env[] = { "SECRET", "hunter2", NULL };
    cr_assert_eq(try_parse("{ gateway: { bind: '${SECRET}', auth: { token: ['hunter2'], mode: '${SECRET}' } }, agents: { defaults: { "
                           "model: '${SECRET}/x' } },"
                           "  bindings: [ { agentId: '${SECRET}', match: { channel: 'd' } } ] }",
                           env),
                 GW_ECONFIG);
    cr_assert(problems.errors >= 4);
    cr_assert_null(strstr(problems_text(), "hunter2"), "%s", problems_text());
}

Test(config_schema, finds_the_nearest_name)
{
    struct arena arena = { 0 };
    const struct config_rule *root = config_schema_build(&arena);
    const struct config_rule *gateway = config_schema_find(root, STR("gateway"));
    cr_assert(str_is(config_schema_nearest(gateway, STR("prot")), "port"));
    cr_assert(str_is(config_schema_nearest(gateway, STR("trustedproxies")), "trustedProxies"));
    cr_assert(str_is(config_schema_nearest(gateway, STR("controlui")), "controlUi"));
    cr_assert_eq(config_schema_nearest(gateway, STR("xyzzyxyzzy")).n, 0);
    cr_assert(str_is(config_schema_nearest(config_schema_find(root, STR("channels.discord.accounts.x")), STR("tokn")), "token"));
    arena_free(&arena);
}

static void no_name_twice(const struct config_rule *rule)
{
    for (const struct config_rule *c = rule->first; c; c = c->next) {
        for (const struct config_rule *d = c->next; d; d = d->next) cr_assert(!str_eq(c->name, d->name), "%s", c->name.p);
        no_name_twice(c);
    }
}

Test(config_schema, has_each_object_in_one_place_and_sound_lines)
{
    struct arena arena = { 0 };
    size_t n;
    const struct config_rule *root = config_schema_build(&arena);
    const struct config_setting *s = config_settings(&n);
    no_name_twice(root);
    for (size_t i = 0; i < n; i++) {
        const struct config_rule *rule = config_schema_find(root, str_of(s[i].path));
        cr_assert(rule && rule->setting == &s[i] && s[i].doc[0], "%s", s[i].path);
        cr_assert(!s[i].same || rule->same, "%s", s[i].path);
        cr_assert(s[i].kind != CONFIG_ENUM || !rule->text.n || config_word_known(s[i].words, rule->text), "%s", s[i].path);
    }
    arena_free(&arena);
}

Test(config_schema, reads_durations_and_sizes)
{
    int64_t v;
    cr_assert(config_duration_parse(STR("500ms"), 's', &v) == 0 && v == 500);
    cr_assert(config_duration_parse(STR("1h30m"), 's', &v) == 0 && v == 5400000);
    cr_assert(config_duration_parse(STR("30"), 'm', &v) == 0 && v == 1800000);
    cr_assert(config_duration_parse(STR("7"), 'l', &v) == 0 && v == 7);
    cr_assert(config_duration_parse(STR("0m"), 'm', &v) == 0 && v == 0);
    cr_assert(config_duration_parse(STR(""), 'm', &v) == GW_EPARSE && config_duration_parse(STR("h"), 'm', &v) == GW_EPARSE);
    cr_assert(config_duration_parse(STR("-1h"), 'm', &v) == GW_EPARSE && config_duration_parse(STR("1w"), 'm', &v) == GW_EPARSE);
    cr_assert_eq(config_duration_parse(STR("9223372036854775807d"), 'm', &v), GW_ELIMIT);
    cr_assert(config_size_parse(STR("2MB"), &v) == 0 && v == 2097152);
    cr_assert(config_size_parse(STR("512"), &v) == 0 && v == 512);
    cr_assert(config_size_parse(STR("1x"), &v) == GW_EPARSE && config_size_parse(STR("mb"), &v) == GW_EPARSE);
    cr_assert_eq(config_size_parse(STR("9223372036854775807tb"), &v), GW_ELIMIT);
}

Test(config_checks, jobs_by_the_clock_are_checked_before_they_are_due, .fini = config_end)
{
    complains(
        "{ cron: { jobs: [\n"
        " { id: 'a b', schedule: { kind: 'cron', expr: '61 * * * *', tz: 'Moon/Base' }, payload: { kind: 'agentTurn', message: 'x' } },\n"
        " { id: 'x', agentId: 'ghost', schedule: { kind: 'every' }, payload: { kind: 'agentTurn' } },\n"
        " { id: 'x', schedule: { kind: 'at' }, sessionTarget: 'isolated', payload: { kind: 'systemEvent', text: 'x' }, delivery: { mode: "
        "'webhook' } },\n"
        " {} ] } }",
        "t.json:2:8: error: cron.jobs[0].id: expected a name of 1 to 64 letters, digits, '-', '_', '.': the job keeps its history by it\n"
        "t.json:2:47: error: cron.jobs[0].schedule.expr: CronPattern: minute \"61\" is outside 0-59\n"
        "t.json:2:65: error: cron.jobs[0].schedule.tz: no such time zone; expected a name like Asia/Ho_Chi_Minh\n"
        "t.json:3:41: error: cron.jobs[1].schedule.everyMs: missing: milliseconds between runs\n"
        "t.json:3:69: error: cron.jobs[1].payload.message: missing: what is said\n"
        "t.json:3:22: error: cron.jobs[1].agentId: no such agent in agents.list\n"
        "t.json:4:8: error: cron.jobs[2].id: another job has this id\n"
        "t.json:4:23: error: cron.jobs[2].schedule.at: missing: an ISO 8601 time\n"
        "t.json:4:54: error: cron.jobs[2].sessionTarget: main takes a systemEvent, isolated an agentTurn\n"
        "t.json:4:121: error: cron.jobs[2].delivery.to: a webhook needs an http(s) address\n"
        "t.json:5:2: error: cron.jobs[3].id: expected a name of 1 to 64 letters, digits, '-', '_', '.': the job keeps its history by it\n"
        "t.json:5:2: error: cron.jobs[3].schedule.kind: missing: at, every or cron\n"
        "t.json:5:2: error: cron.jobs[3].payload.kind: missing: agentTurn or systemEvent\n");
}
