/** actors/git_guard.h -- the customer's git rules made true for agents with the `gitops` skill: hooks that refuse, with the rule and the
 * fix.
 *
 *  In:     an agent, the state directory     Out: a folder of hooks for core.hooksPath, an environment that names it
 *  Owns:   the files in <state>/githooks/<agent>/
 *  Thread: any; a session's before a command
 *  Source: the customer's agent footprint: a commit's subject ends in ` [<agent-id>]`, branches are `<agent-id>/<type>/<issue>-<slug>`,
 * nobody pushes to main, a branch holds origin/main before it is pushed, homelab-admin alone pushes tags; githooks(5), git-config(1)
 *
 *  Hooks are the repository owner's reminder, not a wall: an agent that holds credentials could talk to the server without git. What
 *  git offers to leave them out (--no-verify, another core.hooksPath) is refused before the command runs. */
#ifndef ACTORS_GIT_GUARD_H
#define ACTORS_GIT_GUARD_H

#include "base/config.h"

/** Whether the rules bind this agent: its skills name `gitops`. */
bool git_guard_binds(const struct config_agent *agent);

/** Write the hooks, unless they are there. @param folder  PATH_MAX bytes; receives where  @return 0, GW_ELIMIT, GW_EDENIED, GW_EIO */
int git_guard_prepare(const config_t *config, const struct config_agent *agent, char *folder);

/** Append GIT_CONFIG_* for a command: what the gateway's own environment says, then core.hooksPath. NAME=value, a NUL after each. */
void git_guard_environment(const char *folder, struct buf *out);

/** @return what of a command would leave the hooks out; NULL: nothing. Static */
const char *git_guard_bypass(struct str command);

#endif
