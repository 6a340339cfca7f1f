#include "channels/routing.h"

#include <ctype.h>

#include "channels/session_key.h"

/* How exactly a binding fits; 0: not at all. */
enum tier { NO_FIT, BY_CHANNEL, BY_ACCOUNT, BY_TEAM, BY_GUILD, BY_ROLE, BY_PARENT, BY_PEER };

static bool has_role(const struct config_binding *b, const struct routing_from *from)
{
    for (size_t i = 0; i < b->role_count; i++)
        for (size_t k = 0; k < from->role_count; k++)
            if (str_eq(b->roles[i], from->roles[k])) return true;
    return false;
}

static bool account_fits(const struct config_binding *b, const struct routing_from *from)
{
    if (b->account_id.n == 0) return from->default_account;
    return str_is(b->account_id, "*") || str_eq(b->account_id, from->account);
}

static enum tier fit(const struct config_binding *b, const struct routing_from *from)
{
    if (!str_is(b->channel, from->channel) || !account_fits(b, from)) return NO_FIT;
    if (b->guild_id.n && !str_eq(b->guild_id, from->guild)) return NO_FIT;
    if (b->role_count && !has_role(b, from)) return NO_FIT;
    if (b->team_id.n) return NO_FIT; /* no network here has teams */
    if (b->peer_id.n) {
        bool exact = str_eq(b->peer_id, from->peer) && (b->peer_kind.n == 0 || str_is(b->peer_kind, from->kind));
        if (exact) return BY_PEER;
        return from->parent.n && str_eq(b->peer_id, from->parent) && !str_is(b->peer_kind, "direct") ? BY_PARENT : NO_FIT;
    }
    if (b->guild_id.n) return b->role_count ? BY_ROLE : BY_GUILD;
    if (b->role_count) return BY_ROLE;
    return str_is(b->account_id, "*") ? BY_CHANNEL : BY_ACCOUNT;
}

struct str routing_agent(const config_t *config, const struct routing_from *from)
{
    const struct config_binding *best = NULL;
    enum tier best_tier = NO_FIT;
    for (size_t i = 0; i < config_binding_count(config); i++) {
        const struct config_binding *b = config_binding_at(config, i);
        enum tier tier = fit(b, from);
        if (tier <= best_tier) continue;
        best = b;
        best_tier = tier;
    }
    const struct config_agent *agent = best ? config_agent_find(config, best->agent_id) : NULL;
    return agent ? agent->id : config_agent_default(config)->id;
}

/* session.identityLinks: the name under which a person is known on several networks. */
static struct str linked(const config_t *config, const struct routing_from *from)
{
    const struct json5_node *links = config_get(config, STR("session.identityLinks"));
    char full[160];
    struct buf wanted = { .max = sizeof full };
    buf_printf(&wanted, "%s:%.*s", from->channel, STR_ARG(from->peer));
    struct str found = from->peer;
    for (const struct json5_node *name = links ? links->first : NULL; name; name = name->next)
        for (const struct json5_node *id = name->first; id; id = id->next)
            if (id->kind == JSON5_STRING && (str_ieq(id->string, buf_str(&wanted)) || str_eq(id->string, from->peer))) found = name->key;
    buf_free(&wanted);
    return found;
}

int routing_session_key(const config_t *config, struct str agent, const struct routing_from *from, struct buf *out)
{
    const struct session_key_rules rules = { config_agent_default(config)->id, config_str(config, "session.mainKey") };
    struct str scope = config_str(config, "session.dmScope");
    size_t start = out->n;
    if (strcmp(from->kind, "direct") != 0) {
        buf_printf(out, "agent:%.*s:%s:%s:%.*s", STR_ARG(agent), from->channel, from->kind, STR_ARG(from->peer));
    } else if (str_is(scope, "per-peer")) {
        buf_printf(out, "agent:%.*s:direct:%.*s", STR_ARG(agent), STR_ARG(linked(config, from)));
    } else if (str_is(scope, "per-channel-peer")) {
        buf_printf(out, "agent:%.*s:%s:direct:%.*s", STR_ARG(agent), from->channel, STR_ARG(linked(config, from)));
    } else if (str_is(scope, "per-account-channel-peer")) {
        buf_printf(out, "agent:%.*s:%s:%.*s:direct:%.*s", STR_ARG(agent), from->channel, STR_ARG(from->account),
                   STR_ARG(linked(config, from)));
    } else {
        session_key_main(&rules, agent, out);
    }
    for (size_t i = start; i < out->n && !out->err; i++) out->p[i] = (char)tolower((unsigned char)out->p[i]);
    return out->err;
}
