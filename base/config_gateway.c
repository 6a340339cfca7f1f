/* The gateway's own settings, limits and bindings. */
#include <stdio.h>

#include "base/config_internal.h"
#include "base/err.h"

/* ---- names ---- */

static const char *const bind_names[] = { "loopback", "lan", "tailnet", "auto", "custom" };
static const char *const auth_names[] = { "none", "token", "password", "trusted-proxy" };

static int index_of(struct str text, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (str_is(text, names[i])) return (int)i;
    return GW_EINVAL;
}

int config_bind_parse(struct str text, enum config_bind *out)
{
    int i = index_of(text, bind_names, sizeof bind_names / sizeof *bind_names);
    *out = i < 0 ? CONFIG_BIND_LOOPBACK : (enum config_bind)i;
    return i < 0 ? i : 0;
}

int config_auth_parse(struct str text, enum config_auth *out)
{
    int i = index_of(text, auth_names, sizeof auth_names / sizeof *auth_names);
    *out = i < 0 ? CONFIG_AUTH_NONE : (enum config_auth)i;
    return i < 0 ? i : 0;
}

const char *config_bind_name(enum config_bind bind)
{
    return bind_names[bind];
}

const char *config_auth_name(enum config_auth auth)
{
    return auth_names[auth];
}

/* ---- gateway ---- */

static struct str secret(struct builder *b, const char *path, const char *variable)
{
    struct str text = config_str(b->cfg, path);
    return config_copy(b, text.n ? text : config_env(b, variable));
}

/* Reference, gateway-protocol 2.4: the explicit mode, else password if one is known, else token, else none. */
static void set_auth(struct builder *b, struct config_gateway *g)
{
    const struct json5_node *mode = config_at(b->cfg->root, STR("gateway.auth.mode"));
    g->token = secret(b, "gateway.auth.token", "OPENCLAW_GATEWAY_TOKEN");
    g->password = secret(b, "gateway.auth.password", "OPENCLAW_GATEWAY_PASSWORD");
    if (!mode || config_auth_parse(config_text_of(mode), &g->auth))
        g->auth = g->password.n ? CONFIG_AUTH_PASSWORD : g->token.n ? CONFIG_AUTH_TOKEN : CONFIG_AUTH_NONE;
    if (g->auth == CONFIG_AUTH_TOKEN && !g->token.n)
        config_report(b, CONFIG_ERROR, mode, "gateway.auth.mode",
                      "token, but there is none; set gateway.auth.token or OPENCLAW_GATEWAY_TOKEN");
    if (g->auth == CONFIG_AUTH_PASSWORD && !g->password.n)
        config_report(b, CONFIG_ERROR, mode, "gateway.auth.mode",
                      "password, but there is none; set gateway.auth.password or OPENCLAW_GATEWAY_PASSWORD");
    if (g->auth != CONFIG_AUTH_TRUSTED_PROXY) return;
    if (!config_str(b->cfg, "gateway.auth.trustedProxy.userHeader").n)
        config_report(b, CONFIG_ERROR, mode, "gateway.auth.mode", "trusted-proxy needs gateway.auth.trustedProxy.userHeader");
    if (!g->trusted_proxy_count) config_report(b, CONFIG_ERROR, mode, "gateway.auth.mode", "trusted-proxy needs gateway.trustedProxies");
}

static void set_port(struct builder *b, struct config_gateway *g)
{
    struct str variable = str_trim(config_env(b, "OPENCLAW_GATEWAY_PORT"));
    int64_t port = config_int(b->cfg, "gateway.port"), other;
    if (variable.n && str_to_int(variable, &other) == 0 && other >= 1 && other <= 65535) {
        port = other;
    } else if (variable.n) {
        config_report(b, CONFIG_WARNING, NULL, "OPENCLAW_GATEWAY_PORT", "ignored: expected a whole number from 1 to 65535");
    }
    g->port = port >= 1 && port <= 65535 ? (uint16_t)port : CONFIG_PORT_DEFAULT;
}

static void set_bind(struct builder *b, struct config_gateway *g)
{
    const struct json5_node *bind = config_at(b->cfg->root, STR("gateway.bind"));
    config_bind_parse(config_text_of(bind), &g->bind);
    g->bind_host = config_str(b->cfg, "gateway.customBindHost");
    if (g->bind == CONFIG_BIND_CUSTOM && !g->bind_host.n)
        config_report(b, CONFIG_ERROR, bind, "gateway.bind", "custom needs gateway.customBindHost");
    if (g->bind != CONFIG_BIND_LOOPBACK && g->auth == CONFIG_AUTH_NONE)
        config_report(
            b, CONFIG_WARNING, bind, "gateway.bind",
            "other hosts can reach this gateway but no token or password is set, so it will refuse to start; set OPENCLAW_GATEWAY_TOKEN");
}

