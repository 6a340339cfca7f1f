#include "actors/query_answers.h"

#include <limits.h>
#include <stdio.h>

#include "actors/query_util.h"
#include "base/file.h"
#include "channels/session_key.h"

enum { IDENTITY_FILE_MAX = 64 * 1024 };

static struct str text_at(const struct json5_node *node, const char *name)
{
    const struct json5_node *found = json5_member(node, str_of(name));
    return found && found->kind == JSON5_STRING ? str_trim(found->string) : (struct str){ NULL, 0 };
}

/* --- agents.list ------------------------------------------------------------------------------------------------ */

static void add_identity(struct buf *out, const struct json5_node *identity)
{
    static const char *const keys[] = { "name", "theme", "emoji", "avatar" };
    struct str avatar = text_at(identity, "avatar");
    bool url = str_starts(avatar, STR("http://")) || str_starts(avatar, STR("https://")) || str_starts(avatar, STR("data:"));
    if (!identity || identity->kind != JSON5_OBJECT) return;
    buf_json_key(out, "identity");
    buf_char(out, '{');
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct str value = text_at(identity, keys[i]);
        if (value.n) buf_json_pair_str(out, keys[i], value);
    }
    if (url) buf_json_pair_str(out, "avatarUrl", avatar);
    buf_char(out, '}');
}

static void add_chain(struct buf *out, const struct model_ref *models, size_t count)
{
    buf_json_key(out, "model");
    buf_char(out, '{');
    if (count) buf_json_pair_str(out, "primary", models[0].text);
    buf_json_key(out, "fallbacks");
    buf_char(out, '[');
    for (size_t i = 1; i < count; i++) {
        buf_json_comma(out);
        buf_json_str(out, models[i].text);
    }
    buf_text(out, "]}");
}

/* What OpenClaw's answer lacks and our page shows stands behind its fields: the chain as it is resolved, skills, sub-agents. */
static void add_resolved(struct buf *out, const struct config_agent *a)
{
    buf_json_pair_str(out, "workspace", a->workspace);
    add_chain(out, a->models, a->model_count);
    if (a->skills_listed)
        query_pair_list(out, "skills", a->skills, a->skill_count);
    else
        query_pair_null(out, "skills");
    buf_json_key(out, "subagents");
    buf_text(out, "{\"allowAgents\":[");
    if (a->allow_any) buf_json_str(out, STR("*"));
    for (size_t i = 0; i < a->allow_count; i++) {
        buf_json_comma(out);
        buf_json_str(out, a->allow[i]);
    }
    buf_char(out, ']');
    add_chain(out, a->subagent_models, a->subagent_model_count);
    buf_char(out, '}');
}

static int agents_list(struct rpc_call *call)
{
    struct buf *out = call->out;
    buf_char(out, '{');
    buf_json_pair_str(out, "defaultId", config_agent_default(call->config)->id);
    buf_json_pair_str(out, "mainKey", config_str(call->config, "session.mainKey"));
    buf_json_pair_str(out, "scope", config_str(call->config, "session.scope"));
    buf_json_key(out, "agents");
    buf_char(out, '[');
    for (size_t i = 0; i < config_agent_count(call->config); i++) {
        const struct config_agent *a = config_agent_at(call->config, i);
        struct str name = text_at(a->node, "name");
        buf_json_comma(out);
        buf_char(out, '{');
        buf_json_pair_str(out, "id", a->id);
        if (name.n) buf_json_pair_str(out, "name", name);
        add_identity(out, json5_member(a->node, STR("identity")));
        add_resolved(out, a);
        buf_char(out, '}');
    }
    buf_text(out, "]}");
    return 0;
}

/* --- agent.identity.get ----------------------------------------------------------------------------------------- */

struct identity {
    struct str name, emoji, avatar;
};

