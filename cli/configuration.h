/** cli/configuration.h -- the configuration as a command finds it: file, problems, last good copy, address to bind.
 *
 *  Owns:   struct configuration: the config and the words about it
 *  Thread: the main one
 *  Source: DESIGN section 8.9 (a bad config is no outage), reference gateway-protocol 9 */
#ifndef CLI_CONFIGURATION_H
#define CLI_CONFIGURATION_H

#include "base/config.h"

enum { CONFIGURATION_PATH_MAX = 4096 };

struct configuration {
    struct env env;
    char path[CONFIGURATION_PATH_MAX];  /* of the configuration file */
    char state[CONFIGURATION_PATH_MAX]; /* state directory */
    config_t *config;
    bool file_found; /* false: all defaults */
    struct buf note; /* why `config` is not what the file says; empty: it is */
};

/** Find and read it. Problems are told on stderr, one a line: `path: message (file:line)`.
 *  @param last_good  a file with errors is replaced by the copy of the last good one, when there is one
 *  @return CLI_OK, CLI_CONFIG or CLI_FAILED; free with configuration_free() in any case */
int configuration_load(struct configuration *c, bool last_good);
void configuration_free(struct configuration *c);

/** Keep a copy of a good file as <state>/openclaw.last-good.json (mode 0600). A failure is only told: it stops nothing. */
void configuration_keep(const struct configuration *c);

/** Tell all problems of `problems` on stderr. */
void configuration_tell(const struct config_problems *problems);

/** Make the log look as the configuration and the environment say, and never show a secret. */
void configuration_log(const struct configuration *c, bool verbose);

/** Write the log to files too: logging.file, else <state>/logs. A failure is only told: it stops nothing. Before threads start. */
void configuration_log_file(const struct configuration *c);

/** The address for gateway.bind. @param flag  --bind: a name or an address; NULL: the config's
 *  @return 0, or GW_EINVAL when it is neither a name nor an address */
int configuration_bind(const config_t *cfg, const char *flag, char out[64]);

#endif
