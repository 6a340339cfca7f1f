/* cli/doctor_setup.c -- what the configuration asks for, and whether it is there. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/agent_skills.h"
#include "base/json_read.h"
#include "cli/audit.h"
#include "cli/doctor.h"
#include "cli/folder.h"

#define CONFIG "Configuration"
#define SECURITY "Security"
#define AGENTS "Agents"
#define CHANNELS "Channels"

/* --- the file ------------------------------------------------------------------------------------------------------------- */

static void look_at_file(struct doctor *d)
{
    const struct configuration *c = d->c;
    if (!c->config)
        doctor_say(d, CONFIG, "config.invalid", DOCTOR_CRITICAL, "mend what is told above; openclaw config validate says when it is right",
                   "%s cannot be used.", c->path);
    else if (!c->file_found)
        doctor_say(d, CONFIG, "config.missing", DOCTOR_INFO, "write one, when the defaults are not what you want (docs/config.md)",
                   "No configuration at %s: the defaults are in use.", c->path);
    else if (c->note.n)
        doctor_say(d, CONFIG, "config.invalid", DOCTOR_CRITICAL, "mend what is told above; openclaw config validate says when it is right",
                   "%.*s", STR_ARG(buf_str(&c->note)));
    else
        doctor_say(d, CONFIG, "config.valid", DOCTOR_OK, NULL, "%s is well formed.", c->path);
}

static void look_at_proxies(struct doctor *d)
{
    const struct config_gateway *g = config_gateway(d->c->config);
    for (size_t i = 0; i < g->trusted_proxy_count; i++)
        if (str_ends(g->trusted_proxies[i], STR("/0")))
            doctor_say(d, SECURITY, "gateway.trusted_proxies", DOCTOR_CRITICAL, "name the proxies' own addresses in gateway.trustedProxies",
                       "gateway.trustedProxies has %.*s: everybody may say who he is.", STR_ARG(g->trusted_proxies[i]));
    for (size_t i = 0; i < g->allowed_origin_count; i++)
        if (str_is(g->allowed_origins[i], "*"))
            doctor_say(d, SECURITY, "gateway.allowed_origins", DOCTOR_CRITICAL, "name the origins in gateway.controlUi.allowedOrigins",
                       "gateway.controlUi.allowedOrigins has *: any page in a browser may connect.");
}

static void look_at_hooks(struct doctor *d)
{
    const config_t *config = d->c->config;
    struct str token = config_str(config, "hooks.token");
    const struct config_gateway *g = config_gateway(config);
    if (config_bool(config, "hooks.enabled") && token.n && g->token.n && str_eq(token, g->token))
        doctor_say(d, SECURITY, "hooks.token", DOCTOR_WARN, "give hooks.token a value of its own",
                   "hooks.token is the gateway's token: who may call a hook may do everything.");
}

static void look_at_safety(struct doctor *d)
{
    size_t i, before = json_array_size(d->findings);
    json_t *audit = audit_run(d->c);
    const json_t *f;
    json_array_foreach(json_object_get(audit, "findings"), i, f)
    {
        struct str severity = json_str(f, "severity");
        bool config_mode = str_is(json_str(f, "checkId"), "fs.config.perms");
        if (str_is(json_str(f, "checkId"), "fs.state_dir.perms")) continue; /* told with the state */
        json_t *said = doctor_say(d, SECURITY, json_string_value(json_object_get(f, "checkId")),
                                  str_is(severity, "critical") ? DOCTOR_CRITICAL
                                  : str_is(severity, "warn")   ? DOCTOR_WARN
                                                               : DOCTOR_INFO,
                                  config_mode ? "chmod 600 the file (doctor --fix does)"
                                              : "set gateway.auth.token to a long random text (openssl rand -hex 32)",
                                  "%.*s: %.*s", STR_ARG(json_str(f, "title")), STR_ARG(json_str(f, "detail")));
        if (config_mode && d->fix) doctor_fixed(said, chmod(d->c->path, 0600) == 0);
    }
    json_decref(audit);
    look_at_proxies(d);
    look_at_hooks(d);
    if (json_array_size(d->findings) == before) doctor_say(d, SECURITY, "security.ok", DOCTOR_OK, NULL, "No security warnings detected.");
}

