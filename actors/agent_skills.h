/** actors/agent_skills.h -- which skills an agent has: where they are, and what the configuration says about each.
 *
 *  In:     the configuration           Out: options for skills_load()
 *  Owns:   struct agent_skills is the caller's
 *  Thread: any
 *  Source: reference agent-runtime 3, gateway-protocol 7 (skills.status) */
#ifndef ACTORS_AGENT_SKILLS_H
#define ACTORS_AGENT_SKILLS_H

#include <limits.h>

#include "base/config.h"
#include "skills/skills.h"

struct agent_skills { /* large: on the heap */
    const config_t *config;
    struct skills_folder folders[SKILLS_SOURCES_MAX];
    char managed[PATH_MAX], workspace[PATH_MAX];
    struct skills_options options; /* points into this struct */
};

/** Fill `out`. @param all  also the skills that the agent does not see: switched off, blocked, or not on its list */
void agent_skills_init(struct agent_skills *out, const config_t *config, const struct config_agent *agent, bool all);

/** skills.entries.<key>.enabled is false. */
bool agent_skills_disabled(const config_t *config, const struct skill *skill);

/** A bundled skill that skills.allowBundled leaves out. */
bool agent_skills_blocked(const config_t *config, const struct skill *skill);

#endif
