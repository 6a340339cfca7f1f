/* Agents and their model chains: own settings, else the defaults'. */
#include <stdlib.h>
#include <strings.h>

#include "base/config_internal.h"
#include "base/err.h"

enum { AGENT_ID_MAX = 64 }; /* bytes */

/* ---- model references ---- */

int model_ref_parse(struct str text, struct model_ref *out)
{
    struct str rest = text;
    *out = (struct model_ref){ text, str_split(&rest, '/'), { NULL, 0 } };
    out->model = rest;
    if (out->provider.n && out->model.n) return 0;
    *out = (struct model_ref){ { NULL, 0 }, { NULL, 0 }, { NULL, 0 } };
    return GW_EINVAL;
}

int config_model_resolve(const config_t *cfg, struct str text, struct model_ref *out)
{
    const struct json5_node *models = config_at(cfg->root, STR("agents.defaults.models"));
    bool object = models && models->kind == JSON5_OBJECT && models->count <= CONFIG_ALIASES_MAX;
    for (const struct json5_node *m = object ? models->first : NULL; m; m = m->next) {
        struct str alias = config_text_of(json5_member(m, STR("alias")));
        if (alias.n && str_ieq(alias, text)) return model_ref_parse(m->key, out);
    }
    return model_ref_parse(text, out);
}

/* "openrouter/auto" or {primary, fallbacks}: both parts may be absent. */
struct choice {
    const struct json5_node *primary;
    const struct json5_node *fallbacks; /* a list, maybe empty */
};

static struct choice choose(const struct json5_node *model)
{
    struct choice c = { NULL, NULL };
    if (model && model->kind == JSON5_STRING) c.primary = model;
    if (!model || model->kind != JSON5_OBJECT) return c;
    c.primary = json5_member(model, STR("primary"));
    c.fallbacks = json5_member(model, STR("fallbacks"));
    if (c.primary && c.primary->kind != JSON5_STRING) c.primary = NULL;
    if (c.fallbacks && c.fallbacks->kind != JSON5_ARRAY) c.fallbacks = NULL;
    return c;
}

static void check_ref(struct builder *b, const struct json5_node *node, const char *path)
{
    struct model_ref ref;
    if (node->kind != JSON5_STRING) return;
    if (config_model_resolve(b->cfg, node->string, &ref)) {
        config_report(b, CONFIG_ERROR, node, path, "expected \"provider/model\" or an alias of agents.defaults.models");
    } else if (!config_provider_find(b->cfg, ref.provider)) {
        bool show = !node->from_env;
        config_report(b, CONFIG_WARNING, node, path, "provider%s%.*s%s is not known; describe it in models.providers", show ? " \"" : "",
                      STR_ARG(show ? ref.provider : STR("")), show ? "\"" : "");
    }
}

static void check_model(struct builder *b, const struct json5_node *model, const char *path)
{
    struct choice c = choose(model);
    size_t i = 0;
    if (c.primary) check_ref(b, c.primary, c.primary == model ? path : config_format(b, "%s.primary", path).p);
    if (!c.fallbacks) return;
    for (const struct json5_node *f = c.fallbacks->first; f; f = f->next, i++)
        check_ref(b, f, config_format(b, "%s.fallbacks[%zu]", path, i).p);
    if (c.fallbacks->count >= CONFIG_MODELS_MAX)
        config_report(b, CONFIG_ERROR, c.fallbacks, path, "%zu fallbacks; at most %d", c.fallbacks->count, CONFIG_MODELS_MAX - 1);
}

/* ---- chains ---- */

struct list {
    struct model_ref refs[2 * CONFIG_MODELS_MAX];
    size_t n;
};

/* Each candidate once: asking a model again that has just failed helps nobody. */
static void add_ref(struct list *list, struct model_ref ref)
{
    for (size_t i = 0; i < list->n; i++)
        if (str_eq(list->refs[i].text, ref.text)) return;
    if (list->n < sizeof list->refs / sizeof *list->refs) list->refs[list->n++] = ref;
}

static void add_node(const config_t *cfg, struct list *list, const struct json5_node *node)
{
    struct model_ref ref;
    if (node->kind == JSON5_STRING && config_model_resolve(cfg, node->string, &ref) == 0) add_ref(list, ref);
}

static void add_fallbacks(const config_t *cfg, struct list *list, const struct json5_node *fallbacks)
{
    size_t i = 0;
    for (const struct json5_node *f = fallbacks->first; f && i < CONFIG_MODELS_MAX - 1; f = f->next, i++) add_node(cfg, list, f);
}

