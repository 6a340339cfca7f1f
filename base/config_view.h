/** base/config_view.h -- what clients are told of a configuration file: its text, its values, what is wrong with it.
 *
 *  In:     the file's text
 *  Out:    JSON, secrets hidden (base/config_redact.h)
 *  Owns:   nothing
 *  Thread: any
 *  Source: reference gateway-protocol 7 (config.get), frames rpc-config.get */
#ifndef BASE_CONFIG_VIEW_H
#define BASE_CONFIG_VIEW_H

#include "base/config.h"

enum { CONFIG_HASH_SIZE = 65 }; /* SHA-256 in hexadecimal, with its NUL */

/** The hash that guards a change: of the file's bytes; of nothing when there is no file. */
void config_hash(struct str text, char out[CONFIG_HASH_SIZE]);

struct config_view {
    const char *path;
    bool exists;
    struct str text;    /* of the file */
    struct str restart; /* settings, one a line, whose new value waits for a restart */
    struct str note;    /* why something else than the file is in force; empty: it is in force */
    const struct env *env;
};

/** Append the answer to config.get. A text that is not JSON5 is told as null: its secrets could not be hidden.
 *  @return 0, GW_ENOMEM, GW_ELIMIT */
int config_view_get(const struct config_view *view, struct buf *out);

/** Append the `config` part alone: everything resolved, with the defaults that OpenClaw's clients look for. */
int config_view_values(const config_t *cfg, struct buf *out);

/** Append {valid, issues[{path, message, line}], warnings[...]} for a text that could become the file at `path`.
 *  @param env  for ${NAME} */
int config_view_validate(struct str text, const char *path, const struct env *env, struct buf *out);

/** Append the errors of `problems` as a list of {path, message}, or its warnings. */
void config_view_issues(const struct config_problems *problems, enum config_severity severity, bool lines, struct buf *out);

#endif
