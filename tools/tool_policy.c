#include "tools/tool_policy.h"

#include <fnmatch.h>
#include <stdio.h>

/* Sets of tools to start from. Source: OpenClaw's profiles; agent-runtime 4 for what sub-agents go without. */
static const char *const PROFILE_MINIMAL[] = { "session_status", NULL };
static const char *const PROFILE_CODING[] = { "group:fs", "group:runtime", "group:sessions", "group:memory", NULL };
static const char *const PROFILE_MESSAGING[] = { "group:messaging", "sessions_list",  "sessions_history",
                                                 "sessions_send",   "session_status", NULL };
static const char *const SUBAGENT_DENY[] = { "gateway",       "agents_list", "session_status", "cron",
                                             "memory_search", "memory_get",  "sessions_send",  NULL };
static const char *const LEAF_DENY[] = { "sessions_list", "sessions_history", "sessions_spawn", NULL };

/* A name of a list: `*`, `group:<name>`, `group:openclaw` (all of ours), a tool, or a pattern. The words of OpenClaw that mean two tools
 * pass, too. */
static tool_set named(struct str entry)
{
    char pattern[128];
    struct str group = entry;
    tool_set set = 0;
    entry = str_trim(entry);
    bool is_group = str_starts(entry, STR("group:"));
    if (is_group) group = (struct str){ entry.p + 6, entry.n - 6 };
    if (str_is(entry, "bash")) entry = STR("exec");
    str_copy(pattern, sizeof pattern, entry);
    for (int i = 0; i < TOOL_COUNT; i++) {
        const struct tool *tool = tool_at((enum tool_id)i);
        bool hit = is_group ? str_is(group, "openclaw") || str_is(group, tool_group_name(tool->group))
                            : entry.n < sizeof pattern && fnmatch(pattern, tool->name, 0) == 0;
        if (hit) set |= (tool_set)1 << i;
    }
    return set;
}

static tool_set named_all(const char *const *names)
{
    tool_set set = 0;
    for (; *names; names++) set |= named(str_of(*names));
    return set;
}

/* @return whether the list is there */
static bool listed(const struct json5_node *rules, const char *key, tool_set *set)
{
    const struct json5_node *list = rules ? json5_member(rules, str_of(key)) : NULL;
    *set = 0;
    if (!list || list->kind != JSON5_ARRAY) return false;
    for (const struct json5_node *entry = list->first; entry; entry = entry->next)
        if (entry->kind == JSON5_STRING) *set |= named(entry->string);
    return true;
}

static bool profile(const struct json5_node *rules, tool_set *set)
{
    const struct json5_node *name = rules ? json5_member(rules, STR("profile")) : NULL;
    if (!name || name->kind != JSON5_STRING) return false;
    if (str_is(name->string, "minimal"))
        *set = named_all(PROFILE_MINIMAL);
    else if (str_is(name->string, "coding"))
        *set = named_all(PROFILE_CODING);
    else if (str_is(name->string, "messaging"))
        *set = named_all(PROFILE_MESSAGING);
    else
        *set = ~(tool_set)0;
    return true;
}

/* One layer: its profile and what it adds to that, its allowlist, its denials. Absent rules change nothing. */
static void narrow(tool_set *set, const struct json5_node *rules)
{
    tool_set some, more;
    if (!rules || rules->kind != JSON5_OBJECT) return;
    listed(rules, "alsoAllow", &more);
    if (profile(rules, &some)) *set &= some | more;
    if (listed(rules, "allow", &some)) *set &= some | more;
    if (listed(rules, "deny", &some)) *set &= ~some;
}

/* The agent's profile stands in for the defaults' one, its lists narrow what those let pass. */
static void narrow_agent(tool_set *set, const struct json5_node *common, const struct json5_node *own)
{
    tool_set some, more;
    if (own && profile(own, &some)) {
        listed(own, "alsoAllow", &more);
        *set &= some | more;
    } else if (common && profile(common, &some)) {
        listed(common, "alsoAllow", &more);
        *set &= some | more;
    }
    const struct json5_node *const layers[] = { common, own };
    for (size_t i = 0; i < 2; i++) {
        listed(layers[i], "alsoAllow", &more);
        if (listed(layers[i], "allow", &some)) *set &= some | more;
        if (listed(layers[i], "deny", &some)) *set &= ~some;
    }
}

static const struct json5_node *member(const struct json5_node *of, const char *name)
{
    return of && of->kind == JSON5_OBJECT ? json5_member(of, str_of(name)) : NULL;
}

/* Rules by provider ("google") and by model ("google/gemini-2.5-pro"); both count. */
static void narrow_provider(tool_set *set, const struct json5_node *rules, const struct model_ref *model)
{
    const struct json5_node *by = member(rules, "byProvider");
    if (!by || by->kind != JSON5_OBJECT) return;
    narrow(set, json5_member(by, model->provider));
    narrow(set, json5_member(by, model->text));
}

static void narrow_depth(tool_set *set, const struct tool_asker *asker, const struct json5_node *rules)
{
    tool_set more, deny;
    if (asker->depth <= 0) return;
    const struct json5_node *own = member(member(rules, "subagents"), "tools");
    listed(own, "alsoAllow", &more);
    deny = named_all(SUBAGENT_DENY) & ~more;
    if (asker->depth >= asker->depth_max) deny |= named_all(LEAF_DENY);
    *set &= ~deny;
    narrow(set, own);
}

/* apply_patch is for those who want it; allowModels names models, with their provider or without. */
static bool may_patch(const struct tool_asker *asker)
{
    const struct json5_node *list = config_get(asker->config, STR("tools.exec.applyPatch.allowModels"));
    if (!config_bool(asker->config, "tools.exec.applyPatch.enabled")) return false;
    if (!list || list->kind != JSON5_ARRAY || !list->first) return true;
    for (const struct json5_node *one = list->first; one; one = one->next)
        if (one->kind == JSON5_STRING && (str_ieq(one->string, asker->model.text) || str_ieq(one->string, asker->model.model))) return true;
    return false;
}

/* What the configuration switches off by other means. */
static void narrow_settings(tool_set *set, const struct tool_asker *asker)
{
    if (!config_bool(asker->config, "tools.web.fetch.enabled")) *set &= ~((tool_set)1 << TOOL_web_fetch);
    if (!may_patch(asker)) *set &= ~((tool_set)1 << TOOL_apply_patch);
    const struct json5_node *own = member(member(member(asker->agent->node, "tools"), "exec"), "security");
    struct str security = own && own->kind == JSON5_STRING ? own->string : config_str(asker->config, "tools.exec.security");
    if (str_is(security, "deny")) *set &= ~named(STR("group:runtime"));
}

tool_set tool_policy(const struct tool_asker *asker)
{
    char path[128];
    tool_set set = TOOL_COUNT < 64 ? ((tool_set)1 << TOOL_COUNT) - 1 : ~(tool_set)0;
    const struct json5_node *common = config_get(asker->config, STR("tools"));
    const struct json5_node *own = member(asker->agent->node, "tools");
    narrow_settings(&set, asker);
    narrow_agent(&set, common, own);
    narrow_provider(&set, common, &asker->model);
    narrow_provider(&set, own, &asker->model);
    if (asker->channel.n && asker->channel.n < 64) {
        snprintf(path, sizeof path, "channels.%.*s.tools", STR_ARG(asker->channel));
        narrow(&set, config_get(asker->config, str_of(path)));
    }
    narrow_depth(&set, asker, common);
    return set;
}
