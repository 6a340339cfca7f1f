/** actors/exec_env.h -- what a command of an agent finds in its environment: little, and no secret.
 *
 *  In:     configuration, agent, what the call asks for     Out: NAME=value texts, a NUL after each
 *  Owns:   nothing     Thread: any
 *
 *  A command gets PATH, HOME (the workspace), language, terminal and time zone, a git identity of its agent, and what tools.exec.env names:
 *  never a value that the configuration holds as a secret, nor a variable that the gateway's own keys and tokens come from. */
#ifndef ACTORS_EXEC_ENV_H
#define ACTORS_EXEC_ENV_H

#include <jansson.h>

#include "base/config.h"

/** @param extra    the call's own `env`, an object; NULL: none
 *  @param refused  gets the names of the call's variables that were left out, with a blank between; may be NULL
 *  @return 0 or out's error */
int exec_env_build(const config_t *config, const struct config_agent *agent, const json_t *extra, struct buf *out, struct buf *refused);

/** Files that the owner's tools.exec.env gives an agent by name, for the list of what its commands may read: those of KUBECONFIG, and
 *  with KUBERNETES_SERVICE_HOST the pod's service account. What a call asks for itself opens nothing. Each path with a NUL behind it.
 *  @return 0 or out's error */
int exec_env_readable(const config_t *config, const struct config_agent *agent, struct buf *out);

/** True for names that programs load code or secrets by, and for those of keys and tokens. */
bool exec_env_forbidden(struct str name);

#endif