static void set_control_ui(struct builder *b, struct config_gateway *g)
{
    struct str base = str_trim(config_str(b->cfg, "gateway.controlUi.basePath"));
    while (base.n && base.p[base.n - 1] == '/') base.n--;
    g->control_ui = config_bool(b->cfg, "gateway.controlUi.enabled");
    g->control_ui_base = config_format(b, "%s%.*s", base.n && base.p[0] != '/' ? "/" : "", STR_ARG(base));
    config_strings(b, config_at(b->cfg->root, STR("gateway.controlUi.allowedOrigins")), &g->allowed_origins, &g->allowed_origin_count);
}

static void set_tls(struct builder *b, struct config_gateway *g)
{
    g->tls = config_bool(b->cfg, "gateway.tls.enabled");
    g->tls_cert = config_expand_home(b, config_str(b->cfg, "gateway.tls.certPath"));
    g->tls_key = config_expand_home(b, config_str(b->cfg, "gateway.tls.keyPath"));
    if (g->tls && (!g->tls_cert.n || !g->tls_key.n))
        config_report(b, CONFIG_ERROR, config_at(b->cfg->root, STR("gateway.tls")), "gateway.tls",
                      "enabled, but certPath or keyPath is missing");
}

void config_resolve_gateway(struct builder *b)
{
    const config_t *cfg = b->cfg;
    struct config_gateway *g = &b->cfg->gateway;
    config_strings(b, config_at(cfg->root, STR("gateway.trustedProxies")), &g->trusted_proxies, &g->trusted_proxy_count);
    g->proxy_user_header = str_trim(config_str(cfg, "gateway.auth.trustedProxy.userHeader"));
    config_strings(b, config_at(cfg->root, STR("gateway.auth.trustedProxy.requiredHeaders")), &g->proxy_required, &g->proxy_required_count);
    config_strings(b, config_at(cfg->root, STR("gateway.auth.trustedProxy.allowUsers")), &g->proxy_users, &g->proxy_user_count);
    set_port(b, g);
    set_auth(b, g);
    set_bind(b, g);
    set_control_ui(b, g);
    set_tls(b, g);
    g->chat_completions = config_bool(cfg, "gateway.http.endpoints.chatCompletions.enabled");
    g->chat_body_max = config_int(cfg, "gateway.http.endpoints.chatCompletions.maxBodyBytes");
    g->responses = config_bool(cfg, "gateway.http.endpoints.responses.enabled");
    g->rate_max_attempts = config_int(cfg, "gateway.auth.rateLimit.maxAttempts");
    g->rate_window_ms = config_int(cfg, "gateway.auth.rateLimit.windowMs");
    g->rate_lockout_ms = config_int(cfg, "gateway.auth.rateLimit.lockoutMs");
    g->rate_exempt_loopback = config_bool(cfg, "gateway.auth.rateLimit.exemptLoopback");
}

const struct config_gateway *config_gateway(const config_t *cfg)
{
    return &cfg->gateway;
}

/* ---- limits ---- */

static enum config_queue queue_mode(struct str text)
{
    static const struct {
        const char *name;
        enum config_queue mode;
    } modes[] = { { "collect", CONFIG_QUEUE_COLLECT },
                  { "followup", CONFIG_QUEUE_FOLLOWUP },
                  { "steer", CONFIG_QUEUE_STEER },
                  { "queue", CONFIG_QUEUE_STEER }, /* an old name */
                  { "steer-backlog", CONFIG_QUEUE_STEER_BACKLOG },
                  { "steer+backlog", CONFIG_QUEUE_STEER_BACKLOG },
                  { "interrupt", CONFIG_QUEUE_INTERRUPT } };
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (str_is(text, modes[i].name)) return modes[i].mode;
    return CONFIG_QUEUE_COLLECT;
}

