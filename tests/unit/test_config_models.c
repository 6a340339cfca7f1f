/* Model references, chains and providers. */
#include <criterion/criterion.h>

#include "base/err.h"
#include "support/config_fixture.h"

static void chain_is(const char *agent, const char *expected)
{
    struct buf out = { 0 };
    const struct config_agent *a = config_agent_find(cfg, str_of(agent));
    for (size_t i = 0; i < a->model_count; i++) {
        if (i) buf_char(&out, ' ');
        buf_add(&out, a->models[i].text);
    }
    buf_text(&out, " |");
    for (size_t i = 0; i < a->subagent_model_count; i++) {
        buf_char(&out, ' ');
        buf_add(&out, a->subagent_models[i].text);
    }
    cr_assert_str_eq(buf_cstr(&out), expected);
    buf_free(&out);
}

Test(config_models, cuts_references_at_the_first_slash)
{
    struct model_ref r;
    cr_assert_eq(model_ref_parse(STR("openrouter/stepfun/step-3.5-flash:free"), &r), 0);
    cr_assert(str_is(r.provider, "openrouter") && str_is(r.model, "stepfun/step-3.5-flash:free") && r.text.n == 38);
    static const char *const bad[] = { "", "/", "a", "a/", "/a" };
    for (size_t i = 0; i < 5; i++) cr_assert(model_ref_parse(str_of(bad[i]), &r) == GW_EINVAL && r.text.n == 0);
}

Test(config_models, resolves_each_chain_own_first_then_the_defaults, .fini = config_end)
{
    parse("{ agents: { defaults: { model: { primary: 'demo/d', fallbacks: ['demo/e', 'demo/f'] }, models: { 'demo/long': { alias: 'Fast' } "
          "} }, list: ["
          "  { id: 'none' }, { id: 'bare', model: 'demo/x' }, { id: 'primary', model: { primary: 'demo/x' } },"
          "  { id: 'replaced', model: { primary: 'demo/x', fallbacks: ['demo/y'] } }, { id: 'alone', model: { primary: 'demo/x', "
          "fallbacks: [] } },"
          "  { id: 'only-fallbacks', model: { fallbacks: ['demo/z', 'demo/d'] } }, { id: 'alias', model: 'fast' },"
          "  { id: 'child', subagents: { model: 'demo/c' } }, { id: 'child2', subagents: { model: { primary: 'demo/c', fallbacks: [] } } } "
          "] } }");
    chain_is("none", "demo/d demo/e demo/f | demo/d demo/e demo/f");
    chain_is("bare", "demo/x demo/e demo/f | demo/x demo/e demo/f");
    chain_is("primary", "demo/x demo/e demo/f | demo/x demo/e demo/f");
    chain_is("replaced", "demo/x demo/y | demo/x demo/y");
    chain_is("alone", "demo/x | demo/x");
    chain_is("only-fallbacks", "demo/d demo/z | demo/d demo/z");
    chain_is("alias", "demo/long demo/e demo/f | demo/long demo/e demo/f");
    chain_is("child", "demo/d demo/e demo/f | demo/c demo/d demo/e demo/f");
    chain_is("child2", "demo/d demo/e demo/f | demo/c");
}

Test(config_models, gives_sub_agents_the_defaults_model, .fini = config_end)
{
    parse("{ agents: { defaults: { model: 'demo/d', subagents: { model: 'demo/s' } }, list: [ { id: 'a' }, { id: 'b', subagents: { model: "
          "'demo/t' } } ] } }");
    chain_is("a", "demo/d | demo/s demo/d");
    chain_is("b", "demo/d | demo/t demo/d");
}

