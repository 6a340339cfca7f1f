/* Which agent and which session a chat completion is for. */
#include <ctype.h>
#include <stdio.h>

#include "base/err.h"
#include "channels/openai_internal.h"

/* An agent id as OpenClaw has them: [a-z0-9][a-z0-9_-]{0,63}, case ignored. */
static bool copy_agent(struct str id, char out[OPENAI_AGENT_MAX + 1])
{
    if (id.n == 0 || id.n > OPENAI_AGENT_MAX || !isalnum((unsigned char)id.p[0])) return false;
    for (size_t i = 0; i < id.n; i++) {
        unsigned char c = (unsigned char)id.p[i];
        if (!isalnum(c) && c != '_' && c != '-') return false;
        out[i] = (char)tolower(c);
    }
    out[id.n] = '\0';
    return true;
}

static bool after(struct str s, struct str prefix, struct str *rest)
{
    if (!str_starts(s, prefix)) return false;
    *rest = (struct str){ s.p + prefix.n, s.n - prefix.n };
    return true;
}

/* The agent that a model name asks for; false: none, any other name is only echoed. */
static bool agent_of_model(struct str model, char out[OPENAI_AGENT_MAX + 1])
{
    struct str id;
    if (!after(model, STR("openclaw:"), &id) && !after(model, STR("openclaw/"), &id) && !after(model, STR("agent:"), &id)) return false;
    return copy_agent(id, out);
}

/* agent:<id>:<rest>, printable. */
static int read_session_key(struct str key, char agent[OPENAI_AGENT_MAX + 1], struct openai_error *why)
{
    struct str rest = key;
    bool well = key.n <= OPENAI_SESSION_KEY_MAX && str_utf8_valid(key) && str_is(str_split(&rest, ':'), "agent");
    for (size_t i = 0; i < key.n; i++) well = well && (unsigned char)key.p[i] > 0x20 && key.p[i] != 0x7f;
    struct str id = str_split(&rest, ':');
    if (well && rest.n > 0 && copy_agent(id, agent)) return 0;
    return openai_refuse(why, GW_EINVAL, "",
                         "The header x-openclaw-session-key must be agent:<agentId>:<name>, at most %d bytes without spaces.",
                         OPENAI_SESSION_KEY_MAX);
}

int openai_chat_route(const struct openai_chat *chat, const struct openai_headers *headers, struct str default_agent, const char *uuid,
                      char agent[OPENAI_AGENT_MAX + 1], char session_key[OPENAI_SESSION_KEY_MAX + 1], struct openai_error *why)
{
    char of_header[OPENAI_AGENT_MAX + 1] = "";
    agent[0] = session_key[0] = '\0';
    if (headers->agent_id.n && !copy_agent(headers->agent_id, of_header))
        return openai_refuse(why, GW_EINVAL, "",
                             "The header x-openclaw-agent-id is not an agent id (letters, digits, _ and -, at most %d).", OPENAI_AGENT_MAX);
    if (headers->session_key.n) {
        int rc = read_session_key(headers->session_key, agent, why);
        if (rc) return rc;
        if (of_header[0] && strcmp(of_header, agent) != 0)
            return openai_refuse(why, GW_EINVAL, "",
                                 "The headers x-openclaw-agent-id (%s) and x-openclaw-session-key (agent %s) name different agents.",
                                 of_header, agent);
        return str_copy(session_key, OPENAI_SESSION_KEY_MAX + 1, headers->session_key);
    }
    if (of_header[0])
        str_copy(agent, OPENAI_AGENT_MAX + 1, str_of(of_header));
    else if (!agent_of_model(chat->model, agent) && !copy_agent(default_agent, agent))
        return openai_refuse(why, GW_EINVAL, "", "No agent is configured.");
    if (chat->user.n)
        snprintf(session_key, OPENAI_SESSION_KEY_MAX + 1, "agent:%s:openai-user:%.*s", agent, STR_ARG(chat->user));
    else
        snprintf(session_key, OPENAI_SESSION_KEY_MAX + 1, "agent:%s:openai:%s", agent, uuid);
    return 0;
}
