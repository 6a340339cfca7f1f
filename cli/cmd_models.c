/* cli/cmd_models.c -- `openclaw models`: the models that the configuration names, their fallbacks, keys. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/configuration.h"
#include "cli/json_print.h"
#include "cli/text.h"

enum { ROWS_MAX = 2000 };

struct row {
    struct model_ref ref;
    char *owned; /* what `ref` borrows when the configuration does not hold it */
    struct buf tags;
};

struct rows {
    struct row items[ROWS_MAX];
    size_t count;
};

static void tag(struct rows *rows, const struct model_ref *ref, const char *format, size_t number)
{
    size_t i = 0;
    while (i < rows->count && !str_eq(rows->items[i].ref.text, ref->text)) i++;
    if (i == ROWS_MAX) return;
    if (i == rows->count) rows->items[rows->count++] = (struct row){ .ref = *ref };
    if (rows->items[i].tags.n && number == 0) return; /* a chain says more than "configured" */
    struct buf word = { 0 };
    buf_text(&word, format);
    if (number) buf_printf(&word, "#%zu", number);
    if (str_find(buf_str(&rows->items[i].tags), buf_str(&word)) < 0)
        buf_printf(&rows->items[i].tags, "%s%.*s", rows->items[i].tags.n ? "," : "", STR_ARG(buf_str(&word)));
    buf_free(&word);
}

/* The default agent's chain first, then what other agents use, then the rest that providers list. */
static void collect(const config_t *cfg, bool all, struct rows *rows)
{
    const struct config_agent *first = config_agent_default(cfg);
    for (size_t m = 0; m < first->model_count; m++) tag(rows, &first->models[m], m ? "fallback" : "default", m);
    for (size_t i = 0; i < config_agent_count(cfg); i++) {
        const struct config_agent *a = config_agent_at(cfg, i);
        for (size_t m = 0; a != first && m < a->model_count; m++) tag(rows, &a->models[m], "configured", 0);
    }
    for (size_t i = 0; all && i < config_provider_count(cfg); i++) {
        const struct config_provider *p = config_provider_at(cfg, i);
        for (size_t m = 0; m < p->model_count; m++) {
            struct buf text = { 0 };
            struct model_ref ref;
            buf_printf(&text, "%.*s/%.*s", STR_ARG(p->id), STR_ARG(p->models[m].id));
            size_t n = 0, before = rows->count;
            char *owned = buf_take(&text, &n);
            if (owned && model_ref_parse((struct str){ owned, n }, &ref) == 0) tag(rows, &ref, "configured", 0);
            if (rows->count > before)
                rows->items[before].owned = owned;
            else
                free(owned);
        }
    }
}

static bool is_local(const struct config_provider *p)
{
    if (!p) return false;
    return str_is(p->api, "demo") || str_find(p->base_url, STR("://127.")) >= 0 || str_find(p->base_url, STR("://localhost")) >= 0 ||
           str_find(p->base_url, STR("://[::1]")) >= 0;
}

static bool has_key(const struct config_provider *p)
{
    return p && (p->api_key.n || (p->built_in && !p->key_env));
}

static json_t *as_json(const config_t *cfg, const struct row *row)
{
    const struct config_provider *p = config_provider_find(cfg, row->ref.provider);
    const struct config_model *m = p ? config_provider_model(p, row->ref.model) : NULL;
    json_t *tags = json_array();
    for (struct str rest = buf_str(&row->tags); rest.n;) {
        struct str word = str_split(&rest, ',');
        json_array_append_new(tags, json_stringn(word.p, word.n));
    }
    struct str name = m && m->name.n ? m->name : row->ref.model;
    return json_pack("{s:s%, s:s%, s:s, s:o, s:b, s:b, s:o, s:b}", "key", row->ref.text.p, row->ref.text.n, "name", name.p, name.n, "input",
                     m && m->images ? "text+image" : "text", "contextWindow",
                     m && m->context_window ? json_integer(m->context_window) : json_null(), "local", is_local(p), "available", has_key(p),
                     "tags", tags, "missing", p == NULL);
}

static void show_row(const config_t *cfg, const struct row *row)
{
    const struct config_provider *p = config_provider_find(cfg, row->ref.provider);
    const struct config_model *m = p ? config_provider_model(p, row->ref.model) : NULL;
    struct buf line = { 0 }, window = { 0 };
    if (m && m->context_window)
        buf_printf(&window, "%lldk", (long long)((m->context_window + 512) / 1024));
    else
        buf_char(&window, '-');
    text_fit(&line, row->ref.text, 42);
    for (size_t w = text_width(buf_str(&line)); w < 43; w++) buf_char(&line, ' ');
    buf_printf(&line, "%-10s %-8s %-5s %-5s %.*s", m && m->images ? "text+image" : "text", buf_cstr(&window), is_local(p) ? "yes" : "no",
               has_key(p) ? "yes" : "no", STR_ARG(buf_str(&row->tags)));
    text_say(stdout, "%.*s", STR_ARG(buf_str(&line)));
    buf_free(&line);
    buf_free(&window);
}