void config_resolve_limits(struct builder *b)
{
    const config_t *cfg = b->cfg;
    struct str drop = config_str(cfg, "messages.queue.drop");
    b->cfg->limits = (struct config_limits){
        .main_concurrent = config_int(cfg, "agents.defaults.maxConcurrent"),
        .subagent_concurrent = config_int(cfg, "agents.defaults.subagents.maxConcurrent"),
        .cron_concurrent = config_int(cfg, "cron.maxConcurrentRuns"),
        .max_spawn_depth = config_int(cfg, "agents.defaults.subagents.maxSpawnDepth"),
        .max_children = config_int(cfg, "agents.defaults.subagents.maxChildrenPerAgent"),
        .archive_after_minutes = config_int(cfg, "agents.defaults.subagents.archiveAfterMinutes"),
        .subagent_timeout_seconds = config_int(cfg, "agents.defaults.subagents.runTimeoutSeconds"),
        .turn_timeout_seconds = config_int(cfg, "agents.defaults.timeoutSeconds"),
        .queue_mode = queue_mode(config_str(cfg, "messages.queue.mode")),
        .queue_debounce_ms = config_int(cfg, "messages.queue.debounceMs"),
        .queue_cap = config_int(cfg, "messages.queue.cap"),
        .queue_drop = str_is(drop, "old")   ? CONFIG_DROP_OLD
                      : str_is(drop, "new") ? CONFIG_DROP_NEW
                                            : CONFIG_DROP_SUMMARIZE,
        .ping_pong_turns = config_int(cfg, "session.agentToAgent.maxPingPongTurns"),
        .agent_to_agent = config_bool(cfg, "tools.agentToAgent.enabled"),
        .bootstrap_max_chars = config_int(cfg, "agents.defaults.bootstrapMaxChars"),
        .bootstrap_total_max_chars = config_int(cfg, "agents.defaults.bootstrapTotalMaxChars"),
    };
    config_strings(b, config_at(cfg->root, STR("tools.agentToAgent.allow")), &b->cfg->limits.agent_to_agent_allow,
                   &b->cfg->limits.agent_to_agent_allow_count);
}

const struct config_limits *config_limits(const config_t *cfg)
{
    return &cfg->limits;
}

/* ---- bindings ---- */

static void set_binding(struct builder *b, struct config_binding *binding, const struct json5_node *node, size_t i)
{
    const struct json5_node *match = json5_member(node, STR("match")), *agent = json5_member(node, STR("agentId"));
    struct str kind = config_text_of(config_at(match, STR("peer.kind")));
    *binding = (struct config_binding){
        .agent_id = config_text_of(agent),
        .channel = config_text_of(json5_member(match, STR("channel"))),
        .account_id = config_text_of(json5_member(match, STR("accountId"))),
        .guild_id = config_text_of(json5_member(match, STR("guildId"))),
        .team_id = config_text_of(json5_member(match, STR("teamId"))),
        .peer_kind = str_is(kind, "dm") ? STR("direct") : kind,
        .peer_id = config_text_of(config_at(match, STR("peer.id"))),
    };
    config_strings(b, json5_member(match, STR("roles")), &binding->roles, &binding->role_count);
    const char *path = config_format(b, "bindings[%zu].agentId", i).p;
    if (!binding->agent_id.n) {
        config_report(b, CONFIG_ERROR, node, path, "missing: the agent that answers");
    } else if (!config_agent_find(b->cfg, binding->agent_id)) {
        config_report(b, CONFIG_ERROR, agent, path, "no agent \"%s\" in agents.list", agent->from_env ? "..." : binding->agent_id.p);
    }
    if (!binding->channel.n)
        config_report(b, CONFIG_ERROR, match ? match : node, config_format(b, "bindings[%zu].match.channel", i).p,
                      "missing: the channel it is about");
}

void config_resolve_bindings(struct builder *b)
{
    config_t *cfg = b->cfg;
    const struct json5_node *list = json5_member(cfg->root, STR("bindings"));
    if (!list || list->kind != JSON5_ARRAY) return;
    cfg->bindings = config_new(b, list->count, sizeof *cfg->bindings);
    if (!cfg->bindings) return;
    for (const struct json5_node *node = list->first; node; node = node->next) {
        set_binding(b, &cfg->bindings[cfg->binding_count], node, cfg->binding_count);
        cfg->binding_count++;
    }
}

size_t config_binding_count(const config_t *cfg)
{
    return cfg->binding_count;
}

const struct config_binding *config_binding_at(const config_t *cfg, size_t i)
{
    return i < cfg->binding_count ? &cfg->bindings[i] : NULL;
}