void doctor_look_at_config(struct doctor *d)
{
    look_at_file(d);
    if (d->c->config) look_at_safety(d);
}

/* --- agents ------------------------------------------------------------------------------------------------------------------ */

static void look_at_keys(struct doctor *d)
{
    char fix[128];
    for (size_t i = 0; i < config_provider_count(d->c->config); i++) {
        const struct config_provider *p = config_provider_at(d->c->config, i);
        if (p->api_key.n || !(p->key_env || !p->built_in)) continue;
        if (p->key_env)
            snprintf(fix, sizeof fix, "set %s", p->key_env);
        else
            snprintf(fix, sizeof fix, "set models.providers.%.*s.apiKey, if it needs one", (int)(p->id.n < 40 ? p->id.n : 40), p->id.p);
        doctor_say(d, AGENTS, "provider.no_key", p->key_env ? DOCTOR_WARN : DOCTOR_INFO, fix, "Provider %.*s has no key.", STR_ARG(p->id));
    }
}

static void look_at_models(struct doctor *d, const struct config_agent *agent)
{
    size_t usable = 0;
    for (size_t i = 0; i < agent->model_count; i++) {
        const struct config_provider *p = config_provider_find(d->c->config, agent->models[i].provider);
        if (!p)
            doctor_say(d, AGENTS, "agent.model", DOCTOR_WARN, "configure models.providers.<id>, or name another model",
                       "Agent %.*s names model %.*s, whose provider is not known.", STR_ARG(agent->id), STR_ARG(agent->models[i].text));
        usable += p && (p->api_key.n || !p->key_env);
    }
    if (usable == 0)
        doctor_say(d, AGENTS, "agent.no_model", DOCTOR_CRITICAL, "give one of its providers a key (see above)",
                   "Agent %.*s cannot answer: none of its %zu models has a provider with a key.", STR_ARG(agent->id), agent->model_count);
}

static void look_at_workspace(struct doctor *d, const struct config_agent *agent)
{
    char path[PATH_MAX], file[PATH_MAX];
    struct stat st;
    if (str_copy(path, sizeof path, agent->workspace) != 0) return;
    if (stat(path, &st) != 0) {
        json_t *f = doctor_say(d, AGENTS, "agent.workspace", DOCTOR_WARN, "make the folder (doctor --fix does), or set its workspace",
                               "Agent %.*s has no workspace: %s is not there.", STR_ARG(agent->id), path);
        if (d->fix) doctor_fixed(f, folder_make(path) == 0);
        return;
    }
    folder_join(path, "AGENTS.md", file);
    if (access(path, W_OK) != 0)
        doctor_say(d, AGENTS, "agent.workspace_not_writable", DOCTOR_WARN, "chown it to the gateway's user",
                   "Agent %.*s cannot write to its workspace %s.", STR_ARG(agent->id), path);
    else if (access(file, R_OK) != 0)
        doctor_say(d, AGENTS, "agent.no_agents_md", DOCTOR_INFO, "write AGENTS.md into it: who the agent is and what it may do",
                   "Agent %.*s has no AGENTS.md in %s.", STR_ARG(agent->id), path);
}

static const struct skill *find_skill(const skills_t *skills, struct str name)
{
    size_t count;
    const struct skill *list = skills_list(skills, &count);
    for (size_t i = 0; i < count; i++)
        if (str_eq(list[i].name, name)) return &list[i];
    return NULL;
}

static void look_at_skill(struct doctor *d, const skills_t *skills, struct str owner, struct str name)
{
    const struct skill *s = find_skill(skills, name);
    if (!s)
        doctor_say(d, AGENTS, "skill.missing", DOCTOR_WARN, "install it, name its folder in skills.load.extraDirs, or take it off the list",
                   "%.*s names skill %.*s, which is nowhere.", STR_ARG(owner), STR_ARG(name));
    else if (!s->eligible)
        doctor_say(d, AGENTS, "skill.not_eligible", DOCTOR_INFO, "provide what it needs",
                   "%.*s has skill %.*s, which is left out: it needs %.*s.", STR_ARG(owner), STR_ARG(name), STR_ARG(s->missing));
}