/* Nothing is configured: the first provider with a key. */
static struct str by_key(const config_t *cfg)
{
    static const char *const refs[] = { "openrouter/auto", "anthropic/claude-sonnet-4-5", "openai/gpt-5-mini", "google/gemini-2.5-flash" };
    for (size_t i = 0; i < sizeof refs / sizeof *refs; i++) {
        struct model_ref ref;
        model_ref_parse(str_of(refs[i]), &ref);
        const struct config_provider *p = config_provider_find(cfg, ref.provider);
        if (p && p->api_key.n) return ref.text;
    }
    return STR("demo/echo");
}

static void keep(struct builder *b, const struct list *list, const struct model_ref **out, size_t *count)
{
    struct model_ref *refs = config_new(b, list->n, sizeof *refs);
    if (!refs) return;
    memcpy(refs, list->refs, list->n * sizeof *refs);
    *out = refs;
    *count = list->n;
}

/* Own primary and fallbacks, each else the defaults'. */
static void set_chain(struct builder *b, struct config_agent *a, const struct json5_node *own)
{
    struct choice mine = choose(own), defaults = choose(config_at(b->cfg->root, STR("agents.defaults.model")));
    const struct json5_node *primary = mine.primary ? mine.primary : defaults.primary;
    const struct json5_node *fallbacks = mine.fallbacks ? mine.fallbacks : defaults.fallbacks;
    struct list list = { .n = 0 };
    struct model_ref ref;
    if (primary) {
        add_node(b->cfg, &list, primary);
    } else if (model_ref_parse(by_key(b->cfg), &ref) == 0) {
        add_ref(&list, ref);
    }
    if (fallbacks) add_fallbacks(b->cfg, &list, fallbacks);
    keep(b, &list, &a->models, &a->model_count);
}

/* As a sub-agent: its subagents.model, else the defaults' one, else its chain; without own fallbacks the chain follows. */
static void set_subagent_chain(struct builder *b, struct config_agent *a)
{
    const struct json5_node *own = config_at(a->node, STR("subagents.model"));
    struct choice c = choose(own ? own : config_at(b->cfg->root, STR("agents.defaults.subagents.model")));
    struct list list = { .n = 0 };
    if (c.primary) add_node(b->cfg, &list, c.primary);
    if (c.primary && c.fallbacks) {
        add_fallbacks(b->cfg, &list, c.fallbacks);
    } else {
        for (size_t i = 0; i < a->model_count; i++) add_ref(&list, a->models[i]);
    }
    keep(b, &list, &a->subagent_models, &a->subagent_model_count);
}

/* ---- one agent ---- */

/* A text of the agent's entry, else of agents.defaults, else config.def's default. */
static struct str text(const config_t *cfg, const struct json5_node *node, const char *name)
{
    char path[64];
    struct str own = config_text_of(json5_member(node, str_of(name)));
    if (own.n) return own;
    snprintf(path, sizeof path, "agents.defaults.%s", name);
    return config_str(cfg, path);
}

static int64_t number(const config_t *cfg, const struct json5_node *node, const char *name)
{
    char path[64];
    int64_t n;
    if (json5_to_int(json5_member(node, str_of(name)), &n)) return n;
    snprintf(path, sizeof path, "agents.defaults.%s", name);
    return config_int(cfg, path);
}

static void set_allow(struct builder *b, struct config_agent *a)
{
    const struct str *all;
    size_t count;
    config_strings(b, config_at(a->node, STR("subagents.allowAgents")), &all, &count);
    struct str *named = config_new(b, count, sizeof *named);
    if (!named) return;
    for (size_t i = 0; i < count; i++) {
        if (str_is(all[i], "*")) {
            a->allow_any = true;
        } else {
            named[a->allow_count++] = all[i];
        }
    }
    a->allow = named;
}

static void set_workspace(struct builder *b, struct config_agent *a)
{
    struct str own = config_text_of(json5_member(a->node, STR("workspace")));
    if (!own.n && a->is_default) own = config_text_of(config_at(b->cfg->root, STR("agents.defaults.workspace")));
    if (own.n) {
        a->workspace = config_expand_home(b, own);
    } else if (a->is_default) {
        a->workspace = config_format(b, "%s/workspace", b->cfg->state_dir.p);
    } else {
        a->workspace = config_format(b, "%s/workspace-%s", b->cfg->state_dir.p, a->id.p);
    }
}

