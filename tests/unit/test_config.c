/* The configuration as a whole: the customer's file, defaults, paths, printing, secrets. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <time.h>

#include "base/config.h"
#include "base/err.h"
#include "support/config_fixture.h"

#define HOMELAB TEST_DATA_DIR "/homelab/openclaw.json"

static const char *const homelab_env[] = { "HOME",
                                           "/home/node",
                                           "OPENCLAW_STATE_DIR",
                                           "/data",
                                           "OPENROUTER_API_KEY",
                                           "or-secret",
                                           "GEMINI_API_KEY",
                                           "gm-secret",
                                           "OPENCLAW_GATEWAY_TOKEN",
                                           "gw-secret",
                                           NULL };

static void load_homelab(void)
{
    struct env env = env_list(homelab_env);
    int rc = config_load(HOMELAB, &env, &cfg, &problems);
    cr_assert(rc == 0 && problems.errors == 0 && problems.warnings == 0, "%s", problems_text());
}

Test(config, loads_the_customers_file_without_a_word, .init = load_homelab, .fini = config_end)
{
    const struct config_agent *a = config_agent_default(cfg);
    cr_assert_eq(config_agent_count(cfg), 9);
    cr_assert_str_eq(a->id.p, "homelab-admin");
    cr_assert_str_eq(a->name.p, "Homelab Admin");
    cr_assert_str_eq(a->workspace.p, "/data/workspaces/homelab-admin");
    cr_assert_str_eq(a->time_zone.p, "Asia/Ho_Chi_Minh");
    cr_assert(a->skills_listed && a->skill_count == 8 && a->allow_count == 8 && !a->allow_any && a->timeout_seconds == 600);
    for (size_t i = 0; i < 9; i++) {
        a = config_agent_at(cfg, i);
        cr_assert_eq(a->model_count, 2);
        cr_assert_str_eq(a->models[0].text.p, "openrouter/stepfun/step-3.5-flash:free");
        cr_assert(str_is(a->models[0].provider, "openrouter") && str_is(a->models[0].model, "stepfun/step-3.5-flash:free"));
        cr_assert_str_eq(a->models[1].text.p, "google/gemini-2.5-pro");
        cr_assert(config_agent_find(cfg, a->id) == a);
    }
    a = config_agent_find(cfg, STR("cursor-agent"));
    cr_assert(config_agent_may_spawn(a, STR("qa-tester")) && config_agent_may_spawn(a, STR("cursor-agent")));
    cr_assert(!config_agent_may_spawn(a, STR("deutsch-tutor")));
    cr_assert_null(config_agent_find(cfg, STR("ghost")));
}

Test(config, gives_the_customers_limits_bindings_and_providers, .init = load_homelab, .fini = config_end)
{
    const struct config_limits *l = config_limits(cfg);
    const struct config_gateway *g = config_gateway(cfg);
    cr_assert(l->max_spawn_depth == 2 && l->subagent_concurrent == 4 && l->max_children == 3 && l->archive_after_minutes == 120);
    cr_assert(l->main_concurrent == 4 && l->turn_timeout_seconds == 600 && l->agent_to_agent && l->agent_to_agent_allow_count == 9);
    cr_assert(g->auth == CONFIG_AUTH_TOKEN && g->bind == CONFIG_BIND_LOOPBACK && g->port == 18789 && g->trusted_proxy_count == 3);
    cr_assert_str_eq(g->token.p, "gw-secret");
    const struct config_binding *b = config_binding_at(cfg, 2);
    cr_assert_eq(config_binding_count(cfg), 3);
    cr_assert_str_eq(b->agent_id.p, "daily-routine");
    cr_assert(str_is(b->channel, "discord") && str_is(b->peer_kind, "channel") && str_is(b->peer_id, "1478000000000000001"));
    cr_assert(str_is(b->guild_id, "1475145705847914700") && b->account_id.n == 0 && b->role_count == 0);
    cr_assert_eq(config_provider_count(cfg), 2);
    cr_assert_str_eq(config_provider_at(cfg, 0)->id.p, "openrouter");
    cr_assert_str_eq(config_provider_at(cfg, 0)->api_key.p, "or-secret");
    cr_assert_str_eq(config_provider_at(cfg, 1)->id.p, "google");
    cr_assert_str_eq(config_provider_at(cfg, 1)->api_key.p, "gm-secret");
}

Test(config, loads_the_customers_file_within_a_millisecond, .fini = config_end)
{
    struct env env = env_list(homelab_env);
    struct timespec from, to;
    double best = 1e9;
    for (int i = 0; i < 20; i++) {
        config_unref(&cfg);
        clock_gettime(CLOCK_MONOTONIC, &from);
        cr_assert_eq(config_load(HOMELAB, &env, &cfg, &problems), 0);
        clock_gettime(CLOCK_MONOTONIC, &to);
        double ms = (double)(to.tv_sec - from.tv_sec) * 1e3 + (double)(to.tv_nsec - from.tv_nsec) / 1e6;
        if (ms < best) best = ms;
    }
    cr_assert(best <= 1.0 * TEST_SLOWNESS, "%.3f ms", best);
}

Test(config, has_one_agent_and_all_defaults_without_a_file, .fini = config_end)
{
    struct env env = env_list((const char *const[]){ "HOME", "/home/u", NULL });
    cr_assert_eq(config_default(&env, &cfg, &problems), 0);
    const struct config_agent *a = config_agent_default(cfg);
    const struct config_limits *l = config_limits(cfg);
    const struct config_gateway *g = config_gateway(cfg);
    cr_assert(config_agent_count(cfg) == 1 && a == config_agent_at(cfg, 0) && a->node == NULL);
    cr_assert_str_eq(a->id.p, "main");
    cr_assert_str_eq(a->workspace.p, "/home/u/.openclaw/workspace");
    cr_assert(!a->skills_listed && a->allow_count == 0 && a->model_count == 1);
    cr_assert_str_eq(a->models[0].text.p, "demo/echo");
    cr_assert(l->main_concurrent == 4 && l->subagent_concurrent == 8 && l->cron_concurrent == 1 && l->max_spawn_depth == 1);
    cr_assert(l->max_children == 5 && l->archive_after_minutes == 60 && l->turn_timeout_seconds == 600 && l->subagent_timeout_seconds == 0);
    cr_assert(l->queue_mode == CONFIG_QUEUE_COLLECT && l->queue_debounce_ms == 1000 && l->queue_cap == 20);
    cr_assert(l->queue_drop == CONFIG_DROP_SUMMARIZE && l->bootstrap_max_chars == 20000 && l->bootstrap_total_max_chars == 150000);
    cr_assert(l->ping_pong_turns == 5 && !l->agent_to_agent);
    cr_assert(g->port == 18789 && g->bind == CONFIG_BIND_LOOPBACK && g->auth == CONFIG_AUTH_NONE && g->chat_completions && !g->responses);
    cr_assert(g->rate_max_attempts == 10 && g->rate_window_ms == 60000 && g->rate_lockout_ms == 300000 && g->rate_exempt_loopback);
    cr_assert(g->control_ui && g->control_ui_base.n == 0 && !g->tls);
    cr_assert(config_provider_count(cfg) == 1 && str_is(config_provider_at(cfg, 0)->api, "demo"));
    cr_assert_eq(config_file(cfg).n, 0);
    cr_assert_str_eq(config_state(cfg).p, "/home/u/.openclaw");
}

Test(config, says_which_file_is_missing, .fini = config_end)
{
    struct env env = { 0 };
    cr_assert_eq(config_load("/nowhere/openclaw.json", &env, &cfg, &problems), GW_ENOENT);
    cr_assert_null(cfg);
    cr_assert_str_eq(problems_text(), "/nowhere/openclaw.json: error: no such file\n");
    config_problems_free(&problems);
    cr_assert_eq(config_load("/", &env, &cfg, &problems), GW_EIO);
    cr_assert_str_eq(problems_text(), "/: error: not a file that can be read\n");
}

Test(config, finds_its_places_in_the_environment)
{
    char path[64];
    struct env env = env_list((const char *const[]){ "HOME", "/home/u", NULL });
    cr_assert(config_path(&env, path, sizeof path) == 0 && strcmp(path, "/home/u/.openclaw/openclaw.json") == 0);
    env = env_list((const char *const[]){ "HOME", "/home/u", "OPENCLAW_STATE_DIR", "~/state/", NULL });
    cr_assert(config_state_dir(&env, path, sizeof path) == 0 && strcmp(path, "/home/u/state") == 0);
    cr_assert(config_path(&env, path, sizeof path) == 0 && strcmp(path, "/home/u/state/openclaw.json") == 0);
    env = env_list((const char *const[]){ "OPENCLAW_STATE_DIR", "/data", "OPENCLAW_CONFIG_PATH", "/config/openclaw.json", NULL });
    cr_assert(config_path(&env, path, sizeof path) == 0 && strcmp(path, "/config/openclaw.json") == 0);
    cr_assert(config_state_dir(&env, path, 6) == 0 && config_state_dir(&env, path, 5) == GW_ELIMIT && path[0] == '\0');
}

Test(config, finds_settings_by_path, .fini = config_end)
{
    parse("{ agents: { list: [ { id: 'a' }, { id: 'b', model: { primary: 'demo/x' } } ] }, channels: { discord: { guilds: { 'a.b c': {} } "
          "} } }");
    cr_assert_str_eq(config_get(cfg, STR("agents.list[1].model.primary"))->string.p, "demo/x");
    cr_assert_str_eq(config_get(cfg, STR("agents.list.1.id"))->string.p, "b");
    cr_assert_not_null(config_get(cfg, STR("channels.discord.guilds[\"a.b c\"]")));
    cr_assert_eq(config_get(cfg, STR(""))->count, 2);
    static const char *const none[] = { "agents.list[2]",
                                        "agents.list[x]",
                                        "agents.list[-1]",
                                        "agents..list",
                                        ".agents",
                                        "agents.list[",
                                        "agents[list",
                                        "agents.list[1]x",
                                        "agents.list[99999999999999999999]",
                                        "gateway.port",
                                        "[\"",
                                        "[]" };
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) cr_assert_null(config_get(cfg, str_of(none[i])), "%s", none[i]);
}

Test(config, gives_values_or_the_defaults_of_the_table, .fini = config_end)
{
    parse("{ messages: { queue: { cap: 7 } }, logging: { level: 'debug' }, skills: { load: { watch: false } },"
          "  cron: { sessionRetention: false }, agents: { defaults: { heartbeat: { every: '1h30m' } } } }");
    cr_assert(config_int(cfg, "messages.queue.cap") == 7 && config_int(cfg, "messages.queue.debounceMs") == 1000);
    cr_assert(!config_bool(cfg, "skills.load.watch") && config_bool(cfg, "cron.enabled"));
    cr_assert(!config_bool(cfg, "gateway.store.fullSync"));
    cr_assert_str_eq(config_str(cfg, "logging.level").p, "debug");
    cr_assert_str_eq(config_str(cfg, "session.dmScope").p, "main");
    cr_assert_str_eq(config_str(cfg, "channels.discord.accounts.work.groupPolicy").p, "allowlist");
    cr_assert_eq(config_int(cfg, "tools.exec.timeoutSec"), 1800);
    cr_assert(config_int(cfg, "no.such") == 0 && !config_bool(cfg, "no.such") && config_str(cfg, "no.such").n == 0);
    cr_assert_eq(config_duration(cfg, "agents.defaults.heartbeat.every", 'm'), 90 * 60000);
    cr_assert_eq(config_duration(cfg, "session.maintenance.pruneAfter", 'd'), INT64_C(30) * 86400000);
    cr_assert_eq(config_duration(cfg, "cron.sessionRetention", 'h'), -1);
}

static const char *print(const char *path, int indent)
{
    static struct buf out;
    buf_clear(&out);
    int rc = config_print(cfg, str_of(path), indent, &out);
    return rc == GW_ENOENT ? "(none)" : buf_cstr(&out);
}

Test(config, prints_any_part_and_never_a_secret, .fini = config_end)
{
    parse("{ gateway: { port: 1234, auth: { token: 'abcdef', mode: 'token' } }, env: { OPENAI_API_KEY: 'sk-1', vars: { X: 'y' } },"
          "  models: { providers: { p: { baseUrl: 'http://h/v1', apiKey: 'kkkk', headers: { 'X-Any': 'vvvv' }, models: [] } } },"
          "  talk: { providers: { e: { apiKey: 'tttt', maxTokens: 5, list: ['a'] } }, empty: {}, password: '' } }");
    cr_assert_str_eq(print("gateway", 0), "{\"port\":1234,\"auth\":{\"token\":\"***\",\"mode\":\"token\"}}");
    cr_assert_str_eq(print("gateway.auth.token", 0), "\"***\"");
    cr_assert_str_eq(print("env", 0), "{\"OPENAI_API_KEY\":\"***\",\"vars\":{\"X\":\"***\"}}");
    cr_assert_str_eq(print("models.providers.p.headers", 2), "{\n  \"X-Any\": \"***\"\n}");
    cr_assert_str_eq(print("models.providers.p.models", 2), "[]");
    cr_assert_str_eq(print("talk", 0),
                     "{\"providers\":{\"e\":{\"apiKey\":\"***\",\"maxTokens\":5,\"list\":[\"a\"]}},\"empty\":{},\"password\":\"\"}");
    cr_assert_str_eq(print("messages.queue.cap", 0), "20");
    cr_assert_str_eq(print("session.dmScope", 0), "\"main\"");
    cr_assert_str_eq(print("nope.nope", 0), "(none)");
}

Test(config, lists_every_secret_for_redaction, .fini = config_end)
{
    parse_env("{ gateway: { auth: { token: '${OPENCLAW_GATEWAY_TOKEN}' } }, channels: { discord: { token: 'discord-1' }, slack: { "
              "botToken: 'slack-1' } },"
              "  models: { providers: { openai: { apiKey: 'abc' } } } }",
              (const char *const[]){ "OPENCLAW_GATEWAY_TOKEN", "gw-token", "GEMINI_API_KEY", "gem-key", NULL });
    static const char *const expected[] = { "gw-token", "discord-1", "slack-1", "gem-key" };
    for (size_t e = 0; e < 4; e++) {
        bool found = false;
        for (size_t i = 0; i < config_secret_count(cfg); i++) found = found || str_is(config_secret_at(cfg, i), expected[e]);
        cr_assert(found, "%s", expected[e]);
    }
    for (size_t i = 0; i < config_secret_count(cfg); i++) cr_assert(config_secret_at(cfg, i).n >= 4); /* "abc" would mangle other words */
    cr_assert_eq(config_secret_at(cfg, config_secret_count(cfg)).n, 0);
}

Test(config, lives_until_the_last_reference_is_given_back)
{
    struct env env = { 0 };
    struct config_problems none = { 0 };
    config_t *one, *two;
    cr_assert_eq(config_default(&env, &one, &none), 0);
    two = config_ref(one);
    config_unref(&one);
    cr_assert_null(one);
    cr_assert_str_eq(config_agent_default(two)->id.p, "main");
    config_unref(&two);
    config_unref(&two); /* NULL is fine */
    config_problems_free(&none);
}