static void look_at_skills(struct doctor *d, const struct config_agent *agent)
{
    struct agent_skills *as = malloc(sizeof *as);
    skills_t *skills = NULL;
    if (!as) return;
    agent_skills_init(as, d->c->config, agent, true);
    if (skills_load(&as->options, &skills) == 0) {
        for (size_t i = 0; i < agent->skill_count; i++) look_at_skill(d, skills, agent->id, agent->skills[i]);
        for (struct str rest = agent->is_default ? skills_problems(skills) : STR(""); rest.n;) {
            struct str line = str_split(&rest, '\n');
            doctor_say(d, AGENTS, "skill.broken", DOCTOR_WARN, "mend the file", "%.*s", STR_ARG(line));
        }
    }
    skills_destroy(&skills);
    free(as);
}

static void look_at_extra_dirs(struct doctor *d)
{
    const struct json5_node *list = config_get(d->c->config, STR("skills.load.extraDirs"));
    for (const struct json5_node *n = list ? list->first : NULL; n; n = n->next)
        if (n->kind == JSON5_STRING && access(n->string.p, R_OK | X_OK) != 0)
            doctor_say(d, AGENTS, "skills.folder", DOCTOR_WARN, "mount or make it, or take it off skills.load.extraDirs",
                       "Folder of skills %s cannot be read.", n->string.p);
}

static void look_at_bindings(struct doctor *d)
{
    for (size_t i = 0; i < config_binding_count(d->c->config); i++) {
        const struct config_binding *b = config_binding_at(d->c->config, i);
        if (!config_agent_find(d->c->config, b->agent_id))
            doctor_say(d, AGENTS, "binding.agent", DOCTOR_WARN, "name one of agents.list",
                       "bindings[%zu] names agent %.*s, which is not configured.", i, STR_ARG(b->agent_id));
    }
}

static void look_at_jobs(struct doctor *d)
{
    const struct json5_node *jobs = config_get(d->c->config, STR("cron.jobs"));
    size_t n = 0;
    for (const struct json5_node *j = jobs ? jobs->first : NULL; j; j = j->next, n++) {
        const struct json5_node *agent = json5_member(j, STR("agentId")), *to = json5_member(json5_member(j, STR("delivery")), STR("to"));
        const struct json5_node *channel = json5_member(json5_member(j, STR("delivery")), STR("channel"));
        if (agent && agent->kind == JSON5_STRING && !config_agent_find(d->c->config, agent->string))
            doctor_say(d, AGENTS, "cron.agent", DOCTOR_WARN, "name one of agents.list",
                       "cron.jobs[%zu] names agent %s, which is not configured.", n, agent->string.p);
        bool webhook = channel && channel->kind == JSON5_STRING && str_is(channel->string, "webhook");
        if (!webhook || !to || to->kind != JSON5_STRING) continue;
        char name[128];
        int at = snprintf(name, sizeof name, "DISCORD_WEBHOOK_");
        for (size_t i = 0; i < to->string.n && (size_t)at + 1 < sizeof name; i++)
            name[at++] = to->string.p[i] >= 'a' && to->string.p[i] <= 'z' ? (char)(to->string.p[i] - 32) : to->string.p[i];
        name[at] = '\0';
        if (!env_get(&d->c->env, name).n)
            doctor_say(d, AGENTS, "cron.webhook", DOCTOR_WARN, "set the variable to the webhook's address",
                       "cron.jobs[%zu] posts to webhook:%s, and %s is not set.", n, to->string.p, name);
    }
}

void doctor_look_at_agents(struct doctor *d)
{
    size_t n = config_agent_count(d->c->config), before = doctor_count(d, DOCTOR_WARN) + doctor_count(d, DOCTOR_CRITICAL);
    look_at_keys(d);
    for (size_t i = 0; i < n; i++) {
        const struct config_agent *agent = config_agent_at(d->c->config, i);
        look_at_models(d, agent);
        look_at_workspace(d, agent);
        look_at_skills(d, agent);
    }
    look_at_extra_dirs(d);
    look_at_bindings(d);
    look_at_jobs(d);
    if (doctor_count(d, DOCTOR_WARN) + doctor_count(d, DOCTOR_CRITICAL) == before)
        doctor_say(d, AGENTS, "agents.ok", DOCTOR_OK, NULL, "Agents: %zu, default %.*s", n,
                   STR_ARG(config_agent_default(d->c->config)->id));
}

