/* Model providers: the built-in ones, what the file says about them, keys and addresses from the environment. */
#include "base/config_internal.h"
#include "base/err.h"

/* Source: DESIGN 1 and the issue; OpenRouter's attribution headers as OpenClaw sends them. */
static const struct built_in {
    const char *id, *api, *base_url, *url_env, *key_env, *other_key_env;
    bool attribution;
} built_ins[] = {
    { "openrouter", "openai-completions", "https://openrouter.ai/api/v1", "OPENROUTER_BASE_URL", "OPENROUTER_API_KEY", NULL, true },
    { "anthropic", "anthropic-messages", "https://api.anthropic.com", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", NULL, false },
    { "openai", "openai-completions", "https://api.openai.com/v1", "OPENAI_BASE_URL", "OPENAI_API_KEY", NULL, false },
    { "google", "google-generative-ai", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_BASE_URL", "GEMINI_API_KEY",
      "GOOGLE_API_KEY", false },
    { "ollama", "openai-completions", "http://127.0.0.1:11434/v1", NULL, NULL, NULL, false },
    { "demo", "demo", "", NULL, NULL, NULL, false },
};
enum { BUILT_INS = sizeof built_ins / sizeof *built_ins, ATTRIBUTION = 2 };

static struct str from_env(struct builder *b, const char *name, const char *other)
{
    struct str text = name ? config_env(b, name) : STR("");
    if (!text.n && other) text = config_env(b, other);
    return config_copy(b, str_trim(text));
}

static struct str without_slash(struct builder *b, struct str url)
{
    while (url.n && url.p[url.n - 1] == '/') url.n--;
    return config_copy(b, url);
}

static void add_headers(struct builder *b, struct config_provider *p, const struct json5_node *headers, bool attribution)
{
    size_t count = headers && headers->kind == JSON5_OBJECT ? headers->count : 0;
    struct config_header *list = config_new(b, count + ATTRIBUTION, sizeof *list);
    if (!list) return;
    for (const struct json5_node *h = count ? headers->first : NULL; h; h = h->next) {
        struct config_header header = { h->key, config_text_of(h) };
        if (str_ieq(h->key, STR("HTTP-Referer")) || str_ieq(h->key, STR("X-Title"))) attribution = false; /* the file's win */
        list[p->header_count++] = header;
    }
    if (attribution) {
        list[p->header_count++] = (struct config_header){ STR("HTTP-Referer"), STR("https://openclaw.ai") };
        list[p->header_count++] = (struct config_header){ STR("X-Title"), STR("OpenClaw") };
    }
    p->headers = list;
}

static int64_t whole(const struct json5_node *node)
{
    int64_t n;
    json5_to_int(node, &n);
    return n;
}

static bool reads_images(const struct json5_node *input)
{
    for (const struct json5_node *kind = input && input->kind == JSON5_ARRAY ? input->first : NULL; kind; kind = kind->next)
        if (str_is(config_text_of(kind), "image")) return true;
    return false;
}

static void add_models(struct builder *b, struct config_provider *p, const struct json5_node *models)
{
    if (!models || models->kind != JSON5_ARRAY || !models->count) return;
    struct config_model *list = config_new(b, models->count, sizeof *list);
    size_t i = 0;
    if (!list) return;
    for (const struct json5_node *m = models->first; m; m = m->next, i++) {
        const struct json5_node *reasoning = json5_member(m, STR("reasoning"));
        struct str id = config_text_of(json5_member(m, STR("id")));
        if (!id.n) {
            struct str path = config_format(b, "models.providers.%s.models[%zu].id", p->id.p, i);
            config_report(b, CONFIG_ERROR, m, path.p, "missing: the model as the provider names it");
            continue;
        }
        list[p->model_count++] = (struct config_model){
            .id = id,
            .name = config_text_of(json5_member(m, STR("name"))),
            .api = config_text_of(json5_member(m, STR("api"))),
            .reasoning = reasoning && reasoning->boolean,
            .images = reads_images(json5_member(m, STR("input"))),
            .context_window = whole(json5_member(m, STR("contextWindow"))),
            .max_tokens = whole(json5_member(m, STR("maxTokens"))),
        };
    }
    p->models = list;
}

static void set_timeouts(struct config_provider *p, const struct json5_node *timeouts)
{
    const struct {
        const char *key;
        int64_t *to, standard;
    } all[] = { { "connectMs", &p->connect_ms, 10000 },
                { "firstByteMs", &p->first_byte_ms, 60000 },
                { "silenceMs", &p->silence_ms, 60000 },
                { "totalMs", &p->total_ms, 600000 } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const struct json5_node *node = json5_member(timeouts, str_of(all[i].key));
        *all[i].to = node ? whole(node) : all[i].standard;
    }
}

static void set_built_in(struct builder *b, struct config_provider *p, const struct built_in *known)
{
    struct str url = from_env(b, known->url_env, NULL);
    p->id = str_of(known->id);
    p->built_in = true;
    p->api = str_of(known->api);
    p->base_url = without_slash(b, url.n ? url : str_of(known->base_url));
    p->key_env = known->key_env;
    p->api_key = from_env(b, known->key_env, known->other_key_env);
}

static void set_configured(struct builder *b, struct config_provider *p, const struct json5_node *node)
{
    struct str api = config_text_of(json5_member(node, STR("api")));
    struct str url = config_text_of(json5_member(node, STR("baseUrl")));
    struct str key = config_text_of(json5_member(node, STR("apiKey")));
    struct str path = config_format(b, "models.providers.%s.baseUrl", node->key.p);
    p->id = node->key;
    if (api.n) p->api = api;
    if (!p->api.n) p->api = STR("openai-completions");
    if (key.n) p->api_key = key;
    if (url.n) p->base_url = without_slash(b, url);
    bool demo = str_is(p->api, "demo");
    if (!p->base_url.n && !demo) {
        config_report(b, CONFIG_ERROR, node, path.p, "missing: a provider that is not built in needs the address its requests go to");
    } else if (!demo && !str_starts(p->base_url, STR("http://")) && !str_starts(p->base_url, STR("https://"))) {
        config_report(b, CONFIG_ERROR, json5_member(node, STR("baseUrl")), path.p,
                      "expected an address that starts with http:// or https://");
    }
    if (!config_word_known("openai-completions|anthropic-messages|google-generative-ai|demo", p->api)) {
        path = config_format(b, "models.providers.%s.api", node->key.p);
        config_report(b, CONFIG_WARNING, node, path.p, "this gateway does not speak this dialect; requests to the provider will fail");
    }
}

void config_resolve_providers(struct builder *b)
{
    config_t *cfg = b->cfg;
    const struct json5_node *section = config_at(cfg->root, STR("models.providers"));
    bool replace = str_is(config_text_of(config_at(cfg->root, STR("models.mode"))), "replace");
    size_t configured = section && section->kind == JSON5_OBJECT ? section->count : 0;
    if (configured > CONFIG_PROVIDERS_MAX) {
        config_report(b, CONFIG_ERROR, section, "models.providers", "%zu providers; at most %d", configured, CONFIG_PROVIDERS_MAX);
        configured = 0;
    }
    cfg->providers = config_new(b, BUILT_INS + configured, sizeof *cfg->providers);
    if (!cfg->providers) return;
    for (size_t i = 0; i < BUILT_INS; i++) {
        const struct json5_node *node = json5_member(section, str_of(built_ins[i].id));
        if (replace && !node && !str_is(str_of(built_ins[i].id), "demo")) continue;
        struct config_provider *p = &cfg->providers[cfg->provider_count++];
        set_built_in(b, p, &built_ins[i]);
        if (node) set_configured(b, p, node);
        set_timeouts(p, json5_member(node, STR("timeouts")));
        add_headers(b, p, json5_member(node, STR("headers")), built_ins[i].attribution);
        add_models(b, p, json5_member(node, STR("models")));
    }
    for (const struct json5_node *node = configured ? section->first : NULL; node; node = node->next) {
        if (config_provider_find(cfg, node->key)) continue;
        struct config_provider *p = &cfg->providers[cfg->provider_count++];
        *p = (struct config_provider){ .base_url = STR(""), .api_key = STR("") };
        set_configured(b, p, node);
        set_timeouts(p, json5_member(node, STR("timeouts")));
        add_headers(b, p, json5_member(node, STR("headers")), false);
        add_models(b, p, json5_member(node, STR("models")));
    }
}

const struct config_provider *config_provider_find(const config_t *cfg, struct str id)
{
    for (size_t i = 0; i < cfg->provider_count; i++)
        if (str_eq(cfg->providers[i].id, id)) return &cfg->providers[i];
    return NULL;
}

size_t config_provider_count(const config_t *cfg)
{
    return cfg->used_count;
}

const struct config_provider *config_provider_at(const config_t *cfg, size_t i)
{
    return i < cfg->used_count ? cfg->used[i] : NULL;
}

const struct config_model *config_provider_model(const struct config_provider *provider, struct str model)
{
    for (size_t i = 0; i < provider->model_count; i++)
        if (str_eq(provider->models[i].id, model)) return &provider->models[i];
    return NULL;
}