Test(config_models, picks_the_first_provider_with_a_key_when_nothing_is_configured, .fini = config_end)
{
    static const char *const rows[][2] = {
        { "OPENROUTER_API_KEY", "openrouter/auto | openrouter/auto" },
        { "ANTHROPIC_API_KEY", "anthropic/claude-sonnet-4-5 | anthropic/claude-sonnet-4-5" },
        { "OPENAI_API_KEY", "openai/gpt-5-mini | openai/gpt-5-mini" },
        { "GEMINI_API_KEY", "google/gemini-2.5-flash | google/gemini-2.5-flash" },
        { "GOOGLE_API_KEY", "google/gemini-2.5-flash | google/gemini-2.5-flash" },
        { "NO_KEY", "demo/echo | demo/echo" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        parse_env("{}", (const char *const[]){ rows[i][0], "key", "ANTHROPIC_API_KEY_", "no", NULL });
        chain_is("main", rows[i][1]);
    }
    parse_env("{}", (const char *const[]){ "GEMINI_API_KEY", "k", "OPENAI_API_KEY", "k", "OPENROUTER_API_KEY", " ", NULL });
    chain_is("main", "openai/gpt-5-mini | openai/gpt-5-mini");
    parse("{ models: { providers: { anthropic: { apiKey: 'k', models: [] } } } }");
    chain_is("main", "anthropic/claude-sonnet-4-5 | anthropic/claude-sonnet-4-5");
}

Test(config_models, keeps_a_configured_chain_without_any_key, .fini = config_end)
{
    parse("{ agents: { defaults: { model: 'openrouter/auto' } } }");
    chain_is("main", "openrouter/auto | openrouter/auto");
    cr_assert_eq(config_provider_at(cfg, 0)->api_key.n, 0);
}

Test(config_models, holds_its_bound_on_fallbacks, .fini = config_end)
{
    struct buf text = { 0 };
    for (int n = CONFIG_MODELS_MAX - 1; n <= CONFIG_MODELS_MAX; n++) {
        buf_clear(&text);
        buf_text(&text, "{ agents: { defaults: { model: { primary: 'demo/p', fallbacks: [");
        for (int i = 0; i < n; i++) buf_printf(&text, "'demo/%d',", i);
        buf_text(&text, "] } } } }");
        cr_assert_eq(try_parse(buf_cstr(&text), NULL), n < CONFIG_MODELS_MAX ? 0 : GW_ECONFIG);
        if (cfg) cr_assert_eq(config_agent_default(cfg)->model_count, CONFIG_MODELS_MAX);
    }
    cr_assert_str_eq(problems_text(), "t.json:1:64: error: agents.defaults.model: 32 fallbacks; at most 31\n");
    buf_free(&text);
}

Test(config_models, holds_its_bound_on_agents_and_providers, .fini = config_end)
{
    struct buf text = { 0 };
    for (int past = 0; past <= 1; past++) {
        buf_clear(&text);
        buf_text(&text, "{ agents: { list: [");
        for (int i = 0; i < CONFIG_AGENTS_MAX + past; i++) buf_printf(&text, "{id:'a%d'},", i);
        buf_text(&text, "] } }");
        cr_assert_eq(try_parse(buf_cstr(&text), NULL), past ? GW_ECONFIG : 0);
        buf_clear(&text);
        buf_text(&text, "{ models: { providers: {");
        for (int i = 0; i < CONFIG_PROVIDERS_MAX + past; i++) buf_printf(&text, "p%d:{baseUrl:'http://h'},", i);
        buf_text(&text, "} } }");
        cr_assert_eq(try_parse(buf_cstr(&text), NULL), past ? GW_ECONFIG : 0);
    }
    buf_free(&text);
}

Test(config_models, holds_its_bound_on_aliases, .fini = config_end)
{
    struct buf text = { 0 };
    for (int past = 0; past <= 1; past++) {
        buf_clear(&text);
        buf_text(&text, "{ agents: { defaults: { models: {");
        for (int i = 0; i < CONFIG_ALIASES_MAX + past; i++) buf_printf(&text, "'demo/%d':{alias:'a%d'},", i, i);
        buf_text(&text, "} } } }");
        cr_assert_eq(try_parse(buf_cstr(&text), NULL), past ? GW_ECONFIG : 0);
    }
    cr_assert_str_eq(problems_text(), "t.json:1:33: error: agents.defaults.models: 1001 models; at most 1000\n");
    buf_free(&text);
}

Test(config_models, knows_the_built_in_providers, .fini = config_end)
{
    parse_env("{}", (const char *const[]){ "OPENROUTER_API_KEY", "ok", "GOOGLE_API_KEY", "gk", "ANTHROPIC_BASE_URL", "http://127.0.0.1:9/",
                                           NULL });
    const struct config_provider *p = config_provider_find(cfg, STR("openrouter"));
    cr_assert_str_eq(p->base_url.p, "https://openrouter.ai/api/v1");
    cr_assert(str_is(p->api, "openai-completions") && str_is(p->api_key, "ok") && p->built_in && p->header_count == 2);
    cr_assert_str_eq(p->key_env, "OPENROUTER_API_KEY");
    cr_assert(str_is(p->headers[0].name, "HTTP-Referer") && str_is(p->headers[0].value, "https://openclaw.ai"));
    cr_assert(str_is(p->headers[1].name, "X-Title") && str_is(p->headers[1].value, "OpenClaw"));
    p = config_provider_find(cfg, STR("google"));
    cr_assert(str_is(p->api, "google-generative-ai") && str_is(p->api_key, "gk") && p->header_count == 0);
    cr_assert_str_eq(p->base_url.p, "https://generativelanguage.googleapis.com/v1beta");
    p = config_provider_find(cfg, STR("anthropic"));
    cr_assert(str_is(p->api, "anthropic-messages") && str_is(p->base_url, "http://127.0.0.1:9"));
    cr_assert_str_eq(config_provider_find(cfg, STR("openai"))->base_url.p, "https://api.openai.com/v1");
    p = config_provider_find(cfg, STR("ollama"));
    cr_assert(str_is(p->base_url, "http://127.0.0.1:11434/v1") && p->key_env == NULL);
    cr_assert(str_is(config_provider_find(cfg, STR("demo"))->api, "demo"));
    cr_assert_null(config_provider_find(cfg, STR("groq")));
}

Test(config_models, lets_the_file_win_over_the_environment, .fini = config_end)
{
    parse_env("{ models: { providers: { openrouter: { baseUrl: 'http://proxy/v1/', apiKey: 'file', headers: { 'x-title': 'Mine', A: 'b' }, "
              "models: [] },"
              "  local: { baseUrl: 'http://h:1/v1', models: [ { id: 'm', name: 'M', reasoning: true, input: ['text', 'image'], "
              "contextWindow: 9, maxTokens: 3 } ] } } } }",
              (const char *const[]){ "OPENROUTER_API_KEY", "env", "OPENROUTER_BASE_URL", "http://other", NULL });
    const struct config_provider *p = config_provider_find(cfg, STR("openrouter"));
    cr_assert(str_is(p->base_url, "http://proxy/v1") && str_is(p->api_key, "file") && p->header_count == 2);
    cr_assert(str_is(p->headers[0].value, "Mine") && str_is(p->headers[1].name, "A"));
    p = config_provider_find(cfg, STR("local"));
    cr_assert(str_is(p->api, "openai-completions") && !p->built_in && p->api_key.n == 0 && p->model_count == 1);
    const struct config_model *m = config_provider_model(p, STR("m"));
    cr_assert(m->reasoning && m->images && m->context_window == 9 && m->max_tokens == 3 && str_is(m->name, "M"));
    cr_assert_null(config_provider_model(p, STR("n")));
    cr_assert_eq(config_provider_count(cfg), 2); /* openrouter (also by key) and local */
}

Test(config_models, hides_built_ins_in_replace_mode, .fini = config_end)
{
    cr_assert_eq(try_parse("{ models: { mode: 'replace', providers: { p: { baseUrl: 'http://h' } } }, agents: { defaults: { model: "
                           "'openrouter/auto' } } }",
                           NULL),
                 0);
    cr_assert_null(config_provider_find(cfg, STR("openrouter")));
    cr_assert_not_null(config_provider_find(cfg, STR("demo")));
    cr_assert_eq(problems.warnings, 1);
}

Test(config_agents, have_workspaces_by_rule, .fini = config_end)
{
    const char *const env[] = { "HOME", "/h", "OPENCLAW_STATE_DIR", "/s", NULL };
    parse_env(
        "{ agents: { defaults: { workspace: '~/w', timeoutSeconds: 5, thinkingDefault: 'low', skills: ['x'] }, list: ["
        "  { id: 'a' }, { id: 'b', default: true, skills: [] }, { id: 'c', workspace: '~/c', timeoutSeconds: 9, thinkingDefault: 'high',"
        "  identity: { name: 'Cee', emoji: '!' } } ] } }",
        env);
    const struct config_agent *a = config_agent_find(cfg, STR("a")), *b = config_agent_default(cfg), *c = config_agent_find(cfg, STR("c"));
    cr_assert_str_eq(a->workspace.p, "/s/workspace-a");
    cr_assert(str_is(b->id, "b") && str_is(b->workspace, "/h/w") && str_is(c->workspace, "/h/c"));
    cr_assert(a->timeout_seconds == 5 && c->timeout_seconds == 9 && str_is(a->thinking, "low") && str_is(c->thinking, "high"));
    cr_assert(a->skills_listed && a->skill_count == 1 && b->skills_listed && b->skill_count == 0);
    cr_assert(str_is(c->identity_name, "Cee") && str_is(c->identity_emoji, "!") && str_is(c->name, "c"));
    parse_env("{ agents: { list: [ { id: 'x' }, { id: 'y', subagents: { allowAgents: ['*', 'x'] } } ] } }", env);
    cr_assert_str_eq(config_agent_default(cfg)->workspace.p, "/s/workspace");
    a = config_agent_find(cfg, STR("y"));
    cr_assert(str_is(a->workspace, "/s/workspace-y") && a->allow_any && a->allow_count == 1 && config_agent_may_spawn(a, STR("x")));
}

Test(config_gateway, resolves_auth_as_openclaw_does, .fini = config_end)
{
    const char *const both[] = { "OPENCLAW_GATEWAY_TOKEN", "et", "OPENCLAW_GATEWAY_PASSWORD", "ep", "OPENCLAW_GATEWAY_PORT", "4000", NULL };
    parse_env("{ gateway: { port: 3000 } }", both);
    cr_assert(config_gateway(cfg)->auth == CONFIG_AUTH_PASSWORD && config_gateway(cfg)->port == 4000);
    parse_env("{ gateway: { auth: { mode: 'token', token: 'ft' } } }", both);
    cr_assert(config_gateway(cfg)->auth == CONFIG_AUTH_TOKEN && str_is(config_gateway(cfg)->token, "ft"));
    parse("{ gateway: { auth: { token: 'ft' } } }");
    cr_assert_eq(config_gateway(cfg)->auth, CONFIG_AUTH_TOKEN);
    cr_assert_eq(try_parse("{ gateway: { port: 3000 } }", (const char *const[]){ "OPENCLAW_GATEWAY_PORT", "x", NULL }), 0);
    cr_assert(config_gateway(cfg)->port == 3000 && problems.warnings == 1);
}

Test(config_gateway, has_names_for_binds_and_auths)
{
    enum config_bind bind;
    enum config_auth auth;
    cr_assert(config_bind_parse(STR("lan"), &bind) == 0 && bind == CONFIG_BIND_LAN && strcmp(config_bind_name(bind), "lan") == 0);
    cr_assert(config_auth_parse(STR("trusted-proxy"), &auth) == 0 && strcmp(config_auth_name(auth), "trusted-proxy") == 0);
    cr_assert(config_bind_parse(STR("wan"), &bind) == GW_EINVAL && config_auth_parse(STR(""), &auth) == GW_EINVAL);
}

Test(config_limits, reads_old_names_of_queue_modes, .fini = config_end)
{
    static const struct {
        const char *name;
        enum config_queue mode;
    } rows[] = { { "steer", CONFIG_QUEUE_STEER },
                 { "queue", CONFIG_QUEUE_STEER },
                 { "steer+backlog", CONFIG_QUEUE_STEER_BACKLOG },
                 { "followup", CONFIG_QUEUE_FOLLOWUP },
                 { "interrupt", CONFIG_QUEUE_INTERRUPT } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[80];
        snprintf(text, sizeof text, "{ messages: { queue: { mode: '%s', drop: 'old' } } }", rows[i].name);
        parse(text);
        cr_assert(config_limits(cfg)->queue_mode == rows[i].mode && config_limits(cfg)->queue_drop == CONFIG_DROP_OLD);
    }
}