/* --- channels ------------------------------------------------------------------------------------------------------------------- */

static void look_at_webhooks(struct doctor *d)
{
    static const char *const NAMES[] = { "DISCORD_WEBHOOK_DEUTSCH", "DISCORD_WEBHOOK_ENGLISH", "DISCORD_WEBHOOK_DAILY",
                                         "DISCORD_WEBHOOK_ALERTS" };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct str url = env_get(&d->c->env, NAMES[i]);
        if (url.n && (!(str_starts(url, STR("https://")) || str_starts(url, STR("http://"))) || str_find(url, STR("/webhooks/")) < 0))
            doctor_say(d, CHANNELS, "webhook.address", DOCTOR_WARN, "copy the address anew: channel settings, Integrations, Webhooks",
                       "%s is no address of a webhook (https://discord.com/api/webhooks/...).", NAMES[i]);
    }
}

static bool is_snowflake(struct str id)
{
    for (size_t i = 0; i < id.n; i++)
        if (id.p[i] < '0' || id.p[i] > '9') return false;
    return id.n >= 17 && id.n <= 20;
}

static void look_at_guilds(struct doctor *d, const struct json5_node *discord)
{
    const struct json5_node *guilds = json5_member(discord, STR("guilds"));
    const struct json5_node *policy = json5_member(discord, STR("groupPolicy"));
    bool allowlist = !policy || (policy->kind == JSON5_STRING && str_is(policy->string, "allowlist"));
    if (allowlist && (!guilds || guilds->count == 0))
        doctor_say(d, CHANNELS, "discord.no_guild", DOCTOR_WARN, "name the servers in channels.discord.guilds",
                   "channels.discord.groupPolicy is allowlist and no server is on the list: the bot answers nobody there.");
    for (size_t i = 0; i < config_binding_count(d->c->config); i++) {
        const struct config_binding *b = config_binding_at(d->c->config, i);
        const struct json5_node *guild = b->guild_id.n ? json5_member(guilds, b->guild_id) : NULL;
        const struct json5_node *channels = guild ? json5_member(guild, STR("channels")) : NULL;
        bool listed = !channels || channels->count == 0 || json5_member(channels, b->peer_id) || json5_member(channels, STR("*"));
        if (str_is(b->channel, "discord") && str_is(b->peer_kind, "channel") && is_snowflake(b->peer_id) && !listed)
            doctor_say(d, CHANNELS, "binding.channel", DOCTOR_WARN, "add the channel to channels.discord.guilds.<id>.channels",
                       "bindings[%zu] is for channel %.*s, which the server's list does not allow: nobody is answered there.", i,
                       STR_ARG(b->peer_id));
    }
}

void doctor_look_at_channels(struct doctor *d)
{
    const config_t *config = d->c->config;
    const struct json5_node *discord = config_get(config, STR("channels.discord")),
                            *telegram = config_get(config, STR("channels.telegram"));
    const struct json5_node *enabled = json5_member(discord, STR("enabled")),
                            *plugin = config_get(config, STR("plugins.entries.discord.enabled"));
    bool off = (enabled && enabled->kind == JSON5_BOOL && !enabled->boolean) || (plugin && plugin->kind == JSON5_BOOL && !plugin->boolean);
    if (discord && !off) {
        bool token =
            env_get(&d->c->env, "DISCORD_BOT_TOKEN").n || json5_member(discord, STR("token")) || json5_member(discord, STR("accounts"));
        if (!token)
            doctor_say(d, CHANNELS, "discord.no_token", DOCTOR_CRITICAL, "set DISCORD_BOT_TOKEN (docs/discord.md)",
                       "Discord is configured and has no bot token.");
        look_at_guilds(d, discord);
    }
    bool telegram_token =
        env_get(&d->c->env, "TELEGRAM_BOT_TOKEN").n || json5_member(telegram, STR("botToken")) || json5_member(telegram, STR("tokenFile"));
    if (telegram && telegram->kind == JSON5_OBJECT && !telegram_token)
        doctor_say(d, CHANNELS, "telegram.no_token", DOCTOR_WARN, "set TELEGRAM_BOT_TOKEN (docs/telegram.md)",
                   "Telegram is configured and has no bot token.");
    look_at_webhooks(d);
}