static void set_agent(struct builder *b, struct config_agent *a)
{
    const config_t *cfg = b->cfg;
    const struct json5_node *skills = json5_member(a->node, STR("skills"));
    if (!skills) skills = config_at(cfg->root, STR("agents.defaults.skills"));
    a->name = config_text_of(json5_member(a->node, STR("name")));
    if (!a->name.n) a->name = a->id;
    set_workspace(b, a);
    set_chain(b, a, json5_member(a->node, STR("model")));
    set_subagent_chain(b, a);
    a->skills_listed = skills && skills->kind == JSON5_ARRAY;
    config_strings(b, skills, &a->skills, &a->skill_count);
    set_allow(b, a);
    a->identity_name = config_text_of(config_at(a->node, STR("identity.name")));
    a->identity_emoji = config_text_of(config_at(a->node, STR("identity.emoji")));
    a->identity_theme = config_text_of(config_at(a->node, STR("identity.theme")));
    a->thinking = text(cfg, a->node, "thinkingDefault");
    a->time_zone = config_str(cfg, "agents.defaults.userTimezone");
    a->timeout_seconds = number(cfg, a->node, "timeoutSeconds");
    a->context_tokens = number(cfg, a->node, "contextTokens");
}

/* ---- all of them ---- */

static bool good_id(struct str id)
{
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (!letter && !(i > 0 && (c == '-' || c == '_'))) return false;
    }
    return id.n > 0 && id.n <= AGENT_ID_MAX;
}

static int compare_ids(const void *a, const void *b)
{
    const struct config_agent *x = *(const struct config_agent *const *)a, *y = *(const struct config_agent *const *)b;
    int order = strcmp(x->id.p, y->id.p);
    return order ? order : (x > y) - (x < y);
}

/* Entries of agents.list with a good id; problems with the others. */
static void take_entries(struct builder *b, const struct json5_node *list)
{
    config_t *cfg = b->cfg;
    size_t i = 0;
    for (const struct json5_node *entry = list->first; entry; entry = entry->next, i++) {
        const struct json5_node *id = json5_member(entry, STR("id")), *is_default = json5_member(entry, STR("default"));
        struct str path = config_format(b, "agents.list[%zu].id", i);
        if (!id) {
            config_report(b, CONFIG_ERROR, entry, path.p, "missing: every agent needs an id");
        } else if (id->kind == JSON5_STRING && !good_id(id->string)) {
            config_report(b, CONFIG_ERROR, id, path.p, "expected 1 to %d lower-case letters, digits, '-' or '_', first a letter or digit",
                          AGENT_ID_MAX);
        } else if (id->kind == JSON5_STRING) {
            struct config_agent *a = &cfg->agents[cfg->agent_count++];
            *a = (struct config_agent){ .id = id->string, .node = entry };
            a->is_default = is_default && is_default->kind == JSON5_BOOL && is_default->boolean;
        }
        check_model(b, json5_member(entry, STR("model")), config_format(b, "agents.list[%zu].model", i).p);
        check_model(b, config_at(entry, STR("subagents.model")), config_format(b, "agents.list[%zu].subagents.model", i).p);
    }
}

/* Where an entry stands: agents.list[2].<name>. */
static const char *entry_path(struct builder *b, const struct json5_node *entry, const char *name)
{
    size_t i = 0;
    const struct json5_node *list = config_at(b->cfg->root, STR("agents.list"));
    for (const struct json5_node *e = list->first; e != entry; e = e->next) i++;
    return config_format(b, "agents.list[%zu].%s", i, name).p;
}

static void find_default(struct builder *b)
{
    config_t *cfg = b->cfg;
    struct config_agent *first = NULL;
    for (size_t i = 0; i < cfg->agent_count; i++) {
        struct config_agent *a = &cfg->agents[i];
        if (!a->is_default) continue;
        if (first) {
            config_report(b, CONFIG_ERROR, json5_member(a->node, STR("default")), entry_path(b, a->node, "default"),
                          "agent \"%s\" in line %u is the default already; only one can be", first->id.p,
                          (unsigned)first->node->place.line);
        } else {
            first = a;
        }
    }
    if (!first && cfg->agent_count) cfg->agents[0].is_default = true;
}

