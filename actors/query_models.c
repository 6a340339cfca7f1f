/* models.list: the models described in models.providers, those that a chain, an alias or a setting names, and the usual ones
 * of each built-in provider that has a key. OpenClaw lists a catalogue of hundreds, most of which nobody there can use. */
#include "actors/query_answers.h"

#include <stdlib.h>

#include "actors/query_util.h"
#include "actors/session.h"

struct model {
    struct str provider, id, name;
    int64_t window;
    bool reasoning, images;
};

/* The usual models of the built-in providers: offered where there is a key, and what is known of those that a chain names.
 * Source: the providers' own model pages, 2026-02. 0: not said there. */
static const struct known {
    const char *provider, *id, *name;
    int64_t window; /* tokens */
    bool reasoning, images;
} known_models[] = {
    { "anthropic", "claude-opus-4-5", "Claude Opus 4.5", 200000, true, true },
    { "anthropic", "claude-sonnet-4-5", "Claude Sonnet 4.5", 200000, true, true },
    { "anthropic", "claude-haiku-4-5", "Claude Haiku 4.5", 200000, true, true },
    { "google", "gemini-2.5-pro", "Gemini 2.5 Pro", 1048576, true, true },
    { "google", "gemini-2.5-flash", "Gemini 2.5 Flash", 1048576, true, true },
    { "google", "gemini-2.5-flash-lite", "Gemini 2.5 Flash-Lite", 1048576, true, true },
    { "openai", "gpt-5", "GPT-5", 400000, true, true },
    { "openai", "gpt-5-mini", "GPT-5 mini", 400000, true, true },
    { "openai", "gpt-5-nano", "GPT-5 nano", 400000, true, true },
    { "openrouter", "auto", "OpenRouter Auto", 0, false, false },
    { "demo", "echo", "Demo (no model)", 0, false, false },
};
enum { KNOWN = sizeof known_models / sizeof *known_models };

static const struct known *known_of(struct str provider, struct str id)
{
    for (size_t i = 0; i < KNOWN; i++)
        if (str_is(provider, known_models[i].provider) && str_is(id, known_models[i].id)) return &known_models[i];
    return NULL;
}

/* What is known of a model: from the configuration first. */
static struct model describe(const config_t *config, struct str provider, struct str id)
{
    const struct config_provider *p = config_provider_find(config, provider);
    const struct config_model *m = p ? config_provider_model(p, id) : NULL;
    const struct known *k = known_of(provider, id);
    struct model out = { .provider = provider, .id = id, .name = id, .window = SESSION_WINDOW_TOKENS };
    if (k) {
        out.name = str_of(k->name);
        out.window = k->window ? k->window : SESSION_WINDOW_TOKENS;
        out.reasoning = k->reasoning;
        out.images = k->images;
    }
    if (m) {
        out.name = m->name.n ? m->name : out.name;
        out.window = m->context_window ? m->context_window : out.window;
        out.reasoning = m->reasoning;
        out.images = m->images;
    }
    return out;
}

struct list {
    const config_t *config;
    struct model *models; /* room for QUERY_MODELS_MAX */
    size_t count;
};

static void add(struct list *l, struct str provider, struct str id)
{
    for (size_t i = 0; i < l->count; i++)
        if (str_eq(l->models[i].id, id) && str_eq(l->models[i].provider, provider)) return;
    if (l->count < QUERY_MODELS_MAX) l->models[l->count++] = describe(l->config, provider, id);
}

static void add_refs(struct list *l, const struct model_ref *refs, size_t count)
{
    for (size_t i = 0; i < count; i++) add(l, refs[i].provider, refs[i].model);
}

/* A setting that names a model, or nothing. */
static void add_text(struct list *l, const struct json5_node *node)
{
    struct model_ref ref;
    if (node && node->kind == JSON5_OBJECT) node = json5_member(node, STR("primary"));
    if (!node || node->kind != JSON5_STRING || config_model_resolve(l->config, node->string, &ref) != 0) return;
    add(l, ref.provider, ref.model);
}

static void collect(struct list *l)
{
    const config_t *c = l->config;
    const struct json5_node *aliases = config_get(c, STR("agents.defaults.models"));
    for (size_t i = 0; i < config_provider_count(c); i++) {
        const struct config_provider *p = config_provider_at(c, i);
        for (size_t m = 0; m < p->model_count; m++) add(l, p->id, p->models[m].id);
    }
    for (size_t i = 0; i < config_agent_count(c); i++) {
        const struct config_agent *a = config_agent_at(c, i);
        add_refs(l, a->models, a->model_count);
        add_refs(l, a->subagent_models, a->subagent_model_count);
    }
    for (const struct json5_node *m = aliases && aliases->kind == JSON5_OBJECT ? aliases->first : NULL; m; m = m->next) {
        struct model_ref ref;
        if (model_ref_parse(m->key, &ref) == 0) add(l, ref.provider, ref.model);
    }
    add_text(l, config_get(c, STR("agents.defaults.imageModel")));
    add_text(l, config_get(c, STR("agents.defaults.heartbeat.model")));
    for (size_t i = 0; i < KNOWN; i++) {
        const struct config_provider *p = config_provider_find(c, str_of(known_models[i].provider));
        if (p && p->api_key.n) add(l, p->id, str_of(known_models[i].id));
    }
}

static int compare_text(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n ? memcmp(a.p, b.p, n) : 0;
    return order ? order : (a.n > b.n) - (a.n < b.n);
}

static int compare(const void *a, const void *b)
{
    const struct model *x = a, *y = b;
    int order = compare_text(x->provider, y->provider);
    if (order == 0) order = compare_text(x->name, y->name);
    return order ? order : compare_text(x->id, y->id);
}

static int models_list(struct rpc_call *call)
{
    struct buf *out = call->out;
    struct list l = { .config = call->config, .models = malloc(QUERY_MODELS_MAX * sizeof(struct model)) };
    if (!l.models) return GW_ENOMEM;
    collect(&l);
    qsort(l.models, l.count, sizeof *l.models, compare);
    buf_text(out, "{\"models\":[");
    for (size_t i = 0; i < l.count; i++) {
        const struct model *m = &l.models[i];
        buf_json_comma(out);
        buf_char(out, '{');
        buf_json_pair_str(out, "id", m->id);
        buf_json_pair_str(out, "name", m->name);
        buf_json_pair_str(out, "provider", m->provider);
        buf_json_pair_int(out, "contextWindow", m->window);
        buf_json_pair_bool(out, "reasoning", m->reasoning);
        buf_text(out, m->images ? ",\"input\":[\"text\",\"image\"]}" : ",\"input\":[\"text\"]}");
    }
    buf_text(out, "]}");
    free(l.models);
    return 0;
}

const struct rpc_handler query_models_handlers[] = {
    { RPC_models_list, models_list },
    { RPC_none, NULL },
};