/* A line of IDENTITY.md: "- **Name:** Mainy". Lines with a hint in brackets are not filled in. */
static void read_line(struct str line, struct identity *id)
{
    struct str value = line, label = str_trim(str_split(&value, ':'));
    while (label.n && strchr("-*_ ", label.p[0])) label = (struct str){ label.p + 1, label.n - 1 };
    while (label.n && strchr("*_ ", label.p[label.n - 1])) label.n--;
    while (value.n && strchr("*_ \t", value.p[0])) value = (struct str){ value.p + 1, value.n - 1 };
    value = str_trim(value);
    while (value.n && strchr("*_", value.p[value.n - 1])) value.n--;
    struct str *to = str_ieq(label, STR("name"))     ? &id->name
                     : str_ieq(label, STR("emoji"))  ? &id->emoji
                     : str_ieq(label, STR("avatar")) ? &id->avatar
                                                     : NULL;
    if (to && !to->n && value.n && value.p[0] != '(') *to = value;
}

static void read_identity_file(const struct config_agent *agent, struct buf *text, struct identity *id)
{
    char path[PATH_MAX];
    int n = snprintf(path, sizeof path, "%.*s/IDENTITY.md", STR_ARG(agent->workspace));
    if (n < 0 || (size_t)n >= sizeof path || file_read(path, IDENTITY_FILE_MAX, text) != 0) return;
    for (struct str rest = buf_str(text); rest.p;) read_line(str_split(&rest, '\n'), id);
}

static struct str first(const struct str *of, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (of[i].n) return of[i];
    return (struct str){ NULL, 0 };
}

/* Source: reference gateway-protocol 6.5: the page's own setting, the agent's, its IDENTITY.md, else the default. */
static void add_who(struct rpc_call *call, struct str id)
{
    const struct config_agent *agent = config_agent_find(call->config, id);
    struct buf text = { 0 };
    struct identity own = { 0 };
    if (agent) read_identity_file(agent, &text, &own);
    struct str emoji = agent ? agent->identity_emoji : (struct str){ NULL, 0 };
    const struct str names[] = { config_str(call->config, "ui.assistant.name"), agent ? agent->identity_name : (struct str){ NULL, 0 },
                                 own.name, STR("Assistant") };
    const struct str avatars[] = { config_str(call->config, "ui.assistant.avatar"),
                                   agent ? text_at(json5_member(agent->node, STR("identity")), "avatar") : (struct str){ NULL, 0 },
                                   emoji,
                                   own.avatar,
                                   own.emoji,
                                   STR("A") };
    if (!emoji.n) emoji = own.emoji;
    buf_char(call->out, '{');
    buf_json_pair_str(call->out, "agentId", id);
    buf_json_pair_str(call->out, "name", first(names, sizeof names / sizeof *names));
    buf_json_pair_str(call->out, "avatar", first(avatars, sizeof avatars / sizeof *avatars));
    if (emoji.n) buf_json_pair_str(call->out, "emoji", emoji);
    buf_char(call->out, '}');
    buf_free(&text);
}

static int agent_identity_get(struct rpc_call *call)
{
    struct str id = str_trim(rpc_str(call, "agentId")), key = str_trim(rpc_str(call, "sessionKey"));
    struct session_key parts = { .agent = { NULL, 0 } };
    bool whole = session_key_parse(key, &parts) == 0;
    struct str of_key = whole ? parts.agent : (struct str){ NULL, 0 };
    if (str_starts(key, STR("agent:")) && !whole)
        return rpc_fail(call, "INVALID_REQUEST", "invalid agent.identity.get params: malformed session key \"%.*s\"", STR_ARG(key));
    if (id.n && of_key.n && !str_eq(id, of_key))
        return rpc_fail(call, "INVALID_REQUEST",
                        "invalid agent.identity.get params: agent \"%.*s\" does not match session key agent \"%.*s\"", STR_ARG(id),
                        STR_ARG(of_key));
    if (!id.n) id = of_key;
    if (!id.n) id = config_agent_default(call->config)->id;
    add_who(call, id);
    return 0;
}

const struct rpc_handler query_agents_handlers[] = {
    { RPC_agents_list, agents_list },
    { RPC_agent_identity_get, agent_identity_get },
    { RPC_none, NULL },
};
