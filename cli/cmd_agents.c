/* cli/cmd_agents.c -- `openclaw agents list`: the agents of the configuration. */
#include <stdio.h>

#include "cli/configuration.h"
#include "cli/json_print.h"
#include "cli/text.h"

#include "cli/cli.h"

static size_t bindings(const config_t *cfg, struct str agent)
{
    size_t count = 0;
    for (size_t i = 0; i < config_binding_count(cfg); i++) count += str_eq(config_binding_at(cfg, i)->agent_id, agent);
    return count;
}

static void agent_dir(const config_t *cfg, const struct config_agent *a, struct buf *out)
{
    buf_printf(out, "%.*s/agents/%.*s/agent", STR_ARG(config_state(cfg)), STR_ARG(a->id));
}

static struct str model(const struct config_agent *a)
{
    return a->model_count ? a->models[0].text : (struct str){ 0 };
}

static json_t *text(struct str s)
{
    return json_stringn(s.p ? s.p : "", s.n);
}

static json_t *describe(const config_t *cfg, const struct config_agent *a)
{
    struct buf dir = { 0 };
    size_t rules = bindings(cfg, a->id);
    json_t *out = json_object();
    agent_dir(cfg, a, &dir);
    json_object_set_new(out, "id", text(a->id));
    json_object_set_new(out, "name", text(a->name));
    if (a->identity_name.n) json_object_set_new(out, "identityName", text(a->identity_name));
    if (a->identity_emoji.n) json_object_set_new(out, "identityEmoji", text(a->identity_emoji));
    if (a->identity_name.n || a->identity_emoji.n) json_object_set_new(out, "identitySource", json_string("config"));
    json_object_set_new(out, "workspace", text(a->workspace));
    json_object_set_new(out, "agentDir", text(buf_str(&dir)));
    json_object_set_new(out, "model", text(model(a)));
    json_object_set_new(out, "bindings", json_integer((json_int_t)rules));
    json_object_set_new(out, "isDefault", json_boolean(a->is_default));
    if (a->is_default && rules == 0) json_object_set_new(out, "routes", json_pack("[s]", "default (no explicit rules)"));
    buf_free(&dir);
    return out;
}

static void show_json(const config_t *cfg)
{
    json_t *list = json_array();
    for (size_t i = 0; i < config_agent_count(cfg); i++) json_array_append_new(list, describe(cfg, config_agent_at(cfg, i)));
    json_show(list);
    json_decref(list);
}

static void show_rules(const config_t *cfg, struct str agent)
{
    for (size_t i = 0; i < config_binding_count(cfg); i++) {
        const struct config_binding *b = config_binding_at(cfg, i);
        if (!str_eq(b->agent_id, agent)) continue;
        struct buf line = { 0 };
        buf_add(&line, b->channel);
        if (b->account_id.n) buf_printf(&line, " account=%.*s", STR_ARG(b->account_id));
        if (b->guild_id.n) buf_printf(&line, " guild=%.*s", STR_ARG(b->guild_id));
        if (b->team_id.n) buf_printf(&line, " team=%.*s", STR_ARG(b->team_id));
        if (b->peer_id.n) buf_printf(&line, " %.*s=%.*s", STR_ARG(b->peer_kind.n ? b->peer_kind : STR("peer")), STR_ARG(b->peer_id));
        text_say(stdout, "    - %.*s", STR_ARG(buf_str(&line)));
        buf_free(&line);
    }
}

static void show_agent(const config_t *cfg, const struct config_agent *a, bool rules)
{
    struct buf dir = { 0 };
    size_t count = bindings(cfg, a->id);
    agent_dir(cfg, a, &dir);
    bool named = a->name.n && !str_eq(a->name, a->id);
    text_say(stdout, "- %.*s%s%s%.*s%s", STR_ARG(a->id), a->is_default ? " (default)" : "", named ? " (" : "",
             STR_ARG(named ? a->name : STR("")), named ? ")" : "");
    if (a->identity_name.n || a->identity_emoji.n)
        text_say(stdout, "  Identity: %.*s%s%.*s (config)", STR_ARG(a->identity_emoji),
                 a->identity_emoji.n && a->identity_name.n ? " " : "", STR_ARG(a->identity_name));
    text_say(stdout, "  Workspace: %.*s", STR_ARG(a->workspace));
    text_say(stdout, "  Agent dir: %.*s", STR_ARG(buf_str(&dir)));
    if (a->model_count) text_say(stdout, "  Model: %.*s", STR_ARG(model(a)));
    text_say(stdout, "  Routing rules: %zu", count);
    if (a->is_default && count == 0) text_say(stdout, "  Routing: default (no explicit rules)");
    if (rules) show_rules(cfg, a->id);
    buf_free(&dir);
}

int cmd_agents_list(int argc, char **argv)
{
    struct configuration c;
    bool as_json = false, rules = false;
    const struct cli_option options[] = { { "--bindings", NULL, "with their routing rules", NULL, &rules },
                                          { "--json", NULL, "print them as JSON", NULL, &as_json },
                                          { 0 } };
    const struct cli_usage usage = { "openclaw agents list [options]", "The agents of the configuration.", options };
    int rc = cli_begin(&usage, &argc, argv, 0);
    if (rc >= 0) return rc;
    rc = configuration_load(&c, true);
    if (rc == CLI_OK && as_json) show_json(c.config);
    if (rc == CLI_OK && !as_json) {
        printf("Agents:\n");
        for (size_t i = 0; i < config_agent_count(c.config); i++) show_agent(c.config, config_agent_at(c.config, i), rules);
        printf("Routing rules map channel/account/peer to an agent. Use --bindings for full rules.\n"
               "Channel status reflects local config/creds. For live health: openclaw channels status --probe.\n");
    }
    configuration_free(&c);
    return rc;
}
