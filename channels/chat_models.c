/* chat_models.c -- /model and /models: which model answers, which there are, and another one for the session. */
#include "channels/chat_commands_internal.h"

enum { PAGE = 20 /* models of a provider in one answer */ };

/* --- what a word means -------------------------------------------------------------------------------------------- */

static bool listed(const struct chat_facts *facts, struct str provider, struct str id)
{
    size_t i;
    json_t *m;
    json_array_foreach(facts->models, i, m)
    {
        if (str_eq(json_str(m, "id"), id) && str_eq(json_str(m, "provider"), provider)) return true;
    }
    return false;
}

/* The provider that lists a model of this name; empty when none does, or several. */
static struct str provider_of(const struct chat_facts *facts, struct str id)
{
    struct str found = { 0 };
    size_t i;
    json_t *m;
    json_array_foreach(facts->models, i, m)
    {
        if (!str_eq(json_str(m, "id"), id)) continue;
        if (found.n) return (struct str){ 0 };
        found = json_str(m, "provider");
    }
    return found;
}

/* A provider whose models nobody has listed, and that has a key, may be asked for any: it knows best. */
static bool open_ended(const config_t *config, struct str provider)
{
    const struct config_provider *p = config_provider_find(config, provider);
    return p && p->model_count == 0 && p->api_key.n;
}

bool chat_command_model(const struct chat_facts *facts, struct str word, struct buf *ref)
{
    struct model_ref known;
    struct str provider;
    if (config_model_resolve(facts->config, word, &known) == 0) {
        buf_add(ref, known.text);
        return listed(facts, known.provider, known.model) || open_ended(facts->config, known.provider);
    }
    provider = provider_of(facts, word);
    buf_add(ref, provider.n ? provider : chat_agent(facts)->models[0].provider);
    buf_char(ref, '/');
    buf_add(ref, word);
    return provider.n > 0 || listed(facts, chat_agent(facts)->models[0].provider, word);
}

bool chat_command_model_like(const config_t *config, struct str word)
{
    struct model_ref ref;
    return config_model_resolve(config, word, &ref) == 0 && config_provider_find(config, ref.provider) != NULL;
}

static bool asks(struct str word)
{
    return word.n == 0 || str_ieq(word, STR("list")) || str_ieq(word, STR("status"));
}

bool chat_models_patch(const struct chat_command *command, const struct chat_facts *facts, json_t *patch)
{
    struct buf ref = { .max = 512 };
    bool usable = !asks(command->args) && chat_command_model(facts, command->args, &ref) && ref.err == 0;
    if (usable) usable = json_object_set_new(patch, "model", json_stringn(ref.p, ref.n)) == 0;
    buf_free(&ref);
    return usable;
}

/* --- lists -------------------------------------------------------------------------------------------------------- */

static size_t count(const struct chat_facts *facts, struct str provider)
{
    size_t i, n = 0;
    json_t *m;
    json_array_foreach(facts->models, i, m)
    {
        n += str_ieq(json_str(m, "provider"), provider);
    }
    return n;
}

typedef void provider_fn(const struct chat_facts *facts, struct str provider, struct buf *out);

/* Each provider once: the list is in their order. */
static void each_provider(const struct chat_facts *facts, provider_fn *fn, struct buf *out)
{
    struct str last = { 0 };
    size_t i;
    json_t *m;
    json_array_foreach(facts->models, i, m)
    {
        struct str provider = json_str(m, "provider");
        if (!str_eq(provider, last)) fn(facts, provider, out);
        last = provider;
    }
}

static void provider_line(const struct chat_facts *facts, struct str provider, struct buf *out)
{
    buf_printf(out, "\n- %.*s (%zu)", STR_ARG(provider), count(facts, provider));
}

static void provider_name(const struct chat_facts *facts, struct str provider, struct buf *out)
{
    (void)facts;
    buf_printf(out, "\n- %.*s", STR_ARG(provider));
}

static void list_providers(const struct chat_facts *facts, struct buf *out)
{
    buf_text(out, "Providers:");
    each_provider(facts, provider_line, out);
    buf_text(out, "\n\nUse: /models <provider>\nSwitch: /model <provider/model>");
}

