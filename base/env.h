/** base/env.h -- environment variables behind a lookup, so that a test brings its own.
 *
 *  Thread: any, as long as nobody calls setenv() meanwhile; the program never does. */
#ifndef BASE_ENV_H
#define BASE_ENV_H

#include "base/str.h"

/** A source of variables. `get` returns the value, borrowed for as long as the source lives, or NULL.
 *  Zero is valid: no variable is set. */
struct env {
    const char *(*get)(void *ctx, const char *name);
    void *ctx;
};

/** The variables of this process (getenv). */
struct env env_process(void);

/** A fixed list "NAME", "value", "NAME", "value", NULL; borrowed. */
struct env env_list(const char *const *pairs);

/** The value of `name`; empty when it is unset. */
struct str env_get(const struct env *env, const char *name);

#endif