static void show_list(const config_t *cfg, const struct rows *rows, bool json)
{
    if (json) {
        json_t *list = json_array();
        for (size_t i = 0; i < rows->count; i++) json_array_append_new(list, as_json(cfg, &rows->items[i]));
        json_t *root = json_pack("{s:i, s:o}", "count", (int)rows->count, "models", list);
        json_show(root);
        json_decref(root);
        return;
    }
    printf("%-42s %-10s %-8s %-5s %-5s %s\n", "Model", "Input", "Ctx", "Local", "Auth", "Tags");
    for (size_t i = 0; i < rows->count; i++) show_row(cfg, &rows->items[i]);
}

int cmd_models_list(int argc, char **argv)
{
    struct configuration c;
    bool json = false, all = false;
    const struct cli_option options[] = { { "--all", NULL, "also those that no agent uses", NULL, &all },
                                          { "--json", NULL, "print them as JSON", NULL, &json },
                                          { 0 } };
    const struct cli_usage usage = { "openclaw models list [options]", "The models that agents use.", options };
    struct rows *rows;
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rows = calloc(1, sizeof *rows);
    rc = rows ? configuration_load(&c, true) : CLI_FAILED;
    if (!rows) return rc;
    if (rc == CLI_OK) {
        collect(c.config, all, rows);
        show_list(c.config, rows, json);
    }
    for (size_t i = 0; i < rows->count; i++) {
        buf_free(&rows->items[i].tags);
        free(rows->items[i].owned);
    }
    free(rows);
    configuration_free(&c);
    return rc;
}

/* --- status ------------------------------------------------------------------------------------------------------- */

static json_t *fallbacks(const struct config_agent *a)
{
    json_t *list = json_array();
    for (size_t i = 1; i < a->model_count; i++) json_array_append_new(list, json_stringn(a->models[i].text.p, a->models[i].text.n));
    return list;
}

static const char *key_source(const struct config_provider *p)
{
    if (p->built_in && !p->key_env) return "not needed";
    return p->api_key.n ? "set" : "missing";
}

static void show_status(const struct configuration *c)
{
    const struct config_agent *a = config_agent_default(c->config);
    const struct json5_node *aliases = config_get(c->config, STR("agents.defaults.models"));
    struct buf chain = { 0 };
    for (size_t i = 1; i < a->model_count; i++) buf_printf(&chain, "%s%.*s", i > 1 ? ", " : "", STR_ARG(a->models[i].text));
    text_say(stdout, "Config        : %s", c->path);
    text_say(stdout, "Agent dir     : %s/agents/%.*s/agent", c->state, STR_ARG(a->id));
    text_say(stdout, "Default       : %.*s", STR_ARG(a->model_count ? a->models[0].text : STR("-")));
    text_say(stdout, "Fallbacks (%zu) : %.*s", a->model_count ? a->model_count - 1 : 0, STR_ARG(chain.n ? buf_str(&chain) : STR("-")));
    text_say(stdout, "Configured models (%zu): %s", aliases ? aliases->count : 0, aliases && aliases->count ? "listed" : "all");
    printf("\nAuth overview\n");
    for (size_t i = 0; i < config_provider_count(c->config); i++) {
        const struct config_provider *p = config_provider_at(c->config, i);
        text_say(stdout, "- %.*s key=%s%s%s", STR_ARG(p->id), key_source(p), p->key_env ? " | env=" : "", p->key_env ? p->key_env : "");
    }
    buf_free(&chain);
}

static void show_status_json(const struct configuration *c)
{
    const struct config_agent *a = config_agent_default(c->config);
    struct str model = a->model_count ? a->models[0].text : (struct str){ "", 0 };
    json_t *providers = json_array(), *missing = json_array();
    for (size_t i = 0; i < config_provider_count(c->config); i++) {
        const struct config_provider *p = config_provider_at(c->config, i);
        json_array_append_new(providers,
                              json_pack("{s:s%, s:s, s:s?}", "provider", p->id.p, p->id.n, "key", key_source(p), "env", p->key_env));
        if (!has_key(p)) json_array_append_new(missing, json_stringn(p->id.p, p->id.n));
    }
    json_t *root = json_pack("{s:s, s:s%, s:o, s:{s:o, s:o}}", "configPath", c->path, "defaultModel", model.p, model.n, "fallbacks",
                             fallbacks(a), "auth", "missingProvidersInUse", missing, "providers", providers);
    json_show(root);
    json_decref(root);
}

int cmd_models_status(int argc, char **argv)
{
    struct configuration c;
    bool json = false;
    const struct cli_option options[] = { { "--json", NULL, "print it as JSON", NULL, &json }, { 0 } };
    const struct cli_usage usage = { "openclaw models status [options]",
                                     "The default model, its fallbacks, and which providers have a key.", options };
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = configuration_load(&c, true);
    if (rc == CLI_OK && json) show_status_json(&c);
    if (rc == CLI_OK && !json) show_status(&c);
    configuration_free(&c);
    return rc;
}