static void list_models(const struct chat_facts *facts, struct str provider, int64_t page, bool all, struct buf *out)
{
    size_t total = count(facts, provider), pages = all ? 1 : (total + PAGE - 1) / PAGE, i, n = 0;
    size_t at = page < 1 ? 0 : (size_t)page - 1, from, to;
    json_t *m;
    if (at >= pages) at = pages - 1;
    from = all ? 0 : at * PAGE;
    to = all || from + PAGE > total ? total : from + PAGE;
    buf_printf(out, "Models (%.*s) — showing %zu-%zu of %zu (page %zu/%zu)", STR_ARG(provider), from + 1, to, total, at + 1, pages);
    json_array_foreach(facts->models, i, m)
    {
        if (!str_ieq(json_str(m, "provider"), provider)) continue;
        if (n >= from && n < to && out->n < CHAT_REPLY_MAX)
            buf_printf(out, "\n- %.*s/%.*s", STR_ARG(json_str(m, "provider")), STR_ARG(json_str(m, "id")));
        n++;
    }
    buf_text(out, "\n\nSwitch: /model <provider/model>");
    if (at + 1 < pages) buf_printf(out, "\nMore: /models %.*s %zu", STR_ARG(provider), at + 2);
    if (pages > 1) buf_printf(out, "\nAll: /models %.*s all", STR_ARG(provider));
}

void chat_reply_models(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct str rest = command->args, provider = chat_word(&rest), which = chat_word(&rest);
    int64_t page = 1;
    if (provider.n == 0 || str_ieq(provider, STR("list"))) {
        list_providers(facts, out);
    } else if (count(facts, provider) == 0) {
        buf_printf(out, "Unknown provider: %.*s\n\nAvailable providers:", STR_ARG(str_utf8_prefix(provider, 200)));
        each_provider(facts, provider_name, out);
        buf_text(out, "\n\nUse: /models <provider>");
    } else {
        if (str_to_int(which, &page) != 0) page = 1;
        list_models(facts, provider, page, str_ieq(which, STR("all")), out);
    }
}

/* --- /model ------------------------------------------------------------------------------------------------------- */

static void add_current(const struct chat_facts *facts, struct buf *out)
{
    buf_printf(out, "Current: %.*s/%.*s", STR_ARG(json_str(facts->resolved, "modelProvider")), STR_ARG(json_str(facts->resolved, "model")));
}

/* An address that holds a login stays out of the conversation. */
static struct str endpoint(const struct config_provider *p)
{
    if (!p || p->base_url.n == 0) return STR("default");
    return str_find(p->base_url, STR("@")) < 0 ? p->base_url : STR("configured");
}

static void provider_block(const struct chat_facts *facts, struct str provider, struct buf *out)
{
    const struct config_provider *p = config_provider_find(facts->config, provider);
    size_t i, hidden = 0;
    json_t *m;
    buf_printf(out, "\n\n[%.*s] endpoint: %.*s auth: %s", STR_ARG(provider), STR_ARG(endpoint(p)),
               p && p->api_key.n ? "api-key" : "missing");
    json_array_foreach(facts->models, i, m)
    {
        if (!str_eq(json_str(m, "provider"), provider)) continue;
        if (out->n < CHAT_REPLY_MAX)
            buf_printf(out, "\n  • %.*s/%.*s", STR_ARG(provider), STR_ARG(json_str(m, "id")));
        else
            hidden++;
    }
    if (hidden) buf_printf(out, "\n  and %zu more", hidden);
}

static void model_status(const struct chat_facts *facts, struct buf *out)
{
    const struct config_agent *agent = chat_agent(facts);
    add_current(facts, out);
    buf_printf(out, "\nDefault: %.*s\nAgent: %.*s", STR_ARG(agent->models[0].text), STR_ARG(agent->id));
    each_provider(facts, provider_block, out);
}

static void model_set(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    struct buf ref = { .max = 512 };
    struct model_ref as_written;
    chat_command_model(facts, command->args, &ref);
    if (!facts->patched || facts->refusal.n)
        buf_printf(out, "Model \"%.*s\" is not allowed. Use /models to list providers, or /models <provider> to list models.",
                   STR_ARG(str_utf8_prefix(buf_str(&ref), 256)));
    else if (str_eq(buf_str(&ref), chat_agent(facts)->models[0].text))
        buf_printf(out, "Model reset to default (%.*s).", STR_ARG(buf_str(&ref)));
    else if (model_ref_parse(command->args, &as_written) == 0)
        buf_printf(out, "Model set to %.*s.", STR_ARG(buf_str(&ref)));
    else
        buf_printf(out, "Model set to %.*s (%.*s).", STR_ARG(command->args), STR_ARG(buf_str(&ref)));
    buf_free(&ref);
}

void chat_reply_model(const struct chat_command *command, const struct chat_facts *facts, struct buf *out)
{
    if (str_ieq(command->args, STR("list"))) {
        list_providers(facts, out);
    } else if (str_ieq(command->args, STR("status"))) {
        model_status(facts, out);
    } else if (command->args.n == 0) {
        add_current(facts, out);
        buf_text(out,
                 "\n\nSwitch: /model <provider/model>\nBrowse: /models (providers) or /models <provider> (models)\nMore: /model status");
    } else {
        model_set(command, facts, out);
    }
}
