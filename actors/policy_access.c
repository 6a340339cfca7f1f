#include "actors/policy_access.h"

static bool takes_part(const struct access_rules *rules, struct str agent)
{
    for (size_t i = 0; i < rules->allow_count; i++)
        if (str_is(rules->allow[i], "*") || str_eq(rules->allow[i], agent)) return true;
    return false;
}

const char *policy_access(const struct access_rules *rules, const struct access_pair *pair)
{
    if (str_eq(pair->asker, pair->target)) return NULL;
    if (pair->descendant && rules->visibility >= ACCESS_TREE) return NULL;
    if (rules->visibility == ACCESS_SELF) return "Only this session itself is visible (tools.sessions.visibility is \"self\").";
    if (rules->visibility == ACCESS_TREE)
        return "Only this session and those it spawned are visible (tools.sessions.visibility is \"tree\").";
    if (str_eq(pair->asker_agent, pair->target_agent)) return NULL;
    if (rules->visibility == ACCESS_AGENT) return "Only this agent's sessions are visible (tools.sessions.visibility is \"agent\").";
    if (!rules->agent_to_agent) return "Sessions of other agents are out of reach: tools.agentToAgent.enabled is false.";
    if (!takes_part(rules, pair->asker_agent) || !takes_part(rules, pair->target_agent))
        return "Sessions of other agents are out of reach: tools.agentToAgent.allow does not name both agents.";
    return NULL;
}
