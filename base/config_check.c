/* Settings that must fit each other, and texts with a form of their own. Agents, providers and the gateway's secrets are
 * checked where they are resolved. */
#include <arpa/inet.h>
#include <stdio.h>
#include <unistd.h>

#include "base/config_internal.h"
#include "base/err.h"

enum { TIME_ZONE_MAX = 64 }; /* bytes of a name of the time zone database */

/* ---- time zones ---- */

static bool good_zone_name(struct str zone)
{
    for (size_t i = 0; i < zone.n; i++) {
        unsigned char c = (unsigned char)zone.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && !strchr("/_+-", (int)c)) return false;
    }
    return zone.n > 0 && zone.n <= TIME_ZONE_MAX && zone.p[0] != '/' && zone.p[0] != '-';
}

static void check_zone(struct builder *b, const char *path)
{
    static const char folder[] = "/usr/share/zoneinfo";
    char file[sizeof folder + TIME_ZONE_MAX + 1];
    const struct json5_node *node = config_at(b->cfg->root, str_of(path));
    struct str zone = config_text_of(node);
    if (!node || node->kind != JSON5_STRING) return;
    bool good = good_zone_name(zone);
    if (good && access(folder, R_OK) == 0) {
        snprintf(file, sizeof file, "%s/%s", folder, zone.p);
        good = access(file, R_OK) == 0;
    }
    if (!good)
        config_report(b, CONFIG_WARNING, node, path,
                      "this system knows no such time zone, UTC is used; expected a name like \"Europe/Berlin\"");
}

/* "HH:MM" */
static void check_clock(struct builder *b, const char *path, bool midnight)
{
    const struct json5_node *node = config_at(b->cfg->root, str_of(path));
    struct str t = config_text_of(node), hours = { t.p, 2 }, minutes = { t.n == 5 ? t.p + 3 : t.p, 2 };
    int64_t h, m;
    if (!node || node->kind != JSON5_STRING) return;
    bool good = t.n == 5 && t.p[2] == ':' && str_to_int(hours, &h) == 0 && str_to_int(minutes, &m) == 0 && h >= 0 && m >= 0 && m < 60;
    if (!good || h > 24 || (h == 24 && (m > 0 || !midnight)))
        config_report(b, CONFIG_ERROR, node, path, "expected a time as HH:MM, from 00:00 to %s", midnight ? "24:00" : "23:59");
}

/* ---- addresses ---- */

static bool good_range(struct str text)
{
    char address[INET6_ADDRSTRLEN];
    unsigned char bytes[16];
    struct str bits = text, host = str_split(&bits, '/');
    bool ranged = host.n < text.n;
    int64_t n = 0;
    if (str_copy(address, sizeof address, host)) return false;
    bool v4 = inet_pton(AF_INET, address, bytes) == 1, v6 = !v4 && inet_pton(AF_INET6, address, bytes) == 1;
    if (ranged && (str_to_int(bits, &n) || n < 0 || n > (v4 ? 32 : 128))) return false;
    return v4 || v6;
}

static void check_proxies(struct builder *b)
{
    const struct json5_node *list = config_at(b->cfg->root, STR("gateway.trustedProxies"));
    size_t i = 0;
    if (!list || list->kind != JSON5_ARRAY) return;
    for (const struct json5_node *item = list->first; item; item = item->next, i++) {
        if (item->kind != JSON5_STRING || good_range(item->string)) continue;
        config_report(b, CONFIG_ERROR, item, config_format(b, "gateway.trustedProxies[%zu]", i).p,
                      "expected an address or a range like 10.0.0.0/8 or fd00::/8");
    }
}

/* ---- names of agents ---- */

static void check_agent_names(struct builder *b, const struct json5_node *list, const char *path)
{
    size_t i = 0;
    if (!list || list->kind != JSON5_ARRAY) return;
    for (const struct json5_node *item = list->first; item; item = item->next, i++) {
        if (item->kind != JSON5_STRING || str_is(item->string, "*") || config_agent_find(b->cfg, item->string)) continue;
        config_report(b, CONFIG_ERROR, item, config_format(b, "%s[%zu]", path, i).p, "no agent \"%.*s\" in agents.list",
                      STR_ARG(item->from_env ? STR("...") : str_utf8_prefix(item->string, 64)));
    }
}

static bool filled(const struct json5_node *list)
{
    return list && list->kind == JSON5_ARRAY && list->count;
}

