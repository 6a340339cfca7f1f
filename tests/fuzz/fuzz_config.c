/* Any text as a configuration: problems or a config_t whose parts can all be used. */
#include <stdlib.h>

#include "base/config.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What the rest of the program relies on. */
static void use(const config_t *cfg)
{
    struct buf out = { 0 };
    if (config_agent_count(cfg) == 0 || !config_agent_default(cfg)) abort();
    for (size_t i = 0; i < config_agent_count(cfg); i++) {
        const struct config_agent *a = config_agent_at(cfg, i);
        if (config_agent_find(cfg, a->id) != a || a->model_count == 0 || a->subagent_model_count == 0 || !a->workspace.n) abort();
        for (size_t m = 0; m < a->model_count; m++)
            if (!a->models[m].provider.n || !a->models[m].model.n) abort();
    }
    for (size_t i = 0; i < config_provider_count(cfg); i++) { /* all texts serve as C strings */
        const struct config_provider *p = config_provider_at(cfg, i);
        if (!p->api.n || p->base_url.p[p->base_url.n] || p->api_key.p[p->api_key.n]) abort();
    }
    for (size_t i = 0; i < config_binding_count(cfg); i++)
        if (!config_agent_find(cfg, config_binding_at(cfg, i)->agent_id)) abort();
    const struct config_limits *l = config_limits(cfg);
    if (l->main_concurrent < 1 || l->subagent_concurrent < 1 || l->max_spawn_depth < 1 || l->max_children < 1 || l->queue_cap < 1) abort();
    if (config_gateway(cfg)->port == 0) abort();
    config_print(cfg, STR(""), 2, &out);
    for (size_t i = 0; i < config_secret_count(cfg); i++)
        if (config_secret_at(cfg, i).n < 4) abort();
    buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *const pairs[] = { "HOME", "/home/u", "A", "value", "OPENROUTER_API_KEY", "key-1", NULL };
    struct env env = env_list(pairs);
    struct config_problems problems = { 0 };
    config_t *cfg;
    struct buf text = { 0 };
    int rc = config_parse((struct str){ (const char *)data, size }, "/fuzz/none.json", &env, &cfg, &problems);
    if ((rc == 0) != (cfg != NULL) || (rc == GW_ECONFIG) != (problems.errors > 0)) abort();
    if (cfg) use(cfg);
    config_problems_text(&problems, &text);
    buf_free(&text);
    config_unref(&cfg);
    config_problems_free(&problems);
    return 0;
}
