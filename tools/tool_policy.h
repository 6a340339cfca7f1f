/** tools/tool_policy.h -- which tools a turn is offered: profiles, allow and deny lists, groups, depth. A pure function.
 *
 *  In:     the configuration, who asks, through what, how deep     Out: a set of tools
 *  Owns:   nothing     Thread: any
 *  Source: reference agent-runtime 4; OpenClaw's keys tools.*, agents.list[].tools.*, tools.byProvider, tools.subagents.tools
 *
 *  A tool is offered when every layer lets it pass: the defaults' profile and lists, the agent's, those for the provider or the model,
 *  the channel's, and those for sub-agents. In a layer, deny wins over allow. Names may be `*`, `group:<name>`, or end in `*`. */
#ifndef TOOLS_TOOL_POLICY_H
#define TOOLS_TOOL_POLICY_H

#include "tools/tool.h"

struct tool_asker {
    const config_t *config;
    const struct config_agent *agent;
    struct model_ref model; /* the first candidate: tools.byProvider goes by it */
    struct str channel;     /* "discord", "webchat"; channels.<channel>.tools */
    int depth;              /* 0: spoken to by people */
    int depth_max;
};

typedef uint64_t tool_set; /* bit TOOL_x: offered */

_Static_assert(TOOL_COUNT <= 64, "tool_set holds 64");

/** What may be offered. */
tool_set tool_policy(const struct tool_asker *asker);

static inline bool tool_in(tool_set set, enum tool_id id)
{
    return id < TOOL_COUNT && (set >> id & 1);
}

#endif