static void check_tools(struct builder *b, const struct json5_node *tools, const char *path)
{
    const struct json5_node *also = json5_member(tools, STR("alsoAllow"));
    if (filled(json5_member(tools, STR("allow"))) && filled(also))
        config_report(b, CONFIG_ERROR, also, path, "allow and alsoAllow cannot stand together; put all tools into allow");
}

static void check_agents(struct builder *b)
{
    const struct json5_node *list = config_at(b->cfg->root, STR("agents.list"));
    size_t i = 0;
    if (!list || list->kind != JSON5_ARRAY) return;
    for (const struct json5_node *entry = list->first; entry; entry = entry->next, i++) {
        char path[80];
        snprintf(path, sizeof path, "agents.list[%zu].subagents.allowAgents", i);
        check_agent_names(b, config_at(entry, STR("subagents.allowAgents")), path);
        snprintf(path, sizeof path, "agents.list[%zu].tools.alsoAllow", i);
        check_tools(b, json5_member(entry, STR("tools")), path);
    }
}

/* agents.defaults.models: keys are references, an alias names one of them. */
static void check_aliases(struct builder *b)
{
    const struct json5_node *models = config_at(b->cfg->root, STR("agents.defaults.models"));
    if (!models || models->kind != JSON5_OBJECT) return;
    if (models->count > CONFIG_ALIASES_MAX) {
        config_report(b, CONFIG_ERROR, models, "agents.defaults.models", "%zu models; at most %d", models->count, CONFIG_ALIASES_MAX);
        return;
    }
    for (const struct json5_node *m = models->first; m; m = m->next) {
        struct model_ref ref, meant;
        const struct json5_node *alias = json5_member(m, STR("alias"));
        struct json5_node at = { .place = m->key_place };
        if (model_ref_parse(m->key, &ref)) {
            config_report(b, CONFIG_ERROR, &at, "agents.defaults.models", "the name \"%.*s\" is no reference; expected \"provider/model\"",
                          STR_ARG(str_utf8_prefix(m->key, 80)));
        } else if (config_text_of(alias).n && config_model_resolve(b->cfg, alias->string, &meant) == 0 && !str_eq(meant.text, m->key)) {
            config_report(b, CONFIG_WARNING, alias, "agents.defaults.models", "this alias already stands for \"%.*s\"",
                          STR_ARG(str_utf8_prefix(meant.text, 80)));
        }
    }
}

/* ---- the rest ---- */

static bool lists_everybody(const struct json5_node *list)
{
    for (const struct json5_node *item = filled(list) ? list->first : NULL; item; item = item->next)
        if (str_is(config_text_of(item), "*")) return true;
    return false;
}

static void check_open_dms(struct builder *b, const char *channel)
{
    const struct json5_node *node = json5_member(json5_member(b->cfg->root, STR("channels")), str_of(channel));
    const struct json5_node *policy = json5_member(node, STR("dmPolicy")), *allow = json5_member(node, STR("allowFrom"));
    if (!policy) policy = config_at(node, STR("dm.policy"));
    if (!allow) allow = config_at(node, STR("dm.allowFrom"));
    if (str_is(config_text_of(policy), "open") && !lists_everybody(allow))
        config_report(b, CONFIG_ERROR, policy, config_format(b, "channels.%s.dmPolicy", channel).p,
                      "open needs allowFrom: [\"*\"], to be sure it is meant");
}

void config_check_rest(struct builder *b)
{
    const config_t *cfg = b->cfg;
    check_zone(b, "agents.defaults.userTimezone");
    check_clock(b, "agents.defaults.heartbeat.activeHours.start", false);
    check_clock(b, "agents.defaults.heartbeat.activeHours.end", true);
    check_proxies(b);
    check_agents(b);
    check_agent_names(b, config_at(cfg->root, STR("tools.agentToAgent.allow")), "tools.agentToAgent.allow");
    check_agent_names(b, config_at(cfg->root, STR("hooks.allowedAgentIds")), "hooks.allowedAgentIds");
    check_aliases(b);
    check_tools(b, json5_member(cfg->root, STR("tools")), "tools.alsoAllow");
    check_open_dms(b, "discord");
    check_open_dms(b, "telegram");
    if (config_bool(cfg, "hooks.enabled") && !config_str(cfg, "hooks.token").n)
        config_report(b, CONFIG_ERROR, json5_member(cfg->root, STR("hooks")), "hooks.token", "missing: hooks.enabled needs a token");
}