static void sort_ids(struct builder *b)
{
    config_t *cfg = b->cfg;
    cfg->agents_by_id = config_new(b, cfg->agent_count, sizeof(struct config_agent *));
    if (!cfg->agents_by_id) return;
    for (size_t i = 0; i < cfg->agent_count; i++) cfg->agents_by_id[i] = &cfg->agents[i];
    qsort(cfg->agents_by_id, cfg->agent_count, sizeof(struct config_agent *), compare_ids);
    for (size_t i = 1; i < cfg->agent_count; i++) {
        const struct config_agent *one = cfg->agents_by_id[i - 1], *same = cfg->agents_by_id[i];
        if (str_eq(one->id, same->id))
            config_report(b, CONFIG_ERROR, json5_member(same->node, STR("id")), entry_path(b, same->node, "id"),
                          "agent \"%s\" stands in line %u already; ids must differ", one->id.p, (unsigned)one->node->place.line);
    }
}

static bool used(const config_t *cfg, const struct config_provider *p)
{
    for (size_t i = 0; i < cfg->agent_count; i++) {
        const struct config_agent *a = &cfg->agents[i];
        for (size_t m = 0; m < a->model_count; m++)
            if (str_eq(a->models[m].provider, p->id)) return true;
        for (size_t m = 0; m < a->subagent_model_count; m++)
            if (str_eq(a->subagent_models[m].provider, p->id)) return true;
    }
    return json5_member(config_at(cfg->root, STR("models.providers")), p->id) != NULL;
}

static void list_used(struct builder *b)
{
    config_t *cfg = b->cfg;
    cfg->used = config_new(b, cfg->provider_count, sizeof(struct config_provider *));
    for (size_t i = 0; cfg->used && i < cfg->provider_count; i++)
        if (used(cfg, &cfg->providers[i])) cfg->used[cfg->used_count++] = &cfg->providers[i];
}

void config_resolve_agents(struct builder *b)
{
    config_t *cfg = b->cfg;
    const struct json5_node *list = config_at(cfg->root, STR("agents.list"));
    size_t count = list && list->kind == JSON5_ARRAY ? list->count : 0;
    if (count > CONFIG_AGENTS_MAX) {
        config_report(b, CONFIG_ERROR, list, "agents.list", "%zu agents; at most %d", count, CONFIG_AGENTS_MAX);
        count = 0;
    }
    cfg->agents = config_new(b, count + 1, sizeof *cfg->agents);
    if (!cfg->agents) return;
    check_model(b, config_at(cfg->root, STR("agents.defaults.model")), "agents.defaults.model");
    check_model(b, config_at(cfg->root, STR("agents.defaults.imageModel")), "agents.defaults.imageModel");
    check_model(b, config_at(cfg->root, STR("agents.defaults.subagents.model")), "agents.defaults.subagents.model");
    if (count) take_entries(b, list);
    if (!cfg->agent_count) cfg->agents[cfg->agent_count++] = (struct config_agent){ .id = STR("main") };
    find_default(b);
    sort_ids(b);
    for (size_t i = 0; i < cfg->agent_count; i++) set_agent(b, &cfg->agents[i]);
    list_used(b);
}

size_t config_agent_count(const config_t *cfg)
{
    return cfg->agent_count;
}

const struct config_agent *config_agent_at(const config_t *cfg, size_t i)
{
    return i < cfg->agent_count ? &cfg->agents[i] : NULL;
}

const struct config_agent *config_agent_find(const config_t *cfg, struct str id)
{
    size_t lo = 0, hi = cfg->agents_by_id ? cfg->agent_count : 0;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        struct str at = cfg->agents_by_id[mid]->id;
        size_t n = at.n < id.n ? at.n : id.n;
        int order = n ? memcmp(at.p, id.p, n) : 0;
        if (order == 0) order = (at.n > id.n) - (at.n < id.n);
        if (order == 0) return cfg->agents_by_id[mid];
        if (order < 0) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return NULL;
}

const struct config_agent *config_agent_default(const config_t *cfg)
{
    for (size_t i = 0; i < cfg->agent_count; i++)
        if (cfg->agents[i].is_default) return &cfg->agents[i];
    return NULL;
}

bool config_agent_may_spawn(const struct config_agent *agent, struct str target)
{
    if (agent->allow_any || str_eq(agent->id, target)) return true;
    for (size_t i = 0; i < agent->allow_count; i++)
        if (str_eq(agent->allow[i], target)) return true;
    return false;
}
