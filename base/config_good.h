/** base/config_good.h -- the copy of the last configuration without errors, and the log as a configuration wants it.
 *
 *  In:     the path of the configuration file, the state directory
 *  Out:    <state>/openclaw.last-good.json (mode 0600); log settings of the process
 *  Owns:   nothing
 *  Thread: one at a time; the boot, then the reload actor
 *  Source: DESIGN section 8.9 (a bad config is no outage) */
#ifndef BASE_CONFIG_GOOD_H
#define BASE_CONFIG_GOOD_H

#include "base/config.h"

enum { CONFIG_GOOD_PATH_MAX = 4096 + 32 }; /* bytes of the copy's path, with its NUL */

/** The path of the copy. @return 0 or GW_ELIMIT */
int config_good_path(const char *state_dir, char out[CONFIG_GOOD_PATH_MAX]);

/** Copy a good file there; nothing happens when the copy is the same already. A failure is logged and stops nothing. */
void config_good_keep(const char *path, const char *state_dir);

/** Load the copy as if it stood at `path`: relative $include paths are those of the wanted file.
 *  @return as config_parse(), or GW_ENOENT */
int config_good_load(const char *path, const char *state_dir, const struct env *env, config_t **out, struct config_problems *problems);

/** Make the log look as the configuration and the environment say, and never show a secret of it. */
void config_good_log(const config_t *cfg, const struct env *env, bool verbose);

#endif
