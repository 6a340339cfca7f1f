/* tools/agents_list.c -- who may be started as a sub-agent: the agent itself first, then its allowlist in the order of the configuration.
 * Source: agent-runtime 4, result of agents_list */
#include "base/err.h"
#include "tools/tool.h"

static void list(json_t *agents, const struct config_agent *a)
{
    json_array_append_new(agents, json_pack("{s:s%,s:s%,s:b}", "id", a->id.p, a->id.n, "name", a->name.p, a->name.n, "configured", 1));
}

int tool_agents_list(struct tool_call *call)
{
    const struct config_agent *me = call->place->agent;
    json_t *agents = json_array();
    list(agents, me);
    for (size_t i = 0; i < config_agent_count(call->place->config); i++) {
        const struct config_agent *a = config_agent_at(call->place->config, i);
        if (a != me && config_agent_may_spawn(me, a->id)) list(agents, a);
    }
    return tool_answer_json(call,
                            json_pack("{s:s%,s:b,s:o}", "requester", me->id.p, me->id.n, "allowAny", me->allow_any, "agents", agents));
}
