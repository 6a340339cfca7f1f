/** actors/policy_access.h -- whose sessions an agent's tools may see and write to. A pure function.
 *
 *  In:     the settings, who asks, about which session     Out: yes, or a refusal in words
 *  Owns:   nothing     Thread: any
 *  Source: tools.sessions.visibility and tools.agentToAgent (reference agent-runtime 5.4) */
#ifndef ACTORS_POLICY_ACCESS_H
#define ACTORS_POLICY_ACCESS_H

#include "base/str.h"

enum access_visibility { ACCESS_SELF, ACCESS_TREE, ACCESS_AGENT, ACCESS_ALL };

struct access_rules {
    enum access_visibility visibility;
    bool agent_to_agent;     /* tools.agentToAgent.enabled */
    const struct str *allow; /* tools.agentToAgent.allow: ids, or "*"; both sides must be in it */
    size_t allow_count;
};

struct access_pair {
    struct str asker, target;             /* session keys */
    struct str asker_agent, target_agent; /* agent ids */
    bool descendant;                      /* the target was spawned by the asker, or by one that was */
};

/** @return NULL: allowed; else why not, static. A session itself is always visible, and a descendant at ACCESS_TREE and above, whatever its
 * agent */
const char *policy_access(const struct access_rules *rules, const struct access_pair *pair);

#endif
